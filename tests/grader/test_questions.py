"""Interview questions: read, chosen, found by words, listed and shown."""

from __future__ import annotations

import io
import re
from collections.abc import Callable
from pathlib import Path

import click
import pytest
from rich.console import Console

from grader.catalog import load_course
from grader.cli import ask_command, run
from grader.content import Content
from grader.errors import ContentError
from grader.mock import questions as for_round
from grader.questions import (
    Level,
    Question,
    asked_about,
    chosen,
    context,
    load_questions,
    matching,
    nearest,
    read_questions,
)
from grader.report.questions import (
    print_found,
    print_list,
    print_question,
    print_sources,
    print_step,
    steps,
)

Run = Callable[..., str]


@pytest.fixture
def bank(own_toy: Content, toy_bank: Path) -> list[Question]:
    return load_questions(own_toy, load_course(own_toy))


def ids(questions: list[Question]) -> list[str]:
    return [one.id for one in questions]


# ---- reading and choosing


def test_a_question_is_read_whole(bank: list[Question]) -> None:
    """Front matter, sections, follow-ups, rubric, traps, checks."""
    one = next(each for each in bank if each.id == "toy-gradient")
    assert (one.level, one.minutes, one.tags) == (Level.SCREEN, 4, ("toy", "power"))
    assert one.title == "Why $2cx$?"
    assert one.followups[0].question == "What if $c < 0$?"
    assert one.rubric["Strong"] == ("Says what happens where $c < 0$ & why.",)
    assert [check.name for check in one.checks] == ["power"]


def test_order_is_of_topics_and_levels(bank: list[Question]) -> None:
    """Screens before onsites."""
    assert ids(bank) == ["toy-gradient", "toy-means", "toy-curvature"]


def test_load_says_how_much_is_wrong(own_toy: Content, toy_bank: Path) -> None:
    """The first problem, and how many more."""
    for name in "ab":
        (toy_bank / "toy" / f"{name}.md").write_text("# A\n")
    with pytest.raises(ContentError, match=r"a\.md: line 1: .*and 1 more"):
        load_questions(own_toy, load_course(own_toy))


def test_chosen(bank: list[Question]) -> None:
    """By topic, tags, level, exercise, and all at once."""
    assert ids(chosen(bank)) == ids(bank)
    assert ids(chosen(bank, topics=["other"])) == []
    assert ids(chosen(bank, tags=["toy", "average"])) == ["toy-means"]
    assert ids(chosen(bank, level=Level.ONSITE)) == ["toy-curvature"]
    assert ids(chosen(bank, exercise="row_means")) == ids(asked_about(bank, "row_means"))
    assert ids(chosen(bank, level=Level.SCREEN, exercise="row_means")) == ["toy-means"]


def test_matching_puts_titles_first(bank: list[Question]) -> None:
    """All the words have to occur, in any case; the title counts most."""
    assert ids(matching(bank, ["MEAN"])) == ["toy-means"]
    assert ids(matching(bank, ["curvature"])) == ["toy-curvature"]
    assert ids(matching(bank, ["power", "direction"])) == ["toy-curvature"]
    assert matching(bank, ["power", "nowhere"]) == []


@pytest.mark.parametrize(
    ("name", "near"),
    [
        ("toy-gradien", "toy-gradient"), ("gradient", "toy-gradient"), ("MEANS", "toy-means"),
        ("curvature", "toy-curvature"),
    ],
)  # fmt: skip
def test_nearest(bank: list[Question], name: str, near: str) -> None:
    """A slip, a part of the id, a word."""
    assert nearest(bank, name)[0] == near


def test_nearest_of_nothing(bank: list[Question]) -> None:
    """Nothing near is nothing."""
    assert nearest(bank, "%%") == nearest(bank, "") == []


def test_context_is_the_sentence_with_most_of_the_words(bank: list[Question]) -> None:
    """Or the question itself."""
    one = bank[0]
    assert context(one, ["descent"]).endswith("and descent diverges.")
    assert context(one, ["zebra"]) == r"Take $f(x) = c \sum_i x_i^2$."


