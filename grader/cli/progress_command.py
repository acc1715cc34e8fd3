"""`grader progress`."""

from __future__ import annotations

import functools
from pathlib import Path
from typing import TYPE_CHECKING

import click

from grader.cli.options import console, course_content, course_option, workspace_option

if TYPE_CHECKING:
    from grader.bank import Bank
    from grader.model import Exercise

_EXAMPLES = """\b
Examples:
  grader progress
  grader progress --figure progress.png
"""


@click.command("progress", epilog=_EXAMPLES)
@click.option(
    "--figure", type=click.Path(dir_okay=False, path_type=Path), metavar="FILE",
    help="Draw a picture of it into FILE (.png, .svg or .pdf) as well.",
)  # fmt: skip
@workspace_option
@course_option
def command(figure: Path | None, workspace: Path | None, course: Path | None) -> None:
    """Show how far you are: by topic, what it took, and the mistakes that you met most."""
    from grader.catalog import load_course
    from grader.figures import FORMATS
    from grader.journal import Journal
    from grader.progress import progress
    from grader.report.standing import print_progress
    from grader.workspace import find_workspace

    format_ = figure.suffix.lower().removeprefix(".") if figure is not None else ""
    if figure is not None and format_ not in FORMATS:
        possible = ", ".join(f".{known}" for known in FORMATS)
        raise click.BadParameter(
            f"{figure.name!r} has to end in one of {possible}", param_hint="'--figure'"
        )
    root = find_workspace(workspace or Path.cwd()).root
    content = course_content(course, workspace)

    @functools.cache
    def bank() -> Bank:
        from grader.bank import Bank  # slow to load, and needed only where a mistake was met

        return Bank(content)

    def sentence(exercise: Exercise, name: str) -> str | None:
        mistakes = bank().of(exercise.topic, exercise.name)
        return next((m.sentence for m in mistakes if m.name == name), None)

    found = progress(load_course(content), Journal(root).entries(), sentence)
    if not found.days:
        click.echo("nothing has been checked here yet; `grader next` says where to begin")
        return
    print_progress(console(), found)
    if figure is not None:
        from grader.figures import render
        from grader.figures.progress import draw_progress
        from grader.files import write_atomically

        write_atomically(figure, render(draw_progress(found), format_))
        click.echo(f"\n{figure}")
