"""`grader hint`."""

from __future__ import annotations

from pathlib import Path

import click

from grader.cli.names import EXERCISE
from grader.cli.options import (
    console,
    course_content,
    course_option,
    exercise_named,
    workspace_option,
)

_EXAMPLES = """\b
Examples:
  grader hint softmax_vjp          (again for the next rung)
"""


@click.command("hint", epilog=_EXAMPLES)
@click.argument("name", type=EXERCISE)
@workspace_option
@course_option
def command(name: str, workspace: Path | None, course: Path | None) -> None:
    """Give one more hint on an exercise: the concept, the equation, the shapes, the line.

    Each call shows one rung more. Hints are remembered, and shown at any time, also after solving."""
    from grader.catalog import load_course
    from grader.journal import Journal
    from grader.practice import climb
    from grader.report.hints import print_hints
    from grader.workspace import find_workspace

    root = find_workspace(workspace or Path.cwd()).root
    exercise = exercise_named(load_course(course_content(course, workspace)), name)
    print_hints(console(), exercise, climb(Journal(root), exercise))
