"""`grader class`: a group of its own."""

from __future__ import annotations

import click

from grader.cli import LazyGroup

_COMMANDS = {
    "grade": "Grade all submissions of a class, on all processors; goes on where it was stopped.",
    "export": "Write the results as CSV, for Canvas, Moodle or Gradescope, as JUnit or JSON.",
    "autograder": "Write an autograder to upload to Gradescope.",
    "feedback": "Write one HTML page for each student.",
    "report": "Write a page about the class: distribution, functions, mistakes.",
    "similar": "Find submissions that are too alike, and show them side by side.",
}

_EXAMPLES = """\b
Examples:
  grader class grade submissions --out results
  grader class export results --format canvas --output grades.csv
"""


@click.command("class", cls=LazyGroup, summaries=_COMMANDS, within="class", epilog=_EXAMPLES)
def command() -> None:
    """Grade a class, keep what comes of it, and tell of it."""
