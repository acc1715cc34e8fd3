"""Derivatives by extrapolated differences, each with an estimate of its own error.

The functions differentiated here belong to hidden suites: plain NumPy, float64, trusted. Nothing is
compared in this module; `grader.checks.gradient` does that.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Mapping
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np
import numpy.typing as npt

from grader.checks import memory

Floats = npt.NDArray[np.float64]
Bools = npt.NDArray[np.bool_]

EPS = float(np.finfo(np.float64).eps)
# At 2^-7 the truncation of order 6 and the rounding of f balance for functions that vary over
# lengths near one; being a power of two, x + h is exact for nearly every x.
FIRST_STEP = 2.0**-7
STEP_FRACTIONS = np.array([1.0, 0.5, 0.25])
_SIDES = np.concatenate([STEP_FRACTIONS, -STEP_FRACTIONS])
# A shrink by 8 divides an order-4 truncation by 4096 and multiplies the noise by 8. Six of them
# end at 2^-27, below which the rounding of f leaves fewer than seven digits.
SHRINK = 8.0
MAX_SHRINKS = 6
# Order 6 combines the three differences with weights 64, -20 and 1 over 45: noise of standard
# deviation σ in f becomes 4.07·σ/h in the derivative.
NOISE_GAIN = 4.0
# Shrinking pays only where truncation exceeds 7 times the noise: 8 times the noise is what it leads
# to.
NOISE_DOMINATES = 7.0
# Truncation below 1% of the relative tolerance needs no smaller step, whatever the noise.
NEGLIGIBLE_TRUNCATION = 0.01
# f rounded once to float64 has noise of standard deviation between 0.14 and 0.29 times eps·|f|.
LEAST_NOISE = EPS / 4
# The extrapolated jump of the one-sided slopes has noise of 19·σ/h, 5 times that of the derivative;
# a jump is taken for real above six standard deviations.
JUMP_SIGNIFICANCE = 30.0
# Along 8 steps of 2^-26 a smooth function is a quadratic to the last bit, and every intermediate
# value changes by 10^8 units in its last place, so that their rounding is as good as random.
NOISE_STEP = 2.0**-26
NOISE_POINTS = 8
# Where half of the values on the line are equal, f is rounded more coarsely than the line tells: a
# function that uses float32 inside, or one with a large constant. Lines 64 times longer tell; of
# two, in case that one crosses a kink.
COARSE_NOISE_STEP = 2.0**-20
NOISE_ORDERS = (3, 4, 5)
# A kink on the line imitates noise. Beyond this many eps·|f| a second, 64 times shorter line is
# asked too.
SUSPECT_NOISE = 1000.0
# Eight or nine points estimate a standard deviation to about 30%.
NOISE_MARGIN = 1.5
# Points are laid out before f is called at them, up to so many numbers (8 MB) at once.
MAX_POINT_ENTRIES = 1_000_000
# Directions and jitter are the same in every run: a verdict must be reproducible.
DIRECTION_SEED = 20111982


class Forward:
    """A function of an array, or of a dict of arrays, seen as one of a flat float64 vector.

    Parameters
    ----------
    f : the function. Each call gets a fresh float64 copy, which it may change.
    x : where it is differentiated: an array, or a dict of arrays.
    scalar : whether f must return one real number; otherwise it returns an array of any shape.

    Attributes
    ----------
    x : (n,), all members one after the other.
    value : (m,), f(x).
    shape : the shape of f(x).
    is_dict : whether x is a dict.
    members : for each array of x its key, shape, start and stop in the flat vector.
    n_calls : evaluations so far.
    size : the largest finite |f| met so far.

    Raises
    ------
    TypeError, ValueError : x or f(x) is not of real numbers, or not a number where `scalar`.
    """

    def __init__(self, f: Callable[[Any], Any], x: Any, *, scalar: bool) -> None:
        self._f = f
        self._memory = memory.current()
        self._known = memory.fingerprint(f) if self._memory is not None else None
        self.is_dict = isinstance(x, Mapping)
        if isinstance(x, Mapping):
            arrays = {key: _as_real(value, f"x[{key!r}]") for key, value in x.items()}
        else:
            arrays = {None: _as_real(x, "x")}
        self.members: list[tuple[Hashable, tuple[int, ...], int, int]] = []
        start = 0
        for key, array in arrays.items():
            self.members.append((key, array.shape, start, start + array.size))
            start += array.size
        self._shape = self.members[0][1] if self.members else (0,)
        self.x: Floats = np.concatenate([a.ravel() for a in arrays.values()] or [np.empty(0)])
        self.scalar = scalar
        self.n_calls = 1
        with np.errstate(all="ignore"):
            value = _as_real(self._f(self.unpack(self.x.copy())), "f(x)")
        if scalar and value.shape != ():
            raise ValueError(f"f must return one number, not an array of shape {value.shape}")
        self.shape = value.shape
        self.value: Floats = value.ravel()
        self.size = _largest(self.value)

    def unpack(self, flat: npt.NDArray[Any]) -> Any:
        """The array or dict of arrays that a flat vector stands for; views, not copies."""
        if not self.is_dict:
            return flat.reshape(self._shape)
        return {key: flat[start:stop].reshape(shape) for key, shape, start, stop in self.members}

    def at(self, points: Floats) -> Floats:
        """f at points beside x, (k, n) -> (k, m); NaN where f raises an arithmetic error.

        Outside its domain a forward pass may raise instead of returning NaN: `math.log(-1.0)` and
        `np.linalg.cholesky` do. Such a point only makes the step shrink.
        """
        self.n_calls += len(points)
        values = [self._one(point) for point in points]
        table = np.array(values, dtype=np.float64).reshape(len(points), -1)
        self.size = max(self.size, _largest(table))
        return table

    def _one(self, point: Floats) -> Any:
        """f at one point, or what it gave there before."""
        key = b""
        if self._memory is not None and self._known is not None:
            key = point.tobytes()
            known = self._memory.get(self._known, key)
            if known is not None:
                return known
        try:
            value = self._f(self.unpack(point))
        except (ArithmeticError, ValueError, np.linalg.LinAlgError):
            value = np.full(self.shape, np.nan)
        if self._memory is not None and self._known is not None:
            self._memory.put(self._known, key, np.asarray(value, dtype=np.float64))
        return value


@dataclass(frozen=True, slots=True)
class Estimate:
    """Derivatives of m values along k lines, all arrays (m, k).

    `error` is a cautious estimate of `value`'s error. `kink` marks the lines on which the one-sided
    slopes `left` and `right` still differ at the smallest step; `rough` those on which they seemed
    to at some step, as beside a kink.
    """

    value: Floats
    error: Floats
    kink: Bools
    rough: Bools
    left: Floats
    right: Floats


class Coordinates:
    """The lines through x along single coordinates, each scaled to its coordinate's size.

    Parameters
    ----------
    x : (n,).
    which : indices of the coordinates, or None for all of them.
    """

    def __init__(self, x: Floats, which: npt.NDArray[np.intp] | None = None) -> None:
        self._x = x
        self._which = np.arange(x.size) if which is None else which
        self._scale = _power_of_two(x)[self._which]

    def __len__(self) -> int:
        return int(self._which.size)

    def sample(
        self, f: Forward, lines: npt.NDArray[np.intp], step: float
    ) -> tuple[Floats, Floats, Floats]:
        """f on both sides of x, (k, 3, m) each, and the exact distance between them, (k, 3)."""
        which = self._which[lines]
        h = self._scale[lines, None] * (step * _SIDES)
        ends = self._x[which, None] + h
        values = np.empty((lines.size, 6, f.value.size))
        n_at_once = max(1, MAX_POINT_ENTRIES // (6 * self._x.size))
        for start in range(0, lines.size, n_at_once):
            some = slice(start, start + n_at_once)
            k = which[some].size
            points = np.tile(self._x, (6 * k, 1))
            points[np.arange(6 * k), np.repeat(which[some], 6)] = ends[some].ravel()
            values[some] = f.at(points).reshape(k, 6, -1)
        return values[:, :3], values[:, 3:], ends[:, :3] - ends[:, 3:]


class Directions:
    """The lines through x along given directions, in units of each coordinate's own scale.

    Parameters
    ----------
    x : (n,).
    weights : (k, n); dyadic fractions of few bits keep x ± h exact.
    scaled : whether `weights` are the vectors already.

    Attributes
    ----------
    vectors : (k, n), the directions along which the derivatives are taken.
    """

    def __init__(self, x: Floats, weights: Floats, *, scaled: bool = False) -> None:
        self._x = x
        self.vectors: Floats = weights if scaled else weights * _power_of_two(x)

    def __len__(self) -> int:
        return int(self.vectors.shape[0])

    def sample(
        self, f: Forward, lines: npt.NDArray[np.intp], step: float
    ) -> tuple[Floats, Floats, Floats]:
        """f on both sides of x, (k, 3, m) each, and the distance between the sides, (k, 3)."""
        values = np.empty((lines.size, 6, f.value.size))
        for k, line in enumerate(lines):
            values[k] = f.at(self._x + (step * _SIDES)[:, None] * self.vectors[line])
        return values[:, :3], values[:, 3:], np.tile(2.0 * step * STEP_FRACTIONS, (lines.size, 1))


def romberg(
    f: Forward, lines: Coordinates | Directions, noise: Floats, *, rtol: float = 1e-9
) -> Estimate:
    """Derivatives of f along lines through x, to order 6, each with an error estimate.

    Parameters
    ----------
    f : the function, m values.
    lines : k lines.
    noise : (m,), standard deviation of the rounding noise of each value; see `noise_level`.
    rtol : relative accuracy that is worth a smaller step.

    Returns
    -------
    estimate : arrays (m, k).

    Notes
    -----
    Central differences at h, h/2 and h/4 have errors in even powers of h; two rounds of
    Romberg's elimination leave order 6. The error is taken as what the last round changed, which is
    the error of the order-4 value and so an overestimate, plus the noise of f carried through. A
    line is done when its truncation is negligible or when a smaller step would only amplify noise;
    the others go on with a step smaller by 8, and each keeps the level with the smallest error.
    That makes 6 evaluations a line where f is smooth, 12 at a kink and 48 at worst.

    A kink is invisible to central differences at x itself, where they give the mean of the two
    slopes. So the jump f'(x+) - f'(x-) is extrapolated to h = 0 from the same samples, which
    cancels the curvature's part of it; while it is significant it counts as error, and if it is
    still there at the smallest step the line has a kink.

    References
    ----------
    C. J. F. Ridders, "Accurate computation of F'(x) and F'(x)F''(x)",
    Advances in Engineering Software 4 (1982), 75-76. W. Romberg, "Vereinfachte numerische
    Integration" (1955). Press et al., Numerical Recipes, 3rd ed., section 5.7.
    """
    search = _Search(f, lines, noise, rtol)
    todo = np.arange(len(lines))
    with np.errstate(all="ignore"):
        done, jumping = search.refine(todo, 0)
        # A kink at x itself needs no level in between: the last one confirms it.
        suspects = np.flatnonzero(jumping.any(axis=1))
        if suspects.size:
            _, still = search.refine(todo[suspects], MAX_SHRINKS)
            done[suspects] |= still | (done[suspects] & ~jumping[suspects])
        todo = todo[~done.all(axis=1)]
        for level in range(1, MAX_SHRINKS + 1):
            if todo.size == 0:
                break
            done, _ = search.refine(todo, level)
            todo = todo[~done.all(axis=1)]
    return search.estimate()


class _Search:
    """The best derivative of each line so far, (k, m), one level at a time."""

    def __init__(
        self, f: Forward, lines: Coordinates | Directions, noise: Floats, rtol: float
    ) -> None:
        self._f, self._lines, self._noise, self._rtol = f, lines, noise, rtol
        shape = (len(lines), f.value.size)
        self._value, self._error = np.zeros(shape), np.full(shape, np.inf)
        self._left, self._right = np.full(shape, np.nan), np.full(shape, np.nan)
        self._kink, self._rough = np.zeros(shape, dtype=np.bool_), np.zeros(shape, dtype=np.bool_)

    def refine(self, todo: npt.NDArray[np.intp], level: int) -> tuple[Bools, Bools]:
        """Sample lines at one level and keep what is better; which are done and which jump."""
        f = self._f
        plus, minus, width = self._lines.sample(f, todo, FIRST_STEP / SHRINK**level)
        half = width[:, :, None] / 2.0
        slopes = (plus - minus) / (2.0 * half)
        order4 = (4.0 * slopes[:, 1:] - slopes[:, :-1]) / 3.0
        order6 = (16.0 * order4[:, 1] - order4[:, 0]) / 15.0
        truncation = np.abs(order6 - order4[:, 1])
        size = np.maximum(np.abs(plus[:, 0]), np.abs(minus[:, 0]))
        sigma = np.maximum(self._noise, LEAST_NOISE * np.maximum(size, np.abs(f.value)))
        rounding = NOISE_GAIN * sigma / half[:, 0]

        jumps = (plus - 2.0 * f.value + minus) / half
        no_curvature = 2.0 * jumps[:, 1:] - jumps[:, :-1]
        jump = (8.0 * no_curvature[:, 1] - no_curvature[:, 0]) / 7.0
        jump_error = np.abs(jump - no_curvature[:, 1])
        jumping: Bools = np.abs(jump) > JUMP_SIGNIFICANCE * rounding + 2.0 * jump_error

        error = truncation + rounding + np.where(jumping, np.abs(jump), 0.0)
        error = np.where(np.isfinite(order6) & np.isfinite(error), error, np.inf)
        better = error < self._error[todo]
        self._value[todo] = np.where(better, order6, self._value[todo])
        self._error[todo] = np.where(better, error, self._error[todo])
        self._kink[todo] = jumping & (level == MAX_SHRINKS)
        self._rough[todo] |= jumping
        self._left[todo] = (f.value - minus[:, 2]) / half[:, 2]
        self._right[todo] = (plus[:, 2] - f.value) / half[:, 2]
        negligible = NEGLIGIBLE_TRUNCATION * self._rtol * np.abs(order6)
        settled = truncation <= np.maximum(NOISE_DOMINATES * rounding, negligible)
        return settled & ~jumping & np.isfinite(error), jumping

    def estimate(self) -> Estimate:
        """What was found, turned to (m, k)."""
        return Estimate(
            self._value.T, self._error.T, self._kink.T, self._rough.T, self._left.T, self._right.T
        )


def noise_level(f: Forward) -> Floats:
    """Standard deviation of the rounding noise of each value of f near x, (m,).

    Notes
    -----
    The ECNoise estimate: along a short line the third and higher differences of a
    smooth function vanish, so that what is left of them is noise, of known variance. The line's
    direction is random but the same in every run; its steps are multiples of a common unit in the
    last place, so that the rounding of x itself is not counted. Eight evaluations, and some more
    where the noise looks too large to be true: a kink crossing the line does that.

    References
    ----------
    J. J. Moré and S. M. Wild, "Estimating computational noise", SIAM J. Sci. Comput. 33 (2011),
    1292-1314, sections 3 and 5.
    """
    rng = np.random.default_rng(DIRECTION_SEED)
    least = LEAST_NOISE * np.abs(f.value)
    noise = np.full(f.value.shape, np.inf)
    with np.errstate(all="ignore"):
        for spacing in (NOISE_STEP, -NOISE_STEP, NOISE_STEP / 64):
            found, n_ties = _noise_along(f, rng, spacing)
            if np.any(n_ties > NOISE_POINTS // 2):
                ahead, _ = _noise_along(f, rng, COARSE_NOISE_STEP)
                behind, _ = _noise_along(f, rng, -COARSE_NOISE_STEP)
                found = np.where(n_ties > NOISE_POINTS // 2, np.fmin(ahead, behind), found)
            noise = np.fmin(noise, found)
            if np.all(noise <= SUSPECT_NOISE * EPS * np.abs(f.value)):
                break
    noise = np.where(np.isfinite(noise), noise, 16.0 * least)  # every line left f's domain
    return np.maximum(NOISE_MARGIN * noise, least)


def _noise_along(
    f: Forward, rng: np.random.Generator, spacing: float
) -> tuple[Floats, npt.NDArray[np.intp]]:
    """Noise from one line's difference table, and how many neighbours on it are equal, (m,) each."""
    step = spacing * dyadic_directions(rng, 1, f.x.size)[0] * _power_of_two(f.x)
    table = np.empty((NOISE_POINTS + 1, f.value.size))
    table[0] = f.value
    table[1:] = f.at(f.x + np.arange(1, NOISE_POINTS + 1)[:, None] * step)
    n_ties = np.count_nonzero(table[1:] == table[:-1], axis=0)
    noise = np.zeros(f.value.shape)
    for order in range(1, max(NOISE_ORDERS) + 1):
        table = np.diff(table, axis=0)
        if order in NOISE_ORDERS:
            noise = np.maximum(noise, np.sqrt(np.mean(table * table, axis=0) * _GAMMA[order]))
    return noise, n_ties


