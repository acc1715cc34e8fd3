"""Hidden suite of the convolution topic: its oracles list which entries meet, or difference."""

import numpy as np
import pytest

from grader.checks import (
    as_array,
    assert_adjoint,
    assert_close,
    assert_pure,
    assert_raises,
    assert_vjp,
    fail,
)

# Every result is a sum of at most some hundred products of size one, well inside the 1e-9 that
# `assert_close` and the difference checks allow by default: no tolerance of its own is needed.

WINDOW = ("row", "column")
IMAGES = ("image", "channel", "row", "column")
FILTERS = ("filter", "channel", "row", "column")
OUTPUTS = ("image", "filter", "row", "column")

# (H, W), (kh, kw), stride, padding. Nothing square, and the strides leave a remainder. No number
# that may be averaged over (outputs, images, kernel entries) is 2 or 4, so that a division by it,
# or by its root, is not taken for a forgotten ½.
STRIDED = [((8, 11), (3, 2), 2, 0)]
PADDED = [((5, 4), (2, 3), 1, 2)]
STRIDED_PADDED = [((7, 11), (2, 4), 2, 1), ((6, 10), (4, 3), 3, 2)]
# A kernel larger than the input, 1×1, as large as the input, and windows that see padding only.
UNUSUAL = [
    ((3, 4), (5, 6), 2, 3),
    ((4, 7), (1, 1), 2, 1),
    ((3, 5), (3, 5), 1, 0),
    ((3, 8), (1, 3), 2, 3),
]
# The stride is longer than the kernel: rows and columns between the windows are touched by none.
GAPS = [((7, 14), (1, 3), 4, 1)]
# The kernel is too long along one axis only, mostly by one; at last along both.
TOO_LARGE = [
    ((3, 9), (4, 2), 1, 0),
    ((8, 4), (3, 9), 3, 2),
    ((2, 9), (6, 2), 1, 1),
    ((9, 3), (2, 4), 1, 0),
    ((4, 8), (7, 3), 2, 1),
    ((3, 5), (4, 6), 1, 0),
]


def windows_along(n, k, stride, padding, dilation=1):
    """How many windows fit along one axis, counted."""
    return len(range(0, n + 2 * padding - dilation * (k - 1), stride))


class Meetings:
    """Which input entry meets which kernel entry for which output, as three lists of flat indices.

    Forward, weight gradient and input gradient are sums over the same meetings. Those with the
    padding are left out, as they contribute nothing.
    """

    def __init__(self, shape, kernel, stride=1, padding=0, dilation=1):
        (height, width), (kh, kw) = shape, kernel
        self.shape, self.kernel = shape, kernel
        self.out = (
            windows_along(height, kh, stride, padding, dilation),
            windows_along(width, kw, stride, padding, dilation),
        )
        rows = [
            (i, m, i * stride + m * dilation - padding)
            for i in range(self.out[0])
            for m in range(kh)
        ]
        columns = [
            (j, n, j * stride + n * dilation - padding)
            for j in range(self.out[1])
            for n in range(kw)
        ]
        met = [
            (i * self.out[1] + j, m * kw + n, r * width + c)
            for i, m, r in rows
            if 0 <= r < height
            for j, n, c in columns
            if 0 <= c < width
        ]
        self.y, self.w, self.x = np.array(met).T

    def forward(self, x, w):
        products = np.ravel(x)[self.x] * np.ravel(w)[self.w]
        return np.bincount(self.y, products, np.prod(self.out)).reshape(self.out)

    def weight_grad(self, x, g):
        products = np.ravel(x)[self.x] * np.ravel(g)[self.y]
        return np.bincount(self.w, products, np.prod(self.kernel)).reshape(self.kernel)

    def input_grad(self, w, g):
        products = np.ravel(w)[self.w] * np.ravel(g)[self.y]
        return np.bincount(self.x, products, np.prod(self.shape)).reshape(self.shape)

    def columns(self, x):
        cols = np.zeros((np.prod(self.kernel), np.prod(self.out)))
        cols[self.w, self.y] = np.ravel(x)[self.x]
        return cols

    def image(self, cols):
        products = np.asarray(cols)[self.w, self.y]
        return np.bincount(self.x, products, np.prod(self.shape)).reshape(self.shape)

    def layer(self, x, w, b):
        """(N, F, out_h, out_w), by a matrix product over the channels at each meeting."""
        x, w = x.reshape(*x.shape[:2], -1), w.reshape(*w.shape[:2], -1)
        y = np.zeros((x.shape[0], w.shape[0], np.prod(self.out))) + b[:, None]
        for at, k, seen in zip(self.y, self.w, self.x, strict=True):
            y[:, :, at] += x[:, :, seen] @ w[:, :, k].T
        return y.reshape(*y.shape[:2], *self.out)

    def layer_grads(self, x, w, g):
        """(dx, dw, db), likewise."""
        flat = [a.reshape(*a.shape[:2], -1) for a in (x, w, g)]
        dx, dw = np.zeros(flat[0].shape), np.zeros(flat[1].shape)
        for at, k, seen in zip(self.y, self.w, self.x, strict=True):
            dx[:, :, seen] += flat[2][:, :, at] @ flat[1][:, :, k]
            dw[:, :, k] += flat[2][:, :, at].T @ flat[0][:, :, seen]
        return (
            dx.reshape(x.shape),
            dw.reshape(w.shape),
            np.array([g[:, f].sum() for f in range(g.shape[1])]),
        )


# The tests of purity have no padding: `np.pad` copies, and only without it is x itself in reach.


def whole_numbers(rng, shape):
    """Random integers, none of them 0."""
    return rng.integers(1, 10, size=shape) * rng.choice([-1, 1], size=shape)


