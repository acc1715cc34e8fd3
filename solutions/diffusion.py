"""Diffusion models: scores, the noising process, its reversal step by step, and Langevin sampling."""

import numpy as np


def gaussian_score(x, mean, cov):
    """Score of a Gaussian: the gradient of its log-density in x.

    ∇_x log N(x; μ, Σ) = −Σ⁻¹ (x − μ)

    Parameters
    ----------
    x : ndarray (…, d) of float64: one point a row, with any leading axes, none included.
    mean : ndarray (d,) of float64, μ.
    cov : ndarray (d, d) of float64, Σ: symmetric, positive definite, of a condition number up to 1e6.

    Returns
    -------
    ndarray of float64 of x's shape: one score a row.

    Notes
    -----
    The covariance matrix itself is solved with: nothing is added to its diagonal, and variances may be as small as
    1e-8. No argument is changed.

    References
    ----------
    Hyvärinen (2005), "Estimation of non-normalized statistical models by score matching",
    JMLR 6, section 2, for the score; Bishop (2006), "Pattern Recognition and Machine Learning",
    eq. (2.43), for the density.

    Examples
    --------
    >>> cov = np.array([[2.0, 1.0], [1.0, 1.0]])
    >>> gaussian_score(np.array([3.0, 3.0]), np.array([1.0, 0.0]), cov).round(6)
    array([ 1., -4.])
    """
    ### BEGIN SOLUTION
    centred = np.asarray(x) - np.asarray(mean)
    # Each row becomes a column of its own: (…, d, 1).
    return -np.linalg.solve(cov, centred[..., None])[..., 0]
    ### END SOLUTION


def mixture_score(x, weights, means, sigmas):
    """Score of a mixture of isotropic Gaussians: the gradient of its log-density in x.

    p(x) = Σ_k w_k N(x; μ_k, σ_k² I)
    ∇_x log p(x) = Σ_k r_k (μ_k − x) / σ_k²
    r_k ∝ w_k σ_k^(−d) exp(−‖x − μ_k‖² / (2 σ_k²)), with Σ_k r_k = 1 for each x

    Parameters
    ----------
    x : ndarray (…, d) of float64: one point a row, with any leading axes, none included.
    weights : ndarray (k,) of float64: positive, their sum is one.
    means : ndarray (k, d) of float64: one mean a row.
    sigmas : ndarray (k,) of float64: positive *standard deviations*, not variances.

    Returns
    -------
    ndarray of float64 of x's shape: one score a row.

    Notes
    -----
    Right and without a warning where every density underflows: for |x| up to 1e4 with standard
    deviations of 0.1, also where another row of x lies at a mode; and for d of several hundred,
    where σ_k^d under- or overflows. No argument is changed.

    References
    ----------
    Bishop (2006), "Pattern Recognition and Machine Learning", eq. (9.13), for the responsibilities
    r_k; the score is that of eq. (9.7).

    Examples
    --------
    >>> weights, means, sigmas = np.array([0.2, 0.8]), np.array([[0.0], [2.0]]), np.array([1.0, 0.5])
    >>> mixture_score(np.array([1.0]), weights, means, sigmas).round(6)
    array([2.204694])
    """
    ### BEGIN SOLUTION
    x, means, sigmas = np.asarray(x), np.asarray(means), np.asarray(sigmas)
    towards = means - x[..., None, :]  # (…, k, d)
    log_joint = (
        np.log(weights)
        - x.shape[-1] * np.log(sigmas)
        - np.sum(towards**2, axis=-1) / (2 * sigmas**2)
    )
    r = np.exp(log_joint - np.max(log_joint, axis=-1, keepdims=True))
    r /= np.sum(r, axis=-1, keepdims=True)
    return np.sum((r / sigmas**2)[..., None] * towards, axis=-2)
    ### END SOLUTION


