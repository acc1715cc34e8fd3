"""Hidden suite of the GAN topic: oracles are loops over entries in exact summation, and differences."""

import math

import numpy as np
import pytest

from grader.checks import (
    as_array,
    as_float,
    assert_close,
    assert_gradient,
    assert_no_warnings,
    assert_pure,
    fail,
)

# What the statement grants where a value is nearly 0: 1 − σ, written so, has an eps of 1 left.
NEARLY_ZERO = 1e-12
# What the statement grants an eigenvalue: σ, as the root of an eigenvalue of AᵀA, is off by
# √eps·σ_max ≈ 1e-8 where it should be 0.
EIGENVALUE = 1e-6
# Ten steps of the bilinear game, and the hundreds of a capstone, round some hundred eps at most.
MANY_STEPS = 1e-10
# Capstone: 60 steps of which each leaves 0.38 of the error or less: rounding is left.
TRAINED = 1e-8
# Capstone: the distance of the two means after the last round, 3.3e-7 at most at 20,000 seeds.
ARRIVED = 1e-4

# Shapes of the real and of the fake logits.
PAIRS = [((7,), (4,)), ((3,), (8,))]
PAIRS_OF_OTHER_RANKS = [((5, 1), (3, 1)), ((1, 6), (1, 4)), ((4, 3, 5), (2, 3, 5))]
ONE_ENTRY = [((1,), (3,)), ((6,), (1,)), ((1, 1), (1, 1))]
SHAPES = [(7,), (3,)]
OTHER_RANKS = [(5, 1), (1, 6), (4, 3, 5)]


# Oracles: entry by entry.


def softplus(v):
    """log(1 + exp(v))."""
    return max(v, 0.0) + math.log1p(math.exp(-abs(v)))


def sigmoid(v):
    e = math.exp(-abs(v))
    return 1.0 / (1.0 + e) if v >= 0 else e / (1.0 + e)


def mean_of(function, logits):
    """Mean of a function over all entries, summed exactly."""
    flat = [float(v) for v in np.ravel(logits)]
    return math.fsum(function(v) for v in flat) / len(flat)


def each(function, logits):
    """A function of every entry, in the shape of the logits."""
    flat = [function(float(v)) for v in np.ravel(logits)]
    return np.array(flat).reshape(np.shape(logits))


def loss_of_discriminator(real, fake):
    return mean_of(lambda v: softplus(-v), real) + mean_of(softplus, fake)


def grads_of_discriminator(real, fake):
    d_real = each(lambda v: -sigmoid(-v), real) / np.size(real)
    return d_real, each(sigmoid, fake) / np.size(fake)


def loss_minimax(fake):
    return -mean_of(softplus, fake)


def grad_minimax(fake):
    return -each(sigmoid, fake) / np.size(fake)


def loss_nonsaturating(fake):
    return mean_of(lambda v: softplus(-v), fake)


def grad_nonsaturating(fake):
    return -each(lambda v: sigmoid(-v), fake) / np.size(fake)


# Logits. Not in the order of the memory where they have rank 3, as after a transpose.


def logits(rng, shape):
    values = rng.normal(0.3, 1.7, size=shape)
    return np.asfortranarray(values) if len(shape) == 3 else values


def extreme(rng, n, size):
    """Logits of that size and both signs among some of order one."""
    values = rng.normal(size=n)
    values[1], values[2] = size - rng.uniform(), rng.uniform() - size
    return values


def sure(rng, n):
    """Logits far above 0, where a sigmoid differs from 1 by 1e-9 to 1e-17."""
    return np.linspace(20.5, 39.5, n) + 0.4 * rng.uniform(-1, 1, size=n)


def sure_but_for_one(rng, n):
    """As `sure`, but for the first, which is of order one.

    A gradient wrong by a sign or a factor is then recognised in whichever way σ − 1 was computed, as its
    rounding is small beside the largest entry.
    """
    values = sure(rng, n)
    values[0] = rng.uniform(0.5, 1.5)
    return values


# discriminator_loss


@pytest.mark.parametrize(("real_shape", "fake_shape"), PAIRS)
def test_discriminator_loss_values(submission, rng, real_shape, fake_shape):
    real, fake = logits(rng, real_shape), logits(rng, fake_shape)
    assert_close(
        submission.discriminator_loss(real, fake),
        loss_of_discriminator(real, fake),
        constants={"N": real.size, "M": fake.size, "log 2": math.log(2)},
        terms={
            "the mean over real": mean_of(lambda v: softplus(-v), real),
            "the mean over fake": mean_of(softplus, fake),
        },
    )


@pytest.mark.parametrize(("real_shape", "fake_shape"), PAIRS_OF_OTHER_RANKS)
def test_discriminator_loss_other_ranks(submission, rng, real_shape, fake_shape):
    real, fake = logits(rng, real_shape), logits(rng, fake_shape)
    assert_close(submission.discriminator_loss(real, fake), loss_of_discriminator(real, fake))


