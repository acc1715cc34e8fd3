"""Comparisons: what must pass, what must not, and what a failure says."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from grader.calls import Call
from grader.checks import (
    as_array,
    as_float,
    assert_close,
    assert_no_warnings,
    assert_pure,
    assert_raises,
    fail,
)
from grader.checks.values import same
from grader.errors import CheckFailure, SubmissionRaised, VacuousCheckError
from grader.model import Failure


def failure(check: Callable[..., Any], *args: Any, **kwargs: Any) -> Failure:
    """The failure that a check raises."""
    with pytest.raises(CheckFailure) as caught:
        check(*args, **kwargs)
    return caught.value.failure


M = np.array([[1.0, -2.0, 3.0], [0.5, 4.0, -6.0]])


@pytest.mark.parametrize(
    ("actual", "expected"),
    [
        (M.copy(), M),
        (np.asfortranarray(M), M),
        (M.tolist(), M),
        (tuple(map(tuple, M.tolist())), M),
        ([row.copy() for row in M], M),
        (M * (1 + 1e-12), M),
        ([1, 2, 3], np.array([1.0, 2.0, 3.0])),
        (np.float32(M), np.float32(M)),
        (M.tolist(), M.astype(np.float32)),
        (1.5, 1.5),
        (np.float64(1.5), 1.5),
        (np.array(1.5), 1.5),
        (np.float32(1.5), 1.5),
        (2, 2.0),
        (np.int64(3), 3),
        (np.array(3), 3),
        (np.array([1, 2], dtype=np.int32), np.array([1, 2])),
        ([1, 2], np.array([1, 2])),
        ([], np.empty(0)),
        ([], np.empty((0, 3))),
        ([], np.empty(0, dtype=np.int64)),
        (np.empty((2, 0)), np.empty((2, 0))),
        ([True, False], np.array([True, False])),
        ((3, 4), (3, 4)),
        ([3, 4], (3, 4)),
        (np.array([3, 4]), (3, 4)),
        ([M.copy(), 2.0], (M, 2.0)),
        ({"W": M.tolist(), "b": 1.0}, {"b": 1.0, "W": M}),
        (None, None),
        (np.array([np.inf, -np.inf, np.nan, 1.0]), np.array([np.inf, -np.inf, np.nan, 1.0])),
        ([1 + 2j], np.array([1 + 2j])),
    ],
)  # fmt: skip
def test_right_in_any_form(actual: object, expected: object) -> None:
    """Lists, tuples, 0-d arrays, other integer widths and rounding are all right answers."""
    assert_close(actual, expected)


@pytest.mark.parametrize(
    ("actual", "expected", "words"),
    [
        (np.empty((0, 1)), np.array([[1.0, 2.0]]), "shape (0, 1), expected (1, 2)"),
        (np.empty(0), 3.0, "expected a float"),
        (np.array([3.0]), 3.0, "expected a float"),
        (2.0, np.full((3, 2), 2.0), "expected an array of shape (3, 2)"),
        (M.T.copy(), M, "shape (3, 2), expected (2, 3)"),
        (M[:, :1], M, "shape"),
        (np.float32(M), M, "dtype float32, expected float64"),
        (M, np.float32(M), "dtype float64, expected float32"),
        (np.int64(M), M, "dtype int64, expected float64"),
        (M + 0j, M, "dtype complex128"),
        (M.astype(object), M, "dtype object"),
        (np.where(M == 4, np.nan, M), M, "is nan, expected 4"),
        (np.where(M == 4, np.inf, M), M, "is inf, expected 4"),
        (np.array([1.0, 5.0]), np.array([1.0, np.inf]), "is 5, expected inf"),
        (np.array([1.0, -np.inf]), np.array([1.0, np.inf]), "is -inf, expected inf"),
        (M * (1 + 1e-7), M, "expected"),
        (True, 1.0, "is True, expected a float"),
        (None, M, "is None"),
        ("M", M, "is 'M'"),
        (None, 1.0, "is None"),
        (1.0, 1, "expected an integer"),
        (np.array([1.0, 2.0]), np.array([1, 2]), "expected integers"),
        ([1.5, 2.0], np.array([1, 2]), "expected integers"),
        (np.array([1, 0]), np.array([True, False]), "expected booleans"),
        ([[1.0, 2.0], [3.0]], M, "ragged"),
        ([1.0, "x"], np.array([1.0, 2.0]), "other than numbers"),
        (M, (M, 2.0), "expected a tuple of 2"),
        ((M,), (M, 2.0), "has 1 members, expected 2"),
        ({"W": M}, {"W": M, "b": 1.0}, "lacks 'b'"),
        ({"W": M, "b": 1.0, "c": 1}, {"W": M, "b": 1.0}, "has 'c' too many"),
        ([("W", M)], {"W": M}, "expected a dict"),
        (0.0, None, "expected None"),
    ],
)
def test_wrong_in_kind(actual: object, expected: object, words: str) -> None:
    """What allclose would broadcast, cast or overlook is refused, with the reason."""
    assert words in failure(assert_close, actual, expected).headline


def test_numbers_that_print_alike_are_shown_in_full() -> None:
    """A difference beyond six digits is visible in the headline."""
    headline = failure(assert_close, 1.0 + 1e-8, 1.0).headline
    assert "1.0000000099999999" in headline


def test_failure_has_place_values_pattern_and_cause() -> None:
    """The mismatch names the worst entry in the named shape; the transform is told."""
    wrong = M.copy()
    wrong[1] *= -1
    found = failure(assert_close, wrong, M, name="dQ", axes=("query", "key"))
    assert found.mismatch is not None
    assert found.headline == "dQ[query 1, key 2] is 6, expected -6"
    assert (found.mismatch.index, found.mismatch.n_wrong, found.mismatch.n_total) == ((1, 2), 3, 6)
    assert "query" in found.mismatch.pattern
    rng = np.random.default_rng(0)
    right = rng.normal(size=(4, 5))
    found = failure(assert_close, right / 7, right, constants={"N": 7})
    assert found.cause is not None
    assert found.cause.name == "factor:1/N"


def test_members_are_named_and_all_told() -> None:
    """The first wrong member is shown, and which others are wrong too."""
    found = failure(assert_close, (M, M + 1, 3.0), (M, M, 2.0), name=("dQ", "dK", "loss"))
    assert found.headline.startswith("dK[")
    assert found.notes == ("also wrong: loss",)


def test_swapped_members_are_told() -> None:
    """Results in another order are one cause."""
    a, b = M, M + 1
    found = failure(assert_close, (b, a), (a, b), name=("mean", "variance"))
    assert found.cause is not None
    assert found.cause.name == "order"
    assert "(variance, mean)" in found.cause.sentence


def test_truncated_integers_are_told() -> None:
    """An integer array that holds the cut-off right answer has a cause."""
    found = failure(assert_close, np.trunc(M).astype(int), M)
    assert found.cause is not None
    assert found.cause.name == "integer"


@pytest.mark.parametrize("expected", [0.0, np.zeros(3), np.array([1e-13, 0.0]), (1.0, np.zeros(2))])
def test_vacuous_expectations_are_refused(expected: object) -> None:
    """A check that zeros would pass is the suite's fault, unless it says that zeros are meant."""
    with pytest.raises(VacuousCheckError):
        assert_close(expected, expected, atol=1e-12)
    assert_close(expected, expected, atol=1e-12, zeros_expected=True)


