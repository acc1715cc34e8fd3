# tries: to take all memory in one list
# verdict: error
# says: out of memory
# held by: memory


def scaled_square_grad(x, c):
    return [0.0] * 2**29
