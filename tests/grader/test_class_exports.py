"""What leaves a class for other systems: CSV, Canvas, Moodle, Gradescope, JUnit and JSON."""

from __future__ import annotations

import csv
import io
import json
import sys
import xml.etree.ElementTree as ET
from dataclasses import replace
from pathlib import Path
from types import ModuleType

import pytest
from click.testing import CliRunner
from hypothesis import given
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

from grader.classroom.exports import canvas, documents, gradescope, moodle, tables
from grader.classroom.exports.cells import line, read_sheet, text_cell, write_rows
from grader.classroom.exports.folder import file_names, write_folder
from grader.classroom.grades import Grade, grades_of
from grader.classroom.model import Class, Student
from grader.classroom.policy import Override, Policy
from grader.cli import cli
from grader.errors import GradsmithError
from grader.model import Disclosure
from grader.report.json import schema
from grader.sandbox.local import load_module

HERE = Path(__file__).parent
HOSTILE = (
    '=HYPERLINK("http://x","y")', "+1", "-1+cmd|' /C calc'!A0", "@SUM(A1)", "\t=1", "\r=1", " =1", "\uff1d1",
    'a "quoted", name', "two\nlines", "x\u202excod.exe", "nul\0byte", "../../etc/passwd", "C:\\con", "lone\ud800", "",
)  # fmt: skip


@pytest.fixture(scope="module")
def classes() -> ModuleType:
    """The module `class_samples`: graded classes made by hand."""
    return load_module(HERE / "class_samples.py", "class_samples")


@pytest.fixture
def cls(classes, samples) -> Class:
    return classes.small(samples)


@pytest.fixture
def grades(cls) -> list[Grade]:
    return grades_of(cls, Policy(overrides={"zoe": Override("ill", excused=True)}))


@pytest.fixture
def hostile(classes, samples) -> Class:
    """A class of the worst names there are, one of whom handed in the worst of reports."""
    roster = {
        f"{n}{name}": Student(f"{n}{name}", name, name, name) for n, name in enumerate(HOSTILE)
    }
    roster |= {name: Student(name, name, name, name, {name: name}) for name in HOSTILE if name}
    results = [
        classes.result(id_, samples.hostile(), digest=id_, source=id_, submitted_at=None)
        for id_ in roster
    ]
    return Class(HOSTILE[0], HOSTILE[1], 26.0, roster, results)


def parsed(data: bytes, delimiter: str = ",") -> list[list[str]]:
    return list(csv.reader(io.StringIO(data.decode("utf-8-sig"), newline=""), delimiter=delimiter))


def sheet(folder: Path, text: str | bytes):
    file = folder / "sheet.csv"
    file.write_bytes(text.encode() if isinstance(text, str) else text)
    return read_sheet(file)


# ---- cells


@pytest.mark.parametrize("text", HOSTILE)
def test_no_cell_is_a_formula(text):
    """What a spreadsheet would run has an apostrophe in front; the rest is on one line, without control characters."""
    cell = text_cell(text)
    assert not cell.lstrip().startswith(("=", "+", "-", "@", "\uff1d"))
    assert not set(cell) & set("\0\r\n\t\u202e\ud800")
    assert bool(cell) == bool(text)
    cell.encode()


@given(st.text(st.characters(codec=None), max_size=30))
def test_any_text_is_one_cell(text):
    """Whatever the text, it comes back as one cell, and beginning like no formula."""
    rows = parsed(write_rows([(text_cell(text), "x")]))
    assert rows == [[text_cell(text), "x"]]
    assert not rows[0][0].lstrip().startswith(("=", "+", "-", "@"))


def test_names_stay_readable():
    """Names in any script, with joiners and accents, are left as they are."""
    for name in ("Zoë O'Brien-Müller", "عائشة", "किरण", "می‌خواهم", "李小龙", "Ада"):
        assert text_cell(name) == name


def test_for_excel():
    """For Excel there is a mark of the encoding, and lines end as on Windows."""
    assert write_rows([("é",)], excel=True) == b"\xef\xbb\xbf\xc3\xa9\r\n"
    assert write_rows([("é",)]) == b"\xc3\xa9\n"


