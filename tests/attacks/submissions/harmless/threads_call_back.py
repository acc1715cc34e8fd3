# tries: nothing: asks the function that it is given from two threads at once
# attacked: slope
# verdict: passed
# held by: processes

from concurrent.futures import ThreadPoolExecutor


def slope(f, x):
    with ThreadPoolExecutor(2) as pool:
        up, down = pool.map(f, (x + 1e-5, x - 1e-5))
    return (up - down) / 2e-5
