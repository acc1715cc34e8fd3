"""A submitted notebook put in order, as data: nothing of it is run, and nothing but text is taken from it. Pure.

What nbgrader reads of a cell (its id, its points, whether it is graded) is what the gradebook has, whatever stands in
the submission; locked cells get their own text back, those that are not there are put back; of cells with one id the
last counts, as in nbgrader. Outputs, attachments and all other metadata are dropped.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from grader.nbgrader_course.source import SCHEMA
from grader.notebooks.cells import Place, joined
from grader.notebooks.format import NotebookError, parsed, source_of

MAX_CODE_BYTES = 2**20
"""Of a notebook's Python; a long topic has 40 KiB."""


@dataclass(frozen=True, slots=True)
class Known:
    """A cell that was handed out, as the gradebook has it.

    `points` is None for a cell that is not graded; `text` counts where the cell is locked.
    """

    id: str
    kind: str
    text: str
    grade: bool
    solution: bool
    locked: bool
    points: float | None = None
    task: bool = False

    def metadata(self) -> dict[str, Any]:
        """nbgrader's metadata of the cell."""
        found: dict[str, Any] = {
            "cell_type": self.kind, "grade": self.grade, "grade_id": self.id, "locked": self.locked,
            "schema_version": SCHEMA, "solution": self.solution, "task": self.task,
        }  # fmt: skip
        if self.points is not None:
            found["points"] = self.points
        return found


@dataclass(frozen=True, slots=True)
class Mended:
    """A notebook in order.

    Attributes
    ----------
    data : the notebook, made anew.
    notes : what had to be done, a clause each.
    fault : why nothing could be read; then no cell is the student's.
    """

    data: dict[str, Any]
    notes: tuple[str, ...] = ()
    fault: str = ""

    def python(self) -> tuple[str, tuple[Place, ...]]:
        """What is graded: the Python of all code cells that are not test cells, and where each begins.

        Raises
        ------
        NotebookError : there is too much of it.
        """
        cells = []
        for number, cell in enumerate(self.data["cells"], start=1):
            graded = cell["metadata"].get("nbgrader", {}).get("grade", False)
            if cell["cell_type"] == "code" and not graded:
                cells.append((f"cell {number}", cell["source"]))
        text, places = joined(cells)
        if len(text.encode()) > MAX_CODE_BYTES:
            raise NotebookError("its code is over 1 MiB; hand in the functions alone")
        return text, places


def mended(data: bytes, known: Sequence[Known]) -> Mended:
    """A submitted file's notebook, put in order.

    Parameters
    ----------
    data : the file's bytes; what is no notebook gives one with the locked cells alone, and says why.
    known : the cells that were handed out, in their order.
    """
    by_id = {cell.id: cell for cell in known}
    fault = ""
    try:
        submitted = parsed(data).cells
    except NotebookError as error:
        submitted, fault = [], str(error)
    notes: list[str] = []
    taken: set[str] = set()
    cells: list[dict[str, Any]] = []
    for raw in reversed(submitted):
        cell = _cell(raw["cell_type"], source_of(raw))
        identity = _identity(raw)
        if identity is not None:
            handed = by_id.get(identity)
            if handed is None:
                notes.append(f"a cell calls itself {identity[:80]!r}, which was not handed out")
            elif identity in taken:
                notes.append(f"{identity} is there more than once: the last one counts")
            else:
                taken.add(identity)
                if cell["cell_type"] != handed.kind:
                    notes.append(f"{identity} was made a {cell['cell_type']} cell: it was put back")
                if handed.locked and cell["source"] != handed.text:
                    notes.append(f"{identity} was changed: its own text was put back")
                text = handed.text if handed.locked else cell["source"]
                cell = _cell(handed.kind, text, handed)
        cells.append(cell)
    cells.reverse()
    previous = None
    for handed in known:
        if handed.id not in taken and (handed.locked or handed.grade or handed.task):
            at = _behind(cells, previous)
            cells.insert(at, _cell(handed.kind, handed.text, handed))
            taken.add(handed.id)
            if not fault:
                notes.append(f"{handed.id} was not there: it was put back")
        if handed.id in taken:
            previous = handed.id
    for number, cell in enumerate(cells, start=1):
        cell["id"] = f"cell-{number}"
    made = {
        "cells": cells,
        "metadata": {
            "kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"},
            "language_info": {"name": "python"},
        },
        "nbformat": 4,
        "nbformat_minor": 5,
    }
    return Mended(made, tuple(dict.fromkeys(notes)), fault)


def _cell(kind: str, text: str, handed: Known | None = None) -> dict[str, Any]:
    """A cell made anew."""
    text = text.encode("utf-8", "replace").decode()  # half a character, in a cell that is no code
    cell: dict[str, Any] = {"cell_type": kind, "metadata": {}, "source": text}
    if handed is not None:
        cell["metadata"] = {"deletable": False, "nbgrader": handed.metadata()}
    if kind == "code":
        cell |= {"execution_count": None, "outputs": []}
    return cell


def _identity(raw: Mapping[str, Any]) -> str | None:
    """The id that nbgrader knows a cell by, if it has one."""
    found: Any = raw.get("metadata")
    for key in ("nbgrader", "grade_id"):
        found = found.get(key) if isinstance(found, dict) else None
    return found if isinstance(found, str) and found else None


def _behind(cells: list[dict[str, Any]], identity: str | None) -> int:
    """Where a cell goes that was handed out next to another one."""
    for index, cell in enumerate(cells):
        if (
            identity is not None
            and cell["metadata"].get("nbgrader", {}).get("grade_id") == identity
        ):
            return index + 1
    return 0
