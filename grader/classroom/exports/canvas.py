"""Grades for Canvas: the CSV file that its gradebook imports.

Columns, after the Canvas Instructor Guide, "How do I import grades in the Gradebook?"
(https://community.canvaslms.com/t5/Instructor-Guide/How-do-I-import-grades-in-the-Gradebook/ta-p/807) and the
exporter and importer in Canvas's own source (https://github.com/instructure/canvas-lms, ``lib/gradebook_exporter.rb``
and ``lib/gradebook_importer.rb``): Student, ID, SIS User ID, SIS Login ID, Section, then one for each assignment, whose
heading is its title and its id in brackets. A title that Canvas does not know makes a new assignment. The row
"Points Possible" may come first, ``EX`` excuses, and columns that say "(read only)" there are ignored, so that they may
stay. A column whose heading has one of `COMPUTED` in it is dropped.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from decimal import Decimal

from grader.classroom.exports.cells import Sheet, line, text_cell, write_rows, written
from grader.classroom.exports.matching import Filled, match, without_grade
from grader.classroom.exports.tables import number
from grader.classroom.grades import Grade, Standing, plain
from grader.errors import GradsmithError

COLUMNS = ("Student", "ID", "SIS User ID", "SIS Login ID", "Section")
KEYS = ("ID", "SIS User ID", "SIS Login ID", "Integration ID", "Email")
"""The columns that tell who someone is."""
COMPUTED = tuple(
    f"{which} {what}" for which in ("Current", "Final") for what in ("Score", "Points", "Grade")
) + tuple(f"Override {what}" for what in ("Score", "Grade", "Status"))  # fmt: skip
"""What no assignment's heading may hold: Canvas takes the column for one that it computes itself."""
POINTS_POSSIBLE = "    Points Possible"
EXCUSED = "EX"
_TEST_STUDENT = "student, test"


def gradebook(grades: Sequence[Grade], title: str, *, excel: bool = False) -> bytes:
    """A file to import as it is. Canvas finds people by the first of ID, SIS User ID, SIS Login ID and name it knows.

    The columns hold what the roster has under these headings; without them, the SIS User ID is the student's id, and
    the SIS Login ID the email.

    Parameters
    ----------
    title : of the assignment, with Canvas's id in brackets where there is one.

    Raises
    ------
    GradsmithError : the title is one that Canvas would drop.
    """
    heading = _heading(title)
    out_of = plain(grades[0].out_of) if grades else ""
    rows: list[Sequence[str]] = [(*COLUMNS, heading), (POINTS_POSSIBLE, "", "", "", "", out_of)]
    for grade in grades:
        student = grade.student
        extra = {key.strip().casefold(): value for key, value in student.extra.items()}
        cells = (
            student.shown,
            extra.get("id", ""),
            extra.get("sis user id", student.id),
            extra.get("sis login id", student.email),
            student.section,
        )
        rows.append((*(text_cell(cell) for cell in cells), _score(grade) or ""))
    return write_rows(rows, excel=excel)


def fill(sheet: Sheet, grades: Sequence[Grade], column: str) -> Filled:
    """The instructor's own export of the gradebook, with one column filled in and all others as they are.

    A cell for which there is no number is left as it is.

    Raises
    ------
    GradsmithError : the sheet is no export of Canvas's, has no such column, or the column is out of other points.
    """
    if sheet.column("Student", "LastName") != 0 or sheet.column("ID") is None:
        raise GradsmithError(
            f"{sheet.name}: is no gradebook of Canvas's; export one there (Grades, Export) and give that file"
        )
    target = column_named(sheet, column, after=sheet.column("Section") or 0)
    people = []
    for row, cells in enumerate(sheet.rows[1:], 1):
        if not any(cell.strip() for cell in cells):
            continue
        if "Points Possible" in cells[0]:
            _check_points(sheet, cells[target], sheet.rows[0][target], grades)
        elif cells[0].strip() and cells[0].strip().casefold() != _TEST_STUDENT:
            people.append(row)
    matches = match(sheet, people, grades, KEYS, 0)
    rows = [list(cells) for cells in sheet.rows]
    left = []
    for row, grade in matches.grades.items():
        score = _score(grade)
        if score is None:
            left.append(without_grade(grade))
        else:
            rows[row][target] = score
    n_filled = len(matches.grades) - len(left)
    data = written(rows, sheet.dialect)
    return Filled(data, n_filled, matches.students, matches.rows, tuple(left))


def column_named(sheet: Sheet, name: str, *, after: int = -1) -> int:
    """Where the column with a heading is, or with that title and an id in brackets.

    Raises
    ------
    GradsmithError : there is none, or more than one; with the headings there are.
    """
    headings = list(enumerate(sheet.rows[0]))[after + 1 :]
    wanted = name.strip().casefold()
    same = [n for n, heading in headings if heading.strip().casefold() == wanted]
    titled = [
        n
        for n, heading in headings
        if re.sub(r" \(\d+\)$", "", heading.strip()).casefold() == wanted
    ]
    found = same or titled
    if len(found) == 1:
        return found[0]
    known = ", ".join(repr(line(heading)) for _, heading in headings if not _computed(heading))
    if found:
        raise GradsmithError(
            f"{sheet.name}: {len(found)} columns are called {name!r}; name one with its id: {known}"
        )
    raise GradsmithError(f"{sheet.name}: no column {name!r}; name one with --column: {known}")


def _check_points(sheet: Sheet, cell: str, heading: str, grades: Sequence[Grade]) -> None:
    """Whether the column may be written, and is out of what the grades are out of."""
    if "read only" in cell.casefold() or _computed(heading):
        raise GradsmithError(f"{sheet.name}: the column {heading!r} is read only; name another")
    out_of = grades[0].out_of if grades else None
    try:
        possible = Decimal(cell.strip().replace(",", "."))
    except ArithmeticError:
        return
    if out_of is not None and possible.is_finite() and possible != out_of:
        raise GradsmithError(
            f"{sheet.name}: {heading!r} is out of {plain(possible)}, the grades out of {plain(out_of)}; "
            f"write scale = {plain(possible)} under [grade] in class.toml"
        )


def _computed(heading: str) -> bool:
    return any(words in heading for words in COMPUTED)


def _heading(title: str) -> str:
    heading = line(title).strip()
    if not heading or _computed(heading) or heading in COLUMNS:
        raise GradsmithError(
            f"{heading!r} is no title for an assignment: Canvas has columns of that name; give another with --title"
        )
    return text_cell(heading)


def _score(grade: Grade) -> str | None:
    """What stands in a cell; None where there is no number."""
    if grade.standing is Standing.EXCUSED:
        return EXCUSED
    return number(grade.final) if grade.final is not None else None
