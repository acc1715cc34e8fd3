"""The site in a browser, from `file://`: it reads well, answers stay folded until asked for, and nothing is fetched.

Needs a Chromium of the system (Debian: `apt-get install chromium`). Where there is none, the tests are skipped; they
fail instead where the variable GRADSMITH_NEEDS_BROWSER is set, as on CI.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page

from grader.catalog import load_course
from grader.content import locate
from grader.figures import FIGURES
from grader.site.build import build_site

pytestmark = pytest.mark.usefixtures("deadline")
REAL = locate()
DOT = bytes.fromhex(
    "89504e470d0a1a0a0000000d49484452000000010000000108060000001f15c4890000000d49444154789c6360606060000000"
    "050001a5f645400000000049454e44ae426082"
)
"""A PNG of one pixel, in the place of the figures, which take long to draw."""
AXE = {"resultTypes": ["violations"], "preload": False}
"""Without the second, axe would fetch the style sheets itself, which no browser allows from file://."""
STATEMENTS = [f"exercises/{topic.slug}.html" for topic in load_course(REAL).topics]
QUESTION = "questions/attention-scale.html"
INDEXES = ["index.html", "questions/index.html", "exercises/tags.html"]
OTHERS = ["exercises/difficulty.html", "questions/tags.html", "figures.html", "sources.html"]


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The course's own site, with dots for figures."""
    folder = tmp_path_factory.mktemp("site")
    content = REAL
    drawn = [(entry, DOT) for entry in FIGURES.values()]
    build_site(content, load_course(content), folder / "site", drawn)
    return folder / "site"


class Reader:
    """Opens pages of the site; whatever goes wrong behind them fails the test at its end."""

    def __init__(self, browser: Browser, site: Path, **options: Any) -> None:
        self.site = site
        self.context = browser.new_context(**options)
        self.faults: list[str] = []
        self.page: Page = self.context.new_page()
        self.page.on("console", self._console)
        self.page.on("pageerror", lambda error: self.faults.append(f"error {error}"))
        self.page.on("request", self._request)
        self.page.on("requestfailed", self._failed)

    def _console(self, message: Any) -> None:
        if message.type in ("error", "warning"):
            self.faults.append(f"console {message.text}")

    def _request(self, request: Any) -> None:
        if not request.url.startswith(("file:", "data:", "blob:")):
            self.faults.append(f"request {request.url}")

    def _failed(self, request: Any) -> None:
        if request.failure != "net::ERR_ABORTED":  # the page was left before its icon was there
            self.faults.append(f"failed {request.url}: {request.failure}")

    def open(self, path: str) -> Page:
        name, _, anchor = path.partition("#")
        url = (self.site / name).as_uri() + (f"#{anchor}" if anchor else "")
        self.page.goto(url)
        return self.page

    def close(self) -> None:
        self.context.close()
        assert self.faults == []


@pytest.fixture
def reader(browser: Browser, site: Path) -> Iterator[Reader]:
    """A window of usual size."""
    reader = Reader(browser, site, viewport={"width": 1280, "height": 900})
    yield reader
    reader.close()


@pytest.fixture
def phone(browser: Browser, site: Path) -> Iterator[Reader]:
    """A window as wide as a phone."""
    reader = Reader(browser, site, viewport={"width": 375, "height": 700})
    yield reader
    reader.close()


def unfold(page: Page) -> None:
    """Open all folds, without the keyboard, which waits for the next picture."""
    page.evaluate("document.querySelectorAll('article details').forEach(d => { d.open = true })")
    page.wait_for_timeout(100)


def opened(page: Page) -> list[bool]:
    found: list[bool] = page.evaluate(
        "[...document.querySelectorAll('article details')].map(d => d.open)"
    )
    return found


def test_mathematics_is_seen(reader: Reader) -> None:
    """Every formula that is not folded has a size, and no dollar is left in the text."""
    for path in [*STATEMENTS, QUESTION]:
        page = reader.open(path)
        unfold(page)
        sizes = page.evaluate(
            "[...document.querySelectorAll('math')].map(m => m.getBoundingClientRect())"
            ".map(r => Math.min(r.width, r.height))"
        )
        assert len(sizes) > 10
        assert min(sizes) > 2, path
        text = page.evaluate(
            "(() => { const b = document.body.cloneNode(true);"
            "b.querySelectorAll('code, script, style').forEach(e => e.remove()); return b.textContent })()"
        )
        assert "$" not in text
        assert page.evaluate("document.querySelectorAll('merror').length") == 0


def test_answers_are_hidden_until_asked_for(reader: Reader) -> None:
    """A summary opens its part; nothing else is seen."""
    page = reader.open(QUESTION)
    assert not any(opened(page))
    assert not page.get_by_text("brings it").first.is_visible()
    assert not page.get_by_text("Why the square root").first.is_visible()
    page.locator("summary", has_text="In thirty seconds").click()
    assert page.get_by_text("brings it").first.is_visible()
    assert not page.get_by_text("Write one score").first.is_visible()


def test_key_opens_and_closes_all(reader: Reader) -> None:
    """`o` and the button open all, then close all; in the search `o` is a letter."""
    page = reader.open(QUESTION)
    page.keyboard.press("o")
    assert all(opened(page))
    assert page.get_by_role("button", name="Close all answers").is_visible()
    page.keyboard.press("o")
    assert not any(opened(page))
    page.get_by_role("button", name="Open all answers").click()
    assert all(opened(page))
    page = reader.open(QUESTION)
    page.keyboard.press("/")
    page.keyboard.type("oo")
    assert not any(opened(page))


