"""Bytes from outside, within seconds: the targets of `tests/fuzz`, and bounds on what an input may cost."""

from __future__ import annotations

import json
import random
import struct
import sys
import tracemalloc
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path
from types import FrameType, SimpleNamespace
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from grader.catalog import load_course
from grader.content import Content
from grader.errors import ContentError, Halted, WorkspaceError
from grader.journal import Journal
from grader.model import Status
from grader.notebooks.cells import Place, joined, python_of
from grader.notebooks.format import parsed
from grader.sandbox import wire
from grader.sandbox.channel import Lied
from grader.sandbox.local import load_module
from grader.sandbox.proxy import RemoteTopic
from grader.submission import calls_between
from grader.workspace import MARKER, find_workspace

targets = load_module(Path(__file__).parents[1] / "fuzz" / "targets.py", "fuzz_targets")
NAMES = sorted(targets.TARGETS)
U32 = struct.Struct("<I").pack


# ---- noise


@pytest.mark.parametrize("name", NAMES)
def test_what_is_sound_goes_through(name: str) -> None:
    """The inputs that fuzzing begins with are what honest ones look like."""
    for seed in targets.SEEDS[name]():
        targets.TARGETS[name](seed)


def mutated(data: bytes, chance: random.Random) -> bytes:
    """Bytes changed, cut out, doubled, swapped for others of the same input or appended."""
    found = bytearray(data)
    for _ in range(chance.randint(1, 6)):
        at = chance.randrange(len(found) + 1)
        n = chance.choice((1, 2, 4, 8, 30))
        match chance.randrange(6):
            case 0:
                found[at : at + 1] = bytes([chance.randrange(256)])
            case 1:
                found[at : at + 1] = bytes([chance.choice((0, 1, 127, 128, 255))])
            case 2:
                del found[at : at + n]
            case 3:
                found[at:at] = found[at : at + n]
            case 4:
                start = chance.randrange(len(found) + 1)
                found[at : at + n] = found[start : start + n]
            case _:
                found += chance.randbytes(n)
    return bytes(found)


@pytest.mark.parametrize("name", NAMES)
def test_mutants_lead_to_documented_ends(name: str) -> None:
    """Sound inputs, changed at will: no exception but the documented ones, no text that acts on a terminal."""
    chance = random.Random(name)
    seeds = targets.SEEDS[name]()
    for _ in range(100):
        targets.TARGETS[name](mutated(chance.choice(seeds), chance))


@pytest.mark.parametrize("name", NAMES)
@settings(max_examples=25)
@given(data=st.binary(max_size=300))
def test_noise_leads_to_documented_ends(name: str, data: bytes) -> None:
    """Any bytes at all."""
    targets.TARGETS[name](data)


plain = (
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5) | st.just("f")
    | st.just(np.zeros(3, np.uint8)) | st.just(np.ones((2, 2)))
)  # fmt: skip
KEYS = (
    "functions", "warnings", "printed", "failed", "error", "message", "line", "column", "text", "cell", "type",
    "bases", "function",
)  # fmt: skip
values = st.recursive(
    plain,
    lambda inner: (
        st.lists(inner, max_size=5)
        | st.lists(inner, max_size=5).map(tuple)
        | st.dictionaries(st.sampled_from(KEYS) | st.text(max_size=3), inner, max_size=5)
    ),
    max_leaves=10,
)
LOADED = {"functions": {"f": ["x"], "g": ["h", "x"]}, "warnings": [], "printed": ""}


@settings(max_examples=60)
@given(
    st.just(LOADED) | st.fixed_dictionaries({"functions": values}, optional={"failed": values, "warnings": values}),
    st.lists(st.tuples(st.sampled_from(targets.KINDS), values), max_size=5),
)  # fmt: skip
def test_answers_of_any_shape_are_looked_at(loaded: Any, said: list[tuple[int, Any]]) -> None:
    """A child that speaks the format and answers with other values than asked for: nothing of it is believed."""
    try:
        data = targets.script((wire.LOADED, loaded), *said)
    except wire.WireError:
        return  # an int too long, say
    targets.topic(data)


anything = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=6,
)  # fmt: skip


@settings(max_examples=60)
@given(st.data())
def test_notebooks_of_any_shape_are_looked_at(data: st.DataObject) -> None:
    """The JSON of a sound notebook with some of its members replaced by any others, or left out."""
    book: Any = targets.notebook(*targets.SOURCES)
    for _ in range(data.draw(st.integers(1, 3))):
        at: Any = book
        while True:
            keys = sorted(at) if isinstance(at, dict) else list(range(len(at)))
            if not keys:
                break
            key = data.draw(st.sampled_from(keys))
            if isinstance(at[key], dict | list) and data.draw(st.booleans()):
                at = at[key]
                continue
            if data.draw(st.booleans()):
                at[key] = data.draw(anything)
            else:
                del at[key]
            break
    targets.TARGETS["notebook"](json.dumps(book).encode())


