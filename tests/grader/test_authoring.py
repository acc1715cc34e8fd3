"""New topics: the files that are made, what is said of them until they are whole; courses beside the installed one."""

from __future__ import annotations

import shutil
import tomllib
from pathlib import Path

import pytest
from click.testing import CliRunner

from grader.authoring import topic_files, unwritten
from grader.catalog import load_course, validate_course
from grader.cli import cli
from grader.content import Content, installed, locate
from grader.errors import AuthoringError, WorkspaceError
from grader.grading import Grader
from grader.submission import read_submission
from grader.verify import verify
from grader.workspace import create_workspace, find_course, find_workspace

SOLUTION = '''"""Cubes."""

import numpy as np


def cube_grad(x):
    """Gradient of Σx³, of x's shape."""
    ### BEGIN SOLUTION
    return 3.0 * np.asarray(x) ** 2
    ### END SOLUTION
'''
SUITE = '''"""Hidden suite of the topic cubes."""

from grader.checks import assert_close, assert_pure


def test_cube_grad_values(submission, rng):
    """Against the closed form."""
    x = rng.normal(size=(3, 5))
    assert_close(submission.cube_grad(x), 3 * x * x, axes=("row", "column"))
    assert_pure(submission.cube_grad, x)
'''
MISTAKES = '''"""Wrong on purpose."""


def cube_grad__no_three(x):
    """the factor 3 of the power rule is missing"""
    return x**2


def cube_grad__cube(x):
    """the cube is returned, not its derivative"""
    return x**3


def cube_grad__linear(x):
    """the power is not lowered by one but by two"""
    return 3 * x
'''
ALTERNATIVES = '''"""Right, but written in another way."""


def cube_grad__products(x):
    """Products."""
    return 3 * x * x


def cube_grad__lists(x):
    """Lists."""
    return [[3 * v * v for v in row] for row in x.tolist()]
'''


def write(content: Content, slug: str = "cubes", *signatures: str) -> None:
    for path, text in topic_files(content, slug, "Cubes", signatures or ("cube_grad(x)",)).items():
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)


def complete(content: Content) -> None:
    """Fill in all that a new topic leaves open."""
    for path, text in (
        (content.source("cubes"), SOLUTION),
        (content.suite("cubes"), SUITE),
        (content.mistakes_file("cubes"), MISTAKES),
        (content.alternatives_file("cubes"), ALTERNATIVES),
    ):
        path.write_text(text)
    for path in (content.topic_toml("cubes"), content.statement("cubes")):
        path.write_text(path.read_text().replace("TODO", "Done"))


@pytest.fixture
def course(tmp_path: Path) -> Content:
    """A course of its own, with one topic that is still to be written."""
    write(Content.under(tmp_path / "my course"))
    return locate(tmp_path / "my course")


def test_a_new_topic_is_a_course_without_faults_of_form(course: Content) -> None:
    """The files agree with each other from the start; what is open is marked."""
    assert validate_course(course) == []
    loaded = load_course(course)
    assert loaded.title == "My course"
    assert [exercise.signature for exercise in loaded.exercises] == ["cube_grad(x)"]
    files = {path for path, _, _ in unwritten(course, "cubes")}
    assert files == {course.topic_toml("cubes"), course.statement("cubes"), course.source("cubes")}


def test_verify_leads_to_a_topic_that_is_proved(course: Content) -> None:
    """What is missing is said with the file to change, until nothing is."""
    said = "\n".join(verify(course, ["cubes"], [0], 1).complaints)
    for words in (
        "still to be written: the solution", "still to be written: the formula to write.",
        "no test: add test_cube_grad_", "0 mistakes, at least 3", "0 alternatives, at least 2",
    ):  # fmt: skip
        assert words in said, said
    complete(course)
    assert verify(course, ["cubes"], [0], 1).complaints == []


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("topics = []", ["cubes"]),
        ('topics = ["a"]', ["a", "cubes"]),
        ('topics = [ "a", "b", ]', ["a", "b", "cubes"]),
        ('topics = [\n  "a",  # first\n  "b",\n]\n# end', ["a", "b", "cubes"]),
        ('topics = [\n  "a"\n]', ["a", "cubes"]),
    ],
)
def test_the_list_of_topics_keeps_its_form(tmp_path: Path, before: str, after: list[str]) -> None:
    """The topic is added last, whatever the list looks like, and comments stay."""
    content = Content.under(tmp_path)
    content.exercises.mkdir(parents=True)
    content.course_toml.write_text(f'# mine\nschema = 1\ntitle = "T"\n{before}\n')
    text = topic_files(content, "cubes", "Cubes", ["f(x)"])[content.course_toml]
    assert tomllib.loads(text)["topics"] == after
    assert "# mine" in text
    assert before.count("#") == text.count("#") - 1


