"""`grader study`."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

import click

from grader.cli.names import TOPIC
from grader.cli.options import (
    console,
    course_content,
    course_option,
    level_option,
    question_tag_option,
    questions_of,
    topics_named,
    workspace_option,
)

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from grader.journal import Journal
    from grader.questions import Question
    from grader.review import Memory

NEW = 5
"""New questions in a session: each comes back, so that what is new today is more to do for weeks."""
HANGUP = 129
"""The exit code where the terminal was closed, as shells count."""
DAYS = 7
"""Days of the outlook that are shown."""
_EXAMPLES = """\b
Examples:
  grader study
  grader study attention gan --new 2 --timed
  grader study --status
  grader study --anki questions.apkg   (cards for Anki)
"""


@click.command("study", epilog=_EXAMPLES)
@click.argument("topics", nargs=-1, type=TOPIC)
@question_tag_option
@level_option
@click.option(
    "--new", type=click.IntRange(min=0), default=NEW, show_default=True, metavar="N",
    help="At most this many that you have not studied yet.",
)  # fmt: skip
@click.option("--limit", type=click.IntRange(1), metavar="N", help="At most this many in all.")
@click.option("--timed", is_flag=True, help="A clock counts down while you think.")
@click.option("--status", is_flag=True, help="Only say how many are due, and when others are.")
@click.option(
    "--anki", type=click.Path(dir_okay=False, path_type=Path), metavar="FILE",
    help="Write the questions into FILE (.apkg) as cards for Anki instead.",
)  # fmt: skip
@workspace_option
@course_option
def command(
    topics: tuple[str, ...],
    tags: tuple[str, ...],
    level: str | None,
    new: int,
    limit: int | None,
    timed: bool,
    status: bool,
    anki: Path | None,
    workspace: Path | None,
    course: Path | None,
) -> int:
    """Study interview questions: those that are due, then new ones.

    Answer aloud, uncover the answer by steps, and grade yourself by the rubric: 1 weak, 2 good with
    gaps, 3 good, 4 strong. When a question comes back depends on it. s skips, q ends; each grade is kept
    at once."""
    from grader.catalog import load_course
    from grader.questions import Level, chosen

    if status and anki is not None:
        raise click.UsageError("--status and --anki: give one of them")
    if anki is not None and anki.suffix.lower() != ".apkg":
        raise click.BadParameter(f"{anki.name!r} has to end in .apkg", param_hint="'--anki'")
    content = course_content(course, workspace)
    loaded = load_course(content)
    slugs = topics_named(loaded, topics)
    bank = chosen(
        questions_of(content, loaded, tags), topics=slugs, tags=tags,
        level=Level(level) if level else None,
    )  # fmt: skip
    if not bank:
        click.echo("no question is like this; `grader questions` lists all")
        return 0
    if anki is not None:
        from grader.files import write_atomically
        from grader.questions import source_keys
        from grader.report.anki import package

        titles = {topic.slug: topic.title for topic in loaded.topics}
        sources = {one.topic: source_keys(content.owner(one.topic)) for one in bank}
        write_atomically(anki, package(bank, titles, sources))
        n = len(bank)
        click.echo(f"{anki}: {n} {'card' if n == 1 else 'cards'}; in Anki: File, Import")
        return 0
    from grader.journal import Journal
    from grader.study.schedule import memories
    from grader.workspace import find_workspace

    journal = Journal(find_workspace(workspace or Path.cwd()).root)
    ids = {one.id for one in bank}
    if status:
        _status(bank, memories(journal.entries(), now(), ids))
        return 0
    return _study(bank, journal, new, limit, timed)


def now() -> datetime:
    """The moment that the schedule goes by."""
    return datetime.now().astimezone()


def _study(
    bank: Sequence[Question], journal: Journal, new: int, limit: int | None, timed: bool
) -> int:
    """Hold a session, and sum it up."""
    from grader.study.prompts import prompts
    from grader.study.schedule import memories, plan
    from grader.study.session import hold

    ids = {one.id for one in bank}
    moment = now()
    known = memories(journal.entries(), moment, ids)
    chosen = plan(bank, known, moment, new=new, limit=limit, zone=moment.tzinfo)
    if not chosen:
        click.echo("nothing is due" + ("" if new else ", and --new 0 leaves out new questions"))
        _outlook(known)
        return 0
    screen = console()
    with prompts(screen) as asking:
        tally = hold(chosen, journal, asking, now, timed=timed)
    if tally.gone:
        return HANGUP
    click.echo(f"\n{tally.line()}")
    _outlook(memories(journal.entries(), now(), ids))
    return 0


def _status(bank: Sequence[Question], known: Mapping[str, Memory]) -> None:
    """Say how many are due, and when others come back."""
    from grader.study.schedule import due_questions

    n = len(due_questions(bank, known, now(), now().tzinfo))
    click.echo(f"{n} due; {len(known)} of {len(bank)} studied")
    _outlook(known)
    if n or len(known) < len(bank):
        click.echo("`grader study` begins")


def _outlook(known: Mapping[str, Memory]) -> None:
    """Say when questions come back after today."""
    from grader.report.reviews import day_text
    from grader.study.schedule import coming

    moment = now()
    days = coming(known.values(), moment, moment.tzinfo)
    words = [f"{day_text(day, moment.date())} {n}" for day, n in days[:DAYS]]
    later = sum(n for _, n in days[DAYS:])
    if words:
        click.echo(f"coming back: {', '.join(words)}" + (f", later {later}" if later else ""))
