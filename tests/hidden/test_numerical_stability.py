"""Hidden suite of the numerical-stability topic: oracles are plain loops, exact sums, and differences."""

import math
from fractions import Fraction

import numpy as np
import pytest

from grader.checks import (
    as_array,
    as_float,
    assert_close,
    assert_gradient,
    assert_no_warnings,
    assert_pure,
    assert_raises,
    assert_vjp,
    fail,
)

# Textbook forms such as σ(1 − σ), 1 − tanh² and erf cancel in the tails: what they lose is absolute.
TAIL = 1e-12
# Stable forms of one activation agree to some 1e-15; an approximation such as 'z above 20', off
# by 1e-10 there, does not.
FORMULA = 2e-12
# Welford's updates at mean 1e9 round the running mean to 1e-7: at standard deviations of 1 to 9 the
# variance was off by at most 5e-7 of itself, in four orders of evaluation at 150 seeds.
WELFORD_AT_1E9 = 5e-6
# A running mean near 1e9 may be off by some ulps of 1.2e-7 (6e-7 seen); the floor of `assert_close`, 256 ulps'
# worth, allows for that, and a relative tolerance as usual would allow a whole unit.
MEAN_AT_1E9 = 1e-14
# What a mean near 1e9 loses, squared, where the variance itself is 0.
CONSTANT_AT_1E9 = 1e-9


# Oracles: one number at a time.


def sigmoid_of(v):
    return 1 / (1 + math.exp(-v)) if v >= 0 else math.exp(v) / (1 + math.exp(v))


def sigmoid_grad_of(v):
    return sigmoid_of(v) * sigmoid_of(-v)


def softplus_of(v):
    return v + math.log1p(math.exp(-v)) if v >= 0 else math.log1p(math.exp(v))


def log_sigmoid_of(v):
    return -softplus_of(-v)


def tanh_grad_of(v):
    return 0.0 if abs(v) > 300 else 1 / math.cosh(v) ** 2


def relu_grad_of(v):
    return 1.0 if v > 0 else 0.0


def normal_cdf(v):
    return math.erfc(-v / math.sqrt(2)) / 2


def gelu_of(v):
    return v * normal_cdf(v)


def gelu_grad_of(v):
    return normal_cdf(v) + v * math.exp(-v * v / 2) / math.sqrt(2 * math.pi)


def each(function, z):
    """A function of one number, over an array, in float64."""
    z = np.asarray(z, dtype=np.float64)
    return np.array([function(v) for v in z.ravel().tolist()]).reshape(z.shape)


def both_signs(rng, shape, low=0.2, high=5.0):
    """Magnitudes between low and high, with both signs where there are two entries."""
    z = np.array(rng.uniform(low, high, size=shape) * rng.choice([-1.0, 1.0], size=shape))
    flat = z.reshape(-1)
    flat[:2] = np.abs(flat[:2]) * [1, -1][: flat[:2].size]
    return z


# What is asked of every activation; each has its own tests below, so that failures read well.


def check_values(function, oracle, rng):
    z = both_signs(rng, (4, 6))
    assert_close(function(z), each(oracle, z), rtol=FORMULA, atol=TAIL, axes=("row", "column"))
    z = both_signs(rng, (5, 3)).T  # not contiguous
    assert_close(function(z), each(oracle, z), rtol=FORMULA, atol=TAIL, axes=("row", "column"))


def check_shapes(function, oracle, rng):
    for shape in [(7,), (3, 1, 4), (1,)]:
        z = both_signs(rng, shape)
        assert_close(function(z), each(oracle, z), rtol=FORMULA, atol=TAIL)
    z = np.array(rng.uniform(0.5, 2.0))
    assert_close(function(z), oracle(float(z)), rtol=FORMULA, atol=TAIL, name="result for 0-d z")


def check_empty(function):
    for shape in [(0,), (3, 0)]:
        value = assert_no_warnings(function, np.zeros(shape))
        as_array(value, shape, name=f"result for an empty array of shape {shape}")


def check_extremes(function, oracle, rng, points):
    """Several arrays: a large entry would lend its tolerance to small ones."""
    for magnitudes in points:
        z = np.array(magnitudes) * rng.uniform(0.9, 1.0)
        value = assert_no_warnings(function, z)
        expected = each(oracle, z)
        assert_close(value, expected, rtol=FORMULA, atol=TAIL, zeros_expected=True, axes=("entry",))


def check_tails(function, oracle):
    """Where the function is nearly flat or straight: a cut anywhere shows by what it leaves out."""
    for magnitudes in TAILS:
        for z in (magnitudes, -magnitudes):
            value = assert_no_warnings(function, z)
            expected = each(oracle, z)
            assert_close(value, expected, rtol=FORMULA, atol=TAIL, zeros_expected=True, axes=("entry",))  # fmt: skip


def check_float32(function, oracle, rng):
    z = both_signs(rng, (3, 5)).astype(np.float32)
    assert_close(function(z), each(oracle, z).astype(np.float32), axes=("row", "column"))
    z = np.array([1e4, -1e4, 95.0, -95.0, 20.0, -20.0, 0.7, 0.0], dtype=np.float32)
    value = assert_no_warnings(function, z)
    assert_close(
        np.float32(1) * as_array(value, (8,), np.float32), each(oracle, z).astype(np.float32)
    )
    as_array(function(np.zeros((0, 2), np.float32)), (0, 2), np.float32, name="empty result")


def check_integers(function, oracle, rng):
    for dtype in (np.int64, np.int32):
        z = rng.permutation(np.array([-10_000, -3, -1, 0, 1, 2, 4])).astype(dtype)
        z = np.append(z, rng.integers(1, 5)).astype(dtype)
        value = assert_no_warnings(function, z)
        assert_close(value, each(oracle, z), rtol=FORMULA, atol=TAIL, axes=("entry",))


def check_special(function, oracle, rng, inputs, outputs):
    """Infinities and NaN in the midst of plain entries; warnings are not looked at."""
    plain = both_signs(rng, (4,))
    z = np.concatenate([plain[:2], inputs, plain[2:]])
    expected = each(oracle, plain)
    expected = np.concatenate([expected[:2], outputs, expected[2:]])
    assert_close(function(z), expected, rtol=FORMULA, atol=TAIL, axes=("entry",))


def check_derivative(function, oracle, rng):
    z = both_signs(rng, (3, 4), high=3.0)
    assert_gradient(lambda w: np.sum(each(oracle, w)), z, function(z), axes=("row", "column"))


INF, NAN = math.inf, math.nan
# Far out, where exponentials, cosh and squares overflow; where 1 − σ and erf round to nothing; around 0.
FAR = [1e4, -1e4, 800.0, -800.0, 710.5, -710.5]
MIDDLE = [100.0, -100.0, 36.0, 41.0, -41.0, 0.5]
LEFT_TAIL = [-50.0, -33.0, -28.0, -22.5, -16.0, -9.5, -7.0]
RIGHT_TAIL = [40.0, 33.0, 28.0, 22.5, 16.0, 9.5, 7.0]
NEAR_ZERO = [0.0, -0.0, 5e-324, -5e-324, 1e-310, -1e-310, 1e-20, -1e-20, 3e-9, 9e-4, -9e-4, 0.02]
ALL_POINTS = [FAR, MIDDLE, LEFT_TAIL, RIGHT_TAIL, NEAR_ZERO]
# Up to where even exp(−z) falls below the tolerance; in two parts, as large entries lend theirs to small ones.
# The step is finer where the normal tail, exp(−z²/2), falls through the tolerance.
TAILS = [np.arange(3.0, 9.0, 0.0625), np.arange(9.0, 28.5, 0.25)]


# sigmoid


def test_sigmoid_values(submission, rng):
    check_values(submission.sigmoid, sigmoid_of, rng)


def test_sigmoid_shapes(submission, rng):
    check_shapes(submission.sigmoid, sigmoid_of, rng)


def test_sigmoid_empty(submission):
    check_empty(submission.sigmoid)


def test_sigmoid_extremes(submission, rng):
    check_extremes(submission.sigmoid, sigmoid_of, rng, ALL_POINTS)


def test_sigmoid_tails(submission):
    check_tails(submission.sigmoid, sigmoid_of)


