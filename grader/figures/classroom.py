"""Pictures of a class: how its points spread, what it passed, which mistakes it made, how alike its submissions are."""

from __future__ import annotations

import textwrap
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import matplotlib
import numpy as np
from matplotlib.ticker import MaxNLocator, PercentFormatter

from grader.figures.style import (
    BLUE,
    GREEN,
    GREY,
    INK,
    LIGHT,
    ORANGE,
    PURPLE,
    SKY,
    VERMILION,
    new_figure,
    styled,
)  # fmt: skip
from grader.model import Status

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_ORIENTED = tuple(map(int, matplotlib.__version__.split(".")[:2])) >= (3, 10)
"""Whether a box plot knows `orientation`, which `vert` gives way to."""
ROW = 0.3
"""Inches of a bar, with its gap."""
NAME = 52
"""Characters of a check's name."""
SENTENCE = 58
"""Characters of a line of a mistake's sentence."""
_OURS = (Status.UNRESOLVED, Status.GRADER_ERROR)
KINDS: tuple[tuple[str, tuple[Status, ...], str, str], ...] = (
    ("passed", (Status.PASSED,), BLUE, ""),
    ("failed", (Status.FAILED,), VERMILION, "///"),
    ("missing", (Status.MISSING,), LIGHT, ""),
    ("error", (Status.ERROR,), ORANGE, "xxx"),
    ("timeout", (Status.TIMEOUT,), PURPLE, "..."),
    ("waiting", (Status.WAITING,), SKY, ""),
    ("undecided", (*_OURS, Status.TAMPERED), GREEN, "\\\\\\"),
)  # fmt: skip
"""What a function can be, with colour and hatching, so that colour does not stand alone."""


def draw_totals(percents: Sequence[float]) -> Figure:
    """How many students have how many of the points, in bars of 10 %, with the median."""
    with styled():
        figure = new_figure("How the points spread", height=3.4)
        ax = figure.subplots()
        counts, edges = np.histogram(np.clip(percents, 0, 100), bins=np.arange(0, 101, 10))
        bars = ax.bar(edges[:-1], counts, width=10, align="edge", color=BLUE, edgecolor="white")
        for label in ax.bar_label(
            bars, [str(n) if n else "" for n in counts], padding=3, fontsize=9
        ):
            label.set_bbox({"facecolor": "white", "edgecolor": "none", "pad": 0.6})
            label.set_zorder(5)  # before the line of the median
        median = float(np.median(percents))
        ax.axvline(median, color=INK, linestyle="--", linewidth=1.4, label=f"median {median:.0f} %")
        ax.set_xlim(0, 100)
        ax.set_ylim(0, max(counts) * 1.18)
        ax.set_xticks(range(0, 101, 10))
        ax.yaxis.set_major_locator(MaxNLocator(integer=True, nbins=6))
        ax.set_xlabel("points, % of all (a bar holds its left end; the last both)")
        ax.set_ylabel("students")
        figure.legend(loc="outside upper right")
    return figure


def draw_statuses(title: str, rows: Sequence[tuple[str, Mapping[Status, int]]]) -> Figure:
    """A bar for each of `rows`, in parts by status, with the share that passed."""
    with styled():
        figure = new_figure(title, height=1.5 + ROW * len(rows))
        ax = figure.subplots()
        at = range(len(rows))
        starts = np.zeros(len(rows))
        for word, statuses, colour, hatch in KINDS:
            widths = np.array([sum(c.get(s, 0) for s in statuses) for _, c in rows], float)
            if not widths.any():
                continue
            ax.barh(
                at, widths, left=starts, height=0.74, color=colour, hatch=hatch, edgecolor="white",
                linewidth=0.6, label=word,
            )  # fmt: skip
            starts += widths
        for row, (_, counts) in enumerate(rows):
            decided = sum(n for status, n in counts.items() if status not in _OURS)
            share = counts.get(Status.PASSED, 0) / max(decided, 1)
            ax.text(starts[row], row, f" {_percent(share)}", va="center", fontsize=9)
        _named(ax, [name for name, _ in rows])
        ax.set_xlim(0, max(float(max(starts, default=1)), 1) * 1.09)
        ax.set_xlabel("students; at the right the share that passed")
        figure.legend(loc="outside lower center", ncols=len(KINDS), handlelength=1.6)
    return figure


