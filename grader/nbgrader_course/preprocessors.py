"""What nbgrader's configuration names: grading in the sandbox in the place of running the notebook.

`GradeInSandbox` fills the outputs of the test cells, from which nbgrader's `SaveAutoGrades` takes the scores;
`SaveVerdicts` stands behind that one and writes comments, and leaves to a person what a person has to decide.
"""

from __future__ import annotations

import html
from functools import cache
from pathlib import Path
from typing import Any

from nbformat.v4 import new_output
from nbgrader.preprocessors import NbGraderPreprocessor
from traitlets import Float, Integer, Unicode

from grader.catalog import load_course
from grader.content import Content, locate
from grader.model import Course, Status
from grader.nbgrader_course.exporter import NOTE
from grader.nbgrader_course.gradebook import save_verdicts
from grader.nbgrader_course.mending import Mended
from grader.nbgrader_course.pool import TIMEOUT, Pool
from grader.nbgrader_course.source import exercise_of, grade_id
from grader.nbgrader_course.verdicts import (
    FOR_A_PERSON,
    VERDICTS,
    CellVerdict,
    Kept,
    Verdict,
    Work,
    settings_of,
)
from grader.notebooks.format import NotebookError

MAX_NOTES = 5
"""Lines of a comment about what was mended in the notebook."""
_FOUND = "gradsmith"
"""The key of the resources by which the second preprocessor knows what the first one found."""


class GradeInSandbox(NbGraderPreprocessor):  # type: ignore[misc]  # nbgrader has no types
    """Grades the functions of a notebook as text, in another process; no cell is run."""

    course = Unicode("", help="The folder of the course; by default the installed one.").tag(
        config=True
    )
    seed = Integer(0, help="All random values of the checks derive from it.").tag(config=True)
    timeout = Float(TIMEOUT, help="Seconds for one call of a student's function.").tag(config=True)

    def preprocess(self, nb: Any, resources: Any) -> tuple[Any, Any]:
        """Put the scores into the test cells. The arguments are nbconvert's."""
        slug = resources["nbgrader"]["notebook"]
        told = nb.metadata.pop(NOTE, {})
        fault, notes = told.get("fault", ""), told.get("notes", [])
        content, course = _course(self.course)
        verdict = None
        if slug in {topic.slug for topic in course.topics}:
            try:
                verdict = (
                    self._refused(course, slug, fault) if fault else self._graded(content, slug, nb)
                )
            except NotebookError as error:
                verdict = self._refused(course, slug, str(error))
        undecided = []
        for cell in nb.cells:
            rules = cell.metadata.get("nbgrader", {})
            if cell.cell_type != "code" or not rules.get("grade", False) or rules["solution"]:
                continue
            found = verdict.of(exercise_of(rules["grade_id"])) if verdict is not None else None
            if found is None or found.status in FOR_A_PERSON:
                undecided.append(rules["grade_id"])
            cell.outputs = [_output(found, float(rules["points"]))]
        resources[_FOUND] = (verdict, undecided, notes)
        return nb, resources

    def _graded(self, content: Content, slug: str, nb: Any) -> Verdict:
        text, places = Mended(nb).python()
        work = Work(slug, text, places)
        settings = settings_of(content, slug, seed=self.seed, timeout=self.timeout)
        kept = Kept(Path(self.parent.parent.coursedir.root) / VERDICTS)
        digest = work.digest(settings)
        verdict = kept.get(digest)
        if verdict is None:
            verdict = _pool(self.course, self.timeout).verdict(work, seed=self.seed)
            kept.put(digest, verdict)
        return verdict

    def _refused(self, course: Course, slug: str, fault: str) -> Verdict:
        """What comes of a notebook that cannot be read: nothing, for every function."""
        words = f"the submitted {slug}.ipynb {fault}"
        block = f"<div>{html.escape(words)}</div>"
        cells = [
            CellVerdict(each.name, Status.ERROR, 0.0, each.points, words, words, block)
            for each in course.topic(slug).exercises
        ]
        return Verdict(slug, tuple(cells))


class SaveVerdicts(NbGraderPreprocessor):  # type: ignore[misc]  # nbgrader has no types
    """Writes comments, and takes back scores that are for a person to give."""

    def preprocess(self, nb: Any, resources: Any) -> tuple[Any, Any]:
        """Write into the gradebook. The arguments are nbconvert's."""
        ids = resources["nbgrader"]
        verdict, undecided, notes = resources[_FOUND]
        comments = {}
        for cell in verdict.cells if verdict is not None else ():
            told = _about(cell, verdict, notes) if cell.status is not Status.PASSED else []
            comments[cell.exercise] = "\n".join((cell.comment, *told))
        save_verdicts(
            ids["db_url"], ids["assignment"], ids["notebook"], ids["student"], comments, undecided
        )
        return nb, resources


def _about(cell: CellVerdict, verdict: Verdict, notes: list[str]) -> list[str]:
    """The notes for a function's comment: on its own cells, and on those that are no other function's."""
    others = {each.exercise for each in verdict.cells} - {cell.exercise}
    others |= {grade_id(name) for name in others}
    return [note for note in notes if note.partition(" ")[0] not in others][:MAX_NOTES]


def _output(found: CellVerdict | None, points: float) -> Any:
    """The output of a test cell: the score as its text, what the checks found as HTML."""
    if found is None:
        words = "this cell is no test of a function of the course: a person has to grade it"
        score, block = 0.0, f"<div>{words}</div>"
    else:
        score, block = found.scaled(points), found.html
    data = {"text/plain": repr(float(score)), "text/html": block}
    return new_output("execute_result", data=data)


@cache
def _course(root: str) -> tuple[Content, Course]:
    content = locate(Path(root) if root else None)
    return content, load_course(content)


@cache
def _pool(course: str, timeout: float) -> Pool:
    """The process that grades while nbgrader runs; it ends with this one."""
    return Pool(course, timeout=timeout)
