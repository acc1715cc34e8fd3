# tries: to send a kind of frame that there is not
# uses: socket
# verdict: tampered


def scaled_square_grad(x, c):
    everywhere(frame(99, host().current, b"N"))
    time.sleep(9)
