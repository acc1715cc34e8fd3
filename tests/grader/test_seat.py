"""A processor reserved for a grader and its workers."""

from __future__ import annotations

import os

import pytest

from grader.sandbox.seat import Seat

OWN = f"gradsmith-test-{os.getpid()}"
needs_affinity = pytest.mark.skipif(
    not hasattr(os, "sched_setaffinity") or len(os.sched_getaffinity(0)) < 2,
    reason="one processor only, or a system without affinities",
)


@needs_affinity
def test_two_seats_are_two_processors() -> None:
    """Two graders do not share a seat, and one that leaves gives its own back."""
    first, second, third = (Seat(OWN) for _ in range(3))
    first.take()
    second.take()
    assert first.processor is not None
    assert first.processor != second.processor
    taken = first.processor
    first.leave()
    third.take()
    assert third.processor == taken
    second.leave()
    third.leave()


@needs_affinity
def test_seat_is_left_after_the_block() -> None:
    """Inside the block this process sits on its processor; after it, where it may sit is as before."""
    before = os.sched_getaffinity(0)
    seat = Seat(OWN)
    with seat.taken():
        assert os.sched_getaffinity(0) == {seat.processor}
    assert os.sched_getaffinity(0) == before
    seat.leave()


def test_no_seat_where_the_system_has_none(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without affinities, as on macOS, nothing is reserved and nothing fails."""
    monkeypatch.delattr(os, "sched_setaffinity", raising=False)
    seat = Seat()
    with seat.taken():
        assert seat.processor is None
    seat.seat(os.getpid())
    seat.leave()
