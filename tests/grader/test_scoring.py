"""From outcomes to scores: what wins, what earns, and what is said."""

from __future__ import annotations

from itertools import permutations, product

import pytest

from grader.model import Difficulty, Exercise, Failure, Hints, Outcome, Status
from grader.scoring import score, status_of

EXERCISE = Exercise(
    "softmax",
    "softmax",
    "Softmax",
    "softmax(z)",
    3.5,
    Difficulty.EASY,
    5,
    (),
    Hints("", "", "", ""),
)
OURS = (Status.GRADER_ERROR, Status.UNRESOLVED)


def outcomes(*statuses: Status) -> list[Outcome]:
    """Outcomes with these statuses, each failure's headline being its place."""
    return [
        Outcome(
            f"softmax::test_{i}", f"{i}", "softmax", status,
            None if status is Status.PASSED else Failure(f"headline {i}"),
        )
        for i, status in enumerate(statuses)
    ]  # fmt: skip


def test_all_points_or_none() -> None:
    """Every check passed earns all points; one that did not, for whatever reason, none."""
    passed = score(EXERCISE, outcomes(Status.PASSED, Status.PASSED))
    assert (passed.status, passed.earned, passed.n_passed, passed.reason) == (
        Status.PASSED,
        3.5,
        2,
        "",
    )
    for other in set(Status) - {Status.PASSED}:
        almost = score(EXERCISE, outcomes(Status.PASSED, other, Status.PASSED))
        assert almost.status is not Status.PASSED
        assert (almost.earned, almost.n_passed) == (0.0, 2)


def test_nothing_tested_is_our_fault() -> None:
    """An exercise without checks earns nothing, and is not the learner's failure."""
    empty = score(EXERCISE, [])
    assert (empty.status, empty.earned) == (Status.GRADER_ERROR, 0.0)
    assert empty.reason == "no check was run for it"


@pytest.mark.parametrize("status", Status)
def test_one_status_alone_is_the_exercises(status: Status) -> None:
    """Checks that agree need no rule."""
    assert status_of(outcomes(status)) is status
    assert status_of(outcomes(status, status)) is status


@pytest.mark.parametrize(
    ("found", "status"),
    [
        ({Status.TAMPERED, Status.TIMEOUT, Status.ERROR, Status.FAILED}, Status.TAMPERED),
        ({Status.TAMPERED, Status.PASSED}, Status.TAMPERED),
        ({Status.TAMPERED, Status.GRADER_ERROR}, Status.TAMPERED),
        ({Status.TIMEOUT, Status.ERROR, Status.FAILED}, Status.TIMEOUT),
        ({Status.ERROR, Status.FAILED, Status.PASSED}, Status.ERROR),
        ({Status.FAILED, Status.GRADER_ERROR}, Status.FAILED),
        ({Status.FAILED, Status.UNRESOLVED, Status.PASSED}, Status.FAILED),
        ({Status.FAILED, Status.MISSING}, Status.FAILED),
        ({Status.GRADER_ERROR, Status.UNRESOLVED, Status.PASSED}, Status.GRADER_ERROR),
        ({Status.UNRESOLVED, Status.PASSED}, Status.UNRESOLVED),
        ({Status.MISSING, Status.PASSED}, Status.FAILED),
        ({Status.MISSING, Status.ERROR}, Status.ERROR),
    ],
    ids=lambda value: "+".join(sorted(value)) if isinstance(value, set) else str(value),
)
def test_what_wins(found: set[Status], status: Status) -> None:
    """Evidence of an attack, then what is definite of the learner's, then what is ours."""
    for order in permutations(found):
        assert status_of(outcomes(*order)) is status


def test_order_and_number_of_checks_do_not_matter() -> None:
    """The status depends on which statuses were found, for every triple of them."""
    for triple in product(Status, repeat=3):
        expected = status_of(outcomes(*triple))
        assert status_of(outcomes(*reversed(triple))) is expected
        assert status_of(outcomes(*triple, *triple)) is expected


def test_our_errors_are_never_charged_as_a_failure() -> None:
    """Where nothing of the learner's failed, an error of ours does not become one."""
    for ours in OURS:
        assert status_of(outcomes(Status.PASSED, ours)) is ours
        assert status_of(outcomes(Status.PASSED, ours)) is not Status.FAILED


def test_the_reason_is_the_first_of_its_status() -> None:
    """Statuses that are no check's failure say why in one clause; a failure says it check by check."""
    mixed = score(EXERCISE, outcomes(Status.FAILED, Status.PASSED, Status.TIMEOUT, Status.TIMEOUT))
    assert mixed.reason == "headline 2"
    assert score(EXERCISE, outcomes(Status.FAILED, Status.FAILED)).reason == ""
    bare = Outcome("softmax::test", "", "softmax", Status.ERROR)
    assert score(EXERCISE, [bare]).reason == ""


def test_outcomes_are_kept() -> None:
    """A score holds its outcomes in the order in which they were run."""
    run = outcomes(Status.FAILED, Status.PASSED)
    assert score(EXERCISE, run).outcomes == tuple(run)
