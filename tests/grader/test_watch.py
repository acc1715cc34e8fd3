"""`grader watch`: what each event makes of the state, what the screen shows, the program under a pseudo-terminal."""

from __future__ import annotations

import importlib.util
import io
import json
import os
import random
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from rich.cells import cell_len
from rich.console import Console

from grader.catalog import load_course
from grader.content import Content, locate
from grader.grading import Grader
from grader.journal import Journal
from grader.model import (
    Cause,
    Course,
    Difficulty,
    Exercise,
    Failure,
    Hints,
    Mismatch,
    Outcome,
    Problem,
    Report,
    Score,
    Status,
    Topic,
)
from grader.practice import Stage
from grader.submission import read_submission
from grader.watch import state as at
from grader.watch.keys import Parser
from grader.watch.saves import Files
from grader.watch.state import Key, Page, Progress, State, Verdict, step
from grader.watch.versions import Change, change, needs, touched, version_of
from grader.watch.view import frame
from grader.workspace import create_workspace

# ---- a course of three functions, made by hand

FILE_A = '''"""A."""

import numpy as np

SCALE = 2.0


def helper(x):
    return x * SCALE


def first(x):
    return helper(x)


def second(x):
    return x + 1
'''


def exercise(name: str, topic: str) -> Exercise:
    hints = Hints("the concept", "the equation", "the shape", "the line")
    return Exercise(
        name, topic, f"The {name}", f"{name}(x)", 1.0, Difficulty.EASY, 5, (), hints
    )  # fmt: skip


FIRST, SECOND, THIRD = exercise("first", "a"), exercise("second", "a"), exercise("third", "b")
COURSE = Course(
    "A course", (Topic("a", "Letters", "", (FIRST, SECOND)), Topic("b", "More", "", (THIRD,)))
)


def versions(**texts: str) -> dict[str, Any]:
    """Versions of topics' files; each has a stamp of its own text."""
    return {topic: version_of(text, (hash(text),)) for topic, text in texts.items()}


def fresh(current: Exercise = FIRST, **changes: Any) -> State:
    found = versions(a=FILE_A, b="def third(x):\n    return x\n")
    return replace(State(COURSE, current, versions=found, sound=found), **changes)


def report(of: Exercise, status: Status, *outcomes: Outcome, **more: Any) -> Report:
    score = Score(of, status, 1.0 if status is Status.PASSED else 0.0, outcomes)
    topic = replace(COURSE.topic(of.topic), exercises=(of,))
    return Report("ws", "A course", "0", 0, "rlimits", 5.0, (topic,), (score,), **more)


def verdict(of: Exercise, status: Status, text: str | None = FILE_A) -> Verdict:
    failure = None if status is Status.PASSED else Failure("wrong")
    return Verdict(report(of, status, Outcome("t", "values", of.name, status, failure)), text)


def run(state: State, *events: at.Event) -> tuple[State, list[at.Effect]]:
    """The state after some events, and all their effects."""
    effects: list[at.Effect] = []
    for event in events:
        state, new = step(state, event)
        effects += new
    return state, effects


def saved(topic: str, text: str) -> at.Saved:
    return at.Saved(versions(**{topic: text}))


# ---- versions


def test_comments_and_layout_are_no_change() -> None:
    """What a formatter does is seen as the same program."""
    formatted = FILE_A.replace("return x + 1", "return (x  +  1)  # one more")
    assert change(version_of(FILE_A), version_of(formatted)) == Change(frozenset(), False)


@pytest.mark.parametrize(
    ("old", "new", "functions", "outside"),
    [
        ("x + 1", "x + 2", {"second"}, False),
        ("SCALE = 2.0", "SCALE = 3.0", set(), True),
        ("def second", "def other", {"second", "other"}, False),
        ("\n\ndef second", "\n\n@cached\ndef second", {"second"}, False),
    ],
)
def test_what_changed(old: str, new: str, functions: set[str], outside: bool) -> None:
    """By function; decorators belong to theirs."""
    found = change(version_of(FILE_A), version_of(FILE_A.replace(old, new)))
    assert found == Change(frozenset(functions), outside)


def test_file_that_is_not_python_tells_where_it_was_changed() -> None:
    """The function of the first line that differs, and each function's line, are known all the same."""
    broken = version_of(FILE_A.replace("return x + 1", "return x +"))
    assert broken.functions is None
    assert touched(version_of(FILE_A), broken) == "second"
    assert broken.lines == version_of(FILE_A).lines


@pytest.mark.parametrize("text", ["", "\0", "(" * 500, "x = " + "-" * 20_000 + "1", "def f(:"])
def test_no_text_breaks_a_version(text: str) -> None:
    """Whatever an editor leaves in a file."""
    assert version_of(text).functions in (None, {})


