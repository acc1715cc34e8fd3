"""From results to grades: pure functions.

A grade is a number only where a number can be stood by. What shows evidence of an attack, and what a check of ours
could not decide, has none until a person says what it is; neither has a late submission whose time is not known.
Numbers are decimal, so that 0.1 is a tenth and halves are halves.
"""

from __future__ import annotations

import decimal
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from enum import StrEnum

from grader.classroom.model import Class, Result, Student
from grader.classroom.policy import PERIODS, Policy
from grader.errors import GradsmithError
from grader.model import Report, Status

OURS = frozenset((Status.GRADER_ERROR, Status.UNRESOLVED))
"""What is never charged to the learner."""
_ROUNDINGS = {
    "half up": decimal.ROUND_HALF_UP,
    "half even": decimal.ROUND_HALF_EVEN,
    "up": decimal.ROUND_UP,
    "down": decimal.ROUND_DOWN,
}
_NOISE = 9
"""Decimals beyond which a sum of points is noise of floating point."""


class Standing(StrEnum):
    """What kind of grade it is."""

    GRADED = "graded"
    WITHHELD = "withheld"
    """There is evidence of an attack: no number until a person decides."""
    PENDING = "pending"
    """No number yet: a check of ours broke or could not decide, or the time of handing in is not known."""
    EXCUSED = "excused"
    UNREADABLE = "unreadable"
    """What was handed in could not be read; it earns nothing."""
    ABSENT = "absent"
    """Nothing was handed in."""


@dataclass(frozen=True, slots=True)
class Grade:
    """What one student gets, and why.

    Attributes
    ----------
    out_of : what grades are out of.
    raw : on that scale and rounded, before any penalty; None where there is no number.
    final : after it.
    reasons : a clause for each thing that made the grade other than the points earned.
    """

    student: Student
    standing: Standing
    out_of: Decimal
    raw: Decimal | None = None
    final: Decimal | None = None
    reasons: tuple[str, ...] = ()
    result: Result | None = None

    @property
    def penalty(self) -> Decimal | None:
        """What was taken off; None where there is no number."""
        if self.raw is None or self.final is None:
            return None
        return max(self.raw - self.final, Decimal(0) * self.raw)


def grades_of(cls: Class, policy: Policy) -> list[Grade]:
    """A grade for each student: the roster's in its order, then those who are on none, by their results' order.

    Raises
    ------
    GradsmithError : the class has no points to scale, or an override is above what can be reached.
    """
    results = {result.student: result for result in cls.results}
    students = dict(cls.roster)
    for result in cls.results:
        students.setdefault(
            result.student, Student(result.student, name=result.name, email=result.email)
        )
    return [grade_of(cls, policy, who, results.get(id_)) for id_, who in students.items()]


def grade_of(cls: Class, policy: Policy, student: Student, result: Result | None) -> Grade:
    """The grade of one student.

    Raises
    ------
    GradsmithError : the class has no points to scale, or an override is above what can be reached.
    """
    full = policy.points if policy.points is not None else exact(cls.points)
    if full <= 0:
        raise GradsmithError("the class has no points to earn; grade at least one exercise")
    total = policy.scale if policy.scale is not None else full

    def grade(standing: Standing, *reasons: str, **numbers: Decimal) -> Grade:
        return Grade(student, standing, total, reasons=reasons, result=result, **numbers)

    override = policy.overrides.get(student.id)
    decided = () if override is None else (f"decided by a person: {override.reason}",)
    if override is not None and override.excused:
        return grade(Standing.EXCUSED, *decided)
    if override is not None and override.score is not None:
        if override.score > total:
            raise GradsmithError(
                f"overrides.{student.id}.score: {override.score} is above {total}, which grades are out of; lower it"
            )
        score = rounded(override.score, policy)
        return grade(Standing.GRADED, *decided, raw=score, final=score)
    zero = rounded(Decimal(0), policy)
    if result is None:
        numbers = {"raw": zero, "final": zero} if policy.missing == "zero" else {}
        return grade(Standing.ABSENT, "nothing was handed in", **numbers)
    if result.ours:
        return grade(Standing.PENDING, f"not graded, by a fault of ours: {result.fault}")
    if result.report is None:
        reason = result.fault or "it could not be read"
        return grade(Standing.UNREADABLE, reason, *decided, raw=zero, final=zero)
    if override is None:
        if names := with_status(result.report, frozenset((Status.TAMPERED,)), capstones=True):
            return grade(
                Standing.WITHHELD, f"evidence of an attack in {names}: a person has to decide"
            )
        if names := with_status(result.report, OURS):
            return grade(
                Standing.PENDING, f"the grader could not judge {names}: not the student's fault"
            )
    earned = exact(result.earned)
    capped = min(max(earned, Decimal(0)), full)
    reasons = list(decided)
    if result.gone:
        reasons.append("no longer among the submissions when the class was graded last")
    if earned > full:
        reasons.append(f"{plain(earned)} points earned, of which {plain(full)} count")
    lost = Decimal(0)
    late = lateness(policy, student.id, result.submitted_at)
    if late is None:
        return grade(Standing.PENDING, "when it was handed in is not known: a person has to decide")
    if late > timedelta(0):
        lost, why = penalty(policy, student.id, late, capped, full)
        reasons.append(why)
    return grade(
        Standing.GRADED,
        *reasons,
        raw=rounded(capped * total / full, policy),
        final=rounded(max(capped - lost, Decimal(0)) * total / full, policy),
    )


