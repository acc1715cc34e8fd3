"""Levels of isolation: each is what its probe shows, and the strongest that holds is taken."""

from __future__ import annotations

import os
import resource
import signal
import sys
import time
from collections.abc import Iterator, Sequence

import pytest

from grader.content import Content
from grader.errors import SandboxError
from grader.grading import Grader
from grader.sandbox import jail
from grader.sandbox.jail import MIB, RLIMITS, Level, Limits, strongest
from grader.sandbox.proxy import RemoteTopic, Sandbox
from grader.submission import read_submission

LIMITS = Limits(memory=900 * MIB, cpu_seconds=7, file_bytes=1000, descriptors=20, stack=16 * MIB)


def level(name: str, command: Sequence[str] = (), required: tuple[str, ...] = ()) -> Level:
    """A level that puts words before the interpreter's command line."""
    return Level(name, False, "for a test", lambda inner: [*command, *inner], required)


@pytest.fixture(scope="module")
def sandbox() -> Iterator[Sandbox]:
    """A sandbox with limits of its own."""
    with Sandbox(LIMITS) as sandbox:
        yield sandbox


def ask(sandbox: Sandbox, body: str) -> object:
    """What a function of a submission returns."""
    topic = RemoteTopic(
        sandbox, "topic", "topic.py", f"import os, resource\ndef f(): {body}", ["f"]
    )
    try:
        return topic.f()
    finally:
        topic.close()


@pytest.mark.parametrize(
    ("hello", "holds"),
    [
        ({"CPU": 7, "FSIZE": 1000, "NOFILE": 20, "CORE": 0}, True),
        ({"CPU": 6, "FSIZE": 0, "NOFILE": 20, "CORE": 0, "AS": -1}, True),
        ({"CPU": 8, "FSIZE": 1000, "NOFILE": 20, "CORE": 0}, False),
        ({"CPU": resource.RLIM_INFINITY, "FSIZE": 1000, "NOFILE": 20, "CORE": 0}, False),
        ({"CPU": -1, "FSIZE": 1000, "NOFILE": 20, "CORE": 0}, False),
        ({"FSIZE": 1000, "NOFILE": 20, "CORE": 0}, False),
        ({}, False),
    ],
)
def test_a_level_holds_what_it_requires(hello: dict[str, int], holds: bool) -> None:
    """Each required limit is in force at its value or below; no limit is no limit."""
    assert RLIMITS.holds({"limits": hello}, LIMITS) is holds


def test_the_strongest_level_that_works_is_taken() -> None:
    """The chain is walked from its strong end and no further than needed."""
    levels = [level(name) for name in "abc"]
    probed: list[str] = []

    def probe(one: Level) -> bool:
        probed.append(one.name)
        return one.name != "a"

    assert strongest(probe, levels) is levels[1]
    assert probed == ["a", "b"]
    assert strongest(lambda _: False, levels) is None
    assert strongest(lambda _: True) is jail.LEVELS[0]


def test_the_weakest_level_says_that_it_is_no_boundary() -> None:
    """Reports warn where hostile code is not contained."""
    assert jail.LEVELS[-1] is RLIMITS
    assert RLIMITS.boundary is False
    assert "not a security boundary" in RLIMITS.summary


def test_limits_are_in_force_in_a_child(sandbox: Sandbox) -> None:
    """What a child greets with is what a submission finds, and it cannot be raised again."""
    names = [name for name in LIMITS.as_rlimits() if hasattr(resource, f"RLIMIT_{name}")]
    found = ask(
        sandbox,
        f"return {{n: resource.getrlimit(getattr(resource, 'RLIMIT_' + n)) for n in {names}}}",
    )
    assert isinstance(found, dict)
    if sys.platform == "linux":
        assert {name: soft for name, (soft, _) in found.items()} == LIMITS.as_rlimits()
        assert found["CPU"][1] == 8  # SIGXCPU first, SIGKILL a second later
        assert found["AS"] == (900 * MIB, 900 * MIB)
    for name in RLIMITS.required:
        assert 0 <= found[name][0] <= LIMITS.as_rlimits()[name]
    worker = sandbox.spawn()
    worker.greet()
    assert worker.hello["limits"] == {name: soft for name, (soft, _) in found.items()}
    sandbox.forget(worker)


