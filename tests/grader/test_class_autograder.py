"""The autograder for Gradescope: packed, unpacked and run as Gradescope does."""

from __future__ import annotations

import io
import json
import os
import shutil
import subprocess
import sys
import tomllib
import zipfile
from pathlib import Path

import pytest
from click.testing import CliRunner

import grader
from grader.catalog import load_course
from grader.classroom.autograder import run as autograder
from grader.classroom.autograder.pack import Settings, pack, read_settings
from grader.classroom.autograder.wheel import file_name, wheel
from grader.cli import cli
from grader.content import Content, locate
from grader.errors import ContentError, GradsmithError
from grader.files import write_atomically

WRONG = "def scaled_square_grad(x, c):\n    return c * x\n"
GRABS = """
import os
for place in {places!r}:
    try:
        with open(place, "w") as file:
            file.write('{{"score": 100}}')
    except OSError:
        pass
"""
METADATA = {
    "id": 123456,
    "created_at": "2026-12-01T14:22:32.365935-07:00",
    "assignment": {"title": "Programming Assignment 1", "total_points": "20.0"},
    "submission_method": "upload",
    "users": [{"email": "ada@x.edu", "id": 1234, "name": "Ada Lovelace"}],
    "previous_submissions": [],
}
"""As the page "Submission Metadata" of Gradescope's documentation has it."""
CONFIG = """due = 2026-12-01T00:00:00Z
extensions = "extensions.csv"
[late]
percent = 10
[grade]
scale = 20
"""


@pytest.fixture(scope="module")
def packed(toy: Content, tmp_path_factory: pytest.TempPathFactory) -> bytes:
    """An autograder of the toy course, with a policy."""
    folder = tmp_path_factory.mktemp("config")
    (folder / "class.toml").write_text(CONFIG)
    (folder / "extensions.csv").write_text("student,due\ngrace@x.edu,2026-12-09T00:00:00Z\n")
    return pack(toy, load_course(toy), Settings(timeout=2.0, seed=3), folder / "class.toml")


@pytest.fixture
def root(packed: bytes, tmp_path: Path) -> Path:
    """The folder that stands for /autograder: unpacked as Gradescope does it, with an empty submission."""
    source = tmp_path / "autograder" / "source"
    for folder in (source, source.parent / "submission", source.parent / "results"):
        folder.mkdir(parents=True)
    archive = zipfile.ZipFile(io.BytesIO(packed))
    for info in archive.infolist():
        archive.extract(info, source)
        (source / info.filename).chmod(info.external_attr >> 16 & 0o777)
    shutil.copy2(source / "run_autograder", source.parent)
    (source.parent / "submission_metadata.json").write_text(json.dumps(METADATA))
    return source.parent


