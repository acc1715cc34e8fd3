"""Right, but written in another way than the solution: every one must pass."""

import math

import numpy as np


def _weights(Q, K, mask):
    """Softmax over the allowed keys, the forbidden ones multiplied away after the shift."""
    scores = np.einsum("...id,...jd->...ij", Q, K) * Q.shape[-1] ** -0.5
    allowed = np.broadcast_to(True if mask is None else mask, scores.shape)
    top = np.max(scores, axis=-1, keepdims=True, where=allowed, initial=-np.inf)
    top[np.isneginf(top)] = 0.0
    e = np.exp(np.minimum(scores - top, 0.0)) * allowed
    total = e.sum(axis=-1, keepdims=True)
    return np.divide(e, total, out=np.zeros_like(e), where=total > 0)


def _flash(Q, K, mask):
    """exp(S − L), with one number L = max + log Σ exp(S − max) for each row (FlashAttention's form)."""
    scores = Q @ np.swapaxes(K, -1, -2) / math.sqrt(Q.shape[-1])
    scores = np.where(True if mask is None else mask, scores, -np.inf)
    top = scores.max(axis=-1, keepdims=True)
    top = np.where(np.isneginf(top), 0.0, top)
    total = np.exp(scores - top).sum(axis=-1, keepdims=True)
    return np.exp(scores - (top + np.log(np.where(total == 0, 1.0, total))))


def _flash_grads(Q, K, V, G, mask):
    P = _flash(Q, K, mask)
    centre = np.sum(G * (P @ V), axis=-1, keepdims=True)
    dS = P * (G @ np.swapaxes(V, -1, -2) - centre) / math.sqrt(Q.shape[-1])
    return dS @ K, np.swapaxes(dS, -1, -2) @ Q, np.swapaxes(P, -1, -2) @ G


# attention_scores


def attention_scores__einsum(Q, K):
    """One einsum, scaled by a power."""
    return np.einsum("...id,...jd->...ij", Q, K) * Q.shape[-1] ** -0.5


def attention_scores__scaled_first(Q, K):
    """Each side is scaled by the fourth root before the product."""
    root = Q.shape[-1] ** 0.25
    return np.matmul(Q / root, np.moveaxis(K / root, -1, -2))


def attention_scores__broadcast_sum(Q, K):
    """A product of all pairs, summed over the last axis, as nested lists."""
    return (
        np.sum(Q[..., :, None, :] * K[..., None, :, :], axis=-1) / math.sqrt(Q.shape[-1])
    ).tolist()


def attention_scores__loop(Q, K):
    """A loop over batch, queries and keys, filling an array."""
    out = np.empty((*Q.shape[:-1], K.shape[-2]))
    for i in np.ndindex(*out.shape):
        q, k = Q[i[:-1]], K[(*i[:-2], i[-1])]
        out[i] = math.fsum(a * b for a, b in zip(q, k, strict=True)) / math.sqrt(len(q))
    return out


# causal_mask


def causal_mask__comparison(n):
    """Row and column numbers compared."""
    return np.arange(n)[:, None] >= np.arange(n)


def causal_mask__tri(n):
    """`np.tri`, cast."""
    return np.tri(n).astype(bool)


def causal_mask__lists(n):
    """Nested lists of Python booleans."""
    return [[j <= i for j in range(n)] for i in range(n)]


def causal_mask__not_above(n):
    """The complement of the strict upper triangle, set entry by entry."""
    mask = np.full((n, n), True)
    mask[np.triu_indices(n, k=1)] = False
    return mask


# attention


def attention__where_allowed(Q, K, V, mask=None):
    """Maximum over the allowed keys alone, forbidden exponentials multiplied by 0."""
    weights = _weights(Q, K, mask)
    return np.einsum("...ij,...jv->...iv", weights, V), weights


def attention__additive_then_zeroed(Q, K, V, mask=None):
    """−1e30 where forbidden; rows that may attend to nothing are set to zero before the product."""
    scores = np.matmul(Q, np.swapaxes(K, -1, -2)) / math.sqrt(Q.shape[-1])
    if mask is None:
        mask = np.ones((1, 1), dtype=bool)
    scores = scores + np.where(mask, 0.0, -1e30)
    scores -= scores.max(axis=-1, keepdims=True)
    weights = np.exp(scores)
    weights /= weights.sum(axis=-1, keepdims=True)
    weights = np.where(mask, weights, 0.0)
    return weights @ V, weights


