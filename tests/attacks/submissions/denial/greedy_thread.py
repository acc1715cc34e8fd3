# tries: to keep the interpreter to a thread of its own for ever
# verdict: timeout
# neighbours: any

import sys
import threading


def scaled_square_grad(x, c):
    sys.setswitchinterval(1e9)
    threading.Thread(target=lambda: [None for _ in iter(int, 1)], daemon=True).start()
    return np.zeros_like(x)
