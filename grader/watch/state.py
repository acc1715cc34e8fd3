"""What the screen shows, and what each event makes of it: a state and an event in, a state and effects out. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from enum import StrEnum

from grader.disclosure import StudentReport
from grader.journal import Standing
from grader.model import RUNGS, Course, Exercise, Report, Score, Stage, Status
from grader.practice import stage_of
from grader.watch.versions import Version, change, needs, touched

OPEN = (Stage.NEW, Stage.TRIED)
"""Stages of exercises that are still to be done."""


class Page(StrEnum):
    """What the middle of the screen shows."""

    VERDICT = "verdict"
    TASK = "task"
    HINTS = "hints"
    SOLUTION = "solution"
    LIST = "list"
    HELP = "help"


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a learner is with one exercise."""

    stage: Stage = Stage.NEW
    solved: bool = False
    rungs: int = 0


@dataclass(frozen=True, slots=True)
class Verdict:
    """What the last check of an exercise found.

    Attributes
    ----------
    report : None where the check could not be run: then `message` says why.
    text : the file's text that was checked; None where there was no file.
    clock : when, as a person reads it.
    first : whether the exercise passed for the first time.
    """

    report: StudentReport | None
    text: str | None = None
    clock: str = ""
    message: str = ""
    first: bool = False

    @property
    def score(self) -> Score | None:
        """The score of the one exercise."""
        return self.report.scores[0] if self.report is not None and self.report.scores else None

    @property
    def status(self) -> Status:
        """Its status; a check that could not be run is our error."""
        return self.score.status if self.score is not None else Status.GRADER_ERROR


@dataclass(frozen=True, slots=True)
class Solution:
    """A solution's function, and how one's own differs; None where there is none to compare."""

    text: str
    difference: tuple[str, ...] | None = None


@dataclass(frozen=True, slots=True)
class State:
    """All that the screen depends on.

    Attributes
    ----------
    versions : the last version of each topic's file; a file that is not there has none.
    sound : the last version of each that was Python.
    statements, solutions : what was read of them, by exercise.
    scroll : lines of the page that are above the screen.
    cursor : in the list, the exercise's place in the course.
    number : of the last check that was asked for.
    checking : whether it is under way.
    """

    course: Course
    current: Exercise
    progress: Mapping[str, Progress] = field(default_factory=dict)
    versions: Mapping[str, Version] = field(default_factory=dict)
    sound: Mapping[str, Version] = field(default_factory=dict)
    verdicts: Mapping[str, Verdict] = field(default_factory=dict)
    statements: Mapping[str, str] = field(default_factory=dict)
    solutions: Mapping[str, Solution] = field(default_factory=dict)
    page: Page = Page.VERDICT
    scroll: int = 0
    cursor: int = 0
    number: int = 0
    checking: bool = False
    verbose: bool = False
    notice: str = ""

    @property
    def verdict(self) -> Verdict | None:
        """Of the current exercise."""
        return self.verdicts.get(self.current.name)

    @property
    def n_solved(self) -> int:
        """Exercises that ever passed."""
        return sum(self.of(exercise).solved for exercise in self.course.exercises)

    def of(self, exercise: Exercise) -> Progress:
        """How far one exercise is."""
        return self.progress.get(exercise.name, Progress())


# ---- events


@dataclass(frozen=True, slots=True)
class Started:
    """The session begins."""


@dataclass(frozen=True, slots=True)
class Key:
    """A key was pressed: a character, or a name such as ``"down"``."""

    name: str


@dataclass(frozen=True, slots=True)
class Saved:
    """Files were written: the new version of each topic's, or None where it is not there."""

    versions: Mapping[str, Version | None]


@dataclass(frozen=True, slots=True)
class Gone:
    """A file that was not there a moment ago still is not."""

    topic: str


@dataclass(frozen=True, slots=True)
class Checked:
    """A check ended, or could not be run."""

    number: int
    verdict: Verdict


@dataclass(frozen=True, slots=True)
class Drawn:
    """Drawing figures ended; what became of it."""

    message: str


