"""What a class got, in numbers.

Counted are students whose submission could be read and whose score is not withheld: `Overview.n`. Every share is a
share of these.

Discrimination of a function, with p the share that passed it, M₁ and M₀ the mean of the *other* points of those who
passed and did not, and s their standard deviation over all (divided by n, not n − 1):

    r = (M₁ − M₀) / s · √(p (1 − p))          point-biserial correlation, Lord and Novick (1968), sec. 15.5
    D = p among the best 27 % − p among the worst 27 %                      Kelley (1939)

References
----------
Lord, Novick (1968), "Statistical theories of mental test scores", Addison-Wesley.
Kelley (1939), "The selection of upper and lower groups for the validation of test items", J. Educational Psychology
30(1), 17-24.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from grader.classroom.model import Class, Result
from grader.model import Report, Status

LEAST = 20
"""Students below which no discrimination is given: at 20, the standard error of a correlation is 0.23 already."""
TAIL = 0.27
"""The share in each of the two groups: Kelley's, the best for normal scores."""
QUANTILE = 0.9
SLOWEST = 12
"""Checks that are told of."""
OURS = (Status.UNRESOLVED, Status.GRADER_ERROR)
"""Statuses that say nothing about the student's work."""

Array = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Totals:
    """Points of those who are counted: their mean, median, standard deviation (n − 1), quartiles and ends."""

    n: int
    mean: float
    median: float
    deviation: float
    lower: float
    upper: float
    least: float
    most: float


@dataclass(frozen=True, slots=True)
class Item:
    """One function.

    Attributes
    ----------
    counts : how many have each status.
    asked : how many were graded on it, without those whose check could not decide; `passed` is the share of these.
    correlation, difference : r and D; None where there are too few students, or all or none passed.
    """

    name: str
    topic: str
    counts: Mapping[Status, int]
    asked: int
    passed: float
    correlation: float | None
    difference: float | None


@dataclass(frozen=True, slots=True)
class Misconception:
    """A mistake of the bank, and who met it, in whatever check."""

    name: str
    exercise: str
    sentence: str
    students: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Slow:
    """Seconds of one check over all who ran it."""

    exercise: str
    check: str
    n: int
    median: float
    high: float


@dataclass(frozen=True, slots=True)
class Capped:
    """A topic's capstone, and how many have each status."""

    topic: str
    title: str
    counts: Mapping[Status, int]


@dataclass(frozen=True, slots=True)
class Overview:
    """A class in numbers.

    Attributes
    ----------
    n : students who are counted.
    percents : of the points, one for each of these, in the order of ids.
    items : those that the fewest passed first.
    misconceptions : those that the most met first.
    absent, withheld : ids; unreadable : ids with what was wrong.
    sections : by name, the percents of its students who are counted.
    """

    n: int
    points: float
    totals: Totals | None
    percents: tuple[float, ...]
    items: tuple[Item, ...]
    misconceptions: tuple[Misconception, ...]
    slowest: tuple[Slow, ...]
    capstones: tuple[Capped, ...]
    absent: tuple[str, ...]
    withheld: tuple[str, ...]
    unreadable: tuple[tuple[str, str], ...]
    sections: Mapping[str, tuple[float, ...]]


def overview(room: Class) -> Overview:
    """The class in numbers."""
    present = {result.student for result in room.results}
    counted = [(r, r.report) for r in room.results if r.report is not None and not r.withheld]
    reports = [report for _, report in counted]
    points = room.points or max((report.points for report in reports), default=0.0)
    earned = np.array([report.earned for report in reports])
    percents = tuple(100.0 * float(each) / points if points else 0.0 for each in earned)
    return Overview(
        n=len(counted),
        points=points,
        totals=_totals(earned),
        percents=percents,
        items=_items(reports, earned),
        misconceptions=_misconceptions(counted),
        slowest=_slowest(reports),
        capstones=_capstones(reports),
        absent=tuple(id for id in room.roster if id not in present),
        withheld=tuple(result.student for result in room.results if result.withheld),
        unreadable=tuple((r.student, r.fault) for r in room.results if r.report is None),
        sections=_sections(room, counted, percents),
    )


def _totals(earned: Array) -> Totals | None:
    if not len(earned):
        return None
    lower, median, upper = (float(q) for q in np.quantile(earned, [0.25, 0.5, 0.75]))
    return Totals(
        n=len(earned),
        mean=float(np.mean(earned)),
        median=median,
        deviation=float(np.std(earned, ddof=1)) if len(earned) > 1 else math.nan,
        lower=lower,
        upper=upper,
        least=float(np.min(earned)),
        most=float(np.max(earned)),
    )


