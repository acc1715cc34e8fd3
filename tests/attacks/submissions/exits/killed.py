# tries: to end by SIGKILL
# verdict: error

import os


def scaled_square_grad(x, c):
    os.kill(os.getpid(), 9)
