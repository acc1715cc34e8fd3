"""A statement in the terminal: Markdown, with its formulas as readable text."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rich.console import Console


def print_statement(console: Console, text: str) -> None:
    """Print Markdown."""
    from rich.markdown import Markdown

    console.print(Markdown(text))
