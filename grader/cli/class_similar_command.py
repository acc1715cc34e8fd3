"""`grader class similar`."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING

import click

from grader.cli.options import course_content, course_option

if TYPE_CHECKING:
    from collections.abc import Mapping


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

    PATH is the results of a class, or a folder or download with all submissions. Names of variables,
    comments and the order of functions hide nothing; what the whole class writes, or the solutions
    hold, counts little. A high score is a reason to look and no proof."""
    from grader.catalog import load_course
    from grader.classroom.alike import INDEX, alike_pages, known_of
    from grader.classroom.handed_in import handed_in
    from grader.classroom.similarity import Collection
    from grader.cli.options import console
    from grader.errors import GradsmithError
    from grader.files import make_folder, write_atomically
    from grader.report.progress import Waiting

    content = course_content(course)
    loaded = load_course(content)
    collection = Collection(known_of(content, loaded))
    names: dict[str, str] = {}
    skipped: dict[str, str] = {}
    with Waiting(console(stderr=True), "comparing the submissions"):
        for each in handed_in(source, loaded):
            names[each.student] = each.name
            if each.fault:
                skipped[each.student] = each.fault
            if each.sources:
                collection.add(each.student, each.sources)
        findings = collection.compare()
    if not findings.students:
        raise GradsmithError(
            f"{source}: holds no submission that can be read; give a folder or a download with a "
            "submission in each entry, or the results of a class"
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
