"""The corpus of attacks: how it is read, the levels of isolation that it runs on, and what it is graded with."""

from __future__ import annotations

import os
import re
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from grader.catalog import load_course
from grader.content import Content
from grader.errors import SandboxError
from grader.grading import Grader
from grader.model import Course, Report, Status
from grader.sandbox import jail
from grader.sandbox.local import load_module
from grader.sandbox.proxy import Sandbox
from grader.submission import Source, Submission

ROOT = Path(__file__).parents[2]
CORPUS = Path(__file__).with_name("submissions")
HANGS = 0.5
"""Seconds for one call of an attack that may hang: it costs so much."""
TIMEOUT = 5.0
"""Seconds for one call of any other: it never takes them, however loaded the machine is."""
WITH, WITHOUT = "with a boundary", "without a boundary"
KEYS = {
    "tries", "why", "uses", "attacked", "verdict", "neighbours", WITH, WITHOUT, "leaks", "keeps", "calls home", "kills",
    "says", "withheld", "seed", "held by",
}  # fmt: skip
HOLDS = {"files", "network", "processes", "memory"}
"""What levels hold by means of their own; all else is held by the two processes, at every level alike."""


def within(file: Path) -> ModuleType:
    """A module by its file: what tests share, which is in no package."""
    return load_module(file, f"attacks_{file.stem}")


safety = within(Path(__file__).with_name("safety.py"))
archives = within(Path(__file__).with_name("archives.py"))


# ---- the corpus


@dataclass(frozen=True)
class Attack:
    """One hostile or odd submission, with what its header says of it."""

    path: Path
    header: Mapping[str, str] = field(repr=False)
    code: str = field(repr=False)

    @property
    def name(self) -> str:
        return self.path.relative_to(CORPUS).with_suffix("").as_posix()

    @property
    def kind(self) -> str:
        """The class that it is of."""
        return self.path.parent.name

    @property
    def timeout(self) -> float:
        """Seconds for one of its calls."""
        hangs = any(
            Status.TIMEOUT in verdicts
            for verdicts in (self.neighbours(), statuses(self.header["verdict"]))
        )
        return HANGS if hangs else TIMEOUT

    @property
    def attacked(self) -> str:
        return self.header.get("attacked", "scaled_square_grad")

    def verdicts(self, level: jail.Level) -> set[Status]:
        """What the attacked function may get on a level."""
        there = self.header.get(WITH if level.boundary else WITHOUT)
        return statuses(there or self.header["verdict"])

    def neighbours(self) -> set[Status]:
        """What the other functions of the file may get."""
        return statuses(self.header.get("neighbours", "passed"))

    def may(self, what: str, level: jail.Level) -> bool:
        """Whether it may leak, call home or kill on a level."""
        return what in self.header and self.header[what] == WITHOUT and not level.boundary

    def source(self, solution: str, places: Mapping[str, object]) -> str:
        """The whole file, with what an attacker knows put in."""
        prelude = (CORPUS / "prelude.py").read_text() if self.header.get("uses") == "socket" else ""
        code = f"{solution}\n{prelude}\n{self.code}"
        for key, value in places.items():
            code = code.replace(f"@{key}@", str(value))
        return code


def statuses(text: str) -> set[Status]:
    """``failed or error`` as statuses."""
    return set(Status) if text == "any" else {Status(word) for word in text.split(" or ")}


def read_attack(path: Path) -> Attack:
    """One file of the corpus."""
    text = path.read_text(encoding="utf-8")
    head, _, code = text.partition("\n\n")
    header = dict(line.removeprefix("# ").split(": ", 1) for line in head.splitlines())
    assert header.keys() <= KEYS, f"{path}: {sorted(header.keys() - KEYS)}"
    assert {"tries", "verdict"} <= header.keys(), path
    differs = {WITH, WITHOUT, "leaks", "keeps", "calls home", "kills"} & header.keys()
    assert header.get("held by", "files") in HOLDS, path
    assert not differs or "held by" in header, (
        f"{path}: {differs} depend on the level; say what it is held by"
    )
    complaints = safety.harm(code)
    assert not complaints, (
        f"{path}: an attack is harmless even where nothing holds it: {complaints}"
    )
    return Attack(path, header, code)


