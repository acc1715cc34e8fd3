"""How long a class takes, against nbgrader, otter-grader and cold pytest on the same submissions, in one run.

    python benchmarks/class_grading.py [--students N] [--others M] [--otter PYTHON]
    python benchmarks/class_grading.py --isolation N

All grade the same three functions of the same submissions: solutions, alternatives and mistakes of the softmax topic in
turn. The others run eight plain comparisons a function, written out below, and one of differences; gradsmith its whole
hidden suite of these functions (some 40 checks), with diagnosis, in its sandbox. Rounds go in turn, gradsmith, pytest,
nbgrader, otter, …; ratios are taken of the medians of submissions a second a core: gradsmith's with one job, the
others as they come, one submission at a time.

otter-grader pins versions that nbgrader does not take: give it an environment of its own,
`python -m venv otter && otter/bin/pip install otter-grader ipykernel`, and `--otter otter/bin/python`.

`--isolation` measures what the other process costs: the processor time of N submissions held at the strongest level,
all of its processes counted, less that of the same submissions loaded and tested in this process, by turns, on one
processor, as each worker of a class has it.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from types import ModuleType

import numpy as np
from grading import Direct  # beside this file

from grader.catalog import load_course
from grader.content import Content, locate
from grader.grading import Grader
from grader.sandbox.local import load_module
from grader.sandbox.proxy import TopicProxy
from grader.submission import read_submission
from grader.suite import Candidate

FUNCTIONS = ("softmax", "log_softmax", "cross_entropy_grad")

# One for each function; `{name}` of the submission is in scope, with NumPy as np.
CHECKS = {
    "softmax": """
rng = np.random.default_rng(0)
for shape, axis in (((4,), -1), ((3, 5), -1), ((3, 5), 0), ((2, 3, 4), 1), ((1, 1), 0), ((6, 2), -1), ((5, 5), 1)):
    z = rng.normal(size=shape) * 3
    e = np.exp(z - z.max(axis=axis, keepdims=True))
    np.testing.assert_allclose(softmax(z, axis=axis), e / e.sum(axis=axis, keepdims=True), rtol=1e-9)
np.testing.assert_allclose(softmax(np.array([1e4, 1e4, -1e4])), [0.5, 0.5, 0.0], rtol=1e-9)
""",
    "log_softmax": """
rng = np.random.default_rng(1)
for shape, axis in (((4,), -1), ((3, 5), -1), ((3, 5), 0), ((2, 3, 4), 1), ((1, 1), 0), ((6, 2), -1), ((5, 5), 1)):
    z = rng.normal(size=shape) * 3
    m = z.max(axis=axis, keepdims=True)
    expected = z - m - np.log(np.exp(z - m).sum(axis=axis, keepdims=True))
    np.testing.assert_allclose(log_softmax(z, axis=axis), expected, rtol=1e-9, atol=1e-12)
np.testing.assert_allclose(log_softmax(np.array([1e4, 0.0])), [0.0, -1e4], rtol=1e-9)
""",
    "cross_entropy_grad": """
rng = np.random.default_rng(2)
for n, c in ((1, 2), (3, 4), (5, 3), (2, 7), (4, 4), (6, 2), (8, 5)):
    z = rng.normal(size=(n, c)) * 2
    y = rng.integers(c, size=n)
    s = np.exp(z - z.max(axis=1, keepdims=True))
    s /= s.sum(axis=1, keepdims=True)
    s[np.arange(n), y] -= 1
    np.testing.assert_allclose(cross_entropy_grad(z, y), s / n, rtol=1e-9, atol=1e-12)
z, y, h = rng.normal(size=(3, 4)), np.array([0, 3, 1]), 1e-5
def loss(z):
    m = z.max(axis=1)
    return np.mean(m + np.log(np.exp(z - m[:, None]).sum(axis=1)) - z[np.arange(3), y])
numeric = np.zeros_like(z)
for i in np.ndindex(z.shape):
    d = np.zeros_like(z)
    d[i] = h
    numeric[i] = (loss(z + d) - loss(z - d)) / (2 * h)
np.testing.assert_allclose(cross_entropy_grad(z, y), numeric, atol=1e-7)
""",
}


def texts(content: Content, n: int) -> list[str]:
    """The files of n students."""
    solution = content.source("softmax").read_text()
    found = [solution]
    for path in (content.alternatives_file("softmax"), content.mistakes_file("softmax")):
        source = path.read_text()
        names = [
            name
            for name in vars(load_module(path, f"_class_{path.parent.name}"))
            if "__" in name[1:]
        ]
        for name in names:
            function = name.partition("__")[0]
            if function in FUNCTIONS:
                found.append(f"{solution}\n\n{source}\n\n{function} = {name}\n")
    return [found[i % len(found)] for i in range(n)]


def tree_time(pid: int) -> float:
    """Processor seconds of a process, of what descends from it, and of what these have waited for."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
        children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    except OSError:
        return 0.0
    spent = sum(map(int, fields[11:15])) / os.sysconf("SC_CLK_TCK")
    return spent + sum(tree_time(int(child)) for child in children)


