"""Reads a course from its TOML files and statements, and says what is wrong with them.

`load_course` reads what a `Course` is made of and is quick: signatures come from the headings of
the statements. `validate_course` reads the solutions too, holds the two equal, and gives every
problem at once.
"""

from __future__ import annotations

import keyword
import re
import tomllib
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from grader.content import Content
from grader.errors import ContentError
from grader.model import RUNGS, Capstone, Course, Difficulty, Disclosure, Exercise, Hints, Topic
from grader.stubs import make_stub, solution_functions

SCHEMA = 1
"""The version of course.toml and topic.toml that is read here."""

POINTS = (1, 10)
MINUTES = (1, 240)

_EXAMPLES = {
    "schema": f"schema = {SCHEMA}",
    "disclosure": 'disclosure = "names"',
    "topics": 'topics = ["softmax"]',
    "title": 'title = "Stable softmax"',
    "summary": 'summary = "What the topic teaches."',
    "exercises": '[[exercises]] and name = "softmax"',
    "name": 'name = "softmax"',
    "points": "points = 2",
    "difficulty": 'difficulty = "easy"',
    "minutes": "minutes = 10",
    "tags": 'tags = ["softmax", "stability"]',
    "hints": "[exercises.hints] with concept, equation, shape and line",
    "concept": 'concept = "What idea is at work."',
    "equation": 'equation = "The formula to write."',
    "shape": 'shape = "Which axes are kept."',
    "line": 'line = "The line that people get wrong."',
    "capstone": "[capstone] with title, summary and needs",
    "needs": 'needs = ["softmax", "cross_entropy_grad"]',
}
_EXERCISE_KEYS = ("name", "title", "points", "difficulty", "minutes", "tags", "hints")
_CAPSTONE_KEYS = ("title", "summary", "needs")
RESERVED = "capstone"
"""No exercise's name: a suite's `test_capstone_…` is the topic's capstone."""
CAPSTONE_HEADING = "## Capstone:"
_TOPIC_SLUG = re.compile(r"[a-z][a-z0-9]*(?:_[a-z0-9]+)*")
_TAG_SLUG = re.compile(r"[a-z0-9]+(?:-[a-z0-9]+)*")
_BOUNDARY = re.compile(r"^ {0,3}(```+|~~~+|#{1,2} ).*$", re.MULTILINE)
_SIGNATURE = re.compile(r"## `((\w+)\(.*\))`\s*")
_CAPSTONE_TEST = re.compile(rf"^def test_{RESERVED}(_|\()", re.MULTILINE)
_SYNTAX_PLACE = re.compile(r" \(at (?:line (\d+), column \d+|end of document)\)$")


def load_course(content: Content, topics: Collection[str] | None = None) -> Course:
    """The course, from `exercises/course.toml` and the topics it lists, or those of them that
    `topics` names.

    Solutions are not read (see `validate_course`); signatures are those of the statements.

    Raises
    ------
    ContentError : the first problem; its message says how many there are.
    """
    course, problems = _Reader(content, topics).course()
    if not problems:
        return course
    first = problems[0]
    if len(problems) == 1:
        raise first
    raise ContentError(
        first.file,
        first.key,
        f"{first.fix} (1 of {len(problems)} problems; `grader verify` lists all)",
    )


def validate_course(content: Content, topics: Collection[str] | None = None) -> list[ContentError]:
    """Every problem of the course, in reading order: those of `load_course` and, beside them,
    solutions whose markers, functions or signatures are not what the rest says, and topics
    that `course.toml` does not list. An empty list means that the course is sound. `topics` restricts
    it to some of the course's.
    """
    course, problems = _Reader(content, topics).course()
    listed = {topic.slug for topic in course.topics}
    for topic in course.topics:
        problems += _solution_problems(content, topic)
        problems += _capstone_problems(content, topic)
    if listed and topics is None:
        for stray in sorted(content.exercises.glob("*/topic.toml")):
            slug = stray.parent.name
            if slug not in listed and _TOPIC_SLUG.fullmatch(slug):
                fix = f"the folder {slug}/ is not listed; add it or remove the folder"
                problems.append(ContentError(content.course_toml, "topics", fix))
    return problems


