"""What a topic's file says at one moment, and which of its functions are others than before. Pure."""

from __future__ import annotations

import ast
import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field

from grader.submission import calls_between

_DEFINITION = re.compile(r"(?:async[ \t]+)?def[ \t]+(\w+)")


@dataclass(frozen=True, slots=True)
class Version:
    """One version of a file.

    Attributes
    ----------
    text : what it says.
    stamp : tells one save from another, also where the text is the same.
    functions : the text of each function by its name; None where the file is not Python.
    lines : the line of each function's `def`, also where the file is not Python.
    outside : the text that is left without the functions.
    file : its name in the workspace.
    """

    text: str
    stamp: tuple[int, ...] = ()
    functions: Mapping[str, str] | None = None
    lines: Mapping[str, int] = field(default_factory=dict)
    outside: str = ""
    file: str = ""


@dataclass(frozen=True, slots=True)
class Change:
    """What is different between two versions: the names of functions, and whether anything else is."""

    functions: frozenset[str]
    outside: bool


def version_of(text: str, stamp: tuple[int, ...] = (), file: str = "") -> Version:
    """The version that a text is, taken apart where it is Python."""
    lines = text.splitlines(keepends=True)
    try:
        body = ast.parse(text).body
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return Version(text, stamp, lines=_lines_by_pattern(lines), file=file)
    functions: dict[str, str] = {}
    places: dict[str, int] = {}
    rest = list(lines)
    for node in body:
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            first = min([node.lineno, *(d.lineno for d in node.decorator_list)])
            last = node.end_lineno or node.lineno
            functions[node.name] = "".join(lines[first - 1 : last])
            places[node.name] = node.lineno
            rest[first - 1 : last] = [""] * (last - first + 1)
    return Version(text, stamp, functions, places, "".join(rest), file)


def change(before: Version, after: Version) -> Change:
    """What is different; comments and layout are not.

    Both versions have to be Python.
    """
    old, new = before.functions or {}, after.functions or {}
    names = {name for name in old.keys() | new.keys() if _differ(old.get(name), new.get(name))}
    return Change(frozenset(names), _differ(before.outside, after.outside))


def touched(before: Version | None, after: Version) -> str | None:
    """The function in which the first line that differs stands: for a file that is not Python just now."""
    old = before.text.splitlines() if before is not None else []
    new = after.text.splitlines()
    same = 0
    while same < min(len(old), len(new)) and old[same] == new[same]:
        same += 1
    above = [name for name, line in after.lines.items() if line <= same + 1]
    return max(above, key=lambda name: after.lines[name], default=None)


def needs(version: Version, name: str, others: Collection[str]) -> bool:
    """Whether a function calls one of the others, by itself or through further functions of the file."""
    calls = calls_between(version.text, list(version.functions or {}))
    seen: set[str] = set()
    waiting = [name]
    while waiting:
        for callee in calls.get(waiting.pop(), frozenset()):
            if callee in others:
                return True
            if callee not in seen:
                seen.add(callee)
                waiting.append(callee)
    return False


def _differ(before: str | None, after: str | None) -> bool:
    """Whether two texts are different programs."""
    if before == after:
        return False
    if before is None or after is None:
        return True
    try:
        return ast.dump(ast.parse(before)) != ast.dump(ast.parse(after))
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return True


def _lines_by_pattern(lines: list[str]) -> dict[str, int]:
    found = ((_DEFINITION.match(line), number) for number, line in enumerate(lines, start=1))
    return {match[1]: number for match, number in found if match is not None}
