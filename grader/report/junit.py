"""A report for continuous integration: JUnit XML, as Jenkins, GitLab and GitHub actions read it.

A test suite is one topic of one submission, a test case one test. A wrong answer is a failure, a
stub is skipped, and all that is neither is an error. The format knows no points: they stand in each
suite's properties, `points_earned` and `points_possible`, and for each exercise
`points_earned.<exercise>` and `points_possible.<exercise>`. Where a submission was tampered with,
`points_earned` says that the grade is withheld.
"""

from __future__ import annotations

import re
import xml.etree.ElementTree as ET
from typing import TYPE_CHECKING

from grader.disclosure import StudentReport
from grader.model import WITHHELD, Status
from grader.report.grouping import by_topic
from grader.report.tampering import as_lines

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from grader.disclosure import Shown
    from grader.model import CapstoneScore, Failure, Outcome, Problem, Report, Score
    from grader.report.grouping import TopicScores

ILLEGAL = re.compile("[^\t\n\x20-\x7e\xa0-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
"""Characters that no XML 1.0 document can hold, escaped or not (section 2.2, production 2), and control characters that
it only advises against, or reads as an end of line, such as a return: a terminal would obey them."""

TAGS: Mapping[Status, str] = {
    Status.FAILED: "failure",
    Status.MISSING: "skipped",
    Status.ERROR: "error",
    Status.TIMEOUT: "error",
    Status.TAMPERED: "error",
    Status.UNRESOLVED: "error",
    Status.GRADER_ERROR: "error",
    Status.WAITING: "skipped",
}
"""The element that says what became of a test; a test that passed has none."""


UNTOLD = ("seed", "isolation", "disclosure")
"""Properties that stand only where there is something to say."""


def dumps(reports: Sequence[Shown]) -> str:
    """The XML document as text, in ASCII: it reads the same in every encoding that CI assumes."""
    root = ET.Element("testsuites", name="gradsmith")
    for report in reports:
        for group in by_topic(report):
            root.append(_suite(report, group))
    cases = list(root.iter("testcase"))
    _count(root, cases)
    ET.indent(root)
    body = ET.tostring(root, encoding="us-ascii", xml_declaration=False).decode("ascii")
    return f'<?xml version="1.0"?>\n{body}\n'


def _suite(report: Report, group: TopicScores) -> ET.Element:
    suite = ET.Element("testsuite", name=_legal(f"{report.submission}: {group.slug}"))
    properties = ET.SubElement(suite, "properties")
    facts = {
        "course": report.course,
        "grader": report.version,
        "seed": "" if report.seed is None else str(report.seed),
        "isolation": report.isolation,
        "disclosure": report.disclosure.value if isinstance(report, StudentReport) else "",
        "points_earned": WITHHELD if report.withheld else f"{group.earned:g}",
        "points_possible": f"{group.points:g}",
    }
    for score in group.scores:
        earned = WITHHELD if score.status is Status.TAMPERED else f"{score.earned:g}"
        facts[f"points_earned.{score.exercise.name}"] = earned
        facts[f"points_possible.{score.exercise.name}"] = f"{score.exercise.points:g}"
    for name, value in facts.items():
        if not value and name in UNTOLD:
            continue
        ET.SubElement(properties, "property", name=_legal(name), value=_legal(value))
    for problem in group.problems:
        suite.append(_unreadable(group, problem))
    for score in group.scores:
        suite.extend(_cases(f"{group.slug}.{score.exercise.name}", score.exercise.name, score))
    if group.capstone is not None:
        suite.extend(_cases(f"{group.slug}.capstone", "capstone", group.capstone))
    _count(suite, suite.findall("testcase"))
    return suite


def _count(parent: ET.Element, cases: Sequence[ET.Element]) -> None:
    """Write the totals that consumers compare with the cases they find."""
    parent.set("tests", str(len(cases)))
    for attribute, tag in (("failures", "failure"), ("errors", "error"), ("skipped", "skipped")):
        parent.set(attribute, str(sum(case.find(tag) is not None for case in cases)))
    parent.set("time", f"{sum(float(case.get('time', '0')) for case in cases):.3f}")


def _cases(place: str, name: str, score: Score | CapstoneScore) -> list[ET.Element]:
    """A case for each test, and one for the exercise or capstone where no test shows the exercise's status.

    So it is where no test ran, and where the run was judged rather than a test: without that case
    a withheld score would look like a clean pass.
    """
    cases = []
    for outcome in score.outcomes:
        case = _case(place, outcome.test, outcome.seconds)
        headline = outcome.failure.headline if outcome.failure is not None else score.reason
        details = "\n".join(filter(None, (_details(outcome.failure), *_seen(outcome))))
        _judge(case, outcome.status, headline, details)
        if outcome.printed:
            ET.SubElement(case, "system-out").text = _legal(outcome.printed)
        if outcome.warnings:
            ET.SubElement(case, "system-err").text = _legal("\n".join(outcome.warnings))
        cases.append(case)
    shown = {outcome.status for outcome in score.outcomes}
    if not shown or (score.status is not Status.PASSED and score.status not in shown):
        case = _case(place, name, 0.0)
        _judge(case, score.status, score.reason, "")
        cases.append(case)
    return cases


def _unreadable(group: TopicScores, problem: Problem) -> ET.Element:
    """A case for a file that could not be loaded, so that the cause is told once and first."""
    case = _case(group.slug, problem.file, 0.0)
    place = problem.file
    place += f", line {problem.line}" if problem.line is not None else ""
    place += f", column {problem.column}" if problem.column is not None else ""
    _judge(case, Status.ERROR, f"{place}: {problem.message}", problem.text or "")
    return case


def _case(place: str, name: str, seconds: float) -> ET.Element:
    return ET.Element("testcase", classname=_legal(place), name=_legal(name), time=f"{seconds:.3f}")


def _judge(case: ET.Element, status: Status, headline: str, details: str) -> None:
    """Add the element that says what became of the case."""
    tag = TAGS.get(status)
    if tag is None:
        return
    message = _legal(headline) or status.value
    element = ET.SubElement(case, tag, type=status.value, message=message)
    if tag == "skipped":
        del element.attrib["type"]  # the element has a message alone
    elif details:
        element.text = _legal(f"{headline}\n{details}")


def _details(failure: Failure | None) -> str:
    """What there is to say of a failure besides its headline, a line each."""
    if failure is None:
        return ""
    lines = []
    mismatch = failure.mismatch
    if mismatch is not None:
        lines.append(f"{mismatch.n_wrong} of {mismatch.n_total} entries of {mismatch.name} wrong")
        if mismatch.pattern:
            lines.append(f"which: {mismatch.pattern}")
        lines.append(f"off by {mismatch.error:.2g}, tolerance {mismatch.tolerance:.2g}")
    if failure.cause is not None:
        lines.append(f"why: {failure.cause.sentence}")
    elif mismatch is not None:
        lines.append("why: unexplained")
    return "\n".join([*lines, *failure.notes])


def _seen(outcome: Outcome) -> tuple[str, ...]:
    """What a test saw of an attack, a line each."""
    return () if outcome.evidence is None else as_lines(outcome.evidence)


def _legal(text: str) -> str:
    return ILLEGAL.sub("", text.replace("\r\n", "\n"))
