"""`grader search`."""

from __future__ import annotations

from pathlib import Path

import click

from grader.cli.options import console, course_content, course_option, questions_of

MOST = 10
_EXAMPLES = """\b
Examples:
  grader search jacobian
  grader search importance variance
"""


@click.command("search", epilog=_EXAMPLES)
@click.argument("words", nargs=-1, required=True)
@click.option(
    "--limit", type=click.IntRange(1), default=MOST, show_default=True, metavar="N",
    help="How many are shown.",
)  # fmt: skip
@course_option
def command(words: tuple[str, ...], limit: int, course: Path | None) -> None:
    """Find interview questions in which all the WORDS occur, the best first."""
    from grader.catalog import load_course
    from grader.questions import context, matching
    from grader.report.questions import print_found

    wanted = [word for each in words for word in each.split()]
    if not wanted:
        raise click.UsageError("give at least one word")
    content = course_content(course)
    found = matching(questions_of(content, load_course(content)), wanted)
    if not found:
        click.echo(
            "no question has this word; `grader questions` lists all" if len(wanted) == 1
            else "no question has all of these words; fewer may find more"
        )  # fmt: skip
        return
    rows = [(one, context(one, wanted)) for one in found[:limit]]
    print_found(console(), rows, wanted, len(found))
