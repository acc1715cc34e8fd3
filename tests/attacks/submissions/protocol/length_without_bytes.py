# tries: to announce 64 MiB and send none of them
# uses: socket
# verdict: timeout


def scaled_square_grad(x, c):
    everywhere(frame(22, host().current, b"", 2**26))
    time.sleep(9)
