"""`grader next`."""

from __future__ import annotations

from pathlib import Path

import click

from grader.cli.options import course_content, course_option, workspace_option

_EXAMPLES = """\b
Examples:
  grader next
"""


@click.command("next", epilog=_EXAMPLES)
@workspace_option
@course_option
def command(workspace: Path | None, course: Path | None) -> None:
    """Say which exercise comes next: the first that has not passed."""
    from grader.catalog import load_course
    from grader.journal import Journal
    from grader.practice import next_exercise
    from grader.workspace import find_workspace, topic_file

    found = find_workspace(workspace or Path.cwd())
    root = found.root
    loaded = load_course(course_content(course, workspace))
    exercise = next_exercise(loaded, Journal(root).standings())
    if exercise is None:
        click.echo("nothing is left: every exercise has passed or was given up")
        return
    file = topic_file(root, exercise.topic, notebooks=found.notebooks)
    both = exercise.name in {topic.slug for topic in loaded.topics}
    called = f"{exercise.topic}/{exercise.name}" if both else exercise.name
    click.echo(
        f"{exercise.name}  {exercise.title}\n"
        f"  {exercise.topic}/{file.name}, {exercise.difficulty.value}, about {exercise.minutes} minutes\n\n"
        f"  grader show {called}\n  grader open {exercise.name}\n"
        f"  grader check {called}"
    )
