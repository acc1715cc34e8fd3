"""The command line as a person uses it: what it prints, its exit codes, and that nobody sees a traceback."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import xml.etree.ElementTree as ET
from collections.abc import Callable
from pathlib import Path

import pytest

from grader.content import locate

Run = Callable[..., "subprocess.CompletedProcess[str]"]
CONTENT = locate()


@pytest.fixture
def run(tmp_path: Path) -> Run:
    """Runs `grader …` in a folder, at 80 columns, without colours."""

    def run(
        *args: str | Path, cwd: Path = tmp_path, **env: str
    ) -> subprocess.CompletedProcess[str]:
        done = subprocess.run(
            [sys.executable, "-W", "error", "-m", "grader", *map(str, args)],
            cwd=cwd,
            capture_output=True,
            text=True,
            check=False,
            env={**os.environ, "COLUMNS": "80", "NO_COLOR": "1", **env},
        )
        assert "Traceback" not in done.stderr + done.stdout
        return done

    return run


@pytest.fixture
def workspace(run: Run, tmp_path: Path) -> Path:
    """A fresh workspace."""
    assert run("init", "practice").returncode == 0
    return tmp_path / "practice"


def fill(workspace: Path, topic: str, change: Callable[[str], str] = str) -> None:
    """Write a topic's solution, changed, over the stub."""
    text = CONTENT.source(topic).read_text()
    assert change is str or change(text) != text
    (workspace / topic / f"{topic}.py").write_text(change(text))


def test_fresh_workspace_is_all_stubs(run: Run, workspace: Path) -> None:
    """Right after init, everything is missing, 0 %, exit code 0."""
    done = run("check", cwd=workspace)
    assert done.returncode == 0, done.stderr
    assert "0%" in done.stdout
    assert "still stubs" in done.stdout


def test_right_and_wrong_functions_side_by_side(run: Run, workspace: Path) -> None:
    """A wrong function gets its block with the cause; the right ones pass."""
    right, wrong = "grad[np.arange(len(labels)), labels] -= 1.0", "grad[:, labels] -= 1.0"
    fill(workspace, "softmax", lambda text: text.replace(right, wrong))
    done = run("check", "softmax", cwd=workspace)
    assert done.returncode == 0
    assert "cross_entropy_grad" in done.stdout
    assert "this is what you get when" in " ".join(done.stdout.split())
    assert "whole columns" in " ".join(done.stdout.split())
    assert max(map(len, done.stdout.splitlines())) <= 80


def test_one_function_is_checked_alone(run: Run, workspace: Path) -> None:
    """A name of an exercise checks it alone, from any folder of the workspace."""
    fill(workspace, "softmax")
    done = run("check", "softmax_vjp", "--format", "json", cwd=workspace / "softmax")
    (submission,) = json.loads(done.stdout)["submissions"]
    names = [s["exercise"] for topic in submission["topics"] for s in topic["exercises"]]
    assert names == ["softmax_vjp"]


def test_exercise_that_is_called_like_its_topic(run: Run, workspace: Path) -> None:
    """softmax is the topic; softmax/softmax is the exercise."""
    fill(workspace, "softmax")

    def names(name: str) -> list[str]:
        done = run("check", name, "--format", "json", cwd=workspace)
        (submission,) = json.loads(done.stdout)["submissions"]
        return [s["exercise"] for topic in submission["topics"] for s in topic["exercises"]]

    assert len(names("softmax")) == len(names("softmax/softmax.py")) == 7
    assert names("softmax/softmax") == ["softmax"]


def test_syntax_error_is_told_once(run: Run, workspace: Path) -> None:
    """One syntax error is one block with file, line and caret; the other topics still score."""
    fill(workspace, "convolution")
    path = workspace / "softmax" / "softmax.py"
    path.write_text(path.read_text() + "\nx = (1,\n     2]\n")
    done = run("check", "softmax", "convolution", cwd=workspace)
    assert done.returncode == 0
    assert done.stdout.count("SyntaxError") == 1
    assert "^" in done.stdout
    assert "softmax.py, line" in done.stdout
    assert "conv2d_layer_grads" in done.stdout or "convolution" in done.stdout


@pytest.mark.long
def test_solutions_score_100_and_stubs_0(run: Run) -> None:
    """The solutions' folder earns everything, the stubs' nothing and without an error."""
    done = run("score", CONTENT.solutions, "--fail-under", "100")
    assert done.returncode == 0, done.stdout
    assert "100%" in done.stdout
    done = run("score", CONTENT.exercises, "--format", "json")
    (submission,) = json.loads(done.stdout)["submissions"]
    statuses = {s["status"] for topic in submission["topics"] for s in topic["exercises"]}
    assert statuses == {"missing"}


def test_gate(run: Run) -> None:
    """--fail-under is exit code 1 where it is not met."""
    assert run("score", CONTENT.stub("softmax"), "--fail-under", "1").returncode == 1
    assert run("score", CONTENT.source("softmax"), "--fail-under", "100").returncode == 0


def test_several_submissions_and_junit(run: Run, tmp_path: Path) -> None:
    """Each path is a submission; JUnit holds a suite for each."""
    out = tmp_path / "report.xml"
    done = run(
        "score", CONTENT.source("softmax"), CONTENT.stub("softmax"), "--format", "junit", "-o", out
    )
    assert done.returncode == 0
    assert done.stdout == ""
    suites = list(ET.parse(out).getroot().iter("testsuite"))
    assert len(suites) >= 2


