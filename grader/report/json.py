"""A report for a program: one versioned JSON document for any number of submissions.

The document is described by `report.schema.json` beside this module (JSON Schema 2020-12), and
`schema` reads it. What JSON cannot say is said in its own way: a number that is not finite is the
string ``"nan"``, ``"inf"`` or ``"-inf"``, and a complex one is ``{"re": …, "im": …}``. Hints are
left out: a report must not give away more than was asked for. `read_report` takes them, and all else
that the document leaves out, from the course.
"""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import TYPE_CHECKING, Any

from grader.disclosure import StudentReport
from grader.errors import GradsmithError
from grader.model import (
    WITHHELD,
    Capstone,
    CapstoneScore,
    Cause,
    Difficulty,
    Disclosure,
    Evidence,
    Exercise,
    Failure,
    Mismatch,
    Outcome,
    Problem,
    Report,
    Score,
    Status,
    Topic,
)
from grader.report.grouping import by_topic

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from grader.disclosure import Shown
    from grader.model import Course
    from grader.report.grouping import TopicScores

SCHEMA = "gradsmith/report"
VERSION = 1
"""Goes up when a member changes its meaning or goes away; a new member leaves it as it is."""

SCHEMA_FILE = Path(__file__).with_name("report.schema.json")

EXACT_BITS = 64
"""Longer integers are rounded to a float: few readers of JSON hold them, and Python itself refuses
to print those of more than 4300 digits."""


def schema() -> dict[str, Any]:
    """The JSON Schema of the document."""
    read: dict[str, Any] = json.loads(SCHEMA_FILE.read_text(encoding="utf-8"))
    return read


def dumps(reports: Sequence[Shown]) -> str:
    """The document as text: strict JSON in ASCII, whatever a submission put into its strings."""
    return json.dumps(report_document(reports), indent=2, allow_nan=False) + "\n"


def report_document(reports: Sequence[Shown]) -> dict[str, Any]:
    """The document as plain data, ready for `json.dumps(…, allow_nan=False)`.

    Parameters
    ----------
    reports : reports of one run, and so of one version of the grader.

    Raises
    ------
    ValueError : the reports were made by different versions.
    """
    versions = {report.version for report in reports}
    if len(versions) > 1:
        listed = ", ".join(sorted(versions))
        raise ValueError(
            f"reports: made by different versions of the grader ({listed}); "
            "write a document for each version"
        )
    return {
        "schema": SCHEMA,
        "version": VERSION,
        "grader": _text(versions.pop()) if versions else None,
        "submissions": [_submission(report) for report in reports],
    }


def _submission(report: Report) -> dict[str, Any]:
    return {
        "submission": _text(report.submission),
        "course": _text(report.course),
        "disclosure": report.disclosure.value if isinstance(report, StudentReport) else None,
        "seed": report.seed,
        "isolation": _text(report.isolation),
        "timeout": _number(report.timeout),
        "seconds": _number(report.seconds),
        "withheld": WITHHELD if report.withheld else None,
        "earned": None if report.withheld else _number(report.earned),
        "points": _number(report.points),
        "percent": None if report.withheld else _number(report.percent),
        "statuses": {
            status.value: sum(score.status is status for score in report.scores)
            for status in Status
            if status is not Status.WAITING  # of capstones alone
        },
        "topics": [_topic(group) for group in by_topic(report)],
        "problems": [_problem(problem) for problem in report.problems],
        "notes": [_text(note) for note in report.notes],
        "environment": {_text(k): _text(v) for k, v in report.environment.items()},
    }


def _topic(group: TopicScores) -> dict[str, Any]:
    return {
        "topic": _text(group.slug),
        "title": _text(group.title),
        "earned": None if group.withheld else _number(group.earned),
        "points": _number(group.points),
        "exercises": [_score(score) for score in group.scores],
        "capstone": _capstone(group.capstone) if group.capstone is not None else None,
    }


def _capstone(score: CapstoneScore) -> dict[str, Any]:
    return {
        "title": _text(score.capstone.title),
        "needs": [_text(name) for name in score.capstone.needs],
        "status": score.status.value,
        "reason": _text(score.reason),
        "checks": [_outcome(outcome) for outcome in score.outcomes],
    }


def _score(score: Score) -> dict[str, Any]:
    exercise = score.exercise
    return {
        "exercise": _text(exercise.name),
        "title": _text(exercise.title),
        "difficulty": exercise.difficulty.value,
        "tags": [_text(tag) for tag in exercise.tags],
        "status": score.status.value,
        "reason": _text(score.reason),
        "earned": _number(score.earned),
        "points": _number(exercise.points),
        "leans_on": [_text(name) for name in score.leans_on],
        "n_passed": score.n_passed,
        "n_checks": len(score.outcomes),
        "checks": [_outcome(outcome) for outcome in score.outcomes],
    }


