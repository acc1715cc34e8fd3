"""What a learner has done in a workspace: an append-only log, from which all state is derived.

One JSON object a line in `.grader/journal.jsonl`. A line is written by one system call to a file opened for
appending, one process after the other, so that two do not mix theirs and a process that is killed loses at most its
own line; what is torn or unknown is passed over when it is read.
"""

from __future__ import annotations

import contextlib
import json
import os
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from grader.errors import WorkspaceError
from grader.model import Report, Score, Status
from grader.workspace import STATE

FILE = "journal.jsonl"
STUDIED = "studied"
"""The event of an interview question that was answered: its line has the question's id in place of an exercise's name.
An id holds a `-`, which no function's name does."""
VERSION = 1
YEARS = (1970, 9000)
"""Moments that can be counted with: in another zone, and a year later."""


@dataclass(frozen=True, slots=True)
class Entry:
    """One thing that was done. `details` depends on `event`."""

    at: datetime
    event: str
    exercise: str
    details: Mapping[str, Any]


@dataclass(slots=True)
class Standing:
    """How far a learner is with one exercise.

    Attributes
    ----------
    status : of the last check; None before the first.
    attempts : checks of something that is not a stub.
    solved_at : when it first passed.
    hints : rungs of the hint ladder that were shown.
    gave_up : whether the solution was shown before it passed.
    mistakes : how often each mistake of the bank was met.
    """

    exercise: str
    status: Status | None = None
    attempts: int = 0
    solved_at: datetime | None = None
    last_at: datetime | None = None
    hints: int = 0
    gave_up: bool = False
    mistakes: Counter[str] = field(default_factory=Counter)
    attempts_to_solve: int = 0

    @property
    def solved(self) -> bool:
        """Whether it ever passed."""
        return self.solved_at is not None


class Journal:
    """The log of one workspace.

    Parameters
    ----------
    root : the workspace.
    """

    def __init__(self, root: Path) -> None:
        self.path = root / STATE / FILE

    def append(
        self, event: str, exercise: str, at: datetime | None = None, **details: object
    ) -> None:
        """Write one line.

        Raises
        ------
        WorkspaceError : it cannot be written.
        """
        moment = (at or datetime.now(UTC)).astimezone(UTC)
        entry = {"v": VERSION, "at": moment.isoformat(timespec="milliseconds"), "event": event}
        line = json.dumps(entry | {"exercise": exercise} | details, allow_nan=False) + "\n"
        try:
            self.path.parent.mkdir(exist_ok=True)
            handle = os.open(self.path, os.O_RDWR | os.O_APPEND | os.O_CREAT, 0o644)
            try:
                _wait_for_turn(handle)
                size = os.fstat(handle).st_size
                torn = size > 0 and _last_byte(handle, size) != b"\n"
                os.write(handle, b"\n" * torn + line.encode())
            finally:
                os.close(handle)
        except OSError as error:
            raise WorkspaceError(f"{self.path}: cannot be written: {error.strerror}") from None

    def note(self, report: Report, at: datetime | None = None) -> None:
        """Write what a check of the workspace found, a line for each exercise that is not a stub."""
        for score in report.scores:
            if score.status is Status.MISSING:
                continue
            self.append(
                "checked",
                score.exercise.name,
                at,
                status=score.status.value,
                passed=score.n_passed,
                checks=len(score.outcomes),
                mistakes=mistakes_in(score),
            )

    def entries(self) -> Iterator[Entry]:
        """What was written, oldest first.

        Raises
        ------
        WorkspaceError : the file is there and cannot be read.
        """
        try:
            data = self.path.read_bytes()
        except FileNotFoundError:
            return
        except OSError as error:
            raise WorkspaceError(f"{self.path}: cannot be read: {error.strerror}") from None
        for line in data.splitlines():
            entry = _entry(line)
            if entry is not None:
                yield entry

    def standings(self) -> dict[str, Standing]:
        """Every exercise that something was done about."""
        return derive(self.entries())


def mistakes_in(score: Score) -> list[str]:
    """The names of the bank's mistakes that a graded exercise met."""
    failures = [outcome.failure for outcome in score.outcomes if outcome.failure is not None]
    causes = [failure.cause for failure in failures if failure.cause is not None]
    return sorted({cause.name for cause in causes if cause.kind == "mistake"})


def derive(entries: Iterable[Entry]) -> dict[str, Standing]:
    """The state that a log leads to; of exercises alone."""
    standings: dict[str, Standing] = {}
    for entry in entries:
        if entry.event == STUDIED:
            continue
        one = standings.setdefault(entry.exercise, Standing(entry.exercise))
        one.last_at = entry.at
        match entry.event:
            case "checked":
                _checked(one, entry)
            case "hint":
                rung = entry.details.get("rung")
                if isinstance(rung, int):
                    one.hints = max(one.hints, rung)
            case "solution":
                one.gave_up = one.gave_up or not one.solved
            case "reviewed" | "mock":
                _met(one, entry)
    return standings


def _met(one: Standing, entry: Entry) -> None:
    mistakes = entry.details.get("mistakes")
    if isinstance(mistakes, list):
        one.mistakes.update(name for name in mistakes if isinstance(name, str))


def _checked(one: Standing, entry: Entry) -> None:
    status = entry.details.get("status")
    if status not in [each.value for each in Status]:
        return
    one.status = Status(status)
    one.attempts += 1
    _met(one, entry)
    if one.status is Status.PASSED and not one.solved:
        one.solved_at = entry.at
        one.attempts_to_solve = one.attempts


def _entry(line: bytes) -> Entry | None:
    """A line that can be read, or None."""
    try:
        data = json.loads(line)
        at = datetime.fromisoformat(data["at"])
        event, exercise = data["event"], data["exercise"]
    except (ValueError, KeyError, TypeError, RecursionError):
        return None
    if not (isinstance(event, str) and isinstance(exercise, str)) or at.tzinfo is None:
        return None
    if not YEARS[0] <= at.year <= YEARS[1]:
        return None
    details = {k: v for k, v in data.items() if k not in ("v", "at", "event", "exercise")}
    return Entry(at, event, exercise, details)


def _wait_for_turn(handle: int) -> None:
    """Lock a file until it is closed, where the system has locks: a line that is half written is not a torn one."""
    try:
        import fcntl
    except ImportError:
        return
    with contextlib.suppress(OSError):  # a file system without locks
        fcntl.flock(handle, fcntl.LOCK_EX)


def _last_byte(handle: int, size: int) -> bytes:
    os.lseek(handle, size - 1, os.SEEK_SET)
    return os.read(handle, 1)
