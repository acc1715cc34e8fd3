# tries: to open files until no more can be opened
# verdict: failed
# says: OSError
# held by: memory


def scaled_square_grad(x, c):
    return [open("/dev/null") for _ in range(10_000)]
