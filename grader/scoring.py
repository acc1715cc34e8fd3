"""From outcomes to scores: pure functions.

An exercise is right or it is not: it earns all its points when every check passes, and none otherwise. A gradient that
is wrong in one case is wrong. How many checks passed stands in the report for whoever wants to be kinder.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace

from grader.model import Capstone, CapstoneScore, Exercise, Outcome, Score, Status

_PRECEDENCE = (
    Status.TAMPERED,
    Status.TIMEOUT,
    Status.ERROR,
    Status.FAILED,
    Status.GRADER_ERROR,
    Status.UNRESOLVED,
    Status.WAITING,
)
"""A definite failure of the learner's stands, whatever went wrong on our side beside it."""
MAX_LISTED = 4
"""Functions that a waiting capstone names."""
_DOWN = frozenset((Status.FAILED, Status.TIMEOUT, Status.ERROR))


def status_of(outcomes: Sequence[Outcome]) -> Status:
    """The status of an exercise with these outcomes; nothing tested is our fault."""
    found = {outcome.status for outcome in outcomes}
    if not found:
        return Status.GRADER_ERROR
    for status in _PRECEDENCE:
        if status in found:
            return status
    if found == {Status.MISSING, Status.PASSED}:  # a branch that is still a stub
        return Status.FAILED
    return next(iter(found))


def score(exercise: Exercise, outcomes: Sequence[Outcome]) -> Score:
    """Score one exercise."""
    status = status_of(outcomes)
    earned = exercise.points if status is Status.PASSED else 0.0
    return Score(exercise, status, earned, tuple(outcomes), _reason(status, outcomes))


def score_capstone(
    capstone: Capstone, scores: Sequence[Score], outcomes: Sequence[Outcome]
) -> CapstoneScore:
    """Score a topic's capstone, which waits for the exercises among `scores` that it needs."""
    if waits := waiting_reason(capstone, scores):
        return CapstoneScore(capstone, Status.WAITING, (), waits)
    status = status_of(outcomes)
    return CapstoneScore(capstone, status, tuple(outcomes), _reason(status, outcomes))


def waiting_reason(capstone: Capstone, scores: Sequence[Score]) -> str:
    """Why a capstone waits; empty where it does not."""
    passed = {score.exercise.name for score in scores if score.status is Status.PASSED}
    names = [name for name in capstone.needs if name not in passed]
    if not names:
        return ""
    quoted = [f"`{name}`" for name in names]
    if len(quoted) > MAX_LISTED:
        quoted[MAX_LISTED - 1 :] = [f"{len(quoted) - MAX_LISTED + 1} more"]
    listed = quoted[0] if len(quoted) == 1 else f"{', '.join(quoted[:-1])} and {quoted[-1]}"
    return (
        f"it calls {listed}, not all of which pass"
        if len(names) > 1
        else f"it calls {listed}, which does not pass"
    )


def lean(scores: Sequence[Score], calls: Mapping[str, Collection[str]]) -> list[Score]:
    """Scores in which a failed exercise that calls another failed one says so.

    Parameters
    ----------
    calls : the exercises that each exercise's function calls.
    """
    down = {score.exercise.name for score in scores if score.status in _DOWN}
    leaning = []
    for one in scores:
        broken = sorted(down & set(calls.get(one.exercise.name, ())))
        if one.status is Status.FAILED and broken:
            leaning.append(replace(one, reason=leaning_reason(broken), leans_on=tuple(broken)))
        else:
            leaning.append(one)
    return leaning


def leaning_reason(broken: Sequence[str]) -> str:
    """That a failed exercise calls others that do not pass."""
    listed = " and ".join(f"`{name}`" for name in broken)
    verb = "does" if len(broken) == 1 else "do"
    return f"it calls {listed}, which {verb} not pass: mend that first"


def _reason(status: Status, outcomes: Sequence[Outcome]) -> str:
    """One clause for statuses that are not about a check."""
    if not outcomes:
        return "no check was run for it"
    if status in (Status.PASSED, Status.FAILED):
        return ""
    for outcome in outcomes:
        if outcome.status is status and outcome.failure is not None:
            return outcome.failure.headline
    return ""
