"""Matrix factorization: predictions, loss, gradients, SGD, ALS, and the choices around them."""

import numpy as np


def predict_ratings(mu, b_user, b_item, P, Q, users, items):
    """Predicted ratings of (user, item) pairs.

    r̂_j = mu + b_user[u] + b_item[i] + P[u]·Q[i], with u = users[j] and i = items[j].

    Parameters
    ----------
    mu : float, the global mean.
    b_user, b_item : ndarrays (n_users,) and (n_items,), the biases.
    P, Q : ndarrays (n_users, k) and (n_items, k), the factors.
    users, items : integer ndarrays (n,), int32 or int64: pair j is (users[j], items[j]).

    Returns
    -------
    ndarray (n,) of float64: one prediction for each pair, in the pairs' order. n = 0 gives an empty
    array.

    Notes
    -----
    A pair may occur more than once. Predictions are not clipped to any rating scale. No argument
    is changed.

    References
    ----------
    Koren, Bell, Volinsky (2009), "Matrix factorization techniques for recommender systems",
    IEEE Computer 42(8), eq. (4).

    Examples
    --------
    >>> b_user, b_item = np.array([0.5, -0.25]), np.array([0.25, 0.0, -1.0])
    >>> P = np.array([[1.0, 2.0], [0.5, -1.0]])
    >>> Q = np.array([[0.5, 0.25], [2.0, 1.0], [-1.0, 0.5]])
    >>> predict_ratings(3.0, b_user, b_item, P, Q, np.array([0, 1]), np.array([1, 2]))
    array([7.5 , 0.75])
    """
    ### BEGIN SOLUTION
    return mu + b_user[users] + b_item[items] + np.sum(P[users] * Q[items], axis=1)
    ### END SOLUTION


def mf_loss(mu, b_user, b_item, P, Q, users, items, ratings, reg):
    """Regularised squared error over the observed ratings.

    L = Σ_j [ (r_j − r̂_j)² + reg·(‖P[u]‖² + ‖Q[i]‖² + b_user[u]² + b_item[i]²) ],
    with u = users[j] and i = items[j]. The penalty is inside the sum.

    Parameters
    ----------
    mu, b_user, b_item, P, Q, users, items : as for `predict_ratings`.
    ratings : ndarray (n,) of float64: rating j belongs to pair j. Any value, 0 included.
    reg : float ≥ 0, the strength of the penalty.

    Returns
    -------
    float: a sum over the n ratings, not a mean. n = 0 gives 0.0.

    Notes
    -----
    A user with ten ratings is penalised ten times, a user without ratings not at all. A pair that
    occurs twice counts twice. mu is not penalised. No argument is changed.

    References
    ----------
    Koren, Bell, Volinsky (2009), IEEE Computer 42(8), eq. (5).

    Examples
    --------
    >>> b_user, b_item = np.array([0.5]), np.array([-1.0])
    >>> P, Q, u = np.array([[1.0, 2.0]]), np.array([[2.0, 0.5]]), np.array([0])
    >>> float(mf_loss(3.0, b_user, b_item, P, Q, u, u, np.array([5.0]), 0.5))
    5.5
    """
    ### BEGIN SOLUTION
    error = ratings - predict_ratings(mu, b_user, b_item, P, Q, users, items)
    penalty = np.sum(P[users] ** 2) + np.sum(Q[items] ** 2)
    penalty += np.sum(b_user[users] ** 2) + np.sum(b_item[items] ** 2)
    return np.sum(error**2) + reg * penalty
    ### END SOLUTION


