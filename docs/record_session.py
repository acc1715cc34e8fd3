"""Record the session that docs/session.md shows, by running it.

    python docs/record_session.py [--check]

Every screen is what the real program showed on a terminal of 80 columns. With `--check` nothing is written; the exit
code is 1 where the recording and the file differ in more than times.
"""

from __future__ import annotations

import argparse
import importlib.util
import os
import re
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
PAGE = ROOT / "docs" / "session.md"
WIDTH, HEIGHT = 80, 24
STUB = "    # YOUR CODE HERE\n    raise NotImplementedError()\n"
WRONG = "    return s * (grad_s - grad_s.mean(axis=axis, keepdims=True))\n"
RIGHT = "    return s * (grad_s - (s * grad_s).sum(axis=axis, keepdims=True))\n"
TIMES = re.compile(r"\d+(\.\d+)? (ms|s)\b|\d\d:\d\d:\d\d")


def load_program() -> Any:
    """The class that runs a program under a pseudo-terminal, from the tests."""
    file = ROOT / "tests" / "grader" / "pty_program.py"
    spec = importlib.util.spec_from_file_location("pty_program", file)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module.Program


class Recorder:
    """Runs commands in a workspace, and writes what they showed."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.program = load_program()
        self.parts: list[str] = []

    def say(self, text: str) -> None:
        self.parts.append(text)

    def screen(self, text: str) -> None:
        lines = [line.rstrip() for line in text.rstrip().splitlines()]
        self.parts.append("\n".join(["```text", *lines, "```"]))

    def start(self, *arguments: str, height: int = HEIGHT) -> Any:
        command = [sys.executable, "-m", "grader", *arguments]
        return self.program(command, self.folder, width=WIDTH, height=height)

    def run(self, *arguments: str) -> None:
        """One command, from its line to its last."""
        with self.start(*arguments, height=80) as running:
            running.end()
            shown = running.text.replace(str(self.folder.parent), "~")
        self.screen(f"$ grader {' '.join(arguments)}\n{shown}")


def write(file: Path, old: str, new: str) -> None:
    """Put another body into `softmax_vjp`, as an editor that saves by renaming."""
    head, name, tail = file.read_text(encoding="utf-8").partition("def softmax_vjp(")
    assert old in tail
    fresh = file.with_suffix(".new")
    fresh.write_text(head + name + tail.replace(old, new, 1), encoding="utf-8")
    os.replace(fresh, file)


def record(folder: Path) -> Iterator[str]:
    """The parts of the page."""
    folder.mkdir()
    home = Recorder(folder)
    home.say(
        "# A session\n\nA terminal of 80 columns, as it was; `python docs/record_session.py` makes this page.\n\n"
        "## A workspace, and where to begin"
    )
    home.run("init", "practice")
    inside = Recorder(folder / "practice")
    inside.parts = home.parts
    inside.run("next")
    file = folder / "practice" / "softmax" / "softmax.py"
    inside.say(
        f"## A wrong answer, and its cause\n\nSay you write this into `softmax_vjp`:\n\n```python\n{WRONG}```"
    )
    write(file, STUB, WRONG)
    inside.run("check", "softmax_vjp")
    inside.say("## A hint\n\nOne rung at a time: the idea, the equation, the shapes, the line.")
    inside.run("hint", "softmax_vjp")
    inside.run("hint", "softmax_vjp")
    inside.say(f"## A pass\n\n```python\n{RIGHT}```")
    write(file, WRONG, RIGHT)
    inside.run("check", "softmax_vjp")
    inside.say("## What comes next")
    inside.run("next")
    inside.say(
        "## The same beside an editor\n\n`grader watch` stays open and checks on every save. The wrong line again, "
        "saved in the editor:"
    )
    with inside.start("watch", "softmax_vjp") as running:
        running.wait_for("passed")
        write(file, RIGHT, WRONG)
        running.wait_for("failed", "why:")
        inside.screen(running.text)
        inside.say("`h` shows a hint:")
        running.press("h")
        running.wait_for("3 of 4")
        inside.screen(running.text)
        inside.say("The right line, saved:")
        write(file, WRONG, RIGHT)
        running.wait_for("passed")
        inside.screen(running.text)
        inside.say("`n` goes on:")
        running.press("n")
        running.wait_for("missing")
        inside.screen(running.text)
        running.press("q")
        running.end()
    yield from inside.parts


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--check", action="store_true", help="compare, and write nothing")
    check = parser.parse_args().check
    with tempfile.TemporaryDirectory() as folder:
        page = "\n\n".join(record(Path(folder) / "home")) + "\n"
    if not check:
        PAGE.write_text(page, encoding="utf-8")
        return 0
    old = PAGE.read_text(encoding="utf-8") if PAGE.exists() else ""
    if TIMES.sub("", page).split() == TIMES.sub("", old).split():
        return 0
    print(f"{PAGE}: the program shows something else now; run {Path(__file__).name} again")
    return 1


if __name__ == "__main__":
    raise SystemExit(main())
