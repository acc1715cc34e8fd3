"""The mistake bank at work: which known mistake gives exactly what a submission gave.

A cause is named only where a mistake returns the same for every call that the failing test made, fails that
test at the same entry with the same value, is refuted by no other test, and where no other mistake explains
the run as well. A wrong cause is worse than none.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from grader.checks.memory import Memory, remembering
from grader.content import Content
from grader.errors import CheckFailure, CheckUnresolved, GradsmithError, Halted, SubmissionRaised
from grader.model import Cause, Failure, Outcome, Status
from grader.sandbox.local import LocalTopic, load_module
from grader.sandbox.proxy import Record
from grader.suite import Trace, alike, classify, with_cause

# The same mistake in other words rounds differently, by some tens of eps relative to the largest
# entry; a different mistake differs by far more than 1e-7 of an entry somewhere.
SAME_RTOL = 1e-7
SAME_FLOOR = 1e-13
FLOAT32_RTOL = 1e-5
PLAIN_FACTORS = frozenset(("factor:2", "factor:1/2"))
TERM_CAUSES = frozenset(("missing", "doubled", "halved", "flipped", "only", "factor"))
"""Transforms that can be told only where a check names its terms or constants."""


@dataclass(frozen=True, slots=True)
class Mistake:
    """A wrong implementation with its sentence."""

    name: str
    exercise: str
    sentence: str
    function: Callable[..., Any]

    @property
    def cause(self) -> Cause:
        return Cause("mistake", self.name, self.sentence)


REMEMBERED = 20_000
"""Answers of mistakes that a bank keeps; a topic's suite asks for some thousands at one seed."""
REMEMBERED_BYTES = 16 * 1024
"""Of the arguments of a call whose answer is kept."""


class Bank:
    """The mistakes of a course, loaded topic by topic when they are needed.

    What a mistake answers and how it fails a test does not depend on the submission, so both are remembered.
    """

    def __init__(self, content: Content) -> None:
        self._content = content
        self._topics: dict[str, dict[str, list[Mistake]]] = {}
        self._answers: dict[tuple[str, bytes], tuple[str, Any]] = {}
        self._failures: dict[tuple[str, str, int], Failure | None] = {}
        self.memory = Memory()

    def of(self, topic: str, exercise: str) -> Sequence[Mistake]:
        """The mistakes of one exercise."""
        if topic not in self._topics:
            self._topics[topic] = self._load(topic)
        return self._topics[topic].get(exercise, ())

    def _load(self, topic: str) -> dict[str, list[Mistake]]:
        path = self._content.mistakes_file(topic)
        module = load_module(path, f"_gradsmith_mistakes_{topic}")
        found: dict[str, list[Mistake]] = {}
        for name, function in variants(vars(module)).items():
            exercise = name.partition("__")[0]
            sentence = (function.__doc__ or "").strip().partition("\n")[0]
            found.setdefault(exercise, []).append(Mistake(name, exercise, sentence, function))
        return found

    def diagnose(self, topic: str, traces: Sequence[Trace]) -> list[Outcome]:
        """The outcomes of one exercise's tests, with the causes that the bank knows.

        Parameters
        ----------
        topic : the topic's slug.
        traces : all tests of one exercise of one submission.
        """
        failing = [t for t in traces if t.outcome.status is Status.FAILED and t.rerun is not None]
        if not failing:
            return [trace.outcome for trace in traces]
        exercise = failing[0].outcome.exercise
        matches = [_Match(self, mistake, traces) for mistake in self.of(topic, exercise)]
        outcomes = []
        for trace in traces:
            cause = None
            if trace.outcome.status is Status.FAILED and trace.rerun is not None:
                cause = _cause_of(trace, matches, traces)
            outcomes.append(
                trace.explained() if cause is None else with_cause(trace.outcome, cause)
            )
        return _settled(outcomes)

    def answer(self, mistake: Mistake, record: Record) -> tuple[str, Any]:
        """What a mistake gives for the arguments of a call, as in `Record.outcome`."""
        question = record.question
        if len(question) > REMEMBERED_BYTES or record.callbacks:
            return _answer(mistake, record)
        key = (mistake.name, question)
        if key not in self._answers:
            if len(self._answers) >= REMEMBERED:
                self._answers.clear()
            self._answers[key] = _answer(mistake, record)
        return self._answers[key]

    def failure(self, mistake: Mistake, trace: Trace) -> Failure | None:
        """How a mistake fails a test, or None."""
        key = (mistake.name, trace.outcome.test, trace.seed)
        if key not in self._failures:
            if len(self._failures) >= REMEMBERED:
                self._failures.clear()
            with remembering(self.memory):
                self._failures[key] = _failure(mistake, trace)
        return self._failures[key]


