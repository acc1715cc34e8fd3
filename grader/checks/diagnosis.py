"""Why an array is wrong, and where: named changes of the right answer, patterns of wrong entries.

`explain` asks which simple change of the right answer gives exactly the learner's answer, and
`pattern_of` says in words which entries are wrong. Both look at arrays only, never at code.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from itertools import combinations
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from grader.model import Cause

FIT_RTOL = 1e-6
"""How closely a candidate must give the learner's answer: ten roundings of float32, while an
answer that is wrong for another reason agrees with a candidate to 1e-6 only by accident."""

ROUNDING_FLOOR = 4096
"""Roundings, in eps of the largest entry, that a small entry may carry from cancellation. Without
it a small entry could not be judged; with FIT_RTOL alone a small wrong entry would be overlooked
beside large ones."""

DIFFERENCE_SHARE = 1e-4
"""How much of the difference from the right answer a candidate may leave open. A term that is a
millionth of the whole is only named where the difference itself has that term's shape."""

CLEAR_DIFFERENCE = 1e-4
"""A candidate must differ from the right answer by this part of its largest entry, a hundred times
FIT_RTOL: the transpose of an almost symmetric matrix says nothing."""

SAME_CANDIDATE = 1e-9
"""Two candidates this close are one array, computed twice in float64 with its roundings."""

MUCH_CLOSER = 1e3
"""A candidate that fits this much worse than another, and worse than rounding explains, only
resembles it: −x resembles 1 − x where x is about 1e8."""

DISTINCT_GAP = 1e-4
"""Values whose ratio is nearer to 1 count once as evidence; a hundred times FIT_RTOL."""

NEGLIGIBLE = 1e-8
"""Entries below this part of the largest are no evidence: FIT_RTOL is judged against the norm."""

NOISE = 1e-12
"""A candidate below this part of the right answer is what rounding left of an exact zero."""

CONSTANT_RTOL = 1e-9
"""Entries that differ by less are one value: float64 roundings of one computation."""

MIN_INFORMATIVE = 3
"""Distinct magnitudes needed before anything but a plain factor is named: two can agree by luck."""

MIN_INFORMATIVE_COARSE = 4
"""The same where all values are whole numbers or tenths, which agree by luck much more often."""

MIN_NONZERO_COARSE = 6
"""Non-zero entries that such an array needs: 6! orders against a few dozen tried."""

MIN_CHANGED = 2
"""Entries that must differ from the right answer: one wrong entry has too many explanations."""

MIN_BINARY = 8
"""Non-zero entries needed where a cause only says which of them are kept, or which signs are lost,
and entries of an array of zeros and ones: one chance in 2⁸ that another mistake picks the same."""

MIN_ZEROS = 5
"""Zeros needed beside the one right entry of a vector before a loop is said to have stopped."""

COARSE_STEP = 1 / 40
"""Arrays of multiples of this (whole numbers, tenths, eighths) were written by hand or counted."""

MAX_NDIM = 5
"""Arrays with more axes are left unexplained: pairs and subsets of axes grow quickly."""

PROBES = 12
"""Entries compared before the whole array is: enough that no wrong candidate survives often."""

Array = NDArray[Any]


class _Candidate(NamedTuple):
    """A transform of the right answer, ready to be compared.

    Two members of one `family` that fit at once are rivals, and neither is named. `need` is how
    many distinct magnitudes the candidate must have, `changed` how many of its entries must differ
    clearly from the right answer; `clear` is what counts as clearly.
    """

    name: str
    family: str
    sentence: str
    array: Array
    need: int = MIN_INFORMATIVE
    changed: int = MIN_CHANGED
    clear: float = CLEAR_DIFFERENCE


def explain(
    actual: ArrayLike,
    expected: ArrayLike,
    *,
    axes: Sequence[str] | None = None,
    constants: Mapping[str, float] | None = None,
    terms: Mapping[str, ArrayLike] | None = None,
) -> Cause | None:
    """The simplest named change of `expected` that gives `actual`, or None: unexplained.

    Parameters
    ----------
    actual : the wrong array, of any numeric dtype; its shape may differ from that of `expected`
        (transposed, flattened, summed over an axis, with an axis too many).
    expected : the right array.
    axes : one name for each axis of `expected`, used in the sentence.
    constants : numbers that the answer may be off by, such as ``{"d_k": 5}``; c, 1/c, √c and 1/√c
        are tried of each, with either sign.
    terms : arrays that sum to `expected`, such as ``{"penalty": 2 * reg * P}``, one of which may
        have been left out, doubled, halved, sign-flipped or returned alone.

    Returns
    -------
    A `Cause` of kind ``"transform"``, or None. Nothing is said of arrays that are empty, not
    numeric, or not finite.

    Notes
    -----
    A wrong cause is worse than none, so a candidate has to pass four tests. It gives the answer,
    ‖actual − candidate‖ ≤ 1e-6·‖candidate‖ and each entry by itself. It accounts for the
    *difference* from the right answer to 1e-4, and that difference is clear. It rests on at least
    three distinct magnitudes, more for whole numbers; below that only −1, 2, ½, the named
    constants and the named terms are tried. And it has no rival: where the data cannot tell two
    changes apart, the simpler one is named only if both give the same array and are of different
    families; the sum over the rows and that over the columns of a symmetric matrix are rivals.

    Examples
    --------
    >>> import numpy as np
    >>> right = np.array([[1.5, -2.25, 0.3], [4.0, 0.7, -1.1]])
    >>> explain(-right, right).name
    'sign'
    >>> explain(right * 7, right, constants={"N": 7}).name
    'factor:N'
    >>> explain(right.T, right).sentence
    'the result is transposed'
    >>> explain(np.tanh(right), right) is None
    True
    """
    wrong = _numbers(actual)
    right = _numbers(expected)
    if wrong is None or right is None:
        return None
    with np.errstate(all="ignore"):
        case = _Case(wrong, right, axes, _precision(actual, expected))
        if wrong.shape != right.shape:
            return case.decide(_reshaped(case))
        integer = _is_integer(expected)
        return case.decide(_same_shape(case, constants or {}, terms or {}, integer=integer))


