"""What a class handed in: a folder or a bulk download becomes one entry for each student.

Entries are folders, archives, `.py` files and notebooks; the downloads of Canvas, Moodle and Gradescope are told by the
names that these systems give. Names alone are looked at here. What is in an entry is read when `Entry.read` is called,
with the care of `grader.submission`: nothing is extracted, links are not followed, and an archive of a whole class is
read member by member.

Where the names come from: Canvas writes ``<name>[_LATE]_<user>_<attachment>_<file>``, all in one folder, and adds
``-1``, ``-2``, … to the name of a file that is handed in again; Moodle ``<name>_<participant>_assignsubmission_file_``,
a folder or the beginning of a file's name; Gradescope folders ``submission_<number>`` beside a
``submission_metadata.yml``, which says whose each is.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from pathlib import Path, PurePosixPath
from types import TracebackType
from typing import Any

from grader.classroom.model import Student
from grader.classroom.roster import Matching
from grader.errors import UnreadableSubmissionError
from grader.model import Course, Problem
from grader.notebooks.format import SUFFIX
from grader.submission import (
    ACCEPTED,
    MAX_ARCHIVE_BYTES,
    MAX_BULK_ENTRIES,
    Archive,
    Folder,
    Kind,
    Source,
    Submission,
    SubTree,
    Tree,
    holds_submission,
    read_file,
    read_tree,
    shown,
    size_limit,
)

METADATA = "submission_metadata.yml"
MAX_METADATA_BYTES = 256 * 2**20
"""Gradescope's file holds the results of its own autograder too."""

READ = (".py", SUFFIX, ".zip")
_HANDED_IN = frozenset(
    (".rar", ".7z", ".tar", ".gz", ".tgz", ".bz2", ".xz", ".pdf", ".docx", ".doc", ".odt")
)
"""What a student hands in by mistake: an entry that cannot be read. Other files are not theirs."""
_JUNK = frozenset(("__macosx", "__pycache__", "thumbs.db", "desktop.ini", "ehthumbs.db"))

_MOODLE = re.compile(
    r"(?P<name>.+)_(?P<id>\d+)_assign(?P<what>submission|feedback)_(?P<kind>[a-z]+)(?:_(?P<file>.*))?",
    re.DOTALL,
)
_CANVAS = re.compile(
    r"(?P<name>[^_]+(?:_[^_\d][^_]*)*?)(?P<late>_LATE)?_(?P<id>\d+)_(?P<number>\d+)_(?P<file>.+)",
    re.DOTALL,
)
_CANVAS_TEXT = re.compile(r"(?P<name>[^_]+)(?:_LATE)?_(?P<id>\d+)_(?:text|link)\.html")
_AGAIN = re.compile(r"(?P<stem>.+)-(?P<n>\d{1,4})")
_GRADESCOPE = re.compile(r"submission_(?P<number>\d+)")


@dataclass(frozen=True, slots=True)
class Part:
    """One file or folder of an entry.

    Attributes
    ----------
    file : its name as the student gave it.
    path : where it stands in the tree.
    order : of two parts of the same name the one of higher order is newer.
    """

    tree: Tree
    path: str
    file: str
    kind: Kind
    order: tuple[int, int] = (0, 0)


@dataclass(frozen=True, slots=True)
class Entry:
    """What one student handed in, not yet read.

    Attributes
    ----------
    student : the id by which submissions are told apart.
    name, email : as the download tells them, where it does.
    source : where it lies, for display.
    late : whether the download marks it as late.
    attempt : which attempt this is, where the names tell it; the latest counts.
    notes : what a person should know of it, such as older attempts that were not read.
    fault : why it cannot be read, where that is known before.
    """

    student: str
    source: str
    parts: tuple[Part, ...] = ()
    name: str = ""
    email: str = ""
    late: bool = False
    attempt: int = 1
    submitted_at: datetime | None = None
    notes: tuple[str, ...] = ()
    fault: str = ""

    def read(self, course: Course) -> Submission:
        """The submission, on all topics of the course, whatever it is made of.

        Raises
        ------
        UnreadableSubmissionError : it cannot be read, or holds no topic's file.
        """
        where = Path(self.source)
        if self.fault:
            raise UnreadableSubmissionError(f"{shown(self.source, 500)}: {self.fault}")
        try:
            return replace(_read(self.parts, course, where), name=self.student)
        except OSError as error:
            reason = error.strerror or str(error)
            raise UnreadableSubmissionError(
                f"{shown(self.source, 500)}: cannot be read ({shown(reason)})"
            ) from None


