"""The site: what its pages hold, that links and formulas are sound, that it is the same each time, what it refuses."""

from __future__ import annotations

import re
import shutil
import signal
import subprocess
import sys
import threading
import urllib.request
from collections.abc import Iterable
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urlsplit

import pytest
from markdown_it.token import Token

from grader.catalog import load_course
from grader.content import Content, locate
from grader.errors import ContentError, GradsmithError
from grader.figures import FIGURES, Entry
from grader.files import read_text
from grader.questions import load_questions, question_files
from grader.report.statement import parser
from grader.site import build as building
from grader.site.build import LIST, build_site, check_target
from grader.site.formulas import FormulaError, mathml, plain
from grader.site.pages import Figure, make_site
from grader.site.serve import site_server

REAL = locate()

STATEMENT = r"""# Toys

Prose with $x_1^2$, a price of 5 dollars, `$code$`, and <b>no markup</b>.

## Notation

- A point
- and one with $\sum_i x_i$:

$$\frac{\partial L}{\partial x} = 2 c x, \qquad \text{where } L = c \sum_i x_i^2$$

| symbol | meaning |
|---|---|
| $c$ | a factor |

## `scaled_square_grad(x, c)`

See [the other one](#row_means), and [a question](../../interview_questions/toy/why.md#in-full).

```python
x = 1  # $5
```

## `row_means(x)`

B.

## Capstone: descent to the mean

C.
"""

QUESTION = r"""+++
id = "toy-why"
topic = "toy"
difficulty = "screen"
minutes = 3
tags = ["toy-tag", "other"]
exercises = ["row_means"]
prerequisites = []
sources = ["gauss1809"]
revision = 1
+++

# Why $\sqrt{n}$?

## Question

Ask **this** about $n$.

## In thirty seconds

Secretly, [4.5](#in-full).

## In full

As [Gauss (1809, §2)](../sources.md#gauss1809) has it.

### A step

More.

## Follow-ups

### And then, $n^2$?

Next [value](#second).

## Rubric

### Weak

- a weak $x$

### Good

- a good one

### Strong

- a strong one

## Traps

- a trap

## Checks

### in-full

```python
>>> 9 / 2
4.5
```

### second

Words.

```python
>>> 1 + 1
2
```
"""

SOURCES = """# Sources

## gauss1809

Gauss (1809), "Theoria motus". <https://example.org/gauss>
"""

SECOND = QUESTION.replace("toy-why", "toy-then").replace(
    "prerequisites = []", 'prerequisites = ["toy-why"]'
)


