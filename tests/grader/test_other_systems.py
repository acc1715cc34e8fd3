"""Commands where what Linux alone has is missing: simulated by taking it away before anything is imported."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import pytest

WITHOUT = """
import os, select, signal, sys

class Nothing:
    def find_spec(self, name, path=None, target=None):
        if name in {modules}:
            raise ModuleNotFoundError(f"No module named {{name!r}}", name=name)

sys.meta_path.insert(0, Nothing())
for name in {modules}:
    sys.modules.pop(name, None)
for module, names in {missing}.items():
    for name in names:
        if hasattr(sys.modules[module], name):
            delattr(sys.modules[module], name)
sys.argv[0] = "grader"
from grader.cli import main
main()
"""
NOT_ON_WINDOWS = {
    "modules": {"fcntl", "termios", "resource", "pwd", "grp", "pty", "tty"},
    "missing": {
        "os": [
            "fork", "forkpty", "setsid", "killpg", "getpgid", "sched_getaffinity", "sched_yield", "register_at_fork",
            "mkfifo", "getuid", "geteuid", "O_NOFOLLOW", "O_NONBLOCK", "fchmod", "chown",
        ],
        "signal": ["SIGKILL", "SIGHUP", "SIGWINCH", "SIGTSTP", "SIGCONT", "SIGSTOP", "SIGXCPU", "SIGUSR1"],
        "select": ["poll", "epoll"],
    },
}  # fmt: skip
NOT_ON_MACOS: dict[str, object] = {
    "modules": set(),
    "missing": {"os": ["sched_getaffinity", "sched_yield"], "select": ["epoll"]},
}
WORKSPACE_COMMANDS = (
    ["list"], ["next"], ["show", "softmax_vjp"], ["hint", "softmax_vjp"], ["progress"], ["update"], ["review"],
    ["reset", "softmax_vjp"], ["solution", "softmax_vjp", "--give-up"], ["open", "softmax_vjp"], ["figure"],
    ["mock", "--minutes", "5"], ["break", "softmax_vjp"],
)  # fmt: skip
GRADING_COMMANDS = (
    ["check", "softmax_vjp"], ["score", "softmax"], ["watch"], ["watch", "--plain"], ["verify", "softmax"],
    ["figure", "activations"],
)  # fmt: skip


def run(lacking: dict[str, object], cwd: Path, arguments: Sequence[str]) -> tuple[int, str, str]:
    """A command where some things are lacking: its exit code, output and errors."""
    done = subprocess.run(
        [sys.executable, "-c", WITHOUT.format(**lacking), *arguments],
        cwd=cwd, capture_output=True, text=True, timeout=120, check=False,
        env={**os.environ, "EDITOR": sys.executable + " -c pass"},
    )  # fmt: skip
    return done.returncode, done.stdout, done.stderr


@pytest.fixture(scope="module")
def workspace(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A workspace that was made where nothing of Linux is there."""
    folder = tmp_path_factory.mktemp("other")
    code, _, errors = run(NOT_ON_WINDOWS, folder, ["init", "ws"])
    assert (code, errors) == (0, "")
    return folder / "ws"


@pytest.mark.parametrize("arguments", WORKSPACE_COMMANDS, ids=" ".join)
def test_what_needs_no_other_process_works_without_fork(
    workspace: Path, arguments: list[str]
) -> None:
    """As on Windows."""
    code, _, errors = run(NOT_ON_WINDOWS, workspace, arguments)
    assert (code, errors) == (0, "")


@pytest.mark.parametrize("arguments", GRADING_COMMANDS, ids=" ".join)
def test_grading_without_fork_says_where_to_go(workspace: Path, arguments: list[str]) -> None:
    """One line that names the systems that will do."""
    code, _, errors = run(NOT_ON_WINDOWS, workspace, arguments)
    assert code == 3
    assert errors.count("\n") == 1
    assert "fork (Linux, macOS, or Windows with WSL)" in errors


def test_grading_works_without_what_macos_lacks(workspace: Path) -> None:
    """It has fork and poll, and neither affinity nor sched_yield."""
    code, output, errors = run(NOT_ON_MACOS, workspace, ["check", "softmax_vjp"])
    assert (code, errors) == (0, "")
    assert "softmax_vjp" in output
