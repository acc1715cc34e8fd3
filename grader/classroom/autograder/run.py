"""Grades one submission on Gradescope: what `run_autograder` in the archive runs.

`python -m grader.classroom.autograder.run ROOT`, where ROOT is `/autograder`. It ends with 0 and a `results.json`, or
with 3 and none: a fault of ours gives nobody a score.
"""

from __future__ import annotations

import hashlib
import json
import sys
import traceback
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from grader.catalog import load_course
from grader.classroom.autograder.pack import CONFIG, SETTINGS, Settings, read_settings
from grader.classroom.exports.cells import line
from grader.classroom.exports.gradescope import dumps, results
from grader.classroom.grades import Grade, grade_of, plain
from grader.classroom.model import Class, Result, Student
from grader.classroom.policy import Policy, read_policy
from grader.content import locate
from grader.errors import UnreadableSubmissionError
from grader.files import make_folder, write_atomically
from grader.model import Course, Disclosure
from grader.submission import Submission, read_submission


def main(arguments: list[str]) -> int:
    """Grade what lies under the root; the exit code."""
    if len(arguments) != 1:
        print("usage: python -m grader.classroom.autograder.run ROOT", file=sys.stderr)
        return 2
    root = Path(arguments[0])
    file = root / "results" / "results.json"
    try:
        make_folder(file.parent)
        file.unlink(missing_ok=True)
        settings = read_settings(root / "source" / SETTINGS)
        grade = grade_under(root, settings)
        ceiling = Disclosure(settings.disclosure)
        told = results(grade, visibility=settings.visibility, ceiling=ceiling)
        write_atomically(file, dumps(told))
    except Exception:
        file.unlink(missing_ok=True)
        traceback.print_exc()
        print("This is a fault of the grader's, not of the submission: there is no result.")
        return 3
    final = "no number" if grade.final is None else f"{grade.final} of {plain(grade.out_of)}"
    print(f"{line(grade.student.id)}: {grade.standing.value}, {final}")
    for reason in grade.reasons:
        print(f"  {line(reason)}")
    return 0


def grade_under(root: Path, settings: Settings) -> Grade:
    """The grade of the submission under the root."""
    content = locate()
    course = load_course(content)
    policy = read_policy(root / "source" / CONFIG) if settings.config else Policy()
    student, submitted = read_metadata(root / "submission_metadata.json")
    folder = root / "submission"
    try:
        submission = read_submission(folder, course)
    except UnreadableSubmissionError as error:
        fault = str(error).removeprefix(f"{folder}: ")
        result = Result(student.id, folder.name, "", settings.seed, None, fault, submitted)
    else:
        from grader.grading import Grader  # heavy, and of no use to what cannot be read

        with Grader(content, course, timeout=settings.timeout) as grader:
            report = grader.grade(submission, exercises=settings.exercises, seed=settings.seed)
        digest = digest_of(submission)
        result = Result(
            student.id, folder.name, digest, settings.seed, report, submitted_at=submitted
        )
    points = points_of(course, settings)
    cls = Class(course.title, "", points, {student.id: student}, [result])
    return grade_of(cls, policy, student, result)


def points_of(course: Course, settings: Settings) -> float:
    """What can be earned."""
    wanted = settings.exercises
    return sum(e.points for e in course.exercises if wanted is None or e.name in wanted)


def read_metadata(file: Path) -> tuple[Student, datetime | None]:
    """Who handed in, and when, after https://gradescope-autograders.readthedocs.io/en/latest/submission_metadata/.

    A student's id is the email. Of a group, it is that of the first, and the name has all. What cannot be read is not
    known: then there is no time, and a policy that needs one gives no number.
    """
    try:
        data = json.loads(file.read_text(encoding="utf-8"))
        users: list[dict[str, Any]] = [user for user in data["users"] if isinstance(user, dict)]
        emails = [str(user["email"]) for user in users]
        names = [str(user.get("name", "")) for user in users]
        student = Student(emails[0], ", ".join(filter(None, names)), emails[0])
    except (OSError, ValueError, KeyError, TypeError, IndexError, RecursionError):
        return Student("unknown"), None
    try:
        at = datetime.fromisoformat(data["created_at"])
        return student, at.astimezone(UTC) if at.tzinfo is not None else None
    except (ValueError, KeyError, TypeError, OverflowError):
        return student, None


def digest_of(submission: Submission) -> str:
    """A digest of the code that was graded."""
    read = {slug: source.text for slug, source in sorted(submission.sources.items())}
    return f"sha256:{hashlib.sha256(json.dumps(read).encode()).hexdigest()}"


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
