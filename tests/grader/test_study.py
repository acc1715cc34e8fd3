"""`grader study`: what is due by the journal alone, a session by lines, and one at a pseudo-terminal."""

from __future__ import annotations

import importlib.util
import io
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from rich.console import Console

from grader.catalog import load_course
from grader.cli import cli, study_command
from grader.content import Content, locate
from grader.journal import STUDIED, Journal, derive
from grader.practice import next_exercise
from grader.progress import progress
from grader.questions import Question, load_questions
from grader.review import memories as review_memories
from grader.study.prompts import Ended, Lines, clock
from grader.study.schedule import (
    coming,
    due_questions,
    memories,
    new_questions,
    plan,
    revisions,
)
from grader.study.session import Tally, hold
from grader.workspace import create_workspace

START = datetime(2026, 5, 1, 12, 0, tzinfo=UTC)
DAY = timedelta(days=1)


@pytest.fixture
def bank(own_toy: Content, toy_bank: Path) -> list[Question]:
    """Gradient, means, curvature; means is to be known before gradient."""
    return load_questions(own_toy, load_course(own_toy))


def ids(questions: list[Question]) -> list[str]:
    return [one.id for one in questions]


def write(root: Path, *grades: tuple[str, int, int]) -> Journal:
    """A journal of ids, grades and days."""
    journal = Journal(root)
    for name, grade, day in grades:
        journal.append(STUDIED, name, START + day * DAY, grade=grade, revision=1)
    return journal


# ---- the schedule


def test_the_better_it_was_the_later_it_comes_back(tmp_path: Path) -> None:
    """Four grades, four days; none before tomorrow."""
    journal = write(tmp_path, *((f"q-{grade}", grade, 0) for grade in (1, 2, 3, 4)))
    known = memories(journal.entries(), START + 99 * DAY)
    days = [(known[f"q-{grade}"].card.due - START).days for grade in (1, 2, 3, 4)]
    assert days == sorted(days)
    assert days[0] == 1
    assert days[0] < days[2] < days[3]


def test_intervals_grow_and_shrink(tmp_path: Path) -> None:
    """A good answer lengthens them, a weak one begins anew."""
    grades = [("q-a", 3, 0)]
    intervals = []
    for _ in range(4):
        root = tmp_path / str(len(grades))
        root.mkdir()
        one = memories(write(root, *grades).entries(), START + 900 * DAY)["q-a"]
        intervals.append((one.card.due - one.last).days)
        grades.append(("q-a", 3, (one.card.due - START).days))
    assert intervals == sorted(set(intervals))
    (tmp_path / "weak").mkdir()
    lost = write(tmp_path / "weak", *grades[:-1], ("q-a", 1, grades[-1][2]))
    one = memories(lost.entries(), START + 900 * DAY)["q-a"]
    assert (one.card.due - one.last).days < intervals[-1] / 3


def test_what_is_no_grade_is_passed_over(tmp_path: Path) -> None:
    """Unknown numbers, other types, other events, and ids that the bank has no longer."""
    journal = Journal(tmp_path)
    for grade in (0, 5, "3", None, True, 2.0):
        journal.append(STUDIED, "q-a", START, grade=grade)
    journal.append("checked", "q-a", START, grade=3, status="passed")
    journal.append(STUDIED, "q-gone", START, grade=3)
    assert memories(journal.entries(), START, {"q-a"}) == {}
    assert set(memories(journal.entries(), START)) == {"q-gone"}


def test_a_clock_that_was_wrong_does_no_harm(tmp_path: Path) -> None:
    """What is later than now was done now."""
    journal = write(tmp_path, ("q-a", 3, 10**5))
    assert memories(journal.entries(), START)["q-a"].last == START


def test_question_ids_leave_exercises_alone(tmp_path: Path, own_toy: Content) -> None:
    """They are no standing, no progress, no review, and do not change what comes next."""
    course = load_course(own_toy)
    journal = write(tmp_path, ("toy-gradient", 3, 0), ("toy-means", 1, 0))
    assert derive(journal.entries()) == {}
    assert review_memories(journal.entries(), START) == {}
    assert not progress(course, journal.entries(), lambda *_: None).days
    assert next_exercise(course, journal.standings()) is course.exercises[0]


