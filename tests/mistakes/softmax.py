"""Wrong on purpose: what people write for the softmax topic. Each docstring ends 'this is what you get when …'."""

import numpy as np


def _softmax(z, axis=-1):
    z = np.asarray(z)
    m = np.max(z, axis=axis, keepdims=True)
    m = np.where(np.isneginf(m), z.dtype.type(0), m)
    e = np.exp(z - m)
    total = e.sum(axis=axis, keepdims=True)
    return e / np.where(total == 0, z.dtype.type(1), total)


def _log_softmax(z, axis=-1):
    m = np.max(z, axis=axis, keepdims=True)
    d = z - np.where(np.isneginf(m), 0.0, m)
    total = np.exp(d).sum(axis=axis, keepdims=True)
    return d - np.log(np.where(total == 0, 1.0, total))


def logsumexp__no_max(z, axis=-1):
    """no maximum is subtracted, so that the exponentials overflow or all underflow"""
    return np.log(np.sum(np.exp(z), axis=axis))


def logsumexp__all_masked_nan(z, axis=-1):
    """the maximum of an all −inf slice is subtracted from itself: −inf − (−inf) is NaN"""
    m = np.max(z, axis=axis, keepdims=True)
    return np.squeeze(m + np.log(np.sum(np.exp(z - m), axis=axis, keepdims=True)), axis=axis)


def logsumexp__global_max(z, axis=-1):
    """one maximum is taken for the whole array, not one for each slice"""
    m = np.max(z)
    return m + np.log(np.sum(np.exp(z - m), axis=axis))


def logsumexp__axis_kept(z, axis=-1):
    """the summed axis is kept, with length one"""
    m = np.max(z, axis=axis, keepdims=True)
    m = np.where(np.isneginf(m), 0.0, m)
    return m + np.log(np.sum(np.exp(z - m), axis=axis, keepdims=True))


def logsumexp__max_not_added_back(z, axis=-1):
    """the maximum is subtracted in the exponent but not added back to the result"""
    m = np.max(z, axis=axis, keepdims=True)
    m = np.where(np.isneginf(m), 0.0, m)
    return np.log(np.sum(np.exp(z - m), axis=axis))


def logsumexp__largest_magnitude(z, axis=-1):
    """something larger than the slice's maximum is subtracted, so that very negative slices underflow"""
    m = np.max(np.where(np.isneginf(z), 0.0, np.abs(z)), axis=axis, keepdims=True)
    return np.squeeze(m, axis=axis) + np.log(np.sum(np.exp(z - m), axis=axis))


def logsumexp__mean(z, axis=-1):
    """the exponentials are averaged, not summed"""
    m = np.max(z, axis=axis, keepdims=True)
    m = np.where(np.isneginf(m), 0.0, m)
    return np.squeeze(m, axis=axis) + np.log(np.mean(np.exp(z - m), axis=axis))


def softmax__no_max(z, axis=-1):
    """no maximum is subtracted, so that the exponentials overflow"""
    e = np.exp(z)
    total = e.sum(axis=axis, keepdims=True)
    return e / np.where(total == 0, z.dtype.type(1), total)


def softmax__global_max(z, axis=-1):
    """one maximum is taken for the whole array, so that slices far below it underflow to zeros"""
    m = np.max(z)
    e = np.exp(z - (m if np.isfinite(m) else z.dtype.type(0)))
    total = e.sum(axis=axis, keepdims=True)
    return e / np.where(total == 0, z.dtype.type(1), total)


def softmax__axis_ignored(z, axis=-1):
    """the last axis is normalised whatever `axis` says"""
    return _softmax(z, -1)


def softmax__all_masked_nan(z, axis=-1):
    """an all −inf slice is not treated apart and gives NaN"""
    e = np.exp(z - np.max(z, axis=axis, keepdims=True))
    return e / e.sum(axis=axis, keepdims=True)


def softmax__all_masked_uniform(z, axis=-1):
    """an all −inf slice gives the uniform distribution, not zeros"""
    m = np.max(z, axis=axis, keepdims=True)
    d = np.where(np.isneginf(m), z.dtype.type(0), z - np.where(np.isneginf(m), z.dtype.type(0), m))
    e = np.exp(d)
    return e / e.sum(axis=axis, keepdims=True)


