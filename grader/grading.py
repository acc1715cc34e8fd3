"""The one workflow: a submission in, a report out.

A `Grader` is warm: it holds the course, a zygote with NumPy loaded and the mistake bank, and grades as many submissions
as it is given.
"""

from __future__ import annotations

import ctypes
import platform
import sys
import time
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from types import TracebackType
from typing import cast

import numpy as np
import pytest

from grader import __version__
from grader.bank import Bank
from grader.catalog import load_course
from grader.content import Content
from grader.model import CapstoneScore, Course, Exercise, Outcome, Report, Score, Topic
from grader.sandbox import jail
from grader.sandbox.proxy import DEFAULT_TIMEOUT, RemoteTopic, Sandbox
from grader.sandbox.zygote import Zygote
from grader.scoring import lean, score, score_capstone
from grader.submission import Submission, calls_between
from grader.suite import CAPSTONE, Candidate, Session, Trace, run_suites, topic_of_test

DEFAULT_SEED = 0


@dataclass(slots=True)
class _Run:
    """A submission that is being graded."""

    submission: Submission
    seed: int
    topics: Sequence[Topic]
    proxies: Mapping[str, RemoteTopic]
    start: float

    @property
    def candidate(self) -> Candidate:
        """It, as the suites are run against it."""
        names = frozenset(e.name for topic in self.topics for e in topic.exercises)
        needs = {t.slug: frozenset(t.capstone.needs) for t in self.topics if t.capstone is not None}
        return Candidate(self.submission.name, self.proxies, names, needs, seed=self.seed)

    def close(self) -> None:
        """Let go of the workers."""
        for proxy in self.proxies.values():
            proxy.close()


class Grader:
    """Grades submissions of one course.

    Parameters
    ----------
    content : where the course lies.
    course : the course, where it has been loaded before.
    timeout : seconds for one call of a submission's function, and for importing a file.
    limits : what a submission's process may use.
    zygote : a worker process that was started before.
    levels : the levels of isolation to try, strongest first; by default all.

    Raises
    ------
    ContentError : the course breaks a rule.
    SandboxError : no worker can be run here.
    """

    def __init__(
        self,
        content: Content,
        course: Course | None = None,
        *,
        timeout: float = DEFAULT_TIMEOUT,
        limits: jail.Limits | None = None,
        zygote: Zygote | None = None,
        levels: Sequence[jail.Level] | None = None,
    ) -> None:
        self.content = content
        self.course = course or load_course(content)
        self.timeout = timeout
        self.sandbox = Sandbox(limits, zygote, levels=levels)
        self.bank = Bank(content)

    def grade(
        self,
        submission: Submission,
        *,
        exercises: Iterable[str] | None = None,
        seed: int = DEFAULT_SEED,
        on_outcome: Callable[[Outcome], None] | None = None,
    ) -> Report:
        """Grade one submission.

        Parameters
        ----------
        submission : what `grader.submission.read_submission` gives.
        exercises : names to grade; by default all of the submission's topics.
        seed : all random values of the checks derive from it.
        on_outcome : called after each check.

        Returns
        -------
        Report
            With a score for each exercise asked for, in the course's order.
        """
        reports: list[Report] = []
        self.grade_all(
            [(submission, seed)],
            reports.append,
            exercises=exercises,
            topics=submission.topics,
            on_outcome=on_outcome,
        )
        return reports[0]

    def grade_all(
        self,
        submissions: Iterable[tuple[Submission, int]],
        on_report: Callable[[Report], None],
        *,
        exercises: Iterable[str] | None = None,
        topics: Collection[str] | None = None,
        on_outcome: Callable[[Outcome], None] | None = None,
    ) -> None:
        """Grade many submissions, for which the suites are collected once.

        Parameters
        ----------
        submissions : each with the seed that all random values of its checks derive from. The next is asked for when
            one has been graded.
        on_report : called with each report as soon as it is made.
        exercises : names to grade; by default all of each submission's topics.
        topics : those that submissions may be of, by default all of the course; others are not collected.
        on_outcome : called after each check.
        """
        wanted = None if exercises is None else frozenset(exercises)
        slugs = [t.slug for t in self.course.topics] if topics is None else list(topics)
        suites = self._chosen(slugs, wanted)
        run: _Run | None = None

        def candidates() -> Iterator[Candidate]:
            nonlocal run
            for submission, seed in submissions:
                chosen = self._chosen([s for s in submission.topics if s in slugs], wanted)
                proxies = {topic.slug: self.open(submission, topic) for topic in chosen}
                run = _Run(submission, seed, chosen, proxies, time.perf_counter())
                for proxy in proxies.values():
                    proxy.prepare()
                yield run.candidate

        def done(_: Candidate, traces: Sequence[Trace]) -> None:
            nonlocal run
            assert run is not None
            run.close()
            report = self._report(run, traces)
            run = None
            on_report(report)
            del report
            _give_back_memory()

        try:
            if not suites:  # pytest without files would look for some
                for candidate in candidates():
                    done(candidate, ())
                return
            self.run(
                candidates(),
                [topic.slug for topic in suites],
                DEFAULT_SEED,
                wanted=_tested(suites),
                on_outcome=None if on_outcome is None else lambda _, outcome: on_outcome(outcome),
                on_traces=done,
            )
        finally:
            if run is not None:
                run.close()

    def _report(self, run: _Run, traces: Sequence[Trace]) -> Report:
        """The report of a submission whose tests have run."""
        submission, chosen, proxies = run.submission, run.topics, run.proxies.values()
        names = frozenset(e.name for topic in chosen for e in topic.exercises)
        calls: dict[str, frozenset[str]] = {}
        for source in submission.sources.values():
            calls |= calls_between(source.text, names)
        scores = lean(self.scores(traces, chosen), calls)
        problems = [p.problem for p in proxies if p.problem is not None]
        problems += [problem for p in proxies for problem in p.cell_problems]
        notes = [note for p in proxies for note in p.passed_over]
        return Report(
            submission=submission.name,
            course=self.course.title,
            version=__version__,
            seed=run.seed,
            isolation=self.sandbox.level.name,
            timeout=self.timeout,
            topics=tuple(chosen),
            scores=tuple(scores),
            capstones=tuple(capstone_scores(traces, chosen, scores)),
            problems=tuple(problems),
            notes=(*submission.notes, *notes),
            seconds=time.perf_counter() - run.start,
            environment=environment(),
        )

    def open(self, submission: Submission, topic: Topic) -> RemoteTopic:
        """The proxy of one topic of a submission; its worker starts when it is used."""
        source = submission.sources.get(topic.slug)
        problem = next((p for p in submission.problems if p.topic == topic.slug), None)
        return RemoteTopic(
            self.sandbox,
            topic.slug,
            source.file if source is not None else f"{topic.slug}.py",
            source.text if source is not None else None,
            [e.name for e in self.course.topic(topic.slug).exercises],
            cells=source.cells if source is not None else (),
            problem=problem,
            timeout=self.timeout,
        )

    def run(
        self,
        candidates: Iterable[Candidate],
        topics: Sequence[str],
        seed: int,
        *,
        wanted: Collection[str] | None = None,
        on_outcome: Callable[[Candidate, Outcome], None] | None = None,
        on_traces: Callable[[Candidate, list[Trace]], None] | None = None,
        strict: bool = False,
    ) -> Session:
        """Run the suites of some topics against candidates, as `grader.suite.run_suites` does."""
        return run_suites(
            {topic: self.content.suite(topic) for topic in topics},
            {t: [e.name for e in self.course.topic(t).exercises] for t in topics},
            candidates,
            seed,
            wanted=wanted,
            levels={topic: self.course.topic(topic).disclosure for topic in topics},
            on_outcome=on_outcome,
            on_traces=on_traces,
            strict=strict,
        )

    def scores(self, traces: Sequence[Trace], topics: Sequence[Topic]) -> list[Score]:
        """Diagnosed scores of the exercises of some topics."""
        by_exercise: dict[str, list[Trace]] = {}
        for trace in traces:
            by_exercise.setdefault(trace.outcome.exercise, []).append(trace)
        return [
            score(exercise, self.bank.diagnose(topic.slug, by_exercise.get(exercise.name, [])))
            for topic in topics
            for exercise in topic.exercises
        ]

    def _chosen(self, topics: Sequence[str], exercises: Iterable[str] | None) -> list[Topic]:
        """The topics to grade, with only the exercises asked for."""
        wanted = None if exercises is None else set(exercises)
        chosen = []
        for topic in self.course.topics:
            if topic.slug in topics:
                kept = [e for e in topic.exercises if wanted is None or e.name in wanted]
                if kept:
                    capstone = topic.capstone if _all_of(topic, kept) else None
                    chosen.append(replace(topic, exercises=tuple(kept), capstone=capstone))
        return chosen

    def require(self, isolation: str) -> None:
        """Insist that submissions are held at a level or more strongly.

        Parameters
        ----------
        isolation : the level's name, or ``boundary``.

        Raises
        ------
        IsolationError : they are not.
        """
        jail.require(self.sandbox.level, isolation)

    def close(self) -> None:
        """End the worker processes."""
        self.sandbox.close()

    def __enter__(self) -> Grader:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()


