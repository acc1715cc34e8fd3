"""Wrong on purpose: what people write for the GAN topic. Each docstring ends 'this is what you get when …'."""

import numpy as np


def _softplus(z):
    return np.logaddexp(0.0, z)


def _sigmoid(z):
    return np.exp(-np.logaddexp(0.0, -np.asarray(z)))


def _plain_sigmoid(z):
    return 1 / (1 + np.exp(-np.asarray(z)))


# discriminator_loss


def discriminator_loss__ones_for_fakes(real_logits, fake_logits):
    """the fakes are given the label 1 too: −log σ(f), not −log(1 − σ(f))"""
    return np.mean(_softplus(-real_logits)) + np.mean(_softplus(-fake_logits))


def discriminator_loss__labels_swapped(real_logits, fake_logits):
    """the labels are swapped: 0 for real and 1 for fake"""
    return np.mean(_softplus(real_logits)) + np.mean(_softplus(-fake_logits))


def discriminator_loss__half(real_logits, fake_logits):
    """the sum of the two means is multiplied by ½, which this convention does not have"""
    return (np.mean(_softplus(-real_logits)) + np.mean(_softplus(fake_logits))) / 2


def discriminator_loss__one_mean_over_both(real_logits, fake_logits):
    """one mean is taken over all N + M samples, not one over each batch"""
    costs = np.concatenate([_softplus(-real_logits).ravel(), _softplus(fake_logits).ravel()])
    return np.mean(costs)


def discriminator_loss__sums(real_logits, fake_logits):
    """the costs are summed over the samples, not averaged"""
    return np.sum(_softplus(-real_logits)) + np.sum(_softplus(fake_logits))


def discriminator_loss__fake_divided_by_n(real_logits, fake_logits):
    """both sums are divided by the number of real samples"""
    return (np.sum(_softplus(-real_logits)) + np.sum(_softplus(fake_logits))) / np.size(real_logits)


def discriminator_loss__sign(real_logits, fake_logits):
    """the sign is flipped: this is the value of the game, which the discriminator maximises"""
    return -np.mean(_softplus(-real_logits)) - np.mean(_softplus(fake_logits))


def discriminator_loss__fake_term_sign(real_logits, fake_logits):
    """the mean over the fakes is subtracted, not added"""
    return np.mean(_softplus(-real_logits)) - np.mean(_softplus(fake_logits))


def discriminator_loss__log_of_sigmoid(real_logits, fake_logits):
    """the logarithm is taken of a sigmoid that has already become 0 or 1"""
    real, fake = _plain_sigmoid(real_logits), _plain_sigmoid(fake_logits)
    return -np.mean(np.log(real)) - np.mean(np.log(1 - fake))


def discriminator_loss__softplus_overflows(real_logits, fake_logits):
    """log(1 + exp(z)) is written as it stands, so that the exponential overflows"""
    return np.mean(np.log1p(np.exp(-real_logits))) + np.mean(np.log1p(np.exp(fake_logits)))


def discriminator_loss__eps_in_logarithm(real_logits, fake_logits):
    """an eps of 1e-8 is added inside the logarithms, which caps each cost at 18.4"""
    real, fake = _sigmoid(real_logits), _sigmoid(fake_logits)
    return -np.mean(np.log(real + 1e-8)) - np.mean(np.log(1 - fake + 1e-8))


def discriminator_loss__clipped_probabilities(real_logits, fake_logits):
    """probabilities are clipped to 1e-7 … 1 − 1e-7, which caps each cost at 16.1"""
    real = np.clip(_sigmoid(real_logits), 1e-7, 1 - 1e-7)
    fake = np.clip(_sigmoid(fake_logits), 1e-7, 1 - 1e-7)
    return -np.mean(np.log(real)) - np.mean(np.log(1 - fake))


