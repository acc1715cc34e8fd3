"""Wrong on purpose: what people write for the Kalman topic. Each docstring ends 'this is what you get when …'."""

import numpy as np


def _wrap(a):
    return np.pi - np.mod(np.pi - a, 2 * np.pi)


def _motion(x, dt):
    return np.array([x[0] + x[2] * np.cos(x[3]) * dt, x[1] + x[2] * np.sin(x[3]) * dt, x[2], x[3]])


def _motion_jacobian(x, dt):
    c, s = np.cos(x[3]) * dt, np.sin(x[3]) * dt
    return np.array([[1, 0, c, -x[2] * s], [0, 1, s, x[2] * c], [0, 0, 1, 0], [0, 0, 0, 1.0]])


def _gain(P, H, R):
    return np.linalg.solve(H @ P @ H.T + R, H @ P).T


def _joseph(P, K, H, R):
    A = np.eye(len(P)) - K @ H
    out = A @ P @ A.T + K @ R @ K.T
    return (out + out.T) / 2


def _seen(x, landmark):
    dx, dy = landmark - x[:2]
    return np.array([np.hypot(dx, dy), _wrap(np.arctan2(dy, dx) - x[3])])


def _seen_jacobian(x, landmark):
    dx, dy = landmark - x[:2]
    r = np.hypot(dx, dy)
    return np.array([[-dx / r, -dy / r, 0, 0], [dy / r**2, -dx / r**2, 0, -1]])


def _lower(rows):
    L = np.linalg.qr(rows.T, mode="r").T
    return np.tril(L * np.where(np.diag(L) < 0, -1.0, 1.0))


def _sigma(x, P, alpha, beta, kappa):
    n = len(x)
    spread = alpha**2 * (n + kappa)
    L = np.linalg.cholesky(spread * P)
    w_mean = np.full(2 * n + 1, 0.5 / spread)
    w_mean[0] = 1 - n / spread
    w_cov = w_mean.copy()
    w_cov[0] += 1 - alpha**2 + beta
    return np.vstack([x, x + L.T, x - L.T]), w_mean, w_cov


def _transform(points, w_mean, w_cov, noise):
    mean = w_mean @ points
    d = points - mean
    return mean, (d.T * w_cov) @ d + noise


# motion_model


def motion_model__sine_and_cosine_swapped(x, dt):
    """sine and cosine are swapped, as if the heading were a compass bearing"""
    return np.array([x[0] + x[2] * np.sin(x[3]) * dt, x[1] + x[2] * np.cos(x[3]) * dt, x[2], x[3]])


def motion_model__degrees(x, dt):
    """the heading is taken for degrees"""
    return _motion(np.array([*x[:3], np.deg2rad(x[3])]), dt) * [1, 1, 1, 0] + [0, 0, 0, x[3]]


def motion_model__heading_wrapped(x, dt):
    """the returned heading is wrapped"""
    out = _motion(x, dt)
    out[3] = _wrap(out[3])
    return out


def motion_model__no_dt(x, dt):
    """the displacement is v, not v·dt"""
    return _motion(x, 1.0)


def motion_model__increment_only(x, dt):
    """only the displacement is returned, not added to the state"""
    return _motion(x, dt) - x


def motion_model__speed_is_positive(x, dt):
    """the magnitude of the speed is used, so that a vehicle in reverse drives forward"""
    out = _motion(np.array([x[0], x[1], abs(x[2]), x[3]]), dt)
    out[2] = x[2]
    return out


def motion_model__in_place(x, dt):
    """the caller's state is moved in place"""
    x[0] += x[2] * np.cos(x[3]) * dt
    x[1] += x[2] * np.sin(x[3]) * dt
    return x.copy()


def motion_model__y_sign(x, dt):
    """y decreases where sin θ is positive, as on a screen"""
    return np.array([x[0] + x[2] * np.cos(x[3]) * dt, x[1] - x[2] * np.sin(x[3]) * dt, x[2], x[3]])


# motion_jacobian


def motion_jacobian__transposed(x, dt):
    """the matrix is transposed: rows are inputs"""
    return _motion_jacobian(x, dt).T


def motion_jacobian__sign_of_sine(x, dt):
    """the derivative of the cosine lacks its minus sign"""
    F = _motion_jacobian(x, dt)
    F[0, 3] *= -1
    return F


def motion_jacobian__no_identity(x, dt):
    """the identity is missing: it is the derivative of the displacement only"""
    return _motion_jacobian(x, dt) - np.eye(4)


def motion_jacobian__no_speed(x, dt):
    """the derivative with respect to the heading lacks the factor v"""
    F = _motion_jacobian(x, dt)
    F[:2, 3] = -np.sin(x[3]) * dt, np.cos(x[3]) * dt
    return F


def motion_jacobian__no_dt_in_heading(x, dt):
    """the derivative with respect to the heading lacks the factor dt"""
    F = _motion_jacobian(x, dt)
    F[:2, 3] = -np.sin(x[3]) * x[2], np.cos(x[3]) * x[2]
    return F


def motion_jacobian__columns_swapped(x, dt):
    """the columns of v and θ are swapped"""
    return _motion_jacobian(x, dt) @ np.eye(4)[[0, 1, 3, 2]]


def motion_jacobian__forward_difference(x, dt):
    """a forward difference with a step of 1e-6 is taken for the derivative"""
    h = 1e-6
    return np.array([(_motion(x + h * e, dt) - _motion(x, dt)) / h for e in np.eye(4)]).T


def motion_jacobian__heading_not_differentiated(x, dt):
    """the heading is treated as constant: its column holds no derivative of the position"""
    F = _motion_jacobian(x, dt)
    F[:2, 3] = 0
    return F


# wrap_angle


def wrap_angle__other_end(a):
    """the interval is [−π, π): np.pi gives −np.pi"""
    return np.mod(a + np.pi, 2 * np.pi) - np.pi


def wrap_angle__both_ends(a):
    """arctan2 of sine and cosine leaves −np.pi where it is"""
    return np.arctan2(np.sin(a), np.cos(a))


def wrap_angle__zero_to_two_pi(a):
    """the interval is [0, 2π)"""
    return np.mod(a, 2 * np.pi)


