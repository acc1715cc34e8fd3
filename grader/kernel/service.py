"""The process beside a notebook's kernel: it holds the course and a warm grader, and answers line by line.

A line is a JSON object on standard input, answered by one on standard output. It ends when its input does: a kernel
that is gone leaves nothing behind. The learner's code runs neither here nor in the kernel to be graded, but in the
worker, as every submission does.
"""

from __future__ import annotations

import difflib
import gc
import json
import os
import signal
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from io import StringIO
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol, TypeVar

from grader.catalog import capstone_section, load_course, statement_section
from grader.content import locate
from grader.disclosure import for_student
from grader.errors import GradsmithError, WorkspaceError
from grader.journal import Journal
from grader.model import Course, Disclosure, Exercise
from grader.notebooks.cells import Place
from grader.practice import climb, differences, function_text, give_solution, solution_text
from grader.sandbox import jail
from grader.sandbox.zygote import Zygote
from grader.submission import Source, Submission
from grader.workspace import find_course, find_workspace

if TYPE_CHECKING:
    from rich.console import Console

    from grader.grading import Grader

WIDTH = 80
"""Cells of the text that stands for the HTML where that cannot be shown."""


class Service:
    """What the magics ask for.

    Parameters
    ----------
    start : a folder in the workspace.
    course : the folder of another course than the workspace's.

    Raises
    ------
    GradsmithError : there is no workspace, or its course cannot be read.
    """

    def __init__(self, start: Path, course: Path | None = None) -> None:
        self.root = find_workspace(start).root
        self.content = locate(course or find_course(start))
        self.limits = jail.Limits()
        self.zygote = Zygote(jail.likeliest(), self.limits)
        try:
            self.course: Course = load_course(self.content)
        except BaseException:
            self.zygote.close()
            raise
        self.journal = Journal(self.root)
        self._grader: Grader | None = None

    def close(self) -> None:
        """End the workers."""
        if self._grader is not None:
            self._grader.close()
        self.zygote.close()

    def warm(self) -> Grader:
        """The grader, which stays."""
        if self._grader is None:
            from grader.grading import Grader

            self._grader = Grader(self.content, self.course, limits=self.limits, zygote=self.zygote)
        return self._grader

    # requests

    def names(self) -> dict[str, Any]:
        """The course's topics and exercises."""
        topics = {t.slug: [e.name for e in t.exercises] for t in self.course.topics}
        return {"topics": topics, "root": str(self.root)}

    def resolve(self, names: Sequence[str]) -> dict[str, Any]:
        """The exercises that names stand for, by topic; a name that is both is the topic."""
        wanted: set[str] = set()
        for name in names:
            slug, _, last = name.rstrip("/").rpartition("/")
            topic = next((t for t in self.course.topics if t.slug == last), None)
            owner = {exercise.name: exercise.topic for exercise in self.course.exercises}
            if topic is not None and not (slug == last and last in owner):
                wanted.update(exercise.name for exercise in topic.exercises)
            elif last in owner and slug in ("", owner[last]):
                wanted.add(last)
            else:
                raise self._unknown(name)
        found = {
            topic.slug: [e.name for e in topic.exercises if e.name in wanted]
            for topic in self.course.topics
        }
        return {"exercises": {slug: names for slug, names in found.items() if names}}

    def grade(
        self,
        sources: Mapping[str, Mapping[str, Any]],
        exercises: Sequence[str],
        notes: Sequence[str] = (),
        verbose: bool = False,
    ) -> dict[str, Any]:
        """Grade the Python of some topics, and note it in the journal."""
        from grader.report.cell import report_html
        from grader.report.terminal import print_report

        submission = Submission(
            self.root.name,
            {
                slug: Source(
                    slug,
                    each["file"],
                    each["text"],
                    tuple(Place(*place) for place in each["cells"]),
                )
                for slug, each in sources.items()
            },
            tuple(topic.slug for topic in self.course.topics if topic.slug in sources),
            tuple(notes),
        )
        report = self.warm().grade(submission, exercises=exercises)
        self.journal.note(report)
        gc.freeze()  # what is loaded stays
        shown = for_student(report, Disclosure.FULL)
        text = printed(lambda console: print_report(console, shown, verbose=verbose))
        return {"text": text, "html": report_html(shown, verbose=verbose)}

    def hint(self, name: str) -> dict[str, Any]:
        """One more hint."""
        from grader.report.hints import print_hints

        exercise = self._exercise(name)
        rung = climb(self.journal, exercise)
        text = printed(lambda console: print_hints(console, exercise, rung))
        return {"text": text.replace("`grader hint", "`%hint").replace("`grader sol", "`%sol")}

    def solution(self, name: str, give_up: bool, mine: str) -> dict[str, Any]:
        """The solution, and how it differs from the text of the learner's own function, if that is given."""
        exercise = self._exercise(name)
        give_solution(self.journal, exercise, give_up=give_up)
        source = self.content.source(exercise.topic)
        solution = solution_text(source.read_text(encoding="utf-8"), exercise.name, str(source))
        markdown = f"```python\n{solution}```\n"
        text = solution
        try:
            own = function_text(mine, exercise.name, "your function")
        except WorkspaceError:
            own = None
        if own is not None and "NotImplementedError" not in own:
            lines = list(differences(own, solution))[2:]
            head = "yours (-) against the solution (+), docstrings left out"
            if lines:
                body = "\n".join(lines)
                fence = "`" * (
                    max(3, *(len(run) + 1 for run in body.split() if set(run) == {"`"}), 3)
                )
                markdown += f"\n**{head}**\n\n{fence}diff\n{body}\n{fence}\n"
                text += f"\n{head}\n{body}\n"
            else:
                markdown += "\nyours is the same\n"
                text += "\nyours is the same\n"
        return {"text": text, "markdown": markdown}

    def task(self, name: str) -> dict[str, Any]:
        """A statement, of an exercise, a topic, or with `<topic>/capstone` of what ends it."""
        from grader.report.statement import print_statement

        slug, _, part = name.partition("/")
        names = self.resolve([slug if part == "capstone" else name])["exercises"]
        [(topic, exercises)] = names.items()
        if part == "capstone":
            text = capstone_section(self.content, self.course.topic(topic))
        elif len(exercises) == 1:
            text = statement_section(self.content, self.course, exercises[0])
        else:
            text = self.content.statement(topic).read_text(encoding="utf-8")
        return {"text": printed(lambda console: print_statement(console, text)), "markdown": text}

    def _exercise(self, name: str) -> Exercise:
        last = name.rstrip("/").split("/")[-1]
        for exercise in self.course.exercises:
            if exercise.name == last:
                return exercise
        if any(topic.slug == last for topic in self.course.topics):
            raise GradsmithError(f"{name!r} is a topic; name one of its functions")
        raise self._unknown(name)

    def _unknown(self, name: str) -> GradsmithError:
        known = [t.slug for t in self.course.topics] + [e.name for e in self.course.exercises]
        near = difflib.get_close_matches(name.split("/")[-1], known, n=1)
        hint = f"; did you mean {near[0]!r}?" if near else "; Tab after `%check ` lists them"
        return GradsmithError(f"no exercise or topic {name!r}{hint}")


