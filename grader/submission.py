"""A path becomes a submission: source text by topic, read with care and never run.

A submission is a `.py` file, a notebook, a folder, or a `.zip`. Nothing of it is extracted, imported
or compiled; of a folder or an archive only the files named after a topic are opened, and of those no
more than `MAX_SOURCE_BYTES` is read, or of a notebook `grader.notebooks.format.MAX_BYTES`, of which the
code alone is kept. What cannot be understood scores nothing and says so: in an
`UnreadableSubmissionError` where the path as a whole is at fault, in a `Problem` where one topic's
file is, in a note where a file was passed over.

The path itself may be a symbolic link, since a person chose it; a link inside a submission is
never followed.
"""

from __future__ import annotations

import io
import os
import re
import stat
import struct
import tokenize
import zipfile
import zlib
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from enum import StrEnum
from itertools import islice
from pathlib import Path
from typing import Protocol

from grader.errors import UnreadableSubmissionError
from grader.model import Course, Problem
from grader.notebooks.cells import Place
from grader.notebooks.format import MAX_BYTES, SUFFIX, NotebookError, parsed

MAX_SOURCE_BYTES = 2**20
"""One topic's file; a long solution has 20 KiB."""
MAX_ARCHIVE_BYTES = 64 * 2**20
"""A whole archive, which is held in memory; leaves room for figures beside the sources."""
MAX_ENTRIES = 10_000
"""Files and folders in an archive or in one folder."""
MAX_BULK_ENTRIES = 1_000_000
"""The same, of an archive or a folder with the submissions of a whole class."""

ACCEPTED = "a .py file, a notebook, a folder, or a .zip of one"

_DAMAGED = (
    zipfile.BadZipFile,
    zlib.error,
    struct.error,
    EOFError,
    RuntimeError,  # NotImplementedError and, for a password, zipfile's own
    ValueError,  # names that are not UTF-8, offsets before the start
    OverflowError,
    OSError,
)
"""What zipfile raises for an archive that is cut short or made up."""
_CHUNK = 2**18
"""Bytes read at once: `read` takes room for all that it is asked for, whatever is there."""
_CENTRAL_ENTRY = b"PK\x01\x02"
_ENCRYPTED = 0x1
_ASCII_PROBE = (
    bytes(set(range(128)) - {0x5C})
    + rb"\\ \u0041 \x41 +AGE- .xn--bcher-kva ~{ab~} "
    + b"\x1b$Bab\x1b(B"
)
"""Every ASCII character, and the escapes by which an encoding could make other code of them."""
_DEFINITION = re.compile(r"^(?:async[ \t]+)?def[ \t]+(\w+)", re.MULTILINE)
_CALL = re.compile(r"(?<![\w.])(\w+)\(")
_LINE_END = re.compile(r"\r\n|\r|\n")


@dataclass(frozen=True, slots=True)
class Source:
    """The text of one topic's file; `file` is its name inside the submission, for display.

    Of a notebook, `text` is the Python of its cells, and `cells` says where each begins in it.
    """

    topic: str
    file: str
    text: str
    cells: tuple[Place, ...] = ()


@dataclass(frozen=True, slots=True)
class Submission:
    """What is graded.

    Attributes
    ----------
    name : what the submission is called in reports.
    sources : topic to source; a topic without one is missing or is among the `problems`.
    topics : the topics to be scored, in the course's order.
    notes : what a person should know: files that were not found or were passed over.
    problems : files that are there but cannot be read as Python text.
    """

    name: str
    sources: Mapping[str, Source]
    topics: tuple[str, ...]
    notes: tuple[str, ...] = ()
    problems: tuple[Problem, ...] = ()


class Kind(StrEnum):
    """What a name in a tree stands for."""

    FILE = "a file"
    FOLDER = "a folder"
    LINK = "a symbolic link"
    OTHER = "no regular file"
    DUPLICATE = "more than one file"


class _BadText(Exception):
    """Bytes that are not Python text, and where."""

    def __init__(self, message: str, line: int | None = None, column: int | None = None) -> None:
        self.line = line
        self.column = column
        super().__init__(message)


