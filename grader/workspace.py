"""A learner's folder: the stubs by topic, their statements, and `grader.toml`, which marks the root."""

from __future__ import annotations

import json
import re
import shutil
import tempfile
import time
import tomllib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from grader import __version__
from grader.content import Content
from grader.errors import WorkspaceError
from grader.files import read_text, umask
from grader.model import Course
from grader.notebooks.format import SUFFIX, dumped, load
from grader.notebooks.handout import topic_notebook

MARKER = "grader.toml"
SCHEMA = 1
STATE = ".grader"
"""The folder of a workspace that holds what is not the learner's to edit: the journal, backups."""

BASE = f"{STATE}/base"
"""The folder of a workspace that holds the stubs and statements as they were handed out: what a learner has changed
since can be told from what the course has."""

_README = """# {title}

Fill in the functions in each topic's folder, and check them:

    grader check              # everything
    grader check softmax      # a topic
    grader check softmax_vjp  # one function
    grader show softmax_vjp   # its statement

{notebooks}Each topic's README.md has the notation, the formulas and the edge cases. A function is still a stub while it
raises NotImplementedError. NumPy and the standard library are all that can be imported.

| topic | functions |
|---|---|
{topics}
"""

_NOTEBOOKS = """Each topic's functions are to be written in its notebook, as in `jupyter lab softmax/softmax.ipynb`.
There `%check` checks what you have run, and `%hint`, `%task` and `%solution` do what the commands of these names do.

"""

_VERSION = re.compile(r"^version[ \t]*=[^\r\n]*", re.MULTILINE)
_IGNORE = "__pycache__/\n*.py[cod]\n.ipynb_checkpoints/\n"


@dataclass(frozen=True, slots=True)
class Workspace:
    """A workspace that was found; `root` holds `grader.toml`, which names the course if it is not the installed one.

    With `notebooks`, topics are handed out as notebooks.
    """

    root: Path
    course: Path | None = None
    notebooks: bool = False


def create_workspace(
    path: Path, content: Content, course: Course, *, notebooks: bool = False
) -> Workspace:
    """Make a workspace at `path`, whole or not at all. It remembers a course that is not the installed one, and
    whether its topics are notebooks.

    Raises
    ------
    WorkspaceError : something is there already, or it cannot be written.
    """
    try:
        occupied = path.exists() and (not path.is_dir() or any(path.iterdir()))
    except OSError as error:
        raise WorkspaceError(f"{path}: cannot be read: {error.strerror}") from None
    if occupied:
        what = "a workspace" if (path / MARKER).exists() else "not empty"
        raise WorkspaceError(f"{path}: is {what} already; choose another folder")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        draft = Path(tempfile.mkdtemp(prefix=f".{path.name}.", dir=path.parent))
        try:
            _fill(draft, content, course, notebooks)
            draft.chmod(0o777 & ~umask())
            draft.rename(path)
        except BaseException:
            shutil.rmtree(draft, ignore_errors=True)
            raise
    except OSError as error:
        raise WorkspaceError(f"{path}: cannot be written: {error.strerror}") from None
    return Workspace(path, content.root if content.base is not None else None, notebooks)


def _fill(root: Path, content: Content, course: Course, notebooks: bool) -> None:
    base_file(root, "").parent.mkdir(parents=True)
    for topic in course.topics:
        folder = root / topic.slug
        folder.mkdir()
        stub, statement = content.stub(topic.slug), content.statement(topic.slug)
        shutil.copyfile(stub, base_file(root, topic.slug))
        shutil.copyfile(statement, base_file(root, topic.slug, ".md"))
        shutil.copyfile(statement, folder / "README.md")
        if notebooks:
            texts = [file.read_text(encoding="utf-8") for file in (stub, statement)]
            notebook = topic_notebook(topic, *texts)
            (folder / f"{topic.slug}{SUFFIX}").write_bytes(dumped(notebook))
        else:
            shutil.copyfile(stub, folder / f"{topic.slug}.py")
    for file in (root / "README.md", base_file(root, "", ".md")):
        file.write_text(overview(course, notebooks=notebooks), encoding="utf-8")
    (root / ".gitignore").write_text(_IGNORE, encoding="utf-8")
    marker = f'# Marks this folder as a gradsmith workspace.\nschema = {SCHEMA}\nversion = "{__version__}"\n'
    if content.base is not None:
        marker += f"course = {json.dumps(str(content.root.resolve()), ensure_ascii=False)}\n"
    if notebooks:
        marker += "notebooks = true\n"
    (root / MARKER).write_text(marker, encoding="utf-8")


