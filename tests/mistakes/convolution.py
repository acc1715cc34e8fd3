"""Wrong on purpose: what people write for the convolution topic.

Each docstring continues "this is what you get when …".
"""

import math

import numpy as np


def _out(n, k, s, p, d=1):
    return (n + 2 * p - d * (k - 1) - 1) // s + 1


def _shape(shape, kernel, s, p, d=1):
    """The output's shape; raises where the kernel does not fit."""
    out = tuple(_out(n, k, s, p, d) for n, k in zip(shape, kernel))
    if any(n + 2 * p < d * (k - 1) + 1 for n, k in zip(shape, kernel)):
        raise ValueError("the kernel does not fit")
    return out


def _pad(x, p, **mode):
    return np.pad(x, [(0, 0)] * (x.ndim - 2) + [(p, p), (p, p)], **mode)


def _at(m, n, out, s, d=1):
    """The rows and columns that kernel entry (m, n) meets."""
    return slice(m * d, m * d + s * out[0], s), slice(n * d, n * d + s * out[1], s)


def _crop(a, p, shape):
    return a[..., p : p + shape[0], p : p + shape[1]]


def _conv(x, w, s, p):
    x, w = np.asarray(x, float), np.asarray(w, float)
    out = _shape(x.shape, w.shape, s, p)
    padded = _pad(x, p)
    y = np.zeros(out)
    for m, n in np.ndindex(*w.shape):
        y += w[m, n] * padded[_at(m, n, out, s)]
    return y


def _weight_grad(x, kernel, g, s, p):
    padded = _pad(np.asarray(x, float), p)
    dw = np.zeros(kernel)
    for m, n in np.ndindex(*kernel):
        dw[m, n] = np.sum(g * padded[_at(m, n, g.shape, s)])
    return dw


def _scatter(shape, w, g, s, p):
    """The padded input's gradient."""
    big = np.zeros((shape[0] + 2 * p, shape[1] + 2 * p))
    for m, n in np.ndindex(*w.shape):
        big[_at(m, n, g.shape, s)] += w[m, n] * g
    return big


def _layer(x, w, b, s, p, d):
    x, w = np.asarray(x, float), np.asarray(w, float)
    out = _shape(x.shape[2:], w.shape[2:], s, p, d)
    padded = _pad(x, p)
    y = np.zeros((len(x), len(w), *out)) + np.reshape(b, (1, -1, 1, 1))
    for m, n in np.ndindex(*w.shape[2:]):
        seen = padded[(..., *_at(m, n, out, s, d))]
        y += np.einsum("ncij,fc->nfij", seen, w[:, :, m, n])
    return y


def _layer_grads(x, w, g, s, p, d, back=None):
    """dx, dw, db; `back` is the kernel to send the gradient back through, if it is not w."""
    x, w = np.asarray(x, float), np.asarray(w, float)
    back = w if back is None else np.asarray(back, float)
    padded = _pad(x, p)
    big, dw = np.zeros(padded.shape), np.zeros(w.shape)
    for m, n in np.ndindex(*w.shape[2:]):
        at = (..., *_at(m, n, g.shape[2:], s, d))
        dw[:, :, m, n] = np.einsum("nfij,ncij->fc", g, padded[at])
        big[at] += np.einsum("nfij,fc->ncij", g, back[:, :, m, n])
    return _crop(big, p, x.shape[2:]), dw, g.sum(axis=(0, 2, 3))


# conv2d_output_shape


def conv2d_output_shape__dilation_ignored(
    input_shape, kernel_shape, stride=1, padding=0, dilation=1
):
    """the kernel is taken to be k long, though dilation makes it d(k − 1) + 1"""
    return _shape(input_shape, kernel_shape, stride, padding)


def conv2d_output_shape__dilation_times_length(
    input_shape, kernel_shape, stride=1, padding=0, dilation=1
):
    """the dilated kernel is taken to be d·k long, though it is d(k − 1) + 1"""
    return _shape(input_shape, [dilation * k for k in kernel_shape], stride, padding)


def conv2d_output_shape__padding_once(input_shape, kernel_shape, stride=1, padding=0, dilation=1):
    """the padding is counted once, though it is added on both sides"""
    once = [n + padding for n in input_shape]
    return _shape(once, kernel_shape, stride, 0, dilation)


def conv2d_output_shape__rounded_up(input_shape, kernel_shape, stride=1, padding=0, dilation=1):
    """the division rounds up, so that a window is counted that sticks out of the input"""
    _shape(input_shape, kernel_shape, stride, padding, dilation)
    return tuple(
        math.ceil((n + 2 * padding - dilation * (k - 1) - 1) / stride) + 1
        for n, k in zip(input_shape, kernel_shape)
    )


def conv2d_output_shape__no_plus_one(input_shape, kernel_shape, stride=1, padding=0, dilation=1):
    """the steps of the window are counted, not its positions: the + 1 is missing"""
    return tuple(n - 1 for n in _shape(input_shape, kernel_shape, stride, padding, dilation))


def conv2d_output_shape__not_checked(input_shape, kernel_shape, stride=1, padding=0, dilation=1):
    """the formula's value is returned also where it is 0 or less, instead of an error"""
    return tuple(_out(n, k, stride, padding, dilation) for n, k in zip(input_shape, kernel_shape))


def conv2d_output_shape__truncated_before_check(
    input_shape, kernel_shape, stride=1, padding=0, dilation=1
):
    """`int(… / stride)` rounds a negative quotient up to 0, so that a window that does not fit is counted"""
    out = tuple(
        int((n + 2 * padding - dilation * (k - 1) - 1) / stride) + 1
        for n, k in zip(input_shape, kernel_shape)
    )
    if min(out) < 1:
        raise ValueError("the kernel does not fit")
    return out


