"""JupyterLab with nbgrader's pages on this machine alone, in a process of its own: `grader nbgrader serve`.

It has a folder of its own for its configuration, of which it knows nothing else: a person's settings of Jupyter could
open the port to the network, or take away the token. Their `nbgrader_config.py` comes along, as it may say where the
exchange is; the course's own is read after it. What is checked inside that process stands in `extension`.
"""

from __future__ import annotations

import contextlib
import json
import os
import secrets
import shutil
import socket
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Final

from grader.errors import GradsmithError
from grader.files import make_folder, write_atomically
from grader.nbgrader_course.build import CONFIG, STATE

HOST: Final = "127.0.0.1"
EXTENSION: Final = "grader.nbgrader_course.extension"
PAGES: Final = ("formgrader", "assignment_list", "course_list", "validate_assignment")
"""nbgrader's extensions of the server."""
MATHJAX: Final = "jupyter_server_mathjax"
"""The extension that has MathJax, so that formgrader's pages need no network."""
LOG: Final = f"{STATE}/serve.log"
"""What JupyterLab said, kept where it did not start."""
START_TIMEOUT: Final = 120.0
"""Seconds until it answers: about ten, and more on a machine that is busy."""
STOP_TIMEOUT: Final = 15.0
"""Seconds that it has to end its kernels, and itself."""
_POLL = 0.2


@dataclass(frozen=True, slots=True)
class Lab:
    """A server that answers. The addresses hold the token."""

    port: int
    token: str
    process: subprocess.Popen[bytes]

    @property
    def formgrader(self) -> str:
        """Where nbgrader's pages for an instructor are."""
        return f"http://{HOST}:{self.port}/formgrader?token={self.token}"

    @property
    def notebooks(self) -> str:
        """Where JupyterLab is, with the course's folder."""
        return f"http://{HOST}:{self.port}/lab?token={self.token}"


def require_packages() -> None:
    """Whether all is there that is needed.

    Raises
    ------
    GradsmithError : a package is not installed.
    """
    for name in ("nbgrader", "jupyterlab"):
        if find_spec(name) is None:
            raise GradsmithError(f"{name} is not installed: pip install 'gradsmith[nbgrader]'")


@contextlib.contextmanager
def serving(
    root: Path, *, port: int = 0, browser: bool = False, plain: bool = False
) -> Iterator[Lab]:
    """A server of a course's pages, on the loopback interface, with a token; it ends with the block.

    Parameters
    ----------
    root : the folder of the course.
    port : 0 is any free one.
    browser : whether it opens formgrader in a browser when it is ready.
    plain : whether a course that is not graded in the sandbox is served too.

    Raises
    ------
    GradsmithError : it is no such course, the port is taken, a package is missing, or the server does not start.
    """
    require_packages()
    if not (root / CONFIG).is_file():
        raise GradsmithError(f"{root}: no {CONFIG}; `grader nbgrader build {root}` makes a course")
    port = free_port(port)
    token = secrets.token_hex(24)
    with tempfile.TemporaryDirectory(prefix="gradsmith-", ignore_cleanup_errors=True) as name:
        own = Path(name)  # for this user's eyes alone: it holds the token
        _configure(own, root.resolve(), port, token, browser=browser, plain=plain)
        with (own / "log").open("wb") as log:
            process = subprocess.Popen(
                [sys.executable, "-P", "-m", "jupyterlab"],
                cwd=root,
                env=_environment(own),
                stdin=subprocess.PIPE,  # its end tells the server that we are gone, however we went
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,  # Ctrl-C is ours: Jupyter would ask whether it is meant
            )
        lab = Lab(port, token, process)
        try:
            _wait(lab, root, own / "log")
            yield lab
        finally:
            _stop(process)


def free_port(port: int) -> int:
    """The port, if it is free; for 0 any that is.

    Raises
    ------
    GradsmithError : it is taken, or may not be used.
    """
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        if os.name == "posix":  # as the server itself does: what was closed a moment ago is free
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((HOST, port))
        except OSError as error:
            raise GradsmithError(
                f"port {port}: {error.strerror}; name another with --port, or 0 for any"
            ) from None
        return int(probe.getsockname()[1])