def wrap_angle__once(a):
    """at most one turn is taken off"""
    a = np.where(a > np.pi, a - 2 * np.pi, a)
    return np.where(a <= -np.pi, a + 2 * np.pi, a)[()]


def wrap_angle__fmod(a):
    """`fmod` keeps the sign of what it is given, so that the result lies in (−2π, 2π)"""
    return np.fmod(a, 2 * np.pi)


def wrap_angle__half_turn_modulus(a):
    """the modulus is π: opposite directions become one"""
    return np.pi / 2 - np.mod(np.pi / 2 - a, np.pi)


def wrap_angle__rounded_pi(a):
    """3.14159 is taken for π, and the error grows with every turn"""
    p = 3.14159
    return p - np.mod(p - a, 2 * p)


def wrap_angle__clipped(a):
    """the angle is clipped to ±π, not turned"""
    return np.clip(a, -np.pi, np.pi)


def wrap_angle__in_place(a):
    """the caller's array is wrapped in place"""
    if np.ndim(a) == 0:
        return _wrap(a)
    a[...] = _wrap(a)
    return a.copy()


def wrap_angle__always_array(a):
    """a float gives an array of one element"""
    return _wrap(np.atleast_1d(a))


def wrap_angle__snapped(a):
    """whatever lies within 1e-6 of −π is taken for −π, and becomes π"""
    r = _wrap(a)
    return np.where(r < -np.pi + 1e-6, np.pi, r)[()]


def wrap_angle__one_element(a):
    """an array of one element gives a float"""
    r = _wrap(a)
    return float(r.item()) if np.size(r) == 1 else r


def wrap_angle__memory_order(a):
    """the entries are taken in memory order, so that those of a transposed array come back in other places"""
    return _wrap(np.asarray(a).ravel(order="K")).reshape(np.shape(a))[()]


# ekf_predict


def ekf_predict__transposes_swapped(x, P, Q, dt):
    """the covariance is Fᵀ P F, not F P Fᵀ"""
    F = _motion_jacobian(x, dt)
    return _motion(x, dt), F.T @ P @ F + Q


def ekf_predict__no_noise(x, P, Q, dt):
    """the process noise Q is not added"""
    F = _motion_jacobian(x, dt)
    return _motion(x, dt), F @ P @ F.T


def ekf_predict__noise_times_dt(x, P, Q, dt):
    """Q is multiplied by dt, though it is already the noise of this step"""
    F = _motion_jacobian(x, dt)
    return _motion(x, dt), F @ P @ F.T + Q * dt


def ekf_predict__linear_motion(x, P, Q, dt):
    """the state is multiplied by the Jacobian, F x, as if the motion were linear"""
    F = _motion_jacobian(x, dt)
    return F @ x, F @ P @ F.T + Q


def ekf_predict__one_sided(x, P, Q, dt):
    """the covariance is F P, without the Fᵀ"""
    return _motion(x, dt), _motion_jacobian(x, dt) @ P + Q


def ekf_predict__heading_wrapped(x, P, Q, dt):
    """the returned heading is wrapped"""
    F = _motion_jacobian(x, dt)
    out = _motion(x, dt)
    out[3] = _wrap(out[3])
    return out, F @ P @ F.T + Q


def ekf_predict__noise_through_motion(x, P, Q, dt):
    """Q is added before the motion: F (P + Q) Fᵀ"""
    F = _motion_jacobian(x, dt)
    return _motion(x, dt), F @ (P + Q) @ F.T


def ekf_predict__diagonal_prior(x, P, Q, dt):
    """only the diagonal of P is used"""
    F = _motion_jacobian(x, dt)
    return _motion(x, dt), F @ np.diag(np.diag(P)) @ F.T + Q


def ekf_predict__covariance_unmoved(x, P, Q, dt):
    """the covariance is P + Q, as if nothing moved"""
    return _motion(x, dt), P + Q


def ekf_predict__jacobian_sign(x, P, Q, dt):
    """the Jacobian's derivative of the cosine lacks its minus sign"""
    F = _motion_jacobian(x, dt)
    F[0, 3] *= -1
    return _motion(x, dt), F @ P @ F.T + Q


def ekf_predict__certain_at_rest(x, P, Q, dt):
    """where v is 0 the covariance is P + Q, as if an uncertain speed moved nothing"""
    F = np.eye(4) if x[2] == 0 else _motion_jacobian(x, dt)
    return _motion(x, dt), F @ P @ F.T + Q


# kalman_gain


def kalman_gain__explicit_inverse(P, H, R):
    """S is inverted and multiplied, which loses all digits that its condition number takes"""
    return P @ H.T @ np.linalg.inv(H @ P @ H.T + R)


def kalman_gain__no_noise(P, H, R):
    """S lacks R"""
    return np.linalg.lstsq(H @ P @ H.T, H @ P, rcond=None)[0].T


def kalman_gain__diagonal_noise(P, H, R):
    """only the diagonal of R is used"""
    return _gain(P, H, np.diag(np.diag(R)))


def kalman_gain__prior_inverted(P, H, R):
    """the information form inverts P, which may be singular"""
    W = np.linalg.inv(R)
    return np.linalg.inv(np.linalg.inv(P) + H.T @ W @ H) @ H.T @ W


def kalman_gain__transposed(P, H, R):
    """the gain is transposed: (m, n)"""
    return _gain(P, H, R).T


def kalman_gain__no_prior(P, H, R):
    """P is missing before Hᵀ: it is Hᵀ S⁻¹"""
    return np.linalg.solve(H @ P @ H.T + R, H).T


def kalman_gain__regularised(P, H, R):
    """1e-6 is added to S's diagonal to make it better conditioned"""
    return _gain(P, H, R + 1e-6 * np.eye(len(R)))


def kalman_gain__noise_subtracted(P, H, R):
    """R is subtracted in S, not added"""
    return _gain(P, H, -R)


def kalman_gain__in_place(P, H, R):
    """S is added up in the caller's R"""
    R += H @ P @ H.T
    return np.linalg.solve(R, H @ P).T


# ekf_update


def ekf_update__no_residual(x, P, z, H, R):
    """the gain multiplies z, not z − H x"""
    K = _gain(P, H, R)
    return x + K @ z, _joseph(P, K, H, R)


