# tries: to recurse for ever
# verdict: failed
# says: RecursionError


def scaled_square_grad(x, c):
    return scaled_square_grad(x, c)
