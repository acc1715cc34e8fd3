"""Numerical stability: activations and losses that survive any input, clipping, eps, one-pass statistics."""

import math

import numpy as np


def sigmoid(z):
    """The logistic function, for every entry of an array.

    σ(z) = 1 / (1 + exp(−z)), computed from e = exp(−|z|) ≤ 1: 1/(1 + e) where z ≥ 0, e/(1 + e) elsewhere.

    Parameters
    ----------
    z : ndarray of float64, float32, int64 or int32; any shape, 0-d and empty included.

    Returns
    -------
    ndarray of z's shape: float32 for float32, float64 for everything else. A float for 0-d z.

    Notes
    -----
    No warning at ±1e4. σ(+inf) = 1, σ(−inf) = 0, NaN gives NaN; other entries are not affected. Compared
    with an absolute tolerance of 1e-12 where |z| is large. z is not changed.

    References
    ----------
    Goodfellow, Bengio, Courville (2016), "Deep Learning", section 3.10 and eq. (3.30).

    Examples
    --------
    >>> sigmoid(np.array([0.0, -1e4, 1e4]))
    array([0.5, 0. , 1. ])
    """
    ### BEGIN SOLUTION
    z = np.asarray(z)
    z = z if z.dtype.kind == "f" else z.astype(np.float64)
    e = np.exp(-np.abs(z))
    return np.where(z >= 0, z.dtype.type(1), e) / (1 + e)
    ### END SOLUTION


def sigmoid_grad(z):
    """Derivative of the logistic function, at the pre-activation z.

    σ'(z) = σ(z) (1 − σ(z)) = e / (1 + e)² with e = exp(−|z|)

    Parameters
    ----------
    z : ndarray of float64, float32, int64 or int32; any shape, 0-d and empty included. The
        sigmoid's *input*, not its output.

    Returns
    -------
    ndarray of z's shape: float32 for float32, float64 for everything else. A float for 0-d z.

    Notes
    -----
    No warning at ±1e4. ±inf give 0, NaN gives NaN. Compared with an absolute tolerance of 1e-12 where |z|
    is large, so that σ(1 − σ) is accepted too. z is not changed.

    References
    ----------
    Goodfellow, Bengio, Courville (2016), "Deep Learning", section 3.10.

    Examples
    --------
    >>> sigmoid_grad(np.array([0.0, np.log(3.0), -1e4])).round(6)
    array([0.25  , 0.1875, 0.    ])
    """
    ### BEGIN SOLUTION
    z = np.asarray(z)
    z = z if z.dtype.kind == "f" else z.astype(np.float64)
    e = np.exp(-np.abs(z))
    return e / (1 + e) ** 2
    ### END SOLUTION


def log_sigmoid(z):
    """Logarithm of the logistic function, computed without it.

    log σ(z) = −log(1 + exp(−z)) = min(z, 0) − log1p(exp(−|z|))

    Parameters
    ----------
    z : ndarray of float64, float32, int64 or int32; any shape, 0-d and empty included.

    Returns
    -------
    ndarray of z's shape: float32 for float32, float64 for everything else. A float for 0-d z.

    Notes
    -----
    No warning at ±1e4, and no clip: log σ(−1e4) is −1e4. +inf gives 0, −inf gives −inf, NaN gives NaN.
    Compared with an absolute tolerance of 1e-12 where the result is small. z is not changed.

    References
    ----------
    Goodfellow, Bengio, Courville (2016), "Deep Learning", section 3.10: log σ(z) = −softplus(−z).

    Examples
    --------
    >>> log_sigmoid(np.array([0.0, -1e4])).round(6)
    array([-6.93147e-01, -1.00000e+04])
    """
    ### BEGIN SOLUTION
    z = np.asarray(z)
    z = z if z.dtype.kind == "f" else z.astype(np.float64)
    return np.minimum(z, 0) - np.log1p(np.exp(-np.abs(z)))
    ### END SOLUTION


