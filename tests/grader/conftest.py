"""Fixtures that several tests of the tool share."""

from __future__ import annotations

import os
import shutil
import signal
from collections.abc import Callable, Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from click.testing import CliRunner
from hypothesis import settings

from grader.catalog import load_course
from grader.cli import cli
from grader.content import Content, locate
from grader.grading import Grader
from grader.model import Report
from grader.sandbox import jail
from grader.sandbox.local import load_module
from grader.stubs import make_stub
from grader.submission import read_submission
from grader.workspace import create_workspace

settings.register_profile("untimed", deadline=None)  # a slow machine is no failure
settings.load_profile("untimed")

if os.environ.get(
    "GRADSMITH_LEVEL"
):  # the tests at one level of isolation: `GRADSMITH_LEVEL=landlock pytest ...`
    jail.LEVELS = tuple(one for one in jail.LEVELS if one.name == os.environ["GRADSMITH_LEVEL"])

# ---- reports


@pytest.fixture(scope="session")
def samples() -> ModuleType:
    """The module `report_samples`: reports made by hand, for the tests of the renderers."""
    return load_module(Path(__file__).with_name("report_samples.py"), "report_samples")


# ---- a course of one small topic, and a warm grader for it

TOY_SOLUTION = '''"""A toy topic."""

import numpy as np


def scaled_square_grad(x, c):
    """Gradient of c·Σx².

    Examples
    --------
    >>> scaled_square_grad(np.array([1.0, 2.0]), 3.0)
    array([ 6., 12.])
    """
    ### BEGIN SOLUTION
    return 2.0 * c * np.asarray(x)
    ### END SOLUTION


def row_means(x):
    """Means of the rows of an (n, d) array; no columns is a ValueError."""
    ### BEGIN SOLUTION
    if x.shape[1] == 0:
        raise ValueError("row_means: x has no columns")
    return x.mean(axis=1)
    ### END SOLUTION
'''

TOY_SUITE = '''"""Hidden suite of the toy topic."""

import numpy as np
import pytest

from grader.checks import assert_close, assert_gradient, assert_no_warnings, assert_pure, assert_raises


@pytest.mark.parametrize("n", [3, 5])
def test_scaled_square_grad_differences(submission, rng, n):
    x = rng.normal(size=n)
    grad = submission.scaled_square_grad(x, 1.7)
    assert_gradient(lambda v: 1.7 * np.sum(v**2), x, grad, axes=("entry",), constants={"c": 1.7})


def test_scaled_square_grad_pure(submission, rng):
    assert_pure(submission.scaled_square_grad, rng.normal(size=3), 0.3)


def test_row_means_values(submission, rng):
    x = rng.normal(size=(4, 3))
    value = assert_no_warnings(submission.row_means, x)
    assert_close(value, np.array([sum(row) / 3 for row in x]), axes=("row",), constants={"d": 3})


def test_row_means_empty(submission):
    assert_raises(ValueError, submission.row_means, np.zeros((2, 0)), match="columns")


def test_capstone_descends(submission, rng):
    """Centred by their own mean, points shrink to nothing along the gradient of c·Σx²."""
    x = rng.normal(3.0, 1.0, size=(1, 5))
    centred = (x - submission.row_means(x))[0]
    assert abs(np.mean(centred)) < 1e-12, "the points are not centred"
    for _ in range(30):
        centred = centred - submission.scaled_square_grad(centred, 0.2)
    assert np.max(np.abs(centred)) < 1e-4, "the points do not shrink"
'''

TOY_MISTAKES = '''import numpy as np


def scaled_square_grad__no_two(x, c):
    """the factor 2 of the power rule is missing"""
    return c * x


def scaled_square_grad__in_place(x, c):
    """the caller's x is changed in place"""
    x *= 2 * c
    return x.copy()


def scaled_square_grad__squared(x, c):
    """the loss's terms are returned, not their derivative"""
    return c * x**2


def row_means__columns(x):
    """the columns are averaged, not the rows"""
    if x.shape[1] == 0:
        raise ValueError("no columns")
    return x.mean(axis=0)


def row_means__sum(x):
    """the rows are summed, not averaged"""
    if x.shape[1] == 0:
        raise ValueError("no columns")
    return x.sum(axis=1)


def row_means__no_error(x):
    """no columns give NaN, not an error"""
    with np.errstate(all="ignore"):
        return x.sum(axis=1) / x.shape[1]
'''

