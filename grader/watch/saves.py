"""The files of a workspace: their versions now, and word of each save."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

from grader.errors import UnreadableSubmissionError
from grader.model import Course
from grader.notebooks.format import SUFFIX
from grader.submission import Submission, read_submission
from grader.watch.versions import Version, version_of

DEBOUNCE_MS = 50
"""Milliseconds for which saves that follow each other closely are taken together, at most."""
STEP_MS = 5
"""Milliseconds without a save after which those before are told of: an editor's writes follow closer."""
RETRY = 1.0
"""Seconds between attempts to watch folders that cannot be watched."""


class Files:
    """The topics' files of a workspace, as they are graded.

    Parameters
    ----------
    root : the workspace.
    course : whose topics are looked at.
    """

    def __init__(self, root: Path, course: Course) -> None:
        self.root = root
        self.course = course

    def versions(self, topics: Sequence[str] | None = None) -> dict[str, Version | None]:
        """The version of each topic's file now, or None where it is not there."""
        wanted = [t.slug for t in self.course.topics] if topics is None else list(topics)
        stamps = (
            self.stamps()
        )  # before the text, so that a save in between is seen by the next look
        try:
            submission = read_submission(self.root, self.course)
        except UnreadableSubmissionError:  # no file at all
            return dict.fromkeys(wanted)
        return {topic: _version(submission, topic, stamps.get(topic, ())) for topic in wanted}

    def stamps(self) -> dict[str, tuple[int, ...]]:
        """What tells one save of each topic's file from another; a file that is not there has none."""
        found: dict[str, tuple[int, ...]] = {}
        for topic in self.course.topics:
            for file in self.places(topic.slug):
                try:
                    stat = os.lstat(file)
                except (OSError, ValueError):
                    continue
                found[topic.slug] = (stat.st_mtime_ns, stat.st_size, stat.st_ino)
                break
        return found

    def places(self, topic: str) -> tuple[Path, ...]:
        """Where a topic's file can stand; the first that is there counts."""
        folders = self.root, self.root / topic
        return tuple(f / f"{topic}{suffix}" for suffix in (".py", SUFFIX) for f in folders)

    def topic_of(self, path: Path) -> str | None:
        """The topic whose file a path is; None for swap files, copies and all else."""
        for topic in self.course.topics:
            if path in self.places(topic.slug):
                return topic.slug
        return None

    def is_folder(self, path: Path) -> bool:
        """Whether a path is a topic's folder, which may be another one now."""
        return path.parent == self.root and any(path.name == t.slug for t in self.course.topics)

    def folders(self) -> list[Path]:
        """The folders to be watched."""
        inner = [self.root / topic.slug for topic in self.course.topics]
        return [folder for folder in (self.root, *inner) if folder.is_dir()]


def _version(submission: Submission, topic: str, stamp: tuple[int, ...]) -> Version | None:
    source = submission.sources.get(topic)
    if source is not None:
        return version_of(source.text, stamp, source.file)
    for problem in submission.problems:
        if problem.topic == topic:  # there, but no text
            return Version("", stamp, file=problem.file)
    return None


class Saves:
    """Tells of saves, from a thread.

    Parameters
    ----------
    files : the workspace's.
    post : takes the topics whose files were written; called in the thread.

    Notes
    -----
    Folders are watched, not files: an editor that saves by rename puts another file in the place of the one
    before. A folder that is made anew is watched from then on.
    """

    def __init__(self, files: Files, post: Callable[[Sequence[str]], None]) -> None:
        self.files = files
        self.post = post
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._run, name="grader-watch-saves", daemon=True)
        self._thread.start()

    def close(self) -> None:
        """End the thread."""
        self._over.set()
        self._thread.join(1.0)

    def _run(self) -> None:
        while not self._over.is_set():
            try:
                for paths in self._changes():
                    topics = {self.files.topic_of(path) for path in paths} - {None}
                    self.post(sorted(topic for topic in topics if topic is not None))
                    if any(self.files.is_folder(path) for path in paths):
                        break
                else:
                    self._over.wait(RETRY)
            except (
                Exception
            ):  # no more watches to be had, or no folder: the session looks by itself
                self._over.wait(RETRY)

    def _changes(self) -> Iterator[list[Path]]:
        from watchfiles import watch

        self.post([topic.slug for topic in self.files.course.topics])  # what was saved before
        for changes in watch(
            *self.files.folders(),
            watch_filter=None,
            debounce=DEBOUNCE_MS,
            step=STEP_MS,
            stop_event=self._over,
            rust_timeout=1000,
            raise_interrupt=False,
            recursive=False,
        ):
            yield [Path(path) for _, path in changes]
