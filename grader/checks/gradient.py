"""Assertions on gradients, Jacobians, vector-Jacobian products and adjoints.

Each compares what a submission returned with extrapolated differences of the suite's own forward
pass. A wrong answer raises `CheckFailure`; what cannot be decided raises `CheckUnresolved`, which
is nobody's failure; and a check that zeros would have passed raises `VacuousCheckError`, which is
the suite's.
"""

from __future__ import annotations

import heapq
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NoReturn

import numpy as np
import numpy.typing as npt

from grader.checks.numeric import (
    EPS,
    Bools,
    Coordinates,
    Directions,
    Estimate,
    Floats,
    Forward,
    at_kink,
    blocks_of,
    dyadic_directions,
    noise_level,
    romberg,
    unpack_rows,
)
from grader.checks.values import as_array, is_vacuous, raise_mismatch
from grader.errors import CheckFailure, CheckUnresolved, VacuousCheckError
from grader.model import Failure

# Two right derivations of one gradient agree to some tens of eps times their conditioning; no
# wrong formula comes within 1e-9 of a right one.
RTOL = 1e-9
# An inner product of two random vectors loses digits against the product of their norms, and the
# norms are what the tolerance is relative to.
RTOL_ADJOINT = 1e-10
# The true error of the numeric value was at most 5.4 times its estimate in 139,000 entries.
ERROR_FACTOR = 10.0
# Where the numeric value is too poor to pass an entry, it fails one only beyond all doubt.
DOUBTFUL_ERROR_FACTOR = 100.0
# The floor of an entry that is small beside its neighbours, as in `assert_close`: it is a sum of
# terms as large as they are, each rounded.
FLOOR_ULPS = 256
# A numeric error above this part of the largest entry would let real mistakes through. Smooth
# functions stay two hundred times below it; with kinks 1e-6 from x the error is about half of it.
UNRESOLVED = 1e-6
# A Jacobian's row of zeros has no scale of its own; it is zero if it is so beside the others. Where
# all is zero, |f| is the only scale left.
ZERO_ROW = 1e-9
# Above this many entries, 6n evaluations take too long and directions are compared.
MAX_COORDINATES = 2000
# With magnitudes in [1, 2) one direction shows any single wrong entry. The other seven are for
# errors that cancel along one: 1 in 16 pairs of equal errors does.
N_DIRECTIONS = 8
# One array is also compared block by block, so that its small entries are not drowned by its large.
N_BLOCKS = 4
# Errors of single entries that are all within the tolerance add up at random along a direction:
# four standard deviations.
DIRECTION_FACTOR = 4.0
# Locating one entry of 100,000 takes 17 halvings of 6 evaluations and 6 more; the search goes on
# for further ones until SEARCH_CALLS, and without any until SEARCH_LIMIT.
SEARCH_CALLS = 150
SEARCH_LIMIT = 600
# Beside a kink the check is repeated this far away: generic, and still in the region meant.
JITTER = 1e-2
JITTER_ATTEMPTS = 5
JITTER_SEED = 19370627
# Several kinks that one coordinate crosses the opposite way make the derivative of the
# code (each ReLU taken flat at 0) lie outside both one-sided slopes, by at most what they
# contribute themselves.
KINK_MARGIN = 2.0

SOMEWHERE = "along a random direction"
KINKS_ADVICE = (
    "f has a kink at x: pass kinks=True and grad as a function of x, or choose x away from it"
)
DOMAIN_ADVICE = "choose x inside f's domain"
NOISE_ADVICE = (
    "compute f in float64, deterministic and without cancellation, or choose x away from kinks"
)


