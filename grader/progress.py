"""How far a learner is with a course, counted from the journal."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable
from datetime import tzinfo

from grader.journal import Entry, derive
from grader.model import Course, Exercise, MistakeMet, Progress, Stage, TopicProgress
from grader.practice import stage_of


def progress(
    course: Course,
    entries: Iterable[Entry],
    sentence: Callable[[Exercise, str], str | None],
    zone: tzinfo | None = None,
) -> Progress:
    """Count what a journal holds.

    Exercises that are not in the course are passed over, and so are mistakes without a sentence.

    Parameters
    ----------
    entries : the journal's, oldest first.
    sentence : the sentence of a mistake of an exercise, or None where the bank has it no longer.
    zone : where a day begins and ends; the machine's own by default.
    """
    exercises = {exercise.name: exercise for exercise in course.exercises}
    known = [entry for entry in entries if entry.exercise in exercises]
    standings = derive(known)
    topics = []
    met: list[MistakeMet] = []
    solved_on = []
    for topic in course.topics:
        mine = [standings[e.name] for e in topic.exercises if e.name in standings]
        stages = Counter(stage_of(standings.get(e.name)) for e in topic.exercises)
        attempts, hints = sum(one.attempts for one in mine), sum(one.hints for one in mine)
        topics.append(TopicProgress(topic, stages, attempts, hints))
        for one in mine:
            if one.solved_at is not None and stage_of(one) is Stage.SOLVED:
                solved_on.append(one.solved_at.astimezone(zone).date())
            for name, count in one.mistakes.items():
                words = sentence(exercises[one.exercise], name)
                if words is not None:
                    met.append(MistakeMet(name, one.exercise, words, count))
    days = sorted({entry.at.astimezone(zone).date() for entry in known})
    met.sort(key=lambda each: -each.count)  # equal ones stay in the course's order
    return Progress(tuple(topics), tuple(met), tuple(days), tuple(sorted(solved_on)))
