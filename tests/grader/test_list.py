"""The list of exercises: filters, and how far a learner is."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import click
import pytest

from grader.content import Content
from grader.journal import Journal

Run = Callable[..., str]


def names(text: str) -> list[str]:
    """The functions of a listing."""
    return [line.split()[0] for line in text.splitlines() if line.startswith("  ")]


def test_a_workspace_has_a_status_column(at_work: Run) -> None:
    """In words, beside each function."""
    journal = Journal(Path())
    journal.append("checked", "row_means", status="failed", mistakes=[])
    journal.append("solution", "scaled_square_grad")
    text = at_work("list")
    assert "◐ tried" in text
    assert "→ gave up" in text
    journal.append("checked", "row_means", status="passed", mistakes=[])
    assert "✓ solved" in at_work("list")


def test_filters(at_work: Run, own_toy: Content) -> None:
    """By status, level and tags; several tags narrow; nothing left is said."""
    toml = own_toy.topic_toml("toy")
    text = toml.read_text()
    head, tail = text.split('name = "row_means"')
    tail = tail.replace('tags = ["toy"]', 'tags = ["toy", "mean"]').replace("easy", "hard")
    toml.write_text(head + 'name = "row_means"' + tail)
    Journal(Path()).append("checked", "row_means", status="failed", mistakes=[])
    both, first, second = ["scaled_square_grad", "row_means"], ["scaled_square_grad"], ["row_means"]
    assert names(at_work("list", "--tag", "toy")) == [*both, "capstone"]
    assert names(at_work("list", "--tag", "toy", "--tag", "mean")) == second
    assert names(at_work("list", "--difficulty", "easy")) == first
    assert names(at_work("list", "toy", "--status", "tried")) == second
    assert names(at_work("list", "--status", "new")) == first
    nothing = at_work("list", "toy", "--status", "solved", "--tag", "mean")
    assert nothing == "no exercise fits: toy --tag mean --status solved\n"


def test_what_cannot_be_asked_for(
    at_work: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A tag that is not there has a nearest one; a status needs a workspace."""
    with pytest.raises(click.UsageError, match="did you mean 'toy'"):
        at_work("list", "--tag", "toys")
    with pytest.raises(click.UsageError, match="there are toy"):
        at_work("list", "--tag", "zzz")
    monkeypatch.chdir(tmp_path)
    with pytest.raises(click.UsageError, match="grader init"):
        at_work("list", "--status", "new")
    assert "status" not in at_work("list", "softmax")