class Tree(Protocol):
    """A folder or an archive. Paths are relative, with `/` behind each folder.

    Attributes
    ----------
    notes : what was passed over in it, for a person.
    """

    notes: list[str]

    def children(self, folder: str) -> Mapping[str, Kind]:
        """Name to kind of what is in `folder`."""

    def read(self, path: str, limit: int) -> bytes:
        """At most `limit` + 1 bytes of a file."""


def calls_between(text: str, names: Collection[str]) -> dict[str, frozenset[str]]:
    """Which of the functions `names` each of them calls, as far as the text shows it.

    Read with a pattern, not parsed: text that means harm must not reach a parser in this process.
    """
    starts = [(found.start(), found[1]) for found in _DEFINITION.finditer(text)]
    ends = [start for start, _ in starts[1:]] + [len(text)] * bool(starts)
    return {
        name: frozenset(_CALL.findall(text[start:end])) & frozenset(names) - {name}
        for (start, name), end in zip(starts, ends, strict=True)
        if name in names
    }


def read_submission(path: Path, course: Course) -> Submission:
    """Read what a learner handed in.

    A `.py` file or a notebook is scored on one topic: the one it is named after, else the one whose
    functions it defines. A folder or a `.zip` is scored on the whole course; for each topic it is
    searched for `<topic>.py`, then `<topic>/<topic>.py`, and where there is none for `<topic>.ipynb` in
    these places, at its top or else in the one folder that it holds.

    Parameters
    ----------
    path : a `.py` file, a notebook, a folder or a `.zip`.
    course : whose topics are looked for.

    Raises
    ------
    UnreadableSubmissionError : `path` does not exist, cannot be opened, is of another type, is a
        damaged, encrypted or oversized archive, or holds no topic's file at all.
    """
    path = Path(path)
    try:
        mode = path.stat().st_mode
    except FileNotFoundError:
        raise _unreadable(path, f"not found; give {ACCEPTED}") from None
    except (OSError, ValueError) as error:
        raise _unreadable(path, f"cannot be read ({_reason(error)}); give {ACCEPTED}") from None
    suffix = path.suffix.lower()
    try:
        if stat.S_ISDIR(mode):
            return read_tree(Folder(path), course, name=_name(path), where=path)
        if not stat.S_ISREG(mode):
            raise _unreadable(path, f"not a regular file; give {ACCEPTED}")
        if suffix in (".py", SUFFIX):
            data = _read_regular(path, size_limit(path.name) + 1, follow=True)
            return read_file(path.name, data, course, where=path)
        if suffix == ".zip":
            return read_tree(Archive(path), course, name=_name(path), where=path)
    except OSError as error:
        where = Path(error.filename) if isinstance(error.filename, str) else path
        raise _unreadable(
            where, f"cannot be read ({_reason(error)}); check its permissions"
        ) from None
    raise _unreadable(path, f"this type of file is not read; give {ACCEPTED}")


def read_file(name: str, data: bytes, course: Course, *, where: Path) -> Submission:
    """The submission of one topic that a `.py` file or a notebook is.

    Parameters
    ----------
    name : the file's name, which may be its topic's.
    data : what is in it; one byte more than `size_limit` is enough to know that it is too long.
    where : as it stands in messages.

    Raises
    ------
    UnreadableSubmissionError : its topic cannot be told.
    """
    stem = Path(name).stem
    file = shown(name)
    topic = stem if stem in {topic.slug for topic in course.topics} else ""
    try:
        text, cells = _text_of(name, data)
    except _BadText as error:
        if not topic:
            raise _unreadable(where, str(error)) from None
        problem = Problem(topic, file, str(error), error.line, error.column, early=True)
        return Submission(file, {}, (topic,), problems=(problem,))
    topic = topic or _topic_of(where, text, course)
    return Submission(file, {topic: Source(topic, file, text, cells)}, (topic,))


def size_limit(name: str) -> int:
    """The bytes that a topic's file of this name may have."""
    return MAX_BYTES if name.lower().endswith(SUFFIX) else MAX_SOURCE_BYTES


