"""`grader watch`."""

from __future__ import annotations

from pathlib import Path

import click

from grader.cli.options import (
    course_content,
    course_option,
    exercise_named,
    seed_option,
    timeout_option,
    workspace_option,
)

_EXAMPLES = """\b
Examples:
  grader watch                     (the next exercise; ? shows the keys)
  grader watch softmax_vjp
  grader watch --plain | tee log.txt
"""


@click.command("watch", epilog=_EXAMPLES)
@click.argument("name", required=False)
@click.option("--plain", is_flag=True, help="Write lines, not a screen with keys.")
@timeout_option
@seed_option
@workspace_option
@course_option
def command(
    name: str | None,
    plain: bool,
    timeout: float,
    seed: int,
    workspace: Path | None,
    course: Path | None,
) -> int:
    """Check on every save, in a terminal beside your editor.

    The exercise is NAME, else the next that is to be done; a function of another topic that you change takes its
    place. Where the output is no terminal, each verdict is written as lines."""
    from grader.cli.warm import starting

    with starting(course_content(course, workspace)) as warm:
        from grader.workspace import find_workspace

        root = find_workspace(workspace or Path.cwd()).root
        exercise = exercise_named(warm.course, name) if name is not None else None
        from grader.watch.session import Options, watch

        return watch(
            Options(
                root,
                warm.content,
                warm.course,
                warm.zygote,
                warm.limits,
                exercise=exercise,
                timeout=timeout,
                seed=seed,
                plain=plain,
            )
        )
