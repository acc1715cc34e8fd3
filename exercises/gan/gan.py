"""Generative adversarial networks: losses from logits, their gradients, and the dynamics of a game."""

import numpy as np


def discriminator_loss(real_logits, fake_logits):
    """Loss that a discriminator minimises: real should be told 1, fake 0.

    L_D = −(1/N) Σ_i log σ(r_i) − (1/M) Σ_j log(1 − σ(f_j)), with r the real and f the fake logits

    Parameters
    ----------
    real_logits : ndarray of float64, any shape with at least one axis and one entry; N entries.
    fake_logits : ndarray of float64, likewise; M entries, and M may differ from N.

    Returns
    -------
    float: the mean over all entries of real_logits plus the mean over all entries of fake_logits.
    There is no ½ in front.

    Notes
    -----
    Logits, not probabilities, go in. For finite logits up to ±1e3 nothing overflows or warns and
    nothing is clipped: a real sample of logit −1000 costs 1000. What is nearly 0 has to be right to
    1e-12. Arguments are not changed.

    References
    ----------
    Goodfellow et al. (2014), "Generative adversarial nets", NeurIPS, eq. (1), with its sign flipped.

    Examples
    --------
    >>> round(float(discriminator_loss(np.array([0.0, -1000.0]), np.array([0.0]))), 6)
    501.039721
    """
    # YOUR CODE HERE
    raise NotImplementedError()


def discriminator_grads(real_logits, fake_logits):
    """Gradients of `discriminator_loss` with respect to both arrays of logits.

    ∂L_D/∂r_i = −(1 − σ(r_i))/N and ∂L_D/∂f_j = σ(f_j)/M

    Parameters
    ----------
    real_logits : ndarray of float64, any shape with at least one axis and one entry; N entries.
    fake_logits : ndarray of float64, likewise; M entries, and M may differ from N.

    Returns
    -------
    (d_real, d_fake) : ndarrays of float64, d_real with the shape of real_logits and d_fake with that
        of fake_logits. The 1/N and the 1/M of the means are in them.

    Notes
    -----
    For finite logits up to ±1e3 nothing overflows or warns. What is nearly 0 has to be right to
    1e-12. Arguments are not changed.

    References
    ----------
    Goodfellow et al. (2014), "Generative adversarial nets", NeurIPS, eq. (1), differentiated.

    Examples
    --------
    >>> d_real, d_fake = discriminator_grads(np.array([0.0, np.log(3.0)]), np.array([1000.0]))
    >>> d_real, d_fake
    (array([-0.25 , -0.125]), array([1.]))
    """
    # YOUR CODE HERE
    raise NotImplementedError()


def generator_minimax_loss(fake_logits):
    """The generator's loss in the minimax game, which it minimises: the saturating form.

    L = (1/M) Σ_j log(1 − σ(f_j))

    Parameters
    ----------
    fake_logits : ndarray of float64, any shape with at least one axis and one entry; M entries: the
        discriminator's logits of the generator's samples.

    Returns
    -------
    float: the mean over all entries. It is never positive, and lower is better for the generator.

    Notes
    -----
    For finite logits up to ±1e3 nothing overflows or warns and nothing is clipped: one sample of
    logit 1000 gives −1000. What is nearly 0 has to be right to 1e-12. The argument is not changed.

    References
    ----------
    Goodfellow et al. (2014), "Generative adversarial nets", NeurIPS, eq. (1) and section 3.

    Examples
    --------
    >>> round(float(generator_minimax_loss(np.array([0.0, 1000.0]))), 6)
    -500.346574
    """
    # YOUR CODE HERE
    raise NotImplementedError()


def generator_minimax_grad(fake_logits):
    """Gradient of `generator_minimax_loss` with respect to the logits.

    ∂L/∂f_j = −σ(f_j)/M

    Parameters
    ----------
    fake_logits : ndarray of float64, any shape with at least one axis and one entry; M entries.

    Returns
    -------
    ndarray of float64 with the shape of fake_logits. The 1/M of the mean is in it.

    Notes
    -----
    It vanishes where the discriminator is sure of a fake (f ≪ 0): there the generator learns nothing.
    For finite logits up to ±1e3 nothing overflows or warns. What is nearly 0 has to be right to
    1e-12. The argument is not changed.

    References
    ----------
    Goodfellow et al. (2014), "Generative adversarial nets", NeurIPS, section 3.

    Examples
    --------
    >>> generator_minimax_grad(np.array([0.0, np.log(3.0)]))
    array([-0.25 , -0.375])
    """
    # YOUR CODE HERE
    raise NotImplementedError()


def generator_nonsaturating_loss(fake_logits):
    """The loss that generators are trained with, which they minimise: the non-saturating form.

    L = −(1/M) Σ_j log σ(f_j)

    Parameters
    ----------
    fake_logits : ndarray of float64, any shape with at least one axis and one entry; M entries: the
        discriminator's logits of the generator's samples.

    Returns
    -------
    float: the mean over all entries. It is never negative.

    Notes
    -----
    For finite logits up to ±1e3 nothing overflows or warns and nothing is clipped: one sample of
    logit −1000 costs 1000. What is nearly 0 has to be right to 1e-12. The argument is not changed.

    References
    ----------
    Goodfellow et al. (2014), "Generative adversarial nets", NeurIPS, section 3; Goodfellow (2016),
    "NIPS 2016 tutorial: Generative adversarial networks", section 3.2.3.

    Examples
    --------
    >>> round(float(generator_nonsaturating_loss(np.array([0.0, -1000.0]))), 6)
    500.346574
    """
    # YOUR CODE HERE
    raise NotImplementedError()


