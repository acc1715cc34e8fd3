"""This side of the worker: a submission whose functions run elsewhere.

`Sandbox` owns a zygote; `Worker` is one forked child and its socket; `RemoteTopic` gives a suite
``submission.softmax(...)``. What comes back is data, and every wait has a deadline.
"""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import time
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from types import TracebackType
from typing import Any

from grader.calls import Call
from grader.errors import CheckFailure, Halted, SandboxError, SubmissionRaised
from grader.model import Failure, Problem, Status
from grader.sandbox import jail, wire
from grader.sandbox.zygote import Zygote

DEFAULT_TIMEOUT = 5.0
"""Seconds for one call, callbacks included, and for loading a file."""
START_TIMEOUT = 60.0
"""Seconds for the zygote to import NumPy on a slow or loaded machine."""
MAX_CALLBACKS = 100_000
"""Callbacks in one call; its deadline normally comes first."""
HOW_DIED = "it exited, crashed, or ran into a resource limit"


@dataclass(frozen=True, slots=True)
class Record:
    """A call that a test made: its arguments as they were sent, and what came back.

    `outcome` is ``("returned", value)``, ``("raised", type name)`` or ``("halted", status)``.
    """

    function: str
    payload: bytes
    outcome: tuple[str, Any]

    def arguments(self) -> tuple[tuple[Any, ...], dict[str, Any]]:
        """The arguments, made anew; callables among them are not kept."""
        _, _, args, kwargs = wire.loads(self.payload, lambda _: None)
        return args, kwargs


class RemoteFunction:
    """One function of a submission."""

    __slots__ = ("_name", "_topic")

    def __init__(self, topic: TopicProxy, name: str) -> None:
        self._topic = topic
        self._name = name

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """Its value. Raises `SubmissionRaised`, `CheckFailure` or `Halted`."""
        return self._topic.invoke(self._name, args, kwargs, want_arguments=False).value

    def call(self, *args: Any, **kwargs: Any) -> Call:
        """Its value and all else that can be seen of the call."""
        return self._topic.invoke(self._name, args, kwargs, want_arguments=True)

    @property
    def __name__(self) -> str:
        return self._name


class TopicProxy(ABC):
    """The functions of one topic, as the suites see them.

    Attributes
    ----------
    records : the calls since a test began, newest last.
    warnings, printed : what those calls warned and printed.
    """

    def __init__(self, topic: str, exercises: Sequence[str], rename: Mapping[str, str] | None) -> None:
        self.topic = topic
        self.exercises = frozenset(exercises)
        self.rename = rename or {}
        self.records: list[Record] = []
        self.warnings: list[str] = []
        self.printed: list[str] = []
        self._functions: dict[str, RemoteFunction] = {}
        self._halted: dict[str, Halted] = {}

    def __getattr__(self, name: str) -> RemoteFunction:
        if name.startswith("_") or name not in self.exercises:
            raise AttributeError(f"{name!r} is no exercise of the topic {self.topic}")
        function = self._functions.get(name)
        if function is None:
            function = self._functions[name] = RemoteFunction(self, name)
        return function

    def begin(self) -> None:
        """Forget what was recorded: a test begins."""
        self.records = []
        self.warnings = []
        self.printed = []

    def invoke(
        self, name: str, args: tuple[Any, ...], kwargs: dict[str, Any], *, want_arguments: bool
    ) -> Call:
        """Call a function of the submission and record the call.

        Raises
        ------
        SubmissionRaised : the function raised.
        CheckFailure : it returned something that is not plain data.
        Halted : it is a stub, or its process is late, dead or lying. Remembered: a function whose call
            never came back is not tried again.
        """
        if name in self._halted:
            raise self._halted[name]
        callbacks: list[Callable[..., Any]] = []

        def refer(function: Callable[..., Any]) -> int:
            callbacks.append(function)
            return len(callbacks) - 1

        target = self.rename.get(name, name)
        payload = wire.dumps((target, int(want_arguments), args, kwargs), refer)
        try:
            done = self._invoke(name, target, payload, callbacks)
        except SubmissionRaised as raised:
            if "NotImplementedError" in raised.bases:
                halted = self._still_a_stub(name, target, raised)
                self.records.append(Record(name, payload, ("halted", halted.status)))
                raise halted from None
            self.records.append(Record(name, payload, ("raised", raised.type_name)))
            raise
        except Halted as halted:
            self.records.append(Record(name, payload, ("halted", halted.status)))
            if halted.status is not Status.MISSING:
                self._halted[name] = halted
            raise
        except CheckFailure:
            self.records.append(Record(name, payload, ("unsupported", None)))
            raise
        self.records.append(Record(name, payload, ("returned", done.value)))
        self.warnings += done.warnings
        if done.printed:
            self.printed.append(done.printed)
        return done

    def _still_a_stub(self, name: str, target: str, raised: SubmissionRaised) -> Halted:
        if raised.function not in (None, target) and raised.function in self.exercises:
            return Halted(Status.MISSING, f"it calls `{raised.function}`, which is still a stub")
        if raised.message:
            return Halted(Status.MISSING, f"NotImplementedError: {raised.message}")
        return Halted(Status.MISSING, "still a stub")

    @abstractmethod
    def _invoke(
        self, name: str, target: str, payload: bytes, callbacks: Sequence[Callable[..., Any]]
    ) -> Call:
        """Carry out the call that `payload` encodes."""

    def close(self) -> None:  # noqa: B027 - most topics in this process hold nothing to close
        """Let go of the worker."""


