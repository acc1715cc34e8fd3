"""Magics for notebooks: `%check`, `%hint`, `%task`, `%solution`.

The kernel is the learner's own process and holds little of ours: which cells were run (`history`), the magics
(`magics`), and a line to a process beside it (`client`) in which the grader stays warm (`service`).
"""