def column_major(array):
    """The same array, stored column by column."""
    return np.asfortranarray(array)


# conv2d_output_shape


@pytest.mark.parametrize(
    ("shape", "kernel", "stride", "padding", "dilation"),
    [
        ((9, 6), (3, 2), 1, 0, 1),
        ((10, 8), (3, 5), 2, 0, 1),
        ((5, 7), (2, 4), 1, 3, 1),
        ((11, 9), (4, 2), 1, 0, 3),
        ((13, 10), (3, 4), 3, 2, 2),
        ((9, 12), (1, 3), 4, 1, 5),
    ],
)
def test_conv2d_output_shape_values(submission, shape, kernel, stride, padding, dilation):
    expected = tuple(
        windows_along(n, k, stride, padding, dilation) for n, k in zip(shape, kernel, strict=True)
    )
    value = submission.conv2d_output_shape(
        shape, kernel, stride=stride, padding=padding, dilation=dilation
    )
    assert_close(value, expected, name=("out_h", "out_w"))


def test_conv2d_output_shape_random(submission, rng):
    kernel = tuple(int(k) for k in rng.permutation([2, 3, 4, 5])[:2])
    stride, padding, dilation = (int(v) for v in rng.permutation([2, 3, 4]))
    shape = tuple(dilation * (k - 1) + int(rng.integers(9, 30)) for k in kernel)
    expected = tuple(
        windows_along(n, k, stride, padding, dilation) for n, k in zip(shape, kernel, strict=True)
    )
    value = submission.conv2d_output_shape(shape, kernel, stride, padding, dilation)
    assert_close(value, expected, name=("out_h", "out_w"))


def test_conv2d_output_shape_defaults(submission, rng):
    height, width = 7 + int(rng.integers(5)), 13 + int(rng.integers(5))
    value = submission.conv2d_output_shape((height, width), (3, 4))
    assert_close(value, (height - 2, width - 3), name=("out_h", "out_w"))


@pytest.mark.parametrize(
    ("shape", "kernel", "stride", "padding", "dilation"),
    [
        ((3, 8), (3, 5), 2, 0, 1),  # as long as the input
        ((2, 4), (6, 5), 3, 2, 1),  # longer than the input, fits after padding
        ((7, 9), (3, 2), 2, 1, 4),  # dilated to the padded input's length
    ],
)
def test_conv2d_output_shape_just_fits(submission, shape, kernel, stride, padding, dilation):
    expected = tuple(
        windows_along(n, k, stride, padding, dilation) for n, k in zip(shape, kernel, strict=True)
    )
    value = submission.conv2d_output_shape(shape, kernel, stride, padding, dilation)
    assert_close(value, expected, name=("out_h", "out_w"))


@pytest.mark.parametrize(("shape", "kernel", "stride", "padding"), TOO_LARGE)
def test_conv2d_output_shape_does_not_fit(submission, shape, kernel, stride, padding):
    assert_raises(ValueError, submission.conv2d_output_shape, shape, kernel, stride, padding)


@pytest.mark.parametrize(
    ("shape", "kernel", "stride", "padding", "dilation"),
    [((8, 20), (4, 3), 2, 0, 3), ((20, 5), (2, 3), 1, 1, 4), ((30, 6), (3, 2), 4, 0, 6)],
)
def test_conv2d_output_shape_dilated_does_not_fit(
    submission, shape, kernel, stride, padding, dilation
):
    assert_raises(
        ValueError, submission.conv2d_output_shape, shape, kernel, stride, padding, dilation
    )


def test_conv2d_output_shape_pure(submission):
    assert_pure(submission.conv2d_output_shape, (9, 14), (2, 3), stride=3, padding=1, dilation=2)


# conv2d


def test_conv2d_plain(submission, rng):
    x, w = rng.normal(size=(5, 7)), rng.normal(size=(3, 2))
    expected = Meetings(x.shape, w.shape).forward(x, w)
    assert_close(submission.conv2d(x, w), expected, axes=WINDOW)


@pytest.mark.parametrize(
    ("shape", "kernel", "stride", "padding"), STRIDED + PADDED + STRIDED_PADDED + UNUSUAL
)
def test_conv2d_values(submission, rng, shape, kernel, stride, padding):
    x, w = rng.normal(size=shape), rng.normal(size=kernel)
    expected = Meetings(shape, kernel, stride, padding).forward(x, w)
    assert_close(submission.conv2d(x, w, stride=stride, padding=padding), expected, axes=WINDOW)


def test_conv2d_positional(submission, rng):
    x, w = column_major(rng.normal(size=(7, 6))), column_major(rng.normal(size=(2, 3)))
    expected = Meetings(x.shape, w.shape, 3, 2).forward(x, w)
    assert_close(submission.conv2d(x, w, 3, 2), expected, axes=WINDOW)


@pytest.mark.parametrize("integers", ["x", "w", "x and w"])
def test_conv2d_integers(submission, rng, integers):
    x, w = rng.normal(size=(6, 8)), rng.normal(size=(3, 2))
    if "x" in integers:
        x = whole_numbers(rng, x.shape)
    if "w" in integers:
        w = whole_numbers(rng, w.shape)
    expected = Meetings(x.shape, w.shape, 2, 1).forward(x, w)
    assert_close(submission.conv2d(x, w, stride=2, padding=1), expected, axes=WINDOW)


@pytest.mark.parametrize(("shape", "kernel", "stride", "padding"), TOO_LARGE[:3])
def test_conv2d_does_not_fit(submission, rng, shape, kernel, stride, padding):
    x, w = rng.normal(size=shape), rng.normal(size=kernel)
    assert_raises(ValueError, submission.conv2d, x, w, stride=stride, padding=padding)