@pytest.mark.parametrize(
    ("slug", "signatures", "words"),
    [
        ("Cubes", ["f(x)"], "no topic's name"),
        ("cubes__", ["f(x)"], "no topic's name"),
        ("cubes", ["f(x"], "is no signature"),
        ("cubes", ["f"], "is no signature"),
        ("cubes", ["f(x): pass\ndef g(x)"], "is no signature"),
        ("cubes", ["f(x)", "f(y)"], "two functions of that name"),
        ("broken", ["f(x)"], "mend it first"),
    ],
)
def test_what_cannot_be_made_is_said(
    tmp_path: Path, slug: str, signatures: list[str], words: str
) -> None:
    """Bad names and lists are refused before anything is written."""
    content = Content.under(tmp_path)
    if slug == "broken":
        content.exercises.mkdir()
        content.course_toml.write_text("topics = 3\n")
    with pytest.raises(AuthoringError, match=words):
        topic_files(content, slug, "T", signatures)


def test_nothing_is_overwritten(course: Content) -> None:
    """A topic that is there already is left alone."""
    with pytest.raises(AuthoringError, match="is there already"):
        topic_files(course, "cubes", "T", ["f(x)"])
    shutil.rmtree(course.exercises / "cubes")
    for path in (course.solutions, course.root / "tests"):
        shutil.rmtree(path)
    with pytest.raises(AuthoringError, match="lists 'cubes' already"):
        topic_files(course, "cubes", "T", ["f(x)"])


def test_a_course_lists_installed_topics_beside_its_own(course: Content) -> None:
    """Topics without files here come from the installed course; a topic of neither is told."""
    complete(course)
    text = course.course_toml.read_text()
    course.course_toml.write_text(text.replace('["cubes"]', '["softmax", "cubes"]'))
    loaded = load_course(course)
    assert [topic.slug for topic in loaded.topics] == ["softmax", "cubes"]
    assert course.suite("softmax") == installed().suite("softmax")
    assert course.suite("cubes").is_relative_to(course.root)
    assert validate_course(course) == []
    with Grader(course, loaded) as grader:
        report = grader.grade(read_submission(course.source("cubes"), loaded))
    assert report.percent == 100.0
    course.course_toml.write_text(text.replace('["cubes"]', '["nowhere", "cubes"]'))
    assert any("nowhere" in str(problem) for problem in validate_course(course))


def test_a_workspace_remembers_its_course(course: Content, tmp_path: Path) -> None:
    """So `grader check` needs no option there; a course that has gone is said."""
    create_workspace(tmp_path / "practice", course, load_course(course))
    inside = tmp_path / "practice" / "cubes"
    assert find_course(inside) == course.root
    assert find_workspace(inside).course == course.root
    create_workspace(tmp_path / "usual", installed(), load_course(installed()))
    assert find_course(tmp_path / "usual") is None
    assert find_course(tmp_path) is None
    shutil.rmtree(course.root)
    with pytest.raises(WorkspaceError, match="--course DIR"):
        find_course(inside)


def test_commands(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """new-topic, list, show and check on a course of one's own."""
    monkeypatch.chdir(tmp_path)
    runner = CliRunner()

    def run(*args: str) -> str:
        result = runner.invoke(cli, args, standalone_mode=False)
        if result.exception is not None:
            raise result.exception
        return result.output

    said = run("new-topic", "cubes", "-f", "cube_grad(x)", "--course", "mine")
    assert "grader verify cubes --course mine" in said
    complete(locate(Path("mine")))
    assert "cube_grad" in run("list", "--course", "mine")
    run("init", "practice", "--course", "mine")
    monkeypatch.chdir(tmp_path / "practice")
    assert "cube_grad" in run("show", "cube_grad")
    assert "still a stub" in run("check")
