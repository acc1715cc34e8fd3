"""Which submissions of a class are alike in what the class as a whole is not.

The rule. Of each topic's file, the fragments (`grader.classroom.fragments`) that stand in its stub are left out. Every
other has a weight: 1 where it stands in no more than two submissions, less the more of them hold it, nothing where more
than `COMMON` of the class do,

    w = log((n + 1) / m) / log((n + 1) / 2)    for m of n submissions,

and `KNOWN` times that where it stands in the solutions, the alternatives or the mistakes of the course, as people
come upon these by themselves. The score of two submissions on a topic is

    Σ w of what they share / (the smaller of the two Σ w of all that they wrote + `GRACE`),

so that a few short functions that leave no choice never make a high score; that of a pair is its highest on a topic.

Weights by how many documents hold a term go back to Spärck Jones (1972), "A statistical interpretation of term
specificity and its application in retrieval", J. Documentation 28(1). The index is a sparse matrix of submissions by
fragments, and its product with itself all pairs at once.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import sparse  # type: ignore[import-untyped]  # it has no types

from grader.classroom.fragments import Part, parts
from grader.pieces import lines_of

COMMON = 0.25
"""A fragment that more than this share of a class holds says nothing about two of them; three always may."""
KNOWN = 0.25
"""What remains of the weight of a fragment that stands in the course itself."""
GRACE = 40.0
"""Weight that is added below the line: that of two functions of some lines, in full."""
MOST = 1000
"""Pairs that are told of, out of 124,750 in a class of 500."""
REFERENCE_LEAST = 30
"""Fragments that a function needs to be told of as the solution's own: about five lines."""
REFERENCE_SHARE = 0.1
"""A function written as in the solution by more than this share of the class, and more than two, is not told of."""


_NONE: NDArray[np.uint64] = np.zeros(0, np.uint64)


@dataclass(frozen=True, slots=True)
class Known:
    """What a course has of a topic itself.

    Attributes
    ----------
    stub, solution : texts of files.
    others : the alternatives and the mistakes.
    """

    stub: str
    solution: str
    others: Sequence[str] = ()


@dataclass(frozen=True, slots=True)
class Pair:
    """Two submissions, their score, and that of each topic that both have, the highest first."""

    a: str
    b: str
    score: float
    topics: tuple[tuple[str, float], ...]
    identical: bool = False


@dataclass(frozen=True, slots=True)
class Reference:
    """Functions of a submission that are the solution's own but for names, comments and layout."""

    student: str
    functions: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Findings:
    """What was found.

    Attributes
    ----------
    students : who was compared.
    pairs : the most alike first, `MOST` of them at most, all with a score above 0.
    scores : of every pair, those with 0 among them, in no order.
    references : the most functions first.
    unread : files that are not Python and were not compared, by student.
    """

    students: tuple[str, ...]
    pairs: tuple[Pair, ...]
    scores: NDArray[np.float64]
    references: tuple[Reference, ...]
    unread: Mapping[str, tuple[str, ...]]


@dataclass(frozen=True, slots=True)
class Line:
    """A line of a submission; `shared` is whether a fragment that counts lies on it and stands in the other's file."""

    number: int
    text: str
    shared: bool


@dataclass(frozen=True, slots=True)
class Excerpt:
    """A function of a submission, or what else stands at the top of a file, without docstring.

    Attributes
    ----------
    share : of the weight of its fragments, how much stands in the other's file too.
    weight : of those that do.
    """

    name: str
    lines: tuple[Line, ...]
    share: float
    weight: float