# ---- a row a student, a row an exercise


def test_a_row_for_each_student(grades):
    """The table has all students in the roster's order, with numbers only where there are some."""
    head, *rows = parsed(tables.by_student(grades))
    assert tuple(head[: len(tables.COLUMNS)]) == tables.COLUMNS
    assert head[len(tables.COLUMNS)] == "points.softmax"
    table = [dict(zip(head, row, strict=True)) for row in rows]
    assert [(row["id"], row["status"], row["final"]) for row in table] == [
        ("ada", "graded", "26.00"), ("bob", "graded", "8.00"), ("eve", "withheld", ""),
        ("carl", "unreadable", "0.00"), ("zoe", "excused", ""),
    ]  # fmt: skip
    bob, eve = table[1], table[2]
    assert (bob["name"], bob["out of"]) == ("Bob, the =1+1 Builder", "26")
    assert (bob["submitted"], bob["seed"]) == ("2026-11-30T22:59:00Z", "7")
    assert (bob["points.softmax"], bob["points.softmax_vjp"], bob["points.conv2d"]) == (
        "2",
        "0",
        "",
    )
    assert eve["points.attention"] == "tampered"
    assert "evidence of an attack in attention" in eve["reasons"]


def test_a_row_for_each_exercise(grades):
    """The long table has each exercise of each student, with its checks and the cause that was found."""
    head, *rows = parsed(tables.by_exercise(grades))
    assert tuple(head) == tables.LONG_COLUMNS
    table = {(row[0], row[3]): dict(zip(head, row, strict=True)) for row in rows}
    assert len(rows) == len(table) == 5 * 13
    vjp = table["bob", "softmax_vjp"]
    assert (vjp["status"], vjp["checks passed"], vjp["checks"]) == ("failed", "5", "8")
    assert vjp["cause"] == "softmax_vjp__diagonal_only"
    assert vjp["why"].startswith("the Jacobian is taken for its diagonal")
    assert table["bob", "log_softmax"]["why"] == "result is wrong"
    assert table["bob", "conv2d"]["status"] == "not graded"
    assert table["carl", "softmax"]["status"] == "unreadable"
    assert table["ada", "softmax"]["why"] == ""


# ---- Canvas

CANVAS = (
    "Student,ID,SIS User ID,SIS Login ID,Section,Notes,Gradients (77),Essay (78),Current Score,Final Grade\r\n"
    ",,,,,,Manual Posting,,,\r\n"
    "    Points Possible,,,,,,26.00,10.00,(read only),(read only)\r\n"
    '"Lovelace, Ada",901,s-1,ada@x.edu,A,"a, ""note""",3.00,9.00,88.1,B\r\n'
    "=\"=Bob\",902,s-2,BOB@X.EDU ,A,,,8.00,70.0,C\r\n".replace("=\"=Bob\"", '"=""=Bob"""') +
    "Eve,903,,eve@x.edu,B,,5.00,,,\r\n"
    "Mallory,904,s-9,mallory@x.edu,B,,1.00,,,\r\n"
    '"Student, Test",999,,6f1e,B,,,,,\r\n'
)  # fmt: skip


def test_canvas_documented_columns(grades):
    """A new file has the documented columns, the points possible, and EX for who is excused."""
    rows = parsed(canvas.gradebook(grades, "Gradients (77)"))
    assert rows[0] == ["Student", "ID", "SIS User ID", "SIS Login ID", "Section", "Gradients (77)"]
    assert rows[1] == ["    Points Possible", "", "", "", "", "26"]
    assert rows[2] == ["Ada Lovelace", "", "s-1", "ada@x.edu", "A", "26.00"]
    assert [row[-1] for row in rows[2:]] == ["26.00", "8.00", "", "0.00", "EX"]


@pytest.mark.parametrize("title", ["", "My Final Score", "Section", "Unposted Current Grade"])
def test_canvas_titles_that_it_drops(grades, title):
    """A title that Canvas would take for a column of its own is refused."""
    with pytest.raises(GradsmithError, match="--title"):
        canvas.gradebook(grades, title)


