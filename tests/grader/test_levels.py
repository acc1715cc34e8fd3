"""Each level of isolation that this machine gives: what it keeps a submission from, and what it leaves it."""

from __future__ import annotations

import importlib.util
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

import grader
from grader.cli import cli
from grader.errors import Halted, IsolationError, SandboxError, SubmissionRaised
from grader.sandbox import confine, jail
from grader.sandbox.proxy import RemoteTopic, Sandbox
from grader.sandbox.survey import survey

ROOT = Path(grader.__file__).parent.parent
LIMITS = jail.Limits(memory=1024 * jail.MIB)
BOUNDARIES = [level for level in jail.LEVELS if level.boundary]
linux = pytest.mark.skipif(sys.platform != "linux", reason="the parts are Linux's")


def sandbox_at(level: jail.Level) -> Sandbox:
    """A sandbox at one level; the test is skipped where this machine does not give it."""
    sandbox = Sandbox(LIMITS, levels=[level])
    try:
        assert sandbox.level is level
    except SandboxError:
        sandbox.close()
        why = sandbox.passed_over.get(level.name, "")
        if level is jail.BUBBLEWRAP and os.environ.get("GRADSMITH_NEEDS_BWRAP"):
            pytest.fail(f"bubblewrap does not work here: {why}")
        pytest.skip(why)
    return sandbox


@pytest.fixture(scope="module", params=jail.LEVELS, ids=lambda level: level.name)
def held(request: pytest.FixtureRequest) -> Iterator[Sandbox]:
    """A sandbox at each level."""
    with sandbox_at(request.param) as sandbox:
        yield sandbox


def run(sandbox: Sandbox, body: str, *args: Any) -> Any:
    """What a function with this body returns at a level."""
    topic = RemoteTopic(sandbox, "topic", "topic.py", f"import os\ndef f(*args):\n{body}", ["f"])
    try:
        return topic.f(*args)
    finally:
        topic.close()


# ---- what must be refused