def conv2d_output_shape__both_axes_needed(
    input_shape, kernel_shape, stride=1, padding=0, dilation=1
):
    """the error is raised only where the kernel is too long along both axes"""
    out = conv2d_output_shape__not_checked(input_shape, kernel_shape, stride, padding, dilation)
    if max(out) < 1:
        raise ValueError("the kernel does not fit")
    return out


def conv2d_output_shape__negative_only(input_shape, kernel_shape, stride=1, padding=0, dilation=1):
    """only a negative length is an error, and an output of length 0 is returned"""
    out = conv2d_output_shape__not_checked(input_shape, kernel_shape, stride, padding, dilation)
    if min(out) < 0:
        raise ValueError("the kernel does not fit")
    return out


def conv2d_output_shape__checked_without_padding(
    input_shape, kernel_shape, stride=1, padding=0, dilation=1
):
    """the kernel is compared with the input before padding, so that one which fits is refused"""
    if any(dilation * (k - 1) + 1 > n for n, k in zip(input_shape, kernel_shape)):
        raise ValueError("the kernel does not fit")
    return conv2d_output_shape__not_checked(input_shape, kernel_shape, stride, padding, dilation)


def conv2d_output_shape__checked_without_dilation(
    input_shape, kernel_shape, stride=1, padding=0, dilation=1
):
    """the kernel is compared with the input without its dilation"""
    if any(k > n + 2 * padding for n, k in zip(input_shape, kernel_shape)):
        raise ValueError("the kernel does not fit")
    return conv2d_output_shape__not_checked(input_shape, kernel_shape, stride, padding, dilation)


def conv2d_output_shape__floats(input_shape, kernel_shape, stride=1, padding=0, dilation=1):
    """the division is `/` with a floor, so that floats come out"""
    out = _shape(input_shape, kernel_shape, stride, padding, dilation)
    return tuple(float(n) for n in out)


def conv2d_output_shape__swapped(input_shape, kernel_shape, stride=1, padding=0, dilation=1):
    """width and height are returned in the wrong order"""
    return _shape(input_shape, kernel_shape, stride, padding, dilation)[::-1]


def conv2d_output_shape__square(input_shape, kernel_shape, stride=1, padding=0, dilation=1):
    """the height's length is returned for both axes, as if all were square"""
    height, _ = _shape(input_shape, kernel_shape, stride, padding, dilation)
    return height, height


def conv2d_output_shape__stride_ignored(input_shape, kernel_shape, stride=1, padding=0, dilation=1):
    """the stride is ignored"""
    return _shape(input_shape, kernel_shape, 1, padding, dilation)


# conv2d


def conv2d__flipped(x, w, stride=1, padding=0):
    """the kernel is flipped: a convolution in the mathematical sense, not the cross-correlation meant here"""
    return _conv(x, w[::-1, ::-1], stride, padding)


def conv2d__flipped_along_rows(x, w, stride=1, padding=0):
    """the kernel's rows stand in reverse order"""
    return _conv(x, w[::-1], stride, padding)


def conv2d__flipped_along_columns(x, w, stride=1, padding=0):
    """the kernel's columns stand in reverse order"""
    return _conv(x, w[:, ::-1], stride, padding)


def conv2d__single_precision(x, w, stride=1, padding=0):
    """the computation runs in float32, and only its result is turned into float64"""
    return (
        _conv(x.astype(np.float32), w.astype(np.float32), stride, padding)
        .astype(np.float32)
        .astype(float)
    )


def conv2d__padded_above_and_left(x, w, stride=1, padding=0):
    """all zeros are added above and to the left, none below and to the right"""
    _shape(x.shape, w.shape, stride, padding)
    return _conv(np.pad(x, (2 * padding, 0)), w, stride, 0)


def conv2d__stride_ignored(x, w, stride=1, padding=0):
    """the stride is ignored, so that there are too many outputs"""
    return _conv(x, w, 1, padding)


def conv2d__window_not_moved_by_stride(x, w, stride=1, padding=0):
    """the output has the stride's shape, but the window moves by 1"""
    out = _shape(x.shape, w.shape, stride, padding)
    return _conv(x, w, 1, padding)[: out[0], : out[1]]


def conv2d__padding_ignored(x, w, stride=1, padding=0):
    """the padding is ignored"""
    return _conv(x, w, stride, 0)


def conv2d__padded_below_and_right(x, w, stride=1, padding=0):
    """all zeros are added below and to the right, none above and to the left"""
    _shape(x.shape, w.shape, stride, padding)
    return _conv(np.pad(x, (0, 2 * padding)), w, stride, 0)


def conv2d__edge_padding(x, w, stride=1, padding=0):
    """the border is repeated into the padding, where zeros are meant"""
    _shape(x.shape, w.shape, stride, padding)
    return _conv(_pad(x, padding, mode="edge"), w, stride, 0)


def conv2d__kernel_dtype(x, w, stride=1, padding=0):
    """the output is kept in an array of the kernel's dtype, which truncates where the kernel is integer"""
    return _conv(x, w, stride, padding).astype(w.dtype)


def conv2d__input_dtype(x, w, stride=1, padding=0):
    """the output is kept in an array of the input's dtype, which truncates where the input is integer"""
    return _conv(x, w, stride, padding).astype(x.dtype)


def conv2d__integers_stay(x, w, stride=1, padding=0):
    """integer x and integer w give an integer result, where float64 is promised"""
    return _conv(x, w, stride, padding).astype(np.result_type(x, w))


def conv2d__empty_where_none_fits(x, w, stride=1, padding=0):
    """a kernel that does not fit gives an empty output instead of an error"""
    out = [max(0, _out(n, k, stride, padding)) for n, k in zip(x.shape, w.shape)]
    return _conv(x, w, stride, padding) if min(out) > 0 else np.zeros(out)


