"""The JUnit report: well-formed XML whose counts agree and in which nothing looks like a pass."""

from __future__ import annotations

import xml.etree.ElementTree as ET
from collections import Counter
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from grader.model import Failure, Outcome, Score, Status
from grader.report.junit import TAGS, dumps

COUNTED = {"failures": "failure", "errors": "error", "skipped": "skipped"}


def parsed(*reports) -> ET.Element:
    return ET.fromstring(dumps(reports))


def properties(suite: ET.Element) -> dict[str, str]:
    return {each.attrib["name"]: each.attrib["value"] for each in suite.iter("property")}


def verdict(case: ET.Element) -> str:
    """The tag that says what became of a case, or `passed`."""
    return next((tag for tag in COUNTED.values() if case.find(tag) is not None), "passed")


def test_counts_agree_with_the_cases(samples):
    """The totals of the whole and of each suite are those of the cases inside."""
    root = parsed(*samples.samples())
    for parent in (root, *root.iter("testsuite")):
        cases = list(parent.iter("testcase"))
        assert int(parent.attrib["tests"]) == len(cases)
        for attribute, tag in COUNTED.items():
            n = sum(case.find(tag) is not None for case in cases)
            assert int(parent.attrib[attribute]) == n
        seconds = sum(float(case.attrib["time"]) for case in cases)
        assert float(parent.attrib["time"]) == pytest.approx(seconds, abs=0.001)


def test_a_suite_for_each_submission_and_topic(samples):
    """Each suite is named after its submission and its topic, in their order."""
    root = parsed(samples.every_status(), samples.diagnosed())
    assert [suite.attrib["name"] for suite in root] == [
        "bob/softmax.ipynb: softmax",
        "bob/softmax.ipynb: attention",
        "bob/softmax.ipynb: convolution",
        "alice: softmax",
    ]


def test_a_case_for_each_test(samples):
    """Every test that ran is a case, under the class of its topic and exercise."""
    report = samples.diagnosed()
    names = [(c.attrib["classname"], c.attrib["name"]) for c in parsed(report).iter("testcase")]
    assert names == [
        (f"softmax.{score.exercise.name}", outcome.test)
        for score in report.scores
        for outcome in score.outcomes
    ]


def test_capstones_are_cases(samples):
    """A capstone that ran has a case for each test, one that waits is skipped with its reason."""
    cases = parsed(samples.capstones()).iter("testcase")
    found = [(c.attrib["classname"], verdict(c)) for c in cases if "capstone" in c.attrib["name"]]
    assert found == [
        ("softmax.capstone", "passed"),
        ("attention.capstone", "failure"),
        ("convolution.capstone", "skipped"),
    ]


@pytest.mark.parametrize("status", list(Status))
def test_each_status_has_its_element(samples, status):
    """A wrong answer is a failure, a stub or waiting capstone is skipped, a pass has no element, all else an error."""
    of = samples.SOFTMAX.exercises[0]
    outcome = samples.outcome(of, "values", status, failure=Failure("why it is so"))
    (case,) = parsed(samples.report(Score(of, status, 0.0, (outcome,)))).iter("testcase")
    wanted = {Status.PASSED: "passed", Status.FAILED: "failure"}
    wanted |= {Status.MISSING: "skipped", Status.WAITING: "skipped"}
    assert verdict(case) == wanted.get(status, "error")
    assert status is Status.PASSED or case[0].attrib["message"] == "why it is so"
    assert set(TAGS) == set(Status) - {Status.PASSED}


@pytest.mark.parametrize("status", [status for status in Status if status is not Status.PASSED])
@pytest.mark.parametrize("ran", [False, True])
def test_no_status_hides_behind_tests_that_passed(samples, status, ran):
    """An exercise whose tests do not show its status gets a case of its own that does."""
    of = samples.SOFTMAX.exercises[0]
    outcomes = (samples.outcome(of, "values"),) if ran else ()
    root = parsed(samples.report(Score(of, status, 0.0, outcomes, "because")))
    own = [case for case in root.iter("testcase") if case.attrib["name"] == of.name]
    assert [verdict(case) for case in own] == [TAGS[status]]
    assert own[0][0].attrib["message"] == "because"


def test_unreadable_file_is_an_error(samples):
    """A file that could not be loaded is an error case with its place."""
    root = parsed(samples.unreadable())
    case = next(c for c in root.iter("testcase") if c.attrib["name"] == "softmax.py")
    assert "line 12, column 16: invalid syntax" in case.find("error").attrib["message"]


