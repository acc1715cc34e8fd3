# tries: nothing: the right answer as a read-only, strided view of another byte order
# verdict: passed


def scaled_square_grad(x, c):
    wide = np.zeros(2 * len(x), ">f8")
    wide[::2] = 2.0 * c * x
    wide.flags.writeable = False
    return wide[::2].astype("<f8").astype(">f8")
