"""Solutions to stubs: text in, text out.

A solution file is the one source of its topic. Each exercise is a public top-level function whose
body, docstring aside, stands between `### BEGIN SOLUTION` and `### END SOLUTION`. The stub is that
file with each region replaced, byte for byte as nbgrader's `ClearSolutions` does it; but where
nbgrader takes any line that *contains* a marker, here a marker that is not exact is an error.
"""

from __future__ import annotations

import ast
import io
import re
import tokenize
import warnings
from dataclasses import dataclass
from typing import NoReturn

from grader.errors import ContentError, MarkerError

BEGIN = "### BEGIN SOLUTION"
END = "### END SOLUTION"
PLACEHOLDER = ("# YOUR CODE HERE", "raise NotImplementedError()")
"""What a region becomes, a line each: nbgrader's `code_stub` for Python."""

_NEAR_MISS = re.compile(
    r"(?:BEGIN|END) SOLUTION"  # nbgrader takes these anywhere in a line
    r"|\#{3}[ \t]*\w+[ \t]+SOLUTIONS?\b"
    r"|(?i:\#[\#\s]*(?:begin|end|start|stop)[\s_-]*sol(?!v)\w*)"  # but `# begin solving` is prose
)


@dataclass(frozen=True, slots=True)
class _Region:
    """A pair of markers: their lines, counted from 1, and their indentation."""

    begin: int
    end: int
    indent: str


def make_stub(source: str, file: str) -> str:
    """What the learner gets: `source` with each solution region replaced by a placeholder.

    Text outside the regions, line ends included, is kept as it is. A source without markers is
    returned unchanged.

    Parameters
    ----------
    source : the text of a solution file, with ``\\n`` line ends.
    file : its name, for messages.

    Raises
    ------
    MarkerError : a marker is stray, nested, unclosed, misspelt, in a string or in brackets, or its
        pair differs in indentation; or what is left over is not Python.
    ContentError : `source` is not Python.
    """
    _parse(source, file)
    lines = source.split("\n")
    kept: list[str] = []
    position = 0
    regions = _regions(source, file)
    for region in regions:
        kept += lines[position : region.begin - 1]
        kept += [region.indent + line for line in PLACEHOLDER]
        position = region.end
    stub = "\n".join(kept + lines[position:])
    try:
        _parse(stub, file)
    except ContentError as error:
        _refuse(
            file,
            regions[0].begin,
            f"without the solution regions the file is not Python ({error.fix}); "
            "put whole statements between the markers, at the markers' indentation",
        )
    return stub


def bare_solution(source: str) -> str:
    """A solution file's text without the marker lines."""
    lines = source.split("\n")
    return "\n".join(line for line in lines if line.strip(" \t") not in (BEGIN, END))


def solution_functions(source: str, file: str) -> dict[str, str]:
    """The exercises of a solution file, in order: name to signature.

    An exercise is a top-level function whose name does not start with an underscore. The signature
    is as in the source, without annotations and on one line: ``softmax(z, axis=-1)``.

    Parameters
    ----------
    source : the text of a solution file, with ``\\n`` line ends.
    file : its name, for messages.

    Raises
    ------
    MarkerError : as `make_stub`; or the body of an exercise, docstring aside, does not stand
        within exactly one region; or a region stands outside every exercise.
    ContentError : `source` is not Python; an exercise is `async` or is defined twice.
    """
    tree = _parse(source, file)
    lines = source.split("\n")
    regions = _regions(source, file)
    functions: dict[str, str] = {}
    claimed: set[_Region] = set()
    for index, node in enumerate(tree.body):
        if not isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)):
            continue
        if node.name.startswith("_"):
            continue
        if isinstance(node, ast.AsyncFunctionDef):
            raise ContentError(file, node.name, "an exercise is a plain function; drop `async`")
        if node.name in functions:
            raise ContentError(file, node.name, "is defined twice; keep one definition")
        after = _first_line(tree.body[index + 1]) if index + 1 < len(tree.body) else len(lines) + 1
        own = [region for region in regions if node.lineno < region.begin < after]
        _check_body(node, own, after, lines, file)
        claimed.update(own)
        functions[node.name] = _signature(node, lines)
    for region in regions:
        if region not in claimed:
            _refuse(
                file,
                region.begin,
                "a solution region stands outside every exercise; "
                "move it into a public top-level function or remove its markers",
            )
    return functions


def _refuse(file: str, line: int, fix: str) -> NoReturn:
    raise MarkerError(file, f"line {line}", fix)


def _parse(source: str, file: str) -> ast.Module:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # invalid escapes: the linter's business
            return ast.parse(source)
    except SyntaxError as error:
        line = f"line {error.lineno or 1}"
        raise ContentError(file, line, f"is not valid Python: {error.msg}") from None
    except (ValueError, RecursionError, MemoryError) as error:
        raise ContentError(file, "line 1", f"cannot be parsed as Python: {error}") from None


