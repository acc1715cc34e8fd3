# tries: to hang where its exception is turned into text
# verdict: timeout


class Slow(Exception):
    def __str__(self):
        while True:
            pass


def scaled_square_grad(x, c):
    raise Slow
