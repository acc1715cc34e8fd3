"""Workers of this machine: one warm grader in each, which takes submissions from this process one by one.

A worker is a process of ours and holds what graders hold; the submissions run in its sandbox's own processes. It ends
when its pipe closes, be it that this process closes it or dies. A worker that dies is replaced, and what it was at is
tried again: whose fault it was can't be known, so it is nobody's until it has happened `MAX_TRIES` times.
"""

from __future__ import annotations

import contextlib
import multiprocessing
import os
import queue
import signal
import threading
from collections import deque
from collections.abc import Iterator
from multiprocessing.connection import Connection, wait
from typing import TYPE_CHECKING, Any

from grader.classroom.unit import Bench, Footing, Made, Settings, Task
from grader.errors import GradsmithError, SandboxError
from grader.turns import MAX_TRIES

if TYPE_CHECKING:
    from multiprocessing.context import SpawnProcess

DEPTH = 2
"""Submissions that a worker has been given: the one it is at, and the next, for which it need not wait."""
SHIFT = 500
"""Submissions after which a worker is replaced by a fresh one: what pytest and NumPy keep of each adds up."""
PATIENCE = 10.0
"""Seconds that a worker has to end before it is killed."""


class Pool:
    """Processes that grade.

    Parameters
    ----------
    jobs : how many.
    """

    def __init__(self, settings: Settings, jobs: int) -> None:
        self._settings = settings
        self._jobs = jobs
        self._workers: list[_Hand] = []
        self._footing: Footing | None = None
        self._context = multiprocessing.get_context("spawn")
        self._stillborn = 0
        self._why = ""
        # Where every processor has a worker, each stays on its own, with its sandbox: they take turns on it, and the
        # one need not be woken on another, nor look for what is to come.
        self._seats: list[int] = []
        if hasattr(os, "sched_getaffinity") and jobs == len(os.sched_getaffinity(0)) > 1:
            self._seats = sorted(os.sched_getaffinity(0))

    def start(self) -> Footing:
        """Start the workers, and wait for the first.

        Raises
        ------
        GradsmithError : none can be started; as a worker says why.
        """
        for _ in range(self._jobs):
            self._hire()
        while self._footing is None:
            for hand in self._heard():
                self._take(hand)
        return self._footing

    def run(self, tasks: Iterator[Task]) -> Iterator[Made]:
        """Grade tasks; each comes out once, as soon as it is done."""
        again: deque[Task] = deque()
        tries: dict[str, int] = {}
        more = True
        while True:
            for hand in [hand for hand in self._workers if hand.tired]:
                self._workers.remove(hand)
                hand.dismiss()
                self._hire()
            # Everybody gets one before anybody gets two.
            for depth in range(1, DEPTH + 1):
                for hand in self._workers:
                    if hand.free(depth) and (more or again):
                        task = again.popleft() if again else next(tasks, None)
                        if task is None:
                            more = False
                        else:
                            hand.give(task)
            if not more and not again and not any(hand.tasks for hand in self._workers):
                return
            for hand in self._heard():
                made = self._take(hand)
                if made is not None:
                    yield made
                if hand.gone and hand.tasks:
                    first, *others = hand.tasks
                    hand.tasks.clear()
                    again.extendleft(reversed(others))
                    n = tries[first.student] = tries.get(first.student, 0) + 1
                    if n < MAX_TRIES:
                        again.append(first)
                    else:
                        why = f"the grader's process ended while it was graded, {n} times"
                        yield Made(first.student, first.seed, fault=why)

    def close(self) -> None:
        """End the workers; what they are at is left undone."""
        hands, self._workers = self._workers, []
        for hand in hands:
            hand.connection.close()
        for hand in hands:
            hand.dismiss()

    def _hire(self) -> None:
        ours, theirs = self._context.Pipe()
        taken = {hand.seat for hand in self._workers}
        seat = next((seat for seat in self._seats if seat not in taken), None)
        process = self._context.Process(
            target=_work, args=(theirs, self._settings, seat), name="grader", daemon=True
        )
        with (
            _ctrl_c_held()
        ):  # a worker that has not come to set its own way of it would print a traceback
            process.start()
        theirs.close()
        self._workers.append(_Hand(process, ours, seat))

    def _heard(self) -> list[_Hand]:
        """The workers that have said something, or have died."""
        ready = wait([hand.connection for hand in self._workers])
        return [hand for hand in self._workers if hand.connection in ready]

    def _take(self, hand: _Hand) -> Made | None:
        """What a worker says. One that has died is replaced, and its tasks stay with it."""
        try:
            said: Any = hand.connection.recv()
        except (EOFError, OSError):
            self._bury(hand)
            return None
        if isinstance(said, Made):
            hand.tasks.popleft()
            return said
        if isinstance(said, Footing):
            if self._footing is None:
                self._footing = said
            elif said.isolation != self._footing.isolation:
                self._why = f"isolation {said.isolation!r} in one process, {self._footing.isolation!r} in others"
                self._bury(hand)
                return None
            elif said != self._footing:
                raise GradsmithError(
                    "the course was changed while it was being graded; run the same command again"
                )
            hand.ready, self._stillborn = True, 0
            return None
        if isinstance(said, SandboxError):  # it had no sandbox, and has ended
            self._why = str(said)
            self._bury(hand)
            return None
        raise said

    def _bury(self, hand: _Hand) -> None:
        hand.gone = True
        hand.connection.close()
        hand.process.join()
        code = hand.process.exitcode
        hand.process.close()
        self._workers.remove(hand)
        self._stillborn += not hand.ready
        if self._stillborn >= MAX_TRIES + self._jobs:
            raise SandboxError(
                f"the grader's processes end before they can work (exit code {code})"
            )
        self._hire()


