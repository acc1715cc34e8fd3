# tries: to start threads until no more can be started
# verdict: failed or error
# held by: processes

import threading


def scaled_square_grad(x, c):
    for _ in range(1_000):
        threading.Thread(target=threading.Event().wait, daemon=True).start()
