"""Wrong on purpose: what people write for the matrix factorization topic. Each docstring ends 'this is what you get when …'."""

import numpy as np


def _predict(mu, b_user, b_item, P, Q, users, items):
    return mu + b_user[users] + b_item[items] + np.sum(P[users] * Q[items], axis=1)


def _penalty(b_user, b_item, P, Q, users, items):
    squares = np.sum(P[users] ** 2) + np.sum(Q[items] ** 2)
    return squares + np.sum(b_user[users] ** 2) + np.sum(b_item[items] ** 2)


def _loss(mu, b_user, b_item, P, Q, users, items, ratings, reg):
    e = ratings - _predict(mu, b_user, b_item, P, Q, users, items)
    return np.sum(e**2) + reg * _penalty(b_user, b_item, P, Q, users, items)


def _grads(mu, b_user, b_item, P, Q, users, items, ratings, reg, data=-2.0, penalty=2.0):
    e = ratings - _predict(mu, b_user, b_item, P, Q, users, items)
    out = [np.zeros_like(a) for a in (b_user, b_item, P, Q)]
    np.add.at(out[0], users, data * e + penalty * reg * b_user[users])
    np.add.at(out[1], items, data * e + penalty * reg * b_item[items])
    np.add.at(out[2], users, data * e[:, None] * Q[items] + penalty * reg * P[users])
    np.add.at(out[3], items, data * e[:, None] * P[users] + penalty * reg * Q[items])
    return tuple(out)


def _step(mu, b_user, b_item, P, Q, user, item, rating, lr, reg):
    b_user, b_item, P, Q = b_user.copy(), b_item.copy(), P.copy(), Q.copy()
    e = rating - (mu + b_user[user] + b_item[item] + P[user] @ Q[item])
    p = P[user].copy()
    b_user[user] += lr * (e - reg * b_user[user])
    b_item[item] += lr * (e - reg * b_item[item])
    P[user] += lr * (e * Q[item] - reg * p)
    Q[item] += lr * (e * p - reg * Q[item])
    return b_user, b_item, P, Q


def _error(model, u, i, r):
    mu, b_user, b_item, P, Q = model
    return r - (mu + b_user[u] + b_item[i] + P[u] @ Q[i])


def _start(ratings, n_users, n_items, n_factors, rng, scale=0.1):
    P = scale * rng.standard_normal((n_users, n_factors))
    Q = scale * rng.standard_normal((n_items, n_factors))
    return [np.mean(ratings), np.zeros(n_users), np.zeros(n_items), P, Q]


def _epoch(model, users, items, ratings, order, lr, reg, step=_step):
    """One epoch; returns the new model and the squared errors before each update."""
    squares = []
    for j in order:
        squares.append(_error(model, users[j], items[j], ratings[j]) ** 2)
        model = [model[0], *step(*model, users[j], items[j], ratings[j], lr, reg)]
    return model, squares


def _model(model, rmse):
    names = ("mu", "b_user", "b_item", "P", "Q")
    return {**dict(zip(names, model, strict=True)), "rmse": np.array(rmse)}


def _fit(users, items, ratings, lr, reg, n_epochs, model, rng, step=_step):
    rmse = []
    for _ in range(n_epochs):
        order = rng.permutation(len(ratings))
        model, squares = _epoch(model, users, items, ratings, order, lr, reg, step)
        rmse.append(np.sqrt(np.mean(squares)))
    return _model(model, rmse)


# predict_ratings


def predict_ratings__no_mean(mu, b_user, b_item, P, Q, users, items):
    """the global mean `mu` is left out"""
    return _predict(0.0, b_user, b_item, P, Q, users, items)


def predict_ratings__no_biases(mu, b_user, b_item, P, Q, users, items):
    """both biases are left out"""
    return mu + np.sum(P[users] * Q[items], axis=1)


def predict_ratings__no_item_bias(mu, b_user, b_item, P, Q, users, items):
    """the item's bias is left out"""
    return mu + b_user[users] + np.sum(P[users] * Q[items], axis=1)


def predict_ratings__all_against_all(mu, b_user, b_item, P, Q, users, items):
    """`P[users] @ Q[items].T` multiplies every user of the list with every item of it"""
    return mu + b_user[users] + b_item[items] + P[users] @ Q[items].T


def predict_ratings__summed_over_pairs(mu, b_user, b_item, P, Q, users, items):
    """the products are summed over the pairs, not over the factors"""
    return mu + b_user[users] + b_item[items] + np.sum(P[users] * Q[items], axis=0)


def predict_ratings__clipped(mu, b_user, b_item, P, Q, users, items):
    """the predictions are clipped to a scale from 1 to 5"""
    return np.clip(_predict(mu, b_user, b_item, P, Q, users, items), 1.0, 5.0)


def predict_ratings__whole_matrix(mu, b_user, b_item, P, Q, users, items):
    """the whole matrix of users by items is returned, not the pairs that were asked for"""
    return mu + b_user[:, None] + b_item + P @ Q.T


def predict_ratings__rows_in_order(mu, b_user, b_item, P, Q, users, items):
    """the factors are taken row by row from the start, whatever the ids say"""
    n = len(users)
    rows, columns = np.arange(n) % len(P), np.arange(n) % len(Q)
    return mu + b_user[users] + b_item[items] + np.sum(P[rows] * Q[columns], axis=1)


# mf_loss