def test_canvas_template(tmp_path, grades):
    """One column of the instructor's export is filled in, and every other byte is as it was."""
    given = sheet(tmp_path, CANVAS)
    filled = canvas.fill(given, grades, "Gradients")
    wanted = CANVAS.replace(",3.00,9.00,", ",26.00,9.00,").replace(",A,,,8.00,", ",A,,8.00,8.00,")
    assert filled.data.decode() == wanted
    assert filled.n_filled == 2
    assert filled.students == ("Carl (carl)", "Zoë (zoe)")
    assert filled.rows == ("line 7, Mallory: nobody of the class",)
    assert len(filled.left) == 1
    assert filled.left[0].startswith("Eve (eve): withheld, evidence of an attack in attention")


def test_canvas_template_in_other_manners(tmp_path, grades):
    """Semicolons, a mark of UTF-8 and first names apart are kept as they are."""
    text = "\ufeffLastName;FirstName;ID;SIS Login ID;Section;Gradients (77)\nL;Ada;1;ada@x.edu;A;\n"
    assert canvas.fill(
        sheet(tmp_path, text), grades, "gradients (77)"
    ).data.decode() == text.replace("A;\n", "A;26.00\n")


@pytest.mark.parametrize(
    ("change", "column", "message"),
    [
        (("Student,ID", "Name,No"), "Gradients", "is no gradebook of Canvas's"),
        (("", ""), "Gradient", "no column 'Gradient'; name one with --column: 'Notes', 'Gradients \\(77\\)'"),
        (("Essay", "Gradients"), "Gradients", "2 columns are called 'Gradients'; name one with its id"),
        (("26.00,10", "10.00,10"), "Gradients", "is out of 10, the grades out of 26; write scale = 10"),
        (("", ""), "Current Score", "'Current Score' is read only"),
        (("Lovelace, Ada\",", "Lovelace, Ada\",,"), "Gradients", "line 4: has 11 cells, the headings 10"),
        (("a, \"\"note", "a, \"note"), "Gradients", "is not CSV"),
    ],
)  # fmt: skip
def test_canvas_templates_that_do_not_fit(tmp_path, grades, change, column, message):
    """What is wrong with a template is said, with what to do about it."""
    text = CANVAS.replace(*change, 1)
    with pytest.raises(GradsmithError, match=rf"sheet.csv.*{message}"):
        canvas.fill(sheet(tmp_path, text), grades, column)


def test_nobody_is_guessed(tmp_path, grades):
    """A row that could be two students', and a student who has two rows, get nothing and are told of."""
    text = (
        "Student,ID,SIS User ID,SIS Login ID,Section,Gradients\n"
        "Both,1,s-1,bob@x.edu,A,\nCarl,2,,carl@x.edu,A,\nCarl again,3,,carl@x.edu,A,\n"
    )
    filled = canvas.fill(sheet(tmp_path, text), grades, "Gradients")
    assert filled.data.decode() == text
    assert filled.rows == (
        "line 2, Both: could be 2 students",
        "line 3, Carl: 2 rows could be this student's",
        "line 4, Carl again: 2 rows could be this student's",
    )
    assert len(filled.students) == 5


# ---- Moodle

MOODLE = (
    'Identifier,"Full name","Email address",Status,Grade,"Maximum Grade","Grade can be changed",'
    '"Last modified (submission)","Last modified (grade)","Feedback comments"\n'
    '"Participant 11","Ada Lovelace",ada@x.edu,"Submitted for grading - ",,26.00,Yes,'
    '"Monday, 30 November 2026, 10:59 PM",-,\n'
    '"Participant 12",Bob,bob@x.edu,Submitted,3.00,26.00,No,-,-,\n'
    '"Participant 13",Carl,carl@x.edu,Submitted,,26.00,Yes,-,-,"seen <b>him</b>"\n'
    '"Participant 14",Mallory,m@x.edu,"No submission",,26.00,Yes,-,-,\n'
)


