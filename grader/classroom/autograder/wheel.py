"""A wheel of the package that runs, with the course that is graded and nothing that a student must not see.

It is packed from the files that are in use, be they a checkout or an installed wheel, so that neither a build nor the
network is needed. The solutions and the alternatives stay at home: grading does not read them. The hidden suites and
the mistakes have to go along.
"""

from __future__ import annotations

import base64
import hashlib
import importlib.metadata
import io
import json
import re
import zipfile
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import grader
from grader.content import Content
from grader.errors import GradsmithError
from grader.model import Course

NAME = "gradsmith"
TAG = "py3-none-any"
CARRIED = Path("grader/_content")
STAND_IN = '"""Left out: an autograder needs no {what}."""\n'
EPOCH = (1980, 1, 1, 0, 0, 0)
"""The time of all files in archives, so that the same files give the same bytes."""
_JUNK = re.compile(r"\..*|__pycache__|_content|.*~|.*\.pyc|#.*")
_EXTRA = re.compile(r";.*\bextra\b")


def file_name() -> str:
    """What the wheel is called."""
    return f"{NAME}-{grader.__version__}-{TAG}.whl"


def wheel(content: Content, course: Course) -> bytes:
    """The wheel, with the topics of `course` alone.

    Raises
    ------
    GradsmithError : a file of the course cannot be read, or what the package needs is not known.
    """
    info = f"{NAME}-{grader.__version__}.dist-info"
    files = dict(_package()) | dict(_course(content, course))
    files[f"{info}/METADATA"] = _metadata()
    files[f"{info}/WHEEL"] = (
        f"Wheel-Version: 1.0\nGenerator: {NAME}\nRoot-Is-Purelib: true\nTag: {TAG}\n".encode()
    )
    files[f"{info}/entry_points.txt"] = b"[console_scripts]\ngrader = grader.__main__:main\n"
    record = f"{info}/RECORD"
    lines = [f"{name},sha256={_digest(data)},{len(data)}" for name, data in sorted(files.items())]
    files[record] = "\n".join([*lines, f"{record},,", ""]).encode()
    return archive(files)


def archive(files: Mapping[str, bytes], executable: Sequence[str] = ()) -> bytes:
    """A zip archive of some files, the same bytes for the same files."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as packed:
        for name in sorted(files):
            entry = zipfile.ZipInfo(name, EPOCH)
            entry.create_system = 3  # Unix, wherever it is made: only then are the permissions read
            entry.external_attr = (0o100755 if name in executable else 0o100644) << 16
            entry.compress_type = zipfile.ZIP_DEFLATED
            packed.writestr(entry, files[name])
    return out.getvalue()


def _package() -> Iterator[tuple[str, bytes]]:
    """The package's own files."""
    root = Path(grader.__file__).resolve().parent
    for path in root.rglob("*"):
        inside = path.relative_to(root)
        if path.is_file() and not any(_JUNK.fullmatch(part) for part in inside.parts):
            yield f"grader/{inside.as_posix()}", path.read_bytes()


def _course(content: Content, course: Course) -> Iterator[tuple[str, bytes]]:
    """The files of the course, at the places where an installed package looks for them."""
    there = Content.under(CARRIED)
    slugs = [topic.slug for topic in course.topics]
    listed = f"schema = 1\ntitle = {json.dumps(course.title, ensure_ascii=False)}\ntopics = {json.dumps(slugs)}\n"
    yield there.course_toml.as_posix(), listed.encode()
    for slug in slugs:
        for here, place in (
            (content.topic_toml(slug), there.exercises / slug / "topic.toml"),
            (content.statement(slug), there.exercises / slug / "README.md"),
            (content.suite(slug), there.hidden / f"test_{slug}.py"),
            (content.mistakes_file(slug), there.mistakes / f"{slug}.py"),
        ):
            try:
                yield place.as_posix(), here.read_bytes()
            except OSError as error:
                raise GradsmithError(f"{here}: cannot be read: {error.strerror}") from None
        for folder, what in ((there.solutions, "solution"), (there.alternatives, "alternatives")):
            yield (folder / f"{slug}.py").as_posix(), STAND_IN.format(what=what).encode()


def _metadata() -> bytes:
    try:
        needs = importlib.metadata.requires(NAME) or []
        python = importlib.metadata.metadata(NAME)["Requires-Python"]
    except importlib.metadata.PackageNotFoundError:
        raise GradsmithError(
            f"what {NAME} needs is not known, as it is not installed; run: pip install -e . in its checkout"
        ) from None
    lines = [
        "Metadata-Version: 2.1", f"Name: {NAME}", f"Version: {grader.__version__}", f"Requires-Python: {python}",
        *(f"Requires-Dist: {need}" for need in needs if not _EXTRA.search(need)),
    ]  # fmt: skip
    return "\n".join([*lines, ""]).encode()


def _digest(data: bytes) -> str:
    return base64.urlsafe_b64encode(hashlib.sha256(data).digest()).rstrip(b"=").decode()
