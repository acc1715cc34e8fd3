"""Seeds that nobody outside can foretell: each submission's derives from a secret of the class.

Whoever knew the seed could write code that is right at its random values alone. With the secret, each student's seed is
fixed, differs from the others', and is kept with the result, so that it can be replayed by whoever has the results.
"""

from __future__ import annotations

import hashlib
import hmac
import os
import secrets
import stat
from dataclasses import dataclass
from pathlib import Path

from grader.errors import GradsmithError

SECRET_BYTES = 32
MIN_SECRET_BYTES = 16
"""A shorter one of an instructor's own could be guessed."""
MAX_SECRET_BYTES = 4096
SEED_BITS = 63
"""What fits SQLite's integers and every reader of JSON that knows integers at all."""


@dataclass(frozen=True, slots=True)
class Seeding:
    """How seeds are made: one for all that is known, or one for each student that follows from a secret."""

    secret: bytes = b""
    fixed: int = 0

    @property
    def name(self) -> str:
        """What tells it from another, and gives nothing away."""
        if not self.secret:
            return f"fixed {self.fixed}"
        return "secret " + hmac.digest(self.secret, b"fingerprint", "sha256").hex()[:16]

    def seed(self, student: str, course: str) -> int:
        """The seed of one student's submission.

        Parameters
        ----------
        course : the digest of the course's content.
        """
        if not self.secret:
            return self.fixed
        message = b"\0".join(text.encode("utf-8", "replace") for text in (student, course))
        digest = hmac.digest(self.secret, message, hashlib.sha256)
        return int.from_bytes(digest[:8], "big") >> (64 - SEED_BITS)


def read_secret(path: Path) -> Seeding:
    """The seeding of a secret in a file.

    Raises
    ------
    GradsmithError : it cannot be read, or is too short to be one.
    """
    try:
        with open(path, "rb") as file:
            secret = file.read(MAX_SECRET_BYTES + 1)
    except OSError as error:
        raise GradsmithError(f"{path}: cannot be read: {error.strerror}") from None
    if not MIN_SECRET_BYTES <= len(secret) <= MAX_SECRET_BYTES:
        raise GradsmithError(
            f"{path}: a secret has {MIN_SECRET_BYTES} to {MAX_SECRET_BYTES} bytes; "
            f"make one: head -c {SECRET_BYTES} /dev/urandom > {path}"
        )
    return Seeding(secret)


def own_secret(path: Path) -> Seeding:
    """The seeding of the secret that a class keeps; made where there is none, readable by its owner alone.

    Raises
    ------
    GradsmithError : it cannot be read or written.
    """
    if not path.exists():
        # Written beside and linked, so that it is whole or not there, whatever interrupts.
        new = path.with_name(f".{path.name}.{os.getpid()}")
        try:
            new.unlink(missing_ok=True)
            handle = os.open(new, os.O_WRONLY | os.O_CREAT | os.O_EXCL, stat.S_IRUSR | stat.S_IWUSR)
            with os.fdopen(handle, "wb") as file:
                file.write(secrets.token_bytes(SECRET_BYTES))
                file.flush()
                os.fsync(file.fileno())
            os.replace(new, path)
        except OSError as error:
            raise GradsmithError(f"{path}: cannot be written: {error.strerror}") from None
    return read_secret(path)