@dataclass(frozen=True, slots=True)
class Read:
    """A statement or a solution was read."""

    exercise: str
    statement: str | None = None
    solution: Solution | None = None


@dataclass(frozen=True, slots=True)
class Told:
    """Something to say in one line."""

    message: str


Event = Started | Key | Saved | Gone | Checked | Drawn | Read | Told


# ---- effects


@dataclass(frozen=True, slots=True)
class Check:
    """Check an exercise; any check under way is called off."""

    number: int
    exercise: Exercise


@dataclass(frozen=True, slots=True)
class Stop:
    """Call the check under way off."""


@dataclass(frozen=True, slots=True)
class LookAgain:
    """Look in a moment whether the topic's file is there again."""

    topic: str


@dataclass(frozen=True, slots=True)
class Note:
    """Write a check into the journal."""

    report: Report


@dataclass(frozen=True, slots=True)
class NoteHint:
    """Write into the journal that a hint was shown."""

    exercise: str
    rung: int


@dataclass(frozen=True, slots=True)
class NoteSolution:
    """Write into the journal that the solution was shown before the exercise was solved."""

    exercise: str


@dataclass(frozen=True, slots=True)
class ReadStatement:
    """Read the statement of an exercise."""

    exercise: Exercise


@dataclass(frozen=True, slots=True)
class ReadSolution:
    """Read the solution of an exercise, and compare one's own with it."""

    exercise: Exercise


@dataclass(frozen=True, slots=True)
class Draw:
    """Draw the figures of a topic."""

    topic: str


@dataclass(frozen=True, slots=True)
class Edit:
    """Open an exercise in the editor."""

    exercise: Exercise


@dataclass(frozen=True, slots=True)
class Quit:
    """End the session."""


Effect = (
    Check | Stop | LookAgain | Note | NoteHint | NoteSolution | ReadStatement | ReadSolution
    | Draw | Edit | Quit
)  # fmt: skip
Step = tuple[State, tuple[Effect, ...]]


def progress_of(standings: Mapping[str, Standing]) -> dict[str, Progress]:
    """The progress that a journal's standings amount to."""
    return {
        name: Progress(stage_of(standing), standing.solved, standing.hints)
        for name, standing in standings.items()
    }


def step(state: State, event: Event) -> Step:
    """What an event makes of a state, and what is to be done."""
    match event:
        case Started():
            return _go(state, state.current)
        case Key():
            return _key(replace(state, notice=""), event.name)
        case Saved():
            return _saved(state, event.versions)
        case Gone():
            if event.topic == state.current.topic and event.topic not in state.versions:
                return _check(state)
            return state, ()
        case Checked():
            return _checked(state, event)
        case Read():
            return _read(state, event), ()
        case Drawn() | Told():
            return replace(state, notice=event.message), ()


# ---- saves and verdicts


def _saved(state: State, versions: Mapping[str, Version | None]) -> Step:
    """Check what was changed: the current exercise where it was, else another."""
    gone = tuple(LookAgain(topic) for topic, version in versions.items() if version is None)
    new = {
        topic: version
        for topic, version in versions.items()
        if version is not None and not _same_save(state.versions.get(topic), version)
    }
    kept = {t: v for t, v in state.versions.items() if versions.get(t, v) is not None}
    after = replace(
        state,
        versions={**kept, **new},
        sound={**state.sound, **{t: v for t, v in new.items() if v.functions is not None}},
    )
    if not new:
        return after, gone
    picks = [_pick(state, topic, new[topic]) for topic in _in_order(state.course, new)]
    found = [exercise for exercise in picks if exercise is not None]
    if not found:
        where = ", ".join(_file_name(topic, version) for topic, version in new.items())
        return replace(after, notice=f"{where} was saved; no function of it is another"), gone
    chosen = state.current if state.current in found else found[0]
    if chosen == state.current:
        after, effects = _check(_to_verdict(after))
    else:
        notice = f"now on {chosen.name}: it is what you changed"
        after, effects = _go(after, chosen, check=True)
        after = replace(after, notice=notice)
    return after, (*gone, *effects)


