"""Right, but written in another way than the solution: every one must pass."""

import math

import numpy as np


def _floats(z):
    z = np.asarray(z)
    return z if z.dtype == np.float32 else np.array(z, dtype=np.float64)


def sigmoid__tanh(z):
    """½(1 + tanh(z/2)): nothing can overflow."""
    return 0.5 + 0.5 * np.tanh(_floats(z) / 2)


def sigmoid__masks(z):
    """The two halves are filled in by masks, NaN among the negative ones."""
    z = _floats(z)
    out = np.empty_like(z)
    right = z >= 0
    out[right] = 1 / (1 + np.exp(-z[right]))
    e = np.exp(z[~right])
    out[~right] = e / (1 + e)
    return out


def sigmoid__silenced(z):
    """The textbook form with its overflow, to the right limit, silenced."""
    with np.errstate(over="ignore"):
        return 1 / (1 + np.exp(-_floats(z)))


def sigmoid__python_loop(z):
    """A loop over Python floats, nested lists returned where float64 is asked."""
    z = _floats(z)
    values = [1 / (1 + math.exp(-v)) if v >= 0 else 1 - 1 / (1 + math.exp(v)) for v in z.ravel()]
    out = np.array(values).reshape(z.shape)
    return out.astype(np.float32) if z.dtype == np.float32 else out.tolist()


def sigmoid_grad__probability_times_complement(z):
    """σ(1 − σ), with σ from a tanh."""
    s = 0.5 * (1 + np.tanh(0.5 * _floats(z)))
    return s * (1 - s)


def sigmoid_grad__both_sides(z):
    """σ(z) σ(−z), from logarithms of both."""
    z = _floats(z)
    zero = z.dtype.type(0)
    return np.exp(-np.logaddexp(zero, z) - np.logaddexp(zero, -z))


def sigmoid_grad__sech(z):
    """¼ sech²(z/2), the argument bounded where the result is 0 anyway."""
    z = _floats(z)
    bound = z.dtype.type(80)
    return 1 / (4 * np.cosh(np.clip(z, -bound, bound) / 2) ** 2)


def log_sigmoid__logaddexp(z):
    """−logaddexp(0, −z)."""
    z = _floats(z)
    return -np.logaddexp(z.dtype.type(0), -z)


def log_sigmoid__log_not_log1p(z):
    """A plain logarithm of 1 + e, which loses 1e-16, absolute."""
    z = _floats(z)
    return np.where(z < 0, z, 0 * np.nan_to_num(z)) - np.log(1 + np.exp(-np.abs(z)))


def log_sigmoid__python_loop(z):
    """Entry by entry."""
    z = _floats(z)
    out = np.empty(z.shape, z.dtype)
    for i in np.ndindex(*z.shape):
        v = float(z[i])
        out[i] = -math.log1p(math.exp(-v)) if v > 0 else v - math.log1p(math.exp(v))
    return out


def tanh_grad__one_minus_square(z):
    """1 − tanh², as a product of two factors."""
    t = np.tanh(_floats(z))
    return (1 - t) * (1 + t)


def tanh_grad__through_the_sigmoid(z):
    """4σ(2z)σ(−2z)."""
    e = np.exp(-np.abs(2 * _floats(z)))
    s = 1 / (1 + e)
    return 4 * s * (e * s)


def tanh_grad__python_loop(z):
    """Entry by entry, in a list where float64 is asked."""
    z = _floats(z)
    values = [1.0 - math.tanh(v) * math.tanh(v) for v in z.ravel().tolist()]
    out = np.array(values, dtype=z.dtype).reshape(z.shape)
    return out if z.dtype == np.float32 else out.tolist()


def relu_grad__where(z):
    """`np.where` with constants of z's type."""
    z = _floats(z)
    return np.where(z > 0, z.dtype.type(1), z.dtype.type(0))


def relu_grad__heaviside(z):
    """The Heaviside step with the value 0 at 0."""
    z = _floats(z)
    return np.heaviside(z, z.dtype.type(0))


