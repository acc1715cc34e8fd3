# tries: to hang when its answer is thrown away
# verdict: timeout or passed
# neighbours: any


class Sticky(list):
    def __del__(self):
        while True:
            pass


def scaled_square_grad(x, c):
    return Sticky(2.0 * c * x)