def test_seed_changes_the_values(run: Run, tmp_path: Path) -> None:
    """The same seed gives the same report; another one does not."""
    wrong = tmp_path / "softmax.py"
    wrong.write_text(
        "import numpy as np\ndef softmax_vjp(s, grad_s, axis=-1):\n    return s * grad_s\n"
    )

    def actual(seed: str) -> list[object]:
        done = run("score", wrong, "--only", "softmax_vjp", "--seed", seed, "--format", "json")
        (submission,) = json.loads(done.stdout)["submissions"]
        (score,) = (s for topic in submission["topics"] for s in topic["exercises"])
        return [
            c["failure"]["mismatch"]["actual"]
            for c in score["checks"]
            if (c["failure"] or {}).get("mismatch")
        ]

    assert actual("3") == actual("3")
    assert actual("3") != actual("4")


@pytest.mark.parametrize(
    ("args", "words"),
    [
        (["chek"], "did you mean 'check'"),
        (["check"], "grader init"),
        (["score"], "Missing argument"),
        (["score", "no_such_file.py"], "no_such_file.py"),
        (["score", "notes.txt"], "notes.txt"),
        (["score", "broken.zip"], "broken.zip"),
        (["show", "sofmax_vjp"], "did you mean 'softmax_vjp'"),
        (["list", "nothing"], "nothing"),
        (["figure", "atention"], "did you mean 'attention'"),
        (["figure", "attention"], "grader init"),
        (["figure", "attention", "--output", "x.jpg"], ".png, .svg, .pdf"),
        (["figure", "--output", "x.png"], "name a figure"),
        (["init", "full"], "not empty"),
        (["check", "--timeout", "0"], "timeout"),
        (["check", "--seed", "-1"], "seed"),
        (["score", "softmax.py", "--output", "no/such/folder/x.json"], "cannot be written"),
        (["verify", "nothing"], "no topic"),
    ],
)
def test_bad_input_is_one_clear_line(run: Run, tmp_path: Path, args: list[str], words: str) -> None:
    """Wrong usage and unreadable input: exit code 2 (1 from verify), one line that says what to do."""
    (tmp_path / "notes.txt").write_text("x")
    (tmp_path / "broken.zip").write_bytes(b"PK\x03\x04 not a zip")
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "x").write_text("x")
    (tmp_path / "softmax.py").write_text(CONTENT.source("softmax").read_text())
    done = run(*args)
    assert done.returncode == (1 if args[0] == "verify" else 2)
    assert words in done.stderr + done.stdout


def test_report_file_survives_a_failed_write(run: Run, tmp_path: Path) -> None:
    """A report that cannot be written leaves the old one as it was."""
    out = tmp_path / "report.json"
    out.write_text("old")
    done = run("score", "missing.py", "--format", "json", "--output", out)
    assert done.returncode == 2
    assert out.read_text() == "old"
    assert sorted(p.name for p in tmp_path.iterdir()) == ["report.json"]


def test_stubs_are_current(run: Run) -> None:
    """The committed stubs are what the solutions give."""
    done = run("stubs", "--check")
    assert done.returncode == 0, done.stdout


def test_stale_stub_is_found_and_written(run: Run, own_toy: object, tmp_path: Path) -> None:
    """--check names a stale stub and exits with 1; without it the stub is written."""
    root = tmp_path / "course"
    stub = root / "exercises" / "toy" / "toy.py"
    stub.write_text("old")
    done = run("stubs", "--check", "--course", root)
    assert done.returncode == 1
    assert "toy.py" in done.stdout
    assert stub.read_text() == "old"
    assert run("stubs", "--course", root).returncode == 0
    assert run("stubs", "--check", "--course", root).returncode == 0


def test_verify_says_what_is_proved(run: Run, own_toy: object, tmp_path: Path) -> None:
    """A sound course is proved, with its table; a broken one is exit code 1 and says why."""
    root = tmp_path / "course"
    table = tmp_path / "evidence.md"
    done = run("verify", "--course", root, "--jobs", "1", "--table", table)
    assert done.returncode == 0, done.stdout
    assert "all proved" in done.stdout
    assert "`row_means`" in table.read_text()
    mistakes = root / "tests" / "mistakes" / "toy.py"
    mistakes.write_text(mistakes.read_text().replace("return c * x\n", "return 2 * c * x\n"))
    done = run("verify", "--course", root, "--jobs", "1")
    assert done.returncode == 1
    assert "scaled_square_grad__no_two is passed" in done.stdout


def test_list_and_show(run: Run) -> None:
    """Every exercise is listed and can be shown, at 80 columns."""
    done = run("list")
    assert done.returncode == 0
    assert "softmax_vjp" in done.stdout
    assert max(map(len, done.stdout.splitlines())) <= 80
    done = run("show", "softmax_vjp")
    assert "grad_s" in done.stdout
    assert "log_softmax(z, axis" not in done.stdout


@pytest.mark.parametrize(
    "command",
    [
        "init",
        "next",
        "list",
        "show",
        "open",
        "check",
        "watch",
        "hint",
        "break",
        "solution",
        "reset",
        "review",
        "mock",
        "questions",
        "ask",
        "search",
        "study",
        "progress",
        "update",
        "score",
        "doctor",
        "figure",
        "site",
        "class",
        "verify",
        "stubs",
        "new-topic",
    ],
)
def test_help_has_examples(run: Run, command: str) -> None:
    """Each command's help shows how it is used, in 80 columns."""
    done = run(command, "--help")
    assert done.returncode == 0
    assert "Examples:" in done.stdout
    assert max(map(len, done.stdout.splitlines())) <= 80


def test_internal_error_is_ours(
    run: Run, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """An exception nobody foresaw is exit code 3, and says that it is not the learner's fault."""
    from grader import cli

    def burst(*_: object, **__: object) -> None:
        raise ZeroDivisionError("boom")

    monkeypatch.setattr(cli.cli, "main", burst)
    assert cli.run([]) == 3
    assert "not yours" in capsys.readouterr().err