def tanh_grad(z):
    """Derivative of the hyperbolic tangent, at the pre-activation z.

    tanh'(z) = 1 − tanh(z)² = 4e / (1 + e)² with e = exp(−2|z|)

    Parameters
    ----------
    z : ndarray of float64, float32, int64 or int32; any shape, 0-d and empty included. The
        *input* of tanh, not its output.

    Returns
    -------
    ndarray of z's shape: float32 for float32, float64 for everything else. A float for 0-d z.

    Notes
    -----
    No warning at ±1e4 (1/cosh² overflows from 356 on). ±inf give 0, NaN gives NaN. Compared with an absolute tolerance
    of 1e-12 where |z| is large, so that 1 − tanh² is accepted too. z is not changed.

    References
    ----------
    LeCun, Bottou, Orr, Müller (1998), "Efficient BackProp", section 4.4.

    Examples
    --------
    >>> tanh_grad(np.array([0.0, 1.0, -1e4])).round(6)
    array([1.      , 0.419974, 0.      ])
    """
    ### BEGIN SOLUTION
    z = np.asarray(z)
    z = z if z.dtype.kind == "f" else z.astype(np.float64)
    e = np.exp(-2 * np.abs(z))
    return 4 * e / (1 + e) ** 2
    ### END SOLUTION


def relu_grad(z):
    """Derivative of max(z, 0), with the value 0 at 0.

    relu'(z) = 1 where z > 0, and 0 where z ≤ 0

    Parameters
    ----------
    z : ndarray of float64, float32, int64 or int32; any shape, 0-d and empty included. The
        ReLU's input; its output gives the same.

    Returns
    -------
    ndarray of z's shape of floats, not of booleans: float32 for float32, float64 for everything else.
    A float for 0-d z.

    Notes
    -----
    At 0 and at −0.0, where no derivative exists, the convention is 0. The smallest subnormal, 5e-324, is
    positive. +inf gives 1, −inf gives 0; NaN is not defined. No warning. z is not changed.

    References
    ----------
    Bertoin, Bolte, Gerchinovitz, Pauwels (2021), "Numerical influence of ReLU'(0) on
    backpropagation", NeurIPS.

    Examples
    --------
    >>> relu_grad(np.array([-2.0, 0.0, 3.0]))
    array([0., 0., 1.])
    """
    ### BEGIN SOLUTION
    z = np.asarray(z)
    dtype = z.dtype if z.dtype.kind == "f" else np.float64
    return (z > 0).astype(dtype)
    ### END SOLUTION


def softplus(z):
    """Softplus, the smooth ReLU, without overflow.

    softplus(z) = log(1 + exp(z)) = max(z, 0) + log1p(exp(−|z|))

    Parameters
    ----------
    z : ndarray of float64, float32, int64 or int32; any shape, 0-d and empty included.

    Returns
    -------
    ndarray of z's shape: float32 for float32, float64 for everything else. A float for 0-d z.

    Notes
    -----
    No warning at ±1e4, and no threshold: replacing it by z above 20 is off by 2e-9 there, which is not
    accepted. +inf gives +inf, −inf gives 0, NaN gives NaN. Compared with an absolute tolerance of 1e-12 where
    the result is small. z is not changed.

    References
    ----------
    Dugas, Bengio, Bélisle, Nadeau, Garcia (2001), "Incorporating second-order functional knowledge
    for better option pricing", NIPS 13.

    Examples
    --------
    >>> softplus(np.array([0.0, 1e4])).round(6)
    array([6.93147e-01, 1.00000e+04])
    """
    ### BEGIN SOLUTION
    z = np.asarray(z)
    z = z if z.dtype.kind == "f" else z.astype(np.float64)
    return np.maximum(z, 0) + np.log1p(np.exp(-np.abs(z)))
    ### END SOLUTION


