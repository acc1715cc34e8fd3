"""Submissions that are alike: what hides nothing, what counts nothing, and who is found among honest ones."""

from __future__ import annotations

import ast
import random
from collections.abc import Mapping
from dataclasses import replace
from functools import cache
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner, Result

from grader.catalog import load_course
from grader.classroom.alike import INDEX, alike_pages, known_of
from grader.classroom.fragments import LENGTH, MAX_NODES, parts
from grader.classroom.handed_in import HandedIn
from grader.classroom.similarity import COMMON, GRACE, KNOWN, Collection, Findings, Known
from grader.cli import cli
from grader.content import Content, locate
from grader.errors import GradsmithError, UnreadableSubmissionError
from grader.submission import read_submission

REAL = locate()
FIRST = 5718708996578692364
"""Of `def f(x): return np.exp(x) / np.sum(np.exp(x))`."""
TOPICS = ("softmax", "kalman_filter")
PLAIN = '''
def update(x, grad, rate):
    """Docstring."""
    step = rate * grad / np.sqrt(np.sum(grad ** 2, axis=-1, keepdims=True) + 1e-8)
    for k in range(3):  # a comment
        x = np.where(x > k, x - step, x + step.mean())
    return np.clip(x, -1.0, 1)
'''


def numbers(text: str) -> list[int]:
    """The fragments of all parts of a file, in order."""
    found = parts(text)
    assert found is not None
    return [int(each) for part in found for each in part.fragments]


# ---- fragments


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("step", "s"),
        ("grad", "velocity"),
        ("def update(", "def my_update("),
        ('"""Docstring."""', '"""Another one,\n    of two lines."""'),
        ("  # a comment", ""),
        ("rate * grad / np", "(rate  *  grad) / \\\n        np"),
        ("x > k,", "x > k,\n            # where it is above\n"),
        ("np.", "numpy."),
        ("-1.0, 1)", "-1, 1.0)"),
        ("(x, grad, rate):", "(x: float, grad: float, rate: float) -> float:"),
        ("    step =", "    import math\n    step ="),
    ],
)
def test_what_hides_nothing(old: str, new: str) -> None:
    """Names of variables, comments, docstrings, layout, annotations, imports, and how a number is written."""
    changed = PLAIN.replace(old, new)
    assert changed != PLAIN
    assert numbers(changed) == numbers(PLAIN)


@pytest.mark.parametrize(
    ("old", "new"), [("sqrt", "abs"), ("** 2", "** 3"), ("x > k", "x < k"), ("axis", "out")]
)
def test_what_makes_a_difference(old: str, new: str) -> None:
    """Names of attributes and of keywords, operators and numbers."""
    assert set(numbers(PLAIN.replace(old, new))) != set(numbers(PLAIN))


def test_an_import_of_a_name_is_read_as_the_attribute() -> None:
    """`exp(x)` after `from numpy import exp` is `np.exp(x)`, at the top of a file and inside a function."""
    body = "    return {}exp(x - {}max(x, axis=-1, keepdims=True)) * 2.0 + x\n"
    plain = "import numpy as np\n\ndef f(x):\n" + body.format("np.", "np.")
    assert numbers("from numpy import exp, max\n\ndef f(x):\n" + body.format("", "")) == numbers(
        plain
    )
    renamed = "from numpy import exp as e, max as m\ndef f(x):\n" + body.format("", "")
    renamed = renamed.replace(" exp(", " e(").replace(" max(", " m(")
    assert numbers(renamed) == numbers(plain)
    inner = "def f(x):\n    from numpy import exp, max\n" + body.format("", "")
    assert numbers(inner) == numbers(plain)


def test_fragments_are_the_same_in_every_process() -> None:
    """A number of a known fragment: it depends on no seed of hashing."""
    (part,) = parts("def f(x):\n    return np.exp(x) / np.sum(np.exp(x))\n") or []
    assert part.name == "f"
    assert (part.starts[0], part.ends[-1]) == (1, 2)
    assert int(part.fragments[0]) == FIRST


@pytest.mark.parametrize(
    "text",
    ["def f(:\n", "x = '\x00'\n", "(" * 5000, "\ud800", "-" * 200_000 + "1", "x" + "[0]" * 50_000],
)
def test_what_is_no_python_is_no_part(text: str) -> None:
    """Not Python, or nested too deeply to be read: None or parts, and no exception."""
    found = parts(text)
    assert found is None or sum(len(part.fragments) for part in found) <= MAX_NODES


def test_a_huge_file_is_cut(monkeypatch: pytest.MonkeyPatch) -> None:
    """Of a file with more nodes than any honest one has, the rest is not compared."""
    monkeypatch.setattr("grader.classroom.fragments.MAX_NODES", 100)
    text = "def f(x):\n    return [" + "x+1," * 15 + "]\n"
    found = parts(text * 3)
    assert found is not None
    assert sum(len(part.fragments) + LENGTH - 1 for part in found) == 100


