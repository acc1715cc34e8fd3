"""The page about a class: pictures, and the numbers in them as tables."""

from __future__ import annotations

import math
import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

from grader.classroom.model import Class
from grader.classroom.statistics import LEAST, QUANTILE, TAIL, Item, Overview, Totals, overview
from grader.model import Status
from grader.report.page import page, picture
from grader.report.visible import visible

if TYPE_CHECKING:
    from matplotlib.figure import Figure

TEMPLATES: Final = Path(__file__).with_name("templates")
DRAWN: Final = 12
"""Mistakes that are drawn; the table has all."""
FEW: Final = 5
"""Students below which a section is left out of an anonymous page, as its numbers would be theirs."""


@dataclass(frozen=True, slots=True)
class Picture:
    """A picture with the words that stand in for it."""

    address: str
    alt: str


def overview_page(room: Class, *, anonymous: bool = False) -> str:
    """The page; the same class gives the same bytes.

    Parameters
    ----------
    anonymous : without names, ids and what may hold them.
    """
    found = overview(room)
    sections = {
        name: percents
        for name, percents in found.sections.items()
        if not anonymous or len(percents) >= FEW
    }
    if anonymous:
        sections = {f"section {n}": each for n, each in enumerate(sections.values(), start=1)}
    return page(
        "class.html",
        {
            "title": room.title,
            "found": found,
            "totals": _rows(found.totals, found.points) if found.totals is not None else (),
            "kinds": _kinds(found.items),
            "number_of": lambda item, statuses: sum(item.counts.get(each, 0) for each in statuses),
            "sections": {name: _summary(each) for name, each in sections.items()},
            "pictures": _pictures(found, sections),
            "by_topic": _by_topic(found.items),
            "names": {student.id: student.shown for student in room.roster.values()},
            "anonymous": anonymous,
            "few": FEW,
            "least": LEAST,
            "tail": round(100 * TAIL),
            "quantile": round(100 * QUANTILE),
        },
        TEMPLATES,
    )


def embedded(figure: Figure, alt: str) -> Picture:
    """A figure as a picture that a page carries itself."""
    from grader.figures.style import rendered

    with warnings.catch_warnings():
        # the name of a section may be in a script that the font lacks; the table beside it has it
        warnings.filterwarnings("ignore", message=r"Glyph .* missing from")
        return Picture(picture(rendered(figure, "svg")), alt)


def _pictures(found: Overview, sections: dict[str, tuple[float, ...]]) -> dict[str, Picture]:
    from grader.figures import classroom as draw

    made: dict[str, Picture] = {}
    if found.totals is not None:
        made["totals"] = embedded(
            draw.draw_totals(found.percents),
            f"Histogram of the points of {found.n} students in bars of 10 %; the median is "
            f"{found.totals.median:g} of {found.points:g} points.",
        )
    for topic, items in _by_topic(found.items).items():
        rows = [(item.name, item.counts) for item in items]
        made[f"topic {topic}"] = embedded(
            draw.draw_statuses(topic.replace("_", " "), rows),
            f"Bars for the {len(rows)} functions of {topic}, in parts by status; the fewest passed "
            f"{items[0].name}, {_percent(items[0].passed)}. The table below has the numbers.",
        )
    most = found.misconceptions[:DRAWN]
    if most:
        made["mistakes"] = embedded(
            draw.draw_mistakes([(m.exercise, m.sentence, len(m.students)) for m in most]),
            f"Bars for the {len(most)} mistakes that most students made, the first in "
            f"{most[0].exercise} by {len(most[0].students)}. The table below has all.",
        )
    points = [(i.name, i.passed, i.correlation) for i in found.items if i.correlation is not None]
    if points:
        made["discrimination"] = embedded(
            draw.draw_discrimination([(a, b, c) for a, b, c in points if c is not None]),
            f"A point for each of {len(points)} functions: the share that passed across, the "
            "correlation with the other points upwards. The table below has the numbers.",
        )
    if found.slowest:
        made["slowest"] = embedded(
            draw.draw_slowest(
                [(f"{s.exercise}: {s.check}", s.median, s.high) for s in found.slowest]
            ),
            f"Bars for the {len(found.slowest)} slowest checks; the slowest is "
            f"{found.slowest[0].exercise}: {found.slowest[0].check}. The table below has the numbers.",
        )
    if found.capstones:
        made["capstones"] = embedded(
            draw.draw_statuses("Capstones", [(c.topic, c.counts) for c in found.capstones]),
            "Bars for the capstones, in parts by status. The table below has the numbers.",
        )
    if len(sections) > 1:
        made["sections"] = embedded(
            draw.draw_sections({visible(name): each for name, each in sections.items()}),
            f"Box plots of the points of {len(sections)} sections. The table below has the numbers.",
        )
    return made


def _by_topic(items: Sequence[Item]) -> dict[str, list[Item]]:
    """Items by topic, in the order given; topics in alphabetical order."""
    found: dict[str, list[Item]] = {}
    for item in items:
        found.setdefault(item.topic, []).append(item)
    return dict(sorted(found.items()))


def _kinds(items: Sequence[Item]) -> list[tuple[str, tuple[Status, ...]]]:
    """The columns of statuses that somebody has, as the pictures name them."""
    from grader.figures.classroom import KINDS

    met = {status for item in items for status in item.counts}
    return [(word, statuses) for word, statuses, *_ in KINDS if met.intersection(statuses)]


def _rows(totals: Totals, points: float) -> list[tuple[str, str, str]]:
    named = (
        ("mean", totals.mean), ("standard deviation", totals.deviation), ("least", totals.least),
        ("lower quartile", totals.lower), ("median", totals.median), ("upper quartile", totals.upper),
        ("most", totals.most),
    )  # fmt: skip
    return [
        (name, f"{value:.2f}", f"{100 * value / points:.0f} %" if points else "–")
        for name, value in named
        if not math.isnan(value)
    ]


def _summary(percents: Sequence[float]) -> tuple[int, float, float]:
    ordered = sorted(percents)
    middle = len(ordered) // 2
    median = (ordered[middle] + ordered[-middle - 1]) / 2
    return len(ordered), math.fsum(ordered) / len(ordered), median


def _percent(share: float) -> str:
    return f"{100 * share:.0f} %"
