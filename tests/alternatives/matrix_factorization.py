"""Right, but written in another way than the solution: every one must pass."""

import math

import numpy as np

# predict_ratings


def predict_ratings__einsum(mu, b_user, b_item, P, Q, users, items):
    """The products by einsum, the rest gathered with `np.take`."""
    products = np.einsum("nf,nf->n", np.take(P, users, axis=0), np.take(Q, items, axis=0))
    return products + np.take(b_item, items) + np.take(b_user, users) + mu


def predict_ratings__list_of_floats(mu, b_user, b_item, P, Q, users, items):
    """A Python loop, a list of floats returned."""
    out = []
    for u, i in zip(users, items, strict=True):
        dot = math.fsum(float(p) * float(q) for p, q in zip(P[u], Q[i], strict=True))
        out.append(float(mu) + float(b_user[u]) + float(b_item[i]) + dot)
    return out


def predict_ratings__whole_matrix_indexed(mu, b_user, b_item, P, Q, users, items):
    """The full matrix with the biases as further factors, then the pairs."""
    left = np.column_stack([P, b_user, np.ones(len(P))])
    right = np.column_stack([Q, np.ones(len(Q)), b_item])
    return (left @ right.T + mu)[users, items]


# mf_loss


def mf_loss__loop(mu, b_user, b_item, P, Q, users, items, ratings, reg):
    """A Python loop over ratings; an int 0 where there are none."""
    total = 0
    for u, i, r in zip(users, items, ratings, strict=True):
        e = r - mu - b_user[u] - b_item[i] - P[u] @ Q[i]
        total += e * e + reg * (P[u] @ P[u] + Q[i] @ Q[i] + b_user[u] ** 2 + b_item[i] ** 2)
    return total


def mf_loss__counts(mu, b_user, b_item, P, Q, users, items, ratings, reg):
    """The penalty by rows, weighted with the number of ratings; a 0-d array returned."""
    e = np.array(ratings) - mu
    e -= b_user[users]
    e -= b_item[items]
    e -= (P[users] * Q[items]).sum(axis=1)
    n_u, n_i = np.bincount(users, minlength=len(P)), np.bincount(items, minlength=len(Q))
    rows = n_u @ (np.square(P).sum(axis=1) + b_user**2) + n_i @ (
        np.square(Q).sum(axis=1) + b_item**2
    )
    return np.array(e @ e + reg * rows)


def mf_loss__norms(mu, b_user, b_item, P, Q, users, items, ratings, reg):
    """One vector of everything that is squared, and its norm."""
    p, q = P[users], Q[items]
    e = ratings - (mu + b_user[users] + b_item[items] + np.einsum("ij,ij->i", p, q))
    parts = np.concatenate([p.ravel(), q.ravel(), b_user[users], b_item[items]]) * math.sqrt(reg)
    return float(np.linalg.norm(np.concatenate([e, parts])) ** 2)


# rating_grads


def rating_grads__factored(error, b_u, b_i, p_u, q_i, reg):
    """2·(reg·parameter − error·…), factors as lists, in a list."""
    dp = [2 * (reg * float(p) - error * float(q)) for p, q in zip(p_u, q_i, strict=True)]
    dq = [2 * (reg * float(q) - error * float(p)) for p, q in zip(p_u, q_i, strict=True)]
    return [2 * (reg * b_u - error), 2 * (reg * b_i - error), dp, dq]


def rating_grads__one_vector(error, b_u, b_i, p_u, q_i, reg):
    """All parameters in one vector, with the prediction's gradient in another; 0-d floats."""
    k = len(p_u)
    theta = np.concatenate([[b_u, b_i], p_u, q_i])
    slope = np.concatenate([[1.0, 1.0], q_i, p_u])
    g = 2 * reg * theta - 2 * error * slope
    return np.array(g[0]), np.array(g[1]), g[2 : 2 + k], g[2 + k :]


# mf_grads


def mf_grads__loop(mu, b_user, b_item, P, Q, users, items, ratings, reg):
    """A Python loop over ratings, nested lists returned."""
    out = [np.zeros(a.shape) for a in (b_user, b_item, P, Q)]
    for u, i, r in zip(users, items, ratings, strict=True):
        e = r - mu - b_user[u] - b_item[i] - P[u] @ Q[i]
        out[0][u] -= 2 * (e - reg * b_user[u])
        out[1][i] -= 2 * (e - reg * b_item[i])
        out[2][u] -= 2 * (e * Q[i] - reg * P[u])
        out[3][i] -= 2 * (e * P[u] - reg * Q[i])
    return tuple(g.tolist() for g in out)


