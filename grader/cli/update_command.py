"""`grader update`."""

from __future__ import annotations

from pathlib import Path

import click

from grader.cli.options import console, course_content, course_option, workspace_option

_EXAMPLES = """\b
Examples:
  grader update --dry-run          (what would be done)
  grader update
"""


@click.command("update", epilog=_EXAMPLES)
@click.option("--dry-run", is_flag=True, help="Say what would be done, and do nothing.")
@workspace_option
@course_option
def command(dry_run: bool, workspace: Path | None, course: Path | None) -> int:
    """Bring new content of the course into your workspace. What you wrote is never touched.

    New topics and functions are added, statements and stubs that you have not begun are replaced, and
    you are told where the statement of a function that you have written has changed. Files are kept in
    .grader/backups before they change."""
    from grader.catalog import load_course
    from grader.model import Doing
    from grader.report.changes import print_changes
    from grader.update import planned, update
    from grader.workspace import find_workspace

    root = find_workspace(workspace or Path.cwd()).root
    content = course_content(course, workspace)
    loaded = load_course(content)
    plan = planned(root, content, loaded) if dry_run else update(root, content, loaded)
    print_changes(console(), plan.changes)
    unread = any(change.doing is Doing.UNREAD for change in plan.changes)
    if not plan.changes:
        click.echo("everything is up to date")
    elif dry_run:
        click.echo("\nnothing was written; `grader update` does this")
    elif unread:
        click.echo("\nmend what could not be read, then run `grader update` again")
    return 2 if unread else 0