class Collection:
    """Submissions to be compared, taken in one by one.

    Parameters
    ----------
    known : what the course has itself, by topic; its keys are the topics that are compared.
    """

    def __init__(self, known: Mapping[str, Known]) -> None:
        self.known = known
        self._texts: dict[str, dict[str, str]] = {}
        self._parts: dict[str, dict[str, list[Part]]] = {topic: {} for topic in known}
        self._unread: dict[str, tuple[str, ...]] = {}
        self._background = {topic: _Background(each) for topic, each in known.items()}
        self._weights: dict[str, tuple[NDArray[np.uint64], NDArray[np.float64]]] = {}

    def add(self, student: str, sources: Mapping[str, str]) -> None:
        """Take in a submission: its files' texts by topic."""
        unread = []
        for topic, text in sources.items():
            if topic not in self.known:
                continue
            found = parts(text)
            if found is None:
                unread.append(topic)
                continue
            self._parts[topic][student] = found
        self._texts[student] = dict(sources)
        if unread:
            self._unread[student] = tuple(unread)

    def compare(self, on_topic: Callable[[str], None] = lambda topic: None) -> Findings:
        """Compare all with all, and with the solutions."""
        students = tuple(sorted(self._texts))
        n = len(students)
        best = np.zeros((n, n))
        tables: dict[str, NDArray[np.float64]] = {}
        for topic in self.known:
            tables[topic] = self._scores(topic, students)
            best = np.maximum(best, tables[topic])
            on_topic(topic)
        rows, columns = np.triu_indices(n, 1)
        scores = best[rows, columns]
        order = np.lexsort((columns, rows, -scores))
        pairs = []
        for k in order[scores[order] > 0][:MOST]:
            i, j = int(rows[k]), int(columns[k])
            by_topic = [(topic, float(table[i, j])) for topic, table in tables.items()]
            told = sorted((each for each in by_topic if each[1] > 0), key=lambda each: -each[1])
            a, b = students[i], students[j]
            same = self._texts[a] == self._texts[b]
            pairs.append(Pair(a, b, float(scores[k]), tuple(told), same))
        return Findings(students, tuple(pairs), scores, self._references(students), self._unread)

    def excerpts(self, student: str, other: str, topic: str) -> list[Excerpt]:
        """The functions of a submission's file, with what each shares with another's file; after `compare`."""
        keys, weights = self._weights[topic]
        theirs = np.unique(_all_of(self._parts[topic].get(other, [])))
        text = [line.rstrip("\r\n") for line in lines_of(self._texts[student].get(topic, ""))]
        found = []
        for part in self._parts[topic].get(student, []):
            value = _looked_up(part.fragments, keys, weights)
            shared = (value > 0) & np.isin(part.fragments, theirs)
            spans = set(zip(part.starts[shared].tolist(), part.ends[shared].tolist(), strict=True))
            marked = {number for start, end in spans for number in range(start, end + 1)}
            lines = tuple(
                Line(number, text[number - 1], number in marked)
                for number in range(part.first, min(part.last, len(text)) + 1)
                if number not in part.told
            )
            total, weight = float(value.sum()), float(value[shared].sum())
            found.append(Excerpt(part.name, lines, weight / total if total else 0.0, weight))
        return found

    def _scores(self, topic: str, students: Sequence[str]) -> NDArray[np.float64]:
        """The scores of one topic, a row and a column for each student."""
        background = self._background[topic]
        own = [np.unique(_all_of(self._parts[topic].get(each, []))) for each in students]
        own = [each[~np.isin(each, background.stub)] for each in own]
        keys, columns = np.unique(np.concatenate([_NONE, *own]), return_inverse=True)
        n = sum(len(each) > 0 for each in own)
        holders = np.bincount(columns, minlength=len(keys)).astype(float)
        weights = _rarity(holders, n)
        weights[np.isin(keys, background.known)] *= KNOWN
        self._weights[topic] = (keys, weights)
        rows = np.repeat(np.arange(len(students)), [len(each) for each in own])
        kept = weights[columns] > 0
        shape = (len(students), max(len(keys), 1))
        root = np.sqrt(weights[columns[kept]])
        matrix = sparse.csr_array((root, (rows[kept], columns[kept])), shape=shape)
        shared = (matrix @ matrix.T).toarray()
        total = shared.diagonal().copy()
        smaller = np.minimum(total[:, None], total[None, :])
        scores: NDArray[np.float64] = np.minimum(shared, smaller) / (smaller + GRACE)
        np.fill_diagonal(scores, 0.0)
        return scores

    def _references(self, students: Sequence[str]) -> tuple[Reference, ...]:
        """Whose functions are the solution's own, where few write them so."""
        found: dict[str, list[str]] = {}
        for topic, background in self._background.items():
            for name, wanted in background.functions.items():
                same = [
                    student
                    for student in students
                    for part in self._parts[topic].get(student, [])
                    if part.name == name and np.array_equal(part.fragments, wanted)
                ]
                if len(same) <= max(2, REFERENCE_SHARE * len(students)):
                    for student in same:
                        found.setdefault(student, []).append(name)
        told = [Reference(student, tuple(names)) for student, names in found.items()]
        return tuple(sorted(told, key=lambda each: (-len(each.functions), each.student)))


class _Background:
    """The fragments of a course's own files of one topic."""

    def __init__(self, known: Known) -> None:
        self.stub = np.unique(_all_of(parts(known.stub) or []))
        solution = parts(known.solution) or []
        others = [part for text in known.others for part in parts(text) or []]
        self.known = np.unique(_all_of([*solution, *others]))
        provided = {part.name: part.fragments for part in parts(known.stub) or []}
        self.functions = {
            part.name: part.fragments
            for part in solution
            if part.name
            and len(part.fragments) >= REFERENCE_LEAST
            and not np.array_equal(part.fragments, provided.get(part.name, _NONE))
        }


def _rarity(holders: NDArray[np.float64], n: int) -> NDArray[np.float64]:
    """The weight of fragments by how many of `n` submissions hold each."""
    if n < 2:
        return np.zeros_like(holders)
    weights = np.log((n + 1) / np.maximum(holders, 1)) / np.log((n + 1) / 2)
    weights[holders > max(3.0, COMMON * n)] = 0.0
    clipped: NDArray[np.float64] = np.clip(weights, 0.0, 1.0)
    return clipped


def _all_of(found: Sequence[Part]) -> NDArray[np.uint64]:
    return np.concatenate([_NONE, *(part.fragments for part in found)])


def _looked_up(
    wanted: NDArray[np.uint64], keys: NDArray[np.uint64], values: NDArray[np.float64]
) -> NDArray[np.float64]:
    """The value of each of `wanted`; 0 for what is not among the sorted `keys`."""
    if not len(keys):
        return np.zeros(len(wanted))
    at = np.minimum(np.searchsorted(keys, wanted), len(keys) - 1)
    found: NDArray[np.float64] = np.where(keys[at] == wanted, values[at], 0.0)
    return found