# ---- scores by hand

WORD = "def f{n}(x):\n    return " + " + ".join(f"np.{{w}}{k}(x)" for k in range(12)) + "\n"


def written(*words: str) -> str:
    """A file with a function for each word, in which nothing is like that of another word."""
    return "".join(WORD.format(n=n, w=word) for n, word in enumerate(words))


def compared(files: Mapping[str, str], known: Known) -> Findings:
    collection = Collection({"toy": known})
    for student, text in files.items():
        collection.add(student, {"toy": text})
    return collection.compare()


def test_scores_by_hand() -> None:
    """Five students: what two share has weight 1, what is a student's own too, what is in the stub none."""
    files = {
        "a": written("stub", "one", "both"), "b": written("both", "stub", "two"), "c": written("stub", "three"),
        "d": written("four"), "e": written("stub"),
    }  # fmt: skip
    found = compared(files, Known(written("stub"), ""))
    share = len(set(numbers(written("both"))) & set(numbers(files["b"])))
    own = len(set(numbers(files["a"])) - set(numbers(written("stub"))))
    assert found.students == tuple("abcde")
    best = found.pairs[0]
    assert (best.a, best.b, best.identical) == ("a", "b", False)
    assert best.score == pytest.approx(share / (own + GRACE), abs=0.05)
    assert len(found.scores) == 10
    assert all(pair.score < 0.12 for pair in found.pairs[1:])


def test_what_many_write_counts_nothing() -> None:
    """A fragment in more than a quarter of the class, and in more than three submissions, says nothing of two."""
    n = 20
    many = {f"s{i:02d}": written(f"own{i}", *(["rare"] if i < 3 else ["often"])) for i in range(n)}
    found = compared(many, Known("", ""))
    table = {(p.a, p.b): p.score for p in found.pairs}
    assert found.pairs[0].score == table["s00", "s01"] == table["s00", "s02"] == table["s01", "s02"]
    assert table["s00", "s01"] > 0.2
    assert ("s04", "s05") not in table
    assert COMMON * n < 17


def test_what_the_course_holds_counts_less() -> None:
    """The same two files: `KNOWN` of the weight is left where the solution or another right way holds the fragment."""
    files = {"a": written("x", "y"), "b": written("x", "z"), "c": written("v", "w")}
    plain = compared(files, Known("", "")).pairs[0].score
    for known in (Known("", written("x")), Known("", "", (written("x"),))):
        less = compared(files, known).pairs[0].score
        assert less < plain * (KNOWN + 0.2)


def test_identical_files_are_told() -> None:
    """Two submissions of the same bytes say so, and come first."""
    files = {"a": written("x", "y", "u"), "b": written("x", "y", "u"), "c": written("y", "z", "t")}
    best = compared(files, Known("", "")).pairs[0]
    assert (best.a, best.b, best.identical) == ("a", "b", True)


@pytest.mark.parametrize("n", [1, 2])
def test_hardly_anyone(n: int) -> None:
    """One submission has no pair; two that are the same are found without a class behind them."""
    found = compared({f"s{i}": written("x", "y", "z") for i in range(n)}, Known("", ""))
    assert len(found.pairs) == len(found.scores) == n - 1
    assert all(pair.score > 0.5 for pair in found.pairs)


def test_what_is_not_python_is_named() -> None:
    """A file that cannot be parsed is not compared, and who handed it in is told of."""
    found = compared({"a": "def f(:\n", "b": written("x"), "c": written("y")}, Known("", ""))
    assert found.unread == {"a": ("toy",)}
    assert all("a" not in (pair.a, pair.b) for pair in found.pairs)


# ---- the real course: honest students, and one who copied


@cache
def sources(slug: str) -> tuple[str, dict[str, list[str]]]:
    """A topic's solution, and for each exercise the bodies that it may have: the solution's and the alternatives'."""
    text = REAL.source(slug).read_text(encoding="utf-8")
    exercises = {e.name for e in load_course(REAL).topic(slug).exercises}
    found: dict[str, list[str]] = {name: [] for name in exercises}
    for each in (text, REAL.alternatives_file(slug).read_text(encoding="utf-8")):
        for node in ast.parse(each).body:
            name = getattr(node, "name", "").split("__")[0]
            if isinstance(node, ast.FunctionDef) and name in exercises:
                node.name = name
                found[name].append(ast.unparse(node))
    return text, found


