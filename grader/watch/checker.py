"""Grading in a thread of its own, from a process that stays warm: the newest order counts."""

from __future__ import annotations

import gc
import threading
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from grader.content import Content
from grader.disclosure import for_student
from grader.errors import FigureError, GradsmithError, Stopped, UnreadableSubmissionError
from grader.figures import FIGURES, draw, render
from grader.files import write_atomically
from grader.model import Course, Disclosure, Exercise, Report, Status
from grader.sandbox import jail
from grader.sandbox.zygote import Zygote
from grader.submission import Submission, read_submission
from grader.watch.saves import Files
from grader.watch.state import Checked, Drawn, Event, Verdict

if TYPE_CHECKING:
    from grader.grading import Grader
    from grader.model import Outcome

CLOSE_TIMEOUT = 3.0
"""Seconds that the thread has to end."""


class Checker:
    """Checks exercises of a workspace and draws figures, one after another, in a thread.

    Parameters
    ----------
    root : the workspace.
    content, course, limits, zygote : as for `Grader`, which is made in the thread.
    timeout : seconds for one call.
    seed : all random values derive from it.
    post : takes what came of an order; called in the thread.
    """

    def __init__(
        self,
        root: Path,
        content: Content,
        course: Course,
        *,
        limits: jail.Limits,
        zygote: Zygote,
        timeout: float,
        seed: int,
        post: Callable[[Event], None],
    ) -> None:
        self.root = root
        self.content = content
        self.course = course
        self.limits = limits
        self.zygote = zygote
        self.timeout = timeout
        self.seed = seed
        self.post = post
        self._grader: Grader | None = None
        self._changed = threading.Condition()
        self._check: tuple[int, Exercise] | None = None  # what waits
        self._draw: str | None = None
        self._busy = False
        self._called_off = False
        self._settled = False
        self._closing = False
        self._thread = threading.Thread(target=self._run, name="grader-watch-checks", daemon=True)
        self._thread.start()

    def check(self, number: int, exercise: Exercise) -> None:
        """Check an exercise as soon as may be; what is under way or waits is called off."""
        with self._changed:
            self._check = (number, exercise)
            self._call_off()
            self._changed.notify()

    def draw(self, topic: str) -> None:
        """Draw a topic's figures after the checks."""
        with self._changed:
            self._draw = topic
            self._changed.notify()

    def stop(self) -> None:
        """Call off the check that is under way or waits."""
        with self._changed:
            self._check = None
            self._call_off()

    def close(self) -> None:
        """End the thread and the worker processes."""
        with self._changed:
            self._closing = True
            self._call_off()
            self._changed.notify()
        self._thread.join(CLOSE_TIMEOUT)

    def _call_off(self) -> None:
        if self._busy:
            self._called_off = True
            if self._grader is not None:
                self._grader.sandbox.stop()

    # in the thread

    def _run(self) -> None:
        while True:
            with self._changed:
                while not (self._closing or self._check or self._draw):
                    self._changed.wait()
                if self._closing:
                    break
                check, topic = self._check, self._draw
                self._check = None
                if check is None:
                    self._draw = None
                self._busy, self._called_off = True, False
                if self._grader is not None:
                    self._grader.sandbox.resume()
            result: Event | None = None
            if check is not None:
                result = self._checked(*check)
            elif topic is not None:
                result = self._drawn(topic)
            with self._changed:
                self._busy = False
                if self._called_off and check is not None:
                    result = None
            if result is not None:
                self.post(result)
        if self._grader is not None:
            self._grader.close()

    def _warm(self) -> Grader:
        if self._grader is None:
            from grader.grading import Grader

            grader = Grader(
                self.content, self.course, timeout=self.timeout, limits=self.limits,
                zygote=self.zygote,
            )  # fmt: skip
            with self._changed:
                self._grader = grader
                if self._called_off:
                    grader.sandbox.stop()
        return self._grader

    def _submission(self, topic: str) -> Submission:
        """One topic's file."""
        try:
            return _only(read_submission(self.root, self.course), topic)
        except UnreadableSubmissionError:
            if any(file.exists() for file in Files(self.root, self.course).places(topic)):
                raise
            return Submission(self.root.name, {}, (topic,))  # no topic's file is there

    def _checked(self, number: int, exercise: Exercise) -> Event | None:
        try:
            submission = self._submission(exercise.topic)
            report = self._graded(submission, exercise)
            if _ours(report):  # the zygote may have been killed: another one is tried once
                report = self._graded(submission, exercise)
        except KeyboardInterrupt:  # called off
            return None
        except Exception as error:  # shown in the place of a verdict; the session goes on
            return Checked(number, Verdict(None, clock=_clock(), message=_message(error)))
        if not self._settled:
            self._settled = True
            gc.collect()
            gc.freeze()  # what is loaded stays: later collections need not look at it
        source = submission.sources.get(exercise.topic)
        text = source.text if source is not None else None
        return Checked(number, Verdict(for_student(report, Disclosure.FULL), text, _clock()))

    def _graded(self, submission: Submission, exercise: Exercise) -> Report:
        return self._warm().grade(
            submission, exercises=[exercise.name], seed=self.seed, on_outcome=self._stop_here
        )

    def _stop_here(self, _: Outcome) -> None:
        if self._called_off:
            raise Stopped

    def _drawn(self, topic: str) -> Event:
        entries = [entry for entry in FIGURES.values() if entry.topic == topic]
        if not entries:
            return Drawn(f"{topic} has no figure")
        files, faults = [], []
        try:
            submission = self._submission(topic)
            for entry in entries:
                proxy = self._warm().open(submission, self.course.topic(topic))
                try:
                    figure = draw(entry.name, proxy, self.seed)
                except FigureError as error:
                    faults.append(str(error))
                    continue
                finally:
                    proxy.close()
                file = Path(f"{entry.name}.png")
                write_atomically(file, render(figure, "png"))
                files.append(str(file.absolute()))
        except KeyboardInterrupt:
            return Drawn("drawing was called off: f draws again")
        except Exception as error:
            faults.append(_message(error))
        drawn = [f"drawn: {', '.join(files)}"] if files else []
        return Drawn("; ".join([*drawn, *faults]))


def _only(submission: Submission, topic: str) -> Submission:
    """The part of a submission that is one topic's."""
    return replace(
        submission,
        sources={slug: s for slug, s in submission.sources.items() if slug == topic},
        topics=(topic,),
        problems=tuple(p for p in submission.problems if p.topic == topic),
        notes=tuple(note for note in submission.notes if _is_about(note, topic)),
    )


def _is_about(note: str, topic: str) -> bool:
    return any(f"{topic}{s}" in note for s in (".py", ".ipynb")) and "not found" not in note


def _ours(report: Report) -> bool:
    return any(score.status is Status.GRADER_ERROR for score in report.scores)


def _message(error: Exception) -> str:
    if isinstance(error, GradsmithError):
        return str(error)
    return f"{type(error).__name__}: {error}. This is a fault of gradsmith's, not yours; c checks again"


def _clock() -> str:
    return time.strftime("%H:%M:%S")
