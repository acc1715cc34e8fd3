"""The progress line: there while one waits on a terminal, and gone without a trace."""

from __future__ import annotations

import io

import pytest
from rich.cells import cell_len
from rich.console import Console

from grader.report.progress import DELAY, INTERVAL, Progress


class Clock:
    """Seconds that pass when told to."""

    now = 100.0

    def __call__(self) -> float:
        return self.now


def run(
    n: int, seconds: float, *, terminal: bool = True, width: int = 80, encoding: str = "utf-8"
) -> str:
    """What is written while `n` exercises take `seconds` each."""
    raw = io.BytesIO()
    file = io.TextIOWrapper(raw, encoding=encoding, newline="")
    console = Console(
        file=file,
        force_terminal=terminal,
        width=width,
        legacy_windows=False,
        _environ={"TERM": "xterm"},
    )
    clock = Clock()
    with Progress(console, n, clock=clock) as progress:
        for i in range(n):
            clock.now += seconds
            progress.advance(f"exercise_{i}")
    file.flush()
    return raw.getvalue().decode(encoding)


def screen(text: str) -> str:
    """What is left on one line after its carriage returns."""
    cells: list[str] = []
    for part in text.split("\r"):
        cells[: len(part)] = list(part)
    return "".join(cells).rstrip()


def test_short_runs_show_nothing():
    """A run that is over before the delay writes nothing at all."""
    assert run(10, 0.9 * DELAY / 10) == ""


def test_nothing_where_there_is_no_terminal():
    """A log or a pipe gets no progress, however long the run."""
    assert run(50, 1.0, terminal=False) == ""


def test_long_runs_show_count_and_name():
    """The line has how many are done, of how many, and the name of the last."""
    text = run(40, 0.5)
    assert "  12/40  exercise_11" in text
    assert "  40/40  exercise_39" in text


def test_the_line_goes_away():
    """Nothing is left on the screen, and the cursor is at its start."""
    text = run(40, 0.5)
    assert screen(text) == ""
    assert text.endswith("\r")
    assert "\n" not in text


def test_the_line_goes_away_after_an_error():
    """An error in the run leaves a clean line for its message."""
    file = io.StringIO()
    console = Console(file=file, force_terminal=True, _environ={"TERM": "xterm"})
    clock = Clock()

    def fail() -> None:
        with Progress(console, 3, clock=clock) as progress:
            clock.now += 1.0
            progress.advance("softmax")
            raise KeyError("softmax")

    with pytest.raises(KeyError):
        fail()
    assert "1/3" in file.getvalue()
    assert screen(file.getvalue()) == ""


def test_no_more_drawings_than_can_be_seen():
    """Ten thousand quick exercises are drawn at most once an interval."""
    n, seconds = 10_000, 0.0005
    assert run(n, seconds).count("\r") <= n * seconds / INTERVAL + 3


@pytest.mark.parametrize("width", [10, 40, 80])
def test_the_line_fits(width):
    """No drawing reaches the last column, where a terminal would wrap."""
    assert all(cell_len(part) < width for part in run(40, 0.5, width=width).split("\r"))


def test_consoles_without_unicode():
    """A console in ASCII gets a bar in ASCII."""
    text = run(4, 0.5, encoding="ascii")
    assert "############............  2/4" in text


def test_hostile_names_are_defused():
    """A name with escapes in it moves no cursor."""
    file = io.StringIO()
    console = Console(file=file, force_terminal=True, _environ={"TERM": "xterm"})
    clock = Clock()
    with Progress(console, 1, clock=clock) as progress:
        clock.now += 1.0
        progress.advance("\x1b[2Jx\n")
    assert "\x1b" not in file.getvalue()
    assert "\n" not in file.getvalue()


@pytest.mark.parametrize("n", [0, 2])
def test_more_exercises_than_announced(n):
    """A wrong total is no reason to fail, nor to draw a bar that is too long."""
    file = io.StringIO()
    console = Console(file=file, force_terminal=True, _environ={"TERM": "xterm"})
    clock = Clock()
    with Progress(console, n, clock=clock) as progress:
        for _ in range(5):
            clock.now += 1.0
            progress.advance("softmax")
    assert f"{n}/{n}" in file.getvalue()
    assert "3/2" not in file.getvalue()
