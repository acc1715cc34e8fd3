"""Hidden suite of the diffusion topic: oracles are exact arithmetic, Bayes' rule, differences."""

import math
from decimal import Decimal, localcontext
from fractions import Fraction

import numpy as np
import pytest

from grader.checks import (
    as_array,
    assert_close,
    assert_gradient,
    assert_no_warnings,
    assert_pure,
    fail,
)

# A solve loses as many digits as the condition number has, 1e6: some 1e-10 relative to the largest
# entry, and a few times that by an explicit inverse. A jitter of 1e-12 moves the score by 1e-6.
ILL_CONDITIONED = 1e-8
# A log-density near −5e9 has an ulp of 1e-6, and is the sum of a few such terms: responsibilities
# are off by a few 1e-6, expanded squares included, and so is their sum where they are written as
# exp(v − L), L = max + log Σ exp(v − max). Entries that rivals share are off relative to how far
# their scores lie apart.
FAR_RESPONSIBILITIES = 1e-4
# Expanded squares of 500 coordinates lose some 1e-11 of each responsibility, where the components
# differ by 1e-2 in score.
MANY_COORDINATES = 1e-9
# What the statement allows of each entry, from 1e-5 up and below it. Sums of 1000 equal logarithms,
# which all round the same way, lose up to 3e-13 and 2e-12; `cumprod` less.
ALPHA_BAR_RTOL, SMALL_ALPHA_BAR_RTOL = 1e-12, 1e-11
# 1 − ᾱ after 1e5 betas of 1e-14 is 1e-9: 1e-13 of ᾱ is 1e-4 of that, and an entry near 1 has an
# ulp of 1.1e-16. `cumprod(1 - betas)` is off by 8e-4 and more.
TINY_RTOL, TINY_ATOL = 1e-4, 1e-15

# Batch axes of ranks 0 to 3, axes of length one, and as many points as coordinates, in a batch too.
SHAPES = [
    (5,), (7, 3), (2, 7, 3), (4, 4), (1, 6), (6, 1), (1,), (3, 1, 5), (2, 3, 3), (2, 4, 5, 3),
]  # fmt: skip


# Oracles


def log_gaussian(x, mean, cov):
    """Log-density up to a constant, for differences."""
    centred = x - mean
    return -0.5 * float(centred @ np.linalg.inv(cov) @ centred)


def exact_inverse(matrix):
    """Inverse in exact arithmetic, by elimination; positive definite, so no pivoting is needed."""
    d = len(matrix)
    rows = [
        [Fraction(v) for v in row] + [Fraction(int(i == j)) for j in range(d)]
        for i, row in enumerate(matrix.tolist())
    ]
    for i in range(d):
        pivot = rows[i][i]
        rows[i] = [v / pivot for v in rows[i]]
        for k in range(d):
            if k != i:
                factor = rows[k][i]
                rows[k] = [a - factor * b for a, b in zip(rows[k], rows[i], strict=True)]
    return [row[d:] for row in rows]


def gaussian_score_exactly(x, mean, cov):
    """−Σ⁻¹(x − μ) of each row, in exact arithmetic until the end."""
    inverse = exact_inverse(cov)
    out = np.empty(x.shape)
    for row in np.ndindex(*x.shape[:-1]):
        centred = [
            Fraction(a) - Fraction(b) for a, b in zip(x[row].tolist(), mean.tolist(), strict=True)
        ]
        out[row] = [
            -float(sum(p * c for p, c in zip(line, centred, strict=True))) for line in inverse
        ]
    return out


def responsibilities(x, weights, means, sigmas):
    """Of one point, with 40 digits."""
    with localcontext() as context:
        context.prec = 40
        point = [Decimal(v) for v in x.tolist()]
        logs = []
        for w, mean, s in zip(weights.tolist(), means.tolist(), sigmas.tolist(), strict=True):
            square = sum((a - Decimal(m)) ** 2 for a, m in zip(point, mean, strict=True))
            spread = Decimal(s)
            logs.append(Decimal(w).ln() - len(point) * spread.ln() - square / (2 * spread**2))
        top = max(logs)
        e = [(v - top).exp() if v - top > -2000 else Decimal(0) for v in logs]
        return np.array([float(v / sum(e)) for v in e])


def component_scores(x, means, sigmas):
    """The score of each component alone at one point, (k, d)."""
    return (means - x) / sigmas[:, None] ** 2


def mixture_score_exactly(x, weights, means, sigmas):
    out = np.empty(x.shape)
    for row in np.ndindex(*x.shape[:-1]):
        r = responsibilities(x[row], weights, means, sigmas)
        parts = r[:, None] * component_scores(x[row], means, sigmas)
        out[row] = [math.fsum(column) for column in parts.T]
    return out


def log_mixture(x, weights, means, sigmas):
    """Log-density of a mixture at a point near it, for differences."""
    d = len(x)
    total = 0.0
    for w, mean, s in zip(weights, means, sigmas, strict=True):
        total += w * s**-d * math.exp(-float(np.sum((x - mean) ** 2)) / (2 * s**2))
    return math.log(total)


def products(betas):
    """ᾱ with 40 digits, rounded once."""
    with localcontext() as context:
        context.prec = 40
        left, out = Decimal(1), []
        for beta in betas.tolist():
            left *= 1 - Decimal(beta)
            out.append(float(left))
        return np.array(out)


def left_before_and_after(t, betas):
    """ᾱ_{t−1} and ᾱ_t by a plain loop; ᾱ_{−1} = 1."""
    before = 1.0
    for beta in betas[:t].tolist():
        before *= 1.0 - beta
    return before, before * (1.0 - float(betas[t]))


def posterior(x0, x_t, t, betas):
    """Bayes' rule for Gaussians: precisions add, means are averaged with them.

    What x_t says of x_{t−1}: mean x_t/√(1 − β), variance β/(1 − β); what x_0 says: mean √ᾱ x_0,
    variance 1 − ᾱ, both at t − 1, and nothing but x_0 itself at t = 0.
    """
    if t == 0:
        return x0.copy(), 0.0
    before, _ = left_before_and_after(t, betas)
    beta = float(betas[t])
    from_x_t, from_x0 = (1.0 - beta) / beta, 1.0 / (1.0 - before)
    variance = 1.0 / (from_x_t + from_x0)
    means = x_t / math.sqrt(1.0 - beta), math.sqrt(before) * x0
    return variance * (from_x_t * means[0] + from_x0 * means[1]), variance


def reverse_step(x_t, predicted_noise, noise, t, betas):
    """Ancestral step through the posterior at the x_0 that the prediction implies."""
    _, after = left_before_and_after(t, betas)
    x0 = (x_t - math.sqrt(1.0 - after) * predicted_noise) / math.sqrt(after)
    mean, variance = posterior(x0, x_t, t, betas)
    return mean + math.sqrt(variance) * noise


# Inputs


def random_cov(rng, d):
    """Positive definite, far from diagonal, of a condition number of some tens."""
    root = rng.normal(size=(d, d + 2))
    scale = rng.uniform(0.5, 2.0, size=d)
    return (root @ root.T / d + 0.2 * np.eye(d)) * np.outer(scale, scale)


def random_mixture(rng, k, d):
    """Modes near enough to share points, with all parameters different."""
    weights = rng.permutation(np.arange(1, k + 1) + rng.uniform(0, 0.5, size=k))
    sigmas = rng.permutation(np.linspace(0.7, 1.6, k)) * rng.uniform(0.9, 1.1)
    return weights / weights.sum(), rng.normal(size=(k, d)) * 1.3, sigmas


