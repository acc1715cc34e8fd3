"""Figures of the softmax."""

from __future__ import annotations

import numpy as np
from matplotlib.figure import Figure

from grader.figures.answers import Answers
from grader.figures.style import heatmap, new_figure

TEMPERATURES = (0.1, 0.5, 1.0, 2.0, 10.0)
CLASSES = ("a", "b", "c", "d", "e")


def draw_softmax(ask: Answers, seed: int) -> Figure:
    """Probabilities of five logits at five temperatures, and the Jacobian at temperature 1.

    The Jacobian is symmetric, and its rows and columns sum to zero.
    """
    rng = np.random.default_rng(seed)
    n = len(CLASSES)
    # Spread over some units in a random order: no two classes alike.
    logits = rng.permutation(np.linspace(-1.5, 2.0, n)) + 0.2 * rng.normal(size=n)
    scaled = logits / np.array(TEMPERATURES)[:, None]
    probs = ask.array("softmax", scaled, shape=scaled.shape, name="probabilities")
    jacobian = ask.array("softmax_jacobian", logits, shape=(n, n), name="Jacobian")

    figure = new_figure("Softmax: heat levels the probabilities; the Jacobian is diag(s) − s sᵀ")
    left, right = figure.subplots(1, 2)
    labels = [f"{name}\n{z:.2f}".replace("-", "−") for name, z in zip(CLASSES, logits, strict=True)]
    image = heatmap(left, probs, limits=(0.0, 1.0))
    left.set_title("softmax(z / temperature)")
    left.set_xticks(range(n), labels)
    left.set_yticks(range(len(TEMPERATURES)), [f"{t:g}" for t in TEMPERATURES])
    left.set_xlabel("class, and its logit z")
    left.set_ylabel("temperature")
    figure.colorbar(image, ax=left, orientation="horizontal", aspect=30, label="probability")
    image = heatmap(right, jacobian)
    right.set_title("Jacobian at temperature 1")
    right.set_xticks(range(n), labels)
    right.set_yticks(range(n), CLASSES)
    right.set_xlabel("input j: class, and its logit z")
    right.set_ylabel("output i: class")
    figure.colorbar(
        image,
        ax=right,
        orientation="horizontal",
        aspect=30,
        label=r"$\partial s_i\, /\, \partial z_j$",
    )
    return figure
