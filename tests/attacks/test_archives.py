"""Archives that mean harm are refused or read with care: nothing is written, and memory is bounded."""

from __future__ import annotations

import tempfile
import tracemalloc
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from grader.classroom.intake import take_in
from grader.errors import UnreadableSubmissionError
from grader.model import Course
from grader.submission import MAX_ARCHIVE_BYTES, Submission, read_submission

ROOM = 24 * 2**20
"""Bytes that reading a submission may take beside the archive itself, which is held in memory."""
ROOM_FOR_A_CLASS = 96 * 2**20
"""Bytes that an archive of a whole class may take: it is not held, but 100,000 members are known by name."""


@pytest.fixture
def quiet(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A folder to lay archives in, out of which nothing may be written."""
    for name in ("here", "temporary", "given"):
        (tmp_path / name).mkdir()
    monkeypatch.chdir(tmp_path / "here")
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "temporary"))
    yield tmp_path / "given"
    written = [*(tmp_path / "here").iterdir(), *(tmp_path / "temporary").iterdir()]
    assert written == []
    assert {path.name for path in tmp_path.iterdir()} == {"here", "temporary", "given"}
    assert not Path("/tmp/gradsmith-pwned").exists()


@contextmanager
def within(room: int) -> Iterator[None]:
    """What is done takes no more memory than `room` bytes at any time."""
    tracemalloc.start()
    try:
        yield
        assert tracemalloc.get_traced_memory()[1] <= room
    finally:
        tracemalloc.stop()


def outcome(read: Callable[[], Submission], honest: str) -> str:
    """What comes of reading something, in the words of `archives`."""
    try:
        submission = read()
    except UnreadableSubmissionError as error:
        assert str(error).isprintable()
        return f"refused: {error}"
    assert all(note.isprintable() for note in submission.notes)
    if submission.problems:
        assert not submission.sources
        return f"problem: {submission.problems[0].message}"
    assert submission.sources["toy"].text == honest
    return "read"


def agrees(found: str, wanted: str) -> bool:
    """Whether an outcome is one of those that it must be."""
    for each in wanted.split(" or "):
        kind, _, words = each.partition(": ")
        if found.partition(": ")[0] == kind and words in found:
            return True
    return False


def test_an_archive_by_itself(trick: Any, course: Course, quiet: Path, honest: str) -> None:
    """`grader score` takes the honest source, or says what is wrong with the archive."""
    path = quiet / "ada.zip"
    path.write_bytes(trick.made())
    with within(ROOM + min(path.stat().st_size, MAX_ARCHIVE_BYTES)):
        found = outcome(lambda: read_submission(path, course), honest)
    assert agrees(found, trick.alone), (found, trick.alone)
    assert [path.name for path in quiet.iterdir()] == ["ada.zip"]


def test_an_archive_among_others(trick: Any, course: Course, quiet: Path, honest: str) -> None:
    """`grader class grade` takes it for what it is by itself, and the entries beside it are read."""
    path = quiet / "ada.zip"
    path.write_bytes(trick.made())
    (quiet / "bob.py").write_text(honest)
    with (
        within(ROOM + min(path.stat().st_size, MAX_ARCHIVE_BYTES)),
        take_in([quiet], course) as intake,
    ):
        found = {
            entry.student: outcome(lambda entry=entry: entry.read(course), honest)
            for entry in intake.entries
        }
    assert found.keys() == {"ada", "bob"}
    assert agrees(found["ada"], trick.alone), (found["ada"], trick.alone)
    assert found["bob"] == "read"
    assert sorted(path.name for path in quiet.iterdir()) == ["ada.zip", "bob.py"]


def test_an_archive_of_a_class(trick: Any, course: Course, quiet: Path, honest: str) -> None:
    """What one student's folder does in the archive of a class costs nobody else anything."""
    path = quiet / "class.zip"
    path.write_bytes(trick.made(b"ada/"))
    found = {}
    with within(ROOM_FOR_A_CLASS):
        try:
            with take_in([path], course) as intake:
                for entry in intake.entries:
                    found[entry.student] = outcome(lambda entry=entry: entry.read(course), honest)
        except UnreadableSubmissionError as error:
            assert str(error).isprintable()
            found["ada"] = f"all refused: {error}"
    assert agrees(found.pop("ada", "absent"), trick.whole), (found, trick.whole)
    assert trick.whole.startswith("all") or found == {"bob": "read"}
    assert [path.name for path in quiet.iterdir()] == ["class.zip"]
