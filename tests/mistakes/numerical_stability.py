"""Wrong on purpose, for the numerical-stability topic. Each docstring ends 'this is what you get when …'."""

import math

import numpy as np


def _floats(z):
    z = np.asarray(z)
    return z if z.dtype.kind == "f" else z.astype(np.float64)


def _sigmoid(z):
    z = _floats(z)
    e = np.exp(-np.abs(z))
    return np.where(z >= 0, z.dtype.type(1), e) / (1 + e)


def _cdf(z):
    return np.array(
        [math.erfc(-v / math.sqrt(2)) / 2 for v in z.ravel().tolist()], z.dtype
    ).reshape(z.shape)


def _density(z):
    return np.exp(-(z**2) / 2) / math.sqrt(2 * math.pi)


# sigmoid


def sigmoid__overflows(z):
    """the exponential is taken of −z whatever its sign, so that it overflows for z far below zero"""
    z = _floats(z)
    return 1 / (1 + np.exp(-z))


def sigmoid__growing_exponential(z):
    """exp(z)/(1 + exp(z)) is used for every z, which is inf/inf far above zero"""
    e = np.exp(_floats(z))
    return e / (1 + e)


def sigmoid__both_branches_of_where(z):
    """`np.where` picks the right branch, but both are computed, and the other one overflows"""
    z = _floats(z)
    return np.where(z >= 0, 1 / (1 + np.exp(-z)), np.exp(z) / (1 + np.exp(z)))


def sigmoid__clipped_probabilities(z):
    """the probabilities are clipped to [1e-7, 1 − 1e-7], so that none can be surer than that"""
    z = _floats(z)
    return np.clip(_sigmoid(z), z.dtype.type(1e-7), z.dtype.type(1 - 1e-7))


def sigmoid__mirrored(z):
    """the sign of z is wrong, which gives σ(−z) = 1 − σ(z)"""
    return _sigmoid(-_floats(z))


def sigmoid__even(z):
    """|z| is used without telling the two signs apart, so that no probability is below one half"""
    return 1 / (1 + np.exp(-np.abs(_floats(z))))


def sigmoid__hard(z):
    """a straight line clipped to [0, 1] stands for the curve: the hard sigmoid z/6 + ½"""
    return np.clip(_floats(z) / 6 + 0.5, 0, 1)


def sigmoid__tanh_of_z(z):
    """tanh is taken of z and not of z/2: ½(1 + tanh z) is σ(2z)"""
    return (1 + np.tanh(_floats(z))) / 2


def sigmoid__float64_always(z):
    """float32 comes back as float64"""
    return _sigmoid(np.asarray(z, dtype=np.float64))


def sigmoid__integer_buffer(z):
    """the result is written into an array of z's own dtype, which cuts the fractions off for integers"""
    out = np.zeros_like(z)
    out[...] = _sigmoid(z)
    return out


def sigmoid__nan_becomes_zero(z):
    """the two signs are filled in by masks, so that NaN, which is neither, is left at 0"""
    z = _floats(z)
    out = np.zeros_like(z)
    out[z >= 0] = 1 / (1 + np.exp(-z[z >= 0]))
    e = np.exp(z[z < 0])
    out[z < 0] = e / (1 + e)
    return out


def sigmoid__nan_is_zero(z):
    """`np.nan_to_num` turns a NaN among the inputs into 0, whose probability is one half"""
    return _sigmoid(np.nan_to_num(_floats(z)))


def sigmoid__nan_to_bound(z):
    """z is bounded by `np.fmin` and `np.fmax` against overflow, and they turn NaN into a bound"""
    z = _floats(z)
    bound = z.dtype.type(80 if z.dtype == np.float32 else 500)
    return 1 / (1 + np.exp(-np.fmax(np.fmin(z, bound), -bound)))


def sigmoid__saturated(z):
    """the probability is set to 0 below −20 and to 1 above 20, where it is still 2e-9 away"""
    z = _floats(z)
    return np.where(z > 20, z.dtype.type(1), np.where(z < -20, z.dtype.type(0), _sigmoid(z)))


# sigmoid_grad


def sigmoid_grad__of_the_output(z):
    """z(1 − z) is computed, which is right where z is the sigmoid's output and not its input"""
    z = _floats(z)
    return z * (1 - z)


def sigmoid_grad__overflows(z):
    """exp(−z)/(1 + exp(−z))² is taken as it stands: it overflows to inf/inf far below zero"""
    e = np.exp(-_floats(z))
    return e / (1 + e) ** 2


def sigmoid_grad__not_squared(z):
    """the denominator 1 + e is not squared"""
    e = np.exp(-np.abs(_floats(z)))
    return e / (1 + e)


def sigmoid_grad__odd(z):
    """the derivative is given z's sign, though σ rises everywhere"""
    z = _floats(z)
    e = np.exp(-np.abs(z))
    return np.sign(z) * e / (1 + e) ** 2


def sigmoid_grad__squared_probability(z):
    """σ² is returned: the complement 1 − σ is missing"""
    return _sigmoid(z) ** 2


def sigmoid_grad__sigmoid_twice(z):
    """the sigmoid is applied twice: z is taken for a probability's logit once more"""
    s = _sigmoid(_sigmoid(z))
    return s * (1 - s)


def sigmoid_grad__floored(z):
    """a floor of 1e-8 is put under the derivative, to keep it from vanishing"""
    z = _floats(z)
    s = _sigmoid(z)
    return np.maximum(s * (1 - s), z.dtype.type(1e-8))


def sigmoid_grad__float64_always(z):
    """float32 comes back as float64"""
    s = _sigmoid(np.asarray(z, dtype=np.float64))
    return s * (1 - s)


def sigmoid_grad__nan_becomes_zero(z):
    """the entries that are not NaN are filled into zeros, so that NaN comes out as 0"""
    z = _floats(z)
    e = np.exp(-np.abs(z))
    return np.where(np.isnan(z), z.dtype.type(0), e / (1 + e) ** 2)


