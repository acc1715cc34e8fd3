"""Right, but written in another way than the solution: every one must pass."""

import math
from fractions import Fraction

import numpy as np


def discounted_returns__appended_and_reversed(rewards, gamma):
    """A list of Python floats, appended backwards and reversed."""
    out, ahead = [], 0.0
    for r in rewards.tolist()[::-1]:
        ahead = r + gamma * ahead
        out.append(ahead)
    return out[::-1]


def discounted_returns__convolution(rewards, gamma):
    """A full convolution of the reversed rewards with the powers of gamma."""
    T = len(rewards)
    if T == 0:
        return np.array([])
    return np.convolve(rewards[::-1], gamma ** np.arange(T))[:T][::-1]


def discounted_returns__sums_of_their_own(rewards, gamma):
    """Each return is a dot product with the powers of gamma."""
    powers = np.power(float(gamma), np.arange(len(rewards)))
    return tuple(float(powers[: len(rewards) - t] @ rewards[t:]) for t in range(len(rewards)))


def discounted_returns__in_place_on_a_copy(rewards, gamma):
    """Works backwards in place on a copy."""
    out = np.array(rewards, dtype=float)
    for t in range(len(out) - 2, -1, -1):
        out[t] += gamma * out[t + 1]
    return out


def standardize__shifted_first(x, eps=1e-8):
    """The first entry is subtracted before the mean, which makes equal entries exact zeros."""
    if x.size == 0:
        return []
    d = x - x[0]
    d = d - d.mean()
    return d / (np.sqrt(np.dot(d, d) / len(d)) + eps)


def standardize__exact_sums(x, eps=1e-8):
    """Python floats and `math.fsum`."""
    values = x.tolist()
    if len(set(values)) <= 1:
        return [0.0] * len(values)
    mean = math.fsum(values) / len(values)
    std = math.sqrt(math.fsum((v - mean) ** 2 for v in values) / len(values))
    return [(v - mean) / (std + eps) for v in values]


def standardize__std(x, eps=1e-8):
    """`np.std`, with the peak-to-peak range asked first."""
    if len(x) == 0 or np.ptp(x) == 0.0:
        return 0.0 * np.ones_like(x)
    return np.divide(np.subtract(x, np.average(x)), np.std(x) + eps)


def standardize__fractions(x, eps=1e-8):
    """Exact rational numbers until the root is taken."""
    values = [Fraction(v) for v in x.tolist()]
    mean = sum(values) / max(len(values), 1)
    variance = sum((v - mean) ** 2 for v in values) / max(len(values), 1)
    if variance == 0:
        return [0.0] * len(values)
    return [float(v - mean) / (math.sqrt(variance) + eps) for v in values]


def standardize__running_mean(x, eps=1e-8):
    """Welford's running mean and sum of squares."""
    if len(x) == 0 or x.min() == x.max():
        return np.zeros(len(x))
    mean = squares = 0.0
    for i, v in enumerate(x, 1):
        ahead = v - mean
        mean += ahead / i
        squares += ahead * (v - mean)
    return (x - mean) / (np.sqrt(squares / len(x)) + eps)


def policy_probs__row_loop(params, states):
    """State by state, in Python lists."""
    rows = []
    for s in states:
        hidden = [max(0.0, float(v)) for v in s @ params["W1"] + params["b1"]]
        z = (np.array(hidden) @ params["W2"] + params["b2"]).tolist()
        e = [math.exp(v - max(z)) for v in z]
        rows.append([v / sum(e) for v in e])
    return rows


def policy_probs__log_form(params, states):
    """exp(z − logsumexp(z)) with einsum, the relu as a product with a mask."""
    u = np.einsum("td,dh->th", states, params["W1"]) + params["b1"][None]
    z = np.einsum("th,ha->ta", u * (u > 0), params["W2"]) + params["b2"][None]
    return np.exp(z - np.logaddexp.reduce(z, axis=1)[:, None])


def policy_probs__in_place(params, states):
    """In place on its own arrays."""
    h = states.dot(params["W1"])
    h += params["b1"]
    h[h < 0] = 0
    z = h.dot(params["W2"])
    z += params["b2"]
    z -= z.max(axis=-1)[:, np.newaxis]
    np.exp(z, out=z)
    z /= z.sum(axis=-1)[:, np.newaxis]
    return z


