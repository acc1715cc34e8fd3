"""Bytes in, and nothing but a documented outcome out: what is fuzzed, and with what it begins.

Each target is a function of some bytes that returns where all went as documented, and raises where not. `SEEDS` gives
it inputs to begin with. `run.py` beside this module feeds them by coverage, for as long as it is let;
`tests/grader/test_fuzz.py` does so by rules, within seconds.

The other end of the wire is played by the bytes themselves: they are cut into frames that a hostile child would send,
which knows the number of the question that it was asked.
"""

from __future__ import annotations

import io
import json
import socket
import tempfile
import time
import zipfile
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import cache, partial
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np

from grader.catalog import load_course
from grader.content import locate
from grader.errors import (
    CheckFailure,
    Halted,
    SandboxError,
    SubmissionRaised,
    UnreadableSubmissionError,
    WorkspaceError,
)
from grader.journal import Journal
from grader.model import Course
from grader.notebooks.cells import Place, joined, python_of
from grader.sandbox import jail, wire
from grader.sandbox.channel import Died, Late, Lied, Worker
from grader.sandbox.flow import Flow, Task
from grader.sandbox.proxy import RemoteTopic
from grader.submission import calls_between, read_submission

NUMBER = 7
"""Of every question: what a hostile child reads, and the bytes here cannot."""
LONGEST = 100_000
"""Bytes of an input; a socket takes as many at once."""
PATIENCE = 0.02
"""Seconds for an answer: what is not there at once never comes."""
HELLO = {"pid": 0, "limits": {}}


def frame(kind: int, payload: bytes, number: int = NUMBER) -> bytes:
    """A frame as it goes over the wire."""
    return wire.HEADER.pack(len(payload), kind, number) + payload


# ---- the wire


def payload(data: bytes) -> None:
    """A payload is read or refused; what was read can be sent."""
    try:
        value = wire.loads(data, lambda number: number)
    except wire.WireError:
        return
    again = wire.dumps(value)
    assert len(wire.dumps(wire.loads(again))) == len(again)


class Scripted:
    """A zygote whose children say one thing at each question, and close their socket when they have said all."""

    def __init__(self, said: Sequence[bytes], status: int = 9) -> None:
        self.said = said
        self.status = status
        self.children: list[socket.socket] = []
        self.warm = self.alive = True

    def fork(self, *, probe: bool = False, draws: bool = False) -> tuple[int, socket.socket]:
        ours, theirs = socket.socketpair()
        theirs.setblocking(False)
        self.children.append(theirs)
        return len(self.children), ours

    def end(self, number: int) -> None: ...

    def end_and_ask(self, number: int) -> int:
        return self.status

    def why_dead(self) -> str:
        return "it is dead"

    def lost(self) -> SandboxError:
        return SandboxError(self.why_dead())


class Asked(Worker):
    """This side of such a child, which answers as soon as it is asked and knows the number of the question."""

    def __init__(self, zygote: Scripted) -> None:
        super().__init__(zygote)  # type: ignore[arg-type]
        self._numbers = SimpleNamespace(getrandbits=lambda _: NUMBER)  # type: ignore[assignment]
        self._child = zygote.children[-1]
        self._said = deque([frame(wire.HELLO, wire.dumps(HELLO), 0), *zygote.said])
        self._answer()

    def _answer(self) -> None:
        try:
            if self._said:
                self._child.send(self._said.popleft()[:LONGEST])
            if not self._said:
                self._child.shutdown(socket.SHUT_WR)
        except OSError:
            pass  # it has been closed, or is full

    def _send(self, kind: int, sequence: int, payload: bytes, deadline: float) -> None:
        super()._send(kind, sequence, payload, deadline)
        self._answer()

    def push(self) -> None:
        super().push()
        self._answer()


@contextmanager
def scripted(said: Sequence[bytes]) -> Iterator[Scripted]:
    """A zygote that leaves no socket open."""
    zygote = Scripted(said)
    try:
        yield zygote
    finally:
        for child in zygote.children:
            child.close()


def channel(data: bytes) -> None:
    """A child that says anything at all: there is an answer, or it is late, dead or lying."""
    with scripted(frames_of(data)) as zygote:
        worker = Asked(zygote)
        try:
            worker.start_loading(b"N")
            worker.loaded(PATIENCE)
            worker.call(b"N", [len, np.sum], time.monotonic() + PATIENCE)
            for _ in range(3):
                worker.post(b"N")
                worker.push()
            for _ in range(3):
                worker.take()
        except (Late, Died, Lied):
            pass
        finally:
            worker.kill()


KINDS = (wire.LOADED, wire.RETURNED, wire.RAISED, wire.UNSUPPORTED, wire.PLAIN, wire.CALLBACK)


