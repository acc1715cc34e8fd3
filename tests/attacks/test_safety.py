"""No attack does harm even where nothing holds it: the corpus is read for what could."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

CORPUS = Path(__file__).with_name("submissions")

Harm = Callable[[str], list[str]]


def test_no_attack_can_do_harm(harm: Harm) -> None:
    """Nothing deletes, renames, cuts short or overwrites what is not the test's, or ends what is not its own."""
    files = sorted(CORPUS.rglob("*.py"))
    assert len(files) > 140
    assert {str(file): found for file in files if (found := harm(file.read_text()))} == {}


@pytest.mark.parametrize(
    "code",
    [
        "import shutil",
        "shutil.rmtree('@HOME@')",
        "os.remove(path)",
        "os.unlink(path)",
        "path.unlink()",
        "os.rmdir('/etc')",
        "os.rename(a, b)",
        "os.replace(a, b)",
        "path.rename(b)",
        "os.truncate(path, 0)",
        "file.truncate()",
        "os.system('true')",
        "import subprocess",
        "from os import getpid",
        "import os as o",
        "import posix",
        "getattr(os, name)(path)",
        "ctypes.CDLL(None)",
        "os.kill(-1, 9)",
        "os.kill(pid, 9)",
        "os.kill(1, 9)",
        "os.kill(int('@GRADER@'), 9)",
        "os.killpg(pid, 9)",
        "os.killpg(-1, 9)",
        "signal.pthread_kill(t, 9)",
        "signal.pidfd_send_signal(fd, 9)",
        "os.execv('/bin/rm', ['rm', '-r', '/'])",
        "os.execv('/bin/sh', ['sh', '-c', 'exit 1'])",
        "open('/etc/passwd', 'w')",
        "open('x', 'a')",
        "open('x', mode='r+')",
        "open('@COURSE@/x', 'wb')",
        "open(path, mode)",
        "os.open('x', os.O_WRONLY | os.O_TRUNC)",
        "path.write_text('')",
        "np.save('x', x)",
        "x.tofile('x')",
        "path.chmod(0)",
    ],
)
def test_what_could_do_harm_is_refused(harm: Harm, code: str) -> None:
    """The reading sees each way to delete, overwrite, signal others and start programs."""
    assert harm(f"def f():\n    {code}\n")


@pytest.mark.parametrize(
    "code",
    [
        "open('x')",
        "open('x', 'xb')",
        "open('@RESULTS@', 'w')",
        "os.kill(os.getpid(), 9)",
        'os.kill(int("@VICTIM@"), 9)',
        "os.killpg(0, signal.SIGKILL)",
        'os.execv("/bin/sh", ["sh", "-c", "exit 0"])',
        "'a'.replace('a', 'b')",
    ],
)
def test_what_is_the_tests_own_may_be_tried(harm: Harm, code: str) -> None:
    """What an attack does to itself, or to what was made for it, is not refused."""
    assert harm(f"def f():\n    {code}\n") == []