def test_sigmoid_float32(submission, rng):
    check_float32(submission.sigmoid, sigmoid_of, rng)


def test_sigmoid_integers(submission, rng):
    check_integers(submission.sigmoid, sigmoid_of, rng)


def test_sigmoid_infinities_and_nan(submission, rng):
    check_special(submission.sigmoid, sigmoid_of, rng, [INF, NAN, -INF], [1.0, NAN, 0.0])


def test_sigmoid_pure(submission, rng):
    assert_pure(submission.sigmoid, both_signs(rng, (3, 4)))


# sigmoid_grad


def test_sigmoid_grad_values(submission, rng):
    check_values(submission.sigmoid_grad, sigmoid_grad_of, rng)


def test_sigmoid_grad_differences(submission, rng):
    check_derivative(submission.sigmoid_grad, sigmoid_of, rng)


def test_sigmoid_grad_shapes(submission, rng):
    check_shapes(submission.sigmoid_grad, sigmoid_grad_of, rng)


def test_sigmoid_grad_empty(submission):
    check_empty(submission.sigmoid_grad)


def test_sigmoid_grad_extremes(submission, rng):
    check_extremes(submission.sigmoid_grad, sigmoid_grad_of, rng, ALL_POINTS)


def test_sigmoid_grad_tails(submission):
    check_tails(submission.sigmoid_grad, sigmoid_grad_of)


def test_sigmoid_grad_float32(submission, rng):
    check_float32(submission.sigmoid_grad, sigmoid_grad_of, rng)


def test_sigmoid_grad_integers(submission, rng):
    check_integers(submission.sigmoid_grad, sigmoid_grad_of, rng)


def test_sigmoid_grad_infinities_and_nan(submission, rng):
    check_special(submission.sigmoid_grad, sigmoid_grad_of, rng, [INF, NAN, -INF], [0.0, NAN, 0.0])


def test_sigmoid_grad_pure(submission, rng):
    assert_pure(submission.sigmoid_grad, both_signs(rng, (3, 4)))


# log_sigmoid


def test_log_sigmoid_values(submission, rng):
    check_values(submission.log_sigmoid, log_sigmoid_of, rng)


def test_log_sigmoid_shapes(submission, rng):
    check_shapes(submission.log_sigmoid, log_sigmoid_of, rng)


def test_log_sigmoid_empty(submission):
    check_empty(submission.log_sigmoid)


def test_log_sigmoid_extremes(submission, rng):
    check_extremes(submission.log_sigmoid, log_sigmoid_of, rng, ALL_POINTS)


def test_log_sigmoid_tails(submission):
    check_tails(submission.log_sigmoid, log_sigmoid_of)


def test_log_sigmoid_float32(submission, rng):
    check_float32(submission.log_sigmoid, log_sigmoid_of, rng)


def test_log_sigmoid_integers(submission, rng):
    check_integers(submission.log_sigmoid, log_sigmoid_of, rng)


def test_log_sigmoid_infinities_and_nan(submission, rng):
    check_special(submission.log_sigmoid, log_sigmoid_of, rng, [INF, NAN, -INF], [0.0, NAN, -INF])


def test_log_sigmoid_pure(submission, rng):
    assert_pure(submission.log_sigmoid, both_signs(rng, (3, 4)))


# tanh_grad


def test_tanh_grad_values(submission, rng):
    check_values(submission.tanh_grad, tanh_grad_of, rng)


def test_tanh_grad_differences(submission, rng):
    check_derivative(submission.tanh_grad, math.tanh, rng)


def test_tanh_grad_shapes(submission, rng):
    check_shapes(submission.tanh_grad, tanh_grad_of, rng)


def test_tanh_grad_empty(submission):
    check_empty(submission.tanh_grad)


def test_tanh_grad_extremes(submission, rng):
    check_extremes(submission.tanh_grad, tanh_grad_of, rng, ALL_POINTS)


def test_tanh_grad_tails(submission):
    check_tails(submission.tanh_grad, tanh_grad_of)


def test_tanh_grad_float32(submission, rng):
    check_float32(submission.tanh_grad, tanh_grad_of, rng)


def test_tanh_grad_integers(submission, rng):
    check_integers(submission.tanh_grad, tanh_grad_of, rng)


def test_tanh_grad_infinities_and_nan(submission, rng):
    check_special(submission.tanh_grad, tanh_grad_of, rng, [INF, NAN, -INF], [0.0, NAN, 0.0])


def test_tanh_grad_pure(submission, rng):
    assert_pure(submission.tanh_grad, both_signs(rng, (3, 4)))


# relu_grad


def test_relu_grad_values(submission, rng):
    check_values(submission.relu_grad, relu_grad_of, rng)


def test_relu_grad_shapes(submission, rng):
    check_shapes(submission.relu_grad, relu_grad_of, rng)


def test_relu_grad_empty(submission):
    check_empty(submission.relu_grad)


def test_relu_grad_zero_at_zero(submission, rng):
    z = rng.permutation(np.array([0.0, -0.0, 1.5, -2.5, 0.0]))
    assert_close(submission.relu_grad(z), each(relu_grad_of, z), axes=("entry",))


def test_relu_grad_extremes(submission, rng):
    check_extremes(submission.relu_grad, relu_grad_of, rng, ALL_POINTS)


def test_relu_grad_float32(submission, rng):
    check_float32(submission.relu_grad, relu_grad_of, rng)


def test_relu_grad_float32_near_zero(submission, rng):
    # Down to subnormal numbers, of both signs: nothing positive is too small.
    z = np.array([0.9, 8e-3, 3e-5, 3e-8, 1e-12, 1e-30, 2e-39, 1e-45, 0.0], dtype=np.float32)
    z = rng.permutation(np.concatenate([z, -z]))
    value = assert_no_warnings(submission.relu_grad, z)
    assert_close(value, each(relu_grad_of, z).astype(np.float32), axes=("entry",))


def test_relu_grad_integers(submission, rng):
    check_integers(submission.relu_grad, relu_grad_of, rng)


def test_relu_grad_infinities(submission, rng):
    check_special(submission.relu_grad, relu_grad_of, rng, [INF, -INF], [1.0, 0.0])


def test_relu_grad_pure(submission, rng):
    assert_pure(submission.relu_grad, both_signs(rng, (3, 4)))


# softplus


def test_softplus_values(submission, rng):
    check_values(submission.softplus, softplus_of, rng)


def test_softplus_shapes(submission, rng):
    check_shapes(submission.softplus, softplus_of, rng)


def test_softplus_empty(submission):
    check_empty(submission.softplus)


def test_softplus_extremes(submission, rng):
    check_extremes(submission.softplus, softplus_of, rng, ALL_POINTS)


def test_softplus_tails(submission):
    check_tails(submission.softplus, softplus_of)


def test_softplus_float32(submission, rng):
    check_float32(submission.softplus, softplus_of, rng)


def test_softplus_integers(submission, rng):
    check_integers(submission.softplus, softplus_of, rng)


def test_softplus_infinities_and_nan(submission, rng):
    check_special(submission.softplus, softplus_of, rng, [INF, NAN, -INF], [INF, NAN, 0.0])


def test_softplus_pure(submission, rng):
    assert_pure(submission.softplus, both_signs(rng, (3, 4)))


# gelu


def test_gelu_values(submission, rng):
    check_values(submission.gelu, gelu_of, rng)


def test_gelu_shapes(submission, rng):
    check_shapes(submission.gelu, gelu_of, rng)


def test_gelu_empty(submission):
    check_empty(submission.gelu)


def test_gelu_extremes(submission, rng):
    check_extremes(submission.gelu, gelu_of, rng, ALL_POINTS)


def test_gelu_tails(submission):
    check_tails(submission.gelu, gelu_of)


def test_gelu_float32(submission, rng):
    check_float32(submission.gelu, gelu_of, rng)


def test_gelu_integers(submission, rng):
    check_integers(submission.gelu, gelu_of, rng)


def test_gelu_infinity_and_nan(submission, rng):
    check_special(submission.gelu, gelu_of, rng, [NAN, INF], [NAN, INF])


def test_gelu_pure(submission, rng):
    assert_pure(submission.gelu, both_signs(rng, (3, 4)))