def test_link_opens_the_fold_it_leads_into(reader: Reader) -> None:
    """A claim's link shows its check, and a link from elsewhere opens what holds its target."""
    page = reader.open(QUESTION)
    page.locator("summary", has_text="In full").click()
    link = page.locator("a[href='#check-spread']")
    for _ in range(2):  # again, though the address stays the same
        link.click()
        check = page.locator("#check-spread")
        check.wait_for(state="visible")
        page.wait_for_function(
            "document.querySelector('#check-spread').getBoundingClientRect().top < 900"
        )
        page.locator("summary", has_text="Checks").click()
        assert not check.is_visible()
    page = reader.open(f"{QUESTION}#traps")
    page.reload()
    assert page.get_by_text("Giving overflow as the reason").is_visible()


def test_keys_search_and_walk(reader: Reader) -> None:
    """`/` and `s` search, without a server; `n` and `p` walk through the pages."""
    page = reader.open("index.html")
    for key in ("/", "s"):
        page.keyboard.press(key)
        page.keyboard.type("variances add")
        found = page.locator(".md-search-result__link[href*='attention-scale']").first
        found.wait_for(state="visible", timeout=10_000)
        page.keyboard.press("Escape")
        page.keyboard.press("Escape")
        page = reader.open("index.html")
    page.keyboard.press("n")
    page.wait_for_url((reader.site / "exercises" / "index.html").as_uri())
    page.keyboard.press("p")
    page.wait_for_url((reader.site / "index.html").as_uri())


def test_phone_needs_no_sideways_scrolling(phone: Reader) -> None:
    """At 375 pixels no page is wider than the screen, folded or not; what is wide scrolls in its own box."""
    scrolled = 0
    for path in [*STATEMENTS, QUESTION, *INDEXES, *OTHERS]:
        page = phone.open(path)
        for _ in range(2):
            width, room = page.evaluate(
                "[document.documentElement.scrollWidth, document.documentElement.clientWidth]"
            )
            assert width <= room, path
            unfold(page)
        # Cut off would be as bad: what is wider than the text is within something that scrolls.
        lost = page.evaluate(
            """[...document.querySelectorAll('article math, article table, article pre, article img')].filter(e => {
                const box = e.getBoundingClientRect()
                if (box.right <= innerWidth + 1) return false
                for (let up = e; up; up = up.parentElement)
                    if (['auto', 'scroll'].includes(getComputedStyle(up).overflowX)) return false
                return true
            }).map(e => e.outerHTML.slice(0, 200))"""
        )
        assert lost == [], path
        scrolled += page.evaluate("document.querySelectorAll('article [tabindex=\"0\"]').length")
    assert scrolled > 5, "no formula is wide: the test shows nothing"


def luminance(page: Page) -> float:
    colour = page.evaluate("getComputedStyle(document.body).backgroundColor")
    return sum(map(float, re.findall(r"[\d.]+", colour)[:3])) / (3 * 255)


def test_light_and_dark(browser: Browser, site: Path) -> None:
    """The page follows the system, and the switch overrules it, on the next page too."""
    for scheme in ("light", "dark"):
        reader = Reader(browser, site, color_scheme=scheme)
        page = reader.open(QUESTION)
        assert (luminance(page) > 0.5) == (scheme == "light")
        page.locator("label[for=__palette_1]").click()  # to light
        assert luminance(page) > 0.5
        page.locator("label[for=__palette_2]").click()
        assert luminance(page) < 0.5
        assert luminance(reader.open("index.html")) < 0.5
        reader.close()


@pytest.mark.parametrize(
    ("path", "scheme"),
    [
        *(
            (path, scheme)
            for path in (STATEMENTS[1], QUESTION, INDEXES[1])
            for scheme in ("light", "dark")
        ),
        *((path, "dark") for path in ("index.html", "figures.html", "sources.html")),
    ],
)
def test_accessible(browser: Browser, site: Path, path: str, scheme: str) -> None:
    """axe finds nothing serious or critical, folded and unfolded."""
    reader = Reader(browser, site, color_scheme=scheme, viewport={"width": 1280, "height": 900})
    page = reader.open(path)
    for _ in range(2):
        found = Axe().run(page, options=AXE).response["violations"]
        grave = [
            (each["id"], node["target"], node["failureSummary"])
            for each in found
            if each["impact"] in ("serious", "critical")
            for node in each["nodes"]
        ]
        assert grave == []
        unfold(page)
    reader.close()


def test_printing_opens_answers(reader: Reader) -> None:
    """On paper all answers are there, and the bars around the text are not; the screen is as before."""
    page = reader.open(QUESTION)
    folded = page.pdf()
    assert not any(opened(page))
    page.keyboard.press("o")
    unfolded = page.pdf()
    assert abs(len(folded) - len(unfolded)) < 0.02 * len(unfolded)
    page.emulate_media(media="print")
    assert not page.locator(".md-header").is_visible()
    assert not page.locator(".gs-open-all").is_visible()
    assert page.get_by_text("Write one score").first.is_visible()
