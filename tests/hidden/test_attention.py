"""Hidden suite of the attention topic: oracles are plain loops, closed forms, and differences."""

import math

import numpy as np
import pytest

from grader.checks import (
    as_array,
    assert_close,
    assert_no_warnings,
    assert_pure,
    assert_vjp,
    fail,
    numeric_jacobian,
)

# Weights of scores of order one, from sums of a few terms: right formulas agree to some 1e-15, and
# an eps of 1e-10 in a denominator shows.
WELL_CONDITIONED = 1e-12
# One unit in the last place of a score of 1e4 is 1.8e-12, and a dot product may lose a dozen: the
# weights of two rivals near 1e4 lose as much, relative to themselves.
RIVALS_AT_1E4 = 1e-8
# The output of several heads at such scores: the weights' error times values of order one.
SATURATED = 1e-9
# A gradient at such scores may be off by what this relative error of each weight comes to: the
# sums of the backward pass over the magnitudes of their terms, times this. The rows of weights
# written as exp(S − L), L = max + log Σ exp(S − max), sum to 1 ± 1e-12, for L has an ulp of 2e-12,
# and what keys have in common, 1e2 here, no longer cancels. Right forms reach 3e-12 at 300 seeds.
WEIGHT_ERROR = 1e-10
# `s(δ − s)` from a probability that rounds to 1 has lost 1 − s: a few eps, absolute.
ONE_MINUS_S = 1e-12

MASKS = [
    # batch axes, mask's shape (n = 6 queries, m = 5 keys)
    ((), (6, 5)),
    ((), (5,)),
    ((), (1, 5)),
    ((), (6, 1)),
    ((8,), (6, 5)),
    ((8,), (1, 5)),
    ((8,), (8, 1, 5)),
    ((8,), (8, 6, 5)),
    ((2, 8), (5,)),
    ((2, 8), (6, 5)),
    ((2, 8), (8, 1, 5)),
    ((2, 8), (2, 1, 6, 5)),
    ((2, 8), (2, 8, 6, 1)),
    # As many sequences as queries: a mask of two axes is still one of queries and keys.
    ((6,), (6, 5)),
    ((6,), (6, 1)),
    ((6,), (6, 1, 5)),
]


# Oracles: loops over rows, exact sums.


def score_matrix(Q, K):
    """Scores of one sequence, an entry at a time."""
    root = math.sqrt(len(Q[0]))
    rows = [[math.fsum(a * b for a, b in zip(q, k, strict=True)) / root for k in K] for q in Q]
    return np.array(rows)


def weights_row(scores, allowed):
    """Softmax over the allowed entries of one row; zeros where there are none."""
    weights = np.zeros(len(scores))
    keys = [j for j in range(len(scores)) if allowed[j]]
    if keys:
        top = max(scores[j] for j in keys)
        e = [math.exp(scores[j] - top) for j in keys]
        total = math.fsum(e)
        for j, value in zip(keys, e, strict=True):
            weights[j] = value / total
    return weights


def attend(Q, K, V, mask):
    """Output and weights of one sequence; mask is (n, m)."""
    Q, K = Q.tolist(), K.tolist()
    rows = zip(score_matrix(Q, K), mask, strict=True)
    weights = np.array([weights_row(scores, allowed) for scores, allowed in rows])
    return weights @ V, weights


def backward(Q, K, V, G, mask):
    """Gradients of one sequence, from the weights' Jacobians row by row."""
    _, weights = attend(Q, K, V, mask)
    root = math.sqrt(Q.shape[1])
    dQ, dK, dV = np.zeros(Q.shape), np.zeros(K.shape), np.zeros(V.shape)
    for i, s in enumerate(weights):
        jacobian = np.diag(s) - np.outer(s, s)
        grad_row = jacobian @ (V @ G[i])
        dQ[i] = K.T @ grad_row / root
        dK += np.outer(grad_row, Q[i]) / root
        dV += np.outer(s, G[i])
    return dQ, dK, dV


def backward_size(Q, K, V, G, mask):
    """The sums of `backward` over the magnitudes of their terms."""
    _, weights = attend(Q, K, V, mask)
    grad_weights = np.abs(G @ V.T)
    centre = np.sum(weights * grad_weights, axis=1, keepdims=True)
    terms = weights * (grad_weights + centre) / math.sqrt(Q.shape[1])
    return terms @ np.abs(K), terms.T @ np.abs(Q), weights.T @ np.abs(G)


def over_batch(function, arrays, mask):
    """Apply a function of single sequences over the batch axes; the mask broadcasts."""
    lead = arrays[0].shape[:-2]
    full = (*lead, arrays[0].shape[-2], arrays[1].shape[-2])
    mask = np.broadcast_to(True if mask is None else mask, full)
    parts = [function(*(a[i] for a in arrays), mask[i]) for i in np.ndindex(*lead)]
    return tuple(np.reshape(a, (*lead, *a[0].shape)) for a in zip(*parts, strict=True))


def attend_heads(X, Wq, Wk, Wv, Wo, h, mask):
    """Multi-head attention, a head at a time; also the concatenated heads."""
    n, d_k, d_v = len(X), Wq.shape[1] // h, Wv.shape[1] // h
    mask = np.broadcast_to(True if mask is None else mask, (n, n))
    heads = np.empty((n, h * d_v))
    for j in range(h):
        k, v = slice(j * d_k, (j + 1) * d_k), slice(j * d_v, (j + 1) * d_v)
        heads[:, v] = attend(X @ Wq[:, k], X @ Wk[:, k], X @ Wv[:, v], mask)[0]
    return heads @ Wo, heads


def backward_heads(X, Wq, Wk, Wv, Wo, h, G, mask):
    """Gradients of multi-head attention, a head at a time, and the three parts of dX."""
    n, d_k, d_v = len(X), Wq.shape[1] // h, Wv.shape[1] // h
    mask = np.broadcast_to(True if mask is None else mask, (n, n))
    dWq, dWk, dWv = np.zeros(Wq.shape), np.zeros(Wk.shape), np.zeros(Wv.shape)
    paths = {"queries": np.zeros(X.shape), "keys": np.zeros(X.shape), "values": np.zeros(X.shape)}
    for j in range(h):
        k, v = slice(j * d_k, (j + 1) * d_k), slice(j * d_v, (j + 1) * d_v)
        Q, K, V = X @ Wq[:, k], X @ Wk[:, k], X @ Wv[:, v]
        dQ, dK, dV = backward(Q, K, V, G @ Wo[v].T, mask)
        dWq[:, k], dWk[:, k], dWv[:, v] = X.T @ dQ, X.T @ dK, X.T @ dV
        paths["queries"] += dQ @ Wq[:, k].T
        paths["keys"] += dK @ Wk[:, k].T
        paths["values"] += dV @ Wv[:, v].T
    heads = attend_heads(X, Wq, Wk, Wv, Wo, h, mask)[1]
    return (sum(paths.values()), dWq, dWk, dWv, heads.T @ G), paths