class _Case:
    """One wrong array beside the right one, and the test that every candidate must pass."""

    def __init__(
        self, actual: Array, expected: Array, axes: Sequence[str] | None, eps: float
    ) -> None:
        self.actual = actual
        self.expected = expected
        self.axes = axes if axes is not None and len(axes) == expected.ndim else None
        self.eps = eps
        self.actual_max = float(np.abs(actual).max())
        self.expected_max = float(np.abs(expected).max())
        self.informative = _n_distinct(expected)
        self.real = not (np.iscomplexobj(actual) or np.iscomplexobj(expected))
        self.whole = bool((expected == np.round(expected)).all())
        steps = expected / COARSE_STEP
        self.coarse = bool((np.abs(steps - np.round(steps)) <= NEGLIGIBLE).all())
        self.probe: tuple[Array, ...] | None = None
        if actual.size > 4 * PROBES:
            flat = np.linspace(0, actual.size - 1, PROBES).astype(np.intp)
            flat = np.append(flat, np.abs(actual).argmax())
            self.probe = np.unravel_index(flat, actual.shape)
            self.probed = actual[self.probe]

    @property
    def subject(self) -> str:
        return "every entry" if self.expected.size > 1 else "the value"

    def along(self, axis: int) -> str:
        """`" along the query axis"`, with the author's name for the axis where there is one."""
        if self.axes is not None:
            return f" along the {self.axes[axis]} axis"
        return "" if self.expected.ndim == 1 else f" along axis {axis}"

    def axis(self, axis: int) -> str:
        return f"the {self.axes[axis]} axis" if self.axes is not None else f"axis {axis}"

    def slices(self, axis: int, *, plural: bool = True) -> str:
        """What the slices along an axis are called: entries, rows, columns, `query slices`."""
        if self.expected.ndim == 1:
            word = "entr"
            return word + ("ies" if plural else "y")
        if self.expected.ndim == 2:
            word = ("row", "column")[axis]
        elif self.axes is not None:
            word = f"{self.axes[axis]} slice"
        else:
            word = f"axis-{axis} slice"
        return word + ("s" if plural else "")

    def close(self, candidate: Array) -> bool:
        """Whether a candidate of the same shape gives the learner's answer, entry by entry."""
        if candidate.shape != self.actual.shape:
            return False
        if self.probe is not None:
            probed = candidate[self.probe]
            allowed = FIT_RTOL * (np.abs(probed) + 2 * self.actual_max)
            if not (np.abs(self.probed - probed) <= allowed).all():
                return False
        size = np.abs(candidate)
        largest = float(size.max())
        if not math.isfinite(largest):
            return False
        residual = np.abs(self.actual - candidate)
        floor = ROUNDING_FLOOR * self.eps * max(largest, self.expected_max)
        allowed = FIT_RTOL * size + min(FIT_RTOL * largest, floor)
        if not (residual <= allowed).all():
            return False
        return _norm(residual) <= FIT_RTOL * _norm(candidate)

    def fits(self, candidate: _Candidate) -> bool:
        """Whether a candidate gives the answer, differs from the right one, and is evidence."""
        array = candidate.array
        if not self.close(array):
            return False
        if array.any() and float(np.abs(array).max()) <= NOISE * self.expected_max:
            return False
        if array.shape == self.expected.shape:
            difference = np.abs(array - self.expected)
            residual = _norm(self.actual - array)
            if not residual <= DIFFERENCE_SHARE * _norm(difference):
                return False
            changed = difference > candidate.clear * self.expected_max
            if int(changed.sum()) < candidate.changed:
                return False
        if candidate.need < MIN_INFORMATIVE:
            return _n_distinct(array) >= candidate.need
        spread = _norm(array - array.mean())
        if not _norm(self.actual - array) <= DIFFERENCE_SHARE * spread:
            return False  # near a constant, functions are alike
        return _n_distinct(array) >= candidate.need

    def decide(self, candidates: Iterator[_Candidate]) -> Cause | None:
        """The simplest candidate that fits, if none of the others is its rival."""
        fitting = [candidate for candidate in candidates if self.fits(candidate)]
        if not fitting:
            return None
        if len(fitting) > 1:  # one that fits a thousand times better leaves the others no chance
            residuals = [_norm(self.actual - candidate.array) for candidate in fitting]
            rounding = ROUNDING_FLOOR * self.eps * max(self.expected_max, self.actual_max)
            most = MUCH_CLOSER * min(residuals) + rounding
            fitting = [c for c, r in zip(fitting, residuals, strict=True) if r <= most]
        first = fitting[0]
        for other in fitting[1:]:
            if other.name == first.name or other.family == "fitted":
                continue
            if other.family == first.family:
                return None
            gap = _norm(first.array - other.array)
            if not gap <= SAME_CANDIDATE * max(_norm(first.array), _norm(other.array)):
                return None
        return Cause("transform", first.name, first.sentence)


def _numbers(value: ArrayLike) -> Array | None:
    """The value as float64 or complex128, or None where it is not finite numbers."""
    try:
        array = np.asarray(value)
    except (ValueError, TypeError, OverflowError):
        return None  # ragged lists, or objects that refuse to become arrays
    if array.dtype.kind not in "biufc" or array.size == 0 or array.ndim > MAX_NDIM:
        return None
    with np.errstate(all="ignore"):
        array = array.astype(np.complex128 if array.dtype.kind == "c" else np.float64)
    return array if np.isfinite(array).all() else None


def _precision(*values: ArrayLike) -> float:
    """The coarsest eps among the dtypes, float64's for whole numbers."""
    eps = float(np.finfo(np.float64).eps)
    for value in values:
        dtype = np.asarray(value).dtype
        if dtype.kind in "fc":
            eps = max(eps, float(np.finfo(dtype).eps))
    return eps


