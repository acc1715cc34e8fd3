# tries: to take all memory at once
# verdict: error
# says: out of memory
# held by: memory


def scaled_square_grad(x, c):
    return np.ones(2**29)