def attention__loop(Q, K, V, mask=None):
    """Loops over batch and queries, over the allowed keys only; a list of two returned."""
    lead = Q.shape[:-2]
    n, m = Q.shape[-2], K.shape[-2]
    allowed = np.broadcast_to(np.bool_(True) if mask is None else mask, (*lead, n, m))
    weights = np.zeros((*lead, n, m))
    output = np.zeros((*lead, n, V.shape[-1]))
    for i in np.ndindex(*lead, n):
        b = i[:-1]
        keys = np.flatnonzero(allowed[i])
        if keys.size:
            scores = K[b][keys] @ Q[i] / np.sqrt(Q.shape[-1])
            e = np.exp(scores - max(scores))
            weights[(*i, keys)] = e / math.fsum(e)
            output[i] = sum(w * V[b][j] for w, j in zip(weights[(*i, keys)], keys, strict=True))
    return [output, weights]


def attention__online(Q, K, V, mask=None):
    """One key at a time with a running maximum and sum; the output divided at the end."""
    scores = Q @ np.swapaxes(K, -1, -2) / np.sqrt(Q.shape[-1])
    scores = np.where(True if mask is None else mask, scores, -np.inf)
    top = np.full(scores.shape[:-1], -np.inf)
    total = np.zeros(top.shape)
    output = np.zeros((*top.shape, V.shape[-1]))
    for j in range(scores.shape[-1]):
        s = scores[..., j]
        new = np.maximum(top, s)
        safe = np.where(np.isneginf(new), 0.0, new)
        old, e = np.exp(top - safe), np.exp(s - safe)
        total = total * old + e
        output = output * old[..., None] + e[..., None] * V[..., j, None, :]
        top = new
    total[total == 0] = 1.0
    top[np.isneginf(top)] = 0.0
    return output / total[..., None], np.exp(scores - top[..., None]) / total[..., None]


def attention__exp_of_log(Q, K, V, mask=None):
    """Weights as exp(score − log-sum-exp), with `np.logaddexp`; nested lists returned."""
    scores = Q @ np.swapaxes(K, -1, -2) / np.sqrt(Q.shape[-1])
    if mask is not None:
        scores[~np.broadcast_to(mask, scores.shape)] = -np.inf
    norm = np.logaddexp.reduce(scores, axis=-1, keepdims=True)
    weights = np.exp(scores - np.where(np.isneginf(norm), 0.0, norm))
    return (weights @ V).tolist(), weights.tolist()


def attention__one_number_for_each_row(Q, K, V, mask=None):
    """Weights as exp(S − L)."""
    weights = _flash(Q, K, mask)
    return weights @ V, weights


# attention_grads


def attention_grads__one_number_for_each_row(Q, K, V, grad_output, mask=None):
    """Weights as exp(S − L), and the row sum as ⟨grad_output, output⟩."""
    return _flash_grads(Q, K, V, grad_output, mask)


def attention_grads__output_trick(Q, K, V, grad_output, mask=None):
    """The row sum of P ⊙ dP as ⟨grad_output, output⟩, all products by einsum."""
    P = _weights(Q, K, mask)
    output = np.einsum("...ij,...jv->...iv", P, V)
    dP = np.einsum("...iv,...jv->...ij", grad_output, V)
    dS = P * (dP - np.sum(grad_output * output, axis=-1)[..., None]) * Q.shape[-1] ** -0.5
    return (
        np.einsum("...ij,...jd->...id", dS, K),
        np.einsum("...ij,...id->...jd", dS, Q),
        np.einsum("...ij,...iv->...jv", P, grad_output),
    )


