"""A report for a person at a terminal, to be taken in at a glance.

Each topic is a table of its functions, followed by a short block for each function that failed:
which entry is wrong, by how much, and why. What is not the learner's fault says so. Colour never
carries a meaning alone, and consoles that cannot show a glyph get an ASCII one.

Everything from a submission is hostile here: it is escaped before it reaches a `Text`, and no
string is ever parsed as console markup.
"""

from __future__ import annotations

import math
import re
from collections import Counter
from dataclasses import dataclass
from itertools import zip_longest
from typing import TYPE_CHECKING

from rich.cells import cell_len
from rich.text import Text

from grader.model import WITHHELD, Status
from grader.report.grouping import by_topic
from grader.report.tampering import as_lines
from grader.report.visible import visible

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from rich.console import Console, ConsoleOptions, RenderableType, RenderResult

    from grader.disclosure import Shown, StudentReport
    from grader.model import CapstoneScore, Failure, Mismatch, Outcome, Problem, Report, Score
    from grader.report.grouping import TopicScores

WIDEST = 100
"""Lines longer than this are hard to follow, however wide the terminal."""

WIDEST_TABLE = 80
"""In a wider table the eye loses the way from a name to its numbers."""

MAX_CHECKS = 3
"""Failing checks told in full for one exercise, unless all are asked for."""

MAX_LINES = 3
"""Lines of a message and of printed text that are shown, unless all are asked for."""

MAX_CHARACTERS = 320
"""Characters of one message that are shown: four lines of a usual terminal."""

MANY_TOPICS = 3
"""With more topics than this, a topic without a fault takes one line instead of a table."""

LABEL = 16
"""Cells for the names of checks; a longer name gets a line to itself."""

OUTDENT = 4
"""Cells of indentation that a report needs for its tables, and one exercise alone does not."""

TAB = 4
"""Cells to a tab stop in a learner's source."""

GLUE = "\ue000"
"""Stands for a space at which a line must not be broken (rich breaks at a no-break space)."""

ASCII = str.maketrans(
    {
        "·": "*", "×": "x", "−": "-", "–": "-", "—": "-", "…": "...", "‘": "'", "’": "'",
        "“": '"', "”": '"', "→": "->", "≤": "<=", "≥": ">=", "≠": "!=", "√": "sqrt", "∂": "d",
        "Σ": "sum", "‖": "||", "∞": "inf", "⟨": "<", "⟩": ">", "²": "^2", "§": "section ",
    }
)  # fmt: skip
"""What mathematical text becomes on a console without Unicode, before the rest is escaped."""


@dataclass(frozen=True, slots=True)
class _Look:
    glyph: str
    ascii: str
    word: str
    style: str


LOOKS = {
    Status.PASSED: _Look("✓", "+", "passed", "green"),
    Status.FAILED: _Look("✗", "x", "failed", "red"),
    Status.MISSING: _Look("○", "o", "missing", "dim"),
    Status.ERROR: _Look("!", "!", "error", "red"),
    Status.TIMEOUT: _Look("◷", "t", "timeout", "red"),
    Status.TAMPERED: _Look("■", "#", "withheld", "magenta"),
    Status.UNRESOLVED: _Look("?", "?", "undecided", "yellow"),
    Status.GRADER_ERROR: _Look("▲", "^", "our error", "yellow"),
    Status.WAITING: _Look("…", ".", "waiting", "dim"),
}

WORD = max(len(look.word) for look in LOOKS.values())
"""Cells for the status in words: the same in every topic, so that names stand in one column."""

ROOMY = 45
"""Cells of a table's line beside the name, with the word 'checks' and points under 'points'."""

NOT_THEIRS = (Status.UNRESOLVED, Status.GRADER_ERROR)
"""Statuses that say nothing about the learner's work."""

UNREAD = (Status.ERROR, Status.TIMEOUT)
"""Statuses of functions whose file could not be loaded: told once, with the file."""

FOR_A_PERSON = (*NOT_THEIRS, Status.TAMPERED)
"""Statuses that someone other than the learner has to look at."""


def render_report(report: Shown, *, verbose: bool = False) -> RenderableType:
    """Return what `rich` prints for one report, at the width and in the encoding of its console.

    With `verbose`, every failing check, note, warning and printed line is there.
    """
    return _ReportView(report, verbose)


def render_exercise(report: StudentReport, *, verbose: bool = False) -> RenderableType:
    """Return what `rich` prints for a report of one exercise beside its name, status and points.

    Where its file breaks, what the failing checks found and why; of one that passed, what it warned of
    and printed.
    """
    return _ExerciseView(report, verbose)


def print_report(
    console: Console, report: Shown, *, verbose: bool = False, advise: bool = True
) -> None:
    """Print one report on `console`; with `advise`, its last line says what to do next."""
    console.print(_ReportView(report, verbose, advise=advise))


def print_reports(console: Console, reports: Sequence[Shown], *, verbose: bool = False) -> None:
    """Print each report and, if there are several, a table of all at the end."""
    if len(reports) == 1:
        print_report(console, reports[0], verbose=verbose)
        return
    for report in reports:
        console.print(_ReportView(report, verbose, advise=False, several=True))
        console.print(_Rule())
    console.print(_SummaryView(reports))


def findings(report: Shown, outcome: Outcome) -> list[str]:
    """What one failing check found, a paragraph each, with all notes, for a report that is no terminal's."""
    return [line.plain.replace(GLUE, " ") for line in _found(_pen(), report, outcome)]


def explanation(failure: Failure | None) -> str | None:
    """The sentence that explains a failure; None where there was nothing to explain."""
    return _cause(_pen(), failure)


