"""Convolution: output shapes, forward and backward passes, im2col, a layer, max pooling."""

import numpy as np


def conv2d_output_shape(input_shape, kernel_shape, stride=1, padding=0, dilation=1):
    """Height and width of a convolution's output.

    out = ⌊(n + 2·padding − dilation·(k − 1) − 1) / stride⌋ + 1, for each axis by itself: n is the
    input's length along it, k the kernel's.

    Parameters
    ----------
    input_shape : tuple of two ints, (H, W).
    kernel_shape : tuple of two ints, (kh, kw).
    stride : int ≥ 1, the step of the window, the same along both axes.
    padding : int ≥ 0, zeros added on each of the four sides.
    dilation : int ≥ 1, the distance between neighbouring kernel entries in the input.

    Returns
    -------
    tuple of two ints, (out_h, out_w), each at least 1.

    Raises
    ------
    ValueError : the dilated kernel, d·(k − 1) + 1 long, is longer than the padded input along
        either axis, so that no window fits. This holds for every stride. A good message names both
        sizes.

    Notes
    -----
    Windows that would stick out at the bottom or the right are not computed: a remainder is
    dropped.

    References
    ----------
    Dumoulin and Visin (2016), "A guide to convolution arithmetic for deep learning",
    arXiv:1603.07285, relationships 6 and 15.

    Examples
    --------
    >>> conv2d_output_shape((5, 8), (3, 2), stride=2, padding=1, dilation=2)
    (2, 4)
    """
    # YOUR CODE HERE
    raise NotImplementedError()


def conv2d(x, w, stride=1, padding=0):
    """Two-dimensional convolution of one channel, as cross-correlation.

    y[i, j] = Σ_m Σ_n x̃[i·stride + m, j·stride + n] · w[m, n], where x̃ is x with `padding` zeros on
    each side. The kernel is not flipped.

    Parameters
    ----------
    x : ndarray (H, W) of float64 or integers.
    w : ndarray (kh, kw) of float64 or integers.
    stride : int ≥ 1, the step of the window, the same along both axes.
    padding : int ≥ 0, zeros added on each of the four sides.

    Returns
    -------
    ndarray (out_h, out_w) of float64, also where x and w hold integers; the shape is that of
    `conv2d_output_shape`.

    Raises
    ------
    ValueError : the kernel does not fit into the padded input along either axis.

    Notes
    -----
    A kernel larger than the input is fine as long as it fits after padding. Neither argument is
    changed.

    References
    ----------
    Goodfellow, Bengio, Courville (2016), "Deep Learning", eq. (9.6), and (9.8) for the stride.

    Examples
    --------
    >>> conv2d(np.array([[1, 2, 3], [4, 5, 6]]), np.array([[1, 10]]))
    array([[21., 32.],
           [54., 65.]])
    """
    # YOUR CODE HERE
    raise NotImplementedError()


def conv2d_weight_grad(x, w, grad_output, stride=1, padding=0):
    """Gradient of a loss with respect to the kernel of `conv2d`.

    dw[m, n] = Σ_i Σ_j grad_output[i, j] · x̃[i·stride + m, j·stride + n], where x̃ is the padded x.

    Parameters
    ----------
    x : ndarray (H, W) of float64 or integers: the forward pass's input.
    w : ndarray (kh, kw) of float64 or integers: the kernel. Only its shape matters.
    grad_output : ndarray (out_h, out_w) of float64: the upstream gradient ∂L/∂y, of the shape of
        conv2d(x, w, stride, padding).
    stride, padding : as in the forward pass.

    Returns
    -------
    ndarray (kh, kw) of float64, also where x or w holds integers: ∂L/∂w.

    Notes
    -----
    The kernel's shape is not determined by the other shapes where the stride leaves a remainder:
    that is why w is an argument. No argument is changed.

    References
    ----------
    Goodfellow, Bengio, Courville (2016), "Deep Learning", eq. (9.11).

    Examples
    --------
    >>> g = np.array([[0.5, 0.0], [0.0, 0.25]])
    >>> conv2d_weight_grad(np.array([[1, 2, 3], [4, 5, 6]]), np.array([[1, 10]]), g)
    array([[1.75, 2.5 ]])
    """
    # YOUR CODE HERE
    raise NotImplementedError()


