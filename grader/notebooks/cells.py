"""The Python in a notebook's cells: magics and shell lines blanked, cells joined, lines found again. Pure.

Nothing is parsed: a submission's text is looked at line by line, with as much of Python's syntax as tells whether a
line begins a statement.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Iterable
from dataclasses import dataclass

TRANSPARENT = frozenset(("capture", "prun", "time"))
"""Cell magics that run the cell in the notebook itself: what it defines is there afterwards."""

_TOKEN = re.compile(
    r"""\#[^\n]*|(?P<quote>\"\"\"|'''|"|')|(?P<open>[\[({])|(?P<close>[\])}])|\\."""
)
_ENDS = {quote: re.compile(r"\\.|" + quote, re.DOTALL) for quote in ('"""', "'''", '"', "'")}
_MAGIC = re.compile(
    r"""(?P<indent>[ \t]*+)
    (?: %{1,2}[A-Za-z_] | ! | \?{1,2}[%\w]          # %magic  !shell  ?help
      | [%\w][\w.*]*\?{1,2}[ \t]*$                  # name?
      | [\w.,*()\[\] \t]+?(?<![=!<>])=(?!=)[ \t]*(?: ! | %[A-Za-z_] )  # x = !shell  x = %magic
    )""",
    re.VERBOSE,
)
_CELL_MAGIC = re.compile(r"%%(\w*)")
_LINE_END = re.compile(r"\r\n|\r")


@dataclass(frozen=True, slots=True)
class Place:
    """Where a cell's lines begin in the joined text, from 1, and what the cell is called."""

    cell: str
    first: int


def python_of(source: str) -> str:
    """A cell's text with what is no Python blanked; each line stays at its number.

    A line that begins with a magic (``%``), a shell command (``!``) or a question (``?``) becomes empty, within a
    block ``pass``. A cell under a cell magic that leaves it to another program is blank altogether.
    """
    lines = _LINE_END.sub("\n", source).split("\n")
    start = next((number for number, line in enumerate(lines) if line.strip()), 0)
    magic = _CELL_MAGIC.match(lines[start])
    if magic is not None:
        if magic[1] not in TRANSPARENT:
            return "\n" * (len(lines) - 1)
        lines[start] = ""
    quote, depth, goes_on, blanking = "", 0, False, False
    for number, line in enumerate(lines):
        if blanking:  # a shell command that a backslash continues
            lines[number], blanking = "", line.endswith("\\")
            continue
        if not quote and not depth and not goes_on and (found := _MAGIC.match(line)):
            blanking = line.endswith("\\")
            lines[number] = found["indent"] + "pass" if found["indent"] else ""
            continue
        quote, depth = _state(line, quote, depth)
        goes_on = not quote and line.endswith("\\")
        if len(quote) == 1 and not line.endswith("\\"):
            quote = ""  # a string that does not end: not ours to tell
    return "\n".join(lines)


def _state(line: str, quote: str, depth: int) -> tuple[str, int]:
    """The string that is open and the depth of brackets behind a line."""
    at = 0
    while at < len(line):
        if quote:
            found = _ENDS[quote].search(line, at)
            if found is None:
                return quote, depth
            at = found.end()
            if found[0] == quote:
                quote = ""
            continue
        found = _TOKEN.search(line, at)
        if found is None:
            break
        at = found.end()
        quote = found["quote"] or ""
        if found["open"]:
            depth += 1
        elif found["close"]:
            depth = max(depth - 1, 0)
    return quote, depth


def joined(cells: Iterable[tuple[str, str]]) -> tuple[str, tuple[Place, ...]]:
    """Named cells one below the other, and where each begins. Cells without Python are left out."""
    texts: list[str] = []
    places: list[Place] = []
    line = 1
    for name, source in cells:
        text = python_of(source).rstrip()
        if not text:
            continue
        places.append(Place(name, line))
        texts.append(f"{text}\n")
        line += text.count("\n") + 1
    return "".join(texts), tuple(places)


def place_of_line(places: tuple[Place, ...], line: int) -> tuple[str, int]:
    """The cell that a line of the joined text is of, and its number there."""
    index = bisect_right(places, line, key=lambda place: place.first) - 1
    if index < 0:
        return "", line
    return places[index].cell, line - places[index].first + 1