def sigmoid_grad__nan_is_zero(z):
    """`np.nan_to_num` turns a NaN among the inputs into 0, whose slope is one quarter"""
    e = np.exp(-np.abs(np.nan_to_num(_floats(z))))
    return e / (1 + e) ** 2


# log_sigmoid


def log_sigmoid__log_of_sigmoid(z):
    """the logarithm is taken of a sigmoid that has already underflowed to 0"""
    return np.log(_sigmoid(z))


def log_sigmoid__overflows(z):
    """exp(−z) overflows far below zero"""
    return -np.log1p(np.exp(-_floats(z)))


def log_sigmoid__eps_inside(z):
    """1e-12 is added inside the logarithm, which bounds the result at −27.6"""
    return np.log(_sigmoid(z) + _floats(z).dtype.type(1e-12))


def log_sigmoid__positive(z):
    """the sign is wrong: the loss −log σ(z) is returned"""
    z = _floats(z)
    return np.log1p(np.exp(-np.abs(z))) - np.minimum(z, 0)


def log_sigmoid__complement(z):
    """log(1 − σ(z)) is returned: z has the wrong sign"""
    z = _floats(z)
    return -np.maximum(z, 0) - np.log1p(np.exp(-np.abs(z)))


def log_sigmoid__softplus(z):
    """softplus(z) is negated, but log σ(z) is −softplus(−z) only up to the term z"""
    z = _floats(z)
    return np.maximum(z, 0) - np.log1p(np.exp(-np.abs(z)))


def log_sigmoid__exponent_bounded(z):
    """the exponent is bounded at 500 against overflow, so that the result is never below −500"""
    return -np.log1p(
        np.exp(np.minimum(-_floats(z), 80 if np.asarray(z).dtype == np.float32 else 500))
    )


def log_sigmoid__threshold(z):
    """z itself is returned below −20, where the difference is still 2e-9"""
    z = _floats(z)
    return np.where(z < -20, z, np.minimum(z, 0) - np.log1p(np.exp(-np.abs(z))))


def log_sigmoid__nan_to_num(z):
    """`np.nan_to_num` is put over the result, which hides NaN and makes −inf a number"""
    z = _floats(z)
    return np.nan_to_num(np.minimum(z, 0) - np.log1p(np.exp(-np.abs(z))))


def log_sigmoid__nan_to_num_of_z(z):
    """`np.nan_to_num` is put over the input, which turns NaN into 0 and −inf into a number"""
    z = np.nan_to_num(_floats(z))
    return np.minimum(z, 0) - np.log1p(np.exp(-np.abs(z)))


def log_sigmoid__nan_becomes_zero(z):
    """the two signs are filled in by masks, so that NaN, which is neither, is left at 0"""
    z = _floats(z)
    out = np.zeros_like(z)
    out[z >= 0] = -np.log1p(np.exp(-z[z >= 0]))
    out[z < 0] = z[z < 0] - np.log1p(np.exp(z[z < 0]))
    return out


def log_sigmoid__log_of_clipped_sigmoid(z):
    """the probabilities are clipped at 1e-12 before the logarithm, which bounds the result at −27.6"""
    p = _sigmoid(z)
    return np.log(np.maximum(p, p.dtype.type(1e-12)))


# tanh_grad


def tanh_grad__of_the_output(z):
    """1 − z² is computed, which is right where z is the output of tanh and not its input"""
    z = _floats(z)
    return 1 - z**2


def tanh_grad__overflowing_cosh(z):
    """1/cosh² is used, and the square overflows from 356 on"""
    return 1 / np.cosh(_floats(z)) ** 2


def tanh_grad__not_squared(z):
    """the hyperbolic tangent is not squared"""
    return 1 - np.tanh(_floats(z))


def tanh_grad__of_absolute_value(z):
    """1 − |tanh z| is computed: the square is missing"""
    return 1 - np.abs(np.tanh(_floats(z)))


def tanh_grad__sigmoid_formula(z):
    """the sigmoid's t(1 − t) is used with t = tanh z"""
    t = np.tanh(_floats(z))
    return t * (1 - t)


def tanh_grad__sigmoid_scale(z):
    """the factor 4 is missing: e/(1 + e)² with e = exp(−2|z|) is the sigmoid's derivative at 2z"""
    e = np.exp(-2 * np.abs(_floats(z)))
    return e / (1 + e) ** 2


def tanh_grad__half_argument(z):
    """exp(−|z|) stands where exp(−2|z|) should: the slope is that at z/2"""
    e = np.exp(-np.abs(_floats(z)))
    return 4 * e / (1 + e) ** 2


def tanh_grad__squared_sech(z):
    """1 − tanh² is squared once more"""
    return (1 - np.tanh(_floats(z)) ** 2) ** 2


def tanh_grad__float64_always(z):
    """float32 comes back as float64"""
    return 1 - np.tanh(np.asarray(z, dtype=np.float64)) ** 2


def tanh_grad__cut_off(z):
    """the slope is set to 0 beyond ±10, where it is still 8e-9"""
    z = _floats(z)
    return np.where(np.abs(z) > 10, z.dtype.type(0), 1 - np.tanh(z) ** 2)


# relu_grad


def relu_grad__one_at_zero(z):
    """`z >= 0` is used: the derivative at 0 is 1"""
    z = _floats(z)
    return (z >= 0).astype(z.dtype)


def relu_grad__half_at_zero(z):
    """the derivative at 0 is ½, the middle of the subdifferential"""
    z = _floats(z)
    return np.heaviside(z, z.dtype.type(0.5))


def relu_grad__booleans(z):
    """the comparison is returned as it is: booleans, not floats"""
    return np.asarray(z) > 0


def relu_grad__sign(z):
    """`np.sign` is used, which is −1 for negative inputs"""
    return np.sign(_floats(z))


def relu_grad__relu(z):
    """the ReLU itself is returned, not its derivative"""
    return np.maximum(_floats(z), 0)


