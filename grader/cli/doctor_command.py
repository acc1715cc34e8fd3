"""`grader doctor`."""

from __future__ import annotations

import click

from grader.cli.options import console

_EXAMPLES = """\b
Examples:
  grader doctor
  grader doctor --format json
"""


@click.command("doctor", epilog=_EXAMPLES)
@click.option(
    "--format", "format_", type=click.Choice(["terminal", "json"]), default="terminal",
    show_default=True, help="How it is written.",
)  # fmt: skip
def command(format_: str) -> None:
    """Say what this machine gives to hold submissions with, and how to get more.

    Each level of isolation is tried by running a worker under it."""
    from grader.sandbox.survey import survey

    found = survey()
    if format_ == "json":
        import json
        from dataclasses import asdict

        click.echo(json.dumps({"schema": 1, **asdict(found)}, indent=2, ensure_ascii=False))
        return
    from grader.report.survey import print_survey

    print_survey(console(), found)
