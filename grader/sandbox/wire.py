"""The typed, code-free format in which grader and worker talk.

A message is a frame: a header (payload length, kind, sequence number) and a payload, which is one
value of a closed set of types: None, bool, int, float, complex, str, list, tuple, dict, ndarray and
NumPy scalars of any bool, integer, floating or complex dtype, and references to callables of the
grader's side. There is no code in it, nothing is imported or called while it is read, and every
length is checked against a limit before memory is taken.

What one side encodes the other decodes: both hold the same limits, so that data over a limit is
refused where it is made, in words for its author, and is malformed where it is read.

This module is used on both sides. It imports the standard library and NumPy alone, since the worker
loads it by its path.
"""

from __future__ import annotations

import os
import struct
from collections.abc import Callable
from typing import Any

import numpy as np

MAX_FRAME = 64 * 1024 * 1024
"""Bytes of one payload."""
MAX_ITEMS = 200_000
"""Members of all containers of one payload together."""
MAX_DEPTH = 24
"""Containers inside containers."""
MAX_INT_BYTES = 1024
"""Bytes of one Python int: 2,466 digits, below the 4,300 at which Python refuses to print one."""
MAX_NDIM = 32
"""Dimensions of one array, as in NumPy 1."""
MAX_ODD_KEYS = 1000
"""Dict keys other than strings in one payload. Only the hashes of strings are salted: with more, a
forger could have a dict of equal hashes built here, in time that grows with its square."""
MAX_ODD_KEY_BYTES = 256
"""Bytes of such a key: keys of equal hashes are compared with each other, to where they differ."""

LINGER = 300e-6
"""Seconds for which either side looks for what is to come before it sleeps: to be woken takes as long as most calls."""

HEADER = struct.Struct("<IBI")

# Kinds of frames. To the worker; behind a CALL_ALONE another frame is to be expected at once:
LOAD, CALL, ANSWER, CALL_ALONE = 1, 2, 3, 4
# From the worker:
HELLO, LOADED, RETURNED, RAISED, UNSUPPORTED, CALLBACK, PLAIN = 16, 17, 18, 19, 20, 21, 22

_I64 = struct.Struct("<q")
_F64 = struct.Struct("<d")
_C128 = struct.Struct("<dd")
_U32 = struct.Struct("<I")
# tag, dtype code, column-major, number of dimensions, lengths
_ARRAYS = tuple(struct.Struct(f"<cBBB{ndim}q") for ndim in range(MAX_NDIM + 1))
_SHAPES = tuple(struct.Struct(f"<{ndim}q") for ndim in range(MAX_NDIM + 1))

_DTYPES = tuple(
    np.dtype(t)
    for t in (
        np.bool_, np.int8, np.int16, np.int32, np.int64, np.uint8, np.uint16, np.uint32, np.uint64,
        np.float16, np.float32, np.float64, np.longdouble, np.complex64, np.complex128, np.clongdouble,
    )
)  # fmt: skip
_BOOL = 0
_ndarray = np.ndarray
# Where a long double is a double, the first of the two stands for both.
_CODE_OF = {(t.kind, t.itemsize): code for code, t in reversed(list(enumerate(_DTYPES)))}
_NATIVE = {t: code for code, t in enumerate(_DTYPES) if _CODE_OF[t.kind, t.itemsize] == code}
# Classes are looked at through `type` itself: one that was written to mislead cannot answer.
_name_of_class = type.__dict__["__name__"].__get__
_module_of_class = type.__dict__["__module__"].__get__
_bases_of_class = type.__dict__["__mro__"].__get__
_dict_of_class = type.__dict__["__dict__"].__get__

_KNOWN_PACKAGES = ("numpy", "fractions", "decimal", "datetime", "collections", "itertools")
# What to return instead of the commonest things that cannot travel.
_INSTEAD = {
    "bytes": "return a str, or an array of its values",
    "bytearray": "return a str, or an array of its values",
    "set": "return a list or an array, which have an order",
    "frozenset": "return a list or an array, which have an order",
    "range": "return a list, or np.arange(...)",
    "function": "call it and return its value",
    "method": "call it and return its value",
    "builtin_function_or_method": "call it and return its value",
    "ufunc": "call it and return its value",
    "matrix": "return a plain array: np.asarray(...) of it",
    "recarray": "return a plain array, or a dict of arrays",
    "MaskedArray": "return a plain array: .filled(...) of it",
    "ellipsis": "the body of the function may still be `...`",
}
_ANYTHING_ELSE = "return arrays, numbers, strings, tuples, lists or dicts"


