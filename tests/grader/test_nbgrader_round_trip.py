"""A class's whole way through nbgrader: built, handed out, fetched, handed in, collected, graded, told, exported.

The commands are nbgrader's own, in this process, as each takes seconds to start; one student's are processes. The class
goes that way once, in one test, step by step.
"""

from __future__ import annotations

import csv
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from grader.classroom.ledger import open_class
from grader.cli import cli
from grader.content import Content
from grader.nbgrader_course.build import CONFIG
from grader.nbgrader_course.gradebook import gradebook, nbgrader_at_work
from grader.nbgrader_course.source import grade_id
from grader.nbgrader_course.verdicts import VERDICTS
from grader.sandbox.local import load_module

HERE = Path(__file__).parent
EXPORTER = "--exporter=grader.nbgrader_course.class_export.ClassExporter"
BY_MAIL = ("nojson", "old", "late", "overwritten", "deleted", "stubs", "warns", "raises")
"""Students whose notebooks come as files from elsewhere; the others hand in through the exchange."""
BY_COMMAND = "one"
"""The student who has processes of their own."""
TOLD = ("wrong", "Zoë Ünal 2", BY_COMMAND)
"""Students who fetch their feedback."""
SETTINGS = """
c.Exchange.root = {exchange!r}
c.Exchange.cache = {cache!r}
c.CourseDirectory.course_id = "ml"
c.GradeInSandbox.timeout = 0.7
c.LateSubmissionPlugin.penalty_method = "zero"
c.ExchangeCollect.check_owner = False
c.FileNameCollectorPlugin.named_regexp = r".*/(?P<student_id>[^/]+)_on_(?P<timestamp>[0-9-]+)_(?P<file_id>[^/_]+)"
c.ClassExporter.formats = ["report", "csv", "canvas", "moodle"]
"""
NAMES = "id,first_name,last_name,email\nright,Ada,Lovelace,ada@x.edu\nabsent,Al,Sent,al@x.edu\n"


made: Any = load_module(HERE / "nbgrader_class.py", "nbgrader_class")
nbgrader, kept_rows = made.nbgrader, made.kept_rows


@dataclass
class Term:
    """The instructor's folder, the exchange, and a folder for each student."""

    top: Path

    @property
    def root(self) -> Path:
        return self.top / "ml"

    @property
    def db_url(self) -> str:
        return f"sqlite:///{self.root / 'gradebook.db'}"

    def home(self, student: str) -> Path:
        """A student's own folder, which has what a course tells its students."""
        home = self.top / "homes" / student
        if not home.is_dir():
            home.mkdir(parents=True)
            (home / CONFIG).write_text(
                "c = get_config()\n"
                + SETTINGS.format(exchange=str(self.top / "exchange"), cache=str(home / "cache")),
                encoding="utf-8",
            )
        return home

    @property
    def students(self) -> list[str]:
        return [*made.SUBMISSIONS, *made.FILES]


def process(folder: Path, *args: str) -> str:
    """The same in a process of its own."""
    command = [str(Path(sys.executable).parent / "nbgrader"), *args]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stderr


@pytest.fixture
def term(toy: Content, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Term]:
    """A course that was built, and an exchange; nothing of the machine's own Jupyter is read."""
    for name in ("CONFIG", "DATA", "RUNTIME"):
        monkeypatch.setenv(f"JUPYTER_{name}_DIR", str(tmp_path / "jupyter" / name))
    monkeypatch.setenv("COLUMNS", "100")
    (tmp_path / "exchange").mkdir()
    (tmp_path / "exchange").chmod(0o777)
    (tmp_path / "class.csv").write_text(NAMES, encoding="utf-8")
    with nbgrader_at_work():
        term = Term(tmp_path)
        grader(
            "nbgrader",
            "build",
            str(term.root),
            "--course",
            str(toy.root),
            "--roster",
            str(tmp_path / "class.csv"),
        )
        with (term.root / CONFIG).open("a", encoding="utf-8") as file:
            file.write(
                SETTINGS.format(exchange=str(tmp_path / "exchange"), cache=str(tmp_path / "cache"))
            )
        yield term


def grader(*args: str) -> Any:
    """Run a command of ours."""
    result = CliRunner().invoke(cli, args, standalone_mode=False)
    if result.exception is not None:
        raise result.exception
    return result