def test_ids_are_never_names_of_functions() -> None:
    """An id holds a `-`; a function's name cannot."""
    content = locate()
    course = load_course(content)
    from grader.questions import read_questions

    questions, _ = read_questions(content, course)
    assert questions
    assert not {one.id for one in questions} & {each.name for each in course.exercises}
    assert all("-" in one.id for one in questions)


def test_prerequisites_come_first(bank: list[Question]) -> None:
    """New questions are in the bank's order, but with what is to be known before in front."""
    assert ids(bank)[0] == "toy-gradient"
    assert ids(new_questions(bank, [])) == ["toy-means", "toy-gradient", "toy-curvature"]
    assert ids(new_questions(bank, ["toy-means"])) == ["toy-gradient", "toy-curvature"]
    circle = [
        replace(one, prerequisites=(other.id,))
        for one, other in zip(bank, bank[1:] + bank[:1], strict=True)
    ]
    assert sorted(ids(new_questions(circle, []))) == sorted(ids(bank))


def test_plan_takes_due_then_new(tmp_path: Path, bank: list[Question]) -> None:
    """The longest overdue first; at most so many new, at most so many in all."""
    journal = write(tmp_path, ("toy-curvature", 1, 0), ("toy-gradient", 1, 2))
    later = START + 20 * DAY
    known = memories(journal.entries(), later)
    assert ids(plan(bank, known, later, new=5, zone=UTC)) == [
        "toy-curvature", "toy-gradient", "toy-means",
    ]  # fmt: skip
    assert ids(plan(bank, known, later, new=0, zone=UTC)) == ["toy-curvature", "toy-gradient"]
    assert ids(plan(bank, known, later, new=5, limit=1, zone=UTC)) == ["toy-curvature"]
    assert ids(plan(bank, {}, later, new=1, zone=UTC)) == ["toy-means"]
    assert due_questions(bank, known, START, UTC) == []
    assert due_questions(bank[1:2], known, later, UTC) == []


def test_coming_counts_days_after_today(tmp_path: Path) -> None:
    """What is due is not among them."""
    journal = write(tmp_path, ("q-a", 1, 0), ("q-b", 1, 1), ("q-c", 1, 1))
    known = memories(journal.entries(), START + 9 * DAY).values()
    assert coming(known, START + DAY, UTC) == [((START + 2 * DAY).date(), 2)]


def test_revisions_are_the_last_ones(tmp_path: Path) -> None:
    """A question whose answer has another meaning since can be told."""
    journal = Journal(tmp_path)
    for revision in (1, 2, "x"):
        journal.append(STUDIED, "q-a", START, grade=3, revision=revision)
    assert revisions(journal.entries()) == {"q-a": 2}


# ---- a session by lines


def session(
    root: Path, bank: list[Question], text: str, **options: Any
) -> tuple[Tally, str, list[dict[str, Any]]]:
    """What became of it, what it printed, and the journal."""
    out, lines = io.StringIO(), io.StringIO(text)
    asking = Lines(Console(file=out, width=80, highlight=False), lines.readline)
    tally = hold(bank, Journal(root), asking, lambda: START, **options)
    file = Journal(root).path
    written = [json.loads(line) for line in file.read_text().splitlines()] if file.exists() else []
    return tally, out.getvalue(), written


STEPS = 6
"""Of a toy question: thirty seconds, in full, a follow-up and its answer, the traps, the rubric."""
ANSWERED = "\n" * STEPS


def test_a_session_by_lines(tmp_path: Path, bank: list[Question]) -> None:
    """Each step in its order, a grade for each question, one journal line for each grade."""
    tally, text, written = session(
        tmp_path, bank, f"{ANSWERED}4\n{ANSWERED}1\ns\n", timed=True
    )  # fmt: skip
    assert tally.line() == "2 studied: 1 weak, 1 strong; 1 skipped"
    order = [
        "1 of 3, new",
        "4 min to think. Enter: the answer",
        "In thirty seconds",
        "In full",
        "What if c < 0?",
    ]
    order += ["Then the gradient", "Traps", "Strong (4)", "strong: it comes back", "2 of 3, new"]
    places = [text.index(words) for words in order]
    assert places == sorted(places)
    assert "weak: it comes back tomorrow" in text
    assert [(e["event"], e["exercise"], e["grade"], e["revision"]) for e in written] == [
        ("studied", "toy-gradient", 4, 1), ("studied", "toy-means", 1, 1),
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("", "0 studied; 3 left for another time"),
        ("q\n", "0 studied; 3 left for another time"),
        (ANSWERED, "0 studied; 3 left for another time"),
        (f"{ANSWERED}3", "1 studied: 1 good; 2 left for another time"),
        (f"{ANSWERED}2\nQ\n", "1 studied: 1 good with gaps; 2 left for another time"),
        (f"{ANSWERED}s\n\ns\ns\n", "0 studied; 3 skipped"),
        (f"what?\n{ANSWERED}\n7\n-3\n3\n", "1 studied: 1 good; 2 left for another time"),
        ("\0\x1b[A\n\udcff\n", "0 studied; 3 left for another time"),
    ],
)
def test_input_that_ends_anywhere(
    tmp_path: Path, bank: list[Question], text: str, line: str
) -> None:
    """The end, q, s, and words that are no choice: what was graded is written."""
    tally, _, written = session(tmp_path, bank, text)
    assert tally.line() == line
    assert len(written) == tally.studied


