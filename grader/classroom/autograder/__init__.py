"""An autograder for Gradescope: `pack` makes the archive, `run` grades there with what is in it.

See "Autograder Specifications", https://gradescope-autograders.readthedocs.io/en/latest/specs/.
"""
