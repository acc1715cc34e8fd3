"""The other process: it loads a submission and runs its functions. Nothing here is worth stealing.

Run as ``python -I -B -S worker.py CONTROL_FD NUMPY_PARENT SETTINGS``. The process is a *zygote*: it
imports NumPy once and then, for each socket that arrives on the control channel, forks a child which
limits itself and gives up what the level asks for (`confine`), loads one file
and answers calls until the socket closes. The zygote ends its children
when it is told to, says how they ended, and ends with the control channel.

`-S` keeps site-packages off the path: a submission can import NumPy and the standard library, and
neither the grader, pytest nor SciPy. Standard library, NumPy, `wire` and `confine` only, all of it on the
worker's side of the trust boundary: the grader believes nothing that comes from here beyond its
being data.
"""

from __future__ import annotations

import ast
import contextlib
import contextvars
import gc
import importlib.util
import io
import os
import select
import signal
import socket
import struct
import sys
import time
import types
import warnings
from _thread import RLock  # threading asks for something to be done after each fork: see AFTER_FORK
from collections.abc import Callable
from typing import Any

PRINTED_LIMIT = 4000  # characters of output kept for each call
MESSAGE_LIMIT = 500  # characters of an exception's message
WARNINGS_LIMIT = 20  # warnings reported for each call
FAULTS_LIMIT = 20  # cells of a notebook that fail and are told of
NAMES_LIMIT = 2000  # callables reported of a file
WANT_ARGUMENTS = 1  # flag of a CALL: send the arguments back as they are afterwards
SCAN = 2  # flag of a CALL: call again and again, see `Host.scan`
SCAN_TIME = 0.25  # seconds after which a scan ends, so that each call of it has its deadline
HELD = 2  # flag of an order to fork, as in `confine`: the child can have no process of its own, and write nowhere
RANDOM = 128  # flag of an order to fork: the file may draw random numbers
BUFFER = 16 * 1024  # bytes read at once, to begin with
NESTING_LIMIT = 24  # as on the wire
ORDER = struct.Struct(
    "<cIB"
)  # to the zygote: fork (+, with flags), end (-), end and say how it ended (?)
STATUS = struct.Struct("<i")  # from it: a status as waitpid gives it, or -1: it had not ended
NOT_ENDED = -1
ENDING_TIME = 0.25  # seconds that a child has to end by itself once its socket has closed
REAP_INTERVAL_MS = 5  # while children are ending
EMPTY = "empty"  # the folder of children that may write nowhere
LOST_CHANNEL = 71  # exit status of a child whose socket has closed
INTERNAL_ERROR = 70  # exit status of a child that could not go on

AFTER_FORK: list[Callable[[], object]] = []
"""What modules ask to be done in each forked child. A child does it where its file may need it: threading and random
together take it a millisecond, as every page that it writes to is copied."""
_register_at_fork = getattr(os, "register_at_fork", None)

# Objects of a submission are read through the base classes: their own code may do anything.
_name_of_class = type.__dict__["__name__"].__get__
_module_of_class = type.__dict__["__module__"].__get__
_bases_of_class = type.__dict__["__mro__"].__get__
_traceback_of = BaseException.__dict__["__traceback__"].__get__


def _load(name: str) -> types.ModuleType:
    """Import a module from beside this file, without its package."""
    path = os.path.join(os.path.dirname(os.path.abspath(__file__)), f"{name}.py")
    spec = importlib.util.spec_from_file_location(name, path)
    if spec is None or spec.loader is None:
        raise ImportError(path)
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    spec.loader.exec_module(module)
    return module


class Printed(io.TextIOBase):
    """A standard output that keeps the beginning of what is written and forgets the rest."""

    encoding = "utf-8"
    errors = "strict"

    def __init__(self) -> None:
        self.parts: list[str] = []
        self.room = PRINTED_LIMIT

    def writable(self) -> bool:
        return True

    def write(self, text: str) -> int:
        if self.room > 0:
            kept = str.__getitem__(text, slice(self.room))
            self.parts.append(kept)
            self.room -= len(kept)
        return len(text)

    def take(self) -> str | None:
        """What was written since the last call."""
        if not self.parts:
            return None
        text = "".join(self.parts)
        self.parts = []
        self.room = PRINTED_LIMIT
        return text