def overview(course: Course, *, notebooks: bool = False) -> str:
    """The text of a workspace's own README.md."""
    rows = "\n".join(
        f"| {topic.title} | {', '.join(f'`{e.name}`' for e in topic.exercises)} |"
        for topic in course.topics
    )
    words = _NOTEBOOKS if notebooks else ""
    return _README.format(title=course.title, topics=rows, notebooks=words)


def topic_file(root: Path, slug: str, *, notebooks: bool = False) -> Path:
    """A learner's file of a topic: the `.py` file, the notebook where there is only that, else the one to be made."""
    file = root / slug / f"{slug}.py"
    notebook = file.with_suffix(SUFFIX)
    if file.is_file() or not (notebook.is_file() or notebooks):
        return file
    return notebook


def learner_text(file: Path) -> str:
    """The Python of a learner's file; of a notebook that of its cells, one below the other.

    Raises
    ------
    GradsmithError : it cannot be read, is not UTF-8, or is no notebook.
    """
    return load(file).python()[0] if file.suffix == SUFFIX else read_text(file)


def base_file(root: Path, slug: str, suffix: str = ".py") -> Path:
    """Where a topic's stubs, or with ``.md`` its statement, are kept as handed out; the workspace's for no topic."""
    return root / BASE / f"{slug or '_workspace'}{suffix}"


def with_version(marker: str) -> str:
    """The text of a `grader.toml` with this version of gradsmith in place of the one it names."""
    line = f'version = "{__version__}"'
    changed, n = _VERSION.subn(line, marker, count=1)
    return changed if n else f"{line}\n{marker}"


def find_workspace(start: Path) -> Workspace:
    """The workspace that `start` lies in.

    Raises
    ------
    WorkspaceError : there is none, or its `grader.toml` cannot be read.
    """
    start = start.absolute()
    for folder in (start, *start.parents):
        marker = folder / MARKER
        if marker.is_file():
            return Workspace(folder, _course_of(marker), _data(marker).get("notebooks") is True)
    raise WorkspaceError(
        f"{start}: no {MARKER} here or above; make a workspace with `grader init DIR`, "
        "or name one with --workspace"
    )


def find_course(start: Path) -> Path | None:
    """The course of the workspace that `start` lies in; None where there is none, or it is the installed course."""
    for folder in (start.absolute(), *start.absolute().parents):
        if (folder / MARKER).is_file():
            return _course_of(folder / MARKER)
    return None


def _course_of(marker: Path) -> Path | None:
    """The course that a workspace's `grader.toml` names, if any."""
    course = _data(marker).get("course")
    if course is None:
        return None
    if not isinstance(course, str) or not (marker.parent / course).is_dir():
        raise WorkspaceError(
            f"{marker}: course {course!r} is not there; mend the path, or name the course with --course DIR"
        )
    return marker.parent / course


def _data(marker: Path) -> dict[str, Any]:
    """What a `grader.toml` holds."""
    try:
        data = tomllib.loads(marker.read_text(encoding="utf-8"))
    except (
        OSError,
        ValueError,
        RecursionError,
    ) as error:  # also a number too long, brackets too deep
        raise WorkspaceError(f"{marker}: cannot be read: {error}") from None
    schema = data.get("schema")
    if schema != SCHEMA:
        raise WorkspaceError(
            f"{marker}: schema {schema!r} is not {SCHEMA}; upgrade gradsmith or make a new workspace"
        )
    return data


def back_up(root: Path, file: Path) -> Path:
    """Keep a copy of a learner's file; where it is.

    Raises
    ------
    WorkspaceError : it cannot be kept.
    """
    folder = root / STATE / "backups"
    stamp = time.strftime("%Y%m%d-%H%M%S")
    try:
        folder.mkdir(parents=True, exist_ok=True)
        number = 0
        while True:
            suffix = f"-{number}" if number else ""
            kept = folder / f"{file.stem}-{stamp}{suffix}{file.suffix}"
            try:
                with kept.open("xb") as copy:
                    copy.write(file.read_bytes())
            except FileExistsError:
                number += 1
                continue
            return kept
    except OSError as error:
        raise WorkspaceError(f"{folder}: cannot be written: {error.strerror}") from None
