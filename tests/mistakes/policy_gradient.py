"""Wrong on purpose: what people write for policy gradients. Each docstring ends 'this is what you get when …'."""

import numpy as np


def _softmax(z):
    e = np.exp(z - np.max(z, axis=-1, keepdims=True))
    return e / e.sum(axis=-1, keepdims=True)


def _log_softmax(z):
    d = z - np.max(z, axis=-1, keepdims=True)
    return d - np.log(np.exp(d).sum(axis=-1, keepdims=True))


def _forward(params, states):
    pre = states @ params["W1"] + params["b1"]
    hidden = np.maximum(pre, 0.0)
    return pre, hidden, hidden @ params["W2"] + params["b2"]


def _back(params, states, pre, hidden, grad_logits):
    grad_pre = np.where(pre > 0, grad_logits @ params["W2"].T, 0.0)
    return {
        "W1": states.T @ grad_pre,
        "b1": grad_pre.sum(axis=0),
        "W2": hidden.T @ grad_logits,
        "b2": grad_logits.sum(axis=0),
    }


def _scores(params, states, actions):
    pre, hidden, logits = _forward(params, states)
    g = -_softmax(logits)
    g[np.arange(len(actions)), actions] += 1.0
    return pre, hidden, g


def _grads(params, states, actions, weights):
    pre, hidden, g = _scores(params, states, actions)
    return _back(params, states, pre, hidden, g * np.asarray(weights)[:, None])


def _one(params, state, action):
    return _grads(params, state[None, :], np.array([action]), np.ones(1))


def _norm(grads):
    return np.sqrt(sum((g**2).sum() for g in grads.values()))


def _moved(params, grads, factor):
    return {key: params[key] + factor * grads[key] for key in params}


def discounted_returns__whole_return(rewards, gamma):
    """every step gets the return of the whole episode, not the reward still to come"""
    return np.full(len(rewards), np.sum(gamma ** np.arange(len(rewards)) * rewards))


def discounted_returns__backwards_in_time(rewards, gamma):
    """the recursion runs forwards: each step is credited with the rewards before it"""
    out, ahead = np.zeros(len(rewards)), 0.0
    for t in range(len(rewards)):
        ahead = rewards[t] + gamma * ahead
        out[t] = ahead
    return out


def discounted_returns__not_reversed(rewards, gamma):
    """the list is filled from the last step backwards and never turned round"""
    out, ahead = [], 0.0
    for r in reversed(list(rewards)):
        ahead = r + gamma * ahead
        out.append(ahead)
    return np.array(out)


def discounted_returns__no_discount(rewards, gamma):
    """gamma is not used"""
    return np.cumsum(rewards[::-1])[::-1].copy()


def discounted_returns__discount_from_the_start(rewards, gamma):
    """the discount counts from the episode's start, not from the step itself"""
    discounted = gamma ** np.arange(len(rewards)) * rewards
    return np.cumsum(discounted[::-1])[::-1].copy()


def discounted_returns__without_own_reward(rewards, gamma):
    """the reward of the step itself is left out: the sum starts one step later"""
    out, ahead = np.zeros(len(rewards)), 0.0
    for t in reversed(range(len(rewards))):
        out[t] = ahead
        ahead = rewards[t] + gamma * ahead
    return out


def discounted_returns__own_reward_discounted(rewards, gamma):
    """the step's own reward is discounted too: every return is gamma times too small"""
    out, ahead = np.zeros(len(rewards)), 0.0
    for t in reversed(range(len(rewards))):
        ahead = gamma * (rewards[t] + ahead)
        out[t] = ahead
    return out


def discounted_returns__reset_at_each_reward(rewards, gamma):
    """the sum starts anew at every reward that is not zero, as if it ended an episode"""
    out, ahead = np.zeros(len(rewards)), 0.0
    for t in reversed(range(len(rewards))):
        if rewards[t] != 0:
            ahead = 0.0
        ahead = rewards[t] + gamma * ahead
        out[t] = ahead
    return out


def discounted_returns__divided_by_powers(rewards, gamma):
    """a cumulated γᵏ r_k is divided by γᵗ, which is 0/0 for γ = 0 and in long episodes"""
    powers = gamma ** np.arange(len(rewards))
    return np.cumsum((powers * rewards)[::-1])[::-1] / powers


def discounted_returns__starts_from_the_last(rewards, gamma):
    """the recursion is started from the last reward, which fails where there is none"""
    out = np.array(rewards, dtype=float)
    out[-1] = rewards[-1]
    for t in range(len(out) - 2, -1, -1):
        out[t] += gamma * out[t + 1]
    return out


def discounted_returns__averaged(rewards, gamma):
    """the discounted sum is divided by the number of steps that are left"""
    out, ahead = np.zeros(len(rewards)), 0.0
    for t in reversed(range(len(rewards))):
        ahead = rewards[t] + gamma * ahead
        out[t] = ahead / (len(rewards) - t)
    return out


def discounted_returns__sixty_steps_ahead(rewards, gamma):
    """only the next 60 rewards count, as if a power of γ that high were nothing"""
    T, powers = len(rewards), gamma ** np.arange(60)
    return np.array([powers[: T - t] @ rewards[t : t + 60] for t in range(T)], dtype=float)


def standardize__equal_entries_are_noise(x, eps=1e-8):
    """equal entries are not looked for, and the rounding of their mean is divided by a deviation as small"""
    if len(x) == 0:
        return np.zeros(0)
    return (x - np.mean(x)) / (np.std(x) + eps)


def standardize__small_equal_entries_are_noise(x, eps=1e-8):
    """equal entries are looked for only where they are large, but near 0.1 their mean rounds too"""
    if len(x) == 0 or (np.ptp(x) == 0 and (len(x) == 1 or abs(x[0]) > 1)):
        return np.zeros(len(x))
    return (x - np.mean(x)) / (np.std(x) + eps)


def standardize__mean_not_subtracted(x, eps=1e-8):
    """the mean is not subtracted"""
    if len(x) == 0:
        return np.zeros(0)
    return np.zeros(len(x)) if np.ptp(x) == 0 else x / (np.std(x) + eps)


def standardize__not_divided(x, eps=1e-8):
    """the mean is subtracted, but nothing is divided by the standard deviation"""
    return np.zeros(len(x)) if len(x) == 0 or np.ptp(x) == 0 else x - np.mean(x)


def standardize__sample_deviation(x, eps=1e-8):
    """the sum of squares is divided by n − 1, not by n"""
    if len(x) == 0 or np.ptp(x) == 0:
        return np.zeros(len(x))
    return (x - np.mean(x)) / (np.std(x, ddof=1) + eps)


def standardize__eps_under_the_root(x, eps=1e-8):
    """eps is added to the variance, under the root, not to the standard deviation"""
    if len(x) == 0 or np.ptp(x) == 0:
        return np.zeros(len(x))
    return (x - np.mean(x)) / np.sqrt(np.var(x) + eps)


def standardize__variance(x, eps=1e-8):
    """the entries are divided by the variance, not by its root"""
    if len(x) == 0 or np.ptp(x) == 0:
        return np.zeros(len(x))
    return (x - np.mean(x)) / (np.var(x) + eps)


