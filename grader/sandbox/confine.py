"""What a child of the zygote gives up for good before it sees a submission: files, system calls, its uid.

Landlock leaves it the standard library, NumPy and an empty folder, to read; nothing to write. Seccomp leaves it the
system calls that Python and NumPy compute with: no process, no socket, no signal to another. Started as root, it
takes on a uid of its own. Each step either succeeds or raises: nothing here fails open.

Standard library only and without imports of ours, as it is loaded by `worker`; it does something on Linux alone.
"""

from __future__ import annotations

import contextlib
import errno
import functools
import os
import struct
import sys
import threading
from collections.abc import Callable, Iterable, Iterator
from typing import Any

# What an order to fork asks for, as flags.
LANDLOCK = 1
SECCOMP = 2
UID = 4  # root alone can give one
UID_OF_ROOT = 64  # give one where this process is root
PROBE = 8  # try what must be refused, and tell
WITHOUT_LANDLOCK = 16  # go on where the kernel has none: a mount namespace hides what it would
OTHER_PIDS = 32  # process ids are those of a namespace, and mean nothing to the grader

FIRST_UID = 61184  # what systemd gives services for as long as they run, and nobody else
N_UIDS = 4336
N_TASKS = 128  # threads of one child, where it has a uid of its own
N_TASKS_TOGETHER = 1024  # of all children of a zygote that has a user namespace of its own

# ---- landlock

_CREATE_RULESET, _ADD_RULE, _RESTRICT_SELF = 444, 445, 446  # on every architecture
_FILES_BY_ABI = {
    1: 1 << 13,
    2: 1 << 14,
    3: 1 << 15,
    5: 1 << 16,
}  # one more than all rights to files
_READ_FILE, _READ_DIR, _WRITE_FILE = 1 << 2, 1 << 3, 1 << 1
_TCP = 0b11  # bind and connect, from 4 on
_SCOPES = 0b11  # abstract sockets and signals, from 6 on
_QUIET = 1  # no line in the system's log for each refusal, from 7 on

# What extensions of the standard library are linked with, and loaded by a later import.
_LIBRARIES = (
    "libbz2.", "libcrypt.", "libcrypto.", "libexpat.", "libffi.", "libgcc_s.", "liblzma.", "libm.", "libmpdec.",
    "libpthread.", "librt.", "libdl.", "libutil.", "libsqlite3.", "libssl.", "libstdc++.", "libuuid.", "libz.",
    "libzstd.",
)  # fmt: skip
_DEVICES = {
    "/dev/null": _READ_FILE | _WRITE_FILE,
    "/dev/zero": _READ_FILE,
    "/dev/urandom": _READ_FILE,
}
PACKAGES = ("site-packages", "dist-packages")  # beside the standard library, and no part of it

# ---- seccomp

_LD, _EQUAL, _AT_LEAST, _RETURN, _JUMP, _AND = 0x20, 0x15, 0x35, 0x06, 0x05, 0x54
_ALLOW = 0x7FFF0000
_KILL = 0x80000000
_ERRNO = 0x00050000
_NR, _ARCH, _ARGUMENT = (
    0,
    4,
    16,
)  # offsets in what a filter sees; an argument's low half comes first
_HIGHEST = 470  # system calls behind it are not known here, and said not to be there
_SPEC_ALLOW = 4  # the filter is no reason to slow the processor down

ARCHITECTURES = {"x86_64": (0xC000003E, 0, 317), "aarch64": (0xC00000B7, 1, 277)}

