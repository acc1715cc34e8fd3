"""Right, but written in another way than the solution: every one must pass.

The first two of each function are vectorised: the capstone is run with them together.
"""

import math

import numpy as np


def gaussian_score__cholesky(x, mean, cov):
    """Both Cholesky factors, the batch as columns of one right-hand side."""
    L = np.linalg.cholesky(cov)
    columns = np.reshape(x - mean, (-1, len(mean))).T
    return -np.linalg.solve(L.T, np.linalg.solve(L, columns)).T.reshape(x.shape)


def gaussian_score__precision(x, mean, cov):
    """The inverse, and an einsum."""
    return np.einsum("ij,...j->...i", np.linalg.inv(cov), np.subtract(mean, x))


def gaussian_score__rows(x, mean, cov):
    """One point at a time, as nested lists."""
    if x.ndim > 1:
        return [gaussian_score__rows(row, mean, cov) for row in x]
    return [-float(v) for v in np.linalg.solve(cov, x - mean)]


def gaussian_score__eigenvectors(x, mean, cov):
    """Along the principal axes, where coordinates are independent."""
    values, axes = np.linalg.eigh(cov)
    return -((x - mean) @ axes / values) @ axes.T


def mixture_score__logaddexp(x, weights, means, sigmas):
    """Responsibilities from a reduced `np.logaddexp`, the score as a mean of means."""
    difference = x[..., None, :] - means
    log_joint = (
        np.log(weights) - 0.5 * np.einsum("...kd,...kd->...k", difference, difference) / sigmas**2
    )
    log_joint -= means.shape[1] * np.log(sigmas)
    r = np.exp(log_joint - np.logaddexp.reduce(log_joint, axis=-1)[..., None])
    precision = r / sigmas**2
    return precision @ means - precision.sum(axis=-1)[..., None] * x


def mixture_score__component_by_component(x, weights, means, sigmas):
    """A loop over components with a running maximum, rescaled as it grows."""
    top = np.full(x.shape[:-1], -np.inf)
    total, out = np.zeros(x.shape[:-1]), np.zeros(x.shape)
    for w, mean, s in zip(weights, means, sigmas, strict=True):
        z = (x - mean) / s
        log_joint = math.log(w) - x.shape[-1] * math.log(s) - (z * z).sum(axis=-1) / 2
        higher = np.maximum(top, log_joint)
        keep, add = np.exp(top - higher), np.exp(log_joint - higher)
        total = keep * total + add
        out = keep[..., None] * out - add[..., None] * z / s
        top = higher
    return out / total[..., None]


def mixture_score__point_by_point(x, weights, means, sigmas):
    """Plain Python for each point, as nested lists."""
    if x.ndim > 1:
        return [mixture_score__point_by_point(row, weights, means, sigmas) for row in x]
    logs = []
    for w, mean, s in zip(weights, means, sigmas, strict=True):
        square = math.fsum((a - m) ** 2 for a, m in zip(x, mean, strict=True))
        logs.append(math.log(w) - len(x) * math.log(s) - square / (2 * s * s))
    e = [math.exp(v - max(logs)) for v in logs]
    r = [v / math.fsum(e) for v in e]
    return [
        math.fsum(p * (m[i] - x[i]) / s**2 for p, m, s in zip(r, means, sigmas, strict=True))
        for i in range(len(x))
    ]


def mixture_score__squares_expanded(x, weights, means, sigmas):
    """‖x‖² − 2 x·μ + ‖μ‖² in place of the differences."""
    square = (x**2).sum(axis=-1)[..., None] - 2 * x @ means.T + (means**2).sum(axis=1)
    z = np.log(weights) - x.shape[-1] * np.log(sigmas) - square / (2 * sigmas**2)
    z = np.exp(z - z.max(axis=-1, keepdims=True))
    z = z / z.sum(axis=-1, keepdims=True)
    return ((z / sigmas**2)[..., None] * (means - x[..., None, :])).sum(axis=-2)


def alpha_bar__extended_precision(betas):
    """Products in the long double, where there is one, rounded at the end."""
    if np.finfo(np.longdouble).eps > 1e-18:
        return np.exp(np.cumsum(np.log1p(-betas)))
    return np.cumprod(1 - betas.astype(np.longdouble)).astype(np.float64)


def alpha_bar__reduced_logs(betas):
    """`np.add.accumulate` of log1p, in place."""
    out = np.negative(betas)
    np.log1p(out, out=out)
    np.add.accumulate(out, out=out)
    return np.exp(out, out=out)


