"""Wrong on purpose. Every function here must be rejected by the suite of its exercise."""

import math

import numpy as np


def _alpha_bar(betas):
    return np.exp(np.cumsum(np.log1p(-betas)))


def _left(t, betas):
    left = _alpha_bar(betas)
    return (left[t - 1] if t > 0 else 1.0), left[t]


def _log_joint(x, weights, means, sigmas):
    square = ((means - x[..., None, :]) ** 2).sum(axis=-1)
    return np.log(weights) - x.shape[-1] * np.log(sigmas) - square / (2 * sigmas**2)


def _softmax(z):
    e = np.exp(z - z.max(axis=-1, keepdims=True))
    return e / e.sum(axis=-1, keepdims=True)


def _weighted(r, x, means, sigmas):
    return ((r / sigmas**2)[..., None] * (means - x[..., None, :])).sum(axis=-2)


# gaussian_score


def gaussian_score__sign(x, mean, cov):
    """the sign is flipped: the score points away from the mean"""
    return np.linalg.solve(cov, (x - mean)[..., None])[..., 0]


def gaussian_score__diagonal_only(x, mean, cov):
    """only the covariance's diagonal is used, as if the coordinates were independent"""
    return (mean - x) / np.diag(cov)


def gaussian_score__covariance_multiplied(x, mean, cov):
    """the difference is multiplied by the covariance, not by its inverse"""
    return (mean - x) @ cov


def gaussian_score__whitened(x, mean, cov):
    """one Cholesky factor is solved with, which whitens the difference; the other is missing"""
    return -np.linalg.solve(np.linalg.cholesky(cov), (x - mean)[..., None])[..., 0]


def gaussian_score__mean_not_subtracted(x, mean, cov):
    """the mean is not subtracted"""
    return -np.linalg.solve(cov, x[..., None])[..., 0]


def gaussian_score__rows_as_columns(x, mean, cov):
    """a batch with as many points as coordinates is solved as it stands, with its points for columns"""
    centred = x - mean
    if centred.ndim == 2 and centred.shape[0] == centred.shape[1]:
        return -np.linalg.solve(cov, centred)
    return -np.linalg.solve(cov, centred[..., None])[..., 0]


def gaussian_score__jitter(x, mean, cov):
    """1e-6 is added to the covariance's diagonal"""
    return -np.linalg.solve(cov + 1e-6 * np.eye(len(mean)), (x - mean)[..., None])[..., 0]


def gaussian_score__elementwise_inverse(x, mean, cov):
    """`1 / cov` inverts each entry, not the matrix"""
    return (mean - x) @ (1 / cov)


def gaussian_score__doubled(x, mean, cov):
    """the ½ of the exponent is forgotten, which makes the score twice as long"""
    return -2 * np.linalg.solve(cov, (x - mean)[..., None])[..., 0]


def gaussian_score__halved(x, mean, cov):
    """the ½ of the exponent is kept, though the square's derivative cancels it"""
    return -0.5 * np.linalg.solve(cov, (x - mean)[..., None])[..., 0]


# mixture_score


def mixture_score__sign(x, weights, means, sigmas):
    """the sign is flipped: the score points away from the modes"""
    return -_weighted(_softmax(_log_joint(x, weights, means, sigmas)), x, means, sigmas)


def mixture_score__prior_weights(x, weights, means, sigmas):
    """the components' scores are averaged with the weights themselves, not with the responsibilities at x"""
    return _weighted(np.broadcast_to(weights, (*x.shape[:-1], len(weights))), x, means, sigmas)


def mixture_score__weights_missing(x, weights, means, sigmas):
    """the weights are missing from the responsibilities"""
    joint = _log_joint(x, np.ones(len(weights)), means, sigmas)
    return _weighted(_softmax(joint), x, means, sigmas)


def mixture_score__normaliser_missing(x, weights, means, sigmas):
    """the factor σ^(−d) of the densities is missing from the responsibilities"""
    joint = _log_joint(x, weights, means, sigmas) + x.shape[-1] * np.log(sigmas)
    return _weighted(_softmax(joint), x, means, sigmas)


def mixture_score__normaliser_of_one_dimension(x, weights, means, sigmas):
    """the densities carry σ^(−1), which is right for one coordinate, and not σ^(−d)"""
    joint = _log_joint(x, weights, means, sigmas) + (x.shape[-1] - 1) * np.log(sigmas)
    return _weighted(_softmax(joint), x, means, sigmas)


def mixture_score__sigmas_as_variances(x, weights, means, sigmas):
    """the standard deviations are taken for variances"""
    s = np.sqrt(sigmas)
    return _weighted(_softmax(_log_joint(x, weights, means, s)), x, means, s)


def mixture_score__divided_by_sigma(x, weights, means, sigmas):
    """each component's score is divided by σ, not by σ²"""
    r = _softmax(_log_joint(x, weights, means, sigmas))
    return _weighted(r * sigmas, x, means, sigmas)


