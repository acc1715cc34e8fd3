"""Autograding a whole assignment: graded side by side, and written meanwhile by nbgrader's own machinery in turn.

What was graded is kept (`verdicts.Kept`): a run that was stopped goes on where it was, and the preprocessor, which
nbgrader runs, finds its verdicts there. Nothing is decided here that nbgrader's own button would decide otherwise.
"""

from __future__ import annotations

import contextlib
import glob
import io
import logging
import threading
from collections.abc import Callable, Collection, Iterator, Mapping
from concurrent.futures import Future
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
    begun: Callable[[int], None] = lambda n: None,
    advance: Callable[[str], None] = lambda student: None,
) -> Done:
    """Grade an assignment's submissions and write them into the gradebook.

    Parameters
    ----------
    jobs : processes that grade.
    students : ids; all by default.
    begun : told how many students there are.
    advance : told of each whose scores have been written.

    Raises
    ------
    GradsmithError : there is no such assignment, nothing was submitted for it, or nbgrader is not installed.
    """
    with nbgrader_at_work(), _started(root, assignment, jobs) as early:
        from nbgrader.coursedir import CourseDirectory

        config = _hardened(root)
        places = CourseDirectory(config=config)
        submissions = _submissions(places, assignment, students)
        tasks = _tasks(places, config, assignment, submissions)
        done = Done(n_kept=tasks.n_kept)
        begun(len(submissions))
        known: dict[str, Any] = {}
        with tasks.under_way(early, jobs, done) as graded, KeptOpen(places.db_url) as book:
            for student, folder in submissions.items():
                for digest in tasks.students.get(student, ()):
                    graded[digest].result()
                _take_back(places, assignment, student, folder)
                book.save()  # whatever comes
                done.failed |= _written(places, config, assignment, student, folder, book, known)
                advance(student)
        done.rows = _rows(places.db_url, assignment, submissions)
        return done


def _started(root: Path, assignment: str, jobs: int) -> Pool:
    """Processes that grade, which get ready while nbgrader is imported, which takes as long.

    None run where nothing will be there to grade, as far as the folders tell, and where the configuration cannot be
    read without nbgrader, which says then what is wrong with it.
    """
    from traitlets.config.loader import PyFileConfigLoader

    chosen: Any = {}
    n = 0
    with contextlib.suppress(Exception), contextlib.chdir(root):
        n = len(list(Path("submitted").glob(f"*/{glob.escape(assignment)}")))
        n = 0 if len(list(Path(VERDICTS).glob("*"))) >= n else min(jobs, n)
        chosen = PyFileConfigLoader(CONFIG).load_config().GradeInSandbox if n else {}
    course, timeout = chosen.get("course", ""), float(chosen.get("timeout", TIMEOUT))
    pool = Pool(course, max(n, 1), timeout)
    if n:
        pool.start()
    return pool


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


@dataclass(slots=True)
class _Tasks:
    """What has to be graded.

    Attributes
    ----------
    works : by digest: equal notebooks are graded once.
    students : the digests of each student's notebooks.
    n_kept : notebooks whose verdict is kept.
    """

    course: str
    seed: int
    timeout: float
    kept: Kept
    works: dict[str, Work] = field(default_factory=dict)
    students: dict[str, list[str]] = field(default_factory=dict)
    n_kept: int = 0

    @contextlib.contextmanager
    def under_way(self, early: Pool, jobs: int, done: Done) -> Iterator[Mapping[str, Future[None]]]:
        """Grade side by side while the block runs, and keep what comes of it; what can be waited for, by digest.

        The processes that were started early do it, if they fit.
        """
        lock = threading.Lock()

        def note(digest: str, verdict: Verdict | GradsmithError) -> None:
            with lock:
                if isinstance(verdict, Verdict):
                    self.kept.put(digest, verdict)
                    done.n_graded += 1
                    done.isolation = verdict.isolation

        own = Pool(self.course, max(1, min(jobs, len(self.works))), self.timeout)
        chosen = early if self.works and early.options == own.options else own
        with chosen as pool, pool.verdicts(self.works, note, seed=self.seed) as graded:
            yield graded


def _tasks(places: Any, config: Any, assignment: str, submissions: dict[str, Path]) -> _Tasks:
    """What has not been graded yet."""
    from grader.catalog import load_course
    from grader.nbgrader_course.exporter import work_of

    chosen = config.GradeInSandbox
    root, seed = chosen.get("course", ""), chosen.get("seed", 0)
    timeout = float(chosen.get("timeout", TIMEOUT))
    content = locate(Path(root) if root else None)
    topics = {topic.slug for topic in load_course(content).topics}
    tasks = _Tasks(root, seed, timeout, Kept(Path(places.root) / VERDICTS))
    with gradebook(places.db_url) as book:
        notebooks = [each.name for each in book.find_assignment(assignment).notebooks]
    settings = {
        notebook: settings_of(content, notebook, seed=seed, timeout=timeout)
        for notebook in notebooks
        if notebook in topics
    }
    cells = {notebook: known_cells(places.db_url, assignment, notebook) for notebook in settings}
    for student, folder in submissions.items():
        for notebook, suite in settings.items():
            work = work_of(folder / f"{notebook}{SUFFIX}", notebook, cells[notebook])
            if work is None:
                continue  # told where it is written
            digest = work.digest(suite)
            if digest not in tasks.works and tasks.kept.get(digest) is not None:
                tasks.n_kept += 1
            else:
                tasks.works[digest] = work
                tasks.students.setdefault(student, []).append(digest)
    return tasks


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
