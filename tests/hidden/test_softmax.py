"""Hidden suite of the softmax topic: oracles are plain loops with exact summation, and differences."""

import math

import numpy as np
import pytest

from grader.checks import (
    as_array,
    as_float,
    assert_close,
    assert_gradient,
    assert_jacobian,
    assert_no_warnings,
    assert_pure,
    assert_vjp,
    fail,
)

# `diag(s) − s sᵀ` from a probability that rounds to 1 has lost 1 − s: a few eps, absolute.
SATURATED = 1e-12
# One unit in the last place of a logit of 1e4 is 1.8e-12; a difference of two has lost that much.
ULP_AT_1E4 = 8e-12


def floats(values):
    """A slice as Python's own numbers, with which loops take a third of the time."""
    return values.tolist() if isinstance(values, np.ndarray) else values


def lse_slice(values):
    """Log-sum-exp of one slice, summed exactly."""
    values = floats(values)
    top = max(values)
    if top == -math.inf:
        return -math.inf
    return top + math.log(math.fsum(math.exp(v - top) for v in values))


def softmax_slice(values):
    """Softmax of one slice, summed exactly; zeros where every entry is −inf."""
    values = floats(values)
    top = max(values)
    if top == -math.inf:
        return np.zeros(len(values))
    e = [math.exp(v - top) for v in values]
    total = math.fsum(e)
    return np.array([v / total for v in e])


def log_softmax_slice(values):
    """Log-softmax of one slice; the shift is taken first, so that nothing is lost at ±1e4."""
    values = floats(values)
    top = max(values)
    if top == -math.inf:
        return np.full(len(values), -math.inf)
    rest = math.log(math.fsum(math.exp(v - top) for v in values))
    return np.array([(v - top) - rest for v in values])


def along(function, z, axis):
    return np.apply_along_axis(function, axis, np.asarray(z, dtype=np.float64))


def labels_unlike_argmax(rng, logits):
    """Random labels, with duplicates, of which at least one is not its row's largest logit."""
    n, c = logits.shape
    labels = rng.integers(0, c, size=n)
    labels[0] = (int(np.argmax(logits[0])) + 1) % c
    labels[1] = labels[0]
    return labels


def extreme_rows(rng):
    """Rows far above, far below, spread over ±1e4, and partly −inf; no ties."""
    z = rng.normal(size=(5, 4))
    z[0] += 1e4
    z[1] -= 1e4
    z[2] = [1e4, -1e4, 9999.0, 0.5]
    z[3, [0, 2]] = -np.inf
    return z


def tied(rng):
    """Rows whose maximum stands twice, three times, everywhere, and once."""
    z = rng.normal(size=(4, 5))
    z[0, [1, 4]] = 3.5
    z[1, [0, 2, 3]] = 2.25
    z[2] = rng.normal()
    return z


# logsumexp


@pytest.mark.parametrize(("shape", "axis"), [((7,), -1), ((3, 5), -1), ((3, 5), 0), ((2, 3, 4), 1)])
def test_logsumexp_values(submission, rng, shape, axis):
    z = rng.normal(size=shape) * 2
    expected = along(lse_slice, z, axis)
    if z.ndim == 1:
        expected = float(expected)
    assert_close(submission.logsumexp(z, axis=axis), expected, constants={"n": z.shape[axis]})


def test_logsumexp_default_axis(submission, rng):
    z = rng.normal(size=(4, 6))
    assert_close(submission.logsumexp(z), along(lse_slice, z, -1), axes=("row",))


def test_logsumexp_default_axis_of_three(submission, rng):
    z = rng.normal(size=(2, 3, 4))
    assert_close(submission.logsumexp(z), along(lse_slice, z, -1))


def test_logsumexp_ties(submission, rng):
    z = tied(rng)
    assert_close(submission.logsumexp(z), along(lse_slice, z, -1), axes=("row",))


