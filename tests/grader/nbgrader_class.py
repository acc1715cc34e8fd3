"""A class of the toy course on nbgrader: notebooks of all kinds, and what is done with them."""

from __future__ import annotations

import contextlib
import io
import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from grader.nbgrader_course.gradebook import gradebook

RIGHT = {
    "scaled_square_grad": "def scaled_square_grad(x, c):\n    return 2.0 * c * np.asarray(x)\n",
    "row_means": (
        "def row_means(x):\n    if x.shape[1] == 0:\n        raise ValueError('no columns')\n"
        "    return x.mean(axis=1)\n"
    ),
}
WRONG = {
    "scaled_square_grad": "def scaled_square_grad(x, c):\n    return c * np.asarray(x)\n",
    "row_means": "def row_means(x):\n    return x.sum(axis=1)\n",
}
CODE = {"cell_type": "code", "execution_count": None, "metadata": {}, "outputs": []}
Cells = list[dict[str, Any]]


def written(
    functions: Mapping[str, str], *cells: str, behind: str = ""
) -> Callable[[Cells], Cells]:
    """The notebook with these functions in their cells, `cells` on top, and `behind` at the end."""

    def change(handed: Cells) -> Cells:
        for cell in handed:
            name = rules_of(cell).get("grade_id")
            if name in functions:
                cell["source"] = functions[name]
        top = [{**CODE, "source": text} for text in cells]
        return [*top, *handed, *([{**CODE, "source": behind}] if behind else [])]

    return change


def rules_of(cell: dict[str, Any]) -> dict[str, Any]:
    """nbgrader's metadata of a cell, as far as there is any."""
    found: dict[str, Any] = cell["metadata"].get("nbgrader", {})
    return found


def duplicated(cells: Cells) -> Cells:
    """Each solution cell twice, wrong and then right, and each test cell twice."""
    twice = []
    for cell in written(RIGHT)(cells):
        name = rules_of(cell).get("grade_id", "")
        copy = json.loads(json.dumps(cell))
        if name in WRONG:
            copy["source"] = WRONG[name]
        twice += [copy, cell] if name else [cell]
    return twice


def split(cells: Cells) -> Cells:
    """Functions that call others in cells of their own, above and below."""
    functions = {
        "scaled_square_grad": "def scaled_square_grad(x, c):\n    return doubled(c) * np.asarray(x)\n",
        "row_means": "def row_means(x):\n    guard(x)\n    return x.mean(axis=1)\n",
    }
    guard = "def guard(x):\n    if x.shape[1] == 0:\n        raise ValueError('no columns')\n"
    return written(
        functions, "%matplotlib inline\ndef doubled(c):\n    return 2 * c", behind=guard
    )(cells)


def stripped(cells: Cells) -> Cells:
    """All of nbgrader's metadata is gone, as some editors leave it."""
    return [{**cell, "metadata": {}} for cell in written(RIGHT)(cells)]


def deleted(cells: Cells) -> Cells:
    """Only the code of the functions is left, in one cell."""
    return [{**CODE, "source": "import numpy as np\n" + "\n".join(RIGHT.values())}]


def overwritten(cells: Cells) -> Cells:
    """Test cells that say what they like and are worth what they like, behind wrong functions."""
    for cell in written(WRONG)(cells):
        if rules_of(cell).get("grade"):
            cell["source"] = "1e9"
            rules_of(cell)["points"] = 1e9
            output = {"output_type": "execute_result", "execution_count": 1, "metadata": {}}
            cell["outputs"] = [{**output, "data": {"text/plain": "1e9"}}]
    return cells


def hostile_metadata(cells: Cells) -> Cells:
    """Right functions beside cells with metadata that no editor writes."""
    odd: list[Any] = [
        "text", 3, None, [], {"grade": True}, {"grade": True, "grade_id": ["x"], "points": "all"},
        {"grade_id": "not handed out", "grade": True, "solution": True, "locked": True, "points": 5},
        {"schema_version": 99, "grade_id": "read-only-setup", "grade": True, "points": 5},
    ]  # fmt: skip
    strange = [{**CODE, "source": "1", "metadata": {"nbgrader": each}} for each in odd]
    return [*strange, *written(RIGHT)(cells)]


