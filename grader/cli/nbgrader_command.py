"""`grader nbgrader`: a group of its own."""

from __future__ import annotations

import click

from grader.cli import LazyGroup

_COMMANDS = {
    "build": "Make a course that nbgrader accepts whole, or bring one up to date.",
    "autograde": "Grade an assignment's submissions, side by side, into nbgrader's gradebook.",
    "serve": "Show nbgrader's pages of a course in a browser, on this machine alone.",
}

_EXAMPLES = """\b
Examples:
  grader nbgrader build course --topics softmax --roster class.csv
  cd course && nbgrader generate_assignment softmax
  grader nbgrader autograde course softmax
  grader nbgrader serve course
"""


@click.command("nbgrader", cls=LazyGroup, summaries=_COMMANDS, within="nbgrader", epilog=_EXAMPLES)
def command() -> None:
    """Run a class on nbgrader: notebooks from the same sources, graded in the sandbox.

    Packages for it: pip install 'gradsmith[nbgrader]'."""
