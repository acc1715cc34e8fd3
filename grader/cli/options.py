"""Options and steps that several commands share."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from grader.cli.names import QUESTION_TAG, TAG
from grader.sandbox.jail import CHOICES

if TYPE_CHECKING:
    from rich.console import Console

    from grader.content import Content
    from grader.disclosure import Shown
    from grader.model import Course, Exercise, Report, Status
    from grader.questions import Question

F = TypeVar("F", bound=Callable[..., Any])

seed_option = click.option(
    "--seed", type=click.IntRange(min=0), default=0, show_default=True,
    help="All random values of the checks derive from it.",
)  # fmt: skip
timeout_option = click.option(
    "--timeout", type=click.FloatRange(min=0.1, max=3600), default=5.0, show_default=True,
    metavar="SECONDS", help="For one call of a function, and for importing a file.",
)  # fmt: skip
format_option = click.option(
    "--format", "format_", type=click.Choice(["terminal", "json", "junit"]), default="terminal",
    show_default=True, help="How the report is written.",
)  # fmt: skip
output_option = click.option(
    "--output", "-o", type=click.Path(dir_okay=False, path_type=Path), metavar="FILE",
    help="Write the report to FILE, not to the screen.",
)  # fmt: skip
fail_under_option = click.option(
    "--fail-under", type=click.FloatRange(min=0, max=100), metavar="PERCENT",
    help="Exit with 1 where less than PERCENT of the points are earned.",
)  # fmt: skip
course_option = click.option(
    "--course", type=click.Path(exists=True, file_okay=False, path_type=Path), metavar="DIR",
    envvar="GRADER_COURSE",
    help="The folder that holds the course; by default the workspace's, or the one that is installed.",
)  # fmt: skip
workspace_option = click.option(
    "--workspace", "-w", type=click.Path(exists=True, file_okay=False, path_type=Path), metavar="DIR",
    help="The workspace; by default the one you are in.",
)  # fmt: skip
tag_option = click.option(
    "--tag", "tags", multiple=True, metavar="TAG", type=TAG,
    help="Only those with this tag; several: with all of them.",
)  # fmt: skip
difficulty_option = click.option(
    "--difficulty", type=click.Choice(["easy", "medium", "hard"]), help="Only those of this level.",
)  # fmt: skip
question_tag_option = click.option(
    "--tag", "tags", multiple=True, metavar="TAG", type=QUESTION_TAG,
    help="Only those with this tag; several: with all of them.",
)  # fmt: skip
level_option = click.option(
    "--difficulty", "level", type=click.Choice(["screen", "onsite", "research"]),
    help="Only those of this level.",
)  # fmt: skip
disclosure_option = click.option(
    "--disclosure", type=click.Choice(["none", "names", "full"]), metavar="LEVEL",
    help="Write what a student may see, at most LEVEL: none (verdicts), names (checks by name, known mistakes) "
    "or full.",
)  # fmt: skip
isolation_option = click.option(
    "--require-isolation", "isolation", type=click.Choice(CHOICES), metavar="LEVEL",
    help="Grade nothing where submissions are held less strongly: boundary, or a level of `grader doctor`.",
)  # fmt: skip
verbose_option = click.option("--verbose", "-v", is_flag=True, help="Show every failing check.")


def report_options(function: F) -> F:
    """The options of commands that grade."""
    for option in (
        verbose_option, fail_under_option, output_option, format_option, isolation_option, timeout_option,
        seed_option, course_option,
    ):  # fmt: skip
        function = option(function)
    return function


def course_content(course: Path | None, start: Path | None = None) -> Content:
    """The course that is meant: the one named, that of the workspace around `start` or here, the installed one."""
    from grader.content import locate
    from grader.workspace import find_course

    return locate(course if course is not None else find_course(start or Path.cwd()))


def console(*, stderr: bool = False) -> Console:
    """A console for standard output or standard error, without colours where they are not wanted."""
    from rich.console import Console

    context = click.get_current_context(silent=True)
    plain = context is not None and bool(context.find_root().params.get("no_color"))
    # None leaves it to the variable NO_COLOR.
    return Console(stderr=stderr, highlight=False, soft_wrap=False, no_color=plain or None)


def write_reports(
    reports: Sequence[Shown], format_: str, output: Path | None, *, verbose: bool = False
) -> None:
    """Write reports in a format, to a file or to standard output."""
    if format_ == "json":
        from grader.report.json import dumps as render

        text = render(reports)
    elif format_ == "junit":
        from grader.report.junit import dumps as render

        text = render(reports)
    else:
        from grader.report.terminal import print_reports

        if output is None:
            print_reports(console(), reports, verbose=verbose)
            return
        from io import StringIO

        from rich.console import Console

        plain = Console(file=StringIO(), width=100, highlight=False, color_system=None)
        print_reports(plain, reports, verbose=verbose)
        text = plain.file.getvalue()  # type: ignore[attr-defined]  # the StringIO given above
    if output is None:
        click.echo(text, nl=not text.endswith("\n"))
    else:
        from grader.files import write_atomically

        write_atomically(output, text if text.endswith("\n") else text + "\n")


def exit_code(reports: Sequence[Report], fail_under: float | None) -> int:
    """0 graded, 1 below the gate or withheld at a gate, 3 where a check of ours broke."""
    from grader.model import Status

    ours: tuple[Status, ...] = (Status.GRADER_ERROR, Status.UNRESOLVED)
    found = {score.status for report in reports for score in report.scores}
    found |= {capstone.status for report in reports for capstone in report.capstones}
    if found.intersection(ours):
        return 3
    if fail_under is not None and any(r.withheld or r.percent < fail_under for r in reports):
        return 1
    return 0


def exercise_named(course: Course, name: str) -> Exercise:
    """The one exercise that a name stands for; ``softmax`` and ``softmax/softmax`` are the exercise here.

    Raises
    ------
    click.UsageError : it is no exercise; with the nearest one.
    """
    last = name.rstrip("/").split("/")[-1]
    for exercise in course.exercises:
        if exercise.name == last:
            return exercise
    if any(topic.slug == last for topic in course.topics):
        raise click.UsageError(
            f"{name!r} is a topic; name one of its functions: grader list {last}"
        )
    return course.exercise(exercises_named(course, [name])[0])


def exercises_named(course: Course, names: Sequence[str]) -> list[str]:
    """The exercises that names of exercises and topics stand for, in the course's order.

    A name that is both, such as ``softmax``, is the topic; ``softmax/softmax`` is the exercise, and
    ``softmax.py`` or ``softmax/softmax.py`` the topic's file.

    Raises
    ------
    click.UsageError : a name is neither; with the nearest one.
    """
    topics = {topic.slug: topic for topic in course.topics}
    owner = {exercise.name: exercise.topic for exercise in course.exercises}
    wanted: set[str] = set()
    for name in names:
        parts = name.rstrip("/").split("/")
        last = parts[-1].removesuffix(".py").removesuffix(".ipynb")
        inside = len(parts) > 1 and last in owner and parts[-2] == owner[last]
        if last in topics and not (inside and parts[-1] == last):
            wanted.update(exercise.name for exercise in topics[last].exercises)
        elif last in owner:
            wanted.add(last)
        else:
            import difflib

            near = difflib.get_close_matches(last, [*owner, *topics], n=1)
            hint = f"; did you mean {near[0]!r}?" if near else "; `grader list` shows them"
            raise click.UsageError(f"no exercise or topic {name!r}{hint}")
    return [exercise.name for exercise in course.exercises if exercise.name in wanted]


def topics_named(course: Course, names: Sequence[str]) -> list[str]:
    """The topics that names stand for, in the course's order; all of them for none.

    Raises
    ------
    click.UsageError : a name is no topic; with the nearest one.
    """
    slugs = [topic.slug for topic in course.topics]
    wanted = [name.rstrip("/") for name in names]
    for name in wanted:
        if name not in slugs:
            import difflib

            near = difflib.get_close_matches(name, slugs, n=1)
            hint = f"; did you mean {near[0]!r}?" if near else f"; there are {', '.join(slugs)}"
            raise click.UsageError(f"no topic {name!r}{hint}")
    return [slug for slug in slugs if not wanted or slug in wanted]


def questions_of(content: Content, course: Course, tags: Sequence[str] = ()) -> list[Question]:
    """The interview questions that can be read; of the others a line on standard error says how many there are.

    Parameters
    ----------
    tags : each has to be that of a question.

    Raises
    ------
    click.UsageError : no question has a tag; with the nearest one.
    """
    from grader.questions import read_questions

    questions, problems = read_questions(content, course)
    n = len({problem.file for problem in problems} - {str(one.file) for one in questions})
    if n:
        click.echo(
            f"{n} {'file' if n == 1 else 'files'} cannot be read and {'is' if n == 1 else 'are'} left out; "
            "`grader questions --check` says why",
            err=True,
        )
    _known(tags, sorted({tag for one in questions for tag in one.tags}), "question")
    return questions


def known_tags(course: Course, tags: Sequence[str]) -> Sequence[str]:
    """The tags, which some exercise of the course has.

    Raises
    ------
    click.UsageError : none has; with the nearest one.
    """
    _known(
        tags, sorted({tag for exercise in course.exercises for tag in exercise.tags}), "exercise"
    )
    return tags


def _known(tags: Sequence[str], known: Sequence[str], what: str) -> None:
    for tag in tags:
        if tag not in known:
            import difflib

            near = difflib.get_close_matches(tag, known, n=1)
            hint = f"; did you mean {near[0]!r}?" if near else f"; there are {', '.join(known)}"
            raise click.UsageError(f"no {what} has the tag {tag!r}{hint}")
