"""Solved exercises that come back when they are about to be forgotten, by spaced repetition.

All is derived from the journal: the first solve of an exercise, or giving it up, makes a memory of it; each review
that ends in a pass or in giving up renews it. How well it went is the rating that FSRS asks for.

References
----------
Ye, Su, Cao (2022), "A stochastic shortest path algorithm for optimizing spaced repetition scheduling", KDD;
the model's present form is FSRS-6, of https://github.com/open-spaced-repetition/py-fsrs.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, tzinfo

from fsrs import Card, Rating, Scheduler

from grader.journal import Entry
from grader.model import Status

PASSED, FAILED, GAVE_UP = "passed", "failed", "gave-up"
"""How a check of a review can end, as the journal has it."""

_SCHEDULER = Scheduler(
    desired_retention=0.9,
    learning_steps=(),  # a function is not drilled within minutes: the least interval is a day
    relearning_steps=(),
    maximum_interval=365,
    enable_fuzzing=False,  # the same journal gives the same days
)


@dataclass(slots=True)
class Memory:
    """What is known of how well an exercise is remembered, or a question under its id.

    Attributes
    ----------
    solved : how often it was solved: at first, and in reviews.
    tries : failed attempts since it was last solved or given up.
    hints : rungs of the ladder shown since then.
    last : when it was last solved or given up.
    """

    exercise: str
    card: Card = field(default_factory=lambda: Card(card_id=0))
    solved: int = 0
    tries: int = 0
    hints: int = 0

    @property
    def last(self) -> datetime:
        assert self.card.last_review is not None
        return self.card.last_review

    def due(self, zone: tzinfo | None = None) -> date:
        """The day on which it comes back."""
        return self.card.due.astimezone(zone).date()

    def recall(self, now: datetime) -> float:
        """The estimated probability that it could be written now."""
        return float(_SCHEDULER.get_card_retrievability(self.card, now.astimezone(UTC)))

    def rate(self, rating: Rating, at: datetime) -> None:
        """Renew the memory by how well it went."""
        self.card, _ = _SCHEDULER.review_card(self.card, rating, at)
        self.solved += rating is not Rating.Again
        self.tries = self.hints = 0

    def _passed(self, at: datetime) -> None:
        """A pass at the first attempt and without a hint is easy, in a review good; any other is hard."""
        smooth = not self.tries and not self.hints
        best = Rating.Good if self.card.last_review is not None else Rating.Easy
        self.rate(best if smooth else Rating.Hard, at)

    def _note(self, entry: Entry, at: datetime) -> None:
        """Take in one line of the journal."""
        begun = self.card.last_review is not None
        match entry.event, entry.details.get("outcome" if begun else "status"):
            case "hint", _:
                self.hints += 1
            case "solution", _ if not begun:
                self.rate(Rating.Again, at)
            case "checked", Status.PASSED.value if not begun:
                self._passed(at)
            case "checked", (Status.FAILED.value | Status.ERROR.value | Status.TIMEOUT.value):
                self.tries += not begun
            case "reviewed", "failed" if begun:
                self.tries += 1
            case "reviewed", "passed" if begun:
                self._passed(at)
            case "reviewed", "gave-up" if begun:
                self.rate(Rating.Again, at)


def memories(entries: Iterable[Entry], now: datetime) -> dict[str, Memory]:
    """The exercises that were solved or given up, and how well they are remembered.

    Parameters
    ----------
    entries : the journal's, oldest first. What is later than `now` counts as done now: a clock went wrong.
    """
    found: dict[str, Memory] = {}
    for entry in entries:
        one = found.setdefault(entry.exercise, Memory(entry.exercise))
        one._note(entry, min(entry.at, now).astimezone(UTC))
    return {name: one for name, one in found.items() if one.card.last_review is not None}


def due(known: Iterable[Memory], now: datetime, zone: tzinfo | None = None) -> list[Memory]:
    """Those that come back today or should have before, the longest overdue first."""
    today = now.astimezone(zone).date()
    late = [one for one in known if one.due(zone) <= today]
    return sorted(late, key=lambda one: (one.due(zone), one.recall(now)))
