"""A session: events from files, keys and checks come in, effects are carried out, the screen is drawn."""

from __future__ import annotations

import contextlib
import io
import os
import queue
import select
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from types import FrameType
from typing import Any

from rich.console import Console

from grader.catalog import statement_section
from grader.content import Content
from grader.errors import GradsmithError
from grader.files import read_text
from grader.journal import Journal
from grader.model import Course, Exercise
from grader.notebooks.editing import line_of
from grader.practice import (
    COLON_EDITORS,
    GOTO_EDITORS,
    differences,
    editor_command,
    function_text,
    next_exercise,
    solution_text,
    without_docstring,
)
from grader.sandbox import jail
from grader.sandbox.zygote import Zygote
from grader.watch import state as at
from grader.watch.checker import Checker
from grader.watch.keys import Keyboard, Parser, open_keyboard
from grader.watch.saves import Files, Saves
from grader.watch.screen import Screen
from grader.watch.state import Effect, Event, State
from grader.watch.view import PATIENCE, frame, verdict_block

LOOK = 1.0
"""Seconds between two looks at the files, for file systems that tell of nothing."""
GRACE = 0.3
"""Seconds that a file may be gone: an editor that saves by rename puts it back sooner."""
ESCAPE = 0.05
"""Seconds after which an escape character alone is the Esc key: what belongs to it comes with it."""
UNREAD = 0.05
"""Seconds between looks at a keyboard that cannot be waited for."""
MAX_SAID = 4000
"""Characters of what was written to standard error that are shown after the screen is left."""
HANGUP = 1
"""The number of the signal that a terminal which goes away sends."""
WINDOWED = (
    GOTO_EDITORS | COLON_EDITORS - {"hx", "helix", "micro", "kak"} | {"gvim", "gedit", "kate"}
)
"""Editors with a window of their own; every other one is given the terminal."""


@dataclass(frozen=True, slots=True)
class Options:
    """How a session is run.

    Attributes
    ----------
    root : the workspace.
    content, course : what is learned.
    zygote, limits : a worker process that was started before.
    exercise : the one to begin with; None is the next that is to be done.
    plain : whether to write lines, not a screen, also to a terminal.
    """

    root: Path
    content: Content
    course: Course
    zygote: Zygote
    limits: jail.Limits
    exercise: Exercise | None = None
    timeout: float = 5.0
    seed: int = 0
    plain: bool = False


def watch(options: Options) -> int:
    """Check on save until it is ended; the exit code: 0, or 128 and the signal's number."""
    keyboard = None if options.plain else open_keyboard()
    screen = _screen() if keyboard is not None else None
    session = _Session(replace(options, root=options.root.resolve()))
    with session.signals(interactive=screen is not None):
        if keyboard is not None and screen is not None:
            return _Interactive(session, keyboard, screen).run()
        return _Plain(session).run()


def _screen() -> Screen | None:
    """The screen that standard output is, or None."""
    try:
        if not sys.stdout.isatty() or os.environ.get("TERM") == "dumb":
            return None
        return Screen(sys.stdout)
    except (AttributeError, OSError, ValueError):  # there is no standard output
        return None


