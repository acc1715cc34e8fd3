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
_UNFINISHED = "not graded: the last run did not come to its end"
_SLOW = "rfc3987_syntax"
"""jsonschema imports it if it is there, for addresses with other letters than ASCII. It takes 3 s to import, three
quarters of all that nbgrader takes, and none of nbgrader's schemas asks for it."""


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
    hidden = not {_SLOW, "jsonschema"}.intersection(sys.modules)
    if hidden:
        sys.modules[_SLOW] = None  # type: ignore[assignment]  # how Python writes "not to be found"
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        os.environ["PATH"] = path
        if hidden:
            del sys.modules[_SLOW]


class KeptOpen:
    """One gradebook for all that opens it in the block.

    nbgrader opens its gradebook a dozen times for each submission. Each time it looks at all tables and has all
    statements compiled anew, and it commits after each cell: that was most of what a submission took. In the block,
    a commit of nbgrader's does all that it does but for the last step, which is `save`'s: it is cheap to ask for, and
    to be asked for after each submission.

    Parameters
    ----------
    db_url : other gradebooks are opened as ever.
    """

    def __init__(self, db_url: str) -> None:
        self.db_url = db_url
        self._courses: set[str] = set()
        self._stack = contextlib.ExitStack()

    def __enter__(self) -> KeptOpen:
        from nbgrader.api import Gradebook
        from sqlalchemy.orm import Session, scoped_session, sessionmaker

        class Held(Session):
            def commit(self) -> None:
                self.flush()
                self.expire_all()

        self._really_commit = Session.commit
        book = _opened(self.db_url)  # looks at the tables
        book.db.remove()
        self._stack.callback(book.close)
        self._sessions = scoped_session(sessionmaker(class_=Held, bind=book.engine, future=True))
        start, close = Gradebook.__init__, Gradebook.close

        def opened(
            this: Any, db_url: str, course_id: str = "default_course", authenticator: Any = None
        ) -> None:
            if db_url != self.db_url:
                start(this, db_url, course_id, authenticator)
                return
            this.engine, this.db = book.engine, self._sessions
            this.course_id, this.authenticator = course_id, authenticator
            if course_id not in self._courses:
                this.check_course(course_id=course_id)
                self._courses.add(course_id)

        def closed(this: Any) -> None:
            if this.db is not self._sessions:
                close(this)

        def restore() -> None:
            Gradebook.__init__, Gradebook.close = start, close

        Gradebook.__init__, Gradebook.close = opened, closed
        self._stack.callback(self._sessions.remove)
        self._stack.callback(restore)
        return self

    def __exit__(self, *error: object) -> None:
        self._stack.close()

    def save(self) -> None:
        """Keep all that was written.

        Raises
        ------
        Exception : what was written cannot be kept, and is lost.
        """
        try:
            self._really_commit(self._sessions())
        except BaseException:
            self.lose()
            raise
        self._sessions.remove()

    def lose(self) -> None:
        """Forget all that was written since it was kept last."""
        self._courses.clear()
        self._sessions.remove()


@contextlib.contextmanager
def gradebook(db_url: str) -> Iterator[Any]:
    """nbgrader's gradebook, closed with the block.

    Raises
    ------
    GradsmithError : it cannot be opened.
    """
    with _opened(db_url) as book:
        yield book


def _opened(db_url: str) -> Any:
    from nbgrader.api import Gradebook
    from sqlalchemy.exc import SQLAlchemyError

    try:
        return Gradebook(db_url)
    except (SQLAlchemyError, ImportError) as error:
        from sqlalchemy.engine import make_url

        try:
            shown = make_url(db_url).render_as_string(hide_password=True)
        except SQLAlchemyError:
            shown = "c.CourseDirectory.db_url"
        fix = "look at c.CourseDirectory.db_url, and whether the database is there"
        if isinstance(error, ImportError):
            fix = "its driver is not installed; for PostgreSQL: pip install 'gradsmith[postgres]'"
        why = str(getattr(error, "orig", None) or error).strip().splitlines()[0]
        raise GradsmithError(f"the gradebook {shown} cannot be opened: {why}; {fix}") from None


def known_cells(db_url: str, assignment: str, notebook: str) -> list[Known]:
    """The cells of a notebook that were handed out.

    Raises
    ------
    LookupError : the gradebook has no such notebook.
    """
    from nbgrader.api import MissingEntry

    with gradebook(db_url) as book:
        try:
            return cells_of(book.find_notebook(notebook, assignment))
        except MissingEntry as error:
            raise LookupError(str(error)) from None


def cells_of(notebook: Any) -> list[Known]:
    """The cells of a notebook of the gradebook."""
    points = {cell.name: float(cell.max_score) for cell in notebook.grade_cells}
    tasks = {cell.name: float(cell.max_score) for cell in notebook.task_cells}
    solutions = {cell.name for cell in notebook.solution_cells}
    return [
        Known(
            cell.name, cell.cell_type, cell.source or "",
            grade=cell.name in points, solution=cell.name in solutions, locked=bool(cell.locked),
            points=points.get(cell.name, tasks.get(cell.name)), task=cell.name in tasks,
        )
        for cell in notebook.source_cells
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
            comment.auto_comment = _UNFINISHED
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
    from nbgrader.api import BaseCell

    with gradebook(db_url) as book:
        found = book.find_submission_notebook(notebook, assignment, student)
        rows = [*found.comments, *found.grades]
        ids = [row.cell_id for row in rows]
        query = book.db.query(BaseCell.id, BaseCell.name).filter(BaseCell.id.in_(ids))
        names = dict(map(tuple, query))
        for comment in found.comments:
            if names[comment.cell_id] in comments:
                comment.auto_comment = comments[names[comment.cell_id]]
            elif comment.auto_comment == _UNFINISHED:  # of a cell that was not handed in
                comment.auto_comment = None
        for grade in found.grades:
            if names[grade.cell_id] in undecided:
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