def test_conv2d_pure(submission, rng):
    x, w = rng.normal(size=(6, 5)), rng.normal(size=(2, 3))
    assert_pure(submission.conv2d, x, w, stride=2, padding=0)


# conv2d_weight_grad


def check_weight_grad(submission, rng, shape, kernel, stride=1, padding=0):
    """One weight gradient against the sum over meetings."""
    meetings = Meetings(shape, kernel, stride, padding)
    x, w, g = rng.normal(size=shape), rng.normal(size=kernel), rng.normal(size=meetings.out)
    value = submission.conv2d_weight_grad(x, w, g, stride=stride, padding=padding)
    constants = {"out_h·out_w": g.size} if g.size > 1 else None
    assert_close(value, meetings.weight_grad(x, g), name="dw", axes=WINDOW, constants=constants)


def test_conv2d_weight_grad_plain(submission, rng):
    x, w, g = rng.normal(size=(5, 7)), rng.normal(size=(3, 2)), rng.normal(size=(3, 6))
    expected = Meetings(x.shape, w.shape).weight_grad(x, g)
    value = submission.conv2d_weight_grad(x, w, g)
    assert_close(value, expected, name="dw", axes=WINDOW, constants={"out_h·out_w": 18})


@pytest.mark.parametrize(("shape", "kernel", "stride", "padding"), STRIDED)
def test_conv2d_weight_grad_stride(submission, rng, shape, kernel, stride, padding):
    check_weight_grad(submission, rng, shape, kernel, stride, padding)


@pytest.mark.parametrize(("shape", "kernel", "stride", "padding"), PADDED)
def test_conv2d_weight_grad_padding(submission, rng, shape, kernel, stride, padding):
    check_weight_grad(submission, rng, shape, kernel, stride, padding)


@pytest.mark.parametrize(("shape", "kernel", "stride", "padding"), STRIDED_PADDED + UNUSUAL + GAPS)
def test_conv2d_weight_grad_stride_and_padding(submission, rng, shape, kernel, stride, padding):
    check_weight_grad(submission, rng, shape, kernel, stride, padding)


def test_conv2d_weight_grad_differences(submission, rng):
    x, w, g = (
        column_major(rng.normal(size=(6, 7))),
        rng.normal(size=(3, 2)),
        rng.normal(size=(3, 4)),
    )
    meetings = Meetings(x.shape, w.shape, 2, 1)
    assert meetings.out == g.shape
    value = submission.conv2d_weight_grad(x, w, column_major(g), 2, 1)
    assert_vjp(lambda kernel: meetings.forward(x, kernel), w, g, value, name="dw", axes=WINDOW)


def test_conv2d_weight_grad_integer_kernel(submission, rng):
    x, w, g = rng.normal(size=(5, 8)), whole_numbers(rng, (3, 2)), rng.normal(size=(3, 7))
    value = submission.conv2d_weight_grad(x, w, g)
    assert_close(value, Meetings(x.shape, w.shape).weight_grad(x, g), name="dw", axes=WINDOW)


@pytest.mark.parametrize("integers", ["x", "x and w"])
def test_conv2d_weight_grad_integer_input(submission, rng, integers):
    x, w, g = whole_numbers(rng, (8, 6)), rng.normal(size=(3, 2)), rng.normal(size=(4, 4))
    if "w" in integers:
        w = whole_numbers(rng, w.shape)
    expected = Meetings(x.shape, w.shape, 2, 1).weight_grad(x, g)
    value = submission.conv2d_weight_grad(x, w, g, stride=2, padding=1)
    assert_close(value, expected, name="dw", axes=WINDOW)


def test_conv2d_weight_grad_pure(submission, rng):
    x, w, g = rng.normal(size=(6, 5)), rng.normal(size=(2, 3)), rng.normal(size=(3, 2))
    assert_pure(submission.conv2d_weight_grad, x, w, g, stride=2, padding=0)


# conv2d_input_grad


def say_wrong_shape(value, shape, kernel, out, padding):
    """Name the two shapes that a forgotten padding and a forgotten stride give."""
    if not isinstance(value, np.ndarray) or value.shape == tuple(shape):
        return
    padded = tuple(n + 2 * padding for n in shape)
    unstrided = tuple(n + k - 1 for n, k in zip(out, kernel, strict=True))
    if padding and value.shape == padded:
        fail(
            f"dx has the padded input's shape {padded}, expected x's, {tuple(shape)}: "
            "the padding is left on"
        )
    if value.shape in (unstrided, tuple(n - 2 * padding for n in unstrided)):
        fail(
            f"dx has shape {value.shape}, expected x's, {tuple(shape)}: the stride is ignored, "
            "as this is the shape for stride 1"
        )


def check_input_grad(submission, rng, shape, kernel, stride=1, padding=0):
    """One input gradient against the sum over meetings."""
    meetings = Meetings(shape, kernel, stride, padding)
    x, w, g = rng.normal(size=shape), rng.normal(size=kernel), rng.normal(size=meetings.out)
    value = submission.conv2d_input_grad(x, w, g, stride=stride, padding=padding)
    say_wrong_shape(value, shape, kernel, meetings.out, padding)
    assert_close(value, meetings.input_grad(w, g), name="dx", axes=WINDOW)


def test_conv2d_input_grad_plain(submission, rng):
    x, w, g = rng.normal(size=(5, 7)), rng.normal(size=(3, 2)), rng.normal(size=(3, 6))
    expected = Meetings(x.shape, w.shape).input_grad(w, g)
    assert_close(submission.conv2d_input_grad(x, w, g), expected, name="dx", axes=WINDOW)


@pytest.mark.parametrize(("shape", "kernel", "stride", "padding"), STRIDED)
def test_conv2d_input_grad_stride(submission, rng, shape, kernel, stride, padding):
    check_input_grad(submission, rng, shape, kernel, stride, padding)


