# tries: to end by SIGKILL
# verdict: error
# held by: processes

import os


def scaled_square_grad(x, c):
    os.kill(os.getpid(), 9)