@pytest.mark.parametrize(("real_shape", "fake_shape"), ONE_ENTRY)
def test_discriminator_loss_one_entry(submission, rng, real_shape, fake_shape):
    real, fake = logits(rng, real_shape), logits(rng, fake_shape)
    assert_close(submission.discriminator_loss(real, fake), loss_of_discriminator(real, fake))


@pytest.mark.parametrize("size", [17.0, 60.0, 725.0, 1e3])
def test_discriminator_loss_extremes(submission, rng, size):
    real, fake = extreme(rng, 5, size), extreme(rng, 4, size)
    value = assert_no_warnings(submission.discriminator_loss, real, fake)
    assert_close(value, loss_of_discriminator(real, fake))


def test_discriminator_loss_sure_and_right(submission, rng):
    real, fake = sure(rng, 6), -sure(rng, 4)
    value = submission.discriminator_loss(real, fake)
    assert_close(value, loss_of_discriminator(real, fake), atol=NEARLY_ZERO)
    real[1], fake[2] = 1e3, -1e3
    value = assert_no_warnings(submission.discriminator_loss, real, fake)
    assert_close(value, loss_of_discriminator(real, fake), atol=NEARLY_ZERO)


def test_discriminator_loss_pure(submission, rng):
    assert_pure(submission.discriminator_loss, rng.normal(size=5), rng.normal(size=3))


# discriminator_grads


def grads_from(submission, real, fake):
    """The pair that came back, as arrays."""
    value = submission.discriminator_grads(real, fake)
    if not isinstance(value, tuple | list) or len(value) != 2:
        fail("the result is not a pair (d_real, d_fake)")
    return (
        as_array(value[0], real.shape, name="d_real"),
        as_array(value[1], fake.shape, name="d_fake"),
    )


@pytest.mark.parametrize(("real_shape", "fake_shape"), PAIRS)
def test_discriminator_grads_values(submission, rng, real_shape, fake_shape):
    real, fake = logits(rng, real_shape), logits(rng, fake_shape)
    assert_close(
        submission.discriminator_grads(real, fake),
        grads_of_discriminator(real, fake),
        name=("d_real", "d_fake"),
        axes=(("sample",), ("sample",)),
        constants={"N": real.size, "M": fake.size},
    )


def test_discriminator_grads_differences(submission, rng):
    real, fake = logits(rng, (5,)), logits(rng, (3,))
    d_real, d_fake = grads_from(submission, real, fake)
    assert_gradient(
        lambda at: loss_of_discriminator(at["d_real"], at["d_fake"]),
        {"d_real": real, "d_fake": fake},
        {"d_real": d_real, "d_fake": d_fake},
    )


@pytest.mark.parametrize(("real_shape", "fake_shape"), [*PAIRS_OF_OTHER_RANKS, *ONE_ENTRY])
def test_discriminator_grads_other_ranks(submission, rng, real_shape, fake_shape):
    real, fake = logits(rng, real_shape), logits(rng, fake_shape)
    value = submission.discriminator_grads(real, fake)
    assert_close(value, grads_of_discriminator(real, fake), name=("d_real", "d_fake"))


@pytest.mark.parametrize("size", [17.0, 60.0, 725.0, 1e3])
def test_discriminator_grads_extremes(submission, rng, size):
    real, fake = extreme(rng, 5, size), extreme(rng, 4, size)
    value = assert_no_warnings(submission.discriminator_grads, real, fake)
    expected = grads_of_discriminator(real, fake)
    assert_close(value, expected, name=("d_real", "d_fake"), atol=NEARLY_ZERO)


def test_discriminator_grads_sure_and_right(submission, rng):
    real, fake = sure_but_for_one(rng, 6), -sure_but_for_one(rng, 4)
    value = submission.discriminator_grads(real, fake)
    expected = grads_of_discriminator(real, fake)
    assert_close(value, expected, name=("d_real", "d_fake"), atol=NEARLY_ZERO)


def test_discriminator_grads_pure(submission, rng):
    assert_pure(submission.discriminator_grads, rng.normal(size=5), rng.normal(size=3))


# generator_minimax_loss


@pytest.mark.parametrize("shape", SHAPES)
def test_generator_minimax_loss_values(submission, rng, shape):
    fake = logits(rng, shape)
    assert_close(
        submission.generator_minimax_loss(fake),
        loss_minimax(fake),
        constants={"M": fake.size, "log 2": math.log(2)},
    )


@pytest.mark.parametrize("shape", OTHER_RANKS)
def test_generator_minimax_loss_other_ranks(submission, rng, shape):
    fake = logits(rng, shape)
    assert_close(submission.generator_minimax_loss(fake), loss_minimax(fake))