def gelu(z):
    """The Gaussian error linear unit, exact: with the normal distribution function, no approximation.

    gelu(z) = z Φ(z), Φ(z) = ½ (1 + erf(z/√2)) = ½ erfc(−z/√2)

    Parameters
    ----------
    z : ndarray of float64, float32, int64 or int32; any shape, 0-d and empty included.

    Returns
    -------
    ndarray of z's shape: float32 for float32, float64 for everything else. A float for 0-d z.

    Notes
    -----
    `math.erf` and `math.erfc` take one number at a time. The tanh form is off by up to 5e-4 and is not accepted.
    No warning at ±1e4. +inf gives +inf and NaN gives NaN; −inf is not defined (−inf · 0). Compared with an
    absolute tolerance of 1e-12 where the result is small. z is not changed.

    References
    ----------
    Hendrycks and Gimpel (2016), "Gaussian error linear units (GELUs)", arXiv:1606.08415, section 2.

    Examples
    --------
    >>> gelu(np.array([1.0, -1.0, -1e4])).round(6) + 0.0
    array([ 0.841345, -0.158655,  0.      ])
    """
    ### BEGIN SOLUTION
    z = np.asarray(z)
    z = z if z.dtype.kind == "f" else z.astype(np.float64)
    cdf = [0.5 * math.erfc(-v / math.sqrt(2.0)) for v in z.ravel().tolist()]
    return z * np.array(cdf, dtype=z.dtype).reshape(z.shape)
    ### END SOLUTION


def gelu_grad(z):
    """Derivative of the exact GELU, at the pre-activation z.

    gelu'(z) = Φ(z) + z φ(z), φ(z) = exp(−z²/2) / √(2π)

    Parameters
    ----------
    z : ndarray of float64, float32, int64 or int32; any shape, 0-d and empty included.

    Returns
    -------
    ndarray of z's shape: float32 for float32, float64 for everything else. A float for 0-d z.

    Notes
    -----
    No warning at ±1e4. NaN gives NaN; ±inf are not defined (inf · 0). Compared with an absolute tolerance of
    1e-12 where |z| is large. z is not changed.

    References
    ----------
    Hendrycks and Gimpel (2016), "Gaussian error linear units (GELUs)", arXiv:1606.08415, section 2,
    differentiated.

    Examples
    --------
    >>> gelu_grad(np.array([0.0, 1.0, -1.0])).round(6)
    array([ 0.5     ,  1.083315, -0.083315])
    """
    ### BEGIN SOLUTION
    z = np.asarray(z)
    z = z if z.dtype.kind == "f" else z.astype(np.float64)
    cdf = [0.5 * math.erfc(-v / math.sqrt(2.0)) for v in z.ravel().tolist()]
    density = np.exp(-(z**2) / 2) / math.sqrt(2.0 * math.pi)
    return np.array(cdf, dtype=z.dtype).reshape(z.shape) + z * density
    ### END SOLUTION


def bce_with_logits(z, y):
    """Mean binary cross-entropy of labels y under the probabilities σ(z), from the logits z.

    L = mean over all entries of −y log σ(z) − (1 − y) log(1 − σ(z))
      = mean of max(z, 0) − z y + log1p(exp(−|z|))

    Parameters
    ----------
    z : ndarray of float64, any shape with at least one entry, 0-d included. Logits, not probabilities.
    y : ndarray of z's shape, float64 or int64, in [0, 1]: 0, 1, or a soft label between them.

    Returns
    -------
    float: the mean over all entries, in nats.

    Notes
    -----
    No warning at ±1e4, and no clip: z = −1e4 with y = 1 costs 1e4. A NaN among the logits gives NaN;
    infinite logits, NaN labels and empty arrays are not defined. Neither argument is changed.

    References
    ----------
    Bishop (2006), "Pattern Recognition and Machine Learning", eq. (4.90).

    Examples
    --------
    >>> bce_with_logits(np.array([1e4, -1e4]), np.array([0.0, 0.25]))
    6250.0
    """
    ### BEGIN SOLUTION
    z, y = np.asarray(z), np.asarray(y)
    losses = np.maximum(z, 0) - z * y + np.log1p(np.exp(-np.abs(z)))
    return float(np.mean(losses))
    ### END SOLUTION


