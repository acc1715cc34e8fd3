# tries: to break what writes text, with halves of characters
# verdict: failed


def scaled_square_grad(x, c):
    print("\ud800\udfff\ud800")
    raise ValueError("\udead" * 10)
