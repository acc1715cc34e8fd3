"""A report as HTML beneath a notebook's cell.

Readable on a light and on a dark page: text takes the page's colour, and each verdict stands in a box with a colour
and a word of its own. Styles stand in the elements, since notebooks that are opened again lose others; nothing is
fetched. All text, ours and theirs, is escaped.
"""

from __future__ import annotations

import html
import re
from collections.abc import Iterable, Iterator
from itertools import chain
from typing import TYPE_CHECKING

from grader.model import WITHHELD, Status
from grader.report.grouping import TopicScores, by_topic
from grader.report.tampering import as_lines
from grader.report.telling import Entry, block, counted, place, source_line
from grader.report.terminal import LOOKS, UNREAD, advice_on_status, remarks, what_next
from grader.report.visible import visible

if TYPE_CHECKING:
    from grader.disclosure import StudentReport
    from grader.model import CapstoneScore, Problem, Score

OPEN = 3
"""Failing checks of a function that are shown unfolded."""
_SHADES = {"green": "#1a7f37", "red": "#b42318", "yellow": "#8a5a00", "magenta": "#86198f"}
_COMMAND = re.compile(r"`grader (show|check|hint|solution)[ \ue000]")
_MAGICS = {"show": "task", "check": "check", "hint": "hint", "solution": "solution"}
_GREY = "#57606a"
_LINE = "1px solid rgba(128,128,128,.45)"
_PAGE = "max-width:56em;line-height:1.5;font-size:13px;color:inherit;overflow-wrap:anywhere"
_ROW = f"display:flex;gap:.8em;align-items:baseline;border-top:{_LINE};padding:.25em 0"
_BOX = "border-left:3px solid {shade};padding:.1em 0 .1em .8em;margin:.4em 0 .6em"
_PRE = "margin:.2em 0;white-space:pre-wrap;background:transparent;color:inherit;font-size:12px"


def report_html(report: StudentReport, *, verbose: bool = False) -> str:
    """One report. With `verbose` every failing check is unfolded."""
    return "".join(_report(report, verbose))


def exercise_html(report: StudentReport, score: Score) -> str:
    """One exercise of a report: where its file breaks, its row, why it has not passed. No magic is named."""
    problems = [each for each in report.problems if each.topic == score.exercise.topic]
    parts = [f'<div class="gradsmith" style="{_PAGE}">', *map(_problem, problems)]
    parts += _exercise(report, score, verbose=False, told=bool(problems), advise=False)
    return "".join((*parts, "</div>"))


def _report(report: StudentReport, verbose: bool) -> Iterator[str]:
    full = bool(report.points) and report.earned >= report.points
    points = (
        f"{_number(report.earned)}/{_number(report.points)} points {'✓' if full else ''}".strip()
    )
    yield f'<div class="gradsmith" style="{_PAGE}">'
    yield '<div style="display:flex;gap:.8em;align-items:baseline;padding-bottom:.3em">'
    yield _element("strong", report.submission)
    facts = report.course
    if report.seed is not None:
        facts += f" · seed {report.seed}"
    if report.seconds:
        facts += f" · {report.seconds:.1f} s"
    yield _element("span", facts, "opacity:.75;flex:1")
    yield _element("strong", WITHHELD if report.withheld else points)
    yield "</div>"
    for note in report.notes:
        yield f'<div style="padding:.1em 0">{_pill("note", _SHADES["yellow"])} {_escape(note)}</div>'
    groups = by_topic(report)
    for group in groups:
        yield from _topic(report, group, verbose)
    if groups:
        done = all(score.status is Status.PASSED for score in report.scores)
        words = what_next(report).strip()
        label = "" if done else "<strong>next:</strong> "
        yield f'<div style="border-top:{_LINE};padding-top:.3em">{label}{_commands(words)}</div>'
    else:
        yield "<div>nothing was graded: no exercise was chosen</div>"
    yield "</div>"


def _topic(report: StudentReport, group: TopicScores, verbose: bool) -> Iterator[str]:
    yield _element("div", f"{group.slug}  {group.title}".strip(), "font-weight:600;padding:.3em 0")
    for problem in group.problems:
        yield _problem(problem)
    missing = [score for score in group.scores if score.status is Status.MISSING]
    for score in group.scores:
        if score.status is not Status.MISSING or len(missing) == 1:
            yield from _exercise(report, score, verbose, told=bool(group.problems))
    if len(missing) > 1:
        names = ", ".join(score.exercise.name for score in missing)
        look = LOOKS[Status.MISSING]
        yield f'<div style="{_ROW}">{_pill(f"{look.glyph} {look.word}", _GREY)}{_element("code", names)}</div>'
    if group.capstone is not None:
        yield from _capstone(report, group.capstone, verbose)


