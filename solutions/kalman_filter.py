"""Kalman filters: the extended filter, its stable and square-root updates, and the unscented filter."""

import numpy as np


def motion_model(x, dt):
    """Constant-velocity motion of a vehicle: where the state is after a time dt.

    f([x, y, v, θ]) = [x + v cos θ · dt, y + v sin θ · dt, v, θ]

    Parameters
    ----------
    x : ndarray (4,) of float64: [x, y, v, θ], in m, m, m/s and rad. θ is any number of turns.
    dt : float, in s, of either sign or zero.

    Returns
    -------
    ndarray (4,) of float64, a new array. The heading is returned as it came, never wrapped.

    Notes
    -----
    x is not changed.

    References
    ----------
    Thrun, Burgard, Fox (2005), "Probabilistic Robotics", section 5.3, with no turn rate.

    Examples
    --------
    >>> motion_model(np.array([1.0, 2.0, 10.0, np.pi / 6]), 0.5).round(6)
    array([ 5.330127,  4.5     , 10.      ,  0.523599])
    """
    ### BEGIN SOLUTION
    px, py, v, theta = x
    return np.array([px + v * np.cos(theta) * dt, py + v * np.sin(theta) * dt, v, theta])
    ### END SOLUTION


def motion_jacobian(x, dt):
    """Jacobian of `motion_model` with respect to the state, at x.

    F_ij = ∂f_i/∂x_j: the identity, and
    ∂x′/∂v = cos θ · dt, ∂x′/∂θ = −v sin θ · dt, ∂y′/∂v = sin θ · dt, ∂y′/∂θ = v cos θ · dt.

    Parameters
    ----------
    x : ndarray (4,) of float64: [x, y, v, θ].
    dt : float, of either sign or zero.

    Returns
    -------
    ndarray (4, 4) of float64: rows are outputs, columns are inputs. Right to 1e-12 of the largest
    entry: derivatives, not differences.

    Notes
    -----
    x is not changed.

    References
    ----------
    Thrun, Burgard, Fox (2005), "Probabilistic Robotics", section 3.3 (the matrix is G there).

    Examples
    --------
    >>> motion_jacobian(np.array([1.0, 2.0, 10.0, np.pi / 6]), 0.5).round(6)
    array([[ 1.      ,  0.      ,  0.433013, -2.5     ],
           [ 0.      ,  1.      ,  0.25    ,  4.330127],
           [ 0.      ,  0.      ,  1.      ,  0.      ],
           [ 0.      ,  0.      ,  0.      ,  1.      ]])
    """
    ### BEGIN SOLUTION
    _, _, v, theta = x
    F = np.eye(4)
    F[0, 2] = np.cos(theta) * dt
    F[0, 3] = -v * np.sin(theta) * dt
    F[1, 2] = np.sin(theta) * dt
    F[1, 3] = v * np.cos(theta) * dt
    return F
    ### END SOLUTION


def wrap_angle(a):
    """The same direction in (−π, π]: a plus a whole number of turns.

    Parameters
    ----------
    a : float, or ndarray of float64 of any shape, in rad; absolute values up to 1e3.

    Returns
    -------
    A float for a float, an ndarray of float64 of a's shape for an ndarray, also for one of shape
    (1,) and in any memory layout; for a 0-d one, either. Right to 1e-9.

    Notes
    -----
    π means `np.pi`: −np.pi gives np.pi, and np.pi stays. At an odd number of half turns other
    than these two, such as 3·np.pi, rounding decides: a value within 1e-9 of either end is right.
    a is not changed.

    References
    ----------
    ISO/IEC 9899:2018 (C17), 7.12.10.2, `remainder`: the same but for −π.

    Examples
    --------
    >>> round(float(wrap_angle(7.0)), 6)
    0.716815
    >>> wrap_angle(np.array([-np.pi, np.pi, -4.0])).round(6)
    array([3.141593, 3.141593, 2.283185])
    """
    ### BEGIN SOLUTION
    # mod lies in [0, 2π), so that π less it lies in (−π, π].
    return np.pi - np.mod(np.pi - a, 2 * np.pi)
    ### END SOLUTION


