"""Files of people: read with a clear word where that fails, written whole or not at all."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

from grader.errors import GradsmithError


def read_text(file: Path) -> str:
    """A learner's file.

    Raises
    ------
    GradsmithError : it cannot be read, or is not UTF-8.
    """
    try:
        return file.read_text(encoding="utf-8")
    except OSError as error:
        raise GradsmithError(f"{file}: cannot be read: {error.strerror}") from None
    except UnicodeDecodeError as error:
        line = error.object[: error.start].count(b"\n") + 1
        raise GradsmithError(f"{file}, line {line}: is not UTF-8; save it as UTF-8") from None


def write_atomically(path: Path, data: str | bytes) -> None:
    """Write a file so that it holds the old content or the new, whatever interrupts.

    Raises
    ------
    GradsmithError : it cannot be written there.
    """
    try:
        handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
        try:
            with os.fdopen(handle, "wb") as file:
                file.write(data.encode() if isinstance(data, str) else data)
                file.flush()
                os.fsync(file.fileno())
            os.chmod(name, path.stat().st_mode & 0o777 if path.exists() else 0o666 & ~umask())
            os.replace(name, path)
        except BaseException:
            os.unlink(name)
            raise
    except OSError as error:
        raise GradsmithError(f"{path}: cannot be written: {error.strerror}") from None


def umask() -> int:
    """The process's mask of permissions, which the system only tells by setting it."""
    mask = os.umask(0)
    os.umask(mask)
    return mask
