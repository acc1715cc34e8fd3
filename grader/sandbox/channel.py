"""One forked child, from this side: frames out, frames in, every wait with a deadline.

Everything read is checked before it is used: lengths before memory is taken, kinds, sequence numbers,
which are random so that an answer cannot be sent before its question is known. Calls can be made one at a time,
or posted one behind the other, so that the child finds its next call waiting when it has answered one.
"""

from __future__ import annotations

import contextlib
import os
import random
import select
import signal
import time
from collections import deque
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from itertools import islice
from typing import TYPE_CHECKING, Any

from grader.errors import CheckFailure, CheckUnresolved, SandboxError
from grader.model import Evidence
from grader.sandbox import wire

if TYPE_CHECKING:
    from grader.sandbox.zygote import Zygote

LOOK = 0.5
"""Seconds between looks at whether the zygote still runs, while a greeting is waited for."""
START_TIMEOUT = 60.0
"""Seconds for the zygote to import NumPy on a slow or loaded machine."""
FORK_TIMEOUT = 15.0
"""Seconds for a zygote that has forked before to fork a child: longer, and somebody has stopped it."""
MAX_CALLBACKS = 100_000
"""Callbacks in one call; its deadline normally comes first."""
BUFFER = 64 * 1024
KEPT_BUFFER = 4 * 1024 * 1024
"""Bytes of a receive buffer that is kept for the next frame."""
GATHER = 64 * 1024
"""Bytes from which a payload is sent beside its header, not copied behind it."""
MAX_PARTS = 16
"""Calls that are sent at once; every system takes as many parts."""
MAX_FILLS = 4096
"""Reads for one frame before its deadline is looked at again, and as many after it: the largest honest frame takes some
hundreds. Whoever sends byte by byte, always the next in time, would be read for ever."""
EVIDENCE_BYTES = 64
"""Of what was sent that no honest worker sends, what is kept for a person to look at."""

_REPLIES = {
    wire.LOAD: frozenset({wire.LOADED}),
    wire.CALL: frozenset({wire.PLAIN, wire.RETURNED, wire.RAISED, wire.UNSUPPORTED}),
}
_MESSAGE_LIMIT = 500
_KINDS = {
    getattr(wire, name): name
    for name in ("HELLO", "LOADED", "RETURNED", "RAISED", "UNSUPPORTED", "CALLBACK", "PLAIN")
}
_EXITS = {  # as in `worker`
    70: "it cannot go on: something that Python relies on was changed",
    71: "it closed its connection to the grader",
}


class Late(Exception):
    """The deadline passed."""


class Died(Exception):
    """The channel closed. The text says how the child ended, as far as it is known."""


class Gone(Died):
    """It had closed before anything was sent: what was to be sent is not the cause."""


class Lied(Exception):
    """Data that no honest worker sends. A frame that is cut short by the child's end is none: that is `Died`."""


class ZygoteDied(SandboxError):
    """The process that forks the children has ended, and the children with it."""


