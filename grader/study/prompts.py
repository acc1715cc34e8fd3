"""Asking at the terminal: by single keys, or by lines where there is no keyboard."""

from __future__ import annotations

import contextlib
import os
import select
import signal
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from types import FrameType
from typing import Protocol

from rich.console import Console
from rich.text import Text

from grader.watch.keys import Keyboard, Parser, open_keyboard

GO_ON, SKIP, QUIT = "enter", "s", "q"
TICK = 1.0
"""Seconds between two looks at the clock."""
ESCAPE = 0.05
"""Seconds after which an escape character was the Esc key."""
UNREAD = 0.05
"""Seconds between two looks at a keyboard that cannot be waited for."""
MIN_HEIGHT = 6
"""Lines below which a page is not cut: a screen that does not tell its size, or nobody reads on."""

Draw = Callable[[Console], None]


class Ended(Exception):
    """No more answers: `q`, or the end of the input."""


class Gone(Ended):
    """The terminal is gone: nothing can be shown any more."""


class Prompts(Protocol):
    """Shows, and asks."""

    def show(self, draw: Draw) -> None:
        """Print something."""

    def ask(self, choices: Mapping[str, str], minutes: int | None = None) -> str:
        """Wait for one of the keys, `GO_ON` or a character, each with what it does.

        Parameters
        ----------
        minutes : a clock counts down from it.

        Raises
        ------
        Ended : there is none.
        """


@contextlib.contextmanager
def prompts(console: Console) -> Iterator[Prompts]:
    """Keys where input and output are a terminal, else lines."""
    keyboard = open_keyboard() if interactive(console) else None
    if keyboard is None:
        yield Lines(console)
        return
    with Keys(console, keyboard) as keys:
        yield keys


def interactive(console: Console) -> bool:
    """Whether somebody sits at a terminal that can be written over."""
    try:
        keys = sys.stdin is not None and sys.stdin.isatty()
    except ValueError:  # closed
        keys = False
    return keys and console.is_terminal and not console.is_dumb_terminal


def read_line() -> str:
    """The next line of standard input; "" at its end, or where there is none."""
    if sys.stdin is None:
        return ""
    buffer = getattr(sys.stdin, "buffer", None)
    if buffer is None:
        return sys.stdin.readline()
    return bytes(buffer.readline()).decode(errors="replace")


class Lines:
    """Prints what it asks, and reads a line.

    Parameters
    ----------
    read : gives the next line of the input, and "" at its end.
    """

    def __init__(self, console: Console, read: Callable[[], str] | None = None) -> None:
        self._console = console
        self._read = read or read_line

    def show(self, draw: Draw) -> None:
        """Print something."""
        draw(self._console)

    def ask(self, choices: Mapping[str, str], minutes: int | None = None) -> str:
        """Read lines until one is a choice; an empty one is Enter."""
        head = f"{minutes} min to think. " if minutes is not None else ""
        self._say(head + _spelled(choices))
        while True:
            try:
                line = self._read()
            except (OSError, ValueError):
                line = ""
            if not line:
                raise Ended
            word = line.strip().casefold() or GO_ON
            if word == QUIT:
                raise Ended
            if word in choices:
                return word
            self._say(f"not one of these: {_spelled(choices)}")

    def _say(self, text: str) -> None:
        self._console.print(Text(f"[{text}]", "dim"))
        self._console.file.flush()


