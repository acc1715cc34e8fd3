"""Hidden suite of the Kalman topic: oracles are loops, exact fractions, closed forms, differences."""

import cmath
import math
from fractions import Fraction

import numpy as np
import pytest

from grader.checks import (
    as_array,
    as_float,
    assert_close,
    assert_jacobian,
    assert_no_warnings,
    assert_pure,
    fail,
)

# The statement's accuracy of the motion's Jacobian, relative to its largest entry: the sine of a
# heading of six turns is right to 1e-14; central differences reach 1e-10.
DERIVATIVE = 1e-12
# The catalog's accuracy of a wrapped angle of up to 1e3 rad, a multiple of 2π having been taken off.
WRAPPED = 1e-9
# A heading of 50 turns, or a bearing that is wrapped from there, is right to 300 · 2.2e-16.
MANY_TURNS = 1e-12
# The catalog's residual of the gain, relative to ‖K‖‖S‖. Solves reach 1e-15, pseudo-solves 1e-14;
# an explicit inverse of the matrices below misses it by a factor of 1000 or more.
GAIN_RESIDUAL = 1e-10
# The catalog's allowance for a negative eigenvalue, relative to the largest entry; the same is
# allowed for asymmetry, which the common form (I − KH)P(I − KH)ᵀ + KRKᵀ has of a few 1e-16.
SEMIDEFINITE = 1e-12
# R near 1e-16: the terms of Joseph's form are exact to 1e-14 or so of the result, which comes
# from KRKᵀ alone. What multiplies out has an error of 1e-16 beside a result of 1e-16.
SHARP = 1e-9
# A square root holds 1e-9 beside 1 to seven digits, 1e-8 to eight; a squared one to none.
SQRT_DIGITS = 1e-4
# n + λ = n + (α²(n + κ) − n) loses a factor n/α²: 1e-10 of it at α = 1e-3 and n = 4, and as much
# of every weight, which multiply deviations of 1e-3.
SMALL_ALPHA_POINTS = 1e-8
SMALL_ALPHA_COVARIANCE = 1e-5
# The statement's accuracy of a complex step, relative to each row's largest entry.
COMPLEX_STEP = 1e-12

STATE = ("state",)
STATES = ("state", "state")


# Oracles


def covariance(rng, n, scale=1.0):
    """A symmetric positive definite matrix, far from diagonal, of condition some tens."""
    B = rng.normal(size=(n, n + 2)) * np.linspace(0.7, 1.6, n)[:, None]
    C = scale * (B @ B.T / n + 0.3 * np.eye(n))
    return (C + C.T) / 2


def lower(C):
    """Cholesky factor, an entry at a time."""
    n = len(C)
    L = np.zeros((n, n))
    for i in range(n):
        for j in range(i + 1):
            rest = C[i, j] - math.fsum(L[i, k] * L[j, k] for k in range(j))
            L[i, j] = math.sqrt(rest) if i == j else rest / L[j, j]
    return L


def factored(rng, n, rank):
    """A factor B of a covariance of this rank, and the covariance B Bᵀ."""
    B = rng.normal(size=(n, rank))
    P = B @ B.T
    return B, (P + P.T) / 2


def root(rng, m):
    """A nonsingular factor of a covariance, neither triangular nor symmetric."""
    return lower(covariance(rng, m)) @ np.linalg.qr(rng.normal(size=(m, m)))[0]


def sensor(rng, n, m):
    """A measurement matrix and the covariance of its noise."""
    return rng.normal(size=(m, n)), covariance(rng, m, 0.6)


def posterior(B, H, R):
    """Gain and covariance of the update of P = B Bᵀ, in information form.

    x = x̂ + B u with u standard normal: the posterior of u has the covariance
    M = (I + (HB)ᵀ R⁻¹ HB)⁻¹, so that P' = B M Bᵀ and K = B M (HB)ᵀ R⁻¹, singular P or not.
    """
    G = H @ B
    W = np.linalg.inv(R)
    M = np.linalg.inv(np.eye(B.shape[1]) + G.T @ W @ G)
    return B @ M @ G.T @ W, B @ M @ B.T


def moved(x, dt):
    """The motion, a number at a time; on the complex plane."""
    position = complex(x[0], x[1]) + x[2] * dt * cmath.exp(1j * x[3])
    return np.array([position.real, position.imag, x[2], x[3]])


def motion_matrix(x, dt):
    """Its derivatives."""
    c, s = dt * math.cos(x[3]), dt * math.sin(x[3])
    F = np.eye(4)
    F[:2, 2:] = [[c, -x[2] * s], [s, x[2] * c]]
    return F


def vehicle(rng, *, turns=6, way=None):
    """A state whose heading is some turns off, of either sign, and whose speed has this or either sign."""
    heading = rng.choice([-1, 1]) * rng.uniform(2 * math.pi, 2 * math.pi * turns)
    speed = (way or rng.choice([-1, 1])) * rng.uniform(2, 9)
    return np.array([*(rng.normal(size=2) * 4), speed, heading])


def plant(rng, x, distance, bearing):
    """A landmark that is seen from x at this distance and bearing."""
    direction = distance * cmath.exp(1j * (x[3] + bearing))
    return np.array([x[0] + direction.real, x[1] + direction.imag])


def seen_matrix(x, landmark):
    """Derivatives of range and bearing."""
    dx, dy = landmark[0] - x[0], landmark[1] - x[1]
    square = dx * dx + dy * dy
    r = math.sqrt(square)
    return np.array([[-dx / r, -dy / r, 0, 0], [dy / square, -dx / square, 0, -1]])


def wrapped(a):
    """The remainder modulo 2π that is smallest in magnitude."""
    return math.remainder(a, 2 * math.pi)


def assert_half_turn(value, name):
    """Either end of (−π, π] will do where rounding decides."""
    value = as_float(value, name=name)
    if not abs(abs(value) - math.pi) <= WRAPPED:
        fail(f"{name} is {value:.12g}, expected an end of (−π, π] to within 1e-9")


def assert_covariance(P, name="P"):
    """Symmetric and positive semi-definite, relative to its own largest entry."""
    if not np.isfinite(P).all():
        fail(f"{name} is not finite")
    top = np.abs(P).max()
    asymmetry = np.abs(P - np.swapaxes(P, -1, -2)).max()
    if asymmetry > SEMIDEFINITE * top:
        fail(
            f"{name} is not symmetric: entries differ from their mirror images by {asymmetry:.3g}, "
            f"and its largest entry is {top:.3g}"
        )
    least = np.linalg.eigvalsh((P + np.swapaxes(P, -1, -2)) / 2).min()
    if least < -SEMIDEFINITE * top:
        fail(
            f"{name} is not positive semi-definite: it has the eigenvalue {least:.3g}, "
            f"and its largest entry is {top:.3g}"
        )


def assert_lower(S, name="S"):
    """Lower-triangular, up to what a decomposition by hand may leave above the diagonal."""
    above = np.abs(np.triu(S, 1)).max(initial=0.0)
    if above > SEMIDEFINITE * np.abs(S).max():
        fail(f"{name} is not lower-triangular: above the diagonal stands {above:.3g}")


def pair(value, names):
    """The two members of a returned pair."""
    if not isinstance(value, tuple | list) or len(value) != 2:
        fail(f"the result should be a pair ({names})")
    return value


def exactly(A):
    """A matrix of fractions."""
    return [[Fraction(float(v)) for v in row] for row in A]


def times(A, B):
    """A product of exact matrices."""
    columns = list(zip(*B, strict=True))
    return [
        [sum((a * b for a, b in zip(row, c, strict=True)), Fraction(0)) for c in columns]
        for row in A
    ]


def joseph_exactly(P, K, H, R):
    """(I − KH) P (I − KH)ᵀ + K R Kᵀ in exact arithmetic."""
    P, K, H, R = exactly(P), exactly(K), exactly(H), exactly(R)
    KH = times(K, H)
    A = [[(i == j) - v for j, v in enumerate(row)] for i, row in enumerate(KH)]
    one = times(times(A, P), [list(c) for c in zip(*A, strict=True)])
    two = times(times(K, R), [list(c) for c in zip(*K, strict=True)])
    return np.array(
        [[float(a + b) for a, b in zip(r, s, strict=True)] for r, s in zip(one, two, strict=True)]
    )


def sharp_sensor(rng, n, m, scale):
    """More measurements than states, of a precision of 1e-8, and their least-squares gain."""
    H = np.linalg.qr(rng.normal(size=(m, n)))[0] * rng.uniform(0.6, 1.8, size=n)
    R = covariance(rng, m, scale)
    W = np.linalg.inv(R / scale)
    K = np.linalg.solve(H.T @ W @ H, H.T @ W)
    return H, R, K


# motion_model


@pytest.mark.parametrize(("dt", "way"), [(0.37, 1), (-1.8, 1), (3.0, -1), (-0.6, -1)])
def test_motion_model_values(submission, rng, dt, way):
    x = vehicle(rng, way=way)
    terms = {"v·dt along the heading": moved(x, dt) - x}
    assert_close(submission.motion_model(x, dt), moved(x, dt), axes=STATE, terms=terms)


def test_motion_model_no_time(submission, rng):
    x = vehicle(rng)
    assert_close(submission.motion_model(x, 0.0), x, axes=STATE)


def test_motion_model_at_rest(submission, rng):
    x = vehicle(rng)
    x[2] = 0.0
    for dt in (0.9, 0.0):
        assert_close(submission.motion_model(x, dt), x, axes=STATE)


def test_motion_model_in_every_direction(submission, rng):
    for quadrant in range(4):
        x = np.array([1.5, -2.5, 4.0, rng.uniform(0.1, 1.4) + quadrant * math.pi / 2])
        assert_close(submission.motion_model(x, 0.7), moved(x, 0.7), axes=STATE)


