"""A class as our reports and exports know it, out of nbgrader's gradebook and what was kept of the grading.

Every number is the gradebook's: what a person changed there, extra credit and penalties count. What the checks found
is put beside it where the submission is still the one that was graded.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

from grader import __version__
from grader.catalog import load_course
from grader.classroom.grades import Grade, Standing, exact, rounded
from grader.classroom.model import Class, Result, Student
from grader.classroom.policy import Policy
from grader.content import Content, locate
from grader.errors import GradsmithError
from grader.model import Course, Difficulty, Exercise, Hints, Report, Score, Status, Topic
from grader.nbgrader_course.exporter import work_of
from grader.nbgrader_course.gradebook import cells_of
from grader.nbgrader_course.mending import Known
from grader.nbgrader_course.pool import TIMEOUT
from grader.nbgrader_course.source import exercise_of
from grader.nbgrader_course.verdicts import FOR_A_PERSON, VERDICTS, Kept, Verdict, settings_of
from grader.notebooks.format import SUFFIX

SAME = 1e-9
"""Scores nearer than this are one: the gradebook keeps floats."""


@dataclass(frozen=True, slots=True)
class GradedClass:
    """A class and its grades, as the exports take them."""

    room: Class
    grades: list[Grade]


def graded_class(
    book: Any, places: Any, config: Any, assignment: str, students: Collection[str] = ()
) -> GradedClass:
    """What the gradebook has of an assignment.

    Parameters
    ----------
    book, places, config : nbgrader's gradebook, course directory and configuration.
    students : ids; all by default.

    Raises
    ------
    GradsmithError : the course cannot be read, or a student is not in the gradebook.
    """
    source = _Source(places, config, book.find_assignment(assignment))
    known = {each.id: each for each in book.students}
    if strange := sorted(set(students) - set(known)):
        raise GradsmithError(f"{strange[0]}: no such student in the gradebook")
    wanted = [id for id in sorted(known) if not students or id in students]
    roster = {id: _student(known[id]) for id in wanted}
    submissions = {each.student.id: each for each in source.assignment.submissions}
    results, grades = [], []
    for id, student in roster.items():
        found = submissions.get(id)
        if found is None:
            grades.append(source.without(student))
            continue
        result = source.result(found)
        results.append(result)
        grades.append(source.grade(student, found, result))
    points = float(source.assignment.max_score)
    title = f"{source.course.title}: {assignment}"
    return GradedClass(Class(title, source.suite, points, roster, tuple(results)), grades)


def _student(row: Any) -> Student:
    name = " ".join(filter(None, (row.first_name, row.last_name)))
    return Student(row.id, name, row.email or "")


class _Source:
    """One assignment, with what is kept of its grading."""

    def __init__(self, places: Any, config: Any, assignment: Any) -> None:
        chosen = config.GradeInSandbox
        self.places = places
        self.assignment = assignment
        self.seed = int(chosen.get("seed", 0))
        self.timeout = float(chosen.get("timeout", TIMEOUT))
        root = chosen.get("course", "")
        self.content: Content = locate(Path(root) if root else None)
        self.course: Course = load_course(self.content)
        self.kept = Kept(Path(places.root) / VERDICTS)
        self.notebooks: dict[str, list[Known]] = {
            each.name: cells_of(each) for each in assignment.notebooks
        }
        topics = {topic.slug for topic in self.course.topics}
        self.settings = {
            name: settings_of(self.content, name, seed=self.seed, timeout=self.timeout)
            for name in self.notebooks
            if name in topics
        }
        self.suite = " ".join(self.settings.values())

    def folder(self, student: str) -> Path:
        """Where a student's submission lies."""
        return Path(
            self.places.format_path(self.places.submitted_directory, student, self.assignment.name)
        )

    def without(self, student: Student) -> Grade:
        """The grade of a student of whom the gradebook has no submission."""
        out_of = exact(self.assignment.max_score)
        if self.folder(student.id).is_dir():
            words = "handed in, and not autograded yet"
            return Grade(student, Standing.PENDING, out_of, reasons=(words,))
        nought = rounded(Decimal(0), Policy())
        words = "nothing was handed in"
        return Grade(student, Standing.ABSENT, out_of, nought, nought, (words,))

    def grade(self, student: Student, submission: Any, result: Result) -> Grade:
        """The grade that the gradebook gives."""
        out_of = exact(self.assignment.max_score)
        reasons = []
        rows = [grade for notebook in submission.notebooks for grade in notebook.grades]
        by_hand = sum(row.manual_score is not None for row in rows)
        if by_hand:
            reasons.append(f"a person gave the score of {_cells(by_hand)}")
        if extra := sum(row.extra_credit or 0.0 for row in rows):
            reasons.append(f"{extra:g} of extra credit")
        waiting = sum(_waits(row) for row in rows)
        if waiting:
            attacked = result.withheld
            why = f"a person has to look at {_cells(waiting)}"
            why = f"evidence of an attack: {why}" if attacked else why
            standing = Standing.WITHHELD if attacked else Standing.PENDING
            return Grade(student, standing, out_of, reasons=(why, *reasons), result=result)
        penalty = float(submission.late_submission_penalty or 0.0)
        if penalty:
            reasons.append(f"late, which costs {penalty:g}")
        score = float(submission.score)
        return Grade(
            student, Standing.GRADED, out_of, rounded(exact(score), Policy()),
            rounded(exact(max(score - penalty, 0.0)), Policy()), tuple(reasons), result,
        )  # fmt: skip

    def result(self, submission: Any) -> Result:
        """What came of a submission, notebook by notebook."""
        student = submission.student.id
        folder = self.folder(student)
        topics: list[Topic] = []
        scores: list[Score] = []
        reports: list[Report] = []
        digests = []
        for notebook in submission.notebooks:
            digest, report = self._report(folder, notebook)
            digests.append(digest)
            if report is not None:
                reports.append(report)
            found = self._scores(notebook, report)
            scores += found
            topics.append(self._topic(notebook.name, report, [each.exercise for each in found]))
        at = submission.timestamp
        report = Report(
            submission=student,
            course=self.course.title,
            version=__version__,
            seed=self.seed,
            isolation=reports[0].isolation if reports else "",
            timeout=self.timeout,
            topics=tuple(topics),
            scores=tuple(scores),
            capstones=tuple(each for one in reports for each in one.capstones),
            problems=tuple(each for one in reports for each in one.problems),
            notes=tuple(each for one in reports for each in one.notes),
            seconds=sum(one.seconds for one in reports),
            environment=reports[0].environment if reports else {},
        )
        return Result(
            student, str(folder), " ".join(filter(None, digests)), self.seed, report,
            submitted_at=at.replace(tzinfo=UTC) if isinstance(at, datetime) else None,
            late=submission.total_seconds_late > 0,
        )  # fmt: skip

    def _report(self, folder: Path, notebook: Any) -> tuple[str, Report | None]:
        """What the grader found in a notebook: a digest and the report, where it is kept and the gradebook's scores
        are its own."""
        settings = self.settings.get(notebook.name)
        if settings is None:
            return "", None
        known = self.notebooks[notebook.name]
        work = work_of(folder / f"{notebook.name}{SUFFIX}", notebook.name, known)
        if work is None:
            return "", None
        digest = work.digest(settings)
        verdict = self.kept.get(digest)
        if verdict is None or not _agrees(verdict, notebook.grades, _points(known)):
            return digest, None
        return digest, verdict.read_report(self.course)

    def _scores(self, notebook: Any, report: Report | None) -> list[Score]:
        """Scores as the gradebook has them, in the order in which the cells were handed out."""
        found = {score.exercise.name: score for score in report.scores} if report else {}
        exercises = {each.name: each for each in self._exercises(notebook.name)}
        said = {each.name: each.auto_comment or "" for each in notebook.comments}
        rows = {row.name: row for row in notebook.grades}
        points = _points(self.notebooks[notebook.name])
        scores = []
        for name in points:
            if name not in rows:
                continue
            exercise = exercises.get(exercise_of(name)) or _cell(notebook.name, name)
            exercise = replace(exercise, points=points[name])
            score = found.get(exercise.name)
            if score is None:
                score = Score(exercise, Status.UNRESOLVED, 0.0, reason=said.get(exercise.name, ""))
            scores.append(_settled(replace(score, exercise=exercise), rows[name]))
        return scores

    def _exercises(self, notebook: str) -> Iterable[Exercise]:
        topic = next((each for each in self.course.topics if each.slug == notebook), None)
        return topic.exercises if topic is not None else ()

    def _topic(self, name: str, report: Report | None, exercises: Sequence[Exercise]) -> Topic:
        known = next((each for each in self.course.topics if each.slug == name), None)
        if known is None:
            return Topic(name, name, "", tuple(exercises))
        capstone = known.capstone if report is not None and report.capstones else None
        return replace(known, exercises=tuple(exercises), capstone=capstone)


