"""Starting the other process. Standard library only, so that it starts before anything heavy is imported."""

from __future__ import annotations

import contextlib
import importlib.util
import json
import os
import signal
import socket
import struct
import subprocess
import sys
import tempfile
from pathlib import Path

from grader.errors import SandboxError
from grader.sandbox import jail

WORKER = Path(__file__).with_name("worker.py")
CLOSE_TIMEOUT = 2.0
"""Seconds that a zygote has to end its children and itself."""
ORDER_TIMEOUT = 10.0
"""Seconds for a running zygote to take an order and to answer it."""

_ORDER = struct.Struct("<cI")  # as in `worker`
_STATUS = struct.Struct("<i")


class Zygote:
    """A process with NumPy loaded that forks a child for each socket it is sent.

    Parameters
    ----------
    level : how strongly the process is held.
    limits : what each of its children may use.

    Raises
    ------
    SandboxError : this system has no fork. That the process could not be started, or has ended, is
        told when it is used.

    Notes
    -----
    The process imports NumPy while the caller does other work; what is sent to it waits in its
    socket. It is also its children's only parent: a child's number stays valid, and its process id
    is not given to another, until the zygote has been told to end it.
    """

    def __init__(self, level: jail.Level, limits: jail.Limits) -> None:
        if not hasattr(os, "fork"):
            raise SandboxError(
                "grading needs a system with fork (Linux, macOS, or Windows with WSL); run it there"
            )
        spec = importlib.util.find_spec("numpy")
        if spec is None or not spec.submodule_search_locations:
            raise SandboxError("NumPy is not installed beside the grader; install gradsmith again")
        parent = str(Path(next(iter(spec.submodule_search_locations))).parent)
        self.level = level
        self._last = 0
        self._refused = ""
        self.warm = False  # whether a child of it has greeted
        self._process: subprocess.Popen[bytes] | None = None
        with contextlib.ExitStack() as stack:
            self._stderr = stack.enter_context(tempfile.TemporaryFile())
            self._home = stack.enter_context(
                tempfile.TemporaryDirectory(prefix="gradsmith-", ignore_cleanup_errors=True)
            )
            self._control, theirs = socket.socketpair()
            stack.enter_context(self._control)
            stack.enter_context(theirs)
            self._control.settimeout(ORDER_TIMEOUT)
            command = level.command(
                [sys.executable, "-I", "-B", "-S", str(WORKER), str(theirs.fileno()), parent,
                 json.dumps(limits.as_rlimits())]
            )  # fmt: skip
            try:
                self._process = subprocess.Popen(
                    command,
                    pass_fds=[theirs.fileno()],
                    stdin=subprocess.DEVNULL,
                    stdout=subprocess.DEVNULL,
                    stderr=self._stderr,
                    cwd=self._home,
                    env=clean_environment(),
                    start_new_session=True,
                )
            except OSError as error:  # the level's wrapper is not there: told when it is used
                self._refused = str(error)
            theirs.close()
            self._open = stack.pop_all()

    def fork(self) -> tuple[int, socket.socket]:
        """The number and the socket of a new child.

        Raises
        ------
        SandboxError : the process has ended.
        """
        ours, theirs = socket.socketpair()
        try:
            with theirs:
                self._last += 1
                number = self._last
                socket.send_fds(self._control, [_ORDER.pack(b"+", number)], [theirs.fileno()])
        except OSError:
            ours.close()
            raise SandboxError(self.why_dead()) from None
        return number, ours

    def end(self, number: int) -> None:
        """End a child and its process group.

        Raises
        ------
        SandboxError : the process itself has ended.
        """
        try:
            self._control.sendall(_ORDER.pack(b"-", number))
        except OSError:
            raise SandboxError(self.why_dead()) from None

    def end_and_ask(self, number: int) -> int:
        """End a child whose socket has closed; its status as `os.waitpid` gives it.

        Returns
        -------
        -1 where it had not ended by itself.

        Raises
        ------
        SandboxError : the process itself has ended.
        """
        try:
            self._control.sendall(_ORDER.pack(b"?", number))
            data = self._control.recv(_STATUS.size)
        except OSError:
            data = b""
        if len(data) != _STATUS.size:
            raise SandboxError(self.why_dead())
        return int(_STATUS.unpack(data)[0])

    @property
    def pid(self) -> int:
        """Its process id, or 0 where it could not be started."""
        return 0 if self._process is None else self._process.pid

    def why_dead(self) -> str:
        """One line on why the process does not answer."""
        if self._stderr.closed:
            return "the worker process has been closed"
        if self._process is None:
            return f"the worker process cannot be started: {self._refused}"
        try:
            code: int | None = self._process.wait(timeout=0.5)
        except subprocess.TimeoutExpired:
            code = None
        self._stderr.seek(0)
        lines = self._stderr.read().decode(errors="replace").strip().splitlines()
        said = lines[-1] if lines else "it said nothing"
        if code is None:
            return f"the worker process does not answer: {said}"
        how = f"was killed by signal {-code}" if code < 0 else f"ended with exit status {code}"
        return f"the worker process {how}: {said}"

    def lost(self) -> SandboxError:
        """End a process that does not answer, so that no later child waits for it; why, to be raised."""
        error = SandboxError(self.why_dead())
        self.close(within=0.0)
        return error

    def close(self, within: float = CLOSE_TIMEOUT) -> None:
        """End the process; its children end with it. A second time does nothing."""
        self._control.close()
        if self._process is not None:
            try:
                self._process.wait(timeout=within)
            except subprocess.TimeoutExpired:
                with contextlib.suppress(OSError):
                    os.killpg(self._process.pid, signal.SIGKILL)
                self._process.wait()
        with contextlib.suppress(RecursionError):  # folders in folders, made to this end
            self._open.close()


def clean_environment() -> dict[str, str]:
    """What a worker sees of the environment: one thread, a locale, and where libraries lie."""
    kept = {
        key: os.environ[key]
        for key in ("LD_LIBRARY_PATH", "DYLD_LIBRARY_PATH", "DYLD_FALLBACK_LIBRARY_PATH")
        if key in os.environ
    }
    threads = dict.fromkeys(("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS"), "1")
    return {"PATH": "/usr/bin:/bin", "LC_ALL": "C.UTF-8", **threads, **kept}
