"""A class is graded: each submission that is new or changed goes to the crew, and what comes back into the ledger."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from grader.classroom.intake import Intake
from grader.classroom.ledger import SECRET_FILE, Key, Ledger
from grader.classroom.model import Student
from grader.classroom.seeds import Seeding, own_secret, read_secret
from grader.classroom.stored import digest, submission_text
from grader.classroom.unit import Crew, Settings, Task, course_digest
from grader.content import Content
from grader.errors import GradsmithError, UnreadableSubmissionError
from grader.model import Course

GRADED, REUSED, UNREADABLE, OURS = "graded", "reused", "unreadable", "ours"
"""What becomes of a submission in a run."""


@dataclass(frozen=True, slots=True)
class Step:
    """One submission is done with.

    Attributes
    ----------
    became : `GRADED`, `REUSED` (nothing has changed since it was graded), `UNREADABLE` or `OURS` (our fault).
    said : for a person: points and percent, or what is wrong.
    """

    student: str
    became: str
    said: str = ""


@dataclass(frozen=True, slots=True)
class Job:
    """What is to be graded, and how.

    Attributes
    ----------
    regrade : students to grade again, though nothing has changed; None for all.
    """

    content: Content
    course: Course
    settings: Settings
    seeding: Seeding
    intake: Intake
    roster: Mapping[str, Student] | None = None
    regrade: Collection[str] | None = ()


def choose_seeding(ledger: Ledger, fixed: int | None, secret: Path | None) -> Seeding:
    """How seeds are made: as asked for, else as for the results that are there, else by a secret of the class's own.

    Raises
    ------
    GradsmithError : the secret cannot be read, or the results there were made with one that is not at hand.
    """
    if fixed is not None:
        return Seeding(fixed=fixed)
    if secret is not None:
        return read_secret(secret)
    before = ledger.meta("seeding")
    if before.startswith("fixed "):
        return Seeding(fixed=int(before.removeprefix("fixed ")))
    own = ledger.folder / SECRET_FILE
    if before and not own.exists():
        raise GradsmithError(
            f"{ledger.folder}: graded with a secret that is not in it; give it: --secret FILE"
        )
    seeding = own_secret(own)
    if before and before != seeding.name:
        raise GradsmithError(
            f"{ledger.folder}: graded with another secret than {own}; give it: --secret FILE"
        )
    return seeding


def grade_class(
    job: Job,
    ledger: Ledger,
    crew: Crew,
    on_step: Callable[[Step], None],
    on_change: Callable[[str], None] = lambda what: None,
) -> tuple[str, ...]:
    """Grade what is new or changed, and keep each result as soon as it is made.

    Parameters
    ----------
    on_step : called for each submission, when its result is in the ledger.
    on_change : called with what has changed since the class was graded before, so that all is graded again.

    Returns
    -------
    The topics that are graded and of which nobody handed anything in.

    Raises
    ------
    GradsmithError : the results are those of another course; or of `crew` and `ledger`.
    """
    title = ledger.meta("title")
    if title and title != job.course.title:
        raise GradsmithError(
            f"{ledger.folder}: holds results of {title!r}, not of {job.course.title!r}; "
            "name another folder"
        )
    known = {entry.student for entry in job.intake.entries}
    for student in job.regrade or ():
        if student not in known:
            raise GradsmithError(f"--regrade {student}: no such student among the submissions")
    footing = crew.start()
    for what, now in (("suite", footing.suite), ("seeding", job.seeding.name)):
        before = ledger.meta(what)
        if before and before != now:
            on_change(
                "suites, settings or versions" if what == "suite" else "the secret, or the seed,"
            )
    settings, intake = job.settings, job.intake
    ledger.begin(job.course, settings, footing.suite, job.seeding.name, job.roster, intake.entries)
    keys = ledger.keys()
    topics = settings.topics(job.course)
    course = course_digest(job.content, job.course, topics)
    at_work: dict[str, tuple[Key, str]] = {}
    handed_in: set[str] = set()

    def tasks() -> Iterator[Task]:
        for entry in intake.entries:
            student = entry.student
            seed = job.seeding.seed(student, course)
            fault = text = ""
            try:
                submission = entry.read(job.course)
                handed_in.update(submission.sources, (p.topic for p in submission.problems))
                text = submission_text(submission, topics)
            except UnreadableSubmissionError as error:
                fault = str(error)
            key = Key(digest(text or fault), footing.suite, seed)
            asked = job.regrade is None or student in job.regrade
            if keys.get(student) == key and not asked:
                on_step(Step(student, REUSED))
            elif fault:
                ledger.put(student, key, "", None, fault)
                on_step(Step(student, UNREADABLE, fault))
            else:
                at_work[student] = key, text
                yield Task(student, text, seed)

    for made in crew.run(tasks()):
        key, text = at_work.pop(made.student)
        ledger.put(made.student, key, text, made)
        if made.fault:
            on_step(Step(made.student, OURS, made.fault))
        else:
            share = 100.0 * made.earned / made.points if made.points else 0.0
            aside = "".join(
                f", {n} {status}" for status, n in made.statuses if status not in ("passed",)
            )
            said = f"{made.earned:g} of {made.points:g} points ({share:.0f}%){aside}"
            on_step(Step(made.student, GRADED, said))
    return tuple(topic for topic in topics if handed_in and topic not in handed_in)
