"""Wrong on purpose: what people write for the attention topic. Each docstring ends 'this is what you get when …'."""

import numpy as np


def _swap(a):
    return np.swapaxes(a, -1, -2)


def _scores(Q, K):
    return Q @ _swap(K) / np.sqrt(Q.shape[-1])


def _masked(scores, mask):
    return scores if mask is None else np.where(mask, scores, -np.inf)


def _softmax(z):
    top = np.max(z, axis=-1, keepdims=True)
    e = np.exp(z - np.where(np.isneginf(top), 0.0, top))
    total = e.sum(axis=-1, keepdims=True)
    return e / np.where(total == 0, 1.0, total)


def _attention(Q, K, V, mask=None):
    weights = _softmax(_masked(_scores(Q, K), mask))
    return weights @ V, weights


def _grads_from(P, Q, K, V, G, root):
    dP = G @ _swap(V)
    dS = P * (dP - (P * dP).sum(axis=-1, keepdims=True)) / root
    return dS @ K, _swap(dS) @ Q, _swap(P) @ G


def _grads(Q, K, V, G, mask=None):
    return _grads_from(_attention(Q, K, V, mask)[1], Q, K, V, G, np.sqrt(Q.shape[-1]))


def _nan_weights(Q, K, mask):
    scores = _masked(_scores(Q, K), mask)
    with np.errstate(invalid="ignore"):
        e = np.exp(scores - scores.max(axis=-1, keepdims=True))
        return e / e.sum(axis=-1, keepdims=True)


def _uniform_weights(Q, K, mask):
    scores = _scores(Q, K)
    return _softmax(scores if mask is None else np.where(mask, scores, -1e9))


def _unshifted_weights(Q, K, mask):
    with np.errstate(all="ignore"):
        e = np.exp(_masked(_scores(Q, K), mask))
        total = e.sum(axis=-1, keepdims=True)
        return e / np.where(total == 0, 1.0, total)


def _split(a, h):
    return a.reshape(len(a), h, -1).swapaxes(0, 1)


def _merge(a):
    return a.swapaxes(0, 1).reshape(a.shape[1], -1)


def _heads(X, Wq, Wk, Wv, h):
    return _split(X @ Wq, h), _split(X @ Wk, h), _split(X @ Wv, h)


def _queries_for_keys(mask, Q, K):
    """A mask of one axis, as long as there are queries, turned into one of queries."""
    one_axis = mask is not None and mask.ndim == 1 and mask.size == Q.shape[-2]
    return mask[:, None] if one_axis else mask


def _padding_for_all(mask, Q, K):
    """A mask of two axes, as long as the batch and the keys, turned into one of sequences."""
    padding = mask is not None and Q.ndim == 3 and mask.shape == (len(Q), K.shape[1])
    return mask[:, None, :] if padding else mask


def _single(*arrays):
    return (np.asarray(a, np.float32) for a in arrays)


# attention_scores


def attention_scores__no_scale(Q, K):
    """the dot products are not divided by √d_k"""
    return Q @ _swap(K)


def attention_scores__divided_by_d_k(Q, K):
    """the dot products are divided by d_k, not by its square root"""
    return Q @ _swap(K) / Q.shape[-1]


def attention_scores__multiplied(Q, K):
    """the dot products are multiplied by √d_k, not divided"""
    return Q @ _swap(K) * np.sqrt(Q.shape[-1])


def attention_scores__root_of_n_keys(Q, K):
    """the number of keys is taken for d_k"""
    return Q @ _swap(K) / np.sqrt(K.shape[-2])


def attention_scores__root_of_first_axis(Q, K):
    """d_k is read from len(Q), which is the number of queries, or of sequences in a batch"""
    return Q @ _swap(K) / np.sqrt(len(Q))


def attention_scores__second_axis(Q, K):
    """d_k is read from Q.shape[1], which in a batch is another axis"""
    return Q @ _swap(K) / np.sqrt(Q.shape[1])


def attention_scores__all_axes_transposed(Q, K):
    """K.T is written, which in a batch reverses all axes and not only the last two"""
    return Q @ K.T / np.sqrt(Q.shape[-1])


def attention_scores__dot(Q, K):
    """np.dot is used on a batch, which pairs every sequence with every other"""
    return np.dot(Q, _swap(K)) / np.sqrt(Q.shape[-1])


def attention_scores__keys_by_queries(Q, K):
    """rows are keys and columns are queries: K Qᵀ"""
    return K @ _swap(Q) / np.sqrt(Q.shape[-1])


def attention_scores__reshaped_keys(Q, K):
    """K is reshaped where it should be transposed, so that its entries are paired at random"""
    return Q @ K.reshape(*K.shape[:-2], K.shape[-1], K.shape[-2]) / np.sqrt(Q.shape[-1])


def attention_scores__cosine(Q, K):
    """queries and keys are brought to length one, which gives cosines"""
    unit_q = Q / np.linalg.norm(Q, axis=-1, keepdims=True)
    return unit_q @ _swap(K / np.linalg.norm(K, axis=-1, keepdims=True))


def attention_scores__softmax(Q, K):
    """the softmax is taken already: these are the weights, not the scores"""
    return _softmax(_scores(Q, K))


# causal_mask


def causal_mask__diagonal_hidden(n):
    """the diagonal is hidden: a position may not attend to itself, and the first one to nothing"""
    return np.tril(np.ones((n, n), dtype=bool), k=-1)