def test_questions_of_a_round(own_toy: Content, bank: list[Question]) -> None:
    """One for each function before a second for any, at most as many as asked for, the same each time."""
    course = load_course(own_toy)
    names = ["scaled_square_grad", "row_means"]
    two = for_round(own_toy, course, names, 2, 1)
    assert {name for one in two for name in one.exercises} == set(names)
    assert ids(two) == ids(for_round(own_toy, course, names, 2, 1))
    assert len(for_round(own_toy, course, names, 9, 1)) == 3
    assert ids(for_round(own_toy, course, ["row_means"], 2, 1)) == ["toy-means"]
    drawn = {ids(for_round(own_toy, course, names[:1], 1, seed))[0] for seed in range(9)}
    assert drawn == {"toy-gradient", "toy-curvature"}


# ---- the terminal


def drawn(draw: Callable[[Console], None], width: int = 80, encoding: str = "utf-8") -> str:
    raw = io.BytesIO()
    stream = io.TextIOWrapper(raw, encoding=encoding, newline="\n")
    draw(Console(file=stream, width=width, highlight=False, color_system=None))
    stream.flush()
    return raw.getvalue().decode(encoding)


@pytest.mark.parametrize("width", [40, 60, 80, 100])
@pytest.mark.parametrize("encoding", ["utf-8", "ascii"])
def test_whole_question_fits(bank: list[Question], width: int, encoding: str) -> None:
    """No line is longer than the terminal, no Markdown link is left, nothing is a replacement sign."""

    def draw(console: Console) -> None:
        print_question(console, bank[0])
        for step in steps(bank[0]):
            print_step(console, step)
        print_sources(console, bank[0], {"cauchy1847": "Cauchy (1847)."})

    text = drawn(draw, width, encoding)
    lines = text.splitlines()
    assert max(len(line) for line in lines if "grader show" not in line) <= width
    assert "](" not in text
    assert "#power" not in text
    assert "Cauchy (1847)" in text
    assert "practise: grader show scaled_square_grad" in text


def test_steps_are_in_order(bank: list[Question]) -> None:
    """Answers behind their questions; graded, the rubric comes last and names the grades."""
    names = [step.name for step in steps(bank[0])]
    assert names == [
        "the answer in thirty seconds", "the full answer", "follow-up 1 of 1", "its answer", "the rubric", "the traps",
    ]  # fmt: skip
    traps, rubric = steps(bank[0], graded=True)[-2:]
    assert traps.text.startswith("## Traps")
    assert rubric.text.index("Weak (1)") < rubric.text.index("Strong (4)")


def test_list_at_any_width(bank: list[Question]) -> None:
    """A line for each question, titles where there is room for them."""
    for width in (40, 80, 100):
        text = drawn(lambda console: print_list(console, bank), width)
        assert len(text.splitlines()) == 2 + len(bank)
        assert max(map(len, text.splitlines())) <= width
        assert ("What is a mean?" in text) == (width >= 80)


def test_found_shows_the_words(bank: list[Question]) -> None:
    """A line of context around the word, cut at both ends if need be."""
    sentence = "one " * 30 + "Needle " + "two " * 30
    for width in (60, 80):
        text = drawn(lambda c: print_found(c, [(bank[0], sentence)], ["needle"], 3), width)
        head, line, more = text.splitlines()
        assert head.startswith("toy-gradient  Why")
        assert "Needle" in line
        assert len(line) <= width
        assert more == "and 2 more"


# ---- the commands


def test_questions_command(at_work: Run, toy_bank: Path) -> None:
    """Lists, chooses, and says where nothing fits."""
    assert [line.split()[0] for line in at_work("questions").splitlines()[2:]] == [
        "toy-gradient", "toy-means", "toy-curvature",
    ]  # fmt: skip
    assert "toy-means" not in at_work("questions", "toy", "--difficulty", "onsite")
    assert "toy-curvature" not in at_work("questions", "--exercise", "row_means")
    assert "no question" in at_work("questions", "--tag", "average", "--difficulty", "research")
    assert at_work("questions", "--due") == "nothing is due\n"
    for words, match in (
        (["tox"], "did you mean 'toy'"),
        (["--tag", "averag"], "no question has the tag 'averag'; did you mean 'average'"),
        (["--check", "--due"], "whole topics"),
    ):
        with pytest.raises(click.UsageError, match=match):
            at_work("questions", *words)