def random_betas(rng, T):
    """Neither sorted nor small, so that neighbours cannot stand in for each other."""
    return rng.permutation(np.linspace(0.02, 0.4, T)) * rng.uniform(0.8, 1.0)


def pair(rng, shape):
    """Two arrays of one shape, with entries far outside of [−1, 1]."""
    return rng.normal(size=shape) * 3 + 0.5, rng.normal(size=shape) * 2 - 0.3


def batch_axes(shape):
    return (*("batch",) * (len(shape) - 1), "coordinate") if len(shape) < 3 else None


def middle_step(rng, T):
    return int(rng.integers(2, T - 1))


# gaussian_score


@pytest.mark.parametrize("shape", SHAPES)
def test_gaussian_score_values(submission, rng, shape):
    d = shape[-1]
    x, mean, cov = rng.normal(size=shape) * 2, rng.normal(size=d) + 1, random_cov(rng, d)
    expected = gaussian_score_exactly(x, mean, cov)
    assert_close(submission.gaussian_score(x, mean, cov), expected, axes=batch_axes(shape))


def test_gaussian_score_differences(submission, rng):
    x, mean, cov = rng.normal(size=4), rng.normal(size=4) + 1, random_cov(rng, 4)
    score = submission.gaussian_score(x, mean, cov)
    assert_gradient(
        lambda a: log_gaussian(a, mean, cov), x, score, name="score", axes=("coordinate",)
    )


def test_gaussian_score_small_variances(submission, rng):
    """Variances of 1e-8: whatever is added to the diagonal shows."""
    mean, cov = rng.normal(size=3), random_cov(rng, 3) * 1e-8
    x = mean + rng.normal(size=(5, 3)) * 1e-4
    expected = gaussian_score_exactly(x, mean, cov)
    atol = ILL_CONDITIONED * float(np.abs(expected).max())
    assert_close(
        submission.gaussian_score(x, mean, cov), expected, axes=batch_axes(x.shape), atol=atol
    )


def test_gaussian_score_unequal_variances(submission, rng):
    """A condition number near 1e6, correlations included."""
    scale = np.array([1.0, 0.03, 2e-3])
    correlation = np.array([[1.0, 0.5, -0.3], [0.5, 1.0, 0.4], [-0.3, 0.4, 1.0]])
    mean, cov = rng.normal(size=3), correlation * np.outer(scale, scale)
    x = mean + rng.normal(size=(5, 3)) * scale
    expected = gaussian_score_exactly(x, mean, cov)
    atol = ILL_CONDITIONED * float(np.abs(expected).max())
    assert_close(
        submission.gaussian_score(x, mean, cov), expected, axes=batch_axes(x.shape), atol=atol
    )


def test_gaussian_score_ill_conditioned(submission, rng):
    """A condition number of nearly 1e6 along axes that are none of the coordinates'.

    It must not be squared, as by normal equations, and no direction is dropped.
    """
    d = 4
    axes = np.linalg.qr(rng.normal(size=(d, d)))[0]
    cov = axes * np.geomspace(1, 1.05e-6, d) @ axes.T
    cov = (cov + cov.T) / 2
    mean = rng.normal(size=d)
    x = mean + rng.normal(size=(5, d))
    expected = gaussian_score_exactly(x, mean, cov)
    atol = ILL_CONDITIONED * float(np.abs(expected).max())
    assert_close(
        submission.gaussian_score(x, mean, cov), expected, axes=batch_axes(x.shape), atol=atol
    )


def test_gaussian_score_at_the_mean(submission, rng):
    """Zero at the mean, and not elsewhere."""
    mean, cov = rng.normal(size=3) + 2, random_cov(rng, 3)
    x = np.stack([mean, rng.normal(size=3)])
    assert_close(submission.gaussian_score(x, mean, cov), gaussian_score_exactly(x, mean, cov))


def test_gaussian_score_pure(submission, rng):
    assert_pure(
        submission.gaussian_score, rng.normal(size=(4, 3)), rng.normal(size=3), random_cov(rng, 3)
    )


# mixture_score


@pytest.mark.parametrize(
    ("shape", "k"),
    [
        ((5,), 3), ((7, 3), 4), ((2, 5, 3), 4), ((3, 5), 3), ((4, 4), 4), ((1, 6), 3), ((4, 1), 3),
        ((1,), 4), ((3, 1, 5), 4), ((5, 3), 1), ((4,), 4), ((3, 4, 2), 3), ((2, 3, 5), 3),
        ((2, 3, 3), 4), ((2, 2, 5, 3), 4),
    ],
)  # fmt: skip
def test_mixture_score_values(submission, rng, shape, k):
    x, mixture = rng.normal(size=shape) * 1.5, random_mixture(rng, k, shape[-1])
    expected = mixture_score_exactly(x, *mixture)
    constants = {"k": k, "d": shape[-1]}
    value = submission.mixture_score(x, *mixture)
    assert_close(value, expected, axes=batch_axes(shape), constants=constants)


def test_mixture_score_differences(submission, rng):
    x, mixture = rng.normal(size=4), random_mixture(rng, 3, 4)
    score = submission.mixture_score(x, *mixture)
    assert_gradient(
        lambda a: log_mixture(a, *mixture), x, score, name="score", axes=("coordinate",)
    )


def test_mixture_score_rare_component(submission, rng):
    """At the mean of a narrow component that has a weight of 1e-6: it rules there."""
    means = rng.normal(size=(3, 5)) * 0.3
    weights, sigmas = np.array([0.35, 1e-6, 0.65 - 1e-6]), np.array([1.1, 0.02, 0.8])
    x = means[1] + np.array([[0.005], [0.04], [0.06], [0.12]]) * rng.normal(size=(4, 5))
    expected = mixture_score_exactly(x, weights, means, sigmas)
    assert_close(
        submission.mixture_score(x, weights, means, sigmas), expected, axes=batch_axes(x.shape)
    )


def test_mixture_score_same_mean(submission, rng):
    """Two widths at one mean: neither may be lost."""
    mean = rng.normal(size=4)
    means, sigmas = np.stack([mean, mean + 0.7, mean]), np.array([0.5, 0.9, 1.4])
    weights, x = np.array([0.25, 0.15, 0.6]), mean + rng.normal(size=(6, 4)) * 0.8
    expected = mixture_score_exactly(x, weights, means, sigmas)
    assert_close(
        submission.mixture_score(x, weights, means, sigmas), expected, axes=batch_axes(x.shape)
    )


def test_mixture_score_far_away(submission, rng):
    """1e4 from every mode, of which two are as near, beside a point at a mode."""
    across = rng.normal(size=3)
    across /= np.linalg.norm(across)
    out = np.cross(across, rng.normal(size=3))
    out /= np.linalg.norm(out)
    middle = rng.normal(size=3)
    means = np.stack([middle - across, middle + 0.4 * out, middle + across])
    weights, sigmas = np.array([0.15, 0.25, 0.6]), np.array([0.1, 0.07, 0.1])
    x = np.stack([middle + 1e4 * out, means[0] + 0.05, middle - 1e4 * out, means[2] - 1e4 * across])
    expected = mixture_score_exactly(x, weights, means, sigmas)
    apart = float(np.ptp(component_scores(x[0], means[[0, 2]], sigmas[[0, 2]]), axis=0).max())
    value = assert_no_warnings(submission.mixture_score, x, weights, means, sigmas)
    axes = batch_axes(x.shape)
    value = as_array(value, x.shape, axes=axes)
    assert_close(
        value[[0, 2, 3]], expected[[0, 2, 3]], axes=axes,
        rtol=FAR_RESPONSIBILITIES, atol=FAR_RESPONSIBILITIES * apart,
    )  # fmt: skip
    assert_close(value[1], expected[1], name="the score near a mode", axes=("coordinate",))
    # From one rival to the other the score is small beside 1e6, and the responsibilities decide.
    assert_close(
        value[[0, 2]] @ across, expected[[0, 2]] @ across,
        name="the score along the line of the two nearest modes",
        rtol=FAR_RESPONSIBILITIES, atol=FAR_RESPONSIBILITIES * apart,
    )  # fmt: skip


