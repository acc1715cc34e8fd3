"""How long grading takes, against plain pytest on the same tests, side by side in one run.

    python benchmarks/grading.py [--runs N] [--isolation PAIRS]

Cold figures are whole processes, the two in turn, A B A B …, with the ratio taken pair by pair. Warm
ones are taken in this process. Medians, with the least and the greatest. What isolation costs is a small
difference of two large times: its median needs many pairs, and comes with an interval that holds it at 95%.
"""

from __future__ import annotations

import argparse
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
from scipy.stats import binom

from grader.catalog import load_course
from grader.content import Content, locate
from grader.grading import Grader
from grader.sandbox.local import load_module
from grader.sandbox.proxy import RemoteTopic
from grader.submission import read_submission
from grader.suite import Candidate

ISOLATED = ("matrix_factorization", "softmax", "attention", "convolution")
"""The topics on which isolation is measured: hundreds of small calls."""

# Runs the hidden suites under pytest alone: the solution's functions, called directly.
CONFTEST = """
import importlib.util, sys, zlib
import numpy as np, pytest
from grader.calls import call_here
from grader.errors import SubmissionRaised

class Direct:
    def __init__(self, function):
        self.function = function
    def __call__(self, *args, **kwargs):
        try:
            return self.function(*args, **kwargs)
        except ValueError as error:
            raise SubmissionRaised("ValueError", str(error)) from None
    def call(self, *args, **kwargs):
        return call_here(self.function, args, kwargs)

class Functions:
    def __init__(self, path):
        spec = importlib.util.spec_from_file_location(path.stem, path)
        self.module = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(self.module)
    def __getattr__(self, name):
        return Direct(getattr(self.module, name))

@pytest.fixture(scope="module")
def submission(request):
    from pathlib import Path
    topic = request.path.stem.removeprefix("test_")
    return Functions(Path(SOLUTIONS) / f"{topic}.py")

@pytest.fixture
def rng(request):
    return np.random.default_rng([0, zlib.crc32(request.node.name.encode())])
"""


def seconds(command: Sequence[str], cwd: Path) -> float:
    """One cold run of a command, which must succeed."""
    start = time.perf_counter()
    done = subprocess.run(command, cwd=cwd, capture_output=True, text=True, check=False)
    taken = time.perf_counter() - start
    if done.returncode != 0:
        raise SystemExit(f"{' '.join(command)}\n{(done.stdout + done.stderr)[-2000:]}")
    return taken


def spread(values: Sequence[float], unit: str = "ms") -> str:
    scale = 1000 if unit == "ms" else 1
    low, middle, high = min(values), statistics.median(values), max(values)
    return f"{middle * scale:7.1f} {unit}  ({low * scale:.1f} to {high * scale:.1f})"


def against(label: str, a: Sequence[str], b: Sequence[str], cwd: Path, runs: int) -> None:
    """Two commands in turn, and their ratio pair by pair."""
    seconds(a, cwd), seconds(b, cwd)
    first, second = [], []
    for _ in range(runs):
        first.append(seconds(a, cwd))
        second.append(seconds(b, cwd))
    ratios = [x / y for x, y in zip(first, second, strict=True)]
    print(f"{label}\n  grader  {spread(first)}\n  pytest  {spread(second)}")
    print(f"  grader/pytest, pair by pair  {spread(ratios, '×')}")


def repeat(function: Callable[[], None], runs: int) -> list[float]:
    """Seconds of each of several calls, after one that is not counted."""
    function()
    taken = []
    for _ in range(runs):
        start = time.perf_counter()
        function()
        taken.append(time.perf_counter() - start)
    return taken


def plain_pytest(content: Content, folder: Path, topics: Sequence[str]) -> list[str]:
    """The command that runs suites under pytest alone; `folder` gets copies and a conftest."""
    folder.mkdir(exist_ok=True)
    (folder / "conftest.py").write_text(f"SOLUTIONS = {str(content.solutions)!r}\n{CONFTEST}")
    files = []
    for topic in topics:
        copy = folder / f"test_{topic}.py"
        copy.write_text(content.suite(topic).read_text())
        files.append(str(copy))
    return [sys.executable, "-m", "pytest", "-q", "--import-mode=importlib", *files]


def interval(values: Sequence[float]) -> tuple[float, float]:
    """Where the median lies at 95%, whatever the distribution: by the binomial one of values below it."""
    low = int(binom.ppf(0.025, len(values), 0.5))
    ordered = sorted(values)
    return ordered[max(low - 1, 0)], ordered[min(len(values) - low, len(values) - 1)]


