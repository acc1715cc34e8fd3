"""What a student may see of a report, so that hidden inputs stay hidden: the one place where that is decided.

A test has a level (`grader.model.Disclosure`), from its own `disclosed` or by default from topic.toml or course.toml.
A student's report is made under a ceiling besides; the stricter of the two counts. The renderers take a
`StudentReport` or an `InstructorReport`, and a `Report` alone is neither: whoever shows one has to say to whom.

Whatever comes from a submission can hold the arguments that a test passed: what it returned, printed, warned of and
raised, how long it took, the exit status of its process. So what a student sees is put together anew from what is
known to hold none, and nothing is copied because it was not thought of. What remains is a verdict for each check, in
which a function can still tell one of a few things about its arguments: that is what a verdict is.

Notes
-----
The sentence of a mistake of the bank is shown under `NAMES`. It was written before the run, says what kind of answer
came back and holds no value of it; without it, a student would learn only that something is wrong. A transform's
sentence, such as 'off by a factor of 7', is made from the numbers of the test, and is not shown.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, fields
from typing import Any, TypeAlias, TypeVar

from grader.model import (
    CapstoneScore,
    Cause,
    Disclosure,
    Failure,
    Outcome,
    Problem,
    Report,
    Score,
    Status,
    Topic,
    stricter,
)
from grader.scoring import leaning_reason, status_of, waiting_reason

F = TypeVar("F", bound=Callable[..., Any])

LEVEL = "_gradsmith_disclosure"
"""The attribute of a test function that holds its level."""
UNTOLD = "a check that is not shown does not pass"
FAILS = "it does not pass"
BROKEN = "cannot be loaded; run it by itself to see why"
# A test's name is Python's: what is in brackets behind it are the parameters of a case.
_PARAMETERS = re.compile(r" ?[(\[].*", re.DOTALL)
_CELL = re.compile(r", cell .*", re.DOTALL)
_REASONS = {
    Status.MISSING: "still a stub, or not there",
    Status.ERROR: "the file cannot be loaded, or its process ended",
    Status.TAMPERED: "what came back is not what an honest process sends",
    Status.UNRESOLVED: "a check could not decide",
    Status.GRADER_ERROR: "a check of ours broke",
}
"""Why an exercise has a status, in words that say nothing of the run."""


@dataclass(frozen=True, slots=True)
class StudentReport(Report):
    """A report as a student may see it; `for_student` makes it.

    `disclosure` is the ceiling that it was made under.
    """

    disclosure: Disclosure = field(kw_only=True)


@dataclass(frozen=True, slots=True)
class InstructorReport(Report):
    """A report with everything, for whoever may see the suites; `for_instructor` makes it."""


Shown: TypeAlias = StudentReport | InstructorReport
"""What renderers take."""


def disclosed(level: Disclosure | str) -> Callable[[F], F]:
    """Give a test of a hidden suite its level, whatever its topic's is: ``@disclosed("names")``.

    Parameters
    ----------
    level : ``"none"``, ``"names"`` or ``"full"``.

    Raises
    ------
    ValueError : there is no such level.
    """
    try:
        known = Disclosure(level)
    except ValueError:
        listed = ", ".join(Disclosure)
        raise ValueError(f"disclosed({level!r}): no such level; there are {listed}") from None

    def mark(test: F) -> F:
        setattr(test, LEVEL, known)
        return test

    return mark


def level_of(test: Callable[..., Any], default: Disclosure) -> Disclosure:
    """The level of a test function, or `default` where it names none."""
    level: Disclosure = getattr(test, LEVEL, default)
    return level


def for_instructor(report: Report) -> InstructorReport:
    """The report with all that is in it."""
    return InstructorReport(**_members(report))


def for_student(report: Report, ceiling: Disclosure) -> StudentReport:
    """The report with what a student may see.

    Status and points of every exercise stay as they are. Under `FULL` a test of that level stays too. Of several
    cases of one test that are told by name alone one is left, which has the worst of their statuses.

    Parameters
    ----------
    ceiling : the most that is told of any test.

    Returns
    -------
    StudentReport
        Equal to itself when it is made again under the same ceiling.
    """
    if isinstance(report, StudentReport):
        ceiling = stricter(ceiling, report.disclosure)
    levels = {topic.slug: _level_of_topic(topic, report, ceiling) for topic in report.topics}
    level = stricter(ceiling, *levels.values())
    scores = tuple(_score(score, report, ceiling) for score in report.scores)
    capstones = tuple(_capstone(each, report, ceiling) for each in report.capstones)
    problems = tuple(
        _problem(problem, levels.get(problem.topic, ceiling)) for problem in report.problems
    )
    if level is Disclosure.FULL:
        kept = _members(report) | {
            "scores": scores, "capstones": capstones, "problems": problems, "disclosure": ceiling,
        }  # fmt: skip
        return StudentReport(**kept)
    return StudentReport(
        submission=report.submission,
        course=report.course,
        version=report.version,
        seed=None,  # with the suite, it gives every argument
        isolation="",
        timeout=report.timeout,
        topics=report.topics,
        scores=scores,
        capstones=capstones,
        problems=problems,
        notes=report.notes,
        disclosure=ceiling,
    )


def _members(report: Report) -> dict[str, Any]:
    return {each.name: getattr(report, each.name) for each in fields(Report)}


def _level_of_topic(topic: Topic, report: Report, ceiling: Disclosure) -> Disclosure:
    """The strictest level of the tests that ran in one process with a topic's file."""
    scored: list[Score | CapstoneScore] = [
        s for s in report.scores if s.exercise.topic == topic.slug
    ]
    scored += [each for each in report.capstones if each.capstone.topic == topic.slug]
    levels = [outcome.disclosure for each in scored for outcome in each.outcomes]
    return stricter(ceiling, *(levels or [topic.disclosure]))


