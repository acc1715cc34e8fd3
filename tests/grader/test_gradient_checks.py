"""The checks themselves are checked: right derivatives pass, planted errors are seen, as in
autograd's `tests/test_tests.py`."""

from __future__ import annotations

import importlib.util
import sys
import time
from functools import partial
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest

from grader.checks.gradient import (
    MAX_COORDINATES,
    assert_adjoint,
    assert_gradient,
    assert_jacobian,
    assert_vjp,
)
from grader.errors import CheckFailure, CheckUnresolved, VacuousCheckError

BENCHMARK = Path(__file__).parents[2] / "benchmarks" / "gradient_checks.py"
# A planted error that every check must see in any element within 1e-1 of the largest.
PLANTED = 1e-8
# What the search for one wrong entry of 100,000 may cost, the check itself included.
SEARCH_EVALUATIONS = 250
# For 30 entries, beyond what f itself takes; ten times what is measured, for busy machines.
OVERHEAD_SECONDS = 0.03


def _benchmark() -> ModuleType:
    spec = importlib.util.spec_from_file_location("gradient_problems", BENCHMARK)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module  # dataclasses look their module up
    spec.loader.exec_module(module)
    return module


GRADIENTS = _benchmark()
PROBLEMS = GRADIENTS.PROBLEMS
each_problem = pytest.mark.parametrize("make", PROBLEMS, ids=lambda make: make.__name__)


def _verdict(f, x, grad, **options):
    """'pass', 'fail', or the name of another outcome."""
    try:
        assert_gradient(f, x, grad, **options)
    except CheckFailure:
        return "fail"
    except (CheckUnresolved, VacuousCheckError) as outcome:
        return type(outcome).__name__
    return "pass"


def _scaled(f, scale):
    """The same loss in other units."""
    return lambda x: scale * f(x)


def _spoil(grad, error, rng, least=0.1):
    """One element, at least `least` times the largest, off by a relative error."""
    flat = grad.copy().ravel()
    flat[rng.choice(np.flatnonzero(np.abs(flat) >= least * np.abs(flat).max()))] *= 1 + error
    return flat.reshape(grad.shape)


def _quadratic(seed=0, shape=(3, 4)):
    """A function of a matrix, a point, and its gradient there."""
    rng = np.random.default_rng(seed)
    A, x = rng.normal(size=shape), rng.normal(size=shape)
    return lambda x: float((A * np.tanh(x)).sum()), x, A / np.cosh(x) ** 2


# Right gradients pass, wrong ones don't


@each_problem
@pytest.mark.parametrize("scale", [1.0, 1e-6, 1e6])
def test_right_gradients_pass_at_any_scale(make, scale):
    """A right gradient passes whatever the units of the loss: some 200 trials over eleven functions."""
    for seed in range(6):
        problem = make(np.random.default_rng(seed))
        assert _verdict(_scaled(problem.f, scale), problem.x, scale * problem.gradient()) == "pass"


@pytest.mark.slow
def test_right_gradients_pass_in_ten_thousand_trials():
    """No false alarm and nothing unresolved in 10,000 draws; 99.5% of planted errors are seen."""
    seen = 0
    for seed in range(10_000):
        problem = PROBLEMS[seed % len(PROBLEMS)](np.random.default_rng(seed))
        grad = problem.gradient()
        assert _verdict(problem.f, problem.x, grad) == "pass", (problem.name, seed)
        wrong = _spoil(grad, PLANTED, np.random.default_rng(seed), least=1e-3)
        seen += _verdict(problem.f, problem.x, wrong) == "fail"
    assert seen >= 9950


@each_problem
@pytest.mark.parametrize("scale", [1.0, 1e-6, 1e6])
def test_planted_error_is_flagged_at_any_scale(make, scale):
    """One element off by 1e-8 is flagged whatever the units of the loss."""
    for seed in range(3):
        problem = make(np.random.default_rng(seed))
        wrong = scale * _spoil(problem.gradient(), PLANTED, np.random.default_rng(seed))
        assert _verdict(_scaled(problem.f, scale), problem.x, wrong) == "fail"