# gelu_grad


def test_gelu_grad_values(submission, rng):
    check_values(submission.gelu_grad, gelu_grad_of, rng)


def test_gelu_grad_differences(submission, rng):
    check_derivative(submission.gelu_grad, gelu_of, rng)


def test_gelu_grad_shapes(submission, rng):
    check_shapes(submission.gelu_grad, gelu_grad_of, rng)


def test_gelu_grad_empty(submission):
    check_empty(submission.gelu_grad)


def test_gelu_grad_extremes(submission, rng):
    check_extremes(submission.gelu_grad, gelu_grad_of, rng, ALL_POINTS)


def test_gelu_grad_tails(submission):
    check_tails(submission.gelu_grad, gelu_grad_of)


def test_gelu_grad_float32(submission, rng):
    check_float32(submission.gelu_grad, gelu_grad_of, rng)


def test_gelu_grad_integers(submission, rng):
    check_integers(submission.gelu_grad, gelu_grad_of, rng)


def test_gelu_grad_nan(submission, rng):
    check_special(submission.gelu_grad, gelu_grad_of, rng, [NAN], [NAN])


def test_gelu_grad_pure(submission, rng):
    assert_pure(submission.gelu_grad, both_signs(rng, (3, 4)))


# bce_with_logits

# Logits of increasing certainty; exp(−24)/24 is the last that shows beside the tolerance.
SURE = np.arange(4.0, 28.0)


def bce_entry(z, y):
    """Loss of one entry: the label's two parts of softplus, so that nothing cancels."""
    return y * softplus_of(-z) + (1 - y) * softplus_of(z)


def mean_bce(z, y):
    pairs = zip(np.ravel(z).tolist(), np.ravel(y).tolist(), strict=True)
    losses = [bce_entry(a, b) for a, b in pairs]
    return math.fsum(losses) / len(losses)


@pytest.mark.parametrize("shape", [(7,), (5, 3), (2, 3, 4)])
def test_bce_with_logits_soft_labels(submission, rng, shape):
    z, y = both_signs(rng, shape), rng.uniform(size=shape)
    constants = {"n": z.size, "rows": shape[0], "log 2": math.log(2)}
    assert_close(
        submission.bce_with_logits(z, y),
        mean_bce(z, y),
        rtol=FORMULA,
        atol=TAIL,
        constants=constants,
    )


@pytest.mark.parametrize("dtype", [np.float64, np.int64])
def test_bce_with_logits_hard_labels(submission, rng, dtype):
    z = both_signs(rng, (3, 5))
    y = rng.permutation([0] * 8 + [1] * 7).reshape(3, 5).astype(dtype)
    assert_close(submission.bce_with_logits(z, y), mean_bce(z, y), rtol=FORMULA, atol=TAIL)


def test_bce_with_logits_one_entry(submission, rng):
    z, y = rng.uniform(0.5, 3), rng.uniform(0.2, 0.8)
    for shape in [(1,), (1, 1), ()]:
        value = submission.bce_with_logits(np.full(shape, z), np.full(shape, y))
        assert_close(
            value, bce_entry(z, y), rtol=FORMULA, atol=TAIL, name=f"result for shape {shape}"
        )


def test_bce_with_logits_extremes(submission, rng):
    for scale in (1e4, 800.0, 40.0):
        z = np.array([[1, -1, 1], [-1, 1, -1]]) * scale * rng.uniform(0.8, 1, size=(2, 3))
        y = np.array([[0.0, 1.0, 1.0], [0.0, 0.3, 0.6]])
        value = assert_no_warnings(submission.bce_with_logits, z, y)
        assert_close(
            value, mean_bce(z, y), rtol=FORMULA, atol=TAIL, name=f"loss at logits of ±{scale:g}"
        )


def test_bce_with_logits_right_and_sure(submission, rng):
    for scale in (1e4, 30.0):
        z = np.array([1, -1, 1, -1, 1]) * scale * rng.uniform(0.9, 1, size=5)
        y = (z > 0).astype(float)
        value = assert_no_warnings(submission.bce_with_logits, z, y)
        assert_close(value, mean_bce(z, y), atol=TAIL, zeros_expected=True)


def test_bce_with_logits_small_losses(submission):
    """Right and sure, but less and less so: each entry costs exp(−|z|), which nothing may cut off."""
    for z in (SURE, -SURE):
        y = (z > 0).astype(float)
        value = assert_no_warnings(submission.bce_with_logits, z, y)
        assert_close(value, mean_bce(z, y), rtol=FORMULA, atol=TAIL)
    z = np.array(10.5)
    value = submission.bce_with_logits(z, np.array(1.0))
    assert_close(value, softplus_of(-10.5), rtol=FORMULA, atol=TAIL, name="loss at z = 10.5, y = 1")


def test_bce_with_logits_wrong_and_sure(submission):
    """Each entry costs |z| and exp(−|z|): 1 − σ has lost digits where nothing has overflowed yet."""
    for z in (np.linspace(low, low + 2.9, 4) for low in (5.0, 8.0, 11.0, 14.0, 17.0)):
        for sign in (1, -1):
            y = np.full(4, float(sign < 0))
            value = assert_no_warnings(submission.bce_with_logits, sign * z, y)
            name = f"loss at z = {sign * z[0]:g} to {sign * z[-1]:g}, all labels wrong"
            assert_close(value, mean_bce(sign * z, y), rtol=FORMULA, atol=TAIL, name=name)


def test_bce_with_logits_near_zero(submission, rng):
    z, y = rng.permutation(NEAR_ZERO), rng.uniform(size=len(NEAR_ZERO))
    value = assert_no_warnings(submission.bce_with_logits, z, y)
    assert_close(value, mean_bce(z, y), rtol=FORMULA, atol=TAIL)


def test_bce_with_logits_nan(submission, rng):
    z, y = both_signs(rng, (2, 3)), rng.uniform(size=(2, 3))
    z[1, rng.integers(3)] = NAN
    value = as_float(submission.bce_with_logits(z, y))
    if not math.isnan(value):
        fail(f"a NaN among the logits must give NaN, but the loss is {value:.6g}")


def test_bce_with_logits_pure(submission, rng):
    assert_pure(submission.bce_with_logits, both_signs(rng, (3, 4)), rng.uniform(size=(3, 4)))


# bce_with_logits_grad


def bce_grad_of(z, y):
    """The gradient, entry by entry: (1 − y) σ(z) − y σ(−z), so that nothing cancels."""
    pairs = zip(np.ravel(z).tolist(), np.ravel(y).tolist(), strict=True)
    entries = [(1 - b) * sigmoid_of(a) - b * sigmoid_of(-a) for a, b in pairs]
    return np.array(entries).reshape(np.shape(z)) / len(entries)


def bce_terms(z, y):
    return {"σ(z)/n": each(sigmoid_of, z) / z.size, "y/n": -np.asarray(y) / z.size}


@pytest.mark.parametrize("shape", [(7,), (5, 3), (2, 3, 4)])
def test_bce_with_logits_grad_values(submission, rng, shape):
    z, y = both_signs(rng, shape), rng.uniform(size=shape)
    assert_close(
        submission.bce_with_logits_grad(z, y),
        bce_grad_of(z, y),
        rtol=FORMULA,
        atol=TAIL,
        constants={"n": z.size, "rows": shape[0]},
        terms=bce_terms(z, y),
    )


def test_bce_with_logits_grad_differences(submission, rng):
    z, y = both_signs(rng, (4, 3), high=3.0), rng.uniform(size=(4, 3))
    grad = submission.bce_with_logits_grad(z, y)
    assert_gradient(
        lambda w: mean_bce(w, y), z, grad, axes=("row", "column"), constants={"n": z.size}
    )


@pytest.mark.parametrize("dtype", [np.float64, np.int64])
def test_bce_with_logits_grad_hard_labels(submission, rng, dtype):
    z = both_signs(rng, (3, 5))
    y = rng.permutation([0] * 8 + [1] * 7).reshape(3, 5).astype(dtype)
    assert_close(
        submission.bce_with_logits_grad(z, y),
        bce_grad_of(z, y),
        rtol=FORMULA,
        atol=TAIL,
        axes=("row", "column"),
        terms=bce_terms(z, y),
    )