def mf_loss__penalty_outside_the_sum(mu, b_user, b_item, P, Q, users, items, ratings, reg):
    """the penalty stands outside the sum: each row once, however many ratings it has"""
    e = ratings - _predict(mu, b_user, b_item, P, Q, users, items)
    return np.sum(e**2) + reg * sum(np.sum(a**2) for a in (P, Q, b_user, b_item))


def mf_loss__penalty_once_for_each_rated_row(mu, b_user, b_item, P, Q, users, items, ratings, reg):
    """each user and each item that was rated is penalised once, not once for each rating"""
    e = ratings - _predict(mu, b_user, b_item, P, Q, users, items)
    u, i = np.unique(users), np.unique(items)
    return np.sum(e**2) + reg * _penalty(b_user, b_item, P, Q, u, i)


def mf_loss__mean(mu, b_user, b_item, P, Q, users, items, ratings, reg):
    """the ratings are averaged, not summed"""
    n = max(len(ratings), 1)
    return _loss(mu, b_user, b_item, P, Q, users, items, ratings, reg) / n


def mf_loss__biases_not_penalised(mu, b_user, b_item, P, Q, users, items, ratings, reg):
    """only the factors are penalised, and the biases are not"""
    e = ratings - _predict(mu, b_user, b_item, P, Q, users, items)
    return np.sum(e**2) + reg * (np.sum(P[users] ** 2) + np.sum(Q[items] ** 2))


def mf_loss__no_penalty(mu, b_user, b_item, P, Q, users, items, ratings, reg):
    """there is no penalty"""
    return _loss(mu, b_user, b_item, P, Q, users, items, ratings, 0.0)


def mf_loss__half(mu, b_user, b_item, P, Q, users, items, ratings, reg):
    """the loss has a factor ½, which this one has not"""
    return 0.5 * _loss(mu, b_user, b_item, P, Q, users, items, ratings, reg)


def mf_loss__norms_not_squared(mu, b_user, b_item, P, Q, users, items, ratings, reg):
    """norms and not squared norms are penalised"""
    e = ratings - _predict(mu, b_user, b_item, P, Q, users, items)
    norms = np.linalg.norm(P[users], axis=1) + np.linalg.norm(Q[items], axis=1)
    return np.sum(e**2 + reg * (norms + np.abs(b_user[users]) + np.abs(b_item[items])))


def mf_loss__dense_matrix(mu, b_user, b_item, P, Q, users, items, ratings, reg):
    """a full matrix is compared, in which pairs that were not rated count as ratings of 0"""
    R = np.zeros((len(P), len(Q)))
    R[users, items] = ratings
    e = R - (mu + b_user[:, None] + b_item + P @ Q.T)
    return np.sum(e**2) + reg * _penalty(b_user, b_item, P, Q, users, items)


def mf_loss__zeros_skipped(mu, b_user, b_item, P, Q, users, items, ratings, reg):
    """ratings of 0 are taken for missing ones"""
    k = ratings != 0
    return _loss(mu, b_user, b_item, P, Q, users[k], items[k], ratings[k], reg)


def mf_loss__last_of_a_pair(mu, b_user, b_item, P, Q, users, items, ratings, reg):
    """of a pair that was rated twice only the last rating counts"""
    k = sorted(
        {(int(u), int(i)): j for j, (u, i) in enumerate(zip(users, items, strict=True))}.values()
    )
    k = np.array(k, dtype=np.int64)
    return _loss(mu, b_user, b_item, P, Q, users[k], items[k], ratings[k], reg)


def mf_loss__mean_penalised(mu, b_user, b_item, P, Q, users, items, ratings, reg):
    """`mu` is penalised too"""
    return _loss(mu, b_user, b_item, P, Q, users, items, ratings, reg) + reg * len(ratings) * mu**2


# rating_grads


def rating_grads__no_two(error, b_u, b_i, p_u, q_i, reg):
    """the factor 2 is left out, as in the update rule"""
    return reg * b_u - error, reg * b_i - error, reg * p_u - error * q_i, reg * q_i - error * p_u


def rating_grads__ascent(error, b_u, b_i, p_u, q_i, reg):
    """the sign is flipped: the direction of descent is returned, not the gradient"""
    g = 2 * (error - reg * b_u), 2 * (error - reg * b_i)
    return *g, 2 * (error * q_i - reg * p_u), 2 * (error * p_u - reg * q_i)


def rating_grads__error_sign(error, b_u, b_i, p_u, q_i, reg):
    """`error` is taken for prediction less rating, so that the data's part has the wrong sign"""
    g = 2 * (error + reg * b_u), 2 * (error + reg * b_i)
    return *g, 2 * (error * q_i + reg * p_u), 2 * (error * p_u + reg * q_i)


def rating_grads__penalty_sign(error, b_u, b_i, p_u, q_i, reg):
    """the penalty has the wrong sign, and pushes away from zero"""
    g = -2 * (error + reg * b_u), -2 * (error + reg * b_i)
    return *g, -2 * (error * q_i + reg * p_u), -2 * (error * p_u + reg * q_i)


def rating_grads__penalty_no_two(error, b_u, b_i, p_u, q_i, reg):
    """the penalty's part lacks its factor 2"""
    g = -2 * error + reg * b_u, -2 * error + reg * b_i
    return *g, -2 * error * q_i + reg * p_u, -2 * error * p_u + reg * q_i


def rating_grads__data_no_two(error, b_u, b_i, p_u, q_i, reg):
    """the data's part lacks its factor 2"""
    g = -error + 2 * reg * b_u, -error + 2 * reg * b_i
    return *g, -error * q_i + 2 * reg * p_u, -error * p_u + 2 * reg * q_i


