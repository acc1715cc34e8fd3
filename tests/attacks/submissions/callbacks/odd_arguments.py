# tries: to break the grader's function with what it is given
# attacked: slope
# verdict: failed


def slope(f, x):
    for odd in (None, "x", [1, [2]], {}, np.zeros((1000, 1000)), 10**2000, float("nan"), 1j):
        try:
            f(odd)
        except RuntimeError:
            pass
    return f("the function says what it cannot take", y=1)