KINDS = sorted(path.name for path in CORPUS.iterdir() if path.is_dir())
ATTACKS = [read_attack(path) for path in sorted(CORPUS.glob("*/*.py"))]


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Every test that asks for `attack`, `kind`, `held` or `trick` runs on each attack, class, level or archive."""
    if "trick" in metafunc.fixturenames:
        whole = "of_a_class" in metafunc.function.__name__
        metafunc.parametrize(
            "trick",
            [
                # To follow the memory of 100,000 members takes 12 seconds.
                pytest.param(
                    t, marks=pytest.mark.slow if whole and t.members > 10_000 else (), id=t.name
                )
                for t in archives.TRICKS
            ],
        )
    if "kind" in metafunc.fixturenames:
        metafunc.parametrize("kind", KINDS)
    if "attack" in metafunc.fixturenames:
        metafunc.parametrize("attack", ATTACKS, ids=lambda attack: attack.name)
    if "held" in metafunc.fixturenames:
        metafunc.parametrize("held", jail.LEVELS, ids=lambda level: level.name, indirect=True)


@pytest.fixture(scope="session")
def harm() -> Callable[[str], list[str]]:
    """Complaints about code that could do harm where nothing holds it."""
    found: Callable[[str], list[str]] = safety.harm
    return found


@pytest.fixture(scope="session")
def honest() -> str:
    """The source that the archives hold where they are read."""
    text: bytes = archives.HONEST
    return text.decode()


@pytest.fixture(scope="session")
def course(ground: Range) -> Course:
    """The toy course, as it is loaded."""
    return load_course(ground.content)


# ---- the course: the toy course, and a function that takes a function

SLOPE = '''

def slope(f, x):
    """The slope of f at x by a central difference.

    Examples
    --------
    >>> round(slope(lambda x: x**2, 3.0), 6)
    6.0
    """
    ### BEGIN SOLUTION
    return (f(x + 1e-5) - f(x - 1e-5)) / 2e-5
    ### END SOLUTION


# CANARY-SOLUTION
'''
SLOPE_SUITE = """

@pytest.mark.parametrize("scale", [1.0, 2.5])
def test_slope_values(submission, rng, scale):
    x = float(rng.normal())
    value = submission.slope(lambda v: float(np.sin(scale * v)), x)
    assert_close(value, scale * np.cos(scale * x), rtol=1e-5, atol=1e-8)