def test_the_grader_keeps_its_own_limits(sandbox: Sandbox) -> None:
    """Limits are taken on after the fork: neither this process nor the zygote has them."""
    sandbox.level  # noqa: B018
    assert resource.getrlimit(resource.RLIMIT_NOFILE)[0] != LIMITS.descriptors
    assert ask(sandbox, "return 1") == ask(sandbox, "return 1") == 1


@pytest.mark.parametrize(
    "failing",
    [
        level("no such program", ["/nowhere/bwrap", "--"]),
        level("refuses", ["/bin/sh", "-c", "echo not permitted >&2; exit 1", "--"]),
        level("promises too much", required=("CPU", "UNHEARD_OF")),
    ],
    ids=lambda one: one.name,
)
def test_a_level_that_fails_gives_way_to_the_next(
    failing: Level, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A wrapper that is absent, that is refused, or whose limits are not in force."""
    monkeypatch.setattr(jail, "LEVELS", (failing, RLIMITS))
    with Sandbox(LIMITS) as own:
        assert ask(own, "return 1") == 1
        assert own.level is RLIMITS


def test_a_level_that_works_wraps_the_command(monkeypatch: pytest.MonkeyPatch) -> None:
    """The worker is started through the level's command."""
    wrapped = level("wrapped", ["/usr/bin/env", "WRAPPED=yes"], ("CORE",))
    monkeypatch.setattr(jail, "LEVELS", (wrapped, RLIMITS))
    with Sandbox(LIMITS) as own:
        assert ask(own, "return os.environ.get('WRAPPED')") == "yes"
        assert own.level is wrapped


@pytest.mark.parametrize(
    ("levels", "text"),
    [
        ([level("a", required=("UNHEARD_OF",))], "no isolation level works on this machine"),
        (
            [level("a", ["/nowhere/x"]), level("b", ["/nowhere/y"])],
            "cannot be started: .*/nowhere/y",
        ),
        ([level("a", ["/bin/sh", "-c", "echo no >&2; exit 3", "--"])], "exit status 3: no"),
    ],
)
def test_without_a_level_nothing_is_run(
    levels: list[Level], text: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The error is the grader's, and says why the last level failed."""
    monkeypatch.setattr(jail, "LEVELS", tuple(levels))
    with Sandbox(LIMITS) as own, pytest.raises(SandboxError, match=text):
        ask(own, "return 1")


def test_the_level_stands_in_the_report(toy: Content, monkeypatch: pytest.MonkeyPatch) -> None:
    """A report names the level that was in force, not the one that was hoped for."""
    monkeypatch.setattr(jail, "LEVELS", (level("strong", ["/nowhere/bwrap"]), level("weak")))
    with Grader(toy) as grader:
        report = grader.grade(read_submission(toy.stub("toy"), grader.course))
    assert report.isolation == "weak"


def test_a_zygote_that_is_killed_while_it_is_probed_weakens_nothing(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Somebody's SIGKILL at that moment says nothing of the level, which is probed again."""
    with Sandbox() as usual:
        level = usual.level
    fault, killed = Sandbox._fault, []

    def killing(self: Sandbox, level: jail.Level) -> str:
        if not killed:
            killed.append(self._zygote.pid)
            os.kill(self._zygote.pid, signal.SIGKILL)
            while self._zygote.alive:
                time.sleep(0.001)
        return fault(self, level)

    monkeypatch.setattr(Sandbox, "_fault", killing)
    with Sandbox() as own:
        assert own.level is level
        assert own.zygote_pid not in (0, *killed)
