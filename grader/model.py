"""The nouns: frozen dataclasses that every room shares and that import nothing of ours."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from enum import StrEnum


class Status(StrEnum):
    """What became of a test or of an exercise."""

    PASSED = "passed"
    FAILED = "failed"
    """The learner's answer is wrong."""
    MISSING = "missing"
    """Still a stub, or not defined."""
    ERROR = "error"
    """The submission could not be loaded, or its process died."""
    TIMEOUT = "timeout"
    """A call passed its deadline."""
    TAMPERED = "tampered"
    """Evidence of an attack on the grader: the score is withheld for a person to decide."""
    UNRESOLVED = "unresolved"
    """A check could not decide: neither a pass nor the learner's failure."""
    GRADER_ERROR = "grader_error"
    """Our fault: never charged to the learner."""
    WAITING = "waiting"
    """A capstone that was not run, as not all of the functions that it calls pass."""


class Disclosure(StrEnum):
    """How much a student is told of a test; each level says all that those above it say."""

    NONE = "none"
    """That the exercise has checks that are not shown, where nothing else says why it does not pass."""
    NAMES = "names"
    """The check's name, its status and the sentence of a known mistake: nothing that could hold an input."""
    FULL = "full"
    """Everything."""

    @property
    def rank(self) -> int:
        """From 0, the level that tells the least."""
        return list(Disclosure).index(self)


def stricter(*levels: Disclosure) -> Disclosure:
    """The level that tells the least."""
    return min(levels, key=lambda level: level.rank)


class Difficulty(StrEnum):
    """How hard an exercise is for someone who knows the mathematics."""

    EASY = "easy"
    MEDIUM = "medium"
    HARD = "hard"


class Stage(StrEnum):
    """How far a learner is with an exercise."""

    NEW = "new"
    TRIED = "tried"
    SOLVED = "solved"
    GAVE_UP = "gave-up"
    """The solution was shown before it passed."""


RUNGS = ("concept", "equation", "shape", "line")
"""The ladder of hints, from the idea to the code; the fields of `Hints`."""


@dataclass(frozen=True, slots=True)
class Hints:
    """A ladder of four: each rung gives away more than the one before."""

    concept: str
    equation: str
    shape: str
    line: str


@dataclass(frozen=True, slots=True)
class Exercise:
    """One function to write. Its name is its id, unique in the course."""

    name: str
    topic: str
    title: str
    signature: str
    points: float
    difficulty: Difficulty
    minutes: int
    tags: tuple[str, ...]
    hints: Hints


@dataclass(frozen=True, slots=True)
class Capstone:
    """What ends a topic: the learner's own functions run together, and a property decides.

    It earns no points: it asks for nothing that the exercises do not ask for one by one. `needs` names every
    exercise that it calls.
    """

    topic: str
    title: str
    summary: str
    needs: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Topic:
    """A module of exercises; the slug names its folder, module, suite and notebook.

    `disclosure` is that of the tests that name none of their own.
    """

    slug: str
    title: str
    summary: str
    exercises: tuple[Exercise, ...]
    capstone: Capstone | None = None
    disclosure: Disclosure = Disclosure.FULL

    @property
    def points(self) -> float:
        return sum(exercise.points for exercise in self.exercises)


@dataclass(frozen=True, slots=True)
class Course:
    """All topics, in order."""

    title: str
    topics: tuple[Topic, ...]

    @property
    def exercises(self) -> tuple[Exercise, ...]:
        return tuple(exercise for topic in self.topics for exercise in topic.exercises)

    def topic(self, slug: str) -> Topic:
        """The topic named `slug`; KeyError where there is none."""
        for topic in self.topics:
            if topic.slug == slug:
                return topic
        raise KeyError(slug)

    def exercise(self, name: str) -> Exercise:
        """The exercise named `name`; KeyError where there is none."""
        for exercise in self.exercises:
            if exercise.name == name:
                return exercise
        raise KeyError(name)


@dataclass(frozen=True, slots=True)
class Mismatch:
    """How an array differs from what was expected.

    `shape` pairs each axis' name with its length; `index` is the worst entry in that order.
    `actual` and `expected` are that entry's values; `error` is their distance and `tolerance`
    what was allowed there. `pattern` says which entries are wrong, in words.
    """

    name: str
    axes: tuple[str, ...]
    shape: tuple[int, ...]
    index: tuple[int, ...]
    actual: float | complex | int | bool
    expected: float | complex | int | bool
    error: float
    tolerance: float
    n_wrong: int
    n_total: int
    pattern: str


@dataclass(frozen=True, slots=True)
class Cause:
    """A diagnosis: which mistake gives exactly this answer.

    `kind` is ``"mistake"`` (from the bank; `name` is its function) or ``"transform"`` (the right
    answer changed in a way that has a name). `sentence` is for the learner.
    """

    kind: str
    name: str
    sentence: str


