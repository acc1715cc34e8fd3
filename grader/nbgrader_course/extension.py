"""What stands guard inside the server that `lab` starts: an extension of Jupyter's server.

It ends the server where formgrader has not the configuration that grades in the sandbox, and with the process that
started it, however that one ended: the pipe of its standard input is closed then. And it has formgrader's pages take
MathJax from the server itself, where they would take it from the network.
"""

from __future__ import annotations

import os
import threading
from pathlib import Path
from typing import Any

from grader.errors import GradsmithError
from grader.nbgrader_course.autograde import configuration, sandbox_fault
from grader.nbgrader_course.build import CONFIG

_FORMULAS = """\
{% macro mathjax() %}
<script type="text/x-mathjax-config">
MathJax.Hub.Config({
  tex2jax: {
    inlineMath: [["$", "$"], ["\\\\(", "\\\\)"]], displayMath: [["$$", "$$"], ["\\\\[", "\\\\]"]],
    processEscapes: true, processEnvironments: true
  },
  messageStyle: "none",
  "HTML-CSS": {
    availableFonts: [], imageFont: null, preferredFont: null, webFont: "STIX-Web", linebreaks: {automatic: true}
  }
});
</script>
<script src="/static/jupyter_server_mathjax/MathJax.js?config=TeX-AMS-MML_HTMLorMML-full,Safe"></script>
{% endmacro %}
"""
"""What nbconvert's template of this name says, with the fonts that the package has."""


def _jupyter_server_extension_points() -> list[dict[str, str]]:
    """What Jupyter asks a module for."""
    return [{"module": __name__}]


def _load_jupyter_server_extension(app: Any) -> None:
    """Called by Jupyter's server before it answers; all extensions are there when its loop begins."""
    app.io_loop.add_callback(_check, app)
    app.io_loop.add_callback(_show_formulas, app)
    threading.Thread(target=_watch, args=(app,), daemon=True).start()


def _check(app: Any) -> None:
    """Stop the server where its Autograde button would run notebooks."""
    if app.config.GradsmithPages.get("plain", False):
        return
    pages = app.web_app.settings.get("nbgrader_formgrader")
    fault = "nbgrader's pages are not there" if pages is None else sandbox_fault(pages.config)
    if not fault:
        return
    try:
        configuration(Path(app.root_dir))  # one that cannot be read says where
    except GradsmithError as error:
        fault = str(error)
    else:
        fault = f"{CONFIG} {fault}; --plain serves such a course"
    app.log.critical("%s: %s", __name__, fault)
    app.stop(from_signal=True)


def _show_formulas(app: Any) -> None:
    """Give formgrader's pages, and not the feedback's, which students read elsewhere, the MathJax of this server."""
    pages = app.web_app.settings.get("nbgrader_exporter")
    if pages is not None and "mathjax_url" in app.web_app.settings:
        from jinja2 import DictLoader

        pages.extra_loaders = [DictLoader({"mathjax.html.j2": _FORMULAS}), *pages.extra_loaders]


def _watch(app: Any) -> None:
    """Wait for the end of standard input, on which nothing is ever sent."""
    while os.read(0, 1):  # not through sys.stdin, whose lock Python would miss at its end
        pass
    app.io_loop.add_callback_from_signal(app.stop, True)