class Channel:
    """Frames on a socket, blocking, in the child."""

    def __init__(self, sock: socket.socket, wire: Any) -> None:
        self.sock = sock
        self.wire = wire
        self.buffer = bytearray(BUFFER)
        self.view = memoryview(self.buffer)
        self.have = 0  # bytes in the buffer
        self.used = 0  # of them, those of the frame given out
        self.linger = wire.lingers()
        self.eager = False  # whether the next frame is to be expected at once

    def send(self, kind: int, sequence: int, payload: bytes) -> None:
        """Send a frame whole, or end: behind a part of one, whatever follows would look forged."""
        header = self.wire.HEADER.pack(len(payload), kind, sequence)
        try:
            if len(payload) < BUFFER:
                self.sock.sendall(header + payload)
            else:
                self.sock.sendall(header)
                self.sock.sendall(payload)
        except BaseException as error:  # the socket's, or of a submission's signal handler
            gone = isinstance(error, OSError) and error.errno is not None
            os._exit(LOST_CHANNEL if gone else INTERNAL_ERROR)

    def receive(self) -> tuple[int, int, memoryview]:
        """The next frame; EOFError where the grader has gone.

        What has come of the frames behind it is kept. The payload is good until the next call.
        """
        header = self.wire.HEADER
        at = self.used
        wanted = at + header.size
        known = False
        while True:
            if self.have >= wanted:
                if known:
                    break
                known = True
                wanted += header.unpack_from(self.buffer, at)[0]
                continue
            if at or wanted > len(self.buffer):
                self.move(at, wanted)
                wanted -= at
                at = 0
            n = self.read(self.have)
            if not n:
                raise EOFError
            self.have += n
        self.used = wanted
        _, kind, sequence = header.unpack_from(self.buffer, at)
        return kind, sequence, self.view[at + header.size : wanted]

    def move(self, at: int, wanted: int) -> None:
        """Bring what begins at `at` to the front of a buffer that has room for it up to `wanted`."""
        rest = bytes(self.view[at : self.have])
        if wanted - at > len(self.buffer):
            self.buffer = bytearray(wanted - at)
            self.view = memoryview(self.buffer)
        self.have, self.used = len(rest), 0
        self.view[: self.have] = rest

    def read(self, have: int) -> int:
        """Read what comes behind the first `have` bytes, looking for it a moment before going to sleep."""
        until = time.perf_counter() + self.linger if self.eager else 0.0
        while time.perf_counter() < until:
            try:
                return self.sock.recv_into(self.view[have:], 0, socket.MSG_DONTWAIT)
            except BlockingIOError:
                os.sched_yield()
        return self.sock.recv_into(self.view[have:])


class Unsendable(Exception):
    """The arguments cannot be sent back as they are after a call."""


