"""The pages of the site, as HTML without the frame around them."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from html import escape
from pathlib import Path
from typing import TYPE_CHECKING, Final, TypeVar

from grader.errors import ContentError
from grader.files import read_text
from grader.model import Difficulty
from grader.questions import SOURCES_FILE, Level, asked_about, source_keys
from grader.site.links import Heading, Page, check_links, href
from grader.site.markdown import Writer, code_block

if TYPE_CHECKING:
    from markdown_it.token import Token

    from grader.content import Content
    from grader.figures import Entry
    from grader.model import Course, Exercise, Topic
    from grader.questions import Question

T = TypeVar("T")

HOME: Final = "index.html"
FIGURES: Final = "figures.html"
SOURCES: Final = "sources.html"
EXERCISES: Final = "exercises/index.html"
EXERCISES_BY_LEVEL: Final = "exercises/difficulty.html"
EXERCISES_BY_TAG: Final = "exercises/tags.html"
QUESTIONS: Final = "questions/index.html"
QUESTIONS_BY_LEVEL: Final = "questions/difficulty.html"
QUESTIONS_BY_TAG: Final = "questions/tags.html"

RUNGS: Final = {
    "concept": "The idea", "equation": "The equation", "shape": "The shapes", "line": "The line",
}  # fmt: skip
LEVELS: Final = {
    Level.SCREEN: "Phone screen", Level.ONSITE: "On site", Level.RESEARCH: "Research",
}  # fmt: skip
DIFFICULTIES: Final = {
    Difficulty.EASY: "Easy", Difficulty.MEDIUM: "Medium", Difficulty.HARD: "Hard",
}  # fmt: skip
ALL_KEYS: Final = (
    ("/ or s", "search"),
    ("n, p", "next and previous page"),
    ("o", "open or close all answers and hints of a page"),
)

_README: Final = "README.md"
_SLUG: Final = re.compile(r"[^a-z0-9]+")


@dataclass(frozen=True, slots=True)
class Section:
    """Pages under one heading of the navigation; a page whose title is the section's stands for it."""

    title: str
    pages: tuple[str | Section, ...]


@dataclass(frozen=True, slots=True)
class Figure:
    """A drawn figure: where it lies in the site, and what it is."""

    path: str
    entry: Entry


@dataclass(frozen=True, slots=True)
class Site:
    """What there is to show.

    Attributes
    ----------
    navigation : the pages in the order in which one walks through them.
    """

    title: str
    pages: tuple[Page, ...]
    navigation: tuple[str | Section, ...]


def make_site(
    content: Content, course: Course, questions: Sequence[Question], figures: Sequence[Figure]
) -> Site:
    """All pages of a course.

    Raises
    ------
    ContentError : a formula cannot be converted, or a link leads nowhere; with the file.
    """
    return _Maker(content, course, questions, figures).site()


def topic_path(slug: str) -> str:
    """The page of a topic."""
    return f"exercises/{slug}.html"


def question_path(question: Question) -> str:
    """The page of a question: its id, which never changes."""
    return f"questions/{question.id}.html"


