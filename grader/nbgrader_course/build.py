"""Writes a course for nbgrader, and brings one up to date: what the instructor changed stays.

Three texts decide: the one that was written last, kept in `.grader/base`; the instructor's; the new one. A notebook is
gone through cell by cell.
"""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from typing import Any, Final

from grader.content import Content
from grader.errors import ContentError, GradsmithError
from grader.files import locked, make_folder, write_atomically
from grader.model import Change, Course, Doing, Topic
from grader.nbgrader_course.source import images, source_notebook
from grader.notebooks.format import SUFFIX, Notebook, NotebookError, dumped, parsed, source_of
from grader.pieces import clean

CONFIG: Final = "nbgrader_config.py"
STATE: Final = ".grader"
BASE: Final = f"{STATE}/base"
"""The folder of the course that holds what was written last."""
LOCK: Final = f"{STATE}/nbgrader.lock"

_ROOM = "grader.nbgrader_course"
_CONFIG = """\
# Made by `grader nbgrader build`; change what you like: `grader nbgrader build --update` keeps that.
# flake8: noqa
{environment}c = get_config()

c.CourseDirectory.course_id = {course_id}

# The gradebook is the file gradebook.db in this folder. One on PostgreSQL (pip install 'gradsmith[postgres]'):
# c.CourseDirectory.db_url = "postgresql+psycopg://USER@HOST/DATABASE"

# The stubs that our own workspaces have; nbgrader spells it so.
c.ClearSolutions.begin_solution_delimeter = "### BEGIN SOLUTION"
c.ClearSolutions.end_solution_delimeter = "### END SOLUTION"
c.ClearSolutions.code_stub = {{"python": "# YOUR CODE HERE\\nraise NotImplementedError()"}}
"""
_HARDENED = f'''
# Grading. No cell of a student's runs beside tests or the gradebook: the functions are taken out of the notebook as
# text, and run in a process that holds nothing. Take these lines away and nbgrader runs the notebooks itself.
c.Autograde.exporter_class = "{_ROOM}.exporter.SubmissionExporter"
# `grader nbgrader autograde` is quickest with these preprocessors as they are; with others it goes nbgrader's way.
c.Autograde.autograde_preprocessors = [
    "{_ROOM}.preprocessors.GradeInSandbox",
    "nbgrader.preprocessors.IgnorePattern",
    "nbconvert.preprocessors.ClearMetadataPreprocessor",
    "nbgrader.preprocessors.LimitOutput",
    "nbgrader.preprocessors.SaveAutoGrades",
    "{_ROOM}.preprocessors.SaveVerdicts",
    "nbgrader.preprocessors.AssignLatePenalties",
    "nbgrader.preprocessors.CheckCellMetadata",
]
'''
_COURSE = "c.GradeInSandbox.course = {root}\n"
_PLAIN = """
# Grading. nbgrader runs the notebooks, and the test cells grade. That is no proof against code that means harm: it runs
# where the scores are made. `grader nbgrader build` without --plain grades it elsewhere.
c.Execute.timeout = 120
"""


@dataclass(slots=True)
class _Plan:
    """What is to be written, in order, and what is said of it."""

    files: dict[str, bytes] = field(default_factory=dict)
    base: dict[str, bytes] = field(default_factory=dict)
    changes: list[Change] = field(default_factory=list)


def build_course(
    root: Path,
    content: Content,
    course: Course,
    topics: Sequence[str],
    *,
    plain: bool = False,
    update: bool = False,
) -> list[Change]:
    """Write a course for nbgrader; what was done.

    Parameters
    ----------
    root : the folder of the course; made where it is not there.
    topics : an assignment each.
    plain : whether test cells grade by themselves, run by nbgrader.
    update : whether a course that is there is brought up to date; else nothing of it is touched.

    Raises
    ------
    GradsmithError : there is a course already, or a file cannot be read or written.
    ContentError : something of the course is wrong.
    """
    wanted = course_files(root, content, course, topics, plain=plain)
    make_folder(root)
    with locked(root / LOCK, f"{root}: another `grader nbgrader build` is at work; wait for it"):
        if not update and (there := next((n for n in wanted if (root / n).exists()), None)):
            raise GradsmithError(
                f"{root / there}: is there already; `--update` brings the course up to date and "
                "keeps what you changed"
            )
        plan = _planned(root, wanted, course)
        for name, data in plan.files.items():
            make_folder((root / name).parent)
            write_atomically(root / name, data)
        for name, data in plan.base.items():
            make_folder((root / BASE / name).parent)
            write_atomically(root / BASE / name, data)
    return plan.changes


