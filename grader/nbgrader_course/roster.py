"""A class list as CSV: one student a row, told apart by `id`."""

from __future__ import annotations

import csv
import io
from pathlib import Path
from typing import Final

from grader.classroom.model import Student
from grader.errors import GradsmithError
from grader.files import read_text

KNOWN: Final = ("id", "name", "first_name", "last_name", "email", "section")
MAX_ID: Final = 128
_BAD: Final = frozenset("/\\*?[]\0+")
"""Characters that would mean something else in nbgrader's paths and patterns."""


def read_roster(file: Path) -> list[Student]:
    """The students of a CSV file whose first line names the columns: `id`, and as is known `name`, `first_name`,
    `last_name`, `email`, `section`; others are kept as they stand.

    Raises
    ------
    GradsmithError : it cannot be read, has no column `id`, or an id is empty, stands twice, or cannot name a folder.
    """
    text = read_text(file).removeprefix("\ufeff")
    rows = csv.reader(io.StringIO(text, newline=""), strict=True)
    students: dict[str, Student] = {}
    try:
        head = [cell.strip().lower().replace(" ", "_") for cell in next(rows, [])]
        if "id" not in head:
            raise GradsmithError(
                f"{file}, line 1: no column `id`; the first line names the columns"
            )
        for row in rows:
            if not any(cell.strip() for cell in row):
                continue
            where = f"{file}, line {rows.line_num}"
            if len(row) > len(head):
                raise GradsmithError(
                    f"{where}: {len(row)} cells, and {len(head)} columns; quote cells with commas"
                )
            fields = dict(zip(head, (cell.strip() for cell in row), strict=False))
            identity = check_id(fields.get("id", ""), where)
            if identity in students:
                raise GradsmithError(f"{where}: the id {identity!r} stands twice; keep one")
            both = f"{fields.get('first_name', '')} {fields.get('last_name', '')}".strip()
            students[identity] = Student(
                identity,
                fields.get("name", "") or both,
                fields.get("email", ""),
                fields.get("section", ""),
                {key: value for key, value in fields.items() if key not in ("id", "name", "email", "section")},
            )  # fmt: skip
    except csv.Error as error:
        raise GradsmithError(f"{file}, line {rows.line_num}: is no CSV: {error}") from None
    return list(students.values())


def check_id(identity: str, where: str) -> str:
    """A student's id, which names a folder.

    Raises
    ------
    GradsmithError : it cannot.
    """
    if not identity:
        raise GradsmithError(f"{where}: no id; give each student one")
    bad = sorted(_BAD.intersection(identity))
    if bad or identity.startswith(".") or len(identity) > MAX_ID or not identity.isprintable():
        what = f"holds {bad[0]!r}" if bad else "cannot name a folder"
        raise GradsmithError(f"{where}: the id {identity[:40]!r} {what}; write it without that")
    return identity
