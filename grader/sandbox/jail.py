"""How strongly a worker is held: a chain of levels, strongest first, each probed by running it.

A `Level` says how the worker is started and what its children give up (`confine`). `strongest` walks the chain and
returns the first level whose probe, a real worker under that level, behaves as it claims: it tries what must be
refused and says what was. Every report carries the level's name.

Standard library only: it is read before anything heavy is imported.
"""

from __future__ import annotations

import glob
import os
import shutil
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from grader.errors import IsolationError
from grader.sandbox import confine

MIB = 1024 * 1024
EMPTY = "empty"  # as in `worker`: the folder that a child finds itself in


@dataclass(frozen=True, slots=True)
class Limits:
    """Resource limits of one child.

    Attributes
    ----------
    memory : bytes of address space. NumPy itself maps a few hundred MiB.
    cpu_seconds : processor time over the child's life; a backstop behind the deadline of each call.
    file_bytes : the largest file that can be written, at the level that allows files.
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


def plain(command: Sequence[str]) -> list[str]:
    """The command as it is."""
    return list(command)


def _anywhere() -> str:
    return ""


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
    flags : what a child gives up, as flags of `confine`.
    refused : what the probe must find refused, by the names in `confine.PROBED`.
    absent : why this level cannot work here, where that is plain without a probe; empty where it may.
    """

    name: str
    boundary: bool
    summary: str
    command: Callable[[Sequence[str]], list[str]] = field(default=plain)
    required: tuple[str, ...] = ()
    flags: int = 0
    refused: tuple[str, ...] = ()
    absent: Callable[[], str] = field(default=_anywhere)

    def fault(self, hello: Mapping[str, Any], limits: Limits) -> str:
        """What a probing child's greeting shows not to be in force; empty where all is."""
        found, wanted = hello.get("limits", {}), limits.as_rlimits()
        loose = [name for name in self.required if not 0 <= found.get(name, -1) <= wanted[name]]
        if loose:
            return f"the limit on {', '.join(loose)} is not in force"
        if hello.get("unfit"):
            return str(hello["unfit"])
        held = hello.get("refused", ())
        free = [name for name in self.refused if name not in held]
        if free:
            return f"a submission could do this: {', '.join(free)}"
        return ""

    def holds(self, hello: Mapping[str, Any], limits: Limits) -> bool:
        """Whether a probing child's greeting shows every limit in force, and every attempt refused."""
        return not self.fault(hello, limits)


# ---- bubblewrap


def _bubblewrapped(command: Sequence[str]) -> list[str]:
    """The command in namespaces of its own: of files there are Python, NumPy, the worker and system libraries.

    As root there is no user namespace: what only root may read, such as a Python below its home, can be bound, and
    children take on uids of their own. Of its capabilities it keeps what that takes.
    """
    interpreter, *rest = command
    numpy_parent = rest[-2]
    executable = os.path.realpath(interpreter)
    words = [
        shutil.which("bwrap") or "bwrap",
        "--unshare-ipc",
        "--unshare-pid",
        "--unshare-net",
        "--unshare-uts",
    ]
    words += ["--unshare-cgroup-try", "--die-with-parent", "--new-session", "--as-pid-1"]
    if is_root():
        words += ["--cap-drop", "ALL"]
        for capability in ("CAP_SETUID", "CAP_SETGID", "CAP_KILL"):
            words += ["--cap-add", capability]
    else:
        words += ["--unshare-user"]
    words += ["--tmpfs", "/tmp"]
    for link in ("/lib", "/lib64", "/lib32"):
        if os.path.islink(link):
            words += ["--symlink", os.readlink(link), link]
    libraries = list(_library_folders())
    packages = [os.path.join(numpy_parent, name) for name in ("numpy", "numpy.libs")]
    packages.append(str(Path(__file__).parent))
    # Made here for all to enter; bubblewrap would make them as closed as they are outside.
    parents = {
        str(each) for path in (*libraries, executable, *packages) for each in Path(path).parents
    }
    for folder in sorted(parents | {"/dev", "/etc", "/home"} - {"/"}):
        words += ["--dir", folder]
    for path in (*libraries, executable, "/etc/ld.so.cache", "/etc/alternatives"):
        words += ["--ro-bind-try", path, path]
    masks = sorted({mask for folder in libraries for mask in _installed(folder)})
    for mask in masks:
        words += ["--perms", "0755", "--tmpfs", mask]
    for path in packages:
        words += ["--ro-bind-try", path, path]
    for device in ("/dev/null", "/dev/zero", "/dev/urandom"):
        words += ["--dev-bind-try", device, device]
    words += ["--dir", f"/home/{EMPTY}", "--chdir", "/home"]
    for mount in (*masks, "/tmp", "/"):
        words += ["--remount-ro", mount]
    return [*words, "--", executable, *rest]


def _library_folders() -> Iterator[str]:
    """Folders that hold the standard library and shared libraries, none within another."""
    folders = {os.path.dirname(os.path.dirname(os.path.realpath(os.__file__)))}
    folders |= {"/usr/lib", "/usr/lib64", "/usr/lib32"}
    folders |= {
        link for link in ("/lib", "/lib64") if os.path.isdir(link) and not os.path.islink(link)
    }
    folders |= {path for path in sys.path if os.path.basename(path) == "lib-dynload"}
    folders |= {
        path for path in os.environ.get("LD_LIBRARY_PATH", "").split(":") if path.startswith("/")
    }
    found: list[str] = []
    for folder in sorted(map(os.path.realpath, folders)):
        if os.path.isdir(folder) and not any(f"{folder}/".startswith(f"{one}/") for one in found):
            found.append(folder)
    yield from found


