"""Solutions to stubs: what nbgrader would give, and markers that cannot be misread."""

from __future__ import annotations

import ast
import warnings
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from grader.errors import ContentError, MarkerError
from grader.stubs import make_stub, solution_functions

SOURCE = '''\
"""Softmax and its gradient."""

import numpy as np


def softmax(z, axis=-1):
    """Softmax along one axis."""
    ### BEGIN SOLUTION
    shifted = z - z.max(axis, keepdims=True)

    e = np.exp(shifted)
    return e / e.sum(axis, keepdims=True)
    ### END SOLUTION


def _helper(z):
    return z + 1


def softmax_vjp(s, grad_s):
    """s ⊙ (g − ⟨g, s⟩), with a blank after a marker."""
    # a comment that the learner keeps
    ### BEGIN SOLUTION  
    if s.size:
        return s * (grad_s - (grad_s * s).sum())
    return s
    ### END SOLUTION
'''  # noqa: W291  # the blank is the case

STUB = '''\
"""Softmax and its gradient."""

import numpy as np


def softmax(z, axis=-1):
    """Softmax along one axis."""
    # YOUR CODE HERE
    raise NotImplementedError()


def _helper(z):
    return z + 1


def softmax_vjp(s, grad_s):
    """s ⊙ (g − ⟨g, s⟩), with a blank after a marker."""
    # a comment that the learner keeps
    # YOUR CODE HERE
    raise NotImplementedError()
'''


@pytest.fixture(scope="module")
def clear_solutions() -> Callable[[str], str]:
    """nbgrader's own preprocessor over one notebook cell; its import takes seconds."""
    with warnings.catch_warnings():
        # nbgrader and the Jupyter packages below it use each other's deprecated names.
        warnings.simplefilter("ignore")
        from nbformat.v4 import new_code_cell, new_notebook
        from nbgrader.preprocessors import ClearSolutions

        preprocessor = ClearSolutions(enforce_metadata=False)

    def clear(source: str) -> str:
        notebook = new_notebook(cells=[new_code_cell(source)])
        cleared, _ = preprocessor.preprocess(notebook, {})
        return str(cleared.cells[0].source)

    return clear


def body(*lines: str) -> str:
    """A function with these lines as its body."""
    return "def f(x):\n" + "".join(f"    {line}\n" for line in lines)


def test_make_stub_replaces_each_region() -> None:
    """Each region becomes the placeholder at the marker's indentation; the rest is kept."""
    assert make_stub(SOURCE, "softmax.py") == STUB


@pytest.mark.parametrize(
    "source",
    [
        SOURCE,
        SOURCE.rstrip("\n"),
        "",
        "x = 1\n",
        "\n\n### BEGIN SOLUTION\nx = 1\n### END SOLUTION\n\n",
        "### BEGIN SOLUTION\n### END SOLUTION",
        "def f():\n\t### BEGIN SOLUTION\n\treturn 1\n\t### END SOLUTION\n",
        "class A:\n    def f(self):\n        ### BEGIN SOLUTION\n        return 1\n"
        "        ### END SOLUTION\n\n\n    \n",
    ],
)
def test_make_stub_gives_what_nbgrader_gives(
    source: str, clear_solutions: Callable[[str], str]
) -> None:
    """Byte for byte, trailing blank lines and a missing last newline included."""
    assert make_stub(source, "softmax.py") == clear_solutions(source)


LINES = st.sampled_from(
    [
        "### BEGIN SOLUTION",
        "### END SOLUTION",
        "    ### BEGIN SOLUTION",
        "    ### END SOLUTION",
        "    ### END SOLUTION  ",
        "def f(x):",
        "    return x",
        "    x = '''",
        "    '''",
        "    y = (",
        "    )",
        "x = 1",
        "# END SOLUTION",
        "### begin solution",
        "",
        "    # π \u2028 \x0c",
    ]
)


BLOCKS = st.sampled_from(
    [
        "    ### BEGIN SOLUTION\n    return x\n    ### END SOLUTION",
        "    ### BEGIN SOLUTION \t\n    # x\n\n    y = '''\n'''\n    ### END SOLUTION",
        "    if x:\n        ### BEGIN SOLUTION\n        pass\n        ### END SOLUTION",
        "### BEGIN SOLUTION\nx = 2\n### END SOLUTION",
        "def f(x):\n    '''Doc.'''",
        "",
        "    # π \u2028",
    ]
)


