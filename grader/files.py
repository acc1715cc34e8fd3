"""Files of people: read with a clear word where that fails, written whole or not at all."""

from __future__ import annotations

import os
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from grader.errors import GradsmithError

STALE = 600.0
"""Seconds after which a lock that nobody took away counts as left behind, where the system has no locks."""


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


def make_folder(path: Path) -> None:
    """Make a folder, and those above it, where they are not there.

    Raises
    ------
    GradsmithError : that cannot be done.
    """
    try:
        path.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise GradsmithError(f"{path}: cannot be made: {error.strerror}") from None


@contextmanager
def locked(path: Path, busy: str) -> Iterator[None]:
    """Hold the lock that a file stands for; a process that is killed lets go of it.

    Parameters
    ----------
    path : the file; made where it is not there.
    busy : what is said where another process holds it.

    Raises
    ------
    GradsmithError : another process holds it, or the file cannot be made.
    """
    try:
        import fcntl
    except ImportError:  # no such locks on this system
        with _exclusive(path, busy):
            yield
        return
    make_folder(path.parent)
    try:
        handle = os.open(path, os.O_RDWR | os.O_CREAT, 0o644)
    except OSError as error:
        raise GradsmithError(f"{path}: cannot be written: {error.strerror}") from None
    try:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise GradsmithError(busy) from None
        except OSError as error:
            raise GradsmithError(f"{path}: cannot be locked: {error.strerror}") from None
        yield
    finally:
        os.close(handle)


@contextmanager
def _exclusive(path: Path, busy: str) -> Iterator[None]:
    """A lock by the file's being there; one that is old was left behind by a process that was killed."""
    held = path.with_name(f"{path.name}.held")
    make_folder(path.parent)
    try:
        try:
            if time.time() - held.stat().st_mtime > STALE:
                held.unlink(missing_ok=True)
        except FileNotFoundError:
            pass
        os.close(os.open(held, os.O_CREAT | os.O_EXCL, 0o644))
    except FileExistsError:
        raise GradsmithError(f"{busy}; if there is none, remove {held}") from None
    except OSError as error:
        raise GradsmithError(f"{held}: cannot be written: {error.strerror}") from None
    try:
        yield
    finally:
        held.unlink(missing_ok=True)


def umask() -> int:
    """The process's mask of permissions, which the system only tells by setting it."""
    mask = os.umask(0)
    os.umask(mask)
    return mask
