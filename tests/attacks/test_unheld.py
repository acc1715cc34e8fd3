"""The corpus where nothing holds it, for who tests as root: as another user, on files that are thrown away."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
TESTS = Path(__file__).with_name("test_submissions.py")


def thrown_away(command: list[str]) -> list[str]:
    """A command in namespaces of its own: every file is read-only, but for a /tmp that ends with it."""
    words = ["bwrap", "--ro-bind", "/", "/", "--dev", "/dev", "--proc", "/proc", "--tmpfs", "/tmp"]
    for kept in dict.fromkeys((str(ROOT), sys.prefix, sys.base_prefix)):
        words += ["--ro-bind", kept, kept]
    words += ["--unshare-user", "--unshare-pid", "--unshare-net", "--unshare-ipc"]
    words += ["--uid", "1000", "--gid", "1000", "--die-with-parent", "--new-session"]
    words += ["--setenv", "HOME", "/tmp", "--setenv", "PYTHONDONTWRITEBYTECODE", "1"]
    return [*words, "--chdir", str(ROOT), "--", *command]


@pytest.mark.skipif(
    not hasattr(os, "geteuid") or os.geteuid() != 0,
    reason="only root does not run it in the other tests",
)
@pytest.mark.parametrize(
    "name",
    [
        "test_attacks_get_their_verdicts",
        pytest.param("test_an_attack_gets_its_verdict", marks=pytest.mark.slow),
    ],
)
def test_attacks_get_their_verdicts_where_nothing_holds_them(name: str) -> None:
    """What every level owes to the two processes alone holds without a boundary too."""
    if shutil.which("bwrap") is None and not os.environ.get("GRADSMITH_NEEDS_BWRAP"):
        pytest.skip("takes bubblewrap, to throw away what attacks do")
    words = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-n0", str(TESTS)]
    words += ["-m", "slow or not slow", "-k", f"{name} and rlimits", "--basetemp", "/tmp/range"]
    done = subprocess.run(
        thrown_away(words), capture_output=True, text=True, timeout=900, check=False
    )
    last = done.stdout.strip().splitlines()[-1:]
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-1000:]
    assert "passed" in last[0], last
    assert "skipped" not in last[0], last