CANARY = "CANARY-SUITE"
"""
SLOPE_MISTAKES = '''

def slope__one_sided(f, x):
    """the difference is taken on one side alone"""
    return (f(x + 1e-5) - f(x)) / 2e-5
'''


@pytest.fixture(scope="session")
def toys() -> ModuleType:
    """The module that holds the toy course, shared with the tests of the tool."""
    return within(ROOT / "tests" / "grader" / "conftest.py")


@dataclass
class Range:
    """Where the attacks are fired: a course, the secrets of others around it, and who must survive."""

    content: Content
    home: Path
    victim: subprocess.Popen[bytes]
    listener: socket.socket
    table: Mapping[str, list[float]] = field(default_factory=dict)

    @property
    def secrets(self) -> list[Path]:
        return [self.other, self.results, self.home / "home" / "secret"]

    @property
    def other(self) -> Path:
        return self.home / "submissions" / "other" / "toy.py"

    @property
    def results(self) -> Path:
        return self.home / "results.json"

    @property
    def scratch(self) -> Path:
        return self.home / "scratch"

    @cached_property
    def solution(self) -> str:
        text = self.content.source("toy").read_text(encoding="utf-8")
        return text.replace("# CANARY-SOLUTION\n", "")

    @property
    def places(self) -> dict[str, object]:
        return {
            "COURSE": self.content.root, "SUITE": self.content.suite("toy"), "SOLUTION": self.content.source("toy"),
            "OTHER": self.other, "RESULTS": self.results, "SCRATCH": self.scratch, "HOME": self.home / "home",
            "GRADER": os.getpid(), "VICTIM": self.victim.pid, "PORT": self.listener.getsockname()[1],
            "TABLE": repr(dict(self.table)),
        }  # fmt: skip

    def state(self) -> dict[str, str]:
        """All that lies around, with its text."""
        found = {}
        for path in sorted(self.home.rglob("*")):
            found[str(path)] = path.read_text(encoding="utf-8") if path.is_file() else ""
        return found

    def called(self) -> bool:
        """Whether somebody has connected, whose connections are closed."""
        rung = False
        while True:
            try:
                self.listener.accept()[0].close()
            except BlockingIOError:
                return rung
            rung = True

    def restore(self) -> None:
        """Put back what an attack has changed."""
        now = self.state()
        for name in sorted(set(now) - set(self.kept), reverse=True):
            Path(name).unlink() if Path(name).is_file() else Path(name).rmdir()
        for name, text in self.kept.items():
            if now.get(name) != text:
                Path(name).write_text(text, encoding="utf-8")
        if self.victim.poll() is not None:
            self.victim = victim()

    @cached_property
    def kept(self) -> dict[str, str]:
        return self.state()


def victim() -> subprocess.Popen[bytes]:
    """A process of the same user that no attack may reach."""
    return subprocess.Popen([sys.executable, "-c", "import time; time.sleep(3600)"])


@pytest.fixture(scope="session")
def ground(tmp_path_factory: pytest.TempPathFactory, toys: ModuleType) -> Iterator[Range]:
    """A course and the secrets around it."""
    home = tmp_path_factory.mktemp("range")
    content: Content = toys.write_toy_course(home / "course")
    for file, text in (
        (content.source("toy"), SLOPE), (content.suite("toy"), SLOPE_SUITE), (content.mistakes_file("toy"), SLOPE_MISTAKES),
        (content.topic_toml("toy"), toys.TOY_EXERCISE.format(name="slope", points=1)),
        (content.statement("toy"), "\n## `slope(f, x)`\n\nC.\n"),
    ):  # fmt: skip
        old = file.read_text(encoding="utf-8")
        capstone = toys.TOY_CAPSTONE
        text = old.replace(capstone, text + capstone) if capstone in old else old + text
        file.write_text(text, encoding="utf-8")
    process = victim()
    with socket.create_server(("127.0.0.1", 0)) as listener:
        listener.setblocking(False)
        ground = Range(content, home, process, listener)
        for path, text in (
            (ground.other, "# CANARY-OTHER\n"), (ground.results, '{"anna": "CANARY-RESULTS"}\n'),
            (home / "home" / "secret", "CANARY-HOME\n"), (ground.scratch / "empty", ""),
        ):  # fmt: skip
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8")
        assert ground.kept
        yield ground
        ground.victim.kill()
        ground.victim.wait()


# ---- grading


class Held:
    """A warm grader whose submissions are held at one level of isolation."""

    def __init__(self, level: jail.Level, ground: Range, **options: Any) -> None:
        self.level = level
        self.ground = ground
        self.control = CONTROL
        self.grader = Grader(ground.content, timeout=TIMEOUT, levels=[level], **options)
        assert self.grader.sandbox.level is level  # from here on it is known

    def grade(self, text: str, **options: Any) -> Report:
        """The report on a file's text."""
        return self.grader.grade(submission(text), **options)

    def fire(self, attacks: Iterable[Attack], judge: Callable[[Shot], None]) -> None:
        """Grade attacks one after another, as a class is, and a right solution behind each.

        `judge` is called when both are graded.
        """
        ground, started, shot = self.ground, 0.0, None

        def submissions() -> Iterator[tuple[Submission, int]]:
            nonlocal started, shot
            for attack in attacks:
                shot = Shot(attack)
                self.grader.timeout = attack.timeout
                started = time.monotonic()
                source = attack.source(ground.solution, ground.places)
                yield submission(source), int(attack.header.get("seed", 0))
                self.grader.timeout = TIMEOUT
                yield submission(ground.solution), 0

        def done(report: Report) -> None:
            if not shot.reports:
                shot.seconds = time.monotonic() - started
                shot.left = ground.state()
                shot.killed, shot.called = ground.victim.poll() is not None, ground.called()
                ground.restore()
            shot.reports.append(report)
            if len(shot.reports) == 2:
                judge(shot)

        self.grader.grade_all(submissions(), done)


