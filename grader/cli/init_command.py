"""`grader init`."""

from __future__ import annotations

from pathlib import Path

import click

_EXAMPLES = """\b
Examples:
  grader init practice
  grader init ~/interviews/calculus
"""


@click.command("init", epilog=_EXAMPLES)
@click.argument("directory", type=click.Path(path_type=Path), metavar="DIR")
def command(directory: Path) -> None:
    """Make a workspace in DIR: the stubs and statements of every topic.

    DIR must be new or empty; nothing is ever overwritten."""
    from grader.catalog import load_course
    from grader.content import locate
    from grader.workspace import create_workspace

    content = locate()
    course = load_course(content)
    create_workspace(directory, content, course)
    first = course.topics[0].exercises[0]
    click.echo(
        f"{directory}: {len(course.exercises)} functions in {len(course.topics)} topics\n\n"
        f"Next:\n  cd {directory}\n"
        f"  open {first.topic}/{first.topic}.py in your editor and fill in {first.name}\n"
        f"  grader check {first.name}"
    )