class Host:
    """One loaded file, and its functions."""

    def __init__(self, channel: Channel, np: Any, errors_in_context: bool) -> None:
        self.channel = channel
        self.wire = channel.wire
        self.np = np
        self.pid = os.getpid()
        self.module: types.ModuleType | None = None
        self.file = ""
        self.printed = Printed()
        self.warned: list[str] = []
        self.show_warning = self.note_warning  # one object, to be recognised
        self.filters: list[Any] = []
        self.context = contextvars.copy_context()
        self.errors_in_context = errors_in_context
        self.asking = RLock()
        self.current = -1  # the sequence number of the call that runs

    def serve(self) -> None:
        """Answer frames until the grader goes."""
        while True:
            kind, sequence, payload = self.channel.receive()
            if kind == self.wire.LOAD:
                reply = self.wire.dumps(self.load(*self.wire.loads(payload)))
                self.channel.send(self.wire.LOADED, sequence, reply)
            elif kind in (self.wire.CALL, self.wire.CALL_ALONE):
                self.channel.eager = kind == self.wire.CALL_ALONE
                self.answer(sequence, payload)

    def fresh_state(self) -> contextvars.Context:
        """Put back what a submission may have changed for itself: filters, error state, streams.

        The context returned holds NumPy's error state, decimal's and the like: what runs in it
        changes its own copy.
        """
        self.warned = []
        if warnings.filters != self.filters or warnings.showwarning is not self.show_warning:
            warnings.resetwarnings()
            warnings.simplefilter("always")
            warnings.showwarning = self.show_warning  # type: ignore[assignment] # the `*_` fits
            self.filters = list(warnings.filters)
        if not self.errors_in_context:
            self.np.seterr(divide="warn", over="warn", under="ignore", invalid="warn")
        sys.stdout = sys.stderr = self.printed
        return self.context.copy()

    def note_warning(
        self, message: Any, category: Any, filename: str, lineno: int, *_: Any
    ) -> None:
        """Keep a warning as text, with the line of the submission that led to it."""
        if len(self.warned) >= WARNINGS_LIMIT:
            return
        if filename != self.file:  # it points into a library that the submission called
            frame: types.FrameType | None = sys._getframe(1)
            while frame is not None and frame.f_code.co_filename != self.file:
                frame = frame.f_back
            lineno = frame.f_lineno if frame is not None else 0
        line = f" (line {lineno})" if lineno else ""
        text = f"{plain_name(category)}: {plain_text(message)}{line}"
        if text not in self.warned:
            self.warned.append(text)

    def load(
        self, name: str, file: str, source: str, cells: tuple[int, ...] = ()
    ) -> dict[str, Any]:
        """Run a file's text as a module; what came of it, as data.

        With `cells`, the lines at which a notebook's cells begin, one that fails is told and passed over, as in
        a notebook.
        """
        self.file = file
        if "random" in source:  # or all children would draw alike; it takes a millisecond here
            for reseed in AFTER_FORK:
                reseed()
            self.np.random.seed()
        module = types.ModuleType(name)
        module.__file__ = file
        sys.modules[name] = module
        context = self.fresh_state()
        failed: list[dict[str, Any]] = []
        if cells:
            lines = source.split("\n")
            for first, behind in zip(cells, (*cells[1:], len(lines) + 1), strict=True):
                text = "\n".join(lines[first - 1 : behind - 1])
                fault = self.execute(context, text, file, module, first)
                if fault is not None and len(failed) < FAULTS_LIMIT:
                    failed.append({**fault, "cell": first})
        else:
            fault = self.execute(context, source, file, module)
            if fault is not None:
                self.leave_copies()
                return fault
        self.leave_copies()
        self.module = module
        functions = {
            key: parameters(value)
            for key, value in list(module.__dict__.items())
            if type(key) is str and len(key) < 200 and callable(value) and not key.startswith("__")
        }
        if len(functions) > NAMES_LIMIT:  # names of the file's own come last
            functions = dict(list(functions.items())[-NAMES_LIMIT:])
        told = {"functions": functions, "warnings": self.warned, "printed": self.printed.take()}
        return {**told, "failed": failed} if failed else told

    def execute(
        self,
        context: contextvars.Context,
        source: str,
        file: str,
        module: types.ModuleType,
        first: int = 1,
    ) -> dict[str, Any] | None:
        """Run a text whose first line has the number `first` in a module; what went wrong, as data."""
        try:
            if first == 1:
                code = compile(source, file, "exec", dont_inherit=True)
            else:
                flags = ast.PyCF_ONLY_AST
                tree: ast.Module = compile(source, file, "exec", flags, dont_inherit=True)
                code = compile(
                    ast.increment_lineno(tree, first - 1), file, "exec", dont_inherit=True
                )
        except SyntaxError as error:
            line = error.lineno + first - 1 if error.lineno else None
            return {
                "error": type(error).__name__, "message": str(error.msg),
                "line": line, "column": error.offset,
                "text": (error.text or "")[:MESSAGE_LIMIT], "printed": None,
            }  # fmt: skip
        except (ValueError, MemoryError, RecursionError, OverflowError) as error:
            return {
                "error": type(error).__name__, "message": f"the file cannot be compiled: {error}",
                "line": None, "column": None, "text": None, "printed": None,
            }  # fmt: skip
        try:
            context.run(exec, code, module.__dict__)
        except BaseException as error:  # whatever a module raises is reported as data
            report = self.describe(error)
            return {
                "error": report["type"], "message": report["message"], "line": report["line"],
                "column": None, "text": None, "printed": self.printed.take(),
            }  # fmt: skip
        return None

    def answer(self, sequence: int, payload: memoryview) -> None:
        """Run one call and send what became of it."""
        wire = self.wire
        numbers: dict[int, int] = {}
        function, flags, args, kwargs = wire.loads(
            payload, lambda number: self.callback(sequence, number, numbers)
        )
        outer, self.current = self.current, sequence
        warned = self.warned
        context = self.fresh_state()
        if flags & SCAN:
            values = self.scan(function, *args)
            self.channel.send(wire.PLAIN, sequence, wire.dumps(values))
            self.current = outer
            return
        watched = [*args, *kwargs.values()]
        before = [imprint(self.np, each) for each in watched]
        try:
            value = context.run(getattr(self.module, function), *args, **kwargs)
        except BaseException as error:  # whatever a function raises is reported as data
            kind, reply = wire.RAISED, self.describe(error)
            reply["warnings"], reply["printed"] = self.warned, self.printed.take()
            data = wire.dumps(reply)
        else:
            kind = wire.RETURNED
            try:
                after = self.afterwards(args, kwargs, numbers) if flags & WANT_ARGUMENTS else None
                now = [imprint(self.np, each) for each in watched]
                changed = now != before and [i for i, each in enumerate(before) if now[i] != each]
                printed = self.printed.take()
                if after is None and not (changed or printed or self.warned):
                    kind, data = wire.PLAIN, wire.dumps(value)
                else:
                    told = self.warned or None, printed, after, changed or None
                    data = wire.dumps((value, *told))
            except Unsendable as error:
                kind, data = (
                    wire.UNSUPPORTED,
                    wire.dumps(f"put into its arguments {error}"[:MESSAGE_LIMIT]),
                )
            except wire.WireError as error:
                kind, data = wire.UNSUPPORTED, wire.dumps(f"returned {error}"[:MESSAGE_LIMIT])
            except BaseException as error:  # an object's own code ran while it was encoded
                reply = self.describe(error) | {"warnings": None, "printed": None}
                kind, data = wire.RAISED, wire.dumps(reply)
        self.leave_copies()
        with self.asking:  # a thread may be waiting for a callback's answer
            self.current = outer
            self.channel.send(kind, sequence, data)
        self.warned = warned

    def scan(self, function: str, carry: Any, rest: Any, order: Any) -> list[Any]:
        """The values of calls in a row, in which each call's value is the first argument of the next.

        The further arguments of a call are ``rest[k]`` for each k of `order`. It ends before a call that is not
        plain: one that raises, warns, prints, changes an argument or returns something other than an array. The
        grader makes that call by itself, and sees all of it.
        """
        values: list[Any] = []
        until = time.monotonic() + SCAN_TIME
        try:
            target = getattr(self.module, function)
            stamps = [[imprint(self.np, each) for each in more] for more in rest]
            for k in order:
                args = (carry, *rest[k])
                before = [imprint(self.np, carry), *stamps[k]]
                value = self.fresh_state().run(target, *args)
                if type(value) is not self.np.ndarray or self.warned or self.printed.parts:
                    break
                if [imprint(self.np, each) for each in args] != before:
                    break
                carry = self.wire.loads(self.wire.dumps(value))
                values.append(carry)
                if time.monotonic() > until:
                    break
        except BaseException:  # the grader makes the call again
            pass
        self.warned = []
        self.printed.take()
        self.leave_copies()
        return values

    def afterwards(self, args: Any, kwargs: Any, numbers: dict[int, int]) -> Any:
        """The arguments as they are after the call: a payload of its own, as it holds references."""

        def refer(function: Any) -> int:
            number = numbers.get(id(function))
            if number is None:
                raise self.wire.WireError("a function")
            return number

        try:
            return self.np.frombuffer(self.wire.dumps((args, kwargs), refer), self.np.uint8)
        except self.wire.WireError as error:
            raise Unsendable(str(error).partition(";")[0]) from None

    def leave_copies(self) -> None:
        """End a copy of this process that a submission forked and that comes back from its code."""
        if os.getpid() != self.pid:
            os._exit(0)

    def callback(self, call: int, number: int, numbers: dict[int, int]) -> Any:
        """A function that asks the grader's side, as long as the call runs that it was given to."""
        wire = self.wire

        def ask(*args: Any, **kwargs: Any) -> Any:
            try:
                data = wire.dumps((args, kwargs))
            except wire.WireError as error:
                text = str(error).partition(";")[0]
                raise TypeError(f"a function that you were given cannot take {text}") from None
            with self.asking:
                if self.current != call or os.getpid() != self.pid:
                    raise RuntimeError(
                        "a function that you were given as an argument was called after the call; "
                        "do not keep it"
                    )
                self.channel.send(wire.CALLBACK, number, data)
                kind, sequence, payload = self.channel.receive()
                while kind in (
                    wire.CALL,
                    wire.CALL_ALONE,
                ):  # the grader's function calls this file in its turn
                    self.answer(sequence, payload)
                    kind, sequence, payload = self.channel.receive()
                ok, value = wire.loads(payload)
            if not ok:
                raise RuntimeError(value)
            return value

        numbers[id(ask)] = number
        return ask

    def describe(self, error: BaseException) -> dict[str, Any]:
        """An exception as data: type, bases, message, and where in the submission it was raised."""
        kind = type(error)
        line = function = None
        trace = _traceback_of(error)
        while trace is not None:
            code = trace.tb_frame.f_code
            if code.co_filename == self.file:
                line = trace.tb_lineno
                if not code.co_name.startswith("<"):  # a comprehension or a lambda inside it
                    function = code.co_name[:200]
            trace = trace.tb_next
        return {
            "type": plain_name(kind), "bases": known_bases(kind), "message": plain_text(error),
            "line": line, "function": function,
        }  # fmt: skip