class Worker:
    """A forked child and its socket.

    Attributes
    ----------
    hello : its greeting, once it has come: its process id, the limits in force, and what a probe found.
    """

    def __init__(self, zygote: Zygote, *, probe: bool = False, draws: bool = False) -> None:
        self.zygote = zygote
        self.number, self._sock = zygote.fork(probe=probe, draws=draws)
        self._sock.setblocking(False)
        self._readable = select.poll()
        self._readable.register(self._sock, select.POLLIN)
        self.hello: dict[str, Any] = {}
        self._numbers = random.Random(os.urandom(16))
        self._sequence = 0
        self._calls = 0  # sent so far
        self._due = "nothing"  # the frame that was waited for last, in words
        self._buffer = bytearray(BUFFER)
        self._view = memoryview(self._buffer)
        self._have = 0  # bytes in the buffer
        self._used = 0  # of them, those of frames that have been read
        self._at = 0  # where the frame begins that is being read, or was read last
        self._posted: deque[int] = deque()  # the calls that are not answered, oldest first
        self._unsent: deque[memoryview] = deque()
        self._closed = False
        self._linger = wire.lingers()

    @property
    def pid(self) -> int:
        """Its process id, or 0 before it has greeted and where it means nothing here."""
        return int(self.hello.get("pid", 0))

    # requests

    def start_loading(self, payload: bytes) -> None:
        """Send a file, without waiting."""
        self._sequence = self._numbers.getrandbits(32)
        with contextlib.suppress(Gone):  # the answer that does not come says how it died
            self._send(wire.LOAD, self._sequence, payload, time.monotonic() + START_TIMEOUT)

    def loaded(self, deadline_after: float) -> Any:
        """The answer to the file sent; the time for it begins once the child runs."""
        self.greet()
        self._due = f"LOADED {self._sequence:08x}"
        return self._reply(wire.LOAD, self._sequence, (), time.monotonic() + deadline_after)[1]

    def call(
        self, payload: bytes, callbacks: Sequence[Callable[..., Any]], deadline: float
    ) -> tuple[int, Any]:
        """The kind and the value of the answer to one call, with the callbacks it makes.

        Raises
        ------
        Late, Died, Lied : there is none.
        """
        sequence = self._numbers.getrandbits(32)
        self._calls += 1
        self._due = f"an answer {sequence:08x}"
        self._send(wire.CALL_ALONE, sequence, payload, deadline)
        return self._reply(wire.CALL, sequence, callbacks, deadline)

    def post(self, payload: bytes) -> None:
        """Put a call behind those that are not answered yet, to be sent with the next `push`."""
        sequence = self._numbers.getrandbits(32)
        header = wire.HEADER.pack(len(payload), wire.CALL, sequence)
        self._calls += 1
        self._posted.append(sequence)
        self._unsent.append(memoryview(header + payload))

    def push(self) -> None:
        """Send as much of what was posted as the socket takes now: all at once, as the child wakes up at the first."""
        while self._unsent:
            try:
                n = self._sock.sendmsg(tuple(islice(self._unsent, MAX_PARTS)))
            except BlockingIOError:
                return
            except OSError:  # it has ended: `take` gives what it has answered, and then says so
                self._unsent.clear()
                return
            while self._unsent and n >= len(self._unsent[0]):
                n -= len(self._unsent.popleft())
            if n:
                self._unsent[0] = self._unsent[0][n:]

    def take(self) -> tuple[int, Any] | None:
        """The kind and value of the answer to the oldest call posted, if it is there.

        Raises
        ------
        Died, Lied : it will not come.
        """
        fitting, oldest = _REPLIES[wire.CALL], self._posted[0]
        self._due = f"an answer {oldest:08x}"
        self._start_frame()
        for _ in range(MAX_FILLS):
            frame = self._frame(lambda kind, number: kind in fitting and number == oldest)
            if frame is not None:
                break
            if not self._fill():
                return None
        else:
            return None
        self._posted.popleft()
        if self._have > self._used and not self._posted:
            raise Lied("there is more than the answer")
        kind, _, payload = frame
        return kind, _decoded(payload)

    def waits_for(self) -> tuple[int, int]:
        """Its socket, and the events of `select.poll` that tell that there is something to do."""
        return self._sock.fileno(), select.POLLIN | (select.POLLOUT if self._unsent else 0)

    def greet(self) -> None:
        """Wait for the child's greeting, which it sends before it sees any of the submission."""
        if self.hello:
            return
        try:
            self.hello = wire.loads(self._greeting())
        except Late:
            raise self.zygote.lost() from None
        except (Died, Lied, wire.WireError):
            raise SandboxError(self.zygote.why_dead()) from None
        self.zygote.warm = True

    def _greeting(self) -> memoryview:
        """The payload of the greeting; `Late` where there is none, or where the zygote has ended without one."""
        until = time.monotonic() + (FORK_TIMEOUT if self.zygote.warm else START_TIMEOUT)
        while True:
            running = self.zygote.alive
            try:
                slice_ = min(until, time.monotonic() + LOOK)
                return self._receive(slice_, lambda kind, _: kind == wire.HELLO)[2]
            except Late:
                if not running or time.monotonic() >= until:
                    raise

    def evidence(self, seen: str, during: str) -> Evidence:
        """What is in the buffer, after `Lied`; the call is the oldest without an answer."""
        header = wire.HEADER
        actual, length = "", 0
        if self._have - self._at >= header.size:
            length, kind, number = header.unpack_from(self._buffer, self._at)
            actual = f"{_KINDS.get(kind, f'kind {kind}')} {number:08x}"
        return Evidence(
            seen=seen,
            during=during,
            call=self._calls - max(len(self._posted) - 1, 0) if during else 0,
            expected=self._due,
            actual=actual,
            length=length,
            received=self._have - self._at,
            head=bytes(self._view[self._at : min(self._have, self._at + EVIDENCE_BYTES)]).hex(),
            at=datetime.now(UTC).isoformat(timespec="milliseconds"),
        )

    def _reply(
        self, question: int, sequence: int, callbacks: Sequence[Callable[..., Any]], deadline: float
    ) -> tuple[int, Any]:
        fitting = _REPLIES[question]

        def known(kind: int, number: int) -> bool:
            if kind == wire.CALLBACK:
                return number < len(callbacks)
            return kind in fitting and number == sequence

        for _ in range(MAX_CALLBACKS + 1):
            kind, number, payload = self._receive(deadline, known, soon=question == wire.CALL)
            if self._have > self._used:
                raise Lied("there is more than the answer")
            value = _decoded(payload)
            if kind != wire.CALLBACK:
                return kind, value
            if time.monotonic() > deadline:
                raise Late
            self._send(wire.ANSWER, 0, _answer(callbacks[number], value), deadline)
        raise Late

    # frames

    def _send(self, kind: int, sequence: int, payload: bytes, deadline: float) -> None:
        header = wire.HEADER.pack(len(payload), kind, sequence)
        parts: list[bytes | memoryview]
        parts = [header + payload] if len(payload) < GATHER else [header, payload]
        untouched = True
        while parts:
            try:
                n = self._sock.send(parts[0]) if len(parts) == 1 else self._sock.sendmsg(parts)
            except BlockingIOError:
                writable = select.poll()
                writable.register(self._sock, select.POLLOUT)
                if not writable.poll(_milliseconds(deadline)):
                    raise Late from None
                continue
            except OSError:
                how = self.how_it_ended()
                raise Gone(how) if untouched else Died(how) from None
            if len(parts) == 1 and n == len(parts[0]):
                return
            untouched = False
            while parts and n >= len(parts[0]):
                n -= len(parts.pop(0))
            if n:
                parts[0] = memoryview(parts[0])[n:]

    def _receive(
        self, deadline: float, known: Callable[[int, int], bool], *, soon: bool = False
    ) -> tuple[int, int, memoryview]:
        """One frame that `known` accepts by its kind and number; its payload is good until the next.

        Where it may come `soon`, it is looked for before this process goes to sleep.
        """
        self._start_frame()
        late = 0
        until = time.perf_counter() + self._linger if soon else 0.0
        while True:
            frame = self._frame(known)
            if frame is not None:
                return frame
            while time.perf_counter() < until:  # before it goes to sleep
                if self._fill():
                    break
                os.sched_yield()
            else:
                if not self._readable.poll(_milliseconds(deadline)):
                    raise Late
                self._fill()
                late += time.monotonic() > deadline
                if late > MAX_FILLS:
                    raise Late

    def _frame(self, known: Callable[[int, int], bool]) -> tuple[int, int, memoryview] | None:
        """The frame that begins at `_at`, if it is whole."""
        header = wire.HEADER
        wanted = self._at + header.size
        if self._have >= wanted:
            length, kind, number = header.unpack_from(self._buffer, self._at)
            if length > wire.MAX_FRAME or not known(kind, number):
                raise Lied("an answer to no question")
            begin, wanted = wanted, wanted + length
            if self._have >= wanted:
                self._used = wanted
                return kind, number, self._view[begin:wanted]
        if self._have == len(self._buffer):
            self._make_room(wanted - self._at)
        return None

    def _fill(self) -> bool:
        """Read what is there; whether there was anything."""
        try:
            n = self._sock.recv_into(self._view[self._have :])
        except BlockingIOError:
            return False
        except OSError:
            n = 0
        if not n:
            raise Died(self.how_it_ended())
        self._have += n
        return True

    def _start_frame(self) -> None:
        """Turn to what came behind the last frame."""
        self._at = self._used
        if len(self._buffer) > KEPT_BUFFER and self._at:
            self._move(BUFFER + self._have - self._at)
        elif self._at == self._have:
            self._at = self._used = self._have = 0

    def _make_room(self, wanted: int) -> None:
        """Room for more of a frame, as its bytes come in: a length alone takes no memory."""
        size = len(self._buffer)
        self._move(min(wanted, 4 * size) if self._at == 0 else size)

    def _move(self, size: int) -> None:
        """Bring the frame that begins at `_at` to the front of a new buffer."""
        buffer = bytearray(size)
        self._have -= self._at
        buffer[: self._have] = self._view[self._at : self._at + self._have]
        self._at = self._used = 0
        self._buffer, self._view = buffer, memoryview(buffer)

    # the end

    def how_it_ended(self) -> str:
        """How a child ended whose socket has closed; it is closed then.

        Raises
        ------
        ZygoteDied : the zygote has ended too.
        """
        if self._closed:
            return "it has been ended"
        self._closed = True
        self._sock.close()
        try:
            return _in_words(self.zygote.end_and_ask(self.number))
        except SandboxError:
            self._kill_group()
            raise ZygoteDied(str(self.zygote.lost())) from None

    def kill(self) -> None:
        """End the child and whatever is left of its process group."""
        if self._closed:
            return
        self._closed = True
        self._sock.close()
        try:
            self.zygote.end(self.number)
        except SandboxError:
            self._kill_group()

    def _kill_group(self) -> None:
        if self.pid:
            with contextlib.suppress(OSError):
                os.killpg(self.pid, signal.SIGKILL)


