"""`grader open`."""

from __future__ import annotations

from pathlib import Path

import click

from grader.cli.names import EXERCISE
from grader.cli.options import course_content, course_option, exercise_named, workspace_option

_EXAMPLES = """\b
Examples:
  grader open softmax_vjp
  EDITOR="code --wait" grader open softmax_vjp
"""


@click.command("open", epilog=_EXAMPLES)
@click.argument("name", required=False, type=EXERCISE)
@workspace_option
@course_option
def command(name: str | None, workspace: Path | None, course: Path | None) -> int:
    """Open a function in your editor ($VISUAL, else $EDITOR), the next one by default."""
    import os
    import subprocess

    from grader.catalog import load_course
    from grader.errors import GradsmithError
    from grader.files import read_text
    from grader.journal import Journal
    from grader.practice import editor_command, next_exercise, place_of
    from grader.workspace import find_workspace, topic_file

    found = find_workspace(workspace or Path.cwd())
    root = found.root
    loaded = load_course(course_content(course, workspace))
    exercise = (
        exercise_named(loaded, name)
        if name is not None
        else next_exercise(loaded, Journal(root).standings())
    )
    if exercise is None:
        click.echo("nothing is left: every exercise has passed or was given up")
        return 0
    file = topic_file(root, exercise.topic, notebooks=found.notebooks)
    editor = os.environ.get("VISUAL") or os.environ.get("EDITOR")
    if not editor:
        raise click.UsageError(f"set VISUAL or EDITOR to your editor, or open {file} yourself")
    if not file.is_file():
        raise click.UsageError(f"{file} is not there; `grader update` brings it back")
    line = 1
    try:
        text = read_text(file)
        if file.suffix == ".ipynb":
            from grader.notebooks.editing import line_of

            line = line_of(text, exercise.name)
        else:
            place = place_of(text, exercise.name, str(file))
            line = place.first if place is not None else 1
    except GradsmithError:  # it does not parse: it is opened at its top
        line = 1
    try:
        return subprocess.call(editor_command(editor, file, line))
    except OSError as error:
        raise click.UsageError(f"{editor}: cannot be run: {error.strerror}") from None
