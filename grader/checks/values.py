"""Comparisons of what a submission returned with what is right.

Type, shape, dtype and finiteness come before any tolerance: `np.allclose` broadcasts, accepts empty
arrays for full ones, and `not (abs(nan - e) > tol).any()` is true.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from itertools import permutations
from typing import Any, NoReturn, cast

import numpy as np
import numpy.typing as npt

from grader.calls import Call, Callee, call, in_place, labels
from grader.checks.diagnosis import explain, pattern_of
from grader.errors import CheckFailure, CheckUnresolved, SubmissionRaised, VacuousCheckError
from grader.model import Cause, Failure, Mismatch

Array = npt.NDArray[Any]
Axes = Sequence[str] | None

# Two backward-stable formulas for a well-conditioned value agree to some tens of eps (2.2e-16);
# 1e-9 leaves room for moderate conditioning and rejects every formula that is wrong.
RTOL_FLOAT64 = 1e-9
# The floor of an entry that is small beside its neighbours: it is a difference of terms as
# large as they are, each rounded.
FLOOR_ULPS = 256
# A repeated call may land on other memory alignments, on which vectorised sums round differently.
RTOL_REPEATED = 1e-12
# Categories that say nothing about numbers.
QUIET_WARNINGS = ("DeprecationWarning", "PendingDeprecationWarning", "FutureWarning", "SyntaxWarning",
                  "ResourceWarning", "VisibleDeprecationWarning", "ImportWarning", "EncodingWarning")  # fmt: skip
MAX_TUPLE_REORDER = 5  # 5! orders are tried at the most


def fail(headline: str, *notes: str) -> NoReturn:
    """Fail a check with a reason in the learner's words.

    Raises
    ------
    CheckFailure : always; `headline` is one clause, `notes` are further lines.
    """
    raise CheckFailure(Failure(headline, notes=notes))


def as_float(value: object, *, name: str = "result") -> float:
    """The real number that `value` is: a Python or NumPy number or a 0-d array, not a bool.

    Raises
    ------
    CheckFailure : for anything else, arrays of one element included.
    """
    if isinstance(value, np.ndarray) and value.ndim == 0:
        value = value[()]
    if isinstance(value, bool | np.bool_) or not isinstance(
        value, int | float | np.integer | np.floating
    ):
        fail(f"{name} is {_describe(value)}, expected a float")
    return float(value)


def as_array(
    value: object,
    shape: Sequence[int] | None,
    dtype: npt.DTypeLike | None = np.float64,
    *,
    name: str = "result",
    axes: Axes = None,
) -> Array:
    """`value` as an array, where it is one of exactly this shape and dtype.

    Parameters
    ----------
    value : what a submission returned: an ndarray, or nested lists or tuples of numbers, which have no
        dtype of their own and are taken in the one asked for where nothing is lost.
    shape : the shape it must have, or None for any.
    dtype : the dtype it must have. An integer dtype admits every integer dtype; None admits every
        real floating one.
    name, axes : how the failure names the value and its axes.

    Raises
    ------
    CheckFailure : another type, shape or dtype, or ragged lists.
    """
    array = _to_array(value, shape, dtype, name)
    if shape is not None and array.shape != tuple(shape):
        _fail_shape(array, tuple(shape), name, axes)
    return _check_dtype(array, dtype, isinstance(value, np.ndarray | np.generic), name)


def assert_close(
    actual: object,
    expected: object,
    *,
    name: str | Sequence[str] = "result",
    axes: Any = None,
    rtol: float | None = None,
    atol: float = 0.0,
    constants: Mapping[str, float] | None = None,
    terms: Mapping[str, Any] | None = None,
    zeros_expected: bool = False,
) -> None:
    """Compare a returned value with the right one, strictly in kind and tolerantly in rounding.

    Accepted where |a − e| ≤ rtol·|e| + 256·eps·max|e| + atol for every entry, eps being that of
    `expected`'s dtype.

    Parameters
    ----------
    actual : what the submission returned.
    expected : what is right. An ndarray asks for an ndarray of its shape and dtype, or nested lists of
        numbers; a float for a real number; an int or integer array for integers; a bool or bool array for
        booleans; a tuple, list or dict for that structure, member by member; None for None.
    name : what the value is called in a failure; for a tuple, a name for each member.
    axes : the axes' names; for a tuple or dict, one such sequence for each member, or None.
    rtol : relative tolerance; by default 1e-9 for float64 and 256·eps for narrower types.
    atol : absolute tolerance, for values that have lost digits by themselves.
    constants, terms : for the diagnosis; see `grader.checks.diagnosis.explain`. For a tuple or dict,
        `terms` maps a member's name to its terms.
    zeros_expected : say so where the right answer is zeros, or within the tolerance of them.

    Raises
    ------
    CheckFailure : the value is wrong, with index, values, tolerance, pattern and cause.
    VacuousCheckError : zeros would pass, and `zeros_expected` is not set.
    """
    if isinstance(expected, tuple | list):
        _close_members(
            _members_of_sequence(actual, expected, name),
            expected,
            _names(name, len(expected)),
            axes if axes is not None else [None] * len(expected),
            terms or {},
            rtol=rtol, atol=atol, constants=constants, zeros_expected=zeros_expected,
        )  # fmt: skip
        return
    label = name if isinstance(name, str) else name[0]
    if isinstance(expected, dict):
        keys = list(expected)
        _close_members(
            _members_of_dict(actual, expected, label),
            [expected[key] for key in keys],
            [str(key) for key in keys],
            [axes.get(key) if isinstance(axes, dict) else None for key in keys],
            terms or {},
            rtol=rtol, atol=atol, constants=constants, zeros_expected=zeros_expected,
        )  # fmt: skip
        return
    if expected is None or isinstance(expected, str):
        if type(actual) is not type(expected) or actual != expected:
            fail(f"{label} is {_describe(actual)}, expected {_describe(expected)}")
        return
    _close_array(actual, expected, label, axes, rtol, atol, constants, terms, zeros_expected)


def assert_pure(function: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
    """Check that a call changes none of its arguments and that a second one gives the same.

    Returns
    -------
    The value of the first call.

    Raises
    ------
    CheckFailure : an argument came back changed, or the second result differs.
    """
    first = call(function, *args, **kwargs)
    _require_unchanged(first, args, kwargs)
    second = call(function, *args, **kwargs)
    if not same(first.value, second.value, rtol=RTOL_REPEATED):
        fail(
            "a second call with the same arguments gives another result: something is kept between calls"
        )
    return first.value


def _require_unchanged(done: Call, args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> None:
    """Fail where the arguments that came back are not those that were given."""
    pairs = zip(
        labels(done.parameters, len(args), kwargs),
        [*args, *kwargs.values()],
        [*done.args, *done.kwargs.values()],
        strict=True,
    )
    changed = [label for label, before, after in pairs if not same(before, after)]
    if changed:
        fail(in_place(changed))


def assert_no_warnings(function: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
    """Check that a call gives no numerical warning.

    Returns
    -------
    The value of the call.

    Raises
    ------
    CheckFailure : the call warned, or changed an argument. Deprecations and the like do not count.
    """
    done = call(function, *args, **kwargs)
    _require_unchanged(done, args, kwargs)
    loud = [text for text in done.warnings if not text.startswith(QUIET_WARNINGS)]
    if loud:
        fail(
            f"the call warns: {loud[0]}", *([f"and {len(loud) - 1} more"] if len(loud) > 1 else [])
        )
    return done.value


def assert_raises(
    exception: type[Exception],
    function: Callable[..., Any],
    *args: Any,
    match: str | None = None,
    **kwargs: Any,
) -> None:
    """Check that a call raises `exception` or a subclass of it.

    Parameters
    ----------
    match : words of which each must be in the message, in any case and order; None for any message.

    Raises
    ------
    CheckFailure : it returned, raised another exception, or the message lacks a word.
    """
    wanted = exception.__name__
    try:
        value = _as_submission(function)(*args, **kwargs)
    except SubmissionRaised as raised:
        if wanted not in raised.bases:
            where = f" (line {raised.line})" if raised.line else ""
            fail(f"expected {wanted}, but the call raised {raised}{where}")
        lacking = [w for w in (match or "").lower().split() if w not in raised.message.lower()]
        if lacking:
            fail(
                f"the {wanted}'s message should mention {', '.join(lacking)}; it is {raised.message!r}"
            )
        return
    fail(f"expected {wanted}, but the call returned {_describe(value)}")


def is_vacuous(expected: Array, tolerance: Array | float) -> bool:
    """Whether zeros (and so a flipped sign of small values) would be within tolerance everywhere."""
    if expected.size == 0 or expected.dtype.kind == "b":
        return False
    with np.errstate(invalid="ignore"):
        return bool(np.all(np.abs(expected) <= tolerance))


def raise_mismatch(
    actual: Array,
    expected: Array,
    tolerance: Array | float,
    wrong: Array,
    *,
    name: str = "result",
    axes: Axes = None,
    constants: Mapping[str, float] | None = None,
    terms: Mapping[str, Any] | None = None,
    notes: Sequence[str] = (),
) -> NoReturn:
    """Raise the failure that says which entries are wrong, how, and why.

    Parameters
    ----------
    actual, expected : arrays of one shape.
    tolerance : what was allowed, for each entry or for all.
    wrong : boolean mask of the entries that are wrong; at least one.

    Raises
    ------
    CheckFailure : always.
    """
    tolerance = np.broadcast_to(np.asarray(tolerance, dtype=np.float64), expected.shape)
    error = _distance(actual, expected)
    with np.errstate(all="ignore"):
        severity = np.where(
            wrong, np.where(np.isfinite(error), error / np.maximum(tolerance, 1e-300), np.inf), -1.0
        )
    index = tuple(int(i) for i in np.unravel_index(int(np.argmax(severity)), expected.shape))
    labels = _axis_labels(axes, expected.ndim)
    mismatch = Mismatch(
        name=name,
        axes=tuple(axes) if axes is not None and len(axes) == expected.ndim else (),
        shape=expected.shape,
        index=index,
        actual=actual[index].item(),
        expected=expected[index].item(),
        error=float(error[index]),
        tolerance=float(tolerance[index]),
        n_wrong=int(np.count_nonzero(wrong)),
        n_total=expected.size,
        pattern=pattern_of(wrong, axes if labels else None),
    )
    raise CheckFailure(
        Failure(_headline(mismatch), mismatch, notes=tuple(notes)),
        partial(explain, actual, expected, axes=axes, constants=constants, terms=terms),
    )


def same(a: Any, b: Any, *, rtol: float = 0.0) -> bool:
    """Whether two values are the same: kinds, shapes, dtypes, NaN in the same places.

    Floating entries may differ by `rtol` times the largest of their array.
    """
    if isinstance(a, np.ndarray | np.generic) or isinstance(b, np.ndarray | np.generic):
        x, y = np.asarray(a), np.asarray(b)
        if type(a) is not type(b) or x.shape != y.shape or x.dtype != y.dtype:
            return False
        if x.dtype.kind not in "fc":
            return bool(np.array_equal(x, y))
        if rtol == 0.0 or x.size == 0:
            return bool(np.array_equal(x, y, equal_nan=True))
        finite = np.isfinite(x)
        if not np.array_equal(finite, np.isfinite(y)):
            return False
        if not np.array_equal(x[~finite], y[~finite], equal_nan=True):
            return False
        scale = float(np.max(np.abs(x[finite]), initial=0.0))
        return bool(np.all(np.abs(x[finite] - y[finite]) <= rtol * scale))
    if isinstance(a, tuple | list) and type(a) is type(b):
        return len(a) == len(b) and all(same(x, y, rtol=rtol) for x, y in zip(a, b, strict=True))
    if isinstance(a, dict) and isinstance(b, dict):
        return list(a) == list(b) and all(same(a[key], b[key], rtol=rtol) for key in a)
    if isinstance(a, float) and isinstance(b, float):
        return a == b or (a != a and b != b) or abs(a - b) <= rtol * abs(a)
    if callable(a) and callable(b):
        return True
    return type(a) is type(b) and bool(a == b)


def _as_submission(function: Callable[..., Any]) -> Callable[..., Any]:
    """A function whose exceptions come as a submission's do; a plain one's are made so."""
    own: Any = function
    if isinstance(own, Callee):
        return function

    def call_plain(*args: Any, **kwargs: Any) -> Any:
        try:
            return function(*args, **kwargs)
        except (SubmissionRaised, CheckFailure, CheckUnresolved):
            raise
        except Exception as error:  # whatever a function raises is its outcome
            bases = tuple(base.__name__ for base in type(error).__mro__)
            raise SubmissionRaised(type(error).__name__, str(error), bases=bases) from None

    return call_plain


def _names(name: str | Sequence[str], n: int) -> list[str]:
    if isinstance(name, str):
        return [f"{name}[{i}]" for i in range(n)]
    if len(name) != n:
        raise ValueError(f"{n} members are expected, but {len(name)} names given")
    return list(name)


def _members_of_sequence(
    actual: object, expected: Sequence[Any], name: str | Sequence[str]
) -> Sequence[Any]:
    label = name if isinstance(name, str) else f"({', '.join(name)})"
    scalars = not any(isinstance(e, np.ndarray | tuple | list | dict) for e in expected)
    if isinstance(actual, np.ndarray) and actual.ndim == 1 and scalars:
        actual = list(actual)
    if not isinstance(actual, tuple | list):
        fail(f"{label} is {_describe(actual)}, expected a tuple of {len(expected)}")
    if len(actual) != len(expected):
        fail(f"{label} has {len(actual)} members, expected {len(expected)}")
    return cast("Sequence[Any]", actual)


def _members_of_dict(actual: object, expected: Mapping[Any, Any], name: str) -> list[Any]:
    if not isinstance(actual, dict):
        fail(
            f"{name} is {_describe(actual)}, expected a dict with keys {', '.join(map(repr, expected))}"
        )
    missing = [key for key in expected if key not in actual]
    extra = [key for key in actual if key not in expected]
    if missing or extra:
        parts = [f"lacks {', '.join(map(repr, missing))}"] if missing else []
        parts += [f"has {', '.join(map(repr, extra))} too many"] if extra else []
        fail(f"{name} {' and '.join(parts)}")
    return [actual[key] for key in expected]


def _close_members(
    actual: Sequence[Any],
    expected: Sequence[Any],
    names: Sequence[str],
    axes: Sequence[Any],
    terms: Mapping[str, Any],
    **options: Any,
) -> None:
    """Compare member by member; the first failure carries what is wrong with the others."""
    failures: list[tuple[str, CheckFailure]] = []
    for value, right, name, member_axes in zip(actual, expected, names, axes, strict=True):
        try:
            assert_close(
                value, right, name=name, axes=member_axes, terms=terms.get(name), **options
            )
        except CheckFailure as wrong:
            failures.append((name, wrong))
    if not failures:
        return
    order = _order_of(actual, expected, names, options) if len(failures) > 1 else None
    others = [name for name, _ in failures[1:]] if order is None else []
    note = (f"also wrong: {', '.join(others)}",) if others else ()
    raise failures[0][1].amended(cause=order, notes=note) from None


def _order_of(
    actual: Sequence[Any], expected: Sequence[Any], names: Sequence[str], options: Mapping[str, Any]
) -> Cause | None:
    """The order in which the right members were returned, where that is what is wrong."""
    n = len(expected)
    if n > MAX_TUPLE_REORDER:
        return None
    fits = [[_fits(value, right, options) for right in expected] for value in actual]
    orders = [p for p in permutations(range(n)) if all(fits[i][j] for i, j in enumerate(p))]
    if len(orders) != 1 or orders[0] == tuple(range(n)):
        return None
    listed = ", ".join(names[j] for j in orders[0])
    return Cause("transform", "order", f"the results are returned in another order: ({listed})")


def _fits(actual: Any, expected: Any, options: Mapping[str, Any]) -> bool:
    """Whether `assert_close` accepts it, where different shapes need no closer look."""
    if isinstance(actual, np.ndarray) and actual.shape != np.shape(expected):
        return False
    try:
        assert_close(actual, expected, **options)
    except (CheckFailure, VacuousCheckError):
        return False
    return True


def _close_array(
    actual: object,
    expected: Any,
    name: str,
    axes: Axes,
    rtol: float | None,
    atol: float,
    constants: Mapping[str, float] | None,
    terms: Mapping[str, Any] | None,
    zeros_expected: bool,
) -> None:
    """Compare one array or number."""
    right = np.asarray(expected)
    kind = right.dtype.kind
    scalar = not isinstance(expected, np.ndarray) or right.ndim == 0
    if scalar:
        value = _to_scalar(actual, kind, name)
    else:
        array = _to_array(actual, right.shape, right.dtype, name)
        if array.shape != right.shape:
            _fail_shape(array, right.shape, name, axes, right, constants, terms)
        value = _check_dtype(
            array, right.dtype, isinstance(actual, np.ndarray | np.generic), name, right
        )
    tolerance: Array | float = 0.0
    if kind in "fc":
        eps = float(np.finfo(right.dtype).eps)
        wide = eps < 1e-12
        relative = rtol if rtol is not None else (RTOL_FLOAT64 if wide else FLOOR_ULPS * eps)
        finite = np.isfinite(right)
        size = np.where(finite, np.abs(np.where(finite, right, 0.0)), 0.0).astype(np.float64)
        tolerance = relative * size + FLOOR_ULPS * eps * float(size.max(initial=0.0)) + atol
    if not zeros_expected and is_vacuous(right, tolerance):
        raise VacuousCheckError(
            f"{name}: zeros would pass this check; give larger values, or say zeros_expected=True"
        )
    wrong = _wrong_entries(value, right, tolerance)
    if wrong.any():
        raise_mismatch(
            value, right, tolerance, wrong, name=name, axes=axes, constants=constants, terms=terms
        )


def _wrong_entries(value: Array, right: Array, tolerance: Array | float) -> Array:
    """Mask of entries out of tolerance; infinities and NaN must stand where they are expected."""
    if right.dtype.kind not in "fc":
        return np.asarray(value != right)
    exact = ~np.isfinite(right)
    with np.errstate(all="ignore"):
        far = ~(_distance(value, right) <= tolerance)
        special = ~((value == right) | (np.isnan(value) & np.isnan(right)))
    return np.where(exact, special, far)


def _distance(a: Array, b: Array) -> Array:
    """|a − b| in double precision; booleans count as 0 and 1."""
    wide: Any = np.complex128 if "c" in (a.dtype.kind, b.dtype.kind) else np.float64
    with np.errstate(all="ignore"):
        return np.asarray(np.abs(a.astype(wide) - b.astype(wide)))


def _to_scalar(value: object, kind: str, name: str) -> Array:
    if isinstance(value, np.ndarray) and value.ndim == 0:
        value = value[()]
    if kind == "f":
        return np.asarray(as_float(value, name=name))
    expected, types = {
        "i": ("an integer", (int, np.integer)),
        "u": ("an integer", (int, np.integer)),
        "b": ("a bool", (bool, np.bool_)),
        "c": ("a number", (int, float, complex, np.number)),
    }[kind]
    is_bool = isinstance(value, bool | np.bool_)
    if not isinstance(value, types) or (is_bool and kind != "b"):
        fail(f"{name} is {_describe(value)}, expected {expected}")
    return np.asarray(value)


def _to_array(
    value: object, shape: Sequence[int] | None, dtype: npt.DTypeLike | None, name: str
) -> Array:
    """An array from an ndarray or from nested lists or tuples of numbers."""
    if isinstance(value, np.ndarray):
        return value
    if isinstance(value, list | tuple):
        if shape is not None and 0 in tuple(shape) and value == np.zeros(tuple(shape)).tolist():
            return np.zeros(tuple(shape), dtype=dtype or np.float64)  # an empty list has no shape
        try:
            array = np.array(value)
        except ValueError:
            fail(f"{name} is a ragged list, expected {_expected(shape)}")
        if array.dtype.kind in "biufc":
            return array
        fail(
            f"{name} is a list that holds something other than numbers, expected {_expected(shape)}"
        )
    if isinstance(value, int | float | np.number) and shape is not None and len(shape) == 0:
        return np.asarray(value)
    fail(f"{name} is {_describe(value)}, expected {_expected(shape)}")


def _check_dtype(
    array: Array,
    dtype: npt.DTypeLike | None,
    has_dtype: bool,
    name: str,
    right: Array | None = None,
) -> Array:
    """The array in the dtype asked for; lists are converted where nothing is lost."""
    if dtype is None:
        if array.dtype.kind == "f":
            return array
        if not has_dtype and array.dtype.kind in "iu":
            return array.astype(np.float64)
        fail(f"{name} has dtype {array.dtype}, expected a floating one")
    wanted = np.dtype(dtype)
    if array.dtype == wanted or (wanted.kind in "iu" and array.dtype.kind in "iu"):
        return array
    widens = "iuf" if wanted.kind == "f" else "iufc" if wanted.kind == "c" else ""
    if not has_dtype and array.dtype.kind in widens:
        return array.astype(wanted)
    if not has_dtype and array.size == 0:
        return array.astype(wanted)
    cause = None
    if right is not None and _is_truncated(array, right):
        cause = Cause(
            "transform",
            "integer",
            "the result is kept in an integer array, which cuts off every fraction",
        )
    words = "integers" if wanted.kind in "iu" else "booleans" if wanted.kind == "b" else str(wanted)
    raise CheckFailure(Failure(f"{name} has dtype {array.dtype}, expected {words}", cause=cause))


def _is_truncated(array: Array, right: Array) -> bool:
    """Whether an integer array holds the right numbers without their fractions."""
    if array.dtype.kind not in "iu" or right.dtype.kind != "f" or array.shape != right.shape:
        return False
    return np.array_equal(array, np.trunc(right)) and not np.array_equal(array, right)


def _fail_shape(
    array: Array,
    shape: tuple[int, ...],
    name: str,
    axes: Axes,
    right: Array | None = None,
    constants: Mapping[str, float] | None = None,
    terms: Mapping[str, Any] | None = None,
) -> NoReturn:
    labels = f" ({', '.join(axes)})" if axes is not None and len(axes) == len(shape) else ""
    failure = Failure(f"{name} has shape {array.shape}, expected {shape}{labels}")
    if right is None:
        raise CheckFailure(failure)
    look = partial(explain, array, right, axes=axes, constants=constants, terms=terms)
    raise CheckFailure(failure, look)


def _expected(shape: Sequence[int] | None) -> str:
    return "an array" if shape is None else f"an array of shape {tuple(shape)}"


def _describe(value: object) -> str:
    """A value in a few words."""
    if isinstance(value, np.ndarray):
        return f"an array of shape {value.shape} and dtype {value.dtype}"
    if value is None or isinstance(value, bool | np.bool_):
        return str(value)
    if isinstance(value, str):
        return repr(value[:40])
    if isinstance(value, int | float | complex | np.number):
        return f"the {type(value).__name__} {_number(value)}"
    if isinstance(value, tuple | list | dict):
        return f"a {type(value).__name__} of {len(value)}"
    return f"a {type(value).__name__}"


def _number(value: Any, digits: int = 6) -> str:
    return f"{value:.{digits}g}" if isinstance(value, float | complex | np.inexact) else str(value)


def _axis_labels(axes: Axes, ndim: int) -> list[str]:
    return list(axes) if axes is not None and len(axes) == ndim else []


def place(mismatch: Mismatch) -> str:
    """The entry's name: ``dQ[query 1, key 2]``."""
    if not mismatch.index:
        return mismatch.name
    labels = mismatch.axes or ("",) * len(mismatch.index)
    inside = ", ".join(
        f"{label} {i}".strip() for label, i in zip(labels, mismatch.index, strict=True)
    )
    return f"{mismatch.name}[{inside}]"


def _headline(mismatch: Mismatch) -> str:
    actual, expected = _number(mismatch.actual), _number(mismatch.expected)
    if actual == expected:  # they differ beyond six digits: show all
        actual, expected = _number(mismatch.actual, 17), _number(mismatch.expected, 17)
    return f"{place(mismatch)} is {actual}, expected {expected}"


__all__ = [
    "Call",
    "as_array",
    "as_float",
    "assert_close",
    "assert_no_warnings",
    "assert_pure",
    "assert_raises",
    "fail",
    "is_vacuous",
    "place",
    "raise_mismatch",
    "same",
]
