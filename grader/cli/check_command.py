"""`grader check`."""

from __future__ import annotations

from pathlib import Path

import click

from grader.cli.names import EXERCISE_OR_TOPIC
from grader.cli.options import (
    course_content,
    exercises_named,
    exit_code,
    report_options,
    workspace_option,
    write_reports,
)

_EXAMPLES = """\b
Examples:
  grader check
  grader check softmax
  grader check conv2d conv2d_input_grad --seed 7
  grader check --workspace practice --format json
"""


@click.command("check", epilog=_EXAMPLES)
@click.argument("names", nargs=-1, metavar="[NAME]...", type=EXERCISE_OR_TOPIC)
@workspace_option
@report_options
def command(
    names: tuple[str, ...],
    workspace: Path | None,
    seed: int,
    timeout: float,
    isolation: str | None,
    format_: str,
    output: Path | None,
    fail_under: float | None,
    verbose: bool,
    course: Path | None,
) -> int:
    """Check functions of your workspace, all or those of the exercises and topics named.

    A name that is both, such as softmax, is the topic."""
    from grader.cli.warm import starting

    with starting(course_content(course, workspace)) as warm:
        from grader.workspace import find_workspace

        root = find_workspace(workspace or Path.cwd()).root
        exercises = exercises_named(warm.course, names) if names else None
        reports = warm.grade(
            [root], exercises=exercises, seed=seed, timeout=timeout, isolation=isolation
        )
    from grader.journal import Journal

    Journal(root).note(reports[0])
    from grader.disclosure import for_student
    from grader.model import Disclosure

    shown = [for_student(report, Disclosure.FULL) for report in reports]
    write_reports(shown, format_, output, verbose=verbose)
    return exit_code(reports, fail_under)
