"""A course for nbgrader: its notebooks, what an update keeps, the class list. None of it imports nbgrader."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import nbformat
import pytest
from click.testing import CliRunner
from hypothesis import given, settings
from hypothesis import strategies as st
from IPython.core.inputtransformer2 import TransformerManager

from grader.catalog import load_course
from grader.cli import cli
from grader.content import Content, locate
from grader.errors import GradsmithError
from grader.model import Change, Doing
from grader.nbgrader_course.build import BASE, CONFIG, build_course, course_files
from grader.nbgrader_course.mending import Known, mended
from grader.nbgrader_course.roster import read_roster
from grader.nbgrader_course.source import exercise_of, grade_id, images, source_notebook
from grader.notebooks.format import dumped, load, source_of
from grader.notebooks.handout import functions_of
from grader.stubs import make_stub

COURSE = load_course(locate())
Rules = dict[str, dict[str, Any]]


def notebook_of(slug: str, *, plain: bool = False) -> dict[str, Any]:
    """The source notebook of a topic of the course."""
    content = locate()
    solution, statement = (
        file.read_text(encoding="utf-8") for file in (content.source(slug), content.statement(slug))
    )
    return source_notebook(COURSE.topic(slug), solution, statement, plain=plain).data


def by_grade_id(data: dict[str, Any]) -> dict[str, Any]:
    """The cells that nbgrader knows, by their ids."""
    found = [(c["metadata"].get("nbgrader"), c) for c in data["cells"]]
    return {rules["grade_id"]: cell for rules, cell in found if rules}


# ---- the notebooks


@pytest.mark.parametrize("slug", [topic.slug for topic in COURSE.topics])
def test_every_topic_is_a_valid_notebook_with_all_points(slug: str) -> None:
    """The format's own library takes it; each function has a solution cell and a test cell with its points."""
    data = notebook_of(slug)
    nbformat.validate(nbformat.from_dict(data))
    cells = by_grade_id(data)
    for exercise in COURSE.topic(slug).exercises:
        solution = cells[exercise.name]["metadata"]["nbgrader"]
        test = cells[grade_id(exercise.name)]["metadata"]["nbgrader"]
        assert (solution["solution"], solution["grade"], solution["locked"]) == (True, False, False)
        assert (test["solution"], test["grade"], test["locked"]) == (False, True, True)
        assert test["points"] == exercise.points
        assert {solution["schema_version"], test["schema_version"]} == {3}
    suite = locate().suite(slug).read_text(encoding="utf-8")
    text = "".join(source_of(cell) for cell in data["cells"])
    checks = [line.strip() for line in suite.splitlines() if line.lstrip().startswith("assert_")]
    assert checks
    assert not any(line in text for line in checks)


@pytest.mark.parametrize("slug", [topic.slug for topic in COURSE.topics])
def test_cleared_solutions_are_the_stubs(slug: str) -> None:
    """With its regions replaced, as nbgrader does it, each solution cell is what a workspace's notebook has."""
    stubs = functions_of(COURSE.topic(slug), locate().stub(slug).read_text(encoding="utf-8"))[1]
    cells = by_grade_id(notebook_of(slug))
    for name, stub in stubs.items():
        assert make_stub(source_of(cells[name]), name) == stub.rstrip("\n")


@pytest.mark.parametrize("slug", [topic.slug for topic in COURSE.topics])
def test_examples_come_out_with_the_solutions(slug: str) -> None:
    """All code cells, run from top to bottom, pass their own examples; a wrong function does not."""
    namespace: dict[str, Any] = {}
    cells = [cell for cell in notebook_of(slug)["cells"] if cell["cell_type"] == "code"]
    for cell in cells:
        exec(source_of(cell), namespace)
    last = cells[-1]["metadata"]["nbgrader"]["grade_id"]
    namespace[exercise_of(last)] = lambda *_, **__: "something else"
    with pytest.raises(AssertionError, match="an example gives something else"):
        exec(source_of(cells[-1]), namespace)


@pytest.mark.parametrize("slug", [topic.slug for topic in COURSE.topics])
def test_examples_are_tried_in_ipython_too(slug: str) -> None:
    """IPython, which takes prompts away from pasted lines, leaves every cell as it is."""
    manager = TransformerManager()
    for cell in notebook_of(slug)["cells"]:
        if cell["cell_type"] == "code":
            text = source_of(cell).rstrip("\n") + "\n"
            assert manager.transform_cell(text) == text


