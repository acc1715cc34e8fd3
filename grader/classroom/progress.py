"""How far a class is graded: a bar with the time that is left, or a few plain lines where there is no terminal."""

from __future__ import annotations

import time
from collections import Counter
from types import TracebackType

from rich.console import Console
from rich.markup import escape
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)
from rich.progress import Progress as Bar
from rich.table import Table

from grader.classroom.intake import Intake
from grader.classroom.ledger import Summary
from grader.classroom.run import GRADED, OURS, REUSED, UNREADABLE, Step

WORDS = {
    GRADED: "graded", REUSED: "as before", UNREADABLE: "unreadable", OURS: "not graded, our fault",
}  # fmt: skip
TENTHS = 10
"""Plain lines for a whole run."""
INTERVAL = 30.0
"""Seconds between two plain lines at most, so that a slow run is seen to go on."""
MOST = 8
"""Students who are named; of more their number is told."""


class Showing:
    """Shows a run on `console`, the one of standard error.

    Parameters
    ----------
    n_total : how many submissions there are.
    verbose : a line for each.
    """

    def __init__(self, console: Console, n_total: int, *, verbose: bool = False) -> None:
        self.console = console
        self.n_total = n_total
        self.verbose = verbose
        self.counts: Counter[str] = Counter()
        self._bar: Bar | None = None
        self._told = 0
        self._next = time.monotonic() + INTERVAL
        if console.is_terminal and not console.is_dumb_terminal:
            self._bar = Bar(
                BarColumn(bar_width=24),
                MofNCompleteColumn(),
                TimeElapsedColumn(),
                TextColumn("left"),
                TimeRemainingColumn(),
                TextColumn("{task.fields[counts]}"),
                console=console,
                transient=True,
            )
            self._task = self._bar.add_task("", total=n_total, counts="starting")

    def __enter__(self) -> Showing:
        if self._bar is not None:
            self._bar.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._bar is not None:
            self._bar.stop()

    @property
    def n_done(self) -> int:
        return self.counts.total()

    def step(self, step: Step) -> None:
        """Count a submission."""
        self.counts[step.became] += 1
        if self.verbose:
            said = f": {step.said}" if step.said else ""
            print_line(self.console, f"{step.student}: {WORDS[step.became]}{said}")
        if self._bar is not None:
            self._bar.update(self._task, advance=1, counts=self.told())
            return
        tenth = TENTHS * self.n_done // max(self.n_total, 1)
        if not self.verbose and (tenth > self._told or time.monotonic() >= self._next):
            self._told, self._next = tenth, time.monotonic() + INTERVAL
            self.console.print(f"{self.n_done}/{self.n_total}  {self.told()}", soft_wrap=True)

    def told(self) -> str:
        """The counts in words."""
        return ", ".join(f"{self.counts[key]} {WORDS[key]}" for key in WORDS if self.counts[key])


def print_notes(console: Console, intake: Intake, *, verbose: bool = False) -> None:
    """Print what a person should know of what was handed in; the first of it only, unless `verbose`."""
    most = len(intake.notes) if verbose else MOST
    notes = list(intake.notes[:most])
    if len(intake.notes) > most:
        notes.append(f"{len(intake.notes) - most} more notes; see them: --verbose")
    for what, who in (("not in the roster", intake.unknown), ("nothing handed in", intake.absent)):
        if who:
            named = ", ".join(who if verbose else who[:MOST])
            more = len(who) - MOST
            notes.append(
                f"{what}: {named}{f' and {more} more' if more > 0 and not verbose else ''}"
            )
    for note in notes:
        print_line(console, f"note: {note}")


def print_line(console: Console, line: str) -> None:
    """Print plain text, wrapped at words where a person reads it."""
    console.print(escape(line), soft_wrap=not console.is_terminal)


def print_summary(console: Console, summary: Summary, counts: Counter[str], absent: int) -> None:
    """Print what came of a class, one line for each thing that there is."""
    table = Table.grid(padding=(0, 2))
    table.add_column(justify="right")
    table.add_column(overflow="fold")

    def row(n: int, what: str, who: tuple[str, ...] = ()) -> None:
        if n:
            named = ", ".join(who[:MOST]) + (f" and {n - MOST} more" if n > MOST else "")
            table.add_row(str(n), escape(f"{what}: {named}" if who else what))

    row(counts[GRADED], "graded")
    row(counts[REUSED], "as before: nothing has changed since")
    row(len(summary.unreadable), "cannot be read", summary.unreadable)
    row(len(summary.withheld), "withheld, with evidence of an attack", summary.withheld)
    row(len(summary.doubtful), "with checks that could not decide or broke", summary.doubtful)
    row(len(summary.ours), "not graded by a fault of ours; run again", summary.ours)
    row(len(summary.gone), "graded before and not among the submissions now", summary.gone)
    row(absent, "of the roster handed nothing in")
    console.print(table)
    if summary.mean is not None:
        middle = summary.percents[len(summary.percents) // 2]
        if len(summary.percents) % 2 == 0:
            middle = (middle + summary.percents[len(summary.percents) // 2 - 1]) / 2
        console.print(
            f"mean {summary.mean:.1f}%, median {middle:.1f}% of the points, "
            f"of {len(summary.percents)} that were graded"
        )
