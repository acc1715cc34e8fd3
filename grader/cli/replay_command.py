"""`grader replay`."""

from __future__ import annotations

from pathlib import Path

import click

from grader.cli.options import course_option

_EXAMPLES = """\b
Examples:
  grader replay results ada
  grader replay results --all
"""


@click.command("replay", epilog=_EXAMPLES)
@click.argument("results", type=click.Path(exists=True, file_okay=False, path_type=Path))
@click.argument("students", nargs=-1, metavar="[STUDENT]...")
@click.option("--all", "everybody", is_flag=True, help="Every student who has a report.")
@course_option
def command(results: Path, students: tuple[str, ...], everybody: bool, course: Path | None) -> int:
    """Grade kept submissions again, each with its own seed, and compare.

    RESULTS is the folder that `grader class grade` made; the submissions themselves are not needed. Exit code 1 where
    a report differs from the one that is kept."""
    if everybody == bool(students):
        raise click.UsageError("name students, or give --all")
    from grader.classroom.ledger import students_of
    from grader.classroom.replay import replays
    from grader.classroom.unit import course_setting
    from grader.cli.options import course_content

    where = None if course is None else course_setting(course_content(course))
    named = students_of(results, graded=True) if everybody else list(students)
    n_different = 0
    for one in replays(results, named, where):
        same = not one.differences
        n_different += not same
        verdict = "the same" if same else "differs"
        click.echo(f"{one.student}: {verdict}, {one.score}, with seed {one.seed}")
        for line in one.differences:
            click.echo(f"  {line}")
        for line in one.asides:
            click.echo(f"  note: {line}")
    if len(named) > 1:
        click.echo(f"{len(named) - n_different} of {len(named)} are the same")
    return 1 if n_different else 0