@pytest.mark.parametrize(("shape", "kernel", "stride", "padding"), PADDED)
def test_conv2d_input_grad_padding(submission, rng, shape, kernel, stride, padding):
    check_input_grad(submission, rng, shape, kernel, stride, padding)


@pytest.mark.parametrize(("shape", "kernel", "stride", "padding"), STRIDED_PADDED + UNUSUAL)
def test_conv2d_input_grad_stride_and_padding(submission, rng, shape, kernel, stride, padding):
    check_input_grad(submission, rng, shape, kernel, stride, padding)


@pytest.mark.parametrize(("shape", "kernel", "stride", "padding"), GAPS)
def test_conv2d_input_grad_untouched(submission, rng, shape, kernel, stride, padding):
    check_input_grad(submission, rng, shape, kernel, stride, padding)


def test_conv2d_input_grad_differences(submission, rng):
    x, w, g = (
        rng.normal(size=(6, 5)),
        column_major(rng.normal(size=(2, 3))),
        rng.normal(size=(4, 3)),
    )
    meetings = Meetings(x.shape, w.shape, 2, 1)
    assert meetings.out == g.shape
    value = submission.conv2d_input_grad(x, w, column_major(g), 2, 1)
    say_wrong_shape(value, x.shape, w.shape, g.shape, 1)
    assert_vjp(lambda image: meetings.forward(image, w), x, g, value, name="dx", axes=WINDOW)


def test_conv2d_input_grad_integer_kernel(submission, rng):
    x, w, g = rng.normal(size=(5, 8)), whole_numbers(rng, (3, 2)), rng.normal(size=(3, 7))
    expected = Meetings(x.shape, w.shape).input_grad(w, g)
    assert_close(submission.conv2d_input_grad(x, w, g), expected, name="dx", axes=WINDOW)


@pytest.mark.parametrize("integers", ["x", "x and w"])
def test_conv2d_input_grad_integer_input(submission, rng, integers):
    x, w, g = whole_numbers(rng, (8, 6)), rng.normal(size=(3, 2)), rng.normal(size=(4, 4))
    if "w" in integers:
        w = whole_numbers(rng, w.shape)
    expected = Meetings(x.shape, w.shape, 2, 1).input_grad(w, g)
    value = submission.conv2d_input_grad(x, w, g, stride=2, padding=1)
    say_wrong_shape(value, x.shape, w.shape, g.shape, 1)
    assert_close(value, expected, name="dx", axes=WINDOW)


def test_conv2d_input_grad_pure(submission, rng):
    x, w, g = rng.normal(size=(6, 5)), rng.normal(size=(2, 3)), rng.normal(size=(3, 2))
    assert_pure(submission.conv2d_input_grad, x, w, g, stride=2, padding=0)


# im2col


def test_im2col_plain(submission, rng):
    x = rng.normal(size=(4, 6))
    expected = Meetings(x.shape, (3, 2)).columns(x)
    assert_close(submission.im2col(x, (3, 2)), expected, axes=("kernel entry", "window"))


@pytest.mark.parametrize(
    ("shape", "kernel", "stride", "padding"), STRIDED + PADDED + STRIDED_PADDED + UNUSUAL
)
def test_im2col_values(submission, rng, shape, kernel, stride, padding):
    x = rng.normal(size=shape)
    expected = Meetings(shape, kernel, stride, padding).columns(x)
    value = submission.im2col(x, kernel, stride=stride, padding=padding)
    assert_close(value, expected, axes=("kernel entry", "window"))


def test_im2col_positional(submission, rng):
    x = column_major(rng.normal(size=(7, 6)))
    expected = Meetings(x.shape, (2, 3), 3, 2).columns(x)
    value = submission.im2col(x, (2, 3), 3, 2)
    assert_close(value, expected, axes=("kernel entry", "window"))


def test_im2col_integers(submission, rng):
    x = whole_numbers(rng, (6, 5))
    expected = Meetings(x.shape, (2, 3), 2, 1).columns(x)
    value = submission.im2col(x, (2, 3), stride=2, padding=1)
    assert_close(value, expected, axes=("kernel entry", "window"))


@pytest.mark.parametrize(("shape", "kernel", "stride", "padding"), TOO_LARGE[:3])
def test_im2col_does_not_fit(submission, rng, shape, kernel, stride, padding):
    x = rng.normal(size=shape)
    assert_raises(ValueError, submission.im2col, x, kernel, stride=stride, padding=padding)


def test_im2col_pure(submission, rng):
    assert_pure(submission.im2col, rng.normal(size=(6, 5)), (2, 3), stride=2, padding=0)


# col2im


def test_col2im_plain(submission, rng):
    cols = rng.normal(size=(6, 10))
    expected = Meetings((4, 6), (3, 2)).image(cols)
    assert_close(submission.col2im(cols, (4, 6), (3, 2)), expected, axes=WINDOW)


@pytest.mark.parametrize(
    ("shape", "kernel", "stride", "padding"), STRIDED + PADDED + STRIDED_PADDED + UNUSUAL + GAPS
)
def test_col2im_values(submission, rng, shape, kernel, stride, padding):
    meetings = Meetings(shape, kernel, stride, padding)
    cols = rng.normal(size=(np.prod(kernel), np.prod(meetings.out)))
    value = submission.col2im(cols, shape, kernel, stride=stride, padding=padding)
    assert_close(value, meetings.image(cols), axes=WINDOW)


def test_col2im_positional(submission, rng):
    meetings = Meetings((7, 6), (2, 3), 3, 2)
    cols = column_major(rng.normal(size=(6, np.prod(meetings.out))))
    assert_close(submission.col2im(cols, (7, 6), (2, 3), 3, 2), meetings.image(cols), axes=WINDOW)


