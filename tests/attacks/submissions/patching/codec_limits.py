# tries: to lift the codec's limits on its side, and send more than they allow
# uses: socket
# verdict: tampered

wire = host().wire
wire.MAX_FRAME = wire.MAX_ITEMS = 2**31
wire.MAX_DEPTH = 10**6


def scaled_square_grad(x, c):
    return [0.0] * 300_000
