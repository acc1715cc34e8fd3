"""TOML and statements to a course; each rule broken once, and what the message says."""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from grader.catalog import capstone_section, load_course, statement_section, validate_course
from grader.content import Content
from grader.errors import ContentError, MarkerError
from grader.model import Difficulty, Hints
from grader.stubs import solution_functions

COURSE_TOML = 'schema = 1\ntitle = "A course"\ntopics = ["alpha", "beta"]\n'

EXERCISE_TOML = """
[[exercises]]
name = "{name}"
title = "The {name}"
points = 2
difficulty = "medium"
minutes = 15
tags = ["sums", "log-space"]
[exercises.hints]
concept = "An idea."
equation = "f = x"
shape = "Keep the axis."
line = \'\'\'
x = x - x.max()
\'\'\'
"""

FUNCTION = '''
def {name}(x, axis=-1):
    """{name}."""
    ### BEGIN SOLUTION
    return x
    ### END SOLUTION
'''


def write_topic(content: Content, slug: str, names: list[str]) -> None:
    """A sound topic with these exercises."""
    statement = f"# {slug.title()}\n\n## Notation\n\nWords.\n\n"
    table = f'schema = 1\ntitle = "{slug.title()}"\nsummary = "What it teaches."\n'
    source = '"""Solutions."""\n'
    for name in names:
        statement += f"## `{name}(x, axis=-1)`\n\nReturns {name}.\n\n### References\n\nNone.\n\n"
        table += EXERCISE_TOML.format(name=name)
        source += FUNCTION.format(name=name)
    for file, text in (
        (content.statement(slug), statement),
        (content.topic_toml(slug), table),
        (content.source(slug), source),
        (content.suite(slug), ""),
        (content.mistakes_file(slug), ""),
        (content.alternatives_file(slug), ""),
    ):
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text, encoding="utf-8")


@pytest.fixture
def content(tmp_path: Path) -> Content:
    """A sound course: alpha with `first` and `second`, beta with `third`."""
    content = Content.under(tmp_path)
    write_topic(content, "alpha", ["first", "second"])
    write_topic(content, "beta", ["third"])
    content.course_toml.write_text(COURSE_TOML, encoding="utf-8")
    return content


def replace(file: Path, old: str, new: str) -> None:
    """Change the first occurrence of `old`, which must be there."""
    text = file.read_text(encoding="utf-8")
    assert old in text
    file.write_text(text.replace(old, new, 1), encoding="utf-8")


def test_a_sound_course_loads(content: Content) -> None:
    """Every field comes from where the author wrote it."""
    course = load_course(content)
    assert course.title == "A course"
    assert [topic.slug for topic in course.topics] == ["alpha", "beta"]
    alpha = course.topic("alpha")
    assert (alpha.title, alpha.summary, alpha.points) == ("Alpha", "What it teaches.", 4.0)
    second = course.exercise("second")
    assert second.topic == "alpha"
    assert second.title == "The second"
    assert second.signature == "second(x, axis=-1)"
    assert second.points == 2.0
    assert second.difficulty is Difficulty.MEDIUM
    assert second.minutes == 15
    assert second.tags == ("sums", "log-space")
    assert second.hints == Hints("An idea.", "f = x", "Keep the axis.", "x = x - x.max()")
    assert validate_course(content) == []


def test_signatures_are_those_of_the_solutions(content: Content) -> None:
    """The quick way, from the headings, and the long way, from the source, give the same."""
    course = load_course(content)
    for topic in course.topics:
        file = content.source(topic.slug)
        functions = solution_functions(file.read_text(encoding="utf-8"), str(file))
        assert functions == {exercise.name: exercise.signature for exercise in topic.exercises}


ALPHA = "alpha/topic.toml"


