"""The arrows between the rooms, and what the command line may import when it starts."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

import pytest

import grader

PACKAGE = Path(grader.__file__).parent
ROOT = PACKAGE.parent

# room: the rooms of ours that it may import. A room is a module, or a folder of them.
ARROWS: dict[str, set[str]] = {
    "errors": {"model"},
    "model": set(),
    "calls": set(),
    "content": {"errors"},
    "stubs": {"errors"},
    "catalog": {"content", "errors", "model", "stubs"},
    "notebooks": {"catalog", "errors", "model", "pieces", "stubs"},
    "submission": {"errors", "model", "notebooks"},
    "authoring": {"content", "errors", "stubs"},
    "files": {"errors"},
    "workspace": {"content", "errors", "files", "model", "notebooks"},
    "journal": {"errors", "model", "workspace"},
    "pieces": {"errors"},
    "practice": {"errors", "journal", "model", "pieces", "stubs"},
    "scratch": {"content", "model", "pieces", "stubs"},
    "questions": {"content", "errors", "files", "model"},
    "claims": {"files", "questions"},
    "audit": {"claims", "content", "errors", "files", "model", "questions"},
    "study": {"journal", "questions", "report", "review", "watch"},
    "mock": {"content", "errors", "files", "journal", "model", "practice", "questions", "scratch", "workspace"},
    "review": {"journal", "model"},
    "progress": {"journal", "model", "practice"},
    "update": {"content", "errors", "files", "model", "notebooks", "pieces", "workspace"},
    "checks": {"calls", "disclosure", "errors", "model"},
    "sandbox": {"calls", "errors", "model", "notebooks"},
    "suite": {"disclosure", "errors", "model", "sandbox"},
    "scoring": {"model"},
    "disclosure": {"model", "scoring"},
    "report": {"disclosure", "errors", "model", "questions"},
    "figures": {"checks", "errors", "model"},
    "bank": {"checks", "content", "errors", "model", "sandbox", "suite"},
    "grading": {"bank", "catalog", "content", "model", "sandbox", "scoring", "submission", "suite"},
    "turns": {"errors", "grading", "model", "submission"},
    "watch": {
        "catalog", "content", "disclosure", "errors", "figures", "files", "grading", "journal", "model", "notebooks",
        "practice", "report", "sandbox", "submission",
    },
    "nbgrader_course": {
        "catalog", "classroom", "content", "disclosure", "errors", "files", "grading", "kernel", "model", "notebooks",
        "pieces", "report", "sandbox", "submission", "turns",
    },
    "nbgrader_cells": {"errors", "kernel", "nbgrader_course", "notebooks"},
    "kernel": {
        "catalog", "content", "disclosure", "errors", "grading", "journal", "model", "notebooks", "practice", "report",
        "sandbox", "submission", "workspace",
    },
    "classroom": {
        "catalog", "content", "disclosure", "errors", "figures", "files", "grading", "model", "notebooks", "pieces",
        "report", "sandbox", "submission", "turns",
    },
    "site": {"content", "errors", "figures", "files", "model", "questions", "report"},
    "first_test": {"content", "model"},
    "breaking": {"bank", "calls", "content", "errors", "first_test", "model", "sandbox"},
    "verify": {
        "authoring", "bank", "catalog", "checks", "content", "grading", "model", "sandbox", "scoring", "stubs", "suite",
    },
    "cli": {
        "audit", "authoring", "bank", "breaking", "catalog", "claims", "classroom", "content", "disclosure", "errors",
        "figures", "files", "first_test", "grading", "journal", "mock", "model", "nbgrader_course", "notebooks",
        "practice", "progress", "questions", "report", "review", "sandbox", "scratch", "site", "stubs", "study",
        "submission", "update", "verify", "watch", "workspace",
    },
}  # fmt: skip


def modules() -> list[Path]:
    return sorted(p for p in PACKAGE.rglob("*.py") if "_content" not in p.parts)


def room_of(path: Path) -> str:
    return path.relative_to(PACKAGE).parts[0].removesuffix(".py")


def imported_rooms(path: Path) -> set[str]:
    """The rooms of ours that a module imports, at its top or inside a function."""
    rooms = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        names = []
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: relative import"
            names = [node.module or ""]
            if node.module == "grader":
                names = [f"grader.{alias.name}" for alias in node.names]
        rooms |= {name.split(".")[1] for name in names if name.startswith("grader.")}
    return rooms - {"__version__"}


@pytest.mark.parametrize("path", modules(), ids=lambda p: str(p.relative_to(PACKAGE)))
def test_arrows(path: Path) -> None:
    """A module imports only the rooms that its own may."""
    room = room_of(path)
    if room in ("__init__", "__main__"):
        assert imported_rooms(path) <= {"cli", "kernel"}
        return
    extra = imported_rooms(path) - ARROWS[room] - {room}
    assert not extra, f"{room} must not import {', '.join(sorted(extra))}"


def test_worker_imports_nothing_of_ours() -> None:
    """The other process loads NumPy, the standard library, the wire and `confine`, and nothing else."""
    for name in ("worker", "wire", "confine"):
        tree = ast.parse((PACKAGE / "sandbox" / f"{name}.py").read_text(encoding="utf-8"))
        found = set()
        for node in ast.walk(tree):
            if isinstance(node, ast.Import):
                found |= {alias.name.split(".")[0] for alias in node.names}
            elif isinstance(node, ast.ImportFrom):
                found.add((node.module or "").split(".")[0])
        assert found - set(sys.stdlib_module_names) - {"__future__"} <= {"numpy"}


@pytest.mark.parametrize(
    "suite", sorted((ROOT / "tests" / "hidden").glob("test_*.py")), ids=lambda p: p.stem
)
def test_hidden_suites_never_import_solutions(suite: Path) -> None:
    """A suite's oracles are its own: numpy, scipy, pytest, the standard library and grader.checks."""
    allowed = {"numpy", "scipy", "pytest", *sys.stdlib_module_names, "__future__"}
    for node in ast.walk(ast.parse(suite.read_text(encoding="utf-8"))):
        if isinstance(node, ast.ImportFrom):
            assert node.module == "grader.checks" or (node.module or "").split(".")[0] in allowed
        elif isinstance(node, ast.Import):
            assert {alias.name.split(".")[0] for alias in node.names} <= allowed


def test_help_starts_nothing_heavy() -> None:
    """`grader --help` and the import of its commands load none of the heavy packages."""
    code = (
        "import sys; from grader.cli import run; run(['--help']); run(['check', '--help'])\n"
        "run(['figure', '--help']); import grader.figures\n"
        "heavy = {'numpy', 'scipy', 'pytest', 'matplotlib', 'rich', 'nbgrader'} & set(sys.modules)\n"
        "sys.exit(repr(heavy) if heavy else 0)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def test_grading_loads_no_scipy_or_matplotlib() -> None:
    """A learner's check waits for neither SciPy nor Matplotlib unless a suite needs it."""
    code = (
        "import sys; import grader.grading, grader.checks\n"
        "heavy = {'scipy', 'matplotlib', 'rich', 'nbgrader'} & set(sys.modules)\n"
        "sys.exit(repr(heavy) if heavy else 0)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