TOY_ALTERNATIVES = '''def scaled_square_grad__list(x, c):
    """A list of Python floats."""
    return [2 * c * float(v) for v in x]


def scaled_square_grad__sum(x, c):
    """Adds the array to itself."""
    return (x + x) * c


def row_means__loop(x):
    """A loop."""
    if not x.shape[1]:
        raise ValueError("without columns there is no mean")
    return [sum(row) / len(row) for row in x.tolist()]


def row_means__dot(x):
    """A product with ones."""
    if not x.shape[1]:
        raise ValueError("without columns there is no mean")
    return x @ ([1 / x.shape[1]] * x.shape[1])
'''

TOY_TOML = """schema = 1
title = "Toys"
summary = "Two small functions."
"""
TOY_CAPSTONE = """
[capstone]
title = "Descent to the mean"
summary = "Steps against the learner's gradient end at a point with the learner's mean zero."
needs = ["scaled_square_grad", "row_means"]
"""
TOY_EXERCISE = """
[[exercises]]
name = "{name}"
title = "The {name}"
points = {points}
difficulty = "easy"
minutes = 5
tags = ["toy"]
hints = {{ concept = "c", equation = "e", shape = "s", line = "l" }}
"""


def write_toy_course(root: Path) -> Content:
    """A sound course of one topic, `toy`, under `root`."""
    content = Content.under(root)
    toml = TOY_TOML + "".join(
        TOY_EXERCISE.format(name=name, points=points)
        for name, points in (("scaled_square_grad", 2), ("row_means", 3))
    )
    toml += TOY_CAPSTONE
    statement = "# Toys\n\n## Notation\n\nNone.\n\n## `scaled_square_grad(x, c)`\n\nA.\n\n## `row_means(x)`\n\nB.\n\n"
    statement += "## Capstone: descent to the mean\n\nC.\n"
    for file, text in (
        (content.course_toml, 'schema = 1\ntitle = "A toy course"\ntopics = ["toy"]\n'),
        (content.topic_toml("toy"), toml),
        (content.statement("toy"), statement),
        (content.source("toy"), TOY_SOLUTION),
        (content.stub("toy"), make_stub(TOY_SOLUTION, "toy.py")),
        (content.suite("toy"), TOY_SUITE),
        (content.mistakes_file("toy"), TOY_MISTAKES),
        (content.alternatives_file("toy"), TOY_ALTERNATIVES),
    ):
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text, encoding="utf-8")
    return content


TOY_QUESTION = """+++
id = "{id}"
topic = "toy"
difficulty = "{level}"
minutes = 4
tags = ["toy", "{tag}"]
exercises = ["{exercise}"]
prerequisites = {prerequisites}
sources = ["cauchy1847"]
revision = 1
+++

# {title}

## Question

Take $f(x) = c \\sum_i x_i^2$. {asked}

## In thirty seconds

{short}

## In full

By the power rule the gradient is $2 c x$; for $c = 1$ it is [8 at $x = 4$](#power). Steps along it were proposed by
[Cauchy (1847)](../sources.md#cauchy1847).

## Follow-ups

### What if $c < 0$?

Then [the gradient points inwards](#power), and descent diverges.

## Rubric

### Weak

- Names the rule.

### Good

- Derives it.

### Strong

- Says what happens where $c < 0$ & why.

## Traps

- Forgetting the factor.

## Checks

### power

The slope of $x^2$ at 4.

```python
>>> h = 1e-6
>>> round(((4 + h) ** 2 - (4 - h) ** 2) / (2 * h))
8
>>> -1 * (2 * 4) < 0
True
```
"""
TOY_SOURCES = '# Sources\n\n## cauchy1847\n\nCauchy (1847), "Méthode générale", C. R. Acad. Sci.\n'


def toy_question(id: str = "toy-gradient", **changes: str) -> str:
    """The text of a sound question of the toy course."""
    words = {
        "level": "screen", "tag": "power", "exercise": "scaled_square_grad", "prerequisites": "[]",
        "title": "Why $2cx$?", "asked": "What is its gradient?", "short": "The power rule, term by term.",
    }  # fmt: skip
    return TOY_QUESTION.format(id=id, **(words | changes))


