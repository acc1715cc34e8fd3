"""From results to grades: due dates, penalties, extensions, and what is no number."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from grader.classroom.grades import Grade, Standing, exact, grade_of, grades_of, spoken
from grader.classroom.model import Class, Result, Student
from grader.classroom.policy import (
    ROUNDINGS,
    Late,
    Override,
    Policy,
    attachments,
    check_students,
    read_policy,
)
from grader.errors import ContentError, GradsmithError
from grader.model import CapstoneScore, Score, Status

DUE = datetime(2026, 11, 30, 22, 59, tzinfo=UTC)
ADA = Student("ada")


def graded(samples, after: timedelta | None = timedelta(0), **policy) -> Grade:
    """Ada's grade for a report of 6 of 12 points, handed in so much after the due date."""
    of = samples.SOFTMAX.exercises
    report = samples.report(
        *(samples.passed(e) for e in of[:3]), *(samples.missing(e) for e in of[3:])
    )
    at = None if after is None else DUE + after
    one = Result("ada", "ada.zip", "d", 0, report, submitted_at=at)
    return grade_of(Class("C", "s", 12.0, {}, [one]), Policy(due=DUE, **policy), ADA, one)


def test_points_are_the_grade_without_a_policy(samples):
    """Without settings a grade is the points earned, of those that can be."""
    grade = graded(samples)
    assert (grade.standing, grade.raw, grade.penalty, grade.final) == ("graded", 6, 0, 6)
    assert (grade.out_of, grade.reasons) == (12, ())


@pytest.mark.parametrize(
    ("late", "left"),
    [
        (timedelta(0), "50.00"),
        (timedelta(minutes=10), "50.00"),
        (timedelta(minutes=10, seconds=1), "45.00"),
        (timedelta(days=1), "45.00"),
        (timedelta(days=1, microseconds=1), "40.00"),
        (timedelta(days=2, hours=3), "35.00"),
        (timedelta(days=4), "30.00"),
        (timedelta(days=5), "30.00"),
        (timedelta(days=5, seconds=1), "0.00"),
    ],
)
def test_late_days(samples, late, left):
    """Each day begun costs its percent of what was earned, after the grace, up to the cap and the cutoff."""
    rule = Late(Decimal(10), Decimal(10), cap=Decimal(40), cutoff=DUE + timedelta(days=5))
    grade = graded(samples, late, late=rule, scale=Decimal(100))
    assert (str(grade.raw), str(grade.final)) == ("50.00", left)


def test_percent_of_what_is_possible(samples):
    """A penalty on the points possible takes the same from everyone, never more than there is."""
    rule = Late(percent=Decimal(10), per="hour", of="possible")
    policy = {"late": rule, "scale": Decimal(100)}
    assert graded(samples, timedelta(minutes=61), **policy).final == 30
    grade = graded(samples, timedelta(hours=9), **policy)
    assert (grade.final, grade.penalty) == (0, 50)
    assert grade.reasons == ("9 hours late: 90% of the points possible for 9 hours begun",)


def test_an_extension_moves_the_due_date(samples):
    """With an extension of two days, a day late is in time, and days count from the later date."""
    later = {"ada": DUE + timedelta(days=2)}
    rule = Late(percent=Decimal(10), cutoff=DUE + timedelta(days=1))
    policy = {"late": rule, "extensions": later}
    assert graded(samples, timedelta(days=2), **policy).final == 6
    assert graded(samples, timedelta(days=2, seconds=1), **policy).final == 0


@pytest.mark.parametrize("status", [Status.TAMPERED, Status.GRADER_ERROR, Status.UNRESOLVED])
def test_what_nobody_can_stand_by_is_no_number(samples, status):
    """Evidence of an attack and faults of ours give no number until a person decides."""
    report = samples.report(Score(samples.SOFTMAX.exercises[0], status, 0.0))
    one = Result("ada", "a", "d", 0, report)
    cls = Class("C", "s", 2.0, {}, [one])
    grade = grade_of(cls, Policy(), ADA, one)
    wanted = Standing.WITHHELD if status is Status.TAMPERED else Standing.PENDING
    assert (grade.standing, grade.raw, grade.final, grade.penalty) == (wanted, None, None, None)
    assert "softmax" in grade.reasons[0]
    accepted = Policy(overrides={"ada": Override("looked at it", accept=True)})
    assert grade_of(cls, accepted, ADA, one).final == 0


def test_an_attack_in_a_capstone_withholds_too(samples):
    """Evidence of an attack counts where no points are to be had as well."""
    report = samples.capstones()
    one = report.capstones[0]
    evil = CapstoneScore(one.capstone, Status.TAMPERED)
    told = samples.report(samples.passed(samples.SOFTMAX.exercises[0]), capstones=(evil,))
    result = Result("ada", "a", "d", 0, told)
    grade = grade_of(Class("C", "s", 2.0, {}, [result]), Policy(), ADA, result)
    assert grade.standing is Standing.WITHHELD


