# tries: to run the solution in its own place
# verdict: failed
# without a boundary: passed
# held by: files


def scaled_square_grad(x, c):
    with open("@SOLUTION@") as file:
        names = {}
        exec(file.read(), names)
    return names["scaled_square_grad"](x, c)