def lateness(policy: Policy, student: str, submitted: datetime | None) -> timedelta | None:
    """How late a submission came; nothing where it was in time, None where a person has to say.

    A time without a zone is one in UTC.
    """
    due = policy.due_of(student)
    if due is None:
        return timedelta(0)
    if submitted is None:
        costs = policy.late.percent > 0 or policy.late.cutoff is not None
        return None if costs and policy.late.unknown == "ask" else timedelta(0)
    at = submitted.replace(tzinfo=UTC) if submitted.tzinfo is None else submitted.astimezone(UTC)
    return max(at - due, timedelta(0))


def penalty(
    policy: Policy, student: str, late: timedelta, earned: Decimal, full: Decimal
) -> tuple[Decimal, str]:
    """The points that lateness costs, at most those earned, and the clause that says why."""
    rule, due = policy.late, policy.due_of(student)
    grace = timedelta(minutes=float(rule.grace_minutes))
    said = f"{spoken(late)} late"
    if late <= grace:
        return Decimal(0), f"{said}, within the grace of {spoken(grace)}"
    if rule.cutoff is not None and due is not None and due + late > max(rule.cutoff, due + grace):
        return earned, f"{said}, after the last time at which anything counts"
    if not rule.percent:
        return Decimal(0), f"{said}, which costs nothing"
    period = timedelta(seconds=PERIODS[rule.per])
    begun = -(-late // period)
    percent = min(rule.percent * begun, rule.cap)
    of = earned if rule.of == "earned" else full
    noun = rule.per if begun == 1 else f"{rule.per}s"
    why = f"{said}: {plain(percent)}% of the points {rule.of} for {begun} {noun} begun"
    return min(of * percent / 100, earned), why


def with_status(report: Report, statuses: frozenset[Status], *, capstones: bool = False) -> str:
    """The exercises, and capstones where they are asked for, with one of some statuses, as words; or nothing."""
    names = [score.exercise.name for score in report.scores if score.status in statuses]
    if capstones:
        names += [
            f"the capstone of {each.capstone.topic}"
            for each in report.capstones
            if each.status in statuses
        ]
    return ", ".join(names)


def exact(value: float) -> Decimal:
    """A number of points without the noise of floating point."""
    return Decimal(repr(round(float(value), _NOISE)))


def rounded(value: Decimal, policy: Policy) -> Decimal:
    """A number of the scale, rounded as the policy says."""
    return value.quantize(Decimal(1).scaleb(-policy.decimals), _ROUNDINGS[policy.rounding])


def plain(value: Decimal) -> str:
    """A number without an exponent or zeros that say nothing."""
    text = f"{value:f}"
    return text.rstrip("0").rstrip(".") if "." in text else text


def spoken(span: timedelta) -> str:
    """A span of time in words, of its two largest units."""
    minutes = -(-span // timedelta(minutes=1))
    days, hours, minutes = minutes // 1440, minutes // 60 % 24, minutes % 60
    parts = [(days, "day"), (hours, "hour"), (minutes, "minute")]
    words = [f"{n} {noun}{'s' * (n != 1)}" for n, noun in parts if n]
    return " ".join(words[:2]) or "0 minutes"


def without_number(grades: Sequence[Grade]) -> list[Grade]:
    """The grades on which a person has to decide."""
    return [grade for grade in grades if grade.standing in (Standing.WITHHELD, Standing.PENDING)]
