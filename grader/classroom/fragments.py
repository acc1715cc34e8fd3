"""Code as fragments: runs of syntax in which comments, layout, docstrings and the names of variables leave no trace.

A file is parsed, never run. Each top-level statement becomes the sequence of its syntax nodes, outer before inner; a
fragment is `LENGTH` consecutive nodes, as a number. A variable is a variable, whatever it is called; names of
attributes and of built-in functions, operators and numbers stay. Unlike winnowing (Schleimer, Wilkerson and Aiken
2003, "Winnowing: local algorithms for document fingerprinting", SIGMOD), which keeps a sample of the fragments of a
large collection, all are kept.
"""

from __future__ import annotations

import ast
import builtins
import hashlib
import re
import warnings
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache

import numpy as np
from numpy.typing import NDArray

LENGTH = 12
"""Nodes of a fragment: about a line of arithmetic. Fewer are met by chance, more are broken by any change."""
MAX_NODES = 200_000
"""Of one file; the longest solution has 8,000. What stands behind them is not compared."""
_INNER_IMPORT = re.compile(r"^[ \t]+from[ \t]|:[ \t]*from[ \t]|;[ \t]*from[ \t]", re.MULTILINE)
"""Where ``from numpy import exp`` may stand inside of a function; most files need no search for it."""
_UNSEEN = ("annotation", "returns", "ctx", "type_comment", "type_params")
_FIELDS: dict[type[ast.AST], tuple[str, ...]] = {
    kind: tuple(name for name in reversed(kind._fields) if name not in _UNSEEN)
    for kind in vars(ast).values()
    if isinstance(kind, type) and issubclass(kind, ast.AST)
}
"""The fields of a node that are looked at, the last first."""
_BUILTINS = frozenset(dir(builtins))
_MULTIPLIER = np.uint64(0x9E3779B97F4A7C15)
"""Odd, with its bits well mixed: that of Fibonacci hashing."""


@dataclass(frozen=True, slots=True)
class Part:
    """A top-level statement of a file: a function as a rule.

    Attributes
    ----------
    name : of a function or class; empty for other code.
    first, last : its lines, from 1.
    told : the lines of its docstring; none as an empty range.
    fragments : a number for each, in the order of the code.
    starts, ends : the first and the last line of each fragment.
    """

    name: str
    first: int
    last: int
    told: range
    fragments: NDArray[np.uint64]
    starts: NDArray[np.int64]
    ends: NDArray[np.int64]


def parts(text: str) -> list[Part] | None:
    """The parts of a file, without imports; None where it is not Python."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter(
                "ignore"
            )  # invalid escapes: theirs, and told when the file is run
            tree = ast.parse(text)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return None
    inside = ast.walk(tree) if _INNER_IMPORT.search(text) else tree.body
    imported = {
        alias.asname or alias.name: alias.name
        for node in inside
        if isinstance(node, ast.ImportFrom)
        for alias in node.names
    }
    found = []
    left = MAX_NODES
    for node in tree.body:
        if isinstance(node, ast.Import | ast.ImportFrom):
            continue
        codes: list[int] = []
        lines: list[int] = []
        for word, line in _words(node, imported):
            codes.append(_code(word))
            lines.append(line)
            if len(codes) >= left:
                break
        left -= len(codes)
        found.append(_part(node, codes, lines))
        if left <= 0:
            break
    return found


def _part(node: ast.stmt, codes: list[int], lines: list[int]) -> Part:
    name = getattr(node, "name", "")
    decorators: list[ast.expr] = getattr(node, "decorator_list", [])
    first = min([node.lineno, *(each.lineno for each in decorators)])
    last = node.end_lineno or node.lineno
    told = _docstring(node)
    if len(codes) < LENGTH:
        none = np.zeros(0, np.int64)
        return Part(name, first, last, told, none.astype(np.uint64), none, none)
    runs = np.lib.stride_tricks.sliding_window_view(np.array(codes, np.uint64), LENGTH)
    hashes = np.zeros(len(runs), np.uint64)
    for column in runs.T:
        hashes = hashes * _MULTIPLIER + column  # modulo 2^64
    at = np.lib.stride_tricks.sliding_window_view(np.array(lines, np.int64), LENGTH)
    return Part(name, first, last, told, hashes, at.min(axis=1), at.max(axis=1))


def _docstring(node: ast.stmt) -> range:
    body: list[ast.stmt] = getattr(node, "body", [])
    if body and isinstance(body[0], ast.Expr) and isinstance(body[0].value, ast.Constant):
        return range(body[0].lineno, (body[0].end_lineno or body[0].lineno) + 1)
    return range(0)


def _words(root: ast.stmt, imported: dict[str, str]) -> Iterator[tuple[str, int]]:
    """The nodes below a statement, outer before inner, each as a word with its line; no recursion."""
    stack: list[tuple[ast.AST, int]] = [(root, root.lineno)]
    while stack:
        node, line = stack.pop()
        line = getattr(node, "lineno", line)
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant):
            continue  # a docstring, or another value that is thrown away
        if isinstance(node, ast.Import | ast.ImportFrom):
            continue
        if isinstance(node, ast.Name):
            if node.id in imported:  # exp(x) after `from numpy import exp` is np.exp(x)
                yield f"Attribute {imported[node.id]}", line
                yield "Name", line
            else:
                yield f"Name {node.id}" if node.id in _BUILTINS else "Name", line
            continue
        if isinstance(node, ast.AnnAssign) and node.value is not None:
            yield "Assign", line
            stack += [(node.value, line), (node.target, line)]
            continue
        yield _word(node), line
        for name in _FIELDS[type(node)]:
            value = getattr(node, name)
            if isinstance(value, list):
                stack += [(child, line) for child in reversed(value) if isinstance(child, ast.AST)]
            elif isinstance(value, ast.AST):
                stack.append((value, line))


def _word(node: ast.AST) -> str:
    kind = type(node).__name__
    if isinstance(node, ast.Attribute):
        return f"{kind} {node.attr}"
    if isinstance(node, ast.keyword):
        return f"{kind} {node.arg}"
    if isinstance(node, ast.Constant):
        if isinstance(node.value, str | bytes):
            return f"{kind} text"
        if isinstance(node.value, int | float) and not isinstance(node.value, bool):
            # 1 and 1.0 are one number; an integer may be too long for a float, or to be written
            small = isinstance(node.value, float) or node.value.bit_length() < 50
            return f"{kind} {float(node.value)!r}" if small else f"{kind} large"
        return f"{kind} {node.value!r}"
    return kind


@cache
def _code(word: str) -> int:
    """A number for a word, the same in every process."""
    digest = hashlib.blake2b(word.encode("utf-8", "surrogatepass"), digest_size=8).digest()
    return int.from_bytes(digest, "big")
