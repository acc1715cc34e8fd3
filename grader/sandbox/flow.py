"""Tests side by side: while one waits for the submission's process, the others go on.

Grader and worker would otherwise take turns, each asleep while the other works, and waking up costs more than
most calls. Here each test is a coroutine of its own (a greenlet, so that a suite is plain code): a call goes into
the worker's queue and the next test takes over. The worker finds its next call waiting when it has answered one,
and both processes are busy. The calls of one topic are sent in an order that depends on its tests alone, not on time.
"""

from __future__ import annotations

import select
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass

from greenlet import GreenletExit, getcurrent, greenlet

from grader.sandbox import wire
from grader.sandbox.proxy import Pending, TopicProxy

WIDTH = 16
"""Tests of one topic that are on their way at once: enough that the worker is never without a call."""

SHORT_CALL = 40e-6
"""Seconds that the worker takes for a call at least. Where both processes share a processor, this one sleeps for so
long for each call that is on its way: to be woken for every answer takes as long as many a call."""

_OVER = object()
"""What a coroutine gives when its test has ended."""


@dataclass(frozen=True, slots=True)
class Task:
    """One test. One that is `last` starts when all tests before it are over."""

    run: Callable[[], None]
    last: bool = False


class _Lane:
    """The tests of one topic. Coroutines are used again: to make one takes longer than a short test."""

    def __init__(self, topic: TopicProxy, tasks: Iterable[Task]) -> None:
        self.topic = topic
        self._hub = getcurrent()
        self._tasks: Iterator[Task] = iter(tasks)
        self._next: Task | None = next(self._tasks, None)
        self._active: set[greenlet] = set()
        self._idle: list[greenlet] = []
        self._held = False

    def start(self) -> None:
        """Start tests until enough are on their way."""
        while self._next is not None and len(self._active) < WIDTH:
            if self._next.last and not self._held and self._active:
                return
            self._held = self._next.last
            test = self._idle.pop() if self._idle else greenlet(self._run)
            task = self._next
            self._next = next(self._tasks, None)
            self._active.add(test)
            self._switch(test, task)

    def resume(self, test: greenlet) -> None:
        """Let a test go on until its next call or its end."""
        self._switch(test)

    def _switch(self, test: greenlet, task: Task | None = None) -> None:
        if test.switch(task) is _OVER:
            self._active.discard(test)
            self._idle.append(test)

    def _run(self, task: Task) -> None:
        """A coroutine: one test after another."""
        while True:
            task.run()
            task = self._hub.switch(_OVER)

    def end(self) -> None:
        """End the coroutines. Each holds the lane and its call, and no collector sees through one that is suspended."""
        for test in (*self._idle, *self._active):
            if not test.dead:
                test.throw(GreenletExit)
        self._idle.clear()
        self._active.clear()

    @property
    def over(self) -> bool:
        return self._next is None and not self._active

    @property
    def alone(self) -> bool:
        """Whether the test that runs is the only one that can, until it ends."""
        waits = self._next is None or (self._next.last and not self._held)
        return len(self._active) == 1 and waits


class Flow:
    """Runs the tests of several topics side by side."""

    def __init__(self) -> None:
        self._hub = getcurrent()
        self._waiting: list[_Lane] = []

    def is_hub(self) -> bool:
        """Whether no test runs now, but what serves them."""
        return getcurrent() is self._hub

    def is_alone(self) -> bool:
        """Whether no other test is left that could go on while the one that runs waits."""
        return len(self._waiting) == 1 and self._waiting[0].alone

    def wait(self, pending: Pending) -> None:
        """Called by a test: let others go on until the call is done."""
        pending.waiter = getcurrent()
        start = time.perf_counter()
        self._hub.switch()
        pending.notes.away += time.perf_counter() - start - pending.seconds

    def run(self, topics: Iterable[tuple[TopicProxy, Iterable[Task]]]) -> None:
        """Run all tests to their end. What a test raises comes out of here, and ends the others."""
        lanes = [_Lane(topic, tasks) for topic, tasks in topics]
        for lane in lanes:
            lane.topic.flow = self
        try:
            self._waiting = lanes
            while self._waiting:
                moved = False
                for lane in self._waiting:
                    lane.start()
                    done = lane.topic.advance()
                    moved = moved or bool(done)
                    for pending in done:  # one by one, so that order does not depend on time
                        lane.resume(pending.waiter)
                        lane.start()
                self._waiting = [lane for lane in self._waiting if not lane.over]
                if not moved:
                    _poll(self._waiting)
        finally:
            for lane in lanes:
                lane.topic.flow = None
                lane.topic.give_up()
                lane.end()


def _poll(lanes: Sequence[_Lane]) -> None:
    """Wait until there is an answer for one of the lanes, or a call is late."""
    if not wire.lingers():  # one processor for both
        time.sleep(SHORT_CALL * max((lane.topic.on_their_way() for lane in lanes), default=0))
    poll = select.poll()
    deadline = None
    for lane in lanes:
        wanted = lane.topic.waits_for()
        if wanted is not None:
            descriptor, events, until = wanted
            poll.register(descriptor, events)
            deadline = until if deadline is None else min(deadline, until)
    if deadline is not None:
        poll.poll(max(0.0, deadline - time.monotonic()) * 1000 + 1)