# The numbers on x86_64 and aarch64; None where there is none.
_PLAIN: dict[str, tuple[int | None, int | None]] = {
    "recvfrom": (45, 207), "sendto": (44, 206), "futex": (202, 98), "sched_yield": (24, 124),
    "mmap": (9, 222), "munmap": (11, 215), "brk": (12, 214), "madvise": (28, 233), "mremap": (25, 216),
    "clock_gettime": (228, 113), "read": (0, 63), "write": (1, 64), "close": (3, 57), "openat": (257, 56),
    "open": (2, None), "stat": (4, None), "fstat": (5, 80), "lstat": (6, None), "newfstatat": (262, 79),
    "lseek": (8, 62), "getdents64": (217, 61), "readlink": (89, None), "readlinkat": (267, 78), "mprotect": (10, 226),
    "poll": (7, None), "ppoll": (271, 73), "select": (23, None), "pselect6": (270, 72), "statx": (332, 291),
    "rt_sigprocmask": (14, 135), "rt_sigaction": (13, 134), "rt_sigreturn": (15, 139), "rt_sigpending": (127, 136),
    "rt_sigtimedwait": (128, 137), "rt_sigsuspend": (130, 133), "sigaltstack": (131, 132), "pause": (34, None),
    "alarm": (37, None), "getitimer": (36, 102), "setitimer": (38, 103), "nanosleep": (35, 101),
    "clock_nanosleep": (230, 115), "clock_getres": (229, 114), "gettimeofday": (96, 169), "time": (201, None),
    "times": (100, 153), "getrusage": (98, 165), "sysinfo": (99, 179), "uname": (63, 160), "getrandom": (318, 278),
    "pread64": (17, 67), "pwrite64": (18, 68), "readv": (19, 65), "writev": (20, 66), "access": (21, None),
    "faccessat": (269, 48), "faccessat2": (439, 439), "getcwd": (79, 17), "chdir": (80, 49), "fchdir": (81, 50),
    "dup": (32, 23), "dup2": (33, None), "dup3": (292, 24), "pipe": (22, None), "pipe2": (293, 59),
    "close_range": (436, 436), "shutdown": (48, 210), "getpid": (39, 172), "gettid": (186, 178), "getppid": (110, 173),
    "getuid": (102, 174), "geteuid": (107, 175), "getgid": (104, 176), "getegid": (108, 177), "getgroups": (115, 158),
    "getresuid": (118, 148), "getresgid": (120, 150), "getpgrp": (111, None), "getpgid": (121, 155),
    "getsid": (124, 156), "sched_getaffinity": (204, 123), "getcpu": (309, 168), "membarrier": (324, 283),
    "rseq": (334, 293), "set_robust_list": (273, 99), "set_tid_address": (218, 96), "futex_waitv": (449, 449),
    "arch_prctl": (158, None), "wait4": (61, 260), "waitid": (247, 95), "restart_syscall": (219, 128),
    "exit": (60, 93), "exit_group": (231, 94),
}  # fmt: skip
_OWN = 0x7FFFFFF5  # stands for the child's process id; none is as high

# Allowed where an argument (its position, and a mask or None) has one of these values.
_THREADS = (0x3D0F00, 0x7D0F00)  # as glibc and musl make one: never a process, never a namespace
_CHOSEN: dict[str, tuple[tuple[int, int], int, tuple[int, ...]]] = {
    "clone": ((56, 220), 0, _THREADS),
    "prlimit64": ((302, 261), 0, (0, _OWN)),
    "kill": ((62, 129), 0, (_OWN,)),
    "tgkill": ((234, 131), 0, (_OWN,)),
    # F_DUPFD, F_GETFD, F_SETFD, F_GETFL, F_SETFL, F_DUPFD_CLOEXEC: no owner, to whom signals go, and no leases
    "fcntl": ((72, 25), 1, (0, 1, 2, 3, 4, 1030)),
    # TCGETS, TIOCGWINSZ, FIONREAD, FIONBIO, FIONCLEX, FIOCLEX
    "ioctl": ((16, 29), 1, (0x5401, 0x5413, 0x541B, 0x5421, 0x5450, 0x5451)),
    "prctl": ((157, 167), 0, (15, 16)),  # a thread's name
}
_CLONE3 = 435  # its flags lie in memory: the C library falls back on clone