@each_problem
def test_errors_of_any_size_are_flagged(make):
    """From 1e-8 to a sign flip there is no size of error that slips through."""
    problem = make(np.random.default_rng(4))
    grad = problem.gradient()
    for error in (PLANTED, 1e-6, 1e-4, 1e-2, 1.0, -1.0, -2.0, 1e6, 1e30):
        assert (
            _verdict(problem.f, problem.x, _spoil(grad, error, np.random.default_rng(1))) == "fail"
        )


@each_problem
@pytest.mark.parametrize("scale", [1.0, 1e-6, 1e-12])
def test_zeros_and_flipped_signs_are_flagged(make, scale):
    """No scale of the loss lets zeros or a flipped sign pass: there is no absolute tolerance."""
    problem = make(np.random.default_rng(5))
    grad = scale * problem.gradient()
    for wrong in (-grad, 0 * grad):
        assert _verdict(_scaled(problem.f, scale), problem.x, wrong) == "fail"


def test_disagreement_within_tolerance_passes():
    """A relative error of half the tolerance is not an error; rtol widens it."""
    f, x, grad = _quadratic()
    assert _verdict(f, x, grad * (1 + 5e-10)) == "pass"
    assert _verdict(f, x, grad * (1 + 5e-5)) == "fail"
    assert _verdict(f, x, grad * (1 + 5e-5), rtol=1e-4) == "pass"


# Each assertion sees a derivative that is wrong by 0.1%


def test_gradient_wrong_by_a_thousandth():
    """assert_gradient sees it, names the entry, and passes the right one."""
    f, x, grad = _quadratic()
    assert_gradient(f, x, grad)
    grad[1, 2] *= 1.001
    with pytest.raises(CheckFailure) as caught:
        assert_gradient(f, x, grad, name="dx", axes=("row", "column"))
    mismatch = caught.value.failure.mismatch
    assert mismatch.name == "dx"
    assert mismatch.index == (1, 2)
    assert mismatch.axes == ("row", "column")
    assert mismatch.n_wrong == 1
    assert mismatch.n_total == 12
    assert mismatch.actual == grad[1, 2]
    assert mismatch.expected == pytest.approx(grad[1, 2] / 1.001, rel=1e-10)


def test_jacobian_wrong_by_a_thousandth():
    """assert_jacobian sees it in [output, input], and passes the right one."""
    rng = np.random.default_rng(0)
    A, x = rng.normal(size=(4, 3)), rng.normal(size=3)
    right = np.cos(A @ x)[:, None] * A
    assert_jacobian(lambda x: np.sin(A @ x), x, right)
    assert_jacobian(lambda x: np.sin(A @ x), x, lambda x: np.cos(A @ x)[:, None] * A)
    wrong = right.copy()
    wrong[3, 1] *= 1.001
    with pytest.raises(CheckFailure) as caught:
        assert_jacobian(lambda x: np.sin(A @ x), x, wrong)
    assert caught.value.failure.mismatch.index == (3, 1)
    with pytest.raises(CheckFailure, match="shape"):
        assert_jacobian(lambda x: np.sin(A @ x), x, right.T)


def test_vjp_wrong_by_a_thousandth():
    """assert_vjp sees it, for a random upstream gradient."""
    rng = np.random.default_rng(0)
    A, x, upstream = rng.normal(size=(4, 3)), rng.normal(size=3), rng.normal(size=4)
    right = A.T @ (np.cos(A @ x) * upstream)
    assert_vjp(lambda x: np.sin(A @ x), x, upstream, right)
    for wrong in (right * [1, 1.001, 1], -right, 0 * right, A.T @ np.cos(A @ x)):
        with pytest.raises(CheckFailure):
            assert_vjp(lambda x: np.sin(A @ x), x, upstream, wrong)
    with pytest.raises(ValueError, match="grad_output"):
        assert_vjp(lambda x: np.sin(A @ x), x, upstream[:1], right)


def test_adjoint_wrong_by_a_thousandth():
    """assert_adjoint sees it and names the entry, and passes the right one."""
    rng = np.random.default_rng(0)
    A = rng.normal(size=(5, 3))
    x, y = rng.normal(size=3), rng.normal(size=5)
    B = A.copy()
    B[:, 2] *= 1.001
    assert_adjoint(lambda x: A @ x, lambda y: A.T @ y, x, y)
    with pytest.raises(CheckFailure) as caught:
        assert_adjoint(lambda x: A @ x, lambda y: B.T @ y, x, y, name="transpose")
    assert caught.value.failure.mismatch.index == (2,)
    assert "transpose" in caught.value.failure.headline