def statement_section(content: Content, course: Course, name: str) -> str:
    """The statement of one exercise, in Markdown, from its heading to the next one.

    Raises
    ------
    KeyError : the course has no exercise `name`.
    ContentError : the statement cannot be read or has no section for it.
    """
    exercise = course.exercise(name)
    file = content.statement(exercise.topic)
    for heading, section in _sections(_read_text(file)):
        if heading == exercise.signature:
            return section
    raise _no_section(file, exercise.signature)


def capstone_section(content: Content, topic: Topic) -> str:
    """The statement's section on a topic's capstone, in Markdown.

    Raises
    ------
    ContentError : the topic has no capstone, or its statement has no section for it.
    """
    file = content.statement(topic.slug)
    if topic.capstone is None:
        raise ContentError(content.topic_toml(topic.slug), RESERVED, "the topic has no capstone")
    for heading, section in _headed(_read_text(file)):
        if heading.startswith(CAPSTONE_HEADING):
            return section
    raise ContentError(file, RESERVED, f"no section; add the heading {CAPSTONE_HEADING} <title>")


def statement_parts(statement: str, topic: Topic) -> list[tuple[str, str]]:
    """A statement's text in parts, in order: each with the exercise that it is on, "capstone", or an empty string."""
    names = {exercise.signature: exercise.name for exercise in topic.exercises}
    headed = list(_headed(statement))
    start = statement[: statement.index(headed[0][1].rstrip("\n"))] if headed else statement
    parts = [("", start.strip() + "\n")] if start.strip() else []
    for heading, section in headed:
        signature = _SIGNATURE.fullmatch(heading)
        name = names.get(signature[1], "") if signature else ""
        if heading.startswith(CAPSTONE_HEADING) and topic.capstone is not None:
            name = RESERVED
        parts.append((name, section))
    return parts


def _sections(statement: str) -> Iterator[tuple[str, str]]:
    """Signature and text of each section headed with one."""
    for heading, section in _headed(statement):
        if signature := _SIGNATURE.fullmatch(heading):
            yield signature[1], section


def _headed(statement: str) -> Iterator[tuple[str, str]]:
    """Heading and text of each section; code blocks hold no headings."""
    fence = ""
    headings: list[tuple[int, str]] = []
    for match in _BOUNDARY.finditer(statement):
        mark, line = match[1], match[0].strip()
        if fence:
            if mark.startswith(fence) and line == mark:
                fence = ""
        elif mark[0] in "`~":
            fence = mark
        else:
            headings.append((match.start(), line))
    ends = [start for start, _ in headings[1:]] + [len(statement)]
    for (start, line), end in zip(headings, ends, strict=True):
        yield line, statement[start:end].strip() + "\n"


def _no_section(file: Path, signature: str) -> ContentError:
    return ContentError(file, signature, f"no section for it; add the heading ## `{signature}`")


def _read_text(file: Path) -> str:
    try:
        return file.read_text(encoding="utf-8")
    except OSError as error:
        fix = "not found; write it" if isinstance(error, FileNotFoundError) else str(error)
        raise ContentError(file, "file", fix) from None
    except UnicodeDecodeError as error:
        line = error.object[: error.start].count(b"\n") + 1
        raise ContentError(file, f"line {line}", "is not UTF-8; save it as UTF-8") from None


def _capstone_problems(content: Content, topic: Topic) -> list[ContentError]:
    """Whether suite and topic.toml agree that the topic has a capstone."""
    file = content.suite(topic.slug)
    if not file.is_file():
        return []  # told by the reader
    tested = _CAPSTONE_TEST.search(_read_text(file)) is not None
    if tested and topic.capstone is None:
        fix = f"{file.name} tests a capstone; add [capstone] with title, summary and needs"
        return [ContentError(content.topic_toml(topic.slug), RESERVED, fix)]
    if topic.capstone is not None and not tested:
        fix = "topic.toml has a capstone; add a test named test_capstone_<property>"
        return [ContentError(file, RESERVED, fix)]
    if topic.capstone is not None and content.statement(topic.slug).is_file():
        try:
            capstone_section(content, topic)
        except ContentError as error:
            return [error]
    return []


