# tries: to hand descriptors to the grader with its answer
# uses: socket
# neighbours: any
# verdict: failed
# held by: network


def scaled_square_grad(x, c):
    import socket

    sock, null = host().channel.sock, os.open("/dev/null", os.O_RDONLY)
    data = frame(22, host().current, b"d" + bytes(8))
    socket.send_fds(sock, [data], [null] * 20)
    os.close(null)
    swallow()
