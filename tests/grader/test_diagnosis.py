"""What is said about a wrong array: named where one change of the right answer gives it, else not.

The right answers are random, with no two axes equal, unless symmetry or coincidence is the point.
"""

import subprocess
import sys

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from grader.checks.diagnosis import explain, pattern_of
from grader.model import Cause

SEEDS = range(20)

MIN_NAMED = 0.99
"""Share of the planted mistakes that must be named: random data may hide one now and then."""

MIN_SILENT = 0.99
"""Share of the mistakes outside the library about which nothing may be said."""

N, D_K, DT = 7, 5, 0.01
CONSTANTS = {"N": N, "d_k": D_K, "dt": DT}
N_HEADS = 3


def matrix(rng, shape=(5, 7)):
    return rng.standard_normal(shape)


def square(rng):
    return rng.standard_normal((6, 6))


def stack(rng):
    return rng.standard_normal((3, 4, 5))


def vector(rng):
    return rng.standard_normal(9)


def positive(rng):
    return rng.uniform(0.2, 3.0, (5, 7))


def even(rng):
    return rng.standard_normal((6, 8))


def wide(rng):
    return 5 * rng.standard_normal((5, 7))


def zero_outside(array, keep):
    return np.where(keep, array, 0.0)


def only_slice(array, axis, position):
    wrong = np.zeros_like(array)
    place = (slice(None),) * axis + (position,)
    wrong[place] = array[place]
    return wrong


def skip_slice(array, axis, position):
    return array - only_slice(array, axis, position)


def shift(array, axis, step):
    return skip_slice(np.roll(array, step, axis), axis, 0 if step > 0 else -1)


