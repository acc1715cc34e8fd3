"""`grader solution`."""

from __future__ import annotations

from pathlib import Path

import click

from grader.cli.names import EXERCISE
from grader.cli.options import (
    console,
    course_content,
    course_option,
    exercise_named,
    workspace_option,
)

_EXAMPLES = """\b
Examples:
  grader solution softmax_vjp
  grader solution softmax_vjp --give-up
"""


@click.command("solution", epilog=_EXAMPLES)
@click.argument("name", type=EXERCISE)
@click.option("--give-up", is_flag=True, help="Show it before you have solved it; remembered.")
@workspace_option
@course_option
def command(name: str, give_up: bool, workspace: Path | None, course: Path | None) -> int:
    """Show the solution of an exercise that you have solved, and how yours differs."""
    from grader.catalog import load_course
    from grader.journal import Journal
    from grader.practice import (
        NotSolvedError,
        differences,
        function_text,
        give_solution,
        solution_text,
    )
    from grader.report.code import print_difference, print_function
    from grader.workspace import find_workspace, learner_text, topic_file

    root = find_workspace(workspace or Path.cwd()).root
    content = course_content(course, workspace)
    exercise = exercise_named(load_course(content), name)
    try:
        give_solution(Journal(root), exercise, give_up=give_up)
    except NotSolvedError as error:
        raise click.UsageError(str(error)) from None
    source = content.source(exercise.topic)
    solution = solution_text(source.read_text(encoding="utf-8"), exercise.name, str(source))
    print_function(console(), solution)
    file = topic_file(root, exercise.topic)
    mine = function_text(learner_text(file), exercise.name, str(file)) if file.is_file() else None
    if mine is not None and "NotImplementedError" not in mine:
        print_difference(console(), list(differences(mine, solution)))
    return 0