def _score(score: Score, report: Report, ceiling: Disclosure) -> Score:
    if _is_full(score.outcomes, score.exercise.topic, report, ceiling):
        return score
    outcomes = _outcomes(score.outcomes, ceiling)
    known = {each.exercise.name for each in report.scores}
    leans_on = tuple(name for name in score.leans_on if name in known)
    reason = leaning_reason(leans_on) if leans_on else _reason(score.status, outcomes, report)
    return Score(score.exercise, score.status, score.earned, outcomes, reason, leans_on)


def _capstone(score: CapstoneScore, report: Report, ceiling: Disclosure) -> CapstoneScore:
    if _is_full(score.outcomes, score.capstone.topic, report, ceiling):
        return score
    outcomes = _outcomes(score.outcomes, ceiling)
    if score.status is Status.WAITING:
        reason = waiting_reason(score.capstone, report.scores)
    else:
        reason = _reason(score.status, outcomes, report)
    return CapstoneScore(score.capstone, score.status, outcomes, reason)


def _is_full(outcomes: Sequence[Outcome], slug: str, report: Report, ceiling: Disclosure) -> bool:
    """Whether all there is of an exercise is told; where no test ran, its topic's level counts."""
    levels = [outcome.disclosure for outcome in outcomes]
    if not levels:
        levels = [topic.disclosure for topic in report.topics if topic.slug == slug]
    return stricter(ceiling, *levels) is Disclosure.FULL


def _reason(status: Status, shown: Sequence[Outcome], report: Report) -> str:
    """Why an exercise has its status, as far as the checks that are shown do not say it."""
    if status is Status.FAILED:
        return "" if any(each.status is not Status.PASSED for each in shown) else UNTOLD
    if status is Status.TIMEOUT:
        return f"no answer within {report.timeout:g} s"
    return _REASONS.get(status, "")


def _outcomes(outcomes: Sequence[Outcome], ceiling: Disclosure) -> tuple[Outcome, ...]:
    """What is shown of the tests of one exercise, in their order."""
    shown: dict[int | str, list[Outcome]] = {}
    for number, outcome in enumerate(outcomes):
        match stricter(ceiling, outcome.disclosure):
            case Disclosure.FULL:
                shown[number] = [outcome]
            case Disclosure.NAMES:
                shown.setdefault(_bare(outcome.test), []).append(outcome)
    return tuple(
        cases[0] if isinstance(key, int) else _named(cases) for key, cases in shown.items()
    )


def _named(cases: Sequence[Outcome]) -> Outcome:
    """All cases of one test as one, by name and status."""
    status = status_of(cases)
    failure = None
    if status is Status.FAILED:
        failure = Failure(FAILS, cause=_common_mistake(cases))
    first = cases[0]
    return Outcome(
        test=_bare(first.test),
        check=_bare(first.check),
        exercise=first.exercise,
        status=status,
        failure=failure,
        disclosure=Disclosure.NAMES,
    )


def _common_mistake(cases: Sequence[Outcome]) -> Cause | None:
    """The mistake of the bank that explains every case that fails, if one does."""
    failures = [case.failure for case in cases if case.status is not Status.PASSED]
    causes = {failure.cause if failure is not None else None for failure in failures}
    cause = causes.pop() if len(causes) == 1 else None
    return cause if cause is not None and cause.kind == "mistake" else None


def _bare(name: str) -> str:
    """The name of a test or a check without its parameters."""
    return _PARAMETERS.sub("", name)


def _problem(problem: Problem, level: Disclosure) -> Problem:
    if level is Disclosure.FULL or problem.early:
        return problem
    return Problem(problem.topic, _CELL.sub("", problem.file), BROKEN)
