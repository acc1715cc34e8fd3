"""Cells of CSV files that a spreadsheet will open.

A cell that begins with ``=``, ``+``, ``-``, ``@``, a tab or a carriage return may be run as a formula; see OWASP,
"CSV Injection" (https://owasp.org/www-community/attacks/CSV_Injection). Text gets an apostrophe in front of it then.
"""

from __future__ import annotations

import csv
import io
import re
import unicodedata
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from grader.errors import GradsmithError

BOM = "\N{ZERO WIDTH NO-BREAK SPACE}"
_FORMULA = tuple("=+-@\uff1d\uff0b\uff0d\uff20\u2212")
"""What a formula begins with, in its wide forms too."""
_BREAKS = re.compile(r"[\t\n\v\f\r\x1c-\x1e\x85\u2028\u2029]+")
_TURNS = frozenset("\u061c\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")
"""Marks that turn the direction of what follows, so that a cell reads as another."""
MAX_CELL = 32_000
"""Characters of a cell; Excel takes 32,767."""


def line(text: str) -> str:
    """Text on one line, without control characters, marks that turn the direction, and lone surrogates."""
    joined = _BREAKS.sub(" ", text)
    return "".join(
        "\N{REPLACEMENT CHARACTER}" if unicodedata.category(c) in ("Cc", "Cs") else c
        for c in joined
        if c not in _TURNS
    )


def text_cell(text: str) -> str:
    """Text as a cell that no spreadsheet runs."""
    shown = line(text)[:MAX_CELL]
    harmful = shown.lstrip().startswith(_FORMULA) or text.startswith(("\t", "\r"))
    return f"'{shown}" if harmful else shown


def write_rows(rows: Iterable[Sequence[str]], *, excel: bool = False) -> bytes:
    """Rows as CSV in UTF-8; for Excel with a mark of that encoding in front, and its line ends."""
    return written(rows, Dialect(bom=excel, end="\r\n" if excel else "\n"))


@dataclass(frozen=True, slots=True)
class Dialect:
    """How a CSV file is written."""

    bom: bool = False
    delimiter: str = ","
    end: str = "\n"


@dataclass(frozen=True, slots=True)
class Sheet:
    """A CSV file that someone gave, to be filled in. Rows with nothing in their first cell may have any length."""

    name: str
    rows: list[list[str]]
    dialect: Dialect

    def column(self, *names: str) -> int | None:
        """Where the column with one of some headings is, without regard to case; None for nowhere."""
        wanted = {name.casefold() for name in names}
        for number, heading in enumerate(self.rows[0]):
            if heading.strip().casefold() in wanted:
                return number
        return None


def read_sheet(file: Path) -> Sheet:
    """A CSV file with its headings, in whose manner it can be written again.

    Raises
    ------
    GradsmithError : it cannot be read, is no CSV in UTF-8, or its rows have different lengths.
    """
    try:
        data = file.read_bytes()
    except OSError as error:
        raise GradsmithError(f"{file}: cannot be read: {error.strerror}") from None
    try:
        text = data.decode("utf-8")
    except UnicodeDecodeError as error:
        n = data[: error.start].count(b"\n") + 1
        raise GradsmithError(f"{file}, line {n}: is not UTF-8; export it again as UTF-8") from None
    bom = text.startswith(BOM)
    text = text.removeprefix(BOM)
    head = text.splitlines()[0] if text.strip() else ""
    delimiter = max(",;\t", key=head.count) if head else ","
    rows: list[list[str]] = []
    try:
        reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
        for row in reader:
            if rows and row and row[0].strip() and len(row) != len(rows[0]):
                fix = f"has {len(row)} cells, the headings {len(rows[0])}; export it again"
                raise GradsmithError(f"{file}, line {reader.line_num}: {fix}")
            rows.append(row)
    except csv.Error as error:
        raise GradsmithError(f"{file}: is not CSV: {error}; export it again") from None
    if not rows or not any(rows[0]):
        raise GradsmithError(f"{file}: has no headings in line 1; export it again")
    end = "\r\n" if "\r\n" in text else "\n"
    return Sheet(file.name, rows, Dialect(bom, delimiter, end))


def written(rows: Iterable[Sequence[str]], dialect: Dialect) -> bytes:
    """Rows as CSV."""
    out = io.StringIO(newline="")
    writer = csv.writer(out, delimiter=dialect.delimiter, lineterminator=dialect.end)
    writer.writerows(rows)
    return ((BOM if dialect.bom else "") + out.getvalue()).encode("utf-8", "replace")
