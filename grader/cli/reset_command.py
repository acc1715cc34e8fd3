"""`grader reset`."""

from __future__ import annotations

from pathlib import Path

import click

from grader.cli.names import EXERCISE
from grader.cli.options import course_content, course_option, exercise_named, workspace_option

_EXAMPLES = """\b
Examples:
  grader reset softmax_vjp
"""


@click.command("reset", epilog=_EXAMPLES)
@click.argument("name", type=EXERCISE)
@workspace_option
@course_option
def command(name: str, workspace: Path | None, course: Path | None) -> None:
    """Put the stub of one function back. What you wrote is kept in .grader/backups."""
    from grader.catalog import load_course
    from grader.files import read_text, write_atomically
    from grader.journal import Journal
    from grader.practice import function_text, with_function
    from grader.workspace import back_up, find_workspace

    root = find_workspace(workspace or Path.cwd()).root
    content = course_content(course, workspace)
    exercise = exercise_named(load_course(content), name)
    stub_file = content.stub(exercise.topic)
    stub = function_text(stub_file.read_text(encoding="utf-8"), exercise.name, str(stub_file))
    assert stub is not None
    file = root / exercise.topic / f"{exercise.topic}.py"
    if not file.is_file():
        raise click.UsageError(f"{file} is not there; `grader update` brings it back")
    text = read_text(file)
    changed = with_function(text, exercise.name, stub, str(file))
    if changed == text:
        click.echo(f"{exercise.name} is a stub already")
        return
    kept = back_up(root, file)
    write_atomically(file, changed)
    Journal(root).append("reset", exercise.name)
    click.echo(f"{exercise.name} is a stub again; your file as it was: {kept.relative_to(root)}")