def standardize__no_eps(x, eps=1e-8):
    """eps is not added"""
    if len(x) == 0 or np.ptp(x) == 0:
        return np.zeros(len(x))
    return (x - np.mean(x)) / np.std(x)


def standardize__eps_as_a_floor(x, eps=1e-8):
    """eps is a lower limit of the standard deviation, not added to it"""
    if len(x) == 0 or np.ptp(x) == 0:
        return np.zeros(len(x))
    return (x - np.mean(x)) / max(np.std(x), eps)


def standardize__one_pass_variance(x, eps=1e-8):
    """the variance is the mean of squares minus the square of the mean, which cancels far from zero"""
    if len(x) == 0 or np.ptp(x) == 0:
        return np.zeros(len(x))
    variance = np.mean(x**2) - np.mean(x) ** 2
    return (x - np.mean(x)) / (np.sqrt(abs(variance)) + eps)


def standardize__close_is_equal(x, eps=1e-8):
    """entries that are close to each other are taken for equal"""
    if len(x) == 0 or np.allclose(x, x[0]):
        return np.zeros(len(x))
    return (x - np.mean(x)) / (np.std(x) + eps)


def standardize__relative_tolerance(x, eps=1e-8):
    """entries are taken for equal that differ by no more than 1e-8 of their size"""
    if len(x) == 0 or np.allclose(x, x[0], rtol=1e-8, atol=0):
        return np.zeros(len(x))
    return (x - np.mean(x)) / (np.std(x) + eps)


def standardize__small_deviation_is_none(x, eps=1e-8):
    """zeros are given wherever the standard deviation is below eps, not only where entries are equal"""
    if len(x) == 0 or np.ptp(x) == 0 or np.std(x) < eps:
        return np.zeros(len(x))
    return (x - np.mean(x)) / (np.std(x) + eps)


def standardize__empty_is_nan(x, eps=1e-8):
    """no care is taken of an empty array, whose first entry is asked for"""
    if np.all(x == x[0]):
        return np.zeros(len(x))
    return (x - np.mean(x)) / (np.std(x) + eps)


def standardize__median(x, eps=1e-8):
    """the median is subtracted, not the mean"""
    if len(x) == 0 or np.ptp(x) == 0:
        return np.zeros(len(x))
    return (x - np.median(x)) / (np.std(x) + eps)


def policy_probs__no_max(params, states):
    """no maximum is subtracted, so that the exponentials overflow or all underflow"""
    e = np.exp(_forward(params, states)[2])
    return e / e.sum(axis=1, keepdims=True)


def policy_probs__global_max(params, states):
    """one maximum is subtracted from the whole batch, so that states far below it underflow"""
    z = _forward(params, states)[2]
    e = np.exp(z - z.max())
    return e / e.sum(axis=1, keepdims=True)


def policy_probs__global_max_in_the_logarithm(params, states):
    """one maximum is subtracted from the whole batch, so that the sum of a state far below it has no logarithm"""
    z = _forward(params, states)[2]
    z = z - z.max()
    return np.exp(z - np.log(np.exp(z).sum(axis=1, keepdims=True)))


def policy_probs__one_max_where_it_does_not_overflow(params, states):
    """one maximum serves the whole batch where the rows' own differ by less than 700, and small probabilities underflow"""
    z = _forward(params, states)[2]
    top = z.max(axis=1, keepdims=True)
    e = np.exp(z - (z.max() if np.ptp(top) < 700 else top))
    return e / e.sum(axis=1, keepdims=True)


def policy_probs__global_sum(params, states):
    """the exponentials are divided by the sum over the whole batch, not by each row's"""
    z = _forward(params, states)[2]
    e = np.exp(z - z.max(axis=1, keepdims=True))
    return e / e.sum()


def policy_probs__over_the_states(params, states):
    """the softmax runs over the states, not over the actions"""
    return _softmax(_forward(params, states)[2].T).T


def policy_probs__no_relu(params, states):
    """the relu is missing: the two layers are one linear map"""
    return _softmax((states @ params["W1"] + params["b1"]) @ params["W2"] + params["b2"])


def policy_probs__tanh(params, states):
    """the hidden layer is a tanh, not a relu"""
    return _softmax(np.tanh(states @ params["W1"] + params["b1"]) @ params["W2"] + params["b2"])


def policy_probs__relu_before_bias(params, states):
    """the relu is applied before the bias b1 is added"""
    return _softmax(
        (np.maximum(states @ params["W1"], 0) + params["b1"]) @ params["W2"] + params["b2"]
    )


def policy_probs__no_output_bias(params, states):
    """the bias b2 is left out"""
    return _softmax(np.maximum(states @ params["W1"] + params["b1"], 0) @ params["W2"])


def policy_probs__relu_on_logits(params, states):
    """the relu is applied to the logits too"""
    return _softmax(np.maximum(_forward(params, states)[2], 0))


def policy_probs__logits(params, states):
    """the logits are returned, without the softmax"""
    return _forward(params, states)[2]


def policy_probs__double_softmax(params, states):
    """the logits go through the softmax twice"""
    return _softmax(_softmax(_forward(params, states)[2]))


def policy_probs__clipped(params, states):
    """the probabilities are kept above 1e-8, and the rows no longer sum to one"""
    return np.clip(_softmax(_forward(params, states)[2]), 1e-8, 1.0)


def policy_probs__eps_in_the_denominator(params, states):
    """an eps is added to the denominator, so that rows do not sum to one"""
    z = _forward(params, states)[2]
    e = np.exp(z - z.max(axis=1, keepdims=True))
    return e / (e.sum(axis=1, keepdims=True) + 1e-6)


def log_policy_grad__sign(params, state, action):
    """the sign is flipped: π − onehot is the gradient of the negative log-probability"""
    return {key: -g for key, g in _one(params, state, action).items()}


def log_policy_grad__of_the_probability(params, state, action):
    """the gradient is that of π(a|s), not of its logarithm"""
    p = _softmax(_forward(params, state)[2])[action]
    return {key: p * g for key, g in _one(params, state, action).items()}


def log_policy_grad__divided_by_underflow(params, state, action):
    """the gradient of π is divided by π, which is 0/0 where the probability has underflowed"""
    pre, hidden, logits = _forward(params, state[None, :])
    p = _softmax(logits)
    grad_probs = p[0, action] * (np.eye(p.shape[1])[[action]] - p)
    return _back(params, state[None, :], pre, hidden, grad_probs / p[0, action])


def log_policy_grad__onehot_alone(params, state, action):
    """the probabilities are not subtracted from the one-hot: the normaliser is forgotten"""
    pre, hidden, logits = _forward(params, state[None, :])
    return _back(params, state[None, :], pre, hidden, np.eye(logits.shape[1])[[action]])


def log_policy_grad__chosen_logit_alone(params, state, action):
    """only the chosen action's logit gets a gradient, 1 − π_a, and the others get none"""
    pre, hidden, logits = _forward(params, state[None, :])
    g = np.eye(logits.shape[1])[[action]] * (1 - _softmax(logits))
    return _back(params, state[None, :], pre, hidden, g)


