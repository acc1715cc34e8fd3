"""A workspace: made whole or not at all, found from inside, never overwritten."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from grader.catalog import load_course
from grader.content import Content
from grader.errors import WorkspaceError
from grader.workspace import create_workspace, find_workspace


def create(path: Path, content: Content) -> Path:
    return create_workspace(path, content, load_course(content)).root


def test_workspace_has_stubs_and_statements(toy: Content, tmp_path: Path) -> None:
    """Stubs, statements, a README that lists the functions, and the marker."""
    root = create(tmp_path / "new" / "practice", toy)
    assert (root / "toy" / "toy.py").read_text() == toy.stub("toy").read_text()
    assert (root / "toy" / "README.md").read_text() == toy.statement("toy").read_text()
    assert "`row_means`" in (root / "README.md").read_text()
    assert "__pycache__" in (root / ".gitignore").read_text()
    assert os.listdir(tmp_path / "new") == ["practice"]


def test_empty_folder_may_be_filled(toy: Content, tmp_path: Path) -> None:
    """A folder that exists and is empty is taken."""
    (tmp_path / "practice").mkdir()
    assert (create(tmp_path / "practice", toy) / "grader.toml").is_file()


def test_nothing_is_overwritten(toy: Content, tmp_path: Path) -> None:
    """A workspace, another full folder, and a file are refused and left as they were."""
    root = create(tmp_path / "practice", toy)
    (root / "toy" / "toy.py").write_text("mine")
    with pytest.raises(WorkspaceError, match="a workspace already"):
        create(root, toy)
    assert (root / "toy" / "toy.py").read_text() == "mine"
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "notes").write_text("x")
    with pytest.raises(WorkspaceError, match="not empty already"):
        create(tmp_path / "full", toy)
    (tmp_path / "file").write_text("x")
    with pytest.raises(WorkspaceError, match="already"):
        create(tmp_path / "file", toy)


def test_failure_leaves_nothing(own_toy: Content, tmp_path: Path) -> None:
    """Where a stub is missing, no half workspace is left behind."""
    own_toy.stub("toy").unlink()
    (tmp_path / "there").mkdir()
    with pytest.raises(WorkspaceError, match="cannot be written"):
        create(tmp_path / "there" / "practice", own_toy)
    assert os.listdir(tmp_path / "there") == []


def test_found_from_below(toy: Content, tmp_path: Path) -> None:
    """Any folder inside a workspace finds its root."""
    root = create(tmp_path / "practice", toy)
    assert find_workspace(root / "toy").root == root
    assert find_workspace(root).root == root


def test_no_workspace_says_what_to_do(tmp_path: Path) -> None:
    """Outside of a workspace the error names the command that makes one."""
    with pytest.raises(WorkspaceError, match="grader init"):
        find_workspace(tmp_path)


@pytest.mark.parametrize("text", ["schema = 2\n", "schema = \n", "", "\xff"])
def test_marker_that_cannot_be_read(tmp_path: Path, text: str) -> None:
    """A marker of another version or that is no TOML is one clear error."""
    (tmp_path / "grader.toml").write_bytes(text.encode("latin-1"))
    with pytest.raises(WorkspaceError, match=r"grader\.toml"):
        find_workspace(tmp_path)
