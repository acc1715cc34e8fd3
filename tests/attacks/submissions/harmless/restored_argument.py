# tries: nothing that can be seen: its argument is changed and put back
# verdict: passed


def scaled_square_grad(x, c):
    x *= 2
    result = c * x
    x /= 2
    return result