def relu_grad__filled(z):
    """Ones put into zeros."""
    z = _floats(z)
    out = np.zeros_like(z)
    out[z > 0] = 1
    return out


def softplus__logaddexp(z):
    """logaddexp(0, z)."""
    z = _floats(z)
    return np.logaddexp(z.dtype.type(0), z)


def softplus__plain_log(z):
    """A plain logarithm of 1 + e, which loses 1e-16, absolute."""
    z = _floats(z)
    return np.where(z > 0, z, np.minimum(np.abs(z), 0)) + np.log(1 + np.exp(-np.abs(z)))


def softplus__python_loop(z):
    """Entry by entry in Python floats."""
    z = _floats(z)
    values = [v + math.log1p(math.exp(-v)) if v > 0 else math.log1p(math.exp(v)) for v in z.flat]
    return np.array(values, dtype=z.dtype).reshape(z.shape)


def gelu__erf(z):
    """With erf, which cancels in the left tail, by 1e-16."""
    z = _floats(z)
    phi = np.fromiter((0.5 * (1 + math.erf(v / 2**0.5)) for v in z.flat), z.dtype, z.size)
    return z * phi.reshape(z.shape)


def gelu__vectorize(z):
    """`np.vectorize` with its output type given."""
    z = _floats(z)
    erf = np.vectorize(math.erf, otypes=[np.float64])
    return (z * (0.5 + 0.5 * erf(z * math.sqrt(0.5)))).astype(z.dtype)


def gelu__list_of_floats(z):
    """Python floats throughout; nested lists, but for float32."""
    z = _floats(z)
    values = [v * math.erfc(-v / math.sqrt(2)) / 2 for v in z.ravel().tolist()]
    out = np.array(values, dtype=z.dtype).reshape(z.shape)
    return out if z.dtype == np.float32 else out.tolist()


def gelu_grad__erf(z):
    """½(1 + erf) + zφ in one loop over float64."""
    z = _floats(z)
    out = np.empty(z.shape, z.dtype)
    for i, v in enumerate(z.ravel().tolist()):
        density = math.exp(-0.5 * v * v) * 0.3989422804014327
        out.reshape(-1)[i] = 0.5 * (1 + math.erf(v / math.sqrt(2))) + v * density
    return out


def gelu_grad__vectorize(z):
    """`np.vectorize` of the whole derivative."""
    z = _floats(z)

    def slope(v):
        return math.erfc(-v / math.sqrt(2)) / 2 + v * math.exp(-v * v / 2) / math.sqrt(2 * math.pi)

    return np.vectorize(slope, otypes=[z.dtype])(z)


def bce_with_logits__two_softplus(z, y):
    """y·softplus(−z) + (1 − y)·softplus(z), averaged."""
    return np.average(y * np.logaddexp(0, -z) + (1 - y) * np.logaddexp(0, z))


def bce_with_logits__python_loop(z, y):
    """A Python loop with an exact sum, a Python float returned."""
    losses = [
        (1 - b) * a + math.log1p(math.exp(-a)) if a > 0 else math.log1p(math.exp(a)) - a * b
        for a, b in zip(np.ravel(z).tolist(), np.ravel(y).tolist(), strict=True)
    ]
    return math.fsum(losses) / len(losses)


def bce_with_logits__zero_dimensional(z, y):
    """logaddexp(0, z) − z y, as a 0-d array."""
    return np.asarray(np.sum(np.logaddexp(0.0, z) - np.multiply(z, y)) / np.size(z))


def bce_with_logits_grad__tanh(z, y):
    """σ from a tanh."""
    return (0.5 * (1 + np.tanh(z / 2)) - y) / np.size(z)


def bce_with_logits_grad__parts(z, y):
    """(1 − y)σ(z) − yσ(−z), so that nothing cancels."""
    left, right = np.exp(-np.logaddexp(0, z)), np.exp(-np.logaddexp(0, -z))
    return ((1 - y) * right - y * left) / np.size(z)


