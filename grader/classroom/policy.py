"""What turns points into grades: the settings of a class, from its `class.toml`.

Reading is strict: a key that is not known, a time without a zone or an extension for nobody is an error that names
the file, the key and the fix. All times are kept in UTC.
"""

from __future__ import annotations

import csv
import io
import tomllib
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from grader.errors import ContentError
from grader.files import read_text

if TYPE_CHECKING:
    from zoneinfo import ZoneInfo

Rounding = Literal["half up", "half even", "up", "down"]
ROUNDINGS: tuple[Rounding, ...] = ("half up", "half even", "up", "down")
PERIODS = {"hour": 3600, "day": 86400}
"""Seconds of what a late policy counts."""
MAX_DECIMALS = 6
MAX_MINUTES = 60 * 24 * 366
_KEYS = ("due", "timezone", "missing", "grade", "late", "extensions", "overrides")
_GRADE_KEYS = ("points", "scale", "decimals", "rounding")
_LATE_KEYS = ("grace_minutes", "percent", "per", "of", "cap", "cutoff", "unknown")
_OVERRIDE_KEYS = ("score", "accept", "excused", "reason")
_DUE = "write it with its zone, such as 2026-11-30T23:59:00+01:00, or add timezone"


@dataclass(frozen=True, slots=True)
class Late:
    """What a submission loses that comes after it was due.

    Attributes
    ----------
    grace_minutes : lateness up to this much costs nothing; beyond it, all of the lateness counts.
    percent : lost for each period that has begun.
    per : the period.
    of : whether percents are of the points earned, or of the points possible.
    cap : percents that are never exceeded; only the cutoff takes more.
    cutoff : after it nothing counts; no earlier for anyone than their own due date and grace.
    unknown : of a submission whose time is not known: whether a person is asked, or it counts as on time.
    """

    grace_minutes: Decimal = Decimal(0)
    percent: Decimal = Decimal(0)
    per: Literal["hour", "day"] = "day"
    of: Literal["earned", "possible"] = "earned"
    cap: Decimal = Decimal(100)
    cutoff: datetime | None = None
    unknown: Literal["ask", "on time"] = "ask"


@dataclass(frozen=True, slots=True)
class Override:
    """What a person decided about one student: a score, that what the grader found counts, or an excuse."""

    reason: str
    score: Decimal | None = None
    accept: bool = False
    excused: bool = False


@dataclass(frozen=True, slots=True)
class Policy:
    """How the grades of a class are made.

    Attributes
    ----------
    due : in UTC; None where nothing is late.
    extensions : due dates of single students, in UTC.
    points : the points that earn all of the scale; those of the class where it is None.
    scale : what grades are out of; the points where it is None.
    missing : whether who handed nothing in gets zero, or no number.
    """

    due: datetime | None = None
    late: Late = field(default_factory=Late)
    extensions: Mapping[str, datetime] = field(default_factory=dict)
    overrides: Mapping[str, Override] = field(default_factory=dict)
    points: Decimal | None = None
    scale: Decimal | None = None
    decimals: int = 2
    rounding: Rounding = "half up"
    missing: Literal["zero", "blank"] = "zero"

    def due_of(self, student: str) -> datetime | None:
        """When a student's submission is due; an extension never makes it earlier."""
        if self.due is None:
            return None
        return max(self.due, self.extensions.get(student, self.due))


def read_policy(file: Path) -> Policy:
    """The policy that a `class.toml` sets.

    Raises
    ------
    ContentError : it breaks a rule; with the key and the fix.
    GradsmithError : it cannot be read.
    """
    return _Reader(file, _loaded(file)).policy()


def attachments(file: Path) -> tuple[str, ...]:
    """The names of the files that a `class.toml` refers to, beside it."""
    data = _loaded(file)
    named = (data.get("extensions"), data.get("overrides"))
    return tuple(name for name in named if isinstance(name, str))


def check_students(policy: Policy, students: Collection[str], file: Path) -> None:
    """Whether each extension and override is for a student of the class.

    Raises
    ------
    ContentError : one is for nobody; with the nearest student.
    """
    for place, named in (("extensions", policy.extensions), ("overrides", policy.overrides)):
        for student in named:
            if student not in students:
                import difflib

                near = difflib.get_close_matches(student, list(students), n=1)
                fix = f"did you mean {near[0]!r}?" if near else "take it out, or mend the id"
                raise ContentError(
                    file, f"{place}.{student}", f"no such student in the class; {fix}"
                )


