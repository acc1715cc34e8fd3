"""Pages of a class in a browser: they run nothing, fetch nothing, fit a phone, and axe finds nothing serious."""

from __future__ import annotations

from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe

from grader.classroom.alike import alike_pages
from grader.classroom.feedback import feedback
from grader.classroom.model import Class, Result, Student
from grader.classroom.overview import overview_page
from grader.classroom.similarity import Collection, Known
from grader.disclosure import for_student
from grader.model import Disclosure

pytestmark = pytest.mark.usefixtures("deadline")
AXE = {"resultTypes": ["violations"], "preload": False}
EVIL = (
    "<script>document.title='run'</script><img src=x onerror=\"document.title='run'\">"
    "<style>body{display:none}</style>"
)
CODE = "def softmax(z):\n    e = np.exp(z - np.max(z, axis=-1)) / np.sqrt(np.abs(z).sum())\n    return e / e.sum()\n"


@pytest.fixture(scope="module")
def pages(samples: ModuleType, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a page of each kind."""
    folder = tmp_path_factory.mktemp("pages")
    reports = (samples.every_status(), samples.hostile(), samples.capstones(), samples.unreadable())
    roster = {
        f"s{i}": Student(f"s{i}", EVIL if i == 1 else f"Student {i}", section="A") for i in range(6)
    }
    results = tuple(Result(f"s{i}", "", "", 0, report) for i, report in enumerate(reports))
    room = Class("A course", "suite", 26.0, roster, results)
    for name, page in feedback(room, disclose=lambda report: for_student(report, Disclosure.FULL)):
        (folder / name).write_text(page, encoding="utf-8")
    (folder / "class.html").write_text(overview_page(room), encoding="utf-8")
    collection = Collection({"softmax": Known("", "")})
    for id, text in {"s0": CODE, "s1": CODE + f"\n\nx = {EVIL!r}\n", "s2": "y = 2\n"}.items():
        collection.add(id, {"softmax": text})
    for name, page in alike_pages(
        collection, collection.compare(), title="A course", n_pairs=3, names={"s1": EVIL}
    ):
        (folder / name).write_text(page, encoding="utf-8")
    return folder


@pytest.mark.parametrize(
    ("name", "scheme", "width"),
    [
        ("s0.html", "light", 1280), ("s1.html", "dark", 375), ("s2.html", "dark", 1280), ("s3.html", "light", 375),
        ("class.html", "dark", 375), ("index.html", "light", 375), ("pair-001.html", "dark", 1280),
    ],
)  # fmt: skip
def test_page(browser: Any, pages: Path, name: str, scheme: str, width: int) -> None:
    """Nothing runs, nothing is fetched, nothing is wider than the window, pictures are there, axe is content."""
    context = browser.new_context(color_scheme=scheme, viewport={"width": width, "height": 900})
    page = context.new_page()
    faults: list[str] = []
    page.on("console", lambda message: faults.append(message.text))
    page.on(
        "request",
        lambda r: faults.append(r.url) if not r.url.startswith(("file:", "data:")) else None,
    )
    page.goto((pages / name).as_uri())
    assert page.title().startswith("A course")
    assert page.locator("h1").is_visible()
    assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth")
    assert page.evaluate("[...document.images].every(i => i.complete && i.naturalWidth > 300)")
    assert faults == []  # before axe, which is a script and styles
    found = Axe().run(page, options=AXE).response["violations"]
    grave = [
        (v["id"], v["nodes"][0]["target"]) for v in found if v["impact"] in ("serious", "critical")
    ]
    assert grave == []
    context.close()


def test_all_is_on_paper(browser: Any, pages: Path) -> None:
    """What is folded on the screen is printed."""
    page = browser.new_page()
    page.goto((pages / "s0.html").as_uri())
    folded = page.locator("details dl").first
    assert not folded.is_visible()
    page.emulate_media(media="print")
    assert folded.is_visible()
    page.close()
