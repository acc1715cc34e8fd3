"""A topic as a notebook: its statement, the stubs and the checks, a cell each.

The same topic gives the same bytes. Cells have ids that tell what they are: `task-NAME`, `code-NAME`, `check-NAME`.
"""

from __future__ import annotations

import hashlib
from typing import Any

from grader.catalog import RESERVED, statement_parts
from grader.model import Topic
from grader.notebooks.format import Notebook
from grader.pieces import lines_of, parts_of
from grader.stubs import BEGIN, END

MAX_ID = 64
_TITLE = """# {title}

{summary}

**How to.** Run the first code cell. Write a function in its cell, run that cell, then the `%check` below it: what you \
have run is checked, saved or not. `%hint NAME` gives one more hint each time, `%task NAME` shows a statement, and \
`%solution NAME` a solution once you have solved it. `%check` alone checks the whole topic.
"""


def topic_notebook(topic: Topic, stub: str, statement: str) -> Notebook:
    """The notebook of a topic.

    Parameters
    ----------
    stub, statement : the texts of its stub file and of its statement.

    Raises
    ------
    WorkspaceError : the stub file is not Python.
    """
    head, stubs = functions_of(topic, stub)
    cells = [markdown("title", _TITLE.format(title=topic.title, summary=topic.summary))]
    setup = code("setup", f"%load_ext grader\n\n{head}")
    ending: list[dict[str, Any]] = []
    number = 0
    first = True
    for name, text in statement_parts(statement, topic):
        if name == RESERVED:
            ending.append(markdown("capstone", text))
            continue
        if not name:
            number += 1
            cells.append(markdown(f"text-{number}", without_title(text)))
            continue
        if first:
            cells.append(setup)
            first = False
        cells += exercise_cells(topic, name, text, stubs.pop(name, ""))
    if first:
        cells.append(setup)
    for name, text in stubs.items():  # without a section of its own
        cells += exercise_cells(topic, name, f"## `{name}`\n", text)
    ending.append(code(cell_id("check-topic", topic.slug), f"%check {topic.slug}"))
    data = {
        "cells": cells + ending,
        "metadata": {
            "kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"},
            "language_info": {"name": "python"},
        },
        "nbformat": 4,
        "nbformat_minor": 5,
    }
    return Notebook(data)


def exercise_cells(topic: Topic, name: str, section: str, stub: str) -> list[dict[str, Any]]:
    """The three cells of an exercise: its statement, its stub, its check."""
    called = f"{topic.slug}/{name}" if name == topic.slug else name
    return [
        markdown(cell_id("task", name), section),
        code(cell_id("code", name), stub),
        code(cell_id("check", name), f"%check {called}"),
    ]


def functions_of(topic: Topic, text: str) -> tuple[str, dict[str, str]]:
    """What stands above the first exercise, without the docstring, and each exercise with what stands before it.

    Parameters
    ----------
    text : of a topic's stubs or of its solutions, which are parted at the same places.

    Raises
    ------
    WorkspaceError : it is not Python.
    """
    parts = parts_of(text, f"the code of {topic.slug}", "no notebook can be made of them")
    lines = lines_of(text)
    names = {exercise.name for exercise in topic.exercises}
    pieces = sorted(((p.first, p.last, name) for name, p in parts.pieces.items() if name in names))
    if not pieces:
        return "", {}
    import ast

    body = ast.parse(text).body
    documented = ast.get_docstring(ast.Module(body, [])) is not None
    position = body[0].end_lineno or 0 if documented else 0
    head = "".join(lines[position : pieces[0][0] - 1]).strip("\n") + "\n"
    found = {}
    position = pieces[0][0] - 1
    for first, end, name in pieces:
        last = _region_end(lines, first, end)
        found[name] = "".join(lines[position:last]).strip("\n") + "\n"
        position = last
    rest = "".join(lines[position:]).strip("\n")
    if rest:
        found[pieces[-1][2]] += f"\n\n{rest}\n"
    return head, found


def _region_end(lines: list[str], first: int, last: int) -> int:
    """The line that ends a function: its last statement's, or that of the marker behind it."""
    texts = [line.strip() for line in lines]
    inside = texts[first - 1 : last]
    if inside.count(BEGIN) > inside.count(END):
        return texts.index(END, last) + 1
    return last


def without_title(text: str) -> str:
    """The statement's start without its heading, which the first cell has."""
    first, _, rest = text.partition("\n")
    return rest.lstrip("\n") if first.startswith("# ") and rest.strip() else text


def cell_id(kind: str, name: str) -> str:
    """An id of at most `MAX_ID` characters that is always the same."""
    whole = f"{kind}-{name}"
    if (
        len(whole) <= MAX_ID
        and whole.replace("_", "").replace("-", "").isalnum()
        and whole.isascii()
    ):
        return whole
    return f"{kind}-{hashlib.sha256(name.encode()).hexdigest()[:16]}"


def markdown(identity: str, text: str) -> dict[str, Any]:
    """A Markdown cell."""
    return {"cell_type": "markdown", "id": identity, "metadata": {}, "source": _lines(text)}


def code(identity: str, text: str) -> dict[str, Any]:
    """A code cell that has not been run."""
    return {
        "cell_type": "code", "execution_count": None, "id": identity, "metadata": {}, "outputs": [],
        "source": _lines(text),
    }  # fmt: skip


def _lines(text: str) -> list[str]:
    return text.rstrip("\n").splitlines(keepends=True)
