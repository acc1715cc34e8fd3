# tries: to fill the grader's memory with answers of 60 MiB, each within the limits
# verdict: error
# says: MiB in all
# held by: memory


def scaled_square_grad(x, c):
    return np.zeros(60 * 2**17)
