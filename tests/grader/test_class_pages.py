"""Pages of a class: a student's feedback, the class in numbers, and nothing in them that acts."""

from __future__ import annotations

import base64
import hashlib
import math
import re
from collections.abc import Sequence
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest
from click.testing import CliRunner
from scipy import stats

from grader.classroom.feedback import feedback, file_names
from grader.classroom.model import Class, Result, Student
from grader.classroom.overview import overview_page
from grader.classroom.statistics import LEAST, correlation, difference, overview
from grader.cli import cli
from grader.disclosure import StudentReport, for_student
from grader.model import Cause, Disclosure, Failure, Report, Score, Status
from grader.report.page import LONGEST
from grader.report.terminal import explanation, findings

HOSTILE_IDS = (
    "../../etc/passwd", "", ".", "..", "-rf", "con", "NUL.txt", "a/b", "a\\b", "a\x00b", "<script>", "\u202eevil",
    "\ud800", "x" * 3000, "Ada", "ada", "ada ", "björn", "bjorn", "ada-0123456789abcdef", "名前", "a\nb", "s\u0130",
    "s\u0131",
)  # fmt: skip
SAFE_NAME = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9_.@+-]*[A-Za-z0-9])?\.html")
VOID = {"meta", "br", "img", "rect"}


def everything(report: Report) -> StudentReport:
    """All that a student can be told."""
    return for_student(report, Disclosure.FULL)