def test_tolerance_scales_with_the_array() -> None:
    """The verdict is the same for a loss in other units."""
    for scale in (1e-12, 1.0, 1e12):
        assert_close(M * scale * (1 + 1e-11), M * scale)
        failure(assert_close, M * scale * (1 + 1e-7), M * scale)


def test_pure_function_passes_and_gives_its_value() -> None:
    """assert_pure returns what the call returned."""
    assert assert_pure(lambda x: x.sum(), np.ones(3)) == 3.0


def test_impure_functions_are_told() -> None:
    """Changing an argument, positional, nested or by keyword, and keeping state are refused."""

    def in_place(x: np.ndarray) -> float:
        x += 1
        return float(x.sum())

    def nested(params: dict[str, np.ndarray]) -> float:
        params["W"][0] = 9
        return 1.0

    seen: list[int] = []

    def stateful(x: float) -> float:
        seen.append(1)
        return x + len(seen)

    assert "`x`" in failure(assert_pure, in_place, np.ones(3)).headline
    assert "`x`" in failure(assert_pure, in_place, x=np.ones(3)).headline
    assert "`params`" in failure(assert_pure, nested, {"W": np.ones(2)}).headline
    assert "second call" in failure(assert_pure, stateful, 1.0).headline


def test_callee_is_asked_for_its_call() -> None:
    """A function with `call` says of itself what happened."""

    class Remote:
        def call(self, *args: Any, **kwargs: Any) -> Call:
            return Call(2.0, args, kwargs, ("RuntimeWarning: overflow (line 3)",))

        def __call__(self, *args: Any) -> float:
            return 2.0

    assert "overflow" in failure(assert_no_warnings, Remote(), 1.0).headline