class Manner(ast.NodeTransformer):
    """Writes the same in a person's own manner: order of terms, names, intermediate results, forms of calls."""

    def __init__(self, seed: str) -> None:
        self.random = random.Random(seed)
        self.swap, self.name, self.dot = (self.random.random() * 0.5 for _ in range(3))

    def visit_BinOp(self, node: ast.BinOp) -> ast.expr:
        self.generic_visit(node)
        if isinstance(node.op, ast.Add | ast.Mult) and self.random.random() < self.swap:
            node.left, node.right = node.right, node.left
        if isinstance(node.op, ast.MatMult) and self.random.random() < self.dot:
            return ast.Call(ast.parse("np.matmul", mode="eval").body, [node.left, node.right], [])
        return node

    def visit_FunctionDef(self, node: ast.FunctionDef) -> ast.FunctionDef:
        self.generic_visit(node)
        body = []
        for statement in node.body:
            if isinstance(statement, ast.Return | ast.Assign) and isinstance(
                statement.value, ast.BinOp
            ):
                for side in ("left", "right"):
                    if self.random.random() < self.name:
                        label = self.random.choice(["tmp", "part", "a", "val"])
                        target = ast.Name(f"{label}{len(body)}", ast.Store())
                        body.append(ast.Assign([target], getattr(statement.value, side)))
                        setattr(statement.value, side, ast.Name(target.id, ast.Load()))
            body.append(statement)
        node.body = body
        return node


def honest(number: int) -> dict[str, str]:
    """A student who writes each function by the solution or an alternative, in a manner of their own."""
    files = {}
    for slug in TOPICS:
        choice = random.Random(f"{number} {slug}")
        _, bodies = sources(slug)
        tree = ast.parse("\n\n".join(choice.choice(bodies[name]) for name in sorted(bodies)))
        made = Manner(f"{number} {slug}").visit(tree)
        files[slug] = "import numpy as np\n\n" + ast.unparse(ast.fix_missing_locations(made)) + "\n"
    return files


def copied(files: Mapping[str, str]) -> dict[str, str]:
    """The same with other names, other comments, and the functions in another order."""
    made = {}
    for slug, text in files.items():
        tree = ast.parse(text)
        functions = [node for node in tree.body if isinstance(node, ast.FunctionDef)]
        for function in functions:
            stored = sorted(
                {
                    n.id
                    for n in ast.walk(function)
                    if isinstance(n, ast.Name) and isinstance(n.ctx, ast.Store)
                }
            )
            names = {name: f"mine_{k}" for k, name in enumerate(stored)}
            for node in ast.walk(function):
                if isinstance(node, ast.Name):
                    node.id = names.get(node.id, node.id)
            if ast.get_docstring(function):
                function.body[0] = ast.parse('"my own words"').body[0]
        made[slug] = (
            "\n\n# all mine\n".join(map(ast.unparse, [tree.body[0], *functions[::-1]])) + "\n"
        )
    return made


@pytest.fixture(scope="module")
def planted() -> tuple[Collection, Findings]:
    """40 honest students, one who copied from the eighth, and one who handed in the solutions."""
    course = load_course(REAL)
    known = known_of(REAL, replace(course, topics=tuple(map(course.topic, TOPICS))))
    collection = Collection(known)
    for number in range(40):
        collection.add(f"s{number:02d}", honest(number))
    collection.add("copy", copied(honest(7)))
    collection.add("leak", {slug: sources(slug)[0] for slug in TOPICS})
    return collection, collection.compare()


def test_a_copy_comes_first_with_a_gap(planted: tuple[Collection, Findings]) -> None:
    """Renamed variables, reordered functions and changed comments hide nothing: no honest pair comes near."""
    _, found = planted
    first, second = found.pairs[:2]
    assert (first.a, first.b) == ("copy", "s07")
    assert first.score > 0.6
    assert second.score < 0.7 * first.score


def test_the_solutions_themselves_are_found(planted: tuple[Collection, Findings]) -> None:
    """Who hands in the reference comes first among those whose functions are the solution's own."""
    _, found = planted
    assert found.references[0].student == "leak"
    assert len(found.references[0].functions) > 2 * len(found.references[1].functions)


def test_what_is_marked_is_what_is_shared(planted: tuple[Collection, Findings]) -> None:
    """Side by side, a copied function is marked line for line; code of an honest pair hardly is."""
    collection, found = planted
    mine = {each.name: each for each in collection.excerpts("copy", "s07", "kalman_filter")}
    theirs = {each.name: each for each in collection.excerpts("s07", "copy", "kalman_filter")}
    name = max(mine, key=lambda each: mine[each].weight)
    assert mine[name].share == pytest.approx(1)
    assert theirs[name].share == pytest.approx(1)
    assert [line.shared for line in mine[name].lines] == [
        line.shared for line in theirs[name].lines
    ]
    assert sum(line.shared for line in mine[name].lines) >= len(mine[name].lines) - 2
    honest_pair = [
        collection.excerpts(*ends, "kalman_filter") for ends in (("s01", "s02"), ("s02", "s01"))
    ]
    assert np.mean([each.share for side in honest_pair for each in side]) < 0.3
    assert len(found.scores) == 42 * 41 // 2