def backward_heads_size(X, Wq, Wk, Wv, Wo, h, G, mask):
    """The sums of `backward_heads` over the magnitudes of their terms."""
    n, d_k, d_v = len(X), Wq.shape[1] // h, Wv.shape[1] // h
    mask = np.broadcast_to(True if mask is None else mask, (n, n))
    parts = []
    for j in range(h):
        k, v = slice(j * d_k, (j + 1) * d_k), slice(j * d_v, (j + 1) * d_v)
        Q, K, V = X @ Wq[:, k], X @ Wk[:, k], X @ Wv[:, v]
        head = attend(Q, K, np.abs(V), mask)[0]
        parts.append((*backward_size(Q, K, V, G @ Wo[v].T, mask), head))
    dQ, dK, dV, heads = (np.concatenate(part, axis=1) for part in zip(*parts, strict=True))
    X, Wq, Wk, Wv = (np.abs(a) for a in (X, Wq, Wk, Wv))
    dX = dQ @ Wq.T + dK @ Wk.T + dV @ Wv.T
    return dX, X.T @ dQ, X.T @ dK, X.T @ dV, heads.T @ np.abs(G)


def smooth_attention(Q, K, V, mask=True):
    """Forward pass for differences: scores of order one need no shift."""
    e = np.exp(Q @ np.swapaxes(K, -1, -2) / math.sqrt(Q.shape[-1])) * mask
    total = e.sum(axis=-1, keepdims=True)
    return e / np.where(total == 0, 1.0, total) @ V


def smooth_heads(X, Wq, Wk, Wv, Wo, h, mask=True):
    """Multi-head forward pass for differences."""
    Q, K, V = ((X @ W).reshape(len(X), h, -1).swapaxes(0, 1) for W in (Wq, Wk, Wv))
    return smooth_attention(Q, K, V, mask).swapaxes(0, 1).reshape(len(X), -1) @ Wo


# Inputs: no two dimensions are equal, and none that may be averaged over is 2 or 4, so that a
# division by it, or by its root, is not taken for a forgotten ½.


def random_qkv(rng, lead=(), n=6, m=5, d_k=3, d_v=7):
    shapes = ((*lead, n, d_k), (*lead, m, d_k), (*lead, m, d_v))
    return tuple(rng.normal(size=shape) for shape in shapes)


def random_mask(rng, shape):
    """A mask that leaves every query two keys at least, and takes one from all of them."""
    mask = rng.random(shape) < 0.6
    if shape[-1] == 1:  # a mask of queries: one of them may attend to nothing
        mask[...] = True
        mask[..., -1, 0] = False
        return mask
    mask[..., 0] = False
    mask[..., 2:4] = True
    return mask


def square_mask(rng, kind):
    """A mask for six queries and six keys."""
    if kind == "none":
        return None
    if kind == "causal":
        return np.tri(6, dtype=bool)
    shapes = {"random": (6, 6), "of keys": (6,), "one row": (1, 6), "one column": (6, 1)}
    return random_mask(rng, shapes[kind])


def extreme_qkv(rng):
    """Scores near +1e4 with rivals, near −1e4 with rivals, and spread over ±1e4."""
    n, m, d_k, d_v = 4, 5, 3, 2
    direction = np.array([0.6, -0.48, 0.64])
    size = math.sqrt(1e4 * math.sqrt(d_k))
    K = size * direction + rng.normal(size=(m, d_k)) * 0.01
    K[3] *= -1
    Q = size * direction * np.array([[1.0], [-1.0], [0.5], [-1.0]])
    Q += rng.normal(size=(n, d_k)) * 0.01
    return Q, K, rng.normal(size=(m, d_v))


def extreme_mask():
    """Row 0 may see rivals near +1e4; row 1 those near −1e4 but not its largest score of +1e4."""
    mask = np.ones((4, 5), dtype=bool)
    mask[0, 1] = False
    mask[1, [3, 4]] = False
    return mask


def random_heads(rng, n=5, d_model=7, h=3, d_k=6, d_v=8):
    X = rng.normal(size=(n, d_model))
    Wq, Wk = (rng.normal(size=(d_model, h * d_k)) / math.sqrt(d_model) for _ in range(2))
    Wv = rng.normal(size=(d_model, h * d_v)) / math.sqrt(d_model)
    return X, Wq, Wk, Wv, rng.normal(size=(h * d_v, d_model))


def extreme_heads(rng):
    """Positions of two opposite kinds: rivals near +1e4 within a kind in head 0, across in head 1.

    A position's kind is what X has along one direction, and all that queries see. Keys hold the
    rest of X too, at right angles to the queries, so that their gradients are no differences of
    almost equal numbers. Also the mask that allows a position only its own kind: near −1e4 in
    head 1.
    """
    X, Wq, Wk, Wv, Wo = random_heads(rng, h=2, d_k=3)
    kind = np.array([1.0, 1.0, -1.0, 1.0, -1.0])[:, None]
    along = rng.normal(size=(7, 1))
    along /= np.linalg.norm(along)
    X += (kind + 1e-4 * rng.normal(size=(5, 1)) - X @ along) @ along.T
    size = 1e2 * 3**0.25
    for block, sign in ((slice(0, 3), 1.0), (slice(3, 6), -1.0)):
        u = rng.normal(size=(1, 3))
        u /= np.linalg.norm(u)
        Wk[:, block] -= Wk[:, block] @ u.T @ u
        Wk[:, block] = 5 * Wk[:, block] + sign * size * along @ u
        Wq[:, block] = 0.05 * Wq[:, block] + size * along @ u
    return (X, Wq, Wk, Wv, Wo), kind == kind.T