def _softmax_of(z):
    e = np.exp(z - np.max(z))
    return e / e.sum()


def log_policy_grad__entry_by_entry(params, state, action):
    """Loops over units and actions, lists returned."""
    d, h = params["W1"].shape
    n = len(params["b2"])
    u = [sum(state[i] * params["W1"][i, j] for i in range(d)) + params["b1"][j] for j in range(h)]
    hid = [v if v > 0 else 0.0 for v in u]
    z = [sum(hid[j] * params["W2"][j, k] for j in range(h)) + params["b2"][k] for k in range(n)]
    p = _softmax_of(np.array(z))
    g = [float((k == action) - p[k]) for k in range(n)]
    v = [sum(params["W2"][j, k] * g[k] for k in range(n)) if u[j] > 0 else 0.0 for j in range(h)]
    return {
        "b2": g,
        "W2": [[hid[j] * g[k] for k in range(n)] for j in range(h)],
        "b1": [float(x) for x in v],
        "W1": [[float(state[i] * v[j]) for j in range(h)] for i in range(d)],
    }


def log_policy_grad__active_units_alone(params, state, action):
    """Only the columns of active units are touched, in arrays of zeros."""
    u = params["b1"] + params["W1"].T @ state
    on = np.flatnonzero(u > 0)
    p = _softmax_of(params["b2"] + u[on] @ params["W2"][on])
    g = np.where(np.arange(len(p)) == action, 1.0 - p, -p)
    grads = {key: np.zeros(value.shape) for key, value in params.items()}
    grads["b2"] += g
    grads["W2"][on] = np.multiply.outer(u[on], g)
    grads["b1"][on] = params["W2"][on] @ g
    grads["W1"][:, on] = state[:, None] * grads["b1"][on]
    return grads


def log_policy_grad__two_terms(params, state, action):
    """∇z_a minus the mean of all ∇z_k under π, each logit's gradient by itself."""
    u = state @ params["W1"] + params["b1"]
    h, mask = np.maximum(u, 0), np.heaviside(u, 0.0)
    p = _softmax_of(h @ params["W2"] + params["b2"])
    grads = {key: np.zeros(value.shape) for key, value in params.items()}
    for k in range(len(p)):
        c = (1.0 if k == action else 0.0) - p[k]
        grads["b2"][k] += c
        grads["W2"][:, k] += c * h
        grads["b1"] += c * params["W2"][:, k] * mask
        grads["W1"] += c * np.outer(state, params["W2"][:, k] * mask)
    return grads


def reinforce_grads__step_by_step(params, states, actions, weights):
    """One step after the other, accumulated."""
    total = {key: np.zeros(value.shape) for key, value in params.items()}
    for s, a, w in zip(states, actions, weights, strict=True):
        u = s @ params["W1"] + params["b1"]
        h = np.maximum(u, 0)
        g = -_softmax_of(h @ params["W2"] + params["b2"])
        g[int(a)] += 1
        g = g * w
        v = (params["W2"] @ g) * (u > 0)
        total["b2"] += g
        total["W2"] += np.outer(h, g)
        total["b1"] += v
        total["W1"] += np.outer(s, v)
    return total


def reinforce_grads__einsum(params, states, actions, weights):
    """One einsum for each parameter, over steps, units and actions."""
    u = states @ params["W1"] + params["b1"]
    h, mask = np.clip(u, 0, None), (u > 0).astype(float)
    z = h @ params["W2"] + params["b2"]
    p = np.exp(z - np.logaddexp.reduce(z, axis=1, keepdims=True))
    g = np.eye(len(params["b2"]))[actions] - p
    return {
        "W1": np.einsum("t,ti,tj,jk,tk->ij", weights, states, mask, params["W2"], g),
        "b1": np.einsum("t,tj,jk,tk->j", weights, mask, params["W2"], g),
        "W2": np.einsum("t,tj,tk->jk", weights, h, g),
        "b2": np.einsum("t,tk->k", weights, g),
    }