def draw_mistakes(mistakes: Sequence[tuple[str, str, int]]) -> Figure:
    """A bar for each mistake: (function, sentence, how many met it)."""
    with styled():
        figure = new_figure("Mistakes that most students made", height=1.2 + 0.52 * len(mistakes))
        ax = figure.subplots()
        counts = [n for *_, n in mistakes]
        bars = ax.barh(range(len(mistakes)), counts, height=0.6, color=ORANGE)
        ax.bar_label(bars, padding=3, fontsize=9)
        labels = [
            "\n".join(textwrap.wrap(f"{name}: {sentence}", SENTENCE, max_lines=2, placeholder=" …"))
            for name, sentence, _ in mistakes
        ]
        _named(ax, labels)
        ax.set_xlim(0, max(counts) * 1.12)
        ax.set_xlabel("students")
    return figure


def draw_discrimination(items: Sequence[tuple[str, float, float]]) -> Figure:
    """A point for each function: (name, share that passed, point-biserial correlation); the lowest have names."""
    with styled():
        figure = new_figure("Functions that tell strong from weak submissions", height=4.6)
        ax = figure.subplots()
        x = np.array([passed for _, passed, _ in items])
        y = np.array([r for *_, r in items])
        ax.axhline(0, color=GREY, linewidth=1)
        ax.plot(x, y, "o", color=BLUE, alpha=0.75, markersize=6)
        ax.set_xlim(-0.02, 1.02)
        ax.set_ylim(min(-0.15, float(y.min()) - 0.12), 1.02)
        low = sorted(range(len(items)), key=lambda i: (y[i], items[i][0]))[:LOWEST]
        _labelled(ax, [(items[i][0], float(x[i]), float(y[i])) for i in low])
        ax.xaxis.set_major_formatter(PercentFormatter(1.0, symbol=" %"))
        ax.grid(True)
        ax.set_xlabel("students who passed (right: easy)")
        ax.set_ylabel("correlation with the other points")
    return figure


LOWEST = 5
"""Functions with the lowest correlation, which are named."""
_STEP = 0.062
"""Between two names, as a share of the height."""


def _labelled(ax: Axes, points: Sequence[tuple[str, float, float]]) -> None:
    """Names in a column at the left below, each with a line to its point: they never lie on each other."""
    low, high = ax.get_ylim()
    for number, (name, x, y) in enumerate(points):
        ax.annotate(
            name, (x, y), xytext=(0.02, low + (high - low) * (0.02 + _STEP * number)),
            fontsize=8.5, parse_math=False, va="bottom", color=INK,
            bbox={"boxstyle": "square,pad=0.1", "facecolor": "white", "edgecolor": "none", "alpha": 0.85},
            arrowprops={"arrowstyle": "-", "color": GREY, "linewidth": 0.8},
        )  # fmt: skip


def draw_slowest(checks: Sequence[tuple[str, float, float]]) -> Figure:
    """A bar for each check: (name, median, 90 % quantile), in seconds."""
    with styled():
        figure = new_figure("The slowest checks", height=1.2 + ROW * len(checks))
        ax = figure.subplots()
        at = range(len(checks))
        high = [h for *_, h in checks]
        ax.barh(at, high, height=0.7, color=SKY, label="90 % of the students are not slower")
        ax.barh(at, [m for _, m, _ in checks], height=0.3, color=BLUE, label="median")
        for row, each in enumerate(high):
            ax.text(each, row, f" {each:.3g} s", va="center", fontsize=9)
        _named(ax, [textwrap.shorten(name, NAME, placeholder=" …") for name, *_ in checks])
        ax.set_xlim(0, max(high) * 1.15)
        ax.set_xlabel("seconds")
        figure.legend(loc="outside lower center", ncols=2)
    return figure