def isolation(content: Content, n: int, rounds: int) -> None:
    """Print the processor time of a submission in a worker and in this process, and the difference by rounds.

    Once for a single call, which is what it takes to fork, hold, load and close, and once for the tests of three
    functions.
    """
    os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})
    text = content.source("softmax").read_text()
    names = frozenset(FUNCTIONS)
    z = np.ones((3, 4))
    with Grader(content) as grader:
        topic = grader.course.topic("softmax")
        submission = read_submission(content.source("softmax"), grader.course)

        def held() -> TopicProxy:
            proxy = grader.open(submission, topic)
            proxy.prepare()
            return proxy

        def here() -> TopicProxy:
            module = ModuleType("softmax")
            exec(compile(text, "softmax.py", "exec", dont_inherit=True), module.__dict__)
            return Direct(grader, "softmax", module)

        def one_call(proxy: TopicProxy) -> None:
            proxy.softmax(z)

        def tests(proxy: TopicProxy) -> None:
            grader.run([Candidate("one", {"softmax": proxy}, names)], ["softmax"], 0)

        def spent(opened: Callable[[], TopicProxy], used: Callable[[TopicProxy], None]) -> float:
            start = time.process_time()
            proxy = opened()
            used(proxy)
            proxy.close()
            return time.process_time() - start

        def a_round(used: Callable[[TopicProxy], None]) -> tuple[float, float]:
            """Milliseconds of a submission in a worker and in this process, by turns."""
            others = tree_time(os.getpid()) - sum(os.times()[:2])
            pairs = [(spent(held, used), spent(here, used)) for _ in range(n)]
            time.sleep(0.1)  # the last child ends
            others = tree_time(os.getpid()) - sum(os.times()[:2]) - others
            inside, outside = (statistics.median(side) for side in zip(*pairs, strict=True))
            return inside * 1000 + others / n * 1000, outside * 1000

        print(
            f"processor time a submission, at {grader.sandbox.level.name}, {rounds} rounds of {n}"
        )
        for what, use in ("one call", one_call), ("the tests of three functions", tests):
            pairs = [a_round(use) for _ in range(rounds + 1)][1:]  # warm
            beyond = [a - b for a, b in pairs]
            inside, outside = (statistics.median(side) for side in zip(*pairs, strict=True))
            print(
                f"{what:30} {inside:5.1f} ms in a worker, {outside:5.1f} ms in this process; isolation "
                f"{statistics.median(beyond):5.1f} ms ({min(beyond):.1f} to {max(beyond):.1f})"
            )


def timed(command: Sequence[str], cwd: Path, *, may_fail: bool = False) -> tuple[float, float]:
    """Wall and processor seconds of a command with all that it starts and waits for."""
    before, start = os.times(), time.perf_counter()
    env = {**os.environ, "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"}
    done = subprocess.run(command, cwd=cwd, capture_output=True, text=True, check=False, env=env)
    wall, after = time.perf_counter() - start, os.times()
    if done.returncode != 0 and not may_fail:
        raise SystemExit(f"{' '.join(map(str, command))}\n{(done.stdout + done.stderr)[-3000:]}")
    cpu = (
        after.children_user + after.children_system - before.children_user - before.children_system
    )
    return wall, cpu


def gradsmith(folder: Path, students: Sequence[str]) -> Callable[[int], tuple[float, float, int]]:
    home = folder / "gradsmith"
    for number, text in enumerate(students):
        (home / f"s{number:04}").mkdir(parents=True)
        (home / f"s{number:04}" / "softmax.py").write_text(text)

    def run(jobs: int) -> tuple[float, float, int]:
        shutil.rmtree(folder / "results", ignore_errors=True)
        only = [word for name in FUNCTIONS for word in ("--only", f"softmax/{name}")]
        command = [sys.executable, "-m", "grader", "class", "grade", str(home), "--out", "results"]
        wall, cpu = timed([*command, "--jobs", str(jobs), *only], folder)
        return wall, cpu, len(students)

    return run


def plain_pytest(folder: Path, students: Sequence[str]) -> Callable[[], tuple[float, float, int]]:
    for number, text in enumerate(students):
        home = folder / "pytest" / f"s{number}"
        home.mkdir(parents=True)
        (home / "softmax.py").write_text(text)
        body = "import numpy as np\nfrom softmax import *\n"
        for name, checks in CHECKS.items():
            indented = "".join(f"    {line}\n" for line in checks.strip().splitlines())
            body += f"\n\ndef test_{name}():\n{indented}"
        (home / "test_plain.py").write_text(body)

    def run() -> tuple[float, float, int]:
        walls = [
            timed(
                [sys.executable, "-m", "pytest", "-q", "test_plain.py"],
                folder / "pytest" / f"s{i}",
                may_fail=True,
            )
            for i in range(len(students))
        ]
        return sum(w for w, _ in walls), sum(c for _, c in walls), len(students)

    return run