def _outcome(outcome: Outcome) -> dict[str, Any]:
    return {
        "check": _text(outcome.check),
        "test": _text(outcome.test),
        "status": outcome.status.value,
        "disclosure": outcome.disclosure.value,
        "seconds": _number(outcome.seconds),
        "failure": _failure(outcome.failure) if outcome.failure is not None else None,
        "warnings": [_text(warning) for warning in outcome.warnings],
        "printed": _text(outcome.printed),
        "evidence": _evidence(outcome.evidence) if outcome.evidence is not None else None,
    }


def _evidence(evidence: Evidence) -> dict[str, Any]:
    return {
        "seen": _text(evidence.seen),
        "during": _text(evidence.during),
        "call": evidence.call,
        "expected": _text(evidence.expected),
        "actual": _text(evidence.actual),
        "length": evidence.length,
        "received": evidence.received,
        "head": _text(evidence.head),
        "at": _text(evidence.at),
    }


def _failure(failure: Failure) -> dict[str, Any]:
    cause = failure.cause
    return {
        "headline": _text(failure.headline),
        "mismatch": _mismatch(failure.mismatch) if failure.mismatch is not None else None,
        "cause": {
            "kind": _text(cause.kind),
            "name": _text(cause.name),
            "sentence": _text(cause.sentence),
        }
        if cause is not None
        else None,
        "notes": [_text(note) for note in failure.notes],
    }


def _mismatch(mismatch: Mismatch) -> dict[str, Any]:
    return {
        "name": _text(mismatch.name),
        "axes": [_text(axis) for axis in mismatch.axes],
        "shape": list(mismatch.shape),
        "index": list(mismatch.index),
        "actual": _number(mismatch.actual),
        "expected": _number(mismatch.expected),
        "error": _number(mismatch.error),
        "tolerance": _number(mismatch.tolerance),
        "n_wrong": mismatch.n_wrong,
        "n_total": mismatch.n_total,
        "pattern": _text(mismatch.pattern),
    }


def _problem(problem: Problem) -> dict[str, Any]:
    return {
        "topic": _text(problem.topic),
        "file": _text(problem.file),
        "message": _text(problem.message),
        "line": problem.line,
        "column": problem.column,
        "text": _text(problem.text) if problem.text is not None else None,
        "early": problem.early,
    }


def _text(text: str) -> str:
    """`text` with lone surrogates replaced: JSON has no way to say them that readers agree on."""
    return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")


def _number(value: complex) -> bool | int | float | str | dict[str, Any]:
    """A number as JSON can hold it."""
    if isinstance(value, bool):
        return value
    if isinstance(value, int):
        if value.bit_length() <= EXACT_BITS:
            return value
        try:
            value = float(value)
        except OverflowError:
            return "inf" if value > 0 else "-inf"
    if isinstance(value, float):
        if math.isnan(value):
            return "nan"
        if math.isinf(value):
            return "inf" if value > 0 else "-inf"
        return value
    return {"re": _number(value.real), "im": _number(value.imag)}


def read_report(document: Mapping[str, Any], course: Course) -> Report:
    """The report that a document of one submission was made from: the inverse of `report_document`.

    Parameters
    ----------
    document : what `report_document` gives for one report.
    course : the course of that report, for what the document leaves out: hints, signatures and summaries.
        Points, titles and tags are those of the document, so that a report stays as it was made.

    Raises
    ------
    GradsmithError : it is no such document, or is about an exercise that the course does not have.
    """
    schema, version = document.get("schema"), document.get("version")
    if schema != SCHEMA or not isinstance(version, int):
        raise GradsmithError(f"not a report: its schema is {schema!r}, expected {SCHEMA!r}")
    if version > VERSION:
        raise GradsmithError(
            f"a report of version {version}, which this gradsmith does not know; install a newer one"
        )
    try:
        entries = document["submissions"]
        if len(entries) != 1:
            raise GradsmithError(f"a document of {len(entries)} submissions, expected one")
        return _read_submission(entries[0], document["grader"], course)
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise GradsmithError(
            f"a report that cannot be read ({type(error).__name__}: {error}); grade again"
        ) from None