def mixture_score__half_missing(x, weights, means, sigmas):
    """the ½ is missing from the exponent of the densities"""
    square = ((means - x[..., None, :]) ** 2).sum(axis=-1)
    joint = _log_joint(x, weights, means, sigmas) - square / (2 * sigmas**2)
    return _weighted(_softmax(joint), x, means, sigmas)


def mixture_score__no_max(x, weights, means, sigmas):
    """the densities are formed without a shift, and far from every mode all of them are 0: 0/0"""
    e = np.exp(_log_joint(x, weights, means, sigmas))
    return _weighted(e / e.sum(axis=-1, keepdims=True), x, means, sigmas)


def mixture_score__global_max(x, weights, means, sigmas):
    """one maximum is taken for all points, so that a point far from every mode underflows beside a near one"""
    joint = _log_joint(x, weights, means, sigmas)
    e = np.exp(joint - joint.max())
    return _weighted(e / e.sum(axis=-1, keepdims=True), x, means, sigmas)


def mixture_score__epsilon_in_the_denominator(x, weights, means, sigmas):
    """a small number is added to the density, so that the score fades to 0 far from every mode"""
    e = np.exp(_log_joint(x, weights, means, sigmas))
    return _weighted(e / (e.sum(axis=-1, keepdims=True) + 1e-12), x, means, sigmas)


def mixture_score__log_density_clipped(x, weights, means, sigmas):
    """the exponents are clipped at −700, and where all are, the components count alike"""
    joint = np.maximum(_log_joint(x, weights, means, sigmas), -700)
    return _weighted(_softmax(joint), x, means, sigmas)


def mixture_score__nearest_mode_only(x, weights, means, sigmas):
    """only the most likely component counts, as if responsibilities were 0 or 1"""
    joint = _log_joint(x, weights, means, sigmas)
    r = (joint == joint.max(axis=-1, keepdims=True)).astype(float)
    return _weighted(r / r.sum(axis=-1, keepdims=True), x, means, sigmas)


def mixture_score__power_underflows(x, weights, means, sigmas):
    """σ^d is formed before its logarithm is taken, and with many coordinates it under- or overflows"""
    square = ((means - x[..., None, :]) ** 2).sum(axis=-1)
    joint = np.log(weights / sigmas ** x.shape[-1]) - square / (2 * sigmas**2)
    return _weighted(_softmax(joint), x, means, sigmas)


def mixture_score__normalised_over_points(x, weights, means, sigmas):
    """the responsibilities sum to one over the points of the batch, not over the components"""
    joint = _log_joint(x, weights, means, sigmas)
    axis = -2 if joint.ndim > 1 else -1
    e = np.exp(joint - joint.max(axis=axis, keepdims=True))
    return _weighted(e / e.sum(axis=axis, keepdims=True), x, means, sigmas)


def mixture_score__squares_averaged(x, weights, means, sigmas):
    """the squared distance is averaged over the coordinates, not summed"""
    square = ((means - x[..., None, :]) ** 2).sum(axis=-1)
    joint = _log_joint(x, weights, means, sigmas)
    joint = joint + square / (2 * sigmas**2) * (1 - 1 / x.shape[-1])
    return _weighted(_softmax(joint), x, means, sigmas)


def mixture_score__gradient_of_the_density(x, weights, means, sigmas):
    """it is the gradient of the density, not of its logarithm: the division by p(x) is missing"""
    e = np.exp(_log_joint(x, weights, means, sigmas)) / (2 * np.pi) ** (x.shape[-1] / 2)
    return _weighted(e, x, means, sigmas)


# alpha_bar


def alpha_bar__of_betas(betas):
    """the betas themselves are multiplied, not 1 − β"""
    return np.cumprod(betas)


def alpha_bar__plain_cumprod(betas):
    """forming 1 − β rounds away the digits of small betas"""
    return np.cumprod(1 - betas)


def alpha_bar__alpha(betas):
    """1 − β is returned without its product over the steps"""
    return 1 - betas


def alpha_bar__starts_at_one(betas):
    """the product runs over the steps before t only, and begins with 1"""
    return np.append(1.0, _alpha_bar(betas)[:-1])


def alpha_bar__extra_entry(betas):
    """a 1 for 'before the first step' is put in front, which makes T + 1 entries"""
    return np.append(1.0, _alpha_bar(betas))


def alpha_bar__sum_not_product(betas):
    """the betas are summed, and the sum is taken from 1"""
    return 1 - np.cumsum(betas)


def alpha_bar__exp_of_the_sum(betas):
    """exp(−Σβ) takes −β for log(1 − β), which holds for small betas only"""
    return np.exp(-np.cumsum(betas))


def alpha_bar__root(betas):
    """the root √ᾱ is returned, the factor of the signal, not of its variance"""
    return np.sqrt(_alpha_bar(betas))


def alpha_bar__noise_share(betas):
    """1 − ᾱ is returned, the noise's variance"""
    return -np.expm1(np.cumsum(np.log1p(-betas)))


def alpha_bar__final_only(betas):
    """only the last entry is returned, not one for each step"""
    return _alpha_bar(betas)[-1:]