def test_generator_minimax_loss_one_entry(submission, rng):
    fake = rng.uniform(0.5, 2.0, size=1)
    assert_close(submission.generator_minimax_loss(fake), loss_minimax(fake))
    fake = -rng.uniform(0.5, 2.0, size=(1, 1))
    assert_close(submission.generator_minimax_loss(fake), loss_minimax(fake))


@pytest.mark.parametrize("size", [17.0, 60.0, 725.0, 1e3])
def test_generator_minimax_loss_extremes(submission, rng, size):
    fake = extreme(rng, 5, size)
    value = assert_no_warnings(submission.generator_minimax_loss, fake)
    assert_close(value, loss_minimax(fake))


def test_generator_minimax_loss_sure_of_a_fake(submission, rng):
    fake = -sure(rng, 5)
    value = submission.generator_minimax_loss(fake)
    assert_close(value, loss_minimax(fake), atol=NEARLY_ZERO)
    fake[3] = -1e3
    value = assert_no_warnings(submission.generator_minimax_loss, fake)
    assert_close(value, loss_minimax(fake), atol=NEARLY_ZERO)


def test_generator_minimax_loss_pure(submission, rng):
    assert_pure(submission.generator_minimax_loss, rng.normal(size=4))


# generator_minimax_grad


@pytest.mark.parametrize("shape", SHAPES)
def test_generator_minimax_grad_values(submission, rng, shape):
    fake = logits(rng, shape)
    assert_close(
        submission.generator_minimax_grad(fake),
        grad_minimax(fake),
        axes=("sample",),
        constants={"M": fake.size},
    )


def test_generator_minimax_grad_differences(submission, rng):
    fake = logits(rng, (5,))
    grad = as_array(submission.generator_minimax_grad(fake), (5,), axes=("sample",))
    assert_gradient(loss_minimax, fake, grad, axes=("sample",))


@pytest.mark.parametrize("shape", [*OTHER_RANKS, (1,), (1, 1)])
def test_generator_minimax_grad_other_ranks(submission, rng, shape):
    fake = logits(rng, shape)
    assert_close(submission.generator_minimax_grad(fake), grad_minimax(fake))


@pytest.mark.parametrize("size", [17.0, 60.0, 725.0, 1e3])
def test_generator_minimax_grad_extremes(submission, rng, size):
    fake = extreme(rng, 5, size)
    value = assert_no_warnings(submission.generator_minimax_grad, fake)
    assert_close(value, grad_minimax(fake), axes=("sample",), atol=NEARLY_ZERO)


def test_generator_minimax_grad_vanishes(submission, rng):
    fake = -sure_but_for_one(rng, 5)
    value = submission.generator_minimax_grad(fake)
    assert_close(value, grad_minimax(fake), axes=("sample",), atol=NEARLY_ZERO)


def test_generator_minimax_grad_pure(submission, rng):
    assert_pure(submission.generator_minimax_grad, rng.normal(size=4))


# generator_nonsaturating_loss


@pytest.mark.parametrize("shape", SHAPES)
def test_generator_nonsaturating_loss_values(submission, rng, shape):
    fake = logits(rng, shape)
    assert_close(
        submission.generator_nonsaturating_loss(fake),
        loss_nonsaturating(fake),
        constants={"M": fake.size, "log 2": math.log(2)},
    )


@pytest.mark.parametrize("shape", OTHER_RANKS)
def test_generator_nonsaturating_loss_other_ranks(submission, rng, shape):
    fake = logits(rng, shape)
    assert_close(submission.generator_nonsaturating_loss(fake), loss_nonsaturating(fake))


def test_generator_nonsaturating_loss_one_entry(submission, rng):
    fake = rng.uniform(0.5, 2.0, size=1)
    assert_close(submission.generator_nonsaturating_loss(fake), loss_nonsaturating(fake))
    fake = -rng.uniform(0.5, 2.0, size=(1, 1))
    assert_close(submission.generator_nonsaturating_loss(fake), loss_nonsaturating(fake))


@pytest.mark.parametrize("size", [17.0, 60.0, 725.0, 1e3])
def test_generator_nonsaturating_loss_extremes(submission, rng, size):
    fake = extreme(rng, 5, size)
    value = assert_no_warnings(submission.generator_nonsaturating_loss, fake)
    assert_close(value, loss_nonsaturating(fake))


def test_generator_nonsaturating_loss_fooled(submission, rng):
    fake = sure(rng, 5)
    value = submission.generator_nonsaturating_loss(fake)
    assert_close(value, loss_nonsaturating(fake), atol=NEARLY_ZERO)
    fake[3] = 1e3
    value = assert_no_warnings(submission.generator_nonsaturating_loss, fake)
    assert_close(value, loss_nonsaturating(fake), atol=NEARLY_ZERO)


def test_generator_nonsaturating_loss_pure(submission, rng):
    assert_pure(submission.generator_nonsaturating_loss, rng.normal(size=4))


# generator_nonsaturating_grad


