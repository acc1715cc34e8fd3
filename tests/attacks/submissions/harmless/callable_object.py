# tries: nothing: right code as an object with __call__
# verdict: passed


class Gradient:
    __slots__ = ()

    def __call__(self, x, c):
        return 2.0 * c * x


scaled_square_grad = Gradient()
