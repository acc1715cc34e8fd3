"""A class as CSV: a row for each student, or for each exercise of each student."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from decimal import Decimal

from grader.classroom.exports.cells import line, text_cell, write_rows
from grader.classroom.grades import OURS, Grade, exact, plain
from grader.model import Exercise, Score, Status

COLUMNS = (
    "id", "name", "email", "section", "status", "raw", "penalty", "final", "out of", "submitted", "seed",
    "isolation", "digest", "reasons",
)  # fmt: skip
LONG_COLUMNS = (
    "id", "name", "topic", "exercise", "status", "earned", "points", "checks passed", "checks", "cause", "why",
)  # fmt: skip


def by_student(grades: Sequence[Grade], *, excel: bool = False) -> bytes:
    """A row for each student: what they got and why, and the points of each exercise.

    A cell is empty where there is no number. Of an exercise on which there is none, the status stands in its place.
    """
    exercises = exercises_of(grades)
    rows = [(*COLUMNS, *(f"points.{exercise.name}" for exercise in exercises))]
    for grade in grades:
        student, result = grade.student, grade.result
        report = result.report if result is not None else None
        scores = {score.exercise.name: score for score in report.scores} if report else {}
        rows.append((
            *(text_cell(text) for text in (student.id, student.name, student.email, student.section)),
            grade.standing.value,
            number(grade.raw), number(grade.penalty), number(grade.final), plain(grade.out_of),
            moment(result.submitted_at) if result is not None else "",
            str(result.seed) if result is not None else "",
            text_cell(report.isolation) if report is not None else "",
            text_cell(result.digest) if result is not None else "",
            text_cell("; ".join(grade.reasons)),
            *(_points(scores.get(exercise.name)) for exercise in exercises),
        ))  # fmt: skip
    return write_rows(rows, excel=excel)


def by_exercise(grades: Sequence[Grade], *, excel: bool = False) -> bytes:
    """A row for each exercise of each student: its status, the checks that passed, and the first cause found.

    Who has no report has a row for each exercise too, with the grade's standing for its status.
    """
    exercises = exercises_of(grades)
    rows: list[Sequence[str]] = [LONG_COLUMNS]
    for grade in grades:
        report = grade.result.report if grade.result is not None else None
        scores = {score.exercise.name: score for score in report.scores} if report else {}
        who = (text_cell(grade.student.id), text_cell(grade.student.name))
        for exercise in exercises:
            score = scores.get(exercise.name)
            what = (*who, text_cell(exercise.topic), text_cell(exercise.name))
            points = plain(exact(exercise.points))
            if score is None:
                status = "not graded" if report is not None else grade.standing.value
                rows.append((*what, status, "", points, "", "", "", ""))
                continue
            cause, why = cause_of(score)
            rows.append((
                *what, score.status.value, plain(exact(score.earned)), points,
                str(score.n_passed), str(len(score.outcomes)), text_cell(cause), text_cell(why),
            ))  # fmt: skip
    return write_rows(rows, excel=excel)


def exercises_of(grades: Sequence[Grade]) -> list[Exercise]:
    """All exercises that were graded for anyone, in the order of the reports."""
    found: dict[str, Exercise] = {}
    for score in _scores(grades):
        found.setdefault(score.exercise.name, score.exercise)
    return list(found.values())


def _scores(grades: Sequence[Grade]) -> Iterator[Score]:
    for grade in grades:
        if grade.result is not None and grade.result.report is not None:
            yield from grade.result.report.scores


def cause_of(score: Score) -> tuple[str, str]:
    """The name of the first cause that a failing check has, and its sentence; without one, the first headline."""
    failures = [each.failure for each in score.outcomes if each.failure is not None]
    for failure in failures:
        if failure.cause is not None:
            return failure.cause.name, failure.cause.sentence
    said = score.reason or next((failure.headline for failure in failures), "")
    return "", said if score.status is not Status.PASSED else ""


def _points(score: Score | None) -> str:
    if score is None:
        return ""
    if score.status is Status.TAMPERED or score.status in OURS:
        return score.status.value
    return plain(exact(score.earned))


def number(value: Decimal | None) -> str:
    """A number with its decimals; nothing for none."""
    return "" if value is None else f"{value:f}"


def moment(at: datetime | None) -> str:
    """A time in UTC, to the second; nothing for none."""
    if at is None:
        return ""
    at = at.replace(tzinfo=UTC) if at.tzinfo is None else at.astimezone(UTC)
    return at.strftime("%Y-%m-%dT%H:%M:%SZ")


def shown(grade: Grade) -> str:
    """A student as a person reads of them: name and id, on one line."""
    name, id_ = line(grade.student.name), line(grade.student.id)
    return f"{name} ({id_})" if name and name != id_ else id_