class WireError(ValueError):
    """A payload that is malformed, over a limit, or holds a type that cannot travel.

    While encoding, the text completes "the function returned …".
    """


def dumps(value: Any, refer: Callable[[Any], int] | None = None) -> bytes:
    """Encode one value.

    Parameters
    ----------
    value : data of the types above. Subclasses of list, tuple, dict, str, int and float travel as
        their base; subclasses of ndarray do not travel, as their meaning would be lost.
    refer : gives a callable its number; without it, callables do not travel.

    Raises
    ------
    WireError : another type, or a limit is passed.
    """
    encoder = _Encoder(refer)
    encoder.put(value, 0)
    data = b"".join(encoder.parts)
    if len(data) > MAX_FRAME:
        raise WireError(_too_much(len(data)))
    return data


def loads(data: bytes | bytearray | memoryview, call: Callable[[int], Any] | None = None) -> Any:
    """Decode one value; arrays are new and writable.

    Parameters
    ----------
    data : a whole payload.
    call : makes a callable from a reference's number; without it, references are malformed.

    Raises
    ------
    WireError : anything but exactly one well-formed value within the limits.
    """
    decoder = _Decoder(data, call)
    try:
        value = decoder.take_all(1, 0)[0]
    except (struct.error, IndexError, UnicodeDecodeError, OverflowError, MemoryError) as error:
        raise WireError(f"malformed payload: {type(error).__name__}") from None
    if decoder.at != decoder.end:
        raise WireError(f"{decoder.end - decoder.at} bytes after the value")
    return value


def lingers() -> float:
    """`LINGER`, or 0 where this process has one processor, which the other side needs."""
    usable = getattr(os, "sched_getaffinity", None)
    return LINGER if usable is not None and len(usable(0)) > 1 else 0.0