class _Session:
    """State, queue and effects: what the screen and plain lines have in common."""

    def __init__(self, options: Options) -> None:
        self.options = options
        self.files = Files(options.root, options.course)
        self.journal = Journal(options.root)
        self.ended_by = 0  # a signal
        self.over = False
        self.resized = False
        self.suspended = False
        self.since = 0.0  # when the check under way began
        self._queue: queue.SimpleQueue[Event | Sequence[str]] = queue.SimpleQueue()
        self._woken, self._waker = socket.socketpair()
        for end in (self._woken, self._waker):
            end.setblocking(False)
        self._later: list[tuple[float, Event]] = []
        self._looked = time.monotonic()
        standings = self.journal.standings()
        course = options.course
        current = options.exercise or next_exercise(course, standings) or course.exercises[0]
        versions = {t: v for t, v in self.files.versions().items() if v is not None}
        self._stamps = {topic: version.stamp for topic, version in versions.items()}
        self.state = State(
            course,
            current,
            progress=at.progress_of(standings),
            versions=versions,
            sound={t: v for t, v in versions.items() if v.functions is not None},
        )
        self.checker: Checker | None = None
        self.saves: Saves | None = None

    # threads and signals

    def start(self) -> None:
        """Start the threads, and check the current exercise."""
        options = self.options
        self.checker = Checker(
            options.root, options.content, options.course, limits=options.limits,
            zygote=options.zygote, timeout=options.timeout, seed=options.seed, post=self.post,
        )  # fmt: skip
        self.step(at.Started())
        self.saves = Saves(self.files, self.post)

    def close(self) -> None:
        """End the threads."""
        if self.saves is not None:
            self.saves.close()
        if self.checker is not None:
            self.checker.close()

    def post(self, item: Event | Sequence[str]) -> None:
        """An event, or the topics whose files were written, from a thread."""
        self._queue.put(item)
        with contextlib.suppress(OSError):  # full: it is awake; closed: it is over
            self._waker.send(b"+")

    @contextlib.contextmanager
    def signals(self, *, interactive: bool) -> Iterator[None]:
        """Turn signals into flags that the loop looks at, so that none strikes in the middle of something."""
        handlers: dict[str, Callable[[int, FrameType | None], None]] = {
            "SIGINT": self._quit, "SIGTERM": self._quit, "SIGHUP": self._quit,
        }  # fmt: skip
        if interactive:
            handlers |= {
                "SIGWINCH": self._resize,
                "SIGTSTP": self._suspend,
                "SIGCONT": self._resize,
            }
        before: list[tuple[signal.Signals, Any]] = []
        wakeup = signal.set_wakeup_fd(self._waker.fileno(), warn_on_full_buffer=False)
        try:
            for name, handler in handlers.items():
                number: signal.Signals | None = getattr(signal, name, None)
                if number is not None and signal.getsignal(number) is not signal.SIG_IGN:
                    before.append((number, signal.signal(number, handler)))
            yield
        finally:
            for number, old in before:
                signal.signal(number, old)
            signal.set_wakeup_fd(wakeup)
            self._waker.close()
            self._woken.close()

    def _quit(self, number: int, _: FrameType | None) -> None:
        if self.over:  # the second time: what it waits for does not end
            raise KeyboardInterrupt
        self.over = True
        self.ended_by = 0 if number == signal.SIGINT else number

    def _resize(self, *_: object) -> None:
        self.resized = True

    def _suspend(self, *_: object) -> None:
        self.suspended = True

    @property
    def exit_code(self) -> int:
        return 128 + self.ended_by if self.ended_by else 0

    # events

    def wait(self, timeout: float, descriptor: int | None = None) -> bool:
        """Wait for events; whether `descriptor` can be read."""
        moment = time.monotonic()
        ends = [self._looked + LOOK, moment + timeout, *(when for when, _ in self._later)]
        sources: list[Any] = [self._woken] if descriptor is None else [self._woken, descriptor]
        ready, _, _ = select.select(sources, [], [], max(0.0, min(ends) - moment))
        if self._woken in ready:
            with contextlib.suppress(BlockingIOError):
                while self._woken.recv(4096):
                    pass
        return descriptor in ready

    def take(self) -> bool:
        """Take in all events that are there; whether there was any."""
        written: set[str] = set()
        events: list[Event] = []
        while True:
            try:
                item = self._queue.get_nowait()
            except queue.Empty:
                break
            if isinstance(item, Sequence):
                written.update(item)
            else:
                events.append(item)
        moment = time.monotonic()
        events += [event for when, event in self._later if when <= moment]
        self._later = [(when, event) for when, event in self._later if when > moment]
        if moment >= self._looked + LOOK:
            self._looked = moment
            stamps = self.files.stamps()
            changed = stamps.items() ^ self._stamps.items()
            written.update(topic for topic, _ in changed)
        for event in events:
            self.step(event)
        if written:
            self._saved(written)
        return bool(events or written)

    def _saved(self, topics: set[str]) -> None:
        versions = self.files.versions(sorted(topics))
        for topic, version in versions.items():
            if version is None:
                self._stamps.pop(topic, None)
            else:
                self._stamps[topic] = version.stamp
        known = self.state.versions
        gone = {t: v for t, v in versions.items() if v is not None or t in known}
        self.step(at.Saved(gone))

    def step(self, event: Event) -> None:
        """Go from one state to the next, and do what is to be done."""
        self.state, effects = at.step(self.state, event)
        for effect in effects:
            try:
                self._carry_out(effect)
            except GradsmithError as error:
                self.step(at.Told(str(error)))

    def _carry_out(self, effect: Effect) -> None:
        checker = self.checker
        assert checker is not None
        match effect:
            case at.Check(number, exercise):
                self.since = time.monotonic()
                checker.check(number, exercise)
            case at.Stop():
                checker.stop()
            case at.LookAgain(topic):
                self._later.append((time.monotonic() + GRACE, at.Gone(topic)))
            case at.Note(report):
                self.journal.note(report)
            case at.NoteHint(name, rung):
                self.journal.append("hint", name, rung=rung)
            case at.NoteSolution(name):
                self.journal.append("solution", name)
            case at.ReadStatement(exercise):
                text = statement_section(self.options.content, self.options.course, exercise.name)
                self.step(at.Read(exercise.name, statement=text))
            case at.ReadSolution(exercise):
                self.step(at.Read(exercise.name, solution=self._solution(exercise)))
            case at.Draw(topic):
                checker.draw(topic)
            case at.Edit(exercise):
                self.edit(exercise)
            case at.Quit():
                self.over = True

    def _solution(self, exercise: Exercise) -> at.Solution:
        source = self.options.content.source(exercise.topic)
        solution = solution_text(read_text(source), exercise.name, str(source))
        bare = "\n".join(without_docstring(solution)) + "\n"
        version = self.state.versions.get(exercise.topic)
        if version is None or version.functions is None or exercise.name not in version.functions:
            return at.Solution(bare)
        mine = function_text(version.text, exercise.name, f"{exercise.topic}.py")
        if mine is None or "NotImplementedError" in mine:
            return at.Solution(bare)
        return at.Solution(bare, tuple(differences(mine, solution)))

    # the editor

    def edit(self, exercise: Exercise) -> None:
        """Open a function in the editor that has a window of its own; `_Interactive` lends others the terminal."""
        command = self.editor(exercise)
        try:
            subprocess.Popen(
                command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL, start_new_session=True,
            )  # fmt: skip
        except OSError as error:
            raise GradsmithError(f"{command[0]}: cannot be run: {error.strerror}") from None
        self.step(at.Told(f"opened in {Path(command[0]).name}"))

    def editor(self, exercise: Exercise) -> list[str]:
        """The command that opens a function.

        Raises
        ------
        GradsmithError : no editor is set, or the file is not there.
        """
        editor = os.environ.get("VISUAL") or os.environ.get("EDITOR")
        places = self.files.places(exercise.topic)
        file = next((place for place in places if place.is_file()), None)
        if file is None:
            raise GradsmithError(
                f"{places[-1]} is not there; `grader init` in another folder has it"
            )
        if not editor:
            raise GradsmithError(f"set VISUAL or EDITOR to your editor, or open {file} yourself")
        version = self.state.versions.get(exercise.topic)
        line = version.lines.get(exercise.name, 1) if version is not None else 1
        if file.suffix == ".ipynb":
            line = line_of(read_text(file), exercise.name)
        return editor_command(editor, file, line)