# ---- pages and command


def test_pages_are_inert_and_say_what_a_score_is(planted: tuple[Collection, Findings]) -> None:
    """Each page says that a score is no proof; names and code are text; the same input gives the same bytes."""
    collection, found = planted

    def made() -> dict[str, str]:
        return dict(
            alike_pages(
                collection, found, title="<b>T</b>", n_pairs=2, names={"copy": "<script>x</script>\u202e"},
                skipped={"bad\x00": "<i>no</i>"},
            )
        )  # fmt: skip

    pages = made()
    assert list(pages) == ["pair-001.html", "pair-002.html", INDEX]
    for page in pages.values():
        assert "a reason to look, and no proof" in page
        assert "<script" not in page
        assert "\u202e" not in page
        assert "<b>T" not in page
        assert "style=" not in page
        assert "default-src 'none'" in page.replace("&#39;", "'")
    assert "&lt;script&gt;x&lt;/script&gt;\\u202e (copy)" in pages[INDEX]
    assert "bad\\x00" in pages[INDEX]
    assert pages["pair-001.html"].count("<mark>") > 50
    assert pages == made()


@pytest.fixture
def submissions(tmp_path: Path) -> Path:
    """A folder of four toy submissions, one of which cannot be read."""
    folder = tmp_path / "in"
    body = (
        "def row_means(x):\n    total = {w}\n    return total / np.sqrt(x.shape[1] + 0.25) ** 2\n"
    )
    texts = {
        "ada": "np.exp(x).sum(axis=1)",
        "bob": "np.exp(x).sum(axis=1)",
        "eve": "x @ np.ones(3) - 7",
    }
    for name, words in texts.items():
        (folder / name).mkdir(parents=True)
        (folder / name / "toy.py").write_text(body.format(w=words), encoding="utf-8")
    (folder / "bad.zip").write_bytes(b"no archive")
    return folder


@pytest.fixture
def handed(submissions: Path, monkeypatch: pytest.MonkeyPatch, toy: Content) -> list[HandedIn]:
    """What is compared, whatever path is given: the folder's submissions."""
    course = load_course(toy)
    found = []
    for path in sorted(submissions.iterdir()):
        try:
            sources = read_submission(path, course).sources
            texts = {topic: source.text for topic, source in sources.items()}
            found.append(HandedIn(path.name, path.name.capitalize(), texts))
        except UnreadableSubmissionError as error:
            found.append(HandedIn(path.name, path.name, fault=str(error)))
    monkeypatch.setattr("grader.classroom.handed_in.handed_in", lambda path, course: iter(found))
    return found


def similar(toy: Content, out: Path) -> Result:
    """Runs the command."""
    arguments = ["class", "similar", str(out.parent), "-o", str(out), "--course", str(toy.root)]
    return CliRunner().invoke(cli, arguments)


@pytest.mark.usefixtures("handed")
def test_command(toy: Content, tmp_path: Path) -> None:
    """`class similar` names the first pairs, and what it could not read, and takes away pages of a run before."""
    out = tmp_path / "out"
    out.mkdir()
    for name in ("pair-099.html", "mine.html"):
        (out / name).write_text("old")
    done = similar(toy, out)
    assert done.exit_code == 0, done.output
    assert "3 submissions" in done.output
    assert "Ada and Bob" in done.output.splitlines()[1]
    assert (out / "mine.html").exists()
    assert not (out / "pair-099.html").exists()
    page = (out / INDEX).read_text(encoding="utf-8")
    assert "Ada (ada)" in page
    assert "bad.zip" in page


def test_what_lies_in_a_folder(submissions: Path, toy: Content) -> None:
    """Sources come from the entries of a folder; what cannot be read says why."""
    pytest.importorskip("grader.classroom.intake")
    from grader.classroom.handed_in import handed_in

    found = {each.student: each for each in handed_in(submissions, load_course(toy))}
    assert {student for student, each in found.items() if each.sources} == {"ada", "bob", "eve"}
    assert "np.exp" in found["ada"].sources["toy"]
    (bad,) = (each for each in found.values() if not each.sources)
    assert "bad.zip" in bad.fault


def test_command_without_submissions(handed: list[HandedIn], toy: Content, tmp_path: Path) -> None:
    """Where nothing can be read, an error says what to give, and nothing is written."""
    handed[:] = [HandedIn("a", "a", fault="is damaged")]
    done = similar(toy, tmp_path / "out")
    assert isinstance(done.exception, GradsmithError)
    assert "holds no submission that can be read" in str(done.exception)
    assert not (tmp_path / "out").exists()