def assert_gradient(
    f: Callable[[Any], Any],
    x: Any,
    grad: Any,
    *,
    name: str = "grad",
    axes: Any = None,
    rtol: float = RTOL,
    kinks: bool = False,
    constants: Mapping[str, float] | None = None,
    terms: Mapping[str, Any] | None = None,
) -> None:
    """Compare a gradient with Romberg differences of the function.

    Parameters
    ----------
    f : the suite's own forward pass: maps an array like x, or a dict of arrays, to one real number,
        in float64. It gets a fresh float64 copy at every call and may change it.
    x : array of any shape, or a dict of arrays.
    grad : what the submission returned: an array of x's shape, or a dict of arrays with x's keys;
        or a function of x that returns it, called once. With `kinks` it must be a function.
    name : what the gradient is called in a failure; a dict's members are ``name['key']``.
    axes : the axes' names; for a dict, a dict of them.
    rtol : relative tolerance.
    kinks : whether f has kinks (ReLU, max, clip, abs) that x may lie on.
    constants, terms : for the diagnosis; see `assert_close`. For a dict, `terms` maps a key to its
        terms.

    Raises
    ------
    CheckFailure : wrong in type, shape, dtype or value.
    CheckUnresolved : the numeric gradient is too uncertain: noise in f, or a kink that was not
        announced.
    VacuousCheckError : x is empty, f is not finite at x, or the true gradient of an array is zero,
        so that zeros would pass.
    TypeError, ValueError : f does not return one real number, or `kinks` is set and `grad` is no
        function.

    Notes
    -----
    An entry passes where |a − n| ≤ rtol·max(|a|, |n|) + 10·err + 256·eps·max|n|. `err`
    is the numeric value's error as estimated for that entry, and the maximum is over the array that
    the entry belongs to: taken over all arrays of a dict, a large one would lend its scale to a
    small one and hide errors there. Rounding that does come from another array, as in the gradient
    of a bias that is zero by cancellation, shows as noise in f and is within `err`. There is no
    absolute tolerance, so that the verdict does not depend on the loss's units.

    Where 10·err exceeds 1e-6 of the array's largest entry, agreement proves nothing: the entry is
    unresolved, unless the difference exceeds 100·err, which no estimate is wrong by.

    A gradient in a narrower type is compared with 256·eps of that type times max|n|.

    With `kinks`, and x at a kink or so close that nothing can be said, the answer there must be
    finite and within reach of the one-sided slopes, and `grad` is called again at two points on
    opposite sides, moved by about 1e-2, at both of which it must be right. A right answer can lie
    outside the slopes along one coordinate: with relu'(0) = 0 and two rows whose inputs have
    opposite signs at the kink, both slopes differ from the code's derivative. So the reach is
    twice the largest entry, and the points beside the kink decide. Two of them, because a unit
    that is dead on one side, where its part of the derivative can be anything, is active on the
    other.

    Above 2000 entries, derivatives along eight random directions and one for each block are
    compared; where they differ, halving the direction finds wrong entries within about 250
    evaluations.

    References
    ----------
    See `grader.checks.numeric.romberg`.
    """
    _check(f, x, grad, True, _Labels(name, axes, constants, terms), rtol, kinks)


def assert_jacobian(
    f: Callable[[Any], Any],
    x: Any,
    jacobian: Any,
    *,
    name: str = "jacobian",
    axes: Any = None,
    rtol: float = RTOL,
    kinks: bool = False,
    constants: Mapping[str, float] | None = None,
    terms: Mapping[str, Any] | None = None,
) -> None:
    """Compare a Jacobian with Romberg differences of the function.

    Parameters
    ----------
    f : maps an array like x, or a dict of arrays, to an array; otherwise as in `assert_gradient`.
    x : array of any shape, or a dict of arrays.
    jacobian : array (*f(x).shape, *x.shape), the derivative of output i with respect to input j at
        [i, j]; a dict of such arrays with x's keys; or a function of x that returns it.
    name, axes, rtol, kinks, constants, terms : as in `assert_gradient`; `axes` names all axes, f's
        first.

    Raises
    ------
    CheckFailure, CheckUnresolved, VacuousCheckError, TypeError, ValueError : as in
        `assert_gradient`.

    Notes
    -----
    As in `assert_gradient`, each row (the gradient of one output) having its own scale.
    A row of zeros is compared on the scale of the largest row; only a Jacobian that is zero
    everywhere is vacuous.
    """
    _check(f, x, jacobian, False, _Labels(name, axes, constants, terms), rtol, kinks)


def assert_vjp(
    f: Callable[[Any], Any],
    x: Any,
    grad_output: Any,
    vjp: Any,
    *,
    name: str = "vjp",
    axes: Any = None,
    rtol: float = RTOL,
    kinks: bool = False,
    constants: Mapping[str, float] | None = None,
    terms: Mapping[str, Any] | None = None,
) -> None:
    """Compare a backward pass with Romberg differences of the forward pass.

    Parameters
    ----------
    f : maps an array like x, or a dict of arrays, to an array; otherwise as in `assert_gradient`.
    x : array of any shape, or a dict of arrays.
    grad_output : array of f(x)'s shape, the upstream gradient. Random, never ones.
    vjp : array of x's shape, or a dict of arrays with x's keys, the gradient of
        sum(f(x)·grad_output); or a function of x that returns it.
    name, axes, rtol, kinks, constants, terms : as in `assert_gradient`.

    Raises
    ------
    CheckFailure, CheckUnresolved, VacuousCheckError, TypeError : as in `assert_gradient`.
    ValueError : also where grad_output has not f(x)'s shape.
    """
    upstream = np.array(grad_output, dtype=np.float64)

    def loss(point: Any) -> Any:
        output = np.asarray(f(point))
        if output.shape != upstream.shape:
            raise ValueError(
                f"grad_output has shape {upstream.shape} and f(x) has {output.shape}: not the same"
            )
        return np.sum(output * upstream)

    _check(loss, x, vjp, True, _Labels(name, axes, constants, terms), rtol, kinks)