def test_bce_with_logits_grad_one_entry(submission, rng):
    z, y = rng.uniform(0.5, 3), rng.uniform(0.2, 0.4)
    for shape in [(1, 1), (1,), ()]:
        expected = bce_grad_of(np.full(shape, z), np.full(shape, y))
        value = submission.bce_with_logits_grad(np.full(shape, z), np.full(shape, y))
        assert_close(value, expected, rtol=FORMULA, atol=TAIL, name=f"result for shape {shape}")


def test_bce_with_logits_grad_extremes(submission, rng):
    for scale in (1e4, 800.0, 30.0):
        z = np.array([[1, -1, 1], [-1, 1, -1]]) * scale * rng.uniform(0.8, 1, size=(2, 3))
        y = np.array([[0.0, 1.0, 1.0], [0.0, 0.3, 0.6]])
        value = assert_no_warnings(submission.bce_with_logits_grad, z, y)
        assert_close(value, bce_grad_of(z, y), atol=TAIL, axes=("row", "column"))


def test_bce_with_logits_grad_tails(submission):
    """σ approaches 0 and 1 but never is either: the gradient of a sure answer is ±exp(−|z|)/n."""
    for z in (SURE, -SURE):
        for label in (1.0, 0.0, 0.25):
            y = np.full(len(z), label)
            value = submission.bce_with_logits_grad(z, y)
            expected = bce_grad_of(z, y)
            assert_close(value, expected, rtol=FORMULA, atol=TAIL, axes=("entry",))


def test_bce_with_logits_grad_near_zero(submission, rng):
    z, y = rng.permutation(NEAR_ZERO), rng.uniform(size=len(NEAR_ZERO))
    value = assert_no_warnings(submission.bce_with_logits_grad, z, y)
    assert_close(value, bce_grad_of(z, y), rtol=FORMULA, atol=TAIL, axes=("entry",))


def test_bce_with_logits_grad_infinities_and_nan(submission, rng):
    z, y = both_signs(rng, (3, 5)), rng.uniform(0.2, 0.8, size=(3, 5))
    expected = bce_grad_of(z, y)
    z[0, 3], z[1, 2], z[2, 0] = INF, NAN, -INF
    expected[0, 3], expected[1, 2], expected[2, 0] = (1 - y[0, 3]) / 15, NAN, -y[2, 0] / 15
    assert_close(
        submission.bce_with_logits_grad(z, y),
        expected,
        rtol=FORMULA,
        atol=TAIL,
        axes=("row", "column"),
    )


def test_bce_with_logits_grad_pure(submission, rng):
    assert_pure(submission.bce_with_logits_grad, both_signs(rng, (3, 4)), rng.uniform(size=(3, 4)))


# clip_by_norm


def joint_norm(grads):
    """The norm of all entries, by scaling with the largest."""
    entries = [v for g in grads for v in np.ravel(g).tolist()]
    return math.hypot(*entries)


def some_grads(rng, scale=1.0):
    return [scale * both_signs(rng, shape) for shape in [(4, 3), (5,), (2, 1, 3)]]


def clipped_by_norm(grads, max_norm):
    """What is right: (list, norm before)."""
    norm = joint_norm(grads)
    scale = max_norm / norm if norm > max_norm else 1.0
    return [scale * g for g in grads], norm


NAMES = ("clipped", "norm")


def require_as_they_are(value, grads):
    """Arrays that nothing clips must come back exactly; `assert_close` has looked at everything else."""
    for i, (actual, grad) in enumerate(zip(value[0], grads, strict=True)):
        if not np.array_equal(np.asarray(actual, dtype=np.float64), grad):
            fail(f"clipped[{i}] must be grads[{i}] exactly, as the norm is not above max_norm")


@pytest.mark.parametrize("part", [0.9, 0.05])
def test_clip_by_norm_clips(submission, rng, part):
    grads = some_grads(rng)
    max_norm = part * joint_norm(grads)
    value = submission.clip_by_norm(grads, max_norm)
    expected = clipped_by_norm(grads, max_norm)
    assert_close(value, expected, name=NAMES, constants={"max_norm": max_norm})


@pytest.mark.parametrize("times", [1.1, 300.0])
def test_clip_by_norm_never_scales_up(submission, rng, times):
    grads = some_grads(rng, scale=0.3)
    norm = joint_norm(grads)
    value = submission.clip_by_norm(grads, times * norm)
    assert_close(value, (grads, norm), name=NAMES, constants={"max_norm": times * norm})
    require_as_they_are(value, grads)


@pytest.mark.parametrize("max_norm", [1e200, 1.5])
def test_clip_by_norm_far_below_max_norm(submission, rng, max_norm):
    grads = some_grads(rng, scale=1e-200)
    value = assert_no_warnings(submission.clip_by_norm, grads, max_norm)
    assert_close(value, (grads, joint_norm(grads)), name=NAMES)
    require_as_they_are(value, grads)


def test_clip_by_norm_is_joint(submission, rng):
    # Each array alone is below max_norm, and all together are above it; an array comes twice.
    g, h = both_signs(rng, (2, 3)), both_signs(rng, (7,))
    grads = [g, h, g.copy()]
    max_norm = 1.05 * max(joint_norm([g]), joint_norm([h]))
    assert max_norm < joint_norm(grads)
    assert_close(
        submission.clip_by_norm(grads, max_norm), clipped_by_norm(grads, max_norm), name=NAMES
    )


def test_clip_by_norm_one_array(submission, rng):
    for grads in ([both_signs(rng, (3, 5))], [both_signs(rng, (1,)) * 7]):
        max_norm = rng.uniform(0.2, 0.8) * joint_norm(grads)
        value = submission.clip_by_norm(grads, max_norm)
        assert_close(value, clipped_by_norm(grads, max_norm), name=NAMES)


@pytest.mark.parametrize("scale", [1e200, 1e-200, 1e-9])
def test_clip_by_norm_scales(submission, rng, scale):
    grads = some_grads(rng, scale=scale)
    max_norm = rng.uniform(0.1, 0.4) * joint_norm(grads)
    value = assert_no_warnings(submission.clip_by_norm, grads, max_norm)
    assert_close(value, clipped_by_norm(grads, max_norm), name=NAMES)


@pytest.mark.parametrize(("scale", "max_norm"), [(1e200, 1.5), (1e4, 0.7), (1e-200, 0.5)])
def test_clip_by_norm_far_from_max_norm(submission, rng, scale, max_norm):
    grads = some_grads(rng, scale=scale)
    value = assert_no_warnings(submission.clip_by_norm, grads, max_norm)
    assert_close(value, clipped_by_norm(grads, max_norm), name=NAMES)


def test_clip_by_norm_mixed_scales(submission, rng):
    grads = [1e200 * both_signs(rng, (3,)), 1e-200 * both_signs(rng, (2, 2)), np.zeros(4)]
    max_norm = rng.uniform(2, 3) * 1e199
    clipped, norm = clipped_by_norm(grads, max_norm)
    value = assert_no_warnings(submission.clip_by_norm, grads, max_norm)
    # Beside 1e199 nothing is asked of the small ones but that they stay small.
    assert_close(value, (clipped, norm), name=NAMES, atol=1e-190, zeros_expected=True)


def test_clip_by_norm_largest_entry_anywhere(submission, rng):
    # What is largest may be negative, and may come first or last.
    f = rng.uniform(0.5, 1, size=4).tolist()
    for grads in (
        [np.array([-1e200 * f[0], -f[1]]), np.array([1e-5 * f[2]])],
        [np.array([1e-3 * f[0]]), np.array([[1e200, 1e199]]) * f[1]],
        [np.array(1e-200 * f[0]), np.array([-1e200 * f[1], 0.0]), np.array([3.0 * f[2]])],
    ):
        max_norm = f[3] * 1e199
        value = assert_no_warnings(submission.clip_by_norm, grads, max_norm)
        # Small ones may round to 0 there.
        expected = clipped_by_norm(grads, max_norm)
        assert_close(value, expected, name=NAMES, atol=10.0, zeros_expected=True)
    grads = [np.array([-7.0, -2.0]) * f[0], np.array([[-1e-5]]) * f[2]]
    value = assert_no_warnings(submission.clip_by_norm, grads, f[3])
    assert_close(value, clipped_by_norm(grads, f[3]), name=NAMES)