@pytest.mark.parametrize(("shape", "axis"), [((1, 5), -1), ((4, 1, 3), 0), ((1, 3), 0)])
def test_logsumexp_other_axes_of_length_one(submission, rng, shape, axis):
    z = rng.normal(size=shape)
    assert_close(submission.logsumexp(z, axis=axis), along(lse_slice, z, axis))


def test_logsumexp_example(submission):
    assert_close(submission.logsumexp(np.array([1000.0, 1000.0])), 1000 + math.log(2))


def test_logsumexp_extremes(submission, rng):
    z = extreme_rows(rng)
    value = assert_no_warnings(submission.logsumexp, z)
    assert_close(value, along(lse_slice, z, -1), axes=("row",))


def test_logsumexp_all_masked(submission, rng):
    z = rng.normal(size=(3, 4))
    z[1] = -np.inf
    value = assert_no_warnings(submission.logsumexp, z)
    assert_close(value, along(lse_slice, z, -1), axes=("row",))


def test_logsumexp_one_entry(submission, rng):
    z = rng.normal(size=(3, 1)) + 5
    assert_close(submission.logsumexp(z), z[:, 0].copy(), axes=("row",))


def test_logsumexp_pure(submission, rng):
    assert_pure(submission.logsumexp, rng.normal(size=(3, 4)), axis=0)


# softmax


@pytest.mark.parametrize(
    ("shape", "axis"), [((7,), -1), ((3, 5), -1), ((3, 5), 0), ((2, 3, 4), -2)]
)
def test_softmax_values(submission, rng, shape, axis):
    z = rng.normal(size=shape) * 2
    assert_close(submission.softmax(z, axis=axis), along(softmax_slice, z, axis))


def test_softmax_default_axis(submission, rng):
    z = rng.normal(size=(6, 4)).T  # not contiguous, and not square
    assert_close(submission.softmax(z), along(softmax_slice, z, -1), axes=("row", "class"))


@pytest.mark.parametrize("shape", [(5,), (2, 3, 4)])
def test_softmax_default_axis_of_other_ranks(submission, rng, shape):
    z = rng.normal(size=shape)
    assert_close(submission.softmax(z), along(softmax_slice, z, -1))


def test_softmax_ties(submission, rng):
    z = tied(rng)
    assert_close(submission.softmax(z), along(softmax_slice, z, -1), axes=("row", "class"))


def test_softmax_extremes(submission, rng):
    z = extreme_rows(rng)
    value = assert_no_warnings(submission.softmax, z)
    assert_close(value, along(softmax_slice, z, -1), axes=("row", "class"))


def test_softmax_wide_range(submission, rng):
    z = np.array([[0.0, -40.0, -300.0, -700.0], [3.0, -90.0, -200.0, 1.0]]) + rng.normal(
        size=(2, 4)
    )
    value = as_array(submission.softmax(z), (2, 4), axes=("row", "class"))
    # Tiny probabilities keep their digits: compared in the logarithm, where an eps in the
    # denominator or a clip shows.
    if not (value > 0).all():
        fail("a probability near 1e-300 is representable, but came back as zero or negative")
    assert_close(
        np.log(value),
        along(log_softmax_slice, z, -1),
        axes=("row", "class"),
        name="log of the result",
    )


def test_softmax_all_masked(submission, rng):
    z = rng.normal(size=(3, 4))
    z[1] = -np.inf
    value = assert_no_warnings(submission.softmax, z)
    assert_close(value, along(softmax_slice, z, -1), axes=("row", "class"))


@pytest.mark.parametrize("axis", [-1, 0])
def test_softmax_float32(submission, rng, axis):
    z = (rng.normal(size=(3, 5)) * 3).astype(np.float32)
    assert_close(submission.softmax(z, axis=axis), along(softmax_slice, z, axis).astype(np.float32))


def test_softmax_float32_extremes(submission, rng):
    z = extreme_rows(rng).astype(np.float32)
    z[4] = -np.inf
    value = assert_no_warnings(submission.softmax, z)
    assert_close(value, along(softmax_slice, z, -1).astype(np.float32), axes=("row", "class"))