class RemoteTopic(TopicProxy):
    """One file of a submission, loaded in a child of its own.

    A child that dies takes only the function that was being called with it: the next function gets a fresh one.
    """

    def __init__(
        self,
        sandbox: Sandbox,
        topic: str,
        file: str,
        source: str | None,
        exercises: Sequence[str],
        *,
        problem: Problem | None = None,
        rename: Mapping[str, str] | None = None,
        timeout: float = DEFAULT_TIMEOUT,
    ) -> None:
        super().__init__(topic, exercises, rename)
        self.sandbox = sandbox
        self.file = file
        self.source = source
        self.timeout = timeout
        self.problem = problem
        self.load_warnings: tuple[str, ...] = ()
        self._worker: Worker | None = None
        self._functions_there: dict[str, tuple[str, ...]] | None = None
        self._load_halt: Halted | None = None
        if problem is not None:
            self._load_halt = Halted(Status.ERROR, problem.message, problem)

    def prepare(self) -> None:
        """Fork the child and send it the file without waiting, so that both overlap with other work."""
        if self._worker is None and self._load_halt is None and self.source is not None:
            self._worker = self.sandbox.spawn()
            self._worker.send(wire.LOAD, wire.dumps((self.topic, self.file, self.source)))

    def load(self) -> Mapping[str, tuple[str, ...]]:
        """Load the file if it is not; the callables it defines, with their parameters' names.

        Raises
        ------
        Halted : it cannot be loaded. Remembered, so that a file that hangs costs one deadline.
        """
        if self._load_halt is not None:
            raise self._load_halt
        if self.source is None:
            return {}
        if self._functions_there is not None and self._worker is not None:
            return self._functions_there
        self.prepare()
        assert self._worker is not None
        try:
            kind, reply = self._worker.receive_value(time.monotonic() + self.timeout)
            if kind != wire.LOADED or not isinstance(reply, dict):
                raise _Lied("an unexpected answer while it was loaded")
            if "error" in reply:
                self._load_halt = self._not_loaded(reply)
            else:
                functions = _string_lists(reply.get("functions"))
                self.load_warnings = tuple(_strings(reply.get("warnings")))
                self._functions_there = functions
        except _Late:
            self._load_halt = self._problem_halt(
                Status.TIMEOUT,
                f"importing the file took longer than {self.timeout:g} s: "
                "move code that runs at import into functions",
            )
        except _Died as died:
            self._load_halt = self._problem_halt(
                Status.ERROR, f"the process ended while the file was imported ({died})"
            )
        except (_Lied, wire.WireError) as lied:
            self._load_halt = self._problem_halt(Status.TAMPERED, f"the worker's answer is forged: {lied}")
        if self._load_halt is not None:
            self.problem = self._load_halt.problem
            self._drop()
            raise self._load_halt
        assert self._functions_there is not None
        return self._functions_there

    def _not_loaded(self, reply: Mapping[str, Any]) -> Halted:
        """What became of a file that raised while it was loaded."""
        kind, message = str(reply["error"]), str(reply.get("message") or "")
        number = reply.get("line")
        line = number if type(number) is int else None
        offset = reply.get("column")
        column = offset if type(offset) is int and offset > 0 else None
        if kind == "ModuleNotFoundError":
            message += "; a submission can import NumPy and the standard library only"
        elif kind == "SystemExit":
            message = "the file ends the program when it is imported; remove the call of exit() or sys.exit()"
        text = reply.get("text")
        if not isinstance(text, str):
            text = None
            if line is not None and self.source is not None:
                lines = self.source.splitlines()
                text = lines[line - 1] if 0 < line <= len(lines) else None
        label = f"{kind}: {message}" if message else kind
        problem = Problem(self.topic, self.file, label, line, column, text)
        return Halted(Status.ERROR, f"{self.file} cannot be imported: {label}", problem)

    def _problem_halt(self, status: Status, message: str) -> Halted:
        return Halted(status, message, Problem(self.topic, self.file, message))

    def _invoke(
        self, name: str, target: str, payload: bytes, callbacks: Sequence[Callable[..., Any]]
    ) -> Call:
        functions = self.load()
        if self.source is None:
            raise Halted(Status.MISSING, f"{self.file} is not there")
        if target not in functions:
            raise Halted(Status.MISSING, f"{self.file} defines no function `{target}`")
        worker = self._worker
        assert worker is not None
        try:
            kind, reply = worker.call(payload, callbacks, time.monotonic() + self.timeout)
            return self._understand(kind, reply, functions[target])
        except _Late:
            self._drop()
            raise Halted(Status.TIMEOUT, f"no answer within {self.timeout:g} s") from None
        except _Died as died:
            self._drop()
            raise Halted(Status.ERROR, f"the process ended during the call ({died})") from None
        except _Flooded as flooded:
            self._drop()
            raise CheckFailure(Failure(str(flooded))) from None
        except (_Lied, wire.WireError) as lied:
            self._drop()
            raise Halted(Status.TAMPERED, f"the worker's answer is forged: {lied}") from None

    def _understand(self, kind: int, reply: Any, parameters: tuple[str, ...]) -> Call:
        """A reply as a `Call` or as the exception it tells of."""
        if kind == wire.UNSUPPORTED:
            raise CheckFailure(
                Failure(f"the function returned {reply}; return arrays, numbers, tuples, lists or dicts")
            )
        if not isinstance(reply, dict):
            raise _Lied("an unexpected answer")
        warned = tuple(_strings(reply.get("warnings")))
        printed = str(reply.get("printed") or "")
        if kind == wire.RAISED:
            self.warnings += warned
            if printed:
                self.printed.append(printed)
            raise self._raised(reply)
        if kind != wire.RETURNED or "value" not in reply:
            raise _Lied("an unexpected answer")
        args, kwargs = reply.get("args", ()), reply.get("kwargs", {})
        if not isinstance(args, tuple) or not isinstance(kwargs, dict):
            raise _Lied("an unexpected answer")
        return Call(reply["value"], args, kwargs, warned, printed, parameters)

    def _raised(self, reply: Mapping[str, Any]) -> BaseException:
        kind, message = str(reply.get("type")), str(reply.get("message") or "")
        bases = tuple(_strings(reply.get("bases")))
        line, function = reply.get("line"), reply.get("function")
        if kind in ("MemoryError", "_ArrayMemoryError"):
            mib = self.sandbox.limits.memory // jail.MIB
            return Halted(Status.ERROR, f"out of memory: a submission has {mib:,} MiB ({message})")
        return SubmissionRaised(
            kind, message, bases=bases,
            line=line if type(line) is int else None,
            function=function if isinstance(function, str) else None,
        )  # fmt: skip

    def _drop(self) -> None:
        if self._worker is not None:
            self._worker.kill()
            self._worker = None

    def close(self) -> None:
        self._drop()