@dataclass(frozen=True, slots=True)
class Failure:
    """Why a test failed, in data: one headline, and what more there is to say."""

    headline: str
    mismatch: Mismatch | None = None
    cause: Cause | None = None
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Evidence:
    """What a submission's process sent that no honest one sends, kept for the person who decides.

    Attributes
    ----------
    seen : what is wrong with it, in words.
    during : the function that was being called; empty while the file was imported.
    call : which of the calls that its process was sent, from 1; 0 while the file was imported.
    expected : the frame that was due, as kind and number.
    actual : the frame that came, likewise; empty where not even a header came.
    length : bytes of payload that its header claims.
    received : bytes that had come when it was looked at, header included.
    head : the first of them, in hexadecimal.
    at : when it was seen, in UTC, as ISO 8601.
    """

    seen: str
    during: str
    call: int
    expected: str
    actual: str
    length: int
    received: int
    head: str
    at: str


@dataclass(frozen=True, slots=True)
class Outcome:
    """One test of one exercise, or of a topic's capstone: then `exercise` is ``"capstone"``.

    `check` is the test's name without `test_<exercise>_`; `disclosure` is how much a student may be told of it,
    which `grader.disclosure.for_student` sees to.
    """

    test: str
    check: str
    exercise: str
    status: Status
    failure: Failure | None = None
    seconds: float = 0.0
    warnings: tuple[str, ...] = ()
    printed: str = ""
    disclosure: Disclosure = Disclosure.FULL
    evidence: Evidence | None = None


@dataclass(frozen=True, slots=True)
class Score:
    """One exercise of one submission. Where its status is `TAMPERED`, that it earned nothing is no verdict.

    `leans_on` names the exercises that do not pass and that this one, which fails, calls.
    """

    exercise: Exercise
    status: Status
    earned: float
    outcomes: tuple[Outcome, ...] = ()
    reason: str = ""
    leans_on: tuple[str, ...] = ()

    @property
    def n_passed(self) -> int:
        return sum(outcome.status is Status.PASSED for outcome in self.outcomes)

    @property
    def evidence(self) -> tuple[Evidence, ...]:
        """What its checks saw of an attack, each once: a call that lied is not made again."""
        return _evidence(self.outcomes)


@dataclass(frozen=True, slots=True)
class CapstoneScore:
    """One topic's capstone of one submission."""

    capstone: Capstone
    status: Status
    outcomes: tuple[Outcome, ...] = ()
    reason: str = ""

    @property
    def evidence(self) -> tuple[Evidence, ...]:
        """What its checks saw of an attack, each once."""
        return _evidence(self.outcomes)


def _evidence(outcomes: tuple[Outcome, ...]) -> tuple[Evidence, ...]:
    found = (outcome.evidence for outcome in outcomes if outcome.evidence is not None)
    return tuple(dict.fromkeys(found))


WITHHELD = "withheld: a person decides"
"""Stands where a grade would, in every report of a submission that has been tampered with."""


@dataclass(frozen=True, slots=True)
class Problem:
    """A file of a submission that could not be loaded; `column` counts from 1.

    `early` says that it was found before any function of the file was called: nothing of what the tests pass
    can be in it.
    """

    topic: str
    file: str
    message: str
    line: int | None = None
    column: int | None = None
    text: str | None = None
    early: bool = field(default=False, compare=False)


@dataclass(frozen=True, slots=True)
class Report:
    """One run of the grader over one submission, with all that it found: who is shown it, is shown what
    `grader.disclosure` makes of it.

    Attributes
    ----------
    seed : None, where it is not told.
    notes : on the files alone, made before any function of them was called.
    seconds : 0, where they are not told.
    """

    submission: str
    course: str
    version: str
    seed: int | None
    isolation: str
    timeout: float
    topics: tuple[Topic, ...]
    scores: tuple[Score, ...]
    capstones: tuple[CapstoneScore, ...] = ()
    problems: tuple[Problem, ...] = ()
    notes: tuple[str, ...] = ()
    seconds: float = 0.0
    environment: Mapping[str, str] = field(default_factory=dict)

    @property
    def withheld(self) -> bool:
        """Whether there is evidence of an attack: then no total is a grade, and a person decides."""
        return any(score.status is Status.TAMPERED for score in self._judged)

    @property
    def evidence(self) -> tuple[Evidence, ...]:
        """What was seen of attacks, each once."""
        return tuple(dict.fromkeys(found for score in self._judged for found in score.evidence))

    @property
    def _judged(self) -> tuple[Score | CapstoneScore, ...]:
        return (*self.scores, *self.capstones)

    @property
    def earned(self) -> float:
        """Points of the exercises that passed; no grade where the report is `withheld`."""
        return sum(score.earned for score in self.scores)

    @property
    def points(self) -> float:
        return sum(score.exercise.points for score in self.scores)

    @property
    def percent(self) -> float:
        """Of the points; no grade where the report is `withheld`."""
        return 100.0 * self.earned / self.points if self.points else 0.0


