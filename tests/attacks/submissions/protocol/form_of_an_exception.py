# tries: to tell of an exception whose type is no text
# uses: socket
# verdict: tampered


def scaled_square_grad(x, c):
    everywhere(frame(19, host().current, host().wire.dumps({"type": [1], "message": {}})))
    time.sleep(9)