def log_policy_grad__no_relu_mask(params, state, action):
    """the gradient passes hidden units that are off: the relu's derivative is missing"""
    pre, hidden, g = _scores(params, state[None, :], np.array([action]))
    return _back(params, state[None, :], np.ones_like(pre), hidden, g)


def log_policy_grad__kink_counts_as_on(params, state, action):
    """a unit whose input is exactly 0 lets the gradient through: relu′(0) is taken as 1"""
    pre, hidden, g = _scores(params, state[None, :], np.array([action]))
    return _back(params, state[None, :], np.where(pre == 0, 1.0, pre), hidden, g)


def log_policy_grad__mask_above_a_threshold(params, state, action):
    """a unit counts as on only where its input is above 1e-6, not wherever it is above 0"""
    pre, hidden, g = _scores(params, state[None, :], np.array([action]))
    return _back(params, state[None, :], np.where(pre > 1e-6, pre, 0.0), hidden, g)


def log_policy_grad__certain_is_zero(params, state, action):
    """an action that is nearly certain is taken for certain, and its gradient for 0"""
    grads = _one(params, state, action)
    certain = grads["b2"][action] < 1e-9
    return {key: np.zeros_like(g) if certain else g for key, g in grads.items()}


def log_policy_grad__half_at_the_kink(params, state, action):
    """relu′(0) is taken as one half"""
    pre, hidden, g = _scores(params, state[None, :], np.array([action]))
    grad_pre = (g @ params["W2"].T * np.heaviside(pre, 0.5))[0]
    full = _back(params, state[None, :], pre, hidden, g)
    return {**full, "W1": np.outer(state, grad_pre), "b1": grad_pre}


def log_policy_grad__first_layer_unused(params, state, action):
    """the first layer gets no gradient: only W2 and b2 learn"""
    grads = _one(params, state, action)
    return {**grads, "W1": np.zeros_like(grads["W1"]), "b1": np.zeros_like(grads["b1"])}


def log_policy_grad__inputs_of_the_relu(params, state, action):
    """the gradient of W2 is built from the inputs of the relu, not from its outputs"""
    pre, hidden, g = _scores(params, state[None, :], np.array([action]))
    return _back(params, state[None, :], pre, pre, g)


def log_policy_grad__mask_of_the_gradient(params, state, action):
    """the relu is applied to the gradient itself: what is masked is where it is negative"""
    pre, hidden, g = _scores(params, state[None, :], np.array([action]))
    grad_pre = np.maximum(g @ params["W2"].T, 0.0)[0]
    full = _back(params, state[None, :], pre, hidden, g)
    return {**full, "W1": np.outer(state, grad_pre), "b1": grad_pre}


def log_policy_grad__transposed(params, state, action):
    """the outer products are taken the other way round, so that W1 and W2 come out transposed"""
    grads = _one(params, state, action)
    return {**grads, "W1": grads["W1"].T.copy(), "W2": grads["W2"].T.copy()}


def log_policy_grad__no_max(params, state, action):
    """no maximum is subtracted in the softmax, so that the exponentials overflow"""
    pre, hidden, logits = _forward(params, state[None, :])
    e = np.exp(logits)
    g = np.eye(logits.shape[1])[[action]] - e / e.sum()
    return _back(params, state[None, :], pre, hidden, g)


def reinforce_grads__mean(params, states, actions, weights):
    """the sum over the steps is divided by their number"""
    return _grads(params, states, actions, weights / len(weights))


def reinforce_grads__descent(params, states, actions, weights):
    """the gradient is that of a loss to minimise, −Σ w log π: it points downhill"""
    return _grads(params, states, actions, -weights)


def reinforce_grads__mean_weight(params, states, actions, weights):
    """the mean log-probability is multiplied by the weights: each step's own weight is lost to the mean of all"""
    return _grads(params, states, actions, np.full(len(weights), np.mean(weights)))


def reinforce_grads__product_of_means(params, states, actions, weights):
    """the mean log-probability is multiplied by the mean weight, so that steps and weights do not meet"""
    mean = np.mean(weights) / len(weights)
    return _grads(params, states, actions, np.full(len(weights), mean))


def reinforce_grads__weights_unused(params, states, actions, weights):
    """the weights are not used: all actions taken are made more likely"""
    return _grads(params, states, actions, np.ones(len(weights)))


def reinforce_grads__never_computed(params, states, actions, weights):
    """log-probability times return is computed as a number, but no gradient: nothing is ever learned"""
    return {key: np.zeros_like(value) for key, value in params.items()}


def reinforce_grads__log_prob_as_gradient(params, states, actions, weights):
    """weight times log-probability is used where its gradient with respect to the logits belongs"""
    pre, hidden, logits = _forward(params, states)
    g = np.zeros_like(logits)
    rows = np.arange(len(actions))
    g[rows, actions] = _log_softmax(logits)[rows, actions] * weights
    return _back(params, states, pre, hidden, g)


def reinforce_grads__standardized(params, states, actions, weights):
    """the weights are standardized once more, though they are to be used as they are"""
    return _grads(params, states, actions, (weights - weights.mean()) / (weights.std() + 1e-8))


def reinforce_grads__centred(params, states, actions, weights):
    """the mean of the weights is subtracted, though they are to be used as they are"""
    return _grads(params, states, actions, weights - weights.mean())


def reinforce_grads__last_step_alone(params, states, actions, weights):
    """only the last step's gradient is kept: each overwrites the one before"""
    return _grads(params, states[-1:], actions[-1:], weights[-1:])


def reinforce_grads__whole_columns(params, states, actions, weights):
    """`g[:, actions] += 1` changes whole columns, not one entry in each row"""
    pre, hidden, logits = _forward(params, states)
    g = -_softmax(logits)
    g[:, actions] += 1.0
    return _back(params, states, pre, hidden, g * weights[:, None])


def reinforce_grads__weight_on_onehot_alone(params, states, actions, weights):
    """only the one-hot is multiplied by the weight, and the probabilities are not"""
    pre, hidden, logits = _forward(params, states)
    g = np.eye(logits.shape[1])[actions] * weights[:, None] - _softmax(logits)
    return _back(params, states, pre, hidden, g)


def reinforce_grads__negative_weights_dropped(params, states, actions, weights):
    """steps of negative weight are left out: nothing is ever made less likely"""
    return _grads(params, states, actions, np.maximum(weights, 0.0))


def reinforce_grads__no_relu_mask(params, states, actions, weights):
    """the gradient passes hidden units that are off: the relu's derivative is missing"""
    pre, hidden, g = _scores(params, states, actions)
    return _back(params, states, np.ones_like(pre), hidden, g * weights[:, None])


def reinforce_grads__kink_counts_as_on(params, states, actions, weights):
    """a unit whose input is exactly 0 lets the gradient through: relu′(0) is taken as 1"""
    pre, hidden, g = _scores(params, states, actions)
    return _back(params, states, np.where(pre == 0, 1.0, pre), hidden, g * weights[:, None])


def reinforce_grads__mask_above_a_threshold(params, states, actions, weights):
    """a unit counts as on only where its input is above 1e-6, not wherever it is above 0"""
    pre, hidden, g = _scores(params, states, actions)
    return _back(params, states, np.where(pre > 1e-6, pre, 0.0), hidden, g * weights[:, None])