@pytest.fixture(scope="module")
def course_root(toy: Content, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The toy course with two questions; do not write to it."""
    root = tmp_path_factory.mktemp("site") / "course"
    shutil.copytree(toy.root, root)
    content = Content.under(root)
    content.statement("toy").write_text(STATEMENT, encoding="utf-8")
    (content.interview_questions / "toy").mkdir(parents=True)
    for name, text in (("toy/why.md", QUESTION), ("toy/then.md", SECOND), ("sources.md", SOURCES)):
        (content.interview_questions / name).write_text(text, encoding="utf-8")
    return root


@pytest.fixture
def own_root(course_root: Path, tmp_path: Path) -> Path:
    """A copy of it, to be broken."""
    return Path(shutil.copytree(course_root, tmp_path / "course"))


PNG = b"\x89PNG\r\n\x1a\n"
DRAWN = [(Entry("curve", "a curve of toys", "toy", ("row_means",)), PNG)]


def build(root: Path, target: Path) -> int:
    content = Content.under(root)
    return build_site(content, load_course(content), target, DRAWN)


@pytest.fixture(scope="module")
def site(course_root: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The toy course's site; do not write to it."""
    target = tmp_path_factory.mktemp("built") / "site"
    build(course_root, target)
    return target


class Reader(HTMLParser):
    """What a browser would load, where links lead, and what is seen before anything is opened."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.loads: list[str] = []
        self.links: list[str] = []
        self.ids: set[str] = set()
        self.shown = ""
        self.text = ""
        self.alts: list[str | None] = []
        self._stack: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        if tag not in ("meta", "link", "img", "input", "br", "hr", "path"):
            self._stack.append(tag)
        if "id" in given:
            self.ids.add(given["id"] or "")
        if tag == "a" and given.get("href"):
            self.links.append(given["href"] or "")
        elif tag == "link":
            (self.links if given["rel"] in ("next", "prev") else self.loads).append(
                given["href"] or ""
            )
        elif given.get("src"):
            self.loads.append(given["src"] or "")
        if tag == "img":
            self.alts.append(given.get("alt"))

    def handle_endtag(self, tag: str) -> None:
        while self._stack and self._stack.pop() != tag:
            pass

    def handle_data(self, data: str) -> None:
        if {"script", "style", "code"} & set(self._stack):
            return
        self.text += data
        if "article" in self._stack and "details" not in self._stack:
            self.shown += data


def pages(site: Path) -> dict[Path, Reader]:
    return {file: Reader(file.read_text(encoding="utf-8")) for file in sorted(site.rglob("*.html"))}


# ---- pages


def test_pages(site: Path) -> None:
    """A page for each topic and question, indexes, sources, figures; a list of the site's files."""
    found = {file.relative_to(site).as_posix() for file in pages(site)}
    assert found == {
        "index.html", "exercises/index.html", "exercises/difficulty.html", "exercises/tags.html",
        "exercises/toy.html", "questions/index.html", "questions/difficulty.html",
        "questions/tags.html", "questions/toy-why.html", "questions/toy-then.html", "sources.html",
        "figures.html",
    }  # fmt: skip
    listed = (site / LIST).read_text().splitlines()[1:]
    held = {file.relative_to(site).as_posix() for file in site.rglob("*") if file.is_file()}
    assert held == {*listed, LIST}
    assert not list(site.rglob("*.map"))


def test_statement_page(site: Path) -> None:
    """An anchor for each exercise; facts; hints folded; questions and figures at hand."""
    text = (site / "exercises" / "toy.html").read_text(encoding="utf-8")
    page = Reader(text)
    assert {"scaled_square_grad", "row_means", "notation", "figures", "questions"} <= page.ids
    assert "2 points" in page.shown
    assert "5 minutes" in page.shown
    assert "The idea" not in page.shown
    assert "<b>no markup" not in text
    assert 'href="../questions/toy-why.html#in-full"' in text
    assert 'href="../questions/toy-why.html"' in text
    assert page.alts == ["A curve of toys"]
    assert "<code>$code$</code>" in text
    assert '<td><span class="gs-inline"><math' in text


def test_nothing_of_an_answer_is_seen(site: Path) -> None:
    """The question is seen; all of its answer is folded, follow-up questions too."""
    page = pages(site)[site / "questions" / "toy-why.html"]
    assert "Ask this about" in " ".join(page.shown.split())
    for hidden in ("Secretly", "A step", "And then", "a weak", "a trap", "Words", "Next"):
        assert hidden not in page.shown
        assert hidden in page.text
    for title in ("In thirty seconds", "In full", "Rubric", "Traps", "Checks"):
        assert title in page.text


def test_links_of_a_question(site: Path) -> None:
    """A claim leads to its check, though a section has the check's name; what belongs together is linked."""
    text = (site / "questions" / "toy-why.html").read_text(encoding="utf-8")
    assert '<a href="#check-in-full">4.5</a>' in text
    assert '<h3 id="check-in-full">' in text
    assert '<h2 id="in-full">' in text
    assert 'href="../sources.html#gauss1809">Gauss (1809, §2)</a>' in text
    assert ">Gauss (1809)</a>" in text
    assert 'href="../exercises/toy.html#row_means"' in text
    assert "Leads to" in text
    after = (site / "questions" / "toy-then.html").read_text(encoding="utf-8")
    assert 'Know before: <a href="toy-why.html">' in after
    assert 'href="questions/toy-why.html"' in (site / "sources.html").read_text(encoding="utf-8")
    assert "<title>Why √n? - A toy course</title>" in text


def test_indexes(site: Path) -> None:
    """By topic, by difficulty and by tag."""
    for file, anchors in (
        ("exercises/index.html", {"toy"}),
        ("exercises/difficulty.html", {"easy"}),
        ("exercises/tags.html", {"tag-toy"}),
        ("questions/index.html", {"toy"}),
        ("questions/difficulty.html", {"screen"}),
        ("questions/tags.html", {"tag-toy-tag", "tag-other"}),
    ):
        assert anchors <= Reader((site / file).read_text(encoding="utf-8")).ids, file


def test_every_link_leads_somewhere(site: Path) -> None:
    """Each link within the site leads to a file that is there and to an anchor in it."""
    read = pages(site)
    n = 0
    for file, page in read.items():
        for link in page.links:
            parts = urlsplit(link)
            if parts.scheme in ("http", "https"):
                continue
            assert not parts.scheme
            assert not parts.path.startswith("/")
            there = (file.parent / unquote(parts.path)).resolve() if parts.path else file
            if there.is_dir():
                there = there / "index.html"
            assert there.is_file(), f"{file}: {link}"
            if parts.fragment and not parts.fragment.startswith("__"):
                assert unquote(parts.fragment) in read[there].ids, f"{file}: {link}"
            n += 1
    assert n > 100


def test_nothing_is_loaded_from_elsewhere(site: Path) -> None:
    """Scripts, styles, icons and pictures come from the folder itself, and no dollar is left."""
    for file, page in pages(site).items():
        for load in page.loads:
            assert "//" not in load, f"{file}: {load}"
            assert (file.parent / load).resolve().is_file(), f"{file}: {load}"
        assert "$" not in page.text, file
        assert "preconnect" not in file.read_text(encoding="utf-8")
    for style in site.rglob("*.css"):
        assert not re.search(r"url\(['\"]?https?:|@import", style.read_text(encoding="utf-8")), (
            style
        )


def test_search_reads_formulas_as_text(site: Path) -> None:
    """The index of the search has answers under their headings, with formulas as text."""
    index = (site / "search" / "search_index.js").read_text(encoding="utf-8")
    assert '"questions/toy-why.html#in-thirty-seconds"' in index
    assert "Why \\u221an?" in index
    assert "Secretly" in index


def test_same_course_same_bytes(course_root: Path, site: Path, tmp_path: Path) -> None:
    """A second build, over another one, is the same to the byte."""
    for _ in range(2):
        build(course_root, tmp_path / "site")
    ours = {file.relative_to(site): file.read_bytes() for file in site.rglob("*") if file.is_file()}
    again = tmp_path / "site"
    theirs = {
        file.relative_to(again): file.read_bytes() for file in again.rglob("*") if file.is_file()
    }
    assert ours == theirs
    assert [path.name for path in tmp_path.iterdir()] == ["site"]


# ---- formulas


def formulas(tokens: Iterable[Token]) -> Iterable[tuple[str, bool]]:
    for token in tokens:
        if token.type == "formula_block" or token.type == "formula":
            yield token.content, token.type == "formula_block" or bool(token.info)
        yield from formulas(token.children or [])


@pytest.mark.parametrize(
    "file",
    [
        file
        for topic in load_course(REAL).topics
        for file in (REAL.statement(topic.slug), *question_files(REAL, topic.slug))
    ],
    ids=lambda file: f"{file.parent.name}/{file.stem}",
)
def test_every_formula_of_the_course_converts(file: Path) -> None:
    """Each becomes MathML with children and no LaTeX left in it."""
    for latex, display in formulas(parser().parse(read_text(file))):
        element = mathml(latex, display=display)
        assert element.startswith("<math ")
        assert ('display="block"' in element) == display, latex
        seen = re.sub(r"<[^>]*>", "", element)
        assert seen.strip(), latex
        assert "\\" not in seen, latex


@pytest.mark.parametrize(
    ("latex", "words"),
    [
        (r"\frac{1}", "argument"),
        (r"\nosuchthing x", "nosuchthing"),
        ("5 % of x", r"\%"),
        ("a & b", "&"),
    ],
)
def test_formula_that_cannot_be_shown(latex: str, words: str) -> None:
    """What is unknown or not whole is an error, not a picture of something else."""
    with pytest.raises(FormulaError, match=re.escape(words)):
        mathml(latex, display=False)


def test_formula_as_text() -> None:
    """The text beside a formula is what the terminal shows."""
    assert plain(r"\sqrt{d_k}") == "√dₖ"
    assert 'alttext="a &lt; b"' in mathml("a < b", display=False)


def test_substack() -> None:
    """Two lines under a sum, as the statements on convolution write them."""
    assert mathml(r"\sum_{\substack{i:\\ j}} x", display=True).count("<mtr>") == 2


# ---- what is refused


@pytest.mark.parametrize(
    ("file", "old", "new", "words"),
    [
        ("exercises/toy/README.md", "$x_1^2$", r"$\foo$", r"README.md: formula \$\\foo\$: .*foo"),
        ("exercises/toy/README.md", "#row_means", "#nothing", "link #nothing: there is no #nothing"),
        ("exercises/toy/README.md", "why.md#in-full", "how.md", "how.md: is not on the site"),
        ("interview_questions/toy/why.md", "$n$", "$n_$", "why.md: formula"),
        ("interview_questions/toy/why.md", "[value](#second)", "[value](../../x.py)", "is not on the site"),
        ("interview_questions/toy/why.md", "# Why", "# Why $\\bar$", "why.md: formula"),
        ("interview_questions/toy/why.md", "minutes = 3", "minutes = 0", "minutes"),
    ],
)  # fmt: skip
def test_what_is_wrong_is_named_with_its_file(
    own_root: Path, tmp_path: Path, file: str, old: str, new: str, words: str
) -> None:
    """A formula, a link or a question that is wrong ends the build, which leaves nothing behind."""
    broken = own_root / file
    text = broken.read_text(encoding="utf-8")
    assert old in text
    broken.write_text(text.replace(old, new, 1), encoding="utf-8")
    with pytest.raises(ContentError, match=words):
        build(own_root, tmp_path / "site")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["course"]


def test_course_without_questions(toy: Content, tmp_path: Path) -> None:
    """It has neither pages for them nor for sources."""
    n_pages = build(toy.root, tmp_path / "site")
    assert n_pages == len(list((tmp_path / "site").rglob("*.html"))) == 6


def test_foreign_folder_is_left_alone(course_root: Path, tmp_path: Path) -> None:
    """A folder with anything that no build wrote is refused, and stays as it is."""
    target = tmp_path / "thesis"
    target.mkdir()
    (target / "chapter.tex").write_text("years of work")
    with pytest.raises(GradsmithError, match="no site of ours"):
        build(course_root, target)
    (target / LIST).write_text("something else")
    with pytest.raises(GradsmithError, match="no site of ours"):
        build(course_root, target)
    assert (target / "chapter.tex").read_text() == "years of work"
    file = tmp_path / "file"
    file.write_text("x")
    with pytest.raises(GradsmithError, match="is a file"):
        build(course_root, file)


def test_site_with_a_file_of_yours_is_left_alone(course_root: Path, tmp_path: Path) -> None:
    """A former site is replaced; one in which somebody put a file is not."""
    target = tmp_path / "site"
    target.mkdir()
    build(course_root, target)
    (target / "index.html").write_text("old")
    build(course_root, target)
    assert (target / "index.html").read_text() != "old"
    (target / "exercises" / "notes.txt").write_text("mine")
    with pytest.raises(GradsmithError, match=r"exercises/notes\.txt"):
        build(course_root, target)
    assert (target / "exercises" / "notes.txt").read_text() == "mine"


def test_failed_swap_puts_the_old_site_back(
    course_root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where the new folder cannot be put in place, the old one is there again."""
    target = tmp_path / "site"
    build(course_root, target)
    (target / "index.html").write_text("old")
    rename = building.os.rename

    def failing(source: Path, to: Path) -> None:
        if Path(source).name == "site" and Path(to) == target:
            raise OSError(28, "No space left on device")
        rename(source, to)

    monkeypatch.setattr(building.os, "rename", failing)
    with pytest.raises(GradsmithError, match="No space left"):
        build(course_root, target)
    assert (target / "index.html").read_text() == "old"
    assert [path.name for path in tmp_path.iterdir()] == ["site"]


def test_missing_packages_are_named(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without the extra, one line says what to install."""
    monkeypatch.setattr(building, "_NEEDED", ("no_such_package",))
    with pytest.raises(GradsmithError, match=r"pip install 'gradsmith\[site\]'"):
        building.require_packages()


def test_empty_folder_is_taken(tmp_path: Path) -> None:
    """An empty folder, or one with empty folders, and one that is not there."""
    check_target(tmp_path)
    (tmp_path / "a").mkdir()
    check_target(tmp_path)
    check_target(tmp_path / "b")


# ---- the commands


def grader(*args: str | Path, cwd: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "grader", *map(str, args)],
        cwd=cwd, capture_output=True, text=True, check=False,
    )  # fmt: skip


def test_build_command(own_root: Path, tmp_path: Path) -> None:
    """It names the page to open, and says nothing else."""
    done = grader("site", "build", "out", "--course", own_root, cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert done.stdout == f"{Path('out') / 'index.html'}: 11 pages\n"
    assert done.stderr == ""
    assert (tmp_path / "out" / "index.html").is_file()
    (tmp_path / "out" / "mine").write_text("x")
    done = grader("site", "build", "out", "--course", own_root, cwd=tmp_path)
    assert done.returncode == 2
    assert "holds mine" in done.stderr


@pytest.mark.skipif(not hasattr(signal, "SIGINT"), reason="needs SIGINT")
def test_serve_command(own_root: Path, tmp_path: Path) -> None:
    """It says where the site is, shows it, and Ctrl-C ends it in order."""
    process = subprocess.Popen(
        [sys.executable, "-m", "grader", "site", "serve", "--port", "0", "--course", str(own_root)],
        cwd=tmp_path, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip
    with process:
        assert process.stdout is not None
        assert process.stderr is not None
        address = process.stdout.readline().split()[0]
        with urllib.request.urlopen(f"{address}exercises/toy.html", timeout=10) as answer:
            assert b"row_means" in answer.read()
        process.send_signal(signal.SIGINT)
        assert process.wait(timeout=10) == 0
        assert process.stderr.read() == ""


def test_server_gives_files_to_this_machine(site: Path) -> None:
    """It listens on the loopback interface, and a port that is taken is said."""
    with site_server(site, 0) as server:
        host, port = server.server_address[:2]
        assert host == "127.0.0.1"
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/questions/toy-why.html") as answer:
            assert b"<math" in answer.read()
        with pytest.raises(GradsmithError, match=f"port {port}"):
            site_server(site, int(port))
        server.shutdown()
        thread.join()


def test_real_course_has_its_pages() -> None:
    """Every exercise has its anchor on its topic's page, every question its page, every figure its place."""
    content = REAL
    course = load_course(content)
    questions = load_questions(content, course)
    figures = [Figure(f"figures/{name}.png", entry) for name, entry in FIGURES.items()]
    made = {page.path: page for page in make_site(content, course, questions, figures).pages}
    for exercise in course.exercises:
        assert f' id="{exercise.name}">' in made[f"exercises/{exercise.topic}.html"].body
    for question in questions:
        assert f"questions/{question.id}.html" in made
    for name, entry in FIGURES.items():
        assert f"../figures/{name}.png" in made[f"exercises/{entry.topic}.html"].body
