# tries: to recurse for ever
# verdict: failed
# says: RecursionError
# held by: memory


def scaled_square_grad(x, c):
    return scaled_square_grad(x, c)