class _Encoder:
    """Collects the parts of a payload; contiguous arrays are parts themselves, not copied."""

    __slots__ = ("items", "odd_keys", "parts", "refer", "size")

    def __init__(self, refer: Callable[[Any], int] | None) -> None:
        self.parts: list[Any] = []
        self.refer = refer
        self.items = 0
        self.odd_keys = 0
        self.size = 0  # of what can be long; the rest is bounded by the number of items

    def put(self, value: Any, depth: int) -> None:
        kind = type(value)
        if kind is np.ndarray:
            self.put_array(value)
        elif value is None:
            self.parts.append(b"N")
        elif kind is float:
            self.parts.append(b"d" + _F64.pack(value))
        elif kind is str:
            self.put_text(value)
        elif kind is int:
            self.put_int(value)
        elif kind is tuple:
            self.put_items(b"t", value, len(value), depth)
        elif kind is list:
            members = list(value)
            self.put_items(b"l", members, len(members), depth)
        elif kind is dict:
            self.put_dict(value, depth)
        elif kind is bool:
            self.parts.append(b"T" if value else b"F")
        else:
            self.put_other(value, kind, depth)

    def put_other(self, value: Any, kind: type, depth: int) -> None:
        """The rarer types, and subclasses; `kind` decides, whatever `__class__` claims."""
        if issubclass(kind, np.ndarray):
            raise WireError(_unsupported(kind))
        if kind is complex:
            self.parts.append(b"c" + _C128.pack(value.real, value.imag))
        elif issubclass(kind, str):
            self.put_text(str.__str__(value))
        elif issubclass(kind, np.generic):
            code = _CODE_OF.get((value.dtype.kind, value.dtype.itemsize))
            if code is None:
                raise WireError(
                    f"a NumPy scalar of dtype {value.dtype}; {_dtype_advice(value.dtype)}"
                )
            raw = np.asarray(value).astype(_DTYPES[code]).tobytes()
            self.parts.append(b"g" + bytes((code,)) + raw)
        elif issubclass(kind, tuple):
            self.put_items(b"t", tuple.__iter__(value), tuple.__len__(value), depth)
        elif issubclass(kind, list):
            members = list(list.__iter__(value))
            self.put_items(b"l", members, len(members), depth)
        elif issubclass(kind, dict):
            self.put_dict(dict(dict.items(value)), depth)
        elif issubclass(kind, int):
            self.put_int(int.__int__(value))
        elif issubclass(kind, float):
            self.parts.append(b"d" + _F64.pack(float.__float__(value)))
        elif self.refer is not None and callable(value):
            self.parts.append(b"f" + _U32.pack(self.refer(value)))
        else:
            raise WireError(_unsupported(kind))

    def put_int(self, value: int) -> None:
        if -(2**63) <= value < 2**63:
            self.parts.append(b"i" + _I64.pack(value))
            return
        n = value.bit_length() // 8 + 1
        if n > MAX_INT_BYTES:
            raise WireError(f"an int of {value.bit_length():,} bits; return a float")
        self.room(n)
        self.parts.append(b"I" + _U32.pack(n) + value.to_bytes(n, "little", signed=True))

    def put_text(self, value: str) -> None:
        data = value.encode("utf-8", "surrogatepass")
        self.room(len(data))
        self.parts.append(b"s" + _U32.pack(len(data)) + data)

    def put_items(self, tag: bytes, values: Any, n: int, depth: int) -> None:
        self.enter(n, depth)
        self.parts.append(tag + _U32.pack(n))
        for value in values:
            self.put(value, depth + 1)

    def put_dict(self, value: dict[Any, Any], depth: int) -> None:
        value = dict(value)  # another thread may change it
        self.enter(2 * len(value), depth)
        self.parts.append(b"m" + _U32.pack(len(value)))
        plain: set[Any] | None = None
        for key, member in value.items():
            if type(key) is not str:
                self.odd_keys += 1
                if self.odd_keys > MAX_ODD_KEYS:
                    raise WireError(
                        f"a dict with more than {MAX_ODD_KEYS:,} keys that are not strings; "
                        "return an array or a list"
                    )
                # Keys that differ can be one once they are plain: two of a str subclass, say.
                plain = {k for k in value if type(k) is str} if plain is None else plain
                self.put_odd_key(key, plain, depth)
            else:
                self.put_text(key)
            self.put(member, depth + 1)

    def put_odd_key(self, key: Any, plain: set[Any], depth: int) -> None:
        inner = _Encoder(None)
        inner.put(key, depth + 1)
        data = b"".join(inner.parts)
        if len(data) > MAX_ODD_KEY_BYTES:
            raise WireError(
                f"a dict with a key that is no string and has over {MAX_ODD_KEY_BYTES} bytes; "
                "return a list of pairs"
            )
        self.items += inner.items
        self.room(len(data))
        try:
            value = loads(data)
            if value in plain:
                raise WireError("a dict with two keys that are the same as plain data")
            plain.add(value)
        except TypeError:
            raise WireError("a dict with a key that cannot be hashed as plain data") from None
        self.parts.append(data)

    def put_array(self, array: Any) -> None:
        dtype = array.dtype
        code = _NATIVE.get(dtype)
        if code is None:  # another byte order, a synonym, or no number
            code = _CODE_OF.get((dtype.kind, dtype.itemsize))
            if code is None:
                raise WireError(f"an array of dtype {dtype}; {_dtype_advice(dtype)}")
        shape = array.shape
        ndim = len(shape)
        if ndim > MAX_NDIM:
            raise WireError(f"an array of {ndim} dimensions; {MAX_NDIM} are the most")
        self.room(array.nbytes or _n_bytes(shape, dtype.itemsize))
        if dtype is not _DTYPES[code]:
            array = np.asarray(array, _DTYPES[code])
        flags = array.flags
        fortran = False
        if not flags.c_contiguous:
            fortran = flags.f_contiguous
            array = array.T if fortran else np.ascontiguousarray(array)
        self.parts.append(_ARRAYS[ndim].pack(b"a", code, fortran, ndim, *shape))
        self.parts.append(array if array.nbytes > 4096 else array.tobytes())

    def enter(self, n: int, depth: int) -> None:
        self.items += n
        if self.items > MAX_ITEMS:
            raise WireError(
                f"lists, tuples and dicts of more than {MAX_ITEMS:,} items; return arrays"
            )
        if depth >= MAX_DEPTH:
            raise WireError(f"lists, tuples or dicts nested more than {MAX_DEPTH} deep")

    def room(self, n: int) -> None:
        self.size += n
        if self.size > MAX_FRAME:
            raise WireError(_too_much(self.size))


