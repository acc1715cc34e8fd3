# tries: to send bytes that are no frame
# uses: socket
# verdict: tampered


def scaled_square_grad(x, c):
    everywhere(b"\xff" * 100)
    time.sleep(9)