def rating_grads__no_penalty(error, b_u, b_i, p_u, q_i, reg):
    """the penalty is left out"""
    return -2 * error, -2 * error, -2 * error * q_i, -2 * error * p_u


def rating_grads__biases_not_penalised(error, b_u, b_i, p_u, q_i, reg):
    """only the factors are penalised, and the biases are not"""
    return -2 * error, -2 * error, 2 * (reg * p_u - error * q_i), 2 * (reg * q_i - error * p_u)


def rating_grads__factors_swapped(error, b_u, b_i, p_u, q_i, reg):
    """the factor's own value stands where the other's should: −2·error·p_u in the gradient for p_u"""
    g = 2 * (reg * b_u - error), 2 * (reg * b_i - error)
    return *g, 2 * (reg * p_u - error * p_u), 2 * (reg * q_i - error * q_i)


def rating_grads__penalty_of_the_other(error, b_u, b_i, p_u, q_i, reg):
    """the penalty is taken from the other side: q_i shrinks p_u, and b_i shrinks b_u"""
    g = 2 * (reg * b_i - error), 2 * (reg * b_u - error)
    return *g, 2 * (reg * q_i - error * q_i), 2 * (reg * p_u - error * p_u)


# mf_grads


def mf_grads__duplicates_lost(mu, b_user, b_item, P, Q, users, items, ratings, reg):
    """`dP[users] += …` keeps only one of several additions to the same row"""
    e = ratings - _predict(mu, b_user, b_item, P, Q, users, items)
    out = [np.zeros_like(a) for a in (b_user, b_item, P, Q)]
    out[0][users] += -2 * e + 2 * reg * b_user[users]
    out[1][items] += -2 * e + 2 * reg * b_item[items]
    out[2][users] += -2 * e[:, None] * Q[items] + 2 * reg * P[users]
    out[3][items] += -2 * e[:, None] * P[users] + 2 * reg * Q[items]
    return tuple(out)


def mf_grads__last_of_a_pair(mu, b_user, b_item, P, Q, users, items, ratings, reg):
    """of a pair that was rated twice only the last rating counts"""
    k = sorted(
        {(int(u), int(i)): j for j, (u, i) in enumerate(zip(users, items, strict=True))}.values()
    )
    k = np.array(k, dtype=np.int64)
    return _grads(mu, b_user, b_item, P, Q, users[k], items[k], ratings[k], reg)


def mf_grads__penalty_outside_the_sum(mu, b_user, b_item, P, Q, users, items, ratings, reg):
    """the penalty stands outside the sum: every row is shrunk once, rated or not"""
    data = _grads(mu, b_user, b_item, P, Q, users, items, ratings, 0.0)
    return tuple(d + 2 * reg * a for d, a in zip(data, (b_user, b_item, P, Q), strict=True))


def mf_grads__penalty_once_for_each_rated_row(mu, b_user, b_item, P, Q, users, items, ratings, reg):
    """each row that was rated is penalised once, not once for each rating"""
    out = list(_grads(mu, b_user, b_item, P, Q, users, items, ratings, 0.0))
    for d, a, rows in zip(out, (b_user, b_item, P, Q), (users, items, users, items), strict=True):
        rated = np.unique(rows)
        d[rated] += 2 * reg * a[rated]
    return tuple(out)


def mf_grads__penalty_of_unrated_rows(mu, b_user, b_item, P, Q, users, items, ratings, reg):
    """rows without ratings are penalised too, once"""
    out = list(_grads(mu, b_user, b_item, P, Q, users, items, ratings, reg))
    for d, a, rows in zip(out, (b_user, b_item, P, Q), (users, items, users, items), strict=True):
        quiet = np.setdiff1d(np.arange(len(a)), rows)
        d[quiet] += 2 * reg * a[quiet]
    return tuple(out)


def mf_grads__no_two(mu, b_user, b_item, P, Q, users, items, ratings, reg):
    """the factor 2 is left out, as in the update rule"""
    return _grads(mu, b_user, b_item, P, Q, users, items, ratings, reg, -1.0, 1.0)


def mf_grads__penalty_no_two(mu, b_user, b_item, P, Q, users, items, ratings, reg):
    """the penalty's part lacks its factor 2"""
    return _grads(mu, b_user, b_item, P, Q, users, items, ratings, reg, -2.0, 1.0)


def mf_grads__penalty_sign(mu, b_user, b_item, P, Q, users, items, ratings, reg):
    """the penalty has the wrong sign, and pushes away from zero"""
    return _grads(mu, b_user, b_item, P, Q, users, items, ratings, reg, -2.0, -2.0)


def mf_grads__no_penalty(mu, b_user, b_item, P, Q, users, items, ratings, reg):
    """the penalty is left out"""
    return _grads(mu, b_user, b_item, P, Q, users, items, ratings, 0.0)


def mf_grads__sign(mu, b_user, b_item, P, Q, users, items, ratings, reg):
    """the sign is flipped: the direction of descent is returned, not the gradient"""
    return _grads(mu, b_user, b_item, P, Q, users, items, ratings, reg, 2.0, -2.0)


def mf_grads__mean(mu, b_user, b_item, P, Q, users, items, ratings, reg):
    """the gradient is averaged over the ratings, though the loss is their sum"""
    n = max(len(ratings), 1)
    return tuple(g / n for g in _grads(mu, b_user, b_item, P, Q, users, items, ratings, reg))


