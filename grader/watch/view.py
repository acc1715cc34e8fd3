"""The screen for a state: lines that fit it. Pure; the console is asked for the width of text and for its colours."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from rich.cells import cell_len
from rich.console import Console, ConsoleDimensions
from rich.text import Text

from grader.model import RUNGS, Exercise, Stage, Status
from grader.report.code import print_difference, print_function
from grader.report.hints import print_hints
from grader.report.statement import print_statement
from grader.report.terminal import ASCII, LOOKS, render_exercise
from grader.watch.state import Page, State, Verdict, next_open

WIDEST = 100
"""Cells of the widest line, as in a report."""
BAR = 12
"""Cells of the bar in the header."""
MAX_NOTICE = 3
"""Lines of a notice."""
PATIENCE = 0.25
"""Seconds of a check before it is told of: most are over sooner, and a word that flashes disturbs."""

STAGES = {
    Stage.NEW: ("○", "o", "new", "dim"),
    Stage.TRIED: ("◐", "~", "tried", "yellow"),
    Stage.SOLVED: ("✓", "+", "solved", "green"),
    Stage.GAVE_UP: ("–", "-", "gave up", "magenta"),
}
"""A stage's sign, its sign in ASCII, its word, its style."""

HELP = (
    ("h", "one more hint: the concept, the equation, the shapes, the line"),
    ("H", "the hints that you had so far"),
    ("t", "the task: what the function has to do"),
    ("n  p", "the next exercise that is not done; the previous one"),
    ("l", "the list of all exercises; Enter goes to one"),
    ("o", "open the function in your editor ($VISUAL or $EDITOR)"),
    ("c  Enter", "check again; saving the file does it by itself"),
    ("v", "show every failing check, or the first few"),
    ("s", "the solution, once the exercise has passed"),
    ("S", "give up: the solution before that; it is remembered"),
    ("f", "draw the topic's figures from your functions"),
    ("space  b", "scroll; so do the arrows, j and k, g and G"),
    ("q  Esc", "back to the verdict; from there q ends the program, as Ctrl-C does"),
)

FOOTERS: dict[Page, tuple[tuple[str, str], ...]] = {
    Page.VERDICT: (
        ("h", "hint"), ("n", "next"), ("l", "list"), ("t", "task"), ("s", "solution"), ("o", "open"),
        ("p", "previous"), ("f", "figures"), ("c", "check"), ("v", "all checks"),
    ),
    Page.TASK: (("space", "down"), ("b", "up"), ("h", "hint"), ("o", "open"), ("n", "next")),
    Page.HINTS: (("h", "next hint"), ("S", "give up"), ("t", "task"), ("o", "open"), ("n", "next")),
    Page.SOLUTION: (("space", "down"), ("b", "up"), ("n", "next"), ("l", "list")),
    Page.LIST: (("j k", "move"), ("Enter", "go"), ("space b", "pages")),
    Page.HELP: (),
}  # fmt: skip
"""Keys of each page, what matters most first: those that fit are shown."""
ENDS: dict[bool, tuple[tuple[str, str], ...]] = {
    True: (("?", "help"), ("q", "quit")),
    False: (("?", "help"), ("q", "back")),
}
"""Keys that are always shown last: on the page of the verdict, and on the others."""


@dataclass(frozen=True, slots=True)
class Frame:
    """The lines of a screen, and how far its page could be scrolled of what was asked for."""

    lines: tuple[Text, ...]
    scroll: int