def alpha_bar__from_the_end(betas):
    """the product runs from step t to the end, not from the start to t"""
    return _alpha_bar(betas[::-1])[::-1]


def alpha_bar__one_minus_noise_share(betas):
    """it is formed as 1 − (1 − ᾱ), which leaves no digits where ᾱ is small"""
    return 1.0 + np.expm1(np.cumsum(np.log1p(-betas)))


def alpha_bar__floor(betas):
    """it is clipped to at least 1e-5"""
    return np.maximum(_alpha_bar(betas), 1e-5)


# diffuse


def diffuse__roots_missing(x0, noise, alpha_bar_t):
    """ᾱ and 1 − ᾱ are used without their roots"""
    return alpha_bar_t * x0 + (1 - alpha_bar_t) * noise


def diffuse__swapped(x0, noise, alpha_bar_t):
    """the two factors are swapped: √ᾱ belongs to x0"""
    return math.sqrt(1 - alpha_bar_t) * x0 + math.sqrt(alpha_bar_t) * noise


def diffuse__noise_variance_for_deviation(x0, noise, alpha_bar_t):
    """the noise is multiplied by its variance 1 − ᾱ, not by the standard deviation"""
    return math.sqrt(alpha_bar_t) * x0 + (1 - alpha_bar_t) * noise


def diffuse__signal_without_root(x0, noise, alpha_bar_t):
    """x0 is multiplied by ᾱ, not by √ᾱ"""
    return alpha_bar_t * x0 + math.sqrt(1 - alpha_bar_t) * noise


def diffuse__one_minus_the_root(x0, noise, alpha_bar_t):
    """the noise is multiplied by 1 − √ᾱ, not by √(1 − ᾱ)"""
    return math.sqrt(alpha_bar_t) * x0 + (1 - math.sqrt(alpha_bar_t)) * noise


def diffuse__signal_not_shrunk(x0, noise, alpha_bar_t):
    """x0 is not shrunk: noise is added to it as it stands"""
    return x0 + math.sqrt(1 - alpha_bar_t) * noise


def diffuse__noise_subtracted(x0, noise, alpha_bar_t):
    """the noise is subtracted"""
    return math.sqrt(alpha_bar_t) * x0 - math.sqrt(1 - alpha_bar_t) * noise


def diffuse__clipped(x0, noise, alpha_bar_t):
    """the result is clipped to [−1, 1]"""
    return np.clip(diffuse__noise_subtracted(x0, -noise, alpha_bar_t), -1, 1)


# noise_to_score


def noise_to_score__sign(noise, alpha_bar_t):
    """the minus is missing: the score points where the noise came from, back along it"""
    return noise / math.sqrt(1 - alpha_bar_t)


def noise_to_score__variance_for_deviation(noise, alpha_bar_t):
    """the noise is divided by the variance 1 − ᾱ, not by the standard deviation"""
    return -noise / (1 - alpha_bar_t)


def noise_to_score__multiplied(noise, alpha_bar_t):
    """the noise is multiplied by √(1 − ᾱ), which is the way back from score to noise"""
    return -noise * math.sqrt(1 - alpha_bar_t)


def noise_to_score__root_of_alpha_bar(noise, alpha_bar_t):
    """the noise is divided by √ᾱ, the signal's factor"""
    return -noise / math.sqrt(alpha_bar_t) if alpha_bar_t > 0 else -noise


def noise_to_score__undivided(noise, alpha_bar_t):
    """the noise is not divided by anything"""
    return -np.array(noise)


def noise_to_score__epsilon(noise, alpha_bar_t):
    """1e-8 is added under the root"""
    return -noise / math.sqrt(1 - alpha_bar_t + 1e-8)


def noise_to_score__signal_factor_too(noise, alpha_bar_t):
    """it is multiplied by √ᾱ, which is the gradient in x_0, not in x_t"""
    return -noise * math.sqrt(alpha_bar_t / (1 - alpha_bar_t))


# predict_x0


def predict_x0__noise_added(x_t, noise, alpha_bar_t):
    """the noise is added once more, not taken away"""
    return (x_t + math.sqrt(1 - alpha_bar_t) * noise) / math.sqrt(alpha_bar_t)


def predict_x0__not_divided(x_t, noise, alpha_bar_t):
    """the noise is taken away, but the signal is not scaled back by 1/√ᾱ"""
    return x_t - math.sqrt(1 - alpha_bar_t) * noise


def predict_x0__divided_by_alpha_bar(x_t, noise, alpha_bar_t):
    """it is divided by ᾱ, not by √ᾱ"""
    return (x_t - math.sqrt(1 - alpha_bar_t) * noise) / alpha_bar_t


def predict_x0__noise_variance_for_deviation(x_t, noise, alpha_bar_t):
    """the noise is multiplied by its variance 1 − ᾱ, not by the standard deviation"""
    return (x_t - (1 - alpha_bar_t) * noise) / math.sqrt(alpha_bar_t)


