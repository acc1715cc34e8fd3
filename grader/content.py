"""Finds the rooms of a course: in a checkout, or inside an installed wheel."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from grader.errors import ContentError

_PACKAGE = Path(__file__).resolve().parent


@dataclass(frozen=True, slots=True)
class Content:
    """Where a course keeps its rooms. Paths only: nothing is read, and a file may be missing."""

    root: Path
    exercises: Path
    solutions: Path
    hidden: Path
    mistakes: Path
    alternatives: Path
    interview_questions: Path

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

    def source(self, topic: str) -> Path:
        """The solution file, from which the stub is made."""
        return self.solutions / f"{topic}.py"

    def stub(self, topic: str) -> Path:
        """The generated stubs that a learner fills in."""
        return self.exercises / topic / f"{topic}.py"

    def statement(self, topic: str) -> Path:
        """The statement, in Markdown."""
        return self.exercises / topic / "README.md"

    def topic_toml(self, topic: str) -> Path:
        """Titles, points, tags and hints."""
        return self.exercises / topic / "topic.toml"

    def suite(self, topic: str) -> Path:
        """The hidden suite."""
        return self.hidden / f"test_{topic}.py"

    def mistakes_file(self, topic: str) -> Path:
        """The functions that are wrong on purpose."""
        return self.mistakes / f"{topic}.py"

    def alternatives_file(self, topic: str) -> Path:
        """The functions that are right, written in another way."""
        return self.alternatives / f"{topic}.py"


def locate(root: Path | None = None) -> Content:
    """The course under `root`; without one, the course that came with this package.

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
        return content
    installed = _PACKAGE / "_content"
    content = Content.under(installed if installed.is_dir() else _PACKAGE.parent)
    if content.course_toml.is_file():
        return content
    raise ContentError(
        content.course_toml,
        "course",
        "not found: this copy of the package has no course; "
        "install gradsmith again, or run it from a whole checkout",
    )