@pytest.mark.parametrize(
    ("file", "old", "new", "key", "fix"),
    [
        # course.toml
        ("course.toml", "schema = 1\n", "", "schema", "missing; add schema = 1"),
        ("course.toml", "schema = 1", "schema = 2", "schema", "version 2 cannot be read, only 1"),
        ("course.toml", "schema = 1", "schema = true", "schema", "the integer 1, not true"),
        ("course.toml", "schema = 1", 'schema = "1"', "schema", "the integer 1, not '1'"),
        ("course.toml", '"A course"', '" "', "title", "is empty"),
        ("course.toml", '"A course"', "3", "title", "must be a string, not 3"),
        ("course.toml", '"A course"', '"A\\ncourse"', "title", "spans lines"),
        ("course.toml", "title", "titel", "titel", "unknown key; did you mean `title`?"),
        ("course.toml", '["alpha", "beta"]', "[]", "topics", "is empty"),
        ("course.toml", '["alpha", "beta"]', '"alpha"', "topics", "a list of strings"),
        ("course.toml", '["alpha", "beta"]', "[1]", "topics", "a list of strings"),
        ("course.toml", '"beta"', '"alpha"', "topics", "'alpha' stands twice"),
        ("course.toml", '"beta"', '"Beta-1"', "topics", "'Beta-1' is not a topic's folder"),
        ("course.toml", '"beta"', '"../x"', "topics", "'../x' is not a topic's folder"),
        ("course.toml", '"beta"', '"lambda"', "topics", "'lambda' is not a topic's folder"),
        # topic.toml
        (ALPHA, "schema = 1", "schema = 7", "schema", "version 7 cannot be read"),
        (ALPHA, 'title = "Alpha"\n', "", "title", "missing; add title"),
        (ALPHA, 'summary = "What it teaches."\n', "", "summary", "missing; add summary"),
        (ALPHA, "points = 2", "points = 0", "first.points", "a number from 1 to 10, not 0"),
        (ALPHA, "points = 2", "points = 10.5", "first.points", "a number from 1 to 10"),
        (ALPHA, "points = 2", "points = true", "first.points", "a number from 1 to 10, not true"),
        (ALPHA, "points = 2", "points = nan", "first.points", "a number from 1 to 10, not nan"),
        (ALPHA, "points = 2", 'points = "2"', "first.points", "a number from 1 to 10, not '2'"),
        (ALPHA, "points = 2\n", "", "first.points", "missing; add points = 2"),
        (ALPHA, "points = 2", "ponits = 2", "first.ponits", "did you mean `points`?"),
        (ALPHA, '"medium"', '"tricky"', "first.difficulty", "one of easy, medium, hard"),
        (ALPHA, '"medium"', "2", "first.difficulty", "one of easy, medium, hard, not 2"),
        (ALPHA, "minutes = 15", "minutes = 241", "first.minutes", "an integer from 1 to 240"),
        (ALPHA, "minutes = 15", "minutes = 1.5", "first.minutes", "an integer from 1 to 240"),
        (ALPHA, "minutes = 15", "minutes = false", "first.minutes", "not false"),
        (ALPHA, '"log-space"', '"Log space"', "first.tags", "'Log space' is not a slug"),
        (ALPHA, '"log-space"', '"sums"', "first.tags", "'sums' stands twice"),
        (ALPHA, '["sums", "log-space"]', '"sums"', "first.tags", "a list of strings"),
        (ALPHA, '["sums", "log-space"]', "[]", "first.tags", "is empty"),
        (ALPHA, 'concept = "An idea."\n', "", "first.hints.concept", "missing; add concept"),
        (ALPHA, '"An idea."', '""', "first.hints.concept", "is empty"),
        (ALPHA, "concept", "koncept", "first.hints.koncept", "did you mean `concept`?"),
        (ALPHA, "shape", "wholly_else", "first.hints.wholly_else", "known are concept, equation"),
        (ALPHA, "[exercises.hints]", "[exercises.hint]", "first.hint", "did you mean `hints`?"),
        (ALPHA, '"first"', '"_first"', "exercises[1].name", "no function's name"),
        (ALPHA, '"first"', '"first__x"', "exercises[1].name", "no function's name"),
        (ALPHA, '"first"', '"first-x"', "exercises[1].name", "no function's name"),
        (ALPHA, '"first"', "1", "exercises[1].name", "must be a string, not 1"),
        (ALPHA, 'name = "first"\n', "", "exercises[1].name", "missing; add name"),
        (ALPHA, '"second"', '"first"', "first", "stands twice"),
        # syntax
        (ALPHA, "points = 2", "points = ", "line 8", "is not TOML: Invalid value"),
        (ALPHA, "points = 2", "points = 2\npoints = 3", "line 9", "is not TOML: Cannot overwrite"),
        (ALPHA, "x = x - x.max()\n'''", "", "line", "is not TOML"),
        # the statement
        ("alpha/README.md", "## `first(x, axis=-1)`", "## first", "first(…)", "no section for it"),
        ("alpha/README.md", "## `first(", "### `first(", "first(…)", "no section for it"),
        ("alpha/README.md", "## `second(x", "## `first(x", "first", "has two sections"),
        (
            "alpha/README.md",
            "## Notation",
            "## `other(x)`",
            "other",
            "is no exercise of topic.toml",
        ),
        ("alpha/README.md", "Words.", "```\nx", "first(…)", "no section for it"),
    ],
)
def test_each_rule_names_file_key_and_fix(
    content: Content, file: str, old: str, new: str, key: str, fix: str
) -> None:
    """One mistake in a sound course: loading it and validating it both point at that mistake."""
    path = content.exercises / file
    replace(path, old, new)
    matching = [
        problem
        for problem in validate_course(content)
        if problem.file == str(path) and problem.key.startswith(key) and fix in problem.fix
    ]
    assert len(matching) == 1
    with pytest.raises(ContentError) as caught:
        load_course(content)
    assert "\n" not in str(caught.value)