def imprint(np: Any, value: Any, depth: int = 0) -> Any:
    """What can be compared later to see whether an argument was changed; no code of a submission's runs.

    Functions, what is no plain data any more and what is nested too deep count as None.
    """
    kind = type(value)
    if depth > NESTING_LIMIT:
        return None
    if kind is np.ndarray:
        return value.shape, value.dtype, value.tobytes()
    if kind is list or kind is tuple:
        return kind, [imprint(np, each, depth + 1) for each in value]
    if kind is dict:
        return kind, [
            (imprint(np, key, depth + 1), imprint(np, each, depth + 1))
            for key, each in value.items()
        ]
    if kind in (bool, int, float, complex, str):
        return kind, repr(value)
    return None


def plain_text(value: Any) -> str:
    """``str(value)``, cut, as a plain str; its own `__str__` may raise anything."""
    try:
        text = str(value)
        return str.__getitem__(text, slice(MESSAGE_LIMIT))
    except BaseException:
        return ""


def plain_name(kind: Any) -> str:
    """A class's name as a plain str, whatever its metaclass says."""
    try:
        return str.__getitem__(_name_of_class(kind), slice(100))
    except TypeError:
        return "Exception"


def known_bases(kind: type) -> list[str]:
    """The names of a class's bases, itself included, that are Python's or NumPy's."""
    names = []
    for base in _bases_of_class(kind):
        module = _module_of_class(base)
        if type(module) is str and module.partition(".")[0] in ("builtins", "numpy"):
            names.append(plain_name(base))
    return names


