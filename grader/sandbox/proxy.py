"""This side of the worker: a submission whose functions run elsewhere.

`Sandbox` owns a zygote, which forks a `Worker` for each file; `RemoteTopic` gives a suite
``submission.softmax(...)``. What comes back is data, and it is checked before it is believed to have
the right form.

A call blocks until its answer is there, or, in a `Flow`, lets other tests go on meanwhile.
"""

from __future__ import annotations

import contextlib
import re
import threading
import time
from abc import ABC, abstractmethod
from collections import Counter, deque
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from types import TracebackType
from typing import TYPE_CHECKING, Any

import numpy as np

from grader.calls import Call, in_place, labels
from grader.errors import CheckFailure, Halted, SandboxError, Stopped, SubmissionRaised
from grader.model import Evidence, Failure, Problem, Status
from grader.notebooks.cells import Place, place_of_line
from grader.sandbox import jail, wire
from grader.sandbox.channel import Died, Gone, Late, Lied, Worker, ZygoteDied
from grader.sandbox.zygote import Zygote

if TYPE_CHECKING:
    from grader.sandbox.flow import Flow

DEFAULT_TIMEOUT = 5.0
"""Seconds for one call, callbacks included, and for loading a file."""
_AT_LINE = re.compile(r"\(line (\d{1,9})\)$")
FORGED = "the worker's answer is forged: "
ENDED_ALL = "the process that it was forked from was ended too, twice"
IMPORTABLE = "; a submission can import NumPy and the standard library only"
MAX_RECORDS = 500
"""Calls of one test that are kept for the diagnosis: more tell no more."""
MAX_WARNINGS = 20
"""Warnings of one call; a worker that keeps to the rules sends no more, and none longer."""
SCAN = 2
"""Flag of a call, as in `worker`."""
SCAN_STEPS = 250
"""Calls that the child makes in a row before it answers."""
SCANS_IN_VAIN = 2
"""Scans without a single plain call after which calls are made one by one."""
MAX_TEXT = 4000
"""Characters of anything that a worker says beside the value."""
MAX_MESSAGE = 1000
"""Characters of an exception's message or a warning; a worker that keeps to the rules sends 500, and where it was."""
MAX_FAULTS = 20
"""Cells of a notebook that fail and are told of, as in the worker."""
MAX_ANSWERS = 64 * jail.MIB
"""Bytes that all answers of one function may have together, and all of a file twice as much (none of which is charged
to a function that gives less than 1 MiB): a suite's tests hold them until they are over. The right answers to a whole
topic's suite are a few MiB."""
MAX_KEPT = 32 * jail.MIB
"""Bytes of a file's answers that are kept for the diagnosis; a right file of the course has 26 MiB at most."""
FILE_DEADLINES = 24
"""Deadlines of one call that all calls and imports of one file may take together."""


class Notes:
    """What one test saw of its calls.

    Attributes
    ----------
    records : its first calls, newest last.
    warnings, printed : what its calls warned and printed.
    away : seconds in which other tests went on while it waited for its turn.
    """

    __slots__ = ("away", "printed", "records", "warnings")

    def __init__(self) -> None:
        self.records: list[Record] = []
        self.warnings: list[str] = []
        self.printed: list[str] = []
        self.away = 0.0


@dataclass(frozen=True, slots=True)
class Record:
    """A call that a test made: its arguments as they were sent, and what came back.

    `target` is the function's name in the file. `outcome` is ``("returned", value)``, ``("raised", type name)`` or
    ``("halted", status)``.
    """

    function: str
    payload: bytes
    outcome: tuple[str, Any]
    target: str
    callbacks: tuple[Callable[..., Any], ...] = ()

    @property
    def question(self) -> bytes:
        """What was asked, whatever function it was asked of."""
        return self.payload.partition(self.target.encode())[2]

    def arguments(self) -> tuple[tuple[Any, ...], dict[str, Any]]:
        """The arguments, made anew; functions among them are the suite's own."""
        _, _, args, kwargs = wire.loads(self.payload, lambda number: self.callbacks[number])
        return args, kwargs


class RemoteFunction:
    """One function of a submission."""

    __slots__ = ("_name", "_topic")

    def __init__(self, topic: TopicProxy, name: str) -> None:
        self._topic = topic
        self._name = name

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """Its value. Raises `SubmissionRaised`, `CheckFailure` or `Halted`.

        No exercise changes its arguments, so a call that does has failed, whatever the test is about.
        """
        done = self._topic.invoke(self._name, args, kwargs, want_arguments=False)
        if done.changed:
            names = labels(done.parameters, len(args), kwargs)
            raise CheckFailure(
                Failure(in_place([names[i] for i in done.changed if i < len(names)]))
            )
        return done.value

    def call(self, *args: Any, **kwargs: Any) -> Call:
        """Its value and all else that can be seen of the call."""
        return self._topic.invoke(self._name, args, kwargs, want_arguments=True)

    def scan(
        self,
        first: Any,
        rest: Sequence[tuple[Any, ...]],
        order: Sequence[int],
        take: Callable[[Any], Any],
    ) -> list[Any]:
        """The values of calls in a row, in which each call's value is the first argument of the next.

        The same as a loop of calls, and many times quicker: thousands of steps of a filter, say.

        Parameters
        ----------
        first : the first argument of the first call.
        rest : further arguments.
        order : for each call, the number of its further arguments in `rest`.
        take : checks a call's value, and gives what the next call gets.
        """
        return self._topic.scan(self._name, first, rest, order, take)

    @property
    def __name__(self) -> str:
        return self._name