def frames_of(data: bytes) -> list[bytes]:
    """What a child says at each question: a byte for the kind, two for the length, and the payload, again and again.

    Kinds from 128 on are bytes as they stand; with 64 in it, the next is said in the same breath.
    """
    said, at, more = [b""], 0, True
    while at + 3 <= len(data):
        kind, n = data[at], int.from_bytes(data[at + 1 : at + 3], "little")
        body = data[at + 3 : at + 3 + n]
        at += 3 + n
        if kind < 128:
            known = KINDS[kind % 64 % len(KINDS)]
            body = frame(known, body, 0 if known == wire.CALLBACK else NUMBER)
        if not more:
            said.append(b"")
        said[-1] += body
        more = bool(kind & 64)
    return said


def script(*frames: tuple[int, Any]) -> bytes:
    """A script of frames with these kinds and values."""
    parts = []
    for kind, value in frames:
        body = wire.dumps(value)
        parts.append(bytes([KINDS.index(kind)]) + len(body).to_bytes(2, "little") + body)
    return b"".join(parts)


NOTEBOOK_SOURCE = "def f(x):\n    return x\n\ndef g(x):\n    return x\n"
PLACES = (Place("cell 2", 1), Place("cell 5", 4))


def topic(data: bytes) -> None:
    """What a suite meets of such a child: a value, a failure, an exception of the learner's, or that there is none."""
    with scripted(frames_of(data)) as zygote:
        sandbox = SimpleNamespace(
            spawn=lambda **_: Asked(zygote),
            forget=lambda worker: worker.kill(),
            limits=jail.Limits(),
        )
        for cells in ((), PLACES):
            proxy = RemoteTopic(
                sandbox, "softmax", "softmax.py", NOTEBOOK_SOURCE, ["f", "g"], cells=cells, timeout=PATIENCE  # type: ignore[arg-type]
            )  # fmt: skip

            def ask(name: str, *args: Any, wanted: bool, proxy: RemoteTopic = proxy) -> None:
                proxy.begin()
                try:
                    proxy.invoke(name, args, {}, want_arguments=wanted)
                except (Halted, SubmissionRaised, CheckFailure) as documented:
                    str(documented).encode("utf-8", "surrogatepass")

            x = np.arange(3.0)
            ask("f", x, wanted=False)
            ask("g", np.sum, x, wanted=True)
            Flow().run(
                [(proxy, [Task(partial(ask, name, x, wanted=True)) for name in ("f", "g", "f")])]
            )
            "".join(proxy.passed_over).encode("utf-8", "surrogatepass")
            proxy.close()


# ---- files


@cache
def course() -> Course:
    return load_course(locate())


@cache
def folder() -> Path:
    """Of the files that are written; in memory where there is such a folder."""
    memory = Path("/dev/shm")
    at = tempfile.mkdtemp(prefix="gradsmith-fuzz-", dir=memory if memory.is_dir() else None)
    return Path(at)


def submission(name: str, data: bytes) -> None:
    """A file of this name is a submission or none; its text can be sent, and told without harm."""
    file = folder() / name
    file.write_bytes(data)
    try:
        found = read_submission(file, course())
    except UnreadableSubmissionError as error:
        _printable(str(error))
        return
    for note in found.notes:
        _printable(note)
    for problem in found.problems:
        _printable(problem.message)
        assert problem.early
    for source in found.sources.values():
        source.text.encode()
        assert "\0" not in source.text
        calls_between(source.text, {"softmax", "conv2d"})


def _printable(text: str) -> None:
    assert text.isprintable(), text


def cells(data: bytes) -> None:
    """A cell's lines stay at their numbers, whatever is blanked."""
    text = data.decode("utf-8", "replace")
    lines = text.replace("\r\n", "\n").replace("\r", "\n").count("\n")
    assert python_of(text).count("\n") == lines
    joined([("cell 1", text), ("cell 2", text)])


def journal(data: bytes) -> None:
    """A journal is read as far as it can be."""
    root = folder()
    one = Journal(root)
    one.path.parent.mkdir(exist_ok=True)
    one.path.write_bytes(data)
    try:
        one.standings()
    except WorkspaceError:
        return


# ---- beginnings


def _payloads() -> list[bytes]:
    values: list[Any] = [
        (np.arange(12.0).reshape(3, 4), [1, 2.5, "x"], {"axis": -1, "w": None}),
        {"value": np.ones((2, 3), np.complex64), 5: (True, 1j, 2**70), "m": {"a": [np.float32(1)]}},
        [np.array([True, False]), np.asfortranarray(np.eye(3)), np.longdouble(3), "é\ud800", {}],
    ]
    return [wire.dumps(value) for value in values]