def test_softmax_one_entry(submission, rng):
    z = rng.normal(size=(3, 1)) * 100
    assert_close(submission.softmax(z), np.ones((3, 1)), axes=("row", "class"))


def test_softmax_pure(submission, rng):
    assert_pure(submission.softmax, rng.normal(size=(3, 4)), axis=0)


# log_softmax


@pytest.mark.parametrize(("shape", "axis"), [((7,), -1), ((3, 5), -1), ((3, 5), 0), ((2, 3, 4), 1)])
def test_log_softmax_values(submission, rng, shape, axis):
    z = rng.normal(size=shape) * 2
    assert_close(submission.log_softmax(z, axis=axis), along(log_softmax_slice, z, axis))


def test_log_softmax_default_axis(submission, rng):
    z = rng.normal(size=(4, 6))
    assert_close(submission.log_softmax(z), along(log_softmax_slice, z, -1), axes=("row", "class"))


@pytest.mark.parametrize("shape", [(5,), (2, 3, 4)])
def test_log_softmax_default_axis_of_other_ranks(submission, rng, shape):
    z = rng.normal(size=shape)
    assert_close(submission.log_softmax(z), along(log_softmax_slice, z, -1))


def test_log_softmax_ties(submission, rng):
    z = tied(rng)
    assert_close(submission.log_softmax(z), along(log_softmax_slice, z, -1), axes=("row", "class"))


def test_log_softmax_extremes(submission, rng):
    z = extreme_rows(rng)
    value = assert_no_warnings(submission.log_softmax, z)
    assert_close(value, along(log_softmax_slice, z, -1), axes=("row", "class"), atol=ULP_AT_1E4)


def test_log_softmax_no_underflow(submission, rng):
    z = np.array([0.0, -1000.0, -2.5, -800.0]) + rng.normal(size=4)
    assert_close(submission.log_softmax(z), log_softmax_slice(z), axes=("class",))


def test_log_softmax_all_masked(submission, rng):
    z = rng.normal(size=(3, 4))
    z[1] = -np.inf
    value = assert_no_warnings(submission.log_softmax, z)
    assert_close(value, along(log_softmax_slice, z, -1), axes=("row", "class"))


def test_log_softmax_pure(submission, rng):
    assert_pure(submission.log_softmax, rng.normal(size=(3, 4)), axis=0)


# softmax_jacobian


def test_softmax_jacobian_differences(submission, rng):
    z = rng.normal(size=5)
    jacobian = submission.softmax_jacobian(z)
    assert_jacobian(softmax_slice, z, jacobian, axes=("output", "input"))


@pytest.mark.parametrize("lead", [(3,), (2, 3)])
def test_softmax_jacobian_batch(submission, rng, lead):
    z = rng.normal(size=(*lead, 4)) * 2
    expected = np.empty((*lead, 4, 4))
    for row in np.ndindex(*lead):
        s = softmax_slice(z[row])
        for i in range(4):
            for j in range(4):
                expected[row][i, j] = s[i] * ((i == j) - s[j])
    assert_close(submission.softmax_jacobian(z), expected)


def test_softmax_jacobian_ties(submission, rng):
    z = tied(rng)
    s = along(softmax_slice, z, -1)
    expected = s[:, :, None] * (np.eye(z.shape[1]) - s[:, None, :])
    value = submission.softmax_jacobian(z)
    assert_close(value, expected, axes=("row", "output", "input"), atol=SATURATED)


def test_softmax_jacobian_extremes(submission, rng):
    z = extreme_rows(rng)
    s = along(softmax_slice, z, -1)
    expected = s[:, :, None] * (np.eye(4) - s[:, None, :])
    value = assert_no_warnings(submission.softmax_jacobian, z)
    assert_close(value, expected, axes=("row", "output", "input"), atol=SATURATED)


def test_softmax_jacobian_pure(submission, rng):
    assert_pure(submission.softmax_jacobian, rng.normal(size=(2, 4)))


# softmax_vjp


