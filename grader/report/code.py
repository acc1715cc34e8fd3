"""Code and differences between two versions of it, for the terminal."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from rich.console import Console

STYLES = {"+": "green", "-": "red", "@": "cyan"}


def print_function(console: Console, text: str) -> None:
    """Print a function with its syntax in colour."""
    from rich.syntax import Syntax

    code = text.rstrip("\n")
    syntax = Syntax(code, "python", theme="ansi_dark", background_color="default", word_wrap=True)
    console.print(syntax)


def print_difference(console: Console, lines: Sequence[str]) -> None:
    """Print a unified diff, or that there is nothing in it."""
    from rich.text import Text

    if not lines:
        console.print(Text("\nyours is the same", "green"))
        return
    console.print(Text("\nyours (-) against the solution (+), docstrings left out", "bold"))
    for line in lines[2:]:
        console.print(Text(line, STYLES.get(line[:1], "")))
