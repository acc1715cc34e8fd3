"""Links between the pages: relative, so that they work from a folder, and each leads somewhere."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from html import unescape
from pathlib import Path
from typing import Final

from grader.errors import ContentError

_HREF: Final = re.compile(r'<a [^>]*?href="([^"]*)"')
_SRC: Final = re.compile(r'<img [^>]*?src="([^"]*)"')
_ID: Final = re.compile(r'<[a-z][a-z0-9]* (?:[^>]*? )?id="([^"]*)"')


@dataclass(frozen=True, slots=True)
class Heading:
    """What the table of contents beside a page lists."""

    title: str
    id: str
    level: int


@dataclass(frozen=True, slots=True)
class Page:
    """One page.

    Attributes
    ----------
    path : in the site, ending in ``.html``.
    title : as text.
    body : HTML, with its heading of the first level.
    source : the file that it was made from, for errors.
    """

    path: str
    title: str
    body: str
    source: Path
    headings: tuple[Heading, ...] = field(default=())


def href(here: str, there: str, anchor: str = "") -> str:
    """The relative link from one page to another or to a file."""
    path = (
        "" if here == there and anchor else posixpath.relpath(there, posixpath.dirname(here) or ".")
    )
    return f"{path}#{anchor}" if anchor else path


def check_links(pages: Iterable[Page], files: Iterable[str]) -> None:
    """Hold that every link within the site leads to a page and an anchor, or to a file.

    Raises
    ------
    ContentError : one leads nowhere.
    """
    pages = tuple(pages)
    anchors: Mapping[str, set[str]] = {page.path: set(_ID.findall(page.body)) for page in pages}
    known = {*anchors, *files}
    for page in pages:
        for found in [*_HREF.findall(page.body), *_SRC.findall(page.body)]:
            target = unescape(found)
            if "://" in target or target.startswith("mailto:"):
                continue
            path, _, anchor = target.partition("#")
            there = (
                posixpath.normpath(posixpath.join(posixpath.dirname(page.path), path))
                if path
                else page.path
            )
            if there not in known:
                raise ContentError(page.source, f"link {target}", "leads to no page of the site")
            if anchor and anchor not in anchors.get(there, ()):
                raise ContentError(
                    page.source, f"link {target}", f"there is no #{anchor} on {there}"
                )