def dims(n, m, d_k, d_v):
    return {"d_k": d_k, "d_v": d_v, "n": n, "m": m}


QK_AXES = ("query", "key")
PAIR = {"name": ("output", "weights")}
GRADS = {"name": ("dQ", "dK", "dV")}
HEAD_GRADS = {"name": ("dX", "dWq", "dWk", "dWv", "dWo")}


def assert_close_saturated(actual, expected, sizes, names):
    """Compare gradients at saturated scores, as the weights' own error allows."""
    assert_members(actual, names)
    for value, right, size, name in zip(actual, expected, sizes, names, strict=True):
        assert_close(value, right, name=name, atol=WEIGHT_ERROR * float(size.max()))


def assert_members(actual, names):
    if not isinstance(actual, tuple | list) or len(actual) != len(names):
        fail(f"the result must be a tuple of {len(names)}: {', '.join(names)}")


def assert_differences_in(f, point, keys, G, grads, axes, constants):
    """Differences of f in one of its arguments at a time, the others held."""
    for key in keys:
        assert_vjp(
            lambda a, key=key: f({**point, key: a}),
            point[key],
            G,
            grads[key],
            name=f"d{key}",
            axes=axes[key],
            constants=constants,
        )


# attention_scores


@pytest.mark.parametrize(
    ("lead", "n", "m", "d_k"),
    [((), 6, 5, 3), ((), 5, 3, 7), ((8,), 6, 5, 3), ((2, 8), 5, 6, 7), ((5,), 3, 1, 6)],
)
def test_attention_scores_values(submission, rng, lead, n, m, d_k):
    Q, K, _ = random_qkv(rng, lead, n, m, d_k)
    expected = np.empty((*lead, n, m))
    for i in np.ndindex(*lead):
        expected[i] = score_matrix(Q[i].tolist(), K[i].tolist())
    constants = {"d_k": d_k, "n": n, "m": m}
    axes = (*("batch",) * len(lead), *QK_AXES) if len(lead) < 2 else None
    assert_close(submission.attention_scores(Q, K), expected, axes=axes, constants=constants)


def test_attention_scores_variance(submission, rng):
    """Unit-variance scores whatever the width: the reason of the scale."""
    for d_k in (1, 400):
        Q, K, _ = random_qkv(rng, (), 3, 2, d_k)
        expected = score_matrix(Q.tolist(), K.tolist())
        value = submission.attention_scores(Q, K)
        assert_close(value, expected, axes=QK_AXES, constants={"d_k": d_k})


def test_attention_scores_extremes(submission, rng):
    Q, K, _ = extreme_qkv(rng)
    expected = score_matrix(Q.tolist(), K.tolist())
    value = assert_no_warnings(submission.attention_scores, Q, K)
    assert_close(value, expected, axes=QK_AXES, constants={"d_k": 3})


def test_attention_scores_transposed_views(submission, rng):
    Q, K = rng.normal(size=(3, 6)).T, rng.normal(size=(3, 4)).T  # not contiguous
    expected = score_matrix(Q.tolist(), K.tolist())
    assert_close(submission.attention_scores(Q, K), expected, axes=QK_AXES)


def test_attention_scores_pure(submission, rng):
    Q, K, _ = random_qkv(rng, (8,))
    assert_pure(submission.attention_scores, Q, K)


# causal_mask


def expected_mask(n):
    return np.array([[j <= i for j in range(n)] for i in range(n)])


@pytest.mark.parametrize("n", [1, 2, 3])
def test_causal_mask_small(submission, n):
    assert_close(submission.causal_mask(n), expected_mask(n), axes=QK_AXES)


def test_causal_mask_values(submission, rng):
    n = int(rng.integers(5, 12))
    assert_close(submission.causal_mask(n), expected_mask(n), axes=QK_AXES)


def test_causal_mask_long(submission, rng):
    n = int(rng.integers(130, 150))
    assert_close(submission.causal_mask(n), expected_mask(n), axes=QK_AXES)


def test_causal_mask_pure(submission, rng):
    """A mask that was returned before does not change what is returned now."""
    n = int(rng.integers(4, 8))
    assert_pure(submission.causal_mask, n)
    assert_close(submission.causal_mask(n + 1), expected_mask(n + 1), axes=QK_AXES)


# attention


@pytest.mark.parametrize(
    ("lead", "n", "m", "d_k", "d_v"),
    [((), 6, 5, 3, 7), ((), 5, 3, 6, 8), ((8,), 6, 7, 3, 5), ((2, 8), 5, 6, 7, 1)],
)
def test_attention_values(submission, rng, lead, n, m, d_k, d_v):
    Q, K, V = random_qkv(rng, lead, n, m, d_k, d_v)
    expected = over_batch(attend, (Q, K, V), None)
    value = submission.attention(Q, K, V)
    assert_close(value, expected, **PAIR, rtol=WELL_CONDITIONED, constants=dims(n, m, d_k, d_v))


@pytest.mark.parametrize(("lead", "shape"), MASKS)
def test_attention_mask(submission, rng, lead, shape):
    Q, K, V = random_qkv(rng, lead)
    mask = random_mask(rng, shape)
    expected = over_batch(attend, (Q, K, V), mask)
    value = assert_no_warnings(submission.attention, Q, K, V, mask)
    assert_close(value, expected, **PAIR, rtol=WELL_CONDITIONED, constants=dims(6, 5, 3, 7))


@pytest.mark.parametrize("mask", ["none", "causal", "random", "of keys", "one row", "one column"])
def test_attention_as_many_keys(submission, rng, mask):
    """As many keys as queries: causal where a mask says so, and only there."""
    Q, K, V = random_qkv(rng, (7,), 6, 6, 3, 5)
    mask = square_mask(rng, mask)
    expected = over_batch(attend, (Q, K, V), mask)
    value = submission.attention(Q, K, V, mask=mask)
    assert_close(value, expected, **PAIR, constants=dims(6, 6, 3, 5))


def test_attention_mask_allows_all(submission, rng):
    Q, K, V = random_qkv(rng, (8,))
    expected = over_batch(attend, (Q, K, V), None)
    value = submission.attention(Q, K, V, mask=np.ones((8, 1, 5), dtype=bool))
    assert_close(value, expected, **PAIR, constants=dims(6, 5, 3, 7))


