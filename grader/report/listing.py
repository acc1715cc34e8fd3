"""Exercises by topic, a line each."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich.table import Table
from rich.text import Text

from grader.report.stages import CELLS, stage_text

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

    from rich.console import Console, RenderableType

    from grader.model import Course, Stage

MIN_TITLE = 12
"""Columns below which titles say nothing and are left out."""


def print_listing(
    console: Console,
    course: Course,
    chosen: Collection[str],
    stages: Mapping[str, Stage] | None = None,
) -> None:
    """Print the chosen exercises of a course.

    Parameters
    ----------
    chosen : their names.
    stages : how far a learner is with each; without it the column is left out.
    """
    names = [exercise.name for exercise in course.exercises if exercise.name in chosen]
    longest = max(map(len, [*names, *(topic.slug for topic in course.topics)])) + len("  ")
    room = console.width - longest - len("    points  medium  min")
    room -= CELLS + len("  ") if stages is not None else 0
    table = Table(box=None, padding=(0, 2, 0, 0), pad_edge=False, header_style="bold")
    table.add_column("function", no_wrap=True, width=longest)
    if room >= MIN_TITLE:
        table.add_column("title", overflow="ellipsis", no_wrap=True, max_width=room)
    if stages is not None:
        table.add_column("status", no_wrap=True)
    table.add_column("points", justify="right", no_wrap=True)
    table.add_column("level", no_wrap=True)
    table.add_column("min", justify="right", no_wrap=True)

    def row(name: Text, title: str, stage: Text, *rest: str) -> None:
        cells: list[RenderableType] = [name]
        cells += [Text(title)] if room >= MIN_TITLE else []
        cells += [stage] if stages is not None else []
        table.add_row(*cells, *rest)

    for topic in course.topics:
        rows = [exercise for exercise in topic.exercises if exercise.name in chosen]
        if not rows:
            continue
        if table.row_count:
            table.add_row()
        row(Text(topic.slug, "bold"), topic.title, Text())
        for exercise in rows:
            stage = Text() if stages is None else stage_text(console, stages[exercise.name])
            row(
                Text(f"  {exercise.name}"), exercise.title, stage, f"{exercise.points:g}",
                exercise.difficulty.value, str(exercise.minutes),
            )  # fmt: skip
        if topic.capstone is not None and len(rows) == len(topic.exercises):
            row(Text("  capstone"), topic.capstone.title, Text())
    console.print(table)
