"""A report for a program: one versioned JSON document for any number of submissions.

The document is described by `report.schema.json` beside this module (JSON Schema 2020-12), and
`schema` reads it. What JSON cannot say is said in its own way: a number that is not finite is the
string ``"nan"``, ``"inf"`` or ``"-inf"``, and a complex one is ``{"re": …, "im": …}``. Hints are
left out: a report must not give away more than was asked for.
"""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import TYPE_CHECKING, Any

from grader.model import WITHHELD, Status
from grader.report.grouping import by_topic

if TYPE_CHECKING:
    from collections.abc import Sequence

    from grader.model import (
        CapstoneScore,
        Evidence,
        Failure,
        Mismatch,
        Outcome,
        Problem,
        Report,
        Score,
    )
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


def dumps(reports: Sequence[Report]) -> str:
    """The document as text: strict JSON in ASCII, whatever a submission put into its strings."""
    return json.dumps(report_document(reports), indent=2, allow_nan=False) + "\n"


def report_document(reports: Sequence[Report]) -> dict[str, Any]:
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
        "n_passed": score.n_passed,
        "n_checks": len(score.outcomes),
        "checks": [_outcome(outcome) for outcome in score.outcomes],
    }


def _outcome(outcome: Outcome) -> dict[str, Any]:
    return {
        "check": _text(outcome.check),
        "test": _text(outcome.test),
        "status": outcome.status.value,
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
