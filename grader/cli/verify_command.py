"""`grader verify`."""

from __future__ import annotations

from pathlib import Path

import click

from grader.cli.names import TOPIC
from grader.cli.options import console, course_content, course_option

_EXAMPLES = """\b
Examples:
  grader verify
  grader verify softmax --seed 12
  grader verify --seeds 20 --table docs/evidence.md
"""


@click.command("verify", epilog=_EXAMPLES)
@click.argument("topics", nargs=-1, metavar="[TOPIC]...", type=TOPIC)
@click.option(
    "--seed", type=click.IntRange(min=0), default=0, show_default=True, help="The first seed."
)
@click.option(
    "--seeds", type=click.IntRange(min=1), default=1, show_default=True, metavar="N",
    help="Verify at N seeds in a row.",
)  # fmt: skip
@click.option(
    "--jobs", "-j", type=click.IntRange(min=1), default=None, metavar="N",
    help="Topics and seeds verified at once; by default one for each processor.",
)  # fmt: skip
@click.option(
    "--table", type=click.Path(dir_okay=False, path_type=Path), metavar="FILE",
    help="Write the table to a Markdown file too.",
)  # fmt: skip
@course_option
def command(
    topics: tuple[str, ...], seed: int, seeds: int, jobs: int | None, table: Path | None,
    course: Path | None,
) -> int:  # fmt: skip
    """Prove that the hidden suites are right.

    Solutions must pass, stubs be missing, every mistake be rejected by a check of its own exercise and be named as
    itself or not at all, alternatives pass, and answers of zeros, of a flipped sign and of a constant be rejected. Exit
    code 1 where anything is not so."""
    import os
    import time

    from grader.catalog import load_course, validate_course
    from grader.report.progress import Progress
    from grader.verify import markdown, verify

    content = course_content(course)
    start = time.perf_counter()
    complaints = [str(problem) for problem in validate_course(content, topics or None)]
    for complaint in complaints:
        click.echo(f"✗ {complaint}")
    if complaints:
        click.echo(f"{len(complaints)} problems in the content; nothing was run")
        return 1
    n_runs = len(load_course(content, topics or None).topics) * seeds
    with Progress(console(stderr=True), n_runs) as progress:
        proof = verify(
            content, topics or None, range(seed, seed + seeds), jobs or os.cpu_count() or 1,
            on_done=progress.advance,
        )  # fmt: skip
    from grader.report.evidence import print_evidence

    print_evidence(console(), proof.exercises, proof.capstones)
    complaints = proof.complaints
    for complaint in complaints:
        click.echo(f"✗ {complaint}")
    if table is not None:
        from grader.files import write_atomically

        write_atomically(table, markdown(proof, range(seed, seed + seeds)))
    seconds = time.perf_counter() - start
    verdict = f"{len(complaints)} complaints" if complaints else "all proved"
    click.echo(f"{verdict}: {seeds} seed{'s' * (seeds > 1)} from {seed}, {seconds:.0f} s")
    return 1 if complaints else 0
