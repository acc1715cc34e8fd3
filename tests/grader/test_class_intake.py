"""What a class hands in becomes one entry a student, however it was handed in, and nothing is lost without a word."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path

import pytest

from grader import submission as reading
from grader.catalog import load_course
from grader.classroom.intake import Intake, take_in
from grader.classroom.model import Student
from grader.classroom.roster import Matching, read_roster
from grader.content import Content
from grader.errors import GradsmithError, UnreadableSubmissionError
from grader.model import Course, Topic

CODE = "def row_means(x):\n    return x.mean(axis=1)\n"
OTHER = "def other(x):\n    return x\n"


@pytest.fixture
def course(toy: Content) -> Course:
    """The toy course, with a second topic of one function."""
    loaded = load_course(toy)
    [topic] = loaded.topics
    from dataclasses import replace

    second = replace(
        topic,
        slug="second",
        exercises=(replace(topic.exercises[0], name="other", topic="second"),),
        capstone=None,
    )
    topics: tuple[Topic, ...] = (topic, second)
    return Course(loaded.title, topics)


def lay(root: Path, files: Mapping[str, str | bytes]) -> Path:
    """Files under a folder."""
    for name, text in files.items():
        file = root / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(text if isinstance(text, bytes) else text.encode())
    root.mkdir(exist_ok=True)
    return root


def zipped(files: Mapping[str, str | bytes]) -> bytes:
    """An archive's bytes."""
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, text in files.items():
            archive.writestr(name, text)
    return made.getvalue()


def packed(path: Path, files: Mapping[str, str | bytes]) -> Path:
    """An archive on disk."""
    path.write_bytes(zipped(files))
    return path


def texts(intake: Intake, course: Course) -> dict[str, dict[str, str]]:
    """Student to topic to source text."""
    found = {}
    with intake:
        for entry in intake.entries:
            read = entry.read(course)
            assert read.name == entry.student
            assert read.topics == ("toy", "second")
            found[entry.student] = {topic: source.text for topic, source in read.sources.items()}
    return found


@pytest.mark.parametrize("bulk", [False, True], ids=["folder", "zip"])
def test_one_entry_each(tmp_path: Path, course: Course, bulk: bool) -> None:
    """Folders, files and archives side by side are one student's each; two loose files of one are one submission."""
    files: dict[str, str | bytes] = {
        "ada/toy.py": CODE,
        "ada/second.py": OTHER,
        "bob.py": CODE,
        "cyd.zip": zipped({"homework/toy.py": CODE}),
        "dan/homework.zip": zipped({"toy.py": CODE}),
        "eve_toy.py": CODE,
        "eve-second.py": OTHER,
        "fay/my_means.py": CODE,
        ".DS_Store": b"x",
        "__MACOSX/ada/._toy.py": b"x",
        "grades.csv": "id\n",
    }
    path = packed(tmp_path / "all.zip", files) if bulk else lay(tmp_path / "all", files)
    intake = take_in([path], course)
    both = {"toy": CODE, "second": OTHER}
    assert texts(intake, course) == {
        "ada": both, "bob": {"toy": CODE}, "cyd": {"toy": CODE}, "dan": {"toy": CODE}, "eve": both,
        "fay": {"toy": CODE},
    }  # fmt: skip
    noted = "\n".join(intake.notes)
    assert "grades.csv was passed over" in noted
    assert ".DS_Store, __MACOSX was passed over" in noted