def test_motion_model_heading_is_not_wrapped(submission, rng):
    for heading in (rng.uniform(200, 300), -rng.uniform(200, 300)):
        x = np.array([*rng.normal(size=2), 3.0, heading])
        value = as_array(submission.motion_model(x, 0.25), (4,), axes=STATE)
        assert_close(value, moved(x, 0.25), axes=STATE, atol=MANY_TURNS)


def test_motion_model_pure(submission, rng):
    assert_pure(submission.motion_model, vehicle(rng), 0.4)


# motion_jacobian


def test_motion_jacobian_differences(submission, rng):
    x, dt = vehicle(rng), 0.6
    jacobian = submission.motion_jacobian(x, dt)
    assert_jacobian(lambda s: moved(s, dt), x, jacobian, axes=("output", "input"))


@pytest.mark.parametrize(("dt", "way"), [(0.13, 1), (2.1, -1), (-2.4, 1)])
def test_motion_jacobian_values(submission, rng, dt, way):
    x = vehicle(rng, way=way)
    F = motion_matrix(x, dt)
    value = submission.motion_jacobian(x, dt)
    assert_close(
        value,
        F,
        axes=("output", "input"),
        rtol=0.0,
        atol=DERIVATIVE * np.abs(F).max(),
        constants={"dt": abs(dt), "v": abs(x[2])},
        terms={"the identity": np.eye(4)},
    )


def test_motion_jacobian_no_time(submission, rng):
    assert_close(submission.motion_jacobian(vehicle(rng), 0.0), np.eye(4))


def test_motion_jacobian_at_rest(submission, rng):
    x = vehicle(rng)
    x[2] = 0.0
    value = submission.motion_jacobian(x, 0.9)
    assert_close(value, motion_matrix(x, 0.9), axes=("output", "input"))


def test_motion_jacobian_after_many_turns(submission, rng):
    x = vehicle(rng)
    x[3] = -rng.uniform(200, 300)
    value = submission.motion_jacobian(x, 0.31)
    assert_close(value, motion_matrix(x, 0.31), axes=("output", "input"), atol=MANY_TURNS)


def test_motion_jacobian_pure(submission, rng):
    assert_pure(submission.motion_jacobian, vehicle(rng), 0.4)


# wrap_angle


@pytest.mark.parametrize("shape", [(7,), (3, 5), (1, 4, 3), (1,), (1, 1)])
def test_wrap_angle_values(submission, rng, shape):
    a = rng.uniform(-1e3, 1e3, size=shape)
    expected = np.array([wrapped(v) for v in a.ravel()]).reshape(shape)
    assert_close(submission.wrap_angle(a), expected, rtol=0.0, atol=WRAPPED)


def test_wrap_angle_of_a_float(submission, rng):
    for size in (6.0, 1e3):
        a = float(rng.choice([-1, 1]) * rng.uniform(0.6, 1) * size)
        assert_close(submission.wrap_angle(a), wrapped(a), rtol=0.0, atol=WRAPPED)


def test_wrap_angle_of_an_array_without_axes(submission, rng):
    """Either a float or a 0-d array may come back: NumPy itself gives the one for the other."""
    a = float(rng.choice([-1, 1]) * rng.uniform(6, 900))
    assert_close(submission.wrap_angle(np.array(a)), wrapped(a), rtol=0.0, atol=WRAPPED)


def test_wrap_angle_of_arrays_in_any_layout(submission, rng):
    a = rng.uniform(-1e3, 1e3, size=(3, 5))
    expected = np.array([[wrapped(v) for v in row] for row in a])
    for view, values in (
        (np.asfortranarray(a), expected),
        (a.T, expected.T),
        (a[::-1, ::2], expected[::-1, ::2]),
    ):
        assert_close(submission.wrap_angle(view), values, rtol=0.0, atol=WRAPPED)


def test_wrap_angle_ends(submission):
    expected = np.array([math.pi, math.pi, 3.0, -3.0])
    value = submission.wrap_angle(np.array([-math.pi, math.pi, 3.0, -3.0]))
    assert_close(value, expected, rtol=0.0, atol=WRAPPED)
    assert_close(submission.wrap_angle(-math.pi), math.pi, rtol=0.0, atol=WRAPPED)
    assert_close(submission.wrap_angle(math.pi), math.pi, rtol=0.0, atol=WRAPPED)


def test_wrap_angle_near_the_ends(submission, rng):
    gap = np.append(10.0 ** rng.uniform(-7, -3, size=6), 1e-7 * rng.uniform(0.5, 1, size=2))
    a = np.concatenate([math.pi - gap, math.pi + gap, -math.pi - gap, -math.pi + gap])
    expected = np.concatenate([math.pi - gap, gap - math.pi, math.pi - gap, gap - math.pi])
    assert_close(submission.wrap_angle(a), expected, rtol=0.0, atol=WRAPPED)


def test_wrap_angle_odd_half_turns(submission):
    value = as_array(submission.wrap_angle(math.pi * np.array([3, -3, 5, -7, 317, -317.0])), (6,))
    for entry in value:
        assert_half_turn(entry, "an odd number of half turns, wrapped,")


def test_wrap_angle_whole_turns(submission, rng):
    a = 2 * math.pi * np.array([0, 1, -1, 2, -4, 150, -150])
    value = submission.wrap_angle(a)
    assert_close(value, np.zeros(7), rtol=0.0, atol=WRAPPED, zeros_expected=True)


def test_wrap_angle_keeps_what_is_inside(submission, rng):
    a = rng.uniform(-3.1, 3.1, size=(4, 3))
    assert_close(submission.wrap_angle(a), a, rtol=0.0, atol=WRAPPED)


def test_wrap_angle_pure(submission, rng):
    assert_pure(submission.wrap_angle, rng.uniform(-20, 20, size=(3, 2)))


# ekf_predict


def predicted(x, P, Q, dt):
    """The prediction, the covariance entry by entry, and its two terms."""
    F = motion_matrix(x, dt)
    spread = np.zeros((4, 4))
    for i in range(4):
        for j in range(4):
            spread[i, j] = math.fsum(
                F[i, k] * P[k, l] * F[j, l] for k in range(4) for l in range(4)
            )
    return (moved(x, dt), spread + Q), {"P": {"F P Fᵀ": spread, "Q": Q}}


@pytest.mark.parametrize(("dt", "way"), [(0.45, -1), (1.7, 1), (-1.3, 1)])
def test_ekf_predict_values(submission, rng, dt, way):
    x, P, Q = vehicle(rng, way=way), covariance(rng, 4), covariance(rng, 4, 0.5)
    expected, terms = predicted(x, P, Q, dt)
    value = submission.ekf_predict(x, P, Q, dt)
    assert_close(value, expected, name=("x", "P"), axes=(STATE, STATES), terms=terms)


def test_ekf_predict_singular(submission, rng):
    x = vehicle(rng)
    _, P = factored(rng, 4, 1)
    _, Q = factored(rng, 4, 2)
    expected, terms = predicted(x, P, Q, 0.8)
    value = submission.ekf_predict(x, P, Q, 0.8)
    assert_close(value, expected, name=("x", "P"), axes=(STATE, STATES), terms=terms)


def test_ekf_predict_no_time(submission, rng):
    x, P, Q = vehicle(rng), covariance(rng, 4), covariance(rng, 4, 0.5)
    value = submission.ekf_predict(x, P, Q, 0.0)
    assert_close(value, (x, P + Q), name=("x", "P"), axes=(STATE, STATES))


def test_ekf_predict_at_rest(submission, rng):
    """Without speed the position still depends on the speed, and its covariance on v's."""
    x, P, Q = vehicle(rng), covariance(rng, 4), covariance(rng, 4, 0.5)
    x[2] = 0.0
    expected, terms = predicted(x, P, Q, 0.8)
    value = submission.ekf_predict(x, P, Q, 0.8)
    assert_close(value, expected, name=("x", "P"), axes=(STATE, STATES), terms=terms)
    value = submission.ekf_predict(x, P, Q, 0.0)
    assert_close(value, (x, P + Q), name=("x", "P"), axes=(STATE, STATES))


def test_ekf_predict_known_state(submission, rng):
    x, Q = vehicle(rng), covariance(rng, 4, 0.5)
    value = submission.ekf_predict(x, np.zeros((4, 4)), Q, 0.8)
    assert_close(value, (moved(x, 0.8), Q), name=("x", "P"), axes=(STATE, STATES))


def test_ekf_predict_heading_is_not_wrapped(submission, rng):
    x, P, Q = vehicle(rng), covariance(rng, 4), covariance(rng, 4, 0.5)
    x[3] = -rng.uniform(200, 300)
    expected, _ = predicted(x, P, Q, 0.2)
    value = submission.ekf_predict(x, P, Q, 0.2)
    assert_close(value, expected, name=("x", "P"), axes=(STATE, STATES), atol=MANY_TURNS)


def test_ekf_predict_pure(submission, rng):
    x, P, Q = vehicle(rng), covariance(rng, 4), covariance(rng, 4, 0.5)
    assert_pure(submission.ekf_predict, x, P, Q, 0.4)


# kalman_gain


@pytest.mark.parametrize(("n", "m"), [(4, 2), (3, 5), (5, 1), (1, 3), (3, 3)])
def test_kalman_gain_values(submission, rng, n, m):
    P = covariance(rng, n)
    H, R = sensor(rng, n, m)
    K, _ = posterior(lower(P), H, R)
    assert_close(submission.kalman_gain(P, H, R), K, axes=("state", "measurement"))


@pytest.mark.parametrize(("n", "m", "rank"), [(4, 3, 1), (5, 2, 3), (2, 4, 1)])
def test_kalman_gain_singular(submission, rng, n, m, rank):
    B, P = factored(rng, n, rank)
    H, R = sensor(rng, n, m)
    K, _ = posterior(B, H, R)
    assert_close(submission.kalman_gain(P, H, R), K, axes=("state", "measurement"))


def test_kalman_gain_nothing_to_learn(submission, rng):
    H, R = sensor(rng, 4, 2)
    value = submission.kalman_gain(np.zeros((4, 4)), H, R)
    assert_close(value, np.zeros((4, 2)), zeros_expected=True)


