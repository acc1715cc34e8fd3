"""The file in which a learner writes tests of a function: a first test, made of the statement's example."""

from __future__ import annotations

import ast
import doctest
import re
import textwrap

from grader.content import Content
from grader.model import Exercise

FOLDER = "break"
"""The folder of a workspace that holds the learner's tests."""
PREFIX = "test_"
RTOL = 1e-5
"""Examples show six digits or more."""
ATOL = 1e-6
ANY_ORDER = "in any order"
"""How a docstring says that the entries of a result have none."""
_RETURNS = re.compile(r"^Returns\n-+\n(?:.+\n)*", re.MULTILINE)

_TEMPLATE = '''"""Tests of {signature}

Judged by `grader break {name}`: they have to accept every right implementation, and
reject the wrong ones. A function named test_… gets the function under test and, if it takes two
arguments, a numpy Generator, seeded anew for each test. Raising anything rejects, as a failed assert
does. NumPy, numpy.testing and the standard library can be imported.
"""

import numpy as np


{example}

# Then: what holds for any input? Draw some with rng and assert it. Shapes, symmetries, sums, special
# cases, a second way to compute it, finite differences of a gradient. Each is a test of its own.
#
# def test_{name}_property({name}, rng):
#     x = rng.normal(size=(4, 3))
#     assert np.allclose({name}(…), …)
'''


def template(content: Content, exercise: Exercise) -> str:
    """The file that a learner begins with: a test made of the example of the exercise's docstring."""
    stub = content.stub(exercise.topic)
    example = None
    for node in ast.parse(stub.read_text(encoding="utf-8")).body:
        if isinstance(node, ast.FunctionDef) and node.name == exercise.name:
            example = _example(ast.get_docstring(node) or "")
    name = exercise.name
    head = f"def {PREFIX}{name}_example({name}, rng):\n"
    body = example or f'"""Write one."""\nassert {name} is not None'
    text = head + textwrap.indent(body, "    ") + "\n"
    return _TEMPLATE.format(signature=exercise.signature, name=name, example=text)


def _example(docstring: str) -> str | None:
    """The body of a test that compares the last example of a docstring with what it shows."""
    lines = ['"""The example of the statement."""']
    last = None
    for each in doctest.DocTestParser().get_examples(docstring):
        source = each.source.rstrip("\n")
        if not each.want:
            lines.append(source)
        else:
            last = len(lines), source, each.want.strip()
    if last is None:
        return None
    n, source, want = last
    try:
        tree = ast.parse(want, mode="eval").body
        ast.parse(source, mode="eval")
    except SyntaxError:
        return None
    wanted = re.sub(r"\b(array|float32|nan|inf)\b(?=[(,\])\s]|$)", r"np.\1", ast.unparse(tree))
    lines[n:] = [f"found = {source}", f"wanted = {wanted}"]
    if "array" not in want and _is_nested(tree):
        return "\n".join([*lines, "assert found == wanted"])
    returned = _RETURNS.search(docstring)
    if returned is not None and ANY_ORDER in returned[0]:
        ordered = "(np.sort_complex(np.round(each, 6)) for each in (found, wanted))"
        lines.append(f"found, wanted = {ordered}  # {ANY_ORDER}")
    indent, one, other = "", "found", "wanted"
    if isinstance(tree, ast.Tuple):
        lines.append("for one, other in zip(found, wanted, strict=True):")
        indent, one, other = "    ", "one", "other"
    lines.append(f"{indent}assert np.shape({one}) == np.shape({other})")
    lines.append(f"{indent}assert np.allclose({one}, {other}, rtol={RTOL:g}, atol={ATOL:g})")
    return "\n".join(lines)


def _is_nested(tree: ast.expr) -> bool:
    """Whether a value that is written down is a tuple or list of others."""
    kinds = (ast.Tuple, ast.List, ast.Dict)
    return isinstance(tree, kinds) and any(
        isinstance(each, kinds) for each in ast.walk(tree) if each is not tree
    )