def _read_submission(entry: Mapping[str, Any], version: str, course: Course) -> Report:
    topics: list[Topic] = []
    scores: list[Score] = []
    capstones: list[CapstoneScore] = []
    for group in entry["topics"]:
        slug = group["topic"]
        known = next((topic for topic in course.topics if topic.slug == slug), None)
        read = [_read_score(each, slug, known) for each in group["exercises"]]
        scores += read
        capstone = None
        if (ended := group["capstone"]) is not None:
            summary = known.capstone.summary if known and known.capstone else ""
            capstone = Capstone(slug, ended["title"], summary, tuple(ended["needs"]))
            outcomes = tuple(_read_outcome(each, "capstone") for each in ended["checks"])
            status = Status(ended["status"])
            capstones.append(CapstoneScore(capstone, status, outcomes, ended["reason"]))
        if read or group["title"]:
            exercises = tuple(score.exercise for score in read)
            summary = known.summary if known else ""
            level = known.disclosure if known else Disclosure.FULL
            topics.append(Topic(slug, group["title"], summary, exercises, capstone, level))
    return Report(
        submission=entry["submission"],
        course=entry["course"],
        version=version,
        seed=entry["seed"],
        isolation=entry["isolation"],
        timeout=_read_number(entry["timeout"]),
        topics=tuple(topics),
        scores=tuple(scores),
        capstones=tuple(capstones),
        problems=tuple(_read_problem(each) for each in entry["problems"]),
        notes=tuple(entry["notes"]),
        seconds=_read_number(entry["seconds"]),
        environment=dict(entry["environment"]),
    )


def _read_score(entry: Mapping[str, Any], slug: str, topic: Topic | None) -> Score:
    name = entry["exercise"]
    known = next((each for each in topic.exercises if each.name == name), None) if topic else None
    if known is None:
        raise GradsmithError(
            f"a report about {slug}/{name}, which the course does not have; "
            "give the course it was graded with (--course DIR), or grade again"
        )
    exercise = Exercise(
        name, slug, entry["title"], known.signature, entry["points"],
        Difficulty(entry["difficulty"]), known.minutes, tuple(entry["tags"]), known.hints,
    )  # fmt: skip
    outcomes = tuple(_read_outcome(each, name) for each in entry["checks"])
    status = Status(entry["status"])
    return Score(
        exercise, status, _read_number(entry["earned"]), outcomes, entry["reason"],
        tuple(entry["leans_on"]),
    )  # fmt: skip


def _read_outcome(entry: Mapping[str, Any], exercise: str) -> Outcome:
    failure = entry["failure"]
    return Outcome(
        test=entry["test"],
        check=entry["check"],
        exercise=exercise,
        status=Status(entry["status"]),
        failure=_read_failure(failure) if failure is not None else None,
        seconds=_read_number(entry["seconds"]),
        warnings=tuple(entry["warnings"]),
        printed=entry["printed"],
        disclosure=Disclosure(entry["disclosure"]),
        evidence=_read_evidence(entry["evidence"]) if entry["evidence"] is not None else None,
    )


def _read_evidence(entry: Mapping[str, Any]) -> Evidence:
    return Evidence(**entry)


def _read_failure(entry: Mapping[str, Any]) -> Failure:
    mismatch, cause = entry["mismatch"], entry["cause"]
    return Failure(
        entry["headline"],
        _read_mismatch(mismatch) if mismatch is not None else None,
        Cause(cause["kind"], cause["name"], cause["sentence"]) if cause is not None else None,
        tuple(entry["notes"]),
    )


def _read_mismatch(entry: Mapping[str, Any]) -> Mismatch:
    return Mismatch(
        name=entry["name"],
        axes=tuple(entry["axes"]),
        shape=tuple(entry["shape"]),
        index=tuple(entry["index"]),
        actual=_read_number(entry["actual"]),
        expected=_read_number(entry["expected"]),
        error=_read_number(entry["error"]),
        tolerance=_read_number(entry["tolerance"]),
        n_wrong=entry["n_wrong"],
        n_total=entry["n_total"],
        pattern=entry["pattern"],
    )


def _read_problem(entry: Mapping[str, Any]) -> Problem:
    return Problem(
        entry["topic"], entry["file"], entry["message"], entry["line"], entry["column"],
        entry["text"], early=entry["early"],
    )  # fmt: skip


def _read_number(value: Any) -> Any:
    """A number from JSON: the inverse of `_number`, up to integers that it rounded."""
    if isinstance(value, str):
        if value not in ("nan", "inf", "-inf"):
            raise ValueError(f"{value!r} is not a number")
        return float(value)
    if isinstance(value, dict):
        return complex(_read_number(value["re"]), _read_number(value["im"]))
    if not isinstance(value, (bool, int, float)):
        raise TypeError(f"{value!r} is not a number")
    return value