def write_toy_bank(content: Content) -> Path:
    """Three questions of the toy course; the folder of the bank."""
    home = content.interview_questions
    (home / "toy").mkdir(parents=True)
    (home / "sources.md").write_text(TOY_SOURCES, encoding="utf-8")
    (home / "ids.txt").write_text("# ids\ntoy-gradient\ntoy-means\ntoy-curvature\n")
    for name, text in (
        ("gradient", toy_question(prerequisites='["toy-means"]')),
        ("means", toy_question(
            "toy-means", title="What is a mean?", exercise="row_means", tag="average", asked="What is the mean?",
        )),
        ("curvature", toy_question(
            "toy-curvature", level="onsite", title="The curvature of a bowl", short="It is $2c$ in every direction.",
        )),
    ):  # fmt: skip
        (home / "toy" / f"{name}.md").write_text(text, encoding="utf-8")
    return home


@pytest.fixture
def toy_bank(own_toy: Content) -> Path:
    """The folder of interview questions of the test's own toy course."""
    return write_toy_bank(own_toy)


@pytest.fixture(scope="session")
def toy(tmp_path_factory: pytest.TempPathFactory) -> Content:
    """The toy course; do not write to it."""
    return write_toy_course(tmp_path_factory.mktemp("toy"))


@pytest.fixture
def own_toy(tmp_path: Path) -> Content:
    """A toy course of the test's own, to be broken."""
    return write_toy_course(tmp_path / "course")


@pytest.fixture(scope="session")
def toy_grader(toy: Content) -> Iterator[Grader]:
    """A warm grader of the toy course, with a deadline of one second a call."""
    with Grader(toy, timeout=1.0) as grader:
        yield grader


@pytest.fixture
def grade_toy(toy_grader: Grader, tmp_path: Path) -> Callable[..., Report]:
    """Grades the text of a toy.py."""

    def grade(text: str, **options: Any) -> Report:
        file = tmp_path / "toy.py"
        file.write_text(text, encoding="utf-8")
        return toy_grader.grade(read_submission(file, toy_grader.course), **options)

    return grade


@pytest.fixture
def at_work(
    own_toy: Content, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Callable[..., str]:
    """Runs a command in a workspace, which is the current folder, of the test's own toy course; what it prints.

    Raises what the command raises.
    """
    content = locate(own_toy.root)
    create_workspace(tmp_path / "ws", content, load_course(content))
    monkeypatch.chdir(tmp_path / "ws")
    monkeypatch.setenv("COLUMNS", "80")
    runner = CliRunner()

    def run(*args: str) -> str:
        result = runner.invoke(cli, args, standalone_mode=False)
        if result.exception is not None:
            raise result.exception
        assert max(map(len, result.output.splitlines()), default=0) <= 80
        return result.output

    return run


# ---- a browser

BROWSERS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
FLAGS = ["--no-sandbox", "--disable-gpu"]
"""The first for containers, whose user is root; the second as Debian's Chromium draws with a GPU that is not there."""
DEADLINE = 180
"""Seconds for one test, which takes about ten, and more on a machine that is busy; a module may have its own."""


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    """A headless Chromium."""
    from playwright.sync_api import sync_playwright

    path = next(filter(None, map(shutil.which, BROWSERS)), None)
    if path is None:
        reason = (
            f"no browser: none of {', '.join(BROWSERS)} is installed (apt-get install chromium)"
        )
        if os.environ.get("GRADSMITH_NEEDS_BROWSER"):
            pytest.fail(reason)
        pytest.skip(reason)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=FLAGS)
        yield browser
        browser.close()


@pytest.fixture
def deadline(request: pytest.FixtureRequest) -> Iterator[None]:
    """A browser that no longer answers fails its test: some calls to it would wait for ever."""
    if not hasattr(signal, "SIGALRM"):
        yield
        return

    def late(*_: object) -> None:
        raise TimeoutError(f"the browser did not answer within {seconds} seconds")

    seconds: int = getattr(request.module, "DEADLINE", DEADLINE)

    before = signal.signal(signal.SIGALRM, late)
    signal.alarm(seconds)
    yield
    signal.alarm(0)
    signal.signal(signal.SIGALRM, before)
