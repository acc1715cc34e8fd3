"""Attention: scores, masks, the layer and its backward pass, saturation, several heads."""

import numpy as np


def attention_scores(Q, K):
    """Scaled dot products of all queries with all keys.

    S_ij = (q_i · k_j) / √d_k, that is S = Q Kᵀ / √d_k

    Parameters
    ----------
    Q : ndarray (…, n, d_k) of float64: one query a row.
    K : ndarray (…, m, d_k) of float64: one key a row, with Q's batch axes.

    Returns
    -------
    ndarray (…, n, m) of float64: rows are queries, columns are keys.

    Notes
    -----
    d_k is the length of one query, Q.shape[-1]. Any number of batch axes, none included.
    Neither argument is changed.

    References
    ----------
    Vaswani et al. (2017), "Attention Is All You Need", NeurIPS, eq. (1).

    Examples
    --------
    >>> Q = np.array([[1.0, 2.0, 3.0, 2.0]])
    >>> K = np.array([[1.0, 1.0, 1.0, 1.0], [0.0, 0.0, 2.0, 0.0], [1.0, 0.0, 1.0, -2.0]])
    >>> attention_scores(Q, K)
    array([[4., 3., 0.]])
    """
    # YOUR CODE HERE
    raise NotImplementedError()


def causal_mask(n):
    """The mask under which a position attends to itself and to what comes before it.

    mask_ij = (j ≤ i)

    Parameters
    ----------
    n : int, the number of positions, n ≥ 1.

    Returns
    -------
    ndarray (n, n) of bool: rows are queries, columns are keys; True = may attend. The diagonal
    is True.

    References
    ----------
    Vaswani et al. (2017), "Attention Is All You Need", NeurIPS, section 3.2.3.

    Examples
    --------
    >>> causal_mask(3)
    array([[ True, False, False],
           [ True,  True, False],
           [ True,  True,  True]])
    """
    # YOUR CODE HERE
    raise NotImplementedError()


def attention(Q, K, V, mask=None):
    """Scaled dot-product attention, with the weights.

    weights = softmax over the keys of Q Kᵀ / √d_k, output = weights V

    Parameters
    ----------
    Q : ndarray (…, n, d_k) of float64.
    K : ndarray (…, m, d_k) of float64.
    V : ndarray (…, m, d_v) of float64; all three share their batch axes.
    mask : None, or an ndarray of bool, True = may attend, of any shape that broadcasts to the
        scores' (…, n, m). None allows everything.

    Returns
    -------
    output : ndarray (…, n, d_v) of float64.
    weights : ndarray (…, n, m) of float64. A key that may not be attended to has weight 0, and
        the others of its row sum to 1.
        A query that may attend to nothing has weights 0 and output 0, not NaN.

    Notes
    -----
    Scores up to ±1e4 neither overflow nor warn, also where a masked key has the largest score.
    A query that may attend to nothing does not warn either. No argument is changed.

    References
    ----------
    Vaswani et al. (2017), "Attention Is All You Need", NeurIPS, eq. (1) and section 3.2.1.

    Examples
    --------
    >>> K, V = np.array([[0.0], [np.log(3.0)]]), np.array([[4.0], [8.0]])
    >>> output, weights = attention(np.array([[1.0]]), K, V)
    >>> output.round(6), weights.round(6)
    (array([[7.]]), array([[0.25, 0.75]]))
    """
    # YOUR CODE HERE
    raise NotImplementedError()


def attention_grads(Q, K, V, grad_output, mask=None):
    """Backward pass of `attention`, from its output to Q, K and V.

    With P = weights, G = grad_output and dP = G Vᵀ:
    dS_ij = P_ij (dP_ij − Σ_l P_il dP_il),
    dQ = dS K / √d_k, dK = dSᵀ Q / √d_k, dV = Pᵀ G

    Parameters
    ----------
    Q, K, V, mask : as in `attention`.
    grad_output : ndarray (…, n, d_v) of float64, ∂L/∂output. No gradient reaches the weights
        that `attention` returns beside its output.

    Returns
    -------
    dQ, dK, dV : ndarrays of float64 with the shapes of Q, K and V.
        A query that may attend to nothing gets dQ = 0 and contributes nothing to dK and dV.

    Notes
    -----
    Scores up to ±1e4 neither overflow nor warn. Where they saturate the softmax the gradients
    may be off by what a relative error of 1e-10 in each weight comes to. No argument is changed.

    References
    ----------
    Dao et al. (2022), "FlashAttention", NeurIPS, appendix B.2 (there without the scale).

    Examples
    --------
    >>> K, V = np.array([[0.0], [np.log(3.0)]]), np.array([[4.0], [8.0]])
    >>> dQ, dK, dV = attention_grads(np.array([[1.0]]), K, V, np.array([[1.0]]))
    >>> dQ.round(6), dK.round(6), dV.round(6)
    (array([[0.823959]]), array([[-0.75],
           [ 0.75]]), array([[0.25],
           [0.75]]))
    """
    # YOUR CODE HERE
    raise NotImplementedError()


