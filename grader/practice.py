"""A learner's functions in their files: where one stands, what it says, and putting another in its place."""

from __future__ import annotations

import ast
import difflib
import os
import shlex
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from grader.errors import GradsmithError, WorkspaceError
from grader.journal import Journal, Standing
from grader.model import RUNGS, Course, Difficulty, Exercise, Stage
from grader.pieces import lines_of, tree_of
from grader.stubs import bare_solution

GOTO_EDITORS = frozenset(("code", "code-insiders", "codium", "vscodium", "cursor", "windsurf"))
COLON_EDITORS = frozenset(("subl", "hx", "helix", "zed", "micro", "kak"))
PLUS_EDITORS = frozenset(
    (
        "vi",
        "vim",
        "nvim",
        "gvim",
        "view",
        "nano",
        "emacs",
        "emacsclient",
        "kakoune",
        "joe",
        "ne",
        "gedit",
        "kate",
    )
)


def stage_of(standing: Standing | None) -> Stage:
    """The stage that an exercise's standing amounts to; None is one that was never touched."""
    if standing is None:
        return Stage.NEW
    if standing.gave_up:
        return Stage.GAVE_UP
    if standing.solved:
        return Stage.SOLVED
    return Stage.TRIED if standing.attempts else Stage.NEW


def next_exercise(course: Course, standings: Mapping[str, Standing]) -> Exercise | None:
    """The first exercise, in the course's order, that never passed and was not given up."""
    for exercise in course.exercises:
        if stage_of(standings.get(exercise.name)) in (Stage.NEW, Stage.TRIED):
            return exercise
    return None


def matching(
    exercises: Iterable[Exercise],
    *,
    tags: Collection[str] = (),
    difficulty: Difficulty | None = None,
    stage: Stage | None = None,
    standings: Mapping[str, Standing] | None = None,
) -> list[Exercise]:
    """The exercises that have all of the tags, and this difficulty and stage where they are given."""
    known = standings or {}
    return [
        exercise
        for exercise in exercises
        if set(tags) <= set(exercise.tags)
        and difficulty in (None, exercise.difficulty)
        and stage in (None, stage_of(known.get(exercise.name)))
    ]


def climb(journal: Journal, exercise: Exercise) -> int:
    """Remember that one more hint is shown; how many are now."""
    standing = journal.standings().get(exercise.name)
    known = standing.hints if standing is not None else 0
    rung = min(known + 1, len(RUNGS))
    if rung > known:
        journal.append("hint", exercise.name, rung=rung)
    return rung


class NotSolvedError(GradsmithError):
    """A solution was asked for that has not been earned, and nobody gave up."""


def give_solution(journal: Journal, exercise: Exercise, *, give_up: bool) -> None:
    """Remember that a solution is shown, where that counts.

    Raises
    ------
    NotSolvedError : it has not passed, and nobody gives up.
    """
    standing = journal.standings().get(exercise.name)
    solved = standing is not None and standing.solved
    if not solved and not give_up and not (standing is not None and standing.gave_up):
        raise NotSolvedError(
            f"{exercise.name} has not passed yet; `grader hint {exercise.name}` helps, "
            "and --give-up shows the solution"
        )
    if not solved:
        journal.append("solution", exercise.name)


@dataclass(frozen=True, slots=True)
class Place:
    """Where a function stands in a file: lines from 1, both ends included, decorators too."""

    first: int
    last: int


def place_of(text: str, name: str, file: str) -> Place | None:
    """Where the function `name` stands in a file's text; the last definition counts. None where it has none.

    Raises
    ------
    WorkspaceError : the text is not Python.
    """
    found = None
    for node in tree_of(text, file, f"{name} cannot be found").body:
        if isinstance(node, ast.FunctionDef) and node.name == name:
            first = min([node.lineno, *(d.lineno for d in node.decorator_list)])
            found = Place(first, node.end_lineno or node.lineno)
    return found


def function_text(text: str, name: str, file: str) -> str | None:
    """The lines of the function `name`, or None where the file has none."""
    place = place_of(text, name, file)
    if place is None:
        return None
    return "".join(lines_of(text)[place.first - 1 : place.last]).rstrip("\r\n") + "\n"


def with_function(text: str, name: str, function: str, file: str) -> str:
    """The file's text with `function` in place of the function `name`, or behind all where there is none."""
    place = place_of(text, name, file)
    if place is None:
        return text.rstrip() + "\n\n\n" + function if text.strip() else function
    lines = lines_of(text)
    return "".join(lines[: place.first - 1]) + function + "".join(lines[place.last :])


def solution_text(source: str, name: str, file: str) -> str:
    """A solution's function as a learner reads it: without the markers."""
    found = function_text(bare_solution(source), name, file)
    if found is None:
        raise WorkspaceError(f"{file}: has no function {name}")
    return found


def differences(mine: str, solution: str) -> Iterable[str]:
    """A unified diff from one's own version to the solution, without the docstrings."""
    return difflib.unified_diff(
        without_docstring(mine),
        without_docstring(solution),
        "yours",
        "solution",
        lineterm="",
        n=2,
    )


def without_docstring(function: str) -> list[str]:
    """The lines of a function's text without those of its docstring."""
    lines = function.splitlines()
    node = ast.parse(function).body[0]
    assert isinstance(node, ast.FunctionDef)
    first = node.body[0]
    if ast.get_docstring(node) is not None and len(node.body) > 1:
        del lines[first.lineno - 1 : first.end_lineno]
    return lines


def editor_command(editor: str, file: Path, line: int) -> list[str]:
    """The command that opens a file at a line, in the way of the editor: VS Code's `-g file:line`, others' `+line`.

    Raises
    ------
    WorkspaceError : `editor` is no command.
    """
    try:
        words = shlex.split(editor, posix=os.name == "posix")
        program = Path(words[0]).stem.lower()
    except (ValueError, IndexError):  # quotes that do not close, or nothing but spaces
        raise WorkspaceError(f"EDITOR is {editor!r}, which is no command; set it anew") from None
    if program in GOTO_EDITORS:
        return [*words, "-g", f"{file}:{line}"]
    if program in COLON_EDITORS:
        return [*words, f"{file}:{line}"]
    if program in PLUS_EDITORS:
        return [*words, f"+{line}", str(file)]
    return [*words, str(file)]
