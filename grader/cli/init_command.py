"""`grader init`."""

from __future__ import annotations

from pathlib import Path

import click

from grader.cli.options import course_content, course_option

_EXAMPLES = """\b
Examples:
  grader init practice
  grader init ~/interviews/calculus
"""


@click.command("init", epilog=_EXAMPLES)
@click.argument("directory", type=click.Path(path_type=Path), metavar="DIR")
@course_option
def command(directory: Path, course: Path | None) -> None:
    """Make a workspace in DIR: the stubs and statements of every topic.

    DIR must be new or empty; nothing is ever overwritten. The workspace remembers its course."""
    from grader.catalog import load_course
    from grader.workspace import create_workspace

    content = course_content(course)
    loaded = load_course(content)
    create_workspace(directory, content, loaded)
    first = loaded.topics[0].exercises[0]
    click.echo(
        f"{directory}: {len(loaded.exercises)} functions in {len(loaded.topics)} topics\n\n"
        f"Next:\n  cd {directory}\n"
        f"  fill in {first.name} in {first.topic}/{first.topic}.py\n"
        f"  grader check {first.name}"
    )
