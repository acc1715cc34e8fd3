"""Interview questions: one Markdown file each, read, validated, and asked for by words.

A file has front matter in TOML between lines of ``+++``, a title, and the sections of `SECTIONS` in their order. What
an answer claims is linked to a check of the same file, which runs, or to an entry of `sources.md`, which was looked up
(see `grader.claims`). The form is described in docs/interview_questions.md.
"""

from __future__ import annotations

import difflib
import re
import tomllib
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Any

from grader.content import Content
from grader.errors import ContentError, GradsmithError
from grader.files import read_text
from grader.model import Course

SECTIONS = (
    "Question", "In thirty seconds", "In full", "Follow-ups", "Rubric", "Traps", "Checks",
)  # fmt: skip
"""Headings of the second level, in this order."""
ANSWERS = ("In thirty seconds", "In full", "Follow-ups", "Rubric", "Traps")
"""The sections whose numbers must be claimed by a check or a source."""
GRADES = ("Weak", "Good", "Strong")
"""Headings of the third level in the rubric: what such an answer contains."""
SOURCES_FILE = "sources.md"
"""The one list of sources, beside the topics' folders: a heading `## key` each."""
MAX_SHORT = 110
"""Words that can be said in thirty seconds."""

_FENCE = "+++"
_ID = re.compile(r"[a-z][a-z0-9]*(-[a-z0-9]+)+")
_KEY = re.compile(r"[a-z][a-z0-9-]*")
_HEADING = re.compile(r"(#{1,6}) +(.+?) *#*")
_SENTENCE_END = re.compile(r"(?<=[.?!:])\s+(?=[A-Z*$\[])|\n\s*\n|\n(?=- )")
_TEXTS = {"id": str, "topic": str, "difficulty": str, "minutes": int, "revision": int}
_LISTS = ("tags", "exercises", "prerequisites", "sources")


class Level(StrEnum):
    """Where in an interview a question is asked."""

    SCREEN = "screen"
    ONSITE = "onsite"
    RESEARCH = "research"


@dataclass(frozen=True, slots=True)
class FollowUp:
    """What is asked next, and its answer."""

    question: str
    answer: str


@dataclass(frozen=True, slots=True)
class Check:
    """A claim that runs: a doctest under a name that the answer links to."""

    name: str
    text: str
    line: int


@dataclass(frozen=True, slots=True)
class Question:
    """One interview question.

    Attributes
    ----------
    id : never changes and is never given to another question: schedules of learners hang on it.
    minutes : for the full answer.
    exercises : functions that practise it.
    prerequisites : ids of questions to know before.
    sources : keys of `sources.md`.
    revision : goes up with each change of the answer's meaning.
    question, short, full : Markdown.
    rubric : for each of `GRADES`, what such an answer contains.
    file : where it stands.
    lines : the file's lines at which the sections begin, counted from 1.
    """

    id: str
    topic: str
    title: str
    level: Level
    minutes: int
    tags: tuple[str, ...]
    exercises: tuple[str, ...]
    prerequisites: tuple[str, ...]
    sources: tuple[str, ...]
    revision: int
    question: str
    short: str
    full: str
    followups: tuple[FollowUp, ...]
    rubric: Mapping[str, tuple[str, ...]]
    traps: tuple[str, ...]
    checks: tuple[Check, ...]
    file: Path
    lines: Mapping[str, int]


def load_questions(
    content: Content, course: Course, topics: Sequence[str] | None = None
) -> list[Question]:
    """The questions of all topics or of some, in the course's order and by difficulty.

    Raises
    ------
    ContentError : the first problem; its message says how many there are.
    """
    found, problems = read_questions(content, course, topics)
    if problems:
        first = problems[0]
        more = f" (and {len(problems) - 1} more problems)" if len(problems) > 1 else ""
        raise ContentError(first.file, first.key, first.fix + more)
    return found


