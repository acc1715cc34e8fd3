"""What a student may see: no input of a hidden test comes out of a report, whatever a submission does with it."""

from __future__ import annotations

import ast
import json
from collections.abc import Callable, Iterator
from dataclasses import fields, replace
from io import StringIO
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from click.testing import CliRunner
from hypothesis import given, settings
from hypothesis import strategies as st
from rich.console import Console

import grader.report
from grader.catalog import load_course, validate_course
from grader.checks import disclosed
from grader.cli import cli
from grader.content import Content
from grader.disclosure import (
    FAILS,
    UNTOLD,
    InstructorReport,
    StudentReport,
    for_instructor,
    for_student,
)
from grader.errors import ContentError
from grader.grading import Grader
from grader.model import (
    Capstone,
    CapstoneScore,
    Cause,
    Difficulty,
    Disclosure,
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
    stricter,
)
from grader.report import cell, junit, terminal
from grader.report import json as json_report
from grader.sandbox import jail
from grader.submission import read_submission
from grader.suite import SuiteError

NONE, NAMES, FULL = Disclosure
levels = st.sampled_from(Disclosure)

# ---- reports full of canaries

WORD = "canary"
"""Stands in every text that a hidden input could come into."""
NUMBER = 918273
"""Stands in every number that could be one, or give one away."""
SIGNS = (WORD, "918273", "9.1827", "918,273", "9.183e")
"""By which either is found again, however it was written."""

HINTS = Hints("c", "e", "s", "l")
EXERCISES = tuple(
    Exercise(name, "softmax", name.title(), f"{name}(z)", 2.0, Difficulty.EASY, 5, ("t",), HINTS)
    for name in ("softmax", "softmax_vjp")
)
CAPSTONE = Capstone("softmax", "The end", "All together.", ("softmax",))


def failure(cause: str) -> Failure:
    """Whose every member holds a canary, but for a mistake's sentence."""
    sentence = "the mask is forgotten" if cause == "mistake" else WORD
    name = "softmax__no_mask" if cause == "mistake" else WORD
    return Failure(
        f"{WORD} is {NUMBER}",
        Mismatch(
            WORD, (WORD,), (NUMBER,), (NUMBER,), float(NUMBER), 1j * NUMBER, NUMBER * 1e-9, NUMBER * 1e-12,
            NUMBER, NUMBER + 1, WORD,
        ),
        Cause(cause, name, sentence) if cause else None,
        (WORD, str(NUMBER)),
    )  # fmt: skip


@st.composite
def outcomes(
    draw: st.DrawFn, exercise: str, level: st.SearchStrategy[Disclosure]
) -> tuple[Outcome, ...]:
    """The tests of an exercise, with canaries wherever one can stand."""
    own = {check: draw(level) for check in ("values", "shape", "pure")}

    def outcome(check: str, case: str) -> Outcome:
        status = draw(st.sampled_from(Status))
        said = None
        if status is not Status.PASSED and draw(st.booleans()):
            said = failure(draw(st.sampled_from(["mistake", "transform", ""])))
        return Outcome(
            f"softmax::test_{exercise}_{check}[{case}]", f"{check} ({case})", exercise, status, said,
            float(NUMBER), (WORD,), f"{WORD} {NUMBER}", own[check],
        )  # fmt: skip

    cases = st.sampled_from([f"x={WORD}", f"n={NUMBER}", f"x=({WORD}, [{NUMBER}])"])
    chosen = draw(st.lists(st.tuples(st.sampled_from(sorted(own)), cases), max_size=5, unique=True))
    return tuple(outcome(*each) for each in chosen)


@st.composite
def reports(draw: st.DrawFn, level: st.SearchStrategy[Disclosure] = levels) -> Report:
    """A report of two exercises and a capstone; its statuses need not fit its outcomes."""
    scores = tuple(
        Score(
            exercise,
            draw(st.sampled_from([s for s in Status if s is not Status.WAITING])),
            draw(st.sampled_from([0.0, 2.0])),
            draw(outcomes(exercise.name, level)),
            f"{WORD} {NUMBER}",
            draw(st.sampled_from([(), ("softmax",), (WORD,)])),
        )
        for exercise in EXERCISES
    )
    last = CapstoneScore(
        CAPSTONE,
        draw(st.sampled_from(Status)),
        draw(outcomes("capstone", level)),
        f"{WORD} {NUMBER}",
    )
    late = Problem("softmax", f"softmax.ipynb, cell {NUMBER}", WORD, NUMBER, NUMBER, WORD)
    return Report(
        submission="ada", course="A course", version="1", seed=NUMBER, isolation=WORD, timeout=5.0,
        topics=(Topic("softmax", "Softmax", "On softmax.", EXERCISES, CAPSTONE, draw(level)),),
        scores=scores, capstones=(last,), problems=(late,) * draw(st.integers(0, 1)),
        seconds=float(NUMBER), environment={WORD: str(NUMBER)},
    )  # fmt: skip