def discriminator_loss__costs_capped_at_100(real_logits, fake_logits):
    """each cost is cut off at 100, as some libraries do with probabilities"""
    real = np.minimum(_softplus(-real_logits), 100.0)
    return np.mean(real) + np.mean(np.minimum(_softplus(fake_logits), 100.0))


def discriminator_loss__label_smoothing(real_logits, fake_logits):
    """the label of the real samples is smoothed to 0.9"""
    real = 0.9 * _softplus(-real_logits) + 0.1 * _softplus(real_logits)
    return np.mean(real) + np.mean(_softplus(fake_logits))


def discriminator_loss__base_two(real_logits, fake_logits):
    """the logarithm is taken to the base 2: bits, not nats"""
    return (np.mean(_softplus(-real_logits)) + np.mean(_softplus(fake_logits))) / np.log(2)


def discriminator_loss__first_axis_divided(real_logits, fake_logits):
    """the sums over all entries are divided by `len`, the length of the first axis alone"""
    real, fake = _softplus(-real_logits), _softplus(fake_logits)
    return np.sum(real) / len(real) + np.sum(fake) / len(fake)


def discriminator_loss__first_axis_averaged(real_logits, fake_logits):
    """the mean is taken along the first axis alone, so that the other axes stay"""
    return np.mean(_softplus(-real_logits), axis=0) + np.mean(_softplus(fake_logits), axis=0)


def discriminator_loss__wasserstein(real_logits, fake_logits):
    """the critic's loss of a Wasserstein GAN is returned: the difference of the mean logits"""
    return np.mean(fake_logits) - np.mean(real_logits)


def discriminator_loss__hinge(real_logits, fake_logits):
    """the hinge loss is used, max(0, 1 − r) and max(0, 1 + f), not the cross-entropy"""
    return np.mean(np.maximum(0, 1 - real_logits)) + np.mean(np.maximum(0, 1 + fake_logits))


def discriminator_loss__least_squares(real_logits, fake_logits):
    """squared distances of the probabilities from their labels are used, not the cross-entropy"""
    real, fake = _sigmoid(real_logits), _sigmoid(fake_logits)
    return np.mean((real - 1) ** 2) + np.mean(fake**2)


# discriminator_grads


def _d_grads(real, fake):
    return -_sigmoid(-real) / real.size, _sigmoid(fake) / fake.size


def discriminator_grads__ones_for_fakes(real_logits, fake_logits):
    """the fakes are given the label 1 too: their gradient is σ(f) − 1, not σ(f)"""
    return _d_grads(real_logits, fake_logits)[0], -_sigmoid(-fake_logits) / fake_logits.size


def discriminator_grads__fake_sign(real_logits, fake_logits):
    """the sign of the fakes' gradient is flipped"""
    d_real, d_fake = _d_grads(real_logits, fake_logits)
    return d_real, -d_fake


def discriminator_grads__real_sign(real_logits, fake_logits):
    """the sign of the real samples' gradient is flipped"""
    d_real, d_fake = _d_grads(real_logits, fake_logits)
    return -d_real, d_fake


def discriminator_grads__ascent(real_logits, fake_logits):
    """both signs are flipped: the gradient of what the discriminator maximises"""
    d_real, d_fake = _d_grads(real_logits, fake_logits)
    return -d_real, -d_fake


def discriminator_grads__real_not_minus_one(real_logits, fake_logits):
    """the label 1 is not subtracted: the real samples' gradient is σ(r), not σ(r) − 1"""
    return _sigmoid(real_logits) / real_logits.size, _d_grads(real_logits, fake_logits)[1]


def discriminator_grads__no_mean(real_logits, fake_logits):
    """the 1/N and 1/M of the means are missing"""
    return -_sigmoid(-real_logits), _sigmoid(fake_logits)


def discriminator_grads__one_mean_over_both(real_logits, fake_logits):
    """both are divided by N + M, as if one mean were taken over both batches"""
    n = real_logits.size + fake_logits.size
    return -_sigmoid(-real_logits) / n, _sigmoid(fake_logits) / n


