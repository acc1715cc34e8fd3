"""`grader update`: what is new comes in, what the learner wrote stays."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import textwrap
import time
from collections.abc import Callable
from pathlib import Path

import pytest

import grader.update
from grader.catalog import load_course
from grader.content import Content, locate
from grader.errors import GradsmithError, WorkspaceError
from grader.files import locked
from grader.model import Doing
from grader.stubs import make_stub
from grader.update import merged, planned, update

Run = Callable[..., str]

BASE = '''"""A topic."""

import numpy as np


def one(x):
    """One."""
    # YOUR CODE HERE
    raise NotImplementedError()


def two(x):
    """Two."""
    # YOUR CODE HERE
    raise NotImplementedError()
'''
NEW = '''"""A topic, revised."""

import math

import numpy as np


def one(x):
    """One, in other words."""
    # YOUR CODE HERE
    raise NotImplementedError()


def two(x, scale=1.0):
    """Two."""
    # YOUR CODE HERE
    raise NotImplementedError()


def three(x):
    """Three."""
    # YOUR CODE HERE
    raise NotImplementedError()
'''
STUB = "    # YOUR CODE HERE\n    raise NotImplementedError()\n"
EXERCISES = {"one": "topic/one", "two": "two", "three": "three"}


def merge(theirs: str, base: str | None = BASE) -> tuple[str, dict[str, Doing]]:
    text, changes = merged(theirs, NEW, base, "topic.py", EXERCISES)
    return text, {name: doing for name, doing, _ in changes}


def test_what_nobody_touched_becomes_the_new_file() -> None:
    """Docstring and imports included."""
    text, doings = merge(BASE)
    assert text == NEW
    assert doings == {"one": Doing.REPLACED, "two": Doing.REPLACED, "three": Doing.ADDED}
    assert merge(NEW) == (NEW, {})


def test_what_was_written_stays_byte_for_byte() -> None:
    """The stub beside it is replaced, the new one and its import are put in, the rest is as it was."""
    mine = BASE.replace(STUB, "    return x\n", 1).replace(
        "def two", "# a remark,  of mine  \ndef two"
    )
    text, doings = merge(mine)
    assert doings == {"one": Doing.LEFT, "two": Doing.REPLACED, "three": Doing.ADDED}
    head, tail = mine.split("def two")
    assert text == (
        head.replace("as np\n", "as np\nimport math\n")
        + 'def two(x, scale=1.0):\n    """Two."""\n'
        + STUB
        + '\n\ndef three(x):\n    """Three."""\n'
        + STUB
    )
    assert tail
    again, doings = merge(text, NEW)
    assert (again, doings) == (text, {})


def test_without_a_base_everything_is_the_learners() -> None:
    """Even a stub; what is not there at all is added."""
    text, doings = merge(BASE, None)
    assert doings == {"one": Doing.LEFT, "two": Doing.LEFT, "three": Doing.ADDED}
    assert text.startswith(BASE.replace("as np\n", "as np\nimport math\n"))


@pytest.mark.parametrize(
    ("theirs", "doings"),
    [
        (BASE.split("def two")[0], {"one": Doing.REPLACED, "three": Doing.ADDED}),  # two taken out
        (
            BASE + "\n\ndef three(x):\n    return 3\n",
            {"one": Doing.REPLACED, "two": Doing.REPLACED, "three": Doing.LEFT},
        ),
        (
            BASE.replace(STUB, "\treturn 1\f\n"),
            {"one": Doing.LEFT, "two": Doing.LEFT, "three": Doing.ADDED},
        ),
    ],
)
def test_other_shapes(theirs: str, doings: dict[str, Doing]) -> None:
    """A function taken out is not put back, one that was there already and odd blanks are left alone."""
    if "\t" in theirs:
        theirs = theirs.replace('    """', '\t"""')
    text, found = merge(theirs)
    assert found == doings
    compile(text, "topic.py", "exec")


def test_line_ends_and_marks_are_kept() -> None:
    """A file with CRLF stays one throughout; a byte-order mark stays in front."""
    mine = "\ufeff" + BASE.replace(STUB, "    return x\n", 1).replace("\n", "\r\n")
    text, doings = merge(mine)
    assert doings["two"] is Doing.REPLACED
    assert text.startswith("\ufeff")
    assert text.count("\n") == text.count("\r\n")
    one = mine[mine.index("def one") : mine.index("def two")]
    assert one in text


def test_a_function_that_left_the_course_stays() -> None:
    """And is said to have left it."""
    text, doings = merge(
        BASE + "\n\ndef old(x):\n    return 1\n", BASE + "\n\ndef old(x):\n    raise E\n"
    )
    assert doings["old"] is Doing.GONE
    assert "def old(x):\n    return 1" in text


def test_no_python_is_refused() -> None:
    """With its line."""
    with pytest.raises(WorkspaceError, match="line 2: is not Python"):
        merge("x = 1\ndef f(:\n")


# ---- a whole workspace


def revise(content: Content) -> None:
    """A release of the toy course: a new topic, a new exercise, and a statement in other words."""
    source = content.source("toy").read_text()
    source = source.replace("Gradient of c·Σx².", "The gradient of c·Σx².").replace(
        "no columns is a ValueError", "a ValueError without columns"
    )
    source += '\n\ndef third(x):\n    """Third."""\n    ### BEGIN SOLUTION\n    return x\n    ### END SOLUTION\n'
    toml = content.topic_toml("toy").read_text()
    entry = toml[toml.rindex("[[exercises]]") : toml.index("[capstone]")]
    toml += "\n" + entry.replace("row_means", "third")
    statement = content.statement("toy").read_text().replace("None.", "Few.")
    statement = statement.replace("## Capstone", "## `third(x)`\n\nC.\n\n## Capstone")
    content.source("toy").write_text(source)
    content.topic_toml("toy").write_text(toml)
    content.statement("toy").write_text(statement)
    content.stub("toy").write_text(make_stub(source, "toy.py"))
    one = 'def only(x):\n    """Only."""\n    ### BEGIN SOLUTION\n    return x\n    ### END SOLUTION\n'
    content.stub("fresh").parent.mkdir()
    content.source("fresh").write_text(one)
    content.stub("fresh").write_text(make_stub(one, "fresh.py"))
    content.statement("fresh").write_text("# Fresh\n\n## `only(x)`\n\nA.\n")
    head = toml[: toml.index("[[exercises]]")]
    content.topic_toml("fresh").write_text(head + entry.replace("row_means", "only"))
    for file in (
        content.suite("fresh"),
        content.mistakes_file("fresh"),
        content.alternatives_file("fresh"),
    ):
        file.write_text('"""Nothing."""\n')
    content.course_toml.write_text(
        content.course_toml.read_text().replace('"toy"', '"toy", "fresh"')
    )


def begin() -> str:
    """Solve the first function; what the file says then."""
    file = Path("toy/toy.py")
    text = file.read_text().replace(STUB, "    return 2 * c * x  # mine\n", 1)
    file.write_text(text)
    return text


def snapshot() -> dict[str, bytes]:
    """The workspace's files, backups and lock left out."""
    return {
        str(path): path.read_bytes()
        for path in sorted(Path().rglob("*"))
        if path.is_file() and "backups" not in path.parts and path.suffix != ".lock"
    }


