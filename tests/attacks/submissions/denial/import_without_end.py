# tries: to run for ever while it is imported
# verdict: timeout
# neighbours: timeout

while True:
    pass
