"""Solved exercises come back: when, on the word of the journal alone, and how they are solved afresh."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta, timezone
from pathlib import Path

import click
import pytest

from grader.catalog import load_course
from grader.cli import review_command
from grader.content import Content
from grader.errors import WorkspaceError
from grader.journal import Journal
from grader.progress import progress
from grader.review import due, memories
from grader.scratch import called_by_solutions, scratch_text

Run = Callable[..., str]
START = datetime(2026, 5, 1, 12, 0, tzinfo=UTC)
DAY = timedelta(days=1)
GRAD = "def scaled_square_grad(x, c):\n    return 2 * c * x\n"


def interval(root: Path, now: datetime = START + 900 * DAY) -> int:
    """Days until f comes back, from when it was last solved or given up."""
    one = memories(Journal(root).entries(), now)["f"]
    return (one.card.due - one.last).days


def write(root: Path, *events: tuple[int, str, dict[str, object]]) -> None:
    for day, event, details in events:
        Journal(root).append(event, "f", START + day * DAY, **details)


PASS = ("checked", {"status": "passed", "mistakes": []})
FAIL = ("checked", {"status": "failed", "mistakes": []})
HINT = ("hint", {"rung": 1})
AGAIN = ("reviewed", {"outcome": "passed"})
MISSED = ("reviewed", {"outcome": "failed"})
GAVE_UP = ("reviewed", {"outcome": "gave-up"})


def test_the_harder_it_was_the_sooner_it_comes_back(tmp_path: Path) -> None:
    """At the first attempt, after a failure or with a hint, given up."""
    days = []
    for number, events in enumerate(
        ([PASS], [FAIL, PASS], [HINT, PASS], [("solution", {})], [("solution", {}), PASS])
    ):
        root = tmp_path / str(number)
        root.mkdir()
        write(root, *((0, *event) for event in events))
        days.append(interval(root))
    easy, *hard, gave_up, copied = days
    assert easy > hard[0] == hard[1] >= gave_up == copied == 1


def test_reviews_renew_the_memory(tmp_path: Path) -> None:
    """A good one lengthens the interval, one after failures less so, giving up shortens it to a day or two."""
    write(tmp_path, (0, *PASS))
    first = interval(tmp_path)
    write(tmp_path, (first, *AGAIN))
    second = interval(tmp_path)
    assert second > first
    smooth, rough, lost = (tmp_path / name for name in ("smooth", "rough", "lost"))
    for root, events in ((smooth, [AGAIN]), (rough, [MISSED, AGAIN]), (lost, [MISSED, GAVE_UP])):
        root.mkdir()
        write(root, (0, *PASS), (first, *AGAIN))
        write(root, *((first + second, *event) for event in events))
    assert interval(smooth) > interval(rough) > second > interval(lost)


def test_the_first_pass_counts_and_later_checks_do_not(tmp_path: Path) -> None:
    """The solved function is in the file: checking it again is no review. A failed review alone changes no day."""
    write(tmp_path, (0, *PASS))
    before = memories(Journal(tmp_path).entries(), START + 30 * DAY)["f"]
    write(tmp_path, (20, *PASS), (21, *FAIL), (22, *MISSED))
    after = memories(Journal(tmp_path).entries(), START + 30 * DAY)["f"]
    assert after.card.due == before.card.due
    assert (before.tries, after.tries) == (0, 1)


def test_same_journal_same_days(tmp_path: Path) -> None:
    """Nothing is drawn by lot, whenever it is asked."""
    write(tmp_path, (0, *FAIL), (0, *PASS), (3, *AGAIN), (9, *AGAIN), (40, *MISSED), (41, *AGAIN))
    known = [memories(Journal(tmp_path).entries(), START + n * DAY)["f"].card for n in (50, 500)]
    assert known[0] == known[1]


def test_a_clock_that_was_wrong_does_no_harm(tmp_path: Path) -> None:
    """What stands in the journal as later than now was done now; another zone's time is the same moment."""
    Journal(tmp_path).append("checked", "f", datetime(8999, 12, 31, tzinfo=UTC), status="passed")
    assert memories(Journal(tmp_path).entries(), START)["f"].last == START
    east = START.astimezone(timezone(timedelta(hours=9)))
    assert memories(Journal(tmp_path).entries(), east)["f"].last == START


