"""What came of a notebook, function by function, in plain data that can be kept; and where it is kept."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Final

from grader import __version__
from grader.content import Content
from grader.errors import GradsmithError
from grader.files import make_folder, write_atomically
from grader.model import Course, Report, Status
from grader.notebooks.cells import Place

SCHEMA: Final = 2
VERDICTS: Final = ".grader/nbgrader"
"""The folder of an nbgrader course in which verdicts are kept."""
FOR_A_PERSON: Final = (Status.TAMPERED, Status.UNRESOLVED, Status.GRADER_ERROR)
"""Statuses with which no score is given: someone has to look."""
OURS: Final = (Status.UNRESOLVED, Status.GRADER_ERROR)
"""Statuses that say nothing about the student's work: not kept, but tried again."""


@dataclass(frozen=True, slots=True)
class Work:
    """What is to be graded: the Python of a notebook of one topic, and where its cells begin."""

    topic: str
    text: str
    cells: tuple[Place, ...] = ()

    def digest(self, settings: str) -> str:
        """Equal for equal work under equal settings."""
        whole = json.dumps(
            [self.topic, self.text, [(c.cell, c.first) for c in self.cells], settings]
        )
        return hashlib.sha256(whole.encode("utf-8", "surrogatepass")).hexdigest()


@dataclass(frozen=True, slots=True)
class CellVerdict:
    """One function. `comment` is a sentence or two, `text` and `html` all that the checks found."""

    exercise: str
    status: Status
    earned: float
    points: float
    comment: str
    text: str
    html: str

    def scaled(self, points: float) -> float:
        """The score of a cell with these points, which may not be the exercise's."""
        share = self.earned / self.points if self.points else 0.0
        return float(min(max(share, 0.0), 1.0) * points)


@dataclass(frozen=True, slots=True)
class Verdict:
    """One notebook: its functions in the course's order, and what of the notebook could not be used.

    `report` is all that the grader found, as the text of a JSON report, for the instructor alone.
    """

    topic: str
    cells: tuple[CellVerdict, ...]
    notes: tuple[str, ...] = ()
    isolation: str = ""
    seconds: float = 0.0
    report: str = ""

    def of(self, exercise: str) -> CellVerdict | None:
        """What came of one function."""
        return next((cell for cell in self.cells if cell.exercise == exercise), None)

    @property
    def settled(self) -> bool:
        """Whether it says something about the student's work in every part, and need not be tried again."""
        return not any(cell.status in OURS for cell in self.cells)

    def read_report(self, course: Course) -> Report | None:
        """All that the grader found; None where it is not kept, or is about another course."""
        from grader.report.json import read_report

        try:
            return read_report(json.loads(self.report), course)
        except (ValueError, RecursionError, GradsmithError):
            return None

    def as_data(self) -> dict[str, Any]:
        """Plain data, for JSON."""
        return {"schema": SCHEMA, **asdict(self)}

    @classmethod
    def from_data(cls, data: Mapping[str, Any]) -> Verdict:
        """The verdict that `as_data` gave.

        Raises
        ------
        ValueError : it is of no such form.
        """
        try:
            if data["schema"] != SCHEMA:
                raise ValueError(f"schema {data['schema']!r} is not {SCHEMA}")
            cells = tuple(
                CellVerdict(**{**cell, "status": Status(cell["status"])}) for cell in data["cells"]
            )
            return cls(
                str(data["topic"]), cells, tuple(map(str, data["notes"])), str(data["isolation"]),
                float(data["seconds"]), str(data["report"]),
            )  # fmt: skip
        except (KeyError, TypeError, AttributeError) as error:
            raise ValueError(f"no verdict: {error}") from None


class Kept:
    """Verdicts in a folder, a file each, named by what was graded and under which settings.

    Parameters
    ----------
    folder : made when the first is kept.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def get(self, digest: str) -> Verdict | None:
        """The verdict that was kept; None where there is none, or it cannot be read."""
        try:
            return Verdict.from_data(json.loads((self.folder / f"{digest}.json").read_bytes()))
        except (OSError, ValueError, RecursionError):
            return None

    def put(self, digest: str, verdict: Verdict) -> None:
        """Keep a verdict, unless it is to be tried again.

        Raises
        ------
        GradsmithError : it cannot be written.
        """
        if verdict.settled:
            make_folder(self.folder)
            data = json.dumps(verdict.as_data(), ensure_ascii=True)
            write_atomically(self.folder / f"{digest}.json", data)


def settings_of(content: Content, topic: str, *, seed: int, timeout: float) -> str:
    """A digest of all that a verdict depends on beside the work: suite, mistakes, points, version, seed, deadline.

    Raises
    ------
    GradsmithError : a file of the course cannot be read.
    """
    whole = hashlib.sha256(f"{SCHEMA} {__version__} {seed} {timeout}".encode())
    for file in (content.suite(topic), content.mistakes_file(topic), content.topic_toml(topic)):
        try:
            data = file.read_bytes() if file.is_file() else b""
        except OSError as error:
            raise GradsmithError(f"{file}: cannot be read: {error.strerror}") from None
        whole.update(f"{len(data)} ".encode() + data)
    return whole.hexdigest()
