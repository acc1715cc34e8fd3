"""Autograding a whole assignment: graded side by side first, then written by nbgrader's own machinery, one at a time.

What was graded is kept (`verdicts.Kept`): a run that was stopped goes on where it was, and the preprocessor, which
nbgrader runs, finds its verdicts there. Nothing is decided here that nbgrader's own button would decide otherwise.
"""

from __future__ import annotations

import contextlib
import io
import logging
import threading
from collections.abc import Callable, Collection
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from grader.content import locate
from grader.errors import GradsmithError
from grader.nbgrader_course.build import CONFIG
from grader.nbgrader_course.gradebook import (
    KeptOpen,
    forget,
    gradebook,
    known_cells,
    nbgrader_at_work,
)
from grader.nbgrader_course.pool import TIMEOUT, Pool
from grader.nbgrader_course.verdicts import VERDICTS, Kept, Verdict, Work, settings_of
from grader.notebooks.format import SUFFIX

EXPORTER = "grader.nbgrader_course.exporter.SubmissionExporter"
GRADES = "grader.nbgrader_course.preprocessors.GradeInSandbox"


@dataclass(frozen=True, slots=True)
class Row:
    """What the gradebook now has of one student."""

    student: str
    score: float
    points: float
    penalty: float
    for_a_person: int


@dataclass(slots=True)
class Done:
    """What came of a run.

    Attributes
    ----------
    rows : a student each.
    failed : students whose submission nbgrader could not bring into the gradebook, and the last line it said.
    n_graded, n_kept : notebooks that were graded now, and those that had been.
    isolation : how the submissions were held that were graded now; empty for none.
    """

    rows: list[Row] = field(default_factory=list)
    failed: dict[str, str] = field(default_factory=dict)
    n_graded: int = 0
    n_kept: int = 0
    isolation: str = ""


def configuration(root: Path) -> Any:
    """nbgrader's configuration of a course.

    Raises
    ------
    GradsmithError : there is none, or it cannot be read.
    """
    if not (root / CONFIG).is_file():
        raise GradsmithError(f"{root}: no {CONFIG}; `grader nbgrader build {root}` makes a course")
    from nbgrader.apps.baseapp import NbGrader

    app = NbGrader()
    app.raise_config_file_errors = True
    try:
        with contextlib.chdir(root):
            app.load_config_file(suppress_errors=False)
    except Exception as error:
        raise GradsmithError(
            f"{root / CONFIG}: cannot be read: {type(error).__name__}: {error}"
        ) from None
    app.config.CourseDirectory.root = str(root.resolve())
    return app.config


def db_url(root: Path) -> str:
    """Where a course's gradebook is.

    Raises
    ------
    GradsmithError : the course has no configuration, or it cannot be read.
    """
    from nbgrader.coursedir import CourseDirectory

    return str(CourseDirectory(config=configuration(root)).db_url)


def _hardened(root: Path) -> Any:
    """nbgrader's configuration of a course that is graded in the sandbox.

    Raises
    ------
    GradsmithError : it cannot be read, or it is another one.
    """
    config = configuration(root)
    if fault := sandbox_fault(config):
        raise GradsmithError(
            f"{root / CONFIG}: {fault}, so `nbgrader autograde` is what you want; or make the "
            "course without --plain"
        )
    return config


def sandbox_fault(config: Any) -> str:
    """Why nbgrader with this configuration would not grade in the sandbox; empty where it does."""
    found = config.Autograde
    steps = found.get("autograde_preprocessors", ())
    names = [each if isinstance(each, str) else each.__name__ for each in steps]
    ours = found.get("exporter_class") == EXPORTER and GRADES in names
    if not ours or any(name.rpartition(".")[2] == "Execute" for name in names):
        return "does not grade in the sandbox"
    return ""


def autograde(
    root: Path,
    assignment: str,
    *,
    jobs: int = 1,
    students: Collection[str] = (),
    begun: Callable[[str, int], None] = lambda stage, n: None,
    advance: Callable[[str], None] = lambda student: None,
) -> Done:
    """Grade an assignment's submissions and write them into the gradebook.

    Parameters
    ----------
    jobs : processes that grade.
    students : ids; all by default.
    begun : told of the two stages, ``"grading"`` and ``"writing"``, and how much there is to do in each.
    advance : told of each student in each.

    Raises
    ------
    GradsmithError : there is no such assignment, nothing was submitted for it, or nbgrader is not installed.
    """
    with nbgrader_at_work():
        from nbgrader.coursedir import CourseDirectory

        config = _hardened(root)
        places = CourseDirectory(config=config)
        submissions = _submissions(places, assignment, students)
        done = Done()
        _grade(places, config, assignment, submissions, jobs, done, begun, advance)
        begun("writing", len(submissions))
        with KeptOpen(places.db_url) as book:
            known: dict[str, Any] = {}
            for student, folder in submissions.items():
                _take_back(places, assignment, student, folder)
                book.save()  # whatever comes
                done.failed |= _written(places, config, assignment, student, folder, book, known)
                advance(student)
        done.rows = _rows(places.db_url, assignment, submissions)
        return done


def _submissions(places: Any, assignment: str, students: Collection[str]) -> dict[str, Path]:
    """The folders of the submissions, by student."""
    with gradebook(places.db_url) as book:
        known = [each.name for each in book.assignments]
    if assignment not in known:
        there = ", ".join(known) or "none yet"
        raise GradsmithError(
            f"no assignment {assignment!r} in the gradebook, which has {there}; "
            f"`nbgrader generate_assignment {assignment}` puts it there"
        )
    found = {}
    top = Path(places.format_path(places.submitted_directory, "", ""))
    for folder in sorted(top.iterdir()) if top.is_dir() else []:
        here = Path(places.format_path(places.submitted_directory, folder.name, assignment))
        if here.is_dir() and not folder.name.startswith("."):
            found[folder.name] = here
    if unknown := sorted(set(students) - set(found)):
        raise GradsmithError(f"{unknown[0]}: submitted nothing for {assignment}")
    if not found:
        raise GradsmithError(f"{top}: no submission for {assignment}; collect them first")
    return {student: here for student, here in found.items() if not students or student in students}


