"""`grader show`."""

from __future__ import annotations

from pathlib import Path

import click

from grader.cli.names import EXERCISE_OR_TOPIC
from grader.cli.options import console, course_content, course_option, exercises_named

_EXAMPLES = """\b
Examples:
  grader show softmax_vjp
  grader show attention
  grader show softmax/softmax      (the exercise, not the topic)
  grader show softmax/capstone     (what ends the topic)
"""


@click.command("show", epilog=_EXAMPLES)
@click.argument("name", type=EXERCISE_OR_TOPIC)
@click.option("--raw", is_flag=True, help="The Markdown as it is written.")
@course_option
def command(name: str, raw: bool, course: Path | None) -> None:
    """Show the statement of an exercise, or of a topic."""
    from grader.catalog import capstone_section, load_course, statement_section

    content = course_content(course)
    loaded = load_course(content)
    slug, _, part = name.partition("/")
    names = exercises_named(loaded, [slug if part == "capstone" else name])
    if part == "capstone":
        text = capstone_section(content, loaded.topic(loaded.exercise(names[0]).topic))
    elif len(names) == 1:
        text = statement_section(content, loaded, names[0])
    else:
        text = content.statement(loaded.exercise(names[0]).topic).read_text(encoding="utf-8")
    if raw:
        click.echo(text)
        return
    from grader.report.statement import print_statement

    screen = console()
    print_statement(screen, text)
    if len(names) == 1 and part != "capstone":
        from grader.questions import asked_about, read_questions
        from grader.report.questions import print_asked_about

        bank, _ = read_questions(content, loaded)
        print_asked_about(screen, [one.id for one in asked_about(bank, names[0])])
