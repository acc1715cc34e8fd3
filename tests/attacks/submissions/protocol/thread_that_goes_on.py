# tries: to write into the answers to later calls, from a thread that an earlier one left
# uses: socket
# verdict: any
# neighbours: any
# withheld: yes


def scaled_square_grad(x, c):
    threading.Thread(target=lambda: [everywhere(b"?" * 50) for _ in range(100)]).start()
    return 2.0 * c * x