@dataclass(frozen=True, slots=True)
class Intake:
    """All that a class handed in.

    Attributes
    ----------
    entries : one a student, in the order of ids.
    notes : what was passed over.
    unknown : ids of entries that the roster does not have; empty without a roster.
    absent : ids of the roster without an entry.
    """

    entries: tuple[Entry, ...]
    notes: tuple[str, ...] = ()
    unknown: tuple[str, ...] = ()
    absent: tuple[str, ...] = ()
    _archives: tuple[Archive, ...] = field(default=(), repr=False)

    def close(self) -> None:
        """Close the archives; no entry can be read any more."""
        for archive in self._archives:
            archive.close()

    def __enter__(self) -> Intake:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()


def take_in(
    paths: Sequence[Path], course: Course, roster: Mapping[str, Student] | None = None
) -> Intake:
    """Find each student's entry.

    One path is a folder or an archive with all entries. Of several, each is such a folder or archive, or one entry.

    Parameters
    ----------
    course : whose topics' names tell a submission from a folder of submissions.
    roster : the students that there are, by id.

    Raises
    ------
    UnreadableSubmissionError : a path cannot be read or is a submission itself, there is no entry, or a
        student has two; the message names both.
    """
    gathering = _Gathering(course)
    try:
        for path in paths:
            gathering.add(Path(path), alone=len(paths) == 1)
        return gathering.done(roster)
    except BaseException:
        gathering.close()
        raise


@dataclass(frozen=True, slots=True)
class _Found:
    """A piece of somebody's entry; pieces of one entry have one `whole`."""

    entry: Entry
    whole: str