def test_softmax_vjp_differences(submission, rng):
    z, grad_s = rng.normal(size=6), rng.normal(size=6)
    vjp = submission.softmax_vjp(softmax_slice(z), grad_s)
    assert_vjp(softmax_slice, z, grad_s, vjp, axes=("class",))


@pytest.mark.parametrize(("shape", "axis"), [((3, 5), -1), ((3, 5), 0), ((2, 3, 4), 1)])
def test_softmax_vjp_values(submission, rng, shape, axis):
    s = along(softmax_slice, rng.normal(size=shape) * 2, axis)
    grad_s = rng.normal(size=shape)
    inner = np.apply_along_axis(math.fsum, axis, s * grad_s)
    expected = s * grad_s - s * np.expand_dims(inner, axis)
    terms = {"s·⟨s, grad_s⟩": -s * np.expand_dims(inner, axis), "s·grad_s": s * grad_s}
    assert_close(submission.softmax_vjp(s, grad_s, axis=axis), expected, terms=terms)


def test_softmax_vjp_default_axis(submission, rng):
    s = along(softmax_slice, rng.normal(size=(4, 6)), -1)
    grad_s = rng.normal(size=(4, 6))
    expected = s * (grad_s - (s * grad_s).sum(axis=-1)[:, None])
    assert_close(submission.softmax_vjp(s, grad_s), expected, axes=("row", "class"))


@pytest.mark.parametrize("shape", [(5,), (2, 3, 4)])
def test_softmax_vjp_default_axis_of_other_ranks(submission, rng, shape):
    s, grad_s = along(softmax_slice, rng.normal(size=shape), -1), rng.normal(size=shape)
    expected = s * (grad_s - (s * grad_s).sum(axis=-1, keepdims=True))
    assert_close(submission.softmax_vjp(s, grad_s), expected)


def test_softmax_vjp_masked_slice(submission, rng):
    z = rng.normal(size=(3, 4))
    z[1] = -np.inf
    z[2, 0] = -np.inf
    s, grad_s = along(softmax_slice, z, -1), rng.normal(size=(3, 4))
    expected = s * (grad_s - (s * grad_s).sum(axis=-1, keepdims=True))
    value = assert_no_warnings(submission.softmax_vjp, s, grad_s)
    assert_close(value, expected, axes=("row", "class"))


def test_softmax_vjp_saturated(submission, rng):
    s = along(softmax_slice, np.array([[60.0, 0, 1], [0.3, -1, 2], [-50, 0.2, 50]]), -1)
    grad_s = rng.normal(size=(3, 3)) * 10
    expected = s * (grad_s - (s * grad_s).sum(axis=-1, keepdims=True))
    value = assert_no_warnings(submission.softmax_vjp, s, grad_s)
    assert_close(value, expected, axes=("row", "class"), atol=SATURATED)


def test_softmax_vjp_long_slice(submission, rng):
    z, grad_s = rng.normal(size=20_000), rng.normal(size=20_000)
    s = np.exp(z) / np.exp(z).sum()
    expected = s * (grad_s - math.fsum(s * grad_s))
    assert_close(submission.softmax_vjp(s, grad_s), expected, axes=("class",))


def test_softmax_vjp_pure(submission, rng):
    s = along(softmax_slice, rng.normal(size=(3, 4)), 0)
    assert_pure(submission.softmax_vjp, s, rng.normal(size=(3, 4)), axis=0)


# cross_entropy


def mean_loss(logits, labels):
    logits = floats(logits)
    rows = [lse_slice(row) - row[label] for row, label in zip(logits, labels, strict=True)]
    return math.fsum(rows) / len(rows)


@pytest.mark.parametrize(("n", "c"), [(7, 4), (3, 5)])
def test_cross_entropy_values(submission, rng, n, c):
    logits = rng.normal(size=(n, c)) * 2
    labels = labels_unlike_argmax(rng, logits)
    assert_close(
        submission.cross_entropy(logits, labels),
        mean_loss(logits, labels),
        constants={"N": n, "C": c},
    )


