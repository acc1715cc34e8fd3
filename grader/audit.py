"""What is wrong with the bank of interview questions, and how much of what it claims has what behind it."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from grader.claims import claims, links, run_checks
from grader.content import Content
from grader.errors import ContentError, GradsmithError
from grader.files import read_text
from grader.model import Course
from grader.questions import (
    SECTIONS,
    SOURCES_FILE,
    Question,
    question_files,
    read_questions,
    sections,
)

IDS_FILE = "ids.txt"
"""All ids that were ever given, a line each, beside the topics' folders."""
PAGE_FILE = "README.md"
"""Beside the topics' folders, where there is one: links to every question."""
RETIRED = "# retired"
"""Stands behind the id of a question that was taken out on purpose."""

_HEADING = re.compile(r"#{1,6} +(.+?) *#*")
_LINE = re.compile(r"line (\d+)")
_UNSEEDED = re.compile(
    r"default_rng\(\s*\)|\bnp\.random\.(?!default_rng|Generator|SeedSequence|PCG64|Philox)\w+"
)
_GIVEN_ID = re.compile(r'id *= *"([^"]+)"')


@dataclass(frozen=True, slots=True, order=True)
class Complaint:
    """What is wrong, where, and what to do: `problem` is one clause with its fix."""

    file: Path
    line: int
    problem: str


@dataclass(frozen=True, slots=True)
class Audit:
    """What was found.

    Attributes
    ----------
    complaints : in the order of files and lines.
    questions : how many can be read, by topic.
    behind : by topic, how many claims have a ``"check"``, a ``"source"``, or are an ``"opinion"``.
    n_examples : lines of code that ran in checks.
    """

    complaints: tuple[Complaint, ...]
    questions: Mapping[str, int]
    behind: Mapping[str, Counter[str]]
    n_examples: int


def audit(content: Content, course: Course, topics: Collection[str] | None = None) -> Audit:
    """Look at everything: the form, the claims, the checks by running them, the links, the list of ids.

    Parameters
    ----------
    topics : only what concerns these is told and run.
    """
    questions, problems = read_questions(content, course)
    found = [_from_reader(problem) for problem in problems]
    wanted = [t.slug for t in course.topics if topics is None or t.slug in topics]
    files = [file for slug in wanted for file in question_files(content, slug)]
    mine = [one for one in questions if one.topic in wanted]
    behind: dict[str, Counter[str]] = {slug: Counter() for slug in wanted}
    n_examples = 0
    for one in mine:
        of_claims, counts = _of_claims(one)
        n, of_checks = _of_checks(one)
        found += [*of_claims, *of_checks]
        behind[one.topic] += counts
        n_examples += n
    told = {(each.file, each.line) for each in found}
    homes = {content.owner(slug).interview_questions for slug in wanted}
    pages = [*files, *(home / SOURCES_FILE for home in homes)]
    found += [
        each for page in pages for each in _of_links(page) if (each.file, each.line) not in told
    ]
    if topics is not None:
        chosen = {*files, *pages}
        found = [each for each in found if each.file in chosen]
    found += _of_ids(content, wanted, questions, whole=topics is None)
    if topics is None:
        for home in homes:
            found += _of_lists(home, [q for q in questions if q.file.is_relative_to(home)])
    return Audit(
        tuple(sorted(set(found))),
        {slug: sum(one.topic == slug for one in mine) for slug in wanted},
        behind,
        n_examples,
    )


def _from_reader(problem: ContentError) -> Complaint:
    """A problem of the reader, which names a key of the front matter, a section or a line, at its line."""
    file, key = Path(problem.file), problem.key
    found = _LINE.fullmatch(key)
    if found:
        return Complaint(file, int(found[1]), problem.fix)
    begin = f"## {key}" if key in SECTIONS else rf"{key} *="
    pattern = re.compile(re.escape(begin) + r" *$" if key in SECTIONS else begin)
    line = 1
    for number, text in enumerate(_text(file).splitlines(), start=1):
        if pattern.match(text):
            line = number
            break
    return Complaint(file, line, f"{key}: {problem.fix}")


def _of_claims(one: Question) -> tuple[list[Complaint], Counter[str]]:
    found, counts = [], Counter[str]()
    for claim in claims(one):
        if claim.problem:
            found.append(Complaint(one.file, claim.line, f"{claim.text!r}: {claim.problem}"))
        elif claim.behind is not None:
            counts[claim.behind] += 1
    return found, counts


