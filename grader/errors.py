"""Every exception that the package raises on purpose.

GradsmithError                what, where, what to do; the command line prints it in one line
├── ContentError              a room of the course is wrong: names the file, the key and the fix
│   └── MarkerError           solution markers that are stray, nested or unclosed
├── AuthoringError            a new topic that cannot be made as asked
├── WorkspaceError            a learner's workspace is missing, occupied or unreadable
├── UnreadableSubmissionError a path, file or archive that is not a submission
├── FigureError               functions whose figure cannot be drawn: a stub, an exception, a wrong shape
├── IsolationError            submissions would be held less strongly than was asked for
├── SandboxError              the worker could not be started here: our fault
└── VacuousCheckError         a check that could not have failed: the suite's fault
SubmissionRaised (Exception)  the learner's function raised; type and message came over the wire
CheckFailure (AssertionError) a check found the answer wrong; carries a `model.Failure`
CheckUnresolved (Exception)   a check could not decide; neither a pass nor a failure
Halted (BaseException)        the call cannot be judged (a stub, a dead or late worker);
                              no `except Exception` in a suite may swallow it
Stopped (KeyboardInterrupt)   the run was called off from another thread
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from grader.model import Cause, Evidence, Failure, Problem, Status


class GradsmithError(Exception):
    """A problem that a person can act on. Exit code 2 unless a subclass says otherwise."""

    exit_code = 2


class ContentError(GradsmithError):
    """Course content that breaks a rule. The message has the file, the key and the fix.

    Parameters
    ----------
    file : the file that is wrong.
    key : the place inside it: a TOML key, a function, or `line N`.
    fix : what is wrong and what to write instead, as one clause.
    """

    def __init__(self, file: Path | str, key: str, fix: str) -> None:
        self.file = str(file)
        self.key = key
        self.fix = fix
        super().__init__(f"{file}: {key}: {fix}")


class MarkerError(ContentError):
    """`### BEGIN SOLUTION` and `### END SOLUTION` do not pair up."""


class AuthoringError(GradsmithError):
    """A new topic cannot be made as it was asked for."""


class WorkspaceError(GradsmithError):
    """A workspace is missing, already there, or cannot be read."""


class UnreadableSubmissionError(GradsmithError):
    """A path that cannot be read as a submission."""


class FigureError(GradsmithError):
    """A figure cannot be drawn: a function that it needs is missing, fails, or returns no such array."""


class IsolationError(GradsmithError):
    """The isolation that is in force is weaker than what was required."""


class SandboxError(GradsmithError):
    """The worker process cannot be started or spoken to: never the learner's fault."""

    exit_code = 3


class VacuousCheckError(GradsmithError):
    """A check whose tolerance would accept zeros or a flipped sign proves nothing."""

    exit_code = 3


class SubmissionRaised(Exception):
    """An exception in the learner's function, as data.

    Attributes
    ----------
    type_name : the exception's class name, such as ``"ValueError"``.
    bases : names of its built-in and NumPy base classes, itself included.
    message : ``str(exception)``, cut to a few hundred characters.
    line : line of the submission's file at which it was raised, or None.
    cell : the notebook's cell that the line is counted in; empty for a file.
    function : innermost function of the submission on the traceback, or None.
    """

    def __init__(
        self,
        type_name: str,
        message: str,
        *,
        bases: tuple[str, ...] = (),
        line: int | None = None,
        cell: str = "",
        function: str | None = None,
    ) -> None:
        self.type_name = type_name
        self.message = message
        self.bases = bases or (type_name,)
        self.line = line
        self.cell = cell
        self.function = function
        super().__init__(f"{type_name}: {message}" if message else type_name)

    @property
    def place(self) -> str:
        """Where it was raised, in words; empty where that is not known."""
        line = f"line {self.line}" if self.line else ""
        return ", ".join(filter(None, (self.cell, line)))


class CheckFailure(AssertionError):
    """The answer is wrong. `failure` says how, in data.

    Parameters
    ----------
    failure : all but the cause, or with a cause that is already known.
    explain : finds the cause. It is asked when `failure` is first read: most failures of a mistake that the
        bank knows are never read.
    """

    def __init__(self, failure: Failure, explain: Callable[[], Cause | None] | None = None) -> None:
        self.bare = failure
        self._explain = explain
        super().__init__(failure.headline)

    @property
    def failure(self) -> Failure:
        """The failure with its cause, if there is one."""
        if self._explain is not None:
            cause, self._explain = self._explain(), None
            self.bare = replace(self.bare, cause=cause)
        return self.bare

    def amended(self, *, cause: Cause | None = None, notes: tuple[str, ...] = ()) -> CheckFailure:
        """The same failure with more notes, and with this cause where one is given."""
        failure = replace(self.bare, notes=(*self.bare.notes, *notes))
        if cause is not None:
            return CheckFailure(replace(failure, cause=cause))
        return CheckFailure(failure, self._explain)


class CheckUnresolved(Exception):
    """Numerical noise is too large to tell right from wrong."""


class Halted(BaseException):
    """The call has no answer to judge: a stub, a load error, a dead or late worker.

    Attributes
    ----------
    status : `MISSING`, `ERROR`, `TIMEOUT` or `TAMPERED`.
    reason : one clause for the learner.
    problem : where a file could not be loaded, the place in it.
    evidence : of `TAMPERED`, what was seen.
    """

    def __init__(
        self,
        status: Status,
        reason: str,
        problem: Problem | None = None,
        evidence: Evidence | None = None,
    ) -> None:
        self.status = status
        self.reason = reason
        self.problem = problem
        self.evidence = evidence
        super().__init__(reason)


class Stopped(KeyboardInterrupt):
    """The run was called off by `Sandbox.stop`. It takes the way of Ctrl-C, which every suite lets through."""
