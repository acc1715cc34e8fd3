"""How strongly a worker is held: a chain of layers, strongest first, each probed by running it.

A `Level` says how the worker is started and what limits its children take on. `strongest` walks the chain and
returns the first level whose probe, a real worker under that level, behaves as it claims. Every report carries the
level's name. There is one level so far; a stronger one is a further entry in `LEVELS`, with a `command` that wraps
the interpreter's and a probe of its own.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

MIB = 1024 * 1024


@dataclass(frozen=True, slots=True)
class Limits:
    """Resource limits of one child.

    Attributes
    ----------
    memory : bytes of address space. NumPy itself maps a few hundred MiB.
    cpu_seconds : processor time over the child's life; a backstop behind the deadline of each call.
    file_bytes : the largest file that can be written.
    descriptors : open files.
    stack : bytes of stack; deep recursion ends in RecursionError well before.
    """

    memory: int = 2048 * MIB
    cpu_seconds: int = 120
    file_bytes: int = 64 * 1024
    descriptors: int = 32
    stack: int = 64 * MIB

    def as_rlimits(self) -> dict[str, int]:
        """By the names of `resource`, without their ``RLIMIT_``."""
        return {
            "AS": self.memory,
            "CPU": self.cpu_seconds,
            "FSIZE": self.file_bytes,
            "NOFILE": self.descriptors,
            "STACK": self.stack,
            "CORE": 0,
        }


def _unwrapped(command: Sequence[str]) -> list[str]:
    return list(command)


@dataclass(frozen=True, slots=True)
class Level:
    """One way to hold a worker.

    Attributes
    ----------
    name : as it stands in reports.
    boundary : whether hostile code is contained; where not, reports say so.
    summary : one sentence for a person.
    command : wraps the interpreter's command line.
    required : rlimits that must be in force for the probe to succeed.
    """

    name: str
    boundary: bool
    summary: str
    command: Callable[[Sequence[str]], list[str]] = field(default=_unwrapped)
    required: tuple[str, ...] = ()

    def holds(self, hello: Mapping[str, int], limits: Limits) -> bool:
        """Whether a child's greeting shows every required limit in force."""
        wanted = limits.as_rlimits()
        return all(0 <= hello.get(name, -1) <= wanted[name] for name in self.required)


RLIMITS = Level(
    name="rlimits",
    boundary=False,
    summary="a process of its own with deadlines and resource limits; not a security boundary",
    required=("CPU", "FSIZE", "NOFILE", "CORE"),
)

LEVELS: tuple[Level, ...] = (RLIMITS,)


def strongest(probe: Callable[[Level], bool], levels: Sequence[Level] = LEVELS) -> Level | None:
    """The first level whose probe succeeds, or None."""
    return next((level for level in levels if probe(level)), None)