def test_same_course_same_bytes(toy: Content, tmp_path: Path) -> None:
    """Making a course again gives the same files, wherever it stands."""
    course = load_course(toy)
    one, two = (course_files(tmp_path / d / "ml", toy, course, ["toy"]) for d in "ab")
    assert one == two
    assert list(one) == [CONFIG, "source/toy/toy.ipynb"]


def test_plain_test_cells_grade(toy: Content) -> None:
    """In a plain course the test cell calls the grader, and its last line is the score."""
    course = load_course(toy)
    texts = [file.read_text(encoding="utf-8") for file in (toy.source("toy"), toy.statement("toy"))]
    cells = by_grade_id(source_notebook(course.topic("toy"), *texts, plain=True).data)
    assert (
        source_of(cells["test_row_means"]).splitlines()[-1] == 'grade_cell("row_means", points=3)'
    )


def test_functions_without_examples_have_a_test_cell(toy: Content) -> None:
    """Nothing is made up where a docstring has no example, and the capstone, which earns nothing, is left out."""
    course = load_course(toy)
    texts = [file.read_text(encoding="utf-8") for file in (toy.source("toy"), toy.statement("toy"))]
    data = source_notebook(course.topic("toy"), *texts).data
    assert "assert callable(row_means)" in source_of(by_grade_id(data)["test_row_means"])
    assert "Capstone" not in "".join(source_of(cell) for cell in data["cells"])


def test_figures_come_along(own_toy: Content, tmp_path: Path) -> None:
    """Images that the statement shows stand beside the notebook; addresses and files elsewhere are left alone."""
    statement = own_toy.statement("toy")
    shown = "![a](a.png) ![b](../b.png) ![c](https://x.org/c.png) ![d](none.png)"
    statement.write_text(statement.read_text().replace("None.", shown))
    (statement.parent / "a.png").write_bytes(b"PNG")
    (statement.parent.parent / "b.png").write_bytes(b"PNG")
    assert images(shown) == ["a.png", "../b.png", "none.png"]
    files = course_files(tmp_path, own_toy, load_course(own_toy), ["toy"])
    assert [name for name in files if name.endswith("png")] == ["source/toy/a.png"]


def test_ids_that_meet_are_refused(own_toy: Content) -> None:
    """A function named as another one's test cell is told, not overwritten."""
    topic = load_course(own_toy).topic("toy")
    from dataclasses import replace

    one, two = topic.exercises
    clash = replace(topic, exercises=(one, replace(two, name=grade_id(one.name))))
    with pytest.raises(GradsmithError, match="rename one of the two"):
        source_notebook(clash, "", "")


# ---- an update


@pytest.fixture
def site(own_toy: Content, tmp_path: Path) -> Callable[..., list[Change]]:
    """Builds the course for nbgrader in `tmp_path / "ml"` from the test's own toy course."""

    def build(**options: Any) -> list[Change]:
        content = locate(own_toy.root)
        return build_course(tmp_path / "ml", content, load_course(content), ["toy"], **options)

    return build


def edited(file: Path, change: Callable[[dict[str, Any]], None]) -> None:
    """Change a notebook as an instructor does, who also ran it."""
    notebook = load(file)
    for cell in notebook.cells:
        if cell["cell_type"] == "code":
            cell["execution_count"] = 3
    change(notebook.data)
    file.write_bytes(dumped(notebook))


def test_what_is_there_is_not_touched(site: Callable[..., list[Change]], tmp_path: Path) -> None:
    """Without --update a course that is there stays, and the message says what brings it up to date."""
    assert [c.doing for c in site()] == [Doing.ADDED, Doing.ADDED]
    before = (tmp_path / "ml" / CONFIG).read_bytes()
    with pytest.raises(GradsmithError, match=r"nbgrader_config\.py: is there already; `--update`"):
        site()
    assert (tmp_path / "ml" / CONFIG).read_bytes() == before
    assert site(update=True) == []