def course_files(
    root: Path, content: Content, course: Course, topics: Sequence[str], *, plain: bool = False
) -> dict[str, bytes]:
    """The files of a course for nbgrader, by their paths in it. Nothing is written.

    Raises
    ------
    ContentError : something of the course is wrong.
    """
    files = {CONFIG: _config(root, content, plain).encode()}
    for slug in topics:
        statement = _text(content.statement(slug))
        notebook = source_notebook(
            course.topic(slug), _text(content.source(slug)), statement, plain=plain
        )
        files[f"source/{slug}/{slug}{SUFFIX}"] = dumped(notebook)
        folder = content.statement(slug).parent
        for name in images(statement):
            if ".." not in PurePosixPath(name).parts and (folder / name).is_file():
                files[f"source/{slug}/{name}"] = (folder / name).read_bytes()
    return files


def _config(root: Path, content: Content, plain: bool) -> str:
    """The text of `nbgrader_config.py`."""
    course_id = re.sub(r"[^A-Za-z0-9_-]+", "-", root.resolve().name).strip("-") or "course"
    own = json.dumps(str(content.root.resolve()), ensure_ascii=False) if content.base else ""
    environment = ""
    if plain and own:  # the kernels inherit it
        environment = f'import os\n\nos.environ["GRADER_COURSE"] = {own}\n\n'
    text = _CONFIG.format(course_id=json.dumps(course_id), environment=environment)
    if plain:
        return text + _PLAIN
    return text + _HARDENED + (_COURSE.format(root=own) if own else "")


def _planned(root: Path, wanted: dict[str, bytes], course: Course) -> _Plan:
    plan = _Plan()
    titles = {topic.slug: topic for topic in course.topics}
    for name, new in wanted.items():
        parts = PurePosixPath(name).parts
        topic = titles.get(parts[1]) if len(parts) > 1 else None
        mine, base = _bytes(root / name), _bytes(root / BASE / name)
        if _file(plan, topic, name, mine, new, base) and base != new:
            plan.base[name] = new
    for kept in sorted((root / BASE / "source").glob(f"*/*{SUFFIX}")):
        slug = kept.stem
        if slug not in titles and (root / "source" / slug).is_dir():
            words = "is no longer in the course; your assignment stays as it is"
            plan.changes.append(Change(slug, f"source/{slug}/", Doing.GONE, words))
    return plan


def _file(
    plan: _Plan, topic: Topic | None, name: str, mine: bytes | None, new: bytes, base: bytes | None
) -> bool:
    """Plan for one file; whether it could be read."""
    slug = topic.slug if topic is not None else ""
    what = PurePosixPath(name).name

    def say(doing: Doing, words: str) -> None:
        plan.changes.append(Change(slug, what, doing, words))

    if mine is None:
        if base is None:
            say(Doing.ADDED, "a new assignment" if what.endswith(SUFFIX) else "new")
            plan.files[name] = new
        elif base != new:
            say(Doing.LEFT, "you took it away, and it has changed: the new one is in .grader/base")
    elif mine == new or base == new:
        pass
    elif mine == base:
        say(Doing.REPLACED, "as you had changed nothing in it")
        plan.files[name] = new
    elif topic is not None and what.endswith(SUFFIX):
        try:
            notebook = parsed(mine)
        except NotebookError as error:
            say(Doing.UNREAD, f"{error}")
            return False
        # What is not known to be ours counts as the instructor's.
        known = parsed(base) if base is not None else Notebook({"cells": []})
        changes = merged(notebook, parsed(new), known)
        plan.changes += [Change(slug, *change) for change in changes]
        if any(doing in (Doing.ADDED, Doing.REPLACED) for _, doing, _ in changes):
            plan.files[name] = dumped(notebook)
    else:
        say(Doing.LEFT, f"you changed it, and so has the course: the new one is {BASE}/{name}")
    return True