def _regions(source: str, file: str) -> list[_Region]:
    """The marker pairs, in order; MarkerError where they are not well formed."""
    if "\r" in source:
        where = source[: source.index("\r")].count("\n") + 1
        _refuse(file, where, "ends with a carriage return; save the file with \\n line ends")
    regions: list[_Region] = []
    begin: tuple[int, str] | None = None
    for number, line in enumerate(source.split("\n"), start=1):
        text = line.strip(" \t")
        indent = line[: len(line) - len(line.lstrip(" \t"))]
        if text == BEGIN:
            if begin is not None:
                _refuse(
                    file,
                    number,
                    f"`{BEGIN}` inside the region begun on line {begin[0]}; close that one first",
                )
            begin = number, indent
        elif text == END:
            if begin is None:
                _refuse(file, number, f"`{END}` without a `{BEGIN}` before it; add or remove one")
            if begin[1] != indent:
                _refuse(
                    file,
                    number,
                    f"`{END}` is not indented as its `{BEGIN}` on line {begin[0]}; align the two",
                )
            regions.append(_Region(begin[0], number, indent))
            begin = None
        elif _NEAR_MISS.search(line):
            _refuse(
                file,
                number,
                f"`{text[:60]}` is like a marker but is none; "
                f"write `{BEGIN}` or `{END}` alone on its line, or reword it",
            )
    if begin is not None:
        _refuse(file, begin[0], f"`{BEGIN}` is never closed; add `{END}` below the solution")
    if regions:
        _check_comments(regions, source, file)
    return regions


def _check_comments(regions: list[_Region], source: str, file: str) -> None:
    """Markers are comments between statements: not text in a string, not inside brackets."""
    comments: dict[int, int] = {}
    depth = 0
    try:
        for token in tokenize.generate_tokens(io.StringIO(source).readline):
            if token.type == tokenize.COMMENT:
                comments[token.start[0]] = depth
            elif token.type == tokenize.OP:
                depth += (token.string in "([{") - (token.string in ")]}")
    except (tokenize.TokenError, SyntaxError) as error:
        raise ContentError(file, "line 1", f"is not valid Python: {error}") from None
    for region in regions:
        for number in (region.begin, region.end):
            if number not in comments:
                _refuse(file, number, "the marker stands inside a string; move it out or reword it")
            if comments[number]:
                _refuse(
                    file, number, "the marker stands inside brackets; put it between statements"
                )


def _check_body(
    node: ast.FunctionDef, own: list[_Region], after: int, lines: list[str], file: str
) -> None:
    """MarkerError unless the body of `node` is its docstring and then exactly one region."""
    documented = ast.get_docstring(node, clean=False) is not None
    body = node.body[1:] if documented else node.body
    if not own:
        raise MarkerError(
            file, node.name, f"has no solution region; put its body between `{BEGIN}` and `{END}`"
        )
    if len(own) > 1:
        raise MarkerError(
            file,
            node.name,
            f"has {len(own)} solution regions (lines {', '.join(str(r.begin) for r in own)}); "
            "put the whole body in one",
        )
    [region] = own
    if region.end >= after:
        raise MarkerError(
            file,
            node.name,
            f"its region runs past the function, to line {region.end}; close it at the body's end",
        )
    if documented and region.begin <= (node.body[0].end_lineno or 0):
        raise MarkerError(
            file,
            node.name,
            f"its docstring stands inside the region; move `{BEGIN}` below the docstring",
        )
    if not body:
        raise MarkerError(file, node.name, "has no solution: the region is empty; write one")
    for statement in body:
        first, last = _first_line(statement), statement.end_lineno or statement.lineno
        if not region.begin < first <= last < region.end:
            raise MarkerError(
                file,
                node.name,
                f"line {first} is solution outside the region of lines {region.begin} to "
                f"{region.end}; the whole body, docstring aside, goes between the markers",
            )
    text = lines[_first_line(body[0]) - 1]
    if region.indent != text[: len(text) - len(text.lstrip(" \t"))]:
        raise MarkerError(
            file,
            node.name,
            f"the markers on lines {region.begin} and {region.end} are not indented as the body "
            "they enclose; align them",
        )


def _first_line(node: ast.stmt) -> int:
    """The line a statement starts on, its decorators included."""
    decorators: list[ast.expr] = getattr(node, "decorator_list", [])
    return min([node.lineno, *(decorator.lineno for decorator in decorators)])


def _signature(node: ast.FunctionDef, lines: list[str]) -> str:
    """``name(a, b=1, *, c)``: defaults as written, so that ``1e-8`` stays ``1e-8``."""
    arguments = node.args
    positional = [*arguments.posonlyargs, *arguments.args]
    defaults: list[ast.expr | None] = [None] * (len(positional) - len(arguments.defaults))
    defaults += arguments.defaults
    parts = [
        _parameter(parameter, default, lines)
        for parameter, default in zip(positional, defaults, strict=True)
    ]
    if arguments.posonlyargs:
        parts.insert(len(arguments.posonlyargs), "/")
    if arguments.vararg:
        parts.append(f"*{arguments.vararg.arg}")
    elif arguments.kwonlyargs:
        parts.append("*")
    parts += [
        _parameter(parameter, default, lines)
        for parameter, default in zip(arguments.kwonlyargs, arguments.kw_defaults, strict=True)
    ]
    if arguments.kwarg:
        parts.append(f"**{arguments.kwarg.arg}")
    return f"{node.name}({', '.join(parts)})"


def _parameter(parameter: ast.arg, default: ast.expr | None, lines: list[str]) -> str:
    return parameter.arg if default is None else f"{parameter.arg}={_segment(default, lines)}"


def _segment(node: ast.expr, lines: list[str]) -> str:
    """The text of an expression, on one line; `ast` counts columns in UTF-8 bytes."""
    assert node.end_lineno is not None
    assert node.end_col_offset is not None
    span = [line.encode() for line in lines[node.lineno - 1 : node.end_lineno]]
    span[-1] = span[-1][: node.end_col_offset]
    span[0] = span[0][node.col_offset :]
    return " ".join(line.decode().strip() for line in span)
