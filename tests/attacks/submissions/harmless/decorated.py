# tries: nothing: right code behind decorators
# verdict: passed

import functools


def logged(function):
    @functools.wraps(function)
    def inner(*args, **kwargs):
        return function(*args, **kwargs)

    return inner


@logged
@functools.partial
def scaled_square_grad(x, c):
    return 2.0 * c * x
