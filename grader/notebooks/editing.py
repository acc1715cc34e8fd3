"""A learner's notebook changed: one function put back, new content brought in. All that is not touched stays."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from grader.errors import WorkspaceError
from grader.model import Doing, Topic
from grader.notebooks.cells import python_of
from grader.notebooks.format import Notebook, set_source, source_of
from grader.notebooks.handout import cell_id, exercise_cells, topic_notebook
from grader.pieces import Parts, clean, lines_of, parts_of


@dataclass(frozen=True, slots=True)
class Place:
    """Where a function stands: the cell, from 0, and its lines there, from 1, both ends included."""

    cell: int
    first: int
    last: int


def place_of(notebook: Notebook, name: str) -> Place | None:
    """Where a function stands; the last definition counts. Cells that are not Python are passed over."""
    found = None
    for index, parts in _parts(notebook).items():
        piece = parts.pieces.get(name)
        if piece is not None:
            found = Place(index, piece.first, piece.last)
    return found


def with_function(notebook: Notebook, topic: Topic, name: str, function: str) -> bool:
    """Put a function in the place of the learner's, or where there is none into its own cell; whether that changed it.

    A cell that was handed out for it and is not Python any longer gets the function alone.
    """
    place = place_of(notebook, name)
    if place is not None:
        cell = notebook.cells[place.cell]
        lines = lines_of(source_of(cell))
        old = "".join(lines[place.first - 1 : place.last])
        if clean(old) == clean(function):
            return False
        end = "\n" if place.last < len(lines) else ""
        lines[place.first - 1 : place.last] = [function.rstrip("\n") + end]
        set_source(cell, "".join(lines))
        return True
    ids = [cell.get("id") for cell in notebook.cells]
    own = cell_id("code", name)
    if own in ids and notebook.cells[ids.index(own)]["cell_type"] == "code":
        set_source(notebook.cells[ids.index(own)], function.rstrip("\n"))
    else:
        new = exercise_cells(topic, name, "", function)[1]
        _insert(
            notebook, ids.index(task) + 1 if (task := cell_id("task", name)) in ids else None, [new]
        )
    return True


def updated(
    notebook: Notebook,
    topic: Topic,
    new: tuple[str, str],
    base: tuple[str, str],
    exercises: Mapping[str, str],
) -> list[tuple[str, Doing, str]]:
    """Bring new content into a learner's notebook, cell by cell; what was done to which function.

    Parameters
    ----------
    new, base : the course's stubs and statement now, and as they were handed out.
    exercises : the topic's exercises, and what `grader show` calls them.

    Notes
    -----
    A cell that is as it was handed out becomes the new one; what is new is put in front of the capstone; the rest
    stays as it is, and where the course's has changed that is said.
    """
    ours, known = topic_notebook(topic, *new), topic_notebook(topic, *base)
    old = {cell["id"]: source_of(cell) for cell in known.cells}
    mine = {cell.get("id"): cell for cell in notebook.cells}
    defined = {name for parts in _parts(notebook).values() for name in parts.pieces}
    handed = parts_of(base[0], "the stubs that were handed out", "nothing can be compared").pieces
    now = parts_of(new[0], "the stubs", "they cannot be handed out").pieces
    changes: list[tuple[str, Doing, str]] = []
    for name, called in exercises.items():
        trio = [cell_id(kind, name) for kind in ("task", "code", "check")]
        fresh = [cell for cell in ours.cells if cell["id"] in trio]
        if name not in handed:  # a new exercise
            if name in defined or trio[1] in mine:
                words = "new in the course, and your notebook has one of that name"
                words += f": compare with `grader show {called}`"
                changes.append((name, Doing.LEFT, words))
            else:
                _insert(notebook, None, fresh)
                changes.append((name, Doing.ADDED, "new, with its cells in front of the last ones"))
            continue
        by_id = {cell["id"]: source_of(cell) for cell in fresh}
        code = mine.get(trio[1])
        if by_id.get(trio[1], "") != old.get(trio[1], "") and code is not None:
            if clean(source_of(code)) == clean(old.get(trio[1], "")):
                set_source(code, by_id[trio[1]])
                changes.append((name, Doing.REPLACED, "a new stub; you had not begun it"))
            elif name in now and name in handed and now[name].head != handed[name].head:
                words = "its statement has changed, and yours stays as you wrote it"
                words += f": compare with `grader show {called}`"
                changes.append((name, Doing.LEFT, words))
        _text_cell(mine.get(trio[0]), old.get(trio[0]), by_id.get(trio[0]), name, changes)
    for cell in ours.cells:
        identity = cell["id"]
        plain = identity in ("title", "setup", "capstone") or identity.startswith("text-")
        if plain and identity in old:
            what = {"setup": "the first code cell", "capstone": "capstone"}.get(
                identity, "the text"
            )
            _text_cell(mine.get(identity), old[identity], source_of(cell), what, changes)
    changes += [
        (name, Doing.GONE, "is no longer in the course; yours stays")
        for name in handed
        if name not in now and name in defined
    ]
    return list(dict.fromkeys(changes))


def _text_cell(
    mine: dict[str, Any] | None,
    old: str | None,
    new: str | None,
    what: str,
    changes: list[tuple[str, Doing, str]],
) -> None:
    """One cell of text: replaced where the learner has not written in it."""
    if mine is None or old is None or new is None or old == new or source_of(mine) == new:
        return
    if clean(source_of(mine)) == clean(old):
        set_source(mine, new)
        changes.append((what, Doing.REPLACED, "its text is new"))
    else:
        changes.append(
            (
                what,
                Doing.LEFT,
                "its text has changed, and you wrote in that cell: README.md has the new one",
            )
        )


def _insert(notebook: Notebook, index: int | None, cells: list[dict[str, Any]]) -> None:
    """Put cells at an index, or in front of the topic's last ones; in a notebook before 4.5 without ids."""
    ids = [cell.get("id") for cell in notebook.cells]
    if index is None:
        ends = [
            i
            for i, each in enumerate(ids)
            if each == "capstone" or str(each).startswith("check-topic")
        ]
        index = min(ends, default=len(ids))
    minor = notebook.data.get("nbformat_minor")
    if isinstance(minor, int) and minor < 5:
        cells = [{key: value for key, value in cell.items() if key != "id"} for cell in cells]
    else:
        cells = [cell for cell in cells if cell["id"] not in ids]
    notebook.cells[index:index] = cells


def _parts(notebook: Notebook) -> dict[int, Parts]:
    """What each code cell defines, by its index."""
    found = {}
    for index, cell in enumerate(notebook.cells):
        if cell["cell_type"] == "code":
            try:
                found[index] = parts_of(python_of(source_of(cell)), "", "")
            except WorkspaceError:
                continue
    return found


def line_of(notebook_text: str, name: str) -> int:
    """The line of the notebook's JSON in which a function's definition begins, for editors that show it; else 1."""
    for number, line in enumerate(notebook_text.splitlines(), start=1):
        if line.lstrip().startswith(f'"def {name}('):
            return number
    return 1