# ---- what was found


DEEP = b"[" * 100_000
LONG = b"1" * 5_000


@pytest.mark.parametrize("line", [DEEP, b'{"at": ' + LONG + b"}", b'{"a":' * 50_000])
def test_a_journal_is_read_past_what_no_reader_takes(tmp_path: Path, line: bytes) -> None:
    """Brackets too deep and numbers too long are lines that cannot be read, not the end of all."""
    journal = Journal(tmp_path)
    journal.append("hint", "softmax", rung=1)
    with journal.path.open("ab") as file:
        file.write(line + b"\n")
    journal.append("hint", "softmax", rung=3)
    assert journal.standings()["softmax"].hints == 3


@pytest.mark.parametrize("value", [DEEP, LONG])
def test_settings_that_no_reader_takes_are_told(
    own_toy: Content, tmp_path: Path, value: bytes
) -> None:
    """In a workspace's grader.toml and in a course's, by the exception for it."""
    (tmp_path / MARKER).write_bytes(b"schema = " + value)
    with pytest.raises(WorkspaceError, match="cannot be read"):
        find_workspace(tmp_path)
    own_toy.course_toml.write_bytes(b"schema = " + value)
    with pytest.raises(ContentError, match="is not TOML"):
        load_course(own_toy)


def notebook_topic(source: str, starts: list[int]) -> RemoteTopic:
    """A notebook whose cells begin at these lines."""
    places = tuple(Place(f"cell {number}", start) for number, start in enumerate(starts))
    return RemoteTopic(None, "t", "t.ipynb", source, ["f"], cells=places)  # type: ignore[arg-type]


def test_a_cell_fails_once_and_is_one_of_the_notebook() -> None:
    """A child that tells of endless failed cells would have the source split once for each."""
    topic = notebook_topic("x = 1\ny = 2\nz = 3\n", [1, 3])
    fault = {"error": "ValueError", "cell": 3}
    topic._loaded({"functions": {}, "failed": [fault]})
    assert topic._failed[0][0] == "z = 3\n"
    for faults in ([fault, fault], [{**fault, "cell": 2}], [{**fault, "cell": None}], [{}], [3]):
        with pytest.raises(Lied):
            topic._loaded({"functions": {}, "failed": faults})


def test_keys_of_equal_hashes_are_short() -> None:
    """Tuples of one long text and a multiple of 2**61 - 1 hash alike, and are compared with each other to the end."""
    text = b"s" + U32(10_000) + b"a" * 10_000
    keys = [b"t" + U32(2) + text + wire.dumps((2**61 - 1) * i) for i in (1, 2)]
    assert len({hash((("a" * 10_000), (2**61 - 1) * i)) for i in (1, 2)}) == 1
    with pytest.raises(wire.WireError, match="a key of"):
        wire.loads(b"m" + U32(2) + b"".join(key + b"N" for key in keys))
    with pytest.raises(wire.WireError, match="return a list of pairs"):
        wire.dumps({("a" * 10_000, 1): 1})
    assert wire.loads(wire.dumps({(1, 2, "a"): 1, 3: 2})) == {(1, 2, "a"): 1, 3: 2}


# ---- what an input may cost

MIB = 2**20
SHAPES: dict[str, Callable[[int], bytes]] = {
    "empty tuples": lambda n: b"l" + U32(n) + (b"t" + U32(0)) * n,
    "empty lists": lambda n: b"l" + U32(n) + (b"l" + U32(0)) * n,
    "small dicts": lambda n: b"l" + U32(n) + (b"m" + U32(1) + b"s" + U32(1) + b"kN") * n,
    "texts": lambda n: b"l" + U32(n) + (b"s" + U32(3) + b"abc") * n,
    "floats": lambda n: b"l" + U32(n) + (b"d" + bytes(8)) * n,
    "empty arrays": lambda n: b"l" + U32(n) + (struct.pack("<cBBBq", b"a", 11, 0, 1, 0)) * n,
    "arrays of 32 axes": lambda n: b"l" + U32(n) + (struct.pack("<cBBB32q", b"a", 11, 0, 32, *[0] * 32)) * n,
    "scalars": lambda n: b"l" + U32(n) + (b"g\x0b" + bytes(8)) * n,
    "one wide text": lambda n: (
        b"s" + U32(16 * n + 4) + b"a" * 16 * n + "\N{SNAKE}".encode()
    ),
    "one array": lambda n: struct.pack("<cBBBq", b"a", 11, 0, 1, n) + bytes(8 * n),
}  # fmt: skip
AMPLIFIED = 64
"""Bytes of memory for one of a payload: a dict of one key takes 184 for its 12."""


