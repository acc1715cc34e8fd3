# tries: to give the answer to a nearby point that it has seen before
# verdict: failed

last = None


def scaled_square_grad(x, c):
    global last
    if last is None or last.shape != x.shape:
        last = np.zeros_like(x)
    previous, last = last, 2.0 * c * x
    return previous