def test_cross_entropy_ties(submission, rng):
    logits, labels = tied(rng), np.array([0, 3, 1, 2])
    assert_close(submission.cross_entropy(logits, labels), mean_loss(logits, labels))


@pytest.mark.parametrize("dtype", [np.int32, np.uint8])
def test_cross_entropy_label_dtype(submission, rng, dtype):
    logits = rng.normal(size=(5, 4))
    labels = labels_unlike_argmax(rng, logits).astype(dtype)
    assert_close(submission.cross_entropy(logits, labels), mean_loss(logits, labels.tolist()))


def test_cross_entropy_one_row(submission, rng):
    logits = rng.normal(size=(1, 3))
    assert_close(submission.cross_entropy(logits, np.array([2])), mean_loss(logits, [2]))


def test_cross_entropy_extremes(submission, rng):
    logits = rng.normal(size=(4, 3))
    logits[0] += 1e4
    logits[1] = [1e4, -1e4, 0.0]
    logits[2] -= 1e4
    labels = np.array([2, 1, 0, 1])
    value = assert_no_warnings(submission.cross_entropy, logits, labels)
    assert_close(value, mean_loss(logits, labels))


def test_cross_entropy_impossible_class(submission, rng):
    logits = rng.normal(size=(4, 3))
    logits[[0, 2], [1, 0]] = -np.inf
    labels = np.array([2, 1, 1, 0])
    value = assert_no_warnings(submission.cross_entropy, logits, labels)
    assert_close(value, mean_loss(logits, labels))


def test_cross_entropy_pure(submission, rng):
    assert_pure(submission.cross_entropy, rng.normal(size=(4, 3)), np.array([2, 0, 0, 1]))


# cross_entropy_grad


@pytest.mark.parametrize(("n", "c"), [(7, 4), (3, 5)])
def test_cross_entropy_grad_differences(submission, rng, n, c):
    logits = rng.normal(size=(n, c))
    labels = labels_unlike_argmax(rng, logits)
    assert_gradient(
        lambda z: mean_loss(z, labels),
        logits,
        submission.cross_entropy_grad(logits, labels),
        axes=("row", "class"),
        constants={"N": n, "C": c},
    )


def test_cross_entropy_grad_ties(submission, rng):
    logits, labels = tied(rng), np.array([0, 3, 1, 2])
    expected = along(softmax_slice, logits, -1)
    expected[np.arange(4), labels] -= 1
    value = submission.cross_entropy_grad(logits, labels)
    assert_close(value, expected / 4, axes=("row", "class"))


def test_cross_entropy_grad_one_row(submission, rng):
    logits = rng.normal(size=(1, 3))
    expected = softmax_slice(logits[0])[None] - np.array([[0.0, 0.0, 1.0]])
    value = submission.cross_entropy_grad(logits, np.array([2]))
    assert_close(value, expected, axes=("row", "class"))


def test_cross_entropy_grad_extremes(submission, rng):
    logits = extreme_rows(rng)
    labels = np.array([2, 1, 3, 1, 0])
    expected = along(softmax_slice, logits, -1)
    expected[np.arange(5), labels] -= 1
    value = assert_no_warnings(submission.cross_entropy_grad, logits, labels)
    assert_close(value, expected / 5, axes=("row", "class"), atol=SATURATED)


def test_cross_entropy_grad_impossible_class(submission, rng):
    logits = rng.normal(size=(4, 3))
    logits[[0, 2], [1, 0]] = -np.inf
    labels = np.array([2, 1, 1, 0])
    expected = along(softmax_slice, logits, -1)
    expected[np.arange(4), labels] -= 1
    value = assert_no_warnings(submission.cross_entropy_grad, logits, labels)
    assert_close(value, expected / 4, axes=("row", "class"))


def test_cross_entropy_grad_pure(submission, rng):
    assert_pure(submission.cross_entropy_grad, rng.normal(size=(4, 3)), np.array([2, 0, 0, 1]))


# capstone