def _text_of(name: str, data: bytes) -> tuple[str, tuple[Place, ...]]:
    """The Python of a file, and of a notebook where its cells begin. Raises `_BadText`."""
    if not name.lower().endswith(SUFFIX):
        return _decode(data), ()
    try:
        text, cells = parsed(data).python()
    except NotebookError as error:
        raise _BadText(str(error), error.line) from None
    if len(text.encode()) > MAX_SOURCE_BYTES:
        size = _size(MAX_SOURCE_BYTES)
        raise _BadText(f"its code is over {size}; hand in the functions alone")
    return text, cells


def _topic_of(path: Path, text: str, course: Course) -> str:
    """The topic whose functions `text` defines."""
    defined = set(_DEFINITION.findall(text))
    slugs = [
        topic.slug
        for topic in course.topics
        if any(exercise.name in defined for exercise in topic.exercises)
    ]
    if len(slugs) == 1:
        return slugs[0]
    files = _any_of([topic.slug for topic in course.topics])
    if slugs:
        which = " and ".join(slugs)
        raise _unreadable(path, f"defines functions of {which}; give each topic a file: {files}")
    raise _unreadable(path, f"defines no function of the course; expected a file like {files}")


def read_tree(tree: Tree, course: Course, *, name: str, where: Path) -> Submission:
    """The submission of the whole course that a folder or an archive is.

    Parameters
    ----------
    name : what the submission is called in reports.
    where : as it stands in messages.

    Raises
    ------
    UnreadableSubmissionError : it holds no topic's file at all, or is damaged.
    OSError : it cannot be read.
    """
    slugs = tuple(topic.slug for topic in course.topics)
    base, places = "", _places(tree, "", slugs)
    if not places:
        folders = [
            child
            for child, kind in tree.children("").items()
            if kind is Kind.FOLDER and not _is_junk(child)
        ]
        if len(folders) == 1:
            base = f"{folders[0]}/"
            places = _places(tree, base, slugs)
    notes = list(tree.notes)
    missing: list[str] = []
    sources: dict[str, Source] = {}
    problems: list[Problem] = []
    for slug in slugs:
        found = places.get(slug, {})
        usable = [p for p, kind in found.items() if kind in (Kind.FILE, Kind.DUPLICATE)]
        refused = [(p, kind) for p, kind in found.items() if p not in usable]
        notes += [f"{shown(p)} is {kind.value} and was not read" for p, kind in refused]
        if not usable:
            if near := _near_miss(tree.children(base), slug, slugs):
                notes.append(f"{shown(base + near)} was not read: only {slug}.py would be")
            missing.append(slug)
            continue
        chosen, *others = usable
        file = shown(chosen)
        notes += [f"{shown(other)} was not read: {file} was" for other in others]
        if found[chosen] is Kind.DUPLICATE:
            message = "stands in the archive more than once; pack it again with one of each"
            problems.append(Problem(slug, file, message, early=True))
            continue
        try:
            text, cells = _text_of(chosen, tree.read(chosen, size_limit(chosen)))
            sources[slug] = Source(slug, file, text, cells)
        except _BadText as error:
            problems.append(Problem(slug, file, str(error), error.line, error.column, early=True))
    if len(missing) == len(slugs):
        aside = f" ({'; '.join(notes[:3])})" if notes else ""
        raise _unreadable(where, f"holds no submission{aside}; expected {_any_of(slugs)} in it")
    notes += [f"{slug}.py not found: its functions count as missing" for slug in missing]
    return Submission(name, sources, slugs, tuple(notes), tuple(problems))


def holds_submission(tree: Tree, course: Course) -> bool:
    """Whether a topic's file stands at the top of a tree, so that the tree is a submission by itself."""
    return bool(_places(tree, "", tuple(topic.slug for topic in course.topics)))


def _places(tree: Tree, base: str, slugs: tuple[str, ...]) -> dict[str, dict[str, Kind]]:
    """Topic to the paths, best first, where its file or a link in its place stands."""
    places: dict[str, dict[str, Kind]] = {}
    here = tree.children(base)
    for slug in slugs:
        found: dict[str, Kind] = {}
        if here.get(slug) is Kind.LINK:
            found[base + slug] = Kind.LINK
        inside = tree.children(f"{base}{slug}/") if here.get(slug) is Kind.FOLDER else {}
        for file in (f"{slug}.py", slug + SUFFIX):
            if file in here and here[file] is not Kind.FOLDER:
                found[base + file] = here[file]
            if file in inside and inside[file] is not Kind.FOLDER:
                found[f"{base}{slug}/{file}"] = inside[file]
        if found:
            places[slug] = found
    return places


