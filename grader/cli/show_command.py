"""`grader show`."""

from __future__ import annotations

import click

from grader.cli.options import console, exercises_named

_EXAMPLES = """\b
Examples:
  grader show softmax_vjp
  grader show attention
  grader show softmax/softmax      (the exercise, not the topic)
"""


@click.command("show", epilog=_EXAMPLES)
@click.argument("name")
@click.option("--raw", is_flag=True, help="The Markdown as it is written.")
def command(name: str, raw: bool) -> None:
    """Show the statement of an exercise, or of a topic."""
    from grader.catalog import load_course, statement_section
    from grader.content import locate

    content = locate()
    course = load_course(content)
    names = exercises_named(course, [name])
    if len(names) == 1:
        text = statement_section(content, course, names[0])
    else:
        text = content.statement(course.exercise(names[0]).topic).read_text(encoding="utf-8")
    if raw:
        click.echo(text)
        return
    from grader.report.statement import print_statement

    print_statement(console(), text)
