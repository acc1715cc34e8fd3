"""`grader site`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from grader.cli.options import console, course_content, course_option

if TYPE_CHECKING:
    from grader.content import Content
    from grader.figures import Entry

_EXAMPLES = """\b
Examples:
  grader site build site                 (then open site/index.html)
  grader site serve
  grader site build site --course my_course
"""


@click.group("site", epilog=_EXAMPLES)
def command() -> None:
    """Make a site of the statements and the interview questions, to read in a browser.

    It needs no network and no server. Packages for it: pip install 'gradsmith[site]'."""


@command.command("build", epilog=_EXAMPLES)
@click.argument("folder", metavar="DIR", type=click.Path(path_type=Path))
@course_option
def build(folder: Path, course: Path | None) -> None:
    """Write the site to DIR.

    DIR is new, empty, or holds a site that was built before, which is replaced. The same course gives the same
    files."""
    from grader.site.build import check_target, require_packages

    require_packages()
    check_target(folder)
    n_pages = _build(course_content(course), folder)
    click.echo(f"{folder / 'index.html'}: {n_pages} pages")


@command.command("serve", epilog=_EXAMPLES)
@click.option(
    "--port", type=click.IntRange(0, 65535), default=8000, show_default=True,
    help="Where on this machine; 0 takes any that is free.",
)  # fmt: skip
@course_option
def serve(port: int, course: Path | None) -> None:
    """Build the site and show it on this machine alone, until Ctrl-C."""
    import tempfile

    from grader.site.build import require_packages
    from grader.site.serve import HOST, site_server

    require_packages()
    content = course_content(course)
    with tempfile.TemporaryDirectory() as work:
        folder = Path(work) / "site"
        folder.mkdir()
        with site_server(folder, port) as server:
            _build(content, folder)
            click.echo(f"http://{HOST}:{server.server_port}/  (Ctrl-C ends)")
            try:
                server.serve_forever()
            except KeyboardInterrupt:
                click.echo()


def _build(content: Content, folder: Path) -> int:
    """Draw the figures and write the site, with progress on standard error; the number of pages."""
    from grader.catalog import load_course
    from grader.figures import FIGURES
    from grader.report.progress import Waiting
    from grader.site.build import build_site

    course = load_course(content)
    slugs = {topic.slug for topic in course.topics}
    entries = [entry for entry in FIGURES.values() if entry.topic in slugs]
    drawn: list[tuple[Entry, bytes]] = []
    for entry in entries:
        with Waiting(console(stderr=True), f"drawing {entry.name}"):
            drawn.append((entry, _draw(content, entry)))
    with Waiting(console(stderr=True), "writing the pages"):
        return build_site(content, course, folder, drawn)


def _draw(content: Content, entry: Entry) -> bytes:
    """A figure from the solutions, as PNG."""
    from grader.cli.warm import starting
    from grader.errors import FigureError
    from grader.figures import draw, render

    root = content.owner(entry.topic).solutions
    with starting(content) as warm, warm.functions(root, entry.topic) as functions:
        try:
            return render(draw(entry.name, functions, 0), "png")
        except FigureError as error:
            raise RuntimeError(f"the solutions give no picture: {error}") from None