@pytest.mark.parametrize("size", [(4, 3), (300, 200)])
def test_adjoint_passes_right_pairs(size):
    """Matrices of any shape are the adjoint of their transpose at the default tolerance."""
    for seed in range(20):
        rng = np.random.default_rng(seed)
        A = rng.normal(size=size)
        assert_adjoint(
            lambda x, A=A: A @ x,
            lambda y, A=A: A.T @ y,
            rng.normal(size=size[1]),
            rng.normal(size=size[0]),
        )


@pytest.mark.parametrize(
    "adjoint",
    [
        lambda y: np.zeros(3),
        lambda y: np.full(3, np.nan),
        lambda y: np.ones(4),
        lambda y: None,
        lambda y: np.ones(3),
    ],
)
def test_adjoint_rejects_what_is_no_adjoint(adjoint):
    """Zeros, NaN, another shape, None and a constant are the submission's failures."""
    rng = np.random.default_rng(0)
    A = rng.normal(size=(5, 3))
    with pytest.raises(CheckFailure):
        assert_adjoint(lambda x: A @ x, adjoint, rng.normal(size=3), rng.normal(size=5))


def test_adjoint_of_a_forward_of_zeros_fails():
    """Zeros on both sides agree, and are a failure all the same."""
    with pytest.raises(CheckFailure, match="zero everywhere"):
        assert_adjoint(lambda x: np.zeros(5), lambda y: np.zeros(3), np.ones(3), np.ones(5))


def test_adjoint_at_orthogonal_vectors_is_vacuous():
    """Where ⟨forward(x), y⟩ is zero, a flipped sign would pass."""
    with pytest.raises(VacuousCheckError, match="random"):
        assert_adjoint(lambda x: x, lambda y: y, np.array([1.0, 0.0]), np.array([0.0, 1.0]))


def test_adjoint_in_float32_has_its_own_tolerance():
    """Maps in float32 pass, and a thousandth is still seen."""
    rng = np.random.default_rng(0)
    A = rng.normal(size=(5, 3)).astype(np.float32)
    x, y = rng.normal(size=3), rng.normal(size=5)
    assert_adjoint(lambda x: A @ x.astype("f4"), lambda y: A.T @ y.astype("f4"), x, y)
    with pytest.raises(CheckFailure):
        assert_adjoint(lambda x: A @ x.astype("f4"), lambda y: 1.001 * (A.T @ y), x, y)


# Type, shape and finiteness


@pytest.mark.parametrize(
    ("wrong", "word"),
    [
        (lambda g: g.T, "shape"),
        (lambda g: g.ravel(), "shape"),
        (lambda g: g[:0], "shape"),
        (lambda g: None, "None"),
        (lambda g: "text", "text"),
        (lambda g: float(g.sum()), "float"),
        (lambda g: g.astype(int), "dtype"),
        (lambda g: g + 0j, "dtype"),
    ],
)
def test_type_and_shape_come_first(wrong, word):
    """What is not a real array of x's shape fails before any number is compared."""
    f, x, grad = _quadratic()
    with pytest.raises(CheckFailure, match=word):
        assert_gradient(f, x, wrong(grad))


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize("shape", [(3, 4), (60, 50)])
@pytest.mark.parametrize("kinks", [False, True])
def test_non_finite_entries_fail(bad, shape, kinks):
    """One NaN or infinity is a failure at its index, with and without kinks, small or large."""
    f, x, grad = _quadratic(shape=shape)
    grad[1, 2] = bad
    with pytest.raises(CheckFailure) as caught:
        assert_gradient(f, x, (lambda x: grad) if kinks else grad, kinks=kinks)
    assert caught.value.failure.mismatch.index == (1, 2)


def test_lists_of_numbers_are_arrays():
    """Nested lists are accepted as gradients."""
    f, x, grad = _quadratic()
    assert_gradient(f, x, grad.tolist())


# float32