class _Interactive:
    """A session with a screen and keys."""

    def __init__(self, session: _Session, keyboard: Keyboard, screen: Screen) -> None:
        self.session = session
        self.keyboard = keyboard
        self.screen = screen
        self.parser = Parser()
        self.said = io.StringIO()

    def run(self) -> int:
        session = self.session
        session.edit = self._edit  # type: ignore[method-assign]  # here there is a terminal to lend
        error = sys.stderr
        sys.stderr = self.said  # what a library writes there would land in the middle of the screen
        try:
            self._enter()
            self._draw()
            session.start()
            while not session.over:
                if self._take():
                    self._draw()
                self._read(session.wait(self._timeout(), self.keyboard.descriptor))
                if session.suspended:
                    self._suspend()
        except OSError:
            if not _is_gone(self.screen):
                raise
            session.ended_by = session.ended_by or HANGUP
        finally:
            session.over = True
            self._leave()
            sys.stderr = error
            session.close()
        if not session.ended_by:
            state = session.state
            done = f"{state.n_solved} of {len(state.course.exercises)} exercises solved"
            sys.stderr.write(self.said.getvalue()[:MAX_SAID])
            sys.stdout.write(f"{done}; `grader watch` goes on\n")
        return session.exit_code

    def _take(self) -> bool:
        """Whether there is something to draw."""
        session = self.session
        changed = session.take()
        if session.resized:
            session.resized = False
            self.screen.forget()
            self.keyboard.start()  # a shell that stopped and continued us has set the terminal its way
            changed = True
        return changed or session.state.checking

    def _timeout(self) -> float:
        """Seconds until the screen changes by itself."""
        if self.parser.waits:
            return ESCAPE
        session = self.session
        until = LOOK
        if session.state.checking:
            waited = time.monotonic() - session.since
            until = PATIENCE - waited if waited < PATIENCE else 1 - waited % 1
        return until if self.keyboard.descriptor is not None else min(until, UNREAD)

    def _read(self, ready: bool) -> None:
        keys: list[str] = []
        if ready or self.keyboard.descriptor is None:
            typed = self.keyboard.read()
            if typed is None:  # the terminal is gone
                self.session.over, self.session.ended_by = True, HANGUP
                return
            keys = self.parser.feed(typed)
        elif self.parser.waits:
            keys = self.parser.flush()
        for key in keys:
            self.session.step(at.Key(key))
            self._draw()
            if self.session.over:
                return

    def _draw(self) -> None:
        session = self.session
        width, height = self.screen.size
        waited = time.monotonic() - session.since if session.state.checking else 0.0
        drawn = frame(session.state, self.screen.console, width, height, waited)
        session.state = replace(session.state, scroll=drawn.scroll)
        self.screen.draw(drawn.lines, width, height)

    def _enter(self) -> None:
        self.keyboard.start()
        self.screen.enter()

    def _leave(self) -> None:
        self.screen.leave()
        self.keyboard.stop()

    def _suspend(self) -> None:
        """Ctrl-Z: the terminal as it was, until the shell continues us."""
        self.session.suspended = False
        self._leave()
        os.kill(os.getpid(), signal.SIGSTOP)
        self._enter()
        self._draw()

    def _edit(self, exercise: Exercise) -> None:
        """Open the editor: in its own window, or in this terminal until it ends."""
        session = self.session
        command = session.editor(exercise)
        if Path(command[0]).stem.lower() in WINDOWED:
            _Session.edit(session, exercise)
            return
        self._leave()
        try:
            with subprocess.Popen(command, stderr=sys.__stderr__) as editor:
                while True:
                    with contextlib.suppress(subprocess.TimeoutExpired):
                        editor.wait(0.2)
                        break
                    if session.ended_by:
                        editor.terminate()
        except OSError as error:
            raise GradsmithError(f"{command[0]}: cannot be run: {error.strerror}") from None
        finally:
            session.over = bool(session.ended_by)  # Ctrl-C was the editor's
            self._enter()


