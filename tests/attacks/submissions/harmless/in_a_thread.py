# tries: nothing: right code that computes in a thread and leaves one waiting
# verdict: passed
# held by: processes

import threading

threading.Thread(target=threading.Event().wait, daemon=True).start()


def scaled_square_grad(x, c):
    found = []
    thread = threading.Thread(target=lambda: found.append(2.0 * c * x))
    thread.start()
    thread.join()
    return found[0]