def bce_with_logits_grad(z, y):
    """Gradient of `bce_with_logits` with respect to the logits.

    ∂L/∂z = (σ(z) − y) / n, n the number of entries

    Parameters
    ----------
    z : ndarray of float64, any shape with at least one entry, 0-d included. Logits, not probabilities.
    y : ndarray of z's shape, float64 or int64, in [0, 1]: 0, 1, or a soft label between them.

    Returns
    -------
    ndarray of float64 of z's shape; a float for 0-d z. The 1/n of the mean is in it.

    Notes
    -----
    No warning at ±1e4. A NaN logit gives NaN in its own entry alone; an infinite logit gives
    (1 − y)/n or −y/n. NaN labels and empty arrays are not defined. Compared with an absolute tolerance of 1e-12.
    Neither argument is changed.

    References
    ----------
    Bishop (2006), "Pattern Recognition and Machine Learning", eq. (4.91).

    Examples
    --------
    >>> bce_with_logits_grad(np.array([0.0, 1e4]), np.array([0.25, 0.0]))
    array([0.125, 0.5  ])
    """
    ### BEGIN SOLUTION
    z, y = np.asarray(z), np.asarray(y)
    return (sigmoid(z) - y) / z.size
    ### END SOLUTION


def clip_by_norm(grads, max_norm):
    """Scale a list of gradients so that their joint norm is at most `max_norm`.

    norm = √(Σ over all entries of all arrays g²); each array times max_norm/norm where norm > max_norm, and
    exactly as it is elsewhere.

    Parameters
    ----------
    grads : list of ndarrays of float64, each of any shape; a 0-d or an empty array may be among them,
        and the list may be empty.
    max_norm : float, positive and finite.

    Returns
    -------
    (clipped, norm)
        clipped : list of float64 ndarrays (a float for a 0-d one), in the order and shapes of `grads`.
        norm : float, the norm *before* clipping.

    Raises
    ------
    ValueError : an entry is infinite or NaN, whatever the others are, and in a 0-d array too.

    Notes
    -----
    One norm for all arrays, not one for each. Gradients are never scaled up. No eps in the scale: the norm
    after clipping is max_norm itself. Entries near 1e200, whose squares overflow, and entries near 1e-200,
    whose squares underflow, are clipped right, with max_norm as large or as small, and without a warning;
    nor is there one at a norm of 1e-200 and a max_norm of 1e200, where max_norm/norm overflows. All zeros,
    or nothing at all, gives the norm 0.0. The arguments are not changed.

    References
    ----------
    Pascanu, Mikolov, Bengio (2013), "On the difficulty of training recurrent neural networks", ICML,
    algorithm 1.
    Blue (1978), "A portable Fortran program to find the Euclidean norm of a vector", ACM TOMS 4(1).

    Examples
    --------
    >>> clipped, norm = clip_by_norm([np.array([3.0]), np.array([[0.0, 4.0]])], 1.0)
    >>> [g.round(6).tolist() for g in clipped], norm
    ([[0.6], [[0.0, 0.8]]], 5.0)
    """
    ### BEGIN SOLUTION
    grads = [np.array(g, dtype=np.float64) for g in grads]
    for i, g in enumerate(grads):
        if not np.isfinite(g).all():
            raise ValueError(f"grads[{i}] has an entry that is infinite or NaN")
    top = max((float(np.max(np.abs(g), initial=0.0)) for g in grads), default=0.0)
    if top == 0.0:
        return grads, 0.0
    norm = top * math.sqrt(sum(float(np.sum((g / top) ** 2)) for g in grads))
    if norm <= max_norm:
        return grads, norm
    return [g * (max_norm / norm) for g in grads], norm
    ### END SOLUTION