def reinforce_grads__narrow_index_overflows(params, states, actions, weights):
    """a flat index is computed in the actions' own integers, which overflow where they are narrow"""
    pre, hidden, logits = _forward(params, states)
    T = np.asarray(len(actions)).astype(actions.dtype)
    onehot = np.zeros((logits.shape[1], len(actions)))
    np.put(onehot, (actions * T).astype(np.int64) + np.arange(len(actions)), 1.0)
    return _back(params, states, pre, hidden, (onehot.T - _softmax(logits)) * weights[:, None])


def reinforce_grads__unsigned_index_is_a_float(params, states, actions, weights):
    """row numbers are added to unsigned actions of 64 bits, which NumPy makes a float: no index"""
    pre, hidden, logits = _forward(params, states)
    g = -_softmax(logits)
    g.reshape(-1)[np.arange(len(actions)) * logits.shape[1] + actions] += 1.0
    return _back(params, states, pre, hidden, g * weights[:, None])


def reinforce_grads__importance_weighted(params, states, actions, weights):
    """each step is multiplied by its action's probability once more: the sampling has done that already"""
    p = _softmax(_forward(params, states)[2])[np.arange(len(actions)), actions]
    return _grads(params, states, actions, weights * p)


def reinforce_grads__global_max(params, states, actions, weights):
    """one maximum is subtracted from the whole batch, so that states far below it underflow"""
    pre, hidden, logits = _forward(params, states)
    e = np.exp(logits - logits.max())
    g = np.eye(logits.shape[1])[actions] - e / e.sum(axis=1, keepdims=True)
    return _back(params, states, pre, hidden, g * weights[:, None])


def reinforce_step__descent(params, grads, lr, max_norm=None):
    """the step goes down the gradient: the sign of a loss, where an objective is maximised"""
    scale = 1.0 if max_norm is None or _norm(grads) <= max_norm else max_norm / _norm(grads)
    return _moved(params, grads, -lr * scale)


def reinforce_step__never_applied(params, grads, lr, max_norm=None):
    """the gradient is never applied: the parameters come back as they were"""
    return {key: value.copy() for key, value in params.items()}


def reinforce_step__in_place(params, grads, lr, max_norm=None):
    """the caller's parameters are changed in place"""
    scale = 1.0 if max_norm is None or _norm(grads) <= max_norm else max_norm / _norm(grads)
    for key in params:
        params[key] += lr * scale * grads[key]
    return params


def reinforce_step__no_learning_rate(params, grads, lr, max_norm=None):
    """the learning rate is left out"""
    scale = 1.0 if max_norm is None or _norm(grads) <= max_norm else max_norm / _norm(grads)
    return _moved(params, grads, scale)


def reinforce_step__limit_ignored(params, grads, lr, max_norm=None):
    """max_norm is ignored"""
    return _moved(params, grads, lr)


def reinforce_step__each_array_clipped(params, grads, lr, max_norm=None):
    """each array is clipped to the limit by itself, which changes the direction"""
    out = {}
    for key in params:
        norm = np.sqrt((grads[key] ** 2).sum())
        scale = 1.0 if max_norm is None or norm <= max_norm else max_norm / norm
        out[key] = params[key] + lr * scale * grads[key]
    return out


def reinforce_step__entries_clipped(params, grads, lr, max_norm=None):
    """each entry is clipped to ±max_norm: that limits the largest entry, not the norm"""
    if max_norm is None:
        return _moved(params, grads, lr)
    return {k: params[k] + lr * np.clip(grads[k], -max_norm, max_norm) for k in params}


def reinforce_step__scaled_up(params, grads, lr, max_norm=None):
    """a gradient shorter than the limit is scaled up to it"""
    norm = _norm(grads)
    scale = 1.0 if max_norm is None or norm == 0 else max_norm / norm
    return _moved(params, grads, lr * scale)


def reinforce_step__zero_is_no_limit(params, grads, lr, max_norm=None):
    """`if max_norm` takes the limit 0 for none"""
    scale = 1.0
    if max_norm and _norm(grads) > max_norm:
        scale = max_norm / _norm(grads)
    return _moved(params, grads, lr * scale)


def reinforce_step__zero_by_zero(params, grads, lr, max_norm=None):
    """the limit is divided by a norm of zero"""
    scale = 1.0 if max_norm is None else min(1.0, max_norm / np.float64(_norm(grads)))
    return _moved(params, grads, lr * scale)


def reinforce_step__eps_in_the_norm(params, grads, lr, max_norm=None):
    """1e-6 is added to the norm, so that small gradients are clipped too far"""
    scale = 1.0 if max_norm is None else min(1.0, max_norm / (_norm(grads) + 1e-6))
    return _moved(params, grads, lr * scale)


def reinforce_step__squared_norm(params, grads, lr, max_norm=None):
    """the square root of the norm is missing"""
    norm = _norm(grads) ** 2
    scale = 1.0 if max_norm is None or norm <= max_norm else max_norm / norm
    return _moved(params, grads, lr * scale)


def reinforce_step__step_clipped(params, grads, lr, max_norm=None):
    """the step lr·grads is held to the limit, not the gradient before lr"""
    norm = lr * _norm(grads)
    scale = 1.0 if max_norm is None or norm <= max_norm else max_norm / norm
    return _moved(params, grads, lr * scale)


def reinforce_step__sum_of_norms(params, grads, lr, max_norm=None):
    """the arrays' norms are added, where the squares are to be added under one root"""
    norm = sum(np.sqrt((g**2).sum()) for g in grads.values())
    scale = 1.0 if max_norm is None or norm <= max_norm else max_norm / norm
    return _moved(params, grads, lr * scale)


def reinforce_step__biases_not_counted(params, grads, lr, max_norm=None):
    """the norm is taken over the weight matrices alone, without the biases"""
    norm = np.sqrt(sum((grads[k] ** 2).sum() for k in ("W1", "W2")))
    scale = 1.0 if max_norm is None or norm <= max_norm else max_norm / norm
    return _moved(params, grads, lr * scale)


def reinforce_step__matched_by_position(params, grads, lr, max_norm=None):
    """parameters and gradients are matched by their order in the dicts, not by their keys"""
    scale = 1.0 if max_norm is None or _norm(grads) <= max_norm else max_norm / _norm(grads)
    pairs = zip(params.items(), grads.values(), strict=True)
    return {key: value + lr * scale * g for (key, value), g in pairs}


def expected_baseline_grad__plain_mean(logits, baseline):
    """the plain mean of b is subtracted, not the one weighted by π"""
    p = _softmax(logits)
    b = np.broadcast_to(baseline, p.shape)
    return p * (b - b.mean())


def expected_baseline_grad__always_zero(logits, baseline):
    """the proof is applied to every baseline: zero is returned for one that depends on the action too"""
    return np.zeros(len(logits))


def expected_baseline_grad__close_is_equal(logits, baseline):
    """a baseline whose entries are close to each other is taken for a number, and zeros are returned"""
    b = np.broadcast_to(baseline, logits.shape)
    if np.allclose(b, b[0], rtol=1e-2):
        return np.zeros(len(logits))
    p = _softmax(logits)
    return p * (b - np.sum(p * b))