@pytest.mark.parametrize("shape", SHAPES)
def test_generator_nonsaturating_grad_values(submission, rng, shape):
    fake = logits(rng, shape)
    assert_close(
        submission.generator_nonsaturating_grad(fake),
        grad_nonsaturating(fake),
        axes=("sample",),
        constants={"M": fake.size},
    )


def test_generator_nonsaturating_grad_differences(submission, rng):
    fake = logits(rng, (5,))
    grad = as_array(submission.generator_nonsaturating_grad(fake), (5,), axes=("sample",))
    assert_gradient(loss_nonsaturating, fake, grad, axes=("sample",))


@pytest.mark.parametrize("shape", [*OTHER_RANKS, (1,), (1, 1)])
def test_generator_nonsaturating_grad_other_ranks(submission, rng, shape):
    fake = logits(rng, shape)
    assert_close(submission.generator_nonsaturating_grad(fake), grad_nonsaturating(fake))


@pytest.mark.parametrize("size", [17.0, 60.0, 725.0, 1e3])
def test_generator_nonsaturating_grad_extremes(submission, rng, size):
    fake = extreme(rng, 5, size)
    value = assert_no_warnings(submission.generator_nonsaturating_grad, fake)
    assert_close(value, grad_nonsaturating(fake), axes=("sample",), atol=NEARLY_ZERO)


def test_generator_nonsaturating_grad_fooled(submission, rng):
    fake = sure_but_for_one(rng, 5)
    value = submission.generator_nonsaturating_grad(fake)
    assert_close(value, grad_nonsaturating(fake), axes=("sample",), atol=NEARLY_ZERO)


def test_generator_nonsaturating_grad_pure(submission, rng):
    assert_pure(submission.generator_nonsaturating_grad, rng.normal(size=4))


# optimal_discriminator


def ratio(p_data, p_model):
    """The optimum at one point."""
    total = p_data + p_model
    return 0.5 if total == 0 else p_data / total


def ratios(p_data, p_model):
    pairs = zip(np.ravel(p_data).tolist(), np.ravel(p_model).tolist(), strict=True)
    return np.array([ratio(p, q) for p, q in pairs]).reshape(p_data.shape)


@pytest.mark.parametrize("shape", [(7,), (1,), (3, 1), (4, 5), (2, 3, 4)])
def test_optimal_discriminator_values(submission, rng, shape):
    p_data, p_model = rng.exponential(size=shape), rng.exponential(0.6, size=shape)
    assert_close(submission.optimal_discriminator(p_data, p_model), ratios(p_data, p_model))


def test_optimal_discriminator_one_is_zero(submission, rng):
    p_data, p_model = rng.exponential(size=(2, 4)), rng.exponential(size=(2, 4))
    p_data[0, [0, 2]] = 0.0
    p_model[[0, 1], [1, 3]] = 0.0
    assert_close(submission.optimal_discriminator(p_data, p_model), ratios(p_data, p_model))


def test_optimal_discriminator_both_are_zero(submission, rng):
    p_data, p_model = rng.exponential(size=(2, 4)), rng.exponential(size=(2, 4))
    p_data[[0, 1], [1, 3]] = p_model[[0, 1], [1, 3]] = 0.0
    value = assert_no_warnings(submission.optimal_discriminator, p_data, p_model)
    assert_close(value, ratios(p_data, p_model))


@pytest.mark.parametrize("shape", [(3,), (1,)])
def test_optimal_discriminator_nothing_anywhere(submission, shape):
    value = assert_no_warnings(submission.optimal_discriminator, np.zeros(shape), np.zeros(shape))
    assert_close(value, np.full(shape, 0.5), axes=("point",))


@pytest.mark.parametrize("exponent", [-9, -20, -300])
def test_optimal_discriminator_tiny_densities(submission, rng, exponent):
    scale = 10.0**exponent
    p_data, p_model = rng.uniform(1, 9, size=6) * scale, rng.uniform(1, 9, size=6) * scale
    p_data[:2] /= scale
    p_model[1:3] /= scale
    p_data[5] = p_model[5] = 0.0
    value = assert_no_warnings(submission.optimal_discriminator, p_data, p_model)
    assert_close(value, ratios(p_data, p_model), axes=("point",))


def test_optimal_discriminator_large_densities(submission, rng):
    p_data, p_model = rng.uniform(1, 900, size=5), rng.uniform(1, 900, size=5)
    p_model[2] = p_data[2]
    p_data[3] = 1e6
    value = assert_no_warnings(submission.optimal_discriminator, p_data, p_model)
    assert_close(value, ratios(p_data, p_model), axes=("point",))


def test_optimal_discriminator_pure(submission, rng):
    p_data, p_model = rng.exponential(size=4), rng.exponential(size=4)
    p_data[1] = p_model[1] = 0.0
    p_model[2] = 0.0
    assert_pure(submission.optimal_discriminator, p_data, p_model)


