"""The format between grader and worker: what goes in comes out, and nothing else is read."""

from __future__ import annotations

import enum
import math
import random
import struct
import tracemalloc
from collections import OrderedDict, defaultdict, namedtuple
from fractions import Fraction
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from grader.sandbox import wire
from grader.sandbox.wire import WireError, dumps, loads

DTYPES = [
    np.bool_, np.int8, np.int16, np.int32, np.int64, np.uint8, np.uint16, np.uint32, np.uint64,
    np.float16, np.float32, np.float64, np.longdouble, np.complex64, np.complex128, np.clongdouble,
]  # fmt: skip


def there_and_back(value: Any) -> Any:
    """What arrives of a value."""
    return loads(dumps(value))


def same(a: Any, b: Any) -> bool:
    """Whether two values are one in type, structure and bits; the signs of zeros and NaNs count."""
    if type(a) is not type(b):
        return False
    if isinstance(a, list | tuple):
        return len(a) == len(b) and all(map(same, a, b))
    if isinstance(a, dict):
        return same(list(a.items()), list(b.items()))
    if isinstance(a, np.ndarray | np.generic):
        return a.dtype == b.dtype and a.shape == b.shape and a.tobytes() == b.tobytes()
    if isinstance(a, float):
        return struct.pack("d", a) == struct.pack("d", b)
    if isinstance(a, complex):
        return same(a.real, b.real) and same(a.imag, b.imag)
    return bool(a == b)


# ---- round trips


@pytest.mark.parametrize(
    "value",
    [
        None, True, False, 0, -1, 2**63 - 1, -(2**63), 2**63, -(2**63) - 1, 10**2000, -(10**2000),
        0.0, -0.0, 1e308, 5e-324, math.inf, -math.inf, math.nan, 1 + 2j, complex(-0.0, math.nan),
        "", "softmax", "∂L/∂W", "\U0001f40d", "a\0b", "\ud800", (), [], {}, (1,), [None], [[], ()],
        ((1, [2.0, {"k": (3j, "v")}]),), {"W": [1], "b": None},
        {1: "a", True + 1: "b", None: "c", 2.5: "d", (1, ("x",)): "e", -0.5: {}},
    ],
    ids=lambda value: repr(value)[:30],
)  # fmt: skip
def test_plain_values_come_back_as_they_are(value: Any) -> None:
    """Type, structure, order and bits survive."""
    assert same(there_and_back(value), value)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("shape", [(), (0,), (3, 0, 2), (1,), (2, 3), (2, 3, 4), (2000,)])
def test_arrays_of_every_dtype_and_shape_come_back(dtype: Any, shape: tuple[int, ...]) -> None:
    """Dtype, shape and values survive; the copy owns its memory and can be written to."""
    array = np.array(np.arange(math.prod(shape)).reshape(shape) % 2, dtype)
    back = there_and_back(array)
    assert back.dtype == array.dtype
    np.testing.assert_array_equal(back, array, strict=True)
    assert back.flags.writeable
    assert back.flags.aligned
    back[...] = 1


@pytest.mark.parametrize("dtype", DTYPES)
def test_numpy_scalars_keep_their_dtype(dtype: Any) -> None:
    """A NumPy scalar comes back as a NumPy scalar, not as an array or a Python number."""
    value = dtype(1)
    back = there_and_back(value)
    assert type(back) is type(np.array(value)[()])
    assert back == value


def test_memory_orders_survive_or_become_c() -> None:
    """Column-major arrays stay so; views with strides arrive in row-major order."""
    c = np.arange(600.0).reshape(20, 30)
    for array in (np.asfortranarray(c), np.asfortranarray(np.arange(10000.0).reshape(50, 200))):
        back = there_and_back(array)
        assert back.flags.f_contiguous
        np.testing.assert_array_equal(back, array)
    for view in (c[::2], c[:, ::-3], c[5:, 3:7].T, np.broadcast_to(c[0], (4, 30)), c[3:4, ::2]):
        np.testing.assert_array_equal(there_and_back(view), view, strict=True)