def expected_baseline_grad__no_normaliser(logits, baseline):
    """the score is taken as the one-hot alone: what the softmax's normaliser takes away is missing"""
    return _softmax(logits) * baseline


def expected_baseline_grad__sign(logits, baseline):
    """the sign is flipped: π ⊙ (π·b − b)"""
    p = _softmax(logits)
    return p * (np.sum(p * baseline) - baseline)


def expected_baseline_grad__not_weighted(logits, baseline):
    """the scores are summed over the actions without their probabilities"""
    p = _softmax(logits)
    b = np.broadcast_to(baseline, p.shape)
    return b - p * b.sum()


def expected_baseline_grad__averaged(logits, baseline):
    """the expectation is divided by the number of actions once more"""
    p = _softmax(logits)
    return p * (baseline - np.sum(p * baseline)) / len(p)


def expected_baseline_grad__no_outer_pi(logits, baseline):
    """the difference b − π·b is not multiplied by π"""
    p = _softmax(logits)
    b = np.broadcast_to(baseline, p.shape)
    return b - np.sum(p * b)


def expected_baseline_grad__logits_as_probabilities(logits, baseline):
    """the logits are used as if they were probabilities"""
    b = np.broadcast_to(baseline, logits.shape)
    return logits * (b - np.sum(logits * b))


def expected_baseline_grad__sum_of_the_number(logits, baseline):
    """π·b is a sum over the actions that meets a number: a plain product with π and then no sum"""
    p = _softmax(logits)
    return p * (baseline - p * baseline)


def expected_baseline_grad__no_max(logits, baseline):
    """no maximum is subtracted in the softmax, so that the exponentials overflow"""
    e = np.exp(logits)
    p = e / e.sum()
    return p * (baseline - np.sum(p * baseline))


def optimal_baseline__value(probs, q_values):
    """V = Σ π q is returned, which is the usual baseline but not the one of least variance"""
    return float(probs @ q_values)


def optimal_baseline__plain_mean(probs, q_values):
    """the returns are averaged without any weights"""
    return float(np.mean(q_values))


def optimal_baseline__not_normalised(probs, q_values):
    """the weighted sum is not divided by the sum of the weights"""
    w = probs * ((np.eye(len(probs)) - probs) ** 2).sum(axis=1)
    return float(w @ q_values)


def optimal_baseline__norm_not_squared(probs, q_values):
    """the score's norm is used as the weight, not its square"""
    w = probs * np.sqrt(((np.eye(len(probs)) - probs) ** 2).sum(axis=1))
    return float(w @ q_values / w.sum())


def optimal_baseline__no_probabilities(probs, q_values):
    """the squared scores are not weighted with the probabilities"""
    w = ((np.eye(len(probs)) - probs) ** 2).sum(axis=1)
    return float(w @ q_values / w.sum())


def optimal_baseline__squared_probabilities(probs, q_values):
    """the actions are weighted with the squares of their probabilities"""
    w = probs**2 * ((np.eye(len(probs)) - probs) ** 2).sum(axis=1)
    return float(w @ q_values / w.sum())


def optimal_baseline__own_logit_alone(probs, q_values):
    """only the score's entry at the action itself counts, (1 − π_a)², and not those of the other logits"""
    w = probs * (1 - probs) ** 2
    return float(w @ q_values / w.sum())


def optimal_baseline__bernoulli_variance(probs, q_values):
    """the weights are π(1 − π), the variance of each indicator, in place of π‖e − π‖²"""
    w = probs * (1 - probs)
    return float(w @ q_values / w.sum())


def optimal_baseline__sum_over_actions(probs, q_values):
    """the squares are summed along the wrong axis: over the actions, not over the logits"""
    w = probs * ((np.eye(len(probs)) - probs) ** 2).sum(axis=0)
    return float(w @ q_values / w.sum())


def optimal_baseline__inverse_norm(probs, q_values):
    """the actions are weighted with the inverse of the squared score"""
    w = probs / ((np.eye(len(probs)) - probs) ** 2).sum(axis=1)
    return float(w @ q_values / w.sum())


def optimal_baseline__softmax_first(probs, q_values):
    """the probabilities are sent through a softmax, as if they were logits"""
    p = _softmax(probs)
    w = p * ((np.eye(len(p)) - p) ** 2).sum(axis=1)
    return float(w @ q_values / w.sum())


def _gae(rewards, following, values, bootstraps, goes_on, gamma, lam):
    out, ahead = np.zeros(len(rewards)), 0.0
    for t in reversed(range(len(rewards))):
        delta = rewards[t] + gamma * following[t] * bootstraps[t] - values[t]
        ahead = delta + gamma * lam * goes_on[t] * ahead
        out[t] = ahead
    return out


def gae__truncation_as_termination(rewards, values, next_values, terminated, truncated, gamma, lam):
    """a truncated step does not bootstrap either: the time limit is taken for a termination"""
    on = ~(terminated | truncated)
    return _gae(rewards, next_values, values, on, on, gamma, lam)


def gae__bootstraps_past_the_end(rewards, values, next_values, terminated, truncated, gamma, lam):
    """a terminated step bootstraps too, from the value behind the end"""
    on = ~(terminated | truncated)
    return _gae(rewards, next_values, values, np.ones(len(rewards)), on, gamma, lam)


def gae__runs_through_truncation(rewards, values, next_values, terminated, truncated, gamma, lam):
    """the recursion does not stop at a truncation and runs into the next episode"""
    return _gae(rewards, next_values, values, ~terminated, ~terminated, gamma, lam)


def gae__runs_through_everything(rewards, values, next_values, terminated, truncated, gamma, lam):
    """the recursion never stops, so that episodes leak into those before them"""
    return _gae(rewards, next_values, values, ~terminated, np.ones(len(rewards)), gamma, lam)


def gae__both_flags_bootstrap(rewards, values, next_values, terminated, truncated, gamma, lam):
    """a step with both flags set is taken for truncated, and bootstraps"""
    on = ~(terminated | truncated)
    return _gae(rewards, next_values, values, ~terminated | truncated, on, gamma, lam)


def gae__next_entry_of_values(rewards, values, next_values, terminated, truncated, gamma, lam):
    """values[t + 1] is used for the next value, which belongs to the next episode after a truncation"""
    following = np.append(values[1:], next_values[-1])
    on = ~(terminated | truncated)
    return _gae(rewards, following, values, ~terminated, on, gamma, lam)


def gae__no_bootstrap_at_the_end(rewards, values, next_values, terminated, truncated, gamma, lam):
    """the last step of the array is taken for the end of its episode and does not bootstrap"""
    following = np.append(next_values[:-1], 0.0)
    on = ~(terminated | truncated)
    return _gae(rewards, following, values, ~terminated, on, gamma, lam)


def gae__no_bootstrap_without_a_flag(
    rewards, values, next_values, terminated, truncated, gamma, lam
):
    """the last step of the array does not bootstrap where it has no flag: it is taken for terminated"""
    on, ended = ~(terminated | truncated), terminated.copy()
    ended[-1] |= not truncated[-1]
    return _gae(rewards, next_values, values, ~ended, on, gamma, lam)


