"""`%check`, `%hint`, `%task` and `%solution` in IPython."""

from __future__ import annotations

import difflib
import os
import sys
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any

from grader.errors import GradsmithError
from grader.kernel.client import Client
from grader.kernel.history import History, cells_text

if TYPE_CHECKING:
    from IPython.core.interactiveshell import ExecutionInfo, ExecutionResult, InteractiveShell

COMMANDS = ("check", "hint", "task", "solution")
_CHECK = "%check [NAME]... [-v]"
_USAGE = {
    "check": _CHECK,
    "hint": "%hint NAME",
    "task": "%task NAME",
    "solution": "%solution NAME [--give-up]",
}


class Shown:
    """What a magic gives: shown by the notebook as HTML or Markdown, and elsewhere as text."""

    def __init__(self, text: str, *, html: str = "", markdown: str = "") -> None:
        self.text = text
        self.html = html
        self.markdown = markdown

    def __repr__(self) -> str:
        return self.text.rstrip("\n")

    def _repr_mimebundle_(self, include: Any = None, exclude: Any = None) -> dict[str, str]:
        forms = {
            "text/plain": repr(self), "text/html": self.html, "text/markdown": self.markdown,
        }  # fmt: skip
        return {kind: text for kind, text in forms.items() if text}


class Magics:
    """The magics of one session."""

    def __init__(self, shell: InteractiveShell) -> None:
        self.shell = shell
        self.history = History()
        self.client = Client(os.getcwd())
        self._running: str | None = None
        before: list[str] = getattr(shell.history_manager, "input_hist_raw", [])
        for number, source in enumerate(before):  # what was run before the extension was loaded
            if source and number < shell.execution_count:
                self.history.add(f"In [{number}]", source)

    # which cells were run

    def begins(self, info: ExecutionInfo) -> None:
        """A cell begins to run."""
        self._running = info.raw_cell if info.store_history else None

    def ended(self, result: ExecutionResult) -> None:
        """A cell has been run, or has failed."""
        info = result.info
        self._running = None
        if info is None or not info.store_history or info.raw_cell is None:
            return
        if result.error_before_exec is not None:
            return
        before = None
        if result.error_in_exec is not None:
            before = _line_of(result.error_in_exec.__traceback__, self.shell.user_ns) or 1
        name = f"In [{result.execution_count or self.shell.execution_count - 1}]"
        self.history.add(name, info.raw_cell, before=before)

    def _taken(self, names: list[str]) -> list[tuple[str, str]]:
        """The cells that make up some names; of the one that runs now, what stands above the magic."""
        line = None
        frame = sys._getframe()
        while frame is not None and line is None:
            if frame.f_globals is self.shell.user_ns and frame.f_code.co_name == "<module>":
                line = frame.f_lineno
            frame = frame.f_back  # type: ignore[assignment]  # None at the end
        if self._running is None or line is None:
            return self.history.taken(names, self.shell.user_ns)
        self.history.add(f"In [{self.shell.execution_count}]", self._running, before=line)
        try:
            return self.history.taken(names, self.shell.user_ns)
        finally:
            self.history.runs.pop()

    # the magics

    def check(self, line: str) -> Shown | None:
        """%check [NAME]... [-v]

        Check functions as they are now defined: those named, those of the topics named, or without a name those of
        the notebook's topic. -v shows every failing check.
        """
        names, options = self._read("check", line, ("-v", "--verbose"))
        if not names:
            names = self._here()
        if not names:
            raise GradsmithError(
                f"no function of the course is defined in this session; name one: {_CHECK}"
            )
        wanted: dict[str, list[str]] = self.client.ask("resolve", names=names)["exercises"]
        sources = {}
        for slug, exercises in wanted.items():
            text, cells = cells_text(self._taken(exercises))
            sources[slug] = {"file": f"{slug}.ipynb", "text": text, "cells": cells}
        every = [name for exercises in wanted.values() for name in exercises]
        undefined = [name for name in every if name not in self.shell.user_ns]
        notes = []
        if undefined:
            which = ", ".join(undefined)
            verb = "is" if len(undefined) == 1 else "are"
            cell = "its cell" if len(undefined) == 1 else "their cells"
            notes = [f"{which} {verb} not defined in this session: run {cell} first"]
        answer = self.client.ask(
            "grade", sources=sources, exercises=every, notes=notes, verbose=bool(options)
        )
        return Shown(answer["text"], html=answer["html"])

    def hint(self, line: str) -> Shown | None:
        """%hint NAME

        Give one more hint on an exercise: the concept, the equation, the shapes, the line.
        """
        name, _ = self._one("hint", line)
        return Shown(self.client.ask("hint", name=name)["text"])

    def task(self, line: str) -> Shown | None:
        """%task NAME

        Show the statement of an exercise or of a topic.
        """
        name, _ = self._one("task", line)
        answer = self.client.ask("task", name=name)
        return Shown(answer["text"], markdown=answer["markdown"])

    def solution(self, line: str) -> Shown | None:
        """%solution NAME [--give-up]

        Show the solution of an exercise that you have solved, and how yours differs; --give-up shows it before.
        """
        name, options = self._one("solution", line, ("--give-up",))
        mine, _ = cells_text(self._taken([name.split("/")[-1]]))
        answer = self.client.ask("solution", name=name, give_up=bool(options), mine=mine)
        return Shown(answer["text"], markdown=answer["markdown"])

    def _one(self, magic: str, line: str, known: tuple[str, ...] = ()) -> tuple[str, list[str]]:
        names, options = self._read(magic, line, known)
        if len(names) != 1:
            raise GradsmithError(f"name one exercise: {_USAGE[magic]}")
        return names[0], options

    @staticmethod
    def _read(magic: str, line: str, known: tuple[str, ...]) -> tuple[list[str], list[str]]:
        """The names and the options of a line."""
        words = line.split("#")[0].replace(",", " ").split()
        options = [word for word in words if word.startswith("-")]
        for option in options:
            if option not in known:
                near = difflib.get_close_matches(option, known, n=1)
                hint = f"; did you mean {near[0]}?" if near else ""
                raise GradsmithError(f"no option {option}{hint} ({_USAGE[magic]})")
        return [word.strip("'\"") for word in words if word not in options], options

    def _here(self) -> list[str]:
        """The topic of this notebook; where that is not known, the exercises that are defined."""
        topics = self.client.names
        session = self.shell.user_ns.get("__vsc_ipynb_file__") or os.environ.get("JPY_SESSION_NAME")
        for place in (session, os.getcwd()):
            if isinstance(place, str) and Path(place).stem in topics:
                return [Path(place).stem]
        return [
            f"{slug}/{name}" for slug, names in topics.items() for name in names
            if name in self.shell.user_ns
        ]  # fmt: skip

    # completion

    def complete(self, shell: Any, event: Any) -> list[str]:
        """Names that the line can go on with."""
        try:
            topics = self.client.names
        except GradsmithError:
            return []
        magic = event.line.split()[0].lstrip("%")
        found = [name for names in topics.values() for name in names]
        found += [slug for slug in topics if slug not in found and magic in ("check", "task")]
        if magic == "check":
            found.append("-v")
        if magic == "solution":
            found.append("--give-up")
        return found


