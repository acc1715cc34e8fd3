"""A report's scores and problems, gathered by topic: the order that every renderer keeps."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from grader.model import CapstoneScore, Problem, Report, Score


@dataclass(frozen=True, slots=True)
class TopicScores:
    """One topic of one report.

    `title` is empty where the report has scores of no known topic; where the report is `withheld`, no total is a grade.
    """

    slug: str
    title: str
    scores: tuple[Score, ...]
    problems: tuple[Problem, ...]
    capstone: CapstoneScore | None = None
    withheld: bool = False

    @property
    def earned(self) -> float:
        return sum(score.earned for score in self.scores)

    @property
    def points(self) -> float:
        return sum(score.exercise.points for score in self.scores)


def by_topic(report: Report) -> tuple[TopicScores, ...]:
    """Gather `report.scores` and `report.problems` by topic, in the course's order.

    Topics without a score and without a problem were not graded and are left out. Nothing
    else is: scores and problems of a topic that the report does not list come last.
    """
    titles = {topic.slug: topic.title for topic in report.topics}
    for score in report.scores:
        titles.setdefault(score.exercise.topic, "")
    for problem in report.problems:
        titles.setdefault(problem.topic, "")
    capstones = {capstone.capstone.topic: capstone for capstone in report.capstones}
    groups = (
        TopicScores(
            slug,
            title,
            tuple(score for score in report.scores if score.exercise.topic == slug),
            tuple(problem for problem in report.problems if problem.topic == slug),
            capstones.get(slug),
            report.withheld,
        )
        for slug, title in titles.items()
    )
    return tuple(group for group in groups if group.scores or group.problems)
