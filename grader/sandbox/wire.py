"""The typed, code-free format in which grader and worker talk.

A message is a frame: a header (payload length, kind, sequence number) and a payload, which is one
value of a closed set of types: None, bool, int, float, complex, str, list, tuple, dict, ndarray and NumPy
scalars of any bool, integer, floating or complex dtype, and references to callables of the grader's
side. There is no code in it, nothing is imported or called while it is read, and every length is checked
against a limit before memory is taken.

This module is used on both sides. It imports the standard library and NumPy alone, since the worker
loads it by its path.
"""

from __future__ import annotations

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
MAX_INT_BYTES = 4096
"""Bytes of one Python int: converting larger ones to text is quadratic."""

HEADER = struct.Struct("<IBI")

# Kinds of frames. To the worker:
LOAD, CALL, ANSWER = 1, 2, 3
# From the worker:
HELLO, LOADED, RETURNED, RAISED, UNSUPPORTED, CALLBACK = 16, 17, 18, 19, 20, 21

_I64 = struct.Struct("<q")
_F64 = struct.Struct("<d")
_C128 = struct.Struct("<dd")
_U32 = struct.Struct("<I")
_ARRAY = struct.Struct("<BBB")  # dtype code, column-major, number of dimensions

_DTYPES = tuple(
    np.dtype(t)
    for t in (
        np.bool_, np.int8, np.int16, np.int32, np.int64, np.uint8, np.uint16, np.uint32, np.uint64,
        np.float16, np.float32, np.float64, np.longdouble, np.complex64, np.complex128, np.clongdouble,
    )
)  # fmt: skip
_BOOL = 0
_CODE_OF = {(dtype.kind, dtype.itemsize): code for code, dtype in reversed(list(enumerate(_DTYPES)))}


class WireError(ValueError):
    """A payload that is malformed, over a limit, or holds a type that cannot travel."""


class Reference:
    """A callable that stays on the other side; `number` is its place in that side's table."""

    __slots__ = ("number",)

    def __init__(self, number: int) -> None:
        self.number = number


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
    out = bytearray()
    _Encoder(out, refer).put(value, 0)
    return bytes(out)


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
    decoder = _Decoder(memoryview(data), call)
    try:
        value = decoder.take(0)
    except (struct.error, IndexError, UnicodeDecodeError, OverflowError, MemoryError) as error:
        raise WireError(f"malformed payload: {type(error).__name__}") from None
    if decoder.at != len(decoder.data):
        raise WireError(f"{len(decoder.data) - decoder.at} bytes after the value")
    return value


class _Encoder:
    __slots__ = ("items", "out", "refer")

    def __init__(self, out: bytearray, refer: Callable[[Any], int] | None) -> None:
        self.out = out
        self.refer = refer
        self.items = 0

    def put(self, value: Any, depth: int) -> None:
        kind = type(value)
        if kind is np.ndarray:
            self.put_array(value)
        elif kind is float:
            self.out += b"d" + _F64.pack(value)
        elif kind is bool:
            self.out += b"T" if value else b"F"
        elif kind is int:
            self.put_int(value)
        elif kind is str:
            self.put_text(value)
        elif value is None:
            self.out += b"N"
        elif kind is tuple:
            self.put_items(b"t", value, depth)
        elif kind is list:
            self.put_items(b"l", value, depth)
        elif kind is dict:
            self.put_dict(value, depth)
        else:
            self.put_other(value, kind, depth)

    def put_other(self, value: Any, kind: type, depth: int) -> None:
        """The rarer types, and subclasses."""
        if isinstance(value, np.generic):
            code = _CODE_OF.get((value.dtype.kind, value.dtype.itemsize))
            if code is None:
                raise WireError(f"a NumPy scalar of dtype {value.dtype}")
            self.out += b"g" + bytes((code,)) + np.asarray(value).astype(_DTYPES[code]).tobytes()
        elif kind is complex:
            self.out += b"c" + _C128.pack(value.real, value.imag)
        elif isinstance(value, np.ndarray):
            raise WireError(f"a {kind.__module__}.{kind.__name__}, not a plain numpy.ndarray")
        elif isinstance(value, tuple):
            self.put_items(b"t", tuple.__iter__(value), depth, tuple.__len__(value))
        elif isinstance(value, list):
            self.put_items(b"l", list.__iter__(value), depth, list.__len__(value))
        elif isinstance(value, dict):
            self.put_dict(dict(dict.items(value)), depth)
        elif isinstance(value, int):
            self.put_int(int.__int__(value))
        elif isinstance(value, float):
            self.out += b"d" + _F64.pack(float.__float__(value))
        elif isinstance(value, str):
            self.put_text(str.__str__(value))
        elif self.refer is not None and callable(value):
            self.out += b"f" + _U32.pack(self.refer(value))
        else:
            raise WireError(f"a {kind.__module__}.{kind.__name__}".replace("a builtins.", "a "))

    def put_int(self, value: int) -> None:
        if -(2**63) <= value < 2**63:
            self.out += b"i" + _I64.pack(value)
            return
        n = value.bit_length() // 8 + 1
        if n > MAX_INT_BYTES:
            raise WireError(f"an int of {n} bytes")
        self.out += b"I" + _U32.pack(n) + value.to_bytes(n, "little", signed=True)

    def put_text(self, value: str) -> None:
        data = value.encode("utf-8", "surrogatepass")
        self.room(len(data))
        self.out += b"s" + _U32.pack(len(data)) + data

    def put_items(self, tag: bytes, values: Any, depth: int, n: int | None = None) -> None:
        n = len(values) if n is None else n
        self.enter(n, depth)
        self.out += tag + _U32.pack(n)
        for value in values:
            self.put(value, depth + 1)

    def put_dict(self, value: dict[Any, Any], depth: int) -> None:
        self.enter(2 * len(value), depth)
        self.out += b"m" + _U32.pack(len(value))
        for key, member in value.items():
            self.put(key, depth + 1)
            self.put(member, depth + 1)

    def put_array(self, array: Any) -> None:
        code = _CODE_OF.get((array.dtype.kind, array.dtype.itemsize))
        if code is None:
            raise WireError(f"an array of dtype {array.dtype}")
        self.room(array.nbytes)
        fortran = array.ndim > 1 and array.flags.f_contiguous and not array.flags.c_contiguous
        self.out += b"a" + _ARRAY.pack(code, fortran, array.ndim)
        self.out += struct.pack(f"<{array.ndim}q", *array.shape)
        if array.dtype != _DTYPES[code]:  # another byte order
            array = array.astype(_DTYPES[code])
        self.out += array.tobytes("F" if fortran else "C")

    def enter(self, n: int, depth: int) -> None:
        self.items += n
        if self.items > MAX_ITEMS:
            raise WireError(f"more than {MAX_ITEMS:,} items")
        if depth >= MAX_DEPTH:
            raise WireError(f"containers nested more than {MAX_DEPTH} deep")

    def room(self, n: int) -> None:
        if len(self.out) + n + 256 > MAX_FRAME:
            raise WireError(f"more than {MAX_FRAME // 2**20} MiB of data")


