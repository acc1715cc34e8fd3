"""The process in which notebooks of a class are graded: the one workflow, warm, asked line by line.

It is none of nbgrader's and none of a kernel's: pytest has it to itself, and nothing that a student wrote runs in it.
"""

from __future__ import annotations

import gc
import json
import sys
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from grader.catalog import load_course
from grader.content import locate
from grader.disclosure import FAILS, StudentReport, for_instructor, for_student
from grader.kernel.service import Requests, Tell, answer, printed, refusal, serve
from grader.model import Course, Disclosure, Report, Score, Status
from grader.nbgrader_course.verdicts import FOR_A_PERSON, CellVerdict, Verdict
from grader.notebooks.cells import Place
from grader.report.json import report_document
from grader.sandbox import jail
from grader.sandbox.zygote import Zygote
from grader.submission import Source, Submission

if TYPE_CHECKING:
    from grader.grading import Grader

CEILING = Disclosure.NAMES
"""The most that feedback tells of a check: its name, and the known mistake; no inputs of hidden tests."""
MAX_COMMENT = 600
"""Characters of a comment in the gradebook."""


class GradingService:
    """Grades the Python of notebooks.

    Parameters
    ----------
    course : the folder of the course; empty for the one that is installed.
    timeout : seconds for one call, and for importing the code.

    Raises
    ------
    GradsmithError : the course cannot be read.
    """

    def __init__(self, course: str, timeout: float) -> None:
        self.content = locate(Path(course) if course else None)
        self.timeout = timeout
        self.limits = jail.Limits()
        self.zygote = Zygote(jail.likeliest(), self.limits)
        try:
            self.course: Course = load_course(self.content)
        except BaseException:
            self.zygote.close()
            raise
        self._grader: Grader | None = None

    def names(self) -> dict[str, Any]:
        """The course's topics and exercises."""
        return {"topics": {t.slug: [e.name for e in t.exercises] for t in self.course.topics}}

    def warm(self) -> Grader:
        """The grader, which stays."""
        if self._grader is None:
            from grader.grading import Grader

            self._grader = Grader(
                self.content, self.course, timeout=self.timeout, limits=self.limits, zygote=self.zygote
            )  # fmt: skip
        return self._grader

    def close(self) -> None:
        """End the workers."""
        if self._grader is not None:
            self._grader.close()
        self.zygote.close()

    def grade(
        self,
        topic: str,
        text: str,
        cells: Sequence[tuple[str, int]],
        seed: int = 0,
        exercises: Sequence[str] | None = None,
    ) -> dict[str, Any]:
        """Grade the Python of a notebook; a verdict as data."""
        submission = _submission(topic, text, cells)
        return self._told(self.warm().grade(submission, exercises=exercises, seed=seed))

    def follow(self, requests: Requests, tell: Tell) -> None:
        """Answer requests; notebooks of one topic that come one after another share what is collected of its suite."""
        request = next(requests, None)
        while request is not None:
            if _of_whole_topic(request):
                request = self._grade_in_turn(request, requests, tell)
            else:
                tell(answer(self, request))
                request = next(requests, None)

    def _grade_in_turn(
        self, request: dict[str, Any] | None, requests: Requests, tell: Tell
    ) -> dict[str, Any] | None:
        """Grade notebooks of the topic of the first request; the first request that is another, or None."""
        from grader.turns import grade_in_turn  # not before it is needed: it takes NumPy and pytest

        assert request is not None
        topic: str = request["topic"]
        answered = False

        def reply(told: dict[str, Any]) -> None:
            nonlocal answered
            answered = True
            tell(told)

        def submissions() -> Iterator[tuple[None, Submission, int]]:
            nonlocal request, answered
            while request is not None and _of_whole_topic(request) and request["topic"] == topic:
                answered = False
                try:
                    asked = _submission(topic, request["text"], request["cells"])
                except Exception as error:  # whatever is wrong with what was asked
                    reply(refusal(error))
                else:
                    yield None, asked, request.get("seed", 0)
                request = next(requests, None)

        def graded(_: None, report: Report) -> None:
            try:
                told = self._told(report)
            except Exception as error:
                told = refusal(error)
            reply(told)

        def failed(_: None, error: Exception) -> None:
            reply(refusal(error))

        try:
            grade_in_turn(self.warm(), submissions(), graded, failed, topics=[topic])
        except BrokenPipeError:  # nobody listens any more
            raise
        except Exception as error:  # nothing can be graded: no such topic, say
            if not answered:
                reply(refusal(error))
            request = next(requests, None)
        return request

    def _told(self, report: Report) -> dict[str, Any]:
        """A report as a verdict, as data."""
        gc.freeze()  # what is loaded stays
        verdict = verdict_of(for_student(report, CEILING))
        whole = json.dumps(report_document([for_instructor(report)]), allow_nan=False)
        return replace(
            verdict, isolation=report.isolation, seconds=report.seconds, report=whole
        ).as_data()


def _of_whole_topic(request: dict[str, Any]) -> bool:
    """Whether a request asks for a notebook to be graded, all of it."""
    return request.get("do") == "grade" and request.get("exercises") is None


def _submission(topic: str, text: str, cells: Sequence[tuple[str, int]]) -> Submission:
    """The Python of a notebook, with where its cells begin."""
    file = f"{topic}.ipynb"
    source = Source(topic, file, text, tuple(Place(*place) for place in cells))
    return Submission(file, {topic: source}, (topic,))


def verdict_of(report: StudentReport) -> Verdict:
    """What a report of one topic says of each of its cells."""
    cells = tuple(_cell(report, score) for score in report.scores)
    topic = report.topics[0].slug if report.topics else ""
    return Verdict(topic, cells, report.notes, report.isolation, report.seconds)


def _cell(report: StudentReport, score: Score) -> CellVerdict:
    from grader.report.cell import exercise_html
    from grader.report.terminal import render_exercise

    one = replace(report, scores=(score,), capstones=(), notes=())
    text = printed(lambda console: console.print(render_exercise(one)))
    return CellVerdict(
        score.exercise.name, score.status, float(score.earned), float(score.exercise.points),
        _comment(score), text.strip("\n"), exercise_html(one, score),
    )  # fmt: skip


def _comment(score: Score) -> str:
    """What the gradebook says of a function, in a sentence or two."""
    n = len(score.outcomes)
    match score.status:
        case Status.PASSED:
            return f"passed: all {n} checks"
        case Status.MISSING:
            return "missing: still a stub, or not defined"
        case _ if score.status in FOR_A_PERSON:
            words = f"{score.status.value}: no score is given; a person has to look at it"
        case _:
            words = f"{score.status.value}: {score.n_passed} of {n} checks passed"
    found = [o.failure for o in score.outcomes if o.failure is not None]
    cause = next((f.cause.sentence for f in found if f.cause is not None), "")
    why = score.reason or (f"this is what you get when {cause}" if cause else "")
    why = why or next((f.headline for f in found if f.headline != FAILS), "")
    if not why and found:  # names are all that may be told
        failing = [o.check for o in score.outcomes if o.failure is not None]
        why = f"these do not: {', '.join(failing)}"
    return f"{words}. {why}"[:MAX_COMMENT].strip(" .") if why else words


def main(options: str) -> None:
    """Answer requests until there are no more; `options` is JSON: the course's folder and the deadline."""
    found = json.loads(options)
    serve(lambda: GradingService(found["course"], found["timeout"]), GradingService.follow)


if __name__ == "__main__":
    main(sys.argv[1])