CAPSTONE_TOML = """
[capstone]
title = "All together"
summary = "They work together."
needs = ["first", "second"]
"""


def add_capstone(content: Content, text: str, suite: str) -> None:
    """Give alpha a capstone and a suite."""
    file = content.topic_toml("alpha")
    file.write_text(file.read_text() + text)
    content.suite("alpha").write_text(suite)
    with content.statement("alpha").open("a") as statement:
        statement.write("## Capstone: all together\n\nWords.\n")


def test_a_capstone_is_read(content: Content) -> None:
    """Title, summary and the exercises it calls; a topic without one has none."""
    add_capstone(content, CAPSTONE_TOML, "def test_capstone_works(submission):\n    pass\n")
    course = load_course(content)
    assert validate_course(content) == []
    capstone = course.topic("alpha").capstone
    assert capstone is not None
    assert (capstone.title, capstone.topic) == ("All together", "alpha")
    assert capstone.needs == ("first", "second")
    assert course.topic("beta").capstone is None


@pytest.mark.parametrize(
    ("toml", "suite", "words"),
    [
        (CAPSTONE_TOML, "", "add a test named test_capstone_<property>"),
        ("", "def test_capstone_works(submission):\n    pass\n", "add [capstone] with title"),
        (CAPSTONE_TOML.replace("second", "third"), "", "'third' is not an exercise of the topic"),
        (CAPSTONE_TOML.replace("needs", "need"), "", "did you mean `needs`?"),
        (CAPSTONE_TOML.split("needs")[0], "", "add needs = ["),
        ("\n[[capstone]]\n", "", "must be a table"),
    ],
)
def test_capstone_and_suite_agree(content: Content, toml: str, suite: str, words: str) -> None:
    """Each way in which a capstone is not whole is told with its fix."""
    add_capstone(content, toml, suite)
    assert any(words in str(problem) for problem in validate_course(content))


