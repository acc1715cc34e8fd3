"""A statement in the terminal: Markdown, with its formulas as readable text.

Two rules in the Markdown grammar find the formulas, so that an asterisk in a formula is no
emphasis, and a dollar in code no formula. What rich would draw otherwise than we like (headings,
blocks of code) and what it does not know (formulas) is rewritten into paragraphs of parsed tokens.
"""

from __future__ import annotations

import re
import unicodedata
from itertools import pairwise
from typing import TYPE_CHECKING, Final, Literal

from rich.cells import cell_len

from grader.report.formula import formula, spelled_indices

if TYPE_CHECKING:
    from collections.abc import Container, Iterable, Iterator

    from markdown_it import MarkdownIt
    from markdown_it.ruler import RuleOptionsType
    from markdown_it.rules_block import StateBlock
    from markdown_it.rules_inline import StateInline
    from markdown_it.token import Token
    from rich.console import Console, ConsoleOptions, RenderableType, RenderResult

    from grader.report.formula import Index

WIDEST: Final = 100
"""Longer lines are hard to follow, however wide the terminal."""

UNBROKEN: Final = 28
"""Cells of the longest formula, and of the longest piece of code, that a line end never splits."""

LONGEST_PIECE: Final = 44
"""Cells of the longest part of a formula that is kept together: half a usual line."""

INDENT: Final = 4
"""Cells before a displayed formula and before a block of code; twice that where one goes on."""

NESTED: Final = 4
"""Cells that a list or a quotation takes off the width of what it holds."""

GLUE: Final = "\ue000"
"""Stands for a space at which a line must not be broken (rich breaks at a no-break space)."""

BREAK_BEFORE: Final = ("=≤≥<>≈≠≡∼∝∈←→⇒⟹⇔", "+−", "·×⊙∑∏")
"""Outside brackets a formula is broken before one of the first, if need be before one of the next;
and behind a comma."""

OPERATORS: Final = frozenset("".join(BREAK_BEFORE)) - frozenset("∑∏")
"""What is not left alone at the end of a line."""

UNDERLINES: Final = {"h1": "═", "h2": "─"}
"""What tells a heading from a bold word where there are no styles."""

_INLINE: Final = re.compile(
    r"\$\$(?P<display>(?:\\.|[^$\\`])+)\$\$|\$(?!\s)(?P<line>(?:\\.|[^$\\`])+)(?<!\s)\$(?!\d)",
    re.DOTALL,
)
_BLOCK: Final = re.compile(r"\$\$((?:\\.|[^$\\])+)\$\$", re.DOTALL)
_NUMERAL: Final = re.compile(r" +\d+ ")
GAPS: Final = (re.compile(" {3,}"), re.compile(" {2,}"))
_CONTAINERS: Final = frozenset(
    f"{name}_{end}" for name in ("bullet_list", "ordered_list", "blockquote")
    for end in ("open", "close")
)  # fmt: skip

STYLES: Final = {
    "markdown.code": "cyan",
    "markdown.item.bullet": "bold",
    "markdown.item.number": "bold",
    "markdown.table.header": "bold",
    "markdown.table.border": "dim",
    "markdown.block_quote": "none",
}
"""Styles that are seen on dark and on light ground; some of rich's own paint boxes."""

GLYPHS: Final = str.maketrans("•▌═─", "*|=-")
"""What is drawn around the text, on a console without Unicode."""


def print_statement(console: Console, text: str) -> None:
    """Print a Markdown statement on `console`.

    Displayed formulas (`$$…$$`) have lines to themselves. On a console without Unicode formulas
    stay in LaTeX.
    """
    from rich.markdown import Markdown
    from rich.theme import Theme

    if console.options.ascii_only:
        from grader.report.terminal import ASCII

        text = text.translate(ASCII)
    width = min(console.width, WIDEST)
    document = Markdown("")
    document.parsed = list(_rewritten(parser().parse(text), width, console.options.ascii_only))
    with console.use_theme(Theme(STYLES)):
        console.print(_Clean(document), width=width)


class _Clean:
    """What another renderable draws, cut to the width, with nothing that acts on a terminal."""

    def __init__(self, inner: RenderableType) -> None:
        self.inner = inner

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        from rich.segment import Segment

        drawn = console.render(self.inner, options)
        number = console.get_style("markdown.item.number")
        blank = True
        for line in Segment.split_and_crop_lines(
            drawn, options.max_width, pad=False, include_new_lines=False
        ):
            texts = [_visible(segment.text, options) for segment in line]
            while texts and not (last := texts[-1].rstrip()):
                texts.pop()
            if texts:
                texts[-1] = last
            for text, segment in zip(texts, line, strict=False):
                numeral = segment.style == number and _NUMERAL.fullmatch(text)
                yield Segment(f"{text[1:-1]}. " if numeral else text, segment.style)
            if texts or not blank:
                yield Segment.line()
            blank = not texts