def assert_adjoint(
    forward: Callable[[Any], Any],
    adjoint: Callable[[Any], Any],
    x: Any,
    y: Any,
    *,
    name: str = "adjoint",
    rtol: float = RTOL_ADJOINT,
) -> None:
    """Check that one linear map is the adjoint of another: ⟨forward(x), y⟩ = ⟨x, adjoint(y)⟩.

    Parameters
    ----------
    forward : linear, maps an array of x's shape to one of y's.
    adjoint : maps an array of y's shape to one of x's.
    x, y : random arrays.
    name : what adjoint(y) is called in a failure.
    rtol : tolerance relative to the larger of ‖forward(x)‖·‖y‖ and ‖x‖·‖adjoint(y)‖.

    Raises
    ------
    CheckFailure : a result of the wrong type or shape, or not finite, or the two products differ,
        or forward(x) is zero everywhere.
    VacuousCheckError : x or y is empty or not finite, or ⟨forward(x), y⟩ is so small that zeros
        would pass.

    Notes
    -----
    Nothing is differenced, so it holds to rounding for maps of any size, and tests a
    pair of which neither is known to be right. Where it fails, adjoint(y) is compared with
    ⟨forward(e_i), y⟩ for the unit vectors e_i, which tells the wrong entries if `forward` is right
    and linear.

    References
    ----------
    J. F. Claerbout, Earth Soundings Analysis: Processing Versus Inversion (1992), chapter 5, the
    dot-product test.
    """
    x, y = np.array(x, dtype=np.float64), np.array(y, dtype=np.float64)
    if not (x.size and y.size and np.isfinite(x).all() and np.isfinite(y).all()):
        raise VacuousCheckError(
            f"{name}: x and y must be finite and not empty; draw them at random"
        )
    image = _finite(as_array(forward(x.copy()), y.shape, None, name="forward(x)"), "forward(x)")
    back = _finite(as_array(adjoint(y.copy()), x.shape, None, name=name), name)
    eps = max(float(np.finfo(a.dtype).eps) for a in (image, back))
    image, back = image.astype(np.float64), back.astype(np.float64)
    if not image.any():
        raise CheckFailure(Failure("forward(x) is zero everywhere for a random x"))
    left, right = float(np.sum(image * y)), float(np.sum(x * back))
    size = max(_norm(image) * _norm(y), _norm(x) * _norm(back))
    tolerance = (rtol if eps <= EPS else FLOOR_ULPS * eps) * size
    if abs(left) <= tolerance and abs(right) <= tolerance:
        raise VacuousCheckError(
            f"{name}: ⟨forward(x), y⟩ is zero, so that zeros would pass; draw x and y at random"
        )
    if abs(left - right) <= tolerance:
        return
    products = f"⟨forward(x), y⟩ = {left:.10g} and ⟨x, {name}⟩ = {right:.10g}; they must be equal"
    if x.size <= MAX_COORDINATES:
        expected = _adjoint_by_columns(forward, x, y)
        allowed = tolerance / _norm(x)
        wrong = np.abs(back - expected) > allowed
        if np.isfinite(expected).all() and wrong.any():
            raise_mismatch(
                back, expected, np.full(x.shape, allowed), wrong, name=name, notes=(products,)
            )
    raise CheckFailure(Failure(f"{name} is not the adjoint of forward", notes=(products,)))


def _adjoint_by_columns(forward: Callable[[Any], Any], x: Floats, y: Floats) -> Floats:
    """⟨forward(e_i), y⟩ for every unit vector e_i, in x's shape."""
    expected = np.empty(x.size)
    for i in range(x.size):
        unit = np.zeros(x.size)
        unit[i] = 1.0
        column = as_array(forward(unit.reshape(x.shape)), y.shape, None, name="forward(x)")
        expected[i] = np.sum(column.astype(np.float64) * y)
    return expected.reshape(x.shape)