def mf_grads__dense_matrix(mu, b_user, b_item, P, Q, users, items, ratings, reg):
    """a full matrix is fitted, in which pairs that were not rated count as ratings of 0"""
    R = np.zeros((len(P), len(Q)))
    R[users, items] = ratings
    E = R - (mu + b_user[:, None] + b_item + P @ Q.T)
    c, d = np.bincount(users, minlength=len(P)), np.bincount(items, minlength=len(Q))
    db = -2 * E.sum(axis=1) + 2 * reg * c * b_user, -2 * E.sum(axis=0) + 2 * reg * d * b_item
    return *db, -2 * E @ Q + 2 * reg * c[:, None] * P, -2 * E.T @ P + 2 * reg * d[:, None] * Q


def mf_grads__zeros_skipped(mu, b_user, b_item, P, Q, users, items, ratings, reg):
    """ratings of 0 are taken for missing ones"""
    k = ratings != 0
    return _grads(mu, b_user, b_item, P, Q, users[k], items[k], ratings[k], reg)


# mf_sgd_step


def mf_sgd_step__new_p_in_q(mu, b_user, b_item, P, Q, user, item, rating, lr, reg):
    """the new p_u is used to update q_i"""
    b_user, b_item, P, Q = b_user.copy(), b_item.copy(), P.copy(), Q.copy()
    e = rating - (mu + b_user[user] + b_item[item] + P[user] @ Q[item])
    b_user[user] += lr * (e - reg * b_user[user])
    b_item[item] += lr * (e - reg * b_item[item])
    P[user] += lr * (e * Q[item] - reg * P[user])
    Q[item] += lr * (e * P[user] - reg * Q[item])
    return b_user, b_item, P, Q


def mf_sgd_step__new_q_in_p(mu, b_user, b_item, P, Q, user, item, rating, lr, reg):
    """the new q_i is used to update p_u"""
    b_user, b_item, P, Q = b_user.copy(), b_item.copy(), P.copy(), Q.copy()
    e = rating - (mu + b_user[user] + b_item[item] + P[user] @ Q[item])
    b_user[user] += lr * (e - reg * b_user[user])
    b_item[item] += lr * (e - reg * b_item[item])
    Q[item] += lr * (e * P[user] - reg * Q[item])
    P[user] += lr * (e * Q[item] - reg * P[user])
    return b_user, b_item, P, Q


def mf_sgd_step__arguments_overwritten(mu, b_user, b_item, P, Q, user, item, rating, lr, reg):
    """the arguments are written into, so that the caller's parameters change"""
    after = _step(mu, b_user, b_item, P, Q, user, item, rating, lr, reg)
    for old, new in zip((b_user, b_item, P, Q), after, strict=True):
        old[...] = new
    return b_user, b_item, P, Q


def mf_sgd_step__error_recomputed(mu, b_user, b_item, P, Q, user, item, rating, lr, reg):
    """the error is computed anew after the biases have moved"""
    b_user, b_item = b_user.copy(), b_item.copy()
    e = rating - (mu + b_user[user] + b_item[item] + P[user] @ Q[item])
    b_user[user] += lr * (e - reg * b_user[user])
    b_item[item] += lr * (e - reg * b_item[item])
    after = _step(mu, b_user, b_item, P, Q, user, item, rating, lr, reg)
    return b_user, b_item, after[2], after[3]


def mf_sgd_step__two(mu, b_user, b_item, P, Q, user, item, rating, lr, reg):
    """the gradient's factor 2 is kept, though this step absorbs it into the learning rate"""
    return _step(mu, b_user, b_item, P, Q, user, item, rating, 2 * lr, reg)


def mf_sgd_step__penalty_sign(mu, b_user, b_item, P, Q, user, item, rating, lr, reg):
    """the penalty is added, and pushes the parameters away from zero"""
    return _step(mu, b_user, b_item, P, Q, user, item, rating, lr, -reg)


def mf_sgd_step__ascent(mu, b_user, b_item, P, Q, user, item, rating, lr, reg):
    """the step goes up the gradient, not down"""
    return _step(mu, b_user, b_item, P, Q, user, item, rating, -lr, reg)


def mf_sgd_step__no_penalty(mu, b_user, b_item, P, Q, user, item, rating, lr, reg):
    """the penalty is left out"""
    return _step(mu, b_user, b_item, P, Q, user, item, rating, lr, 0.0)


def mf_sgd_step__decay_without_lr(mu, b_user, b_item, P, Q, user, item, rating, lr, reg):
    """the penalty is not multiplied by the learning rate"""
    return _step(mu, b_user, b_item, P, Q, user, item, rating, lr, reg / lr)


def mf_sgd_step__all_rows_shrink(mu, b_user, b_item, P, Q, user, item, rating, lr, reg):
    """the penalty shrinks every row, not only the two that were rated"""
    after = _step(mu, b_user, b_item, P, Q, user, item, rating, lr, 0.0)
    return tuple(a - lr * reg * old for a, old in zip(after, (b_user, b_item, P, Q), strict=True))


def mf_sgd_step__biases_not_penalised(mu, b_user, b_item, P, Q, user, item, rating, lr, reg):
    """only the factors are penalised, and the biases are not"""
    biases = _step(mu, b_user, b_item, P, Q, user, item, rating, lr, 0.0)[:2]
    return *biases, *_step(mu, b_user, b_item, P, Q, user, item, rating, lr, reg)[2:]


