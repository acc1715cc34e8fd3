# tries: to send Python objects inside an array
# verdict: failed


def scaled_square_grad(x, c):
    return np.array([object()] * len(x))