# How often each of four classes was seen at each of five inputs, 16 times an input. Their order within
# a row, and the inputs, are the seed's; neither changes the length of a single step of the descent.
COUNTS = np.array([[7, 5, 3, 1], [9, 4, 2, 1], [6, 5, 3, 2], [8, 4, 3, 1], [5, 4, 4, 3]])
# The start is confident and wrong: the rarer a class, the higher its logit.
WRONG_LOGITS = np.array([-1000.0, -300.0, 200.0, 1000.0])
# The descent takes 67 steps at every seed.
MAX_STEPS = 200
# Polyak's steps never lead away from the best weights, though the loss may rise a little on the way.
RISE = 10
# Where the descent stops, above the entropy. A loss of order one is exact to some 1e-15.
LOSS_GAP = 1e-9
# A gap g in the mean of five losses leaves a probability off by √(5g/2) = 5e-5 at most (Pinsker).
PROBABILITY_GAP = 1e-4
# Sums of gradients that cancel, against weights of 1e3: an ulp of 1e-13 for each of the steps.
DRIFT = 1e-9
# Newton's method squares the error: 0.3, 0.07, 1e-2, 2e-4, 4e-7, 1e-12, then rounding. A Hessian 1 %
# too large divides it by 100 at each step instead, and leaves 4e-10.
NEWTON_STEPS = 6
NEWTON_GAP = 1e-12
# Scaled logits of 1e3 have an ulp of 1e-13, and six of them are summed.
AT_1E3 = 1e-10
# A sum over evenly spaced log β is exact to rounding for a smooth function that vanishes at both
# ends; what is cut off at the hot end is 1e-12.
AREA = 1e-9


def seen_classes(rng):
    """Orthonormal inputs (5, 5), the frequencies (5, 4) of the classes at each, and 80 observations in random order.

    With as many features as inputs, some weights give exactly the frequencies: they are the best there
    are, and their loss is the mean entropy of the frequencies.
    """
    counts = rng.permuted(COUNTS, axis=1)
    inputs = np.linalg.qr(rng.normal(size=(5, 5)))[0]
    row = np.repeat(np.arange(5), 16)
    label = np.concatenate([np.repeat(np.arange(4), of_row) for of_row in counts])
    order = rng.permutation(80)
    return inputs, counts / 16, row[order], label[order]


def test_capstone_regression_reaches_the_entropy(submission, rng):
    """Polyak's steps (gap to the best loss / squared norm of the gradient) from logits of ±1e3.

    Deterministic: orthonormal inputs and the order of the classes leave each step as it is, so that the
    descent is the same at every seed, rounding apart.
    """
    inputs, frequencies, row, labels = seen_classes(rng)
    entropy = -np.sum(frequencies * np.log(frequencies)) / 5
    rank = np.argsort(np.argsort(-frequencies, axis=1, kind="stable"), axis=1)
    offset = rng.permutation([-800.0, -100.0, 0.0, 300.0, 900.0])
    W = start = inputs.T @ (WRONG_LOGITS[rank] + offset[:, None])
    X = inputs[row]
    first = gap = 0.0
    for step in range(MAX_STEPS + 1):
        logits = X @ W
        gap = as_float(submission.cross_entropy(logits, labels)) - entropy
        first = first or gap
        if gap < LOSS_GAP or step == MAX_STEPS:
            break
        grad = X.T @ as_array(submission.cross_entropy_grad(logits, labels), (80, 4))
        square = np.sum(grad**2)
        if square == 0:
            fail(f"the gradient is zero where the loss is {gap:.3g} above the best")
        if not gap < RISE * first:
            fail(
                f"{step} steps against the gradient raised the loss from {first:.3g} above the best "
                f"to {gap:.3g}"
            )
        W = W - gap / square * grad
    if not abs(gap) < LOSS_GAP:
        fail(
            f"the loss is {gap + entropy:.9g} after {step} steps, the classes' entropy is {entropy:.9g}",
            "The best weights reach the entropy, and no weights go below it.",
        )
    probabilities = as_array(submission.softmax(inputs @ W), (5, 4))
    error = np.max(np.abs(probabilities - frequencies))
    if not error < PROBABILITY_GAP:
        fail(
            f"the learned probabilities are off by up to {error:.3g} from the observed frequencies"
        )
    drift = np.max(np.abs(np.mean(W - start, axis=1)))
    if not drift < DRIFT:
        fail(
            f"the mean of the classes' weights moved by {drift:.3g}",
            "Adding one vector to all classes' weights changes no probability, so the gradient never does.",
        )