def parameters(function: Any) -> list[str]:
    """The names of a function's parameters, seen through `functools.wraps`."""
    for _ in range(10):
        if type(function) is not types.FunctionType:
            return []
        if "__wrapped__" not in function.__dict__:
            code = function.__code__
            return list(code.co_varnames[: code.co_argcount + code.co_kwonlyargcount])[:50]
        function = function.__dict__["__wrapped__"]
    return []


def keeps_errors_in_context(np: Any) -> bool:
    """Whether NumPy's error state is a context variable, as it is from NumPy 2 on."""
    before = np.geterr()
    contextvars.copy_context().run(np.seterr, over="raise" if before["over"] != "raise" else "warn")
    kept = bool(np.geterr() == before)
    np.seterr(**before)
    return kept


def limit(limits: dict[str, int]) -> dict[str, int]:
    """Lower this process's resource limits for good.

    Parameters
    ----------
    limits : values by the names of `resource`, without their ``RLIMIT_``.

    Returns
    -------
    The limits in force afterwards, as far as this system has them.
    """
    import resource  # not at the top: this module is read where there is none

    in_force = {}
    for name, value in limits.items():
        number = getattr(resource, f"RLIMIT_{name}", None)
        if number is None:
            continue
        _, hard = resource.getrlimit(number)
        ceiling = value if hard == resource.RLIM_INFINITY else min(value, hard)
        # A second more before the kill, so that SIGXCPU can say why.
        top = (
            ceiling + 1
            if name == "CPU" and hard in (resource.RLIM_INFINITY, ceiling + 1)
            else ceiling
        )
        with contextlib.suppress(OSError, ValueError):  # macOS refuses some; the probe tells
            resource.setrlimit(number, (ceiling, top))
        in_force[name] = resource.getrlimit(number)[0]
    return in_force


