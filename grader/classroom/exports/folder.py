"""A folder with a file for each student, which is there whole or not at all."""

from __future__ import annotations

import hashlib
import os
import re
import shutil
import tempfile
from collections.abc import Sequence
from pathlib import Path

from grader.classroom.exports.cells import text_cell, write_rows
from grader.errors import GradsmithError
from grader.files import umask

INDEX = "students.csv"
"""Which file is whose."""
_SAFE = re.compile(r"[A-Za-z0-9][A-Za-z0-9._@+-]{0,79}")
_RESERVED = re.compile(r"(con|prn|aux|nul|com\d|lpt\d)(\..*)?|.*\.|students", re.IGNORECASE)
"""Names that Windows keeps for itself, and ours."""


def file_names(ids: Sequence[str], suffix: str) -> list[str]:
    """A name for each id: the id itself where it can be one on any system, with a digest of it where it cannot."""
    lowered = [id_.casefold() for id_ in ids]
    names = []
    for id_ in ids:
        plain = _SAFE.fullmatch(id_) and not _RESERVED.fullmatch(id_)
        if plain and lowered.count(id_.casefold()) == 1:
            names.append(f"{id_}{suffix}")
        else:
            stem = re.sub(r"[^A-Za-z0-9]+", "-", id_).strip("-")[:40] or "student"
            digest = hashlib.sha256(id_.encode("utf-8", "surrogatepass")).hexdigest()[:12]
            names.append(f"{stem}-{digest}{suffix}")
    return names


def write_folder(folder: Path, documents: Sequence[tuple[str, str]], suffix: str = ".json") -> None:
    """Write a file for each student's id, and an index of them, to a folder that is new or empty.

    Raises
    ------
    GradsmithError : the folder holds something, or cannot be written.
    """
    names = file_names([id_ for id_, _ in documents], suffix)
    try:
        if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
            raise GradsmithError(f"{folder}: is not an empty folder; name a new one, or empty it")
        made = Path(tempfile.mkdtemp(dir=folder.parent, prefix=f".{folder.name}."))
        try:
            for name, (_, text) in zip(names, documents, strict=True):
                (made / name).write_bytes(text.encode())
            rows = [("id", "file")]
            rows += [
                (text_cell(id_), name) for name, (id_, _) in zip(names, documents, strict=True)
            ]
            (made / INDEX).write_bytes(write_rows(rows))
            made.chmod(0o777 & ~umask())
            if folder.exists():  # empty: not every system puts a folder in the place of another
                folder.rmdir()
            os.replace(made, folder)
        except BaseException:
            shutil.rmtree(made, ignore_errors=True)
            raise
    except OSError as error:
        raise GradsmithError(f"{folder}: cannot be written: {error.strerror}") from None
