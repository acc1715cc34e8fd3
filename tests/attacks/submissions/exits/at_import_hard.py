# tries: to end the process with success while it is imported
# verdict: error
# neighbours: error

import os

os._exit(0)