def causal_mask__future(n):
    """the triangle is the wrong one: a position sees itself and what comes after it"""
    return np.triu(np.ones((n, n), dtype=bool))


def causal_mask__true_is_hidden(n):
    """hidden is what True stands for, as in libraries that mark what may not be attended to"""
    return np.triu(np.ones((n, n), dtype=bool), k=1)


def causal_mask__floats(n):
    """the mask holds floats, not booleans"""
    return np.tri(n)


def causal_mask__integers(n):
    """the mask holds integers, not booleans"""
    return np.tril(np.ones((n, n), dtype=int))


def causal_mask__additive(n):
    """the mask is one to be added to the scores: 0 and −inf, not booleans"""
    return np.where(np.tri(n, dtype=bool), 0.0, -np.inf)


def causal_mask__one_ahead(n):
    """one position too many is visible: the next one"""
    return np.tri(n, k=1, dtype=bool)


def causal_mask__only_previous(n):
    """only the position itself and the one before it are visible"""
    return np.tri(n, dtype=bool) & ~np.tri(n, k=-2, dtype=bool)


def causal_mask__first_row_repaired(n):
    """the diagonal is hidden, and the first position alone may attend to itself, so that its row is not empty"""
    mask = np.tri(n, k=-1, dtype=bool)
    mask[0, 0] = True
    return mask


# attention


def attention__no_scale(Q, K, V, mask=None):
    """the scores are not divided by √d_k"""
    weights = _softmax(_masked(Q @ _swap(K), mask))
    return weights @ V, weights


def attention__root_of_d_v(Q, K, V, mask=None):
    """the scores are divided by the root of the values' width, not of the keys'"""
    weights = _softmax(_masked(Q @ _swap(K) / np.sqrt(V.shape[-1]), mask))
    return weights @ V, weights


def attention__mask_ignored(Q, K, V, mask=None):
    """the mask is not used"""
    return _attention(Q, K, V)


def attention__mask_inverted(Q, K, V, mask=None):
    """the mask is read the other way round: True is taken for hidden"""
    return _attention(Q, K, V, None if mask is None else ~mask)


def attention__mask_times_scores(Q, K, V, mask=None):
    """the mask is multiplied into the scores: a score of 0 is not a weight of 0"""
    weights = _softmax(_scores(Q, K) * (True if mask is None else mask))
    return weights @ V, weights


def attention__mask_after_softmax(Q, K, V, mask=None):
    """the mask is applied after the softmax and the rows are not renormalised"""
    weights = _softmax(_scores(Q, K)) * (True if mask is None else mask)
    return weights @ V, weights


def attention__masked_row_nan(Q, K, V, mask=None):
    """a row that may attend to nothing is not looked after: −inf − (−inf) is NaN"""
    weights = _nan_weights(Q, K, mask)
    return weights @ V, weights


def attention__masked_row_uniform(Q, K, V, mask=None):
    """forbidden scores are set to −1e9, so that a row that may attend to nothing attends to all"""
    weights = _uniform_weights(Q, K, mask)
    return weights @ V, weights


def attention__zeroed_too_late(Q, K, V, mask=None):
    """an empty row's weights are set to zero only after the output was computed"""
    weights = _uniform_weights(Q, K, mask)
    output = weights @ V
    return output, weights * (True if mask is None else mask)


def attention__small_penalty(Q, K, V, mask=None):
    """forbidden scores are set to −1e4, which scores that are allowed may reach as well"""
    weights = _softmax(np.where(True if mask is None else mask, _scores(Q, K), -1e4))
    weights = weights * (True if mask is None else np.any(mask, axis=-1, keepdims=True))
    return weights @ V, weights


def attention__no_max(Q, K, V, mask=None):
    """no maximum is subtracted, so that the exponentials overflow or all underflow"""
    weights = _unshifted_weights(Q, K, mask)
    return weights @ V, weights


def attention__max_of_masked_too(Q, K, V, mask=None):
    """the maximum is taken over forbidden keys too, below which the allowed ones underflow"""
    scores = _scores(Q, K)
    e = np.exp(scores - scores.max(axis=-1, keepdims=True))
    e = e * (True if mask is None else mask)
    total = e.sum(axis=-1, keepdims=True)
    weights = e / np.where(total == 0, 1.0, total)
    return weights @ V, weights


def attention__global_max(Q, K, V, mask=None):
    """one maximum is taken for all rows, below which whole rows underflow"""
    scores = _masked(_scores(Q, K), mask)
    top = scores.max()
    e = np.exp(scores - (top if np.isfinite(top) else 0.0))
    total = e.sum(axis=-1, keepdims=True)
    weights = e / np.where(total == 0, 1.0, total)
    return weights @ V, weights


def attention__over_queries(Q, K, V, mask=None):
    """the softmax runs over the queries, so that columns and not rows sum to one"""
    weights = _swap(_softmax(_swap(_masked(_scores(Q, K), mask))))
    return weights @ V, weights


def attention__softmax_twice(Q, K, V, mask=None):
    """the softmax is applied twice"""
    weights = _softmax(_masked(_attention(Q, K, V, mask)[1], mask))
    return weights @ V, weights


def attention__scores_returned(Q, K, V, mask=None):
    """the scores are returned in place of the weights"""
    return _attention(Q, K, V, mask)[0], _scores(Q, K)


def attention__output_alone(Q, K, V, mask=None):
    """the output is returned alone, without the weights"""
    return _attention(Q, K, V, mask)[0]


