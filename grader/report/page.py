"""Pages that stand alone: one HTML file, without scripts, that fetches nothing, from a template.

What stands in a template is ours. Whatever is put in is escaped, has its hidden characters shown and is cut to
`LONGEST`. The page's policy forbids what escaping alone would only avoid: scripts, addresses, frames, forms, and
styles other than the one sheet.
"""

from __future__ import annotations

import base64
import hashlib
import re
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from grader.model import Status
from grader.report import telling, terminal
from grader.report.grouping import by_topic
from grader.report.visible import visible

if TYPE_CHECKING:
    from collections.abc import Mapping

    from grader.model import Report

TEMPLATES: Final = Path(__file__).with_name("templates")
LONGEST: Final = 20_000
"""Characters of one text that are shown."""
UNFOLDED: Final = 3
"""Groups of failing checks of a function that are shown unfolded; on paper all are."""
_KEPT: Final = "\n\t"
_COMMAND: Final = re.compile(r"`([^`\n]{1,200})`")


def page(template: str, values: Mapping[str, Any], folder: Path = TEMPLATES) -> str:
    """A page.

    Parameters
    ----------
    template : its name in `folder`; it extends ``frame.html``.
    values : what the template asks for; one that it lacks is an error.
    """
    sheet = _sheet()
    digest = base64.b64encode(hashlib.sha256(sheet.encode()).digest()).decode()
    policy = (
        f"default-src 'none'; style-src 'sha256-{digest}'; img-src data:; "
        "base-uri 'none'; form-action 'none'"
    )
    text = _environment(folder).get_template(template)
    return text.render(values, sheet=Markup(sheet), policy=policy) + "\n"


def picture(data: bytes, kind: str = "svg+xml") -> str:
    """The address of a picture that a page carries itself."""
    return f"data:image/{kind};base64,{base64.b64encode(data).decode('ascii')}"


@cache
def _sheet() -> str:
    return (TEMPLATES / "sheet.css").read_text(encoding="utf-8")


@cache
def _environment(folder: Path) -> Environment:
    made = Environment(
        loader=FileSystemLoader([folder, TEMPLATES]),
        autoescape=True,
        undefined=StrictUndefined,
        finalize=_shown,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    made.globals.update(
        Status=Status,
        looks=terminal.LOOKS,
        unread=terminal.UNREAD,
        not_theirs=terminal.NOT_THEIRS,
        by_topic=by_topic,
        block=telling.block,
        place=telling.place,
        source_line=telling.source_line,
        undecided=telling.counted,
        tally=telling.tally,
        unfolded=UNFOLDED,
        remarks=terminal.remarks,
        share=terminal.share,
        percentage=_percentage,
        advice=terminal.advice_on_status,
        what_next=terminal.what_next,
    )
    made.filters["commands"] = _commands
    return made


def _percentage(report: Report) -> str:
    return terminal.percentage(report).replace("%", " %")


def _shown(value: Any) -> Any:
    """What every expression of a template goes through."""
    if not isinstance(value, str) or isinstance(value, Markup):
        return value
    if len(value) > LONGEST and not value.startswith("data:image/"):
        value = f"{value[:LONGEST]}… and {len(value) - LONGEST} more characters"
    return visible(value, kept=_KEPT)


def _commands(text: str) -> Markup:
    """A text of ours, in which commands stand between backquotes."""
    parts = _COMMAND.split(_shown(text.strip()))
    marked = [
        Markup("<code>{}</code>").format(part) if odd % 2 else Markup("{}").format(part)
        for odd, part in enumerate(parts)
    ]
    return Markup("").join(marked)
