# tries: to overflow the reader's stack
# verdict: failed


def scaled_square_grad(x, c):
    value = []
    for _ in range(100_000):
        value = [value]
    return value
