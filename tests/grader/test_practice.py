"""A learner's commands: next, hint, solution, reset, open, and the functions behind them."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import CliRunner

from grader.catalog import load_course
from grader.cli import cli
from grader.content import Content, installed
from grader.errors import WorkspaceError
from grader.journal import Journal
from grader.practice import (
    Stage,
    differences,
    editor_command,
    next_exercise,
    place_of,
    solution_text,
    stage_of,
    with_function,
)
from grader.workspace import create_workspace

FILE = '''"""Mine."""

import functools

import numpy as np


def first(x):
    """One."""
    return x


@functools.cache
def second(
    x,
):
    return x + 1  # two


# between


def third(x): return 3
'''
Run = Callable[..., str]


@pytest.fixture
def run(toy: Content, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Run:
    """Runs a command in a workspace of the toy course; what it prints. Fails where the command does."""
    from grader.content import locate

    content = locate(toy.root)
    create_workspace(tmp_path / "ws", content, load_course(content))
    monkeypatch.chdir(tmp_path / "ws")
    monkeypatch.delenv("VISUAL", raising=False)
    monkeypatch.setenv("EDITOR", "no-such-editor-here")
    runner = CliRunner()

    def run(*args: str) -> str:
        result = runner.invoke(cli, args, standalone_mode=False)
        if result.exception is not None:
            raise result.exception
        return result.output

    return run


def solve(name: str, body: str) -> None:
    """Write a function into the workspace's file."""
    file = Path("toy/toy.py")
    file.write_text(with_function(file.read_text(), name, body, "toy.py"))


@pytest.mark.parametrize(
    ("name", "first", "last"), [("first", 8, 10), ("second", 13, 17), ("third", 23, 23)]
)
def test_place_of_a_function(name: str, first: int, last: int) -> None:
    """From its first decorator to its last line."""
    place = place_of(FILE, name, "f.py")
    assert place is not None
    assert (place.first, place.last) == (first, last)


def test_a_function_is_replaced_and_nothing_else() -> None:
    """Text before and behind stays byte for byte; one that is not there is put last."""
    changed = with_function(FILE, "second", "def second(x):\n    return 0\n", "f.py")
    before, after = FILE[: FILE.index("@functools")], FILE[FILE.index("\n\n# between") :]
    assert changed == before + "def second(x):\n    return 0\n" + after
    added = with_function(FILE, "new", "def new(): pass\n", "f.py")
    assert added == FILE + "\n\ndef new(): pass\n"
    assert with_function("", "new", "def new(): pass\n", "f.py") == "def new(): pass\n"


def test_a_file_that_is_no_python_is_told() -> None:
    """With its name and line."""
    with pytest.raises(WorkspaceError, match="line 2: is not Python"):
        place_of("x = 1\ndef f(:\n", "f", "f.py")


def test_solutions_and_differences_leave_out_what_teaches_nothing() -> None:
    """No markers in the solution, no docstrings in the difference."""
    source = installed().source("softmax")
    text = solution_text(source.read_text(), "softmax_vjp", str(source))
    assert "SOLUTION" not in text
    assert text.startswith("def softmax_vjp(s, grad_s, axis=-1):\n")
    mine = 'def f(x):\n    """Mine."""\n    return x\n'
    theirs = 'def f(x):\n    """Theirs,\n    longer."""\n    return -x\n'
    lines = list(differences(mine, theirs))
    assert lines[3:] == [" def f(x):", "-    return x", "+    return -x"]
    assert not list(differences(mine, mine.replace("Mine", "Other")))


@pytest.mark.parametrize(
    ("editor", "command"),
    [
        ("vim", ["vim", "+7", "a b.py"]),
        ("/usr/bin/nvim -u NONE", ["/usr/bin/nvim", "-u", "NONE", "+7", "a b.py"]),
        ("code --wait", ["code", "--wait", "-g", "a b.py:7"]),
        ("subl", ["subl", "a b.py:7"]),
        ("notepad", ["notepad", "a b.py"]),
    ],
)
def test_editors_are_told_the_line_in_their_way(editor: str, command: list[str]) -> None:
    """An editor that is not known gets the file alone."""
    assert editor_command(editor, Path("a b.py"), 7) == command


