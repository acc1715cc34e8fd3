"""What an answer may claim: numbers behind which a check, a source or nothing stands; checks that run or do not."""

from __future__ import annotations

from pathlib import Path

import pytest

from grader.audit import anchors, audit
from grader.catalog import load_course
from grader.claims import Claim, claims, links, run_checks
from grader.content import Content
from grader.questions import Question, read_questions

CODE = """>>> 22.6, 0.02, 1e-16, 10_000, 64, -5, 1 / 3, 2.5e8, 0.125
(22.6, 0.02, 1e-16, 10000, 64, -5, 0.3333333333333333, 250000000.0, 0.125)"""


def question(content: Content, short: str, code: str = CODE) -> Question:
    """A question whose answer in thirty seconds is this, and whose check has this code."""
    text = (content.interview_questions / "template").read_text(encoding="utf-8")
    head, _, _ = text.replace("The power rule, term by term.", short).partition("## Checks")
    head = head.replace("[8 at $x = 4$](#power)", "[that](#power)")
    file = content.interview_questions / "toy" / "q.md"
    file.write_text(f"{head}## Checks\n\n### power\n\n```python\n{code}\n```\n", encoding="utf-8")
    found, problems = read_questions(content, load_course(content))
    assert [str(p) for p in problems if p.file == str(file)] == []
    return next(one for one in found if one.file == file)


@pytest.fixture
def bank(own_toy: Content, toy_bank: Path) -> Content:
    """A bank without a question, with the text of one."""
    text = (toy_bank / "toy" / "means.md").read_text(encoding="utf-8")
    (toy_bank / "template").write_text(text, encoding="utf-8")
    for file in (toy_bank / "toy").iterdir():
        file.unlink()
    return own_toy


def wrong(content: Content, short: str) -> list[tuple[str, str]]:
    return [(c.text, c.problem) for c in claims(question(content, short)) if c.problem]


@pytest.mark.parametrize(
    "text",
    [
        "nothing is claimed",
        "the factors 0, 1, 2 and 3 belong to formulas: $x^2 + 3x_{1}$",
        "a score is [22.6](#power)",
        "a score is [22.6 for 64 keys](#power)",
        "a share of [2%](#power)",
        "a share of [2 %](#power)",
        r"a share of [$2\%$](#power)",
        "as small as [$10^{-16}$](#power)",
        "as small as [10⁻¹⁶](#power)",
        "as large as [10,000](#power)",
        "as large as [$10{,}000$](#power)",
        "as large as [$10^4$](#power)",
        r"as large as [$2.5 \times 10^8$](#power)",
        "as large as [2.5 · 10^8](#power)",
        "below nothing, at [−5](#power)",
        "below nothing, at [$-5$](#power)",
        "from [1/64 on](#power)",
        "an eighth: [0.125](#power), [12.5%](#power)",
        "[a proof's step](#power)",
        "[Cauchy (1847, §4.2)](../sources.md#cauchy1847)",
        "`range(17)` is code",
        "names hold digits: `float64`, conv2d, float32, x_12",
        "*Opinion:* seventeen is better than 18.",
        "first.\n\n*Opinion:* 18 is better.",
        "in a list:\n\n- *Opinion:* 18 is better.",
        "brackets in formulas are no links: $E[q](x)$ and $p[k](t)$",
        "[with a formula $f(x) = [22.6]$ in it](#power)",
    ],
)
def test_accepted(bank: Content, text: str) -> None:
    """What is computed or looked up, what belongs to formulas, code and opinions."""
    assert wrong(bank, text) == []


@pytest.mark.parametrize(
    ("text", "number"),
    [
        ("a score is 22.6", "22.6"),
        ("in a formula: $d = 512$", "512"),
        ("$$d = 512$$", "512"),
        ("a share of 2%", "2%"),
        ("4 heads", "4"),
        ("2.5 steps", "2.5"),
        ("1.0 is written with its digits", "1.0"),
        ("as small as $10^{-7}$", "10^{-7}"),
        ("as small as 10⁻⁷", "10^{-7}"),
        ("in the year 1847", "1847"),
        ("a score is [22.7](#power)", "22.7"),
        ("a score is [22.6 for 65 keys](#power)", "65"),
        ("a share of [4%](#power)", "4%"),
        ("its sign is told by the words, its size is not: [-6](#power)", "6"),
        ("[12](https://example.org)", "12"),
        ("[the proof](#nowhere)", "the proof"),
        ("[Newton](../sources.md#newton1687)", "Newton"),
        ("it is said *Opinion:* that 18 is better", "18"),
        ("*Opinion:* mine.\n\nBut 18 is no opinion.", "18"),
        ("- a point\n- 18 is in another", "18"),
        ("| a | table |\n|---|---|\n| of | 18 |", "18"),
    ],
)
def test_refused(bank: Content, text: str, number: str) -> None:
    """Numbers with nothing behind them, or with a check in which they do not occur; links that lead nowhere."""
    assert [each for each, _ in wrong(bank, text)] == [number]


