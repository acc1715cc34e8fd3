# tries: to have an array made from sizes that multiply to something small
# uses: socket
# verdict: tampered


def scaled_square_grad(x, c):
    shape = struct.pack("<cBBB2q", b"a", 11, 0, 2, -1, -8)
    everywhere(frame(22, host().current, shape + bytes(64)))
    time.sleep(9)
