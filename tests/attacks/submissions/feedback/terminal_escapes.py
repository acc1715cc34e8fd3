# tries: to write on the terminal of whoever reads the report: clear it, title it, paste into it
# verdict: failed

import warnings

EVIL = "\x1b[2J\x1b[31mFULL MARKS\x1b[0m\x1b]0;owned\x07\x1b]52;c;cm0gLXJm\x07\x9b31m\r\x08\x7f\x00"


def scaled_square_grad(x, c):
    print(EVIL)
    warnings.warn(EVIL)
    raise ValueError(EVIL)
