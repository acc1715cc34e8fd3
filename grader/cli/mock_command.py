"""`grader mock`."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

import click

from grader.cli.names import TOPIC
from grader.cli.options import (
    console,
    course_content,
    course_option,
    difficulty_option,
    exercises_named,
    timeout_option,
    verbose_option,
    workspace_option,
)

if TYPE_CHECKING:
    from grader.content import Content
    from grader.mock import Round

_EXAMPLES = """\b
Examples:
  grader mock
  grader mock --functions 2 --minutes 30 --topic attention
  grader mock --score
"""


@click.command("mock", epilog=_EXAMPLES)
@click.option(
    "--functions", type=click.IntRange(1, 20), default=3, show_default=True, metavar="N",
    help="How many to write.",
)  # fmt: skip
@click.option(
    "--minutes", type=click.IntRange(1, 600), metavar="M",
    help="How long; by default what the functions are meant to take.",
)  # fmt: skip
@click.option(
    "--topic",
    "topics",
    multiple=True,
    metavar="NAME",
    type=TOPIC,
    help="Only from this topic; or several.",
)
@difficulty_option
@click.option(
    "--seed", type=click.IntRange(min=0), help="Which functions are drawn; by default by lot."
)
@click.option("--score", "scores", is_flag=True, help="Score the round that was begun last.")
@timeout_option
@verbose_option
@workspace_option
@course_option
def command(
    functions: int,
    minutes: int | None,
    topics: tuple[str, ...],
    difficulty: str | None,
    seed: int | None,
    scores: bool,
    timeout: float,
    verbose: bool,
    workspace: Path | None,
    course: Path | None,
) -> int:
    """Hold a timed round, as in an interview: functions that you have not solved, and a clock.

    The stubs are put into mock/, and questions to answer aloud are listed. Run again, it scores the
    round that is open, also days later: what counts is when you last saved. Scoring ends a round."""
    from grader.mock import latest
    from grader.workspace import find_workspace

    root = find_workspace(workspace or Path.cwd()).root
    content = course_content(course, workspace)
    one = latest(root)
    if one is not None and (scores or one.scored is None):
        if not scores:
            click.echo("the round that was open is scored; run again to begin another\n")
        return _score(root, content, one, timeout, verbose)
    if scores:
        raise click.UsageError("no round was begun; `grader mock` begins one")
    _begin(root, content, functions, minutes, topics, difficulty, seed)
    return 0


def now() -> datetime:
    """The moment that rounds go by."""
    return datetime.now().astimezone()


def _begin(
    root: Path,
    content: Content,
    functions: int,
    minutes: int | None,
    topics: tuple[str, ...],
    difficulty: str | None,
    seed: int | None,
) -> None:
    """Draw functions and put their stubs where they can be written."""
    from grader.catalog import load_course
    from grader.journal import Journal
    from grader.mock import begin, drawn, questions
    from grader.model import Difficulty
    from grader.practice import matching
    from grader.report.rounds import print_questions, print_start

    if seed is None:
        import secrets

        seed = secrets.randbelow(10_000)
    course = load_course(content)
    fit = exercises_named(course, topics) if topics else [e.name for e in course.exercises]
    level = Difficulty(difficulty) if difficulty else None
    fitting = matching(map(course.exercise, fit), difficulty=level)
    if not fitting:
        raise click.UsageError(f"no exercise there is {difficulty}; `grader list` shows them")
    standings = Journal(root).standings()
    chosen = drawn(fitting, standings, functions, seed)
    if minutes is None:
        minutes = sum(exercise.minutes for exercise in chosen)
    one = begin(root, content, course, chosen, standings, minutes=minutes, seed=seed, now=now())
    screen = console()
    print_start(screen, chosen, minutes, seed)
    click.echo(f"\nuntil {one.ends:%H:%M}, in")
    slugs = dict.fromkeys(exercise.topic for exercise in chosen)
    for slug in slugs:
        click.echo(f"  {one.folder.relative_to(root)}/{slug}.py")
    names = [exercise.name for exercise in chosen]
    print_questions(screen, questions(content, course, names, len(names), seed))
    click.echo("\nwhen you are done: grader mock --score")


def _score(root: Path, content: Content, one: Round, timeout: float, verbose: bool) -> int:
    """Grade a round, note it, and say how it went."""
    from dataclasses import replace

    from grader.cli.warm import starting

    with starting(content) as warm:
        from grader.mock import close, of_round, questions
        from grader.submission import read_submission

        course = of_round(warm.course, one)
        if not course.topics:
            raise click.UsageError(
                f"{one.folder}: none of its functions is in the course any longer; remove the folder"
            )
        submission = replace(
            read_submission(one.folder, course), name=str(one.folder.relative_to(root))
        )
        names = [exercise.name for exercise in course.exercises]
        (report,) = warm.judge([submission], exercises=names, seed=one.seed, timeout=timeout)
    from grader.cli.options import exit_code
    from grader.disclosure import for_student
    from grader.journal import Journal, mistakes_in
    from grader.model import Disclosure
    from grader.report.rounds import print_questions, print_score
    from grader.report.terminal import print_report

    saved = {topic.slug: one.saved(topic.slug) for topic in course.topics}
    screen = console()
    shown = for_student(report, Disclosure.FULL)
    print_report(screen, shown, verbose=verbose, advise=False)
    click.echo()
    print_score(screen, shown, saved, one.started, one.minutes)
    print_questions(screen, questions(content, course, names, len(names), one.seed))
    if one.scored is None:
        journal = Journal(root)
        for score in report.scores:
            at = saved[score.exercise.topic]
            journal.append(
                "mock", score.exercise.name, now(), status=score.status.value,
                late=at is not None and at > one.ends, round=one.folder.name,
                mistakes=mistakes_in(score),
            )  # fmt: skip
        close(one, now())
    return exit_code([report], None)
