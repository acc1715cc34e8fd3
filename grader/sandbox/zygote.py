"""Starting the other process. Standard library only, so that it starts before anything heavy is imported."""

from __future__ import annotations

import contextlib
import importlib.util
import os
import signal
import socket
import struct
import subprocess
import sys
import tempfile
from pathlib import Path

from grader.errors import SandboxError
from grader.sandbox import confine, jail
from grader.sandbox.jail import clean_environment

__all__ = ["Zygote", "clean_environment"]

WORKER = Path(__file__).with_name("worker.py")
CLOSE_TIMEOUT = 2.0
"""Seconds that a zygote has to end its children and itself."""
ORDER_TIMEOUT = 10.0
"""Seconds for a running zygote to take an order and to answer it."""

_ORDER = struct.Struct("<cIB")  # as in `worker`
_RANDOM = 128  # as in `worker`
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
        self._flags = level.flags
        self._last = 0
        self._refused = ""
        self._last_words = ""  # why it was given up
        self._prober: tuple[int, socket.socket] | None = None
        self.warm = False  # whether a child of it has greeted
        self._process: subprocess.Popen[bytes] | None = None
        with contextlib.ExitStack() as stack:
            self._stderr = stack.enter_context(tempfile.TemporaryFile())
            self._home = stack.enter_context(
                tempfile.TemporaryDirectory(prefix="gradsmith-", ignore_cleanup_errors=True)
            )
            canary = self._furnish()
            self._control, theirs = socket.socketpair()
            stack.enter_context(self._control)
            stack.enter_context(theirs)
            self._control.settimeout(ORDER_TIMEOUT)
            command = level.command(
                [sys.executable, "-I", "-B", "-S", str(WORKER), str(theirs.fileno()), parent,
                 repr({"limits": limits.as_rlimits(), "canary": canary,
                       "flags": level.flags, "reach": bool(level.flags & confine.UID)})]
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
        # It is forked as soon as the process can: the answer is there when it is asked for.
        with contextlib.suppress(SandboxError):
            self._prober = self.fork(probe=True)

    def _furnish(self) -> str:
        """Make the empty folder, and a file that anyone may read but a child that is held; its path."""
        empty = os.path.join(self._home, jail.EMPTY)
        canary = os.path.join(self._home, "canary")
        os.mkdir(empty)
        with open(canary, "w") as file:
            file.write("a submission that reads this is not held\n")
        os.chmod(canary, 0o644)
        if jail.is_root():  # for children that have a uid of their own
            os.chmod(self._home, 0o755)
            os.chmod(empty, 0o755)
        return canary

    def serves(self, level: jail.Level) -> bool:
        """Take over another level that is started alike; whether it is."""
        if level.command is not self.level.command or level.flags & ~self._flags & confine.UID:
            return False
        if level.flags != self.level.flags and self._prober is not None:
            number, sock = self._prober
            self._prober = None
            sock.close()
            with contextlib.suppress(SandboxError):
                self.end(number)
        self.level = level
        return True

    def over(self) -> bool:
        """Whether the process has ended, or could not be started."""
        return self._process is None or self._process.poll() is not None

    def fork(self, *, probe: bool = False, draws: bool = False) -> tuple[int, socket.socket]:
        """The number and the socket of a new child, or of the one that has been probing since the start.

        Parameters
        ----------
        probe : the child tries what must be refused, and tells in its greeting.
        draws : the child's file may draw random numbers, which takes modules that others do without.

        Raises
        ------
        SandboxError : the process has ended.
        """
        if probe and self._prober is not None:
            prober, self._prober = self._prober, None
            return prober
        flags = self.level.flags | (confine.PROBE if probe and self.level.flags else 0)
        flags |= _RANDOM if draws else 0
        ours, theirs = socket.socketpair()
        try:
            with theirs:
                self._last += 1
                number = self._last
                socket.send_fds(
                    self._control, [_ORDER.pack(b"+", number, flags)], [theirs.fileno()]
                )
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
            self._control.sendall(_ORDER.pack(b"-", number, 0))
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
            self._control.sendall(_ORDER.pack(b"?", number, 0))
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

    @property
    def alive(self) -> bool:
        """Whether it runs."""
        return self._process is not None and self._process.poll() is None

    @property
    def was_killed(self) -> bool:
        """Whether it has ended by SIGKILL, which somebody else sent: the level that holds it is not the cause."""
        code = self._process.poll() if self._process is not None else None
        return code == -signal.SIGKILL or (
            self.level.command is not jail.plain and code == 128 + signal.SIGKILL
        )

    def why_dead(self) -> str:
        """One line on why the process does not answer."""
        if self._stderr.closed:
            return self._last_words or "the worker process has been closed"
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
        if code > 128 and self.level.command is not jail.plain:  # the wrapper tells of it so
            code = 128 - code
        how = f"was killed by signal {-code}" if code < 0 else f"ended with exit status {code}"
        return f"the worker process {how}: {said}"

    def lost(self) -> SandboxError:
        """End a process that does not answer, so that no later child waits for it; why, to be raised."""
        error = SandboxError(self.why_dead())
        self._last_words = str(error)
        self.close(within=0.0)
        return error

    def close(self, within: float = CLOSE_TIMEOUT) -> None:
        """End the process; its children end with it. A second time does nothing."""
        if self._prober is not None:
            self._prober[1].close()
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
