"""The unit of work: one submission and a seed become a report. The same here, in a worker and on another machine."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from grader.catalog import load_course
from grader.classroom.stored import (
    canonical,
    digest,
    packed,
    read_submission_text,
    report_texts,
)
from grader.content import Content, installed, locate
from grader.errors import SandboxError
from grader.grading import Grader, environment
from grader.model import Course, Report, Status
from grader.sandbox import jail
from grader.submission import Submission
from grader.turns import grade_in_turn


@dataclass(frozen=True, slots=True)
class Settings:
    """How a class is graded; equal settings give equal reports.

    Attributes
    ----------
    course : the folder of the course; empty for the one that is installed.
    only : names of the exercises to grade; empty for all.
    timeout : seconds for one call.
    isolation : the least that submissions are held by, as `--require-isolation` names it; empty for whatever there is.
    """

    course: str = ""
    only: tuple[str, ...] = ()
    timeout: float = 5.0
    isolation: str = ""

    def content(self) -> Content:
        """Where the course lies. Raises `ContentError` where it is not there."""
        return locate(Path(self.course)) if self.course else locate()

    def topics(self, course: Course) -> tuple[str, ...]:
        """The topics that are graded."""
        return tuple(
            topic.slug
            for topic in course.topics
            if not self.only or any(e.name in self.only for e in topic.exercises)
        )

    def points(self, course: Course) -> float:
        """What can be earned."""
        return sum(e.points for e in course.exercises if not self.only or e.name in self.only)


def course_setting(content: Content) -> str:
    """How settings name a course."""
    return "" if content.root == installed().root else str(content.root.resolve())


@dataclass(frozen=True, slots=True)
class Task:
    """One submission to grade; `text` is what `submission_text` gives."""

    student: str
    text: str
    seed: int


@dataclass(frozen=True, slots=True)
class Made:
    """What came of a task.

    Attributes
    ----------
    report, times : of `report_texts`, packed; empty where there is no report.
    report_digest : of the report's text.
    statuses : how many exercises have each status.
    fault : why there is no report: a fault of ours.
    """

    student: str
    seed: int
    report: bytes = b""
    times: bytes = b""
    report_digest: str = ""
    earned: float = 0.0
    points: float = 0.0
    statuses: tuple[tuple[str, int], ...] = ()
    fault: str = ""


@dataclass(frozen=True, slots=True)
class Footing:
    """What results rest on beside the submission and the seed.

    Attributes
    ----------
    suite : a digest of all of it.
    isolation : the level that holds submissions here.
    """

    suite: str
    isolation: str


class Crew(Protocol):
    """Whoever grades: processes of this machine, or a cluster."""

    def start(self) -> Footing:
        """Start, and say what results rest on. Raises `SandboxError` where nothing can be graded."""

    def run(self, tasks: Iterator[Task]) -> Iterator[Made]:
        """Grade, in any order; each task comes out once, whatever dies meanwhile."""

    def close(self) -> None:
        """End at once what is still at work."""


def _made(task: Task, report: Report) -> Made:
    text, times = report_texts(report)
    statuses = {
        status.value: n
        for status in Status
        if (n := sum(score.status is status for score in report.scores))
    }
    return Made(
        task.student, task.seed, packed(text), packed(times), digest(text),
        report.earned, report.points, tuple(statuses.items()),
    )  # fmt: skip


class Bench:
    """A warm grader, and the units of work that it does one after another.

    Raises
    ------
    ContentError : the course is not there, or breaks a rule.
    SandboxError : no worker can be run here.
    """

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        content = settings.content()
        self.course = load_course(content)
        self.grader = Grader(content, self.course, timeout=settings.timeout)
        try:
            if settings.isolation:
                self.grader.require(settings.isolation)
            level = self.grader.sandbox.level.name
            self.footing = Footing(suite_digest(content, self.course, settings, level), level)
        except BaseException:
            self.grader.close()
            raise

    def grade(self, task: Task) -> Made:
        """One unit."""
        made: list[Made] = []
        self.grade_all(iter([task]), made.append)
        return made[0]

    def grade_all(self, tasks: Iterator[Task], give: Callable[[Made], None]) -> None:
        """Units one after another.

        Parameters
        ----------
        tasks : the next is asked for when one is done.
        give : called with what came of each.
        """

        def submissions() -> Iterator[tuple[Task, Submission, int]]:
            for task in tasks:
                yield task, read_submission_text(task.text, task.student), task.seed

        def failed(task: Task, error: Exception) -> None:
            told = isinstance(error, SandboxError)
            fault = str(error) if told else f"{type(error).__name__}: {error}"[:500]
            give(Made(task.student, task.seed, fault=fault))

        grade_in_turn(
            self.grader,
            submissions(),
            lambda task, report: give(_made(task, report)),
            failed,
            exercises=self.settings.only or None,
            topics=self.settings.topics(self.course),
        )

    def close(self) -> None:
        """End the sandbox."""
        self.grader.close()


def course_digest(content: Content, course: Course, topics: tuple[str, ...]) -> str:
    """A digest of what some topics are graded by: suites, mistakes, statements and settings of their exercises."""
    parts = [course.title]
    for slug in topics:
        for file in (
            content.topic_toml(slug),
            content.statement(slug),
            content.suite(slug),
            content.mistakes_file(slug),
        ):
            data = file.read_bytes() if file.is_file() else b""
            same = digest(data.replace(b"\r\n", b"\n"))
            parts.append(f"{slug}/{file.name} {same}")
    return digest("\n".join(parts))


def suite_digest(content: Content, course: Course, settings: Settings, isolation: str) -> str:
    """A digest of all that a report depends on beside the submission and the seed."""
    return digest(
        canonical(
            {
                "course": course_digest(content, course, settings.topics(course)),
                "only": sorted(settings.only),
                "timeout": settings.timeout,
                "limits": jail.Limits().as_rlimits(),
                "isolation": isolation,
                "grader": _version(),
                **environment(),
            }
        )
    )


def _version() -> str:
    from grader import __version__

    return __version__


def processors() -> int:
    """How many processors this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1
