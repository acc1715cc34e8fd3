"""`grader new-topic`."""

from __future__ import annotations

from pathlib import Path

import click

_EXAMPLES = """\b
Examples:
  grader new-topic ridge --course my_course
  grader new-topic huber --title "Huber loss" \\
      -f "huber_loss(x, delta)" -f "huber_grad(x, delta)"
"""


@click.command("new-topic", epilog=_EXAMPLES)
@click.argument("name")
@click.option("--title", metavar="TEXT", help="The topic's title; by default made from its name.")
@click.option(
    "--function", "-f", "functions", multiple=True, metavar="SIGNATURE",
    help="A function of the topic, such as 'softmax(z, axis=-1)'; may be repeated.",
)  # fmt: skip
@click.option(
    "--course", type=click.Path(file_okay=False, path_type=Path), metavar="DIR",
    help="The folder of the course, made where it is not there; by default the one you are in.",
)  # fmt: skip
def command(name: str, title: str | None, functions: tuple[str, ...], course: Path | None) -> None:
    """Make the files of a topic, for you to fill in.

    What is to be written is marked TODO, and `grader verify NAME` says what is still missing until the topic is
    proved. A course's course.toml may list topics of the course that comes with gradsmith beside its own."""
    from grader.authoring import topic_files
    from grader.content import Content
    from grader.files import write_atomically

    root = course if course is not None else Path.cwd()
    content = Content.under(root)
    if course is None and not content.course_toml.is_file():
        raise click.UsageError(
            "no exercises/course.toml here; name the folder of a course with --course DIR"
        )
    words = title or name.replace("_", " ").capitalize()
    files = topic_files(content, name, words, functions or (f"{name}_grad(x)",))
    for path, text in files.items():
        path.parent.mkdir(parents=True, exist_ok=True)
        write_atomically(path, text)
        click.echo(f"wrote {path}")
    where = f" --course {root}" if course is not None else ""
    click.echo(
        f"\nNext: write what is marked TODO, the suite, the mistakes and the alternatives;\n"
        f"  grader verify {name}{where}\nsays what is missing until all is proved. docs/authoring.md has the formats."
    )