class _Decoder:
    __slots__ = ("at", "call", "data", "items")

    def __init__(self, data: memoryview, call: Callable[[int], Any] | None) -> None:
        self.data = data
        self.call = call
        self.at = 0
        self.items = 0

    def bytes(self, n: int) -> memoryview:
        end = self.at + n
        if end > len(self.data):
            raise WireError("the payload ends too early")
        part = self.data[self.at : end]
        self.at = end
        return part

    def take(self, depth: int) -> Any:
        tag = self.data[self.at]
        self.at += 1
        match tag:
            case 97:  # a
                return self.take_array()
            case 100:  # d
                return _F64.unpack(self.bytes(8))[0]
            case 105:  # i
                return _I64.unpack(self.bytes(8))[0]
            case 116 | 108:  # t, l
                n = self.enter(1, depth)
                values = [self.take(depth + 1) for _ in range(n)]
                return tuple(values) if tag == 116 else values
            case 115:  # s
                return str(self.bytes(self.count()), "utf-8", "surrogatepass")
            case 78:  # N
                return None
            case 84:  # T
                return True
            case 70:  # F
                return False
            case 109:  # m
                return self.take_dict(depth)
            case 103:  # g
                dtype = self.dtype(self.bytes(1)[0])
                raw = self.bytes(dtype.itemsize)
                return self.values(raw, dtype, ()).copy()[()]
            case 99:  # c
                return complex(*_C128.unpack(self.bytes(16)))
            case 73:  # I
                n = self.count()
                if n > MAX_INT_BYTES:
                    raise WireError(f"an int of {n} bytes")
                return int.from_bytes(self.bytes(n), "little", signed=True)
            case 102:  # f
                if self.call is None:
                    raise WireError("a callable where none may be")
                return self.call(self.count())
            case _:
                raise WireError(f"unknown tag {tag}")

    def take_dict(self, depth: int) -> dict[Any, Any]:
        n = self.enter(2, depth)
        result: dict[Any, Any] = {}
        for _ in range(n):
            key = self.take(depth + 1)
            try:
                known = key in result
            except TypeError:
                raise WireError("a dict key that cannot be hashed") from None
            if known:
                raise WireError("a dict with a key twice")
            result[key] = self.take(depth + 1)
        return result

    def take_array(self) -> Any:
        code, fortran, ndim = _ARRAY.unpack(self.bytes(3))
        dtype = self.dtype(code)
        if ndim > 32 or fortran > 1:
            raise WireError("a malformed array header")
        shape = struct.unpack(f"<{ndim}q", self.bytes(8 * ndim))
        size = dtype.itemsize
        for n in shape:
            if n < 0 or n > MAX_FRAME:
                raise WireError("a malformed array shape")
            size *= n
        raw = self.bytes(size)
        if fortran:
            return self.values(raw, dtype, shape[::-1]).transpose().copy("F")
        return self.values(raw, dtype, shape).copy()

    @staticmethod
    def values(raw: memoryview, dtype: Any, shape: tuple[int, ...]) -> Any:
        if dtype is _DTYPES[_BOOL]:  # a byte other than 0 or 1 is no bool
            return np.frombuffer(raw, dtype=np.uint8).reshape(shape) != 0
        return np.ndarray(shape, dtype, buffer=raw)

    @staticmethod
    def dtype(code: int) -> Any:
        if code >= len(_DTYPES):
            raise WireError(f"unknown dtype {code}")
        return _DTYPES[code]

    def count(self) -> int:
        return int(_U32.unpack(self.bytes(4))[0])

    def enter(self, weight: int, depth: int) -> int:
        n = self.count()
        self.items += weight * n
        if self.items > MAX_ITEMS:
            raise WireError(f"more than {MAX_ITEMS:,} items")
        if depth >= MAX_DEPTH:
            raise WireError(f"containers nested more than {MAX_DEPTH} deep")
        return n
