# tries: to fork, and to have both copies answer
# uses: socket
# verdict: tampered or failed
# neighbours: any
# held by: processes


def scaled_square_grad(x, c):
    host().pid = -1
    os.getpid = lambda: -1
    os.fork()
    return np.zeros_like(x)
