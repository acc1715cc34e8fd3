"""What there is to say of one function or capstone, as text in an order: for reports that are no terminal's.

The words are the terminal report's own; whoever draws them decides how they look.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING

from grader.model import Status
from grader.report.terminal import (
    FOR_A_PERSON,
    LOOKS,
    NOT_THEIRS,
    UNEXPLAINED,
    explanation,
    findings,
    remarks,
    theirs,
    verdict_reason,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

    from grader.disclosure import Shown
    from grader.model import CapstoneScore, Outcome, Problem, Score


@dataclass(frozen=True, slots=True)
class Entry:
    """Failing checks that found the same.

    Attributes
    ----------
    found : what they found, a paragraph each.
    why : the sentence that explains it, where the one of the whole block does not.
    """

    checks: tuple[str, ...]
    found: tuple[str, ...]
    why: str = ""


@dataclass(frozen=True, slots=True)
class Block:
    """Why a function has not passed.

    Attributes
    ----------
    verdict : a reason for all; empty where the checks say it.
    why : the sentence that explains all of the entries; empty where there is none.
    remarks : pairs of ('warned', …) and ('printed', …).
    undecided : checks that could not decide, which is nobody's fault but ours.
    """

    verdict: str
    why: str
    entries: tuple[Entry, ...]
    remarks: tuple[tuple[str, str], ...]
    undecided: tuple[str, ...] = ()


def block(report: Shown, score: Score | CapstoneScore) -> Block:
    """What is told of a function that has not passed: what explains all of it first, then check by check."""
    failing = [] if score.status in FOR_A_PERSON else theirs(score)
    groups: dict[tuple[str, ...], list[Outcome]] = {}
    for outcome in failing:
        key = (explanation(outcome.failure) or "", *findings(report, outcome))
        groups.setdefault(key, []).append(outcome)
    verdict = score.reason
    if score.status is not Status.FAILED or not groups:
        verdict = verdict_reason(report, score)
    why = ""
    entries: list[Entry] = []
    if len(groups) > 1 or score.status is Status.FAILED:
        causes = {cause for cause, *_ in groups}
        known = causes - {"", UNEXPLAINED}
        one = len(causes) == 1 or not known
        if one and causes - {""}:
            why = known.pop() if known else "" if score.reason else UNEXPLAINED
        entries = [
            Entry(tuple(o.check for o in outcomes), tuple(found), "" if one else cause)
            for (cause, *found), outcomes in groups.items()
        ]
    undecided = tuple(outcome.check for outcome in score.outcomes if outcome.status in NOT_THEIRS)
    return Block(verdict, why, tuple(entries), tuple(remarks(failing)), undecided)


def place(problem: Problem) -> str:
    """Where a file breaks."""
    text = problem.file
    text += f", line {problem.line}" if problem.line is not None else ""
    return text + (f", column {problem.column}" if problem.column is not None else "")


def source_line(problem: Problem, limit: int = 400) -> str:
    """The line at which a file breaks, and a caret under the column; empty where it is not known."""
    if problem.text is None or not problem.text.strip():
        return ""
    line = problem.text.strip("\r\n").split("\n")[0][:limit]
    margin = len(line) - len(line.lstrip())
    source = line[margin:]
    if problem.column is not None:
        at = min(max(problem.column - 1 - margin, 0), len(source))
        source += f"\n{' ' * at}^"
    return source


def tally(scores: Sequence[Score]) -> str:
    """How many of the functions have which status."""
    of = Counter(score.status for score in scores)
    return ", ".join(f"{of[status]} {look.word}" for status, look in LOOKS.items() if of[status])


def counted(checks: Sequence[str]) -> str:
    """How many checks could not decide, and which."""
    n = len(checks)
    return f"{n} {'check' if n == 1 else 'checks'} could not decide, not your fault: {', '.join(checks)}"