def _is_integer(value: ArrayLike) -> bool:
    return np.asarray(value).dtype.kind in "biu"


def _norm(array: Array) -> float:
    """Euclidean norm over all entries, without overflow or underflow."""
    size = np.abs(array)
    largest = float(size.max())
    if largest == 0.0 or not math.isfinite(largest):
        return largest
    scaled = (size / largest).ravel()
    return largest * math.sqrt(float(scaled @ scaled))


def _n_distinct(array: Array, enough: int = MIN_INFORMATIVE_COARSE) -> int:
    """How many clearly distinct magnitudes the non-negligible entries have, counted to `enough`."""
    size = np.sort(np.abs(array), axis=None)
    largest = float(size[-1])
    if largest == 0.0:
        return 0
    position = int(size.searchsorted(NEGLIGIBLE * largest, side="right"))
    count = 0
    while position < size.size and count < enough:
        count += 1
        position = int(size.searchsorted(size[position] * (1 + DISTINCT_GAP), side="right"))
    return count


def _same_shape(
    case: _Case, constants: Mapping[str, float], terms: Mapping[str, ArrayLike], *, integer: bool
) -> Iterator[_Candidate]:
    """All candidates of the right shape, simplest first, as far as the data can tell them apart."""
    rich = case.informative >= MIN_INFORMATIVE
    if case.informative:
        yield from _factors(case, constants, rich=rich, integer=integer)
        if rich or not case.coarse:
            yield from _terms(case, terms)
    yield from _inverted_mask(case)
    if not rich:
        return
    yield _Candidate("zeros", "zeros", "every entry is zero", np.zeros_like(case.expected), 0)
    if not case.coarse or (
        case.informative >= MIN_INFORMATIVE_COARSE
        and np.count_nonzero(case.expected) >= MIN_NONZERO_COARSE
    ):
        if _same_magnitudes(case):
            yield from _rearranged(case)
        yield from _masked(case)
        yield from _shifted(case)
        yield from _pointwise(case)
        yield from _normalised(case)
        yield from _averaged(case)
        yield from _fitted(case)


# ---- factors and terms


def _factors(
    case: _Case, constants: Mapping[str, float], *, rich: bool, integer: bool
) -> Iterator[_Candidate]:
    """The right answer times one number that has a name: −1, 2, ½, or made from a constant."""
    place = np.unravel_index(int(np.abs(case.expected).argmax()), case.expected.shape)
    quotient = case.actual[place] / case.expected[place]
    ratio = float(quotient.real)
    if not math.isfinite(ratio) or ratio == 0.0 or abs(quotient.imag) > FIT_RTOL * abs(ratio):
        return
    if abs(ratio + 1) <= FIT_RTOL:
        yield _Candidate("sign", "factor", "the sign is flipped", -case.expected, 1, 1)
        return
    if not rich and (integer or ratio < 0):
        return  # 1 instead of 2 is more often a count that is one off
    found = _name_of_factor(abs(ratio), constants, case.subject)
    if found is None:
        return
    value, name, sentence = found
    if ratio < 0:
        name, sentence = f"sign+{name}", f"the sign is flipped and {sentence}"
    yield _Candidate(name, "factor", sentence, math.copysign(value, ratio) * case.expected, 1, 1)


def _name_of_factor(
    ratio: float, constants: Mapping[str, float], subject: str
) -> tuple[float, str, str] | None:
    """The exact value, short name and sentence of a positive factor, or None without a name."""
    named: list[tuple[float, str, str]] = []
    for key, number in constants.items():
        try:
            constant = float(number)
        except (TypeError, ValueError, OverflowError):
            continue
        if not math.isfinite(constant) or constant <= 0.0 or abs(constant - 1) <= CLEAR_DIFFERENCE:
            continue
        label = key if key.isidentifier() else f"({key})"
        root = math.sqrt(constant)
        for value, name, words in ((constant, label, label), (root, f"sqrt({key})", f"√{label}")):
            if _near(ratio, value):
                sentence = _too_much(subject, words, value, multiplied=True)
                named.append((value, f"factor:{name}", sentence))
            if _near(ratio, 1 / value):
                sentence = _too_much(subject, words, value, multiplied=False)
                named.append((1 / value, f"factor:1/{name}", sentence))
    if _near(ratio, 2.0):
        sentence = f"{subject} is twice too large: a factor 2 too many, or a factor 1/2 missing"
        return 2.0, "factor:2", sentence
    if _near(ratio, 0.5):
        sentence = f"{subject} is half as large as it should be: a factor 2 is missing"
        return 0.5, "factor:1/2", f"{sentence}, or a factor 1/2 too many"
    if len(named) == 1:
        return named[0]
    if not named:
        return None
    value = named[0][0]  # several names for one number: none of them is said
    if value > 1:
        return value, f"factor:{value:.6g}", f"{subject} is {value:.6g} times too large"
    return value, f"factor:1/{1 / value:.6g}", f"{subject} is {1 / value:.6g} times too small"


def _near(ratio: float, value: float) -> bool:
    return abs(ratio - value) <= FIT_RTOL * value


def _too_much(subject: str, label: str, value: float, *, multiplied: bool) -> str:
    """What it means that the answer is multiplied, or divided, by a constant once too often."""
    if value > 1 and multiplied:
        size = f"{label} times too large: a division by {label} is missing"
        other = f"a multiplication by {label} too many"
    elif value > 1:
        size = f"{label} times too small: a division by {label} too many"
        other = f"a multiplication by {label} missing"
    elif multiplied:
        size = f"1/{label} times too small: a multiplication by {label} too many"
        other = f"a division by {label} missing"
    else:
        size = f"1/{label} times too large: a multiplication by {label} is missing"
        other = f"a division by {label} too many"
    return f"{subject} is {size}, or {other}"


