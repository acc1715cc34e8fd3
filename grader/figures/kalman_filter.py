"""Figures of the Kalman filter."""

from __future__ import annotations

import numpy as np
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Ellipse

from grader.figures.answers import Answers, Array
from grader.figures.style import (
    BLUE,
    GREY,
    INK,
    ORANGE,
    SKY,
    VERMILION,
    drawable,
    legend_below,
    new_figure,
    reach,
)

N_STEPS, DT = 80, 0.25
"""Twenty seconds."""
SIGMA = 1.0
"""Standard deviation of a measured coordinate, in metres."""
Q = np.diag([1e-3, 1e-3, 0.02, 0.01])
"""Covariance of what one step adds to x, y, v and θ."""
ELLIPSE_EVERY = 8


def draw_ekf_track(ask: Answers, seed: int) -> Figure:
    """A robot's track, measured positions, the filter's estimate with 2σ ellipses, and its error.

    Beside the track stands the estimate's distance from the truth, with twice the standard deviation
    that the filter itself claims.
    """
    truth, measured = _track(seed)
    x = np.array([*measured[0], 3.0, 0.0])
    P = np.diag([SIGMA**2, SIGMA**2, 1.0, 0.5])
    H, R = np.eye(2, 4), SIGMA**2 * np.eye(2)
    shapes = {"x": (4,), "P": (4, 4)}
    estimate, covariance = np.empty((N_STEPS, 4)), np.empty((N_STEPS, 4, 4))
    estimate[0], covariance[0] = x, P
    for step in range(1, N_STEPS):
        x, P = ask.members("ekf_predict", x, P, Q, DT, shapes=shapes)
        x, P = ask.members("ekf_update", x, P, measured[step], H, R, shapes=shapes)
        estimate[step], covariance[step] = x, P
    estimate, covariance = drawable(estimate), drawable(covariance)

    figure = new_figure("Extended Kalman filter: the estimate, and how sure it is of it", height=6)
    left, right = figure.subplots(1, 2, width_ratios=[1.68, 1])
    left.plot(*truth[:, :2].T, color=INK, label="true track")
    left.plot(*measured.T, "x", color=ORANGE, markersize=6, label="measurements")
    left.plot(*estimate[:, :2].T, "--", color=BLUE, label="EKF estimate")
    for step in range(0, N_STEPS, ELLIPSE_EVERY):
        ellipse = _ellipse(estimate[step], covariance[step])
        if ellipse is not None:
            left.add_patch(ellipse)
    low, high = truth[:, :2].min(axis=0), truth[:, :2].max(axis=0)
    half = float(np.max(high - low)) / 2 + 3 * SIGMA
    middle = (low + high) / 2
    left.set_xlim(middle[0] - half, middle[0] + half)
    left.set_ylim(middle[1] - half, middle[1] + half)
    left.set_aspect("equal")
    left.set_title("track")
    left.set_xlabel("x (m)")
    left.set_ylabel("y (m)")
    seconds = DT * np.arange(N_STEPS)
    with np.errstate(all="ignore"):
        error = np.hypot(*(estimate - truth)[:, :2].T)
        claimed = 2 * np.sqrt(covariance[:, 0, 0] + covariance[:, 1, 1])
    off = np.hypot(*(measured - truth[:, :2]).T)
    right.plot(seconds, off, "x", color=ORANGE, markersize=6)
    right.plot(seconds, drawable(error), "--", color=BLUE)
    (bound,) = right.plot(seconds, drawable(claimed), "-.", color=VERMILION)
    right.set_ylim(0, 1.05 * reach(off, error, claimed, least=4 * SIGMA, most=20 * SIGMA))
    right.grid(axis="y")
    right.set_title("distance from the truth")
    right.set_xlabel("time (s)")
    right.set_ylabel("distance (m)")
    area = Line2D([], [], marker="o", linestyle="", color=SKY, alpha=0.5, markersize=9)
    area.set_label("its 2σ ellipses")
    bound.set_label("2σ that it claims")
    legend_below(figure, [*left.get_lines(), area, bound], columns=3)
    return figure


def _track(seed: int) -> tuple[Array, Array]:
    """True states, the heading turning to and fro at a varying speed, and measured positions."""
    rng = np.random.default_rng(seed)
    truth = np.empty((N_STEPS, 4))
    truth[0] = [0.0, 0.0, 3.0, 0.3]
    for step in range(1, N_STEPS):
        x, y, v, theta = truth[step - 1]
        turn = 0.09 * np.sin(2 * np.pi * step / N_STEPS) + 0.05 * rng.normal()
        truth[step] = [
            x + v * np.cos(theta) * DT,
            y + v * np.sin(theta) * DT,
            np.clip(v + 0.1 * rng.normal(), 1.0, 5.0),
            theta + turn,
        ]
    return truth, truth[:, :2] + SIGMA * rng.normal(size=(N_STEPS, 2))


def _ellipse(x: Array, P: Array) -> Ellipse | None:
    """The 2σ ellipse of a position, or None where P is no covariance."""
    block = (P[:2, :2] + P[:2, :2].T) / 2
    if not (np.isfinite(block).all() and np.isfinite(x[:2]).all()):
        return None
    variances, axes = np.linalg.eigh(block)
    if variances[0] < 0:
        return None
    width, height = 4 * np.sqrt(variances)
    angle = float(np.degrees(np.arctan2(axes[1, 0], axes[0, 0])))
    return Ellipse(
        (x[0], x[1]), width, height, angle=angle, facecolor=SKY, alpha=0.4, edgecolor=GREY
    )
