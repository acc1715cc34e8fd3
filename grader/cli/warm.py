"""Starting the sandbox from the command line: the worker first, which loads NumPy while we load the rest."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from grader.catalog import load_course
from grader.content import Content
from grader.model import Course, Report
from grader.sandbox import jail
from grader.sandbox.zygote import Zygote

if TYPE_CHECKING:
    from grader.model import Outcome
    from grader.sandbox.proxy import RemoteTopic
    from grader.submission import Submission


class Warm:
    """A course, and a worker process on its way."""

    def __init__(
        self, content: Content, course: Course, zygote: Zygote, limits: jail.Limits
    ) -> None:
        self.content = content
        self.course = course
        self.zygote = zygote
        self.limits = limits

    def grade(
        self,
        paths: Sequence[Path],
        *,
        exercises: Sequence[str] | None,
        seed: int,
        timeout: float,
        isolation: str | None = None,
    ) -> list[Report]:
        """Grade submissions, with progress on standard error.

        Parameters
        ----------
        isolation : the level that is required.

        Raises
        ------
        IsolationError : submissions would be held less strongly than that.
        UnreadableSubmissionError : a path is not a submission; none is graded then.
        """
        from grader.submission import read_submission

        submissions = [read_submission(path, self.course) for path in paths]
        return self.judge(
            submissions, exercises=exercises, seed=seed, timeout=timeout, isolation=isolation
        )

    def judge(
        self,
        submissions: Sequence[Submission],
        *,
        exercises: Sequence[str] | None,
        seed: int,
        timeout: float,
        isolation: str | None = None,
    ) -> list[Report]:
        """Grade submissions that have been read, with progress on standard error."""
        from grader.cli.options import console
        from grader.grading import Grader
        from grader.report.progress import Progress

        n_exercises = sum(
            exercises is None or exercise.name in exercises
            for submission in submissions
            for slug in submission.topics
            for exercise in self.course.topic(slug).exercises
        )
        seen: set[tuple[int, str]] = set()
        grader = Grader(
            self.content, self.course, timeout=timeout, limits=self.limits, zygote=self.zygote
        )
        reports: list[Report] = []
        with grader, Progress(console(stderr=True), n_exercises) as progress:
            if isolation is not None:
                grader.require(isolation)
            for number, submission in enumerate(submissions):

                def advance(outcome: Outcome, number: int = number) -> None:
                    if (number, outcome.exercise) not in seen:
                        seen.add((number, outcome.exercise))
                        progress.advance(outcome.exercise)

                reports.append(
                    grader.grade(submission, exercises=exercises, seed=seed, on_outcome=advance)
                )
        return reports

    @contextmanager
    def functions(self, path: Path, slug: str) -> Iterator[RemoteTopic]:
        """The functions of one topic of a submission, behind their proxy; they end with the block.

        Raises
        ------
        UnreadableSubmissionError : the path is not a submission.
        """
        from grader.submission import read_submission

        submission = read_submission(path, self.course)
        from grader.grading import Grader

        with Grader(self.content, self.course, limits=self.limits, zygote=self.zygote) as grader:
            proxy = grader.open(submission, self.course.topic(slug))
            proxy.prepare()
            try:
                yield proxy
            finally:
                proxy.close()


@contextmanager
def starting(content: Content) -> Iterator[Warm]:
    """Start a worker and load the course; the worker ends with the block."""
    limits = jail.Limits()
    zygote = Zygote(jail.likeliest(), limits)
    try:
        course = load_course(content)
        behind = jail.LEVELS[jail.LEVELS.index(zygote.level) + 1 :]
        if (
            zygote.over() and behind
        ):  # what should hold it has refused: the next level starts meanwhile
            zygote.close()
            zygote = Zygote(jail.likeliest(behind), limits)
        yield Warm(content, course, zygote, limits)
    finally:
        zygote.close()