# bilinear_game_step


def signed(rng):
    """A number of either sign, away from 0."""
    return float(rng.choice([-1, 1]) * rng.uniform(0.5, 3.0))


def step_by_hand(x, y, lr, simultaneous):
    grad_x = y
    grad_y = x if simultaneous else x - lr * grad_x
    return x - lr * grad_x, y + lr * grad_y


def players(value):
    """The pair that came back, as floats: what the next step is given."""
    if isinstance(value, np.ndarray) and value.shape == (2,):
        value = value.tolist()
    if not isinstance(value, tuple | list) or len(value) != 2:
        fail("the result is not a pair (x, y)")
    return as_float(value[0], name="x"), as_float(value[1], name="y")


@pytest.mark.parametrize("simultaneous", [True, False])
def test_bilinear_game_step_values(submission, rng, simultaneous):
    x, y, lr = signed(rng), signed(rng), rng.uniform(0.05, 0.9)
    assert_close(
        submission.bilinear_game_step(x, y, lr, simultaneous),
        step_by_hand(x, y, lr, simultaneous),
        name=("x", "y"),
    )
    x, y, lr = y, -x, rng.uniform(0.05, 0.9)
    assert_close(
        submission.bilinear_game_step(x, y, lr=lr, simultaneous=simultaneous),
        step_by_hand(x, y, lr, simultaneous),
        name=("x", "y"),
    )


@pytest.mark.parametrize("simultaneous", [True, False])
@pytest.mark.parametrize("lr", [1e-3, 1.3, 2.75])
def test_bilinear_game_step_other_rates(submission, rng, lr, simultaneous):
    x, y = signed(rng), signed(rng)
    expected = step_by_hand(x, y, lr, simultaneous)
    value = submission.bilinear_game_step(x, y, lr, simultaneous)
    assert_close(value, expected, name=("x", "y"))
    # What the step adds is a thousandth of the point where lr is.
    new_x, new_y = players(value)
    moved = ((new_x - x) / lr, (new_y - y) / lr)
    right = ((expected[0] - x) / lr, (expected[1] - y) / lr)
    assert_close(moved, right, name=("(x' − x)/lr", "(y' − y)/lr"))


@pytest.mark.parametrize("simultaneous", [True, False])
@pytest.mark.parametrize(("at_x", "at_y"), [(True, False), (False, True)])
def test_bilinear_game_step_on_an_axis(submission, rng, at_x, at_y, simultaneous):
    x, y, lr = at_x * signed(rng), at_y * signed(rng), rng.uniform(0.2, 0.9)
    assert_close(
        submission.bilinear_game_step(x, y, lr, simultaneous),
        step_by_hand(x, y, lr, simultaneous),
        name=("x", "y"),
        zeros_expected=True,
    )


@pytest.mark.parametrize("simultaneous", [True, False])
def test_bilinear_game_step_equilibrium(submission, rng, simultaneous):
    value = submission.bilinear_game_step(0.0, 0.0, rng.uniform(0.2, 0.9), simultaneous)
    assert_close(value, (0.0, 0.0), name=("x", "y"), zeros_expected=True)


def test_bilinear_game_step_spirals_out(submission, rng):
    x, y, lr = signed(rng), signed(rng), rng.uniform(0.2, 0.9)
    radius = x * x + y * y
    for _ in range(10):
        x, y = players(submission.bilinear_game_step(x, y, lr, True))
    growth = (x * x + y * y) / radius
    assert_close(growth, (1 + lr * lr) ** 10, name="x² + y² after / before", rtol=MANY_STEPS)


def test_bilinear_game_step_stays_on_an_ellipse(submission, rng):
    x, y, lr = signed(rng), signed(rng), rng.uniform(0.2, 0.9)
    level = x * x + y * y - lr * x * y
    for _ in range(10):
        x, y = players(submission.bilinear_game_step(x, y, lr, False))
    assert_close(x * x + y * y - lr * x * y, level, name="x² + y² − lr·x·y", rtol=MANY_STEPS)


@pytest.mark.parametrize("simultaneous", [True, False])
def test_bilinear_game_step_pure(submission, rng, simultaneous):
    assert_pure(submission.bilinear_game_step, signed(rng), signed(rng), 0.3, simultaneous)


# game_jacobian_eigenvalues


def with_singular_values(rng, m, n, values):
    """A matrix (m, n) with these singular values, and zeros beside them."""
    left, _ = np.linalg.qr(rng.normal(size=(m, m)))
    right, _ = np.linalg.qr(rng.normal(size=(n, n)))
    return sum(s * np.outer(left[:, k], right[:, k]) for k, s in enumerate(values))


def spectrum(m, n, values, lr):
    """1 ± i·lr·σ, ordered by their imaginary part; ones for all that has no σ."""
    pairs = [complex(1.0, sign * lr * s) for s in values for sign in (-1, 1)]
    ones = [complex(1.0)] * (m + n - len(pairs))
    return np.array(sorted(pairs + ones, key=lambda v: v.imag))