@pytest.mark.parametrize(("n", "m"), [(3, 4), (2, 5)])
def test_kalman_gain_badly_conditioned(submission, rng, n, m):
    P = covariance(rng, n)
    H, R, _ = sharp_sensor(rng, n, m, 1e-12)
    K = as_array(submission.kalman_gain(P, H, R), (n, m), axes=("state", "measurement"))
    S = H @ P @ H.T + R
    residual = np.linalg.norm(K @ S - P @ H.T)
    size = np.linalg.norm(K) * np.linalg.norm(S)
    if not residual <= GAIN_RESIDUAL * size:
        fail(
            f"‖K S − P Hᵀ‖ is {residual / size:.3g} of ‖K‖‖S‖, and may be {GAIN_RESIDUAL:g}",
            f"S has the condition number {np.linalg.cond(S):.1g}: solve with it, do not invert it",
        )


def test_kalman_gain_pure(submission, rng):
    H, R = sensor(rng, 4, 3)
    assert_pure(submission.kalman_gain, covariance(rng, 4), H, R)


# ekf_update


def updated(x, B, y, H, R):
    """Estimate and covariance after a residual y, and what they are sums of."""
    K, P = posterior(B, H, R)
    prior = B @ B.T
    return (x + K @ y, P), {
        "x": {"the predicted x": x, "K y": K @ y},
        "P": {"P": prior, "K H P": -K @ H @ prior},
    }


@pytest.mark.parametrize(("n", "m"), [(4, 2), (3, 1), (3, 5), (3, 3)])
def test_ekf_update_values(submission, rng, n, m):
    P, x = covariance(rng, n), rng.normal(size=n) * 3
    H, R = sensor(rng, n, m)
    z = H @ x + rng.normal(size=m) * 4
    expected, terms = updated(x, lower(P), z - H @ x, H, R)
    value = submission.ekf_update(x, P, z, H, R)
    assert_close(value, expected, name=("x", "P"), axes=(STATE, STATES), terms=terms)


def test_ekf_update_singular(submission, rng):
    B, P = factored(rng, 5, 2)
    x, (H, R) = rng.normal(size=5), sensor(rng, 5, 3)
    z = rng.normal(size=3) * 4
    expected, terms = updated(x, B, z - H @ x, H, R)
    value = submission.ekf_update(x, P, z, H, R)
    assert_close(value, expected, name=("x", "P"), axes=(STATE, STATES), terms=terms)


@pytest.mark.parametrize("seen", [(0, 3), (3,), (0, 1), (0, 1, 3)])
def test_ekf_update_wraps_nothing(submission, rng, seen):
    """Each entry of the residual is beyond ±π, and so is the heading."""
    x, P, m = vehicle(rng, turns=30), covariance(rng, 4), len(seen)
    H, R = np.eye(4)[list(seen)], covariance(rng, m)
    y = np.array([7.0, -9.0, 20.0])[:m] * rng.choice([-1, 1]) * rng.uniform(0.8, 1.2, size=m)
    expected, _ = updated(x, lower(P), y, H, R)
    value = submission.ekf_update(x, P, H @ x + y, H, R)
    assert_close(value, expected, name=("x", "P"), axes=(STATE, STATES))


def test_ekf_update_no_surprise(submission, rng):
    x, P = rng.normal(size=4), covariance(rng, 4)
    H, R = sensor(rng, 4, 2)
    expected, _ = updated(x, lower(P), np.zeros(2), H, R)
    value = submission.ekf_update(x, P, H @ x, H, R)
    assert_close(value, expected, name=("x", "P"), axes=(STATE, STATES))


def test_ekf_update_pure(submission, rng):
    H, R = sensor(rng, 4, 3)
    assert_pure(
        submission.ekf_update, rng.normal(size=4), covariance(rng, 4), rng.normal(size=3), H, R
    )


# joseph_update


@pytest.mark.parametrize(("n", "m"), [(4, 2), (3, 5), (5, 1), (3, 3)])
def test_joseph_update_any_gain(submission, rng, n, m):
    P, K = covariance(rng, n), rng.normal(size=(n, m))
    H, R = sensor(rng, n, m)
    A, C = (np.eye(n) - K @ H) @ lower(P), K @ lower(R)
    value = submission.joseph_update(P, K, H, R)
    terms = {"(I − KH) P (I − KH)ᵀ": A @ A.T, "K R Kᵀ": C @ C.T}
    assert_close(value, A @ A.T + C @ C.T, axes=STATES, terms=terms)


def test_joseph_update_optimal_gain(submission, rng):
    P = covariance(rng, 4)
    H, R = sensor(rng, 4, 3)
    K, expected = posterior(lower(P), H, R)
    assert_close(submission.joseph_update(P, K, H, R), expected, axes=STATES)


def test_joseph_update_singular(submission, rng):
    B, P = factored(rng, 5, 2)
    C, R = factored(rng, 3, 1)
    H, K = rng.normal(size=(3, 5)), rng.normal(size=(5, 3))
    A, D = B - K @ H @ B, K @ C
    expected = A @ A.T + D @ D.T
    value = submission.joseph_update(P, K, H, R)
    assert_close(value, expected, axes=STATES)
    assert_covariance(as_array(value, (5, 5)))


def test_joseph_update_enormous_gain(submission, rng):
    B, P = factored(rng, 4, 1)
    H, R = sensor(rng, 4, 2)
    K = rng.normal(size=(4, 2)) * 1e6
    A, D = B - K @ (H @ B), K @ lower(R)
    value = submission.joseph_update(P, K, H, R)
    assert_close(value, A @ A.T + D @ D.T, axes=STATES)
    assert_covariance(as_array(value, (4, 4)))


@pytest.mark.parametrize(("n", "m"), [(3, 4), (2, 5), (3, 3)])
def test_joseph_update_sharp_sensor(submission, rng, n, m):
    if n == m:  # the gain is the optimal one, to rounding
        P = covariance(rng, n)
    else:
        q = rng.normal(size=n) * 3
        P = np.outer(q, q) + np.diag(rng.uniform(0.5, 2, size=n) * 1e-15)
    H, R, K = sharp_sensor(rng, n, m, 1e-16)
    value = submission.joseph_update(P, K, H, R)
    assert_close(value, joseph_exactly(P, K, H, R), axes=STATES, rtol=SHARP)
    assert_covariance(as_array(value, (n, n)))


