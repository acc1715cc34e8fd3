# tries: to read what somebody else has handed in
# verdict: failed
# leaks: without a boundary
# held by: files


def scaled_square_grad(x, c):
    with open("@OTHER@") as file:
        raise ValueError(file.read())