class TopicProxy(ABC):
    """The functions of one topic, as the suites see them.

    Attributes
    ----------
    rename : the function that stands for an exercise, where it is not that of its name; may change between tests.
    notes : what the test that runs has seen of its calls.
    flow : the tests that run side by side, while they do.
    """

    def __init__(self, topic: str, exercises: Sequence[str]) -> None:
        self.topic = topic
        self.exercises = frozenset(exercises)
        self.rename: Mapping[str, str] = {}
        self.notes = Notes()
        self.flow: Flow | None = None
        self._halted: dict[str, Halted] = {}
        self._kept = 0  # bytes of answers that are kept in records

    def __getattr__(self, name: str) -> RemoteFunction:
        return self.function(name)

    def function(self, name: str) -> RemoteFunction:
        """The exercise of that name; AttributeError where the topic has none."""
        if name.startswith("_") or name not in self.exercises:
            raise AttributeError(f"{name!r} is no exercise of the topic {self.topic}")
        return RemoteFunction(self, name)

    def begin_candidate(self, rename: Mapping[str, str]) -> None:
        """The tests of a candidate begin, who may use up what a file may: room and time."""
        self.rename = rename
        self._kept = 0

    def begin(self) -> None:
        """A test begins, with notes of its own."""
        self.notes = Notes()

    def advance(self) -> list[Pending]:
        """In a flow: send calls that wait, take in answers; the calls that are done."""
        return []

    def waits_for(self) -> tuple[int, int, float] | None:
        """In a flow: what to poll and until when, where there is something to wait for."""
        return None

    def on_their_way(self) -> int:
        """In a flow: how many calls the other process has."""
        return 0

    def give_up(self) -> None:  # noqa: B027 - a topic in this process has no calls on their way
        """After a flow: forget calls that nobody waits for any more."""

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
        SandboxError : the worker cannot be run, or the suite gave it what cannot be sent.
        """
        target = self.rename.get(name, name)
        if target in self._halted:
            raise self._halted[target].with_traceback(None)
        callbacks: list[Callable[..., Any]] = []

        def refer(function: Callable[..., Any]) -> int:
            callbacks.append(function)
            return len(callbacks) - 1

        try:
            payload = wire.dumps((target, int(want_arguments), args, kwargs), refer)
        except wire.WireError as error:
            text = str(error).partition(";")[0]
            raise SandboxError(
                f"the suite calls `{name}` with what cannot be sent: {text}"
            ) from None

        def record(outcome: tuple[str, Any]) -> None:
            if len(self.notes.records) < MAX_RECORDS:
                self.notes.records.append(Record(name, payload, outcome, target, tuple(callbacks)))

        try:
            done = self._invoke(name, target, payload, callbacks)
        except SubmissionRaised as raised:
            if "NotImplementedError" in raised.bases:
                halted = self._still_a_stub(name, target, raised)
                record(("halted", halted.status))
                raise halted from None
            record(("raised", raised.type_name))
            raise
        except Halted as halted:
            record(("halted", halted.status))
            if halted.status is not Status.MISSING:
                self._halted[target] = halted
            raise
        except CheckFailure:
            record(("unsupported", None))
            raise
        size = weight(done.value)
        self._kept += size
        record(("returned", done.value) if self._kept <= MAX_KEPT else ("unkept", None))
        self.notes.warnings += done.warnings
        if done.printed:
            self.notes.printed.append(done.printed)
        return done

    def scan(
        self,
        name: str,
        first: Any,
        rest: Sequence[tuple[Any, ...]],
        order: Sequence[int],
        take: Callable[[Any], Any],
    ) -> list[Any]:
        """As `RemoteFunction.scan`, call by call."""
        function = self.function(name)
        values: list[Any] = []
        for k in order:
            values.append(take(function(values[-1] if values else first, *rest[k])))
        return values

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

    def forget(self) -> None:  # noqa: B027 - functions in this process are not a submission's
        """Let the next call meet functions that have not seen any other: in a process of its own, in a fresh one."""

    def close(self) -> None:  # noqa: B027 - most topics in this process hold nothing to close
        """Let go of the worker."""


class Pending:
    """A call that a test waits for, while others go on.

    Attributes
    ----------
    suspect : a child died of it, or before it: it gets the next one to itself.
    seconds : how long the child was at it.
    waiter : what goes on when it is done; the flow's own.
    """

    __slots__ = (
        "call", "callbacks", "error", "name", "notes", "parameters", "payload", "seconds", "suspect",
        "target", "waiter",
    )  # fmt: skip

    def __init__(
        self,
        name: str,
        target: str,
        payload: bytes,
        callbacks: Sequence[Callable[..., Any]],
        notes: Notes,
    ) -> None:
        self.name = name
        self.target = target
        self.payload = payload
        self.callbacks = callbacks
        self.notes = notes
        self.parameters: tuple[str, ...] = ()
        self.suspect = False
        self.seconds = 0.0
        self.call: Call | None = None
        self.error: BaseException | None = None
        self.waiter: Any = None

    def result(self) -> Call:
        """What came of it."""
        if self.error is not None:
            raise self.error
        assert self.call is not None
        return self.call


class RemoteTopic(TopicProxy):
    """One file of a submission, loaded in a child of its own.

    A child that dies takes only the function that was being called with it: the next function gets a
    fresh one.

    Attributes
    ----------
    problem : why the file cannot be loaded, once that is known.
    cell_problems : cells of a notebook that fail and should define a function that was asked for.
    load_warnings : what it warned while it was loaded.
    """

    def __init__(
        self,
        sandbox: Sandbox,
        topic: str,
        file: str,
        source: str | None,
        exercises: Sequence[str],
        *,
        cells: tuple[Place, ...] = (),
        problem: Problem | None = None,
        timeout: float = DEFAULT_TIMEOUT,
    ) -> None:
        super().__init__(topic, exercises)
        self.sandbox = sandbox
        self.file = file
        self.source = source
        self.timeout = timeout
        self.cells = cells
        self.problem = problem
        self.cell_problems: list[Problem] = []
        self.load_warnings: tuple[str, ...] = ()
        self._failed: list[tuple[str, Halted]] = []  # cells that raise, by their text
        self._failed_early: list[tuple[str, Halted]] = []  # those of the first time
        self._early = True  # whether it has not been loaded yet, so that nothing of it was called
        self._lines: list[str] | None = None  # of the source, where they were asked for
        self._worker: Worker | None = None
        self._functions_there: dict[str, tuple[str, ...]] | None = None
        self._load_halt: Halted | None = None
        self._queue: deque[Pending] = deque()  # calls to be sent
        self._sent: deque[Pending] = deque()  # calls that the child has, oldest first
        self._since = 0.0  # when it was seen to turn to the oldest
        self._spent = 0.0  # seconds of all calls and imports so far
        self._answers: Counter[str] = Counter()  # bytes of each function's answers
        if problem is not None:
            self._load_halt = Halted(Status.ERROR, problem.message, problem)

    def begin_candidate(self, rename: Mapping[str, str]) -> None:
        super().begin_candidate(rename)
        self._spent = 0.0
        self._answers.clear()

    def prepare(self) -> None:
        """Fork the child and send it the file without waiting, so that both overlap with other work."""
        if self._worker is not None or self._load_halt is not None or self.source is None:
            return
        try:
            starts = tuple(place.first for place in self.cells)
            payload = wire.dumps((self.topic, self.file, self.source, starts))
        except wire.WireError:
            self._load_halt = self._problem_halt(
                Status.ERROR, "the file is too large to be imported"
            )
            self.problem = self._load_halt.problem
            return
        self._worker = self.sandbox.spawn(draws="random" in self.source)
        try:
            self._worker.start_loading(payload)
        except Late:
            self._drop()
            raise SandboxError(
                "the worker does not read what it is sent; run the command again"
            ) from None

    def load(self) -> Mapping[str, tuple[str, ...]]:
        """Load the file if it is not; the callables it defines, with their parameters' names.

        Raises
        ------
        Halted : it cannot be loaded. Remembered, so that a file that hangs costs one deadline.
        SandboxError : no worker can be run.
        """
        if self._functions_there is not None and self._worker is not None:
            return self._functions_there
        if self.source is None and self._load_halt is None:
            return {}
        self.prepare()
        if self._load_halt is not None:
            raise self._load_halt.with_traceback(None)
        try:
            self._greeted()
        except SandboxError:  # before it saw anything of this file: once more, with another zygote
            self._drop()
            self.prepare()
            self._greeted()
        started = time.monotonic()
        try:
            assert self._worker is not None
            self._functions_there = self._loaded(self._worker.loaded(self.timeout))
            if self._early:
                self._failed_early, self._early = self._failed, False
        except Late:
            halt = self._problem_halt(
                Status.TIMEOUT,
                f"importing the file took longer than {self.timeout:g} s: "
                "move code that runs at import into functions",
            )
        except Died as died:
            halt = self._problem_halt(
                Status.ERROR, f"the process ended while the file was imported: {died}"
            )
        except Lied as lied:
            assert self._worker is not None
            evidence = self._worker.evidence(str(lied), "")
            halt = self._problem_halt(Status.TAMPERED, f"{FORGED}{lied}", evidence)
        except Halted as halted:
            halt = halted
        except BaseException:
            self._drop()
            raise
        else:
            return self._functions_there
        finally:
            self._spent += time.monotonic() - started
        self._load_halt = halt
        self.problem = halt.problem
        self._drop()
        raise halt

    def _greeted(self) -> None:
        """Wait for the child's greeting."""
        assert self._worker is not None
        try:
            self._worker.greet()
        except BaseException:
            self._drop()
            raise

    def _loaded(self, reply: Any) -> dict[str, tuple[str, ...]]:
        """The callables of a file that was loaded; `Halted` for one that was not."""
        if not isinstance(reply, dict):
            raise Lied("an unexpected answer while it was loaded")
        if "error" in reply:
            raise self._not_loaded(reply)
        functions = reply.get("functions")
        if not isinstance(functions, dict):
            raise Lied("an unexpected answer while it was loaded")
        self.load_warnings = self._warned(reply.get("warnings"))
        self._failed = self._failed_cells(_list(reply.get("failed"))[:MAX_FAULTS])
        return {_text(key): _strings(names) for key, names in functions.items()}

    def _not_loaded(self, reply: Mapping[str, Any]) -> Halted:
        """What became of a file that raised while it was loaded."""
        kind, message = _message(reply.get("error")), _message(reply.get("message"))
        line, offset = _whole(reply.get("line")), _whole(reply.get("column"))
        column = offset if offset is not None and offset > 0 else None
        if kind == "ModuleNotFoundError":
            message += IMPORTABLE
        elif kind == "EOFError":
            message += "; nobody is there to answer input()"
        elif kind == "SystemExit":
            message = "the file ends the program when it is imported; remove the call of exit() or sys.exit()"
        text = reply.get("text")
        if isinstance(text, str):
            text = _message(text)
        else:
            text = None
            if line is not None and self.source is not None:
                if self._lines is None:
                    self._lines = self.source.splitlines()
                text = self._lines[line - 1] if 0 < line <= len(self._lines) else None
        label = f"{kind}: {message}" if message else kind
        if self.cells:
            file = self.file
            if line is not None:
                cell, line = place_of_line(self.cells, line)
                file = f"{file}, {cell}"
            problem = Problem(self.topic, file, label, line, column, text, early=self._early)
            return Halted(Status.ERROR, f"{file} cannot be run: {label}", problem)
        problem = Problem(self.topic, self.file, label, line, column, text, early=self._early)
        return Halted(Status.ERROR, f"{self.file} cannot be imported: {label}", problem)

    def _failed_cells(self, faults: Sequence[Any]) -> list[tuple[str, Halted]]:
        """The text of each cell that failed, and why it did; a cell fails once."""
        if not faults:
            return []
        lines = (self.source or "").split("\n")
        bounds = [*(place.first for place in self.cells), len(lines) + 1]
        texts = {
            first: "\n".join(lines[first - 1 : behind - 1]) for first, behind in pairwise(bounds)
        }
        failed = []
        for fault in faults:
            first = _whole(fault.get("cell")) if isinstance(fault, dict) else None
            if first not in texts or "error" not in fault:
                raise Lied("an unexpected answer while it was loaded")
            line = fault.get("line")
            told = {**fault, "line": first if line is None else line}
            failed.append((texts.pop(first), self._not_loaded(told)))
        return failed

    @property
    def passed_over(self) -> list[str]:
        """What there is to say of a notebook's cells that failed, those aside that are among the problems.

        A cell that calls a stub is none of them.
        """
        told = []
        for _, halted in self._failed_early:  # a later time, what is said could hold arguments
            problem = halted.problem
            if problem is None or problem in self.cell_problems:
                continue
            if not problem.message.startswith("NotImplementedError"):
                line = f", line {problem.line}" if problem.line is not None else ""
                told.append(f"{problem.file}{line} was passed over: {problem.message}")
        return told

    def _warned(self, value: Any) -> tuple[str, ...]:
        """Warnings, with the lines of a notebook counted in its cells."""
        texts = _warnings(value)
        if not self.cells:
            return texts
        return tuple(_AT_LINE.sub(self._at_cell, text) for text in texts)

    def _at_cell(self, found: re.Match[str]) -> str:
        cell, line = place_of_line(self.cells, int(found[1]))
        return f"({cell}, line {line})"

    def _problem_halt(
        self, status: Status, message: str, evidence: Evidence | None = None
    ) -> Halted:
        return Halted(
            status, message, Problem(self.topic, self.file, message, early=self._early), evidence
        )

    def _invoke(
        self, name: str, target: str, payload: bytes, callbacks: Sequence[Callable[..., Any]]
    ) -> Call:
        if self.flow is None or self.flow.is_hub() or self.flow.is_alone():
            return self._call(name, target, payload, callbacks)
        notes = self.notes
        pending = Pending(name, target, payload, callbacks, notes)
        self._queue.append(pending)
        self.flow.wait(pending)
        self.notes = notes
        return pending.result()

    def _call(
        self, name: str, target: str, payload: bytes, callbacks: Sequence[Callable[..., Any]]
    ) -> Call:
        """One call, while no other is on its way."""
        for last in (False, True):
            parameters = self._parameters(target)
            assert self._worker is not None
            started = time.monotonic()
            try:
                kind, reply = self._worker.call(payload, callbacks, started + self.timeout)
                return self._counted(target, self._understand(kind, reply, callbacks, parameters))
            except Died as died:
                self._drop()
                if isinstance(died, Gone) and not last:
                    continue  # what an earlier call left running ended it: not this one's fault
                raise self._fault(target, died) from None
            except ZygoteDied:
                self._drop()
                if last:  # twice during this call, and it does not die of itself
                    raise self._fault(target, Died(ENDED_ALL)) from None
            except (Late, Lied) as fault:
                halted = self._fault(target, fault)
                self._drop()
                raise halted from None
            except (SubmissionRaised, _NoValue) as answered:
                outcome = answered.outcome if isinstance(answered, _NoValue) else answered
                raise outcome from None
            except BaseException:  # of a callback, or Ctrl-C: the child is in the middle of a call
                self._drop()
                raise
            finally:
                self._spent += time.monotonic() - started
        raise AssertionError("unreachable")

    def _counted(self, target: str, call: Call) -> Call:
        """The call, where there is room for its answer; `_NoValue` where not, or not for another."""
        size = weight(call.value) + weight(call.args) + weight(call.kwargs)
        own = self._answers[target] = min(self._answers[target] + size, MAX_ANSWERS + 1)
        if own > MAX_ANSWERS or (size > jail.MIB and self._answers.total() > 2 * MAX_ANSWERS):
            mib = own // jail.MIB
            reason = f"its answers have {mib:,} MiB in all; return arrays of the shapes that are asked for"
            self._halted[target] = Halted(Status.ERROR, reason)
            raise _NoValue(self._halted[target])
        return call

    def _parameters(self, target: str) -> tuple[str, ...]:
        """The parameters of a function that the file defines; `Halted` where it does not, or where its time is up."""
        if self._spent > FILE_DEADLINES * self.timeout:
            seconds = FILE_DEADLINES * self.timeout
            reason = f"the calls of this file took longer than {seconds:g} s in all"
            raise Halted(Status.TIMEOUT, reason)
        functions = self.load()
        if self.source is None:
            raise Halted(Status.MISSING, f"{self.file} is not there")
        if target not in functions:
            definition = re.compile(
                rf"^(?:async[ \t]+)?def[ \t]+{re.escape(target)}\b", re.MULTILINE
            )
            for text, halted in self._failed:
                if definition.search(text) and halted.problem is not None:
                    if halted.problem not in self.cell_problems:
                        self.cell_problems.append(halted.problem)
                    raise halted.with_traceback(None)
            raise Halted(Status.MISSING, f"{self.file} defines no function `{target}`")
        return functions[target]

    def _fault(self, target: str, fault: Late | Died | Lied) -> Halted:
        """What a call that has no answer says of its function, which is not called again."""
        if isinstance(fault, Late):
            halted = Halted(Status.TIMEOUT, f"no answer within {self.timeout:g} s")
        elif isinstance(fault, Died):
            halted = Halted(Status.ERROR, f"the process ended during the call: {fault}")
        else:
            assert self._worker is not None
            evidence = self._worker.evidence(str(fault), target)
            halted = Halted(Status.TAMPERED, f"{FORGED}{fault}", evidence=evidence)
        self._halted[target] = halted
        return halted

    # calls side by side

    def advance(self) -> list[Pending]:
        """Send the calls that wait, take in answers; the calls that are done, in the order of their answers."""
        done: list[Pending] = []
        while self._queue and self._send_next(done):
            pass
        if self._sent:
            assert self._worker is not None
            try:
                self._worker.push()
                while self._sent:
                    answer = self._worker.take()
                    if answer is None:
                        if time.monotonic() > self._since + self.timeout:
                            raise Late
                        break
                    done.append(self._answered(*answer))
            except (Late, Died, Lied, SandboxError) as fault:
                self._lost(fault, done)
        return done

    def _send_next(self, done: list[Pending]) -> bool:
        """Send the first call that waits, or settle it at once; False where it has to wait for answers."""
        pending = self._queue[0]
        if pending.callbacks or pending.suspect:
            if self._sent:
                return False
            self._queue.popleft()
            done.append(self._settled(pending))
            return True
        self._queue.popleft()
        try:
            if pending.target in self._halted:
                raise self._halted[pending.target].with_traceback(None)
            pending.parameters = self._parameters(pending.target)
        except (Halted, SandboxError) as error:
            pending.error = error
            done.append(pending)
            return True
        assert self._worker is not None
        self._worker.post(pending.payload)
        if not self._sent:
            self._since = time.monotonic()
        self._sent.append(pending)
        return True

    def _settled(self, pending: Pending) -> Pending:
        """A call that the child has to itself: it asks back, or may have ended the child before."""
        self.notes = pending.notes
        start = time.monotonic()
        try:
            if pending.target in self._halted:
                raise self._halted[pending.target].with_traceback(None)
            pending.call = self._call(
                pending.name, pending.target, pending.payload, pending.callbacks
            )
        except (KeyboardInterrupt, SystemExit):
            raise
        except BaseException as error:  # goes to the test that made the call
            pending.error = error
        pending.seconds = time.monotonic() - start
        return pending

    def _answered(self, kind: int, reply: Any) -> Pending:
        """The oldest call, with its answer."""
        pending = self._sent[0]
        self.notes = pending.notes
        try:
            call = self._understand(kind, reply, (), pending.parameters)
            pending.call = self._counted(pending.target, call)
        except _NoValue as answered:
            pending.error = answered.outcome
        except SubmissionRaised as raised:
            pending.error = raised
        self._sent.popleft()
        now = time.monotonic()
        pending.seconds, self._since = now - self._since, now
        self._spent += pending.seconds
        return pending

    def _lost(self, fault: Late | Died | Lied | SandboxError, done: list[Pending]) -> None:
        """The child is of no more use: the oldest call is to blame, and those behind it are sent again.

        A child that died may have been ended by what an earlier call left running: the oldest call gets
        another one to itself.
        """
        first = self._sent[0]
        self._spent += time.monotonic() - self._since
        if isinstance(fault, Died | ZygoteDied):
            first.suspect = True
        else:
            self._sent.popleft()
            if isinstance(fault, SandboxError):
                first.error = fault
            else:
                first.error = self._fault(first.target, fault)
            done.append(first)
        self._drop()
        self._queue.extendleft(reversed(self._sent))
        self._sent.clear()

    def give_up(self) -> None:
        """Forget calls that nobody waits for any more, and the child that is at them."""
        if self._sent:
            self._drop()
        self._sent.clear()
        self._queue.clear()

    def on_their_way(self) -> int:
        return len(self._sent)

    def waits_for(self) -> tuple[int, int, float] | None:
        """What to poll and until when, while answers are to come."""
        if not self._sent or self._worker is None:
            return None
        return (*self._worker.waits_for(), self._since + self.timeout)

    def _understand(
        self,
        kind: int,
        reply: Any,
        callbacks: Sequence[Callable[..., Any]],
        parameters: tuple[str, ...],
    ) -> Call:
        """A reply as a `Call` or as the exception it tells of."""
        if kind == wire.PLAIN:
            return Call(reply, parameters=parameters)
        if kind == wire.UNSUPPORTED:
            raise _NoValue(CheckFailure(Failure(f"the function {_text(reply)}")))
        if kind == wire.RAISED:
            if not isinstance(reply, dict):
                raise Lied("an unexpected answer")
            self.notes.warnings += self._warned(reply.get("warnings"))
            printed = _text(reply.get("printed"))
            if printed:
                self.notes.printed.append(printed)
            raise self._raised(reply)
        if not isinstance(reply, tuple) or len(reply) != 5:
            raise Lied("an unexpected answer")
        value, warned, printed, after, changed = reply
        args, kwargs = _afterwards(after, callbacks)
        return Call(
            value, args, kwargs, self._warned(warned), _text(printed), parameters, _numbers(changed)
        )

    def _raised(self, reply: Mapping[str, Any]) -> Exception:
        kind, message = _message(reply.get("type")), _message(reply.get("message"))
        bases = _strings(reply.get("bases"))
        function = _message(reply.get("function")) or None
        if "MemoryError" in bases:
            mib = self.sandbox.limits.memory // jail.MIB
            text = f"out of memory: a submission has {mib:,} MiB" + (
                f" ({message})" if message else ""
            )
            return _NoValue(Halted(Status.ERROR, text))
        if kind == "ModuleNotFoundError":
            message += IMPORTABLE
        line, cell = _whole(reply.get("line")), ""
        if line is not None and self.cells:
            cell, line = place_of_line(self.cells, line)
        return SubmissionRaised(kind, message, bases=bases, line=line, cell=cell, function=function)

    def _drop(self) -> None:
        if self._worker is not None:
            self.sandbox.forget(self._worker)
            self._worker = None

    def scan(
        self,
        name: str,
        first: Any,
        rest: Sequence[tuple[Any, ...]],
        order: Sequence[int],
        take: Callable[[Any], Any],
    ) -> list[Any]:
        """As `RemoteFunction.scan`: the child makes the calls in a row, as long as each is a plain one."""
        function = self.function(name)
        values: list[Any] = []
        carry = first
        in_vain = 0
        while len(values) < len(order):
            if in_vain < SCANS_IN_VAIN:
                ahead = list(order[len(values) : len(values) + SCAN_STEPS])
                found = self._scanned(name, carry, rest, ahead)
                in_vain = 0 if found else in_vain + 1
                for k, value in zip(ahead, found, strict=False):
                    self._note_step(name, (carry, *rest[k]), value)
                    carry = take(value)
                    values.append(carry)
                if len(found) == len(ahead):
                    continue
            carry = take(function(carry, *rest[order[len(values)]]))
            values.append(carry)
        return values

    def _scanned(
        self, name: str, first: Any, rest: Sequence[tuple[Any, ...]], order: Sequence[int]
    ) -> list[Any]:
        """The values of as many calls as the child could make in a row."""
        target = self.rename.get(name, name)
        if target in self._halted:
            raise self._halted[target].with_traceback(None)
        payload = wire.dumps((target, SCAN, (first, list(rest), list(order)), {}))
        try:
            found = self._invoke(name, target, payload, ()).value
        except Halted as halted:
            self._note_step(name, (first, *rest[order[0]]), halted)
            raise
        if (
            type(found) is not list
            or len(found) > len(order)
            or any(type(value) is not np.ndarray for value in found)
        ):
            forged = self._fault(target, Lied("an unexpected answer"))
            self._drop()
            raise forged
        return found

    def _note_step(self, name: str, args: tuple[Any, ...], outcome: Any) -> None:
        """Record one call of a scan as any other."""
        if len(self.notes.records) < MAX_RECORDS:
            target = self.rename.get(name, name)
            halted = isinstance(outcome, Halted)
            what = ("halted", outcome.status) if halted else ("returned", outcome)
            payload = wire.dumps((target, 0, args, {}))
            self.notes.records.append(Record(name, payload, what, target))

    def forget(self) -> None:
        self._drop()

    def close(self) -> None:
        self._drop()