def in_order(value, n):
    """Eigenvalues ordered by their imaginary part; their order is free."""
    found = as_array(value, (n,), np.complex128, axes=("eigenvalue",))
    return found[np.argsort(found.imag, kind="stable")]


@pytest.mark.parametrize(("m", "n"), [(3, 5), (5, 3), (4, 4), (1, 4), (3, 1), (1, 1), (2, 2)])
def test_game_jacobian_eigenvalues_values(submission, rng, m, n):
    sigmas = np.arange(1, min(m, n) + 1) + rng.uniform(-0.3, 0.3, size=min(m, n))
    lr = rng.uniform(0.1, 0.6)
    value = submission.game_jacobian_eigenvalues(with_singular_values(rng, m, n, sigmas), lr)
    assert_close(
        in_order(value, m + n),
        spectrum(m, n, sigmas, lr),
        name="the eigenvalues, by imaginary part",
        axes=("eigenvalue",),
        atol=EIGENVALUE,
    )


@pytest.mark.parametrize(("m", "n"), [(2, 3), (4, 2)])
def test_game_jacobian_eigenvalues_of_the_step(submission, rng, m, n):
    A, lr = rng.normal(size=(m, n)), rng.uniform(0.2, 2.5)
    jacobian = np.eye(m + n)
    for i in range(m):
        for j in range(n):
            jacobian[i, m + j] = -lr * A[i, j]
            jacobian[m + j, i] = lr * A[i, j]
    expected = np.linalg.eigvals(jacobian).astype(np.complex128)
    value = submission.game_jacobian_eigenvalues(A, lr=lr)
    assert_close(
        in_order(value, m + n),
        expected[np.argsort(expected.imag, kind="stable")],
        name="the eigenvalues, by imaginary part",
        axes=("eigenvalue",),
        atol=EIGENVALUE,
    )


@pytest.mark.parametrize(("m", "n", "rank"), [(4, 3, 2), (2, 5, 1), (3, 3, 2)])
def test_game_jacobian_eigenvalues_not_of_full_rank(submission, rng, m, n, rank):
    sigmas, lr = np.arange(1, rank + 1) + rng.uniform(-0.3, 0.3, size=rank), rng.uniform(0.2, 0.6)
    A = with_singular_values(rng, m, n, sigmas)
    value = assert_no_warnings(submission.game_jacobian_eigenvalues, A, lr)
    assert_close(
        in_order(value, m + n),
        spectrum(m, n, sigmas, lr),
        name="the eigenvalues, by imaginary part",
        axes=("eigenvalue",),
        atol=EIGENVALUE,
    )


@pytest.mark.parametrize(("m", "n"), [(3, 2), (2, 2)])
def test_game_jacobian_eigenvalues_small_singular_value(submission, rng, m, n):
    sigmas, lr = np.array([1e-4, 1.7]) * rng.uniform(0.8, 1.2, size=2), rng.uniform(0.3, 0.6)
    value = submission.game_jacobian_eigenvalues(with_singular_values(rng, m, n, sigmas), lr)
    assert_close(
        in_order(value, m + n),
        spectrum(m, n, sigmas, lr),
        name="the eigenvalues, by imaginary part",
        axes=("eigenvalue",),
        atol=EIGENVALUE,
    )


@pytest.mark.parametrize(("m", "n"), [(2, 2), (2, 4)])
def test_game_jacobian_eigenvalues_exactly_zero(submission, rng, m, n):
    A, lr = np.zeros((m, n)), rng.uniform(0.3, 0.6)
    A[0, 0] = sigma = rng.uniform(1.0, 3.0)
    value = assert_no_warnings(submission.game_jacobian_eigenvalues, A, lr)
    assert_close(
        in_order(value, m + n),
        spectrum(m, n, [sigma], lr),
        name="the eigenvalues, by imaginary part",
        axes=("eigenvalue",),
        atol=EIGENVALUE,
    )


def test_game_jacobian_eigenvalues_repeated(submission, rng):
    sigmas, lr = np.array([1.7, 1.7, 0.6]) * rng.uniform(0.8, 1.2), rng.uniform(0.2, 0.6)
    value = submission.game_jacobian_eigenvalues(with_singular_values(rng, 3, 4, sigmas), lr)
    assert_close(
        in_order(value, 7),
        spectrum(3, 4, sigmas, lr),
        name="the eigenvalues, by imaginary part",
        axes=("eigenvalue",),
        atol=EIGENVALUE,
    )


def test_game_jacobian_eigenvalues_pure(submission, rng):
    assert_pure(submission.game_jacobian_eigenvalues, rng.normal(size=(2, 3)), 0.3)


# The capstone: everything together.

