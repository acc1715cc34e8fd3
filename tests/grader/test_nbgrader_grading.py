"""A class on nbgrader: what it does with submissions that break it, and forgeries that give full marks elsewhere.

One small class is graded once, through nbgrader's own machinery in this process; each test looks at one submission.
"""

from __future__ import annotations

import json
import shutil
import sqlite3
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from grader.catalog import load_course
from grader.cli import cli
from grader.content import Content, locate
from grader.disclosure import for_student
from grader.errors import GradsmithError
from grader.grading import Grader
from grader.model import Status
from grader.nbgrader_course.build import CONFIG, build_course
from grader.nbgrader_course.gradebook import gradebook, nbgrader_at_work
from grader.nbgrader_course.service import CEILING, verdict_of
from grader.nbgrader_course.verdicts import CellVerdict, Kept, Verdict, Work
from grader.sandbox.local import load_module
from grader.submission import read_submission

HERE = Path(__file__).parent


made: Any = load_module(HERE / "nbgrader_class.py", "nbgrader_class")
RIGHT, FORGERIES, SUBMISSIONS, FILES = made.RIGHT, made.FORGERIES, made.SUBMISSIONS, made.FILES
written, rules_of = made.written, made.rules_of
Cells = list[dict[str, Any]]


@dataclass
class Lesson:
    """A course for nbgrader, graded once; `rows` by student."""

    root: Path
    db_url: str
    done: Any

    @property
    def rows(self) -> dict[str, Any]:
        return {row.student: row for row in self.done.rows}

    def comment(self, student: str, function: str) -> str:
        """What the gradebook says of a function."""
        with gradebook(self.db_url) as book:
            return str(book.find_comment(function, "toy", "toy", student).auto_comment)

    def scores(self, student: str) -> dict[str, tuple[float | None, bool]]:
        """The automatic score of each test cell, and whether it waits for a person."""
        with gradebook(self.db_url) as book:
            grades = book.find_submission_notebook("toy", "toy", student).grades
            return {grade.name: (grade.auto_score, grade.needs_manual_grade) for grade in grades}

    def submit(self, student: str, data: bytes, time: str = "") -> Path:
        """Put a file where nbgrader collects it."""
        folder = self.root / "submitted" / student / "toy"
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "toy.ipynb").write_bytes(data)
        if time:
            (folder / "timestamp.txt").write_text(time)
        return folder / "toy.ipynb"

    def handed(self) -> dict[str, Any]:
        """The notebook that students get."""
        found: dict[str, Any] = json.loads((self.root / "release/toy/toy.ipynb").read_text())
        return found

    def notebook(self, change: Callable[[Cells], Cells]) -> bytes:
        """A submission's bytes."""
        data = self.handed()
        data["cells"] = change(data["cells"])
        return json.dumps(data).encode()


@pytest.fixture(autouse=True)
def at_work() -> Iterator[None]:
    """nbgrader can be imported, and its warnings about itself are no errors."""
    with nbgrader_at_work():
        yield


@pytest.fixture(scope="module")
def lesson(toy: Content, tmp_path_factory: pytest.TempPathFactory) -> Lesson:
    """The class, graded."""
    with nbgrader_at_work():
        return graded_class(toy, tmp_path_factory.mktemp("class") / "ml")


def graded_class(toy: Content, root: Path) -> Lesson:
    """Make a course in a folder, hand everything in, and have it graded."""
    from datetime import datetime

    content = locate(toy.root)
    build_course(root, content, load_course(content), ["toy"])
    with (root / CONFIG).open("a", encoding="utf-8") as file:  # what an instructor adds
        file.write(
            'c.GradeInSandbox.timeout = 0.7\nc.LateSubmissionPlugin.penalty_method = "zero"\n'
        )

    from nbgrader.converters import GenerateAssignment
    from nbgrader.coursedir import CourseDirectory

    from grader.nbgrader_course.autograde import autograde, configuration, db_url

    config = configuration(root)
    config.CourseDirectory.assignment_id = "toy"
    generate = GenerateAssignment(coursedir=CourseDirectory(config=config), config=config)
    generate.log.setLevel("CRITICAL")
    generate.start()
    url = db_url(root)
    with gradebook(url) as book:
        book.update_or_create_assignment("toy", duedate=datetime(2026, 1, 31))
    lesson = Lesson(root, url, None)
    for student, change in SUBMISSIONS.items():
        time = "2026-02-01 10:00:00 UTC" if student == "late" else "2026-01-30 10:00:00 UTC"
        lesson.submit(student, lesson.notebook(change), time)
    for student, data in FILES.items():
        lesson.submit(student, data)
    lesson.done = autograde(root, "toy", jobs=1)
    return lesson