def ekf_update__residual_sign(x, P, z, H, R):
    """the residual has the wrong sign: H x − z"""
    K = _gain(P, H, R)
    return x - K @ (z - H @ x), _joseph(P, K, H, R)


def ekf_update__covariance_kept(x, P, z, H, R):
    """the covariance is not updated"""
    return x + _gain(P, H, R) @ (z - H @ x), P.copy()


def ekf_update__covariance_added(x, P, z, H, R):
    """the covariance grows: (I + K H) P"""
    K = _gain(P, H, R)
    return x + K @ (z - H @ x), P + K @ H @ P


def ekf_update__no_noise(x, P, z, H, R):
    """S lacks R"""
    K = np.linalg.lstsq(H @ P @ H.T, H @ P, rcond=None)[0].T
    return x + K @ (z - H @ x), P - K @ H @ P


def ekf_update__joseph_without_noise(x, P, z, H, R):
    """the term K R Kᵀ of Joseph's form is missing"""
    K = _gain(P, H, R)
    A = np.eye(len(x)) - K @ H
    return x + K @ (z - H @ x), A @ P @ A.T


def ekf_update__factors_swapped(x, P, z, H, R):
    """the factors are swapped: P (I − K H), which is the transpose of P′"""
    K = _gain(P, H, R)
    return x + K @ (z - H @ x), P @ (np.eye(len(x)) - K @ H)


def ekf_update__residual_wrapped(x, P, z, H, R):
    """the residual is wrapped, though no entry of z is an angle"""
    K = _gain(P, H, R)
    return x + K @ _wrap(z - H @ x), _joseph(P, K, H, R)


def ekf_update__heading_wrapped(x, P, z, H, R):
    """the last entry of the state is wrapped as if it were an angle to be normalised"""
    K = _gain(P, H, R)
    out = x + K @ (z - H @ x)
    out[-1] = _wrap(out[-1])
    return out, _joseph(P, K, H, R)


def ekf_update__diagonal_noise(x, P, z, H, R):
    """only the diagonal of R is used"""
    K = _gain(P, H, np.diag(np.diag(R)))
    return x + K @ (z - H @ x), P - K @ H @ P


def ekf_update__joseph_after_update(x, P, z, H, R):
    """the covariance that is already updated goes through Joseph's form"""
    K = _gain(P, H, R)
    return x + K @ (z - H @ x), _joseph(P - K @ H @ P, K, H, R)


def ekf_update__in_place(x, P, z, H, R):
    """the caller's state is updated in place"""
    K = _gain(P, H, R)
    x += K @ (z - H @ x)
    return x.copy(), _joseph(P, K, H, R)


def ekf_update__last_residual_wrapped(x, P, z, H, R):
    """the last entry of the residual is wrapped, though no entry of z is an angle"""
    K = _gain(P, H, R)
    y = z - H @ x
    y[-1] = _wrap(y[-1])
    return x + K @ y, _joseph(P, K, H, R)


def ekf_update__second_of_two_wrapped(x, P, z, H, R):
    """a measurement of two entries is taken for range and bearing, and the second residual is wrapped"""
    K = _gain(P, H, R)
    y = z - H @ x
    if len(y) == 2:
        y[1] = _wrap(y[1])
    return x + K @ y, _joseph(P, K, H, R)


# joseph_update


def joseph_update__plain(P, K, H, R):
    """the covariance is (I − K H) P, which is right for the optimal gain only and not stable even there"""
    return (np.eye(len(P)) - K @ H) @ P


def joseph_update__plain_symmetrised(P, K, H, R):
    """(I − K H) P is averaged with its transpose, which hides the asymmetry and mends nothing"""
    out = (np.eye(len(P)) - K @ H) @ P
    return (out + out.T) / 2


def joseph_update__no_noise(P, K, H, R):
    """the term K R Kᵀ is missing"""
    A = np.eye(len(P)) - K @ H
    return A @ P @ A.T


def joseph_update__already_updated(P, K, H, R):
    """the form is applied to (I − K H) P and not to the predicted P"""
    return _joseph((np.eye(len(P)) - K @ H) @ P, K, H, R)


def joseph_update__own_gain(P, K, H, R):
    """the optimal gain is computed anew, and the one that was given is ignored"""
    return _joseph(P, _gain(P, H, R), H, R)


def joseph_update__multiplied_out(P, K, H, R):
    """the product is multiplied out, P − KHP − PHᵀKᵀ + KSKᵀ: large terms cancel, and a sharp sensor's result is lost"""
    KHP = K @ H @ P
    out = P - KHP - KHP.T + K @ (H @ P @ H.T + R) @ K.T
    return (out + out.T) / 2


def joseph_update__transposes_swapped(P, K, H, R):
    """the transposes are swapped: (I − K H)ᵀ P (I − K H)"""
    A = np.eye(len(P)) - K @ H
    return A.T @ P @ A + K @ R @ K.T


def joseph_update__noise_sign(P, K, H, R):
    """the term K R Kᵀ is subtracted"""
    A = np.eye(len(P)) - K @ H
    return A @ P @ A.T - K @ R @ K.T


def joseph_update__subtracts_gain_twice(P, K, H, R):
    """P − K S Kᵀ is right for the optimal gain only"""
    return P - K @ (H @ P @ H.T + R) @ K.T


def joseph_update__upper_triangle(P, K, H, R):
    """only the upper triangle is filled"""
    return np.triu(_joseph(P, K, H, R))


def joseph_update__diagonal_noise(P, K, H, R):
    """only the diagonal of R is used"""
    return _joseph(P, K, H, np.diag(np.diag(R)))


def joseph_update__expanded(P, K, H, R):
    """the product is expanded to four terms of the size of P, P − KHP − PHᵀKᵀ + KSKᵀ, which cancel"""
    S = H @ P @ H.T + R
    return P - K @ H @ P - P @ H.T @ K.T + K @ S @ K.T


# range_bearing


def range_bearing__not_relative(x, landmark):
    """the bearing is measured from the x axis, the heading is not subtracted"""
    dx, dy = landmark - x[:2]
    return np.array([np.hypot(dx, dy), np.arctan2(dy, dx)])


def range_bearing__not_wrapped(x, landmark):
    """the bearing is not wrapped"""
    dx, dy = landmark - x[:2]
    return np.array([np.hypot(dx, dy), np.arctan2(dy, dx) - x[3]])