class Checked(HTMLParser):
    """Reads a page: its tags, attributes and text; each tag is closed where it has to be."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.tags: set[str] = set()
        self.attributes: set[tuple[str, str]] = set()
        self.text = ""
        self.style = ""
        self.headings: list[int] = []
        self.feed(page)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag: str, attrs: Sequence[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        self.attributes |= {(name, value or "") for name, value in attrs}
        if re.fullmatch(r"h\d", tag):
            self.headings.append(int(tag[1]))
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: Sequence[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        self.attributes |= {(name, value or "") for name, value in attrs}

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        if "style" in self.open:
            self.style += data
        else:
            self.text += data


def inert(page: str) -> Checked:
    """Checks that a page holds no script, fetches nothing, and allows itself neither; what was read of it."""
    checked = Checked(page)
    assert not checked.tags & {
        "script",
        "iframe",
        "object",
        "embed",
        "link",
        "form",
        "base",
        "input",
    }
    names = {name for name, _ in checked.attributes}
    assert not [name for name in names if name.startswith("on") or name == "style"]
    for name, value in checked.attributes:
        if name == "src":
            assert value.startswith("data:image/svg+xml;base64,")
        if name == "href":
            assert re.fullmatch(r"index\.html|pair-\d{3}\.html", value)
    digest = base64.b64encode(hashlib.sha256(checked.style.encode()).digest()).decode()
    policy = next(value for name, value in checked.attributes if value.startswith("default-src"))
    assert policy.startswith(f"default-src 'none'; style-src 'sha256-{digest}'; img-src data:;")
    assert checked.headings[0] == 1
    assert all(b <= a + 1 for a, b in zip(checked.headings, checked.headings[1:], strict=False))
    assert "url(" not in checked.style
    assert "@import" not in checked.style
    seen = page.replace("\n", "").replace("\t", "")
    assert seen.isprintable() or not re.search(
        r"[\x00-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]", seen
    )
    page.encode("utf-8")
    return checked


def a_class(reports: Sequence[Report], **more: object) -> Class:
    """A class whose students are s00, s01, …, named Student 0, …"""
    roster = {f"s{i:02d}": Student(f"s{i:02d}", f"Student {i}") for i in range(len(reports))}
    results = tuple(
        Result(id, f"{id}.zip", f"digest {id}", 7, report)
        for id, report in zip(roster, reports, strict=True)
    )
    points = max(report.points for report in reports) if reports else 0.0
    return replace(Class("A course", "suite", points, roster, results), **more)  # type: ignore[arg-type]


# ---- names of files


def test_file_names_are_safe_and_differ() -> None:
    """Whatever the ids: no path, no device, no two names the same where case does not count."""
    names = file_names(HOSTILE_IDS)
    assert list(names) == list(HOSTILE_IDS)
    assert all(SAFE_NAME.fullmatch(name) and len(name) < 80 for name in names.values())
    assert len({name.casefold() for name in names.values()}) == len(HOSTILE_IDS)
    assert not {"con.html", "nul.txt.html", "Ada.html", "ada.html"} & set(names.values())


def test_a_plain_id_is_its_own_name() -> None:
    """Who has an ordinary id finds their file."""
    ids = ["ada", "S1234567", "ada@example.org", "grace_hopper-2"]
    assert file_names(ids) == {id: f"{id}.html" for id in ids}


def test_an_id_cannot_take_the_name_of_another() -> None:
    """An id that looks like a name made from another is not taken as it is."""
    made = file_names(["a b"])["a b"].removesuffix(".html")
    names = file_names(["a b", made])
    assert names["a b"] != names[made]


# ---- feedback


def test_feedback_tells_what_the_terminal_tells(samples: ModuleType) -> None:
    """Each explanation and each finding of a failing check is on the page, in the same words."""
    report = samples.every_status()
    ((name, page),) = feedback(a_class([report]), disclose=everything)
    text = " ".join(inert(page).text.split())
    assert name == "s00.html"
    for score in report.scores:
        assert score.exercise.name in text
        if score.status is Status.FAILED:
            for outcome in score.outcomes:
                if outcome.status is Status.FAILED:
                    why = explanation(outcome.failure)
                    assert why is None or why in text
                    for line in findings(report, outcome):
                        assert " ".join(line.split()) in text
    assert "withheld: a person decides" in text
    assert "not your fault" in text


def test_feedback_tells_the_cause_first(samples: ModuleType) -> None:
    """One cause of three failing checks is told once, before what each of them found."""
    ((_, page),) = feedback(a_class([samples.diagnosed()]), disclose=everything)
    function = page[page.index("softmax_vjp") : page.index("log_softmax")]
    assert function.count(samples.DIAGONAL.sentence) == 1
    assert function.index("why:") < function.index("<dd>")


@pytest.mark.parametrize("number", range(9))
def test_feedback_of_every_report_is_inert(samples: ModuleType, number: int) -> None:
    """Whatever a report holds, hostile text among it, nothing on the page acts."""
    report = samples.samples()[number]
    room = a_class([report])
    pages = list(feedback(room, disclose=everything))
    inert(pages[0][1])
    assert pages == list(feedback(room, disclose=everything))
    assert len(pages[0][1]) < 500_000


def test_feedback_shows_hostile_text_as_text() -> None:
    """Names, faults, lines and titles of others are escaped, shown with what is hidden in them, and cut."""
    evil = "<script>alert(1)</script>{{ 7*7 }}</style>\u202e\x00" + "y" * (10 * LONGEST)
    room = Class(
        evil, "suite", 1.0, {evil: Student(evil, evil, evil, evil)},
        (Result(evil, evil, evil, 0, None, evil),),
    )  # fmt: skip
    ((name, page),) = feedback(room, disclose=everything, lines={evil: [evil]})
    text = inert(page).text
    assert SAFE_NAME.fullmatch(name)
    assert "<script>alert(1)</script>{{ 7*7 }}</style>\\u202e\\x00" in text
    assert "more characters" in text
    assert len(page) < 10 * LONGEST


def test_feedback_for_all_who_are_in_the_class(samples: ModuleType) -> None:
    """Who handed nothing in, or what cannot be read, gets a page that says so; lines stand beneath the total."""
    room = a_class([samples.perfect()])
    roster = {**room.roster, "late": Student("late"), "zip": Student("zip")}
    results = (*room.results, Result("zip", "x.zip", "", 0, None, "x.zip: is damaged"))
    room = replace(room, roster=roster, results=(*results, Result("new", "", "", 0, None)))
    pages = dict(feedback(room, disclose=everything, lines={"s00": ["2 days late: −10 %"]}))
    assert list(pages) == ["s00.html", "zip.html", "new.html", "late.html"]
    assert "2 days late: −10 %" in inert(pages["s00.html"]).text
    assert "nothing was handed in" in inert(pages["late.html"]).text
    assert "x.zip: is damaged" in inert(pages["zip.html"]).text
    assert "could not be read" in inert(pages["new.html"]).text


def test_feedback_discloses_no_more_than_it_may(samples: ModuleType) -> None:
    """The page is made of what is disclosed; that the score is withheld shows either way."""
    room = a_class([samples.every_status()])

    def text(level: Disclosure) -> str:
        ((_, page),) = feedback(room, disclose=lambda report: for_student(report, level))
        return inert(page).text

    full, names, none = map(text, (Disclosure.FULL, Disclosure.NAMES, Disclosure.NONE))
    assert all("withheld: a person decides" in each for each in (full, names, none))
    assert "0.1275" in full
    assert "0.1275" not in names + none
    assert "Jacobian is taken" in names
    assert "Jacobian is taken" not in none


def test_feedback_names_questions_of_what_failed(samples: ModuleType) -> None:
    """Interview questions stand with the functions that have not passed, and only there."""
    questions = {"softmax_vjp": ["Why no Jacobian?"], "softmax": ["Why is it stable?"]}
    ((_, page),) = feedback(
        a_class([samples.diagnosed()]), disclose=everything, questions=questions
    )
    assert "Why no Jacobian?" in page
    assert "Why is it stable?" not in page


# ---- the class in numbers


def results_of(samples: ModuleType, rows: Sequence[Sequence[bool]]) -> list[Report]:
    """Reports of a course of functions worth two points each: a row a student, which of them pass."""
    exercises = [exercise for topic in samples.TOPICS for exercise in topic.exercises]
    return [
        samples.report(
            *(
                samples.passed(e) if passes else samples.missing(e)
                for e, passes in zip(exercises, row, strict=False)
            )
        )
        for row in rows
    ]


def test_totals_by_hand(samples: ModuleType) -> None:
    """0, 2, 4 and 6 of 6 points: mean and median 3, quartiles 1.5 and 4.5, deviation √(20/3)."""
    rows = [[i < n for i in range(3)] for n in range(4)]
    found = overview(a_class(results_of(samples, rows)))
    totals = found.totals
    assert totals is not None
    assert (totals.n, totals.mean, totals.median) == (4, 3, 3)
    assert (totals.lower, totals.upper, totals.least, totals.most) == (1.5, 4.5, 0, 6)
    assert totals.deviation == pytest.approx(math.sqrt(20 / 3), rel=1e-14)
    assert found.percents == pytest.approx([0, 100 / 3, 200 / 3, 100])
    assert [item.passed for item in found.items] == [0.25, 0.5, 0.75]
    assert found.items[0].name == "softmax_vjp"
    assert found.items[0].counts == {Status.PASSED: 1, Status.MISSING: 3}
    assert [item.correlation for item in found.items] == [None] * 3  # too few students


def test_what_we_could_not_decide_is_no_failure(samples: ModuleType) -> None:
    """Who passed is a share of those on whom there is a verdict."""
    exercise = samples.SOFTMAX.exercises[0]
    ours = samples.judged(
        exercise, Status.GRADER_ERROR, "the suite raised", values=Failure("raised")
    )
    rows = [samples.passed(exercise), samples.missing(exercise), ours, ours]
    (item,) = overview(a_class([samples.report(score) for score in rows])).items
    assert (item.asked, item.passed, item.counts[Status.GRADER_ERROR]) == (2, 0.5, 2)
    (item,) = overview(a_class([samples.report(ours)])).items
    assert (item.asked, item.passed) == (0, 0.0)


def test_correlation_is_the_point_biserial_one() -> None:
    """scipy computes the same, and NumPy's correlation of 0 and 1 with the points."""
    rng = np.random.default_rng(5)
    passed = (rng.random(60) < 0.4).astype(float)
    rest = rng.normal(size=60) + passed
    found = correlation(passed, rest)
    assert found == pytest.approx(stats.pointbiserialr(passed, rest).statistic, abs=1e-12)
    assert found == pytest.approx(np.corrcoef(passed, rest)[0, 1], abs=1e-12)