def predict_x0__division_before_the_difference(x_t, noise, alpha_bar_t):
    """only x_t is divided by √ᾱ, and the noise is not"""
    return x_t / math.sqrt(alpha_bar_t) - math.sqrt(1 - alpha_bar_t) * noise


def predict_x0__clipped(x_t, noise, alpha_bar_t):
    """the result is clipped to [−1, 1]"""
    return np.clip(predict_x0__noise_added(x_t, -noise, alpha_bar_t), -1, 1)


def predict_x0__epsilon(x_t, noise, alpha_bar_t):
    """1e-8 is added to ᾱ before the division"""
    return (x_t - math.sqrt(1 - alpha_bar_t) * noise) / math.sqrt(alpha_bar_t + 1e-8)


def predict_x0__roots_missing(x_t, noise, alpha_bar_t):
    """ᾱ and 1 − ᾱ are used without their roots"""
    return (x_t - (1 - alpha_bar_t) * noise) / alpha_bar_t


# denoising_score_loss


def denoising_score_loss__half(predicted_noise, noise):
    """a factor ½ is put in front"""
    return 0.5 * np.mean((predicted_noise - noise) ** 2)


def denoising_score_loss__sum(predicted_noise, noise):
    """the squares are summed and not averaged"""
    return np.sum((predicted_noise - noise) ** 2)


def denoising_score_loss__sum_over_coordinates(predicted_noise, noise):
    """the squares are summed over the coordinates and averaged over the points alone"""
    return np.mean(np.sum((predicted_noise - noise) ** 2, axis=-1))


def denoising_score_loss__over_first_axis(predicted_noise, noise):
    """the sum is divided by the length of the first axis, not by the number of entries"""
    return np.sum((predicted_noise - noise) ** 2) / len(noise)


def denoising_score_loss__root(predicted_noise, noise):
    """the root of the mean is taken"""
    return np.sqrt(np.mean((predicted_noise - noise) ** 2))


def denoising_score_loss__absolute(predicted_noise, noise):
    """absolute differences are averaged, not squares"""
    return np.mean(np.abs(predicted_noise - noise))


def denoising_score_loss__norm_not_squared(predicted_noise, noise):
    """the norm of each point's residual is averaged, not its square"""
    return np.mean(np.linalg.norm(predicted_noise - noise, axis=-1))


def denoising_score_loss__variance(predicted_noise, noise):
    """`np.var` takes the residual's mean away first, so that a constant error costs nothing"""
    return np.var(predicted_noise - noise)


def denoising_score_loss__huber(predicted_noise, noise):
    """residuals beyond 1 count linearly, as in a Huber loss"""
    a = np.abs(predicted_noise - noise)
    return np.mean(np.where(a <= 1, a**2, 2 * a - 1))


def denoising_score_loss__difference_of_means(predicted_noise, noise):
    """the mean is taken before the square"""
    return np.mean(predicted_noise - noise) ** 2


# denoising_score_grad


def denoising_score_grad__sign(predicted_noise, noise):
    """the sign is flipped: it is the gradient with respect to the noise, not the prediction"""
    return 2 * (noise - predicted_noise) / noise.size


def denoising_score_grad__two_missing(predicted_noise, noise):
    """the 2 of the square is missing"""
    return (predicted_noise - noise) / noise.size


def denoising_score_grad__no_mean(predicted_noise, noise):
    """the 1/N of the mean is missing"""
    return 2 * (predicted_noise - noise)


def denoising_score_grad__residual(predicted_noise, noise):
    """it is the residual, without the 2 of the square and the 1/N of the mean"""
    return predicted_noise - noise


def denoising_score_grad__over_first_axis(predicted_noise, noise):
    """it is divided by the length of the first axis, not by the number of entries"""
    return 2 * (predicted_noise - noise) / len(noise)


def denoising_score_grad__over_last_axis(predicted_noise, noise):
    """it is divided by the number of coordinates, not by the number of all entries"""
    return 2 * (predicted_noise - noise) / noise.shape[-1]


def denoising_score_grad__sign_of_residual(predicted_noise, noise):
    """it is the gradient of the mean absolute error"""
    return np.sign(predicted_noise - noise) / noise.size


def denoising_score_grad__clipped(predicted_noise, noise):
    """residuals are clipped to [−1, 1], as a Huber loss would"""
    return 2 * np.clip(predicted_noise - noise, -1, 1) / noise.size


# ddpm_posterior


def _posterior(x0, x_t, beta, before, after):
    mean = (
        math.sqrt(before) * beta * x0 + math.sqrt(1 - beta) * (1 - before) * x_t
    ) / (1 - after)  # fmt: skip
    return mean, beta * (1 - before) / (1 - after)


def ddpm_posterior__variance_is_beta(x0, x_t, t, betas):
    """the variance is β_t, that of the noising step, and not the posterior's"""
    before, after = _left(t, betas)
    mean, _ = _posterior(x0, x_t, betas[t], before, after)
    return mean, betas[t]


def ddpm_posterior__standard_deviation(x0, x_t, t, betas):
    """the standard deviation is returned for the variance"""
    mean, variance = _posterior(x0, x_t, betas[t], *_left(t, betas))
    return mean, math.sqrt(variance)


