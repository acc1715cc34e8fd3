"""`grader questions`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from grader.cli.names import EXERCISE, TOPIC
from grader.cli.options import (
    console,
    course_content,
    course_option,
    exercise_named,
    level_option,
    question_tag_option,
    questions_of,
    topics_named,
    workspace_option,
)

if TYPE_CHECKING:
    from grader.content import Content
    from grader.model import Course

_EXAMPLES = """\b
Examples:
  grader questions
  grader questions attention --difficulty screen
  grader questions --exercise softmax_vjp
  grader questions --check         (for authors: form, claims, checks, links)
"""


@click.command("questions", epilog=_EXAMPLES)
@click.argument("topics", nargs=-1, type=TOPIC)
@question_tag_option
@level_option
@click.option(
    "--exercise", type=EXERCISE, metavar="NAME", help="Only those that this function practises."
)
@click.option("--due", is_flag=True, help="Only those that are due, in a workspace.")
@click.option(
    "--check", "checks", is_flag=True,
    help="Say what is wrong with any; exit with 1 if something is.",
)  # fmt: skip
@workspace_option
@course_option
def command(
    topics: tuple[str, ...],
    tags: tuple[str, ...],
    level: str | None,
    exercise: str | None,
    due: bool,
    checks: bool,
    workspace: Path | None,
    course: Path | None,
) -> int:
    """List the interview questions; `grader ask` shows one."""
    from grader.catalog import load_course

    content = course_content(course, workspace)
    loaded = load_course(content)
    slugs = topics_named(loaded, topics)
    if checks:
        if tags or level or exercise or due:
            raise click.UsageError("--check looks at whole topics: give no other choice with it")
        return _check(content, loaded, slugs if topics else None)
    from grader.questions import Level, chosen
    from grader.report.questions import print_list

    name = exercise_named(loaded, exercise).name if exercise else None
    found = chosen(
        questions_of(content, loaded, tags), topics=slugs, tags=tags,
        level=Level(level) if level else None, exercise=name,
    )  # fmt: skip
    days = None
    if due:
        from datetime import datetime

        from grader.journal import Journal
        from grader.report.reviews import day_text
        from grader.study.schedule import due_questions, memories
        from grader.workspace import find_workspace

        moment = datetime.now().astimezone()
        root = find_workspace(workspace or Path.cwd()).root
        known = memories(Journal(root).entries(), moment)
        late = {one.id for one in due_questions(found, known, moment)}
        found = [one for one in found if one.id in late]
        days = {one.id: day_text(known[one.id].due(), moment.date()) for one in found}
    if not found:
        click.echo(
            "nothing is due" if due else "no question is like this; `grader questions` lists all"
        )
        return 0
    print_list(console(), found, days)
    return 0


def _check(content: Content, course: Course, slugs: list[str] | None) -> int:
    from grader.audit import audit
    from grader.report.questions import print_audit

    found = audit(content, course, slugs)
    here = Path.cwd()
    for each in found.complaints:
        file = each.file
        if file.is_absolute() and file.is_relative_to(here):
            file = file.relative_to(here)
        click.echo(f"{file}:{each.line}: {each.problem}")
    if found.complaints:
        click.echo()
    print_audit(console(), found.questions, found.behind)
    n = len(found.complaints)
    if n:
        click.echo(f"{n} {'thing is' if n == 1 else 'things are'} wrong")
        return 1
    click.echo(f"nothing is wrong; {found.n_examples} lines of code ran")
    return 0
