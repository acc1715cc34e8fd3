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

from grader.classroom.model import Class
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


class _Gathered:
    """What is kept of the reports of a class, which are read one by one: a large class need not fit into memory."""

    def __init__(self) -> None:
        self.students: list[str] = []
        self.earned: list[float] = []
        self.points = 0.0
        self.topics: dict[str, str] = {}
        self.scores: dict[str, dict[int, tuple[Status, float]]] = {}
        self.met: dict[tuple[str, str], tuple[str, dict[str, None]]] = {}
        self.seconds: dict[tuple[str, str], list[float]] = {}
        self.titles: dict[str, str] = {}
        self.capstones: dict[str, Counter[Status]] = {}

    def add(self, student: str, report: Report) -> None:
        row = len(self.students)
        self.students.append(student)
        self.earned.append(report.earned)
        self.points = max(self.points, report.points)
        for score in report.scores:
            name = score.exercise.name
            self.topics.setdefault(name, score.exercise.topic)
            self.scores.setdefault(name, {})[row] = (score.status, score.earned)
            for outcome in score.outcomes:
                if outcome.seconds > 0:
                    key = (name, outcome.check)
                    self.seconds.setdefault(key, []).append(outcome.seconds)
                cause = outcome.failure.cause if outcome.failure is not None else None
                if cause is not None and cause.kind == "mistake":
                    found = self.met.setdefault((name, cause.name), (cause.sentence, {}))
                    found[1][student] = None
        for capstone in report.capstones:
            topic = capstone.capstone.topic
            self.titles.setdefault(topic, capstone.capstone.title)
            self.capstones.setdefault(topic, Counter())[capstone.status] += 1


def overview(room: Class) -> Overview:
    """The class in numbers."""
    gathered = _Gathered()
    present, withheld, unreadable = set(), [], []
    for result in room.results:
        present.add(result.student)
        if result.report is None:
            unreadable.append((result.student, result.fault))
        elif result.withheld:
            withheld.append(result.student)
        else:
            gathered.add(result.student, result.report)
    points = room.points or gathered.points
    earned = np.array(gathered.earned)
    percents = tuple(100.0 * float(each) / points if points else 0.0 for each in earned)
    return Overview(
        n=len(earned),
        points=points,
        totals=_totals(earned),
        percents=percents,
        items=_items(gathered, earned),
        misconceptions=_misconceptions(gathered),
        slowest=_slowest(gathered),
        capstones=tuple(
            Capped(topic, title, gathered.capstones[topic])
            for topic, title in gathered.titles.items()
        ),
        absent=tuple(id for id in room.roster if id not in present),
        withheld=tuple(withheld),
        unreadable=tuple(unreadable),
        sections=_sections(room, gathered.students, percents),
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


def _items(gathered: _Gathered, earned: Array) -> tuple[Item, ...]:
    items = []
    for name, scores in gathered.scores.items():
        rows = [row for row, (status, _) in scores.items() if status not in OURS]
        passed = np.array([scores[row][0] is Status.PASSED for row in rows], float)
        rest = earned[rows] - np.array([scores[row][1] for row in rows])
        items.append(
            Item(
                name,
                gathered.topics[name],
                Counter(status for status, _ in scores.values()),
                len(rows),
                float(np.mean(passed)) if rows else 0.0,
                correlation(passed, rest),
                difference(passed, earned[rows]),
            )
        )
    order = {name: number for number, name in enumerate(gathered.scores)}
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


def _misconceptions(gathered: _Gathered) -> tuple[Misconception, ...]:
    found = [
        Misconception(name, exercise, sentence, tuple(sorted(students)))
        for (exercise, name), (sentence, students) in gathered.met.items()
    ]
    return tuple(sorted(found, key=lambda each: (-len(each.students), each.exercise, each.name)))


def _slowest(gathered: _Gathered) -> tuple[Slow, ...]:
    found = [
        Slow(name, check, len(each), float(np.median(each)), float(np.quantile(each, QUANTILE)))
        for (name, check), each in gathered.seconds.items()
    ]
    found.sort(key=lambda each: (-each.high, each.exercise, each.check))
    return tuple(found[:SLOWEST])


def _sections(
    room: Class, students: Sequence[str], percents: Sequence[float]
) -> dict[str, tuple[float, ...]]:
    found: dict[str, list[float]] = {}
    for id, percent in zip(students, percents, strict=True):
        student = room.roster.get(id)
        if student is not None and student.section:
            found.setdefault(student.section, []).append(percent)
    return {name: tuple(found[name]) for name in sorted(found)}