def alpha_bar(betas):
    """How much of the signal's variance is left after each step of noising.

    ᾱ_t = Π_{s ≤ t} (1 − β_s)

    Parameters
    ----------
    betas : ndarray (T,) of float64, T from 1 to 1e5, 0 < β_t < 1: the variance of the noise
        that step t adds.

    Returns
    -------
    ndarray (T,) of float64: entry t is the product over steps 0 … t, both included.

    Notes
    -----
    The relative error of each entry, measured against exact arithmetic on the given betas, is at most
    1e-12 where ᾱ_t ≥ 1e-5, and at most 1e-11 below that, for up to 1000 steps and down to ᾱ of 1e-40.
    For up to 1e5 betas of about 1e-14 also 1 − ᾱ_t is right, off by at most 1e-15 + 1e-4·(1 − ᾱ_t). A
    plain `np.cumprod(1 - betas)` does not meet this: there 1 − β rounds to a multiple of
    2⁻⁵³ = 1.1e-16, and the error, always the same one, is made 1e5 times. Nothing is clipped.
    betas is not changed.

    References
    ----------
    Ho, Jain, Abbeel (2020), "Denoising diffusion probabilistic models", NeurIPS, section 2,
    above eq. (4).

    Examples
    --------
    >>> alpha_bar(np.array([0.1, 0.2, 0.5])).round(6)
    array([0.9 , 0.72, 0.36])
    """
    ### BEGIN SOLUTION
    # log1p(−β) keeps all digits of β, where 1 − β rounds them away.
    return np.exp(np.cumsum(np.log1p(-np.asarray(betas))))
    ### END SOLUTION


def diffuse(x0, noise, alpha_bar_t):
    """A clean sample noised up to some step, in one go.

    x_t = √ᾱ_t x_0 + √(1 − ᾱ_t) ε

    Parameters
    ----------
    x0 : ndarray of float64 of any shape with at least one axis: the clean sample(s).
    noise : ndarray of x0's shape: ε, standard normal.
    alpha_bar_t : float in [0, 1], the entry of `alpha_bar(betas)` for the step: one for all of x0.

    Returns
    -------
    ndarray of float64 of x0's shape: x_t. At ᾱ_t = 1 it is x0, at ᾱ_t = 0 it is the noise.

    Notes
    -----
    Neither array is changed.

    References
    ----------
    Ho, Jain, Abbeel (2020), "Denoising diffusion probabilistic models", NeurIPS, eq. (4).

    Examples
    --------
    >>> diffuse(np.array([1.0, -2.0, 4.0]), np.array([0.5, 1.0, -1.0]), 0.64).round(6)
    array([ 1.1, -1. ,  2.6])
    """
    ### BEGIN SOLUTION
    return np.sqrt(alpha_bar_t) * np.asarray(x0) + np.sqrt(1.0 - alpha_bar_t) * np.asarray(noise)
    ### END SOLUTION


def noise_to_score(noise, alpha_bar_t):
    """The score that a (predicted) noise stands for.

    s = −ε / √(1 − ᾱ_t)

    Parameters
    ----------
    noise : ndarray of float64 of any shape with at least one axis: ε, or a network's prediction of it.
    alpha_bar_t : float, 0 ≤ ᾱ_t < 1.

    Returns
    -------
    ndarray of float64 of noise's shape: the score of q(x_t | x_0) at x_t; where `noise` is the best
    prediction E[ε | x_t], the score of x_t's marginal density.

    Notes
    -----
    Nothing is added under the root: right for 1 − ᾱ_t down to 1e-6. noise is not changed.

    References
    ----------
    Vincent (2011), "A connection between score matching and denoising autoencoders", Neural
    Computation 23(7), section 4.2; Ho, Jain, Abbeel (2020), NeurIPS, section 3.2.

    Examples
    --------
    >>> noise_to_score(np.array([0.3, -0.6, 1.2]), 0.64).round(6)
    array([-0.5,  1. , -2. ])
    """
    ### BEGIN SOLUTION
    return -np.asarray(noise) / np.sqrt(1.0 - alpha_bar_t)
    ### END SOLUTION


def predict_x0(x_t, noise, alpha_bar_t):
    """The clean sample that a noisy one and its (predicted) noise stand for.

    x̂_0 = (x_t − √(1 − ᾱ_t) ε) / √ᾱ_t

    Parameters
    ----------
    x_t : ndarray of float64 of any shape with at least one axis: the noisy sample(s).
    noise : ndarray of x_t's shape: ε, or a network's prediction of it.
    alpha_bar_t : float, 0 < ᾱ_t ≤ 1.

    Returns
    -------
    ndarray of float64 of x_t's shape: x_0. At ᾱ_t = 1 it is x_t.

    Notes
    -----
    The result is not clipped to [−1, 1] or anywhere else. Right for ᾱ_t down to 1e-6, with nothing added to it.
    Neither array is changed.

    References
    ----------
    Ho, Jain, Abbeel (2020), "Denoising diffusion probabilistic models", NeurIPS, eq. (15).

    Examples
    --------
    >>> predict_x0(np.array([1.1, -1.0, 2.6]), np.array([0.5, 1.0, -1.0]), 0.64).round(6)
    array([ 1., -2.,  4.])
    """
    ### BEGIN SOLUTION
    x_t, noise = np.asarray(x_t), np.asarray(noise)
    return (x_t - np.sqrt(1.0 - alpha_bar_t) * noise) / np.sqrt(alpha_bar_t)
    ### END SOLUTION