def test_float32_gradients_have_their_own_tolerance():
    """A gradient rounded to float32 passes, and one off by a thousandth fails."""
    for make in PROBLEMS:
        problem = make(np.random.default_rng(6))
        grad = problem.gradient().astype(np.float32)
        assert _verdict(problem.f, problem.x, grad) == "pass", problem.name
        assert (
            _verdict(problem.f, problem.x, _spoil(grad, 1e-3, np.random.default_rng(0))) == "fail"
        )
        assert _verdict(problem.f, problem.x, -grad) == "fail"


def test_float32_x_is_differentiated_in_float64():
    """The forward pass runs in float64 at the very numbers that float32 holds."""
    rng = np.random.default_rng(0)
    x = rng.normal(size=5).astype(np.float32)
    seen = []

    def grad(x):
        seen.append(x.dtype)
        return np.cos(x)

    assert_gradient(lambda x: np.sin(x).sum(), x, grad)
    assert seen == [np.dtype(np.float32)]


# Dicts of arrays


def _layer(seed=0):
    rng = np.random.default_rng(seed)
    X, upstream = rng.normal(size=(6, 3)), rng.normal(size=(6, 4))
    x = {"W": rng.normal(size=(3, 4)), "b": rng.normal(size=4), "c": np.array(0.7)}

    def f(p):
        return float((np.tanh(X @ p["W"] + p["b"]) * upstream).sum() * p["c"])

    inner = np.tanh(X @ x["W"] + x["b"])
    dz = x["c"] * (1 - inner**2) * upstream
    return f, x, {"W": X.T @ dz, "b": dz.sum(axis=0), "c": np.array((inner * upstream).sum())}


def test_dicts_pass_and_fail_by_member():
    """A dict's failure names the member, uses its axes, and lists the other wrong ones."""
    f, x, grad = _layer()
    assert_gradient(f, x, grad)
    grad["W"][2, 3] *= 1.001
    grad["b"] = grad["b"] * 1.0000001
    with pytest.raises(CheckFailure) as caught:
        assert_gradient(f, x, grad, axes={"W": ("in", "out")})
    failure = caught.value.failure
    assert failure.mismatch.name == "grad['W']"
    assert failure.mismatch.axes == ("in", "out")
    assert any("grad['b']" in note for note in failure.notes)


def test_dicts_must_have_the_keys_of_x():
    """A missing key, one too many, and an array instead of a dict are named."""
    f, x, grad = _layer()
    with pytest.raises(CheckFailure, match="lacks 'b'"):
        assert_gradient(f, x, {"W": grad["W"], "c": grad["c"]})
    with pytest.raises(CheckFailure, match="'d' too many"):
        assert_gradient(f, x, {**grad, "d": 1.0})
    with pytest.raises(CheckFailure, match="dict"):
        assert_gradient(f, x, grad["W"])


def test_small_members_are_not_judged_by_large_ones():
    """A member 1e-9 times as large as another is checked on its own scale."""
    x = {"large": np.array([0.3, 0.8]), "small": np.array([0.2, 1.1])}

    def f(p):
        return np.sin(p["large"]).sum() + 1e-6 * np.sin(p["small"]).sum()

    grad = {"large": np.cos(x["large"]), "small": 1e-6 * np.cos(x["small"])}
    assert_gradient(f, x, grad)
    with pytest.raises(CheckFailure, match="small"):
        assert_gradient(f, x, {**grad, "small": grad["small"] * (1 + 1e-5)})


def test_each_member_must_be_able_to_fail():
    """A member that f does not depend on is the suite's fault, whatever was returned right for it."""
    x = {"used": np.array([0.3, 0.8]), "unused": np.ones(3)}
    grad = {"used": np.cos(x["used"]), "unused": np.zeros(3)}
    with pytest.raises(VacuousCheckError, match="unused"):
        assert_gradient(lambda p: np.sin(p["used"]).sum(), x, grad)


def test_empty_members_pass():
    """A member without entries has nothing to compare but its shape."""
    x = {"a": np.ones(2), "none": np.empty((0, 3))}
    grad = {"a": np.full(2, 2.0), "none": np.empty((0, 3))}
    assert_gradient(lambda p: (p["a"] ** 2).sum(), x, grad)
    with pytest.raises(CheckFailure, match="shape"):
        assert_gradient(lambda p: (p["a"] ** 2).sum(), x, {**grad, "none": np.empty((3, 0))})