@pytest.fixture(scope="module")
def site(packed: bytes, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What installing the wheel gives, in the place of setup.sh."""
    folder = tmp_path_factory.mktemp("site")
    inner = zipfile.ZipFile(io.BytesIO(packed)).read(file_name())
    zipfile.ZipFile(io.BytesIO(inner)).extractall(folder)
    return folder


def graded(root: Path, site: Path, **more: str) -> tuple[int, str]:
    """Run `run_autograder`; its exit code and what it printed."""
    env = {
        "PATH": os.environ["PATH"], "AUTOGRADER_ROOT": str(root), "AUTOGRADER_PYTHON": sys.executable,
        "PYTHONPATH": str(site),
    }  # fmt: skip
    done = subprocess.run(
        [root / "run_autograder"], cwd=root, env=env | more, capture_output=True, text=True, check=False, timeout=120,
    )  # fmt: skip
    return done.returncode, done.stdout + done.stderr


def results(root: Path) -> dict:
    return json.loads((root / "results" / "results.json").read_text())


# ---- the archive


def test_what_is_in_the_archive(packed):
    """Scripts that may be run, a wheel, settings, and the policy with the files it names; the same bytes each time."""
    archive = zipfile.ZipFile(io.BytesIO(packed))
    modes = {info.filename: info.external_attr >> 16 & 0o777 for info in archive.infolist()}
    assert modes == {
        "setup.sh": 0o755, "run_autograder": 0o755, file_name(): 0o644, "settings.json": 0o644,
        "class.toml": 0o644, "extensions.csv": 0o644,
    }  # fmt: skip
    assert file_name() in archive.read("setup.sh").decode()


def test_packing_again_gives_the_same_bytes(toy):
    """The same course and settings give the same archive."""
    course = load_course(toy)
    assert pack(toy, course, Settings()) == pack(toy, course, Settings())


def test_the_wheel_is_sound(toy):
    """The wheel has the package and the suites, a true record, and neither solutions nor alternatives."""
    packed = zipfile.ZipFile(io.BytesIO(wheel(toy, load_course(toy))))
    names = packed.namelist()
    here = Path(grader.__file__).parent
    assert {f"grader/{path.relative_to(here).as_posix()}" for path in here.rglob("*.py")} <= set(
        names
    )
    assert packed.read("grader/_content/tests/hidden/test_toy.py") == toy.suite("toy").read_bytes()
    for room in ("solutions", "tests/alternatives"):
        text = packed.read(f"grader/_content/{room}/toy.py").decode()
        assert "def " not in text
        assert "Left out" in text
    assert not [name for name in names if "pycache" in name or name.endswith(".pyc")]
    info = f"gradsmith-{grader.__version__}.dist-info"
    record = packed.read(f"{info}/RECORD").decode().splitlines()
    assert [line.split(",")[0] for line in record[:-1]] == sorted({*names} - {f"{info}/RECORD"})
    metadata = packed.read(f"{info}/METADATA").decode()
    assert "Requires-Dist: numpy" in metadata
    assert "mkdocs" not in metadata


def test_topics_of_the_installed_course_go_along(own_toy):
    """A course of its own may list installed topics: the wheel has them all, or those alone that are graded."""
    own_toy.course_toml.write_text(
        'schema = 1\ntitle = "A \\"mixed\\" course"\ntopics = ["toy", "softmax"]\n'
    )
    content = locate(own_toy.root)
    course = load_course(content)
    names = zipfile.ZipFile(io.BytesIO(wheel(content, course))).namelist()
    assert {f"grader/_content/tests/hidden/test_{topic}.py" for topic in ("toy", "softmax")} <= {
        *names
    }
    archive = zipfile.ZipFile(io.BytesIO(pack(content, course, Settings(("row_means",)))))
    inner = zipfile.ZipFile(io.BytesIO(archive.read(file_name())))
    assert not [name for name in inner.namelist() if "softmax" in name and "_content" in name]
    listed = tomllib.loads(inner.read("grader/_content/exercises/course.toml").decode())
    assert listed == {"schema": 1, "title": 'A "mixed" course', "topics": ["toy"]}


@pytest.mark.parametrize("script", ["setup.sh", "run_autograder"])
def test_scripts_are_sound_bash(root, script):
    """Bash reads both scripts without complaint."""
    bash = shutil.which("bash")
    assert bash is not None
    done = subprocess.run([bash, "-n", root / "source" / script], capture_output=True, check=False)
    assert (done.returncode, done.stderr) == (0, b"")


# ---- grading


def test_it_grades(root, site, toy):
    """A right submission a day late gets its points, less the penalty, on the scale, under the student's id."""
    shutil.copy(toy.source("toy"), root / "submission")
    code, said = graded(root, site)
    assert code == 0, said
    document = results(root)
    assert document["score"] == 18
    assert [test["status"] for test in document["tests"]] == ["passed", "passed"]
    assert document["extra_data"]["student"] == "ada@x.edu"
    assert document["extra_data"]["submitted"] == "2026-12-01T21:22:32Z"
    assert document["extra_data"]["seed"] is None  # whoever knows it could foretell the inputs
    assert document["output"].startswith("21 hours 23 minutes late: 10% of the points earned")
    assert "ada@x.edu: graded, 18.00 of 20" in said


def test_a_submission_that_writes_its_own_result(root, site):
    """What a submission writes in the place of the result is replaced by what it earned."""
    places = [str(root / "results" / "results.json")]
    (root / "submission" / "toy.py").write_text(GRABS.format(places=places) + WRONG)
    code, said = graded(root, site)
    assert code == 0, said
    document = results(root)
    assert document["score"] == 0
    assert [test["status"] for test in document["tests"]] == ["failed", "failed"]
    assert "the factor 2 of the power rule is missing" in document["tests"][0]["output"]


def test_a_submission_that_cannot_be_read(root, site):
    """No file of the course gives zero, and says what was looked for."""
    (root / "submission" / "notes.txt").write_text("hello")
    code, said = graded(root, site)
    assert code == 0, said
    document = results(root)
    assert (document["score"], document["tests"]) == (0, [])
    assert "holds no submission" in document["output"]
    assert "toy.py" in document["output"]
    assert str(root) not in document["output"]


def test_a_grader_that_fails_gives_no_score(root, site, tmp_path):
    """Where the grader dies, even a result that is there already is taken away."""
    fake = tmp_path / "python"
    fake.write_text(
        f"#!/bin/sh\necho '{{\"score\": 100}}' > {root}/results/results.json\nkill -9 $$\n"
    )
    fake.chmod(0o755)
    code, said = graded(root, site, AUTOGRADER_PYTHON=str(fake))
    assert code == 137
    assert "The fault is not the student's." in said
    assert not (root / "results" / "results.json").exists()


@pytest.mark.parametrize(
    "settings",
    ["{", "[]", "{}", '{"exercises": null, "x": 1}', '{"exercises": null, "visibility": "x"}'],
)
def test_settings_that_are_none(root, settings, capsys):
    """Broken settings are our fault: no result, exit code 3."""
    (root / "source" / "settings.json").write_text(settings)
    write_atomically(root / "results" / "results.json", '{"score": 100}')
    assert autograder.main([str(root)]) == 3
    assert "a fault of the grader's" in capsys.readouterr().out
    assert not (root / "results" / "results.json").exists()
    with pytest.raises(GradsmithError, match="pack it again"):
        read_settings(root / "source" / "settings.json")


@pytest.mark.parametrize(
    "text",
    [
        None,
        "",
        "[]",
        "{}",
        '{"users": []}',
        '{"users": [1]}',
        '{"users": [{}]}',
        '{"users": null}',
        "[" * 100_000,
        "\0",
    ],
)
def test_metadata_that_cannot_be_read(tmp_path, text):
    """Without metadata, who it was and when is not known, and nothing breaks."""
    file = tmp_path / "submission_metadata.json"
    if text is not None:
        file.write_text(text)
    student, at = autograder.read_metadata(file)
    assert (student.id, at) == ("unknown", None)


@pytest.mark.parametrize("created", [None, 3, "yesterday", "2026-12-01T14:22:32"])
def test_a_time_that_is_none(tmp_path, created):
    """A time that cannot be read, or has no zone, is not known; the student is. Of a group the first stands for all."""
    file = tmp_path / "submission_metadata.json"
    users = [{"email": "a@x", "name": "A"}, {"email": "b@x", "name": "B"}]
    file.write_text(json.dumps({"created_at": created, "users": users}))
    student, at = autograder.read_metadata(file)
    assert (student.id, student.name, at) == ("a@x", "A, B", None)


def test_usage(capsys):
    """Without a folder, `run` says how it is called."""
    assert autograder.main([]) == 2
    assert "usage" in capsys.readouterr().err


# ---- the command


def test_the_command(toy, tmp_path, monkeypatch):
    """`grader class autograder` writes an archive with the exercises that were asked for."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "class.toml").write_text("[grade]\nscale = 100\n")
    options = ("--course", str(toy.root), "--only", "row_means", "--config", "class.toml")
    done = CliRunner().invoke(cli, ["class", "autograder", "-o", "a.zip", *options])
    assert done.exit_code == 0, done.output
    assert done.output.startswith("a.zip: 1 exercise, 100 points")
    inside = zipfile.ZipFile(tmp_path / "a.zip")
    assert json.loads(inside.read("settings.json"))["exercises"] == ["row_means"]
    (tmp_path / "class.toml").write_text("dew = 3\n")
    done = CliRunner().invoke(cli, ["class", "autograder", "-o", "b.zip", *options])
    assert isinstance(done.exception, ContentError)
    assert not (tmp_path / "b.zip").exists()


def test_help_fits_the_screen():
    """The help has its examples and fits 80 columns."""
    text = CliRunner().invoke(cli, ["class", "autograder", "--help"]).output
    assert "Examples:" in text
    assert max(map(len, text.splitlines())) <= 80