def isolation(grader: Grader, content: Content, runs: int) -> None:
    """The same session against workers and against direct calls; the rest is the tests themselves."""
    course = grader.course
    submission = read_submission(content.solutions, course)
    slugs = [topic.slug for topic in course.topics]
    names = frozenset(exercise.name for exercise in course.exercises)
    modules = {slug: load_module(content.source(slug), f"_benchmark_{slug}") for slug in slugs}

    def in_workers() -> None:
        proxies = {topic.slug: grader.open(submission, topic) for topic in course.topics}
        for proxy in proxies.values():
            proxy.prepare()
        grader.run([Candidate("workers", proxies, names)], slugs, 0)
        for proxy in proxies.values():
            proxy.close()

    def direct() -> None:
        proxies = {
            topic.slug: Direct(grader, topic.slug, modules[topic.slug]) for topic in course.topics
        }
        grader.run([Candidate("direct", proxies, names)], slugs, 0)

    in_workers(), direct()
    workers, here = [], []
    for pair in range(runs):
        sides = [(in_workers, workers), (direct, here)]
        for side, taken in sides if pair % 2 else reversed(sides):
            start = time.perf_counter()
            side()
            taken.append(time.perf_counter() - start)
    beyond = [a - b for a, b in zip(workers, here, strict=True)]
    low, high = interval(beyond)
    print(
        f"{len(slugs)} topics, warm\n  in workers          {spread(workers)}\n  called directly     {spread(here)}"
    )
    print(
        f"  isolation, pairwise {spread(beyond)}, median at 95% {low * 1000:.1f} to {high * 1000:.1f}"
    )


class Direct(RemoteTopic):
    """The face of a worker, with the functions called in this process."""

    def __init__(self, grader: Grader, topic: str, module: object) -> None:
        names = [e.name for e in grader.course.topic(topic).exercises]
        super().__init__(grader.sandbox, topic, "", None, names)
        self.module = module

    def invoke(self, name, args, kwargs, *, want_arguments):  # type: ignore[no-untyped-def]
        from grader.calls import Call, call_here

        function = getattr(self.module, name)
        if want_arguments:
            return call_here(function, args, kwargs)
        try:
            return Call(function(*args, **kwargs))
        except Exception as error:
            from grader.errors import SubmissionRaised

            bases = tuple(base.__name__ for base in type(error).__mro__)
            raise SubmissionRaised(type(error).__name__, str(error), bases=bases) from None


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--runs", type=int, default=7)
    parser.add_argument("--isolation", type=int, metavar="PAIRS", help="measure isolation alone")
    options = parser.parse_args()
    runs = options.runs
    content = locate()
    course = load_course(content)
    isolated = load_course(content, ISOLATED)
    grader_command = [sys.executable, "-m", "grader"]
    print(
        f"Python {sys.version.split()[0]}, NumPy {np.__version__}, {os.cpu_count()} processors, {runs} runs\n"
    )
    if options.isolation is not None:
        with Grader(content, isolated) as grader:
            isolation(grader, content, options.isolation)
        return
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        seconds([*grader_command, "init", "practice"], folder)
        target = folder / "practice" / "softmax" / "softmax.py"
        target.write_text(content.source("softmax").read_text())
        practice = folder / "practice"
        helps = repeat(lambda: seconds([*grader_command, "--help"], folder) and None, runs)
        print(f"grader --help, cold\n  {spread(helps)}")
        every = plain_pytest(content, folder / "plain", [topic.slug for topic in course.topics])
        against(
            f"{len(course.topics)} topics, cold",
            [*grader_command, "score", str(content.solutions)], every, folder, runs,
        )  # fmt: skip
        softmax = plain_pytest(content, folder / "plain", ["softmax"])
        against(
            "grader check softmax, cold",
            [*grader_command, "check", "softmax"], softmax, practice, runs,
        )  # fmt: skip
        with Grader(content, course) as grader:
            names = [exercise.name for exercise in course.topic("softmax").exercises]

            def warm() -> None:
                grader.grade(read_submission(practice, course), exercises=names)

            taken = repeat(warm, 3 * runs)
            cold = repeat(lambda: seconds(softmax, folder) and None, runs)
            print(
                f"softmax, warm, from save to verdict\n  grader  {spread(taken)}\n  pytest, cold  {spread(cold)}"
            )
            print(f"  quicker by {statistics.median(cold) / statistics.median(taken):.1f} times")
        with Grader(content, isolated) as grader:
            isolation(grader, content, 3 * runs)


if __name__ == "__main__":
    main()
