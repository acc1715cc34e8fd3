"""How sharp and how fast are gradient checks? Eleven functions of machine learning, side by side.

    python benchmarks/gradient_checks.py [--quick]

For each checker, with its own defaults: the median processor time of one check, the smallest
relative error in one element (at least a tenth of the largest) that it always flags, and how often
it rejects a right gradient. Torch and JAX take part where they can be imported: each is given the
function with the gradient under test as its backward pass.
"""

from __future__ import annotations

import argparse
import time
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

Array = np.ndarray
COMPLEX_STEP = 1e-30  # far below any rounding: a complex step has no truncation and no cancellation
CHECK_GRAD_LIMIT = 1e-6  # what scipy's documentation calls small: check_grad has no verdict


@dataclass(frozen=True)
class Problem:
    """A function of a flat or shaped array, written so that complex steps go through it."""

    name: str
    f: Callable[[Array], Any]
    x: Array

    def gradient(self, x: Array | None = None, dtype: Any = np.complex128) -> Array:
        """The right gradient by complex steps: complex128 rounds it like a derivation by hand,
        in clongdouble it is right to the last bit of a float64."""
        x = self.x if x is None else x
        grad = np.empty(x.size)
        with np.errstate(all="ignore"):
            for i in range(x.size):
                point = x.astype(dtype).ravel()
                point[i] += 1j * dtype(COMPLEX_STEP)
                grad[i] = np.imag(self.f(point.reshape(x.shape))) / dtype(COMPLEX_STEP).real
        return grad.reshape(x.shape)


def _logsumexp(z: Array, axis: int = -1) -> Array:
    top = z.real.max(axis=axis, keepdims=True)
    return np.log(np.exp(z - top).sum(axis=axis)) + top.squeeze(axis)


def _softmax(z: Array) -> Array:
    e = np.exp(z - z.real.max(axis=-1, keepdims=True))
    return e / e.sum(axis=-1, keepdims=True)


def _split(x: Array, *shapes: tuple[int, ...]) -> list[Array]:
    parts, start = [], 0
    for shape in shapes:
        size = int(np.prod(shape))
        parts.append(x[start : start + size].reshape(shape))
        start += size
    return parts


def cross_entropy(rng: np.random.Generator) -> Problem:
    X, labels = rng.normal(size=(7, 5)), rng.integers(0, 4, 7)

    def f(W: Array) -> Any:
        z = X @ W
        return (_logsumexp(z) - z[np.arange(7), labels]).mean()

    return Problem("cross-entropy", f, rng.normal(size=(5, 4)))


def softmax(rng: np.random.Generator) -> Problem:
    weights = rng.normal(size=(4, 6))
    return Problem("softmax", lambda z: (_softmax(z) * weights).sum(), 2 * rng.normal(size=(4, 6)))


def _attention(rng: np.random.Generator, name: str, t: int, s: int, d: int) -> Problem:
    out = rng.normal(size=(t, d + 1))

    def f(x: Array) -> Any:
        Q, K, V = _split(x, (t, d), (s, d), (s, d + 1))
        return (_softmax(Q @ K.T / np.sqrt(d)) @ V * out).sum()

    return Problem(name, f, rng.normal(size=t * d + s * d + s * (d + 1)))


def attention_small(rng: np.random.Generator) -> Problem:
    return _attention(rng, "attention", 3, 4, 2)


def attention_large(rng: np.random.Generator) -> Problem:
    return _attention(rng, "attention, large", 7, 9, 8)


def convolution(rng: np.random.Generator) -> Problem:
    image, out = rng.normal(size=(2, 7, 6)), rng.normal(size=(3, 5, 4))
    windows = np.lib.stride_tricks.sliding_window_view(image, (3, 3), axis=(1, 2))

    def f(W: Array) -> Any:
        return (np.tanh(np.einsum("cijkl,ockl->oij", windows, W)) * out).sum()

    return Problem("convolution", f, 0.3 * rng.normal(size=(3, 2, 3, 3)))


def factorization(rng: np.random.Generator) -> Problem:
    R, seen = rng.normal(size=(6, 5)), rng.random((6, 5)) < 0.6

    def f(x: Array) -> Any:
        U, V = _split(x, (6, 3), (5, 3))
        return ((R - U @ V.T)[seen] ** 2).sum() + 0.1 * ((U**2).sum() + (V**2).sum())

    return Problem("factorization", f, rng.normal(size=33))


