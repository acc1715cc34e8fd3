"""The kernel's end of the line to the process in which the grader stays warm."""

from __future__ import annotations

import atexit
import contextlib
import json
import os
import subprocess
import sys
from typing import Any

from grader.errors import GradsmithError

CLOSE_TIMEOUT = 3.0
"""Seconds that the process has to end by itself."""


class Client:
    """A grading process, started at once and used when it is ready; one that is gone is started again.

    Parameters
    ----------
    folder : in the workspace, or what else the process is told to begin with.
    service : the module that is run.

    Attributes
    ----------
    asked : whether anything was asked yet.
    """

    def __init__(self, folder: str, service: str = "grader.kernel.service") -> None:
        self.folder = folder
        self.service = service
        self.asked = False
        self._process: subprocess.Popen[str] | None = None
        self._names: dict[str, list[str]] | None = None
        self.start()
        atexit.register(self.close)

    def start(self) -> None:
        """Start the process; what it says first is read later."""
        self._names = None
        self._process = subprocess.Popen(
            # -P: a file of the learner's named as a module of ours or Python's is not taken for it.
            [sys.executable, "-P", "-m", self.service, self.folder],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=None if os.environ.get("GRADER_DEBUG") else subprocess.DEVNULL,
            encoding="utf-8",
            start_new_session=True,  # an interrupt is meant for the learner's code
        )

    @property
    def names(self) -> dict[str, list[str]]:
        """The topics, and the exercises of each.

        Raises
        ------
        GradsmithError : there is no workspace, or its course cannot be read.
        """
        if self._process is None or self._process.poll() is not None:
            self.close()
            self.start()
        if self._names is None:
            answer = self._answer()
            self._names = answer["topics"]
        return self._names

    def ask(self, do: str, **request: Any) -> dict[str, Any]:
        """Ask for something and wait for the answer.

        Raises
        ------
        GradsmithError : the answer is a refusal, or the process has ended.
        """
        self.asked = True
        self.names  # noqa: B018 - it is running, and its first line is read
        assert self._process is not None
        assert self._process.stdin is not None
        try:
            self._process.stdin.write(json.dumps({"do": do, **request}) + "\n")
            self._process.stdin.flush()
        except OSError:
            self.close()
            raise GradsmithError("the grader has ended; run the cell again") from None
        return self._answer()

    def _answer(self) -> dict[str, Any]:
        assert self._process is not None
        assert self._process.stdout is not None
        try:
            line = self._process.stdout.readline()
        except BaseException:  # interrupted: the answer would be taken for the next one's
            self.close(now=True)
            raise
        if not line:
            self.close()
            raise GradsmithError(
                "the grader has ended; run the cell again, and if that does not help `grader check` in a terminal "
                "says why"
            )
        answer: dict[str, Any] = json.loads(line)
        if "error" in answer:
            raise GradsmithError(answer["error"].replace("`grader hint", "`%hint"))
        return answer

    def close(self, *, now: bool = False) -> None:
        """End the process."""
        process, self._process = self._process, None
        self._names = None
        if process is None:
            return
        for stream in (process.stdin, process.stdout):
            if stream is not None:
                with contextlib.suppress(OSError):  # it has gone, with what was still to be sent
                    stream.close()
        try:
            if now:
                process.terminate()
            process.wait(CLOSE_TIMEOUT)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
