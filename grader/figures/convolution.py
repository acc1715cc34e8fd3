"""Figures of the convolution."""

from __future__ import annotations

import numpy as np
from matplotlib.figure import Figure

from grader.figures.answers import Answers
from grader.figures.style import heatmap, new_figure

SIZE, KERNEL, STRIDE, PADDING = 6, 3, 2, 1
OUT = (SIZE + 2 * PADDING - KERNEL) // STRIDE + 1


def draw_convolution(ask: Answers, seed: int) -> Figure:
    """Input, kernel and output, and below each the gradient with respect to it.

    Small whole numbers, so that every cell can be checked by hand; a stride of 2 and a padding of 1, as
    both change the gradients.
    """
    rng = np.random.default_rng(seed)
    x = rng.integers(0, 4, size=(SIZE, SIZE)).astype(np.float64)
    w = rng.permutation(np.array([-2, -1, -1, 0, 0, 1, 1, 2, 3])).reshape(KERNEL, KERNEL) * 1.0
    grad_output = rng.integers(-2, 3, size=(OUT, OUT)).astype(np.float64)
    y = ask.array("conv2d", x, w, STRIDE, PADDING, shape=(OUT, OUT), name="output")
    grad_w = ask.array(
        "conv2d_weight_grad", x, w, grad_output, STRIDE, PADDING, shape=w.shape, name="gradient"
    )
    grad_x = ask.array(
        "conv2d_input_grad", x, w, grad_output, STRIDE, PADDING, shape=x.shape, name="gradient"
    )

    figure = new_figure(
        f"Convolution, stride {STRIDE}, padding {PADDING}: each array above its gradient", height=6
    )
    panels = figure.subplots(2, 3)
    for ax, values, title in (
        (panels[0, 0], x, "input x"),
        (panels[0, 1], w, "kernel w"),
        (panels[0, 2], y, "output y = conv2d(x, w)"),
        (panels[1, 0], grad_x, "∂L/∂x"),
        (panels[1, 1], grad_w, "∂L/∂w"),
        (panels[1, 2], grad_output, "∂L/∂y, given"),
    ):
        heatmap(ax, values, digits=1, size=9)
        ax.set_title(title)
        ax.set_box_aspect(1)
        ax.set_xticks(range(values.shape[1]))
        ax.set_yticks(range(values.shape[0]))
        ax.set_xlabel("column")
        ax.set_ylabel("row")
    figure.supxlabel(
        "violet positive, orange negative, white zero; each panel has its own scale", size=9
    )
    return figure
