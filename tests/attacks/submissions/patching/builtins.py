# tries: to make the host blind: len, isinstance, getattr, type
# verdict: failed or error or tampered
# neighbours: any

import builtins


def scaled_square_grad(x, c):
    builtins.isinstance = builtins.issubclass = lambda *args: True
    builtins.len = lambda value: 0
    return np.zeros_like(x)