def _factorial_ratio(order: int) -> float:
    """(k!)²/(2k)!: the variance of a k-th difference of unit noise is the inverse of this."""
    product = 1.0
    for i in range(1, order + 1):
        product *= i / (order + i)
    return product


_GAMMA = {order: _factorial_ratio(order) for order in NOISE_ORDERS}


def dyadic_directions(rng: np.random.Generator, k: int, n: int) -> Floats:
    """Random directions (k, n): signs at random, magnitudes at random among 8/8, 9/8, … 15/8.

    Magnitudes near one let no single entry hide, as a Gaussian's small ones do; their being unequal
    lets no two errors of one size cancel, as plain signs would in every other direction. With few
    bits, x ± h·v is exact.
    """
    return np.asarray(rng.integers(8, 16, size=(k, n)) * rng.choice([-0.125, 0.125], size=(k, n)))


def at_kink(f: Forward, noise: Floats) -> bool:
    """Whether the slopes of f jump at x along one of three random directions.

    Along a coordinate the jumps of several kinks can cancel, or hide a kink that only other
    coordinates cross; along a random direction they do not.
    """
    rng = np.random.default_rng(DIRECTION_SEED + 1)
    lines = Directions(f.x, dyadic_directions(rng, 3, f.x.size))
    return bool(romberg(f, lines, noise).kink.any())


