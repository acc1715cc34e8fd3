"""Checks for hidden suites: gradients, values, purity, stability, and why an answer is wrong.

Everything here takes a submission's function or a plain one, raises `CheckFailure` with a
structured reason where the answer is wrong, and `VacuousCheckError` where it could not have been.
"""

from grader.calls import Call, call
from grader.checks.diagnosis import explain
from grader.checks.gradient import (
    assert_adjoint,
    assert_gradient,
    assert_jacobian,
    assert_vjp,
)
from grader.checks.numeric import numeric_gradient, numeric_jacobian
from grader.checks.values import (
    as_array,
    as_float,
    assert_close,
    assert_no_warnings,
    assert_pure,
    assert_raises,
    fail,
)
from grader.disclosure import disclosed

__all__ = [
    "Call",
    "as_array",
    "as_float",
    "assert_adjoint",
    "assert_close",
    "assert_gradient",
    "assert_jacobian",
    "assert_no_warnings",
    "assert_pure",
    "assert_raises",
    "assert_vjp",
    "call",
    "disclosed",
    "explain",
    "fail",
    "numeric_gradient",
    "numeric_jacobian",
]