class System:
    """What only some systems offer, each call doing nothing where it is missing."""

    PR_SET_PDEATHSIG = 1
    PR_SET_DUMPABLE = 4
    PR_SET_CHILD_SUBREAPER = 36
    M_TRIM_THRESHOLD = -1
    M_MMAP_THRESHOLD = -3

    def __init__(self) -> None:
        self.libc: Any = None
        if sys.platform == "linux":
            import ctypes

            with contextlib.suppress(OSError):
                self.libc = ctypes.CDLL(None)

    def _prctl(self, option: int, value: int) -> None:
        if hasattr(self.libc, "prctl"):
            self.libc.prctl(option, value, 0, 0, 0)

    def die_with_parent(self, parent: int) -> None:
        """Ask Linux to kill this process when its parent ends."""
        self._prctl(self.PR_SET_PDEATHSIG, signal.SIGKILL)
        if os.getppid() != parent:
            os._exit(0)

    def adopt_orphans(self) -> None:
        """Become the parent of what a child leaves behind."""
        self._prctl(self.PR_SET_CHILD_SUBREAPER, 1)

    def hide_memory(self) -> None:
        """Keep processes of the same user from tracing this one and its children."""
        self._prctl(self.PR_SET_DUMPABLE, 0)

    def tune_allocator(self) -> None:
        """Let glibc keep freed arrays of up to 64 MiB: large messages are three times quicker."""
        if hasattr(self.libc, "mallopt"):
            self.libc.mallopt(self.M_MMAP_THRESHOLD, 64 * 1024 * 1024)
            self.libc.mallopt(self.M_TRIM_THRESHOLD, 256 * 1024 * 1024)

    def trim(self) -> None:
        """Give freed memory back: a fork takes longer the more there is."""
        if hasattr(self.libc, "malloc_trim"):
            self.libc.malloc_trim(0)

    @staticmethod
    def children() -> list[int]:
        """This process's children, where the system lists them."""
        try:
            with open(f"/proc/self/task/{os.getpid()}/children") as listed:
                return [int(pid) for pid in listed.read().split()]
        except (OSError, ValueError):
            return []


class Hold:
    """How strongly children are held, and what is made once for all of them.

    Parameters
    ----------
    limits : resource limits, by the names of `resource`.
    canary : a file that a child must not be able to read.
    """

    def __init__(self, limits: dict[str, int], canary: str) -> None:
        self.limits = limits
        self.canary = canary
        self.home = os.path.abspath(EMPTY)
        self.descriptors: list[int] = []  # that children keep
        self.errors_in_context = True
        self._confine: Any = None
        self._ruleset: Any = None

    def reach(self, folder: str) -> str:
        """Where Python is out of every other user's reach, import it through descriptors from here on.

        Returns
        -------
        The path by which a folder of packages is to be read.
        """
        self._confine = _load("confine")
        others: dict[str, str] = self._confine.by_descriptor(dict.fromkeys([*sys.path, folder]))
        self.descriptors = [int(path.rpartition("/")[2]) for path in others.values()]

        def moved(path: str) -> str:
            for old, new in others.items():
                if path == old or path.startswith(f"{old}/"):
                    return new + path[len(old) :]
            return path

        if others:
            sys.path[:] = map(moved, sys.path)
            for module in list(sys.modules.values()):
                if isinstance(getattr(module, "__path__", None), list):
                    module.__path__[:] = map(moved, module.__path__)
        return moved(folder)

    def prepare(self, flags: int, packages: list[str]) -> None:
        """In the zygote: load what a child needs to hold itself."""
        if not flags or self._ruleset is not None:
            return
        if self._confine is None:
            self._confine = _load("confine")
        with contextlib.suppress(
            self._confine.Unavailable
        ):  # the child says so, and does not go on
            self._confine.template()  # is kept
            self._ruleset = self._confine.Ruleset(sys.path, packages, self.home)

    def take_on(self, flags: int, number: int, system: System, parent: int) -> dict[str, Any]:
        """In the child: give up what can be given up; what the greeting tells of it."""
        if not flags:
            system.die_with_parent(parent)
            with contextlib.suppress(OSError):
                own = str(os.getpid())
                os.mkdir(own, 0o700)
                os.chdir(own)
            return {"pid": os.getpid(), "limits": limit(self.limits)}
        confine = self._confine
        os.chdir(self.home)
        told: dict[str, Any] = {"limits": limit(self.limits)}
        if not flags & confine.OTHER_PIDS:
            told["pid"] = os.getpid()
        confine.give_up_files(flags, number, self._ruleset)
        system.hide_memory()  # a uid would take both away
        system.die_with_parent(parent)
        confine.give_up_calls(flags)
        if flags & confine.PROBE:
            told["refused"] = confine.refused(self.canary, parent)
            told["unfit"] = confine.works()
        return told


