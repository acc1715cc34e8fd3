"""The terminal: a screen of its own, drawn in one write a frame, and left as it was found."""

from __future__ import annotations

import os
import select
from collections.abc import Sequence
from typing import IO

from rich.cells import cell_len
from rich.console import Console, ConsoleDimensions
from rich.text import Text

ENTER = "\x1b[?1049h\x1b[?25l\x1b[?2004h\x1b[2J"
"""The alternate screen, no cursor, pasted text marked as such."""
LEAVE = "\x1b[0m\x1b[?2004l\x1b[?25h\x1b[?1049l"
BEGIN, END = "\x1b[?2026h", "\x1b[?2026l"
"""A terminal that knows synchronized output shows what stands between at once; others pass over it."""
DEFAULT_SIZE = (80, 24)


class Screen:
    """A terminal's screen.

    Parameters
    ----------
    stream : the terminal.
    """

    def __init__(self, stream: IO[str]) -> None:
        self._descriptor = stream.fileno()
        self.console = Console(file=stream, highlight=False, soft_wrap=False, legacy_windows=False)
        self._shown: list[str] = []
        self._inside = False

    @property
    def size(self) -> tuple[int, int]:
        """Its width and height now."""
        try:
            width, height = os.get_terminal_size(self._descriptor)
        except OSError:
            return DEFAULT_SIZE
        # A terminal that does not know its size says 0.
        return width or DEFAULT_SIZE[0], height or DEFAULT_SIZE[1]

    def enter(self) -> None:
        """Turn to the screen of our own."""
        self._inside = True
        self.forget()
        self._write(ENTER)

    def leave(self) -> None:
        """Turn back to the screen that was there. A second time does nothing."""
        if self._inside:
            self._inside = False
            try:
                self._write(LEAVE)
            except OSError:
                return  # the terminal is gone

    def forget(self) -> None:
        """Draw every line anew the next time: another program may have written over it."""
        self._shown = []

    def draw(self, lines: Sequence[Text], width: int, height: int) -> None:
        """Show lines that fit; only those that are others than before are written.

        Raises
        ------
        OSError : the terminal is gone.
        """
        self.console.size = ConsoleDimensions(width, height)
        drawn = [self._rendered(line, width) for line in lines]
        drawn += ["\x1b[K"] * (height - len(drawn))
        if len(self._shown) != len(drawn):
            self._shown = []
        before = self._shown or [""] * len(drawn)
        parts = [
            f"\x1b[{row};1H{new}"
            for row, (old, new) in enumerate(zip(before, drawn, strict=True), start=1)
            if old != new
        ]
        if parts:
            clear = "" if self._shown else "\x1b[0m\x1b[2J"
            self._write(BEGIN + clear + "".join(parts) + END)
            self._shown = drawn

    def _rendered(self, line: Text, width: int) -> str:
        """A line with its colours, and what is behind it cleared.

        Where it fills the row, a terminal would clear its last character.
        """
        with self.console.capture() as got:
            self.console.print(line, end="", no_wrap=True, overflow="crop", crop=True)
        text = got.get().replace("\n", "")
        return text if cell_len(line.plain) >= width else text + "\x1b[K"

    def _write(self, text: str) -> None:
        data = text.encode(self.console.encoding, "replace")
        while data:
            try:
                data = data[os.write(self._descriptor, data) :]
            except BlockingIOError:  # another program has made the terminal so
                select.select([], [self._descriptor], [], 1.0)