def ddpm_posterior__previous_starts_at_first(x0, x_t, t, betas):
    """ᾱ before the first step is taken to be ᾱ_0, not 1"""
    left = _alpha_bar(betas)
    return _posterior(x0, x_t, betas[t], left[max(t - 1, 0)], left[t])


def ddpm_posterior__previous_wraps_around(x0, x_t, t, betas):
    """at t = 0 the index t − 1 = −1 reads the last entry of ᾱ"""
    left = _alpha_bar(betas)
    return _posterior(x0, x_t, betas[t], left[t - 1], left[t])


def ddpm_posterior__t_counted_from_one(x0, x_t, t, betas):
    """t is counted from 1, as in the paper: everything is one step early"""
    t = max(t - 1, 0)
    return _posterior(x0, x_t, betas[t], *_left(t, betas))


def ddpm_posterior__coefficients_swapped(x0, x_t, t, betas):
    """the coefficients of x_0 and x_t are swapped"""
    return _posterior(x_t, x0, betas[t], *_left(t, betas))


def ddpm_posterior__root_missing_on_x0(x0, x_t, t, betas):
    """x_0 is multiplied by ᾱ_{t−1}, without its root"""
    before, after = _left(t, betas)
    return _posterior(math.sqrt(before) * x0, x_t, betas[t], before, after)


def ddpm_posterior__root_missing_on_x_t(x0, x_t, t, betas):
    """x_t is multiplied by 1 − β_t, without its root"""
    return _posterior(x0, math.sqrt(1 - betas[t]) * x_t, betas[t], *_left(t, betas))


def ddpm_posterior__alpha_bar_for_alpha(x0, x_t, t, betas):
    """x_t is multiplied by √ᾱ_t, not by √(1 − β_t)"""
    before, after = _left(t, betas)
    return _posterior(x0, math.sqrt(before) * x_t, betas[t], before, after)


def ddpm_posterior__current_for_previous(x0, x_t, t, betas):
    """x_0 is multiplied by √ᾱ_t, not by √ᾱ_{t−1}"""
    return _posterior(math.sqrt(1 - betas[t]) * x0, x_t, betas[t], *_left(t, betas))


def ddpm_posterior__variance_upside_down(x0, x_t, t, betas):
    """the variance's fraction is upside down: (1 − ᾱ_t)/(1 − ᾱ_{t−1})"""
    before, after = _left(t, betas)
    mean, _ = _posterior(x0, x_t, betas[t], before, after)
    return mean, betas[t] * (1 - after) / (1 - before) if t > 0 else 0.0


def ddpm_posterior__variance_floor(x0, x_t, t, betas):
    """the variance is kept above 1e-20, so that its logarithm exists"""
    mean, variance = _posterior(x0, x_t, betas[t], *_left(t, betas))
    return mean, max(variance, 1e-20)


def ddpm_posterior__x0_clipped(x0, x_t, t, betas):
    """x_0 is clipped to [−1, 1] first"""
    return _posterior(np.clip(x0, -1, 1), x_t, betas[t], *_left(t, betas))


# ddpm_step


def _mean(x_t, predicted_noise, beta, after):
    return (x_t - beta / math.sqrt(1 - after) * predicted_noise) / math.sqrt(1 - beta)


def _deviation(beta, before, after):
    return math.sqrt(beta * (1 - before) / (1 - after))


def ddpm_step__noise_at_the_end(x_t, predicted_noise, noise, t, betas):
    """noise is added at t = 0 too, with ᾱ_0 standing for the ᾱ before the first step"""
    left = _alpha_bar(betas)
    deviation = _deviation(betas[t], left[max(t - 1, 0)], left[t])
    return _mean(x_t, predicted_noise, betas[t], left[t]) + deviation * noise


def ddpm_step__variance_is_beta(x_t, predicted_noise, noise, t, betas):
    """σ_t² is β_t, the other choice of the paper"""
    _, after = _left(t, betas)
    deviation = math.sqrt(betas[t]) if t > 0 else 0.0
    return _mean(x_t, predicted_noise, betas[t], after) + deviation * noise


def ddpm_step__variance_for_deviation(x_t, predicted_noise, noise, t, betas):
    """the noise is multiplied by the variance, not by the standard deviation"""
    before, after = _left(t, betas)
    variance = betas[t] * (1 - before) / (1 - after)
    return _mean(x_t, predicted_noise, betas[t], after) + variance * noise


def ddpm_step__previous_wraps_around(x_t, predicted_noise, noise, t, betas):
    """at t = 0 the index t − 1 = −1 reads the last entry of ᾱ, and noise is added"""
    left = _alpha_bar(betas)
    deviation = _deviation(betas[t], left[t - 1], left[t])
    return _mean(x_t, predicted_noise, betas[t], left[t]) + deviation * noise


