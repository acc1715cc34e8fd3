# tries: to have lengths inside a payload believed
# uses: socket
# verdict: tampered


def scaled_square_grad(x, c):
    everywhere(frame(22, host().current, b"l\xff\xff\xff\xff" + b"N" * 9))
    time.sleep(9)