ATTEMPTS = {
    # files of others
    "read": "open(secret).read()",
    "a_device": "open('/dev/tty')",
    "list": "os.listdir(os.path.dirname(secret))",
    "list_root": "os.listdir('/')",
    "list_tmp": "os.listdir('/tmp')",
    "list_above": "os.listdir('..')",
    "users": "open('/etc/passwd').read()",
    "hidden_suites": "os.listdir(root + '/tests/hidden')",
    "solutions": "open(root + '/solutions/softmax.py').read()",
    "the_grader": "open(root + '/grader/grading.py').read()",
    "the_other_packages": "os.listdir(packages + '/pytest')",
    "import_pytest": "sys.path.append(packages) or __import__('pytest')",
    "import_the_grader": "sys.path.append(root) or __import__('grader')",
    "environment_of_the_grader": "open(f'/proc/{grader}/environ').read()",
    "environment_of_init": "open('/proc/1/environ').read()",
    "own_memory": "open('/proc/self/mem', 'r+b')",
    "handles": "call('open_by_handle_at')",
    # writing
    "write_here": "open('x', 'w')",
    "write_elsewhere": "open('/tmp/gradsmith-escaped', 'w')",
    "write_beside": "open(secret + '.new', 'w')",
    "append": "open(secret, 'a')",
    "make_a_folder": "os.mkdir('x')",
    "make_a_pipe": "os.mkfifo('x')",
    "make_a_device": "os.mknod('x', 0o20666, os.makedev(1, 3))",
    "remove": "os.unlink(secret)",
    "rename": "os.rename(secret, secret + '.old')",
    "link": "os.link(secret, 'x')",
    "symlink": "os.symlink(secret, 'x')",
    "chmod": "os.chmod(secret, 0o666)",
    "chown": "os.chown(secret, os.getuid(), -1)",
    "touch": "os.utime(secret)",
    "truncate": "os.truncate(secret, 0)",
    "attributes": "os.setxattr(secret, 'user.x', b'1')",
    "files_in_memory": "os.memfd_create('x')",
    "shared_memory": "call('shmget')",
    # the network
    "tcp": "socket.create_connection(('127.0.0.1', 9))",
    "listen": "socket.create_server(('127.0.0.1', 0))",
    "udp": "socket.socket(socket.AF_INET, socket.SOCK_DGRAM)",
    "unix": "socket.socket(socket.AF_UNIX)",
    "netlink": "socket.socket(socket.AF_NETLINK, socket.SOCK_RAW)",
    "names": "socket.getaddrinfo('localhost', 80) and socket.socket()",
    "descriptors_to_the_grader": "socket.send_fds(socket.socket(fileno=os.dup(channel())), [b'x'], [0])",
    # processes
    "fork": "os.fork() or os._exit(0)",
    "subprocess": "subprocess.run(['/bin/true'])",
    "shell": "refused_if(os.system('true'))",
    "spawn": "os.posix_spawn('/bin/true', ['true'], {})",
    "exec": "os.execv('/bin/true', ['true'])",
    "pools": "multiprocessing.get_context('fork').Process(target=int).start()",
    "kill_the_zygote": "os.kill(os.getppid(), 0)",
    "kill_the_grader": "os.kill(grader, 0)",
    "kill_all": "os.kill(-1, 0)",
    "kill_a_group": "os.killpg(os.getpgid(0), 0)",
    "kill_a_thread": "call('tkill')",
    "queue_a_signal": "call('rt_sigqueueinfo')",
    "signal_by_descriptor": "fcntl.fcntl(channel(), fcntl.F_SETOWN, grader)",
    "signal_chosen": "fcntl.fcntl(channel(), 10, 9)",
    "signal_by_process": "os.pidfd_open(os.getppid())",
    "limits_of_another": "resource.prlimit(grader, resource.RLIMIT_CPU)",
    "priority": "os.setpriority(os.PRIO_PROCESS, 0, 19)",
    "processors": "os.sched_setaffinity(0, [0])",
    "more_files": "resource.setrlimit(resource.RLIMIT_NOFILE, (64, 64))",
    "outlive_the_zygote": "call('prctl', 1, 0)",
    "be_traced": "call('prctl', 4, 1)",
    # the kernel
    "ptrace": "call('ptrace')",
    "read_memory": "call('process_vm_readv')",
    "unshare": "call('unshare')",
    "mount": "call('mount')",
    "chroot": "os.chroot('.')",
    "root": "os.setuid(0)",
    "groups": "os.setgroups([0])",
    "bpf": "call('bpf')",
    "keys": "call('keyctl')",
    "io_uring": "call('io_uring_setup')",
    "userfaultfd": "call('userfaultfd')",
    "perf": "call('perf_event_open')",
}
SOURCE = """
import ctypes, fcntl, multiprocessing, os, resource, socket, stat, subprocess, sys
CALLS = {calls}
def channel():
    return next(fd for fd in range(3, 64) if there(fd) and stat.S_ISSOCK(os.fstat(fd).st_mode))
def there(fd):
    try: return bool(os.fstat(fd))
    except OSError: return False
def refused_if(code):
    if code != 0: raise PermissionError(code)
def call(name, *args):
    number, given = CALLS[name]
    if ctypes.CDLL(None, use_errno=True).syscall(number, *(args or given)) < 0:
        raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))
"""
REFUSALS = (
    "PermissionError: ", "FileNotFoundError: ", "ModuleNotFoundError: ", "NotADirectoryError: ",
    "OSError: [Errno 30] Read-only file system", "OSError: [Errno 38] Function not implemented",
    "ValueError: not allowed to raise maximum limit", "gaierror: ",
)  # fmt: skip


@pytest.fixture(scope="module", params=BOUNDARIES, ids=lambda level: level.name)
def attacker(request: pytest.FixtureRequest) -> Iterator[RemoteTopic]:
    """A submission with one function for each attempt, at each level that is a boundary."""
    if sys.platform != "linux":
        pytest.skip("the parts are Linux's")
    column = confine.ARCHITECTURES[confine.machine()][1]
    calls = {name: (numbers[column], args) for name, (numbers, args) in confine.CALLS.items()}
    calls["prctl"] = ((157, 167)[column], ())
    numpy = importlib.util.find_spec("numpy")
    assert numpy is not None
    assert numpy.origin is not None
    with sandbox_at(request.param) as sandbox, tempfile.TemporaryDirectory() as folder:
        os.chmod(folder, 0o755)  # others may read it: what holds the submission is the level alone
        secret = Path(folder, "secret.txt")
        secret.write_text("hunter2")
        secret.chmod(0o666)
        known = {
            "secret": str(secret), "root": str(ROOT), "packages": str(Path(numpy.origin).parent.parent),
            "grader": os.getpid(),
        }  # fmt: skip
        source = SOURCE.format(calls=calls)
        source += "".join(f"{name} = {value!r}\n" for name, value in known.items())
        source += "".join(
            f"def try_{name}(): return repr({code})\n" for name, code in ATTEMPTS.items()
        )
        topic = RemoteTopic(
            sandbox, "topic", "topic.py", source, [f"try_{name}" for name in ATTEMPTS]
        )
        yield topic
        topic.close()
        assert secret.read_text() == "hunter2"
        assert os.listdir(folder) == ["secret.txt"]