def test_update_keeps_what_the_instructor_changed(
    site: Callable[..., list[Change]], own_toy: Content, tmp_path: Path
) -> None:
    """Cell by cell: theirs stays, what they left alone becomes new, and what both changed is told."""
    site()
    file = tmp_path / "ml" / "source" / "toy" / "toy.ipynb"

    def change(data: dict[str, Any]) -> None:
        cells = by_grade_id(data)
        cells["test_row_means"]["metadata"]["nbgrader"]["points"] = 7
        cells["scaled_square_grad"]["source"] = [
            "# a remark of mine\n",
            *cells["scaled_square_grad"]["source"],
        ]
        data["cells"].insert(
            2, {"cell_type": "markdown", "id": "mine", "metadata": {}, "source": "Welcome!"}
        )
        data["cells"] = [cell for cell in data["cells"] if cell["id"] != "task-row_means"]

    edited(file, change)
    source, statement, toml = (
        own_toy.source("toy"),
        own_toy.statement("toy"),
        own_toy.topic_toml("toy"),
    )
    source.write_text(
        source.read_text()
        .replace("Gradient of c·Σx².", "The gradient.")
        .replace("Means of", "The means of")
    )
    own_toy.stub("toy").write_text(make_stub(source.read_text(), "toy.py"))
    statement.write_text(
        statement.read_text().replace("A.\n", "Another.\n").replace("B.\n", "Better.\n")
    )
    toml.write_text(toml.read_text().replace("points = 3", "points = 4"))
    said = {(c.what, c.doing) for c in site(update=True)}
    assert said == {
        ("task-scaled_square_grad", Doing.REPLACED),
        ("scaled_square_grad", Doing.LEFT),
        ("task-row_means", Doing.LEFT),
        ("row_means", Doing.REPLACED),
        ("test_row_means", Doing.LEFT),
        ("test_row_means", Doing.REPLACED),
    }
    data = load(file).data
    cells = by_grade_id(data)
    assert cells["test_row_means"]["metadata"]["nbgrader"]["points"] == 7
    assert "4 points" in source_of(cells["test_row_means"])
    assert "# a remark of mine" in source_of(cells["scaled_square_grad"])
    assert "The means of" in source_of(cells["row_means"])
    ids = [cell["id"] for cell in data["cells"]]
    assert "mine" in ids
    assert "task-row_means" not in ids
    nbformat.validate(nbformat.from_dict(data))
    assert site(update=True) == [], "what was told once is not told again"


def test_update_brings_new_functions_and_keeps_old_ones(
    site: Callable[..., list[Change]], own_toy: Content, tmp_path: Path
) -> None:
    """A function that is new gets its three cells in the course's place; one that is gone stays, and is told."""
    site()
    edited(tmp_path / "ml" / "source" / "toy" / "toy.ipynb", lambda data: None)
    for file in (own_toy.source("toy"), own_toy.topic_toml("toy"), own_toy.statement("toy")):
        file.write_text(file.read_text().replace("row_means", "row_sums"))
    for file in (
        own_toy.suite("toy"),
        own_toy.mistakes_file("toy"),
        own_toy.alternatives_file("toy"),
    ):
        file.write_text(file.read_text().replace("row_means", "row_sums"))
    own_toy.stub("toy").write_text(make_stub(own_toy.source("toy").read_text(), "toy.py"))
    said = {(c.what, c.doing) for c in site(update=True)}
    assert said == {
        (name, doing)
        for doing, function in ((Doing.ADDED, "row_sums"), (Doing.GONE, "row_means"))
        for name in (f"task-{function}", function, f"test_{function}")
    }
    ids = [c["id"] for c in load(tmp_path / "ml" / "source" / "toy" / "toy.ipynb").cells]
    at = ids.index("task-row_sums")
    assert ids[at : at + 3] == ["task-row_sums", "code-row_sums", "test-row_sums"]


def test_update_leaves_a_changed_configuration(
    site: Callable[..., list[Change]], tmp_path: Path
) -> None:
    """A configuration that was changed on both sides stays; the new one is named."""
    site()
    file = tmp_path / "ml" / CONFIG
    file.write_text(file.read_text() + "c.Exchange.root = '/srv'\n")
    assert site(update=True) == []
    [change] = site(update=True, plain=True)[:1]
    assert (change.what, change.doing) == (CONFIG, Doing.LEFT)
    assert f"{BASE}/{CONFIG}" in change.sentence
    assert "Exchange.root" in file.read_text()


def test_update_of_a_notebook_that_is_none(
    site: Callable[..., list[Change]], tmp_path: Path, own_toy: Content
) -> None:
    """A notebook that cannot be read is left as it is, told, and told again the next time."""
    site()
    file = tmp_path / "ml" / "source" / "toy" / "toy.ipynb"
    file.write_text("{")
    own_toy.statement("toy").write_text(own_toy.statement("toy").read_text().replace("A.", "C."))
    for _ in range(2):
        [change] = site(update=True)
        assert change.doing is Doing.UNREAD
        assert "is no notebook" in change.sentence
    assert file.read_text() == "{"


# ---- the class list