def mf_sgd_step__rows_only(mu, b_user, b_item, P, Q, user, item, rating, lr, reg):
    """only the updated entries and rows are returned, not the whole arrays"""
    a = _step(mu, b_user, b_item, P, Q, user, item, rating, lr, reg)
    return a[0][user], a[1][item], a[2][user], a[3][item]


# mf_fit


def mf_fit__ratings_shuffled(
    users, items, ratings, n_users, n_items, n_factors, lr, reg, n_epochs, seed
):
    """each epoch shuffles the order that the last one left, not the ratings as they were given"""
    rng = np.random.default_rng(seed)
    model, rmse = _start(ratings, n_users, n_items, n_factors, rng), []
    for _ in range(n_epochs):
        order = rng.permutation(len(ratings))
        for a in (users, items, ratings):
            a[:] = a[order]
        model, squares = _epoch(model, users, items, ratings, range(len(ratings)), lr, reg)
        rmse.append(np.sqrt(np.mean(squares)))
    return _model(model, rmse)


def mf_fit__no_shuffle(users, items, ratings, n_users, n_items, n_factors, lr, reg, n_epochs, seed):
    """the ratings are visited in the order they are given, not in a random one"""
    rng = np.random.default_rng(seed)
    model, rmse = _start(ratings, n_users, n_items, n_factors, rng), []
    for _ in range(n_epochs):
        model, squares = _epoch(model, users, items, ratings, range(len(ratings)), lr, reg)
        rmse.append(np.sqrt(np.mean(squares)))
    return _model(model, rmse)


def mf_fit__one_permutation(
    users, items, ratings, n_users, n_items, n_factors, lr, reg, n_epochs, seed
):
    """one permutation is drawn before the epochs and used in all of them"""
    rng = np.random.default_rng(seed)
    model, rmse = _start(ratings, n_users, n_items, n_factors, rng), []
    order = rng.permutation(len(ratings))
    for _ in range(n_epochs):
        model, squares = _epoch(model, users, items, ratings, order, lr, reg)
        rmse.append(np.sqrt(np.mean(squares)))
    return _model(model, rmse)


def mf_fit__with_replacement(
    users, items, ratings, n_users, n_items, n_factors, lr, reg, n_epochs, seed
):
    """ratings are drawn with replacement, so that an epoch leaves some out"""
    rng = np.random.default_rng(seed)
    model, rmse = _start(ratings, n_users, n_items, n_factors, rng), []
    for _ in range(n_epochs):
        order = rng.integers(0, len(ratings), size=len(ratings))
        model, squares = _epoch(model, users, items, ratings, order, lr, reg)
        rmse.append(np.sqrt(np.mean(squares)))
    return _model(model, rmse)


def mf_fit__items_drawn_first(
    users, items, ratings, n_users, n_items, n_factors, lr, reg, n_epochs, seed
):
    """Q is drawn before P"""
    rng = np.random.default_rng(seed)
    Q = 0.1 * rng.standard_normal((n_items, n_factors))
    P = 0.1 * rng.standard_normal((n_users, n_factors))
    model = [np.mean(ratings), np.zeros(n_users), np.zeros(n_items), P, Q]
    return _fit(users, items, ratings, lr, reg, n_epochs, model, rng)


def mf_fit__no_tenth(users, items, ratings, n_users, n_items, n_factors, lr, reg, n_epochs, seed):
    """the initial factors are not scaled by 0.1"""
    rng = np.random.default_rng(seed)
    model = _start(ratings, n_users, n_items, n_factors, rng, 1.0)
    return _fit(users, items, ratings, lr, reg, n_epochs, model, rng)


def mf_fit__legacy_generator(
    users, items, ratings, n_users, n_items, n_factors, lr, reg, n_epochs, seed
):
    """the numbers come from the old generator of `np.random.seed`, not from `default_rng`"""
    rng = np.random.RandomState(seed)
    model = _start(ratings, n_users, n_items, n_factors, rng)
    return _fit(users, items, ratings, lr, reg, n_epochs, model, rng)


def mf_fit__fresh_generator_each_epoch(
    users, items, ratings, n_users, n_items, n_factors, lr, reg, n_epochs, seed
):
    """a new generator is made from the seed for the permutation of every epoch"""
    rng = np.random.default_rng(seed)
    model, rmse = _start(ratings, n_users, n_items, n_factors, rng), []
    for _ in range(n_epochs):
        order = np.random.default_rng(seed).permutation(len(ratings))
        model, squares = _epoch(model, users, items, ratings, order, lr, reg)
        rmse.append(np.sqrt(np.mean(squares)))
    return _model(model, rmse)


def mf_fit__mean_of_zero(
    users, items, ratings, n_users, n_items, n_factors, lr, reg, n_epochs, seed
):
    """`mu` stays 0, and the biases have to learn the mean"""
    rng = np.random.default_rng(seed)
    model = [0.0, *_start(ratings, n_users, n_items, n_factors, rng)[1:]]
    return _fit(users, items, ratings, lr, reg, n_epochs, model, rng)


def mf_fit__rmse_after_the_epoch(
    users, items, ratings, n_users, n_items, n_factors, lr, reg, n_epochs, seed
):
    """the rmse is that of the parameters at the end of each epoch"""
    rng = np.random.default_rng(seed)
    model, rmse = _start(ratings, n_users, n_items, n_factors, rng), []
    for _ in range(n_epochs):
        model, _ = _epoch(model, users, items, ratings, rng.permutation(len(ratings)), lr, reg)
        e = ratings - _predict(*model, users, items)
        rmse.append(np.sqrt(np.mean(e**2)))
    return _model(model, rmse)