def ddpm_step__one_minus_alpha_bar_without_root(x_t, predicted_noise, noise, t, betas):
    """the prediction is multiplied by β_t/(1 − ᾱ_t), without the root of the denominator"""
    before, after = _left(t, betas)
    mean = (x_t - betas[t] / (1 - after) * predicted_noise) / math.sqrt(1 - betas[t])
    return mean + _deviation(betas[t], before, after) * noise


def ddpm_step__divided_by_root_of_alpha_bar(x_t, predicted_noise, noise, t, betas):
    """it is divided by √ᾱ_t, not by √(1 − β_t)"""
    before, after = _left(t, betas)
    mean = (x_t - betas[t] / math.sqrt(1 - after) * predicted_noise) / math.sqrt(after)
    return mean + _deviation(betas[t], before, after) * noise


def ddpm_step__not_divided(x_t, predicted_noise, noise, t, betas):
    """the mean is not divided by √(1 − β_t)"""
    before, after = _left(t, betas)
    mean = x_t - betas[t] / math.sqrt(1 - after) * predicted_noise
    return mean + _deviation(betas[t], before, after) * noise


def ddpm_step__prediction_added(x_t, predicted_noise, noise, t, betas):
    """the predicted noise is added, not taken away"""
    before, after = _left(t, betas)
    mean = _mean(x_t, -predicted_noise, betas[t], after)
    return mean + _deviation(betas[t], before, after) * noise


def ddpm_step__all_noise_at_once(x_t, predicted_noise, noise, t, betas):
    """all of the predicted noise is taken away at once, √(1 − ᾱ_t) of it, not this step's share"""
    before, after = _left(t, betas)
    mean = (x_t - math.sqrt(1 - after) * predicted_noise) / math.sqrt(1 - betas[t])
    return mean + _deviation(betas[t], before, after) * noise


def ddpm_step__t_counted_from_one(x_t, predicted_noise, noise, t, betas):
    """t is counted from 1, as in the paper: everything is one step early"""
    t = max(t - 1, 0)
    before, after = _left(t, betas)
    return (
        _mean(x_t, predicted_noise, betas[t], after) + _deviation(betas[t], before, after) * noise
    )


def ddpm_step__no_noise(x_t, predicted_noise, noise, t, betas):
    """no noise is added at any step"""
    return _mean(x_t, predicted_noise, betas[t], _left(t, betas)[1])


def ddpm_step__x0_clipped(x_t, predicted_noise, noise, t, betas):
    """the x_0 that the prediction implies is clipped to [−1, 1] on the way"""
    before, after = _left(t, betas)
    x0 = np.clip((x_t - math.sqrt(1 - after) * predicted_noise) / math.sqrt(after), -1, 1)
    mean, variance = _posterior(x0, x_t, betas[t], before, after)
    return mean + math.sqrt(variance) * noise


def ddpm_step__noise_silenced_too_early(x_t, predicted_noise, noise, t, betas):
    """the step at t = 1 adds no noise either"""
    before, after = _left(t, betas)
    deviation = _deviation(betas[t], before, after) if t > 1 else 0.0
    return _mean(x_t, predicted_noise, betas[t], after) + deviation * noise


# langevin_step


def langevin_step__half_step(x, score, step, noise):
    """the step is halved, as where √ε goes with ε/2: here the drift is step · score and the noise √(2·step)"""
    return x + 0.5 * step * score + math.sqrt(step) * noise


def langevin_step__two_missing(x, score, step, noise):
    """the 2 is missing under the root"""
    return x + step * score + math.sqrt(step) * noise


def langevin_step__half_drift(x, score, step, noise):
    """the drift is halved, but the noise is √(2·step) as without that half"""
    return x + 0.5 * step * score + math.sqrt(2 * step) * noise


def langevin_step__root_missing(x, score, step, noise):
    """the noise is multiplied by its variance 2·step, without the root"""
    return x + step * score + 2 * step * noise


def langevin_step__two_outside_the_root(x, score, step, noise):
    """the 2 stands outside of the root: 2·√step"""
    return x + step * score + 2 * math.sqrt(step) * noise


def langevin_step__downhill(x, score, step, noise):
    """the score is subtracted, which leads away from the modes"""
    return x - step * score + math.sqrt(2 * step) * noise


def langevin_step__no_noise(x, score, step, noise):
    """there is no noise: it is plain gradient ascent"""
    return x + step * score


def langevin_step__noise_as_large_as_the_step(x, score, step, noise):
    """the noise is multiplied by the step itself"""
    return x + step * (score + noise)


def langevin_step__change_only(x, score, step, noise):
    """only the change is returned, not the new state"""
    return step * score + math.sqrt(2 * step) * noise


def langevin_step__noise_subtracted(x, score, step, noise):
    """the noise is subtracted, which samples alike but is not the step asked for"""
    return x + step * score - math.sqrt(2 * step) * noise


def langevin_step__in_place(x, score, step, noise):
    """the caller's x is changed in place"""
    x += step * score + math.sqrt(2 * step) * noise
    return x


