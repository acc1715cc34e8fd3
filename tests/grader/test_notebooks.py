"""Notebooks: their files, the Python in their cells, the commands on them, and the magics in a kernel."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import time
from collections.abc import Callable
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import nbformat
import pytest
from click.testing import CliRunner

import grader
from grader.catalog import load_course
from grader.cli import cli
from grader.content import Content, installed, locate
from grader.errors import GradsmithError
from grader.grading import Grader
from grader.kernel.history import History, cells_text
from grader.model import Status
from grader.notebooks.cells import joined, place_of_line, python_of
from grader.notebooks.editing import updated, with_function
from grader.notebooks.format import MAX_BYTES, NotebookError, dumped, parsed, source_of
from grader.notebooks.handout import MAX_ID, cell_id, topic_notebook
from grader.report.cell import report_html
from grader.submission import read_submission
from grader.watch.saves import Files
from grader.workspace import create_workspace, find_workspace, learner_text

ROOT = Path(grader.__file__).parent.parent
RIGHT = "def scaled_square_grad(x, c):\n    return 2.0 * c * np.asarray(x)\n"
WRONG = "def scaled_square_grad(x, c):\n    return c * np.asarray(x)\n"
Run = Callable[..., str]


def notebook(*cells: str | tuple[str, str], **more: Any) -> dict[str, Any]:
    """A notebook's data; a cell is code, or a kind and a text."""
    made = []
    for number, cell in enumerate(cells):
        kind, text = ("code", cell) if isinstance(cell, str) else cell
        one: dict[str, Any] = {"cell_type": kind, "id": f"c{number}", "metadata": {}}
        if kind == "code":
            one |= {"execution_count": 3, "outputs": []}
        made.append({**one, "source": text})
    return {"cells": made, "metadata": {}, "nbformat": 4, "nbformat_minor": 5, **more}


def write(path: Path, *cells: str | tuple[str, str]) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(notebook(*cells)), encoding="utf-8")
    return path