class _Maker:
    """Knows all that pages link to."""

    def __init__(
        self,
        content: Content,
        course: Course,
        questions: Sequence[Question],
        figures: Sequence[Figure],
    ) -> None:
        self.content = content
        self.course = course
        self.questions = questions
        self.figures = figures
        self.by_id = {one.id: one for one in questions}
        self.files: dict[Path, str] = {one.file.resolve(): question_path(one) for one in questions}
        self.sources: dict[str, tuple[str, Path]] = {}
        for topic in reversed(
            course.topics
        ):  # where two courses have a key, the first topic's counts
            owner = content.owner(topic.slug)
            self.files[content.statement(topic.slug).resolve()] = topic_path(topic.slug)
            file = owner.interview_questions / SOURCES_FILE
            self.files[file.resolve()] = SOURCES
            self.files[(owner.interview_questions / _README).resolve()] = QUESTIONS
            self.sources |= {key: (text, file) for key, text in source_keys(owner).items()}
        if not questions:
            self.sources = {}

    def site(self) -> Site:
        pages = [self.home(), *self.exercise_indexes()]
        pages += [self.topic(topic) for topic in self.course.topics]
        topics: tuple[str | Section, ...] = tuple(topic_path(t.slug) for t in self.course.topics)
        indexes = (EXERCISES, EXERCISES_BY_LEVEL, EXERCISES_BY_TAG)
        navigation: list[str | Section] = [HOME, Section("Exercises", (*indexes, *topics))]
        if self.questions:
            pages += [*self.question_indexes(), *(self.question(one) for one in self.questions)]
            groups = tuple(
                Section(topic.title, tuple(question_path(one) for one in asked))
                for topic, asked in self.asked_by_topic()
            )
            indexes = (QUESTIONS, QUESTIONS_BY_LEVEL, QUESTIONS_BY_TAG)
            navigation.append(Section("Questions", (*indexes, *groups)))
        if self.figures:
            pages.append(self.gallery())
            navigation.append(FIGURES)
        if self.sources:
            pages.append(self.source_list())
            navigation.append(SOURCES)
        check_links(pages, [figure.path for figure in self.figures])
        return Site(self.course.title, tuple(pages), tuple(navigation))

    # -- pieces

    def writer(self, file: Path, path: str, anchors: Mapping[str, str] | None = None) -> Writer:
        """Writes the Markdown of a file for one page; `anchors` gives new names to the file's own."""

        def resolve(target: str) -> str:
            if "://" in target or target.startswith("mailto:"):
                return target
            name, _, anchor = target.partition("#")
            if not name:
                return f"#{(anchors or {}).get(anchor, anchor)}"
            there = self.files.get((file.parent / name).resolve())
            if there is None:
                fix = "is not on the site: link to a statement, a question or the sources"
                raise ContentError(file, f"link {target}", fix)
            return href(path, there, anchor)

        return Writer(file, resolve)

    def asked_by_topic(self) -> Iterator[tuple[Topic, list[Question]]]:
        for topic in self.course.topics:
            if asked := [one for one in self.questions if one.topic == topic.slug]:
                yield topic, asked

    def exercise_link(self, here: str, exercise: Exercise) -> str:
        target = href(here, topic_path(exercise.topic), exercise.name)
        return f'<a href="{target}"><code>{exercise.name}</code></a>'

    def question_link(self, here: str, one: Question) -> str:
        title = self.writer(one.file, here).inline(one.title)
        return f'<a href="{href(here, question_path(one))}">{title}</a>'

    def tag_links(self, here: str, there: str, tags: Iterable[str]) -> str:
        return " ".join(
            f'<a class="gs-tag" href="{href(here, there, f"tag-{tag}")}">{tag}</a>' for tag in tags
        )

    # -- home

    def home(self) -> Page:
        exercises = len(self.course.exercises)
        asked = len(self.questions)
        parts = [
            f"{exercises} {_plural('function', exercises)} to write",
            f"{asked} {_plural('interview question', asked)}",
        ]
        said = " and ".join(parts if self.questions else parts[:1])
        keys = "".join(f"<li>{_keys(keys)} {escape(what)}</li>" for keys, what in ALL_KEYS)
        rows = []
        for topic in self.course.topics:
            asked = sum(one.topic == topic.slug for one in self.questions)
            n = len(topic.exercises)
            counts = f"{n} {_plural('function', n)}"
            if asked:
                target = href(HOME, QUESTIONS, topic.slug)
                counts += f' · <a href="{target}">{asked} {_plural("question", asked)}</a>'
            rows.append(
                f'<li><h3 id="{topic.slug}"><a href="{href(HOME, topic_path(topic.slug))}">'
                f"{escape(topic.title)}</a></h3><p>{escape(topic.summary)}</p>"
                f'<p class="gs-facts">{counts}</p></li>'
            )
        body = (
            f'<h1 id="start">{escape(self.course.title)}</h1>\n'
            f"<p>{said}. Answers and hints are folded; nothing is shown before you ask for it.</p>\n"
            f'<h2 id="topics">Topics</h2>\n<ul class="gs-cards">{"".join(rows)}</ul>\n'
            f'<h2 id="keys">Keys</h2>\n<ul class="gs-keys">{keys}</ul>\n'
        )
        headings = (
            Heading(self.course.title, "start", 1),
            Heading("Topics", "topics", 2),
            Heading("Keys", "keys", 2),
        )
        return Page(HOME, "Home", body, self.content.course_toml, headings)

    # -- exercises

    def topic(self, topic: Topic) -> Page:
        path = topic_path(topic.slug)
        file = self.content.statement(topic.slug)
        writer = self.writer(file, path)
        by_signature = {exercise.signature: exercise for exercise in topic.exercises}
        taken = {"start", "figures", "questions", *(exercise.name for exercise in topic.exercises)}
        body: list[str] = []
        headings: list[Heading] = []
        for tag, title, tokens in _parts(writer.tokens(read_text(file))):
            exercise = _of_heading(title, by_signature)
            text = writer.text(title)
            if exercise is not None:
                anchor = text = exercise.name
            elif tag == "h1":
                anchor = "start"
            else:
                anchor = _unused(_slug(text), taken)
            if tag:
                headings.append(Heading(text, anchor, int(tag[1])))
                body.append(f'<{tag} id="{anchor}">{writer.inline(title)}</{tag}>\n')
            if exercise is not None:
                body.append(self.facts(path, exercise))
            body.append(writer.html(tokens))
            if exercise is not None:
                body.append(self.help(path, exercise))
        if drawn := [figure for figure in self.figures if figure.entry.topic == topic.slug]:
            headings.append(Heading("Figures", "figures", 2))
            body.append('<h2 id="figures">Figures</h2>\n')
            body += [self.figure(path, figure) for figure in drawn]
        if asked := [one for one in self.questions if one.topic == topic.slug]:
            headings.append(Heading("Interview questions", "questions", 2))
            body.append('<h2 id="questions">Interview questions</h2>\n')
            body.append(self.question_table(path, asked, tags=False))
        return Page(path, topic.title, "".join(body), file, tuple(headings))

    def facts(self, path: str, exercise: Exercise) -> str:
        points = f"{exercise.points:g} {_plural('point', exercise.points)}"
        level = f"{DIFFICULTIES[exercise.difficulty].lower()}"
        target = href(path, EXERCISES_BY_LEVEL, exercise.difficulty)
        return (
            f'<p class="gs-title">{escape(exercise.title)}</p>\n<p class="gs-facts">{points} · '
            f'<a href="{target}">{level}</a> · {exercise.minutes} minutes · '
            f"{self.tag_links(path, EXERCISES_BY_TAG, exercise.tags)}</p>\n"
        )

    def help(self, path: str, exercise: Exercise) -> str:
        rungs = []
        for rung, title in RUNGS.items():
            hint = getattr(exercise.hints, rung).strip("\n")
            code = rung == "line"
            shown = code_block(f"{hint}\n", "python") if code else f"<p>{escape(hint)}</p>"
            rungs.append(_folded(title, shown))
        text = _folded(f"Hints for {exercise.name}", "\n".join(rungs))
        if asked := asked_about(self.questions, exercise.name):
            links = "; ".join(self.question_link(path, one) for one in asked)
            text += f'<p class="gs-related">Asked about it in interviews: {links}</p>\n'
        return text

    def figure(self, path: str, figure: Figure) -> str:
        entry = figure.entry
        exercises = {exercise.name: exercise for exercise in self.course.exercises}
        needs = ", ".join(
            self.exercise_link(path, exercises[name]) for name in entry.needs if name in exercises
        )
        title = entry.title[0].upper() + entry.title[1:]
        return (
            f'<figure><img src="{href(path, figure.path)}" alt="{escape(title)}" loading="lazy">'
            f"<figcaption>{escape(title)}. Drawn by {needs}; <code>grader figure {entry.name}</code> "
            "draws it from yours.</figcaption></figure>\n"
        )

    def exercise_indexes(self) -> Iterator[Page]:
        all_ = self.course.exercises
        groups = [
            (topic.slug, topic.title, href(EXERCISES, topic_path(topic.slug)), topic.exercises)
            for topic in self.course.topics
        ]
        yield self.exercise_index(EXERCISES, "Exercises", "By topic", groups)
        levels = [
            (str(level), title, "", [e for e in all_ if e.difficulty is level])
            for level, title in DIFFICULTIES.items()
        ]
        yield self.exercise_index(EXERCISES_BY_LEVEL, "Exercises by difficulty", "By difficulty", levels)  # fmt: skip
        tags = sorted({tag for exercise in all_ for tag in exercise.tags})
        tagged = [(f"tag-{tag}", tag, "", [e for e in all_ if tag in e.tags]) for tag in tags]
        yield self.exercise_index(EXERCISES_BY_TAG, "Exercises by tag", "By tag", tagged)

    def exercise_index(
        self, path: str, title: str, short: str,
        groups: Sequence[tuple[str, str, str, Sequence[Exercise]]],
    ) -> Page:  # fmt: skip
        def table(exercises: Sequence[Exercise]) -> str:
            rows = "".join(
                f"<tr><td>{self.exercise_link(path, e)}</td><td>{escape(e.title)}</td>"
                f"<td>{DIFFICULTIES[e.difficulty]}</td><td>{e.points:g}</td><td>{e.minutes}</td></tr>"
                for e in exercises
            )
            return _table(("Function", "What it is", "Difficulty", "Points", "Minutes"), rows)

        return self.index(path, title, short, groups, table, self.content.course_toml)

    def index(
        self, path: str, title: str, short: str,
        groups: Sequence[tuple[str, str, str, Sequence[T]]],
        table: Callable[[Sequence[T]], str], source: Path,
    ) -> Page:  # fmt: skip
        body = [f'<h1 id="start">{title}</h1>\n']
        headings = [Heading(title, "start", 1)]
        for anchor, name, target, members in groups:
            if not members:
                continue
            headings.append(Heading(name, anchor, 2))
            shown = f'<a href="{target}">{escape(name)}</a>' if target else escape(name)
            body.append(f'<h2 id="{anchor}">{shown}</h2>\n{table(members)}')
        return Page(path, short, "".join(body), source, tuple(headings))

    # -- questions

    def question(self, one: Question) -> Page:
        path = question_path(one)
        # A section of the page may have the name of a check.
        anchors = {check.name: f"check-{check.name}" for check in one.checks}
        writer = self.writer(one.file, path, anchors)
        exercises = {exercise.name: exercise for exercise in self.course.exercises}
        topic = next(topic for topic in self.course.topics if topic.slug == one.topic)
        follow = "\n".join(
            _folded(writer.inline(each.question), writer.html(each.answer))
            for each in one.followups
        )
        rubric = "\n".join(
            f"<h3>{grade}</h3>\n{_list(map(writer.inline, points))}"
            for grade, points in one.rubric.items()
        )
        checks = "\n".join(
            f'<h3 id="check-{check.name}"><code>{check.name}</code></h3>\n{writer.html(check.text)}'
            for check in one.checks
        )
        n = len(one.followups)
        folds = (
            ("in-thirty-seconds", "In thirty seconds", writer.html(one.short)),
            ("in-full", "In full", writer.html(one.full)),
            ("follow-ups", f"{n} follow-up {_plural('question', n)}", follow),
            ("rubric", "Rubric: what an answer contains", rubric),
            ("traps", "Traps", _list(map(writer.inline, one.traps))),
            ("checks", "Checks: what the answer computes", f"{CHECKS_NOTE}\n{checks}"),
        )
        title = writer.text(one.title)
        level = href(path, QUESTIONS_BY_LEVEL, one.level)
        body = [
            f'<h1 id="start">{writer.inline(one.title)}</h1>\n',
            f'<p class="gs-facts"><a href="{href(path, topic_path(one.topic))}">{escape(topic.title)}</a> · '
            f'<a href="{level}">{LEVELS[one.level].lower()}</a> · {one.minutes} minutes · '
            f"{self.tag_links(path, QUESTIONS_BY_TAG, one.tags)}</p>\n",
            f'<div class="gs-question">{writer.html(one.question)}</div>\n',
            '<p><button type="button" class="md-button gs-open-all" hidden>Open all answers</button></p>\n',
        ]
        headings = [Heading(title, "start", 1)]
        for anchor, name, text in folds:
            headings.append(Heading(name, anchor, 2))
            heading = f'<h2 id="{anchor}">{name}</h2>'
            body.append(_folded(heading, text))
        practise = ", ".join(self.exercise_link(path, exercises[name]) for name in one.exercises)
        related = [f"<li>Practise with {practise}</li>"]
        before = [self.by_id[each] for each in one.prerequisites]
        after = [each for each in self.questions if one.id in each.prerequisites]
        for words, found in (("Know before", before), ("Leads to", after)):
            if found:
                links = "; ".join(self.question_link(path, each) for each in found)
                related.append(f"<li>{words}: {links}</li>")
        cited = [
            f'<a href="{href(path, SOURCES, key)}">{escape(_author(self.sources[key][0], key))}</a>'
            for key in one.sources
        ]
        if cited:
            related.append(f"<li>Sources: {'; '.join(cited)}</li>")
        headings.append(Heading("Related", "related", 2))
        body.append(f'<h2 id="related">Related</h2>\n<ul>{"".join(related)}</ul>\n')
        return Page(path, title, "".join(body), one.file, tuple(headings))

    def question_table(self, path: str, questions: Sequence[Question], *, tags: bool = True) -> str:
        rows = []
        for one in questions:
            row = f"<td>{self.question_link(path, one)}</td><td>{LEVELS[one.level]}</td><td>{one.minutes}</td>"
            if tags:
                row += f"<td>{self.tag_links(path, QUESTIONS_BY_TAG, one.tags)}</td>"
            rows.append(f"<tr>{row}</tr>")
        heads = ("Question", "Difficulty", "Minutes", "Tags")
        return _table(heads if tags else heads[:-1], "".join(rows))

    def question_indexes(self) -> Iterator[Page]:
        source = self.content.interview_questions
        topics = [
            (topic.slug, topic.title, href(QUESTIONS, topic_path(topic.slug)), asked)
            for topic, asked in self.asked_by_topic()
        ]
        levels = [
            (str(level), title, "", [one for one in self.questions if one.level is level])
            for level, title in LEVELS.items()
        ]
        names = sorted({tag for one in self.questions for tag in one.tags})
        tags = [
            (f"tag-{tag}", tag, "", [q for q in self.questions if tag in q.tags]) for tag in names
        ]
        for path, title, short, groups in (
            (QUESTIONS, "Interview questions", "By topic", topics),
            (QUESTIONS_BY_LEVEL, "Interview questions by difficulty", "By difficulty", levels),
            (QUESTIONS_BY_TAG, "Interview questions by tag", "By tag", tags),
        ):

            def table(questions: Sequence[Question], path: str = path) -> str:
                return self.question_table(path, questions)

            yield self.index(path, title, short, groups, table, source)

    # -- figures, sources

    def gallery(self) -> Page:
        body = [
            '<h1 id="start">Figures</h1>\n<p>Drawn from the solutions. '
            "<code>grader figure NAME</code> draws the same from your own functions.</p>\n"
        ]
        headings = [Heading("Figures", "start", 1)]
        titles = {topic.slug: topic.title for topic in self.course.topics}
        for figure in self.figures:
            entry = figure.entry
            target = href(FIGURES, topic_path(entry.topic))
            title = titles[entry.topic]
            anchor = f"figure-{entry.name}"
            headings.append(Heading(f"{title}: {entry.name}", anchor, 2))
            body.append(
                f'<h2 id="{anchor}"><a href="{target}">{escape(title)}: {entry.name}</a></h2>\n'
            )
            body.append(self.figure(FIGURES, figure))
        return Page(FIGURES, "Figures", "".join(body), self.content.course_toml, tuple(headings))

    def source_list(self) -> Page:
        body = [
            '<h1 id="start">Sources</h1>\n<p>What answers cite. Each entry was looked up.</p>\n'
        ]
        headings = [Heading("Sources", "start", 1)]
        for key, (text, file) in sorted(self.sources.items()):
            writer = self.writer(file, SOURCES)
            headings.append(Heading(key, key, 2))
            body.append(f'<h2 id="{key}">{key}</h2>\n{writer.html(text)}')
            if cited := [one for one in self.questions if key in one.sources]:
                links = "; ".join(self.question_link(SOURCES, one) for one in cited)
                body.append(f'<p class="gs-related">Cited in {links}</p>\n')
        return Page(
            SOURCES, "Sources", "".join(body), self.content.interview_questions, tuple(headings)
        )