_PR_SET_NO_NEW_PRIVS = 38
_PR_SET_SECCOMP = 22
_SET_MODE_FILTER = 1
_MODE_FILTER = 2


class Unavailable(OSError):
    """This kernel, or what holds this process, does not offer a part."""


def machine() -> str:
    """The architecture as the kernel names it; empty where this is not Linux, or not a process of 64 bits."""
    if sys.platform != "linux" or struct.calcsize("P") != 8:
        return ""
    return os.uname().machine


@functools.cache
def _function(name: str) -> Any:
    """A function of the C library that takes a number and pointers or numbers, and sets errno."""
    import ctypes  # not at the top: the grader reads this module before it knows whether it needs it

    function = ctypes.CDLL(None, use_errno=True)[name]
    n = 6 if name == "syscall" else 4
    function.argtypes = (ctypes.c_long, *[ctypes.c_void_p] * n)
    function.restype = ctypes.c_long
    return function


def _checked(value: int) -> int:
    """What a C function returned; OSError where it failed."""
    if value < 0:
        import ctypes

        code = ctypes.get_errno()
        raise OSError(code, os.strerror(code))
    return value


def _call(number: int, *args: int | bytes) -> int:
    return _checked(_function("syscall")(number, *args, *[0] * (6 - len(args))))


def _prctl(option: int, *args: int | bytes) -> int:
    return _checked(_function("prctl")(option, *args, *[0] * (4 - len(args))))


# ---- files


def landlock_abi() -> int:
    """The version of landlock that the kernel has in force.

    Raises
    ------
    Unavailable : none; ENOSYS where the kernel has no such call, EOPNOTSUPP where it is off, EPERM where it is denied.
    """
    if not machine():
        raise Unavailable(errno.ENOSYS, "not Linux")
    try:
        return _call(_CREATE_RULESET, 0, 0, 1)
    except OSError as error:
        raise Unavailable(error.errno, error.strerror) from None


def why_no_landlock(error: OSError) -> str:
    """The reason in words, and what to do."""
    if error.errno == errno.EOPNOTSUPP:
        return "Landlock is off: add landlock to the kernel's parameter lsm= and start again"
    if error.errno == errno.ENOSYS:
        return "the kernel has no Landlock: it takes Linux 5.13 or later, built with it"
    return f"what holds this process denies Landlock ({error.strerror})"


class Ruleset:
    """What may be read, made once in the zygote and taken on by each child.

    Parameters
    ----------
    folders : folders on Python's path.
    packages : NumPy's own folders.
    home : the empty folder.

    Raises
    ------
    Unavailable : the kernel has no landlock.
    """

    def __init__(self, folders: Iterable[str], packages: Iterable[str], home: str) -> None:
        self.abi = landlock_abi()
        handled = max(top for abi, top in _FILES_BY_ABI.items() if abi <= self.abi) - 1
        parts = [handled]
        if self.abi >= 4:
            parts.append(_TCP)
        if self.abi >= 6:
            parts.append(_SCOPES)
        attributes = struct.pack(f"={len(parts)}Q", *parts)
        self.fd = _call(_CREATE_RULESET, attributes, len(attributes), 0)
        for path in (*readable(folders), *packages, *libraries(), home):
            self.allow(path, _READ_FILE | _READ_DIR)
        for path, rights in _DEVICES.items():
            self.allow(path, rights)

    def allow(self, path: str, rights: int) -> None:
        """Allow a file, or all below a folder; what is not there needs no leave."""
        try:
            fd = os.open(path, os.O_PATH | os.O_CLOEXEC)
        except OSError:
            return
        try:
            if not os.path.isdir(path):
                rights &= ~_READ_DIR
            _call(_ADD_RULE, self.fd, 1, struct.pack("=Qi", rights, fd), 0)
        finally:
            os.close(fd)

    def restrict(self) -> None:
        """Take it on: for good, for this process and what comes of it."""
        if self.abi >= 7:
            with contextlib.suppress(OSError):
                _call(_RESTRICT_SELF, self.fd, _QUIET)
                return
        _call(_RESTRICT_SELF, self.fd, 0)