def draw_sections(sections: Mapping[str, Sequence[float]]) -> Figure:
    """A box for each section, with a point for each student."""
    with styled():
        figure = new_figure("By section", height=1.4 + 0.55 * len(sections))
        ax = figure.subplots()
        rows: Any = {"orientation": "horizontal"} if _ORIENTED else {"vert": False}
        ax.boxplot(
            list(sections.values()), widths=0.55, showfliers=False,
            medianprops={"color": INK, "linewidth": 2}, boxprops={"color": GREY},
            whiskerprops={"color": GREY}, capprops={"color": GREY}, **rows,
        )  # fmt: skip
        for row, percents in enumerate(sections.values(), start=1):
            n = len(percents)
            shift = 0.22 * np.sin(2.4 * np.arange(n))  # spread out, the same in every run
            ax.plot(percents, row + shift, "o", color=BLUE, alpha=0.55, markersize=4)
        names = [textwrap.shorten(name, 30, placeholder=" …") or "…" for name in sections]
        ax.set_yticks(range(1, len(sections) + 1), names, parse_math=False)
        ax.set_ylim(len(sections) + 0.6, 0.4)
        ax.set_xlim(-2, 102)
        ax.set_xlabel(
            "points, % of all; the box holds the middle half, the bold line is the median"
        )
    return figure


def draw_alikeness(scores: Sequence[float], named: Sequence[tuple[str, float]]) -> Figure:
    """How alike the pairs of a class are: a histogram of all, and the highest as lines of their own.

    Parameters
    ----------
    scores : of every pair, from 0 to 1.
    named : the highest, with a name each.
    """
    with styled():
        figure = new_figure("How alike the pairs of this class are", height=3.2)
        ax = figure.subplots()
        counts, edges = np.histogram(scores, bins=np.linspace(0, 1, 51))
        ax.bar(
            edges[:-1],
            counts,
            width=0.02,
            align="edge",
            color=BLUE,
            edgecolor="white",
            linewidth=0.4,
        )
        for number, (name, score) in enumerate(named):
            ax.annotate(
                name, (score, 0), xytext=(score, 0.94 - 0.11 * number), textcoords=("data", "axes fraction"),
                fontsize=8.5,
                ha="center" if 0.08 < score < 0.92 else ("right" if score >= 0.92 else "left"),
                parse_math=False,
                bbox={"boxstyle": "square,pad=0.1", "facecolor": "white", "edgecolor": "none"},
                arrowprops={"arrowstyle": "->", "color": VERMILION, "linewidth": 1},
            )  # fmt: skip
        ax.set_xlim(0, 1)
        ax.set_yscale("symlog", linthresh=1)
        ax.set_ylim(0, 4 * max(float(max(counts, default=1)), 1.0))
        ax.set_xlabel("score of a pair: 0 nothing rare in common, 1 everything")
        ax.set_ylabel("pairs")
    return figure


def _named(ax: Axes, names: Sequence[str]) -> None:
    """Rows from above with their names."""
    ax.set_yticks(range(len(names)), list(names), fontsize=8.5, parse_math=False)
    ax.tick_params(axis="y", length=0)
    ax.set_ylim(len(names) - 0.4, -0.6)
    ax.xaxis.set_major_locator(MaxNLocator(integer=True, nbins=8))


def _percent(share: float) -> str:
    """A whole percentage; 0 % and 100 % mean none and all."""
    rounded = round(100 * share)
    if 0 < share < 1:
        rounded = min(max(rounded, 1), 99)
    return f"{rounded} %"