def _grade(
    places: Any,
    config: Any,
    assignment: str,
    submissions: dict[str, Path],
    jobs: int,
    done: Done,
    begun: Callable[[str, int], None],
    advance: Callable[[str], None],
) -> None:
    """Grade what has not been graded, and keep it."""
    from grader.catalog import load_course
    from grader.nbgrader_course.exporter import work_of

    chosen = config.GradeInSandbox
    root, seed = chosen.get("course", ""), chosen.get("seed", 0)
    timeout = float(chosen.get("timeout", TIMEOUT))
    content = locate(Path(root) if root else None)
    topics = {topic.slug for topic in load_course(content).topics}
    kept = Kept(Path(places.root) / VERDICTS)
    works: dict[str, Work] = {}
    students: dict[str, list[str]] = {}
    with gradebook(places.db_url) as book:
        notebooks = [each.name for each in book.find_assignment(assignment).notebooks]
    for notebook in notebooks:
        if notebook not in topics:
            continue
        known = known_cells(places.db_url, assignment, notebook)
        suite = settings_of(content, notebook, seed=seed, timeout=timeout)
        for student, folder in submissions.items():
            work = work_of(folder / f"{notebook}{SUFFIX}", notebook, known)
            if work is None:
                continue  # told where it is written
            digest = work.digest(suite)
            if kept.get(digest) is not None:
                done.n_kept += 1
            else:
                works[digest] = work  # equal notebooks are graded once
                students.setdefault(digest, []).append(student)
    begun("grading", len(works))
    lock = threading.Lock()

    def note(digest: str, verdict: Verdict | GradsmithError) -> None:
        with lock:
            if isinstance(verdict, Verdict):
                kept.put(digest, verdict)
                done.n_graded += 1
                done.isolation = verdict.isolation
            advance(students[digest][0])

    with Pool(root, max(1, min(jobs, len(works))), timeout) as pool:
        pool.verdicts(works, note, seed=seed)


def _written(
    places: Any,
    config: Any,
    assignment: str,
    student: str,
    folder: Path,
    book: KeptOpen,
    known: dict[str, Any],
) -> dict[str, str]:
    """Have nbgrader bring one submission into the gradebook; what is wrong, where it cannot. No old score stays."""
    reason = _time_fault(places, folder) or _converted(config, assignment, student, known)
    try:
        if reason:
            _take_back(places, assignment, student)
        book.save()
    except (
        Exception
    ) as error:  # the database's own, of whichever kind: this submission is lost, and no other
        book.lose()
        reason = f"{type(error).__name__}: {error}"
    return {student: reason} if reason else {}


def _converted(config: Any, assignment: str, student: str, known: dict[str, Any]) -> str:
    """Run nbgrader's machinery for one submission; why it gave up, if it did."""
    import glob

    from nbgrader.converters.base import NbGraderException
    from nbgrader.coursedir import CourseDirectory

    from grader.nbgrader_course.converter import converter_class

    own = CourseDirectory(config=config)
    own.student_id = glob.escape(student)
    own.assignment_id = glob.escape(assignment)
    converter = converter_class(config)(coursedir=own, config=config)
    converter.force = True
    converter.known = known
    log = logging.getLogger(f"{__name__}.nbgrader")
    log.propagate = False
    log.setLevel(logging.ERROR)
    said = io.StringIO()
    handler = logging.StreamHandler(said)
    log.handlers = [handler]
    converter.log = log
    try:
        converter.start()
    except NbGraderException:
        return _reason(said.getvalue())
    return ""


def _reason(log: str) -> str:
    """The line of nbgrader's log that says what went wrong: the last of a traceback, else the first of all."""
    lines = log.splitlines()
    marks = [n for n, line in enumerate(lines) if line.startswith("Traceback")]
    for line in lines[marks[-1] + 1 :] if marks else lines:
        if line and not line.startswith((" ", "\t")):
            return line
    return "nbgrader gave up without a word"


def _take_back(places: Any, assignment: str, student: str, folder: Path | None = None) -> None:
    """Take back what was scored before; with a folder, of the notebooks in it alone: nbgrader sees to the others."""
    with gradebook(places.db_url) as book:
        notebooks = [each.name for each in book.find_assignment(assignment).notebooks]
    for notebook in notebooks:
        if folder is None or (folder / f"{notebook}{SUFFIX}").exists():
            forget(places.db_url, assignment, notebook, student)


def _time_fault(places: Any, folder: Path) -> str:
    """What is wrong with the file that says when a submission was handed in; on most of it nbgrader breaks down."""
    try:
        places.get_existing_timestamp(str(folder))
    except Exception:
        return "its timestamp.txt is no time; write it as 2026-01-31 12:00:00 UTC, or remove it"
    return ""


def _rows(db_url: str, assignment: str, students: Collection[str]) -> list[Row]:
    with gradebook(db_url) as book:
        rows = []
        for each in book.find_assignment(assignment).submissions:
            if each.student.id in students:
                open_ = sum(g.needs_manual_grade for n in each.notebooks for g in n.grades)
                penalty = float(each.late_submission_penalty or 0.0)
                rows.append(
                    Row(each.student.id, float(each.score), float(each.max_score), penalty, open_)
                )
        return sorted(rows, key=lambda row: row.student)
