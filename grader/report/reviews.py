"""Exercises that are due for a fresh solve."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich.table import Table
from rich.text import Text

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import date

    from rich.console import Console

MOST = 10
"""Rows that are shown: nobody solves more in a day."""

ROOMY = 76
"""Columns below which topics are left out: they follow from the functions' names, the days do not."""


def print_due(
    console: Console, rows: Sequence[tuple[str, str, date, date, float]], today: date
) -> None:
    """Print what is due.

    Parameters
    ----------
    rows : function, topic, the day it was last solved, the day it comes back, and the estimated
        probability that it could be written now.
    """
    n = len(rows)
    console.print(Text(f"{n} {'function is' if n == 1 else 'functions are'} due", "bold"))
    console.print()
    table = Table(box=None, padding=(0, 2, 0, 0), pad_edge=False, header_style="bold")
    roomy = console.width >= ROOMY
    for name in ("function", *(["topic"] if roomy else []), "last", "due", "remembered"):
        table.add_column(
            name, no_wrap=True, overflow="ellipsis",
            justify="right" if name == "remembered" else "left",
        )  # fmt: skip
    for function, topic, last, due, recall in rows[:MOST]:
        table.add_row(
            Text(function), *([Text(topic, "dim")] if roomy else []), day_text(last, today), day_text(due, today),
            f"{100 * recall:.0f}%",
        )  # fmt: skip
    console.print(table)
    if n > MOST:
        console.print(Text(f"and {n - MOST} more", "dim"))
    console.print()


def day_text(day: date, today: date) -> str:
    """A day as people say it."""
    ahead = (day - today).days
    near = {0: "today", 1: "tomorrow", -1: "yesterday"}.get(ahead)
    if near is not None:
        return near
    if -14 <= ahead < 0:
        return f"{-ahead} days ago"
    if 0 < ahead <= 14:
        return f"in {ahead} days"
    return f"{day.day} {day:%b}" + (f" {day.year}" if day.year != today.year else "")


def coming_back(name: str, day: date, today: date) -> str:
    """The clause that says when a function comes back."""
    when = day_text(max(day, today), today)
    return f"{name} comes back {'on ' if when[0].isdigit() else ''}{when}"