def readable(folders: Iterable[str]) -> Iterator[str]:
    """The parts of the standard library's folders: all but the packages that were installed there."""
    for folder in folders:
        if not os.path.isdir(folder):
            yield folder  # a zip file, which as a rule is not there
            continue
        names = os.listdir(folder)
        if not any(os.path.isdir(os.path.join(folder, name)) for name in PACKAGES):
            yield folder
            continue
        for name in names:
            if name not in PACKAGES:
                yield os.path.join(folder, name)


def libraries() -> Iterator[str]:
    """Shared libraries that are loaded, and those beside them that the standard library may load yet."""
    loaded = _loaded_libraries()
    yield from loaded
    for folder in {os.path.dirname(path) for path in loaded}:
        with contextlib.suppress(OSError):
            for name in os.listdir(folder):
                if name.startswith(_LIBRARIES):
                    yield os.path.join(folder, name)


def _loaded_libraries() -> list[str]:
    """The paths of shared libraries in this process, by the dynamic linker itself: /proc may be absent."""
    import ctypes

    class Info(ctypes.Structure):
        _fields_ = [("address", ctypes.c_void_p), ("name", ctypes.c_char_p)]

    found: list[str] = []

    def visit(info: Any, size: int, data: Any) -> int:
        name = info.contents.name
        if name and name.startswith(b"/"):
            found.append(os.fsdecode(name))
        return 0

    kind = ctypes.CFUNCTYPE(ctypes.c_int, ctypes.POINTER(Info), ctypes.c_size_t, ctypes.c_void_p)
    ctypes.CDLL(None).dl_iterate_phdr(kind(visit), None)
    return found


def in_reach(path: str) -> bool:
    """Whether a uid that owns nothing can come to a folder: every folder on the way lets others through."""
    path = os.path.realpath(path)
    while True:
        try:
            if os.stat(path).st_mode & 0o001 == 0:
                return False
        except OSError:
            return False
        parent = os.path.dirname(path)
        if parent == path:
            return True
        path = parent


def by_descriptor(folders: Iterable[str]) -> dict[str, str]:
    """Other paths to folders that are out of reach: they lead through descriptors, whatever lies above allows.

    Python below the home of root, which no other uid may enter, is still readable so. The descriptors stay open, and
    children have them too.

    Returns
    -------
    The paths of folders that need another, by the old ones.
    """
    return {
        folder: f"/proc/self/fd/{os.open(folder, os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC)}"
        for folder in folders
        if os.path.isdir(folder) and not in_reach(folder)
    }


# ---- system calls


def program(pid: int) -> bytes:
    """The filter of a child, which may signal itself; `Unavailable` where this architecture has no list."""
    return template().replace(struct.pack("=I", _OWN), struct.pack("=I", pid))


@functools.cache
def template() -> bytes:
    """The filter but for the process id: which system calls are left, and the errors that the others give."""
    if machine() not in ARCHITECTURES:
        raise Unavailable(errno.ENOSYS, f"no list of system calls for {machine() or sys.platform}")
    arch, column, _ = ARCHITECTURES[machine()]
    denied, absent = _ERRNO | errno.EPERM, _ERRNO | errno.ENOSYS
    code: list[tuple[int, int, int, int]] = [
        (_LD, 0, 0, _ARCH), (_EQUAL, 1, 0, arch), (_RETURN, 0, 0, _KILL), (_LD, 0, 0, _NR),
    ]  # fmt: skip
    plain = [number for each in _PLAIN.values() if (number := each[column]) is not None]
    code += _search(sorted(plain))
    for numbers, position, values in _CHOSEN.values():
        block = [(_LD, 0, 0, _ARGUMENT + 8 * position)]
        for i, value in enumerate(values):
            block.append((_EQUAL, len(values) - i, 0, value))
        block += [(_RETURN, 0, 0, denied), (_RETURN, 0, 0, _ALLOW)]
        code += [(_EQUAL, 0, len(block), numbers[column]), *block]
    code += [
        (_EQUAL, 0, 1, _CLONE3), (_RETURN, 0, 0, absent),
        (_AT_LEAST, 0, 1, _HIGHEST + 1), (_RETURN, 0, 0, absent), (_RETURN, 0, 0, denied),
    ]  # fmt: skip
    return b"".join(struct.pack("=HBBI", *each) for each in code)


