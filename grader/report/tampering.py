"""What was seen of an attack, in lines for a person."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from grader.model import Evidence


def as_lines(evidence: Evidence) -> tuple[str, ...]:
    """Where it was seen, what was due and what came, and its first bytes."""
    where = "while the file was imported"
    if evidence.during:
        where = f"in {evidence.during}, call {evidence.call} of its process"
    came = f"{evidence.received} bytes without a header"
    if evidence.actual:
        came = (
            f"{evidence.actual}, {evidence.length} bytes by its header, {evidence.received} there"
        )
    return (
        f"seen: {evidence.seen}, {where}, at {evidence.at}",
        f"due: {evidence.expected}; came: {came}",
        f"bytes: {evidence.head or 'none'}",
    )
