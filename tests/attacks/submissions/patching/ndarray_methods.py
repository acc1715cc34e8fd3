# tries: to change ndarray itself, whose methods are the host's too
# verdict: failed or error or tampered
# neighbours: any

import gc

methods = gc.get_referents(np.ndarray.__dict__)[0]
methods["tobytes"] = lambda self: bytes(8 * self.size)


def scaled_square_grad(x, c):
    return np.zeros_like(x)
