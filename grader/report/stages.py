"""How a learner's stage with an exercise looks: a glyph and a word, so that colour never stands alone."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich.text import Text

from grader.model import Stage

if TYPE_CHECKING:
    from rich.console import Console

_LOOKS = {
    Stage.NEW: ("○", "o", "new", "dim"),
    Stage.TRIED: ("◐", "~", "tried", "yellow"),
    Stage.SOLVED: ("✓", "+", "solved", "green"),
    Stage.GAVE_UP: ("→", ">", "gave up", "magenta"),
}

CELLS = max(len(word) for _, _, word, _ in _LOOKS.values()) + len("✓ ")
"""The widest of them."""


def stage_text(console: Console, stage: Stage) -> Text:
    """A stage in a glyph that the console can show, and its word."""
    glyph, plain, word, style = _LOOKS[stage]
    return Text(f"{plain if console.options.ascii_only else glyph} {word}", style)