# What proves nothing


@pytest.mark.parametrize(
    ("f", "x"),
    [
        (lambda x: 3.0, np.ones(3)),
        (lambda x: np.maximum(x, 0).sum() + 1.0, -np.ones(3)),
        (lambda x: ((x - 1) ** 2).sum(), np.ones(3)),
        (lambda x: x.sum(), np.empty(0)),
        (lambda x: np.log(x).sum(), np.zeros(2)),
        (lambda x: x.sum(), np.array([1.0, np.inf])),
    ],
)
def test_vacuous_checks_are_the_suites_fault(f, x):
    """A zero gradient, no entries, and no finite value cannot be checked."""
    with pytest.raises(VacuousCheckError):
        assert_gradient(f, x, np.zeros(x.shape))


def test_wrong_answers_to_vacuous_checks_fail():
    """Where the gradient is zero, an answer that is not zero is wrong all the same."""
    assert _verdict(lambda x: ((x - 1) ** 2).sum() + 1, np.ones(3), np.ones(3)) == "fail"


def test_zero_rows_of_a_jacobian_are_checked():
    """A row of zeros beside others passes, and fails where it is not zero."""
    x, right = np.array([0.5, -0.3]), np.array([[1.0, 0.0], [0.0, 0.0]])

    def f(x):
        return np.array([np.sin(x[0]) + 1, max(x[1], 0.0)])

    right[0, 0] = np.cos(0.5)
    assert_jacobian(f, x, right)
    right[1, 0] = 1e-6
    with pytest.raises(CheckFailure):
        assert_jacobian(f, x, right)
    with pytest.raises(VacuousCheckError):
        assert_jacobian(lambda x: np.ones(2), x, np.zeros((2, 2)))


def test_noise_is_unresolved_unless_the_answer_is_beyond_doubt():
    """A forward pass in float32 passes nothing, and fails only what is far off."""
    x = np.array([0.4, 1.3, -0.8])

    def f(x):
        return float(np.sin(x.astype(np.float32) * 3).sum(dtype=np.float32))

    grad = 3 * np.cos(3 * x)
    with pytest.raises(CheckUnresolved, match="float64"):
        assert_gradient(f, x, grad)
    assert _verdict(f, x, grad * (1 + 1e-6)) == "CheckUnresolved"
    assert _verdict(f, x, -grad) == "fail"


def test_a_plain_error_fails_though_another_entry_is_unresolved():
    """One entry on the edge of the domain does not excuse a sign flip in another."""

    def f(x):
        return (np.sqrt(x) + x).sum()

    assert _verdict(f, np.array([0.0, 1.0]), np.array([1.0, -1.5])) == "fail"


def test_random_functions_are_unresolved():
    """A forward pass that draws anew at each call decides nothing."""
    rng = np.random.default_rng(0)

    def f(x):
        return (x * rng.random(x.shape)).sum()

    assert _verdict(f, np.ones(4), np.full(4, 0.5)) in {"CheckUnresolved", "VacuousCheckError"}


def test_the_edge_of_the_domain_is_unresolved():
    """Where f has values on one side only, there is no verdict."""

    def f(x):
        return (np.sqrt(x) + x).sum()

    assert _verdict(f, np.array([0.0, 1.0]), np.array([1.0, 1.5])) == "CheckUnresolved"


# Kinks

SCENARIOS = ("generic", "near", "zero bias", "padded", "integer")


