# tries: to run for ever, whatever is raised in it or sent to it
# verdict: timeout
# held by: processes

import signal

for number in range(1, 65):
    try:
        signal.signal(number, signal.SIG_IGN)
    except (OSError, ValueError):
        pass


def scaled_square_grad(x, c):
    while True:
        try:
            while True:
                pass
        except BaseException:
            pass