def _items(reports: Sequence[Report], earned: Array) -> tuple[Item, ...]:
    names: dict[str, str] = {}
    status: dict[str, dict[int, Status]] = {}
    own: dict[str, dict[int, float]] = {}
    for row, report in enumerate(reports):
        for score in report.scores:
            name = score.exercise.name
            names.setdefault(name, score.exercise.topic)
            status.setdefault(name, {})[row] = score.status
            own.setdefault(name, {})[row] = score.earned
    items = []
    for name, topic in names.items():
        rows = [row for row, found in status[name].items() if found not in OURS]
        passed = np.array([status[name][row] is Status.PASSED for row in rows], float)
        rest = earned[rows] - np.array([own[name][row] for row in rows])
        items.append(
            Item(
                name,
                topic,
                Counter(status[name].values()),
                len(rows),
                float(np.mean(passed)) if rows else 0.0,
                correlation(passed, rest),
                difference(passed, earned[rows]),
            )
        )
    order = {name: number for number, name in enumerate(names)}
    return tuple(sorted(items, key=lambda item: (item.passed, order[item.name])))


def correlation(passed: Array, rest: Array) -> float | None:
    """r: the point-biserial correlation of passing with the other points.

    None with fewer than `LEAST` students, and where all or none passed or all have the same other points.
    """
    n, n_passed = len(passed), int(np.sum(passed))
    if n < LEAST or n_passed in (0, n):
        return None
    spread = float(np.std(rest))
    if spread <= 1e-12 * max(1.0, float(np.max(np.abs(rest)))):
        return None
    p = n_passed / n
    gap = float(np.mean(rest[passed == 1]) - np.mean(rest[passed == 0]))
    return gap / spread * math.sqrt(p * (1 - p))


def difference(passed: Array, total: Array) -> float | None:
    """D: the share that passed among the best `TAIL` by their totals, less that among the worst.

    Students who tie at the border of a group take the places that are left in equal parts, so that no order among
    them matters. None with fewer than `LEAST` students.
    """
    n = len(passed)
    if n < LEAST:
        return None
    size = math.floor(TAIL * n + 0.5)
    return _best(passed, total, size) - _best(passed, -total, size)


def _best(passed: Array, key: Array, size: int) -> float:
    """The share that passed among the `size` with the largest key."""
    border = np.sort(key)[-size]
    above, at = key > border, key == border
    part = (size - int(np.sum(above))) / int(np.sum(at))
    return float(np.sum(passed[above]) + part * np.sum(passed[at])) / size


def _misconceptions(counted: Sequence[tuple[Result, Report]]) -> tuple[Misconception, ...]:
    met: dict[tuple[str, str], tuple[str, dict[str, None]]] = {}
    for result, report in counted:
        for score in report.scores:
            for outcome in score.outcomes:
                cause = outcome.failure.cause if outcome.failure is not None else None
                if cause is not None and cause.kind == "mistake":
                    key = (score.exercise.name, cause.name)
                    met.setdefault(key, (cause.sentence, {}))[1][result.student] = None
    found = [
        Misconception(name, exercise, sentence, tuple(sorted(students)))
        for (exercise, name), (sentence, students) in met.items()
    ]
    return tuple(sorted(found, key=lambda each: (-len(each.students), each.exercise, each.name)))


def _slowest(reports: Sequence[Report]) -> tuple[Slow, ...]:
    seconds: dict[tuple[str, str], list[float]] = {}
    for report in reports:
        for score in report.scores:
            for outcome in score.outcomes:
                if outcome.seconds > 0:
                    key = (score.exercise.name, outcome.check)
                    seconds.setdefault(key, []).append(outcome.seconds)
    found = [
        Slow(name, check, len(each), float(np.median(each)), float(np.quantile(each, QUANTILE)))
        for (name, check), each in seconds.items()
    ]
    found.sort(key=lambda each: (-each.high, each.exercise, each.check))
    return tuple(found[:SLOWEST])


def _capstones(reports: Sequence[Report]) -> tuple[Capped, ...]:
    titles: dict[str, str] = {}
    counts: dict[str, Counter[Status]] = {}
    for report in reports:
        for score in report.capstones:
            titles.setdefault(score.capstone.topic, score.capstone.title)
            counts.setdefault(score.capstone.topic, Counter())[score.status] += 1
    return tuple(Capped(topic, title, counts[topic]) for topic, title in titles.items())


def _sections(
    room: Class, counted: Sequence[tuple[Result, Report]], percents: Sequence[float]
) -> dict[str, tuple[float, ...]]:
    found: dict[str, list[float]] = {}
    for (result, _), percent in zip(counted, percents, strict=True):
        student = room.roster.get(result.student)
        if student is not None and student.section:
            found.setdefault(student.section, []).append(percent)
    return {name: tuple(found[name]) for name in sorted(found)}