def _line_of(trace: TracebackType | None, namespace: dict[str, Any]) -> int | None:
    """The line of the cell at which an exception arose."""
    line = None
    while trace is not None:
        frame = trace.tb_frame
        if frame.f_globals is namespace and frame.f_code.co_name == "<module>":
            line = trace.tb_lineno
        trace = trace.tb_next
    return line


def load(shell: InteractiveShell) -> None:
    """Give a session the magics; again, it starts the grader anew."""
    unload(shell)
    magics = Magics(shell)
    shell._gradsmith = magics  # type: ignore[attr-defined]  # ours, to be found by `unload`
    shell.events.register("pre_run_cell", magics.begins)
    shell.events.register("post_run_cell", magics.ended)
    for name in COMMANDS:
        shell.register_magic_function(_told(shell, getattr(magics, name)), "line", name)
        hook: Any = shell.set_hook  # which has no types
        hook("complete_command", magics.complete, str_key=f"%{name}")


def unload(shell: InteractiveShell) -> None:
    """Take the magics away, and end the grader."""
    magics = getattr(shell, "_gradsmith", None)
    if magics is None:
        return
    magics.client.close()
    del shell._gradsmith  # type: ignore[attr-defined]  # ours
    shell.events.unregister("pre_run_cell", magics.begins)
    shell.events.unregister("post_run_cell", magics.ended)
    for name in COMMANDS:
        shell.magics_manager.magics["line"].pop(name, None)


def _told(shell: InteractiveShell, magic: Any) -> Any:
    """The magic, with what went wrong told in a line and not by a traceback."""

    def run(line: str) -> Shown | None:
        try:
            shown: Shown | None = magic(line)
        except GradsmithError as error:
            print(f"Error: {error}", file=sys.stderr)
            return None
        except KeyboardInterrupt:  # the rest of the cell is stopped too
            raise KeyboardInterrupt("stopped; nothing was noted") from None
        return shown

    run.__doc__ = magic.__doc__
    run.__name__ = magic.__name__
    return run
