# tries: to be read for ever: each byte of 64 MiB by itself, always the next in time
# uses: socket
# verdict: timeout


def scaled_square_grad(x, c):
    fd = host().channel.sock.fileno()
    everywhere(frame(22, host().current, b"", 2**26))
    while True:
        os.write(fd, b"\0")