def test_what_stands_behind(bank: Content) -> None:
    """Each claim has its kind, and an opinion counts once, with numbers or without."""
    text = "[22.6](#power) by [him](../sources.md#cauchy1847).\n\n*Opinion:* 18 or 19.\n\n*Opinion:* fine."
    found = [claim.behind for claim in claims(question(bank, text))][:4]
    assert found == ["check", "source", "opinion", "opinion"]


def test_lines_are_those_of_the_file(bank: Content) -> None:
    """A claim is told where its paragraph begins."""
    one = question(bank, "Fine.\n\nFine too,\nbut not 18.")
    (claim,) = [each for each in claims(one) if each.problem]
    assert one.file.read_text().splitlines()[claim.line - 1] == "Fine too,"


def test_what_no_answer_links_to(bank: Content) -> None:
    """A check and a source that stand there for nothing."""
    one = question(bank, "Fine.")
    file = one.file
    file.write_text(
        file.read_text().replace("[that](#power)", "that").replace("[the gradient points inwards](#power)", "it")
        .replace("[Cauchy (1847)](../sources.md#cauchy1847)", "him")
    )  # fmt: skip
    (one,) = read_questions(bank, load_course(bank))[0]
    assert [(c.text, c.problem) for c in claims(one)] == [
        ("power", "no answer links to this check"),
        ("cauchy1847", "no answer links to this source"),
    ]


def test_links() -> None:
    """Their text, target and line; none in code."""
    text = "a [b](c)\n`[d](e)` and [f\ng $[x](y)$](h)\n```\n[i](j)\n```\n![k](l)"
    assert list(links(text)) == [("b", "c", 1), ("f\ng $[x](y)$", "h", 2), ("k", "l", 7)]


# ---- checks


@pytest.mark.parametrize(
    ("code", "line", "problem"),
    [
        (">>> 1 + 1\n3", 0, "1 + 1 gives 2, not 3"),
        (">>> x = 1\n>>> x / 0", 1, "x / 0 raises ZeroDivisionError: division by zero"),
        (">>> if True:\n...     print(4)\n5", 0, "if True: print(4) gives 4, not 5"),
        (">>> None\n1", 0, "None gives nothing, not 1"),
        (">>> raise SystemExit", 0, "raise SystemExit raises SystemExit: "),
    ],
)
def test_checks_that_fail(bank: Content, code: str, line: int, problem: str) -> None:
    """What it gave, and the line of the file."""
    one = question(bank, "Fine.", code)
    _, (broken,) = run_checks(one)
    first = one.file.read_text().splitlines().index(code.splitlines()[0]) + 1
    assert (broken.check, broken.line, broken.problem) == ("power", first + line, problem)


def test_checks_share_names_and_go_on(bank: Content) -> None:
    """They run in their order, in one namespace; one that cannot be read leaves the others running."""
    between = "\n```\n\n### {}\n\n```python\n"
    code = [
        ">>> x = 4",
        between.format("second"),
        ">>> x\n4\n>>>y",
        between.format("third"),
        ">>> x + 1\n5",
    ]
    one = question(bank, "Fine.", "".join(code))
    n, (broken,) = run_checks(one)
    assert n == 2
    assert broken.check == "second"
    assert "lacks blank" in broken.problem


def test_what_checks_print_is_not_shown(bank: Content, capsys: pytest.CaptureFixture[str]) -> None:
    """Neither what they print, nor the reports of doctest."""
    run_checks(question(bank, "Fine.", ">>> import sys\n>>> print(4)\n5\n>>> print(1)\n1"))
    assert capsys.readouterr().out == ""


# ---- the whole bank


def complaints(content: Content, *topics: str) -> list[tuple[str, int, str]]:
    found = audit(content, load_course(content), topics or None).complaints
    return [(each.file.name, each.line, each.problem) for each in found]


def test_a_sound_bank(own_toy: Content, toy_bank: Path) -> None:
    """No complaints, and the counts."""
    found = audit(own_toy, load_course(own_toy))
    assert found.complaints == ()
    assert found.questions == {"toy": 3}
    assert found.behind["toy"] == {"check": 9, "source": 3}
    assert found.n_examples == 9


