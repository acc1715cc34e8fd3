"""The JSON report: valid against its schema, strict, and complete."""

from __future__ import annotations

import json
import math
import re
from dataclasses import asdict, replace
from types import ModuleType

import jsonschema
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from grader.errors import GradsmithError
from grader.model import Cause, Course, Failure, Score, Status
from grader.report.json import SCHEMA, VERSION, dumps, read_report, report_document, schema

VALIDATOR = jsonschema.Draft202012Validator


def strict(text: str) -> dict:
    """Parse `text`, refusing the NaN and Infinity that JSON does not have."""

    def refuse(constant: str) -> None:
        raise ValueError(constant)

    return json.loads(text, parse_constant=refuse)


def entries(samples) -> dict[str, dict]:
    """The mismatches of the sample with all kinds of numbers, by check."""
    (exercise,) = report_document([samples.numbers()])["submissions"][0]["topics"][0]["exercises"]
    return {
        check["check"]: check["failure"]["mismatch"]
        for check in exercise["checks"]
        if check["failure"]
    }


def test_schema_is_a_schema():
    """The published schema is itself valid in its dialect."""
    VALIDATOR.check_schema(schema())


def test_every_member_is_described_and_none_is_added():
    """Each object in the schema is closed, requires its members, and describes each."""

    def walk(node: object) -> None:
        if isinstance(node, list):
            for each in node:
                walk(each)
        if not isinstance(node, dict):
            return
        if "properties" in node and isinstance(node["properties"], dict):
            assert node["additionalProperties"] is False
            assert node["required"] == list(node["properties"])
            for name, member in node["properties"].items():
                described = "description" in member
                if not described and "$ref" in member:
                    described = "description" in schema()["$defs"][member["$ref"].split("/")[-1]]
                assert described, name
        for each in node.values():
            walk(each)

    walk(schema())


def test_schema_knows_every_status():
    """A status added to the model is added to the schema too."""
    definitions = schema()["$defs"]
    assert set(definitions["status"]["enum"]) == set(Status)
    of_exercises = set(Status) - {Status.WAITING}  # a capstone alone waits
    assert set(definitions["submission"]["properties"]["statuses"]["properties"]) == of_exercises


def test_capstones_stand_with_their_topics(samples):
    """A capstone's status, what it needs and why it was not run; null where there is none."""
    topics = report_document([samples.capstones()])["submissions"][0]["topics"]
    statuses = {t["topic"]: t["capstone"] and t["capstone"]["status"] for t in topics}
    assert statuses == {"softmax": "passed", "attention": "failed", "convolution": "waiting"}
    assert topics[2]["capstone"]["reason"] == "it calls `conv2d`, which does not pass"
    plain = report_document([samples.perfect()])["submissions"][0]["topics"]
    assert {topic["capstone"] for topic in plain} == {None}


def test_documents_are_valid(samples):
    """Each sample by itself, all together and none at all give a valid document."""
    reports = samples.samples()
    for chosen in ([], reports, *([report] for report in reports)):
        VALIDATOR(schema()).validate(strict(dumps(chosen)))


@pytest.mark.parametrize(
    "broken",
    [
        {"version": 2},
        {"schema": "other/report"},
        {"extra": 1},
        {"submissions": [{"submission": "alice"}]},
        {"grader": 1},
    ],
)
def test_schema_rejects_other_documents(samples, broken):
    """The schema can fail: a changed or added member is not valid."""
    document = report_document([samples.diagnosed()]) | broken
    assert not VALIDATOR(schema()).is_valid(document)


def test_document_names_its_kind_version_and_grader(samples):
    """A reader knows by three members what it holds."""
    document = report_document([samples.perfect()])
    assert (document["schema"], document["version"]) == (SCHEMA, VERSION)
    assert document["grader"] == samples.perfect().version
    assert report_document([])["grader"] is None


def test_versions_are_not_mixed(samples):
    """Reports of two versions of the grader do not fit in one document."""
    report = samples.perfect()
    with pytest.raises(ValueError, match=r"different versions .*0\.1\.0, 9\.9"):
        report_document([report, replace(report, version="9.9")])


def test_totals_agree_with_the_report(samples):
    """Points, statuses and counts are those of the report, and add up."""
    for report in samples.samples():
        (found,) = report_document([report])["submissions"]
        exercises = [each for topic in found["topics"] for each in topic["exercises"]]
        assert len(exercises) == len(report.scores)
        if report.withheld:
            assert found["withheld"] == "withheld: a person decides"
            assert found["earned"] is found["percent"] is None
            assert all(topic["earned"] is None for topic in found["topics"])
        else:
            assert math.isclose(found["earned"], sum(each["earned"] for each in exercises))
            assert found["withheld"] is None
        assert math.isclose(found["points"], sum(topic["points"] for topic in found["topics"]))
        assert sum(found["statuses"].values()) == len(report.scores)
        for each in exercises:
            assert each["n_checks"] == len(each["checks"])
            passed = sum(check["status"] == "passed" for check in each["checks"])
            assert each["n_passed"] == passed


def test_evidence_is_there_in_full(samples):
    """What was seen of an attack stands with its check, as the grader kept it."""
    (found,) = report_document([samples.every_status()])["submissions"]
    exercise = next(e for e in found["topics"][1]["exercises"] if e["exercise"] == "attention")
    plain, forged = (check["evidence"] for check in exercise["checks"])
    assert plain is None
    assert forged == asdict(samples.EVIDENCE)


