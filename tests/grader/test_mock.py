"""Timed rounds: what is drawn, the folder, the clock, and a score that may come late."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import click
import pytest

import grader.mock
from grader.catalog import load_course
from grader.cli import mock_command
from grader.content import Content, installed
from grader.errors import WorkspaceError
from grader.journal import Journal
from grader.mock import begin, drawn, latest, questions
from grader.practice import Stage, stage_of

Run = Callable[..., str]
START = datetime(2026, 5, 1, 12, 0, tzinfo=UTC)
MINUTE = timedelta(minutes=1)
RIGHT = """def scaled_square_grad(x, c):
    return 2 * c * x


def row_means(x):
    if not x.shape[1]:
        raise ValueError("no columns")
    return x.mean(1)
"""


@pytest.fixture
def at(monkeypatch: pytest.MonkeyPatch) -> Callable[[float], None]:
    """Sets the clock that the command goes by, in minutes from the start."""

    def at(minutes: float) -> None:
        monkeypatch.setattr(mock_command, "now", lambda: START + minutes * MINUTE)

    at(0)
    return at


def save(text: str, minutes: float) -> None:
    """Write the round's file so many minutes after its start."""
    one = latest(Path())
    assert one is not None
    file = one.folder / "toy.py"
    file.write_text(text)
    moment = (one.started + minutes * MINUTE).timestamp()
    os.utime(file, (moment, moment))


def test_new_exercises_are_drawn_first(tmp_path: Path) -> None:
    """By lot among equals, the same with the same seed, in the course's order."""
    course = load_course(installed())
    exercises = course.topic("softmax").exercises + course.topic("gan").exercises
    journal = Journal(tmp_path)
    for exercise in course.topic("gan").exercises[1:]:
        journal.append("checked", exercise.name, status="passed", mistakes=[])
    known = journal.standings()
    rounds = [drawn(exercises, known, 3, seed) for seed in range(30)]
    assert {stage_of(known.get(e.name)) for one in rounds for e in one} == {Stage.NEW}
    assert len({tuple(e.name for e in one) for one in rounds}) > 5
    assert rounds[4] == drawn(exercises, known, 3, 4)
    for one in rounds:
        assert [exercises.index(e) for e in one] == sorted(exercises.index(e) for e in one)
    assert len(drawn(exercises, known, 99, 0)) == len(exercises)
    assert course.topic("gan").exercises[0] in drawn(exercises, known, 8, 0)


def test_a_round_in_time(at_work: Run, at: Callable[[float], None], toy_bank: Path) -> None:
    """Stubs of what was drawn alone, the questions, and a score with the time that was used."""
    text = at_work("mock", "--functions", "1", "--minutes", "15", "--seed", "1")
    assert "1 function in 15 minutes  (seed 1)" in text
    one = latest(Path())
    assert one is not None
    (name,) = one.functions
    title, command = text.splitlines()[text.splitlines().index("to answer aloud") + 1 :][:2]
    assert title.startswith("  toy: ")
    assert (
        command
        in {
            "row_means": ["    grader ask toy-means"],
            "scaled_square_grad": ["    grader ask toy-gradient", "    grader ask toy-curvature"],
        }[name]
    )
    code = (one.folder / "toy.py").read_text()
    assert code.count("raise NotImplementedError()") == code.count("def ") == 1
    assert f"def {name}(" in code
    save(RIGHT, 9.5)
    at(600)
    text = at_work("mock", "--score")
    assert "✓ passed" in text
    assert "10 minutes  in time" in text
    assert "10 of 15 minutes: in time" in text
    assert command in text
    (entry,) = Journal(Path()).entries()
    assert (entry.event, entry.exercise, entry.details["late"]) == ("mock", name, False)
    assert stage_of(Journal(Path()).standings()[name]) is Stage.NEW  # the workspace's is a stub
    at_work("mock", "--score")  # once more, and not noted again
    assert len(list(Journal(Path()).entries())) == 1