def discriminator_grads__fake_divided_by_n(real_logits, fake_logits):
    """both are divided by the number of real samples"""
    n = real_logits.size
    return -_sigmoid(-real_logits) / n, _sigmoid(fake_logits) / n


def discriminator_grads__half(real_logits, fake_logits):
    """both are multiplied by ½, which this convention does not have"""
    d_real, d_fake = _d_grads(real_logits, fake_logits)
    return d_real / 2, d_fake / 2


def discriminator_grads__returned_in_other_order(real_logits, fake_logits):
    """the fakes' gradient is returned first"""
    d_real, d_fake = _d_grads(real_logits, fake_logits)
    return d_fake, d_real


def discriminator_grads__of_probabilities(real_logits, fake_logits):
    """the gradient with respect to the probabilities is returned, not to the logits"""
    d_real = -1 / _sigmoid(real_logits) / real_logits.size
    return d_real, 1 / _sigmoid(-fake_logits) / fake_logits.size


def discriminator_grads__sigmoid_slope_again(real_logits, fake_logits):
    """predicted minus label is multiplied by σ' once more, as a squared error would need"""
    d_real, d_fake = _d_grads(real_logits, fake_logits)
    return (
        d_real * _sigmoid(real_logits) * _sigmoid(-real_logits),
        d_fake * _sigmoid(fake_logits) * _sigmoid(-fake_logits),
    )


def discriminator_grads__exponential_overflows(real_logits, fake_logits):
    """the sigmoid is written exp(z)/(1 + exp(z)), which is inf/inf for large logits"""

    def sigmoid(z):
        return np.exp(z) / (1 + np.exp(z))

    d_real = (sigmoid(real_logits) - 1) / real_logits.size
    return d_real, sigmoid(fake_logits) / fake_logits.size


def discriminator_grads__clipped(real_logits, fake_logits):
    """the gradient is 0 where the probability was clipped to 1e-7 … 1 − 1e-7"""
    d_real, d_fake = _d_grads(real_logits, fake_logits)
    edge = np.log(1e7)
    return np.where(abs(real_logits) > edge, 0, d_real), np.where(
        abs(fake_logits) > edge, 0, d_fake
    )


def discriminator_grads__first_axis_divided(real_logits, fake_logits):
    """it is divided by `len`, the length of the first axis, not by the number of entries"""
    return -_sigmoid(-real_logits) / len(real_logits), _sigmoid(fake_logits) / len(fake_logits)


def discriminator_grads__flattened(real_logits, fake_logits):
    """the gradients are flattened and lose their logits' shape"""
    d_real, d_fake = _d_grads(real_logits, fake_logits)
    return d_real.ravel(), d_fake.ravel()


def discriminator_grads__label_smoothing(real_logits, fake_logits):
    """the label of the real samples is smoothed to 0.9"""
    d_fake = _d_grads(real_logits, fake_logits)[1]
    return (_sigmoid(real_logits) - 0.9) / real_logits.size, d_fake


# generator_minimax_loss


def generator_minimax_loss__nonsaturating(fake_logits):
    """the two generator losses are swapped: this is the non-saturating one, −log σ(f)"""
    return np.mean(_softplus(-fake_logits))


def generator_minimax_loss__sign(fake_logits):
    """the sign is flipped: −log(1 − σ(f)) is what the discriminator minimises"""
    return np.mean(_softplus(fake_logits))


def generator_minimax_loss__log_sigmoid(fake_logits):
    """log σ(f) is returned, which the generator would have to maximise, not log(1 − σ(f))"""
    return -np.mean(_softplus(-fake_logits))


def generator_minimax_loss__log_of_one_minus_sigmoid(fake_logits):
    """the logarithm is taken of 1 − σ(f), which has already become 0"""
    return np.mean(np.log(1 - _sigmoid(fake_logits)))


