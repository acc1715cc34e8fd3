"""The ledger of a class: one SQLite file in which each result stands as soon as it is made.

Only the process that grades the class writes it, one transaction for each result, so that whatever is killed, a result
is in it whole or not at all, and once: that no student has two results that count is a rule of the database itself.
What was graded again stays, marked as superseded. The file is in WAL mode while a class is graded, and a single file
afterwards.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager, suppress
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from types import TracebackType
from typing import overload

from grader.catalog import load_course
from grader.classroom.intake import Entry
from grader.classroom.model import Class, Result, Student
from grader.classroom.stored import packed, read_report_texts, unpacked
from grader.classroom.unit import Made, Settings
from grader.content import Content
from grader.errors import GradsmithError
from grader.files import locked, make_folder
from grader.model import Course

FILE = "results.sqlite"
SECRET_FILE = "secret.key"
LOCK_FILE = "lock"
APPLICATION = 0x67736D31
"""Tells our files from those of other programs, in SQLite's own header."""
VERSION = 1
"""The version of the tables; `_MIGRATIONS` bring older ones up to it."""
_MIGRATIONS: dict[int, str] = {}
"""What makes of the tables of one version those of the next."""

_TABLES = """
CREATE TABLE meta (key TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE entries (
  student TEXT PRIMARY KEY, source TEXT NOT NULL, name TEXT NOT NULL, email TEXT NOT NULL,
  late INTEGER NOT NULL, attempt INTEGER NOT NULL, submitted_at TEXT, notes TEXT NOT NULL,
  here INTEGER NOT NULL
) WITHOUT ROWID;
CREATE TABLE suites (digest TEXT PRIMARY KEY, settings TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE submissions (digest TEXT PRIMARY KEY, text BLOB NOT NULL);
CREATE TABLE results (
  id INTEGER PRIMARY KEY, student TEXT NOT NULL, digest TEXT NOT NULL,
  suite TEXT NOT NULL REFERENCES suites (digest), seed INTEGER NOT NULL,
  report BLOB, report_digest TEXT NOT NULL, times BLOB,
  earned REAL NOT NULL, points REAL NOT NULL, statuses TEXT NOT NULL,
  fault TEXT NOT NULL, ours INTEGER NOT NULL,
  graded_at TEXT NOT NULL, superseded_at TEXT
);
CREATE UNIQUE INDEX one_that_counts ON results (student) WHERE superseded_at IS NULL;
CREATE INDEX history ON results (student, id);
"""
_CURRENT = "FROM results r LEFT JOIN entries e USING (student) WHERE r.superseded_at IS NULL"


@dataclass(frozen=True, slots=True)
class Key:
    """What a result is of: where all of it is the same, the result is too."""

    digest: str
    suite: str
    seed: int


@dataclass(frozen=True, slots=True)
class Kept:
    """A submission as it was graded, with all that is needed to grade it again.

    Attributes
    ----------
    report : the report's text; empty where there was none, which `fault` then says.
    """

    student: str
    text: str
    key: Key
    settings: Settings
    report: str
    fault: str
    graded_at: str


@dataclass(frozen=True, slots=True)
class Summary:
    """A class in numbers, of the submissions that are here.

    Attributes
    ----------
    percents : of those that were graded, in order.
    """

    n: int
    unreadable: tuple[str, ...]
    ours: tuple[str, ...]
    withheld: tuple[str, ...]
    doubtful: tuple[str, ...]
    gone: tuple[str, ...]
    percents: tuple[float, ...]

    @property
    def mean(self) -> float | None:
        """Of the percents, where there are any."""
        return sum(self.percents) / len(self.percents) if self.percents else None