def rendered(report: StudentReport | InstructorReport) -> dict[str, str]:
    """The report in every form that there is."""
    forms = {
        "repr": repr(report),
        "json": json_report.dumps([report]),
        "junit": junit.dumps([report]),
    }
    for verbose in (False, True):
        file = StringIO()
        console = Console(file=file, width=100, color_system=None)
        terminal.print_report(console, report, verbose=verbose)
        terminal.print_reports(console, [report, report], verbose=verbose)
        console.print(terminal.render_exercise(report, verbose=verbose))  # type: ignore[arg-type]
        forms[f"terminal, verbose={verbose}"] = file.getvalue()
        forms[f"cell, verbose={verbose}"] = cell.report_html(report, verbose=verbose)  # type: ignore[arg-type]
    return forms


def leaks(forms: dict[str, str]) -> list[str]:
    """The forms in which a canary is found."""
    return [
        f"{form}: {sign} in …{text[max(text.find(sign) - 80, 0) :][:200]}…"
        for form, text in forms.items()
        for sign in SIGNS
        if sign in text
    ]


@settings(max_examples=60)
@given(reports(), st.sampled_from([NONE, NAMES]))
def test_no_canary_comes_through_below_full(report: Report, ceiling: Disclosure) -> None:
    """Under a ceiling below full, no form of a report holds a value, whatever its tests' own levels."""
    assert not leaks(rendered(for_student(report, ceiling)))


@settings(max_examples=40)
@given(reports(st.sampled_from([NONE, NAMES])))
def test_no_canary_comes_through_of_tests_below_full(report: Report) -> None:
    """Tests whose own level is below full are not told under any ceiling."""
    assert not leaks(rendered(for_student(report, FULL)))


def test_canaries_are_found_where_they_stand() -> None:
    """The instructor's report holds them in each form, so that the tests above can fail."""
    said = failure("transform")
    outcome = Outcome("softmax::t", "t", "softmax", Status.FAILED, said, 1.0, (WORD,), WORD)
    score = Score(EXERCISES[0], Status.FAILED, 0.0, (outcome,))
    report = Report("ada", "c", "1", NUMBER, WORD, 5.0, (), (score,))
    found = "\n".join(leaks(rendered(for_instructor(report))))
    for form in rendered(for_instructor(report)):
        assert f"{form}: " in found


@settings(max_examples=60)
@given(reports(), levels)
def test_points_and_statuses_stay(report: Report, ceiling: Disclosure) -> None:
    """What an exercise earns and its status do not depend on what is told of it."""
    shown = for_student(report, ceiling)
    assert (shown.earned, shown.points) == (report.earned, report.points)
    assert [s.status for s in shown.scores] == [s.status for s in report.scores]
    assert [c.status for c in shown.capstones] == [c.status for c in report.capstones]
    if ceiling is NONE:
        assert all(not s.outcomes for s in (*shown.scores, *shown.capstones))


@settings(max_examples=60)
@given(reports(), levels, levels)
def test_ceilings_add_up(report: Report, first: Disclosure, second: Disclosure) -> None:
    """Made twice, a student's report is what the stricter ceiling makes of it: nothing comes back."""
    both = for_student(for_student(report, first), second)
    assert both == for_student(report, stricter(first, second))


@settings(max_examples=30)
@given(reports(), levels)
def test_documents_fit_their_schema(report: Report, ceiling: Disclosure) -> None:
    """The JSON of a student's report is valid, and says its level."""
    document = json.loads(json_report.dumps([for_student(report, ceiling)]))
    jsonschema.Draft202012Validator(json_report.schema()).validate(document)
    assert document["submissions"][0]["disclosure"] == ceiling
    full = json.loads(json_report.dumps([for_instructor(report)]))
    assert full["submissions"][0]["disclosure"] is None


