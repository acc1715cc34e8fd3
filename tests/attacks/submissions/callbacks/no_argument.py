# tries: to call back in a call that was given no function
# uses: socket
# verdict: tampered


def scaled_square_grad(x, c):
    everywhere(frame(21, 0, host().wire.dumps(((0.0,), {}))))
    time.sleep(9)
