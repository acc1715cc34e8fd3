"""`grader class report`."""

from __future__ import annotations

from pathlib import Path

import click

_EXAMPLES = """\b
Examples:
  grader class report results --output class.html
  grader class report results --output public.html --anonymous
"""


@click.command("report", epilog=_EXAMPLES)
@click.argument("results", type=click.Path(exists=True, path_type=Path))
@click.option(
    "--output", "-o", required=True, type=click.Path(dir_okay=False, path_type=Path), metavar="FILE",
    help="The HTML file that is written.",
)  # fmt: skip
@click.option("--anonymous", is_flag=True, help="Without names, ids and what may hold them.")
def command(results: Path, output: Path, anonymous: bool) -> None:
    """Write a page about the class: how the points spread, which functions and mistakes, who is missing.

    It is one file that needs no network and holds no script; each picture has its numbers beside it."""
    from grader.classroom.ledger import open_class
    from grader.classroom.overview import overview_page
    from grader.files import write_atomically

    room = open_class(results)
    write_atomically(output, overview_page(room, anonymous=anonymous))
    click.echo(f"{output}: {len(room.results)} submissions")
