"""Processes that grade, some side by side: each holds one warm grader and is asked by a thread of its own."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from queue import SimpleQueue
from types import TracebackType
from typing import Final, TypeVar

from grader.errors import GradsmithError
from grader.kernel.client import Client
from grader.nbgrader_course.verdicts import Verdict, Work

MODULE: Final = "grader.nbgrader_course.service"
T = TypeVar("T")
TIMEOUT: Final = 5.0
"""Seconds for one call of a student's function, as everywhere."""


class Pool:
    """Processes that grade one course; none is started before it is needed.

    Parameters
    ----------
    course : the folder of the course; empty for the one that is installed.
    jobs : how many.
    timeout : seconds for one call of a student's function, and for importing the code.
    """

    def __init__(self, course: str = "", jobs: int = 1, timeout: float = TIMEOUT) -> None:
        self.options = json.dumps({"course": course, "timeout": timeout})
        self.jobs = jobs
        self._idle: SimpleQueue[Client | None] = SimpleQueue()
        self._clients: list[Client] = []
        for _ in range(jobs):
            self._idle.put(None)

    def start(self) -> None:
        """Start the processes now, without waiting until they are ready. Those that nobody asks are ended at once."""
        idle = [self._idle.get() for _ in range(self.jobs)]
        for client in idle:
            self._idle.put(client or self._started())

    def _started(self) -> Client:
        client = Client(self.options, MODULE)
        self._clients.append(client)
        return client

    def topics(self) -> dict[str, list[str]]:
        """The course's topics, and the exercises of each.

        Raises
        ------
        GradsmithError : the course cannot be read.
        """
        return self._with_client(lambda client: client.names)

    def verdict(
        self, work: Work, *, seed: int = 0, exercises: Sequence[str] | None = None
    ) -> Verdict:
        """Grade one notebook's work, in whichever process is idle.

        Raises
        ------
        GradsmithError : the grader refuses it, or has ended.
        """
        cells = [(place.cell, place.first) for place in work.cells]
        answer = self._with_client(
            lambda client: client.ask(
                "grade",
                topic=work.topic,
                text=work.text,
                cells=cells,
                seed=seed,
                exercises=exercises,
            )
        )
        return Verdict.from_data(answer)

    def _with_client(self, ask: Callable[[Client], T]) -> T:
        """What an idle process answers; the first time it is started."""
        client = self._idle.get()
        try:
            if client is None:
                client = self._started()
            return ask(client)
        finally:
            self._idle.put(client)

    @contextlib.contextmanager
    def verdicts(
        self,
        works: Mapping[str, Work],
        done: Callable[[str, Verdict | GradsmithError], None],
        *,
        seed: int = 0,
    ) -> Iterator[Mapping[str, Future[None]]]:
        """Grade all works, as many at a time as there are processes, while the block runs.

        Parameters
        ----------
        works : by whatever name; a function that is told of each with that name as soon as it is there, in another
            thread than the caller's.

        Returns
        -------
        What can be waited for, by the names, and what raises what `done` has raised. A block that ends by an exception
        ends the processes.
        """

        def one(name: str, work: Work) -> None:
            try:
                done(name, self.verdict(work, seed=seed))
            except GradsmithError as error:
                done(name, error)

        with ThreadPoolExecutor(self.jobs) as threads:
            waiting = {name: threads.submit(one, name, work) for name, work in works.items()}
            try:
                yield waiting
            except BaseException:
                for each in waiting.values():
                    each.cancel()
                self.close()
                raise

    def close(self) -> None:
        """End the processes."""
        for client in self._clients:
            client.close(now=not client.asked)

    def __enter__(self) -> Pool:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()
