"""New content of a course brought into a workspace, without touching what the learner has written.

Three texts decide for each function: the stub that was handed out, kept in `.grader/base`; the learner's; the
course's. A function that is still the stub that was handed out becomes the new stub, one that is new is put at the
end, and one that the learner has written stays: where its statement has changed, that is said.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from grader.content import Content
from grader.errors import WorkspaceError
from grader.files import locked, write_atomically
from grader.model import Change, Course, Doing, Topic
from grader.notebooks.editing import updated
from grader.notebooks.format import SUFFIX, NotebookError, dumped, parsed
from grader.notebooks.handout import topic_notebook
from grader.pieces import Parts, Piece, clean, lines_of, parts_of
from grader.workspace import (
    BASE,
    MARKER,
    STATE,
    back_up,
    base_file,
    find_workspace,
    overview,
    topic_file,
    with_version,
)

LOCK = f"{STATE}/update.lock"
_BOM = "\ufeff"


@dataclass(frozen=True, slots=True)
class Step:
    """One file to be written.

    Attributes
    ----------
    file : which.
    old : what it held when the update was planned; None where it was not there.
    new : what it will hold.
    precious : whether a copy of the old one is kept, since the learner may have written in it.
    """

    file: Path
    old: bytes | None
    new: bytes
    precious: bool = False


@dataclass(slots=True)
class Plan:
    """What an update does, in order. The changes are for the learner; the steps are the files."""

    steps: list[Step] = field(default_factory=list)
    changes: list[Change] = field(default_factory=list)


def update(root: Path, content: Content, course: Course) -> Plan:
    """Bring a workspace up to date; what was done.

    Each file is written whole or not at all, and what decides, `.grader/base`, after the files that it is about: an
    update that was interrupted can be run again.

    Raises
    ------
    WorkspaceError : another update is at work, or a file changes meanwhile.
    GradsmithError : a file cannot be read or written.
    """
    with locked(root / LOCK, f"{root}: another `grader update` is at work; wait for it"):
        plan = planned(root, content, course)
        for step in plan.steps:
            _write(root, step)
    return plan


def planned(root: Path, content: Content, course: Course) -> Plan:
    """What an update would do. Nothing is written.

    Raises
    ------
    WorkspaceError : a file cannot be read.
    """
    plan = Plan()
    whole = True
    notebooks = find_workspace(root).notebooks
    for topic in course.topics:
        folder = root / topic.slug
        theirs = topic_file(root, topic.slug, notebooks=notebooks)
        exercises = {e.name: _called(e.name, topic.slug) for e in topic.exercises}
        new = _bytes(content.stub(topic.slug))
        assert new is not None, "load_course has read the topic"
        statement = _bytes(content.statement(topic.slug)) or b""
        if theirs.suffix == SUFFIX:
            known = _bytes(base_file(root, topic.slug, ".md"))
            done = _notebook(
                plan, topic, theirs, (new, statement), base_file(root, topic.slug), known, exercises
            )
        else:
            done = _code(plan, topic.slug, theirs, new, base_file(root, topic.slug), exercises)
        if done:
            _text(
                plan, topic.slug, folder / "README.md", statement,
                base_file(root, topic.slug, ".md"),
            )  # fmt: skip
        else:
            whole = False
    _text(
        plan,
        "",
        root / "README.md",
        overview(course, notebooks=notebooks).encode(),
        base_file(root, "", ".md"),
    )
    listed = {topic.slug for topic in course.topics}
    for kept in sorted((root / BASE).glob("[a-z]*.py")):
        if kept.stem not in listed and (root / kept.stem).is_dir():
            words = "is no longer in the course; your folder stays as it is"
            plan.changes.append(Change(kept.stem, f"{kept.stem}/", Doing.GONE, words))
    if whole:
        marker = _bytes(root / MARKER) or b""
        _step(plan, root / MARKER, marker, with_version(marker.decode()).encode())
    return plan


def _called(name: str, slug: str) -> str:
    """What the commands call an exercise: its topic's name alone would mean the whole topic."""
    return f"{slug}/{name}" if name == slug else name


