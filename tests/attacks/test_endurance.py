"""A grader that meets a thousand attacks in a row stays as it was: memory, processes, folders, descriptors."""

from __future__ import annotations

import os
import platform
import sys
import tempfile
import time
import tracemalloc
from collections import Counter
from collections.abc import Iterator
from itertools import cycle, islice
from pathlib import Path
from typing import Any

import pytest

from grader.model import Status
from grader.submission import read_submission

N = 1000
GROWTH = 100 * 2**20
"""Bytes that the grader may have kept after a thousand attacks."""
KEPT = 40 * 2**20
"""The same after the attacks that send the most, which take 200 MiB in between."""
ROOM = 8 * 2**20
"""Bytes that reading a source that is too long may take: no more than the longest is read."""
LONG = 10**8

linux = pytest.mark.skipif(sys.platform != "linux", reason="memory and processes are read in /proc")


@pytest.fixture
def folder(monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """Where temporary folders of the grader are made, which others may enter."""
    with tempfile.TemporaryDirectory(prefix="attacks-") as name:
        os.chmod(name, 0o755)
        monkeypatch.setattr(tempfile, "tempdir", name)
        yield Path(name)


def resident() -> int:
    """Bytes of memory that this process has."""
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE")


def descendants() -> set[int]:
    """Processes below this one."""
    parents = {}
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            parents[int(stat.parent.name)] = int(stat.read_text().rpartition(")")[2].split()[1])
        except (OSError, ValueError):
            continue  # it has ended
    found: set[int] = set()
    below = {os.getpid()}
    while below:
        below = {pid for pid, parent in parents.items() if parent in below} - found
        found |= below
    return found


@pytest.mark.skipif(
    platform.libc_ver()[0] != "glibc", reason="other C libraries have no malloc_trim"
)
def test_memory_of_answers_is_given_back(corpus: Any, strongest: Any, hold: Any) -> None:
    """What the largest answers took is the system's again when the next submission is graded."""
    large = {"protocol/many_megabytes", "callbacks/odd_arguments"}
    held = hold(strongest)
    try:
        held.grade(held.ground.solution)
        before = resident()
        held.fire([attack for attack in corpus if attack.name in large], lambda shot: None)
        assert resident() - before <= KEPT
    finally:
        held.grader.close()


@linux
@pytest.mark.slow
def test_a_thousand_attacks_leave_nothing_behind(
    corpus: Any, strongest: Any, hold: Any, folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Through one grader, with a right solution behind each: what it keeps is bounded, what they left is gone."""
    before = descendants()
    n_descriptors = len(os.listdir("/proc/self/fd"))
    held = hold(strongest)
    found: Counter[str] = Counter()
    seen: list[int] = []
    try:
        held.grade(held.ground.solution)
        warm, n_processes, n_warm = resident(), len(descendants()), len(os.listdir("/proc/self/fd"))
        started = time.monotonic()

        def judge(shot: Any) -> None:
            report, following = shot.reports
            score = next(s for s in report.scores if s.exercise.name == shot.attack.attacked)
            forged = score.status is Status.PASSED and Status.PASSED not in shot.attack.verdicts(
                strongest
            )
            found["forged"] += forged
            found["harmed"] += following.earned != following.points
            found[score.status.value] += 1
            seen.append(resident() - warm)

        held.fire(islice(cycle(corpus), N), judge)
        took = time.monotonic() - started
        deadline = time.monotonic() + 10
        while len(descendants()) > n_processes and time.monotonic() < deadline:
            time.sleep(0.1)  # the last child is still being reaped
        assert len(descendants()) == n_processes
        assert len(os.listdir("/proc/self/fd")) <= n_warm
        assert len(list(folder.iterdir())) == 1
    finally:
        held.grader.close()
    with capsys.disabled():
        print(f"\n{N} attacks at {strongest.name} in {took:.0f} s: {dict(found)}")
        marks = [seen[i] / 2**20 for i in (len(corpus) - 1, N // 2, N - 1)]
        print(
            "grown by {:.0f} MiB after one round, {:.0f} MiB half way, {:.0f} MiB".format(*marks),
            end="",
        )
        print(f" at the end, {max(seen) / 2**20:.0f} MiB at most")
    assert found["forged"] == found["harmed"] == 0
    assert len(seen) == N
    assert seen[-1] <= GROWTH
    assert descendants() <= before
    assert len(os.listdir("/proc/self/fd")) <= n_descriptors
    assert list(folder.iterdir()) == []


def test_a_source_of_100_megabytes_is_not_read_whole(course: Any, tmp_path: Path) -> None:
    """Of a file that is too long no more is read than shows that it is."""
    path = tmp_path / "toy.py"
    with path.open("wb") as file:
        file.seek(LONG)  # of which a disk keeps the end alone
        file.write(b"\n")
    tracemalloc.start()
    try:
        submission = read_submission(path, course)
        assert tracemalloc.get_traced_memory()[1] <= ROOM
    finally:
        tracemalloc.stop()
    assert not submission.sources
    assert "over 1 MiB" in submission.problems[0].message


@pytest.mark.slow
def test_a_source_of_100_megabytes_costs_itself(strongest: Any, hold: Any) -> None:
    """One that comes past the reading is an error of the submission's, and the next is graded."""
    held = hold(strongest)
    try:
        report = held.grade(f"{held.ground.solution}\n# {'x' * LONG}")
        assert {score.status for score in report.scores} == {Status.ERROR}
        following = held.grade(held.ground.solution)
        assert following.earned == following.points
    finally:
        held.grader.close()
