# tries: to have its own list of functions believed, before the host's
# uses: socket
# verdict: tampered
# neighbours: tampered

everywhere(frame(17, 1, b"N"))
time.sleep(9)