def mf_fit__rmse_before_the_epoch(
    users, items, ratings, n_users, n_items, n_factors, lr, reg, n_epochs, seed
):
    """the rmse is that of the parameters at the start of each epoch, not measured on the way"""
    rng = np.random.default_rng(seed)
    model, rmse = _start(ratings, n_users, n_items, n_factors, rng), []
    for _ in range(n_epochs):
        e = ratings - _predict(*model, users, items)
        rmse.append(np.sqrt(np.mean(e**2)))
        model, _ = _epoch(model, users, items, ratings, rng.permutation(len(ratings)), lr, reg)
    return _model(model, rmse)


def mf_fit__rmse_after_each_update(
    users, items, ratings, n_users, n_items, n_factors, lr, reg, n_epochs, seed
):
    """each error is taken after the update on its own rating, not before it"""
    rng = np.random.default_rng(seed)
    model, rmse = _start(ratings, n_users, n_items, n_factors, rng), []
    for _ in range(n_epochs):
        squares = []
        for j in rng.permutation(len(ratings)):
            u, i, r = users[j], items[j], ratings[j]
            model = [model[0], *_step(*model, u, i, r, lr, reg)]
            squares.append(_error(model, u, i, r) ** 2)
        rmse.append(np.sqrt(np.mean(squares)))
    return _model(model, rmse)


def mf_fit__mse(users, items, ratings, n_users, n_items, n_factors, lr, reg, n_epochs, seed):
    """the mean square is returned, without the root"""
    rng = np.random.default_rng(seed)
    model = _start(ratings, n_users, n_items, n_factors, rng)
    out = _fit(users, items, ratings, lr, reg, n_epochs, model, rng)
    return {**out, "rmse": out["rmse"] ** 2}


def mf_fit__new_p_in_q(users, items, ratings, n_users, n_items, n_factors, lr, reg, n_epochs, seed):
    """the new p_u is used to update q_i in every step"""
    rng = np.random.default_rng(seed)
    model = _start(ratings, n_users, n_items, n_factors, rng)
    return _fit(users, items, ratings, lr, reg, n_epochs, model, rng, mf_sgd_step__new_p_in_q)


def mf_fit__two(users, items, ratings, n_users, n_items, n_factors, lr, reg, n_epochs, seed):
    """the steps are whole gradients with their factor 2, so that all goes twice as fast"""
    rng = np.random.default_rng(seed)
    model = _start(ratings, n_users, n_items, n_factors, rng)
    return _fit(users, items, ratings, 2 * lr, reg, n_epochs, model, rng)


def mf_fit__full_batch(users, items, ratings, n_users, n_items, n_factors, lr, reg, n_epochs, seed):
    """one step is taken on the gradient of all ratings, not one step on each"""
    rng = np.random.default_rng(seed)
    model, rmse = _start(ratings, n_users, n_items, n_factors, rng), []
    for _ in range(n_epochs):
        rng.permutation(len(ratings))
        e = ratings - _predict(*model, users, items)
        rmse.append(np.sqrt(np.mean(e**2)))
        grads = _grads(*model, users, items, ratings, reg, -1.0, 1.0)
        model = [model[0], *(a - lr * g for a, g in zip(model[1:], grads, strict=True))]
    return _model(model, rmse)


# als_user_step


def _solve(A, r, weight):
    stacked = np.vstack([A, np.sqrt(weight) * np.eye(A.shape[1])])
    return np.linalg.lstsq(stacked, np.concatenate([r, np.zeros(A.shape[1])]), rcond=None)[0]


def als_user_step__no_penalty(Q, items, residuals, reg):
    """the penalty is left out"""
    return _solve(Q[items], residuals, 0.0)


def als_user_step__penalty_once(Q, items, residuals, reg):
    """the penalty counts once, not once for each of the user's ratings"""
    return _solve(Q[items], residuals, reg)


def als_user_step__penalty_for_every_item(Q, items, residuals, reg):
    """the penalty is multiplied by the number of all items, not of those that the user rated"""
    return _solve(Q[items], residuals, reg * len(Q))


def als_user_step__penalty_for_distinct_items(Q, items, residuals, reg):
    """an item that was rated twice counts once in the penalty"""
    return _solve(Q[items], residuals, reg * len(np.unique(items)))


def als_user_step__penalty_not_rooted(Q, items, residuals, reg):
    """n·reg and not its root is stacked below the ratings, so that the penalty is squared"""
    return _solve(Q[items], residuals, (reg * len(items)) ** 2)


def als_user_step__unrated_as_zeros(Q, items, residuals, reg):
    """items that the user has not rated count as residuals of 0"""
    r = np.zeros(len(Q))
    np.add.at(r, items, residuals)
    return _solve(Q, r, reg * len(items))


def als_user_step__last_of_an_item(Q, items, residuals, reg):
    """of an item that was rated twice only the last rating counts"""
    last = {int(i): j for j, i in enumerate(items)}
    k = np.array(sorted(last.values()), dtype=np.int64)
    return _solve(Q[items[k]], residuals[k], reg * len(k))


def als_user_step__plain_solve(Q, items, residuals, reg):
    """the system is solved as if it were never singular"""
    A = Q[items]
    return np.linalg.solve(A.T @ A + len(items) * reg * np.eye(Q.shape[1]), A.T @ residuals)


