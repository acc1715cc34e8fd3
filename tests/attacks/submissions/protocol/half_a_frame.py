# tries: nothing, like a process that is killed while it answers
# uses: socket
# verdict: error
# held by: processes


def scaled_square_grad(x, c):
    everywhere(frame(22, host().current, bytes(100))[:50])
    os.kill(os.getpid(), 9)
