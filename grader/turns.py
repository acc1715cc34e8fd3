"""Submissions of many people graded in turn, each once, whatever becomes of the processes that grade them.

Whoever grades a class or a gradebook's notebooks grades by this: the suites are collected once, and a run that the
sandbox's own process did not survive is void and done again.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass
from typing import Generic, TypeVar

from grader.errors import SandboxError
from grader.grading import Grader
from grader.model import Report
from grader.submission import Submission

MAX_TRIES = 4
"""How often a submission is graded whose grading a process of ours does not survive; then it is our fault."""

Task = TypeVar("Task")


@dataclass(slots=True)
class _Turn(Generic[Task]):
    """What is being graded.

    Attributes
    ----------
    before : the sandbox's process when it was begun.
    """

    task: Task
    submission: Submission
    seed: int
    tries: int = 0
    before: int = 0


def grade_in_turn(
    grader: Grader,
    tasks: Iterator[tuple[Task, Submission, int]],
    graded: Callable[[Task, Report], None],
    failed: Callable[[Task, Exception], None],
    *,
    exercises: Collection[str] | None = None,
    topics: Collection[str] | None = None,
) -> None:
    """Grade submissions one after another; each comes out once, graded or failed.

    Parameters
    ----------
    tasks : whatever stands for each submission, the submission, and the seed that its inputs derive from. The next is
        asked for when the one before has come out.
    graded : called with each report. What it raises ends the run and comes out of here.
    failed : called with a submission that has none, by a fault of ours: `SandboxError` where no process of ours lived
        long enough in `MAX_TRIES` tries.
    exercises : names to grade; by default all of each submission's topics.
    topics : those that submissions may be of, by default all of the course.
    """
    sandbox = grader.sandbox
    turn: _Turn[Task] | None = None

    def submissions() -> Iterator[tuple[Submission, int]]:
        nonlocal turn
        while True:
            if turn is None:
                coming = next(tasks, None)
                if coming is None:
                    return
                turn = _Turn(*coming)
            turn.tries += 1
            turn.before = sandbox.zygote_pid
            yield turn.submission, turn.seed

    def ended() -> Task:
        """The task whose turn it was. First of all, as what comes now is no fault of a submission's."""
        nonlocal turn
        assert turn is not None
        task, turn = turn.task, None
        return task

    def done(report: Report) -> None:
        assert turn is not None
        if turn.before == sandbox.zygote_pid != 0:
            graded(ended(), report)
        else:
            void("the sandbox's process ended while it was graded")

    def void(why: str) -> None:
        assert turn is not None
        if turn.tries >= MAX_TRIES:
            failed(ended(), SandboxError(f"{why}, {MAX_TRIES} times"))

    over = False
    while not over:
        try:
            grader.grade_all(submissions(), done, exercises=exercises, topics=topics)
            over = True
        except SandboxError as error:
            if turn is None:
                raise
            void(str(error))
        except Exception as error:
            if turn is None:
                raise
            failed(ended(), error)