class Doing(StrEnum):
    """What an update does with one thing of a workspace."""

    ADDED = "added"
    REPLACED = "replaced"
    LEFT = "left alone"
    GONE = "gone"
    """No longer in the course; what the learner has stays."""
    UNREAD = "not read"
    """A learner's file that cannot be read as Python: nothing is done to it."""


@dataclass(frozen=True, slots=True)
class Change:
    """One thing of a workspace, and what an update does with it.

    `topic` is empty for what belongs to none; `what` is a function or a file, `sentence` a clause about it.
    """

    topic: str
    what: str
    doing: Doing
    sentence: str


@dataclass(frozen=True, slots=True)
class TopicProgress:
    """How far a learner is with a topic: how many of its exercises are at each stage, and what it took."""

    topic: Topic
    stages: Mapping[Stage, int]
    attempts: int
    hints: int

    @property
    def total(self) -> int:
        return len(self.topic.exercises)

    @property
    def solved(self) -> int:
        return self.stages.get(Stage.SOLVED, 0)

    @property
    def gave_up(self) -> int:
        return self.stages.get(Stage.GAVE_UP, 0)


@dataclass(frozen=True, slots=True)
class MistakeMet:
    """A mistake of the bank that a learner has made, and in how many checks."""

    name: str
    exercise: str
    sentence: str
    count: int


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a learner is with a course.

    Attributes
    ----------
    topics : in the course's order.
    mistakes : the most frequent first.
    days : on which something was done, in order.
    solved_on : the day of each exercise that was solved without giving up, in order.
    """

    topics: tuple[TopicProgress, ...]
    mistakes: tuple[MistakeMet, ...]
    days: tuple[date, ...]
    solved_on: tuple[date, ...]

    @property
    def total(self) -> int:
        return sum(each.total for each in self.topics)

    @property
    def solved(self) -> int:
        return sum(each.solved for each in self.topics)


@dataclass(frozen=True, slots=True)
class Objection:
    """Why a learner's test does not stand: it rejects a right implementation, or could not be run to its end.

    Attributes
    ----------
    status : `FAILED` where it rejects, otherwise what became of the call.
    implementation : how what it was run against is written, as a sentence; empty for the solution.
    mistake : whether that was a mistake, not a right implementation.
    line : of the learner's file, where it is known.
    """

    test: str
    status: Status
    implementation: str
    message: str
    seed: int
    mistake: bool = False
    line: int | None = None


@dataclass(frozen=True, slots=True)
class Breaking:
    """What a learner's tests of one function accept and reject.

    Attributes
    ----------
    file : the tests' file, for display.
    tests : their names, in the file's order.
    n_right, n_accepted : right implementations, and those that every test accepts.
    rejected : each mistake's sentence, and the tests that reject it; empty where the tests are void.
    """

    exercise: Exercise
    file: str
    tests: tuple[str, ...]
    seed: int
    n_right: int
    n_accepted: int
    n_mistakes: int
    rejected: tuple[tuple[str, tuple[str, ...]], ...] = ()
    objections: tuple[Objection, ...] = ()

    @property
    def void(self) -> bool:
        """Whether there is no score, as not every right implementation was accepted."""
        return self.n_accepted < self.n_right

    @property
    def n_rejected(self) -> int:
        return sum(bool(tests) for _, tests in self.rejected)

    @property
    def survivors(self) -> tuple[str, ...]:
        """The sentences of the mistakes that no test rejects."""
        return tuple(sentence for sentence, tests in self.rejected if not tests)

    @property
    def share(self) -> float:
        """The share of mistakes that are rejected; 0 where the tests are void."""
        return self.n_rejected / self.n_mistakes if self.n_mistakes and not self.void else 0.0


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that was looked at.

    Attributes
    ----------
    name : what.
    there : whether it is there and works.
    text : a version, what it gives, or why it does not work.
    advice : what to do; empty where there is nothing.
    """

    name: str
    there: bool
    text: str
    advice: str = ""


@dataclass(frozen=True, slots=True)
class Survey:
    """What a machine gives.

    Attributes
    ----------
    system : the operating system and the architecture.
    basics : Python, NumPy and fork.
    levels : of isolation, strongest first.
    used : the level in force; None where nothing can be graded.
    boundary : whether that level contains hostile code.
    packages : optional ones.
    """

    system: str
    basics: tuple[Finding, ...]
    levels: tuple[Finding, ...]
    used: str | None
    boundary: bool
    packages: tuple[Finding, ...]