def test_col2im_adjoint(submission, rng):
    shape, kernel = (9, 8), (3, 2)
    meetings = Meetings(shape, kernel, 2, 1)
    assert_adjoint(
        meetings.columns,
        lambda cols: submission.col2im(cols, shape, kernel, stride=2, padding=1),
        rng.normal(size=shape),
        rng.normal(size=(np.prod(kernel), np.prod(meetings.out))),
        name="col2im(cols)",
    )


def test_col2im_pure(submission, rng):
    assert_pure(submission.col2im, rng.normal(size=(6, 6)), (6, 5), (2, 3), stride=2, padding=0)


# conv2d_layer

# N, C, F, (H, W), (kh, kw), stride, padding, dilation
LAYERS = {
    "stride": (3, 5, 7, (6, 8), (3, 2), 2, 0, 1),
    "padding": (5, 3, 7, (3, 5), (2, 3), 1, 1, 1),
    "dilation": (3, 7, 5, (7, 8), (3, 2), 1, 0, 3),
    "all three": (5, 3, 7, (8, 7), (3, 2), 2, 2, 3),
    "larger kernel": (5, 7, 3, (2, 3), (4, 3), 2, 3, 2),
    "1×1 kernel": (3, 5, 7, (5, 4), (1, 1), 3, 1, 2),
    "kernel as input": (3, 7, 5, (3, 5), (2, 3), 1, 0, 2),
}


def make_layer(rng, case):
    n, c, f, shape, kernel, stride, padding, dilation = case
    meetings = Meetings(shape, kernel, stride, padding, dilation)
    x, w = rng.normal(size=(n, c, *shape)), rng.normal(size=(f, c, *kernel))
    b, g = rng.normal(size=f) * 2, rng.normal(size=(n, f, *meetings.out))
    return meetings, x, w, b, g


def test_conv2d_layer_plain(submission, rng):
    meetings, x, w, b, _ = make_layer(rng, (3, 5, 7, (4, 6), (3, 2), 1, 0, 1))
    assert_close(submission.conv2d_layer(x, w, b), meetings.layer(x, w, b), axes=OUTPUTS)


@pytest.mark.parametrize("case", LAYERS)
def test_conv2d_layer_values(submission, rng, case):
    stride, padding, dilation = LAYERS[case][-3:]
    meetings, x, w, b, _ = make_layer(rng, LAYERS[case])
    value = submission.conv2d_layer(x, w, b, stride=stride, padding=padding, dilation=dilation)
    bias = np.zeros((len(x), 1, 1, 1)) + b[:, None, None] + np.zeros(meetings.out)
    assert_close(value, meetings.layer(x, w, b), axes=OUTPUTS, terms={"the bias": bias})


@pytest.mark.parametrize(("n", "c", "f"), [(1, 3, 5), (6, 1, 5), (5, 3, 1)])
def test_conv2d_layer_one_of_each(submission, rng, n, c, f):
    meetings, x, w, b, _ = make_layer(rng, (n, c, f, (5, 9), (2, 3), 2, 1, 2))
    value = submission.conv2d_layer(x, w, b, 2, 1, 2)
    assert_close(value, meetings.layer(x, w, b), axes=OUTPUTS)


@pytest.mark.parametrize("integers", ["x", "w", "x and w"])
def test_conv2d_layer_integers(submission, rng, integers):
    meetings, x, w, b, _ = make_layer(rng, (3, 5, 7, (6, 5), (2, 3), 2, 1, 2))
    if "x" in integers:
        x = whole_numbers(rng, x.shape)
    if "w" in integers:
        w = whole_numbers(rng, w.shape)
    value = submission.conv2d_layer(x, w, b, stride=2, padding=1, dilation=2)
    assert_close(value, meetings.layer(x, w, b), axes=OUTPUTS)


@pytest.mark.parametrize(("shape", "kernel", "stride", "padding"), TOO_LARGE[:3])
def test_conv2d_layer_does_not_fit(submission, rng, shape, kernel, stride, padding):
    x, w, b = rng.normal(size=(2, 3, *shape)), rng.normal(size=(4, 3, *kernel)), rng.normal(size=4)
    assert_raises(ValueError, submission.conv2d_layer, x, w, b, stride=stride, padding=padding)


@pytest.mark.parametrize(
    ("shape", "kernel", "dilation"), [((6, 9), (3, 2), 3), ((9, 6), (2, 4), 2)]
)
def test_conv2d_layer_dilated_does_not_fit(submission, rng, shape, kernel, dilation):
    x, w, b = rng.normal(size=(2, 3, *shape)), rng.normal(size=(4, 3, *kernel)), rng.normal(size=4)
    assert_raises(ValueError, submission.conv2d_layer, x, w, b, stride=2, dilation=dilation)


def test_conv2d_layer_pure(submission, rng):
    _, x, w, b, _ = make_layer(rng, (2, 3, 4, (6, 7), (2, 3), 2, 0, 2))
    assert_pure(submission.conv2d_layer, x, w, b, stride=2, padding=0, dilation=2)


# conv2d_layer_grads

GRADS = ("dx", "dw", "db")


def check_layer_grads(value, meetings, x, w, g):
    """The three gradients against the sums over meetings."""
    assert_close(
        value,
        meetings.layer_grads(x, w, g),
        name=GRADS,
        axes=(IMAGES, FILTERS, ("filter",)),
        constants={"out_h·out_w": g[0, 0].size, "N": len(g), "N·out_h·out_w": g[:, 0].size},
    )


def test_conv2d_layer_grads_plain(submission, rng):
    meetings, x, w, b, g = make_layer(rng, (3, 5, 7, (4, 6), (3, 2), 1, 0, 1))
    check_layer_grads(submission.conv2d_layer_grads(x, w, b, g), meetings, x, w, g)