def attention__order(Q, K, V, mask=None):
    """the weights are returned first and the output second"""
    output, weights = _attention(Q, K, V, mask)
    return weights, output


def attention__returns_v(Q, K, V, mask=None):
    """V itself is returned as the output, and never weighted"""
    return V, _attention(Q, K, V, mask)[1]


def attention__eps_in_denominator(Q, K, V, mask=None):
    """an eps is added to the denominator, so that the weights no longer sum to one"""
    scores = _masked(_scores(Q, K), mask)
    top = scores.max(axis=-1, keepdims=True)
    e = np.exp(scores - np.where(np.isneginf(top), 0.0, top))
    weights = e / (e.sum(axis=-1, keepdims=True) + 1e-9)
    return weights @ V, weights


def attention__one_axis_mask_of_queries(Q, K, V, mask=None):
    """a mask of shape (m,) is taken for one of queries where there are as many queries as keys"""
    return _attention(Q, K, V, _queries_for_keys(mask, Q, K))


def attention__two_axes_mask_of_padding(Q, K, V, mask=None):
    """a mask of shape (n, m) is taken for one of sequences and keys where there are as many sequences as queries"""
    return _attention(Q, K, V, _padding_for_all(mask, Q, K))


def attention__single_precision(Q, K, V, mask=None):
    """the computation runs in float32, and only its result is turned into float64"""
    output, weights = _attention(*_single(Q, K, V), mask)
    return output.astype(float), weights.astype(float)


# attention_grads


def attention_grads__no_scale(Q, K, V, grad_output, mask=None):
    """dQ and dK lack their 1/√d_k, though the forward pass has it"""
    return _grads_from(_attention(Q, K, V, mask)[1], Q, K, V, grad_output, 1.0)


def attention_grads__no_scale_in_dK(Q, K, V, grad_output, mask=None):
    """the 1/√d_k is put into dQ and forgotten in dK"""
    dQ, dK, dV = _grads(Q, K, V, grad_output, mask)
    return dQ, dK * np.sqrt(Q.shape[-1]), dV


def attention_grads__scaled_twice(Q, K, V, grad_output, mask=None):
    """the gradient is divided by d_k, not by its square root"""
    return _grads_from(_attention(Q, K, V, mask)[1], Q, K, V, grad_output, Q.shape[-1])


def attention_grads__unscaled_forward(Q, K, V, grad_output, mask=None):
    """the weights are computed again without the 1/√d_k, which only the backward step has"""
    weights = _softmax(_masked(Q @ _swap(K), mask))
    return _grads_from(weights, Q, K, V, grad_output, np.sqrt(Q.shape[-1]))


def attention_grads__diagonal_only(Q, K, V, grad_output, mask=None):
    """the softmax's Jacobian is taken for its diagonal, P(1 − P)"""
    P = _attention(Q, K, V, mask)[1]
    dS = P * (1 - P) * (grad_output @ _swap(V)) / np.sqrt(Q.shape[-1])
    return dS @ K, _swap(dS) @ Q, _swap(P) @ grad_output


def attention_grads__no_softmax(Q, K, V, grad_output, mask=None):
    """the softmax is skipped on the way back: dS = dP"""
    P = _attention(Q, K, V, mask)[1]
    dS = grad_output @ _swap(V) / np.sqrt(Q.shape[-1])
    return dS @ K, _swap(dS) @ Q, _swap(P) @ grad_output


def attention_grads__no_coupling(Q, K, V, grad_output, mask=None):
    """the softmax's normaliser is taken for a constant: dS = P ⊙ dP"""
    P = _attention(Q, K, V, mask)[1]
    dS = P * (grad_output @ _swap(V)) / np.sqrt(Q.shape[-1])
    return dS @ K, _swap(dS) @ Q, _swap(P) @ grad_output


def attention_grads__plain_mean(Q, K, V, grad_output, mask=None):
    """the plain mean of dP over the keys is subtracted, not its mean weighted by P"""
    P = _attention(Q, K, V, mask)[1]
    dP = grad_output @ _swap(V)
    dS = P * (dP - dP.mean(axis=-1, keepdims=True)) / np.sqrt(Q.shape[-1])
    return dS @ K, _swap(dS) @ Q, _swap(P) @ grad_output


def attention_grads__sum_over_queries(Q, K, V, grad_output, mask=None):
    """the weighted sum of dP runs over the queries, not over the keys"""
    P = _attention(Q, K, V, mask)[1]
    dP = grad_output @ _swap(V)
    dS = P * (dP - (P * dP).sum(axis=-2, keepdims=True)) / np.sqrt(Q.shape[-1])
    return dS @ K, _swap(dS) @ Q, _swap(P) @ grad_output


def attention_grads__ones_upstream(Q, K, V, grad_output, mask=None):
    """grad_output is ignored, and ones take its place"""
    return _grads(Q, K, V, np.ones_like(grad_output), mask)


def attention_grads__mask_ignored(Q, K, V, grad_output, mask=None):
    """the mask is not used when the weights are computed again"""
    return _grads(Q, K, V, grad_output)


def attention_grads__mask_on_gradient_only(Q, K, V, grad_output, mask=None):
    """the mask is put on the scores' gradient, and the weights are those without a mask"""
    P = _attention(Q, K, V)[1]
    dP = grad_output @ _swap(V)
    dS = P * (dP - (P * dP).sum(axis=-1, keepdims=True)) / np.sqrt(Q.shape[-1])
    dS = dS * (True if mask is None else mask)
    return dS @ K, _swap(dS) @ Q, _swap(P) @ grad_output