class Keys:
    """Waits for single keys below what was printed; long texts stop at each page."""

    def __init__(self, console: Console, keyboard: Keyboard) -> None:
        self._console = console
        self._keyboard = keyboard
        self._parser = Parser()
        self._pressed: list[str] = []
        self._shown = 0
        self._asked = False
        self._continued = False
        self._before: list[tuple[int, object]] = []

    def __enter__(self) -> Keys:
        self._keyboard.start()
        for name, handler in (("SIGTSTP", self._suspend), ("SIGCONT", self._resume)):
            number = getattr(signal, name, None)
            with contextlib.suppress(ValueError):  # not in the main thread
                if number is not None and signal.getsignal(number) is not signal.SIG_IGN:
                    self._before.append((number, signal.signal(number, handler)))
        return self

    def __exit__(self, *_: object) -> None:
        for number, handler in self._before:
            signal.signal(number, handler)  # type: ignore[arg-type]  # what signal() gave
        self._keyboard.stop()

    def _suspend(self, *_: int | FrameType | None) -> None:
        """Ctrl-Z: the terminal as it was, until the shell continues us."""
        self._keyboard.stop()
        os.kill(os.getpid(), signal.SIGSTOP)
        self._resume()

    def _resume(self, *_: int | FrameType | None) -> None:
        """The shell has written below what we asked, and may have set the terminal its way."""
        self._keyboard.start()
        self._continued = True

    def show(self, draw: Draw) -> None:
        """Print something; what is longer than the screen waits for a key at each page."""
        with self._console.capture() as got:
            draw(self._console)
        lines = got.get().rstrip("\n").split("\n")
        if self._asked and not lines[0]:  # a blank line was left where it was asked
            lines = lines[1:]
        self._asked = False
        while True:
            height = self._console.height
            room = max(height - 2 - self._shown, 0) if height >= MIN_HEIGHT else len(lines)
            if len(lines) <= room:
                break
            n = max(room - 1, 0)
            page, lines = lines[:n], lines[n:]
            if page:
                self._write("\n".join(page) + "\n")
            self._wait({GO_ON: "more", QUIT: "quit"}, None)
        self._write("\n".join(lines) + "\n")
        self._shown += len(lines)

    def ask(self, choices: Mapping[str, str], minutes: int | None = None) -> str:
        """Wait for a key of the choices; Space does what Enter does."""
        self._write("\n")
        self._asked = True
        return self._wait(choices, minutes)

    def _wait(self, choices: Mapping[str, str], minutes: int | None) -> str:
        begun = time.monotonic()
        shown: tuple[str, int] | None = None
        try:
            while True:
                text = _spelled(choices)
                if minutes is not None:
                    text = f"{clock(60 * minutes - (time.monotonic() - begun))}   {text}"
                if (text, self._console.width) != shown:
                    shown = (text, self._console.width)
                    self._write("\r" + self._dim(text) + "\x1b[K")
                keys = self._next()
                if self._continued:
                    self._continued, shown = False, None
                for key in keys:
                    name = GO_ON if key == "space" else key.casefold()
                    if name in (QUIT, "ctrl-c") and QUIT in choices:
                        raise Ended
                    if name in choices:
                        return name
        finally:
            self._shown = 0  # what stood there was read
            with contextlib.suppress(Gone):
                self._write("\r\x1b[K")

    def _next(self) -> list[str]:
        """The next key, or none within the time after which the clock is looked at."""
        if self._pressed:
            return [self._pressed.pop(0)]
        descriptor = self._keyboard.descriptor
        if descriptor is not None:
            patience = ESCAPE if self._parser.waits else TICK
            ready = bool(select.select([descriptor], [], [], patience)[0])
        else:
            time.sleep(UNREAD)
            ready = True
        if ready:
            typed = self._keyboard.read()
            if typed is None:
                raise Gone
            self._pressed += self._parser.feed(typed)
        elif self._parser.waits:
            self._pressed += self._parser.flush()
        return [self._pressed.pop(0)] if self._pressed else []

    def _dim(self, text: str) -> str:
        room = self._console.width - 1
        with self._console.capture() as got:
            self._console.print(Text(text[:room], "dim"), end="", no_wrap=True, crop=True)
        return got.get().replace("\n", "")

    def _write(self, text: str) -> None:
        try:
            self._console.file.write(text)
            self._console.file.flush()
        except OSError:
            raise Gone from None


def _spelled(choices: Mapping[str, str]) -> str:
    return "   ".join(
        f"{'Enter' if key == GO_ON else key}: {what}" for key, what in choices.items()
    )


def clock(left: float) -> str:
    """Seconds that are left, or that it is over, as a clock has them."""
    whole = -int(-left // 1) if left > 0 else int(-left)
    text = f"{whole // 60}:{whole % 60:02d}"
    return text if left > 0 else f"+{text} over"