def test_capstone_newton(submission, rng):
    """Newton's method: the gradient from `cross_entropy_grad`, the Hessian from `softmax_jacobian`.

    Deterministic, and the same at every seed up to rounding, as the descent above.
    """
    inputs, frequencies, row, labels = seen_classes(rng)
    X, W = inputs[row], np.zeros((5, 4))
    errors = []
    for _ in range(NEWTON_STEPS):
        logits = X @ W
        grad = X.T @ as_array(submission.cross_entropy_grad(logits, labels), (80, 4))
        J = as_array(submission.softmax_jacobian(logits), (80, 4, 4))
        hessian = np.einsum("nf,ng,ncd->fcgd", X, X, J, optimize=True).reshape(20, 20) / 80
        # Singular: a vector added to all classes changes nothing. The shortest step is the one.
        W = W - np.linalg.lstsq(hessian, grad.ravel(), rcond=1e-9)[0].reshape(5, 4)
        probabilities = as_array(submission.softmax(inputs @ W), (5, 4))
        errors.append(float(np.max(np.abs(probabilities - frequencies))))
    if not errors[-1] < NEWTON_GAP:
        fail(
            f"after {NEWTON_STEPS} Newton steps the probabilities are off by {errors[-1]:.3g}",
            "With the right gradient and the right Jacobian each step squares the error.",
            "The errors: " + ", ".join(f"{error:.1e}" for error in errors),
        )


def test_capstone_temperature(submission, rng):
    """From hot to cold the entropy falls by the area under β·variance: log(6) − log(2) with two best of six."""
    z = 1 - np.concatenate([[0, 0], np.cumsum(rng.uniform(0.3, 0.5, size=4))])
    z = rng.permutation(z)
    beta = np.geomspace(1e-6, 1e3, 300)  # 1/temperature
    step = math.log(beta[1] / beta[0])
    scaled = np.outer(z, beta)  # (logit, temperature)
    p = as_array(submission.softmax(scaled, axis=0), (6, 300))
    log_p = as_array(submission.log_softmax(scaled, axis=0), (6, 300))
    total = as_array(submission.logsumexp(scaled, axis=0), (300,))
    entropy = -np.sum(p * log_p, axis=0)
    off = np.abs(total - np.sum(p * scaled, axis=0) - entropy)
    if not np.max(off) < AT_1E3:
        fail(
            f"log-sum-exp less the mean logit differs from the entropy by {np.max(off):.3g}, "
            f"at logits of up to {np.max(np.abs(scaled[:, np.argmax(off)])):.3g}",
            "logsumexp(z) − Σ p·z = −Σ p·log p holds at every temperature.",
        )
    upstream = np.repeat(z[:, None], 300, axis=1)
    by_product = submission.softmax_vjp(p, upstream, axis=0)
    by_matrix = submission.softmax_jacobian(scaled.T.copy())
    variances = {
        "softmax_vjp": z @ as_array(by_product, (6, 300)),
        "softmax_jacobian": as_array(by_matrix, (300, 6, 6)) @ z @ z,
    }
    for name, variance in variances.items():
        area = np.sum(beta**2 * variance) * step  # β · variance · dβ, and dβ = β · d(log β)
        fall = entropy[0] - entropy[-1]
        off_area = max(abs(area - fall), abs(fall - math.log(3)))
        if not off_area < AREA:
            fail(
                f"the area under β·variance is {area:.12g} with {name}, and the entropy falls by {fall:.12g}",
                f"Both should be log 6 − log 2 = {math.log(3):.12g}: hot, six are as likely; cold, the best two.",
            )
