"""The course as it is committed: current, sound, proved, and its documents true."""

from __future__ import annotations

import doctest
import os
from pathlib import Path

import pytest

from grader.audit import IDS_FILE, Audit, audit
from grader.bank import Bank, variants
from grader.catalog import load_course, validate_course
from grader.claims import links
from grader.content import locate
from grader.questions import SOURCES_FILE
from grader.sandbox.local import load_module
from grader.stubs import make_stub
from grader.verify import Evidence, markdown, static_complaints, verify

CONTENT = locate()
COURSE = load_course(CONTENT)
ROOT = Path(__file__).parents[2]
TOPICS = [topic.slug for topic in COURSE.topics]
DOCUMENTS = sorted(
    [*ROOT.glob("*.md"), *ROOT.glob("docs/*.md"), *ROOT.glob("exercises/*/*.md"),
     *ROOT.glob("interview_questions/**/*.md")]
)  # fmt: skip
QUESTIONS = sorted(CONTENT.interview_questions.glob("*/*.md"))
LISTS = [CONTENT.interview_questions / SOURCES_FILE, CONTENT.interview_questions / IDS_FILE]
SEED = int(os.environ.get("GRADSMITH_SEED", "20261122"))
"""At which every suite is proved here: any will do, and CI takes another one each day."""
EVIDENCE_SEEDS = range(20)


def test_course_is_valid() -> None:
    """Catalog, statements, signatures and markers agree."""
    assert [str(problem) for problem in validate_course(CONTENT)] == []


@pytest.mark.parametrize("slug", TOPICS)
def test_stub_is_current(slug: str) -> None:
    """The committed stub is what the solution gives."""
    source = CONTENT.source(slug)
    assert CONTENT.stub(slug).read_text() == make_stub(source.read_text(), str(source))


def test_sentences_and_names() -> None:
    """Every mistake and alternative is named after an exercise, and every mistake has its sentence."""
    assert static_complaints(CONTENT, COURSE, Bank(CONTENT)) == []


@pytest.mark.long
@pytest.mark.parametrize("slug", TOPICS)
def test_suite_is_proved(slug: str) -> None:
    """Solution, stub, mistakes, alternatives and vacuous answers get the right verdict at one seed."""
    proof = verify(CONTENT, [slug], [SEED], 1)
    assert proof.complaints == []
    for row in proof.exercises:
        assert row.n_killed == row.n_mistakes
        assert row.n_accepted == row.n_alternatives
        assert row.n_misnamed == 0
    n = sum(row.n_mistakes for row in proof.exercises)
    assert sum(row.n_named for row in proof.exercises) >= 0.95 * n


@pytest.mark.slow
def test_suites_are_proved_at_twenty_seeds() -> None:
    """At 20 seeds nothing survives, nothing right is rejected, 95 % are named, and the table is current."""
    proof = verify(CONTENT, None, EVIDENCE_SEEDS, 2)
    assert proof.complaints == []
    n = sum(row.n_mistakes for row in proof.exercises)
    assert sum(row.n_named for row in proof.exercises) >= 0.95 * n
    assert sum(row.n_misnamed for row in proof.exercises) <= 0.01 * n
    assert (ROOT / "docs" / "evidence.md").read_text() == markdown(proof, EVIDENCE_SEEDS)


def test_evidence_table_counts_this_course() -> None:
    """The published table is of the mistakes and alternatives that are here, all of them rejected and accepted."""
    text = (ROOT / "docs" / "evidence.md").read_text()
    for topic in COURSE.topics:
        mistakes = variants(
            vars(load_module(CONTENT.mistakes_file(topic.slug), "_counted_mistakes"))
        )
        others = variants(
            vars(load_module(CONTENT.alternatives_file(topic.slug), "_counted_alternatives"))
        )
        for exercise in topic.exercises:
            n = len(EVIDENCE_SEEDS)
            row = Evidence(exercise.name, topic.slug)
            row.n_mistakes = n * sum(name.startswith(f"{exercise.name}__") for name in mistakes)
            row.n_alternatives = n * sum(name.startswith(f"{exercise.name}__") for name in others)
            line = next(line for line in text.splitlines() if f"| `{exercise.name}` |" in line)
            cells = [cell.strip() for cell in line.strip("|").split("|")]
            assert cells[2] == f"{row.n_mistakes}/{row.n_mistakes}"
            assert cells[5] == f"{row.n_alternatives}/{row.n_alternatives}"


@pytest.mark.parametrize("slug", TOPICS)
def test_examples_in_docstrings_run(slug: str) -> None:
    """Every solution's docstring examples give what they say, and every exercise has one."""
    module = load_module(CONTENT.source(slug), f"_examples_{slug}")
    failed, tried = doctest.testmod(module)
    assert failed == 0
    assert tried >= len(COURSE.topic(slug).exercises)


@pytest.fixture(scope="module")
def audited() -> Audit:
    """All that is wrong with the interview questions, and what their claims rest on; every check is run."""
    return audit(CONTENT, COURSE)


@pytest.mark.parametrize("path", [*QUESTIONS, *LISTS], ids=lambda p: "-".join(p.parts[-2:]))
def test_interview_questions_are_sound(audited: Audit, path: Path) -> None:
    """The form is right, every check runs, every claim holds, every link leads somewhere, ids are for good."""
    assert [f"{c.line}: {c.problem}" for c in audited.complaints if c.file == path] == []


def test_claims_are_counted(audited: Audit) -> None:
    """Every question is read, and has claims that are run."""
    assert sum(audited.questions.values()) == len(QUESTIONS)
    for slug, n in audited.questions.items():
        assert audited.behind[slug]["check"] >= n
    assert audited.n_examples > 0


@pytest.mark.parametrize("path", DOCUMENTS, ids=lambda p: str(p.relative_to(ROOT)))
def test_links_lead_somewhere(path: Path) -> None:
    """Every relative link in a document is a file of this project."""
    for _, target, _ in links(path.read_text(encoding="utf-8")):
        file = target.partition("#")[0]
        if "://" not in target and file:
            assert (path.parent / file).exists(), target


def test_every_exercise_says_what_may_be_imported() -> None:
    """A statement tells a learner that NumPy and the standard library are all there is."""
    for slug in TOPICS:
        assert "standard library" in CONTENT.statement(slug).read_text()