def range_bearing__arguments_swapped(x, landmark):
    """the arguments of atan2 are swapped"""
    dx, dy = landmark - x[:2]
    return np.array([np.hypot(dx, dy), _wrap(np.arctan2(dx, dy) - x[3])])


def range_bearing__one_quadrant(x, landmark):
    """arctan(dy/dx) cannot tell a direction from its opposite"""
    dx, dy = landmark - x[:2]
    return np.array([np.hypot(dx, dy), _wrap(np.arctan(dy / dx) - x[3])])


def range_bearing__from_landmark(x, landmark):
    """the direction is that from the landmark to the vehicle"""
    dx, dy = x[:2] - landmark
    return np.array([np.hypot(dx, dy), _wrap(np.arctan2(dy, dx) - x[3])])


def range_bearing__squared_range(x, landmark):
    """the range is squared"""
    r, beta = _seen(x, landmark)
    return np.array([r * r, beta])


def range_bearing__sign(x, landmark):
    """the bearing is positive to the right: θ − atan2"""
    r, beta = _seen(x, landmark)
    return np.array([r, _wrap(-beta)])


def range_bearing__other_end(x, landmark):
    """the bearing is wrapped to [−π, π), so that straight behind is −π"""
    dx, dy = landmark - x[:2]
    beta = np.mod(np.arctan2(dy, dx) - x[3] + np.pi, 2 * np.pi) - np.pi
    return np.array([np.hypot(dx, dy), beta])


def range_bearing__wrapped_once(x, landmark):
    """at most one turn is taken off the bearing"""
    dx, dy = landmark - x[:2]
    beta = np.arctan2(dy, dx) - x[3]
    if beta > np.pi:
        beta -= 2 * np.pi
    elif beta <= -np.pi:
        beta += 2 * np.pi
    return np.array([np.hypot(dx, dy), beta])


def range_bearing__reversed(x, landmark):
    """bearing and range are returned in the other order"""
    return _seen(x, landmark)[::-1].copy()


# range_bearing_jacobian


def range_bearing_jacobian__sign(x, landmark):
    """the derivatives of position are with respect to the landmark, not to the vehicle"""
    return _seen_jacobian(x, landmark) * np.array([-1, -1, 1, 1])


def range_bearing_jacobian__heading_sign(x, landmark):
    """the derivative of the bearing with respect to the heading is +1"""
    return _seen_jacobian(x, landmark) * np.array([1, 1, 1, -1])


def range_bearing_jacobian__no_heading(x, landmark):
    """the heading's column is zero"""
    return _seen_jacobian(x, landmark) * np.array([1, 1, 1, 0])


def range_bearing_jacobian__range_for_square(x, landmark):
    """the bearing's derivatives are divided by r, not by r²"""
    H = _seen_jacobian(x, landmark)
    H[1, :2] *= np.hypot(*(landmark - x[:2]))
    return H


def range_bearing_jacobian__heading_in_speed(x, landmark):
    """the −1 stands in the column of the speed"""
    return _seen_jacobian(x, landmark)[:, [0, 1, 3, 2]]


def range_bearing_jacobian__position_only(x, landmark):
    """only the columns of the position are returned"""
    return _seen_jacobian(x, landmark)[:, :2].copy()


def range_bearing_jacobian__bearing_swapped(x, landmark):
    """dx and dy are swapped in the bearing's row"""
    H = _seen_jacobian(x, landmark)
    H[1, :2] = H[1, 1::-1].copy()
    return H


def range_bearing_jacobian__eps_in_square(x, landmark):
    """1e-6 is added to r² against a division by zero"""
    dx, dy = landmark - x[:2]
    q = dx * dx + dy * dy + 1e-6
    r = np.sqrt(q)
    return np.array([[-dx / r, -dy / r, 0, 0], [dy / q, -dx / q, 0, -1]])


def range_bearing_jacobian__differences_across_the_cut(x, landmark):
    """differences of the wrapped bearing are taken, which jump by 2π behind the vehicle and are inexact elsewhere"""
    h = 1e-6
    columns = [
        (_seen(x + h * e, landmark) - _seen(x - h * e, landmark)) / (2 * h) for e in np.eye(4)
    ]
    return np.array(columns).T


# range_bearing_update


def _sight_update(x, P, y, H, R):
    K = _gain(P, H, R)
    return x + K @ y, _joseph(P, K, H, R)


def range_bearing_update__residual_unwrapped(x, P, z, landmark, R):
    """the bearing's residual is not wrapped"""
    return _sight_update(x, P, z - _seen(x, landmark), _seen_jacobian(x, landmark), R)


def range_bearing_update__measurement_wrapped_only(x, P, z, landmark, R):
    """z's bearing is wrapped, but not its difference to the predicted one"""
    y = np.array([z[0], _wrap(z[1])]) - _seen(x, landmark)
    return _sight_update(x, P, y, _seen_jacobian(x, landmark), R)


def range_bearing_update__range_wrapped(x, P, z, landmark, R):
    """the whole residual is wrapped, the range's with the bearing's"""
    y = _wrap(z - _seen(x, landmark))
    return _sight_update(x, P, y, _seen_jacobian(x, landmark), R)


def range_bearing_update__linear_sensor(x, P, z, landmark, R):
    """the residual is z − H x, as if the sensor were linear"""
    H = _seen_jacobian(x, landmark)
    y = z - H @ x
    y[1] = _wrap(y[1])
    return _sight_update(x, P, y, H, R)


def range_bearing_update__relinearised(x, P, z, landmark, R):
    """the covariance uses H taken at the updated state"""
    y = z - _seen(x, landmark)
    y[1] = _wrap(y[1])
    new, _ = _sight_update(x, P, y, _seen_jacobian(x, landmark), R)
    H = _seen_jacobian(new, landmark)
    return new, _joseph(P, _gain(P, H, R), H, R)


def range_bearing_update__heading_wrapped(x, P, z, landmark, R):
    """the returned heading is wrapped"""
    y = z - _seen(x, landmark)
    y[1] = _wrap(y[1])
    new, P_new = _sight_update(x, P, y, _seen_jacobian(x, landmark), R)
    new[3] = _wrap(new[3])
    return new, P_new