def test_everyone_is_in_the_gradebook(lesson: Lesson) -> None:
    """No submission fails; nothing is left to a person."""
    assert lesson.done.failed == {}
    assert set(lesson.rows) == {*SUBMISSIONS, *FILES}
    assert not any(row.for_a_person for row in lesson.done.rows)
    assert {row.points for row in lesson.done.rows} == {5.0}


@pytest.mark.parametrize(
    "student",
    ["right", "duplicated", "split", "stripped", "deleted", "reordered", "metadata", "Zoë Ünal 2", "warns", "raises"],
)  # fmt: skip
def test_right_functions_earn_all(lesson: Lesson, student: str) -> None:
    """However the cells lie about, whatever they warn of, and whatever the student is called."""
    assert lesson.rows[student].score == 5.0


@pytest.mark.parametrize("student", ["wrong", "stubs", "overwritten", *FORGERIES, *FILES])
def test_wrong_functions_earn_nothing(lesson: Lesson, student: str) -> None:
    """Not by forgery either; each cell has a score, and it is nought."""
    assert lesson.rows[student].score == 0.0
    assert set(lesson.scores(student).values()) == {(0.0, False)}


@pytest.mark.parametrize("student", ["one", "loops", "exits"])
def test_a_part_is_worth_its_points(lesson: Lesson, student: str) -> None:
    """What hangs, dies, or is not there costs its own points; a score of nought is none that could not be read."""
    scores = {"test_scaled_square_grad": (0.0, False), "test_row_means": (3.0, False)}
    assert lesson.scores(student) == scores


def test_late_submissions_are_nbgraders_business(lesson: Lesson) -> None:
    """Its own plugin gives the penalty, on the score that it was given."""
    late, right = lesson.rows["late"], lesson.rows["right"]
    assert (late.score, late.penalty) == (5.0, 5.0)
    assert right.penalty == 0.0


def test_comments_say_what_came_of_each_function(lesson: Lesson) -> None:
    """In the gradebook: the mistake that was made, what could not be read, what was put back."""
    assert lesson.comment("right", "row_means").startswith("passed: all 2 checks")
    assert "factor 2 of the power rule" in lesson.comment("wrong", "scaled_square_grad")
    assert "the submitted toy.ipynb is no notebook" in lesson.comment("nojson", "row_means")
    assert "of nbformat 3, and 4 is read" in lesson.comment("old", "row_means")
    assert lesson.comment("loops", "scaled_square_grad").startswith("timeout: ")
    assert lesson.comment("exits", "scaled_square_grad").startswith("error: ")
    assert "test_row_means was changed" in lesson.comment("overwritten", "row_means")
    assert "test_row_means" not in lesson.comment("overwritten", "scaled_square_grad")
    wrong = lesson.comment("wrong", "row_means")
    assert "does not pass" not in wrong


def test_comments_name_the_checks_where_nothing_else_may_be_told(
    grade_toy: Callable[..., Any],
) -> None:
    """A wrong function that is no known mistake: the gradebook has the names of what it does not pass."""
    report = grade_toy("def row_means(x):\n    return [7.0 for row in x]\n")
    found = verdict_of(for_student(report, CEILING)).of("row_means")
    assert found is not None
    assert found.comment == "failed: 0 of 2 checks passed. these do not: values, empty"