@pytest.mark.parametrize("bulk", [False, True], ids=["folder", "zip"])
def test_canvas(tmp_path: Path, course: Course, bulk: bool) -> None:
    """Canvas's flat names tell the student, the late mark and the attempt; the latest of a file counts."""
    files: dict[str, str | bytes] = {
        "lovelaceada_LATE_12_901_toy-1.py": CODE,
        "lovelaceada_LATE_12_900_toy.py": "def row_means(x):\n    old\n",
        "lovelaceada_LATE_12_902_part-2.py": OTHER,
        "hoppergrace_34_903_homework-2.zip": zipped({"toy.py": CODE}),
        "turingalan_56_904_solution.py": CODE,
        "turingalan_56_text.html": "<p>see file</p>",
    }
    path = packed(tmp_path / "all.zip", files) if bulk else lay(tmp_path / "all", files)
    intake = take_in([path], course)
    ada, grace, alan = intake.entries
    assert (ada.student, ada.name, ada.late, ada.attempt) == ("12", "lovelaceada", True, 2)
    assert (grace.student, grace.late, grace.attempt) == ("34", False, 3)
    assert (alan.student, alan.name) == ("56", "turingalan")
    read = texts(intake, course)
    assert read["12"] == {"toy": CODE, "second": OTHER}
    assert read["34"] == read["56"] == {"toy": CODE}


def test_canvas_files_are_called_as_the_student_called_them(tmp_path: Path, course: Course) -> None:
    """The numbers of Canvas stand in no report, so that equal submissions are equal."""
    lay(tmp_path / "all", {"a_1_2_toy-3.py": CODE, "b_4_5_toy.py": CODE})
    with take_in([tmp_path / "all"], course) as intake:
        one, two = (entry.read(course) for entry in intake.entries)
    assert one.sources == two.sources
    assert one.notes == two.notes


def test_canvas_numbers_that_are_no_attempts(tmp_path: Path, course: Course) -> None:
    """Files that a student numbered are all read; of one that is there twice the later attempt counts, with a note."""
    lay(tmp_path / "all", {
        "a_1_2_part-1.py": CODE, "a_1_3_part-2.py": OTHER, "b_4_5_toy.py": OTHER, "b_4_6_toy-1.py": CODE,
    })  # fmt: skip
    with take_in([tmp_path / "all"], course) as intake:
        one, two = (entry.read(course) for entry in intake.entries)
    assert {topic: source.text for topic, source in one.sources.items()} == {
        "toy": CODE,
        "second": OTHER,
    }
    assert two.sources["toy"].text == CODE
    assert "an earlier toy.py was not read: a later attempt was" in two.notes


def test_moodle(tmp_path: Path, course: Course) -> None:
    """Moodle's folders and flat files tell the student; online texts are passed over with a note."""
    files = {
        "Ada de Love_lace_12_assignsubmission_file_/toy.py": CODE,
        "Ada de Love_lace_12_assignsubmission_onlinetext_/onlinetext.html": "<p>x</p>",
        "Grace Hopper_34_assignsubmission_file/hw/toy.py": CODE,
        "Alan Turing_56_assignsubmission_file_toy.py": CODE,
        "Alan Turing_56_assignsubmission_file_second.py": OTHER,
        "Alan Turing_56_assignfeedback_comments_": "x",
    }
    intake = take_in([lay(tmp_path / "all", files)], course)
    assert [(e.student, e.name) for e in intake.entries] == [
        ("12", "Ada de Love_lace"), ("34", "Grace Hopper"), ("56", "Alan Turing"),
    ]  # fmt: skip
    assert sum("passed over" in note for note in intake.notes) == 2
    assert texts(intake, course)["56"] == {"toy": CODE, "second": OTHER}


GRADESCOPE = """---
submission_7:
  :submitters:
  - :name: Ada Lovelace
    :sid: '0012'
    :email: ada@example.org
  :created_at: 2024-03-01 10:00:00.5 Z
  :score: 1.0
  :history:
  - :id: 6
submission_8:
  :submitters:
  - :name: Grace Hopper
    :sid: ''
    :email: grace@example.org
  - :name: Alan Turing
    :sid: a2
    :email: alan@example.org
  :created_at: !ruby/object:Odd
    x: 1
  :history: []
"""


