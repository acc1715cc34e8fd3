# tries: to sleep for ever
# verdict: timeout

import time


def scaled_square_grad(x, c):
    time.sleep(10**6)