class _Gathering:
    """Entries as they are found."""

    def __init__(self, course: Course) -> None:
        self.course = course
        self.slugs = {topic.slug for topic in course.topics}
        self.found: dict[str, list[_Found]] = {}
        self.notes: list[str] = []
        self.archives: list[Archive] = []

    def close(self) -> None:
        for archive in self.archives:
            archive.close()

    def add(self, path: Path, *, alone: bool) -> None:
        """Take in what is at a path."""
        where = shown(path, 500)
        try:
            if path.is_dir():
                tree: Tree = Folder(path, MAX_BULK_ENTRIES)
            elif path.is_file() and path.suffix.lower() == ".zip":
                archive = Archive(path, bulk=True)
                self.archives.append(archive)
                tree = archive
            elif not path.exists():
                raise UnreadableSubmissionError(
                    f"{where}: not found; give the folder or the .zip with all submissions"
                )
            elif alone:
                raise UnreadableSubmissionError(
                    f"{where}: one file; give the folder or the .zip with all submissions, "
                    f"or grade it alone: grader score {where}"
                )
            else:
                self._one(Folder(path.parent, MAX_BULK_ENTRIES), path.name, Kind.FILE, where)
                return
            entries = {name: kind for name, kind in tree.children("").items() if not _is_junk(name)}
            if holds_submission(tree, self.course):
                if alone:
                    raise UnreadableSubmissionError(
                        f"{where}: one submission; give the folder or the .zip with all of them, "
                        f"or grade it alone: grader score {where}"
                    )
            elif alone or len(entries) > 1 or _is_bulk(entries):
                self._all(tree, self._base(tree), where)
                return
        except OSError as error:
            reason = error.strerror or str(error)
            raise UnreadableSubmissionError(
                f"{where}: cannot be read ({shown(reason)}); check its permissions"
            ) from None
        name = path.name or path.resolve().name
        student = name if path.is_dir() else Path(name).stem
        part = Part(tree, "", shown(name), Kind.FOLDER)
        self._keep(Entry(shown(student), where, (part,)), where)

    def _base(self, tree: Tree) -> str:
        """The folder in which the entries stand: the top, or the one folder that a download has there."""
        here = {name: kind for name, kind in tree.children("").items() if not _is_junk(name)}
        if len(here) != 1 or _is_bulk(here):
            return ""
        name, kind = next(iter(here.items()))
        if kind is not Kind.FOLDER:
            return ""
        inside = {n: k for n, k in tree.children(f"{name}/").items() if not _is_junk(n)}
        wraps = isinstance(tree, Archive) and len(inside) > 1
        lone = holds_submission(SubTree(tree, f"{name}/"), self.course)
        return f"{name}/" if not lone and (wraps or _is_bulk(inside)) else ""

    def _all(self, tree: Tree, base: str, where: str) -> None:
        """Each entry of a folder or an archive."""
        listing = tree.children(base)
        if METADATA in listing and listing[METADATA] is Kind.FILE:
            self._gradescope(tree, base, where)
            return
        junk = [name for name in listing if _is_junk(name)]
        if junk:
            self._note(where, _some(junk), "left by a system")
        for name, kind in listing.items():
            if name not in junk:
                self._one(tree, base + name, kind, f"{where}/{shown(base + name)}", where)
        self.notes += tree.notes

    def _one(self, tree: Tree, path: str, kind: Kind, source: str, where: str = "") -> None:
        """One name: an entry, or a part of one, or nothing of a student's."""
        name = PurePosixPath(path).name
        if moodle := _MOODLE.fullmatch(name):
            self._moodle(moodle, tree, path, kind, source, where)
            return
        if kind is not Kind.FOLDER:
            if _CANVAS_TEXT.fullmatch(name):
                self._note(where, shown(name), "no file of a student's")
                return
            if canvas := _CANVAS.fullmatch(name):
                self._canvas(canvas, tree, path, kind, source)
                return
        stem, suffix = name, ""
        if kind is not Kind.FOLDER:
            stem, suffix = PurePosixPath(name).stem, PurePosixPath(name).suffix.lower()
            if suffix == ".gz":
                stem = stem.removesuffix(".tar")
        if suffix and suffix not in READ and suffix not in _HANDED_IN:
            self._note(where, shown(name), f"not {ACCEPTED}")
            return
        if kind is Kind.FILE and not suffix:
            self._note(where, shown(name), f"not {ACCEPTED}")
            return
        whole = source
        if suffix in (".py", SUFFIX):
            for slug in self.slugs:  # `ada_softmax.py` and `ada_attention.py` are one submission
                if stem.endswith((f"_{slug}", f"-{slug}")) and len(stem) > len(slug) + 1:
                    stem, name, whole = stem[: -len(slug) - 1], slug + suffix, "files"
                    break
        self._keep(Entry(shown(stem), source, (Part(tree, path, shown(name), kind),)), whole)

    def _moodle(
        self, found: re.Match[str], tree: Tree, path: str, kind: Kind, source: str, where: str
    ) -> None:
        if found["what"] == "feedback" or found["kind"] != "file":
            self._note(where, shown(PurePosixPath(path).name), "no file of a student's")
            return
        file = shown(found["file"] or found["id"])
        entry = Entry(
            found["id"], source, (Part(tree, path, file, kind),), name=shown(found["name"])
        )
        self._keep(entry, source if kind is Kind.FOLDER else "moodle")

    def _canvas(self, found: re.Match[str], tree: Tree, path: str, kind: Kind, source: str) -> None:
        file, n = PurePosixPath(found["file"]), 0
        if again := _AGAIN.fullmatch(file.stem):
            file, n = PurePosixPath(again["stem"] + file.suffix), int(again["n"])
        part = Part(tree, path, shown(file.name), kind, (n, int(found["number"])))
        entry = Entry(
            found["id"], source, (part,), name=shown(found["name"]), late=bool(found["late"]),
            attempt=n + 1 if file.stem in self.slugs or file.suffix.lower() == ".zip" else 1,
        )  # fmt: skip
        self._keep(entry, "canvas")

    def _gradescope(self, tree: Tree, base: str, where: str) -> None:
        records = _metadata(tree, base + METADATA, where)
        for name, kind in tree.children(base).items():
            if name == METADATA or _is_junk(name):
                continue
            source = f"{where}/{shown(base + name)}"
            record = records.get(name)
            if record is None:
                if kind is Kind.FOLDER:
                    self._one(tree, base + name, kind, source, where)
                else:
                    self._note(where, shown(name), f"not in {METADATA}")
                continue
            part = Part(tree, base + name, shown(name), kind)
            people = [who for who in _listed(record, "submitters") if isinstance(who, Mapping)]
            ids = [_field(who, "sid") or _field(who, "email") for who in people]
            history = len(_listed(record, "history"))
            when = record.get(":created_at", record.get("created_at"))
            for who, id in zip(people, ids, strict=True):
                others = [other for other in ids if other != id]
                self._keep(
                    Entry(
                        id or shown(name), source, (part,), name=_field(who, "name"),
                        email=_field(who, "email"), attempt=history + 1,
                        submitted_at=when if isinstance(when, datetime) else None,
                        notes=(f"handed in together with {', '.join(others)}",) if others else (),
                    ),
                    source,
                )  # fmt: skip
            if not people:
                self._keep(Entry(shown(name), source, (part,)), source)
        self.notes += tree.notes

    def _keep(self, entry: Entry, whole: str) -> None:
        kind = entry.parts[0].kind
        if kind in (Kind.LINK, Kind.OTHER):
            fault = f"is {kind.value}, which is not followed"
            entry = replace(entry, fault=fault)
        elif kind is Kind.DUPLICATE:
            entry = replace(entry, fault="stands in the archive more than once")
        self.found.setdefault(entry.student, []).append(_Found(entry, whole))

    def _note(self, where: str, what: str, why: str) -> None:
        self.notes.append(f"{where}: {what} was passed over: {why}")

    def done(self, roster: Mapping[str, Student] | None) -> Intake:
        """The entries, one a student."""
        unknown: list[str] = []
        if roster:
            matching = Matching(roster)
            moved: dict[str, list[_Found]] = {}
            for student, pieces in self.found.items():
                first = pieces[0].entry
                known, by = matching.find(student, first.name, first.email)
                if not known:
                    unknown.append(student)
                if by:
                    self.notes.append(
                        f"{first.source}: taken for {shown(known)} of the roster, by the {by}"
                    )
                target = known or student
                moved.setdefault(target, []).extend(
                    _Found(replace(p.entry, student=target), p.whole) for p in pieces
                )
            self.found = moved
        twice = [p for p in self.found.values() if len({each.whole for each in p}) > 1]
        if twice:
            named = [
                f"{one[0].entry.student}: " + " and ".join(each.entry.source for each in one[:3])
                for one in twice
            ]
            raise UnreadableSubmissionError(
                f"two entries for one student; keep one of each: {_some(named, '; ')}"
            )
        entries = tuple(_joined(self.found[student]) for student in sorted(self.found))
        if not entries:
            aside = f" ({self.notes[0]})" if self.notes else ""
            raise UnreadableSubmissionError(
                f"no submission found{aside}; expected an entry for each student: {ACCEPTED}"
            )
        absent = [student for student in roster or () if student not in self.found]
        return Intake(
            entries, tuple(self.notes), tuple(sorted(unknown)), tuple(absent), tuple(self.archives)
        )