def test_calls_are_followed_through_helpers() -> None:
    """`first` needs what `helper` calls."""
    version = version_of(FILE_A.replace("return x * SCALE", "return second(x)"))
    assert needs(version, "first", {"second"})
    assert not needs(version, "second", {"first"})


# ---- saves


def test_start_checks_the_current_exercise() -> None:
    """And reads its statement."""
    _, effects = run(fresh(), at.Started())
    assert effects == [at.ReadStatement(FIRST), at.Check(1, FIRST)]


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        ("return helper(x)", "return x", FIRST),
        ("x * SCALE", "x / SCALE", FIRST),  # which it calls
        ("SCALE = 2.0", "SCALE = 1.0", FIRST),
        ("import numpy as np", "import numpy", FIRST),
        ("return x + 1", "return x + 2", SECOND),
        ("return x + 1", "return x +", FIRST),  # not Python: nobody can tell
        ("return x + 1", "return x + 1  # so", FIRST),
    ],
)
def test_save_checks_what_was_changed(old: str, new: str, expected: Exercise) -> None:
    """The current exercise where the change may concern it, else the function that was changed."""
    state, effects = run(fresh(), saved("a", FILE_A.replace(old, new)))
    assert state.current == expected
    assert [e.exercise for e in effects if isinstance(e, at.Check)] == [expected]


def test_save_of_another_topic_goes_there() -> None:
    """A function that is changed becomes the current one; a comment does not."""
    state, effects = run(fresh(), saved("b", "def third(x):\n    return -x\n"))
    assert state.current == THIRD
    assert at.Check(1, THIRD) in effects
    state, effects = run(fresh(), saved("b", "# so\ndef third(x):\n    return x\n"))
    assert (state.current, effects) == (FIRST, [])
    assert "b.py" in state.notice


def test_many_files_at_once_stay_with_the_current_exercise() -> None:
    """As when a branch is checked out."""
    both = versions(a=FILE_A.replace("helper(x)", "x"), b="def third(x):\n    return -x\n")
    state, effects = run(fresh(), at.Saved(both))
    assert state.current == FIRST
    assert effects == [at.Check(1, FIRST)]


def test_one_save_is_checked_once() -> None:
    """Word of the same save a second time changes nothing; a save without a change checks again."""
    state, effects = run(fresh(), saved("a", FILE_A))
    assert (state.number, effects) == (0, [])
    again = at.Saved({"a": version_of(FILE_A, (1,))})
    assert run(fresh(), again)[1] == [at.Check(1, FIRST)]


def test_change_is_seen_through_a_syntax_error() -> None:
    """What was changed is told from the last version that was Python."""
    state = fresh()
    state, _ = run(state, saved("a", "def (" + FILE_A))
    state, effects = run(state, saved("a", FILE_A.replace("x + 1", "x + 2")))
    assert state.current == SECOND
    assert effects[-1] == at.Check(2, SECOND)


def test_file_that_is_gone_for_a_moment_is_waited_for() -> None:
    """An editor that saves by rename; one that stays away is checked as missing."""
    state, effects = run(fresh(), at.Saved({"a": None}))
    assert effects == [at.LookAgain("a")]
    back, effects = run(state, saved("a", FILE_A), at.Gone("a"))
    assert effects == [at.Check(1, FIRST)]
    assert not back.notice
    assert run(state, at.Gone("a"))[1] == [at.Check(1, FIRST)]


# ---- verdicts


def test_only_the_newest_check_counts() -> None:
    """The answer of one that was superseded is dropped."""
    state, _ = run(fresh(), Key("c"), Key("c"))
    old, effects = run(state, at.Checked(1, verdict(FIRST, Status.FAILED)))
    assert (old, effects) == (state, [])
    new, _ = run(state, at.Checked(2, verdict(FIRST, Status.FAILED)))
    assert new.verdict is not None
    assert not new.checking


def test_first_pass_is_celebrated_once() -> None:
    """It is noted, counted, and no news the second time."""
    found = verdict(FIRST, Status.PASSED)
    state, effects = run(fresh(), Key("c"), at.Checked(1, found))
    assert at.Note(found.report) in effects  # type: ignore[arg-type]  # there is one
    assert state.n_solved == 1
    assert state.verdict is not None
    assert state.verdict.first
    state, _ = run(state, Key("c"), at.Checked(2, found))
    assert state.verdict is not None
    assert not state.verdict.first


def test_stubs_are_not_noted() -> None:
    """Nor is a check that could not be run."""
    state, effects = run(fresh(), Key("c"), at.Checked(1, verdict(FIRST, Status.MISSING)))
    assert effects == [at.Check(1, FIRST)]
    assert state.of(FIRST).stage is Stage.NEW
    _, effects = run(state, Key("c"), at.Checked(2, Verdict(None, message="no")))
    assert effects == [at.Check(2, FIRST)]


