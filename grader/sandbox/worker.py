"""The other process: it loads a submission and runs its functions. Nothing here is worth stealing.

Run as ``python -I -B -S worker.py CONTROL_FD NUMPY_PARENT LIMITS``. The process is a *zygote*: it imports NumPy
once and then, for each socket that arrives on the control channel, forks a child which limits itself,
loads one file and answers calls until the socket closes. The zygote ends when the control channel closes, and its children
with it.

`-S` keeps site-packages off the path: a submission can import NumPy and the standard library, and neither the
grader, pytest nor SciPy. Standard library, NumPy and `wire` only, all of it on the worker's side of the trust
boundary: the grader believes nothing that comes from here beyond its being data.
"""

from __future__ import annotations

import contextlib
import importlib.util
import io
import json
import os
import resource
import signal
import socket
import sys
import types
import warnings
from typing import Any

PRINTED_LIMIT = 4000  # characters of output kept for each call
MESSAGE_LIMIT = 500  # characters of an exception's message
WARNINGS_LIMIT = 20  # warnings reported for each call
WANT_ARGUMENTS = 1  # flag of a CALL: send the arguments back as they are afterwards


def _load_wire() -> types.ModuleType:
    """Import `wire` from beside this file, without its package."""
    path = os.path.join(os.path.dirname(os.path.abspath(__file__)), "wire.py")
    spec = importlib.util.spec_from_file_location("wire", path)
    if spec is None or spec.loader is None:
        raise ImportError(path)
    module = importlib.util.module_from_spec(spec)
    sys.modules["wire"] = module
    spec.loader.exec_module(module)
    return module


class Printed(io.TextIOBase):
    """A standard output that keeps the beginning of what is written and forgets the rest."""

    def __init__(self) -> None:
        self.parts: list[str] = []
        self.room = PRINTED_LIMIT

    def writable(self) -> bool:
        return True

    def write(self, text: str) -> int:
        if self.room > 0:
            kept = str(text)[: self.room]
            self.parts.append(kept)
            self.room -= len(kept)
        return len(text)

    def take(self) -> str:
        """What was written since the last call."""
        text = "".join(self.parts)
        self.parts = []
        self.room = PRINTED_LIMIT
        return text


class Channel:
    """Frames on a socket, blocking, in the child."""

    def __init__(self, sock: socket.socket, wire: Any) -> None:
        self.sock = sock
        self.wire = wire

    def send(self, kind: int, sequence: int, payload: bytes) -> None:
        self.sock.sendall(self.wire.HEADER.pack(len(payload), kind, sequence) + payload)

    def receive(self) -> tuple[int, int, bytearray]:
        """The next frame; EOFError where the grader has gone."""
        data = bytearray()
        header = self.wire.HEADER
        wanted = header.size
        length = kind = sequence = -1
        while len(data) < wanted:
            part = self.sock.recv(min(max(wanted - len(data), 65536), 1 << 20))
            if not part:
                raise EOFError
            data += part
            if length < 0 and len(data) >= header.size:
                length, kind, sequence = header.unpack_from(data)
                wanted = header.size + length
        return kind, sequence, data[header.size :]