def _joined(pieces: Sequence[_Found]) -> Entry:
    """One entry of the pieces that are one student's."""
    first = pieces[0].entry
    if len(pieces) == 1:
        return first
    parts = sorted((each.entry.parts[0] for each in pieces), key=lambda p: (p.file, p.order))
    return replace(
        first,
        parts=tuple(parts),
        late=any(each.entry.late for each in pieces),
        attempt=max(each.entry.attempt for each in pieces),
        fault=next((each.entry.fault for each in pieces if each.entry.fault), ""),
    )


def _read(parts: Sequence[Part], course: Course, where: Path) -> Submission:
    """The submission that parts make; UnreadableSubmissionError where there is no topic's file in them."""
    if len(parts) == 1:
        [part] = parts
        name, suffix = part.file, PurePosixPath(part.file).suffix.lower()
        if part.kind is Kind.FOLDER:
            tree = SubTree(part.tree, f"{part.path}/") if part.path else part.tree
            return _read_folder(tree, name, course, where)
        if suffix == ".zip":
            archive = Archive(where, part.tree.read(part.path, MAX_ARCHIVE_BYTES))
            try:
                return _read_folder(archive, name, course, where)
            finally:
                archive.close()
        if suffix not in READ:
            fix = f"this type of file is not read; expected {ACCEPTED}"
            raise UnreadableSubmissionError(f"{shown(where, 500)}: {fix}")
    return _read_loose(parts, course, where)


def _read_folder(tree: Tree, name: str, course: Course, where: Path) -> Submission:
    """A folder's own submission, or the one that the files in it make."""
    try:
        return read_tree(tree, course, name=name, where=where)
    except UnreadableSubmissionError as error:
        parts = [
            Part(tree, file, shown(file), kind)
            for file, kind in tree.children("").items()
            if kind is Kind.FILE
            and not _is_junk(file)
            and PurePosixPath(file).suffix.lower() in READ
            and (not isinstance(tree, Archive) or not file.lower().endswith(".zip"))
        ]
        if not parts:
            raise
        try:
            return _read(parts, course, where)
        except UnreadableSubmissionError:
            raise error from None


