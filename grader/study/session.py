"""A session: question after question, uncovered by steps, graded by the learner, each grade written at once."""

from __future__ import annotations

import contextlib
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from rich.console import Console
from rich.text import Text

from grader.journal import STUDIED, Journal
from grader.questions import Question
from grader.report.questions import print_question, print_step, steps
from grader.report.reviews import coming_back
from grader.study.prompts import GO_ON, QUIT, SKIP, Ended, Gone, Prompts
from grader.study.schedule import GRADES, memories, revisions

CHOICES = {"1": "weak", "2": "gaps", "3": "good", "4": "strong"}
"""The grades in few letters: what is asked fits a narrow terminal."""


@dataclass(slots=True)
class Tally:
    """What became of the questions of a session.

    Attributes
    ----------
    gone : whether the terminal is, so that nobody can be told.
    """

    planned: int
    grades: Counter[int] = field(default_factory=Counter)
    skipped: int = 0
    gone: bool = False

    @property
    def studied(self) -> int:
        return sum(self.grades.values())

    @property
    def left(self) -> int:
        """Questions that were not come to."""
        return self.planned - self.studied - self.skipped

    def line(self) -> str:
        """All of it in words."""
        parts = [
            f"{self.grades[grade]} {word}" for grade, word in GRADES.items() if self.grades[grade]
        ]
        text = f"{self.studied} studied" + (f": {', '.join(parts)}" if parts else "")
        text += f"; {self.skipped} skipped" if self.skipped else ""
        return text + (f"; {self.left} left for another time" if self.left else "")


def hold(
    questions: Sequence[Question],
    journal: Journal,
    asking: Prompts,
    now: Callable[[], datetime],
    *,
    timed: bool = False,
) -> Tally:
    """Go through questions until they or the answers end.

    Ctrl-C ends it as `q` does: what was graded is written already.
    """
    tally = Tally(len(questions))
    known = memories(journal.entries(), now())
    before = revisions(journal.entries())
    try:
        for number, one in enumerate(questions, start=1):
            label = f"{number} of {len(questions)}, "
            if one.id not in known:
                label += "new"
            elif before.get(one.id, one.revision) < one.revision:
                label += "its answer is revised"
            else:
                label += "due"
            grade = _one(one, label, asking, timed=timed)
            if grade is None:
                tally.skipped += 1
                continue
            journal.append(STUDIED, one.id, now(), grade=grade, revision=one.revision)
            tally.grades[grade] += 1
            asking.show(_graded(one, grade, journal, now()))
    except Gone:
        tally.gone = True
    except (Ended, KeyboardInterrupt):
        pass
    return tally


def _one(one: Question, label: str, asking: Prompts, *, timed: bool) -> int | None:
    """Ask one question and uncover its answer; the grade, or None where it is skipped."""

    def begin(console: Console) -> None:
        console.print()
        print_question(console, one, label=label)

    asking.show(begin)
    minutes = one.minutes if timed else None
    for step in steps(one, graded=True):
        key = asking.ask({GO_ON: step.name, SKIP: "skip", QUIT: "quit"}, minutes)
        if key == SKIP:
            return None
        minutes = None
        asking.show(lambda console, step=step: print_step(console, step))  # type: ignore[misc]
    key = asking.ask({**CHOICES, SKIP: "skip", QUIT: "quit"})
    return None if key == SKIP else int(key)


def _graded(
    one: Question, grade: int, journal: Journal, moment: datetime
) -> Callable[[Console], None]:
    day = memories(journal.entries(), moment, {one.id})[one.id].due(moment.tzinfo)
    line = f"{GRADES[grade]}: {coming_back('it', day, moment.date())}"

    def draw(console: Console) -> None:
        console.print(Text(line, "bold"))

    return draw


def walk(one: Question, asking: Prompts, end: Callable[[Console], None]) -> None:
    """Uncover one question by steps, without a grade.

    Parameters
    ----------
    end : prints what stands below all.
    """
    try:
        asking.show(lambda console: print_question(console, one))
        for step in steps(one):
            asking.ask({GO_ON: step.name, QUIT: "quit"})
            asking.show(lambda console, step=step: print_step(console, step))  # type: ignore[misc]
    except Gone:
        return
    except (Ended, KeyboardInterrupt):
        pass
    with contextlib.suppress(Gone):
        asking.show(end)