class Host:
    """One loaded file, and its functions."""

    def __init__(self, channel: Channel, np: Any) -> None:
        self.channel = channel
        self.wire = channel.wire
        self.np = np
        self.module: types.ModuleType | None = None
        self.file = ""
        self.printed = Printed()
        self.warned: list[str] = []

    def serve(self) -> None:
        """Answer frames until the grader goes."""
        while True:
            kind, sequence, payload = self.channel.receive()
            if kind == self.wire.LOAD:
                reply = self.load(*self.wire.loads(payload))
                self.channel.send(self.wire.LOADED, sequence, self.wire.dumps(reply))
            elif kind == self.wire.CALL:
                self.answer(sequence, payload)

    def fresh_state(self) -> None:
        """Put back what a submission may have changed for itself: filters, error state, streams."""
        self.warned = []
        warnings.resetwarnings()
        warnings.simplefilter("always")
        warnings.showwarning = self.note_warning
        self.np.seterr(divide="warn", over="warn", under="ignore", invalid="warn")
        sys.stdout = sys.stderr = self.printed

    def note_warning(self, message: Any, category: Any, filename: str, lineno: int, *_: Any) -> None:
        if len(self.warned) < WARNINGS_LIMIT:
            line = f" (line {lineno})" if filename == self.file else ""
            self.warned.append(f"{category.__name__}: {str(message)[:MESSAGE_LIMIT]}{line}")

    def load(self, name: str, file: str, source: str) -> dict[str, Any]:
        """Run a file's text as a module; what came of it, as data."""
        self.file = file
        module = types.ModuleType(name)
        module.__file__ = file
        sys.modules[name] = module
        self.fresh_state()
        try:
            code = compile(source, file, "exec", dont_inherit=True)
        except SyntaxError as error:
            return {
                "error": type(error).__name__,
                "message": str(error.msg),
                "line": error.lineno,
                "column": error.offset,
                "text": (error.text or "")[:MESSAGE_LIMIT],
                "printed": "",
            }
        except (ValueError, MemoryError, RecursionError, OverflowError) as error:
            return {"error": type(error).__name__, "message": f"the file cannot be compiled: {error}",
                    "line": None, "column": None, "text": None, "printed": ""}  # fmt: skip
        try:
            exec(code, module.__dict__)
        except BaseException as error:  # noqa: BLE001 - whatever a module raises is reported as data
            report = self.describe(error)
            return {
                "error": report["type"], "message": report["message"], "line": report["line"],
                "column": None, "text": None, "printed": self.printed.take(),
            }  # fmt: skip
        self.module = module
        functions = {
            key: self.parameters(value)
            for key, value in list(module.__dict__.items())
            if type(key) is str and callable(value) and not key.startswith("__")
        }
        return {"functions": functions, "warnings": self.warned, "printed": self.printed.take()}

    @staticmethod
    def parameters(function: Any) -> list[str]:
        code = getattr(function, "__code__", None)
        if type(code) is not types.CodeType:
            return []
        return list(code.co_varnames[: code.co_argcount + code.co_kwonlyargcount])

    def answer(self, sequence: int, payload: bytearray) -> None:
        """Run one call and send what became of it."""
        wire = self.wire
        function, flags, args, kwargs = wire.loads(payload, self.callback)
        self.fresh_state()
        try:
            value = getattr(self.module, function)(*args, **kwargs)
        except BaseException as error:  # noqa: BLE001 - whatever a function raises is reported as data
            kind, reply = wire.RAISED, self.describe(error)
        else:
            kind, reply = wire.RETURNED, {"value": value}
        if flags & WANT_ARGUMENTS and kind == wire.RETURNED:
            reply["args"], reply["kwargs"] = args, kwargs
        reply["warnings"] = self.warned
        reply["printed"] = self.printed.take()
        try:
            data = wire.dumps(reply, lambda _: 0 if flags & WANT_ARGUMENTS else self.refuse())
        except wire.WireError as error:
            kind, data = wire.UNSUPPORTED, wire.dumps(str(error)[:MESSAGE_LIMIT])
        except BaseException as error:  # noqa: BLE001 - an object's own code ran while it was encoded
            kind, data = wire.RAISED, wire.dumps(self.describe(error) | {"warnings": [], "printed": ""})
        self.channel.send(kind, sequence, data)

    def refuse(self) -> int:
        raise self.wire.WireError("a function")

    def callback(self, number: int) -> Any:
        """A function that asks the grader's side."""

        def ask(*args: Any, **kwargs: Any) -> Any:
            wire = self.wire
            self.channel.send(wire.CALLBACK, number, wire.dumps((args, kwargs)))
            kind, _, payload = self.channel.receive()
            if kind != wire.ANSWER:
                raise EOFError
            ok, value = wire.loads(payload)
            if not ok:
                raise RuntimeError(value)
            return value

        return ask

    def describe(self, error: BaseException) -> dict[str, Any]:
        """An exception as data: type, bases, message, and where in the submission it was raised."""
        try:
            message = str(error)[:MESSAGE_LIMIT]
        except BaseException:  # noqa: BLE001 - its own __str__ may raise anything
            message = ""
        line = function = None
        trace = error.__traceback__
        while trace is not None:
            code = trace.tb_frame.f_code
            if code.co_filename == self.file:
                line, function = trace.tb_lineno, code.co_name
            trace = trace.tb_next
        bases = [
            base.__name__
            for base in type(error).__mro__
            if base.__module__ == "builtins" or base.__module__.startswith("numpy")
        ]
        return {
            "type": str(type(error).__name__)[:100], "bases": bases, "message": message,
            "line": line, "function": function,
        }  # fmt: skip


