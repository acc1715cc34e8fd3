# tries: nothing: right code with an alarm of its own that it catches
# verdict: passed
# held by: processes

import signal


def ring(*args):
    raise TimeoutError


def scaled_square_grad(x, c):
    signal.signal(signal.SIGALRM, ring)
    signal.setitimer(signal.ITIMER_REAL, 0.001)
    try:
        while True:
            pass
    except TimeoutError:
        return 2.0 * c * x
