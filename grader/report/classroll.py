"""An assignment's scores in nbgrader's gradebook, a student a line."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rich.console import Console


def print_roll(
    console: Console,
    rows: Sequence[tuple[str, float, float, float, int]],
    failed: Mapping[str, str],
) -> None:
    """Print each student's score, penalty, and how many cells wait for a person; then what failed, and why.

    Parameters
    ----------
    rows : student, score before the penalty, points that can be earned, penalty, cells for a person.
    failed : students whose submission is not in the gradebook.
    """
    from rich.table import Table
    from rich.text import Text

    table = Table(box=None, pad_edge=False, header_style="bold")
    table.add_column("student", overflow="fold")
    for header in ("score", "of", "late", "for a person"):
        table.add_column(header, justify="right")
    for student, score, points, penalty, n_open in rows:
        name = Text(_visible(student), "red" if student in failed else "")
        late = f"-{penalty:g}" if penalty else ""
        table.add_row(name, f"{score:g}", f"{points:g}", late, str(n_open) if n_open else "")
    console.print(table)
    for student, reason in failed.items():
        words = f"{_visible(student)}: not graded: {_visible(reason)}"
        console.print(Text(words, "red"))


def _visible(text: str) -> str:
    return "".join(c if c.isprintable() else "\N{REPLACEMENT CHARACTER}" for c in text)[:300]