def test_a_time_that_is_not_known_is_asked_about(samples):
    """Where lateness costs and the time is not known there is no number, unless the policy says otherwise."""
    rule = Late(percent=Decimal(10))
    assert graded(samples, None).final == 6
    assert graded(samples, None, late=rule).standing is Standing.PENDING
    kind = Late(percent=Decimal(10), unknown="on time")
    assert graded(samples, None, late=kind).final == 6


def test_what_a_person_decides_counts(samples):
    """A score and an excuse stand, with the reason; a score above the scale is refused."""
    grade = graded(samples, overrides={"ada": Override("regraded", score=Decimal("7.5"))})
    assert (grade.final, grade.reasons) == (Decimal("7.50"), ("decided by a person: regraded",))
    grade = graded(samples, overrides={"ada": Override("ill", excused=True)})
    assert (grade.standing, grade.final) == (Standing.EXCUSED, None)
    with pytest.raises(GradsmithError, match="above 12"):
        graded(samples, overrides={"ada": Override("x", score=Decimal(13))})


def test_who_handed_nothing_in(samples):
    """The roster's students come first, in its order; zero or blank for those without a result, as is wished."""
    cls = Class("C", "s", 2.0, {"zoe": Student("zoe"), "ada": ADA}, [
        Result("ada", "a", "d", 0, None, fault="not a zip"), Result("x", "x", "d", 0, None),
    ])  # fmt: skip
    grades = grades_of(cls, Policy())
    assert [(g.student.id, g.standing, g.final) for g in grades] == [
        ("zoe", "absent", 0), ("ada", "unreadable", 0), ("x", "unreadable", 0),
    ]  # fmt: skip
    assert grades_of(cls, Policy(missing="blank"))[0].final is None
    with pytest.raises(GradsmithError, match="no points"):
        grades_of(Class("C", "s", 0.0, {"a": ADA}, []), Policy())


def test_rounding_is_of_decimals_not_of_floats(samples):
    """A half goes up though the float is below it, and the noise of a sum is not seen."""
    of = samples.exercise("a", "t", 2.675)
    one = Result("ada", "a", "d", 0, samples.report(samples.passed(of), submission="a"))
    for rounding, wanted in (("half up", "2.68"), ("down", "2.67"), ("half even", "2.68")):
        policy = Policy(rounding=rounding)
        grade = grade_of(Class("C", "s", 10.0, {}, [one]), policy, ADA, one)
        assert str(grade.final) == wanted
    assert str(exact(0.1 + 0.2)) == "0.3"


def test_spans_in_words():
    """The two largest units, minutes rounded up."""
    assert spoken(timedelta(seconds=1)) == "1 minute"
    assert spoken(timedelta(days=2, hours=1, minutes=3)) == "2 days 1 hour"
    assert spoken(timedelta(0)) == "0 minutes"


percents = st.decimals(0, 100, places=1)
spans = st.timedeltas(timedelta(days=-3), timedelta(days=12))


@st.composite
def policies(draw) -> dict[str, object]:
    late = Late(
        draw(st.decimals(0, 3000, places=0)),
        draw(percents),
        draw(st.sampled_from(["day", "hour"])),
        draw(st.sampled_from(["earned", "possible"])),
        draw(percents),
        DUE + draw(st.timedeltas(timedelta(0), timedelta(days=9))) if draw(st.booleans()) else None,
    )
    return {
        "late": late,
        "scale": draw(st.none() | st.decimals("0.1", 1000, places=1)),
        "points": draw(st.none() | st.decimals("0.1", 100, places=1)),
        "decimals": draw(st.integers(0, 4)),
        "rounding": draw(st.sampled_from(ROUNDINGS)),
    }


@given(policy=policies(), spans=st.tuples(spans, spans))
def test_lateness_never_helps(samples, policy, spans):
    """A grade is between zero and what it is without a penalty, and no higher when it comes later."""
    first, second = (graded(samples, span, **policy) for span in sorted(spans))
    for grade in (first, second):
        assert 0 <= grade.final <= grade.raw <= grade.out_of.quantize(grade.raw, "ROUND_UP")
        assert grade.penalty == grade.raw - grade.final
    assert second.final <= first.final
    assert second.raw == first.raw


@given(policy=policies(), span=spans, extension=spans)
def test_an_extension_never_hurts(samples, policy, span, extension):
    """Whatever the extension, even one before the due date, the grade is at least what it is without."""
    without = graded(samples, span, **policy)
    with_it = graded(samples, span, extensions={"ada": DUE + extension}, **policy)
    assert with_it.final >= without.final


