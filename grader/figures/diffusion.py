"""Figures of diffusion models."""

from __future__ import annotations

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from grader.figures.answers import Answers, Array
from grader.figures.style import (
    GREEN,
    GREY,
    INK,
    ORANGE,
    PURPLE,
    SKY,
    VERMILION,
    drawable,
    legend_below,
    new_figure,
)

WEIGHTS = np.array([0.5, 0.3, 0.2])
MEANS = np.array([[-1.6, -0.9], [1.7, -0.7], [0.1, 1.7]])
SIGMAS = np.array([0.35, 0.3, 0.25])
N_POINTS = 200
PATHS = (ORANGE, VERMILION, PURPLE, GREEN, INK)
"""The colours of the first points, whose paths are drawn."""
STEP, N_LANGEVIN = 0.004, 120
BETAS = np.linspace(1e-3, 0.25, 40)
REACH = 3.4
"""Half the width of what is drawn."""


def draw_diffusion(ask: Answers, seed: int) -> Figure:
    """Points on their way from noise to a mixture of three Gaussians, in two ways.

    Langevin steps follow the score of the mixture itself. DDPM steps follow the noise that is predicted
    at each time, which is here known exactly: −√(1 − ᾱ) times the score of the mixture diffused so far.
    """
    rng = np.random.default_rng(seed)
    start = rng.normal(size=(N_POINTS, 2))
    langevin = _langevin(ask, start, rng)
    ddpm = _ddpm(ask, start, rng)

    figure = new_figure("From noise to a mixture: the same points by two samplers", height=5.4)
    panels = figure.subplots(1, 2, sharey=True)
    for ax, points, title in (
        (panels[0], langevin, f"Langevin: {N_LANGEVIN} steps along the score"),
        (panels[1], ddpm, f"DDPM: {len(BETAS)} denoising steps"),
    ):
        _density(ax)
        paths = drawable(points)
        ax.plot(*paths[-1].T, ".", color=SKY, markersize=5)
        for path, colour in zip(np.moveaxis(paths, 1, 0), PATHS, strict=False):
            ax.plot(*path.T, color=colour, linewidth=0.9)
            ax.plot(*path[0], "s", color=colour, markersize=6, zorder=3)
            ax.plot(*path[-1], "o", color=colour, markeredgecolor="white", markersize=8, zorder=3)
        ax.set_xlim(-REACH, REACH)
        ax.set_ylim(-REACH, REACH)
        ax.set_aspect("equal")
        ax.set_title(title)
        ax.set_xlabel("x₁")
    panels[0].set_ylabel("x₂")
    grid = np.linspace(-0.9 * REACH, 0.9 * REACH, 13)
    points = np.stack(np.meshgrid(grid, grid), axis=-1).reshape(-1, 2)
    field = drawable(_score(ask, points, 1.0))
    # Lengths grow with the distance from the modes and would hide all else: √ of them is drawn.
    with np.errstate(all="ignore"):
        arrows = field / np.sqrt(np.linalg.norm(field, axis=1, keepdims=True))
        shown = np.linalg.norm(arrows, axis=1) > 0
    if shown.any():  # Matplotlib cannot scale arrows of which none has a length
        panels[0].quiver(
            *points[shown].T, *arrows[shown].T, color=GREY, alpha=0.55, angles="xy", pivot="mid",
            width=0.004, zorder=1.5,
        )  # fmt: skip
    legend_below(figure, _handles(), columns=3)
    return figure


def _score(ask: Answers, points: Array, kept: float) -> Array:
    """The learner's score of the mixture after diffusion to ᾱ = `kept`."""
    return ask.array(
        "mixture_score", points, WEIGHTS, np.sqrt(kept) * MEANS,
        np.sqrt(kept * SIGMAS**2 + 1 - kept), shape=points.shape, name="score",
    )  # fmt: skip


def _langevin(ask: Answers, start: Array, rng: np.random.Generator) -> Array:
    """(steps + 1, points, 2)."""
    path = [start]
    for _ in range(N_LANGEVIN):
        score, noise = _score(ask, path[-1], 1.0), rng.normal(size=start.shape)
        path.append(ask.array("langevin_step", path[-1], score, STEP, noise, shape=start.shape))
    return np.array(path)


def _ddpm(ask: Answers, start: Array, rng: np.random.Generator) -> Array:
    """(steps + 1, points, 2)."""
    kept = ask.array("alpha_bar", BETAS, shape=BETAS.shape)
    path = [start]
    for t in reversed(range(len(BETAS))):
        share = float(np.clip(np.nan_to_num(kept[t]), 0.0, 1 - 1e-9))
        predicted = -np.sqrt(1 - share) * _score(ask, path[-1], share)
        noise = rng.normal(size=start.shape)
        path.append(ask.array("ddpm_step", path[-1], predicted, noise, t, BETAS, shape=start.shape))
    return np.array(path)


def _density(ax: Axes) -> None:
    """Contours of the mixture's density, as it is."""
    grid = np.linspace(-REACH, REACH, 120)
    x, y = np.meshgrid(grid, grid)
    density = np.zeros_like(x)
    for weight, mean, sigma in zip(WEIGHTS, MEANS, SIGMAS, strict=True):
        square = (x - mean[0]) ** 2 + (y - mean[1]) ** 2
        density += weight / (2 * np.pi * sigma**2) * np.exp(-square / (2 * sigma**2))
    levels = np.max(density) * np.array([0.02, 0.1, 0.3, 0.7])
    ax.contour(x, y, density, levels=levels, colors=GREY, linewidths=0.8, linestyles="dotted")


def _handles() -> list[Line2D]:
    return [
        Line2D([], [], color=INK, marker="s", linestyle="", markersize=6, label="start: noise"),
        Line2D([], [], color=INK, linewidth=0.9, label="path (a colour each)"),
        Line2D([], [], color=INK, marker="o", linestyle="", markersize=7, label="its end"),
        Line2D([], [], color=SKY, marker=".", linestyle="", label=f"ends of all {N_POINTS}"),
        Line2D([], [], color=GREY, linestyle="dotted", label="density of the mixture"),
        Line2D([], [], color=GREY, marker=r"$\rightarrow$", linestyle="", markersize=10,
               label="score (length: its root)"),
    ]  # fmt: skip