def test_correlation_leaves_out_the_functions_own_points(samples: ModuleType) -> None:
    """With other points that do not depend on it, a function does not correlate with itself."""
    rows = [[own, other] for own in (False, True) for other in (False, True)] * 6
    found = overview(a_class(results_of(samples, rows)))
    assert [item.correlation for item in found.items] == pytest.approx([0, 0], abs=1e-12)


def test_difference_by_hand() -> None:
    """20 students, 5 in each group: 4 of the best and 1 of the worst passed, so that D is 0.6."""
    passed = np.array([1, 0, 0, 0, 0, *[1] * 10, 1, 1, 0, 1, 1], float)
    assert difference(passed, np.arange(20.0)) == pytest.approx(0.6)
    shuffled = np.random.default_rng(1).permutation(20)
    assert difference(passed[shuffled], np.arange(20.0)[shuffled]) == pytest.approx(0.6)


def test_difference_with_ties_by_hand() -> None:
    """The best five are two with 9 points, who passed, and three places for four with 8, of whom two passed."""
    total = np.array([9, 9, 8, 8, 8, 8, *[5] * 9, *[1] * 5], float)
    passed = np.array([1, 1, 1, 1, 0, 0, *[0] * 14], float)
    for order in (np.arange(20), np.arange(20)[::-1]):
        assert difference(passed[order], total[order]) == pytest.approx((2 + 3 * 2 / 4) / 5)