def generator_nonsaturating_grad(fake_logits):
    """Gradient of `generator_nonsaturating_loss` with respect to the logits.

    ∂L/∂f_j = −(1 − σ(f_j))/M

    Parameters
    ----------
    fake_logits : ndarray of float64, any shape with at least one axis and one entry; M entries.

    Returns
    -------
    ndarray of float64 with the shape of fake_logits. The 1/M of the mean is in it.

    Notes
    -----
    It is largest where the discriminator is sure of a fake (f ≪ 0): −1/M. For finite logits up to
    ±1e3 nothing overflows or warns. What is nearly 0 has to be right to 1e-12. The argument is not
    changed.

    References
    ----------
    Goodfellow et al. (2014), "Generative adversarial nets", NeurIPS, section 3.

    Examples
    --------
    >>> generator_nonsaturating_grad(np.array([0.0, np.log(3.0)]))
    array([-0.25 , -0.125])
    """
    # YOUR CODE HERE
    raise NotImplementedError()


def optimal_discriminator(p_data, p_model):
    """The best discriminator against a fixed generator, from the two densities.

    D*(x) = p_data(x) / (p_data(x) + p_model(x)), elementwise

    Parameters
    ----------
    p_data : ndarray of float64, any shape with at least one axis: densities of the data at some
        points, ≥ 0 and small enough to be added. They need not sum to one, and may exceed 1.
    p_model : ndarray of float64 of p_data's shape: the generator's densities at the same points.

    Returns
    -------
    ndarray of float64 of p_data's shape. Where both densities are 0 it is ½, without a warning.

    Notes
    -----
    Densities as small as 1e-300 keep their ratio: nothing is added to the denominator. Where one
    density alone is 0 the result is 0 or 1. Arguments are not changed.

    References
    ----------
    Goodfellow et al. (2014), "Generative adversarial nets", NeurIPS, proposition 1, eq. (2).

    Examples
    --------
    >>> optimal_discriminator(np.array([0.3, 0.0, 3e-300]), np.array([0.1, 0.0, 5e-300]))
    array([0.75 , 0.5  , 0.375])
    """
    # YOUR CODE HERE
    raise NotImplementedError()


def bilinear_game_step(x, y, lr, simultaneous):
    """One step of gradient descent-ascent on min_x max_y xy.

    simultaneous: x' = x − lr·y and y' = y + lr·x
    alternating:  x' = x − lr·y and y' = y + lr·x', in this order

    Parameters
    ----------
    x, y : float: the minimising and the maximising player.
    lr : float, > 0: the step size of both.
    simultaneous : bool: whether both players move from the old point. Otherwise x moves first, and
        y answers the new x.

    Returns
    -------
    (x, y) : two floats, the players after the step.

    Notes
    -----
    Simultaneous steps leave the equilibrium (0, 0) on a spiral: x'² + y'² = (1 + lr²)(x² + y²) at any
    lr > 0. Alternating ones keep x² + y² − lr·x·y, and so stay on an ellipse where lr < 2.

    References
    ----------
    Mescheder, Geiger, Nowozin (2018), "Which training methods for GANs do actually converge?", ICML;
    Gidel et al. (2019), "Negative momentum for improved game dynamics", AISTATS.

    Examples
    --------
    >>> bilinear_game_step(1.0, 2.0, 0.25, True)
    (0.5, 2.25)
    >>> bilinear_game_step(1.0, 2.0, 0.25, False)
    (0.5, 2.125)
    """
    # YOUR CODE HERE
    raise NotImplementedError()


def game_jacobian_eigenvalues(A, lr):
    """Eigenvalues of the simultaneous descent-ascent step on min_x max_y xᵀAy.

    The step (x, y) ↦ (x − lr·Ay, y + lr·Aᵀx) has the Jacobian [[I, −lr·A], [lr·Aᵀ, I]]; its
    eigenvalues are 1 ± i·lr·σ_k for each of the min(m, n) singular values σ_k of A, and |m − n| ones.

    Parameters
    ----------
    A : ndarray (m, n) of float64, not all zeros; it need be neither square, nor symmetric, nor of full rank.
    lr : float, > 0.

    Returns
    -------
    ndarray (m + n,) of complex128: the eigenvalues, each as often as its multiplicity, in any order.

    Notes
    -----
    They are those of the step itself, not of the vector field (which lack the 1), and lie on the line
    Re λ = 1: |λ| ≥ 1, so that no lr > 0 makes the step contract. A singular value of 0 gives 1 twice; values
    have to be right to 1e-6. A is not changed.

    References
    ----------
    Mescheder, Nowozin, Geiger (2017), "The numerics of GANs", NeurIPS; Golub and Van Loan
    (2013), "Matrix computations", 4th ed., section 8.6, on [[0, A], [Aᵀ, 0]].

    Examples
    --------
    >>> game_jacobian_eigenvalues(np.array([[3.0], [4.0]]), 0.1)
    array([1.+0.5j, 1.-0.5j, 1.+0.j ])
    """
    # YOUR CODE HERE
    raise NotImplementedError()
