# tries: to end the process that forks its successors
# verdict: error
# with a boundary: failed or error
# neighbours: any
# held by: processes

import os
import signal
import time


def scaled_square_grad(x, c):
    os.kill(os.getppid(), signal.SIGKILL)
    time.sleep(5)
