# tries: to run for ever where Python looks at no signal
# verdict: timeout


def scaled_square_grad(x, c):
    return sum(range(10**13))