def wrong_heads(array):
    """(n, h·d) of heads that are merged without the transpose back."""
    n, width = array.shape
    heads = array.reshape(n, N_HEADS, width // N_HEADS).transpose(1, 0, 2)
    return heads.reshape(n, width)


def wrong_split(array):
    """(h, n, d) reshaped from (n, h·d) without a transpose."""
    n_heads, n, d = array.shape
    return array.transpose(1, 0, 2).reshape(n, n_heads * d).reshape(n_heads, n, d)


PERMUTATION = [3, 0, 4, 2, 1]

LIBRARY = {
    # factors: (name, right answer, what the learner returns)
    "sign": ("sign", matrix, lambda e: -e),
    "sign of a vector": ("sign", vector, lambda e: -e),
    "twice": ("factor:2", stack, lambda e: 2 * e),
    "half": ("factor:1/2", matrix, lambda e: e / 2),
    "a sum for a mean": ("factor:N", matrix, lambda e: N * e),
    "a mean for a sum": ("factor:1/N", matrix, lambda e: e / N),
    "not scaled by √d_k": ("factor:sqrt(d_k)", matrix, lambda e: e * D_K**0.5),
    "scaled by √d_k": ("factor:1/sqrt(d_k)", stack, lambda e: e / D_K**0.5),
    "no time step": ("factor:1/dt", vector, lambda e: e / DT),
    "time step twice": ("factor:dt", vector, lambda e: e * DT),
    "sign and a factor 2": ("sign+factor:2", matrix, lambda e: -2 * e),
    "sign and N": ("sign+factor:N", matrix, lambda e: -N * e),
    "sign and 1/N": ("sign+factor:1/N", vector, lambda e: -e / N),
    # places
    "transposed": ("transpose", matrix, lambda e: e.T),
    "square transposed": ("transpose", square, lambda e: e.T),
    "last axes swapped": ("transpose", stack, lambda e: e.swapaxes(1, 2)),
    "first axes swapped": ("swapaxes:0,1", stack, lambda e: e.swapaxes(0, 1)),
    "column-major": ("order", matrix, lambda e: e.ravel("F").reshape(e.shape)),
    "filled column-major": ("order", matrix, lambda e: e.ravel().reshape(e.shape, order="F")),
    "flat column-major": ("order", matrix, lambda e: e.ravel("F")),
    "heads merged wrongly": ("order", lambda r: matrix(r, (5, 12)), wrong_heads),
    "heads split wrongly": ("order", stack, wrong_split),
    "rows reversed": ("flip:0", matrix, lambda e: e[::-1]),
    "columns reversed": ("flip:1", matrix, lambda e: e[:, ::-1]),
    "kernel turned by 180°": ("flip:0,1", matrix, lambda e: e[::-1, ::-1]),
    "kernels turned by 180°": ("flip:1,2", stack, lambda e: e[:, ::-1, ::-1]),
    "vector reversed": ("flip:0", vector, lambda e: e[::-1]),
    "rolled on": ("roll:0:+1", matrix, lambda e: np.roll(e, 1, 0)),
    "rolled back": ("roll:1:-1", matrix, lambda e: np.roll(e, -1, 1)),
    "shifted on": ("shift:0:+1", vector, lambda e: shift(e, 0, 1)),
    "shifted back": ("shift:1:-1", stack, lambda e: shift(e, 1, -1)),
    "halves swapped": ("halves:0", even, lambda e: np.roll(e, 3, 0)),
    "column halves swapped": ("halves:1", even, lambda e: np.roll(e, 4, 1)),
    "rows permuted": ("permuted:0", matrix, lambda e: e[PERMUTATION]),
    "columns permuted": ("permuted:1", even, lambda e: e[:, [2, 0, 1, 4, 3, 7, 5, 6]]),
    "slices permuted": ("permuted:2", stack, lambda e: e[:, :, PERMUTATION]),
    # parts
    "diagonal only": ("diagonal", square, lambda e: np.diag(np.diag(e))),
    "no diagonal": ("off-diagonal", square, lambda e: e - np.diag(np.diag(e))),
    "lower triangle": ("lower-triangle", square, np.tril),
    "upper triangle": ("upper-triangle", stack, np.triu),
    "first row only": ("slice:0:first", matrix, lambda e: only_slice(e, 0, 0)),
    "last column only": ("slice:1:last", matrix, lambda e: only_slice(e, 1, -1)),
    "one sample only": ("slice:0:1", stack, lambda e: only_slice(e, 0, 1)),
    "first entry only": ("slice:0:first", vector, lambda e: only_slice(e, 0, 0)),
    "last row skipped": ("skipped:0:last", matrix, lambda e: skip_slice(e, 0, -1)),
    "clipped": ("clip", matrix, lambda e: np.maximum(e, 0)),
    "zeros": ("zeros", matrix, np.zeros_like),
    "constant": ("constant", matrix, lambda e: np.full_like(e, 0.37)),
    # functions
    "absolute value": ("abs", matrix, np.abs),
    "cast to integers": ("truncate", wide, lambda e: e.astype(int)),
    "rounded": ("round", wide, np.round),
    "rounded down": ("floor", wide, np.floor),
    "squared": ("square", matrix, np.square),
    "square root": ("sqrt", positive, np.sqrt),
    "logarithm": ("log", positive, np.log),
    "exponential": ("exp", matrix, np.exp),
    "reciprocal": ("reciprocal", positive, lambda e: 1 / e),
    "complement": ("complement", positive, lambda e: 1 - e),
    "inverted mask": ("complement", lambda r: r.random((5, 7)) < 0.5, lambda e: ~e),
    "mean subtracted": ("centred", matrix, lambda e: e - e.mean()),
    "row means subtracted": ("centred:1", matrix, lambda e: e - e.mean(1, keepdims=True)),
    "divided by the sum": ("normalised-sum", positive, lambda e: e / e.sum()),
    "columns divided by sums": ("normalised-sum:0", positive, lambda e: e / e.sum(0)),
    "divided by the norm": ("normalised-norm", matrix, lambda e: e / np.linalg.norm(e)),
    "rows divided by norms": (
        "normalised-norm:1",
        matrix,
        lambda e: e / np.linalg.norm(e, axis=1, keepdims=True),
    ),
    "offset": ("offset", matrix, lambda e: e + 0.8),
    "averaged and broadcast": ("averaged:0", matrix, lambda e: np.tile(e.mean(0), (5, 1))),
    "conjugate": (
        "conjugate",
        lambda r: r.standard_normal((4, 5)) + 1j * r.standard_normal((4, 5)),
        np.conj,
    ),
    "imaginary part dropped": (
        "real",
        lambda r: r.standard_normal((4, 5)) + 1j * r.standard_normal((4, 5)),
        np.real,
    ),
    # shapes
    "summed over rows": ("summed:0", matrix, lambda e: e.sum(0)),
    "summed over columns": ("summed:1", matrix, lambda e: e.sum(1, keepdims=True)),
    "summed over all": ("summed:0,1", matrix, np.sum),
    "averaged over rows": ("averaged:0", matrix, lambda e: e.mean(0)),
    "averaged over a batch": ("averaged:0", stack, lambda e: e.mean(0)),
    "keepdims missing": ("keepdims", lambda r: matrix(r, (5, 1)), lambda e: e[:, 0]),
    "an axis too many": ("extra-axis", vector, lambda e: e[:, None]),
    "a column for a row": ("transpose", lambda r: matrix(r, (1, 5)), lambda e: e.T),
    "flattened": ("reshape", matrix, np.ravel),
    "the diagonal as a vector": ("diagonal-vector", square, np.diag),
    "a matrix for its diagonal": ("on-diagonal", vector, np.diag),
    "last step only": ("picked:0:last", stack, lambda e: e[-1]),
    "first column only": ("picked:1:first", matrix, lambda e: e[:, 0]),
    "repeated": ("broadcast:0", vector, lambda e: np.tile(e, (4, 1))),
}

UNSUMMED = {
    "not summed over the batch": ("unsummed:0", (6, 4), lambda a: a.sum(0)),
    "not averaged over the batch": ("unaveraged:0", (6, 4), lambda a: a.mean(0)),
    "losses for their mean": ("unaveraged:0", (6,), np.mean),
    "losses for their sum": ("unsummed:0,1", (6, 4), np.sum),
}

TERMS = {
    "penalty left out": ("missing:penalty", lambda d, p, m: d + m),
    "penalty doubled": ("doubled:penalty", lambda d, p, m: d + 2 * p + m),
    "penalty halved": ("halved:penalty", lambda d, p, m: d + p / 2 + m),
    "momentum with a wrong sign": ("sign:momentum", lambda d, p, m: d + p - m),
    "data term only": ("only:data", lambda d, p, m: d),
}

OUTSIDE = {
    "noise": lambda e, r: e * (1 + 1e-3 * r.standard_normal(e.shape)),
    "a nameless factor": lambda e, r: 1.37 * e,
    "a factor for each row": lambda e, r: e * r.uniform(0.5, 2.0, (len(e), 1)),
    "a factor for each column": lambda e, r: e * r.uniform(0.5, 2.0, e.shape[1]),
    "unrelated": lambda e, r: r.standard_normal(e.shape),
    "unrelated, smaller": lambda e, r: r.standard_normal(e.shape[1:]),
    "unrelated, larger": lambda e, r: r.standard_normal((3, *e.shape)),
    "symmetrised": lambda e, r: e + e.T,
    "antisymmetrised": lambda e, r: e - e.T,
    "multiplied by a matrix": lambda e, r: e @ r.standard_normal((e.shape[1], e.shape[1])),
    "cumulated": lambda e, r: np.cumsum(e, axis=0),
    "softmax applied": lambda e, r: np.exp(e) / np.exp(e).sum(1, keepdims=True),
    "tanh applied": lambda e, r: np.tanh(e),
    "sine applied": lambda e, r: np.sin(e),
    "cubed": lambda e, r: e**3,
    "sign lost in one row": lambda e, r: np.concatenate([-e[:1], e[1:]]),
    "sign right in one entry": lambda e, r: np.where(
        np.arange(e.size).reshape(e.shape) == 8, e, -e
    ),
    "one entry wrong": lambda e, r: np.where(np.arange(e.size).reshape(e.shape) == 8, 2 * e, e),
    "transposed and noisy": lambda e, r: e.T * (1 + 1e-4 * r.standard_normal(e.shape)),
    "entries shuffled": lambda e, r: r.permutation(e.ravel()).reshape(e.shape),
    "transposed and scaled": lambda e, r: 1.7 * e.T,
    "shifted by two": lambda e, r: np.pad(e, ((2, 0), (0, 0)))[:-2],
    "a factor and an offset": lambda e, r: 1.5 * e + 0.3,
    "dropout": lambda e, r: e * (r.random(e.shape) < 0.5),
    "nearly right": lambda e, r: e + 1e-7 * r.standard_normal(e.shape),
    "inverse": lambda e, r: np.linalg.inv(e),
    "divided by the largest": lambda e, r: e / np.abs(e).max(),
    "N off by one": lambda e, r: e * N / (N - 1),
}


def name_of(actual, expected, **kwargs):
    cause = explain(actual, expected, **kwargs)
    return None if cause is None else cause.name


def tally(trials):
    """How many trials were named right, named wrong, and how many there were."""
    trials = list(trials)
    right = sum(found == want for found, want in trials)
    wrong = [(found, want) for found, want in trials if found not in (None, want)]
    return right, wrong, len(trials)


def library_trials():
    for want, make, spoil in LIBRARY.values():
        for seed in SEEDS:
            expected = make(np.random.default_rng(seed))
            yield name_of(spoil(expected), expected, constants=CONSTANTS), want


def term_trials():
    for want, spoil in TERMS.values():
        for seed in SEEDS:
            rng = np.random.default_rng(seed)
            data, penalty, momentum = (rng.standard_normal((4, 5)) for _ in range(3))
            terms = {"data": data, "penalty": 1e-3 * penalty, "momentum": momentum}
            wrong = spoil(*terms.values())
            yield name_of(wrong, sum(terms.values()), terms=terms, constants=CONSTANTS), want


def unsummed_trials():
    for want, shape, total in UNSUMMED.values():
        for seed in SEEDS:
            wrong = np.random.default_rng(seed).standard_normal(shape)
            yield name_of(wrong, total(wrong), constants=CONSTANTS), want


@pytest.mark.parametrize("mistake", LIBRARY)
def test_library_mistake_is_named(mistake):
    """Every change in the library is named, at the first seed."""
    want, make, spoil = LIBRARY[mistake]
    expected = make(np.random.default_rng(0))
    assert name_of(spoil(expected), expected, constants=CONSTANTS) == want


def test_library_is_named_at_every_seed():
    """Over all kinds and seeds, 99% are named right and none is named wrong."""
    trials = [*library_trials(), *term_trials(), *unsummed_trials()]
    right, wrong, total = tally(trials)
    assert len(LIBRARY) + len(TERMS) + len(UNSUMMED) >= 40
    assert wrong == []
    assert right >= MIN_NAMED * total


def test_outside_the_library_nothing_is_said():
    """Mistakes that are no change of the library are left unexplained."""
    said = []
    for mistake, spoil in OUTSIDE.items():
        for seed in SEEDS:
            rng = np.random.default_rng(seed)
            expected = rng.standard_normal((6, 6))
            terms = {"data": rng.standard_normal((6, 6)), "penalty": rng.standard_normal((6, 6))}
            name = name_of(spoil(expected, rng), expected, constants=CONSTANTS, terms=terms)
            if name is not None:
                said.append((mistake, seed, name))
    assert len(OUTSIDE) >= 14
    assert len(said) <= (1 - MIN_SILENT) * len(OUTSIDE) * len(SEEDS), said


@pytest.mark.parametrize(
    "mistake", ["sign", "a sum for a mean", "transposed", "clipped", "squared"]
)
def test_float32_answers_are_named(mistake):
    """The roundings of float32 do not hide a cause."""
    want, make, spoil = LIBRARY[mistake]
    for seed in SEEDS:
        expected = make(np.random.default_rng(seed)).astype(np.float32)
        assert name_of(spoil(expected), expected, constants=CONSTANTS) == want


def test_one_of_two_distinct_mistakes_is_not_named_alone():
    """A flipped sign that spares one entry, however small, is not a flipped sign."""
    expected = np.array([[1.3, -2.1, 0.7], [3e-7, 4e-9, 0.9]])
    wrong = -expected
    wrong[1, 1] *= -1
    assert explain(wrong, expected) is None


@pytest.mark.parametrize("scale", [1e-200, 1e-8, 1e8, 1e200])
def test_scale_does_not_matter(scale):
    """Causes that do not depend on the scale are found at any."""
    expected = scale * np.random.default_rng(0).standard_normal((4, 5))
    assert name_of(-expected, expected) == "sign"
    assert name_of(expected.T, expected) == "transpose"
    assert name_of(expected + scale, expected) == "offset"


# ---- sentences


SENTENCES = {
    "sign": "the sign is flipped",
    "twice": "every entry is twice too large: a factor 2 too many, or a factor 1/2 missing",
    "a sum for a mean": (
        "every entry is N times too large: a division by N is missing, "
        "or a multiplication by N too many"
    ),
    "a mean for a sum": (
        "every entry is N times too small: a division by N too many, "
        "or a multiplication by N missing"
    ),
    "not scaled by √d_k": (
        "every entry is √d_k times too large: a division by √d_k is missing, "
        "or a multiplication by √d_k too many"
    ),
    "no time step": (
        "every entry is 1/dt times too large: a multiplication by dt is missing, "
        "or a division by dt too many"
    ),
    "time step twice": (
        "every entry is 1/dt times too small: a multiplication by dt too many, "
        "or a division by dt missing"
    ),
    "transposed": "the result is transposed",
    "rows reversed": "the rows are in reverse order",
    "first row only": "only the first row is filled in and the others stay zero",
    "offset": "every entry is 0.8 too large: a constant is added",
}


@pytest.mark.parametrize("mistake", SENTENCES)
def test_sentence_says_what_happened(mistake):
    """The sentence names the change and the author's constant."""
    _, make, spoil = LIBRARY[mistake]
    expected = make(np.random.default_rng(0))
    cause = explain(spoil(expected), expected, constants=CONSTANTS)
    assert cause == Cause("transform", cause.name, SENTENCES[mistake])


def test_every_sentence_continues_the_opening():
    """Each cause continues 'this is what you get when': small letter, no full stop, one line."""
    for _, make, spoil in LIBRARY.values():
        expected = make(np.random.default_rng(1))
        axes = ("head", "query", "key")[-expected.ndim :]
        for names in (None, axes):
            cause = explain(spoil(expected), expected, constants=CONSTANTS, axes=names)
            assert cause.kind == "transform"
            assert cause.sentence[0].islower()
            assert not cause.sentence.endswith(".")
            assert "\n" not in cause.sentence


def test_axes_are_named_in_the_sentence():
    """The author's names stand for axis numbers."""
    expected = np.random.default_rng(0).standard_normal((3, 4, 5))
    axes = ("head", "query", "key")
    rolled = explain(np.roll(expected, 1, 1), expected, axes=axes)
    assert "along the query axis" in rolled.sentence
    swapped = explain(expected.swapaxes(1, 2), expected, axes=axes)
    assert swapped.sentence == "the query axis and the key axis are swapped"
    assert explain(expected.sum(0), expected, axes=axes).sentence == (
        "the result is summed over the head axis, which should be kept"
    )


def test_scalar_sentence_speaks_of_the_value():
    """A number has no entries."""
    cause = explain(3.0, 1.5)
    assert cause.sentence.startswith("the value is twice too large")


# ---- coincidences


def test_right_answer_has_no_cause():
    """Nothing is said where nothing is wrong, exactly or within rounding."""
    expected = np.random.default_rng(0).standard_normal((4, 5))
    terms = {"data": expected / 3, "penalty": 2 * expected / 3}
    for noise in (0.0, 1e-15, 1e-9):
        assert explain(expected * (1 + noise), expected, constants=CONSTANTS, terms=terms) is None


@pytest.mark.parametrize("factor", [3.0, 0.25, -2.0, 0.0, np.e])
def test_scalar_admits_only_named_factors(factor):
    """One number agrees with something too easily."""
    assert explain(factor * 1.234, 1.234, constants={"N": 7}) is None


@pytest.mark.parametrize("function", [np.sqrt, np.exp, np.log, np.square, np.floor, np.reciprocal])
@pytest.mark.parametrize("expected", [np.array(2.5), np.array([2.5, 1.7]), np.full((4, 5), 2.5)])
def test_few_values_admit_no_function(function, expected):
    """Two magnitudes, however often repeated, are no evidence for a function."""
    assert explain(function(expected), expected) is None


@pytest.mark.parametrize(("factor", "want"), [(-1, "sign"), (2, "factor:2"), (7, "factor:N")])
def test_scalar_and_constant_arrays_admit_named_factors(factor, want):
    """−1, 2 and the author's constants are named of a single number too."""
    for expected in (np.float64(1.3), np.array([1.3]), np.full((3, 4), 1.3)):
        assert name_of(factor * expected, expected, constants={"N": 7}) == want


def test_one_off_count_is_no_factor():
    """Two instead of one is not 'twice too large' where integers are counted."""
    assert explain(2, 1) is None
    assert explain(np.array([2, 2]), np.array([1, 1])) is None


def test_scalar_loss_without_its_penalty():
    """A named term is recognised in a single number, unless the numbers are whole."""
    terms = {"data": 1.2345, "penalty": 0.0321}
    assert name_of(1.2345, 1.2666, terms=terms) == "missing:penalty"
    assert explain(5.0, 6.0, terms={"data": 5.0, "penalty": 1.0}) is None


def test_two_names_for_one_number_leave_it_unnamed():
    """With N = d = 4 the factor is said as a number."""
    expected = np.random.default_rng(0).standard_normal((4, 5))
    cause = explain(4 * expected, expected, constants={"N": 4, "d": 4})
    assert cause == Cause("transform", "factor:4", "every entry is 4 times too large")
    cause = explain(expected / 4, expected, constants={"N": 4, "d": 16})
    assert cause == Cause("transform", "factor:1/4", "every entry is 4 times too small")
    assert name_of(2 * expected, expected, constants={"N": 2}) == "factor:2"
    assert name_of(2 * expected, expected, constants={"N": 4}) == "factor:2"


def test_useless_constants_are_ignored():
    """1, 0, negative, infinite and textual constants are skipped."""
    expected = np.random.default_rng(0).standard_normal((4, 5))
    bad = {"one": 1, "zero": 0, "minus": -1, "inf": np.inf, "nan": np.nan, "text": "a"}
    assert name_of(-expected, expected, constants=bad) == "sign"
    assert explain(1.3 * expected, expected, constants=bad) is None


def test_symmetric_matrix_is_not_called_transposed():
    """The transpose of a symmetric matrix is no candidate, nor is the sum over one of its axes."""
    a = np.random.default_rng(0).standard_normal((5, 5))
    symmetric = a + a.T
    assert name_of(-symmetric, symmetric) == "sign"
    assert explain(symmetric.sum(0), symmetric) is None
    assert explain(symmetric + 1e-9 * a, symmetric) is None
    nearly = symmetric + 1e-5 * a
    assert explain(nearly.T, nearly) is None


def test_antisymmetric_transpose_is_a_flipped_sign():
    """Where two changes give the same array, the simpler one is said."""
    a = np.random.default_rng(0).standard_normal((5, 5))
    assert name_of((a - a.T).T, a - a.T) == "sign"


def test_rivals_of_one_family_are_not_named():
    """On a circulant matrix a roll along either axis is the same: neither is said."""
    row = np.random.default_rng(0).standard_normal(6)
    circulant = np.stack([np.roll(row, k) for k in range(6)])
    assert explain(np.roll(circulant, 1, 0), circulant) is None


def test_equal_terms_are_not_named():
    """Which of two equal terms is left out can't be known."""
    term = np.random.default_rng(0).standard_normal((4, 5))
    terms = {"data": 3 * term**2, "left": term, "right": term}
    assert explain(3 * term**2 + term, 3 * term**2 + 2 * term, terms=terms) is None


def test_unfit_terms_are_ignored():
    """Terms that are zero, of another shape, or no numbers take no part."""
    expected = np.random.default_rng(0).standard_normal((4, 5))
    terms = {"zero": 0.0, "other": np.ones((3, 7)), "text": "a", "nan": np.nan}
    assert explain(1.3 * expected, expected, terms=terms) is None
    assert name_of(-expected, expected, terms=terms) == "sign"


def test_zero_answer_has_no_cause():
    """Nothing can be made from zeros."""
    zeros = np.zeros((4, 5))
    assert explain(zeros + 1, zeros) is None
    assert explain(np.random.default_rng(0).standard_normal((4, 5)), zeros) is None
    assert explain(0.0, 1.3) is None


def test_permuted_whole_numbers_are_not_named():
    """Any ranking is a permutation of any other."""
    rng = np.random.default_rng(0)
    expected = np.array([2, 0, 5, 1, 4, 3, 7, 6])
    for _ in range(20):
        assert explain(rng.permutation(8), expected) is None


def test_masks_are_rearranged_by_luck():
    """Zeros and ones agree too easily to call a mask shifted or transposed."""
    rng = np.random.default_rng(0)
    mask = rng.random((6, 6)) < 0.5
    assert explain(mask.T, mask) is None
    assert explain(np.eye(5)[2], np.eye(5)[1]) is None


def test_few_tenths_are_no_evidence():
    """Numbers written by hand agree by luck: three of them are not called reversed or shifted."""
    assert explain(np.array([0.5, -0.3, 0.2]), np.array([0.2, -0.3, 0.5])) is None


def test_small_dropout_is_not_taken_for_a_part():
    """In six entries a random choice may be a triangle, a row, or all that are positive."""
    rng = np.random.default_rng(0)
    for _ in range(100):
        expected = rng.standard_normal((2, 3))
        wrong = expected * (rng.random((2, 3)) < 0.5)
        assert name_of(wrong, expected) in (None, "zeros")


def test_nearly_constant_answers_admit_no_function():
    """Near a constant every function is a straight line."""
    expected = 1 + 1e-3 * np.random.default_rng(5).standard_normal((6, 6))
    assert explain(1 + 0.5 * (expected - 1), expected) is None
    assert explain(np.exp(expected) / np.exp(expected).sum(1, keepdims=True), expected) is None


def test_slices_that_are_alike_have_no_sum_or_mean():
    """Where all rows are one, their mean, the first and the last can't be told apart."""
    expected = np.tile(np.random.default_rng(0).standard_normal(6), (5, 1))
    assert explain(expected.mean(0), expected) is None
    assert explain(11 * expected, expected) is None
    assert explain(5 * expected, expected) is None


def test_sum_of_distributions_is_a_count():
    """Four rows that each sum to one: a factor 1/4 is no division by the sum."""
    p = np.random.default_rng(0).dirichlet(np.ones(5), size=4)
    assert explain(p / 4, p) is None
    assert name_of(p / 4, p, constants={"n": 4}) == "factor:1/n"


def test_confusion_matrix_is_called_transposed():
    """Counts with enough distinct values are evidence."""
    counts = np.array([[12, 3, 1], [4, 25, 6], [2, 9, 31]])
    assert name_of(counts.T, counts) == "transpose"


def test_softmax_jacobian_is_not_summed_to_noise():
    """The rows of a softmax Jacobian sum to zero: what rounding leaves of that is no candidate."""
    p = np.random.default_rng(0).dirichlet(np.ones(6))
    jacobian = np.diag(p) - np.outer(p, p)
    assert explain(jacobian.sum(0), jacobian) is None
    assert explain(np.zeros(6), jacobian) is None
    assert name_of(np.diag(p * (1 - p)), jacobian) == "diagonal"


def test_length_two_axis_takes_the_simplest_word():
    """Along two entries reversing, rolling and swapping halves are the same."""
    expected = np.random.default_rng(0).standard_normal((2, 5))
    assert name_of(expected[::-1], expected) == "flip:0"


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
def test_not_finite_answers_are_unexplained(bad):
    """An answer with NaN or an infinity is no plain change of the right one."""
    expected = np.random.default_rng(0).standard_normal((4, 5))
    wrong = -expected
    wrong[1, 2] = bad
    assert explain(wrong, expected) is None
    assert explain(expected, wrong) is None


@pytest.mark.parametrize(
    "value", [np.zeros((0, 3)), "text", None, [[1.0], [1.0, 2.0]], object(), {}, b"x"]
)
def test_what_is_no_array_is_unexplained(value):
    """Empty arrays and things that are no numbers are left alone."""
    expected = np.ones((0, 3))
    assert explain(value, expected) is None
    assert explain(value, np.eye(3)) is None
    assert explain(np.eye(3), value) is None


def test_arguments_are_left_alone():
    """Neither array is written to."""
    expected = np.random.default_rng(0).standard_normal((4, 4))
    wrong = expected.T.copy()
    before = expected.copy(), wrong.copy()
    expected.flags.writeable = wrong.flags.writeable = False
    assert name_of(wrong, expected, terms={"a": expected}) == "transpose"
    np.testing.assert_array_equal((expected, wrong), before)


DTYPES = st.sampled_from([np.bool_, np.int8, np.int64, np.uint8, np.float16, np.float32, np.float64,
                          np.complex64, np.complex128])  # fmt: skip
ARRAYS = DTYPES.flatmap(
    lambda dtype: hnp.arrays(
        dtype, hnp.array_shapes(min_dims=0, max_dims=4, min_side=0, max_side=4)
    )
)


@given(ARRAYS, ARRAYS, ARRAYS, st.floats(), st.booleans())
@settings(max_examples=300, deadline=None)
def test_explain_never_raises(actual, expected, term, constant, alike):
    """Whatever the arrays, the answer is a cause or none, and no warning escapes."""
    if alike and actual.size == expected.size:
        actual = actual.reshape(expected.shape)
    cause = explain(
        actual, expected, axes=["a"] * expected.ndim, constants={"c": constant}, terms={"t": term}
    )
    assert cause is None or isinstance(cause, Cause)


@given(ARRAYS, st.sampled_from([1, -1, 2, 0]), st.integers(0, 3))
@settings(max_examples=300, deadline=None)
def test_explain_never_raises_on_related_arrays(expected, factor, axis):
    """The same for answers made from the right one, where more candidates come close."""
    with np.errstate(all="ignore"):
        wrong = np.flip(expected.astype(complex if expected.dtype.kind == "c" else float) * factor)
        wrong = wrong.sum(axis=axis) if axis < expected.ndim and axis else wrong
    cause = explain(wrong, expected)
    assert cause is None or cause.sentence


@given(hnp.arrays(bool, hnp.array_shapes(min_dims=0, max_dims=4, min_side=0, max_side=5)))
def test_pattern_never_raises(mask):
    """Every mask has words, named axes or not."""
    assert pattern_of(mask)
    assert pattern_of(mask, tuple("abcd"[: mask.ndim]))


# ---- patterns


def at(shape, *places):
    mask = np.zeros(shape, dtype=bool)
    for place in places:
        mask[place] = True
    return mask


ROW, COLUMN = np.indices((5, 5))
PATTERNS = [
    (np.zeros(3, bool), None, "no entry"),
    (np.ones((), bool), None, "the value"),
    (np.ones((1, 1), bool), None, "the only entry"),
    (np.ones((3, 4), bool), None, "all 12 entries"),
    (at(5, 0), None, "the first entry"),
    (at(5, 4), None, "the last entry"),
    (at(5, 2), None, "entry 2"),
    (at(5, 2), ("query",), "one entry: query 2"),
    (at(9, slice(None, 3)), None, "the first 3 entries"),
    (at(9, slice(6, None)), None, "the last 3 entries"),
    (at(9, slice(2, 5)), None, "entries 2 to 4"),
    (at(9, slice(2, 5)), ("user",), "entries 2 to 4 along user"),
    (at(9, slice(0, None, 2)), None, "every second entry, from 0"),
    (at(8, slice(1, None, 2)), None, "every second entry, from 1"),
    (at(8, slice(1, None)), None, "all entries but the first"),
    (at(8, [0, 1, 3, 4, 5, 6, 7]), None, "all entries but 2"),
    (at(8, slice(None, 7)), ("user",), "all but user 7"),
    (at(8, [0, 1, 3, 6]), None, "4 of 8 entries"),
    (at(8, [1, 3]), ("class",), "2 of 8 entries"),
    (at((8, 1), [1, 3]), ("user", "item"), "2 of 8 entries"),
    (at(5, [0, 2, 4]), ("user",), "3 of 5 entries"),
    (at(5, slice(None, 4)), None, "4 of 5 entries"),
    (at((3, 2), 1), ("user", "item"), "2 of 6 entries"),
    (at((2, 3), 1), ("user", "item"), "all of user 1"),
    (at((2, 2), (0, 0), (1, 1)), None, "2 of 4 entries"),
    (at((3, 4), (1, slice(1, 3))), None, "2 of 12 entries"),
    (at((2, 4), (0, 0), (1, 1)), None, "2 of 8 entries"),
    (at((4, 3), 2), ("query", "key"), "all of query 2"),
    (at((3, 4), 1), ("row", "class"), "all of row 1"),
    (at((4, 3), 0), None, "the first row"),
    (at((4, 3), 2), None, "all of row 2"),
    (at((4, 3), (slice(None), 2)), None, "the last column"),
    (at((4, 3), (slice(None), 0)), ("user", "item"), "all of item 0"),
    (at((6, 3), slice(1, None, 2)), ("query", "key"), "every second query, from 1"),
    (at((6, 3), slice(2, 5)), ("query", "key"), "all of query 2 to 4"),
    (at((6, 3), slice(1, None)), ("query", "key"), "all but query 0"),
    (at((6, 3), [0, 3]), None, "rows 0 and 3"),
    (at((6, 3), [0, 3]), ("query", "key"), "all of query 0 and 3"),
    (at((6, 3), [0, 3, 4]), None, "9 of 18 entries"),
    (at((3, 4, 5), 1), ("head", "query", "key"), "all of head 1"),
    (at((3, 4, 5), (slice(None), 0)), None, "the first slice along axis 1"),
    (at((3, 4), (1, 2)), None, "the one entry at (1, 2)"),
    (at((3, 4), (1, 2)), ("query", "key"), "one entry: query 1, key 2"),
    (ROW == COLUMN, None, "the diagonal"),
    (ROW != COLUMN, None, "everything but the diagonal"),
    (COLUMN >= ROW, None, "the upper triangle"),
    (COLUMN > ROW, None, "the upper triangle without the diagonal"),
    (COLUMN <= ROW, None, "the lower triangle"),
    (COLUMN < ROW, None, "the lower triangle without the diagonal"),
    (ROW + COLUMN == 4, None, "the antidiagonal"),
    ((ROW + COLUMN) % 2 == 1, None, "every second entry, like a chessboard"),
    ((ROW % 4 == 0) | (COLUMN % 4 == 0), None, "the border"),
    ((ROW % 4 != 0) & (COLUMN % 4 != 0), None, "everything but the border"),
    (np.stack([ROW == COLUMN] * 3), None, "the diagonal of every matrix"),
    (at((5, 6), (slice(2, None), 0)), ("t", "unit"), "entries where t ≥ 2 and unit is 0"),
    (at((5, 6), (slice(1, 3), slice(0, 2))), None, "entries where 1 ≤ row ≤ 2 and column ≤ 1"),
    (at((3, 4), (0, 1), (1, 3), (2, 0)), None, "3 of 12 entries"),
    (at((3, 4, 2), (0, 1, 0), (1, 3, 1)), None, "2 of 24 entries"),
]


@pytest.mark.parametrize(("mask", "axes", "words"), PATTERNS, ids=lambda p: str(p)[:40])
def test_pattern_in_words(mask, axes, words):
    """Each regular mask has its own words."""
    assert pattern_of(mask, axes) == words


def test_import_needs_numpy_only():
    """The module is imported with every failing check: it must not bring in scipy."""
    code = (
        "import sys, importlib.util as u\n"
        f"spec = u.spec_from_file_location('d', {explain.__code__.co_filename!r})\n"
        "module = u.module_from_spec(spec); sys.modules['d'] = module\n"
        "spec.loader.exec_module(module)\n"
        "assert not {'scipy', 'pytest', 'matplotlib'} & set(sys.modules)"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
