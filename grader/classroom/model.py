"""The nouns of a class: students, what they handed in, and what came of it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from grader.model import Report


@dataclass(frozen=True, slots=True)
class Student:
    """One row of a roster.

    Attributes
    ----------
    id : by which submissions are told apart; unique in a class.
    extra : further columns of the roster as they stand, by their headings.
    """

    id: str
    name: str = ""
    email: str = ""
    section: str = ""
    extra: Mapping[str, str] = field(default_factory=dict)

    @property
    def shown(self) -> str:
        """What a person calls them."""
        return self.name or self.id


@dataclass(frozen=True, slots=True)
class Result:
    """What came of one student's submission.

    Attributes
    ----------
    source : where the submission lies, for display.
    digest : of all that was handed in and read; equal for equal submissions.
    seed : from which all random values of its checks derive; with the class's secret it follows from the student.
    report : what the grader found; None where the submission could not be read, which `fault` then says.
    submitted_at : when it was handed in, where that is known.
    graded_at : when it was graded.
    ours : whether `fault` is the grader's own: there is no report, and the learner has no part in it.
    name, email : of the student as the submissions tell them; the roster knows better.
    late : whether the submissions mark it as late.
    attempt : which attempt it is, where the submissions tell it.
    gone : whether it was graded once and is no longer among the submissions.
    notes : on how it was handed in, for the instructor.
    """

    student: str
    source: str
    digest: str
    seed: int
    report: Report | None
    fault: str = ""
    submitted_at: datetime | None = None
    graded_at: datetime | None = None
    ours: bool = False
    name: str = ""
    email: str = ""
    late: bool = False
    attempt: int = 1
    gone: bool = False
    notes: tuple[str, ...] = ()

    @property
    def withheld(self) -> bool:
        """Whether there is evidence of an attack, so that a person decides."""
        return self.report is not None and self.report.withheld

    @property
    def earned(self) -> float:
        """Points before any penalty; none for what could not be read."""
        return self.report.earned if self.report is not None else 0.0


@dataclass(frozen=True, slots=True)
class Class:
    """A graded class.

    Attributes
    ----------
    title : of the course.
    suite : a digest of the suites, statements and settings that the results depend on.
    points : what can be earned.
    roster : students by id, in the roster's order; those who handed nothing in among them. Empty without a roster.
    results : one a student, in the order of ids.
    """

    title: str
    suite: str
    points: float
    roster: Mapping[str, Student]
    results: Sequence[Result]