class _Hand:
    """A worker, as this process sees it."""

    def __init__(
        self, process: SpawnProcess, connection: Connection[Any, Any], seat: int | None
    ) -> None:
        self.process = process
        self.seat = seat
        self.connection = connection
        self.tasks: deque[Task] = deque()
        self.n_given = 0
        self.ready = False
        self.gone = False

    @property
    def tired(self) -> bool:
        """Whether it has done all that it is to do."""
        return self.n_given >= SHIFT and not self.tasks

    def free(self, depth: int) -> bool:
        """Whether it takes one more task, with fewer than `depth` on its desk."""
        return self.ready and len(self.tasks) < depth and self.n_given < SHIFT

    def dismiss(self) -> None:
        """End it, whatever it is at."""
        self.connection.close()
        self.process.join(PATIENCE)
        if self.process.is_alive():
            self.process.kill()
            self.process.join()
        self.process.close()

    def give(self, task: Task) -> None:
        """Hand it a task. That it has died is told when it is next heard."""
        self.tasks.append(task)
        self.n_given += 1
        with contextlib.suppress(OSError):
            self.connection.send(task)


@contextlib.contextmanager
def _ctrl_c_held() -> Iterator[None]:
    """Ctrl-C means nothing to processes that are started within."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    known = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, known)


def _work(connection: Connection[Any, Any], settings: Settings, seat: int | None) -> None:
    """A worker's whole life, on the processor `seat`."""
    if seat is not None:
        os.sched_setaffinity(0, {seat})
    # No SIG_IGN, which submissions would inherit: what they see is as in any other run.
    signal.signal(signal.SIGINT, lambda *_: None)
    try:
        bench = Bench(settings)
    except GradsmithError as error:
        with contextlib.suppress(OSError):
            connection.send(SandboxError(str(error)) if error.exit_code == 3 else _plain(error))
        return
    inbox: queue.SimpleQueue[Task | None] = queue.SimpleQueue()
    over = threading.Event()

    def read() -> None:
        with contextlib.suppress(EOFError, OSError):
            while True:
                inbox.put(connection.recv())
        over.set()
        bench.grader.sandbox.stop()
        inbox.put(None)

    def coming() -> Iterator[Task]:
        while not over.is_set() and (task := inbox.get()) is not None:
            yield task

    threading.Thread(target=read, daemon=True).start()
    try:
        connection.send(bench.footing)
        bench.grade_all(coming(), connection.send)
    except (OSError, KeyboardInterrupt):  # nobody listens any more, or it was called off
        pass
    finally:
        bench.close()


def _plain(error: GradsmithError) -> GradsmithError:
    """An error that can be sent: those with places in files are made of more than their message."""
    return GradsmithError(str(error))