def generator_minimax_loss__softplus_overflows(fake_logits):
    """log(1 + exp(f)) is written as it stands, so that the exponential overflows"""
    return -np.mean(np.log1p(np.exp(fake_logits)))


def generator_minimax_loss__eps_in_logarithm(fake_logits):
    """an eps of 1e-8 is added inside the logarithm"""
    return np.mean(np.log(_sigmoid(-fake_logits) + 1e-8))


def generator_minimax_loss__clipped_probability(fake_logits):
    """the probability is clipped to 1e-7 … 1 − 1e-7"""
    return np.mean(np.log(1 - np.clip(_sigmoid(fake_logits), 1e-7, 1 - 1e-7)))


def generator_minimax_loss__sum(fake_logits):
    """the terms are summed over the samples, not averaged"""
    return -np.sum(_softplus(fake_logits))


def generator_minimax_loss__half(fake_logits):
    """a ½ stands in front, which this convention does not have"""
    return -np.mean(_softplus(fake_logits)) / 2


def generator_minimax_loss__first_axis_divided(fake_logits):
    """the sum over all entries is divided by `len`, the length of the first axis alone"""
    return -np.sum(_softplus(fake_logits)) / len(fake_logits)


def generator_minimax_loss__logarithm_of_the_mean(fake_logits):
    """the logarithm is taken of the mean probability, not the mean of the logarithms"""
    return np.log(np.mean(_sigmoid(-fake_logits)))


# generator_minimax_grad


def generator_minimax_grad__nonsaturating(fake_logits):
    """the two generator forms are swapped: this is the gradient of the non-saturating one"""
    return -_sigmoid(-fake_logits) / fake_logits.size


def generator_minimax_grad__sign(fake_logits):
    """the sign is flipped: σ(f)/M is the discriminator's gradient"""
    return _sigmoid(fake_logits) / fake_logits.size


def generator_minimax_grad__no_mean(fake_logits):
    """the 1/M of the mean is missing"""
    return -_sigmoid(fake_logits)


def generator_minimax_grad__half(fake_logits):
    """a ½ stands in front, which this convention does not have"""
    return -_sigmoid(fake_logits) / (2 * fake_logits.size)


def generator_minimax_grad__of_probability(fake_logits):
    """the gradient with respect to the probability is returned, −1/(1 − σ), not to the logit"""
    return -1 / _sigmoid(-fake_logits) / fake_logits.size


def generator_minimax_grad__slope_of_sigmoid(fake_logits):
    """only the sigmoid is differentiated, not the logarithm around it: −σ(1 − σ)"""
    return -_sigmoid(fake_logits) * _sigmoid(-fake_logits) / fake_logits.size


def generator_minimax_grad__exponential_overflows(fake_logits):
    """the sigmoid is written exp(f)/(1 + exp(f)), which is inf/inf for large logits"""
    return -np.exp(fake_logits) / (1 + np.exp(fake_logits)) / fake_logits.size


def generator_minimax_grad__first_axis_divided(fake_logits):
    """it is divided by `len`, the length of the first axis, not by the number of entries"""
    return -_sigmoid(fake_logits) / len(fake_logits)


def generator_minimax_grad__flattened(fake_logits):
    """the gradient is flattened and loses the logits' shape"""
    return -_sigmoid(fake_logits).ravel() / fake_logits.size


def generator_minimax_grad__clipped(fake_logits):
    """the gradient is 0 where the probability was clipped to 1e-7 … 1 − 1e-7"""
    grad = -_sigmoid(fake_logits) / fake_logits.size
    return np.where(abs(fake_logits) > np.log(1e7), 0, grad)


# generator_nonsaturating_loss


def generator_nonsaturating_loss__minimax(fake_logits):
    """the two generator losses are swapped: this is the saturating one, log(1 − σ(f))"""
    return -np.mean(_softplus(fake_logits))