def attention_grads__full_jacobian(Q, K, V, grad_output, mask=None):
    """The (m, m) Jacobian of every row's softmax; the two scales in Q and K."""
    P = _weights(Q, K, mask)
    jacobian = P[..., :, None] * np.eye(P.shape[-1]) - P[..., :, None] * P[..., None, :]
    dP = grad_output @ np.swapaxes(V, -1, -2)
    dS = np.squeeze(jacobian @ dP[..., None], axis=-1)
    root = math.sqrt(Q.shape[-1])
    dQ, dK = dS @ (K / root), np.swapaxes(dS, -1, -2) @ (Q / root)
    return [dQ, dK, np.swapaxes(P, -1, -2) @ grad_output]


def attention_grads__query_loop(Q, K, V, grad_output, mask=None):
    """Loops over batch and queries, adding each query's share; lists returned."""
    P = _weights(Q, K, mask)
    dQ, dK, dV = np.zeros(Q.shape), np.zeros(K.shape), np.zeros(V.shape)
    for i in np.ndindex(*Q.shape[:-1]):
        b, p, g = i[:-1], P[i], grad_output[i]
        dp = V[b] @ g
        ds = (p * dp - p * np.dot(p, dp)) / np.sqrt(Q.shape[-1])
        for j in range(len(p)):
            dQ[i] += ds[j] * K[b][j]
            dK[b][j] += ds[j] * Q[i]
            dV[b][j] += p[j] * g
    return dQ.tolist(), dK.tolist(), dV.tolist()


def attention_grads__flattened_batch(Q, K, V, grad_output, mask=None):
    """The batch axes are flattened to one, and restored at the end."""
    lead = Q.shape[:-2]
    full = (*lead, Q.shape[-2], K.shape[-2])
    allowed = np.broadcast_to(True if mask is None else mask, full).reshape(-1, *full[-2:])
    q, k, v, g = (a.reshape(-1, *a.shape[-2:]) for a in (Q, K, V, grad_output))
    parts = []
    for b in range(len(q)):
        P = _weights(q[b], k[b], allowed[b])
        dP = g[b] @ v[b].T
        dS = P * dP - P * np.diag(P @ dP.T)[:, None]
        root = q.shape[-1] ** 0.5
        parts.append((dS @ k[b] / root, dS.T @ q[b] / root, P.T @ g[b]))
    return tuple(np.reshape([p[i] for p in parts], a.shape) for i, a in enumerate((Q, K, V)))


# softmax_saturation


def _rows(scores):
    """Softmax of each row; zeros where all is −inf."""
    return _weights(np.ones((*scores.shape[:-1], 1, 1)), scores[..., None], None)[..., 0, :]


def softmax_saturation__frobenius(scores):
    """`np.linalg.norm` of diag(s) − s sᵀ."""
    s = _rows(scores)
    jacobian = np.einsum("...i,ij->...ij", s, np.eye(s.shape[-1]))
    jacobian -= np.einsum("...i,...j->...ij", s, s)
    return np.linalg.norm(jacobian, ord="fro", axis=(-2, -1))


def softmax_saturation__without_the_matrix(scores):
    """The largest probability apart: no Jacobian is formed, and nothing near 1 is squared away."""
    s = np.sort(_rows(scores), axis=-1)
    first, rest = s[..., -1], s[..., :-1]
    square = np.sum(rest**2, axis=-1)
    diagonal = np.sum((s * (1.0 - s)) ** 2, axis=-1)
    beside = np.maximum(square**2 - np.sum(rest**4, axis=-1), 0.0)
    return np.sqrt(diagonal + 2.0 * first**2 * square + beside)


def softmax_saturation__loop(scores):
    """Loops over rows and entries in Python floats; 1 − s_i as the sum of the others."""
    out = np.zeros(scores.shape[:-1])
    for r in np.ndindex(*out.shape):
        top = max(scores[r])
        if top == -math.inf:
            continue
        e = [math.exp(v - top) for v in scores[r]]
        s = [v / math.fsum(e) for v in e]
        total = 0.0
        for i in range(len(s)):
            others = math.fsum(s[:i] + s[i + 1 :])
            total += (s[i] * others) ** 2
            total += sum((s[i] * s[j]) ** 2 for j in range(len(s)) if j != i)
        out[r] = math.sqrt(total)
    return out


