"""Softmax and cross-entropy: stable forms, the Jacobian, and its product with a vector."""

import numpy as np


def logsumexp(z, axis=-1):
    """Log of a sum of exponentials, without overflow.

    logsumexp(z) = log Σ_j exp(z_j), computed as m + log Σ_j exp(z_j − m) with m = max_j z_j.

    Parameters
    ----------
    z : ndarray of float64, any shape with at least one axis. Entries may be −inf.
    axis : int, the axis that is summed away; it is never empty.

    Returns
    -------
    ndarray of float64 with z's shape less `axis`; a float where z is 1-D.
    A slice that is all −inf gives −inf, without a warning.

    Notes
    -----
    Must be accurate for entries up to ±1e4 in the same or in different slices, without a warning.
    z is not changed. +inf, NaN and an empty axis are not defined.

    References
    ----------
    Blanchard, Higham, Higham (2021), "Accurately computing the log-sum-exp and softmax
    functions", IMA J. Numer. Anal. 41(4), eq. (1.1) and (1.3).

    Examples
    --------
    >>> round(float(logsumexp(np.array([1000.0, 1000.0]))), 6)
    1000.693147
    """
    ### BEGIN SOLUTION
    z = np.asarray(z)
    m = np.max(z, axis=axis, keepdims=True)
    # An all −inf slice would give −inf − (−inf) = NaN: shift it by 0.
    m = np.where(np.isneginf(m), 0.0, m)
    with np.errstate(divide="ignore"):  # log(0) = −inf is the promised answer
        out = m + np.log(np.sum(np.exp(z - m), axis=axis, keepdims=True))
    return np.squeeze(out, axis=axis)
    ### END SOLUTION


def softmax(z, axis=-1):
    """Softmax along one axis.

    softmax(z)_i = exp(z_i) / Σ_j exp(z_j)

    Parameters
    ----------
    z : ndarray of float64 or float32, any shape with at least one axis. Entries may be −inf.
    axis : int, the axis along which the probabilities sum to one; it is never empty.

    Returns
    -------
    ndarray of z's shape and z's dtype: float32 in, float32 out.
    A −inf entry has probability exactly 0. A slice that is all −inf gives zeros, without a warning.

    Notes
    -----
    Must be accurate for entries up to ±1e4, also where slices differ by that much, without a
    warning. z is not changed. +inf, NaN and an empty axis are not defined.

    References
    ----------
    Goodfellow, Bengio, Courville (2016), "Deep Learning", eq. (4.1) and section 4.1.

    Examples
    --------
    >>> softmax(np.array([0.0, np.log(3.0)])).round(6)
    array([0.25, 0.75])
    """
    ### BEGIN SOLUTION
    z = np.asarray(z)
    m = np.max(z, axis=axis, keepdims=True)
    m = np.where(np.isneginf(m), z.dtype.type(0), m)
    e = np.exp(z - m)
    total = np.sum(e, axis=axis, keepdims=True)
    return e / np.where(total == 0, z.dtype.type(1), total)
    ### END SOLUTION


def log_softmax(z, axis=-1):
    """Logarithm of the softmax, computed without the softmax.

    log_softmax(z)_i = z_i − log Σ_j exp(z_j)

    Parameters
    ----------
    z : ndarray of float64, any shape with at least one axis. Entries may be −inf.
    axis : int, the axis along which the probabilities sum to one; it is never empty.

    Returns
    -------
    ndarray of float64 of z's shape. A −inf entry gives −inf; a slice that is all −inf gives
    −inf everywhere. Neither warns.

    Notes
    -----
    log(softmax(z)) is −inf as soon as a probability underflows; this must not be: for
    z = [0, −1000] the second entry is −1000. Accurate for entries up to ±1e4. z is not changed.

    References
    ----------
    Blanchard, Higham, Higham (2021), IMA J. Numer. Anal. 41(4), section 1.

    Examples
    --------
    >>> log_softmax(np.array([0.0, -1000.0]))
    array([    0., -1000.])
    """
    ### BEGIN SOLUTION
    z = np.asarray(z)
    m = np.max(z, axis=axis, keepdims=True)
    shifted = z - np.where(np.isneginf(m), 0.0, m)
    total = np.sum(np.exp(shifted), axis=axis, keepdims=True)
    return shifted - np.log(np.where(total == 0, 1.0, total))
    ### END SOLUTION


