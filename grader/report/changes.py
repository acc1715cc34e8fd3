"""What an update does to a workspace, by topic."""

from __future__ import annotations

from typing import TYPE_CHECKING

from grader.model import Doing

if TYPE_CHECKING:
    from collections.abc import Sequence

    from rich.console import Console

    from grader.model import Change

_STYLES = {
    Doing.ADDED: "green",
    Doing.REPLACED: "cyan",
    Doing.LEFT: "yellow",
    Doing.GONE: "magenta",
    Doing.UNREAD: "red",
}


def print_changes(console: Console, changes: Sequence[Change]) -> None:
    """Print each change: its word, what it is about, and the clause on the line below where it is long."""
    from rich.padding import Padding
    from rich.text import Text

    width = max(len(doing.value) for doing in Doing)
    topic = ""
    for change in changes:
        if change.topic != topic:
            topic = change.topic
            console.print(Text(topic, "bold"))
        indent = "  " if topic else ""
        word = Text(f"{indent}{change.doing.value:<{width}}  ", _STYLES[change.doing])
        line = Text.assemble(word, (change.what, "bold"), f"  {change.sentence}")
        if line.cell_len <= console.width:
            console.print(line)
        else:
            console.print(Text.assemble(word, (change.what, "bold")))
            console.print(Padding(Text(change.sentence), (0, 0, 0, word.cell_len), expand=False))