def ekf_predict(x, P, Q, dt):
    """Prediction of the extended Kalman filter through `motion_model`.

    x′ = f(x),  P′ = F P Fᵀ + Q,  with F the Jacobian of f at x.

    Parameters
    ----------
    x : ndarray (4,) of float64: the estimate [x, y, v, θ].
    P : ndarray (4, 4), its covariance: symmetric, positive semi-definite, not necessarily diagonal.
    Q : ndarray (4, 4), the covariance of the process noise of this one step, whatever dt is.
    dt : float.

    Returns
    -------
    (x, P) : ndarrays (4,) and (4, 4) of float64. The heading is not wrapped.

    Notes
    -----
    The arguments are not changed.

    References
    ----------
    Jazwinski (1970), "Stochastic Processes and Filtering Theory", chapter 8.

    Examples
    --------
    >>> x, P = ekf_predict(np.array([0.0, 0.0, 2.0, 0.0]), np.eye(4), 0.1 * np.eye(4), 0.5)
    >>> x
    array([1., 0., 2., 0.])
    >>> P
    array([[1.35, 0.  , 0.5 , 0.  ],
           [0.  , 2.1 , 0.  , 1.  ],
           [0.5 , 0.  , 1.1 , 0.  ],
           [0.  , 1.  , 0.  , 1.1 ]])
    """
    ### BEGIN SOLUTION
    F = motion_jacobian(x, dt)
    return motion_model(x, dt), F @ P @ F.T + Q
    ### END SOLUTION


def kalman_gain(P, H, R):
    """The Kalman gain, by solving and not by inverting.

    K = P Hᵀ S⁻¹ with S = H P Hᵀ + R, the covariance of the innovation.

    Parameters
    ----------
    P : ndarray (n, n), symmetric and positive semi-definite; it may be singular.
    H : ndarray (m, n), the measurement matrix; m may be smaller or larger than n.
    R : ndarray (m, m), symmetric and positive definite.

    Returns
    -------
    ndarray (n, m) of float64 with ‖K S − P Hᵀ‖ ≤ 1e-10 · ‖K‖ ‖S‖ (Frobenius norms), also where
    the condition number of S is 1e13. A product with an explicit inverse of S misses that.

    Notes
    -----
    The arguments are not changed.

    References
    ----------
    Kalman (1960), "A new approach to linear filtering and prediction problems", J. Basic Eng.
    82(1). Higham (2002), "Accuracy and Stability of Numerical Algorithms", 2nd ed.,
    section 14.1, on why not to invert.

    Examples
    --------
    >>> kalman_gain(np.array([[4.0, 1.0], [1.0, 3.0]]), np.array([[1.0, 0.0]]), np.array([[1.0]]))
    array([[0.8],
           [0.2]])
    """
    ### BEGIN SOLUTION
    PHt = P @ H.T
    S = H @ PHt + R
    # K S = P Hᵀ, transposed: S Kᵀ = (P Hᵀ)ᵀ, for S is symmetric.
    return np.linalg.solve(S, PHt.T).T
    ### END SOLUTION


