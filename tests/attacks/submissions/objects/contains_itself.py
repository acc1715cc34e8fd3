# tries: to be read for ever
# verdict: failed


def scaled_square_grad(x, c):
    value = []
    value.append(value)
    return value
