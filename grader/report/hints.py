"""The ladder of hints, as far as a learner has climbed it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from grader.model import RUNGS

if TYPE_CHECKING:
    from rich.console import Console

    from grader.model import Exercise


def print_hints(console: Console, exercise: Exercise, n_rungs: int, *, bare: bool = False) -> None:
    """Print the first rungs; the newest stands out, and what comes next is said.

    With `bare` only the rungs, for where the exercise's name and what to do next stand elsewhere.
    """
    from rich.padding import Padding
    from rich.text import Text

    if not bare:
        console.print(Text.assemble((exercise.name, "bold"), "  ", exercise.title))
    for number, rung in enumerate(RUNGS[:n_rungs], start=1):
        newest = number == n_rungs
        label = Text(f"{number} of {len(RUNGS)}, {rung}", "bold yellow" if newest else "dim")
        text = getattr(exercise.hints, rung)
        console.print(label)
        style = "" if newest else "dim"
        if rung == "line":
            console.print(Padding(Text(text.strip("\n"), style, no_wrap=True), (0, 0, 0, 2)))
        else:
            console.print(Padding(Text(text, style), (0, 0, 0, 2)))
    if bare:
        return
    if n_rungs < len(RUNGS):
        more = f"`grader hint {exercise.name}` again shows the {RUNGS[n_rungs]}"
    else:
        more = (
            f"that was the last one; `grader solution {exercise.name} --give-up` shows the solution"
        )
    console.print(Text(more, "dim"))