def test_a_capstone_has_its_section(content: Content) -> None:
    """The statement says what is run; without that section it is told."""
    add_capstone(content, CAPSTONE_TOML, "def test_capstone_works(submission):\n    pass\n")
    course = load_course(content)
    section = capstone_section(content, course.topic("alpha"))
    assert section == "## Capstone: all together\n\nWords.\n"
    with pytest.raises(ContentError, match="no capstone"):
        capstone_section(content, course.topic("beta"))
    replace(content.statement("alpha"), "## Capstone:", "## The end:")
    assert any("add the heading ## Capstone:" in str(p) for p in validate_course(content))


def test_a_table_in_the_wrong_place_is_told(content: Content) -> None:
    """Exercises that are no array of tables, an empty array, hints that are no table."""
    file = content.topic_toml("beta")
    head = 'schema = 1\ntitle = "Beta"\nsummary = "S."\n'
    for text, key, fix in (
        ("exercises = 3\n", "exercises", "must be an array of tables, not 3"),
        ("exercises = []\n", "exercises", "is empty"),
        ("[exercises]\nname = 'x'\n", "exercises", "must be an array of tables"),
        (
            EXERCISE_TOML.format(name="third").split("[exercises.h")[0] + "hints = 'x'\n",
            "third.hints",
            "must be a table",
        ),
    ):
        file.write_text(head + text, encoding="utf-8")
        problems = validate_course(content)
        assert any(p.key == key and fix in p.fix and p.file == str(file) for p in problems)


@pytest.mark.parametrize(
    ("path", "kind"),
    [
        (Content.source, "the solution is missing"),
        (Content.suite, "the hidden suite is missing"),
        (Content.mistakes_file, "the file of mistakes is missing"),
        (Content.alternatives_file, "the file of alternatives is missing"),
        (Content.statement, "not found; write it"),
        (Content.topic_toml, "not found; write it"),
    ],
)
def test_missing_files_are_told(
    content: Content, path: Callable[[Content, str], Path], kind: str
) -> None:
    """A topic has all of its files."""
    file = path(content, "alpha")
    file.unlink()
    with pytest.raises(ContentError, match=kind) as caught:
        load_course(content)
    assert caught.value.file == str(file)


def test_files_that_cannot_be_read_are_told(content: Content) -> None:
    """Bytes that are not UTF-8 are told with their line, a folder in a file's place as such."""
    content.topic_toml("alpha").write_bytes(b"schema = 1\ntitle = '\xff'\n")
    content.statement("beta").unlink()
    content.statement("beta").mkdir()
    found = {(problem.file, problem.key) for problem in validate_course(content)}
    assert (str(content.topic_toml("alpha")), "line 2") in found
    assert (str(content.statement("beta")), "file") in found


def test_names_are_unique_in_the_course(content: Content) -> None:
    """Two topics cannot share a function's name."""
    write_topic(content, "beta", ["third", "first"])
    with pytest.raises(ContentError, match="is an exercise of alpha too") as caught:
        load_course(content)
    assert caught.value.key == "first"


@pytest.mark.parametrize(
    ("old", "new", "file", "key", "fix"),
    [
        ("def first(", "def _first(", "source", "line 5", "outside every exercise"),
        ("def first(", "def primus(", "source", "first", "no such function here"),
        ("def first(", "def primus(", "source", "primus", "public, but no exercise"),
        ("axis=-1", "axis=0", "statement", "first", "the solution `first(x, axis=0)`"),
        ("    ### BEGIN SOLUTION\n", "", "source", "line 6", "without a `### BEGIN SOLUTION`"),
        ("return x", "return (", "source", "line", "is not valid Python"),
    ],
)
def test_solutions_are_held_to_the_rest(
    content: Content, old: str, new: str, file: str, key: str, fix: str
) -> None:
    """`validate_course` reads the solutions, which `load_course` leaves closed."""
    replace(content.source("alpha"), old, new)
    load_course(content)
    problems = validate_course(content)
    path = str(getattr(content, file)("alpha"))
    assert any(p.file == path and p.key.startswith(key) and fix in p.fix for p in problems)