def test_attention_masked_row(submission, rng):
    """A query that may attend to nothing gets zeros, silently; the others are not touched."""
    Q, K, V = random_qkv(rng, (8,))
    V += 2.0
    mask = random_mask(rng, (8, 6, 5))
    mask[0, 1] = mask[2, 3] = mask[2, 0] = False
    mask[1, 2] = [False, False, False, True, False]  # one key left: its weight is 1
    expected = over_batch(attend, (Q, K, V), mask)
    value = assert_no_warnings(submission.attention, Q, K, V, mask=mask)
    assert_close(value, expected, **PAIR, axes=(("batch", "query", "value"), ("batch", *QK_AXES)))


def test_attention_everything_masked(submission, rng):
    Q, K, V = random_qkv(rng, (8,))
    value = assert_no_warnings(submission.attention, Q, K, V, np.zeros((6, 1), dtype=bool))
    assert_close(value, (np.zeros((8, 6, 7)), np.zeros((8, 6, 5))), **PAIR, zeros_expected=True)


def test_attention_extremes(submission, rng):
    Q, K, V = extreme_qkv(rng)
    expected = over_batch(attend, (Q, K, V), None)
    value = assert_no_warnings(submission.attention, Q, K, V)
    axes = (("query", "value"), QK_AXES)
    assert_close(value, expected, **PAIR, axes=axes, rtol=RIVALS_AT_1E4)


def test_attention_extremes_masked(submission, rng):
    """Allowed scores near −1e4 beside a forbidden one of +1e4, and a row without any."""
    Q, K, V = extreme_qkv(rng)
    mask = extreme_mask()
    mask[3] = False
    expected = over_batch(attend, (Q, K, V), mask)
    value = assert_no_warnings(submission.attention, Q, K, V, mask)
    axes = (("query", "value"), QK_AXES)
    assert_close(value, expected, **PAIR, axes=axes, rtol=RIVALS_AT_1E4)


def test_attention_one_key(submission, rng):
    Q, K, V = random_qkv(rng, (2,), 3, 1, 4, 5)
    mask = np.array([[True], [False], [True]])
    expected = (np.where(mask, V, 0.0), np.broadcast_to(mask, (2, 3, 1)).astype(np.float64))
    assert_close(submission.attention(Q, K, V, mask), expected, **PAIR)


def test_attention_pure(submission, rng):
    Q, K, V = random_qkv(rng, (8,))
    assert_pure(submission.attention, Q, K, V, random_mask(rng, (6, 5)))


# attention_grads


def assert_differences(submission, rng, dimensions, *mask):
    """One call, and differences in Q, K and V; `mask` is passed by position."""
    Q, K, V = random_qkv(rng, (), *dimensions)
    G = rng.normal(size=(len(Q), V.shape[1]))
    value = submission.attention_grads(Q, K, V, G, *mask)
    assert_members(value, GRADS["name"])
    assert_differences_in(
        lambda x: smooth_attention(x["Q"], x["K"], x["V"], *mask),
        {"Q": Q, "K": K, "V": V},
        "QKV",
        G,
        dict(zip("QKV", value, strict=True)),
        {"Q": ("query", "d_k"), "K": ("key", "d_k"), "V": ("key", "d_v")},
        dims(*dimensions),
    )


@pytest.mark.parametrize("dimensions", [(3, 5, 6, 7), (5, 3, 7, 6)])
def test_attention_grads_differences(submission, rng, dimensions):
    assert_differences(submission, rng, dimensions)


def test_attention_grads_differences_masked(submission, rng):
    mask = random_mask(rng, (5, 6))
    mask[3] = False  # a query that may attend to nothing, beside a key that no query sees
    assert_differences(submission, rng, (5, 6, 3, 7), mask)


@pytest.mark.parametrize("lead", [(8,), (2, 8)])
def test_attention_grads_batch(submission, rng, lead):
    Q, K, V = random_qkv(rng, lead, 7, 6, 3, 5)
    G = rng.normal(size=(*lead, 7, 5))
    expected = over_batch(backward, (Q, K, V, G), None)
    value = submission.attention_grads(Q, K, V, G)
    assert_close(value, expected, **GRADS, constants=dims(7, 6, 3, 5))


@pytest.mark.parametrize(("lead", "shape"), MASKS)
def test_attention_grads_mask(submission, rng, lead, shape):
    Q, K, V = random_qkv(rng, lead)
    G = rng.normal(size=(*lead, 6, 7))
    mask = random_mask(rng, shape)
    expected = over_batch(backward, (Q, K, V, G), mask)
    value = assert_no_warnings(submission.attention_grads, Q, K, V, G, mask)
    assert_close(value, expected, **GRADS, constants=dims(6, 5, 3, 7))


@pytest.mark.parametrize("mask", ["none", "causal", "random", "of keys", "one row", "one column"])
def test_attention_grads_as_many_keys(submission, rng, mask):
    Q, K, V = random_qkv(rng, (7,), 6, 6, 3, 5)
    G = rng.normal(size=(7, 6, 5))
    mask = square_mask(rng, mask)
    expected = over_batch(backward, (Q, K, V, G), mask)
    value = submission.attention_grads(Q, K, V, G, mask=mask)
    assert_close(value, expected, **GRADS, constants=dims(6, 6, 3, 5))


def test_attention_grads_masked_row(submission, rng):
    """A query that may attend to nothing gets no gradient and passes none on, silently."""
    Q, K, V = random_qkv(rng, (8,))
    G = rng.normal(size=(8, 6, 7)) + 1.0
    mask = np.ones((6, 5), dtype=bool)
    mask[1] = mask[3, [0, 4]] = False
    expected = over_batch(backward, (Q, K, V, G), mask)
    value = assert_no_warnings(submission.attention_grads, Q, K, V, G, mask=mask)
    axes = (("batch", "query", "d_k"), ("batch", "key", "d_k"), ("batch", "key", "d_v"))
    assert_close(value, expected, **GRADS, axes=axes, constants=dims(6, 5, 3, 7))


@pytest.mark.parametrize("masked", [False, True])
def test_attention_grads_extremes(submission, rng, masked):
    Q, K, V = extreme_qkv(rng)
    G = rng.normal(size=(4, 2))
    mask = extreme_mask() if masked else None
    expected = over_batch(backward, (Q, K, V, G), mask)
    sizes = over_batch(backward_size, (Q, K, V, G), mask)
    value = assert_no_warnings(submission.attention_grads, Q, K, V, G, mask)
    assert_close_saturated(value, expected, sizes, GRADS["name"])