class _Late(Exception):
    """The deadline passed."""


class _Died(Exception):
    """The channel closed."""


class _Flooded(Exception):
    """More data than the cap."""


class _Lied(Exception):
    """Data that no honest worker sends."""


class Worker:
    """A forked child, from this side.

    Everything read is checked: lengths before memory is taken, sequence numbers, kinds.
    """

    def __init__(self, sock: socket.socket, sandbox: Sandbox) -> None:
        self.sock = sock
        self.sandbox = sandbox
        self.pid = 0
        self.hello: dict[str, Any] = {}
        self.sequence = 0
        self._pidfd = -1
        self._greeted = False
        self._ahead = bytearray()  # bytes of the next frame that came with the last one

    def send(self, kind: int, payload: bytes, deadline: float | None = None) -> None:
        """Send one frame; `_Died` where the child has gone, `_Late` where it does not read."""
        self.sequence += 1
        self._send(kind, self.sequence, payload, deadline)

    def _send(self, kind: int, sequence: int, payload: bytes, deadline: float | None) -> None:
        try:
            self.sock.settimeout(
                START_TIMEOUT if deadline is None else max(deadline - time.monotonic(), 0.001)
            )
            self.sock.sendall(wire.HEADER.pack(len(payload), kind, sequence) + payload)
        except TimeoutError:
            raise _Late from None
        except OSError:
            pass  # it has died: the next receive says how

    def greet(self) -> None:
        """Wait for the child's greeting, which it sends before it sees any of the submission."""
        if self._greeted:
            return
        try:
            kind, _, payload = self._receive(time.monotonic() + START_TIMEOUT)
            hello = wire.loads(payload)
        except (_Late, _Died, _Flooded, wire.WireError):
            raise SandboxError(self.sandbox.why_dead()) from None
        if kind != wire.HELLO:
            raise SandboxError("the worker did not greet; run the command again, or report this")
        self.hello = hello
        self.pid = int(hello["pid"])
        if hasattr(os, "pidfd_open"):
            with contextlib.suppress(OSError):
                self._pidfd = os.pidfd_open(self.pid)
        self._greeted = True

    def receive_value(self, deadline: float) -> tuple[int, Any]:
        """The next frame's kind and value; it must answer the last one sent."""
        if not self._greeted:
            started = time.monotonic()
            self.greet()
            deadline += time.monotonic() - started  # the fork is not charged to the file
        kind, sequence, payload = self._receive(deadline)
        if sequence != self.sequence:
            raise _Lied("an answer to no question")
        return kind, wire.loads(payload)

    def call(
        self, payload: bytes, callbacks: Sequence[Callable[..., Any]], deadline: float
    ) -> tuple[int, Any]:
        """One call with the callbacks it makes, all before the deadline."""
        self.send(wire.CALL, payload, deadline)
        for _ in range(MAX_CALLBACKS):
            kind, sequence, data = self._receive(deadline)
            if kind != wire.CALLBACK:
                if sequence != self.sequence:
                    raise _Lied("an answer to no question")
                return kind, wire.loads(data)
            if sequence >= len(callbacks):
                raise _Lied("a callback that it was not given")
            self._send(wire.ANSWER, 0, _answer(callbacks[sequence], wire.loads(data)), deadline)
        raise _Late

    def _receive(self, deadline: float) -> tuple[int, int, memoryview]:
        """One frame; `_Late`, `_Died` or `_Flooded` where there is none."""
        header = wire.HEADER
        sock = self.sock
        data = self._ahead
        wanted = header.size
        length = kind = sequence = -1
        try:
            while True:
                if length < 0 and len(data) >= header.size:
                    length, kind, sequence = header.unpack_from(data)
                    if length > wire.MAX_FRAME:
                        raise _Flooded(
                            f"the function returned more than {wire.MAX_FRAME // jail.MIB} MiB"
                        )
                    wanted = header.size + length
                if len(data) >= wanted:
                    break
                remaining = deadline - time.monotonic()
                if remaining <= 0:
                    raise _Late
                sock.settimeout(remaining)
                part = sock.recv(65536 if length < 0 else min(max(wanted - len(data), 1), 1 << 20))
                if not part:
                    raise _Died(HOW_DIED)
                data += part
        except TimeoutError:
            raise _Late from None
        except ConnectionError:
            raise _Died(HOW_DIED) from None
        self._ahead = data[wanted:]
        return kind, sequence, memoryview(data)[header.size : wanted]

    def kill(self) -> None:
        """End the child and whatever is left of its process group."""
        if self.pid:
            with contextlib.suppress(OSError):
                os.killpg(self.pid, signal.SIGKILL)
            if self._pidfd >= 0:
                with contextlib.suppress(OSError):
                    signal.pidfd_send_signal(self._pidfd, signal.SIGKILL)
                os.close(self._pidfd)
                self._pidfd = -1
            self.pid = 0
        self.sock.close()
        self.sandbox.workers.discard(self)