def alpha_bar__compensated_sum(betas):
    """A Python loop over log1p with a compensated sum; a list returned."""
    total, lost, out = 0.0, 0.0, []
    for beta in betas.tolist():
        term = math.log1p(-beta) - lost
        new = total + term
        lost = (new - total) - term
        total = new
        out.append(math.exp(total))
    return out


def alpha_bar__compensated_product(betas):
    """The product is carried with what rounding lost of it: p − p·β, both sums exact to twice eps."""
    p, lost, out = 1.0, 0.0, []
    for beta in betas.tolist():
        change = -p * beta
        new = p + change
        lost = lost * (1 - beta) + (change - (new - p))
        p = new
        out.append(p + lost)
    return np.array(out)


def diffuse__math_roots(x0, noise, alpha_bar_t):
    """`math.sqrt`, and a sum in place on a copy."""
    out = math.sqrt(alpha_bar_t) * x0
    out += math.sqrt(1 - alpha_bar_t) * noise
    return out


def diffuse__stacked(x0, noise, alpha_bar_t):
    """A dot product of two coefficients with the two arrays stacked."""
    return np.tensordot(
        np.array([alpha_bar_t, 1 - alpha_bar_t]) ** 0.5, np.stack([x0, noise]), axes=1
    )


def diffuse__lists(x0, noise, alpha_bar_t):
    """Nested lists."""
    a, b = alpha_bar_t**0.5, (1 - alpha_bar_t) ** 0.5
    if x0.ndim > 1:
        return [diffuse__lists(p, q, alpha_bar_t) for p, q in zip(x0, noise, strict=True)]
    return [a * p + b * q for p, q in zip(x0.tolist(), noise.tolist(), strict=True)]


def noise_to_score__power(noise, alpha_bar_t):
    """A negative power."""
    return -((1 - alpha_bar_t) ** -0.5) * noise


def noise_to_score__through_the_means(noise, alpha_bar_t):
    """Divided by the variance, after multiplication by the deviation, as −(x_t − √ᾱ x_0)/(1 − ᾱ)."""
    variance = 1.0 - float(alpha_bar_t)
    return np.negative(np.sqrt(variance) * noise) / variance


def noise_to_score__tuples(noise, alpha_bar_t):
    """Nested tuples."""
    if noise.ndim > 1:
        return tuple(noise_to_score__tuples(row, alpha_bar_t) for row in noise)
    return tuple(-v / math.sqrt(1 - alpha_bar_t) for v in noise.tolist())


def predict_x0__two_coefficients(x_t, noise, alpha_bar_t):
    """x_t/√ᾱ − √(1/ᾱ − 1) ε, as many codes keep it."""
    return x_t * np.sqrt(1 / alpha_bar_t) - np.sqrt(1 / alpha_bar_t - 1) * noise


def predict_x0__in_place(x_t, noise, alpha_bar_t):
    """In place on a copy."""
    out = np.array(x_t)
    out -= math.sqrt(1 - alpha_bar_t) * noise
    out /= math.sqrt(alpha_bar_t)
    return out


def predict_x0__tweedie(x_t, noise, alpha_bar_t):
    """Through the score: (x_t + (1 − ᾱ) s)/√ᾱ with s = −ε/√(1 − ᾱ)."""
    variance = 1 - alpha_bar_t
    if variance == 0:
        return x_t.tolist()
    score = -noise / math.sqrt(variance)
    return (x_t + variance * score) / alpha_bar_t**0.5


def denoising_score_loss__dot(predicted_noise, noise):
    """An inner product of the residual with itself."""
    residual = np.ravel(predicted_noise - noise)
    return residual @ residual / residual.size


def denoising_score_loss__nested_means(predicted_noise, noise):
    """Means over one axis after the other; a 0-d array."""
    square = np.square(predicted_noise - noise)
    while square.ndim:
        square = np.asarray(square.mean(axis=0))
    return square


def denoising_score_loss__exact_sum(predicted_noise, noise):
    """`math.fsum` over Python floats."""
    residual = (predicted_noise - noise).ravel().tolist()
    return math.fsum(v * v for v in residual) / len(residual)


def denoising_score_loss__norm(predicted_noise, noise):
    """The Frobenius norm, squared."""
    return float(np.linalg.norm(np.ravel(noise - predicted_noise)) ** 2 / np.size(noise))


def denoising_score_grad__scaled(predicted_noise, noise):
    """A factor 2/N, then the difference."""
    scale = 2 / predicted_noise.size
    return scale * predicted_noise - scale * noise


def denoising_score_grad__in_place(predicted_noise, noise):
    """In place on a copy."""
    out = predicted_noise.copy()
    out -= noise
    out *= 2
    out /= math.prod(noise.shape)
    return out