def denoising_score_loss(predicted_noise, noise):
    """Mean squared error of a noise prediction: the loss that diffusion models are trained with.

    L = (1/N) Σ_i (ε̂_i − ε_i)², the sum being over all N entries

    Parameters
    ----------
    predicted_noise : ndarray of float64 of any shape with at least one axis and one entry, ε̂.
    noise : ndarray of its shape: ε, the noise that was added.

    Returns
    -------
    float: the mean over *all* entries, without a factor ½.

    Notes
    -----
    Right for residuals of 1e-9 between entries of about 1: the difference is squared, not expanded.
    Neither argument is changed.

    References
    ----------
    Ho, Jain, Abbeel (2020), "Denoising diffusion probabilistic models", NeurIPS, eq. (14), there with the
    sum over an image's entries.

    Examples
    --------
    >>> predicted, noise = np.array([[1.0, 0.0, 2.0], [0.5, -1.0, 0.0]]), np.zeros((2, 3))
    >>> round(float(denoising_score_loss(predicted, noise)), 6)
    1.041667
    """
    ### BEGIN SOLUTION
    return np.mean((np.asarray(predicted_noise) - np.asarray(noise)) ** 2)
    ### END SOLUTION


def denoising_score_grad(predicted_noise, noise):
    """Gradient of `denoising_score_loss` with respect to the prediction.

    ∂L/∂ε̂ = (2/N) (ε̂ − ε), N being the number of all entries

    Parameters
    ----------
    predicted_noise : ndarray of float64 of any shape with at least one axis and one entry, ε̂.
    noise : ndarray of its shape: ε, the noise that was added.

    Returns
    -------
    ndarray of float64 of predicted_noise's shape. The 1/N of the mean and the 2 of the square are in it.

    Notes
    -----
    Neither argument is changed.

    References
    ----------
    Ho, Jain, Abbeel (2020), "Denoising diffusion probabilistic models", NeurIPS, eq. (14),
    differentiated.

    Examples
    --------
    >>> denoising_score_grad(np.array([1.0, 0.0, 2.0, 0.5]), np.array([0.0, 1.0, 2.0, 1.0]))
    array([ 0.5 , -0.5 ,  0.  , -0.25])
    """
    ### BEGIN SOLUTION
    residual = np.asarray(predicted_noise) - np.asarray(noise)
    return 2.0 * residual / residual.size
    ### END SOLUTION


def ddpm_posterior(x0, x_t, t, betas):
    """Where a noisy sample came from, given where it began: q(x_{t−1} | x_t, x_0).

    mean     = √ᾱ_{t−1} β_t / (1 − ᾱ_t) · x_0 + √(1 − β_t) (1 − ᾱ_{t−1}) / (1 − ᾱ_t) · x_t
    variance = β_t (1 − ᾱ_{t−1}) / (1 − ᾱ_t)

    with ᾱ = alpha_bar(betas), and ᾱ_{−1} = 1: before the first step there is no noise.

    Parameters
    ----------
    x0 : ndarray of float64 of any shape with at least one axis: the clean sample(s).
    x_t : ndarray of x0's shape: after steps 0 … t.
    t : int, the step counted from 0, 0 ≤ t < T.
    betas : ndarray (T,) of float64, 1e-4 ≤ β_t < 1, in any order: the schedule.

    Returns
    -------
    (mean, variance) : ndarray of float64 of x0's shape, and a float, the variance of each entry.
    At t = 0 the mean is x0 and the variance is exactly 0.

    Notes
    -----
    No argument is changed.

    References
    ----------
    Ho, Jain, Abbeel (2020), "Denoising diffusion probabilistic models", NeurIPS, eq. (6) and (7),
    where t is counted from 1.

    Examples
    --------
    >>> mean, variance = ddpm_posterior(
    ...     np.array([1.0, -1.0, 0.0]), np.array([2.0, 0.0, -4.0]), 1, np.array([0.19, 0.36, 0.5])
    ... )
    >>> mean.round(6), round(float(variance), 6)
    (array([ 1.303987, -0.672757, -1.262458]), 0.142027)
    """
    ### BEGIN SOLUTION
    left = alpha_bar(betas)
    before = left[t - 1] if t > 0 else 1.0
    beta, noised = betas[t], 1.0 - left[t]
    from_x0 = np.sqrt(before) * beta / noised
    from_x_t = np.sqrt(1.0 - beta) * (1.0 - before) / noised
    mean = from_x0 * np.asarray(x0) + from_x_t * np.asarray(x_t)
    return mean, beta * (1.0 - before) / noised
    ### END SOLUTION