def test_moodle_documented_columns(grades):
    """A new file has who someone is, the grade and why; nobody's number is made up."""
    rows = parsed(moodle.gradebook(grades, "Gradients"))
    assert rows[0] == ["ID number", "Full name", "Email address", "Gradients", "Feedback"]
    assert rows[1] == ["ada", "Ada Lovelace", "ada@x.edu", "26.00", ""]
    assert rows[3][3:] == ["", ""]
    assert rows[4][3:] == ["0.00", "carl.zip: not a sound .zip archive; pack it again"]
    assert rows[5][3:] == ["", ""]


def test_moodle_worksheet(tmp_path, grades):
    """Grade and empty comments of a worksheet are filled in; what Moodle would skip is told of."""
    given = sheet(tmp_path, MOODLE)
    assert tuple(given.rows[0]) == moodle.WORKSHEET
    filled = moodle.fill(given, grades, None)
    before, after = parsed(MOODLE.encode()), parsed(filled.data)
    changed = [
        (n, before[0][c], after[n][c])
        for n in range(len(before))
        for c in range(len(before[0]))
        if before[n][c] != after[n][c]
    ]
    assert changed == [(1, "Grade", "26.00"), (3, "Grade", "0.00")]
    assert filled.left == (
        "Bob, the =1+1 Builder (bob): Moodle says that the grade cannot be changed",
    )
    assert filled.rows == ("line 5, Mallory: nobody of the class",)
    assert filled.students == ("Eve (eve)", "Zoë (zoe)")
    empty = sheet(tmp_path, MOODLE.replace('"seen <b>him</b>"', ""))
    assert parsed(moodle.fill(empty, grades, None).data)[3][-1].startswith("carl.zip: not a sound")


def test_moodle_gradebook_template(tmp_path, grades):
    """An export of Moodle's gradebook is filled in by the column that is named."""
    text = (
        '"First name","Last name","ID number","Email address","Assignment: G (Real)"\nA,L,ada,,-\n'
    )
    filled = moodle.fill(sheet(tmp_path, text), grades, "Assignment: G (Real)")
    assert parsed(filled.data)[1][-1] == "26.00"


@pytest.mark.parametrize(
    ("change", "column", "message"),
    [
        (("Email address", "Adresse"), None, "no column says who is who"),
        (("Identifier", "Kennung"), None, "is no grading worksheet; name a column"),
        (("Grade,\"Max", "Note,\"Max"), None, "no column 'Grade'"),
        (("26.00", "100.00"), None, "line 2: the grade is out of 100, ours out of 26; write scale = 100"),
        (("Last modified (grade)", "Grade time"), None, "has no column 'Last modified"),
    ],
)  # fmt: skip
def test_moodle_templates_that_do_not_fit(tmp_path, grades, change, column, message):
    """What is wrong with a worksheet is said, with what to do about it."""
    with pytest.raises(GradsmithError, match=rf"sheet.csv.*{message}"):
        moodle.fill(sheet(tmp_path, MOODLE.replace(*change, 1)), grades, column)


@pytest.mark.parametrize("data", [b"", b"\n\n", b",,\n1,2,3\n", b"Student,ID\n\xe9,1\n"])
def test_sheets_that_are_none(tmp_path, data):
    """An empty file, one without headings and one in another encoding are refused."""
    with pytest.raises(GradsmithError, match=r"headings|not UTF-8"):
        sheet(tmp_path, data)


# ---- Gradescope