def test_every_complaint_has_its_place_and_its_fix(own_toy: Content, toy_bank: Path) -> None:
    """Front matter, sections, claims, checks, links, sources."""
    file = toy_bank / "toy" / "means.md"
    sound = file.read_text(encoding="utf-8")
    for old, new, words in (
        ("minutes = 4", "minutes = 0", "minutes: give a number from 1"),
        ('exercises = ["row_means"]', 'exercises = ["rows"]', "exercises: 'rows' is not an exercise"),
        ('sources = ["cauchy1847"]', 'sources = ["cauchy1847", "newton1687"]', "sources: 'newton1687' is not"),
        ("prerequisites = []", 'prerequisites = ["toy-sums"]', "prerequisites: 'toy-sums' is not a question's id"),
        ("### Strong", "### Best", "Rubric: its headings are"),
        ("- Forgetting the factor.", "Forgetting the factor.", "Traps: give at least one"),
        ("The power rule, term by term.", "It is 17.", "'17': nothing stands behind it"),
        (">>> round(((4", ">>> round(((5", "check power: round("),
        ("The slope of", "The [slope](../nowhere.md) of", "link to ../nowhere.md: there is no such file"),
        ("The slope of", "The [slope](../sources.md#me) of", "link to ../sources.md#me: there is no such heading"),
        (">>> h = 1e-6", ">>> import numpy as np; h = np.random.rand() * 0 + 1e-6", "np.random.rand has no seed"),
    ):  # fmt: skip
        assert old in sound, old
        text = sound.replace(old, new, 1)
        file.write_text(text, encoding="utf-8")
        found = [each for each in complaints(own_toy) if words in each[2]]
        assert len(found) == 1, (words, complaints(own_toy))
        place = text.splitlines()[found[0][1] - 1]
        where = {"Rubric": "## Rubric", "Traps": "## Traps"}.get(words.partition(":")[0])
        if "no seed" in words:
            where = "### power"
        assert place.startswith(where or new.split("\n")[0][:20]) or place.startswith(old[:9])


def test_files_that_are_no_questions(own_toy: Content, toy_bank: Path) -> None:
    """Without front matter, with front matter that is no TOML, and not UTF-8: each is told, the others are read."""
    (toy_bank / "toy" / "a.md").write_text("# A\n")
    (toy_bank / "toy" / "b.md").write_text("+++\nid = \n+++\n")
    (toy_bank / "toy" / "c.md").write_bytes(b"+++\n\xff\n+++\n")
    found = complaints(own_toy)
    assert [name for name, *_ in found] == ["a.md", "b.md", "c.md"]
    assert "UTF-8" in found[2][2]
    assert audit(own_toy, load_course(own_toy)).questions == {"toy": 3}


def test_ids_are_for_good(own_toy: Content, toy_bank: Path) -> None:
    """An id that is not listed, one that no question has, one that stands there twice, a retired one."""
    ids = toy_bank / "ids.txt"
    ids.write_text(
        "toy-gradient\ntoy-means\ntoy-old\ntoy-means\ntoy-gone  # retired: the function is\n"
    )
    assert complaints(own_toy) == [
        ("ids.txt", 3, "no question has the id toy-old; bring the question back, or write `# retired` behind the id"),
        ("ids.txt", 4, "toy-means stands in line 2 too; take one out"),
        ("curvature.md", 2, "id: toy-curvature is not in ids.txt; add a line there"),
    ]  # fmt: skip
    ids.write_text("toy-gradient\ntoy-means  # retired\ntoy-curvature\n")
    (found,) = complaints(own_toy)
    assert found[1:] == (2, "toy-means is retired and never used again; choose another id")
    ids.unlink()
    (found,) = complaints(own_toy)
    assert "toy-gradient" in found[2]
    assert "is not there" in found[2]


def test_two_questions_with_one_id(own_toy: Content, toy_bank: Path) -> None:
    """The second is told."""
    text = (toy_bank / "toy" / "means.md").read_text(encoding="utf-8")
    (toy_bank / "toy" / "other.md").write_text(text, encoding="utf-8")
    assert any("toy-means is that of" in problem for *_, problem in complaints(own_toy))


def test_a_page_of_anchors() -> None:
    """Headings as GitHub writes them, and none in code."""
    assert anchors("# A b\n## c-d2\n```\n# e\n```\n### F, g!") == {"a-b", "c-d2", "f-g"}


def test_claim_is_plain_data() -> None:
    """Two claims with the same words are equal."""
    assert Claim("4", None, "", 1) == Claim("4", None, "", 1)