@given(st.lists(BLOCKS | BLOCKS | LINES, max_size=8).map("\n".join))
def test_make_stub_agrees_with_nbgrader_or_refuses(
    clear_solutions: Callable[[str], str], source: str
) -> None:
    """Whatever the lines: nbgrader's text, which is Python, or a ContentError."""
    try:
        stub = make_stub(source, "f.py")
    except ContentError:
        return
    assert stub == clear_solutions(source)
    ast.parse(stub)
    assert "SOLUTION" not in stub


@given(st.text(max_size=200))
def test_any_text_is_taken_or_refused(source: str) -> None:
    """No text makes another exception than ours."""
    for read in (make_stub, solution_functions):
        try:
            read(source, "f.py")
        except ContentError:
            continue


@pytest.mark.parametrize(
    ("source", "line", "fix"),
    [
        (body("### END SOLUTION", "return x"), 2, "without a `### BEGIN SOLUTION`"),
        (body("### BEGIN SOLUTION", "return x"), 2, "never closed"),
        (
            body("### BEGIN SOLUTION", "### BEGIN SOLUTION", "return x", "### END SOLUTION"),
            3,
            "inside the region begun on line 2",
        ),
        (
            "def f(x):\n    ### BEGIN SOLUTION\n    return x\n  ### END SOLUTION\n",
            4,
            "not indented as its `### BEGIN SOLUTION` on line 2",
        ),
        (
            body('"""Doc.', "### BEGIN SOLUTION", "x", "### END SOLUTION", '"""', "return x"),
            3,
            "inside a string",
        ),
        (
            body("y = (", "### BEGIN SOLUTION", "1,", "### END SOLUTION", ")", "return y"),
            3,
            "inside brackets",
        ),
        ("def f(x):\n### BEGIN SOLUTION\n    return x\n### END SOLUTION\n", 2, "not Python"),
        ("x = 1\r\ny = 2\r\n", 1, "carriage return"),
    ],
)
def test_malformed_markers_are_refused(source: str, line: int, fix: str) -> None:
    """Each malformation names the file, the line and the fix."""
    with pytest.raises(MarkerError, match=fix) as caught:
        make_stub(source, "f.py")
    assert caught.value.file == "f.py"
    assert caught.value.key == f"line {line}"


@pytest.mark.parametrize(
    "marker",
    [
        "###BEGIN SOLUTION",
        "### begin solution",
        "### BEGIN SOLUTIONS",
        "## BEGIN SOLUTION",
        "#### BEGIN SOLUTION",
        "### BEGIN  SOLUTION",
        "### BEGIN SOLUTION:",
        "### BEGIN SOLUTION ###",
        "### START SOLUTION",
        "### Begin_Solution",
        "### BEGINSOLUTION",
        "### BEGIN SOLUTON",
        "### BEGN SOLUTION",
        "x = 1  ### BEGIN SOLUTION",
        "print('END SOLUTION')",
        "\u00a0### BEGIN SOLUTION",
        "# the END SOLUTION is near",
    ],
)
def test_near_misses_are_refused(marker: str) -> None:
    """A line that a reader, or nbgrader, could take for a marker is one or is an error."""
    source = f"x = 0\n{marker}\n"
    with pytest.raises(
        ContentError, match=r"is like a marker but is none|not valid Python"
    ) as caught:
        make_stub(source, "f.py")
    assert caught.value.key == "line 2"


@pytest.mark.parametrize(
    "line",
    [
        "# the solution of the normal equations",
        "# begin solving for x",
        "# in the end, solve the system",
        "# at the end the solution is exact",
        "solution = end = 1  # solution",
    ],
)
def test_prose_about_solutions_is_no_marker(line: str) -> None:
    """Words of the subject do not trip the search for near misses."""
    assert make_stub(f"{line}\n", "f.py") == f"{line}\n"


def test_invalid_python_is_refused_with_its_line() -> None:
    """A solution that is not Python is told with the line, not as a marker."""
    with pytest.raises(ContentError, match="not valid Python") as caught:
        make_stub("x = 1\ndef f(:\n", "f.py")
    assert caught.value.key == "line 2"
    assert not isinstance(caught.value, MarkerError)