def _solution_problems(content: Content, topic: Topic) -> list[ContentError]:
    """How the solution file of `topic` differs from its exercises."""
    file = content.source(topic.slug)
    if not file.is_file():
        return []  # told by the reader
    try:
        source = _read_text(file)
        make_stub(source, str(file))
        functions = solution_functions(source, str(file))
    except ContentError as error:
        return [error]
    problems: list[ContentError] = []
    for exercise in topic.exercises:
        solved = functions.pop(exercise.name, None)
        if solved is None:
            fix = "no such function here; write it, or take the exercise out of topic.toml"
            problems.append(ContentError(file, exercise.name, fix))
        elif exercise.signature and solved != exercise.signature:
            fix = f"the heading says `{exercise.signature}`, the solution `{solved}`; make them one"
            problems.append(ContentError(content.statement(topic.slug), exercise.name, fix))
    for name in functions:
        fix = "public, but no exercise of topic.toml; add it there or start its name with `_`"
        problems.append(ContentError(file, name, fix))
    return problems


class _Reader:
    """Reads one course and collects what is wrong on the way."""

    def __init__(self, content: Content, only: Collection[str] | None) -> None:
        self.content = content
        self.only = only
        self.problems: list[ContentError] = []

    def course(self) -> tuple[Course, list[ContentError]]:
        """What could be read, and the problems; the course is whole where there are none."""
        table = self._open(self.content.course_toml, ("schema", "title", "topics", "disclosure"))
        if table is None:
            return Course("", ()), self.problems
        title = table.text("title")
        slugs = table.texts("topics", "a topic's folder: a-z, 0-9 and _", _is_topic_slug)
        if self.only is not None:
            for slug in self.only:
                if slug not in slugs:
                    fix = f"{slug!r} is no topic of the course; there are {', '.join(slugs)}"
                    self._add(self.content.course_toml, "topics", fix)
            slugs = tuple(slug for slug in slugs if slug in self.only)
        default = _disclosure(table, Disclosure.FULL)
        topics = tuple(topic for slug in slugs if (topic := self._topic(slug, default)) is not None)
        owners: dict[str, str] = {}
        for topic in topics:
            for exercise in topic.exercises:
                owner = owners.setdefault(exercise.name, topic.slug)
                if owner != topic.slug:
                    fix = f"is an exercise of {owner} too; names are unique in the course: rename"
                    self._add(self.content.topic_toml(topic.slug), exercise.name, fix)
        return Course(title, topics), self.problems

    def _add(self, file: Path, key: str, fix: str) -> None:
        self.problems.append(ContentError(file, key, fix))

    def _open(self, file: Path, known: tuple[str, ...]) -> _Table | None:
        """The top table of a TOML file, or None, where it cannot be read or is another schema."""
        try:
            data = tomllib.loads(_read_text(file))
        except ContentError as error:
            self.problems.append(error)
            return None
        except (ValueError, RecursionError) as error:  # also a number too long, brackets too deep
            place = _SYNTAX_PLACE.search(str(error))
            line = f"line {place[1]}" if place and place[1] else "end of file"
            reason = _SYNTAX_PLACE.sub("", str(error))
            self._add(file, line, f"is not TOML: {reason}")
            return None
        schema = data.get("schema")
        if type(schema) is int and schema != SCHEMA:
            fix = f"version {schema} cannot be read, only {SCHEMA}; upgrade gradsmith or rewrite it"
            self._add(file, "schema", fix)
            return None
        table = _Table(data, file, "", self.problems, known)
        table.integer("schema", (SCHEMA, SCHEMA))
        return table

    def _topic(self, slug: str, disclosure: Disclosure) -> Topic | None:
        content = self.content
        for kind, file in (
            ("solution", content.source(slug)),
            ("hidden suite", content.suite(slug)),
            ("file of mistakes", content.mistakes_file(slug)),
            ("file of alternatives", content.alternatives_file(slug)),
        ):
            if not file.is_file():
                self._add(file, slug, f"the {kind} is missing; write it")
        signatures = self._signatures(slug)
        file = content.topic_toml(slug)
        known = ("schema", "title", "summary", "exercises", "capstone", "disclosure")
        table = self._open(file, known)
        if table is None:
            return None
        title, summary = table.text("title"), table.text("summary")
        exercises = []
        for row in table.rows("exercises", _EXERCISE_KEYS):
            exercise = self._exercise(slug, row, signatures)
            if exercise.name:
                exercises.append(exercise)
        names = [exercise.name for exercise in exercises]
        for name in sorted({name for name in names if names.count(name) > 1}):
            self._add(file, name, "stands twice; keep one [[exercises]] of that name")
        for name in signatures or ():
            if name not in names:
                fix = "has a section but is no exercise of topic.toml; add it there or remove it"
                self._add(content.statement(slug), name, fix)
        capstone = self._capstone(slug, table, names)
        disclosure = _disclosure(table, disclosure)
        return Topic(slug, title, summary, tuple(exercises), capstone, disclosure)

    def _capstone(self, slug: str, topic: _Table, names: Sequence[str]) -> Capstone | None:
        """What ends the topic, where topic.toml has it."""
        table = topic.table("capstone", _CAPSTONE_KEYS) if topic.has("capstone") else None
        if table is None:
            return None
        needs = table.texts("needs", "an exercise of the topic", lambda name: name in names)
        return Capstone(slug, table.text("title"), table.text("summary"), needs)

    def _signatures(self, slug: str) -> dict[str, str] | None:
        """Name to signature, from the statement's headings; None where it cannot be read."""
        file = self.content.statement(slug)
        try:
            statement = _read_text(file)
        except ContentError as error:
            self.problems.append(error)
            return None
        signatures: dict[str, str] = {}
        for signature, _ in _sections(statement):
            name = signature[: signature.index("(")]
            if name in signatures:
                self._add(file, name, "has two sections; keep one")
            signatures[name] = signature
        return signatures

    def _exercise(self, slug: str, table: _Table, signatures: dict[str, str] | None) -> Exercise:
        name = table.text("name")
        if name and not _is_exercise_name(name):
            table.add("name", f"{name!r} is no function's name; single underscores, none in front")
            name = ""
        elif name == RESERVED or name.startswith(f"{RESERVED}_"):
            table.add("name", f"{name!r} would take the tests of the topic's capstone; rename it")
            name = ""
        signature = ""
        if name and signatures is not None:
            signature = signatures.get(name, "")
            if not signature:
                self.problems.append(_no_section(self.content.statement(slug), f"{name}(…)"))
        difficulty = table.choice("difficulty", tuple(Difficulty))
        hints = table.table("hints", RUNGS)
        rungs = {rung: hints.text(rung, one_line=False) if hints else "" for rung in RUNGS}
        return Exercise(
            name=name,
            topic=slug,
            title=table.text("title"),
            signature=signature,
            points=float(table.number("points", POINTS)),
            difficulty=Difficulty(difficulty) if difficulty else Difficulty.EASY,
            minutes=table.integer("minutes", MINUTES),
            tags=table.texts("tags", "a slug: a-z, 0-9 and -", _is_tag_slug),
            hints=Hints(**rungs),
        )