def frame(state: State, console: Console, width: int, height: int, waited: float = 0.0) -> Frame:
    """The screen for a state, at most `width` cells wide and `height` lines high.

    Parameters
    ----------
    waited : seconds for which the check has been under way.
    """
    pen = _Pen(console, min(width, WIDEST))
    body = _body(pen, state, waited)
    header, footer = _header(pen, state), _footer(pen, state)
    notice = pen.wrap(Text(state.notice, "yellow"))[:MAX_NOTICE] if state.notice else []
    if height < 10:  # no room for rules and titles
        header, ruled = header[: height >= 5], False
        footer = footer if height >= 3 else []
    else:
        ruled = True
    room = height - len(header) - len(footer) - len(notice) - 2 * ruled
    if room < 1:
        notice, room = [], max(1, height - len(header) - len(footer))
    n_hidden = max(0, len(body) - room)
    scroll = min(state.scroll, n_hidden)
    if state.page is Page.LIST:
        scroll = min(max(_cursor_line(state) - room // 2, 0), n_hidden)
    shown = body[scroll : scroll + room]
    above, below = scroll, n_hidden - scroll
    more = f"{below} more {'line' if below == 1 else 'lines'}: space" if below else ""
    before = f"{above} {'line' if above == 1 else 'lines'} above: b" if above else ""
    if not ruled and more and len(shown) > 1:
        shown[-1] = pen.line(Text(f"{below + 1} more lines: space", "dim"))
    shown += [Text()] * (room - len(shown))
    lines = [*header, *shown, *notice, *footer]
    if ruled:
        lines = [*header, pen.rule(before), *shown, *notice, pen.rule(more), *footer]
    return Frame(tuple(lines[:height]), scroll if state.page is not Page.LIST else state.scroll)


def verdict_block(state: State, verdict: Verdict, console: Console) -> list[Text]:
    """A verdict and what was found, for output that is not a screen."""
    return _verdict(_Pen(console, min(console.width, WIDEST)), state, verdict, keys=False)


class _Pen:
    """Draws lines of one width, in characters that the console can show."""

    def __init__(self, console: Console, width: int) -> None:
        self.console = console
        self.width = max(width, 1)
        self.ascii = console.options.ascii_only

    def own(self, text: str) -> str:
        """Text of ours, with what this console cannot show replaced."""
        return text.translate(ASCII).encode("ascii", "replace").decode() if self.ascii else text

    def line(self, *parts: str | Text | tuple[str, str]) -> Text:
        """One line, cut to the width."""
        text = Text.assemble(*parts, no_wrap=True, overflow="ignore")
        text.plain = self.own(text.plain)
        text.truncate(self.width, overflow="crop" if self.ascii else "ellipsis")
        return text

    def ends(self, left: Text, right: Text) -> Text:
        """One line with something at both its ends; the left one gives way."""
        room = self.width - right.cell_len - 2
        if room < 8:
            return self.line(left)
        left = left.copy()
        left.plain = self.own(left.plain)
        left.truncate(room, overflow="crop" if self.ascii else "ellipsis")
        return self.line(left, " " * (self.width - left.cell_len - right.cell_len), right)

    def rule(self, words: str = "") -> Text:
        """A line across, with words in it at the right."""
        dash = "-" if self.ascii else "─"
        if not words or len(words) + 8 > self.width:
            return Text(dash * self.width, "dim", no_wrap=True, overflow="ignore")
        left = self.width - len(words) - 5
        return self.line((dash * left + " ", "dim"), words, (" " + dash * 3, "dim"))

    def wrap(self, text: Text, indent: int = 0) -> list[Text]:
        """A paragraph."""
        text.plain = self.own(text.plain)
        lines = text.wrap(self.console, max(self.width - indent, 8), overflow="fold")
        return [self.line(" " * indent, line) for line in lines]

    def printed(self, print_on: Callable[[Console], None], indent: int = 0) -> list[Text]:
        """The lines that something prints on a console of this width."""
        console = self.console
        size = console.width, console.height
        console.width = max(self.width - indent, 8)
        try:
            with console.capture() as got:
                print_on(console)
        finally:
            console.size = ConsoleDimensions(*size)
        lines = got.get().rstrip("\n").split("\n")
        return [self.line(" " * indent, Text.from_ansi(line)) for line in lines]


# ---- header and footer


def _header(pen: _Pen, state: State) -> list[Text]:
    exercise = state.current
    topic = state.course.topic(exercise.topic)
    total = len(state.course.exercises)
    full = BAR * state.n_solved // total if total else 0
    bar = ("#" if pen.ascii else "━") * full, ("." if pen.ascii else "─") * (BAR - full)
    count = f"  {state.n_solved}/{total} solved"
    right = Text.assemble((bar[0], "green"), (bar[1], "dim"), count)
    first = pen.ends(Text.assemble((exercise.name, "bold"), "  ", exercise.title), right)
    second = pen.ends(Text(topic.title, "dim"), Text(_place(state, exercise), "cyan"))
    return [first, second]


def _place(state: State, exercise: Exercise) -> str:
    """Where the function stands, as editors and terminals understand it."""
    version = state.versions.get(exercise.topic)
    line = version.lines.get(exercise.name) if version is not None else None
    file = f"{exercise.topic}/{exercise.topic}.py"
    if version is not None and version.file.endswith(".ipynb"):
        return version.file  # a line of the cells together says nothing
    return f"{file}:{line}" if line is not None else file


def _footer(pen: _Pen, state: State) -> list[Text]:
    ends = ENDS[state.page is Page.VERDICT]
    keys = list(FOOTERS[state.page])
    passed = state.verdict is not None and state.verdict.status is Status.PASSED
    if state.page is Page.VERDICT and passed:
        keys.sort(key=lambda pair: pair[0] != "n")
    done = state.of(state.current)
    if state.page is Page.HINTS and done.rungs >= len(RUNGS):
        keys = [pair for pair in keys if pair[0] != "h"]
    if done.solved or done.stage is Stage.GAVE_UP:
        keys = [("s", "solution") if pair[0] == "S" else pair for pair in keys]
    while keys and _taken([*keys, *ends]) > pen.width:
        keys.pop()
    shown = [*keys, *ends]
    text = Text()
    for number, (key, word) in enumerate(shown):
        offered = passed and key == "n" and state.page is Page.VERDICT
        text.append("  " if number else "")
        text.append(key, "bold green" if offered else "bold")
        text.append(f" {word}", "green" if offered else "dim")
    return [pen.line(text)]


def _taken(keys: Sequence[tuple[str, str]]) -> int:
    return sum(len(key) + len(word) + 3 for key, word in keys) - 2


# ---- pages


def _body(pen: _Pen, state: State, waited: float) -> list[Text]:
    match state.page:
        case Page.VERDICT:
            return _verdict_page(pen, state, waited)
        case Page.TASK:
            return _task(pen, state)
        case Page.HINTS:
            return _hints(pen, state)
        case Page.SOLUTION:
            return _solution(pen, state)
        case Page.LIST:
            return _list(pen, state)
        case Page.HELP:
            return _help(pen)


def _verdict_page(pen: _Pen, state: State, waited: float) -> list[Text]:
    verdict = state.verdict
    told = state.checking and (verdict is None or waited >= PATIENCE)
    if told:
        seconds = f" for {waited:.0f} s" if waited >= 1 else ""
        head = [pen.line((f"… checking{seconds}", "bold"))]
        if waited >= 1:
            head += pen.wrap(Text("one call may take some seconds; a save starts over", "dim"), 2)
        if verdict is None or verdict.status is Status.MISSING:
            return head
        before = _verdict(pen, state, verdict)[1:]  # what is being mended can still be read
        for line in before:
            line.stylize("dim")
        return [*head, *before]
    if verdict is None:
        return [pen.line(("not checked yet: c checks it", "dim"))]
    lines = _verdict(pen, state, verdict)
    if verdict.status is Status.MISSING and (task := _task(pen, state)):
        lines += [Text(), *task]
    return lines


def _verdict(pen: _Pen, state: State, verdict: Verdict, *, keys: bool = True) -> list[Text]:
    """The status with its counts, and why."""
    look = LOOKS[verdict.status]
    glyph = look.ascii if pen.ascii else look.glyph
    status = (f"{glyph} {look.word}", f"bold {look.style}")
    head = Text.assemble(status, "   ", _counts(state, verdict))
    lines = [pen.ends(head, Text(verdict.clock, "dim"))]
    if verdict.report is None:
        return [*lines, *pen.wrap(Text(verdict.message), 2)]
    if verdict.status is Status.MISSING:
        place = _place(state, state.current)
        lines += pen.wrap(Text(f"write it in {place} and save: the verdict appears here"), 2)
    if verdict.status is Status.PASSED:
        lines += _passed(pen, state, verdict, keys=keys)
    report = verdict.report
    found = pen.printed(lambda c: c.print(render_exercise(report, verbose=state.verbose)))
    if any(line.plain.strip() for line in found):
        lines += [Text(), *found]
    return lines


def _counts(state: State, verdict: Verdict) -> str:
    """How many checks, and how long it took."""
    score = verdict.score
    if score is None or verdict.report is None:
        return "the check could not be run"
    if verdict.status is Status.MISSING:
        return score.reason or "still a stub"
    n = len(score.outcomes)
    seconds = f"{verdict.report.seconds:.2f} s"
    if verdict.report.problems:
        return f"{verdict.report.problems[0].file} cannot be loaded"
    if verdict.status is Status.PASSED:
        return f"{n} of {n} checks, {seconds}"
    return f"{score.n_passed} of {n} checks pass, {seconds}"


def _passed(pen: _Pen, state: State, verdict: Verdict, *, keys: bool) -> list[Text]:
    """The celebration of a first pass, and where to go on."""
    name, topic = state.current.name, state.course.topic(state.current.topic)
    star = "*" if pen.ascii else "★"
    lines = [Text()]
    solved = sum(state.of(exercise).solved for exercise in topic.exercises)
    if verdict.first:
        words = f"{star} {name} passes for the first time"
        if state.n_solved == len(state.course.exercises):
            words += ": every exercise of the course is solved!"
        elif solved == len(topic.exercises):
            words += f", and with it all of {topic.slug}!"
        else:
            words += f": {solved} of {len(topic.exercises)} of {topic.slug}!"
        lines += pen.wrap(Text(words, "bold green"))
    if solved == len(topic.exercises) and topic.capstone is not None:
        words = f"`grader check {topic.slug}` now runs them together: {topic.capstone.title}"
        lines += pen.wrap(Text(words), 2)
    following = next_open(state)
    if following is not None:
        go = ("n", "bold green") if keys else "next"
        lines.append(pen.line("  ", go, f"  {following.name}: {following.title}"))
    elif not verdict.first:
        lines.append(pen.line("  every exercise has passed or was given up"))
    return lines


def _task(pen: _Pen, state: State) -> list[Text]:
    text = state.statements.get(state.current.name)
    if text is None:
        return []
    return pen.printed(lambda console: print_statement(console, text))


def _hints(pen: _Pen, state: State) -> list[Text]:
    rungs = state.of(state.current).rungs
    lines = pen.printed(lambda c: print_hints(c, state.current, rungs, bare=True))
    if rungs < len(RUNGS):
        return [*lines, Text(), pen.line((f"h shows the {RUNGS[rungs]}", "dim"))]
    key = "s" if state.of(state.current).solved else "S"
    return [*lines, Text(), pen.line((f"that was the last one; {key} shows the solution", "dim"))]


def _solution(pen: _Pen, state: State) -> list[Text]:
    solution = state.solutions.get(state.current.name)
    if solution is None:
        return []
    lines = pen.printed(lambda console: print_function(console, solution.text))
    if solution.difference is not None:
        difference = solution.difference
        lines += pen.printed(lambda console: print_difference(console, difference))
    return lines


def _help(pen: _Pen) -> list[Text]:
    lines = []
    for key, words in HELP:
        first, *rest = Text(words).wrap(pen.console, max(pen.width - 12, 8))
        lines.append(pen.line("  ", (key.ljust(10), "bold"), first))
        lines += [pen.line(" " * 12, line) for line in rest]
    return lines


# ---- the list


def _cursor_line(state: State) -> int:
    """The line of the list on which the cursor stands."""
    line = number = 0
    for topic in state.course.topics:
        line += 1
        if state.cursor < number + len(topic.exercises):
            return line + state.cursor - number
        line += len(topic.exercises)
        number += len(topic.exercises)
    return line


def _list(pen: _Pen, state: State) -> list[Text]:
    lines = []
    longest = max(cell_len(exercise.name) for exercise in state.course.exercises)
    number = 0
    for topic in state.course.topics:
        solved = sum(state.of(exercise).solved for exercise in topic.exercises)
        left = Text.assemble((topic.slug, "bold"), "  ", (topic.title, "dim"))
        lines.append(pen.ends(left, Text(f"{solved}/{len(topic.exercises)} solved", "dim")))
        for exercise in topic.exercises:
            lines.append(_row(pen, state, exercise, longest, at_cursor=number == state.cursor))
            number += 1
    return lines


def _row(pen: _Pen, state: State, exercise: Exercise, longest: int, *, at_cursor: bool) -> Text:
    glyph, plain, word, style = STAGES[state.of(exercise).stage]
    mark = ">" if at_cursor else " "
    here = exercise == state.current
    name = exercise.name.ljust(longest)
    left = Text.assemble(
        f"{mark} ", (plain if pen.ascii else glyph, style), "  ", (name, "bold" if here else ""),
        "  ", (exercise.title, "dim"),
    )  # fmt: skip
    line = pen.ends(left, Text(("here, " if here else "") + word, style))
    if at_cursor:
        line.stylize("reverse")
    return line