def _code(
    plan: Plan, slug: str, file: Path, new: bytes, base: Path, exercises: Mapping[str, str]
) -> bool:
    """Plan for a topic's Python file; whether that could be done."""
    old, known = _bytes(file), _bytes(base)
    if old is None:
        fresh = "with its folder: a new topic" if not file.parent.is_dir() else "the stubs"
        plan.changes.append(Change(slug, file.name, Doing.ADDED, fresh))
        _step(plan, file, None, new)
    else:
        try:
            text, changes = merged(
                _decoded(old, file), new.decode(), known.decode() if known is not None else None,
                str(file), exercises,
            )  # fmt: skip
        except WorkspaceError as error:
            plan.changes.append(Change(slug, file.name, Doing.UNREAD, str(error)))
            return False
        plan.changes += [Change(slug, *change) for change in changes]
        untouched = known is not None and _same(_decoded(old, file), known.decode())
        _step(plan, file, old, text.encode(), precious=not untouched)
    _step(plan, base, known, new)
    return True


def _notebook(
    plan: Plan,
    topic: Topic,
    file: Path,
    new: tuple[bytes, bytes],
    base: Path,
    statement: bytes | None,
    exercises: Mapping[str, str],
) -> bool:
    """Plan for a topic's notebook, cell by cell; whether that could be done."""
    old, known = _bytes(file), _bytes(base)
    texts = new[0].decode(), new[1].decode()
    if old is None:
        fresh = "with its folder: a new topic" if not file.parent.is_dir() else "the notebook"
        plan.changes.append(Change(topic.slug, file.name, Doing.ADDED, fresh))
        _step(plan, file, None, dumped(topic_notebook(topic, *texts)))
    else:
        handed = (known or new[0]).decode(), (statement or new[1]).decode()
        try:
            notebook = parsed(old)
        except NotebookError as error:
            line = f", line {error.line}" if error.line is not None else ""
            sentence = f"{file}{line}: {error}"
            plan.changes.append(Change(topic.slug, file.name, Doing.UNREAD, sentence))
            return False
        changes = updated(notebook, topic, texts, handed, exercises)
        plan.changes += [Change(topic.slug, *change) for change in changes]
        if any(doing in (Doing.ADDED, Doing.REPLACED) for _, doing, _ in changes):
            _step(plan, file, old, dumped(notebook), precious=True)
    _step(plan, base, known, new[0])
    return True


def _text(plan: Plan, slug: str, file: Path, new: bytes, base: Path) -> None:
    """Plan for a statement: the new one, and where the learner wrote in it a copy of theirs."""
    old, known = _bytes(file), _bytes(base)

    def same(a: bytes, b: bytes) -> bool:
        return a.replace(b"\r\n", b"\n") == b.replace(b"\r\n", b"\n")

    if old is None:
        if known is None or not same(known, new):  # else it was taken away, and there is no news
            plan.changes.append(Change(slug, file.name, Doing.ADDED, "the statement"))
            _step(plan, file, None, new)
    elif not same(old, new) and (known is None or not same(known, new)):
        touched = known is None or not same(old, known)
        words = "the statement is new" if slug else "the list of topics is new"
        words += f"; yours is kept in {STATE}/backups" if touched else ""
        plan.changes.append(Change(slug, file.name, Doing.REPLACED, words))
        _step(plan, file, old, new, precious=touched)
    _step(plan, base, known, new)


def _step(plan: Plan, file: Path, old: bytes | None, new: bytes, *, precious: bool = False) -> None:
    if old != new:
        plan.steps.append(Step(file, old, new, precious and old is not None))


def _write(root: Path, step: Step) -> None:
    """Carry out one step."""
    try:
        step.file.parent.mkdir(parents=True, exist_ok=True)
        file = step.file.resolve()  # a learner's link stays one
    except OSError as error:
        raise WorkspaceError(f"{step.file}: cannot be written: {error.strerror}") from None
    if step.precious:
        back_up(root, file)
    if _bytes(file) != step.old:
        raise WorkspaceError(f"{step.file}: was changed meanwhile; run `grader update` again")
    write_atomically(file, step.new)


def _bytes(file: Path) -> bytes | None:
    """What a file holds, or None where there is none."""
    try:
        return file.read_bytes()
    except FileNotFoundError:
        return None
    except OSError as error:
        raise WorkspaceError(f"{file}: cannot be read: {error.strerror}") from None


