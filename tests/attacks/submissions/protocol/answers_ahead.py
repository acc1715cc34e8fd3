# tries: to read the calls that wait behind its own, and to answer them before they are run
# uses: socket
# why: the numbers of calls that were posted can be read; what is sent is data all the same, and stands for the call
# verdict: failed or tampered
# neighbours: any


def scaled_square_grad(x, c):
    ahead = peek()
    own = frame(22, host().current, b"d" + bytes(8))
    everywhere(own + b"".join(frame(22, number, b"d" + bytes(8)) for _, number, _ in ahead))
    time.sleep(9)