def _relu(scenario, seed):
    """A ReLU layer and a readout: f, x, and a gradient that takes the name of a bug."""
    rng = np.random.default_rng(seed)
    n, d, h = 6, 4, 5
    X, W, b = rng.normal(size=(n, d)), rng.normal(size=(d, h)), rng.normal(size=h)
    a, upstream = rng.normal(size=h), rng.normal(size=n)
    if scenario == "near":
        rows = rng.integers(n, size=h)
        b -= (X @ W + b)[rows, np.arange(h)] - rng.uniform(-1e-6, 1e-6, size=h)
    if scenario in ("zero bias", "padded"):
        b = np.zeros(h)
    if scenario == "padded":
        X[-2:] = 0.0
    if scenario == "zero bias":
        X[0] = 0.0
    if scenario == "integer":
        X, W = (rng.integers(-2, 3, size).astype(float) for size in ((n, d), (d, h)))
        b = rng.integers(-1, 2, h).astype(float)
        a = rng.integers(1, 4, h) * rng.choice([-1.0, 1.0], h)
        upstream = np.sign(upstream) * np.ceil(np.abs(upstream))
    x = {"W": W, "b": b, "a": a}

    def f(p):
        return float(upstream @ (np.maximum(X @ p["W"] + p["b"], 0.0) @ p["a"]))

    def grad(p, bug=""):
        z = X @ p["W"] + p["b"]
        dz = np.outer(upstream, p["a"]) * (1.0 if bug == "mask" else z > 0)
        out = {"W": X.T @ dz, "b": dz.sum(axis=0), "a": np.maximum(z, 0.0).T @ upstream}
        if bug == "sign":
            out["W"] = -out["W"]
        if bug == "two":
            out["b"] = 2 * out["b"]
        if bug == "tiny":
            out["W"].flat[np.argmax(np.abs(out["W"]))] *= 1 + 1e-6
        return out

    return f, x, grad


def _check_scenario(scenario, seed):
    f, x, grad = _relu(scenario, seed)
    assert _verdict(f, x, grad, kinks=True) == "pass", (scenario, seed)
    for bug in ("sign", "mask", "two", "tiny"):
        assert _verdict(f, x, partial(grad, bug=bug), kinks=True) == "fail", (scenario, seed, bug)


@pytest.mark.parametrize("scenario", SCENARIOS)
def test_relu_scenarios(scenario):
    """Right code passes at and beside kinks, and four injected bugs are caught."""
    for seed in range(4):
        _check_scenario(scenario, seed)


@pytest.mark.slow
@pytest.mark.parametrize("scenario", SCENARIOS)
def test_relu_scenarios_over_many_draws(scenario):
    """The same in 200 draws of each scenario."""
    for seed in range(200):
        _check_scenario(scenario, seed)


@pytest.mark.parametrize("at_zero", [0.0, 0.5, 1.0])
def test_any_subgradient_passes(at_zero):
    """Whatever relu'(0) is taken to be, the answer is accepted."""
    x = np.array([0.0, 0.5, -0.4, 1.2])
    a = np.array([1.5, -2.0, 0.7, 0.3])
    assert_gradient(
        lambda x: (a * np.maximum(x, 0)).sum(),
        x,
        lambda x: a * np.where(x == 0, at_zero, x > 0),
        kinks=True,
    )


def test_kinks_that_cancel_along_a_coordinate_raise_no_alarm():
    """f moves with slope 1 along x[0], while the code's derivative with relu'(0) = 0 is 0."""

    def f(x):
        return np.maximum(x[0] + x[1], 0) - np.maximum(-x[0] + x[2], 0) + (3 * x[3]) ** 2

    def grad(x):
        up, down = float(x[0] + x[1] > 0), float(-x[0] + x[2] > 0)
        return np.array([up + down, up, -down, 18 * x[3]])

    x = np.array([0.0, 0.0, 0.0, 0.5])
    assert_gradient(f, x, grad, kinks=True)
    with pytest.raises(CheckFailure):
        assert_gradient(f, x, lambda x: grad(x) * [1, -1, 1, 1], kinks=True)
    with pytest.raises(CheckUnresolved, match="kinks=True"):
        assert_gradient(f, x, grad(x))


def test_unannounced_kinks_are_unresolved():
    """Without kinks=True, a kink at x is the author's to announce."""
    x = np.array([0.0, 0.5])
    with pytest.raises(CheckUnresolved, match="kinks=True"):
        assert_gradient(lambda x: np.abs(x).sum(), x, np.sign(x))
    with pytest.raises(CheckFailure) as caught:
        assert_gradient(lambda x: np.abs(x).sum(), x, np.array([50.0, 1.0]))
    assert caught.value.failure.mismatch.index == (0,)


def test_kinks_need_a_function():
    """With kinks=True, an array cannot be evaluated beside the kink."""
    with pytest.raises(ValueError, match="function of x"):
        assert_gradient(lambda x: np.abs(x).sum(), np.ones(2), np.ones(2), kinks=True)