def test_attention_grads_one_key(submission, rng):
    """With one key the weights are constant: nothing reaches Q and K."""
    Q, K, V = random_qkv(rng, (), 3, 1, 4, 2)
    G = rng.normal(size=(3, 2))
    expected = (np.zeros((3, 4)), np.zeros((1, 4)), G.sum(axis=0, keepdims=True))
    value = submission.attention_grads(Q, K, V, G)
    assert_close(value, expected, **GRADS, atol=ONE_MINUS_S, zeros_expected=True)


def test_attention_grads_pure(submission, rng):
    Q, K, V = random_qkv(rng, (8,))
    G, mask = rng.normal(size=(8, 6, 7)), random_mask(rng, (5,))
    assert_pure(submission.attention_grads, Q, K, V, G, mask)


# softmax_saturation


def jacobian_norm(row):
    """Frobenius norm from the Jacobian's entries; 1 − s_i is the sum of the others."""
    s = weights_row(row.tolist(), [v > -math.inf for v in row])
    n = len(s)
    others = [math.fsum(s[k] for k in range(n) if k != i) for i in range(n)]
    squares = [(s[i] * others[i]) ** 2 for i in range(n)]
    squares += [(s[i] * s[j]) ** 2 for i in range(n) for j in range(n) if i != j]
    return math.sqrt(math.fsum(squares))


def saturation(scores):
    """`jacobian_norm` of each row."""
    lead = scores.shape[:-1]
    return np.array([jacobian_norm(scores[i]) for i in np.ndindex(*lead)]).reshape(lead)


@pytest.mark.parametrize("shape", [(3, 5), (6, 7), (5, 6, 3), (3, 7, 6, 5)])
def test_softmax_saturation_values(submission, rng, shape):
    scores = rng.normal(size=shape) * 1.5
    axes = ("row",) if len(shape) == 2 else None
    value = submission.softmax_saturation(scores)
    assert_close(value, saturation(scores), axes=axes, constants={"n": shape[-1]})


def test_softmax_saturation_differences(submission, rng):
    row = rng.normal(size=5)
    jacobian, _ = numeric_jacobian(lambda z: np.exp(z) / np.exp(z).sum(), row)
    expected = math.sqrt(float(np.sum(jacobian**2)))
    assert_close(submission.softmax_saturation(row), expected)


def test_softmax_saturation_two_entries(submission, rng):
    """Two entries a gap apart: 2 p (1 − p) = 1 / (2 cosh²(gap/2)), from no saturation to all of it."""
    gaps = np.array([0.0, 0.7, 3.0, 8.0, 14.0, 20.0, 60.0, 300.0, 2e4]) + rng.random(9)
    low = rng.normal(size=9) * 10
    scores = np.stack([low, low + gaps], axis=1)
    scores[::2] = scores[::2, ::-1]
    decay = np.exp(-gaps)
    expected = 2 * decay / (1 + decay) ** 2
    value = assert_no_warnings(submission.softmax_saturation, scores)
    assert_close(value, expected, axes=("row",), atol=ONE_MINUS_S)


def test_softmax_saturation_saturated(submission, rng):
    """One entry far above the others: J is close to zero, and so must the norm be."""
    scores = rng.normal(size=(12, 6)) * 2
    scores[np.arange(12), rng.integers(0, 6, size=12)] += np.linspace(12.0, 45.0, 12)
    value = assert_no_warnings(submission.softmax_saturation, scores)
    assert_close(value, saturation(scores), axes=("row",), atol=ONE_MINUS_S)


def test_softmax_saturation_extremes(submission, rng):
    """Rows near +1e4 and −1e4, rows spread over both, −inf entries, and a row of −inf alone."""
    scores = rng.normal(size=(6, 4))
    scores[0] += 1e4
    scores[1] -= 1e4
    scores[2] = [1e4, -1e4, 9999.0, 0.5]
    scores[3, [0, 2]] = -np.inf
    scores[4] = -np.inf
    value = assert_no_warnings(submission.softmax_saturation, scores)
    assert_close(value, saturation(scores), axes=("row",), atol=ONE_MINUS_S)


def test_softmax_saturation_uniform(submission, rng):
    """n equal scores: √(n − 1)/n."""
    n = int(rng.integers(3, 9))
    scores = np.full((3, n), 1.0) * rng.normal(size=(3, 1)) * [[1.0], [30.0], [1e3]]
    expected = np.full(3, math.sqrt(n - 1) / n)
    assert_close(submission.softmax_saturation(scores), expected, axes=("row",), constants={"n": n})


def test_softmax_saturation_one_entry(submission, rng):
    scores = rng.normal(size=(3, 1)) * 50
    value = assert_no_warnings(submission.softmax_saturation, scores)
    assert_close(value, np.zeros(3), axes=("row",), atol=ONE_MINUS_S, zeros_expected=True)


def test_softmax_saturation_pure(submission, rng):
    assert_pure(submission.softmax_saturation, rng.normal(size=(2, 3, 4)))


# multi_head_attention

HEADS = [
    # n, d_model, n_heads, d_k, d_v
    (5, 7, 3, 6, 8),
    (6, 8, 5, 3, 7),
    (7, 5, 3, 8, 6),
]


def head_dims(n, d_model, h, d_k, d_v):
    return {"d_k": d_k, "d_v": d_v, "n_heads": h, "d_model": d_model, "n": n}


@pytest.mark.parametrize("dimensions", HEADS)
def test_multi_head_attention_values(submission, rng, dimensions):
    arrays, h = random_heads(rng, *dimensions), dimensions[2]
    expected = attend_heads(*arrays, h, None)[0]
    value = submission.multi_head_attention(*arrays, h)
    constants = head_dims(*dimensions)
    assert_close(
        value, expected, axes=("position", "d_model"), rtol=WELL_CONDITIONED, constants=constants
    )


