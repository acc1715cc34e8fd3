"""What was run in a notebook's session, and of it the part that some functions consist of.

A function is taken as it is *now*: the last definition that was run, with the imports, constants and helpers that it
uses, each in its last version, from whatever cells they stand in. Cells that were run once and edited since count as
they were run; what a cell did before it failed counts, what it did not reach does not.
"""

from __future__ import annotations

import ast
import inspect
import symtable
import types
import warnings
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from typing import Any

from grader.notebooks.cells import joined, python_of

MAX_RUNS = 5_000
"""Runs of cells that are remembered; the oldest go first."""
_NOW = frozenset(("listcomp", "setcomp", "dictcomp", "genexpr"))
_PLAIN = (bool, int, float, complex, str, bytes, type(None))


@dataclass(frozen=True, slots=True)
class Statement:
    """One statement of a cell.

    Attributes
    ----------
    first, last : its lines, from 1, both ends included.
    makes : names that it gives a value, whatever they had before.
    changes : names that it changes or may give a value: `x += 1`, `x[0] = 1`, `x.append(1)`, an `if`.
    now : names that it reads when it is run.
    late : names that functions in it read when they are called.
    """

    first: int
    last: int
    makes: frozenset[str]
    changes: frozenset[str]
    now: frozenset[str]
    late: frozenset[str]


@dataclass(slots=True)
class Run:
    """One run of a cell: what it is called, its Python, the statements that were run."""

    name: str
    text: str
    statements: list[Statement] = field(default_factory=list)


class History:
    """The runs of a session's cells, in order."""

    def __init__(self) -> None:
        self.runs: list[Run] = []

    def add(self, name: str, source: str, *, before: int | None = None) -> None:
        """Note that a cell was run: all of it, or the statements that end before a line."""
        text = python_of(source)
        run = Run(name, text, [s for s in statements(text) if before is None or s.last < before])
        self.runs.append(run)
        del self.runs[:-MAX_RUNS]

    def taken(self, names: Collection[str], namespace: Mapping[str, Any]) -> list[tuple[str, str]]:
        """The cells that make up some names as they are now, each with its other lines blank.

        Parameters
        ----------
        names : what is wanted; a name that the namespace does not hold is left out.
        namespace : what the names stand for now.
        """
        order = [(run, s) for run in self.runs for s in run.statements]
        kept: set[int] = set()
        extra: dict[str, str] = {}
        seen: set[tuple[str, int]] = set()
        waiting = [(name, len(order)) for name in names if name in namespace]
        while waiting:
            name, end = waiting.pop()
            if (name, end) in seen:
                continue
            seen.add((name, end))
            found = _made(order, name, end, isinstance(namespace.get(name), types.ModuleType))
            if not found and name in namespace and name not in extra:
                extra[name] = _told_by(name, namespace[name])
                waiting += [(other, len(order)) for other in _globals(namespace[name])]
            for index in found:
                if index not in kept:
                    kept.add(index)
                    statement = order[index][1]
                    waiting += [(other, index) for other in statement.now]
                    waiting += [(other, len(order)) for other in statement.late]
        cells = [("the session", text) for text in extra.values() if text]
        for run in self.runs:
            lines = [(s.first, s.last) for i, (r, s) in enumerate(order) if r is run and i in kept]
            if lines:
                cells.append((run.name, _only(run.text, lines)))
        return cells


def _made(order: list[tuple[Run, Statement]], name: str, end: int, module: bool) -> list[int]:
    """The statements before `end` that give a name its value: the last that makes it, and what changes it after."""
    found: list[int] = []
    for index in range(end - 1, -1, -1):
        statement = order[index][1]
        if name in statement.makes:
            return [*found, index]
        if name in statement.changes and not module:
            found.append(index)
    return found


def _only(text: str, spans: list[tuple[int, int]]) -> str:
    """The text with all lines blank that are in none of the spans."""
    wanted = {line for first, last in spans for line in range(first, last + 1)}
    lines = text.split("\n")
    return "\n".join(line if number in wanted else "" for number, line in enumerate(lines, start=1))


def cells_text(cells: list[tuple[str, str]]) -> tuple[str, list[tuple[str, int]]]:
    """One text of several cells, and where each begins."""
    text, places = joined(cells)
    return text, [(place.cell, place.first) for place in places]