def rating_grads(error, b_u, b_i, p_u, q_i, reg):
    """Gradient of one rating's loss with respect to the four parameters that it touches.

    l = error² + reg·(‖p_u‖² + ‖q_i‖² + b_u² + b_i²), error = r − (mu + b_u + b_i + p_u·q_i):
    ∂l/∂b_u = −2·error + 2·reg·b_u,      ∂l/∂b_i = −2·error + 2·reg·b_i,
    ∂l/∂p_u = −2·error·q_i + 2·reg·p_u,  ∂l/∂q_i = −2·error·p_u + 2·reg·q_i.

    Parameters
    ----------
    error : float, r − r̂: the rating less its prediction.
    b_u, b_i : floats, the biases of this user and this item.
    p_u, q_i : ndarrays (k,), their factors.
    reg : float ≥ 0.

    Returns
    -------
    (db_u, db_i, dp_u, dq_i) : two floats and two ndarrays (k,), with the factor 2.

    Notes
    -----
    These are gradients: descent subtracts them. No argument is changed.

    References
    ----------
    Derivatives of Koren, Bell, Volinsky (2009), IEEE Computer 42(8), eq. (5).

    Examples
    --------
    >>> p_u, q_i = np.array([1.0, 2.0]), np.array([2.0, 0.5])
    >>> db_u, db_i, dp_u, dq_i = rating_grads(-0.5, 0.5, -1.0, p_u, q_i, 0.5)
    >>> float(db_u), float(db_i), dp_u, dq_i
    (1.5, 0.0, array([3. , 2.5]), array([3. , 2.5]))
    """
    ### BEGIN SOLUTION
    db_u = -2.0 * error + 2.0 * reg * b_u
    db_i = -2.0 * error + 2.0 * reg * b_i
    dp_u = -2.0 * error * q_i + 2.0 * reg * p_u
    dq_i = -2.0 * error * p_u + 2.0 * reg * q_i
    return db_u, db_i, dp_u, dq_i
    ### END SOLUTION


def mf_grads(mu, b_user, b_item, P, Q, users, items, ratings, reg):
    """Gradient of `mf_loss` with respect to all biases and factors.

    dP[u] = Σ_{j: users[j] = u} ( −2·e_j·Q[items[j]] + 2·reg·P[u] ), e_j = r_j − r̂_j,
    and likewise for dQ, db_user and db_item: each rating adds its `rating_grads` to four rows.

    Parameters
    ----------
    mu, b_user, b_item, P, Q, users, items, ratings, reg : as for `mf_loss`.

    Returns
    -------
    (db_user, db_item, dP, dQ) : ndarrays of float64 with the shapes of b_user, b_item, P and Q.

    Notes
    -----
    Users, items and whole pairs may occur more than once, and every occurrence adds up. A user or
    item without ratings has a gradient of exactly zero: it is not penalised either. n = 0 gives
    zeros. No argument is changed.

    References
    ----------
    Derivatives of Koren, Bell, Volinsky (2009), IEEE Computer 42(8), eq. (5).

    Examples
    --------
    >>> b_user, b_item = np.array([0.5, 3.0]), np.array([-1.0])
    >>> P, Q = np.array([[1.0, 2.0], [4.0, 4.0]]), np.array([[2.0, 0.5]])
    >>> u, r = np.array([0]), np.array([5.0])
    >>> db_user, db_item, dP, dQ = mf_grads(3.0, b_user, b_item, P, Q, u, u, r, 0.5)
    >>> db_user, db_item, dQ
    (array([1.5, 0. ]), array([0.]), array([[3. , 2.5]]))
    >>> dP
    array([[3. , 2.5],
           [0. , 0. ]])
    """
    ### BEGIN SOLUTION
    error = ratings - predict_ratings(mu, b_user, b_item, P, Q, users, items)
    db_user, db_item = np.zeros_like(b_user), np.zeros_like(b_item)
    dP, dQ = np.zeros_like(P), np.zeros_like(Q)
    # `np.add.at` adds every occurrence of an index; `dP[users] += …` would keep only the last.
    np.add.at(db_user, users, -2.0 * error + 2.0 * reg * b_user[users])
    np.add.at(db_item, items, -2.0 * error + 2.0 * reg * b_item[items])
    np.add.at(dP, users, -2.0 * error[:, None] * Q[items] + 2.0 * reg * P[users])
    np.add.at(dQ, items, -2.0 * error[:, None] * P[users] + 2.0 * reg * Q[items])
    return db_user, db_item, dP, dQ
    ### END SOLUTION