VISIBILITY = {"enum": ["hidden", "after_due_date", "after_published", "visible"]}
FORMAT = {"enum": ["text", "html", "simple_format", "md", "ansi"]}
RESULTS_SCHEMA = {
    "type": "object",
    "additionalProperties": False,
    "properties": {
        "score": {"type": "number"},
        "execution_time": {"type": "number", "minimum": 0},
        "output": {"type": "string"},
        "output_format": FORMAT,
        "test_output_format": FORMAT,
        "test_name_format": FORMAT,
        "visibility": VISIBILITY,
        "stdout_visibility": VISIBILITY,
        "extra_data": {"type": "object"},
        "tests": {
            "type": "array",
            "items": {
                "type": "object",
                "additionalProperties": False,
                "properties": {
                    "score": {"type": "number"},
                    "max_score": {"type": "number"},
                    "status": {"enum": ["passed", "failed"]},
                    "name": {"type": "string"},
                    "name_format": FORMAT,
                    "number": {"type": "string"},
                    "output": {"type": "string"},
                    "output_format": FORMAT,
                    "tags": {"type": "array", "items": {"type": "string"}},
                    "visibility": VISIBILITY,
                    "extra_data": {"type": "object"},
                },
            },
        },
        "leaderboard": {
            "type": "array",
            "items": {
                "type": "object",
                "required": ["name", "value"],
                "properties": {"order": {"enum": ["asc", "desc"]}},
            },
        },
    },
    "anyOf": [
        {"required": ["score"]},
        {"required": ["tests"], "properties": {"tests": {"items": {"required": ["score"]}}}},
    ],
}
"""The format of "Autograder Specifications", by hand."""


def validated(text: str) -> dict:
    document = json.loads(text)
    Draft202012Validator(RESULTS_SCHEMA).validate(document)
    return document


def test_gradescope_results(grades):
    """Each exercise is a test, numbered by topic, with its points, verdict and cause."""
    bob = validated(gradescope.dumps(gradescope.results(grades[1])))
    assert bob["score"] == sum(test["score"] for test in bob["tests"]) == 8
    vjp = bob["tests"][2]
    assert (vjp["name"], vjp["number"], vjp["status"]) == ("softmax_vjp", "1.3", "failed")
    assert (vjp["score"], vjp["max_score"], vjp["tags"]) == (0, 2, ["softmax"])
    assert "5 of 8 checks pass." in vjp["output"]
    assert "Why: the Jacobian is taken for its diagonal" in vjp["output"]
    assert bob["extra_data"]["seed"] is None


def test_gradescope_without_a_number(grades):
    """Where a person has to decide the score is zero, and a test that is hidden until then hides the total."""
    for grade in (grades[2], grades[4]):
        document = validated(gradescope.dumps(gradescope.results(grade)))
        assert document["score"] == 0
        assert document["tests"][0]["visibility"] == "after_published"
        assert document["tests"][0]["max_score"] == 0
    carl = validated(gradescope.dumps(gradescope.results(grades[3])))
    assert (carl["score"], carl["tests"]) == (0, [])
    assert "not a sound .zip" in carl["output"]


def test_gradescope_of_anything(samples, classes):
    """Every sample of a report gives a document that fits the format, in plain ASCII."""
    for report in samples.samples():
        one = classes.result("ada", report)
        (grade,) = grades_of(Class("C", "s", 26.0, {}, [one]), Policy())
        text = gradescope.dumps(gradescope.results(grade, visibility="after_due_date"))
        assert text.isascii()
        assert validated(text)["score"] <= max(report.earned, 0)


# ---- a file a student


def test_names_of_files():
    """Ids that are names on every system are kept; others, and those that some systems take for one, get a digest."""
    ids = [
        "ada",
        "b.o@x",
        "Eve",
        "eve",
        "con",
        "../x",
        "a/b",
        "",
        "students",
        "x\0",
        "é",
        "nul.txt",
        "x" * 300,
    ]
    names = file_names(ids, ".json")
    assert names[:2] == ["ada.json", "b.o@x.json"]
    assert len({name.casefold() for name in names}) == len(ids)
    for name in names:
        assert Path(name).name == name
        assert name.isascii()
        assert len(name) < 100
    assert all(name.count("-") for name in names[2:])