def test_multi_head_attention_one_head(submission, rng):
    """One head is `attention` of the three projections, times Wo."""
    X, Wq, Wk, Wv, Wo = random_heads(rng, 5, 7, 1, 3, 6)
    mask = random_mask(rng, (5, 5))
    expected = attend(X @ Wq, X @ Wk, X @ Wv, mask)[0] @ Wo
    value = submission.multi_head_attention(X, Wq, Wk, Wv, Wo, 1, mask)
    constants = head_dims(5, 7, 1, 3, 6)
    assert_close(value, expected, axes=("position", "d_model"), constants=constants)


@pytest.mark.parametrize("shape", [(5, 5), (5,), (1, 5), (5, 1)])
def test_multi_head_attention_mask(submission, rng, shape):
    arrays = random_heads(rng)
    mask = random_mask(rng, shape)
    expected = attend_heads(*arrays, 3, mask)[0]
    value = assert_no_warnings(submission.multi_head_attention, *arrays, 3, mask)
    assert_close(value, expected, axes=("position", "d_model"), constants=head_dims(5, 7, 3, 6, 8))


def test_multi_head_attention_causal(submission, rng):
    """The mask and the number of heads passed by name, the mask for all of three heads."""
    arrays = random_heads(rng, 6, 5, 3, 7, 8)
    mask = expected_mask(6)
    value = submission.multi_head_attention(*arrays, n_heads=3, mask=mask)
    expected = attend_heads(*arrays, 3, mask)[0]
    assert_close(value, expected, axes=("position", "d_model"), constants=head_dims(6, 5, 3, 7, 8))


def test_multi_head_attention_masked_row(submission, rng):
    arrays = random_heads(rng)
    mask = random_mask(rng, (5, 5))
    mask[[1, 4]] = False
    expected = attend_heads(*arrays, 3, mask)[0]
    value = assert_no_warnings(submission.multi_head_attention, *arrays, 3, mask=mask)
    assert_close(value, expected, axes=("position", "d_model"), constants=head_dims(5, 7, 3, 6, 8))


@pytest.mark.parametrize("masked", [False, True])
def test_multi_head_attention_extremes(submission, rng, masked):
    arrays, own_kind = extreme_heads(rng)
    mask = own_kind if masked else None
    expected = attend_heads(*arrays, 2, mask)[0]
    value = assert_no_warnings(submission.multi_head_attention, *arrays, 2, mask)
    assert_close(value, expected, axes=("position", "d_model"), atol=SATURATED)


def test_multi_head_attention_one_position(submission, rng):
    """One position attends to itself with weight 1, whatever Wq and Wk are."""
    X, Wq, Wk, Wv, Wo = random_heads(rng, 1, 4, 2, 3, 5)
    value = submission.multi_head_attention(X, Wq, Wk, Wv, Wo, 2)
    assert_close(value, X @ Wv @ Wo, axes=("position", "d_model"))


def test_multi_head_attention_pure(submission, rng):
    assert_pure(submission.multi_head_attention, *random_heads(rng), 3, random_mask(rng, (5, 5)))


# multi_head_attention_grads

WEIGHTS = ("X", "Wq", "Wk", "Wv", "Wo")


@pytest.mark.parametrize(
    ("gradient", "dimensions", "causal"),
    [
        ("dX", (5, 7, 3, 6, 8), False),
        ("dX", (6, 5, 3, 8, 7), True),
        ("dWq", (6, 4, 3, 5, 7), True),
        ("dWk", (6, 4, 3, 5, 7), False),
        ("dWv", (5, 4, 3, 7, 6), True),
        ("dWo", (5, 4, 3, 7, 6), False),
    ],
)
def test_multi_head_attention_grads_differences(submission, rng, gradient, dimensions, causal):
    """Differences of the forward pass in one of the arguments, the others held."""
    h = dimensions[2]
    point = dict(zip(WEIGHTS, random_heads(rng, *dimensions), strict=True))
    G = rng.normal(size=point["X"].shape)
    mask = (expected_mask(len(G)),) if causal else ()
    value = submission.multi_head_attention_grads(*point.values(), h, G, *mask)
    assert_members(value, HEAD_GRADS["name"])
    key = gradient[1:]
    assert_differences_in(
        lambda x: smooth_heads(*x.values(), h, *mask),
        point,
        [key],
        G,
        dict(zip(WEIGHTS, value, strict=True)),
        {key: None},
        head_dims(*dimensions),
    )


@pytest.mark.parametrize("dimensions", HEADS)
def test_multi_head_attention_grads_values(submission, rng, dimensions):
    arrays, h = random_heads(rng, *dimensions), dimensions[2]
    G = rng.normal(size=arrays[0].shape)
    expected, paths = backward_heads(*arrays, h, G, None)
    terms = {"dX": {f"the path through the {name}": part for name, part in paths.items()}}
    value = submission.multi_head_attention_grads(*arrays, h, G)
    assert_close(value, expected, **HEAD_GRADS, constants=head_dims(*dimensions), terms=terms)


def test_multi_head_attention_grads_one_head(submission, rng):
    arrays = random_heads(rng, 5, 7, 1, 3, 6)
    G = rng.normal(size=(5, 7))
    expected, paths = backward_heads(*arrays, 1, G, None)
    terms = {"dX": {f"the path through the {name}": part for name, part in paths.items()}}
    value = submission.multi_head_attention_grads(*arrays, 1, G)
    assert_close(value, expected, **HEAD_GRADS, constants=head_dims(5, 7, 1, 3, 6), terms=terms)


@pytest.mark.parametrize("shape", [(5, 5), (5,), (5, 1)])
def test_multi_head_attention_grads_mask(submission, rng, shape):
    arrays = random_heads(rng)
    G = rng.normal(size=(5, 7))
    mask = random_mask(rng, shape)
    expected, _ = backward_heads(*arrays, 3, G, mask)
    value = assert_no_warnings(submission.multi_head_attention_grads, *arrays, 3, G, mask)
    assert_close(value, expected, **HEAD_GRADS, constants=head_dims(5, 7, 3, 6, 8))


def test_multi_head_attention_grads_masked_row(submission, rng):
    """Positions that may attend to nothing: no NaN, nothing through their queries."""
    arrays = random_heads(rng)
    G = rng.normal(size=(5, 7))
    mask = random_mask(rng, (5, 5))
    mask[[0, 3]] = False
    expected, _ = backward_heads(*arrays, 3, G, mask)
    value = assert_no_warnings(
        submission.multi_head_attention_grads, *arrays, n_heads=3, grad_output=G, mask=mask
    )
    assert_close(value, expected, **HEAD_GRADS, constants=head_dims(5, 7, 3, 6, 8))


