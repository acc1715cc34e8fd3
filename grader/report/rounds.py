"""A timed round for the terminal: what is to be done until when, and how it ended."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from grader.model import Status
from grader.report.statement import one_line
from grader.report.terminal import LOOKS

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import datetime

    from rich.console import Console

    from grader.disclosure import Shown
    from grader.model import Exercise
    from grader.questions import Question


def print_start(console: Console, exercises: Sequence[Exercise], minutes: int, seed: int) -> None:
    """Print the functions of a round that begins."""
    n = len(exercises)
    head = f"{n} {'function' if n == 1 else 'functions'} in {_minutes(minutes)}"
    console.print(Text.assemble((head, "bold"), (f"  (seed {seed})", "dim")))
    console.print()
    table = _table(("function", "topic", "points", "level"))
    for exercise in exercises:
        table.add_row(
            Text(exercise.name), Text(exercise.topic, "dim"), f"{exercise.points:g}",
            exercise.difficulty.value,
        )  # fmt: skip
    console.print(table)


def print_score(
    console: Console,
    report: Shown,
    saved: Mapping[str, datetime | None],
    started: datetime,
    minutes: int,
) -> None:
    """Print each function with its points, when it was last saved, and whether that was late.

    Parameters
    ----------
    saved : when each topic's file was last saved; None where nothing was written in it.
    """
    table = _table(("function", "result", "points", "saved after", ""))
    in_time, last = 0.0, 0
    for score in report.scores:
        look = LOOKS[score.status]
        glyph = look.ascii if console.options.ascii_only else look.glyph
        at = saved[score.exercise.topic]
        took = _took(at, started)
        late = took > minutes
        in_time += 0.0 if late else score.earned
        last = max(last, took)
        began = at is not None and score.status is not Status.MISSING
        table.add_row(
            Text(score.exercise.name), Text(f"{glyph} {look.word}", look.style),
            f"{score.earned:g}/{score.exercise.points:g}", _minutes(took) if began else "",
            Text("late" if late else "in time", "yellow" if late else "") if began else "",
        )  # fmt: skip
    console.print(table)
    console.print()
    if not any(saved.values()):
        console.print(Text("nothing was written", "bold"))
        return
    line = Text(f"{last} of {_minutes(minutes)}: ", "bold")
    over = last - minutes
    line.append(
        f"{_minutes(over)} late" if over > 0 else "in time", "yellow" if over > 0 else "green"
    )
    line.append(f"; {in_time:g} of {report.points:g} points in time")
    console.print(line)


def print_questions(console: Console, questions: Sequence[Question]) -> None:
    """Print interview questions to be answered aloud, each with the command that shows its answer."""
    if not questions:
        return
    console.print(Text("\nto answer aloud", "bold"))
    for one in questions:
        title = one_line(one.title, ascii_only=console.options.ascii_only)
        line = Text.assemble((f"{one.topic}: ", "dim"), title)
        console.print(Padding(line, (0, 0, 0, 2), expand=False))
        console.print(Text(f"    grader ask {one.id}"), no_wrap=True, overflow="ignore", crop=False)


def _table(names: Sequence[str]) -> Table:
    table = Table(box=None, padding=(0, 2, 0, 0), pad_edge=False, header_style="bold")
    for name in names:
        table.add_column(
            name, no_wrap=True, overflow="ellipsis",
            justify="right" if name in ("points", "saved after") else "left",
        )  # fmt: skip
    return table


def _took(at: datetime | None, started: datetime) -> int:
    """Minutes since the start, begun ones counted as whole."""
    return 0 if at is None else -int(-(at - started).total_seconds() // 60)


def _minutes(n: int) -> str:
    return f"{n} minute" if n == 1 else f"{n} minutes"
