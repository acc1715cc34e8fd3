"""What `grader verify` showed, as a table for the terminal."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from rich.console import Console


class Row(Protocol):
    """What one line needs to know."""

    exercise: str
    n_tests: int
    n_mistakes: int
    n_killed: int
    n_named: int
    n_misnamed: int
    n_alternatives: int
    n_accepted: int


class CapstoneRow(Protocol):
    """What one line about a capstone needs to know."""

    topic: str
    n_tests: int
    n_runs: int
    n_passed: int
    n_zeroed: int
    n_noticed: int
    n_others: int
    n_accepted: int


def print_evidence(
    console: Console, evidence: Sequence[Row], capstones: Sequence[CapstoneRow]
) -> None:
    """Print one line an exercise: checks, mistakes rejected and named, alternatives accepted; then the capstones."""
    from rich.table import Table

    table = Table(box=None, pad_edge=False, header_style="bold")
    table.add_column("exercise", no_wrap=True)
    for header in ("checks", "rejected", "named", "misnamed", "accepted"):
        table.add_column(header, justify="right")
    for row in evidence:
        table.add_row(
            row.exercise,
            str(row.n_tests),
            f"{row.n_killed}/{row.n_mistakes}",
            str(row.n_named),
            str(row.n_misnamed),
            f"{row.n_accepted}/{row.n_alternatives}",
        )
    console.print(table)
    if capstones:
        table = Table(box=None, pad_edge=False, header_style="bold")
        table.add_column("capstone", no_wrap=True)
        for header in ("checks", "passed", "accepted", "zeros noticed"):
            table.add_column(header, justify="right")
        for one in capstones:
            table.add_row(
                one.topic,
                str(one.n_tests),
                f"{one.n_passed}/{one.n_runs}",
                f"{one.n_accepted}/{one.n_others}",
                f"{one.n_noticed}/{one.n_zeroed}",
            )
        console.print()
        console.print(table)