def _settled(score: Score, row: Any) -> Score:
    """A score with the gradebook's number, and a status that goes with it."""
    earned, full = float(row.score), score.exercise.points
    if _waits(row):
        status = score.status if score.status in FOR_A_PERSON else Status.UNRESOLVED
        return replace(score, status=status, earned=0.0)
    if row.manual_score is not None or score.status in FOR_A_PERSON:
        decided = Status.PASSED if earned >= full - SAME else Status.FAILED
        said = "a person gave the score" if row.manual_score is not None else score.reason
        return replace(score, status=decided, earned=earned, reason=said)
    return replace(score, earned=earned)


def _waits(row: Any) -> bool:
    """Whether a cell has no score, and a person is asked for one."""
    return bool(row.needs_manual_grade and row.manual_score is None)


def _agrees(verdict: Verdict, rows: Iterable[Any], points: dict[str, float]) -> bool:
    """Whether the scores that were given automatically are this verdict's."""
    for row in rows:
        cell = verdict.of(exercise_of(row.name))
        if cell is None or row.name not in points:
            continue
        if cell.status in FOR_A_PERSON:
            if row.auto_score is not None:
                return False
        elif row.auto_score is None or abs(cell.scaled(points[row.name]) - row.auto_score) > SAME:
            return False
    return True


def _points(known: Sequence[Known]) -> dict[str, float]:
    return {cell.id: cell.points for cell in known if cell.points is not None}


def _cell(notebook: str, name: str) -> Exercise:
    """A graded cell that is no function of the course, as an exercise."""
    return Exercise(name, notebook, name, "", 0.0, Difficulty.MEDIUM, 0, (), Hints("", "", "", ""))


def _cells(n: int) -> str:
    return f"{n} cell{'s' * (n != 1)}"
