"""A topic as nbgrader's source notebook: statement, solution cells, test cells. Pure.

nbgrader's `ClearSolutions` makes of a solution cell the text that our own stub has. A test cell has the points of its
function and, as a rule, only what the statement shows: hidden checks stand in no notebook. The same topic gives the
same bytes.
"""

from __future__ import annotations

import ast
import doctest
import re
import textwrap
from collections.abc import Iterator
from typing import Any

from grader.catalog import RESERVED, statement_parts
from grader.errors import ContentError
from grader.model import Exercise, Topic
from grader.notebooks.format import Notebook
from grader.notebooks.handout import cell_id, code, functions_of, markdown, without_title

SCHEMA = 3
"""Of nbgrader's cell metadata."""
SETUP = "read-only-setup"
"""The id of the cell with the imports. No function has one like it."""
_PREFIX = "test_"
_TITLE = """# {title}

{summary}

**How to.** Write each function in its cell, and run the cell below it, which tries a few examples. Other cells, with \
functions that yours call, may stand wherever you like. When the notebook is graded, each function is called with many \
other arguments, in a process that has NumPy and the standard library: nothing else can be imported.
"""
_EXAMPLES = """\
# {name}: {points}. Here are the examples of its description; what is graded is much more.
import doctest


def examples():
    r\"\"\"
{examples}
    \"\"\"


shown = doctest.DocTestParser().get_doctest(examples.__doc__, globals(), "{name}", None, 0)
assert not doctest.DocTestRunner().run(shown).failed, "an example gives something else"
"""
_NO_EXAMPLES = """\
# {name}: {points}. It has no example; what is graded is more than this.
assert callable({name})
"""
_PLAIN = """\
# {name}: {points}.
from grader.nbgrader_cells import grade_cell

grade_cell("{name}", points={value})
"""
_IMAGE = re.compile(r"!\[[^\]]*\]\(([^)\s:]+)\)")


def grade_id(name: str) -> str:
    """The id of the test cell of an exercise."""
    return _PREFIX + name


def exercise_of(identity: str) -> str:
    """The exercise that a test cell's id is of; empty where it is no such id."""
    return identity.removeprefix(_PREFIX) if identity.startswith(_PREFIX) else ""


def source_notebook(
    topic: Topic, solution: str, statement: str, *, plain: bool = False
) -> Notebook:
    """The source notebook of a topic.

    Parameters
    ----------
    solution, statement : the texts of its solution file and of its statement.
    plain : whether the test cells grade by themselves, where nbgrader runs them, and not by our preprocessor.

    Raises
    ------
    WorkspaceError : the solution file is not Python.
    ContentError : two cells would have one id.
    """
    names = [exercise.name for exercise in topic.exercises]
    for name in names:
        if grade_id(name) in names:
            fix = f"its name is the id of the test cell of {name}; rename one of the two"
            raise ContentError(f"{topic.slug}/topic.toml", grade_id(name), fix)
    head, functions = functions_of(topic, solution)
    exercises = {exercise.name: exercise for exercise in topic.exercises}
    cells = [markdown("title", _TITLE.format(title=topic.title, summary=topic.summary))]
    cells.append(with_metadata(code("setup", head), SETUP, locked=True))
    number = 0
    for name, text in statement_parts(statement, topic):
        if name == RESERVED:  # what nobody can run there
            continue
        if not name:
            number += 1
            cells.append(markdown(f"text-{number}", without_title(text)))
            continue
        cells += _exercise(exercises[name], text, functions.pop(name, ""), plain)
    for name, text in functions.items():  # without a section of its own
        cells += _exercise(exercises[name], f"## `{name}`\n", text, plain)
    data = {
        "cells": cells,
        "metadata": {
            "kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"},
            "language_info": {"name": "python"},
        },
        "nbformat": 4,
        "nbformat_minor": 5,
    }
    return Notebook(data)


def _exercise(
    exercise: Exercise, section: str, function: str, plain: bool
) -> Iterator[dict[str, Any]]:
    name = exercise.name
    value = number(exercise.points)
    words = {"name": name, "points": "1 point" if value == 1 else f"{value} points", "value": value}
    examples = _examples(function, name)
    form = _PLAIN if plain else _EXAMPLES if examples else _NO_EXAMPLES
    yield markdown(cell_id("task", name), section)
    yield with_metadata(code(cell_id("code", name), function), name, solution=True)
    test = code(cell_id("test", name), form.format(**words, examples=examples))
    yield with_metadata(test, grade_id(name), grade=True, locked=True, points=value)


def with_metadata(
    cell: dict[str, Any],
    identity: str,
    *,
    grade: bool = False,
    solution: bool = False,
    locked: bool = False,
    points: float | None = None,
) -> dict[str, Any]:
    """The cell, with nbgrader's metadata."""
    metadata: dict[str, Any] = {
        "cell_type": cell["cell_type"], "grade": grade, "grade_id": identity, "locked": locked,
    }  # fmt: skip
    if points is not None:
        metadata["points"] = points
    metadata |= {"schema_version": SCHEMA, "solution": solution, "task": False}
    cell["metadata"]["nbgrader"] = metadata
    return cell


def number(value: float) -> float:
    """Points as a person writes them: 2, not 2.0."""
    return int(value) if float(value).is_integer() else float(value)


def images(statement: str) -> list[str]:
    """The files that a statement shows, as it names them; addresses are left out."""
    return list(dict.fromkeys(_IMAGE.findall(statement)))


def _examples(function: str, name: str) -> str:
    """The examples of a function's docstring, as they stand there."""
    for node in ast.parse(function).body:
        if isinstance(node, ast.FunctionDef) and node.name == name:
            text = ast.get_docstring(node) or ""
            found = doctest.DocTestParser().get_examples(text)
            lines = []
            for each in found:
                first, *rest = each.source.splitlines()
                lines += [f">>> {first}", *(f"... {line}".rstrip() for line in rest)]
                lines += each.want.splitlines()
            # For a docstring: IPython takes prompts away wherever else it finds them, in a text too.
            shown = textwrap.indent("\n".join(lines), "    ")
            return shown if '"""' not in shown else ""
    return ""