def numeric_gradient(f: Callable[[Any], Any], x: Any) -> tuple[Any, Any]:
    """Gradient of a scalar function by Romberg differences, with an error estimate.

    Parameters
    ----------
    f : maps an array like x, or a dict of arrays, to one real number.
    x : array of any shape, or a dict of arrays.

    Returns
    -------
    gradient, error : arrays of x's shape, or dicts of arrays with x's keys. Ten times `error` has
        not been exceeded on any smooth function tried; infinite where f has no finite values around
        x.

    Raises
    ------
    TypeError, ValueError : x is not real, or f(x) not one real number.

    Notes
    -----
    6 evaluations for each entry where f is smooth. At a kink the value is the mean of
    the two one-sided slopes and the error at least their difference. See `romberg`.

    Examples
    --------
    >>> gradient, error = numeric_gradient(lambda x: (x**3).sum(), np.array([1.0, 2.0]))
    >>> bool(np.all(np.abs(gradient - [3.0, 12.0]) <= 10 * error))
    True
    """
    forward = Forward(f, x, scalar=True)
    found = romberg(forward, Coordinates(forward.x), noise_level(forward))
    return forward.unpack(found.value[0].copy()), forward.unpack(found.error[0].copy())


def numeric_jacobian(f: Callable[[Any], Any], x: Any) -> tuple[Any, Any]:
    """Jacobian of an array function by Romberg differences, with an error estimate.

    Parameters
    ----------
    f : maps an array like x, or a dict of arrays, to an array.
    x : array of any shape, or a dict of arrays.

    Returns
    -------
    jacobian, error : arrays (*f(x).shape, *x.shape), the derivative of output i with respect to
        input j at [i, j]; for a dict, dicts of such arrays with x's keys.

    Raises
    ------
    TypeError, ValueError : x or f(x) is not real.

    Examples
    --------
    >>> A = np.array([[1.0, 2.0, 0.0], [0.0, 3.0, 4.0]])
    >>> jacobian, error = numeric_jacobian(lambda x: A @ x, np.ones(3))
    >>> bool(np.allclose(jacobian, A, atol=1e-12))
    True
    """
    forward = Forward(f, x, scalar=False)
    found = romberg(forward, Coordinates(forward.x), noise_level(forward))
    return unpack_rows(forward, found.value), unpack_rows(forward, found.error)