def test_a_folder_is_written_whole_or_not(tmp_path, monkeypatch):
    """A folder that holds something is left alone, and one whose writing fails is not there."""
    target = tmp_path / "out"
    write_folder(target, [("ada", "{}"), ("=1", "{}")])
    assert sorted(path.name for path in target.iterdir())[1:] == ["ada.json", "students.csv"]
    with pytest.raises(GradsmithError, match="not an empty folder"):
        write_folder(target, [])
    monkeypatch.setattr("grader.classroom.exports.folder.write_rows", lambda rows: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        write_folder(tmp_path / "new", [("ada", "{}")])
    assert sorted(path.name for path in tmp_path.iterdir()) == ["out"]


# ---- JUnit and JSON


def test_junit_suite_a_student(grades):
    """There is a suite for each student, whose counts agree, and nobody without a number looks like a pass."""
    root = ET.fromstring(documents.class_junit(grades))
    suites = {suite.attrib["name"]: suite for suite in root}
    assert list(suites) == ["ada", "bob", "eve", "carl", "zoe"]
    for parent in (root, *root):
        cases = list(parent.iter("testcase"))
        assert int(parent.attrib["tests"]) == len(cases)
        assert int(parent.attrib["errors"]) == sum(c.find("error") is not None for c in cases)
    assert suites["ada"].attrib["failures"] == suites["ada"].attrib["errors"] == "0"
    for name, tag in (("eve", "error"), ("carl", "error"), ("zoe", "skipped")):
        case = suites[name].find("testcase")
        assert case.attrib["name"] == "submission"
        assert case.find(tag).attrib["message"]
    facts = {p.attrib["name"]: p.attrib["value"] for p in suites["bob"].iter("property")}
    assert (facts["grade"], facts["points_earned"]) == ("8.00", "8")
    assert facts["points_earned.softmax"] == "2"


def test_json_of_a_class(cls, grades):
    """The document has each student with grade and report, and the reports fit the schema of reports."""
    document = json.loads(documents.class_json(cls, grades))
    assert [one["id"] for one in document["students"]] == ["ada", "bob", "eve", "carl", "zoe"]
    ada, _, eve, carl, zoe = document["students"]
    assert ada["grade"] == {
        "standing": "graded", "raw": "26.00", "penalty": "0.00", "final": "26.00", "out_of": "26", "reasons": [],
    }  # fmt: skip
    assert eve["grade"]["final"] is None
    assert carl["submission"]["report"] is None
    assert carl["submission"]["fault"].startswith("carl.zip")
    assert zoe["submission"] is None
    reports = [one["submission"]["report"] for one in (ada, eve)]
    envelope = {"schema": "gradsmith/report", "version": 1, "grader": "0", "submissions": reports}
    Draft202012Validator(schema()).validate(envelope)


# ---- all of them


def exports(cls: Class, grades: list[Grade]) -> dict[str, bytes]:
    return {
        "csv": tables.by_student(grades),
        "long-csv": tables.by_exercise(grades, excel=True),
        "canvas": canvas.gradebook(grades, cls.title),
        "moodle": moodle.gradebook(grades, cls.title),
        "gradescope": "".join(gradescope.dumps(gradescope.results(g)) for g in grades).encode(),
        "junit": documents.class_junit(grades).encode(),
        "json": documents.class_json(cls, grades).encode(),
    }


def test_hostile_names_are_safe_everywhere(hostile):
    """No name runs as a formula, breaks a row, or ends a document, in any form."""
    grades = grades_of(hostile, Policy())
    made = exports(hostile, grades)
    for name in ("csv", "long-csv", "canvas", "moodle"):
        rows = parsed(made[name])
        assert len({len(row) for row in rows}) == 1
        for row in rows:
            for cell in row:
                assert not cell.lstrip().startswith(("=", "+", "-", "@", "\uff1d"))
                assert not set(cell) & set("\0\r\n\t\u202e")
    assert len(parsed(made["csv"])) == len(grades) + 1
    for name in ("gradescope", "junit", "json"):
        assert made[name].isascii()
    assert len(ET.fromstring(made["junit"])) == len(grades)
    assert len(json.loads(made["json"])["students"]) == len(grades)


def test_same_class_same_bytes(cls, hostile):
    """Each form of a class is the same whenever it is written."""
    for one in (cls, hostile):
        assert exports(one, grades_of(one, Policy())) == exports(one, grades_of(one, Policy()))


def test_a_class_of_nobody(cls):
    """A class without students and results gives headings alone."""
    empty = replace(cls, roster={}, results=())
    made = exports(empty, grades_of(empty, Policy()))
    assert parsed(made["csv"]) == [list(tables.COLUMNS)]
    assert len(parsed(made["canvas"])) == 2


# ---- the command


@pytest.fixture
def run(cls, tmp_path, monkeypatch):
    """Runs `grader class export results …` on the small class, in a folder of its own."""
    ledger = ModuleType("grader.classroom.ledger")
    ledger.open_class = lambda path: cls  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "grader.classroom.ledger", ledger)
    monkeypatch.chdir(tmp_path)
    (tmp_path / "results").mkdir()

    def invoke(*args: str):
        return CliRunner().invoke(cli, ["class", "export", "results", *args])

    return invoke