def range_bearing_update__residual_sign(x, P, z, landmark, R):
    """the residual has the wrong sign: h(x) − z"""
    y = _seen(x, landmark) - z
    y[1] = _wrap(y[1])
    return _sight_update(x, P, y, _seen_jacobian(x, landmark), R)


def range_bearing_update__no_noise(x, P, z, landmark, R):
    """S lacks R"""
    y = z - _seen(x, landmark)
    y[1] = _wrap(y[1])
    H = _seen_jacobian(x, landmark)
    K = np.linalg.lstsq(H @ P @ H.T, H @ P, rcond=None)[0].T
    return x + K @ y, P - K @ H @ P


def range_bearing_update__wrapped_once(x, P, z, landmark, R):
    """at most one turn is taken off the residual"""
    y = z - _seen(x, landmark)
    if y[1] > np.pi:
        y[1] -= 2 * np.pi
    elif y[1] <= -np.pi:
        y[1] += 2 * np.pi
    return _sight_update(x, P, y, _seen_jacobian(x, landmark), R)


def range_bearing_update__covariance_kept(x, P, z, landmark, R):
    """the covariance is not updated"""
    y = z - _seen(x, landmark)
    y[1] = _wrap(y[1])
    return _sight_update(x, P, y, _seen_jacobian(x, landmark), R)[0], P.copy()


def range_bearing_update__sine_of_residual(x, P, z, landmark, R):
    """the sine of the bearing's residual is used, which is right for small ones only"""
    y = z - _seen(x, landmark)
    y[1] = np.sin(y[1])
    return _sight_update(x, P, y, _seen_jacobian(x, landmark), R)


def range_bearing_update__measurement_in_place(x, P, z, landmark, R):
    """the caller's z becomes the residual"""
    z -= _seen(x, landmark)
    z[1] = _wrap(z[1])
    return _sight_update(x, P, z, _seen_jacobian(x, landmark), R)


def range_bearing_update__covariance_relinearised(x, P, z, landmark, R):
    """the covariance is (I − K H) P with the K that was used and an H taken at the updated state"""
    y = z - _seen(x, landmark)
    y[1] = _wrap(y[1])
    K = _gain(P, _seen_jacobian(x, landmark), R)
    new = x + K @ y
    return new, (np.eye(4) - K @ _seen_jacobian(new, landmark)) @ P


def range_bearing_update__joseph_relinearised(x, P, z, landmark, R):
    """the covariance is Joseph's form of the K that was used and an H taken at the updated state"""
    y = z - _seen(x, landmark)
    y[1] = _wrap(y[1])
    K = _gain(P, _seen_jacobian(x, landmark), R)
    new = x + K @ y
    return new, _joseph(P, K, _seen_jacobian(new, landmark), R)


def range_bearing_update__range_clipped(x, P, z, landmark, R):
    """the range's residual is clipped to ±10, as an outlier's"""
    y = z - _seen(x, landmark)
    y = np.array([np.clip(y[0], -10, 10), _wrap(y[1])])
    return _sight_update(x, P, y, _seen_jacobian(x, landmark), R)


# sqrt_predict


def sqrt_predict__upper(S, F, Q_sqrt):
    """the upper-triangular factor of the QR decomposition is returned untransposed"""
    return _lower(np.hstack([F @ S, Q_sqrt])).T.copy()


def sqrt_predict__signs_left(S, F, Q_sqrt):
    """the signs of the QR decomposition are left as they fall"""
    return np.linalg.qr(np.hstack([F @ S, Q_sqrt]).T, mode="r").T


def sqrt_predict__rows_flipped(S, F, Q_sqrt):
    """rows are multiplied by the signs, not columns, which changes S Sᵀ"""
    L = np.linalg.qr(np.hstack([F @ S, Q_sqrt]).T, mode="r").T
    return L * np.where(np.diag(L) < 0, -1.0, 1.0)[:, None]


def sqrt_predict__factors_added(S, F, Q_sqrt):
    """the factors are added as if they were covariances"""
    return _lower(F @ S + Q_sqrt)


def sqrt_predict__cholesky(S, F, Q_sqrt):
    """the covariance is formed and factored again, which fails where it is singular and loses half the digits"""
    return np.linalg.cholesky(F @ (S @ S.T) @ F.T + Q_sqrt @ Q_sqrt.T)


def sqrt_predict__noise_transposed(S, F, Q_sqrt):
    """the transpose of Q_sqrt is used: its QᵀQ is added, not Q Qᵀ"""
    return _lower(np.hstack([F @ S, Q_sqrt.T]))


def sqrt_predict__no_noise(S, F, Q_sqrt):
    """the process noise is not added"""
    return _lower(F @ S)


def sqrt_predict__covariance_returned(S, F, Q_sqrt):
    """the covariance is returned, not its factor"""
    G = F @ S
    return G @ G.T + Q_sqrt @ Q_sqrt.T


def sqrt_predict__zero_sign(S, F, Q_sqrt):
    """`np.sign` of a diagonal entry that is zero erases the whole column"""
    L = np.linalg.qr(np.hstack([F @ S, Q_sqrt]).T, mode="r").T
    return L * np.sign(np.where(np.abs(np.diag(L)) < 1e-14, 0.0, np.diag(L)))


def sqrt_predict__absolute(S, F, Q_sqrt):
    """the absolute value is taken of every entry, not only of the diagonal"""
    return np.abs(_lower(np.hstack([F @ S, Q_sqrt])))


def sqrt_predict__factor_transposed(S, F, Q_sqrt):
    """the transpose of S is taken for the factor: F Sᵀ S Fᵀ"""
    return _lower(np.hstack([F @ S.T, Q_sqrt]))


def sqrt_predict__diagonal_made_positive(S, F, Q_sqrt):
    """the absolute value is taken of the diagonal alone, not the sign of the whole column"""
    L = np.linalg.qr(np.hstack([F @ S, Q_sqrt]).T, mode="r").T.copy()
    np.fill_diagonal(L, np.abs(np.diag(L)))
    return L


# sqrt_update


def _sqrt_parts(S, H, R_sqrt):
    m, n = H.shape
    L = np.linalg.qr(np.block([[R_sqrt, H @ S], [np.zeros((n, m)), S]]).T, mode="r").T
    return L[:m, :m], L[m:, :m], L[m:, m:]


