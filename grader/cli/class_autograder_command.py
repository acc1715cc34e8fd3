"""`grader class autograder`."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from grader.cli.names import EXERCISE_OR_TOPIC
from grader.cli.options import (
    course_content,
    course_option,
    exercises_named,
    seed_option,
    timeout_option,
)

VISIBILITIES = ("visible", "after_due_date", "after_published", "hidden")
_EXAMPLES = """\b
Examples:
  grader class autograder --output autograder.zip
  grader class autograder --only softmax --config class.toml -o autograder.zip
"""


@click.command("autograder", epilog=_EXAMPLES)
@click.option(
    "--output", "-o", required=True, type=click.Path(dir_okay=False, path_type=Path), metavar="FILE",
    help="The archive to write.",
)  # fmt: skip
@click.option(
    "--only", multiple=True, metavar="NAME", type=EXERCISE_OR_TOPIC,
    help="Grade this exercise or topic only; may be repeated.",
)  # fmt: skip
@click.option(
    "--config", type=click.Path(exists=True, dir_okay=False, path_type=Path), metavar="FILE",
    help="A class.toml to grade by; students' ids are their emails.",
)  # fmt: skip
@click.option(
    "--visibility", type=click.Choice(VISIBILITIES), default="visible", show_default=True,
    help="When students see the exercises; hidden ones hide the total.",
)  # fmt: skip
@click.option(
    "--disclosure", type=click.Choice(["none", "names", "full"]), default="names",
    show_default=True,
    help="The most that students are told of a check: nothing, its name and the known mistakes, or what it found.",
)  # fmt: skip
@seed_option
@timeout_option
@course_option
def command(
    output: Path,
    only: tuple[str, ...],
    config: Path | None,
    visibility: Any,
    disclosure: str,
    seed: int,
    timeout: float,
    course: Path | None,
) -> None:
    """Write an autograder for Gradescope: a zip archive to upload there.

    It holds the grader, the suites and the mistakes, but neither solutions nor other topics."""
    from grader.catalog import load_course
    from grader.classroom.autograder.pack import Settings, pack
    from grader.files import write_atomically

    content = course_content(course)
    loaded = load_course(content)
    exercises = tuple(exercises_named(loaded, only)) if only else None
    settings = Settings(exercises, seed, timeout, visibility, disclosure)
    data = pack(content, loaded, settings, config)
    write_atomically(output, data)
    chosen = [e for e in loaded.exercises if exercises is None or e.name in exercises]
    points = sum(exercise.points for exercise in chosen)
    if config is not None:
        from grader.classroom.policy import read_policy

        policy = read_policy(config)
        points = float(policy.scale or policy.points or points)
    n = f"{len(chosen)} exercise{'s' * (len(chosen) != 1)}"
    click.echo(f"{output}: {n}, {points:g} points, {len(data) // 1024} KiB")