def softmax_saturation(scores):
    """Frobenius norm of the softmax's Jacobian, for each row of scores.

    ‖J‖_F = √(Σ_ij J_ij²), with J_ij = s_i (δ_ij − s_j) and s = softmax(row)

    Parameters
    ----------
    scores : ndarray (…, n) of float64, one softmax a row (the last axis), n ≥ 1. Entries may
        be −inf: their probability is 0.

    Returns
    -------
    ndarray (…,) of float64; a float where scores is 1-D. A row that is all −inf has s = 0 and
    gives 0.

    Notes
    -----
    Scores up to ±1e4 neither overflow nor warn. Right to 1e-12 absolute in saturated rows, which
    the expanded form √(Σ s² − 2 Σ s³ + (Σ s²)²) is not: it is off by 1e-8 there, or NaN.
    scores is not changed.

    References
    ----------
    Vaswani et al. (2017), "Attention Is All You Need", NeurIPS, section 3.2.1: why the scores
    are scaled.

    Examples
    --------
    >>> round(float(softmax_saturation(np.array([0.0, np.log(3.0)]))), 6)
    0.375
    >>> bool(softmax_saturation(22.6 * np.array([1.0, 0.0, -1.0])) < 1e-9)
    True
    """
    # YOUR CODE HERE
    raise NotImplementedError()


def multi_head_attention(X, Wq, Wk, Wv, Wo, n_heads, mask=None):
    """Multi-head self-attention of one sequence, without biases.

    head_j = attention(Q_j, K_j, V_j, mask), output = [head_0 … head_{h−1}] Wo,
    Q_j, K_j, V_j the j-th contiguous blocks of columns of X Wq, X Wk and X Wv

    Parameters
    ----------
    X : ndarray (n, d_model) of float64, one position a row. No batch axes.
    Wq, Wk : ndarrays (d_model, h·d_k) of float64, where h = n_heads.
    Wv : ndarray (d_model, h·d_v) of float64.
    Wo : ndarray (h·d_v, d_model) of float64.
    n_heads : int h ≥ 1, which divides the columns of Wq, Wk and Wv.
    mask : None, or an ndarray of bool, True = may attend, of any shape that broadcasts to
        (n, n); the same for all heads.

    Returns
    -------
    ndarray (n, d_model) of float64. A position that may attend to nothing gets zeros.

    Notes
    -----
    Head j (from 0) owns columns j·d_k to (j+1)·d_k − 1 of X Wq and X Wk, and
    j·d_v to (j+1)·d_v − 1 of X Wv. Each head scales by 1/√d_k, its own width. Scores up to ±1e4
    neither overflow nor warn. No argument is changed.

    References
    ----------
    Vaswani et al. (2017), "Attention Is All You Need", NeurIPS, section 3.2.2.

    Examples
    --------
    >>> X, Wq, Wk = np.array([[1.0], [2.0]]), np.array([[0.0, 0.0]]), np.array([[1.0, 2.0]])
    >>> Wv, Wo = np.array([[1.0, 10.0]]), np.array([[1.0], [1.0]])
    >>> mask = np.array([[True, False], [True, True]])
    >>> multi_head_attention(X, Wq, Wk, Wv, Wo, 2, mask)
    array([[11. ],
           [16.5]])
    """
    # YOUR CODE HERE
    raise NotImplementedError()


def multi_head_attention_grads(X, Wq, Wk, Wv, Wo, n_heads, grad_output, mask=None):
    """Backward pass of `multi_head_attention`, to its input and its four weights.

    With H = [head_0 … head_{h−1}] and G = grad_output: dWo = Hᵀ G and dH = G Woᵀ. Each head's block
    of dH goes through `attention_grads`; the heads' dQ_j, dK_j and dV_j, side by side, are
    dQ, dK and dV, and then
    dWq = Xᵀ dQ, dWk = Xᵀ dK, dWv = Xᵀ dV, dX = dQ Wqᵀ + dK Wkᵀ + dV Wvᵀ

    Parameters
    ----------
    X, Wq, Wk, Wv, Wo, n_heads, mask : as in `multi_head_attention`.
    grad_output : ndarray (n, d_model) of float64, ∂L/∂output.

    Returns
    -------
    dX, dWq, dWk, dWv, dWo : ndarrays of float64 with the shapes of X, Wq, Wk, Wv and Wo.

    Notes
    -----
    X feeds queries, keys and values, so that its gradient is a sum of three. Scores up to ±1e4
    neither overflow nor warn; there the gradients may be off by what a relative error of 1e-10 in
    each weight comes to.
    A position that may attend to nothing contributes to no weight's gradient as a query, and
    gives no NaN. No argument is changed.

    References
    ----------
    Vaswani et al. (2017), "Attention Is All You Need", NeurIPS, section 3.2.2 (the forward pass).

    Examples
    --------
    >>> X, Wq, Wk = np.array([[1.0], [2.0]]), np.array([[0.0, 0.0]]), np.array([[1.0, 2.0]])
    >>> Wv, Wo = np.array([[1.0, 10.0]]), np.array([[1.0], [1.0]])
    >>> mask = np.array([[True, False], [True, True]])
    >>> G = np.array([[0.0], [1.0]])
    >>> dX, dWq, dWk, dWv, dWo = multi_head_attention_grads(X, Wq, Wk, Wv, Wo, 2, G, mask)
    >>> dX.T, dWq, dWk
    (array([[5.5, 5.5]]), array([[ 0.5, 10. ]]), array([[0., 0.]]))
    >>> dWv, dWo.T
    (array([[1.5, 1.5]]), array([[ 1.5, 15. ]]))
    """
    # YOUR CODE HERE
    raise NotImplementedError()
