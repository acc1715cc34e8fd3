# tries: to have the cleaning of its folder delete something else, through a link
# verdict: failed
# keeps: always
# held by: files

import os


def scaled_square_grad(x, c):
    os.makedirs("deep/er", exist_ok=True)
    for place in ("link", "deep/er/link"):
        if not os.path.lexists(place):
            os.symlink("@COURSE@", place)
            os.symlink("@RESULTS@", place + "2")
    return np.zeros_like(x)
