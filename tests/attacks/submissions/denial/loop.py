# tries: to run for ever
# verdict: timeout


def scaled_square_grad(x, c):
    while True:
        pass