def test_every_member_of_a_report_was_thought_of() -> None:
    """A member that is added to what reports are made of does not pass by default: decide on it in `for_student`."""
    known = {
        Report: "submission course version seed isolation timeout topics scores capstones problems notes seconds "
        "environment",
        Score: "exercise status earned outcomes reason leans_on",
        CapstoneScore: "capstone status outcomes reason",
        Outcome: "test check exercise status failure seconds warnings printed disclosure evidence",
        Failure: "headline mismatch cause notes",
        Problem: "topic file message line column text early",
    }  # fmt: skip
    for kind, names in known.items():
        assert {each.name for each in fields(kind)} == set(names.split()), kind


# ---- what is shown


def named(*cases: Outcome, status: Status = Status.FAILED) -> Score:
    """A score of these outcomes, as a student sees it under `NAMES`."""
    score = Score(EXERCISES[0], status, 0.0, cases)
    report = Report("ada", "c", "1", 0, "rlimits", 5.0, (), (score,))
    return for_student(report, NAMES).scores[0]


def case(
    number: int, status: Status, cause: Cause | None = None, level: Disclosure = FULL
) -> Outcome:
    """One case of a test with parameters."""
    said = Failure(f"entry {number}", None, cause) if status is Status.FAILED else None
    return Outcome(
        f"t::test_f_v[n={number}]", f"v (n={number})", "f", status, said, disclosure=level
    )


MASK = Cause("mistake", "f__mask", "the mask is forgotten")
SUM = Cause("mistake", "f__sum", "the sum is missing")
FACTOR = Cause("transform", "factor", "off by a factor of 7")


def test_cases_of_one_test_are_one() -> None:
    """Which of the cases fail would tell of their parameters; the worst of their statuses is shown."""
    score = named(case(1, Status.PASSED), case(2, Status.FAILED), case(3, Status.PASSED))
    (shown,) = score.outcomes
    assert (shown.check, shown.test, shown.status) == ("v", "t::test_f_v", Status.FAILED)
    assert shown.failure == Failure(FAILS)
    assert score.reason == ""


@pytest.mark.parametrize(
    ("causes", "told"),
    [((MASK, MASK), MASK), ((MASK, SUM), None), ((MASK, None), None), ((FACTOR, FACTOR), None)],
)
def test_a_mistake_is_told_where_it_explains_every_case(
    causes: tuple[Cause | None, ...], told: Cause | None
) -> None:
    """The bank's sentence holds no value; a transform's may."""
    cases = [case(number, Status.FAILED, cause) for number, cause in enumerate(causes)]
    (shown,) = named(*cases, case(9, Status.PASSED)).outcomes
    assert shown.failure is not None
    assert shown.failure.cause == told


def test_a_hidden_check_is_told_of_where_it_alone_decides() -> None:
    """That there are checks which are not shown is said only where nothing that is shown says why."""
    hidden = case(1, Status.FAILED, level=NONE)
    seen = Outcome("t::test_f_w", "w", "f", Status.PASSED, disclosure=FULL)
    assert named(hidden, seen).reason == UNTOLD
    assert named(hidden, replace(seen, status=Status.FAILED)).reason == ""
    assert named(hidden, seen, status=Status.PASSED).reason == ""


def test_renderers_take_no_plain_report() -> None:
    """Whoever shows a report has to say to whom: mypy refuses a `Report` where a renderer takes it."""
    found = []
    for file in Path(grader.report.__file__).parent.glob("*.py"):
        for node in ast.parse(file.read_text(encoding="utf-8")).body:
            if isinstance(node, ast.FunctionDef) and not node.name.startswith("_"):
                given = [ast.unparse(a.annotation) for a in node.args.args if a.annotation]
                found += [node.name for each in given if each in ("Report", "Sequence[Report]")]
    assert sorted(found) == ["by_topic", "percentage"]  # neither tells anything of a check


# ---- a run


HIDDEN = """
import numpy as np
import pytest

from grader.checks import assert_close, disclosed, fail

SECRET = 918273.0


@disclosed("{level}")
@pytest.mark.parametrize("n", [918273, 3])
def test_row_means_hidden(submission, n):
    assert_close(submission.row_means(np.full((2, 3), SECRET)), np.full(2, float(n)), axes=("row",))


def test_row_means_shown(submission, rng):
    x = rng.normal(size=(4, 3))
    assert_close(submission.row_means(x), x.mean(axis=1), axes=("row",))


def test_scaled_square_grad_values(submission, rng):
    x = rng.normal(size=5)
    assert_close(submission.scaled_square_grad(x, 0.5), x, axes=("entry",))


def test_capstone_ends(submission):
    fail("the capstone tells " + str(submission.row_means(np.ones((1, 2)))))
"""