@dataclass(frozen=True, slots=True)
class _Labels:
    """What a failure calls things, and what the diagnosis may use."""

    name: str
    axes: Any
    constants: Mapping[str, float] | None
    terms: Mapping[str, Any] | None

    def member(self, key: Any) -> str:
        return self.name if key is None else f"{self.name}[{key!r}]"

    def axes_of(self, key: Any) -> Sequence[str] | None:
        if key is None:
            return None if self.axes is None else tuple(self.axes)
        return self.axes.get(key) if isinstance(self.axes, Mapping) else None

    def terms_of(self, key: Any) -> Mapping[str, Any] | None:
        return self.terms if key is None or self.terms is None else self.terms.get(key)


@dataclass(frozen=True, slots=True)
class _Claim:
    """A submission's derivatives as rows (m, n), and the precision they have."""

    rows: Floats
    eps: float


@dataclass(frozen=True, slots=True)
class _Verdict:
    """What one comparison found; the arrays are (m, n).

    `out_of_reach` are the wrong entries that a kink cannot excuse. `unresolved` and `kink` say
    where, in words, or are empty. `zeros` are the members of x whose true gradient zeros would pass
    for.
    """

    expected: Floats
    tolerance: Floats
    wrong: Bools
    out_of_reach: Bools
    unresolved: str = ""
    kink: str = ""
    zeros: tuple[Any, ...] = ()
    rough: bool = False
    notes: tuple[str, ...] = ()
    spread: str = ""
    """Set where directions differ and no single entry does."""

    @property
    def fails(self) -> bool:
        return bool(self.wrong.any()) or bool(self.spread)


def _check(
    f: Callable[[Any], Any],
    x: Any,
    grad: Any,
    scalar: bool,
    labels: _Labels,
    rtol: float,
    kinks: bool,
) -> None:
    if kinks and not callable(grad):
        raise ValueError(f"{labels.name}: with kinks=True, pass a function of x, not its value")
    forward = _forward(f, x, scalar, labels)
    claim = _claim(forward, grad(_copy(x)) if callable(grad) else grad, labels)
    noise = noise_level(forward)
    verdict = _judge(forward, claim, noise, rtol)
    # Directions have seen the kinks that single coordinates may not show.
    hidden = not verdict.kink and verdict.fails and forward.x.size <= MAX_COORDINATES
    kinked = bool(verdict.kink) or (hidden and at_kink(forward, noise))
    if kinks and (kinked or verdict.unresolved):
        if verdict.out_of_reach.any():
            _fail(forward, claim, verdict, labels, verdict.out_of_reach, _near_kink(verdict))
        _check_beside(f, x, grad, scalar, labels, rtol)
        return
    if verdict.out_of_reach.any() or (verdict.fails and not kinked):
        wrong = verdict.wrong | verdict.out_of_reach
        _fail(forward, claim, verdict, labels, wrong, _near_kink(verdict))
    if kinked:
        raise CheckUnresolved(f"{labels.name}: {KINKS_ADVICE} (seen {verdict.kink or SOMEWHERE})")
    if verdict.unresolved:
        raise CheckUnresolved(
            f"{labels.name}: the numeric derivative is too uncertain {verdict.unresolved}; "
            f"{NOISE_ADVICE}"
        )
    _require_nonzero(labels, verdict.zeros)


def _check_beside(
    f: Callable[[Any], Any],
    x: Any,
    grad: Callable[[Any], Any],
    scalar: bool,
    labels: _Labels,
    rtol: float,
) -> None:
    """Judge on both sides of a kink: what is active on one side may be dead on the other."""
    rng = np.random.default_rng(JITTER_SEED)
    for _ in range(JITTER_ATTEMPTS):
        move = _jitter(x, rng)
        zeros: list[set[Any]] = []
        for side in (1.0, -1.0):
            moved = _moved(x, move, side)
            try:
                forward = Forward(f, moved, scalar=scalar)
            except (ArithmeticError, ValueError, np.linalg.LinAlgError):
                break  # outside f's domain
            if not np.isfinite(forward.value).all():
                break
            claim = _claim(forward, grad(_copy(moved)), labels)
            verdict = _judge(forward, claim, noise_level(forward), rtol)
            if verdict.kink or verdict.unresolved:
                break
            if verdict.fails:
                note = (
                    "x lies at a kink of the forward pass, so the gradient was asked for again at a "
                    f"point moved by about {JITTER:g}; this is the answer there"
                )
                _fail(forward, claim, verdict, labels, verdict.wrong, (note,))
            zeros.append(set(verdict.zeros))
        if len(zeros) == 2:
            _require_nonzero(labels, zeros[0] & zeros[1])
            return
    raise CheckUnresolved(
        f"{labels.name}: no point beside the kink can be judged; choose x away from kinks"
    )


