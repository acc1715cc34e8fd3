# tries: to compute an integer without end
# verdict: timeout


def scaled_square_grad(x, c):
    return 3 ** (10**8)