def ekf_update(x, P, z, H, R):
    """Update of the Kalman filter by a measurement that is linear in the state.

    y = z − H x,  K = P Hᵀ (H P Hᵀ + R)⁻¹,  x′ = x + K y,  P′ = (I − K H) P.

    Parameters
    ----------
    x : ndarray (n,) of float64: the predicted estimate. Any n; no entry is treated as an angle.
    P : ndarray (n, n), its covariance; it may be singular.
    z : ndarray (m,), the measurement. m may be smaller or larger than n.
    H : ndarray (m, n), the measurement matrix.
    R : ndarray (m, m), the covariance of the measurement's noise, positive definite.

    Returns
    -------
    (x, P) : ndarrays (n,) and (n, n) of float64. Nothing is wrapped.

    Notes
    -----
    With the optimal gain all forms of P′ are equal; any of them will do here. Where they differ
    is the subject of `joseph_update`. The arguments are not changed.

    References
    ----------
    Kalman (1960), "A new approach to linear filtering and prediction problems", J. Basic Eng.
    82(1).

    Examples
    --------
    >>> x, P = ekf_update(np.array([1.0, 2.0]), np.array([[4.0, 1.0], [1.0, 3.0]]),
    ...                   np.array([2.0]), np.array([[1.0, 0.0]]), np.array([[1.0]]))
    >>> x.round(6)
    array([1.8, 2.2])
    >>> P.round(6)
    array([[0.8, 0.2],
           [0.2, 2.8]])
    """
    ### BEGIN SOLUTION
    K = kalman_gain(P, H, R)
    A = np.eye(len(x)) - K @ H
    P_new = A @ P @ A.T + K @ R @ K.T
    return x + K @ (z - H @ x), (P_new + P_new.T) / 2
    ### END SOLUTION


def joseph_update(P, K, H, R):
    """Covariance after an update with any gain, in Joseph's form.

    P′ = (I − K H) P (I − K H)ᵀ + K R Kᵀ

    Parameters
    ----------
    P : ndarray (n, n), the predicted covariance: symmetric, positive semi-definite, maybe singular.
    K : ndarray (n, m), any gain, optimal or not.
    H : ndarray (m, n), the measurement matrix; m may be smaller or larger than n.
    R : ndarray (m, m), the covariance of the measurement's noise, positive semi-definite.

    Returns
    -------
    ndarray (n, n) of float64, symmetric up to rounding (1e-12 · max|P′|) and positive
    semi-definite: no eigenvalue lies below −1e-12 · max|P′|.

    Notes
    -----
    Must keep its digits where R is near 1e-16 and K H near the identity. P′ is then about as
    small as R, while the multiplied-out form P − K H P − P Hᵀ Kᵀ + K S Kᵀ has lost everything.
    The arguments are not changed.

    References
    ----------
    Bucy and Joseph (1968), "Filtering for Stochastic Processes with Applications to Guidance".

    Examples
    --------
    >>> joseph_update(np.array([[4.0, 1.0], [1.0, 3.0]]), np.array([[0.5], [1.0]]),
    ...               np.array([[1.0, 0.0]]), np.array([[1.0]]))
    array([[ 1.25, -1.  ],
           [-1.  ,  6.  ]])
    """
    ### BEGIN SOLUTION
    A = np.eye(P.shape[0]) - K @ H
    P_new = A @ P @ A.T + K @ R @ K.T
    return (P_new + P_new.T) / 2
    ### END SOLUTION


def range_bearing(x, landmark):
    """What a sensor on the vehicle measures of a landmark: how far it is, and in which direction.

    [r, β] = [√(dx² + dy²), wrap(atan2(dy, dx) − θ)],  (dx, dy) = landmark − (x, y).

    Parameters
    ----------
    x : ndarray (4,) of float64: [x, y, v, θ]. θ is any number of turns up to 1e3 rad.
    landmark : ndarray (2,): its position.

    Returns
    -------
    ndarray (2,) of float64: the range, and the bearing relative to the heading, positive to the
    left, in (−π, π]. A landmark straight behind has bearing π; where rounding leaves it within
    1e-9 of that, either end is right.

    Notes
    -----
    Range zero is not defined. The arguments are not changed.

    References
    ----------
    Thrun, Burgard, Fox (2005), "Probabilistic Robotics", section 6.6.

    Examples
    --------
    >>> range_bearing(np.array([1.0, 2.0, 10.0, np.pi / 2]), np.array([4.0, 6.0])).round(6)
    array([ 5.      , -0.643501])
    """
    ### BEGIN SOLUTION
    dx, dy = landmark[0] - x[0], landmark[1] - x[1]
    return np.array([np.hypot(dx, dy), wrap_angle(np.arctan2(dy, dx) - x[3])])
    ### END SOLUTION


