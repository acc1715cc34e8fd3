"""One processor for both sides of a call.

Grader and worker take turns: one waits while the other works. On two processors each turn wakes one that
sleeps, which costs more than the call itself, above all on virtual machines; on one, a turn is a switch. A
seat is a processor reserved for one grader while it runs its suites: several graders share out the machine.
"""

from __future__ import annotations

import contextlib
import os
import socket
from collections.abc import Iterator
from contextlib import contextmanager


class Seat:
    """A reserved processor, or none where the system has no such thing or all are taken.

    Parameters
    ----------
    name : under which processors are reserved; graders of one user share it.
    """

    def __init__(self, name: str = "gradsmith-seat") -> None:
        self._name = name
        self._lock: socket.socket | None = None
        self.processor: int | None = None
        self._occupied = False

    def take(self) -> None:
        """Reserve a processor, if one is free. The kernel gives it back when this process ends."""
        if self.processor is not None or not hasattr(os, "sched_setaffinity"):
            return
        allowed = sorted(os.sched_getaffinity(0))
        if len(allowed) < 2:
            return
        for processor in allowed:
            lock = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
            try:
                lock.bind(f"\0{self._name}-{os.getuid()}-{processor}")  # an abstract name: no file
            except OSError:
                lock.close()
                continue
            self._lock, self.processor = lock, processor
            return

    @contextmanager
    def taken(self) -> Iterator[None]:
        """Sit on the reserved processor for the time of a block."""
        self.take()
        if self.processor is None:
            yield
            return
        before = os.sched_getaffinity(0)
        with contextlib.suppress(OSError):
            os.sched_setaffinity(0, {self.processor})
        self._occupied = True
        try:
            yield
        finally:
            self._occupied = False
            with contextlib.suppress(OSError):
                os.sched_setaffinity(0, before)

    def seat(self, pid: int) -> None:
        """Put a child beside its grader, if that one is on its seat."""
        if self._occupied and self.processor is not None and pid:
            with contextlib.suppress(OSError):
                os.sched_setaffinity(pid, {self.processor})

    def leave(self) -> None:
        """Give the processor back."""
        if self._lock is not None:
            self._lock.close()
            self._lock = self.processor = None