def _loaded(file: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(read_text(file))
    except tomllib.TOMLDecodeError as error:
        raise ContentError(file, "file", f"is not TOML: {error}") from None


class _Reader:
    """Reads one file; the first problem is raised."""

    def __init__(self, file: Path, data: dict[str, Any], zone: ZoneInfo | None = None) -> None:
        self.file = file
        self.data = data
        self.zone = zone

    def policy(self) -> Policy:
        self.known(self.data, "", _KEYS)
        self.zone = self.timezone()
        due = self.data.get("due")
        at = None if due is None else self.moment(due, "due")
        grade = self.table("grade", _GRADE_KEYS)
        decimals = grade.get("decimals", 2)
        if type(decimals) is not int or not 0 <= decimals <= MAX_DECIMALS:
            raise self.error("grade.decimals", f"write a whole number from 0 to {MAX_DECIMALS}")
        late = self.late()
        extensions = dict(self.extensions())
        if at is None and (extensions or "late" in self.data):
            key = "late" if "late" in self.data else "extensions"
            raise self.error(key, f"there is no due date; add due: {_DUE}")
        for student, until in extensions.items():
            if at is not None and until < at:
                raise self.error(
                    f"extensions.{student}", "is before the due date; give a later one"
                )
        if late.cutoff is not None and at is not None and late.cutoff < at:
            raise self.error("late.cutoff", "is before the due date; give a later one")
        return Policy(
            due=at,
            late=late,
            extensions=extensions,
            overrides=dict(self.overrides()),
            points=self.positive(grade, "grade", "points"),
            scale=self.positive(grade, "grade", "scale"),
            decimals=decimals,
            rounding=self.choice(grade, "grade.rounding", ROUNDINGS),
            missing=self.choice(self.data, "missing", ("zero", "blank")),
        )

    # ---- sections

    def late(self) -> Late:
        table = self.table("late", _LATE_KEYS)
        cutoff = table.get("cutoff")
        return Late(
            grace_minutes=self.number(table, "late.grace_minutes", 0, MAX_MINUTES, 0),
            percent=self.number(table, "late.percent", 0, 100, 0),
            per=self.choice(table, "late.per", ("day", "hour")),
            of=self.choice(table, "late.of", ("earned", "possible")),
            cap=self.number(table, "late.cap", 0, 100, 100),
            cutoff=None if cutoff is None else self.moment(cutoff, "late.cutoff"),
            unknown=self.choice(table, "late.unknown", ("ask", "on time")),
        )

    def extensions(self) -> Iterator[tuple[str, datetime]]:
        for reader, student, row in self.rows("extensions", ("student", "due")):
            place = f"extensions.{student}"
            due = row["due"] if isinstance(row, dict) and "due" in row else row
            if isinstance(due, str):
                try:
                    due = datetime.fromisoformat(due.strip())
                except ValueError:
                    raise reader.error(place, f"{due!r} is no time; {_DUE}") from None
            yield student, reader.moment(due, place)

    def overrides(self) -> Iterator[tuple[str, Override]]:
        for reader, student, row in self.rows("overrides", ("student", *_OVERRIDE_KEYS)):
            yield student, reader.override(f"overrides.{student}", row)

    def override(self, place: str, row: object) -> Override:
        if not isinstance(row, dict):
            raise self.error(place, 'write a table, such as { score = 7, reason = "…" }')
        self.known(row, f"{place}.", _OVERRIDE_KEYS)
        given = {key: value for key, value in row.items() if value != ""}
        reason = given.get("reason")
        if not isinstance(reason, str) or not reason.strip():
            raise self.error(f"{place}.reason", "say in a sentence why")
        accept, excused = (self.flag(given, place, key) for key in ("accept", "excused"))
        score = None
        if "score" in given:
            score = self.number(given, f"{place}.score", 0, 10**9, 0)
        if (score is not None) + accept + excused != 1:
            raise self.error(place, "give one of score = …, accept = true and excused = true")
        return Override(reason.strip(), score, accept, excused)

    def rows(self, name: str, columns: tuple[str, ...]) -> Iterator[tuple[_Reader, str, Any]]:
        """Student and row of a section: a table, or the .csv or .toml file beside this one that it names.

        With each row comes the reader of the file in which it stands.
        """
        section, reader = self.data.get(name, {}), self
        if isinstance(section, str):
            reader = self.beside(name, section)
            section = dict(reader.csv_rows(columns)) if section.endswith(".csv") else reader.data
        if not isinstance(section, dict):
            raise self.error(name, f"write a table [{name}], or the name of a .csv or .toml file")
        for student, row in section.items():
            yield reader, student, row

    def beside(self, key: str, name: str) -> _Reader:
        """A reader of a file beside this one."""
        file = self.file.parent / name
        if not name.endswith((".csv", ".toml")):
            raise self.error(key, f"{name!r} is neither a .csv nor a .toml file")
        if Path(name).name != name or not file.is_file():
            raise self.error(key, f"{name!r} is no file beside {self.file.name}")
        return _Reader(file, _loaded(file) if name.endswith(".toml") else {}, self.zone)

    def csv_rows(self, columns: tuple[str, ...]) -> Iterator[tuple[str, dict[str, Any]]]:
        text = read_text(self.file).removeprefix("\ufeff")
        try:
            rows = csv.DictReader(io.StringIO(text, newline=""), strict=True, restkey="…")
            headings = [heading.strip() for heading in rows.fieldnames or ()]
            rows.fieldnames = headings
            self.known(dict.fromkeys(headings), "column ", columns)
            if not {"student", "due" if "due" in columns else "reason"} <= set(headings):
                raise self.error("line 1", f"write the headings: {','.join(columns)}")
            seen: set[str] = set()
            for row in rows:
                place = f"line {rows.line_num}"
                student = (row.pop("student") or "").strip()
                if "…" in row or None in row.values() or not student:
                    raise self.error(place, f"write a row as: {','.join(headings)}")
                if student in seen:
                    raise self.error(place, f"{student!r} stands twice; keep one row")
                seen.add(student)
                yield student, {key: value.strip() for key, value in row.items()}
        except csv.Error as error:
            raise self.error("file", f"is not CSV: {error}") from None

    # ---- values

    def timezone(self) -> ZoneInfo | None:
        name = self.data.get("timezone")
        if name is None:
            return None
        from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

        try:
            return ZoneInfo(name)
        except (ZoneInfoNotFoundError, ValueError, TypeError, OSError):
            fix = f"{name!r} is not known here; write a name such as Europe/Zurich, or offsets"
            raise self.error("timezone", fix) from None

    def moment(self, value: object, key: str) -> datetime:
        """A time in UTC."""
        if not isinstance(value, datetime):
            raise self.error(key, f"is no date with a time; {_DUE}")
        if value.tzinfo is None:
            if self.zone is None:
                raise self.error(key, f"has no time zone; {_DUE}")
            value = value.replace(tzinfo=self.zone)
            if value.utcoffset() != value.replace(fold=1).utcoffset():
                fix = "the clocks change in that hour; write it with its offset, such as +01:00"
                raise self.error(key, fix)
        try:
            return value.astimezone(UTC)
        except OverflowError:
            raise self.error(key, f"is too far away; {_DUE}") from None

    def table(self, name: str, keys: tuple[str, ...]) -> dict[str, Any]:
        table = self.data.get(name, {})
        if not isinstance(table, dict):
            raise self.error(name, f"write a table [{name}]")
        self.known(table, f"{name}.", keys)
        return table

    def known(self, table: Mapping[str, Any], place: str, keys: tuple[str, ...]) -> None:
        for key in table:
            if key not in keys:
                import difflib

                near = difflib.get_close_matches(key, keys, n=1)
                fix = f"did you mean `{near[0]}`?" if near else f"known are {', '.join(keys)}"
                raise self.error(f"{place}{key}", f"unknown key; {fix}")

    def choice(self, table: Mapping[str, Any], place: str, words: tuple[Any, ...]) -> Any:
        value = table.get(place.split(".")[-1], words[0])
        if value not in words or not isinstance(value, str):
            raise self.error(place, f"write one of {', '.join(map(repr, words))}")
        return value

    def flag(self, table: Mapping[str, Any], place: str, key: str) -> bool:
        """A truth value; in a word, as a CSV file has it."""
        value = table.get(key, False)
        if isinstance(value, str):
            value = {"true": True, "false": False}.get(value.lower())
        if not isinstance(value, bool):
            raise self.error(f"{place}.{key}", "write true or false")
        return value

    def number(
        self, table: Mapping[str, Any], place: str, least: int, most: int, default: int
    ) -> Decimal:
        value = table.get(place.split(".")[-1], default)
        found = _decimal(value, text=self.file.suffix == ".csv")
        if found is None or not least <= found <= most:
            raise self.error(place, f"write a number from {least} to {most}")
        return found

    def positive(self, table: Mapping[str, Any], place: str, key: str) -> Decimal | None:
        if key not in table:
            return None
        found = _decimal(table[key])
        if found is None or not 0 < found <= 10**9:
            raise self.error(f"{place}.{key}", "write a number above 0, such as 100")
        return found

    def error(self, key: str, fix: str) -> ContentError:
        return ContentError(self.file, key, fix)


def _decimal(value: object, *, text: bool = False) -> Decimal | None:
    """A finite number, or None; text is one only where it is asked for, as in a CSV file."""
    if isinstance(value, bool) or not isinstance(
        value, (int, float, str) if text else (int, float)
    ):
        return None
    try:
        found = Decimal(str(value).strip())
    except ArithmeticError:
        return None
    return found if found.is_finite() else None