def test_every_format_from_the_command(run, tmp_path):
    """Each format is written to a file or the screen, with a word on standard error of how many there are."""
    for name in ("csv", "long-csv", "canvas", "moodle", "junit", "json"):
        done = run("--format", name)
        assert done.exit_code == 0
        assert "5 students: 2 graded, 1 withheld, 1 unreadable, 1 absent" in done.stderr
        run("--format", name, "--output", f"out.{name}")
        assert (tmp_path / f"out.{name}").read_text() == done.stdout
    done = run("--format", "gradescope", "-o", "gs")
    assert done.exit_code == 0
    assert len(list((tmp_path / "gs").glob("*.json"))) == 5
    assert "without a number until you decide" in done.stderr


def test_a_policy_and_a_template_from_the_command(run, tmp_path):
    """With class.toml and a template, grades are scaled and filled in, and who could not be matched is named."""
    (tmp_path / "class.toml").write_text("[grade]\nscale = 10\n")
    (tmp_path / "canvas.csv").write_text(CANVAS.replace("26.00,10", "10,10"))
    options = ("--format", "canvas", "--template", "canvas.csv", "--config", "class.toml")
    done = run(*options, "-o", "filled.csv")
    assert done.exit_code == 0
    assert parsed((tmp_path / "filled.csv").read_bytes())[4][6] == "3.08"
    for said in ("2 grades filled in", "Carl (carl)", "line 7, Mallory", "left as they are (1)"):
        assert said in done.stderr
    (tmp_path / "class.toml").write_text('[overrides.adda]\nexcused = true\nreason = "x"\n')
    done = run("--config", "class.toml")
    assert "did you mean 'ada'?" in str(done.exception)


@pytest.mark.parametrize(
    ("args", "message"),
    [
        (("--template", "t.csv"), "--template goes with --format canvas and moodle"),
        (("--column", "x"), "--column goes with --template"),
        (("--format", "json", "--excel"), "--excel goes with CSV"),
        (("--format", "gradescope"), "add --output DIR"),
        (("--output", "results"), "results is a folder; name a file in it"),
        (
            ("--format", "canvas", "--template", "t.csv", "-o", "./t.csv"),
            "--output is the template",
        ),
    ],
)
def test_options_that_do_not_go_together(run, tmp_path, args, message):
    """Options that mean nothing together are an error of usage."""
    (tmp_path / "t.csv").write_text(CANVAS)
    done = run(*args)
    assert done.exit_code == 2
    assert message in done.stderr


def test_help_fits_the_screen(run):
    """The help has its examples and fits 80 columns."""
    text = run("--help").stdout
    assert "Examples:" in text
    assert max(map(len, text.splitlines())) <= 80


def test_lines_of_the_screen_are_lines():
    """What is said of a person on the screen is on one line, whatever their name."""
    assert line("a\nb\x1b[31m\u202ec") == "a b\N{REPLACEMENT CHARACTER}[31mc"


def test_gradescope_tells_no_more_than_it_may(grades):
    """Students are told the known mistakes, and inputs of hidden tests under `full` alone."""
    full = gradescope.results(grades[1], ceiling=Disclosure.FULL)
    names = gradescope.results(grades[1])
    assert full["extra_data"]["seed"] == 7
    assert names["extra_data"]["seed"] is None
    assert len(str(names["tests"])) < len(str(full["tests"]))
    assert [test["score"] for test in names["tests"]] == [test["score"] for test in full["tests"]]
