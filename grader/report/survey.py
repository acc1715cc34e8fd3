"""`grader doctor` on a terminal."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from rich.padding import Padding
from rich.table import Table
from rich.text import Text

if TYPE_CHECKING:
    from rich.console import Console

    from grader.model import Finding, Survey


def print_survey(console: Console, survey: Survey) -> None:
    """Print what a machine gives, part by part."""
    console.print(Text(survey.system))
    console.print(_table(survey.basics))
    console.print(Text("\nIsolation of submissions, strongest first", style="bold"))
    console.print(_table(survey.levels, survey.used))
    if survey.used is None:
        verdict = "Nothing can be graded here."
    elif survey.boundary:
        verdict = f"Submissions are held by {survey.used}, a security boundary."
    else:
        verdict = (
            f"Submissions are held by {survey.used}, which is no security boundary: "
            "code that means harm can read what you can read."
        )
    console.print(Padding(Text(verdict), (0, 0, 0, 2)))
    console.print(Text("\nOptional packages", style="bold"))
    console.print(_table(survey.packages))


def _table(findings: Iterable[Finding], used: str | None = None) -> Padding:
    table = Table.grid(padding=(0, 2, 0, 0))
    table.add_column(no_wrap=True)
    table.add_column(no_wrap=True, min_width=12)
    table.add_column(overflow="fold")
    for one in findings:
        mark = Text("✓", style="green") if one.there else Text("✗", style="red")
        text = Text(one.text)
        if one.name == used:
            text.append("  (used)", style="bold")
        if one.advice:
            text.append(f"\n→ {one.advice}", style="dim")
        table.add_row(mark, Text(one.name), text)
    return Padding(table, (0, 0, 0, 2))