def ddpm_step(x_t, predicted_noise, noise, t, betas):
    """One step of ancestral sampling, from x_t to x_{t−1}.

    x_{t−1} = (x_t − β_t / √(1 − ᾱ_t) · ε̂) / √(1 − β_t) + σ_t z
    σ_t²    = β_t (1 − ᾱ_{t−1}) / (1 − ᾱ_t), the variance of `ddpm_posterior`

    with ᾱ = alpha_bar(betas) and ᾱ_{−1} = 1, so that σ_0 = 0: the last step adds no noise.

    Parameters
    ----------
    x_t : ndarray of float64 of any shape with at least one axis: the noisy sample(s).
    predicted_noise : ndarray of x_t's shape, ε̂: the noise in x_t, as a network predicts it.
    noise : ndarray of x_t's shape, z: fresh standard normal noise, of no effect at t = 0.
    t : int, the step counted from 0, 0 ≤ t < T.
    betas : ndarray (T,) of float64, 1e-4 ≤ β_t < 1, in any order: the schedule.

    Returns
    -------
    ndarray of float64 of x_t's shape: x_{t−1}; at t = 0, the sample. It is not clipped, nor is what it
    implies for x_0.

    Notes
    -----
    Ho et al. also allow σ_t² = β_t; it is not meant here. No argument is changed.

    References
    ----------
    Ho, Jain, Abbeel (2020), "Denoising diffusion probabilistic models", NeurIPS, eq. (11) and
    Algorithm 2, where t is counted from 1.

    Examples
    --------
    >>> betas = np.array([0.19, 0.36, 0.5])
    >>> x_t, predicted, z = np.array([2.0, 0.0]), np.array([1.0, -1.0]), np.array([0.5, 3.0])
    >>> ddpm_step(x_t, predicted, z, 1, betas).round(6)
    array([2.039993, 1.779032])
    >>> ddpm_step(x_t, predicted, z, 0, betas).round(6)
    array([1.7379  , 0.484322])
    """
    ### BEGIN SOLUTION
    x_t, predicted_noise = np.asarray(x_t), np.asarray(predicted_noise)
    left = alpha_bar(betas)
    before = left[t - 1] if t > 0 else 1.0
    beta, noised = betas[t], 1.0 - left[t]
    mean = (x_t - beta / np.sqrt(noised) * predicted_noise) / np.sqrt(1.0 - beta)
    return mean + np.sqrt(beta * (1.0 - before) / noised) * np.asarray(noise)
    ### END SOLUTION


def langevin_step(x, score, step, noise):
    """One step of unadjusted Langevin sampling: uphill along the score, plus noise.

    x' = x + η s + √(2η) z

    Parameters
    ----------
    x : ndarray of float64 of any shape with at least one axis: the state(s).
    score : ndarray of x's shape, s = ∇ log p at x: values, not a function.
    step : float, η > 0.
    noise : ndarray of x's shape, z: standard normal.

    Returns
    -------
    ndarray of float64 of x's shape: the next state(s). It is always accepted.

    Notes
    -----
    Song and Ermon write ε/2 for this η, and √ε for √(2η): the same step at ε = 2η. No array is changed.

    References
    ----------
    Roberts and Tweedie (1996), "Exponential convergence of Langevin distributions and their
    discrete approximations", Bernoulli 2(4); Song and Ermon (2019), "Generative
    modeling by estimating gradients of the data distribution", NeurIPS, section 2.2.

    Examples
    --------
    >>> langevin_step(np.array([1.0, 2.0]), np.array([-1.0, 3.0]), 0.02, np.array([0.5, -1.0]))
    array([1.08, 1.86])
    """
    ### BEGIN SOLUTION
    x, score, noise = np.asarray(x), np.asarray(score), np.asarray(noise)
    return x + step * score + np.sqrt(2.0 * step) * noise
    ### END SOLUTION