def gae__added_and_subtracted_again(
    rewards, values, next_values, terminated, truncated, gamma, lam
):
    """the next value of a terminated step is added and then subtracted, and a large one takes all digits with it"""
    delta = rewards + gamma * next_values - values
    delta -= terminated * (gamma * next_values)
    on, zeros = ~(terminated | truncated), np.zeros(len(rewards))
    return _gae(delta, zeros, zeros, zeros, on, gamma, lam)


def gae__without_lambda(rewards, values, next_values, terminated, truncated, gamma, lam):
    """λ is left out of the recursion"""
    on = ~(terminated | truncated)
    return _gae(rewards, next_values, values, ~terminated, on, gamma, 1.0)


def gae__without_gamma_in_the_recursion(
    rewards, values, next_values, terminated, truncated, gamma, lam
):
    """the recursion decays with λ alone, without γ"""
    out, ahead = np.zeros(len(rewards)), 0.0
    for t in reversed(range(len(rewards))):
        delta = rewards[t] + gamma * next_values[t] * (not terminated[t]) - values[t]
        ahead = delta + lam * (not (terminated[t] or truncated[t])) * ahead
        out[t] = ahead
    return out


def gae__without_gamma_in_delta(rewards, values, next_values, terminated, truncated, gamma, lam):
    """the next value is not discounted in δ"""
    out, ahead = np.zeros(len(rewards)), 0.0
    for t in reversed(range(len(rewards))):
        delta = rewards[t] + next_values[t] * (not terminated[t]) - values[t]
        ahead = delta + gamma * lam * (not (terminated[t] or truncated[t])) * ahead
        out[t] = ahead
    return out


def gae__targets(rewards, values, next_values, terminated, truncated, gamma, lam):
    """the value targets A + V are returned, not the advantages"""
    on = ~(terminated | truncated)
    return _gae(rewards, next_values, values, ~terminated, on, gamma, lam) + values


def gae__value_not_subtracted(rewards, values, next_values, terminated, truncated, gamma, lam):
    """the step's own value is not subtracted"""
    on = ~(terminated | truncated)
    return _gae(rewards, next_values, np.zeros(len(rewards)), ~terminated, on, gamma, lam)


def gae__standardized(rewards, values, next_values, terminated, truncated, gamma, lam):
    """the advantages are standardized, which is the caller's business"""
    on = ~(terminated | truncated)
    a = _gae(rewards, next_values, values, ~terminated, on, gamma, lam)
    return (a - a.mean()) / (a.std() + 1e-8)


def gae__flag_of_the_next_step(rewards, values, next_values, terminated, truncated, gamma, lam):
    """the flags are read one step too late: those of step t + 1 decide over step t"""
    end = np.append((terminated | truncated)[1:], False)
    return _gae(rewards, next_values, values, ~np.append(terminated[1:], False), ~end, gamma, lam)


def gae__one_step_too_far(rewards, values, next_values, terminated, truncated, gamma, lam):
    """an end cuts the recursion behind the step before it: the last step's own advantage is lost to it"""
    out, ahead = np.zeros(len(rewards)), 0.0
    end = terminated | truncated
    for t in reversed(range(len(rewards))):
        delta = rewards[t] + gamma * next_values[t] * (not terminated[t]) - values[t]
        out[t] = delta + gamma * lam * ahead * (not end[t])
        ahead = 0.0 if end[t] else out[t]
    return out


def _ratio(log_probs, old_log_probs):
    return np.exp(log_probs - old_log_probs)


def ppo_clip_objective__maximum(log_probs, old_log_probs, advantages, clip):
    """the larger of the two products is taken, not the smaller"""
    r = _ratio(log_probs, old_log_probs)
    return float(np.mean(np.maximum(r * advantages, np.clip(r, 1 - clip, 1 + clip) * advantages)))


def ppo_clip_objective__unclipped(log_probs, old_log_probs, advantages, clip):
    """nothing is clipped: the plain surrogate ρA"""
    return float(np.mean(_ratio(log_probs, old_log_probs) * advantages))


def ppo_clip_objective__clipped_alone(log_probs, old_log_probs, advantages, clip):
    """only the clipped product is used, without the minimum with the plain one"""
    r = np.clip(_ratio(log_probs, old_log_probs), 1 - clip, 1 + clip)
    return float(np.mean(r * advantages))


def ppo_clip_objective__ratio_inverted(log_probs, old_log_probs, advantages, clip):
    """the ratio is upside down: old over new"""
    r = _ratio(old_log_probs, log_probs)
    return float(np.mean(np.minimum(r * advantages, np.clip(r, 1 - clip, 1 + clip) * advantages)))


def ppo_clip_objective__minimum_of_ratios(log_probs, old_log_probs, advantages, clip):
    """the minimum is taken of the ratios, before the advantage's sign can turn it round"""
    r = _ratio(log_probs, old_log_probs)
    return float(np.mean(np.minimum(r, np.clip(r, 1 - clip, 1 + clip)) * advantages))


def ppo_clip_objective__loss(log_probs, old_log_probs, advantages, clip):
    """the sign is flipped: the loss to minimise, where the objective to maximise is asked for"""
    r = _ratio(log_probs, old_log_probs)
    return -float(np.mean(np.minimum(r * advantages, np.clip(r, 1 - clip, 1 + clip) * advantages)))


def ppo_clip_objective__sum(log_probs, old_log_probs, advantages, clip):
    """the samples are summed, not averaged"""
    r = _ratio(log_probs, old_log_probs)
    return float(np.sum(np.minimum(r * advantages, np.clip(r, 1 - clip, 1 + clip) * advantages)))


def ppo_clip_objective__log_ratio(log_probs, old_log_probs, advantages, clip):
    """the exponential is missing: the difference of the logarithms, plus one, is taken for the ratio"""
    r = 1 + log_probs - old_log_probs
    return float(np.mean(np.minimum(r * advantages, np.clip(r, 1 - clip, 1 + clip) * advantages)))


def ppo_clip_objective__log_ratio_clipped(log_probs, old_log_probs, advantages, clip):
    """the logarithm of the ratio is clipped to ±ε, not the ratio to 1 ± ε"""
    d = log_probs - old_log_probs
    clipped = np.exp(np.clip(d, -clip, clip))
    return float(np.mean(np.minimum(np.exp(d) * advantages, clipped * advantages)))


def ppo_clip_objective__standardized(log_probs, old_log_probs, advantages, clip):
    """the advantages are standardized first, though they are to be used as they are"""
    a = (advantages - advantages.mean()) / (advantages.std() + 1e-8)
    r = _ratio(log_probs, old_log_probs)
    return float(np.mean(np.minimum(r * a, np.clip(r, 1 - clip, 1 + clip) * a)))


def ppo_clip_objective__upper_edge_alone(log_probs, old_log_probs, advantages, clip):
    """only the upper edge of the band is clipped at, so that bad actions are pushed down without end"""
    r = _ratio(log_probs, old_log_probs)
    return float(np.mean(np.minimum(r * advantages, np.minimum(r, 1 + clip) * advantages)))