def conv2d__too_large_refused(x, w, stride=1, padding=0):
    """a kernel larger than the input is refused, though it fits after padding"""
    if any(k > n for n, k in zip(x.shape, w.shape)):
        raise ValueError("the kernel is larger than the input")
    return _conv(x, w, stride, padding)


def conv2d__remainder_completed(x, w, stride=1, padding=0):
    """a window that sticks out at the bottom or the right is completed with zeros and counted"""
    _shape(x.shape, w.shape, stride, padding)
    extra = [-(n + 2 * padding - k) % stride for n, k in zip(x.shape, w.shape)]
    return _conv(np.pad(_pad(x, padding), [(0, e) for e in extra]), w, stride, 0)


def conv2d__mean(x, w, stride=1, padding=0):
    """the products of a window are averaged, not summed"""
    return _conv(x, w, stride, padding) / w.size


def conv2d__kernel_summed(x, w, stride=1, padding=0):
    """the window's sum is multiplied by the kernel's sum, not entry by entry"""
    return _conv(x, np.ones(w.shape), stride, padding) * w.sum()


# conv2d_weight_grad


def conv2d_weight_grad__rotated(x, w, grad_output, stride=1, padding=0):
    """the gradient comes out rotated by 180°, as for a flipped kernel"""
    return _weight_grad(x, w.shape, grad_output, stride, padding)[::-1, ::-1].copy()


def conv2d_weight_grad__upstream_rotated(x, w, grad_output, stride=1, padding=0):
    """the upstream gradient is rotated by 180° before it is correlated with the input"""
    return _weight_grad(x, w.shape, grad_output[::-1, ::-1], stride, padding)


def conv2d_weight_grad__stride_ignored(x, w, grad_output, stride=1, padding=0):
    """the stride is ignored: neighbouring outputs are taken to have seen neighbouring inputs"""
    return _weight_grad(x, w.shape, grad_output, 1, padding)


def conv2d_weight_grad__padding_ignored(x, w, grad_output, stride=1, padding=0):
    """the input is not padded, so that every output is matched with a window further down and right"""
    x = np.asarray(x, float)
    dw = np.zeros(w.shape)
    for m, n in np.ndindex(*w.shape):
        seen = x[_at(m, n, grad_output.shape, stride)]
        dw[m, n] = np.sum(grad_output[: seen.shape[0], : seen.shape[1]] * seen)
    return dw


def conv2d_weight_grad__kernel_dtype(x, w, grad_output, stride=1, padding=0):
    """the gradient is kept in `np.zeros_like(w)`, which truncates it where the kernel is integer"""
    return _weight_grad(x, w.shape, grad_output, stride, padding).astype(w.dtype)


def conv2d_weight_grad__input_dtype(x, w, grad_output, stride=1, padding=0):
    """the gradient is kept in an array of the input's dtype, which truncates it where x is integer"""
    return _weight_grad(x, w.shape, grad_output, stride, padding).astype(x.dtype)


def conv2d_weight_grad__mean(x, w, grad_output, stride=1, padding=0):
    """the terms are averaged over the outputs, not summed"""
    return _weight_grad(x, w.shape, grad_output, stride, padding) / grad_output.size


def conv2d_weight_grad__shape_inferred(x, w, grad_output, stride=1, padding=0):
    """the kernel's shape is inferred from the other shapes, which adds the remainder to it"""
    kernel = [n + 2 * padding - stride * (o - 1) for n, o in zip(x.shape, grad_output.shape)]
    return _weight_grad(x, kernel, grad_output, stride, padding)


def conv2d_weight_grad__times_kernel(x, w, grad_output, stride=1, padding=0):
    """the result is multiplied by the kernel, which the derivative no longer contains"""
    return w * _weight_grad(x, w.shape, grad_output, stride, padding)


def conv2d_weight_grad__last_row_lost(x, w, grad_output, stride=1, padding=0):
    """the last row and column of outputs are left out of the sum"""
    return _weight_grad(x, w.shape, grad_output[:-1, :-1], stride, padding)


def conv2d_weight_grad__common_backward(x, w, grad_output, stride=1, padding=0):
    """four things go wrong at once: the kernel's gradient is rotated, the stride and the padding are ignored, and an integer kernel truncates it"""
    x = np.asarray(x, float)
    dw = np.zeros_like(w)
    for m, n in np.ndindex(*w.shape):
        seen = x[_at(m, n, grad_output.shape, 1)]
        dw[-1 - m, -1 - n] = np.sum(grad_output[: seen.shape[0], : seen.shape[1]] * seen)
    return dw


# conv2d_input_grad


def conv2d_input_grad__rotated_twice(x, w, grad_output, stride=1, padding=0):
    """the kernel is rotated, and then a true convolution rotates it once more"""
    big = _scatter(x.shape, w[::-1, ::-1], grad_output, stride, padding)
    return _crop(big, padding, x.shape)


def conv2d_input_grad__flipped_along_rows(x, w, grad_output, stride=1, padding=0):
    """the kernel's rows stand in reverse order: it is flipped along one axis"""
    big = _scatter(x.shape, w[::-1], grad_output, stride, padding)
    return _crop(big, padding, x.shape)


def conv2d_input_grad__flipped_along_columns(x, w, grad_output, stride=1, padding=0):
    """the kernel's columns stand in reverse order: it is flipped along one axis"""
    big = _scatter(x.shape, w[:, ::-1], grad_output, stride, padding)
    return _crop(big, padding, x.shape)


def conv2d_input_grad__stride_ignored(x, w, grad_output, stride=1, padding=0):
    """the stride is ignored: neighbouring outputs are sent back to neighbouring inputs"""
    big = _scatter(x.shape, w, grad_output, 1, padding)
    return _crop(big, padding, x.shape)


def conv2d_input_grad__padding_left_on(x, w, grad_output, stride=1, padding=0):
    """the padding is left on, so that the gradient has the padded input's shape"""
    return _scatter(x.shape, w, grad_output, stride, padding)


