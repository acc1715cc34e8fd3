"""Values of forward passes that are remembered: the same function at the same point, and no other."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from grader.checks import assert_gradient
from grader.checks.memory import LARGEST, LIMIT, Memory, current, fingerprint, remembering
from grader.errors import CheckFailure


def make(scale: Any, power: int = 2) -> Callable[[Any], Any]:
    def f(x: Any) -> Any:
        return np.sum(scale * x**power)

    return f


@pytest.mark.parametrize(
    "scale",
    [
        2.0, np.float32(2.0), np.arange(3.0), [1, 2.0], {"a": (None, True)}, "text", b"bytes", 1j,
        np.tanh, max, functools.partial(max, 1), make(1.0),
    ],
    ids=lambda value: type(value).__name__,
)  # fmt: skip
def test_a_function_is_known_by_its_code_and_what_it_closes_over(scale: Any) -> None:
    """Made again with equal contents it is the same, with another power it is not."""
    assert fingerprint(make(scale)) == fingerprint(make(scale)) is not None
    assert fingerprint(make(scale)) != fingerprint(make(scale, 3))


def test_contents_are_told_apart() -> None:
    """Types, shapes, dtypes and nesting count, not only the bytes."""
    contents = [
        1, 1.0, True, "1", (1,), [1], [[1]], {1: 1}, None, np.array([1.0]), np.array([[1.0]]),
        np.array([1.0], np.float32), np.array([1]), (1, 2), ((1,), 2), (1, (2,)), np.tanh, np.exp, make(1), make(2),
    ]  # fmt: skip
    prints = [fingerprint(make(each)) for each in contents]
    assert None not in prints
    assert len(set(prints)) == len(contents)


@pytest.mark.parametrize(
    "scale",
    [object(), np.random.default_rng(), iter([]), np.array([None])],
    ids=lambda s: type(s).__name__,
)
def test_what_cannot_be_told_is_not_remembered(scale: Any) -> None:
    """An object may hold anything."""
    assert fingerprint(make(scale)) is None


def test_lambdas_of_one_text_are_two_functions() -> None:
    """Equal code objects of two places may see other globals."""
    a, b = (eval("lambda x: x") for _ in range(2))
    assert fingerprint(a) != fingerprint(b)


def test_remembered_values_give_the_same_verdicts() -> None:
    """Right and wrong gradients are told apart as without, and the second time f is not called."""
    calls = 0

    def run(grad: Any) -> None:
        x = np.array([0.3, -1.2, 0.7])

        def f(x: Any) -> Any:
            nonlocal calls
            calls += 1
            return np.sum(np.sin(x))

        assert_gradient(f, x, grad(x))

    def plain(grad: Any) -> None:
        x = np.array([0.3, -1.2, 0.7])
        assert_gradient(lambda x: np.sum(np.sin(x)), x, grad(x))

    with remembering(Memory()) as _:
        memory = current()
        assert memory is not None
        for _ in range(2):
            plain(np.cos)
            with pytest.raises(CheckFailure):
                plain(lambda x: 1.0000001 * np.cos(x))
        assert memory._values
        run(np.cos)  # closes over a counter that changes: computed each time
        before = calls
        run(np.cos)
        assert calls > before + 10
    assert current() is None


def test_memory_is_bounded() -> None:
    """Large values are not kept, and when there are too many all go."""
    memory = Memory()
    memory.put(b"f", b"p", np.zeros(LARGEST))
    assert memory.get(b"f", b"p") is None
    for i in range(LIMIT // 8000):
        memory.put(b"f", b"%d" % i, np.zeros(1000))
    assert memory._size <= LIMIT
    assert 0 < len(memory._values) < LIMIT // 8000
