# tries: to read the results of others
# verdict: failed
# leaks: without a boundary
# held by: files


def scaled_square_grad(x, c):
    with open("@RESULTS@") as file:
        raise ValueError(file.read())
