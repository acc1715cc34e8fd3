"""Figures of minimax games."""

from __future__ import annotations

import numpy as np
from matplotlib.figure import Figure

from grader.figures.answers import Answers, Array
from grader.figures.style import (
    BLUE,
    GREY,
    INK,
    VERMILION,
    drawable,
    legend_below,
    new_figure,
)

LR, N_STEPS = 0.2, 50
REACH = 3.0
"""Half the width of the field that is drawn; a right simultaneous spiral ends just inside."""


def draw_bilinear_game(ask: Answers, seed: int) -> Figure:
    """Simultaneous and alternating steps over the field of gradients, and their distances from (0, 0)."""
    angle = np.random.default_rng(seed).uniform(0, 2 * np.pi)
    start = np.array([np.cos(angle), np.sin(angle)])
    paths = {simultaneous: _path(ask, start, simultaneous) for simultaneous in (True, False)}

    figure = new_figure(
        f"The game min max xy, simultaneous against alternating steps (lr = {LR:g})"
    )
    left, right = figure.subplots(1, 2, width_ratios=[1.15, 1])
    grid = np.linspace(-0.92 * REACH, 0.92 * REACH, 11)
    x, y = np.meshgrid(grid, grid)
    left.quiver(x, y, -y, x, color="#B5B5B5", angles="xy", pivot="mid", width=0.0045)
    steps = np.arange(N_STEPS + 1)
    handles = []
    for simultaneous, colour, line, marker, label in (
        (True, VERMILION, "--", "^", "simultaneous steps"),
        (False, BLUE, "-", "o", "alternating steps"),
    ):
        path = paths[simultaneous]
        handles += left.plot(
            *path.T, color=colour, linestyle=line, marker=marker, markersize=3.5, linewidth=1.3,
            label=label,
        )  # fmt: skip
        with np.errstate(all="ignore"):
            distance = drawable(np.hypot(*path.T))
        right.plot(steps, distance, color=colour, linestyle=line, marker=marker, markevery=5)
    handles += left.plot(*start, "s", color=INK, markersize=8, label="start")
    handles += left.plot(0, 0, "*", color=INK, markersize=12, linestyle="", label="equilibrium")
    left.set_xlim(-REACH, REACH)
    left.set_ylim(-REACH, REACH)
    left.set_aspect("equal")
    left.set_title("paths; arrows: where the gradients push")
    left.set_xlabel("x, which minimises")
    left.set_ylabel("y, which maximises")
    handles += right.plot(
        steps,
        (1 + LR**2) ** (steps / 2),
        color=GREY,
        linestyle=":",
        label=r"$(1 + \mathrm{lr}^2)^{t/2}$",
    )
    right.set_ylim(0, REACH)
    right.grid(axis="y")
    right.set_title("distance from the equilibrium")
    right.set_xlabel("step t")
    right.set_ylabel("distance")
    legend_below(figure, handles, columns=5)
    return figure


def _path(ask: Answers, start: Array, simultaneous: bool) -> Array:
    """The points of a game, from the start on: (N_STEPS + 1, 2)."""
    points = [start]
    for _ in range(N_STEPS):
        x, y = (float(v) for v in points[-1])
        point = ask.members("bilinear_game_step", x, y, LR, simultaneous, shapes={"x": (), "y": ()})
        points.append(np.array([float(v) for v in point]))
    return drawable(np.array(points))