@pytest.mark.parametrize("masked", [False, True])
def test_multi_head_attention_grads_extremes(submission, rng, masked):
    arrays, own_kind = extreme_heads(rng)
    G = rng.normal(size=(5, 7))
    mask = own_kind if masked else None
    expected, _ = backward_heads(*arrays, 2, G, mask)
    sizes = backward_heads_size(*arrays, 2, G, mask)
    value = assert_no_warnings(submission.multi_head_attention_grads, *arrays, 2, G, mask)
    assert_close_saturated(value, expected, sizes, HEAD_GRADS["name"])


def test_multi_head_attention_grads_pure(submission, rng):
    arrays = random_heads(rng)
    assert_pure(
        submission.multi_head_attention_grads,
        *arrays,
        3,
        rng.normal(size=(5, 7)),
        random_mask(rng, (5, 5)),
    )


# capstone


# Both tasks below are one task each, in a disguise that the seed draws: spaces are turned, slots and
# sequences shuffled. Neither changes a loss or the length of a gradient, so that training takes the same
# course at every seed, up to rounding.
DIGITS = np.array(
    [
        int(digit)
        for digit in "31415926535897932384626433832795028841971693993751058209749445923078"
        "164062862089986280348253421170679821480865132823066470938446"
    ]
)
# The losses start at 0.5 and 1.05 and stay below that; uphill they explode.
RISE = 10
LOOKUP_STEPS = 100
# Weights on the right keys end above 0.949 where six keys compete, and higher where fewer do.
LOOKUP_WEIGHT = 0.8
# Equal weights on m keys have a Jacobian of norm √(m − 1)/m: 0.37 to 0.43 for 6 to 4 of them. With a
# weight of 0.94 on one it is 0.08 at most.
OPEN, SETTLED = 0.3, 0.2
# A trapezoid for each step: what is left of the loss' third derivatives, the same at every seed, is 0.2 %
# in the lookup and 2.8 % in the copying.
LOOKUP_SUM, COPY_SUM = 0.01, 0.06
# Weights of scores of order 10, from right formulas, and the norms made of them.
SAME_WEIGHTS = 1e-11
COPY_STEPS = 90
# How far the right token ends above the others: 0.86 or more in each of the 4^5 possible sequences.
COPY_MARGIN = 0.6


def turned(rng, n):
    """A random orthonormal basis."""
    return np.linalg.qr(rng.normal(size=(n, n)))[0]


def lookup(rng, order, values, lengths, n_asked):
    """Ids of a batch of lookups: (asked, wanted), (keys, values, which are real), eight slots in random order.

    The keys of sequence b are the first `lengths[b]` of `order[b]`. The slots behind them repeat the
    same keys with values of their own; they are padding.
    """
    slot = np.tile(np.arange(8), (len(order), 1))
    real = slot < lengths[:, None]
    keys = np.take_along_axis(order, np.where(real, slot, slot - lengths[:, None]) % 6, axis=1)
    shuffled = rng.permuted(slot, axis=1)
    slots = [np.take_along_axis(ids, shuffled, axis=1) for ids in (keys, values, real)]
    return (order[:, :n_asked], values[:, :n_asked]), slots


def along(before, after, step):
    """How far a loss falls in a step against the gradients, by the mean of those at its two ends."""
    ends = zip(before, after, step, strict=True)
    return sum(float(np.sum((a + b) / 2 * v)) for a, b, v in ends)


def check_fall(loss, gradients, tolerance):
    """The gradients that a training met, times its steps, must add up to what the loss has lost."""
    if not abs(gradients - loss) < tolerance * loss:
        fail(
            f"the loss fell by {loss:.4g} in training, and the gradients on the way add up to {gradients:.4g}",
            "Each step counts times the mean of the gradients before and after it, in all weights; "
            f"the two should agree to {tolerance:.0%}.",
        )


def test_capstone_lookup(submission, rng):
    """Three projections learn to find a key's value by gradients from `attention_grads` with padding.

    Deterministic: one task in disguise, and the fresh sequences can only be easier, as no more than six
    keys compete.
    """
    ask_code, key_code, value_code, target_code = (turned(rng, n) for n in (6, 6, 5, 5))
    order = (np.arange(16)[:, None] + np.arange(6)) % 6
    values = DIGITS.reshape(16, 8) % 5
    (asked, wanted), (keys, values, real) = lookup(rng, order, values, 4 + np.arange(16) % 3, 4)
    X = (ask_code[asked], key_code[keys], value_code[values])
    target, mask = target_code[wanted], real[:, None, :]
    # At the start a query for key i looks a little more at key i + 1, and all values are zero.
    inner, units = turned(rng, 7)[:6], np.eye(6)
    W = [ask_code.T @ inner, key_code.T @ np.roll(units, 1, axis=1) @ inner, np.zeros((5, 5))]
    velocity = [np.zeros_like(w) for w in W]
    saturation = []
    first, fall, last = 0.0, 0.0, None
    for step in range(LOOKUP_STEPS + 1):
        Q, K, V = (x @ w for x, w in zip(X, W, strict=True))
        output, weights = submission.attention(Q, K, V, mask)
        error = (as_array(output, (16, 4, 5)) - target) / 64
        loss = 32 * np.sum(error**2)
        first = first or loss
        if not loss < RISE * first:
            fail(f"the loss rose from {first:.3g} to {loss:.3g} in {step} steps of training")
        if step in (0, LOOKUP_STEPS):
            scores = as_array(submission.attention_scores(Q, K), (16, 4, 8))
            found = submission.softmax_saturation(np.where(mask, scores, -np.inf))
            saturation.append(as_array(found, (16, 4)))
            p = as_array(weights, (16, 4, 8))
            jacobian = p[..., :, None] * (np.eye(8) - p[..., None, :])
            off = np.max(np.abs(saturation[-1] - np.sqrt(np.sum(jacobian**2, axis=(-2, -1)))))
            if not off < SAME_WEIGHTS:
                fail(
                    "softmax_saturation of attention_scores, −inf where masked, is not the norm of the "
                    f"Jacobian at the weights of attention: they differ by {off:.3g}"
                )
        projected = submission.attention_grads(Q, K, V, error, mask)
        grads = [
            np.einsum("bni,bnj->ij", x, as_array(d, like.shape))
            for x, d, like in zip(X, projected, (Q, K, V), strict=True)
        ]
        fall += 0.0 if last is None else along(last, grads, velocity)
        velocity = [0.9 * v + grad for v, grad in zip(velocity, grads, strict=True)]
        if step < LOOKUP_STEPS:
            W, last = [w - v for w, v in zip(W, velocity, strict=True)], grads
    check_fall(first - loss, fall, LOOKUP_SUM)

    fresh = rng.permuted(np.tile(np.arange(6), (40, 1)), axis=1)
    (asked, wanted), (keys, values, real) = lookup(
        rng, fresh, rng.integers(5, size=(40, 8)), rng.integers(3, 7, size=40), 3
    )
    X, mask = (ask_code[asked], key_code[keys], value_code[values]), real[:, None, :]
    output, weights = submission.attention(*(x @ w for x, w in zip(X, W, strict=True)), mask)
    found = np.argmax(as_array(output, (40, 3, 5)) @ target_code.T, axis=-1)
    accuracy = np.mean(found == wanted)
    right = (keys[:, None, :] == asked[:, :, None]) & mask
    weight = np.min(as_array(weights, (40, 3, 8))[right])
    if not (accuracy == 1 and weight > LOOKUP_WEIGHT):
        fail(
            f"after {LOOKUP_STEPS} steps of training {accuracy:.0%} of 120 fresh lookups find their value, "
            f"and the smallest weight on a right key is {weight:.3g}",
            f"All should, with weights above {LOOKUP_WEIGHT}; guessing finds 20 %. The loss is {loss:.3g}.",
        )
    before, after = np.min(saturation[0]), np.max(saturation[1])
    if not (before > OPEN and after < SETTLED):
        fail(
            f"the norm of the softmax's Jacobian goes from {before:.3g} to {after:.3g} in training; "
            f"undecided weights have more than {OPEN}, and decided ones less than {SETTLED}"
        )