def child(
    descriptor: int, wire: Any, np: Any, hold: Hold, system: System, flags: int, number: int
) -> None:
    """The life of one child: limit, greet, serve."""
    parent = os.getppid()
    os.setsid()
    os.dup2(1, 2)  # the null device, as the first two are
    os.register_at_fork = _register_at_fork  # type: ignore[assignment] # there is one where there is a fork
    sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM, 0, descriptor)
    told = hold.take_on(flags, number, system, parent)
    first = 3
    for fd in sorted({descriptor, *hold.descriptors}):
        os.closerange(first, fd)
        first = fd + 1
    os.closerange(first, first + 64)
    channel = Channel(sock, wire)
    channel.send(wire.HELLO, 0, wire.dumps(told))
    # The submission does not stumble over this module or the way it was started.
    sys.argv = sys.orig_argv = [""]
    sys.modules["__main__"] = types.ModuleType("__main__")
    for name in ("wire", "confine"):
        sys.modules.pop(name, None)
    Host(channel, np, hold.errors_in_context).serve()


REHEARSED = """\
import numpy as np


def f(x, y=None, k: int = 1, *, axis: int = -1):
    \"\"\"A function.\"\"\"
    x = np.asarray(x, dtype=np.float64)
    if x.ndim < 1:
        raise ValueError(f"{x.ndim}")
    e = np.exp(x - np.max(x, axis=axis, keepdims=True))
    s = e / np.sum(e, axis=axis, keepdims=True)
    z = np.zeros_like(s)
    z[..., 0] = np.log(s).mean(axis=axis)
    z += np.where(s > 0.5, s, np.sqrt(s))
    n = len(x)
    z[np.arange(n), np.argmax(s, axis=-1)] -= 1
    g = np.einsum("ij,ij->i", s, z) + np.concatenate([s[:, 0], z[:, 0]]).reshape(2, n).sum(axis=0)
    return [e[..., i] for i in range(k)], (e @ e.T).copy(), np.stack([g, g]), float(np.mean(z)), np.zeros((n, n))
"""
REHEARSALS = 20  # Python makes a function quicker that has been called eight times, and writes to its code to do so


def rehearse(wire: Any, np: Any, hold: Hold) -> None:
    """Load a file and answer calls as children do, so that each finds Python warm: what it writes it must copy."""
    ours, theirs = socket.socketpair()
    streams = sys.stdout, sys.stderr
    with ours, theirs, warnings.catch_warnings():
        host = Host(Channel(ours, wire), np, hold.errors_in_context)
        host.load("rehearsed", "rehearsed.py", REHEARSED)
        x, y = np.ones((3, 4)), np.array([0, 2, 1])
        calls: tuple[tuple[Any, ...], ...] = (
            ("f", 0, (x,), {"axis": -1}),
            ("f", WANT_ARGUMENTS, (x, y), {}),
            ("f", 0, ([1.0, 2.0], None, 1), {}),
        )
        for _ in range(REHEARSALS):
            for call in calls:
                asked = wire.dumps(call)
                theirs.sendall(wire.HEADER.pack(len(asked), wire.CALL, 0) + asked)
                _, sequence, payload = host.channel.receive()
                host.answer(sequence, payload)
                theirs.recv(BUFFER)
    sys.stdout, sys.stderr = streams
    del sys.modules["rehearsed"]


class Nursery:
    """The zygote's children, by the numbers that the grader gave them."""

    def __init__(self, system: System) -> None:
        self.system = system
        self.pids: dict[int, int] = {}
        self.ending: set[int] = set()
        self.free: set[int] = set()  # those that may fork and write files

    def end(self, number: int, *, ask: bool) -> int:
        """End a child; where `ask`, its status if it has ended by itself."""
        pid = self.pids.pop(number, None)
        if pid is None:
            return NOT_ENDED
        status = self.status_of(pid) if ask else None
        kill_group(pid)
        self.ending.add(pid)
        return NOT_ENDED if status is None else status

    @staticmethod
    def status_of(pid: int) -> int | None:
        """How a child ended, given a moment to do so."""
        until = time.monotonic() + ENDING_TIME
        while time.monotonic() < until:
            ended, status = os.waitpid(pid, os.WNOHANG)
            if ended:
                return status
            time.sleep(0.001)
        return None

    def reap(self) -> None:
        """Collect children that have ended, their folders, and what they left running."""
        for pid in list(self.ending):
            try:
                ended, _ = os.waitpid(pid, os.WNOHANG)
            except ChildProcessError:
                ended = pid
            if ended:
                self.ending.discard(pid)
                if pid in self.free:
                    self.free.discard(pid)
                    self.end_strays()
                    remove_folder(str(pid))

    def end_strays(self) -> None:
        """End the orphans that this process adopted, and theirs in turn."""
        for _ in range(1000):
            known = {*self.pids.values(), *self.ending}
            strays = [pid for pid in self.system.children() if pid not in known]
            if not strays:
                return
            for pid in strays:
                kill_group(pid)
            for pid in strays:
                with contextlib.suppress(ChildProcessError):
                    os.waitpid(pid, 0)

    def close(self) -> None:
        """End all."""
        for number in list(self.pids):
            self.end(number, ask=False)
        until = time.monotonic() + 1.0
        while self.ending and time.monotonic() < until:
            self.reap()
            time.sleep(0.001)
        self.end_strays()


