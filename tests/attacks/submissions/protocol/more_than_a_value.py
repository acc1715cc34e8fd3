# tries: to hide bytes behind a value
# uses: socket
# verdict: tampered


def scaled_square_grad(x, c):
    everywhere(frame(22, host().current, b"NN"))
    time.sleep(9)