class Folder:
    """A folder on disk, of which only the listings that are asked for are read.

    Parameters
    ----------
    max_entries : more in one folder are refused; `MAX_ENTRIES` by default.
    """

    def __init__(self, root: Path, max_entries: int | None = None) -> None:
        self.notes: list[str] = []
        self._root = root
        self._max_entries = MAX_ENTRIES if max_entries is None else max_entries
        self._listings: dict[str, dict[str, Kind]] = {}

    def children(self, folder: str) -> Mapping[str, Kind]:
        if folder not in self._listings:
            with os.scandir(self._root / folder) as entries:
                listing = {e.name: _entry_kind(e) for e in islice(entries, self._max_entries + 1)}
            if len(listing) > self._max_entries:
                fix = (
                    f"holds over {self._max_entries} files; give a folder with the submission alone"
                )
                raise _unreadable(self._root / folder, fix)
            self._listings[folder] = dict(sorted(listing.items()))
        return self._listings[folder]

    def read(self, path: str, limit: int) -> bytes:
        return _read_regular(self._root / path, limit + 1, follow=False)


def _entry_kind(entry: os.DirEntry[str]) -> Kind:
    if entry.is_symlink():
        return Kind.LINK
    if entry.is_dir(follow_symlinks=False):
        return Kind.FOLDER
    return Kind.FILE if entry.is_file(follow_symlinks=False) else Kind.OTHER


class SubTree:
    """A folder inside a tree, as a tree of its own."""

    def __init__(self, tree: Tree, folder: str) -> None:
        self.notes: list[str] = []
        self._tree = tree
        self._folder = folder

    def children(self, folder: str) -> Mapping[str, Kind]:
        return self._tree.children(self._folder + folder)

    def read(self, path: str, limit: int) -> bytes:
        return self._tree.read(self._folder + path, limit)