def range_bearing_jacobian(x, landmark):
    """Jacobian of `range_bearing` with respect to the state, at x.

    [[−dx/r, −dy/r, 0, 0], [dy/r², −dx/r², 0, −1]],  (dx, dy) = landmark − (x, y), r = √(dx² + dy²).

    Parameters
    ----------
    x : ndarray (4,) of float64: [x, y, v, θ].
    landmark : ndarray (2,): its position.

    Returns
    -------
    ndarray (2, 4) of float64: rows are range and bearing, columns x, y, v, θ.

    Notes
    -----
    Wrapping adds a constant, so that it has no part in the derivative. Range zero is not defined.
    The arguments are not changed.

    References
    ----------
    Thrun, Burgard, Fox (2005), "Probabilistic Robotics", table 7.2.

    Examples
    --------
    >>> range_bearing_jacobian(np.array([1.0, 2.0, 10.0, np.pi / 2]), np.array([4.0, 6.0]))
    array([[-0.6 , -0.8 ,  0.  ,  0.  ],
           [ 0.16, -0.12,  0.  , -1.  ]])
    """
    ### BEGIN SOLUTION
    dx, dy = landmark[0] - x[0], landmark[1] - x[1]
    r = np.hypot(dx, dy)
    return np.array([[-dx / r, -dy / r, 0.0, 0.0], [dy / r**2, -dx / r**2, 0.0, -1.0]])
    ### END SOLUTION


def range_bearing_update(x, P, z, landmark, R):
    """Update of the extended Kalman filter by range and bearing of a known landmark.

    y = z − h(x) with its bearing wrapped; H is h's Jacobian at the predicted x, h being
    `range_bearing`;  K = P Hᵀ (H P Hᵀ + R)⁻¹,  x′ = x + K y,  P′ = (I − K H) P.

    Parameters
    ----------
    x : ndarray (4,) of float64: the predicted estimate [x, y, v, θ].
    P : ndarray (4, 4), its covariance; it may be singular.
    z : ndarray (2,): the measured [range, bearing]. The bearing may come unwrapped, any number of
        turns up to 1e3 rad.
    landmark : ndarray (2,): its position.
    R : ndarray (2, 2), the covariance of z's noise, positive definite, not necessarily diagonal.

    Returns
    -------
    (x, P) : ndarrays (4,) and (4, 4) of float64. The heading is not wrapped, whatever z holds.

    Notes
    -----
    Only the bearing's residual wraps; the range's, which may exceed π by any amount, is neither
    wrapped nor limited. Any form of P′ will do. The arguments are not changed.

    References
    ----------
    Thrun, Burgard, Fox (2005), "Probabilistic Robotics", table 7.2.

    Examples
    --------
    >>> x, P = range_bearing_update(np.array([0.0, 0.0, 1.0, 0.0]), np.eye(4),
    ...                             np.array([5.0, 0.1 + 2 * np.pi]), np.array([4.0, 0.0]),
    ...                             np.eye(2))
    >>> x.round(6)
    array([-0.5     , -0.012121,  1.      , -0.048485])
    >>> P.diagonal().round(6)
    array([0.5     , 0.969697, 1.      , 0.515152])
    """
    ### BEGIN SOLUTION
    H = range_bearing_jacobian(x, landmark)
    y = z - range_bearing(x, landmark)
    y[1] = wrap_angle(y[1])
    K = kalman_gain(P, H, R)
    return x + K @ y, joseph_update(P, K, H, R)
    ### END SOLUTION


