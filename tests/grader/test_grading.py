"""A submission in, a report out: statuses, scores, causes, and what one bad function may not do to others."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from grader.content import Content
from grader.grading import Grader
from grader.model import Outcome, Report, Score, Status
from grader.submission import Submission, read_submission

Grade = Callable[..., Report]

RIGHT_MEANS = """
def row_means(x):
    if x.shape[1] == 0:
        raise ValueError("no columns")
    return x.mean(axis=1)
"""
RIGHT_GRAD = """
def scaled_square_grad(x, c):
    return 2 * c * x
"""


def by_name(report: Report) -> dict[str, Score]:
    return {score.exercise.name: score for score in report.scores}


def failing(score: Score) -> list[Outcome]:
    return [outcome for outcome in score.outcomes if outcome.status is not Status.PASSED]


def test_solution_earns_everything(toy_grader: Grader, toy: Content) -> None:
    """The solution passes every check and earns all points."""
    report = toy_grader.grade(read_submission(toy.source("toy"), toy_grader.course))
    assert [score.status for score in report.scores] == [Status.PASSED, Status.PASSED]
    assert (report.earned, report.points, report.percent) == (5.0, 5.0, 100.0)
    assert report.isolation == toy_grader.sandbox.level.name


def test_stub_is_missing(toy_grader: Grader, toy: Content) -> None:
    """Stubs are missing, not failed, and earn nothing."""
    report = toy_grader.grade(read_submission(toy.stub("toy"), toy_grader.course))
    assert {score.status for score in report.scores} == {Status.MISSING}
    assert report.percent == 0.0


def test_absent_function_is_missing(grade_toy: Grade) -> None:
    """A function that is not defined is missing; the other is scored."""
    scores = by_name(grade_toy(RIGHT_MEANS))
    assert scores["row_means"].status is Status.PASSED
    assert scores["scaled_square_grad"].status is Status.MISSING
    assert "defines no function" in scores["scaled_square_grad"].reason


def test_wrong_answer_says_where_and_why(grade_toy: Grade) -> None:
    """A wrong answer names the entry, both values, the pattern and the mistake."""
    report = grade_toy("def scaled_square_grad(x, c):\n    return c * x\n" + RIGHT_MEANS)
    score = by_name(report)["scaled_square_grad"]
    assert score.status is Status.FAILED
    assert score.earned == 0.0
    failure = failing(score)[0].failure
    assert failure is not None
    assert failure.mismatch is not None
    assert failure.mismatch.axes == ("entry",)
    assert failure.mismatch.n_wrong == failure.mismatch.n_total
    assert failure.mismatch.actual == pytest.approx(failure.mismatch.expected / 2)
    assert failure.cause is not None
    assert (failure.cause.kind, failure.cause.name) == ("mistake", "scaled_square_grad__no_two")


def test_mistake_outside_the_bank_is_explained_by_its_transform(grade_toy: Grade) -> None:
    """A flipped sign, which the bank lacks, is told from the values."""
    report = grade_toy("def scaled_square_grad(x, c):\n    return -2 * c * x\n" + RIGHT_MEANS)
    causes = {o.failure.cause.name for o in failing(by_name(report)["scaled_square_grad"])
              if o.failure and o.failure.cause}  # fmt: skip
    assert causes == {"sign"}


def test_unknown_mistake_stays_unexplained(grade_toy: Grade) -> None:
    """An error that nothing explains has no cause."""
    code = (
        "def scaled_square_grad(x, c):\n    return 2*c*x + [1e-3, 2e-5, -3e-4, 0, 7e-6][:len(x)]\n"
    )
    report = grade_toy(
        "import numpy as np\n" + code.replace("[1e-3", "np.array([1e-3").replace("7e-6]", "7e-6])")
    )
    for outcome in failing(by_name(report)["scaled_square_grad"]):
        assert outcome.failure is not None
        assert outcome.failure.cause is None


def test_in_place_change_is_found_and_named(grade_toy: Grade) -> None:
    """A function that changes its argument fails, and is told so."""
    code = "def scaled_square_grad(x, c):\n    x *= 2\n    x *= c\n    return x + 0\n"
    score = by_name(grade_toy(code))["scaled_square_grad"]
    assert "pure" in {outcome.check for outcome in failing(score)}
    for outcome in failing(score):
        assert outcome.failure is not None
        assert "`x`" in outcome.failure.headline
        assert outcome.failure.cause is not None
        assert outcome.failure.cause.name == "scaled_square_grad__in_place"


@pytest.mark.parametrize(
    ("body", "status"),
    [
        ("while True: pass", Status.TIMEOUT),
        ("import os; os._exit(0)", Status.ERROR),
        ("import os; os.abort()", Status.ERROR),
        ("import sys; sys.exit(0)", Status.FAILED),
        ("return np.zeros(10**10)", Status.ERROR),
        ("return scaled_square_grad(x, c)", Status.FAILED),
        ("raise KeyError('k')", Status.FAILED),
        ("return Odd()", Status.FAILED),
        ("return None", Status.FAILED),
        ("print('x' * 20_000_000); return 2 * c * x", Status.PASSED),
        ("raise NotImplementedError", Status.MISSING),
    ],
)
def test_hostile_function_costs_only_itself(grade_toy: Grade, body: str, status: Status) -> None:
    """Whatever one function does, it gets its own status and the other is still scored."""
    odd = "class Odd:\n    def __eq__(self, other):\n        return True\n"
    code = f"import numpy as np\n{odd}def scaled_square_grad(x, c):\n    {body}\n" + RIGHT_MEANS
    scores = by_name(grade_toy(code))
    assert scores["scaled_square_grad"].status is status
    assert scores["row_means"].status is Status.PASSED


def test_syntax_error_is_one_problem(grade_toy: Grade) -> None:
    """A syntax error is one problem with its place; every function of the file is an error."""
    report = grade_toy("def row_means(x):\n    return x.mean(axis=1\n")
    (problem,) = report.problems
    assert (problem.line, problem.file) == (2, "toy.py")
    assert problem.column is not None
    assert {score.status for score in report.scores} == {Status.ERROR}


def test_code_that_never_finishes_importing(grade_toy: Grade) -> None:
    """A loop at import costs one deadline for the file, not one for each check."""
    report = grade_toy("while True:\n    pass\n" + RIGHT_MEANS)
    assert {score.status for score in report.scores} == {Status.TIMEOUT}
    assert len(report.problems) == 1
    assert report.seconds < 30


def test_same_seed_same_report(grade_toy: Grade) -> None:
    """Two runs with a seed see the same values; another seed sees others."""
    wrong = "def scaled_square_grad(x, c):\n    return c * x\n"

    def values(seed: int) -> list[object]:
        score = by_name(grade_toy(wrong, seed=seed))["scaled_square_grad"]
        return [
            o.failure.mismatch.actual for o in failing(score) if o.failure and o.failure.mismatch
        ]

    assert values(5) == values(5)
    assert values(5) != values(6)


def test_only_the_exercises_asked_for(grade_toy: Grade) -> None:
    """Exercises that are not asked for are not run and not scored."""
    report = grade_toy(RIGHT_GRAD + RIGHT_MEANS, exercises=["row_means"])
    assert [score.exercise.name for score in report.scores] == ["row_means"]
    assert report.percent == 100.0


def test_warnings_and_output_are_reported_but_do_not_count(grade_toy: Grade) -> None:
    """A warning or print counts only where a test asks; both stand in the outcome."""
    code = (
        "import warnings\ndef scaled_square_grad(x, c):\n    warnings.warn('odd', RuntimeWarning)\n"
        "    print('hello')\n    return 2 * c * x\n"
    )
    score = by_name(grade_toy(code))["scaled_square_grad"]
    assert score.status is Status.PASSED
    assert all("RuntimeWarning: odd (line 3)" in o.warnings for o in score.outcomes)
    assert all(o.printed.startswith("hello") for o in score.outcomes)


def test_a_fault_of_ours_is_not_the_learners(own_toy: Content) -> None:
    """A suite that breaks gives grader_error, and never a failure."""
    suite = own_toy.suite("toy")
    suite.write_text(suite.read_text() + "\n\ndef test_row_means_broken(submission):\n    1 / 0\n")
    with Grader(own_toy, timeout=1.0) as grader:
        report = grader.grade(read_submission(own_toy.source("toy"), grader.course))
    assert by_name(report)["row_means"].status is Status.GRADER_ERROR
    assert by_name(report)["scaled_square_grad"].status is Status.PASSED


def test_files_beside_the_submission_are_not_run(
    toy_grader: Grader, toy: Content, tmp_path: Path
) -> None:
    """conftest.py, pytest.ini, numpy.py and sitecustomize.py in a submission have no effect."""
    (tmp_path / "toy.py").write_text(toy.source("toy").read_text())
    for name in ("conftest.py", "numpy.py", "sitecustomize.py", "usercustomize.py"):
        (tmp_path / name).write_text("raise SystemExit('must not run')\n")
    (tmp_path / "pytest.ini").write_text("[pytest]\naddopts = --collect-only\n")
    report = toy_grader.grade(read_submission(tmp_path, toy_grader.course))
    assert report.percent == 100.0


def test_failure_that_leans_on_another_says_so(grade_toy: Grade) -> None:
    """A function that calls a wrong one is told to have that one mended first."""
    code = (
        "def row_means(x):\n    return x.mean(axis=0)\n\n\n"
        "def scaled_square_grad(x, c):\n    return row_means(x[:, None]) * c\n"
    )
    scores = by_name(grade_toy(code))
    assert (
        scores["scaled_square_grad"].reason
        == "it calls `row_means`, which does not pass: mend that first"
    )
    assert scores["row_means"].reason == ""


def test_capstone_runs_when_its_functions_pass(grade_toy: Grade) -> None:
    """It passes with right functions, waits for a wrong one, and is left out where not all it calls is graded."""
    report = grade_toy(RIGHT_MEANS + RIGHT_GRAD)
    assert [one.status for one in report.capstones] == [Status.PASSED]
    assert [outcome.check for outcome in report.capstones[0].outcomes] == ["descends"]
    report = grade_toy(RIGHT_MEANS)
    assert [one.status for one in report.capstones] == [Status.WAITING]
    assert report.capstones[0].outcomes == ()
    assert report.capstones[0].reason == "it calls `scaled_square_grad`, which does not pass"
    assert grade_toy(RIGHT_MEANS + RIGHT_GRAD, exercises=["row_means"]).capstones == ()


def test_capstone_fails_by_itself(grade_toy: Grade) -> None:
    """Functions that pass their own checks and change their minds afterwards fail the capstone, not the exercise."""
    count = "\ncalls = 0\n"
    fickle = """
