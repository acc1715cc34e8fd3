"""nbgrader's `Autograde` with one step of its own: what two conversions do to a notebook is done in one.

nbgrader converts a submission twice, writes it, reads it again, checks each cell against a schema that it checks as
well, and asks the gradebook for each cell. Of a notebook that was put in order (`mending`) most of that finds nothing
to do. The rest is done here, with nbgrader's own functions and the same values: a test holds the two against each
other, row by row and byte by byte. Folders, files, hooks, failures and late penalties stay nbgrader's.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, Final

from nbgrader import utils
from nbgrader.api import Gradebook
from nbgrader.converters import Autograde
from nbgrader.preprocessors import AssignLatePenalties

from grader.nbgrader_course.exporter import as_node, submitted_bytes
from grader.nbgrader_course.gradebook import cells_of
from grader.nbgrader_course.mending import Known, mended
from grader.nbgrader_course.preprocessors import GradeInSandbox, SaveVerdicts

_ROOM: Final = "grader.nbgrader_course"
STEPS: Final = (
    f"{_ROOM}.preprocessors.GradeInSandbox",
    "nbgrader.preprocessors.IgnorePattern",
    "nbconvert.preprocessors.ClearMetadataPreprocessor",
    "nbgrader.preprocessors.LimitOutput",
    "nbgrader.preprocessors.SaveAutoGrades",
    f"{_ROOM}.preprocessors.SaveVerdicts",
    "nbgrader.preprocessors.AssignLatePenalties",
    "nbgrader.preprocessors.CheckCellMetadata",
)
"""The preprocessors of a course as `grader nbgrader build` makes it."""
OTHERWISE: Final = (
    "CheckCellMetadata", "ClearMetadataPreprocessor", "ClearOutput", "DeduplicateIds", "Exporter", "FilesWriter",
    "IgnorePattern", "LimitOutput", "NbConvertBase", "NbGraderPreprocessor", "NotebookExporter", "OverwriteCells",
    "OverwriteKernelspec", "Preprocessor", "SaveAutoGrades", "SaveVerdicts", "SubmissionExporter", "WriterBase",
)  # fmt: skip
"""Sections of the configuration that change what is left out here: with one of them, nbgrader does it all itself."""


def converter_class(config: Any) -> type[Any]:
    """`QuickAutograde` where a course does what it was made to do, and nbgrader's own for all others."""
    own = config.Autograde
    steps = tuple(own.get("autograde_preprocessors", ()))
    changed = "sanitize_preprocessors" in own or any(name in config for name in OTHERWISE)
    return QuickAutograde if steps == STEPS and not changed else Autograde


class QuickAutograde(Autograde):  # type: ignore[misc]  # nbgrader has no types
    """Brings submissions into the gradebook; to be used under `KeptOpen`, which takes care of failures."""

    known: dict[str, _Handed]
    """What was handed out, by notebook; shared by the converters of one run."""

    def convert_single_notebook(self, notebook_filename: str) -> None:
        """Grade a notebook, write it as nbgrader would, and its rows. The argument is nbgrader's."""
        resources = self.init_single_notebook_resources(notebook_filename)
        ids = resources["nbgrader"]
        with Gradebook(ids["db_url"]) as book:
            handed = self._handed(book, ids)
            read = mended(submitted_bytes(Path(notebook_filename)), handed.cells)
            nb = as_node(read)
            if handed.kernelspec:
                nb.metadata["kernelspec"] = handed.kernelspec
            for cell in nb.cells:
                rules = cell.metadata.get("nbgrader")
                if rules is not None:
                    rules["checksum"] = handed.checksums[rules["grade_id"]]
            with utils.setenv(NBGRADER_EXECUTION="autograde"):
                nb, resources = GradeInSandbox(parent=self.exporter).preprocess(nb, resources)
            self._save(book, nb, ids, handed)
            nb, resources = SaveVerdicts(parent=self.exporter).preprocess(nb, resources)
            nb, resources = AssignLatePenalties(parent=self.exporter).preprocess(nb, resources)
        self.exporter._preprocessors = []
        output, resources = self.exporter.from_notebook_node(nb, resources=resources)
        self.write_single_notebook(output, resources)

    def _handed(self, book: Any, ids: Any) -> _Handed:
        name = ids["notebook"]
        if name not in self.known:
            self.known[name] = _Handed(book.find_notebook(name, ids["assignment"]))
        return self.known[name]

    def _save(self, book: Any, nb: Any, ids: Any, handed: _Handed) -> None:
        """The rows that nbgrader's `SaveAutoGrades` would write."""
        found = book.find_submission_notebook(ids["notebook"], ids["assignment"], ids["student"])
        grades = {handed.names[row.cell_id]: row for row in found.grades}
        comments = {handed.names[row.cell_id]: row for row in found.comments}
        for cell in nb.cells:
            name = cell.metadata.get("nbgrader", {}).get("grade_id")
            if utils.is_grade(cell):
                row = grades[name]
                row.auto_score, _ = utils.determine_grade(cell, self.log)
                row.needs_manual_grade = row.manual_score is not None or row.auto_score is None
            if utils.is_solution(cell) or utils.is_task(cell):
                same = cell.metadata.nbgrader["checksum"] == utils.compute_checksum(cell)
                comments[name].auto_comment = (
                    "No response." if same and not utils.is_task(cell) else None
                )
        book.db.commit()


class _Handed:
    """A notebook as it was handed out, by the gradebook."""

    def __init__(self, notebook: Any) -> None:
        self.cells: list[Known] = cells_of(notebook)
        self.kernelspec: Any = json.loads(notebook.kernelspec) if notebook.kernelspec else None
        self.checksums: dict[str, str] = {
            cell.name: cell.checksum for cell in notebook.source_cells
        }
        cells = (*notebook.grade_cells, *notebook.solution_cells, *notebook.task_cells)
        self.names: dict[str, str] = {cell.id: cell.name for cell in cells}
