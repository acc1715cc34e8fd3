"""What `grader nbgrader serve` refuses, and how it says so. No server of Jupyter's is started here."""

from __future__ import annotations

import json
import socket
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from click.testing import CliRunner
from traitlets.config import Config

from grader.catalog import load_course
from grader.cli import cli
from grader.content import Content
from grader.errors import GradsmithError
from grader.nbgrader_course import extension, lab
from grader.nbgrader_course.autograde import EXPORTER, GRADES, sandbox_fault
from grader.nbgrader_course.build import CONFIG, build_course
from grader.nbgrader_course.gradebook import nbgrader_at_work


@pytest.fixture
def course(toy: Content, tmp_path: Path) -> Path:
    """A course for nbgrader."""
    build_course(tmp_path / "ml", toy, load_course(toy), ["toy"])
    return tmp_path / "ml"


def refused(*args: str) -> str:
    """What the command says when it refuses."""
    result = CliRunner().invoke(cli, ["nbgrader", "serve", *args], standalone_mode=False)
    assert isinstance(result.exception, GradsmithError)
    assert result.exception.exit_code == 2
    return str(result.exception)


def test_help_is_short_enough() -> None:
    """The command and its group show how they are used, in 80 columns."""
    for args in (["nbgrader", "-h"], ["nbgrader", "serve", "-h"]):
        result = CliRunner().invoke(cli, args, env={"COLUMNS": "80"})
        assert "grader nbgrader serve course" in result.output
        assert max(map(len, result.output.splitlines())) <= 80


def test_a_folder_that_is_no_course(tmp_path: Path) -> None:
    """It is told how a course is made."""
    assert f"{tmp_path}: no {CONFIG}; `grader nbgrader build" in refused(str(tmp_path))


def test_a_port_that_is_taken(course: Path) -> None:
    """The port is named, and the option for another; the course is left alone."""
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        said = refused(str(course), "--port", str(port))
    assert said.startswith(f"port {port}: ")
    assert "--port" in said
    assert not (course / lab.LOG).exists()