def clip_by_value(grad, limit):
    """Clip every entry of a gradient to [−limit, limit].

    clip(g) = min(max(g, −limit), limit)

    Parameters
    ----------
    grad : ndarray of float64, any shape, 0-d and empty included.
    limit : float, positive and finite.

    Returns
    -------
    ndarray of float64 of grad's shape; a float for a 0-d one.

    Notes
    -----
    ±inf become ±limit; NaN stays NaN (a clip hides no NaN). Entries within the limits come back
    exactly, and the others become ±limit exactly. No warning at ±1e4. The argument is not changed.

    References
    ----------
    Goodfellow, Bengio, Courville (2016), "Deep Learning", section 10.11.1.

    Examples
    --------
    >>> clip_by_value(np.array([-3.0, 0.5, 7.0]), 2.0)
    array([-2. ,  0.5,  2. ])
    """
    ### BEGIN SOLUTION
    return np.clip(np.asarray(grad), -limit, limit)
    ### END SOLUTION


def safe_divide(a, b, eps):
    """Quotient whose denominator is kept at least eps away from zero, on its own side.

    a / d, with d = b where |b| ≥ eps; elsewhere d = eps for b ≥ 0 and d = −eps for b < 0

    Parameters
    ----------
    a, b : ndarrays of float64, of shapes that broadcast against each other; 0-d and empty included.
    eps : float, at least 1e-100 and finite.

    Returns
    -------
    ndarray of float64 of the broadcast shape; a float where that is 0-d.

    Notes
    -----
    0 counts as positive, and so does −0.0. Where |b| ≥ eps the quotient is a/b itself: nothing is added to
    b. No warning at b = 0 nor at ±1e4. For finite b, an infinite a gives an infinity with the sign of a/d,
    and NaN in a gives NaN; for finite a, b = ±inf gives 0. NaN in b and inf/inf are not defined, nor is a
    quotient that overflows. The arguments are not changed.

    References
    ----------
    Goldberg (1991), "What every computer scientist should know about floating-point arithmetic",
    ACM Computing Surveys 23(1).

    Examples
    --------
    >>> safe_divide(np.array([1.0, 1.0, 1.0]), np.array([4.0, 0.0, -0.1]), 0.5)
    array([ 0.25,  2.  , -2.  ])
    """
    ### BEGIN SOLUTION
    a, b = np.asarray(a), np.asarray(b)
    nearest = np.where(b < 0, -eps, eps)
    return a / np.where(np.abs(b) >= eps, b, nearest)
    ### END SOLUTION


def safe_normalize(x, axis, eps):
    """Divide each slice along one axis by its Euclidean norm, or by eps where the norm is smaller.

    x / max(‖x‖₂, eps), the norm taken along `axis`

    Parameters
    ----------
    x : ndarray of float64, any shape with at least one axis. Its length along `axis` may be 1 or 0.
    axis : int, counted from the end where it is negative.
    eps : float, positive.

    Returns
    -------
    ndarray of float64 of x's shape.

    Notes
    -----
    Where ‖x‖ > eps the result has norm 1, up to rounding: eps is not added. A slice of zeros gives zeros. No
    warning in either case, nor at ±1e4. Entries up to 1e100, subnormal ones included, and eps ≥ 1e-100 are
    defined, so that squares may be summed as they are. Infinities and NaN are not defined. x is not changed.

    References
    ----------
    Salimans and Kingma (2016), "Weight normalization", NIPS, eq. (2), with g = 1.

    Examples
    --------
    >>> safe_normalize(np.array([[3.0, 4.0], [0.0, 0.1]]), -1, 0.5)
    array([[0.6, 0.8],
           [0. , 0.2]])
    """
    ### BEGIN SOLUTION
    x = np.asarray(x)
    norm = np.sqrt(np.sum(x**2, axis=axis, keepdims=True))
    return x / np.maximum(norm, eps)
    ### END SOLUTION


