"""A class is graded: the same results whoever grades them, each once, whatever is killed meanwhile."""

from __future__ import annotations

import contextlib
import os
import random
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import pytest
from click.testing import CliRunner

from grader.catalog import load_course
from grader.classroom import ledger as keeping
from grader.classroom import pool as pooling
from grader.classroom.intake import Entry
from grader.classroom.ledger import FILE, Key, Ledger, open_class
from grader.classroom.model import Student
from grader.classroom.pool import Pool
from grader.classroom.run import Job, grade_class
from grader.classroom.seeds import Seeding, own_secret, read_secret
from grader.classroom.stored import submission_text
from grader.classroom.unit import Bench, Footing, Made, Settings, Task
from grader.cli import cli
from grader.content import Content
from grader.errors import GradsmithError
from grader.model import Status
from grader.submission import read_submission
from grader.turns import MAX_TRIES

LINUX = sys.platform == "linux"
NEEDS_PROC = pytest.mark.skipif(not LINUX, reason="finds processes in /proc")


def variants(toy: Content) -> list[str]:
    """Submissions of several kinds: right, a stub, two mistakes, no Python."""
    right, stub = toy.source("toy").read_text(), toy.stub("toy").read_text()
    return [
        right,
        stub,
        right.replace("2.0 * c", "c"),
        right.replace("axis=1", "axis=0"),
        "def row_means(x:\n",
    ]


def write_class(folder: Path, toy: Content, n: int) -> Path:
    """The submissions of `n` students, every tenth of whom handed in something unreadable."""
    kinds = variants(toy)
    for i in range(n):
        file = folder / f"s{i:03}" / ("toy.py" if i % 10 != 9 else "readme.txt")
        file.parent.mkdir(parents=True)
        file.write_text(f"{kinds[i % len(kinds)]}\n# {i}\n")
    return folder


Grade = Callable[..., str]