def conv2d_input_grad(x, w, grad_output, stride=1, padding=0):
    """Gradient of a loss with respect to the input of `conv2d`.

    dx̃[i·stride + m, j·stride + n] receives grad_output[i, j] · w[m, n] from every output (i, j) and
    kernel entry (m, n), all of them added up; dx is dx̃ without the padding's rows and columns.

    Parameters
    ----------
    x : ndarray (H, W) of float64 or integers: the forward pass's input. Only its shape matters.
    w : ndarray (kh, kw) of float64 or integers: the kernel.
    grad_output : ndarray (out_h, out_w) of float64: the upstream gradient ∂L/∂y, of the shape of
        conv2d(x, w, stride, padding).
    stride, padding : as in the forward pass.

    Returns
    -------
    ndarray (H, W) of float64, also where x or w holds integers: ∂L/∂x. Entries that no window
    touches (a remainder, or gaps where the stride is larger than the kernel) are 0.

    Notes
    -----
    For stride 1 this is the full cross-correlation of grad_output with the kernel rotated by 180°,
    which is the full *convolution* with the kernel as it is: rotate once, not twice. No argument
    is changed.

    References
    ----------
    Goodfellow, Bengio, Courville (2016), "Deep Learning", eq. (9.13); Dumoulin and Visin (2016),
    arXiv:1603.07285, relationship 14, for the remainder.

    Examples
    --------
    >>> g = np.array([[0.5, 0.0], [0.0, 0.25]])
    >>> conv2d_input_grad(np.array([[1, 2, 3], [4, 5, 6]]), np.array([[1, 10]]), g)
    array([[0.5 , 5.  , 0.  ],
           [0.  , 0.25, 2.5 ]])
    """
    # YOUR CODE HERE
    raise NotImplementedError()


def im2col(x, kernel_shape, stride=1, padding=0):
    """The windows of an image as the columns of a matrix.

    cols[m·kw + n, i·out_w + j] = x̃[i·stride + m, j·stride + n], where x̃ is x with `padding` zeros
    on each side.

    Parameters
    ----------
    x : ndarray (H, W) of float64 or integers.
    kernel_shape : tuple of two ints, (kh, kw).
    stride : int ≥ 1, the step of the window, the same along both axes.
    padding : int ≥ 0, zeros added on each of the four sides.

    Returns
    -------
    ndarray (kh·kw, out_h·out_w) of float64, also where x holds integers. A window per column; the
    entries of a window, and the windows themselves, are in row-major order, so that
    (w.ravel() @ cols).reshape(out_h, out_w) is conv2d(x, w, stride, padding).

    Raises
    ------
    ValueError : the kernel does not fit into the padded input along either axis.

    Notes
    -----
    x is not changed.

    References
    ----------
    Chellapilla, Puri, Simard (2006), "High performance convolutional neural networks for document
    processing", section 3, who unroll a window per row.

    Examples
    --------
    >>> im2col(np.array([[1, 2, 3], [4, 5, 6]]), (2, 2))
    array([[1., 2.],
           [2., 3.],
           [4., 5.],
           [5., 6.]])
    """
    # YOUR CODE HERE
    raise NotImplementedError()


def col2im(cols, input_shape, kernel_shape, stride=1, padding=0):
    """The adjoint of `im2col`: every entry is added back to where it was taken from.

    out[r, c] = Σ cols[m·kw + n, i·out_w + j], over all m, n, i, j for which
    i·stride + m = r + padding and j·stride + n = c + padding.

    Parameters
    ----------
    cols : ndarray (kh·kw, out_h·out_w) of float64, laid out as by `im2col`.
    input_shape : tuple of two ints, (H, W), the image's shape without padding.
    kernel_shape : tuple of two ints, (kh, kw).
    stride, padding : as in `im2col`.

    Returns
    -------
    ndarray (H, W) of float64. Overlapping windows add up; what falls on the padding is dropped;
    entries that no window touches are 0.

    Notes
    -----
    The adjoint, not the inverse: ⟨im2col(x), cols⟩ = ⟨x, col2im(cols)⟩ for all x and cols, and
    col2im(im2col(x)) is x times the number of windows that cover each entry. Not averaged. cols is
    not changed.

    References
    ----------
    Claerbout (1992), "Earth Soundings Analysis: Processing Versus Inversion", chapter 5, for
    adjoints and the dot-product test.

    Examples
    --------
    >>> col2im(np.array([[1.0, 2.0], [2.0, 3.0], [4.0, 5.0], [5.0, 6.0]]), (2, 3), (2, 2))
    array([[ 1.,  4.,  3.],
           [ 4., 10.,  6.]])
    """
    # YOUR CODE HERE
    raise NotImplementedError()