def mf_grads__one_hot_products(mu, b_user, b_item, P, Q, users, items, ratings, reg):
    """One-hot matrices of users and items, everything as matrix products."""
    U = (users[:, None] == np.arange(len(P))).astype(float)
    V = (items[:, None] == np.arange(len(Q))).astype(float)
    e = ratings - mu - U @ b_user - V @ b_item - ((U @ P) * (V @ Q)).sum(axis=1)
    n_u, n_i = U.sum(axis=0), V.sum(axis=0)
    E = U.T @ (e[:, None] * V)  # (n_users, n_items), errors of one pair summed
    dP = 2 * reg * n_u[:, None] * P - 2 * E @ Q
    dQ = 2 * reg * n_i[:, None] * Q - 2 * E.T @ P
    return 2 * reg * n_u * b_user - 2 * U.T @ e, 2 * reg * n_i * b_item - 2 * V.T @ e, dP, dQ


def mf_grads__bincount(mu, b_user, b_item, P, Q, users, items, ratings, reg):
    """`np.bincount` with weights, factor by factor."""
    e = ratings - (mu + b_user[users] + b_item[items] + np.einsum("nf,nf->n", P[users], Q[items]))
    n_u, n_i = len(P), len(Q)
    db_user = np.bincount(users, weights=2 * reg * b_user[users] - 2 * e, minlength=n_u)
    db_item = np.bincount(items, weights=2 * reg * b_item[items] - 2 * e, minlength=n_i)
    dP, dQ = np.empty_like(P), np.empty_like(Q)
    for f in range(P.shape[1]):
        p, q = P[users, f], Q[items, f]
        dP[:, f] = np.bincount(users, weights=2 * (reg * p - e * q), minlength=n_u)
        dQ[:, f] = np.bincount(items, weights=2 * (reg * q - e * p), minlength=n_i)
    return db_user, db_item, dP, dQ


# mf_sgd_step


def mf_sgd_step__shrink_then_move(mu, b_user, b_item, P, Q, user, item, rating, lr, reg):
    """(1 − lr·reg)·parameter + lr·error·slope, in place on copies, with the old rows kept."""
    b_user, b_item, P, Q = (np.array(a, order="C") for a in (b_user, b_item, P, Q))
    p, q = P[user].copy(), Q[item].copy()
    step = lr * (rating - mu - b_user[user] - b_item[item] - np.dot(p, q))
    keep = 1 - lr * reg
    b_user[user] = keep * b_user[user] + step
    b_item[item] = keep * b_item[item] + step
    P[user], Q[item] = keep * p + step * q, keep * q + step * p
    return b_user, b_item, P, Q


def mf_sgd_step__dense_gradient(mu, b_user, b_item, P, Q, user, item, rating, lr, reg):
    """Half of a dense gradient that is zero in all other rows, subtracted; a list returned."""
    e = rating - (mu + b_user[user] + b_item[item] + sum(P[user] * Q[item]))
    u = (np.arange(len(P)) == user).astype(float)
    i = (np.arange(len(Q)) == item).astype(float)
    g = [
        u * (-2 * e + 2 * reg * b_user),
        i * (-2 * e + 2 * reg * b_item),
        u[:, None] * (-2 * e * Q[item] + 2 * reg * P),
        i[:, None] * (-2 * e * P[user] + 2 * reg * Q),
    ]
    return [a - lr / 2 * d for a, d in zip((b_user, b_item, P, Q), g, strict=True)]


def mf_sgd_step__lists(mu, b_user, b_item, P, Q, user, item, rating, lr, reg):
    """Python lists and floats throughout."""
    b_user, b_item, P, Q = b_user.tolist(), b_item.tolist(), P.tolist(), Q.tolist()
    p, q = P[user], Q[item]
    e = rating - mu - b_user[user] - b_item[item] - sum(a * b for a, b in zip(p, q, strict=True))
    b_user[user] += lr * (e - reg * b_user[user])
    b_item[item] += lr * (e - reg * b_item[item])
    P[user] = [a + lr * (e * b - reg * a) for a, b in zip(p, q, strict=True)]
    Q[item] = [b + lr * (e * a - reg * b) for a, b in zip(p, q, strict=True)]
    return b_user, b_item, P, Q


# mf_fit


