"""`grader class similar`."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING

import click

from grader.cli.options import course_content, course_option

if TYPE_CHECKING:
    from collections.abc import Mapping

    from grader.classroom.model import Class

_EXAMPLES = """\b
Examples:
  grader class similar submissions --output alike
  grader class similar results --output alike --pairs 50
"""
_OURS = re.compile(r"pair-\d{3,}\.html")


@click.command("similar", epilog=_EXAMPLES)
@click.argument("source", metavar="PATH", type=click.Path(exists=True, path_type=Path))
@click.option(
    "--output", "-o", required=True, type=click.Path(file_okay=False, path_type=Path), metavar="DIR",
    help="Where the pages are written; it is made where it is not there.",
)  # fmt: skip
@click.option(
    "--pairs", "n_pairs", type=click.IntRange(min=1, max=999), default=20, show_default=True,
    help="How many of the most alike pairs are shown.",
)  # fmt: skip
@course_option
def command(source: Path, output: Path, n_pairs: int, course: Path | None) -> None:
    """Find submissions that are too alike, and show them side by side.

    PATH is a folder with a submission in each entry, or the results of a class. Names of variables,
    comments and the order of functions hide nothing; what the whole class writes, or the solutions
    hold, counts little. A high score is a reason to look and no proof."""
    from grader.catalog import load_course
    from grader.classroom.alike import INDEX, alike_pages, known_of
    from grader.classroom.similarity import Collection
    from grader.cli.options import console
    from grader.errors import GradsmithError, UnreadableSubmissionError
    from grader.files import make_folder, write_atomically
    from grader.report.progress import Progress
    from grader.submission import read_submission

    content = course_content(course)
    loaded = load_course(content)
    paths, names = _submissions(source)
    collection = Collection(known_of(content, loaded))
    skipped: dict[str, str] = {}
    with Progress(console(stderr=True), len(paths)) as progress:
        for id, path in paths.items():
            try:
                submission = read_submission(path, loaded)
                collection.add(id, {topic: each.text for topic, each in submission.sources.items()})
            except UnreadableSubmissionError as error:
                skipped[id] = str(error)
            progress.advance(_called({}, id))
    findings = collection.compare()
    if not findings.students:
        raise GradsmithError(
            f"{source}: holds no submission that can be read; give a folder with a submission in each "
            "entry, or the results of a class whose submissions lie where they were"
        )
    make_folder(output)
    written = set()
    pages = alike_pages(
        collection, findings, title=loaded.title, n_pairs=n_pairs, names=names, skipped=skipped
    )
    for name, text in pages:
        write_atomically(output / name, text)
        written.add(name)
    for old in output.iterdir():
        if _OURS.fullmatch(old.name) and old.name not in written:
            old.unlink()  # of a run before
    click.echo(f"{output / INDEX}: {len(findings.students)} submissions")
    for pair in findings.pairs[:3]:
        click.echo(f"  {pair.score:.2f}  {_called(names, pair.a)} and {_called(names, pair.b)}")


def _called(names: Mapping[str, str], id: str) -> str:
    from grader.report.visible import visible

    return visible(names.get(id, id))[:60]


def _submissions(source: Path) -> tuple[dict[str, Path], dict[str, str]]:
    """Where each submission lies, and what its student is called, by id."""
    from grader.errors import GradsmithError

    try:
        room = _class_at(source)
    except GradsmithError as error:
        if not source.is_dir():
            raise
        entries = sorted(each for each in source.iterdir() if not each.name.startswith("."))
        paths = {each.name: each for each in entries if _may_be_one(each)}
        if not paths:
            raise GradsmithError(f"{source}: holds no submissions, and: {error}") from None
        return paths, {}
    paths = {result.student: Path(result.source) for result in room.results}
    return paths, {student.id: student.shown for student in room.roster.values()}


def _class_at(source: Path) -> Class:
    from grader.classroom.ledger import open_class  # type: ignore[import-untyped,unused-ignore]

    room: Class = open_class(source)
    return room


def _may_be_one(path: Path) -> bool:
    return path.is_dir() or path.suffix.lower() in (".py", ".ipynb", ".zip")