def test_solution_functions_are_the_public_ones_in_order() -> None:
    """Helpers with an underscore are no exercises."""
    functions = solution_functions(SOURCE, "softmax.py")
    assert list(functions.items()) == [
        ("softmax", "softmax(z, axis=-1)"),
        ("softmax_vjp", "softmax_vjp(s, grad_s)"),
    ]


@pytest.mark.parametrize(
    ("written", "signature"),
    [
        ("f()", "f()"),
        ("f( x,y )", "f(x, y)"),
        ("f(x: int, y: float = 1e-8) -> float", "f(x, y=1e-8)"),
        ("f(x, /, y, *, z=None)", "f(x, /, y, *, z=None)"),
        ("f(*xs: int, key='π, (x)', **rest)", "f(*xs, key='π, (x)', **rest)"),
        ("f(x,\n      shape=(1,\n             2),\n      )", "f(x, shape=(1, 2))"),
        ("f(π='é', x=-1.0)", "f(π='é', x=-1.0)"),
    ],
)
def test_signatures_are_as_written(written: str, signature: str) -> None:
    """Annotations go, line ends go, defaults stay as the author wrote them."""
    source = f"def {written}:\n    ### BEGIN SOLUTION\n    return 1\n    ### END SOLUTION\n"
    assert solution_functions(source, "f.py") == {"f": signature}


REGION = ("### BEGIN SOLUTION", "return x", "### END SOLUTION")


@pytest.mark.parametrize(
    ("source", "key", "fix"),
    [
        (body("return x"), "f", "has no solution region"),
        ("def f(x): return x\n", "f", "has no solution region"),
        (body("x = x + 1", *REGION), "f", "line 2 is solution outside the region"),
        (body(*REGION, "return 2"), "f", "line 5 is solution outside the region"),
        (body("### BEGIN SOLUTION", '"""Doc."""', *REGION[1:]), "f", "docstring stands inside"),
        (body('"""Doc."""', "### BEGIN SOLUTION", "# todo", "### END SOLUTION"), "f", "is empty"),
        (
            body("### BEGIN SOLUTION", "x = 1", "### END SOLUTION", *REGION),
            "f",
            "2 solution regions",
        ),
        (
            "def f(x):\n    ### BEGIN SOLUTION\n    return x\ndef g(x):\n    return x\n"
            "    ### END SOLUTION\n",
            "f",
            "runs past the function",
        ),
        (
            "def f(x):\n    ### BEGIN SOLUTION\n    return x\n@f\ndef g(x):\n    return x\n"
            "    ### END SOLUTION\n",
            "f",
            "runs past the function",
        ),
        (
            "def f(x):\n        ### BEGIN SOLUTION\n    return x\n        ### END SOLUTION\n",
            "f",
            "not indented as the body",
        ),
        (
            "def _f(x):\n    ### BEGIN SOLUTION\n    return x\n    ### END SOLUTION\n",
            "line 2",
            "outside every exercise",
        ),
        (
            "### BEGIN SOLUTION\nx = 1\n### END SOLUTION\n" + body(*REGION),
            "line 1",
            "outside every exercise",
        ),
    ],
)
def test_bodies_outside_their_region_are_refused(source: str, key: str, fix: str) -> None:
    """No line of a solution can reach a stub, and no region can be left without an exercise."""
    with pytest.raises(MarkerError, match=fix) as caught:
        solution_functions(source, "f.py")
    assert caught.value.key == key


@pytest.mark.parametrize(
    ("source", "fix"),
    [(body(*REGION) + body(*REGION), "defined twice"), ("async " + body(*REGION), "drop `async`")],
)
def test_exercises_are_plain_and_unique(source: str, fix: str) -> None:
    """A second definition would hide the first; a coroutine cannot be graded."""
    with pytest.raises(ContentError, match=fix):
        solution_functions(source, "f.py")


def test_the_stub_of_a_sound_source_has_no_line_of_the_solution() -> None:
    """What `solution_functions` accepts, `make_stub` empties: bodies are docstring and stub."""
    assert solution_functions(SOURCE, "softmax.py")
    for node in ast.parse(make_stub(SOURCE, "softmax.py")).body:
        if isinstance(node, ast.FunctionDef) and not node.name.startswith("_"):
            doc, stub = node.body
            assert isinstance(doc, ast.Expr)
            assert isinstance(stub, ast.Raise)