def _signed(L):
    return np.tril(L * np.where(np.diag(L) < 0, -1.0, 1.0))


def sqrt_update__unnormalised_gain(S, H, R_sqrt):
    """the gain is left multiplied by the innovation's factor: K E, not K"""
    _, KE, new = _sqrt_parts(S, H, R_sqrt)
    return _signed(new), KE.copy()


def sqrt_update__gain_with_transpose(S, H, R_sqrt):
    """the gain is K E times the inverse of Eᵀ, not of E"""
    E, KE, new = _sqrt_parts(S, H, R_sqrt)
    return _signed(new), np.linalg.solve(E, KE.T).T


def sqrt_update__signs_left(S, H, R_sqrt):
    """the signs of the QR decomposition are left as they fall"""
    E, KE, new = _sqrt_parts(S, H, R_sqrt)
    return new.copy(), np.linalg.solve(E.T, KE.T).T


def sqrt_update__cholesky(S, H, R_sqrt):
    """(I − K H) P is formed and factored again, which fails where it is singular and loses half the digits"""
    P, R = S @ S.T, R_sqrt @ R_sqrt.T
    K = _gain(P, H, R)
    return np.linalg.cholesky(_joseph(P, K, H, R)), K


def sqrt_update__noise_for_factor(S, H, R_sqrt):
    """the factor R_sqrt is taken for R itself"""
    P = S @ S.T
    K = _gain(P, H, R_sqrt)
    return _lower(np.hstack([S - K @ H @ S, K @ R_sqrt])), K


def sqrt_update__noise_transposed(S, H, R_sqrt):
    """the transpose of R_sqrt is used: its RᵀR is the noise, not R Rᵀ"""
    E, KE, new = _sqrt_parts(S, H, R_sqrt.T)
    return _signed(new), np.linalg.solve(E.T, KE.T).T


def sqrt_update__not_triangular(S, H, R_sqrt):
    """(I − K H) S is returned, which is no factor of P′ and no triangle"""
    K = _gain(S @ S.T, H, R_sqrt @ R_sqrt.T)
    return S - K @ H @ S, K


def sqrt_update__joseph_without_noise(S, H, R_sqrt):
    """the factor lacks K R_sqrt, the noise that the measurement brings in"""
    K = _gain(S @ S.T, H, R_sqrt @ R_sqrt.T)
    return _lower(S - K @ H @ S), K


def sqrt_update__upper(S, H, R_sqrt):
    """the upper-triangular factor of the QR decomposition is returned untransposed"""
    E, KE, new = _sqrt_parts(S, H, R_sqrt)
    return _signed(new).T.copy(), np.linalg.solve(E.T, KE.T).T


def sqrt_update__zero_sign(S, H, R_sqrt):
    """`np.sign` of a diagonal entry that is zero erases the whole column"""
    E, KE, new = _sqrt_parts(S, H, R_sqrt)
    d = np.diag(new)
    return new * np.sign(np.where(np.abs(d) < 1e-14, 0.0, d)), np.linalg.solve(E.T, KE.T).T


def sqrt_update__order(S, H, R_sqrt):
    """the gain is returned first, and the factor second"""
    E, KE, new = _sqrt_parts(S, H, R_sqrt)
    return np.linalg.solve(E.T, KE.T).T, _signed(new)


def sqrt_update__diagonal_made_positive(S, H, R_sqrt):
    """the absolute value is taken of the factor's diagonal alone, not the sign of the whole column"""
    E, KE, new = _sqrt_parts(S, H, R_sqrt)
    new = new.copy()
    np.fill_diagonal(new, np.abs(np.diag(new)))
    return new, np.linalg.solve(E.T, KE.T).T


def sqrt_update__gain_with_signed_transpose(S, H, R_sqrt):
    """E, its diagonal made positive, is solved with where its transpose is needed"""
    L = _lower(np.block([[R_sqrt, H @ S], [np.zeros((len(S), len(H))), S]]))
    m = len(H)
    return L[m:, m:].copy(), np.linalg.solve(L[:m, :m], L[m:, :m].T).T


def sqrt_update__squared_gain(S, H, R_sqrt):
    """the gain is computed from the squares S Sᵀ and R, where a sharp sensor's noise drowns"""
    K = _gain(S @ S.T, H, R_sqrt @ R_sqrt.T)
    return _lower(np.hstack([S - K @ H @ S, K @ R_sqrt])), K


# sigma_points


def sigma_points__rows(x, P, alpha, beta, kappa):
    """the rows of the lower factor are used, not its columns"""
    points, w_mean, w_cov = _sigma(x, P, alpha, beta, kappa)
    L = np.linalg.cholesky(alpha**2 * (len(x) + kappa) * P)
    return np.vstack([x, x + L, x - L]), w_mean, w_cov


def sigma_points__symmetric_root(x, P, alpha, beta, kappa):
    """the symmetric square root is used, not the Cholesky factor"""
    _, w_mean, w_cov = _sigma(x, P, alpha, beta, kappa)
    w, V = np.linalg.eigh(alpha**2 * (len(x) + kappa) * P)
    root = (V * np.sqrt(w)) @ V.T
    return np.vstack([x, x + root, x - root]), w_mean, w_cov


def sigma_points__mean_weights_twice(x, P, alpha, beta, kappa):
    """the weights of the mean serve for the covariance too"""
    points, w_mean, _ = _sigma(x, P, alpha, beta, kappa)
    return points, w_mean, w_mean.copy()


def sigma_points__root_not_taken(x, P, alpha, beta, kappa):
    """the factor of P is multiplied by n + λ, not by its root"""
    _, w_mean, w_cov = _sigma(x, P, alpha, beta, kappa)
    L = alpha**2 * (len(x) + kappa) * np.linalg.cholesky(P)
    return np.vstack([x, x + L.T, x - L.T]), w_mean, w_cov


def sigma_points__interleaved(x, P, alpha, beta, kappa):
    """each point is followed by its opposite, not all plus points by all minus points"""
    points, w_mean, w_cov = _sigma(x, P, alpha, beta, kappa)
    n = len(x)
    order = [0] + [i for j in range(1, n + 1) for i in (j, j + n)]
    return points[order], w_mean, w_cov


