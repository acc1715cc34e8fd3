"""Interview questions as cards for Anki: an .apkg file, by genanki.

A note is known by the question's id alone, so that a later file brings new text to the cards that are there and leaves
their schedules; Anki takes the text of the file that was written later.
"""

from __future__ import annotations

import hashlib
import html
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from grader.errors import GradsmithError
from grader.report.statement import one_line, parser

if TYPE_CHECKING:
    from markdown_it.token import Token

    from grader.questions import Question

MODEL_ID = 1_763_850_001
"""Of the note type; never another, or Anki makes a second one."""
DECK_ID = 1_763_850_002
"""Of the deck that holds the topics' decks."""
DECK = "gradsmith"
FIELDS = (
    "Title", "Id", "Topic", "Difficulty", "Minutes", "Question", "In thirty seconds", "In full",
    "Follow-ups", "Rubric", "Traps", "Sources", "Practise",
)  # fmt: skip
_FRONT = """<p class="about">{{Topic}} · {{Difficulty}} · {{Minutes}} min</p>
<h1>{{Title}}</h1>
{{Question}}"""
_BACK = (
    '{{FrontSide}}\n<hr id="answer">\n'
    + "\n".join(f"<h2>{name}</h2>\n{{{{{name}}}}}" for name in FIELDS[6:11])
    + """
{{#Sources}}<h2>Sources</h2>
<div class="sources">{{Sources}}</div>{{/Sources}}
<p class="about">Practise: {{Practise}}<br>{{Id}}</p>"""
)
_CSS = """.card { font: 18px/1.5 sans-serif; max-width: 44em; margin: 0 auto; padding: 0 0.5em; text-align: left; }
h1 { font-size: 1.25em; } h2 { font-size: 1em; margin-top: 1.5em; } h3 { font-size: 1em; }
.about, .sources { color: gray; font-size: 0.8em; }
code, pre { font-family: monospace; font-size: 0.9em; } pre { overflow-x: auto; }
table { border-collapse: collapse; } td, th { padding: 0.1em 0.6em; border-bottom: 1px solid; }"""


def package(
    questions: Sequence[Question],
    titles: Mapping[str, str],
    sources: Mapping[str, Mapping[str, str]],
) -> bytes:
    """The content of an .apkg file with a note for each question, in a deck for each topic.

    Parameters
    ----------
    titles : of the topics, by which the decks are called.
    sources : by topic, what the keys of sources stand for.

    Raises
    ------
    GradsmithError : genanki is not installed.
    """
    try:
        import genanki
    except ImportError:
        raise GradsmithError(
            "genanki, which writes Anki's files, is not installed; run: pip install 'gradsmith[anki]'"
        ) from None
    model = genanki.Model(
        MODEL_ID, "gradsmith question", fields=[{"name": name} for name in FIELDS],
        templates=[{"name": "Question", "qfmt": _FRONT, "afmt": _BACK}], css=_CSS,
    )  # fmt: skip
    decks: dict[str, Any] = {}
    for one in questions:
        if one.topic not in decks:
            name = f"{DECK}::{titles.get(one.topic, one.topic).replace('::', ':')}"
            decks[one.topic] = genanki.Deck(deck_id(one.topic), name)
        fields = note_fields(one, titles, sources.get(one.topic, {}))
        decks[one.topic].add_note(
            genanki.Note(
                model, [fields[name] for name in FIELDS], guid=guid(one.id), tags=tags(one)
            )
        )
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "questions.apkg"
        genanki.Package([genanki.Deck(DECK_ID, DECK), *decks.values()]).write_to_file(str(file))
        return file.read_bytes()


def guid(id: str) -> str:
    """What Anki knows a question's note by."""
    return hashlib.sha256(f"gradsmith question {id}".encode()).hexdigest()[:16]


def deck_id(topic: str) -> int:
    """The number of a topic's deck, always the same."""
    return (1 << 30) + int.from_bytes(hashlib.sha256(topic.encode()).digest()[:4]) % (1 << 30)


def tags(one: Question) -> list[str]:
    """The tags of a note: Anki's hold no blanks."""
    own = ["_".join(tag.split()) for tag in one.tags]
    return [f"topic::{one.topic}", f"difficulty::{one.level.value}", *own]


def note_fields(
    one: Question, titles: Mapping[str, str], sources: Mapping[str, str]
) -> dict[str, str]:
    """The fields of a question's note, in HTML."""
    followups = "\n".join(
        f"<h3>{in_html(each.question, inline=True)}</h3>\n{in_html(each.answer)}"
        for each in one.followups
    )
    rubric = "\n".join(
        f"<h3>{html.escape(name)}</h3>\n{_list(points)}" for name, points in one.rubric.items()
    )
    cited = [" ".join(sources[key].split()) for key in one.sources if key in sources]
    return {
        "Title": in_html(one.title, inline=True),
        "Id": html.escape(one.id),
        "Topic": html.escape(one_line(titles.get(one.topic, one.topic))),
        "Difficulty": one.level.value,
        "Minutes": str(one.minutes),
        "Question": in_html(one.question),
        "In thirty seconds": in_html(one.short),
        "In full": in_html(one.full),
        "Follow-ups": followups,
        "Rubric": rubric,
        "Traps": _list(one.traps),
        "Sources": _list(cited) if cited else "",
        "Practise": ", ".join(f"<code>{html.escape(name)}</code>" for name in one.exercises),
    }


def _list(points: Sequence[str]) -> str:
    return "<ul>\n" + "\n".join(f"<li>{in_html(p, inline=True)}</li>" for p in points) + "\n</ul>"


def in_html(text: str, *, inline: bool = False) -> str:
    r"""Markdown as HTML, with formulas for MathJax between `\(…\)` and `\[…\]`.

    HTML in the text is shown as it is written; of links those that lead into the web stay.
    """
    markdown = parser()
    markdown.options["html"] = False
    markdown.disable(["html_block", "html_inline"])
    markdown.add_render_rule("formula", _formula)
    markdown.add_render_rule("formula_block", _formula_block)
    tokens = markdown.parseInline(text) if inline else markdown.parse(text)
    for token in tokens:
        if token.children:
            token.children = _without_links(token.children)
    return str(markdown.renderer.render(tokens, markdown.options, {})).strip()


def _without_links(tokens: Sequence[Token]) -> list[Token]:
    """The tokens without links to checks, sources and files, whose text stays."""
    found = []
    leads = False
    for token in tokens:
        if token.type == "link_open":
            leads = "://" in str(token.attrs.get("href", ""))
        if token.type not in ("link_open", "link_close") or leads:
            found.append(token)
    return found


def _formula(_: Any, tokens: Sequence[Token], number: int, *__: Any) -> str:
    token = tokens[number]
    latex = html.escape(" ".join(token.content.split()), quote=False)
    return rf"\[{latex}\]" if token.info == "display" else rf"\({latex}\)"


def _formula_block(_: Any, tokens: Sequence[Token], number: int, *__: Any) -> str:
    return (
        rf"<p>\[{html.escape(' '.join(tokens[number].content.split()), quote=False)}\]</p>" + "\n"
    )
