"""Starting the other process. Standard library only, so that it starts before anything heavy is imported here."""

from __future__ import annotations

import contextlib
import importlib.util
import json
import os
import signal
import socket
import subprocess
import sys
import tempfile
from pathlib import Path

from grader.errors import SandboxError
from grader.sandbox import jail

WORKER = Path(__file__).with_name("worker.py")
CLOSE_TIMEOUT = 0.5
"""Seconds that a zygote has to end by itself."""


class Zygote:
    """A process with NumPy loaded that forks a child for each socket it is sent.

    Parameters
    ----------
    level : how strongly the process is held.
    limits : what each of its children may use.

    Raises
    ------
    SandboxError : it cannot be started on this system.

    Notes
    -----
    The process imports NumPy while the caller does other work; what is sent to it waits in its socket.
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
        self._stderr = tempfile.TemporaryFile()  # noqa: SIM115 - open as long as the process
        self._home = tempfile.TemporaryDirectory(prefix="gradsmith-", ignore_cleanup_errors=True)
        self._control, theirs = socket.socketpair()
        command = level.command(
            [sys.executable, "-I", "-B", "-S", str(WORKER), str(theirs.fileno()), parent,
             json.dumps(limits.as_rlimits())]
        )  # fmt: skip
        with theirs:
            self._process = subprocess.Popen(
                command,
                pass_fds=[theirs.fileno()],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=self._stderr,
                cwd=self._home.name,
                env=clean_environment(),
                start_new_session=True,
            )

    def fork(self) -> socket.socket:
        """The socket of a new child.

        Raises
        ------
        SandboxError : the process has ended.
        """
        ours, theirs = socket.socketpair()
        try:
            with theirs:
                socket.send_fds(self._control, [b"+"], [theirs.fileno()])
        except OSError:
            ours.close()
            raise SandboxError(self.why_dead()) from None
        return ours

    def why_dead(self) -> str:
        """One line on why the process does not answer."""
        code = self._process.poll()
        self._stderr.seek(0)
        lines = self._stderr.read().decode(errors="replace").strip().splitlines()
        said = lines[-1] if lines else "it said nothing"
        return f"the worker process cannot be started (exit status {code}): {said}"

    def close(self) -> None:
        """End the process; its children end with it."""
        self._control.close()
        try:
            self._process.wait(timeout=CLOSE_TIMEOUT)
        except subprocess.TimeoutExpired:
            with contextlib.suppress(OSError):
                os.killpg(self._process.pid, signal.SIGKILL)
            self._process.wait()
        self._stderr.close()
        self._home.cleanup()


def clean_environment() -> dict[str, str]:
    """What a worker sees of the environment: one thread, a locale, and where libraries lie."""
    kept = {
        key: os.environ[key]
        for key in ("LD_LIBRARY_PATH", "DYLD_LIBRARY_PATH", "DYLD_FALLBACK_LIBRARY_PATH")
        if key in os.environ
    }
    threads = dict.fromkeys(("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS"), "1")
    return {"PATH": "/usr/bin:/bin", "LC_ALL": "C.UTF-8", **threads, **kept}