class _Table:
    """One TOML table. Each getter gives the value, or notes a problem and gives a stand-in."""

    def __init__(
        self,
        data: Mapping[str, Any],
        file: Path,
        place: str,
        problems: list[ContentError],
        known: tuple[str, ...],
    ) -> None:
        self._data = data
        self._file = file
        self._place = place
        self._problems = problems
        self._misspelt: set[str] = set()
        for key in data:
            if key not in known:
                import difflib  # only here: slow to import, and seldom needed

                like = difflib.get_close_matches(key, [k for k in known if k not in data], n=1)
                self._misspelt.update(like)
                fix = f"did you mean `{like[0]}`?" if like else f"known are {', '.join(known)}"
                self.add(key, f"unknown key; {fix}")

    def add(self, key: str, fix: str) -> None:
        """Note a problem with `key`."""
        self._problems.append(ContentError(self._file, f"{self._place}{key}", fix))

    def has(self, key: str) -> bool:
        """Whether the table has the key: for those that it may lack."""
        return key in self._data

    def _get(self, key: str) -> Any:
        if key in self._data:
            return self._data[key]
        if key not in self._misspelt:
            self.add(key, f"missing; add {_EXAMPLES[key]}")
        return None

    def _wrong(self, key: str, wanted: str, value: object) -> None:
        self.add(key, f"must be {wanted}, not {_toml(value)}; write for example {_EXAMPLES[key]}")

    def text(self, key: str, *, one_line: bool = True) -> str:
        """A string that says something."""
        value = self._get(key)
        if value is None:
            return ""
        if not isinstance(value, str):
            self._wrong(key, "a string", value)
            return ""
        value = value.strip()
        if not value:
            self.add(key, f"is empty; write for example {_EXAMPLES[key]}")
        elif one_line and len(value.splitlines()) > 1:
            self.add(key, "spans lines; write it on one")
        return value

    def texts(self, key: str, kind: str, is_slug: Callable[[str], bool]) -> tuple[str, ...]:
        """A list of different slugs, not empty; those that are none are left out."""
        value = self._get(key)
        if value is None:
            return ()
        if not isinstance(value, list) or not all(isinstance(item, str) for item in value):
            self._wrong(key, "a list of strings", value)
            return ()
        if not value:
            self.add(key, f"is empty; write for example {_EXAMPLES[key]}")
        slugs: list[str] = []
        for item in value:
            if not is_slug(item):
                self.add(key, f"{item!r} is not {kind}; rename it")
            elif item in slugs:
                self.add(key, f"{item!r} stands twice; keep one")
            else:
                slugs.append(item)
        return tuple(slugs)

    def number(self, key: str, limits: tuple[int, int]) -> float:
        """A number within `limits`, both included; a boolean is none."""
        value = self._get(key)
        low, high = limits
        if value is None:
            return low
        if type(value) not in (int, float) or not low <= value <= high:
            self._wrong(key, f"a number from {low} to {high}", value)
            return low
        return float(value)

    def integer(self, key: str, limits: tuple[int, int]) -> int:
        """An integer within `limits`, both included; a boolean is none."""
        value = self._get(key)
        low, high = limits
        if value is None:
            return low
        if type(value) is not int or not low <= value <= high:
            wanted = f"an integer from {low} to {high}" if low < high else f"the integer {low}"
            self._wrong(key, wanted, value)
            return low
        return value

    def choice(self, key: str, choices: tuple[str, ...]) -> str:
        """One of `choices`, or an empty string."""
        value = self._get(key)
        if value is None:
            return ""
        if not isinstance(value, str) or value not in choices:
            self._wrong(key, f"one of {', '.join(choices)}", value)
            return ""
        return value

    def table(self, key: str, known: tuple[str, ...]) -> _Table | None:
        """A table below this one."""
        value = self._get(key)
        if value is None:
            return None
        if not isinstance(value, dict):
            self._wrong(key, "a table", value)
            return None
        return _Table(value, self._file, f"{self._place}{key}.", self._problems, known)

    def rows(self, key: str, known: tuple[str, ...]) -> list[_Table]:
        """The tables of an array; each is called by its name, where it has one."""
        value = self._get(key)
        if value is None:
            return []
        if not isinstance(value, list) or not all(isinstance(item, dict) for item in value):
            self._wrong(key, "an array of tables", value)
            return []
        if not value:
            self.add(key, f"is empty; write for example {_EXAMPLES[key]}")
        rows = []
        for number, item in enumerate(value, start=1):
            name = item.get("name")
            named = isinstance(name, str) and _is_exercise_name(name)
            place = f"{name}." if named else f"{key}[{number}]."
            rows.append(_Table(item, self._file, place, self._problems, known))
        return rows


def _disclosure(table: _Table, default: Disclosure) -> Disclosure:
    """The level that a course or a topic may give its tests."""
    if not table.has("disclosure"):
        return default
    level = table.choice("disclosure", tuple(Disclosure))
    return Disclosure(level) if level else Disclosure.NONE  # the problem is noted, and ends the run


def _toml(value: object) -> str:
    """A value as an author would have written it, cut short."""
    if isinstance(value, bool):
        return str(value).lower()
    text = repr(value)
    return text if len(text) <= 40 else f"{text[:39]}…"


def _is_topic_slug(text: str) -> bool:
    return _TOPIC_SLUG.fullmatch(text) is not None and not keyword.iskeyword(text)


def _is_tag_slug(text: str) -> bool:
    return _TAG_SLUG.fullmatch(text) is not None


def _is_exercise_name(name: str) -> bool:
    """A public identifier; `__` parts an exercise from its mistake's name."""
    return (
        name.isidentifier()
        and name.isascii()
        and not keyword.iskeyword(name)
        and not name.startswith("_")
        and "__" not in name
    )