def test_due_is_by_the_learners_day(tmp_path: Path) -> None:
    """From the morning of the day on, the longest overdue first."""
    journal = Journal(tmp_path)
    for number, name in enumerate("abc"):
        journal.append("solution", name, START + number * DAY)
    evening = START + timedelta(hours=5)
    known = memories(journal.entries(), evening + 2 * DAY).values()
    assert [one.exercise for one in due(known, START + 2 * DAY - timedelta(hours=11), UTC)] == [
        "a", "b",
    ]  # fmt: skip
    assert next(iter(known)).due(UTC) == date(2026, 5, 2)
    assert 0.5 < next(iter(known)).recall(START + 2 * DAY) < 1


# ---- the file to write in

MINE = '''"""Mine."""

from __future__ import annotations

import math
import numpy as np

SCALE = 2.0


def _double(x):
    return SCALE * x


def _answer(x):
    """Used by the mean alone."""
    return math.fsum(x) / len(x)


def scaled_square_grad(x, c):
    return _double(c * x)


def row_means(x):
    return np.array([_answer(row) for row in x])
'''


def test_a_scratch_file_holds_what_may_be_called_and_no_answer(toy: Content) -> None:
    """The given functions with their helpers and constants; not the helper of the answer."""
    topic = load_course(toy).topic("toy")
    text = scratch_text(
        toy, topic, ["row_means"], MINE, "toy/toy.py", ["scaled_square_grad"], "Title."
    )
    compile(text, "toy.py", "exec")
    assert text.startswith(
        '"""Title."""\n\nfrom __future__ import annotations\nimport numpy as np\n'
    )
    for needed in ("import math", "SCALE = 2.0", "def _double", "return _double(c * x)"):
        assert needed in text
    assert "_answer" not in text
    assert text.endswith("def row_means(x):\n" + text.partition("def row_means(x):\n")[2])
    assert text.count("raise NotImplementedError()") == 1
    alone = scratch_text(toy, topic, ["row_means"], "", "toy/toy.py", ["scaled_square_grad"], "T.")
    assert "scaled_square_grad" not in alone
    with pytest.raises(WorkspaceError, match=r"toy\.py, line 1: is not Python"):
        scratch_text(toy, topic, ["row_means"], "(", "toy/toy.py", [], "T.")


def test_what_a_solution_calls(own_toy: Content) -> None:
    """At once, or by way of another function."""
    source = own_toy.source("toy")
    source.write_text(
        source.read_text().replace("return 2.0", "row_means(x[None])\n    return 2.0")
    )
    topic = load_course(own_toy).topic("toy")
    assert called_by_solutions(own_toy, topic, ["scaled_square_grad"]) == {"row_means"}
    assert called_by_solutions(own_toy, topic, ["row_means"]) == set()


# ---- the command


@pytest.fixture
def on_day(monkeypatch: pytest.MonkeyPatch) -> Callable[[int], None]:
    """Sets the clock that the command goes by."""

    def on_day(n: int) -> None:
        monkeypatch.setattr(review_command, "now", lambda: START + n * DAY)

    on_day(0)
    return on_day


def solve() -> Journal:
    """A workspace where the first function was solved on day 0."""
    file = Path("toy/toy.py")
    file.write_text(
        file.read_text().replace("    raise NotImplementedError()", "    return 2 * c * x", 1)
    )
    journal = Journal(Path())
    journal.append("checked", "scaled_square_grad", START, status="passed", mistakes=[])
    return journal