def _visible(text: str, options: ConsoleOptions) -> str:
    text = text.replace(GLUE, " ")
    if not text.isprintable():
        text = "".join(c for c in text if unicodedata.category(c) not in ("Cc", "Cf", "Cs", "Co"))
    if options.ascii_only:
        text = text.translate(GLYPHS).encode(options.encoding, "replace").decode(options.encoding)
    return text


# Parsing


def parser() -> MarkdownIt:
    """A parser of Markdown that knows formulas: tokens `formula` (`info` is ``"display"`` or empty) and
    `formula_block`, with the LaTeX as their content."""
    from markdown_it import MarkdownIt

    parser = MarkdownIt("commonmark").enable(["table", "strikethrough"])
    parser.inline.ruler.before("escape", "formula", _inline_formula)
    interrupts: RuleOptionsType = {"alt": ["paragraph", "reference", "blockquote", "list"]}
    parser.block.ruler.before("fence", "formula", _block_formula, interrupts)
    return parser


def one_line(text: str, *, ascii_only: bool = False) -> str:
    """A title or sentence in Markdown as one line of plain text, with its formulas as text."""
    if ascii_only:
        from grader.report.terminal import ASCII

        text = text.translate(ASCII)
    tokens = parser().parseInline(text)
    spelled = spelled_indices(_formulas(tokens))
    parts = []
    for token in tokens[0].children or []:
        if token.type == "formula":
            latex = " ".join(token.content.split())
            parts.append(
                latex if ascii_only else formula(token.content, spelled).replace("\n", "; ")
            )
        elif token.type in ("softbreak", "hardbreak"):
            parts.append(" ")
        else:
            parts.append(token.content)
    line = " ".join("".join(parts).split())
    return line.encode("ascii", "replace").decode() if ascii_only else line


def _inline_formula(state: StateInline, silent: bool) -> bool:
    """Read `$…$` or `$$…$$` within a line.

    Prices are kept out by pandoc's rule: no space behind the opening dollar or before the closing
    one, and no digit behind that. A formula holds no backtick, for then it would cut code in two.
    """
    found = _INLINE.match(state.src, state.pos, state.posMax)
    if found is None:
        return False
    if not silent:
        token = state.push("formula", "", 0)
        token.content = found["line"] or found["display"]
        token.info = "display" if found["display"] else ""
    state.pos = found.end()
    return True


def _block_formula(state: StateBlock, start: int, end: int, silent: bool) -> bool:
    """Read `$$…$$` on lines of its own, without a blank one."""
    lines: list[str] = []
    for number in range(start, end):
        line = state.src[state.bMarks[number] + state.tShift[number] : state.eMarks[number]].strip()
        if not line or state.is_code_block(start) or state.sCount[number] < state.blkIndent:
            return False
        lines.append(line)
        if found := _BLOCK.fullmatch("\n".join(lines)):
            break
        if (not line.startswith("$$") and number == start) or "$$" in line[2:]:
            return False
    else:
        return False
    if not silent:
        token = state.push("formula_block", "", 0)
        token.content = found[1]
        token.map = [start, number + 1]
        state.line = number + 1
    return True


# Rewriting


def _rewritten(tokens: list[Token], width: int, latex: bool) -> Iterator[Token]:
    """The tokens that rich gets to see; formulas stay as they are written if `latex`."""
    write = _Writer(spelled_indices(_formulas(tokens)), latex)
    heading = ""
    for token in tokens:
        if token.type in _CONTAINERS:
            width -= NESTED * token.nesting
        if token.type in ("heading_open", "heading_close"):
            heading = token.tag if token.nesting == 1 else ""
            yield _token(f"paragraph_{token.type[8:]}", "p", token.nesting)
        elif token.type == "inline":
            token.children = list(write.inline(token.children or [], width))
            if heading:
                token.children = list(_heading(token.children, heading, width))
            yield token
        elif token.type == "formula_block":
            yield from _lines("text", "", write.display(token.content, width))
        elif token.type in ("fence", "code_block"):
            code = token.content.expandtabs(4).rstrip("\n").replace(" ", GLUE)
            yield from _lines("code_inline", "code", code.split("\n"))
        elif token.type != "html_block":
            yield token