def _answer(function: Callable[..., Any], call: Any) -> bytes:
    """What a callback gives, encoded: ``(True, value)`` or ``(False, message)``."""
    try:
        args, kwargs = call
        return wire.dumps((True, function(*args, **kwargs)))
    except Exception as error:  # the submission gave it arguments that it cannot take
        return wire.dumps((False, f"{type(error).__name__}: {error}"[:500]))


def _strings(value: Any) -> list[str]:
    return [v for v in value if isinstance(v, str)] if isinstance(value, list | tuple) else []


def _string_lists(value: Any) -> dict[str, tuple[str, ...]]:
    if not isinstance(value, dict):
        raise _Lied("an unexpected answer while it was loaded")
    return {key: tuple(_strings(names)) for key, names in value.items() if isinstance(key, str)}


class Sandbox:
    """A zygote, and the children it forks: one for each file to grade.

    Parameters
    ----------
    limits : resource limits of each child.
    zygote : one that was started before, with the same limits.

    Raises
    ------
    SandboxError : no worker can be run here.
    """

    def __init__(self, limits: jail.Limits | None = None, zygote: Zygote | None = None) -> None:
        self.limits = limits or jail.Limits()
        self.workers: set[Worker] = set()
        self._zygote = zygote or Zygote(jail.LEVELS[0], self.limits)
        self._level: jail.Level | None = None

    @property
    def level(self) -> jail.Level:
        """The level in force: the strongest whose probe succeeds; probed at the first use."""
        if self._level is None:
            self._level = jail.strongest(self._probe)
            if self._level is None:
                raise SandboxError("no isolation level works on this machine; see the README's limits")
        return self._level

    def _probe(self, level: jail.Level) -> bool:
        """Run a child under `level` and look at what is in force in it."""
        if level is not self._zygote.level:
            self._zygote.close()
            self._zygote = Zygote(level, self.limits)
        worker = self.spawn()
        try:
            worker.greet()
            return level.holds(worker.hello.get("limits", {}), self.limits)
        except SandboxError:
            if level is jail.LEVELS[-1]:
                raise
            return False
        finally:
            worker.kill()

    def spawn(self) -> Worker:
        """Fork a child; it is usable at once, as what is sent to it waits in its socket."""
        worker = Worker(self._zygote.fork(), self)
        self.workers.add(worker)
        return worker

    def why_dead(self) -> str:
        """One line on why the zygote does not answer."""
        return self._zygote.why_dead()

    def close(self) -> None:
        """End the children, what they left behind, and the zygote."""
        for worker in list(self.workers):
            worker.kill()
        self._zygote.close()

    def __enter__(self) -> Sandbox:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()