@pytest.mark.parametrize("name", ATTEMPTS)
def test_an_attempt_is_refused_in_words(attacker: RemoteTopic, name: str) -> None:
    """Nothing of others is read, written, signalled or reached, and the learner is told in Python's own words."""
    with pytest.raises(SubmissionRaised) as caught:
        attacker.function(f"try_{name}")()
    assert str(caught.value).startswith(REFUSALS)


def test_a_foreign_architecture_is_no_way_around(attacker: RemoteTopic) -> None:
    """System calls by the numbers of another table end the process or are not there."""
    if confine.machine() != "x86_64":
        pytest.skip("x32 and i386 are of x86_64")
    assert run(attacker.sandbox, (
        "    import ctypes\n    libc = ctypes.CDLL(None, use_errno=True)\n"
        "    return libc.syscall(0x40000000 + 41, 2, 1, 0), ctypes.get_errno()"
    )) == (-1, 38)  # fmt: skip
    source = (  # mov eax, 20 (getpid of i386); int 0x80; ret
        "import ctypes, mmap\n"
        "def f():\n    code = mmap.mmap(-1, 4096, prot=7)\n    code.write(bytes.fromhex('b814000000cd80c3'))\n"
        "    return ctypes.CFUNCTYPE(ctypes.c_int)(ctypes.addressof(ctypes.c_char.from_buffer(code)))()\n"
    )
    topic = RemoteTopic(attacker.sandbox, "topic", "topic.py", source, ["f"])
    with pytest.raises(Halted, match=r"SIGSYS|SIGSEGV"):
        topic.f()
    topic.close()


# ---- what must work


def test_python_and_numpy_work(held: Sandbox) -> None:
    """The standard library can be imported, also what nothing has loaded yet; threads run; NumPy computes."""
    body = """
    import bz2, cmath, collections, concurrent.futures, ctypes, dataclasses, decimal, enum, fractions, functools
    import hashlib, heapq, itertools, json, lzma, math, random, re, statistics, string, textwrap, threading, time
    import typing, unittest, uuid, zlib, csv, difflib, graphlib, queue, xml.dom.minidom
    import numpy as np, numpy.fft, numpy.linalg, numpy.polynomial, numpy.random, numpy.testing
    with concurrent.futures.ThreadPoolExecutor(8) as pool:
        assert sum(pool.map(abs, range(100))) == 4950
    assert np.allclose(np.linalg.inv(np.eye(100) * 2), np.eye(100) / 2)
    assert np.fft.ifft(np.fft.fft([1.0, 2.0]))[1] == 2
    np.random.default_rng(0).normal(size=10)
    with open(os.devnull, "w") as nowhere:
        print("x", file=nowhere)
    time.sleep(0.001)
    os.listdir("."), os.getcwd(), os.cpu_count(), time.localtime(), os.urandom(3), hashlib.sha256(b"x")
    return os.listdir(".")"""
    assert run(held, body) == []


def test_the_level_is_what_was_asked_for(held: Sandbox) -> None:
    """A sandbox of one level has that, and a fault of its probe says what is loose."""
    (level,) = held._levels
    assert held.level is level
    assert held.passed_over == {}
    assert set(level.refused) <= set(confine.PROBED)