@pytest.mark.parametrize("shape", SHAPES)
def test_a_payload_takes_memory_in_proportion(shape: str) -> None:
    """Whatever is packed into it: no more than some tens of times its bytes."""
    data = SHAPES[shape](4_000)
    tracemalloc.start()
    try:
        value = wire.loads(data)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert value is not None
    assert peak < AMPLIFIED * len(data) + MIB


@pytest.mark.parametrize("filling", ["{},", '{"a":0},', "[],", '"ab",', "0.1,"])
def test_a_notebook_takes_memory_in_proportion(filling: str) -> None:
    """Of the 8 MiB that one may have, 60 times as much is 480 MiB."""
    inner = (filling * (MIB // 4 // len(filling)))[:-1]
    data = b'{"nbformat": 4, "cells": [], "metadata": [' + inner.encode() + b"]}"
    tracemalloc.start()
    try:
        parsed(data)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak < 60 * len(data) + MIB


def test_a_length_alone_takes_no_memory() -> None:
    """A header that promises 64 MiB, and then nothing: room is made as bytes come in."""
    said = wire.HEADER.pack(wire.MAX_FRAME, wire.LOADED, targets.NUMBER) + bytes(70_000)
    with targets.scripted([said]) as zygote:
        worker = targets.Asked(zygote)
        worker.start_loading(b"N")
        tracemalloc.start()
        try:
            with pytest.raises(targets.Died):
                worker.loaded(5.0)
            assert tracemalloc.get_traced_memory()[1] < MIB
        finally:
            tracemalloc.stop()
            worker.kill()


def steps(run: Callable[[], object]) -> int:
    """How many lines of Python and calls of C a run takes; what is inside one call of C is not seen."""
    n = 0

    def line(frame: FrameType, event: str, arg: object) -> Any:
        nonlocal n
        n += 1
        return line

    def call(frame: FrameType, event: str, arg: object) -> None:
        nonlocal n
        n += event == "c_call"

    before = sys.gettrace(), sys.getprofile()
    sys.settrace(line)
    sys.setprofile(call)
    try:
        run()
    finally:
        sys.settrace(before[0])
        sys.setprofile(before[1])
    return n


def _book(n: int) -> bytes:
    return json.dumps(targets.notebook(*["x = 1\n%time\n" for _ in range(n)])).encode()


def _failing(n: int) -> Callable[[], object]:
    topic = notebook_topic("x\n" * n, list(range(1, n + 1)))
    faults = [{"error": "E", "cell": first} for first in range(1, n + 1)]
    return lambda: topic._loaded({"functions": {}, "failed": faults})


GROWING: dict[str, Callable[[int], Callable[[], object]]] = {
    "a list": lambda n: lambda: wire.loads(b"l" + U32(n) + b"N" * n),
    "a dict": lambda n: lambda: wire.loads(wire.dumps({str(i): i for i in range(n)})),
    "strings": lambda n: lambda: python_of("x = '" * n),
    "brackets": lambda n: lambda: python_of("([{" * n),
    "open texts": lambda n: lambda: python_of("'''\n" * n),
    "magics": lambda n: lambda: python_of("%time \\\n" * n),
    "cells": lambda n: lambda: joined([("cell", "x = 1\n")] * n),
    "definitions": lambda n: lambda: calls_between("def f():\n    g()\n" * n, {"f", "g"}),
    "a notebook": lambda n: lambda: parsed(_book(n)).python(),
    "failed cells": _failing,
}


@pytest.mark.parametrize("shape", GROWING)
def test_twice_as_much_takes_twice_as_long(shape: str) -> None:
    """Counted in steps, not in seconds."""
    once, twice = (steps(GROWING[shape](n)) for n in (300, 600))
    assert twice < 2.3 * once + 100


# ---- a run


@pytest.fixture(autouse=True)
def _strict() -> Iterator[None]:
    """A warning of ours is a fault, also where a library would hide it."""
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        yield


def test_a_child_that_lies_is_told() -> None:
    """What comes of forged traffic is evidence."""
    said = targets.script((wire.LOADED, LOADED), (wire.RETURNED, (1, 2)))
    with targets.scripted(targets.frames_of(said)) as zygote:
        sandbox = SimpleNamespace(
            spawn=lambda **_: targets.Asked(zygote),
            forget=lambda worker: worker.kill(),
            limits=None,
        )
        topic = RemoteTopic(sandbox, "t", "t.py", "def f(x): ...\n", ["f"])  # type: ignore[arg-type]
        with pytest.raises(Halted) as caught:
            topic.f.call(1.0)
        topic.close()
    assert caught.value.status is Status.TAMPERED
