"""Which questions are due, and which new ones come first: pure, from the journal alone.

The model is that of `grader.review`: FSRS, with a day as the least interval and nothing drawn by lot.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import UTC, date, datetime, tzinfo

from fsrs import Rating

from grader.journal import STUDIED, Entry
from grader.questions import Question
from grader.review import Memory, due

GRADES = {1: "weak", 2: "good with gaps", 3: "good", 4: "strong"}
"""How a learner grades an answer of her own, by the rubric. The ratings of FSRS: again, hard, good, easy."""


def memories(
    entries: Iterable[Entry], now: datetime, ids: Collection[str] | None = None
) -> dict[str, Memory]:
    """The questions that were studied, by id, and how well they are remembered.

    Parameters
    ----------
    entries : the journal's, oldest first. What is later than `now` counts as done now: a clock went wrong.
    ids : of the bank; what it has no longer is passed over.
    """
    found: dict[str, Memory] = {}
    for entry in entries:
        grade = entry.details.get("grade")
        if entry.event != STUDIED or type(grade) is not int or grade not in GRADES:
            continue
        if ids is None or entry.exercise in ids:
            one = found.setdefault(entry.exercise, Memory(entry.exercise))
            one.rate(Rating(grade), min(entry.at, now).astimezone(UTC))
    return found


def revisions(entries: Iterable[Entry]) -> dict[str, int]:
    """The revision of each question's answer that was last studied."""
    found = {}
    for entry in entries:
        revision = entry.details.get("revision")
        if entry.event == STUDIED and type(revision) is int:
            found[entry.exercise] = revision
    return found


def due_questions(
    questions: Iterable[Question],
    known: Mapping[str, Memory],
    now: datetime,
    zone: tzinfo | None = None,
) -> list[Question]:
    """Those that come back today or should have before, the longest overdue first."""
    by_id = {one.id: one for one in questions}
    late = due([memory for key, memory in known.items() if key in by_id], now, zone)
    return [by_id[memory.exercise] for memory in late]


def new_questions(questions: Sequence[Question], known: Collection[str]) -> list[Question]:
    """Those that were never studied, in their order but with what is to be known before in front."""
    fresh = {one.id: one for one in questions if one.id not in known}
    found: dict[str, Question] = {}
    begun: set[str] = set()

    def take(one: Question) -> None:
        if one.id in begun:
            return
        begun.add(one.id)
        for name in one.prerequisites:
            if name in fresh:
                take(fresh[name])
        found[one.id] = one

    for one in fresh.values():
        take(one)
    return list(found.values())


def plan(
    questions: Sequence[Question],
    known: Mapping[str, Memory],
    now: datetime,
    *,
    new: int,
    limit: int | None = None,
    zone: tzinfo | None = None,
) -> list[Question]:
    """The questions of a session: what is due, then at most `new` others; at most `limit` in all."""
    late = due_questions(questions, known, now, zone)
    return [*late, *new_questions(questions, known)[:new]][:limit]


def coming(
    known: Iterable[Memory], now: datetime, zone: tzinfo | None = None
) -> list[tuple[date, int]]:
    """The days after today on which questions come back, and how many."""
    today = now.astimezone(zone).date()
    days = Counter(day for one in known if (day := one.due(zone)) > today)
    return sorted(days.items())