def test_clip_by_norm_zeros(submission, rng):
    grads = [np.zeros((2, 3)), np.zeros(4)]
    value = assert_no_warnings(submission.clip_by_norm, grads, rng.uniform(0.5, 2))
    assert_close(value, (grads, 0.0), name=NAMES, zeros_expected=True)


def test_clip_by_norm_empty(submission, rng):
    value = assert_no_warnings(submission.clip_by_norm, [], rng.uniform(0.5, 2))
    assert_close(value, ([], 0.0), name=NAMES, zeros_expected=True)
    grads = [np.zeros((0, 3)), both_signs(rng, (4,)), np.array(rng.uniform(1, 2)), np.zeros(0)]
    max_norm = 0.6 * joint_norm(grads)
    expected = clipped_by_norm(grads, max_norm)
    value = assert_no_warnings(submission.clip_by_norm, grads, max_norm)
    assert_close(value, expected, name=NAMES, zeros_expected=True)
    grads = [np.zeros((0, 3)), np.zeros(0)]
    value = assert_no_warnings(submission.clip_by_norm, grads, max_norm)
    assert_close(value, (grads, 0.0), name=NAMES, zeros_expected=True)


@pytest.mark.parametrize(("bad", "max_norm"), [(INF, 0.5), (-INF, 1e6), (NAN, 0.5), (NAN, 1e6)])
def test_clip_by_norm_rejects_what_is_not_finite(submission, rng, bad, max_norm):
    first, last = some_grads(rng), some_grads(rng)
    first[0][rng.integers(4), rng.integers(3)] = bad
    assert_raises(ValueError, submission.clip_by_norm, first, max_norm)
    last[2][1, 0, rng.integers(3)] = bad
    assert_raises(ValueError, submission.clip_by_norm, last, max_norm)


@pytest.mark.parametrize("bad", [INF, -INF, NAN])
def test_clip_by_norm_rejects_one_bad_number(submission, rng, bad):
    # In a 0-d array, beside nothing but zeros, alone.
    for grads in (
        [both_signs(rng, (4,)), np.array(bad)],
        [np.array(bad), both_signs(rng, (2, 3))],
        [np.zeros(3), np.array([[bad]])],
        [np.array([0.0, bad]), np.zeros((0, 2))],
        [np.array([bad])],
        [np.array(bad)],
    ):
        assert_raises(ValueError, submission.clip_by_norm, grads, 2.5)


def test_clip_by_norm_pure(submission, rng):
    grads = some_grads(rng)
    assert_pure(submission.clip_by_norm, grads, 0.5 * joint_norm(grads))
    assert_pure(submission.clip_by_norm, grads, 2 * joint_norm(grads))


# clip_by_value


def clip_entries(grad, limit):
    return each(lambda v: limit if v > limit else -limit if v < -limit else v, grad)


def assert_clipped(value, expected, **options):
    """Nothing is computed, so that nothing can be rounded: every entry is exact."""
    assert_close(value, expected, **options)
    value = np.asarray(value, dtype=np.float64)
    wrong = ~((value == expected) | (np.isnan(value) & np.isnan(expected)))
    if wrong.any():
        i = tuple(int(k[0]) for k in np.nonzero(wrong))
        fail(
            f"clipping must round nothing: entry {list(i)} is {float(value[i])!r}, "
            f"expected {float(expected[i])!r}",
            f"{int(wrong.sum())} of {wrong.size} entries differ in their last digits",
        )


@pytest.mark.parametrize(("shape", "limit"), [((9,), 0.8), ((4, 5), 3.25), ((2, 3, 4), 1.7)])
def test_clip_by_value_values(submission, rng, shape, limit):
    grad = both_signs(rng, shape)
    grad.reshape(-1)[:4] = np.array([3, -4, 0.2, -0.3]) * limit
    expected = clip_entries(grad, limit)
    assert_clipped(submission.clip_by_value(grad, limit), expected, constants={"limit": limit})


def test_clip_by_value_exact(submission, rng):
    # So many that a formula which rounds cannot be right everywhere by luck.
    grad, limit = rng.normal(size=(8, 40)), rng.uniform(1.1, 1.9)
    assert_clipped(submission.clip_by_value(grad, limit), clip_entries(grad, limit))


def test_clip_by_value_one_sided(submission, rng):
    grad, limit = rng.uniform(2, 3, size=(2, 4)), rng.uniform(0.4, 0.7)
    grad[1] = [0.5 * limit, -0.5 * limit, limit, -limit]
    for sign in (1, -1):
        expected = clip_entries(sign * grad, limit)
        assert_clipped(submission.clip_by_value(sign * grad, limit), expected)


@pytest.mark.parametrize("limit", [1e-7, 0.3, 1e4])
def test_clip_by_value_limits(submission, rng, limit):
    grad = np.array([1e4, -1e4, 0.0, 0.9, -0.9, 1e6, -1e6]) * rng.uniform(0.5, 1)
    value = assert_no_warnings(submission.clip_by_value, grad, limit)
    assert_clipped(value, clip_entries(grad, limit), constants={"limit": limit}, axes=("entry",))


def test_clip_by_value_tiny_entries(submission, rng):
    grad = np.array([1e-310, -3e-310, 5e-324, -0.0]) * rng.integers(2, 5)
    value = as_array(assert_no_warnings(submission.clip_by_value, grad, 0.5), (4,))
    if not np.array_equal(value, grad):
        fail(f"entries within the limits must come back as they are: {grad} became {value}")


def test_clip_by_value_infinities_and_nan(submission, rng):
    limit = rng.uniform(0.5, 2)
    grad = np.array([INF, 0.3 * limit, NAN, -INF, -0.6 * limit, 5.0])
    expected = np.array([limit, 0.3 * limit, NAN, -limit, -0.6 * limit, limit])
    assert_clipped(submission.clip_by_value(grad, limit), expected, axes=("entry",))


def test_clip_by_value_empty_and_scalar(submission, rng):
    for shape in [(0,), (2, 0)]:
        as_array(submission.clip_by_value(np.zeros(shape), 1.5), shape, name="empty result")
    limit = rng.uniform(0.5, 2)
    assert_close(submission.clip_by_value(np.array(-3.0), limit), -limit, name="result for a 0-d")


def test_clip_by_value_pure(submission, rng):
    assert_pure(submission.clip_by_value, both_signs(rng, (3, 4)), 1.1)


# safe_divide


def divide_entries(a, b, eps):
    """Entry by entry, over the broadcast shape."""
    a, b = np.broadcast_arrays(a, b)
    pairs = zip(a.ravel().tolist(), b.ravel().tolist(), strict=True)
    out = [u / (v if abs(v) >= eps else -eps if v < 0 else eps) for u, v in pairs]
    return np.array(out).reshape(a.shape)


def denominators(rng, eps):
    """Above, below and inside the band, of both signs, and at its edges; both zeros."""
    parts = np.array([3.5, -2.5, 1.2, -1.3, 0.7, -0.6, 0.01, -0.02, 1.0, -1.0])
    parts *= np.append(rng.uniform(0.9, 1.1, size=8), [1, 1])
    return rng.permutation(np.concatenate([parts * eps, [0.0, -0.0]]))


@pytest.mark.parametrize("eps", [0.5, 3.0, 1e-8, 1e-12, 1e-100])
def test_safe_divide_values(submission, rng, eps):
    b = denominators(rng, eps)
    a = both_signs(rng, b.shape)
    value = assert_no_warnings(submission.safe_divide, a, b, eps)
    assert_close(value, divide_entries(a, b, eps), axes=("entry",), constants={"eps": eps})


def test_safe_divide_large_denominators(submission, rng):
    # Alone, so that no quotient by eps lends them its tolerance.
    eps = 1e-6
    a, b = both_signs(rng, (3, 4)), both_signs(rng, (3, 4))
    assert_close(submission.safe_divide(a, b, eps), divide_entries(a, b, eps), rtol=1e-12)


