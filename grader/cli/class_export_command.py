"""`grader class export`."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from grader.classroom.exports.matching import Filled
    from grader.classroom.grades import Grade
    from grader.classroom.model import Class

FORMATS = ("csv", "long-csv", "canvas", "moodle", "gradescope", "junit", "json")
MOST = 20
"""Names that a list on the screen has."""
_EXAMPLES = """\b
Examples:
  grader class export results --format csv --output grades.csv
  grader class export results --config class.toml --excel -o grades.csv
  grader class export results --format canvas --template gradebook.csv \\
    --column "Homework 1" --output filled.csv
  grader class export results --format gradescope --output gradescope
"""


@click.command("export", epilog=_EXAMPLES)
@click.argument("results", type=click.Path(exists=True, path_type=Path), metavar="RESULTS")
@click.option(
    "--format", "format_", type=click.Choice(FORMATS), default="csv", show_default=True,
    help="Which form the results are written in.",
)  # fmt: skip
@click.option(
    "--output", "-o", type=click.Path(path_type=Path), metavar="FILE|DIR",
    help="Write there, not to the screen; for gradescope a new or empty folder.",
)  # fmt: skip
@click.option(
    "--config", type=click.Path(exists=True, dir_okay=False, path_type=Path), metavar="FILE",
    help="The class.toml with due dates, late policy, scale and overrides.",
)  # fmt: skip
@click.option(
    "--template", type=click.Path(exists=True, dir_okay=False, path_type=Path), metavar="FILE",
    help="For canvas and moodle: the file exported there, to be filled in.",
)  # fmt: skip
@click.option(
    "--column", metavar="HEADING",
    help="The template's column to fill in; by default the title, or a worksheet's Grade.",
)  # fmt: skip
@click.option("--title", metavar="TEXT", help="The assignment's title; by default the course's.")
@click.option("--excel", is_flag=True, help="CSV as Excel likes it: a mark of UTF-8, CRLF.")
def command(
    results: Path,
    format_: str,
    output: Path | None,
    config: Path | None,
    template: Path | None,
    column: str | None,
    title: str | None,
    excel: bool,
) -> None:
    """Write the results of a class for other systems.

    RESULTS is what `grader class grade` wrote. Without --config a grade is the points earned."""
    from grader.classroom.grades import grades_of
    from grader.classroom.ledger import open_class
    from grader.classroom.policy import Policy, check_students, read_policy

    _check_usage(format_, output, template, column, excel)
    policy = read_policy(config) if config is not None else Policy()
    cls = open_class(results)
    if config is not None:
        check_students(policy, {*cls.roster, *(one.student for one in cls.results)}, config)
    grades = grades_of(cls, policy)
    title = title if title is not None else cls.title
    if format_ == "gradescope":
        assert output is not None
        _write_folder(grades, output)
    elif template is not None:
        filled = _fill(format_, template, grades, column, title)
        _write(filled.data, output)
        _tell_filled(filled, template)
    else:
        _write(_render(format_, cls, grades, title, excel), output)
    _tell(grades, output, named=template is None)


def _check_usage(
    format_: str, output: Path | None, template: Path | None, column: str | None, excel: bool
) -> None:
    """Whether the options go together."""
    tables = ("csv", "long-csv", "canvas", "moodle")
    if template is not None and format_ not in ("canvas", "moodle"):
        raise click.UsageError("--template goes with --format canvas and moodle")
    if column is not None and template is None:
        raise click.UsageError("--column goes with --template")
    if excel and (format_ not in tables or template is not None):
        raise click.UsageError("--excel goes with CSV that is written anew")
    if format_ == "gradescope" and output is None:
        raise click.UsageError("--format gradescope writes a file a student; add --output DIR")
    if output is not None and format_ != "gradescope" and output.is_dir():
        raise click.UsageError(f"{output} is a folder; name a file in it")
    if output is not None and template is not None and output.resolve() == template.resolve():
        raise click.UsageError("--output is the template; name another file, and keep that one")


def _render(format_: str, cls: Class, grades: Sequence[Grade], title: str, excel: bool) -> bytes:
    if format_ == "canvas":
        from grader.classroom.exports.canvas import gradebook as canvas

        return canvas(grades, title, excel=excel)
    if format_ == "moodle":
        from grader.classroom.exports.moodle import gradebook as moodle

        return moodle(grades, title, excel=excel)
    if format_ in ("junit", "json"):
        from grader.classroom.exports.documents import class_json, class_junit

        return (class_json(cls, grades) if format_ == "json" else class_junit(grades)).encode()
    from grader.classroom.exports.tables import by_exercise, by_student

    if format_ == "long-csv":
        return by_exercise(grades, excel=excel)
    return by_student(grades, excel=excel)


def _fill(
    format_: str, template: Path, grades: Sequence[Grade], column: str | None, title: str
) -> Filled:
    from grader.classroom.exports.cells import read_sheet

    sheet = read_sheet(template)
    if format_ == "canvas":
        from grader.classroom.exports.canvas import fill as fill_canvas

        return fill_canvas(sheet, grades, column or title)
    from grader.classroom.exports.moodle import fill as fill_moodle

    return fill_moodle(sheet, grades, column)


def _write(data: bytes, output: Path | None) -> None:
    if output is None:
        click.echo(data, nl=False)
        return
    from grader.files import write_atomically

    write_atomically(output, data)


def _write_folder(grades: Sequence[Grade], output: Path) -> None:
    from grader.classroom.exports.folder import write_folder
    from grader.classroom.exports.gradescope import dumps, results

    write_folder(output, [(grade.student.id, dumps(results(grade))) for grade in grades])


def _tell_filled(filled: Filled, template: Path) -> None:
    """Whom the template and the class do not share, on standard error."""
    click.echo(f"{template.name}: {filled.n_filled} grades filled in", err=True)
    _list("students of the class without a row there", filled.students)
    _list("rows that were left alone", filled.rows)
    _list("cells that were left as they are", filled.left)


def _list(heading: str, lines: Sequence[str]) -> None:
    if not lines:
        return
    from grader.classroom.exports.cells import line

    click.echo(f"{heading} ({len(lines)}):", err=True)
    for one in lines[:MOST]:
        click.echo(f"  {line(one)}", err=True)
    if len(lines) > MOST:
        click.echo(f"  and {len(lines) - MOST} more", err=True)


def _tell(grades: Sequence[Grade], output: Path | None, *, named: bool) -> None:
    """How many grades there are of each kind, and with `named` who has none, on standard error."""
    from grader.classroom.exports.matching import without_grade
    from grader.classroom.grades import Standing, without_number

    counts = {one: sum(grade.standing is one for grade in grades) for one in Standing}
    said = ", ".join(f"{n} {one.value}" for one, n in counts.items() if n)
    n = f"{len(grades)} student{'s' * (len(grades) != 1)}"
    where = f"{output}: " if output is not None else ""
    click.echo(f"{where}{n}{f': {said}' if said else ''}", err=True)
    asked = without_number(grades) if named else []
    _list(
        "without a number until you decide, under [overrides] in class.toml",
        [without_grade(grade) for grade in asked],
    )
