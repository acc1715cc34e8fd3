# tries: to greet again, with limits that are not in force
# uses: socket
# verdict: tampered


def scaled_square_grad(x, c):
    everywhere(frame(16, 0, host().wire.dumps({"pid": 1, "limits": {}})))
    time.sleep(9)