def merged(mine: Notebook, new: Notebook, base: Notebook) -> list[tuple[str, Doing, str]]:
    """Bring what is new into the instructor's notebook, cell by cell; what was done to which cell.

    Text and points (with the rest of nbgrader's metadata) are looked at one by one: of a cell whose points the
    instructor changed, the text is still brought up to date. Cells of theirs, and the order of all, stay.
    """
    changes: list[tuple[str, Doing, str]] = []
    theirs = {cell.get("id"): cell for cell in mine.cells}
    known = {cell.get("id"): cell for cell in base.cells}
    last: Any = None
    for cell in new.cells:
        identity = cell["id"]
        name = _called(cell)
        has, had = theirs.get(identity), known.get(identity)
        if has is None:
            if had is None:
                _insert(mine, last, cell)
                changes.append((name, Doing.ADDED, "a new cell"))
                last = identity
            elif not _same(had, cell):
                words = "you took the cell away, and it has changed; it stays away"
                changes.append((name, Doing.LEFT, words))
            continue
        last = identity
        replaced, left = [], []
        if not _same_text(has, cell) and (had is None or not _same_text(had, cell)):
            if had is not None and _same_text(has, had):
                has["source"] = cell["source"]
                if has["cell_type"] == "code":
                    has["outputs"], has["execution_count"] = [], None
                replaced.append("text")
            else:
                left.append("text")
        if _rules(has) != _rules(cell) and (had is None or _rules(had) != _rules(cell)):
            if had is not None and _rules(has) == _rules(had):
                has["metadata"] = {**has.get("metadata", {}), "nbgrader": _rules(cell)}
                replaced.append("points" if "points" in _rules(cell) else "metadata")
            else:
                left.append("points" if "points" in _rules(cell) else "metadata")
        if replaced:
            changes.append((name, Doing.REPLACED, f"new {' and '.join(replaced)}"))
        if left:
            what = " and ".join(left)
            words = f"you changed its {what}, and so has the course: the new one is in {BASE}"
            changes.append((name, Doing.LEFT, words))
    ids = {cell["id"] for cell in new.cells}
    changes += [
        (_called(cell), Doing.GONE, "is no longer in the course; your cell stays")
        for identity, cell in known.items()
        if identity not in ids and identity in theirs
    ]
    return changes


def _called(cell: dict[str, Any]) -> str:
    rules = _rules(cell)
    return str(rules.get("grade_id") or cell.get("id"))


def _rules(cell: dict[str, Any]) -> dict[str, Any]:
    """A cell's metadata for nbgrader, without what nbgrader itself adds."""
    metadata = cell.get("metadata")
    found = metadata.get("nbgrader") if isinstance(metadata, dict) else None
    found = found if isinstance(found, dict) else {}
    return {key: found[key] for key in sorted(found) if key not in ("checksum",)}


def _same_text(one: dict[str, Any], other: dict[str, Any]) -> bool:
    return clean(source_of(one)) == clean(source_of(other))


def _same(one: dict[str, Any], other: dict[str, Any]) -> bool:
    return _same_text(one, other) and _rules(one) == _rules(other)


def _insert(notebook: Notebook, behind: Any, cell: dict[str, Any]) -> None:
    ids = [each.get("id") for each in notebook.cells]
    at = ids.index(behind) + 1 if behind in ids else 0
    notebook.cells.insert(at, cell)


def _bytes(file: Path) -> bytes | None:
    try:
        return file.read_bytes()
    except FileNotFoundError:
        return None
    except OSError as error:
        raise GradsmithError(f"{file}: cannot be read: {error.strerror}") from None


def _text(file: Path) -> str:
    try:
        return file.read_text(encoding="utf-8")
    except OSError as error:
        raise ContentError(file, "file", f"cannot be read: {error.strerror}") from None
    except UnicodeDecodeError:
        raise ContentError(file, "file", "is not UTF-8; save it as UTF-8") from None