@pytest.fixture
def run(toy: Content, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Run:
    """Runs a command in a workspace of notebooks of the toy course; what it prints."""
    runner = CliRunner()

    def run(*args: str) -> str:
        result = runner.invoke(cli, args, standalone_mode=False)
        if result.exception is not None:
            raise result.exception
        return result.output

    said = run("init", str(tmp_path / "ws"), "--notebooks", "--course", str(toy.root))
    assert "run %check scaled_square_grad beneath it" in said
    monkeypatch.chdir(tmp_path / "ws")
    return run


def cell_of(file: Path, identity: str) -> dict[str, Any]:
    cells = json.loads(file.read_text(encoding="utf-8"))["cells"]
    return next(cell for cell in cells if cell["id"] == identity)


def put(file: Path, identity: str, text: str, **more: Any) -> None:
    """Change a cell as a learner does."""
    data = json.loads(file.read_text(encoding="utf-8"))
    for cell in data["cells"]:
        if cell["id"] == identity:
            cell |= {"source": text, **more}
    file.write_text(json.dumps(data, ensure_ascii=False, indent=1) + "\n", encoding="utf-8")


# ---- the Python in cells


@pytest.mark.parametrize(
    ("source", "python"),
    [
        ("%matplotlib inline\nx = 1", "\nx = 1"),
        ("!pip install \\\n  numpy\nx = 1", "\n\nx = 1"),
        ("if x:\n    %timeit f()\ny = 2", "if x:\n    pass\ny = 2"),
        ("files = !ls\na, b = %env X\nz = 3", "\n\nz = 3"),
        ("softmax?\n?softmax\nnp.*exp??", "\n\n"),
        ("%%bash\nls\nx = 1", "\n\n"),
        ("%%time\nx = 1", "\nx = 1"),
        ("x = 7 % 2\ny = (x\n  %z)", "x = 7 % 2\ny = (x\n  %z)"),
        ('s = """\n%not magic\n!nor this\n"""', 's = """\n%not magic\n!nor this\n"""'),
        ("s = 'it\\'s' # don't\n%magic\nt = \"(\"\n!ls", "s = 'it\\'s' # don't\n\nt = \"(\"\n"),
        ("x = 1 \\\n  %y", "x = 1 \\\n  %y"),
        ("x = 1  # really?\na != b", "x = 1  # really?\na != b"),
        ("x = 1\r\n%ls\r\ny = 2\r", "x = 1\n\ny = 2\n"),
        ("", ""),
    ],
)
def test_magics_are_blanked_and_lines_stay(source: str, python: str) -> None:
    """What is no Python goes, where it begins a statement; strings and brackets are left alone."""
    assert python_of(source) == python


def test_long_lines_take_no_long_time() -> None:
    """A submission's cell is looked at in a time that grows with its length alone."""
    start = time.perf_counter()
    for text in (" " * 200_000, "a" * 200_000, "(" * 200_000, "a=" * 100_000, '"' * 200_000):
        python_of(text)
    assert time.perf_counter() - start < 5.0


def test_lines_are_found_in_their_cells() -> None:
    """Cells without Python take no lines; leading blank lines count."""
    text, places = joined([("cell 1", "%ls"), ("cell 2", "\nx = 1\n\n"), ("cell 5", "y = 2")])
    assert text == "\nx = 1\ny = 2\n"
    assert [place_of_line(places, line) for line in (1, 2, 3)] == [
        ("cell 2", 1), ("cell 2", 2), ("cell 5", 1),
    ]  # fmt: skip


# ---- making one


@pytest.mark.parametrize("slug", ["softmax", "numerical_stability", "kalman_filter"])
def test_a_topic_as_a_notebook(slug: str) -> None:
    """Valid, as Jupyter itself would write it, the same bytes each time, everything of the topic in it."""
    content = installed()
    topic = load_course(content, [slug]).topic(slug)
    texts = [f.read_text(encoding="utf-8") for f in (content.stub(slug), content.statement(slug))]
    data = dumped(topic_notebook(topic, *texts))
    assert data == dumped(topic_notebook(topic, *texts))
    read = nbformat.reads(data.decode(), as_version=4)
    nbformat.validate(read)
    assert nbformat.writes(read) + "\n" == data.decode()
    assert read.metadata.kernelspec.name == "python3"
    assert read.cells[0].source.startswith(f"# {topic.title}\n")
    first = next(cell for cell in read.cells if cell.cell_type == "code")
    assert first.source.startswith("%load_ext grader\n\nimport ")
    ids = [cell.id for cell in read.cells]
    for exercise in topic.exercises:
        index = ids.index(f"task-{exercise.name}")
        assert exercise.signature in read.cells[index].source
        assert f"def {exercise.name}(" in read.cells[index + 1].source
        called = f"{slug}/{slug}" if exercise.name == slug else exercise.name
        assert read.cells[index + 2].source == f"%check {called}"
    assert ids[-2:] == ["capstone", f"check-topic-{slug}"]
    assert read.cells[-1].source == f"%check {slug}"
    assert not any(cell.get("outputs") for cell in read.cells)
    text, _ = parsed(data).python()
    compile(text, slug, "exec")


def test_ids_of_long_names_fit_the_format() -> None:
    """At most 64 characters of a few kinds, and always the same."""
    assert cell_id("code", "f" * 80) == cell_id("code", "f" * 80) != cell_id("code", "f" * 81)
    assert all(len(cell_id("task", name)) <= MAX_ID for name in ("f" * 80, "größe"))
    assert cell_id("task", "größe").isascii()


# ---- reading

HOSTILE = [
    (b"", "is empty"),
    (b"\xff\xfe{", "not UTF-8"),
    (b"{", "is no notebook"),
    (b"[]", "JSON but no notebook"),
    (b"null", "JSON but no notebook"),
    (b"{}", "JSON but no notebook"),
    (b"[" * 100_000, "is no notebook"),
    (b'{"nbformat": 4, "cells": ' + b"1" * 5000 + b"}", "is no notebook"),
    (b'{"nbformat": 3, "worksheets": [{"cells": []}]}', "is of nbformat 3"),
    (b'{"nbformat": 5, "cells": []}', "is of nbformat 5"),
    (b'{"nbformat": 4}', "has no list of cells"),
    (b'{"nbformat": 4, "cells": {}}', "has no list of cells"),
    (b'{"nbformat": 4, "cells": [1]}', "cell 1 is no cell"),
    (b'{"nbformat": 4, "cells": [{"cell_type": "heading", "source": ""}]}', "cell 1 is no cell"),
    (b'{"nbformat": 4, "cells": [{"cell_type": "code"}]}', "cell 1: its source is no text"),
    (b'{"nbformat": 4, "cells": [{"cell_type": "code", "source": [1]}]}', "source is no text"),
    (b'{"nbformat": 4, "cells": [{"cell_type": "code", "source": {"a": 1}}]}', "is no text"),
    (b'{"nbformat": 4, "cells": [{"cell_type": "code", "source": "\\ud800"}]}', "half a character"),
    (b'{"nbformat": 4, "cells": [{"cell_type": "code", "source": "a\\u0000b"}]}', "NUL"),
    (b'{"nbformat": 4, "cells": [' + b"0," * 6000 + b"0]}", "has over 5000 cells"),
    (b" " * (MAX_BYTES + 1), "over 8 MiB; clear its outputs"),
]  # fmt: skip


@pytest.mark.parametrize(("data", "words"), HOSTILE, ids=[words for _, words in HOSTILE])
def test_what_is_no_notebook_is_told(toy: Content, tmp_path: Path, data: bytes, words: str) -> None:
    """As the problem of its topic, with what to do; as a file alone and in a folder."""
    with pytest.raises(NotebookError, match=re.escape(words)):
        parsed(data)
    course = load_course(toy)
    file = tmp_path / "toy" / "toy.ipynb"
    file.parent.mkdir()
    file.write_bytes(data)
    for path, name in ((file, "toy.ipynb"), (tmp_path, "toy/toy.ipynb")):
        submission = read_submission(path, course)
        [problem] = submission.problems
        assert (problem.topic, problem.file) == ("toy", name)
        assert words in problem.message
        assert not submission.sources


def test_code_that_is_too_long_is_told(toy: Content, tmp_path: Path) -> None:
    """Outputs may be large, the code may not."""
    file = write(tmp_path / "toy.ipynb", RIGHT, "x = '" + "a" * 2**20 + "'")
    [problem] = read_submission(file, load_course(toy)).problems
    assert "its code is over 1 MiB" in problem.message
    data = notebook(RIGHT)
    data["cells"][0]["outputs"] = [{"data": {"image/png": "A" * 2**21}}]
    file.write_text(json.dumps(data))
    assert not read_submission(file, load_course(toy)).problems


def test_writing_keeps_what_is_not_touched(tmp_path: Path) -> None:
    """Unknown keys, metadata, the form of sources, and how the file is laid out."""
    for text in (
        json.dumps(notebook("x = 'é'", ("raw", "r"), extra={"a": [1, None]}), indent=2),
        json.dumps(notebook("x = 'é'"), ensure_ascii=False, indent=1) + "\n",
        json.dumps(notebook(("markdown", "\ud800"))),
    ):
        assert dumped(parsed(text.encode())) == text.encode()


# ---- grading


def grade(toy: Content, path: Path) -> Any:
    with Grader(toy) as warm:
        return warm.grade(read_submission(path, warm.course))


def test_a_cell_that_fails_costs_what_it_should_define(toy: Content, tmp_path: Path) -> None:
    """Others pass; places are told by cell and line; what calls a stub is not told."""
    file = write(
        tmp_path / "toy.ipynb",
        ("markdown", "# Title"),
        "%load_ext grader\nimport numpy as np",
        "row_means(np.ones((2, 2)))\nraise NotImplementedError",
        RIGHT,
        "import warnings\n\ndef row_means(x):\n    y = (1\n    return x",
        "\n1 / 0",
    )
    report = grade(toy, file)
    assert [score.status for score in report.scores] == [Status.PASSED, Status.ERROR]
    [problem] = report.problems
    assert (problem.file, problem.line) == ("toy.ipynb, cell 5", 4)
    assert [note for note in report.notes if "cell 6, line 2 was passed over: Zero" in note]
    assert [note for note in report.notes if "cell 3, line 1 was passed over: NameErr" in note]
    assert "def" not in (problem.text or "")


def test_test_cells_of_nbgrader_are_not_loaded() -> None:
    """They call functions; cells with other metadata of nbgrader's, whatever it is, count."""
    rules: list[Any] = [
        {"grade": True, "solution": False}, {"grade": True, "solution": True}, {"grade": False}, {"grade": 1}, 5, None,
    ]  # fmt: skip
    cells = [
        {"cell_type": "code", "source": f"x = {n}", "metadata": {"nbgrader": each}}
        for n, each in enumerate(rules)
    ]
    cells.append({"cell_type": "code", "source": "x = 'bare'", "metadata": "none"})
    notebook = parsed(json.dumps({"nbformat": 4, "cells": cells}).encode())
    assert [name for name, _ in notebook.code()] == [f"cell {n}" for n in range(2, 8)]


def test_lines_of_what_is_raised_and_warned(toy: Content, tmp_path: Path) -> None:
    """They are counted in the cell."""
    file = write(
        tmp_path / "toy.ipynb",
        "import numpy as np\n",
        "def scaled_square_grad(x, c):\n    raise OSError('no')\n",
        "import warnings\ndef row_means(x):\n    warnings.warn('mind')\n    return x.mean(1)\n",
    )
    report = grade(toy, file)
    headlines = [o.failure.headline for s in report.scores for o in s.outcomes if o.failure]
    assert any("OSError: no (cell 2, line 2)" in each for each in headlines)
    assert any("mind (cell 3, line 3)" in each for each in headlines)


def test_folder_zip_and_both_forms(toy: Content, tmp_path: Path, monkeypatch: Any) -> None:
    """A notebook is taken where there is no .py file; with both that counts, and a note says so."""
    import zipfile

    course = load_course(toy)
    folder = tmp_path / "work"
    file = write(folder / "toy" / "toy.ipynb", RIGHT)
    with zipfile.ZipFile(tmp_path / "work.zip", "w") as archive:
        archive.write(file, "work/toy/toy.ipynb")
    for path in (folder, tmp_path / "work.zip"):
        [source] = read_submission(path, course).sources.values()
        assert source.text == RIGHT
        assert source.cells[0].cell == "cell 1"
    (folder / "toy" / "toy.py").write_text(WRONG)
    submission = read_submission(folder, course)
    assert submission.sources["toy"].text == WRONG
    assert "toy/toy.ipynb was not read: toy/toy.py was" in submission.notes
    other = write(tmp_path / "mine.ipynb", RIGHT)  # by what it defines
    assert read_submission(other, course).topics == ("toy",)


# ---- commands


def test_init_and_check(run: Run) -> None:
    """A notebook for each topic, that grader.toml remembers, and that is checked as it is saved."""
    assert find_workspace(Path.cwd()).notebooks
    file = Path("toy/toy.ipynb")
    nbformat.validate(nbformat.read(file, 4))
    assert not Path("toy/toy.py").exists()
    assert "all 2" in run("check")
    put(file, "code-scaled_square_grad", WRONG)
    assert "factor 2 of the power rule is missing" in run("check", "toy.ipynb")
    put(file, "code-scaled_square_grad", RIGHT)
    assert "+ passed" in run("check", "scaled_square_grad").replace("✓", "+")
    assert "toy/toy.ipynb" in run("next")
    assert "scaled_square_grad" in run("list", "--status", "solved")
    assert "yours is the same" in run("solution", "scaled_square_grad")


def test_reset_puts_the_stub_into_its_cell(run: Run) -> None:
    """What else the cell and the notebook hold stays, the old one is kept; the second time nothing is done."""
    file = Path("toy/toy.ipynb")
    kept = [{"output_type": "stream", "name": "stdout", "text": ["keep\n"]}]
    put(file, "check-row_means", "%check row_means", outputs=kept, metadata={"a": 1})
    put(file, "code-row_means", "%%time\nEPS = 1\n\ndef row_means(x):\n    return EPS\n\nEPS")
    before = file.read_bytes()
    said = run("reset", "row_means")
    assert "Reload Notebook from Disk" in said
    cell = source_of(cell_of(file, "code-row_means"))
    assert cell.startswith("%%time\nEPS = 1\n\ndef row_means(x):\n")
    assert cell.endswith("raise NotImplementedError()\n\nEPS")
    assert cell_of(file, "check-row_means")["outputs"] == kept
    assert cell_of(file, "check-row_means")["metadata"] == {"a": 1}
    [backup] = Path(".grader/backups").iterdir()
    assert backup.read_bytes() == before
    assert "is a stub already" in run("reset", "row_means")
    put(file, "code-row_means", "def row_means(x:\n  broken")
    run("reset", "row_means")
    assert source_of(cell_of(file, "code-row_means")).startswith("def row_means(x):\n")
    nbformat.validate(nbformat.read(file, 4))


def test_bad_notebooks_give_a_line(run: Run) -> None:
    """No command gives a traceback, and nothing is written over."""
    Path("toy/toy.ipynb").write_text('{"nbformat": 3}')
    assert "is of nbformat 3" in run("check")
    for command in (["reset", "row_means"], ["solution", "row_means", "--give-up"]):
        with pytest.raises(GradsmithError, match=r"toy\.ipynb: is of nbformat 3"):
            run(*command)
    assert "is of nbformat 3" in run("update")
    assert Path("toy/toy.ipynb").read_text() == '{"nbformat": 3}'


def test_update_goes_cell_by_cell(toy: Content) -> None:
    """Untouched cells become the new ones, written ones stay and are told, new exercises come before the end."""
    topic = load_course(toy).topic("toy")
    stub = toy.stub("toy").read_text()
    statement = toy.statement("toy").read_text()
    mine = topic_notebook(topic, stub, statement)
    for cell in mine.cells:
        if cell["id"] == "code-scaled_square_grad":
            cell["source"] = RIGHT
        cell.setdefault("outputs", ["kept"]) if cell["id"].startswith("check") else None
    new = stub.replace("Gradient of", "The gradient of").replace("Means of the", "The means of the")
    names = {"scaled_square_grad": "scaled_square_grad", "row_means": "row_means"}
    changes = updated(mine, topic, (new, statement), (stub, statement), names)
    assert [(what, doing.value) for what, doing, _ in changes] == [
        ("scaled_square_grad", "left alone"), ("row_means", "replaced"),
    ]  # fmt: skip
    cells = {cell["id"]: source_of(cell) for cell in mine.cells}
    assert cells["code-scaled_square_grad"] == RIGHT
    assert "The means of the" in cells["code-row_means"]
    assert not updated(mine, topic, (new, statement), (new, statement), names)
    # without row_means at first: it is new
    start = stub.index("def row_means")
    older = topic_notebook(topic, stub[:start], statement)
    older.cells[:] = [cell for cell in older.cells if "row_means" not in cell["id"]]
    [change] = updated(older, topic, (stub, statement), (stub[:start], statement), names)
    assert change[:2] == ("row_means", "added")
    ids = [cell["id"] for cell in older.cells]
    assert ids.index("code-row_means") < ids.index("check-topic-toy")


def test_update_command_writes_and_repeats(run: Run, toy: Content, tmp_path: Path) -> None:
    """A deleted notebook comes back; then everything is up to date."""
    Path("toy/toy.ipynb").unlink()
    assert "the notebook" in run("update")
    assert "everything is up to date" in run("update")
    nbformat.validate(nbformat.read("toy/toy.ipynb", 4))


def test_a_function_without_its_cell_is_put_behind_its_task(toy: Content) -> None:
    """Also into a notebook of an older minor format, whose cells have no ids."""
    topic = load_course(toy).topic("toy")
    one = parsed(json.dumps(notebook("x = 1", nbformat_minor=4)).encode())
    assert with_function(one, topic, "row_means", "def row_means(x):\n    pass\n")
    assert "id" not in one.cells[-1]
    assert source_of(one.cells[-1]) == "def row_means(x):\n    pass"


def test_watch_sees_saves_of_a_notebook(run: Run, toy: Content) -> None:
    """The version changes with the cell; a .py file that appears takes its place."""
    root = Path.cwd()
    files = Files(root, load_course(toy))
    file = root / "toy" / "toy.ipynb"
    before = files.versions()["toy"]
    assert before is not None
    assert before.file == "toy/toy.ipynb"
    assert files.topic_of(file) == "toy"
    put(file, "code-row_means", "def row_means(x):\n    return x.mean(1)\n")
    after = files.versions()["toy"]
    assert after is not None
    assert after.stamp != before.stamp
    assert after.functions is not None
    assert "x.mean(1)" in after.functions["row_means"]


def test_review_and_mock_take_from_notebooks(run: Run) -> None:
    """Their blank stubs are .py files."""
    file = Path("toy/toy.ipynb")
    put(file, "code-scaled_square_grad", RIGHT)
    run("check", "scaled_square_grad")
    assert "review/scaled_square_grad.py" in run("review", "scaled_square_grad")
    assert "toy.py" in run("mock", "--functions", "1")
    assert "def scaled_square_grad" in learner_text(file)


# ---- what was run in a session


class Session:
    """A namespace in which cells are run as in a kernel, and their history."""

    def __init__(self) -> None:
        self.history, self.names, self.number = History(), dict[str, Any](), 0

    def run(self, source: str) -> Session:
        self.number += 1
        before = None
        try:
            exec(compile(python_of(source), "cell", "exec"), self.names)
        except SyntaxError:
            return self
        except Exception as error:
            trace: Any = error.__traceback__
            before = trace.tb_next.tb_lineno
        self.history.add(f"In [{self.number}]", source, before=before)
        return self

    def value(self, name: str, call: str) -> Any:
        """What a call gives where only the cells that were taken are run."""
        text, _ = cells_text(self.history.taken([name], self.names))
        alone: dict[str, Any] = {}
        exec(text, alone)
        return eval(call, alone)


@pytest.mark.parametrize(
    ("cells", "expected"),
    [
        (["def f(x): return x + 1", "def f(x): return x + 2"], 3),  # the last one counts
        (["def f(x): return g(x)", "def g(x): return x * 7"], 7),  # a helper in a later cell
        (["def g(x): return 1\ndef f(x): return g(x)", "def g(x): return 5"], 5),  # redefined
        (["A = 2\nB = A * 3", "A = 9", "def f(x): return B"], 6),  # in the order in which they ran
        (["T = {}", "T['a'] = 4", "def f(x): return T['a']"], 4),
        (["L = []\nL.append(3)\nL += [4]", "def f(x): return sum(L)"], 7),
        (["def f(x): return x + 1", "f = (lambda old: lambda x: old(x) * 10)(f)"], 20),
        (["def f(x): return 1\n1 / 0\ndef f(x): return 2"], 1),  # what it did before it failed
        (["def f(x): return 1", "def f(x: return 2"], 1),  # what never ran
        (["import math as m\nfrom math import pi", "def f(x): return m.floor(pi)"], 3),
        (["if True:\n    K = 5\nelse:\n    K = 6", "def f(x): return K"], 5),
        (["a, (b, *c) = 1, (2, 3)", "def f(x): return b + c[0]"], 5),
        (["class C:\n    def m(self): return H\nH = 8", "def f(x): return C().m()"], 8),
        (["%%time\nH = 3", "!ls\ndef f(x):\n    return [H for _ in range(2)][1]"], 3),
        (["D = 4\ndef f(x, d=D): return d", "D = 5"], 4),  # a default is of its time
        (["import functools", "@functools.lru_cache\ndef f(x): return x"], 1),
        (["N = 0\ndef f(x):\n    global N\n    N += 2\n    return N"], 2),
        (["x = 1 / 0", "def f(x): return x"], 1),
        (["for i in range(3): P = i", "def f(x): return P"], 2),
    ],
)
def test_what_a_function_consists_of(cells: list[str], expected: int) -> None:
    """The cells taken give by themselves what the session gives."""
    session = Session()
    for cell in cells:
        session.run(cell)
    assert eval("f(1)", dict(session.names)) == expected
    assert session.value("f", "f(1)") == expected


def test_what_is_not_used_is_left_out() -> None:
    """Demonstrations, drawing and names that only happen to be a function's own."""
    session = Session()
    session.run("import math\nimport json\nx = 1\nprint(x)")
    session.run("def f(x):\n    norm = x.real\n    return math.exp(norm)\nf(3)")
    session.run("norm = [0] * 9\nreal = 3\njson.dumps(real)")
    taken = session.history.taken(["f", "g"], session.names)
    assert taken == [
        ("In [1]", "import math\n\n\n"), ("In [2]", "def f(x):\n    norm = x.real\n    return math.exp(norm)\n"),
    ]  # fmt: skip


def test_what_no_cell_defined_is_told_by_its_value() -> None:
    """Functions of `%run`, modules and plain values of an interactive namespace."""
    session = Session()
    session.names |= {"f": joined, "K": 3, "np": os, "odd": object()}
    text, _ = cells_text(session.history.taken(["f", "K", "np", "odd"], session.names))
    assert "def joined(" in text
    assert "K = 3\n" in text
    assert "import os as np" in text
    assert "odd" not in text


# ---- HTML


class _Checker(HTMLParser):
    """Collects tags and text, and sees that they pair up."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.text = ""
        self.tags: set[str] = set()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.open.append(tag)
        self.tags.add(tag)
        assert {name for name, _ in attrs} <= {"style", "open", "class"}

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.text += data


def test_html_of_every_kind_of_report(samples: Any) -> None:
    """It is well formed, fetches nothing, and escapes what a submission says."""
    from dataclasses import replace

    from grader.model import Report

    every: list[Report] = []
    for value in vars(samples).values():
        if isinstance(value, Report):
            every.append(value)
        elif callable(value) and getattr(value, "__annotations__", {}).get("return") == "Report":
            try:
                every.append(value())
            except TypeError:
                continue
    assert every
    for report in every:
        hostile = replace(report, notes=("<script>alert(1)</script> $x$ \u202e",))
        for verbose in (False, True):
            page = report_html(hostile, verbose=verbose)
            checker = _Checker()
            checker.feed(page)
            assert not checker.open
            known = {"div", "span", "strong", "code", "details", "summary", "pre"}
            assert checker.tags <= known
            assert "<script>" in checker.text
            assert "http" not in page
            assert "\u202e" not in page


# ---- a kernel

SHELL = """
import os, sys, time
os.chdir(sys.argv[1])
from IPython.core.interactiveshell import InteractiveShell
from IPython.utils.capture import capture_output
shell = InteractiveShell.instance(colors="nocolor")
heavy = {"numpy", "scipy", "pytest", "rich"} & set(sys.modules)

def run(source):
    with capture_output() as got:
        result = shell.run_cell(source, store_history=True)
    print("#", source.splitlines()[-1])
    print(got.stdout, got.stderr, repr(result.result) if result.result is not None else "")
    return result

run("%load_ext grader")
print("heavy", heavy | ({"numpy", "scipy", "pytest", "rich"} & set(sys.modules)))
run("%check scaled_square_grad")
run("import numpy as np\\nFACTOR = 1.0")
run("def scaled_square_grad(x, c):\\n    return FACTOR * c * np.asarray(x)\\n%check scaled_square_grad")
run("FACTOR = 2.0")
start = time.perf_counter()
shown = run("%check scaled_square_grad -v").result
print("seconds", time.perf_counter() - start)
bundle = shown._repr_mimebundle_()
print("bundle", sorted(bundle), bundle["text/plain"] == repr(shown))
run("%check scaled_squre_grad")
run("%check --wrong")
run("%hint row_means")
run("%solution row_means")
run("%solution row_means --give-up")
run("%task row_means")
run("%check")
import signal
shell._gradsmith.client._process.kill(); shell._gradsmith.client._process.wait()
run("%check scaled_square_grad")
for line in ("%check row", "%hint sca", "%solution row_means --g"):
    print("completes", shell.complete(line.split()[-1], line)[1])
print("pid", shell._gradsmith.client._process.pid)
"""


@pytest.fixture
def workspace(toy: Content, tmp_path: Path) -> Path:
    content = locate(toy.root)
    return create_workspace(tmp_path / "ws", content, load_course(content), notebooks=True).root


def environment(tmp_path: Path) -> dict[str, str]:
    """One in which IPython and Jupyter write nowhere else."""
    own = {key: str(tmp_path / key.lower()) for key in ("IPYTHONDIR", "JUPYTER_RUNTIME_DIR")}
    return {**os.environ, **own, "PYTHONPATH": str(ROOT), "PYTHONWARNINGS": "ignore"}


def alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    state = Path(f"/proc/{pid}/stat")
    return not state.exists() or state.read_text().rpartition(")")[2].split()[0] != "Z"


def test_magics_in_a_session(workspace: Path, tmp_path: Path) -> None:
    """Each check is of what is defined now; nothing heavy is loaded by ours; nothing is left behind."""
    done = subprocess.run(
        [sys.executable, "-c", SHELL, str(workspace / "toy")], capture_output=True, text=True,
        check=False, env=environment(tmp_path), timeout=60,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    out = done.stdout
    parts = re.split(r"^# ", out, flags=re.MULTILINE)

    def part(start: str, number: int = 0) -> str:
        return [each for each in parts if each.startswith(start)][number]

    assert "heavy set()" in out
    assert "is not defined in this session: run its cell first" in part("%check scaled_square_grad")
    assert "factor 2 of the power rule is missing" in part("%check scaled_square_grad", 1)
    assert "✓ passed" in part("%check scaled_square_grad -v")
    assert "bundle ['text/html', 'text/plain'] True" in out
    assert "did you mean 'scaled_square_grad'?" in part("%check scaled_squre_grad")
    assert "no option --wrong" in part("%check --wrong")
    assert "`%hint row_means` again" in part("%hint row_means")
    assert "has not passed yet; `%hint row_means` helps" in part("%solution row_means")
    assert "return x.mean(axis=1)" in part("%solution row_means --give-up")
    assert "row_means" in part("%task row_means")
    assert "1/2" in part("%check\n") or "passed" in part("%check\n")
    assert "✓ passed" in parts[-1]  # from a process that was started anew
    for expected in ("row_means", "scaled_square_grad", "--give-up"):
        assert re.search(rf"completes \[.*'{expected}'", out), expected
    seconds = float(re.search(r"seconds ([\d.]+)", out)[1])  # type: ignore[index]  # printed
    assert seconds < 3.0
    journal = (workspace / ".grader" / "journal.jsonl").read_text()
    assert [json.loads(line)["event"] for line in journal.splitlines()][-1] == "checked"
    assert '"hint"' in journal
    assert '"solution"' in journal
    pid = int(re.search(r"pid (\d+)", out)[1])  # type: ignore[index]  # printed
    assert not alive(pid)


def test_a_kernel_that_is_killed_leaves_nothing_behind(workspace: Path, tmp_path: Path) -> None:
    """Its grader sees that nobody asks any more, and ends with the zygote."""
    code = (
        "import os, time; from grader.kernel.client import Client\n"
        f"c = Client({str(workspace)!r}); c.names; c.ask('resolve', names=['toy'])\n"
        "print(c._process.pid, flush=True); time.sleep(60)"
    )
    with subprocess.Popen(
        [sys.executable, "-c", code], stdout=subprocess.PIPE, text=True, env=environment(tmp_path)
    ) as kernel:
        assert kernel.stdout is not None
        service = int(kernel.stdout.readline())
        below = subprocess.run(
            ["ps", "-o", "pid=", "--ppid", str(service)],
            capture_output=True,
            text=True,
            check=False,
        ).stdout.split()
        kernel.kill()
    ours = [service, *map(int, below)]
    for _ in range(100):
        if not any(alive(pid) for pid in ours):
            break
        time.sleep(0.1)
    assert not any(alive(pid) for pid in ours)


def test_without_a_workspace_it_is_told(tmp_path: Path) -> None:
    """In one line, when a magic is used."""
    from grader.kernel.client import Client

    client = Client(str(tmp_path))
    try:
        with pytest.raises(GradsmithError, match="make a workspace with `grader init DIR`"):
            client.ask("resolve", names=["toy"])
    finally:
        client.close()


def test_a_notebook_is_executed(workspace: Path, tmp_path: Path, monkeypatch: Any) -> None:
    """By a real kernel, with a solution pasted into a cell: the outputs hold the verdicts."""
    nbclient = pytest.importorskip("nbclient")
    pytest.importorskip("ipykernel")
    for key, value in environment(tmp_path).items():
        monkeypatch.setenv(key, value)
    file = workspace / "toy" / "toy.ipynb"
    put(file, "code-scaled_square_grad", RIGHT)
    book = nbformat.read(file, 4)
    client = nbclient.NotebookClient(
        book, timeout=30, kernel_name="python3", resources={"metadata": {"path": str(file.parent)}}
    )
    import warnings

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of Jupyter's
        client.execute()
    outputs = {cell.id: cell.outputs for cell in book.cells if cell.cell_type == "code"}
    [shown] = outputs["check-scaled_square_grad"]
    assert "✓ passed" in shown.data["text/plain"]
    assert "✓ passed" in shown.data["text/html"]
    [stub] = outputs["check-row_means"]
    assert "still a stub" in stub.data["text/plain"]
    [topic] = outputs["check-topic-toy"]
    assert "waiting" in topic.data["text/plain"]
