"""What the shell completes, and output without colours."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from click.shell_completion import ShellComplete

from grader.cli import cli
from grader.content import Content

Run = Callable[..., str]
COLOUR = re.compile(r"\x1b\[[\d;]*\b(?:3\d|9\d)[\d;]*m")


def completions(*words: str) -> list[str]:
    """What may stand in place of the last word."""
    *before, last = words
    found = ShellComplete(cli, {}, "grader", "_GRADER_COMPLETE").get_completions(before, last)
    return [item.value for item in found]


@pytest.mark.parametrize(
    ("words", "names"),
    [
        (["ne"], ["next", "new-topic"]),
        (["--no"], ["--no-color"]),
        (["hint", "softmax_v"], ["softmax_vjp"]),
        (["--no-color", "reset", "softmax_v"], ["softmax_vjp"]),
        (["check", "softmax_vjp", "softmax_"], ["softmax_jacobian", "softmax_saturation"]),
        (["check", "matrix_"], ["matrix_factorization"]),
        (["show", "attention"], ["attention", "attention_scores", "attention_grads"]),
        (["mock", "--topic", "soft"], ["softmax"]),
        (["ask", "attention-sca"], ["attention-scale"]),
        (["study", "--tag", "satur"], ["saturation"]),
        (["list", "--tag", "multi"], ["multi-head"]),
        (["figure", "att"], ["attention"]),
        (["verify", "conv"], ["convolution"]),
        (["list", "--status", "g"], ["gave-up"]),
    ],
)
def test_names_are_completed(words: list[str], names: list[str]) -> None:
    """Commands, exercises, topics, tags and figures."""
    found = completions(*words)
    assert set(found) == set(names) or (words[0] == "show" and set(names) <= set(found))
    assert len(found) == len(set(found))


def test_the_course_in_force_is_completed(at_work: Run, own_toy: Content, tmp_path: Path) -> None:
    """That of the workspace one is in, or of the one that is named; none where it is broken."""
    assert completions("hint", "") == ["scaled_square_grad", "row_means"]
    os.chdir(tmp_path)
    assert "row_means" not in completions("hint", "")
    assert completions("hint", "--course", str(own_toy.root), "r") == ["row_means"]
    assert completions("hint", "--workspace", str(tmp_path / "ws"), "r") == ["row_means"]
    own_toy.course_toml.write_text("title = ")
    assert completions("hint", "--course", str(own_toy.root), "r") == []
    assert completions("hint", "--workspace", str(tmp_path / "ws"), "r") == []


def test_completion_starts_nothing_heavy(tmp_path: Path) -> None:
    """It is waited for at each press of the key."""
    code = (
        "import sys\nfrom grader.cli import run\n"
        "try: run([])\nexcept SystemExit: pass\n"
        "heavy = {'numpy', 'scipy', 'pytest', 'matplotlib', 'rich', 'fsrs'} & set(sys.modules)\n"
        "sys.exit(repr(heavy) if heavy else 0)"
    )
    words = {"_GRADER_COMPLETE": "zsh_complete", "COMP_CWORD": "2"}
    words["COMP_WORDS"] = "grader hint softmax_v"
    done = subprocess.run(
        [sys.executable, "-c", code],
        env={**os.environ, **words},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert "softmax_vjp" in done.stdout


@pytest.mark.parametrize(
    ("before", "env", "coloured"),
    [([], {}, True), (["--no-color"], {}, False), ([], {"NO_COLOR": "1"}, False)],
)
def test_colours_can_be_switched_off(
    at_work: Run, before: list[str], env: dict[str, str], coloured: bool
) -> None:
    """By an option of the whole program, or the variable that many programs know."""
    variables = {k: v for k, v in os.environ.items() if k != "NO_COLOR"}
    variables |= {"FORCE_COLOR": "1", "TERM": "xterm-256color", **env}
    for args in (["check"], ["solution", "row_means", "--give-up"], ["list"]):
        done = subprocess.run(
            [sys.executable, "-m", "grader", *before, *args],
            env=variables,
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        if not coloured:
            assert not COLOUR.search(done.stdout + done.stderr)
    if coloured:
        assert COLOUR.search(done.stdout)
