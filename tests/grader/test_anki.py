"""Questions as cards for Anki: the HTML, the notes, and a file that Anki's own importer takes in, twice."""

from __future__ import annotations

import builtins
import io
import re
import sqlite3
import time
import zipfile
from collections.abc import Callable, Iterator
from contextlib import closing
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import click
import pytest

from grader.catalog import load_course
from grader.content import Content
from grader.errors import GradsmithError
from grader.questions import Question, load_questions, source_keys
from grader.report import anki as cards

Run = Callable[..., str]
TITLES = {"toy": "Toys"}
VOID = {"br", "hr", "img"}


@pytest.fixture
def bank(own_toy: Content, toy_bank: Path) -> list[Question]:
    return load_questions(own_toy, load_course(own_toy))


class Balanced(HTMLParser):
    """Raises where tags are not closed in order."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=False)
        self.open: list[str] = []

    def handle_starttag(self, tag: str, attrs: Any) -> None:
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag


# ---- HTML


@pytest.mark.parametrize(
    ("text", "html"),
    [
        ("a *b* `c<d`", "a <em>b</em> <code>c&lt;d</code>"),
        ("$a < b$ & c", r"\(a &lt; b\) &amp; c"),
        ("$x_1 * y * z_2$", r"\(x_1 * y * z_2\)"),
        ("$$a \\\\ b$$", r"\[a \\ b\]"),
        ("costs $5 or $6", "costs $5 or $6"),
        ("<b>no</b> <script>alert('x')</script>", None),
        ("[22.6](#spread)", "22.6"),
        ("[Cauchy *1847*](../sources.md#c)", "Cauchy <em>1847</em>"),
        (
            "[see](https://example.org/?a=1&b=2)",
            '<a href="https://example.org/?a=1&amp;b=2">see</a>',
        ),
        ("[$f(x) = [1]$ there](#c)", r"\(f(x) = [1]\) there"),
        ("\"quoted\" & 'so'", "&quot;quoted&quot; &amp; 'so'"),
    ],
)
def test_inline_html(text: str, html: str | None) -> None:
    """Formulas for MathJax, escaped; HTML is shown as it is written; links into the web alone stay."""
    found = cards.in_html(text, inline=True)
    if html is None:
        assert "<b>" not in found
        assert "<script" not in found
        assert "&lt;script&gt;" in found
    else:
        assert found == html


def test_blocks() -> None:
    """Paragraphs, lists, tables, code, displayed formulas."""
    text = "One.\n\n- a\n- b\n\n$$\nx < y\n$$\n\n| a | b |\n|---|---|\n| 1 | 2 |\n\n"
    text += "```python\n>>> 1 < 2\nTrue\n```\n\n<div>no</div>\n"
    found = cards.in_html(text)
    for words in (
        "<p>One.</p>",
        "<li>a</li>",
        r"<p>\[x &lt; y\]</p>",
        "<td>1</td>",
        "&gt;&gt;&gt; 1 &lt; 2",
        "&lt;div&gt;",
    ):
        assert words in found
    Balanced().feed(found)


def test_every_field_of_this_course_is_sound() -> None:
    """No Markdown link, no raw dollar formula, balanced HTML, and a whole formula between its marks."""
    from grader.content import installed
    from grader.questions import read_questions

    content = installed()
    questions, _ = read_questions(content, load_course(content))
    assert questions
    for one in questions:
        sources = source_keys(content.owner(one.topic))
        fields = cards.note_fields(one, TITLES, sources)
        assert set(fields) == set(cards.FIELDS)
        for name, text in fields.items():
            assert text or (name == "Sources" and not one.sources), (one.id, name)
            parser = Balanced()
            parser.feed(text)
            assert parser.open == []
            bare = re.sub(
                r"\\\(.*?\\\)|\\\[.*?\\\]|<code>.*?</code>|<pre>.*?</pre>",
                "",
                text,
                flags=re.DOTALL,
            )
            assert "](" not in bare, (one.id, name)
            assert not re.search(r"\$[^ $][^$]*\$", bare), (one.id, name)


def test_notes_are_the_same_each_time(bank: list[Question]) -> None:
    """The id alone makes a note's GUID; decks and the note type have fixed numbers."""
    assert cards.guid("toy-gradient") == "23201fdb9f2c50c2"  # for good: learners' cards hang on it
    assert len({cards.guid(one.id) for one in bank}) == len(bank)
    assert cards.deck_id("toy") == 1_330_844_476
    assert (cards.MODEL_ID, cards.DECK_ID) == (1_763_850_001, 1_763_850_002)
    assert cards.tags(bank[0]) == ["topic::toy", "difficulty::screen", "toy", "power"]
    pytest.importorskip("genanki")
    sources = {"toy": {"cauchy1847": "Cauchy."}}
    first, second = (rows(cards.package(bank, TITLES, sources)) for _ in range(2))
    assert first == second
    assert len(first) == 3


