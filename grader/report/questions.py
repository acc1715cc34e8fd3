"""Interview questions for the terminal: the list, one question by steps, what a search found, what an audit found."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from rich.table import Table
from rich.text import Text

from grader.report.statement import WIDEST, one_line, print_statement

if TYPE_CHECKING:
    from collections import Counter
    from collections.abc import Callable, Mapping, Sequence

    from rich.console import Console, RenderableType

    from grader.questions import Question

MIN_TITLE = 12
"""Columns below which titles say nothing and are left out."""
GRADED = {"Weak": "Weak (1)", "Good": "Good (3; with gaps 2)", "Strong": "Strong (4)"}
"""Headings of a rubric where somebody grades by it."""


@dataclass(frozen=True, slots=True)
class Step:
    """What is uncovered at once: `name` says it beforehand, `text` is Markdown."""

    name: str
    text: str


def steps(question: Question, *, graded: bool = False) -> list[Step]:
    """What follows a question, in its order.

    Parameters
    ----------
    graded : the rubric comes last, with its grades, and the traps before it.
    """
    found = [
        Step("the answer in thirty seconds", f"## In thirty seconds\n\n{question.short}"),
        Step("the full answer", f"## In full\n\n{question.full}"),
    ]
    n = len(question.followups)
    for number, each in enumerate(question.followups, start=1):
        name = f"follow-up {number} of {n}"
        found.append(Step(name, f"## {name.capitalize()}\n\n### {each.question}"))
        found.append(Step("its answer", each.answer))
    rubric = "".join(
        f"\n\n### {GRADED.get(name, name) if graded else name}\n\n{_list(points)}"
        for name, points in question.rubric.items()
    )
    last = [
        Step("the rubric", f"## Rubric{rubric}"),
        Step("the traps", f"## Traps\n\n{_list(question.traps)}"),
    ]
    return [*found, *(reversed(last) if graded else last)]


def _list(points: Sequence[str]) -> str:
    return "\n".join(f"- {point}" for point in points)


def print_question(console: Console, question: Question, *, label: str = "") -> None:
    """Print a question's title, what it is, and what is asked; `label` stands before what it is."""
    print_statement(console, f"# {question.title}")
    console.print(
        Text.assemble(
            (f"{label}  " if label else "", "bold"),
            (f"{question.id}  {question.level}  {_minutes(question.minutes)}", "dim"),
        ),
        no_wrap=True, overflow="ellipsis",
    )  # fmt: skip
    console.print()
    print_statement(console, question.question)


def print_step(console: Console, step: Step) -> None:
    """Print what is uncovered."""
    console.print()
    print_statement(console, step.text)


def print_sources(console: Console, question: Question, sources: Mapping[str, str]) -> None:
    """Print what the answer cites, and the commands that show exercises to practise it with."""
    known = [sources[key] for key in question.sources if key in sources]
    if known:
        print_step(
            console, Step("", "## Sources\n\n" + _list([" ".join(k.split()) for k in known]))
        )
    console.print()
    print_commands(console, "practise", [f"grader show {name}" for name in question.exercises])


def print_asked_about(console: Console, ids: Sequence[str]) -> None:
    """Print the commands that show questions about an exercise."""
    if ids:
        console.print()
        print_commands(console, "asked about", [f"grader ask {each}" for each in ids])


def print_commands(console: Console, label: str, commands: Sequence[str]) -> None:
    """Print commands, one below the other behind a label."""
    for number, command in enumerate(commands):
        head = f"{label}: " if not number else " " * (len(label) + 2)
        console.print(
            Text.assemble((head, "dim"), command), no_wrap=True, overflow="ignore", crop=False
        )


def print_list(
    console: Console, questions: Sequence[Question], due: Mapping[str, str] | None = None
) -> None:
    """Print questions by topic, a line each.

    Parameters
    ----------
    due : when each comes back; without it the column is left out.
    """
    longest = max(len(one.id) for one in questions) + len("  ")
    room = min(console.width, WIDEST) - longest - len("    research  min")
    if due is not None:
        room -= max(map(len, [*due.values(), "due"])) + len("  ")
    table = Table(box=None, padding=(0, 2, 0, 0), pad_edge=False, header_style="bold")
    table.add_column("question", no_wrap=True, overflow="ellipsis")
    if room >= MIN_TITLE:
        table.add_column("title", no_wrap=True, overflow="ellipsis", max_width=room)
    table.add_column("level", no_wrap=True)
    table.add_column("min", justify="right", no_wrap=True)
    if due is not None:
        table.add_column("due", no_wrap=True)
    topic = ""
    for one in questions:
        if one.topic != topic:
            topic = one.topic
            if table.row_count:
                table.add_row()
            table.add_row(Text(topic, "bold"))
        cells: list[RenderableType] = [Text(f"  {one.id}")]
        if room >= MIN_TITLE:
            cells.append(Text(_title(console, one)))
        cells += [one.level.value, str(one.minutes)]
        table.add_row(*cells, *([due[one.id]] if due is not None else []))
    console.print(table)