CHECKS_NOTE: Final = "<p>They run in this order, in one namespace; the course's tests run them.</p>"


def _folded(title: str, text: str) -> str:
    return f'<details class="gs-fold"><summary>{title}</summary>\n{text}\n</details>\n'


def _list(points: Iterable[str]) -> str:
    return f"<ul>{''.join(f'<li>{point}</li>' for point in points)}</ul>\n"


def _table(heads: Sequence[str], rows: str) -> str:
    columns = "".join(f'<th scope="col">{head}</th>' for head in heads)
    return (
        f'<div class="gs-table"><table class="gs"><thead><tr>{columns}</tr></thead>'
        f"<tbody>{rows}</tbody></table></div>\n"
    )


def _keys(keys: str) -> str:
    return re.sub(r"[^, ]+", lambda m: m[0] if m[0] == "or" else f"<kbd>{m[0]}</kbd>", keys)


def _plural(word: str, count: float) -> str:
    return word if count == 1 else f"{word}s"


def _author(text: str, key: str) -> str:
    """The names and the year of a source, where it begins so."""
    found = re.match(r"([^()]*)\((\d{4})[a-z]?\)", text)
    if found is None:
        return key
    names = [name.strip() for name in re.split(r",| and ", found[1]) if name.strip()]
    if not names:
        return key
    first = (
        names[0]
        if len(names) == 1
        else " and ".join(names)
        if len(names) == 2
        else f"{names[0]} et al."
    )
    return f"{first} ({found[2]})"


def _parts(tokens: Sequence[Token]) -> Iterator[tuple[str, Sequence[Token], Sequence[Token]]]:
    """The headings of a text, each with what stands under it until the next; first, what stands above."""
    starts = [
        at for at, token in enumerate(tokens) if token.type == "heading_open" and not token.level
    ]
    if starts[:1] != [0]:
        yield "", (), tokens[: starts[0] if starts else len(tokens)]
    for start, end in zip(starts, [*starts[1:], len(tokens)], strict=True):
        yield tokens[start].tag, tokens[start + 1].children or [], tokens[start + 3 : end]


def _of_heading(title: Sequence[Token], known: Mapping[str, Exercise]) -> Exercise | None:
    """The exercise whose signature a heading is."""
    if len(title) == 1 and title[0].type == "code_inline":
        return known.get(title[0].content)
    return None


def _slug(text: str) -> str:
    flat = unicodedata.normalize("NFKD", text).encode("ascii", "ignore").decode().lower()
    return _SLUG.sub("-", flat).strip("-") or "section"


def _unused(slug: str, taken: set[str]) -> str:
    name, number = slug, 1
    while name in taken:
        number += 1
        name = f"{slug}-{number}"
    taken.add(name)
    return name