def _of_checks(one: Question) -> tuple[int, list[Complaint]]:
    n, broken = run_checks(one)
    found = [
        Complaint(
            one.file, each.line, f"check {each.check}: {each.problem}; mend it, or the answer"
        )
        for each in broken
    ]
    found += [
        Complaint(one.file, check.line, f"check {check.name}: {loose[0]} has no seed; take default_rng(0)")
        for check in one.checks
        if (loose := _UNSEEDED.search(check.text))
    ]  # fmt: skip
    return n, found


def _of_links(file: Path) -> Iterator[Complaint]:
    """Relative links that lead to no file, or to no heading of it."""
    for _, target, line in links(_text(file)):
        if "://" in target or target.startswith("mailto:"):
            continue
        path, _, anchor = target.partition("#")
        page = file.parent / path if path else file
        if not page.exists():
            yield Complaint(file, line, f"link to {target}: there is no such file; mend the path")
        elif anchor and page.suffix == ".md" and anchor not in anchors(_text(page)):
            yield Complaint(
                file, line, f"link to {target}: there is no such heading; mend the name"
            )


def anchors(text: str) -> set[str]:
    """What links to a page can name behind `#`: its headings, as GitHub writes them."""
    found = set()
    fenced = False
    for line in text.splitlines():
        fenced ^= line.lstrip().startswith("```")
        heading = None if fenced else _HEADING.fullmatch(line)
        if heading is not None:
            bare = re.sub(r"[^\w\- ]", "", heading[1].lower())
            found.add(bare.replace(" ", "-"))
    return found


def _of_ids(
    content: Content, slugs: Sequence[str], questions: Sequence[Question], *, whole: bool
) -> Iterator[Complaint]:
    """Ids that no question has, that a question has in spite of the list, or that are not listed."""
    for home in dict.fromkeys(content.owner(slug).interview_questions for slug in slugs):
        file = home / IDS_FILE
        mine = {
            one.id: one for one in questions
            if one.file.is_relative_to(home) and one.topic in slugs
        }  # fmt: skip
        if not file.is_file():
            if mine:
                yield Complaint(
                    file, 1, f"is not there; write the ids, a line each: {', '.join(mine)}"
                )
            continue
        listed: dict[str, int] = {}
        retired = set()
        for number, line in enumerate(_text(file).splitlines(), start=1):
            name = line.partition("#")[0].strip()
            if not name:
                continue
            if name in listed:
                yield Complaint(
                    file, number, f"{name} stands in line {listed[name]} too; take one out"
                )
            listed.setdefault(name, number)
            if RETIRED in line:
                retired.add(name)
        for name, one in mine.items():
            if name in retired:
                fix = f"{name} is retired and never used again; choose another id"
                yield Complaint(file, listed[name], fix)
            elif name not in listed:
                yield Complaint(one.file, 2, f"id: {name} is not in {IDS_FILE}; add a line there")
        if whole and home == content.interview_questions:
            have = set(mine) | _written_ids(home)
            for name, number in listed.items():
                if name not in have and name not in retired:
                    fix = f"bring the question back, or write `{RETIRED}` behind the id"
                    yield Complaint(file, number, f"no question has the id {name}; {fix}")


def _of_lists(home: Path, questions: Sequence[Question]) -> Iterator[Complaint]:
    """Questions that the bank's first page does not link to, and sources that nobody cites."""
    page = home / PAGE_FILE
    listed = _text(page)
    for one in questions:
        link = one.file.relative_to(home).as_posix()
        if listed and f"]({link})" not in listed:
            yield Complaint(page, 1, f"has no link to {link}; add its row")
    cited = {key for one in questions for key in one.sources}
    for section in sections(_text(home / SOURCES_FILE).splitlines(), 2):
        if section.title not in cited:
            fix = f"no question cites {section.title}; take it out"
            yield Complaint(home / SOURCES_FILE, section.line, fix)


def _written_ids(home: Path) -> set[str]:
    """The ids in front matter, of files too that cannot be read as questions."""
    found = set()
    for file in home.glob("*/*.md"):
        front = _text(file).partition("\n+++")[0]
        found |= {match[1] for line in front.splitlines() if (match := _GIVEN_ID.match(line))}
    return found


def _text(file: Path) -> str:
    try:
        return read_text(file)
    except GradsmithError:
        return ""
