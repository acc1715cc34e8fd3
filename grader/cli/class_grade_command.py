"""`grader class grade`."""

from __future__ import annotations

from pathlib import Path

import click

from grader.cli.names import EXERCISE_OR_TOPIC
from grader.cli.options import (
    console,
    course_content,
    course_option,
    exercises_named,
    isolation_option,
    timeout_option,
)

_EXAMPLES = """\b
Examples:
  grader class grade submissions --out results
  grader class grade canvas.zip --out results --roster roster.csv
  grader class grade submissions --out results --only softmax --regrade ada
"""


@click.command("grade", epilog=_EXAMPLES)
@click.argument(
    "submissions", nargs=-1, required=True, type=click.Path(path_type=Path),
    metavar="SUBMISSIONS...",
)  # fmt: skip
@click.option(
    "--out", "-o", required=True, type=click.Path(file_okay=False, path_type=Path),
    metavar="RESULTS", help="The folder that keeps the results; made where it is not there.",
)  # fmt: skip
@click.option(
    "--roster", type=click.Path(exists=True, dir_okay=False, path_type=Path), metavar="CSV",
    help="The students of the class: a column id, and name, email, section.",
)  # fmt: skip
@click.option(
    "--only", multiple=True, metavar="NAME", type=EXERCISE_OR_TOPIC,
    help="Grade this exercise or topic only; may be repeated.",
)  # fmt: skip
@click.option(
    "--jobs", "-j", type=click.IntRange(min=1), metavar="N",
    help="Submissions graded at once; by default one for each processor.",
)  # fmt: skip
@click.option(
    "--scheduler", metavar="ADDRESS",
    help="Grade on the cluster of this Dask scheduler, such as tcp://10.0.0.1:8786.",
)  # fmt: skip
@click.option(
    "--secret", type=click.Path(exists=True, dir_okay=False, path_type=Path), metavar="FILE",
    help="Seeds derive from this secret, not from one that RESULTS keeps.",
)  # fmt: skip
@click.option(
    "--seed", type=click.IntRange(min=0, max=2**63 - 1), metavar="N",
    help="One seed for all, that anybody may know.",
)  # fmt: skip
@click.option(
    "--regrade", multiple=True, metavar="STUDENT",
    help="Grade this student again, though nothing has changed; may be repeated.",
)  # fmt: skip
@click.option("--regrade-all", is_flag=True, help="Grade all again.")
@timeout_option
@isolation_option
@click.option("--verbose", "-v", is_flag=True, help="A line for each student, and all notes.")
@course_option
def command(
    submissions: tuple[Path, ...],
    out: Path,
    roster: Path | None,
    only: tuple[str, ...],
    jobs: int | None,
    scheduler: str | None,
    secret: Path | None,
    seed: int | None,
    regrade: tuple[str, ...],
    regrade_all: bool,
    timeout: float,
    isolation: str | None,
    verbose: bool,
    course: Path | None,
) -> int:
    """Grade all submissions of a class.

    SUBMISSIONS is a folder or a .zip with one entry for each student: a folder, a .py file, a notebook or a .zip; or
    what Canvas, Moodle or Gradescope give to download. Several: each one such, or one student's submission.

    Results are kept one by one. The same command goes on where it was stopped, and grades only what is new or
    changed."""
    if secret is not None and seed is not None:
        raise click.UsageError("--secret and --seed: give one of them")
    if scheduler is not None and jobs is not None:
        raise click.UsageError("--jobs is for this machine; the cluster's workers are its own")
    from grader.catalog import load_course
    from grader.classroom.intake import take_in
    from grader.classroom.ledger import Ledger
    from grader.classroom.progress import Showing, print_line, print_notes, print_summary
    from grader.classroom.roster import read_roster
    from grader.classroom.run import Job, choose_seeding, grade_class
    from grader.classroom.unit import Crew, Settings, course_setting, processors

    content = course_content(course)
    loaded = load_course(content)
    names = tuple(exercises_named(loaded, only)) if only else ()
    students = read_roster(roster) if roster is not None else None
    settings = Settings(course_setting(content), names, timeout, isolation or "")
    to_err, to_out = console(stderr=True), console()
    with take_in(submissions, loaded, students) as intake, Ledger(out) as ledger:
        print_notes(to_err, intake, verbose=verbose)
        job = Job(
            content, loaded, settings, choose_seeding(ledger, seed, secret), intake, students,
            None if regrade_all else regrade,
        )  # fmt: skip
        crew: Crew
        if scheduler is not None:
            from grader.classroom.cluster import Cluster

            crew = Cluster(settings, scheduler)
        else:
            from grader.classroom.pool import Pool

            crew = Pool(settings, jobs or min(processors(), max(len(intake.entries), 1)))
        stopped = False
        nobodys: tuple[str, ...] = ()
        showing = Showing(to_err, len(intake.entries), verbose=verbose)
        try:
            with showing:
                nobodys = grade_class(
                    job, ledger, crew, showing.step,
                    lambda what: print_line(
                        to_err, f"note: {what} have changed since; all is graded again"
                    ),
                )  # fmt: skip
        except KeyboardInterrupt:
            stopped = True
        finally:
            crew.close()
        print_summary(to_out, ledger.summary(), showing.counts, len(intake.absent))
        if nobodys:
            rest = [slug for slug in settings.topics(loaded) if slug not in nobodys]
            print_line(
                to_err,
                f"note: nobody handed in {', '.join(nobodys)}: these functions count as missing; leave them out: "
                + " ".join(f"--only {slug}" for slug in rest),
            )
    if stopped:
        n, total = showing.n_done, len(intake.entries)
        print_line(
            to_err,
            f"stopped: {n} of {total} submissions are graded and kept in {out}; the same command goes on",
        )
        return 130
    click.echo(f"results in {out}; next:")
    for what in ("export", "feedback", "report"):
        click.echo(f"  grader class {what} {out}")
    return 0
