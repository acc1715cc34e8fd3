"""A learner's progress in one picture: by topic, over time, and the mistakes met most."""

from __future__ import annotations

import textwrap
from collections import Counter
from typing import TYPE_CHECKING, Any

from matplotlib.dates import date2num, num2date
from matplotlib.ticker import FuncFormatter, MaxNLocator

from grader.figures.style import BLUE, GREY, INK, LIGHT, ORANGE, SKY, WIDTH, new_figure, styled
from grader.model import Stage

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from grader.model import Progress

MOST = 5
"""Mistakes that are drawn."""
ROW = 0.28
"""Inches of a topic's bar, with its gap."""
SENTENCE = 46
"""Characters of a line of a mistake's sentence."""
_STAGES = (
    (Stage.SOLVED, "solved", BLUE, ""),
    (Stage.GAVE_UP, "gave up", ORANGE, "xxx"),
    (Stage.TRIED, "tried", SKY, "///"),
    (Stage.NEW, "new", LIGHT, ""),
)
"""Colour and hatching, so that colour does not stand alone."""


def draw_progress(progress: Progress) -> Figure:
    """Draw it. `progress` has at least one day.

    Returns
    -------
    Figure
        Bars by topic; the count of solved functions over the days; bars of the mistakes met most.
    """
    n_mistakes = min(len(progress.mistakes), MOST)
    upper = max(2.6, 1.2 + ROW * len(progress.topics))
    lower = 1.1 + 0.42 * max(n_mistakes, 1)
    with styled():
        figure = new_figure(
            f"{progress.solved} of {progress.total} functions solved, "
            f"on {len(progress.days)} {'day' if len(progress.days) == 1 else 'days'}",
            width=WIDTH,
            height=upper + lower,
        )
        parts: Any = figure.subfigures(2, 1, height_ratios=[upper, lower])
        above, below = parts
        left, right = above.subplots(1, 2, width_ratios=[1.25, 1])
        _topics(left, progress)
        _time(right, progress)
        _mistakes(below.subplots(), progress)
        figure.draw_without_rendering()
        figure.set_layout_engine("none")
    return figure


def _topics(ax: Axes, progress: Progress) -> None:
    """A bar for each topic, in parts by stage, with how many are solved."""
    rows = range(len(progress.topics))
    starts = [0] * len(progress.topics)
    for stage, word, colour, hatch in _STAGES:
        widths = [each.stages.get(stage, 0) for each in progress.topics]
        ax.barh(
            rows, widths, left=starts, height=0.72, color=colour, hatch=hatch, edgecolor="white",
            linewidth=0.6, label=word,
        )  # fmt: skip
        starts = [start + width for start, width in zip(starts, widths, strict=True)]
    for row, each in zip(rows, progress.topics, strict=True):
        ax.text(
            each.total + 0.2, row, f"{each.solved}/{each.total}", va="center", fontsize=9, color=INK
        )
    ax.set_yticks(rows, [each.topic.slug.replace("_", " ") for each in progress.topics])
    ax.set_ylim(len(progress.topics) - 0.4, -0.6)
    ax.set_xlim(0, max(starts, default=1) * 1.15 + 0.5)
    ax.xaxis.set_major_locator(MaxNLocator(integer=True))
    ax.tick_params(axis="y", length=0)
    ax.set_xlabel("functions")
    ax.set_title("By topic")
    ax.figure.legend(
        loc="outside lower center", ncols=len(_STAGES), handlelength=1.4, columnspacing=1.4
    )


def _time(ax: Axes, progress: Progress) -> None:
    """How many functions were solved by the end of each day; ticks below for the days at work."""
    first, last = progress.days[0], progress.days[-1]
    by_day = Counter(progress.solved_on)
    days = sorted({first, last, *by_day})
    counts, count = [], 0
    for day in days:
        count += by_day[day]
        counts.append(count)
    x = [float(date2num(day)) for day in days]  # type: ignore[no-untyped-call]
    ax.step([x[0] - 1, *x], [0, *counts], where="post", color=BLUE)
    ax.plot(x, counts, "o", color=BLUE)
    active = [float(date2num(day)) for day in progress.days]  # type: ignore[no-untyped-call]
    ax.plot(
        active, [0.0] * len(active), "|", color=GREY, markersize=9, markeredgewidth=1.6,
        clip_on=False, label="a day at work",
    )  # fmt: skip
    ax.annotate(
        str(counts[-1]), (x[-1], counts[-1]), (-7, 4), textcoords="offset points", ha="right",
        fontsize=9,
    )  # fmt: skip
    ax.set_ylim(0, max(count, 1) * 1.18)
    ax.set_xlim(x[0] - 1.2, x[-1] + 0.6)
    ax.yaxis.set_major_locator(MaxNLocator(integer=True, nbins=6))
    ax.xaxis.set_major_locator(MaxNLocator(integer=True, nbins=5))
    ax.xaxis.set_major_formatter(FuncFormatter(_day))
    ax.grid(axis="y")
    ax.legend(loc="upper left", frameon=True, facecolor="white", edgecolor="white", framealpha=1)
    years = f"{first.year}" if first.year == last.year else f"{first.year} to {last.year}"
    ax.set_xlabel(f"day, {years}")
    ax.set_ylabel("functions solved so far")
    ax.set_title("Over time")


def _day(number: float, _: int) -> str:
    """A day as people write it."""
    day = num2date(number)  # type: ignore[no-untyped-call]
    return f"{day.day} {day:%b}"


def _mistakes(ax: Axes, progress: Progress) -> None:
    """A bar for each of the mistakes met most, with its sentence."""
    ax.set_title("Mistakes met most")
    if not progress.mistakes:
        ax.set_axis_off()
        ax.text(0.5, 0.5, "none of the known ones so far", ha="center", transform=ax.transAxes)
        return
    most = progress.mistakes[:MOST]
    rows = range(len(most))
    ax.barh(rows, [mistake.count for mistake in most], height=0.55, color=ORANGE)
    labels = [
        "\n".join(
            textwrap.wrap(
                f"{mistake.exercise}: {mistake.sentence}", SENTENCE, max_lines=2, placeholder=" …"
            )
        )
        for mistake in most
    ]
    ax.set_yticks(rows, labels, fontsize=8.5, parse_math=False)
    ax.tick_params(axis="y", length=0)
    ax.set_ylim(len(most) - 0.4, -0.6)
    for row, mistake in zip(rows, most, strict=True):
        ax.text(mistake.count, row, f" {mistake.count}", va="center", fontsize=9)
    ax.set_xlim(0, max(mistake.count for mistake in most) * 1.15)
    ax.xaxis.set_major_locator(MaxNLocator(integer=True))
    ax.set_xlabel("checks in which it was met")
