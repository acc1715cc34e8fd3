"""Figures of attention."""

from __future__ import annotations

import numpy as np
from matplotlib.figure import Figure

from grader.figures.answers import Answers
from grader.figures.style import VERMILION, heatmap, new_figure, number

TOKENS = ("the", "cat", "saw", "its", "tail", "and", "ran")
D_K = 8
SHARPNESS = 1.5
"""Standard deviation of the scores: weights that differ, and none that takes all."""


def draw_attention(ask: Answers, seed: int) -> Figure:
    """Weights of a seven-word sentence, without a mask and with the causal one.

    To the right of each row stands its sum: 1, unless the mask is applied after the softmax. A
    line borders what a causal mask forbids, whatever the learner's mask says.
    """
    rng = np.random.default_rng(seed)
    n = len(TOKENS)
    Q, K = rng.normal(size=(2, n, D_K)) * np.sqrt(SHARPNESS)
    V = rng.normal(size=(n, D_K))
    causal = ask.mask("causal_mask", n, shape=(n, n))
    shapes = {"output": (n, D_K), "weights": (n, n)}
    _, free = ask.members("attention", Q, K, V, shapes=shapes)
    _, masked = ask.members("attention", Q, K, V, causal, shapes=shapes)

    figure = new_figure("Attention weights: how much each query takes from each key")
    panels = figure.subplots(1, 2, sharey=True)
    for ax, weights, title in zip(panels, (free, masked), ("no mask", "causal mask"), strict=True):
        image = heatmap(ax, weights, limits=(0.0, 1.0), size=8.5)
        ax.set_title(title)
        ax.set_xlabel("key (token attended to)")
        ax.set_xticks(range(n), TOKENS)
        ax.set_yticks(range(n), TOKENS)
        for i, row in enumerate(weights):
            with np.errstate(all="ignore"):
                total = number(float(np.sum(row)), 2)
            ax.text(n - 0.35, i, f"Σ {total}", va="center", fontsize=8)
    panels[0].set_ylabel("query (token that attends)")
    corners = np.repeat(np.arange(n), 2)
    panels[1].plot(
        corners[:-1] + 0.5,
        corners[1:] - 0.5,
        color=VERMILION,
        linewidth=2.5,
        solid_joinstyle="miter",
    )
    figure.colorbar(
        image, ax=panels, orientation="horizontal", shrink=0.5, aspect=40, pad=0.02,
        label="weight (probability); right of the line: forbidden by a causal mask",
    )  # fmt: skip
    return figure
