"""A kept submission is graded again with its seed, and compared with what came of it the first time."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from grader.classroom.ledger import Kept, kept
from grader.classroom.stored import unpacked
from grader.classroom.unit import Bench, Settings, Task
from grader.errors import GradsmithError

MOST = 20
"""Differences that are told."""


@dataclass(frozen=True, slots=True)
class Replay:
    """What came of grading a submission again.

    Attributes
    ----------
    differences : between the reports, one sentence each; none where they are the same.
    asides : what else is not as it was: versions, suites.
    score : of the new report, in words.
    """

    student: str
    seed: int
    graded_at: str
    score: str
    differences: tuple[str, ...]
    asides: tuple[str, ...]


def replays(folder: Path, students: Iterable[str], course: str | None = None) -> Iterator[Replay]:
    """Grade kept submissions again; one after another, each told as soon as it is done.

    Parameters
    ----------
    course : the folder of the course, where it is not where it was; empty for the installed one.

    Raises
    ------
    GradsmithError : there is no such student, no report of theirs, or no course any more.
    """
    bench: Bench | None = None
    try:
        for student in students:
            one = kept(folder, student)
            if not one.report or not one.text:
                raise GradsmithError(f"{folder}: {student} has no report: {one.fault}")
            settings = one.settings if course is None else replace(one.settings, course=course)
            if bench is None or bench.settings != settings:
                bench = _changed(bench, settings)
            yield _replay(bench, one)
    finally:
        if bench is not None:
            bench.close()


def _changed(bench: Bench | None, settings: Settings) -> Bench:
    if bench is not None:
        bench.close()
    return Bench(settings)


def _replay(bench: Bench, one: Kept) -> Replay:
    made = bench.grade(Task(one.student, one.text, one.key.seed))
    if made.fault:
        raise GradsmithError(f"{one.student} could not be graded, by a fault of ours: {made.fault}")
    before, now = json.loads(one.report), json.loads(unpacked(made.report))
    asides = []
    if bench.footing.suite != one.key.suite:
        asides.append("suites, settings or versions have changed since it was graded")
    asides += _differences(_versions(before), _versions(now), "")
    for document in (before, now):
        document["grader"] = None
        document["submissions"][0]["environment"] = {}
        document["submissions"][0]["isolation"] = ""
    differences = [*_told(before["submissions"][0], now["submissions"][0])]
    if not differences and before != now:
        differences.append("the document is written in another way")
    return Replay(
        one.student,
        one.key.seed,
        one.graded_at,
        f"{made.earned:g} of {made.points:g} points",
        tuple(differences[:MOST]),
        tuple(asides),
    )


def _versions(document: dict[str, Any]) -> dict[str, Any]:
    submission = document["submissions"][0]
    return {
        "gradsmith": document["grader"],
        "isolation": submission["isolation"],
        **submission["environment"],
    }


def _told(before: dict[str, Any], now: dict[str, Any]) -> Iterator[str]:
    """How two reports differ: what is not of one exercise first, then by exercise."""
    plain = {"topics", "statuses", "percent"}
    yield from _differences(
        {key: value for key, value in before.items() if key not in plain},
        {key: value for key, value in now.items() if key not in plain},
        "",
    )
    old, new = _exercises(before), _exercises(now)
    for name in [*old, *(name for name in new if name not in old)]:
        if name not in old or name not in new:
            yield f"{name}: {'is new' if name not in old else 'is no longer graded'}"
            continue
        checks, checks_now = old[name].pop("checks"), new[name].pop("checks")
        yield from _differences(old[name], new[name], f"{name}: ")
        by_check = {check["test"]: check for check in checks_now}
        for check in checks:
            other = by_check.pop(check["test"], None)
            if other is None:
                yield f"{name}: the check {check['check']} is gone"
            elif other != check:
                yield from _differences(check, other, f"{name}, {check['check']}: ")
        for check in by_check.values():
            yield f"{name}: the check {check['check']} is new"


def _exercises(submission: dict[str, Any]) -> dict[str, dict[str, Any]]:
    found = {}
    for topic in submission["topics"]:
        for exercise in topic["exercises"]:
            found[f"{exercise['exercise']}"] = exercise
        if topic["capstone"] is not None:
            found[f"capstone of {topic['topic']}"] = topic["capstone"]
    return found


def _differences(before: dict[str, Any], now: dict[str, Any], where: str) -> Iterator[str]:
    for key in [*before, *(key for key in now if key not in before)]:
        old, new = before.get(key), now.get(key)
        if old == new:
            continue
        if isinstance(old, dict) and isinstance(new, dict):
            yield from _differences(old, new, f"{where}{key} ")
        else:
            yield f"{where}{key} was {_short(old)}, is {_short(new)}"


def _short(value: Any) -> str:
    text = json.dumps(value, ensure_ascii=False)
    return text if len(text) <= 100 else f"{text[:99]}…"