def conv2d_input_grad__kernel_dtype(x, w, grad_output, stride=1, padding=0):
    """the gradient is kept in an array of the kernel's dtype, which truncates it where the kernel is integer"""
    big = _scatter(x.shape, w, grad_output, stride, padding)
    return _crop(big, padding, x.shape).astype(w.dtype)


def conv2d_input_grad__input_dtype(x, w, grad_output, stride=1, padding=0):
    """the gradient is kept in `np.zeros_like(x)`, which truncates it where x is integer"""
    big = _scatter(x.shape, w, grad_output, stride, padding)
    return _crop(big, padding, x.shape).astype(x.dtype)


def conv2d_input_grad__overwritten(x, w, grad_output, stride=1, padding=0):
    """windows that overlap overwrite each other instead of adding up: `=` for `+=`"""
    kh, kw = w.shape
    big = np.zeros([n + 2 * padding for n in x.shape])
    for i, j in np.ndindex(*grad_output.shape):
        top, left = i * stride, j * stride
        big[top : top + kh, left : left + kw] = grad_output[i, j] * w
    return _crop(big, padding, x.shape)


def conv2d_input_grad__remainder_lost(x, w, grad_output, stride=1, padding=0):
    """the shape is inferred from the outputs, so that a remainder's rows and columns are missing"""
    full = _crop(_scatter(x.shape, w, grad_output, stride, padding), padding, x.shape)
    touched = [stride * (o - 1) + k - 2 * padding for o, k in zip(grad_output.shape, w.shape)]
    return full[: max(touched[0], 0), : max(touched[1], 0)]


def conv2d_input_grad__cut_below_and_right(x, w, grad_output, stride=1, padding=0):
    """all of the padding is cut off below and to the right, none above and to the left"""
    return _scatter(x.shape, w, grad_output, stride, padding)[: x.shape[0], : x.shape[1]]


def conv2d_input_grad__upstream_rotated(x, w, grad_output, stride=1, padding=0):
    """the upstream gradient is rotated by 180° in place of the kernel"""
    big = _scatter(x.shape, w, grad_output[::-1, ::-1], stride, padding)
    return _crop(big, padding, x.shape)


def conv2d_input_grad__averaged(x, w, grad_output, stride=1, padding=0):
    """what an input gets from several windows is averaged, not added up"""
    big = _scatter(x.shape, w, grad_output, stride, padding)
    count = _scatter(x.shape, np.ones(w.shape), np.ones(grad_output.shape), stride, padding)
    return _crop(big / np.maximum(count, 1), padding, x.shape)


def conv2d_input_grad__times_input(x, w, grad_output, stride=1, padding=0):
    """the result is multiplied by the input, which the derivative no longer contains"""
    return x * _crop(_scatter(x.shape, w, grad_output, stride, padding), padding, x.shape)


def _common_backward(w, g, dtype):
    """The kernel is rotated and then fully convolved, which rotates it again; no stride, no crop."""
    rotated = np.rot90(w, 2)
    (kh, kw), (out_h, out_w) = w.shape, g.shape
    dx = np.zeros((out_h + kh - 1, out_w + kw - 1), dtype=dtype)
    for r, c in np.ndindex(*dx.shape):
        total = 0.0
        for m, n in np.ndindex(kh, kw):  # the indices run against each other
            if 0 <= r - m < out_h and 0 <= c - n < out_w:
                total += g[r - m, c - n] * rotated[m, n]
        dx[r, c] = total
    return dx


def conv2d_input_grad__common_backward(x, w, grad_output, stride=1, padding=0):
    """three things go wrong at once: the kernel is rotated twice, the stride is ignored and the padding is left on"""
    return _common_backward(w, grad_output, np.float64)


def conv2d_input_grad__common_backward_truncated(x, w, grad_output, stride=1, padding=0):
    """four things go wrong at once: the kernel is rotated twice, the stride is ignored, the padding is left on, and an integer kernel truncates the gradient"""
    return _common_backward(w, grad_output, w.dtype)


# im2col


def _windows(x, kernel, s, p, **mode):
    """(kh, kw, out_h, out_w)"""
    out = _shape(x.shape, kernel, s, p)
    padded = _pad(np.asarray(x, float), p, **mode)
    cols = np.zeros((*kernel, *out))
    for m, n in np.ndindex(*kernel):
        cols[m, n] = padded[_at(m, n, out, s)]
    return cols


def _flat(cols):
    kh, kw, out_h, out_w = cols.shape
    return cols.reshape(kh * kw, out_h * out_w)


def im2col__window_per_row(x, kernel_shape, stride=1, padding=0):
    """each window is a row, where it should be a column"""
    return _flat(_windows(x, kernel_shape, stride, padding)).T


def im2col__reshaped_not_transposed(x, kernel_shape, stride=1, padding=0):
    """the windows are reshaped into the right shape without bringing the kernel's axes to the front"""
    cols = _flat(_windows(x, kernel_shape, stride, padding))
    return np.ascontiguousarray(cols.T).reshape(cols.shape)


def im2col__windows_column_major(x, kernel_shape, stride=1, padding=0):
    """the windows are ordered column by column, not row by row"""
    return _flat(_windows(x, kernel_shape, stride, padding).transpose(0, 1, 3, 2))


def im2col__entries_column_major(x, kernel_shape, stride=1, padding=0):
    """the entries of each window are ordered column by column, not row by row"""
    return _flat(_windows(x, kernel_shape, stride, padding).transpose(1, 0, 2, 3))


def im2col__entries_reversed(x, kernel_shape, stride=1, padding=0):
    """the entries of each window are in reverse order, as for a flipped kernel"""
    return _flat(_windows(x, kernel_shape, stride, padding))[::-1].copy()


