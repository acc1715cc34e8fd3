"""Romberg differences: accuracy, honesty about their error, noise, kinks, domains, evaluations."""

from __future__ import annotations

import importlib.util
import math
import sys
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest

from grader.checks.numeric import (
    EPS,
    Coordinates,
    Directions,
    Forward,
    at_kink,
    dyadic_directions,
    noise_level,
    numeric_gradient,
    numeric_jacobian,
    romberg,
)

BENCHMARK = Path(__file__).parents[2] / "benchmarks" / "gradient_checks.py"
# What `assert_gradient` allows for: ten times the estimated error.
ERROR_FACTOR = 10.0
# Of smooth functions of order one the numeric gradient has at least nine digits.
ACCURATE = 1e-9


def _benchmark() -> ModuleType:
    spec = importlib.util.spec_from_file_location("gradient_problems", BENCHMARK)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module  # dataclasses look their module up
    spec.loader.exec_module(module)
    return module


PROBLEMS = _benchmark().PROBLEMS


def _found(f, x):
    """The whole estimate of a scalar function along its coordinates, and the function."""
    forward = Forward(f, x, scalar=True)
    return romberg(forward, Coordinates(forward.x), noise_level(forward)), forward


@pytest.mark.parametrize("make", PROBLEMS, ids=lambda make: make.__name__)
@pytest.mark.parametrize("seed", range(5))
def test_error_estimate_bounds_the_error(make, seed):
    """Ten times the estimate bounds the distance from long-double complex steps."""
    problem = make(np.random.default_rng(seed))
    gradient, error = numeric_gradient(problem.f, problem.x)
    right = problem.gradient(dtype=np.clongdouble)
    assert np.all(np.abs(gradient - right) <= ERROR_FACTOR * error)
    assert gradient.shape == error.shape == problem.x.shape


@pytest.mark.parametrize("make", PROBLEMS[:-1], ids=lambda make: make.__name__)
def test_error_estimate_is_small(make):
    """On functions of order one the allowance stays below a part in 1e9 of the gradient."""
    problem = make(np.random.default_rng(7))
    gradient, error = numeric_gradient(problem.f, problem.x)
    assert ERROR_FACTOR * error.max() <= ACCURATE * np.abs(gradient).max()


@pytest.mark.slow
@pytest.mark.parametrize("make", PROBLEMS, ids=lambda make: make.__name__)
def test_error_estimate_bounds_the_error_over_many_draws(make):
    """Three hundred draws of each function, none of which exceeds ten times its estimate."""
    for seed in range(100, 400):
        problem = make(np.random.default_rng(seed))
        gradient, error = numeric_gradient(problem.f, problem.x)
        right = problem.gradient(dtype=np.clongdouble)
        assert np.all(np.abs(gradient - right) <= ERROR_FACTOR * error), seed


def test_polynomials_to_order_six_are_exact():
    """Romberg's two rounds leave no truncation in a polynomial of degree six."""
    x = np.array([0.5, -1.25, 3.0])
    gradient, _ = numeric_gradient(lambda x: (x**6 - 2 * x**3).sum(), x)
    np.testing.assert_allclose(gradient, 6 * x**5 - 6 * x**2, rtol=1e-10)


def test_narrow_functions_make_the_step_shrink():
    """A function that varies over 1e-3 is still differentiated to eight digits."""
    x = np.array([0.3, -0.7])
    gradient, error = numeric_gradient(lambda x: np.sin(1e3 * x).sum(), x)
    assert np.all(np.abs(gradient - 1e3 * np.cos(1e3 * x)) <= ERROR_FACTOR * error)
    assert np.all(ERROR_FACTOR * error <= 1e-8 * 1e3)


def test_large_coordinates_have_large_steps():
    """The step follows the size of each coordinate, so that x + h differs from x."""
    x = np.array([1e9, -4e12])
    gradient, error = numeric_gradient(lambda x: (x * x / np.array([1e9, 1e12])).sum(), x)
    right = 2 * x / np.array([1e9, 1e12])
    assert np.all(np.abs(gradient - right) <= ERROR_FACTOR * error)
    assert np.all(error <= 1e-6 * np.abs(right))


@pytest.mark.parametrize("make", PROBLEMS, ids=lambda make: make.__name__)
def test_six_evaluations_an_entry_where_smooth(make):
    """Six evaluations an entry and ten more, up to three times that where the step shrinks."""
    problem = make(np.random.default_rng(3))
    _, forward = _found(problem.f, problem.x)
    assert forward.n_calls <= 18 * problem.x.size + 10


