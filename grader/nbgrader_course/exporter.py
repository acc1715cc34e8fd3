"""How nbgrader reads a submission in a course of ours: `c.Autograde.exporter_class`.

nbgrader would give up on a file that is no notebook, and leave the scores of the run before. Here every file becomes a
notebook in order (`mending`), and scores are taken back before anything is done with it.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import nbformat
from nbconvert.exporters import NotebookExporter

from grader.nbgrader_course.gradebook import forget, known_cells
from grader.nbgrader_course.mending import Known, Mended, mended
from grader.nbgrader_course.verdicts import Work
from grader.notebooks.format import MAX_BYTES, NotebookError

NOTE = "gradsmith"
"""The key of the notebook's metadata with what could not be read, and what was mended; students' own is dropped."""


class SubmissionExporter(NotebookExporter):  # type: ignore[misc]  # nbconvert has no types
    """Reads what was submitted with care, and what nbgrader wrote itself as ever."""

    def from_filename(
        self, filename: str, resources: Any = None, **options: Any
    ) -> tuple[str, Any]:
        """Convert a file. The arguments are nbconvert's."""
        ids = (resources or {}).get("nbgrader")
        if ids is None or not self._submitted(filename, ids):
            found: tuple[str, Any] = super().from_filename(filename, resources=resources, **options)
            return found
        forget(ids["db_url"], ids["assignment"], ids["notebook"], ids["student"])
        known = known_cells(ids["db_url"], ids["assignment"], ids["notebook"])
        read = mended(submitted_bytes(Path(filename)), known)
        for note in read.notes:
            self.log.warning("%s: %s", filename, note)
        if read.fault:
            self.log.warning("%s: %s", filename, read.fault)
        resources.setdefault("metadata", {})["name"] = ids["notebook"]
        made: tuple[str, Any] = self.from_notebook_node(as_node(read), resources=resources)
        return made

    def _submitted(self, filename: str, ids: Any) -> bool:
        """Whether a file is as the student handed it in."""
        places = self.parent.coursedir
        folder = places.format_path(places.submitted_directory, ids["student"], ids["assignment"])
        return bool(os.path.abspath(os.path.dirname(filename)) == os.path.abspath(folder))


def submitted_bytes(file: Path) -> bytes:
    """As much of a file as is looked at; nothing of what is no file."""
    if file.is_symlink() or not file.is_file():
        return b""
    with file.open("rb") as stream:
        return stream.read(MAX_BYTES + 1)


def work_of(file: Path, topic: str, known: Sequence[Known]) -> Work | None:
    """What is graded of a submitted file; None where nothing of it can be read."""
    read = mended(submitted_bytes(file), known)
    try:
        return None if read.fault else Work(topic, *read.python())
    except NotebookError:
        return None


def as_node(read: Mended) -> Any:
    """nbformat's form of a mended notebook."""
    node = nbformat.from_dict(read.data)
    node.metadata[NOTE] = {"fault": read.fault, "notes": list(read.notes)}
    return node