def im2col__integers_stay(x, kernel_shape, stride=1, padding=0):
    """an integer image gives integer columns, where float64 is promised"""
    return _flat(_windows(x, kernel_shape, stride, padding)).astype(x.dtype)


def im2col__stride_ignored(x, kernel_shape, stride=1, padding=0):
    """the stride is ignored, so that there are too many windows"""
    return _flat(_windows(x, kernel_shape, 1, padding))


def im2col__padding_ignored(x, kernel_shape, stride=1, padding=0):
    """the padding is ignored"""
    return _flat(_windows(x, kernel_shape, stride, 0))


def im2col__edge_padding(x, kernel_shape, stride=1, padding=0):
    """the border is repeated into the padding, where zeros are meant"""
    return _flat(_windows(x, kernel_shape, stride, padding, mode="edge"))


def im2col__empty_where_none_fits(x, kernel_shape, stride=1, padding=0):
    """a kernel that does not fit gives a matrix without columns instead of an error"""
    out = [max(0, _out(n, k, stride, padding)) for n, k in zip(x.shape, kernel_shape)]
    if min(out) > 0:
        return _flat(_windows(x, kernel_shape, stride, padding))
    return np.zeros((kernel_shape[0] * kernel_shape[1], 0))


# col2im


def _fold(blocks, shape, s, p):
    """The padded image from (kh, kw, out_h, out_w)."""
    big = np.zeros((shape[0] + 2 * p, shape[1] + 2 * p))
    for m, n in np.ndindex(*blocks.shape[:2]):
        big[_at(m, n, blocks.shape[2:], s)] += blocks[m, n]
    return big


def _blocks(cols, shape, kernel, s, p):
    return np.reshape(cols, (*kernel, *_shape(shape, kernel, s, p)))


def col2im__overwritten(cols, input_shape, kernel_shape, stride=1, padding=0):
    """windows that overlap overwrite each other instead of adding up: `=` for `+=`"""
    blocks = _blocks(cols, input_shape, kernel_shape, stride, padding)
    kh, kw, out_h, out_w = blocks.shape
    big = np.zeros([n + 2 * padding for n in input_shape])
    for i, j in np.ndindex(out_h, out_w):
        big[i * stride : i * stride + kh, j * stride : j * stride + kw] = blocks[:, :, i, j]
    return _crop(big, padding, input_shape)


def col2im__indexed_without_add_at(cols, input_shape, kernel_shape, stride=1, padding=0):
    """`out[rows, columns] += cols` is written with index arrays, which counts only one of the entries that fall on the same place, where np.add.at adds all"""
    kh, kw, out_h, out_w = _blocks(cols, input_shape, kernel_shape, stride, padding).shape
    m, n, i, j = np.indices((kh, kw, out_h, out_w)).reshape(4, kh * kw, out_h * out_w)
    big = np.zeros([n + 2 * padding for n in input_shape])
    big[i * stride + m, j * stride + n] += cols
    return _crop(big, padding, input_shape)


def col2im__averaged(cols, input_shape, kernel_shape, stride=1, padding=0):
    """overlaps are averaged: that inverts im2col, but its adjoint adds them up"""
    blocks = _blocks(cols, input_shape, kernel_shape, stride, padding)
    big = _fold(blocks, input_shape, stride, padding)
    count = _fold(np.ones(blocks.shape), input_shape, stride, padding)
    return _crop(big / np.maximum(count, 1), padding, input_shape)


def col2im__padding_left_on(cols, input_shape, kernel_shape, stride=1, padding=0):
    """the padding is left on"""
    blocks = _blocks(cols, input_shape, kernel_shape, stride, padding)
    return _fold(blocks, input_shape, stride, padding)


def col2im__cut_below_and_right(cols, input_shape, kernel_shape, stride=1, padding=0):
    """all of the padding is cut off below and to the right, none above and to the left"""
    blocks = _blocks(cols, input_shape, kernel_shape, stride, padding)
    return _fold(blocks, input_shape, stride, padding)[: input_shape[0], : input_shape[1]]


def col2im__reads_windows_from_rows(cols, input_shape, kernel_shape, stride=1, padding=0):
    """the matrix is read as if the windows came first and the kernel's entries last"""
    out = _shape(input_shape, kernel_shape, stride, padding)
    blocks = np.reshape(cols, (*out, *kernel_shape)).transpose(2, 3, 0, 1)
    return _crop(_fold(blocks, input_shape, stride, padding), padding, input_shape)


def col2im__entries_column_major(cols, input_shape, kernel_shape, stride=1, padding=0):
    """the entries of each window are read column by column, not row by row"""
    out = _shape(input_shape, kernel_shape, stride, padding)
    blocks = np.reshape(cols, (*kernel_shape[::-1], *out)).transpose(1, 0, 2, 3)
    return _crop(_fold(blocks, input_shape, stride, padding), padding, input_shape)


def col2im__windows_column_major(cols, input_shape, kernel_shape, stride=1, padding=0):
    """the windows are read column by column, not row by row"""
    out = _shape(input_shape, kernel_shape, stride, padding)
    blocks = np.reshape(cols, (*kernel_shape, *out[::-1])).transpose(0, 1, 3, 2)
    return _crop(_fold(blocks, input_shape, stride, padding), padding, input_shape)


def col2im__entries_reversed(cols, input_shape, kernel_shape, stride=1, padding=0):
    """the entries of each window are put back in reverse order, as for a flipped kernel"""
    blocks = _blocks(cols, input_shape, kernel_shape, stride, padding)[::-1, ::-1]
    return _crop(_fold(blocks, input_shape, stride, padding), padding, input_shape)


def col2im__stride_ignored(cols, input_shape, kernel_shape, stride=1, padding=0):
    """the stride is ignored: neighbouring windows are put back side by side"""
    blocks = _blocks(cols, input_shape, kernel_shape, stride, padding)
    return _crop(_fold(blocks, input_shape, 1, padding), padding, input_shape)