def weight(value: Any) -> int:
    """About how many bytes a value from a worker takes here."""
    if isinstance(value, np.ndarray):
        return value.nbytes + 100
    if isinstance(value, str):
        return 4 * len(value) + 50
    if isinstance(value, tuple | list):
        return 50 + sum(map(weight, value))
    if isinstance(value, dict):
        return 100 + sum(weight(key) + weight(member) for key, member in value.items())
    return 40


class _NoValue(Exception):
    """An answer that is no value, while the child is well: `outcome` is to be raised."""

    def __init__(self, outcome: BaseException) -> None:
        self.outcome = outcome
        super().__init__()


def _text(value: Any) -> str:
    """A text that came from a worker, or None for no text."""
    if value is None:
        return ""
    if not isinstance(value, str):
        raise Lied("an unexpected answer")
    return value[:MAX_TEXT]


def _message(value: Any) -> str:
    """A text for one line of a report."""
    return _text(value)[:MAX_MESSAGE]


def _list(value: Any) -> list[Any]:
    """A list that came from a worker, or None for an empty one."""
    if value is None:
        return []
    if not isinstance(value, list):
        raise Lied("an unexpected answer")
    return value


def _whole(value: Any) -> int | None:
    """A line or a column that came from a worker."""
    if value is None:
        return None
    if type(value) is not int or not 0 <= value < 2**31:
        raise Lied("an unexpected answer")
    return value