def kill_group(pid: int) -> None:
    """Kill a process and its group."""
    for kill in (os.killpg, os.kill):
        with contextlib.suppress(OSError):
            kill(pid, signal.SIGKILL)


def remove_folder(path: str) -> None:
    """Remove what a child wrote: usually nothing, in a hostile case folders thousands deep."""
    try:
        os.rmdir(path)
    except OSError:
        import shutil  # not at the top: every child would have to map what it loads

        with contextlib.suppress(OSError, RecursionError):
            shutil.rmtree(path, ignore_errors=True)


def zygote(control: socket.socket, wire: Any, np: Any, hold: Hold, system: System) -> None:
    """Fork a child for each socket that arrives, until the control channel closes."""
    signal.signal(
        signal.SIGINT, signal.SIG_IGN
    )  # Ctrl-C is the grader's to handle, for children too
    nursery = Nursery(system)
    orders = select.poll()
    orders.register(control, select.POLLIN)
    while True:
        if nursery.ending and not orders.poll(REAP_INTERVAL_MS):
            nursery.reap()
            continue
        message, fds, _, _ = socket.recv_fds(control, ORDER.size, 1)
        if len(message) < ORDER.size:
            break
        order, number, flags = ORDER.unpack(message)
        if order != b"+":
            status = nursery.end(number, ask=order == b"?")
            if order == b"?":
                control.sendall(STATUS.pack(status))
            continue
        hold.prepare(flags, folders_of(np))  # another level than at the start
        if flags & RANDOM:
            flags &= ~RANDOM
            if "numpy.random" not in sys.modules:
                np.random  # noqa: B018 - loaded at its first use, which would be in every such child
                settle(system)
        try:
            pid = os.fork()
        except BlockingIOError:
            pid = -1
        if pid == 0:
            exit_status = INTERNAL_ERROR
            try:
                control.close()
                child(fds[0], wire, np, hold, system, flags, number)
            except (EOFError, OSError):
                exit_status = LOST_CHANNEL
            finally:
                os._exit(exit_status)
        os.close(fds[0])
        if pid > 0:
            nursery.pids[number] = pid
            if not flags & HELD:
                nursery.free.add(pid)
    nursery.close()


def settle(system: System) -> None:
    """What is there stays: children need not look at it, nor copy its pages."""
    gc.collect()
    system.trim()
    gc.freeze()


def folders_of(np: Any) -> list[str]:
    """NumPy's own folders: the package, and the libraries that a wheel carries beside it."""
    folder = os.path.dirname(os.path.abspath(np.__file__))
    return [folder, f"{folder}.libs"]


def defer(*, after_in_child: Callable[[], object] | None = None, **_: Any) -> None:
    """As `os.register_at_fork`, in the zygote, which has no threads."""
    if after_in_child is not None:
        AFTER_FORK.append(after_in_child)


def main() -> None:
    """Start: NumPy first, from the one folder that is then forgotten."""
    os.register_at_fork = defer  # before anything is imported that registers
    control = socket.socket(fileno=int(sys.argv[1]))
    settings = ast.literal_eval(sys.argv[3])
    os.environ.pop("PWD", None)  # of a wrapper's
    hold = Hold(settings["limits"], settings["canary"])
    packages = hold.reach(sys.argv[2]) if settings["reach"] else sys.argv[2]
    sys.path.insert(0, packages)
    import resource  # noqa: F401 - for the children

    import numpy as np

    sys.path.remove(packages)
    wire = _load("wire")
    system = System()
    system.tune_allocator()
    system.hide_memory()
    system.adopt_orphans()
    hold.prepare(settings["flags"], folders_of(np))
    hold.errors_in_context = keeps_errors_in_context(np)
    rehearse(wire, np, hold)
    settle(system)
    zygote(control, wire, np, hold, system)


if __name__ == "__main__":
    main()