def bce_with_logits_grad__python_loop(z, y):
    """Entry by entry, nested lists returned."""
    z, y = np.asarray(z), np.asarray(y)
    out = np.empty(z.shape)
    for i in np.ndindex(*z.shape):
        v = float(z[i])
        p = 1 / (1 + math.exp(-v)) if v >= 0 else math.exp(v) / (1 + math.exp(v))
        out[i] = (p - float(y[i])) / z.size
    return out.tolist()


def clip_by_norm__hypot(grads, max_norm):
    """`math.hypot` of all entries, which scales by itself."""
    entries = [float(v) for g in grads for v in np.ravel(g)]
    if not all(math.isfinite(v) for v in entries):
        raise ValueError("a gradient is not finite")
    norm = math.hypot(*entries)
    scale = 1.0 if norm <= max_norm else max_norm / norm
    return [scale * g for g in grads], norm


def clip_by_norm__power_of_two(grads, max_norm):
    """One flat vector, scaled by a power of two; a tuple of a list and a 0-d array."""
    flat = np.concatenate([np.zeros(1), *(np.ravel(g) for g in grads)])
    if np.isnan(flat).any() or np.isinf(flat).any():
        raise ValueError("not finite")
    exponent = int(np.frexp(np.abs(flat).max())[1])
    norm = np.ldexp(np.sqrt(np.dot(np.ldexp(flat, -exponent), np.ldexp(flat, -exponent))), exponent)
    if norm > max_norm:
        return [np.asarray(g) * float(max_norm / norm) for g in grads], np.asarray(norm)
    return [np.array(g) for g in grads], np.asarray(norm)


def clip_by_norm__norm_of_norms(grads, max_norm):
    """Each array's norm first, in units of the largest entry; nested lists returned."""
    top = 0.0
    for g in grads:
        for v in np.ravel(g).tolist():
            if v - v != 0:
                raise ValueError("not finite")
            top = max(top, abs(v))
    parts = [np.linalg.norm(np.ravel(g) / (top or 1.0)) for g in grads]
    norm = top * float(np.sqrt(np.sum(np.square(parts))))
    scale = max_norm / max(norm, max_norm)
    return [(np.asarray(g) * scale).tolist() for g in grads], norm


def clip_by_value__minimum_maximum(grad, limit):
    """A maximum of a minimum, both of which keep NaN."""
    return np.maximum(np.minimum(grad, limit), -limit)


def clip_by_value__in_place_on_a_copy(grad, limit):
    """Masks on a copy."""
    out = np.array(grad)
    out[out > limit] = limit
    out[out < -limit] = -limit
    return out


def clip_by_value__python_loop(grad, limit):
    """Comparisons in Python, nested lists returned."""
    flat = [limit if v > limit else -limit if v < -limit else v for v in np.ravel(grad).tolist()]
    return np.reshape(flat, np.shape(grad)).tolist()


def safe_divide__in_place_on_a_copy(a, b, eps):
    """The denominators are replaced on a copy, by masks."""
    d = np.array(b, dtype=float)
    d[(d >= 0) & (d < eps)] = eps
    d[(d < 0) & (d > -eps)] = -eps
    return a / d


def safe_divide__sign_times_maximum(a, b, eps):
    """A sign that is 1 at zero, times max(|b|, eps)."""
    sign = 1.0 - 2.0 * (np.asarray(b) < 0)
    return np.multiply(a, sign) / np.maximum(np.abs(b), eps)


def safe_divide__python_loop(a, b, eps):
    """Entry by entry over the broadcast pair, nested lists returned."""
    a, b = np.broadcast_arrays(a, b)
    out = np.empty(a.shape)
    for i in np.ndindex(*a.shape):
        d = float(b[i])
        if abs(d) < eps:
            d = -eps if d < 0 else eps
        out[i] = float(a[i]) / d
    return out.tolist()