# Statements


def statements(text: str) -> list[Statement]:
    """The statements of a cell; none where it is not Python."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            body = ast.parse(text).body
            return [_statement(node, text) for node in body]
        except (SyntaxError, ValueError, RecursionError, MemoryError):
            return []


def _statement(node: ast.stmt, text: str) -> Statement:
    decorators: list[ast.expr] = getattr(node, "decorator_list", [])
    first = min([node.lineno, *(each.lineno for each in decorators)])
    last = node.end_lineno or node.lineno
    source = ast.unparse(ast.Module([node], []))  # alone, where it shares its line
    try:
        table = symtable.symtable(source, "<cell>", "exec")
    except SyntaxError:  # `return` at the top of a cell
        return Statement(first, last, *[frozenset[str]()] * 4)
    now = {s.get_name() for s in table.get_symbols() if s.is_referenced()}
    assigned = {s.get_name() for s in table.get_symbols() if s.is_assigned() or s.is_imported()}
    late: set[str] = set()
    for child in table.get_children():
        _reads(child, now, late, called=child.get_name() in _NOW or child.get_type() == "class")
    makes: set[str] = set()
    match node:
        case ast.FunctionDef() | ast.AsyncFunctionDef() | ast.ClassDef():
            makes = {node.name}
        case ast.Import() | ast.ImportFrom():
            makes = assigned
        case ast.Assign() | ast.AnnAssign():
            targets = node.targets if isinstance(node, ast.Assign) else [node.target]
            if isinstance(node, ast.Assign) or node.value is not None:
                walked = [n for t in targets for n in ast.walk(t)]
                names = [n for n in walked if isinstance(n, ast.Name)]
                makes = {n.id for n in names if isinstance(n.ctx, ast.Store)}
        case _:
            pass
    changes = (assigned | _changed(node)) - makes
    return Statement(
        first, last, frozenset(makes), frozenset(changes), frozenset(now | changes), frozenset(late)
    )


def _reads(table: symtable.SymbolTable, now: set[str], late: set[str], *, called: bool) -> None:
    """Collect the global names that a scope inside a statement reads."""
    for symbol in table.get_symbols():
        if symbol.is_global() or symbol.is_declared_global():
            (now if called else late).add(symbol.get_name())
    for child in table.get_children():
        own = called and (child.get_name() in _NOW or child.get_type() == "class")
        _reads(child, now, late, called=own)


def _changed(statement: ast.stmt) -> set[str]:
    """Names whose object a statement changes: by a subscript, an attribute, a method whose value nobody takes."""
    found: set[str] = set()
    waiting: list[ast.AST] = [statement]
    while waiting:
        node = waiting.pop()
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef | ast.Lambda):
            continue
        if isinstance(node, ast.Subscript | ast.Attribute) and not isinstance(node.ctx, ast.Load):
            found |= _base(node)
        elif isinstance(node, ast.Expr):
            match node.value:
                case ast.Call(func=ast.Attribute() as method):
                    found |= _base(method)
        waiting += ast.iter_child_nodes(node)
    return found


def _base(node: ast.expr) -> set[str]:
    while isinstance(node, ast.Attribute | ast.Subscript):
        node = node.value
    return {node.id} if isinstance(node, ast.Name) else set()


# What no cell has defined: `%run`, an interactive namespace that was there before


def _told_by(name: str, value: Any) -> str:
    """Python that gives a name its value, as far as the value tells; else nothing."""
    if isinstance(value, types.ModuleType):
        return f"import {value.__name__} as {name}\n"
    if isinstance(value, types.FunctionType | type):
        try:
            source = inspect.cleandoc("\n" + inspect.getsource(value))
        except (OSError, TypeError):
            return ""
        own = value.__name__
        return source + "\n" + (f"{name} = {own}\n" if own != name and own.isidentifier() else "")
    return f"{name} = {value!r}\n" if type(value) in _PLAIN else ""


def _globals(value: Any) -> frozenset[str]:
    """The global names that a function reads."""
    if not isinstance(value, types.FunctionType):
        return frozenset()
    return frozenset(inspect.getclosurevars(value).globals)
