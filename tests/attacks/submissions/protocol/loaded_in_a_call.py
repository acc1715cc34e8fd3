# tries: to say in a call that a file was loaded
# uses: socket
# verdict: tampered


def scaled_square_grad(x, c):
    everywhere(frame(17, host().current, host().wire.dumps({"functions": {}})))
    time.sleep(9)