def _require_nonzero(labels: _Labels, zeros: Iterable[Any]) -> None:
    for key in zeros:
        raise VacuousCheckError(
            f"{labels.member(key)}: the true derivative is zero to within rounding, so that zeros "
            "would pass; choose data for which it is not, or compare this member with "
            "`assert_close(..., zeros_expected=True)`"
        )


def _judge(forward: Forward, claim: _Claim, noise: Floats, rtol: float) -> _Verdict:
    judge = _judge_entries if forward.x.size <= MAX_COORDINATES else _judge_directions
    with np.errstate(all="ignore"):
        return judge(forward, claim, noise, rtol)


def _judge_entries(forward: Forward, claim: _Claim, noise: Floats, rtol: float) -> _Verdict:
    """Compare every entry with a derivative along its own coordinate."""
    found = romberg(forward, Coordinates(forward.x), noise, rtol=rtol)
    allowed = ERROR_FACTOR * found.error
    sure = np.where(np.isfinite(allowed), np.maximum(np.abs(found.value) - allowed, 0.0), 0.0)
    scale = _member_maximum(forward, sure)
    overall = float(np.max(scale)) or forward.size
    tolerance = _tolerance(claim.rows, found, scale, claim.eps, rtol)
    doubtful = (allowed > UNRESOLVED * scale) & ~(allowed <= ZERO_ROW * overall)
    difference = np.abs(claim.rows - found.value)
    doubt = np.where(doubtful, (DOUBTFUL_ERROR_FACTOR - ERROR_FACTOR) * found.error, 0.0)
    broken = ~np.isfinite(claim.rows)
    wrong = broken | (difference > tolerance + doubt)
    kink = doubtful & found.kink
    unresolved = doubtful & ~found.kink & ~wrong
    vacuous = [
        key
        for key, _, start, stop in forward.members
        if stop > start and is_vacuous(found.value[:, start:stop], tolerance[:, start:stop])
    ]
    return _Verdict(
        expected=found.value,
        tolerance=tolerance,
        wrong=wrong & ~kink | broken,
        out_of_reach=broken | ((wrong | kink) & _out_of_reach(forward, claim.rows, found)),
        unresolved=_place(forward, unresolved),
        kink=_place(forward, kink),
        zeros=tuple(vacuous),
        rough=bool((found.rough & wrong).any()),
    )