def test_failure_makes_a_new_exercise_a_tried_one() -> None:
    """And leaves a solved one solved."""
    state, _ = run(fresh(), Key("c"), at.Checked(1, verdict(FIRST, Status.FAILED)))
    assert state.of(FIRST).stage is Stage.TRIED
    state = fresh(progress={"first": Progress(Stage.SOLVED, True)})
    state, _ = run(state, Key("c"), at.Checked(1, verdict(FIRST, Status.FAILED)))
    assert state.of(FIRST).stage is Stage.SOLVED


# ---- keys


def test_hints_come_one_by_one_and_end() -> None:
    """Each is noted; after the last there is none to note."""
    state, effects = run(fresh(), *[Key("h")] * 6)
    assert effects == [at.NoteHint("first", rung) for rung in (1, 2, 3, 4)]
    assert state.page is Page.HINTS
    assert state.of(FIRST).rungs == 4


def test_hints_can_be_read_again_without_another() -> None:
    """H shows what was shown; where there was none it says so."""
    assert run(fresh(), Key("H"))[0].notice
    state, effects = run(fresh(progress={"first": Progress(rungs=2)}), Key("H"))
    assert (state.page, effects, state.of(FIRST).rungs) == (Page.HINTS, [], 2)


def test_solution_is_for_those_who_solved_or_gave_up() -> None:
    """s asks; S gives up, which is noted once."""
    state, effects = run(fresh(), Key("s"))
    assert effects == []
    assert "S" in state.notice
    state, effects = run(state, Key("S"), Key("S"), Key("s"))
    assert effects.count(at.NoteSolution("first")) == 1
    assert state.page is Page.SOLUTION
    assert state.of(FIRST).stage is Stage.GAVE_UP
    solved = fresh(progress={"first": Progress(Stage.SOLVED, True)})
    assert run(solved, Key("S"))[1] == [at.ReadSolution(FIRST)]


def test_next_passes_over_what_is_done() -> None:
    """Round the course; where all is done, simply on."""
    done = {"second": Progress(Stage.SOLVED, True)}
    assert run(fresh(progress=done), Key("n"))[0].current == THIRD
    assert run(fresh(THIRD, progress=done), Key("n"))[0].current == FIRST
    every = dict.fromkeys(("first", "second", "third"), Progress(Stage.GAVE_UP))
    assert run(fresh(progress=every), Key("n"))[0].current == SECOND
    assert run(fresh(SECOND), Key("p"))[0].current == FIRST
    assert run(fresh(), Key("p"))[0].notice


def test_verdict_of_the_same_file_is_not_asked_for_again() -> None:
    """Going to and fro notes nothing twice; a check of what was left is called off."""
    state = fresh(verdicts={"second": verdict(SECOND, Status.FAILED)})
    state, effects = run(state, Key("c"), Key("n"))
    assert state.current == SECOND
    assert effects == [at.Check(1, FIRST), at.ReadStatement(SECOND), at.Stop()]
    assert not state.checking
    old = fresh(verdicts={"second": verdict(SECOND, Status.FAILED, "older")})
    assert at.Check(1, SECOND) in run(old, Key("n"))[1]


def test_list_moves_and_jumps() -> None:
    """The cursor stays inside; Enter goes there; q goes back and does not end the session."""
    state, _ = run(fresh(), Key("l"), Key("j"), Key("down"), Key("down"))
    assert state.cursor == 2
    assert run(state, Key("enter"))[0].current == THIRD
    back, effects = run(state, Key("q"))
    assert (back.page, effects) == (Page.VERDICT, [])
    assert run(back, Key("q"))[1] == [at.Quit()]


def test_every_key_is_taken_on_every_page() -> None:
    """Whatever is pressed, there is a state."""
    keys = [
        *"abcdefghijklmnopqrstuvwxyzSHG?1 é",
        "esc",
        "enter",
        "up",
        "pagedown",
        "home",
        "ctrl-c",
    ]
    for page in Page:
        for key in keys:
            step(fresh(page=page), Key(key))


# ---- what a terminal sends


@pytest.mark.parametrize(
    ("data", "keys"),
    [
        (b"hq", ["h", "q"]),
        (b"\x1b[A\x1b[B\x1bOA", ["up", "down", "up"]),
        (b"\r \x1b[5~", ["enter", "space", "pageup"]),
        (b"\x1b[200~qS\nn\x1b[201~h", ["h"]),
        (b"\x1b[1;5A\x1b[99~x", ["x"]),
        (b"\x1b[<0;10;10Mq", ["q"]),
        ("é\u2028q".encode(), ["é", "q"]),
        (b"\xff\xfeq", ["q"]),
    ],
)
def test_keys_by_name(data: bytes, keys: list[str]) -> None:
    """Also where they come byte by byte; what is pasted is none."""
    assert Parser().feed(data) == keys
    if b"\xc3" not in data:
        parser = Parser()
        assert [key for byte in data for key in parser.feed(bytes([byte]))] == keys


