"""How far a learner is, for the terminal: a bar for each topic, and the mistakes met most."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich.table import Table
from rich.text import Text

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import date

    from rich.console import Console

    from grader.model import Progress

BAR = 12
"""Cells of a topic's bar."""
MOST = 5
"""Mistakes that are told."""
WIDEST = 80


def print_progress(console: Console, progress: Progress) -> None:
    """Print what was done so far."""
    width = min(console.width, WIDEST)
    plain = console.options.ascii_only
    head = Text(f"{progress.solved} of {progress.total} functions solved", "bold")
    console.print(head)
    console.print(Text(f" {'-' if plain else '·'} ".join(_facts(progress)), "dim"), width=width)
    console.print()
    table = Table(box=None, padding=(0, 2, 0, 0), pad_edge=False, header_style="bold")
    table.add_column("topic", no_wrap=True, overflow="ellipsis", max_width=width - 48)
    table.add_column("solved", no_wrap=True, width=BAR + len(" 10/10"))
    for name in ("attempts", "hints", "gave up"):
        table.add_column(name, justify="right", no_wrap=True)
    for each in progress.topics:
        count = f"{each.solved}/{each.total}".rjust(len(" 10/10"))
        touched = each.attempts or each.hints or each.gave_up
        table.add_row(
            Text(each.topic.slug, "" if touched else "dim"),
            _bar(each.solved, each.total, plain=plain) + Text(count, "" if touched else "dim"),
            *(Text(str(n), "" if n else "dim") for n in (each.attempts, each.hints, each.gave_up)),
        )
    console.print(table)
    if progress.mistakes:
        console.print(Text("\nmistakes met most", "bold"))
        for mistake in progress.mistakes[:MOST]:
            times = f"{mistake.count}{'x' if plain else '×'}"
            console.print(
                Text.assemble((f"{times:>5}  ", "yellow"), (mistake.exercise, "bold")), width=width
            )
            for line in Text(mistake.sentence).wrap(console, width - 7):
                line.rstrip()
                console.print(Text("       ") + line)


def _facts(progress: Progress) -> Iterator[str]:
    days = progress.days
    span = _date(days[0])
    if len(days) > 1:
        span += f" to {_date(days[-1])}"
    yield f"{len(days)} {'day' if len(days) == 1 else 'days'} active, {span}"
    for n, noun in (
        (sum(each.attempts for each in progress.topics), "attempt"),
        (sum(each.hints for each in progress.topics), "hint"),
    ):
        yield f"{n} {noun}{'' if n == 1 else 's'}"
    yield f"{sum(each.gave_up for each in progress.topics)} given up"


def _date(day: date) -> str:
    return f"{day.day} {day:%b %Y}"


def _bar(done: int, total: int, *, plain: bool) -> Text:
    full = BAR * done // total if total else 0
    full = max(full, 1) if done else 0
    if plain:
        return Text("#" * full + "." * (BAR - full))
    return Text.assemble(("━" * full, "green"), ("─" * (BAR - full), "dim"))
