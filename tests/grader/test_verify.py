"""The prover itself: a sound course has no complaint, and each broken one has exactly its own."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from grader.bank import Bank, _settled, close
from grader.catalog import load_course
from grader.content import Content
from grader.grading import Grader
from grader.model import Cause, Failure, Mismatch, Outcome, Status
from grader.submission import read_submission
from grader.suite import SuiteError, exercise_of
from grader.verify import Evidence, markdown, static_complaints, total, verify


def complaints(content: Content) -> list[str]:
    return verify(content, None, [0], 1).complaints


def test_sound_course_is_proved(toy: Content) -> None:
    """Every mistake is rejected and named, every alternative accepted, at several seeds, in several processes."""
    proof = verify(toy, None, range(2), 2)
    assert proof.complaints == []
    everything = total(proof.exercises)
    assert (everything.n_tests, everything.n_mistakes, everything.n_killed) == (5, 12, 12)
    assert (everything.n_named, everything.n_misnamed) == (12, 0)
    assert (everything.n_alternatives, everything.n_accepted) == (8, 8)
    assert "| `row_means` | 2 | 6/6 | 6 | 0 | 4/4 |" in markdown(proof, range(2))
    assert "| toy | Descent to the mean | 1 | 2/2 | 2/2 | 2/2 |" in markdown(proof, range(2))


@pytest.mark.parametrize(
    ("room", "old", "new", "words"),
    [
        ("source", "return 2.0 * c * np.asarray(x)", "return 2.1 * c * np.asarray(x)", "the solution does not pass"),
        ("suite", "test_row_means_empty", "test_scaled_square_grad_empty", "mistake row_means__no_error is passed"),
        ("mistakes_file", "return c * x\n", "return 2 * c * x\n", "mistake scaled_square_grad__no_two is passed"),
        ("alternatives_file", "x @ ([1", "x @ ([2", "alternative row_means__dot is failed"),
        ("alternatives_file", "def row_means__dot", "def _row_means__dot", "1 alternatives, at least 2"),
        ("mistakes_file", "def row_means__sum", "def _row_means__sum", "2 mistakes, at least 3"),
        ("mistakes_file", '"""the rows are summed', '"""The rows are summed', "starts with a capital"),
        ("mistakes_file", "not averaged\"\"\"", "not averaged.\"\"\"", "ends with a full stop"),
        ("mistakes_file", "def row_means__sum", "def colum_means__sum", "an exercise of the course"),
        ("suite", "< 1e-4", "< 1e-99", "the solution does not pass toy::test_capstone_descends"),
        ("suite", "assert abs(np.mean(centred)) < 1e-12", "assert True", "passes where `row_means` answers zeros"),
    ],
)  # fmt: skip
def test_each_fault_has_its_complaint(
    own_toy: Content, room: str, old: str, new: str, words: str
) -> None:
    """What is not proved is said, with the name of what is at fault."""
    file = getattr(own_toy, room)("toy")
    text = file.read_text()
    assert old in text
    file.write_text(text.replace(old, new))
    if room == "suite":  # the moved test now belongs to the other exercise, whose checks it breaks
        assert any(words in text for text in complaints(own_toy))
    else:
        found = complaints(own_toy)
        assert any(words in text for text in found), found


def test_vacuous_suite_is_found(own_toy: Content) -> None:
    """A suite that only looks at shapes lets zeros, flipped signs and constants pass, and is told so."""
    own_toy.suite("toy").write_text(
        "from grader.checks import as_array\n\n"
        "def test_scaled_square_grad_shape(submission, rng):\n"
        "    as_array(submission.scaled_square_grad(rng.normal(size=3), 1.5), (3,))\n\n"
        "def test_row_means_shape(submission, rng):\n"
        "    as_array(submission.row_means(rng.normal(size=(4, 3))), (4,))\n"
    )
    found = complaints(own_toy)
    for kind in ("zeros", "flipped", "constant"):
        assert any(f"row_means: an answer of {kind} passes" in text for text in found)


def test_exercise_without_test_is_found(own_toy: Content) -> None:
    """An exercise that nothing tests is a complaint, not a pass."""
    file = own_toy.suite("toy")
    head, _, _ = file.read_text().partition("def test_row_means_values")
    file.write_text(head)
    assert any("row_means: no test" in text for text in complaints(own_toy))


def test_indistinguishable_mistakes_are_not_named(own_toy: Content) -> None:
    """Where two mistakes give the same everywhere, neither is named: a wrong cause is worse than none."""
    file = own_toy.mistakes_file("toy")
    twin = '\n\ndef row_means__total(x):\n    """the same in other words"""\n    return row_means__sum(x)\n'
    file.write_text(file.read_text() + twin)
    row = next(
        row for row in verify(own_toy, None, [0], 1).exercises if row.exercise == "row_means"
    )
    assert (row.n_killed, row.n_mistakes, row.n_named, row.n_misnamed) == (4, 4, 2, 0)


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("import no_such_module", "cannot be collected"),
        ("def test_nothing_of_ours(submission): pass", "name it test_<exercise>_<property>"),
        ("def test_row_means_alone(): pass", "give it the submission fixture"),
    ],
)
def test_broken_suite_is_one_clear_error(own_toy: Content, line: str, words: str) -> None:
    """A suite that cannot be run is our fault, and the error says which and how to mend it."""
    file = own_toy.suite("toy")
    file.write_text(file.read_text() + f"\n\n{line}\n")
    with pytest.raises(SuiteError, match=words):
        verify(own_toy, None, [0], 1)


def test_static_complaints_of_a_sound_course(toy: Content) -> None:
    """A sound course has none."""
    assert static_complaints(toy, load_course(toy), Bank(toy)) == []


@pytest.mark.parametrize(
    ("test", "exercise"),
    [
        ("test_softmax_values", "softmax"),
        ("test_softmax_vjp_values", "softmax_vjp"),
        ("test_softmax", "softmax"),
        ("test_softmaxx_values", None),
        ("softmax_values", None),
    ],
)
def test_longest_name_wins(test: str, exercise: str | None) -> None:
    """A test belongs to the exercise with the longest name that fits."""
    assert exercise_of(test, ["softmax", "softmax_vjp"]) == exercise


@pytest.mark.parametrize(
    ("a", "b", "is_close"),
    [
        ([1.0, 2.0], (1.0, 2.0), True),
        ((1.0,), [1.0, 2.0], False),
        ({"a": 1.0}, {"a": 1.0 + 1e-12}, True),
        ({"a": 1.0}, {"b": 1.0}, False),
        (None, 0.0, False),
        ("a", "a", True),
        (1.0, float("nan"), False),
        (float("nan"), float("nan"), True),
        (3, 3.0, True),
        (3, 4, False),
    ],
)
def test_close_answers(a: object, b: object, is_close: bool) -> None:
    """Two answers are one where structure and values agree up to rounding."""
    assert close(a, b) is is_close


def test_evidence_adds_up() -> None:
    """Counts add over seeds; the number of tests does not."""
    row = Evidence("f", "t", 3, 4, 4, 4, 0, 2, 2)
    row.add(Evidence("f", "t", 3, 4, 3, 3, 1, 2, 2, ["x"]))
    assert (row.n_tests, row.n_mistakes, row.n_killed, row.n_misnamed) == (3, 8, 7, 1)
    assert row.complaints == ["x"]


def failed(check: str, name: str, cause: str | None, actual: float = 1.0) -> Outcome:
    """A failed check with a transform for its cause."""
    mismatch = Mismatch(name, (), (3,), (0,), actual, 2.0, 1.0, 0.0, 1, 3, "")
    found = None if cause is None else Cause("transform", cause, "sentence")
    return Outcome(check, check, "f", Status.FAILED, Failure("headline", mismatch, found))


def settled_causes(*outcomes: Outcome) -> list[str | None]:
    settled = _settled(outcomes)
    return [o.failure.cause.name if o.failure and o.failure.cause else None for o in settled]


def test_transforms_that_contradict_each_other_are_not_told() -> None:
    """Two transforms of one value cannot both be the cause; of two values they can."""
    assert settled_causes(failed("a", "dx", "factor:2"), failed("b", "dx", "factor:N")) == [
        None,
        None,
    ]
    assert settled_causes(failed("a", "dx", "sign"), failed("b", "dw", "transpose")) == [
        "sign",
        "transpose",
    ]
    assert settled_causes(failed("a", "dx", "sign"), failed("b", "dx", "sign")) == ["sign", "sign"]


def test_descriptions_must_hold_in_every_check() -> None:
    """A constant added in one check only is chance; a missing term may go unseen where no terms are given."""
    assert settled_causes(failed("a", "dx", "offset"), failed("b", "dx", None)) == [None, None]
    assert settled_causes(failed("a", "dx", "missing:penalty"), failed("b", "dx", None)) == [
        "missing:penalty",
        None,
    ]
    assert settled_causes(failed("a", "dx", "abs"), failed("b", "dx", None, np.nan)) == [
        "abs",
        None,
    ]


def test_mistake_that_another_check_refutes_is_not_told(toy_grader: Grader, tmp_path: Path) -> None:
    """The mistake's answer on one input, another answer elsewhere: it is not that mistake."""
    code = "def scaled_square_grad(x, c):\n    return c * x if len(x) == 5 else c * x + x**3\n"
    file = tmp_path / "toy.py"
    file.write_text(code)
    report = toy_grader.grade(
        read_submission(file, toy_grader.course), exercises=["scaled_square_grad"]
    )
    causes = {o.failure.cause for o in report.scores[0].outcomes if o.failure}
    assert causes == {None}
