"""The sources of a class, to be compared: as its results keep them, or as they lie in a folder or a download."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from grader.errors import UnreadableSubmissionError
from grader.model import Course
from grader.submission import Submission


@dataclass(frozen=True, slots=True)
class HandedIn:
    """What one student handed in.

    Attributes
    ----------
    sources : texts by topic; none where it could not be read, which `fault` then says.
    """

    student: str
    name: str
    sources: Mapping[str, str] = field(default_factory=dict)
    fault: str = ""


def handed_in(path: Path, course: Course) -> Iterator[HandedIn]:
    """Each student's sources, one by one.

    Parameters
    ----------
    path : the results of a class, which keep what was graded, or whatever `grader class grade` takes.

    Raises
    ------
    GradsmithError : it is neither, or cannot be read.
    """
    from grader.classroom.ledger import FILE

    return _kept(path) if (path / FILE).is_file() else _taken_in(path, course)


def _kept(folder: Path) -> Iterator[HandedIn]:
    from grader.classroom.ledger import (
        kept,
        open_class,
        students_of,
    )
    from grader.classroom.stored import (
        read_submission_text,
    )

    roster = open_class(folder).roster
    for id in students_of(folder):
        name = roster[id].shown if id in roster else id
        found = kept(folder, id)
        if found.text:
            yield _read(id, name, read_submission_text(found.text, id))
        else:
            yield HandedIn(id, name, fault=found.fault or "the results do not keep it")


def _taken_in(path: Path, course: Course) -> Iterator[HandedIn]:
    from grader.classroom.intake import take_in

    with take_in([path], course) as intake:
        for entry in intake.entries:
            name = entry.name or entry.student
            try:
                yield _read(entry.student, name, entry.read(course))
            except UnreadableSubmissionError as error:
                yield HandedIn(entry.student, name, fault=str(error))


def _read(id: str, name: str, submission: Submission) -> HandedIn:
    faults = [f"{problem.file}: {problem.message}" for problem in submission.problems]
    sources = {topic: source.text for topic, source in submission.sources.items()}
    return HandedIn(id, name, sources, "; ".join(faults))
