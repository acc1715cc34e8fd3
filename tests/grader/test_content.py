"""Where the rooms are: in a checkout, in a wheel, and what a wheel carries."""

from __future__ import annotations

import importlib.util
import shutil
import subprocess
import sys
import tarfile
import zipfile
from dataclasses import replace
from pathlib import Path

import pytest

import grader.content
from grader.content import Content, installed, locate
from grader.errors import ContentError

CHECKOUT = Path(__file__).parents[2]

COURSE_FILES = (
    "exercises/alpha/README.md",
    "exercises/alpha/alpha.py",
    "exercises/alpha/topic.toml",
    "exercises/course.toml",
    "interview_questions/alpha/deep/third.md",
    "interview_questions/alpha/what-is-it.md",
    "interview_questions/ids.txt",
    "solutions/alpha.py",
    "tests/alternatives/alpha.py",
    "tests/hidden/test_alpha.py",
    "tests/mistakes/alpha.py",
)

JUNK_FILES = (
    "exercises/.ipynb_checkpoints/topic.toml",
    "exercises/alpha/.ipynb_checkpoints/alpha-checkpoint.py",
    "exercises/alpha/.topic.toml.swp",
    "exercises/alpha/alpha-checkpoint.py",
    "exercises/alpha/alpha.ipynb",
    "exercises/alpha/alpha.py.orig",
    "exercises/alpha/my scratch.py",
    "exercises/alpha/scratch.py",
    "interview_questions/alpha/.ipynb_checkpoints/what-is-it-checkpoint.md",
    "interview_questions/alpha/what-is-it.md~",
    "interview_questions/alpha/what-is-it (copy).md",
    "solutions/#alpha.py#",
    "solutions/.#alpha.py",
    "solutions/__pycache__/alpha.cpython-311.pyc",
    "solutions/__pycache__/alpha.py",
    "solutions/alpha (1).py",
    "solutions/alpha.py.bak",
    "solutions/alpha.orig.py",
    "tests/attacks/steal.py",
    "tests/grader/test_content.py",
    "tests/hidden/conftest.py",
    "tests/hidden/test_alpha.py~",
    "tests/mistakes/.alpha.py",
)


def write(root: Path, *names: str) -> None:
    """Empty files at these places."""
    for name in names:
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).touch()


def test_paths_of_a_topic(tmp_path: Path) -> None:
    """One slug names every file of its topic."""
    content = Content.under(tmp_path)
    paths = (
        content.statement("alpha"),
        content.stub("alpha"),
        content.topic_toml("alpha"),
        content.course_toml,
        content.source("alpha"),
        content.alternatives_file("alpha"),
        content.suite("alpha"),
        content.mistakes_file("alpha"),
    )
    told = [path.relative_to(tmp_path).as_posix() for path in paths]
    assert told == [name for name in COURSE_FILES if "interview" not in name]
    assert content.interview_questions == tmp_path / "interview_questions"
    assert content.root == tmp_path


def test_locate_takes_the_given_root(tmp_path: Path) -> None:
    """A root that was asked for is used; the installed course stands behind it for topics that it lacks."""
    write(tmp_path, "exercises/course.toml")
    assert locate(tmp_path) == replace(Content.under(tmp_path), base=installed())
    assert locate(installed().root) == installed()


def test_locate_refuses_a_root_without_a_course(tmp_path: Path) -> None:
    """The message says what a root holds; the package's own course does not stand in."""
    with pytest.raises(ContentError, match=r"give the folder that holds `exercises/course\.toml`"):
        locate(tmp_path)


def test_locate_finds_the_checkout() -> None:
    """Run from a checkout, or an editable install of it, the course is the checkout's."""
    content = locate()
    assert content.root == CHECKOUT
    assert content.course_toml.is_file()