def _traffic() -> list[bytes]:
    """What honest children say."""
    f = ("x",)
    loaded = {"functions": {"f": list(f), "g": ["h", "x"]}, "warnings": [], "printed": ""}
    failed = {**loaded, "functions": {"g": ["h", "x"]}, "failed": [
        {"error": "ValueError", "message": "no", "line": 2, "column": None, "text": None, "cell": 1}
    ]}  # fmt: skip
    broken = {"error": "SyntaxError", "message": "bad", "line": 1, "column": 3, "text": "x ="}
    raised = {
        "type": "ValueError", "message": "no", "bases": ["ValueError", "Exception"], "line": 2,
        "function": "f", "warnings": ["RuntimeWarning: x (line 2)"], "printed": "here\n",
    }  # fmt: skip
    stub = {**raised, "type": "NotImplementedError", "bases": ["NotImplementedError"]}
    after = np.frombuffer(wire.dumps(((np.arange(3.0),), {})), np.uint8).copy()
    whole = (np.arange(3.0), ["UserWarning: y"], "text", after, [0])
    back = ((np.arange(3.0),), {})
    return [
        script((wire.LOADED, loaded), (wire.PLAIN, 1.0), (wire.RETURNED, whole)),
        script((wire.LOADED, loaded), (wire.PLAIN, 1.0), (wire.CALLBACK, back), (wire.RETURNED, whole)),
        script((wire.LOADED, failed), (wire.RAISED, raised), (wire.RAISED, stub)),
        script((wire.LOADED, broken)),
        script((wire.LOADED, loaded), (wire.UNSUPPORTED, "returned a set; return a list")),
    ]  # fmt: skip


def notebook(*sources: str) -> dict[str, Any]:
    """The JSON of a small notebook."""
    return {
        "nbformat": 4, "nbformat_minor": 5, "metadata": {},
        "cells": [
            {"cell_type": "markdown", "id": "a", "metadata": {}, "source": ["# Softmax\n", "text"]},
            *(
                {"cell_type": "code", "id": str(i), "metadata": {}, "source": source, "outputs": [],
                 "execution_count": None}
                for i, source in enumerate(sources)
            ),
        ],
    }  # fmt: skip


SOURCES = (
    "import numpy as np\n%matplotlib inline\n!ls \\\n -l\n\ndef softmax(z):\n    %time\n    return np.exp(z)\n",
    "%%time\nx = '''\n%not a magic\n'''\nfiles = !ls\nhelp?\n",
    "%%bash\nrm -rf x\n",
    "# coding: latin-1\ndef softmax(z):\n    return 'é'\n",
)


def _archive() -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("softmax.py", SOURCES[3])
        archive.writestr("hw/attention.py", SOURCES[3])
        archive.writestr(zipfile.ZipInfo("softmax/softmax.ipynb"), json.dumps(notebook(*SOURCES)))
        archive.writestr("kalman_filter/", "")
    return buffer.getvalue()


_JOURNAL = (
    '{"v": 1, "at": "2026-01-05T10:00:00+01:00", "event": "checked", "exercise": "softmax", '
    '"status": "passed", "passed": 3, "checks": 3, "mistakes": []}\n'
    '{"v": 1, "at": "2026-01-06T10:00:00+01:00", "event": "hint", "exercise": "softmax", "rung": 2}\n'
)

TARGETS: dict[str, Callable[[bytes], None]] = {
    "payload": payload,
    "channel": channel,
    "topic": topic,
    "python": partial(submission, "softmax.py"),
    "notebook": partial(submission, "softmax.ipynb"),
    "archive": partial(submission, "a.zip"),
    "cells": cells,
    "journal": journal,
}

SEEDS: dict[str, Callable[[], list[bytes]]] = {
    "payload": _payloads,
    "channel": _traffic,
    "topic": _traffic,
    "python": lambda: [source.encode() for source in SOURCES] + ["\ufeffx = 1".encode("utf-8")],
    "notebook": lambda: [
        json.dumps(notebook(*SOURCES)).encode(),
        json.dumps(notebook("x"), indent=1).encode(),
    ],
    "archive": lambda: [_archive()],
    "cells": lambda: [source.encode() for source in SOURCES],
    "journal": lambda: [_JOURNAL.encode()],
}

MODULES = (
    "grader.sandbox.wire", "grader.sandbox.channel", "grader.sandbox.proxy", "grader.submission",
    "grader.notebooks.cells", "grader.notebooks.format", "grader.journal", "zipfile", "json", "tokenize",
)  # fmt: skip
"""Whose coverage leads the way."""