def unpack_rows(f: Forward, rows: npt.NDArray[Any]) -> Any:
    """(m, n) as an array (*f(x).shape, *x.shape), or as a dict of them."""
    parts = {
        key: rows[:, start:stop].reshape(f.shape + shape) for key, shape, start, stop in f.members
    }
    return parts if f.is_dict else parts[None]


def blocks_of(f: Forward, n_parts: int) -> list[slice]:
    """Each member of x cut into up to `n_parts` contiguous blocks."""
    blocks = []
    for _, _, start, stop in f.members:
        n = min(n_parts, stop - start)
        blocks += [
            slice(a, b) for a, b in pairwise(start + (stop - start) * i // n for i in range(n + 1))
        ]
    return blocks


def _power_of_two(x: Floats) -> Floats:
    """The smallest powers of two that are at least max(1, |x|)."""
    return np.exp2(np.ceil(np.log2(np.maximum(1.0, np.abs(x)))))


def _largest(values: Floats) -> float:
    size = np.abs(values)
    return float(np.max(size, where=np.isfinite(size), initial=0.0))


def _as_real(value: object, name: str) -> Floats:
    array = np.asarray(value)
    if array.dtype.kind not in "fiub":
        raise TypeError(f"{name} must be real numbers, and its dtype is {array.dtype}")
    return np.array(array, dtype=np.float64)