def _malloc_trim() -> Callable[[int], int] | None:
    """The C library's way to return what was freed to the system, where it has one (glibc)."""
    if sys.platform != "linux":
        return None
    try:
        return cast("Callable[[int], int]", ctypes.CDLL(None).malloc_trim)
    except (OSError, AttributeError):
        return None


_TRIM = _malloc_trim()


def _give_back_memory() -> None:
    """Return what a submission's answers took: else a hostile one of a class costs 200 MiB until all are graded.

    50 microseconds where there is little, 30 milliseconds where there is much.
    """
    if _TRIM is not None:
        _TRIM(0)


def _all_of(topic: Topic, kept: Sequence[Exercise]) -> bool:
    """Whether the exercises that are graded are all that the topic's capstone calls."""
    names = {exercise.name for exercise in kept}
    return topic.capstone is not None and names.issuperset(topic.capstone.needs)


def _tested(topics: Sequence[Topic]) -> set[str]:
    """The names that tests of topics begin with."""
    names = {exercise.name for topic in topics for exercise in topic.exercises}
    return names | {CAPSTONE} if any(topic.capstone is not None for topic in topics) else names


def capstone_scores(
    traces: Sequence[Trace], topics: Sequence[Topic], scores: Sequence[Score]
) -> list[CapstoneScore]:
    """Scores of the topics' capstones."""
    return [
        score_capstone(
            topic.capstone,
            scores,
            [
                trace.explained()
                for trace in traces
                if trace.outcome.exercise == CAPSTONE
                and topic_of_test(trace.outcome.test) == topic.slug
            ],
        )
        for topic in topics
        if topic.capstone is not None
    ]


def environment() -> dict[str, str]:
    """Versions that a result depends on."""
    return {
        "python": platform.python_version(),
        "numpy": np.__version__,
        "pytest": pytest.__version__,
        "platform": platform.system(),
    }