def test_scores_are_the_graders(lesson: Lesson, toy: Content) -> None:
    """As `grader score` gives them for the same file."""
    with Grader(toy, timeout=0.7) as grader:
        for student in ("right", "wrong", "one", "split", "warns"):
            file = lesson.root / "submitted" / student / "toy" / "toy.ipynb"
            report = grader.grade(read_submission(file, grader.course))
            scores = {f"test_{one.exercise.name}": (one.earned, False) for one in report.scores}
            assert lesson.scores(student) == scores


def test_feedback_shows_findings_and_no_hidden_check(lesson: Lesson, toy: Content) -> None:
    """The student's page has the score and what the checks found; nothing of the suite stands in it, or beside it."""
    from nbgrader.converters import GenerateFeedback
    from nbgrader.coursedir import CourseDirectory

    from grader.nbgrader_course.autograde import configuration

    config = configuration(lesson.root)
    config.CourseDirectory.assignment_id = "toy"
    config.CourseDirectory.student_id = "wrong"
    feedback = GenerateFeedback(coursedir=CourseDirectory(config=config), config=config)
    feedback.log.setLevel("CRITICAL")
    feedback.start()
    page = (lesson.root / "feedback/wrong/toy/toy.html").read_text(encoding="utf-8")
    assert "factor 2 of the power rule" in page
    assert "toy (Score: 0.0 / 5.0)" in page
    suite = toy.suite("toy").read_text(encoding="utf-8")
    lines = [
        line.strip() for line in suite.splitlines() if line.lstrip().startswith(("assert", "x = "))
    ]
    files = [
        *(lesson.root / "release").rglob("*.ipynb"),
        *(lesson.root / "autograded").rglob("*.ipynb"),
    ]
    for text in (page, *(file.read_text(encoding="utf-8") for file in files)):
        assert not any(line in text for line in lines)


def test_a_second_run_grades_nothing_again(lesson: Lesson) -> None:
    """What has not changed is kept; equal notebooks were graded once; the scores are the same."""
    from grader.nbgrader_course.autograde import autograde

    done = autograde(lesson.root, "toy", students=["right", "wrong", "late"])
    assert (done.n_graded, done.n_kept) == (0, 3)
    before = [row for row in lesson.done.rows if row.student in ("right", "wrong", "late")]
    assert done.rows == before


