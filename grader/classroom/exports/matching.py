"""Whose row of another system's file is whose: by what both have, and never by a guess."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from grader.classroom.exports.cells import Sheet
from grader.classroom.exports.tables import shown
from grader.classroom.grades import Grade

EMAILS = frozenset(("email", "email address", "e-mail", "mail"))


@dataclass(frozen=True, slots=True)
class Filled:
    """A file that was filled in, and what could not be.

    Attributes
    ----------
    n_filled : cells that hold a grade now.
    students : of the class without a row of their own, each with why.
    rows : of people who are not in the class, or of whom that cannot be told.
    left : students whose cell was left as it was, each with why.
    """

    data: bytes
    n_filled: int
    students: tuple[str, ...] = ()
    rows: tuple[str, ...] = ()
    left: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Matches:
    """Which row is whose: number of the row to grade; and who was left over."""

    grades: Mapping[int, Grade]
    students: tuple[str, ...]
    rows: tuple[str, ...]


def match(
    sheet: Sheet, rows: Sequence[int], grades: Sequence[Grade], keys: Sequence[str], name: int
) -> Matches:
    """Match the rows of a sheet with the students of a class.

    A row is a student's where a cell in one of the columns `keys` is the student's id, email, or what the roster has
    in the column of the same heading. A row that is two students', or a student who has two rows, is nobody's.

    Parameters
    ----------
    rows : the numbers of the rows that are people's.
    keys : headings of the columns to look at; those that the sheet does not have are passed over.
    name : the column with what a person is called, for what is said of them.
    """
    columns = [(key, column) for key in keys if (column := sheet.column(key)) is not None]
    owners = [_owners(key, grades) for key, _ in columns]
    of_row: dict[int, set[int]] = {}
    for row in rows:
        found: set[int] = set()
        for (_, column), known in zip(columns, owners, strict=True):
            found |= known.get(_key(sheet.rows[row][column]), set())
        of_row[row] = found
    n_rows: dict[int, int] = {}
    for found in of_row.values():
        for one in found:
            n_rows[one] = n_rows.get(one, 0) + 1
    matched, strays = {}, []
    for row, found in of_row.items():
        called = sheet.rows[row][name].strip() or "no name"
        if not found:
            strays.append(f"line {row + 1}, {called}: nobody of the class")
        elif len(found) > 1:
            strays.append(f"line {row + 1}, {called}: could be {len(found)} students")
        elif n_rows[one := next(iter(found))] == 1:
            matched[row] = grades[one]
        else:
            strays.append(f"line {row + 1}, {called}: {n_rows[one]} rows could be this student's")
    taken = {id(grade) for grade in matched.values()}
    left = tuple(shown(grade) for grade in grades if id(grade) not in taken)
    return Matches(matched, left, tuple(strays))


def _owners(key: str, grades: Sequence[Grade]) -> dict[str, set[int]]:
    """What a column may hold, and the students whose it is, by their numbers."""
    owners: dict[str, set[int]] = {}
    for number, grade in enumerate(grades):
        student = grade.student
        values = {student.id, student.email}
        for heading, value in student.extra.items():
            if heading.strip().casefold() == key.casefold():
                values.add(value)
        for value in values:
            if _key(value):
                owners.setdefault(_key(value), set()).add(number)
    return owners


def _key(value: str) -> str:
    return value.strip().casefold()


def without_grade(grade: Grade) -> str:
    """Why a student's cell was left as it was."""
    why = "; ".join(grade.reasons)
    return f"{shown(grade)}: {grade.standing.value}{f', {why}' if why else ''}"