def _judge_directions(forward: Forward, claim: _Claim, noise: Floats, rtol: float) -> _Verdict:
    """Compare derivatives along random directions, and look for wrong entries where they differ."""
    n = forward.x.size
    rng = np.random.default_rng(JITTER_SEED + 1)
    blocks = blocks_of(forward, max(1, N_BLOCKS // len(forward.members)))
    weights = dyadic_directions(rng, N_DIRECTIONS + len(blocks), n)
    for k, block in enumerate(blocks, start=N_DIRECTIONS):
        kept = weights[k, block].copy()
        weights[k] = 0.0
        weights[k, block] = kept
    # All entries move at once, and what they sum to moves by up to √n times as much.
    lines = Directions(forward.x, weights * 2.0 ** -round(np.log2(n) / 3))
    broken = ~np.isfinite(claim.rows)
    none = np.zeros_like(broken)
    if broken.any():  # the failure shows the first of them
        row, entry = (int(i) for i in np.argwhere(broken)[0])
        right = romberg(forward, Coordinates(forward.x, np.array([entry])), noise)
        expected = np.where(broken, np.nan, claim.rows)
        expected[row, entry] = right.value[row, 0]
        return _Verdict(expected, np.zeros_like(expected), broken, broken)

    found = romberg(forward, lines, noise, rtol=rtol)
    allowed = ERROR_FACTOR * found.error
    claimed = claim.rows @ lines.vectors.T
    tolerance = allowed + _direction_tolerance(forward, claim, lines.vectors, rtol)
    sure = np.where(np.isfinite(allowed), np.maximum(np.abs(found.value) - allowed, 0.0), 0.0)
    scale = sure.max(axis=1, keepdims=True)
    overall = float(np.max(scale)) or forward.size
    doubtful = (allowed > UNRESOLVED * scale) & ~(allowed <= ZERO_ROW * overall)
    doubt = np.where(doubtful, (DOUBTFUL_ERROR_FACTOR - ERROR_FACTOR) * found.error, 0.0)
    difference = claimed - found.value
    wrong = np.abs(difference) > tolerance + doubt
    zeros = [
        key
        for key, _, start, stop in forward.members
        if stop > start
        and all(
            is_vacuous(found.value[:, k], allowed[:, k])
            for k, block in enumerate(blocks, start=N_DIRECTIONS)
            if start <= block.start < stop
        )
    ]
    kink = doubtful & found.kink
    outcome: dict[str, Any] = {
        "unresolved": SOMEWHERE if (doubtful & ~kink & ~wrong).any() else "",
        "kink": SOMEWHERE if kink.any() else "",
        "zeros": tuple(zeros),
        "rough": bool((found.rough & wrong).any()),
    }
    wrong &= ~kink
    if not wrong.any():
        return _Verdict(claim.rows, np.zeros_like(claim.rows), none, none, **outcome)

    factor = _common_factor(claimed, found.value, tolerance + doubt)
    if factor is not None:
        expected = claim.rows / factor
        limit = rtol * np.maximum(np.abs(expected), np.abs(claim.rows))
        mask = np.abs(claim.rows - expected) > limit
        note = f"along {len(lines)} random directions it is {factor:.6g} times what it should be"
        return _Verdict(expected, limit, mask, none, notes=(note,), **outcome)

    excess = np.where(wrong, np.abs(difference) / tolerance, 0.0)
    row, line = (int(i) for i in np.unravel_index(int(np.argmax(excess)), wrong.shape))
    located = _locate(
        forward, claim, noise, rtol, row, lines.vectors[line], float(difference[row, line])
    )
    expected, limit, mask = claim.rows.copy(), np.zeros_like(claim.rows), none.copy()
    for entry, (value, within) in located.items():
        expected[row, entry], limit[row, entry], mask[row, entry] = value, within, True
    if located:
        note = (
            f"{n:,} entries were compared together along random directions; {len(located)} wrong "
            f"{'entry was' if len(located) == 1 else 'entries were'} located, and there may be more"
        )
        if not claim.rows.any():
            note = "it is zero everywhere"
        return _Verdict(expected, limit, mask, none, notes=(note,), **outcome)
    spread = (
        f"its inner product with a random direction is {claimed[row, line]:.10g} and should be "
        f"{found.value[row, line]:.10g}, though no single entry was found to be wrong"
    )
    return _Verdict(expected, limit, mask, none, spread=spread, **outcome)


def _locate(
    forward: Forward,
    claim: _Claim,
    noise: Floats,
    rtol: float,
    row: int,
    vector: Floats,
    difference: float,
) -> dict[int, tuple[float, float]]:
    """Wrong entries of a row, as {entry: (right value, tolerance)}, found by halving a direction.

    The claimed derivative minus the right one is linear in the direction, so that measuring one
    half tells the other. The half that differs most is halved first.
    """
    start = forward.n_calls
    scales = _member_maximum(forward, np.abs(claim.rows[row : row + 1]))[0]
    support = np.flatnonzero(vector)
    queue = [(-abs(difference), int(support[0]), int(support[-1]) + 1, difference)]
    located: dict[int, tuple[float, float]] = {}
    while queue and forward.n_calls - start < (SEARCH_CALLS if located else SEARCH_LIMIT):
        _, low, high, total = heapq.heappop(queue)
        while high - low > 1:
            middle = (low + high) // 2
            claimed, right, unsure = _along(forward, claim, noise, row, vector, low, middle, total)
            halves = [(low, middle, claimed - right), (middle, high, total - (claimed - right))]
            halves.sort(key=lambda half: abs(half[2]))
            if abs(halves[0][2]) > unsure:
                heapq.heappush(queue, (-abs(halves[0][2]), *halves[0]))
            low, high, total = halves[1]
        entry = np.array([low])
        found = romberg(forward, Coordinates(forward.x, entry), noise, rtol=rtol)
        one = Estimate(*(getattr(found, part)[row] for part in Estimate.__slots__))
        claimed_here = claim.rows[row, entry]
        within = _tolerance(claimed_here, one, scales[entry], claim.eps, rtol)
        if np.abs(claimed_here - one.value)[0] > within[0]:
            located[low] = (float(one.value[0]), float(within[0]))
    return located


def _along(
    forward: Forward,
    claim: _Claim,
    noise: Floats,
    row: int,
    vector: Floats,
    low: int,
    high: int,
    total: float,
) -> tuple[float, float, float]:
    """Derivative along the entries low to high of a direction: claimed, right, and its doubt.

    `total` is a difference of which this is to tell a share: accuracy beyond 1% of it is of no use.
    """
    part = np.zeros((1, vector.size))
    part[0, low:high] = vector[low:high]
    line = Directions(forward.x, part, scaled=True)
    claimed = float(claim.rows[row] @ part[0])
    coarse = abs(total) / max(abs(claimed - total), abs(claimed), abs(total))
    found = romberg(forward, line, noise, rtol=coarse)
    return claimed, float(found.value[row, 0]), ERROR_FACTOR * float(found.error[row, 0])


def _common_factor(claimed: Floats, right: Floats, tolerance: Floats) -> float | None:
    """c where claimed = c·right along every direction, c being neither 0 nor 1."""
    square = float(np.sum(right * right))
    factor = float(np.sum(claimed * right)) / square if square > 0.0 else 0.0
    if not np.isfinite(factor) or abs(factor) < UNRESOLVED:
        return None
    close = np.abs(claimed - factor * right) <= max(1.0, abs(factor)) * tolerance
    return factor if close.all() else None


def _direction_tolerance(forward: Forward, claim: _Claim, vectors: Floats, rtol: float) -> Floats:
    """What entries within their tolerance may add up to along directions, (m, k)."""
    square = vectors.T**2
    relative = DIRECTION_FACTOR * rtol * np.sqrt(claim.rows**2 @ square)
    scale = _member_maximum(forward, np.abs(claim.rows))
    return relative + FLOOR_ULPS * claim.eps * np.sqrt(scale**2 @ square)


def _tolerance(rows: Floats, found: Estimate, scale: Floats, eps: float, rtol: float) -> Floats:
    """rtol·max(|a|, |n|) + 10·err + 256·eps·max|n|, entry by entry."""
    relative = rtol * np.maximum(
        np.abs(np.where(np.isfinite(rows), rows, 0.0)), np.abs(found.value)
    )
    return relative + ERROR_FACTOR * found.error + FLOOR_ULPS * eps * scale


def _member_maximum(forward: Forward, rows: Floats) -> Floats:
    """For each entry the largest of its row within its member of x, (m, n)."""
    maximum = np.zeros_like(rows)
    for _, _, start, stop in forward.members:
        if stop > start:
            maximum[:, start:stop] = rows[:, start:stop].max(axis=1, keepdims=True)
    return maximum


def _out_of_reach(forward: Forward, rows: Floats, found: Estimate) -> Bools:
    """Whether derivatives are farther from the one-sided slopes than kinks could put them."""
    low = np.fmin(np.fmin(found.left, found.right), found.value)
    high = np.fmax(np.fmax(found.left, found.right), found.value)
    largest = np.where(np.isfinite(low + high), np.maximum(np.abs(low), np.abs(high)), 0.0)
    reach = KINK_MARGIN * _member_maximum(forward, largest)
    reach += np.where(found.kink, 0.0, DOUBTFUL_ERROR_FACTOR * found.error)
    return (rows < low - reach) | (rows > high + reach)


def _forward(f: Callable[[Any], Any], x: Any, scalar: bool, labels: _Labels) -> Forward:
    """f at x, where both can be checked at all."""
    forward = Forward(f, x, scalar=scalar)
    if forward.x.size == 0 or forward.value.size == 0:
        raise VacuousCheckError(f"{labels.name}: x or f(x) is empty; give it an entry at least")
    if not np.isfinite(forward.x).all():
        raise VacuousCheckError(f"{labels.name}: x is not finite; {DOMAIN_ADVICE}")
    if not np.isfinite(forward.value).all():
        raise VacuousCheckError(f"{labels.name}: f(x) is not finite; {DOMAIN_ADVICE}")
    return forward


def _claim(forward: Forward, value: Any, labels: _Labels) -> _Claim:
    """What was returned, strict in type, shape and dtype, as rows."""
    is_dict = forward.is_dict
    if is_dict:
        keys = [key for key, *_ in forward.members]
        if not isinstance(value, Mapping):
            raise CheckFailure(
                Failure(
                    f"{labels.name} is of type {type(value).__name__}, "
                    f"expected a dict with keys {_list(keys)}"
                )
            )
        missing, extra = [k for k in keys if k not in value], [k for k in value if k not in keys]
        if missing or extra:
            parts = [f"lacks {_list(missing)}"] if missing else []
            parts += [f"has {_list(extra)} too many"] if extra else []
            raise CheckFailure(Failure(f"{labels.name} {' and '.join(parts)}"))
    arrays = [
        as_array(
            value[key] if is_dict else value,
            forward.shape + shape,
            None,
            name=labels.member(key),
            axes=labels.axes_of(key),
        )
        for key, shape, _, _ in forward.members
    ]
    rows = [
        array.astype(np.float64).reshape(forward.value.size, -1) for array in arrays if array.size
    ]
    eps = max(EPS, *(float(np.finfo(array.dtype).eps) for array in arrays))
    return _Claim(np.concatenate(rows, axis=1), eps)


def _fail(
    forward: Forward,
    claim: _Claim,
    verdict: _Verdict,
    labels: _Labels,
    mask: Bools,
    notes: tuple[str, ...],
) -> NoReturn:
    """Raise the failure of the member that is worst, naming the others."""
    notes = verdict.notes + notes
    if verdict.spread:
        raise CheckFailure(Failure(f"{labels.name} is wrong: {verdict.spread}", notes=notes))
    with np.errstate(all="ignore"):
        excess = np.abs(claim.rows - verdict.expected) / np.maximum(verdict.tolerance, 1e-300)
    excess = np.where(mask, np.where(np.isfinite(excess), excess, np.inf), 0.0)
    worst = {key: float(excess[:, a:b].max()) for key, _, a, b in forward.members if b > a}
    key = max(worst, key=lambda k: worst[k])
    others = [labels.member(k) for k, value in worst.items() if value > 0.0 and k != key]
    if others:
        notes = (*notes, f"also wrong: {', '.join(others)}")

    def part(rows: npt.NDArray[Any]) -> npt.NDArray[Any]:
        parts = unpack_rows(forward, rows)
        one: npt.NDArray[Any] = parts[key] if forward.is_dict else parts
        return one

    raise_mismatch(
        part(claim.rows),
        part(verdict.expected),
        part(verdict.tolerance),
        part(mask),
        name=labels.member(key),
        axes=labels.axes_of(key),
        constants=labels.constants,
        terms=labels.terms_of(key),
        notes=notes,
    )


def _near_kink(verdict: _Verdict) -> tuple[str, ...]:
    if not (verdict.rough or verdict.kink):
        return ()
    return ("the forward pass has a kink at x or close to it",)


def _place(forward: Forward, mask: Bools) -> str:
    """How many entries a mask marks and where the first one is, in words; empty for none."""
    if not mask.any():
        return ""
    row, entry = (int(i) for i in np.argwhere(mask)[0])
    where = [int(i) for i in np.unravel_index(row, forward.shape)] if forward.shape else []
    for key, shape, start, stop in forward.members:
        if start <= entry < stop:
            where += [int(i) for i in np.unravel_index(entry - start, shape)] if shape else []
            member = "" if key is None else f" of {key!r}"
    n = int(np.count_nonzero(mask))
    return f"at entry {where}{member}" + (f" and {n - 1} more" if n > 1 else "")


def _jitter(x: Any, rng: np.random.Generator) -> Any:
    """A move of each entry by between half and all of the jitter, at random."""
    if isinstance(x, Mapping):
        return {key: _jitter(value, rng) for key, value in x.items()}
    array = np.asarray(x)
    share = rng.uniform(0.5, 1.0, array.shape) * rng.choice([-1.0, 1.0], array.shape)
    return JITTER * np.maximum(1.0, np.abs(array)) * share


def _moved(x: Any, move: Any, side: float) -> Any:
    """x plus or minus a move, in x's own dtype where that is a floating one."""
    if isinstance(x, Mapping):
        return {key: _moved(value, move[key], side) for key, value in x.items()}
    array = np.asarray(x)
    dtype = array.dtype if array.dtype.kind == "f" else np.dtype(np.float64)
    return np.asarray(array + side * move, dtype=dtype)


def _copy(x: Any) -> Any:
    return (
        {key: np.array(value) for key, value in x.items()}
        if isinstance(x, Mapping)
        else np.array(x)
    )


def _finite(array: npt.NDArray[Any], name: str) -> npt.NDArray[Any]:
    bad = np.argwhere(~np.isfinite(array))
    if bad.size:
        where = [int(i) for i in bad[0]]
        raise CheckFailure(Failure(f"{name} is {array[tuple(where)]} at entry {where}"))
    return array


def _norm(array: npt.NDArray[Any]) -> float:
    return float(np.sqrt(np.sum(array.astype(np.float64) ** 2)))


def _list(keys: Sequence[Any]) -> str:
    return ", ".join(map(repr, keys))