@pytest.mark.long
def test_round_trip(term: Term, toy: Content) -> None:
    """Every step does what it should, nobody is lost, and the grades are those that `grader class grade` gives."""
    handed_out(term)
    handed_in(term)
    collected(term)
    before = term.top / "before"
    shutil.copytree(term.root, before)
    graded(term)
    as_nbgrader_itself(term, before)
    as_class_grade(term, toy)
    told(term)
    exported(term)


def handed_out(term: Term) -> None:
    """The instructor's first steps."""
    nbgrader(term.root, "generate_assignment", "toy")
    with gradebook(term.db_url) as book:
        book.update_or_create_assignment("toy", duedate=datetime(2030, 1, 31))
    nbgrader(term.root, "release_assignment", "toy")
    assert (term.top / "exchange/ml/outbound/toy/toy.ipynb").is_file()
    assert "ml toy" in nbgrader(term.home("right"), "list")


def handed_in(term: Term) -> None:
    """Students fetch the notebook and hand in their own; one by processes, some by other ways."""
    mails = term.root / "downloaded/toy/archive"
    mails.mkdir(parents=True)
    released = term.root / "release/toy/toy.ipynb"
    assert "BEGIN SOLUTION" not in released.read_text()
    for student in term.students:
        if student in BY_MAIL:
            day = "2030-02-01" if student == "late" else "2030-01-30"
            (mails / f"{student}_on_{day}_toy.ipynb").write_bytes(
                made.submission(student, released)
            )
            continue
        home = term.home(student)
        run = process if student == BY_COMMAND else nbgrader
        run(home, "fetch_assignment", "toy")
        mine = home / "toy" / "toy.ipynb"
        assert mine.read_bytes() == released.read_bytes()
        mine.write_bytes(made.submission(student, mine))
        run(home, "submit", "toy", f"--student={student}")
    assert "already downloaded" in nbgrader(term.home("right"), "list")
    assert nbgrader(term.root, "list", "--inbound").count("ml ") == len(term.students) - len(
        BY_MAIL
    )


def collected(term: Term) -> None:
    """All submissions lie in the instructor's folder, as they were handed in."""
    nbgrader(term.root, "collect", "toy")
    nbgrader(term.root, "zip_collect", "toy")
    found = {each.name for each in (term.root / "submitted").iterdir()}
    assert found == set(term.students)
    released = term.root / "release/toy/toy.ipynb"
    for student in term.students:
        mine = term.root / "submitted" / student / "toy" / "toy.ipynb"
        assert mine.read_bytes() == made.submission(student, released), student


def graded(term: Term) -> None:
    """Our command grades everyone; it leaves nobody out."""
    result = grader("nbgrader", "autograde", str(term.root), "toy", "--jobs", "2")
    rows = [line.split() for line in result.stdout.splitlines()[1:]]
    assert len(rows) == len(term.students) >= 20
    assert result.return_value == 0
    assert ["right", "5", "5"] in rows
    assert ["late", "5", "5", "-5"] in rows
    for student in term.students:
        assert (term.root / "autograded" / student / "toy" / "toy.ipynb").is_file()


def as_nbgrader_itself(term: Term, before: Path) -> None:
    """Its own command, with our preprocessors alone, writes the same rows and the same notebooks."""
    shutil.copytree(term.root / VERDICTS, before / VERDICTS)
    nbgrader(before, "autograde", "toy")
    same(before, term.root)


def as_class_grade(term: Term, toy: Content) -> None:
    """Function by function, the points are those of `grader class grade` on the same files."""
    for student in term.students:
        copy = term.top / "handed" / student
        copy.mkdir(parents=True)
        shutil.copy(term.root / "submitted" / student / "toy/toy.ipynb", copy)
    grader(
        "class", "grade", str(term.top / "handed"), "--out", str(term.top / "results"), "--course", str(toy.root),
        "--seed", "0", "--timeout", "0.7", "--jobs", "2",
    )  # fmt: skip
    results = {each.student: each for each in open_class(term.top / "results").results}
    assert set(results) == set(term.students)
    with gradebook(term.db_url) as book:
        for student, result in results.items():
            notebook = book.find_submission_notebook("toy", "toy", student)
            scores = {grade.name: grade.auto_score for grade in notebook.grades}
            earned = dict.fromkeys(scores, 0.0)
            for score in result.report.scores if result.report is not None else ():
                earned[grade_id(score.exercise.name)] = score.earned
            assert scores == earned, student