@pytest.mark.parametrize("sign", [1, -1])
def test_safe_divide_zero_is_positive(submission, rng, sign):
    a, eps = both_signs(rng, (5,)), rng.uniform(0.1, 0.4)
    b = sign * np.array([0.0, 5e-324, 0.0, 1e-310, 1e-20])
    value = assert_no_warnings(submission.safe_divide, a, b, eps)
    assert_close(value, divide_entries(a, b, eps), axes=("entry",))


@pytest.mark.parametrize(
    ("left", "right"),
    [((4, 3), (3,)), ((3,), (4, 1)), ((2, 1, 5), (3, 1)), ((), (4,)), ((2, 3), ()), ((), ())],
)
def test_safe_divide_broadcasts(submission, rng, left, right):
    eps = rng.uniform(0.5, 1.5)
    a, b = both_signs(rng, left), both_signs(rng, right, low=0.05, high=2.5)
    assert_close(submission.safe_divide(a, b, eps), divide_entries(a, b, eps))


def test_safe_divide_extremes(submission, rng):
    a = np.array([1e4, -1e4, 1e4, -1e4, 0.0, 1e-310, 2e4]) * rng.uniform(0.5, 1)
    b = np.array([1e4, 1e-4, -1e4, 0.0, 0.0, -1e-310, -1e-5])
    value = assert_no_warnings(submission.safe_divide, a, b, 1e-3)
    assert_close(value, divide_entries(a, b, 1e-3), axes=("entry",))


def test_safe_divide_infinities_and_nan(submission, rng):
    eps = rng.uniform(0.1, 0.4)
    a = np.array([INF, -INF, INF, NAN, 2.0, 3.0, -INF, 1.5])
    b = np.array([2.0, 3.0, -0.5 * eps, 4.0, INF, -INF, 0.0, 0.2 * eps])
    expected = np.array([INF, -INF, -INF, NAN, 0.0, 0.0, -INF, 1.5 / eps])
    assert_close(submission.safe_divide(a, b, eps), expected, axes=("entry",))


def test_safe_divide_empty(submission):
    value = submission.safe_divide(np.zeros((0, 3)), np.zeros(3), 0.5)
    as_array(value, (0, 3), name="result for an empty a")


def test_safe_divide_pure(submission, rng):
    assert_pure(submission.safe_divide, both_signs(rng, (3, 4)), both_signs(rng, (4,)), 2.0)


# safe_normalize


def normalize_slice(x, eps):
    norm = math.sqrt(math.fsum(v * v for v in x.tolist()))
    return x / (norm if norm > eps else eps)


def normalize(x, axis, eps):
    if x.size == 0:
        return x.copy()
    return np.apply_along_axis(normalize_slice, axis, x, eps)


def slices_about(rng, shape, axis, eps):
    """Slices along `axis` with norms well below, just below, just above and well above eps."""
    x = np.moveaxis(both_signs(rng, shape), axis, -1)
    x = x / np.sqrt(np.sum(x * x, axis=-1, keepdims=True))
    parts = np.array([0.2, 3.0, 0.9, 1.15, 8.0, 0.55])
    factors = np.resize(rng.permutation(parts), x.shape[:-1])
    return np.ascontiguousarray(np.moveaxis(x * factors[..., None] * eps, -1, axis))


CASES = [
    ((6, 4), -1, 0.4),
    ((4, 7), 0, 5.0),
    ((3, 5, 2), 1, 0.03),
    ((2, 3, 5), -1, 7.0),
    ((5, 2, 3), -3, 0.6),
    ((2, 4, 3, 5), 1, 0.8),
    ((3, 2, 1, 4, 2), -2, 1.3),
]


@pytest.mark.parametrize(("shape", "axis", "eps"), CASES)
def test_safe_normalize_values(submission, rng, shape, axis, eps):
    x = slices_about(rng, shape, axis, eps)
    value = submission.safe_normalize(x, axis, eps)
    assert_close(value, normalize(x, axis, eps), constants={"eps": eps, "length": shape[axis]})


@pytest.mark.parametrize("times", [0.3, 1.0, 4.0])
def test_safe_normalize_vector(submission, rng, times):
    x = both_signs(rng, (5,))
    eps = times * math.sqrt(math.fsum(x * x))
    assert_close(submission.safe_normalize(x, 0, eps), normalize(x, 0, eps), axes=("entry",))


def test_safe_normalize_small_eps(submission, rng):
    # Nothing is added to the norm: neither shows beside the other at 1e-7 of it.
    eps = 1e-7
    x = both_signs(rng, (4, 3))
    assert_close(
        submission.safe_normalize(x, 1, eps), normalize(x, 1, eps), rtol=1e-12, axes=("row", "x")
    )


def test_safe_normalize_zeros(submission, rng):
    x, eps = both_signs(rng, (4, 3)), rng.uniform(0.1, 0.4)
    x[1], x[2] = 0.0, -0.0
    value = assert_no_warnings(submission.safe_normalize, x, 1, eps)
    assert_close(value, normalize(x, 1, eps), axes=("row", "column"))
    value = assert_no_warnings(submission.safe_normalize, np.zeros((2, 3)), 0, eps)
    assert_close(value, np.zeros((2, 3)), zeros_expected=True)


# Entries and eps: far above, below and beside each other. eps is used down to 1e-100.
SCALES = [(1e4, 1e-20), (1e90, 1e-20), (1e-30, 1e-20), (1e-310, 1e-20), (1e-90, 1e-100), (1e-104, 1e-100)]  # fmt: skip


@pytest.mark.parametrize(("scale", "eps"), SCALES)
def test_safe_normalize_extremes(submission, rng, scale, eps):
    x = both_signs(rng, (3, 4)) * scale
    value = assert_no_warnings(submission.safe_normalize, x, -1, eps)
    assert_close(value, normalize(x, -1, eps), axes=("row", "column"))


def test_safe_normalize_mixed_scales(submission, rng):
    x = both_signs(rng, (4, 3)) * np.array([[1e4], [1e-4], [1.0], [1e-9]])
    value = assert_no_warnings(submission.safe_normalize, x, -1, 1e-8)
    assert_close(value, normalize(x, -1, 1e-8), axes=("row", "column"))


@pytest.mark.parametrize(("shape", "axis"), [((4, 1), -1), ((1, 5), 0), ((1,), 0), ((3, 1, 2), 2)])
def test_safe_normalize_length_one(submission, rng, shape, axis):
    x = both_signs(rng, shape)
    eps = rng.uniform(1.0, 3.0)
    assert_close(submission.safe_normalize(x, axis, eps), normalize(x, axis, eps))


@pytest.mark.parametrize(("shape", "axis"), [((0, 3), 1), ((3, 0), 1), ((0,), 0)])
def test_safe_normalize_empty(submission, shape, axis):
    value = assert_no_warnings(submission.safe_normalize, np.zeros(shape), axis, 0.5)
    as_array(value, shape, name="result for an empty array")


def test_safe_normalize_pure(submission, rng):
    assert_pure(submission.safe_normalize, both_signs(rng, (3, 4)), 0, 2.5)


# safe_normalize_vjp


def normalize_vjp_slice(x, g, eps):
    """From the Jacobian (δ − u uᵀ)/‖x‖, entry by entry."""
    norm = math.sqrt(math.fsum(v * v for v in x.tolist()))
    if norm <= eps:
        return g / eps
    u = [v / norm for v in x.tolist()]
    n = range(len(u))
    return np.array(
        [math.fsum(((i == j) - u[i] * u[j]) / norm * float(g[i]) for i in n) for j in n]
    )


def normalize_vjp(x, g, axis, eps):
    if x.size == 0:
        return x.copy()
    a, b = np.moveaxis(x, axis, -1), np.moveaxis(g, axis, -1)
    out = np.empty(a.shape)
    for i in np.ndindex(*a.shape[:-1]):
        out[i] = normalize_vjp_slice(a[i], b[i], eps)
    return np.moveaxis(out, -1, axis)


@pytest.mark.parametrize(("shape", "axis", "eps"), CASES)
def test_safe_normalize_vjp_values(submission, rng, shape, axis, eps):
    x, g = slices_about(rng, shape, axis, eps), rng.normal(size=shape)
    value = submission.safe_normalize_vjp(x, g, axis, eps)
    constants = {"eps": eps, "length": shape[axis]}
    assert_close(value, normalize_vjp(x, g, axis, eps), constants=constants)