KEEPS = '''
import os
import sys
import warnings

KEPT = []


def tell():
    print("kept", KEPT)
    if KEPT:
        warnings.warn(f"canary {KEPT}")


def scaled_square_grad(x, c):
    tell()
    return 2.0 * c * x


def row_means(x):
    """Keeps what it is given and tells it at every occasion."""
    KEPT.append(f"canary {x.max()}")
    tell()
    if x.max() > 9e5:
        END
    return x.mean(axis=1)
'''
ENDS = {
    "raises": "raise ValueError(repr(KEPT))",
    "returns": "return x[:, 0]",
    "a stub": "raise NotImplementedError(repr(KEPT))",
    "no data": "return type(f'canary{x.max():.0f}', (), {})()",
    "exits": "os._exit(int(x.max()) % 251)",
    "in place": "x[:] = 1; return x",
}


@pytest.fixture(params=["none", "names"])
def hidden(request: pytest.FixtureRequest, own_toy: Content) -> Content:
    """A toy course, one of whose tests is hidden and has a secret input."""
    own_toy.suite("toy").write_text(HIDDEN.replace("{level}", request.param), encoding="utf-8")
    return own_toy


@pytest.fixture
def hidden_grader(hidden: Content) -> Iterator[Grader]:
    """A warm grader of that course."""
    with Grader(hidden, timeout=5.0) as grader:
        yield grader


def test_what_a_function_keeps_does_not_come_out(hidden_grader: Grader, tmp_path: Path) -> None:
    """A submission that tells its arguments wherever it can, tells none of a hidden test's, under any ceiling."""
    for how, end in ENDS.items():
        file = tmp_path / "toy.py"
        file.write_text(KEEPS.replace("END", end), encoding="utf-8")
        report = hidden_grader.grade(read_submission(file, hidden_grader.course), seed=5)
        assert leaks({"all": repr(report)}), how  # the instructor sees what it did
        for ceiling in Disclosure:
            shown = for_student(report, ceiling)
            # What it was given in the tests that are shown, it may tell.
            forms = {form: text.replace("canary", "") for form, text in rendered(shown).items()}
            assert not leaks(forms), how
            assert shown.seed is None
            assert shown.earned == report.earned
        values = for_student(report, FULL).scores[1].outcomes
        assert [o.check for o in values if o.disclosure is FULL] == ["shown"], how
        # Its process has not seen the hidden test, although that stands before it.
        assert next(o for o in values if o.check == "shown").printed.count("canary") == 1, how


def test_a_capstone_sees_a_process_of_its_own(own_toy: Content, tmp_path: Path) -> None:
    """What was kept of a hidden test's arguments does not come out in the capstone behind it either."""
    suite = HIDDEN.replace("{level}", "none").replace("[918273, 3]", "[918273]")
    own_toy.suite("toy").write_text(suite, encoding="utf-8")
    file = tmp_path / "toy.py"
    file.write_text(KEEPS.replace("END", "pass"), encoding="utf-8")
    with Grader(own_toy, timeout=5.0) as grader:
        report = grader.grade(read_submission(file, grader.course))
    (score,) = report.capstones
    assert score.status is Status.FAILED
    assert score.outcomes[0].printed.count("canary") == 1
    assert "the capstone tells" in rendered(for_student(report, FULL))["json"]


def test_a_file_that_cannot_be_loaded_says_why(hidden_grader: Grader, tmp_path: Path) -> None:
    """What goes wrong before anything was called holds no argument, and is told at every level."""
    file = tmp_path / "toy.py"
    file.write_text("x = 1\nraise ValueError('why')\n", encoding="utf-8")
    report = hidden_grader.grade(read_submission(file, hidden_grader.course))
    for ceiling in Disclosure:
        (problem,) = for_student(report, ceiling).problems
        assert (problem.message, problem.line) == ("ValueError: why", 2)