def test_failure_is_there_in_full(samples):
    """A wrong entry keeps its place, values and cause."""
    (found,) = report_document([samples.diagnosed()])["submissions"]
    exercise = next(e for e in found["topics"][0]["exercises"] if e["exercise"] == "softmax_vjp")
    failure = exercise["checks"][0]["failure"]
    assert failure["mismatch"]["index"] == [1, 2]
    assert failure["mismatch"]["axes"] == ["row", "class"]
    assert failure["mismatch"]["actual"] == -0.0312
    assert failure["cause"]["kind"] == "mistake"
    assert failure["cause"]["name"] == "softmax_vjp__diagonal_only"


def test_numbers_that_json_lacks(samples):
    """NaN and infinities are strings, complex numbers objects, and the rest numbers."""
    found = entries(samples)
    assert (found["values"]["actual"], found["values"]["expected"]) == ("nan", 1.0)
    assert (found["shape"]["actual"], found["shape"]["expected"]) == ("inf", "-inf")
    assert found["dtype"]["actual"] == {"re": 1.0, "im": 2.0}
    assert found["extremes"]["actual"] is True
    assert found["float32"]["actual"] == 3
    assert found["axis"]["actual"] == 1.00000000000001
    assert (found["pure"]["actual"], found["pure"]["expected"]) == ("inf", -1e30)


def test_no_hint_is_given_away(samples):
    """No rung of the hints is in the document."""
    assert "HINT" not in dumps(samples.samples())


def test_text_is_ascii_and_free_of_lone_surrogates(samples):
    """Whatever a submission is called, the text can be written and read anywhere."""
    text = dumps([samples.hostile()])
    assert text.isascii()
    assert text.endswith("}\n")
    json.dumps(strict(text), ensure_ascii=False).encode("utf-8")


@settings(max_examples=60, deadline=None)
@given(
    text=st.text(st.characters(codec=None), max_size=60),
    number=st.floats() | st.complex_numbers() | st.integers() | st.booleans(),
)
def test_anything_is_valid(samples, text, number):
    """Any string and any number give a valid document that reads back as it was."""
    of = samples.SOFTMAX.exercises[0]
    failure = Failure(text, samples.mismatch(text, actual=number, expected=number), notes=(text,))
    report = samples.report(samples.judged(of, Status.FAILED, text, values=failure))
    document = strict(dumps([report]))
    VALIDATOR(schema()).validate(document)
    (exercise,) = document["submissions"][0]["topics"][0]["exercises"]
    if not re.search("[\ud800-\udfff]", text):
        assert exercise["reason"] == text


# ---- reading a report back


def test_samples_are_read_back(samples: ModuleType) -> None:
    """What is read from a report's document gives the same document."""
    course = Course("x", samples.TOPICS)
    for report in samples.samples():
        document = json.loads(dumps([report]))
        assert report_document([read_report(document, course)]) == document
    for whole in (samples.perfect(), samples.all_missing(), samples.every_status()):
        assert read_report(json.loads(dumps([whole])), course) == whole


NUMBERS = st.one_of(
    st.floats(),
    st.complex_numbers(),
    st.booleans(),
    st.integers(-(2**62), 2**62),
)


@given(
    actual=NUMBERS, expected=NUMBERS, error=st.floats(), seconds=st.floats(0, 1e9),
    words=st.text(), index=st.lists(st.integers(0, 9), max_size=3),
)  # fmt: skip
def test_any_report_is_read_back(
    samples: ModuleType, actual: complex, expected: complex, error: float, seconds: float,
    words: str, index: list[int],
) -> None:  # fmt: skip
    """Numbers of every kind, not finite and complex ones too, and any text come back as they were."""
    of = samples.SOFTMAX.exercises[0]
    mismatch = samples.mismatch(
        words, axes=tuple(map(str, index)), shape=tuple(index), index=tuple(index), actual=actual,
        expected=expected, error=error, pattern=words,
    )  # fmt: skip
    failure = Failure(words, mismatch, Cause("mistake", words, words), (words,))
    outcome = samples.outcome(of, "values", Status.FAILED, failure=failure)
    outcome = replace(outcome, seconds=seconds, printed=words, warnings=(words,))
    report = samples.report(
        Score(of, Status.FAILED, 0.0, (outcome,), words), topics=(samples.SOFTMAX,)
    )
    document = json.loads(dumps([report]))
    back = read_report(document, Course("x", samples.TOPICS))
    assert report_document([back]) == document
    # NaN is equal to nothing, itself included, so what is compared is how they are written.
    assert repr(back.scores) == repr(report.scores)


def test_report_of_another_course_or_version_is_refused(samples: ModuleType) -> None:
    """An exercise that the course lacks, a newer version and another document are errors that say so."""
    document = json.loads(dumps([samples.perfect()]))
    with pytest.raises(GradsmithError, match="which the course does not have"):
        read_report(document, Course("x", samples.TOPICS[1:]))
    course = Course("x", samples.TOPICS)
    with pytest.raises(GradsmithError, match="install a newer one"):
        read_report({**document, "version": VERSION + 1}, course)
    with pytest.raises(GradsmithError, match="not a report"):
        read_report({"a": 1}, course)
    with pytest.raises(GradsmithError, match="2 submissions"):
        read_report(json.loads(dumps([samples.perfect()] * 2)), course)
    del document["submissions"][0]["seed"]
    with pytest.raises(GradsmithError, match="cannot be read"):
        read_report(document, course)