# ---- class.toml

FULL = """
due = 2026-11-30T23:59:00+01:00
missing = "blank"
[grade]
points = 50
scale = 100
decimals = 1
rounding = "half even"
[late]
grace_minutes = 10
percent = 12.5
per = "hour"
of = "possible"
cap = 50
cutoff = 2026-12-07T23:59:00+01:00
unknown = "on time"
[extensions]
ada = 2026-12-02T23:59:00+01:00
[overrides.bob]
score = 7.5
reason = "looked at it with Bob"
[overrides.eve]
excused = true
reason = "ill"
"""


def written(folder: Path, text: str) -> Path:
    file = folder / "class.toml"
    file.write_text(text, encoding="utf-8")
    return file


def test_all_settings_are_read(tmp_path):
    """Each key of class.toml arrives, times in UTC and numbers exact."""
    policy = read_policy(written(tmp_path, FULL))
    assert policy == Policy(
        due=DUE,
        late=Late(Decimal(10), Decimal("12.5"), "hour", "possible", Decimal(50), DUE + timedelta(days=7), "on time"),
        extensions={"ada": DUE + timedelta(days=2)},
        overrides={
            "bob": Override("looked at it with Bob", score=Decimal("7.5")), "eve": Override("ill", excused=True),
        },
        points=Decimal(50), scale=Decimal(100), decimals=1, rounding="half even", missing="blank",
    )  # fmt: skip
    assert read_policy(written(tmp_path, "")) == Policy()


def test_files_beside_it(tmp_path):
    """Extensions and overrides may stand in CSV files beside class.toml, as a spreadsheet saves them."""
    (tmp_path / "ext.csv").write_bytes(
        b"\xef\xbb\xbfstudent,due\r\nada,2026-12-02T23:59+01:00\r\nbob,2026-12-03 22:59Z\r\n"
    )
    (tmp_path / "over.csv").write_text("student,score,excused,reason\nbob,7.5,,x\neve,,TRUE,ill\n")
    file = written(
        tmp_path,
        'due = 2026-11-30T23:59:00+01:00\nextensions = "ext.csv"\noverrides = "over.csv"\n',
    )
    policy = read_policy(file)
    assert policy.extensions == {"ada": DUE + timedelta(days=2), "bob": DUE + timedelta(days=3)}
    assert policy.overrides["bob"].score == Decimal("7.5")
    assert policy.overrides["eve"].excused
    assert attachments(file) == ("ext.csv", "over.csv")