def attention_grads__masked_row_nan(Q, K, V, grad_output, mask=None):
    """a row that may attend to nothing gives NaN, which spreads to all of dK and dV"""
    with np.errstate(invalid="ignore"):
        return _grads_from(_nan_weights(Q, K, mask), Q, K, V, grad_output, np.sqrt(Q.shape[-1]))


def attention_grads__masked_row_uniform(Q, K, V, grad_output, mask=None):
    """a row that may attend to nothing is given uniform weights, and passes gradients on"""
    return _grads_from(_uniform_weights(Q, K, mask), Q, K, V, grad_output, np.sqrt(Q.shape[-1]))


def attention_grads__no_max(Q, K, V, grad_output, mask=None):
    """no maximum is subtracted in the softmax, so that the exponentials overflow"""
    with np.errstate(all="ignore"):
        weights = _unshifted_weights(Q, K, mask)
        return _grads_from(weights, Q, K, V, grad_output, np.sqrt(Q.shape[-1]))


def attention_grads__sign(Q, K, V, grad_output, mask=None):
    """the weighted sum comes first in the difference: dQ and dK have the wrong sign"""
    dQ, dK, dV = _grads(Q, K, V, grad_output, mask)
    return -dQ, -dK, dV


def attention_grads__dQ_dK_swapped(Q, K, V, grad_output, mask=None):
    """dK is returned first and dQ second"""
    dQ, dK, dV = _grads(Q, K, V, grad_output, mask)
    return dK, dQ, dV


def attention_grads__dV_from_gradient(Q, K, V, grad_output, mask=None):
    """dV is formed with the scores' gradient, not with the weights"""
    P = _attention(Q, K, V, mask)[1]
    dP = grad_output @ _swap(V)
    dS = P * (dP - (P * dP).sum(axis=-1, keepdims=True))
    dQ, dK, _ = _grads(Q, K, V, grad_output, mask)
    return dQ, dK, _swap(dS) @ grad_output


def attention_grads__mask_ignored_in_dV(Q, K, V, grad_output, mask=None):
    """the mask is used for dQ and dK and forgotten in dV"""
    dQ, dK, _ = _grads(Q, K, V, grad_output, mask)
    return dQ, dK, _swap(_attention(Q, K, V)[1]) @ grad_output


def attention_grads__root_of_d_v(Q, K, V, grad_output, mask=None):
    """the backward step divides by the root of the values' width, not of the keys'"""
    weights = _attention(Q, K, V, mask)[1]
    return _grads_from(weights, Q, K, V, grad_output, np.sqrt(V.shape[-1]))


def attention_grads__one_axis_mask_of_queries(Q, K, V, grad_output, mask=None):
    """a mask of shape (m,) is taken for one of queries where there are as many queries as keys"""
    return _grads(Q, K, V, grad_output, _queries_for_keys(mask, Q, K))


def attention_grads__two_axes_mask_of_padding(Q, K, V, grad_output, mask=None):
    """a mask of shape (n, m) is taken for one of sequences and keys where there are as many sequences as queries"""
    return _grads(Q, K, V, grad_output, _padding_for_all(mask, Q, K))


def attention_grads__single_precision(Q, K, V, grad_output, mask=None):
    """the computation runs in float32, and only its result is turned into float64"""
    return tuple(a.astype(float) for a in _grads(*_single(Q, K, V, grad_output), mask))


# softmax_saturation


def _jacobian(s):
    return s[..., :, None] * (np.eye(s.shape[-1]) - s[..., None, :])


def softmax_saturation__squared(scores):
    """the square root is missing: this is the sum of squares"""
    return (_jacobian(_softmax(scores)) ** 2).sum(axis=(-2, -1))


def softmax_saturation__diagonal_only(scores):
    """only the Jacobian's diagonal s(1 − s) is counted"""
    s = _softmax(scores)
    return np.sqrt(((s * (1 - s)) ** 2).sum(axis=-1))


def softmax_saturation__off_diagonal_only(scores):
    """only the Jacobian's entries off the diagonal are counted"""
    jacobian = _jacobian(_softmax(scores)) * (1 - np.eye(scores.shape[-1]))
    return np.sqrt((jacobian**2).sum(axis=(-2, -1)))


def softmax_saturation__trace(scores):
    """the trace is taken, the sum of s(1 − s)"""
    s = _softmax(scores)
    return (s * (1 - s)).sum(axis=-1)


def softmax_saturation__spectral(scores):
    """the spectral norm is taken, the largest singular value"""
    return np.linalg.norm(_jacobian(_softmax(scores)), ord=2, axis=(-2, -1))


def softmax_saturation__largest_entry(scores):
    """the largest entry is taken in place of the norm"""
    return np.abs(_jacobian(_softmax(scores))).max(axis=(-2, -1))


def softmax_saturation__sum_of_magnitudes(scores):
    """the entries' magnitudes are summed, not their squares"""
    return np.abs(_jacobian(_softmax(scores))).sum(axis=(-2, -1))


def softmax_saturation__root_mean_square(scores):
    """the squares are averaged, not summed"""
    return np.sqrt((_jacobian(_softmax(scores)) ** 2).mean(axis=(-2, -1)))


