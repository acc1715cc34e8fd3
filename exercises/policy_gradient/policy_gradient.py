"""Policy gradients: returns, REINFORCE, baselines, advantages, the PPO objective and the KL divergence."""

import numpy as np


def discounted_returns(rewards, gamma):
    """Discounted reward-to-go of every step of one episode.

    G_t = r_t + γ G_{t+1}, with G_T = 0: that is, Σ_{k≥t} γ^(k−t) r_k

    Parameters
    ----------
    rewards : ndarray (T,) of float64, T ≥ 0: the rewards of one episode, in order.
    gamma : float in [0, 1], the discount factor. 0 and 1 are legal.

    Returns
    -------
    ndarray (T,) of float64. No rewards give an empty array.

    Notes
    -----
    The discount counts from step t, not from the episode's start, and rewards before t do not
    count. Dividing a cumulated γ^k r_k by γ^t is 0/0 for γ = 0, and after 1,100 steps for
    γ = 0.5: both must work. rewards is not changed.

    References
    ----------
    Sutton and Barto (2018), "Reinforcement Learning: An Introduction", 2nd ed., eq. (3.8) and (3.9).

    Examples
    --------
    >>> discounted_returns(np.array([1.0, 2.0, 4.0]), 0.5)
    array([3., 4., 4.])
    """
    # YOUR CODE HERE
    raise NotImplementedError()


def standardize(x, eps=1e-8):
    """Shift to mean zero and scale to standard deviation one.

    standardize(x)_i = (x_i − mean) / (std + eps), with std = √( (1/n) Σ_i (x_i − mean)² )

    Parameters
    ----------
    x : ndarray (n,) of float64, n ≥ 0.
    eps : float, positive; it is added to the standard deviation, not under the root.

    Returns
    -------
    ndarray (n,) of float64. Where all entries are equal (one entry included), exactly zeros,
    however small or large they are; an empty x gives an empty array.

    Notes
    -----
    std is the population's: the sum of squares is divided by n. The mean of equal entries can
    round to something else than the entry, and eps then does not hide the difference: the mean of
    three times 0.1 is off by 1.4e-17, that of equal entries of 1e9 by up to 1e-7, ten times eps.
    Entries of spread 1 about 1e6 come out right to 1e-8. Entries that are close are not equal:
    [1, 1 + 1e-8] gives −1/3 and 1/3, up to the rounding of the mean. A warning of an overflow at
    the largest floats does not matter. x is not changed.

    References
    ----------
    Subtracting the mean is a reinforcement baseline: Williams (1992), "Simple statistical
    gradient-following algorithms for connectionist reinforcement learning", Machine Learning 8.
    Dividing by the standard deviation is a habit of implementers, which fixes the step's scale.

    Examples
    --------
    >>> standardize(np.array([1.0, 2.0, 6.0]), eps=1.0).round(6)
    array([-0.632862, -0.316431,  0.949293])
    """
    # YOUR CODE HERE
    raise NotImplementedError()


def policy_probs(params, states):
    """Action probabilities of a two-layer policy, one row for each state.

    π(·|s) = softmax( relu(s W1 + b1) W2 + b2 )

    Parameters
    ----------
    params : dict with float64 arrays "W1" (d, h), "b1" (h,), "W2" (h, n_actions), "b2" (n_actions,).
    states : ndarray (T, d) of float64, T ≥ 1: one state a row.

    Returns
    -------
    ndarray (T, n_actions) of float64. Each row sums to 1.

    Notes
    -----
    Right, and silent, for logits up to ±1e4, also where one state's lie near +1e4 and another's
    near −1e4. No argument is changed.

    References
    ----------
    Sutton and Barto (2018), eq. (13.2), with the preferences computed by a network.

    Examples
    --------
    >>> params = {"W1": np.array([[1.0, -1.0]]), "b1": np.zeros(2),
    ...           "W2": np.array([[0.0, 1.0], [0.0, 2.0]]), "b2": np.zeros(2)}
    >>> policy_probs(params, np.array([[np.log(3.0)], [0.0]])).round(6)
    array([[0.25, 0.75],
           [0.5 , 0.5 ]])
    """
    # YOUR CODE HERE
    raise NotImplementedError()