def conv2d_layer(x, w, b, stride=1, padding=0, dilation=1):
    """A convolutional layer: a batch of images with channels, several filters, a bias.

    y[n, f, i, j] = b[f] + Σ_c Σ_u Σ_v x̃[n, c, i·stride + u·dilation, j·stride + v·dilation] ·
    w[f, c, u, v], where x̃ is x with `padding` zeros on each side of its last two axes.

    Parameters
    ----------
    x : ndarray (N, C, H, W) of float64 or integers: images, channels, rows, columns.
    w : ndarray (F, C, kh, kw) of float64 or integers: filters, channels, rows, columns.
    b : ndarray (F,) of float64: one bias for each filter.
    stride : int ≥ 1, the step of the window, the same along both axes.
    padding : int ≥ 0, zeros added on each of the four sides of every image.
    dilation : int ≥ 1, the distance between neighbouring kernel entries in the input.

    Returns
    -------
    ndarray (N, F, out_h, out_w) of float64, also where x and w hold integers; out_h and out_w are
    those of `conv2d_output_shape`. Every axis is kept, also one of length 1.

    Raises
    ------
    ValueError : the dilated kernel does not fit into the padded input along either axis.

    Notes
    -----
    Cross-correlation: the kernel is not flipped. No argument is changed.

    References
    ----------
    Goodfellow, Bengio, Courville (2016), "Deep Learning", eq. (9.7) and (9.8); Yu and Koltun
    (2016), "Multi-scale context aggregation by dilated convolutions", ICLR, section 2.

    Examples
    --------
    >>> x = np.arange(12.0).reshape(1, 2, 2, 3)
    >>> w = np.array([1, 10, 100, 1000]).reshape(1, 2, 1, 2)
    >>> conv2d_layer(x, w, np.array([0.5]), dilation=2)
    array([[[[ 8620.5],
             [11953.5]]]])
    """
    # YOUR CODE HERE
    raise NotImplementedError()


def conv2d_layer_grads(x, w, b, grad_output, stride=1, padding=0, dilation=1):
    """Gradients of a loss with respect to input, kernels and bias of `conv2d_layer`.

    With g = grad_output, x̃ the padded x, ρ = i·stride + u·dilation and σ = j·stride + v·dilation:
    dx̃[n, c, ρ, σ] receives Σ_f g[n, f, i, j] · w[f, c, u, v] from every i, j, u and v, added up,
    and dx is dx̃ without the padding; dw[f, c, u, v] = Σ_n Σ_i Σ_j g[n, f, i, j] · x̃[n, c, ρ, σ];
    db[f] = Σ_n Σ_i Σ_j g[n, f, i, j].

    Parameters
    ----------
    x : ndarray (N, C, H, W) of float64 or integers.
    w : ndarray (F, C, kh, kw) of float64 or integers.
    b : ndarray (F,) of float64. No gradient depends on it.
    grad_output : ndarray (N, F, out_h, out_w) of float64: the upstream gradient ∂L/∂y.
    stride, padding, dilation : as in the forward pass.

    Returns
    -------
    tuple (dx, dw, db) of ndarrays of float64, of the shapes of x, w and b, also where x or w holds
    integers. They are sums over images and positions, not means; dx is 0 where no window touches.

    Notes
    -----
    No argument is changed.

    References
    ----------
    Goodfellow, Bengio, Courville (2016), "Deep Learning", eq. (9.11) and (9.13).

    Examples
    --------
    >>> x, w = np.arange(6).reshape(1, 1, 2, 3), np.array([[[[1, 10]]]])
    >>> g = np.array([[[[1.0, 0.0], [0.0, 0.5]]]])
    >>> dx, dw, db = conv2d_layer_grads(x, w, np.zeros(1), g)
    >>> dx
    array([[[[ 1. , 10. ,  0. ],
             [ 0. ,  0.5,  5. ]]]])
    >>> dw, db
    (array([[[[2. , 3.5]]]]), array([1.5]))
    """
    # YOUR CODE HERE
    raise NotImplementedError()


def max_pool2d_grad(x, grad_output, size, stride):
    """Gradient of a loss with respect to the input of a max pooling.

    The forward pass is y[i, j] = max of x[i·stride + m, j·stride + n] over 0 ≤ m, n < size. Each
    grad_output[i, j] is added to the one entry of x that was the maximum of window (i, j).

    Parameters
    ----------
    x : ndarray (H, W) of float64 or integers, all finite: the forward pass's input.
    grad_output : ndarray (out_h, out_w) of float64: the upstream gradient ∂L/∂y, with
        out_h = ⌊(H − size) / stride⌋ + 1 and out_w = ⌊(W − size) / stride⌋ + 1.
    size : int, 1 ≤ size ≤ min(H, W): windows are size × size.
    stride : int ≥ 1, smaller than, equal to or larger than `size`.

    Returns
    -------
    ndarray (H, W) of float64, also where x holds integers: ∂L/∂x. An entry that is the maximum of
    several overlapping windows gets the sum of their gradients; the others get 0, among them what
    no window touches.

    Notes
    -----
    There is no padding; a remainder at the bottom or the right is dropped. Where a window's maximum
    occurs more than once, exactly equal, its first occurrence in row-major order (rows from the
    top, each from the left) gets the whole gradient. No argument is changed.

    References
    ----------
    Scherer, Müller, Behnke (2010), "Evaluation of pooling operations in convolutional
    architectures for object recognition", ICANN; Dumoulin and Visin (2016), arXiv:1603.07285,
    relationship 7, for the shape.

    Examples
    --------
    >>> max_pool2d_grad(np.array([[1, 3, 2], [3, 0, 2]]), np.array([[0.5, 0.25]]), 2, 1)
    array([[0.  , 0.75, 0.  ],
           [0.  , 0.  , 0.  ]])
    """
    # YOUR CODE HERE
    raise NotImplementedError()
