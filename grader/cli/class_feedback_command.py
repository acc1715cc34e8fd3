"""`grader class feedback`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from grader.cli.options import course_content, course_option

if TYPE_CHECKING:
    from collections.abc import Callable

    from grader.classroom.model import Class
    from grader.content import Content
    from grader.disclosure import StudentReport
    from grader.model import Report

_EXAMPLES = """\b
Examples:
  grader class feedback results --out pages
  grader class feedback results --out pages --disclosure names
"""


@click.command("feedback", epilog=_EXAMPLES)
@click.argument("results", type=click.Path(exists=True, path_type=Path))
@click.option(
    "--out", required=True, type=click.Path(file_okay=False, path_type=Path), metavar="DIR",
    help="Where the pages are written; it is made where it is not there.",
)  # fmt: skip
@click.option(
    "--disclosure", type=click.Choice(["none", "names", "full"]), default="names",
    show_default=True,
    help="The most that a page tells of the checks: nothing, which failed and the known mistakes, or what they "
    "found too.",
)  # fmt: skip
@click.option(
    "--config", type=click.Path(exists=True, dir_okay=False, path_type=Path), metavar="TOML",
    help="Due dates, penalties and overrides, as for `grader class export`: pages say what they did.",
)  # fmt: skip
@course_option
def command(
    results: Path, out: Path, disclosure: str, config: Path | None, course: Path | None
) -> None:
    """Write one HTML page for each student: points, what failed and why, what to do next.

    A page is one file that needs no network and holds no script. A student who handed nothing in gets one
    too."""
    from grader.classroom.feedback import feedback
    from grader.classroom.ledger import open_class
    from grader.files import make_folder, write_atomically

    room = open_class(results)
    disclose = _disclosure(disclosure)
    lines = _lines(room, config) if config is not None else {}
    make_folder(out)
    n = 0
    for name, text in feedback(
        room, disclose=disclose, questions=_questions(course_content(course)), lines=lines
    ):
        write_atomically(out / name, text)
        n += 1
    click.echo(f"{out}: {n} {'page' if n == 1 else 'pages'}")


def _disclosure(ceiling: str) -> Callable[[Report], StudentReport]:
    """What is left of a report for a student."""
    from grader.disclosure import for_student
    from grader.model import Disclosure

    level = Disclosure(ceiling)
    return lambda report: for_student(report, level)


def _lines(room: Class, config: Path) -> dict[str, list[str]]:
    """What made each grade other than the points earned, and the grade."""
    from grader.classroom.grades import Standing, grades_of, plain
    from grader.classroom.policy import check_students, read_policy

    policy = read_policy(config)
    check_students(policy, {*room.roster, *(one.student for one in room.results)}, config)
    lines: dict[str, list[str]] = {}
    for grade in grades_of(room, policy):
        said = list(grade.reasons) if grade.standing in (Standing.GRADED, Standing.EXCUSED) else []
        if grade.final is not None and grade.standing is Standing.GRADED:
            said.append(f"grade: {plain(grade.final)} of {plain(grade.out_of)}")
        lines[grade.student.id] = said
    return lines


def _questions(content: Content) -> dict[str, list[str]]:
    """Titles of the interview questions about each exercise."""
    from grader.catalog import load_course
    from grader.cli.options import questions_of
    from grader.questions import asked_about
    from grader.report.statement import one_line

    course = load_course(content)
    bank = questions_of(content, course)
    return {
        exercise.name: [one_line(one.title) for one in asked_about(bank, exercise.name)]
        for exercise in course.exercises
    }