def test_other_byte_orders_arrive_native() -> None:
    """The values survive, in this machine's byte order."""
    for code in (">f8", "<f8", ">i2", ">c16", ">u4"):
        array = np.array([1, 2, 3]).astype(code)
        back = there_and_back(array)
        assert back.dtype.isnative
        np.testing.assert_array_equal(back, array)


def test_nan_payloads_survive() -> None:
    """The bits of a NaN are data."""
    bits = np.array([0x7FF8000000000001, 0xFFF8DEADBEEF0000], np.uint64)
    assert there_and_back(bits.view(np.float64)).view(np.uint64).tolist() == bits.tolist()


Pair = namedtuple("Pair", "W b")


class Colour(enum.IntEnum):
    RED = 3


class Word(str):
    __slots__ = ()


@pytest.mark.parametrize(
    ("value", "arrives"),
    [
        (Pair(1, 2.0), (1, 2.0)),
        (OrderedDict(b=1, a=2), {"b": 1, "a": 2}),
        (defaultdict(list, {"a": [1]}), {"a": [1]}),
        (Colour.RED, 3),
        (Word("x"), "x"),
        ({Word("k"): Word("v")}, {"k": "v"}),
        (np.str_("x"), "x"),
        ([Pair([], {})], [([], {})]),
    ],
    ids=repr,
)
def test_subclasses_of_plain_types_travel_as_their_base(value: Any, arrives: Any) -> None:
    """What a learner returns for convenience arrives as plain data."""
    assert same(there_and_back(value), arrives)


def test_a_subclass_cannot_speak_for_itself() -> None:
    """The contents of a list, dict, str, int or float subclass are read past its own methods."""

    class LyingList(list):  # type: ignore[type-arg]
        def __iter__(self) -> Any:
            raise RuntimeError

        def __len__(self) -> int:
            return 10**9

    class LyingDict(dict):  # type: ignore[type-arg]
        def items(self) -> Any:
            raise RuntimeError

    class LyingFloat(float):
        def __float__(self) -> float:
            return 0.0

    class Pretender:
        __class__ = np.float64  # type: ignore[assignment]

    assert there_and_back(LyingList([1, 2])) == [1, 2]
    assert there_and_back(LyingDict(a=1)) == {"a": 1}
    assert there_and_back(LyingFloat(2.5)) == 2.5
    with pytest.raises(WireError, match=r"^a Pretender; return arrays"):
        dumps(Pretender())


SCALARS = (
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False)
    | st.complex_numbers(allow_nan=False) | st.text(st.characters())
)  # fmt: skip
ARRAYS = hnp.arrays(
    st.sampled_from([np.dtype(t) for t in DTYPES if t not in (np.longdouble, np.clongdouble)]),
    hnp.array_shapes(min_dims=0, max_dims=4, min_side=0, max_side=5),
)
VALUES = st.recursive(
    SCALARS | ARRAYS,
    lambda inner: (
        st.lists(inner, max_size=5)
        | st.lists(inner, max_size=5).map(tuple)
        | st.dictionaries(
            st.text(max_size=5) | st.integers() | st.booleans() | st.none(), inner, max_size=5
        )
    ),
    max_leaves=12,
)


@settings(max_examples=150, deadline=None)
@given(VALUES)
def test_any_value_comes_back(value: Any) -> None:
    """Whatever is made of the types that travel survives."""
    assert same(there_and_back(value), value)


