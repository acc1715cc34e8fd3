"""One call of a function, with all that can be seen of it."""

from __future__ import annotations

import copy
import inspect
import warnings
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol, runtime_checkable


@dataclass(frozen=True, slots=True)
class Call:
    """What became of a call that returned.

    Attributes
    ----------
    value : what it returned, as plain data.
    args, kwargs : the arguments as they were after the call.
    warnings : ``"RuntimeWarning: overflow encountered in exp (line 12)"`` and so on, in order.
    printed : what it printed, cut to a few thousand characters.
    parameters : the names of the function's parameters, as far as they are known.
    changed : positions of the arguments, keywords last, that the call changed in place, where that was watched.
    """

    value: Any
    args: tuple[Any, ...] = ()
    kwargs: Mapping[str, Any] = field(default_factory=dict)
    warnings: tuple[str, ...] = ()
    printed: str = ""
    parameters: tuple[str, ...] = ()
    changed: tuple[int, ...] = ()


def labels(parameters: Sequence[str], n_args: int, kwargs: Iterable[str]) -> list[str]:
    """What the arguments of a call are called: by the parameters' names, or by position from 1."""
    return [
        *parameters[:n_args],
        *(str(i + 1) for i in range(len(parameters[:n_args]), n_args)),
        *kwargs,
    ]


def in_place(changed: Sequence[str]) -> str:
    """What is said of a call that changes its arguments."""
    listed = " and ".join(f"`{label}`" for label in changed)
    return f"the call changes its argument {listed} in place; work on a copy"


@runtime_checkable
class Callee(Protocol):
    """A function that can say more of a call than its value."""

    def call(self, *args: Any, **kwargs: Any) -> Call:
        """Call it, and say all."""


def call(function: Callable[..., Any], *args: Any, **kwargs: Any) -> Call:
    """Call `function`, a submission's or any other, and say all that can be seen of it."""
    own: Any = function
    if isinstance(own, Callee):
        return own.call(*args, **kwargs)
    return call_here(function, args, kwargs)


def call_here(
    function: Callable[..., Any], args: tuple[Any, ...], kwargs: Mapping[str, Any]
) -> Call:
    """Call a function of this process on copies of its arguments, with its warnings collected."""
    after = copy.deepcopy(args)
    after_kwargs = copy.deepcopy(dict(kwargs))
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        value = function(*after, **after_kwargs)
    texts = tuple(f"{w.category.__name__}: {w.message}" for w in caught)
    return Call(value, after, after_kwargs, texts, "", parameters_of(function))


def parameters_of(function: Callable[..., Any]) -> tuple[str, ...]:
    """The names of a function's parameters; empty where they cannot be known."""
    try:
        return tuple(inspect.signature(function).parameters)
    except (TypeError, ValueError):
        return ()
