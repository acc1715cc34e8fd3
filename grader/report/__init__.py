"""Renderers of a `grader.model.Report`: pure, and none imports another.

`terminal` is for a person, `json` for a program, `junit` for continuous integration and
`progress` for the wait before any of them.
"""