def relu_grad__leaky(z):
    """a slope of 0.01 is left on the negative side: the leaky ReLU"""
    z = _floats(z)
    return np.where(z > 0, z.dtype.type(1), z.dtype.type(0.01))


def relu_grad__integers_stay(z):
    """integers come in and integers go out"""
    z = np.asarray(z)
    return (z > 0).astype(z.dtype)


def relu_grad__quotient(z):
    """max(z, 0)/z is computed, which is 0/0 at 0"""
    z = _floats(z)
    return np.maximum(z, 0) / z


def relu_grad__eps_threshold(z):
    """small positive inputs, below 1e-8, are taken for 0"""
    z = _floats(z)
    return (z > 1e-8).astype(z.dtype)


def relu_grad__machine_epsilon(z):
    """positive inputs below the machine epsilon of their dtype are taken for 0"""
    z = _floats(z)
    return (z > np.finfo(z.dtype).eps).astype(z.dtype)


# softplus


def softplus__overflows(z):
    """log(1 + exp(z)) is computed as it stands and is inf from 710 on"""
    return np.log(1 + np.exp(_floats(z)))


def softplus__threshold(z):
    """z itself is returned above 20, where the difference is still 2e-9"""
    z = _floats(z)
    return np.where(z > 20, z, np.log1p(np.exp(np.minimum(z, 20))))


def softplus__exponent_bounded(z):
    """the exponent is bounded against overflow, so that the result never exceeds the bound"""
    z = _floats(z)
    return np.log1p(np.exp(np.minimum(z, 80 if z.dtype == np.float32 else 500)))


def softplus__of_minus_z(z):
    """the sign of z is wrong: softplus(−z)"""
    z = _floats(z)
    return np.maximum(-z, 0) + np.log1p(np.exp(-np.abs(z)))


def softplus__no_maximum(z):
    """log1p(exp(−|z|)) is returned without the max(z, 0) that was taken out"""
    return np.log1p(np.exp(-np.abs(_floats(z))))


def softplus__absolute_value(z):
    """|z| stands where max(z, 0) should: the negative side rises too"""
    z = _floats(z)
    return np.abs(z) + np.log1p(np.exp(-np.abs(z)))


def softplus__relu(z):
    """the ReLU is returned: the logarithm is missing"""
    return np.maximum(_floats(z), 0)


def softplus__python_max(z):
    """`np.fmax` is used, which turns NaN into a number"""
    z = _floats(z)
    return np.fmax(z, 0) + np.nan_to_num(np.log1p(np.exp(-np.abs(z))))


def softplus__base_two(z):
    """the logarithm is taken to the base 2"""
    z = _floats(z)
    return np.maximum(z, 0) + np.log2(1 + np.exp(-np.abs(z)))


def softplus__float64_always(z):
    """float32 comes back as float64"""
    return np.logaddexp(0.0, np.asarray(z, dtype=np.float64))


# gelu


def gelu__tanh_form(z):
    """the tanh approximation is used, which is off by up to 5e-4"""
    z = _floats(z)
    return 0.5 * z * (1 + np.tanh(math.sqrt(2 / math.pi) * (z + 0.044715 * z * z * z)))


def gelu__sigmoid_form(z):
    """the approximation z·σ(1.702z) is used, which is off by up to 0.02"""
    z = _floats(z)
    return z * _sigmoid(1.702 * z)


def gelu__silu(z):
    """the sigmoid stands where Φ should: this is SiLU, z·σ(z)"""
    z = _floats(z)
    return z * _sigmoid(z)


def gelu__no_root_two(z):
    """erf is taken of z, not of z/√2"""
    z = _floats(z)
    phi = np.array([math.erfc(-v) / 2 for v in z.ravel().tolist()], z.dtype).reshape(z.shape)
    return z * phi


def gelu__erf_alone(z):
    """z·erf(z/√2) is returned: the 1 and the ½ of Φ are missing"""
    z = _floats(z)
    return z * (2 * _cdf(z) - 1)


def gelu__half_missing(z):
    """the factor ½ is missing"""
    z = _floats(z)
    return 2 * z * _cdf(z)


def gelu__gate_alone(z):
    """the gate Φ(z) is returned, not multiplied by z"""
    return _cdf(_floats(z))


def gelu__density(z):
    """z is multiplied by the density φ, not by the distribution function Φ"""
    z = _floats(z)
    return z * _density(z)


def gelu__vectorized_without_otypes(z):
    """`np.vectorize(math.erf)` meets an empty array, and float32 comes back as float64"""
    z = np.asarray(z)
    return 0.5 * z * (1 + np.vectorize(math.erf)(z / math.sqrt(2)))


def gelu__float64_always(z):
    """float32 comes back as float64"""
    z = np.asarray(z, dtype=np.float64)
    return z * _cdf(z)


def _abramowitz_stegun(z):
    """Φ from formula 7.1.26 for erf."""
    x = np.abs(z) / math.sqrt(2)
    t = 1 / (1 + 0.3275911 * x)
    p = t * (0.254829592 + t * (-0.284496736 + t * (1.421413741 + t * (-1.453152027 + t * 1.061405429))))  # fmt: skip
    return (1 + np.sign(z) * (1 - p * np.exp(-x * x))) / 2


def gelu__abramowitz_stegun(z):
    """erf is taken from the approximation of Abramowitz and Stegun (7.1.26), which is off by up to 1.5e-7"""
    z = _floats(z)
    return z * _abramowitz_stegun(z)


def gelu__cut_off(z):
    """z itself is returned above 6 and 0 below −6, where the difference is still 6e-9"""
    z = _floats(z)
    return np.where(np.abs(z) > 6, np.maximum(z, 0), z * _cdf(z))


# gelu_grad


def gelu_grad__gate_alone(z):
    """the gate Φ(z) is returned alone, as if it were a constant"""
    return _cdf(_floats(z))


def gelu_grad__density_without_z(z):
    """φ(z) is not multiplied by z"""
    z = _floats(z)
    return _cdf(z) + _density(z)