def limit(limits: dict[str, int]) -> None:
    """Lower this process's resource limits for good; `limits` maps RLIMIT names to values."""
    for name, value in limits.items():
        number = getattr(resource, f"RLIMIT_{name}", None)
        if number is None:
            continue
        _, hard = resource.getrlimit(number)
        ceiling = value if hard == resource.RLIM_INFINITY else min(value, hard)
        with contextlib.suppress(OSError, ValueError):  # macOS refuses some; the probe tells
            resource.setrlimit(number, (ceiling, ceiling))


def die_with_parent() -> None:
    """Ask Linux to kill this process when its parent ends."""
    if sys.platform == "linux":
        import ctypes

        ctypes.CDLL(None).prctl(1, signal.SIGKILL)


def tune_allocator() -> None:
    """Let glibc keep freed arrays of up to 64 MiB, which makes large messages three times quicker."""
    if sys.platform == "linux":
        import ctypes

        libc = ctypes.CDLL(None)
        if hasattr(libc, "mallopt"):
            libc.mallopt(-3, 64 * 1024 * 1024)  # M_MMAP_THRESHOLD
            libc.mallopt(-1, 256 * 1024 * 1024)  # M_TRIM_THRESHOLD


def child(sock: socket.socket, wire: Any, np: Any, limits: dict[str, int]) -> None:
    """The life of one child: limit, greet, serve."""
    os.setsid()
    die_with_parent()
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is the grader's to handle
    limit(limits)
    channel = Channel(sock, wire)
    in_force = {
        name: resource.getrlimit(getattr(resource, f"RLIMIT_{name}"))[0]
        for name in limits
        if hasattr(resource, f"RLIMIT_{name}")
    }
    channel.send(wire.HELLO, 0, wire.dumps({"pid": os.getpid(), "limits": in_force}))
    # The submission sees neither this module nor the way it was started.
    sys.argv = [""]
    main = sys.modules.pop("__main__", None)
    sys.modules["__main__"] = types.ModuleType("__main__")
    sys.modules.pop("wire", None)
    try:
        Host(channel, np).serve()
    except (EOFError, OSError):
        pass
    del main


def zygote(control: socket.socket, wire: Any, np: Any, limits: dict[str, int]) -> None:
    """Fork a child for each socket that arrives, until the control channel closes."""
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # children are reaped by the kernel
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    die_with_parent()
    while True:
        message, fds, _, _ = socket.recv_fds(control, 1, 1)
        if not message:
            return
        sock = socket.socket(fileno=fds[0])
        if os.fork() == 0:
            try:
                control.close()
                child(sock, wire, np, limits)
            finally:
                os._exit(0)
        sock.close()


def main() -> None:
    control = socket.socket(fileno=int(sys.argv[1]))
    sys.path.insert(0, sys.argv[2])
    import numpy as np

    sys.path.remove(sys.argv[2])
    wire = _load_wire()
    tune_allocator()
    zygote(control, wire, np, json.loads(sys.argv[3]))


if __name__ == "__main__":
    main()