@pytest.mark.parametrize("case", LAYERS)
def test_conv2d_layer_grads_values(submission, rng, case):
    stride, padding, dilation = LAYERS[case][-3:]
    meetings, x, w, b, g = make_layer(rng, LAYERS[case])
    value = submission.conv2d_layer_grads(
        x, w, b, g, stride=stride, padding=padding, dilation=dilation
    )
    check_layer_grads(value, meetings, x, w, g)


@pytest.mark.parametrize(("n", "c", "f"), [(1, 3, 5), (6, 1, 5), (5, 3, 1)])
def test_conv2d_layer_grads_one_of_each(submission, rng, n, c, f):
    meetings, x, w, b, g = make_layer(rng, (n, c, f, (5, 9), (2, 3), 2, 1, 2))
    check_layer_grads(submission.conv2d_layer_grads(x, w, b, g, 2, 1, 2), meetings, x, w, g)


def test_conv2d_layer_grads_untouched(submission, rng):
    meetings, x, w, b, g = make_layer(rng, (3, 5, 7, (9, 13), (3, 1), 5, 1, 2))
    value = submission.conv2d_layer_grads(x, w, b, g, stride=5, padding=1, dilation=2)
    check_layer_grads(value, meetings, x, w, g)


def test_conv2d_layer_grads_differences(submission, rng):
    meetings, x, w, b, g = make_layer(rng, (1, 2, 3, (3, 4), (2, 1), 2, 1, 2))
    # The forward pass again, by one einsum over windows read from the padded images.
    rows = np.arange(meetings.out[0])[:, None] * 2 + np.arange(2) * 2
    columns = np.arange(meetings.out[1])[:, None] * 2
    padded = np.zeros((1, 2, 5, 6))

    def forward(at):
        padded[:, :, 1:-1, 1:-1] = at["x"]
        seen = padded[:, :, rows[:, None, :, None], columns[None, :, None, :]]
        return np.einsum("ncijpq,fcpq->nfij", seen, at["w"]) + at["b"][:, None, None]

    value = submission.conv2d_layer_grads(x, w, b, g, stride=2, padding=1, dilation=2)
    if not isinstance(value, tuple | list) or len(value) != 3:
        fail("the result should be a tuple of three, (dx, dw, db)")
    point, axes = {"x": x, "w": w, "b": b}, (IMAGES, FILTERS, ("filter",))
    for key, grad, names in zip(point, value, axes, strict=True):
        assert_vjp(
            lambda a, key=key: forward({**point, key: a}),
            point[key],
            g,
            grad,
            name=f"d{key}",
            axes=names,
        )


@pytest.mark.parametrize("integers", ["x", "w", "x and w"])
def test_conv2d_layer_grads_integers(submission, rng, integers):
    meetings, x, w, b, g = make_layer(rng, (3, 5, 7, (6, 5), (2, 3), 2, 1, 2))
    if "x" in integers:
        x = whole_numbers(rng, x.shape)
    if "w" in integers:
        w = whole_numbers(rng, w.shape)
    value = submission.conv2d_layer_grads(x, w, b, g, stride=2, padding=1, dilation=2)
    check_layer_grads(value, meetings, x, w, g)


def test_conv2d_layer_grads_pure(submission, rng):
    _, x, w, b, g = make_layer(rng, (2, 3, 4, (6, 7), (2, 3), 2, 0, 2))
    assert_pure(submission.conv2d_layer_grads, x, w, b, g, stride=2, padding=0, dilation=2)


# max_pool2d_grad


def pooled_shape(shape, size, stride):
    return tuple(windows_along(n, size, stride, 0) for n in shape)


def first_maximum(x, i, j, size, stride):
    """Where the maximum of a window is: a later entry has to be larger to take its place."""
    best = (i * stride, j * stride)
    for r in range(i * stride, i * stride + size):
        for c in range(j * stride, j * stride + size):
            if x[r, c] > x[best]:
                best = (r, c)
    return best


def pool_grad(x, g, size, stride):
    dx = np.zeros(x.shape)
    for i, j in np.ndindex(*g.shape):
        dx[first_maximum(x, i, j, size, stride)] += g[i, j]
    return dx


def check_pool_grad(submission, x, g, size, stride):
    value = submission.max_pool2d_grad(x, g, size, stride)
    assert_close(value, pool_grad(x, g, size, stride), name="dx", axes=WINDOW)


@pytest.mark.parametrize(
    ("shape", "size", "stride"),
    [
        ((7, 5), 2, 2),  # side by side, with a remainder row and column
        ((11, 8), 3, 3),
        ((7, 9), 3, 1),  # overlaps
        ((10, 8), 4, 2),
        ((9, 12), 2, 3),  # gaps
        ((4, 7), 1, 2),  # windows of one entry
        ((5, 3), 3, 2),  # as wide as the input
    ],
)
def test_max_pool2d_grad_values(submission, rng, shape, size, stride):
    x, g = rng.normal(size=shape), rng.normal(size=pooled_shape(shape, size, stride))
    check_pool_grad(submission, x, g, size, stride)


def test_max_pool2d_grad_differences(submission, rng):
    # Entries at least 0.4 apart: no step of the differences changes which one is the largest.
    x = rng.permutation(30).reshape(5, 6) * 0.4 - 6
    g = rng.normal(size=pooled_shape(x.shape, 3, 2))

    def forward(image):
        tiles = [
            [image[2 * i : 2 * i + 3, 2 * j : 2 * j + 3].max() for j in range(g.shape[1])]
            for i in range(g.shape[0])
        ]
        return np.array(tiles)

    value = submission.max_pool2d_grad(column_major(x), column_major(g), size=3, stride=2)
    assert_vjp(forward, x, g, value, name="dx", axes=WINDOW)