@pytest.mark.parametrize("passed", [np.zeros(30), np.ones(30), np.ones(LEAST - 1)])
def test_no_discrimination_without_grounds(passed: np.ndarray) -> None:
    """None passed, all passed, too few students, or the same other points: no number."""
    assert correlation(passed, np.arange(float(len(passed)))) is None
    assert correlation(np.arange(30.0) % 2, np.full(30, 0.1)) is None
    assert difference(np.ones(LEAST - 1), np.arange(LEAST - 1.0)) is None


def test_mistakes_count_students_once(samples: ModuleType) -> None:
    """Who met a mistake in three checks met it once; a transform is no mistake of the bank."""
    report = samples.diagnosed()
    signed = samples.report(
        samples.judged(
            samples.SOFTMAX.exercises[0], Status.FAILED, "",
            values=Failure("wrong", None, Cause("transform", "sign", "the sign is flipped")),
        )
    )  # fmt: skip
    found = overview(a_class([report, signed, report]))
    (met,) = found.misconceptions
    assert met.exercise == "softmax_vjp"
    assert met.sentence == samples.DIAGONAL.sentence
    assert met.students == ("s00", "s02")


def test_who_is_not_counted(samples: ModuleType) -> None:
    """Who handed nothing in, what could not be read and what is withheld: listed, and in no number."""
    room = a_class([samples.perfect(), samples.every_status()])
    roster = {**room.roster, "gone": Student("gone", "Gone Away")}
    bad = Result("bad", "b.zip", "", 0, None, "b.zip: is damaged")
    found = overview(replace(room, roster=roster, results=(*room.results, bad)))
    assert found.n == 1
    assert found.absent == ("gone",)
    assert found.withheld == ("s01",)
    assert found.unreadable == (("bad", "b.zip: is damaged"),)


def test_slowest_checks_by_hand(samples: ModuleType) -> None:
    """Of 1, 2, …, 5 seconds the median is 3, and 90 % take no more than 4.6."""
    exercise = samples.SOFTMAX.exercises[0]
    reports = [
        samples.report(
            Score(exercise, Status.PASSED, 2.0, (replace(samples.outcome(exercise, "values"), seconds=float(s)),))
        )
        for s in (4, 1, 5, 3, 2)
    ]  # fmt: skip
    (slow,) = overview(a_class(reports)).slowest
    assert (slow.exercise, slow.check, slow.n, slow.median) == ("softmax", "values", 5, 3)
    assert slow.high == pytest.approx(4.6)