def test_escape_alone_is_known_by_the_silence_behind_it() -> None:
    """An escape character may be the start of more."""
    parser = Parser()
    assert parser.feed(b"\x1b") == []
    assert parser.waits
    assert parser.flush() == ["esc"]
    assert not parser.waits


# ---- the view


def console(encoding: str = "utf-8") -> Console:
    stream = io.TextIOWrapper(io.BytesIO(), encoding=encoding)
    return Console(file=stream, force_terminal=True, width=80, height=24, highlight=False)


LONG = "the masked entries are filled after the softmax, so that the rows do not sum to one "
MISMATCH = Mismatch(
    name="grad", index=(1, 2), axes=("row", "column"), actual=1.5, expected=-1.5, error=3.0,
    tolerance=1e-9, n_wrong=6, n_total=12, shape=(3, 4), pattern="every second column",
)  # fmt: skip


def sample_states() -> dict[str, State]:
    """A state for everything that the screen can show."""
    outcomes = [
        Outcome(f"t{i}", f"values (shape=({i}, 5))", "first", Status.FAILED,
                Failure("wrong", MISMATCH, Cause("mistake", f"m{i}", LONG * 2), (LONG,)), printed="hello\n" * 9)
        for i in range(9)
    ]  # fmt: skip
    failed = Verdict(report(FIRST, Status.FAILED, *outcomes), FILE_A, "12:00:00")
    problem = Problem(
        "a", "a/a.py", "SyntaxError: invalid syntax", 3, 7, "    return x +" + " " * 90
    )
    error = Verdict(report(FIRST, Status.ERROR, problems=(problem,)), FILE_A, "12:00:00")
    passed = replace(verdict(FIRST, Status.PASSED), first=True, clock="12:00:00")
    statement = "## `first(x)`\n\n$$\\partial f = \\sum_i x_i$$\n\n" + LONG * 20
    solved = {"first": Progress(Stage.SOLVED, True, 4), "second": Progress(Stage.GAVE_UP)}
    base = fresh(statements={"first": statement}, progress=solved)

    def with_verdict(found: Verdict, **changes: Any) -> State:
        return replace(base, verdicts={"first": found}, **changes)

    solution = at.Solution(
        "def first(x):\n    return x" + " + x" * 60 + "\n", ("---", "+++", "@@", "-a")
    )
    return {
        "starting": replace(base, checking=True),
        "unchecked": base,
        "failed": with_verdict(failed),
        "all checks": with_verdict(failed, verbose=True, notice=LONG * 3),
        "error": with_verdict(error),
        "broken": with_verdict(Verdict(None, message=LONG * 5)),
        "stub": with_verdict(verdict(FIRST, Status.MISSING)),
        "timeout": with_verdict(verdict(FIRST, Status.TIMEOUT)),
        "passed": with_verdict(passed),
        "task": replace(base, page=Page.TASK),
        "hints": replace(base, page=Page.HINTS),
        "solution": replace(base, page=Page.SOLUTION, solutions={"first": solution}),
        "list": replace(base, page=Page.LIST, cursor=1),
        "help": replace(base, page=Page.HELP),
    }


@pytest.mark.parametrize("encoding", ["utf-8", "ascii"])
@pytest.mark.parametrize("name", sample_states())
def test_every_page_fits_every_screen(name: str, encoding: str) -> None:
    """No line is wider, no frame higher, at any size and scroll; plain consoles get plain characters."""
    state = sample_states()[name]
    for width, height in ((80, 24), (120, 40), (40, 12), (20, 5), (9, 3), (1, 1), (300, 100)):
        for scroll in (0, 7, 10**6):
            drawn = frame(replace(state, scroll=scroll), console(encoding), width, height, 3.0)
            assert len(drawn.lines) <= height
            assert max(cell_len(line.plain) for line in drawn.lines) <= width
            assert drawn.scroll <= scroll
            "\n".join(line.plain for line in drawn.lines).encode(encoding)


def plain(state: State, width: int = 80, height: int = 24, waited: float = 0.0) -> str:
    return "\n".join(line.plain for line in frame(state, console(), width, height, waited).lines)


def test_what_is_cut_is_told_and_can_be_scrolled_to() -> None:
    """The rules above and below count the lines that are hidden."""
    state = sample_states()["all checks"]
    assert "more lines: space" in plain(state)
    end = frame(replace(state, scroll=10**6), console(), 80, 24)
    text = "\n".join(line.plain for line in end.lines)
    assert "lines above: b" in text
    assert "more lines" not in text
    assert plain(replace(state, scroll=end.scroll)) == text


def test_cause_stands_on_top() -> None:
    """Status first, and at once why."""
    lines = plain(sample_states()["failed"]).splitlines()
    assert "✗ failed   0 of 9 checks pass" in lines[3]
    assert any("this is what you get when" in line for line in lines[4:8])