def _installed(folder: str) -> Iterator[str]:
    """Folders of packages below a folder of libraries: they are masked."""
    for name in confine.PACKAGES:
        yield from glob.glob(os.path.join(folder, "python*", name))


def _no_bubblewrap() -> str:
    if sys.platform != "linux":
        return "bubblewrap is a program for Linux"
    if shutil.which("bwrap") is None:
        return "bwrap is not installed"
    if is_root() and not _may_make_namespaces():
        return "root without CAP_SYS_ADMIN, as in a container, cannot make namespaces"
    return _no_filter()


def is_root() -> bool:
    """Whether this process is root, where there is such a thing."""
    return hasattr(os, "geteuid") and os.geteuid() == 0


def _may_make_namespaces() -> bool:
    """Whether this process has CAP_SYS_ADMIN; True where that is not known."""
    try:
        with open("/proc/self/status") as status:
            for line in status:
                if line.startswith("CapEff:"):
                    return bool(int(line.split()[1], 16) >> 21 & 1)
    except (OSError, ValueError):
        pass
    return True


# ---- without another program


def _no_filter() -> str:
    if sys.platform != "linux":
        return "it needs Linux"
    if confine.machine() not in confine.ARCHITECTURES:
        return f"there is no list of system calls for {confine.machine() or 'a Python of 32 bits'}"
    return ""


def _no_landlock() -> str:
    absent = _no_filter()
    if absent:
        return absent
    try:
        confine.landlock_abi()
    except confine.Unavailable as error:
        return confine.why_no_landlock(error)
    return ""


def _no_uid() -> str:
    absent = _no_landlock()
    if not absent and not is_root():
        return "the grader does not run as root, and cannot give submissions another user"
    return absent


_RLIMITS = ("CPU", "FSIZE", "NOFILE", "CORE")

BUBBLEWRAP = Level(
    name="bubblewrap",
    boundary=True,
    summary="namespaces of its own (files, processes, network), Landlock, seccomp and resource limits",
    command=_bubblewrapped,
    required=_RLIMITS,
    flags=confine.LANDLOCK
    | confine.WITHOUT_LANDLOCK
    | confine.SECCOMP
    | confine.UID_OF_ROOT
    | confine.OTHER_PIDS,
    refused=confine.PROBED,
    absent=_no_bubblewrap,
)
LANDLOCK_UID = Level(
    name="landlock-uid",
    boundary=True,
    summary="Landlock, seccomp, a user of its own for each submission, and resource limits",
    required=_RLIMITS,
    flags=confine.LANDLOCK | confine.SECCOMP | confine.UID,
    refused=confine.PROBED,
    absent=_no_uid,
)
LANDLOCK = Level(
    name="landlock",
    boundary=True,
    summary="Landlock, seccomp and resource limits, as the user who grades",
    required=_RLIMITS,
    flags=confine.LANDLOCK | confine.SECCOMP,
    refused=confine.PROBED,
    absent=_no_landlock,
)
RLIMITS = Level(
    name="rlimits",
    boundary=False,
    summary="a process of its own with deadlines and resource limits; not a security boundary",
    required=_RLIMITS,
)

LEVELS: tuple[Level, ...] = (BUBBLEWRAP, LANDLOCK_UID, LANDLOCK, RLIMITS)
BOUNDARY = "boundary"
"""Stands for every level that is one, where a level is required."""
CHOICES = (BOUNDARY, *(level.name for level in LEVELS))


def strongest(probe: Callable[[Level], bool], levels: Sequence[Level] = LEVELS) -> Level | None:
    """The first level whose probe succeeds, or None."""
    return next((level for level in levels if probe(level)), None)


def likeliest(levels: Sequence[Level] | None = None) -> Level:
    """The first level that is not plainly absent: the one to start with. The probe stays the judge."""
    levels = LEVELS if levels is None else levels
    return next((level for level in levels if not level.absent()), levels[-1])


def require(level: Level, wanted: str) -> None:
    """Insist on a level.

    Parameters
    ----------
    level : the level in force.
    wanted : the name of the weakest that will do, or ``boundary``.

    Raises
    ------
    IsolationError : what is in force is weaker.
    """
    names = [one.name for one in LEVELS]
    weakest = names.index(wanted) if wanted != BOUNDARY else len(names)
    if level.name not in names[: weakest + 1] or (wanted == BOUNDARY and not level.boundary):
        raise IsolationError(
            f"isolation {level.name!r} is in force, and {wanted!r} is required; nothing was graded. "
            "`grader doctor` says what is missing and how to get it"
        )


def clean_environment() -> dict[str, str]:
    """What a worker sees of the environment: one thread, a locale, and where libraries lie."""
    kept = {
        key: os.environ[key]
        for key in ("LD_LIBRARY_PATH", "DYLD_LIBRARY_PATH", "DYLD_FALLBACK_LIBRARY_PATH")
        if key in os.environ
    }
    threads = dict.fromkeys(("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS"), "1")
    return {"PATH": "/usr/bin:/bin", "LC_ALL": "C.UTF-8", **threads, **kept}
