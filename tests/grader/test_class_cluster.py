"""A class on a Dask cluster: the results of this machine, bit for bit, though workers are killed."""

from __future__ import annotations

import contextlib
import os
import signal
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from grader.catalog import load_course
from grader.classroom.intake import take_in
from grader.classroom.ledger import Ledger, open_class
from grader.classroom.run import GRADED, Job, Step, grade_class
from grader.classroom.seeds import Seeding
from grader.classroom.unit import Bench, Crew, Footing, Made, Settings, Task
from grader.content import Content
from grader.errors import GradsmithError

distributed = pytest.importorskip("distributed", reason="the extra [cluster] is not installed")

# Dask leaves sockets and event loops of a killed process's connections to the interpreter.
pytestmark = pytest.mark.filterwarnings("ignore::ResourceWarning")


class Alone:
    """One bench in this process."""

    def __init__(self, settings: Settings) -> None:
        self.bench = Bench(settings)

    def start(self) -> Footing:
        return self.bench.footing

    def run(self, tasks: Iterator[Task]) -> Iterator[Made]:
        yield from map(self.bench.grade, tasks)

    def close(self) -> None:
        self.bench.close()


@pytest.fixture
def submissions(toy: Content, tmp_path: Path) -> Path:
    """A class of eight."""
    right, stub = toy.source("toy").read_text(), toy.stub("toy").read_text()
    kinds = [right, stub, right.replace("2.0 * c", "c"), right.replace("axis=1", "axis=0")]
    for i in range(8):
        (tmp_path / "in" / f"s{i}").mkdir(parents=True)
        (tmp_path / "in" / f"s{i}" / "toy.py").write_text(kinds[i % 4])
    return tmp_path / "in"


def graded(crew: Crew, toy: Content, submissions: Path, out: Path, on_step: Any) -> dict[str, Any]:
    """What counts of each result, graded by a crew."""
    course, settings = load_course(toy), Settings(str(toy.root), (), 5.0)
    with take_in([submissions], course) as intake, Ledger(out) as ledger:
        job = Job(toy, course, settings, Seeding(b"s" * 32), intake)
        try:
            grade_class(job, ledger, crew, on_step)
        finally:
            crew.close()
        rows = ledger.summary().n
    assert rows == 8
    found = {}
    import sqlite3

    with contextlib.closing(sqlite3.connect(out / "results.sqlite")) as db:
        for student, *rest in db.execute(
            "SELECT student, seed, digest, report_digest, fault FROM results"
        ):
            assert student not in found, "once"
            found[student] = rest
    return found


def test_cluster_gives_the_same_results_though_a_worker_is_killed(
    toy: Content, submissions: Path, tmp_path: Path
) -> None:
    """Two processes of a cluster, one of them killed in the middle, give each result once, equal to the local ones."""
    from grader.classroom.cluster import Cluster

    settings = Settings(str(toy.root), (), 5.0)
    local = graded(Alone(settings), toy, submissions, tmp_path / "local", lambda step: None)
    steps: list[Step] = []
    with distributed.LocalCluster(
        n_workers=2, threads_per_worker=1, processes=True, dashboard_address=None,
        host="127.0.0.1", silence_logs=50,
    ) as cluster:  # fmt: skip

        def kill_one(step: Step) -> None:
            steps.append(step)
            if len(steps) == 2:
                os.kill(cluster.workers[0].pid, signal.SIGKILL)

        crew = Cluster(settings, cluster.scheduler_address)
        far = graded(crew, toy, submissions, tmp_path / "far", kill_one)
    assert {step.became for step in steps} == {GRADED}
    assert far == local
    assert len(open_class(tmp_path / "far").results) == 8


def test_scheduler_that_is_not_there(toy: Content, monkeypatch: pytest.MonkeyPatch) -> None:
    """No scheduler at the address is an error that says how to start one."""
    from grader.classroom import cluster

    monkeypatch.setattr(cluster, "CONNECT_TIMEOUT", 0.3)
    crew = cluster.Cluster(Settings(str(toy.root)), "tcp://127.0.0.1:1")
    with pytest.raises(GradsmithError, match="dask scheduler"):
        crew.start()
    crew.close()
