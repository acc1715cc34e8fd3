"""Wheel, sdist and editable checkout: each grades from another folder, and ships nothing it should not."""

from __future__ import annotations

import os
import subprocess
import sys
import tarfile
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
pytestmark = [pytest.mark.packaging, pytest.mark.long]

WRONG = (
    "import numpy as np\ndef softmax_vjp(s, grad_s, axis=-1):\n    return s * (1 - s) * grad_s\n"
)


def check(command: list[str | Path], **options: object) -> str:
    """Run a command that must succeed; what it printed."""
    done = subprocess.run(
        list(map(str, command)), capture_output=True, text=True, check=False, **options
    )  # type: ignore[call-overload]
    assert done.returncode == 0, done.stdout + done.stderr
    return str(done.stdout)


@pytest.fixture(scope="module")
def checkout(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The files that git tracks or would track, with some junk beside them."""
    if not (ROOT / ".git").exists():
        pytest.skip("not a git checkout: there is no list of the project's files")
    target = tmp_path_factory.mktemp("checkout")
    listed = check(["git", "ls-files", "-co", "--exclude-standard", "-z"], cwd=ROOT).split("\0")
    for name in filter(None, listed):
        if (ROOT / name).is_file():
            (target / name).parent.mkdir(parents=True, exist_ok=True)
            (target / name).write_bytes((ROOT / name).read_bytes())
    for junk in (
        "exercises/softmax/.ipynb_checkpoints/softmax.py", "solutions/__pycache__/x.pyc",
        "solutions/softmax.py~",
    ):  # fmt: skip
        (target / junk).parent.mkdir(parents=True, exist_ok=True)
        (target / junk).write_text("junk")
    return target


@pytest.fixture(scope="module")
def built(checkout: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with an sdist, and a wheel that was built from it."""
    out = tmp_path_factory.mktemp("dist")
    check([sys.executable, "-m", "build", "--no-isolation", "--outdir", out, checkout])
    return out


def grades_elsewhere(python: Path, folder: Path) -> None:
    """Make a workspace in another folder and grade a wrong function there."""
    env = {"PATH": os.environ["PATH"], "NO_COLOR": "1", "COLUMNS": "80"}
    check([python, "-m", "grader", "init", "practice"], cwd=folder, env=env)
    (folder / "practice" / "softmax" / "softmax.py").write_text(WRONG)
    said = check([python, "-m", "grader", "check", "softmax_vjp"], cwd=folder / "practice", env=env)
    assert "the Jacobian is taken for its diagonal" in " ".join(said.split())
    said = check([python, "-m", "grader", "verify", "softmax", "--jobs", "1"], cwd=folder, env=env)
    assert "all proved" in said


def environment(folder: Path, *words: str | Path) -> Path:
    """The interpreter of a fresh environment in which pip has installed something."""
    check([sys.executable, "-m", "venv", folder])
    python = folder / "bin" / "python"
    check([python, "-m", "pip", "install", "--quiet", "--no-compile", *words])
    return python


def test_wheel_holds_the_package_alone(built: Path) -> None:
    """One top-level package, the course inside it as data, no junk, no tests of the tool."""
    (wheel,) = built.glob("*.whl")
    names = zipfile.ZipFile(wheel).namelist()
    tops = {name.split("/")[0] for name in names}
    assert {top for top in tops if not top.endswith(".dist-info")} == {"grader"}
    for needed in (
        "exercises/course.toml", "exercises/softmax/softmax.py", "solutions/softmax.py",
        "tests/hidden/test_softmax.py", "tests/mistakes/softmax.py", "tests/alternatives/softmax.py",
    ):  # fmt: skip
        assert f"grader/_content/{needed}" in names
    assert not [n for n in names if "checkpoints" in n or n.endswith(("~", ".pyc"))]
    assert not [n for n in names if "tests/grader" in n or "benchmarks" in n]


def test_sdist_holds_what_the_tests_need(built: Path) -> None:
    """The sdist has the content, the tests and the licence, under one folder."""
    (sdist,) = built.glob("*.tar.gz")
    with tarfile.open(sdist) as archive:
        names = archive.getnames()
    tops = {name.split("/")[0] for name in names}
    assert len(tops) == 1
    top = tops.pop()
    for needed in (
        "LICENSE",
        "README.md",
        "solutions/softmax.py",
        "tests/grader/test_packaging.py",
        "hatch_build.py",
    ):
        assert f"{top}/{needed}" in names


def test_wheel_grades_in_a_fresh_environment(built: Path, tmp_path: Path) -> None:
    """Installed from the wheel, far from the checkout, it makes a workspace, grades and verifies."""
    (wheel,) = built.glob("*.whl")
    python = environment(tmp_path / "env", wheel)
    (tmp_path / "elsewhere").mkdir()
    grades_elsewhere(python, tmp_path / "elsewhere")


def test_editable_checkout_reads_the_checkout(checkout: Path, tmp_path: Path) -> None:
    """An editable install sees a change of the course at once, and has no copy of its own."""
    check([sys.executable, "-m", "venv", "--without-pip", tmp_path / "env"])
    python = tmp_path / "env" / "bin" / "python"
    # What it depends on is found in the environment of these tests: to install it once, for the wheel, is enough.
    own = Path(
        check([python, "-c", "import sysconfig; print(sysconfig.get_path('purelib'))"]).strip()
    )
    (own / "others.pth").write_text(
        "\n".join(path for path in sys.path if path.endswith("-packages"))
    )
    options = ["--quiet", "--no-deps", "--editable", checkout]
    check([sys.executable, "-m", "pip", "--python", python, "install", *options])
    where = check([python, "-c", "import grader; print(grader.__file__)"], cwd=tmp_path)
    assert Path(where.strip()).is_relative_to(checkout)
    assert not (checkout / "grader" / "_content").exists()
    (tmp_path / "elsewhere").mkdir()
    grades_elsewhere(python, tmp_path / "elsewhere")
    topic = checkout / "exercises" / "softmax" / "topic.toml"
    topic.write_text(topic.read_text().replace("Stable softmax", "Changed in the checkout"))
    assert "Changed in the checkout" in check([python, "-m", "grader", "list"], cwd=tmp_path)
