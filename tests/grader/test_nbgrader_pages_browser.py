"""nbgrader's pages in a browser, as `grader nbgrader serve` shows them: an assignment from the first release to a mark.

One test, and one server: it takes seconds to start. Needs a Chromium of the system, as the site's pages do.
"""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, expect

from grader.catalog import load_course
from grader.content import Content, locate
from grader.nbgrader_course.build import CONFIG, build_course

pytestmark = [
    pytest.mark.long,
    pytest.mark.usefixtures("deadline"),
    pytest.mark.skipif(os.name != "posix", reason="nbgrader's exchange is for POSIX systems"),
]
RIGHT = {
    "scaled_square_grad": "def scaled_square_grad(x, c):\n    return 2.0 * c * np.asarray(x)\n",
    "row_means": (
        "def row_means(x):\n    if x.shape[1] == 0:\n        raise ValueError('no columns')\n"
        "    return x.mean(axis=1)\n"
    ),
}
WRONG = {"scaled_square_grad": "def scaled_square_grad(x, c):\n    return c * np.asarray(x)\n"}
DEADLINE = 480
"""Seconds for the one test, which takes about sixty."""
QUIET = {"fetchNews": "false", "checkForUpdates": False}
"""JupyterLab's settings that keep it from asking about news."""


@pytest.fixture(autouse=True)
def patience() -> Iterator[None]:
    """What is expected may take as long as nbgrader takes on a busy machine; five seconds are the default."""
    expect.set_options(timeout=45_000)
    yield
    expect.set_options(timeout=5_000)


@pytest.fixture
def lesson(own_toy: Content, tmp_path: Path) -> Path:
    """A course whose statement has a formula, and whose exchange is a folder beside it."""
    statement = own_toy.statement("toy")
    statement.write_text(statement.read_text().replace("A.\n", "$$\\sum_i x_i^2$$\n"))
    content = locate(own_toy.root)
    build_course(tmp_path / "ml", content, load_course(content), ["toy"])
    (tmp_path / "exchange").mkdir()
    (tmp_path / "exchange").chmod(0o777)
    with (tmp_path / "ml" / CONFIG).open("a", encoding="utf-8") as file:
        file.write(f"c.Exchange.root = {str(tmp_path / 'exchange')!r}\n")
    return tmp_path / "ml"


@pytest.fixture
def careless_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A person whose own configuration of Jupyter has no token, and whose nbgrader runs notebooks."""
    home = tmp_path / "jupyter"
    quiet = (
        home / "lab/user-settings/@jupyterlab/apputils-extension/notification.jupyterlab-settings"
    )
    quiet.parent.mkdir(parents=True)
    quiet.write_text(json.dumps(QUIET))
    (home / "jupyter_server_config.py").write_text(
        "c.IdentityProvider.token = ''\nc.ServerApp.base_url = '/elsewhere'\n"
    )
    (home / CONFIG).write_text(
        "c.Autograde.autograde_preprocessors = ['nbgrader.preprocessors.Execute']\n"
    )
    monkeypatch.setenv("JUPYTER_CONFIG_DIR", str(home))
    monkeypatch.setenv("JUPYTER_DATA_DIR", str(tmp_path / "data"))
    monkeypatch.setenv("IPYTHONDIR", str(tmp_path / "ipython"))


@contextmanager
def served(root: Path) -> Iterator[tuple[str, str]]:
    """The command at work on a free port: the two addresses that it prints. Ctrl-C ends it without a word."""
    process = subprocess.Popen(
        [sys.executable, "-m", "grader", "nbgrader", "serve", str(root), "--port", "0", "--no-browser"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )  # fmt: skip
    assert process.stdout is not None
    try:
        found = [process.stdout.readline().split() for _ in range(3)]
        if not all(found):
            pytest.fail(process.communicate()[1])
        yield found[0][1], found[1][1]
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=60)
        assert (process.returncode, err) == (0, "")
        assert out.strip() == ""
    finally:
        process.kill()  # the server follows it
        process.communicate()


def status(url: str) -> int:
    """What an address answers to a stranger; 0 for nothing."""
    try:
        with urllib.request.urlopen(url, timeout=10) as answer:
            return int(answer.status)
    except urllib.error.HTTPError as error:
        error.close()
        return error.code
    except urllib.error.URLError:
        return 0


class Visit:
    """A person at the pages; whatever breaks behind them is kept in `faults`."""

    def __init__(self, page: Page, formgrader: str, notebooks: str) -> None:
        self.page = page
        self.formgrader, self.notebooks = formgrader, notebooks
        self.base = formgrader.partition("/formgrader")[0]
        self.faults: list[str] = []
        page.on("pageerror", lambda error: self.faults.append(f"error {error}"))
        page.on("request", self._request)

    def _request(self, request: Any) -> None:
        if not request.url.startswith(
            (self.base, self.base.replace("http", "ws"), "data:", "blob:", "about:")
        ):
            self.faults.append(f"request {request.url}")  # fmt: skip

    def press(self, row: str, button: str) -> str:
        """Press a button in a row of a table of formgrader's; what it says."""
        self.page.click(f'tr:has-text("{row}") .{button} a')
        box = self.page.locator(".modal.in")
        expect(box).to_be_visible()
        words = box.inner_text()
        box.locator(".modal-footer button").first.click()
        expect(box).to_have_count(0)
        return words

    def table(self, path: str, row: str) -> list[str]:
        """A page of formgrader's with a table in which a row is waited for: the words of all rows."""
        self.page.goto(f"{self.base}/formgrader/{path}")
        expect(self.page.locator("#main-table tr", has_text=row).first).to_be_visible()
        return self.page.locator("#main-table tr").all_inner_texts()

    def assignments(self) -> Any:
        """JupyterLab with the list of assignments."""
        self.page.goto(self.notebooks)
        self.page.click('.lm-MenuBar-item:has-text("Nbgrader")')
        self.page.click('.lm-Menu-item:has-text("Assignment List")')
        return self.page.get_by_role("button")

    def fill(self, name: str, text: str) -> None:
        """Write over a function's cell of the open notebook."""
        cell = self.page.locator(f'.jp-CodeCell:has-text("def {name}")').first
        cell.scroll_into_view_if_needed()
        cell.locator(".cm-content").click()
        self.page.keyboard.press("Control+a")
        self.page.keyboard.insert_text(text)

    def validated(self) -> str:
        """What nbgrader's button says of the open notebook."""
        self.page.locator(".jp-Toolbar-item:visible", has_text="Validate").click()
        box = self.page.locator(".jp-Dialog", has_text="Validation Results")
        expect(box).to_be_visible()
        words = box.inner_text()
        box.locator("button", has_text="Ok").click()
        expect(box).to_have_count(0)
        return words