def safe_normalize__linalg(x, axis, eps):
    """`np.linalg.norm` along the axis."""
    return x / np.maximum(np.linalg.norm(x, axis=axis, keepdims=True), eps)


def safe_normalize__slices(x, axis, eps):
    """A loop over slices, exact sums, nested lists returned."""
    moved = np.array(np.moveaxis(x, axis, -1))
    for i in np.ndindex(*moved.shape[:-1]):
        norm = math.sqrt(math.fsum(v * v for v in moved[i].tolist()))
        moved[i] = moved[i] / eps if norm < eps else moved[i] / norm
    return np.moveaxis(moved, -1, axis).tolist()


def safe_normalize__einsum(x, axis, eps):
    """Sums of squares by einsum on the moved axis, the reciprocal multiplied."""
    moved = np.moveaxis(x, axis, -1)
    norm = np.sqrt(np.einsum("...i,...i->...", moved, moved))
    factor = 1.0 / np.where(norm > eps, norm, eps)
    return np.moveaxis(moved * factor[..., None], -1, axis)


def safe_normalize_vjp__cubed_norm(x, grad_output, axis, eps):
    """g/‖x‖ − x⟨x, g⟩/‖x‖³, and g/eps by a mask."""
    norm = np.linalg.norm(x, axis=axis, keepdims=True)
    large = norm > eps
    d = np.where(large, norm, 1.0)
    inner = np.sum(x * grad_output, axis=axis, keepdims=True)
    return np.where(large, grad_output / d - x * (inner / d**3), grad_output / eps)


def safe_normalize_vjp__jacobian(x, grad_output, axis, eps):
    """The Jacobian of each slice, and a matrix product; nested lists returned."""
    a, g = np.moveaxis(x, axis, -1), np.moveaxis(grad_output, axis, -1)
    out = np.zeros(a.shape)
    for i in np.ndindex(*a.shape[:-1]):
        norm = math.sqrt(float(np.dot(a[i], a[i])))
        if norm > eps:
            u = a[i] / norm
            out[i] = (np.eye(len(u)) - np.outer(u, u)) @ g[i] / norm
        else:
            out[i] = g[i] / eps
    return np.moveaxis(out, -1, axis).tolist()


def safe_normalize_vjp__einsum(x, grad_output, axis, eps):
    """The coefficient of u is zeroed where eps divides, by einsum on the moved axis."""
    a, g = np.moveaxis(x, axis, -1), np.moveaxis(grad_output, axis, -1)
    norm = np.sqrt(np.einsum("...i,...i->...", a, a))[..., None]
    d = np.clip(norm, eps, None)
    u = (a / d) * (norm > eps)
    return np.moveaxis((g - u * np.einsum("...i,...i->...", u, g)[..., None]) / d, -1, axis)


def running_mean_var__two_passes(x):
    """The mean first, then the squares of the distances, both summed exactly."""
    mean = math.fsum(x) / len(x)
    return mean, math.fsum((v - mean) ** 2 for v in x.tolist()) / len(x)


def running_mean_var__numpy(x):
    """`np.mean` and `np.var`, as NumPy numbers in a list."""
    return [np.mean(x), np.var(x)]


def running_mean_var__running_variance(x):
    """The variance itself is updated, not its sum."""
    mean = variance = 0.0
    for k, value in enumerate(x, start=1):
        delta = value - mean
        mean = mean + delta / k
        variance = variance * ((k - 1) / k) + delta * (value - mean) / k
    return np.asarray(mean), np.asarray(variance)


def running_mean_var__merged(x):
    """Halves are merged, as Chan, Golub and LeVeque do."""

    def merged(values):
        if len(values) == 1:
            return 1, values[0], values[0] - values[0]  # 0, or NaN for NaN
        half = len(values) // 2
        n, m, s = merged(values[:half])
        p, q, t = merged(values[half:])
        delta = q - m
        return n + p, m + delta * p / (n + p), s + t + delta * delta * n * p / (n + p)

    n, mean, squares = merged(x.tolist())
    return mean, squares / n
