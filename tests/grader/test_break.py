"""`grader break`: a learner's tests accept what is right, reject what is wrong, and harm nobody."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path

import click
import numpy as np
import pytest

from grader.bank import Bank
from grader.breaking import Judge, in_form
from grader.catalog import load_course
from grader.content import Content, installed
from grader.errors import UnreadableSubmissionError
from grader.first_test import template
from grader.journal import Journal
from grader.model import Breaking, Status
from grader.sandbox.proxy import Sandbox

GOOD_GRAD = """import numpy as np


def test_values(f, rng):
    x = rng.normal(size=5)
    wanted = 6.0 * x
    assert np.allclose(f(x, 3.0), wanted)


def test_argument_is_left_alone(f, rng):
    x = rng.normal(size=3)
    before = x.copy()
    f(x, 2.0)
    assert (x == before).all()
"""
GOOD_MEANS = """import numpy as np


def test_values(row_means):
    assert np.allclose(row_means(np.array([[1.0, 2.0, 6.0], [0.0, 0.0, 3.0]])), [3.0, 1.0])


def test_no_columns(row_means):
    try:
        row_means(np.zeros((2, 0)))
    except ValueError:
        return
    assert False, "no error"
"""


Run = Callable[..., Breaking]


@pytest.fixture(scope="module")
def judge(toy: Content) -> Iterator[Judge]:
    """A judge for the toy course, with a deadline of one second."""
    sandbox = Sandbox()
    yield Judge(toy, Bank(toy), sandbox, timeout=1.0)
    sandbox.close()


@pytest.fixture
def broken(judge: Judge) -> Run:
    """Judges the text of a file of tests."""
    course = load_course(judge.content)

    def run(name: str, text: str, seed: int = 0) -> Breaking:
        topic = course.topic("toy")
        return judge.judge(topic, course.exercise(name), text, "break/mine.py", seed=seed)

    return run


@pytest.mark.parametrize(
    ("name", "text"), [("scaled_square_grad", GOOD_GRAD), ("row_means", GOOD_MEANS)]
)
def test_good_tests_reject_every_mistake(broken: Run, name: str, text: str) -> None:
    """Values, purity and errors, as the right implementations have them."""
    found = broken(name, text, seed=3)
    assert (found.n_accepted, found.n_right) == (3, 3)
    assert (found.n_rejected, found.n_mistakes, found.share) == (3, 3, 1.0)
    assert not found.void
    assert not found.survivors
    assert not found.objections
    assert found == broken(name, text, seed=3)


def test_a_change_in_place_is_seen_by_the_test_for_it(broken: Run) -> None:
    """What a mistake does to its argument reaches the test's own array."""
    found = broken("scaled_square_grad", GOOD_GRAD)
    by = dict(found.rejected)
    assert by["the caller's x is changed in place"] == ("test_argument_is_left_alone",)


def test_weak_tests_leave_survivors(broken: Run) -> None:
    """Each with its sentence; a test that rejects nothing is known."""
    text = "def test_zero(f):\n    import numpy as np\n    assert f(np.zeros(2), 1.0)[0] == 0\n"
    found = broken("scaled_square_grad", text)
    assert found.share == 0
    assert not found.void
    assert "the factor 2 of the power rule is missing" in found.survivors
    assert len(found.survivors) == found.n_mistakes == 3


def test_a_list_and_an_array_are_one_to_a_test(broken: Run) -> None:
    """One alternative returns a list; a test of the shape accepts it as it does the solution."""
    text = "import numpy as np\n\ndef test_shape(f):\n    assert f(np.ones(3), 1.0).shape == (3,)\n"
    assert not broken("scaled_square_grad", text).void


def test_a_test_that_is_too_strict_voids_the_score(broken: Run) -> None:
    """It is named, with the way the right implementation is written, its line and its message."""
    text = (
        GOOD_MEANS
        + """

def test_message(f):
    try:
        f(np.zeros((2, 0)))
    except ValueError as error:
        assert "row_means" in str(error), "no name"
"""
    )
    found = broken("row_means", text)
    assert found.void
    assert found.share == 0
    assert not found.rejected
    assert found.n_accepted == 1
    assert {(o.test, o.implementation) for o in found.objections} == {
        ("test_message", "A loop."),
        ("test_message", "A product with ones."),
    }
    assert {o.status for o in found.objections} == {Status.FAILED}
    assert {o.message for o in found.objections} == {"AssertionError: no name"}
    assert {o.line for o in found.objections} == {text[: text.index('assert "row')].count("\n") + 1}