def mf_sgd_step(mu, b_user, b_item, P, Q, user, item, rating, lr, reg):
    """One step of stochastic gradient descent, on one rating.

    With u = user, i = item, and the error e = rating − (mu + b_u + b_i + p_u·q_i) before the step:
    b_u ← b_u + lr·(e − reg·b_u),        b_i ← b_i + lr·(e − reg·b_i),
    p_u ← p_u + lr·(e·q_i − reg·p_u),    q_i ← q_i + lr·(e·p_u − reg·q_i).

    Parameters
    ----------
    mu, b_user, b_item, P, Q : as for `predict_ratings`.
    user, item : integers, the pair that was rated.
    rating : float.
    lr : float > 0, the learning rate, with the gradient's factor 2 absorbed.
    reg : float ≥ 0.

    Returns
    -------
    (b_user, b_item, P, Q) : the new parameters, whole ndarrays; all rows but this user's and this
    item's are as they were.

    Notes
    -----
    The update is simultaneous: every right-hand side holds the values from before the step, p_u in
    q_i's update included. It equals parameter − (lr/2)·gradient with `rating_grads`. The arguments
    stay as they were: the result is written into new arrays.

    References
    ----------
    Koren, Bell, Volinsky (2009), IEEE Computer 42(8), section "Stochastic gradient descent".

    Examples
    --------
    >>> b_user, b_item = np.array([0.5]), np.array([-1.0])
    >>> P, Q = np.array([[1.0, 2.0]]), np.array([[2.0, 0.5]])
    >>> mf_sgd_step(3.0, b_user, b_item, P, Q, 0, 0, 5.0, 0.5, 0.5)
    (array([0.125]), array([-1.]), array([[0.25 , 1.375]]), array([[ 1.25 , -0.125]]))
    """
    ### BEGIN SOLUTION
    p_u, q_i = P[user], Q[item]
    error = rating - (mu + b_user[user] + b_item[item] + p_u @ q_i)
    new_b_user, new_b_item, new_P, new_Q = b_user.copy(), b_item.copy(), P.copy(), Q.copy()
    new_b_user[user] += lr * (error - reg * b_user[user])
    new_b_item[item] += lr * (error - reg * b_item[item])
    new_P[user] += lr * (error * q_i - reg * p_u)
    new_Q[item] += lr * (error * p_u - reg * q_i)
    return new_b_user, new_b_item, new_P, new_Q
    ### END SOLUTION


def mf_fit(users, items, ratings, n_users, n_items, n_factors, lr, reg, n_epochs, seed):
    """Fit biases and factors by stochastic gradient descent.

    1. rng = np.random.default_rng(seed).
    2. P = 0.1·rng.standard_normal((n_users, n_factors)), then
       Q = 0.1·rng.standard_normal((n_items, n_factors)); b_user and b_item are zeros; mu is the
       mean of `ratings` and stays so.
    3. In each of n_epochs epochs: order = rng.permutation(n), and for each j of order one
       `mf_sgd_step` on (users[j], items[j], ratings[j]).

    Parameters
    ----------
    users, items : integer ndarrays (n,), int32 or int64, n ≥ 1.
    ratings : ndarray (n,) of float64.
    n_users, n_items, n_factors : ints ≥ 1.
    lr, reg : floats, as for `mf_sgd_step`.
    n_epochs : int ≥ 0.
    seed : int ≥ 0.

    Returns
    -------
    dict with exactly the keys mu (float), b_user (n_users,), b_item (n_items,),
    P (n_users, n_factors), Q (n_items, n_factors) and rmse (n_epochs,), all float64.
    rmse[e] = √(Σ_j e_j²/n), where e_j is the error of rating j in epoch e, taken just before
    its own update.

    Notes
    -----
    The same arguments give the same result: nothing is drawn from NumPy's global generator, and
    nothing from rng but what is listed. The arguments stay as they were, the order of the ratings
    too. A user or item without ratings keeps its initial row. n_epochs = 0 gives the initial
    parameters and an empty rmse.

    References
    ----------
    Funk (2006), "Netflix update: try this at home"; Koren, Bell, Volinsky (2009), IEEE Computer
    42(8), section "Stochastic gradient descent".

    Examples
    --------
    >>> users, items, ratings = np.array([0, 0, 1]), np.array([0, 1, 1]), np.array([5.0, 3.0, 1.0])
    >>> model = mf_fit(users, items, ratings, 2, 2, 2, 0.1, 0.02, 3, 0)
    >>> float(model["mu"]), model["rmse"].round(6)
    (3.0, array([1.637282, 1.304406, 1.047396]))
    >>> model["b_user"].round(6)
    array([ 0.496263, -0.489381])
    """
    ### BEGIN SOLUTION
    rng = np.random.default_rng(seed)
    P = 0.1 * rng.standard_normal((n_users, n_factors))
    Q = 0.1 * rng.standard_normal((n_items, n_factors))
    b_user, b_item = np.zeros(n_users), np.zeros(n_items)
    mu = np.mean(ratings)
    rmse = np.zeros(n_epochs)
    for epoch in range(n_epochs):
        total = 0.0
        for j in rng.permutation(len(ratings)):
            u, i, r = users[j], items[j], ratings[j]
            total += (r - (mu + b_user[u] + b_item[i] + P[u] @ Q[i])) ** 2
            b_user, b_item, P, Q = mf_sgd_step(mu, b_user, b_item, P, Q, u, i, r, lr, reg)
        rmse[epoch] = np.sqrt(total / len(ratings))
    return {"mu": mu, "b_user": b_user, "b_item": b_item, "P": P, "Q": Q, "rmse": rmse}
    ### END SOLUTION


