"""Our Markdown as HTML: read by the parser that reads it for the terminal, so that both show the same text."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from html import escape
from pathlib import Path
from typing import TYPE_CHECKING, Any

from grader.errors import ContentError
from grader.report.statement import parser
from grader.site.formulas import FormulaError, mathml, plain

if TYPE_CHECKING:
    from markdown_it.token import Token

Resolve = Callable[[str], str]
"""Where a link of the Markdown leads on the site."""


class Writer:
    """Writes the Markdown of one file as HTML.

    Parameters
    ----------
    file : for errors.
    resolve : gives for a link's target the one on the site.
    """

    def __init__(self, file: Path, resolve: Resolve) -> None:
        self.file = file
        self.resolve = resolve
        self._parser = parser()
        rules: dict[str, Callable[[Sequence[Token], int], str]] = {
            "formula": lambda tokens, at: self._formula(tokens[at].content, bool(tokens[at].info)),
            "formula_block": lambda tokens, at: self._formula(tokens[at].content, True) + "\n",
            "fence": lambda tokens, at: code_block(tokens[at].content, tokens[at].info.strip()),
            "code_block": lambda tokens, at: code_block(tokens[at].content, ""),
            "html_block": lambda tokens, at: "",  # as in the terminal
            "html_inline": lambda tokens, at: "",
            "link_open": self._link,
        }
        for name, rule in rules.items():
            self._parser.add_render_rule(name, _as_method(rule))

    def tokens(self, text: str) -> list[Token]:
        """The tokens of a text."""
        return self._parser.parse(text)

    def html(self, text: str | Sequence[Token]) -> str:
        """Blocks: paragraphs, lists, tables.

        Raises
        ------
        ContentError : a formula cannot be converted, or a link leads nowhere.
        """
        tokens = self._parser.parse(text) if isinstance(text, str) else text
        written: str = self._parser.renderer.render(tokens, self._parser.options, {})
        return written

    def inline(self, text: str | Sequence[Token]) -> str:
        """A line of text: a title, a point of a list.

        Raises
        ------
        ContentError : as for `html`.
        """
        tokens = self._inline_tokens(text) if isinstance(text, str) else text
        renderer: Any = self._parser.renderer  # its protocol leaves the method out
        written: str = renderer.renderInline(tokens, self._parser.options, {})
        return written

    def text(self, text: str | Sequence[Token]) -> str:
        """The same without any markup, formulas as text."""
        tokens = self._inline_tokens(text) if isinstance(text, str) else text
        return "".join(
            plain(token.content) if token.type == "formula" else
            " " if token.type == "softbreak" else token.content
            for token in tokens
        )  # fmt: skip

    def _inline_tokens(self, text: str) -> list[Token]:
        (block,) = self._parser.parseInline(text)
        return block.children or []

    def _formula(self, latex: str, display: bool) -> str:
        try:
            element = mathml(latex, display=display)
        except FormulaError as error:
            shown = " ".join(latex.split())
            raise ContentError(self.file, f"formula ${shown}$", str(error)) from None
        if not display:
            return f'<span class="gs-inline">{element}</span>'
        return f'<span class="gs-formula">{element}</span>'

    def _link(self, tokens: Sequence[Token], at: int) -> str:
        target = self.resolve(str(tokens[at].attrs["href"]))
        outside = ' rel="noopener noreferrer"' if "://" in target else ""
        return f'<a href="{escape(target)}"{outside}>'


def code_block(code: str, language: str) -> str:
    """A block of code, with the classes that the theme colours."""
    from pygments import highlight
    from pygments.formatters import HtmlFormatter
    from pygments.lexers import get_lexer_by_name
    from pygments.util import ClassNotFound

    if language == "python" and code.startswith(">>> "):
        language = "pycon"
    try:
        lexer = get_lexer_by_name(language or "text", stripnl=False)
    except ClassNotFound:
        lexer = get_lexer_by_name("text", stripnl=False)
    written: str = highlight(code, lexer, HtmlFormatter(cssclass="highlight", wrapcode=True))
    return written


def _as_method(rule: Callable[[Sequence[Token], int], str]) -> Callable[..., str]:
    """A rule in the form in which the renderer calls it."""

    def method(_: object, tokens: Sequence[Token], at: int, *rest: Any) -> str:
        return rule(tokens, at)

    return method