def softmax_saturation__singular_values(scores):
    """The root of the summed squares of the singular values, as nested lists or a Python float."""
    s = _rows(scores)
    jacobian = s[..., None] * np.eye(s.shape[-1]) - s[..., None] * s[..., None, :]
    values = np.linalg.svd(jacobian, compute_uv=False)
    return np.hypot.reduce(values, axis=-1).tolist()


# multi_head_attention


def _split(a, h):
    return a.reshape(len(a), h, -1).transpose(1, 0, 2)


def multi_head_attention__all_heads_at_once(X, Wq, Wk, Wv, Wo, n_heads, mask=None):
    """Split by reshape and transpose, all heads in one batch."""
    Q, K, V = (_split(X @ W, n_heads) for W in (Wq, Wk, Wv))
    heads = _weights(Q, K, mask) @ V
    return heads.transpose(1, 0, 2).reshape(len(X), -1) @ Wo


def multi_head_attention__sum_over_heads(X, Wq, Wk, Wv, Wo, n_heads, mask=None):
    """Each head through its own rows of Wo, and the results summed."""
    d_k, d_v = Wq.shape[1] // n_heads, Wv.shape[1] // n_heads
    out = np.zeros((X.shape[0], Wo.shape[1]))
    for j in range(n_heads):
        k, v = slice(j * d_k, (j + 1) * d_k), slice(j * d_v, (j + 1) * d_v)
        out += _weights(X @ Wq[:, k], X @ Wk[:, k], mask) @ (X @ (Wv[:, v] @ Wo[v]))
    return out


def multi_head_attention__four_axis_einsum(X, Wq, Wk, Wv, Wo, n_heads, mask=None):
    """Weights as (d_model, h, d) arrays, everything by einsum; nested lists returned."""
    q, k, v = (
        np.einsum("nm,mhd->hnd", X, W.reshape(W.shape[0], n_heads, -1)) for W in (Wq, Wk, Wv)
    )
    out = np.einsum(
        "hij,hjv,hvm->im", _weights(q, k, mask), v, Wo.reshape(n_heads, -1, Wo.shape[1])
    )
    return out.tolist()


def multi_head_attention__position_by_position(X, Wq, Wk, Wv, Wo, n_heads, mask=None):
    """Loops over heads and positions, over what a position may attend to."""
    n, d_k, d_v = len(X), Wq.shape[1] // n_heads, Wv.shape[1] // n_heads
    allowed = np.broadcast_to(np.bool_(True) if mask is None else mask, (n, n))
    Q, K, V = X @ Wq, X @ Wk, X @ Wv
    heads = np.zeros((n, n_heads * d_v))
    for h in range(n_heads):
        for i in range(n):
            seen = [j for j in range(n) if allowed[i, j]]
            if not seen:
                continue
            q = Q[i, h * d_k : (h + 1) * d_k]
            scores = [float(q @ K[j, h * d_k : (h + 1) * d_k]) / math.sqrt(d_k) for j in seen]
            e = [math.exp(s - max(scores)) for s in scores]
            for j, w in zip(seen, e, strict=True):
                heads[i, h * d_v : (h + 1) * d_v] += w / sum(e) * V[j, h * d_v : (h + 1) * d_v]
    return heads @ Wo


def multi_head_attention__one_number_for_each_row(X, Wq, Wk, Wv, Wo, n_heads, mask=None):
    """Weights as exp(S − L)."""
    Q, K, V = (_split(X @ W, n_heads) for W in (Wq, Wk, Wv))
    return (_flash(Q, K, mask) @ V).transpose(1, 0, 2).reshape(len(X), -1) @ Wo


# multi_head_attention_grads


def multi_head_attention_grads__one_number_for_each_row(
    X, Wq, Wk, Wv, Wo, n_heads, grad_output, mask=None
):
    """Weights as exp(S − L), and the row sums as ⟨grad_output, output⟩."""
    Q, K, V = (_split(X @ W, n_heads) for W in (Wq, Wk, Wv))
    parts = _flash_grads(Q, K, V, _split(grad_output @ Wo.T, n_heads), mask)
    parts = (_flash(Q, K, mask) @ V, *parts)
    H, dQ, dK, dV = (a.transpose(1, 0, 2).reshape(len(X), -1) for a in parts)
    dX = dQ @ Wq.T + dK @ Wk.T + dV @ Wv.T
    return dX, X.T @ dQ, X.T @ dK, X.T @ dV, H.T @ grad_output