@linux
def test_children_as_root_have_users_of_their_own() -> None:
    """No child is root, in a group, or the user of another; nor has it capabilities."""
    if os.geteuid() != 0:
        pytest.skip("root alone gives them")
    source = "import os\ndef f(): return [os.getresuid(), os.getresgid(), os.getgroups()]"
    for level in (jail.BUBBLEWRAP, jail.LANDLOCK_UID):
        with sandbox_at(level) as sandbox:
            topics = [RemoteTopic(sandbox, "topic", "topic.py", source, ["f"]) for _ in range(2)]
            found = [topic.f() for topic in topics]
            for uids, gids, groups in found:
                assert len(set(uids + gids)) == 1
                assert confine.FIRST_UID <= uids[0] < confine.FIRST_UID + confine.N_UIDS
                assert groups == []
            assert found[0] != found[1]
            body = """
    import threading
    done = threading.Event()
    threading.stack_size(65536)
    try:
        for n in range(10_000): threading.Thread(target=done.wait).start()
    except RuntimeError:
        return n
    finally:
        done.set()"""
            assert run(sandbox, body) < confine.N_TASKS
            for topic in topics:
                topic.close()


@linux
def test_a_level_that_promises_too_much_is_passed_over() -> None:
    """The probe tells what a submission could do, and nothing of one runs."""
    weaker = jail.Level(
        "weaker", True, "for a test", flags=confine.LANDLOCK, refused=confine.PROBED
    )
    with Sandbox(LIMITS, levels=[weaker]) as sandbox, pytest.raises(SandboxError):
        sandbox.spawn()
    assert sandbox.passed_over["weaker"].startswith("a submission could do this: ")
    assert "fork" in sandbox.passed_over["weaker"]


def test_without_landlock_a_child_goes_no_further() -> None:
    """Where a level needs it, its absence is an error before anything else is given up."""
    with pytest.raises(confine.Unavailable, match="no Landlock"):
        confine.give_up_files(confine.LANDLOCK | confine.UID, 0, None)


KILLED = """
import os, signal, sys
from grader.sandbox import jail
from grader.sandbox.proxy import RemoteTopic, Sandbox
level, = (one for one in jail.LEVELS if one.name == sys.argv[1])
sandbox = Sandbox(levels=[level])
topic = RemoteTopic(sandbox, "topic", "topic.py", "def f():\\n while True: pass\\ndef g(): return 1", ["f", "g"])
topic.g()
print(sandbox._zygote.pid, flush=True)
topic.f()
"""


@linux
def test_nothing_outlives_a_grader_that_is_killed(held: Sandbox) -> None:
    """The zygote and a child in a loop end with it, whatever uid and namespace they have."""
    with subprocess.Popen(
        [sys.executable, "-c", KILLED, held.level.name], stdout=subprocess.PIPE, text=True,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
    ) as running:  # fmt: skip
        assert running.stdout is not None
        pids = [int(running.stdout.readline())]
        for pid in pids:
            pids += map(int, Path(f"/proc/{pid}/task/{pid}/children").read_text().split())
        running.kill()
    assert len(pids) >= 2
    until = time.monotonic() + 10
    while any(alive(pid) for pid in pids) and time.monotonic() < until:
        time.sleep(0.01)
    assert not [pid for pid in pids if alive(pid)]


def alive(pid: int) -> bool:
    """Whether a process runs; a zombie does not."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except (FileNotFoundError, ProcessLookupError):
        return False


# ---- other machines

DRIVER = """
import json, sys
from grader.sandbox import confine, jail
from grader.sandbox.proxy import RemoteTopic, Sandbox
with Sandbox() as sandbox:
    topic = RemoteTopic(sandbox, "topic", "topic.py", '''
import os
def f(path):
    import colorsys, fractions, numpy.fft
    try: return open(path).read(), os.getuid()
    except OSError as error: return type(error).__name__, os.getuid()
''', ["f"])
    said, uid = topic.f(sys.argv[1])
    print(json.dumps([sandbox.level.name, said, uid, sandbox.passed_over]))
    topic.close()