def test_failures_beside_a_kink_say_so():
    """The notes of a failure at a kink tell that x was moved."""
    x = np.array([0.0, 0.5, -0.7])
    with pytest.raises(CheckFailure) as caught:
        assert_gradient(lambda x: np.abs(x).sum(), x, lambda x: -np.sign(x), kinks=True)
    assert any("kink" in note for note in caught.value.failure.notes)


def test_failures_near_a_kink_say_so():
    """The notes of a failure 1e-6 from a kink tell that there is one; others don't mention any."""
    for x, expected in ((np.array([1e-6, 0.5]), True), (np.array([0.6, 0.5]), False)):
        with pytest.raises(CheckFailure) as caught:
            assert_gradient(lambda x: np.abs(x).sum(), x, lambda x: -np.sign(x), kinks=True)
        assert any("kink" in note for note in caught.value.failure.notes) is expected


def test_nonsense_at_a_kink_is_out_of_reach():
    """An answer at a kink that no one-sided slope explains fails though it is right elsewhere."""
    x = np.array([0.0, 0.5])

    def grad(x):
        return np.where(x == 0, 50.0, np.sign(x))

    with pytest.raises(CheckFailure):
        assert_gradient(lambda x: np.abs(x).sum(), x, grad, kinks=True)


def test_grad_is_called_once_without_a_kink():
    """A function of x is called once at x, and on both sides of a kink; it may change x."""
    calls = []

    def grad(x):
        calls.append(x.copy())
        x *= 0
        return np.sign(calls[-1])

    assert_gradient(lambda x: np.abs(x).sum(), np.array([0.3, -0.6]), grad, kinks=True)
    assert len(calls) == 1
    calls.clear()
    assert_gradient(lambda x: np.abs(x).sum(), np.array([0.0, -0.6]), grad, kinks=True)
    assert len(calls) == 3
    assert 1e-3 < np.abs(calls[1] - calls[0]).max() < 2e-2
    np.testing.assert_allclose(calls[1] + calls[2], 2 * calls[0], atol=1e-15)


# Many entries