def test_mixture_score_far_from_all(submission, rng):
    """One point alone, where every density is exp(−5e9): the widest component rules."""
    weights, means, sigmas = random_mixture(rng, 4, 3)
    sigmas = sigmas * (0.1 / sigmas.max())
    x = rng.choice([-1e4, 1e4], size=3) + rng.normal(size=3)
    value = assert_no_warnings(submission.mixture_score, x, weights, means, sigmas)
    expected = mixture_score_exactly(x, weights, means, sigmas)
    assert_close(value, expected, axes=("coordinate",), rtol=FAR_RESPONSIBILITIES)


@pytest.mark.parametrize("scale", [0.05, 20.0])
def test_mixture_score_many_coordinates(submission, rng, scale):
    """σ^500 is 1e-650 or 1e+650; the components still share each point."""
    d = 500
    means = rng.normal(size=d) + scale * 0.05 * rng.normal(size=(3, d))
    sigmas = scale * (1 + np.array([0.02, -0.03, 0.0]))
    weights, x = np.array([0.2, 0.5, 0.3]), means[2] + scale * rng.normal(size=(2, d))
    value = assert_no_warnings(submission.mixture_score, x, weights, means, sigmas)
    expected = mixture_score_exactly(x, weights, means, sigmas)
    atol = MANY_COORDINATES * float(np.abs(expected).max())
    assert_close(value, expected, axes=batch_axes(x.shape), atol=atol)


def test_mixture_score_pure(submission, rng):
    assert_pure(submission.mixture_score, rng.normal(size=(5, 3)), *random_mixture(rng, 4, 3))


# alpha_bar


def assert_relatively_close(value, expected):
    """Each entry beside itself, however small it is."""
    assert_close(value, expected, axes=("step",))
    value = as_array(value, expected.shape)
    errors = np.abs(value / expected - 1.0)
    for limit, some in (
        (ALPHA_BAR_RTOL, expected >= 1e-5),
        (SMALL_ALPHA_BAR_RTOL, expected < 1e-5),
    ):
        # Beyond the limit the comparison's own roundings are allowed.
        wrong = np.flatnonzero(some & ~(errors <= limit + 4e-16))
        if len(wrong):
            t = int(wrong[np.argmax(errors[wrong])])
            fail(
                f"the relative error reaches {errors[t]:.2g}, not at most {limit:g}",
                f"it does at step {t} of {len(expected)}, where ᾱ is {expected[t]:.3g}",
            )


@pytest.mark.parametrize("T", [1, 3, 12])
def test_alpha_bar_values(submission, rng, T):
    betas = random_betas(rng, T)
    assert_relatively_close(submission.alpha_bar(betas), products(betas))


def test_alpha_bar_usual_schedule(submission, rng):
    """A thousand linear steps, ᾱ from 1 − 1e-4 down to 4e-5."""
    betas = np.linspace(1e-4, 0.02 * rng.uniform(0.8, 1.1), 1000)
    assert_relatively_close(submission.alpha_bar(betas), products(betas))


def test_alpha_bar_small_betas(submission, rng):
    """Betas from 1e-7 to 1e-4, of which the squares still count."""
    betas = rng.permutation(np.geomspace(1e-7, 1e-4, 300)) * rng.uniform(0.8, 1.0)
    assert_relatively_close(submission.alpha_bar(betas), products(betas))


def test_alpha_bar_nothing_left(submission, rng):
    """Down to 1e-20 and below, where an absolute comparison would see nothing."""
    betas = rng.permutation(np.linspace(0.05, 0.95, 50))
    assert_relatively_close(submission.alpha_bar(betas), products(betas))


def test_alpha_bar_equal_betas(submission, rng):
    """Equal betas, whose roundings all go the same way, down to ᾱ between 1e-40 and 1e-38."""
    betas = np.full(1000, rng.uniform(0.085, 0.0875))
    assert_relatively_close(submission.alpha_bar(betas), products(betas))


def test_alpha_bar_big_steps(submission, rng):
    """Betas near 1 in the middle: none is clipped.

    Not nearer: p − p·β, with the rounding of p·β, is to stay within 1e-12.
    """
    betas = np.insert(random_betas(rng, 8), [3, 5], [1 - rng.uniform(3e-4, 5e-4), 0.9993])
    assert_relatively_close(submission.alpha_bar(betas), products(betas))


