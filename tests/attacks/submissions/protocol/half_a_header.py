# tries: nothing, like a process that is killed while it begins to answer
# uses: socket
# verdict: error


def scaled_square_grad(x, c):
    everywhere(b"\x01\x00\x00")
    os._exit(1)