def relu_policy(rng: np.random.Generator) -> Problem:
    states, actions = rng.normal(size=(6, 4)), rng.integers(0, 3, 6)
    advantage = rng.normal(size=6)

    def f(x: Array) -> Any:
        W, b, A = _split(x, (4, 5), (5,), (5, 3))
        z = states @ W + b
        logits = np.where(z.real > 0, z, 0) @ A
        return ((_logsumexp(logits) - logits[np.arange(6), actions]) * advantage).mean()

    x = rng.normal(size=40)
    x[20:25] += 2.0  # with positive biases some units are active, or the gradient would be zero
    return Problem("ReLU policy", f, x)


def kalman(rng: np.random.Generator) -> Problem:
    y = np.cumsum(rng.normal(size=5)) * 0.3

    def f(x: Array) -> Any:
        m, log_p, a, w, log_q, log_r = x
        p, q, r = np.exp(log_p), np.exp(log_q), np.exp(log_r)
        loss = 0
        for observed in y:
            slope = a * np.cos(w * m)  # an extended filter: the state moves by a·sin(w·m)/w
            m, p = m + a * np.sin(w * m) / w, (1 + slope) ** 2 * p + q
            gain_y = 2 * m  # and m² is observed
            s = gain_y**2 * p + r
            error = observed - m**2
            loss = loss + 0.5 * (error**2 / s + np.log(s))
            m, p = m + p * gain_y * error / s, p - (p * gain_y) ** 2 / s
        return loss

    x = np.array([0.6, -0.3, 0.4, 1.2, -0.5, 0.1]) + 0.1 * rng.normal(size=6)
    return Problem("extended Kalman filter", f, x)


def mixture(rng: np.random.Generator) -> Problem:
    X = rng.normal(size=(9, 2))

    def f(x: Array) -> Any:
        logits, means, log_scale = _split(x, (3,), (3, 2), (3, 2))
        z = (X[:, None] - means) * np.exp(-log_scale)
        parts = logits - _logsumexp(logits) - (0.5 * z**2 + log_scale).sum(axis=-1)
        return -_logsumexp(parts).mean()

    return Problem("Gaussian mixture", f, 0.7 * rng.normal(size=15))


def gan(rng: np.random.Generator) -> Problem:
    noise, real = rng.normal(size=(6, 2)), rng.normal(size=(6, 3))

    def softplus(z: Array) -> Array:
        return np.where(z.real > 0, z, 0) + np.log1p(np.exp(np.where(z.real > 0, -z, z)))

    def f(x: Array) -> Any:
        G, c, D, u = _split(x, (2, 3), (3,), (3, 4), (4,))
        fake = np.tanh(noise @ G + c)
        return softplus(np.tanh(fake @ D) @ u).mean() + softplus(-(np.tanh(real @ D) @ u)).mean()

    return Problem("GAN", f, rng.normal(size=25))


def badly_scaled(rng: np.random.Generator) -> Problem:
    scale = 10.0 ** np.linspace(-3, 2, 12)
    target = rng.normal(size=12)

    def f(x: Array) -> Any:
        z = np.tanh(x / scale)
        return ((z - target) ** 2 * np.sqrt(scale)).sum() + 0.3 * (z[:-1] * z[1:]).sum()

    return Problem("badly scaled", f, scale * rng.normal(size=12))


PROBLEMS = (
    cross_entropy,
    softmax,
    attention_small,
    attention_large,
    convolution,
    factorization,
    relu_policy,
    kalman,
    mixture,
    gan,
    badly_scaled,
)


def our_check(problem: Problem, grad: Array) -> bool:
    """grader.checks.assert_gradient; what it cannot resolve counts as flagged."""
    from grader.checks import assert_gradient
    from grader.errors import CheckFailure, CheckUnresolved

    try:
        assert_gradient(problem.f, problem.x, grad)
    except (CheckFailure, CheckUnresolved):
        return False
    return True