def _network(n, seed=0):
    """n weights of a tanh layer: f that counts its calls in f.calls, x, gradient."""
    rng = np.random.default_rng(seed)
    X, W = rng.normal(size=(10, n // 100)), rng.normal(size=(n // 100, 100)) / 10
    upstream = rng.normal(size=(10, 100))

    def f(W):
        f.calls += 1
        return float((np.tanh(X @ W / 3) * upstream).sum())

    f.calls = 0
    return f, W, X.T @ ((1 - np.tanh(X @ W / 3) ** 2) * upstream) / 3


@pytest.mark.parametrize("n", [10_000, 100_000])
@pytest.mark.parametrize("scale", [1.0, 1e-6])
def test_one_flipped_entry_of_many_is_located(n, scale):
    """One sign among 100,000 is found, with its index and values, in 250 evaluations."""
    for seed in range(3):
        f, x, grad = _network(n, seed)
        index = tuple(int(i) for i in np.random.default_rng(seed).integers(grad.shape))
        wrong = scale * grad
        wrong[index] *= -1
        with pytest.raises(CheckFailure) as caught:
            assert_gradient(_scaled(f, scale), x, wrong)
        mismatch = caught.value.failure.mismatch
        assert mismatch.index == index
        assert mismatch.expected == pytest.approx(-wrong[index], rel=1e-5)
        assert any("1 wrong entry" in note for note in caught.value.failure.notes)
        assert f.calls <= SEARCH_EVALUATIONS


@pytest.mark.parametrize("n", [10_000, 100_000])
def test_right_gradients_of_many_entries_pass(n):
    """Nothing is flagged where all is right, in some hundred evaluations."""
    for seed in range(5):
        f, x, grad = _network(n, seed)
        assert_gradient(f, x, grad)
        assert_gradient(f, x, grad.astype(np.float32))
        assert f.calls <= 2 * SEARCH_EVALUATIONS


@pytest.mark.slow
def test_one_wrong_entry_of_many_is_never_missed():
    """In 300 trials at 10,000 entries no flipped entry is missed and no right gradient flagged."""
    for seed in range(300):
        f, x, grad = _network(10_000, seed)
        assert _verdict(f, x, grad) == "pass", seed
        assert _verdict(f, x, _spoil(grad, -2.0, np.random.default_rng(seed))) == "fail", seed


@pytest.mark.parametrize("factor", [2.0, -1.0, 0.1, 1.00001])
def test_a_common_factor_of_many_entries_is_told(factor):
    """A gradient off by one factor everywhere is wrong in all entries."""
    f, x, grad = _network(10_000)
    with pytest.raises(CheckFailure) as caught:
        assert_gradient(f, x, factor * grad)
    assert caught.value.failure.mismatch.n_wrong == grad.size
    assert f.calls <= SEARCH_EVALUATIONS


def test_zeros_among_many_entries_fail():
    """All zeros, and zeros in one block, are caught."""
    f, x, grad = _network(10_000)
    assert _verdict(f, x, 0 * grad) == "fail"
    grad[:20] = 0
    assert _verdict(f, x, grad) == "fail"


def test_swapped_entries_do_not_cancel():
    """Two errors of one size and opposite signs are seen, as plain random signs would often not."""
    for seed in range(20):
        f, x, grad = _network(10_000, seed)
        grad[3, 4] += 0.5
        grad[50, 60] -= 0.5
        assert _verdict(f, x, grad) == "fail"


def test_errors_in_a_small_member_among_many_are_seen():
    """A bias 1e-5 times as large as the weights beside it is compared by itself."""
    f, W, dW = _network(10_000)
    c = np.array([0.2, 1.1, -0.4])
    x, grad = {"W": W, "c": c}, {"W": dW, "c": 1e-5 * np.cos(c)}

    def g(p):
        return f(p["W"]) + 1e-5 * np.sin(p["c"]).sum()

    assert_gradient(g, x, grad)
    grad["c"][1] *= 1.01
    with pytest.raises(CheckFailure) as caught:
        assert_gradient(g, x, grad)
    assert caught.value.failure.mismatch.name == "grad['c']"
    assert caught.value.failure.mismatch.index == (1,)
    with pytest.raises(VacuousCheckError, match="c"):
        assert_gradient(lambda p: f(p["W"]), x, {"W": dW, "c": np.zeros(3)})


def test_jacobians_of_many_columns():
    """A Jacobian with 3000 columns is compared along directions, row by row."""
    rng = np.random.default_rng(0)
    n = MAX_COORDINATES + 1000
    A, x = rng.normal(size=(4, n)) / 50, rng.normal(size=n)
    right = np.cos(A @ x)[:, None] * A
    assert_jacobian(lambda x: np.sin(A @ x), x, right)
    wrong = right.copy()
    wrong[2, 1234] *= -1
    with pytest.raises(CheckFailure) as caught:
        assert_jacobian(lambda x: np.sin(A @ x), x, wrong)
    assert caught.value.failure.mismatch.index == (2, 1234)


def test_kinks_among_many_entries():
    """A layer with kinks at x passes with kinks=True and fails where it is wrong."""
    rng = np.random.default_rng(0)
    X, W, upstream = rng.normal(size=(5, 60)), rng.normal(size=(60, 50)), rng.normal(size=(5, 50))
    X[2] = 0.0

    def f(p):
        return float((np.maximum(X @ p["W"] + p["b"], 0) * upstream).sum())

    def grad(p, sign=1.0):
        dz = (X @ p["W"] + p["b"] > 0) * upstream
        out = {"W": X.T @ dz, "b": dz.sum(axis=0)}
        out["W"][7, 8] *= sign
        return out

    x = {"W": W, "b": np.zeros(50)}
    assert _verdict(f, x, grad, kinks=True) == "pass"
    assert _verdict(f, x, lambda p: grad(p, -1.0), kinks=True) == "fail"
    assert _verdict(f, x, grad) == "CheckUnresolved"


# Cost


def test_a_small_check_is_quick():
    """Thirty entries cost a few milliseconds beyond f itself."""
    f, x, grad = _quadratic(shape=(5, 6))
    start = time.process_time()
    for _ in range(20):
        assert_gradient(f, x, grad)
    assert (time.process_time() - start) / 20 < OVERHEAD_SECONDS