def test_only_numerical_warnings_count() -> None:
    """A RuntimeWarning fails the check; a DeprecationWarning does not."""
    import warnings

    def old(x: float) -> float:
        warnings.warn("old", DeprecationWarning, stacklevel=1)
        return x

    assert assert_no_warnings(old, 1.0) == 1.0
    assert "divide by zero" in failure(assert_no_warnings, np.log, np.zeros(2)).headline


def test_raises() -> None:
    """The exception's class or a base of it, and the words of its message in any order."""

    def refuse(message: str) -> None:
        raise SubmissionRaised("LinAlgError", message, bases=("LinAlgError", "ValueError"), line=4)

    assert_raises(ValueError, refuse, "the Kernel does not fit", match="fit kernel")
    assert_raises(ValueError, int, "x", match="invalid literal")
    assert "raised" in failure(assert_raises, KeyError, refuse, "x").headline
    assert (
        "mention kernel"
        in failure(assert_raises, ValueError, refuse, "no", match="kernel").headline
    )
    assert "returned the float 1" in failure(assert_raises, ValueError, lambda: 1.0).headline


def test_as_array_and_as_float() -> None:
    """Property checks get an array or a float of exactly what they ask for."""
    assert as_array(M.tolist(), (2, 3)).dtype == np.float64
    assert as_array(np.float32(M), (2, 3), None).dtype == np.float32
    assert "expected a floating one" in failure(as_array, np.int64(M), (2, 3), None).headline
    assert as_float(np.array(2.5)) == 2.5
    assert "expected a float" in failure(as_float, 1j).headline
    assert failure(fail, "because", "note").notes == ("note",)


@pytest.mark.parametrize(
    ("a", "b", "is_same"),
    [
        (np.ones(2), np.ones(2), True),
        (np.ones(2), np.ones(2, np.float32), False),
        (np.array([np.nan]), np.array([np.nan]), True),
        (np.array([np.nan, 1]), np.array([1, np.nan]), False),
        ({"a": [1, np.ones(1)]}, {"a": [1, np.ones(1)]}, True),
        ({"a": 1}, {"b": 1}, False),
        ((1, 2), [1, 2], False),
        (float("nan"), float("nan"), True),
        ("a", "a", True),
        (1, 1.0, False),
    ],
)
def test_same(a: object, b: object, is_same: bool) -> None:
    """Sameness is of kind, shape, dtype and value."""
    assert same(a, b) is is_same