@pytest.mark.parametrize("bulk", [False, True], ids=["folder", "zip"])
def test_gradescope(tmp_path: Path, course: Course, bulk: bool) -> None:
    """Gradescope's metadata tell whose a submission is; each of a group has it, and who is not in them is by number."""
    files = {
        "assignment_1_export/submission_metadata.yml": GRADESCOPE,
        "assignment_1_export/submission_7/toy.py": CODE,
        "assignment_1_export/submission_8/hw/toy.py": CODE,
        "assignment_1_export/submission_9/toy.py": CODE,
    }
    path = packed(tmp_path / "all.zip", files) if bulk else lay(tmp_path / "all", files)
    intake = take_in([path], course)
    by_id = {entry.student: entry for entry in intake.entries}
    assert set(by_id) == {"0012", "grace@example.org", "a2", "submission_9"}
    assert by_id["0012"].submitted_at == datetime(2024, 3, 1, 10, 0, 0, 500_000, tzinfo=UTC)
    assert by_id["0012"].attempt == 2
    assert by_id["a2"].notes == ("handed in together with grace@example.org",)
    assert set(map(str, texts(intake, course).values())) == {str({"toy": CODE})}


def test_gradescope_metadata_that_cannot_be_read(tmp_path: Path, course: Course) -> None:
    """Metadata that are no YAML are an error that says what to do, as without them nobody's name is known."""
    lay(tmp_path, {"submission_metadata.yml": "a: [", "submission_1/toy.py": CODE})
    with pytest.raises(UnreadableSubmissionError, match="download it again"):
        take_in([tmp_path], course)


def test_two_entries_of_one_student(tmp_path: Path, course: Course) -> None:
    """A folder and an archive of one student are an error that names both."""
    lay(tmp_path, {"ada/toy.py": CODE, "ada.zip": zipped({"toy.py": CODE}), "bob/toy.py": CODE})
    with pytest.raises(UnreadableSubmissionError, match=r"ada: .*ada.* and .*ada\.zip"):
        take_in([tmp_path], course)


def test_what_cannot_be_read_is_an_entry(tmp_path: Path, course: Course) -> None:
    """Links, other archives, empty folders and damaged archives are entries that say what is wrong."""
    lay(tmp_path / "all", {
        "ada.rar": b"Rar!", "bob.zip": b"PK no", "cyd/readme.txt": "x", "dan.py": "x = 1\n",
        "fay/toy.py": b"\xff\xfe", "gil/a.py": CODE, "gil/b.py": CODE,
    })  # fmt: skip
    (tmp_path / "all" / "eve").symlink_to(tmp_path)
    (tmp_path / "all" / "hal.py").symlink_to(tmp_path / "all" / "dan.py")
    said = {}
    with take_in([tmp_path / "all"], course) as intake:
        for entry in intake.entries:
            try:
                read = entry.read(course)
            except UnreadableSubmissionError as error:
                said[entry.student] = str(error)
            else:
                said[entry.student] = "; ".join(problem.message for problem in read.problems)
    assert "type of file is not read" in said["ada"]
    assert "not a sound .zip" in said["bob"]
    assert "holds no submission" in said["cyd"]
    assert "defines no function" in said["dan"]
    assert "symbolic link, which is not followed" in said["eve"]
    assert "symbolic link, which is not followed" in said["hal"]
    assert "UTF-16" in said["fay"]
    assert "are both about toy" in said["gil"]


def test_one_submission_is_no_class(tmp_path: Path, course: Course) -> None:
    """A folder that is a submission itself, a single file and an empty folder are refused with a way on."""
    lay(tmp_path, {"one/toy.py": CODE, "none/.keep": ""})
    for path, fix in (
        ("one", "grader score"), ("one/toy.py", "grader score"), ("none", "no submission found"),
        ("nowhere", "not found"),
    ):  # fmt: skip
        with pytest.raises(UnreadableSubmissionError, match=fix):
            take_in([tmp_path / path], course)


