"""A class for programs: one JSON document, or JUnit XML with a suite for each student."""

from __future__ import annotations

import json
import xml.etree.ElementTree as ET
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from grader.classroom.exports.tables import moment, number
from grader.classroom.grades import Grade, Standing, plain
from grader.classroom.model import Class
from grader.disclosure import for_instructor
from grader.report.json import report_document
from grader.report.junit import ILLEGAL, dumps

SCHEMA = "gradsmith/class"
VERSION = 1
"""Goes up when a member changes its meaning or goes away; a new member leaves it as it is."""
_COUNTS = (("failures", "failure"), ("errors", "error"), ("skipped", "skipped"))
_ELEMENTS = {
    Standing.ABSENT: "skipped",
    Standing.EXCUSED: "skipped",
    Standing.UNREADABLE: "error",
    Standing.WITHHELD: "error",
    Standing.PENDING: "error",
}
"""What is said of a student of whom the cases alone would say less, or nothing."""


def class_json(cls: Class, grades: Sequence[Grade]) -> str:
    """A document of the class: each student with their grade, and the report as `grader score` writes one.

    Numbers of a grade are strings, exact as they were rounded; null where there is none.
    """
    document = {
        "schema": SCHEMA,
        "version": VERSION,
        "title": _text(cls.title),
        "suite": _text(cls.suite),
        "students": [_student(grade) for grade in grades],
    }
    return json.dumps(document, indent=2, allow_nan=False) + "\n"


def _student(grade: Grade) -> dict[str, Any]:
    student, result = grade.student, grade.result
    return {
        "id": _text(student.id),
        "name": _text(student.name),
        "email": _text(student.email),
        "section": _text(student.section),
        "grade": {
            "standing": grade.standing.value,
            "raw": number(grade.raw) or None,
            "penalty": number(grade.penalty) or None,
            "final": number(grade.final) or None,
            "out_of": plain(grade.out_of),
            "reasons": [_text(reason) for reason in grade.reasons],
        },
        "submission": None
        if result is None
        else {
            "source": _text(result.source),
            "digest": _text(result.digest),
            "seed": result.seed,
            "fault": _text(result.fault),
            "submitted": moment(result.submitted_at) or None,
            "graded": moment(result.graded_at) or None,
            "grader": _text(result.report.version) if result.report is not None else None,
            "report": report_document([for_instructor(result.report)])["submissions"][0]
            if result.report is not None
            else None,
        },
    }


def class_junit(grades: Sequence[Grade]) -> str:
    """JUnit XML with a suite for each student, in which a case is a test, as in `grader.report.junit`.

    Where there is no number, or no report, a case named "submission" says so.
    """
    root = ET.Element("testsuites", name="gradsmith")
    for grade in grades:
        root.append(_suite(grade))
    _count(root)
    ET.indent(root)
    body = ET.tostring(root, encoding="us-ascii", xml_declaration=False).decode("ascii")
    return f'<?xml version="1.0"?>\n{body}\n'


def _suite(grade: Grade) -> ET.Element:
    suite = ET.Element("testsuite", name=_legal(grade.student.id))
    facts = {
        "student": grade.student.shown,
        "standing": grade.standing.value,
        "grade": number(grade.final),
        "out_of": plain(grade.out_of),
    }
    report = grade.result.report if grade.result is not None else None
    cases: list[ET.Element] = []
    if report is not None:
        for part in ET.fromstring(
            dumps([for_instructor(replace(report, submission=grade.student.id))])
        ):
            for fact in part.iter("property"):
                name = fact.get("name", "")
                if name not in ("points_earned", "points_possible"):  # of a topic
                    facts[name] = fact.get("value", "")
            cases += part.findall("testcase")
        facts["points_earned"] = f"{report.earned:g}"
        facts["points_possible"] = f"{report.points:g}"
    properties = ET.SubElement(suite, "properties")
    for name, value in facts.items():
        ET.SubElement(properties, "property", name=_legal(name), value=_legal(value))
    tag = _ELEMENTS.get(grade.standing)
    if tag is not None:
        case = ET.SubElement(suite, "testcase", classname="class", name="submission", time="0.000")
        message = _legal("; ".join(grade.reasons)) or grade.standing.value
        told = ET.SubElement(case, tag, message=message)
        if tag == "error":
            told.set("type", grade.standing.value)
    suite.extend(cases)
    _count(suite)
    return suite


def _count(parent: ET.Element) -> None:
    """Write the totals that consumers compare with the cases they find."""
    cases = list(parent.iter("testcase"))
    parent.set("tests", str(len(cases)))
    for attribute, tag in _COUNTS:
        parent.set(attribute, str(sum(case.find(tag) is not None for case in cases)))
    parent.set("time", f"{sum(float(case.get('time', '0')) for case in cases):.3f}")


def _legal(text: str) -> str:
    return ILLEGAL.sub("", text)


def _text(text: str) -> str:
    """`text` with lone surrogates replaced: JSON has no way to say them that readers agree on."""
    return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