class _Writer:
    """Writes the formulas of one statement."""

    def __init__(self, spelled: Container[Index], latex: bool) -> None:
        self.spelled = spelled
        self.latex = latex

    def text(self, source: str) -> str:
        return " ".join(source.split()) if self.latex else formula(source, self.spelled)

    def inline(self, tokens: Iterable[Token], width: int) -> Iterator[Token]:
        leads = False  # whether the link leads somewhere from a terminal: links hold no links
        for token in tokens:
            if token.type == "link_open":
                leads = "://" in str(token.attrs.get("href", ""))
            if token.type in ("link_open", "link_close") and not leads:
                continue
            if token.type == "formula" and token.info == "display":
                yield _token("hardbreak", "br", 0)
                for line in self.display(token.content, width):
                    yield _token("text", "", 0, GLUE * INDENT + line)
                    yield _token("hardbreak", "br", 0)
            elif token.type == "formula":
                yield _token("text", "", 0, _glued(self.text(token.content).replace("\n", "; ")))
            elif token.type == "code_inline":
                yield _token("code_inline", "code", 0, _glued_code(token.content))
            elif token.type != "html_inline":
                token.children = token.children and list(self.inline(token.children, width))
                yield token

    def display(self, source: str, width: int) -> list[str]:
        """The lines of a displayed formula; where it is too long, one for each equation."""
        room = max(width - INDENT, 1)
        lines: list[str] = []
        for row in self.text(source).split("\n"):
            parts = [row]
            for gap in GAPS:
                parts = [p for part in parts for p in _split(part, gap, room)]
            for part in parts:
                lines += _filled(_pieces(part, room - INDENT), room)
        return [
            line.replace(" ", GLUE)
            if cell_len(line) <= room
            else line.replace(" " * INDENT, GLUE * INDENT)
            for line in lines
        ]


def _formulas(tokens: Iterable[Token]) -> Iterator[str]:
    for token in tokens:
        if token.type in ("formula", "formula_block"):
            yield token.content
        yield from _formulas(token.children or [])


def _glued(text: str) -> str:
    """A formula within a paragraph, with spaces only where it may be broken."""
    if cell_len(text) <= UNBROKEN:
        return text.replace(" ", GLUE)
    return " ".join(
        piece.replace(" ", GLUE) if cell_len(piece) <= LONGEST_PIECE else piece
        for piece in _pieces(text, LONGEST_PIECE)
    )


def _glued_code(text: str) -> str:
    """A piece of code, with spaces only where fewest brackets would be cut in two."""
    if cell_len(text) <= UNBROKEN or " " not in text:
        return text.replace(" ", GLUE)
    depth = 0
    spaces: dict[int, int] = {}
    for place, character in enumerate(text):
        depth += (character in "([{") - (character in ")]}")
        if character == " ":
            spaces[place] = depth
    lowest = min(spaces.values())
    places = [-1, *(place for place, at in spaces.items() if at == lowest), len(text)]
    return " ".join(_glued_code(text[a + 1 : b]) for a, b in pairwise(places))


def _split(text: str, gap: re.Pattern[str], room: int) -> list[str]:
    return [text] if cell_len(text) <= room else gap.split(text)


def _pieces(text: str, room: int, level: int = 0) -> Iterator[str]:
    """Cut a formula where it may be broken; pieces longer than `room` are cut at a lower level."""
    if level == len(BREAK_BEFORE):
        yield text
        return
    pieces: list[str] = []
    depth = 0
    before = ""
    for word in text.split(" "):
        starts = word[:1] in BREAK_BEFORE[level] and before not in OPERATORS
        if not pieces or (depth == 0 and (before.endswith((",", ";")) or (word and starts))):
            pieces.append(word)
        else:
            pieces[-1] += f" {word}"
        depth += sum((c in "([⟨⌊⌈") - (c in ")]⟩⌋⌉") for c in word)
        before = word
    for piece in pieces:
        if cell_len(piece) <= room:
            yield piece
        else:
            yield from _pieces(piece, room, level + 1)


def _filled(pieces: Iterable[str], room: int) -> Iterator[str]:
    """Put as many pieces on a line as fit; the second line and later ones are indented."""
    line = ""
    for piece in pieces:
        longer = f"{line} {piece}" if line else piece
        if line.strip() and cell_len(longer) > room:
            yield line
            longer = " " * INDENT + piece
        line = longer
    yield line


def _heading(children: list[Token], level: str, width: int) -> Iterator[Token]:
    """A heading in bold, underlined if it is one of the upper two levels."""
    yield _token("strong_open", "strong", 1)
    yield from children
    yield _token("strong_close", "strong", -1)
    if level in UNDERLINES:
        cells = sum(cell_len(child.content) for child in children)
        yield _token("hardbreak", "br", 0)
        yield _token("text", "", 0, UNDERLINES[level] * min(cells, width))


def _lines(kind: str, tag: str, lines: Iterable[str]) -> Iterator[Token]:
    """A paragraph of lines that are left as they are, indented."""
    children: list[Token] = []
    for line in lines:
        children += [_token(kind, tag, 0, GLUE * INDENT + line), _token("hardbreak", "br", 0)]
    inline = _token("inline", "", 0)
    inline.children = children[:-1]
    yield from (_token("paragraph_open", "p", 1), inline, _token("paragraph_close", "p", -1))


def _token(kind: str, tag: str, nesting: Literal[-1, 0, 1], content: str = "") -> Token:
    from markdown_it.token import Token

    return Token(kind, tag, nesting, content=content)
