"""Writes the site to a folder: whole, or not at all, and never over files that are not a site of ours."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Final

from grader.errors import GradsmithError
from grader.files import make_folder, umask
from grader.questions import load_questions
from grader.site.pages import Figure, make_site

if TYPE_CHECKING:
    from grader.content import Content
    from grader.figures import Entry
    from grader.model import Course

LIST: Final = ".gradsmith-site"
"""The file in a site that names the site's files: a folder with others beside them is left alone."""
_FIRST_LINE: Final = (
    "A site written by `grader site build`, which replaces it; these are its files."
)
_NEEDED: Final = ("mkdocs", "material", "math_core", "pygments")


def require_packages() -> None:
    """Hold that the packages of the extra ``site`` are there.

    Raises
    ------
    GradsmithError : one is not; with the command that installs them.
    """
    if any(find_spec(name) is None for name in _NEEDED):
        raise GradsmithError(
            "the site needs packages that are not installed: pip install 'gradsmith[site]'"
        )


def check_target(target: Path) -> None:
    """Hold that a folder is not there, is empty, or holds a site of ours and nothing else.

    Raises
    ------
    GradsmithError : it holds something else.
    """
    if not target.exists() and not target.is_symlink():
        return
    if not target.is_dir():
        raise GradsmithError(f"{target}: is a file; name a folder for the site")
    held = {
        path.relative_to(target).as_posix() for path in target.rglob("*") if not _is_folder(path)
    }
    if not held:
        return
    written = _written(target)
    if written is None:
        raise GradsmithError(f"{target}: is not empty and is no site of ours; name another folder")
    if strange := sorted(held - written):
        raise GradsmithError(
            f"{target}: holds {strange[0]}, which is not part of the site and would be lost; "
            "move it away or name another folder"
        )


def build_site(
    content: Content, course: Course, target: Path, drawn: Sequence[tuple[Entry, bytes]] = ()
) -> int:
    """Write the site of a course to a folder; the number of its pages.

    Parameters
    ----------
    target : does not exist, is empty, or holds a site that was built before, which is replaced.
    drawn : the figures, as PNG.

    Raises
    ------
    GradsmithError : the folder holds something else or cannot be written, or a package is missing.
    ContentError : something of the course is wrong: a formula, a link, a question; with its file.
    """
    require_packages()
    check_target(target)
    target = target.resolve()
    figures = [Figure(f"figures/{entry.name}.png", entry) for entry, _ in drawn]
    files = {figure.path: data for figure, (_, data) in zip(figures, drawn, strict=True)}
    site = make_site(content, course, load_questions(content, course), figures)
    from grader.site.theme import write_site

    make_folder(target.parent)
    try:
        work = Path(tempfile.mkdtemp(dir=target.parent, prefix=f".{target.name}."))
    except OSError as error:
        raise GradsmithError(f"{target}: cannot be written: {error.strerror}") from None
    try:
        new = work / "site"
        (work / "source").mkdir()
        new.mkdir()
        write_site(site, files, work / "source", new)
        _list_files(new)
        _swap(new, target, work / "old")
    except OSError as error:
        raise GradsmithError(f"{target}: cannot be written: {error.strerror}") from None
    finally:
        shutil.rmtree(work, ignore_errors=True)
    return len(site.pages)


def _is_folder(path: Path) -> bool:
    return path.is_dir() and not path.is_symlink()


def _written(target: Path) -> set[str] | None:
    """The files of a site of ours, or None where the folder is none."""
    try:
        first, *names = (target / LIST).read_text(encoding="utf-8").splitlines()
    except (OSError, ValueError):
        return None
    return {*names, LIST} if first == _FIRST_LINE else None


def _list_files(site: Path) -> None:
    """Write the list of files, and give all of them the permissions of new files."""
    mask = umask()
    names = []
    for path in sorted(site.rglob("*")):
        path.chmod((0o777 if path.is_dir() else 0o666) & ~mask)
        if path.is_file():
            names.append(path.relative_to(site).as_posix())
    site.chmod(0o777 & ~mask)
    (site / LIST).write_text("\n".join([_FIRST_LINE, *sorted(names)]) + "\n", encoding="utf-8")


def _swap(new: Path, target: Path, old: Path) -> None:
    """Put a folder in the place of another; where that fails, the other is back in its place."""
    check_target(target)  # again: building took a while
    if not target.exists():
        os.rename(new, target)
        return
    os.rename(target, old)
    try:
        os.rename(new, target)
    except BaseException:
        os.rename(old, target)
        raise
