"""A page about the class, and files for Canvas, Moodle and spreadsheets, by nbgrader's own export:

nbgrader export --exporter=grader.nbgrader_course.class_export.ClassExporter --to results
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from nbgrader.plugins import ExportPlugin
from traitlets import Bool, Enum, List

from grader.classroom.exports import canvas, moodle
from grader.classroom.exports.documents import class_json
from grader.classroom.exports.tables import by_exercise, by_student
from grader.classroom.overview import overview_page
from grader.errors import GradsmithError
from grader.files import make_folder, write_atomically
from grader.nbgrader_course.graded_class import GradedClass, graded_class

FOLDER = "export"
"""Where the files go without `--to`."""
FILES: dict[str, tuple[str, Callable[[GradedClass, str, bool], str | bytes]]] = {
    "report": ("class.html", lambda it, title, excel: overview_page(it.room)),
    "csv": ("grades.csv", lambda it, title, excel: by_student(it.grades, excel=excel)),
    "long-csv": ("functions.csv", lambda it, title, excel: by_exercise(it.grades, excel=excel)),
    "canvas": ("canvas.csv", lambda it, title, excel: canvas.gradebook(it.grades, title, excel=excel)),
    "moodle": ("moodle.csv", lambda it, title, excel: moodle.gradebook(it.grades, title, excel=excel)),
    "json": ("class.json", lambda it, title, excel: class_json(it.room, it.grades)),
}  # fmt: skip
"""By format: the name of the file, and what makes it of a class, an assignment's name, and whether Excel reads it."""


class ClassExporter(ExportPlugin):  # type: ignore[misc]  # nbgrader has no types
    """Writes a folder for each assignment: ``class.html`` and files for other systems."""

    formats = List(Enum(list(FILES)), list(FILES), help="What is written; by default all.").tag(
        config=True
    )
    excel = Bool(False, help="CSV as Excel likes it: a mark of UTF-8, CRLF.").tag(config=True)

    def export(self, gradebook: Any) -> None:
        """Write the files under the folder that `--to` names. The argument is nbgrader's."""
        try:
            self._export(gradebook)
        except GradsmithError as error:
            if self.parent is None:
                raise
            self.parent.fail("%s", error)  # nbgrader's way: the message, and exit code 1

    def _export(self, gradebook: Any) -> None:
        names = [each.name for each in gradebook.assignments]
        asked = [str(each) for each in self.assignment]
        if strange := sorted(set(asked) - set(names)):
            there = ", ".join(names) or "none"
            raise GradsmithError(
                f"no assignment {strange[0]!r} in the gradebook, which has {there}"
            )
        if not names:
            raise GradsmithError(
                "no assignment in the gradebook; `nbgrader generate_assignment NAME` puts one there"
            )
        students = {str(each) for each in self.student}
        places = self.parent.coursedir
        for name in asked or names:
            found = graded_class(gradebook, places, self.config, name, students)
            folder = Path(self.to or FOLDER) / name
            make_folder(folder)
            for format_ in self.formats:
                file, made = FILES[format_]
                write_atomically(folder / file, made(found, name, self.excel))
            self.log.info(
                "%s: %d students, of whom %d handed something in",
                folder,
                len(found.grades),
                len(found.room.results),
            )