@pytest.fixture
def grade(toy: Content, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Grade:
    """Runs `grader class grade` on the toy course with one worker, unless told otherwise; what it prints."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "80")

    def run(*args: str | Path, code: int = 0, jobs: int = 1) -> str:
        given = ["class", "grade", *map(str, args), "--course", str(toy.root), "--jobs", str(jobs)]
        result = CliRunner().invoke(cli, given, standalone_mode=False)
        if result.exception is not None:
            raise result.exception
        assert result.return_value == code
        return result.output

    return run


def table(results: Path) -> list[tuple[object, ...]]:
    """What counts in a ledger: everything but times."""
    with closing(sqlite3.connect(results / FILE)) as db:
        return db.execute(
            "SELECT student, digest, suite, seed, report_digest, earned, fault, ours "
            "FROM results WHERE superseded_at IS NULL ORDER BY student"
        ).fetchall()


def n_rows(results: Path) -> int:
    with closing(sqlite3.connect(results / FILE)) as db:
        return int(db.execute("SELECT count(*) FROM results").fetchone()[0])


# ---- the same results


def test_same_results_whatever_the_order_and_the_number_of_workers(
    toy: Content, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One worker, which is replaced in between, and two in another order give equal reports, byte for byte."""
    monkeypatch.setattr(pooling, "SHIFT", 3)
    course = load_course(toy)
    settings = Settings(str(toy.root), (), 5.0)
    tasks = []
    for i, text in enumerate([*variants(toy)[:4], variants(toy)[2]]):
        file = tmp_path / f"{i}" / "toy.py"
        file.parent.mkdir()
        file.write_text(text)
        one = submission_text(read_submission(file, course), ("toy",))
        tasks.append(Task(f"s{i}", one, Seeding(b"x" * 32).seed(f"s{i}", "c")))
    found = []
    for jobs, order in ((1, tasks), (2, tasks[::-1])):
        pool = Pool(settings, jobs)
        try:
            pool.start()
            made = {one.student: one for one in pool.run(iter(order))}
        finally:
            pool.close()
        assert set(made) == {task.student for task in tasks}
        found.append({s: (m.report, m.report_digest, m.statuses) for s, m in made.items()})
    assert found[0] == found[1]
    assert found[0]["s2"] != found[0]["s4"], "another student has another seed"
    assert dict(made["s0"].statuses) == {"passed": 2}


def test_class_is_graded_and_goes_on(grade: Grade, toy: Content, tmp_path: Path) -> None:
    """A run grades all; a second nothing; a third what has changed, is new, is asked for; what is gone is marked."""
    write_class(tmp_path / "in", toy, 10)
    out = tmp_path / "out"
    said = grade("in", "--out", "out")
    assert "9  graded" in said
    assert "1  cannot be read: s009" in said
    before = table(out)
    said = grade("in", "--out", "out")
    assert "10  as before" in said
    assert table(out) == before
    assert n_rows(out) == 10
    (tmp_path / "in" / "s001" / "toy.py").write_text(variants(toy)[0])
    (tmp_path / "in" / "s000" / "toy.py").unlink()
    (tmp_path / "in" / "s000").rmdir()
    (tmp_path / "in" / "new.py").write_text(variants(toy)[0])
    (tmp_path / "roster.csv").write_text("id,name\ns001,Ada\nx,Absent\n")
    said = grade("in", "--out", "out", "--regrade", "s002", "--roster", "roster.csv", "-v")
    assert "3  graded" in said
    assert "new: graded: 5 of 5 points (100%)" in said
    assert "nothing handed in: x" in said
    assert "1  of the roster handed nothing in" in said
    assert "1  graded before and not among the submissions now: s000" in said
    after = {row[0]: row for row in table(out)}
    assert after["s002"] == before[2]
    assert after["s001"] != before[1]
    assert n_rows(out) == 13, "history stays"
    loaded = open_class(out)
    assert [r.student for r in loaded.results] == sorted(after)
    by_id = {result.student: result for result in loaded.results}
    assert by_id["s000"].gone
    assert by_id["s001"].report is not None
    assert by_id["s001"].report.percent == 100.0
    assert by_id["s001"].report.seconds > 0.0
    assert by_id["s001"].graded_at is not None
    assert by_id["s004"].report is not None
    assert {s.status for s in by_id["s004"].report.scores} == {Status.ERROR}
    assert by_id["s009"].report is None
    assert "holds no submission" in by_id["s009"].fault
    assert list(loaded.roster) == ["s001", "x"]
    assert (loaded.title, loaded.points) == ("A toy course", 5.0)
    assert loaded.results[-1].student == "s009"
    assert [r.student for r in loaded.results[:2]] == ["new", "s000"]

    # What was graded is graded again from the ledger alone.
    runner = CliRunner()
    done = runner.invoke(cli, ["replay", str(out), "s002", "new"], standalone_mode=False)
    assert done.return_value == 0, done.output
    assert "s002: the same, 3 of 5 points, with seed" in done.output
    with closing(sqlite3.connect(out / FILE)) as db:
        db.execute("UPDATE results SET seed = 5 WHERE student = 's002'")
        db.commit()
    done = runner.invoke(cli, ["replay", str(out), "s002"], standalone_mode=False)
    assert done.return_value == 1
    assert "s002: differs" in done.output
    assert "seed was" in done.output
    for args, word in (
        (["s009"], "has no report"),
        (["s02"], "did you mean"),
        ([], "name students"),
    ):
        done = runner.invoke(cli, ["replay", str(out), *args], standalone_mode=False)
        assert word in str(done.exception)


def test_settings_and_seeds_that_change_grade_all_again(
    grade: Grade, toy: Content, tmp_path: Path
) -> None:
    """Another seed, another choice of exercises or another timeout is another result; a seed once fixed stays."""
    write_class(tmp_path / "in", toy, 2)
    grade("in", "--out", "out", "--seed", "3")
    assert {row[3] for row in table(tmp_path / "out")} == {3}
    assert "2  as before" in grade("in", "--out", "out")
    assert not (tmp_path / "out" / "secret.key").exists()
    said = grade("in", "--out", "out", "--only", "row_means")
    assert "suites, settings or versions have changed" in said
    assert open_class(tmp_path / "out").points == 3.0
    (tmp_path / "own").write_bytes(b"s" * 32)
    said = grade("in", "--out", "out", "--only", "row_means", "--secret", "own")
    assert "the secret, or the seed, have changed" in said
    with pytest.raises(GradsmithError, match="give it: --secret FILE"):
        grade("in", "--out", "out", "--only", "row_means")


# ---- seeds


def test_seeds_follow_from_the_secret() -> None:
    """A seed is the same for the same student, course and secret, and fits 63 bits; each of them changes it."""
    one = Seeding(b"a" * 32)
    assert one.seed("ada", "c") == one.seed("ada", "c")
    others = {one.seed("bob", "c"), one.seed("ada", "d"), Seeding(b"b" * 32).seed("ada", "c")}
    assert len(others | {one.seed("ada", "c")}) == 4
    assert all(0 <= Seeding(bytes([i]) * 32).seed("ada", "c") < 2**63 for i in range(200))
    assert b"a" * 8 not in one.name.encode()


def test_secret_is_its_owners_alone(tmp_path: Path) -> None:
    """The secret is made once, of 32 bytes, and nobody else can read it; one that is too short is refused."""
    made = own_secret(tmp_path / "secret.key")
    assert len(made.secret) == 32
    assert (tmp_path / "secret.key").stat().st_mode & 0o777 == 0o600
    assert own_secret(tmp_path / "secret.key") == made
    (tmp_path / "short").write_bytes(b"abc")
    with pytest.raises(GradsmithError, match="16 to 4096 bytes"):
        read_secret(tmp_path / "short")


# ---- the ledger


def a_ledger(folder: Path, toy: Content, *students: str) -> Ledger:
    """A ledger in which a run has begun."""
    ledger = Ledger(folder)
    entries = [Entry(student, f"in/{student}") for student in students]
    settings = Settings(str(toy.root))
    ledger.begin(load_course(toy), settings, "suite", "fixed 0", None, entries)
    return ledger


def test_ledger_keeps_one_result_that_counts(tmp_path: Path, toy: Content) -> None:
    """A result takes the place of the last, which stays; the database itself refuses a second that counts."""
    with a_ledger(tmp_path, toy, "ada") as ledger:
        ledger.put("ada", Key("d1", "suite", 1), "", None, "cannot be read")
        ledger.put("ada", Key("d2", "suite", 1), "", None, "cannot be read still")
        assert ledger.keys() == {"ada": Key("d2", "suite", 1)}
    assert n_rows(tmp_path) == 2
    [result] = open_class(tmp_path).results
    assert result.fault == "cannot be read still"
    assert not result.ours
    with (
        closing(sqlite3.connect(tmp_path / FILE)) as db,
        pytest.raises(sqlite3.IntegrityError, match="UNIQUE"),
    ):
        db.execute("UPDATE results SET superseded_at = NULL")


def test_fault_of_ours_is_tried_again(tmp_path: Path, toy: Content) -> None:
    """What we could not grade is no result to go on with: the next run grades it, and nobody else is told a score."""
    with a_ledger(tmp_path, toy, "ada") as ledger:
        ledger.put("ada", Key("d", "suite", 1), "{}", Made("ada", 1, fault="it died"))
        assert ledger.keys() == {}
        assert ledger.summary().ours == ("ada",)
    [result] = open_class(tmp_path).results
    assert (result.ours, result.fault, result.report) == (True, "it died", None)


def test_ledger_of_another_kind_or_version(tmp_path: Path, toy: Content) -> None:
    """A newer ledger, another program's file, a damaged one and none at all each say what to do."""
    a_ledger(tmp_path / "new", toy).close()
    with closing(sqlite3.connect(tmp_path / "new" / FILE)) as db:
        db.execute(f"PRAGMA user_version={keeping.VERSION + 1}")
    (tmp_path / "other").mkdir()
    with closing(sqlite3.connect(tmp_path / "other" / FILE)) as db:
        db.execute("CREATE TABLE x (y)")
    (tmp_path / "bad").mkdir()
    (tmp_path / "bad" / FILE).write_bytes(b"SQLite format 3\0" + b"x" * 5000)
    for name, said in (("new", "newer gradsmith"), ("other", "not the results"), ("bad", "sound")):
        with pytest.raises(GradsmithError, match=said):
            Ledger(tmp_path / name)
        with pytest.raises(GradsmithError, match=said):
            open_class(tmp_path / name)
    with pytest.raises(GradsmithError, match="grader class grade"):
        open_class(tmp_path / "none")


def test_two_runs_do_not_work_twice(tmp_path: Path, toy: Content) -> None:
    """While a ledger is open, a second run is told that another process is at it; reading goes on."""
    with a_ledger(tmp_path, toy) as ledger:
        ledger.put("ada", Key("d", "suite", 1), "", None, "x")
        with pytest.raises(GradsmithError, match="another process"):
            Ledger(tmp_path)
        assert len(open_class(tmp_path).results) == 1
    Ledger(tmp_path).close()
    assert not list(tmp_path.glob("*-wal")), "a single file afterwards"


def test_results_of_another_course_are_left_alone(tmp_path: Path, toy: Content) -> None:
    """A folder with results of another course is refused before anything is graded."""

    class Nobody:
        def start(self) -> Footing:
            raise AssertionError("started")

        def run(self, tasks: Iterator[Task]) -> Iterator[Made]:
            raise AssertionError("ran")

        def close(self) -> None:
            pass

    from grader.classroom.intake import Intake
    from grader.model import Course

    course = load_course(toy)
    with a_ledger(tmp_path, toy) as ledger:
        other = Course("Another", course.topics)
        job = Job(toy, other, Settings(), Seeding(), Intake((Entry("ada", "in/ada"),)))
        with pytest.raises(GradsmithError, match="name another folder"):
            grade_class(job, ledger, Nobody(), lambda step: None)
        job = Job(toy, course, Settings(), Seeding(), job.intake, None, ["bob"])
        with pytest.raises(GradsmithError, match="no such student"):
            grade_class(job, ledger, Nobody(), lambda step: None)


def test_course_that_lost_an_exercise(tmp_path: Path, own_toy: Content) -> None:
    """Results of an exercise that the course no longer has say so, and whose they are."""
    with contextlib.closing(Bench(Settings(str(own_toy.root)))) as bench:
        source = read_submission(own_toy.source("toy"), bench.course)
        text = submission_text(source, ("toy",))
        made = bench.grade(Task("ada", text, 1))
        suite = bench.footing.suite
    with Ledger(tmp_path / "out") as ledger:
        course = load_course(own_toy)
        ledger.begin(
            course, Settings(str(own_toy.root)), suite, "fixed 1", {"ada": Student("ada", "Ada")},
            [Entry("ada", "in/ada")],
        )  # fmt: skip
        ledger.put("ada", Key("d", suite, 1), text, made)
    toml = own_toy.topic_toml("toy")
    toml.write_text(toml.read_text().replace('"row_means"', '"column_means"'))
    statement = own_toy.statement("toy")
    statement.write_text(statement.read_text().replace("row_means", "column_means"))
    with pytest.raises(GradsmithError, match="ada: a report about toy/row_means"):
        list(open_class(tmp_path / "out").results)


# ---- what dies


# A submission that is held can end neither the sandbox nor the grader. So here the suite does, when it is told to.
KILLS = """

def test_row_means_ends_what_it_is_told_to(submission):
    import os, signal, time
    told = float(submission.row_means(np.full((1, 1), 7.0))[0])
    if told == -1.0:
        os.kill(os.getpid(), signal.SIGKILL)
    if told == -2.0:
        with open(f"/proc/self/task/{os.getpid()}/children") as file:
            children = file.read().split()
        for child in children:
            os.kill(int(child), signal.SIGKILL)
        time.sleep(0.1)
    assert told in (7.0, -1.0, -2.0)
    submission.row_means(np.zeros((1, 1)))
"""
TELLS = """
import numpy as np
def row_means(x):
    return np.array([{}.0]) if x[0, 0] == 7.0 else x.mean(axis=1)
"""
KILLS_ITS_GRADER, KILLS_ITS_ZYGOTE = TELLS.format(-1), TELLS.format(-2)


@NEEDS_PROC
def test_submission_that_kills_us_is_its_own_fault_once(
    own_toy: Content, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One whose grading ends the sandbox, and one whose ends the grader, are told of once; the others are graded."""
    monkeypatch.setattr(pooling, "MAX_TRIES", 2)
    toy = own_toy
    right = toy.source("toy").read_text()
    with toy.suite("toy").open(
        "a"
    ) as suite:  # a submission cannot kill where it is held: the suite does
        suite.write(KILLS)
    settings = Settings(str(toy.root), ("row_means",), 5.0)
    tasks = []
    for name, text in (
        ("a", KILLS_ITS_GRADER), ("b", right), ("c", KILLS_ITS_ZYGOTE), ("d", right)
    ):  # fmt: skip
        (tmp_path / name).mkdir()
        (tmp_path / name / "toy.py").write_text(text)
        read = read_submission(tmp_path / name / "toy.py", load_course(toy))
        tasks.append(Task(name, submission_text(read, ("toy",)), 1))
    pool = Pool(settings, 1)
    try:
        pool.start()
        made = [*pool.run(iter(tasks))]
    finally:
        pool.close()
    assert sorted(one.student for one in made) == ["a", "b", "c", "d"]
    by_id = {one.student: one for one in made}
    assert by_id["b"].earned == by_id["d"].earned == 3.0
    assert "2 times" in by_id["a"].fault, by_id["a"]
    assert f"{MAX_TRIES} times" in by_id["c"].fault
    assert not by_id["a"].report


def command(toy: Content, folder: Path, jobs: int = 2) -> list[str]:
    return [
        sys.executable, "-m", "grader", "class", "grade", str(folder / "in"), "--out",
        str(folder / "out"), "--course", str(toy.root), "--jobs", str(jobs), "--only", "row_means",
        "--seed", "7",
    ]  # fmt: skip


def test_worker_says_why_it_cannot_start(toy: Content) -> None:
    """A course that is not there ends the run with the worker's own words, not with a traceback."""
    pool = Pool(Settings(str(toy.root / "nowhere")), 1)
    try:
        with pytest.raises(GradsmithError, match=r"course\.toml"):
            pool.start()
    finally:
        pool.close()


@pytest.mark.skipif(not hasattr(os, "killpg"), reason="needs process groups")
def test_ctrl_c_stops_cleanly_and_the_same_command_goes_on(toy: Content, tmp_path: Path) -> None:
    """Ctrl-C, which every process of the group gets, ends with a word on how to go on and exit code 130."""
    write_class(tmp_path / "in", toy, 60)
    run = subprocess.Popen(
        [*command(toy, tmp_path), "--verbose"], stdout=subprocess.PIPE, stderr=subprocess.PIPE,
        text=True, start_new_session=True, env={**os.environ, "PYTHONUNBUFFERED": "1"},
    )  # fmt: skip
    assert run.stderr is not None
    seen = [run.stderr.readline() for _ in range(3)]
    os.killpg(run.pid, signal.SIGINT)
    _, rest = run.communicate()
    assert run.returncode == 130, rest
    assert "Traceback" not in rest
    assert "of 60 submissions are graded and kept" in rest
    assert "the same command goes on" in rest
    assert len(seen) <= n_rows(tmp_path / "out") < 60


class Killer:
    """Kills one of the processes of a run: the grader itself, a worker of its pool, or a worker's zygote."""

    def __init__(self, root: int) -> None:
        self.root = root

    def processes(self, what: str) -> list[int]:
        """The process ids of one kind."""
        parents: dict[int, int] = {}
        lines: dict[int, str] = {}
        for entry in Path("/proc").iterdir():
            if entry.name.isdigit():
                with contextlib.suppress(OSError):
                    stat = (entry / "stat").read_text().rpartition(")")[2].split()
                    parents[int(entry.name)] = int(stat[1])
                    lines[int(entry.name)] = (entry / "cmdline").read_text().replace("\0", " ")
        workers = [p for p, up in parents.items() if up == self.root and "spawn_main" in lines[p]]
        if what == "worker":
            return workers
        return [p for p, up in parents.items() if up in workers and "worker.py" in lines[p]]

    def kill(self, what: str, rng: random.Random) -> bool:
        """Kill one, if there is one."""
        found = [self.root] if what == "grader" else self.processes(what)
        if not found:
            return False
        with contextlib.suppress(ProcessLookupError):
            os.kill(rng.choice(sorted(found)), signal.SIGKILL)
        return True


def wait_for_a_random_point(run: subprocess.Popen[str], out: Path, rng: random.Random) -> None:
    """Until a few more submissions are kept and a moment more, or, one time in four, to some point of the start."""
    n_more = rng.randrange(1, 8)
    begun, n_before = time.monotonic(), n_kept(out)
    if rng.random() < 0.25:
        with contextlib.suppress(subprocess.TimeoutExpired):
            run.wait(rng.uniform(0.0, 1.0))
        return
    while time.monotonic() < begun + 20.0 and n_kept(out) < n_before + n_more:
        with contextlib.suppress(subprocess.TimeoutExpired):
            run.wait(0.004)
            return
    time.sleep(rng.uniform(0.0, 0.03))


def n_kept(out: Path) -> int:
    """Submissions kept so far; 0 where the ledger has no table yet."""
    with contextlib.suppress(sqlite3.OperationalError):
        return n_rows(out) if (out / FILE).exists() else 0
    return 0


def killed_until_done(toy: Content, folder: Path, jobs: int, n_kills: int, seed: int) -> int:
    """Run until done, killing at random points; how often something was killed."""
    rng = random.Random(seed)
    kinds = ["grader", "worker", "zygote"]
    done = 0
    for _ in range(20 * n_kills + 20):
        run = subprocess.Popen(
            command(toy, folder, jobs),
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
        )
        killer = Killer(run.pid)
        while run.poll() is None and done < n_kills:
            wait_for_a_random_point(run, folder / "out", rng)
            if run.poll() is None:
                done += killer.kill(kinds[done % len(kinds)], rng)
        _, said = run.communicate()
        assert "Traceback" not in said
        if run.returncode == 0:
            return done
        assert run.returncode == -signal.SIGKILL, said
    raise AssertionError("it never came to its end")


def compare_with_an_undisturbed_run(toy: Content, folder: Path, n: int) -> None:
    """The table after kills is that of a run without any, with each submission graded once."""
    disturbed = table(folder / "out")
    assert n_rows(folder / "out") == n, "nothing was graded twice"
    (folder / "out").rename(folder / "disturbed")
    subprocess.run(command(toy, folder), check=True, capture_output=True)
    assert table(folder / "out") == disturbed
    assert len(disturbed) == n


@pytest.mark.long
@NEEDS_PROC
def test_killed_at_random_points_nothing_is_lost_or_graded_twice(
    toy: Content, tmp_path: Path
) -> None:
    """kill -9 of the grader, a worker and a zygote, resumed until done, ends in the table of an undisturbed run."""
    write_class(tmp_path / "in", toy, 32)
    killed_until_done(toy, tmp_path, 1, 3, seed=3)
    compare_with_an_undisturbed_run(toy, tmp_path, 32)


@NEEDS_PROC
@pytest.mark.slow
def test_killed_fifty_times(toy: Content, tmp_path: Path) -> None:
    """The same with fifty kills in a run of three hundred submissions."""
    write_class(tmp_path / "in", toy, 300)
    for file in (tmp_path / "in").rglob("toy.py"):
        file.write_text(file.read_text() + "\n\nimport time\n\ntime.sleep(0.05)\n")
    assert killed_until_done(toy, tmp_path, 2, 50, seed=11) >= 50
    compare_with_an_undisturbed_run(toy, tmp_path, 300)