def sigma_points__alpha_not_squared(x, P, alpha, beta, kappa):
    """λ is α(n + κ) − n: α is not squared"""
    return _sigma(x, P, np.sqrt(alpha), beta + alpha**2 - alpha, kappa)[:2] + (
        _sigma(x, P, np.sqrt(alpha), beta + alpha - alpha**2, kappa)[2],
    )


def sigma_points__beta_missing(x, P, alpha, beta, kappa):
    """β is missing from the covariance's central weight"""
    return _sigma(x, P, alpha, 0.0, kappa)


def sigma_points__unscaled(x, P, alpha, beta, kappa):
    """the points of the unscaled transform are used: λ is κ, whatever α is"""
    points, w_mean, w_cov = _sigma(x, P, 1.0, beta, kappa)
    w_cov[0] += 1 - alpha**2
    return points, w_mean, w_cov


def sigma_points__half_missing(x, P, alpha, beta, kappa):
    """the outer weights are 1/(n + λ), without the ½"""
    points, w_mean, w_cov = _sigma(x, P, alpha, beta, kappa)
    w_mean[1:] *= 2
    w_cov[1:] *= 2
    return points, w_mean, w_cov


def sigma_points__minus_first(x, P, alpha, beta, kappa):
    """the points x − L come before the points x + L"""
    points, w_mean, w_cov = _sigma(x, P, alpha, beta, kappa)
    return np.vstack([x, 2 * x - points[1:]]), w_mean, w_cov


def sigma_points__columns(x, P, alpha, beta, kappa):
    """the points are columns: the array is (n, 2n+1)"""
    points, w_mean, w_cov = _sigma(x, P, alpha, beta, kappa)
    return points.T.copy(), w_mean, w_cov


def sigma_points__outer_covariance_weights(x, P, alpha, beta, kappa):
    """1 − α² + β is added to every weight of the covariance, not to the central one alone"""
    points, w_mean, _ = _sigma(x, P, alpha, beta, kappa)
    return points, w_mean, w_mean + 1 - alpha**2 + beta


def sigma_points__one_minus_alpha(x, P, alpha, beta, kappa):
    """the covariance's central weight has 1 − α + β added, not 1 − α² + β"""
    points, w_mean, w_cov = _sigma(x, P, alpha, beta, kappa)
    w_cov[0] = w_mean[0] + 1 - alpha + beta
    return points, w_mean, w_cov


# unscented_transform


def unscented_transform__mean_weights(points, w_mean, w_cov, noise):
    """the covariance is weighted with the mean's weights"""
    return _transform(points, w_mean, w_mean, noise)


def unscented_transform__no_noise(points, w_mean, w_cov, noise):
    """the noise is not added"""
    return _transform(points, w_mean, w_cov, 0.0)


def unscented_transform__around_first_point(points, w_mean, w_cov, noise):
    """deviations are taken from the central point, not from the mean"""
    d = points - points[0]
    return w_mean @ points, (d.T * w_cov) @ d + noise


def unscented_transform__unweighted_mean(points, w_mean, w_cov, noise):
    """the mean is the plain average of the points"""
    mean = points.mean(axis=0)
    d = points - mean
    return mean, (d.T * w_cov) @ d + noise


def unscented_transform__normalised(points, w_mean, w_cov, noise):
    """the covariance's weights are divided by their sum, which is not meant to be 1"""
    return _transform(points, w_mean, w_cov / w_cov.sum(), noise)


def unscented_transform__covariance_weights(points, w_mean, w_cov, noise):
    """the mean is weighted with the covariance's weights"""
    return _transform(points, w_cov, w_cov, noise)


def unscented_transform__raw_moments(points, w_mean, w_cov, noise):
    """the mean's outer product is subtracted once, as if the covariance's weights summed to 1"""
    mean = w_mean @ points
    return mean, (points.T * w_cov) @ points - np.outer(mean, mean) + noise


def unscented_transform__diagonal(points, w_mean, w_cov, noise):
    """only variances are computed, no covariances"""
    mean = w_mean @ points
    return mean, np.diag(w_cov @ (points - mean) ** 2) + noise


def unscented_transform__circular(points, w_mean, w_cov, noise):
    """deviations are wrapped to ±π as if every entry were an angle"""
    mean = w_mean @ points
    d = _wrap(points - mean)
    return mean, (d.T * w_cov) @ d + noise


def unscented_transform__negative_weights_dropped(points, w_mean, w_cov, noise):
    """negative weights are set to zero"""
    return _transform(points, w_mean, np.maximum(w_cov, 0), noise)


def unscented_transform__weighted_raw_moments(points, w_mean, w_cov, noise):
    """μ μᵀ Σ w_cov is subtracted from Σ w_cov y yᵀ, as if w_cov gave the same mean"""
    mean = w_mean @ points
    return mean, (points.T * w_cov) @ points - np.outer(mean, mean) * w_cov.sum() + noise


def unscented_transform__diagonal_noise(points, w_mean, w_cov, noise):
    """only the diagonal of the noise is added"""
    return _transform(points, w_mean, w_cov, np.diag(np.diag(noise)))


def unscented_transform__clipped(points, w_mean, w_cov, noise):
    """negative eigenvalues of the weighted sum are set to zero before the noise is added"""
    mean, spread = _transform(points, w_mean, w_cov, 0.0)
    return mean, _semidefinite(spread) + noise


def _semidefinite(C):
    w, V = np.linalg.eigh((C + C.T) / 2)
    return (V * np.maximum(w, 0)) @ V.T


# ukf_predict


def _moved(points, dt):
    return np.array([_motion(p, dt) for p in points])


def ukf_predict__no_noise(x, P, Q, dt, alpha, beta, kappa):
    """the process noise Q is not added"""
    points, w_mean, w_cov = _sigma(x, P, alpha, beta, kappa)
    return _transform(_moved(points, dt), w_mean, w_cov, 0.0)


def ukf_predict__extended(x, P, Q, dt, alpha, beta, kappa):
    """the motion is linearised, which is the extended filter's prediction"""
    F = _motion_jacobian(x, dt)
    return _motion(x, dt), F @ P @ F.T + Q


def ukf_predict__mean_weights(x, P, Q, dt, alpha, beta, kappa):
    """the covariance is weighted with the mean's weights"""
    points, w_mean, _ = _sigma(x, P, alpha, beta, kappa)
    return _transform(_moved(points, dt), w_mean, w_mean, Q)