def softmax_saturation__whole_array(scores):
    """one norm is taken over all rows, not one for each"""
    return np.sqrt((_jacobian(_softmax(scores)) ** 2).sum())


def softmax_saturation__takes_probabilities(scores):
    """the scores are taken for probabilities, without a softmax"""
    s = np.where(np.isneginf(scores), 0.0, scores)
    return np.sqrt((_jacobian(s) ** 2).sum(axis=(-2, -1)))


def softmax_saturation__norm_of_weights(scores):
    """the norm of the probabilities is taken, not that of their Jacobian"""
    return np.linalg.norm(_softmax(scores), axis=-1)


def softmax_saturation__expanded(scores):
    """the squares are multiplied out, and numbers near 1 cancel where the softmax saturates"""
    s = _softmax(scores)
    square = (s**2).sum(axis=-1)
    return np.sqrt(np.maximum(square - 2 * (s**3).sum(axis=-1) + square**2, 0.0))


def softmax_saturation__over_rows(scores):
    """the softmax runs over the first axis, not over the last"""
    s = _softmax(np.swapaxes(scores, 0, -1)).swapaxes(0, -1)
    return np.sqrt((_jacobian(s) ** 2).sum(axis=(-2, -1)))


def softmax_saturation__no_max(scores):
    """no maximum is subtracted in the softmax, so that the exponentials overflow or all underflow"""
    with np.errstate(all="ignore"):
        e = np.exp(scores)
        total = e.sum(axis=-1, keepdims=True)
        jacobian = _jacobian(e / np.where(total == 0, 1.0, total))
        return np.sqrt((jacobian**2).sum(axis=(-2, -1)))


def softmax_saturation__all_masked_nan(scores):
    """a row that is all −inf is not looked after: −inf − (−inf) is NaN"""
    with np.errstate(invalid="ignore"):
        e = np.exp(scores - scores.max(axis=-1, keepdims=True))
        jacobian = _jacobian(e / e.sum(axis=-1, keepdims=True))
        return np.sqrt((jacobian**2).sum(axis=(-2, -1)))


def softmax_saturation__global_max(scores):
    """one maximum is subtracted from all rows, below which whole rows underflow"""
    top = scores.max()
    e = np.exp(scores - (top if np.isfinite(top) else 0.0))
    total = e.sum(axis=-1, keepdims=True)
    jacobian = _jacobian(e / np.where(total == 0, 1.0, total))
    return np.sqrt((jacobian**2).sum(axis=(-2, -1)))


# multi_head_attention


def multi_head_attention__reshaped_only(X, Wq, Wk, Wv, Wo, n_heads, mask=None):
    """the heads are split by a reshape without the transpose, which mixes positions"""
    n = len(X)
    Q, K, V = ((X @ W).reshape(n_heads, n, -1) for W in (Wq, Wk, Wv))
    return _merge(_attention(Q, K, V, mask)[0]) @ Wo


def multi_head_attention__merged_by_reshape(X, Wq, Wk, Wv, Wo, n_heads, mask=None):
    """the heads are put together by a reshape without the transpose"""
    return _attention(*_heads(X, Wq, Wk, Wv, n_heads), mask)[0].reshape(len(X), -1) @ Wo


def multi_head_attention__interleaved(X, Wq, Wk, Wv, Wo, n_heads, mask=None):
    """a head owns every h-th column, not a contiguous block"""
    Q, K, V = ((X @ W).reshape(len(X), -1, n_heads).transpose(2, 0, 1) for W in (Wq, Wk, Wv))
    heads = _attention(Q, K, V, mask)[0]
    return heads.transpose(1, 2, 0).reshape(len(X), -1) @ Wo


def multi_head_attention__merged_interleaved(X, Wq, Wk, Wv, Wo, n_heads, mask=None):
    """the heads' outputs are interleaved column by column, not laid side by side"""
    heads = _attention(*_heads(X, Wq, Wk, Wv, n_heads), mask)[0]
    return heads.transpose(1, 2, 0).reshape(len(X), -1) @ Wo


def multi_head_attention__one_big_head(X, Wq, Wk, Wv, Wo, n_heads, mask=None):
    """n_heads is ignored: one head has all columns"""
    return _attention(X @ Wq, X @ Wk, X @ Wv, mask)[0] @ Wo


def _scaled_by(root, X, Wq, Wk, Wv, Wo, n_heads, mask):
    Q, K, V = _heads(X, Wq, Wk, Wv, n_heads)
    return _merge(_softmax(_masked(Q @ _swap(K) / root, mask)) @ V) @ Wo


def multi_head_attention__root_of_all_columns(X, Wq, Wk, Wv, Wo, n_heads, mask=None):
    """the scores are divided by √(h·d_k), the width of all heads together"""
    return _scaled_by(np.sqrt(Wq.shape[1]), X, Wq, Wk, Wv, Wo, n_heads, mask)


def multi_head_attention__root_of_d_model(X, Wq, Wk, Wv, Wo, n_heads, mask=None):
    """the scores are divided by √d_model, not by the root of a head's width"""
    return _scaled_by(np.sqrt(X.shape[1]), X, Wq, Wk, Wv, Wo, n_heads, mask)


def multi_head_attention__root_of_model_share(X, Wq, Wk, Wv, Wo, n_heads, mask=None):
    """d_k is taken to be d_model / h, which it need not be"""
    return _scaled_by(np.sqrt(X.shape[1] / n_heads), X, Wq, Wk, Wv, Wo, n_heads, mask)