def log_policy_grad(params, state, action):
    """Gradient of the log-probability of one action in one state.

    ∇ log π(a|s), with respect to W1, b1, W2 and b2

    Parameters
    ----------
    params : dict with float64 arrays "W1" (d, h), "b1" (h,), "W2" (h, n_actions), "b2" (n_actions,).
    state : ndarray (d,) of float64.
    action : int in 0 … n_actions − 1 (a Python or a NumPy integer).

    Returns
    -------
    dict with the same four keys; each an ndarray of float64 of its parameter's shape.

    Notes
    -----
    With respect to the logits the gradient is onehot(a) − π(·|s). relu′(0) = 0: a hidden unit whose
    input is exactly 0 passes nothing back. Logits up to ±1e4 neither overflow nor warn, also where
    π(a|s) underflows to 0: there the gradient is as large as ever, so do not divide by π.
    No argument is changed.

    References
    ----------
    Williams (1992), "Simple statistical gradient-following algorithms for connectionist
    reinforcement learning", Machine Learning 8: the characteristic eligibility.

    Examples
    --------
    >>> params = {"W1": np.array([[1.0, -1.0]]), "b1": np.zeros(2),
    ...           "W2": np.array([[0.0, 1.0], [0.0, 2.0]]), "b2": np.zeros(2)}
    >>> grads = log_policy_grad(params, np.array([np.log(3.0)]), 0)
    >>> grads["b2"].round(6), grads["b1"].round(6)
    (array([ 0.75, -0.75]), array([-0.75,  0.  ]))
    """
    # YOUR CODE HERE
    raise NotImplementedError()


def reinforce_grads(params, states, actions, weights):
    """The REINFORCE gradient: a weighted sum of score functions.

    grads = Σ_t ∇ log π(a_t|s_t) · weights_t

    Parameters
    ----------
    params : dict with float64 arrays "W1" (d, h), "b1" (h,), "W2" (h, n_actions), "b2" (n_actions,).
    states : ndarray (T, d) of float64, T ≥ 1.
    actions : ndarray (T,) of integers, of any width, signed or unsigned, in 0 … n_actions − 1.
    weights : ndarray (T,) of float64, of either sign: what each step is weighted by, such as the
        standardized return or an advantage. Used as they are.

    Returns
    -------
    dict with the same four keys; each an ndarray of float64 of its parameter's shape.

    Notes
    -----
    A sum over the steps, without 1/T and without a minus: it points uphill. The weights are
    constants: nothing is differentiated through them. relu′(0) = 0. Logits up to ±1e4
    neither overflow nor warn. No argument is changed.

    References
    ----------
    Williams (1992), Machine Learning 8, theorem 1. Sutton and Barto (2018), section 13.3.

    Examples
    --------
    >>> params = {"W1": np.array([[1.0, -1.0]]), "b1": np.zeros(2),
    ...           "W2": np.array([[0.0, 1.0], [0.0, 2.0]]), "b2": np.zeros(2)}
    >>> states = np.array([[np.log(3.0)], [0.0]])
    >>> reinforce_grads(params, states, np.array([0, 1]), np.array([2.0, -3.0]))["b2"].round(6)
    array([ 3., -3.])
    """
    # YOUR CODE HERE
    raise NotImplementedError()


def reinforce_step(params, grads, lr, max_norm=None):
    """One step of gradient ascent, the global norm of the gradient limited where asked.

    new = params + lr · c · grads, with c = min(1, max_norm / ‖grads‖), or 1 without a limit

    Parameters
    ----------
    params : dict with float64 arrays "W1", "b1", "W2", "b2".
    grads : dict with the same keys, in any order, and arrays of the same shapes: uphill.
    lr : float, positive: the step size.
    max_norm : float ≥ 0 or None: the largest global norm of the gradient. None is no limit; 0 is
        a legal limit, under which nothing moves.

    Returns
    -------
    dict with the keys of params: arrays of float64, of the same shapes.

    Notes
    -----
    ‖grads‖ is the norm of all entries of all four arrays together, before lr; all are scaled by
    one factor, which keeps the direction. It is never above 1: a small gradient is not enlarged. No
    eps is added to the norm; gradients of zero leave the parameters as they are, without a
    warning, whatever the limit. No argument is changed.

    References
    ----------
    Williams (1992), Machine Learning 8. Pascanu, Mikolov, Bengio (2013), "On the difficulty of
    training recurrent neural networks", ICML, algorithm 1.

    Examples
    --------
    >>> params = {"W1": np.zeros((1, 2)), "b1": np.zeros(2), "W2": np.ones((2, 2)), "b2": np.ones(2)}
    >>> grads = {"W1": np.array([[3.0, 0.0]]), "b1": np.zeros(2),
    ...          "W2": np.zeros((2, 2)), "b2": np.array([-4.0, 0.0])}
    >>> new = reinforce_step(params, grads, lr=0.5, max_norm=1.0)
    >>> new["W1"].round(6), new["b2"].round(6)
    (array([[0.3, 0. ]]), array([0.6, 1. ]))
    """
    # YOUR CODE HERE
    raise NotImplementedError()


