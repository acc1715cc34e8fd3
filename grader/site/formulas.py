"""A LaTeX formula as MathML, made when the site is built: browsers draw it without a script."""

from __future__ import annotations

import re
from functools import cache
from typing import TYPE_CHECKING, Final

from grader.report.formula import formula

if TYPE_CHECKING:
    from math_core import LatexToMathML

MACROS: Final = {"substack": r"\begin{subarray}{c}#1\end{subarray}"}
"""Commands of our statements that the converter does not know."""

_COMMENT: Final = re.compile(r"(?<!\\)%")


class FormulaError(Exception):
    """A formula that cannot be converted; the message says why."""


def mathml(latex: str, *, display: bool) -> str:
    """A formula as a `<math>` element; its attribute `alttext` is the formula as text.

    Raises
    ------
    FormulaError : a command is not known, or the formula is not whole.
    """
    from math_core import LatexError

    if _COMMENT.search(latex):
        raise FormulaError(r"a percent sign begins a comment in LaTeX; write \%")
    try:
        element = _converter().convert_with_local_state(latex, displaystyle=display)
    except LatexError as error:
        raise FormulaError(str(error)) from None
    from html import escape

    text = escape(plain(latex))
    return element.replace("<math", f'<math alttext="{text}"', 1)


def plain(latex: str) -> str:
    """A formula as one line of text, for titles and for the search."""
    return " ".join(formula(latex, ()).split())


@cache
def _converter() -> LatexToMathML:
    from math_core import LatexToMathML

    return LatexToMathML(macros=MACROS, fancy_error=False)