def _configure(own: Path, root: Path, port: int, token: str, *, browser: bool, plain: bool) -> None:
    """Write the server's configuration."""
    extensions = {f"nbgrader.server_extensions.{name}": True for name in PAGES}
    server: dict[str, Any] = {
        "ServerApp": {
            "allow_remote_access": False,
            "allow_root": True,
            "base_url": "/",
            "certfile": "",
            "ip": HOST,
            "jpserver_extensions": {
                **extensions,
                EXTENSION: True,
                MATHJAX: find_spec(MATHJAX) is not None,
            },
            "open_browser": browser,
            "port": port,
            "port_retries": 0,
            "root_dir": str(root),
        },
        "IdentityProvider": {"token": token},
        "PasswordIdentityProvider": {"hashed_password": "", "password_required": False},
        "GradsmithPages": {"plain": plain},
    }
    _write(own / "jupyter_server_config.json", server)
    _write(own / "jupyter_lab_config.json", {"LabApp": {"default_url": "/formgrader"}})
    for folder in _persons_folders():
        if (folder / CONFIG).is_file():
            shutil.copyfile(folder / CONFIG, own / CONFIG)
            break
    make_folder(own / "runtime")


def _write(file: Path, data: Any) -> None:
    file.write_text(json.dumps(data, indent=1), encoding="utf-8")


def _persons_folders() -> list[Path]:
    """Where a person's own configuration is, the first before the others."""
    from jupyter_core.paths import jupyter_config_dir

    named = os.environ.get("JUPYTER_CONFIG_PATH", "").split(os.pathsep)
    return [Path(each) for each in (*filter(None, named), jupyter_config_dir())]


def _environment(own: Path) -> dict[str, str]:
    """The server's environment: our configuration goes before all others, but the look of JupyterLab stays theirs."""
    settings = _persons_folders()[-1] / "lab"
    dropped = ("JUPYTER_TOKEN", "JUPYTER_TOKEN_FILE", "JUPYTER_NO_CONFIG")
    found = {key: value for key, value in os.environ.items() if key not in dropped}
    programs = str(Path(sys.executable).parent)  # nbgrader calls a bare `alembic`
    return {
        "JUPYTERLAB_SETTINGS_DIR": str(settings / "user-settings"),
        "JUPYTERLAB_WORKSPACES_DIR": str(settings / "workspaces"),
        **found,
        "JUPYTER_CONFIG_DIR": str(own),
        "JUPYTER_CONFIG_PATH": str(own),
        "JUPYTER_RUNTIME_DIR": str(own / "runtime"),
        "PATH": os.pathsep.join(filter(None, (programs, os.environ.get("PATH", "")))),
    }


def _wait(lab: Lab, root: Path, log: Path) -> None:
    """Wait until the server answers, to the token alone.

    Raises
    ------
    GradsmithError : it has ended, does not answer, or answers to anybody.
    """
    end = time.monotonic() + START_TIMEOUT
    while _status(lab, lab.token) != 200:
        if lab.process.poll() is not None:
            raise GradsmithError(_why(root, log, "JupyterLab did not start"))
        if time.monotonic() > end:
            words = f"JupyterLab did not answer within {START_TIMEOUT:g} seconds"
            raise GradsmithError(_why(root, log, words))
        time.sleep(_POLL)
    if _status(lab, "") == 200:
        raise GradsmithError(
            "JupyterLab answers without a token, so it was stopped; see what this machine's own "
            "configuration of Jupyter says: `jupyter --paths`"
        )


def _status(lab: Lab, token: str) -> int:
    """What the server answers; 0 for nothing."""
    headers = {"Authorization": f"token {token}"} if token else {}
    request = urllib.request.Request(f"http://{HOST}:{lab.port}/api/status", headers=headers)
    direct = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    try:
        with direct.open(request, timeout=5) as answer:
            return int(answer.status)
    except urllib.error.HTTPError as error:
        error.close()
        return error.code
    except (OSError, ValueError):
        return 0


def _why(root: Path, log: Path, words: str) -> str:
    """The words, and the last that the server said; all of it is kept."""
    said = log.read_bytes()
    make_folder((root / LOG).parent)
    write_atomically(root / LOG, said)
    lines = [line.strip() for line in said.decode("utf-8", "replace").splitlines()]
    told = next((line for line in reversed(lines) if line), "it said nothing")
    mark = f"{EXTENSION}: "
    ours = next((line.partition(mark)[2] for line in lines if mark in line), "")
    return f"{words}: {(ours or told)[:300]} (all it said: {root / LOG})"


def _stop(process: subprocess.Popen[bytes]) -> None:
    """End the server, with its kernels."""
    assert process.stdin is not None
    with contextlib.suppress(OSError):
        process.stdin.close()
    for end in (process.terminate, process.kill):
        try:
            process.wait(STOP_TIMEOUT)
        except subprocess.TimeoutExpired:
            end()
    process.wait()
