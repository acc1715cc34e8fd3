"""`grader score`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from grader.cli.names import EXERCISE_OR_TOPIC
from grader.cli.options import (
    course_content,
    disclosure_option,
    exercises_named,
    exit_code,
    report_options,
    write_reports,
)

if TYPE_CHECKING:
    from grader.disclosure import Shown

_EXAMPLES = """\b
Examples:
  grader score softmax.py
  grader score ada.zip grace.zip --format json --output scores.json
  grader score homework --only attention --fail-under 80
  grader score ada.zip --disclosure names
"""


@click.command("score", epilog=_EXAMPLES)
@click.argument(
    "paths", nargs=-1, required=True, type=click.Path(path_type=Path), metavar="PATH..."
)
@click.option(
    "--only",
    multiple=True,
    metavar="NAME",
    type=EXERCISE_OR_TOPIC,
    help="Grade this exercise or topic only; may be repeated.",
)
@disclosure_option
@report_options
def command(
    paths: tuple[Path, ...],
    only: tuple[str, ...],
    disclosure: str | None,
    seed: int,
    timeout: float,
    isolation: str | None,
    format_: str,
    output: Path | None,
    fail_under: float | None,
    verbose: bool,
    course: Path | None,
) -> int:
    """Grade submissions, each PATH one: a topic's .py file or notebook, a folder, or a .zip of one.

    A file is graded on its own topic, a folder or archive on the whole course. The report has
    everything in it that was found; --disclosure leaves out what a student is not to see."""
    from grader.cli.warm import starting

    with starting(course_content(course)) as warm:
        exercises = exercises_named(warm.course, only) if only else None
        reports = warm.grade(
            paths, exercises=exercises, seed=seed, timeout=timeout, isolation=isolation
        )
    from grader.disclosure import for_instructor, for_student
    from grader.model import Disclosure

    if disclosure is None:
        shown: list[Shown] = [for_instructor(report) for report in reports]
    else:
        shown = [for_student(report, Disclosure(disclosure)) for report in reports]
    write_reports(shown, format_, output, verbose=verbose)
    return exit_code(reports, fail_under)
