# tries: to take all memory while it is imported
# verdict: error
# neighbours: error

hoard = bytearray(2**40)