def test_syntax_error_shows_its_line() -> None:
    """File, line, column, the text and a caret."""
    text = plain(sample_states()["error"])
    assert "a/a.py, line 3, column 7: SyntaxError" in text
    assert "return x +" in text
    assert "^" in text


def test_pass_offers_what_comes_next() -> None:
    """With the key, and how far the topic is."""
    text = plain(sample_states()["passed"])
    assert "first passes for the first time: 1 of 2 of a!" in text
    assert "n  third: The third" in text
    assert text.splitlines()[-1].startswith("n next")


def test_quick_check_does_not_flash() -> None:
    """The verdict before stays until the check has taken a moment; then the seconds are told."""
    state = replace(sample_states()["failed"], checking=True)
    assert "failed" in plain(state, waited=0.1)
    assert "checking" in plain(state, waited=0.4)
    later = plain(state, waited=3.2)
    assert "checking for 3 s" in later
    assert "✗ failed" not in later
    assert "this is what you get when" in later  # what is being mended


def test_cursor_of_the_list_is_on_the_screen() -> None:
    """However long the list and small the screen."""
    many = tuple(exercise(f"e{i}", "a") for i in range(200))
    course = Course("Long", (Topic("a", "Letters", "", many),))
    for cursor in (0, 3, 100, 198, 199):
        state = State(course, many[0], page=Page.LIST, cursor=cursor)
        assert ">" in plain(state, 80, 12)
        assert f" e{cursor} " in plain(state, 80, 12)


# ---- files


def test_only_topics_files_count(tmp_path: Path) -> None:
    """Swap files, copies and what an editor tries a folder with are nobody's."""
    files = Files(tmp_path, COURSE)
    assert files.topic_of(tmp_path / "a" / "a.py") == "a"
    assert files.topic_of(tmp_path / "b.py") == "b"
    for name in (".a.py.swp", "a.py~", "4913", "#a.py#", "a.pyc", "b.py", ".a.py.x7"):
        assert files.topic_of(tmp_path / "a" / name) is None


# ---- calling a run off


def test_run_is_called_off_from_another_thread(toy: Content, tmp_path: Path) -> None:
    """A function that hangs is left at once, and the next run has a worker again."""
    file = tmp_path / "toy.py"
    file.write_text("def scaled_square_grad(x, c):\n    while True: pass\n")
    with Grader(toy, timeout=600.0) as grader:
        ended: list[BaseException] = []

        def hang() -> None:
            try:
                grader.grade(read_submission(file, grader.course))
            except KeyboardInterrupt as error:
                ended.append(error)

        thread = threading.Thread(target=hang)
        thread.start()
        until = time.monotonic() + 60
        while not grader.sandbox.workers and time.monotonic() < until:
            time.sleep(0.01)
        grader.sandbox.stop()
        thread.join(60)
        assert not thread.is_alive()
        assert len(ended) == 1
        grader.sandbox.resume()
        file.write_text("def scaled_square_grad(x, c):\n    return 2 * c * x\n")
        found = grader.grade(read_submission(file, grader.course), exercises=["scaled_square_grad"])
        assert found.scores[0].status is Status.PASSED


# ---- the program

RIGHT = "def scaled_square_grad(x, c):\n    return 2 * c * x\n"
WRONG = "def scaled_square_grad(x, c):\n    return c * x\n"
HANGS = "def scaled_square_grad(x, c):\n    while True: pass\n"
MEANS = "\n\ndef row_means(x):\n    raise NotImplementedError\n"
LEAVES = b"\x1b[?1049l"


class Watched:
    """A workspace of the toy course, and programs that watch it."""

    def __init__(self, root: Path, course: Path, program: type) -> None:
        self.root = root
        self.course = course
        self.program = program
        self.file = root / "toy" / "toy.py"
        self.open: list[Any] = []

    @property
    def command(self) -> list[str]:
        return [sys.executable, "-m", "grader", "watch"]

    def start(self, *options: str, **more: Any) -> Any:
        env = {"GRADER_COURSE": str(self.course), **more.pop("env", {})}
        running = self.program([*self.command, *options], self.root, env=env, **more)
        self.open.append(running)
        return running

    def save(self, text: str) -> None:
        """As editors do: a new file in the place of the old one."""
        new = self.file.with_name(".toy.py.tmp")
        new.write_text(text)
        os.replace(new, self.file)

    def journal(self) -> list[dict[str, Any]]:
        file = self.root / ".grader" / "journal.jsonl"
        return [json.loads(line) for line in file.read_text().splitlines()] if file.exists() else []


@pytest.fixture
def watched(toy: Content, tmp_path: Path) -> Iterator[Watched]:
    """A fresh workspace of the toy course."""
    file = Path(__file__).with_name("pty_program.py")
    spec = importlib.util.spec_from_file_location("pty_program", file)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    content = locate(toy.root)
    create_workspace(tmp_path / "ws", content, load_course(content))
    found = Watched(tmp_path / "ws", toy.root, module.Program)
    yield found
    for running in found.open:
        running.close()