def generator_nonsaturating_loss__fakes_told_zero(fake_logits):
    """the fakes are given the label 0, as in the discriminator's loss, not 1"""
    return np.mean(_softplus(fake_logits))


def generator_nonsaturating_loss__sign(fake_logits):
    """the sign is flipped: mean log σ(f) is what the generator maximises"""
    return -np.mean(_softplus(-fake_logits))


def generator_nonsaturating_loss__log_of_sigmoid(fake_logits):
    """the logarithm is taken of a sigmoid that has already underflowed to 0"""
    return -np.mean(np.log(_sigmoid(fake_logits)))


def generator_nonsaturating_loss__softplus_overflows(fake_logits):
    """log(1 + exp(−f)) is written as it stands, so that the exponential overflows"""
    return np.mean(np.log1p(np.exp(-fake_logits)))


def generator_nonsaturating_loss__eps_in_logarithm(fake_logits):
    """an eps of 1e-8 is added inside the logarithm, which caps each cost at 18.4"""
    return -np.mean(np.log(_sigmoid(fake_logits) + 1e-8))


def generator_nonsaturating_loss__clipped_probability(fake_logits):
    """the probability is clipped to 1e-7 … 1 − 1e-7, which caps each cost at 16.1"""
    return -np.mean(np.log(np.clip(_sigmoid(fake_logits), 1e-7, 1 - 1e-7)))


def generator_nonsaturating_loss__sum(fake_logits):
    """the costs are summed over the samples, not averaged"""
    return np.sum(_softplus(-fake_logits))


def generator_nonsaturating_loss__half(fake_logits):
    """a ½ stands in front, which this convention does not have"""
    return np.mean(_softplus(-fake_logits)) / 2


def generator_nonsaturating_loss__first_axis_divided(fake_logits):
    """the sum over all entries is divided by `len`, the length of the first axis alone"""
    return np.sum(_softplus(-fake_logits)) / len(fake_logits)


def generator_nonsaturating_loss__logarithm_of_the_mean(fake_logits):
    """the logarithm is taken of the mean probability, not the mean of the logarithms"""
    return -np.log(np.mean(_sigmoid(fake_logits)))


# generator_nonsaturating_grad


def generator_nonsaturating_grad__minimax(fake_logits):
    """the two generator forms are swapped: this is the gradient of the saturating one"""
    return -_sigmoid(fake_logits) / fake_logits.size


def generator_nonsaturating_grad__sign(fake_logits):
    """the sign is flipped: one would have to ascend"""
    return _sigmoid(-fake_logits) / fake_logits.size


def generator_nonsaturating_grad__fakes_told_zero(fake_logits):
    """the fakes are given the label 0, as in the discriminator's loss: σ(f)/M"""
    return _sigmoid(fake_logits) / fake_logits.size


def generator_nonsaturating_grad__no_mean(fake_logits):
    """the 1/M of the mean is missing"""
    return -_sigmoid(-fake_logits)


def generator_nonsaturating_grad__half(fake_logits):
    """a ½ stands in front, which this convention does not have"""
    return -_sigmoid(-fake_logits) / (2 * fake_logits.size)


def generator_nonsaturating_grad__of_probability(fake_logits):
    """the gradient with respect to the probability is returned, −1/σ, not to the logit"""
    return -1 / _sigmoid(fake_logits) / fake_logits.size


def generator_nonsaturating_grad__slope_of_sigmoid(fake_logits):
    """only the sigmoid is differentiated, not the logarithm around it: −σ(1 − σ)"""
    return -_sigmoid(fake_logits) * _sigmoid(-fake_logits) / fake_logits.size


def generator_nonsaturating_grad__exponential_overflows(fake_logits):
    """the sigmoid is written exp(f)/(1 + exp(f)), which is inf/inf for large logits"""
    return (np.exp(fake_logits) / (1 + np.exp(fake_logits)) - 1) / fake_logits.size