# ---- what does not travel


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ({1, 2}, r"^a set; return a list or an array, which have an order$"),
        (frozenset(), r"^a frozenset; return a list"),
        (range(3), r"^a range; return a list, or np\.arange"),
        (b"ab", r"^bytes; return a str"),
        (bytearray(b"ab"), r"^a bytearray; return a str"),
        ((i for i in ()), r"^a generator; return list\(\.\.\.\) of it$"),
        (zip([], strict=True), r"^a zip; return list\(\.\.\.\) of it$"),
        ({}.items(), r"^a dict_items; return list\(\.\.\.\) of it$"),
        (..., r"^an ellipsis; the body"),
        (Fraction(1, 3), r"^a fractions\.Fraction; return arrays, numbers"),
        (object(), r"^an object; return arrays, numbers"),
        (print, r"call it and return its value$"),
        (lambda: 0, r"^a function; call it and return its value$"),
        (int, r"^a class; return a value$"),
        (np.ma.array([1.0]), r"^a numpy\.MaskedArray; return a plain array: \.filled"),
        (
            np.rec.array([(1, 2.0)]),
            r"^a numpy\.recarray; return a plain array, or a dict of arrays$",
        ),
        (
            np.array([[1], [1, 2]], object),
            r"^an array of dtype object; .*rows of different lengths",
        ),
        (np.array(["a"]), r"^an array of dtype <U1; return a list of str$"),
        (np.array([b"a"]), r"^an array of dtype \|S1"),
        (
            np.zeros(2, "f8,i4"),
            r"^an array of dtype \[.*\]; return plain arrays, or a dict of them$",
        ),
        (np.array(["2020-01-01"], "M8[D]"), r"^an array of dtype datetime64\[D\]"),
        (np.datetime64("2020"), r"^a NumPy scalar of dtype datetime64\[Y\]"),
        (np.bytes_(b"a"), r"^a NumPy scalar of dtype \|S1"),
        ([{"k": ({1},)}], r"^a set;"),
        ({Fraction(1): 1}, r"^a fractions\.Fraction;"),
    ],
    ids=lambda v: type(v).__name__,
)
def test_other_types_are_refused_in_words(value: Any, text: str) -> None:
    """The text completes 'the function returned …' and says what to return instead."""
    with pytest.raises(WireError, match=text):
        dumps(value)


def test_a_matrix_is_refused() -> None:
    """Its `*` means something else than an array's."""
    with pytest.warns(PendingDeprecationWarning):
        matrix = np.matrix([[1.0]])
    with pytest.raises(WireError, match=r"^a numpy\.matrix; return a plain array: np\.asarray"):
        dumps(matrix)


def test_class_names_are_read_past_their_metaclass() -> None:
    """A class that computes, hides or decorates its name still gets a message."""

    class Meta(type):
        @property
        def __name__(cls) -> str:  # type: ignore[override]
            raise RuntimeError

    class Größe(metaclass=Meta):
        __module__ = 5  # type: ignore[assignment]

    with pytest.raises(WireError, match=r"^a Größe; return"):
        dumps(Größe())


# ---- callables


def test_callables_travel_as_numbers() -> None:
    """They are numbered where they are sent and made anew where they arrive."""
    table: list[Any] = []

    def refer(function: Any) -> int:
        table.append(function)
        return len(table) - 1

    data = dumps((abs, {"f": [math.exp]}), refer)
    assert table == [abs, math.exp]
    assert loads(data, lambda number: f"#{number}") == ("#0", {"f": ["#1"]})
    with pytest.raises(WireError, match="a callable where none may be"):
        loads(data)
    with pytest.raises(WireError, match="call it"):
        dumps(abs)


# ---- limits, on both sides


def nested(depth: int) -> list[Any]:
    """A list in lists."""
    value: list[Any] = []
    for _ in range(depth - 1):
        value = [value]
    return value