def col2im__remainder_lost(cols, input_shape, kernel_shape, stride=1, padding=0):
    """the shape is inferred from the windows, so that a remainder's rows and columns are missing"""
    blocks = _blocks(cols, input_shape, kernel_shape, stride, padding)
    touched = [
        max(0, stride * (o - 1) + k - 2 * padding) for o, k in zip(blocks.shape[2:], kernel_shape)
    ]
    big = _crop(_fold(blocks, input_shape, stride, padding), padding, input_shape)
    return big[: touched[0], : touched[1]]


# conv2d_layer


def conv2d_layer__flipped(x, w, b, stride=1, padding=0, dilation=1):
    """the kernels are flipped: a convolution in the mathematical sense, not the cross-correlation meant here"""
    return _layer(x, w[:, :, ::-1, ::-1], b, stride, padding, dilation)


def conv2d_layer__no_bias(x, w, b, stride=1, padding=0, dilation=1):
    """the bias is not added"""
    return _layer(x, w, 0 * b, stride, padding, dilation)


def conv2d_layer__bias_per_channel(x, w, b, stride=1, padding=0, dilation=1):
    """the bias is added once for each input channel"""
    return _layer(x, w, b * x.shape[1], stride, padding, dilation)


def conv2d_layer__dilation_ignored(x, w, b, stride=1, padding=0, dilation=1):
    """the dilation is ignored"""
    return _layer(x, w, b, stride, padding, 1)


def conv2d_layer__dilation_in_shape_only(x, w, b, stride=1, padding=0, dilation=1):
    """the dilation enters the output's shape, but the kernel still meets neighbouring inputs"""
    out = _shape(x.shape[2:], w.shape[2:], stride, padding, dilation)
    return _layer(x, w, b, stride, padding, 1)[:, :, : out[0], : out[1]]