def _numbers(value: Any) -> tuple[int, ...]:
    """Positions of arguments that came from a worker."""
    if value is None:
        return ()
    if not isinstance(value, list):
        raise Lied("an unexpected answer")
    return tuple(number for each in value[:100] if (number := _whole(each)) is not None)


def _strings(value: Any) -> tuple[str, ...]:
    if value is None:
        return ()
    if not isinstance(value, list):
        raise Lied("an unexpected answer")
    return tuple(_text(text) for text in value[:100])


def _warnings(value: Any) -> tuple[str, ...]:
    return tuple(text[:MAX_MESSAGE] for text in _strings(value)[:MAX_WARNINGS])


def _afterwards(
    blob: Any, callbacks: Sequence[Callable[..., Any]]
) -> tuple[tuple[Any, ...], dict[str, Any]]:
    """The arguments after a call, with the suite's own callables where they were."""
    if blob is None:
        return (), {}
    if not isinstance(blob, np.ndarray) or blob.dtype != np.uint8 or blob.ndim != 1:
        raise Lied("an unexpected answer")
    try:
        match wire.loads(blob.data, lambda number: callbacks[number]):
            case (tuple() as args, dict() as kwargs):
                return args, kwargs
    except wire.WireError:
        pass
    raise Lied("an unexpected answer")


