"""The command line. No logic: each command reads its arguments, calls a room, and prints.

Commands are imported when they are run, so that `grader --help` starts nothing heavy. Exit codes: 0 graded
or done, 1 a gate (`--fail-under`, `--check`, `verify`) is not met, 2 usage or input, 3 our fault.
"""

from __future__ import annotations

import importlib
import io
import os
import sys
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import click

from grader import __version__
from grader.errors import GradsmithError

if TYPE_CHECKING:
    from click.shell_completion import CompletionItem

_COMMANDS = {
    "init": "Make a workspace with the stubs to fill in.",
    "next": "Say which exercise comes next.",
    "list": "List the exercises, with points, difficulty and minutes.",
    "show": "Show the statement of an exercise or a topic.",
    "open": "Open a function in your editor.",
    "check": "Check your functions in a workspace.",
    "watch": "Check on every save, in a terminal beside your editor.",
    "hint": "Give one more hint on an exercise.",
    "break": "Write tests of a function that reject wrong ones, and have them judged.",
    "solution": "Show the solution of an exercise that you have solved.",
    "reset": "Put the stub of one function back.",
    "review": "Solve afresh what is about to be forgotten.",
    "mock": "Hold a timed round, as in an interview.",
    "questions": "List the interview questions.",
    "ask": "Show an interview question, and its answer by steps.",
    "search": "Find interview questions by words.",
    "study": "Study interview questions; they come back before you forget them.",
    "progress": "Show how far you are, and the mistakes you met most.",
    "update": "Bring new content into your workspace; your code stays.",
    "score": "Grade submissions: a file, a folder or a .zip each.",
    "doctor": "Say what this machine gives to hold submissions with.",
    "figure": "Draw a picture from your functions, or from the solutions'.",
    "site": "Make a site of the statements and the interview questions.",
    "class": "Grade a class, keep what comes of it, and tell of it.",
    "replay": "Grade a student's kept submission again, and compare.",
    "nbgrader": "Run a class on nbgrader, graded in the sandbox.",
    "verify": "Prove that the suites accept right code and reject wrong code.",
    "stubs": "Generate the stubs from the solutions.",
    "new-topic": "Make the files of a new topic, for an author to fill in.",
}

_EXAMPLES = """\b
Examples:
  grader init practice && cd practice
  grader check softmax
  grader score homework.zip --format json --output report.json
"""


class LazyGroup(click.Group):
    """A group that knows its commands' summaries, and imports a command when it is run.

    Parameters
    ----------
    summaries : the commands' names and what each does.
    within : the group's own name, which its commands' modules begin with; empty for `grader` itself.
    """

    def __init__(
        self,
        *args: Any,
        summaries: Mapping[str, str] | None = None,
        within: str = "",
        **kwargs: Any,
    ) -> None:
        super().__init__(*args, **kwargs)
        self.summaries = summaries or _COMMANDS
        self.within = f"{within}_" if within else ""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(self.summaries)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in self.summaries:
            return None
        name = f"{self.within}{cmd_name.replace('-', '_')}"
        module = importlib.import_module(f"grader.cli.{name}_command")
        command: click.Command = module.command
        return command

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        try:
            return super().resolve_command(ctx, args)
        except click.UsageError:
            name = args[0]
            import difflib

            near = difflib.get_close_matches(name, self.summaries, n=1)
            ctx.fail(f"no command {name!r}" + (f"; did you mean {near[0]!r}?" if near else ""))

    def shell_complete(self, ctx: click.Context, incomplete: str) -> list[CompletionItem]:
        """Commands and options; the commands are not imported for it."""
        from click.shell_completion import CompletionItem

        commands = [
            CompletionItem(name, help=summary)
            for name, summary in self.summaries.items()
            if name.startswith(incomplete)
        ]
        return commands + click.Command.shell_complete(self, ctx, incomplete)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Commands"):
            formatter.write_dl(list(self.summaries.items()))


@click.command(
    cls=LazyGroup,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
    epilog=_EXAMPLES,
)
@click.option("--no-color", is_flag=True, help="No colours; the variable NO_COLOR does the same.")
@click.version_option(__version__, "-V", "--version", prog_name="grader")
def cli(no_color: bool) -> None:
    """gradsmith: write the gradients that machine-learning interviews ask for, and be told what is
    wrong and why."""


def main(args: list[str] | None = None) -> None:
    """Run the command line and exit with its code."""
    if isinstance(sys.stdout, io.TextIOWrapper) and sys.stdout.errors == "strict":
        sys.stdout.reconfigure(errors="replace")  # an encoding without ∂ shows a ? and ends nothing
    sys.exit(run(args))


def run(args: list[str] | None = None) -> int:
    """Run the command line; the exit code. Nobody sees a traceback unless GRADER_DEBUG is set."""
    try:
        result: Any = cli.main(args, prog_name="grader", standalone_mode=False)
    except click.exceptions.Exit as stop:
        return stop.exit_code
    except click.exceptions.NoArgsIsHelpError as error:
        click.echo(error.format_message(), err=True)
        return 2
    except click.ClickException as error:
        error.show()
        return error.exit_code
    except (click.Abort, KeyboardInterrupt):
        click.echo("\nstopped", err=True)
        return 130
    except GradsmithError as error:
        click.echo(f"Error: {error}", err=True)
        return error.exit_code
    except BrokenPipeError:  # `grader list | head`
        sys.stdout = open(os.devnull, "w")  # noqa: SIM115 - the interpreter flushes it at exit
        return 0
    except Exception as error:
        if os.environ.get("GRADER_DEBUG"):
            raise
        kind = type(error).__name__
        click.echo(
            f"Error: {kind}: {error}\nThis is a fault of gradsmith's, not yours; "
            "run again with GRADER_DEBUG=1 for the traceback, and report it.",
            err=True,
        )
        return 3
    return result if isinstance(result, int) else 0