def read_questions(
    content: Content, course: Course, topics: Sequence[str] | None = None
) -> tuple[list[Question], list[ContentError]]:
    """What can be read of the bank, and all that is wrong with it."""
    questions: list[Question] = []
    problems: list[ContentError] = []
    for topic in course.topics:
        if topics is not None and topic.slug not in topics:
            continue
        for file in question_files(content, topic.slug):
            reader = _Reader(file, topic.slug)
            one = reader.read()
            problems += reader.problems
            if one is not None:
                questions.append(one)
    ids: dict[str, Path] = {}
    for one in questions:
        if one.id in ids:
            problems.append(ContentError(one.file, "id", f"{one.id} is that of {ids[one.id]} too"))
        ids.setdefault(one.id, one.file)
    if topics is None:
        names = {exercise.name for exercise in course.exercises}
        for one in questions:
            problems += _dangling(one, "exercises", one.exercises, names, "an exercise")
            problems += _dangling(one, "prerequisites", one.prerequisites, ids, "a question's id")
            keys = source_keys(content.owner(one.topic))
            problems += _dangling(one, "sources", one.sources, keys, f"a heading of {SOURCES_FILE}")
    order = {topic.slug: number for number, topic in enumerate(course.topics)}
    levels = list(Level)
    questions.sort(key=lambda q: (order[q.topic], levels.index(q.level), q.id))
    return questions, problems


def question_files(content: Content, topic: str) -> list[Path]:
    """The files of a topic's questions."""
    return sorted((content.owner(topic).interview_questions / topic).glob("*.md"))


def source_keys(content: Content) -> dict[str, str]:
    """What each key of the list of sources stands for."""
    file = content.interview_questions / SOURCES_FILE
    if not file.is_file():
        return {}
    return {
        section.title: section.text.strip() for section in sections(read_text(file).splitlines(), 2)
    }


def asked_about(questions: Sequence[Question], exercise: str) -> list[Question]:
    """The questions that an exercise practises."""
    return [one for one in questions if exercise in one.exercises]


def chosen(
    questions: Iterable[Question],
    *,
    topics: Collection[str] = (),
    tags: Collection[str] = (),
    level: Level | None = None,
    exercise: str | None = None,
) -> list[Question]:
    """The questions of one of the topics, with all of the tags, and this level and exercise where they are given."""
    return [
        one
        for one in questions
        if (not topics or one.topic in topics)
        and set(tags) <= set(one.tags)
        and level in (None, one.level)
        and (exercise is None or exercise in one.exercises)
    ]


def nearest(questions: Sequence[Question], name: str, n: int = 3) -> list[str]:
    """The ids that someone who wrote `name` may have meant, the likeliest first."""
    words = [word for word in re.split(r"[^a-z0-9]+", name.casefold()) if word]
    near = difflib.get_close_matches(name, [one.id for one in questions], n=n)
    holding = [one.id for one in questions if words and all(word in one.id for word in words)]
    found = [one.id for one in matching(questions, words)] if words else []
    return list(dict.fromkeys([*holding, *near, *found]))[:n]


def context(question: Question, words: Sequence[str]) -> str:
    """The sentence of a question, in Markdown, in which most of the words occur; the first of those."""
    wanted = [word.casefold() for word in words]
    follow = [text for each in question.followups for text in (each.question, each.answer)]
    best, most = "", 0
    for text in (question.question, question.short, question.full, *follow, *question.traps):
        for sentence in _SENTENCE_END.split(text):
            n = sum(word in sentence.casefold() for word in wanted)
            if n > most:
                best, most = sentence, n
    return " ".join((best or _SENTENCE_END.split(question.question)[0]).split())


