"""What a test cell calls in a course without the sandboxed autograder: nbgrader runs the cell, and it grades.

No proof against code that means harm: the score is made where the student's code runs. What is graded is nevertheless
the text of the function, in a process of its own: the student's process sends it there and shows what comes back.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

from grader.errors import GradsmithError

if TYPE_CHECKING:
    from grader.nbgrader_course.pool import Pool


class CellScore(float):
    """A score, which nbgrader reads as the number it is, and a notebook shows with what the checks found."""

    text: str
    html: str

    def __new__(cls, value: float, text: str = "", html: str = "") -> CellScore:
        score = super().__new__(cls, value)
        score.text, score.html = text, html
        return score

    def __repr__(self) -> str:
        return repr(float(self))

    def _repr_html_(self) -> str | None:
        return self.html or None


_POOLS: dict[str, Pool] = {}


def grade_cell(name: str, points: float) -> CellScore:
    """Grade a function as it is now defined in the notebook; the last line of a test cell.

    Parameters
    ----------
    name : an exercise of the course; the one in the folder that the variable GRADER_COURSE names, else the installed.
    points : what the cell is worth; all for a function that passes every check, and none otherwise.

    Raises
    ------
    GradsmithError : there is no such exercise, no notebook, or no score can be given.
    """
    import warnings

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # nbgrader takes a word on standard error for a failure
        return _graded(name, float(points), _session())


def _session() -> Any:
    try:
        from IPython.core.getipython import get_ipython
    except ImportError:
        raise GradsmithError("grade_cell: needs IPython; run it in a notebook") from None
    shell: Any = get_ipython()
    if shell is None:
        raise GradsmithError("grade_cell: run it in a notebook")
    return shell


def _graded(name: str, points: float, shell: Any) -> CellScore:
    from grader.kernel.history import History, cells_text
    from grader.nbgrader_course.pool import Pool
    from grader.nbgrader_course.verdicts import FOR_A_PERSON, Work
    from grader.notebooks.cells import Place

    course = os.environ.get("GRADER_COURSE", "")
    pool = _POOLS.setdefault(course, Pool(course))
    topics = pool.topics()
    topic = next((slug for slug, names in topics.items() if name in names), None)
    if topic is None:
        raise GradsmithError(f"grade_cell: no exercise {name!r}; name a function of the course")
    history = History()
    before = getattr(shell.history_manager, "input_hist_raw", [])
    for number, source in enumerate(before):
        if source and number < shell.execution_count:
            history.add(f"In [{number}]", source)
    text, places = cells_text(history.taken([name], shell.user_ns))
    work = Work(topic, text, tuple(Place(*place) for place in places))
    verdict = pool.verdict(work, exercises=[name]).of(name)
    if verdict is None or verdict.status in FOR_A_PERSON:
        why = verdict.comment if verdict is not None else "the grader says nothing of it"
        raise GradsmithError(f"grade_cell: {name}: {why}")
    return CellScore(verdict.scaled(points), verdict.text, verdict.html)
