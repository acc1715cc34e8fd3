"""The keyboard: what a terminal sends as names of keys, and reading it without Enter.

On POSIX by termios, on Windows by msvcrt; where there is neither, `open_keyboard` gives None.
"""

from __future__ import annotations

import os
import sys
from typing import Any, Protocol

ESCAPES = {
    "[A": "up", "[B": "down", "[C": "right", "[D": "left", "OA": "up", "OB": "down", "OC": "right",
    "OD": "left", "[H": "home", "[F": "end", "OH": "home", "OF": "end", "[1~": "home", "[4~": "end",
    "[7~": "home", "[8~": "end", "[5~": "pageup", "[6~": "pagedown", "OM": "enter",
}  # fmt: skip
"""What stands behind an escape character, in the ways of the common terminals."""
CONTROLS = {
    "\r": "enter", "\n": "enter", " ": "space", "\t": "tab", "\x7f": "backspace", "\x08": "backspace",
    "\x03": "ctrl-c", "\x04": "ctrl-c",
}  # fmt: skip
PASTE, PASTE_ENDS = "[200~", "\x1b[201~"
MAX_SEQUENCE = 32
"""Characters of an escape sequence; a longer one is no key."""


class Parser:
    """Names of keys from what a terminal sends.

    What is pasted is no key: a line of code would scroll, quit or give up.
    """

    def __init__(self) -> None:
        self._waiting = ""
        self._pasting = False

    @property
    def waits(self) -> bool:
        """Whether the start of a sequence is there, or the Esc key alone."""
        return bool(self._waiting) and not self._pasting

    def feed(self, data: bytes) -> list[str]:
        """The keys that are complete."""
        self._waiting += data.decode("utf-8", "ignore")
        keys: list[str] = []
        while self._waiting:
            if self._pasting:
                _, found, behind = self._waiting.partition(PASTE_ENDS)
                if not found:
                    self._waiting = self._waiting[-len(PASTE_ENDS) :]
                    return keys
                self._waiting, self._pasting = behind, False
                continue
            if self._waiting[0] != "\x1b":
                character, self._waiting = self._waiting[0], self._waiting[1:]
                name = CONTROLS.get(character, character)
                if name.isprintable():
                    keys.append(name)
                continue
            length = _length(self._waiting)
            if length is None:
                return keys
            sequence, self._waiting = self._waiting[1:length], self._waiting[length:]
            if not sequence:
                keys.append("esc")
            elif sequence == PASTE:
                self._pasting = True
            elif sequence in ESCAPES:
                keys.append(ESCAPES[sequence])
        return keys

    def flush(self) -> list[str]:
        """No more is coming: an escape character that waits was the Esc key."""
        waiting, self._waiting = self._waiting, ""
        return ["esc"] if waiting == "\x1b" and not self._pasting else []


def _length(text: str) -> int | None:
    """The length of the escape sequence that `text` starts with; None while it is not whole."""
    if len(text) < 2:
        return None
    if text[1] == "\x1b":
        return 1  # Esc twice
    if text[1] not in "[O":
        return 2  # Alt and a key
    for position, character in enumerate(text[2:MAX_SEQUENCE], start=2):
        if "@" <= character <= "~":
            return position + 1
    return None if len(text) < MAX_SEQUENCE else MAX_SEQUENCE


class Keyboard(Protocol):
    """Keys as they are pressed."""

    descriptor: int | None
    """What to wait for; None where the keyboard has to be asked from time to time."""

    def start(self) -> None:
        """Let keys come without Enter and without being shown."""

    def stop(self) -> None:
        """Leave the terminal as it was found. A second time does nothing."""

    def read(self) -> bytes | None:
        """What was typed; None where the terminal is gone."""


def open_keyboard() -> Keyboard | None:
    """The keyboard of the terminal that standard input is, or None."""
    try:
        if not sys.stdin.isatty():
            return None
        descriptor = sys.stdin.fileno()
    except (AttributeError, OSError, ValueError):  # there is no standard input
        return None
    if sys.platform == "win32":
        return WindowsKeyboard()
    try:
        import termios
    except ImportError:
        return None
    try:
        termios.tcgetattr(descriptor)
    except termios.error:
        return None
    return PosixKeyboard(descriptor)


if sys.platform == "win32":

    class WindowsKeyboard:
        """The console of Windows."""

        descriptor: int | None = None

        def start(self) -> None:
            """The console gives keys one by one as it is."""

        def stop(self) -> None:
            """There is nothing to undo."""

        def read(self) -> bytes | None:
            """What was typed."""
            import msvcrt

            typed = b""
            while msvcrt.kbhit():
                character = msvcrt.getwch()
                if character in "\x00\xe0":  # an arrow or the like, in two characters
                    character = {"H": "\x1b[A", "P": "\x1b[B"}.get(msvcrt.getwch(), "")
                typed += character.encode()
            return typed

else:

    class PosixKeyboard:
        """A terminal of a POSIX system."""

        def __init__(self, descriptor: int) -> None:
            self.descriptor: int | None = descriptor
            self._descriptor = descriptor
            self._found: list[Any] | None = None

        def start(self) -> None:
            """No line editing, no echo, no freezing by Ctrl-S; Ctrl-C and Ctrl-Z stay signals."""
            import termios

            found = termios.tcgetattr(self._descriptor)
            if self._found is None:
                self._found = list(found)
            found[0] &= ~termios.IXON
            found[3] &= ~(termios.ICANON | termios.ECHO)
            found[6] = list(found[6])
            found[6][termios.VMIN], found[6][termios.VTIME] = 1, 0
            termios.tcsetattr(self._descriptor, termios.TCSANOW, found)

        def stop(self) -> None:
            """Put back what was found, and drop what was typed and not read."""
            import contextlib
            import termios

            if self._found is None:
                return
            with contextlib.suppress(termios.error):  # the terminal is gone
                termios.tcsetattr(self._descriptor, termios.TCSANOW, self._found)
                termios.tcflush(self._descriptor, termios.TCIFLUSH)
            self._found = None

        def read(self) -> bytes | None:
            """What was typed."""
            try:
                return os.read(self._descriptor, 4096) or None
            except BlockingIOError:  # another program has made the terminal so
                return b""
            except OSError:
                return None