def test_joseph_update_ten_thousand_steps(submission, rng):
    """Updates by sharp sensors and by a coarse one, after predictions of P that are updates too.

    With H = I and K = I − F, the update is P' = F P Fᵀ + K R Kᵀ: a prediction, here with noise of rank one.
    """
    n, n_steps, n_sensors = 3, 10_000, 5
    F = np.eye(n) + 0.2 * rng.normal(size=(n, n))
    F *= 0.95 / np.abs(np.linalg.eigvals(F)).max()
    q = rng.normal(size=n)
    # The noise is of rank one: after a sharp sensor, the predicted P is 1 in one direction and 1e-16 in others.
    noise = np.linalg.solve(np.eye(n) - F, q)
    prediction = np.eye(n) - F, np.eye(n), np.outer(noise, noise)
    sharp = [
        (K, H, R) for H, R, K in (sharp_sensor(rng, n, n + 1, 1e-16) for _ in range(n_sensors))
    ]
    H, R = sensor(rng, n, 2)
    coarse = 0.1 * rng.normal(size=(n, 2)), H, R  # no optimal gain
    rest = [prediction, *sharp, coarse]
    order = [
        (n_sensors + 1 if step % 7 == 3 else 1 + step // 2 % n_sensors) if step % 2 else 0
        for step in range(n_steps)
    ]
    maps = [(np.eye(n) - K @ H, K @ R @ K.T) for K, H, R in rest]
    P = own = covariance(rng, n)
    kept = np.empty((0, n, n))
    for end in (4, 100, 1000, n_steps):
        ahead = order[len(kept) : end]
        new = submission.joseph_update.scan(P, rest, ahead, lambda value: as_array(value, (n, n)))
        P = new[-1]
        for k in ahead:
            A, KRK = maps[k]
            own = A @ own @ A.T + KRK
        kept = np.concatenate([kept, new])
        _assert_steps(kept)
        assert_close(P, own, name=f"P after {end} updates", axes=STATES, rtol=1e-6)


def _assert_steps(kept):
    """Each of the matrices is a covariance, on its own scale."""
    if not np.isfinite(kept).all():
        fail(f"P is not finite any more after {len(kept)} updates or before")
    mirrored = np.swapaxes(kept, 1, 2)
    top = np.abs(kept).max(axis=(1, 2))
    asymmetry = np.abs(kept - mirrored).max(axis=(1, 2))
    least = np.linalg.eigvalsh((kept + mirrored) / 2)[:, 0]
    for step in np.flatnonzero(asymmetry > SEMIDEFINITE * top)[:1]:
        fail(
            f"after {step + 1} updates P is not symmetric: entries differ from their mirror images "
            f"by {asymmetry[step]:.3g}, and its largest entry is {top[step]:.3g}"
        )
    for step in np.flatnonzero(least < -SEMIDEFINITE * top)[:1]:
        fail(
            f"after {step + 1} updates P has the negative eigenvalue {least[step]:.3g}, "
            f"and its largest entry is {top[step]:.3g}"
        )


def test_joseph_update_pure(submission, rng):
    H, R = sensor(rng, 4, 2)
    assert_pure(submission.joseph_update, covariance(rng, 4), rng.normal(size=(4, 2)), H, R)


# range_bearing


@pytest.mark.parametrize("quadrant", range(4))
def test_range_bearing_values(submission, rng, quadrant):
    x = vehicle(rng)
    expected = np.array([rng.uniform(2, 30), rng.uniform(0.1, 1.4) + (quadrant - 2) * math.pi / 2])
    landmark = plant(rng, x, *expected)
    value = submission.range_bearing(x, landmark)
    assert_close(value, expected, axes=("range and bearing",), constants={"v": abs(x[2])})


def test_range_bearing_along_the_axes(submission, rng):
    for direction in ((3.5, 0.0), (0.0, 2.5), (-1.5, 0.0), (0.0, -4.5)):
        x = np.array([2.0, -1.0, 5.0, rng.uniform(0.3, 1.2)])
        landmark = x[:2] + direction
        angle = cmath.phase(complex(*direction)) - x[3]
        expected = np.array([max(map(abs, direction)), wrapped(angle)])
        value = assert_no_warnings(submission.range_bearing, x, landmark)
        assert_close(value, expected, axes=("range and bearing",))


def test_range_bearing_straight_behind(submission, rng):
    x = np.array([1.5, 2.0, 3.0, 0.0])
    value = submission.range_bearing(x, np.array([-4.5, 2.0]))
    assert_close(value, np.array([6.0, math.pi]), axes=("range and bearing",))


def test_range_bearing_straight_behind_elsewhere(submission, rng):
    x = vehicle(rng)
    value = as_array(submission.range_bearing(x, plant(rng, x, 8.5, math.pi)), (2,))
    assert_close(value[0], 8.5, name="the range")
    assert_half_turn(value[1], "the bearing of a landmark straight behind")


def test_range_bearing_after_many_turns(submission, rng):
    for heading in (rng.uniform(930, 999), -rng.uniform(930, 999)):
        x = np.array([*rng.normal(size=2), 4.0, heading])
        expected = np.array([rng.uniform(2, 30), rng.uniform(-3, 3)])
        value = submission.range_bearing(x, plant(rng, x, *expected))
        assert_close(value, expected, axes=("range and bearing",), atol=WRAPPED)


def test_range_bearing_pure(submission, rng):
    assert_pure(submission.range_bearing, vehicle(rng), rng.normal(size=2) + 20)


# range_bearing_jacobian


def test_range_bearing_jacobian_differences(submission, rng):
    x = vehicle(rng)
    landmark = plant(rng, x, 2.5, rng.uniform(-1, 1))
    toward = complex(*(landmark - x[:2]))

    def forward(s):  # relative to where the landmark is seen from x, so that no cut is near
        there = complex(*(landmark - s[:2]))
        return np.array([abs(there), cmath.phase(there / toward) - (s[3] - x[3])])

    jacobian = submission.range_bearing_jacobian(x, landmark)
    assert_jacobian(forward, x, jacobian, axes=("range and bearing", "state"))


@pytest.mark.parametrize("distance", [0.04, 3.0, 500.0])
def test_range_bearing_jacobian_values(submission, rng, distance):
    for bearing in (rng.uniform(0.2, 1.4), -rng.uniform(1.7, 3.0)):
        x = vehicle(rng)
        landmark = plant(rng, x, distance, bearing)
        value = submission.range_bearing_jacobian(x, landmark)
        expected = seen_matrix(x, landmark)
        constants = {"r": distance}
        for row, name in enumerate(("range", "bearing")):
            value = as_array(value, (2, 4), axes=("range and bearing", "state"))
            label = f"the derivative of the {name}"
            assert_close(
                value[row], expected[row], name=label, axes=("state",), constants=constants
            )


def test_range_bearing_jacobian_straight_behind(submission, rng):
    x = vehicle(rng)
    landmark = plant(rng, x, 3.5, math.pi)
    value = submission.range_bearing_jacobian(x, landmark)
    assert_close(value, seen_matrix(x, landmark), axes=("range and bearing", "state"))


def test_range_bearing_jacobian_along_the_axes(submission, rng):
    for direction in ((3.5, 0.0), (0.0, 2.5), (-1.5, 0.0), (0.0, -4.5)):
        x = np.array([2.0, -1.0, 5.0, rng.uniform(0.3, 1.2)])
        value = assert_no_warnings(submission.range_bearing_jacobian, x, x[:2] + direction)
        assert_close(value, seen_matrix(x, x[:2] + direction), axes=("range and bearing", "state"))


def test_range_bearing_jacobian_after_many_turns(submission, rng):
    for heading in (rng.uniform(930, 999), -rng.uniform(930, 999)):
        x = np.array([*rng.normal(size=2), 4.0, heading])
        landmark = plant(rng, x, 6.0, rng.uniform(-3, 3))
        value = submission.range_bearing_jacobian(x, landmark)
        assert_close(value, seen_matrix(x, landmark), axes=("range and bearing", "state"))


def test_range_bearing_jacobian_pure(submission, rng):
    assert_pure(submission.range_bearing_jacobian, vehicle(rng), rng.normal(size=2) + 20)


# range_bearing_update


def sighting(rng, x, bearing, residual, turns=0):
    """A landmark seen at this bearing, and a measurement of it that is off by the residual."""
    distance = rng.uniform(9, 14)
    landmark = plant(rng, x, distance, bearing)
    z = np.array([distance, wrapped(bearing + residual[1]) + 2 * math.pi * turns])
    z[0] += residual[0]
    return landmark, z


def assert_sighting(submission, x, B, P, z, landmark, residual, R, atol=MANY_TURNS):
    """Compare with the update by the planted residual."""
    expected, terms = updated(x, B, residual, seen_matrix(x, landmark), R)
    value = submission.range_bearing_update(x, P, z, landmark, R)
    assert_close(value, expected, name=("x", "P"), axes=(STATE, STATES), terms=terms, atol=atol)


@pytest.mark.parametrize("sign", [1, -1])
def test_range_bearing_update_values(submission, rng, sign):
    x, P, R = vehicle(rng), covariance(rng, 4), covariance(rng, 2, 0.4)
    residual = np.array([sign * rng.uniform(1, 2), rng.uniform(0.2, 0.5)])
    landmark, z = sighting(rng, x, rng.uniform(-1.5, 1.5), residual)
    assert_sighting(submission, x, lower(P), P, z, landmark, residual, R)


@pytest.mark.parametrize("sign", [1, -1])
def test_range_bearing_update_across_half_turn(submission, rng, sign):
    x, P, R = vehicle(rng), covariance(rng, 4), covariance(rng, 2, 0.4)
    bearing = sign * (math.pi - rng.uniform(0.05, 0.2))
    residual = np.array([rng.uniform(0.5, 1), sign * rng.uniform(0.3, 0.6)])
    landmark, z = sighting(rng, x, bearing, residual)
    assert_sighting(submission, x, lower(P), P, z, landmark, residual, R)


@pytest.mark.parametrize("turns", [1, -2, 157])
def test_range_bearing_update_unwrapped_bearing(submission, rng, turns):
    x, P, R = vehicle(rng), covariance(rng, 4), covariance(rng, 2, 0.4)
    residual = np.array([rng.uniform(0.5, 1), rng.uniform(0.3, 0.6)])
    landmark, z = sighting(rng, x, rng.uniform(-2, 2), residual, turns)
    assert_sighting(submission, x, lower(P), P, z, landmark, residual, R, atol=WRAPPED)


@pytest.mark.parametrize("size", [6, -6, 25])
def test_range_bearing_update_range_does_not_wrap(submission, rng, size):
    x, P, R = vehicle(rng), covariance(rng, 4), covariance(rng, 2, 0.4)
    residual = np.array([size * rng.uniform(0.7, 1.3), -rng.uniform(0.2, 0.5)])
    landmark, z = sighting(rng, x, rng.uniform(-1.5, 1.5), residual)
    assert_sighting(submission, x, lower(P), P, z, landmark, residual, R)


def test_range_bearing_update_large_residual(submission, rng):
    x, P, R = vehicle(rng), covariance(rng, 4), covariance(rng, 2, 0.4)
    sign = rng.choice([-1, 1])
    residual = np.array([0.7, sign * rng.uniform(2.5, 2.9)])
    landmark, z = sighting(rng, x, -sign * rng.uniform(0.1, 1), residual)
    assert_sighting(submission, x, lower(P), P, z, landmark, residual, R)


def test_range_bearing_update_heading_is_not_wrapped(submission, rng):
    x, P, R = vehicle(rng), covariance(rng, 4), covariance(rng, 2, 0.4)
    x[3] = -rng.uniform(200, 300)
    residual = np.array([0.8, rng.uniform(0.2, 0.5)])
    landmark, z = sighting(rng, x, rng.uniform(2, 3), residual, turns=7)
    assert_sighting(submission, x, lower(P), P, z, landmark, residual, R, atol=WRAPPED)


def test_range_bearing_update_singular(submission, rng):
    x, R = vehicle(rng), covariance(rng, 2, 0.4)
    B, P = factored(rng, 4, 2)
    residual = np.array([-1.2, rng.uniform(0.2, 0.5)])
    landmark, z = sighting(rng, x, rng.uniform(-2, 2), residual)
    assert_sighting(submission, x, B, P, z, landmark, residual, R)


def test_range_bearing_update_pure(submission, rng):
    x, P, R = vehicle(rng), covariance(rng, 4), covariance(rng, 2, 0.4)
    landmark, z = sighting(rng, x, 0.7, np.array([0.4, 0.2]), turns=2)
    assert_pure(submission.range_bearing_update, x, P, z, landmark, R)


# sqrt_predict


@pytest.mark.parametrize("n", [1, 3, 4])
def test_sqrt_predict_values(submission, rng, n):
    S, F, Q_sqrt = lower(covariance(rng, n)), rng.normal(size=(n, n)), rng.normal(size=(n, n))
    G = F @ S
    expected = lower(G @ G.T + Q_sqrt @ Q_sqrt.T)
    value = submission.sqrt_predict(S, F, Q_sqrt)
    assert_close(value, expected, name="S", axes=STATES)


def test_sqrt_predict_of_the_motion(submission, rng):
    S, Q_sqrt = lower(covariance(rng, 4)), rng.normal(size=(4, 4))
    F = motion_matrix(vehicle(rng), 0.7)
    G = F @ S
    value = submission.sqrt_predict(S, F, Q_sqrt)
    assert_close(value, lower(G @ G.T + Q_sqrt @ Q_sqrt.T), name="S", axes=STATES)


def test_sqrt_predict_without_noise(submission, rng):
    S, F = lower(covariance(rng, 4)), rng.normal(size=(4, 4))
    G = F @ S
    value = submission.sqrt_predict(S, F, np.zeros((4, 4)))
    # Not by the square, which loses twice the digits of a badly conditioned F.
    assert_close(value, lower_of_rows(G.T), name="S", axes=STATES, rtol=1e-7)


@pytest.mark.parametrize("known", [0, 1, 3])
def test_sqrt_predict_one_state_known(submission, rng, known):
    """A state without variance: its row of the factor is zero, and its column is not to be lost."""
    S, F, Q_sqrt = (
        np.tril(rng.normal(size=(4, 4))),
        rng.normal(size=(4, 4)),
        rng.normal(size=(4, 4)),
    )
    S[known] = Q_sqrt[known] = F[known] = 0
    F[known, known] = 1
    G = F @ S
    value = as_array(submission.sqrt_predict(S, F, Q_sqrt), (4, 4), name="S", axes=STATES)
    assert_lower(value)
    assert_close(value @ value.T, G @ G.T + Q_sqrt @ Q_sqrt.T, name="S Sᵀ", axes=STATES)


def test_sqrt_predict_singular(submission, rng):
    S = np.zeros((5, 5))
    S[:, 0], S[1:, 1] = rng.normal(size=5), rng.normal(size=4)
    F, Q_sqrt = rng.normal(size=(5, 5)), np.outer(rng.normal(size=5), rng.normal(size=5))
    G = F @ S
    value = as_array(submission.sqrt_predict(S, F, Q_sqrt), (5, 5), name="S", axes=STATES)
    assert_lower(value)
    assert_close(value @ value.T, G @ G.T + Q_sqrt @ Q_sqrt.T, name="S Sᵀ", axes=STATES)


def test_sqrt_predict_small_directions(submission, rng):
    """F = I, no noise in the last state: the factor's last entry is 1e-9 and stays that."""
    S, Q_sqrt = lower(covariance(rng, 3)), np.zeros((3, 3))
    S[2, 2] = 1e-9 * rng.uniform(1, 3)
    turn = np.linalg.qr(rng.normal(size=(2, 2)))[0]
    F = np.eye(3)
    F[:2, :2] = turn
    expected = lower_of_rows((F @ S).T)
    value = as_array(submission.sqrt_predict(S, F, Q_sqrt), (3, 3), name="S", axes=STATES)
    assert_lower(value)
    assert_close(value[2, 2], expected[2, 2], name="S[state 2, state 2]", rtol=SQRT_DIGITS)


def lower_of_rows(A):
    """The lower factor of AᵀA by Gram–Schmidt on the exact columns of A."""
    columns = [list(c) for c in zip(*exactly(A), strict=True)]
    n = len(columns)
    L = np.zeros((n, n))
    ortho = []
    for j, column in enumerate(columns):
        rest = list(column)
        for i, q in enumerate(ortho):
            square = sum(v * v for v in q)
            share = sum(a * b for a, b in zip(column, q, strict=True)) / square
            L[j, i] = float(share) * math.sqrt(square)
            rest = [a - share * b for a, b in zip(rest, q, strict=True)]
        ortho.append(rest)
        L[j, j] = math.sqrt(sum(v * v for v in rest))
    return L


def test_sqrt_predict_pure(submission, rng):
    S, F, Q_sqrt = lower(covariance(rng, 4)), rng.normal(size=(4, 4)), rng.normal(size=(4, 4))
    assert_pure(submission.sqrt_predict, S, F, Q_sqrt)


# sqrt_update


@pytest.mark.parametrize(("n", "m"), [(4, 2), (3, 5), (4, 1), (1, 3), (3, 3)])
def test_sqrt_update_values(submission, rng, n, m):
    S, H, R_sqrt = lower(covariance(rng, n)), rng.normal(size=(m, n)), root(rng, m)
    K, P = posterior(S, H, R_sqrt @ R_sqrt.T)
    value = submission.sqrt_update(S, H, R_sqrt)
    assert_close(value, (lower(P), K), name=("S", "K"), axes=(STATES, ("state", "measurement")))


@pytest.mark.parametrize("known", [0, 1, 3])
def test_sqrt_update_one_state_known(submission, rng, known):
    S, H, R_sqrt = np.tril(rng.normal(size=(4, 4))), rng.normal(size=(2, 4)), root(rng, 2)
    S[known] = 0
    assert_singular_update(submission, S, H, R_sqrt)


def test_sqrt_update_singular(submission, rng):
    S, H, R_sqrt = np.zeros((5, 5)), rng.normal(size=(3, 5)), root(rng, 3)
    S[:, 0], S[1:, 1] = rng.normal(size=5), rng.normal(size=4)
    assert_singular_update(submission, S, H, R_sqrt)


def assert_singular_update(submission, S, H, R_sqrt):
    """Compare what is unique of an update of a singular covariance."""
    n = len(S)
    K, P = posterior(S, H, R_sqrt @ R_sqrt.T)
    new, gain = pair(submission.sqrt_update(S, H, R_sqrt), "S, K")
    new = as_array(new, (n, n), name="S", axes=STATES)
    assert_lower(new)
    assert_close(new @ new.T, P, name="S Sᵀ", axes=STATES)
    assert_close(gain, K, name="K", axes=("state", "measurement"))


def test_sqrt_update_sharp_sensor(submission, rng):
    """R near 1e-16 and P near-singular: what remains is 1e-8, beside a factor of order one."""
    S, R_sqrt = lower(covariance(rng, 3)), 1e-8 * root(rng, 2)
    S[2, 2] = 1e-8 * rng.uniform(1, 3)
    H = np.linalg.qr(rng.normal(size=(2, 2)))[0] @ np.array([[1.0, 0, 0.4], [0, 1, -0.3]])
    rows = np.block([[R_sqrt, H @ S], [np.zeros((3, 2)), S]])
    expected = lower_of_rows(rows.T)[2:, 2:]
    G = H @ S
    K = np.linalg.solve(G @ G.T + R_sqrt @ R_sqrt.T, G @ S.T).T
    new, gain = pair(submission.sqrt_update(S, H, R_sqrt), "S, K")
    new = as_array(new, (3, 3), name="S", axes=STATES)
    assert_close(new, expected, name="S", axes=STATES, atol=SQRT_DIGITS * np.abs(expected).max())
    assert_close(
        gain, K, name="K", axes=("state", "measurement"), atol=SQRT_DIGITS * np.abs(K).max()
    )


@pytest.mark.parametrize(("n", "m", "singular"), [(2, 3, True), (3, 4, False)])
def test_sqrt_update_more_sharp_sensors_than_states(submission, rng, n, m, singular):
    """H P Hᵀ is singular, and only R near 1e-16 keeps the innovation from it: squares lose it.

    QR forms reach 1e-7 of the largest entry of S and of K; a gain from squared factors 1e-3 at best.
    """
    H = np.linalg.qr(rng.normal(size=(m, n)))[0] * rng.uniform(0.6, 1.8, size=n)
    R_sqrt, S = 1e-8 * root(rng, m), lower(covariance(rng, n))
    if singular:  # one large direction, the other known to 1e-8
        S = lower_of_rows(np.hstack([rng.normal(size=(n, 1)), 1e-8 * root(rng, n)]).T)
    rows = np.block([[R_sqrt, H @ S], [np.zeros((n, m)), S]])
    expected, K = lower_of_rows(rows.T)[m:, m:], gain_exactly(S, H, R_sqrt)
    new, gain = pair(submission.sqrt_update(S, H, R_sqrt), "S, K")
    new = as_array(new, (n, n), name="S", axes=STATES)
    assert_close(new, expected, name="S", axes=STATES, atol=SQRT_DIGITS * np.abs(expected).max())
    assert_close(
        gain, K, name="K", axes=("state", "measurement"), atol=SQRT_DIGITS * np.abs(K).max()
    )


def gain_exactly(S, H, R_sqrt):
    """P Hᵀ (H P Hᵀ + R)⁻¹ in exact arithmetic, by Gauss–Jordan elimination."""
    m, S, H, R_sqrt = len(H), exactly(S), exactly(H), exactly(R_sqrt)
    G = times(H, S)
    C = times(G, [list(c) for c in zip(*S, strict=True)])
    V = times(G, [list(c) for c in zip(*G, strict=True)])
    W = times(R_sqrt, [list(c) for c in zip(*R_sqrt, strict=True)])
    rows = [[a + b for a, b in zip(v, w, strict=True)] + c for v, w, c in zip(V, W, C, strict=True)]
    for j in range(m):
        for i in range(m):
            if i != j:
                share = rows[i][j] / rows[j][j]
                rows[i] = [a - share * b for a, b in zip(rows[i], rows[j], strict=True)]
    return np.array([[float(v / rows[j][j]) for v in rows[j][m:]] for j in range(m)]).T


def test_sqrt_update_three_hundred_steps(submission, rng):
    """Predictions by the suite in factors, updates by the learner: of a sharp sensor and a coarse one."""
    n, m, n_steps = 3, 2, 300
    F = np.eye(n) + 0.2 * rng.normal(size=(n, n))
    F *= 0.95 / np.abs(np.linalg.eigvals(F)).max()
    # Noise of rank two, in the directions that are measured, so that the innovation is
    # well-conditioned. A sharp sensor leaves 1e-16 in two directions and more in the third.
    sharp = np.linalg.qr(rng.normal(size=(n, m)))[0].T
    q = sharp.T @ np.linalg.qr(rng.normal(size=(m, m)))[0]
    sensors = (sharp, 1e-8 * root(rng, m)), (rng.normal(size=(m, n)), root(rng, m))
    S = lower(covariance(rng, n))
    for step in range(n_steps):
        rows = np.hstack([F @ S, q])
        S = np.tril(np.linalg.qr(rows.T, mode="r").T)
        S = S * np.where(np.diag(S) < 0, -1.0, 1.0)
        H, R_sqrt = sensors[step % 5 == 2]
        rows = np.block([[R_sqrt, H @ S], [np.zeros((n, m)), S]])
        own = np.linalg.qr(rows.T, mode="r").T[m:, m:]
        new, _ = pair(submission.sqrt_update(S, H, R_sqrt), "S, K")
        S = as_array(new, (n, n), name="S", axes=STATES)
        for G, A, name in ((S, own, "S Sᵀ"), (H @ S, H @ own, "H S (H S)ᵀ")):
            error, top = np.abs(G @ G.T - A @ A.T).max(), np.abs(A @ A.T).max()
            if not error <= SQRT_DIGITS * top:
                fail(
                    f"at step {step + 1} an entry of {name} is off by {error:.3g}",
                    f"the largest entry is {top:.3g}",
                )
        assert_lower(S)


def test_sqrt_update_pure(submission, rng):
    S, H, R_sqrt = lower(covariance(rng, 4)), rng.normal(size=(2, 4)), root(rng, 2)
    assert_pure(submission.sqrt_update, S, H, R_sqrt)


# sigma_points


def points_and_weights(x, P, alpha, beta, kappa):
    """Sigma points and their weights, one at a time."""
    n = len(x)
    spread = alpha * alpha * (n + kappa)
    L = lower(P)
    root = math.sqrt(spread)
    points = [list(x)]
    for sign in (1, -1):
        points += [[x[i] + sign * root * L[i, j] for i in range(n)] for j in range(n)]
    rest = [1 / (2 * spread)] * (2 * n)
    first = 1 - n / spread
    w_cov = [first + 1 - alpha * alpha + beta, *rest]
    return np.array(points), np.array([first, *rest]), np.array(w_cov)


SIGMA = {
    "name": ("points", "w_mean", "w_cov"),
    "axes": (("point", "state"), ("point",), ("point",)),
}


@pytest.mark.parametrize(
    ("n", "alpha", "beta", "kappa"),
    [(3, 0.7, 2.0, 1.3), (4, 1.0, 2.0, -1.0), (5, 0.3, 0.6, 0.0), (1, 0.5, 3.5, 2.0)],
)
def test_sigma_points_values(submission, rng, n, alpha, beta, kappa):
    x, P = rng.normal(size=n) * 3, covariance(rng, n)
    value = submission.sigma_points(x, P, alpha, beta, kappa)
    assert_close(
        value,
        points_and_weights(x, P, alpha, beta, kappa),
        **SIGMA,
        constants={"n": n, "alpha": alpha},
    )


def test_sigma_points_random_parameters(submission, rng):
    x, P = rng.normal(size=3), covariance(rng, 3)
    alpha, beta, kappa = (float(v) for v in rng.uniform([0.4, 0.5, 0.3], [1.4, 4, 3]))
    value = submission.sigma_points(x, P, alpha, beta, kappa)
    assert_close(value, points_and_weights(x, P, alpha, beta, kappa), **SIGMA)


def test_sigma_points_small_alpha(submission, rng):
    x, P = rng.normal(size=4), covariance(rng, 4)
    value = submission.sigma_points(x, P, 1e-3, 2.0, 0.5)
    expected = points_and_weights(x, P, 1e-3, 2.0, 0.5)
    assert_close(value, expected, **SIGMA, rtol=SMALL_ALPHA_POINTS)
    offsets = (as_array(value[0], (9, 4)) - x)[1:]
    assert_close(
        offsets,
        (expected[0] - x)[1:],
        name="points − x",
        axes=("point", "state"),
        rtol=SMALL_ALPHA_POINTS,
        atol=1e-14,
    )


def test_sigma_points_no_angle_is_wrapped(submission, rng):
    x, P = vehicle(rng, turns=30), covariance(rng, 4, 9.0)
    value = submission.sigma_points(x, P, 1.0, 2.0, 3.0)
    assert_close(value, points_and_weights(x, P, 1.0, 2.0, 3.0), **SIGMA)


def test_sigma_points_pure(submission, rng):
    assert_pure(submission.sigma_points, rng.normal(size=3), covariance(rng, 3), 0.6, 2.0, 1.0)


# unscented_transform


def weighted(points, w_mean, w_cov, noise):
    """Mean and covariance by sums over the points."""
    p, m = points.shape
    mean = [math.fsum(w_mean[i] * points[i, a] for i in range(p)) for a in range(m)]
    spread = np.zeros((m, m))
    for a in range(m):
        for b in range(m):
            spread[a, b] = math.fsum(
                w_cov[i] * (points[i, a] - mean[a]) * (points[i, b] - mean[b]) for i in range(p)
            )
    return (np.array(mean), spread + noise), {"cov": {"the spread": spread, "noise": noise}}


TRANSFORM = {"name": ("mean", "cov"), "axes": (("entry",), ("entry", "entry"))}


@pytest.mark.parametrize(("p", "m"), [(7, 3), (9, 2), (5, 6), (4, 1)])
def test_unscented_transform_values(submission, rng, p, m):
    points, noise = rng.normal(size=(p, m)) * 5, covariance(rng, m)
    w_mean = rng.uniform(0.2, 1, size=p)
    w_mean /= w_mean.sum()
    w_cov = rng.uniform(0.2, 1, size=p)
    expected, terms = weighted(points, w_mean, w_cov, noise)
    value = submission.unscented_transform(points, w_mean, w_cov, noise)
    assert_close(value, expected, **TRANSFORM, terms=terms, constants={"p": p})


def test_unscented_transform_negative_weights(submission, rng):
    points, noise = rng.normal(size=(7, 4)) + 2, covariance(rng, 4)
    w_mean = np.array([-2.0, *rng.uniform(0.3, 0.7, size=6)])
    w_mean[1] += 1 - w_mean.sum()
    w_cov = np.array([-0.8, *rng.uniform(0.3, 0.7, size=6)])
    expected, terms = weighted(points, w_mean, w_cov, noise)
    value = submission.unscented_transform(points, w_mean, w_cov, noise)
    assert_close(value, expected, **TRANSFORM, terms=terms)


def test_unscented_transform_indefinite_spread(submission, rng):
    """A negative weight can make the sum indefinite; it is added up as it is."""
    points = rng.normal(size=(7, 3))
    points[0] += np.array([4.0, -3.0, 5.0])
    w_mean, w_cov = np.full(7, 1 / 7), np.array([-1.5, *rng.uniform(0.1, 0.3, size=6)])
    for noise in (covariance(rng, 3), covariance(rng, 3) + 200 * np.eye(3)):
        expected, terms = weighted(points, w_mean, w_cov, noise)
        value = submission.unscented_transform(points, w_mean, w_cov, noise)
        assert_close(value, expected, **TRANSFORM, terms=terms)


def test_unscented_transform_of_angles(submission, rng):
    """Entries on both sides of ±π are averaged as the numbers they are."""
    points, noise = rng.normal(size=(9, 4)), covariance(rng, 4)
    points[:, 3] = rng.choice([-1, 1], size=9) * rng.uniform(2.9, 3.4, size=9)
    points[:2, 3] = 3.1, -3.1
    points[:, 1] *= 10
    w_mean, w_cov = np.full(9, 1 / 9), np.array([1.7, *rng.uniform(0.1, 0.2, size=8)])
    expected, terms = weighted(points, w_mean, w_cov, noise)
    value = submission.unscented_transform(points, w_mean, w_cov, noise)
    assert_close(value, expected, **TRANSFORM, terms=terms)


def test_unscented_transform_without_noise(submission, rng):
    points = rng.normal(size=(7, 3)) * 2
    _, w_mean, w_cov = points_and_weights(np.zeros(3), np.eye(3), 0.8, 2.0, 0.4)
    expected, _ = weighted(points, w_mean, w_cov, np.zeros((3, 3)))
    value = submission.unscented_transform(points, w_mean, w_cov, np.zeros((3, 3)))
    assert_close(value, expected, **TRANSFORM)


def test_unscented_transform_one_point(submission, rng):
    points, noise = rng.normal(size=(1, 3)) * 4, covariance(rng, 3)
    value = submission.unscented_transform(points, np.ones(1), np.array([2.6]), noise)
    assert_close(value, (points[0], noise), **TRANSFORM)


def test_unscented_transform_pure(submission, rng):
    points, noise = rng.normal(size=(7, 3)), covariance(rng, 3)
    _, w_mean, w_cov = points_and_weights(np.zeros(3), np.eye(3), 0.8, 2.0, 0.4)
    assert_pure(submission.unscented_transform, points, w_mean, w_cov, noise)


# ukf_predict


def unscented(x, P, Q, dt, alpha, beta, kappa):
    """The unscented prediction, a point at a time."""
    points, w_mean, w_cov = points_and_weights(x, P, alpha, beta, kappa)
    return weighted(np.array([moved(p, dt) for p in points]), w_mean, w_cov, Q)[0]


UNSCENTED = {"name": ("x", "P"), "axes": (STATE, STATES)}


@pytest.mark.parametrize(
    ("dt", "way", "alpha", "beta", "kappa"),
    [(0.7, -1, 1.0, 2.0, 0.0), (-1.2, 1, 0.8, 0.5, -1.0), (2.0, 1, 0.5, 3.0, 1.5)],
)
def test_ukf_predict_values(submission, rng, dt, way, alpha, beta, kappa):
    x, P, Q = vehicle(rng, way=way), covariance(rng, 4), covariance(rng, 4, 0.5)
    expected = unscented(x, P, Q, dt, alpha, beta, kappa)
    value = submission.ukf_predict(x, P, Q, dt, alpha, beta, kappa)
    assert_close(value, expected, **UNSCENTED, terms={"P": {"Q": Q}})


def test_ukf_predict_small_alpha(submission, rng):
    x, P, Q = vehicle(rng), covariance(rng, 4), covariance(rng, 4, 0.5)
    expected = unscented(x, P, Q, 0.6, 1e-3, 2.0, 0.0)
    value = submission.ukf_predict(x, P, Q, 0.6, 1e-3, 2.0, 0.0)
    atol = SMALL_ALPHA_COVARIANCE * np.abs(expected[1]).max()
    assert_close(value, expected, **UNSCENTED, rtol=SMALL_ALPHA_COVARIANCE, atol=atol)


def test_ukf_predict_indefinite_spread(submission, rng):
    """n + λ = ½: the central weight is −7, and along the way the sum without Q is negative."""
    x, P, Q = vehicle(rng), covariance(rng, 4, 0.01), covariance(rng, 4, 2.0)
    x[2] = rng.choice([-1, 1]) * rng.uniform(5, 9)
    P[3, 3] += 0.6
    expected = unscented(x, P, Q, 1.0, 1.0, 0.0, -3.5)
    value = submission.ukf_predict(x, P, Q, 1.0, 1.0, 0.0, -3.5)
    assert_close(value, expected, **UNSCENTED, terms={"P": {"Q": Q}})


def test_ukf_predict_no_time(submission, rng):
    x, P, Q = vehicle(rng), covariance(rng, 4), covariance(rng, 4, 0.5)
    value = submission.ukf_predict(x, P, Q, 0.0, 0.9, 2.0, 1.0)
    assert_close(value, (x, P + Q), **UNSCENTED)


def test_ukf_predict_heading_is_not_wrapped(submission, rng):
    x, P, Q = vehicle(rng), covariance(rng, 4), covariance(rng, 4, 0.5)
    x[3] = -rng.uniform(200, 300)
    expected = unscented(x, P, Q, 0.4, 1.0, 2.0, 0.0)
    value = submission.ukf_predict(x, P, Q, 0.4, 1.0, 2.0, 0.0)
    assert_close(value, expected, **UNSCENTED)


def test_ukf_predict_heading_at_half_turn(submission, rng):
    """Points on both sides of π stay together: none is wrapped on its way."""
    x, P, Q = vehicle(rng), covariance(rng, 4), covariance(rng, 4, 0.5)
    x[3] = rng.choice([-1, 1]) * (math.pi - rng.uniform(0.01, 0.1))
    expected = unscented(x, P, Q, 0.4, 1.0, 2.0, 0.0)
    value = submission.ukf_predict(x, P, Q, 0.4, 1.0, 2.0, 0.0)
    assert_close(value, expected, **UNSCENTED)


def test_ukf_predict_pure(submission, rng):
    x, P, Q = vehicle(rng), covariance(rng, 4), covariance(rng, 4, 0.5)
    assert_pure(submission.ukf_predict, x, P, Q, 0.4, 0.7, 2.0, 1.0)


# jacobian_forward


def complex_vector(z, n):
    """What a submission gave the suite's function, which takes one vector at a time."""
    z = np.asarray(z)
    if z.shape != (n,) or z.dtype.kind not in "fc":
        fail(f"f was called with shape {z.shape} and dtype {z.dtype}, expected a complex ({n},)")
    return z


def assert_rows(value, expected, name="jacobian"):
    """Compare on the scale of each row."""
    scale = np.abs(expected).max(axis=1, keepdims=True)
    value = as_array(value, expected.shape, name=name, axes=("output", "input"))
    # Divided first: as the statement says, 1e-12 of the row's largest.
    assert_close(
        value / scale,
        expected / scale,
        name=f"{name}, each row divided by its largest entry,",
        axes=("output", "input"),
        rtol=0.0,
        atol=COMPLEX_STEP,
    )


def test_jacobian_forward_values(submission, rng):
    a, b = rng.uniform(0.5, 1.5, size=3), rng.normal(size=3)

    def f(z):
        z = complex_vector(z, 3)
        return np.array(
            [
                np.exp(a[0] * z[0]) * np.sin(z[1]),
                z[0] * z[1] * z[2] / (1 + z[1] * z[1]),
                np.sqrt(4 + z[2] * z[2]) + b[0] * z[0],
                np.log(3 + np.cos(z[0] + z[2])),
                b @ z,
            ]
        )

    x = rng.uniform(0.3, 1.2, size=3)
    u, v, w = x
    q = 1 + v * v
    slope = -math.sin(u + w) / (3 + math.cos(u + w))
    expected = np.array(
        [
            [a[0] * math.exp(a[0] * u) * math.sin(v), math.exp(a[0] * u) * math.cos(v), 0],
            [v * w / q, u * w * (1 - v * v) / q**2, u * v / q],
            [b[0], 0, w / math.sqrt(4 + w * w)],
            [slope, 0, slope],
            b,
        ]
    )
    assert_rows(submission.jacobian_forward(f, x), expected)


def test_jacobian_forward_beyond_differences(submission, rng):
    """A large offset drowns every difference of two values; the imaginary part has none."""
    offset, a = 10.0 ** rng.uniform(4, 5, size=2), rng.uniform(0.5, 1.5, size=4)

    def f(z):
        z = complex_vector(z, 4)
        return np.array([offset[0] + np.sin(a @ z), offset[1] + np.exp(z[1] - z[3]) * z[2]])

    x = rng.uniform(0.1, 0.3, size=4)
    e = math.exp(x[1] - x[3])
    expected = np.array([math.cos(a @ x) * a, [0, e * x[2], e, -e * x[2]]])
    assert_rows(submission.jacobian_forward(f, x), expected)


def test_jacobian_forward_short_waves(submission, rng):
    """Functions that vary over 1e-2: a step that is not tiny shows."""
    rates = rng.uniform(70, 100, size=3)

    def f(z):
        z = complex_vector(z, 3)
        return np.array([np.sin(rates[0] * z[0]) + z[2], np.exp(rates[1] * (z[1] - 0.4)) * z[0]])

    x = np.array([rng.uniform(0.1, 0.2) / rates[0], 0.4 + rng.uniform(-0.5, 0.5) / rates[1], 0.7])
    e = math.exp(rates[1] * (x[1] - 0.4))
    expected = np.array([[rates[0] * math.cos(rates[0] * x[0]), 0, 1], [e, rates[1] * e * x[0], 0]])
    assert_rows(submission.jacobian_forward(f, x), expected)


@pytest.mark.parametrize(("n", "m"), [(5, 1), (1, 4), (1, 1), (3, 6), (4, 4)])
def test_jacobian_forward_shapes(submission, rng, n, m):
    A, b = rng.normal(size=(m, n)), rng.normal(size=m)

    def f(z):
        y = A @ complex_vector(z, n) + b
        return y + y * y * y / 3

    x = rng.normal(size=n)
    expected = (1 + (A @ x + b) ** 2)[:, None] * A
    assert_rows(submission.jacobian_forward(f, x), expected)


def test_jacobian_forward_at_zero(submission, rng):
    A = rng.normal(size=(3, 4))

    def f(z):
        return A @ np.sin(complex_vector(z, 4))

    x = rng.normal(size=4)
    x[[0, 2]] = 0
    for at in (x, np.zeros(4)):
        value = assert_no_warnings(submission.jacobian_forward, f, at)
        assert_rows(value, A * np.cos(at))


def test_jacobian_forward_large_and_small_entries(submission, rng):
    A = rng.normal(size=(2, 3))

    def f(z):
        z = complex_vector(z, 3)
        return A @ (z * z)

    x = np.array([1e6, -1e-6, 0.5]) * rng.uniform(1, 2, size=3)
    value = as_array(submission.jacobian_forward(f, x), (2, 3), axes=("output", "input"))
    for j in range(3):
        label = f"jacobian[:, {j}], for an x[{j}] of {x[j]:.1g},"
        assert_close(value[:, j], 2 * A[:, j] * x[j], name=label, axes=("output",))


def test_jacobian_forward_pure(submission, rng):
    A = rng.normal(size=(2, 3))
    assert_pure(
        submission.jacobian_forward, lambda z: A @ np.exp(np.asarray(z)), rng.normal(size=3)
    )


# The capstone: the filters together, on a vehicle that drives toward −x, so that bearings cross ±π

DT = 0.2
START = np.array([4.0, -3.0, 5.0, 3.0])
SPREAD = np.array(
    [
        [0.09, 0.01, 0.0, 0.0],
        [0.01, 0.09, 0.0, 0.0],
        [0.0, 0.0, 0.04, 0.001],
        [0.0, 0.0, 0.001, 9e-4],
    ]
)
NOISE = np.array(
    [[4e-3, 5e-4, 0.0, 0.0], [5e-4, 4e-3, 0.0, 0.0], [0.0, 0.0, 4e-3, 1e-4], [0.0, 0.0, 1e-4, 1e-4]]
)
POSITION = np.eye(4)[:2]
POSITION_NOISE = np.array([[0.25, 0.05], [0.05, 0.2]])
LANDMARKS = np.array([[-20.0, 8.0], [29.7, -6.7], [-6.0, -25.0]])  # the second is straight behind
LANDMARK_NOISE = np.array([[0.04, 1e-4], [1e-4, 4e-4]])
# Equal formulas, 15 steps of a well-conditioned filter; the heading is known to 1e-12 rad.
AGREEMENT = 1e-9
# Measured at 600 seeds: the ratio of the errors is 0.475 with a standard deviation of 0.025.
RATIO = 0.7


def drive(rng, n_steps):
    """True states, one a step, from a start that is drawn from the prior."""
    noise, state = lower(NOISE), START + lower(SPREAD) @ rng.normal(size=4)
    states = []
    for _ in range(n_steps):
        state = moved(state, DT) + noise @ rng.normal(size=4)
        states.append(state)
    return states


def see(rng, state, landmark):
    """A noisy range and bearing, wrapped as a sensor would give it."""
    d = complex(*(landmark - state[:2]))
    z = np.array([abs(d), cmath.phase(d) - state[3]]) + lower(LANDMARK_NOISE) @ rng.normal(size=2)
    return np.array([z[0], wrapped(z[1])])


def members(value, *shapes):
    """The members of a returned tuple, as arrays."""
    if not isinstance(value, tuple | list) or len(value) != len(shapes):
        fail(f"a filter's function should return {len(shapes)} members")
    return [as_array(v, shape) for v, shape in zip(value, shapes, strict=True)]


def complex_motion(z):
    """The motion, analytic in the state."""
    z = complex_vector(z, 4)
    return np.array([z[0] + z[2] * np.cos(z[3]) * DT, z[1] + z[2] * np.sin(z[3]) * DT, z[2], z[3]])


def assert_agree(step, filters, scale):
    """All estimates and covariances equal the first filter's."""
    (label, x, P), *others = filters
    for other, y, C in others:
        gap = max(np.abs(x - y).max(), np.abs(P - C).max())
        if not gap <= AGREEMENT * scale:
            fail(
                f"at step {step + 1} the {other} and the {label} differ by {gap:.3g}",
                f"they should agree to {AGREEMENT:g} of {scale:g}",
            )


def test_capstone_four_filters_agree(submission, rng):
    """Where the heading is known the motion is linear, and all filters are the Kalman filter."""
    s, n_steps = submission, 15
    P0, Q = SPREAD.copy(), NOISE.copy()
    P0[3] = P0[:, 3] = Q[3] = Q[:, 3] = 0
    P0[3, 3] = 1e-24  # positive definite, as the sigma points need, and straight to 1e-12
    Q_sqrt = np.zeros((4, 4))
    Q_sqrt[:3, :3] = lower(Q[:3, :3]) @ np.linalg.qr(rng.normal(size=(3, 3)))[0]
    R_sqrt = lower(POSITION_NOISE) @ np.linalg.qr(rng.normal(size=(2, 2)))[0]
    x, P = START + 0.0, P0
    pieces, roots, points = (x, P), (x, lower(P0)), (x, P)
    parameters = 0.8, 2.0, 1.0
    both, nothing = np.vstack([np.eye(4), POSITION]), np.zeros((6, 6))
    nothing[4:, 4:] = POSITION_NOISE
    for step in range(n_steps):
        z = START[:2] - 5 * DT * (step + 1) * np.array([1, 0]) + rng.normal(size=2)
        # The extended filter.
        x, P = members(s.ekf_predict(x, P, Q, DT), (4,), (4, 4))
        x, P = members(s.ekf_update(x, P, z, POSITION, POSITION_NOISE), (4,), (4, 4))
        # Gain and Joseph's form apart.
        y, C = members(s.ekf_predict(*pieces, Q, DT), (4,), (4, 4))
        K = as_array(s.kalman_gain(C, POSITION, POSITION_NOISE), (4, 2))
        C = as_array(s.joseph_update(C, K, POSITION, POSITION_NOISE), (4, 4))
        pieces = y + K @ (z - y[:2]), C
        # The square-root filter; its Jacobian by the complex step.
        y, S = roots
        F = as_array(s.jacobian_forward(complex_motion, y), (4, 4))
        y = as_array(s.motion_model(y, DT), (4,))
        S = as_array(s.sqrt_predict(S, F, Q_sqrt), (4, 4))
        S, K = members(s.sqrt_update(S, POSITION, R_sqrt), (4, 4), (4, 2))
        roots = y + K @ (z - y[:2]), S
        # The unscented filter: state and measurement of each point together.
        y, C = members(s.ukf_predict(*points, Q, DT, *parameters), (4,), (4, 4))
        spread, w_mean, w_cov = members(s.sigma_points(y, C, *parameters), (9, 4), (9,), (9,))
        joint = s.unscented_transform(spread @ both.T, w_mean, w_cov, nothing)
        mean, joint = members(joint, (6,), (6, 6))
        K = np.linalg.solve(joint[4:, 4:], joint[4:, :4]).T
        points = y + K @ (z - mean[4:]), C - K @ joint[4:, :4]
        filters = [
            ("extended filter", x, P),
            ("filter of gain and Joseph's form", *pieces),
            ("square-root filter", roots[0], roots[1] @ roots[1].T),
            ("unscented filter", *points),
        ]
        assert_agree(step, filters, 10.0)


def test_capstone_landmarks_in_square_roots(submission, rng):
    """Range and bearing through covariances and through their factors: the same filter twice."""
    s = submission
    x, P, y, S = START, SPREAD, START, lower(SPREAD)
    for step, state in enumerate(drive(rng, 15)):
        landmark = LANDMARKS[step % 3]
        z = see(rng, state, landmark)
        x, P = members(s.ekf_predict(x, P, NOISE, DT), (4,), (4, 4))
        x, P = members(s.range_bearing_update(x, P, z, landmark, LANDMARK_NOISE), (4,), (4, 4))
        F = as_array(s.motion_jacobian(y, DT), (4, 4))
        y = as_array(s.motion_model(y, DT), (4,))
        S = as_array(s.sqrt_predict(S, F, lower(NOISE)), (4, 4))
        H = as_array(s.range_bearing_jacobian(y, landmark), (2, 4))
        S, K = members(s.sqrt_update(S, H, lower(LANDMARK_NOISE)), (4, 4), (4, 2))
        residual = z - as_array(s.range_bearing(y, landmark), (2,))
        residual[1] = as_float(s.wrap_angle(float(residual[1])))
        y = y + K @ residual
        filters = [("filter of covariances", x, P), ("square-root filter", y, S @ S.T)]
        assert_agree(step, filters, 10.0)


def test_capstone_better_than_the_measurements(submission, rng):
    """The filter's position errors over 25 drives are well below the sensor's.

    False alarms: over 600 seeds the ratio of the two is 0.475 with a standard deviation of 0.025,
    and 0.56 at most; the bound of 0.7 lies nine standard deviations away.
    """
    noise = lower(POSITION_NOISE)
    own, raw = [], []
    for _ in range(25):
        x, P = START, SPREAD
        for step, state in enumerate(drive(rng, 20)):
            z = state[:2] + noise @ rng.normal(size=2)
            x, P = members(submission.ekf_predict(x, P, NOISE, DT), (4,), (4, 4))
            update = submission.ekf_update(x, P, z, POSITION, POSITION_NOISE)
            x, P = members(update, (4,), (4, 4))
            if step >= 5:
                own.append(np.sum((x[:2] - state[:2]) ** 2))
                raw.append(np.sum((z - state[:2]) ** 2))
    error, sensor_error = math.sqrt(np.mean(own)), math.sqrt(np.mean(raw))
    if not error <= RATIO * sensor_error:
        fail(
            f"the filter's position is off by {error:.3g} m (root mean square), the sensor's by "
            f"{sensor_error:.3g} m; expected at most {RATIO:g} of the sensor's"
        )


def test_capstone_errors_match_the_covariance(submission, rng):
    """NEES over 40 drives by landmarks lies within its χ² band.

    At the last step of each drive eᵀ P⁻¹ e follows χ² with 4 degrees of freedom if the filter's P is
    the covariance of its error e; the sum over 40 independent drives has d = 160. By Laurent and
    Massart (2000), lemma 1, it leaves [d − 2√(dt), d + 2√(dt) + 2t] with a probability of at
    most 2 e⁻ᵗ, which is 1e-6 for t = 14.5: from 64 to 285. Noise is small enough that the motion is
    nearly linear: over 300 seeds the mean is 159.1 and the standard deviation 18.2; those of χ² are
    160 and 17.9.
    """
    n_runs, t = 40, math.log(2e6)
    total = 0.0
    for _ in range(n_runs):
        x, P = START, SPREAD
        for step, state in enumerate(drive(rng, 12)):
            landmark = LANDMARKS[step % 3]
            z = see(rng, state, landmark)
            x, P = members(submission.ekf_predict(x, P, NOISE, DT), (4,), (4, 4))
            update = submission.range_bearing_update(x, P, z, landmark, LANDMARK_NOISE)
            x, P = members(update, (4,), (4, 4))
        error = x - state
        assert_covariance(P, "the filter's P")
        total += float(error @ np.linalg.lstsq(P, error, rcond=None)[0])
    degrees = 4 * n_runs
    low = degrees - 2 * math.sqrt(degrees * t)
    high = degrees + 2 * math.sqrt(degrees * t) + 2 * t
    if not low <= total <= high:
        verdict = "more certain than it may be" if total > high else "less certain than it could be"
        fail(
            f"eᵀ P⁻¹ e, summed over {n_runs} drives, is {total:.4g}; expected {degrees}, and at "
            f"least {low:.0f} and at most {high:.0f}",
            f"the filter is {verdict}: P does not fit its errors",
        )


def test_capstone_unscented_mean(submission, rng):
    """An uncertain heading shortens the way: E[cos θ] = e^(−σ²/2) cos θ̄, which the extended filter misses."""
    x = np.array([*rng.normal(size=2), rng.uniform(5, 9), rng.uniform(-3, 3)])
    variance = rng.uniform(0.15, 0.3)
    P = np.diag([0.1, 0.2, 0.3, variance])
    truth = moved(x, 1.0)
    truth[:2] = x[:2] + math.exp(-variance / 2) * (truth[:2] - x[:2])
    extended, _ = members(submission.ekf_predict(x, P, NOISE, 1.0), (4,), (4, 4))
    own, _ = members(submission.ukf_predict(x, P, NOISE, 1.0, 1.0, 2.0, -1.0), (4,), (4, 4))
    miss, linear = np.linalg.norm(own - truth), np.linalg.norm(extended - truth)
    # With n + λ = 3 the points have the Gaussian's fourth moment: σ⁶/48 is missing of σ²/2.
    if not miss <= 0.02 * linear:
        fail(
            f"the unscented filter's mean is {miss:.3g} m from the true one, the extended filter's "
            f"{linear:.3g} m; expected at most 0.02 of that"
        )
