# tries: nothing: prints past Python, to the standard descriptors
# verdict: passed
# held by: files

import os


def scaled_square_grad(x, c):
    os.write(1, b"\x00" * 1000)
    os.write(2, b"HTTP/1.1 200 OK\r\n\r\n")
    return 2.0 * c * x
