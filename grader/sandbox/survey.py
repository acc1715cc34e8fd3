"""What this machine gives to hold submissions with, and what to do for more: the facts of `grader doctor`."""

from __future__ import annotations

import importlib.metadata
import os
import platform
import shutil
import sys
from pathlib import Path

from grader.errors import SandboxError
from grader.model import Finding, Survey
from grader.sandbox import confine, jail

EXTRAS = {
    "nbgrader": "courses with nbgrader",
    "ipykernel": "notebooks: grader init --notebooks",
    "genanki": "cards for Anki: grader study --anki",
    "mkdocs": "the site: grader site",
}
"""Optional packages, and what each is for."""
_INSTALLED_BY = {
    "nbgrader": "nbgrader",
    "ipykernel": "notebook",
    "genanki": "anki",
    "mkdocs": "site",
}


def survey() -> Survey:
    """Look at this machine: each level is tried by running a worker under it."""
    levels = [_level(level) for level in jail.LEVELS]
    used = next(
        (one for one, finding in zip(jail.LEVELS, levels, strict=True) if finding.there), None
    )
    return Survey(
        system=f"{platform.system()} {platform.release()}, {platform.machine()}",
        basics=(
            Finding("Python", True, platform.python_version()),
            _package("numpy", "what submissions are written in", "install gradsmith again"),
            _fork(),
        ),
        levels=tuple(levels),
        used=None if used is None else used.name,
        boundary=used is not None and used.boundary,
        packages=tuple(
            _package(name, what, f"pip install 'gradsmith[{_INSTALLED_BY[name]}]'")
            for name, what in EXTRAS.items()
        ),
    )


def _package(name: str, what: str, advice: str) -> Finding:
    try:
        return Finding(name, True, importlib.metadata.version(name))
    except importlib.metadata.PackageNotFoundError:
        return Finding(name, False, what, advice)


def _fork() -> Finding:
    if hasattr(os, "fork"):
        return Finding("fork", True, "processes can be forked")
    return Finding(
        "fork", False, "this system has no fork", "grade on Linux, macOS, or Windows with WSL"
    )


def _level(level: jail.Level) -> Finding:
    """Whether a level works here."""
    if not hasattr(os, "fork"):
        return Finding(level.name, False, "this system has no fork")
    from grader.sandbox.proxy import Sandbox

    absent = level.absent()
    if absent:
        return Finding(level.name, False, absent, _advice(level))
    with Sandbox(levels=[level]) as sandbox:
        try:
            sandbox.level  # noqa: B018 - it probes
        except SandboxError as error:
            why = sandbox.passed_over.get(level.name) or str(error)
            return Finding(level.name, False, why, _advice(level))
    return Finding(level.name, True, level.summary)


def _advice(level: jail.Level) -> str:
    """What to do about a level that does not work here; empty where that is known from the reason or not at all."""
    if sys.platform != "linux" or level.name == jail.RLIMITS.name:
        return ""
    if level is jail.BUBBLEWRAP:
        if shutil.which("bwrap") is None:
            return "apt install bubblewrap, dnf install bubblewrap, or the like"
        if in_container():
            return "in a container: docker run --security-opt seccomp=unconfined --cap-add SYS_ADMIN gives it"
        for file, off, advice in (
            ("user/max_user_namespaces", "0", "sysctl user.max_user_namespaces=15000"),
            ("kernel/unprivileged_userns_clone", "0", "sysctl kernel.unprivileged_userns_clone=1"),
            (
                "kernel/apparmor_restrict_unprivileged_userns", "1",
                "an AppArmor profile for bwrap, or sysctl kernel.apparmor_restrict_unprivileged_userns=0",
            ),
        ):  # fmt: skip
            if _sysctl(file) == off:
                return f"user namespaces are off: {advice}"
        return ""
    try:
        confine.landlock_abi()
    except confine.Unavailable as error:
        return (
            "lsm=landlock,… on the kernel's command line"
            if "is off" in confine.why_no_landlock(error)
            else "Linux 5.13 or later; in a container also Docker 23 or later"
        )
    return ""


def _sysctl(file: str) -> str:
    try:
        return Path("/proc/sys", file).read_text(encoding="ascii").strip()
    except OSError:
        return ""


def in_container() -> bool:
    """Whether this seems to be a container."""
    return Path("/.dockerenv").exists() or Path("/run/.containerenv").exists()
