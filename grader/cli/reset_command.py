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
    from grader.workspace import back_up, find_workspace, topic_file

    root = find_workspace(workspace or Path.cwd()).root
    content = course_content(course, workspace)
    loaded = load_course(content)
    exercise = exercise_named(loaded, name)
    stub_file = content.stub(exercise.topic)
    stub = function_text(stub_file.read_text(encoding="utf-8"), exercise.name, str(stub_file))
    assert stub is not None
    file = topic_file(root, exercise.topic, notebooks=find_workspace(root).notebooks)
    if not file.is_file():
        raise click.UsageError(f"{file} is not there; `grader update` brings it back")
    from grader.notebooks.format import SUFFIX, dumped, load

    changed: str | bytes
    if file.suffix == SUFFIX:
        from grader.notebooks.editing import with_function as put

        notebook = load(file)
        same = not put(notebook, loaded.topic(exercise.topic), exercise.name, stub)
        changed = dumped(notebook)
        then = "; if it is open, reload it: File, Reload Notebook from Disk"
    else:
        text = read_text(file)
        changed = with_function(text, exercise.name, stub, str(file))
        same = changed == text
        then = ""
    if same:
        click.echo(f"{exercise.name} is a stub already")
        return
    kept = back_up(root, file)
    write_atomically(file, changed)
    Journal(root).append("reset", exercise.name)
    click.echo(
        f"{exercise.name} is a stub again; your file as it was: {kept.relative_to(root)}{then}"
    )