def test_max_pool2d_grad_negative(submission, rng):
    x = -1.0 - rng.random(size=(7, 10))
    x[:3] *= 1e15  # no number that stands for 'lower than everything' is low enough
    check_pool_grad(submission, x, rng.normal(size=(3, 4)), 3, 2)


@pytest.mark.parametrize(("size", "stride"), [(2, 2), (3, 1)])
def test_max_pool2d_grad_ties(submission, rng, size, stride):
    x = rng.integers(-3, 0, size=(8, 10)).astype(np.float64)
    g = rng.normal(size=pooled_shape(x.shape, size, stride))
    check_pool_grad(submission, x, g, size, stride)


def test_max_pool2d_grad_tie_order(submission, rng):
    # Top right and bottom left: rows come before columns.
    x = rng.normal(size=(2, 4))
    x[0, 1] = x[1, 0] = 5.0
    x[0, 3] = x[1, 2] = 6.0
    check_pool_grad(submission, x, rng.normal(size=(1, 2)), 2, 2)


def test_max_pool2d_grad_nearly_tied(submission, rng):
    # The differences are far above the spacing of float64, which is 2e-16 at 1: these are no ties.
    x = 1.0 + rng.permutation(42).reshape(6, 7) * 1e-12
    check_pool_grad(submission, x, rng.normal(size=(2, 3)), 3, 2)


def test_max_pool2d_grad_constant_input(submission, rng):
    x, g = np.full((5, 6), rng.normal()), rng.normal(size=(4, 5))
    check_pool_grad(submission, x, g, 2, 1)


@pytest.mark.parametrize("overlap", [False, True])
def test_max_pool2d_grad_integers(submission, rng, overlap):
    x = whole_numbers(rng, (7, 8))
    size, stride = (3, 2) if overlap else (2, 3)
    check_pool_grad(
        submission, x, rng.normal(size=pooled_shape(x.shape, size, stride)), size, stride
    )


def test_max_pool2d_grad_pure(submission, rng):
    x, g = rng.normal(size=(7, 6)), rng.normal(size=(3, 2))
    assert_pure(submission.max_pool2d_grad, x, g, size=3, stride=2)


# capstone


# What a descent on a quadratic loss leaves of its first error; rounding is 1e-12.
LEARNED = 1e-4
# Behind max pooling the loss is quadratic only as long as no window's maximum changes hands: shorter
# steps. Some 36 suffice, and 60 did for 7999 of 8000 draws.
POOL_CAUTION = 0.8
POOL_STEPS = 100


def correlate(x, w, stride=1, padding=0, dilation=1):
    """A layer without bias, from a view of all windows: (N, C, H, W) and (F, C, kh, kw)."""
    padded = np.pad(x, ((0, 0), (0, 0), (padding, padding), (padding, padding)))
    kh, kw = (dilation * (k - 1) + 1 for k in w.shape[2:])
    windows = np.lib.stride_tricks.sliding_window_view(padded, (kh, kw), axis=(2, 3))
    windows = windows[:, :, ::stride, ::stride, ::dilation, ::dilation]
    return np.einsum("ncijuv,fcuv->nfij", windows, w, optimize=True)


def descent(design):
    """Step and number of steps that take a descent on ½‖design·θ − y‖² to `LEARNED` of its first error.

    With curvatures from `low` to `high`, steps of 2/(low + high) leave at most
    (high − low)/(high + low) of the error each, and a gradient in any other direction or of any other
    length leaves more.
    """
    low, *_, high = np.linalg.eigvalsh(design.T @ design)
    return 2 / (low + high), int(np.ceil(np.log(LEARNED) / np.log((high - low) / (high + low))))


def relative_error(actual, expected):
    return float(np.linalg.norm(actual - expected) / np.linalg.norm(expected))


def test_capstone_two_layers(submission, rng):
    """Descent from zero finds the planted kernels of one layer and the biases of the next, together.

    Deterministic: they are the one minimum of a quadratic loss, whose curvatures the suite computes by
    itself.
    """
    x = rng.normal(size=(4, 2, 11, 14))
    planted_w, b = rng.normal(size=(3, 2, 3, 3)), rng.normal(size=3)
    w2, planted_b2 = rng.uniform(-0.1, 0.1, size=(4, 3, 2, 3)), rng.normal(size=4)
    w2[:, :, 0, 1] += np.linalg.qr(rng.normal(size=(4, 3)))[0]  # keeps the channels apart
    first, second = {"stride": 2, "padding": 1}, {"padding": 1, "dilation": 2}
    hidden = correlate(x, planted_w, **first) + b[:, None, None]
    target = correlate(hidden, w2, **second) + planted_b2[:, None, None]

    inside = tuple(submission.conv2d_output_shape((11, 14), (3, 3), **first))
    outside = tuple(submission.conv2d_output_shape(hidden.shape[2:], (2, 3), **second))
    if (inside, outside) != (hidden.shape[2:], target.shape[2:]):
        fail(
            f"two layers lead from 11 × 14 to {hidden.shape[2:]} and {target.shape[2:]}, "
            f"and conv2d_output_shape says {inside} and {outside}"
        )

    # What each unknown does to the output: 18 entries of each of three kernels, and four biases.
    seen = correlate(x, np.eye(18).reshape(18, 2, 3, 3), **first).reshape(72, 1, *inside)
    effects = [correlate(seen, w2[:, [f]], **second).reshape(4, 18, -1) for f in range(3)]
    biases = np.repeat(np.eye(4), np.prod(outside), axis=1)
    design = np.concatenate([*effects, np.repeat(biases[None], 4, axis=0)], axis=1)
    step, steps = descent(design.transpose(0, 2, 1).reshape(-1, 58))

    w, b2 = np.zeros((3, 2, 3, 3)), np.zeros(4)
    for _ in range(steps):
        hidden = as_array(submission.conv2d_layer(x, w, b, **first), hidden.shape)
        output = as_array(submission.conv2d_layer(hidden, w2, b2, **second), target.shape)
        above = submission.conv2d_layer_grads(hidden, w2, b2, output - target, **second)
        d_hidden = as_array(above[0], hidden.shape)
        below = submission.conv2d_layer_grads(x, w, b, d_hidden, **first)
        w, b2 = w - step * as_array(below[1], w.shape), b2 - step * as_array(above[2], b2.shape)
    error = relative_error(np.append(w, b2), np.append(planted_w, planted_b2))
    if not error < 1.01 * LEARNED:
        fail(
            f"after {steps} steps kernels and biases are off by {error:.3g} of their size; "
            f"with the right gradients {LEARNED:g} is left",
            f"The first layer's kernels are off by {relative_error(w, planted_w):.3g}, "
            f"the second's biases by {relative_error(b2, planted_b2):.3g}.",
        )