def test_a_zone_of_its_own(tmp_path):
    """With a time zone, times need no offset; an hour that is there twice does."""
    head = 'timezone = "Europe/Zurich"\n'
    assert read_policy(written(tmp_path, head + "due = 2026-11-30T23:59:00")).due == DUE
    with pytest.raises(ContentError, match="due: the clocks change"):
        read_policy(written(tmp_path, head + "due = 2026-10-25T02:30:00"))


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("due = 3", "due: is no date"),
        ("due = 2026-11-30", "due: is no date with a time"),
        ("due = 2026-11-30T23:59:00", "due: has no time zone; write it with its zone"),
        ("dew = 1", "dew: unknown key; did you mean `due`?"),
        ("due =", "file: is not TOML"),
        ('timezone = "Mars/Base"', "timezone: 'Mars/Base' is not known here"),
        ("timezone = 3", "timezone: 3 is not known here"),
        ("[late]\npercent = 10", "late: there is no due date"),
        ("[extensions]\na = 2026-11-30T23:59:00Z", "extensions: there is no due date"),
        ("due = 2026-11-30T23:59:00Z\n[late]\npercent = 101", "late.percent: write a number from 0"),
        ('due = 2026-11-30T23:59:00Z\n[late]\npercent = "10"', "late.percent: write a number"),
        ("due = 2026-11-30T23:59:00Z\n[late]\npercent = nan", "late.percent: write a number"),
        ("due = 2026-11-30T23:59:00Z\n[late]\ncap = true", "late.cap: write a number"),
        ('due = 2026-11-30T23:59:00Z\n[late]\nper = "week"', "late.per: write one of 'day', 'hour'"),
        ("due = 2026-11-30T23:59:00Z\n[late]\ncutoff = 2026-11-01T00:00:00Z", "late.cutoff: is before"),
        ("due = 2026-11-30T23:59:00Z\n[extensions]\na = 2026-11-01T00:00:00Z", "extensions.a: is before"),
        ('due = 2026-11-30T23:59:00Z\n[extensions]\na = "soon"', "extensions.a: 'soon' is no time"),
        ("due = 9999-12-31T23:59:00-14:00", "due: is too far away"),
        ("late = 3", r"late: write a table \[late\]"),
        ("extensions = 3", r"extensions: write a table \[extensions\]"),
        ('extensions = "e.txt"', "extensions: 'e.txt' is neither"),
        ('extensions = "e.csv"', "extensions: 'e.csv' is no file beside class.toml"),
        ('extensions = "../e.csv"', "extensions: '../e.csv' is no file beside"),
        ("[grade]\nscale = 0", "grade.scale: write a number above 0"),
        ("[grade]\npoints = -1", "grade.points: write a number above 0"),
        ("[grade]\ndecimals = 9", "grade.decimals: write a whole number from 0 to 6"),
        ('[grade]\nrounding = "off"', "grade.rounding: write one of 'half up'"),
        ('missing = "nil"', "missing: write one of 'zero', 'blank'"),
        ("[overrides]\na = 3", "overrides.a: write a table"),
        ("[overrides.a]\nscore = 3", "overrides.a.reason: say in a sentence why"),
        ('[overrides.a]\nreason = "x"', "overrides.a: give one of"),
        ('[overrides.a]\nscore = 1\nexcused = true\nreason = "x"', "overrides.a: give one of"),
        ('[overrides.a]\nscore = -1\nreason = "x"', "overrides.a.score: write a number"),
        ('[overrides.a]\naccept = 1\nreason = "x"', "overrides.a.accept: write true or false"),
        ('[overrides.a]\nscoer = 1\nreason = "x"', "overrides.a.scoer: unknown key; did you mean `score`?"),
    ],
)  # fmt: skip
def test_what_is_wrong_is_named(tmp_path, text, message):
    """Every mistake in class.toml names the file, the key and the fix."""
    with pytest.raises(ContentError, match=f"class.toml: {message}"):
        read_policy(written(tmp_path, text))


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        ("student\na\n", "line 1: write the headings: student,due"),
        ("student,dew\na,1\n", "column dew: unknown key; did you mean `due`?"),
        ("student,due\na\n", "line 2: write a row as: student,due"),
        ("student,due\na,1,2\n", "line 2: write a row as"),
        ("student,due\n,2026-12-02T23:59Z\n", "line 2: write a row as"),
        ("student,due\na,2026-12-02T23:59Z\na,2026-12-03T23:59Z\n", "line 3: 'a' stands twice"),
        ("student,due\na,tomorrow\n", "extensions.a: 'tomorrow' is no time"),
        ('student,due\n"a,2026-12-02T23:59Z\n', "file: is not CSV"),
        ("", "line 1: write the headings"),
    ],
)
def test_what_is_wrong_in_a_csv_file_is_named(tmp_path, rows, message):
    """Every mistake in a CSV file names that file, the line and the fix."""
    (tmp_path / "e.csv").write_text(rows)
    file = written(tmp_path, 'due = 2026-11-30T23:59:00Z\nextensions = "e.csv"')
    with pytest.raises(ContentError, match=f"e.csv: {message}"):
        read_policy(file)


def test_extensions_for_nobody(tmp_path):
    """An extension or an override for no student of the class is an error with the nearest one."""
    policy = Policy(due=DUE, extensions={"adda": DUE})
    with pytest.raises(ContentError, match=r"extensions.adda: no such student.*'ada'"):
        check_students(policy, ["ada"], tmp_path / "class.toml")
    with pytest.raises(ContentError, match=r"overrides.q: no such student.*take it out"):
        check_students(Policy(overrides={"q": Override("x")}), ["ada"], tmp_path)


def test_a_fault_of_ours_is_no_grade(samples):
    """What we could not grade is nobody's zero: it waits for the next run or a person."""
    one = Result("ada", "ada.zip", "d", 0, None, fault="the sandbox ended", ours=True)
    grade = grade_of(Class("C", "s", 12.0, {}, [one]), Policy(), ADA, one)
    assert (grade.standing, grade.raw, grade.final) == (Standing.PENDING, None, None)
    assert "fault of ours" in grade.reasons[0]


def test_a_result_that_is_no_longer_handed_in_says_so(samples):
    """It still counts, and whoever reads the grade is told."""
    report = samples.report(*(samples.passed(e) for e in samples.SOFTMAX.exercises))
    one = Result("ada", "ada.zip", "d", 0, report, gone=True, name="Ada", email="a@x.edu")
    room = Class("C", "s", 12.0, {}, [one])
    (grade,) = grades_of(room, Policy())
    assert grade.final == 12
    assert "no longer among the submissions" in grade.reasons[0]
    assert (grade.student.name, grade.student.email) == ("Ada", "a@x.edu")