def _exercise(
    report: StudentReport, score: Score, verbose: bool, *, told: bool, advise: bool = True
) -> Iterator[str]:
    n = len(score.outcomes)
    checks = f"{score.n_passed}/{n} checks" if n and score.status is not Status.MISSING else ""
    points = f"{_number(score.earned)}/{_number(score.exercise.points)}"
    yield _row(score.status, score.exercise.name, score.exercise.title, checks, points)
    if score.status is Status.PASSED:
        yield from _remarks(remarks(score.outcomes))
    elif score.status is Status.MISSING:
        yield _element("div", score.reason or "still a stub", "opacity:.75;padding-bottom:.3em")
    elif not (told and score.status in UNREAD):
        yield from _block(report, score, verbose)
        if advise and (advice := advice_on_status(report, score).strip()):
            yield f"<div><strong>to do:</strong> {_commands(advice)}</div>"


def _capstone(report: StudentReport, score: CapstoneScore, verbose: bool) -> Iterator[str]:
    yield _row(score.status, "capstone", score.capstone.title, "", "")
    if score.status not in (Status.PASSED, Status.WAITING):
        yield from _block(report, score, verbose)


def _row(status: Status, name: str, title: str, checks: str, points: str) -> str:
    look = LOOKS[status]
    pill = _pill(f"{look.glyph} {look.word}", _SHADES.get(look.style, _GREY))
    return (
        f'<div style="{_ROW}">{pill}{_element("code", name, "font-weight:600;background:transparent;color:inherit")}'
        f"{_element('span', title, 'flex:1;opacity:.75')}{_element('span', checks)}{_element('span', points)}</div>"
    )


def _block(report: StudentReport, score: Score | CapstoneScore, verbose: bool) -> Iterator[str]:
    """Why a function has not passed: the cause, then each failing check."""
    look = LOOKS[score.status]
    yield f'<div style="{_BOX.format(shade=_SHADES.get(look.style, _GREY))}">'
    told = block(report, score)
    if told.verdict:
        yield _element("div", told.verdict)
    for line in chain.from_iterable(map(as_lines, score.evidence)):
        yield _element("div", line, "opacity:.75")
    if told.why:
        yield f'<div style="padding:.1em 0 .3em"><strong>why:</strong> {_escape(told.why)}</div>'
    entries = [
        _check(entry, unfolded=verbose or number < OPEN)
        for number, entry in enumerate(told.entries)
    ]
    if verbose or len(entries) <= OPEN + 1:
        yield from entries
    else:
        n = sum(len(entry.checks) for entry in told.entries[OPEN:])
        yield from entries[:OPEN]
        more = f"and {n} more failing checks" if n > 1 else "and 1 more failing check"
        yield f"<details><summary>{more}</summary>{''.join(entries[OPEN:])}</details>"
    yield from _remarks(told.remarks)
    if told.undecided:
        yield _element("div", counted(told.undecided))
    yield "</div>"


def _check(entry: Entry, *, unfolded: bool) -> str:
    lines = [*entry.found, *([f"why: {entry.why}"] if entry.why else [])]
    names = ", ".join(entry.checks)
    body = "".join(_element("div", line, "white-space:pre-wrap") for line in lines)
    return (
        f"<details{' open' * unfolded}><summary>{_element('code', names, 'background:transparent;color:inherit')}"
        f'</summary><div style="padding-left:1.2em">{body}</div></details>'
    )


def _remarks(said: Iterable[tuple[str, str]]) -> Iterator[str]:
    for word, text in said:
        inner = _element("pre", text, _PRE)
        yield f'<details><summary style="opacity:.75">{word}</summary>{inner}</details>'


def _problem(problem: Problem) -> str:
    """Where the file breaks, the line, and a caret under the column."""
    pill = _pill(f"{LOOKS[Status.ERROR].glyph} error", _SHADES["red"])
    text = f"<div>{pill} {_element('strong', place(problem))}: {_escape(problem.message)}</div>"
    if source := source_line(problem):
        text += _element("pre", source, _PRE)
    return f'<div style="{_BOX.format(shade=_SHADES["red"])}">{text}</div>'


def _pill(text: str, shade: str) -> str:
    style = f"background:{shade};color:#fff;border-radius:.6em;padding:0 .6em;white-space:nowrap;font-size:12px"
    return _element("span", text, style)


def _element(tag: str, text: str, style: str = "") -> str:
    attribute = f' style="{style}"' if style else ""
    return f"<{tag}{attribute}>{_escape(text)}</{tag}>"


def _commands(text: str) -> str:
    """A sentence in which commands are called as in a notebook."""
    words = _COMMAND.sub(lambda found: f"`%{_MAGICS[found[1]]} ", text)
    return "".join(
        _element("code", part, "background:transparent;color:inherit") if odd else _escape(part)
        for number, part in enumerate(words.split("`"))
        for odd in [number % 2]
    )


def _escape(text: str) -> str:
    """Text as HTML; what would act on the page, or cannot be seen, is shown as its escape."""
    # A notebook typesets what stands between dollars, and links what looks like an address only in Markdown.
    return html.escape(visible(text, kept="\n\t")).replace("$", "&#36;<!-- -->")


def _number(value: float) -> str:
    return f"{value:.2f}".rstrip("0").rstrip(".")