def als_user_step(Q, items, residuals, reg):
    """One user's best factors while all else is held fixed: alternating least squares.

    p = argmin_p Σ_j [ (residuals[j] − p·Q[items[j]])² + reg·‖p‖² ], j over this user's n ratings.
    With A = Q[items], (n, k): (AᵀA + n·reg·I) p = Aᵀ residuals.

    Parameters
    ----------
    Q : ndarray (n_items, k) of float64, the item factors.
    items : integer ndarray (n,), int32 or int64: the items that this user rated.
    residuals : ndarray (n,) of float64: r − mu − b_u − b_i, what p·q has to explain.
    reg : float ≥ 0. It counts once for each rating.

    Returns
    -------
    ndarray (k,) of float64. n = 0 gives zeros, also with reg = 0. Where the system is singular
    (reg = 0, and Q[items] of rank below k), of all minimisers the one with the smallest norm.

    Notes
    -----
    An item may occur twice; then it counts twice, in n also. Q holds items that this user has not
    rated: they take no part. No argument is changed.

    References
    ----------
    Zhou, Wilkinson, Schreiber, Pan (2008), "Large-scale parallel collaborative filtering for the
    Netflix Prize", AAIM (ALS with weighted-λ-regularization).

    Examples
    --------
    >>> Q = np.array([[1.0, 0.0], [5.0, 5.0], [1.0, 1.0]])
    >>> als_user_step(Q, np.array([0, 2]), np.array([1.0, 3.0]), 0.5)
    array([1., 1.])
    >>> als_user_step(Q, np.array([2]), np.array([3.0]), 0.0).round(6)
    array([1.5, 1.5])
    """
    ### BEGIN SOLUTION
    A = Q[items]
    n, k = A.shape
    # The penalty as k further rows of a least-squares problem: AᵀA, which squares the condition
    # number, is never formed, and `lstsq` gives the minimum-norm solution where there are many.
    stacked = np.vstack([A, np.sqrt(n * reg) * np.eye(k)])
    target = np.concatenate([residuals, np.zeros(k)])
    return np.linalg.lstsq(stacked, target, rcond=None)[0]
    ### END SOLUTION


