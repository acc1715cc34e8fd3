"""How far a run has come: one line on a terminal that goes away when the run is over.

`Progress` counts exercises; `Waiting` counts seconds, where nobody knows how many there will be.

Written by hand: a bar of `rich` costs more to import than most runs take.
"""

from __future__ import annotations

import threading
import time
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import TracebackType
    from typing import Self

    from rich.console import Console

DELAY = 0.3
"""Seconds before anything is drawn: a shorter wait needs no bar, which would only flash."""

INTERVAL = 0.05
"""Seconds between two drawings: faster ones are work that nobody sees."""

PATIENCE = 1.0
"""Seconds before a wait is told of, and between two tellings."""

LENGTH = 24
"""Cells of the bar."""


class Progress:
    """Draws `━━━━────  12/40  softmax_vjp` on `console`, and nothing where it is no terminal.

    Parameters
    ----------
    console : where to draw; the one for stderr, so that a report on stdout stays clean.
    n_total : how many exercises there are.
    clock : seconds from any origin; another one for tests.

    Examples
    --------
    >>> from rich.console import Console
    >>> with Progress(Console(stderr=True), 2) as progress:
    ...     progress.advance("softmax")
    ...     progress.advance("softmax_vjp")
    """

    def __init__(
        self, console: Console, n_total: int, *, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self.console = console
        self.n_total = n_total
        self.n_done = 0
        self._clock = clock
        self._shows = console.is_terminal and not console.is_dumb_terminal
        self._next = 0.0
        self._drawn = 0

    def __enter__(self) -> Self:
        self._next = self._clock() + DELAY
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        if self._drawn:
            self._write("\r" + " " * self._drawn + "\r")
            self._drawn = 0

    def advance(self, exercise_name: str) -> None:
        """Count one more exercise as done and name it."""
        self.n_done += 1
        if self._shows and self._clock() >= self._next:
            self._draw(exercise_name)
            self._next = self._clock() + INTERVAL

    def _draw(self, name: str) -> None:
        """Write the line over the last one: one write, nothing erased first, so no flicker."""
        done = min(self.n_done, self.n_total)
        full = LENGTH * done // self.n_total if self.n_total else LENGTH
        bar = "━" * full + "─" * (LENGTH - full)
        if not self.console.encoding.startswith("utf"):
            bar = "#" * full + "." * (LENGTH - full)
        name = "".join(c if c.isascii() and c.isprintable() else "?" for c in name)
        line = f"{bar}  {done}/{self.n_total}  {name}"[: max(self.console.width - 1, 0)]
        self._write("\r" + line.ljust(self._drawn))
        self._drawn = len(line)

    def _write(self, text: str) -> None:
        self.console.file.write(text)
        self.console.file.flush()


class Waiting:
    """Draws `drawing returns, 3 s` on `console` each second, and nothing where it is no terminal.

    Parameters
    ----------
    console : where to draw; the one for stderr.
    what : what is waited for.
    patience : seconds before the first line and between two; another number for tests.

    Examples
    --------
    >>> from rich.console import Console
    >>> with Waiting(Console(stderr=True), "drawing returns"):
    ...     pass
    """

    def __init__(self, console: Console, what: str, *, patience: float = PATIENCE) -> None:
        self.console = console
        self.what = what
        self.patience = patience
        self._over = threading.Event()
        self._thread: threading.Thread | None = None

    def __enter__(self) -> Self:
        if self.console.is_terminal and not self.console.is_dumb_terminal:
            self._thread = threading.Thread(target=self._tell, daemon=True)
            self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._over.set()
        if self._thread is not None:
            self._thread.join()

    def _tell(self) -> None:
        start, length = time.monotonic(), 0
        while not self._over.wait(self.patience):
            line = f"{self.what}, {time.monotonic() - start:.0f} s"[
                : max(self.console.width - 1, 0)
            ]
            self._write("\r" + line.ljust(length))
            length = len(line)
        if length:
            self._write("\r" + " " * length + "\r")

    def _write(self, text: str) -> None:
        self.console.file.write(text)
        self.console.file.flush()