def reinforce_grads__as_a_cross_entropy(params, states, actions, weights):
    """Minus the gradient of the weighted cross-entropy; bias gradients from a column of ones."""
    T = len(weights)
    u = np.c_[states, np.ones(T)] @ np.vstack([params["W1"], params["b1"]])
    h = np.where(u > 0, u, 0)
    z = np.c_[h, np.ones(T)] @ np.vstack([params["W2"], params["b2"]])
    z = z - np.amax(z, axis=1)[:, None]
    loss_grad = np.exp(z) / np.exp(z).sum(axis=1)[:, None]
    loss_grad[range(T), actions] -= 1
    loss_grad = (loss_grad.T * weights).T
    back = np.where(u > 0, loss_grad @ params["W2"].T, 0)
    first = -np.c_[states, np.ones(T)].T @ back
    second = -np.c_[h, np.ones(T)].T @ loss_grad
    return {"W1": first[:-1], "b1": first[-1], "W2": second[:-1], "b2": second[-1]}


def reinforce_step__one_vector(params, grads, lr, max_norm=None):
    """All arrays as one vector, whose norm is taken and which is cut up again."""
    keys = list(params)
    g = np.concatenate([np.ravel(grads[k]) for k in keys])
    norm = np.linalg.norm(g)
    if max_norm is not None and norm > 0:
        g = g * min(1.0, max_norm / norm)
    new, start = {}, 0
    for k in keys:
        size = params[k].size
        new[k] = params[k] + lr * g[start : start + size].reshape(params[k].shape)
        start += size
    return new


def reinforce_step__in_place_on_copies(params, grads, lr, max_norm=None):
    """Deep copies changed in place; a `max` in the denominator."""
    new = {k: np.array(v, copy=True) for k, v in params.items()}
    factor = lr
    if max_norm is not None:
        norm = math.sqrt(math.fsum(float(v) ** 2 for g in grads.values() for v in np.ravel(g)))
        bound = max(norm, max_norm)
        factor = lr * max_norm / bound if bound > 0 else 0.0
    for k in grads:
        new[k] += factor * grads[k]
    return new


def reinforce_step__lists(params, grads, lr, max_norm=None):
    """The keys in another order, nested lists returned."""
    norm = np.hypot.reduce([np.linalg.norm(g) for g in grads.values()])
    clipped = max_norm is not None and norm >= max_norm and norm > 0
    scale = max_norm / norm if clipped else 1
    return {k: (params[k] + lr * (scale * grads[k])).tolist() for k in sorted(params)}


def expected_baseline_grad__sum_over_actions(logits, baseline):
    """The expectation, action by action, of b times the score."""
    p = _softmax_of(logits)
    b = [baseline] * len(p) if np.ndim(baseline) == 0 else list(baseline)
    total = np.zeros(len(p))
    for a in range(len(p)):
        total += p[a] * b[a] * (np.eye(len(p))[a] - p)
    return total


def expected_baseline_grad__jacobian(logits, baseline):
    """The softmax's Jacobian times b; a list returned."""
    p = np.exp(logits - np.logaddexp.reduce(logits))
    b = np.ones(len(p)) * baseline
    return ((np.diag(p) - np.outer(p, p)) @ b).tolist()


def expected_baseline_grad__two_cases(logits, baseline):
    """Zeros for a number; else two terms."""
    if not isinstance(baseline, np.ndarray) or baseline.ndim == 0:
        return np.zeros_like(logits)
    p = _softmax_of(logits)
    return p * baseline - p * np.dot(p, baseline)


def expected_baseline_grad__pairs(logits, baseline):
    """Differences of the baselines of pairs of actions."""
    p = _softmax_of(logits)
    b = np.zeros(len(p)) + baseline
    return p * ((b[:, None] - b) @ p)


def optimal_baseline__expanded_norm(probs, q_values):
    """‖e − π‖² multiplied out."""
    w = probs * (1 - 2 * probs + np.dot(probs, probs))
    return np.average(q_values, weights=w)


def optimal_baseline__loops(probs, q_values):
    """Two loops in Python floats."""
    top = bottom = 0.0
    for a, pa in enumerate(probs.tolist()):
        squares = sum(((k == a) - pk) ** 2 for k, pk in enumerate(probs.tolist()))
        top += pa * squares * float(q_values[a])
        bottom += pa * squares
    return top / bottom


