"""`grader review`."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

import click

from grader.cli.names import EXERCISE
from grader.cli.options import (
    console,
    course_content,
    course_option,
    exercise_named,
    seed_option,
    timeout_option,
    verbose_option,
    workspace_option,
)

if TYPE_CHECKING:
    from grader.content import Content
    from grader.model import Course, Exercise
    from grader.review import Memory

FOLDER = "review"
_EXAMPLES = """\b
Examples:
  grader review                    (what is due, and a blank stub)
  grader review --check
  grader review softmax_vjp --give-up
"""


@click.command("review", epilog=_EXAMPLES)
@click.argument("name", required=False, type=EXERCISE)
@click.option("--check", "checks", is_flag=True, help="Check what you wrote.")
@click.option("--give-up", is_flag=True, help="Show the solution; it comes back soon.")
@seed_option
@timeout_option
@verbose_option
@workspace_option
@course_option
def command(
    name: str | None,
    checks: bool,
    give_up: bool,
    seed: int,
    timeout: float,
    verbose: bool,
    workspace: Path | None,
    course: Path | None,
) -> int:
    """Solve afresh what you solved before, when it is about to be forgotten.

    Without an option: what is due, and a blank stub of the first, or of NAME, in review/NAME.py; what
    you have solved stays as it is. When a function comes back depends on how well it went each time."""
    if checks and give_up:
        raise click.UsageError("--check and --give-up: give one of them")
    if checks:
        return _check(name, seed, timeout, verbose, workspace, course)
    from grader.catalog import load_course
    from grader.workspace import find_workspace

    root = find_workspace(workspace or Path.cwd()).root
    content = course_content(course, workspace)
    loaded = load_course(content)
    if give_up:
        _give_up(root, content, _open_one(root, loaded, name))
    else:
        _start(root, content, loaded, name)
    return 0


def now() -> datetime:
    """The moment that reviews go by."""
    return datetime.now().astimezone()


def _memories(root: Path) -> dict[str, Memory]:
    from grader.journal import Journal
    from grader.review import memories

    return memories(Journal(root).entries(), now())


def _start(root: Path, content: Content, course: Course, name: str | None) -> None:
    """Say what is due, and put a stub where it can be written."""
    from grader.files import make_folder, write_atomically
    from grader.report.reviews import coming_back, print_due
    from grader.review import due

    names = {exercise.name for exercise in course.exercises}
    known = {key: one for key, one in _memories(root).items() if key in names}
    if name is not None:
        exercise = exercise_named(course, name)
        if exercise.name not in known:
            raise click.UsageError(
                f"{exercise.name} has not been solved yet: there is nothing to review; "
                f"`grader check {exercise.name}` checks it"
            )
    moment = now()
    today, zone = moment.date(), moment.tzinfo
    late = due(known.values(), moment, zone)
    begun = [each for each in _begun(root, course) if each.name in known]
    if name is None:
        if not known:
            click.echo("nothing to review yet: exercises come back here after you have solved them")
            return
        if late:
            rows = [
                (
                    one.exercise, course.exercise(one.exercise).topic,
                    one.last.astimezone(zone).date(), one.due(zone), one.recall(moment),
                )
                for one in late
            ]  # fmt: skip
            print_due(console(), rows, today)
        elif not begun:
            first = min(known.values(), key=lambda one: one.card.due)
            click.echo(f"nothing is due; {coming_back(first.exercise, first.due(zone), today)}")
            return
        exercise = begun[0] if begun else course.exercise(late[0].exercise)
    file = _file(root, exercise)
    place = f"{FOLDER}/{file.name}"
    then = f"  grader review --check {exercise.name}\n  grader review --give-up {exercise.name}"
    if file.exists():
        click.echo(f"{place} is begun already; go on there, then one of\n{then}")
        return
    text = _blank(root, content, course, exercise)
    make_folder(file.parent)
    write_atomically(file, text)
    click.echo(f"{place} is a blank stub; write it, then one of\n{then}")


def _blank(root: Path, content: Content, course: Course, exercise: Exercise) -> str:
    """The text of the file to write in."""
    from grader.scratch import called_by_solutions, scratch_text
    from grader.workspace import learner_text, topic_file

    topic = course.topic(exercise.topic)
    order = [each.name for each in topic.exercises]
    given = {*order[: order.index(exercise.name)]}
    given |= called_by_solutions(content, topic, [exercise.name])
    mine = topic_file(root, topic.slug)
    return scratch_text(
        content, topic, [exercise.name], learner_text(mine) if mine.is_file() else "",
        f"{topic.slug}/{mine.name}", given,
        f"A fresh solve of {exercise.name}. When it is written: grader review --check",
    )  # fmt: skip


def _check(
    name: str | None,
    seed: int,
    timeout: float,
    verbose: bool,
    workspace: Path | None,
    course: Path | None,
) -> int:
    """Grade what was written, and note how it went."""
    from grader.cli.warm import starting

    with starting(course_content(course, workspace)) as warm:
        from grader.files import read_text
        from grader.model import Status
        from grader.submission import Source, Submission
        from grader.workspace import find_workspace

        root = find_workspace(workspace or Path.cwd()).root
        exercise = _open_one(root, warm.course, name)
        file = _file(root, exercise)
        if not file.is_file():
            raise click.UsageError(
                f"{FOLDER}/{file.name} is not there; `grader review {exercise.name}` makes it"
            )
        source = Source(exercise.topic, f"{FOLDER}/{file.name}", read_text(file))
        submission = Submission(FOLDER, {exercise.topic: source}, (exercise.topic,))
        (report,) = warm.judge([submission], exercises=[exercise.name], seed=seed, timeout=timeout)
    from grader.cli.options import exit_code
    from grader.disclosure import for_student
    from grader.journal import Journal, mistakes_in
    from grader.model import Disclosure
    from grader.report.terminal import print_report
    from grader.review import FAILED, PASSED

    shown = for_student(report, Disclosure.FULL)
    print_report(console(), shown, verbose=verbose, advise=False)
    (score,) = report.scores
    journal = Journal(root)
    click.echo()
    if score.status is Status.PASSED:
        journal.append("reviewed", exercise.name, now(), outcome=PASSED, mistakes=[])
        _put_away(root, file)
        click.echo(f"{exercise.name} passes; {_comes_back(root, exercise)}")
    elif score.status in (Status.FAILED, Status.ERROR, Status.TIMEOUT):
        journal.append(
            "reviewed", exercise.name, now(), outcome=FAILED, mistakes=mistakes_in(score)
        )
        click.echo("not yet: mend it and check again; --give-up shows the solution")
    elif score.status is Status.MISSING:
        click.echo(f"{FOLDER}/{file.name} is still a stub; nothing is noted")
    return exit_code([report], None)


def _give_up(root: Path, content: Content, exercise: Exercise) -> None:
    """Show the solution, and note it."""
    from grader.journal import Journal
    from grader.practice import solution_text
    from grader.report.code import print_function
    from grader.review import GAVE_UP

    if exercise.name not in _memories(root):
        raise click.UsageError(
            f"{exercise.name} has not been solved yet; "
            f"`grader solution {exercise.name} --give-up` shows its solution"
        )
    source = content.source(exercise.topic)
    solution = solution_text(source.read_text(encoding="utf-8"), exercise.name, str(source))
    Journal(root).append("reviewed", exercise.name, now(), outcome=GAVE_UP, mistakes=[])
    _put_away(root, _file(root, exercise))
    print_function(console(), solution)
    click.echo(f"\n{exercise.name}: {_comes_back(root, exercise)}")


def _comes_back(root: Path, exercise: Exercise) -> str:
    from grader.report.reviews import coming_back

    moment = now()
    day = _memories(root)[exercise.name].due(moment.tzinfo)
    return coming_back("it", day, moment.date())


def _file(root: Path, exercise: Exercise) -> Path:
    return root / FOLDER / f"{exercise.name}.py"


def _begun(root: Path, course: Course) -> list[Exercise]:
    """The exercises with a file to write in, the latest first."""
    files = [_file(root, exercise) for exercise in course.exercises]
    there = sorted((f for f in files if f.is_file()), key=lambda f: -f.stat().st_mtime)
    return [course.exercise(file.stem) for file in there]


def _open_one(root: Path, course: Course, name: str | None) -> Exercise:
    """The exercise that is meant: the one named, else the only one that is begun."""
    if name is not None:
        return exercise_named(course, name)
    begun = _begun(root, course)
    if len(begun) == 1:
        return begun[0]
    if not begun:
        raise click.UsageError("no review is begun; `grader review` says what is due")
    raise click.UsageError(
        f"several reviews are begun: name one of {', '.join(each.name for each in begun)}"
    )


def _put_away(root: Path, file: Path) -> None:
    """Take away a file that is done with; a copy is kept."""
    from grader.workspace import back_up

    if file.is_file():
        back_up(root, file)
        file.unlink(missing_ok=True)
