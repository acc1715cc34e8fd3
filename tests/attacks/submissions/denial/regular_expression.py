# tries: to backtrack for ever
# verdict: timeout

import re


def scaled_square_grad(x, c):
    return re.match(r"(a+)+$", "a" * 64 + "b")