@pytest.mark.parametrize(("shape", "axis"), [((3, 4), -1), ((4, 2), 0), ((5,), 0)])
def test_safe_normalize_vjp_differences(submission, rng, shape, axis):
    eps = rng.uniform(0.5, 1.5)
    x, g = slices_about(rng, shape, axis, eps), rng.normal(size=shape)
    value = submission.safe_normalize_vjp(x, g, axis, eps)
    assert_vjp(lambda w: normalize(w, axis, eps), x, g, value)


def test_safe_normalize_vjp_at_the_kink(submission, rng):
    # 3-4-5 triangles: norms that are eps exactly, in whichever way they are computed.
    scale = 2.0 ** int(rng.integers(-3, 4))
    x = rng.permutation(np.array([[3.0, -4.0, 0.0], [0.0, 3.0, 4.0], [-4.0, 0.0, -3.0]])) * scale
    x[2] *= 2.0
    g, eps = rng.normal(size=(3, 3)), 5 * scale
    value = submission.safe_normalize_vjp(x, g, 1, eps)
    assert_close(value, normalize_vjp(x, g, 1, eps), axes=("row", "column"))


def test_safe_normalize_vjp_zeros(submission, rng):
    x, g = both_signs(rng, (4, 3)), rng.normal(size=(4, 3))
    x[1], x[2] = 0.0, -0.0
    eps = rng.uniform(0.1, 0.3)
    value = assert_no_warnings(submission.safe_normalize_vjp, x, g, 1, eps)
    assert_close(value, normalize_vjp(x, g, 1, eps), axes=("row", "column"))


def test_safe_normalize_vjp_small_eps(submission, rng):
    x, g = both_signs(rng, (4, 3)), rng.normal(size=(4, 3))
    value = submission.safe_normalize_vjp(x, g, 1, 1e-7)
    expected = normalize_vjp(x, g, 1, 1e-7)
    assert_close(value, expected, rtol=1e-12, axes=("row", "column"))


@pytest.mark.parametrize(("scale", "eps"), SCALES)
def test_safe_normalize_vjp_extremes(submission, rng, scale, eps):
    x, g = both_signs(rng, (3, 4)) * scale, 1e4 * rng.normal(size=(3, 4))
    value = assert_no_warnings(submission.safe_normalize_vjp, x, g, -1, eps)
    assert_close(value, normalize_vjp(x, g, -1, eps), axes=("row", "column"))


@pytest.mark.parametrize(("shape", "axis"), [((5, 1), -1), ((1, 4), 0)])
def test_safe_normalize_vjp_length_one(submission, rng, shape, axis):
    # A single number's direction is its sign, which does not change: 0, unless eps divides.
    x = slices_about(rng, shape, axis, 2.0)
    g = rng.normal(size=shape)
    expected = normalize_vjp(x, g, axis, 2.0)
    assert_close(submission.safe_normalize_vjp(x, g, axis, 2.0), expected)


@pytest.mark.parametrize(("shape", "axis"), [((0, 3), 1), ((3, 0), 1)])
def test_safe_normalize_vjp_empty(submission, shape, axis):
    x = np.zeros(shape)
    value = assert_no_warnings(submission.safe_normalize_vjp, x, x, axis, 0.5)
    as_array(value, shape, name="result for an empty array")


def test_safe_normalize_vjp_pure(submission, rng):
    assert_pure(submission.safe_normalize_vjp, both_signs(rng, (3, 4)), rng.normal(size=(3, 4)), 0, 2.5)  # fmt: skip


# running_mean_var


def exact_mean_var(x):
    """Mean and population variance in rational arithmetic."""
    values = [Fraction(v) for v in x.tolist()]
    mean = sum(values) / len(values)
    return float(mean), float(sum((v - mean) ** 2 for v in values) / len(values))


MOMENTS = ("mean", "variance")


@pytest.mark.parametrize("n", [3, 8, 37])
def test_running_mean_var_values(submission, rng, n):
    x = rng.uniform(0.5, 2) + rng.uniform(1, 3) * rng.normal(size=n)
    value = submission.running_mean_var(x)
    assert_close(value, exact_mean_var(x), name=MOMENTS, constants={"n": n, "n-1": n - 1})


def test_running_mean_var_two_values(submission, rng):
    x = rng.uniform(1, 2, size=2) * [1, -3]
    assert_close(submission.running_mean_var(x), exact_mean_var(x), name=MOMENTS)


def test_running_mean_var_one_value(submission, rng):
    for x in (both_signs(rng, (1,)), np.array([1e9 + rng.uniform()])):
        value = assert_no_warnings(submission.running_mean_var, x)
        assert_close(value, (float(x[0]), 0.0), name=MOMENTS, zeros_expected=True)


@pytest.mark.parametrize("mean", [1e9, -1e9, 3e7])
def test_running_mean_var_large_mean(submission, rng, mean):
    x = mean + rng.uniform(1, 9) * rng.normal(size=40)
    x[:2] += [4.0, -3.0]
    value = assert_no_warnings(submission.running_mean_var, x)
    expected = exact_mean_var(x)
    assert_close(value, expected, name=MOMENTS, rtol=WELFORD_AT_1E9)
    assert_close(value[0], expected[0], name="mean", rtol=MEAN_AT_1E9)


def test_running_mean_var_drifting(submission, rng):
    x = np.sort(rng.uniform(-1e4, 1e4, size=25))
    assert_close(submission.running_mean_var(x), exact_mean_var(x), name=MOMENTS)
    x = rng.normal(size=30)
    x[0] = 1e4
    value = assert_no_warnings(submission.running_mean_var, x)
    assert_close(value, exact_mean_var(x), name=MOMENTS)


def test_running_mean_var_small_values(submission, rng):
    x = 1e-9 * (1 + rng.normal(size=12))
    assert_close(submission.running_mean_var(x), exact_mean_var(x), name=MOMENTS)


def test_running_mean_var_constant(submission, rng):
    x = np.full(9, 1e9 + rng.uniform())
    value = assert_no_warnings(submission.running_mean_var, x)
    expected = (float(x[0]), 0.0)
    assert_close(value, expected, name=MOMENTS, atol=CONSTANT_AT_1E9, zeros_expected=True)
    assert_close(value[0], expected[0], name="mean", rtol=MEAN_AT_1E9)


def test_running_mean_var_nan(submission, rng):
    x = rng.normal(size=6)
    x[rng.integers(6)] = NAN
    assert_close(submission.running_mean_var(x), (NAN, NAN), name=MOMENTS)
    value = submission.running_mean_var(np.array([NAN]))
    assert_close(value, (NAN, NAN), name=("mean of a lone NaN", "variance of a lone NaN"))


def test_running_mean_var_not_contiguous(submission, rng):
    x = rng.normal(size=(9, 4))[::2, 1]
    assert_close(submission.running_mean_var(x), exact_mean_var(x), name=MOMENTS)


def test_running_mean_var_pure(submission, rng):
    assert_pure(submission.running_mean_var, 5 + rng.normal(size=11))


# Capstone: a classifier on sensors that read a billion, trained through the whole chain.

# Standardised columns have mean 0 and variance 1 but for what Welford loses at mean 1e9 and standard
# deviations of 3 to 3e3: 1.3e-7 in the mean and 2.4e-8 in the variance at 200 seeds.
STANDARDISED = 1e-6
STEPS = 120
# Below this loss nothing is left to learn, and gradients would soon leave the range that clipping is defined for.
LEARNED = 1e-30
# Divides the standardised column of a sensor that reads one value: its deviation is 0, or 3e-5 at the most.
DEAD = 1e-2
# A step moves the weights by at most this: lr = STEP, max_norm = 1.
STEP = 0.05
# The bound on the loss comes from sums of a few hundred terms.
ROUNDING = 1e-9
# Standardised features, in units that make them large: logits near ±1e4 at weights of order one.
UNIT = 3e3


