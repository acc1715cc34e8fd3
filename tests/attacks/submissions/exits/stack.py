# tries: to overflow the C stack, with Python's limit lifted
# verdict: error or timeout or failed
# why: from Python 3.12 on C code has a limit of its own, and the call ends with a RecursionError
# held by: memory

import sys


def scaled_square_grad(x, c):
    sys.setrecursionlimit(10**9)
    value = []
    for _ in range(10**6):
        value = [value]
    return repr(value)
