"""`grader break`."""

from __future__ import annotations

from pathlib import Path

import click

from grader.cli.names import EXERCISE
from grader.cli.options import (
    console,
    course_content,
    course_option,
    exercise_named,
    seed_option,
    timeout_option,
    workspace_option,
)

_EXAMPLES = """\b
Examples:
  grader break softmax_vjp         (makes break/test_softmax_vjp.py)
  grader break softmax_vjp         (judges the tests in it)
  grader break softmax_vjp -v      (what the mistakes do that got past)
"""


@click.command("break", epilog=_EXAMPLES)
@click.argument("name", type=EXERCISE)
@click.option(
    "--format", "format_", type=click.Choice(["terminal", "json"]), default="terminal",
    show_default=True, help="How the result is written.",
)  # fmt: skip
@click.option(
    "--verbose", "-v", is_flag=True, help="Say what the mistakes do that your tests do not reject."
)
@seed_option
@timeout_option
@workspace_option
@course_option
def command(
    name: str,
    format_: str,
    verbose: bool,
    seed: int,
    timeout: float,
    workspace: Path | None,
    course: Path | None,
) -> None:
    """Write tests of a function: they must accept what is right and reject what is wrong.

    The first time, makes break/test_NAME.py, to be edited; afterwards judges it. The score is the share of
    known mistakes that your tests reject; a test that rejects a right implementation voids it."""
    from grader.workspace import find_workspace

    root = find_workspace(workspace or Path.cwd()).root
    content = course_content(course, workspace)
    from grader.first_test import FOLDER, PREFIX, template

    if not (root / FOLDER / f"{PREFIX}{name.rstrip('/').split('/')[-1]}.py").is_file():
        from grader.catalog import load_course
        from grader.files import make_folder, write_atomically

        exercise = exercise_named(load_course(content), name)
        file = root / FOLDER / f"{PREFIX}{exercise.name}.py"
        make_folder(file.parent)
        write_atomically(file, template(content, exercise))
        click.echo(
            f"{FOLDER}/{file.name} has a first test; add yours, then\n  grader break {exercise.name}"
        )
        return
    from grader.cli.warm import starting

    with starting(content) as warm:
        from grader.bank import Bank
        from grader.breaking import Judge
        from grader.files import read_text
        from grader.report.progress import Waiting
        from grader.sandbox.proxy import Sandbox

        exercise = exercise_named(warm.course, name)
        file = root / FOLDER / f"{PREFIX}{exercise.name}.py"
        text = read_text(file)
        sandbox = Sandbox(warm.limits, warm.zygote)
        try:
            judge = Judge(content, Bank(content), sandbox, timeout=timeout)
            with Waiting(console(stderr=True), f"judging {FOLDER}/{file.name}"):
                found = judge.judge(
                    warm.course.topic(exercise.topic), exercise, text, f"{FOLDER}/{file.name}",
                    seed=seed,
                )  # fmt: skip
        finally:
            sandbox.close()
    from grader.journal import Journal
    from grader.report.breaking import dumps, print_breaking

    Journal(root).append(
        "broke", exercise.name, share=round(found.share, 4), void=found.void,
        rejected=found.n_rejected, of=found.n_mistakes,
    )  # fmt: skip
    if format_ == "json":
        click.echo(dumps(found, verbose=verbose), nl=False)
    else:
        print_breaking(console(), found, verbose=verbose)
