"""Figures of activations."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from matplotlib.figure import Figure

from grader.figures.answers import Answers, Array
from grader.figures.style import BLUE, GREY, ORANGE, drawable, new_figure

REACH, N_POINTS = 5.0, 201
EVERY = 10
"""One difference quotient in so many points of the curves."""


def draw_activations(ask: Answers, seed: int) -> Figure:
    """Five activations and their derivatives; circles are slopes of the drawn activation itself.

    tanh and relu have no exercise and are NumPy's; softplus' derivative is the sigmoid. Nothing is
    random, so the seed changes nothing.
    """
    z = np.linspace(-REACH, REACH, N_POINTS)

    def own(name: str) -> Callable[[Array], Array]:
        return lambda z: ask.array(name, z, shape=z.shape)

    rows: tuple[tuple[str, Callable[[Array], Array], str], ...] = (
        ("sigmoid", own("sigmoid"), "sigmoid_grad"),
        ("tanh", np.tanh, "tanh_grad"),
        ("relu", lambda z: np.maximum(z, 0.0), "relu_grad"),
        ("softplus", own("softplus"), "sigmoid"),
        ("gelu", own("gelu"), "gelu_grad"),
    )
    figure = new_figure("Activations: a derivative is right where the circles lie on its line")
    panels = figure.subplots(2, 3, sharex=True).ravel()
    for ax, (name, function, derivative) in zip(panels, rows, strict=False):
        value, slope = drawable(function(z)), drawable(own(derivative)(z))
        (solid,) = ax.plot(z, value, color=BLUE, label="activation f")
        (dashed,) = ax.plot(z, slope, "--", color=ORANGE, label="its derivative f′")
        middle, quotient = (z[1:] + z[:-1]) / 2, np.diff(value) / np.diff(z)
        (circles,) = ax.plot(
            middle[EVERY // 2 :: EVERY], quotient[EVERY // 2 :: EVERY], "o", color=GREY,
            markerfacecolor="none", markersize=5, label="slope of f, measured",
        )  # fmt: skip
        ax.set_title(name)
        ax.set_xlabel("z")
        ax.set_ylabel("f(z), f′(z)")
        ax.set_xticks(np.arange(-4, 5, 2))
        ax.locator_params(
            axis="y", nbins=6
        )  # as many at any height, or the layout would not settle
        ax.grid()
        ax.tick_params(labelbottom=True)
    panels[-1].set_axis_off()
    legend = panels[-1].legend(handles=[solid, dashed, circles], loc="center")
    legend.set_in_layout(False)  # it has the last panel to itself
    return figure