def _terms(case: _Case, terms: Mapping[str, ArrayLike]) -> Iterator[_Candidate]:
    """The right answer with one named term left out, doubled, halved, negated, or alone."""
    named: list[tuple[str, Array]] = []
    for key, value in terms.items():
        term = _numbers(value)
        if term is None or not term.any():
            continue  # a term that is zero here can't be told from one that is missing
        try:
            named.append((key, np.broadcast_to(term, case.expected.shape)))
        except ValueError:
            continue
    need = min(MIN_INFORMATIVE, case.informative)
    for coefficient, name, sentence in (
        (0.0, "missing", "the term '{}' is left out"),
        (-1.0, "sign", "the term '{}' has the wrong sign"),
        (2.0, "doubled", "the term '{}' is twice too large"),
        (0.5, "halved", "the term '{}' is half as large as it should be"),
    ):
        for key, term in named:
            array = case.expected + (coefficient - 1) * term
            yield _Candidate(
                f"{name}:{key}", "term", sentence.format(key), array, min(1, need), 1, 0.0
            )
    if len(named) > 1:
        for key, term in named:
            sentence = f"only the term '{key}' is there and the others are left out"
            yield _Candidate(f"only:{key}", "only term", sentence, term, min(1, need), 1, 0.0)


def _inverted_mask(case: _Case) -> Iterator[_Candidate]:
    """Zeros where ones should be, and ones where zeros should be."""
    n_ones = int((case.expected == 1).sum())
    n_zeros = int((case.expected == 0).sum())
    size = case.expected.size
    if n_ones + n_zeros == size >= MIN_BINARY and min(n_ones, n_zeros) >= MIN_CHANGED:
        sentence = "zeros and ones are exchanged: the condition is inverted"
        yield _Candidate("complement", "complement", sentence, 1 - case.expected, 1)


# ---- the right entries in the wrong places


def _same_magnitudes(case: _Case) -> bool:
    """Whether both arrays hold the same magnitudes in some order: needed by all rearrangements."""
    mine = np.sort(np.abs(case.actual), axis=None)
    theirs = np.sort(np.abs(case.expected), axis=None)
    return bool((np.abs(mine - theirs) <= 3 * FIT_RTOL * case.expected_max).all())


def _swap_sentence(case: _Case, i: int, j: int) -> str:
    if case.expected.ndim == 2:
        return "the result is transposed"
    if case.axes is not None:
        return f"the {case.axes[i]} axis and the {case.axes[j]} axis are swapped"
    if (i, j) == (case.expected.ndim - 2, case.expected.ndim - 1):
        return "the last two axes are swapped"
    return f"axes {i} and {j} are swapped"


def _swapped(case: _Case) -> Iterator[_Candidate]:
    """Transposes: every pair of axes swapped, the last two first, then all axes reversed."""
    e = case.expected
    for i, j in reversed(list(combinations(range(e.ndim), 2))):
        last = (i, j) == (e.ndim - 2, e.ndim - 1)
        name = "transpose" if last else f"swapaxes:{i},{j}"
        if max(e.shape[i], e.shape[j]) > 1:
            yield _Candidate(name, "transpose", _swap_sentence(case, i, j), e.swapaxes(i, j))
    if e.ndim > 3:
        yield _Candidate("reversed-axes", "reversed", "the order of all axes is reversed", e.T)


ORDER = (
    "the entries are read in the wrong order: column-major for row-major, or a reshape without "
    "its transpose"
)