def sqrt_predict(S, F, Q_sqrt):
    """Prediction of a square-root filter: the new factor, without ever forming a covariance.

    S′ lower-triangular with S′ S′ᵀ = F S Sᵀ Fᵀ + Q_sqrt Q_sqrtᵀ.

    Parameters
    ----------
    S : ndarray (n, n), a lower-triangular factor of the covariance P = S Sᵀ; P may be singular.
    F : ndarray (n, n), the Jacobian of the motion.
    Q_sqrt : ndarray (n, n), any factor of the process noise, Q = Q_sqrt Q_sqrtᵀ: not necessarily
        symmetric or triangular, and maybe singular.

    Returns
    -------
    ndarray (n, n) of float64, lower-triangular, its diagonal non-negative. Where the new
    covariance is singular the factor is not unique: then S′ S′ᵀ and the triangular form count.

    Notes
    -----
    By a QR decomposition of [F S, Q_sqrt]ᵀ. Squaring first and taking a Cholesky factor loses half
    the digits: directions whose standard deviation is 1e-9 of the largest must survive.
    The arguments are not changed.

    References
    ----------
    Kaminski, Bryson, Schmidt (1971), "Discrete square root filtering: a survey of current
    techniques", IEEE Trans. Autom. Control 16(6).

    Examples
    --------
    >>> sqrt_predict(np.eye(2), np.array([[1.0, 2.0], [0.0, 1.0]]), np.array([[2.0, 0.0], [0.0, 0.0]]))
    array([[3.        , 0.        ],
           [0.66666667, 0.74535599]])
    """
    ### BEGIN SOLUTION
    L = np.linalg.qr(np.hstack([F @ S, Q_sqrt]).T, mode="r").T
    # A column's sign is free. np.sign would do but for a zero, which would erase the column.
    return np.tril(L * np.where(np.diag(L) < 0, -1.0, 1.0))
    ### END SOLUTION


def sqrt_update(S, H, R_sqrt):
    """Update of a square-root filter: the new factor and the gain, from one QR decomposition.

    S′ lower-triangular with S′ S′ᵀ = (I − K H) P and K = P Hᵀ (H P Hᵀ + R)⁻¹, where P = S Sᵀ and
    R = R_sqrt R_sqrtᵀ.

    Parameters
    ----------
    S : ndarray (n, n), a lower-triangular factor of the predicted covariance, which may be singular.
    H : ndarray (m, n), the measurement matrix.
    R_sqrt : ndarray (m, m), any nonsingular factor of the measurement's noise: not necessarily
        symmetric or triangular.

    Returns
    -------
    (S, K) : ndarrays (n, n) and (n, m) of float64. S is lower-triangular, its diagonal
    non-negative; where the new covariance is singular, S Sᵀ and the triangular form count.

    Notes
    -----
    With an orthogonal Θ,  [[R_sqrt, H S], [0, S]] Θ = [[E, 0], [K E, S′]],  both sides
    lower-triangular in blocks, and E Eᵀ = H P Hᵀ + R. Must keep its digits where R_sqrt is near
    1e-8 (R near 1e-16), also where m > n and H P Hᵀ is singular: S′ and K are compared to 1e-4 of
    their largest entry there. The arguments are not changed.

    References
    ----------
    Kaminski, Bryson, Schmidt (1971), IEEE Trans. Autom. Control 16(6). Kailath, Sayed, Hassibi
    (2000), "Linear Estimation", chapter 12.

    Examples
    --------
    >>> S, K = sqrt_update(np.array([[2.0, 0.0], [1.0, 3.0]]), np.array([[1.0, 0.0]]), np.array([[1.0]]))
    >>> S.round(6)
    array([[0.894427, 0.      ],
           [0.447214, 3.      ]])
    >>> K.round(6)
    array([[0.8],
           [0.4]])
    """
    ### BEGIN SOLUTION
    m, n = H.shape
    rows = np.block([[R_sqrt, H @ S], [np.zeros((n, m)), S]])
    L = np.linalg.qr(rows.T, mode="r").T
    E, KE, S_new = L[:m, :m], L[m:, :m], L[m:, m:]
    K = np.linalg.solve(E.T, KE.T).T
    return np.tril(S_new * np.where(np.diag(S_new) < 0, -1.0, 1.0)), K
    ### END SOLUTION