def _answer(mistake: Mistake, record: Record) -> tuple[str, Any]:
    try:
        args, kwargs = record.arguments()
        with warnings.catch_warnings(), np.errstate(all="ignore"):
            warnings.simplefilter("ignore")
            return "returned", mistake.function(*args, **kwargs)
    except Exception as error:
        return "raised", type(error).__name__


def _failure(mistake: Mistake, trace: Trace) -> Failure | None:
    if trace.rerun is None:
        return None
    functions = LocalTopic("", {mistake.exercise: mistake.function})
    try:
        trace.rerun(functions)
    except (CheckFailure, AssertionError, SubmissionRaised) as error:
        return classify(error)[1]
    except (Halted, CheckUnresolved, GradsmithError, AttributeError):
        return None
    return None


def variants(names: Mapping[str, Any]) -> dict[str, Callable[..., Any]]:
    """Functions named ``<exercise>__<what>`` among a module's names."""
    return {
        name: value
        for name, value in names.items()
        if "__" in name and not name.startswith("_") and callable(value)
    }


class _Match:
    """How far one mistake returns what a submission returned; found out as far as it is asked."""

    def __init__(self, bank: Bank, mistake: Mistake, traces: Sequence[Trace]) -> None:
        self.bank = bank
        self.mistake = mistake
        self._records = [record for trace in traces for record in trace.records]
        self._agrees: dict[int, bool] = {}

    def covers(self, trace: Trace) -> bool:
        """Whether it returns the same for every call of the test."""
        return bool(trace.records) and all(self._agrees_on(record) for record in trace.records)

    @property
    def count(self) -> int:
        """For how many calls of the run it returns the same."""
        return sum(self._agrees_on(record) for record in self._records)

    def stands(self, traces: Sequence[Trace]) -> bool:
        """Whether no test refutes it: none that it fails passes, or fails by other finite values."""
        return not any(_judges(trace) and self._refuted_by(trace) for trace in traces)

    def _refuted_by(self, trace: Trace) -> bool:
        if all(self._agrees_on(record) for record in trace.records):
            return False
        if trace.outcome.status is Status.PASSED:  # a test of purity, say, looks at no value
            return self.bank.failure(self.mistake, trace) is not None
        return True

    def _agrees_on(self, record: Record) -> bool:
        known = self._agrees.get(id(record))
        if known is None:
            known = self._agrees[id(record)] = self._reproduces(record)
        return known

    def _reproduces(self, record: Record) -> bool:
        kind, what = record.outcome
        if record.function != self.mistake.exercise:
            return True
        gave, value = self.bank.answer(self.mistake, record)
        if gave == "raised":
            return kind == "raised" and what == value
        return kind == "returned" and close(value, what)

    def fails_alike(self, trace: Trace) -> bool:
        """Whether it fails the test as the submission did."""
        failure = self.bank.failure(self.mistake, trace)
        theirs = trace.outcome.failure
        return failure is not None and theirs is not None and alike(failure, theirs)