def softmax__float64_always(z, axis=-1):
    """the result is float64 for a float32 argument too"""
    return _softmax(np.asarray(z, dtype=np.float64), axis)


def softmax__in_place(z, axis=-1):
    """the caller's logits are changed in place"""
    m = np.max(z, axis=axis, keepdims=True)
    z -= np.where(np.isneginf(m), z.dtype.type(0), m)
    np.exp(z, out=z)
    total = z.sum(axis=axis, keepdims=True)
    z /= np.where(total == 0, z.dtype.type(1), total)
    return z.copy()


def softmax__eps_in_denominator(z, axis=-1):
    """an eps is added to the denominator, so that the probabilities no longer sum to one"""
    m = np.max(z, axis=axis, keepdims=True)
    e = np.exp(z - np.where(np.isneginf(m), z.dtype.type(0), m))
    return e / (e.sum(axis=axis, keepdims=True) + z.dtype.type(1e-8))


def softmax__clipped_logits(z, axis=-1):
    """the logits are clipped to ±500 in place of subtracting the maximum"""
    e = np.exp(np.clip(z.astype(np.float64), -500, 500)) * ~np.isneginf(z)
    total = e.sum(axis=axis, keepdims=True)
    return (e / np.where(total == 0, 1.0, total)).astype(z.dtype)


def softmax__twice(z, axis=-1):
    """the softmax is applied twice"""
    return _softmax(_softmax(z, axis), axis)


def log_softmax__log_of_softmax(z, axis=-1):
    """the logarithm is taken of a softmax that has already underflowed to 0"""
    return np.log(_softmax(z, axis))


def log_softmax__log_plus_eps(z, axis=-1):
    """an eps is added inside the logarithm, which caps how small a log-probability can be"""
    return np.log(_softmax(z, axis) + 1e-12)


def log_softmax__all_masked_nan(z, axis=-1):
    """the maximum of an all −inf slice is subtracted from itself: −inf − (−inf) is NaN"""
    d = z - np.max(z, axis=axis, keepdims=True)
    return d - np.log(np.exp(d).sum(axis=axis, keepdims=True))


def log_softmax__global_max(z, axis=-1):
    """one maximum is taken for the whole array, not one for each slice"""
    d = z - np.max(z)
    return d - np.log(np.exp(d).sum(axis=axis, keepdims=True))


def log_softmax__no_max(z, axis=-1):
    """no maximum is subtracted, so that the exponentials overflow"""
    return z - np.log(np.exp(z).sum(axis=axis, keepdims=True))


def log_softmax__axis_ignored(z, axis=-1):
    """the last axis is normalised whatever `axis` says"""
    return _log_softmax(z, -1)


def log_softmax__max_added_back(z, axis=-1):
    """the maximum is subtracted inside the logarithm only"""
    m = np.max(z, axis=axis, keepdims=True)
    m = np.where(np.isneginf(m), 0.0, m)
    total = np.exp(z - m).sum(axis=axis, keepdims=True)
    return z - np.log(np.where(total == 0, 1.0, total))


def softmax_jacobian__takes_probabilities(z):
    """z is taken for the probabilities, though it holds logits"""
    return z[..., :, None] * (np.eye(z.shape[-1]) - z[..., None, :])


def softmax_jacobian__diagonal_only(z):
    """only the diagonal s(1 − s) is filled in, as if every output depended on its own logit alone"""
    s = _softmax(z)
    return s[..., :, None] * (1 - s[..., :, None]) * np.eye(z.shape[-1])


def softmax_jacobian__sign(z):
    """the sign is flipped: s sᵀ − diag(s)"""
    s = _softmax(z)
    return s[..., :, None] * s[..., None, :] - s[..., :, None] * np.eye(z.shape[-1])


def softmax_jacobian__no_outer(z):
    """the outer product s sᵀ is left out, so that diag(s) remains"""
    s = _softmax(z)
    return s[..., :, None] * np.eye(z.shape[-1])


