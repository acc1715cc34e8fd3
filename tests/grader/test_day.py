"""A learner's day with the real program: what the docs show, and programs ended at any moment with nothing lost."""

from __future__ import annotations

import ast
import json
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path

import pytest

from grader.catalog import load_course
from grader.content import Content, locate
from grader.journal import Journal
from grader.workspace import create_workspace

ROOT = Path(__file__).parents[2]
MINE = "def scaled_square_grad(x, c):\n    return 2 * c * x  # mine\n\n\ndef row_means(x):\n    return x.mean(1)\n"
OURS = re.compile(
    rf'File "{re.escape(str(ROOT))}[/\\\\]grader[/\\\\](?!__(?:main|init)__\.py", line \d+, in <module>)'
)
"""A frame of ours, but for the lines that Python runs before `grader.__main__.main` can take a Ctrl-C."""
N_MOMENTS = 6
"""Ends of each command, spread over its usual time."""
COMMANDS = (
    ["check"], ["hint", "row_means"], ["reset", "row_means"], ["update"], ["progress", "--figure", "p.png"],
)  # fmt: skip

pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="needs a system with fork")


def test_recorded_session_is_what_the_program_shows() -> None:
    """docs/session.md, run again: the same but for times."""
    done = subprocess.run(
        [sys.executable, str(ROOT / "docs" / "record_session.py"), "--check"],
        cwd=ROOT, capture_output=True, text=True, timeout=300, check=False,
    )  # fmt: skip
    assert (done.returncode, done.stdout + done.stderr) == (0, "")


@pytest.fixture
def workspace(toy: Content, tmp_path: Path) -> Path:
    """A workspace of the toy course in which something was written."""
    content = locate(toy.root)
    root = tmp_path / "ws"
    create_workspace(root, content, load_course(content))
    (root / "toy" / "toy.py").write_text(MINE)
    return root


def start(root: Path, course: Path, arguments: Sequence[str]) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-m", "grader", *arguments], cwd=root, text=True,
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, env={**os.environ, "GRADER_COURSE": str(course)},
    )  # fmt: skip


def assert_nothing_is_lost(root: Path) -> None:
    """The learner's function is there, files are whole, and the log can be read."""
    texts = [file.read_text() for file in root.rglob("*.py")]
    assert any("# mine" in text for text in texts)
    for text in texts:
        ast.parse(text)
    list(Journal(root).entries())
    assert "x.mean(1)" in "".join(
        file.read_text() for file in [root / "toy" / "toy.py", *(root / ".grader").rglob("*.py")]
    )


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGINT], ids=["kill -9", "Ctrl-C"])
@pytest.mark.parametrize("arguments", COMMANDS, ids=lambda a: a[0])
def test_command_ended_at_any_moment_loses_nothing(
    toy: Content, workspace: Path, arguments: list[str], number: signal.Signals
) -> None:
    """And the command can be run again."""
    begun = time.monotonic()
    with start(workspace, toy.root, arguments) as whole:
        _, errors = whole.communicate(timeout=60)
        assert (whole.returncode, errors) == (0, "")
    usual = time.monotonic() - begun
    for moment in range(N_MOMENTS):
        (workspace / "toy" / "toy.py").write_text(MINE)
        with start(workspace, toy.root, arguments) as running:
            time.sleep(usual * (moment + 0.5) / N_MOMENTS)
            running.send_signal(number)
            _, errors = running.communicate(timeout=60)
        if number == signal.SIGINT and OURS.search(errors):
            raise AssertionError(errors)  # only Python, while it starts, may say where it was
        assert_nothing_is_lost(workspace)
    with start(workspace, toy.root, arguments) as again:
        _, errors = again.communicate(timeout=60)
        assert (again.returncode, errors) == (0, "")


def test_init_that_is_killed_leaves_a_whole_workspace_or_none(toy: Content, tmp_path: Path) -> None:
    """Which can be made then."""
    for moment in range(8):
        with start(tmp_path, toy.root, ["init", f"ws{moment}"]) as running:
            time.sleep(0.02 + 0.04 * moment)
            running.kill()
        root = tmp_path / f"ws{moment}"
        if root.exists():
            assert (root / "toy" / "toy.py").exists()
            assert (root / "grader.toml").exists()
        else:
            with start(tmp_path, toy.root, ["init", str(root)]) as again:
                _, errors = again.communicate(timeout=60)
                assert (again.returncode, errors) == (0, "")


def test_two_hundred_checks_side_by_side_are_all_in_the_log(toy: Content, workspace: Path) -> None:
    """Lines of processes that write at once do not mix."""
    code = (
        "from pathlib import Path; from grader.journal import Journal\n"
        "for n in range(50): Journal(Path()).append('hint', 'row_means', rung=1 + n % 4, filler='x' * 3000)"
    )
    writers = [subprocess.Popen([sys.executable, "-c", code], cwd=workspace) for _ in range(4)]
    assert [writer.wait(60) for writer in writers] == [0] * 4
    lines = (workspace / ".grader" / "journal.jsonl").read_text().splitlines()
    assert len(lines) == 200
    assert all(len(json.loads(line)["filler"]) == 3000 for line in lines)