class Archive:
    """A zip file, its members unpacked one by one on demand; nothing of it is written anywhere.

    Parameters
    ----------
    path : the file, and what it is called in messages.
    data : its content where it is no file of its own, such as an archive in an archive.
    bulk : an archive of many submissions, which is read from the file as it is needed, may be larger, and nests deeper.
    """

    def __init__(self, path: Path, data: bytes | None = None, *, bulk: bool = False) -> None:
        self.notes: list[str] = []
        self._path = path
        self._depth = 6 if bulk else 3  # no topic's file lies deeper
        self._members: dict[str, zipfile.ZipInfo] = {}
        self._listings: dict[str, dict[str, Kind]] = {"": {}}
        file: io.BufferedReader | io.BytesIO
        if bulk:
            most = MAX_BULK_ENTRIES
            file = _open_regular(path, follow=True)
            try:
                n_entries = _count(file, _CENTRAL_ENTRY)
            except OSError as error:
                raise self._damaged(error) from None
        else:
            most = MAX_ENTRIES
            if data is None:
                data = _read_regular(path, MAX_ARCHIVE_BYTES + 1, follow=True)
            if len(data) > MAX_ARCHIVE_BYTES:
                raise _unreadable(
                    path, f"over {_size(MAX_ARCHIVE_BYTES)}; pack the .py files alone"
                )
            file, n_entries = io.BytesIO(data), data.count(_CENTRAL_ENTRY)
        # Counted before zipfile makes an object of each, which takes ten times the room.
        if n_entries > most:
            file.close()
            raise _unreadable(path, f"holds over {most} files; pack the .py files alone")
        try:
            self._zip = zipfile.ZipFile(file)
        except _DAMAGED as error:
            file.close()
            raise self._damaged(error) from None
        self._file = file
        unsafe = [info for info in self._zip.infolist() if not self._place(info)]
        if unsafe:
            first = shown(unsafe[0].orig_filename)
            self.notes.append(
                f"{len(unsafe)} of the archive's members, with unsafe names such as {first}, "
                "were not read"
            )

    def close(self) -> None:
        """Close the file; nothing can be read any more."""
        self._zip.close()
        self._file.close()

    def children(self, folder: str) -> Mapping[str, Kind]:
        return self._listings.get(folder, {})

    def read(self, path: str, limit: int) -> bytes:
        info = self._members[path]
        if info.flag_bits & _ENCRYPTED:
            raise _unreadable(self._path, f"{shown(path)} is encrypted; pack without a password")
        if info.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
            # zipfile's readers of the other methods unpack without a bound on memory.
            fix = f"{shown(path)} is packed by an unusual method; pack as an ordinary .zip"
            raise _unreadable(self._path, fix)
        try:
            with self._zip.open(info) as member:
                return member.read(limit + 1)
        except _DAMAGED as error:
            raise self._damaged(error) from None

    def _place(self, info: zipfile.ZipInfo) -> bool:
        """Enter a member into the listings; False where its name is unsafe."""
        name = info.orig_filename  # as packed: `filename` ends at a NUL, and on Windows has no \
        folder = name.endswith("/")
        parts = [part for part in name.removesuffix("/").split("/") if part != "."]
        if "" in parts or ".." in parts or not parts or re.search(r"[\\\0]|^[A-Za-z]:", name):
            return False
        prefix = ""
        for part in parts[:-1][: self._depth]:
            self._listings.setdefault(prefix, {}).setdefault(part, Kind.FOLDER)
            prefix += f"{part}/"
        if len(parts) > self._depth:
            return True
        siblings = self._listings.setdefault(prefix, {})
        if folder:
            siblings.setdefault(parts[-1], Kind.FOLDER)
        elif siblings.get(parts[-1], Kind.FOLDER) is Kind.FOLDER:
            siblings[parts[-1]] = _member_kind(info)
            self._members[prefix + parts[-1]] = info
        else:
            siblings[parts[-1]] = Kind.DUPLICATE
        return True

    def _damaged(self, error: Exception) -> UnreadableSubmissionError:
        return _unreadable(
            self._path, f"not a sound .zip archive ({_reason(error)}); pack it again"
        )


def _member_kind(info: zipfile.ZipInfo) -> Kind:
    mode = info.external_attr >> 16
    if stat.S_ISLNK(mode):
        return Kind.LINK
    return Kind.FILE if stat.S_IFMT(mode) in (0, stat.S_IFREG) else Kind.OTHER


def _open_regular(path: Path, *, follow: bool) -> io.BufferedReader:
    """A regular file; OSError for anything else, which is not opened."""
    if not stat.S_ISREG(os.stat(path, follow_symlinks=follow).st_mode):
        raise OSError("not a regular file")
    flags = os.O_RDONLY
    for flag in ("O_BINARY", "O_CLOEXEC", "O_NOCTTY", "O_NONBLOCK"):
        flags |= getattr(os, flag, 0)  # each where the platform has it
    if not follow:
        flags |= getattr(os, "O_NOFOLLOW", 0)
    file = open(os.open(path, flags), "rb")  # noqa: SIM115 - the caller's to close
    if not stat.S_ISREG(os.fstat(file.fileno()).st_mode):  # swapped since it was looked at
        file.close()
        raise OSError("not a regular file")
    return file


def _read_regular(path: Path, limit: int, *, follow: bool) -> bytes:
    """At most `limit` bytes of a regular file; OSError for anything else, which is not opened."""
    with _open_regular(path, follow=follow) as file:
        # All that it says it has at once, since pieces take as much again when they are joined; then what has grown.
        chunks = [file.read(min(limit, os.fstat(file.fileno()).st_size))]
        limit -= len(chunks[0])
        while limit > 0 and (chunk := file.read(min(limit, _CHUNK))):
            chunks.append(chunk)
            limit -= len(chunk)
        return b"".join(chunks)


def _count(file: io.BufferedReader, signature: bytes) -> int:
    """How often a signature stands in a file, which is then at its beginning again."""
    n, tail = 0, b""
    while chunk := file.read(_CHUNK):
        n += (tail + chunk).count(signature)
        tail = chunk[-len(signature) + 1 :]
    file.seek(0)
    return n


