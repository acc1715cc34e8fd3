"""A course for nbgrader from our sources: made, kept up to date, and graded in the sandbox.

Making one needs no nbgrader: `source` gives the notebooks, `build` writes them. In grading, `mending` puts a submitted
notebook in order as data, `verdicts` says what came of it, `service` is the process in which the grader runs, and
`pool` holds some of these. `exporter` and `preprocessors` are what nbgrader's configuration names; they alone, with
`gradebook` and `autograde`, import nbgrader, which takes seconds.
"""