def test_a_failed_regrade_leaves_no_old_score(
    lesson: Lesson, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where the grader breaks down, or a timestamp is none, the score is taken back and a person is asked."""
    from grader.nbgrader_course import autograde, preprocessors
    from grader.nbgrader_course.pool import Pool

    def broken(*_: Any, **__: Any) -> Any:
        raise GradsmithError("the grader has ended")

    lesson.submit("regraded", lesson.notebook(written(RIGHT)), "2026-01-30 10:00:00 UTC")
    done = autograde.autograde(lesson.root, "toy", students=["regraded"])
    assert done.failed == {}
    assert done.rows[0].score == 5.0
    taken_back = {"test_scaled_square_grad": (None, True), "test_row_means": (None, True)}
    new = lesson.notebook(written(RIGHT, "n = 1"))
    folder = lesson.submit("regraded", new).parent
    preprocessors._pool.cache_clear()
    with monkeypatch.context() as patch:
        patch.setattr(Pool, "verdict", broken)
        done = autograde.autograde(lesson.root, "toy", students=["regraded"])
    assert "the grader has ended" in done.failed["regraded"]
    assert (done.rows[0].score, done.rows[0].for_a_person) == (0.0, 2)
    assert lesson.scores("regraded") == taken_back
    done = autograde.autograde(lesson.root, "toy", students=["regraded"])
    assert done.failed == {}
    assert done.rows[0].score == 5.0
    (folder / "timestamp.txt").write_text("yesterday")
    done = autograde.autograde(lesson.root, "toy", students=["regraded"])
    assert "timestamp.txt is no time" in done.failed["regraded"]
    assert lesson.scores("regraded") == taken_back
    shutil.rmtree(folder.parent)


def test_what_is_ours_or_an_attack_is_left_to_a_person(
    lesson: Lesson, monkeypatch: pytest.MonkeyPatch
) -> None:
    """No score, neither full nor nought, for a check of ours that broke; a person's own score stays."""
    from grader.nbgrader_course.autograde import autograde
    from grader.nbgrader_course.pool import Pool

    cells = (
        CellVerdict("scaled_square_grad", Status.GRADER_ERROR, 0.0, 2.0, "ours", "t", "h"),
        CellVerdict("row_means", Status.PASSED, 3.0, 3.0, "passed", "t", "h"),
    )
    monkeypatch.setattr(Pool, "verdict", lambda *_, **__: Verdict("toy", cells))
    folder = lesson.submit("ours", lesson.notebook(written(RIGHT, "n = 2"))).parent
    done = autograde(lesson.root, "toy", students=["ours"])
    assert done.failed == {}
    assert (done.rows[0].score, done.rows[0].for_a_person) == (3.0, 1)
    assert lesson.scores("ours")["test_scaled_square_grad"] == (None, True)
    with gradebook(lesson.db_url) as book:
        grade = book.find_grade("test_scaled_square_grad", "toy", "toy", "ours")
        grade.manual_score = 1.5
        book.db.commit()
    assert autograde(lesson.root, "toy", students=["ours"]).rows[0].score == 4.5
    shutil.rmtree(folder.parent)


def test_nobody_wrote_into_the_gradebook(lesson: Lesson) -> None:
    """After all forgeries no score is there that nbgrader did not write, and the tables have no triggers."""
    with closing(sqlite3.connect(lesson.root / "gradebook.db")) as book:
        forged = "SELECT count(*) FROM grade WHERE manual_score IS NOT NULL AND manual_score = 100"
        assert book.execute(forged).fetchone() == (0,)
        assert book.execute(
            "SELECT count(*) FROM sqlite_master WHERE type = 'trigger'"
        ).fetchone() == (0,)


def test_cleared_source_cells_are_our_stubs(lesson: Lesson, toy: Content) -> None:
    """The released notebook has, by nbgrader's own hand, the text of the generated stubs."""
    released = {rules_of(c).get("grade_id"): c["source"] for c in lesson.handed()["cells"]}
    stub = toy.stub("toy").read_text(encoding="utf-8")
    for name in RIGHT:
        text = released[name]
        assert "".join(text).rstrip("\n") in stub
        assert "raise NotImplementedError()" in "".join(text)


def test_autograde_at_the_command_line(lesson: Lesson) -> None:
    """The command prints a line a student; what it cannot do it says in one line, with the way out."""
    runner = CliRunner()

    def run(*args: str) -> Any:
        return runner.invoke(cli, ["nbgrader", "autograde", *args], standalone_mode=False)

    result = run(str(lesson.root), "toy", "--student", "right", "--student", "late")
    assert result.exception is None
    assert [line.split() for line in result.stdout.splitlines()[:3]] == [
        ["student", "score", "of", "late", "for", "a", "person"], ["late", "5", "5", "-5"], ["right", "5", "5"],
    ]  # fmt: skip
    assert "no assignment 'toys' in the gradebook, which has toy" in str(
        run(str(lesson.root), "toys").exception
    )
    nobody = run(str(lesson.root), "toy", "--student", "nobody")
    assert "nobody: submitted nothing for toy" in str(nobody.exception)
    assert "no nbgrader_config.py" in str(run(str(lesson.root / "source"), "toy").exception)


def test_a_course_that_grades_itself_is_told_apart(
    toy: Content, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """`autograde` does not pretend to hold a plain course in the sandbox, and says so of a broken configuration."""
    monkeypatch.setenv("GRADER_COURSE", "")  # which the configuration sets, for the kernels
    from grader.nbgrader_course.autograde import autograde

    content = locate(toy.root)
    build_course(tmp_path / "ml", content, load_course(content), ["toy"], plain=True)
    with pytest.raises(GradsmithError, match="does not grade in the sandbox"):
        autograde(tmp_path / "ml", "toy")
    (tmp_path / "ml" / CONFIG).write_text("c = get_config(\n")
    with pytest.raises(GradsmithError, match="cannot be read: SyntaxError"):
        autograde(tmp_path / "ml", "toy")


@pytest.mark.parametrize(
    ("url", "words"),
    [
        ("sqlite:////no/such/folder/gradebook.db", "unable to open database file"),
        ("mystery://ada:secret@host/ml", "mystery://ada:***@host/ml"),
        ("no url", "c.CourseDirectory.db_url"),
    ],
)
def test_a_gradebook_that_cannot_be_opened(url: str, words: str) -> None:
    """What was tried, without the password, and what to look at."""
    with pytest.raises(GradsmithError, match="cannot be opened") as told, gradebook(url):
        pass
    assert words in str(told.value)
    assert "secret" not in str(told.value)


def test_students_come_into_the_gradebook(lesson: Lesson, tmp_path: Path) -> None:
    """Names are brought up to date; what the list does not say stays."""
    from grader.nbgrader_course.gradebook import import_roster
    from grader.nbgrader_course.roster import read_roster

    file = tmp_path / "class.csv"
    for text in ("id,first_name,email\nright,Ada,a@x.org\n", "id,name\nright,Ada King\n"):
        file.write_text(text)
        import_roster(lesson.db_url, read_roster(file))
    with gradebook(lesson.db_url) as book:
        ada = book.find_student("right")
        assert (ada.first_name, ada.last_name, ada.email) == ("Ada", "King", "a@x.org")


def test_kept_verdicts(tmp_path: Path) -> None:
    """They come back as they were; what is damaged, of another form, or to be tried again is not there."""
    kept = Kept(tmp_path / "kept")
    cell = CellVerdict("f", Status.PASSED, 2.0, 2.0, "c", "t", "h")
    verdict = Verdict("toy", (cell,), ("a note",), "rlimits", 0.5, "{}")
    kept.put("a", verdict)
    assert kept.get("a") == verdict
    assert cell.scaled(5.0) == 5.0
    for text in ("", "[]", '{"schema": 1}', '{"schema": 2, "cells": [{}]}', "null"):
        (tmp_path / "kept" / "a.json").write_text(text)
        assert kept.get("a") is None
    ours = CellVerdict("f", Status.GRADER_ERROR, 0.0, 2.0, "c", "t", "h")
    kept.put("b", Verdict("toy", (ours,)))
    assert kept.get("b") is None
    work = Work("toy", "x = 1")
    assert work.digest("s") != work.digest("t") != Work("toy", "x = 2").digest("t")


@pytest.mark.slow
def test_plain_cells_grade_where_nbgrader_runs_them(toy: Content, tmp_path: Path) -> None:
    """Through nbgrader's own commands: a plain course gives the same scores, and its cells end in a plain number."""
    root = tmp_path / "ml"
    content = locate(toy.root)
    build_course(root, content, load_course(content), ["toy"], plain=True)
    bin_ = Path(sys.executable).parent

    def nbgrader(*args: str) -> None:
        import os

        path = f"{bin_}{os.pathsep}{os.environ['PATH']}"
        command = [str(bin_ / "nbgrader"), *args]
        done = subprocess.run(
            command,
            cwd=root,
            env={**os.environ, "PATH": path},
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stderr

    nbgrader("generate_assignment", "toy")
    lesson = Lesson(root, f"sqlite:///{root / 'gradebook.db'}", None)
    for student in ("right", "wrong", "one", "split"):
        lesson.submit(student, lesson.notebook(SUBMISSIONS[student]))
    nbgrader("autograde", "toy")
    with gradebook(lesson.db_url) as book:
        scores = {each.student.id: each.score for each in book.find_assignment("toy").submissions}
    # What stands below the test cell has not been run when that is: `guard` is not there yet.
    assert scores == {"right": 5.0, "wrong": 0.0, "one": 3.0, "split": 2.0}