def test_a_round_that_is_late(at_work: Run, at: Callable[[float], None]) -> None:
    """What was saved after the end earns nothing in time; the bank's mistakes are noted."""
    at_work("mock", "--functions", "2", "--minutes", "5")
    save(RIGHT.replace("2 * c", "c"), 7)
    at(8)
    text = at_work("mock")
    assert text.startswith("the round that was open is scored")
    assert "7 of 5 minutes: 2 minutes late; 0 of 5 points in time" in text
    assert "power rule" in text
    assert Journal(Path()).standings()["scaled_square_grad"].mistakes
    assert "2 functions in" in at_work("mock")  # that one was closed


def test_a_round_where_nothing_was_written(at_work: Run, at: Callable[[float], None]) -> None:
    """Its stubs are stubs."""
    at_work("mock", "--minutes", "5")
    at(3)
    text = at_work("mock", "--score")
    assert "nothing was written" in text
    assert "in time" not in text


def test_what_a_solution_calls_is_given_where_it_was_solved(at_work: Run, own_toy: Content) -> None:
    """From the workspace; not where it is unsolved."""
    source = own_toy.source("toy")
    source.write_text(
        source.read_text().replace("return 2.0", "row_means(x[None])\n    return 2.0")
    )
    course = load_course(own_toy)
    Path("toy/toy.py").write_text(RIGHT)
    journal = Journal(Path())

    def text() -> str:
        chosen = [course.exercise("scaled_square_grad")]
        one = begin(
            Path(), own_toy, course, chosen, journal.standings(), minutes=5, seed=0, now=START
        )
        return (one.folder / "toy.py").read_text()

    assert "row_means" not in text()
    journal.append("checked", "row_means", status="passed", mistakes=[])
    assert "return x.mean(1)" in text()
    assert len(list(Path("mock").iterdir())) == 2  # of the same second


def test_a_round_is_made_whole_or_not_at_all(
    at_work: Run, at: Callable[[float], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Stopped before its state is written, it leaves nothing behind."""

    def stop(*_: object) -> str:
        raise KeyboardInterrupt

    monkeypatch.setattr(grader.mock, "_dumped", stop)
    with pytest.raises(click.Abort):
        at_work("mock")
    assert not list(Path("mock").iterdir())


@pytest.mark.parametrize(
    "text",
    ["", "[]", '{"schema": 2}', '{"schema": 1, "started": "2026-05-01T12:00:00"}'],
)
def test_a_state_that_cannot_be_read(at_work: Run, at: Callable[[float], None], text: str) -> None:
    """Says which file, and what to do."""
    at_work("mock")
    (file,) = Path("mock").glob("*/mock.json")
    assert json.loads(file.read_text())["functions"]
    file.write_text(text)
    with pytest.raises(WorkspaceError, match=r"mock\.json: cannot be read .*remove its folder"):
        at_work("mock", "--score")


@pytest.mark.parametrize(
    ("args", "words"),
    [
        (["--score"], "`grader mock` begins one"),
        (["--difficulty", "hard"], "no exercise there is hard"),
        (["--topic", "toi"], "did you mean 'toy'"),
        (["--functions", "0"], "1<=x<=20"),
        (["--minutes", "601"], "1<=x<=600"),
    ],
)
def test_what_cannot_be_done(
    at_work: Run, at: Callable[[float], None], args: list[str], words: str
) -> None:
    """A usage error, and no folder."""
    with pytest.raises(click.UsageError, match=words):
        at_work("mock", *args)
    assert not Path("mock").exists()


def test_the_questions_of_this_course() -> None:
    """They are about the functions that were drawn, and files that cannot be read do no harm."""
    content = installed()
    course = load_course(content)
    names = ["attention_scores", "softmax_vjp", "attention_grads"]
    found = questions(content, course, names, 3, 0)
    assert 1 <= len(found) <= 3
    assert all(set(one.exercises) & set(names) for one in found)