def langevin_step__score_clipped(x, score, step, noise):
    """scores longer than 50 are shortened, as gradients are clipped, and the tails are no longer those of p"""
    length = np.linalg.norm(score)
    return x + step * score * min(1.0, 50 / max(length, 1e-9)) + math.sqrt(2 * step) * noise


def mixture_score__averaged_variance(x, weights, means, sigmas):
    """means and variances are averaged first, and one Gaussian's score is taken of the averages"""
    r = _softmax(_log_joint(x, weights, means, sigmas))
    return (r @ means - x) / (r @ sigmas**2)[..., None]


def ddpm_step__noise_inside_the_bracket(x_t, predicted_noise, noise, t, betas):
    """the fresh noise is divided by √(1 − β_t) as the mean is"""
    before, after = _left(t, betas)
    mean = _mean(x_t, predicted_noise, betas[t], after)
    return mean + _deviation(betas[t], before, after) * noise / math.sqrt(1 - betas[t])


def ddpm_step__all_noise_put_back(x_t, predicted_noise, noise, t, betas):
    """√(1 − ᾱ_{t−1}) of the predicted noise is put back, as in a DDIM step without noise, and noise is added on top"""
    before, after = _left(t, betas)
    x0 = (x_t - math.sqrt(1 - after) * predicted_noise) / math.sqrt(after)
    mean = math.sqrt(before) * x0 + math.sqrt(1 - before) * predicted_noise
    return mean + _deviation(betas[t], before, after) * noise


def ddpm_posterior__first_mean_is_x_t(x0, x_t, t, betas):
    """at t = 0 the mean is x_t, as if nothing had been known of x_0"""
    if t == 0:
        return np.array(x_t), 0.0
    return _posterior(x0, x_t, betas[t], *_left(t, betas))


def noise_to_score__one_minus_the_root(noise, alpha_bar_t):
    """the noise is divided by 1 − √ᾱ, not by √(1 − ᾱ)"""
    return -noise / (1 - math.sqrt(alpha_bar_t))


def alpha_bar__rounded_to_float32(betas):
    """the product is carried in float32"""
    return np.cumprod((1 - betas).astype(np.float32)).astype(np.float64)


def denoising_score_grad__mean_removed(predicted_noise, noise):
    """the residual's mean is taken away, as in the gradient of its variance"""
    residual = predicted_noise - noise
    return 2 * (residual - residual.mean()) / residual.size


def gaussian_score__rows_as_columns_in_a_batch(x, mean, cov):
    """under a leading axis, sets of as many points as coordinates are solved as they stand, with points for columns"""
    centred = x - mean
    if centred.ndim > 2 and centred.shape[-2] == centred.shape[-1]:
        return -np.linalg.solve(cov, centred)
    return -np.linalg.solve(cov, centred[..., None])[..., 0]


def gaussian_score__pseudo_inverse(x, mean, cov):
    """directions whose variance is below 2e-6 of the largest are dropped, as a pseudo-inverse with that cut-off does"""
    return (mean - x) @ np.linalg.pinv(cov, rcond=2e-6)


def gaussian_score__normal_equations(x, mean, cov):
    """the normal equations ΣᵀΣ s = Σᵀ(μ − x) are solved, which squares the condition number"""
    return np.linalg.solve(cov.T @ cov, (cov.T @ (mean - x)[..., None]))[..., 0]


def mixture_score__half_of_the_normaliser(x, weights, means, sigmas):
    """the densities carry σ^(−d/2), as if σ in (d/2)·log σ were the variance"""
    joint = _log_joint(x, weights, means, sigmas) + x.shape[-1] / 2 * np.log(sigmas)
    return _weighted(_softmax(joint), x, means, sigmas)


def alpha_bar__betas_clipped(betas):
    """betas are clipped to at most 0.999"""
    return _alpha_bar(np.minimum(betas, 0.999))


def alpha_bar__tiny_floor(betas):
    """it is clipped to at least 1e-20"""
    return np.maximum(_alpha_bar(betas), 1e-20)


def diffuse__small_levels_to_zero(x0, noise, alpha_bar_t):
    """ᾱ of 1e-6 and below is taken for 0"""
    return diffuse__noise_subtracted(x0, -noise, alpha_bar_t if alpha_bar_t > 1e-6 else 0.0)


def predict_x0__noise_for_the_score(x_t, noise, alpha_bar_t):
    """the noise stands where a score belongs: x_t + (1 − ᾱ)·noise, and not −√(1 − ᾱ)·noise"""
    return (x_t + (1 - alpha_bar_t) * noise) / math.sqrt(alpha_bar_t)


def predict_x0__level_floor(x_t, noise, alpha_bar_t):
    """ᾱ is clipped to at least 1.0001e-6"""
    return predict_x0__noise_added(x_t, -noise, max(alpha_bar_t, 1.0001e-6))


def noise_to_score__variance_floor(noise, alpha_bar_t):
    """1 − ᾱ is clipped to at least 1.0001e-6"""
    return -noise / math.sqrt(max(1 - alpha_bar_t, 1.0001e-6))