def generator_nonsaturating_grad__first_axis_divided(fake_logits):
    """it is divided by `len`, the length of the first axis, not by the number of entries"""
    return -_sigmoid(-fake_logits) / len(fake_logits)


def generator_nonsaturating_grad__flattened(fake_logits):
    """the gradient is flattened and loses the logits' shape"""
    return -_sigmoid(-fake_logits).ravel() / fake_logits.size


def generator_nonsaturating_grad__clipped(fake_logits):
    """the gradient is 0 where the probability was clipped to 1e-7 … 1 − 1e-7"""
    grad = -_sigmoid(-fake_logits) / fake_logits.size
    return np.where(abs(fake_logits) > np.log(1e7), 0, grad)


# optimal_discriminator


def _quiet_ratio(a, b, nothing):
    total = np.where(b == 0, 1.0, b)
    return np.where(b == 0, nothing, a / total)


def optimal_discriminator__of_the_model(p_data, p_model):
    """the densities are swapped: the probability of a fake, p_model/(p_data + p_model)"""
    return _quiet_ratio(p_model, p_data + p_model, 0.5)


def optimal_discriminator__eps_in_denominator(p_data, p_model):
    """an eps of 1e-12 is added to the denominator, which swallows small densities and gives 0 for 0/0"""
    return p_data / (p_data + p_model + 1e-12)


def optimal_discriminator__eps_on_both_densities(p_data, p_model):
    """1e-300 is added to both densities, which gives ½ for 0/0 but is not nothing beside other densities as small"""
    return (p_data + 1e-300) / (p_data + p_model + 2e-300)


def optimal_discriminator__nothing_is_nan(p_data, p_model):
    """0/0 is left to be NaN where both densities are 0"""
    return p_data / (p_data + p_model)


def optimal_discriminator__divided_before_chosen(p_data, p_model):
    """`np.where` chooses only after 0/0 has been computed, with its warning"""
    total = p_data + p_model
    return np.where(total == 0, 0.5, p_data / total)


def optimal_discriminator__nothing_is_zero(p_data, p_model):
    """points where both densities are 0 give 0, not ½"""
    return _quiet_ratio(p_data, p_data + p_model, 0.0)


def optimal_discriminator__nothing_is_one(p_data, p_model):
    """points where both densities are 0 give 1, not ½"""
    return _quiet_ratio(p_data, p_data + p_model, 1.0)


def optimal_discriminator__small_is_nothing(p_data, p_model):
    """densities below 1e-12 are taken for 0, though their ratio is known"""
    total = p_data + p_model
    small = total < 1e-12
    return np.where(small, 0.5, p_data / np.where(small, 1.0, total))


def optimal_discriminator__density_ratio(p_data, p_model):
    """the ratio p_data/p_model is returned, which is D/(1 − D), not D"""
    nothing = p_data + p_model == 0
    return np.where(nothing, 0.5, p_data / np.where(nothing, 1.0, p_model))


def optimal_discriminator__of_the_mixture(p_data, p_model):
    """p_data is divided by the mixture ½(p_data + p_model): twice the probability"""
    return _quiet_ratio(2 * p_data, p_data + p_model, 0.5)


def optimal_discriminator__normalised_first(p_data, p_model):
    """the densities are normalised to sum to one over the points first"""
    p, q = p_data / max(p_data.sum(), 1e-320), p_model / max(p_model.sum(), 1e-320)
    return _quiet_ratio(p, p + q, 0.5)


def optimal_discriminator__clipped(p_data, p_model):
    """the result is clipped to 1e-7 … 1 − 1e-7, and is never 0 or 1"""
    return np.clip(_quiet_ratio(p_data, p_data + p_model, 0.5), 1e-7, 1 - 1e-7)


def optimal_discriminator__sigmoid_of_difference(p_data, p_model):
    """the sigmoid of p_data − p_model is taken, not of the difference of their logarithms"""
    return _sigmoid(p_data - p_model)