def _read_loose(parts: Sequence[Part], course: Course, where: Path) -> Submission:
    """Files side by side, each one topic's; an archive among them counts for topics that have no file."""
    slugs = tuple(topic.slug for topic in course.topics)
    sources: dict[str, Source] = {}
    problems: dict[str, Problem] = {}
    chosen: dict[str, Part] = {}
    notes: list[str] = []
    reasons: list[str] = []
    for part in sorted(parts, key=lambda p: (_archived(p), p.file, p.order)):
        file = shown(part.file)
        try:
            if _archived(part) or PurePosixPath(part.file).suffix.lower() not in READ:
                one = _read([part], course, where / part.file)
            else:
                data = part.tree.read(part.path, size_limit(part.file))
                one = read_file(_plain(part.file, slugs), data, course, where=where / part.file)
        except UnreadableSubmissionError as error:
            reasons.append(str(error))
            notes.append(
                f"{file} was not read: {str(error).removeprefix(f'{where / part.file}: ')}"
            )
            continue
        read: dict[str, Source | Problem] = {**one.sources, **{p.topic: p for p in one.problems}}
        for topic, found in read.items():
            what = found if _archived(part) else replace(found, file=file)
            before = chosen.get(topic)
            if before is not None and _archived(part) and not _archived(before):
                notes.append(f"{topic} in {file} was not read: {shown(before.file)} was")
                continue
            if before is not None and before.file == part.file:
                notes.append(f"an earlier {file} was not read: a later attempt was")
            elif before is not None:
                message = f"{shown(before.file)} and {file} are both about {topic}; hand in one"
                what = Problem(topic, file, message)
            chosen[topic] = part
            sources.pop(topic, None)
            problems.pop(topic, None)
            if isinstance(what, Source):
                sources[topic] = what
            else:
                problems[topic] = what
    if not sources and not problems:
        raise UnreadableSubmissionError(
            reasons[0] if reasons else f"{shown(where, 500)}: holds no submission"
        )
    notes += [
        f"{slug}.py not found: its functions count as missing"
        for slug in slugs
        if slug not in sources and slug not in problems
    ]
    return Submission(
        shown(where.name), sources, slugs, tuple(notes),
        tuple(problems[slug] for slug in slugs if slug in problems),
    )  # fmt: skip


def _archived(part: Part) -> bool:
    return part.file.lower().endswith(".zip")


def _plain(file: str, slugs: Sequence[str]) -> str:
    """A file's name without what systems add to a copy: `softmax (1).py` and `softmax-2.py` are softmax.py."""
    path = PurePosixPath(file)
    plain = re.sub(r"[ _-]*\(?\d+\)?$| - copy$", "", path.stem, flags=re.IGNORECASE)
    return plain + path.suffix if plain in slugs and path.stem not in slugs else file


def _is_bulk(names: Mapping[str, Kind]) -> bool:
    """Whether names are those that a course system gives."""
    return METADATA in names or any(
        _MOODLE.fullmatch(name)
        or (kind is Kind.FOLDER and _GRADESCOPE.fullmatch(name))
        or (kind is not Kind.FOLDER and _CANVAS.fullmatch(name))
        for name, kind in names.items()
    )


def _is_junk(name: str) -> bool:
    """What file managers, archivers and Python leave behind."""
    return name.startswith(".") or name.lower() in _JUNK


def _some(names: Sequence[str], between: str = ", ", most: int = 5) -> str:
    """The first names, and how many more there are."""
    listed = [shown(name, 300) for name in names[:most]]
    more = f"{between}and {len(names) - most} more" if len(names) > most else ""
    return between.join(listed) + more


def _metadata(tree: Tree, path: str, where: str) -> dict[str, Mapping[str, Any]]:
    """Gradescope's records by the names of the folders; keys are Ruby symbols, such as ``:submitters``."""
    import yaml

    class Loader(getattr(yaml, "CSafeLoader", yaml.SafeLoader)):  # type: ignore[misc]  # the base is found when run
        """Reads plain data; objects of Ruby's own are left out."""

    Loader.add_multi_constructor("!", lambda loader, suffix, node: None)
    data = tree.read(path, MAX_METADATA_BYTES)
    try:
        if len(data) > MAX_METADATA_BYTES:
            raise ValueError(f"over {MAX_METADATA_BYTES // 2**20} MiB")
        read = yaml.load(data, Loader=Loader)  # plain data: the loader is a safe one
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        reason = shown(str(error).replace("\n", " "), 200)
        raise UnreadableSubmissionError(
            f"{where}/{path}: cannot be read as YAML ({reason}); download it again, or remove it"
        ) from None
    if not isinstance(read, dict):
        raise UnreadableSubmissionError(
            f"{where}/{path}: no records by submission in it; download it again, or remove it"
        )
    return {str(name): one for name, one in read.items() if isinstance(one, Mapping)}


def _listed(record: Mapping[str, Any], key: str) -> list[Any]:
    value = record.get(f":{key}", record.get(key))
    return value if isinstance(value, list) else []


def _field(record: Mapping[str, Any], key: str) -> str:
    value = record.get(f":{key}", record.get(key))
    return "" if value is None else shown(str(value).strip())