def _decode(data: bytes) -> str:
    """Python source as text: PEP 263, line ends kept, without a byte-order mark.

    Raises `_BadText` for what the compiler would refuse, for over `MAX_SOURCE_BYTES`, and for an
    encoding in which ASCII text could mean something else.
    """
    if len(data) > MAX_SOURCE_BYTES:
        raise _BadText(f"over {_size(MAX_SOURCE_BYTES)}; hand in the functions alone")
    if data.startswith((b"\xff\xfe", b"\xfe\xff")):
        raise _BadText("saved as UTF-16; save it as UTF-8", 1)
    try:
        encoding = _encoding(data)
        text = data.decode(encoding)
    except UnicodeDecodeError as error:
        line, _ = _position(error.object[: error.start].decode("latin-1"))
        reason = f"byte 0x{error.object[error.start]:02x} is not {shown(error.encoding)}"
        raise _BadText(f"{reason}; save it as UTF-8", line) from None
    except ValueError as error:  # what else a codec may raise
        raise _BadText(f"{shown(error)}; save it as UTF-8", 1) from None
    nul = text.find("\0")
    if nul >= 0:
        raise _BadText("holds a NUL character; save it as plain text", *_position(text[:nul]))
    return text


def _encoding(data: bytes) -> str:
    """The encoding that PEP 263 gives; UnicodeDecodeError where it is UTF-8 and wrong."""
    head = data.replace(b"\r\n", b"\n").replace(b"\r", b"\n")
    try:
        encoding, _ = tokenize.detect_encoding(io.BytesIO(head).readline)
    except (SyntaxError, ValueError, LookupError, OSError) as error:
        data.decode("utf-8-sig")  # tells the place, if it is the bytes that are wrong
        raise _BadText(f"{shown(error)}; save it as UTF-8", 1) from None
    try:
        plain = _ASCII_PROBE.decode(encoding) == _ASCII_PROBE.decode("ascii")
    except (ValueError, LookupError):
        plain = False
    if not plain:
        raise _BadText(f"encoding {shown(encoding)} is not taken; save it as UTF-8", 1)
    return encoding


def _position(before: str) -> tuple[int, int]:
    """Line and column, from 1, of what follows `before`."""
    line, start = 1, 0
    for match in _LINE_END.finditer(before):
        line, start = line + 1, match.end()
    return line, len(before) - start + 1


def _near_miss(names: Mapping[str, Kind], slug: str, slugs: tuple[str, ...]) -> str:
    """A name that was probably meant as `<slug>.py` and is no other topic's, or an empty string."""
    pattern = re.compile(rf"{slug}(?:[ _-]*\(?\d+\)?| - copy)?\.(?:py|ipynb|py\.txt|txt)", re.I)
    taken = {other + suffix for other in slugs for suffix in (".py", SUFFIX)}
    return next((name for name in names if pattern.fullmatch(name) and name not in taken), "")


def _is_junk(name: str) -> bool:
    """What file managers and Python leave behind."""
    return name.startswith(".") or name in ("__MACOSX", "__pycache__")


def _any_of(slugs: tuple[str, ...] | list[str]) -> str:
    *rest, last = [f"{slug}.py" for slug in slugs]
    return f"{', '.join(rest)} or {last}" if rest else last


def _name(path: Path) -> str:
    return shown(path.name or path.resolve().name)


def _size(n_bytes: int) -> str:
    return f"{n_bytes // 2**20} MiB"


def shown(text: object, limit: int = 120) -> str:
    """Text from outside, fit for one line of a terminal: no escapes, no line ends, not too long."""
    plain = "".join(c if c.isprintable() else "\N{REPLACEMENT CHARACTER}" for c in str(text))
    return plain if len(plain) <= limit else f"{plain[: limit - 1]}…"


def _reason(error: Exception) -> str:
    if isinstance(error, OSError) and error.strerror:
        return shown(error.strerror)
    return shown(error) or type(error).__name__


def _unreadable(path: Path, fix: str) -> UnreadableSubmissionError:
    return UnreadableSubmissionError(f"{shown(path, 500)}: {fix}")