def ukf_predict__rows(x, P, Q, dt, alpha, beta, kappa):
    """the sigma points come from the rows of the lower factor"""
    _, w_mean, w_cov = _sigma(x, P, alpha, beta, kappa)
    L = np.linalg.cholesky(alpha**2 * (4 + kappa) * P)
    return _transform(_moved(np.vstack([x, x + L, x - L]), dt), w_mean, w_cov, Q)


def ukf_predict__central_mean(x, P, Q, dt, alpha, beta, kappa):
    """the mean is the moved x, not the weighted mean of the moved points"""
    points, w_mean, w_cov = _sigma(x, P, alpha, beta, kappa)
    return _motion(x, dt), _transform(_moved(points, dt), w_mean, w_cov, Q)[1]


def ukf_predict__noise_before(x, P, Q, dt, alpha, beta, kappa):
    """Q is added to P before the points are drawn, not after the motion"""
    points, w_mean, w_cov = _sigma(x, P + Q, alpha, beta, kappa)
    return _transform(_moved(points, dt), w_mean, w_cov, 0.0)


def ukf_predict__heading_wrapped(x, P, Q, dt, alpha, beta, kappa):
    """the returned heading is wrapped"""
    points, w_mean, w_cov = _sigma(x, P, alpha, beta, kappa)
    mean, cov = _transform(_moved(points, dt), w_mean, w_cov, Q)
    mean[3] = _wrap(mean[3])
    return mean, cov


def ukf_predict__points_wrapped(x, P, Q, dt, alpha, beta, kappa):
    """the moved points' headings are wrapped, so that their mean falls between both ends"""
    points, w_mean, w_cov = _sigma(x, P, alpha, beta, kappa)
    points[:, 3] = _wrap(points[:, 3])
    return _transform(_moved(points, dt), w_mean, w_cov, Q)


def ukf_predict__noise_times_dt(x, P, Q, dt, alpha, beta, kappa):
    """Q is multiplied by dt, though it is already the noise of this step"""
    points, w_mean, w_cov = _sigma(x, P, alpha, beta, kappa)
    return _transform(_moved(points, dt), w_mean, w_cov, Q * dt)


def ukf_predict__parameters_fixed(x, P, Q, dt, alpha, beta, kappa):
    """α = 1, β = 2 and κ = 0 are used whatever is given"""
    points, w_mean, w_cov = _sigma(x, P, 1.0, 2.0, 0.0)
    return _transform(_moved(points, dt), w_mean, w_cov, Q)


def ukf_predict__around_moved_estimate(x, P, Q, dt, alpha, beta, kappa):
    """deviations are taken from the moved x, not from the weighted mean of the moved points"""
    points, w_mean, w_cov = _sigma(x, P, alpha, beta, kappa)
    points = _moved(points, dt)
    d = points - points[0]
    return w_mean @ points, (d.T * w_cov) @ d + Q


def ukf_predict__clipped(x, P, Q, dt, alpha, beta, kappa):
    """negative eigenvalues of the weighted sum are set to zero before Q is added"""
    points, w_mean, w_cov = _sigma(x, P, alpha, beta, kappa)
    mean, spread = _transform(_moved(points, dt), w_mean, w_cov, 0.0)
    return mean, _semidefinite(spread) + Q


# jacobian_forward


def jacobian_forward__forward_difference(f, x):
    """a forward difference is taken: half of all digits are lost"""
    h = 1e-8
    base = np.real(f(x.astype(complex)))
    columns = [(np.real(f((x + h * e).astype(complex))) - base) / h for e in np.eye(len(x))]
    return np.array(columns).T


def jacobian_forward__central_difference(f, x):
    """a central difference is taken: a third of all digits are lost"""
    h = 6e-6
    columns = [
        (np.real(f((x + h * e).astype(complex))) - np.real(f((x - h * e).astype(complex))))
        / (2 * h)
        for e in np.eye(len(x))
    ]
    return np.array(columns).T


def _complex_step(f, x, h):
    return np.array([np.imag(f(x + 1j * h * e)) / h for e in np.eye(len(x))]).T


def jacobian_forward__large_step(f, x):
    """the step is 1e-6, whose square is not negligible"""
    return _complex_step(f, x, 1e-6)


def jacobian_forward__coarse_step(f, x):
    """the step is 1e-3, as for a difference"""
    return _complex_step(f, x, 1e-3)


def jacobian_forward__transposed(f, x):
    """rows are inputs: the matrix is (n, m)"""
    return _complex_step(f, x, 1e-30).T.copy()


def jacobian_forward__not_divided(f, x):
    """the imaginary part is not divided by the step"""
    return _complex_step(f, x, 1e-30) * 1e-30


def jacobian_forward__step_relative_to_x(f, x):
    """the step is a multiple of x, which is zero where x is zero"""
    columns = []
    for j in range(len(x)):
        z = x.astype(complex)
        h = 1e-20 * x[j]
        z[j] += 1j * h
        columns.append(np.imag(f(z)) / h)
    return np.array(columns).T


def jacobian_forward__steps_accumulate(f, x):
    """the step is not taken back before the next column"""
    z = x.astype(complex)
    columns = []
    for j in range(len(x)):
        z[j] += 1e-30j
        columns.append(np.imag(f(z)) / 1e-30)
    return np.array(columns).T


def jacobian_forward__all_at_once(f, x):
    """all entries are stepped at once, and the sum of the columns stands in each"""
    column = np.imag(f(x + 1e-30j)) / 1e-30
    return np.tile(column[:, None], (1, len(x)))


def jacobian_forward__real_part(f, x):
    """the real part of the difference is taken, not the imaginary part"""
    h = 1e-30
    base = f(x.astype(complex))
    return np.array([np.real(f(x + 1j * h * e) - base) / h for e in np.eye(len(x))]).T


def jacobian_forward__squeezed(f, x):
    """axes of length one are squeezed away"""
    return np.squeeze(_complex_step(f, x, 1e-30))


def jacobian_forward__step_relative_to_largest(f, x):
    """the step is a multiple of the largest entry of x, which is zero at the origin"""
    return _complex_step(f, x, 1e-20 * np.abs(x).max())