def test_a_release_comes_in(at_work: Run, own_toy: Content) -> None:
    """New topic and exercise, new statement and stub; the function that was written stays and is told."""
    mine = begin()
    Path("grader.toml").write_text(
        Path("grader.toml").read_text().replace('version = "', 'version = "0.0.1-')
    )
    revise(own_toy)
    before = snapshot()
    dry = at_work("update", "--dry-run")
    assert snapshot() == before
    assert "nothing was written" in dry
    text = at_work("update")
    assert dry.startswith(text)
    words = " ".join(text.split())
    assert "left alone scaled_square_grad its statement has changed" in words
    assert "compare with `grader show scaled_square_grad`" in words
    assert "replaced row_means" in words
    assert "added third" in words
    assert "fresh" in words
    code = Path("toy/toy.py").read_text()
    assert "return 2 * c * x  # mine" in code
    assert "a ValueError without columns" in code
    assert "def third(x)" in code
    assert Path("toy/README.md").read_text() == own_toy.statement("toy").read_text()
    assert Path("fresh/fresh.py").read_text() == own_toy.stub("fresh").read_text()
    assert "`only`" in Path("README.md").read_text()
    (kept,) = Path(".grader/backups").iterdir()
    assert kept.read_text() == mine
    assert 'version = "0.0.1-' not in Path("grader.toml").read_text()
    after = snapshot()
    assert at_work("update") == "everything is up to date\n"
    assert snapshot() == after


def test_a_statement_with_notes_is_kept(at_work: Run, own_toy: Content) -> None:
    """In the backups where there is news; where there is none, it is left alone."""
    readme = Path("toy/README.md")
    readme.write_text(readme.read_text() + "my notes\n")
    assert at_work("update") == "everything is up to date\n"
    assert "my notes" in readme.read_text()
    revise(own_toy)
    assert "yours is kept in .grader/backups" in " ".join(at_work("update").split())
    assert "my notes" not in readme.read_text()
    assert any("my notes" in file.read_text() for file in Path(".grader/backups").iterdir())