def test_a_file_that_cannot_be_loaded_again_does_not(hidden: Content, tmp_path: Path) -> None:
    """A process that dies is replaced, and what the file says then may have come from an argument."""
    file, kept = tmp_path / "toy.py", tmp_path / "kept"
    file.write_text(
        f"import os\nif os.path.exists({str(kept)!r}):\n    raise ValueError(open({str(kept)!r}).read())\n"
        f"def row_means(x):\n    open({str(kept)!r}, 'w').write(f'canary {{x.max()}}')\n    os._exit(3)\n"
        "def scaled_square_grad(x, c):\n    return 2.0 * c * x\n",
        encoding="utf-8",
    )
    with Grader(hidden, levels=[jail.RLIMITS]) as grader:  # elsewhere it can keep nothing in a file
        report = grader.grade(
            read_submission(file, grader.course), exercises=["row_means", "scaled_square_grad"]
        )
    assert "canary" in repr(report.problems)
    for ceiling in (NONE, NAMES):
        assert not leaks(rendered(for_student(report, ceiling)))


# ---- where levels come from


def levels_of(content: Content, tmp_path: Path) -> dict[str, Disclosure]:
    """The level of each check, graded with a stub."""
    file = tmp_path / "toy.py"
    file.write_text("def row_means(x): return 1\n", encoding="utf-8")
    with Grader(content, timeout=5.0) as grader:
        report = grader.grade(read_submission(file, grader.course))
    return {o.check: o.disclosure for score in report.scores for o in score.outcomes}


def test_the_nearest_level_counts(own_toy: Content, tmp_path: Path) -> None:
    """A test's own, or its topic's, or its course's."""
    own_toy.suite("toy").write_text(HIDDEN.replace("{level}", "none"), encoding="utf-8")
    course, topic = own_toy.course_toml, own_toy.topic_toml("toy")
    course.write_text(course.read_text() + 'disclosure = "names"\n', encoding="utf-8")
    found = levels_of(own_toy, tmp_path)
    assert (found["hidden (n=3)"], found["shown"]) == (NONE, NAMES)
    text = topic.read_text()
    topic.write_text(
        text.replace("schema = 1", 'schema = 1\ndisclosure = "full"'), encoding="utf-8"
    )
    found = levels_of(own_toy, tmp_path)
    assert (found["hidden (n=3)"], found["shown"]) == (NONE, FULL)


def test_levels_that_are_none_are_told(own_toy: Content, tmp_path: Path) -> None:
    """A misspelt level ends the run: it must not fall back to one that tells more."""
    suite = own_toy.suite("toy")
    suite.write_text(HIDDEN.replace("{level}", "hidden"), encoding="utf-8")
    with pytest.raises(SuiteError, match="no such level; there are none, names, full"):
        levels_of(own_toy, tmp_path)
    course = own_toy.course_toml
    course.write_text(course.read_text() + 'disclosure = "hidden"\n', encoding="utf-8")
    with pytest.raises(ContentError, match="disclosure: must be one of none, names, full"):
        load_course(own_toy)
    assert [problem.key for problem in validate_course(own_toy)] == ["disclosure"]


def test_the_decorator_leaves_a_test_direct() -> None:
    """It sets an attribute and makes no mark, so that the test is called without pytest's detours."""

    def test_f(submission: Any) -> None: ...

    assert disclosed("names")(test_f) is test_f
    assert not hasattr(test_f, "pytestmark")


# ---- commands


def test_score_shows_what_a_student_may_see(hidden: Content, tmp_path: Path) -> None:
    """Without the option everything, as it is the instructor's command; with it, what a level leaves."""
    file = tmp_path / "toy.py"
    file.write_text(KEEPS.replace("END", ENDS["raises"]), encoding="utf-8")

    def scored(*options: str) -> str:
        args = ["score", str(file), "--course", str(hidden.root), "--verbose", *options]
        result = CliRunner().invoke(cli, args, standalone_mode=False, env={"COLUMNS": "80"})
        assert result.exception is None, result.exception
        return result.stdout

    assert "918273" in scored()
    for level in Disclosure:
        assert "918273" not in scored("--disclosure", level.value)
    for format_ in ("json", "junit"):
        assert "918273" not in scored("--disclosure", "full", "--format", format_)


def test_check_keeps_hidden_tests_hidden(
    own_toy: Content, at_work: Callable[..., str], tmp_path: Path
) -> None:
    """Who practises on their own sees all but what the course's authors hide."""
    own_toy.suite("toy").write_text(HIDDEN.replace("{level}", "names"), encoding="utf-8")
    written = KEEPS.replace("END", ENDS["raises"])
    (tmp_path / "ws" / "toy" / "toy.py").write_text(written, encoding="utf-8")
    text = at_work("check", "--verbose")
    assert "hidden" in text
    assert FAILS in text
    assert "918273" not in text