def multi_head_attention__no_scale(X, Wq, Wk, Wv, Wo, n_heads, mask=None):
    """the scores are not scaled at all"""
    return _scaled_by(1.0, X, Wq, Wk, Wv, Wo, n_heads, mask)


def multi_head_attention__no_output_projection(X, Wq, Wk, Wv, Wo, n_heads, mask=None):
    """the heads are returned side by side, without Wo"""
    return _merge(_attention(*_heads(X, Wq, Wk, Wv, n_heads), mask)[0])


def multi_head_attention__keys_from_queries(X, Wq, Wk, Wv, Wo, n_heads, mask=None):
    """the keys are projected with Wq, and Wk is not used"""
    return _merge(_attention(*_heads(X, Wq, Wq, Wv, n_heads), mask)[0]) @ Wo


def multi_head_attention__heads_reversed(X, Wq, Wk, Wv, Wo, n_heads, mask=None):
    """the heads are laid side by side in reverse"""
    return _merge(_attention(*_heads(X, Wq, Wk, Wv, n_heads), mask)[0][::-1]) @ Wo


def multi_head_attention__heads_averaged(X, Wq, Wk, Wv, Wo, n_heads, mask=None):
    """the heads' contributions are averaged, not summed by Wo"""
    return _merge(_attention(*_heads(X, Wq, Wk, Wv, n_heads), mask)[0]) @ Wo / n_heads


def multi_head_attention__mask_ignored(X, Wq, Wk, Wv, Wo, n_heads, mask=None):
    """the mask is not used"""
    return _merge(_attention(*_heads(X, Wq, Wk, Wv, n_heads))[0]) @ Wo


def multi_head_attention__mask_on_first_head(X, Wq, Wk, Wv, Wo, n_heads, mask=None):
    """the mask is applied to the first head only"""
    heads = _attention(*_heads(X, Wq, Wk, Wv, n_heads))[0]
    heads[0] = _attention(*(a[0] for a in _heads(X, Wq, Wk, Wv, n_heads)), mask)[0]
    return _merge(heads) @ Wo


def multi_head_attention__mask_inverted(X, Wq, Wk, Wv, Wo, n_heads, mask=None):
    """the mask is read the other way round: True is taken for hidden"""
    hidden = None if mask is None else ~mask
    return _merge(_attention(*_heads(X, Wq, Wk, Wv, n_heads), hidden)[0]) @ Wo


def multi_head_attention__masked_row_nan(X, Wq, Wk, Wv, Wo, n_heads, mask=None):
    """a position that may attend to nothing is not looked after: −inf − (−inf) is NaN"""
    Q, K, V = _heads(X, Wq, Wk, Wv, n_heads)
    return _merge(_nan_weights(Q, K, mask) @ V) @ Wo


def multi_head_attention__masked_row_uniform(X, Wq, Wk, Wv, Wo, n_heads, mask=None):
    """forbidden scores are set to −1e9, so that a position that may see nothing sees all"""
    Q, K, V = _heads(X, Wq, Wk, Wv, n_heads)
    return _merge(_uniform_weights(Q, K, mask) @ V) @ Wo


def multi_head_attention__no_max(X, Wq, Wk, Wv, Wo, n_heads, mask=None):
    """no maximum is subtracted in the softmax, so that the exponentials overflow"""
    Q, K, V = _heads(X, Wq, Wk, Wv, n_heads)
    with np.errstate(all="ignore"):
        return _merge(_unshifted_weights(Q, K, mask) @ V) @ Wo


def multi_head_attention__residual(X, Wq, Wk, Wv, Wo, n_heads, mask=None):
    """X is added to the output, as a transformer's block does outside this layer"""
    return X + _merge(_attention(*_heads(X, Wq, Wk, Wv, n_heads), mask)[0]) @ Wo


# multi_head_attention_grads


def _head_grads(X, Wq, Wk, Wv, Wo, h, G, mask, weights=None, root=None, dH=None):
    """The heads side by side, and dQ, dK and dV side by side."""
    Q, K, V = _heads(X, Wq, Wk, Wv, h)
    P = _attention(Q, K, V, mask)[1] if weights is None else weights
    root = np.sqrt(Q.shape[-1]) if root is None else root
    grad_heads = _split(G @ Wo.T if dH is None else dH, h)
    parts = _grads_from(P, Q, K, V, grad_heads, root)
    return _merge(P @ V), *(_merge(a) for a in parts)


def _assemble(X, Wq, Wk, Wv, G, H, dQ, dK, dV):
    dX = dQ @ Wq.T + dK @ Wk.T + dV @ Wv.T
    return dX, X.T @ dQ, X.T @ dK, X.T @ dV, H.T @ G


def _all(X, Wq, Wk, Wv, Wo, h, G, mask, **options):
    parts = _head_grads(X, Wq, Wk, Wv, Wo, h, G, mask, **options)
    return _assemble(X, Wq, Wk, Wv, G, *parts)


def multi_head_attention_grads__no_query_path(X, Wq, Wk, Wv, Wo, n_heads, grad_output, mask=None):
    """dX misses the path through the queries"""
    _, dQ, _, _ = _head_grads(X, Wq, Wk, Wv, Wo, n_heads, grad_output, mask)
    dX, *rest = _all(X, Wq, Wk, Wv, Wo, n_heads, grad_output, mask)
    return dX - dQ @ Wq.T, *rest