@pytest.mark.parametrize(
    ("fits", "over", "text"),
    [
        (nested(wire.MAX_DEPTH), nested(wire.MAX_DEPTH + 1), "nested more than 24 deep"),
        ([None] * wire.MAX_ITEMS, [None] * (wire.MAX_ITEMS + 1), "more than 200,000 items"),
        (
            [[0] * 99] * (wire.MAX_ITEMS // 100),
            [[0] * 99] * (wire.MAX_ITEMS // 100 + 1),
            "200,000 items",
        ),
        (
            dict.fromkeys(map(str, range(100_000))),
            dict.fromkeys(map(str, range(100_001))),
            "200,000",
        ),
        (dict.fromkeys(range(1000)), dict.fromkeys(range(1001)), "keys that are not strings"),
        (2 ** (8 * wire.MAX_INT_BYTES - 2), 2 ** (8 * wire.MAX_INT_BYTES), "an int of 8,193 bits"),
        (np.zeros((1,) * 32), None, ""),
        (np.zeros((0, 1000, 1000)), np.zeros((0, 2**40)), "MiB of data"),
        (np.zeros(2**22), np.zeros(2**23), "65 MiB|64 MiB"),
    ],
    ids=[
        "depth",
        "items",
        "items in all",
        "dict items",
        "odd keys",
        "int",
        "ndim",
        "empty",
        "bytes",
    ],
)
def test_limits_when_sending(fits: Any, over: Any, text: str) -> None:
    """Up to a limit all travels; beyond it the sender is told."""
    there_and_back(fits)
    if over is not None:
        with pytest.raises(WireError, match=text):
            dumps(over)


@pytest.mark.parametrize(
    "value",
    [
        np.broadcast_to(1.0, (10**10,)),
        [np.zeros(2**17), np.zeros(2**17)],
        "x" * 2**21,
        [2**8000] * 2000,
        ["x" * 1000] * 2000,
        {"x" * 1000 + str(i): None for i in range(1000)} | {"x" * 10**6: None},
    ],
    ids=["view", "arrays", "text", "ints", "texts", "keys"],
)
def test_too_much_is_refused_before_it_is_copied(
    value: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """All that is sent counts, and no more than about the limit is held on the way."""
    monkeypatch.setattr(wire, "MAX_FRAME", 2**20)
    tracemalloc.start()
    try:
        with pytest.raises(WireError, match="1 MiB are the most"):
            dumps(value)
        assert tracemalloc.get_traced_memory()[1] < 4 * 2**20
    finally:
        tracemalloc.stop()


U32 = struct.Struct("<I").pack


def array_header(code: int, fortran: int, *shape: int) -> bytes:
    """An array without its values."""
    return b"a" + bytes((code, fortran, len(shape))) + struct.pack(f"<{len(shape)}q", *shape)


@pytest.mark.parametrize(
    "data",
    [
        b"", b"?", b"\xff", b"NN", b"d", b"d1234567", b"i", b"c" + bytes(15), b"I" + U32(4) + b"123",
        b"s" + U32(2**32 - 1), b"s" + U32(2) + b"\xff\xff", b"l" + U32(2**32 - 1), b"t" + U32(3) + b"NN",
        b"l" + U32(wire.MAX_ITEMS + 1) + b"N" * (wire.MAX_ITEMS + 1),
        b"m" + U32(2**32 - 1), b"m" + U32(1) + b"N", b"m" + U32(2) + b"NTNF", b"m" + U32(2) + b"TNi" + bytes(8),
        b"m" + U32(1) + b"l" + U32(0) + b"N", b"m" + U32(1) + array_header(11, 0, 0) + b"N",
        b"m" + U32(1) + b"t" + U32(1) + b"l" + U32(0) + b"N",
        b"I" + U32(2**31) + b"1", b"I" + U32(wire.MAX_INT_BYTES + 1) + b"1" * (wire.MAX_INT_BYTES + 1),
        b"g", b"g\x10", b"g\xff" + bytes(8), b"g\x00\x02", b"g\x00\xff", b"g\x0b1234567", b"f" + U32(0),
        b"l\x01\0\0\0" * 10_000, b"l\x01\0\0\0" * (wire.MAX_DEPTH + 1) + b"N",
        b"a", b"a\x0b\0", array_header(11, 0, 2**62), array_header(11, 0, -1), array_header(11, 0, -1, -8),
        array_header(11, 0, 2**33, 2**33), array_header(11, 0, 10**6), array_header(11, 2, 1) + bytes(8),
        array_header(16, 0, 1) + bytes(8), array_header(0, 0, 2) + b"\x01\x02", array_header(5, 0, *[1] * 33),
        array_header(11, 0, *[2**26] * 31, 0), array_header(11, 0, *[2**62] * 31, 0), array_header(11, 0, 0, 2**40),
    ],
    ids=lambda data: repr(data[:24]),
)  # fmt: skip
def test_malformed_payloads_are_refused_without_taking_memory(data: bytes) -> None:
    """A length, a shape or a count costs nothing until the bytes are there."""
    tracemalloc.start()
    try:
        with pytest.raises(WireError):
            loads(data)
        assert tracemalloc.get_traced_memory()[1] < 10 * 2**20
    finally:
        tracemalloc.stop()


def test_a_dict_of_equal_hashes_cannot_be_built() -> None:
    """Ints that are multiples of 2**61 - 1 all have the hash 0: their number is limited."""
    n = 50_000
    keys = [dumps((2**61 - 1) * i) for i in range(n)]
    assert hash((2**61 - 1) * n) == 0
    data = b"m" + U32(n) + b"".join(key + b"N" for key in keys)
    with pytest.raises(WireError, match="keys that are not strings"):
        loads(data)


def test_keys_that_become_one_are_refused_by_the_sender() -> None:
    """Two keys that differ only by their class are a learner's slip, not a forgery."""

    class Key(str):
        __slots__ = ()
        __hash__ = object.__hash__

        def __eq__(self, other: object) -> bool:
            return self is other

    for value in ({Key("a"): 1, Key("a"): 2}, {"a": 1, Key("a"): 2}, {Key("a"): 1, "a": 2}):
        with pytest.raises(WireError, match="two keys that are the same"):
            dumps(value)


# ---- noise

SEEDS = [
    dumps(("softmax", 1, (np.arange(12.0).reshape(3, 4), [1, 2.5, "x"]), {"axis": -1, "w": None})),
    dumps(
        {"value": np.ones((2, 3), np.complex64), 5: (True, 1j, 2**70), "m": {"a": [np.float32(1)]}}
    ),
    dumps([np.array([True, False]), np.asfortranarray(np.eye(3)), np.longdouble(3), "é\ud800", {}]),
]


def read(data: bytes) -> None:
    """A payload is read or refused: nothing else happens."""
    try:
        value = loads(data, lambda number: number)
    except WireError:
        return
    dumps(value)


def test_mutated_payloads_are_read_or_refused() -> None:
    """Bytes changed, cut out, doubled or appended lead to a value or a `WireError`."""
    chance = random.Random(0)
    for _ in range(6000):
        data = bytearray(chance.choice(SEEDS))
        for _ in range(chance.randint(1, 4)):
            at = chance.randrange(len(data))
            match chance.randrange(4):
                case 0:
                    data[at] = chance.randrange(256)
                case 1:
                    data[at] ^= 1 << chance.randrange(8)
                case 2:
                    del data[at : at + chance.randint(1, 8)]
                    data += b"N" * (not data)
                case _:
                    data[at:at] = data[at : at + chance.randint(1, 16)]
        read(bytes(data))


@settings(max_examples=300, deadline=None)
@given(
    st.binary(max_size=200)
    | st.lists(st.sampled_from(b"adistlmgcITFNf\0\1\2"), max_size=60).map(bytes)
)
def test_random_bytes_are_read_or_refused(data: bytes) -> None:
    """Noise leads to a value or a `WireError`."""
    read(data)


def test_any_buffer_can_be_read() -> None:
    """bytes, bytearray and memoryview hold one payload alike, and arrays do not refer to it."""
    buffer = bytearray(dumps(np.arange(3.0)))
    for data in (bytes(buffer), buffer, memoryview(buffer)):
        array = loads(data)
        assert array.base is None
        assert array.tolist() == [0.0, 1.0, 2.0]
    buffer[-8:] = bytes(8)
    assert array.tolist() == [0.0, 1.0, 2.0]
