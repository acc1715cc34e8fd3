"""A timed round: some functions, a folder with their stubs, and a clock.

A round is a folder `mock/<stamp>/` with a file for each topic and `mock.json`, which holds when it began. What counts
is when the files were last saved: a round that was interrupted is scored later just as well.
"""

from __future__ import annotations

import json
import os
import random
import shutil
import tempfile
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from pathlib import Path

from grader.content import Content
from grader.errors import WorkspaceError
from grader.files import make_folder, read_text, umask, write_atomically
from grader.journal import Standing
from grader.model import Course, Exercise, Stage, Topic
from grader.practice import stage_of
from grader.questions import Question, asked_about, read_questions
from grader.scratch import called_by_solutions, scratch_text
from grader.workspace import learner_text, topic_file

FOLDER = "mock"
STATE_FILE = "mock.json"
SCHEMA = 1
_FRESH = (Stage.NEW, Stage.TRIED, Stage.GAVE_UP, Stage.SOLVED)
"""Which exercises are drawn first."""
_INSTANT = timedelta(seconds=1)
"""Times of files are this coarse on some systems, and within it nobody writes a function."""


@dataclass(frozen=True, slots=True)
class Round:
    """One round.

    Attributes
    ----------
    folder : where its files are.
    scored : when it was first scored, or None.
    """

    folder: Path
    started: datetime
    minutes: int
    seed: int
    functions: tuple[str, ...]
    scored: datetime | None = None

    @property
    def ends(self) -> datetime:
        return self.started + timedelta(minutes=self.minutes)

    def saved(self, slug: str) -> datetime | None:
        """When a topic's file was last saved; None where that was not after the start."""
        try:
            seconds = (self.folder / f"{slug}.py").stat().st_mtime
        except OSError:
            return None
        at = datetime.fromtimestamp(seconds, self.started.tzinfo)
        return at if at - self.started > _INSTANT else None


def drawn(
    exercises: Sequence[Exercise], standings: Mapping[str, Standing], n: int, seed: int
) -> list[Exercise]:
    """At most `n` of the exercises, in their order: new ones first, and by lot among equals."""
    lots = random.Random(seed)
    mixed = lots.sample(list(exercises), len(exercises))
    mixed.sort(key=lambda exercise: _FRESH.index(stage_of(standings.get(exercise.name))))
    chosen = mixed[:n]
    return [exercise for exercise in exercises if exercise in chosen]


def begin(
    root: Path,
    content: Content,
    course: Course,
    exercises: Sequence[Exercise],
    standings: Mapping[str, Standing],
    *,
    minutes: int,
    seed: int,
    now: datetime,
) -> Round:
    """Make the folder of a round, whole or not at all.

    Functions that the solutions call are given where the learner has solved them.

    Raises
    ------
    WorkspaceError : a file of the workspace cannot be read, or the folder not be made.
    """
    names = [exercise.name for exercise in exercises]
    texts = {}
    for topic in _topics(course, names):
        mine = topic_file(root, topic.slug)
        wanted = [exercise.name for exercise in topic.exercises if exercise.name in names]
        called = called_by_solutions(content, topic, wanted)
        given = {name for name in called if stage_of(standings.get(name)) is Stage.SOLVED}
        texts[topic.slug] = scratch_text(
            content, topic, wanted, learner_text(mine) if given and mine.is_file() else "",
            f"{topic.slug}/{mine.name}", given,
            f"A timed round. When you are done: grader {FOLDER} --score",
        )  # fmt: skip
    home = root / FOLDER
    make_folder(home)
    stamp = folder = home / now.strftime("%Y%m%d-%H%M%S")
    number = 0
    while folder.exists():
        number += 1
        folder = stamp.with_name(f"{stamp.name}-{number}")
    try:
        draft = Path(tempfile.mkdtemp(prefix=".", dir=home))
        try:
            for slug, text in texts.items():
                file = draft / f"{slug}.py"
                file.write_text(text, encoding="utf-8")
                os.utime(file, (now.timestamp(), now.timestamp()))  # not saved since
            one = Round(folder, now, minutes, seed, tuple(names))
            (draft / STATE_FILE).write_text(_dumped(one), encoding="utf-8")
            draft.chmod(0o777 & ~umask())
            draft.rename(folder)
        except BaseException:
            shutil.rmtree(draft, ignore_errors=True)
            raise
    except OSError as error:
        raise WorkspaceError(f"{folder}: cannot be made: {error.strerror}") from None
    return one


def latest(root: Path) -> Round | None:
    """The round that was begun last, or None.

    Raises
    ------
    WorkspaceError : its state cannot be read.
    """
    found = [_loaded(file) for file in (root / FOLDER).glob(f"[0-9]*/{STATE_FILE}")]
    return max(found, key=lambda one: (one.started, one.folder.name), default=None)


def close(one: Round, now: datetime) -> None:
    """Note that a round was scored; the first time counts."""
    if one.scored is None:
        write_atomically(one.folder / STATE_FILE, _dumped(replace(one, scored=now)))


def of_round(course: Course, one: Round) -> Course:
    """The course with the topics and exercises of a round alone; those that have left the course are not in it."""
    topics = [
        replace(topic, exercises=tuple(e for e in topic.exercises if e.name in one.functions))
        for topic in _topics(course, one.functions)
    ]
    return replace(course, topics=tuple(topics))


def questions(
    content: Content, course: Course, names: Sequence[str], n: int, seed: int
) -> list[Question]:
    """At most `n` interview questions about some functions, by lot: one for each function before a second for any.

    Questions that cannot be read are passed over.
    """
    slugs = [topic.slug for topic in _topics(course, names)]
    bank, _ = read_questions(content, course, slugs)
    lots = random.Random(seed)
    of_each = [lots.sample(mine, len(mine)) for name in names if (mine := asked_about(bank, name))]
    found: list[Question] = []
    while any(of_each) and len(found) < n:
        for mine in of_each:
            fresh = [one for one in mine if one not in found]
            found += fresh[:1]
            mine[:] = fresh[1:]
    return [one for one in bank if one in found[:n]]


def _topics(course: Course, names: Collection[str]) -> list[Topic]:
    return [t for t in course.topics if any(e.name in names for e in t.exercises)]


def _dumped(one: Round) -> str:
    data = {
        "schema": SCHEMA,
        "started": one.started.isoformat(),
        "minutes": one.minutes,
        "seed": one.seed,
        "functions": list(one.functions),
        "scored": one.scored.isoformat() if one.scored is not None else None,
    }
    return json.dumps(data, indent=1) + "\n"


def _loaded(file: Path) -> Round:
    try:
        data = json.loads(read_text(file))
        if data["schema"] != SCHEMA:
            raise ValueError(f"schema {data['schema']!r} is not {SCHEMA}")
        started = datetime.fromisoformat(data["started"])
        scored = data["scored"] and datetime.fromisoformat(data["scored"])
        names = tuple(str(name) for name in data["functions"])
        one = Round(file.parent, started, int(data["minutes"]), int(data["seed"]), names, scored)
        if started.tzinfo is None or one.ends < started:
            raise ValueError("a time without its zone")
    except (ValueError, KeyError, TypeError, OverflowError, RecursionError) as error:
        raise WorkspaceError(
            f"{file}: cannot be read ({error}); remove its folder to begin another round"
        ) from None
    return one