def printed(draw: Callable[[Console], None]) -> str:
    """What is printed on a console without colours."""
    from rich.console import Console

    console = Console(file=StringIO(), width=WIDTH, highlight=False, color_system=None)
    draw(console)
    text: str = console.file.getvalue()  # type: ignore[attr-defined]  # the StringIO given above
    return text


class Answering(Protocol):
    """What `serve` asks: `do` in a request names one of its methods."""

    def names(self) -> dict[str, Any]:
        """What is told first."""

    def warm(self) -> object:
        """Get ready, before the first request."""

    def close(self) -> None:
        """End what was started."""


A = TypeVar("A", bound=Answering)
Requests = Iterator[dict[str, Any]]
Tell = Callable[[Mapping[str, Any]], None]


def answer(service: Answering, request: dict[str, Any]) -> Mapping[str, Any]:
    """What a service says to one request; a refusal is an answer too."""
    try:
        found: Mapping[str, Any] = getattr(service, request.pop("do"))(**request)
    except Exception as error:
        return refusal(error)
    return found


def refusal(error: Exception) -> dict[str, str]:
    """The answer where there is none."""
    if isinstance(error, GradsmithError):
        return {"error": str(error)}
    fault = f"{type(error).__name__}: {error}"
    return {"error": f"{fault}. This is a fault of gradsmith's, not yours; report it."}


def answer_each(service: Answering, requests: Requests, tell: Tell) -> None:
    """Answer requests, each by itself."""
    for request in requests:
        tell(answer(service, request))


def serve(
    begin: Callable[[], A], follow: Callable[[A, Requests, Tell], None] = answer_each
) -> None:
    """Answer requests until there are no more.

    Parameters
    ----------
    begin : makes the service.
    follow : answers the requests, one after another; the next comes when the one before has been answered.
    """
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # meant for the learner's code
    signal.signal(
        signal.SIGTERM, lambda *_: sys.exit(1)
    )  # an interrupted check: the workers end too
    answers = os.fdopen(os.dup(1), "w", encoding="utf-8", newline="\n")
    os.dup2(2, 1)  # what is printed by others does not get between

    def tell(answer: Mapping[str, Any]) -> None:
        answers.write(json.dumps(answer) + "\n")
        answers.flush()

    try:
        service = begin()
    except GradsmithError as error:
        tell({"error": str(error)})
        return
    try:
        tell(service.names())
        service.warm()
        follow(service, map(json.loads, sys.stdin), tell)
    except BrokenPipeError:
        pass
    finally:
        service.close()


def main(start: str) -> None:
    """Answer what the magics ask for.

    Parameters
    ----------
    start : a folder in the workspace.
    """
    given = os.environ.get("GRADER_COURSE")
    serve(lambda: Service(Path(start), Path(given) if given else None))


if __name__ == "__main__":
    main(sys.argv[1])
