"""Seconds a submission of `grader nbgrader autograde` against nbgrader's own `autograde`, on the same class in one run.

    python benchmarks/nbgrader_class.py [--students N] [--few M] [--jobs J]

One course, the softmax topic, is built twice from the same sources. In one, nbgrader runs the notebooks as it does by
itself: a kernel for each, in which the test cells try the examples of each function's description. In the other the
whole hidden suites run in the sandbox. The submissions are the same: solutions and mistakes, each different from the
others, so that nothing is graded once for two. Both commands are processes, started as an instructor starts them.

A class of M students and one of N give the seconds a submission without what it takes to start: the difference of the
two times, divided by N - M.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

TOPIC = "softmax"
BIN = Path(sys.executable).parent


def timed(cwd: Path, *command: str) -> tuple[float, float]:
    """Wall and processor seconds of a command with all that it starts and waits for."""
    path = f"{BIN}{os.pathsep}{os.environ['PATH']}"
    before, start = os.times(), time.perf_counter()
    done = subprocess.run(
        command, cwd=cwd, capture_output=True, text=True, check=False, env={**os.environ, "PATH": path}
    )  # fmt: skip
    wall, after = time.perf_counter() - start, os.times()
    if done.returncode != 0:
        raise SystemExit(f"{' '.join(command)}\n{(done.stdout + done.stderr)[-3000:]}")
    cpu = after.children_user + after.children_system
    return wall, cpu - before.children_user - before.children_system


def submission(root: Path, number: int) -> bytes:
    """A notebook with the solutions; of every second student, one function is wrong."""
    released: dict[str, Any] = json.loads((root / f"release/{TOPIC}/{TOPIC}.ipynb").read_text())
    source = json.loads((root / f"source/{TOPIC}/{TOPIC}.ipynb").read_text())
    bodies = {cell["id"]: cell["source"] for cell in source["cells"]}
    solutions = [c for c in released["cells"] if c["metadata"].get("nbgrader", {}).get("solution")]
    for cell in solutions:
        text = "".join(bodies[cell["id"]])
        lines = [
            line for line in text.splitlines() if line.strip()[:9] not in ("### BEGIN", "### END S")
        ]
        cell["source"] = "\n".join(lines)
    if number % 2:
        wrong = solutions[number // 2 % len(solutions)]
        name = wrong["metadata"]["nbgrader"]["grade_id"]
        wrong["source"] += (
            f"\n\n_right = {name}\n\ndef {name}(*args, **more):\n    return 2 * _right(*args, **more)"
        )
    solutions[-1]["source"] += f"\n\nstudent = {number}"
    return json.dumps(released).encode()


def classroom(root: Path, students: int, *, plain: bool) -> None:
    """A course with its submissions, ready to be autograded."""
    timed(
        root.parent,
        sys.executable,
        "-m",
        "grader",
        "nbgrader",
        "build",
        root.name,
        "--topics",
        TOPIC,
    )
    timed(root, str(BIN / "nbgrader"), "generate_assignment", TOPIC)
    if plain:
        config = root / "nbgrader_config.py"
        config.write_text(config.read_text().split("# Grading.")[0])
    for number in range(students):
        folder = root / "submitted" / f"s{number:03}" / TOPIC
        folder.mkdir(parents=True)
        (folder / f"{TOPIC}.ipynb").write_bytes(submission(root, number))


def main() -> None:
    """Measure, and print a table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--students", type=int, default=20)
    parser.add_argument("--few", type=int, default=2)
    parser.add_argument("--jobs", type=int, default=os.cpu_count() or 1)
    options = parser.parse_args()
    top = Path(tempfile.mkdtemp(prefix="nbgrader-class-"))
    sizes = (options.few, options.students)
    found: dict[str, list[tuple[float, float]]] = {"nbgrader": [], "gradsmith": []}
    try:
        for size in sizes:
            for name in found:
                root = top / f"{name}-{size}"
                classroom(root, size, plain=name == "nbgrader")
                command = [str(BIN / "nbgrader"), "autograde", TOPIC]
                if name == "gradsmith":
                    command = [sys.executable, "-m", "grader", "nbgrader", "autograde", ".", TOPIC]
                    command += ["--jobs", str(options.jobs)]
                found[name].append(timed(root, *command))
    finally:
        shutil.rmtree(top, ignore_errors=True)
    print(f"{TOPIC}, {options.jobs} jobs, {os.cpu_count()} processors; seconds: wall (processor)")
    print(
        f"{'':10} {f'{sizes[0]} students':>18} {f'{sizes[1]} students':>18} {'a submission more':>20}"
    )
    slopes = {}
    for name, ((wall, cpu), (more_wall, more_cpu)) in found.items():
        n = sizes[1] - sizes[0]
        slopes[name] = (more_wall - wall) / n, (more_cpu - cpu) / n
        cells = (f"{wall:.1f} ({cpu:.1f})", f"{more_wall:.1f} ({more_cpu:.1f})")
        last = f"{slopes[name][0]:.3f} ({slopes[name][1]:.3f})"
        print(f"{name:10} {cells[0]:>18} {cells[1]:>18} {last:>20}")
    whole = found["nbgrader"][1][0] / found["gradsmith"][1][0]
    walls, cpus = (slopes["nbgrader"][i] / slopes["gradsmith"][i] for i in (0, 1))
    print(
        f"quicker: {walls:.1f} times a submission ({cpus:.1f} by processor), {whole:.1f} with the start"
    )


if __name__ == "__main__":
    main()