def test_locate_prefers_what_was_installed_with_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Beside an installed package lie other packages, whatever they are called."""
    monkeypatch.setattr(grader.content, "_PACKAGE", tmp_path / "grader")
    write(tmp_path, "exercises/course.toml", "grader/_content/exercises/course.toml")
    assert locate() == Content.under(tmp_path / "grader" / "_content")


def test_locate_tells_of_a_package_without_a_course(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A broken installation is told as such."""
    monkeypatch.setattr(grader.content, "_PACKAGE", tmp_path / "grader")
    with pytest.raises(ContentError, match="has no course; install gradsmith again"):
        locate()


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """This project's build files and package, with a small course and much junk."""
    project = tmp_path / "project"
    project.mkdir()
    for name in ("pyproject.toml", "hatch_build.py", ".gitignore", "LICENSE"):
        shutil.copy(CHECKOUT / name, project)
    (project / "grader").mkdir()
    for name in ("__init__.py", "content.py", "errors.py"):
        shutil.copy(CHECKOUT / "grader" / name, project / "grader")
    write(project, "README.md", "CHANGELOG.md", "noxfile.py", *COURSE_FILES, *JUNK_FILES)
    return project


def build(project: Path, kind: str) -> Path:
    """Build a `wheel` or an `sdist` with hatchling, as pip would."""
    code = f"import hatchling.build as b; print('built:' + b.build_{kind}('dist'))"
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=project, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    return project / "dist" / done.stdout.rpartition("built:")[2].strip()


def course_files(wheel: Path) -> tuple[str, ...]:
    """The course in a wheel, of which nothing else may reach site-packages but the package."""
    names = zipfile.ZipFile(wheel).namelist()
    assert {name.split("/")[0] for name in names} <= {"grader", "gradsmith-0.1.0.dist-info"}
    prefix = "grader/_content/"
    return tuple(sorted(name[len(prefix) :] for name in names if name.startswith(prefix)))


@pytest.mark.packaging
def test_a_wheel_carries_the_course_and_no_junk(project: Path) -> None:
    """Built from a checkout full of junk, a wheel has the course's files, and finds them."""
    wheel = build(project, "wheel")
    assert course_files(wheel) == COURSE_FILES
    site = project.parent / "site-packages"
    zipfile.ZipFile(wheel).extractall(site)
    code = (
        f"import sys; sys.path.insert(0, {str(site)!r})\n"
        "from grader.content import locate; print(locate().root)"
    )
    done = subprocess.run(
        [sys.executable, "-I", "-c", code], capture_output=True, text=True, check=True
    )
    assert Path(done.stdout.strip()) == site / "grader" / "_content"


@pytest.mark.packaging
def test_a_wheel_from_the_sdist_is_the_same(project: Path) -> None:
    """The sdist holds all that the wheel is built from."""
    sdist = build(project, "sdist")
    with tarfile.open(sdist) as archive:
        archive.extractall(project.parent, filter="data")
    unpacked = project.parent / sdist.name.removesuffix(".tar.gz")
    assert course_files(build(unpacked, "wheel")) == COURSE_FILES


@pytest.mark.packaging
def test_an_editable_install_reads_the_checkout(project: Path) -> None:
    """For one the hook adds nothing, so there is no copy of the course that could go stale."""
    spec = importlib.util.spec_from_file_location("hatch_build", project / "hatch_build.py")
    assert spec is not None
    assert spec.loader is not None
    hatch_build = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(hatch_build)
    for version, n_files in (("editable", 0), ("standard", len(COURSE_FILES))):
        build_data: dict[str, dict[str, str]] = {"force_include": {}}
        hook = hatch_build.CustomBuildHook(str(project), {}, None, None, "dist", "wheel")
        hook.initialize(version, build_data)
        assert len(build_data["force_include"]) == n_files


@pytest.mark.packaging
@pytest.mark.parametrize(
    ("missing", "extra", "told"),
    [
        ("tests/hidden/test_alpha.py", None, "nothing matches tests/hidden/test_*.py"),
        ("exercises/course.toml", None, "nothing matches exercises/course.toml"),
        (None, "grader/_content/exercises/course.toml", "is a stale copy of the course; remove it"),
    ],
)
def test_a_wheel_without_its_course_is_not_built(
    project: Path, missing: str | None, extra: str | None, told: str
) -> None:
    """The build fails and says why, rather than shipping a package that cannot work."""
    if missing:
        (project / missing).unlink()
    if extra:
        write(project, extra)
    code = "import hatchling.build as b; b.build_wheel('dist')"
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=project, capture_output=True, text=True, check=False
    )
    assert done.returncode != 0
    assert told in done.stderr