STEPS = 40
TURNS = 300
# Eigenvalues may be off by 1e-6 each; forty factors then are off by 4e-5.
SAME_RATE = 1e-4


def test_capstone_spiral_at_the_rate_of_the_eigenvalues(submission, rng):
    """Exact: in singular coordinates xᵀAy is one scalar game of step lr·σ for each σ."""
    sigmas = np.array([0.6, 1.3]) * rng.uniform(0.9, 1.1, size=2)
    lr = rng.uniform(0.15, 0.3)
    A = with_singular_values(rng, 3, 2, sigmas)
    eigenvalues = in_order(submission.game_jacobian_eigenvalues(A, lr), 5)
    for s, eigenvalue in zip(sigmas, eigenvalues[-2:], strict=True):
        x, y = signed(rng), signed(rng)
        radius, angle = math.hypot(x, y), 0.0
        for _ in range(STEPS):
            new = players(submission.bilinear_game_step(x, y, float(lr * s), True))
            turn = complex(new[0], new[1]) / complex(x, y)
            angle += math.atan2(turn.imag, turn.real)
            x, y = new
        growth, expected = math.hypot(x, y) / radius, abs(eigenvalue) ** STEPS
        if not abs(growth - expected) <= SAME_RATE * expected:
            fail(
                f"after {STEPS} simultaneous steps the radius is {growth:.5g} times the first one, "
                f"but |λ|^{STEPS} = {expected:.5g}",
                f"σ = {s:.4g}, lr = {lr:.4g}, your λ = {eigenvalue:.5g}",
            )
        turned = math.atan2(eigenvalue.imag, eigenvalue.real)
        if not abs(angle / STEPS - turned) <= SAME_RATE:
            fail(
                f"a simultaneous step turns the players by {angle / STEPS:.5g} on average, "
                f"but arg λ = {turned:.5g}",
                f"σ = {s:.4g}, lr = {lr:.4g}, your λ = {eigenvalue:.5g}",
            )


def test_capstone_alternating_steps_stay_on_their_ellipse(submission, rng):
    """Exact: the step is a rotation by θ on the ellipse x² + y² − lr·x·y, cos θ = 1 − lr²/2."""
    x0, y0, lr = signed(rng), signed(rng), rng.uniform(0.2, 0.9)
    level = x0 * x0 + y0 * y0 - lr * x0 * y0
    x1, y1 = x, y = players(submission.bilinear_game_step(x0, y0, lr, False))
    for _ in range(TURNS - 1):
        x, y = players(submission.bilinear_game_step(x, y, lr, False))
    found = x * x + y * y - lr * x * y
    if not abs(found - level) <= 1e-9 * level:
        fail(
            f"after {TURNS} alternating steps x² + y² − lr·x·y is {found:.10g}; "
            f"it began at {level:.10g} and never changes",
            f"lr = {lr:.4g}",
        )
    theta = math.acos(1 - lr * lr / 2)
    a = math.sin(TURNS * theta) / math.sin(theta)
    b = math.sin((TURNS - 1) * theta) / math.sin(theta)
    place = (a * x1 - b * x0, a * y1 - b * y0)
    if not math.hypot(x - place[0], y - place[1]) <= 1e-9 * math.sqrt(level):
        fail(
            f"after {TURNS} alternating steps the players are at ({x:.6g}, {y:.6g}), but "
            f"{TURNS} turns by θ = {theta:.5g} lead to ({place[0]:.6g}, {place[1]:.6g})",
            f"lr = {lr:.4g}, cos θ = 1 − lr²/2",
        )


def test_capstone_discriminator_arrives_at_the_optimum(submission, rng):
    """Exact: one logit for each cell, a convex loss, a step of 1/curvature: the error shrinks by
    1 − 4·D(1 − D) a step or better, which is 0.38 as D is in [0.19, 0.81]."""
    n_real, n_fake = rng.integers(5, 13, size=6), rng.integers(5, 13, size=6)
    real = rng.permutation(np.repeat(np.arange(6), n_real))
    fake = rng.permutation(np.repeat(np.arange(6), n_fake))
    p_data, p_model = n_real / real.size, n_fake / fake.size
    table = np.zeros(6)
    for _ in range(60):
        d_real, d_fake = grads_from(submission, table[real], table[fake])
        grad = np.bincount(real, d_real, 6) + np.bincount(fake, d_fake, 6)
        table -= 4 * grad / (p_data + p_model)
    optimum = as_array(submission.optimal_discriminator(p_data, p_model), (6,), axes=("cell",))
    trained = each(sigmoid, table)
    far = float(np.max(np.abs(trained - optimum)))
    if not far <= TRAINED:
        cell = int(np.argmax(np.abs(trained - optimum)))
        fail(
            f"the discriminator trained with your gradients says {trained[cell]:.6g} in cell {cell}, "
            f"your optimum {optimum[cell]:.6g}",
            f"there are {n_real[cell]} of {real.size} real and {n_fake[cell]} of {fake.size} fake "
            "samples in it",
        )
    mixture = (p_data + p_model) / 2
    divergence = math.fsum(p_data * np.log(p_data / mixture) + p_model * np.log(p_model / mixture))
    loss = as_float(submission.discriminator_loss(table[real], table[fake]))
    expected = math.log(4) - divergence
    if not abs(loss - expected) <= TRAINED:
        fail(
            f"at the optimum your loss is {loss:.8g}, but log 4 − 2·JSD(p_data, p_model) "
            f"= {expected:.8g}"
        )


