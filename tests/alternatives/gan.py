"""Right, but written in another way than the solution: every one must pass."""

import cmath
import math

import numpy as np


def discriminator_loss__loop_over_entries(real_logits, fake_logits):
    """Python floats, entry by entry, with the sign of the logit deciding the form."""
    total = 0.0
    for logits, sign in ((real_logits, -1.0), (fake_logits, 1.0)):
        costs = []
        for v in np.ravel(logits):
            t = sign * float(v)
            costs.append(t + math.log1p(math.exp(-t)) if t > 0 else math.log1p(math.exp(t)))
        total += sum(costs) / len(costs)
    return total


def discriminator_loss__stable_cross_entropy(real_logits, fake_logits):
    """max(z, 0) − z·label + log(1 + exp(−|z|)), by hand; a 0-d array returned."""

    def cross_entropy(z, label):
        return np.maximum(z, 0) - z * label + np.log(1 + np.exp(-np.abs(z)))

    out = cross_entropy(real_logits, 1.0).mean() + cross_entropy(fake_logits, 0.0).mean()
    return np.array(out)


def discriminator_loss__weights_on_one_array(real_logits, fake_logits):
    """Signed logits of both batches in one vector, each with its weight 1/N or 1/M."""
    z = np.concatenate([-np.ravel(real_logits), np.ravel(fake_logits)])
    n, m = np.size(real_logits), np.size(fake_logits)
    weights = np.concatenate([np.full(n, 1 / n), np.full(m, 1 / m)])
    return float(weights @ np.where(z > 0, z, 0) + weights @ np.log1p(np.exp(-abs(z))))


def discriminator_grads__two_branches(real_logits, fake_logits):
    """A sigmoid in two masked branches; predicted minus label."""

    def sigmoid(z):
        out = np.empty(z.shape)
        up = z >= 0
        out[up] = 1 / (1 + np.exp(-z[up]))
        e = np.exp(z[~up])
        out[~up] = e / (1 + e)
        return out

    d_real = (sigmoid(real_logits) - 1.0) / np.prod(real_logits.shape)
    return d_real, sigmoid(fake_logits) / np.prod(fake_logits.shape)


def discriminator_grads__tanh(real_logits, fake_logits):
    """σ(z) = (1 + tanh(z/2))/2; a list of nested lists returned."""
    d_real = (np.tanh(real_logits / 2) - 1) / (2 * real_logits.size)
    d_fake = (np.tanh(fake_logits / 2) + 1) / (2 * fake_logits.size)
    return [d_real.tolist(), d_fake.tolist()]


def discriminator_grads__clipped_exponent(real_logits, fake_logits):
    """The plain sigmoid of logits clipped to ±500, where it is 0 or 1 in float64 anyway."""
    r, f = np.clip(real_logits, -500, 500), np.clip(fake_logits, -500, 500)
    return -1 / (1 + np.exp(r)) / r.size, 1 / (1 + np.exp(-f)) / f.size


def generator_minimax_loss__loop(fake_logits):
    """A loop with `math`, summed exactly."""
    values = []
    for v in np.ravel(fake_logits).tolist():
        values.append(-v - math.log1p(math.exp(-v)) if v > 0 else -math.log1p(math.exp(v)))
    return math.fsum(values) / len(values)


def generator_minimax_loss__log_sigmoid_of_minus(fake_logits):
    """log σ(−f) = min(−f, 0) − log1p(exp(−|f|)), in place on a copy; a 0-d array returned."""
    z = np.array(fake_logits, dtype=float)
    rest = np.log1p(np.exp(-np.abs(z)))
    np.negative(z, out=z)
    np.minimum(z, 0, out=z)
    z -= rest
    return np.asarray(z.sum() / z.size)


def generator_minimax_grad__tanh(fake_logits):
    """−(1 + tanh(f/2))/2M."""
    return -(1 + np.tanh(0.5 * fake_logits)) * (0.5 / fake_logits.size)


def generator_minimax_grad__filled(fake_logits):
    """An array like the logits filled entry by entry, with two forms of the sigmoid."""
    out = np.zeros_like(fake_logits)
    for i, v in np.ndenumerate(fake_logits):
        s = 1 / (1 + math.exp(-v)) if v > 0 else math.exp(v) / (1 + math.exp(v))
        out[i] = -s / fake_logits.size
    return out


def generator_nonsaturating_loss__reduced(fake_logits):
    """`np.logaddexp` of the logits and zeros, less the logit: log(e^f + 1) − f."""
    z = np.ravel(fake_logits)
    return sum(np.logaddexp(z, 0) - z) / z.size


def generator_nonsaturating_loss__two_masks(fake_logits):
    """The sum over positive logits and the sum over the others."""
    z = np.asarray(fake_logits)
    up = z > 0
    total = np.log1p(np.exp(-z[up])).sum() + (np.log1p(np.exp(z[~up])) - z[~up]).sum()
    return float(total) / z.size