def hand_in(root: Path, student: str, functions: dict[str, str]) -> None:
    """Put a submission where nbgrader collects it."""
    data = json.loads((root / "release/toy/toy.ipynb").read_text(encoding="utf-8"))
    for cell in data["cells"]:
        name = cell["metadata"].get("nbgrader", {}).get("grade_id")
        cell["source"] = functions.get(name, cell["source"])
    folder = root / "submitted" / student / "toy"
    folder.mkdir(parents=True)
    (folder / "toy.ipynb").write_text(json.dumps(data), encoding="utf-8")


@pytest.fixture
def shot(tmp_path: Path) -> Callable[[Page, str], None]:
    """Keeps a picture where GRADSMITH_PICTURES names a folder, to be looked at."""
    folder = os.environ.get("GRADSMITH_PICTURES")

    def take(page: Page, name: str) -> None:
        if folder:
            page.screenshot(path=Path(folder) / f"{name}.png")

    return take


@pytest.mark.usefixtures("careless_home")
def test_an_assignment_from_release_to_mark(
    browser: Browser, lesson: Path, shot: Callable[[Page, str], None]
) -> None:
    """Generated, released, fetched, filled in, validated, submitted, collected, graded and read: all by the buttons."""
    import pwd

    me = pwd.getpwuid(os.getuid()).pw_name  # who hands in, in nbgrader's eyes
    with served(lesson) as (formgrader, notebooks):
        assert re.fullmatch(r"http://127\.0\.0\.1:\d+/formgrader\?token=[0-9a-f]{48}", formgrader)
        base = formgrader.partition("/formgrader")[0]
        assert status(f"{base}/api/contents") == 403
        context = browser.new_context(viewport={"width": 1280, "height": 900})
        context.set_default_timeout(45_000)
        page = context.new_page()
        visit = Visit(page, formgrader, notebooks)

        # the instructor releases
        page.goto(formgrader)
        expect(page.locator("tr", has_text="toy").locator(".status")).to_have_text("draft")
        shot(page, "assignments")
        assert "Successfully created" in visit.press("toy", "assign")
        assert "Successfully released" in visit.press("toy", "release")
        hand_in(lesson, "bob", WRONG)

        # a student fetches, looks, writes, and hands in
        visit.assignments()
        page.get_by_role("button", name="Fetch").click()
        expect(page.get_by_role("button", name="Submit")).to_be_visible()
        page.goto(f"{base}/lab/tree/toy/toy.ipynb")
        expect(page.locator(".jp-CodeCell").first).to_be_visible()
        expect(page.locator("mjx-container").first).to_be_visible()
        assert "The following cell failed" in visit.validated()  # stubs pass no example
        for name, text in RIGHT.items():
            visit.fill(name, text)
        page.keyboard.press("Control+s")
        expect(page.locator(".jp-mod-dirty")).to_have_count(0)
        assert "Success!" in visit.validated()
        shot(page, "notebook")
        visit.assignments()
        page.get_by_role("button", name="Submit").click()
        expect(page.get_by_text("There are no submitted assignments")).to_be_hidden()

        # the instructor collects, grades and reads
        visit.table("manage_assignments", "toy")
        assert "Successfully collected" in visit.press("toy", "collect")
        rows = visit.table("manage_submissions/toy", "bob")
        assert ["needs autograding" in words for words in rows] == [True, True]
        assert "Successfully autograded" in visit.press("bob", "autograde")
        assert "Successfully autograded" in visit.press(me, "autograde")
        [bob] = [words for words in visit.table("manage_submissions/toy", "bob") if "bob" in words]
        [mine] = [words for words in visit.table("manage_submissions/toy", me) if me in words]
        assert "0 / 5" in bob
        assert "5 / 5" in mine
        shot(page, "submissions")
        visit.table("gradebook", "toy")
        expect(page.locator("tr", has_text="toy").first).to_contain_text("2.5 / 5")
        visit.table("gradebook/toy/toy", "0 / 5")
        shot(page, "gradebook")
        page.locator("tr", has_text="0 / 5").locator("a").first.click()
        expect(page.locator(".MathJax_Display").first).to_be_visible()
        comments = page.locator("textarea.comment").evaluate_all(
            "all => all.map(e => e.placeholder)"
        )
        assert "factor 2 of the power rule" in comments[0]
        assert comments[1].startswith("missing")
        findings = page.locator(".gradsmith")
        expect(findings).to_have_count(2)
        expect(findings.first).to_contain_text("0/2")
        assert "Traceback" not in page.locator("body").inner_text()
        findings.first.scroll_into_view_if_needed()
        shot(page, "graded")
        context.close()
    assert visit.faults == []
    assert status(formgrader) == 0
