"""`grader figure`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from grader.cli.names import FIGURE
from grader.cli.options import (
    console,
    course_content,
    course_option,
    seed_option,
    workspace_option,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

    from matplotlib.figure import Figure

    from grader.figures import Entry
    from grader.model import Course

_EXAMPLES = """\b
Examples:
  grader figure                              (which there are)
  grader figure attention
  grader figure attention --reference
  grader figure returns --seed 3 --output returns.svg
"""


@click.command("figure", epilog=_EXAMPLES)
@click.argument("name", required=False, type=FIGURE)
@click.option("--reference", is_flag=True, help="Draw the solutions' functions, not yours.")
@click.option(
    "--output", "-o", type=click.Path(dir_okay=False, path_type=Path), metavar="FILE",
    help="Write to FILE (.png, .svg or .pdf); by default NAME.png here.",
)  # fmt: skip
@click.option("--show", is_flag=True, help="Open a window with the picture as well.")
@seed_option
@workspace_option
@course_option
def command(
    name: str | None,
    reference: bool,
    output: Path | None,
    show: bool,
    seed: int,
    workspace: Path | None,
    course: Path | None,
) -> None:
    """Draw a picture from your functions: attention weights, a filter's track, a policy that learns.

    Without NAME, the figures that there are."""
    if name is None:
        if output is not None or show or reference:
            raise click.UsageError("name a figure; `grader figure` alone lists them")
        from grader.catalog import load_course

        _list(_entries(load_course(course_content(course, workspace))))
        return
    from grader.figures import FORMATS

    path = Path(f"{name}.png") if output is None else output
    format_ = path.suffix.lower().removeprefix(".")
    if output is not None and format_ not in FORMATS:
        possible = ", ".join(f".{known}" for known in FORMATS)
        raise click.BadParameter(
            f"{path.name!r} has to end in one of {possible}", param_hint="'--output'"
        )
    from grader.cli.warm import starting

    with starting(course_content(course, workspace)) as warm:
        entry = _entry(name, _entries(warm.course))
        if reference:
            root = warm.content.owner(entry.topic).solutions
        else:
            from grader.workspace import find_workspace

            root = find_workspace(workspace or Path.cwd()).root
        from grader.errors import FigureError
        from grader.figures import draw, render
        from grader.report.progress import Waiting

        with (
            Waiting(console(stderr=True), f"drawing {name}"),
            warm.functions(root, entry.topic) as functions,
        ):
            try:
                figure = draw(name, functions, seed)
            except FigureError as error:
                if reference:
                    raise RuntimeError(f"the solutions give no picture: {error}") from None
                advice = f"`grader figure {name} --reference` draws the solution's"
                raise FigureError(f"{error}; {advice}") from None
            content = render(figure, format_)
    from grader.files import write_atomically

    write_atomically(path, content)
    click.echo(path)
    if show:
        _show(figure, path)


def _entries(course: Course) -> list[Entry]:
    """The figures of a course's topics."""
    from grader.figures import FIGURES

    topics = {topic.slug for topic in course.topics}
    return [entry for entry in FIGURES.values() if entry.topic in topics]


def _entry(name: str, entries: Sequence[Entry]) -> Entry:
    """The figure of that name."""
    for entry in entries:
        if entry.name == name:
            return entry
    import difflib

    near = difflib.get_close_matches(name, [entry.name for entry in entries], n=1)
    hint = f"; did you mean {near[0]!r}?" if near else "; `grader figure` lists them"
    raise click.UsageError(f"no figure {name!r}{hint}")


def _list(entries: Sequence[Entry]) -> None:
    from rich.table import Table

    table = Table(box=None, padding=(0, 2, 0, 0), pad_edge=False, header_style="bold")
    table.add_column("figure", no_wrap=True)
    table.add_column("shows", ratio=1)
    table.add_column("needs", ratio=1)
    for number, entry in enumerate(entries):
        if number:
            table.add_row()
        table.add_row(entry.name, entry.title, ", ".join(entry.needs))
    console().print(table)


def _show(figure: Figure, path: Path) -> None:
    """Open a window and wait until it is closed.

    Raises
    ------
    GradsmithError : there is no display.
    """
    from matplotlib import pyplot

    from grader.errors import GradsmithError

    nowhere = GradsmithError(f"--show: no window can be opened here; the picture is in {path}")
    try:
        # Pyplot makes a window around the figure that it is given as if it were a class of figures.
        shown = pyplot.figure(FigureClass=lambda **_: figure)  # type: ignore[arg-type]  # see above
        if shown.canvas.required_interactive_framework is None:
            raise nowhere
        pyplot.show()
    except (ImportError, RuntimeError):  # a toolkit that is not installed, or finds no display
        raise nowhere from None