def denoising_score_loss__expanded_square(predicted_noise, noise):
    """the square is expanded into mean(ε̂²) − 2·mean(ε̂ε) + mean(ε²), whose terms cancel where the prediction is good"""
    return np.mean(predicted_noise**2) - 2 * np.mean(predicted_noise * noise) + np.mean(noise**2)


def denoising_score_loss__huber_far_out(predicted_noise, noise):
    """residuals beyond 1000 count linearly, as in a Huber loss"""
    a = np.abs(predicted_noise - noise)
    return np.mean(np.where(a <= 1e3, a**2, 2e3 * a - 1e6))


def denoising_score_grad__gradient_clipped(predicted_noise, noise):
    """the gradient is clipped to [−300, 300]"""
    return np.clip(2 * (predicted_noise - noise) / noise.size, -300, 300)


def ddpm_posterior__t_counted_from_one_wrapping(x0, x_t, t, betas):
    """t is counted from 1, as in the paper, and at t = 0 the index t − 1 reads the last step"""
    left = _alpha_bar(betas)
    return _posterior(x0, x_t, betas[t - 1], left[t - 2] if t > 1 else 1.0, left[t - 1])


def ddpm_posterior__t_counted_from_one_padded(x0, x_t, t, betas):
    """t is counted from 1, as in the paper, with a 1 put before ᾱ, and t = 0 divides by 1 − 1"""
    left = np.append(1.0, _alpha_bar(betas))
    return _posterior(x0, x_t, betas[t - 1], left[t - 1], left[t])


def ddpm_posterior__betas_clipped(x0, x_t, t, betas):
    """betas are clipped to at most 0.999"""
    betas = np.minimum(betas, 0.999)
    return _posterior(x0, x_t, betas[t], *_left(t, betas))


def ddpm_posterior__alpha_bar_floor(x0, x_t, t, betas):
    """ᾱ is clipped to at least 1e-12"""
    before, after = _left(t, betas)
    return _posterior(x0, x_t, betas[t], max(before, 1e-12), max(after, 1e-12))


def ddpm_posterior__beta_floor(x0, x_t, t, betas):
    """betas are clipped to at least 1e-3"""
    betas = np.maximum(betas, 1e-3)
    return _posterior(x0, x_t, betas[t], *_left(t, betas))


def ddpm_step__noises_swapped(x_t, predicted_noise, noise, t, betas):
    """the two noises are swapped: the fresh one is taken away, and the predicted one is added"""
    before, after = _left(t, betas)
    return (
        _mean(x_t, noise, betas[t], after) + _deviation(betas[t], before, after) * predicted_noise
    )


def ddpm_step__variance_is_beta_at_the_end_too(x_t, predicted_noise, noise, t, betas):
    """σ_t² is β_t, the other choice of the paper, and noise is added at t = 0 too"""
    _, after = _left(t, betas)
    return _mean(x_t, predicted_noise, betas[t], after) + math.sqrt(betas[t]) * noise


def ddpm_step__betas_clipped(x_t, predicted_noise, noise, t, betas):
    """betas are clipped to at most 0.999"""
    betas = np.minimum(betas, 0.999)
    before, after = _left(t, betas)
    return (
        _mean(x_t, predicted_noise, betas[t], after) + _deviation(betas[t], before, after) * noise
    )


def ddpm_step__epsilon_under_the_root(x_t, predicted_noise, noise, t, betas):
    """1e-12 is added to 1 − ᾱ_t under the root"""
    before, after = _left(t, betas)
    mean = (x_t - betas[t] / math.sqrt(1 - after + 1e-12) * predicted_noise) / math.sqrt(
        1 - betas[t]
    )
    return mean + _deviation(betas[t], before, after) * noise


def ddpm_step__variance_floor(x_t, predicted_noise, noise, t, betas):
    """σ_t² is kept above 1e-40, and noise of that size is added at t = 0"""
    before, after = _left(t, betas)
    deviation = max(_deviation(betas[t], before, after), 1e-20)
    return _mean(x_t, predicted_noise, betas[t], after) + deviation * noise


def ddpm_step__small_alpha_bar_floor(x_t, predicted_noise, noise, t, betas):
    """the x_0 that the prediction implies is formed with ᾱ_t clipped to at least 1e-12"""
    before, after = _left(t, betas)
    x0 = (x_t - math.sqrt(1 - after) * predicted_noise) / math.sqrt(max(after, 1e-12))
    mean, variance = _posterior(x0, x_t, betas[t], before, after)
    return mean + math.sqrt(variance) * noise


def ddpm_step__clipped(x_t, predicted_noise, noise, t, betas):
    """the result is clipped to [−1000, 1000]"""
    before, after = _left(t, betas)
    mean = _mean(x_t, predicted_noise, betas[t], after)
    return np.clip(mean + _deviation(betas[t], before, after) * noise, -1000, 1000)


def langevin_step__large_moves_rejected(x, score, step, noise):
    """moves longer than 1e5 are rejected, and the state stays where it is"""
    change = step * score + math.sqrt(2 * step) * noise
    return x + (change if np.max(np.abs(change)) < 1e5 else 0.0)
