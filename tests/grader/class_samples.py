"""Graded classes made by hand, for the tests of what leaves a class."""

from __future__ import annotations

from datetime import UTC, datetime
from types import ModuleType

from grader.classroom.model import Class, Result, Student
from grader.model import Report

DUE = datetime(2026, 11, 30, 22, 59, tzinfo=UTC)


def result(student: str, report: Report | None, **changes: object) -> Result:
    values: dict[str, object] = {
        "source": f"submissions/{student}.zip",
        "digest": "sha256:" + student.encode("utf-8", "replace").hex()[:12],
        "seed": 7,
        "submitted_at": DUE,
        "graded_at": datetime(2026, 12, 1, 8, tzinfo=UTC),
    }
    return Result(student, report=report, **(values | changes))  # type: ignore[arg-type]


def roster(*students: Student) -> dict[str, Student]:
    return {student.id: student for student in students}


def small(samples: ModuleType) -> Class:
    """A student for each standing: a full score, a partial one, an attack, a file that cannot be read, and nobody."""
    students = roster(
        Student("ada", "Ada Lovelace", "ada@x.edu", "A", {"SIS User ID": "s-1"}),
        Student("bob", "Bob, the =1+1 Builder", "bob@x.edu", "A", {"SIS User ID": "s-2"}),
        Student("eve", "Eve", "eve@x.edu", "B"),
        Student("carl", "Carl", "carl@x.edu", "B"),
        Student("zoe", "Zoë", "zoe@x.edu", "B"),
    )
    results = (
        result("ada", samples.perfect()),
        result("bob", samples.diagnosed()),
        result("carl", None, fault="carl.zip: not a sound .zip archive; pack it again"),
        result("eve", samples.every_status()),
    )
    return Class("Gradients", "suite-1", samples.perfect().points, students, results)
