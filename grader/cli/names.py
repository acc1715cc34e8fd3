"""Names that the shell can complete: exercises, topics, tags and figures of the course in force."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from click.shell_completion import CompletionItem

    from grader.model import Course
    from grader.questions import Question

    _Type = click.ParamType[str]
else:  # not generic before click 8.4
    _Type = click.ParamType


class Name(_Type):
    """A word that is taken as it is, and completed.

    Parameters
    ----------
    kinds : of what: ``"exercise"``, ``"topic"``, ``"tag"``, ``"figure"``, ``"question"``, ``"question_tag"``.
    """

    name = "name"

    def __init__(self, *kinds: str) -> None:
        self.kinds = kinds

    def shell_complete(
        self, ctx: click.Context, param: click.Parameter, incomplete: str
    ) -> list[CompletionItem]:
        """The names that begin so, with titles; none where the course cannot be read."""
        from click.shell_completion import CompletionItem

        from grader.errors import GradsmithError

        try:
            found = dict(self._known(ctx))
        except (GradsmithError, OSError):
            return []  # told when the command is run; a completion has nowhere to say it
        taken = ctx.params.get(param.name or "")
        words = taken if isinstance(taken, tuple | list) else ()
        return [
            CompletionItem(name, help=title)
            for name, title in found.items()
            if name.startswith(incomplete) and name not in words
        ]

    def _known(self, ctx: click.Context) -> Iterator[tuple[str, str]]:
        """Names and titles; a name that is both an exercise and a topic comes once."""
        from grader.catalog import load_course
        from grader.cli.options import course_content

        content = course_content(_path(ctx, "course"), _path(ctx, "workspace"))
        course = load_course(content)
        for kind in self.kinds:
            if kind in ("question", "question_tag"):
                from grader.questions import read_questions

                yield from getattr(self, f"_{kind}s")(read_questions(content, course)[0])
            else:
                yield from getattr(self, f"_{kind}s")(course)

    @staticmethod
    def _questions(questions: Iterable[Question]) -> Iterator[tuple[str, str]]:
        return ((one.id, one.title) for one in questions)

    @staticmethod
    def _question_tags(questions: Iterable[Question]) -> Iterator[tuple[str, str]]:
        return ((tag, "") for tag in sorted({tag for one in questions for tag in one.tags}))

    @staticmethod
    def _exercises(course: Course) -> Iterator[tuple[str, str]]:
        return ((exercise.name, exercise.title) for exercise in course.exercises)

    @staticmethod
    def _topics(course: Course) -> Iterator[tuple[str, str]]:
        return ((topic.slug, topic.title) for topic in course.topics)

    @staticmethod
    def _tags(course: Course) -> Iterator[tuple[str, str]]:
        tags = sorted({tag for exercise in course.exercises for tag in exercise.tags})
        return ((tag, "") for tag in tags)

    @staticmethod
    def _figures(course: Course) -> Iterator[tuple[str, str]]:
        from grader.figures import FIGURES

        slugs = {topic.slug for topic in course.topics}
        return ((f.name, f.title) for f in FIGURES.values() if f.topic in slugs)


def _path(ctx: click.Context, name: str) -> Path | None:
    """A folder that was given before the word that is completed."""
    value = ctx.params.get(name)
    return value if isinstance(value, Path) else None


EXERCISE = Name("exercise")
TOPIC = Name("topic")
EXERCISE_OR_TOPIC = Name("exercise", "topic")
TAG = Name("tag")
FIGURE = Name("figure")
QUESTION = Name("question")
QUESTION_TAG = Name("question_tag")