def notebook(cells: Sequence[tuple[str, dict[str, object]]]) -> str:
    """A notebook of code cells with nbgrader's metadata."""
    return json.dumps(
        {
            "cells": [
                {
                    "cell_type": "code", "execution_count": None, "id": f"c{i}", "outputs": [], "source": source,
                    "metadata": {"nbgrader": {"schema_version": 3, "task": False, "cell_type": "code", **meta}}
                    if meta
                    else {},
                }
                for i, (source, meta) in enumerate(cells)
            ],
            "metadata": {"kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"}},
            "nbformat": 4, "nbformat_minor": 5,
        }
    )  # fmt: skip


def nbgrader(folder: Path, students: Sequence[str]) -> Callable[[], tuple[float, float, int]]:
    home = folder / "nbgrader"
    solution: dict[str, object] = {
        "grade": False,
        "solution": True,
        "locked": False,
        "grade_id": "code",
    }

    def written(text: str) -> str:
        tests = [
            (
                checks,
                {
                    "grade": True,
                    "solution": False,
                    "locked": True,
                    "points": 1,
                    "grade_id": f"test_{name}",
                },
            )
            for name, checks in CHECKS.items()
        ]
        return notebook([(text, solution), *tests])

    source = home / "source" / "ps1"
    source.mkdir(parents=True)
    (source / "softmax.ipynb").write_text(written(students[0]))
    (home / "nbgrader_config.py").write_text(
        "c = get_config()\nc.CourseDirectory.course_id = 'c'\n"
    )
    timed(["nbgrader", "generate_assignment", "ps1", "--create"], home)
    for number, text in enumerate(students):
        place = home / "submitted" / f"s{number}" / "ps1"
        place.mkdir(parents=True)
        (place / "softmax.ipynb").write_text(written(text))

    def run() -> tuple[float, float, int]:
        shutil.rmtree(home / "autograded", ignore_errors=True)
        return *timed(["nbgrader", "autograde", "ps1", "--create", "--force"], home), len(students)

    return run


def otter(
    folder: Path, students: Sequence[str], python: Path
) -> Callable[[], tuple[float, float, int]]:
    home = folder / "otter"
    (home / "tests").mkdir(parents=True)
    for name, checks in CHECKS.items():
        indented = "".join(f"    {line}\n" for line in checks.strip().splitlines())
        (home / "tests" / f"{name}.py").write_text(
            f"from otter.test_files import test_case\n\nOK_FORMAT = False\nname = {name!r}\npoints = 1\n\n\n"
            f"@test_case()\ndef test_{name}(env):\n    np = env['np']\n    {name} = env[{name!r}]\n{indented}"
        )
    command = [str(python.parent / "otter")]
    timed([*command, "generate", "-t", "tests", "-o", "autograder.zip", "--no-environment"], home)
    for number, text in enumerate(students):
        (home / f"s{number}.ipynb").write_text(notebook([(text, {})]))

    def run() -> tuple[float, float, int]:
        taken = [
            timed([*command, "run", "-a", "autograder.zip", "--no-logo", f"s{i}.ipynb"], home)
            for i in range(len(students))
        ]
        return sum(w for w, _ in taken), sum(c for _, c in taken), len(students)

    return run


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--students", type=int, default=100, help="graded by gradsmith a round")
    parser.add_argument(
        "--others", type=int, default=8, help="graded by each of the others a round"
    )
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--otter", type=Path, help="the Python of an environment with otter-grader")
    parser.add_argument("--isolation", type=int, metavar="N", help="measure isolation alone")
    options = parser.parse_args()
    content = locate()
    if options.isolation is not None:
        isolation(content, options.isolation, max(options.rounds, 5))
        return
    load_course(content, ["softmax"])
    students = texts(content, options.students)
    few = students[: options.others]
    n_cores = (
        len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    )
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        ours = gradsmith(folder, students)
        sides: dict[str, Callable[[], tuple[float, float, int]]] = {
            "gradsmith, 1 job": lambda: ours(1),
            f"gradsmith, {n_cores} jobs": lambda: ours(n_cores),
            "python -m pytest, cold": plain_pytest(folder, few),
            "nbgrader autograde": nbgrader(folder, few),
        }
        if options.otter is not None:
            sides["otter run"] = otter(folder, few, options.otter)
        taken: dict[str, list[float]] = {side: [] for side in sides}
        spent: dict[str, list[float]] = {side: [] for side in sides}
        for _ in range(options.rounds):
            for side, run in sides.items():
                wall, cpu, n = run()
                taken[side].append(wall / n)
                spent[side].append(cpu / n)
        base = statistics.median(taken["gradsmith, 1 job"])
        print(
            f"three functions a submission; Python {sys.version.split()[0]}, {n_cores} processors, "
            f"medians of {options.rounds} rounds"
        )
        for side in sides:
            wall, cpu = statistics.median(taken[side]), statistics.median(spent[side])
            low, high = min(taken[side]), max(taken[side])
            print(
                f"{side:24} {wall * 1000:8.0f} ms a submission ({low * 1000:.0f} to {high * 1000:.0f}), "
                f"processor {cpu * 1000:6.0f} ms, {wall / base:6.1f} × gradsmith with one job"
            )


if __name__ == "__main__":
    main()
