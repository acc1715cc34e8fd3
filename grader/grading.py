"""The one workflow: a submission in, a report out.

A `Grader` is warm: it holds the course, a zygote with NumPy loaded and the mistake bank, and grades as many submissions
as it is given.
"""

from __future__ import annotations

import platform
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace
from types import TracebackType

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
        start = time.perf_counter()
        chosen = self._chosen(submission.topics, exercises)
        names = frozenset(e.name for topic in chosen for e in topic.exercises)
        proxies = {topic.slug: self.open(submission, topic) for topic in chosen}
        for proxy in proxies.values():
            proxy.prepare()
        needs = {t.slug: frozenset(t.capstone.needs) for t in chosen if t.capstone is not None}
        candidate = Candidate(submission.name, proxies, names, needs)
        try:
            session = self.run(
                [candidate],
                [topic.slug for topic in chosen],
                seed,
                on_outcome=None if on_outcome is None else lambda _, outcome: on_outcome(outcome),
            )
        finally:
            for proxy in proxies.values():
                proxy.close()
        calls: dict[str, frozenset[str]] = {}
        for source in submission.sources.values():
            calls |= calls_between(source.text, names)
        traces = session.traces[candidate.label]
        scores = lean(self.scores(traces, chosen), calls)
        problems = [p.problem for p in proxies.values() if p.problem is not None]
        problems += [problem for p in proxies.values() for problem in p.cell_problems]
        notes = [note for p in proxies.values() for note in p.passed_over]
        return Report(
            submission=submission.name,
            course=self.course.title,
            version=__version__,
            seed=seed,
            isolation=self.sandbox.level.name,
            timeout=self.timeout,
            topics=tuple(chosen),
            scores=tuple(scores),
            capstones=tuple(capstone_scores(traces, chosen, scores)),
            problems=tuple(problems),
            notes=(*submission.notes, *notes),
            seconds=time.perf_counter() - start,
            environment=environment(),
        )

    def grade_all(
        self,
        submissions: Iterable[tuple[Submission, int]],
        *,
        exercises: Iterable[str] | None = None,
    ) -> Iterator[Report]:
        """Grade many submissions, each with a seed of its own; reports in their order, each as soon as it is made."""
        wanted = None if exercises is None else frozenset(exercises)
        for submission, seed in submissions:
            yield self.grade(submission, exercises=wanted, seed=seed)

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
        candidates: Sequence[Candidate],
        topics: Sequence[str],
        seed: int,
        *,
        on_outcome: Callable[[Candidate, Outcome], None] | None = None,
        strict: bool = False,
    ) -> Session:
        """Run the suites of some topics against candidates."""
        return run_suites(
            {topic: self.content.suite(topic) for topic in topics},
            {t: [e.name for e in self.course.topic(t).exercises] for t in topics},
            candidates,
            seed,
            on_outcome=on_outcome,
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


def _all_of(topic: Topic, kept: Sequence[Exercise]) -> bool:
    """Whether the exercises that are graded are all that the topic's capstone calls."""
    names = {exercise.name for exercise in kept}
    return topic.capstone is not None and names.issuperset(topic.capstone.needs)


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