def test_check_command(
    at_work: Run, toy_bank: Path, own_toy: Content, capsys: pytest.CaptureFixture[str]
) -> None:
    """Exit code 0 and the counts; 1, and a line for each complaint, where something is wrong."""
    assert run(["questions", "--check"]) == 0
    text = capsys.readouterr().out
    assert "3 questions, 12 claims: 75% run, 25% sourced, 0% opinions" in text
    assert "nothing is wrong" in text
    file = toy_bank / "toy" / "means.md"
    file.write_text(file.read_text(encoding="utf-8").replace("the rule", "the 17 rules", 1))
    file.write_text(file.read_text(encoding="utf-8").replace("Names the rule", "Names 17 rules", 1))
    assert run(["questions", "--check", "toy"]) == 1
    text = capsys.readouterr().out
    line = file.read_text().splitlines().index("- Names the 17 rules.") + 1
    assert f"{file}:{line}: '17': nothing stands behind it" in text
    assert "1 thing is wrong" in text


def test_ask_command(at_work: Run, toy_bank: Path) -> None:
    """All at once where there is no terminal; its checks, run; an id nobody has."""
    text = at_work("ask", "toy-gradient")
    assert text == at_work("ask", "toy-gradient", "--all")
    for words in ("the gradient points inwards", "Strong", "Forgetting", "Méthode"):
        assert words in " ".join(text.split())
    assert text.endswith("practise: grader show scaled_square_grad\n")
    checks = at_work("ask", "toy-gradient", "--checks")
    assert ">>> h = 1e-6" in checks
    assert "runs, and gives this" in checks
    assert "3 lines of code ran" in checks
    with pytest.raises(click.UsageError, match="did you mean toy-gradient"):
        at_work("ask", "gradient")
    with pytest.raises(click.UsageError, match="grader questions` lists them"):
        at_work("ask", "zzz")


def test_a_check_that_fails_is_shown(
    at_work: Run, toy_bank: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """With its line and what it gave; exit code 1."""
    file = toy_bank / "toy" / "means.md"
    file.write_text(file.read_text(encoding="utf-8").replace("\n8\n", "\n9\n"), encoding="utf-8")
    assert run(["ask", "toy-means", "--checks"]) == 1
    assert re.search(r"line \d+: round\(.* gives 8, not 9", capsys.readouterr().out)
    assert ask_command.command.name == "ask"


def test_show_ends_with_questions(at_work: Run, toy_bank: Path) -> None:
    """Those about the exercise, and none below a topic's statement."""
    text = at_work("show", "scaled_square_grad")
    assert text.endswith(
        "asked about: grader ask toy-gradient\n             grader ask toy-curvature\n"
    )
    assert "asked about" not in at_work("show", "toy")
    assert "asked about" not in at_work("show", "row_means", "--raw")


def test_search_command(at_work: Run, toy_bank: Path) -> None:
    """The best first, with a line of context; words, or one argument of words."""
    text = at_work("search", "power", "direction")
    assert text == at_work("search", "power direction")
    assert text.splitlines()[0].startswith("toy-curvature")
    assert "and 2 more" in at_work("search", "toy", "--limit", "1")
    assert "no question has this word" in at_work("search", "zebra")
    assert "fewer may find more" in at_work("search", "zebra", "power")


def test_files_that_cannot_be_read_leave_the_others(
    at_work: Run, toy_bank: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """They are listed, with a word on standard error about the rest."""
    (toy_bank / "toy" / "a.md").write_text("# A\n")
    assert run(["questions"]) == 0
    told = capsys.readouterr()
    assert "toy-means" in told.out
    assert "1 file cannot be read and is left out" in told.err


def test_a_course_without_questions(at_work: Run, own_toy: Content) -> None:
    """Nothing breaks."""
    assert "no question is like this" in at_work("questions")
    assert "no question" in at_work("search", "toy")
    assert "no question is like this" in at_work("study")
    assert "0 questions, 0 claims" in at_work("questions", "--check")
    assert read_questions(own_toy, load_course(own_toy)) == ([], [])
