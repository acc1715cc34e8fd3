"""Right, but written in another way than the solution: every one must pass."""

import itertools
import math

import numpy as np
from numpy.lib.stride_tricks import as_strided, sliding_window_view


def _axis_matrix(n, k, s, p, d=1):
    """(out, k, n): 1 where output i and kernel entry m meet input r, padding left out."""
    out = (n + 2 * p - d * (k - 1) - 1) // s + 1
    if n + 2 * p - d * (k - 1) < 1:
        raise ValueError(f"{k} entries, {d} apart, do not fit into {n} + 2·{p}")
    i, m, r = np.ogrid[:out, :k, :n]
    return (i * s + m * d - p == r).astype(float)


# conv2d_output_shape


def conv2d_output_shape__counted(input_shape, kernel_shape, stride=1, padding=0, dilation=1):
    """Moves a window step by step and counts, returning a list."""
    counts = []
    for n, k in zip(input_shape, kernel_shape, strict=True):
        count, start = 0, -padding
        while start + dilation * (k - 1) <= n + padding - 1:
            count += 1
            start += stride
        if not count:
            raise ValueError(f"kernel length {k} is too long for {n}")
        counts.append(count)
    return counts


def conv2d_output_shape__vectorised(input_shape, kernel_shape, stride=1, padding=0, dilation=1):
    """Both axes at once; NumPy integers in a tuple, the ceiling of what may be reached."""
    n, k = np.array(input_shape), np.array(kernel_shape)
    starts = n + 2 * padding - dilation * (k - 1)  # places where a window may start
    if np.any(starts <= 0):
        raise ValueError(f"{kernel_shape} does not fit into {input_shape}")
    return tuple(-(-starts // stride))


def conv2d_output_shape__float_floor(input_shape, kernel_shape, stride=1, padding=0, dilation=1):
    """`math.floor` of a float quotient; an integer array returned; the check at the end."""
    out = [
        math.floor((n + 2 * padding - dilation * (k - 1) - 1) / stride + 1)
        for n, k in zip(input_shape, kernel_shape, strict=True)
    ]
    if any(o <= 0 for o in out):
        raise ValueError("output would be empty")
    return np.array(out)


# conv2d


def conv2d__window_by_window(x, w, stride=1, padding=0):
    """A sum over each window, in Python, nested lists returned."""
    (height, width), (kh, kw) = x.shape, w.shape
    if kh > height + 2 * padding or kw > width + 2 * padding:
        raise ValueError("kernel larger than padded input")
    y = []
    for top in range(-padding, height + padding - kh + 1, stride):
        row = []
        for left in range(-padding, width + padding - kw + 1, stride):
            total = 0.0
            for m, n in itertools.product(range(kh), range(kw)):
                if 0 <= top + m < height and 0 <= left + n < width:
                    total += float(x[top + m, left + n]) * float(w[m, n])
            row.append(total)
        y.append(row)
    return y


def conv2d__sliding_windows(x, w, stride=1, padding=0):
    """`sliding_window_view`, thinned out by the stride, and an einsum. It raises by itself."""
    padded = np.pad(x.astype(float), padding)
    windows = sliding_window_view(padded, w.shape)[::stride, ::stride]
    return np.einsum("ijmn,mn->ij", windows, w)


def conv2d__fourier(x, w, stride=1, padding=0):
    """A product of Fourier transforms, for stride 1 first, then thinned out."""
    padded = np.pad(x, padding)
    room = [n - k + 1 for n, k in zip(padded.shape, w.shape, strict=True)]
    if min(room) < 1:
        raise ValueError("no window fits")
    product = np.fft.rfft2(padded) * np.conj(np.fft.rfft2(w, padded.shape))
    y = np.fft.irfft2(product, padded.shape)
    return y[: room[0] : stride, : room[1] : stride]


def conv2d__axis_matrices(x, w, stride=1, padding=0):
    """Two sets of 0/1 matrices, one for each axis, in one einsum."""
    rows = _axis_matrix(x.shape[0], w.shape[0], stride, padding)
    columns = _axis_matrix(x.shape[1], w.shape[1], stride, padding)
    return np.einsum("imr,jnc,rc,mn->ij", rows, columns, x, w, optimize=True)


# conv2d_weight_grad


def conv2d_weight_grad__over_outputs(x, w, grad_output, stride=1, padding=0):
    """Adds up windows weighted by their upstream gradients, output by output."""
    kh, kw = w.shape
    padded = np.zeros((x.shape[0] + 2 * padding, x.shape[1] + 2 * padding))
    padded[padding : padding + x.shape[0], padding : padding + x.shape[1]] = x
    dw = np.zeros((kh, kw))
    for (i, j), g in np.ndenumerate(grad_output):
        dw += g * padded[i * stride : i * stride + kh, j * stride : j * stride + kw]
    return dw


def conv2d_weight_grad__strided_view(x, w, grad_output, stride=1, padding=0):
    """A view (kh, kw, out_h, out_w) by `as_strided`, contracted by tensordot."""
    padded = np.pad(x, padding).astype(np.float64)
    a, b = padded.strides
    shape = (*w.shape, *grad_output.shape)
    seen = as_strided(padded, shape, (a, b, a * stride, b * stride))
    return np.tensordot(seen, grad_output, axes=([2, 3], [0, 1]))


def conv2d_weight_grad__stuffed_with_zeros(x, w, grad_output, stride=1, padding=0):
    """Spreads the upstream gradient by the stride and correlates it with x; lists returned."""
    spread = np.zeros([(n - 1) * stride + 1 for n in grad_output.shape])
    spread[::stride, ::stride] = grad_output
    windows = sliding_window_view(np.pad(x, padding), spread.shape)
    dw = (windows * spread).sum(axis=(2, 3))
    return dw[: w.shape[0], : w.shape[1]].tolist()


# conv2d_input_grad


def conv2d_input_grad__gathered(x, w, grad_output, stride=1, padding=0):
    """For each input the outputs that saw it, in Python, nested lists returned."""
    out_h, out_w = grad_output.shape
    dx = [[0.0] * x.shape[1] for _ in range(x.shape[0])]
    for r in range(x.shape[0]):
        for c in range(x.shape[1]):
            for m, n in np.ndindex(*w.shape):
                i, rest_i = divmod(r + padding - m, stride)
                j, rest_j = divmod(c + padding - n, stride)
                if not rest_i and not rest_j and 0 <= i < out_h and 0 <= j < out_w:
                    dx[r][c] += float(w[m, n]) * float(grad_output[i, j])
    return dx


def conv2d_input_grad__rotated_kernel(x, w, grad_output, stride=1, padding=0):
    """The textbook's: spread by the stride, pad fully, correlate with the kernel rotated once."""
    kh, kw = w.shape
    full = [n + 2 * padding + k - 1 for n, k in zip(x.shape, w.shape, strict=True)]
    spread = np.zeros(full)
    rows = kh - 1 + stride * np.arange(grad_output.shape[0])
    columns = kw - 1 + stride * np.arange(grad_output.shape[1])
    spread[np.ix_(rows, columns)] = grad_output
    windows = sliding_window_view(spread, w.shape)
    dx = np.einsum("rcmn,mn->rc", windows, np.rot90(w, 2))
    return dx[padding : padding + x.shape[0], padding : padding + x.shape[1]]


def conv2d_input_grad__axis_matrices(x, w, grad_output, stride=1, padding=0):
    """The transposed product with a set of 0/1 matrices for each axis."""
    rows = _axis_matrix(x.shape[0], w.shape[0], stride, padding)
    columns = _axis_matrix(x.shape[1], w.shape[1], stride, padding)
    return np.einsum("imr,jnc,ij,mn->rc", rows, columns, grad_output, w, optimize=True)


def conv2d_input_grad__outer_products(x, w, grad_output, stride=1, padding=0):
    """Adds each output's kernel onto its own window."""
    kh, kw = w.shape
    big = np.zeros([n + 2 * padding for n in x.shape])
    for i, row in enumerate(grad_output):
        for j, g in enumerate(row):
            big[i * stride : i * stride + kh, j * stride : j * stride + kw] += g * w
    if padding:
        big = big[padding:-padding, padding:-padding]
    return big


# im2col


def im2col__window_by_window(x, kernel_shape, stride=1, padding=0):
    """A list of raveled windows, stacked as columns."""
    kh, kw = kernel_shape
    padded = np.pad(x, padding).astype(float)
    tops = range(0, padded.shape[0] - kh + 1, stride)
    lefts = range(0, padded.shape[1] - kw + 1, stride)
    if not tops or not lefts:
        raise ValueError("no window")
    columns = [padded[t : t + kh, v : v + kw].ravel() for t in tops for v in lefts]
    return np.column_stack(columns)


def im2col__sliding_windows(x, kernel_shape, stride=1, padding=0):
    """`sliding_window_view`, transposed and reshaped."""
    padded = np.pad(np.asarray(x, dtype=float), padding)
    windows = sliding_window_view(padded, kernel_shape)[::stride, ::stride]
    return windows.transpose(2, 3, 0, 1).reshape(kernel_shape[0] * kernel_shape[1], -1)


def im2col__index_arrays(x, kernel_shape, stride=1, padding=0):
    """Row and column indices of every entry, and one fancy lookup; lists returned."""
    kh, kw = kernel_shape
    out_h = (x.shape[0] + 2 * padding - kh) // stride + 1
    out_w = (x.shape[1] + 2 * padding - kw) // stride + 1
    if out_h < 1 or out_w < 1:
        raise ValueError("kernel too large")
    rows = np.repeat(np.arange(kh), kw)[:, None] + stride * np.repeat(np.arange(out_h), out_w)
    columns = np.tile(np.arange(kw), kh)[:, None] + stride * np.tile(np.arange(out_w), out_h)
    return np.pad(x.astype(float), padding)[rows, columns].tolist()


# col2im


def col2im__entry_by_entry(cols, input_shape, kernel_shape, stride=1, padding=0):
    """Four loops; entries on the padding are skipped; nested lists returned."""
    (height, width), (_, kw) = input_shape, kernel_shape
    out_w = (width + 2 * padding - kw) // stride + 1
    image = [[0.0] * width for _ in range(height)]
    for k, at in np.ndindex(*cols.shape):
        r = at // out_w * stride + k // kw - padding
        c = at % out_w * stride + k % kw - padding
        if 0 <= r < height and 0 <= c < width:
            image[r][c] += cols[k, at]
    return image


def col2im__add_at(cols, input_shape, kernel_shape, stride=1, padding=0):
    """`np.add.at` on the padded image with index arrays."""
    (height, width), (kh, kw) = input_shape, kernel_shape
    out_h = (height + 2 * padding - kh) // stride + 1
    out_w = (width + 2 * padding - kw) // stride + 1
    m, n, i, j = np.indices((kh, kw, out_h, out_w)).reshape(4, kh * kw, out_h * out_w)
    big = np.zeros((height + 2 * padding, width + 2 * padding))
    np.add.at(big, (i * stride + m, j * stride + n), cols)
    return big[padding : height + padding, padding : width + padding]


def col2im__axis_matrices(cols, input_shape, kernel_shape, stride=1, padding=0):
    """The transposed products with 0/1 matrices, one axis after the other."""
    rows = _axis_matrix(input_shape[0], kernel_shape[0], stride, padding)
    columns = _axis_matrix(input_shape[1], kernel_shape[1], stride, padding)
    blocks = cols.reshape(*kernel_shape, len(rows), len(columns))
    return np.einsum("mrjn,jnc->rc", np.einsum("imr,mnij->mrjn", rows, blocks), columns)


# conv2d_layer


def conv2d_layer__matrix_product(x, w, b, stride=1, padding=0, dilation=1):
    """Windows gathered by index arrays, and one matrix product over channels and entries."""
    n, c, height, width = x.shape
    f, _, kh, kw = w.shape
    room = [s + 2 * padding - dilation * (k - 1) for s, k in ((height, kh), (width, kw))]
    if min(room) < 1:
        raise ValueError("kernel does not fit")
    rows = np.arange(0, room[0], stride)[:, None] + dilation * np.arange(kh)
    columns = np.arange(0, room[1], stride)[:, None] + dilation * np.arange(kw)
    padded = np.zeros((n, c, height + 2 * padding, width + 2 * padding))
    padded[:, :, padding : padding + height, padding : padding + width] = x
    seen = padded[:, :, rows[:, None, :, None], columns[None, :, None, :]]
    out_h, out_w = seen.shape[2:4]
    flat = seen.transpose(0, 2, 3, 1, 4, 5).reshape(n * out_h * out_w, c * kh * kw)
    y = flat @ w.reshape(f, -1).T + b
    return y.reshape(n, out_h, out_w, f).transpose(0, 3, 1, 2)


def conv2d_layer__dilated_kernel(x, w, b, stride=1, padding=0, dilation=1):
    """The kernel is stuffed with zeros, then slides without dilation."""
    f, c, kh, kw = w.shape
    big = np.zeros((f, c, dilation * (kh - 1) + 1, dilation * (kw - 1) + 1))
    big[:, :, ::dilation, ::dilation] = w
    padded = np.pad(x, ((0, 0), (0, 0), (padding, padding), (padding, padding)))
    windows = sliding_window_view(padded, big.shape[2:], axis=(2, 3))[:, :, ::stride, ::stride]
    y = np.tensordot(windows, big, axes=([1, 4, 5], [1, 2, 3]))
    return np.moveaxis(y, -1, 1) + b[None, :, None, None]


def conv2d_layer__loops(x, w, b, stride=1, padding=0, dilation=1):
    """Loops over images, filters and positions, filling lists."""
    tall, wide = ((k - 1) * dilation + 1 for k in w.shape[2:])
    padded = [[np.pad(channel, padding) for channel in image] for image in x]
    high, broad = np.shape(padded[0][0])
    if tall > high or wide > broad:
        raise ValueError("kernel larger than image")
    y = []
    for image in padded:
        maps = []
        for kernel, bias in zip(w, b, strict=True):
            maps.append(
                [
                    [
                        float(bias)
                        + sum(
                            float(
                                np.sum(part[t : t + tall : dilation, v : v + wide : dilation] * k)
                            )
                            for part, k in zip(image, kernel, strict=True)
                        )
                        for v in range(0, broad - wide + 1, stride)
                    ]
                    for t in range(0, high - tall + 1, stride)
                ]
            )
        y.append(maps)
    return y


# conv2d_layer_grads


def conv2d_layer_grads__axis_matrices(x, w, b, grad_output, stride=1, padding=0, dilation=1):
    """Einsums with a set of 0/1 matrices for each axis."""
    rows = _axis_matrix(x.shape[2], w.shape[2], stride, padding, dilation)
    columns = _axis_matrix(x.shape[3], w.shape[3], stride, padding, dilation)
    dx = np.einsum("nfij,fcpq,ipr,jqs->ncrs", grad_output, w, rows, columns, optimize=True)
    dw = np.einsum("nfij,ncrs,ipr,jqs->fcpq", grad_output, x, rows, columns, optimize=True)
    return dx, dw, np.einsum("nfij->f", grad_output)


def conv2d_layer_grads__position_by_position(x, w, b, grad_output, stride=1, padding=0, dilation=1):
    """Each output position adds onto a dilated slice; a list of lists of results is returned."""
    kh, kw = w.shape[2:]
    padded = np.pad(x, ((0, 0), (0, 0), (padding, padding), (padding, padding)))
    big, dw = np.zeros(padded.shape), np.zeros(w.shape)
    for i, j in np.ndindex(*grad_output.shape[2:]):
        rows = slice(i * stride, i * stride + dilation * (kh - 1) + 1, dilation)
        columns = slice(j * stride, j * stride + dilation * (kw - 1) + 1, dilation)
        g = grad_output[:, :, i, j]
        big[:, :, rows, columns] += np.tensordot(g, w, axes=(1, 0))
        dw += np.tensordot(g, padded[:, :, rows, columns], axes=(0, 0))
    dx = big[:, :, padding : big.shape[2] - padding, padding : big.shape[3] - padding]
    db = [float(grad_output[:, k].sum()) for k in range(len(w))]
    return [dx.tolist(), dw, db]


def conv2d_layer_grads__image_by_image(x, w, b, grad_output, stride=1, padding=0, dilation=1):
    """Images, filters and channels apart; db by a matrix product with ones."""
    tall, wide = ((k - 1) * dilation + 1 for k in w.shape[2:])
    dx, dw = np.zeros(x.shape), np.zeros(w.shape)
    out_h, out_w = grad_output.shape[2:]
    for n, f, c in np.ndindex(len(x), len(w), x.shape[1]):
        g = grad_output[n, f]
        padded = np.pad(np.array(x[n, c], dtype=float), padding)
        windows = sliding_window_view(padded, (tall, wide))[::stride, ::stride]
        dw[f, c] += np.tensordot(g, windows[:, :, ::dilation, ::dilation], axes=2)
        back = np.zeros(padded.shape)
        stuffed = np.zeros((tall, wide))
        stuffed[::dilation, ::dilation] = w[f, c]
        for i, j in itertools.product(range(out_h), range(out_w)):
            top, left = i * stride, j * stride
            back[top : top + tall, left : left + wide] += g[i, j] * stuffed
        dx[n, c] += back[padding : len(back) - padding, padding : back.shape[1] - padding]
    flat = grad_output.transpose(1, 0, 2, 3).reshape(len(w), -1)
    return dx, dw, flat @ np.ones(flat.shape[1])


# max_pool2d_grad


def max_pool2d_grad__scan(x, grad_output, size, stride):
    """A scan for the first largest entry of each window, in Python, nested lists returned."""
    dx = [[0.0] * x.shape[1] for _ in range(x.shape[0])]
    for (i, j), g in np.ndenumerate(grad_output):
        best, where = -math.inf, None
        for r in range(i * stride, i * stride + size):
            for c in range(j * stride, j * stride + size):
                if x[r, c] > best:
                    best, where = x[r, c], (r, c)
        dx[where[0]][where[1]] += float(g)
    return dx


def max_pool2d_grad__all_windows_at_once(x, grad_output, size, stride):
    """`sliding_window_view`, one argmax, and `np.add.at`."""
    windows = sliding_window_view(x, (size, size))[::stride, ::stride]
    best = windows.reshape(*windows.shape[:2], -1).argmax(axis=-1)
    i, j = np.indices(best.shape)
    dx = np.zeros(x.shape)
    np.add.at(dx, (i * stride + best // size, j * stride + best % size), grad_output)
    return dx


def max_pool2d_grad__masks(x, grad_output, size, stride):
    """For each place in the window, the outputs of which it is the first maximum."""
    out_h, out_w = grad_output.shape
    ends = stride * (out_h - 1) + 1, stride * (out_w - 1) + 1
    parts = {
        (m, n): x[m : m + ends[0] : stride, n : n + ends[1] : stride]
        for m, n in np.ndindex(size, size)
    }
    y = np.maximum.reduce(list(parts.values()))
    free = np.ones(y.shape, dtype=bool)
    dx = np.zeros(x.shape)
    for (m, n), part in parts.items():
        chosen = free & (part == y)
        dx[m : m + ends[0] : stride, n : n + ends[1] : stride] += np.where(chosen, grad_output, 0)
        free &= ~chosen
    return dx