class Ledger:
    """The results of a class, open for writing; nobody else writes them meanwhile.

    Parameters
    ----------
    folder : where the results are kept; made where it is not there.

    Raises
    ------
    GradsmithError : another process is at it, or the file is not of this kind or version.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        make_folder(folder)
        busy = f"{folder}: the class is being graded by another process; wait until it has ended"
        self._lock = locked(folder / LOCK_FILE, busy)
        self._lock.__enter__()
        try:
            self._db = _connected(folder / FILE, make=True)
        except BaseException:
            self._lock.__exit__(None, None, None)
            raise

    def __enter__(self) -> Ledger:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        """Close the file, which is then a single one, and let others write."""
        try:
            with _complaints(self.folder / FILE):
                with suppress(sqlite3.OperationalError):  # somebody reads: it stays in WAL mode
                    self._db.execute("PRAGMA journal_mode=DELETE")
                self._db.close()
        finally:
            self._lock.__exit__(None, None, None)

    @contextmanager
    def _transaction(self) -> Iterator[sqlite3.Connection]:
        with _complaints(self.folder / FILE):
            self._db.execute("BEGIN IMMEDIATE")
            try:
                yield self._db
                self._db.execute("COMMIT")
            except BaseException:
                if self._db.in_transaction:
                    self._db.execute("ROLLBACK")
                raise

    def meta(self, key: str) -> str:
        """What is noted of the class as a whole; empty where nothing is."""
        with _complaints(self.folder / FILE):
            return _meta(self._db, key)

    def begin(
        self,
        course: Course,
        settings: Settings,
        suite: str,
        seeding: str,
        roster: Mapping[str, Student] | None,
        entries: Iterable[Entry],
    ) -> None:
        """Note what is about to be graded: the class, its roster, if one is given, and who handed in what."""
        with self._transaction() as db:
            noted = {
                "title": course.title,
                "suite": suite,
                "points": repr(settings.points(course)),
                "course": settings.course,
                "seeding": seeding,
            }
            if roster is not None:
                listed = [
                    [s.id, s.name, s.email, s.section, dict(s.extra)] for s in roster.values()
                ]
                noted["roster"] = json.dumps(listed)
            db.executemany("INSERT OR REPLACE INTO meta VALUES (?, ?)", noted.items())
            db.execute(
                "INSERT OR REPLACE INTO suites VALUES (?, ?)", (suite, json.dumps(asdict(settings)))
            )
            db.execute("UPDATE entries SET here = 0")
            db.executemany(
                "INSERT OR REPLACE INTO entries VALUES (?, ?, ?, ?, ?, ?, ?, ?, 1)",
                (
                    (
                        e.student, e.source, e.name, e.email, e.late, e.attempt,
                        e.submitted_at.isoformat() if e.submitted_at else None,
                        json.dumps(e.notes),
                    )
                    for e in entries
                ),
            )  # fmt: skip

    def keys(self) -> dict[str, Key]:
        """What the results that count are of, by student; without those that a fault of ours kept from being graded."""
        with _complaints(self.folder / FILE):
            rows = self._db.execute(
                "SELECT student, digest, suite, seed FROM results "
                "WHERE superseded_at IS NULL AND NOT ours"
            )
            return {student: Key(*key) for student, *key in rows}

    def put(self, student: str, key: Key, text: str, made: Made | None, fault: str = "") -> None:
        """Keep a result, which takes the place of the student's last; in one transaction.

        Parameters
        ----------
        text : the submission's; empty where it could not be read.
        made : what came of it; None where it could not be read, which `fault` then says.
        """
        now = _now()
        ours = made is not None and bool(made.fault)
        with self._transaction() as db:
            if text:
                db.execute(
                    "INSERT OR IGNORE INTO submissions VALUES (?, ?)", (key.digest, packed(text))
                )
            db.execute(
                "UPDATE results SET superseded_at = ? WHERE student = ? AND superseded_at IS NULL",
                (now, student),
            )
            graded = made is not None and not ours
            db.execute(
                "INSERT INTO results (student, digest, suite, seed, report, report_digest, times, "
                "earned, points, statuses, fault, ours, graded_at) "
                "VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
                (
                    student, key.digest, key.suite, key.seed,
                    made.report if made and graded else None,
                    made.report_digest if made else "",
                    made.times if made and graded else None,
                    made.earned if made else 0.0,
                    made.points if made else 0.0,
                    json.dumps(dict(made.statuses) if made else {}),
                    made.fault if made and ours else fault,
                    ours, now,
                ),
            )  # fmt: skip

    def summary(self) -> Summary:
        """The class in numbers."""
        with _complaints(self.folder / FILE):
            return _summary(self._db)


def _summary(db: sqlite3.Connection) -> Summary:
    unreadable, ours, withheld, doubtful, gone, percents = [], [], [], [], [], []
    rows = db.execute(
        "SELECT r.student, r.fault, r.ours, r.earned, r.points, r.statuses, "
        f"coalesce(e.here, 0) {_CURRENT} ORDER BY r.student"
    )
    n = 0
    for student, fault, by_us, earned, points, statuses, here in rows:
        if not here:
            gone.append(student)
            continue
        n += 1
        found = json.loads(statuses)
        if by_us:
            ours.append(student)
        elif fault:
            unreadable.append(student)
        else:
            percents.append(100.0 * earned / points if points else 0.0)
            if found.get("tampered"):
                withheld.append(student)
            if found.get("grader_error") or found.get("unresolved"):
                doubtful.append(student)
    return Summary(
        n, tuple(unreadable), tuple(ours), tuple(withheld), tuple(doubtful), tuple(gone),
        tuple(sorted(percents)),
    )  # fmt: skip


def open_class(folder: Path, course: Content | None = None) -> Class:
    """The class whose results a folder keeps.

    Parameters
    ----------
    course : where the course lies; by default where it lay when the class was graded.

    Returns
    -------
    Class
        Its results are read one by one as they are asked for: a large class need not fit into memory.

    Raises
    ------
    GradsmithError : there are no results, or the course is not there any more. So does reading a result whose
        exercises the course does not have.
    """
    with closing(_read(folder)) as db, _complaints(folder / FILE):
        where = _meta(db, "course")
        content = course if course is not None else Settings(where).content()
        loaded = load_course(content)
        listed = json.loads(_meta(db, "roster") or "[]")
        ids = [row[0] for row in db.execute(f"SELECT r.id {_CURRENT} ORDER BY r.student")]
        return Class(
            _meta(db, "title"),
            _meta(db, "suite"),
            float(_meta(db, "points") or 0.0),
            {id: Student(id, *rest) for id, *rest in listed},
            _Results(folder, loaded, ids),
        )


def kept(folder: Path, student: str) -> Kept:
    """A student's submission as it was graded last.

    Raises
    ------
    GradsmithError : there is none of this student.
    """
    with closing(_read(folder)) as db, _complaints(folder / FILE):
        row = db.execute(
            "SELECT s.text, r.digest, r.suite, r.seed, u.settings, r.report, r.fault, r.graded_at "
            "FROM results r JOIN suites u ON u.digest = r.suite "
            "LEFT JOIN submissions s ON s.digest = r.digest "
            "WHERE r.student = ? AND r.superseded_at IS NULL",
            (student,),
        ).fetchone()
        if row is None:
            raise GradsmithError(_nobody(db, folder, student))
        text, digest, suite, seed, settings, report, fault, graded_at = row
        read = json.loads(settings)
        return Kept(
            student,
            unpacked(text) if text is not None else "",
            Key(digest, suite, seed),
            Settings(
                read["course"], tuple(read["only"]), read["timeout"], read.get("isolation", "")
            ),
            unpacked(report) if report is not None else "",
            fault,
            graded_at,
        )


def students_of(folder: Path, *, graded: bool = False) -> list[str]:
    """The ids of all who have a result, in order; with `graded`, of those who have a report."""
    with closing(_read(folder)) as db, _complaints(folder / FILE):
        having = "AND r.report IS NOT NULL" if graded else ""
        rows = db.execute(f"SELECT r.student {_CURRENT} {having} ORDER BY r.student")
        return [row[0] for row in rows]


def _nobody(db: sqlite3.Connection, folder: Path, student: str) -> str:
    import difflib

    ids = [row[0] for row in db.execute(f"SELECT r.student {_CURRENT}")]
    near = difflib.get_close_matches(student, ids, n=1)
    return f"{folder}: no result of {student!r}" + (f"; did you mean {near[0]!r}?" if near else "")


class _Results(Sequence[Result]):
    """The results that count, in the order of ids, each read when it is asked for."""

    def __init__(self, folder: Path, course: Course, ids: list[int]) -> None:
        self._folder = folder
        self._course = course
        self._ids = ids

    def __len__(self) -> int:
        return len(self._ids)

    @overload
    def __getitem__(self, index: int) -> Result: ...
    @overload
    def __getitem__(self, index: slice) -> Sequence[Result]: ...
    def __getitem__(self, index: int | slice) -> Result | Sequence[Result]:
        if isinstance(index, slice):
            return _Results(self._folder, self._course, self._ids[index])
        with closing(_read(self._folder)) as db:
            return self._result(db, self._ids[index])

    def __iter__(self) -> Iterator[Result]:
        with closing(_read(self._folder)) as db:
            for id in self._ids:
                yield self._result(db, id)

    def _result(self, db: sqlite3.Connection, id: int) -> Result:
        with _complaints(self._folder / FILE):
            row = db.execute(
                "SELECT r.student, e.source, r.digest, r.seed, r.report, r.times, r.fault, r.ours, "
                "r.graded_at, e.submitted_at, e.name, e.email, e.late, e.attempt, e.here, e.notes "
                "FROM results r LEFT JOIN entries e USING (student) WHERE r.id = ?",
                (id,),
            ).fetchone()
        (student, source, digest, seed, report, times, fault, ours, graded_at, submitted_at,
         name, email, late, attempt, here, notes) = row  # fmt: skip
        try:
            read = (
                read_report_texts(unpacked(report), unpacked(times), self._course)
                if report is not None
                else None
            )
        except GradsmithError as error:
            raise GradsmithError(f"{self._folder}: {student}: {error}") from None
        return Result(
            student=student,
            source=source or "",
            digest=digest,
            seed=seed,
            report=read,
            fault=fault,
            submitted_at=datetime.fromisoformat(submitted_at) if submitted_at else None,
            graded_at=datetime.fromisoformat(graded_at),
            ours=bool(ours),
            name=name or "",
            email=email or "",
            late=bool(late),
            attempt=attempt or 1,
            gone=not here,
            notes=tuple(json.loads(notes or "[]")),
        )


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds")


def _meta(db: sqlite3.Connection, key: str) -> str:
    row = db.execute("SELECT value FROM meta WHERE key = ?", (key,)).fetchone()
    return row[0] if row is not None else ""


def _read(folder: Path) -> sqlite3.Connection:
    """The ledger of a folder, to be read."""
    if not (folder / FILE).is_file():
        raise GradsmithError(
            f"{folder}: no results of a class; make them: grader class grade SUBMISSIONS --out {folder}"
        )
    return _connected(folder / FILE, make=False)


def _connected(path: Path, *, make: bool) -> sqlite3.Connection:
    """A connection to a ledger of this version, made or brought up to it where `make` is set."""
    with _complaints(path):
        if make:
            db = sqlite3.connect(path, timeout=30.0, isolation_level=None)
        else:
            uri = f"{path.resolve().as_uri()}?mode=ro"
            db = sqlite3.connect(uri, uri=True, timeout=30.0, isolation_level=None)
        try:
            _check(db, path, make=make)
            if make:
                # A commit survives the death of any process; the last ones may be lost when the machine itself
                # stops, which costs grading them again.
                db.execute("PRAGMA journal_mode=WAL")
                db.execute("PRAGMA synchronous=NORMAL")
                db.execute("PRAGMA foreign_keys=ON")
        except BaseException:
            db.close()
            raise
        return db


def _check(db: sqlite3.Connection, path: Path, *, make: bool) -> None:
    version = db.execute("PRAGMA user_version").fetchone()[0]
    application = db.execute("PRAGMA application_id").fetchone()[0]
    empty = db.execute("SELECT count(*) FROM sqlite_master").fetchone()[0] == 0
    if empty and make:
        db.executescript(
            f"BEGIN IMMEDIATE; {_TABLES} PRAGMA application_id={APPLICATION}; "
            f"PRAGMA user_version={VERSION}; COMMIT;"
        )
        return
    if empty or application != APPLICATION:
        raise GradsmithError(f"{path}: not the results of a class; name another folder")
    if version > VERSION:
        raise GradsmithError(
            f"{path}: made by a newer gradsmith (its tables are of version {version}, known here is "
            f"{VERSION}); install that one"
        )
    while version < VERSION:
        if version not in _MIGRATIONS or not make:
            raise GradsmithError(
                f"{path}: made by an older gradsmith; grade the class again, which brings it up to date"
            )
        db.executescript(
            f"BEGIN IMMEDIATE; {_MIGRATIONS[version]} PRAGMA user_version={version + 1}; COMMIT;"
        )
        version += 1


@contextmanager
def _complaints(path: Path) -> Iterator[None]:
    """SQLite's errors as ours."""
    try:
        yield
    except sqlite3.Error as error:
        raise GradsmithError(
            f"{path}: {error}; is the file sound, and the disk not full?"
        ) from None
