"""A notebook's file: read with care, written so that all that is not touched stays.

Only nbformat 4 is read. A file is a dict as it stands in the JSON; unknown keys, outputs and metadata are kept.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from grader.errors import GradsmithError
from grader.notebooks.cells import Place, joined

SUFFIX = ".ipynb"
MAX_BYTES = 8 * 2**20
"""Of one notebook's file: room for pictures in the outputs; parsed, it takes some ten times as much."""
MAX_CELLS = 5_000
_KINDS = ("code", "markdown", "raw")


class NotebookError(GradsmithError):
    """A file that is no notebook: what is wrong and what to do, without the file's name.

    `line` is that of the JSON, where it is known.
    """

    def __init__(self, message: str, line: int | None = None) -> None:
        self.line = line
        super().__init__(message)


@dataclass(slots=True)
class Notebook:
    """A notebook's JSON, whose shape has been looked at, and how it was written.

    `indent` is as for `json.dumps`, `ends` whether a line end follows, `ascii` whether all else is escaped.
    """

    data: dict[str, Any]
    indent: int | None = 1
    ends: bool = True
    ascii: bool = False

    @property
    def cells(self) -> list[dict[str, Any]]:
        """The cells, to be changed in place."""
        found: list[dict[str, Any]] = self.data["cells"]
        return found

    def code(self) -> list[tuple[str, str]]:
        """Name and text of each code cell; all cells count: ``cell 5`` is the fifth from the top.

        nbgrader's test cells are left out: they call the functions, and one that never returns would never be loaded.
        """
        return [
            (f"cell {number}", source_of(cell))
            for number, cell in enumerate(self.cells, start=1)
            if cell["cell_type"] == "code" and not _is_test(cell)
        ]

    def python(self) -> tuple[str, tuple[Place, ...]]:
        """The Python of all code cells, and where each begins."""
        return joined(self.code())


def parsed(data: bytes) -> Notebook:
    """The notebook that a file's bytes are.

    Raises
    ------
    NotebookError : they are none, or one that is too large, or of an older format.
    """
    if len(data) > MAX_BYTES:
        limit = f"{MAX_BYTES // 2**20} MiB"
        raise NotebookError(f"over {limit}; clear its outputs, save it, and hand it in again")
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data[: error.start].count(b"\n") + 1
        raise NotebookError("is not UTF-8; save it as UTF-8", line) from None
    try:
        found = json.loads(text)
    except json.JSONDecodeError as error:
        what = "is empty" if not text.strip() else f"is no notebook ({error.msg})"
        raise NotebookError(f"{what}; save it again from Jupyter", error.lineno) from None
    except (ValueError, RecursionError, MemoryError):  # a number too long, brackets too deep
        raise NotebookError("is no notebook; save it again from Jupyter") from None
    _look(found)
    second = text[:200].split("\n", 2)[1:2]
    indent = len(second[0]) - len(second[0].lstrip()) if second else None
    return Notebook(found, indent, text.endswith("\n"), "\\u" in text and text.isascii())


def _look(found: Any) -> None:
    """NotebookError where the shape is not nbformat 4's."""
    if not isinstance(found, dict) or not isinstance(found.get("nbformat"), int):
        raise NotebookError("is JSON but no notebook; save it again from Jupyter")
    if found["nbformat"] != 4:
        raise NotebookError(
            f"is of nbformat {str(found['nbformat'])[:20]}, and 4 is read; `jupyter nbconvert --to notebook --inplace` "
            "renews it"
        )
    cells = found.get("cells")
    if not isinstance(cells, list):
        raise NotebookError("has no list of cells; save it again from Jupyter")
    if len(cells) > MAX_CELLS:
        raise NotebookError(f"has over {MAX_CELLS} cells; hand in those with the functions alone")
    for number, cell in enumerate(cells, start=1):
        if not isinstance(cell, dict) or cell.get("cell_type") not in _KINDS:
            raise NotebookError(f"cell {number} is no cell; save it again from Jupyter")
        source = cell.get("source")
        lines = source if isinstance(source, list) else [source]
        if not all(isinstance(line, str) for line in lines):
            raise NotebookError(f"cell {number}: its source is no text; save it again from Jupyter")
        if cell["cell_type"] == "code":
            text = source_of(cell)
            try:
                text.encode()
            except UnicodeEncodeError:
                raise NotebookError(
                    f"cell {number}: holds half a character; type that line again"
                ) from None
            if "\0" in text:
                raise NotebookError(f"cell {number}: holds a NUL character; type that line again")


def _is_test(cell: Mapping[str, Any]) -> bool:
    """Whether nbgrader's metadata says that a cell is graded, and is not the student's to write."""
    metadata = cell.get("metadata")
    rules = metadata.get("nbgrader") if isinstance(metadata, dict) else None
    return isinstance(rules, dict) and rules.get("grade") is True and not rules.get("solution")


def source_of(cell: Mapping[str, Any]) -> str:
    """A cell's text, which may stand as one string or as a list of lines."""
    source: str | Sequence[str] = cell["source"]
    return source if isinstance(source, str) else "".join(source)


def set_source(cell: dict[str, Any], text: str) -> None:
    """Put another text into a cell, in the form of the old one; what the old code had put out goes."""
    if text == source_of(cell):
        return
    cell["source"] = text if isinstance(cell["source"], str) else text.splitlines(keepends=True)
    if cell["cell_type"] == "code":
        cell["outputs"], cell["execution_count"] = [], None


def dumped(notebook: Notebook) -> bytes:
    """The file's bytes, as Jupyter writes them."""
    text = json.dumps(notebook.data, ensure_ascii=notebook.ascii, indent=notebook.indent)
    # Half a character can only come from an escape, and goes back as one.
    return (text + "\n" * notebook.ends).encode("utf-8", "backslashreplace")


def load(file: Path) -> Notebook:
    """A learner's notebook.

    Raises
    ------
    GradsmithError : it cannot be read, or is none.
    """
    try:
        with file.open("rb") as stream:
            data = stream.read(MAX_BYTES + 1)
    except OSError as error:
        raise GradsmithError(f"{file}: cannot be read: {error.strerror}") from None
    try:
        return parsed(data)
    except NotebookError as error:
        line = f", line {error.line}" if error.line is not None else ""
        raise GradsmithError(f"{file}{line}: {error}") from None