def sigma_points(x, P, alpha, beta, kappa):
    """Sigma points and weights of the scaled unscented transform.

    λ = α²(n + κ) − n,  L Lᵀ = (n + λ) P with L lower-triangular;
    points x, then x + L[:, i], then x − L[:, i], for i = 0 … n−1;
    w_mean = [λ/(n + λ), 1/(2(n + λ)), …],  w_cov the same but w_cov[0] = w_mean[0] + 1 − α² + β.

    Parameters
    ----------
    x : ndarray (n,) of float64, the mean; n ≥ 1. No entry is treated as an angle.
    P : ndarray (n, n), its covariance, symmetric and positive definite.
    alpha : float > 0, the spread of the points.
    beta : float, 2 for a Gaussian.
    kappa : float with n + κ > 0; it may be negative.

    Returns
    -------
    (points, w_mean, w_cov) : ndarrays (2n+1, n), (2n+1,) and (2n+1,) of float64; one point a row.

    Notes
    -----
    The factor is the lower Cholesky factor (`np.linalg.cholesky`), and its *columns* are used.
    The arguments are not changed.

    References
    ----------
    Julier (2002), "The scaled unscented transformation", Proc. American Control Conference.
    Wan and van der Merwe (2000), "The unscented Kalman filter for nonlinear estimation", section 3.

    Examples
    --------
    >>> points, w_mean, w_cov = sigma_points(np.array([1.0, 2.0]), np.array([[4.0, 2.0], [2.0, 10.0]]),
    ...                                      1.0, 2.0, 2.0)
    >>> points
    array([[ 1.,  2.],
           [ 5.,  4.],
           [ 1.,  8.],
           [-3.,  0.],
           [ 1., -4.]])
    >>> w_mean
    array([0.5  , 0.125, 0.125, 0.125, 0.125])
    >>> w_cov
    array([2.5  , 0.125, 0.125, 0.125, 0.125])
    """
    ### BEGIN SOLUTION
    n = len(x)
    spread = alpha**2 * (n + kappa)  # n + λ
    L = np.linalg.cholesky(spread * P)
    points = np.vstack([x, x + L.T, x - L.T])
    w_mean = np.full(2 * n + 1, 0.5 / spread)
    w_mean[0] = 1 - n / spread
    w_cov = w_mean.copy()
    w_cov[0] += 1 - alpha**2 + beta
    return points, w_mean, w_cov
    ### END SOLUTION


def unscented_transform(points, w_mean, w_cov, noise):
    """Mean and covariance of weighted points, with noise added.

    μ = Σ_i w_mean[i] points[i],  C = Σ_i w_cov[i] (points[i] − μ)(points[i] − μ)ᵀ + noise

    Parameters
    ----------
    points : ndarray (p, m) of float64: one point a row, any p ≥ 1.
    w_mean : ndarray (p,), the weights of the mean; they sum to 1 and may be negative.
    w_cov : ndarray (p,), the weights of the covariance; they need not sum to 1 and may be negative.
    noise : ndarray (m, m), a covariance that is added, not necessarily diagonal.

    Returns
    -------
    (mean, cov) : ndarrays (m,) and (m, m) of float64. No entry is treated as an angle; the sum is
    not clipped where negative weights make it indefinite.

    Notes
    -----
    The arguments are not changed.

    References
    ----------
    Wan and van der Merwe (2000), "The unscented Kalman filter for nonlinear estimation",
    section 3.

    Examples
    --------
    >>> mean, cov = unscented_transform(np.array([[1.0, 0.0], [3.0, 0.0], [3.0, 4.0]]),
    ...     np.array([0.5, 0.25, 0.25]), np.array([1.0, 0.25, 0.25]), np.eye(2))
    >>> mean
    array([2., 1.])
    >>> cov
    array([[2.5, 1.5],
           [1.5, 4.5]])
    """
    ### BEGIN SOLUTION
    mean = w_mean @ points
    deviations = points - mean
    return mean, (deviations.T * w_cov) @ deviations + noise
    ### END SOLUTION


