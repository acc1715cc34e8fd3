# tries: to end all processes that it can reach as its group or its session
# why: a boundary lets it signal itself alone, and nothing came of what it tried: a wrong answer, not an end
# verdict: error
# with a boundary: failed
# held by: processes

import os
import signal


def scaled_square_grad(x, c):
    assert os.getpgrp() == os.getpid(), "the group is not its own"
    os.killpg(0, signal.SIGKILL)