def rows(package: bytes) -> list[tuple[str, str, str]]:
    """GUID, fields and tags of the notes in a file."""
    data = zipfile.ZipFile(io.BytesIO(package)).read("collection.anki2")
    with closing(sqlite3.connect(":memory:")) as base:
        base.deserialize(data)
        return base.execute("select guid, flds, tags from notes order by guid").fetchall()


# ---- the command


def test_the_command_writes_the_file(at_work: Run, toy_bank: Path) -> None:
    """All or some of the questions; a workspace is not needed; another name is refused."""
    pytest.importorskip("genanki")
    file = Path("q.apkg")
    assert at_work("study", "--anki", "q.apkg") == "q.apkg: 3 cards; in Anki: File, Import\n"
    assert len(rows(file.read_bytes())) == 3
    assert "1 card;" in at_work("study", "--anki", "q.apkg", "--difficulty", "onsite")
    assert len(rows(file.read_bytes())) == 1
    with pytest.raises(click.BadParameter, match=r"has to end in \.apkg"):
        at_work("study", "--anki", "cards.txt")
    with pytest.raises(click.UsageError, match="give one of them"):
        at_work("study", "--anki", "q.apkg", "--status")
    with pytest.raises(GradsmithError, match="cannot be written"):
        at_work("study", "--anki", "nowhere/q.apkg")


def test_without_genanki(bank: list[Question], monkeypatch: pytest.MonkeyPatch) -> None:
    """One line says what to install."""
    real = builtins.__import__

    def missing(name: str, *args: Any, **options: Any) -> Any:
        if name == "genanki":
            raise ImportError(name)
        return real(name, *args, **options)

    monkeypatch.setattr(builtins, "__import__", missing)
    with pytest.raises(GradsmithError, match=r"pip install 'gradsmith\[anki\]'"):
        cards.package(bank, TITLES, {})


# ---- Anki's own importer


@pytest.fixture
def collection(tmp_path: Path) -> Iterator[Any]:
    """An empty collection of the real Anki."""
    anki = pytest.importorskip("anki.collection")
    one = anki.Collection(str(tmp_path / "collection.anki2"))
    yield one
    one.close()


def take_in(collection: Any, package: bytes, file: Path) -> None:
    from anki.collection import ImportAnkiPackageOptions, ImportAnkiPackageRequest

    file.write_bytes(package)
    collection.import_anki_package(
        ImportAnkiPackageRequest(package_path=str(file), options=ImportAnkiPackageOptions())
    )


def test_anki_takes_it_in_twice(
    collection: Any, own_toy: Content, toy_bank: Path, tmp_path: Path
) -> None:
    """After an answer was revised: its text is new, there are no duplicates, and the schedule is kept."""
    from anki.scheduler.v3 import CardAnswer

    course = load_course(own_toy)
    sources = {"toy": source_keys(own_toy)}
    take_in(
        collection,
        cards.package(load_questions(own_toy, course), TITLES, sources),
        tmp_path / "q.apkg",
    )
    assert collection.note_count() == collection.card_count() == 3
    names = {deck.name for deck in collection.decks.all_names_and_ids()}
    assert {"gradsmith", "gradsmith::Toys"} <= names
    (id_,) = collection.find_notes("Id:toy-means")
    note = collection.get_note(id_)
    assert note.guid == cards.guid("toy-means")
    assert "topic::toy" in note.tags
    card = note.cards()[0]
    assert collection.decks.name(card.did) == "gradsmith::Toys"
    front, back = card.question(), card.answer()
    assert "Toys · screen · 4 min" in front
    assert r"\(f(x) = c \sum_i x_i^2\)" in front
    assert "term by term" not in front
    order = ("term by term", "were proposed", "points inwards", "Weak", "Forgetting", "C. R. Acad.")
    places = [back.index(words) for words in order]
    assert places == sorted(places)

    collection.decks.select(card.did)
    card.start_timer()
    states = collection._backend.get_scheduling_states(card.id)
    answer = collection.sched.build_answer(card=card, states=states, rating=CardAnswer.EASY)
    collection.sched.answer_card(answer)
    card.load()
    due, interval, reps = card.due, card.ivl, card.reps
    assert interval > 0
    assert reps == 1

    file = toy_bank / "toy" / "means.md"
    text = file.read_text(encoding="utf-8").replace("term by term", "entry by entry")
    file.write_text(text.replace("revision = 1", "revision = 2"), encoding="utf-8")
    time.sleep(1.1)  # Anki's times are whole seconds, and what is not newer changes nothing
    take_in(
        collection,
        cards.package(load_questions(own_toy, course), TITLES, sources),
        tmp_path / "r.apkg",
    )
    assert collection.note_count() == collection.card_count() == 3
    assert (
        len({each.id for each in collection.models.all_names_and_ids() if "gradsmith" in each.name})
        == 1
    )
    note.load()
    card.load()
    assert "entry by entry" in note["In thirty seconds"]
    assert (card.due, card.ivl, card.reps) == (due, interval, reps)
