"""nbgrader and its gradebook, as far as we need them; the one place that knows its database.

`nbgrader` takes seconds to import, warns of its own past while it does, and calls a bare `alembic` for a new gradebook.
"""

from __future__ import annotations

import contextlib
import os
import sys
import warnings
from collections.abc import Iterator, Mapping, Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from grader.classroom.model import Student
from grader.errors import GradsmithError
from grader.nbgrader_course.mending import Known

Comments = Mapping[str, str]


@contextlib.contextmanager
def nbgrader_at_work() -> Iterator[None]:
    """Let nbgrader be imported and used: its programs are found, its warnings about itself are not told.

    Raises
    ------
    GradsmithError : it is not installed.
    """
    if find_spec("nbgrader") is None:
        raise GradsmithError("nbgrader is not installed: pip install 'gradsmith[nbgrader]'")
    path = os.environ.get("PATH", "")
    os.environ["PATH"] = os.pathsep.join(filter(None, (str(Path(sys.executable).parent), path)))
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        os.environ["PATH"] = path


@contextlib.contextmanager
def gradebook(db_url: str) -> Iterator[Any]:
    """nbgrader's gradebook, closed with the block."""
    from nbgrader.api import Gradebook

    with Gradebook(db_url) as book:
        yield book


def known_cells(db_url: str, assignment: str, notebook: str) -> list[Known]:
    """The cells of a notebook that were handed out.

    Raises
    ------
    LookupError : the gradebook has no such notebook.
    """
    from nbgrader.api import MissingEntry

    with gradebook(db_url) as book:
        try:
            found = book.find_notebook(notebook, assignment)
        except MissingEntry as error:
            raise LookupError(str(error)) from None
        points = {cell.name: float(cell.max_score) for cell in found.grade_cells}
        tasks = {cell.name: float(cell.max_score) for cell in found.task_cells}
        solutions = {cell.name for cell in found.solution_cells}
        return [
            Known(
                cell.name, cell.cell_type, cell.source or "",
                grade=cell.name in points, solution=cell.name in solutions, locked=bool(cell.locked),
                points=points.get(cell.name, tasks.get(cell.name)), task=cell.name in tasks,
            )
            for cell in found.source_cells
        ]  # fmt: skip


def forget(db_url: str, assignment: str, notebook: str, student: str) -> None:
    """Take back the scores that were given automatically, until there are new ones: a regrade that fails leaves none.

    What a person gave stays.
    """
    from nbgrader.api import MissingEntry

    with gradebook(db_url) as book:
        try:
            found = book.find_submission_notebook(notebook, assignment, student)
        except MissingEntry:
            return
        for grade in found.grades:
            grade.auto_score = None
            grade.needs_manual_grade = True
        for comment in found.comments:
            comment.auto_comment = "not graded: the last run did not come to its end"
        found.late_submission_penalty = None
        book.db.commit()


def save_verdicts(
    db_url: str,
    assignment: str,
    notebook: str,
    student: str,
    comments: Comments,
    undecided: Sequence[str],
) -> None:
    """Write comments into the gradebook, and take back scores that are for a person to give.

    Parameters
    ----------
    comments : by the id of a solution cell.
    undecided : ids of test cells.
    """
    with gradebook(db_url) as book:
        found = book.find_submission_notebook(notebook, assignment, student)
        for comment in found.comments:
            if comment.name in comments:
                comment.auto_comment = comments[comment.name]
        for grade in found.grades:
            if grade.name in undecided:
                grade.auto_score = None
                grade.needs_manual_grade = True
        book.db.commit()


def import_roster(db_url: str, students: Sequence[Student]) -> None:
    """Bring students into the gradebook: new ones are added, the others' names are brought up to date."""
    with gradebook(db_url) as book:
        for student in students:
            first = student.extra.get("first_name", "")
            last = student.extra.get("last_name", "")
            if not first and not last:
                first, _, last = student.name.rpartition(" ")
            fields = {"first_name": first, "last_name": last, "email": student.email}
            book.update_or_create_student(
                student.id, **{key: value for key, value in fields.items() if value}
            )
