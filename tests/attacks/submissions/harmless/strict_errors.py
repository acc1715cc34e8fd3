# tries: nothing: settings of its own that change nothing that is asked for
# verdict: passed

import sys
import warnings

np.seterr(all="raise")
np.set_printoptions(precision=1)
warnings.simplefilter("error")
sys.setrecursionlimit(5000)
sys.stdout = None


def scaled_square_grad(x, c):
    return 2.0 * c * x