def time_split(timestamps, fraction):
    """Hold out the latest ratings for validation.

    m = round(fraction·n) rows are asked for; the cutoff is the m-th latest timestamp, and every row
    at or after the cutoff is held out.

    Parameters
    ----------
    timestamps : ndarray (n,) of float64 or integers (below 2**53 in magnitude), in any order.
    fraction : float in [0, 1], the share of rows to hold out.

    Returns
    -------
    (train_idx, valid_idx) : two integer ndarrays of row numbers, both ascending; together they hold
    every row once. An empty one may have any dtype.

    Notes
    -----
    `round` is Python's, on the floating-point product fraction * n: halves go to the even number.
    Rows tied at the cutoff all go to validation, which may then be larger than m. m = 0 holds out
    nothing, whatever the ties. n = 0 gives two empty arrays. The argument is not changed.

    Examples
    --------
    >>> time_split(np.array([30, 10, 20, 30, 5]), 0.2)
    (array([1, 2, 4]), array([0, 3]))
    """
    ### BEGIN SOLUTION
    timestamps = np.asarray(timestamps)
    n = len(timestamps)
    n_valid = round(fraction * n)
    if n_valid == 0:
        return np.arange(n), np.arange(0)
    # Counted from the front: an index of −n_valid would mean "everything" for n_valid = 0.
    cutoff = np.sort(timestamps)[n - n_valid]
    held_out = timestamps >= cutoff
    return np.flatnonzero(~held_out), np.flatnonzero(held_out)
    ### END SOLUTION


def choose_reg(regs, valid_rmse):
    """The regularisation strength with the smallest validation error.

    regs[j] with valid_rmse[j] = min; among exact ties, the largest regs[j].

    Parameters
    ----------
    regs : ndarray (m,) of float64, m ≥ 1, the strengths that were tried, in any order; 0
        may be among them.
    valid_rmse : ndarray (m,) of float64: the validation RMSE of each, NaN or +inf where a fit
        diverged.

    Returns
    -------
    float: a member of regs (the value, not its index).

    Raises
    ------
    ValueError : every RMSE is NaN.

    Notes
    -----
    NaN never wins, wherever it stands; +inf loses to every finite value. Only equal floats are a
    tie. Neither argument is changed. An input with +inf and without a finite value is not defined.

    References
    ----------
    Hastie, Tibshirani, Friedman (2009), "The elements of statistical learning", section 7.10, where
    the simpler of two equally good models is preferred.

    Examples
    --------
    >>> regs, valid_rmse = np.array([0.1, 0.01, 0.03]), np.array([np.nan, 0.92, 0.92])
    >>> float(choose_reg(regs, valid_rmse))
    0.03
    """
    ### BEGIN SOLUTION
    regs, valid_rmse = np.asarray(regs), np.asarray(valid_rmse)
    known = ~np.isnan(valid_rmse)
    if not known.any():
        raise ValueError("every validation RMSE is NaN: there is nothing to choose from")
    best = valid_rmse[known].min()
    return regs[known & (valid_rmse == best)].max()
    ### END SOLUTION


def recommend_top_n(scores, seen, n):
    """The n best items that a user has not seen.

    Parameters
    ----------
    scores : ndarray (n_items,) of float64, all finite, of any sign and size: scores[i] is the
        predicted rating of item i.
    seen : list, tuple or integer ndarray of item ids, in any order; may be empty, may repeat an id.
    n : int ≥ 0, how many items to recommend.

    Returns
    -------
    integer ndarray of item ids, best first: min(n, number of unseen items) of them. An empty one
    may have any dtype.

    Notes
    -----
    Of two items with equal scores the one with the lower id comes first. No seen item ever comes
    back, also where fewer than n are left. Neither scores nor seen is changed.

    References
    ----------
    Cremonesi, Koren, Turrin (2010), "Performance of recommender algorithms on top-N recommendation
    tasks", RecSys.

    Examples
    --------
    >>> recommend_top_n(np.array([3.0, 4.5, 4.0, 4.5, 1.0]), [1], 3)
    array([3, 2, 0])
    """
    ### BEGIN SOLUTION
    scores = np.asarray(scores)
    unseen = np.setdiff1d(np.arange(len(scores)), np.asarray(seen, dtype=np.int64))
    # A stable sort keeps ascending ids among equals; reversing an ascending sort would not.
    order = np.argsort(-scores[unseen], kind="stable")
    return unseen[order[:n]]
    ### END SOLUTION