def safe_normalize_vjp(x, grad_output, axis, eps):
    """Vector-Jacobian product of `safe_normalize`.

    With u = x/‖x‖ and g = grad_output, for each slice along `axis`:
    grad_x = (g − u ⟨u, g⟩) / ‖x‖ where ‖x‖ > eps, and g / eps where ‖x‖ ≤ eps

    Parameters
    ----------
    x : ndarray of float64, any shape with at least one axis: the forward pass's *input*. Its length along
        `axis` may be 1 or 0.
    grad_output : ndarray of x's shape: the upstream gradient ∂L/∂(x/max(‖x‖, eps)).
    axis : int, counted from the end where it is negative.
    eps : float, positive.

    Returns
    -------
    ndarray of float64 of x's shape: ∂L/∂x.

    Notes
    -----
    At ‖x‖ = eps, where the two formulas meet in a kink, it is g/eps. A slice of zeros gives g/eps without a
    warning. No warning at ±1e4. Entries and eps as for `safe_normalize`. Infinities and NaN are not defined.
    Neither array is changed.

    References
    ----------
    Salimans and Kingma (2016), "Weight normalization", NIPS, eq. (3).

    Examples
    --------
    >>> safe_normalize_vjp(np.array([3.0, 4.0]), np.array([1.0, 0.0]), 0, 0.5)
    array([ 0.128, -0.096])
    >>> safe_normalize_vjp(np.array([0.0, 0.1]), np.array([1.0, 3.0]), 0, 0.5)
    array([2., 6.])
    """
    ### BEGIN SOLUTION
    x, g = np.asarray(x), np.asarray(grad_output)
    norm = np.sqrt(np.sum(x**2, axis=axis, keepdims=True))
    d = np.maximum(norm, eps)
    u = x / d
    along = np.sum(u * g, axis=axis, keepdims=True)  # ⟨u, g⟩, which only a free norm takes away
    return (g - np.where(norm > eps, u * along, 0.0)) / d
    ### END SOLUTION


def running_mean_var(x):
    """Mean and population variance in one pass over the data, by Welford's updates.

    Start from mean = 0 and M = 0. For the k-th value x, k = 1, 2, …:
    δ = x − mean;  mean ← mean + δ/k;  M ← M + δ (x − mean), with the new mean.
    The variance is M/n.

    Parameters
    ----------
    x : ndarray (n,) of float64, n ≥ 1.

    Returns
    -------
    (mean, variance)
        Two floats. The variance is the population's: divided by n, not by n − 1.

    Notes
    -----
    Right where the mean is large beside the spread: at mean 1e9 and a standard deviation of 1 the variance
    is compared with a relative tolerance of 5e-6, while E[x²] − E[x]² keeps no digit. n = 1 gives
    (x[0], 0.0). NaN among the values, or as the only one, gives (NaN, NaN); infinities are not
    defined. No warning. x is not changed.

    References
    ----------
    Welford (1962), "Note on a method for calculating corrected sums of squares and products",
    Technometrics 4(3).
    Chan, Golub, LeVeque (1983), "Algorithms for computing the sample variance: analysis and
    recommendations", The American Statistician 37(3).

    Examples
    --------
    >>> running_mean_var(np.array([1e9 + 1.0, 1e9 + 2.0, 1e9 + 6.0]))
    (1000000003.0, 4.666666666666667)
    """
    ### BEGIN SOLUTION
    mean = squares = 0.0
    for k, value in enumerate(np.asarray(x).tolist(), start=1):
        delta = value - mean
        mean += delta / k
        squares += delta * (value - mean)
    return mean, squares / len(x)
    ### END SOLUTION