FORGERIES = {
    "transformers": written(
        WRONG,
        "ip = get_ipython()\nip.input_transformers_cleanup.clear()\n"
        "ip.input_transformers_post.append(lambda lines: [])",
    ),
    "comparison": written(
        WRONG,
        "import numpy as np, numpy.testing, sys\n"
        "np.testing.assert_allclose = np.allclose = np.array_equal = lambda *a, **k: True\n"
        "np.max = np.maximum = lambda *a, **k: 0.0\n"
        "sys.displayhook = lambda value: print('5.0')",
    ),
    "subclass": written(
        {
            name: text.replace("return ", "return Always(") .rstrip("\n") + ")\n"
            for name, text in WRONG.items()
        },
        "class Always(float):\n"
        "    def __new__(cls, value): return super().__new__(cls, 0.0)\n"
        "    __eq__ = __lt__ = __le__ = __ge__ = lambda self, other: True\n"
        "    __sub__ = __rsub__ = __array__ = lambda self, *other, **more: 0.0\n"
        "    def __repr__(self): return '3.0'",
    ),
    "gradebook": written(
        WRONG,
        "import glob, os, sqlite3\n"
        "for up in ('.', '..', '../..', '../../..', '../../../..'):\n"
        "    for file in glob.glob(os.path.join(up, 'gradebook.db')) + glob.glob(os.path.join(up, '*/gradebook.db')):\n"
        "        with sqlite3.connect(file) as book:\n"
        "            book.execute('UPDATE grade SET manual_score = 100')",
    ),
    "sources": written(
        WRONG,
        "import glob, json\n"
        "for file in glob.glob('../../../source/**/*.ipynb', recursive=True) + glob.glob('**/*', recursive=True):\n"
        "    for cell in json.load(open(file))['cells']:\n"
        "        if cell['cell_type'] == 'code': exec(''.join(cell['source']))",
    ),
}  # fmt: skip
SUBMISSIONS: dict[str, Callable[[Cells], Cells]] = {
    "right": written(RIGHT),
    "wrong": written(WRONG),
    "stubs": lambda cells: cells,
    "one": written({"row_means": RIGHT["row_means"]}),
    "duplicated": duplicated,
    "split": split,
    "stripped": stripped,
    "deleted": deleted,
    "reordered": lambda cells: list(reversed(written(RIGHT)(cells))),
    "overwritten": overwritten,
    "metadata": hostile_metadata,
    "Zoë Ünal 2": written(RIGHT),
    "late": written(RIGHT),
    "warns": written(
        {
            **RIGHT,
            "scaled_square_grad": "def scaled_square_grad(x, c):\n    import sys, warnings\n"
            "    warnings.warn('a word')\n    print('another', file=sys.stderr)\n"
            "    return 2.0 * c * np.asarray(x)\n",
        },
        "import sys, warnings\nwarnings.warn('at once')\nprint('too', file=sys.stderr)",
    ),
    "loops": written({**RIGHT, "scaled_square_grad": "def scaled_square_grad(x, c):\n    while True: pass\n"}),
    "exits": written(
        {**RIGHT, "scaled_square_grad": "def scaled_square_grad(x, c):\n    import os\n    os._exit(0)\n"}
    ),
    "raises": written(RIGHT, "1 / 0", "x = [", behind="raise SystemExit"),
    **FORGERIES,
}  # fmt: skip
FILES = {
    "nojson": b"print('hello')",
    "old": b'{"nbformat": 3, "nbformat_minor": 0, "metadata": {}, "worksheets": []}',
}


def submission(student: str, handed: Path) -> bytes:
    """What a student makes of the notebook that was handed out."""
    if student in FILES:
        return FILES[student]
    data = json.loads(handed.read_text(encoding="utf-8"))
    data["cells"] = SUBMISSIONS[student](data["cells"])
    return json.dumps(data).encode()


def nbgrader(folder: Path, *args: str, code: int = 0) -> str:
    """Run a command of nbgrader's in a folder; what it says. Its exit code is as expected."""
    from jupyter_core.application import NoStart
    from nbgrader.apps.nbgraderapp import NbGraderApp

    said, found = io.StringIO(), 0
    with contextlib.chdir(folder), contextlib.redirect_stderr(said):
        app = NbGraderApp()
        try:
            app.initialize(list(args))
            app.start()
        except NoStart:  # how it ends when a command has been run
            pass
        except SystemExit as end:
            found = int(end.code or 0)
        finally:
            if app.subapp is not None:
                type(app.subapp).clear_instance()
    assert found == code, said.getvalue()
    return said.getvalue()


def kept_rows(db_url: str) -> dict[str, Any]:
    """All that the gradebook keeps of submissions, without the ids that are drawn anew."""
    with gradebook(db_url) as book:
        return {
            each.student.id: (
                each.timestamp, each.score, each.max_score, each.needs_manual_grade,
                [
                    (
                        notebook.name, notebook.late_submission_penalty, notebook.failed_tests,
                        sorted(
                            (g.name, g.auto_score, g.manual_score, g.extra_credit, g.needs_manual_grade)
                            for g in notebook.grades
                        ),
                        sorted((c.name, c.auto_comment, c.manual_comment) for c in notebook.comments),
                    )
                    for notebook in each.notebooks
                ],
            )
            for each in book.find_assignment("toy").submissions
        }  # fmt: skip
