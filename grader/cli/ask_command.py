"""`grader ask`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from grader.cli.names import QUESTION
from grader.cli.options import console, course_content, course_option, questions_of

if TYPE_CHECKING:
    from rich.console import Console

    from grader.questions import Question

_EXAMPLES = """\b
Examples:
  grader ask attention-scale           (by steps: Enter shows the next)
  grader ask attention-scale --all
  grader ask attention-scale --checks  (the code behind the answer, run now)
"""


@click.command("ask", epilog=_EXAMPLES)
@click.argument("name", metavar="ID", type=QUESTION)
@click.option("--all", "whole", is_flag=True, help="All at once.")
@click.option("--checks", is_flag=True, help="Show the checks of its answer, and run them.")
@course_option
def command(name: str, whole: bool, checks: bool, course: Path | None) -> int:
    """Show an interview question, then its answer by steps: thirty seconds, in full, follow-ups, rubric, traps.

    Answer aloud before you go on. Where the output is no terminal, all is shown at once."""
    from grader.catalog import load_course
    from grader.questions import nearest, source_keys

    content = course_content(course)
    bank = questions_of(content, load_course(content))
    one = next((each for each in bank if each.id == name), None)
    if one is None:
        near = nearest(bank, name)
        hint = f"did you mean {' or '.join(near)}?" if near else "`grader questions` lists them"
        raise click.UsageError(f"no question {name!r}; {hint}")
    screen = console()
    if checks:
        return _checks(screen, one)
    from grader.report.questions import print_question, print_sources, print_step, steps
    from grader.study.prompts import interactive

    sources = source_keys(content.owner(one.topic))

    def end(console: Console) -> None:
        print_sources(console, one, sources)

    if whole or not interactive(screen):
        print_question(screen, one)
        for step in steps(one):
            print_step(screen, step)
        end(screen)
        return 0
    from grader.study.prompts import prompts
    from grader.study.session import walk

    with prompts(screen) as asking:
        walk(one, asking, end)
    return 0


def _checks(screen: Console, one: Question) -> int:
    """Show the checks, with what they give now."""
    from grader.claims import run_checks
    from grader.report.questions import print_check

    n, broken = run_checks(one)
    for check in one.checks:
        problems = [(each.line, each.problem) for each in broken if each.check == check.name]
        print_check(screen, check.name, check.text, problems)
    failed = f"; {len(broken)} gave something else" if broken else ""
    click.echo(f"{n} lines of code ran{failed}")
    return 1 if broken else 0
