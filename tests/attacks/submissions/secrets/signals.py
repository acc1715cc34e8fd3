# tries: to end a process of the same user
# verdict: failed
# kills: without a boundary
# held by: processes

import os


def scaled_square_grad(x, c):
    os.kill(int("@VICTIM@"), 9)
    return np.zeros_like(x)
