"""How long `grader watch` takes from a save to its verdict on the screen.

    python benchmarks/watch_latency.py [--saves N] [NAME]...

The real program runs under a pseudo-terminal, in a fresh workspace. For each save the function is written right and
wrong in turn, the way an editor does it (a new file, renamed over the old one); the time goes from before the
write until the output has arrived that makes a terminal emulator show the other verdict. A save follows when the
screen has been still for a moment. Median, 90 % and greatest of all saves, and of those that passed and failed.
"""

from __future__ import annotations

import argparse
import importlib.util
import os
import random
import statistics
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

from grader.catalog import load_course
from grader.content import locate
from grader.practice import function_text, solution_text, with_function
from grader.stubs import bare_solution
from grader.workspace import create_workspace

NAMES = ("softmax_vjp", "cross_entropy_grad", "attention_grads", "conv2d", "mf_grads")
"""Small functions and large ones, with few checks and many."""
ROOT = Path(__file__).parent.parent


def load_program() -> type:
    """The class that runs a program under a pseudo-terminal, from the tests."""
    file = ROOT / "tests" / "grader" / "pty_program.py"
    spec = importlib.util.spec_from_file_location("pty_program", file)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    program: type = module.Program
    return program


def save(file: Path, text: str) -> None:
    """Write a file as most editors do."""
    new = file.with_name(f".{file.name}.new")
    new.write_text(text, encoding="utf-8")
    os.replace(new, file)


def wrong(function: str) -> str:
    """The function with its last result multiplied by 1.5."""
    head, _, last = function.rpartition("    return ")
    return f"{head}    result = {last.rstrip()}\n    return _wrong(result)\n"


WRONG = """

def _wrong(value):
    if isinstance(value, tuple):
        return tuple(_wrong(v) for v in value)
    return value * 1.5
"""


def measure(name: str, n_saves: int, folder: Path) -> tuple[list[float], list[float]]:
    """Seconds of the saves that passed, and of those that failed."""
    program = load_program()
    content = locate()
    course = load_course(content)
    workspace = folder / name
    create_workspace(workspace, content, course)
    topic = course.exercise(name).topic
    file = workspace / topic / f"{topic}.py"
    source = content.source(topic)
    solved = bare_solution(source.read_text(encoding="utf-8"))
    right = solved + WRONG
    function = function_text(solved, name, topic)
    assert function is not None
    bad = with_function(right, name, wrong(function), topic)
    assert solution_text(source.read_text(encoding="utf-8"), name, topic) == function
    passed: list[float] = []
    failed: list[float] = []
    pauses = random.Random(0)
    command = [sys.executable, "-m", "grader", "watch", name]
    with program(command, workspace) as running:
        running.wait_for("missing")
        for number in range(n_saves + 2):
            good = number % 2 == 0
            time.sleep(0.1 + 0.1 * pauses.random())
            start = time.perf_counter()
            save(file, right if good else bad)
            word = "✓ passed" if good else "✗ failed"
            taken = running.wait_for(word) - start
            if number >= 2:  # the first of each loads the suite and the mistakes
                (passed if good else failed).append(taken)
        running.press("q")
        running.end()
    return passed, failed


def spread(seconds: Sequence[float]) -> str:
    ordered = sorted(seconds)
    ninety = ordered[min(len(ordered) - 1, int(0.9 * len(ordered)))]
    middle = statistics.median(ordered)
    return f"median {middle * 1000:4.0f} ms   90 % {ninety * 1000:4.0f} ms   greatest {ordered[-1] * 1000:4.0f} ms"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--saves", type=int, default=100, help="for each function")
    parser.add_argument("names", nargs="*", default=NAMES, metavar="NAME")
    options = parser.parse_args()
    print(
        f"Python {sys.version.split()[0]}, {os.cpu_count()} processors, load {os.getloadavg()[0]:.1f}"
    )
    print(f"{options.saves} saves each, from before the write to the verdict on the screen\n")
    with tempfile.TemporaryDirectory() as folder:
        every: list[float] = []
        for name in options.names:
            passed, failed = measure(name, options.saves, Path(folder))
            every += passed + failed
            print(f"{name}\n  all     {spread(passed + failed)}")
            print(f"  passed  {spread(passed)}\n  failed  {spread(failed)}", flush=True)
        print(f"all functions\n  all     {spread(every)}")


if __name__ == "__main__":
    main()