def optimal_discriminator__squares(p_data, p_model):
    """the densities are squared: each is weighted by itself once more"""
    p, q = p_data**2, p_model**2
    return _quiet_ratio(p, p + q, 0.5)


def optimal_discriminator__hard_decision(p_data, p_model):
    """the larger density is chosen, 0 or 1, not the probability"""
    return np.where(p_data == p_model, 0.5, (p_data > p_model) * 1.0)


# bilinear_game_step


def bilinear_game_step__both_descend(x, y, lr, simultaneous):
    """y descends too, though it maximises"""
    new_x = x - lr * y
    return new_x, y - lr * (x if simultaneous else new_x)


def bilinear_game_step__roles_swapped(x, y, lr, simultaneous):
    """x ascends and y descends: the roles are swapped"""
    new_x = x + lr * y
    return new_x, y - lr * (x if simultaneous else new_x)


def bilinear_game_step__both_ascend(x, y, lr, simultaneous):
    """x ascends too, though it minimises"""
    new_x = x + lr * y
    return new_x, y + lr * (x if simultaneous else new_x)


def bilinear_game_step__flag_inverted(x, y, lr, simultaneous):
    """`simultaneous` is read the other way round"""
    new_x = x - lr * y
    return new_x, y + lr * (new_x if simultaneous else x)


def bilinear_game_step__always_simultaneous(x, y, lr, simultaneous):
    """y uses the old x whatever `simultaneous` says"""
    return x - lr * y, y + lr * x


def bilinear_game_step__always_alternating(x, y, lr, simultaneous):
    """x is overwritten before y uses it, whatever `simultaneous` says"""
    x = x - lr * y
    y = y + lr * x
    return x, y


def bilinear_game_step__y_moves_first(x, y, lr, simultaneous):
    """y moves first and x uses the new y, where the steps alternate"""
    new_y = y + lr * x
    return x - lr * (y if simultaneous else new_y), new_y


def bilinear_game_step__own_variable(x, y, lr, simultaneous):
    """each player is differentiated by the other's variable: ∂(xy)/∂x is y, not x"""
    new_x = x - lr * x
    return new_x, y + lr * y


def bilinear_game_step__other_order(x, y, lr, simultaneous):
    """y is returned first"""
    new_x = x - lr * y
    return y + lr * (x if simultaneous else new_x), new_x


def bilinear_game_step__increments(x, y, lr, simultaneous):
    """only the increments are returned, not the players after the step"""
    new_x = x - lr * y
    return -lr * y, lr * (x if simultaneous else new_x)


def bilinear_game_step__lr_once(x, y, lr, simultaneous):
    """the step of y lacks lr"""
    new_x = x - lr * y
    return new_x, y + (x if simultaneous else new_x)


def bilinear_game_step__y_answers_with_old_step(x, y, lr, simultaneous):
    """the alternating y takes the simultaneous step and a further one for how far x moved, with the wrong sign"""
    return x - lr * y, y + lr * x + (0.0 if simultaneous else lr * lr * y)


def bilinear_game_step__extragradient(x, y, lr, simultaneous):
    """both players use the gradients at the point that they look ahead to: extragradient, which converges"""
    ahead_x, ahead_y = x - lr * y, y + lr * (x if simultaneous else x - lr * y)
    return x - lr * ahead_y, y + lr * ahead_x


# game_jacobian_eigenvalues


def _sigmas(A):
    return np.linalg.svd(A, compute_uv=False)


def _spectrum(A, shift):
    ones = np.ones(abs(A.shape[0] - A.shape[1]))
    return np.concatenate([1 + shift, 1 - shift, ones]).astype(complex)


def game_jacobian_eigenvalues__vector_field(A, lr):
    """the 1 is missing: these belong to the vector field times lr, not to the step"""
    return _spectrum(A, 1j * lr * _sigmas(A)) - 1