def print_found(
    console: Console, found: Sequence[tuple[Question, str]], words: Sequence[str], n: int
) -> None:
    """Print questions that a search found, each with a line of context in which the words stand out.

    Parameters
    ----------
    found : with the sentence, in Markdown, in which the words occur.
    n : how many there are in all.
    """
    pattern = re.compile("|".join(re.escape(word) for word in words), re.IGNORECASE)
    for one, sentence in found:
        line = Text.assemble((one.id, "bold"), "  ", _title(console, one))
        console.print(line, no_wrap=True, overflow="ellipsis")
        text = one_line(sentence.removeprefix("- "), ascii_only=console.options.ascii_only)
        cut = Text("  " + _around(text, pattern, min(console.width, WIDEST) - 2, console))
        cut.highlight_regex(pattern, "bold yellow")
        console.print(cut, no_wrap=True, overflow="ellipsis")
    if n > len(found):
        console.print(Text(f"and {n - len(found)} more", "dim"))


def _around(text: str, pattern: re.Pattern[str], room: int, console: Console) -> str:
    """As much of a line as there is room for, with what was looked for in it."""
    if len(text) <= room:
        return text
    dots = "..." if console.options.ascii_only else "…"
    found = pattern.search(text)
    at = found.start() if found else 0
    first = max(0, min(at - room // 3, len(text) - room + len(dots)))
    if first:
        first = text.find(" ", first) + 1 or first
    head = dots if first else ""
    rest = text[first:]
    if len(head) + len(rest) > room:
        rest = rest[: room - len(head) - len(dots)].rsplit(" ", 1)[0] + dots
    return head + rest


def print_audit(
    console: Console, questions: Mapping[str, int], behind: Mapping[str, Counter[str]]
) -> None:
    """Print how many questions each topic has and what stands behind their claims."""
    table = Table(box=None, padding=(0, 2, 0, 0), pad_edge=False, header_style="bold")
    table.add_column("topic", no_wrap=True, overflow="ellipsis")
    for name in ("questions", "run", "sourced", "opinions"):
        table.add_column(name, justify="right", no_wrap=True)
    kinds = ("check", "source", "opinion")
    for slug, n in questions.items():
        table.add_row(slug, str(n), *(str(behind[slug][kind]) for kind in kinds))
    console.print(table)
    console.print()
    total = sum(questions.values())
    counts = [sum(each[kind] for each in behind.values()) for kind in kinds]
    n = sum(counts)
    line = f"{_count(total, 'question')}, {_count(n, 'claim')}"
    if n:
        shares = [f"{100 * count / n:.0f}%" for count in counts]
        line += f": {shares[0]} run, {shares[1]} sourced, {shares[2]} opinions"
    console.print(Text(line, "bold"))


def print_check(
    console: Console, name: str, text: str, problems: Sequence[tuple[int, str]]
) -> None:
    """Print a check of an answer, and what is wrong with it: lines of its file and what happened there."""
    print_statement(console, f"## {name}\n\n{text}")
    for line, problem in problems:
        console.print(Text(f"line {line}: {problem}", "red"))
    if not problems:
        console.print(Text("runs, and gives this", "green"))
    console.print()


def print_days(console: Console, days: Mapping[str, int]) -> None:
    """Print how many questions come back when."""
    table = Table(box=None, padding=(0, 2, 0, 0), pad_edge=False, show_header=False)
    table.add_column("day", no_wrap=True)
    table.add_column("n", no_wrap=True, justify="right")
    for day, n in days.items():
        table.add_row(f"  {day}", str(n))
    console.print(table)


def _title(console: Console, question: Question) -> str:
    return one_line(question.title, ascii_only=console.options.ascii_only)


def title_in(console: Console) -> Callable[[Question], str]:
    """Writes titles as lines that the console can show."""
    return lambda question: _title(console, question)


def _minutes(n: int) -> str:
    return f"{n} min"


def _count(n: int, noun: str) -> str:
    return f"{n} {noun}" if n == 1 else f"{n} {noun}s"
