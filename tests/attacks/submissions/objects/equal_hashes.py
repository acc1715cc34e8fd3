# tries: to have a dict built whose keys all collide
# verdict: failed


def scaled_square_grad(x, c):
    return {i * (2**61 - 1): 0 for i in range(1, 900)}
