"""A statement in the terminal: Markdown, with its formulas as readable text.

Two rules in the Markdown grammar find the formulas, so that an asterisk in a formula is no
emphasis, and a dollar in code no formula. What rich would draw otherwise than we like (headings,
blocks of code) and what it does not know (formulas) is rewritten into paragraphs of parsed tokens.
"""

from __future__ import annotations

import re
import unicodedata
from typing import TYPE_CHECKING, Final

from grader.report.formula import formula, spelled_indices

if TYPE_CHECKING:
    from collections.abc import Container, Iterable, Iterator

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

BREAK_BEFORE: Final = frozenset("=≤≥<>≈≠∈←→⇒⟹⇔+−·×⊙∑∏")
"""Outside brackets a formula is broken before one of these, behind a comma, and at a wide gap."""

UNDERLINES: Final = {"h1": "═", "h2": "─"}
"""What tells a heading from a bold word where there are no styles."""

STYLES: Final = {
    "markdown.code": "cyan",
    "markdown.table.header": "bold",
    "markdown.table.border": "dim",
    "markdown.block_quote": "none",
}
"""Styles that are seen on dark and on light ground; some of rich's own paint boxes."""

ASCII: Final = str.maketrans("•▌═─…−–—×·’‘“”", "*|=-.---x*''\"\"")
"""Look-alikes for a console without Unicode, of the same width."""


def print_statement(console: Console, text: str) -> None:
    """Print a Markdown statement on `console`.

    Displayed formulas (`$$…$$`) have lines to themselves. On a console without Unicode formulas
    stay in LaTeX.
    """
    from rich.markdown import Markdown
    from rich.theme import Theme

    width = min(console.width, WIDEST)
    document = Markdown("")
    document.parsed = list(_rewritten(_parsed(text), width, console.options.ascii_only))
    with console.use_theme(Theme(STYLES)):
        console.print(_Clean(document), width=width)


class _Clean:
    """What another renderable draws, cut to the width, with nothing that acts on a terminal."""

    def __init__(self, inner: RenderableType) -> None:
        self.inner = inner

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        from rich.segment import Segment

        drawn = console.render(self.inner, options)
        for line in Segment.split_and_crop_lines(
            drawn, options.max_width, pad=False, include_new_lines=False
        ):
            texts = [_visible(segment.text, options) for segment in line]
            while texts and not (last := texts[-1].rstrip()):
                texts.pop()
            if texts:
                texts[-1] = last
            for text, segment in zip(texts, line, strict=False):
                yield Segment(text, segment.style)
            yield Segment.line()


def _visible(text: str, options: ConsoleOptions) -> str:
    text = text.replace(GLUE, " ")
    if not text.isprintable():
        text = "".join(c for c in text if unicodedata.category(c) not in ("Cc", "Cf", "Cs", "Co"))
    if options.ascii_only:
        text = text.translate(ASCII).encode(options.encoding, "replace").decode(options.encoding)
    return text


# Parsing


def _parsed(text: str) -> list[Token]:
    from markdown_it import MarkdownIt

    parser = MarkdownIt("commonmark").enable(["table", "strikethrough"])
    parser.inline.ruler.before("escape", "formula", _inline_formula)
    interrupts = {"alt": ["paragraph", "reference", "blockquote", "list"]}
    parser.block.ruler.before("fence", "formula", _block_formula, interrupts)
    return parser.parse(text)


def _inline_formula(state: StateInline, silent: bool) -> bool:
    """`$…$` and `$$…$$` within a line, by the rule that keeps prices out.

    The opening dollar has no space behind it, the closing one has none before it and no digit
    behind it.
    """
    source, start = state.src, state.pos
    mark = "$$" if source.startswith("$$", start) else "$"
    found = re.compile(rf"{re.escape(mark)}(?!\s)((?:\\.|[^$\\])+?)(?<!\s){re.escape(mark)}(?![\d$])", re.DOTALL).match(source, start)
    return False


def _block_formula(state: StateBlock, start: int, end: int, silent: bool) -> bool:
    return False


def _rewritten(tokens: Iterable[Token], width: int, latex: bool) -> Iterator[Token]:
    yield from tokens