def als_user_step__zeros_where_singular(Q, items, residuals, reg):
    """a singular system gives zeros, not the minimum-norm solution"""
    A = Q[items]
    M = A.T @ A + len(items) * reg * np.eye(Q.shape[1])
    if np.linalg.matrix_rank(M) < len(M):
        return np.zeros(len(M))
    return np.linalg.solve(M, A.T @ residuals)


def als_user_step__secret_penalty(Q, items, residuals, reg):
    """a small penalty of 1e-6 is added without being asked for, so that the system is never singular"""
    return _solve(Q[items], residuals, len(items) * reg + 1e-6)


def als_user_step__basic_solution(Q, items, residuals, reg):
    """a singular system gives a solution with factors of zero, which is not the shortest"""
    A, k = Q[items], Q.shape[1]
    M = A.T @ A + len(items) * reg * np.eye(k)
    rank = np.linalg.matrix_rank(M) if len(items) else 0
    p = np.zeros(k)
    if rank:
        p[:rank] = _solve(A[:, :rank], residuals, len(items) * reg)
    return p


def als_user_step__no_ratings_nan(Q, items, residuals, reg):
    """a user without ratings is divided by their number, 0"""
    A, n = Q[items], len(items)
    if n == 0:
        return np.full(Q.shape[1], np.nan)
    return _solve(A / np.sqrt(n), residuals / np.sqrt(n), reg)


# time_split


def time_split__earliest(timestamps, fraction):
    """the earliest rows are held out, not the latest"""
    m = round(fraction * len(timestamps))
    held = timestamps <= np.sort(timestamps)[m - 1] if m else np.zeros(len(timestamps), dtype=bool)
    return np.flatnonzero(~held), np.flatnonzero(held)


def _split(timestamps, m):
    n = len(timestamps)
    held = timestamps >= np.sort(timestamps)[n - m] if m else np.zeros(n, dtype=bool)
    return np.flatnonzero(~held), np.flatnonzero(held)


def time_split__floor(timestamps, fraction):
    """the number of held-out rows is cut off, not rounded"""
    return _split(timestamps, int(fraction * len(timestamps)))


def time_split__ceil(timestamps, fraction):
    """the number of held-out rows is rounded up"""
    return _split(timestamps, int(np.ceil(fraction * len(timestamps))))


def time_split__half_up(timestamps, fraction):
    """halves are rounded up, not to the even number"""
    return _split(timestamps, int(np.floor(fraction * len(timestamps) + 0.5)))


def time_split__share_of_training(timestamps, fraction):
    """`fraction` is taken for the share of rows to train on"""
    return _split(timestamps, round((1 - fraction) * len(timestamps)))


def time_split__training_rounded(timestamps, fraction):
    """the number of training rows is rounded, and the rest is held out"""
    n = len(timestamps)
    return _split(timestamps, n - round((1 - fraction) * n))


def time_split__ties_divided(timestamps, fraction):
    """a tie at the border is divided between the two parts"""
    n = len(timestamps)
    order = np.argsort(timestamps, kind="stable")
    m = round(fraction * n)
    return np.sort(order[: n - m]), np.sort(order[n - m :])


def time_split__ties_to_training(timestamps, fraction):
    """a tie at the border goes to training"""
    n = len(timestamps)
    m = round(fraction * n)
    if m in (0, n):
        return _split(timestamps, m)
    held = timestamps > np.sort(timestamps)[n - m - 1]
    return np.flatnonzero(~held), np.flatnonzero(held)


def time_split__last_rows(timestamps, fraction):
    """the last rows are held out, as if the timestamps came sorted"""
    n = len(timestamps)
    m = round(fraction * n)
    return np.arange(n - m), np.arange(n - m, n)


def time_split__in_order_of_time(timestamps, fraction):
    """the row numbers come in the order of time, not ascending"""
    order = np.argsort(timestamps, kind="stable")
    train, valid = _split(timestamps, round(fraction * len(timestamps)))
    return order[np.isin(order, train)], order[np.isin(order, valid)]


def time_split__parts_swapped(timestamps, fraction):
    """the two parts are returned in the wrong order: (valid_idx, train_idx)"""
    return _split(timestamps, round(fraction * len(timestamps)))[::-1]


def time_split__minus_zero(timestamps, fraction):
    """`[-m:]` is used with m = 0, where it means everything"""
    m = round(fraction * len(timestamps))
    if len(timestamps) == 0:
        return np.arange(0), np.arange(0)
    held = timestamps >= np.sort(timestamps)[-m:][0]
    return np.flatnonzero(~held), np.flatnonzero(held)


def time_split__at_least_one(timestamps, fraction):
    """at least one row is always held out"""
    return _split(timestamps, min(max(1, round(fraction * len(timestamps))), len(timestamps)))


def time_split__masks(timestamps, fraction):
    """boolean masks are returned, not row numbers"""
    _, valid = _split(timestamps, round(fraction * len(timestamps)))
    held = np.isin(np.arange(len(timestamps)), valid)
    return ~held, held


# choose_reg


def choose_reg__argmin(regs, valid_rmse):
    """`np.argmin` takes the first NaN for the minimum"""
    if np.isnan(valid_rmse).all():
        raise ValueError("all NaN")
    return regs[np.argmin(valid_rmse)]


def choose_reg__first_of_a_tie(regs, valid_rmse):
    """the first of several equal errors wins, not the strongest penalty"""
    return regs[np.nanargmin(valid_rmse)]