class Sandbox:
    """A zygote, and the children it forks: one for each file to grade.

    Parameters
    ----------
    limits : resource limits of each child.
    zygote : one that was started before, with the same limits.
    levels : the levels to try, strongest first; by default all.

    Attributes
    ----------
    passed_over : why each level that was tried and is not in force does not work here, by its name.

    Raises
    ------
    SandboxError : no worker can be run here.
    """

    def __init__(
        self,
        limits: jail.Limits | None = None,
        zygote: Zygote | None = None,
        *,
        levels: Sequence[jail.Level] | None = None,
    ) -> None:
        self.limits = limits or jail.Limits()
        self.workers: set[Worker] = set()
        self.passed_over: dict[str, str] = {}
        self._levels = jail.LEVELS if levels is None else tuple(levels)
        self._zygote = zygote or Zygote(jail.likeliest(self._levels), self.limits)
        self._level: jail.Level | None = None
        self._stopped = threading.Event()
        from grader.sandbox.worker import System  # needs a system with fork, as the zygote does

        System().tune_allocator()  # large arguments and answers are allocated here too

    @property
    def level(self) -> jail.Level:
        """The level in force: the strongest whose probe succeeds; probed at the first use."""
        if self._level is None:
            self._level = jail.strongest(self._probe, self._levels)
            if self._level is None:
                raise SandboxError(
                    "no isolation level works on this machine; `grader doctor` says why"
                )
        return self._level

    @property
    def zygote_pid(self) -> int:
        """The process id of the zygote that forks the children now, or 0 where it has ended.

        Where it is the same before a run and after it, no zygote ended in between.
        """
        return self._zygote.pid if self._zygote.alive else 0

    def _probe(self, level: jail.Level) -> bool:
        """Run a child under `level` and look at what is in force in it."""
        fault = level.absent()
        if not fault:
            try:
                fault = self._fault(level)
            except SandboxError as error:
                if not self._zygote.was_killed:
                    if level is self._levels[-1]:
                        raise
                    fault = str(error)
                else:  # which says nothing of the level: a weaker one must not come of it
                    fault = self._again(level)
            else:
                if (
                    not fault and not self._zygote.alive
                ):  # of what is left of it no child is to come
                    fault = self._again(level)
        if fault:
            self.passed_over[level.name] = fault
        return not fault

    def _again(self, level: jail.Level) -> str:
        """Probe once more, with another zygote."""
        self._zygote.close()
        self._zygote = Zygote(level, self.limits)
        return self._fault(level)

    def _fault(self, level: jail.Level) -> str:
        if not self._zygote.serves(level):
            self._zygote.close()
            self._zygote = Zygote(level, self.limits)
        worker = Worker(self._zygote, probe=True)
        try:
            worker.greet()
            return level.fault(worker.hello, self.limits)
        finally:
            worker.kill()

    def spawn(self, *, draws: bool = False) -> Worker:
        """Fork a child; it is usable at once, as what is sent to it waits in its socket.

        A zygote that has been killed, by the system or by a submission, is started again.

        Parameters
        ----------
        draws : its file may draw random numbers.

        Raises
        ------
        SandboxError : there is no worker to be had.
        Stopped : the run has been called off.
        """
        if self._stopped.is_set():
            raise Stopped
        level = self.level
        try:
            worker = Worker(self._zygote, draws=draws)
        except SandboxError:
            self._zygote.close()
            self._zygote = Zygote(level, self.limits)
            fault = self._fault(level)
            if fault:
                raise SandboxError(
                    f"isolation {level.name!r} is no longer in force: {fault}"
                ) from None
            worker = Worker(self._zygote, draws=draws)
        self.workers.add(worker)
        if self._stopped.is_set():  # meanwhile
            self.forget(worker)
            raise Stopped
        return worker

    def stop(self) -> None:
        """Call off the run that another thread is at: its children end, and it gets no others until `resume`.

        The run ends with `Stopped` or KeyboardInterrupt where it next waits for a child.
        """
        self._stopped.set()
        for worker in list(self.workers):
            # Its socket closes, which the other thread sees. Where the zygote is dead, that thread may be closing it.
            with contextlib.suppress(SandboxError, ValueError):
                self._zygote.end(worker.number)

    def resume(self) -> None:
        """Let the next run have children again."""
        self._stopped.clear()

    def forget(self, worker: Worker) -> None:
        """End a child."""
        worker.kill()
        self.workers.discard(worker)

    def close(self) -> None:
        """End the children, what they left behind, and the zygote."""
        for worker in list(self.workers):
            self.forget(worker)
        self._zygote.close()

    def __enter__(self) -> Sandbox:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()
