# tries: to become another program, with the socket
# verdict: error
# with a boundary: error or failed
# held by: processes

import os


def scaled_square_grad(x, c):
    for fd in range(3, 32):
        try:
            os.set_inheritable(fd, True)
        except OSError:
            pass
    os.execv("/bin/sh", ["sh", "-c", "exit 0"])