def test_an_old_workspace_has_no_base(at_work: Run, own_toy: Content) -> None:
    """Nothing that stands there is replaced; from then on there is one."""
    shutil.rmtree(".grader")
    mine = begin()
    revise(own_toy)
    text = " ".join(at_work("update").split())
    assert "`grader reset row_means` takes the new one" in text
    assert Path("toy/toy.py").read_text().startswith(mine.rstrip())
    assert at_work("update") == "everything is up to date\n"
    assert Path(".grader/base/toy.py").read_text() == own_toy.stub("toy").read_text()


def test_a_broken_file_is_told_and_the_rest_done(at_work: Run, own_toy: Content) -> None:
    """Its topic waits, and so does the version; after it is mended the update can be run again."""
    mine = begin()
    Path("toy/toy.py").write_text(mine + "def (\n")
    revise(own_toy)
    marker = Path("grader.toml")
    marker.write_text(marker.read_text().replace('version = "', 'version = "0-'))
    text = " ".join(at_work("update").split())
    assert "toy.py, line" in text
    assert "run `grader update` again" in text
    assert Path("fresh/fresh.py").is_file()
    assert Path("toy/toy.py").read_text() == mine + "def (\n"
    assert 'version = "0-' in marker.read_text()
    Path("toy/toy.py").write_text(mine)
    assert "added" in at_work("update")
    assert 'version = "0-' not in marker.read_text()


def test_a_topic_that_left_the_course_stays(at_work: Run, own_toy: Content) -> None:
    """Its folder is the learner's."""
    revise(own_toy)
    at_work("update")
    toml = own_toy.course_toml
    toml.write_text(toml.read_text().replace(', "fresh"', ""))
    assert "no longer in the course" in at_work("update")
    assert Path("fresh/fresh.py").is_file()


def test_an_update_that_stops_anywhere_can_be_run_again(
    at_work: Run, own_toy: Content, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """Whichever write was the last one, the second run ends where an undisturbed one does."""
    begin()
    revise(own_toy)
    content = locate(own_toy.root)
    course = load_course(content)
    start = tmp_path / "start"
    shutil.copytree(Path(), start)
    n_steps = len(update(Path(), content, course).steps)
    done = snapshot()
    write = grader.update.write_atomically
    for n in range(n_steps):
        left = n

        def interrupted(path: Path, data: bytes) -> None:
            nonlocal left
            if not left:
                raise KeyboardInterrupt
            left -= 1
            write(path, data)

        root = tmp_path / f"stopped{n}"
        shutil.copytree(start, root)
        monkeypatch.chdir(root)
        monkeypatch.setattr(grader.update, "write_atomically", interrupted)
        with pytest.raises(KeyboardInterrupt):
            update(Path(), content, course)
        monkeypatch.setattr(grader.update, "write_atomically", write)
        assert "# mine" in Path("toy/toy.py").read_text()
        update(Path(), content, course)
        assert snapshot() == done
        assert not planned(Path(), content, course).steps


def test_two_updates_do_not_mix(at_work: Run, tmp_path: Path) -> None:
    """The second is refused while the first holds the lock; a killed one has let go of it."""
    code = """
        import sys, time
        from pathlib import Path
        from grader.files import locked
        with locked(Path(".grader/update.lock"), "busy"):
            print("held", flush=True)
            time.sleep(60)
    """
    with subprocess.Popen(
        [sys.executable, "-c", textwrap.dedent(code)], stdout=subprocess.PIPE, text=True
    ) as other:
        assert other.stdout is not None
        assert other.stdout.readline() == "held\n"
        try:
            with pytest.raises(GradsmithError, match="another `grader update` is at work"):
                at_work("update")
        finally:
            other.kill()
    assert at_work("update") == "everything is up to date\n"


def test_a_lock_where_the_system_has_none(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """By a file's being there; one that is old counts as left behind."""
    monkeypatch.setitem(sys.modules, "fcntl", None)
    lock = tmp_path / "state" / "lock"
    with locked(lock, "busy"):
        with pytest.raises(GradsmithError, match=r"busy; if there is none, remove .*held"):
            locked(lock, "busy").__enter__()
        (held,) = lock.parent.iterdir()
        long_ago = time.time() - 3600
        os.utime(held, (long_ago, long_ago))
        with locked(lock, "busy"):
            pass
    assert not list(lock.parent.iterdir())