def assert_screen_is_left(running: Any) -> None:
    """If it went to a screen of its own, it came back, with the cursor."""
    for there, back in ((b"\x1b[?1049h", LEAVES), (b"\x1b[?25l", b"\x1b[?25h")):
        assert running.raw.rfind(there) <= running.raw.rfind(back)


def ends_well(running: Any, *codes: int) -> None:
    """It has ended with one of the codes, and the terminal is as it was."""
    assert running.end() in (codes or (0,))
    assert running.settings() == running.found
    assert_screen_is_left(running)
    assert b"Traceback" not in running.raw


def test_from_stub_to_solved(watched: Watched) -> None:
    """Stub, wrong, right, next: a verdict for each save, and the journal knows of the two that are no stubs."""
    running = watched.start()
    running.wait_for("scaled_square_grad", "missing", "toy/toy.py:6")
    watched.save(WRONG + MEANS)
    running.wait_for("failed", "the factor 2 of the power rule is missing")
    watched.save(RIGHT + MEANS)
    running.wait_for("passed", "passes for the first time", "1/2 solved")
    running.press("n")
    running.wait_for("row_means", "missing")
    running.press("q")
    ends_well(running)
    entries = [(e["event"], e["exercise"], e["status"]) for e in watched.journal()]
    name = "scaled_square_grad"
    assert entries == [("checked", name, "failed"), ("checked", name, "passed")]


def test_keys_and_pages(watched: Watched) -> None:
    """Hints are noted; the list jumps; giving up is asked for; each page goes back."""
    running = watched.start()
    running.wait_for("missing")
    running.press("h")
    running.wait_for("1 of 4, concept")
    running.press("\x1b[200~qqq\x1b[201~h")
    running.wait_for("2 of 4, equation")
    running.press("s")
    running.wait_for("S gives up")
    running.press("\x1b")
    running.wait_for("missing", "q quit")
    running.press("l")
    running.wait_for("> ○  scaled_square_grad")
    running.press("\x1b[B")
    running.wait_for("> ○  row_means")
    running.press("\r")
    running.wait_for("row_means  The row_means", "missing")
    running.press("S")
    running.wait_for("return x.mean(axis=1)")
    running.press("?")
    running.wait_for("draw the topic's figures")
    running.press("f")
    running.wait_for("toy has no figure")
    running.press("o")
    running.wait_for("set VISUAL or EDITOR")
    running.press("qq")
    ends_well(running)
    events = [(e["event"], e["exercise"]) for e in watched.journal()]
    assert events == [("hint", "scaled_square_grad")] * 2 + [("solution", "row_means")]


def test_other_function_becomes_the_current_one(watched: Watched) -> None:
    """What is changed is what is checked."""
    running = watched.start("scaled_square_grad")
    running.wait_for("missing")
    text = watched.file.read_text()
    head, tail = text.split("def row_means")
    tail = tail.replace("raise NotImplementedError", "return x.mean(axis=0)")
    watched.save(f"{head}def row_means{tail}")
    running.wait_for("now on row_means", "failed")
    running.press("\x03")
    ends_well(running)


def test_burst_of_saves_ends_with_the_last(watched: Watched) -> None:
    """Two hundred saves as quick as they can be written, half of them in place and torn; twice."""
    running = watched.start()
    running.wait_for("missing")
    for number in range(200):
        text = f"# {number}\n{WRONG if number % 2 else HANGS}{MEANS}"
        if number % 3:
            watched.save(text)
        else:
            watched.file.write_text(text[: 10 * (number % 9)])
    watched.save(RIGHT + MEANS)
    running.wait_for("passed")
    for number in range(200):
        watched.save(f"# {number}\n{RIGHT}{MEANS}")
    watched.save(WRONG + MEANS)
    running.wait_for("failed", "factor 2")
    running.press("q")
    ends_well(running)
    assert watched.journal()[-1]["status"] == "failed"


def test_syntax_error_file_gone_and_back(watched: Watched) -> None:
    """A syntax error shows its line; a file that is deleted is missing, and comes back; swap files are nothing."""
    running = watched.start()
    running.wait_for("missing")
    watched.save("x = 1\n" + RIGHT.replace("c * x", "c * x)"))
    running.wait_for("SyntaxError", "line 3", "return 2 * c * x)", "^")
    watched.file.unlink()
    running.wait_for("toy.py is not there")
    for name in (".toy.py.swp", "toy.py~", "4913"):
        watched.file.with_name(name).write_text(RIGHT)
    watched.file.write_text(RIGHT + MEANS)
    running.wait_for("passed")
    watched.file.rename(watched.file.with_name("kept.py"))
    watched.file.with_name("kept.py").rename(watched.file)
    watched.save(WRONG + MEANS)
    running.wait_for("failed")
    running.press("q")
    ends_well(running)


