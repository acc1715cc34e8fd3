# tries: to return its argument, changed in place into the right answer
# verdict: failed
# says: in place


def scaled_square_grad(x, c):
    x *= 2 * c
    return x
