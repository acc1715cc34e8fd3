"""`grader score`."""

from __future__ import annotations

from pathlib import Path

import click

from grader.cli.names import EXERCISE_OR_TOPIC
from grader.cli.options import (
    course_content,
    exercises_named,
    exit_code,
    report_options,
    write_reports,
)

_EXAMPLES = """\b
Examples:
  grader score softmax.py
  grader score ada.zip grace.zip --format json --output scores.json
  grader score homework --only attention --fail-under 80
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
@report_options
def command(
    paths: tuple[Path, ...],
    only: tuple[str, ...],
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

    A file is graded on its own topic, a folder or archive on the whole course."""
    from grader.cli.warm import starting

    with starting(course_content(course)) as warm:
        exercises = exercises_named(warm.course, only) if only else None
        reports = warm.grade(
            paths, exercises=exercises, seed=seed, timeout=timeout, isolation=isolation
        )
    write_reports(reports, format_, output, verbose=verbose)
    return exit_code(reports, fail_under)