def softmax_jacobian__batch_flattened(z):
    """all rows are flattened into one vector before the outer product"""
    s = _softmax(z).reshape(-1, 1)
    return np.diagflat(s) - s @ s.T


def softmax_jacobian__delta_everywhere(z):
    """1 stands where the Kronecker delta should: s_i(1 − s_j) everywhere"""
    s = _softmax(z)
    return s[..., :, None] * (1 - s[..., None, :])


def softmax_jacobian__no_max(z):
    """no maximum is subtracted in the softmax, so that the exponentials overflow"""
    e = np.exp(z)
    s = e / e.sum(axis=-1, keepdims=True)
    return s[..., :, None] * (np.eye(z.shape[-1]) - s[..., None, :])


def softmax_jacobian__squared_diagonal(z):
    """the diagonal is s_i² − s_i: the sign is right off the diagonal only"""
    s = _softmax(z)
    jacobian = -s[..., :, None] * s[..., None, :]
    i = np.arange(z.shape[-1])
    jacobian[..., i, i] = s**2 - s
    return jacobian


def softmax_vjp__diagonal_only(s, grad_s, axis=-1):
    """the Jacobian is taken for its diagonal, s(1 − s)·g"""
    return s * (1 - s) * grad_s


def softmax_vjp__plain_mean(s, grad_s, axis=-1):
    """the plain mean of the upstream gradient is subtracted, not its mean weighted by s"""
    return s * (grad_s - grad_s.mean(axis=axis, keepdims=True))


def softmax_vjp__plain_sum(s, grad_s, axis=-1):
    """the plain sum of the upstream gradient is subtracted, not its sum weighted by s"""
    return s * (grad_s - grad_s.sum(axis=axis, keepdims=True))


def softmax_vjp__softmax_again(s, grad_s, axis=-1):
    """s is taken for logits and passed through the softmax a second time"""
    p = _softmax(s, axis)
    return p * (grad_s - (p * grad_s).sum(axis=axis, keepdims=True))


def softmax_vjp__axis_ignored(s, grad_s, axis=-1):
    """the weighted sum runs over the last axis whatever `axis` says"""
    return s * (grad_s - (s * grad_s).sum(axis=-1, keepdims=True))


def softmax_vjp__global_sum(s, grad_s, axis=-1):
    """one weighted sum is taken over the whole array, not one for each slice"""
    return s * (grad_s - np.sum(s * grad_s))


def softmax_vjp__sum_not_weighted_back(s, grad_s, axis=-1):
    """the weighted sum is subtracted without being multiplied by s"""
    return s * grad_s - (s * grad_s).sum(axis=axis, keepdims=True)


def softmax_vjp__no_coupling(s, grad_s, axis=-1):
    """the normaliser is taken for a constant, so that s·g is all that remains"""
    return s * grad_s


def cross_entropy__sum(logits, labels):
    """the rows are summed, not averaged"""
    return -_log_softmax(logits)[np.arange(len(labels)), labels].sum()


def cross_entropy__mean_over_classes(logits, labels):
    """the sum is divided by the number of entries N·C, not by the number of rows N"""
    return -_log_softmax(logits)[np.arange(len(labels)), labels].sum() / logits.size


def cross_entropy__log_of_softmax(logits, labels):
    """the logarithm is taken of a softmax that has already underflowed to 0"""
    return -np.log(_softmax(logits)[np.arange(len(labels)), labels]).mean()


def cross_entropy__clipped(logits, labels):
    """the probability is clipped to 1e-12 before the logarithm, which caps the loss at 27.6"""
    p = np.clip(_softmax(logits)[np.arange(len(labels)), labels], 1e-12, 1.0)
    return -np.log(p).mean()


def cross_entropy__double_softmax(logits, labels):
    """the logits go through the softmax twice"""
    return -_log_softmax(_softmax(logits))[np.arange(len(labels)), labels].mean()


def cross_entropy__one_hot_product(logits, labels):
    """a one-hot is multiplied by log-probabilities of which some are −inf: 0 · (−inf) is NaN"""
    one_hot = np.eye(logits.shape[1])[labels]
    return -(one_hot * _log_softmax(logits)).sum(axis=1).mean()