def test_marker_errors_keep_their_type(content: Content) -> None:
    """A marker that is wrong is told as a `MarkerError`."""
    replace(content.source("alpha"), "### END SOLUTION", "### END SOLUTIONS")
    [problem] = validate_course(content)
    assert isinstance(problem, MarkerError)


def test_unlisted_topics_are_told(content: Content) -> None:
    """A folder that course.toml forgets would never be graded."""
    write_topic(content, "gamma", ["fourth"])
    (content.exercises / ".ipynb_checkpoints").mkdir()
    (content.exercises / ".ipynb_checkpoints" / "topic.toml").touch()
    [problem] = validate_course(content)
    assert (problem.key, problem.file) == ("topics", str(content.course_toml))
    assert "gamma/" in problem.fix


def test_all_problems_are_told_at_once(content: Content) -> None:
    """Validation goes on after a problem; loading tells the first and how many there are."""
    replace(content.topic_toml("alpha"), "points = 2", "points = 11")
    replace(content.topic_toml("alpha"), "minutes = 15", "minutes = 0")
    content.suite("beta").unlink()
    assert [problem.key for problem in validate_course(content)] == [
        "first.points",
        "first.minutes",
        "beta",
    ]
    with pytest.raises(ContentError, match=r"not 11; .* \(1 of 3 problems; `grader verify`"):
        load_course(content)


def test_a_misspelt_key_is_one_problem(content: Content) -> None:
    """The key that was meant is not told as missing too; an unrelated one is."""
    replace(content.topic_toml("alpha"), "points = 2", "ponits = 2")
    replace(content.topic_toml("beta"), "points = 2", "wholly_else = 2")
    assert [problem.key for problem in validate_course(content)] == [
        "first.ponits",
        "third.wholly_else",
        "third.points",
    ]


def test_no_course_is_told(tmp_path: Path) -> None:
    """Without a course.toml there is one problem, not a traceback."""
    [problem] = validate_course(Content.under(tmp_path))
    assert "not found" in problem.fix


def test_statement_section_is_from_heading_to_heading(content: Content) -> None:
    """Sub-headings and code blocks belong to the section; the next exercise does not."""
    code = (
        "````python\n# a comment\n```\n## `second(x, axis=-1)`\n````\n~~~\n# x\n~~~\n"
        "```\n```python is no end\n# x\n```"
    )
    replace(content.statement("alpha"), "Returns first.", f"Returns first.\n\n{code}\n")
    course = load_course(content)
    assert validate_course(content) == []
    section = statement_section(content, course, "first")
    assert section.startswith("## `first(x, axis=-1)`\n\nReturns first.\n")
    assert code in section
    assert section.endswith("### References\n\nNone.\n")
    assert statement_section(content, course, "second").startswith("## `second(")


def test_statement_section_of_nothing(content: Content) -> None:
    """An unknown name is a KeyError; a section gone since loading is a ContentError."""
    course = load_course(content)
    with pytest.raises(KeyError):
        statement_section(content, course, "nothing")
    content.statement("beta").write_text("# Beta\n", encoding="utf-8")
    with pytest.raises(ContentError, match=re.escape("## `third(x, axis=-1)`")):
        statement_section(content, course, "third")


def test_loading_imports_nothing_heavy(content: Content) -> None:
    """The command line loads the course at each start: no NumPy, no pytest, no difflib."""
    code = (
        "import sys; from pathlib import Path\n"
        "from grader.catalog import load_course; from grader.content import Content\n"
        f"load_course(Content.under(Path({str(content.root)!r})))\n"
        "print({'difflib', 'numpy', 'pytest'} & set(sys.modules))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        text=True,
        check=True,
        cwd=Path(__file__).parents[2],
    )
    assert done.stdout.strip() == "set()"
