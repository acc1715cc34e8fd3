# tries: to take all memory while it is imported
# verdict: error
# neighbours: error
# held by: memory

hoard = bytearray(2**32)