def remarks(outcomes: Iterable[Outcome]) -> list[tuple[str, str]]:
    """Pairs of ('warned', …) and ('printed', …), each said once for all `outcomes`."""
    return list(_remarks(_pen(), outcomes))


def verdict_reason(report: Shown, score: Score | CapstoneScore) -> str:
    """Why an exercise has the status that it has, where no check of it says that."""
    return _pen().paragraph(_reason(report, score))


def advice_on_status(report: Shown, score: Score) -> str:
    """What to do about a status other than failed; empty where there is nothing to say."""
    return " ".join(line.plain.strip() for line in _advice(_pen(), report, [score])).removeprefix(
        "to do"
    )


def what_next(report: Shown) -> str:
    """What to do next, in a sentence."""
    lines = _next(_pen(), report, by_topic(report))
    return " ".join(line.plain.strip() for line in lines).replace(GLUE, " ").removeprefix("next:")


def _pen() -> _Pen:
    """A pen for lines that are put elsewhere than on a console."""
    from io import StringIO

    from rich.console import Console

    console = Console(file=StringIO(), width=10_000, color_system=None)
    return _Pen(console, console.options, verbose=True)


class _ReportView:
    """One report, drawn when its console is known."""

    def __init__(
        self, report: Report, verbose: bool, *, advise: bool = True, several: bool = False
    ) -> None:
        self.report = report
        self.verbose = verbose
        self.advise = advise
        self.several = several

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        pen = _Pen(console, options, self.verbose)
        yield from _report(pen, self.report, self.advise, several=self.several)


class _ExerciseView:
    """What was found of one exercise, drawn when its console is known."""

    def __init__(self, report: Report, verbose: bool) -> None:
        self.report = report
        self.verbose = verbose

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        # Nothing stands beside it here: what a report indents by is taken off.
        wider = options.update(width=options.max_width + OUTDENT)
        pen = _Pen(console, wider, self.verbose)
        pen.told_of_verbose = True
        for line in _exercise(pen, self.report):
            yield pen.line(line[OUTDENT:])


class _Rule:
    """A line between two reports."""

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        pen = _Pen(console, options, verbose=False)
        yield Text()
        yield Text(("-" if pen.ascii else "─") * pen.table, "dim", no_wrap=True)


class _SummaryView:
    """A line for each report, drawn when its console is known."""

    def __init__(self, reports: Sequence[Report]) -> None:
        self.reports = reports

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        yield from _summary(_Pen(console, options, verbose=False), self.reports)