def conv2d_layer__dilated_length_d_times_k(x, w, b, stride=1, padding=0, dilation=1):
    """the dilated kernel is taken to be d·k long, so that the last windows are missing"""
    out = _shape(x.shape[2:], w.shape[2:], stride, padding, dilation)
    last = [
        max(0, (n + 2 * padding - dilation * k) // stride + 1)
        for n, k in zip(x.shape[2:], w.shape[2:])
    ]
    y = _layer(x, w, b, stride, padding, dilation)
    return y[:, :, : min(last[0], out[0]), : min(last[1], out[1])]


def conv2d_layer__stride_ignored(x, w, b, stride=1, padding=0, dilation=1):
    """the stride is ignored, so that there are too many outputs"""
    return _layer(x, w, b, 1, padding, dilation)


def conv2d_layer__padding_ignored(x, w, b, stride=1, padding=0, dilation=1):
    """the padding is ignored"""
    return _layer(x, w, b, stride, 0, dilation)


def conv2d_layer__channel_axes_mixed(x, w, b, stride=1, padding=0, dilation=1):
    """the first two axes of w are read as channels and filters, in the wrong order"""
    f, c, kh, kw = w.shape
    return _layer(x, w.reshape(c, f, kh, kw).transpose(1, 0, 2, 3), b, stride, padding, dilation)


def conv2d_layer__first_channel_only(x, w, b, stride=1, padding=0, dilation=1):
    """only the first channel is convolved"""
    return _layer(x[:, :1], w[:, :1], b, stride, padding, dilation)


def conv2d_layer__channels_averaged(x, w, b, stride=1, padding=0, dilation=1):
    """the channels are averaged, not summed"""
    return _layer(x, w / w.shape[1], b, stride, padding, dilation)


def conv2d_layer__squeezed(x, w, b, stride=1, padding=0, dilation=1):
    """axes of length 1 are dropped from the result"""
    return np.squeeze(_layer(x, w, b, stride, padding, dilation))


def conv2d_layer__input_dtype(x, w, b, stride=1, padding=0, dilation=1):
    """the output is kept in an array of the input's dtype, which truncates where the input is integer"""
    return _layer(x, w, b, stride, padding, dilation).astype(x.dtype)


def conv2d_layer__kernel_dtype(x, w, b, stride=1, padding=0, dilation=1):
    """the output is kept in an array of the kernel's dtype, which truncates where the kernel is integer"""
    return _layer(x, w, b, stride, padding, dilation).astype(w.dtype)


def conv2d_layer__empty_where_none_fits(x, w, b, stride=1, padding=0, dilation=1):
    """a kernel that does not fit gives an empty output instead of an error"""
    out = [max(0, _out(n, k, stride, padding, dilation)) for n, k in zip(x.shape[2:], w.shape[2:])]
    if min(out) > 0:
        return _layer(x, w, b, stride, padding, dilation)
    return np.zeros((len(x), len(w), *out))


def conv2d_layer__stride_and_dilation_swapped(x, w, b, stride=1, padding=0, dilation=1):
    """stride and dilation have changed places inside the window, though not in the shape"""
    x, w = np.asarray(x, float), np.asarray(w, float)
    out = _shape(x.shape[2:], w.shape[2:], stride, padding, dilation)
    padded = _pad(x, padding)
    y = np.zeros((len(x), len(w), *out)) + np.reshape(b, (1, -1, 1, 1))
    for i, j in np.ndindex(*out):
        for m, n in np.ndindex(*w.shape[2:]):
            r = min(i * dilation + m * stride, padded.shape[2] - 1)
            c = min(j * dilation + n * stride, padded.shape[3] - 1)
            y[:, :, i, j] += padded[:, :, r, c] @ w[:, :, m, n].T
    return y


# conv2d_layer_grads


def conv2d_layer_grads__bias_over_batch_only(x, w, b, grad_output, stride=1, padding=0, dilation=1):
    """the bias gradient is summed over the images alone, and not over the positions"""
    dx, dw, _ = _layer_grads(x, w, grad_output, stride, padding, dilation)
    return dx, dw, grad_output.sum(axis=0)


def conv2d_layer_grads__bias_over_positions_only(
    x, w, b, grad_output, stride=1, padding=0, dilation=1
):
    """the bias gradient is summed over the positions alone, and not over the images"""
    dx, dw, _ = _layer_grads(x, w, grad_output, stride, padding, dilation)
    return dx, dw, grad_output.sum(axis=(2, 3))


def conv2d_layer_grads__bias_mean(x, w, b, grad_output, stride=1, padding=0, dilation=1):
    """the bias gradient is averaged over images and positions, not summed"""
    dx, dw, _ = _layer_grads(x, w, grad_output, stride, padding, dilation)
    return dx, dw, grad_output.mean(axis=(0, 2, 3))


def conv2d_layer_grads__batch_mean(x, w, b, grad_output, stride=1, padding=0, dilation=1):
    """the gradients of w and b are divided by the number of images"""
    dx, dw, db = _layer_grads(x, w, grad_output, stride, padding, dilation)
    return dx, dw / len(x), db / len(x)


def conv2d_layer_grads__all_batch_mean(x, w, b, grad_output, stride=1, padding=0, dilation=1):
    """the gradients are averaged over the images, not summed: all three are divided by their number"""
    return tuple(a / len(x) for a in _layer_grads(x, w, grad_output, stride, padding, dilation))


def conv2d_layer_grads__bias_mean_over_images(
    x, w, b, grad_output, stride=1, padding=0, dilation=1
):
    """the bias gradient is averaged over the images, not summed"""
    dx, dw, db = _layer_grads(x, w, grad_output, stride, padding, dilation)
    return dx, dw, db / len(x)


def conv2d_layer_grads__last_image_only(x, w, b, grad_output, stride=1, padding=0, dilation=1):
    """each image's gradient of w replaces the one before, so that only the last image counts"""
    dx, _, db = _layer_grads(x, w, grad_output, stride, padding, dilation)
    _, dw, _ = _layer_grads(x[-1:], w, grad_output[-1:], stride, padding, dilation)
    return dx, dw, db


def conv2d_layer_grads__kernel_flipped_back(x, w, b, grad_output, stride=1, padding=0, dilation=1):
    """the kernel is flipped in the backward pass only: dx is that of a convolution, the forward pass a cross-correlation"""
    back = w[:, :, ::-1, ::-1]
    return _layer_grads(x, w, grad_output, stride, padding, dilation, back)


def conv2d_layer_grads__weight_grad_flipped(x, w, b, grad_output, stride=1, padding=0, dilation=1):
    """the gradient of w comes out rotated by 180°, as for a flipped kernel"""
    dx, dw, db = _layer_grads(x, w, grad_output, stride, padding, dilation)
    return dx, dw[:, :, ::-1, ::-1].copy(), db


def conv2d_layer_grads__channel_axes_reshaped(
    x, w, b, grad_output, stride=1, padding=0, dilation=1
):
    """the first two axes of w are swapped by a reshape, which mixes filters and channels, not by a transpose"""
    f, c, kh, kw = w.shape
    back = w.reshape(c, f, kh, kw).transpose(1, 0, 2, 3)
    return _layer_grads(x, w, grad_output, stride, padding, dilation, back)


def conv2d_layer_grads__dilation_ignored(x, w, b, grad_output, stride=1, padding=0, dilation=1):
    """the dilation is ignored in the backward pass"""
    return _layer_grads(x, w, grad_output, stride, padding, 1)


def conv2d_layer_grads__dilation_ignored_in_dx(
    x, w, b, grad_output, stride=1, padding=0, dilation=1
):
    """the gradient of x is sent back through a kernel that is not dilated"""
    _, dw, db = _layer_grads(x, w, grad_output, stride, padding, dilation)
    return _layer_grads(x, w, grad_output, stride, padding, 1)[0], dw, db


def conv2d_layer_grads__stride_ignored(x, w, b, grad_output, stride=1, padding=0, dilation=1):
    """the stride is ignored in the backward pass"""
    return _layer_grads(x, w, grad_output, 1, padding, dilation)


def conv2d_layer_grads__padding_left_on(x, w, b, grad_output, stride=1, padding=0, dilation=1):
    """the padding is left on dx"""
    padded = _pad(x, padding)
    return _layer_grads(padded, w, grad_output, stride, 0, dilation)


def conv2d_layer_grads__cut_below_and_right(x, w, b, grad_output, stride=1, padding=0, dilation=1):
    """all of dx's padding is cut off below and to the right, none above and to the left"""
    big, dw, db = _layer_grads(_pad(x, padding), w, grad_output, stride, 0, dilation)
    return big[:, :, : x.shape[2], : x.shape[3]], dw, db


def conv2d_layer_grads__overwritten(x, w, b, grad_output, stride=1, padding=0, dilation=1):
    """in dx, windows that overlap overwrite each other instead of adding up: `=` for `+=`"""
    _, dw, db = _layer_grads(x, w, grad_output, stride, padding, dilation)
    kh, kw = w.shape[2:]
    big = np.zeros(_pad(x, padding).shape)
    for i, j in np.ndindex(*grad_output.shape[2:]):
        rows = slice(i * stride, i * stride + dilation * (kh - 1) + 1, dilation)
        columns = slice(j * stride, j * stride + dilation * (kw - 1) + 1, dilation)
        big[:, :, rows, columns] = np.einsum("nf,fcpq->ncpq", grad_output[:, :, i, j], w)
    return _crop(big, padding, x.shape[2:]), dw, db


def conv2d_layer_grads__integers_stay(x, w, b, grad_output, stride=1, padding=0, dilation=1):
    """the gradients are kept in `np.zeros_like` of x and w, which truncates where these are integer"""
    dx, dw, db = _layer_grads(x, w, grad_output, stride, padding, dilation)
    return dx.astype(x.dtype), dw.astype(w.dtype), db


def conv2d_layer_grads__order(x, w, b, grad_output, stride=1, padding=0, dilation=1):
    """the gradients are returned as (dw, db, dx)"""
    dx, dw, db = _layer_grads(x, w, grad_output, stride, padding, dilation)
    return dw, db, dx


# max_pool2d_grad


def _pool_back(x, g, size, stride, rule):
    """dx, where `rule` says from a window and its gradient what each of its entries gets."""
    dx = np.zeros(x.shape)
    for i, j in np.ndindex(*g.shape):
        at = (slice(i * stride, i * stride + size), slice(j * stride, j * stride + size))
        dx[at] += rule(x[at], g[i, j])
    return dx


def _give(window, index, g):
    out = np.zeros(window.shape)
    out[index] = g
    return out


def _first(window, g):
    return _give(window, np.unravel_index(np.argmax(window), window.shape), g)


def max_pool2d_grad__all_ties(x, grad_output, size, stride):
    """every entry that equals the maximum gets the whole gradient, so that a tie counts it more than once"""
    return _pool_back(x, grad_output, size, stride, lambda v, g: g * (v == v.max()))


def max_pool2d_grad__ties_split(x, grad_output, size, stride):
    """the gradient is split evenly among equal maxima, where the first should get all of it"""
    return _pool_back(
        x, grad_output, size, stride, lambda v, g: g * (v == v.max()) / (v == v.max()).sum()
    )


def max_pool2d_grad__last_tie(x, grad_output, size, stride):
    """the last of several equal maxima gets the gradient, not the first: `>=` for `>`"""

    def rule(v, g):
        return _first(v[::-1, ::-1], g)[::-1, ::-1]

    return _pool_back(x, grad_output, size, stride, rule)


def max_pool2d_grad__nearly_equal_ties(x, grad_output, size, stride):
    """entries within the tolerance of np.isclose are taken for ties, and the first of them for the maximum"""
    return _pool_back(x, grad_output, size, stride, lambda v, g: _first(np.isclose(v, v.max()), g))


def max_pool2d_grad__first_by_columns(x, grad_output, size, stride):
    """ties go to the first maximum column by column, not row by row"""
    return _pool_back(x, grad_output, size, stride, lambda v, g: _first(v.T, g).T)


def max_pool2d_grad__overwritten(x, grad_output, size, stride):
    """an entry keeps the gradient of the last of its overlapping windows only: `=` for `+=`"""
    dx = np.zeros(x.shape)
    for i, j in np.ndindex(*grad_output.shape):
        window = x[i * stride : i * stride + size, j * stride : j * stride + size]
        m, n = np.unravel_index(np.argmax(window), window.shape)
        dx[i * stride + m, j * stride + n] = grad_output[i, j]
    return dx


def max_pool2d_grad__window_overwritten(x, grad_output, size, stride):
    """each window is written whole, zeros included, so that it erases what the windows before left there"""
    dx = np.zeros(x.shape)
    for i, j in np.ndindex(*grad_output.shape):
        at = (slice(i * stride, i * stride + size), slice(j * stride, j * stride + size))
        dx[at] = _first(x[at], grad_output[i, j])
    return dx


def max_pool2d_grad__starts_from_zero(x, grad_output, size, stride):
    """the search for the maximum starts from 0, so that windows of negative entries have none"""
    return _pool_back(
        x, grad_output, size, stride, lambda v, g: _first(v, g) if v.max() > 0 else 0 * v
    )


def max_pool2d_grad__starts_from_minus_1e9(x, grad_output, size, stride):
    """the search for the maximum starts from −1e9, below which windows have none"""
    return _pool_back(
        x, grad_output, size, stride, lambda v, g: _first(v, g) if v.max() > -1e9 else 0 * v
    )


def max_pool2d_grad__largest_magnitude(x, grad_output, size, stride):
    """the entry of the largest magnitude gets the gradient, not the largest entry"""
    return _pool_back(x, grad_output, size, stride, lambda v, g: _first(np.abs(v), g))


def max_pool2d_grad__input_dtype(x, grad_output, size, stride):
    """the gradient is kept in `np.zeros_like(x)`, which truncates it where x is integer"""
    return _pool_back(x, grad_output, size, stride, _first).astype(x.dtype)


def max_pool2d_grad__average(x, grad_output, size, stride):
    """the gradient is spread over the window, as for average pooling"""
    return _pool_back(x, grad_output, size, stride, lambda v, g: np.full(v.shape, g / size**2))


def max_pool2d_grad__stride_is_size(x, grad_output, size, stride):
    """the windows are laid side by side, whatever the stride"""
    dx = np.zeros(x.shape)
    for i, j in np.ndindex(*grad_output.shape):
        at = (slice(i * size, i * size + size), slice(j * size, j * size + size))
        if x[at].size:
            dx[at] += _first(x[at], grad_output[i, j])
    return dx


def max_pool2d_grad__size_is_stride(x, grad_output, size, stride):
    """the windows are as large as the stride, whatever their size"""
    return _pool_back(x, grad_output, stride, stride, _first)


def max_pool2d_grad__remainder_cut(x, grad_output, size, stride):
    """the remainder is cut off the gradient, too, which then has not x's shape"""
    dx = _pool_back(x, grad_output, size, stride, _first)
    return dx[tuple(slice((o - 1) * stride + size) for o in grad_output.shape)]


def max_pool2d_grad__times_input(x, grad_output, size, stride):
    """the gradient is multiplied by the maximum itself"""
    return _pool_back(x, grad_output, size, stride, lambda v, g: _first(v, g * v.max()))