def ukf_predict(x, P, Q, dt, alpha, beta, kappa):
    """Prediction of the unscented Kalman filter through `motion_model`.

    The sigma points of (x, P) go through the motion model one by one; the unscented transform
    turns them into a mean and a covariance, to which Q is added.

    Parameters
    ----------
    x : ndarray (4,) of float64: the estimate [x, y, v, θ].
    P : ndarray (4, 4), its covariance, symmetric and positive definite.
    Q : ndarray (4, 4), the covariance of the process noise of this one step.
    dt : float.
    alpha, beta, kappa : floats, as in `sigma_points`.

    Returns
    -------
    (x, P) : ndarrays (4,) and (4, 4) of float64. The heading's mean is the plain weighted mean,
    not wrapped.

    Notes
    -----
    The arguments are not changed.

    References
    ----------
    Wan and van der Merwe (2000), "The unscented Kalman filter for nonlinear estimation",
    section 3, with additive noise.

    Examples
    --------
    >>> x, P = ukf_predict(np.array([0.0, 0.0, 2.0, 0.0]), 0.04 * np.eye(4), 0.01 * np.eye(4), 0.5,
    ...                    1.0, 2.0, 0.0)
    >>> x.round(6)
    array([0.980265, 0.      , 2.      , 0.      ])
    >>> P.diagonal().round(6)
    array([0.061947, 0.087912, 0.05    , 0.05    ])
    """
    ### BEGIN SOLUTION
    points, w_mean, w_cov = sigma_points(x, P, alpha, beta, kappa)
    moved = np.array([motion_model(point, dt) for point in points])
    return unscented_transform(moved, w_mean, w_cov, Q)
    ### END SOLUTION


def jacobian_forward(f, x):
    """Jacobian of an analytic function by the complex step, exact to rounding.

    J_ij = ∂f_i/∂x_j = Im f_i(x + i h e_j) / h, with h so small that h² vanishes.

    Parameters
    ----------
    f : callable. Takes a 1-D complex array (n,), returns a 1-D complex array (m,), and is
        analytic: no abs, no conjugate, no branch on the real part.
    x : ndarray (n,) of float64; n ≥ 1. Entries may be zero.

    Returns
    -------
    ndarray (m, n) of float64: rows are outputs, columns are inputs, also for m = 1 or n = 1. Right
    to 1e-12 of each row's largest entry, also where f varies over lengths of 1e-2: no difference
    of two values of f reaches that.

    Notes
    -----
    Nothing is subtracted, so that h may be as small as 1e-30; anything from 1e-100 to 1e-12 will
    do. x is not changed.

    References
    ----------
    Squire and Trapp (1998), "Using complex variables to estimate derivatives of real functions",
    SIAM Review 40(1).

    Examples
    --------
    >>> jacobian_forward(lambda z: np.array([z[0] * z[1], np.exp(z[0]), z[1] ** 3]), np.array([0.0, 2.0]))
    array([[ 2.,  0.],
           [ 1.,  0.],
           [ 0., 12.]])
    """
    ### BEGIN SOLUTION
    h = 1e-30
    columns = []
    for j in range(len(x)):
        z = np.array(x, dtype=np.complex128)
        z[j] += 1j * h
        columns.append(np.imag(f(z)) / h)
    return np.stack(columns, axis=1)
    ### END SOLUTION
