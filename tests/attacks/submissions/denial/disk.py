# tries: to fill the disk with one file
# verdict: failed
# says: [Errno
# held by: files


def scaled_square_grad(x, c):
    with open("big", "xb") as file:
        for _ in range(2):
            file.write(bytes(10**6))