"""
# What Docker's default profile denies to a process without CAP_SYS_ADMIN, by the numbers of x86_64 and aarch64.
DOCKER_DENIES = {
    "mount": (165, 40), "umount2": (166, 39), "unshare": (272, 97), "setns": (308, 268), "pivot_root": (155, 41),
    "keyctl": (250, 219), "add_key": (248, 217), "request_key": (249, 218), "bpf": (321, 280),
    "perf_event_open": (298, 241), "userfaultfd": (323, 282), "io_uring_setup": (425, 425), "fsopen": (430, 430),
    "move_mount": (429, 429), "open_tree": (428, 428), "open_by_handle_at": (304, 265),
}  # fmt: skip
DOCKER_CAPABILITIES = [
    "chown", "dac_override", "fsetid", "fowner", "mknod", "net_raw", "setgid", "setuid", "setfcap", "setpcap",
    "net_bind_service", "sys_chroot", "kill", "audit_write",
]  # fmt: skip
DOCKER = f"""
import errno, struct, sys
from grader.sandbox import confine
arch, column, _ = confine.ARCHITECTURES[confine.machine()]
denied, absent, allowed = 0x50000 | errno.EPERM, 0x50000 | errno.ENOSYS, 0x7FFF0000
code = [(0x20, 0, 0, 0)]
for numbers in {list(DOCKER_DENIES.values())}:
    code += [(0x15, 0, 1, numbers[column]), (0x06, 0, 0, denied)]
code += [(0x15, 0, 1, 435), (0x06, 0, 0, absent)]
code += [(0x15, 0, 4, (56, 220)[column]), (0x20, 0, 0, 16), (0x45, 0, 1, 0x7E020000), (0x06, 0, 0, denied),
         (0x06, 0, 0, allowed), (0x06, 0, 0, allowed)]
