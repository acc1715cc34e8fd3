"""A learner's Python file taken apart: what it defines and imports at its top, and which lines that takes."""

from __future__ import annotations

import ast
import re
import warnings
from collections.abc import Iterator
from dataclasses import dataclass

from grader.errors import WorkspaceError

_LINE = re.compile(r"[^\r\n]*(?:\r\n|\r|\n)|[^\r\n]+")


@dataclass(frozen=True, slots=True)
class Piece:
    """A function, a class or a constant.

    Attributes
    ----------
    text : its lines, without blanks at their ends; decorators too.
    first, last : the lines, from 1, both ends included.
    head : `text` without a function's body: its decorators, signature and docstring.
    stub : whether it is a function that does nothing but raise NotImplementedError.
    uses : the names that stand in it.
    """

    text: str
    first: int
    last: int
    head: str
    stub: bool
    uses: frozenset[str]


@dataclass(frozen=True, slots=True)
class Parts:
    """A file's definitions by name, its imports a name each, and the line behind which another import may stand."""

    pieces: dict[str, Piece]
    imports: dict[str, None]
    behind: int


def lines_of(text: str) -> list[str]:
    """The lines with their ends, as Python counts them: a form feed or a U+2028 ends none."""
    return _LINE.findall(text)


def tree_of(text: str, file: str, consequence: str) -> ast.Module:
    """A file's text, parsed.

    Raises
    ------
    WorkspaceError : it is not Python, "so `consequence`".
    """
    try:
        with warnings.catch_warnings():
            warnings.simplefilter(
                "ignore"
            )  # invalid escapes: theirs, and told when the file is run
            return ast.parse(text)
    except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
        line = f", line {error.lineno}" if isinstance(error, SyntaxError) and error.lineno else ""
        raise WorkspaceError(
            f"{file}{line}: is not Python, so {consequence}; mend that first"
        ) from None


def parts_of(text: str, file: str, consequence: str) -> Parts:
    """What a file defines at its top; of what is defined twice, the last.

    Raises
    ------
    WorkspaceError : it is not Python, "so `consequence`".
    """
    lines = lines_of(text)
    pieces: dict[str, Piece] = {}
    imports: dict[str, None] = {}
    behind, defined = 0, False
    for index, node in enumerate(tree_of(text, file, consequence).body):
        end = node.end_lineno or node.lineno
        if isinstance(node, ast.Import | ast.ImportFrom):
            imports.update(dict.fromkeys(_imports(node)))
            behind = behind if defined else end
        elif index == 0 and isinstance(node, ast.Expr):
            behind = end  # the docstring
        elif (name := _name(node)) is not None:
            defined = True
            pieces[name] = _piece(node, lines)
    return Parts(pieces, imports, behind)


def clean(text: str) -> str:
    """Lines without blanks at their ends, which editors take away, and one line end at the end."""
    return "".join(f"{line.rstrip()}\n" for line in lines_of(text)).rstrip("\n") + "\n"


def _piece(node: ast.stmt, lines: list[str]) -> Piece:
    end = node.end_lineno or node.lineno
    decorators: list[ast.expr] = getattr(node, "decorator_list", [])
    first = min([node.lineno, *(each.lineno for each in decorators)])
    text = clean("".join(lines[first - 1 : end]))
    head, stub = text, False
    if isinstance(node, ast.FunctionDef):
        documented = ast.get_docstring(node, clean=False) is not None
        body = node.body[1:] if documented else node.body
        stop = node.body[0].end_lineno if documented else node.body[0].lineno - 1
        head = clean("".join(lines[first - 1 : stop]))
        stub = len(body) == 1 and _gives_up(body[0])
    uses = frozenset(each.id for each in ast.walk(node) if isinstance(each, ast.Name))
    return Piece(text, first, end, head, stub, uses)


def _gives_up(node: ast.stmt) -> bool:
    """Whether a statement raises NotImplementedError."""
    raised = node.exc if isinstance(node, ast.Raise) else None
    raised = raised.func if isinstance(raised, ast.Call) else raised
    return isinstance(raised, ast.Name) and raised.id == "NotImplementedError"


def _name(node: ast.stmt) -> str | None:
    """What a statement defines, if it is one name."""
    if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
        return node.name
    if isinstance(node, ast.Assign) and len(node.targets) == 1:
        target = node.targets[0]
    elif isinstance(node, ast.AnnAssign):
        target = node.target
    else:
        return None
    return target.id if isinstance(target, ast.Name) else None


def _imports(node: ast.Import | ast.ImportFrom) -> Iterator[str]:
    """The statement as several, of one name each."""
    for alias in node.names:
        what = alias.name + (f" as {alias.asname}" if alias.asname else "")
        if isinstance(node, ast.Import):
            yield f"import {what}"
        else:
            yield f"from {'.' * node.level}{node.module or ''} import {what}"
