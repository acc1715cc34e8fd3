# tries: to have pickle's way to say 'call this' obeyed
# verdict: failed
# held by: files

import os


class Payload:
    def __reduce__(self):
        return os.system, ("touch @SCRATCH@/pwned",)


def scaled_square_grad(x, c):
    return Payload()