def scipy_check(problem: Problem, grad: Array) -> bool:
    """scipy.optimize.check_grad: the 2-norm of the difference from forward differences."""
    from scipy.optimize import check_grad

    shape = problem.x.shape
    off = check_grad(
        lambda v: float(problem.f(v.reshape(shape))), lambda v: grad.ravel(), problem.x.ravel()
    )
    return bool(off <= CHECK_GRAD_LIMIT * np.linalg.norm(grad))


def torch_check(problem: Problem, grad: Array) -> bool:
    """torch.autograd.gradcheck of a function whose backward pass returns the given gradient."""
    import torch

    class Given(torch.autograd.Function):
        @staticmethod
        def forward(ctx: Any, x: Any) -> Any:
            return torch.tensor(float(problem.f(x.detach().numpy())), dtype=torch.float64)

        @staticmethod
        def backward(ctx: Any, upstream: Any) -> Any:
            return upstream * torch.from_numpy(grad)

    x = torch.tensor(problem.x, requires_grad=True)
    return bool(torch.autograd.gradcheck(Given.apply, (x,), raise_exception=False))


def jax_check(problem: Problem, grad: Array) -> bool:
    """jax.test_util.check_vjp of a function whose backward pass returns the given gradient."""
    import jax
    from jax.test_util import check_vjp

    jax.config.update("jax_enable_x64", True)
    try:
        check_vjp(
            lambda x: np.float64(problem.f(np.asarray(x))),
            lambda x: (np.float64(problem.f(np.asarray(x))), lambda upstream: (upstream * grad,)),
            (problem.x,),
        )
    except AssertionError:
        return False
    return True


CHECKERS = {
    "grader.checks.assert_gradient": ("grader.checks", our_check),
    "scipy.optimize.check_grad": ("scipy.optimize", scipy_check),
    "torch.autograd.gradcheck": ("torch", torch_check),
    "jax.test_util.check_vjp": ("jax.test_util", jax_check),
}


def available() -> dict[str, Callable[[Problem, Array], bool]]:
    """The checkers that can be imported here."""
    found = {}
    for name, (module, check) in CHECKERS.items():
        try:
            __import__(module)
        except ImportError:
            print(f"{name}: not installed")
            continue
        found[name] = check
    return found


def spoiled(grad: Array, error: float, rng: np.random.Generator) -> Array:
    """The gradient with one element, at least a tenth of the largest, off by a relative error."""
    flat = grad.copy().ravel()
    large = np.flatnonzero(np.abs(flat) >= 0.1 * np.abs(flat).max())
    flat[rng.choice(large)] *= 1 + error
    return flat.reshape(grad.shape)


def flags_from(
    check: Callable[[Problem, Array], bool], problems: list[Problem], errors: Array
) -> float:
    """The smallest of `errors` from which on every problem's spoiled gradient is flagged."""
    least = np.inf
    for error in errors[::-1]:
        rng = np.random.default_rng(1)
        if any(check(p, spoiled(p.gradient(dtype=np.clongdouble), error, rng)) for p in problems):
            break
        least = error
    return float(least)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--quick", action="store_true", help="fewer trials; some ten seconds")
    n_trials = 2 if parser.parse_args().quick else 50
    warnings.simplefilter("ignore")
    np.seterr(all="ignore")
    checkers = available()
    errors = np.array([c * 10.0**k for k in range(-11, 0) for c in (1, 2, 5)])
    rows = []
    for name, check in checkers.items():
        alarms = trials = 0
        seconds, least = [], []
        for make in PROBLEMS:
            problems = [make(np.random.default_rng(seed)) for seed in range(n_trials)]
            for problem in problems:
                grad = problem.gradient()
                start = time.process_time()
                alarms += not check(problem, grad)
                seconds.append(time.process_time() - start)
                trials += 1
            least.append(flags_from(check, problems[:5], errors))
        rows.append((name, 1e3 * float(np.median(seconds)), min(least), max(least), alarms, trials))
    print(
        f"{'checker':<32}{'ms a check':>11}{'flags from, best and worst':>30}{'false alarms':>16}"
    )
    for name, ms, best, worst, alarms, trials in rows:
        share = f"{alarms}/{trials}"
        print(f"{name:<32}{ms:>11.2f}{f'{best:.0e} to {worst:.0e}':>30}{share:>16}")


if __name__ == "__main__":
    main()
