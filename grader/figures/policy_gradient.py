"""Figures of policy gradients."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from matplotlib.figure import Figure

from grader.figures.answers import Answers, Array
from grader.figures.style import BLUE, GREY, INK, SKY, drawable, legend_below, new_figure

N_SEEDS, N_UPDATES, N_EPISODES = 4, 25, 8
HORIZON = 50
"""Steps after which an episode ends by itself: two seconds."""
N_HIDDEN, GAMMA, LR, MAX_NORM = 16, 0.97, 0.5, 1.0

# The cart-pole of Barto, Sutton and Anderson (1983), in SI units, as in OpenAI's Gym.
GRAVITY, CART, POLE, HALF_LENGTH, FORCE, DT = 9.8, 1.0, 0.1, 0.5, 10.0, 0.02
HOLD = 2
"""Of its steps in time for each action, which halves the calls of `policy_probs`."""
MAX_POSITION, MAX_ANGLE = 2.4, np.radians(12)

Params = dict[str, Array]


def draw_returns(ask: Answers, seed: int) -> Figure:
    """How long a cart-pole policy balances the pole, by update: mean and range over four seeds.

    An episode's return is the number of steps that it lasts. The advantage is the reward-to-go,
    standardized over the batch; the gradient is divided by the number of episodes.
    """
    seeds = np.random.SeedSequence(seed).spawn(N_SEEDS)
    lengths = np.array([_train(ask, np.random.default_rng(child)) for child in seeds])

    figure = new_figure(
        "REINFORCE on a cart-pole: how long the pole stays up, as the policy learns"
    )
    ax = figure.subplots()
    updates = np.arange(N_UPDATES + 1)
    band = ax.fill_between(
        updates, lengths.min(axis=0), lengths.max(axis=0), color=SKY, alpha=0.35, linewidth=0,
        label=f"lowest to highest of {N_SEEDS} seeds",
    )  # fmt: skip
    (mean,) = ax.plot(
        updates, drawable(lengths.mean(axis=0)), "o-", color=BLUE, markersize=4, label="mean"
    )
    top = ax.axhline(HORIZON, color=INK, linestyle="--", linewidth=1.2, label="limit of an episode")
    start = ax.axhline(
        lengths[:, 0].mean(), color=GREY, linestyle=":", label="before the first update"
    )
    ax.set_ylim(0, 1.06 * HORIZON)
    ax.set_xlim(0, N_UPDATES)
    ax.grid(axis="y")
    ax.set_xlabel(f"update ({N_EPISODES} episodes each)")
    ax.set_ylabel(f"return per episode (steps of {HOLD * DT:g} s)")
    legend_below(figure, [mean, band, top, start], columns=4)
    return figure


def _train(ask: Answers, rng: np.random.Generator) -> Array:
    """Mean returns before each update and after the last: (N_UPDATES + 1,)."""
    params = {
        "W1": rng.normal(size=(4, N_HIDDEN)) / 2,
        "b1": np.zeros(N_HIDDEN),
        "W2": rng.normal(size=(N_HIDDEN, 2)) * 0.1,
        "b2": np.zeros(2),
    }
    shapes = {key: value.shape for key, value in params.items()}
    means = []
    for update in range(N_UPDATES + 1):
        states, actions, lengths = _episodes(ask, params, rng)
        means.append(float(np.mean(lengths)))
        if update == N_UPDATES:
            break
        ahead = [
            ask.array("discounted_returns", np.ones(n), GAMMA, shape=(n,)) for n in lengths.tolist()
        ]
        weights = ask.array("standardize", np.concatenate(ahead), shape=actions.shape)
        grads = ask.entries(
            "reinforce_grads", params, states, actions, weights / N_EPISODES, shapes=shapes
        )
        params = ask.entries("reinforce_step", params, grads, LR, MAX_NORM, shapes=shapes)
    return np.array(means)


def _episodes(
    ask: Answers, params: Params, rng: np.random.Generator
) -> tuple[Array, npt.NDArray[np.int64], npt.NDArray[np.int64]]:
    """Episodes side by side: all states, the actions taken there, episode by episode, and lengths."""
    state = rng.uniform(-0.05, 0.05, size=(N_EPISODES, 4))
    alive = np.arange(N_EPISODES)
    lengths = np.zeros(N_EPISODES, dtype=np.int64)
    seen: list[Array] = []
    taken: list[npt.NDArray[np.int64]] = []
    owners: list[npt.NDArray[np.int64]] = []
    for _ in range(HORIZON):
        probs = ask.array(
            "policy_probs", params, state, shape=(len(state), 2), name="probabilities"
        )
        action = (rng.random(len(state)) >= probs[:, 0]).astype(np.int64)
        seen.append(state)
        taken.append(action)
        owners.append(alive)
        lengths[alive] += 1
        for _ in range(HOLD):
            state = _cart_pole(state, action)
        up = (np.abs(state[:, 0]) <= MAX_POSITION) & (np.abs(state[:, 2]) <= MAX_ANGLE)
        alive, state = alive[up], state[up]
        if not len(alive):
            break
    order = np.argsort(np.concatenate(owners), kind="stable")
    return np.concatenate(seen)[order], np.concatenate(taken)[order], lengths


def _cart_pole(state: Array, action: npt.NDArray[np.int64]) -> Array:
    """The states a time of `DT` later, by Euler's method."""
    x, v, angle, spin = state.T
    force = np.where(action == 1, FORCE, -FORCE)
    total = CART + POLE
    push = (force + POLE * HALF_LENGTH * spin**2 * np.sin(angle)) / total
    turn = (GRAVITY * np.sin(angle) - np.cos(angle) * push) / (
        HALF_LENGTH * (4 / 3 - POLE * np.cos(angle) ** 2 / total)
    )
    pull = push - POLE * HALF_LENGTH * turn * np.cos(angle) / total
    return np.stack([x + DT * v, v + DT * pull, angle + DT * spin, spin + DT * turn], axis=1)
