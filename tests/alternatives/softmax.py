"""Right, but written in another way than the solution: every one must pass."""

import math

import numpy as np


def logsumexp__loop_over_slices(z, axis=-1):
    """Moves the axis last and sums each slice with `math.fsum`."""
    moved = np.moveaxis(z, axis, -1)
    out = np.empty(moved.shape[:-1])
    for i in np.ndindex(*moved.shape[:-1]):
        top = max(moved[i])
        if top == -math.inf:
            out[i] = -math.inf
        else:
            out[i] = top + math.log(math.fsum(math.exp(v - top) for v in moved[i]))
    return out


def logsumexp__logaddexp(z, axis=-1):
    """`np.logaddexp` reduced along the axis."""
    return np.logaddexp.reduce(z, axis=axis)


def logsumexp__log1p(z, axis=-1):
    """The maximum is taken out of the sum: m + log1p(rest)."""
    z = np.moveaxis(np.array(z, dtype=float), axis, -1)
    k = np.argmax(z, axis=-1)[..., None]
    m = np.take_along_axis(z, k, axis=-1)
    safe = np.where(np.isneginf(m), 0.0, m)
    e = np.exp(z - safe)
    np.put_along_axis(e, k, 0.0, axis=-1)
    return (m + np.log1p(e.sum(axis=-1, keepdims=True)))[..., 0]


def softmax__exp_of_log_softmax(z, axis=-1):
    """exp(z − logsumexp(z)), in z's own dtype, masked slices set to zero."""
    z = np.asarray(z)
    m = z.max(axis=axis, keepdims=True)
    dead = m == -np.inf
    d = z - np.where(dead, z.dtype.type(0), m)
    total = np.exp(d).sum(axis=axis, keepdims=True)
    total[dead] = 1
    return np.exp(d - np.log(total))


def softmax__in_place_on_a_copy(z, axis=-1):
    """Works in place on its own copy, with `np.divide(where=…)`."""
    out = np.array(z)
    top = out.max(axis=axis, keepdims=True)
    top[np.isneginf(top)] = 0
    out -= top
    np.exp(out, out=out)
    total = out.sum(axis=axis, keepdims=True)
    np.divide(out, total, out=out, where=total > 0)
    return out


def softmax__list_of_rows(z, axis=-1):
    """Loops over slices in Python floats and returns nested lists, unless float32 is asked."""
    moved = np.moveaxis(z, axis, -1)
    out = np.zeros(moved.shape)
    for i in np.ndindex(*moved.shape[:-1]):
        top = moved[i].max()
        if top > -np.inf:
            e = [math.exp(float(v) - float(top)) for v in moved[i]]
            out[i] = [v / math.fsum(e) for v in e]
    out = np.moveaxis(out, -1, axis)
    return out.astype(np.float32) if z.dtype == np.float32 else out.tolist()


def softmax__float64_inside(z, axis=-1):
    """Computes in float64 and casts back to z's dtype."""
    w = np.asarray(z, dtype=np.float64)
    m = np.nan_to_num(w.max(axis=axis, keepdims=True), neginf=0.0)
    e = np.exp(w - m)
    total = e.sum(axis=axis, keepdims=True)
    total[total == 0] = 1.0
    return (e / total).astype(z.dtype)


def log_softmax__logaddexp(z, axis=-1):
    """z minus a reduced `np.logaddexp`, masked slices apart."""
    total = np.expand_dims(np.logaddexp.reduce(z, axis=axis), axis)
    return z - np.where(np.isneginf(total), 0.0, total)


def log_softmax__loop(z, axis=-1):
    """A Python loop over slices, filling a copy."""
    out = np.array(np.moveaxis(z, axis, -1), dtype=float)
    for i in np.ndindex(*out.shape[:-1]):
        row = out[i]
        top = row.max()
        if top > -np.inf:
            out[i] = (row - top) - math.log(math.fsum(np.exp(row - top)))
    return np.moveaxis(out, -1, axis)