@dataclass
class Shot:
    """One attack that was fired at a level, and what came of it."""

    attack: Attack
    reports: list[Report] = field(default_factory=list)
    seconds: float = 0.0
    left: Mapping[str, str] = field(default_factory=dict)
    killed: bool = False
    called: bool = False


def submission(text: str) -> Submission:
    """A file of the toy topic."""
    return Submission("toy.py", {"toy": Source("toy", "toy.py", text)}, ("toy",))


@pytest.fixture(scope="session")
def held(request: pytest.FixtureRequest, ground: Range) -> Iterator[Held]:
    """A warm grader at the level that the test runs on; skipped where the machine does not give it."""
    level: jail.Level = request.param
    if not level.boundary and os.geteuid() == 0:
        # What nothing holds could remove any file of the machine: one wrong path in an attack is enough.
        pytest.skip(f"{level.name} is no boundary: attacks are not run on it as root")
    # A secret of the grader's own, which is there before any process starts.
    os.environ["GRADSMITH_SECRET"] = "CANARY-ENVIRONMENT"
    try:
        held = Held(level, ground)
    except SandboxError as error:
        if level is jail.LEVELS[-1]:
            raise
        pytest.skip(f"{level.name} does not work here: {error}")
    finally:
        del os.environ["GRADSMITH_SECRET"]
    if not ground.table:
        ground.table = recorded(held)
    yield held
    held.grader.close()


@pytest.fixture(scope="session")
def strongest() -> jail.Level:
    """The level that submissions are held at here."""
    with Sandbox() as sandbox:
        return sandbox.level


@pytest.fixture(scope="session")
def hold(ground: Range) -> Callable[[jail.Level], Held]:
    """Make a warm grader at a level; it is the caller's to close."""
    return lambda level: Held(level, ground)


@pytest.fixture(scope="session")
def corpus() -> list[Attack]:
    """All attacks."""
    return ATTACKS


@pytest.fixture
def aimed(kind: str, held: Held, strongest: jail.Level) -> list[Attack]:
    """A class of attacks: all at the strongest level, at others those that each level holds in a way of its own."""
    everything = held.level is strongest
    return [a for a in ATTACKS if a.kind == kind and (everything or "held by" in a.header)]


def recorded(held: Held) -> dict[str, list[float]]:
    """Right answers at seed 0 by the first number of the question, as an honest run prints them."""
    spy = "\n_right = scaled_square_grad\ndef scaled_square_grad(x, c):\n    y = _right(x, c)\n"
    spy += "    print(f'{x[0]:.12g}', *(repr(float(v)) for v in y), sep=',')\n    return y\n"
    report = held.grade(held.ground.solution + spy, seed=0)
    lines = "".join(o.printed for s in report.scores for o in s.outcomes).split()
    table = {
        key: [float(v) for v in values] for key, *values in (line.split(",") for line in lines)
    }
    assert table
    return table


CONTROL = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ud800-\udfff]"
)
"""What moves a cursor, sets a colour, turns text around, or is half a character."""


@pytest.fixture(scope="session")
def shown() -> Callable[[Report], dict[str, str]]:
    """A report as all renderers give it."""
    from io import StringIO

    from rich.console import Console

    from grader.report import cell, json, junit, terminal

    def shown(report: Report) -> dict[str, str]:
        file = StringIO()
        console = Console(file=file, width=100, force_terminal=False, color_system=None)
        terminal.print_reports(console, [report], verbose=True)
        return {
            "terminal": file.getvalue(), "json": json.dumps([report]), "junit": junit.dumps([report]),
            "cell": cell.report_html(report, verbose=True),
        }  # fmt: skip

    return shown