def test_nothing_to_review(at_work: Run, on_day: Callable[[int], None]) -> None:
    """A line before anything is solved, and one before it is due."""
    assert "nothing to review yet" in at_work("review")
    solve()
    assert at_work("review") == "nothing is due; scaled_square_grad comes back in 8 days\n"
    assert not Path("review").exists()


def test_a_review(at_work: Run, on_day: Callable[[int], None]) -> None:
    """A stub beside the solved one, a failed check, a pass, and the next day it comes back."""
    journal = solve()
    solved = Path("toy/toy.py").read_text()
    on_day(10)
    text = at_work("review")
    assert "1 function is due" in text
    assert "2 days ago" in text
    file = Path("review/scaled_square_grad.py")
    assert "raise NotImplementedError()" in file.read_text()
    assert "still a stub" in at_work("review", "--check")
    assert not [e for e in journal.entries() if e.event == "reviewed"]
    file.write_text("def scaled_square_grad(x, c):\n    return c * x\n")
    assert "is begun already" in at_work("review")
    assert "return c * x" in file.read_text()
    text = at_work("review", "--check")
    assert "power rule" in text
    assert "not yet" in text
    assert "next:" not in text
    file.write_text(GRAD)
    on_day(11)
    assert "scaled_square_grad passes; it comes back on 12 Jun" in at_work("review", "--check")
    assert not file.exists()
    assert any(kept.read_text() == GRAD for kept in Path(".grader/backups").iterdir())
    assert Path("toy/toy.py").read_text() == solved
    outcomes = [(e.at, e.details["outcome"]) for e in journal.entries() if e.event == "reviewed"]
    assert outcomes == [(START + 10 * DAY, "failed"), (START + 11 * DAY, "passed")]
    assert journal.standings()["scaled_square_grad"].attempts == 1
    assert "nothing is due" in at_work("review")


def test_giving_a_review_up(at_work: Run, on_day: Callable[[int], None], own_toy: Content) -> None:
    """The solution, tomorrow again, and what was written is kept."""
    journal = solve()
    on_day(10)
    at_work("review", "scaled_square_grad")
    text = at_work("review", "--give-up")
    assert "return 2.0 * c * np.asarray(x)" in text
    assert "comes back tomorrow" in text
    assert not list(Path("review").iterdir())
    assert (
        memories(journal.entries(), START + 10 * DAY)["scaled_square_grad"].last == START + 10 * DAY
    )
    found = progress(load_course(own_toy), journal.entries(), lambda *_: None)
    assert (found.topics[0].solved, found.topics[0].gave_up) == (1, 0)


@pytest.mark.parametrize(
    ("args", "words"),
    [
        (["--check"], "no review is begun"),
        (["--check", "--give-up"], "one of them"),
        (["row_means"], "has not been solved yet"),
        (["--give-up", "row_means"], "grader solution row_means --give-up"),
        (["--check", "scaled_square_grad"], "`grader review scaled_square_grad` makes it"),
        (["row_maens"], "did you mean 'row_means'"),
    ],
)
def test_what_cannot_be_done(
    at_work: Run, on_day: Callable[[int], None], args: list[str], words: str
) -> None:
    """Says what to do instead, and notes nothing."""
    solve()
    with pytest.raises(click.UsageError, match=words):
        at_work("review", *args)
    assert len(list(Journal(Path()).entries())) == 1


def test_a_review_that_is_no_python(at_work: Run, on_day: Callable[[int], None]) -> None:
    """It is told by the report, as a failed attempt, and the file stays."""
    journal = solve()
    on_day(10)
    at_work("review")
    Path("review/scaled_square_grad.py").write_text("def (\n")
    assert "SyntaxError" in at_work("review", "--check")
    assert Path("review/scaled_square_grad.py").is_file()
    assert memories(journal.entries(), START + 10 * DAY)["scaled_square_grad"].tries == 1