def multi_head_attention_grads__no_key_path(X, Wq, Wk, Wv, Wo, n_heads, grad_output, mask=None):
    """dX misses the path through the keys"""
    _, _, dK, _ = _head_grads(X, Wq, Wk, Wv, Wo, n_heads, grad_output, mask)
    dX, *rest = _all(X, Wq, Wk, Wv, Wo, n_heads, grad_output, mask)
    return dX - dK @ Wk.T, *rest


def multi_head_attention_grads__no_value_path(X, Wq, Wk, Wv, Wo, n_heads, grad_output, mask=None):
    """dX misses the path through the values"""
    _, _, _, dV = _head_grads(X, Wq, Wk, Wv, Wo, n_heads, grad_output, mask)
    dX, *rest = _all(X, Wq, Wk, Wv, Wo, n_heads, grad_output, mask)
    return dX - dV @ Wv.T, *rest


def multi_head_attention_grads__values_only(X, Wq, Wk, Wv, Wo, n_heads, grad_output, mask=None):
    """dX holds the path through the values alone, as if the weights did not depend on X"""
    _, _, _, dV = _head_grads(X, Wq, Wk, Wv, Wo, n_heads, grad_output, mask)
    _, *rest = _all(X, Wq, Wk, Wv, Wo, n_heads, grad_output, mask)
    return dV @ Wv.T, *rest


def multi_head_attention_grads__last_head(X, Wq, Wk, Wv, Wo, n_heads, grad_output, mask=None):
    """dX is assigned anew by each head, not summed, so that the last one remains"""
    _, *rest = _all(X, Wq, Wk, Wv, Wo, n_heads, grad_output, mask)
    _, dQ, dK, dV = _head_grads(X, Wq, Wk, Wv, Wo, n_heads, grad_output, mask)
    k, v = Wq.shape[1] // n_heads, Wv.shape[1] // n_heads
    dX = dQ[:, -k:] @ Wq[:, -k:].T + dK[:, -k:] @ Wk[:, -k:].T + dV[:, -v:] @ Wv[:, -v:].T
    return dX, *rest


def multi_head_attention_grads__no_scale(X, Wq, Wk, Wv, Wo, n_heads, grad_output, mask=None):
    """the gradients of queries and keys lack their 1/√d_k"""
    return _all(X, Wq, Wk, Wv, Wo, n_heads, grad_output, mask, root=1.0)


def multi_head_attention_grads__root_of_all_columns(
    X, Wq, Wk, Wv, Wo, n_heads, grad_output, mask=None
):
    """the scores are divided by √(h·d_k), the width of all heads together, both ways"""
    Q, K, _ = _heads(X, Wq, Wk, Wv, n_heads)
    root = np.sqrt(Wq.shape[1])
    weights = _softmax(_masked(Q @ _swap(K) / root, mask))
    return _all(X, Wq, Wk, Wv, Wo, n_heads, grad_output, mask, weights=weights, root=root)


def multi_head_attention_grads__backward_root_of_all_columns(
    X, Wq, Wk, Wv, Wo, n_heads, grad_output, mask=None
):
    """the backward step divides by √(h·d_k), the width of all heads together, the forward by √d_k"""
    return _all(X, Wq, Wk, Wv, Wo, n_heads, grad_output, mask, root=np.sqrt(Wq.shape[1]))


def multi_head_attention_grads__one_big_head(X, Wq, Wk, Wv, Wo, n_heads, grad_output, mask=None):
    """n_heads is ignored: one head has all columns"""
    return _all(X, Wq, Wk, Wv, Wo, 1, grad_output, mask)


def multi_head_attention_grads__interleaved(X, Wq, Wk, Wv, Wo, n_heads, grad_output, mask=None):
    """a head owns every h-th column, not a contiguous block"""

    def order(W):
        return np.arange(W.shape[1]).reshape(-1, n_heads).T.ravel()

    q, v = order(Wq), order(Wv)
    grads = _all(X, Wq[:, q], Wk[:, q], Wv[:, v], Wo[v], n_heads, grad_output, mask)
    dWq, dWk, dWv, dWo = (np.empty(W.shape) for W in (Wq, Wk, Wv, Wo))
    dWq[:, q], dWk[:, q], dWv[:, v], dWo[v] = grads[1:]
    return grads[0], dWq, dWk, dWv, dWo


def multi_head_attention_grads__merged_by_reshape(
    X, Wq, Wk, Wv, Wo, n_heads, grad_output, mask=None
):
    """the heads' gradients are put together by a reshape without the transpose"""
    Q, K, V = _heads(X, Wq, Wk, Wv, n_heads)
    H, P = _attention(Q, K, V, mask)
    parts = _grads_from(P, Q, K, V, _split(grad_output @ Wo.T, n_heads), np.sqrt(Q.shape[-1]))
    dQ, dK, dV = (a.reshape(len(X), -1) for a in parts)
    return _assemble(X, Wq, Wk, Wv, grad_output, _merge(H), dQ, dK, dV)


def multi_head_attention_grads__grad_split_by_reshape(
    X, Wq, Wk, Wv, Wo, n_heads, grad_output, mask=None
):
    """the gradient of the heads is split by a reshape without the transpose"""
    dH = _merge((grad_output @ Wo.T).reshape(n_heads, len(X), -1))
    return _all(X, Wq, Wk, Wv, Wo, n_heads, grad_output, mask, dH=dH)