def readings(rng):
    """Sensor readings (60, 4) with mean 1e9 and spreads 5 to 3e3; labels; a direction that separates them."""
    centred = rng.uniform(-1, 1, size=(60, 4))
    direction = both_signs(rng, (4,), low=0.5, high=1.0)
    direction /= math.sqrt(direction @ direction)
    labels = np.arange(60) % 2
    # Push each class half a unit to its side of the plane: separable, with a margin.
    along = centred @ direction
    centred += np.outer((2 * labels - 1) * (0.5 + np.abs(along)) - along, direction)
    spreads = np.array([5.0, 80.0, 600.0, 3e3])
    return 1e9 + centred * spreads, labels.astype(float), direction / spreads


def test_capstone_standardises_at_a_billion(submission, rng):
    """Columns standardised by the learner's mean and variance have mean 0 and variance 1."""
    X, _, _ = readings(rng)
    for j, x in enumerate(X.T):
        mean, variance = assert_no_warnings(submission.running_mean_var, x)
        scale = np.full(len(x), math.sqrt(as_float(variance)))
        z = assert_no_warnings(submission.safe_divide, x - as_float(mean), scale, DEAD)
        m, v = exact_mean_var(as_array(z, x.shape, name="standardised column"))
        if not (abs(m) <= STANDARDISED and abs(v - 1) <= STANDARDISED):
            fail(
                f"column {j}, standardised, has mean {m:.3g} and variance {v:.9g}; "
                f"they must be 0 and 1 to {STANDARDISED:g}, for all that the readings lie at 1e9"
            )
    x = np.full(60, 1e9 + rng.uniform())
    mean, variance = assert_no_warnings(submission.running_mean_var, x)
    scale = np.full(60, math.sqrt(as_float(variance)))
    z = assert_no_warnings(submission.safe_divide, x - as_float(mean), scale, DEAD)
    largest = np.abs(as_array(z, (60,), name="standardised column of the dead sensor")).max()
    if not largest <= DEAD:
        fail(f"a sensor that reads one value is standardised to {largest:.3g}, expected nearly 0")


NETWORK_EPS = 0.05


def network_parts(rng):
    """Inputs, labels and weights of a network with a tanh and a GELU layer and normalised features.

    Drawn again until every row's norm is well above eps, where the loss has its only kink.
    """
    shapes = {"W1": (3, 4), "b1": (4,), "W2": (4, 3), "b2": (3,), "w3": (3,), "b3": (1,)}
    while True:
        X, y = both_signs(rng, (6, 3), high=2.0), rng.uniform(size=6)
        P = {name: both_signs(rng, shape, high=1.5) for name, shape in shapes.items()}
        h = each(gelu_of, np.tanh(X @ P["W1"] + P["b1"]) @ P["W2"] + P["b2"])
        if np.min(np.sum(h * h, axis=1)) > (6 * NETWORK_EPS) ** 2:
            return X, y, P


def network(submission, X, P):
    """The learner's forward pass: pre-activations, features, normalised features, logits."""
    a1 = X @ P["W1"] + P["b1"]
    t = np.tanh(a1)
    a2 = t @ P["W2"] + P["b2"]
    h = as_array(assert_no_warnings(submission.gelu, a2), a2.shape, name="gelu")
    u = assert_no_warnings(submission.safe_normalize, h, -1, NETWORK_EPS)
    u = as_array(u, h.shape, name="safe_normalize")
    return a1, t, a2, h, u, u @ P["w3"] + P["b3"]


def network_gradient(submission, X, y, P):
    """The learner's backward pass, from the loss to every weight."""
    a1, t, a2, h, u, logits = network(submission, X, P)
    g = assert_no_warnings(submission.bce_with_logits_grad, logits, y)
    g = as_array(g, logits.shape, name="bce_with_logits_grad")
    grads = {"w3": u.T @ g, "b3": np.sum(g, keepdims=True)}
    back = submission.safe_normalize_vjp
    gh = assert_no_warnings(back, h, np.outer(g, P["w3"]), -1, NETWORK_EPS)
    slope = assert_no_warnings(submission.gelu_grad, a2)
    g2 = as_array(gh, h.shape) * as_array(slope, a2.shape)
    grads |= {"W2": t.T @ g2, "b2": g2.sum(axis=0)}
    slope = assert_no_warnings(submission.tanh_grad, a1)
    g1 = (g2 @ P["W2"].T) * as_array(slope, a1.shape)
    return grads | {"W1": X.T @ g1, "b1": g1.sum(axis=0)}


def test_capstone_network_gradient(submission, rng):
    """The gradient from the learner's parts is the derivative of the learner's own loss.

    Compared along four random directions, by differences of the loss. Weights 900 times larger, with
    pre-activations up to ±1e4, must give finite numbers without a warning.
    """
    X, y, P = network_parts(rng)
    grads = network_gradient(submission, X, y, P)
    directions = [{k: both_signs(rng, p.shape, high=1.0) for k, p in P.items()} for _ in range(4)]

    def loss(steps):
        moved = {
            k: p + sum(s * d[k] for s, d in zip(steps, directions, strict=True))
            for k, p in P.items()
        }
        return as_float(submission.bce_with_logits(network(submission, X, moved)[-1], y))

    slopes = np.array([math.fsum(float(np.sum(grads[k] * d[k])) for k in P) for d in directions])
    assert_gradient(loss, np.zeros(4), slopes, name="slope of the loss", axes=("direction",))
    large = {k: 900 * p for k, p in P.items()}
    for name, grad in network_gradient(submission, X, y, large).items():
        if not np.isfinite(grad).all():
            fail(f"with weights around 900 the gradient of {name} is not finite")


def check_step(step, move, g):
    """A clipped step goes along the gradient, is never longer than STEP, and is never stretched."""
    length, norm = math.hypot(*move.tolist()), math.hypot(*g.tolist())
    allowed = STEP * min(1.0, norm)
    if not length <= allowed * (1 + ROUNDING):
        fail(f"step {step} has length {length:.6g}; clipping allows {allowed:.6g}")
    if length > 0 and np.abs(move / length - g / norm).max() > ROUNDING:
        fail(f"step {step} does not go along the gradient: its arrays are scaled differently")


def test_capstone_training_bound(submission, rng):
    """Clipped gradient descent from a wrong start gets below the bound that holds for convex losses.

    Nothing statistical: the bound follows from the lengths of the steps, for every right implementation.
    """
    X, y, direction = readings(rng)
    moments = np.array([submission.running_mean_var(x) for x in X.T])
    deviations = np.sqrt(moments[:, 1])
    Z = UNIT * np.column_stack([(X - moments[:, 0]) / deviations, np.ones(len(X))])
    # The separating plane in these coordinates; the start is on its wrong side, a unit away from 0.
    plane = np.append(direction * deviations, direction @ (moments[:, 0] - 1e9))
    plane /= math.sqrt(plane @ plane)
    w = start = -plane + 0.1 * both_signs(rng, (5,), high=1.0)
    losses, shares, squares = [], 0.0, 0.0
    for step in range(STEPS):
        logits = Z @ w
        loss = as_float(assert_no_warnings(submission.bce_with_logits, logits, y), name="loss")
        if not math.isfinite(loss):
            fail(f"the loss is {loss} at step {step}, at logits up to {np.abs(logits).max():.3g}")
        losses.append(loss)
        if loss < LEARNED:
            break
        g = assert_no_warnings(submission.bce_with_logits_grad, logits, y)
        g = as_array(g, logits.shape, name="bce_with_logits_grad") @ Z
        clipped, norm = assert_no_warnings(submission.clip_by_norm, [g[:4], g[4:]], 1.0)
        move = STEP * np.concatenate([np.asarray(part) for part in clipped])
        shares += STEP / max(1.0, as_float(norm, name="norm"))
        squares += float(move @ move)
        w = w - move
        check_step(step, move, g)
    ends = [scale / UNIT * plane for scale in (3.0, 10.0, 30.0, 100.0)]
    bound = min(
        mean_bce(Z @ u, y) + (float((start - u) @ (start - u)) + squares) / (2 * shares)
        for u in ends
    )
    if not min(losses) <= bound * (1 + ROUNDING):
        fail(
            f"{len(losses)} clipped steps bring the loss from {losses[0]:.6g} to {min(losses):.6g} at best; "
            f"for a convex loss the bound is {bound:.6g}"
        )
