# tries: to keep the grader busy answering
# attacked: slope
# verdict: timeout


def slope(f, x):
    while True:
        f(x)