def told(term: Term) -> None:
    """Feedback comes to the student whose it is, and tells of no hidden check."""
    for student in TOLD:
        nbgrader(term.root, "generate_feedback", "toy", f"--student={student}")
        nbgrader(term.root, "release_feedback", "toy", f"--student={student}")
        home = term.home(student)
        (process if student == BY_COMMAND else nbgrader)(home, "fetch_feedback", "toy")
        (page,) = (home / "toy" / "feedback").rglob("toy.html")
        text = page.read_text(encoding="utf-8")
        with gradebook(term.db_url) as book:
            score = book.find_submission("toy", student).score
        assert f"(Score: {score} / 5.0)" in text
        assert "assert_gradient" not in text
    assert "feedback already fetched" in nbgrader(term.home("wrong"), "list", "--cached")


def exported(term: Term) -> None:
    """The class report and the files of other systems, by nbgrader's own export; every number is the gradebook's."""
    with gradebook(term.db_url) as book:
        book.find_grade("test_row_means", "toy", "toy", "wrong").manual_score = 1.5
        book.find_grade("test_row_means", "toy", "toy", "exits").auto_score = None
        book.find_grade("test_row_means", "toy", "toy", "exits").needs_manual_grade = True
        book.db.commit()
        scores = {
            each.student.id: max(each.score - (each.late_submission_penalty or 0.0), 0.0)
            for each in book.find_assignment("toy").submissions
        }
    nbgrader(term.root, "export", EXPORTER, "--to=results")
    folder = term.root / "results/toy"
    names = {"class.html", "grades.csv", "canvas.csv", "moodle.csv"}
    assert {each.name for each in folder.iterdir()} == names
    rows = {
        row["id"]: row for row in csv.DictReader((folder / "grades.csv").open(encoding="utf-8"))
    }
    assert set(rows) == {*term.students, "absent"}
    for student, row in rows.items():
        if student == "exits":
            assert (row["status"], row["final"]) == ("pending", "")
            assert row["reasons"] == "a person has to look at 1 cell"
        elif student == "absent":
            assert (row["status"], row["final"]) == ("absent", "0.00")
        else:
            assert (row["status"], float(row["final"])) == ("graded", scores[student])
    assert rows["wrong"]["reasons"] == "a person gave the score of 1 cell"
    assert rows["right"]["name"] == "Ada Lovelace"
    assert rows["late"]["reasons"] == "late, which costs 5"
    page = (folder / "class.html").read_text(encoding="utf-8")
    assert "the factor 2 of the power rule is missing" in page  # out of the kept verdicts
    assert "Al Sent" in page
    canvas = list(csv.reader((folder / "canvas.csv").open(encoding="utf-8")))
    assert canvas[0][-1] == "toy"
    assert ["Ada Lovelace", "", "right", "ada@x.edu", "", "5.00"] in canvas
    moodle = list(csv.reader((folder / "moodle.csv").open(encoding="utf-8")))
    assert ["right", "Ada Lovelace", "ada@x.edu", "5.00"] in [row[:4] for row in moodle]
    some = "--assignment=['toy']", "--student=['right']"
    nbgrader(term.root, "export", EXPORTER, "--to=some", *some)
    assert len((term.root / "some/toy/grades.csv").read_text(encoding="utf-8").splitlines()) == 2
    for wrong, words in (
        ("--assignment=['tow']", "no assignment 'tow'"),
        ("--student=['x']", "x: no such student"),
    ):
        assert words in nbgrader(term.root, "export", EXPORTER, wrong, code=1)