def test_capstone_deblurring(submission, rng):
    """Descent on the pixels of a blurred, noisy image ends at the least-squares image, by either road.

    Deterministic: the loss is quadratic, and the suite solves for its minimum by itself.
    """
    # One entry outweighs the others, so that nothing is blurred away.
    w, largest = rng.uniform(-1, 1, size=(3, 4)), np.unravel_index(rng.integers(12), (3, 4))
    w[largest] = 0
    w *= 0.5 / np.sum(np.abs(w))
    w[largest] = 1
    units = np.eye(63).reshape(63, 1, 7, 9)
    blur = correlate(units, w[None, None], padding=3).reshape(63, -1).T  # a column for each pixel
    y = blur @ rng.normal(size=63) + rng.normal(size=len(blur))
    best = np.linalg.lstsq(blur, y, rcond=None)[0].reshape(7, 9)

    step, steps = descent(blur)
    image = unrolled = np.zeros((7, 9))
    for _ in range(steps):
        residual = as_array(submission.conv2d(image, w, 1, 3), (11, 12)) - y.reshape(11, 12)
        dx = submission.conv2d_input_grad(image, w, residual, 1, 3)
        image = image - step * as_array(dx, (7, 9))
        residual = w.ravel() @ as_array(submission.im2col(unrolled, (3, 4), 1, 3), (12, 132)) - y
        dx = submission.col2im(np.outer(w, residual), (7, 9), (3, 4), 1, 3)
        unrolled = unrolled - step * as_array(dx, (7, 9))
    roads = (("conv2d and conv2d_input_grad", image), ("im2col and col2im", unrolled))
    for road, found in roads:
        error = relative_error(found, best)
        if not error < 1.01 * LEARNED:
            fail(
                f"after {steps} steps with {road} the image is {error:.3g} of its size away from the "
                f"least-squares image; with the right gradients {LEARNED:g} is left"
            )


def pool_windows(y):
    """All 3 × 3 windows at stride 2: (…, n_rows, n_columns, 3, 3)."""
    windows = np.lib.stride_tricks.sliding_window_view(y, (3, 3), axis=(-2, -1))
    return windows[..., ::2, ::2, :, :]


def planted_below_pooling(rng):
    """An image, a kernel of length 1, a start 0.6 beside it, a step, and how many of them lead to it.

    The loss is not convex: the suite walks first, and draws again where it does not arrive.
    """
    while True:
        planted, aside = rng.normal(size=(2, 3, 4))
        planted /= np.linalg.norm(planted)
        aside -= np.sum(aside * planted) * planted
        start = 0.8 * planted + 0.6 * aside / np.linalg.norm(aside)
        x = rng.normal(size=(26, 29))
        # What each kernel entry meets in the 9 positions of each of the 156 windows.
        met = correlate(x[None, None], np.eye(12).reshape(12, 1, 3, 4), padding=1)[0]
        met = pool_windows(met).reshape(12, 156, 9)

        def best(w, met=met):
            """What the kernel's entries meet where it answers most: (12, 156)."""
            where = np.argmax(np.tensordot(w.ravel(), met, axes=1), axis=1)
            return met[:, np.arange(156), where]

        target = planted.ravel() @ best(planted)
        step = POOL_CAUTION * descent(best(planted).T)[0]
        w = start
        for n in range(1, POOL_STEPS + 1):
            seen = best(w)
            w = w - step * (seen @ (w.ravel() @ seen - target)).reshape(3, 4)
            if relative_error(w, planted) < LEARNED:
                return x, planted, start, step, n


def test_capstone_kernel_learned_through_max_pooling(submission, rng):
    """Descent finds a planted kernel behind a max pooling whose windows overlap.

    Deterministic: the suite has walked the same way before, with the windows listed.
    """
    x, planted, w, step, steps = planted_below_pooling(rng)
    y = correlate(x[None, None], planted[None, None], padding=1)[0, 0]
    target = np.max(pool_windows(y), axis=(2, 3))
    for _ in range(steps):
        y = as_array(submission.conv2d(x, w, 1, 1), (26, 28))
        residual = np.max(pool_windows(y), axis=(2, 3)) - target
        dy = as_array(submission.max_pool2d_grad(y, residual, 3, 2), y.shape)
        w = w - step * as_array(submission.conv2d_weight_grad(x, w, dy, 1, 1), w.shape)
    error = relative_error(w, planted)
    if not error < 1.01 * LEARNED:
        fail(
            f"after {steps} steps the kernel is {error:.3g} of its size away from the planted one, and "
            f"was 0.63 away at the start; with the right gradients {LEARNED:g} is left"
        )