def test_ctrl_c_ends_it(tmp_path: Path, bank: list[Question]) -> None:
    """As q does."""

    class Interrupted(Lines):
        def ask(self, *_: object, **__: object) -> str:
            raise KeyboardInterrupt

    asking = Interrupted(Console(file=io.StringIO()), lambda: "")
    assert hold(bank, Journal(tmp_path), asking, lambda: START).left == 3


def test_what_is_new_due_or_revised_is_said(tmp_path: Path, bank: list[Question]) -> None:
    """In the line below the title."""
    write(tmp_path, ("toy-gradient", 1, -9), ("toy-means", 1, -9))
    revised = [bank[0], replace(bank[1], revision=2), bank[2]]
    _, text, _ = session(tmp_path, revised, "s\ns\ns\n")
    for words in ("1 of 3, due", "2 of 3, its answer is revised", "3 of 3, new"):
        assert words in text


@pytest.mark.parametrize(
    ("left", "text"),
    [(360, "6:00"), (359.5, "6:00"), (61, "1:01"), (0.2, "0:01"), (0, "+0:00 over"), (-75.5, "+1:15 over")],
)  # fmt: skip
def test_clock(left: float, text: str) -> None:
    """It counts down, and then up."""
    assert clock(left) == text


def test_input_that_cannot_be_read_ends_it() -> None:
    """A closed standard input is as one at its end."""

    def read() -> str:
        raise ValueError("I/O operation on closed file")

    with pytest.raises(Ended):
        Lines(Console(file=io.StringIO()), read).ask({"enter": "go on"})


# ---- the command