def gelu_grad__no_root_two_pi(z):
    """the density lacks its 1/√(2π)"""
    z = _floats(z)
    return _cdf(z) + z * np.exp(-(z**2) / 2)


def gelu_grad__no_half_in_exponent(z):
    """the exponent of the density is −z², not −z²/2"""
    z = _floats(z)
    return _cdf(z) + z * np.exp(-(z**2)) / math.sqrt(2 * math.pi)


def gelu_grad__minus(z):
    """z φ(z) is subtracted, not added"""
    z = _floats(z)
    return _cdf(z) - z * _density(z)


def gelu_grad__second_term_alone(z):
    """z φ(z) is returned alone: the gate is missing"""
    z = _floats(z)
    return z * _density(z)


def gelu_grad__tanh_form(z):
    """the tanh approximation is differentiated, not the exact GELU"""
    z = _floats(z)
    c = math.sqrt(2 / math.pi)
    t = np.tanh(c * (z + 0.044715 * z * z * z))
    return 0.5 * (1 + t) + 0.5 * z * (1 - t**2) * c * (1 + 3 * 0.044715 * z * z)


def gelu_grad__silu(z):
    """the derivative is that of SiLU, with the sigmoid for Φ"""
    z = _floats(z)
    s = _sigmoid(z)
    return s + z * s * (1 - s)


def gelu_grad__chain_rule_of_erf(z):
    """the inner derivative 1/√2 of erf(z/√2) is missing"""
    z = _floats(z)
    return _cdf(z) + math.sqrt(2) * z * _density(z)


def gelu_grad__float64_always(z):
    """float32 comes back as float64"""
    z = np.asarray(z, dtype=np.float64)
    return _cdf(z) + z * _density(z)


def gelu_grad__abramowitz_stegun(z):
    """erf is taken from the approximation of Abramowitz and Stegun (7.1.26), which is off by up to 1.5e-7"""
    z = _floats(z)
    return _abramowitz_stegun(z) + z * _density(z)


def gelu_grad__cut_off(z):
    """1 is returned above 6 and 0 below −6, where the difference is still 4e-8"""
    z = _floats(z)
    return np.where(np.abs(z) > 6, (z > 0).astype(z.dtype), _cdf(z) + z * _density(z))


# bce_with_logits


def _losses(z, y):
    return np.maximum(z, 0) - z * y + np.log1p(np.exp(-np.abs(z)))


def bce_with_logits__log_of_sigmoid(z, y):
    """the logarithms are taken of probabilities that have rounded to 0 and 1: 0 · (−inf) is NaN"""
    p = _sigmoid(z)
    return -np.mean(y * np.log(p) + (1 - y) * np.log(1 - p))


def bce_with_logits__clipped(z, y):
    """the probabilities are clipped to [1e-12, 1 − 1e-12], which bounds each entry's loss at 27.6"""
    p = np.clip(_sigmoid(z), 1e-12, 1 - 1e-12)
    return -np.mean(y * np.log(p) + (1 - y) * np.log(1 - p))


def bce_with_logits__overflows(z, y):
    """log(1 + exp(z)) − z y is taken as it stands and overflows at large logits"""
    return np.mean(np.log1p(np.exp(z)) - z * y)


def bce_with_logits__sum(z, y):
    """the losses are summed, not averaged"""
    return np.sum(_losses(z, y))


def bce_with_logits__mean_over_rows(z, y):
    """the sum is divided by the number of rows, not by the number of entries"""
    return np.sum(_losses(z, y)) / (len(z) if np.ndim(z) else 1)


def bce_with_logits__labels_swapped(z, y):
    """the labels are swapped: y multiplies the loss of class 0"""
    return np.mean(_losses(z, 1 - y))


def bce_with_logits__positive_part_only(z, y):
    """only y log σ(z) is kept: entries of class 0 cost nothing"""
    return np.mean(y * (np.maximum(-z, 0) + np.log1p(np.exp(-np.abs(z)))))


def bce_with_logits__hard_labels(z, y):
    """soft labels are rounded to 0 or 1"""
    return np.mean(_losses(z, (y > 0.5).astype(float)))


def bce_with_logits__plus_minus_labels(z, y):
    """log(1 + exp(−y z)) is used, which is meant for labels −1 and +1"""
    return np.mean(np.logaddexp(0, -y * z))


def bce_with_logits__sigmoid_twice(z, y):
    """the logits go through the sigmoid before the stable formula, which applies it again"""
    return np.mean(_losses(_sigmoid(z), y))


def bce_with_logits__nan_ignored(z, y):
    """`np.nanmean` leaves NaN out, and the fault goes unnoticed"""
    return np.nanmean(_losses(z, y))


def bce_with_logits__threshold(z, y):
    """softplus(z) is cut off at 20, to z itself, where the difference is still 2e-9"""
    return np.mean(np.where(z > 20, z, np.log1p(np.exp(np.minimum(z, 20)))) - z * y)


def bce_with_logits__sure_costs_nothing(z, y):
    """log(1 + exp(−|z|)) is left out beyond ±6, as if a sure right answer cost nothing"""
    losses = np.maximum(z, 0) - z * y
    return np.mean(losses + np.where(np.abs(z) > 6, 0.0, np.log1p(np.exp(-np.abs(z)))))


def bce_with_logits__textbook_where_finite(z, y):
    """log σ and log(1 − σ) are taken up to |z| = 20, and 1 − σ has lost half of its digits there"""
    p = _sigmoid(np.clip(z, -20, 20))
    textbook = -(y * np.log(p) + (1 - y) * np.log(1 - p))
    return np.mean(np.where(np.abs(z) <= 20, textbook, _losses(z, y)))


def bce_with_logits__base_two(z, y):
    """the logarithms are taken to the base 2: the loss comes in bits, not in nats"""
    return np.mean(_losses(z, y)) / math.log(2)


# bce_with_logits_grad


def bce_with_logits_grad__no_mean(z, y):
    """the 1/n of the mean is missing"""
    return _sigmoid(z) - y