def test_a_tolerance_that_holds_by_luck_is_found_out(broken: Run) -> None:
    """Right implementations are tried at several seeds."""
    text = "def test_lucky(f, rng):\n    assert rng.integers(3) != 1\n"
    assert any(broken("row_means", text, seed=seed).void for seed in range(3))


@pytest.mark.parametrize(
    ("body", "status"),
    [
        ("while True: pass", Status.TIMEOUT),
        ("import os; os._exit(0)", Status.ERROR),
        ("import grader", Status.FAILED),
        ("import sys; sys.exit(0)", Status.FAILED),
        ("raise NotImplementedError", Status.ERROR),
        ("f(1)", Status.FAILED),
        ("assert 0, '\\x1b[31m' + 'x' * 10**6", Status.FAILED),
    ],
)
def test_hostile_and_broken_tests_cost_themselves(broken: Run, body: str, status: Status) -> None:
    """Each is objected to, with what became of it, and the good one beside it is judged."""
    text = f"def test_bad(f):\n    {body}\n\ndef test_good(f):\n    pass\n"
    found = broken("row_means", text)
    assert found.void
    assert {(o.test, o.status) for o in found.objections} == {("test_bad", status)}
    for each in found.objections:
        assert each.message.isprintable()
        assert len(each.message) < 400
    assert status is Status.FAILED or len(found.objections) == 1


def test_a_test_that_hangs_on_a_mistake_does_not_reject_it(broken: Run) -> None:
    """It is an error of the test's, told once; the others go on."""
    loop = "\n\ndef test_loop(f):\n    while f(np.ones((1, 2)))[0] != 1: pass\n"
    found = broken("row_means", GOOD_MEANS + loop)
    assert not found.void
    assert found.share == 1
    (objection,) = found.objections
    assert objection.mistake
    assert (objection.test, objection.status) == ("test_loop", Status.TIMEOUT)
    assert "test_loop" not in [test for _, tests in found.rejected for test in tests]


def test_printing_and_state_change_nothing(broken: Run) -> None:
    """Output is dropped; what a file keeps for itself is not there for the next implementation."""
    text = """seen = []

def test_count(f):
    print("x" * 10**6)
    seen.append(f)
    assert len(seen) <= 3
"""
    found = broken("row_means", text)
    assert not found.void
    assert found.n_rejected == 0


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "has no test; write a function named test_"),
        ("x = 1\ndef test_a(f:\n    pass\n", "line 2: SyntaxError"),
        ("x = '''never closed", "line 1: SyntaxError"),
        ("\nimport grader\n", "line 2: ModuleNotFoundError.*NumPy and the standard library"),
        ("while True: pass", "importing the file took longer"),
        ("import os; os._exit(3)", "exit status 3"),
        ("def test_a(f, rng, x): pass", "test_a takes 3 arguments"),
        ("def test_a(): pass", "test_a takes 0 arguments"),
        ("for i in range(101): exec(f'def test_{i}(f): pass')", "100 are the most"),
    ],
)
def test_files_that_hold_no_tests_are_told(broken: Run, text: str, message: str) -> None:
    """With the line, where there is one, and what to do."""
    with pytest.raises(UnreadableSubmissionError, match=r"break/mine\.py") as told:
        broken("row_means", text)
    assert told.match(message)


def test_forms() -> None:
    """Lists become arrays and tuples where the solution has those, and nothing else changes."""
    assert isinstance(in_form([1.0, 2.0], np.zeros(2, np.float32)), np.ndarray)
    assert in_form([1.0], np.zeros(1, np.float32)).dtype == np.float32
    assert in_form([1, 2], np.zeros(2)).dtype.kind == "i"
    one, other = in_form([[1.0], 2.0], (np.zeros(1), np.float64(0)))
    assert isinstance(one, np.ndarray)
    assert isinstance(other, np.float64)
    assert in_form([1.0, [2.0]], np.zeros(2)) == [1.0, [2.0]]
    assert in_form(np.array(2.0), 1.0) == 2.0
    assert in_form(None, np.zeros(1)) is None
    assert in_form([1.0], (1.0, 2.0)) == [1.0]
    assert in_form({"a": [1.0]}, {"a": np.zeros(1)})["a"].shape == (1,)