def _search(numbers: list[int]) -> list[tuple[int, int, int, int]]:
    """Allow these numbers, found by halving; others come out at the end.

    The kernel tries a new filter with every number: a chain of comparisons takes it twice as long.
    """

    def halves(numbers: list[int]) -> list[tuple[int, int, int, int | None]]:
        if len(numbers) <= 4:
            equal = [(_EQUAL, len(numbers) - i, 0, each) for i, each in enumerate(numbers)]
            return [*equal, (_JUMP, 0, 0, None), (_RETURN, 0, 0, _ALLOW)]
        middle = len(numbers) // 2
        low, high = halves(numbers[:middle]), halves(numbers[middle:])
        return [(_AT_LEAST, len(low), 0, numbers[middle]), *low, *high]

    code = halves(numbers)
    return [
        (kind, yes, no, len(code) - i - 1 if value is None else value)
        for i, (kind, yes, no, value) in enumerate(code)
    ]


def install(filter_: bytes) -> None:
    """Put a filter in force, for good."""
    import ctypes

    buffer = ctypes.create_string_buffer(filter_, len(filter_))
    head = struct.pack("=H6xQ", len(filter_) // 8, ctypes.addressof(buffer))
    try:
        _call(ARCHITECTURES[machine()][2], _SET_MODE_FILTER, _SPEC_ALLOW, head)
    except OSError:
        _prctl(_PR_SET_SECCOMP, _MODE_FILTER, head)


# ---- the uid


def take_uid(number: int) -> None:
    """Become a user of one's own, in no group, without capabilities.

    Parameters
    ----------
    number : distinguishes the children of a zygote.

    Raises
    ------
    Unavailable : this process is not root.
    """
    if os.getuid() != 0:
        raise Unavailable(errno.EPERM, "not started as root")
    uid = FIRST_UID + (31 * os.getppid() + number) % N_UIDS
    os.setgroups([])
    os.setresgid(uid, uid, uid)
    os.setresuid(uid, uid, uid)
    if os.getresuid() != (uid, uid, uid) or os.getgroups():
        raise Unavailable(errno.EPERM, "the uid was not taken on")


def give_up_files(flags: int, number: int, ruleset: Ruleset | None) -> None:
    """Take on the uid and Landlock, as far as the flags ask for them, for good.

    Parameters
    ----------
    number : distinguishes the children of a zygote.
    ruleset : None where the kernel has no Landlock.

    Raises
    ------
    OSError : a part could not be had; nothing of a submission may run then.
    """
    if flags & LANDLOCK and ruleset is None and not flags & WITHOUT_LANDLOCK:
        raise Unavailable(errno.ENOSYS, "no Landlock")
    own_uid = bool(flags & UID or (flags & UID_OF_ROOT and os.getuid() == 0))
    if own_uid:
        take_uid(number)
        _limit_tasks(N_TASKS)
    elif flags & OTHER_PIDS and ruleset is not None and ruleset.abi >= 2:
        _limit_tasks(N_TASKS_TOGETHER)
    _prctl(_PR_SET_NO_NEW_PRIVS, 1)
    if flags & LANDLOCK and ruleset is not None:
        ruleset.restrict()


def give_up_calls(flags: int) -> None:
    """Take on the filter of system calls, where the flags ask for it: the last step."""
    if flags & SECCOMP:
        install(program(os.getpid()))


def _limit_tasks(n: int) -> None:
    """Limit the threads of this user; kernels from 5.14 on count those of a user namespace apart."""
    import resource  # not at the top: this module is read where there is none

    _, hard = resource.getrlimit(resource.RLIMIT_NPROC)
    if hard == resource.RLIM_INFINITY or hard > n:
        resource.setrlimit(resource.RLIMIT_NPROC, (n, n))


# ---- the probe

CALLS = {  # harmless as they are called here, where nothing holds them
    "ptrace": ((101, 117), (3, 1, 0, 0)),
    "process_vm_readv": ((310, 270), (1, 0, 0, 0, 0, 0)),
    "unshare": ((272, 97), (0x10000000,)),
    "mount": ((165, 40), (0, 0, 0, 0, 0)),
    "bpf": ((321, 280), (0, 0, 0)),
    "keyctl": ((250, 219), (0, -3, 0)),
    "io_uring_setup": ((425, 425), (0, 0)),
    "userfaultfd": ((323, 282), (0,)),
    "perf_event_open": ((298, 241), (0, 0, -1, -1, 0)),
    "memfd_create": ((319, 279), (0, 0)),
    "open_by_handle_at": ((304, 265), (-100, 0, 0)),
    "execve": ((59, 221), (0, 0, 0)),
    "setuid": ((105, 146), (0,)),
    "fchmodat": ((268, 53), (-100, 0, 0o777)),
    "truncate": ((76, 45), (0, 0)),
    "shmget": ((29, 194), (0, 1, 0)),
    "tkill": ((200, 130), (1, 0)),
    "pidfd_open": ((434, 434), (1, 0)),
    "rt_sigqueueinfo": ((129, 138), (1, 0, 0)),
}
PROBED = (
    "read the canary", "list its folder", "read a process's environment", "write beside it", "write here", "socket",
    "fork", "signal the parent", *CALLS,
)  # fmt: skip


def refused(canary: str, parent: int) -> list[str]:
    """Try what a child must not be able to do; the names of what was refused.

    Parameters
    ----------
    canary : a file that the grader can read.
    parent : the zygote.
    """
    column = ARCHITECTURES[machine()][1]

    def open_(path: str, flags: int) -> Callable[[], Any]:
        return lambda: os.close(os.open(path, flags, 0o600))

    def fork() -> None:
        if os.fork() == 0:
            os._exit(0)

    def socket() -> None:
        import _socket

        _socket.socket(_socket.AF_INET, _socket.SOCK_STREAM).close()

    new = os.O_WRONLY | os.O_CREAT | os.O_TRUNC
    attempts: dict[str, Callable[[], Any]] = {
        "read the canary": open_(canary, os.O_RDONLY),
        "read a process's environment": open_(f"/proc/{parent}/environ", os.O_RDONLY),
        "list its folder": lambda: os.listdir(os.path.dirname(canary)),
        "write beside it": open_(f"{canary}.new", new),
        "write here": open_("new", new),
        "socket": socket,
        "fork": fork,
        "signal the parent": lambda: os.kill(parent, 0),
    }
    for name, (numbers, args) in CALLS.items():
        attempts[name] = functools.partial(_call, numbers[column], *args)
    held = []
    for name, attempt in attempts.items():
        try:
            attempt()
        except OSError as error:
            # A mount namespace hides what it keeps away, and is read-only.
            hidden = name not in CALLS and error.errno in (errno.ENOENT, errno.EROFS)
            if hidden or error.errno in (errno.EPERM, errno.EACCES, errno.ENOSYS):
                held.append(name)
    return held


def works() -> str:
    """What a submission needs and does not have under what is in force; empty where it has all."""
    try:
        import cmath  # noqa: F401 - an extension
        import colorsys  # noqa: F401 - modules that nothing else has loaded
        import xml.etree  # noqa: F401
    except ImportError as error:
        return f"the standard library cannot be imported: {error}"
    try:
        thread = threading.Thread(target=int)
        thread.start()
        thread.join()
    except RuntimeError as error:
        return str(error)
    return ""