def test_quadratics_take_exactly_six_evaluations_an_entry():
    """A quadratic needs no smaller step: f(x), eight for the noise, six an entry."""
    _, forward = _found(lambda x: (x * x).sum(), np.linspace(-1.0, 2.0, 9))
    assert forward.n_calls == 1 + 8 + 6 * 9


def test_kinks_take_at_most_twelve_evaluations_an_entry():
    """A kink at x is confirmed at the smallest step without going through all of them."""
    estimate, forward = _found(lambda x: np.abs(x).sum(), np.zeros(10))
    assert estimate.kink.all()
    assert forward.n_calls <= 1 + 24 + 12 * 10


def test_kink_is_found_beside_a_strong_curvature():
    """A jump of the slope by 1e-3 is seen though the curvature hides it from single steps."""
    estimate, _ = _found(lambda x: (5 * x * x + 1e-3 * np.maximum(x, 0)).sum(), np.zeros(3))
    assert estimate.kink.all()
    np.testing.assert_allclose((estimate.right - estimate.left)[0], 1e-3, rtol=1e-3)


@pytest.mark.parametrize("distance", [1e-2, 1e-4, 1e-6, -1e-6, -1e-3])
def test_kink_nearby_is_avoided(distance):
    """A kink at a small distance makes the step shrink until it is outside."""
    x = np.array([distance])
    estimate, _ = _found(lambda x: np.maximum(x, 0).sum() + np.sin(x).sum(), x)
    right = float(distance > 0) + math.cos(distance)
    assert not estimate.kink.any()
    assert abs(estimate.value[0, 0] - right) <= ERROR_FACTOR * estimate.error[0, 0] <= 1e-6


def test_kink_counts_as_error():
    """At a kink the error is at least the jump, so that nothing passes unnoticed."""
    _, error = numeric_gradient(lambda x: np.abs(x).sum(), np.zeros(2))
    assert np.all(error >= 2.0)


def test_smooth_functions_have_no_kink():
    """No smooth function of the collection is taken for one with kinks."""
    for make in PROBLEMS:
        problem = make(np.random.default_rng(11))
        estimate, _ = _found(problem.f, problem.x)
        assert not estimate.kink.any(), make.__name__


def test_at_kink_sees_what_coordinates_cannot():
    """Two kinks that cancel along the one coordinate they share show along a random direction."""

    def f(x):
        return np.maximum(x[0] + x[1], 0) - np.maximum(-x[0] + x[2], 0)

    at_one, beside = (Forward(f, x, scalar=True) for x in (np.zeros(3), np.array([0.3, 0.2, -0.5])))
    assert at_kink(at_one, noise_level(at_one))
    assert not at_kink(beside, noise_level(beside))


@pytest.mark.parametrize("level", [1e-13, 1e-10, 1e-7])
def test_noise_level_is_estimated(level):
    """Noise of a known level is found to within a factor of four."""

    def f(x):
        # Digits of a fast sine are as good as random: a fraction in [0, 1) has variance 1/12.
        return math.sin(x.sum()) + level * math.sqrt(12) * (np.sin(1e9 * x.sum()) * 1e4 % 1.0)

    forward = Forward(f, np.array([0.3, 0.8]), scalar=True)
    assert level / 4 < noise_level(forward)[0] < 4 * level


def test_noise_of_cancellation_is_in_the_error():
    """A variance by E[x²] − E[x]² loses digits, and the error says so."""
    x = 1e4 + np.random.default_rng(0).normal(size=8)
    gradient, error = numeric_gradient(lambda x: (x * x).mean() - x.mean() ** 2, x)
    right = 2 * (x - x.mean()) / 8
    assert np.all(np.abs(gradient - right) <= ERROR_FACTOR * error)


def test_noise_is_not_mistaken_for_a_nearby_kink():
    """A kink that crosses the line on which noise is measured does not count as noise."""
    forward = Forward(
        lambda x: np.abs(x - 2e-8).sum() + 0.3 * x.sum() + 1.0, np.zeros(4), scalar=True
    )
    assert noise_level(forward)[0] < 1000 * EPS


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("f", [lambda x: np.log(x).sum(), lambda x: math.log(x[0])])
def test_leaving_the_domain_makes_the_step_shrink(f):
    """A logarithm near zero, as NaN or as an exception, is differentiated without a warning."""
    gradient, error = numeric_gradient(f, np.array([1e-4]))
    assert abs(gradient[0] - 1e4) <= ERROR_FACTOR * error[0] <= 1e-6 * 1e4


def test_on_the_edge_of_the_domain_the_error_is_infinite():
    """Where f has values on one side only, nothing is claimed."""
    _, error = numeric_gradient(lambda x: np.sqrt(x).sum(), np.zeros(2))
    assert np.all(np.isinf(error))


