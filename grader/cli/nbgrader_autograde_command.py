"""`grader nbgrader autograde`."""

from __future__ import annotations

import os
from contextlib import ExitStack
from pathlib import Path

import click

from grader.cli.options import console

_EXAMPLES = """\b
Examples:
  grader nbgrader autograde course softmax
  grader nbgrader autograde course softmax --jobs 8 --student ada
"""


@click.command("autograde", epilog=_EXAMPLES)
@click.argument(
    "folder", metavar="COURSE_DIR", type=click.Path(exists=True, file_okay=False, path_type=Path)
)
@click.argument("assignment", metavar="ASSIGNMENT")
@click.option(
    "--jobs", "-j", type=click.IntRange(min=1), default=os.cpu_count() or 1, metavar="N",
    help="Submissions graded at a time; by default as many as there are processors.",
)  # fmt: skip
@click.option(
    "--student", "students", multiple=True, metavar="ID", help="This student only; may be repeated."
)
def command(folder: Path, assignment: str, jobs: int, students: tuple[str, ...]) -> int:
    """Grade what was submitted for ASSIGNMENT, several at a time, into nbgrader's gradebook.

    What has been graded is kept: a run that was stopped goes on where it was, and unchanged notebooks are not graded
    again. Scores, comments and late penalties are written by nbgrader itself, as by `nbgrader autograde`."""
    from grader.nbgrader_course.autograde import autograde
    from grader.report.classroll import print_roll
    from grader.report.progress import Progress, Waiting

    screen = console(stderr=True)
    with ExitStack() as stack:
        stack.enter_context(Waiting(screen, "starting nbgrader"))
        bars: list[Progress] = []
        n_students = 0

        def begun(n: int) -> None:
            nonlocal n_students
            n_students = n

        def advance(student: str) -> None:
            if not bars:
                stack.close()
                bars.append(stack.enter_context(Progress(screen, n_students)))
            bars[-1].advance(student)

        done = autograde(
            folder, assignment, jobs=jobs, students=students, begun=begun, advance=advance
        )
    rows = [
        (row.student, row.score, row.points, row.penalty, row.for_a_person) for row in done.rows
    ]
    print_roll(console(), rows, done.failed)
    click.echo(f"\n{done.n_graded} graded now, {done.n_kept} unchanged since they were", err=True)
    from grader.sandbox.jail import LEVELS

    for level in LEVELS:
        if level.name == done.isolation and not level.boundary:
            click.echo(f"held by {level.name}: {level.summary}", err=True)
    if done.failed:
        return 3
    return 0
