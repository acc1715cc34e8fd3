"""The log of a workspace: what is written is what is derived, whatever happens in between."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import textwrap
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from grader.errors import WorkspaceError
from grader.grading import Grader
from grader.journal import Journal
from grader.model import Report, Status

START = datetime(2026, 5, 1, 9, 0, tzinfo=UTC)


def test_state_is_derived_from_what_was_done(tmp_path: Path) -> None:
    """Attempts, the first pass, hints, giving up and mistakes met, for each exercise by itself."""
    journal = Journal(tmp_path)
    hours = (START + timedelta(hours=n) for n in range(20))
    journal.append("hint", "f", next(hours), rung=1)
    journal.append("checked", "f", next(hours), status="failed", mistakes=["f__a", "f__b"])
    journal.append("hint", "f", next(hours), rung=2)
    journal.append("checked", "f", next(hours), status="failed", mistakes=["f__a"])
    journal.append("checked", "f", next(hours), status="passed", mistakes=[])
    journal.append("checked", "f", next(hours), status="timeout", mistakes=[])
    journal.append("solution", "g", next(hours))
    journal.append("checked", "g", next(hours), status="passed", mistakes=[])
    standings = journal.standings()
    f, g = standings["f"], standings["g"]
    assert (f.attempts, f.attempts_to_solve, f.hints, f.gave_up) == (4, 3, 2, False)
    assert f.solved_at == START + timedelta(hours=4)
    assert f.status is Status.TIMEOUT
    assert f.mistakes == {"f__a": 2, "f__b": 1}
    assert (g.solved, g.gave_up) == (True, True)


def test_a_look_at_the_solution_afterwards_is_not_giving_up(tmp_path: Path) -> None:
    """Whoever has solved it may see it."""
    journal = Journal(tmp_path)
    journal.append("checked", "f", status="passed", mistakes=[])
    journal.append("solution", "f")
    assert not journal.standings()["f"].gave_up


def test_a_report_is_noted(
    toy_grader: Grader, grade_toy: Callable[..., Report], tmp_path: Path
) -> None:
    """A check writes a line for each function that is no stub, with the mistakes it met."""
    journal = Journal(tmp_path)
    journal.note(grade_toy("def scaled_square_grad(x, c):\n    return c * x\n"))
    (entry,) = journal.entries()
    assert (entry.event, entry.exercise) == ("checked", "scaled_square_grad")
    assert entry.details["status"] == "failed"
    assert entry.details["mistakes"] == ["scaled_square_grad__no_two"]


def test_no_journal_is_an_empty_one(tmp_path: Path) -> None:
    """Nothing was done yet."""
    assert Journal(tmp_path).standings() == {}


@pytest.mark.parametrize(
    "line",
    [
        b"", b"{", b"[]", b"3", b"\xff\xfe", b'{"at": "yesterday", "event": "hint", "exercise": "f"}',
        b'{"at": "2026-05-01T09:00:00", "event": "hint", "exercise": "f"}', b'{"event": "hint"}',
        b'{"at": "2026-05-01T09:00:00Z", "event": 3, "exercise": "f"}',
        b'{"at": "2026-05-01T09:00:00Z", "event": "from the future", "exercise": "h"}',
        b'{"at": "2026-05-01T09:00:00Z", "event": "checked", "exercise": "h", "status": "new"}',
        b'{"at": "2026-05-01T09:00:00Z", "event": "checked", "exercise": "h", "status": {}}',
        b'{"at": "2026-05-01T09:00:00Z", "event": "reviewed", "exercise": "h", "mistakes": {}}',
    ],
)  # fmt: skip
def test_lines_that_cannot_be_read_are_passed_over(tmp_path: Path, line: bytes) -> None:
    """A torn line, or one of a later version, loses nothing but itself."""
    journal = Journal(tmp_path)
    journal.append("checked", "f", status="passed", mistakes=[])
    with journal.path.open("ab") as file:
        file.write(line)  # no newline: the process was killed
    journal.append("checked", "g", status="passed", mistakes=[])
    assert {name for name, one in journal.standings().items() if one.solved} == {"f", "g"}


def test_two_processes_do_not_mix_their_lines(tmp_path: Path) -> None:
    """Lines of several writers are all there and whole."""
    code = """
        import sys
        from pathlib import Path
        from grader.journal import Journal
        journal = Journal(Path(sys.argv[1]))
        for i in range(200):
            journal.append("hint", sys.argv[2], rung=i, filler="x" * 300)
        """
    command = [sys.executable, "-c", textwrap.dedent(code), str(tmp_path)]
    writers = [subprocess.Popen([*command, name]) for name in ("a", "b", "c")]
    assert [writer.wait() for writer in writers] == [0, 0, 0]
    # Who looks while another writes takes its line for torn, and leaves an empty one, which is passed over.
    lines = [line for line in Journal(tmp_path).path.read_text().splitlines() if line]
    assert len(lines) == 600
    assert {json.loads(line)["exercise"] for line in lines} == {"a", "b", "c"}


@pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="needs SIGKILL")
def test_kill_loses_nothing_that_was_written(tmp_path: Path) -> None:
    """A writer that is killed at any moment leaves a log that can be read and goes on."""
    code = """
        import sys
        from pathlib import Path
        from grader.journal import Journal
        journal = Journal(Path(sys.argv[1]))
        for i in range(10**6):
            journal.append("hint", "f", rung=i)
            print(i, flush=True)
        """
    for _ in range(5):
        writer = subprocess.Popen(
            [sys.executable, "-c", textwrap.dedent(code), str(tmp_path)],
            stdout=subprocess.PIPE,
            text=True,
        )
        assert writer.stdout is not None
        writer.stdout.readline()
        time.sleep(0.05)
        os.kill(writer.pid, signal.SIGKILL)
        said = writer.stdout.read().split()
        writer.wait()
        writer.stdout.close()
        rungs = [e.details["rung"] for e in Journal(tmp_path).entries()]
        assert not said or int(said[-2 if len(said) > 1 else -1]) in rungs


@pytest.mark.skipif(
    os.geteuid() == 0 if hasattr(os, "geteuid") else False, reason="root may write anywhere"
)
def test_a_folder_that_cannot_be_written_is_told(tmp_path: Path) -> None:
    """One line with the path."""
    tmp_path.chmod(0o500)
    with pytest.raises(WorkspaceError, match="cannot be written"):
        Journal(tmp_path).append("hint", "f", rung=1)


@pytest.mark.parametrize("at", ["0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59-12:00"])
def test_moments_that_cannot_be_counted_with_are_passed_over(tmp_path: Path, at: str) -> None:
    """In another zone they would be no moments at all."""
    journal = Journal(tmp_path)
    journal.append("hint", "f", START, rung=1)
    line = json.dumps({"v": 1, "at": at, "event": "hint", "exercise": "f", "rung": 2})
    journal.path.write_text(journal.path.read_text() + line + "\n")
    assert [entry.at for entry in journal.entries()] == [START]
