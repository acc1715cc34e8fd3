"""`grader stubs`."""

from __future__ import annotations

from pathlib import Path

import click

from grader.cli.options import course_content, course_option
from grader.errors import ContentError

_EXAMPLES = """\b
Examples:
  grader stubs
  grader stubs --check
"""


@click.command("stubs", epilog=_EXAMPLES)
@click.option(
    "--check", is_flag=True, help="Write nothing; exit with 1 where a stub is not current."
)
@course_option
def command(check: bool, course: Path | None) -> int:
    """Generate exercises/TOPIC/TOPIC.py from solutions/TOPIC.py, for every topic."""
    from grader.catalog import load_course
    from grader.files import write_atomically
    from grader.stubs import make_stub

    content = course_content(course)
    stale = 0
    for topic in load_course(content).topics:
        if content.owner(topic.slug) is not content:
            continue  # the installed course's own
        source, target = content.source(topic.slug), content.stub(topic.slug)
        try:
            wanted = make_stub(source.read_text(encoding="utf-8"), str(source))
        except OSError as error:
            raise ContentError(source, "file", f"cannot be read: {error.strerror}") from None
        current = target.read_text(encoding="utf-8") if target.is_file() else None
        if current == wanted:
            continue
        stale += 1
        if check:
            click.echo(f"{target}: is not what {source} gives; run `grader stubs`")
        else:
            write_atomically(target, wanted)
            click.echo(f"wrote {target}")
    if not stale:
        click.echo("all stubs are current")
    return 1 if check and stale else 0