class _Decoder:
    __slots__ = ("at", "call", "data", "end", "items", "odd_keys")

    def __init__(
        self, data: bytes | bytearray | memoryview, call: Callable[[int], Any] | None
    ) -> None:
        self.data = data
        self.end = len(data)
        self.call = call
        self.at = 0
        self.items = 0
        self.odd_keys = 0

    def pass_over(self, n: int) -> int:
        """Where the next `n` bytes begin; they are there."""
        at = self.at
        self.at = at + n
        if self.at > self.end:
            raise WireError("the payload ends too early")
        return at

    def take_all(self, n: int, depth: int) -> list[Any]:
        """The next `n` values. Most kinds are read here: to call a method takes longer."""
        data, at = self.data, self.at
        values: list[Any] = []
        for _ in range(n):
            tag = data[at]
            at += 1
            if tag == 97:  # a
                self.at = at
                values.append(self.take_array())
                at = self.at
            elif tag == 78:  # N
                values.append(None)
            elif tag == 100:  # d
                values.append(_F64.unpack_from(data, at)[0])
                at += 8
            elif tag == 115:  # s
                behind = at + 4 + _U32.unpack_from(data, at)[0]
                if behind > self.end:
                    raise WireError("the payload ends too early")
                values.append(str(data[at + 4 : behind], "utf-8", "surrogatepass"))
                at = behind
            elif tag == 105:  # i
                values.append(_I64.unpack_from(data, at)[0])
                at += 8
            elif tag == 84:  # T
                values.append(True)
            elif tag == 70:  # F
                values.append(False)
            else:
                self.at = at
                values.append(self.take_container(tag, depth))
                at = self.at
        self.at = at
        return values

    def take_container(self, tag: int, depth: int) -> Any:
        if tag == 116:  # t
            return tuple(self.take_all(self.enter(1, depth), depth + 1))
        if tag == 109:  # m
            return self.take_dict(depth)
        if tag == 108:  # l
            return self.take_all(self.enter(1, depth), depth + 1)
        return self.take_rare(tag)

    def take_rare(self, tag: int) -> Any:
        if tag == 103:  # g
            dtype = self.dtype(self.data[self.pass_over(1)])
            return self.values(dtype, (), self.pass_over(dtype.itemsize))[()]
        if tag == 99:  # c
            return complex(*_C128.unpack_from(self.data, self.pass_over(16)))
        if tag == 73:  # I
            n = self.count()
            if n > MAX_INT_BYTES:
                raise WireError(f"an int of {n} bytes")
            at = self.pass_over(n)
            return int.from_bytes(self.data[at : at + n], "little", signed=True)
        if tag == 102:  # f
            if self.call is None:
                raise WireError("a callable where none may be")
            return self.call(self.count())
        raise WireError(f"unknown tag {tag}")

    def take_dict(self, depth: int) -> dict[Any, Any]:
        n = self.enter(2, depth)
        result: dict[Any, Any] = {}
        for _ in range(n):
            start = self.at
            key = self.take_all(1, depth + 1)[0]
            if type(key) is not str:
                self.odd_keys += 1
                if self.odd_keys > MAX_ODD_KEYS:
                    raise WireError(f"more than {MAX_ODD_KEYS:,} keys that are not strings")
                if self.at - start > MAX_ODD_KEY_BYTES:
                    raise WireError(f"a key of {self.at - start} bytes that is no string")
            try:
                known = key in result
            except TypeError:
                raise WireError("a dict key that cannot be hashed") from None
            if known:
                raise WireError("a dict with a key twice")
            result[key] = self.take_all(1, depth + 1)[0]
        return result

    def take_array(self) -> Any:
        data, at = self.data, self.at
        code, fortran, ndim = data[at], data[at + 1], data[at + 2]
        dtype = _DTYPES[code] if code < len(_DTYPES) else self.dtype(code)
        if ndim > MAX_NDIM or fortran > 1:
            raise WireError("a malformed array header")
        shape = _SHAPES[ndim].unpack_from(data, at + 3)
        at += 3 + 8 * ndim
        self.at = at + _n_bytes(shape, dtype.itemsize)
        if self.at > self.end:
            raise WireError("the payload ends too early")
        if fortran:
            return self.values(dtype, shape[::-1], at).T
        if code != _BOOL:
            return _ndarray(shape, dtype, data, at).copy()
        return self.values(dtype, shape, at)

    def values(self, dtype: Any, shape: tuple[int, ...], at: int) -> Any:
        """A new array with the bytes at `at`, which are there."""
        if dtype is _DTYPES[_BOOL]:
            raw = _ndarray(shape, np.uint8, self.data, at)
            if raw.size and raw.max() > 1:
                raise WireError("a bool that is neither 0 nor 1")
            return raw.astype(np.bool_)
        return _ndarray(shape, dtype, self.data, at).copy()

    @staticmethod
    def dtype(code: int) -> Any:
        if code >= len(_DTYPES):
            raise WireError(f"unknown dtype {code}")
        return _DTYPES[code]

    def count(self) -> int:
        return int(_U32.unpack_from(self.data, self.pass_over(4))[0])

    def enter(self, weight: int, depth: int) -> int:
        n: int = _U32.unpack_from(self.data, self.at)[0]
        self.at += 4
        self.items += weight * n
        if self.items > MAX_ITEMS:
            raise WireError(f"more than {MAX_ITEMS:,} items")
        if depth >= MAX_DEPTH:
            raise WireError(f"containers nested more than {MAX_DEPTH} deep")
        return n