def _same_save(before: Version | None, after: Version) -> bool:
    return before is not None and before.stamp == after.stamp and before.text == after.text


def _in_order(course: Course, topics: Mapping[str, Version]) -> list[str]:
    return [topic.slug for topic in course.topics if topic.slug in topics]


def _pick(state: State, topic: str, new: Version) -> Exercise | None:
    """The exercise that a new version of a topic's file is about; None where it is about none.

    What is changed outside of functions, and what the current exercise calls, counts for the current one.
    """
    current = state.current if state.current.topic == topic else None
    exercises = state.course.topic(topic).exercises
    if new.functions is None:
        name = touched(state.versions.get(topic) or state.sound.get(topic), new)
        at = [exercise for exercise in exercises if exercise.name == name]
        return current or _first_open(state, at or exercises)
    before = state.sound.get(topic)
    if before is None:
        return current or _first_open(state, exercises)
    found = change(before, new)
    changed = [exercise for exercise in exercises if exercise.name in found.functions]
    if current is not None and (
        not changed
        or current in changed
        or found.outside
        or needs(new, current.name, found.functions)
    ):
        return current
    return _first_open(state, changed) if changed else None


def _first_open(state: State, exercises: Sequence[Exercise]) -> Exercise:
    """The first that is still to be done, or the first."""
    return next((e for e in exercises if state.of(e).stage in OPEN), exercises[0])


def _to_verdict(state: State) -> State:
    """The page with the verdict, from its top; a list that is open stays."""
    if state.page is Page.LIST:
        return state
    return replace(state, page=Page.VERDICT, scroll=0, notice="")


def _check(state: State) -> Step:
    number = state.number + 1
    return replace(state, number=number, checking=True), (Check(number, state.current),)


def _checked(state: State, event: Checked) -> Step:
    if event.number != state.number or not state.checking:
        return state, ()
    verdict, name = event.verdict, state.current.name
    status = verdict.status
    before = state.of(state.current)
    passed = status is Status.PASSED
    verdict = replace(verdict, first=passed and not before.solved)
    effects: tuple[Effect, ...] = ()
    now = before
    if verdict.report is not None and status is not Status.MISSING:
        effects = (Note(verdict.report),)
        stage = before.stage
        if stage in OPEN:
            stage = Stage.SOLVED if passed else Stage.TRIED
        now = replace(before, stage=stage, solved=before.solved or passed)
    after = replace(
        state,
        checking=False,
        verdicts={**state.verdicts, name: verdict},
        progress={**state.progress, name: now},
    )
    return after, effects


def _read(state: State, event: Read) -> State:
    if event.statement is not None:
        state = replace(state, statements={**state.statements, event.exercise: event.statement})
    if event.solution is not None:
        state = replace(state, solutions={**state.solutions, event.exercise: event.solution})
    return state


# ---- from exercise to exercise


def _go(state: State, exercise: Exercise, *, check: bool = False) -> Step:
    """Make an exercise the current one; it is checked where its verdict is not of this version of the file."""
    after = replace(state, current=exercise, page=Page.VERDICT, scroll=0, verbose=False, notice="")
    effects: tuple[Effect, ...] = ()
    if exercise.name not in state.statements:
        effects = (ReadStatement(exercise),)
    verdict, version = after.verdict, after.versions.get(exercise.topic)
    known = verdict is not None and version is not None and verdict.text == version.text
    if not known or check:
        after, checks = _check(after)
        return after, (*effects, *checks)
    if state.checking:
        return replace(after, checking=False), (*effects, Stop())
    return after, effects


def next_open(state: State) -> Exercise | None:
    """The next exercise, in the course's order and round it, that is still to be done; not the current one."""
    exercises = state.course.exercises
    at = exercises.index(state.current)
    for exercise in (*exercises[at + 1 :], *exercises[:at]):
        if state.of(exercise).stage in OPEN:
            return exercise
    return None


