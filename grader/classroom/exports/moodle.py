"""Grades for Moodle: for the gradebook's import, or in an assignment's offline grading worksheet.

The gradebook takes any CSV file and asks which column is which; see MoodleDocs, "Grade import"
(https://docs.moodle.org/en/Grade_import). The worksheet that an assignment gives out has the columns `WORKSHEET`
(https://docs.moodle.org/en/Assignment_settings, "Offline grading worksheet"; in Moodle's own source
``mod/assign/gradingtable.php`` writes it and ``mod/assign/feedback/offline/`` reads it). It must come back with its
Identifier, Grade and Last modified (grade) columns. Moodle skips, without a word, grades above the maximum and of
students whose grade can't be changed: both are said here.
"""

from __future__ import annotations

import html
from collections.abc import Sequence
from decimal import Decimal

from grader.classroom.exports.canvas import column_named
from grader.classroom.exports.cells import Sheet, text_cell, write_rows, written
from grader.classroom.exports.matching import EMAILS, Filled, match, without_grade
from grader.classroom.exports.tables import number, shown
from grader.classroom.grades import Grade, plain
from grader.errors import GradsmithError

COLUMNS = ("ID number", "Full name", "Email address")
FEEDBACK = "Feedback"
WORKSHEET = (
    "Identifier", "Full name", "Email address", "Status", "Grade", "Maximum Grade", "Grade can be changed",
    "Last modified (submission)", "Last modified (grade)", "Feedback comments",
)  # fmt: skip
KEYS = ("ID number", "Username", *sorted(EMAILS))
"""The columns that tell who someone is; of an Identifier Moodle alone knows whose it is."""


def gradebook(grades: Sequence[Grade], title: str, *, excel: bool = False) -> bytes:
    """A file for the gradebook's import, which asks to map "ID number" or "Email address" to a user.

    Who has no number, or is excused, has an empty cell, which Moodle passes over.
    """
    rows: list[Sequence[str]] = [(*COLUMNS, text_cell(title.strip() or "Grade"), FEEDBACK)]
    for grade in grades:
        student = grade.student
        extra = {key.strip().casefold(): value for key, value in student.extra.items()}
        cells = (extra.get("id number", student.id), student.shown, student.email)
        rows.append((*map(text_cell, cells), number(grade.final), _feedback(grade)))
    return write_rows(rows, excel=excel)


def fill(sheet: Sheet, grades: Sequence[Grade], column: str | None) -> Filled:
    """A worksheet of an assignment, or an export of the gradebook, with one column filled in, the others as they are.

    In a worksheet, an empty comment gets the reasons for the grade too.

    Parameters
    ----------
    column : the heading; "Grade" for a worksheet where it is None.

    Raises
    ------
    GradsmithError : no column says who people are, there is no such column, or it is out of other points.
    """
    worksheet = sheet.column("Identifier") is not None
    if all(sheet.column(key) is None for key in KEYS):
        raise GradsmithError(
            f"{sheet.name}: no column says who is who; export it in English, with Email address or ID number"
        )
    if column is None and not worksheet:
        raise GradsmithError(f"{sheet.name}: is no grading worksheet; name a column with --column")
    target = column_named(sheet, column or "Grade")
    if worksheet and sheet.column("Last modified (grade)") is None:
        raise GradsmithError(
            f"{sheet.name}: has no column 'Last modified (grade)', which Moodle needs; download it again"
        )
    name = sheet.column("Full name")
    if name is None:
        name = sheet.column("Last name", "First name") or 0
    people = [n for n, cells in enumerate(sheet.rows) if n and any(c.strip() for c in cells)]
    matches = match(sheet, people, grades, KEYS, name)
    changeable, most = sheet.column("Grade can be changed"), sheet.column("Maximum Grade")
    comments = sheet.column("Feedback comments") if worksheet else None
    rows = [list(cells) for cells in sheet.rows]
    left = []
    for row, grade in matches.grades.items():
        cells = rows[row]
        if most is not None:
            _check_maximum(sheet, row, cells[most], grade)
        if grade.final is None:
            left.append(without_grade(grade))
        elif changeable is not None and cells[changeable].strip().casefold() == "no":
            left.append(f"{shown(grade)}: Moodle says that the grade cannot be changed")
        else:
            cells[target] = number(grade.final)
            if comments is not None and not cells[comments].strip():
                cells[comments] = _feedback(grade)
    n_filled = len(matches.grades) - len(left)
    data = written(rows, sheet.dialect)
    return Filled(data, n_filled, matches.students, matches.rows, tuple(left))


def _feedback(grade: Grade) -> str:
    """The reasons for a grade; Moodle reads it as HTML."""
    if grade.final is None or not grade.reasons:
        return ""
    return text_cell(html.escape("; ".join(grade.reasons)))


def _check_maximum(sheet: Sheet, row: int, cell: str, grade: Grade) -> None:
    try:
        most = Decimal(cell.strip().replace(",", "."))
    except ArithmeticError:
        return
    if most.is_finite() and most != grade.out_of:
        raise GradsmithError(
            f"{sheet.name}, line {row + 1}: the grade is out of {plain(most)}, ours out of {plain(grade.out_of)}; "
            f"write scale = {plain(most)} under [grade] in class.toml"
        )
