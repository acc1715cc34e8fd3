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


def print_evidence(console: Console, evidence: Sequence[Row]) -> None:
    """Print one line an exercise: checks, mistakes rejected and named, alternatives accepted."""
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