def bce_with_logits_grad__rows(z, y):
    """the gradient is divided by the number of rows, not by the number of entries"""
    return (_sigmoid(z) - y) / (len(z) if np.ndim(z) else 1)


def bce_with_logits_grad__reversed(z, y):
    """the sign is flipped: observed minus predicted"""
    return (y - _sigmoid(z)) / np.size(z)


def bce_with_logits_grad__of_squared_error(z, y):
    """the factor σ(1 − σ) of a squared error is left in, and kills the gradient of sure wrong answers"""
    s = _sigmoid(z)
    return (s - y) * s * (1 - s) / np.size(z)


def bce_with_logits_grad__quotient(z, y):
    """(p − y)/(p(1 − p)) times p(1 − p) is computed, which is 0/0 where p has rounded to 0 or 1"""
    p = _sigmoid(z)
    return (p - y) / (p * (1 - p)) * (p * (1 - p)) / np.size(z)


def bce_with_logits_grad__logits_for_probabilities(z, y):
    """y is subtracted from the logits themselves: the sigmoid is missing"""
    return (z - y) / np.size(z)


def bce_with_logits_grad__hard_labels(z, y):
    """soft labels are rounded to 0 or 1"""
    return (_sigmoid(z) - (y > 0.5)) / np.size(z)


def bce_with_logits_grad__clipped(z, y):
    """the logits are clipped to ±10 first, and sure answers keep a gradient of 5e-5"""
    return (_sigmoid(np.clip(z, -10, 10)) - y) / np.size(z)


def bce_with_logits_grad__overflows(z, y):
    """the sigmoid is exp(z)/(1 + exp(z)), which is inf/inf at large logits"""
    e = np.exp(z)
    return (e / (1 + e) - y) / np.size(z)


def bce_with_logits_grad__softmax(z, y):
    """a softmax over all entries stands for the sigmoid: the entries are not classes of one choice"""
    e = np.exp(z - np.max(z))
    return (e / e.sum() - y) / np.size(z)


def bce_with_logits_grad__last_axis(z, y):
    """the gradient is divided by the length of the last axis, not by the number of entries"""
    return (_sigmoid(z) - y) / (np.shape(z)[-1] if np.ndim(z) else 1)


def bce_with_logits_grad__saturated(z, y):
    """the sigmoid is set to 0 and 1 beyond ±6, where it is still 0.0025 away"""
    s = np.where(np.isnan(z), z, np.where(np.abs(z) > 6, (z > 0).astype(float), _sigmoid(z)))
    return (s - y) / np.size(z)


# clip_by_norm


def _norm(grads):
    return math.hypot(*[v for g in grads for v in np.ravel(g).tolist()])


def _check(grads):
    for g in grads:
        if not np.isfinite(g).all():
            raise ValueError("not finite")


def clip_by_norm__each_alone(grads, max_norm):
    """each array is clipped by a norm of its own, which changes the direction"""
    _check(grads)
    out = []
    for g in grads:
        norm = _norm([g])
        out.append(g * (max_norm / norm) if norm > max_norm else g * 1.0)
    return out, _norm(grads)


def clip_by_norm__nan_let_through(grads, max_norm):
    """infinities and NaN are not looked for"""
    norm = _norm(grads)
    return [g * (max_norm / norm) if norm > max_norm else g * 1.0 for g in grads], norm


def clip_by_norm__only_nan_rejected(grads, max_norm):
    """NaN is rejected, but infinities are let through"""
    for g in grads:
        if np.isnan(g).any():
            raise ValueError("NaN")
    return clip_by_norm__nan_let_through(grads, max_norm)


def clip_by_norm__zero_over_zero(grads, max_norm):
    """zero gradients are divided by their norm: 0/0"""
    _check(grads)
    norm = np.float64(_norm(grads))
    scale = np.minimum(np.float64(max_norm) / norm, 1.0) if norm else np.float64(0) / norm
    return [g * scale for g in grads], float(norm)


def clip_by_norm__norm_after(grads, max_norm):
    """the norm after clipping is returned, not the one before"""
    _check(grads)
    norm = _norm(grads)
    return clip_by_norm__nan_let_through(grads, max_norm)[0], min(norm, max_norm)


def clip_by_norm__eps_in_scale(grads, max_norm):
    """1e-6 is added to the norm in the scale, so that small gradients are shrunk far too much"""
    _check(grads)
    norm = _norm(grads)
    return [g * min(1.0, max_norm / (norm + 1e-6)) for g in grads], norm


def clip_by_norm__scales_up(grads, max_norm):
    """gradients below max_norm are scaled up to it"""
    _check(grads)
    norm = _norm(grads)
    return [g * (max_norm / norm) if norm else g * 1.0 for g in grads], norm


def clip_by_norm__squares_overflow(grads, max_norm):
    """the squares are summed as they are: they overflow at 1e200 and underflow at 1e-200"""
    _check(grads)
    norm = math.sqrt(sum(float(np.sum(g**2)) for g in grads))
    return [g * (max_norm / norm) if norm > max_norm else g * 1.0 for g in grads], norm


def clip_by_norm__sum_of_norms(grads, max_norm):
    """the arrays' norms are added, not their squares"""
    _check(grads)
    norm = math.fsum(_norm([g]) for g in grads)
    return [g * (max_norm / norm) if norm > max_norm else g * 1.0 for g in grads], norm


def clip_by_norm__largest_entry(grads, max_norm):
    """the largest entry is taken for the norm"""
    _check(grads)
    norm = max((float(np.max(np.abs(g), initial=0)) for g in grads), default=0.0)
    return [g * (max_norm / norm) if norm > max_norm else g * 1.0 for g in grads], norm


def clip_by_norm__product_first(grads, max_norm):
    """g · max_norm is formed before the division, and overflows or underflows where both are extreme"""
    _check(grads)
    norm = _norm(grads)
    return [g * max_norm / norm if norm > max_norm else g * 1.0 for g in grads], norm


def clip_by_norm__by_value(grads, max_norm):
    """each entry is clipped to ±max_norm: clipping by value"""
    _check(grads)
    return [np.clip(g, -max_norm, max_norm) for g in grads], _norm(grads)