@pytest.mark.slow
def test_the_guides_script(tmp_path: Path) -> None:
    """Its commands, literally, each a process: two students, feedback for both, and grades."""
    script = HERE.parents[1] / "docs" / "nbgrader_round_trip.sh"
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    done = subprocess.run(
        ["bash", str(script), str(tmp_path / "class")],
        env={**os.environ, "PATH": path}, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    grades = tmp_path / "class/course/grades/softmax"
    text = (grades / "grades.csv").read_text(encoding="utf-8")
    rows = {row["id"]: row for row in csv.DictReader(text.splitlines())}
    assert {id: row["final"] for id, row in rows.items()} == {"ada": "2.00", "bob": "0.00"}
    assert "Ada Lovelace,,ada,ada@x.edu,,2.00" in (grades / "canvas.csv").read_text()
    for student in ("ada", "bob"):
        assert list((tmp_path / "class" / student).rglob("softmax.html"))


OWN_CELLS = [
    ("markdown", "Why?", {"grade_id": "why", "grade": True, "solution": True, "locked": False, "points": 2}),
    ("markdown", "Plot it.", {"grade_id": "plot", "task": True, "locked": True, "points": 1}),
    ("code", "assert row_means", {"grade_id": "mine", "grade": True, "locked": True, "points": 0.5}),
    ("code", "### BEGIN SOLUTION\nn = 3\n### END SOLUTION", {"grade_id": "n", "solution": True}),
]  # fmt: skip


def test_cells_of_an_instructors_own(term: Term) -> None:
    """Answers for a person, tasks and own tests come into the gradebook as nbgrader itself brings them there, first
    time and again; with a preprocessor more, nbgrader's own way is gone."""
    from grader.nbgrader_course.autograde import autograde, configuration
    from grader.nbgrader_course.converter import QuickAutograde, converter_class

    file = term.root / "source/toy/toy.ipynb"
    data = json.loads(file.read_text(encoding="utf-8"))
    for number, (kind, text, rules) in enumerate(OWN_CELLS):
        metadata = {"grade": False, "solution": False, "locked": False, "task": False}
        metadata |= {"schema_version": 3, "cell_type": kind, **rules}
        cell = {
            "cell_type": kind,
            "id": f"own-{number}",
            "source": text,
            "metadata": {"nbgrader": metadata},
        }
        data["cells"].append(
            cell | ({"outputs": [], "execution_count": None} if kind == "code" else {})
        )
    file.write_text(json.dumps(data), encoding="utf-8")
    (term.root / "source/toy/data.csv").write_text("1,2\n")
    nbgrader(term.root, "generate_assignment", "toy")
    released = term.root / "release/toy/toy.ipynb"
    for student in ("right", "stubs", "deleted", "nojson", "metadata"):
        folder = term.root / "submitted" / student / "toy"
        folder.mkdir(parents=True)
        (folder / "toy.ipynb").write_bytes(made.submission(student, released))
        (folder / "mine.txt").write_text("mine")
    before = term.top / "before"
    shutil.copytree(term.root, before)
    assert converter_class(configuration(term.root)) is QuickAutograde
    for again in (False, True):
        assert autograde(term.root, "toy", jobs=1).failed == {}
        shutil.copytree(term.root / VERDICTS, before / VERDICTS, dirs_exist_ok=True)
        nbgrader(before, "autograde", "toy", *(["--force"] if again else []))
        same(before, term.root)
        for root in (before, term.root):  # a person's part
            with gradebook(f"sqlite:///{root / 'gradebook.db'}") as book:
                book.find_grade("why", "toy", "toy", "right").manual_score = 1.5
                book.find_grade("mine", "toy", "toy", "right").manual_score = 0.5
                book.find_grade("test_row_means", "toy", "toy", "right").extra_credit = 0.25
                book.find_grade("plot", "toy", "toy", "right").manual_score = 1.0
                book.db.commit()
    nbgrader(term.root, "export", EXPORTER, "--to=results")
    rows = {
        row["id"]: row
        for row in csv.DictReader((term.root / "results/toy/grades.csv").open(encoding="utf-8"))
    }
    assert (rows["right"]["final"], rows["right"]["out of"]) == ("8.25", "8.5")
    assert rows["right"]["reasons"] == "a person gave the score of 3 cells; 0.25 of extra credit"
    assert (rows["right"]["points.why"], rows["stubs"]["points.plot"]) == ("1.5", "unresolved")
    assert rows["stubs"]["status"] == "pending"
    for line in (
        "c.LimitOutput.max_lines = 3",
        "c.Autograde.autograde_preprocessors.append('x.Y')",
    ):
        text = (term.root / CONFIG).read_text(encoding="utf-8")
        (term.root / CONFIG).write_text(f"{text}\n{line}\n", encoding="utf-8")
        assert converter_class(configuration(term.root)) is not QuickAutograde
        (term.root / CONFIG).write_text(text, encoding="utf-8")


def same(one: Path, other: Path) -> None:
    """The gradebooks and the autograded files of two courses are the same."""
    urls = [f"sqlite:///{root / 'gradebook.db'}" for root in (one, other)]
    assert kept_rows(urls[0]) == kept_rows(urls[1])
    files = [
        {
            str(file.relative_to(root)): (file.stat().st_mode, file.read_bytes())
            for file in (root / "autograded").rglob("*.*")
        }
        for root in (one, other)
    ]
    assert files[0] == files[1]
