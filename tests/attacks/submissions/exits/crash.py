# tries: to crash the interpreter
# verdict: error
# held by: processes

import ctypes


def scaled_square_grad(x, c):
    ctypes.string_at(0)
