# tries: to answer its call while its question is on its way
# uses: socket
# attacked: slope
# verdict: failed or tampered


def slope(f, x):
    everywhere(
        frame(21, 0, host().wire.dumps(((x,), {}))) + frame(22, host().current, b"d" + bytes(8))
    )
    time.sleep(9)
