"""`grader list`."""

from __future__ import annotations

from pathlib import Path

import click

from grader.cli.names import EXERCISE_OR_TOPIC
from grader.cli.options import (
    console,
    course_content,
    course_option,
    difficulty_option,
    exercises_named,
    known_tags,
    tag_option,
    workspace_option,
)

_EXAMPLES = """\b
Examples:
  grader list
  grader list attention
  grader list --tag stability --difficulty hard
  grader list --status tried               (in a workspace)
"""


@click.command("list", epilog=_EXAMPLES)
@click.argument("names", nargs=-1, metavar="[NAME]...", type=EXERCISE_OR_TOPIC)
@tag_option
@difficulty_option
@click.option(
    "--status", type=click.Choice(["new", "tried", "solved", "gave-up"]),
    help="Only those that you are so far with, in your workspace.",
)  # fmt: skip
@workspace_option
@course_option
def command(
    names: tuple[str, ...],
    tags: tuple[str, ...],
    difficulty: str | None,
    status: str | None,
    workspace: Path | None,
    course: Path | None,
) -> None:
    """List exercises, all or those of the topics and exercises named.

    In a workspace, with how far you are."""
    from grader.catalog import load_course
    from grader.errors import WorkspaceError
    from grader.journal import Journal
    from grader.model import Difficulty, Stage
    from grader.practice import matching, stage_of
    from grader.report.listing import print_listing
    from grader.workspace import find_workspace

    loaded = load_course(course_content(course, workspace))
    try:
        root = find_workspace(workspace or Path.cwd()).root
    except WorkspaceError as error:
        if workspace is not None:
            raise
        if status is not None:
            raise click.UsageError(f"--status is kept in a workspace: {error}") from None
        root = None
    standings = Journal(root).standings() if root is not None else None
    wanted = exercises_named(loaded, names) if names else [e.name for e in loaded.exercises]
    chosen = matching(
        map(loaded.exercise, wanted),
        tags=known_tags(loaded, tags),
        difficulty=Difficulty(difficulty) if difficulty else None,
        stage=Stage(status) if status else None,
        standings=standings,
    )
    if not chosen:
        asked = [*names, *(f"--tag {tag}" for tag in tags)]
        asked += [f"--difficulty {difficulty}"] if difficulty else []
        asked += [f"--status {status}"] if status else []
        click.echo(f"no exercise fits: {' '.join(asked)}")
        return
    stages = None
    if standings is not None:
        stages = {e.name: stage_of(standings.get(e.name)) for e in loaded.exercises}
    print_listing(console(), loaded, {exercise.name for exercise in chosen}, stages)