def _reordered(case: _Case) -> Iterator[_Candidate]:
    """Reshapes that stand where a transpose is needed, such as heads that are split wrongly."""
    e = case.expected

    def order(array: Array) -> _Candidate:
        return _Candidate("order", "order", ORDER, array.reshape(e.shape))

    if e.ndim > 1:
        yield order(e.T)
        yield _Candidate("order", "order", ORDER, e.reshape(e.shape[::-1]).T)
    if e.ndim > 2:
        for i, j in combinations(range(e.ndim), 2):
            yield order(e.swapaxes(i, j))
            swapped = list(e.shape)
            swapped[i], swapped[j] = swapped[j], swapped[i]
            yield order(e.reshape(swapped).swapaxes(i, j))
    if e.ndim in (2, 3):  # (n, h·d), whose heads are hidden in the last axis
        width = e.shape[-1]
        for n_heads in (h for h in range(2, width) if width % h == 0):
            heads = e.reshape(*e.shape[:-1], n_heads, width // n_heads)
            yield order(heads.swapaxes(-3, -2))
            yield order(heads.swapaxes(-2, -1))
            split = e.reshape(*e.shape[:-2], n_heads, e.shape[-2], width // n_heads)
            yield order(split.swapaxes(-3, -2))


def _rearranged(case: _Case) -> Iterator[_Candidate]:
    """Transposed, reversed, rolled, halves exchanged, read in another order, permuted."""
    e = case.expected
    long_axes = [axis for axis in range(e.ndim) if e.shape[axis] > 1]
    yield from _swapped(case)
    for axis in long_axes:
        sentence = f"the {case.slices(axis)} are in reverse order"
        yield _Candidate(f"flip:{axis}", "flip", sentence, np.flip(e, axis))
    for i, j in combinations(long_axes, 2):
        sentence = f"the result is reversed along both {case.axis(i)} and {case.axis(j)}"
        if e.ndim == 2:
            sentence = "rows and columns are both in reverse order: the result is turned by 180°"
        yield _Candidate(f"flip:{i},{j}", "rotation", sentence, np.flip(e, (i, j)))
    for axis in long_axes:
        for step in (1, -1):
            if e.size <= MIN_INFORMATIVE or not e.take(-1 if step > 0 else 0, axis=axis).any():
                continue  # zeros that wrap around can't be told from zeros that fill the gap
            sentence = f"{_moved(case, axis, step)} and wraps around"
            name = f"roll:{axis}:{step:+d}"
            yield _Candidate(name, "roll", sentence, np.roll(e, step, axis))
    for axis in long_axes:
        if e.shape[axis] % 2 == 0:
            sentence = f"the two halves{case.along(axis)} are swapped"
            array = np.roll(e, e.shape[axis] // 2, axis)
            yield _Candidate(f"halves:{axis}", "halves", sentence, array)
    yield from _reordered(case)
    yield from _permuted(case, long_axes)


def _moved(case: _Case, axis: int, step: int) -> str:
    direction = "later" if step > 0 else "earlier"
    return f"every entry stands one place {direction}{case.along(axis)} than it should"


def _permuted(case: _Case, long_axes: Sequence[int]) -> Iterator[_Candidate]:
    """The slices along one axis in another order, where that order is beyond doubt."""
    for axis in long_axes:
        right = np.moveaxis(case.expected, axis, 0).reshape(case.expected.shape[axis], -1)
        wrong = np.moveaxis(case.actual, axis, 0).reshape(right.shape)
        if len(right) <= MIN_INFORMATIVE or (case.coarse and right.shape[1] < MIN_INFORMATIVE):
            continue  # any numbering is a permutation of any other
        weights = np.cos(np.arange(right.shape[1]))  # one generic number for each slice
        mine, theirs = np.argsort((wrong @ weights).real), np.argsort((right @ weights).real)
        ordered = right[theirs]
        gaps = np.abs(np.diff(ordered, axis=0)).max(axis=1)
        if not (gaps > CLEAR_DIFFERENCE * case.expected_max).all():
            continue  # two slices are alike, so the order is not unique
        found = np.empty_like(right)
        found[mine] = ordered
        shape = np.moveaxis(case.expected, axis, 0).shape
        array = np.moveaxis(found.reshape(shape), 0, axis)
        sentence = f"the {case.slices(axis)} are right but in another order"
        yield _Candidate(f"permuted:{axis}", "permuted", sentence, array)


def _shifted(case: _Case) -> Iterator[_Candidate]:
    """Moved by one place along an axis, with zeros where nothing came from."""
    e = case.expected
    for axis in range(e.ndim):
        if e.shape[axis] < 2:
            continue
        ahead = (slice(None),) * axis
        for step in (1, -1):
            to, source = (slice(1, None), slice(None, -1))[::step]
            array = np.zeros_like(e)
            array[(*ahead, to)] = e[(*ahead, source)]
            sentence = f"{_moved(case, axis, step)}, with zeros in the gap"
            yield _Candidate(f"shift:{axis}:{step:+d}", "shift", sentence, array)


# ---- some of the entries


def _masked(case: _Case) -> Iterator[_Candidate]:
    """The right answer with a part of its entries left at zero."""
    e = case.expected
    if case.actual.all():
        return  # all of these leave zeros
    enough = np.count_nonzero(e) >= MIN_BINARY
    if enough and e.ndim > 1 and min(e.shape[-2:]) > 1:
        row, column = np.indices(e.shape[-2:])
        keep = {
            "diagonal": (row == column, "only the diagonal is filled in"),
            "off-diagonal": (row != column, "the diagonal is left at zero"),
            "lower-triangle": (row >= column, "only the lower triangle is kept"),
            "upper-triangle": (row <= column, "only the upper triangle is kept"),
        }
        for name, (mask, sentence) in keep.items():
            yield _Candidate(name, name, sentence, np.where(mask, e, 0))
    for axis, length in enumerate(e.shape):
        if length < 2 or not (enough or e.ndim == 1):
            continue
        others = tuple(k for k in range(e.ndim) if k != axis)
        filled = np.flatnonzero(case.actual.any(axis=others))
        if filled.size == 1:
            yield from _one_slice(case, axis, int(filled[0]))
        elif filled.size == length - 1 and e.ndim > 1 and length > 2:
            position = int(np.setdiff1d(np.arange(length), filled)[0])
            if position in (0, length - 1):
                which = "first" if position == 0 else "last"
                array = e.copy()
                array[(slice(None),) * axis + (position,)] = 0
                sentence = f"the {which} {case.slices(axis, plural=False)} is left at zero"
                yield _Candidate(f"skipped:{axis}:{which}", "skipped", sentence, array)
    if case.real and _signs_matter(e):
        sentence = "negative entries are clipped at zero"
        yield _Candidate("clip", "clip", sentence, np.maximum(e, 0))


def _signs_matter(array: Array) -> bool:
    """Whether enough entries of either sign would make it evidence that one sign is changed."""
    positive, negative = int((array > 0).sum()), int((array < 0).sum())
    return min(positive, negative) >= MIN_CHANGED and positive + negative >= MIN_BINARY


def _one_slice(case: _Case, axis: int, position: int) -> Iterator[_Candidate]:
    e = case.expected
    length = e.shape[axis]
    place = (slice(None),) * axis + (position,)
    array = np.zeros_like(e)
    array[place] = e[place]
    which = {0: "first", length - 1: "last"}.get(position)
    name = f"slice:{axis}:{which or position}"
    one = case.slices(axis, plural=False)
    what = f"the {which} {one}" if which else f"{one} {position}"
    need = MIN_INFORMATIVE
    if e.ndim == 1:
        if which is None or case.coarse or np.count_nonzero(e) <= MIN_ZEROS:
            return  # one entry is evidence only at an end, where a loop begins or stops
        need = 1
    sentence = f"only {what} is filled in and the others stay zero"
    yield _Candidate(name, "slice", sentence, array, need)


# ---- functions of the entries


def _pointwise(case: _Case) -> Iterator[_Candidate]:
    """A function of every entry: absolute value, rounding, square, root, logarithm, …"""
    e = case.expected
    if not case.real:
        if np.iscomplexobj(e):
            yield _Candidate("conjugate", "conjugate", "the complex conjugate is taken", e.conj())
            yield _Candidate("real", "real", "the imaginary part is dropped", e.real + 0j)
        return
    positive, negative = int((e > 0).sum()), int((e < 0).sum())
    if _signs_matter(e):
        yield _Candidate("abs", "abs", "the absolute value is taken", np.abs(e))
    if not case.whole and not (case.actual != np.round(case.actual)).any():
        for name, function, sentence in (
            ("truncate", np.trunc, "the fractions are cut off: the result is cast to integers"),
            ("round", np.round, "every entry is rounded to a whole number"),
            ("floor", np.floor, "every entry is rounded down to a whole number"),
        ):
            array: Array = function(e)
            if np.count_nonzero(array) >= MIN_INFORMATIVE and (array != array.flat[0]).any():
                need = MIN_INFORMATIVE if e.size < MIN_BINARY else 1
                yield _Candidate(name, name, sentence, array, need)
    yield _Candidate("square", "square", "the result is squared", e * e)
    if not negative:
        sentence = "the square root of the result is taken"
        yield _Candidate("sqrt", "sqrt", sentence, np.sqrt(e))
    if positive == e.size:
        yield _Candidate("log", "log", "the logarithm of the result is taken", np.log(e))
    yield _Candidate("exp", "exp", "the exponential of the result is taken", np.exp(e))
    if positive + negative == e.size:
        yield _Candidate("reciprocal", "reciprocal", "one over the right answer is taken", 1 / e)
    if not case.whole and CLEAR_DIFFERENCE * case.expected_max < 1:
        sentence = "one minus the right answer is taken"
        yield _Candidate("complement", "complement", sentence, 1 - e)


def _axis_choices(case: _Case) -> Iterator[tuple[int | None, str, str]]:
    """All entries together, then each axis that is not the whole: (axis, suffix, words)."""
    yield None, "", ""
    for axis, length in enumerate(case.expected.shape):
        if 1 < length < case.expected.size:
            yield axis, f":{axis}", case.along(axis)


def _normalised(case: _Case) -> Iterator[_Candidate]:
    """The mean subtracted, or divided by the sum or the norm, over all entries or an axis."""
    e = case.expected
    for axis, suffix, along in _axis_choices(case):
        mean = e.mean(axis=axis, keepdims=True)
        sentence = f"the mean{along} is subtracted from the result"
        yield _Candidate(f"centred{suffix}", "centred", sentence, e - mean)
        sentence = f"the result is divided by its sum{along}"
        total = e.sum(axis=axis, keepdims=True)
        if (np.abs(total) > NEGLIGIBLE * case.expected_max).all() and not _is_count(total):
            yield _Candidate(f"normalised-sum{suffix}", "normalised-sum", sentence, e / total)
        norm = np.sqrt((e.real**2 + e.imag**2).sum(axis=axis, keepdims=True))
        sentence = f"the result is divided by its norm{along}"
        if not _is_count(norm):
            yield _Candidate(f"normalised-norm{suffix}", "normalised-norm", sentence, e / norm)


def _is_count(divisor: Array) -> bool:
    """Whether a divisor is one whole number, as the sum of N distributions is N: no evidence."""
    first = divisor.ravel()[0]
    whole = abs(first - np.round(first)) <= FIT_RTOL * abs(first)
    return bool(whole and (np.abs(divisor - first) <= FIT_RTOL * abs(first)).all())


def _averaged(case: _Case) -> Iterator[_Candidate]:
    """Summed or averaged over an axis and repeated along it, so that the shape is still right."""
    e = case.expected
    largest = np.unravel_index(int(np.abs(e).argmax()), e.shape)
    if case.close(case.actual[largest] / e[largest] * e):
        return  # a multiple of the right answer, which does not vary along some axis
    for axis, length in enumerate(e.shape):
        if 1 < length < e.size:
            total = e.sum(axis=axis, keepdims=True)
            over = case.axis(axis)
            for name, value in (("summed", total), ("averaged", total / length)):
                sentence = f"the result is {name} over {over} and repeated along it"
                array = np.broadcast_to(value, e.shape)
                yield _Candidate(f"{name}:{axis}", name, sentence, array)


def _fitted(case: _Case) -> Iterator[_Candidate]:
    """One value everywhere, or one value added: a free number, so anything named comes first."""
    e = case.expected
    if e.size <= MIN_INFORMATIVE:
        return
    value = case.actual.ravel()[0]
    if value and (np.abs(case.actual - value) <= CONSTANT_RTOL * abs(value)).all():
        sentence = f"every entry has the same value, {_number(value)}"
        yield _Candidate("constant", "fitted", sentence, np.full_like(case.actual, value), 1)
        return
    offset = (case.actual - e).mean()
    if case.real and offset:
        more = "large" if offset > 0 else "small"
        amount = _number(abs(offset))
        sentence = f"every entry is {amount} too {more}: a constant is added"
        yield _Candidate("offset", "fitted", sentence, e + offset)


def _number(value: Any) -> str:
    return f"{value:.4g}"


# ---- another shape


def _reshaped(case: _Case) -> Iterator[_Candidate]:
    """Candidates whose shape is not that of the right answer."""
    a, e = case.actual, case.expected
    if a.size == e.size and _long(a.shape) == _long(e.shape) and a.ndim < e.ndim:
        sentence = "an axis of length 1 is lost: keepdims=True, or a new axis, is missing"
        yield _Candidate("keepdims", "shape", sentence, e.reshape(a.shape), 0)
    elif a.size == e.size and _long(a.shape) == _long(e.shape) and a.ndim > e.ndim:
        sentence = "the result has an axis of length 1 too many"
        yield _Candidate("extra-axis", "shape", sentence, e.reshape(a.shape), 0)
    elif a.size == e.size and case.informative >= MIN_INFORMATIVE:
        yield from _swapped(case)
        sentence = f"the entries are right but their shape is {a.shape} and not {e.shape}"
        yield _Candidate("reshape", "shape", sentence, e.reshape(a.shape))
        if e.ndim > 1:
            yield _Candidate("order", "order", ORDER, e.T.reshape(a.shape))
            array = e.reshape(a.shape[::-1]).T
            yield _Candidate("order", "order", ORDER, array)
    if case.informative >= MIN_INFORMATIVE and a.size < e.size:
        yield from _reduced(case)
    if a.size > e.size:
        yield from _spread(case)


def _long(shape: tuple[int, ...]) -> tuple[int, ...]:
    return tuple(length for length in shape if length != 1)


def _subsets(ndim: int) -> Iterator[tuple[int, ...]]:
    for size in range(1, ndim + 1):
        yield from combinations(range(ndim), size)


def _kept(shape: tuple[int, ...], axes: tuple[int, ...], keepdims: bool) -> tuple[int, ...]:
    """The shape after a sum over `axes`."""
    if keepdims:
        return tuple(1 if k in axes else length for k, length in enumerate(shape))
    return tuple(length for k, length in enumerate(shape) if k not in axes)


def _reduced(case: _Case) -> Iterator[_Candidate]:
    """Summed or averaged over axes that the right answer has, or one slice of it."""
    a, e = case.actual, case.expected
    need = min(MIN_INFORMATIVE, a.size)
    sure = not case.coarse or a.size >= MIN_NONZERO_COARSE
    for axes in _subsets(e.ndim):
        n = math.prod(e.shape[k] for k in axes)
        keepdims = a.ndim == e.ndim
        if n < 2 or not sure or _kept(e.shape, axes, keepdims) != a.shape:
            continue
        if not _varies(e, axes):
            continue  # then one slice is as good as their mean
        total = np.asarray(e.sum(axis=axes, keepdims=keepdims))
        if a.size < MIN_INFORMATIVE and (np.round(total) == total).all():
            continue
        over = " and ".join(case.axis(k) for k in axes)
        over = "all entries" if len(axes) == e.ndim else over
        suffix = ",".join(str(k) for k in axes)
        sentence = f"the result is summed over {over}, which should be kept"
        yield _Candidate(f"summed:{suffix}", "summed", sentence, total, need)
        sentence = f"the result is averaged over {over}, which should be kept"
        yield _Candidate(f"averaged:{suffix}", "averaged", sentence, total / n, need)
    if e.ndim == 2 and a.shape == (min(e.shape),):
        sentence = "only the diagonal is returned, as a vector"
        yield _Candidate("diagonal-vector", "picked", sentence, e.diagonal())
    if a.ndim == e.ndim - 1 and sure:
        for axis in range(e.ndim):
            for which, position in (("first", 0), ("last", -1)):
                sentence = f"only the {which} {case.slices(axis, plural=False)} is returned"
                name = f"picked:{axis}:{which}"
                yield _Candidate(name, "picked", sentence, e.take(position, axis=axis))


def _spread(case: _Case) -> Iterator[_Candidate]:
    """A sum or mean left out, a vector put on a diagonal, or the right answer repeated."""
    a, e = case.actual, case.expected
    enough = case.informative >= min(MIN_INFORMATIVE, e.size)
    if not enough or (e.size < MIN_INFORMATIVE and case.coarse):
        return
    if e.ndim == 1 and a.shape == (e.size, e.size) and case.informative >= MIN_INFORMATIVE:
        sentence = "the result is put on the diagonal of a matrix"
        yield _Candidate("on-diagonal", "diagonal", sentence, np.diag(e))
    if a.ndim in (e.ndim, e.ndim + 1) and case.informative >= MIN_INFORMATIVE:
        places = range(a.ndim) if a.ndim > e.ndim else (None,)
        for place in places:
            row = e if place is None else np.expand_dims(e, place)
            if all(have in (1, want) for have, want in zip(row.shape, a.shape, strict=True)):
                sentence = "the right answer is repeated along an axis that it should not have"
                name = "broadcast" if place is None else f"broadcast:{place}"
                yield _Candidate(name, "broadcast", sentence, np.broadcast_to(row, a.shape))
    for axes in _subsets(a.ndim):
        n = math.prod(a.shape[k] for k in axes)
        keepdims = a.ndim == e.ndim
        if n < 2 or _kept(a.shape, axes, keepdims) != e.shape:
            continue
        total = np.asarray(a.sum(axis=axes, keepdims=keepdims))
        words = " and ".join(f"axis {k}" for k in axes)
        suffix = ",".join(str(k) for k in axes)
        for name, array, word in (
            ("unsummed", total, "sum"),
            ("unaveraged", total / n, "mean"),
        ):
            if _Case(array, e, None, case.eps).close(e) and e.any() and _varies(a, axes):
                sentence = f"the {word} over {words} of what is returned is missing"
                yield _Candidate(f"{name}:{suffix}", name, sentence, a, 0)


def _varies(array: Array, axes: tuple[int, ...]) -> bool:
    """Whether an array is more than one slice repeated along `axes`."""
    spread = np.abs(array - array.mean(axis=axes, keepdims=True)).max()
    return bool(spread > CLEAR_DIFFERENCE * np.abs(array).max())


# ---- patterns

MIN_PATTERN = 8
"""Entries of an array below which most regularities are as likely chance."""

MIN_SERIES = 3
"""Entries of a run, of a shape in a matrix or of a slice below which it is as likely chance."""


def pattern_of(wrong: NDArray[np.bool_], axes: Sequence[str] | None = None) -> str:
    """In words, which entries are wrong.

    Parameters
    ----------
    wrong : boolean mask of any shape, True where an entry is wrong.
    axes : one name for each axis.

    Returns
    -------
    The simplest description that is exactly true, such as ``"all of query 2"``, ``"the last
    column"``, ``"everything but the diagonal"``; ``"3 of 12 entries"`` where there is none, or
    where it could be chance. Positions count from 0, as in the code.

    Examples
    --------
    >>> import numpy as np
    >>> pattern_of(np.eye(3, dtype=bool))
    'the diagonal'
    >>> pattern_of(np.array([[0, 0, 0], [1, 1, 1], [0, 0, 0]], dtype=bool), ("query", "key"))
    'all of query 1'
    """
    mask = np.asarray(wrong, dtype=bool)
    names = tuple(axes) if axes is not None and len(axes) == mask.ndim else None
    count = int(mask.sum())
    if count == 0:
        return "no entry"
    if mask.size == 1:
        return "the only entry" if mask.ndim else "the value"
    if count == mask.size:
        return f"all {count} entries"
    if count == 1:
        return _single(mask, names)
    return (
        _whole_slices(mask, names)
        or _matrix_pattern(mask, names)
        or f"{count} of {mask.size} entries"
    )


def _single(mask: Array, names: tuple[str, ...] | None) -> str:
    index = tuple(int(k[0]) for k in np.nonzero(mask))
    if names is not None:
        place = ", ".join(f"{name} {k}" for name, k in zip(names, index, strict=True))
        return f"one entry: {place}"
    if mask.ndim == 1:
        where = {0: "the first entry", mask.size - 1: "the last entry"}
        return where.get(index[0], f"entry {index[0]}")
    return f"the one entry at ({', '.join(map(str, index))})"


def _whole_slices(mask: Array, names: tuple[str, ...] | None) -> str | None:
    """Whole slices along one axis: entries of a vector, rows and columns of a matrix."""
    for axis, length in enumerate(mask.shape):
        others = tuple(k for k in range(mask.ndim) if k != axis)
        some, every = mask.any(axis=others), mask.all(axis=others)
        if length < 2 or not (some == every).all():
            continue
        if mask.size < MIN_PATTERN and mask.size < MIN_SERIES * length:
            continue
        found = np.flatnonzero(some)
        if length == mask.size:  # a vector, perhaps among axes of length 1
            return _series(found, length, "entry", names[axis] if names is not None else None)
        if names is not None:
            return _slices_named(found, length, names[axis])
        one = ("row", "column")[axis] if mask.ndim == 2 else "slice"
        words = _series(found, length, one, None)
        return words if words is None or mask.ndim == 2 else f"{words} along axis {axis}"
    return None


def _slices_named(found: Array, length: int, name: str) -> str | None:
    """Words for whole slices along an axis with a name, or None where they have no regularity."""
    first, last = int(found[0]), int(found[-1])
    if found.size == 1:
        return f"all of {name} {first}"
    if found.size == length - 1 and length > 2:
        return f"all but {name} {_left_out(found, length)}"
    if last - first == found.size - 1:
        return f"all of {name} {first} to {last}"
    if _alternate(found, length):
        return f"every second {name}, from {first}"
    return f"all of {name} {first} and {last}" if found.size == 2 else None


def _series(found: Array, length: int, one: str, name: str | None) -> str | None:
    """Words for a set of positions along one axis, or None where it has no regularity."""
    n = found.size
    first, last = int(found[0]), int(found[-1])
    many = "entries" if one == "entry" else f"{one}s"
    of = f" along {name}" if name is not None else ""
    if n == 1:
        where = {0: f"the first {one}", length - 1: f"the last {one}"}
        return where.get(first, f"all of {one} {first}")
    if n == length - 1 and length > 2:
        left = _left_out(found, length)
        if name is not None:
            return f"all but {name} {left}"
        return f"all {many} but {({0: 'the first', length - 1: 'the last'}).get(left, left)}"
    if one == "entry" and n < MIN_SERIES:
        return None
    if last - first == n - 1:
        if first == 0:
            return f"the first {n} {many}{of}"
        if last == length - 1:
            return f"the last {n} {many}{of}"
        return f"{many} {first} to {last}{of}"
    if _alternate(found, length):
        return f"every second {one}{of}, from {first}"
    return f"{many} {first} and {last}" if n == 2 else None


def _left_out(found: Array, length: int) -> int:
    return int(np.setdiff1d(np.arange(length), found)[0])


def _alternate(found: Array, length: int) -> bool:
    steps = np.diff(found)
    return bool(found.size > 2 and (steps == 2).all() and found[0] < 2 and found[-1] >= length - 2)


def _matrix_pattern(mask: Array, names: tuple[str, ...] | None) -> str | None:
    """Shapes inside a matrix, or inside every matrix of a stack."""
    if mask.ndim < 2 or mask.size < MIN_PATTERN:
        return None
    stack = mask.reshape(-1, *mask.shape[-2:])
    if not (stack == stack[0]).all():
        return None
    found = _matrix_shape(stack[0], names[-2:] if names is not None else None)
    if found is None or mask.ndim == 2:
        return found
    return f"{found} of every matrix"


def _matrix_shape(mask: Array, names: tuple[str, ...] | None) -> str | None:
    rows, columns = mask.shape
    if min(rows, columns) < 2 or mask.sum() < MIN_SERIES:
        return None
    row, column = np.indices(mask.shape)
    shapes = {
        "the diagonal": row == column,
        "everything but the diagonal": row != column,
        "the upper triangle": column >= row,
        "the upper triangle without the diagonal": column > row,
        "the lower triangle": column <= row,
        "the lower triangle without the diagonal": column < row,
        "the antidiagonal": row + column == columns - 1,
        "every second entry, like a chessboard": (row + column) % 2 == 0,
        "every second entry, like a chessboard ": (row + column) % 2 == 1,
    }
    border = (row == 0) | (column == 0) | (row == rows - 1) | (column == columns - 1)
    shapes["the border"] = border
    shapes["everything but the border"] = ~border
    for words, shape in shapes.items():
        if (mask == shape).all():
            return words.strip()
    in_rows = np.asarray(mask.any(axis=1))
    in_columns = np.asarray(mask.any(axis=0))
    if (mask == np.outer(in_rows, in_columns)).all():
        first, second = names if names is not None else ("row", "column")
        conditions = [_where(in_rows, first), _where(in_columns, second)]
        if None not in conditions:
            return f"entries where {' and '.join(str(c) for c in conditions)}"
    return None


def _where(chosen: Array, name: str) -> str | None:
    """`"row is 2"`, `"row ≥ 3"`, … for a run of positions; None where they are no run."""
    found = np.flatnonzero(chosen)
    first, last = int(found[0]), int(found[-1])
    if last - first != found.size - 1:
        return None
    if first == last:
        return f"{name} is {first}"
    if first == 0:
        return f"{name} ≤ {last}"
    if last == chosen.size - 1:
        return f"{name} ≥ {first}"
    return f"{first} ≤ {name} ≤ {last}"