confine.install(b"".join(struct.pack("=HBBI", *each) for each in code))
"""


def for_any_user(home: Path) -> list[str]:
    """Words before a command that make Python readable for any user at `home`, by a mount that ends with it."""
    prefix = Path(sys.executable).resolve().parent.parent
    return ["unshare", "-m", "sh", "-c", f'mount --bind {prefix} {home} && exec "$@"', "sh"]


@linux
def test_inside_docker_the_second_level_holds(tmp_path: Path) -> None:
    """With Docker's capabilities and what its profile denies, children have users of their own, and Landlock."""
    if os.geteuid() != 0 or shutil.which("setpriv") is None:
        pytest.skip("takes root and setpriv")
    sandbox_at(jail.LANDLOCK_UID).close()
    canary = tmp_path / "canary"
    canary.write_text("seen")
    done = subprocess.run(
        ["setpriv", "--no-new-privs", f"--bounding-set=-all,{','.join('+' + name for name in DOCKER_CAPABILITIES)}",
         sys.executable, "-c", DOCKER + DRIVER, str(canary)],
        capture_output=True, text=True, check=False, env={**os.environ, "PYTHONPATH": str(ROOT)},
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    level, said, uid, passed_over = json.loads(done.stdout)
    assert level == "landlock-uid"
    assert said == "PermissionError"
    assert uid >= confine.FIRST_UID
    assert set(passed_over) == {"bubblewrap"}


@linux
@pytest.mark.parametrize("with_bwrap", [True, False])
def test_another_user_than_root_is_held(with_bwrap: bool) -> None:
    """A user without rights gets bubblewrap by a user namespace, or Landlock as that user."""
    if os.geteuid() != 0 or shutil.which("setpriv") is None or not confine.in_reach(str(ROOT)):
        pytest.skip("takes root, setpriv and a checkout that others may read")
    sandbox_at(jail.LANDLOCK).close()
    if with_bwrap:
        sandbox_at(jail.BUBBLEWRAP).close()
    numpy = importlib.util.find_spec("numpy")
    assert numpy is not None
    assert numpy.origin is not None
    with tempfile.TemporaryDirectory() as folder:
        os.chmod(folder, 0o755)
        canary, prefix = Path(folder, "canary"), Path(folder, "python")
        canary.write_text("seen")
        prefix.mkdir()
        path = [Path(numpy.origin).parent.parent, ROOT]
        drop = f"{shutil.which('setpriv')} --reuid 65534 --regid 65534 --clear-groups".split()
        python = prefix / "bin" / Path(sys.executable).resolve().name
        done = subprocess.run(
            [*for_any_user(prefix), "env", f"PATH={os.environ['PATH'] if with_bwrap else '/nowhere'}",
             *drop, python, "-c", DRIVER, canary],
            capture_output=True, text=True, check=False,
            env={**os.environ, "PYTHONPATH": ":".join(map(str, path)), "LD_LIBRARY_PATH": f"{prefix}/lib"},
        )  # fmt: skip
    if "mount" in done.stderr:
        pytest.skip("no mounts here")
    assert done.returncode == 0, done.stderr
    level, said, uid, passed_over = json.loads(done.stdout)
    assert uid == 65534
    if with_bwrap and level != "bubblewrap":
        pytest.skip(f"user namespaces are off: {passed_over}")
    assert level == ("bubblewrap" if with_bwrap else "landlock")
    assert said == ("FileNotFoundError" if with_bwrap else "PermissionError")


# ---- asking for a level, and being told


@pytest.mark.parametrize(
    ("level", "wanted", "enough"),
    [
        (jail.BUBBLEWRAP, "boundary", True), (jail.LANDLOCK, "boundary", True), (jail.RLIMITS, "boundary", False),
        (jail.BUBBLEWRAP, "landlock", True), (jail.LANDLOCK, "landlock", True), (jail.LANDLOCK, "landlock-uid", False),
        (jail.LANDLOCK_UID, "bubblewrap", False), (jail.RLIMITS, "rlimits", True), (jail.RLIMITS, "landlock", False),
    ],
)  # fmt: skip
def test_a_level_can_be_required(level: jail.Level, wanted: str, enough: bool) -> None:
    """A stronger level always will do, a weaker one never; the message says where to look."""
    if enough:
        jail.require(level, wanted)
        return
    with pytest.raises(IsolationError, match=f"{level.name}.*in force.*{wanted}.*grader doctor"):
        jail.require(level, wanted)


@pytest.mark.parametrize("command", ["check", "score"])
def test_less_than_was_required_grades_nothing(
    command: str, at_work: Any, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Exit code 2, one line, no report, and no line in the journal."""
    from grader.cli import run as main

    monkeypatch.setattr(jail, "LEVELS", (jail.RLIMITS,))
    journal = sorted(Path(".").rglob("*journal*"))
    args = [
        command,
        *(["toy/toy.py"] if command == "score" else []),
        "--require-isolation",
        "boundary",
    ]
    assert main(args) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert (
        err.strip()
        .splitlines()[-1]
        .startswith("Error: isolation 'rlimits' is in force, and 'boundary' is required")
    )
    assert sorted(Path(".").rglob("*journal*")) == journal


def test_doctor_says_what_there_is() -> None:
    """Every level with a mark and, where it does not work, the reason; the verdict; 80 columns."""
    found = survey()
    assert [one.name for one in found.levels] == [level.name for level in jail.LEVELS]
    assert all(one.text for one in (*found.basics, *found.levels, *found.packages))
    first = next(one for one in found.levels if one.there)
    assert found.used == first.name
    runner = CliRunner(env={"COLUMNS": "80", "NO_COLOR": "1"})
    shown = runner.invoke(cli, ["doctor"]).output
    assert f"Submissions are held by {found.used}" in shown
    assert max(map(len, shown.splitlines())) <= 80
    data = json.loads(runner.invoke(cli, ["doctor", "--format", "json"]).output)
    assert (data["schema"], data["used"], data["boundary"]) == (1, found.used, found.boundary)


@pytest.mark.parametrize(
    ("code", "words"),
    [("ENOSYS", "5.13 or later"), ("EOPNOTSUPP", "lsm="), ("EPERM", "denies Landlock")],
)
def test_why_there_is_no_landlock(code: str, words: str) -> None:
    """The three ways in which it can be missing."""
    import errno

    assert words in confine.why_no_landlock(OSError(getattr(errno, code), "x"))


@linux
def test_the_filter_names_system_calls_by_their_numbers() -> None:
    """The numbers of this architecture agree with the C library's headers, where they are installed."""
    headers = [
        Path(f"/usr/include/{confine.machine()}-linux-gnu/asm/unistd_64.h"), Path("/usr/include/asm-generic/unistd.h"),
    ]  # fmt: skip
    header = headers[confine.ARCHITECTURES[confine.machine()][1]]
    if not header.is_file():
        pytest.skip("no headers")
    known = {}
    for line in header.read_text().splitlines():
        words = line.split()
        if len(words) == 3 and words[1].startswith("__NR") and words[2].isdigit():
            known[words[1].removeprefix("__NR3264_").removeprefix("__NR_")] = int(words[2])
    column = confine.ARCHITECTURES[confine.machine()][1]
    tables = {**confine._PLAIN, **{n: v[0] for n, v in (confine._CHOSEN | confine.CALLS).items()}}
    for name, numbers in tables.items():
        if name in known:
            assert numbers[column] == known[name], name
