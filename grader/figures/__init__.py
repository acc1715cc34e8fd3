"""Pictures drawn from a topic's functions, a learner's or the solutions'.

A figure is an `Entry` here and a function `draw_<name>` in the module of its topic, which is imported
when it is drawn: listing the figures loads neither NumPy nor Matplotlib. What the functions return is
checked for its form before it is drawn, and for nothing else: a picture of wrong values is what a
figure is for.
"""

from __future__ import annotations

import importlib
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from matplotlib.figure import Figure


@dataclass(frozen=True, slots=True)
class Entry:
    """One figure.

    Attributes
    ----------
    name : as it is asked for.
    title : what one sees, as one clause.
    topic : slug of the topic whose functions it draws; its module in this room has the same name.
    needs : the exercises it calls.
    """

    name: str
    title: str
    topic: str
    needs: tuple[str, ...]

    @property
    def module(self) -> str:
        """The module that draws it."""
        return f"{__name__}.{self.topic}"

    @property
    def function(self) -> str:
        """The function of that module."""
        return "draw_" + self.name.replace("-", "_")


FIGURES: dict[str, Entry] = {
    entry.name: entry
    for entry in (
        Entry(
            "mf-convergence",
            "training error by epoch at three learning rates; what the penalty does to new ratings",
            "matrix_factorization",
            ("mf_fit", "predict_ratings"),
        ),
        Entry(
            "softmax",
            "probabilities at several temperatures, and the Jacobian",
            "softmax",
            ("softmax", "softmax_jacobian"),
        ),
        Entry(
            "attention",
            "attention weights of a sentence, without a mask and with the causal one",
            "attention",
            ("attention", "causal_mask"),
        ),
        Entry(
            "convolution",
            "input, kernel and output of a convolution, each above its gradient",
            "convolution",
            ("conv2d", "conv2d_input_grad", "conv2d_weight_grad"),
        ),
        Entry(
            "returns",
            "REINFORCE learning to balance a pole, with a band over seeds",
            "policy_gradient",
            (
                "policy_probs",
                "discounted_returns",
                "standardize",
                "reinforce_grads",
                "reinforce_step",
            ),
        ),
        Entry(
            "ekf-track",
            "a track, its measurements, and the filter's estimate with covariance ellipses",
            "kalman_filter",
            ("ekf_predict", "ekf_update"),
        ),
        Entry(
            "bilinear-game",
            "simultaneous and alternating steps on min max xy, over the gradient field",
            "gan",
            ("bilinear_game_step",),
        ),
        Entry(
            "diffusion",
            "from noise to a mixture, by Langevin steps and by DDPM, over the score field",
            "diffusion",
            ("mixture_score", "langevin_step", "alpha_bar", "ddpm_step"),
        ),
        Entry(
            "activations",
            "five activations with their derivatives, beside difference quotients",
            "numerical_stability",
            (
                "sigmoid",
                "sigmoid_grad",
                "tanh_grad",
                "relu_grad",
                "softplus",
                "gelu",
                "gelu_grad",
            ),
        ),
    )
}
"""In the order of the course."""


def draw(name: str, functions: object, seed: int) -> Figure:
    """Draw a figure.

    Parameters
    ----------
    name : a key of `FIGURES`.
    functions : has the topic's functions as its attributes: the proxy of a submission, or a module.
    seed : all random values derive from it; the same seed and functions give the same picture.

    Raises
    ------
    FigureError : a function is missing, raises, is late, or returns what cannot be drawn.
    """
    from grader.figures.answers import Answers
    from grader.figures.style import styled

    entry = FIGURES[name]
    painter = getattr(importlib.import_module(entry.module), entry.function)
    with styled():
        figure: Figure = painter(Answers(functions, name), seed)
        # Laid out here, and then left: each further time would move things by fractions of a pixel.
        figure.draw_without_rendering()
        figure.set_layout_engine("none")
    return figure


def render(figure: Figure, format_: str) -> bytes:
    """The file of a figure: the same bytes for the same figure.

    Parameters
    ----------
    format_ : one of ``grader.figures.FORMATS``.
    """
    from grader.figures.style import rendered

    return rendered(figure, format_)


FORMATS = ("png", "svg", "pdf")
