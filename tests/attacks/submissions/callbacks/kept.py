# tries: to ask a function after the call that it was given to
# attacked: slope
# verdict: failed

kept = []


def slope(f, x):
    kept.append(f)
    return (kept[0](x + 1e-5) - kept[0](x - 1e-5)) / 2e-5