def test_first_a_file_then_a_verdict(at_work: Callable[..., str]) -> None:
    """The file is made once, holds the statement's example, and is never overwritten."""
    assert "has a first test" in at_work("break", "scaled_square_grad")
    file = Path("break/test_scaled_square_grad.py")
    text = file.read_text()
    assert "found = scaled_square_grad(np.array([1.0, 2.0]), 3.0)" in text
    shown = at_work("break", "scaled_square_grad")
    assert "3/3" in shown
    assert "2/3" in shown
    assert "67%  1 mistake gets past your tests; -v says what they do" in shown
    assert "in place" not in shown
    assert "the caller's x is changed in place" in at_work("break", "scaled_square_grad", "-v")
    assert file.read_text() == text
    entries = [entry for entry in Journal(Path()).entries() if entry.event == "broke"]
    assert [entry.details["share"] for entry in entries] == [0.6667, 0.6667]
    file.write_text(GOOD_GRAD)
    assert "your tests reject every mistake" in at_work("break", "toy/scaled_square_grad")


def test_a_void_score_in_words_and_as_json(at_work: Callable[..., str]) -> None:
    """Names the test and the implementation; the mistakes' sentences only when asked for."""
    at_work("break", "row_means")  # its docstring has no example
    file = Path("break/test_row_means.py")
    file.write_text("def test_a(f):\n    assert False, 'never'\n")
    shown = " ".join(at_work("break", "row_means").split())
    assert "test_a rejects the course's solution and 2 more (-v shows them)" in shown
    every = " ".join(at_work("break", "row_means", "-v").split())
    assert "test_a rejects a right implementation, written as: A loop." in every
    assert "AssertionError: never (line 2)" in shown
    assert "no score" in shown
    assert Journal(Path()).standings()["row_means"].attempts == 0
    file.write_text("def test_a(f):\n    pass\n")
    plain = json.loads(at_work("break", "row_means", "--format", "json"))
    assert plain["mistakes"] == {"rejected": 0, "total": 3}
    assert "survivors" not in plain
    told = json.loads(at_work("break", "row_means", "--format", "json", "-v"))
    assert len(told["survivors"]) == 3


def test_names_and_files_that_are_not_there(at_work: Callable[..., str]) -> None:
    """A name of no exercise makes no file; one that is not UTF-8 is told."""
    with pytest.raises(click.UsageError, match="did you mean 'row_means'"):
        at_work("break", "row_mean")
    assert not Path("break").exists()
    Path("break").mkdir()
    Path("break/test_row_means.py").write_bytes(b"# \xff\n")
    with pytest.raises(Exception, match="line 1: is not UTF-8"):
        at_work("break", "row_means")


@pytest.mark.parametrize(
    ("body", "status"),
    [
        ("f(lambda z: z.nope, np.ones(1))", Status.FAILED),
        ("f(loop, np.ones(1))", Status.TIMEOUT),
        ("f(lambda z: __import__('os')._exit(1), np.ones(1))", Status.ERROR),
        ("f([len], np.ones(1))", Status.FAILED),
    ],
)
def test_functions_can_be_handed_in(body: str, status: Status) -> None:
    """A function of the learner's tests is called from the other side; what goes wrong in it is the test's."""
    more = f"\n\ndef loop(z):\n    while True: pass\n\n\ndef test_bad(f):\n    {body}\n"
    found = _judged_template("jacobian_forward", more, timeout=1.0)
    assert {(o.test, o.status) for o in found.objections} == {("test_bad", status)}


def _judged_template(name: str, more: str = "", *, timeout: float = 5.0) -> Breaking:
    """The verdict on the file that a learner begins with."""
    content = installed()
    course = load_course(content)
    exercise = course.exercise(name)
    sandbox = Sandbox()
    try:
        judge = Judge(content, Bank(content), sandbox, timeout=timeout)
        text = template(content, exercise) + more
        return judge.judge(course.topic(exercise.topic), exercise, text, "break/mine.py")
    finally:
        sandbox.close()


@pytest.mark.slow
@pytest.mark.parametrize("name", [e.name for e in load_course(installed()).exercises])
def test_first_tests_of_the_course_stand(name: str) -> None:
    """The example of each statement accepts every right implementation and rejects something."""
    found = _judged_template(name)
    assert not found.objections
    assert found.n_rejected > 0


def test_templates_of_the_course_are_python() -> None:
    """Every exercise has a first test, which can be compiled."""
    content = installed()
    for exercise in load_course(content).exercises:
        compile(template(content, exercise), exercise.name, "exec")