def softmax_jacobian(z):
    """Jacobian of the softmax over the last axis, at logits z.

    J_ij = ∂s_i/∂z_j = s_i (δ_ij − s_j), with s = softmax(z): diag(s) − s sᵀ.

    Parameters
    ----------
    z : ndarray (…, n) of float64. Logits, not probabilities. Entries may be −inf, but no row
        is all −inf.

    Returns
    -------
    ndarray (…, n, n) of float64: rows are outputs i, columns are inputs j. One matrix for each
    row of z.

    Notes
    -----
    Entries up to ±1e4 neither overflow nor warn. z is not changed.

    References
    ----------
    Goodfellow, Bengio, Courville (2016), "Deep Learning", section 6.2.2.3.

    Examples
    --------
    >>> softmax_jacobian(np.array([0.0, np.log(3.0)])).round(6)
    array([[ 0.1875, -0.1875],
           [-0.1875,  0.1875]])
    """
    ### BEGIN SOLUTION
    s = softmax(z, axis=-1)
    n = s.shape[-1]
    return s[..., :, None] * (np.eye(n) - s[..., None, :])
    ### END SOLUTION


def softmax_vjp(s, grad_s, axis=-1):
    """Vector-Jacobian product of the softmax, without forming the Jacobian.

    grad_z = Jᵀ grad_s = s ⊙ (grad_s − Σ_j s_j grad_s_j), the sum being taken along `axis`.

    Parameters
    ----------
    s : ndarray of float64: the softmax's *output* along `axis`, as the forward pass kept it.
    grad_s : ndarray of s's shape: the upstream gradient ∂L/∂s.
    axis : int, the axis along which s sums to one.

    Returns
    -------
    ndarray of float64 of s's shape: ∂L/∂z.

    Notes
    -----
    O(size) time and memory: a slice of 20,000 entries must work, whose Jacobian would take 3 GB.
    A slice of zeros, the softmax of one that is all −inf, gives zeros without a warning.
    Neither argument is changed.

    References
    ----------
    Martins and Astudillo (2016), "From softmax to sparsemax", ICML, eq. (12).

    Examples
    --------
    >>> softmax_vjp(np.array([0.25, 0.75]), np.array([1.0, 0.0]))
    array([ 0.1875, -0.1875])
    """
    ### BEGIN SOLUTION
    s, grad_s = np.asarray(s), np.asarray(grad_s)
    return s * (grad_s - np.sum(s * grad_s, axis=axis, keepdims=True))
    ### END SOLUTION


def cross_entropy(logits, labels):
    """Mean cross-entropy of integer labels under a softmax.

    L = (1/N) Σ_n ( logsumexp(logits[n]) − logits[n, labels[n]] )

    Parameters
    ----------
    logits : ndarray (N, C) of float64, N ≥ 1. A class that is not the row's label may be −inf.
    labels : ndarray (N,) of integers, of any width, in 0 … C−1.

    Returns
    -------
    float: the mean over the N rows, in nats.

    Notes
    -----
    Logits up to ±1e4 neither overflow nor warn, and the loss there is exact, not clipped: a
    label 2e4 below the largest logit costs 2e4. A −inf class that is not the label contributes
    nothing (0 · −inf is NaN: do not multiply by a one-hot). Neither argument is changed.

    References
    ----------
    Goodfellow, Bengio, Courville (2016), "Deep Learning", eq. (6.30).

    Examples
    --------
    >>> round(float(cross_entropy(np.zeros((2, 4)), np.array([3, 0]))), 6)
    1.386294
    """
    ### BEGIN SOLUTION
    logits, labels = np.asarray(logits), np.asarray(labels)
    picked = log_softmax(logits, axis=-1)[np.arange(len(labels)), labels]
    return -np.mean(picked)
    ### END SOLUTION


def cross_entropy_grad(logits, labels):
    """Gradient of `cross_entropy` with respect to the logits.

    ∂L/∂logits = (softmax(logits) − onehot(labels)) / N

    Parameters
    ----------
    logits : ndarray (N, C) of float64, N ≥ 1. A class that is not the row's label may be −inf.
    labels : ndarray (N,) of integers, of any width, in 0 … C−1.

    Returns
    -------
    ndarray (N, C) of float64. The 1/N of the mean is in it; a −inf class has gradient 0.

    Notes
    -----
    Logits up to ±1e4 neither overflow nor warn. Neither argument is changed.

    References
    ----------
    Bishop (2006), "Pattern Recognition and Machine Learning", eq. (4.109).

    Examples
    --------
    >>> cross_entropy_grad(np.zeros((1, 4)), np.array([1]))
    array([[ 0.25, -0.75,  0.25,  0.25]])
    """
    ### BEGIN SOLUTION
    labels = np.asarray(labels)
    grad = softmax(logits, axis=-1)
    grad[np.arange(len(labels)), labels] -= 1.0
    return grad / len(labels)
    ### END SOLUTION
