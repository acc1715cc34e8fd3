# tries: to fill the disk with one file
# verdict: failed
# says: OSError


def scaled_square_grad(x, c):
    with open("big", "wb") as file:
        for _ in range(100):
            file.write(bytes(10**6))
