"""A program under a pseudo-terminal, with its screen in memory: what a person would see, and keys to press."""

from __future__ import annotations

import fcntl
import os
import pty
import select
import signal
import struct
import subprocess
import sys
import termios
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import pyte

PATIENCE = 60.0
"""Seconds to wait for a state: a deadline against a hang, never a measurement."""
TAKE_TERMINAL = """
import fcntl, os, sys, termios
fcntl.ioctl(0, termios.TIOCSCTTY, 0)
os.write(1, bytes(1))
os.execvp(sys.argv[1], sys.argv[1:])
"""
"""Gives the program the Ctrl-C and the size of its terminal as signals, and says so by a byte that shows nothing."""


class Program:
    """A command on a terminal of its own.

    Attributes
    ----------
    seen : when the last output came, on the clock of `time.perf_counter`.
    """

    def __init__(
        self,
        command: Sequence[str],
        cwd: Path,
        *,
        width: int = 80,
        height: int = 24,
        env: Mapping[str, str] | None = None,
    ) -> None:
        self.screen = pyte.Screen(width, height)
        self._stream = pyte.ByteStream(self.screen)
        self.raw = bytearray()
        self.seen = 0.0
        self._changed = threading.Condition()
        self.master, self.slave = pty.openpty()
        os.set_blocking(self.master, False)
        self._set_size(width, height)
        self.found = termios.tcgetattr(self.slave)
        surroundings = {**os.environ, "TERM": "xterm-256color", **(env or {})}
        for name in ("NO_COLOR", "COLUMNS", "LINES", "VISUAL", "EDITOR", "GRADER_COURSE"):
            if name not in (env or {}):
                surroundings.pop(name, None)
        self.process = subprocess.Popen(
            [sys.executable, "-S", "-c", TAKE_TERMINAL, *command],
            cwd=cwd,
            stdin=self.slave,
            stdout=self.slave,
            stderr=self.slave,
            env=surroundings,
            start_new_session=True,
        )
        self._over = False
        self._thread = threading.Thread(target=self._read, daemon=True)
        self._thread.start()

    def _set_size(self, width: int, height: int) -> None:
        fcntl.ioctl(self.master, termios.TIOCSWINSZ, struct.pack("HHHH", height, width, 0, 0))

    def _read(self) -> None:
        while not self._over:
            ready, _, _ = select.select([self.master], [], [], 0.1)
            if not ready:
                continue
            try:
                data = os.read(self.master, 65536)
            except BlockingIOError:  # Ctrl-C and Ctrl-Z make the system drop what was not read yet
                continue
            except OSError:
                return
            moment = time.perf_counter()
            with self._changed:
                self.raw += data
                self._stream.feed(data)
                self.seen = moment
                self._changed.notify_all()

    @property
    def text(self) -> str:
        """The screen's lines."""
        return "\n".join(line.rstrip() for line in self.screen.display)

    def wait(self, condition: Callable[[str], Any], seconds: float = PATIENCE) -> float:
        """Wait until the screen's text meets a condition; when the output that made it do so came."""
        until = time.monotonic() + seconds
        with self._changed:
            while not condition(self.text):
                if time.monotonic() > until:
                    raise AssertionError(f"the screen never came to it:\n{self.text}")
                self._changed.wait(0.5)
            return self.seen

    def wait_for(self, *words: str, seconds: float = PATIENCE) -> float:
        """Wait until all the words are on the screen."""
        return self.wait(lambda text: all(word in text for word in words), seconds)

    def press(self, keys: str) -> None:
        """Type."""
        os.write(self.master, keys.encode())

    def resize(self, width: int, height: int) -> None:
        """Another size; the program gets SIGWINCH from the terminal."""
        with self._changed:
            self.screen.resize(height, width)
            self._set_size(width, height)

    def end(self, seconds: float = PATIENCE) -> int:
        """Wait until it has ended; its exit code."""
        code = self.process.wait(seconds)
        time.sleep(0.2)  # for its last output
        return code

    def settings(self) -> list[Any]:
        """The terminal's settings now, as `stty` shows them."""
        return termios.tcgetattr(self.slave)

    def hang_up(self) -> None:
        """Take the terminal away, as a window that is closed does."""
        self._over = True
        self._thread.join()
        os.close(self.slave)
        os.close(self.master)
        self.master = self.slave = -1

    def close(self) -> None:
        """End it, whatever it is at."""
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGKILL)
            self.process.wait()
        self._over = True
        self._thread.join()
        for descriptor in (self.master, self.slave):
            if descriptor >= 0:
                os.close(descriptor)

    def __enter__(self) -> Program:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()