def ppo_clip_objective__minimum_of_means(log_probs, old_log_probs, advantages, clip):
    """the minimum is taken of the two means, not sample by sample"""
    r = _ratio(log_probs, old_log_probs)
    c = np.clip(r, 1 - clip, 1 + clip)
    return float(min(np.mean(r * advantages), np.mean(c * advantages)))


def _ppo_grad(ratio, advantages, blocked):
    return np.where(blocked, 0.0, ratio * advantages) / len(ratio)


def ppo_clip_grad__clip_is_kept(log_probs, old_log_probs, advantages, clip):
    """a clipped term keeps its gradient"""
    r = _ratio(log_probs, old_log_probs)
    return r * advantages / len(r)


def ppo_clip_grad__clipped_ratio_as_gradient(log_probs, old_log_probs, advantages, clip):
    """a clipped term gets the clipped ratio as its gradient, though it is constant"""
    r = _ratio(log_probs, old_log_probs)
    c = np.clip(r, 1 - clip, 1 + clip)
    return np.minimum(r * advantages, c * advantages) / len(r)


def ppo_clip_grad__zero_outside_the_band(log_probs, old_log_probs, advantages, clip):
    """every ratio outside the band loses its gradient, whatever the advantage's sign"""
    r = _ratio(log_probs, old_log_probs)
    return _ppo_grad(r, advantages, (r > 1 + clip) | (r < 1 - clip))


def ppo_clip_grad__tie_is_lost(log_probs, old_log_probs, advantages, clip):
    """a ratio exactly at the band's edge loses its gradient"""
    r = _ratio(log_probs, old_log_probs)
    blocked = ((advantages > 0) & (r >= 1 + clip)) | ((advantages < 0) & (r <= 1 - clip))
    return _ppo_grad(r, advantages, blocked)


def ppo_clip_grad__tie_is_halved(log_probs, old_log_probs, advantages, clip):
    """a ratio exactly at the band's edge keeps half of its gradient"""
    r = _ratio(log_probs, old_log_probs)
    blocked = ((advantages > 0) & (r > 1 + clip)) | ((advantages < 0) & (r < 1 - clip))
    tie = (r == 1 + clip) | (r == 1 - clip)
    return _ppo_grad(r, advantages, blocked) * np.where(tie, 0.5, 1.0)


def ppo_clip_grad__equal_products_blocked(log_probs, old_log_probs, advantages, clip):
    """the gradient flows only where the plain product is strictly smaller, so never inside the band"""
    r = _ratio(log_probs, old_log_probs)
    c = np.clip(r, 1 - clip, 1 + clip)
    return _ppo_grad(r, advantages, ~(r * advantages < c * advantages))


def ppo_clip_grad__no_mean(log_probs, old_log_probs, advantages, clip):
    """the 1/N of the mean is missing"""
    r = _ratio(log_probs, old_log_probs)
    blocked = ((advantages > 0) & (r > 1 + clip)) | ((advantages < 0) & (r < 1 - clip))
    return np.where(blocked, 0.0, r * advantages)


def ppo_clip_grad__without_the_ratio(log_probs, old_log_probs, advantages, clip):
    """the derivative of the ratio is missing: A in place of ρA"""
    r = _ratio(log_probs, old_log_probs)
    blocked = ((advantages > 0) & (r > 1 + clip)) | ((advantages < 0) & (r < 1 - clip))
    return _ppo_grad(np.ones(len(r)), advantages, blocked)


def ppo_clip_grad__wrong_sides(log_probs, old_log_probs, advantages, clip):
    """the sides are exchanged: good actions are blocked below the band, bad ones above it"""
    r = _ratio(log_probs, old_log_probs)
    blocked = ((advantages < 0) & (r > 1 + clip)) | ((advantages > 0) & (r < 1 - clip))
    return _ppo_grad(r, advantages, blocked)


def ppo_clip_grad__descent(log_probs, old_log_probs, advantages, clip):
    """the sign is flipped: the gradient of the loss, where the objective's is asked for"""
    r = _ratio(log_probs, old_log_probs)
    blocked = ((advantages > 0) & (r > 1 + clip)) | ((advantages < 0) & (r < 1 - clip))
    return -_ppo_grad(r, advantages, blocked)


def ppo_clip_grad__ratio_inverted(log_probs, old_log_probs, advantages, clip):
    """the ratio is upside down: old over new"""
    r = _ratio(old_log_probs, log_probs)
    blocked = ((advantages > 0) & (r > 1 + clip)) | ((advantages < 0) & (r < 1 - clip))
    return _ppo_grad(r, advantages, blocked)


def ppo_clip_grad__mean_over_the_unclipped(log_probs, old_log_probs, advantages, clip):
    """the mean is taken over the samples that are not clipped, not over all"""
    r = _ratio(log_probs, old_log_probs)
    blocked = ((advantages > 0) & (r > 1 + clip)) | ((advantages < 0) & (r < 1 - clip))
    return np.where(blocked, 0.0, r * advantages) / max(np.count_nonzero(~blocked), 1)


def ppo_clip_grad__good_actions_alone(log_probs, old_log_probs, advantages, clip):
    """only good actions are blocked: bad ones are pushed down without end"""
    r = _ratio(log_probs, old_log_probs)
    return _ppo_grad(r, advantages, (advantages > 0) & (r > 1 + clip))


def categorical_kl__reversed(p_logits, q_logits):
    """the arguments are exchanged: KL(q‖p)"""
    log_p, log_q = _log_softmax(p_logits), _log_softmax(q_logits)
    d = np.subtract(log_q, log_p, out=np.zeros(log_p.shape), where=~np.isneginf(log_p))
    return (np.exp(log_q) * d).sum(axis=-1)


def categorical_kl__impossible_is_nan(p_logits, q_logits):
    """an action that is −inf in both gives 0 · (−inf + inf), which is NaN"""
    log_p, log_q = _log_softmax(p_logits), _log_softmax(q_logits)
    return (np.exp(log_p) * (log_p - log_q)).sum(axis=-1)


def categorical_kl__log_of_softmax(p_logits, q_logits):
    """the logarithm is taken of probabilities that have already underflowed to 0"""
    p, q = _softmax(p_logits), _softmax(q_logits)
    d = np.subtract(np.log(p), np.log(q), out=np.zeros(p.shape), where=p > 0)
    return (p * d).sum(axis=-1)


def categorical_kl__eps_inside_the_logarithm(p_logits, q_logits):
    """1e-10 is added inside the logarithms, which caps the divergence at 23"""
    p, q = _softmax(p_logits), _softmax(q_logits)
    return (p * (np.log(p + 1e-10) - np.log(q + 1e-10))).sum(axis=-1)


def categorical_kl__unnormalised(p_logits, q_logits):
    """the logits are used as log-probabilities, without their normaliser"""
    p = _softmax(p_logits)
    d = np.subtract(p_logits, q_logits, out=np.zeros(p.shape), where=~np.isneginf(p_logits))
    return (p * d).sum(axis=-1)


def categorical_kl__mean_over_actions(p_logits, q_logits):
    """the terms of a row are averaged over the actions, not summed"""
    return _kl(p_logits, q_logits) / p_logits.shape[-1]


def categorical_kl__mean_over_rows(p_logits, q_logits):
    """the rows are averaged: one number for the batch, not one for each row"""
    return np.mean(_kl(p_logits, q_logits))