def denoising_score_grad__lists(predicted_noise, noise):
    """A flat loop, reshaped to nested lists."""
    flat = zip(predicted_noise.ravel().tolist(), noise.ravel().tolist(), strict=True)
    values = [(p - q) / (0.5 * noise.size) for p, q in flat]
    return np.reshape(values, noise.shape).tolist()


def ddpm_posterior__bayes(x0, x_t, t, betas):
    """Precisions add; t = 0 apart."""
    if t == 0:
        return np.array(x0), 0.0
    before, beta = float(np.prod(1 - betas[:t])), float(betas[t])
    precision = (1 - beta) / beta + 1 / (1 - before)
    mean = (math.sqrt(1 - beta) / beta * x_t + math.sqrt(before) / (1 - before) * x0) / precision
    return mean, 1 / precision


def ddpm_posterior__conditional_gaussian(x0, x_t, t, betas):
    """Gain times innovation, as in a Kalman update; a list, and a 0-d array."""
    before = np.concatenate([[1.0], np.cumprod(1 - betas)])[t]
    prior_mean, prior_variance = np.sqrt(before) * x0, 1 - before
    root = np.sqrt(1 - betas[t])
    gain = prior_variance * root / (root**2 * prior_variance + betas[t])
    mean = prior_mean + gain * (x_t - root * prior_mean)
    return [mean.tolist(), np.array((1 - gain * root) * prior_variance)]


def ddpm_posterior__whole_table(x0, x_t, t, betas):
    """Tables over all steps, as training codes keep them."""
    alphas = 1.0 - betas
    left = np.cumprod(alphas)
    before = np.roll(left, 1)
    before[0] = 1.0
    variance = betas * (1 - before) / (1 - left)
    first = betas * np.sqrt(before) / (1 - left)
    second = (1 - before) * np.sqrt(alphas) / (1 - left)
    return first[t] * x0 + second[t] * x_t, variance[t]


def ddpm_step__through_x0(x_t, predicted_noise, noise, t, betas):
    """The x_0 that is implied, then the posterior's mean."""
    left = np.append(np.cumprod(1 - betas), 1.0)  # left[-1] is the one before the first step
    after, before, beta = left[t], left[t - 1], betas[t]
    x0 = (x_t - np.sqrt(1 - after) * predicted_noise) / np.sqrt(after)
    mean = np.sqrt(before) * beta * x0 + np.sqrt(1 - beta) * (1 - before) * x_t
    return mean / (1 - after) + np.sqrt(beta * (1 - before) / (1 - after)) * noise


def ddpm_step__through_the_score(x_t, predicted_noise, noise, t, betas):
    """(x_t + β s)/√(1 − β) with the score s; the noise only where t > 0."""
    after = math.prod((1 - betas[: t + 1]).tolist())
    beta = float(betas[t])
    out = (x_t + beta * (-predicted_noise / math.sqrt(1 - after))) * (1 - beta) ** -0.5
    if t > 0:
        before = math.prod((1 - betas[:t]).tolist())
        out = out + math.sqrt((1 - before) / (1 - after) * beta) * noise
    return out


def ddpm_step__lists(x_t, predicted_noise, noise, t, betas):
    """Nested lists, from coefficients of x_t, ε̂ and z."""
    alphas = [1 - b for b in betas.tolist()]
    after = math.exp(math.fsum(map(math.log, alphas[: t + 1])))
    before = math.exp(math.fsum(map(math.log, alphas[:t])))
    a = alphas[t] ** -0.5
    b = -a * (1 - alphas[t]) * (1 - after) ** -0.5
    c = math.sqrt((1 - alphas[t]) * (1 - before) / (1 - after))
    return (a * x_t + b * predicted_noise + c * noise).tolist()


def langevin_step__one_root(x, score, step, noise):
    """x + r (r s/2 + z) with r = √(2η)."""
    r = math.sqrt(2 * step)
    return x + r * (0.5 * r * score + noise)


def langevin_step__in_place(x, score, step, noise):
    """In place on a copy."""
    out = np.array(x)
    out += np.multiply(step, score)
    out += (step + step) ** 0.5 * noise
    return out


def langevin_step__lists(x, score, step, noise):
    """Nested lists."""
    if x.ndim > 1:
        return [
            langevin_step__lists(*row, z)
            for row, z in zip(
                ((a, s, step) for a, s in zip(x, score, strict=True)), noise, strict=True
            )
        ]
    scale = math.sqrt(2.0) * math.sqrt(step)
    return [float(a + step * s + scale * z) for a, s, z in zip(x, score, noise, strict=True)]