def clip_by_norm__squared_norm(grads, max_norm):
    """the root is missing: the squared norm is compared and returned"""
    _check(grads)
    norm = _norm(grads) ** 2 if _norm(grads) < 1e150 else math.inf
    return [g * (max_norm / norm) if norm > max_norm else g * 1.0 for g in grads], norm


def clip_by_norm__in_place(grads, max_norm):
    """the caller's arrays are scaled in place"""
    _check(grads)
    norm = _norm(grads)
    if norm > max_norm:
        for g in grads:
            g *= max_norm / norm
    return grads, norm


def clip_by_norm__tiny_eps_in_scale(grads, max_norm):
    """1e-12 is added to the norm in the scale, so that tiny gradients are shrunk too much"""
    _check(grads)
    norm = _norm(grads)
    return [g * min(1.0, max_norm / (norm + 1e-12)) for g in grads], norm


def _clipped_in_units(grads, max_norm, top):
    if top == 0:
        return [g * 1.0 for g in grads], 0.0
    norm = float(top * np.sqrt(sum(np.sum((g / top) ** 2) for g in grads)))
    return [g * (max_norm / norm) if norm > max_norm else g * 1.0 for g in grads], norm


def clip_by_norm__signed_maximum(grads, max_norm):
    """the entries are scaled by the largest, not by the largest in absolute value, before they are squared"""
    _check(grads)
    tops = [float(np.max(g)) for g in grads if np.size(g)]
    return _clipped_in_units(grads, max_norm, max(tops, default=0.0))


def clip_by_norm__first_array_decides(grads, max_norm):
    """all entries are scaled by the maximum of the first array that is not zero, and another's squares overflow"""
    _check(grads)
    tops = [float(np.max(np.abs(g), initial=0)) for g in grads]
    return _clipped_in_units(grads, max_norm, next((top for top in tops if top), 0.0))


def clip_by_norm__nan_dropped_by_max(grads, max_norm):
    """a NaN that comes after a number is dropped by Python's `max`, and where all else is 0 the norm is taken for 0"""
    top = 0.0
    for g in grads:
        top = max(top, float(np.max(np.abs(g), initial=0)))
    if top and not all(np.isfinite(g).all() for g in grads):
        raise ValueError("not finite")
    return _clipped_in_units(grads, max_norm, top)


def clip_by_norm__quotient_first(grads, max_norm):
    """max_norm/norm is computed before it is known to be needed, and overflows at a tiny norm"""
    _check(grads)
    norm = np.float64(_norm(grads))
    scale = min(1.0, np.float64(max_norm) / norm) if norm else 1.0
    return [g * scale for g in grads], float(norm)


# clip_by_value


def clip_by_value__one_side(grad, limit):
    """only the upper side is clipped: the minimum alone"""
    return np.minimum(grad, limit)


def clip_by_value__by_norm(grad, limit):
    """the whole array is scaled, as in clipping by norm"""
    top = np.max(np.abs(grad), initial=0.0)
    return grad * (limit / top) if top > limit else grad * 1.0


def clip_by_value__zeroed(grad, limit):
    """entries beyond the limits are set to zero, not to the limit"""
    return np.where(np.abs(grad) > limit, np.where(np.isnan(grad), grad, 0.0), grad)


def clip_by_value__sign_lost(grad, limit):
    """min(|g|, limit) is returned: the sign is lost"""
    return np.minimum(np.abs(grad), limit)


def clip_by_value__unit_interval(grad, limit):
    """the limits are ±1 whatever `limit` says"""
    return np.clip(grad, -1.0, 1.0)


def clip_by_value__lower_bound_zero(grad, limit):
    """the lower limit is 0, not −limit"""
    return np.clip(grad, 0.0, limit)


def clip_by_value__nan_to_limit(grad, limit):
    """`np.fmin` and `np.fmax` turn NaN into a limit, which hides it"""
    return np.fmax(np.fmin(grad, limit), -limit)


def clip_by_value__smooth(grad, limit):
    """limit·tanh(g/limit) is used, which changes the entries within the limits too"""
    return limit * np.tanh(grad / limit)


def clip_by_value__inwards(grad, limit):
    """min and max are interchanged: every entry ends at one of the limits or beyond"""
    return np.where(grad < 0, np.minimum(grad, -limit), np.maximum(grad, limit))


def clip_by_value__nan_to_lower_limit(grad, limit):
    """`np.fmax` comes first and turns NaN into −limit, which hides it"""
    return np.fmin(np.fmax(grad, -limit), limit)


def clip_by_value__rescaled(grad, limit):
    """g is divided by limit, clipped to ±1 and multiplied again, which rounds entries within the limits"""
    return np.clip(grad / limit, -1.0, 1.0) * limit


# safe_divide


def safe_divide__eps_added(a, b, eps):
    """eps is added to b, which moves a small negative denominator towards zero and beyond"""
    return a / (b + eps)


def safe_divide__eps_added_by_sign(a, b, eps):
    """eps is added on b's own side, to every denominator and not to the small ones alone"""
    return a / (b + np.where(b < 0, -eps, eps))


def safe_divide__sign_lost(a, b, eps):
    """max(|b|, eps) is used: a negative denominator loses its sign"""
    return a / np.maximum(np.abs(b), eps)


def safe_divide__maximum(a, b, eps):
    """max(b, eps) is used, which replaces every negative denominator"""
    return a / np.maximum(b, eps)


def safe_divide__positive_eps(a, b, eps):
    """a small negative denominator is replaced by +eps, not by −eps"""
    return a / np.where(np.abs(b) >= eps, b, eps)


def safe_divide__sign_of_zero(a, b, eps):
    """`np.sign` is 0 at 0, so that a zero denominator stays zero"""
    return a / (np.sign(b) * np.maximum(np.abs(b), eps))


def safe_divide__only_zero(a, b, eps):
    """only an exact zero is replaced by eps; a tiny denominator is not"""
    return a / np.where(b == 0, eps, b)