def mf_fit__in_place_on_its_own(
    users, items, ratings, n_users, n_items, n_factors, lr, reg, n_epochs, seed
):
    """Updates its own arrays in place; indices shuffled from `arange`; `normal(0, 0.1)`."""
    rng = np.random.default_rng(seed)
    P = rng.normal(0.0, 0.1, size=(n_users, n_factors))
    Q = rng.normal(0.0, 0.1, size=(n_items, n_factors))
    b_user, b_item = np.zeros(n_users), np.zeros(n_items)
    mu, n, rmse = float(np.sum(ratings) / len(ratings)), len(ratings), []
    for _ in range(n_epochs):
        order = np.arange(n)
        rng.shuffle(order)
        errors = np.empty(n)
        for t, j in enumerate(order):
            u, i = users[j], items[j]
            e = errors[t] = ratings[j] - mu - b_user[u] - b_item[i] - P[u].dot(Q[i])
            p = P[u].copy()
            b_user[u] += lr * (e - reg * b_user[u])
            b_item[i] += lr * (e - reg * b_item[i])
            P[u] += lr * (e * Q[i] - reg * P[u])
            Q[i] += lr * (e * p - reg * Q[i])
        rmse.append(float(np.linalg.norm(errors) / np.sqrt(n)))
    return {"rmse": rmse, "P": P, "Q": Q, "mu": mu, "b_user": b_user, "b_item": b_item}


def mf_fit__shuffled_copies(
    users, items, ratings, n_users, n_items, n_factors, lr, reg, n_epochs, seed
):
    """Permuted copies of the data in each epoch; nested lists and Python floats."""
    rng = np.random.default_rng(seed)
    P = [[0.1 * float(z) for z in row] for row in rng.standard_normal((n_users, n_factors))]
    Q = [[0.1 * float(z) for z in row] for row in rng.standard_normal((n_items, n_factors))]
    b_user, b_item, rmse = [0.0] * n_users, [0.0] * n_items, []
    mu = math.fsum(ratings) / len(ratings)
    for _ in range(n_epochs):
        order = rng.permutation(len(ratings))
        total = 0.0
        data = zip(
            users[order].tolist(), items[order].tolist(), ratings[order].tolist(), strict=True
        )
        for u, i, r in data:
            p, q = P[u], Q[i]
            e = r - (mu + b_user[u] + b_item[i] + sum(a * b for a, b in zip(p, q, strict=True)))
            total += e**2
            b_user[u] += lr * (e - reg * b_user[u])
            b_item[i] += lr * (e - reg * b_item[i])
            P[u] = [a + lr * (e * b - reg * a) for a, b in zip(p, q, strict=True)]
            Q[i] = [b + lr * (e * a - reg * b) for a, b in zip(p, q, strict=True)]
        rmse.append((total / len(ratings)) ** 0.5)
    return {"mu": mu, "b_user": b_user, "b_item": b_item, "P": P, "Q": Q, "rmse": np.array(rmse)}


# als_user_step


def als_user_step__normal_equations(Q, items, residuals, reg):
    """The normal equations, by `pinv`, which takes care of the singular ones."""
    A = Q[items]
    M = A.T @ A + len(items) * reg * np.eye(Q.shape[1])
    return np.linalg.pinv(M) @ (A.T @ residuals)


def als_user_step__lstsq_of_normal_equations(Q, items, residuals, reg):
    """The normal equations built rating by rating, by `lstsq`; a list returned."""
    k = Q.shape[1]
    M, b = np.zeros((k, k)), np.zeros(k)
    for i, r in zip(items, residuals, strict=True):
        M += np.outer(Q[i], Q[i]) + reg * np.eye(k)
        b += r * Q[i]
    return np.linalg.lstsq(M, b, rcond=None)[0].tolist()


def als_user_step__singular_values(Q, items, residuals, reg):
    """A = U S Vᵀ: each component times s/(s² + n·reg), those without a singular value left out."""
    if len(items) == 0:
        return np.zeros(Q.shape[1])
    U, s, Vt = np.linalg.svd(Q[items], full_matrices=False)
    keep = s > 1e-12 * s[0]
    weight = np.zeros(len(s))
    weight[keep] = s[keep] / (s[keep] ** 2 + len(items) * reg)
    return Vt.T @ (weight * (U.T @ residuals))


