"""`grader list`."""

from __future__ import annotations

import click

from grader.cli.options import console, exercises_named

_EXAMPLES = """\b
Examples:
  grader list
  grader list attention
"""


@click.command("list", epilog=_EXAMPLES)
@click.argument("names", nargs=-1, metavar="[NAME]...")
def command(names: tuple[str, ...]) -> None:
    """List exercises, all or those of the topics and exercises named."""
    from rich.table import Table

    from grader.catalog import load_course
    from grader.content import locate

    course = load_course(locate())
    wanted = set(exercises_named(course, names)) if names else None
    table = Table(box=None, pad_edge=False, header_style="bold")
    table.add_column("function", no_wrap=True)
    table.add_column("title", overflow="ellipsis", no_wrap=True, ratio=1)
    table.add_column("points", justify="right")
    table.add_column("difficulty")
    table.add_column("min", justify="right")
    for topic in course.topics:
        rows = [e for e in topic.exercises if wanted is None or e.name in wanted]
        if not rows:
            continue
        if table.row_count:
            table.add_section()
            table.add_row()
        table.add_row(f"[bold]{topic.slug}[/]", topic.title)
        for exercise in rows:
            table.add_row(
                f"  {exercise.name}", exercise.title, f"{exercise.points:g}",
                exercise.difficulty.value, str(exercise.minutes),
            )  # fmt: skip
    console().print(table)