def generator_nonsaturating_grad__one_minus_sigma(fake_logits):
    """σ − 1, with σ as it comes out of two exponentials that cannot overflow; nested lists."""
    top = np.maximum(fake_logits, 0)
    s = np.exp(fake_logits - top) / (np.exp(-top) + np.exp(fake_logits - top))
    return ((s - 1) / fake_logits.size).tolist()


def generator_nonsaturating_grad__from_the_other_form(fake_logits):
    """The two forms' gradients sum to −1/M."""
    z = np.asarray(fake_logits, dtype=float)
    e = np.exp(-np.abs(z))
    saturating = -np.where(z >= 0, 1.0, e) / (1.0 + e) / z.size
    return -1.0 / z.size - saturating


def optimal_discriminator__divide_where(p_data, p_model):
    """`np.divide(out=…, where=…)` into an array of halves."""
    total = np.add(p_data, p_model)
    return np.divide(p_data, total, out=np.full(total.shape, 0.5), where=total != 0)


def optimal_discriminator__relative_to_the_larger(p_data, p_model):
    """Both divided by the larger, which is set to 1 where both are 0, and then to halves."""
    top = np.maximum(p_data, p_model)
    nothing = top == 0
    top = np.where(nothing, 1.0, top)
    a, b = p_data / top, p_model / top
    a[nothing] = b[nothing] = 1.0
    return a / (a + b)


def optimal_discriminator__loop(p_data, p_model):
    """Entry by entry, 1/(1 + q/p), as nested lists."""
    out = np.zeros(np.shape(p_data))
    for i in np.ndindex(*np.shape(p_data)):
        p, q = float(p_data[i]), float(p_model[i])
        if p == 0:
            out[i] = 0.0 if q > 0 else 0.5
        else:
            out[i] = 1 / (1 + q / p) if p >= q else (p / q) / (1 + p / q)
    return out.tolist()


def optimal_discriminator__one_minus_the_other(p_data, p_model):
    """1 − q/(p + q), silent about 0/0, which is replaced."""
    with np.errstate(invalid="ignore"):
        out = 1.0 - p_model / (p_data + p_model)
    return np.nan_to_num(out, nan=0.5)


def optimal_discriminator__log_ratio(p_data, p_model):
    """The sigmoid of log p − log q, zeros apart."""
    out = np.where(p_data > 0, 1.0, 0.0)
    out[(p_data == 0) & (p_model == 0)] = 0.5
    both = (p_data > 0) & (p_model > 0)
    logit = np.log(p_data[both]) - np.log(p_model[both])
    out[both] = (1 + np.tanh(logit / 2)) / 2
    return out


def bilinear_game_step__matrix(x, y, lr, simultaneous):
    """The step as a 2×2 matrix; an array of two returned."""
    corner = 1.0 if simultaneous else 1.0 - lr * lr
    return np.array([[1.0, -lr], [lr, corner]]) @ np.array([x, y])


def bilinear_game_step__complex_plane(x, y, lr, simultaneous):
    """Simultaneous: z ↦ (1 + i·lr) z; alternating takes lr²y off the imaginary part. A list of two."""
    z = complex(x, y) * (1 + 1j * lr)
    return [z.real, z.imag if simultaneous else z.imag - lr * lr * y]


def bilinear_game_step__one_after_the_other(x, y, lr, simultaneous):
    """In place on local names, with the old x kept; 0-d arrays returned."""
    seen = x
    x -= lr * y
    if not simultaneous:
        seen = x
    y += lr * seen
    return np.array(x), np.array(y)


def game_jacobian_eigenvalues__of_the_matrix(A, lr):
    """The eigenvalues of the Jacobian itself, by blocks."""
    m, n = A.shape
    jacobian = np.block([[np.eye(m), -lr * A], [lr * A.T, np.eye(n)]])
    return np.linalg.eigvals(jacobian).astype(complex)


def game_jacobian_eigenvalues__gram_matrix(A, lr):
    """σ² from the larger of the Gram matrices, roundings below 0 cut off; a list of numbers."""
    m, n = A.shape
    gram = A @ A.T if m >= n else A.T @ A
    sigmas = np.sqrt(np.maximum(np.linalg.eigvalsh(gram), 0))
    values = []
    for s in sorted(sigmas.tolist())[-min(m, n) :]:
        values += [complex(1, lr * s), complex(1, -lr * s)]
    return values + [1.0] * abs(m - n)


def game_jacobian_eigenvalues__hermitian(A, lr):
    """J − I is skew: i times it is Hermitian, with real eigenvalues."""
    m, n = A.shape
    skew = np.zeros((m + n, m + n), dtype=complex)
    skew[:m, m:] = 1j * A
    skew[m:, :m] = -1j * A.T
    return 1 + 1j * lr * np.linalg.eigvalsh(skew)


def game_jacobian_eigenvalues__roots(A, lr):
    """λ = 1 + √(−lr²σ²), a complex square root, as a tuple."""
    sigmas = np.linalg.svd(A)[1]
    values = [1 + sign * cmath.sqrt(-((lr * s) ** 2)) for s in sigmas for sign in (1, -1)]
    return (*values, *(complex(1) for _ in range(abs(A.shape[0] - A.shape[1]))))