def test_points_stand_in_the_properties(samples):
    """Points earned and possible are properties of the suite, in all and for each exercise."""
    report = samples.diagnosed()
    found = properties(next(parsed(report).iter("testsuite")))
    assert (found["points_earned"], found["points_possible"]) == ("8", "12")
    assert found["points_earned.softmax"] == found["points_possible.softmax"] == "2"
    assert found["points_earned.softmax_vjp"] == "0"
    assert found["seed"] == str(report.seed)


def test_a_withheld_grade_is_no_number(samples):
    """Of what was tampered with, no points stand in the properties, and the evidence stands with the case."""
    root = parsed(samples.every_status())
    for suite in root.iter("testsuite"):
        assert properties(suite)["points_earned"] == "withheld: a person decides"
    suite = next(s for s in root.iter("testsuite") if "attention" in s.attrib["name"])
    assert properties(suite)["points_earned.attention"] == "withheld: a person decides"
    error = next(e for e in suite.iter("error") if e.attrib["type"] == "tampered")
    assert "came: RETURNED 9f3a61c2" in error.text


def test_properties_come_first(samples):
    """The schema of the format wants properties before cases, and the verdict before output."""
    for suite in parsed(*samples.samples()).iter("testsuite"):
        assert [child.tag for child in suite].index("properties") == 0
        for case in suite.iter("testcase"):
            order = [child.tag for child in case]
            assert order == sorted(order, key=["system-out", "system-err"].__contains__)
            assert max(Counter(order).values(), default=1) == 1


def test_cases_are_told_apart(samples):
    """No two cases of a suite share class and name: consumers drop the second."""
    for suite in parsed(*samples.samples()).iter("testsuite"):
        keys = [(c.attrib["classname"], c.attrib["name"]) for c in suite.iter("testcase")]
        assert len(keys) == len(set(keys))


def test_details_of_a_failure(samples):
    """The element's text has the pattern and the cause, and the printed text its own element."""
    root = parsed(samples.every_status())
    case = next(c for c in root.iter("testcase") if c.attrib["name"] == "test_softmax_vjp_values")
    text = case.find("failure").text
    assert "everything but the diagonal" in text
    assert "why: the Jacobian is taken for its diagonal" in text
    assert "step 11" in case.findtext("system-out")
    assert "divide by zero" in case.findtext("system-err")


def test_hostile_strings_are_data(samples):
    """Illegal characters are gone, markup is text, and the rest is still there."""
    text = dumps([samples.hostile()])
    assert text.isascii()
    root = ET.fromstring(text)
    suite = next(root.iter("testsuite"))
    assert "[31mred[0m]0;title[red]markup[/red]" in suite.attrib["name"]
    assert not list(root.iter("b"))
    failure = next(root.iter("failure"))
    assert "]]> <b>&amp;</b>" in failure.attrib["message"]
    assert "幅の広い" in failure.attrib["message"]


def test_a_return_moves_no_cursor(samples):
    """What a submission printed cannot write over a line of the report: returns go, ends of line stay."""
    report = samples.hostile()
    score = next(score for score in report.scores if score.outcomes)
    printed = replace(score.outcomes[0], printed="0 points\rfull marks\r\nmore")
    text = dumps([replace(report, scores=(replace(score, outcomes=(printed,)),))])
    assert "0 pointsfull marks\nmore" in text
    assert "\r" not in text


@settings(max_examples=60, deadline=None)
@given(text=st.text(st.characters(codec=None), max_size=60))
def test_anything_is_well_formed(samples, text):
    """Any string, in every place a submission can reach, gives XML that parses."""
    of = samples.SOFTMAX.exercises[0]
    failure = Failure(text, samples.mismatch(text, pattern=text), notes=(text,))
    outcome = Outcome(
        f"test_softmax_{text}", text, of.name, Status.FAILED, failure, 0.1, (text,), text
    )
    root = parsed(samples.report(Score(of, Status.FAILED, 0.0, (outcome,), text), submission=text))
    assert root.attrib["failures"] == "1"


def test_no_reports():
    """No submission gives an empty document with counts of zero."""
    root = parsed()
    assert root.tag == "testsuites"
    assert root.attrib["tests"] == "0"