def test_roster_is_read(tmp_path: Path) -> None:
    """Names from one column or two, columns in any order, a byte-order mark, blank lines, Unicode."""
    file = tmp_path / "class.csv"
    file.write_text(
        '\ufeffEmail,ID,First Name,last_name,group\na@x.org,ada,Ada,"King, L.",3\n\n,Zoë 2,,,\n'
    )
    ada, zoe = read_roster(file)
    assert (ada.id, ada.name, ada.email, ada.extra["group"]) == (
        "ada",
        "Ada King, L.",
        "a@x.org",
        "3",
    )
    assert (zoe.id, zoe.shown) == ("Zoë 2", "Zoë 2")


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "line 1: no column `id`"),
        ("name\nada\n", "line 1: no column `id`"),
        ("id\nada\nada\n", "line 3: the id 'ada' stands twice"),
        ("id,name\n,Ada\n", "line 2: no id"),
        ("id\n../ada\n", "line 2: the id '../ada' holds '/'"),
        ("id\n.ada\n", "cannot name a folder"),
        ("id\nada,lovelace\n", "line 2: 2 cells, and 1 columns"),
        ('id\n"ada\n', "is no CSV"),
    ],
)  # fmt: skip
def test_rosters_that_are_refused(tmp_path: Path, text: str, words: str) -> None:
    """What is wrong, in which line, and nothing is read."""
    file = tmp_path / "class.csv"
    file.write_text(text)
    with pytest.raises(GradsmithError) as caught:
        read_roster(file)
    assert words in str(caught.value)


# ---- the command


def test_build_at_the_command_line(own_toy: Content, tmp_path: Path) -> None:
    """The command says what it wrote and what comes next; a topic that is none is told with the nearest one."""
    runner = CliRunner()

    def run(*args: str) -> Any:
        folder = str(tmp_path / "ml")
        return runner.invoke(
            cli,
            ["nbgrader", "build", folder, "--course", str(own_toy.root), *args],
            standalone_mode=False,
        )

    assert "did you mean 'toy'" in str(run("--topics", "toi").exception)
    assert not (tmp_path / "ml").exists()
    result = run("--topics", "toy")
    assert result.exception is None
    assert "generate_assignment toy" in result.output
    assert "everything is up to date" in run("--topics", "toy", "--update").output


# ---- mending

KNOWN = [
    Known(
        "read-only-setup", "code", "import numpy as np", grade=False, solution=False, locked=True
    ),
    Known("f", "code", "stub", grade=False, solution=True, locked=False),
    Known("test_f", "code", "assert f", grade=True, solution=False, locked=True, points=2.0),
    Known("essay", "markdown", "", grade=True, solution=True, locked=False, points=1.0),
]
json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=8)
    | st.sampled_from(["f", "test_f", "essay", "code", "markdown"]),
    lambda inner: st.lists(inner, max_size=3)
    | st.dictionaries(st.sampled_from(["grade_id", "nbgrader", "points", "x"]), inner, max_size=3),
    max_leaves=6,
)  # fmt: skip
cells_like = st.fixed_dictionaries(
    {"cell_type": st.sampled_from(["code", "markdown", "raw"]), "source": st.text(max_size=20)},
    optional={
        "metadata": json_values
        | st.fixed_dictionaries(
            {"nbgrader": st.fixed_dictionaries({"grade_id": json_values, "points": json_values})}
        ),
        "outputs": json_values,
        "id": json_values,
        "attachments": json_values,
    },
)


@settings(max_examples=60)
@given(st.lists(cells_like, max_size=6))
def test_mended_notebooks_are_sound_whatever_came(cells: list[dict[str, Any]]) -> None:
    """Valid, every graded and locked cell once with the points handed out, and nothing else of nbgrader's."""
    data = {"nbformat": 4, "nbformat_minor": 99, "metadata": 3, "cells": cells}
    read = mended(json.dumps(data).encode(), KNOWN)
    nbformat.validate(nbformat.from_dict(read.data))
    rules = [c["metadata"]["nbgrader"] for c in read.data["cells"] if "nbgrader" in c["metadata"]]
    ids = [each["grade_id"] for each in rules]
    assert len(ids) == len(set(ids))
    assert {"read-only-setup", "test_f", "essay"} <= set(ids) <= {known.id for known in KNOWN}
    handed = {known.id: known.metadata() for known in KNOWN}
    assert all(each == handed[each["grade_id"]] for each in rules)
    assert "assert f" in [c["source"] for c in read.data["cells"]]
    read.python()


@given(st.binary(max_size=60))
def test_mended_bytes_are_a_notebook(data: bytes) -> None:
    """Whatever the file holds there is a notebook with the test cells, and a reason where it is none."""
    read = mended(data, KNOWN)
    assert read.fault
    assert [c["metadata"]["nbgrader"]["grade_id"] for c in read.data["cells"]] == [
        "read-only-setup", "test_f", "essay",
    ]  # fmt: skip