def test_dicts_are_differentiated_by_member():
    """A dict of arrays gives dicts of gradients and errors, scalars included."""
    x = {"a": np.array(2.0), "B": np.array([[1.0, 3.0]]), "none": np.empty((0, 2))}
    gradient, error = numeric_gradient(lambda p: p["a"] * (p["B"] ** 2).sum(), x)
    assert gradient["a"].shape == ()
    assert gradient["none"].shape == error["none"].shape == (0, 2)
    np.testing.assert_allclose(gradient["a"], 10.0, rtol=1e-12)
    np.testing.assert_allclose(gradient["B"], 4 * x["B"], rtol=1e-12)


def test_jacobian_has_outputs_first():
    """Entry [i, j, k] is the derivative of output i with respect to input [j, k]."""
    x = np.random.default_rng(0).normal(size=(2, 3))
    jacobian, error = numeric_jacobian(lambda x: np.sin(x).sum(axis=1) * x[0, 0], x)
    expected = np.zeros((2, 2, 3))
    for i in range(2):
        expected[i, i] = np.cos(x[i]) * x[0, 0]
        expected[i, 0, 0] += np.sin(x[i]).sum()
    assert jacobian.shape == error.shape == (2, 2, 3)
    assert np.all(np.abs(jacobian - expected) <= ERROR_FACTOR * error + 1e-15)


def test_jacobian_rows_have_their_own_noise():
    """A row of size 1e-9 is as accurate beside one of size 1e6 as by itself."""
    scale = np.array([1e6, 1e-9])
    jacobian, error = numeric_jacobian(lambda x: scale * np.sin(x).sum(), np.array([0.4, 1.0]))
    np.testing.assert_allclose(jacobian, scale[:, None] * np.cos([0.4, 1.0]), rtol=1e-10)
    assert np.all(error <= 1e-10 * scale[:, None])


def test_f_may_change_its_argument_and_x_is_left_alone():
    """Each evaluation gets a copy of its own."""

    def f(x):
        x *= x
        return x.sum()

    x = np.array([1.0, 2.0, 3.0])
    gradient, _ = numeric_gradient(f, x)
    np.testing.assert_allclose(gradient, [2.0, 4.0, 6.0], rtol=1e-12)
    np.testing.assert_array_equal(x, [1.0, 2.0, 3.0])


def test_results_are_the_same_in_every_run():
    """Directions are fixed, so that a verdict is reproducible."""
    problem = PROBLEMS[2](np.random.default_rng(5))
    first, second = (numeric_gradient(problem.f, problem.x) for _ in range(2))
    np.testing.assert_array_equal(first, second)


def test_integer_x_is_differentiated_in_float64():
    """An integer array is converted before it is moved."""
    gradient, _ = numeric_gradient(lambda x: (x**3).sum(), np.array([1, 2]))
    np.testing.assert_allclose(gradient, [3.0, 12.0], rtol=1e-12)


@pytest.mark.parametrize(
    ("f", "x", "error", "match"),
    [
        (lambda x: x, np.ones(2), ValueError, "one number"),
        (lambda x: x.sum() * 1j, np.ones(2), TypeError, "real"),
        (lambda x: x.sum(), np.array(["a"]), TypeError, "real"),
    ],
)
def test_what_cannot_be_differentiated_is_named(f, x, error, match):
    """Arrays where a number is meant, complex numbers and text are errors of the suite."""
    with pytest.raises(error, match=match):
        numeric_gradient(f, x)


def test_directions_are_dyadic_and_unequal():
    """Magnitudes are eighths between one and two, and both signs occur."""
    directions = dyadic_directions(np.random.default_rng(0), 8, 100)
    assert np.all((np.abs(directions) >= 1) & (np.abs(directions) < 2))
    assert np.all(directions * 8 == np.round(directions * 8))
    assert (directions < 0).any()
    assert (directions > 0).any()


def test_directional_derivatives_agree_with_the_gradient():
    """Along a direction the derivative is the inner product with the gradient."""
    problem = PROBLEMS[0](np.random.default_rng(2))
    forward = Forward(problem.f, problem.x, scalar=True)
    lines = Directions(forward.x, dyadic_directions(np.random.default_rng(0), 3, forward.x.size))
    found = romberg(forward, lines, noise_level(forward))
    right = lines.vectors @ problem.gradient(dtype=np.clongdouble).ravel()
    assert np.all(np.abs(found.value[0] - right) <= ERROR_FACTOR * found.error[0] + 1e-14)
