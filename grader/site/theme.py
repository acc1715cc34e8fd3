"""The frame around the pages, by MkDocs and Material for MkDocs: navigation, search, light and dark.

MkDocs gets a folder with a file for each page that holds its title alone. What a page shows is put in by a plug-in of
ours, as our Markdown is read by our own parser; the search is given the same without folds, formulas as text.
"""

from __future__ import annotations

import json
import logging
import os
import re
import shutil
from collections.abc import Iterator, Mapping, Sequence
from html import escape
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from grader.site.links import Heading, Page
    from grader.site.pages import Section, Site

ASSETS: Final = Path(__file__).with_name("assets")
_MATH: Final = re.compile(r'<math alttext="([^"]*)"[^>]*>.*?</math>', re.DOTALL)
_FOLD: Final = re.compile(r"</?(?:details|summary)[^>]*>")
_SEARCH: Final = 'data-md-component="search" role="dialog"'
"""The theme's dialog, to which it gives no name; screen readers want one."""
_UNUSED: Final = ("sitemap.xml", "404.html")
"""Pages that only a web server could use; the sitemap holds the day of the build."""

_THEME: Final[dict[str, Any]] = {
    "name": "material",
    "font": False,
    "language": "en",
    "palette": [
        {
            "media": "(prefers-color-scheme)", "primary": "custom", "accent": "custom",
            "toggle": {"icon": "material/brightness-auto", "name": "Light or dark as the system: switch to light"},
        },
        {
            "media": "(prefers-color-scheme: light)", "scheme": "default", "primary": "custom", "accent": "custom",
            "toggle": {"icon": "material/brightness-7", "name": "Light: switch to dark"},
        },
        {
            "media": "(prefers-color-scheme: dark)", "scheme": "slate", "primary": "custom", "accent": "custom",
            "toggle": {"icon": "material/brightness-4", "name": "Dark: switch to the system's"},
        },
    ],
    "icon": {"logo": "material/function-variant"},
    "features": [
        "navigation.tabs", "navigation.indexes", "navigation.footer", "navigation.top", "toc.follow",
        "search.highlight",
    ],
}  # fmt: skip


def write_site(site: Site, files: Mapping[str, bytes], work: Path, target: Path) -> None:
    """Write the pages and the files beside them to the folder `target`.

    Parameters
    ----------
    work : an empty folder for what MkDocs reads.
    """
    os.environ.setdefault("NO_MKDOCS_2_WARNING", "true")  # Material's notice to its users, not ours
    logging.getLogger("mkdocs").addHandler(logging.NullHandler())
    from mkdocs.commands.build import build
    from mkdocs.config import load_config

    docs = work / "docs"
    shutil.copytree(ASSETS, docs / "assets")
    for page in site.pages:
        file = docs / _source(page.path)
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(f"---\ntitle: {json.dumps(escape(page.title))}\n---\n", encoding="utf-8")
    for name, data in files.items():
        (docs / name).parent.mkdir(parents=True, exist_ok=True)
        (docs / name).write_bytes(data)
    config_file = work / "mkdocs.yml"
    config_file.touch()
    config: Any = load_config(
        str(config_file),
        site_name=escape(site.title),
        docs_dir=str(docs),
        site_dir=str(target),
        theme=_THEME,
        nav=list(_navigation(site.navigation, {page.path: page for page in site.pages})),
        use_directory_urls=False,
        plugins={
            "material/search": {"lang": "en"},
            "material/offline": {},
        },
        extra_css=["assets/site.css"],
        extra_javascript=["assets/site.js"],
        extra={"polyfills": ["assets/iframe-worker.js"]},
        validation={"nav": {"omitted_files": "ignore"}},
    )
    config.theme.static_templates.difference_update(_UNUSED)
    config.plugins["grader/site"] = _filler(site.pages)
    config.plugins.run_event("startup", command="build", dirty=False)
    build(config)
    config.plugins.run_event("shutdown")
    _remove_unused(target)


def _source(path: str) -> str:
    return path.removesuffix(".html") + ".md"


def _navigation(
    entries: Sequence[str | Section], pages: Mapping[str, Page]
) -> Iterator[str | dict[str, Any]]:
    for entry in entries:
        if isinstance(entry, str):
            yield {escape(pages[entry].title): _source(entry)}
        else:
            yield {escape(entry.title): list(_navigation(entry.pages, pages))}


def _searchable(body: str) -> str:
    """What the search reads of a page: formulas as text, and no folds, which would end a section."""
    return _FOLD.sub(" ", _MATH.sub(r"\1", body))


def _filler(pages: Sequence[Page]) -> Any:
    """The plug-in that puts the pages in."""
    from mkdocs.plugins import BasePlugin, event_priority
    from mkdocs.structure.toc import AnchorLink, TableOfContents

    known = {_source(page.path): page for page in pages}

    def contents(headings: Sequence[Heading]) -> TableOfContents:
        top: list[AnchorLink] = []
        stack: list[AnchorLink] = []
        for heading in headings:
            link = AnchorLink(escape(heading.title), heading.id, heading.level)
            while stack and stack[-1].level >= heading.level:
                stack.pop()
            (stack[-1].children if stack else top).append(link)
            stack.append(link)
        return TableOfContents(top)

    class Filler(BasePlugin):  # type: ignore[type-arg,no-untyped-call]  # has no configuration
        def on_page_content(self, html: str, *, page: Any, **_: Any) -> str:
            made = known[page.file.src_uri]
            page.toc = contents(made.headings)
            return _searchable(made.body)

        @event_priority(-100)  # behind the search
        def on_page_context(self, context: Any, *, page: Any, **_: Any) -> Any:
            page.content = known[page.file.src_uri].body
            return context

        def on_post_page(self, output: str, **_: Any) -> str:
            return output.replace(_SEARCH, f'{_SEARCH} aria-label="Search"', 1)

    return Filler()


def _remove_unused(target: Path) -> None:
    """Remove what no page loads: maps of the theme's sources, and the search's other languages."""
    for file in sorted(target.rglob("*.map")):
        file.unlink()
    shutil.rmtree(target / "assets" / "javascripts" / "lunr", ignore_errors=True)
