"""The files of a new topic, for an author to fill in: `grader verify` says what is still to be written."""

from __future__ import annotations

import ast
import json
import re
import tomllib
from collections.abc import Iterator, Sequence
from pathlib import Path

from grader.content import Content
from grader.errors import AuthoringError
from grader.stubs import make_stub

TO_DO = "TODO"
"""Stands at the head of whatever an author still has to write."""

_COURSE = """schema = 1
title = {title}
topics = []
"""
_TOPIC = """schema = 1
title = {title}
summary = "TODO: one sentence on what the topic teaches."
"""
_EXERCISE = """
[[exercises]]
name = "{name}"
title = "TODO: a title for {name}"
points = 2                      # 1 to 10
difficulty = "medium"           # easy, medium, hard
minutes = 15                    # for someone who knows the mathematics
tags = ["{tag}"]
[exercises.hints]               # each rung gives away more
concept = "TODO: what idea is at work, without a formula."
equation = "TODO: the formula to write."
shape = "TODO: which axes are kept, summed and broadcast."
line = "TODO: the one line that people get wrong, as code."
"""
_STATEMENT = """# {title}

TODO: a few sentences on where this is met, and what the topic teaches.

## Notation

- TODO: symbols, shapes, and conventions that differ in the field: which is meant, and why.
- Arrays are float64.
- Nested lists or tuples of numbers count as arrays in what you return; a float may be a Python float, an
  `np.float64` or a 0-d array.
- Arguments are never changed in place.
- NumPy and the standard library are all that can be imported.
"""
_SECTION = """
## `{signature}`

TODO: what it returns, formula, shapes, dtype, edge cases, errors, an example with numbers, a reference (author, year,
equation).
"""
_SOURCE = """\"\"\"{title}.\"\"\"

import numpy as np
"""
_FUNCTION = """

def {signature}:
    \"\"\"TODO: what it computes, on one line.

    TODO: formula, shapes, dtype, edge cases, errors, source (paper and equation), and an example that is run.
    \"\"\"
    ### BEGIN SOLUTION
    raise NotImplementedError("TODO: the solution")
    ### END SOLUTION
"""
_SUITE = """\"\"\"Hidden suite of the topic {slug}.

Expected values come from plain loops, closed forms and differences, never from the solution. For each function: values,
shape, dtype, extremes, every edge case and error that the statement names, arguments left alone, such as

    def test_{name}_values(submission, rng):
        x = rng.normal(size=(3, 5))
        assert_close(submission.{name}(x), expected(x), axes=("row", "column"))
\"\"\"
"""
_MISTAKES = """\"\"\"Wrong on purpose, at least three for each function.

Named <function>__<what_is_wrong>, such as {name}__no_factor_two. The first line of the docstring is read after
'this is what you get when'. NumPy only.
\"\"\"
"""
_ALTERNATIVES = """\"\"\"Right, but written in another way, at least two for each function.

Named <function>__<how_written>, such as {name}__loop: loops, einsum, lists returned, another but equal formula.
NumPy only.
\"\"\"
"""
_TOPICS = re.compile(r"^topics\s*=\s*\[(.*?)\]", re.MULTILINE | re.DOTALL)
_SLUG = re.compile(r"[a-z][a-z0-9]*(?:_[a-z0-9]+)*")


def topic_files(
    content: Content, slug: str, title: str, signatures: Sequence[str]
) -> dict[Path, str]:
    """The files of a new topic, by path, with what an author has to write marked by `TO_DO`.

    Parameters
    ----------
    content : the course that the topic is for; its `course.toml` need not be there yet.
    slug : names the topic's folder, module and suite.
    signatures : of its functions, such as ``softmax(z, axis=-1)``.

    Raises
    ------
    AuthoringError : the slug or a signature is none, or the course has such a topic already.
    """
    if not _SLUG.fullmatch(slug):
        raise AuthoringError(f"{slug!r} is no topic's name; use a-z, 0-9 and single underscores")
    names = [_name(signature) for signature in signatures]
    for name in names:
        if names.count(name) > 1:
            raise AuthoringError(f"{name}: two functions of that name; keep one")
    first = names[0]
    source = _SOURCE.format(title=title) + "".join(
        _FUNCTION.format(signature=signature) for signature in signatures
    )
    tag = slug.replace("_", "-")
    files = {
        content.source(slug): source,
        content.topic_toml(slug): _TOPIC.format(title=json.dumps(title, ensure_ascii=False))
        + "".join(_EXERCISE.format(name=name, tag=tag) for name in names),
        content.statement(slug): _STATEMENT.format(title=title)
        + "".join(_SECTION.format(signature=signature) for signature in signatures),
        content.stub(slug): make_stub(source, f"{slug}.py"),
        content.suite(slug): _SUITE.format(slug=slug, name=first),
        content.mistakes_file(slug): _MISTAKES.format(name=first),
        content.alternatives_file(slug): _ALTERNATIVES.format(name=first),
    }
    for path in files:
        if path.exists():
            raise AuthoringError(f"{path}: is there already; choose another name for the topic")
    files[content.course_toml] = _with_topic(content, slug)
    return files


def _name(signature: str) -> str:
    """The name in a signature such as ``softmax(z, axis=-1)``."""
    try:
        tree = ast.parse(f"def {signature}: pass")
    except (SyntaxError, ValueError):
        tree = ast.Module([], [])
    match tree.body:
        case [ast.FunctionDef(name=name, returns=None)] if not name.startswith("_"):
            return name
    raise AuthoringError(
        f"{signature!r} is no signature; write it as in a definition, such as 'softmax(z, axis=-1)'"
    )


def _with_topic(content: Content, slug: str) -> str:
    """`course.toml` with the topic listed last."""
    file = content.course_toml
    try:
        text = file.read_text(encoding="utf-8")
    except FileNotFoundError:
        name = content.root.resolve().name.replace("_", " ").replace("-", " ")
        text = _COURSE.format(title=json.dumps(name.capitalize() or "A course", ensure_ascii=False))
    except (OSError, UnicodeDecodeError) as error:
        raise AuthoringError(f"{file}: cannot be read: {error}") from None
    by_hand = AuthoringError(f"{file}: cannot be read as a list of topics; mend it first")
    try:
        before = tomllib.loads(text).get("topics")
    except tomllib.TOMLDecodeError:
        raise by_hand from None
    found = _TOPICS.search(text)
    if found is None or not isinstance(before, list):
        raise by_hand
    if slug in before:
        raise AuthoringError(f"{file}: lists {slug!r} already; choose another name for the topic")
    inside = found[1].rstrip().removesuffix(",")
    if "\n" in found[1]:
        new = f'{inside},\n  "{slug}",\n' if inside.strip() else f'\n  "{slug}",\n'
    else:
        new = f'{inside}, "{slug}"' if inside.strip() else f'"{slug}"'
    changed = text[: found.start(1)] + new + text[found.end(1) :]
    if tomllib.loads(changed).get("topics") != [*before, slug]:
        raise by_hand
    return changed


def unwritten(content: Content, slug: str) -> Iterator[tuple[Path, int, str]]:
    """File, line and text of what an author of a topic still has to write."""
    for path in (
        content.topic_toml(slug),
        content.statement(slug),
        content.source(slug),
        content.suite(slug),
        content.mistakes_file(slug),
        content.alternatives_file(slug),
    ):
        for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), start=1):
            if TO_DO in line:
                yield path, number, line[line.index(TO_DO) + len(TO_DO) :].lstrip(": ")