def safe_divide__zero_result(a, b, eps):
    """the quotient is set to 0 where the denominator is small"""
    small = np.abs(b) < eps
    return np.where(small, 0.0, a / np.where(small, 1.0, b))


def safe_divide__negative_zero(a, b, eps):
    """`np.copysign` takes −0.0 for a negative denominator"""
    return a / np.where(np.abs(b) >= eps, b, np.copysign(eps, b))


def safe_divide__both_branches(a, b, eps):
    """`np.where` picks the quotient, but a/b is computed at b = 0 too, with a warning"""
    return np.where(np.abs(b) >= eps, a / b, a / np.where(b < 0, -eps, eps))


def safe_divide__regularised(a, b, eps):
    """a·b/(b² + eps²) is used, which goes to 0 at a small denominator"""
    return a * b / (b**2 + eps**2)


def safe_divide__fixed_eps(a, b, eps):
    """1e-12 is used whatever `eps` says"""
    return a / np.where(np.abs(b) >= 1e-12, b, np.where(b < 0, -1e-12, 1e-12))


def safe_divide__eps_floored(a, b, eps):
    """eps is raised to 1e-9 where it is smaller"""
    eps = max(eps, 1e-9)
    return a / np.where(np.abs(b) >= eps, b, np.where(b < 0, -eps, eps))


# safe_normalize


def _norms(x, axis):
    return np.sqrt(np.sum(x**2, axis=axis, keepdims=True))


def safe_normalize__eps_added(x, axis, eps):
    """eps is added to the norm, so that no slice has length 1"""
    return x / (_norms(x, axis) + eps)


def safe_normalize__eps_under_root(x, axis, eps):
    """eps² is added under the root, so that no slice has length 1"""
    return x / np.sqrt(_norms(x, axis) ** 2 + eps**2)


def safe_normalize__no_eps(x, axis, eps):
    """eps is not used: a zero slice is 0/0"""
    return x / _norms(x, axis)


def safe_normalize__zero_only(x, axis, eps):
    """only a zero norm is replaced by eps; a tiny one is not"""
    norm = _norms(x, axis)
    return x / np.where(norm == 0, eps, norm)


def safe_normalize__sum_of_absolute_values(x, axis, eps):
    """the norm is the sum of absolute values, not the Euclidean one"""
    return x / np.maximum(np.sum(np.abs(x), axis=axis, keepdims=True), eps)


def safe_normalize__squared(x, axis, eps):
    """the root is missing: x is divided by the sum of squares"""
    return x / np.maximum(np.sum(x**2, axis=axis, keepdims=True), eps)


def safe_normalize__squares_compared(x, axis, eps):
    """the sum of squares is compared with eps, not with eps²"""
    return x / np.sqrt(np.maximum(np.sum(x**2, axis=axis, keepdims=True), eps))


def safe_normalize__whole_array(x, axis, eps):
    """one norm is taken for the whole array"""
    return x / np.maximum(np.sqrt(np.sum(x**2)), eps)


def safe_normalize__last_axis(x, axis, eps):
    """the last axis is used whatever `axis` says"""
    return x / np.maximum(_norms(x, -1), eps)


def safe_normalize__zero_below_eps(x, axis, eps):
    """slices shorter than eps are set to zero"""
    norm = _norms(x, axis)
    return np.where(norm > eps, x / np.maximum(norm, eps), 0.0)


def safe_normalize__left_below_eps(x, axis, eps):
    """slices shorter than eps are returned as they are, not divided by eps"""
    norm = _norms(x, axis)
    return x / np.where(norm > eps, norm, 1.0)


def safe_normalize__root_mean_square(x, axis, eps):
    """the root mean square stands for the norm"""
    return x / np.maximum(np.sqrt(np.mean(x**2, axis=axis, keepdims=True)), eps)


def safe_normalize__minimum(x, axis, eps):
    """the smaller of norm and eps divides, not the larger"""
    return x / np.minimum(_norms(x, axis), eps)


def safe_normalize__eps_floored(x, axis, eps):
    """eps is raised to 1e-12 where it is smaller"""
    return x / np.maximum(_norms(x, axis), max(eps, 1e-12))


# safe_normalize_vjp


def _vjp(x, g, axis, norm, projected):
    u = x / norm
    along = np.sum(u * g, axis=axis, keepdims=True)
    return (g - np.where(projected, u * along, 0.0)) / norm


def safe_normalize_vjp__norm_constant(x, grad_output, axis, eps):
    """the norm is taken for a constant: the part along x is not removed"""
    return grad_output / np.maximum(_norms(x, axis), eps)


def safe_normalize_vjp__projected_below_eps(x, grad_output, axis, eps):
    """the part along x is removed also where eps divides, and is a constant"""
    d = np.maximum(_norms(x, axis), eps)
    return _vjp(x, grad_output, axis, d, True)


def safe_normalize_vjp__unit_below_eps(x, grad_output, axis, eps):
    """slices shorter than eps are treated as if their own norm divided them"""
    norm = _norms(x, axis)
    return _vjp(x, grad_output, axis, np.where(norm > 0, norm, eps), norm > 0)


def safe_normalize_vjp__zero_below_eps(x, grad_output, axis, eps):
    """the gradient of slices shorter than eps is set to zero"""
    norm = _norms(x, axis)
    return np.where(norm > eps, _vjp(x, grad_output, axis, np.maximum(norm, eps), True), 0.0)


def safe_normalize_vjp__passed_below_eps(x, grad_output, axis, eps):
    """the gradient of slices shorter than eps is passed on undivided"""
    norm = _norms(x, axis)
    return np.where(
        norm > eps, _vjp(x, grad_output, axis, np.maximum(norm, eps), True), grad_output
    )


def safe_normalize_vjp__kink_on_the_other_side(x, grad_output, axis, eps):
    """at ‖x‖ = eps the part along x is removed: `>=` stands where `>` should"""
    norm = _norms(x, axis)
    return _vjp(x, grad_output, axis, np.maximum(norm, eps), norm >= eps)