def noised_by_tiny(values, T):
    """1 − ᾱ of betas that take these values in turn, in closed form."""
    steps = np.arange(1, T + 1)
    k = len(values)
    logs = np.zeros(T)
    for i, beta in enumerate(values):
        logs += ((steps + k - 1 - i) // k) * math.log1p(-beta)
    return -np.expm1(logs)


@pytest.mark.parametrize("kind", ["as named", "in turn"])
def test_alpha_bar_tiny_betas(submission, rng, kind):
    """1e5 betas of about 1e-14 add up to 1e-9, which `1 - betas` gets wrong by 1e-3."""
    T, ulp = 100_000, 2.0**-53
    if kind == "as named":
        values = [1e-14]
    else:  # off the nearest multiple of an ulp by a fifth to a third of one, on the same side
        values = [(rng.integers(60, 180) + rng.uniform(0.2, 0.35)) * ulp for _ in range(3)]
    expected = noised_by_tiny(values, T)
    betas = np.resize(values, T)
    value = as_array(submission.alpha_bar(betas), (T,), axes=("step",))
    noised = 1.0 - value
    wrong = np.flatnonzero(~(np.abs(noised - expected) <= TINY_ATOL + TINY_RTOL * expected))
    if len(wrong):
        t = int(wrong[0])
        notes = []
        if np.allclose(noised, 1.0 - np.cumprod(1.0 - betas), rtol=1e-6, atol=TINY_ATOL):
            notes = ["1 − β rounds to a multiple of 1.1e-16: what is lost there is lost each time"]
        fail(
            f"1 − ᾱ is {noised[t]:.9g} after {t + 1} betas of about 1e-14, expected {expected[t]:.9g}",
            f"{len(wrong)} of {T} entries are off by more than 1e-15 + 1e-4·(1 − ᾱ), this one first",
            *notes,
        )


def test_alpha_bar_pure(submission, rng):
    assert_pure(submission.alpha_bar, random_betas(rng, 9))


# diffuse


def random_level(rng):
    """Far from ½, where ᾱ and 1 − ᾱ, or their roots, could stand in for each other."""
    return float(rng.choice([rng.uniform(0.1, 0.35), rng.uniform(0.65, 0.9)]))


@pytest.mark.parametrize("shape", SHAPES)
def test_diffuse_values(submission, rng, shape):
    x0, noise = pair(rng, shape)
    left = random_level(rng)
    signal, noised = math.sqrt(left) * x0, math.sqrt(1 - left) * noise
    constants = {"ᾱ": left, "1 − ᾱ": 1 - left}
    terms = {"√ᾱ·x0": signal, "√(1 − ᾱ)·noise": noised}
    value = submission.diffuse(x0, noise, left)
    assert_close(value, signal + noised, axes=batch_axes(shape), constants=constants, terms=terms)


@pytest.mark.parametrize("low", [True, False])
def test_diffuse_other_levels(submission, rng, low):
    """Levels near 0, down to 1e-12, and levels near 1."""
    for small in (rng.uniform(1e-6, 1e-5), 1e-6, *([1e-9, 1e-12] if low else [])):
        x0, noise = pair(rng, (4, 3))
        x0[0] *= 1e3  # nothing is clipped
        left = float(small if low else 1 - small)
        expected = math.sqrt(left) * x0 + math.sqrt(1 - left) * noise
        assert_close(submission.diffuse(x0, noise, left), expected, axes=batch_axes(x0.shape))


def test_diffuse_no_noise(submission, rng):
    x0, noise = pair(rng, (4, 3))
    value = assert_no_warnings(submission.diffuse, x0, noise, 1.0)
    assert_close(value, x0, axes=batch_axes(x0.shape))


def test_diffuse_noise_alone(submission, rng):
    x0, noise = pair(rng, (4, 3))
    value = assert_no_warnings(submission.diffuse, x0, noise, 0.0)
    assert_close(value, noise, axes=batch_axes(x0.shape))


def test_diffuse_pure(submission, rng):
    assert_pure(submission.diffuse, *pair(rng, (4, 3)), random_level(rng))


# noise_to_score


@pytest.mark.parametrize("shape", SHAPES)
def test_noise_to_score_values(submission, rng, shape):
    noise, left = rng.normal(size=shape) * 2, random_level(rng)
    constants = {"ᾱ": left, "1 − ᾱ": 1 - left}
    expected = -noise / math.sqrt(1 - left)
    value = submission.noise_to_score(noise, left)
    assert_close(value, expected, axes=batch_axes(shape), constants=constants)


def test_noise_to_score_differences(submission, rng):
    """It is the gradient of log q(x_t | x_0) at the x_t that this noise makes."""
    x0, noise = pair(rng, (3,))
    left = random_level(rng)
    x_t = math.sqrt(left) * x0 + math.sqrt(1 - left) * noise
    score = submission.noise_to_score(noise, left)
    assert_gradient(
        lambda a: -float(np.sum((a - math.sqrt(left) * x0) ** 2)) / (2 * (1 - left)),
        x_t, score, name="score", axes=("coordinate",),
    )  # fmt: skip


@pytest.mark.parametrize("kind", ["nearly clean", "nearly noise"])
def test_noise_to_score_other_levels(submission, rng, kind):
    """1 − ᾱ near 1e-6, and 1e-6 itself: an ε under the root shows; and ᾱ near 0."""
    for small in (float(rng.uniform(1e-6, 3e-6)), 1e-6):
        left = 1 - small if kind == "nearly clean" else small
        noise = rng.normal(size=(4, 3))
        expected = -noise / math.sqrt(1 - left)
        assert_close(submission.noise_to_score(noise, left), expected, axes=batch_axes(noise.shape))


def test_noise_to_score_noise_alone(submission, rng):
    noise = rng.normal(size=(4, 3))
    value = assert_no_warnings(submission.noise_to_score, noise, 0.0)
    assert_close(value, -noise, axes=batch_axes(noise.shape))


def test_noise_to_score_pure(submission, rng):
    assert_pure(submission.noise_to_score, rng.normal(size=(4, 3)), random_level(rng))


# predict_x0


@pytest.mark.parametrize("shape", SHAPES)
def test_predict_x0_values(submission, rng, shape):
    x_t, noise = pair(rng, shape)
    left = random_level(rng)
    root = math.sqrt(left)
    terms = {"x_t/√ᾱ": x_t / root, "√((1 − ᾱ)/ᾱ)·noise": -math.sqrt(1 - left) * noise / root}
    value = submission.predict_x0(x_t, noise, left)
    constants = {"ᾱ": left, "1 − ᾱ": 1 - left}
    expected = sum(terms.values())
    assert_close(value, expected, axes=batch_axes(shape), constants=constants, terms=terms)


def test_predict_x0_undoes_noising(submission, rng):
    """x_0 comes back from the noise that was added, far outside of [−1, 1] too."""
    x0, noise = pair(rng, (6, 3))
    x0[0] *= 20
    left = random_level(rng)
    x_t = math.sqrt(left) * x0 + math.sqrt(1 - left) * noise
    assert_close(submission.predict_x0(x_t, noise, left), x0, axes=batch_axes(x0.shape))


@pytest.mark.parametrize("kind", ["nearly clean", "nearly noise"])
def test_predict_x0_other_levels(submission, rng, kind):
    """ᾱ near 1e-6, and 1e-6 itself, where an ε beside it shows; and near 1."""
    for small in (float(rng.uniform(1e-6, 3e-6)), 1e-6):
        left = 1 - small if kind == "nearly clean" else small
        x_t, noise = pair(rng, (4, 3))
        expected = (x_t - math.sqrt(1 - left) * noise) / math.sqrt(left)
        assert_close(submission.predict_x0(x_t, noise, left), expected, axes=batch_axes(x_t.shape))


def test_predict_x0_no_noise(submission, rng):
    x_t, noise = pair(rng, (4, 3))
    value = assert_no_warnings(submission.predict_x0, x_t, noise, 1.0)
    assert_close(value, x_t, axes=batch_axes(x_t.shape))


def test_predict_x0_pure(submission, rng):
    assert_pure(submission.predict_x0, *pair(rng, (4, 3)), random_level(rng))


# denoising_score_loss


def mean_square(predicted_noise, noise):
    residual = (predicted_noise - noise).ravel().tolist()
    return math.fsum(v * v for v in residual) / len(residual)


def counts(shape):
    return {"N": math.prod(shape), "rows": math.prod(shape[:-1]), "d": shape[-1]}


LOSS_SHAPES = [(5,), (7, 3), (3, 7), (5, 7, 3), (1, 6), (6, 1), (1,), (2, 4, 5, 3)]


@pytest.mark.parametrize("shape", LOSS_SHAPES)
def test_denoising_score_loss_values(submission, rng, shape):
    predicted, noise = pair(rng, shape)
    expected = mean_square(predicted, noise)
    value = submission.denoising_score_loss(predicted, noise)
    assert_close(value, expected, constants=counts(shape))


def test_denoising_score_loss_outlier(submission, rng):
    """Squared, however far: no Huber corner, no clipping; and small residuals beside it."""
    predicted, noise = pair(rng, (5, 3))
    noise = predicted + 1e-3 * rng.normal(size=(5, 3))
    small = mean_square(predicted, noise)
    assert_close(submission.denoising_score_loss(predicted, noise), small)
    for far in (1e3, 1e6):
        noise[3, 1] += far
        expected = mean_square(predicted, noise)
        assert_close(submission.denoising_score_loss(predicted, noise), expected)


def test_denoising_score_loss_nearly_perfect(submission, rng):
    """Residuals of 1e-9, whose difference floats take exactly: an expanded square is all rounding."""
    noise = rng.normal(size=(4, 3)) + np.sign(rng.normal(size=(4, 3)))
    predicted = noise + 1e-9 * (1 + rng.uniform(size=(4, 3)))
    expected = mean_square(predicted, noise)
    assert_close(submission.denoising_score_loss(predicted, noise), expected)


def test_denoising_score_loss_offset(submission, rng):
    """A constant residual costs its square: the mean is not taken away."""
    noise = rng.normal(size=(4, 3))
    predicted = noise + rng.uniform(1, 2)
    expected = mean_square(predicted, noise)
    assert_close(submission.denoising_score_loss(predicted, noise), expected)


def test_denoising_score_loss_perfect(submission, rng):
    noise = rng.normal(size=(4, 3))
    value = submission.denoising_score_loss(noise.copy(), noise)
    assert_close(value, 0.0, zeros_expected=True)


def test_denoising_score_loss_pure(submission, rng):
    assert_pure(submission.denoising_score_loss, *pair(rng, (4, 3)))


# denoising_score_grad


@pytest.mark.parametrize("shape", LOSS_SHAPES)
def test_denoising_score_grad_values(submission, rng, shape):
    predicted, noise = pair(rng, shape)
    expected = (predicted - noise) * (2 / math.prod(shape))
    value = submission.denoising_score_grad(predicted, noise)
    assert_close(value, expected, axes=batch_axes(shape), constants=counts(shape))


def test_denoising_score_grad_differences(submission, rng):
    predicted, noise = pair(rng, (3, 4))
    grad = submission.denoising_score_grad(predicted, noise)
    assert_gradient(
        lambda a: mean_square(a, noise), predicted, grad, axes=("batch", "coordinate"),
        constants=counts((3, 4)),
    )  # fmt: skip


def test_denoising_score_grad_outlier(submission, rng):
    """Linear in the residual, however large or small."""
    predicted, noise = pair(rng, (5, 3))
    noise[3] = predicted[3] + 1e3 * rng.normal(size=3)
    noise[2] = predicted[2] + rng.choice([-1e6, 1e6], size=3) * rng.uniform(1, 2, size=3)
    noise[1] = predicted[1] + 1e-3 * rng.normal(size=3)
    expected = (predicted - noise) * (2 / 15)
    value = as_array(submission.denoising_score_grad(predicted, noise), (5, 3))
    for row in range(5):  # each row beside itself
        assert_close(value[row], expected[row], name=f"row {row} of grad", axes=("coordinate",))


def test_denoising_score_grad_perfect(submission, rng):
    noise = rng.normal(size=(4, 3))
    value = submission.denoising_score_grad(noise.copy(), noise)
    assert_close(value, np.zeros((4, 3)), zeros_expected=True)


def test_denoising_score_grad_pure(submission, rng):
    assert_pure(submission.denoising_score_grad, *pair(rng, (4, 3)))


# ddpm_posterior


def assert_posterior(submission, x0, x_t, t, betas):
    expected = posterior(x0, x_t, t, betas)
    value = submission.ddpm_posterior(x0, x_t, t, betas)
    before, after = left_before_and_after(t, betas)
    beta = float(betas[t])
    from_x0 = math.sqrt(before) * beta / (1 - after) * x0
    from_x_t = math.sqrt(1 - beta) * (1 - before) / (1 - after) * x_t
    assert_close(
        value, expected, name=("mean", "variance"), axes=(batch_axes(x0.shape), None),
        constants={"β_t": beta, "1 − β_t": 1 - beta, "ᾱ_t": after, "ᾱ_{t−1}": before},
        terms={"mean": {"x0's part": from_x0, "x_t's part": from_x_t}},
    )  # fmt: skip


@pytest.mark.parametrize("shape", SHAPES)
def test_ddpm_posterior_values(submission, rng, shape):
    betas = random_betas(rng, 9)
    assert_posterior(submission, *pair(rng, shape), middle_step(rng, 9), betas)


def test_ddpm_posterior_every_step(submission, rng):
    """The second and the last step among them, for a schedule that is not sorted."""
    betas = random_betas(rng, 4)
    for t in (1, 2, 3):
        assert_posterior(submission, *pair(rng, (5, 3)), t, betas)


def test_ddpm_posterior_usual_schedule(submission, rng):
    betas = np.linspace(1e-4, 0.02, 1000)
    for t in (1, int(rng.integers(300, 700)), 999):
        assert_posterior(submission, *pair(rng, (5, 3)), t, betas)


@pytest.mark.parametrize("T", [1, 6])
def test_ddpm_posterior_first_step(submission, rng, T):
    """Nothing is left to guess at t = 0: the mean is x0, and the variance 0, not about 0."""
    betas = random_betas(rng, T)
    x0, x_t = pair(rng, (5, 3))
    value = assert_no_warnings(submission.ddpm_posterior, x0, x_t, 0, betas)
    names, axes = ("mean", "variance"), (batch_axes(x0.shape), None)
    assert_close(value, (x0, 0.0), name=names, axes=axes, zeros_expected=True)
    if float(value[1]) != 0.0:
        fail(f"the variance at t = 0 is {float(value[1]):.3g}, expected exactly 0")


def test_ddpm_posterior_not_clipped(submission, rng):
    """Samples of 100 and 50: their average is not drawn to [−1, 1] or anywhere."""
    betas, t = random_betas(rng, 8), middle_step(rng, 8)
    assert_posterior(
        submission, rng.normal(size=(4, 3)) * 100, rng.normal(size=(4, 3)) * 50, t, betas
    )


def test_ddpm_posterior_big_last_step(submission, rng):
    """A step that leaves a thousandth, as cosine schedules end."""
    betas = np.append(random_betas(rng, 5), 0.999)
    assert_posterior(submission, *pair(rng, (4, 3)), 5, betas)


def test_ddpm_posterior_big_step_on_the_way(submission, rng):
    """A β near 1 in the middle: right before it, at it and after it."""
    betas = np.insert(random_betas(rng, 6), 3, 1 - rng.uniform(1e-4, 5e-4))
    for t in (2, 3, 4, 6):
        assert_posterior(submission, *pair(rng, (4, 3)), t, betas)


def test_ddpm_posterior_nothing_left(submission, rng):
    """ᾱ far below 1e-12: little is left of x0 in the mean, and it shows where x_t is 0."""
    for T, beta in ((250, rng.uniform(0.05, 0.06)), (1000, rng.uniform(0.08, 0.085))):
        betas = np.full(T, beta)
        x0, x_t = pair(rng, (4, 3))
        for t in (T // 2, T - 1):
            assert_posterior(submission, x0, x_t, t, betas)
            assert_posterior(submission, x0, np.zeros((4, 3)), t, betas)


def test_ddpm_posterior_smallest_betas(submission, rng):
    """Betas of 1e-4, alone and beside large ones."""
    for betas in (np.full(3, 1e-4), np.array([0.2, 1e-4, 0.3]), np.array([1e-4, 0.25, 1e-4])):
        for t in (1, 2):
            assert_posterior(submission, *pair(rng, (4, 3)), t, betas)


def test_ddpm_posterior_pure(submission, rng):
    betas = random_betas(rng, 7)
    assert_pure(submission.ddpm_posterior, *pair(rng, (4, 3)), middle_step(rng, 7), betas)


# ddpm_step


def assert_step(submission, shape, rng, t, betas):
    x_t, predicted = pair(rng, shape)
    noise = rng.normal(size=shape)
    expected = reverse_step(x_t, predicted, noise, t, betas)
    value = submission.ddpm_step(x_t, predicted, noise, t, betas)
    before, after = left_before_and_after(t, betas)
    beta = float(betas[t])
    root = math.sqrt(1 - beta)
    terms = {
        "x_t's part": x_t / root,
        "predicted_noise's part": -beta / math.sqrt(1 - after) / root * predicted,
        "noise's part": math.sqrt(beta * (1 - before) / (1 - after)) * noise,
    }
    constants = {"β_t": beta, "1 − β_t": 1 - beta, "ᾱ_t": after, "ᾱ_{t−1}": before}
    assert_close(value, expected, axes=batch_axes(shape), constants=constants, terms=terms)


@pytest.mark.parametrize("shape", SHAPES)
def test_ddpm_step_values(submission, rng, shape):
    assert_step(submission, shape, rng, middle_step(rng, 9), random_betas(rng, 9))


def test_ddpm_step_every_step(submission, rng):
    """The second and the last step among them, for a schedule that is not sorted."""
    betas = random_betas(rng, 4)
    for t in (1, 2, 3):
        assert_step(submission, (5, 3), rng, t, betas)


def test_ddpm_step_usual_schedule(submission, rng):
    betas = np.linspace(1e-4, 0.02, 1000)
    for t in (1, int(rng.integers(300, 700)), 999):
        assert_step(submission, (5, 3), rng, t, betas)


@pytest.mark.parametrize("T", [1, 6])
def test_ddpm_step_last_has_no_noise(submission, rng, T):
    """At t = 0 the noise has no effect, however large."""
    betas = random_betas(rng, T)
    x_t, predicted = pair(rng, (5, 3))
    noise = rng.normal(size=(5, 3))
    expected = reverse_step(x_t, predicted, noise, 0, betas)
    for scale in (1e6, 1e25):
        value = assert_no_warnings(submission.ddpm_step, x_t, predicted, scale * noise, 0, betas)
        assert_close(value, expected, axes=batch_axes(x_t.shape))
    without = as_array(submission.ddpm_step(x_t, predicted, 0 * noise, 0, betas), (5, 3))
    moved = float(np.max(np.abs(as_array(value, (5, 3)) - without)))
    if moved != 0.0:
        fail(f"at t = 0 the noise moves the result by up to {moved:.3g}, expected exactly 0")


def test_ddpm_step_not_clipped(submission, rng):
    """Samples of 50 and of 1e5, and an x_0 beyond that."""
    betas, t = random_betas(rng, 8), middle_step(rng, 8)
    for scales in ((50, 5, 1), (1e5, 1e3, 1)):
        x_t, predicted, noise = (rng.normal(size=(4, 3)) * scale for scale in scales)
        for step in (t, 0):
            expected = reverse_step(x_t, predicted, noise, step, betas)
            value = submission.ddpm_step(x_t, predicted, noise, step, betas)
            assert_close(value, expected, axes=batch_axes(x_t.shape))


def test_ddpm_step_big_last_step(submission, rng):
    """A step that leaves a thousandth, as cosine schedules end."""
    betas = np.append(random_betas(rng, 5), 0.999)
    assert_step(submission, (4, 3), rng, 5, betas)


def test_ddpm_step_big_step_on_the_way(submission, rng):
    """A β near 1 in the middle: right before it, at it and after it."""
    betas = np.insert(random_betas(rng, 6), 3, 1 - rng.uniform(1e-4, 5e-4))
    for t in (2, 3, 4, 6):
        assert_step(submission, (4, 3), rng, t, betas)


def test_ddpm_step_nothing_left(submission, rng):
    """ᾱ far below 1e-12, where an x_0 that is formed on the way is huge."""
    for T, beta in ((250, rng.uniform(0.05, 0.06)), (1000, rng.uniform(0.08, 0.085))):
        for t in (T // 2, T - 1):
            assert_step(submission, (4, 3), rng, t, np.full(T, beta))


def test_ddpm_step_smallest_betas(submission, rng):
    """Betas of 1e-4, alone and beside large ones; and what the prediction alone does."""
    for betas in (np.full(3, 1e-4), np.array([0.2, 1e-4, 0.3]), np.array([1e-4, 0.25, 1e-4])):
        for t in (0, 1, 2):
            assert_step(submission, (4, 3), rng, t, betas)
    predicted, zeros = rng.normal(size=(4, 3)), np.zeros((4, 3))
    expected = reverse_step(zeros, predicted, zeros, 0, betas)
    value = submission.ddpm_step(zeros, predicted, zeros, 0, betas)
    assert_close(value, expected, axes=batch_axes(zeros.shape))


def test_ddpm_step_pure(submission, rng):
    x_t, predicted = pair(rng, (4, 3))
    betas = random_betas(rng, 7)
    assert_pure(
        submission.ddpm_step, x_t, predicted, rng.normal(size=(4, 3)), middle_step(rng, 7), betas
    )


# langevin_step


@pytest.mark.parametrize("shape", SHAPES)
def test_langevin_step_values(submission, rng, shape):
    x, score = pair(rng, shape)
    noise, step = rng.normal(size=shape), float(rng.uniform(0.03, 0.3))
    drift, kick = step * score, math.sqrt(2 * step) * noise
    terms = {"step·score": drift, "√(2·step)·noise": kick, "x": x}
    value = submission.langevin_step(x, score, step, noise)
    constants = {"step": step}
    expected = x + drift + kick
    assert_close(value, expected, axes=batch_axes(shape), constants=constants, terms=terms)


def test_langevin_step_small(submission, rng):
    """The change that a step of 1e-6 makes, to the digits that adding it to x leaves."""
    x, score = pair(rng, (4, 3))
    noise, step = rng.normal(size=(4, 3)), float(rng.uniform(1e-6, 2e-6))
    value = as_array(submission.langevin_step(x, score, step, noise), (4, 3))
    expected = step * score + math.sqrt(2 * step) * noise
    atol = 8 * float(np.spacing(np.abs(x).max()))
    assert_close(value - x, expected, name="x' − x", axes=batch_axes(x.shape), atol=atol)


def test_langevin_step_large(submission, rng):
    """A step above 1, where a root is smaller than what it is taken of."""
    x, score = pair(rng, (4, 3))
    noise, step = rng.normal(size=(4, 3)), float(rng.uniform(3, 30))
    expected = x + step * score + math.sqrt(2 * step) * noise
    value = submission.langevin_step(x, score, step, noise)
    assert_close(value, expected, axes=batch_axes(x.shape), constants={"step": step})


def test_langevin_step_large_score(submission, rng):
    """Far from every mode scores are large, and they are followed as they are."""
    x, score = (rng.normal(size=(4, 3)) * 1e4 for _ in range(2))
    noise, step = rng.normal(size=(4, 3)), float(rng.uniform(0.03, 0.3))
    expected = x + step * score + math.sqrt(2 * step) * noise
    value = submission.langevin_step(x, score, step, noise)
    assert_close(value, expected, axes=batch_axes(x.shape), constants={"step": step})


def test_langevin_step_always_accepted(submission, rng):
    """Every proposal is taken, also one that the noise or the score throws far off."""
    x, score = pair(rng, (6, 3))
    step = float(rng.uniform(0.05, 0.2))
    against = -np.sign(score) * rng.uniform(1, 4, size=(6, 3))
    for pull, kick in ((1, 100), (1, 1e7), (1e9, 1)):
        noise = kick * against
        expected = x + step * pull * score + math.sqrt(2 * step) * noise
        value = submission.langevin_step(x, pull * score, step, noise)
        assert_close(value, expected, axes=batch_axes(x.shape))


def test_langevin_step_pure(submission, rng):
    x, score = pair(rng, (4, 3))
    step = float(rng.uniform(0.05, 0.3))
    assert_pure(submission.langevin_step, x, score, step, rng.normal(size=(4, 3)))


# Capstone: the learner's functions together

# What discretisation moves, seen over two dozen mixtures of 24,000 chains or more: a share by up to
# 0.016, a variance by up to 3.6 %.
LANGEVIN_SHARE_BIAS, LANGEVIN_VARIANCE_BIAS = 0.025, 0.05
# The same of 150 ancestral steps: a share by up to 0.008, a variance by 3.5 % beside what a single
# Gaussian keeps, a mean by 0.015, an entry of the covariance by 0.022.
ANCESTRAL_SHARE_BIAS, ANCESTRAL_VARIANCE_BIAS = 0.015, 0.05
ANCESTRAL_MEAN_BIAS, ANCESTRAL_COVARIANCE_BIAS = 0.03, 0.05
# 100 steps leave the covariance 5.2 % to 6.3 % short over 200 Gaussians, 50 steps 1.91 to 1.96 times
# as much.
GAUSSIAN_ERROR, GAUSSIAN_RATIO = 0.08, (1.8, 2.1)
# Means of thousands of independent terms, in standard errors: a normal one is beyond 6 once in 5e8.
STANDARD_ERRORS = 6.0
# Of one share; three are tested, and a test is to fail a right answer less than once in a million.
FALSE_ALARM = 1e-7


def hoeffding(n):
    """How far the mean of n independent values in [0, 1] strays with probability FALSE_ALARM."""
    return math.sqrt(math.log(2 / FALSE_ALARM) / (2 * n))


def planted_mixture(rng, radius, sigmas):
    """Three modes on a circle, a third of a turn apart, with shares of about 0.2, 0.3 and 0.5."""
    angles = rng.uniform(0, 2 * math.pi) + 2 * math.pi / 3 * np.arange(3)
    angles += rng.uniform(-0.15, 0.15, size=3)
    means = radius * np.stack([np.cos(angles), np.sin(angles)], axis=1) + rng.normal(size=2) * 0.5
    weights = rng.permutation([0.2, 0.3, 0.5]) + rng.uniform(-0.03, 0.03, size=3)
    return weights / weights.sum(), means, rng.permutation(sigmas)


def shares_and_squares(x, weights, means, sigmas):
    """The responsibilities (n, k), whose mean is w_k under p, and the squared distances (n, k)."""
    squares = ((x[:, None] - means) ** 2).sum(axis=-1)
    log_joint = np.log(weights) - x.shape[1] * np.log(sigmas) - squares / (2 * sigmas**2)
    r = np.exp(log_joint - log_joint.max(axis=1, keepdims=True))
    return r / r.sum(axis=1, keepdims=True), squares


def check_samples(x, mixture, kept, share_bias, variance_bias, what):
    """Shares by Hoeffding's bound; variances, `kept` of σ² expected, in standard errors."""
    weights, _, sigmas = mixture
    r, squares = shares_and_squares(x, *mixture)
    band = hoeffding(len(x)) + share_bias
    for k, share in enumerate(r.mean(axis=0)):
        if not abs(share - weights[k]) <= band:
            fail(
                f"mode {k} has a share of {share:.3f} of {what}, expected {weights[k]:.3f} ± {band:.3f}"
            )
    for k in range(len(weights)):
        terms = r[:, k] * (squares[:, k] / x.shape[1] - kept[k] * sigmas[k] ** 2)
        excess = float(terms.mean()) / (weights[k] * sigmas[k] ** 2)
        error = float(terms.std()) / math.sqrt(len(x)) / (weights[k] * sigmas[k] ** 2)
        band = STANDARD_ERRORS * error + variance_bias
        if not abs(excess) <= band:
            fail(
                f"{what} have {kept[k] + excess:.3f} of the variance of mode {k}, "
                f"expected {kept[k]:.3f} ± {band:.3f}"
            )


def exact_prediction(submission, x_t, left, weights, means, sigmas):
    """The best prediction of the noise in x_t, from the score of the data's density, noised."""
    widths = np.sqrt(left * sigmas**2 + 1 - left)
    score = submission.mixture_score(x_t, weights, math.sqrt(left) * means, widths)
    return -math.sqrt(1 - left) * as_array(score, x_t.shape, name="the score")


def test_capstone_langevin_finds_the_weights(submission, rng):
    """2400 chains start in equal shares at the modes' means and end in the mixture's shares.

    The chains are independent and responsibilities lie in [0, 1], so Hoeffding's inequality bounds
    the false alarms of each share by 1e-7, beside its bias. The variances are means of 2400
    independent terms, within 6 standard errors beside their bias.
    """
    mixture = planted_mixture(rng, 0.95, [0.5, 0.56, 0.64])
    x = mixture[1][np.arange(2400) % 3]
    for steps, size in ((60, 0.3), (20, 0.1), (30, 0.04)):
        step = size * float(mixture[2].min()) ** 2
        for _ in range(steps):
            score = as_array(submission.mixture_score(x, *mixture), x.shape, name="the score")
            x = submission.langevin_step(x, score, step, rng.normal(size=(2400, 2)))
            x = as_array(x, (2400, 2), name="the chains' state")
    check_samples(x, mixture, np.ones(3), LANGEVIN_SHARE_BIAS, LANGEVIN_VARIANCE_BIAS, "the chains")


def cleaner_schedule(T):
    """Small steps first, which are taken last: 1 − ᾱ from about 1e-4 up to 0.9996."""
    return np.maximum(np.linspace(math.sqrt(0.02 / T), math.sqrt(22 / T), T) ** 2, 1e-4)


def variance_kept(sigma, betas):
    """The share of σ² that ancestral sampling of N(μ, σ²) with the exact prediction ends with.

    The chain is linear: x_{t−1} = a x_t + const + σ_t z, with Tweedie's formula for the prediction.
    """
    left = np.append(np.cumprod(1 - betas), 1.0)
    variance = 1.0
    for t in reversed(range(len(betas))):
        a = (1 - betas[t] / (left[t] * sigma**2 + 1 - left[t])) / math.sqrt(1 - betas[t])
        variance = a * a * variance + betas[t] * (1 - left[t - 1]) / (1 - left[t])
    return variance / sigma**2


def test_capstone_noise_becomes_data(submission, rng):
    """150 steps turn 2500 draws of noise into draws of a mixture: shares, variances, mean, covariance.

    The draws are independent: shares are bounded by Hoeffding's inequality at 1e-7 each, beside
    their bias, the rest are means of 2500 independent terms within 6 standard errors beside theirs.
    """
    T, n = 150, 2500
    mixture = planted_mixture(rng, 1.4, [0.2, 0.26, 0.32])
    weights, means, sigmas = mixture
    betas = cleaner_schedule(T)
    left = as_array(submission.alpha_bar(betas), (T,), name="ᾱ").tolist()
    x = rng.normal(size=(n, 2))
    for t in reversed(range(T)):
        predicted = exact_prediction(submission, x, left[t], *mixture)
        z = rng.normal(size=x.shape)
        x = as_array(submission.ddpm_step(x, predicted, z, t, betas), (n, 2), name="x_{t−1}")
    kept = [variance_kept(float(s), betas) for s in sigmas]
    check_samples(x, mixture, kept, ANCESTRAL_SHARE_BIAS, ANCESTRAL_VARIANCE_BIAS, "the samples")
    mean = weights @ means
    cov = np.einsum("k,ki,kj->ij", weights, means - mean, means - mean)
    cov += weights @ (np.array(kept) * sigmas**2) * np.eye(2)
    products = (x - mean)[:, :, None] * (x - mean)[:, None, :]
    for name, terms, bias in (
        ("mean", x - mean, ANCESTRAL_MEAN_BIAS),
        ("covariance", products - cov, ANCESTRAL_COVARIANCE_BIAS),
    ):
        off = np.abs(terms.mean(axis=0))
        band = STANDARD_ERRORS * terms.std(axis=0) / math.sqrt(n) + bias
        if not np.all(off <= band):
            i = np.unravel_index(int(np.argmax(off - band)), off.shape)
            fail(f"the samples' {name} is off by {off[i]:.3f} in one entry, at most {band[i]:.3f}")


def gaussian_sampler(submission, T, mean, cov):
    """Mean and covariance of what ancestral sampling of N(mean, cov) makes, without sampling.

    The score is linear, and so is the chain: row 0 has no noise at all, each other row a 1 in
    one entry of the start or of the noise of one step; their differences are the chain's columns.
    """
    d = len(mean)
    betas = cleaner_schedule(T)
    left = as_array(submission.alpha_bar(betas), (T,), name="ᾱ").tolist()
    x = np.zeros((1 + d * (T + 1), d))
    x[1 : d + 1] = np.eye(d)
    for t in reversed(range(T)):
        noise = np.zeros(x.shape)
        noise[1 + d * (t + 1) : 1 + d * (t + 2)] = np.eye(d)
        noised = left[t] * cov + (1 - left[t]) * np.eye(d)
        score = submission.gaussian_score(x, math.sqrt(left[t]) * mean, noised)
        predicted = -math.sqrt(1 - left[t]) * as_array(score, x.shape, name="the score")
        x = submission.ddpm_step(x, predicted, noise, t, betas)
        x = as_array(x, noise.shape, name="x_{t−1}")
    columns = x[1:] - x[0]
    return x[0], columns.T @ columns


def test_capstone_gaussian_sampler_converges(submission, rng):
    """Twice the steps, half the error, for a Gaussian: computed, not sampled, so no false alarms.

    What is left of the start's mean is below 0.002 over 200 Gaussians.
    """
    spread = rng.uniform(0.6, 1.4, size=3)
    rho = rng.uniform(-0.4, 0.4, size=3)
    correlation = np.array([[1, rho[0], rho[1]], [rho[0], 1, rho[2]], [rho[1], rho[2], 1]])
    mean, cov = rng.normal(size=3), correlation * np.outer(spread, spread)
    errors = []
    for T in (50, 100):
        made_mean, made_cov = gaussian_sampler(submission, T, mean, cov)
        errors.append(float(np.linalg.norm(made_cov - cov) / np.linalg.norm(cov)))
        off = float(np.linalg.norm(made_mean - mean))
        if not off <= 0.02:
            fail(f"after {T} steps the sampler's mean is off by {off:.3g}, expected below 0.02")
    if not errors[1] <= GAUSSIAN_ERROR:
        fail(
            f"after 100 steps the covariance is off by {errors[1]:.1%}, "
            f"expected below {GAUSSIAN_ERROR:.0%}"
        )
    ratio = errors[0] / max(errors[1], 1e-12)
    if not GAUSSIAN_RATIO[0] <= ratio <= GAUSSIAN_RATIO[1]:
        fail(
            f"with 50 steps the covariance is off by {errors[0]:.2%}, with 100 by {errors[1]:.2%}: "
            f"{ratio:.2f} times less, expected about 1.94"
        )


def test_capstone_score_is_the_best_denoiser(submission, rng):
    """The noise that the exact score predicts has the least loss, and no gradient along itself.

    The gradient's product with the prediction is a mean of 20,000 independent terms, 0 in
    expectation, within 6 standard errors; the loss of 0.6 and of 1.4 times the prediction is higher by
    12 of them at least, over 200 runs, and so is what each draw's own noise says within 6.
    """
    n = 20_000
    # Widths so unequal that a factor σ^(−d) more or less shows.
    weights, means, sigmas = mixture = planted_mixture(rng, 1.0, [0.2, 0.4, 0.8])
    left = as_array(submission.alpha_bar(cleaner_schedule(150)), (150,), name="ᾱ")
    component = rng.choice(3, size=n, p=weights)
    x0 = means[component] + sigmas[component][:, None] * rng.normal(size=(n, 2))
    for t in (20, 60):
        level, noise = float(left[t]), rng.normal(size=(n, 2))
        x_t = as_array(submission.diffuse(x0, noise, level), (n, 2), name="x_t")
        best = exact_prediction(submission, x_t, level, *mixture)
        losses = [
            float(submission.denoising_score_loss(scale * best, noise)) for scale in (0.6, 1, 1.4)
        ]
        if not losses[1] < min(losses[0], losses[2]):
            fail(
                f"the exact prediction has a loss of {losses[1]:.4f} at step {t}, 0.6 and 1.4 times "
                f"the same {losses[0]:.4f} and {losses[2]:.4f}; it should be the best"
            )
        grad = as_array(submission.denoising_score_grad(best, noise), (n, 2), name="the gradient")
        along = float(np.sum(grad * best))
        slope = (losses[2] - losses[0]) / 0.8  # of a parabola: exact
        if not abs(along - slope) <= 1e-8:
            fail(
                f"the loss changes by {slope:.6f} for each time the prediction is scaled up, and its "
                f"gradient says {along:.6f}"
            )
        error = 2 * float(np.std((best - noise) * best @ np.ones(2) / 2)) / math.sqrt(n)
        if not abs(along) <= STANDARD_ERRORS * error:
            fail(
                f"the loss still falls along the exact prediction: slope {along:.4f} at step {t}, "
                f"expected 0 ± {STANDARD_ERRORS * error:.4f}"
            )
        # The average of what each draw's own noise says is the score of all draws together.
        own = as_array(submission.noise_to_score(noise, level), (n, 2), name="the score")
        score = -best / math.sqrt(1 - level)
        terms = ((own - score) * score).sum(axis=1)
        off = float(terms.mean() / np.mean(np.sum(score**2, axis=1)))
        band = STANDARD_ERRORS * float(terms.std() / np.mean(np.sum(score**2, axis=1)))
        if not abs(off) <= band / math.sqrt(n):
            fail(
                f"`noise_to_score` of the noise has {1 + off:.3f} of the score on average, "
                f"expected 1 ± {band / math.sqrt(n):.3f}"
            )


def test_capstone_two_ways_to_step(submission, rng):
    """`ddpm_step` is the posterior at `predict_x0`, drawn from: an identity, at every step."""
    betas = random_betas(rng, 8)
    left = as_array(submission.alpha_bar(betas), (8,), name="ᾱ").tolist()
    x0, noise = rng.normal(size=(4, 3)), rng.normal(size=(4, 3))
    for t in range(8):
        x_t = as_array(submission.diffuse(x0, noise, left[t]), (4, 3), name="x_t")
        predicted, z = rng.normal(size=(2, 4, 3))
        implied = as_array(submission.predict_x0(x_t, predicted, left[t]), (4, 3), name="x̂_0")
        mean, variance = submission.ddpm_posterior(implied, x_t, t, betas)
        mean = as_array(mean, (4, 3), name="the mean")
        one = as_array(submission.ddpm_step(x_t, predicted, z, t, betas), (4, 3))
        other = mean + math.sqrt(float(variance)) * z
        if not np.max(np.abs(one - other)) <= 1e-9 * (1 + np.max(np.abs(implied))):
            fail(
                f"at t = {t}, `ddpm_step` and a draw from `ddpm_posterior` at `predict_x0` are "
                f"{np.max(np.abs(one - other)):.3g} apart, expected 0"
            )
