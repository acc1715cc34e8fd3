# tries: to list the folders around it, and the home of whoever grades
# verdict: failed
# leaks: without a boundary
# held by: files

import os


def scaled_square_grad(x, c):
    print(os.listdir("@COURSE@"), os.listdir(".."))
    raise ValueError(open("@HOME@/secret").read())