@pytest.fixture
def at_work(
    own_toy: Content, toy_bank: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Callable[..., str]:
    """Runs `grader study` with some input in a workspace."""
    content = locate(own_toy.root)
    create_workspace(tmp_path / "ws", content, load_course(content))
    monkeypatch.chdir(tmp_path / "ws")
    monkeypatch.setenv("COLUMNS", "80")

    def run(*args: str, text: str = "", at: datetime = START) -> str:
        monkeypatch.setattr(study_command, "now", lambda: at)
        result = CliRunner().invoke(cli, ["study", *args], input=text, standalone_mode=False)
        if result.exception is not None:
            raise result.exception
        assert max(map(len, result.output.splitlines()), default=0) <= 80
        return result.output

    return run


def test_study_over_days(at_work: Callable[..., str]) -> None:
    """New questions, at most so many; they come back; the status tells when."""
    assert at_work("--status") == "0 due; 0 of 3 studied\n`grader study` begins\n"
    text = at_work("--new", "1", text=f"{ANSWERED}1\n")
    assert "toy-means" in text
    assert text.endswith("1 studied: 1 weak\ncoming back: tomorrow 1\n")
    assert "nothing is due, and --new 0 leaves out new questions" in at_work("--new", "0")
    tomorrow = START + DAY
    assert "1 due; 1 of 3 studied" in at_work("--status", at=tomorrow)
    text = at_work("--limit", "2", text=f"{ANSWERED}3\n{ANSWERED}3\n", at=tomorrow)
    assert "1 of 2, due" in text
    assert "2 of 2, new" in text
    assert "2 of 3 studied" in at_work("--status", at=tomorrow)
    assert "1 of 1, new" in at_work("--difficulty", "onsite", "--tag", "power", at=tomorrow)


def test_study_wants_a_workspace(tmp_path: Path, own_toy: Content, toy_bank: Path) -> None:
    """And says how to make one."""
    done = subprocess.run(
        [sys.executable, "-m", "grader", "study", "--course", str(own_toy.root)],
        cwd=tmp_path, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 2
    assert "grader init" in done.stderr


# ---- the program at a pseudo-terminal


def pty_program() -> Any:
    if sys.platform == "win32":
        pytest.skip("pseudo-terminals are of POSIX")
    spec = importlib.util.spec_from_file_location(
        "pty_program", Path(__file__).with_name("pty_program.py")
    )
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture
def start(own_toy: Content, toy_bank: Path, tmp_path: Path) -> Iterator[Callable[..., Any]]:
    """Starts a command of grader in a workspace, on a terminal."""
    content = locate(own_toy.root)
    create_workspace(tmp_path / "ws", content, load_course(content))
    module = pty_program()
    running = []

    def begin(*args: str, width: int = 80, height: int = 24, **env: str) -> Any:
        env = {"PYTHONPATH": str(Path(__file__).parents[2]), **env}
        program = module.Program(
            [sys.executable, "-m", "grader", *args], tmp_path / "ws",
            width=width, height=height, env=env,
        )  # fmt: skip
        running.append(program)
        return program

    yield begin
    for program in running:
        program.close()


def journal_of(tmp_path: Path) -> list[dict[str, Any]]:
    file = Journal(tmp_path / "ws").path
    return [json.loads(line) for line in file.read_text().splitlines()] if file.exists() else []


def uncover(program: Any) -> None:
    """Press Enter, and Space, until the grade is asked for."""
    for key, words in (
        ("\r", "term by term"), (" ", "Cauchy"), ("\r", "What if c < 0?"), (" ", "points inwards"),
        ("\r", "Forgetting"), ("\r", "Strong (4)"),
    ):  # fmt: skip
        program.press(key)
        program.wait_for(words)
    program.wait_for("1: weak")


@pytest.mark.parametrize("env", [{}, {"NO_COLOR": "1"}])
def test_reveal_grade_quit(start: Callable[..., Any], tmp_path: Path, env: dict[str, str]) -> None:
    """A key for each step, a grade that is written at once, q; the terminal is left as it was found."""
    program = start("study", height=40, **env)
    program.wait_for("What is a mean?", "Enter: the answer in thirty seconds")
    assert "term by term" not in program.text
    uncover(program)
    program.press("\r9x")  # no grades
    program.press("3")
    program.wait_for("good: it comes back", "2 of 3, new")
    assert [entry["grade"] for entry in journal_of(tmp_path)] == [3]
    program.press("s")
    program.wait_for("3 of 3")
    program.press("q")
    assert program.end() == 0
    assert "1 studied: 1 good; 1 skipped; 1 left for another time" in program.text
    assert "Enter:" not in program.text
    assert program.settings() == program.found
    if env:
        assert b"\x1b[3" not in bytes(program.raw)


def test_ctrl_c_at_the_terminal(start: Callable[..., Any], tmp_path: Path) -> None:
    """It ends with the sum, and what was graded stays."""
    program = start("study", height=40)
    program.wait_for("Enter: the answer")
    uncover(program)
    program.press("4")
    program.wait_for("2 of 3")
    program.press("\r")
    program.wait_for("the full answer")
    program.press("\x03")
    assert program.end() == 0
    assert "1 studied: 1 strong; 2 left" in program.text
    assert len(journal_of(tmp_path)) == 1
    assert program.settings() == program.found


def test_a_terminal_that_is_closed(start: Callable[..., Any], tmp_path: Path) -> None:
    """What was graded is written; the program ends."""
    program = start("study", height=40)
    program.wait_for("Enter: the answer")
    uncover(program)
    program.press("2")
    program.wait_for("2 of 3")
    program.hang_up()
    assert program.process.wait(30) in (-signal.SIGHUP, 129)
    assert [entry["grade"] for entry in journal_of(tmp_path)] == [2]


def test_ctrl_d_ends_it(start: Callable[..., Any]) -> None:
    """The end of the input, at a keyboard."""
    program = start("study")
    program.wait_for("Enter: the answer")
    program.press("\x04")
    assert program.end() == 0
    assert "0 studied" in program.text


def test_resize(start: Callable[..., Any]) -> None:
    """The next step is as wide as the terminal now is."""
    program = start("study", width=100, height=40)
    program.wait_for("Enter: the answer")
    program.resize(50, 40)
    program.wait_for("Enter: the answer")
    program.press("\r")
    program.wait_for("term by term", "the full answer")
    program.press("\r")
    program.wait_for("Cauchy", "follow-up 1 of 1")
    at = program.text.index("In full")
    assert max(map(len, program.text[at:].splitlines())) <= 50


def test_a_long_answer_stops_at_each_page(start: Callable[..., Any], toy_bank: Path) -> None:
    """Its beginning is still to be read when the key for more is asked for."""
    file = toy_bank / "toy" / "means.md"
    text = file.read_text(encoding="utf-8")
    points = "\n".join(f"- the point {word}" for word in "abcdefghijklmnopqrstuvwxyz")
    file.write_text(text.replace("By the power rule", f"{points}\n\nBy the power rule"))
    program = start("study", height=12)
    program.wait_for("Enter: the answer")
    program.press("\r")
    program.wait_for("the full answer")
    program.press("\r")
    program.wait_for("In full", "the point a", "Enter: more")
    assert "the point z" not in program.text
    for _ in range(2):
        seen = program.text
        program.press(" ")
        program.wait(lambda text, seen=seen: text != seen and "Enter: more" in text)
    program.press(" ")
    program.wait_for("Cauchy", "follow-up 1 of 1")


def test_the_clock_counts_down(start: Callable[..., Any]) -> None:
    """While one thinks, and no longer."""
    program = start("study", "--timed")
    program.wait_for("3:5", "Enter: the answer")
    program.wait_for("3:58")
    program.press("\r")
    program.wait_for("Enter: the full answer")
    assert "3:5" not in program.text


def test_stopped_and_continued(start: Callable[..., Any]) -> None:
    """Ctrl-Z gives the terminal back as it was; continued, single keys work again."""
    program = start("study", height=40)
    program.wait_for("Enter: the answer")
    program.press("\x1a")
    until = time.monotonic() + 30
    while program.settings() != program.found:
        assert time.monotonic() < until
        time.sleep(0.05)
    os.kill(program.process.pid, signal.SIGCONT)
    while program.settings() == program.found:
        assert time.monotonic() < until
        time.sleep(0.05)
    program.press("\r")
    program.wait_for("term by term")


def test_ask_by_steps(start: Callable[..., Any]) -> None:
    """Enter shows the next; all of it is followed by what practises it."""
    program = start("ask", "toy-gradient", height=60)
    program.wait_for("Enter: the answer in thirty seconds")
    for words in (
        "term by term",
        "Cauchy",
        "What if c < 0?",
        "points inwards",
        "Strong",
        "Forgetting",
    ):
        assert words not in program.text
        program.press("\r")
        program.wait_for(words)
    assert program.end() == 0
    assert "practise: grader show scaled_square_grad" in program.text
    assert program.settings() == program.found


def test_a_dumb_terminal_gets_lines(start: Callable[..., Any]) -> None:
    """Where nothing can be written over, the keyboard's lines are read."""
    program = start("study", height=40, TERM="dumb")
    program.wait_for("[Enter: the answer in thirty seconds")
    program.press("\n")
    program.wait_for("term by term")
    program.press("q\n")
    assert program.end() == 0
    assert b"\x1b[K" not in bytes(program.raw)


def test_ascii_terminal(start: Callable[..., Any]) -> None:
    """Nothing but ASCII is sent to a terminal that shows no more."""
    program = start("study", height=40, PYTHONIOENCODING="ascii", PYTHONUTF8="0")
    program.wait_for("Enter: the answer")
    for _ in range(STEPS):
        before = program.text
        program.press("\r")
        program.wait(lambda text, before=before: text != before and "s: skip" in text)
    assert bytes(program.raw).isascii()


def test_piped_through_the_program(tmp_path: Path, own_toy: Content, toy_bank: Path) -> None:
    """Standard input that is no terminal is read by lines; its end ends the session."""
    content = locate(own_toy.root)
    create_workspace(tmp_path / "ws", content, load_course(content))
    done = subprocess.run(
        [sys.executable, "-m", "grader", "study", "--new", "2"], cwd=tmp_path / "ws",
        input=f"{ANSWERED}3\n\xff\n".encode("latin-1"), capture_output=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert b"1 studied: 1 good; 1 left" in done.stdout
    assert b"\x1b" not in done.stdout
    assert len(journal_of(tmp_path)) == 1