def test_what_comes_next(run: Run) -> None:
    """The first that never passed; one that was given up is left behind."""
    assert run("next").startswith("scaled_square_grad  The scaled_square_grad")
    run("solution", "scaled_square_grad", "--give-up")
    assert run("next").startswith("row_means")
    solve(
        "row_means",
        "def row_means(x):\n    if not x.shape[1]: raise ValueError('no columns')\n    return x.mean(1)\n",
    )
    run("check", "row_means")
    assert "nothing is left" in run("next")


def test_stages(toy: Content) -> None:
    """New, tried, solved and given up."""
    assert stage_of(None) is Stage.NEW
    assert next_exercise(load_course(toy), {}) is not None


def test_hints_climb_rung_by_rung(run: Run) -> None:
    """One more each time, remembered, and the last one stays."""
    seen = [run("hint", "row_means") for _ in range(5)]
    assert [text.count(" of 4, ") for text in seen] == [1, 2, 3, 4, 4]
    assert "again shows the equation" in seen[0]
    assert "--give-up" in seen[3]
    assert Journal(Path()).standings()["row_means"].hints == 4
    assert sum(e.event == "hint" for e in Journal(Path()).entries()) == 4


def test_the_solution_is_for_those_who_solved_or_gave_up(run: Run) -> None:
    """Refused before, with what helps; afterwards with the difference from one's own."""
    import click

    with pytest.raises(click.UsageError, match="has not passed yet"):
        run("solution", "scaled_square_grad")
    solve("scaled_square_grad", "def scaled_square_grad(x, c):\n    return c * x + c * x\n")
    assert "100%" in run("check", "scaled_square_grad")
    text = run("solution", "scaled_square_grad")
    assert "return 2.0 * c * np.asarray(x)" in text
    assert "-    return c * x + c * x" in text
    assert not Journal(Path()).standings()["scaled_square_grad"].gave_up
    run("solution", "row_means", "--give-up")
    assert Journal(Path()).standings()["row_means"].gave_up
    assert "def row_means" in run("solution", "row_means")  # not asked twice


def test_reset_keeps_what_was_written(run: Run) -> None:
    """The function is a stub again, the others are as they were, and the old file is kept."""
    stub = Path("toy/toy.py").read_text()
    solve("scaled_square_grad", "def scaled_square_grad(x, c):\n    return 2 * c * x\n")
    solve("row_means", "def row_means(x):\n    return x\n")
    mine = Path("toy/toy.py").read_text()
    assert "is a stub again" in run("reset", "row_means")
    text = Path("toy/toy.py").read_text()
    assert "return 2 * c * x" in text
    assert text.count("raise NotImplementedError()") == 1
    (kept,) = Path(".grader/backups").iterdir()
    assert kept.read_text() == mine
    assert "is a stub already" in run("reset", "row_means")
    run("reset", "scaled_square_grad")
    assert Path("toy/toy.py").read_text() == stub


def test_open_without_an_editor_says_what_to_set(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    """An editor that is not there, and none at all, are usage errors."""
    import click

    with pytest.raises(click.UsageError, match="cannot be run"):
        run("open", "row_means")
    monkeypatch.delenv("EDITOR")
    with pytest.raises(click.UsageError, match="set VISUAL or EDITOR"):
        run("open", "row_means")


def test_open_starts_the_editor_at_the_function(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The next exercise by default, at its line; a file that does not parse is opened at its top."""
    script = tmp_path / "vim"
    script.write_text(f'#!/bin/sh\necho "$@" > {tmp_path}/called\n')
    script.chmod(0o755)
    monkeypatch.setenv("VISUAL", str(script))
    run("open")
    assert (tmp_path / "called").read_text() == f"+6 {Path('toy/toy.py').absolute()}\n"
    Path("toy/toy.py").write_text("def (")
    run("open", "row_means")
    assert (tmp_path / "called").read_text().startswith("+1 ")