def _n_bytes(shape: tuple[int, ...], itemsize: int) -> int:
    """Bytes of an array. Its non-zero lengths are limited too, since NumPy multiplies them."""
    size = whole = itemsize
    for n in shape:
        if n < 0:
            raise WireError("an array of negative length")
        size *= n
        whole *= n or 1
    if whole > MAX_FRAME:
        raise WireError(_too_much(whole))
    return size


def _too_much(n: int) -> str:
    return f"{-(-n >> 20):,} MiB of data; {MAX_FRAME >> 20} MiB are the most"


def _dtype_advice(dtype: Any) -> str:
    """What to return instead of an array of a dtype that is no number."""
    if dtype.kind == "O":
        return "it holds Python objects, or rows of different lengths; return numbers, or a list of arrays"
    if dtype.kind in "US":
        return "return a list of str"
    if dtype.kind == "V":
        return "return plain arrays, or a dict of them"
    return "return an array of numbers"


def _unsupported(kind: type) -> str:
    """A class that cannot travel, in the words of who returned it."""
    if issubclass(kind, type):
        return "a class; return a value"
    name, module = _name_of_class(kind)[:100], _module_of_class(kind)
    package = module.partition(".")[0] if type(module) is str else ""
    advice = _INSTEAD.get(name) if package in ("builtins", "numpy") else None
    if advice is None:
        lazy = "__next__" in _names_in(kind) or name.startswith("dict_")
        advice = "return list(...) of it" if lazy else _ANYTHING_ELSE
    shown = f"{package}.{name}" if package in _KNOWN_PACKAGES else name
    article = "" if kind is bytes else "an " if shown[0].lower() in "aeio" else "a "
    return f"{article}{shown}; {advice}"


def _names_in(kind: type) -> set[str]:
    """What a class and its bases define, found without running any of their code."""
    return {name for base in _bases_of_class(kind) for name in _dict_of_class(base)}
