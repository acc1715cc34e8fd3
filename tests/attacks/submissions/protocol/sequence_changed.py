# tries: to answer with another call's number
# uses: socket
# verdict: tampered


def send(kind, sequence, payload):
    original(kind, sequence ^ 1, payload)


original = host().channel.send


def scaled_square_grad(x, c):
    host().channel.send = send
    return np.zeros_like(x)
