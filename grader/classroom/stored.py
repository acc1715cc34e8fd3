"""Submissions and reports as texts: what is kept in the ledger, and sent to workers and back.

Texts are canonical JSON: equal things are equal texts, byte for byte. The times that a report holds are taken out of
it, as they alone differ from run to run.
"""

from __future__ import annotations

import hashlib
import json
import zlib
from collections.abc import Iterator, Mapping
from typing import Any

from grader.disclosure import for_instructor
from grader.errors import GradsmithError
from grader.model import Course, Problem, Report
from grader.notebooks.cells import Place
from grader.report.json import read_report, report_document
from grader.submission import Source, Submission

BY_CHANCE = ("call", "expected", "actual", "length", "received", "head", "at")
"""What differs from run to run in the evidence of an attack: frames have random numbers."""
FORM = 1
"""Goes up when the text of a submission is written in another way."""


DIGITS = 6
"""Of a time in seconds; more are noise, and do not pack."""


def canonical(value: Any) -> str:
    """JSON in one form: keys sorted, no spaces, ASCII."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), allow_nan=False)


def digest(text: str | bytes) -> str:
    """A name for a text."""
    return hashlib.sha256(text.encode() if isinstance(text, str) else text).hexdigest()


def packed(text: str) -> bytes:
    """A text as it is kept: a report of a whole course shrinks to a twentieth."""
    return zlib.compress(text.encode(), 6)


def unpacked(data: bytes) -> str:
    """The text of what `packed` gave."""
    return zlib.decompress(data).decode()


def submission_text(submission: Submission, topics: tuple[str, ...]) -> str:
    """What of a submission counts for some topics, without its name: equal for equal submissions."""
    others = set(submission.topics) - set(topics)
    return canonical(
        {
            "form": FORM,
            "topics": [slug for slug in submission.topics if slug in topics],
            "sources": [
                {
                    "topic": source.topic,
                    "file": source.file,
                    "text": source.text,
                    "cells": [[place.cell, place.first] for place in source.cells],
                }
                for slug, source in sorted(submission.sources.items())
                if slug in topics
            ],
            "problems": [
                [p.topic, p.file, p.message, p.line, p.column, p.text]
                for p in submission.problems
                if p.topic in topics
            ],
            "notes": [
                note
                for note in submission.notes
                if not any(note.startswith(f"{slug}.py not found:") for slug in others)
            ],
        }
    )


def read_submission_text(text: str, name: str) -> Submission:
    """The submission of a text, under a name.

    Raises
    ------
    GradsmithError : it is written in a form that is not known.
    """
    entry = json.loads(text)
    if entry.get("form") != FORM:
        raise GradsmithError(
            f"a submission in form {entry.get('form')!r}, which is not known; install a newer gradsmith"
        )
    sources = {
        one["topic"]: Source(
            one["topic"],
            one["file"],
            one["text"],
            tuple(Place(cell, first) for cell, first in one["cells"]),
        )
        for one in entry["sources"]
    }
    problems = tuple(
        Problem(topic, file, message, line, column, text, early=True)
        for topic, file, message, line, column, text in entry["problems"]
    )
    return Submission(name, sources, tuple(entry["topics"]), tuple(entry["notes"]), problems)


def report_texts(report: Report) -> tuple[str, str]:
    """A report without what a clock or chance has put into it, and that."""
    document = report_document([for_instructor(report)])
    times, chances = [], []
    for holder in _timed(document):
        times.append(round(holder["seconds"], DIGITS))
        holder["seconds"] = 0.0
        evidence = holder.get("evidence")
        if evidence is not None:
            chances.append({key: evidence[key] for key in BY_CHANCE})
            evidence.update({key: type(evidence[key])() for key in BY_CHANCE})
    return canonical(document), canonical({"seconds": times, "evidence": chances})


def read_report_texts(text: str, times: str, course: Course) -> Report:
    """The report of two texts.

    Raises
    ------
    GradsmithError : they do not fit one another or the course.
    """
    document = json.loads(text)
    told = json.loads(times)
    seconds, chances = told["seconds"], told["evidence"]
    holders = list(_timed(document))
    if len(holders) != len(seconds):
        raise GradsmithError(f"{len(seconds)} times for {len(holders)} checks; grade again")
    for holder, value in zip(holders, seconds, strict=True):
        holder["seconds"] = value
    found = [holder["evidence"] for holder in holders if holder.get("evidence") is not None]
    for evidence, chance in zip(found, chances, strict=True):
        evidence.update(chance)
    return read_report(document, course)


def _timed(document: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    """What has a time in a document, in its order."""
    for submission in document["submissions"]:
        yield submission
        for topic in submission["topics"]:
            for exercise in topic["exercises"]:
                yield from exercise["checks"]
            if topic["capstone"] is not None:
                yield from topic["capstone"]["checks"]
