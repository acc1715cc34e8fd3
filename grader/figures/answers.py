"""What a topic's functions answer: asked for by name, checked for its form, and told in one line where it
cannot be drawn."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt

from grader.checks import as_array, as_float
from grader.errors import CheckFailure, FigureError, Halted, SubmissionRaised
from grader.model import Status

Array = npt.NDArray[np.float64]
Shape = tuple[int, ...]

MAX_MESSAGE = 240
"""Characters of a learner's own message that a line repeats."""


class Answers:
    """The functions of one topic, as a figure asks them.

    Every method calls a function with the arguments given and returns float64 arrays of the shapes asked
    for. Entries may be wrong, and some may be NaN or infinite, but not all.

    Parameters
    ----------
    functions : has the functions as its attributes.
    figure : the name by which errors call the picture.

    Raises
    ------
    FigureError : from every method: what the function did instead, in one line.

    Examples
    --------
    >>> from types import SimpleNamespace
    >>> ask = Answers(SimpleNamespace(double=lambda x: 2 * x), "twice")
    >>> ask.array("double", np.ones(2), shape=(2,))
    array([2., 2.])
    >>> ask.array("double", np.ones(2), shape=(3,))
    Traceback (most recent call last):
    grader.errors.FigureError: figure twice: `double`: result has shape (2,), expected (3,)
    """

    def __init__(self, functions: object, figure: str) -> None:
        self.functions = functions
        self.figure = figure

    def value(self, function: str, *args: Any, **kwargs: Any) -> Any:
        """Whatever the function returns."""
        try:
            return getattr(self.functions, function)(*args, **kwargs)
        except Halted as halted:
            raise self._halted(function, halted) from None
        except CheckFailure as failure:
            raise self._wrong(function, failure) from None
        except SubmissionRaised as raised:
            where = f" (line {raised.line})" if raised.line else ""
            raise self._error(f": `{function}` raised {_one_line(str(raised))}{where}") from None
        except NotImplementedError:
            raise self._error(f" needs `{function}`, which is still a stub") from None
        except AttributeError as error:
            if hasattr(self.functions, function):
                raise self._raised(function, error) from None
            raise self._error(f" needs `{function}`, which is not there") from None
        except Exception as error:  # a plain function may raise anything
            raise self._raised(function, error) from None

    def array(
        self, function: str, *args: Any, shape: Shape, dtype: Any = None, name: str = "result"
    ) -> Array:
        """The array that it returns."""
        return self._checked(function, self.value(function, *args), shape, name, dtype)

    def mask(self, function: str, *args: Any, shape: Shape) -> npt.NDArray[np.bool_]:
        """The boolean array that it returns."""
        value = self.value(function, *args)
        try:
            return as_array(value, shape, np.bool_, name="mask")
        except CheckFailure as failure:
            raise self._wrong(function, failure) from None

    def members(self, function: str, *args: Any, shapes: Mapping[str, Shape]) -> list[Array]:
        """The members of the tuple that it returns, whose names and shapes are given in order."""
        value = self.value(function, *args)
        if not isinstance(value, tuple | list) or len(value) != len(shapes):
            listed = ", ".join(shapes)
            raise self._error(f": `{function}` returned {_described(value)}, expected ({listed})")
        return [
            self._checked(function, member, shape, name)
            for member, (name, shape) in zip(value, shapes.items(), strict=True)
        ]

    def entries(self, function: str, *args: Any, shapes: Mapping[str, Shape]) -> dict[str, Array]:
        """Entries of the dict that it returns, those whose names and shapes are given."""
        value = self.value(function, *args)
        if not isinstance(value, dict):
            listed = ", ".join(shapes)
            raise self._error(
                f": `{function}` returned {_described(value)}, expected a dict with {listed}"
            )
        lacking = [name for name in shapes if name not in value]
        if lacking:
            raise self._error(f": `{function}` returned a dict without {', '.join(lacking)}")
        return {
            name: self._checked(function, value[name], shape, name)
            for name, shape in shapes.items()
        }

    def _checked(
        self, function: str, value: Any, shape: Shape, name: str, dtype: Any = None
    ) -> Array:
        try:
            if shape == ():
                array = np.asarray(as_float(value, name=name))
            else:
                array = as_array(value, shape, dtype, name=name).astype(np.float64)
        except CheckFailure as failure:
            raise self._wrong(function, failure) from None
        if array.size and not np.isfinite(array).any():
            what = "NaN" if np.isnan(array).all() else "not finite"
            where = "" if shape == () else " everywhere"
            raise self._error(f": `{function}`: {name} is {what}{where}")
        return array

    def _halted(self, function: str, halted: Halted) -> FigureError:
        reason = _one_line(halted.reason)
        if halted.status is not Status.MISSING:
            line = halted.problem.line if halted.problem is not None else None
            where = f" (line {line})" if line else ""
            about = "" if halted.problem is not None else f" `{function}`:"
            return self._error(f":{about} {reason}{where}")
        if reason == "still a stub":
            return self._error(f" needs `{function}`, which is still a stub")
        return self._error(f" needs `{function}`: {reason}")

    def _wrong(self, function: str, failure: CheckFailure) -> FigureError:
        return self._error(f": `{function}`: {_one_line(failure.bare.headline)}")

    def _raised(self, function: str, error: Exception) -> FigureError:
        message = _one_line(str(error))
        kind = type(error).__name__
        return self._error(f": `{function}` raised {kind}" + (f": {message}" if message else ""))

    def _error(self, rest: str) -> FigureError:
        return FigureError(f"figure {self.figure}{rest}")


def _described(value: Any) -> str:
    if isinstance(value, tuple | list):
        return f"a {type(value).__name__} of {len(value)}"
    return "None" if value is None else f"a {type(value).__name__}"


def _one_line(text: str) -> str:
    """A text that may come from a submission, without line breaks and control characters."""
    line = "".join(c if c.isprintable() else " " for c in text)
    line = " ".join(line.split())
    return line if len(line) <= MAX_MESSAGE else line[: MAX_MESSAGE - 1] + "…"
