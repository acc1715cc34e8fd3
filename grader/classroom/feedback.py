"""A page of feedback for each student of a class."""

from __future__ import annotations

import hashlib
import re
import unicodedata
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

from grader.classroom.model import Class, Result, Student
from grader.disclosure import StudentReport
from grader.model import Report
from grader.report.page import page

_PLAIN = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9_.@+-]{0,62}[A-Za-z0-9])?")
_HASHED = re.compile(r".*-[0-9a-f]{16,}")
_RESERVED = re.compile(r"(?:con|prn|aux|nul|com\d|lpt\d)(?:\..*)?", re.IGNORECASE)
"""Names that Windows keeps for devices, whatever follows a point."""
_BREAK = re.compile(r"[^a-z0-9]+")


def feedback(
    room: Class,
    *,
    disclose: Callable[[Report], StudentReport],
    questions: Mapping[str, Sequence[str]] | None = None,
    lines: Mapping[str, Sequence[str]] | None = None,
) -> Iterator[tuple[str, str]]:
    """The pages, one a student, as pairs of a file's name and its text; the same class gives the same bytes.

    Parameters
    ----------
    disclose : what of a report a student may see.
    questions : titles of interview questions by exercise, for those that have not passed.
    lines : what else is said beneath the total, by student: late days, penalties.
    """
    # A result is read when it is asked for, and a large class need not fit into memory: so twice, one by one.
    present = [result.student for result in room.results]
    handed = set(present)
    names = file_names(dict.fromkeys([*room.roster, *present]))
    for result in room.results:
        known = room.roster.get(result.student, Student(result.student, result.name))
        said = (lines or {}).get(known.id, ())
        yield names[known.id], _feedback(room, known, result, disclose, questions or {}, said)
    for id in [id for id in room.roster if id not in handed]:
        said = (lines or {}).get(id, ())
        yield names[id], _feedback(room, room.roster[id], None, disclose, questions or {}, said)


def _feedback(
    room: Class,
    student: Student,
    result: Result | None,
    disclose: Callable[[Report], StudentReport],
    questions: Mapping[str, Sequence[str]],
    lines: Sequence[str],
) -> str:
    report = result.report if result is not None else None
    submitted = result.submitted_at if result is not None else None
    return page(
        "feedback.html",
        {
            "title": room.title,
            "id": student.id,
            "name": student.shown,
            "section": student.section,
            "submitted": f"{submitted:%Y-%m-%d %H:%M %Z}".strip() if submitted else "",
            "withheld": result is not None and result.withheld,
            "ours": result is not None and result.ours,
            "fault": result.fault or "no reason was given" if result is not None else "",
            "report": disclose(report) if report is not None else None,
            "questions": questions,
            "lines": tuple(lines),
        },
    )


def file_names(ids: Iterable[str]) -> dict[str, str]:
    """A name of a file for each id: safe on every system, and no two the same, whatever their case.

    An id of letters, digits and inner ``._-@+`` is its own name. Any other becomes what of it can be read, and
    a digest.
    """
    ids = list(ids)
    same = Counter(id.casefold() for id in ids)
    return {id: f"{_stem(id, alone=same[id.casefold()] == 1)}.html" for id in ids}


def _stem(id: str, *, alone: bool) -> str:
    plain = _PLAIN.fullmatch(id) is not None and not _RESERVED.fullmatch(id)
    if plain and alone and not _HASHED.fullmatch(id):
        return id
    ascii_ = unicodedata.normalize("NFKD", id[:200]).encode("ascii", "ignore").decode().casefold()
    words = _BREAK.sub("-", ascii_).strip("-")[:32].strip("-") or "student"
    digest = hashlib.sha256(id.encode("utf-8", "surrogatepass")).hexdigest()
    return f"{words}-{digest[:32]}"