def categorical_kl__cross_entropy(p_logits, q_logits):
    """p's own entropy is not subtracted: the cross-entropy −Σ p log q"""
    p, log_q = _softmax(p_logits), _log_softmax(q_logits)
    return -(p * np.where(np.isneginf(log_q), 0.0, log_q)).sum(axis=-1)


def categorical_kl__symmetric(p_logits, q_logits):
    """both directions are averaged: the symmetric divergence"""
    return (_kl(p_logits, q_logits) + _kl(q_logits, p_logits)) / 2


def categorical_kl__sign(p_logits, q_logits):
    """the sign is flipped: Σ p log(q/p), which is never positive"""
    return -_kl(p_logits, q_logits)


def categorical_kl__bits(p_logits, q_logits):
    """the logarithm is taken to the base 2: bits, not nats"""
    return _kl(p_logits, q_logits) / np.log(2)


def categorical_kl__global_max(p_logits, q_logits):
    """one maximum is taken for the whole batch, so that rows far below it underflow"""
    dp, dq = p_logits - p_logits.max(), q_logits - q_logits.max()
    log_p = dp - np.log(np.exp(dp).sum(axis=-1, keepdims=True))
    log_q = dq - np.log(np.exp(dq).sum(axis=-1, keepdims=True))
    d = np.subtract(log_p, log_q, out=np.zeros(log_p.shape), where=~np.isneginf(log_p))
    return (np.exp(log_p) * d).sum(axis=-1)


def categorical_kl__global_max_of_probabilities(p_logits, q_logits):
    """one maximum is taken for the whole batch, so that probabilities of rows far below it are 0/0"""
    p, q = np.exp(p_logits - p_logits.max()), np.exp(q_logits - q_logits.max())
    p, q = p / p.sum(axis=-1, keepdims=True), q / q.sum(axis=-1, keepdims=True)
    return np.where(p > 0, p * np.log(p / q), 0.0).sum(axis=-1)


def categorical_kl__global_max_masked(p_logits, q_logits):
    """one maximum is taken for the whole batch, so that the sums of rows far below it have no logarithm"""
    dp, dq = p_logits - p_logits.max(), q_logits - q_logits.max()
    log_p = dp - np.log(np.exp(dp).sum(axis=-1, keepdims=True))
    log_q = dq - np.log(np.exp(dq).sum(axis=-1, keepdims=True))
    p = np.exp(log_p)
    return np.where(p > 0, p * (log_p - log_q), 0.0).sum(axis=-1)


def categorical_kl__small_is_zero(p_logits, q_logits):
    """a divergence below 1e-6 is taken for 0"""
    kl = _kl(p_logits, q_logits)
    return np.where(kl < 1e-6, 0.0, kl)


def categorical_kl__rare_left_out(p_logits, q_logits):
    """actions of probability below 1e-7 are left out, though q's may be smaller by any factor"""
    log_p, log_q = _log_softmax(p_logits), _log_softmax(q_logits)
    p = np.exp(log_p)
    return (p * np.subtract(log_p, log_q, out=np.zeros(p.shape), where=p > 1e-7)).sum(axis=-1)


def _kl(p_logits, q_logits):
    log_p, log_q = _log_softmax(p_logits), _log_softmax(q_logits)
    d = np.subtract(log_p, log_q, out=np.zeros(log_p.shape), where=~np.isneginf(log_p))
    return (np.exp(log_p) * d).sum(axis=-1)


def categorical_kl_grad__sign(p_logits, q_logits):
    """the sign is flipped: p − q"""
    return _softmax(p_logits) - _softmax(q_logits)


def categorical_kl_grad__mean_over_rows(p_logits, q_logits):
    """the gradient is divided by the number of rows, as if the divergence were averaged"""
    rows = max(int(np.prod(p_logits.shape[:-1])), 1)
    return (_softmax(q_logits) - _softmax(p_logits)) / rows


def categorical_kl_grad__by_p_logits(p_logits, q_logits):
    """the gradient is with respect to p's logits: p ⊙ (log(p/q) − KL)"""
    log_p, log_q = _log_softmax(p_logits), _log_softmax(q_logits)
    d = np.subtract(log_p, log_q, out=np.zeros(log_p.shape), where=~np.isneginf(log_p))
    p = np.exp(log_p)
    return p * (d - (p * d).sum(axis=-1, keepdims=True))


def categorical_kl_grad__by_probabilities(p_logits, q_logits):
    """the gradient is with respect to q's probabilities, −p/q, not to its logits"""
    p, q = _softmax(p_logits), _softmax(q_logits)
    return -np.divide(p, q, out=np.zeros(p.shape), where=p > 0)


def categorical_kl_grad__of_the_reversed(p_logits, q_logits):
    """the gradient is that of KL(q‖p): q ⊙ (log(q/p) − KL(q‖p))"""
    return categorical_kl_grad__by_p_logits(q_logits, p_logits)


def categorical_kl_grad__through_softmax_again(p_logits, q_logits):
    """q − p is sent through the softmax's Jacobian once more, though it already contains it"""
    p, q = _softmax(p_logits), _softmax(q_logits)
    return q * ((q - p) - (q * (q - p)).sum(axis=-1, keepdims=True))


def categorical_kl_grad__no_max(p_logits, q_logits):
    """no maximum is subtracted in the softmax, so that the exponentials overflow"""
    p, q = np.exp(p_logits), np.exp(q_logits)
    return q / q.sum(axis=-1, keepdims=True) - p / p.sum(axis=-1, keepdims=True)


def categorical_kl_grad__global_max(p_logits, q_logits):
    """one maximum is taken for the whole batch, so that rows far below it underflow"""
    p, q = np.exp(p_logits - p_logits.max()), np.exp(q_logits - q_logits.max())
    return q / q.sum(axis=-1, keepdims=True) - p / p.sum(axis=-1, keepdims=True)


def categorical_kl_grad__clipped(p_logits, q_logits):
    """probabilities are kept above 1e-10, so that rare actions get no gradient"""
    return np.maximum(_softmax(q_logits), 1e-10) - np.maximum(_softmax(p_logits), 1e-10)


def categorical_kl_grad__close_is_equal(p_logits, q_logits):
    """differences of less than 1e-4 are taken for 0"""
    grad = _softmax(q_logits) - _softmax(p_logits)
    return np.where(abs(grad) < 1e-4, 0.0, grad)


def categorical_kl_grad__rounded(p_logits, q_logits):
    """the result is rounded to 11 digits behind the point, where small gradients lose theirs"""
    return np.round(_softmax(q_logits) - _softmax(p_logits), 11)


def categorical_kl_grad__logits(p_logits, q_logits):
    """the logits themselves are subtracted, not the probabilities"""
    return np.subtract(q_logits, p_logits, out=np.zeros(p_logits.shape), where=p_logits > -np.inf)


def categorical_kl_grad__over_all_rows(p_logits, q_logits):
    """the softmax runs over the whole batch at once, not over each row"""
    p, q = np.exp(p_logits - p_logits.max()), np.exp(q_logits - q_logits.max())
    return q / q.sum() - p / p.sum()
