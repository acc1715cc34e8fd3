"""Files for a fresh solve: blank stubs, with the imports and the learner's own functions that they may call."""

from __future__ import annotations

from collections.abc import Collection

from grader.content import Content
from grader.model import Topic
from grader.pieces import Parts, parts_of
from grader.stubs import bare_solution


def called_by_solutions(content: Content, topic: Topic, names: Collection[str]) -> set[str]:
    """The other exercises of the topic that the solutions of some call, at once or by way of others."""
    source = content.source(topic.slug)
    text = bare_solution(source.read_text(encoding="utf-8"))
    parts = parts_of(text, str(source), "what it calls cannot be known")
    exercises = {exercise.name for exercise in topic.exercises}
    return (_reached(parts, names) & exercises) - set(names)


def scratch_text(
    content: Content,
    topic: Topic,
    names: Collection[str],
    mine: str,
    file: str,
    given: Collection[str],
    title: str,
) -> str:
    """The text of a file with blank stubs of some exercises of one topic.

    Parameters
    ----------
    names : the exercises to write.
    mine : the learner's file of the topic.
    file : its name, for messages and for the remark on where the given functions are from.
    given : the exercises of the topic that are taken from it, with what they use in turn, where they are written;
        an answer to `names` that only those functions use stays out.
    title : the docstring.

    Raises
    ------
    WorkspaceError : the learner's file is not Python.
    """
    stub_file = content.stub(topic.slug)
    stubs = parts_of(stub_file.read_text(encoding="utf-8"), str(stub_file), "it has no stubs")
    own = parts_of(mine, file, "your functions cannot be taken from it")
    kept = _reached(own, set(given) - set(names), without=names)
    helpers = [
        own.pieces[name].text for name in own.pieces if name in kept and not own.pieces[name].stub
    ]
    imports = dict.fromkeys([*stubs.imports, *own.imports])
    ordered = sorted(imports, key=lambda line: not line.startswith("from __future__ "))
    blocks = [f'"""{title}"""\n\n' + "".join(f"{line}\n" for line in ordered)]
    if helpers:
        helpers[0] = f"# Yours, from {file}: may be called.\n\n\n{helpers[0]}"
    blocks += helpers
    wanted = [
        stubs.pieces[exercise.name].text for exercise in topic.exercises if exercise.name in names
    ]
    if helpers:
        wanted[0] = f"# To be written.\n\n\n{wanted[0]}"
    return "\n\n".join(blocks + wanted)


def _reached(parts: Parts, names: Collection[str], without: Collection[str] = ()) -> set[str]:
    """What some definitions use, at once or by way of others, they themselves among it."""
    found: set[str] = set()
    waiting = [name for name in names if name in parts.pieces]
    while waiting:
        name = waiting.pop()
        if name not in found:
            found.add(name)
            waiting += parts.pieces[name].uses & parts.pieces.keys() - set(without)
    return found
