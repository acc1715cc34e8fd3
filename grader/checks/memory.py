"""Values of forward passes that were computed before, for runs that ask the same many times.

Where a suite is run against hundreds of implementations, or a failing test against each known mistake, the
suite's own forward pass is evaluated at the same points each time. It is known again by its code and all that it
closes over; one that closes over anything but data and such functions is computed anew.
"""

from __future__ import annotations

import functools
import hashlib
import types
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import numpy as np
import numpy.typing as npt

LIMIT = 64 * 1024 * 1024
"""Bytes of points and values that are kept; then all is forgotten."""
LARGEST = 16 * 1024
"""Bytes of a point or value that is kept."""
OVERHEAD = 300
"""Bytes that an entry takes beside its data."""


class Memory:
    """What functions gave at points."""

    def __init__(self) -> None:
        self._values: dict[tuple[bytes, bytes], npt.NDArray[Any]] = {}
        self._size = 0

    def get(self, function: bytes, point: bytes) -> npt.NDArray[Any] | None:
        """The value of a function, known by its fingerprint, at a point."""
        return self._values.get((function, point))

    def put(self, function: bytes, point: bytes, value: npt.NDArray[Any]) -> None:
        """Keep a value, if it is not too large."""
        if max(len(point), value.nbytes) > LARGEST:
            return
        self._size += len(point) + value.nbytes + OVERHEAD
        if self._size > LIMIT:
            self._values.clear()
            self._size = 0
        self._values[function, point] = value.copy()


_in_use: list[Memory] = []


def current() -> Memory | None:
    """The memory in use, if any."""
    return _in_use[-1] if _in_use else None


@contextmanager
def remembering(memory: Memory) -> Iterator[None]:
    """Use a memory for all forward passes in a block."""
    _in_use.append(memory)
    try:
        yield
    finally:
        _in_use.pop()


def fingerprint(function: Callable[..., Any]) -> bytes | None:
    """What tells a function from all others that compute something else; None where that cannot be said."""
    digest = hashlib.blake2b(digest_size=16)
    try:
        _feed(digest.update, function, 0)
    except _Unknown:
        return None
    return digest.digest()


class _Unknown(Exception):
    """Something whose content cannot be told."""


def _feed(update: Callable[[bytes], None], value: Any, depth: int) -> None:
    """Feed all that a value consists of to a digest, each part with its type and length."""
    if depth > 12:
        raise _Unknown
    update(f"{type(value).__name__}:".encode())
    match value:
        case None | bool() | int() | float() | complex() | str() | bytes():
            text = repr(value).encode()
            update(b"%d:" % len(text) + text)
        case np.ndarray() | np.generic() if value.dtype.kind in "biufc":
            update(f"{value.dtype.str}{value.shape}:".encode())
            update(np.ascontiguousarray(value).tobytes())
        case tuple() | list():
            update(b"%d:" % len(value))
            for each in value:
                _feed(update, each, depth + 1)
        case Mapping():
            update(b"%d:" % len(value))
            for key, each in value.items():
                _feed(update, key, depth + 1)
                _feed(update, each, depth + 1)
        case types.FunctionType():
            # The object itself, not its text: two functions of one text may live in two modules.
            update(b"%d:" % id(value.__code__))
            _KEPT.add(value.__code__)
            _feed(update, value.__defaults__, depth + 1)
            _feed(update, value.__kwdefaults__, depth + 1)
            cells = value.__closure__ or ()
            try:
                _feed(update, [cell.cell_contents for cell in cells], depth + 1)
            except ValueError:  # a cell that is still empty
                raise _Unknown from None
        case functools.partial():
            _feed(update, value.func, depth + 1)
            _feed(update, value.args, depth + 1)
            _feed(update, value.keywords, depth + 1)
        case types.BuiltinFunctionType() if value.__self__ is None or isinstance(
            value.__self__, types.ModuleType
        ):
            update(f"{value.__module__}.{value.__qualname__}:".encode())
        case np.ufunc():
            update(f"{value.__name__}:".encode())
        case _:
            raise _Unknown


_KEPT: set[types.CodeType] = set()
"""Code objects that were fingerprinted: kept, so that no other gets the id of one that is gone."""