def _milliseconds(deadline: float) -> int:
    """What is left until a deadline, rounded up.

    0 where it has passed: what is there already is still taken, as this process may have slept meanwhile.
    """
    return max(0, int((deadline - time.monotonic()) * 1000) + 1)


def _decoded(payload: memoryview) -> Any:
    try:
        return wire.loads(payload)
    except wire.WireError as error:
        raise Lied(str(error)) from None


def _answer(function: Callable[..., Any], call: Any) -> bytes:
    """What a callback gives, encoded: ``(True, value)`` or ``(False, message)``."""
    match call:
        case (tuple() as args, dict() as kwargs) if all(type(key) is str for key in kwargs):
            pass
        case _:
            raise Lied("a malformed callback")
    try:
        value = function(*args, **kwargs)
    except (CheckFailure, CheckUnresolved, SandboxError, AssertionError):
        raise  # the suite's own verdict
    except Exception as error:  # the submission gave it arguments that it cannot take
        return wire.dumps((False, f"{type(error).__name__}: {error}"[:_MESSAGE_LIMIT]))
    try:
        return wire.dumps((True, value))
    except wire.WireError as error:
        raise SandboxError(f"a callback of the suite gives {error}") from None


def _in_words(status: int) -> str:
    """A status of `os.waitpid` for the learner."""
    if status == -1:
        return _EXITS[71]
    if not os.WIFSIGNALED(status):
        code = os.waitstatus_to_exitcode(status)
        if code in _EXITS:
            return _EXITS[code]
        return f"it ended itself with exit status {code}, as os._exit() does"
    number = os.WTERMSIG(status)
    try:
        name = signal.Signals(number).name
    except ValueError:
        name = f"signal {number}"
    why = {
        "SIGXCPU": ": it used up its processor time",
        "SIGKILL": ": as a rule, for using too much memory",
        "SIGSEGV": ": recursion too deep, or a crash in C code",
    }.get(name, "")
    return f"it was killed by {name}{why}"
