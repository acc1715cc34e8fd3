"""Finds the rooms of a course: in a checkout, or inside an installed wheel."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

from grader.errors import ContentError

_PACKAGE = Path(__file__).resolve().parent


@dataclass(frozen=True, slots=True)
class Content:
    """Where a course keeps its rooms. Paths only: nothing is read, and a file may be missing.

    `base` is the course whose topics this one may list beside its own.
    """

    root: Path
    exercises: Path
    solutions: Path
    hidden: Path
    mistakes: Path
    alternatives: Path
    interview_questions: Path
    base: Content | None = None

    @classmethod
    def under(cls, root: Path) -> Content:
        """The rooms at their usual places under `root`."""
        return cls(
            root=root,
            exercises=root / "exercises",
            solutions=root / "solutions",
            hidden=root / "tests" / "hidden",
            mistakes=root / "tests" / "mistakes",
            alternatives=root / "tests" / "alternatives",
            interview_questions=root / "interview_questions",
        )

    @property
    def course_toml(self) -> Path:
        """The list of topics."""
        return self.exercises / "course.toml"

    def owner(self, topic: str) -> Content:
        """The course that holds the topic's files: this one, unless only its base has the topic."""
        if self.base is None or self._folder(topic).is_dir():
            return self
        return self.base if self.base._folder(topic).is_dir() else self

    def _folder(self, topic: str) -> Path:
        return self.exercises / topic

    def source(self, topic: str) -> Path:
        """The solution file, from which the stub is made."""
        return self.owner(topic).solutions / f"{topic}.py"

    def stub(self, topic: str) -> Path:
        """The generated stubs that a learner fills in."""
        return self.owner(topic).exercises / topic / f"{topic}.py"

    def statement(self, topic: str) -> Path:
        """The statement, in Markdown."""
        return self.owner(topic).exercises / topic / "README.md"

    def topic_toml(self, topic: str) -> Path:
        """Titles, points, tags and hints."""
        return self.owner(topic).exercises / topic / "topic.toml"

    def suite(self, topic: str) -> Path:
        """The hidden suite."""
        return self.owner(topic).hidden / f"test_{topic}.py"

    def mistakes_file(self, topic: str) -> Path:
        """The functions that are wrong on purpose."""
        return self.owner(topic).mistakes / f"{topic}.py"

    def alternatives_file(self, topic: str) -> Path:
        """The functions that are right, written in another way."""
        return self.owner(topic).alternatives / f"{topic}.py"


def locate(root: Path | None = None) -> Content:
    """The course under `root`; without one, the course that came with this package.

    A course under `root` may list topics of the one that came with this package beside its own.

    An installed wheel carries its course as `grader/_content`. An editable install has no such
    folder and reads the checkout that holds the package.

    Raises
    ------
    ContentError : there is no `exercises/course.toml` there.
    """
    if root is not None:
        content = Content.under(root)
        if not content.course_toml.is_file():
            raise ContentError(
                content.course_toml,
                "course",
                "not found; give the folder that holds `exercises/course.toml`",
            )
        ours = installed()
        return content if ours.root == root.resolve() else replace(content, base=ours)
    content = installed()
    if content.course_toml.is_file():
        return content
    raise ContentError(
        content.course_toml,
        "course",
        "not found: this copy of the package has no course; "
        "install gradsmith again, or run it from a whole checkout",
    )


def installed() -> Content:
    """Where the course lies that came with this package, be it there or not."""
    carried = _PACKAGE / "_content"
    return Content.under(carried if carried.is_dir() else _PACKAGE.parent)
