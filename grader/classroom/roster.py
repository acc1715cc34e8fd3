"""The roster of a class: who is in it, from a CSV file that any system can write."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Mapping, Sequence
from pathlib import Path

from grader.classroom.model import Student
from grader.errors import GradsmithError
from grader.files import read_text

_COLUMNS = {
    "id": ("id", "student id", "student_id", "sid", "user id", "user_id", "id number", "username"),
    "name": ("name", "student", "full name", "full_name", "student name"),
    "email": ("email", "email address", "e-mail", "mail"),
    "section": ("section", "group", "class"),
}
"""Headings that are taken for each of ours, whatever their case; the first that is there counts."""


def read_roster(path: Path) -> dict[str, Student]:
    """The students by id, in the file's order.

    The file has a heading `id`, and may have `name`, `email` and `section`; other columns are kept as they are.

    Raises
    ------
    GradsmithError : the file cannot be read, has no column of ids, or an id is empty or stands there twice.
    """
    text = read_text(path).removeprefix("\N{ZERO WIDTH NO-BREAK SPACE}")
    dialect = (
        ";" if text.partition("\n")[0].count(";") > text.partition("\n")[0].count(",") else ","
    )
    rows = csv.DictReader(io.StringIO(text, newline=""), delimiter=dialect)
    students: dict[str, Student] = {}
    try:
        headings = [heading for heading in rows.fieldnames or () if heading is not None]
        taken = _taken(path, headings)
        for row in rows:
            at = f"{path}, line {rows.line_num}"
            cells = {key: (row.get(heading) or "").strip() for key, heading in taken.items()}
            if not any(isinstance(cell, str) and cell.strip() for cell in row.values()):
                continue
            if not cells["id"]:
                raise GradsmithError(f"{at}: no {taken['id']}; give every student one")
            if cells["id"] in students:
                raise GradsmithError(
                    f"{at}: {taken['id']} {cells['id']!r} stands there twice; keep one row"
                )
            extra = {
                heading: (row.get(heading) or "").strip()
                for heading in headings
                if heading not in taken.values()
            }
            students[cells["id"]] = Student(
                cells["id"], cells.get("name", ""), cells.get("email", ""),
                cells.get("section", ""), extra,
            )  # fmt: skip
    except csv.Error as error:
        raise GradsmithError(f"{path}, line {rows.line_num}: {error}; save it as CSV") from None
    if not students:
        raise GradsmithError(
            f"{path}: no student in it; expected a row for each below the headings"
        )
    return students


def _taken(path: Path, headings: Sequence[str]) -> dict[str, str]:
    """Our columns, and the headings under which they stand."""
    by_name = {heading.strip().lower(): heading for heading in reversed(headings)}
    taken = {
        key: next(by_name[name] for name in names if name in by_name)
        for key, names in _COLUMNS.items()
        if any(name in by_name for name in names)
    }
    if "id" not in taken:
        found = ", ".join(headings) or "none"
        raise GradsmithError(f"{path}: no column 'id'; its headings are: {found}")
    return taken


class Matching:
    """Finds the student of a roster that an entry is by.

    By the id; else by the address; else by a further column that holds it; else by the name, however it is put, where
    one student alone has it.
    """

    def __init__(self, roster: Mapping[str, Student]) -> None:
        self.roster = roster
        self._ways: tuple[tuple[str, dict[str, set[str]]], ...] = (
            ("", {}), ("address", {}), ("further column", {}), ("name", {}),
        )  # fmt: skip
        ids, addresses, further, names = (way for _, way in self._ways)
        for student in roster.values():
            ids.setdefault(student.id.lower(), set()).add(student.id)
            if student.email:
                addresses.setdefault(student.email.lower(), set()).add(student.id)
                addresses.setdefault(student.email.lower().partition("@")[0], set()).add(student.id)
            for value in student.extra.values():
                if value:
                    further.setdefault(value.lower(), set()).add(student.id)
            for form in _forms(student.name):
                names.setdefault(form, set()).add(student.id)

    def find(self, id: str, name: str, email: str = "") -> tuple[str, str]:
        """The roster's id, and by what it was found where that was not the id; two empty strings for nobody."""
        asked = ((id, email), (id, email), (id, email), (name, id))
        for (by, way), texts in zip(self._ways, asked, strict=True):
            for text in texts:
                form = _joined(text) if by == "name" else text.lower()
                found = way.get(form, set()) if form else set()
                if id in found:
                    return id, ""
                if len(found) == 1:
                    return next(iter(found)), by
        return "", ""


def _joined(name: str) -> str:
    return re.sub(r"\W|_", "", name).lower()


def _forms(name: str) -> set[str]:
    """A name as systems run it together: `Ada Lovelace` and `Lovelace, Ada` are adalovelace and lovelaceada."""
    words = [word for word in re.split(r"[\s,]+", name) if word]
    turned = {_joined("".join(words[i:] + words[:i])) for i in range(len(words))}
    return turned - {""}
