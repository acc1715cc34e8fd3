# tries: to change a list and an array from a thread while they are encoded
# verdict: failed

import threading

shared, grid = [0.0] * 50_000, np.zeros((64, 64))


def change():
    while True:
        shared.append(1.0)
        del shared[:10]
        grid.shape = (4096, 1) if grid.shape == (64, 64) else (64, 64)


threading.Thread(target=change, daemon=True).start()


def scaled_square_grad(x, c):
    return [shared, grid]