def scaled_square_grad(x, c):
    global calls
    calls += 1
    return 2 * c * x if calls < 15 else 0 * x
"""
    report = grade_toy(RIGHT_MEANS + count + fickle)
    assert {score.status for score in report.scores} == {Status.PASSED}
    assert [one.status for one in report.capstones] == [Status.FAILED]
    failure = report.capstones[0].outcomes[0].failure
    assert failure is not None
    assert failure.headline == "the points do not shrink"


# ---- many submissions


def timeless(report: Report) -> Report:
    """The report without what a clock has said."""

    def still(outcomes: tuple[Outcome, ...]) -> tuple[Outcome, ...]:
        return tuple(replace(outcome, seconds=0.0) for outcome in outcomes)

    return replace(
        report,
        seconds=0.0,
        scores=tuple(replace(s, outcomes=still(s.outcomes)) for s in report.scores),
        capstones=tuple(replace(c, outcomes=still(c.outcomes)) for c in report.capstones),
    )


@pytest.fixture
def handed_in(tmp_path: Path, toy: Content, toy_grader: Grader) -> list[tuple[Submission, int]]:
    """Submissions: right, wrong, not to be read as Python, one that hangs, right again."""
    texts = {
        "ada": toy.source("toy").read_text(),
        "ben": "def scaled_square_grad(x, c):\n    return c * x\n" + RIGHT_MEANS,
        "cleo": "def row_means(x:\n",
        "dan": "def scaled_square_grad(x, c):\n    while True: pass\n" + RIGHT_MEANS,
        "eve": toy.source("toy").read_text(),
    }
    found = []
    for seed, (name, text) in enumerate(texts.items()):
        folder = tmp_path / name
        folder.mkdir()
        (folder / "toy.py").write_text(text)
        found.append((read_submission(folder, toy_grader.course), 100 + seed))
    return found


def test_many_are_graded_as_each_alone(
    toy_grader: Grader, handed_in: list[tuple[Submission, int]]
) -> None:
    """In one session or each in its own, in any order: the same report for the same seed."""
    alone = [timeless(toy_grader.grade(each, seed=seed)) for each, seed in handed_in]
    together: list[Report] = []
    toy_grader.grade_all(iter(handed_in), lambda report: together.append(timeless(report)))
    assert together == alone
    assert [report.seed for report in alone] == [100, 101, 102, 103, 104]
    backwards: list[Report] = []
    toy_grader.grade_all(reversed(handed_in), lambda report: backwards.append(timeless(report)))
    assert backwards[::-1] == alone


def test_the_next_is_asked_for_when_one_is_done(
    toy_grader: Grader, handed_in: list[tuple[Submission, int]]
) -> None:
    """Submissions are taken as they come, and no worker of an earlier one is left."""
    seen: list[str] = []

    def coming() -> Iterator[tuple[Submission, int]]:
        for submission, seed in handed_in:
            assert not toy_grader.sandbox.workers
            seen.append(f"{submission.name} is wanted")
            yield submission, seed

    toy_grader.grade_all(coming(), lambda report: seen.append(f"{report.submission} is done"))
    names = [submission.name for submission, _ in handed_in]
    assert seen == [f"{name} is {what}" for name in names for what in ("wanted", "done")]


@pytest.mark.parametrize("fault", [OSError("gone"), KeyboardInterrupt()])
def test_what_ends_the_stream_comes_out(
    toy_grader: Grader, handed_in: list[tuple[Submission, int]], fault: BaseException
) -> None:
    """A source of submissions that fails, and Ctrl-C, are raised as they are; what was done is done."""
    done: list[str] = []

    def coming() -> Iterator[tuple[Submission, int]]:
        yield handed_in[0]
        raise fault

    with pytest.raises(type(fault)):
        toy_grader.grade_all(coming(), lambda report: done.append(report.submission))
    assert done == ["ada"]
    assert not toy_grader.sandbox.workers


def test_fixtures_of_a_suite_are_set_up_for_each(tmp_path: Path, own_toy: Content) -> None:
    """A test that takes pytest's way, with fixtures and skips, runs anew for each submission."""
    content = own_toy
    with content.suite("toy").open("a") as suite:
        suite.write(
            "\n\n@pytest.fixture\ndef columns(rng):\n    return int(rng.integers(2, 9))\n\n\n"
            "@pytest.fixture(scope='module')\ndef counted():\n    return []\n\n\n"
            "def test_row_means_of_a_column(submission, columns, counted):\n"
            "    counted.append(1)\n"
            "    assert len(counted) == 1, 'it has been set up before'\n"
            "    assert_close(submission.row_means(np.ones((3, columns))), np.ones(3))\n"
        )
    texts = [content.source("toy").read_text(), "def row_means(x):\n    return 0 * x[:, 0]\n"]
    reports: list[Report] = []
    with Grader(content) as grader:
        handed = []
        for number, text in enumerate([*texts, *texts]):
            folder = tmp_path / str(number)
            folder.mkdir()
            (folder / "toy.py").write_text(text)
            handed.append((read_submission(folder, grader.course), 5))
        grader.grade_all(handed, reports.append)
    found = [
        next(o for o in by_name(r)["row_means"].outcomes if o.check == "of a column").status
        for r in reports
    ]
    assert found == [Status.PASSED, Status.FAILED] * 2
