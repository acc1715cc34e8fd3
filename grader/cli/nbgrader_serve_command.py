"""`grader nbgrader serve`."""

from __future__ import annotations

from contextlib import ExitStack
from pathlib import Path

import click

from grader.cli.options import console
from grader.errors import GradsmithError

_EXAMPLES = """\b
Examples:
  grader nbgrader serve course
  grader nbgrader serve course --port 0 --no-browser
"""


@click.command("serve", epilog=_EXAMPLES)
@click.argument(
    "folder", metavar="COURSE_DIR", type=click.Path(exists=True, file_okay=False, path_type=Path)
)
@click.option(
    "--port", type=click.IntRange(0, 65535), default=8888, show_default=True,
    help="Where on this machine; 0 takes any that is free.",
)  # fmt: skip
@click.option("--no-browser", is_flag=True, help="Open no browser; the address is printed.")
@click.option(
    "--plain", is_flag=True,
    help="Serve a course too whose notebooks nbgrader runs itself, made with --plain.",
)  # fmt: skip
def command(folder: Path, port: int, no_browser: bool, plain: bool) -> int:
    """Show nbgrader's pages of a course in a browser, on this machine alone, until Ctrl-C.

    JupyterLab with formgrader, from COURSE_DIR, for whoever has the address: it holds a token. The button Autograde
    grades in the sandbox; a course that would not is refused."""
    from grader.nbgrader_course.lab import serving
    from grader.report.progress import Waiting

    with ExitStack() as stack:
        with Waiting(console(stderr=True), "starting JupyterLab"):
            running = serving(folder, port=port, browser=not no_browser, plain=plain)
            lab = stack.enter_context(running)
        click.echo(f"formgrader  {lab.formgrader}")
        click.echo(f"JupyterLab  {lab.notebooks}")
        click.echo("(Ctrl-C ends)")
        try:
            lab.process.wait()
        except KeyboardInterrupt:
            click.echo()
            return 0
    if lab.process.returncode:
        raise GradsmithError(f"JupyterLab ended by itself, with code {lab.process.returncode}")
    return 0
