"""Build hook: a wheel carries the course as data under `grader/_content/`.

Files are chosen by explicit patterns, so that notebook checkpoints, caches and editors' backups
never ship. An editable install gets nothing: it reads the checkout.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

DESTINATION = "grader/_content"

PATTERNS = (
    "exercises/course.toml",
    "exercises/*/topic.toml",
    "exercises/*/README.md",
    "exercises/*/*.py",
    "solutions/*.py",
    "interview_questions/**/*.md",
    "interview_questions/ids.txt",
    "tests/hidden/test_*.py",
    "tests/mistakes/*.py",
    "tests/alternatives/*.py",
)

_CLEAN_PART = re.compile(r"\w[\w-]*(\.\w+)?", re.ASCII)
"""A folder or file as we name ours: no leading dot, no blank, no `~`, at most one suffix."""
_JUNK_PART = re.compile(r"__pycache__|.*-checkpoint\.\w+")


def content_files(root: Path) -> list[str]:
    """The files of the course below `root`, as sorted relative POSIX paths.

    Raises
    ------
    FileNotFoundError : a pattern matches nothing: a wheel without that room would not work.
    """
    chosen: set[str] = set()
    for pattern in PATTERNS:
        relative = [path.relative_to(root) for path in root.glob(pattern) if path.is_file()]
        clean = [path for path in relative if _is_clean(path)]
        if not clean:
            raise FileNotFoundError(f"{root}: nothing matches {pattern}; the course is incomplete")
        chosen.update(path.as_posix() for path in clean)
    return sorted(chosen)


def _is_clean(path: Path) -> bool:
    if any(_JUNK_PART.fullmatch(part) or not _CLEAN_PART.fullmatch(part) for part in path.parts):
        return False
    if path.suffix == ".py" and path.parts[0] == "exercises":
        return path.stem == path.parent.name  # the stubs, not someone's scratch file beside them
    return path.suffix != ".py" or path.stem.isidentifier()


class CustomBuildHook(BuildHookInterface):  # type: ignore[type-arg]  # generic over hatchling's own
    """Adds the course to a standard wheel."""

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Called by hatchling before a wheel is built."""
        if version != "standard":
            return
        root = Path(self.root)
        if (root / DESTINATION).exists():
            raise FileExistsError(f"{root / DESTINATION} is a stale copy of the course; remove it")
        build_data["force_include"].update(
            {str(root / path): f"{DESTINATION}/{path}" for path in content_files(root)}
        )