def expected_baseline_grad(logits, baseline):
    """What a baseline adds to the expected policy gradient, in one state.

    E_{a∼π}[ ∇_logits log π(a) · b(a) ] = π ⊙ (b − Σ_a π_a b_a), with π = softmax(logits)

    Parameters
    ----------
    logits : ndarray (n_actions,) of float64.
    baseline : float b, the same for all actions; or ndarray (n_actions,) of float64, b(a).

    Returns
    -------
    ndarray (n_actions,) of float64. For a number, and for an array of equal entries, it is zero up
    to rounding (1e-12·|b|); for a baseline that depends on the action it is not.

    Notes
    -----
    Logits up to ±1e4 neither overflow nor warn. There, and where entries of b are close to each
    other but not equal, the result is right to 1e-12·max|b|, absolute.
    No argument is changed.

    References
    ----------
    Williams (1992), Machine Learning 8, on reinforcement baselines. Sutton and Barto (2018),
    section 13.4.

    Examples
    --------
    >>> expected_baseline_grad(np.array([0.0, np.log(3.0)]), np.array([8.0, 4.0])).round(6)
    array([ 0.75, -0.75])
    """
    # YOUR CODE HERE
    raise NotImplementedError()


def optimal_baseline(probs, q_values):
    """The constant baseline of least variance, for the logits of one state.

    b* = Σ_a π_a ‖e_a − π‖² q_a / Σ_a π_a ‖e_a − π‖²

    Parameters
    ----------
    probs : ndarray (n_actions,) of float64, π: it sums to 1, and no entry exceeds 0.999. Entries
        may be 0.
    q_values : ndarray (n_actions,) of float64: the return that follows each action.

    Returns
    -------
    float: the b that minimises the trace of the covariance of (e_a − π)(q_a − b), a ∼ π.

    Notes
    -----
    e_a − π is the score, ∇_logits log π(a); e_a is row a of the identity matrix. b* is not
    V = Σ_a π_a q_a, the usual baseline. For a deterministic π the score is 0 and b* is not defined.
    No argument is changed.

    References
    ----------
    Greensmith, Bartlett, Baxter (2004), "Variance reduction techniques for gradient estimates in
    reinforcement learning", JMLR 5.

    Examples
    --------
    >>> round(float(optimal_baseline(np.array([0.25, 0.75]), np.array([8.0, 4.0]))), 6)
    7.0
    """
    # YOUR CODE HERE
    raise NotImplementedError()


def gae(rewards, values, next_values, terminated, truncated, gamma, lam):
    """Generalised advantage estimates of a stretch of steps that may hold several episodes.

    δ_t = r_t + γ·(1 − terminated_t)·next_values_t − values_t
    A_t = δ_t + γλ·(1 − terminated_t)·(1 − truncated_t)·A_{t+1}, with A_T = 0

    Parameters
    ----------
    rewards, values : ndarray (T,) of float64, T ≥ 1: r_t, and V of the state that step t started
        from.
    next_values : ndarray (T,) of float64: V of the observation that step t really led to, before
        any reset. It is finite even where step t terminated.
    terminated, truncated : ndarray (T,) of bool: the episode ended at step t by itself; or was
        cut off there, by a time limit say. Both set means terminated.
    gamma, lam : float in [0, 1].

    Returns
    -------
    ndarray (T,) of float64: the advantages.

    Notes
    -----
    A terminated step does not bootstrap, a truncated one does, from next_values[t]; values[t + 1]
    belongs to the next episode there. The recursion stops at both. If the last step has neither
    flag, it bootstraps too. No argument is changed.

    References
    ----------
    Schulman, Moritz, Levine, Jordan, Abbeel (2016), "High-dimensional continuous control using
    generalized advantage estimation", ICLR, eq. (16). Pardo, Tavakoli, Levdik, Kormushev (2018),
    "Time limits in reinforcement learning", ICML.

    Examples
    --------
    >>> gae(np.array([1.0, 1.0, 1.0]), np.array([2.0, 4.0, 8.0]), np.array([4.0, 6.0, 10.0]),
    ...     np.array([False, False, True]), np.array([False, True, False]), 0.5, 0.5)
    array([ 1.,  0., -7.])
    """
    # YOUR CODE HERE
    raise NotImplementedError()


def ppo_clip_objective(log_probs, old_log_probs, advantages, clip):
    """PPO's clipped surrogate objective, to be maximised.

    L = (1/N) Σ_i min( ρ_i A_i, clip(ρ_i, 1 − ε, 1 + ε) A_i ), with ρ_i = exp(log_probs_i − old_log_probs_i)

    Parameters
    ----------
    log_probs, old_log_probs : ndarray (N,) of float64, N ≥ 1: log π(a_i|s_i) of the new and the
        old policy. They differ by at most 10.
    advantages : ndarray (N,) of float64, of either sign or 0. Used as they are.
    clip : float ε in [0, 1).

    Returns
    -------
    float: the mean over the N samples.

    Notes
    -----
    It is the ratio that is clipped, inside the objective, not the gradient; and the smaller of the
    two products counts, whatever the advantage's sign. No argument is changed.

    References
    ----------
    Schulman, Wolski, Dhariwal, Radford, Klimov (2017), "Proximal policy optimization algorithms",
    arXiv:1707.06347, eq. (7).

    Examples
    --------
    >>> new, old = np.log(np.array([0.6, 0.6, 0.2])), np.log(np.array([0.4, 0.4, 0.4]))
    >>> round(float(ppo_clip_objective(new, old, np.array([1.0, -1.0, -2.0]), 0.2)), 6)
    -0.633333
    """
    # YOUR CODE HERE
    raise NotImplementedError()


