"""Results for Gradescope: its `results.json`.

The format is that of "Autograder Specifications" (https://gradescope-autograders.readthedocs.io/en/latest/specs/). A
test is an exercise. A score at the top stands over the sum of the tests', so that a scale or a penalty is seen.

Gradescope has no way to say that there is no score. Where there is none it gets zero, and a test of no points that
students see only when grades are published: as long as a test is hidden from them, so is their total.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any, Literal

from grader.classroom.exports.tables import cause_of, moment
from grader.classroom.grades import Grade, plain
from grader.disclosure import StudentReport, for_student
from grader.model import Disclosure, Score, Status

Visibility = Literal["visible", "after_due_date", "after_published", "hidden"]
VISIBILITIES: tuple[Visibility, ...] = ("visible", "after_due_date", "after_published", "hidden")
MAX_OUTPUT = 20_000
"""Characters of one test's text."""
_ILLEGAL = re.compile("[^\t\n\x20-\x7e\xa0-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
_WORDS = {
    Status.PASSED: "All checks pass.",
    Status.MISSING: "Not written yet.",
    Status.TIMEOUT: "It took too long.",
    Status.ERROR: "It could not be run.",
    Status.TAMPERED: "Withheld: a person has to look at it.",
    Status.UNRESOLVED: "The grader could not decide: not your fault.",
    Status.GRADER_ERROR: "The grader broke here: not your fault.",
}


def dumps(results: Mapping[str, Any]) -> str:
    """The document as text: strict JSON in ASCII."""
    return json.dumps(results, indent=2, allow_nan=False) + "\n"


def results(
    grade: Grade,
    *,
    visibility: Visibility = "visible",
    ceiling: Disclosure = Disclosure.NAMES,
) -> dict[str, Any]:
    """The document for one student.

    Parameters
    ----------
    visibility : when students see the exercises.
    ceiling : the most that they are told of a check.
    """
    result = grade.result
    full = result.report if result is not None else None
    report = for_student(full, ceiling) if full is not None else None
    told = report is not None and report.seed is not None
    said = [_clean(reason) for reason in grade.reasons]
    tests = [] if report is None else _tests(report)
    document: dict[str, Any] = {
        "score": float(grade.final) if grade.final is not None else 0.0,
        "output": "\n".join(said),
        "output_format": "text",
        "test_output_format": "text",
        "test_name_format": "text",
        "visibility": visibility,
        "stdout_visibility": "hidden",
        "extra_data": {
            "student": _clean(grade.student.id),
            "standing": grade.standing.value,
            "out_of": plain(grade.out_of),
            "submitted": moment(result.submitted_at) if result is not None else "",
            "seed": result.seed if result is not None and told else None,
            "digest": _clean(result.digest) if result is not None else "",
            "isolation": _clean(full.isolation) if full is not None else "",
            "grader": _clean(report.version) if report is not None else "",
        },
        "tests": tests,
    }
    if report is not None:
        document["execution_time"] = max(round(full.seconds if full is not None else 0.0), 0)
        document["output"] = "\n".join([*said, *_problems(report)])
    if grade.final is None:
        tests.insert(0, _no_total(grade))
    return document


def _no_total(grade: Grade) -> dict[str, Any]:
    return {
        "score": 0.0,
        "max_score": 0.0,
        "name": "No grade yet",
        "output": _clean("; ".join(grade.reasons)),
        "visibility": "after_published",
    }


def _tests(report: StudentReport) -> list[dict[str, Any]]:
    topics = {topic.slug: number for number, topic in enumerate(report.topics, 1)}
    counts: dict[str, int] = {}
    tests = []
    for score in report.scores:
        exercise = score.exercise
        counts[exercise.topic] = counts.get(exercise.topic, 0) + 1
        tests.append(
            {
                "score": float(score.earned),
                "max_score": float(exercise.points),
                "status": "passed" if score.status is Status.PASSED else "failed",
                "name": _clean(exercise.name),
                "number": f"{topics.get(exercise.topic, 0)}.{counts[exercise.topic]}",
                "output": _output(score),
                "tags": [_clean(exercise.topic)],
                "extra_data": {"status": score.status.value},
            }
        )
    return tests


def _output(score: Score) -> str:
    """What a student reads of an exercise: a verdict, the checks that fail, and the first cause."""
    lines = [_WORDS.get(score.status, "")] if score.status in _WORDS else []
    n_all = len(score.outcomes)
    if score.status is not Status.PASSED:
        if n_all:
            lines.append(f"{score.n_passed} of {n_all} checks pass.")
        if score.reason:
            lines.append(score.reason)
        seen = set()
        for outcome in score.outcomes:
            if outcome.failure is not None and outcome.failure.headline not in seen:
                seen.add(outcome.failure.headline)
                lines.append(f"{outcome.check}: {outcome.failure.headline}")
        cause, why = cause_of(score)
        if cause:
            lines.append(f"Why: {why}")
    return _clean("\n".join(dict.fromkeys(filter(None, lines))))


def _problems(report: StudentReport) -> list[str]:
    found = []
    for problem in report.problems:
        place = f"{problem.file}, line {problem.line}" if problem.line is not None else problem.file
        found.append(_clean(f"{place}: {problem.message}"))
    return [*found, *(_clean(note) for note in report.notes)]


def _clean(text: str) -> str:
    """Text without control characters and lone surrogates, not too long."""
    shown = _ILLEGAL.sub("\N{REPLACEMENT CHARACTER}", text.replace("\r\n", "\n"))
    return shown if len(shown) <= MAX_OUTPUT else f"{shown[:MAX_OUTPUT]}…"