def _decoded(data: bytes, file: Path) -> str:
    try:
        return data.decode()
    except UnicodeDecodeError as error:
        line = data[: error.start].count(b"\n") + 1
        raise WorkspaceError(f"{file}, line {line}: is not UTF-8; save it as UTF-8") from None


# Three texts


def merged(
    theirs: str, new: str, base: str | None, file: str, exercises: Mapping[str, str]
) -> tuple[str, list[tuple[str, Doing, str]]]:
    """The learner's file with what is new in the stubs, and what was done to which function.

    Parameters
    ----------
    theirs, new, base : the learner's file, the course's stubs, and the stubs that were handed out; without those
        everything that stands in the file counts as the learner's.
    file : its name, for messages.
    exercises : the functions that are exercises, and what `grader show` calls them.

    Raises
    ------
    WorkspaceError : the learner's file is not Python.
    """
    bom = _BOM if theirs.startswith(_BOM) else ""
    text = theirs.removeprefix(_BOM)
    crlf = "\r\n" in text and "\n" not in text.replace("\r\n", "")
    text = text.replace("\r\n", "\n") if crlf else text
    mine = parts_of(text, file, "nothing of it is brought up to date")
    ours = parts_of(new, "the stubs", "it cannot be handed out")
    known = parts_of(base or "", f"{BASE}: the stubs", "nothing can be compared with them")
    changes: list[tuple[str, Doing, str]] = []
    replaced: dict[str, str] = {}
    added: list[str] = []
    for name, piece in ours.pieces.items():
        has, had = mine.pieces.get(name), known.pieces.get(name)
        if has is None and had is None:
            added.append(piece.text)
            changes.append((name, Doing.ADDED, "new, at the end of your file"))
        elif has is None or has.text == piece.text or (had is not None and had.text == piece.text):
            continue  # taken away by the learner, or no news
        elif had is not None and has.text == had.text:
            replaced[name] = piece.text
            changes.append((name, Doing.REPLACED, "a new stub; you had not begun it"))
        elif (had or has).head != piece.head:
            taken = base is not None and had is None
            words = _left(name, has, exercises.get(name), taken=taken)
            changes.append((name, Doing.LEFT, words))
    changes += [
        (name, Doing.GONE, "is no longer in the course; yours stays")
        for name in known.pieces
        if name not in ours.pieces and name in mine.pieces
    ]
    if base is not None and _same(text, base):
        text = new
    elif added or replaced:
        lacking = [line for line in ours.imports if line not in mine.imports]
        lacking = [line for line in lacking if base is None or line not in known.imports]
        text = _put(text, mine, replaced, added, lacking)
    return bom + (text.replace("\n", "\r\n") if crlf else text), changes


def _left(name: str, has: Piece, called: str | None, *, taken: bool) -> str:
    """What is said of a function that is left alone."""
    if called is None:
        return f"has changed in the course; compare yours with the one in {BASE}"
    if has.stub:
        return f"its stub has changed; `grader reset {name}` takes the new one"
    compare = f"compare with `grader show {called}`"
    if taken:
        return f"new in the course, and your file has one of that name: {compare}"
    return f"its statement has changed, and yours stays as you wrote it: {compare}"


def _put(
    text: str, mine: Parts, replaced: dict[str, str], added: list[str], imports: list[str]
) -> str:
    """The text with some functions replaced, some imports more, and some functions at the end."""
    lines = lines_of(text)
    for name in sorted(replaced, key=lambda n: -mine.pieces[n].first):
        piece = mine.pieces[name]
        lines[piece.first - 1 : piece.last] = [replaced[name]]
    if imports:
        gap = "" if mine.imports else "\n" if mine.behind else ""
        end = "" if mine.imports else "\n\n"
        block = gap + "".join(f"{line}\n" for line in imports) + end
        if mine.behind and not lines[mine.behind - 1].endswith(("\n", "\r")):
            block = "\n" + block
        lines.insert(mine.behind, block)
    text = "".join(lines)
    for function in added:
        text = text.rstrip() + "\n\n\n" + function if text.strip() else function
    return text


def _same(a: str, b: str) -> bool:
    return clean(a.removeprefix(_BOM)) == clean(b)