def test_folder_that_is_made_anew_is_watched(watched: Watched) -> None:
    """As when a branch is checked out."""
    running = watched.start()
    running.wait_for("missing")
    folder = watched.file.parent
    folder.rename(watched.root.parent / "away")
    running.wait_for("is not there")
    folder.mkdir()
    watched.file.write_text(WRONG + MEANS)
    running.wait_for("failed")
    watched.save(RIGHT + MEANS)
    running.wait_for("passed")
    running.press("q")
    ends_well(running)


@pytest.mark.parametrize("text", [HANGS, "while True: pass\n"], ids=["call", "import"])
def test_keys_work_while_a_function_hangs(watched: Watched, text: str) -> None:
    """The list opens while the check is under way, and a save supersedes it long before its deadline."""
    running = watched.start("--timeout", "600")
    running.wait_for("missing")
    watched.save(text)
    running.wait_for("checking for")
    running.press("l")
    running.wait_for("> ")
    running.press("q")
    running.wait_for("checking for")
    watched.save(RIGHT + MEANS)
    running.wait_for("passed")
    assert [entry["status"] for entry in watched.journal()] == ["passed"]
    watched.save(text)
    running.wait_for("checking for")
    running.press("q")
    ends_well(running)


def test_resize_draws_anew(watched: Watched) -> None:
    """The footer is on the last line at every size."""
    running = watched.start()
    running.wait_for("missing")
    for width, height in ((60, 12), (120, 40), (30, 6), (80, 24)):
        running.resize(width, height)
        running.wait(
            lambda text, n=height: len(text.split("\n")) == n and "q quit" in text.split("\n")[-1]
        )
    running.press("q")
    ends_well(running)


@pytest.mark.parametrize("moment", ["at once", "at the first frame", "at a check", "at a page"])
def test_ctrl_c_at_any_point(watched: Watched, moment: str) -> None:
    """The terminal is as it was."""
    if moment == "at a check":
        watched.save(HANGS + MEANS)
    running = watched.start()
    if moment == "at the first frame":
        running.wait_for("scaled_square_grad")
    elif moment == "at a check":
        running.wait_for("checking for")
    elif moment == "at a page":
        running.wait_for("missing")
        running.press("h")
        running.wait_for("1 of 4")
    else:
        running.wait(lambda _: running.raw)
        time.sleep(random.uniform(0.0, 1.5))  # somewhere in its start
    running.press("\x03")
    if moment == "at once":  # Python itself may not have started yet, and says so in its own way
        running.end()
        assert running.settings() == running.found
        assert_screen_is_left(running)
    else:
        ends_well(running, 0, 130)


@pytest.mark.parametrize(("number", "code"), [(signal.SIGTERM, 143), (signal.SIGHUP, 129)])
def test_signals_end_it_in_order(watched: Watched, number: int, code: int) -> None:
    """Also while a function hangs."""
    watched.save(HANGS + MEANS)
    running = watched.start()
    running.wait_for("checking for")
    running.process.send_signal(number)
    ends_well(running, code)


def test_ctrl_z_gives_the_terminal_back_for_a_while(watched: Watched) -> None:
    """Stopped, the terminal is the shell's; continued, the screen is drawn anew."""
    running = watched.start()
    running.wait_for("missing")
    running.press("\x1a")
    until, status = time.monotonic() + 60, 0
    while not os.WIFSTOPPED(status):
        assert time.monotonic() < until
        _, status = os.waitpid(running.process.pid, os.WUNTRACED | os.WNOHANG)
        time.sleep(0.01)
    assert running.settings() == running.found
    watched.save(RIGHT + MEANS)
    running.process.send_signal(signal.SIGCONT)
    running.wait_for("passed")
    assert running.settings() != running.found
    running.press("q")
    ends_well(running)


def test_zygote_that_is_killed_is_replaced(watched: Watched) -> None:
    """The next save has its verdict."""
    running = watched.start()
    running.wait_for("missing")
    table = subprocess.run(
        ["ps", "-A", "-o", "pid=,ppid="], capture_output=True, text=True, check=True
    ).stdout
    pairs = [tuple(map(int, line.split())) for line in table.splitlines()]
    children = [pid for pid, parent in pairs if parent == running.process.pid]
    assert children
    for child in children:
        os.kill(child, signal.SIGKILL)
    watched.save(RIGHT + MEANS)
    running.wait_for("passed")
    running.press("q")
    ends_well(running)