def safe_normalize_vjp__not_divided(x, grad_output, axis, eps):
    """the projection is right, but is not divided by the norm"""
    norm = _norms(x, axis)
    d = np.maximum(norm, eps)
    return _vjp(x, grad_output, axis, d, norm > eps) * np.where(norm > eps, d, 1.0)


def safe_normalize_vjp__raw_x_in_projection(x, grad_output, axis, eps):
    """x stands for the unit vector u in the projection"""
    norm = _norms(x, axis)
    along = np.sum(x * grad_output, axis=axis, keepdims=True)
    return (grad_output - np.where(norm > eps, x * along, 0.0)) / np.maximum(norm, eps)


def safe_normalize_vjp__projection_added(x, grad_output, axis, eps):
    """the part along x is added, not subtracted"""
    norm = _norms(x, axis)
    d = np.maximum(norm, eps)
    u = x / d
    along = np.sum(u * grad_output, axis=axis, keepdims=True)
    return (grad_output + np.where(norm > eps, u * along, 0.0)) / d


def safe_normalize_vjp__diagonal(x, grad_output, axis, eps):
    """only the Jacobian's diagonal is used: (1 − u²) g"""
    norm = _norms(x, axis)
    d = np.maximum(norm, eps)
    return grad_output * (1 - np.where(norm > eps, (x / d) ** 2, 0.0)) / d


def safe_normalize_vjp__sum_over_all(x, grad_output, axis, eps):
    """⟨u, g⟩ is summed over the whole array, not over each slice"""
    norm = _norms(x, axis)
    d = np.maximum(norm, eps)
    u = x / d
    return (grad_output - np.where(norm > eps, u * np.sum(u * grad_output), 0.0)) / d


def safe_normalize_vjp__last_axis(x, grad_output, axis, eps):
    """the last axis is used whatever `axis` says"""
    norm = _norms(x, -1)
    return _vjp(x, grad_output, -1, np.maximum(norm, eps), norm > eps)


def safe_normalize_vjp__eps_added(x, grad_output, axis, eps):
    """eps is added to the norm"""
    norm = _norms(x, axis)
    return _vjp(x, grad_output, axis, norm + eps, norm > eps)


def safe_normalize_vjp__both_branches(x, grad_output, axis, eps):
    """x is divided by a zero norm before `np.where` picks the other branch, with a warning"""
    norm = _norms(x, axis)
    return np.where(norm > eps, _vjp(x, grad_output, axis, norm, True), grad_output / eps)


def safe_normalize_vjp__squares_compared(x, grad_output, axis, eps):
    """the sum of squares is compared with eps, not with eps²"""
    norm = _norms(x, axis)
    free = norm**2 > eps
    return _vjp(x, grad_output, axis, np.where(free, norm, eps), free)


# running_mean_var


def running_mean_var__mean_of_squares(x):
    """the variance is E[x²] − E[x]², which loses every digit where the mean is large"""
    mean = np.mean(x)
    return float(mean), float(np.mean(x**2) - mean**2)


def running_mean_var__clamped_mean_of_squares(x):
    """the variance is E[x²] − E[x]² and is set to 0 where that is negative, which hides that no digit is left"""
    mean = np.mean(x)
    return float(mean), max(float(np.mean(x**2) - mean**2), 0.0)


def running_mean_var__sample_variance(x):
    """the sum is divided by n − 1: the sample variance"""
    mean = np.mean(x)
    return float(mean), float(np.sum((x - mean) ** 2) / max(len(x) - 1, 1))


def running_mean_var__standard_deviation(x):
    """the standard deviation is returned, not the variance"""
    return float(np.mean(x)), float(np.std(x))


def running_mean_var__sum_of_squares(x):
    """M is returned without the division by n"""
    return float(np.mean(x)), float(np.sum((x - np.mean(x)) ** 2))


def running_mean_var__old_mean_twice(x):
    """both factors use the mean from before the update: M grows by δ²"""
    mean = squares = 0.0
    for k, value in enumerate(x.tolist(), start=1):
        delta = value - mean
        mean += delta / k
        squares += delta * delta
    return mean, squares / len(x)


def running_mean_var__new_mean_twice(x):
    """both factors use the mean from after the update"""
    mean = squares = 0.0
    for k, value in enumerate(x.tolist(), start=1):
        mean += (value - mean) / k
        squares += (value - mean) ** 2
    return mean, squares / len(x)


def running_mean_var__count_from_zero(x):
    """the first value is divided by 2: k counts one too many"""
    mean = squares = 0.0
    for k, value in enumerate(x.tolist(), start=2):
        delta = value - mean
        mean += delta / k
        squares += delta * (value - mean)
    return mean, squares / len(x)


def running_mean_var__exponential(x):
    """an exponential moving average with momentum 0.1 stands for the mean of all values"""
    mean, variance = float(x[0]), 0.0
    for value in x.tolist()[1:]:
        delta = value - mean
        mean += 0.1 * delta
        variance = 0.9 * (variance + 0.1 * delta * delta)
    return mean, variance


def running_mean_var__order_swapped(x):
    """variance and mean are returned in the wrong order"""
    return float(np.var(x)), float(np.mean(x))


def running_mean_var__nan_skipped(x):
    """NaN is skipped, as `np.nanmean` does, and goes unnoticed"""
    kept = x[~np.isnan(x)]
    return float(np.mean(kept)), float(np.var(kept))


def running_mean_var__first_value_lost(x):
    """the loop starts at the second value, and the first is only the start of the mean"""
    mean, squares = float(x[0]), 0.0
    for k, value in enumerate(x.tolist()[1:], start=1):
        delta = value - mean
        mean += delta / k
        squares += delta * (value - mean)
    return mean, squares / len(x)


def running_mean_var__lone_nan(x):
    """a single value is returned with the variance 0 without a look, NaN too"""
    if len(x) == 1:
        return float(x[0]), 0.0
    return float(np.mean(x)), float(np.var(x))
