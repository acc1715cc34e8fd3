"""`grader init`."""

from __future__ import annotations

from pathlib import Path

import click

from grader.cli.options import course_content, course_option

_EXAMPLES = """\b
Examples:
  grader init practice
  grader init ~/interviews/calculus
  grader init practice --notebooks
"""


@click.command("init", epilog=_EXAMPLES)
@click.argument("directory", type=click.Path(path_type=Path), metavar="DIR")
@click.option("--notebooks", is_flag=True, help="A notebook for each topic, not a .py file.")
@course_option
def command(directory: Path, notebooks: bool, course: Path | None) -> None:
    """Make a workspace in DIR: the stubs and statements of every topic.

    DIR must be new or empty; nothing is ever overwritten. The workspace remembers its course, and whether
    its topics are notebooks."""
    from grader.catalog import load_course
    from grader.workspace import create_workspace

    content = course_content(course)
    loaded = load_course(content)
    create_workspace(directory, content, loaded, notebooks=notebooks)
    first = loaded.topics[0].exercises[0]
    file = f"{first.topic}/{first.topic}.{'ipynb' if notebooks else 'py'}"
    called = f"{first.topic}/{first.name}" if first.topic == first.name else first.name
    then = f"  run %check {called} beneath it" if notebooks else f"  grader check {called}"
    click.echo(
        f"{directory}: {len(loaded.exercises)} functions in {len(loaded.topics)} topics\n\n"
        f"Next:\n  cd {directory}\n"
        f"  fill in {first.name} in {file}\n{then}"
    )
