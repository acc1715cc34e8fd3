# tries: nothing: right code that prints and warns a great deal
# verdict: passed

import warnings


def scaled_square_grad(x, c):
    for i in range(200):
        print("step", i, x)
        warnings.warn(f"step {i}")
    return 2.0 * c * x
