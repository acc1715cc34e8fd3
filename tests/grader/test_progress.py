"""How far a learner is: counted, printed and drawn."""

from __future__ import annotations

import io
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta, timezone
from pathlib import Path

import click
import pytest
from rich.console import Console

from grader.catalog import load_course
from grader.content import Content
from grader.figures import render
from grader.figures.progress import draw_progress
from grader.journal import Journal
from grader.model import Exercise, Progress
from grader.progress import progress
from grader.report.standing import print_progress

Run = Callable[..., str]
START = datetime(2026, 5, 1, 23, 30, tzinfo=UTC)
DAY = timedelta(days=1)


def known(exercise: Exercise, name: str) -> str | None:
    """Sentences of all mistakes but one."""
    return None if name.endswith("gone") else f"what {name} is"


@pytest.fixture
def found(toy: Content, tmp_path: Path) -> Progress:
    """One function solved on the second day, the other given up; what is not in the course is passed over."""
    journal = Journal(tmp_path)
    first, second = "scaled_square_grad", "row_means"
    met = [f"{first}__a", f"{first}__b", f"{first}__gone"]
    journal.append("checked", first, START, status="failed", mistakes=met)
    journal.append("hint", first, START + DAY, rung=2)
    journal.append("checked", first, START + DAY, status="failed", mistakes=met[1:])
    journal.append("checked", first, START + DAY, status="passed", mistakes=[])
    journal.append("solution", second, START + 3 * DAY)
    journal.append("checked", second, START + 3 * DAY, status="passed", mistakes=[])
    journal.append("checked", "elsewhere", START + 9 * DAY, status="passed", mistakes=[])
    return progress(load_course(toy), journal.entries(), known, UTC)


def test_what_is_counted(found: Progress) -> None:
    """Stages, attempts, hints, days, and mistakes by how often they were met."""
    (toy,) = found.topics
    assert (toy.solved, toy.gave_up, toy.total, toy.attempts, toy.hints) == (1, 1, 2, 4, 2)
    assert (found.solved, found.total) == (1, 2)
    assert found.days == (date(2026, 5, 1), date(2026, 5, 2), date(2026, 5, 4))
    assert found.solved_on == (date(2026, 5, 2),)
    counts = [(m.name, m.count, m.sentence) for m in found.mistakes]
    name = "scaled_square_grad__"
    assert counts == [
        (f"{name}b", 2, f"what {name}b is"),
        (f"{name}a", 1, f"what {name}a is"),
    ]


def test_days_are_those_of_the_learner(toy: Content, tmp_path: Path) -> None:
    """Half an hour before midnight UTC is the next day east of it."""
    journal = Journal(tmp_path)
    journal.append("hint", "row_means", START, rung=1)
    east = timezone(timedelta(hours=2))
    assert progress(load_course(toy), journal.entries(), known, east).days == (date(2026, 5, 2),)


@pytest.mark.parametrize(("width", "encoding"), [(80, "utf-8"), (60, "utf-8"), (80, "ascii")])
def test_screen(found: Progress, width: int, encoding: str) -> None:
    """Numbers, a bar and the mistakes, in the console's width and characters."""
    file = io.TextIOWrapper(io.BytesIO(), encoding)
    print_progress(Console(file=file, width=width, highlight=False), found)
    file.seek(0)
    text = file.read()
    assert max(map(len, text.splitlines())) <= width
    assert text.startswith("1 of 2 functions solved\n")
    assert "3 days active, 1 May 2026 to 4 May 2026" in text
    assert "1/2" in text
    assert "what scaled_square_grad__b is" in text


def test_figure(found: Progress) -> None:
    """The same bytes each time, labelled axes, every topic and mistake named, nothing outside of the picture."""
    figure = draw_progress(found)
    assert render(figure, "png") == render(draw_progress(found), "png")
    axes = [ax for part in figure.subfigs for ax in part.axes]
    assert [ax.get_title() for ax in axes] == ["By topic", "Over time", "Mistakes met most"]
    assert all(ax.get_xlabel() for ax in axes)
    labels = [label.get_text() for ax in axes for label in ax.get_yticklabels()]
    assert "toy" in labels
    assert any("what scaled_square_grad__b is" in " ".join(each.split()) for each in labels)
    box = figure.get_tightbbox()
    assert box.x0 >= -0.02
    assert box.x1 <= figure.get_figwidth() + 0.02


def test_command(at_work: Run) -> None:
    """Nothing done is one friendly line; then the screen with the bank's sentence, and a figure."""
    assert at_work("progress") == (
        "nothing has been checked here yet; `grader next` says where to begin\n"
    )
    name = "scaled_square_grad__no_two"
    Journal(Path()).append("checked", "scaled_square_grad", status="failed", mistakes=[name])
    assert "the factor 2 of the power rule is missing" in at_work("progress")
    assert "mine.svg" in at_work("progress", "--figure", "mine.svg")
    assert Path("mine.svg").read_bytes().startswith(b"<?xml")
    with pytest.raises(click.BadParameter, match=r"\.png, \.svg, \.pdf"):
        at_work("progress", "--figure", "mine.jpg")