def _cause_of(trace: Trace, matches: Sequence[_Match], traces: Sequence[Trace]) -> Cause | None:
    """The one mistake that explains a failing test and that no other test refutes, or None."""
    fitting = [m for m in matches if m.covers(trace) and m.stands(traces)]
    if len(fitting) > 1:
        best = max(m.count for m in fitting)
        fitting = [m for m in fitting if m.count == best]
    fitting = [m for m in fitting if m.fails_alike(trace)]
    return fitting[0].mistake.cause if len(fitting) == 1 else None


def _settled(outcomes: Sequence[Outcome]) -> list[Outcome]:
    """Outcomes without the transforms that other checks of the same value contradict.

    Two different transforms of one value in two checks cannot both be the cause, and one must hold in
    every check that can tell; a term or a named factor can be told only where it is named.
    """
    seen: dict[str, set[str | None]] = {}
    for outcome in outcomes:
        failure = outcome.failure
        if failure is not None and failure.mismatch is not None:
            cause = failure.cause
            if np.isfinite(failure.mismatch.actual) and (
                cause is None or cause.kind == "transform"
            ):
                seen.setdefault(failure.mismatch.name, set()).add(cause.name if cause else None)
    return [
        with_cause(outcome, None) if _contradicted(outcome, seen) else outcome
        for outcome in outcomes
    ]


def _contradicted(outcome: Outcome, seen: Mapping[str, set[str | None]]) -> bool:
    failure = outcome.failure
    if failure is None or failure.mismatch is None or failure.cause is None:
        return False
    name = failure.cause.name
    others = seen.get(failure.mismatch.name, set()) - {name}
    if name.partition(":")[0] in TERM_CAUSES and name not in PLAIN_FACTORS:
        others -= {None}
    return failure.cause.kind == "transform" and bool(others)


def _judges(trace: Trace) -> bool:
    """Whether a test says what the submission computes: it passed, or failed by finite values.

    One that failed by its kind, an exception or NaN may have met another mistake on top.
    """
    if trace.outcome.status is Status.PASSED:
        return True
    failure = trace.outcome.failure
    if failure is None or failure.mismatch is None:
        return False
    return bool(np.isfinite(failure.mismatch.actual))


def close(a: Any, b: Any) -> bool:
    """Whether two returned values are one answer: structure, shape, dtype, values up to rounding."""
    if isinstance(a, tuple | list) and isinstance(b, tuple | list) and _is_structure(a, b):
        return len(a) == len(b) and all(close(x, y) for x, y in zip(a, b, strict=True))
    if isinstance(a, dict) and isinstance(b, dict):
        return a.keys() == b.keys() and all(close(a[key], b[key]) for key in a)
    if a is None or b is None or isinstance(a, str | dict) or isinstance(b, str | dict):
        return type(a) is type(b) and bool(a == b)
    try:
        x, y = np.asarray(a), np.asarray(b)
    except ValueError:
        return False
    if x.shape != y.shape or x.dtype.kind not in "biufc" or y.dtype.kind not in "biufc":
        return False
    if isinstance(a, np.ndarray) and isinstance(b, np.ndarray) and x.dtype != y.dtype:
        return False
    if x.dtype.kind not in "fc" or y.dtype.kind not in "fc":
        return bool(np.array_equal(x, y))
    narrow = min(x.dtype.itemsize, y.dtype.itemsize) <= (8 if x.dtype.kind == "c" else 4)
    finite = np.isfinite(x) & np.isfinite(y)
    if not np.array_equal(x[~finite], y[~finite], equal_nan=True):
        return False
    p, q = x[finite].astype(np.complex128), y[finite].astype(np.complex128)
    scale = float(np.max(np.abs(q), initial=0.0))
    rtol, floor = (FLOAT32_RTOL, 1e-6) if narrow else (SAME_RTOL, SAME_FLOOR)
    return bool(np.all(np.abs(p - q) <= rtol * np.abs(q) + floor * scale))


def _is_structure(a: Sequence[Any], b: Sequence[Any]) -> bool:
    """Whether either is a tuple of results, not a list of numbers."""
    return any(isinstance(v, np.ndarray | tuple | list | dict) or v is None for v in (*a, *b))