def optimal_baseline__least_squares(probs, q_values):
    """The best constant in a weighted least-squares problem; a 0-d array returned."""
    root = np.sqrt(probs) * np.linalg.norm(np.eye(len(probs)) - probs, axis=1)
    return np.array(np.dot(root, root * q_values) / np.dot(root, root))


def gae__vectorised_deltas(rewards, values, next_values, terminated, truncated, gamma, lam):
    """All δ at once, then a backward scan with a continuation mask; a list returned."""
    delta = rewards + gamma * np.where(terminated, 0.0, next_values) - values
    go_on = np.where(np.logical_or(terminated, truncated), 0.0, gamma * lam)
    out = [0.0] * (len(rewards) + 1)
    for t in range(len(rewards) - 1, -1, -1):
        out[t] = float(delta[t] + go_on[t] * out[t + 1])
    return out[:-1]


def gae__double_loop(rewards, values, next_values, terminated, truncated, gamma, lam):
    """The definition: a sum for each step, up to its episode's end."""
    T = len(rewards)
    out = np.empty(T)
    for t in range(T):
        total, factor = 0.0, 1.0
        for k in range(t, T):
            future = 0 if terminated[k] else next_values[k]
            total += factor * (rewards[k] + gamma * future - values[k])
            if terminated[k] or truncated[k]:
                break
            factor *= gamma * lam
        out[t] = total
    return out


def gae__episode_by_episode(rewards, values, next_values, terminated, truncated, gamma, lam):
    """Cut into episodes, each solved as a triangular system."""
    delta = rewards + gamma * next_values * (1 - terminated.astype(float)) - values
    parts, start = [], 0
    ends = [*(np.flatnonzero(terminated | truncated) + 1).tolist(), len(rewards)]
    for end in ends:
        n = end - start
        if n > 0:
            system = np.eye(n) - gamma * lam * np.eye(n, k=1)
            parts.append(np.linalg.solve(system, delta[start:end]))
        start = end
    return np.concatenate(parts)


def ppo_clip_objective__loop(log_probs, old_log_probs, advantages, clip):
    """Sample by sample, in Python floats."""
    total = 0.0
    for new, old, a in zip(log_probs, old_log_probs, advantages, strict=True):
        r = math.exp(new) / math.exp(old)
        total += min(r * a, max(min(r, 1 + clip), 1 - clip) * a)
    return float(total / len(log_probs))


def ppo_clip_objective__by_sign(log_probs, old_log_probs, advantages, clip):
    """By the advantage's sign: one edge matters for each; a 0-d array returned."""
    r = np.exp(log_probs - old_log_probs)
    held = np.where(advantages >= 0, np.minimum(r, 1 + clip), np.maximum(r, 1 - clip))
    return np.array(np.dot(held, advantages) / advantages.size)


def ppo_clip_objective__minus_the_excess(log_probs, old_log_probs, advantages, clip):
    """ρA minus what the clipping takes away."""
    r = np.exp(log_probs) / np.exp(old_log_probs)
    plain = r * advantages
    lost = plain - np.clip(r, 1 - clip, 1 + clip) * advantages
    return np.average(plain - np.maximum(lost, 0.0))


def ppo_clip_grad__from_the_minimum(log_probs, old_log_probs, advantages, clip):
    """Where the plain product is the minimum, ties included, its gradient flows."""
    r = np.exp(log_probs - old_log_probs)
    plain, held = r * advantages, np.clip(r, 1 - clip, 1 + clip) * advantages
    return plain * (plain <= held) / r.size


def ppo_clip_grad__in_the_logarithm(log_probs, old_log_probs, advantages, clip):
    """The band's edges are compared in the logarithm; a loop, a list returned."""
    out = []
    low, high = math.log1p(-clip), math.log1p(clip)
    for new, old, a in zip(log_probs, old_log_probs, advantages, strict=True):
        d = float(new - old)
        free = d <= high if a > 0 else d >= low
        out.append(math.exp(d) * float(a) / len(log_probs) if free else 0.0)
    return out


