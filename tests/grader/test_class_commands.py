"""`grader class grade` and `grader replay` as a person uses them: what they refuse, and what a run looks like."""

from __future__ import annotations

import io
import subprocess
import sys
from collections import Counter
from pathlib import Path

import click
import pytest
from click.testing import CliRunner
from rich.console import Console

from grader.classroom.intake import Entry, Intake
from grader.classroom.ledger import Summary
from grader.classroom.progress import Showing, print_notes, print_summary
from grader.classroom.run import GRADED, OURS, REUSED, UNREADABLE, Step
from grader.cli import cli


def console(*, terminal: bool = False) -> tuple[Console, io.StringIO]:
    """A console of 80 columns, and what is written to it."""
    file = io.StringIO()
    made = Console(file=file, width=80, force_terminal=terminal, color_system=None, highlight=False)
    return made, file


@pytest.mark.parametrize("command", [["class", "grade"], ["replay"]])
def test_help_fits_a_narrow_terminal(command: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    """The help has examples and no line of over 80 columns."""
    monkeypatch.setenv("COLUMNS", "80")
    said = CliRunner().invoke(cli, [*command, "--help"]).output
    assert "Examples:" in said
    assert max(map(len, said.splitlines())) <= 80


def test_help_starts_nothing_heavy() -> None:
    """The help of either command loads none of the heavy packages."""
    code = (
        "import sys; from grader.cli import run\n"
        "run(['class', 'grade', '--help']); run(['replay', '--help'])\n"
        "heavy = {'numpy', 'pytest', 'rich', 'sqlite3', 'yaml', 'distributed'} & set(sys.modules)\n"
        "sys.exit(repr(heavy) if heavy else 0)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize(
    ("args", "said"),
    [
        (["--secret", __file__, "--seed", "1"], "give one of them"),
        (["--scheduler", "tcp://x:1", "--jobs", "2"], "for this machine"),
        (["--only", "row_meens"], "did you mean|no exercise"),
        (["--jobs", "0"], "range"),
    ],
)
def test_options_that_do_not_go_together(tmp_path: Path, args: list[str], said: str) -> None:
    """Options that contradict one another, or name nothing, are usage errors, and nothing is made."""
    (tmp_path / "in").mkdir()
    given = ["class", "grade", str(tmp_path / "in"), "--out", str(tmp_path / "out"), *args]
    with pytest.raises(click.UsageError, match=said):
        CliRunner().invoke(cli, given, standalone_mode=False, catch_exceptions=False)
    assert not (tmp_path / "out").exists()


def steps(n: int) -> list[Step]:
    """Submissions of each kind in turn."""
    kinds = [GRADED, REUSED, UNREADABLE, OURS]
    return [Step(f"s{i}", kinds[i % 4], "[red]said[/]") for i in range(n)]


def test_plain_output_is_a_few_lines_and_one_each_when_asked_for() -> None:
    """Without a terminal ten lines tell of any number of submissions; with `verbose` each has its own."""
    made, file = console()
    with Showing(made, 200) as showing:
        for step in steps(200):
            showing.step(step)
    lines = file.getvalue().splitlines()
    assert len(lines) == 10
    assert lines[-1] == "200/200  50 graded, 50 as before, 50 unreadable, 50 not graded, our fault"
    made, file = console()
    with Showing(made, 4, verbose=True) as showing:
        for step in steps(4):
            showing.step(step)
    assert file.getvalue().splitlines()[0] == "s0: graded: [red]said[/]"
    assert len(file.getvalue().splitlines()) == 4


def test_terminal_has_a_bar_that_goes_away() -> None:
    """On a terminal a bar tells how far it is; nothing of it is left."""
    made, file = console(terminal=True)
    with Showing(made, 4) as showing:
        for step in steps(4):
            showing.step(step)
    assert "4/4" in file.getvalue()
    assert showing.counts == Counter({GRADED: 1, REUSED: 1, UNREADABLE: 1, OURS: 1})


def test_summary_names_who_needs_a_look() -> None:
    """What went wrong is told by name, the first of many; what did not happen has no line."""
    made, file = console()
    many = tuple(f"s{i}" for i in range(12))
    summary = Summary(9, ("ada",), (), ("bob",), (), many, (0.0, 50.0, 100.0, 100.0))
    print_summary(made, summary, Counter({GRADED: 8}), 2)
    said = file.getvalue()
    assert "1  cannot be read: ada" in said
    assert "1  withheld, with evidence of an attack: bob" in said
    assert "s7 and 4 more" in said
    assert "fault of ours" not in said
    assert "mean 62.5%, median 75.0%" in said


def test_notes_are_cut_unless_asked_for() -> None:
    """Eight notes and eight names are shown of more, and all of them with `verbose`."""
    names = tuple(f"s{i}" for i in range(20))
    intake = Intake((Entry("ada", "in/ada"),), tuple(f"note {i}" for i in range(20)), names, names)
    made, file = console()
    print_notes(made, intake)
    assert len(file.getvalue().splitlines()) == 11
    assert "s7 and 12 more" in file.getvalue()
    made, file = console()
    print_notes(made, intake, verbose=True)
    assert len(file.getvalue().splitlines()) == 22
    assert "s19" in file.getvalue()
