"""`grader list`."""

from __future__ import annotations

from pathlib import Path

import click

from grader.cli.options import console, course_content, course_option, exercises_named

MIN_TITLE = 12
"""Columns below which titles say nothing and are left out."""
_EXAMPLES = """\b
Examples:
  grader list
  grader list attention
"""


@click.command("list", epilog=_EXAMPLES)
@click.argument("names", nargs=-1, metavar="[NAME]...")
@course_option
def command(names: tuple[str, ...], course: Path | None) -> None:
    """List exercises, all or those of the topics and exercises named."""
    from rich.table import Table

    from grader.catalog import load_course

    loaded = load_course(course_content(course))
    wanted = set(exercises_named(loaded, names)) if names else None
    screen = console()
    longest = max(len(exercise.name) for exercise in loaded.exercises) + len("  ")
    room = screen.width - longest - len("    points  medium  min")
    table = Table(box=None, padding=(0, 2, 0, 0), pad_edge=False, header_style="bold")
    table.add_column("function", no_wrap=True, width=longest)
    if room >= MIN_TITLE:
        table.add_column("title", overflow="ellipsis", no_wrap=True, max_width=room)
    table.add_column("points", justify="right", no_wrap=True)
    table.add_column("level", no_wrap=True)
    table.add_column("min", justify="right", no_wrap=True)

    def row(name: str, title: str, *rest: str) -> None:
        table.add_row(name, *([title] if room >= MIN_TITLE else []), *rest)

    for topic in loaded.topics:
        rows = [e for e in topic.exercises if wanted is None or e.name in wanted]
        if not rows:
            continue
        if table.row_count:
            table.add_row()
        row(f"[bold]{topic.slug}[/]", topic.title)
        for exercise in rows:
            row(
                f"  {exercise.name}", exercise.title, f"{exercise.points:g}",
                exercise.difficulty.value, str(exercise.minutes),
            )  # fmt: skip
        if topic.capstone is not None and len(rows) == len(topic.exercises):
            row("  capstone", topic.capstone.title, "", "", "")
    screen.print(table)