def cross_entropy__sign(logits, labels):
    """the sign is flipped: the log-likelihood is returned, not its negative"""
    return _log_softmax(logits)[np.arange(len(labels)), labels].mean()


def cross_entropy__whole_columns(logits, labels):
    """`[:, labels]` picks whole columns for every row, not one entry from each row"""
    return -_log_softmax(logits)[:, labels].mean()


def cross_entropy_grad__no_mean(logits, labels):
    """the 1/N of the mean is missing"""
    grad = _softmax(logits)
    grad[np.arange(len(labels)), labels] -= 1
    return grad


def cross_entropy_grad__divided_by_classes(logits, labels):
    """the gradient is divided by the number of classes, not by the number of rows"""
    return cross_entropy_grad__no_mean(logits, labels) / logits.shape[1]


def cross_entropy_grad__no_label(logits, labels):
    """the one-hot label is not subtracted"""
    return _softmax(logits) / len(labels)


def cross_entropy_grad__sign(logits, labels):
    """the sign is flipped: onehot − softmax"""
    return -cross_entropy_grad__no_mean(logits, labels) / len(labels)


def cross_entropy_grad__whole_columns(logits, labels):
    """`grad[:, labels] -= 1` changes whole columns, not one entry in each row"""
    grad = _softmax(logits)
    grad[:, labels] -= 1
    return grad / len(labels)


def cross_entropy_grad__mean_on_label_only(logits, labels):
    """only the label's 1 is divided by N, and the probabilities are not"""
    grad = _softmax(logits)
    grad[np.arange(len(labels)), labels] -= 1 / len(labels)
    return grad


def cross_entropy_grad__through_softmax_again(logits, labels):
    """the gradient is sent through the softmax's Jacobian once more, though s − y already contains it"""
    s = _softmax(logits)
    g = cross_entropy_grad__no_mean(logits, labels) / len(labels)
    return s * (g - (s * g).sum(axis=1, keepdims=True))


def cross_entropy_grad__no_max(logits, labels):
    """no maximum is subtracted in the softmax, so that the exponentials overflow"""
    e = np.exp(logits)
    grad = e / e.sum(axis=1, keepdims=True)
    grad[np.arange(len(labels)), labels] -= 1
    return grad / len(labels)


def logsumexp__ties_dropped(z, axis=-1):
    """the maximum is taken out of the sum, and with it every entry that ties with it"""
    m = np.max(z, axis=axis, keepdims=True)
    d = z - np.where(np.isneginf(m), 0.0, m)
    rest = np.where(d < 0, np.exp(d), 0.0).sum(axis=axis, keepdims=True)
    return np.squeeze(m + np.log1p(rest), axis=axis)


def logsumexp__every_axis_squeezed(z, axis=-1):
    """`np.squeeze` without `axis` drops the other axes of length one too"""
    m = np.max(z, axis=axis, keepdims=True)
    m = np.where(np.isneginf(m), 0.0, m)
    with np.errstate(divide="ignore"):
        return np.squeeze(m + np.log(np.sum(np.exp(z - m), axis=axis, keepdims=True)))


def logsumexp__default_axis_one(z, axis=1):
    """the default axis is 1, which is the last one of a matrix only"""
    m = np.max(z, axis=axis, keepdims=True)
    m = np.where(np.isneginf(m), 0.0, m)
    with np.errstate(divide="ignore"):
        return np.squeeze(m + np.log(np.sum(np.exp(z - m), axis=axis, keepdims=True)), axis=axis)


def softmax__default_axis_one(z, axis=1):
    """the default axis is 1, which is the last one of a matrix only"""
    return _softmax(z, axis)


def softmax__max_of_last_axis(z, axis=-1):
    """the maximum is taken along the last axis whatever `axis` says, so that other slices underflow"""
    m = np.max(z, axis=-1, keepdims=True)
    e = np.exp(z - np.where(np.isneginf(m), z.dtype.type(0), m))
    total = e.sum(axis=axis, keepdims=True)
    return e / np.where(total == 0, z.dtype.type(1), total)