def matching(questions: Sequence[Question], words: Sequence[str]) -> list[Question]:
    """The questions in which all words occur, in any form of case; the best first.

    A word in the title counts most, then one in the tags, the exercises or the question itself.
    """
    wanted = [word.casefold() for word in words]
    ranked = []
    for number, one in enumerate(questions):
        title = one.title.casefold()
        near = " ".join([one.id, one.topic, *one.tags, *one.exercises, one.question]).casefold()
        follow = " ".join(f"{f.question} {f.answer}" for f in one.followups)
        far = " ".join([one.short, one.full, follow, *one.traps]).casefold()
        weights = [
            8 * (word in title) + 3 * (word in near) + (word in far) for word in wanted
        ]  # fmt: skip
        if all(weights):
            ranked.append((-sum(weights), number, one))
    return [one for *_, one in sorted(ranked, key=lambda item: item[:2])]


def _dangling(
    one: Question, key: str, named: Sequence[str], known: Any, what: str
) -> list[ContentError]:
    return [
        ContentError(one.file, key, f"{name!r} is not {what}")
        for name in named
        if name not in known
    ]


@dataclass(frozen=True, slots=True)
class Section:
    """What stands under a heading: `line` is the heading's, counted from 1."""

    title: str
    text: str
    line: int


def sections(lines: Sequence[str], level: int, first: int = 1) -> list[Section]:
    """The sections under headings of a level; headings in blocks of code are none.

    Parameters
    ----------
    first : the number of the first line.
    """
    found: list[tuple[str, int, list[str]]] = []
    fenced = False
    for number, line in enumerate(lines, start=first):
        fenced ^= line.lstrip().startswith("```")
        heading = None if fenced else _HEADING.fullmatch(line)
        if heading is not None and len(heading[1]) == level:
            found.append((heading[2], number, []))
        elif found:
            found[-1][2].append(line)
    return [Section(title, "\n".join(text).strip("\n"), line) for title, line, text in found]