def _next(state: State) -> Step:
    exercises = state.course.exercises
    found = next_open(state)
    if found is None:  # all are done: simply on
        found = exercises[(exercises.index(state.current) + 1) % len(exercises)]
    if found == state.current:
        return replace(state, notice="this is the only exercise"), ()
    return _go(state, found)


def _previous(state: State) -> Step:
    at = state.course.exercises.index(state.current)
    if at == 0:
        return replace(state, notice="this is the first exercise"), ()
    return _go(state, state.course.exercises[at - 1])


# ---- keys

_SCROLL = {
    "down": 1, "j": 1, "up": -1, "k": -1, "space": 10, "pagedown": 10, "b": -10, "pageup": -10,
    "home": -1_000_000, "g": -1_000_000, "end": 1_000_000, "G": 1_000_000,
}  # fmt: skip
"""How far a key goes, in lines."""


def _key(state: State, key: str) -> Step:
    if state.page is Page.LIST and (moved := _in_list(state, key)) is not None:
        return moved
    if key in ("q", "esc") and state.page is not Page.VERDICT:
        return _to_verdict(replace(state, page=Page.VERDICT)), ()
    if key in _SCROLL:
        return replace(state, scroll=max(0, state.scroll + _SCROLL[key])), ()
    match key:
        case "q" | "ctrl-c":
            return state, (Quit(),)
        case "c" | "enter":
            return _check(_to_verdict(state))
        case "n":
            return _next(state)
        case "p":
            return _previous(state)
        case "h":
            return _hint(state)
        case "H":
            if not state.of(state.current).rungs:
                return replace(state, notice="no hint was shown yet: h gives the first"), ()
            return replace(state, page=Page.HINTS, scroll=0), ()
        case "s" | "S":
            return _solution(state, give_up=key == "S")
        case "t":
            return replace(state, page=Page.TASK, scroll=0), ()
        case "v":
            return replace(state, page=Page.VERDICT, scroll=0, verbose=not state.verbose), ()
        case "l":
            cursor = state.course.exercises.index(state.current)
            return replace(state, page=Page.LIST, cursor=cursor), ()
        case "f":
            notice = f"drawing the figures of {state.current.topic} …"
            return replace(state, notice=notice), (Draw(state.current.topic),)
        case "o":
            return state, (Edit(state.current),)
        case "?":
            return replace(state, page=Page.HELP, scroll=0), ()
    return state, ()


def _in_list(state: State, key: str) -> Step | None:
    exercises = state.course.exercises
    if key in _SCROLL:
        cursor = min(max(state.cursor + _SCROLL[key], 0), len(exercises) - 1)
        return replace(state, cursor=cursor), ()
    if key == "enter":
        return _go(state, exercises[state.cursor])
    return None


def _hint(state: State) -> Step:
    """One rung more."""
    name, now = state.current.name, state.of(state.current)
    after = replace(state, page=Page.HINTS, scroll=0)
    if now.rungs >= len(RUNGS):
        return after, ()
    rung = now.rungs + 1
    progress = {**state.progress, name: replace(now, rungs=rung)}
    return replace(after, progress=progress), (NoteHint(name, rung),)


def _solution(state: State, *, give_up: bool) -> Step:
    """The solution, of what was solved or given up; `give_up` gives up."""
    name, now = state.current.name, state.of(state.current)
    if not now.solved and now.stage is not Stage.GAVE_UP:
        if not give_up:
            notice = "not solved yet: h gives a hint, S gives up and shows the solution"
            return replace(state, notice=notice), ()
        progress = {**state.progress, name: replace(now, stage=Stage.GAVE_UP)}
        effects: tuple[Effect, ...] = (NoteSolution(name), ReadSolution(state.current))
        return replace(state, page=Page.SOLUTION, scroll=0, progress=progress), effects
    return replace(state, page=Page.SOLUTION, scroll=0), (ReadSolution(state.current),)


def _file_name(topic: str, version: Version) -> str:
    return version.file.rpartition("/")[2] or f"{topic}.py"