def log_softmax__ties_dropped(z, axis=-1):
    """the maximum is taken out of the sum, and with it every entry that ties with it"""
    m = np.max(z, axis=axis, keepdims=True)
    d = z - np.where(np.isneginf(m), 0.0, m)
    return d - np.log1p(np.where(d < 0, np.exp(d), 0.0).sum(axis=axis, keepdims=True))


def log_softmax__masked_slice_uniform(z, axis=-1):
    """an all −inf slice gives the logarithm of the uniform distribution, not −inf"""
    m = np.max(z, axis=axis, keepdims=True)
    dead = np.isneginf(m)
    d = np.where(dead, 0.0, z - np.where(dead, 0.0, m))
    return d - np.log(np.exp(d).sum(axis=axis, keepdims=True))


def softmax_jacobian__off_diagonal_sign(z):
    """the sign off the diagonal is wrong: s_i s_j there, not −s_i s_j"""
    s = _softmax(z)
    jacobian = s[..., :, None] * s[..., None, :]
    i = np.arange(z.shape[-1])
    jacobian[..., i, i] = s - s**2
    return jacobian


def softmax_jacobian__global_max(z):
    """one maximum is taken for the whole array, so that rows far below it underflow"""
    e = np.exp(z - np.max(z))
    s = e / e.sum(axis=-1, keepdims=True)
    return s[..., :, None] * (np.eye(z.shape[-1]) - s[..., None, :])


def softmax_vjp__not_multiplied_by_s(s, grad_s, axis=-1):
    """the difference g − ⟨s, g⟩ is not multiplied by s"""
    return grad_s - (s * grad_s).sum(axis=axis, keepdims=True)


def softmax_vjp__average_with_weights(s, grad_s, axis=-1):
    """`np.average` divides by the sum of the weights, which is 0 in a slice that may attend to nothing"""
    return s * (grad_s - np.average(grad_s, axis=axis, weights=s, keepdims=True))


def cross_entropy__base_two(logits, labels):
    """the logarithm is taken to the base 2: bits, not nats"""
    return -_log_softmax(logits)[np.arange(len(labels)), labels].mean() / np.log(2)


def cross_entropy__global_max(logits, labels):
    """one maximum is taken for the whole array, so that rows far below it underflow"""
    d = logits - np.max(logits)
    return np.mean(np.log(np.exp(d).sum(axis=1)) - d[np.arange(len(labels)), labels])


def cross_entropy__ties_dropped(logits, labels):
    """the maximum is taken out of the sum, and with it every entry that ties with it"""
    d = logits - np.max(logits, axis=1, keepdims=True)
    rest = np.where(d < 0, np.exp(d), 0.0).sum(axis=1)
    return np.mean(np.log1p(rest) - d[np.arange(len(labels)), labels])


def cross_entropy_grad__label_added(logits, labels):
    """the one-hot label is added, not subtracted"""
    grad = _softmax(logits)
    grad[np.arange(len(labels)), labels] += 1
    return grad / len(labels)


def cross_entropy_grad__double_softmax(logits, labels):
    """the logits go through the softmax twice"""
    grad = _softmax(_softmax(logits))
    grad[np.arange(len(labels)), labels] -= 1
    return grad / len(labels)


def cross_entropy_grad__mean_on_probabilities_only(logits, labels):
    """only the probabilities are divided by N, and the label's 1 is not"""
    grad = _softmax(logits) / len(labels)
    grad[np.arange(len(labels)), labels] -= 1
    return grad


def cross_entropy_grad__divided_by_size(logits, labels):
    """the gradient is divided by the number of entries N·C, not by the number of rows N"""
    return cross_entropy_grad__no_mean(logits, labels) / logits.size


def cross_entropy_grad__global_max(logits, labels):
    """one maximum is taken for the whole array, so that rows far below it underflow"""
    e = np.exp(logits - np.max(logits))
    grad = e / e.sum(axis=1, keepdims=True)
    grad[np.arange(len(labels)), labels] -= 1
    return grad / len(labels)