class _Pen:
    """Draws lines that fit the console, in characters that it can show."""

    def __init__(self, console: Console, options: ConsoleOptions, verbose: bool) -> None:
        self.console = console
        self.width = min(options.max_width, WIDEST)
        self.table = min(options.max_width, WIDEST_TABLE)
        self.verbose = verbose
        self.encoding = options.encoding
        self.ascii = options.ascii_only
        self.roomy = True  # whether the tables have cells to spare
        self.advised: set[Status] = set()
        self.told_of_verbose = False

    def own(self, text: str) -> str:
        """Text of ours, with what this console cannot show replaced."""
        if not self.ascii:
            return text
        return text.translate(ASCII).encode(self.encoding, "backslashreplace").decode(self.encoding)

    def clean(self, text: str, limit: int = 0) -> str:
        """Text of theirs on one line: control characters escaped, at most `limit` characters."""
        limit = limit or (20 if self.verbose else 1) * MAX_CHARACTERS
        if len(text) > limit:
            text = text[:limit] + "…"
        return self.own(visible(text))

    def paragraph(self, text: str, n_lines: int = 0) -> str:
        """Text of theirs on its own lines, of which the first few are kept."""
        n_lines = n_lines or (100 if self.verbose else MAX_LINES)
        lines = text.replace("\r\n", "\n").expandtabs(TAB).strip("\n").split("\n")
        kept = [self.clean(line) for line in lines[:n_lines]]
        if len(lines) > n_lines:
            kept.append(self.own(f"… {_count(len(lines) - n_lines, 'more line')}"))
        return "\n".join(kept)

    def cut(self, text: str, width: int) -> str:
        """The start of `text`, in at most `width` cells."""
        if cell_len(text) <= width:
            return text
        dots = self.own("…")
        return _fill(text, max(width - len(dots), 0)) + dots[: max(width, 0)]

    def cut_middle(self, text: str, width: int) -> str:
        """Both ends of `text`, in at most `width` cells: the end of a path says the most."""
        if cell_len(text) <= width:
            return text
        dots = self.own("…")
        room = max(width - len(dots), 0)
        end = _fill(text[::-1], (2 * room) // 3)[::-1]
        return _fill(text, room - cell_len(end)) + dots[: max(width, 0)] + end

    def glyph(self, status: Status) -> str:
        look = LOOKS[status]
        return look.ascii if self.ascii else look.glyph

    def wrap(self, text: Text, width: int) -> list[Text]:
        """Break `text` at spaces into lines of at most `width` cells."""
        lines = []
        for line in text.wrap(self.console, max(width, 8), overflow="fold"):
            line.rstrip()
            if line:  # a word as wide as the line leaves an empty one behind it
                line.plain = line.plain.replace(GLUE, " ")
                lines.append(line)
        return lines or [Text()]

    def hang(self, text: Text, *, indent: int, label: Text | None = None) -> Iterator[Text]:
        """Draw `text` from column `indent` on, with `label` to the left of its first line.

        The label carries its own indentation. One that is too long has a line to itself.
        """
        first = label or Text()
        if first.cell_len > indent - 1 and label is not None:
            yield from self.wrap(first, self.width)
            first = Text()
        for line in self.wrap(text, self.width - indent):
            yield self.line(first, " " * (indent - first.cell_len), line)
            first = Text()

    def shows_them(self) -> str:
        """How to see what is only counted; said once a report."""
        words = "" if self.told_of_verbose else f" (-v{GLUE}shows{GLUE}them)"
        self.told_of_verbose = True
        return words

    def ends(self, left: Text, right: Text) -> Text:
        """One line as wide as a table, with `left` at its left end and `right` at its right end."""
        return self.line(left, " " * (self.table - left.cell_len - right.cell_len), right)

    @staticmethod
    def line(*parts: str | Text) -> Text:
        """Put `parts` side by side on a line that rich leaves as it is."""
        text = Text.assemble(*parts, no_wrap=True, overflow="ignore")
        text.rstrip()
        return text


def _fill(text: str, width: int) -> str:
    """The longest start of `text` that is at most `width` cells wide."""
    used = 0
    for position, character in enumerate(text):
        used += cell_len(character)
        if used > width:
            return text[:position]
    return text


def _count(n: int, noun: str) -> str:
    return f"{n} {noun}" if n == 1 else f"{n} {noun}s"


def _points(value: float) -> str:
    """Points without idle zeros; rounded down, so that nearly full never reads as full."""
    return f"{math.floor(value * 100 + 1e-6) / 100:.2f}".rstrip("0").rstrip(".")


def share(earned: float, points: float) -> str:
    """What was earned of what there was."""
    return f"{_points(earned)}/{_points(points)}"


def percentage(report: Report) -> str:
    """A whole percentage; 0 % and 100 % mean none and all."""
    if not report.points:
        return "0%"
    percent = round(report.percent)
    if 0 < report.earned < report.points:
        percent = min(max(percent, 1), 99)
    return f"{percent}%"


def _pair(actual: complex, expected: complex) -> tuple[str, str]:
    """Both numbers in as few digits as tell them apart."""
    texts = ("", "")
    for digits in range(4, 18):
        texts = (_number(actual, digits), _number(expected, digits))
        if texts[0] != texts[1]:
            break
    return texts


def _number(value: complex, digits: int) -> str:
    if isinstance(value, int):
        if value.bit_length() <= 64:  # bool among them, which prints as True or False
            return str(value)
        return f"{'-' * (value < 0)}2^{value.bit_length() - 1} or more"
    if isinstance(value, float):
        return f"{value:.{digits}g}"
    return f"{value.real:.{digits}g}{value.imag:+.{digits}g}j"


# One report


def _report(pen: _Pen, report: Report, advise: bool, *, several: bool = False) -> Iterator[Text]:
    groups = by_topic(report)
    longest = max((cell_len(pen.clean(s.exercise.name)) for s in report.scores), default=0)
    pen.roomy = longest + ROOMY <= pen.table
    yield from _header(pen, report, several=several)
    if not groups:
        yield Text()
        yield from pen.hang(Text("nothing was graded: no exercise was chosen"), indent=0)
    brief = len(groups) > MANY_TOPICS and not pen.verbose
    spread = True
    for group in groups:
        line = _topic_line(pen, group, brief)
        if line is None or spread:
            yield Text()
        spread = line is None
        if line is not None:
            yield line
        else:
            yield from _topic(pen, report, group)
    if advise and groups:
        yield Text()
        yield from _next(pen, report, groups)


def _header(pen: _Pen, report: Report, *, several: bool) -> Iterator[Text]:
    full = report.points and report.earned >= report.points
    style = "bold green" if full else "bold"
    if report.withheld:
        right = Text(WITHHELD, f"bold {LOOKS[Status.TAMPERED].style}")
    else:
        right = Text.assemble(
            (f"{share(report.earned, report.points)} points", style),
            "  ",
            (percentage(report), style),
        )
        bar = _bar(pen, report)
        if pen.table >= right.cell_len + bar.cell_len + 26:
            right = Text.assemble(bar, "  ", right)
    name = pen.cut_middle(pen.clean(report.submission), pen.table - right.cell_len - 2)
    yield pen.ends(Text(name, "bold"), right)
    facts = [pen.clean(report.course)]
    if report.seed is not None:
        facts.append(f"seed {report.seed}")
    if report.isolation and (
        pen.verbose or several
    ):  # for who grades others: a learner has no use for it
        facts.append(f"isolation: {pen.clean(report.isolation)}")
    if pen.verbose:
        if report.seconds:
            facts.append(f"{report.seconds:.1f} s")
        facts.append(f"grader {pen.clean(report.version)}")
        facts += [f"{pen.clean(k)} {pen.clean(v)}" for k, v in report.environment.items()]
    joined = " ".join(
        fact.replace(" ", GLUE) + (GLUE + pen.own("·") if fact is not facts[-1] else "")
        for fact in facts
    )
    yield from pen.hang(Text(joined, "dim"), indent=0)
    for note in report.notes:
        yield from pen.hang(Text(pen.paragraph(note)), indent=6, label=Text("note:", "yellow"))


def _bar(pen: _Pen, report: Report) -> Text:
    length = 16
    full = math.floor(length * report.earned / report.points) if report.points else 0
    full = min(max(full, 0), length)
    if pen.ascii:
        return Text("#" * full + "." * (length - full))
    return Text.assemble(("━" * full, "green"), ("─" * (length - full), "dim"))


# One topic


def _total(group: TopicScores) -> Text:
    """A topic's points, where they count."""
    if group.withheld:
        return Text(f"{_points(group.points)} points withheld", "bold")
    return Text(f"{share(group.earned, group.points)} points", "bold")


def _heading(pen: _Pen, group: TopicScores) -> Text:
    right = _total(group)
    room = pen.table - right.cell_len - 2
    slug = pen.cut(pen.clean(group.slug), room)
    title = pen.cut(pen.clean(group.title), room - cell_len(slug) - 2)
    left = Text.assemble((slug, "bold"), ("  " + title if cell_len(title) > 4 else "", "dim"))
    return pen.ends(left, right)


def _topic_line(pen: _Pen, group: TopicScores, brief: bool) -> Text | None:
    """The whole topic on one line, where there is so little to say; else None."""
    statuses = {score.status for score in group.scores}
    if group.problems or len(statuses) != 1:
        return None
    status = statuses.pop()
    n = len(group.scores)
    lacking = _lacking(pen, group.scores)
    if status is Status.MISSING and len(lacking) == 1:
        (words,) = lacking
        stubs = words == STUBS
        words = f"{words}: all {n}" if stubs and n > 1 else "still a stub" if stubs else words
    elif brief and status is Status.PASSED:
        if any(outcome.warnings or outcome.printed for s in group.scores for outcome in s.outcomes):
            return None
        words = f"passed: all {n}" if n > 1 else "passed"
        if group.capstone is not None:
            if group.capstone.status is not Status.PASSED:
                return None
            words += " and the capstone"
    else:
        return None
    style = LOOKS[status].style
    right = _total(group)
    middle = Text(f"{pen.glyph(status)} {words}", style)
    room = pen.table - right.cell_len - middle.cell_len - 4
    if room < min(cell_len(pen.clean(group.slug)), LABEL):
        return None
    slug = pen.cut(pen.clean(group.slug), room)
    left = Text.assemble(
        (slug, "bold"), " " * (min(28, pen.table - 44) - cell_len(slug)), "  ", middle
    )
    return pen.ends(left, right)


STUBS = "still stubs"


def _lacking(pen: _Pen, scores: Sequence[Score]) -> dict[str, list[str]]:
    """Names of the missing functions, by what is lacking: a body, a definition, the whole file."""
    lacking: dict[str, list[str]] = {}
    for score in scores:
        if score.status is Status.MISSING:
            name = score.exercise.name
            reason = score.reason.removesuffix(f" `{name}`")
            words = STUBS if reason in ("", "still a stub") else pen.clean(reason)
            lacking.setdefault(words, []).append(pen.clean(name))
    return lacking


def _topic(pen: _Pen, report: Report, group: TopicScores) -> Iterator[Text]:
    yield _heading(pen, group)
    for problem in group.problems:
        yield from _problem(pen, problem)
    unread = [s for s in group.scores if group.problems and s.status in UNREAD]
    told = [s for s in group.scores if s not in unread and s.status is not Status.MISSING]
    yield from _rows(pen, told)
    if unread:
        names = [pen.clean(score.exercise.name) for score in unread]
        yield from _names(pen, Status.ERROR, "could not be checked", names)
    for words, names in _lacking(pen, group.scores).items():
        yield from _names(pen, Status.MISSING, words, names)
    if group.capstone is not None:
        yield _capstone_row(pen, group.capstone)
    for score in told:
        if score.status is Status.PASSED:
            yield from _passed_remarks(pen, score)
    for same, body in _blocks(pen, report, told):
        yield Text()
        yield from _block_head(pen, same)
        yield from body
    if group.capstone is not None and group.capstone.status not in (Status.PASSED, Status.WAITING):
        yield Text()
        yield from _capstone_block(pen, report, group.capstone)


def _capstone_row(pen: _Pen, score: CapstoneScore) -> Text:
    """The last line of a topic's table."""
    look = LOOKS[score.status]
    left = Text.assemble((f"  {pen.glyph(score.status)} {look.word:<{WORD}}", look.style), "  ")
    title = pen.clean(f"capstone: {score.capstone.title}")
    return pen.line(left, Text(pen.cut(title, pen.table - left.cell_len), look.style))


def _capstone_block(pen: _Pen, report: Report, score: CapstoneScore) -> Iterator[Text]:
    """Why a capstone failed."""
    look = LOOKS[score.status]
    n_failed = len(theirs(score))
    said = (
        f"{n_failed} of {len(score.outcomes)} checks failed"
        if score.status is Status.FAILED
        else look.word
    )
    text = Text.assemble(("capstone", f"bold {look.style}"), "   ", said)
    yield from pen.hang(text, indent=4, label=Text(f"  {pen.glyph(score.status)}", look.style))
    yield from _block(pen, report, score)


def _exercise(pen: _Pen, report: Report) -> Iterator[Text]:
    """What there is to say of one exercise, without its table."""
    for note in report.notes:
        yield from pen.hang(
            Text(pen.paragraph(note)), indent=12, label=Text("      note:", "yellow")
        )
    pen.width -= 2
    for problem in report.problems:
        for line in _problem(pen, problem):
            yield pen.line(" " * 6, line[4:])  # without its sign, in line with the rest
    pen.width += 2
    told = [s for s in report.scores if not (report.problems and s.status in UNREAD)]
    for score in told:
        if score.status is Status.PASSED:
            yield from _passed_remarks(pen, score)
    for words in _lacking(pen, told):
        if words != STUBS:
            yield from pen.hang(Text(words), indent=6)
    for _, body in _blocks(pen, report, [s for s in told if s.status is not Status.MISSING]):
        yield from body


def _rows(pen: _Pen, scores: Sequence[Score]) -> Iterator[Text]:
    """The table: status, function, checks passed, points; numbers at the right."""
    for score in scores:
        look = LOOKS[score.status]
        n = len(score.outcomes)
        checks = Text(f"{score.n_passed}/{n}".rjust(6) if n else " " * 6)
        if pen.roomy:
            checks.append(" checks" if n else " " * len(" checks"), "dim")
        points = share(score.earned, score.exercise.points)
        left = Text.assemble((f"  {pen.glyph(score.status)} {look.word:<{WORD}}", look.style), "  ")
        right = Text.assemble(checks, (f"{points:>8}", look.style), " " * 7 * pen.roomy)
        name = pen.cut(pen.clean(score.exercise.name), pen.table - left.cell_len - right.cell_len)
        yield pen.ends(Text.assemble(left, name), right)


def _names(pen: _Pen, status: Status, words: str, names: Sequence[str]) -> Iterator[Text]:
    look = LOOKS[status]
    text = Text.assemble((f"{words}: ", look.style), ", ".join(names))
    if words.startswith("it "):  # a clause about each of them reads better after the names
        text = Text.assemble(", ".join(names) + ": ", (words, look.style))
    yield from pen.hang(text, indent=4, label=Text(f"  {pen.glyph(status)}", look.style))


def _passed_remarks(pen: _Pen, score: Score) -> Iterator[Text]:
    """What a function that passed has warned of and printed: a line each, for information."""
    for words, text in _remarks(pen, score.outcomes, n_lines=1):
        body = Text(f"{pen.clean(score.exercise.name)} {words}: {text}", "dim")
        yield from pen.hang(body, indent=4)


def _remarks(
    pen: _Pen,
    outcomes: Iterable[Outcome],
    n_lines: int = MAX_LINES,
    headlines: Sequence[str] = (),
) -> Iterator[tuple[str, str]]:
    """Pairs of ('warned', …) and ('printed', …), each said once for all `outcomes`.

    A warning that one of the `headlines` has told is left out.
    """
    outcomes = list(outcomes)
    warnings = Counter(
        warning
        for outcome in outcomes
        for warning in outcome.warnings
        if f"the call warns: {warning}" not in headlines
    )
    if warnings:
        n_shown = len(warnings) if pen.verbose else n_lines
        shown = [
            pen.clean(warning, 120) + (pen.own(f" (×{n})") if n > 1 else "")
            for warning, n in warnings.most_common(n_shown)
        ]
        if len(warnings) > n_shown:
            shown.append(f"{len(warnings) - n_shown} more")
        yield "warned", "; ".join(shown)
    printed = list(dict.fromkeys(o.printed.strip("\r\n") for o in outcomes if o.printed.strip()))
    if printed:
        lines = "\n".join(printed)
        yield "printed", pen.paragraph(lines, 100 if pen.verbose else n_lines)


# A file that could not be loaded


def _problem(pen: _Pen, problem: Problem) -> Iterator[Text]:
    """Where the file breaks, the line, and a caret under the column."""
    place = pen.clean(problem.file, 120)
    if problem.line is not None:
        place += f", line {problem.line}"
        if problem.column is not None:
            place += f", column {problem.column}"
    look = LOOKS[Status.ERROR]
    text = Text.assemble((place, "bold"), ": ", pen.paragraph(problem.message))
    yield from pen.hang(text, indent=4, label=Text(f"  {pen.glyph(Status.ERROR)}", look.style))
    if problem.text is not None and problem.text.strip():
        for line in _source(pen, problem.text, problem.column, pen.width - 8):
            yield pen.line(" " * 6, line)


def _source(pen: _Pen, source: str, column: int | None, width: int) -> Iterator[Text]:
    """A line of source and the caret under it, in `width` cells; `column` counts from 1."""
    source = source.strip("\r\n").split("\n")[0].rstrip()
    at = len(source) if column is None else min(max(column - 1, 0), len(source))
    margin = min(len(source) - len(source.lstrip()), at)
    start = max(margin, at - width)  # a caret far to the right needs only what is near it
    cells: list[str] = []
    used = 0
    caret = 0
    for position in range(start, min(len(source) + 1, at + width + 1)):
        if position == at:
            caret = used
        if position < len(source):
            character = source[position]
            piece = " " * (TAB - used % TAB) if character == "\t" else pen.clean(character)
            cells.append(piece)
            used += cell_len(piece)
    dots = pen.own("…")
    prefix = ""
    edge = width - 1 if used <= width else 3 * width // 4  # some of what follows is seen too
    while cells and (caret > edge or (start > margin and not prefix)):
        gone = cell_len(cells.pop(0))
        caret += (len(dots) if not prefix else 0) - gone
        prefix = dots
    yield Text(pen.cut(prefix + "".join(cells), width))
    if column is not None:
        yield Text(" " * max(caret, 0) + "^", "bold red")


# Why a function failed


def _blocks(
    pen: _Pen, report: Report, scores: Sequence[Score]
) -> Iterator[tuple[list[Score], list[Text]]]:
    """Pairs of scores and what there is to say of them: one block for equal stories."""
    told: dict[tuple[Status, str], tuple[list[Score], list[Text]]] = {}
    for score in scores:
        if score.status is Status.PASSED:
            continue
        body = list(_block(pen, report, score))
        key = (score.status, "\n".join(line.plain for line in body))
        if score.status is Status.FAILED:
            key = (score.status, score.exercise.name)  # its checks are its own
        told.setdefault(key, ([], body))[0].append(score)
    for same, body in told.values():
        status = same[0].status
        advice = [] if status in pen.advised else _advice(pen, report, same)
        pen.advised.add(status)
        yield same, [*body, *advice]


def theirs(score: Score | CapstoneScore) -> list[Outcome]:
    """Outcomes that the learner has to do something about."""
    return [o for o in score.outcomes if o.status not in (Status.PASSED, *FOR_A_PERSON)]


def _block_head(pen: _Pen, same: Sequence[Score]) -> Iterator[Text]:
    score = same[0]
    look = LOOKS[score.status]
    names = ", ".join(pen.clean(each.exercise.name) for each in same)
    points = share(sum(s.earned for s in same), sum(s.exercise.points for s in same))
    n_failed = len(theirs(score))
    said = {
        Status.FAILED: f"{points} points, {n_failed} of {len(score.outcomes)} checks failed",
        Status.TIMEOUT: f"{points} points, out of time",
        Status.ERROR: f"{points} points, stopped by an error",
        Status.TAMPERED: "score withheld; a person will look at it",
        Status.UNRESOLVED: "undecided, not your fault",
        Status.GRADER_ERROR: "the grader failed, not your fault",
    }.get(score.status, f"{points} points, {look.word}")
    if score.status is Status.FAILED and not n_failed:
        said = f"{points} points"
    text = Text.assemble((names, f"bold {look.style}"), "   ", said)
    yield from pen.hang(text, indent=4, label=Text(f"  {pen.glyph(score.status)}", look.style))


def _block(pen: _Pen, report: Report, score: Score | CapstoneScore) -> Iterator[Text]:
    """What the checks of one exercise found."""
    if score.status in FOR_A_PERSON:
        yield from pen.hang(Text(pen.paragraph(_reason(report, score))), indent=6)
        for evidence in score.evidence:
            for line in as_lines(evidence):
                yield from pen.hang(Text(pen.clean(line, 400), "dim"), indent=6)
        return
    failing = theirs(score)
    groups: dict[tuple[Status, Failure | None], list[Outcome]] = {}
    for outcome in failing:
        same = next((k for k in groups if k == (outcome.status, outcome.failure)), None)
        groups.setdefault(same or (outcome.status, outcome.failure), []).append(outcome)
    entries = list(groups.values())
    shown = entries if pen.verbose else _telling(entries)
    hidden = [entry for entry in entries if entry not in shown]
    if score.status is not Status.FAILED and len(entries) <= 1:
        # one reason for all: the checks that met it add nothing to it
        yield from pen.hang(Text(pen.paragraph(_reason(report, score))), indent=6)
    elif not entries:
        reason = score.reason or "no check says why"
        yield from pen.hang(Text(pen.paragraph(reason)), indent=6)
    else:
        if score.status is Status.FAILED and score.reason:
            yield from pen.hang(Text(pen.paragraph(score.reason)), indent=6)
        yield from _checks(pen, report, shown, reason=score.reason)
    if hidden:
        n = sum(map(len, hidden))
        causes = {_sentence(entry) for entry in shown} - {None}
        n_others = sum(len(e) for e in hidden if _sentence(e) not in (None, *causes))
        more = f"and {_count(n, 'more failing check')}"
        if causes and n_others:
            more += ", for another reason" if n == 1 else f", {n_others} for another reason"
        more += pen.shows_them()
        yield from pen.hang(Text(more, "dim"), indent=6)
    headlines = [entry[0].failure.headline for entry in shown if entry[0].failure is not None]
    for words, text in _remarks(pen, failing, headlines=headlines):
        yield from pen.hang(Text(text, "dim"), indent=15, label=Text(f"      {words}", "dim"))
    ours = [o for o in score.outcomes if o.status in NOT_THEIRS]
    if ours:
        more = f"{_count(len(ours), 'check')} could not decide, not your fault"
        if pen.verbose or len(ours) <= MAX_CHECKS:
            more += f": {', '.join(pen.clean(outcome.check, 60) for outcome in ours)}"
        yield from pen.hang(Text(more, "yellow"), indent=6)


def _telling(entries: Sequence[list[Outcome]]) -> list[list[Outcome]]:
    """The first few failures; if none of them is explained, the last gives way to one that is."""
    shown, rest = list(entries[:MAX_CHECKS]), entries[MAX_CHECKS:]
    if not any(map(_sentence, shown)):
        shown[-1:] = next(([entry] for entry in rest if _sentence(entry)), shown[-1:])
    return shown


def _sentence(entry: Sequence[Outcome]) -> str | None:
    """What explains a failure, if anything does."""
    failure = entry[0].failure
    return failure.cause.sentence if failure is not None and failure.cause is not None else None


def _reason(report: Report, score: Score | CapstoneScore) -> str:
    for outcome in score.outcomes:
        if outcome.status is score.status and outcome.failure is not None:
            return outcome.failure.headline
    if score.status is Status.TIMEOUT:
        return score.reason or f"no answer within {report.timeout:g} s"
    return score.reason or "no reason was given"


def _checks(
    pen: _Pen, report: Report, entries: Sequence[list[Outcome]], *, reason: str
) -> Iterator[Text]:
    """Each failing check with what it found, and why; what explains all of them comes first."""
    labels = [pen.clean(entry[0].check, 120) for entry in entries]
    room = min(LABEL, pen.width // 4)
    indent = 6 + 2 + min(max(len(label) for label in labels), room)
    causes = [_cause(pen, entry[0].failure) for entry in entries]
    found = {cause for cause in causes if cause is not None}
    one = len(set(causes)) == 1 or found == {UNEXPLAINED}
    if one and found and not (reason and found == {UNEXPLAINED}):
        yield from pen.hang(_why(found.pop()), indent=6)
    first: dict[str, str] = {}
    for entry, label, cause in zip(entries, labels, causes, strict=True):
        lines = list(_found(pen, report, entry[0]))
        if cause is not None and not one:
            said = pen.own(f"the same as in {first[cause]}") if cause in first else cause
            lines.append(_why(said))
            if cause != UNEXPLAINED:
                first.setdefault(cause, label)
        if len(entry) > 1:
            lines.append(Text(_the_same(pen, entry[1:]), "dim"))
        head: Text | None = Text(f"      {label}", "cyan")
        for line in lines:
            yield from pen.hang(line, indent=indent, label=head)
            head = None


def _the_same(pen: _Pen, others: Sequence[Outcome]) -> str:
    if pen.verbose:
        return f"the same in {', '.join(pen.clean(outcome.check, 60) for outcome in others)}"
    return f"the same in {_count(len(others), 'more check')}{pen.shows_them()}"


UNEXPLAINED = "unexplained"

FORMULA = re.compile(r"\([^()]{1,16}\)")
"""A factor in brackets, at whose spaces a formula is not broken."""


def _why(cause: str) -> Text:
    if cause == UNEXPLAINED:
        return Text(f"why: {UNEXPLAINED}", "dim")
    whole = FORMULA.sub(lambda found: found[0].replace(" ", GLUE), cause)
    return Text.assemble(("why: ", "bold yellow"), whole)


def _cause(pen: _Pen, failure: Failure | None) -> str | None:
    """The sentence that explains a failure; None where there was nothing to explain."""
    if failure is None or (failure.cause is None and failure.mismatch is None):
        return None
    if failure.cause is None:
        return UNEXPLAINED
    sentence = failure.cause.sentence
    if failure.cause.kind == "mistake" and not sentence.startswith("this is what you get"):
        sentence = f"this is what you get when {sentence}"
    return pen.clean(sentence)


def _found(pen: _Pen, report: Report, outcome: Outcome) -> Iterator[Text]:
    """What one check found: the headline or the worst entry, how many more, and notes."""
    failure = outcome.failure
    if failure is None:
        yield Text(
            {
                Status.TIMEOUT: f"no answer within {report.timeout:g} s",
                Status.ERROR: "the submission's process ended",
                Status.MISSING: "called a function that is still a stub",
            }.get(outcome.status, "failed, and the check gives no reason")
        )
        return
    mismatch = failure.mismatch
    if mismatch is None or not _repeats(failure.headline, mismatch):
        yield Text(pen.paragraph(failure.headline))
    if mismatch is not None:
        yield from _mismatch(pen, mismatch)
    n_notes = len(failure.notes) if pen.verbose else MAX_LINES - 1
    for note in failure.notes[:n_notes]:
        yield Text(pen.paragraph(note), "dim")
    if len(failure.notes) > n_notes:
        yield Text(_count(len(failure.notes) - n_notes, "more note"), "dim")


def _repeats(headline: str, mismatch: Mismatch) -> bool:
    """Whether the headline says no more than the worst entry will say."""
    rest = headline.removeprefix(mismatch.name).lstrip()
    return headline.startswith(mismatch.name) and (
        rest in ("is wrong", "is wrong.") or ", expected " in rest
    )


def _mismatch(pen: _Pen, mismatch: Mismatch) -> Iterator[Text]:
    """The worst entry in named axes, how far off it is, and which others are wrong."""
    place = pen.clean(mismatch.name, 60)
    if mismatch.index:
        axes = [pen.clean(axis, 30) for axis in mismatch.axes[: len(mismatch.index)]]
        named = zip_longest(axes, mismatch.index, fillvalue="")
        place += "[" + ", ".join(f"{axis} {i}".strip() for axis, i in named) + "]"
    actual, expected = _pair(mismatch.actual, mismatch.expected)
    line = Text.assemble(
        (place.replace(" ", GLUE), "bold"),
        " is ",
        (actual.replace(" ", GLUE), "red"),
        ", expected ",
        (expected.replace(" ", GLUE), "green"),
    )
    if math.isfinite(mismatch.error) and not isinstance(mismatch.expected, bool):
        whole = isinstance(mismatch.expected, int) and mismatch.error == int(mismatch.error)
        off = f"(off by {mismatch.error:{'.6g' if whole else '.1e'}}"
        off += f", tolerance {mismatch.tolerance:.1e})" if mismatch.tolerance else ")"
        line.append(" " + off.replace(" ", GLUE), "dim")
    yield line
    if mismatch.n_total == 1:
        return
    if mismatch.n_wrong == mismatch.n_total:
        yield Text(f"all {mismatch.n_total} entries are wrong")
        return
    verb = "is" if mismatch.n_wrong == 1 else "are"
    counted = f"{mismatch.n_wrong} of {mismatch.n_total} entries"
    pattern = pen.clean(mismatch.pattern, 200)
    if mismatch.n_wrong == 1 or pattern == counted:
        pattern = ""  # the place is named above, or the count is all that is known
    yield Text(f"{counted} {verb} wrong" + (f": {pattern}" if pattern else ""))


def _advice(pen: _Pen, report: Report, same: Sequence[Score]) -> list[Text]:
    """What to do about a status, said once a report."""
    name = _called(same[0])
    seed = f", with its seed {report.seed}," if report.seed is not None else ""
    words = {
        Status.TIMEOUT: "look for a loop that never ends, or write Python loops as array "
        f"operations; one call may take {report.timeout:g} s",
        Status.ERROR: "run the function by itself and look for what ends its process: exit(), "
        "endless recursion, too much memory",
        Status.TAMPERED: "this is no verdict: show this report to whoever runs the course",
        Status.UNRESOLVED: f"{_command(pen, 'check', name)} tries again; if it stays undecided, show this "
        "report to whoever runs the course",
        Status.GRADER_ERROR: f"nothing is held against you: show this report{seed} to whoever runs the course",
    }.get(same[0].status)
    if words is None:
        return []
    return list(pen.hang(Text(words), indent=13, label=Text("      to do", "bold")))


def _called(score: Score) -> str:
    """What the commands call the exercise: its topic's name alone would mean the whole topic."""
    name, topic = score.exercise.name, score.exercise.topic
    return f"{topic}/{name}" if name == topic else name


def _command(pen: _Pen, verb: str, name: str) -> str:
    return f"`grader {verb} {pen.clean(name)}`".replace(" ", GLUE)


def _next(pen: _Pen, report: Report, groups: Sequence[TopicScores]) -> Iterator[Text]:
    """One line: what to do next."""

    def first(*statuses: Status) -> str | None:
        scores = (score for group in groups for score in group.scores)
        return next((_called(s) for s in scores if s.status in statuses), None)

    problem = next((p for g in groups for p in g.problems), None)
    broken = first(Status.FAILED, Status.ERROR, Status.TIMEOUT)
    stub = first(Status.MISSING)
    ours = first(*FOR_A_PERSON)
    if problem is not None:
        comma = "," if ", " in problem.file else ""  # of a notebook's cell
        line = f"{comma} line {problem.line}" if problem.line is not None else ""
        words = f"mend {pen.clean(problem.file, 60)}{line}"
        name = next((_called(g.scores[0]) for g in groups if g.problems and g.scores), None)
        words += f", then {_command(pen, 'check', name)}" if name else ", then check it again"
    elif (name := broken or stub) is not None:
        words = f"{_command(pen, 'show', name)}, then {_command(pen, 'check', name)}"
    elif ours is not None:
        words = "the rest is not in your hands: show this report to whoever runs the course"
    elif (topic := _failed_capstone(groups)) is not None:
        words = f"each function of {pen.clean(topic)} passes alone, but not all together: read its "
        words += "capstone's section in the statement"
    else:
        yield from pen.hang(Text("every function checked passes", "bold green"), indent=0)
        return
    yield from pen.hang(Text(words), indent=6, label=Text("next:", "bold"))


def _failed_capstone(groups: Sequence[TopicScores]) -> str | None:
    """The first topic whose capstone was run and did not pass."""
    for group in groups:
        if group.capstone is not None and group.capstone.status not in (
            Status.PASSED,
            Status.WAITING,
        ):
            return group.slug
    return None


# Several reports


def _summary(pen: _Pen, reports: Sequence[Report]) -> Iterator[Text]:
    """A line for each submission: points, and how many functions passed, failed, are missing."""
    if not reports:
        yield Text("nothing was graded: no submission was found")
        return
    heads = ("points", "", "passed", "failed", "missing")
    names = [pen.clean(report.submission) for report in reports]
    rows = [_numbers(report) for report in reports]
    widths = [max(len(cell) for cell in column) for column in zip(heads, *rows, strict=True)]
    taken = sum(widths) + 2 * len(widths)
    room = max(min(max(cell_len(name) for name in names), pen.width - taken), len("submission"))
    yield _summary_row("submission", heads, room, widths, [""] * len(heads))
    for report, name, row in zip(reports, names, rows, strict=True):
        styles = ["", "", "green", "red", ""]
        styles = ["dim" if cell == "0" else style for cell, style in zip(row, styles, strict=True)]
        line = _summary_row(pen.cut_middle(name, room), row, room, widths, styles)
        remarks = Text(", ".join(_look_at(report)), "yellow")
        if not remarks or line.cell_len + 2 + remarks.cell_len <= pen.width:
            yield pen.line(line, "  ", remarks)
        else:
            yield line
            yield from pen.hang(remarks, indent=4)
    graded = [report.percent for report in reports if not report.withheld]
    words = _count(len(reports), "submission")
    if graded:
        words += f", mean {math.fsum(graded) / len(graded):.0f}%"
    if withheld := len(reports) - len(graded):
        words += f", {withheld} withheld"
    yield Text()
    yield pen.line(Text(words, "bold"))


def _summary_row(
    name: str, cells: Sequence[str], room: int, widths: Sequence[int], styles: Sequence[str]
) -> Text:
    line = Text(name + " " * (room - cell_len(name)), no_wrap=True, overflow="ignore")
    for cell, width, style in zip(cells, widths, styles, strict=True):
        line.append(f"  {cell:>{width}}", style)
    return line


def _numbers(report: Report) -> tuple[str, ...]:
    of = Counter(score.status for score in report.scores)
    failed = of[Status.FAILED] + of[Status.ERROR] + of[Status.TIMEOUT]
    counts = (of[Status.PASSED], failed, of[Status.MISSING])
    if report.withheld:
        return ("withheld", "", *map(str, counts))
    return (share(report.earned, report.points), percentage(report), *map(str, counts))


def _look_at(report: Report) -> list[str]:
    """What a person should see to in this report, whatever its points."""
    of = Counter(score.status for score in report.scores)
    found = [f"{of[status]} {LOOKS[status].word}" for status in FOR_A_PERSON[::-1] if of[status]]
    return [*found, "not readable"] if report.problems else found