def choose_reg__last_of_a_tie(regs, valid_rmse):
    """the last of several equal errors wins, not the strongest penalty"""
    return regs[len(regs) - 1 - np.nanargmin(valid_rmse[::-1])]


def choose_reg__weaker_of_a_tie(regs, valid_rmse):
    """a tie goes to the weakest penalty"""
    if np.isnan(valid_rmse).all():
        raise ValueError("all NaN")
    return regs[valid_rmse == np.nanmin(valid_rmse)].min()


def choose_reg__index(regs, valid_rmse):
    """the index of the best strength is returned, not its value"""
    best = choose_reg__weaker_of_a_tie(-regs, valid_rmse)
    return float(np.flatnonzero(-regs == best)[0])


def choose_reg__error(regs, valid_rmse):
    """the best error is returned, not the strength it belongs to"""
    if np.isnan(valid_rmse).all():
        raise ValueError("all NaN")
    return np.nanmin(valid_rmse)


def choose_reg__largest_error(regs, valid_rmse):
    """the largest error wins, as if it were a score"""
    if np.isnan(valid_rmse).all():
        raise ValueError("all NaN")
    return regs[valid_rmse == np.nanmax(valid_rmse)].max()


def choose_reg__nearly_equal(regs, valid_rmse):
    """errors that are nearly equal count as a tie"""
    if np.isnan(valid_rmse).all():
        raise ValueError("all NaN")
    return regs[np.isclose(valid_rmse, np.nanmin(valid_rmse))].max()


def choose_reg__nan_to_zero(regs, valid_rmse):
    """NaN is replaced by 0, the best error there is"""
    if np.isnan(valid_rmse).all():
        raise ValueError("all NaN")
    errors = np.nan_to_num(valid_rmse, nan=0.0, posinf=np.inf)
    return regs[errors == errors.min()].max()


def choose_reg__all_nan_returned(regs, valid_rmse):
    """an input that is all NaN gives NaN back, and no ValueError"""
    known = ~np.isnan(valid_rmse)
    if not known.any():
        return np.nan
    return regs[valid_rmse == valid_rmse[known].min()].max()


def choose_reg__any_nan_raises(regs, valid_rmse):
    """one NaN among the errors is already a ValueError"""
    if np.isnan(valid_rmse).any():
        raise ValueError("NaN")
    return regs[valid_rmse == valid_rmse.min()].max()


# recommend_top_n


def _best(scores, seen, n):
    left = np.setdiff1d(np.arange(len(scores)), np.array(seen, dtype=np.int64))
    return left[np.argsort(-scores[left], kind="stable")[: max(n, 0)]]


def recommend_top_n__worst_first(scores, seen, n):
    """the scores are sorted ascending, so that the worst items are recommended"""
    return _best(-scores, seen, n)


def recommend_top_n__best_last(scores, seen, n):
    """the right items come in reverse: the best is last"""
    return _best(scores, seen, n)[::-1]


def recommend_top_n__ties_to_the_higher_id(scores, seen, n):
    """an ascending sort is reversed, which puts the higher id first among equals"""
    left = np.setdiff1d(np.arange(len(scores)), np.array(seen, dtype=np.int64))
    return left[np.argsort(scores[left], kind="stable")[::-1][:n]]


def recommend_top_n__seen_included(scores, seen, n):
    """items that were seen are recommended again"""
    return _best(scores, [], n)


def recommend_top_n__cut_before_filter(scores, seen, n):
    """the list is cut to n items before those that were seen are taken out"""
    gone = {int(i) for i in seen}
    return np.array([i for i in _best(scores, [], n).tolist() if i not in gone], dtype=np.int64)


def recommend_top_n__seen_scored_zero(scores, seen, n):
    """seen items get a score of 0, which beats every negative one"""
    masked = scores.copy()
    masked[np.array(seen, dtype=np.int64)] = 0.0
    return np.argsort(-masked, kind="stable")[:n]


def recommend_top_n__seen_sink_to_the_end(scores, seen, n):
    """seen items get a score of −inf, and come back where fewer than n are left"""
    masked = scores.copy()
    masked[np.array(seen, dtype=np.int64)] = -np.inf
    return np.argsort(-masked, kind="stable")[:n]


def recommend_top_n__positions(scores, seen, n):
    """positions among the unseen items are returned, not their ids"""
    left = np.setdiff1d(np.arange(len(scores)), np.array(seen, dtype=np.int64))
    return np.argsort(-scores[left], kind="stable")[:n]


def recommend_top_n__scores(scores, seen, n):
    """the scores of the best items are returned, not their ids"""
    return scores[_best(scores, seen, n)]


def recommend_top_n__padded(scores, seen, n):
    """a list that is too short is filled up with −1"""
    best = _best(scores, seen, n)
    return np.concatenate([best, np.full(n - len(best), -1, dtype=np.int64)])


def recommend_top_n__last_of_none(scores, seen, n):
    """`[-n:]` is used with n = 0, where it means everything"""
    left = _best(scores, seen, len(scores))[::-1]
    return left[-n:][::-1]


def recommend_top_n__duplicates_counted(scores, seen, n):
    """the number of items that remain is taken from len(seen), which counts an id as often as it occurs"""
    return _best(scores, seen, max(min(n, len(scores) - len(seen)), 0))


def recommend_top_n__scores_changed(scores, seen, n):
    """the seen items' scores are overwritten in the caller's array"""
    best = _best(scores, seen, n)
    scores[np.array(seen, dtype=np.int64)] = -np.inf
    return best