def test_capstone_generator_arrives_at_the_data(submission, rng):
    """Exact, though the samples are random: a linear discriminator is undecided where the means of
    reals and fakes agree, and only there. At 20,000 seeds the distance was 3.3e-7 at most."""
    mu = rng.choice([-1.0, 1.0]) * rng.uniform(1.2, 2.4)
    real, noise = mu + rng.normal(size=64), rng.normal(size=48)
    theta, w, b = 0.0, 0.0, 0.0
    centre = float(np.mean(real))
    for _ in range(40):
        fake = theta + noise
        for _ in range(10):
            d_real, d_fake = grads_from(
                submission, w * (real - centre) + b, w * (fake - centre) + b
            )
            w -= float(d_real @ (real - centre) + d_fake @ (fake - centre))
            b -= float(d_real.sum() + d_fake.sum())
        grad = as_array(submission.generator_nonsaturating_grad(w * (fake - centre) + b), (48,))
        theta -= float(grad.sum()) * w
    mean = float(np.mean(theta + noise))
    if not abs(mean - centre) <= ARRIVED:
        fail(
            f"after 40 rounds the generator's samples have the mean {mean:.5g}, "
            f"the data {centre:.5g}",
            f"it began at {float(np.mean(noise)):.5g}; the trained slope of the logit is {w:.3g}",
        )
    at_real, at_fake = w * (real - centre) + b, w * (theta + noise - centre) + b
    loss = as_float(submission.discriminator_loss(at_real, at_fake))
    if not abs(loss - math.log(4)) <= ARRIVED:
        fail(
            f"the discriminator is undecided, but its loss is {loss:.6g}, not log 4 = {math.log(4):.6g}"
        )
    for function, expected in (
        (submission.generator_nonsaturating_loss, math.log(2)),
        (submission.generator_minimax_loss, -math.log(2)),
    ):
        loss = as_float(function(at_fake))
        if not abs(loss - expected) <= ARRIVED:
            fail(
                f"the discriminator is undecided, but `{function.__name__}` is {loss:.6g}, not {expected:.6g}"
            )


def test_capstone_saturating_loss_does_not_leave_its_place(submission, rng):
    """Exact: the noise is a grid of quantiles. E D under the model is at most 2Φ(−gap/2), so that the
    first gradients differ by a factor of 1/(2Φ(−gap/2)) − 1 or more: 369 at a gap of 6."""
    import statistics  # only here: a learner waits for it

    normal = statistics.NormalDist()
    noise = np.array([normal.inv_cdf((i + 0.5) / 200) for i in range(200)])
    gap = float(rng.uniform(6.0, 7.0))

    def train(gradient_of):
        """The gap after each of 12 rounds against the best discriminator, and the first gradient."""
        theta, first = 0.0, 0.0
        for k in range(12):
            fake = theta + noise
            best = submission.optimal_discriminator(
                np.exp(-((fake - gap) ** 2) / 2), np.exp(-((fake - theta) ** 2) / 2)
            )
            best = np.clip(as_array(best, (200,)), NEARLY_ZERO, 1 - NEARLY_ZERO)
            grad = as_array(gradient_of(np.log(best) - np.log1p(-best)), (200,))
            slope = gap - theta  # of the best logit, log p_data − log p_model
            first = float(grad.sum()) * slope if k == 0 else first
            theta -= 0.5 * float(grad.sum()) * slope
        return gap - theta, first

    left, steep = train(submission.generator_nonsaturating_grad)
    stuck, flat = train(submission.generator_minimax_grad)
    factor = 1 / math.erfc(gap / math.sqrt(8)) - 1
    if not steep < factor * flat < 0:
        fail(
            f"at a gap of {gap:.3g} the gradient of the generator's mean is {steep:.4g} by the non-saturating "
            f"form and {flat:.4g} by the saturating one; the first is at least {factor:.0f} times the second"
        )
    if not abs(left) <= 0.1 * gap:
        fail(
            f"after 12 rounds with the non-saturating form the gap is {left:.3g}, having been "
            f"{gap:.3g}; a tenth of that at most was expected"
        )
    if not 0.95 * gap <= stuck <= gap:
        fail(
            f"after 12 rounds with the saturating form the gap is {stuck:.4g}, having been "
            f"{gap:.4g}; it was expected to be closed by a twentieth at most"
        )
