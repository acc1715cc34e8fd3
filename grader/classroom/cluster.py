"""The same unit of work on a Dask cluster.

A task is a pure function of texts: the submission's, the seed and the settings. It can be done twice, or on another
machine, and comes out the same; so Dask may do it again where a worker is lost. This process alone writes the ledger,
once for each task, as they come back. Every worker needs this version of gradsmith, the same versions of Python, NumPy
and pytest, and the course; each is asked before it is given anything.
"""

from __future__ import annotations

import atexit
import threading
from collections.abc import Iterator
from typing import Any

from grader.classroom.unit import Bench, Footing, Made, Settings, Task
from grader.errors import GradsmithError, SandboxError
from grader.turns import MAX_TRIES

DEPTH = 2
"""Submissions in flight for each thread of the cluster: what it is at, and the next."""
CONNECT_TIMEOUT = 20.0
"""Seconds for the scheduler to answer, and to have a worker."""

_BENCHES: dict[Settings, Bench] = {}
_TURN = threading.Lock()
"""One submission at a time in each process, however many threads it has: suites run one after another."""


def _bench(settings: Settings) -> Bench:
    """The warm grader of this process, for these settings."""
    if settings not in _BENCHES:
        for other in list(_BENCHES):  # of a class that was graded here before
            _BENCHES.pop(other).close()
        _BENCHES[settings] = Bench(settings)
        atexit.register(_BENCHES[settings].close)
    return _BENCHES[settings]


def footing_here(settings: Settings) -> Footing | str:
    """What results of this process rest on, or why it cannot grade."""
    with _TURN:
        try:
            return _bench(settings).footing
        except GradsmithError as error:
            return str(error)


def grade_here(settings: Settings, task: Task, footing: Footing) -> Made:
    """One unit of work in this process.

    Raises
    ------
    SandboxError : this process has another course or other versions than the one that asks.
    """
    with _TURN:
        bench = _bench(settings)
        if bench.footing != footing:
            raise SandboxError("this worker has another course, or other versions")
        return bench.grade(task)


class Cluster:
    """A Dask cluster that grades.

    Parameters
    ----------
    address : the scheduler's.
    """

    def __init__(self, settings: Settings, address: str) -> None:
        self._settings = settings
        self._address = address
        self._client: Any = None
        self._footing: Footing | None = None

    def start(self) -> Footing:
        """Connect, and ask every worker what its results rest on.

        Raises
        ------
        GradsmithError : Dask is not installed, the scheduler does not answer, it has no worker, or its
            workers differ.
        """
        try:
            import distributed
        except ImportError:
            raise GradsmithError(
                "--scheduler needs Dask; install it: pip install 'gradsmith[cluster]'"
            ) from None
        try:
            client: Any = distributed.Client  # its methods have no types
            self._client = client(self._address, timeout=CONNECT_TIMEOUT, set_as_default=False)
            self._client.wait_for_workers(1, timeout=CONNECT_TIMEOUT)
        except (OSError, TimeoutError, ValueError) as error:
            reason = str(error) or "no worker"
            self.close()
            raise GradsmithError(
                f"--scheduler {self._address}: {reason}; start one: dask scheduler, and workers: "
                f"dask worker {self._address} --nthreads 1"
            ) from None
        found = self._client.run(footing_here, self._settings, on_error="return")
        for worker, footing in found.items():
            if not isinstance(footing, Footing):
                raise GradsmithError(f"the worker {worker} cannot grade: {footing}")
        if len(set(found.values())) > 1:
            raise GradsmithError(
                "the cluster's workers have different courses or versions of gradsmith, Python, NumPy "
                f"or pytest: {', '.join(f'{w} {f.suite[:8]}' for w, f in found.items())}; make them alike"
            )
        self._footing = next(iter(found.values()))
        return self._footing

    def run(self, tasks: Iterator[Task]) -> Iterator[Made]:
        """Grade tasks; each comes out once, as soon as it is done."""
        import distributed

        as_completed: Any = distributed.as_completed
        futures = as_completed(loop=self._client.loop)
        at_work: dict[Any, Task] = {}
        more = True
        while True:
            while more and len(at_work) < self._room():
                task = next(tasks, None)
                if task is None:
                    more = False
                    break
                future = self._client.submit(
                    grade_here, self._settings, task, self._footing,
                    pure=False, retries=MAX_TRIES - 1,
                )  # fmt: skip
                at_work[future.key] = task
                futures.add(future)
            if not at_work:
                return
            future = next(futures)
            task = at_work.pop(future.key)
            error = future.exception()
            if error is None:
                yield future.result()
            else:
                why = f"{type(error).__name__}: {error}"[:500]
                yield Made(task.student, task.seed, fault=why)
            future.release()

    def _room(self) -> int:
        """How many tasks the cluster is given at once: workers come and go."""
        workers = self._client.scheduler_info(n_workers=-1)["workers"]
        n_threads = sum(int(worker["nthreads"]) for worker in workers.values())
        return DEPTH * max(n_threads, 1)

    def close(self) -> None:
        """Leave the cluster; tasks that are at work there are called off."""
        client, self._client = self._client, None
        if client is not None:
            client.close()