def als_user_step__solve_or_pinv(Q, items, residuals, reg):
    """`solve` where a penalty makes the system regular, else the pseudo-inverse of A."""
    A = Q[items]
    if len(items) == 0:
        return [0.0] * Q.shape[1]
    if reg > 0:
        return np.linalg.solve(A.T @ A + len(items) * reg * np.eye(A.shape[1]), A.T @ residuals)
    return np.linalg.pinv(A) @ residuals


# time_split


def time_split__sorted_loop(timestamps, fraction):
    """Sorted Python values and comprehensions; lists returned."""
    n = len(timestamps)
    m = round(fraction * n)
    if m == 0:
        return list(range(n)), []
    cutoff = sorted(timestamps.tolist(), reverse=True)[m - 1]
    train = [j for j in range(n) if timestamps[j] < cutoff]
    return train, [j for j in range(n) if timestamps[j] >= cutoff]


def time_split__walk_back_through_the_tie(timestamps, fraction):
    """A stable argsort whose border walks back while the rows before it are tied."""
    order = np.argsort(timestamps, kind="stable")
    n = len(order)
    cut = n - round(n * fraction)
    while 0 < cut < n and timestamps[order[cut - 1]] == timestamps[order[cut]]:
        cut -= 1
    return np.sort(order[:cut]), np.sort(order[cut:])


def time_split__partition(timestamps, fraction):
    """`np.partition` for the cutoff, `setdiff1d` for the rest; empty arrays of floats."""
    n = timestamps.shape[0]
    m = int(np.round(fraction * n))
    if n == 0 or m == 0:
        return np.arange(n), np.array([])
    valid = np.nonzero(timestamps >= np.partition(timestamps, n - m)[n - m])[0]
    train = np.setdiff1d(np.arange(n), valid)
    return train if len(train) else np.array([]), valid


# choose_reg


def choose_reg__loop(regs, valid_rmse):
    """A loop that keeps the best so far; a Python float returned."""
    best = None
    for reg, rmse in zip(regs, valid_rmse, strict=True):
        if np.isnan(rmse):
            continue
        if best is None or rmse < best[0] or (rmse == best[0] and reg > best[1]):
            best = (rmse, reg)
    if best is None:
        raise ValueError("all NaN")
    return float(best[1])


def choose_reg__lexsort(regs, valid_rmse):
    """Sorted by error, then by descending strength; NaN sorts last; a 0-d array returned."""
    order = np.lexsort((-regs, valid_rmse))
    if np.isnan(valid_rmse[order[0]]):
        raise ValueError("every error is NaN")
    return np.array(regs[order[0]])


def choose_reg__min_of_pairs(regs, valid_rmse):
    """Python's `min` over (error, −strength), which raises a ValueError itself where there is none."""
    pairs = ((e, -r) for e, r in zip(valid_rmse.tolist(), regs.tolist(), strict=True) if e == e)
    return -min(pairs)[1]


def choose_reg__strongest_first(regs, valid_rmse):
    """Sorted by descending strength, `nanargmin` takes the first; it raises a ValueError itself."""
    order = np.argsort(regs)[::-1]
    return regs[order][np.nanargmin(valid_rmse[order])]


# recommend_top_n


def recommend_top_n__sorted(scores, seen, n):
    """Python's `sorted` with a key, a set of what was seen; an array made of a list."""
    gone = {int(i) for i in seen}
    left = (i for i in range(len(scores)) if i not in gone)
    return np.array(sorted(left, key=lambda i: (-scores[i], i))[:n])


def recommend_top_n__mask(scores, seen, n):
    """A boolean mask and `lexsort` over all, filtered, then cut; int32."""
    order = np.lexsort((np.arange(len(scores)), -scores))
    unseen = np.ones(len(scores), dtype=bool)
    unseen[list(seen)] = False
    return order[unseen[order]][:n].astype(np.int32)


def recommend_top_n__masked_scores(scores, seen, n):
    """−inf for what was seen on a copy, and the cut at the number of those that are left."""
    masked = np.array(scores, dtype=float)
    for i in seen:
        masked[i] = -np.inf
    left = int(np.sum(masked > -np.inf))
    return np.argsort(-masked, kind="stable")[: min(n, left)].tolist()


def recommend_top_n__one_at_a_time(scores, seen, n):
    """Picks the first maximum n times; a list of ints returned."""
    left = [i for i in range(len(scores)) if i not in list(seen)]
    out = []
    while left and len(out) < n:
        best = left[0]
        for i in left:
            if scores[i] > scores[best]:
                best = i
        out.append(best)
        left.remove(best)
    return out
