"""Shows a built site to browsers on this machine, and to no other."""

from __future__ import annotations

from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Final

from grader.errors import GradsmithError

HOST: Final = "127.0.0.1"


class _Handler(SimpleHTTPRequestHandler):
    """Sends files; says nothing."""

    def log_message(self, format: str, *args: object) -> None:
        """Nothing: a line for each file would bury what matters."""

    def end_headers(self) -> None:
        self.send_header("Cache-Control", "no-cache")  # the next build is seen at once
        super().end_headers()


def site_server(folder: Path, port: int) -> ThreadingHTTPServer:
    """A server of a folder's files, on the loopback interface; 0 is any free port.

    Raises
    ------
    GradsmithError : the port is taken, or may not be used.
    """
    handler = partial(_Handler, directory=str(folder))
    try:
        return ThreadingHTTPServer((HOST, port), handler)
    except OSError as error:
        raise GradsmithError(
            f"port {port}: {error.strerror}; name another with --port, or 0 for any"
        ) from None