@pytest.fixture(scope="module")
def room(samples: ModuleType) -> Class:
    """A class with something of everything: 24 students in two sections and one who is alone in hers."""
    rng = np.random.default_rng(3)
    reports = results_of(samples, (rng.random((24, 9)) < rng.random((24, 1))).tolist())
    reports[3] = samples.diagnosed()
    reports[4] = samples.capstones()
    reports[5] = samples.every_status()
    made = a_class(reports)
    roster = {
        id: replace(student, section=("Mon <b>", "周二")[i % 2] if i else "Alone")
        for i, (id, student) in enumerate(made.roster.items())
    }
    roster["s99"] = Student("s99", "Nemo <i>Nobody</i>", section="Alone")
    bad = Result("s98", "s98.zip", "", 0, None, "s98.zip: is damaged")
    return replace(made, roster=roster, results=(*made.results, bad))


@pytest.fixture(scope="module")
def class_page(room: Class) -> str:
    """The page about it."""
    return overview_page(room)


def test_class_page(room: Class, class_page: str) -> None:
    """Each picture has words in its place, each number a table; markup in names is text."""
    checked = inert(class_page)
    alts = [value for name, value in checked.attributes if name == "alt"]
    assert len(alts) == 9
    assert all(len(alt) > 20 for alt in alts)
    for words in (
        "23 students counted", "Nemo <i>Nobody</i>", "Mon <b>", "周二", "s98.zip: is damaged", "Student 5",
        "Jacobian is taken for its diagonal", "point-biserial", "Capstones", "Slowest checks",
    ):  # fmt: skip
        assert words in checked.text


def test_anonymous_class_page_names_nobody(room: Class) -> None:
    """No name, no id, no file of a student, and no section that is one student's."""
    checked = inert(overview_page(room, anonymous=True))
    told = checked.text + " ".join(value for name, value in checked.attributes if name != "src")
    for words in ("Student", "Nemo", "s98", "s99", "Alone", "Mon", "周二"):
        assert words not in told
    assert not re.search(r"\bs\d\d\b", told)


@pytest.mark.parametrize("n", [0, 1])
def test_class_page_of_hardly_anyone(samples: ModuleType, n: int) -> None:
    """An empty class and one student have a page too, with the same bytes each time."""
    page = overview_page(a_class([samples.diagnosed()] * n))
    assert f"{n} student" in inert(page).text
    assert page == overview_page(a_class([samples.diagnosed()] * n))


# ---- the commands


@pytest.fixture
def ledger(samples: ModuleType, monkeypatch: pytest.MonkeyPatch) -> None:
    """Results of one student, whatever path is given; all is disclosed."""
    room = a_class([samples.report(samples.passed(samples.SOFTMAX.exercises[0]))])
    monkeypatch.setattr("grader.classroom.ledger.open_class", lambda path: room)


@pytest.mark.usefixtures("ledger")
def test_commands_write_pages(tmp_path: Path, toy: object) -> None:
    """`class feedback` writes a file for each student, `class report` one."""
    course = str(toy.root)  # type: ignore[attr-defined]
    runner = CliRunner()
    done = runner.invoke(
        cli,
        ["class", "feedback", str(tmp_path), "--out", str(tmp_path / "out"), "--course", course],
    )
    assert done.exit_code == 0, done.output
    assert len(list((tmp_path / "out").glob("*.html"))) == 1
    inert((tmp_path / "out" / "s00.html").read_text(encoding="utf-8"))
    done = runner.invoke(
        cli, ["class", "report", str(tmp_path), "-o", str(tmp_path / "class.html")]
    )
    assert done.exit_code == 0, done.output
    assert "1 student counted" in (tmp_path / "class.html").read_text(encoding="utf-8")


@pytest.mark.parametrize("name", ["feedback", "report", "similar"])
def test_help_fits(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each command's help shows how it is used, in 80 columns."""
    monkeypatch.setenv("COLUMNS", "80")
    done = CliRunner().invoke(cli, ["class", name, "--help"], terminal_width=80)
    assert done.exit_code == 0
    assert "Examples:" in done.output
    assert max(map(len, done.output.splitlines())) <= 80