def multi_head_attention_grads__all_heads_at_once(
    X, Wq, Wk, Wv, Wo, n_heads, grad_output, mask=None
):
    """Split by reshape and transpose, all heads in one batch; dX as one product."""
    Q, K, V = (_split(X @ W, n_heads) for W in (Wq, Wk, Wv))
    P = _weights(Q, K, mask)
    G = _split(grad_output @ Wo.T, n_heads)
    dP = G @ V.transpose(0, 2, 1)
    dS = P * (dP - (P * dP).sum(-1, keepdims=True)) / np.sqrt(Q.shape[-1])
    parts = (P @ V, dS @ K, dS.transpose(0, 2, 1) @ Q, P.transpose(0, 2, 1) @ G)
    H, dQ, dK, dV = (a.transpose(1, 0, 2).reshape(len(X), -1) for a in parts)
    dX = np.hstack([dQ, dK, dV]) @ np.hstack([Wq, Wk, Wv]).T
    return dX, X.T @ dQ, X.T @ dK, X.T @ dV, H.T @ grad_output


def multi_head_attention_grads__head_loop(X, Wq, Wk, Wv, Wo, n_heads, grad_output, mask=None):
    """Head by head, adding to dX and writing blocks of the weights' gradients; a list returned."""
    d_k, d_v = Wq.shape[1] // n_heads, Wv.shape[1] // n_heads
    dX, dWq, dWk, dWv, dWo = (np.zeros(a.shape) for a in (X, Wq, Wk, Wv, Wo))
    for j in range(n_heads):
        k, v = slice(j * d_k, (j + 1) * d_k), slice(j * d_v, (j + 1) * d_v)
        Q, K, V = X @ Wq[:, k], X @ Wk[:, k], X @ Wv[:, v]
        P = _weights(Q, K, mask)
        dWo[v] = (P @ V).T @ grad_output
        G = grad_output @ Wo[v].T
        dV = P.T @ G
        dP = G @ V.T
        dS = (P * dP - P * np.sum(G * (P @ V), axis=1)[:, None]) * d_k**-0.5
        dQ, dK = dS @ K, dS.T @ Q
        dX += dV @ Wv[:, v].T
        dX += dK @ Wk[:, k].T
        dX += dQ @ Wq[:, k].T
        dWq[:, k], dWk[:, k], dWv[:, v] = X.T @ dQ, X.T @ dK, X.T @ dV
    return [dX, dWq, dWk, dWv, dWo]


def multi_head_attention_grads__einsum(X, Wq, Wk, Wv, Wo, n_heads, grad_output, mask=None):
    """Weights as (d_model, h, d) arrays, everything by einsum; nested lists returned."""
    q, k, v = (W.reshape(W.shape[0], n_heads, -1) for W in (Wq, Wk, Wv))
    o = Wo.reshape(n_heads, -1, Wo.shape[1])
    Q, K, V = (np.einsum("nm,mhd->hnd", X, w) for w in (q, k, v))
    P = _weights(Q, K, mask)
    G = np.einsum("nm,hvm->hnv", grad_output, o)
    dP = np.einsum("hiv,hjv->hij", G, V)
    dS = P * (dP - np.einsum("hij,hij->hi", P, dP)[:, :, None]) / math.sqrt(Q.shape[-1])
    dQ, dK = np.einsum("hij,hjd->hid", dS, K), np.einsum("hij,hid->hjd", dS, Q)
    dV = np.einsum("hij,hiv->hjv", P, G)
    dX = sum(np.einsum("hnd,mhd->nm", g, w) for g, w in ((dQ, q), (dK, k), (dV, v)))
    weights = [
        np.einsum("nm,hnd->mhd", X, g).reshape(W.shape) for g, W in ((dQ, Wq), (dK, Wk), (dV, Wv))
    ]
    dWo = np.einsum("hij,hjv,im->hvm", P, V, grad_output).reshape(Wo.shape)
    return tuple(a.tolist() for a in (dX, *weights, dWo))
