"""Figures of matrix factorization."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from matplotlib.figure import Figure

from grader.figures.answers import Answers, Array
from grader.figures.style import (
    BLUE,
    GREEN,
    INK,
    ORANGE,
    PURPLE,
    VERMILION,
    drawable,
    legend_below,
    new_figure,
)

N_USERS, N_ITEMS, N_FACTORS = 20, 25, 3
N_RATINGS, N_HELD_OUT = 300, 100
N_EPOCHS = 20
NOISE = 0.5
"""Standard deviation of what no model can explain, in stars."""
RATES, REG = (0.005, 0.02, 0.08), 0.05
REGS, RATE = (0.0, 0.03, 0.1, 0.3), 0.05


@dataclass(frozen=True, slots=True)
class _Ratings:
    users: npt.NDArray[np.int64]
    items: npt.NDArray[np.int64]
    ratings: Array


def draw_mf_convergence(ask: Answers, seed: int) -> Figure:
    """Training error by epoch at three learning rates; training and held-out error by penalty."""
    known, new = _ratings(seed)

    def fit(lr: float, reg: float) -> dict[str, Array]:
        return ask.entries(
            "mf_fit", known.users, known.items, known.ratings, N_USERS, N_ITEMS, N_FACTORS, lr, reg,
            N_EPOCHS, seed,
            shapes={
                "mu": (), "b_user": (N_USERS,), "b_item": (N_ITEMS,), "P": (N_USERS, N_FACTORS),
                "Q": (N_ITEMS, N_FACTORS), "rmse": (N_EPOCHS,),
            },
        )  # fmt: skip

    train: list[float] = []
    held_out: list[float] = []
    for reg in REGS:
        model = fit(RATE, reg)
        parameters = [model[key] for key in ("b_user", "b_item", "P", "Q")]
        for ratings, errors in ((known, train), (new, held_out)):
            predicted = ask.array(
                "predict_ratings", float(model["mu"]), *parameters, ratings.users, ratings.items,
                shape=ratings.ratings.shape, name="predictions",
            )  # fmt: skip
            with np.errstate(all="ignore"):
                errors.append(float(np.sqrt(np.mean((ratings.ratings - predicted) ** 2))))
    curves = [fit(lr, REG)["rmse"] for lr in RATES]

    figure = new_figure("Matrix factorization: fitting the ratings, and predicting new ones")
    left, right = figure.subplots(1, 2, sharey=True)
    epochs = np.arange(1, N_EPOCHS + 1)
    handles = []
    for lr, curve, colour, line, marker in zip(
        RATES, curves, (BLUE, ORANGE, GREEN), ("-", "--", "-."), "osD", strict=True
    ):
        handles += left.plot(
            epochs, drawable(curve), color=colour, linestyle=line, marker=marker, markevery=4,
            label=f"training, lr = {lr:g}",
        )  # fmt: skip
    left.set_title(f"while it learns (penalty {REG:g})")
    left.set_xticks([1, *range(5, N_EPOCHS + 1, 5)])
    left.set_xlabel("epoch")
    left.set_ylabel("RMSE (stars)")
    at = np.arange(len(REGS))
    for errors, colour, line, marker, label in (
        (train, PURPLE, "-", "v", f"training, after {N_EPOCHS} epochs"),
        (held_out, VERMILION, "--", "^", "new ratings"),
    ):
        handles += right.plot(
            at, drawable(np.array(errors)), color=colour, linestyle=line, marker=marker, label=label
        )
    right.set_xticks(at, [f"{reg:g}" for reg in REGS])
    right.set_title(f"by penalty (lr = {RATE:g})")
    right.set_xlabel("penalty reg")
    for ax in (left, right):
        ax.grid(axis="y")
        noise = ax.axhline(NOISE, color=INK, linestyle=":", label=f"noise level {NOISE:g}")
    left.set_ylim(bottom=0)
    legend_below(figure, [*handles, noise], columns=3)
    return figure


def _ratings(seed: int) -> tuple[_Ratings, _Ratings]:
    """Ratings of a model with three factors, and noise: those to learn from, and new ones."""
    rng = np.random.default_rng(seed)
    b_user, b_item = 0.4 * rng.normal(size=N_USERS), 0.4 * rng.normal(size=N_ITEMS)
    P, Q = 0.8 * rng.normal(size=(N_USERS, N_FACTORS)), 0.8 * rng.normal(size=(N_ITEMS, N_FACTORS))
    pairs = rng.permutation(N_USERS * N_ITEMS)[: N_RATINGS + N_HELD_OUT]
    users, items = np.divmod(pairs, N_ITEMS)
    ratings = 3.5 + b_user[users] + b_item[items] + np.sum(P[users] * Q[items], axis=1)
    ratings += NOISE * rng.normal(size=ratings.shape)
    parts = (slice(None, N_RATINGS), slice(N_RATINGS, None))
    known, new = (_Ratings(users[part], items[part], ratings[part]) for part in parts)
    return known, new
