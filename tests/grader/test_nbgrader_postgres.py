"""nbgrader's gradebook on PostgreSQL: a server of the tests' own, on a socket in a folder of its own."""

from __future__ import annotations

import contextlib
import importlib.util
import os
import pwd
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from grader.catalog import load_course
from grader.content import Content, locate
from grader.nbgrader_course.build import CONFIG, build_course
from grader.nbgrader_course.gradebook import KeptOpen, gradebook, import_roster, nbgrader_at_work
from grader.nbgrader_course.roster import read_roster
from grader.nbgrader_course.verdicts import VERDICTS
from grader.sandbox.local import load_module

HERE = Path(__file__).parent
STUDENTS = ("right", "wrong", "one", "late", "Zoë Ünal 2", "exits", "nojson")
ROOTS_STANDINS = ("postgres", "nobody")
"""Users that run the server where the tests run as root, whom PostgreSQL refuses."""


made: Any = load_module(HERE / "nbgrader_class.py", "nbgrader_class")


def programs() -> Path | None:
    """The folder with the server's programs: on PATH, or where Debian puts them."""
    if found := shutil.which("initdb"):
        return Path(found).resolve().parent
    folders = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"), key=lambda p: p.parts[-3])
    return folders[-1].parent if folders else None


def missing(reason: str) -> None:
    """Skip, or fail where the machine is said to have it."""
    if os.environ.get("GRADSMITH_NEEDS_POSTGRES"):
        pytest.fail(reason)
    pytest.skip(reason)


@pytest.fixture
def server() -> Iterator[str]:
    """The URL of an empty database."""
    bin_ = programs()
    if bin_ is None:
        missing(
            "no PostgreSQL server: neither on PATH nor in /usr/lib/postgresql (apt-get install postgresql)"
        )
    assert bin_ is not None
    if importlib.util.find_spec("psycopg") is None:
        missing("no driver for PostgreSQL: pip install 'gradsmith[postgres]'")
    top = Path(tempfile.mkdtemp(prefix="gradsmith-pg-", dir="/tmp"))  # a socket's path is 107 bytes
    prefix: list[str] = []
    user = pwd.getpwuid(os.geteuid()).pw_name
    try:
        if os.geteuid() == 0:
            user = next(filter(_exists, ROOTS_STANDINS))
            entry = pwd.getpwnam(user)
            os.chown(top, entry.pw_uid, entry.pw_gid)
            prefix = [
                "setpriv",
                f"--reuid={entry.pw_uid}",
                f"--regid={entry.pw_gid}",
                "--clear-groups",
            ]
        top.chmod(0o755)

        def run(program: str, *args: str) -> None:
            command = [*prefix, str(bin_ / program), *args]
            done = subprocess.run(
                command, cwd=top, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True, check=False,
                env={"PATH": os.environ["PATH"], "LC_ALL": "C.UTF-8"},
            )  # fmt: skip
            assert done.returncode == 0, done.stderr

        data = str(top / "data")
        run("initdb", "-D", data, "-U", "grader", "-A", "trust", "-E", "UTF8", "--no-sync")
        options = f"-k {top} -c listen_addresses='' -c fsync=off -c max_connections=20 -c shared_buffers=8MB"
        run("pg_ctl", "-D", data, "-l", str(top / "log"), "-w", "-o", options, "start")
        try:
            yield f"postgresql+psycopg://grader@/postgres?host={top}"
        finally:
            run("pg_ctl", "-D", data, "-m", "immediate", "-w", "stop")
    finally:
        shutil.rmtree(top, ignore_errors=True)


def _exists(user: str) -> bool:
    with contextlib.suppress(KeyError):
        return bool(pwd.getpwnam(user))
    return False


def built(toy: Content, root: Path, url: str = "") -> str:
    """A class with its submissions; the URL of its gradebook."""
    from grader.nbgrader_course.autograde import db_url

    content = locate(toy.root)
    build_course(root, content, load_course(content), ["toy"])
    with (root / CONFIG).open("a", encoding="utf-8") as file:
        file.write(
            'c.GradeInSandbox.timeout = 0.7\nc.LateSubmissionPlugin.penalty_method = "zero"\n'
        )
        file.write(f"c.CourseDirectory.db_url = {url!r}\n" if url else "")
    url = db_url(root)
    made.nbgrader(root, "generate_assignment", "toy")
    with gradebook(url) as book:
        book.update_or_create_assignment("toy", duedate=datetime(2026, 1, 31))
    released = root / "release/toy/toy.ipynb"
    for student in STUDENTS:
        folder = root / "submitted" / student / "toy"
        folder.mkdir(parents=True)
        (folder / "toy.ipynb").write_bytes(made.submission(student, released))
        day = "2026-02-01" if student == "late" else "2026-01-30"
        (folder / "timestamp.txt").write_text(f"{day} 10:00:00 UTC")
    return url


@pytest.mark.long
def test_a_class_on_postgresql(
    toy: Content, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, server: str
) -> None:
    """The rows are those of the gradebook in a file, also after a regrade; nbgrader's own command and the export find
    them there."""
    for name in ("CONFIG", "DATA", "RUNTIME"):
        monkeypatch.setenv(f"JUPYTER_{name}_DIR", str(tmp_path / "jupyter" / name))
    with nbgrader_at_work():
        from grader.nbgrader_course.autograde import autograde

        there, here = tmp_path / "there", tmp_path / "here"
        assert built(toy, there, server) == server
        url = built(toy, here)
        done = autograde(there, "toy", jobs=2)
        assert done.failed == {}
        shutil.copytree(there / VERDICTS, here / VERDICTS)
        made.nbgrader(here, "autograde", "toy")
        rows = made.kept_rows(server)
        assert rows == made.kept_rows(url)
        assert not (there / "gradebook.db").exists()

        with gradebook(server) as book:  # a person's score stays
            book.find_grade("test_row_means", "toy", "toy", "wrong").manual_score = 1.5
            book.db.commit()
        (there / "submitted/one/toy/timestamp.txt").write_text("yesterday")
        done = autograde(there, "toy", students=["right", "wrong", "one"])
        assert {row.student: row.score for row in done.rows} == {
            "right": 5.0,
            "wrong": 1.5,
            "one": 0.0,
        }
        assert list(done.failed) == ["one"]
        made.nbgrader(there, "autograde", "toy", "--student=right", "--force")
        assert made.kept_rows(server)["right"] == rows["right"]

        roster = tmp_path / "class.csv"
        roster.write_text("id,name,email\nright,Ada Lovelace,a@x.edu\n", encoding="utf-8")
        import_roster(server, read_roster(roster))
        made.nbgrader(
            there, "export", "--exporter=grader.nbgrader_course.class_export.ClassExporter", "--to=out"
        )  # fmt: skip
        text = (there / "out/toy/grades.csv").read_text(encoding="utf-8")
        assert "right,Ada Lovelace,a@x.edu,,graded,5.00,0.00,5.00,5," in text

        with (
            KeptOpen(server) as kept,
            gradebook(server) as book,
        ):  # what is not saved is as if it had never been
            book.find_grade("test_row_means", "toy", "toy", "right").auto_score = 0.25
            book.db.commit()
            assert book.find_grade("test_row_means", "toy", "toy", "right").auto_score == 0.25
            kept.lose()
        assert made.kept_rows(server)["right"] == rows["right"]