def multi_head_attention_grads__diagonal_only(X, Wq, Wk, Wv, Wo, n_heads, grad_output, mask=None):
    """the softmax's Jacobian is taken for its diagonal, P(1 − P)"""
    Q, K, V = _heads(X, Wq, Wk, Wv, n_heads)
    H, P = _attention(Q, K, V, mask)
    dH = _split(grad_output @ Wo.T, n_heads)
    dS = P * (1 - P) * (dH @ _swap(V)) / np.sqrt(Q.shape[-1])
    parts = (H, dS @ K, _swap(dS) @ Q, _swap(P) @ dH)
    return _assemble(X, Wq, Wk, Wv, grad_output, *(_merge(a) for a in parts))


def multi_head_attention_grads__mask_ignored(X, Wq, Wk, Wv, Wo, n_heads, grad_output, mask=None):
    """the mask is not used"""
    return _all(X, Wq, Wk, Wv, Wo, n_heads, grad_output, None)


def multi_head_attention_grads__mask_inverted(X, Wq, Wk, Wv, Wo, n_heads, grad_output, mask=None):
    """the mask is read the other way round: True is taken for hidden"""
    hidden = None if mask is None else ~mask
    return _all(X, Wq, Wk, Wv, Wo, n_heads, grad_output, hidden)


def multi_head_attention_grads__masked_row_nan(X, Wq, Wk, Wv, Wo, n_heads, grad_output, mask=None):
    """a position that may attend to nothing gives NaN, which spreads to all gradients"""
    Q, K, _ = _heads(X, Wq, Wk, Wv, n_heads)
    with np.errstate(invalid="ignore"):
        weights = _nan_weights(Q, K, mask)
        return _all(X, Wq, Wk, Wv, Wo, n_heads, grad_output, mask, weights=weights)


def multi_head_attention_grads__masked_row_uniform(
    X, Wq, Wk, Wv, Wo, n_heads, grad_output, mask=None
):
    """a position that may attend to nothing is given uniform weights, and passes gradients on"""
    Q, K, _ = _heads(X, Wq, Wk, Wv, n_heads)
    weights = _uniform_weights(Q, K, mask)
    return _all(X, Wq, Wk, Wv, Wo, n_heads, grad_output, mask, weights=weights)


def multi_head_attention_grads__no_max(X, Wq, Wk, Wv, Wo, n_heads, grad_output, mask=None):
    """no maximum is subtracted in the softmax, so that the exponentials overflow"""
    Q, K, _ = _heads(X, Wq, Wk, Wv, n_heads)
    with np.errstate(all="ignore"):
        weights = _unshifted_weights(Q, K, mask)
        return _all(X, Wq, Wk, Wv, Wo, n_heads, grad_output, mask, weights=weights)


def multi_head_attention_grads__dWq_dWk_swapped(X, Wq, Wk, Wv, Wo, n_heads, grad_output, mask=None):
    """the gradients of Wq and Wk are swapped"""
    dX, dWq, dWk, dWv, dWo = _all(X, Wq, Wk, Wv, Wo, n_heads, grad_output, mask)
    return dX, dWk, dWq, dWv, dWo


def multi_head_attention_grads__dWo_from_values(X, Wq, Wk, Wv, Wo, n_heads, grad_output, mask=None):
    """dWo is formed with the values X Wv, which the weights have not yet mixed"""
    dX, dWq, dWk, dWv, _ = _all(X, Wq, Wk, Wv, Wo, n_heads, grad_output, mask)
    return dX, dWq, dWk, dWv, (X @ Wv).T @ grad_output


def multi_head_attention_grads__residual(X, Wq, Wk, Wv, Wo, n_heads, grad_output, mask=None):
    """grad_output is added to dX, as in a block with a residual connection, which this layer has not"""
    dX, *rest = _all(X, Wq, Wk, Wv, Wo, n_heads, grad_output, mask)
    return dX + grad_output, *rest


def multi_head_attention_grads__weights_swapped_in_dX(
    X, Wq, Wk, Wv, Wo, n_heads, grad_output, mask=None
):
    """dX is formed with Wq and Wk swapped: dQ Wkᵀ + dK Wqᵀ"""
    _, dQ, dK, dV = _head_grads(X, Wq, Wk, Wv, Wo, n_heads, grad_output, mask)
    _, *rest = _all(X, Wq, Wk, Wv, Wo, n_heads, grad_output, mask)
    return dQ @ Wk.T + dK @ Wq.T + dV @ Wv.T, *rest


def multi_head_attention_grads__silenced_positions_zeroed(
    X, Wq, Wk, Wv, Wo, n_heads, grad_output, mask=None
):
    """dX is set to zero at positions that may attend to nothing, though others see their keys and values"""
    dX, *rest = _all(X, Wq, Wk, Wv, Wo, n_heads, grad_output, mask)
    if mask is not None:
        dX = dX * np.any(np.broadcast_to(mask, (len(X), len(X))), axis=1)[:, None]
    return dX, *rest


def multi_head_attention_grads__mask_not_passed_on(
    X, Wq, Wk, Wv, Wo, n_heads, grad_output, mask=None
):
    """the mask is used for the heads that dWo needs, and not passed on to their backward step"""
    *grads, _ = _all(X, Wq, Wk, Wv, Wo, n_heads, grad_output, None)
    H = _merge(_attention(*_heads(X, Wq, Wk, Wv, n_heads), mask)[0])
    return *grads, H.T @ grad_output
