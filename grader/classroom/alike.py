"""Pages about submissions that are alike: an overview, and one for each pair, side by side."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from itertools import zip_longest
from pathlib import Path
from typing import Final

from grader.catalog import load_course
from grader.classroom.fragments import LENGTH
from grader.classroom.overview import TEMPLATES, embedded
from grader.classroom.similarity import (
    COMMON,
    GRACE,
    KNOWN,
    REFERENCE_LEAST,
    Collection,
    Excerpt,
    Findings,
    Known,
    Pair,
)
from grader.content import Content
from grader.model import Course
from grader.report.page import page

INDEX: Final = "index.html"
NAMED: Final = 5
"""Pairs that are named in the picture."""
TOPICS: Final = 4
"""Topics of a pair that are shown side by side, the most alike first."""
WORTH: Final = 0.2
"""The share of a function's weight that is shared, from which on the function is shown."""
MANY_LINES: Final = 400
"""Lines of one function that are shown."""


@dataclass(frozen=True, slots=True)
class Row:
    """Two functions beside each other; either may be lacking."""

    left: Excerpt | None
    right: Excerpt | None


def known_of(content: Content, course: Course | None = None) -> dict[str, Known]:
    """What a course has itself of each topic."""
    return {
        topic.slug: Known(
            _text(content.stub(topic.slug)),
            _text(content.source(topic.slug)),
            (
                _text(content.alternatives_file(topic.slug)),
                _text(content.mistakes_file(topic.slug)),
            ),
        )
        for topic in (course or load_course(content)).topics
    }


def alike_pages(
    collection: Collection,
    findings: Findings,
    *,
    title: str,
    n_pairs: int,
    names: Mapping[str, str] | None = None,
    skipped: Mapping[str, str] | None = None,
) -> Iterator[tuple[str, str]]:
    """The pages as pairs of a file's name and its text, the overview last.

    Parameters
    ----------
    n_pairs : how many pairs have a page.
    names : what a person calls the students, by id.
    skipped : submissions that could not be read, with why.
    """
    called = names or {}

    def shown(id: str) -> str:
        name = called.get(id, id)
        return name if name == id else f"{name} ({id})"

    pairs = findings.pairs[:n_pairs]
    for number, pair in enumerate(pairs, start=1):
        yield pair_file(number), _pair_page(collection, pair, number, title, shown)
    yield INDEX, _index_page(findings, pairs, title, shown, skipped or {})


def pair_file(number: int) -> str:
    """The name of the page of the pair with this rank."""
    return f"pair-{number:03d}.html"


def _pair_page(
    collection: Collection, pair: Pair, number: int, title: str, shown: Callable[[str], str]
) -> str:
    topics = [
        (topic, score, rows)
        for topic, score in pair.topics[:TOPICS]
        if (rows := _rows(collection, pair, topic))
    ]
    return page(
        "pair.html",
        {
            "title": title,
            "number": number,
            "pair": pair,
            "a": shown(pair.a),
            "b": shown(pair.b),
            "topics": topics,
            "index": INDEX,
            "most": MANY_LINES,
        },
        TEMPLATES,
    )


def _rows(collection: Collection, pair: Pair, topic: str) -> list[Row]:
    """Functions of the same name beside each other, those that share the most first; then what else is shared."""
    left = collection.excerpts(pair.a, pair.b, topic)
    right = collection.excerpts(pair.b, pair.a, topic)
    theirs = {each.name: each for each in right if each.name}
    rows = []
    paired = set()
    for each in left:
        other = theirs.get(each.name)
        if each.name and other is not None and max(each.share, other.share) >= WORTH:
            rows.append(Row(each, other))
            paired.add(each.name)
    rows.sort(key=lambda row: -(row.left.weight if row.left else 0.0))
    alone = [
        [each for each in side if each.name not in paired and each.share >= WORTH]
        for side in (left, right)
    ]
    return rows + [Row(a, b) for a, b in zip_longest(*alone)]


def _index_page(
    findings: Findings,
    pairs: tuple[Pair, ...],
    title: str,
    shown: Callable[[str], str],
    skipped: Mapping[str, str],
) -> str:
    from grader.figures.classroom import draw_alikeness

    drawn = None
    if len(findings.scores):
        top = [(f"pair {n}", pair.score) for n, pair in enumerate(pairs[:NAMED], start=1)]
        drawn = embedded(
            draw_alikeness([float(score) for score in findings.scores], top),
            f"Histogram of the scores of all {len(findings.scores)} pairs; the highest is "
            f"{max(findings.scores):.2f}.",
        )
    return page(
        "similar.html",
        {
            "title": title,
            "n": len(findings.students),
            "pairs": [(n, pair, pair_file(n)) for n, pair in enumerate(pairs, start=1)],
            "n_pairs": len(findings.scores),
            "references": findings.references,
            "unread": findings.unread,
            "skipped": skipped,
            "shown": shown,
            "drawn": drawn,
            "length": LENGTH,
            "common": round(100 * COMMON),
            "known": KNOWN,
            "grace": GRACE,
            "least": REFERENCE_LEAST,
        },
        TEMPLATES,
    )


def _text(file: Path) -> str:
    """A file of the course; empty where a course has none."""
    return file.read_text(encoding="utf-8") if file.is_file() else ""