def ppo_clip_grad__quotient(log_probs, old_log_probs, advantages, clip):
    """The ratio as a quotient, its distance from 1 along the advantage's sign."""
    r = np.exp(log_probs) / np.exp(old_log_probs)
    too_far = (r - 1) * np.sign(advantages) > clip
    grad = r * advantages / len(r)
    grad[too_far] = 0
    return grad


def categorical_kl__row_loop(p_logits, q_logits):
    """Row by row over the possible actions, in Python floats; nested lists returned."""
    p2, q2 = np.atleast_2d(p_logits), np.atleast_2d(q_logits)
    out = np.empty(p2.shape[:-1])
    for i in np.ndindex(*out.shape):
        keep = np.isfinite(p2[i])
        a, b = p2[i][keep], q2[i][keep]
        la = a - a.max() - math.log(np.exp(a - a.max()).sum())
        lb = b - b.max() - math.log(np.exp(b - b.max()).sum())
        out[i] = math.fsum(np.exp(la) * (la - lb))
    return float(out[0]) if np.ndim(p_logits) == 1 else out.tolist()


def categorical_kl__impossible_set_to_zero(p_logits, q_logits):
    """The differences of logits, whose mean under p is taken, and the two normalisers."""
    normaliser_p = np.logaddexp.reduce(p_logits, axis=-1)
    normaliser_q = np.logaddexp.reduce(q_logits, axis=-1)
    p = np.exp(p_logits - normaliser_p[..., None])
    safe_p = np.where(np.isneginf(p_logits), 0.0, p_logits - normaliser_p[..., None])
    safe_q = np.where(np.isneginf(q_logits), 0.0, q_logits - normaliser_q[..., None])
    return np.einsum("...a,...a->...", p, safe_p - safe_q)


def categorical_kl__difference_of_normalisers(p_logits, q_logits):
    """The mean difference of the logits, and that of the two normalisers by itself."""
    log_zp, log_zq = (np.logaddexp.reduce(z, axis=-1) for z in (p_logits, q_logits))
    p, possible = np.exp(p_logits - np.expand_dims(log_zp, -1)), np.isfinite(p_logits)
    gap = np.subtract(p_logits, q_logits, out=np.zeros(p.shape), where=possible)
    return np.sum(p * gap, axis=-1) - (log_zp - log_zq)


def categorical_kl__cross_minus_own_entropy(p_logits, q_logits):
    """Cross-entropy minus entropy."""

    def log_probs(z):
        d = z - z.max(axis=-1, keepdims=True)
        return d - np.log(np.exp(d).sum(axis=-1, keepdims=True))

    log_p, log_q = log_probs(p_logits), log_probs(q_logits)
    p, finite = np.exp(log_p), np.isfinite(log_p)
    cross = -np.sum(p * np.where(finite, log_q, 0), axis=-1)
    entropy = -np.sum(p * np.where(finite, log_p, 0), axis=-1)
    return cross - entropy


def categorical_kl_grad__row_loop(p_logits, q_logits):
    """Row by row, returned as nested lists."""
    out = np.empty(p_logits.shape)
    for i in np.ndindex(*p_logits.shape[:-1]):
        out[i] = _softmax_of(q_logits[i]) - _softmax_of(p_logits[i])
    return out.tolist()


def categorical_kl_grad__log_form(p_logits, q_logits):
    """exp(z − logsumexp(z)) for both."""
    q = np.exp(q_logits - np.logaddexp.reduce(q_logits, axis=-1, keepdims=True))
    p = np.exp(p_logits - np.logaddexp.reduce(p_logits, axis=-1, keepdims=True))
    return np.subtract(q, p)


def categorical_kl_grad__cross_entropy_backward(p_logits, q_logits):
    """The backward pass of −Σ p log q through the log-softmax, summed over labels."""
    p, q = (
        np.exp(z - z.max(-1)[..., None]) / np.exp(z - z.max(-1)[..., None]).sum(-1)[..., None]
        for z in (p_logits, q_logits)
    )
    upstream = -p  # with respect to log q
    return upstream - q * upstream.sum(axis=-1, keepdims=True)