def softmax_jacobian__diag_minus_outer(z):
    """diag(s) − s sᵀ by einsum, batched."""
    e = np.exp(z - z.max(axis=-1, keepdims=True))
    s = e / e.sum(axis=-1, keepdims=True)
    n = z.shape[-1]
    return np.einsum("...i,ij->...ij", s, np.eye(n)) - np.einsum("...i,...j->...ij", s, s)


def softmax_jacobian__entry_by_entry(z):
    """Loops over rows, outputs and inputs; the diagonal as s_i times the sum of the others."""
    n = z.shape[-1]
    out = np.zeros((*z.shape, n))
    for r in np.ndindex(*z.shape[:-1]):
        e = np.exp(z[r] - np.max(z[r]))
        s = e / e.sum()
        for i in range(n):
            for j in range(n):
                out[r][i, j] = s[i] * (s.sum() - s[i]) if i == j else -s[i] * s[j]
    return out


def softmax_jacobian__derivative_of_log(z):
    """s_i · ∂log s_i/∂z_j, with the log-softmax's derivative δ − s, as nested lists."""
    d = z - z.max(axis=-1, keepdims=True)
    s = np.exp(d - np.log(np.exp(d).sum(axis=-1, keepdims=True)))
    dlog = np.broadcast_to(np.eye(z.shape[-1]), (*z.shape, z.shape[-1])) - s[..., None, :]
    return (s[..., None] * dlog).tolist()


def softmax_vjp__two_terms(s, grad_s, axis=-1):
    """s⊙g − s·⟨s, g⟩ in two terms, the inner product by einsum over the moved axis."""
    a, g = np.moveaxis(s, axis, -1), np.moveaxis(grad_s, axis, -1)
    inner = np.einsum("...i,...i->...", a, g)
    return np.moveaxis(a * g - a * inner[..., None], -1, axis)


def softmax_vjp__weighted_average(s, grad_s, axis=-1):
    """Centres the upstream gradient in a loop, slice by slice."""
    a = np.moveaxis(s, axis, -1)
    g = np.array(np.moveaxis(grad_s, axis, -1))
    for i in np.ndindex(*a.shape[:-1]):
        g[i] = (g[i] - float(np.dot(a[i], g[i]))) * a[i]
    return np.moveaxis(g, -1, axis)


def cross_entropy__loop(logits, labels):
    """A Python loop over rows, a Python float returned."""
    total = 0.0
    for row, label in zip(logits, labels, strict=True):
        top = max(row)
        total += math.log(math.fsum(math.exp(v - top) for v in row)) - (row[label] - top)
    return float(total / len(labels))


def cross_entropy__logaddexp(logits, labels):
    """A reduced `np.logaddexp` and `take_along_axis`; a 0-d array returned."""
    picked = np.take_along_axis(logits, np.asarray(labels)[:, None], axis=1)[:, 0]
    return np.array(np.mean(np.logaddexp.reduce(logits, axis=1) - picked))


def cross_entropy__margins(logits, labels):
    """log Σ_c exp(z_c − z_y): the label's logit is subtracted first."""
    d = logits - logits[np.arange(len(labels)), labels][:, None]
    m = d.max(axis=1)
    return np.average(m + np.log(np.exp(d - m[:, None]).sum(axis=1)))


def cross_entropy_grad__one_hot(logits, labels):
    """(softmax − one-hot)/N with a one-hot from an identity matrix."""
    e = np.exp(logits - logits.max(axis=1, keepdims=True))
    return (e / e.sum(axis=1, keepdims=True) - np.eye(logits.shape[1])[labels]) / logits.shape[0]


def cross_entropy_grad__row_loop(logits, labels):
    """Row by row, returned as a list of lists."""
    rows = []
    for row, label in zip(logits, labels, strict=True):
        e = [math.exp(v - max(row)) for v in row]
        total = math.fsum(e)
        rows.append([(v / total - (c == label)) / len(labels) for c, v in enumerate(e)])
    return rows