class _Reader:
    """Reads one file and collects what is wrong with it."""

    def __init__(self, file: Path, topic: str) -> None:
        self.file = file
        self.topic = topic
        self.problems: list[ContentError] = []

    def wrong(self, key: str, fix: str) -> None:
        self.problems.append(ContentError(self.file, key, fix))

    def read(self) -> Question | None:
        """The question, or None where something is wrong."""
        try:
            lines = read_text(self.file).splitlines()
        except GradsmithError as error:
            self.wrong("line 1", str(error).removeprefix(f"{self.file}: "))
            return None
        if not lines or lines[0] != _FENCE or _FENCE not in lines[1:]:
            self.wrong("line 1", f"front matter begins and ends with a line {_FENCE}")
            return None
        end = lines.index(_FENCE, 1)
        try:
            front = tomllib.loads("\n".join(lines[1:end]) + "\n")
        except (ValueError, RecursionError) as error:  # also a number too long, brackets too deep
            self.wrong("front matter", f"is no TOML: {error}")
            return None
        self._front(front)
        body, first = lines[end + 1 :], end + 2
        titles = sections(body, 1, first)
        if len(titles) != 1:
            self.wrong("title", "give one heading `# …`")
        parts = {part.title: part for part in sections(body, 2, first)}
        names = [part.title for part in sections(body, 2, first)]
        if names != list(SECTIONS):
            self.wrong("sections", f"are {', '.join(names)}; they must be {', '.join(SECTIONS)}")
        if self.problems:
            return None
        followups = [FollowUp(p.title, p.text) for p in self._inner(parts["Follow-ups"])]
        rubric = {p.title: _bullets(p.text) for p in self._inner(parts["Rubric"])}
        traps = _bullets(parts["Traps"].text)
        checks = self._checks(parts["Checks"])
        self._content(parts, followups, rubric, traps)
        if self.problems:
            return None
        return Question(
            id=front["id"],
            topic=self.topic,
            title=titles[0].title,
            level=Level(front["difficulty"]),
            minutes=front["minutes"],
            tags=tuple(front["tags"]),
            exercises=tuple(front["exercises"]),
            prerequisites=tuple(front["prerequisites"]),
            sources=tuple(front["sources"]),
            revision=front["revision"],
            question=parts["Question"].text,
            short=parts["In thirty seconds"].text,
            full=parts["In full"].text,
            followups=tuple(followups),
            rubric=rubric,
            traps=traps,
            checks=tuple(checks),
            file=self.file,
            lines={name: part.line for name, part in parts.items()},
        )

    def _front(self, front: Mapping[str, Any]) -> None:
        known = {*_TEXTS, *_LISTS}
        for key in front.keys() - known:
            self.wrong(str(key), f"is no key; the keys are {', '.join(sorted(known))}")
        for key, kind in _TEXTS.items():
            if type(front.get(key)) is not kind:
                self.wrong(key, "give a text" if kind is str else "give a whole number")
            elif kind is int and not 1 <= front[key] <= 999:
                self.wrong(key, "give a number from 1")
        for key in _LISTS:
            value = front.get(key)
            if not isinstance(value, list) or not all(isinstance(each, str) for each in value):
                self.wrong(key, "give a list of texts")
            elif len(set(value)) != len(value):
                self.wrong(key, "names something twice")
            elif not value and key in ("tags", "exercises"):
                self.wrong(key, "name at least one")
        if self.problems:
            return
        if not _ID.fullmatch(front["id"]):
            self.wrong("id", "write small words joined by -, as in attention-scale")
        if front["topic"] != self.topic:
            self.wrong("topic", f"is {front['topic']!r}; the file lies in {self.topic}/")
        if front["difficulty"] not in list(Level):
            self.wrong("difficulty", f"is one of {', '.join(Level)}")

    def _inner(self, part: Section) -> list[Section]:
        return sections(part.text.splitlines(), 3, part.line + 1)

    def _checks(self, part: Section) -> list[Check]:
        found = []
        # Its blank first lines were taken off: the file is counted, not the text.
        lines = read_text(self.file).splitlines()[part.line :]
        for each in sections(lines, 3, part.line + 1):
            if not _KEY.fullmatch(each.title):
                self.wrong(f"line {each.line}", "name a check in small letters, digits and -")
            if "```python\n>>> " not in each.text:
                self.wrong(f"line {each.line}", "a check is a block ```python with >>> lines")
            found.append(Check(each.title, each.text, each.line))
        if not found:
            self.wrong("Checks", "give at least one check: a heading ### name and its block")
        if len({check.name for check in found}) != len(found):
            self.wrong("Checks", "two checks have one name")
        return found

    def _content(
        self,
        parts: Mapping[str, Section],
        followups: Sequence[FollowUp],
        rubric: Mapping[str, tuple[str, ...]],
        traps: Sequence[str],
    ) -> None:
        for name, part in parts.items():
            if not part.text.strip():
                self.wrong(name, "is empty")
        words = len(parts["In thirty seconds"].text.split())
        if words > MAX_SHORT:
            self.wrong("In thirty seconds", f"has {words} words; {MAX_SHORT} can be said in time")
        if not followups:
            self.wrong("Follow-ups", "give at least one: a heading ### with the question")
        for each in followups:
            if not each.answer.strip():
                self.wrong("Follow-ups", f"{each.question!r} has no answer")
        if tuple(rubric) != GRADES:
            self.wrong("Rubric", f"its headings are ### {', ### '.join(GRADES)}")
        for name, points in rubric.items():
            if not points:
                self.wrong("Rubric", f"{name} has no point: lines that begin with -")
        if not traps:
            self.wrong("Traps", "give at least one: lines that begin with -")


def _bullets(text: str) -> tuple[str, ...]:
    """The points of a list; lines that go on are joined."""
    points: list[str] = []
    for line in text.splitlines():
        if line.startswith("- "):
            points.append(line[2:].strip())
        elif line.strip() and points:
            points[-1] += " " + line.strip()
    return tuple(points)