def test_several_paths(tmp_path: Path, course: Course) -> None:
    """Of several paths each is a submission, or a folder or an archive of them."""
    lay(tmp_path, {"section/ada/toy.py": CODE, "section/bob/toy.py": CODE, "cyd/toy.py": CODE})
    lay(tmp_path, {"dan.py": CODE})
    eve = packed(tmp_path / "eve.zip", {"hw/toy.py": CODE})
    paths = [tmp_path / name for name in ("section", "cyd", "dan.py")]
    found = texts(take_in([*paths, eve], course), course)
    assert found == {student: {"toy": CODE} for student in ("ada", "bob", "cyd", "dan", "eve")}


def test_bulk_archive_has_bounds(
    tmp_path: Path, course: Course, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An archive of more members than a class can have is refused before it is unpacked; unsafe names are not read."""
    path = packed(tmp_path / "all.zip", {f"s{i}/toy.py": CODE for i in range(9)})
    monkeypatch.setattr(reading, "MAX_BULK_ENTRIES", 8)
    with pytest.raises(UnreadableSubmissionError, match="over 8 files"):
        take_in([path], course)
    path = packed(tmp_path / "odd.zip", {"../evil/toy.py": CODE, "ada/toy.py": CODE})
    intake = take_in([path], course)
    assert list(texts(intake, course)) == ["ada"]
    assert any("unsafe names" in note for note in intake.notes)


# ---- the roster


def test_roster_is_read(tmp_path: Path) -> None:
    """Headings are found whatever their case; further columns stay, in the file's order."""
    file = tmp_path / "roster.csv"
    file.write_text(
        '\ufeffID,Name,Email,Group,Login\n7,"Lovelace, Ada",a@x.org,B,ada7\n\n3,Bob,,,\n'
    )
    assert read_roster(file) == {
        "7": Student("7", "Lovelace, Ada", "a@x.org", "B", {"Login": "ada7"}),
        "3": Student("3", "Bob", "", "", {"Login": ""}),
    }
    assert list(read_roster(file)) == ["7", "3"]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("name\nAda\n", "no column 'id'"),
        ("id,name\n1,Ada\n1,Bob\n", "line 3: id '1' stands there twice"),
        ("id,name\n,Ada\n", "line 2: no id"),
        ("id\n", "no student"),
        ("", "no column 'id'"),
    ],
)
def test_roster_that_is_wrong(tmp_path: Path, text: str, said: str) -> None:
    """A roster that cannot be used says where and why."""
    file = tmp_path / "roster.csv"
    file.write_text(text)
    with pytest.raises(GradsmithError, match=said):
        read_roster(file)


def test_roster_tells_who_is_absent_and_unknown(tmp_path: Path, course: Course) -> None:
    """Entries are found in the roster by id, address, further column or name; the rest is told."""
    roster = {
        "1": Student("1", "Ada Lovelace", "ada@x.org"),
        "2": Student("2", "Grace Hopper", "", "", {"Canvas": "34"}),
        "3": Student("3", "Alan Turing"),
        "4": Student("4", "Absent"),
    }
    files = {
        "ada/toy.py": CODE,
        "x_34_9_toy.py": CODE,
        "turingalan_56_9_toy.py": CODE,
        "z/toy.py": CODE,
    }
    with take_in([lay(tmp_path / "all", files)], course, roster) as intake:
        assert [entry.student for entry in intake.entries] == ["1", "2", "3", "z"]
    assert (intake.unknown, intake.absent) == (("z",), ("4",))
    assert sum("taken for" in note for note in intake.notes) == 3


def test_names_that_two_have_are_nobodys() -> None:
    """A name is believed only where one student has it; an id always."""
    matching = Matching(
        {"1": Student("1", "Ada Bo"), "2": Student("2", "Bo, Ada"), "x": Student("x")}
    )
    assert matching.find("9", "boada") == ("", "")
    assert matching.find("2", "") == ("2", "")
    assert matching.find("X", "")[0] == "x"