def game_jacobian_eigenvalues__real(A, lr):
    """the i is missing: both blocks of the Jacobian have the same sign, as if both players descended"""
    return _spectrum(A, lr * _sigmas(A))


def game_jacobian_eigenvalues__no_lr(A, lr):
    """lr is left out"""
    return _spectrum(A, 1j * _sigmas(A))


def game_jacobian_eigenvalues__squared_singular_values(A, lr):
    """the eigenvalues of AᵀA are used as they are, without their square root"""
    return _spectrum(A, 1j * lr * _sigmas(A) ** 2)


def game_jacobian_eigenvalues__no_ones(A, lr):
    """the |m − n| eigenvalues that are 1 are missing"""
    shift = 1j * lr * _sigmas(A)
    return np.concatenate([1 + shift, 1 - shift])


def game_jacobian_eigenvalues__not_conjugate(A, lr):
    """of each conjugate pair only 1 + i·lr·σ is returned, twice"""
    shift = 1j * lr * _sigmas(A)
    ones = np.ones(abs(A.shape[0] - A.shape[1]))
    return np.concatenate([1 + shift, 1 + shift, ones])


def game_jacobian_eigenvalues__alternating(A, lr):
    """the alternating step is taken, in which y uses the new x: these lie on the unit circle"""
    m, n = A.shape
    J = np.block([[np.eye(m), -lr * A], [lr * A.T, np.eye(n) - lr * lr * A.T @ A]])
    return np.linalg.eigvals(J).astype(complex)


def game_jacobian_eigenvalues__moduli(A, lr):
    """the moduli are returned, not the complex eigenvalues"""
    return np.abs(_spectrum(A, 1j * lr * _sigmas(A)))


def game_jacobian_eigenvalues__one_block_without_lr(A, lr):
    """one of the two blocks lacks lr, which makes it √lr in the eigenvalues"""
    return _spectrum(A, 1j * np.sqrt(lr) * _sigmas(A))


def game_jacobian_eigenvalues__square_root_of_negative(A, lr):
    """eigenvalues of the larger Gram matrix that are 0 but for rounding have a root of NaN"""
    m, n = A.shape
    gram = A @ A.T if m >= n else A.T @ A
    shift = 1j * lr * np.sqrt(np.linalg.eigvalsh(gram) - 1e-300)
    both = np.concatenate([1 + shift, 1 - shift])
    return both[np.argsort(-abs(both.imag))][: m + n]


def game_jacobian_eigenvalues__small_is_zero(A, lr):
    """singular values below 1e-3 are taken for 0"""
    sigmas = _sigmas(A)
    return _spectrum(A, 1j * lr * np.where(sigmas < 1e-3, 0.0, sigmas))


def game_jacobian_eigenvalues__zeros_left_out(A, lr):
    """singular values that are exactly 0 are left out, and their two eigenvalues with them"""
    shift = 1j * lr * _sigmas(A)
    ones = np.ones(abs(A.shape[0] - A.shape[1]))
    shift = shift[shift != 0]
    return np.concatenate([1 + shift, 1 - shift, ones]).astype(complex)


def game_jacobian_eigenvalues__eigenvalues_of_A(A, lr):
    """the eigenvalues of a square A are used, not its singular values"""
    if A.shape[0] != A.shape[1]:
        return _spectrum(A, 1j * lr * _sigmas(A))
    return _spectrum(A, 1j * lr * np.linalg.eigvals(A))


def game_jacobian_eigenvalues__not_transposed(A, lr):
    """the lower block is built from A, not from its transpose"""
    m, n = A.shape
    J = np.eye(m + n, dtype=complex)
    J[:m, m:] = -lr * A
    J[m:, :m] = lr * A
    return np.linalg.eigvals(J)


def game_jacobian_eigenvalues__inverse_step(A, lr):
    """the implicit step is taken, whose eigenvalues 1/(1 ± i·lr·σ) lie inside the unit circle"""
    return 1 / _spectrum(A, 1j * lr * _sigmas(A))