def test_kill_9_leaves_a_journal_that_can_be_read(watched: Watched) -> None:
    """Whenever it strikes: all lines but the last are whole, and the next program goes on behind them."""
    journal = watched.root / ".grader" / "journal.jsonl"
    for times in range(3):
        running = watched.start()
        running.wait_for("scaled_square_grad")
        before = journal.stat().st_size if journal.exists() else 0
        until = time.monotonic() + 60
        number = 0
        while (
            not journal.exists() or journal.stat().st_size == before
        ) and time.monotonic() < until:
            number += 1
            if number % 300 == 1:  # seldom: a save calls off the check before it
                watched.save(f"# {times} {number}\n{WRONG}{MEANS}")
            time.sleep(0.01)
        running.process.kill()
        running.process.wait()
        *whole, _ = journal.read_bytes().split(b"\n")
        assert whole
        for line in whole:
            json.loads(line)
        standing = Journal(watched.root).standings()["scaled_square_grad"]
        assert standing.attempts >= times + 1
    watched.save(RIGHT + MEANS)
    running = watched.start()
    running.wait_for("passed")
    running.press("q")
    ends_well(running)
    assert Journal(watched.root).standings()["scaled_square_grad"].solved


def test_editor_is_lent_the_terminal(watched: Watched, tmp_path: Path) -> None:
    """One without a window runs in front; then the screen is back."""
    script = tmp_path / "editor.py"
    script.write_text(
        "import sys, pathlib; print('in the editor'); input()\n"
        f"pathlib.Path(sys.argv[1]).write_text({RIGHT + MEANS!r})\n"
    )
    running = watched.start(env={"EDITOR": f"{sys.executable} {script}"})
    running.wait_for("missing")
    running.press("o")
    running.wait_for("in the editor")
    assert running.settings() == running.found
    running.press("\r")
    running.wait_for("passed")
    running.press("q")
    ends_well(running)


def test_journal_that_cannot_be_written_is_told(watched: Watched) -> None:
    """The verdict is there all the same, and the session goes on."""
    running = watched.start()
    running.wait_for("missing")
    shutil.rmtree(watched.root / ".grader")
    (watched.root / ".grader").write_text("in the way")
    watched.save(RIGHT + MEANS)
    running.wait(lambda text: "cannot be written" in " ".join(text.split()))
    running.wait_for("passed")
    running.press("l")
    running.wait_for("1/2 solved")
    running.press("qq")
    ends_well(running)


def test_terminal_that_goes_away_ends_it(watched: Watched) -> None:
    """No program is left that nobody sees."""
    running = watched.start()
    running.wait_for("missing")
    running.hang_up()
    assert running.process.wait(60) in (129, -signal.SIGHUP)


# ---- plain lines


@pytest.fixture
def piped(watched: Watched) -> Iterator[Callable[..., Any]]:
    """Starts the program without a terminal; gives it with a function that waits for words of its output."""
    started: list[subprocess.Popen[str]] = []

    def start(*options: str) -> tuple[subprocess.Popen[str], Callable[[str], str]]:
        env = {**os.environ, "GRADER_COURSE": str(watched.course), "COLUMNS": "80"}
        process = subprocess.Popen(
            [*watched.command, *options], cwd=watched.root, env=env, text=True, stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
        )  # fmt: skip
        started.append(process)
        said: list[str] = []
        changed = threading.Condition()

        def read() -> None:
            assert process.stdout is not None
            for line in process.stdout:
                with changed:
                    said.append(line)
                    changed.notify_all()

        threading.Thread(target=read, daemon=True).start()

        def wait(words: str) -> str:
            with changed:
                assert changed.wait_for(lambda: words in "".join(said), 60), "".join(said)
                return "".join(said)

        return process, wait

    yield start
    for process in started:
        process.kill()
        process.wait()
        assert process.stdout is not None
        process.stdout.close()


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 0), (signal.SIGTERM, 143)])
def test_plain_lines_where_there_is_no_terminal(
    watched: Watched, piped: Callable[..., Any], number: int, code: int
) -> None:
    """A block for each save, no escapes, no keys."""
    process, wait = piped()
    wait("missing")
    watched.save(WRONG + MEANS)
    wait("the factor 2 of the power rule is missing")
    watched.save(RIGHT + MEANS)
    text = wait("passes for the first time")
    assert "\x1b" not in text
    assert max(map(len, text.splitlines())) <= 80 + len(str(watched.root))
    process.send_signal(number)
    assert process.wait(60) == code
    assert [entry["status"] for entry in watched.journal()] == ["failed", "passed"]


@pytest.mark.parametrize(
    ("options", "words"), [(["nothing"], "no exercise or topic"), (["toy"], "is a topic")]
)
def test_bad_names_are_told(
    watched: Watched, piped: Callable[..., Any], options: list[str], words: str
) -> None:
    """Exit code 2, before anything is watched."""
    process, wait = piped(*options)
    wait(words)
    assert process.wait(60) == 2


def test_plain_on_a_terminal(watched: Watched) -> None:
    """--plain writes lines there too, and leaves the terminal alone."""
    running = watched.start("--plain")
    running.wait_for("missing")
    assert running.settings() == running.found
    running.press("\x03")
    ends_well(running)
    assert b"\x1b[?1049h" not in running.raw