def ppo_clip_grad(log_probs, old_log_probs, advantages, clip):
    """Gradient of `ppo_clip_objective` with respect to log_probs.

    ∂L/∂log_probs_i = ρ_i A_i / N, or 0 where the ratio ρ_i is clipped in the objective:
    where A_i > 0 and ρ_i > 1 + ε, and where A_i < 0 and ρ_i < 1 − ε

    Parameters
    ----------
    log_probs, old_log_probs : ndarray (N,) of float64, N ≥ 1: log π(a_i|s_i) of the new and the
        old policy. They differ by at most 10.
    advantages : ndarray (N,) of float64, of either sign or 0. Used as they are.
    clip : float ε in [0, 1).

    Returns
    -------
    ndarray (N,) of float64. The 1/N of the mean is in it.

    Notes
    -----
    A ratio exactly at 1 − ε or 1 + ε keeps its gradient; so with ε = 0 a ratio of exactly 1 does.
    A ratio outside the band on the side from which the objective pulls it back keeps its gradient
    too. No argument is changed.

    References
    ----------
    Schulman, Wolski, Dhariwal, Radford, Klimov (2017), arXiv:1707.06347, eq. (7) and figure 1.

    Examples
    --------
    >>> new, old = np.log(np.array([0.6, 0.6, 0.2])), np.log(np.array([0.4, 0.4, 0.4]))
    >>> ppo_clip_grad(new, old, np.array([1.0, -1.0, -2.0]), 0.2) + 0.0
    array([ 0. , -0.5,  0. ])
    """
    # YOUR CODE HERE
    raise NotImplementedError()


def categorical_kl(p_logits, q_logits):
    """Kullback-Leibler divergence of two softmax distributions, row by row.

    KL(p‖q) = Σ_a p_a (log p_a − log q_a), with p = softmax(p_logits), q = softmax(q_logits)

    Parameters
    ----------
    p_logits, q_logits : ndarrays (…, n) of float64, of one shape. An entry may be −inf in both,
        never in one alone, and no row is all −inf.

    Returns
    -------
    ndarray (…,) of float64, in nats: one number for each row. A float for 1-D logits.

    Notes
    -----
    Logits need not be normalised. Right, and silent, for logits up to ±1e4: KL may reach 2e4, and
    is not clipped. An action that is −inf in both contributes 0; a rare one is not left out. A KL
    near zero is right to 1e-9, absolute, and to 1e-7 where logits lie beyond ±1000. KL(p‖q) is not
    KL(q‖p). No argument is changed.

    References
    ----------
    Kullback and Leibler (1951), "On information and sufficiency", Ann. Math. Statist. 22.
    Schulman, Levine, Abbeel, Jordan, Moritz (2015), "Trust region policy optimization", ICML.

    Examples
    --------
    >>> round(float(categorical_kl(np.array([0.0, np.log(3.0)]), np.zeros(2))), 6)
    0.130812
    """
    # YOUR CODE HERE
    raise NotImplementedError()


def categorical_kl_grad(p_logits, q_logits):
    """Gradient of `categorical_kl` with respect to q_logits, row by row.

    ∂KL(p‖q)/∂q_logits = q − p, with p = softmax(p_logits), q = softmax(q_logits)

    Parameters
    ----------
    p_logits, q_logits : ndarrays (…, n) of float64, of one shape. An entry may be −inf in both,
        never in one alone, and no row is all −inf.

    Returns
    -------
    ndarray (…, n) of float64: each row is the gradient of that row's own KL, without 1/N. An
    action that is −inf in both has gradient 0.

    Notes
    -----
    Right, and silent, for logits up to ±1e4; right to 1e-12, absolute, where q and p nearly
    cancel or both are small: nothing is clipped. No argument is changed.

    References
    ----------
    Schulman, Levine, Abbeel, Jordan, Moritz (2015), "Trust region policy optimization", ICML,
    where the KL is the constraint.

    Examples
    --------
    >>> categorical_kl_grad(np.array([0.0, np.log(3.0)]), np.zeros(2)).round(6)
    array([ 0.25, -0.25])
    """
    # YOUR CODE HERE
    raise NotImplementedError()