def test_a_package_that_is_missing(course: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is named, with the extra that brings it."""
    monkeypatch.setattr(lab, "find_spec", lambda name: None if name == "jupyterlab" else object())
    assert refused(str(course)) == "jupyterlab is not installed: pip install 'gradsmith[nbgrader]'"


def test_a_server_that_does_not_start(course: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The last that it said is told, or what our extension said, and all of it is kept."""
    popen = subprocess.Popen

    def instead(text: str) -> Callable[..., Any]:
        return lambda args, **options: popen([sys.executable, "-c", text], **options)

    broken = "print('starting'); print('no such thing'); raise SystemExit(1)"
    monkeypatch.setattr(lab.subprocess, "Popen", instead(broken))
    said = refused(str(course), "--port", "0")
    assert said.startswith("JupyterLab did not start: no such thing (all it said: ")
    assert (course / lab.LOG).read_text().split() == ["starting", "no", "such", "thing"]
    ours = f"print('[I] {lab.EXTENSION} | linked\\n[C] {lab.EXTENSION}: the configuration\\nbye')"
    monkeypatch.setattr(lab.subprocess, "Popen", instead(ours))
    assert "did not start: the configuration (all" in refused(str(course), "--port", "0")


@pytest.fixture
def open_house() -> Iterator[int]:
    """The port of a server that answers to anybody."""

    class Answer(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.end_headers()

        def log_message(self, format: str, *args: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Answer) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield server.server_port
        server.shutdown()
        thread.join()


def test_a_server_without_a_lock_is_ended(
    course: Path, open_house: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where no token is asked for, the server is stopped and nothing is printed that leads there."""
    popen = subprocess.Popen
    started = []

    def waiting(args: Any, **options: Any) -> Any:
        started.append(popen([sys.executable, "-c", "import sys; sys.stdin.read()"], **options))
        return started[-1]

    monkeypatch.setattr(lab.subprocess, "Popen", waiting)
    monkeypatch.setattr(lab, "free_port", lambda port: open_house)
    assert "answers without a token" in refused(str(course))
    assert started[0].returncode == 0


def test_what_the_server_is_told(
    course: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Loopback and a token, in a file of its own; of the person's configuration nbgrader's alone comes along."""
    home, own = tmp_path / "jupyter", tmp_path / "own"
    home.mkdir()
    own.mkdir()
    (home / CONFIG).write_text("c.Exchange.root = '/srv'\n")
    (home / "jupyter_server_config.py").write_text("c.ServerApp.ip = '0.0.0.0'\n")
    monkeypatch.setenv("JUPYTER_CONFIG_DIR", str(home))
    monkeypatch.setenv("JUPYTER_TOKEN", "known")
    lab._configure(own, course, 8888, "secret", browser=False, plain=False)
    told = json.loads((own / "jupyter_server_config.json").read_text())
    assert told["ServerApp"]["ip"] == "127.0.0.1"
    assert told["IdentityProvider"] == {"token": "secret"}
    assert (own / CONFIG).read_text() == (home / CONFIG).read_text()
    assert not (own / "jupyter_server_config.py").exists()
    environment = lab._environment(own)
    assert "JUPYTER_TOKEN" not in environment
    assert environment["JUPYTER_CONFIG_DIR"] == environment["JUPYTER_CONFIG_PATH"] == str(own)
    assert environment["PATH"].startswith(str(Path(sys.executable).parent))
    assert "secret" not in "".join(environment.values())


@pytest.mark.parametrize(
    ("exporter", "steps", "sound"),
    [
        (EXPORTER, [GRADES, "nbgrader.preprocessors.SaveAutoGrades"], True),
        (EXPORTER, ["nbgrader.preprocessors.Execute", GRADES], False),
        (EXPORTER, ["nbgrader.preprocessors.SaveAutoGrades"], False),
        ("nbconvert.exporters.NotebookExporter", [GRADES], False),
        (None, None, False),
    ],
)  # fmt: skip
def test_only_the_sandbox_will_do(
    exporter: str | None, steps: list[str] | None, sound: bool
) -> None:
    """A configuration that runs notebooks, or lacks a part of ours, is told from ours."""
    config = Config()
    if exporter is not None:
        config.Autograde.exporter_class = exporter
    if steps is not None:
        config.Autograde.autograde_preprocessors = steps
    assert (sandbox_fault(config) == "") is sound


class Server:
    """As much of Jupyter's server as the extension uses."""

    def __init__(self, root: Path, *, plain: bool = False, **settings: Any) -> None:
        self.config = Config({"GradsmithPages": {"plain": plain}})
        self.web_app = SimpleNamespace(settings=settings)
        self.root_dir = str(root)
        self.said: list[str] = []
        self.log = SimpleNamespace(critical=lambda form, *args: self.said.append(form % args))
        self.stopped = False

    def stop(self, from_signal: bool = False) -> None:
        self.stopped = True


def test_the_server_ends_where_notebooks_would_run(course: Path) -> None:
    """What formgrader holds is looked at; a configuration that cannot be read says why; --plain lets it be."""
    runs = SimpleNamespace(config=Config())
    with nbgrader_at_work():
        server = Server(course, nbgrader_formgrader=runs)
        extension._check(server)
        assert server.stopped
        assert server.said[0].startswith(f"{lab.EXTENSION}: {CONFIG} does not grade in the sandbox")
        (course / CONFIG).write_text("c = get_config(\n")
        server = Server(course, nbgrader_formgrader=runs)
        extension._check(server)
        assert server.stopped
        assert f"{CONFIG}: cannot be read: SyntaxError" in server.said[0]
        server = Server(course)
        extension._check(server)
        assert server.stopped
        server = Server(course, plain=True, nbgrader_formgrader=runs)
        extension._check(server)
        assert not server.stopped