class _Plain:
    """A session that writes lines, for where there is no terminal to draw on."""

    def __init__(self, session: _Session) -> None:
        self.session = session
        self.console = Console(highlight=False, soft_wrap=False)

    def run(self) -> int:
        session = self.session
        shown: Mapping[str, at.Verdict] = {}
        notice = ""
        try:
            self._say(f"{session.options.root}: checked on each save; Ctrl-C ends it")
            session.start()
            while not session.over:
                session.take()
                state = session.state
                if state.notice != notice:
                    notice = state.notice
                    if notice:
                        self._say(f"\n{notice}")
                verdict = state.verdict
                if verdict is not None and verdict is not shown.get(state.current.name):
                    self._block(state, verdict)
                shown = state.verdicts
                session.wait(LOOK)
        finally:
            session.over = True
            session.close()
        return session.exit_code

    def _block(self, state: State, verdict: at.Verdict) -> None:
        """One verdict."""
        exercise = state.current
        self.console.print()
        self.console.print(f"{exercise.name}  {exercise.title}", markup=False)
        for line in verdict_block(state, verdict, self.console):
            self.console.print(line, no_wrap=True, overflow="ignore", crop=False)
        self.console.file.flush()

    def _say(self, text: str) -> None:
        self.console.print(text, markup=False)
        self.console.file.flush()


def _is_gone(screen: Screen) -> bool:
    """Whether the terminal does not answer any more."""
    try:
        os.get_terminal_size(screen.console.file.fileno())
    except OSError:
        return True
    return False
