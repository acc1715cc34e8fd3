"""How a learner's tests of a function fared, for the terminal and for a program."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from grader.model import Status
from grader.report.terminal import LOOKS

if TYPE_CHECKING:
    from collections.abc import Sequence

    from rich.console import Console

    from grader.model import Breaking, Objection

SCHEMA = "gradsmith/break"
VERSION = 1
MOST = 5
"""Tests with objections that are shown, unless all are asked for."""


def print_breaking(console: Console, found: Breaking, *, verbose: bool = False) -> None:
    """Print what the tests accept and reject; with `verbose`, what the mistakes do that are not rejected."""
    head = Text.assemble((found.exercise.name, "bold"), "  ", found.exercise.title)
    console.print(head.append(f"  {found.file}", "dim"))
    console.print()
    table = _table()
    table.add_row(
        *_counted(console, "right implementations accepted", found.n_accepted, found.n_right)
    )
    if not found.void:
        table.add_row(*_counted(console, "mistakes rejected", found.n_rejected, found.n_mistakes))
    console.print(table)
    console.print()
    groups = _grouped(found.objections, verbose)
    for one, n_more in groups if verbose else groups[:MOST]:
        _print_objection(console, one, n_more)
    more = 0 if verbose else len(groups) - MOST
    if more > 0:
        console.print(Text(f"and {more} more (-v shows them)", "dim"))
    if groups:
        console.print()
    if found.void:
        words = "no score: a test has to accept every right implementation"
        console.print(Text(words, "bold"))
        return
    _print_tests(console, found)
    _print_score(console, found, verbose)


def _print_tests(console: Console, found: Breaking) -> None:
    """How many mistakes each test rejects."""
    table = Table(box=None, padding=(0, 2, 0, 0), pad_edge=False, header_style="bold")
    table.add_column("test", no_wrap=True, overflow="ellipsis")
    table.add_column("rejects", justify="right")
    for test in found.tests:
        n = sum(test in tests for _, tests in found.rejected)
        table.add_row(Text(test), Text(str(n), "" if n else "dim"))
    console.print(table)
    console.print()


def _print_score(console: Console, found: Breaking, verbose: bool) -> None:
    if not found.n_mistakes:
        console.print(Text("no score: no mistake of this function is known yet", "bold"))
        return
    left = found.survivors
    score = Text(f"{100 * found.share:.0f}%", "bold")
    if not left:
        console.print(score.append("  your tests reject every mistake", "green"))
        return
    n = f"{len(left)} mistake gets" if len(left) == 1 else f"{len(left)} mistakes get"
    score.append(f"  {n} past your tests", "not bold")
    console.print(score.append("" if verbose else "; -v says what they do", "dim"))
    for sentence in left if verbose else ():
        console.print(Padding(Text(sentence), (0, 0, 0, 2), expand=False))


def _counted(console: Console, words: str, n: int, total: int) -> tuple[Text, Text]:
    look = LOOKS[Status.PASSED if n == total else Status.FAILED]
    glyph = look.ascii if console.options.ascii_only else look.glyph
    return Text(f"{glyph} {words}", look.style), Text(f"{n}/{total}")


def _grouped(objections: Sequence[Objection], verbose: bool) -> list[tuple[Objection, int]]:
    """The first objection to each test, and how many more there are of its kind; with `verbose`, each."""
    if verbose:
        return [(each, 0) for each in objections]
    groups: dict[tuple[str, Status, bool], list[Objection]] = {}
    for each in objections:
        groups.setdefault((each.test, each.status, each.mistake), []).append(each)
    return [(group[0], len(group) - 1) for group in groups.values()]


def _print_objection(console: Console, objection: Objection, n_more: int) -> None:
    """One test that does not stand, and why."""
    look = LOOKS[objection.status]
    line = Text.assemble((objection.test, "bold"), " ")
    line.append(_sentence(objection), look.style)
    console.print(line)
    if n_more:
        console.print(Text(f"  and {n_more} more (-v shows them)", "dim"))
    place = f" (line {objection.line})" if objection.line is not None else ""
    message = f"{objection.message}{place}"
    console.print(Padding(Text(message, "dim"), (0, 0, 0, 2), expand=False))


def _sentence(objection: Objection) -> str:
    """What a test does that it must not."""
    if objection.mistake:  # not which: that is for the tests to find out
        return "cannot be run on a wrong implementation"
    does = "rejects" if objection.status is Status.FAILED else "cannot be run on"
    if not objection.implementation:
        return f"{does} the course's solution"
    return f"{does} a right implementation, written as: {objection.implementation}"


def _table() -> Table:
    table = Table(box=None, padding=(0, 2, 0, 0), pad_edge=False, show_header=False)
    table.add_column(no_wrap=True)
    table.add_column(justify="right", no_wrap=True)
    return table


def dumps(found: Breaking, *, verbose: bool = False) -> str:
    """The same as JSON; the sentences of mistakes that are not rejected only with `verbose`."""
    document = {
        "schema": SCHEMA,
        "version": VERSION,
        "exercise": found.exercise.name,
        "topic": found.exercise.topic,
        "file": found.file,
        "seed": found.seed,
        "void": found.void,
        "percent": round(100 * found.share, 2),
        "right": {"accepted": found.n_accepted, "total": found.n_right},
        "mistakes": {"rejected": found.n_rejected, "total": found.n_mistakes},
        "tests": [
            {"name": test, "rejects": sum(test in tests for _, tests in found.rejected)}
            for test in found.tests
        ],
        "objections": [
            {
                "test": each.test,
                "status": each.status.value,
                "sentence": _sentence(each),
                "message": each.message,
                "line": each.line,
                "seed": each.seed,
            }
            for each in found.objections
        ],
    }
    if verbose:
        document["survivors"] = list(found.survivors)
    return json.dumps(document, indent=2, allow_nan=False) + "\n"