def small_start(rows, columns, frequency):
    """One matrix for each of two heads: numbers of variance 0.04 in no order, the same every time."""
    i = np.arange(2 * rows * columns).reshape(2, rows, columns)
    return 0.2 * np.sqrt(2) * np.cos(frequency * (i + 1) ** 2)


def test_capstone_copy(submission, rng):
    """Two heads learn to copy the token one back and the token three back, and the tokens' codes, from zero.

    20 sequences of 5 tokens are packed into one, under a mask of causal blocks. Deterministic: one task in
    disguise, after which any sequence is copied.
    """
    place, sequence = np.tile(np.arange(5), 20), np.repeat(np.arange(20), 5)
    causal = as_array(submission.causal_mask(100), (100, 100), bool)
    mask = causal & (sequence == sequence[:, None])
    scored = np.flatnonzero(place >= 3)
    inside, outside = turned(rng, 9), turned(rng, 9)
    places = 1.5 * inside[4:][place]  # the positions' codes are given
    turns = [[turned(rng, n) for _ in range(2)] for n in (5, 4)]
    into = [
        np.hstack([inside.T @ w @ turn for w, turn in zip(start, turned_by, strict=True)])
        for start, turned_by in (
            (small_start(9, 5, 1.1), turns[0]),
            (small_start(9, 5, 2.3), turns[0]),
            (small_start(9, 4, 0.7), turns[1]),
        )
    ]
    out_of = [
        turn.T @ w @ outside for w, turn in zip(small_start(4, 9, 1.9), turns[1], strict=True)
    ]
    W = [*into, np.vstack(out_of)]
    codes = np.zeros((4, 9))  # those of the tokens are to be learned

    velocity = [np.zeros_like(w) for w in (*W, codes)]
    ids = rng.permutation(DIGITS[:100].reshape(20, 5) % 4).ravel()
    target = outside[ids[scored - 1]] + outside[4 + ids[scored - 3]]
    first, fall, last = 0.0, 0.0, None
    for step in range(COPY_STEPS + 1):
        X = codes[ids] + places
        output = as_array(submission.multi_head_attention(X, *W, 2, mask), (100, 9))
        error = np.zeros((100, 9))
        error[scored] = (output[scored] - target) / 40
        loss = 20 * np.sum(error**2)
        first = first or loss
        if not loss < RISE * first:
            fail(f"the loss rose from {first:.3g} to {loss:.3g} in {step} steps of training")
        dX, *dW = submission.multi_head_attention_grads(X, *W, 2, error, mask)
        grads = [as_array(d, w.shape) for d, w in zip(dW, W, strict=True)]
        grads.append((ids == np.arange(4)[:, None]) @ as_array(dX, (100, 9)))
        fall += 0.0 if last is None else along(last, grads, velocity)
        norm = np.sqrt(sum(np.sum(grad**2) for grad in grads))
        clipped = 0.5 * min(1.0, 0.3 / max(norm, 0.3))
        velocity = [0.9 * v + clipped * grad for v, grad in zip(velocity, grads, strict=True)]
        if step < COPY_STEPS:
            *W, codes = (w - v for w, v in zip((*W, codes), velocity, strict=True))
            last = grads
    check_fall(first - loss, fall, COPY_SUM)

    ids = rng.integers(4, size=100)
    output = as_array(submission.multi_head_attention(codes[ids] + places, *W, 2, mask), (100, 9))
    read = (output @ outside.T)[scored, :8].reshape(40, 2, 4)
    wanted = np.stack([ids[scored - 1], ids[scored - 3]], axis=1)[..., None]
    right = np.take_along_axis(read, wanted, axis=2)[..., 0]
    np.put_along_axis(read, wanted, -np.inf, axis=2)
    above = right - np.max(read, axis=2)
    accuracy, margin = np.mean(above > 0, axis=0), np.min(above)
    if not margin > COPY_MARGIN:
        fail(
            f"after {COPY_STEPS} steps of training {accuracy[0]:.0%} of the tokens one back and "
            f"{accuracy[1]:.0%} of those three back are copied in fresh sequences, and the right one ends "
            f"{margin:.3g} above the others or more",
            f"All should be copied, by a margin of more than {COPY_MARGIN}; guessing copies 25 %. "
            f"The loss went from {first:.3g} to {loss:.3g}.",
        )
