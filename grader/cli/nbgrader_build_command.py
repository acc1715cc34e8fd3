"""`grader nbgrader build`."""

from __future__ import annotations

from pathlib import Path

import click

from grader.cli.names import TOPIC
from grader.cli.options import console, course_content, course_option, topics_named

_EXAMPLES = """\b
Examples:
  grader nbgrader build course
  grader nbgrader build course --topics softmax,attention --roster class.csv
  grader nbgrader build course --update          (after an upgrade)
"""


@click.command("build", epilog=_EXAMPLES)
@click.argument("folder", metavar="COURSE_DIR", type=click.Path(file_okay=False, path_type=Path))
@click.option(
    "--topics", multiple=True, metavar="TOPIC,...", type=TOPIC,
    help="The topics to take, an assignment each; by default all.",
)  # fmt: skip
@click.option(
    "--roster", type=click.Path(exists=True, dir_okay=False, path_type=Path), metavar="CSV",
    help="Bring students into the gradebook: a column id, and first_name, last_name, email.",
)  # fmt: skip
@click.option(
    "--update", is_flag=True,
    help="Bring a course up to date; what you changed in it stays, and is told.",
)  # fmt: skip
@click.option(
    "--plain", is_flag=True,
    help="Test cells grade by themselves, run by nbgrader; no proof against hostile code.",
)  # fmt: skip
@course_option
def command(
    folder: Path,
    topics: tuple[str, ...],
    roster: Path | None,
    update: bool,
    plain: bool,
    course: Path | None,
) -> int:
    """Make a course that nbgrader accepts whole: COURSE_DIR/nbgrader_config.py and a source notebook for each topic.

    As it is made, nbgrader grades it in the sandbox: no cell of a student's runs beside tests or the gradebook. The
    same course gives the same files."""
    from grader.catalog import load_course
    from grader.model import Doing
    from grader.nbgrader_course.build import build_course
    from grader.nbgrader_course.roster import read_roster
    from grader.report.changes import print_changes

    content = course_content(course)
    loaded = load_course(content)
    named = [name for given in topics for name in given.split(",") if name.strip()]
    slugs = topics_named(loaded, [name.strip() for name in named])
    students = read_roster(roster) if roster is not None else []
    changes = build_course(folder, content, loaded, slugs, plain=plain, update=update)
    print_changes(console(), changes)
    if not changes:
        click.echo("everything is up to date")
    if roster is not None:
        from grader.nbgrader_course.gradebook import nbgrader_at_work

        with nbgrader_at_work():
            from grader.nbgrader_course.autograde import db_url
            from grader.nbgrader_course.gradebook import import_roster

            import_roster(db_url(folder), students)
        n = len(students)
        click.echo(f"{n} {'student' if n == 1 else 'students'} in the gradebook")
    if not update:
        click.echo(f"\nnext: cd {folder} && nbgrader generate_assignment {slugs[0]}")
    return 2 if any(change.doing is Doing.UNREAD for change in changes) else 0
