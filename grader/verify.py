"""Proof that the suites are right: solutions pass, stubs are missing, wrong code is rejected.

For each topic one pytest session runs the hidden suite against the solution, its stubs, every mistake,
every alternative, and three vacuous answers for each exercise (zeros, the sign flipped, a constant of the
right shape), all of them in workers, as submissions are. A topic's capstone must accept the solution, and the
alternatives put together, and must notice where any one of the functions that it calls answers zeros.
"""

from __future__ import annotations

import multiprocessing
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import dataclass, field
from pathlib import Path

from grader.authoring import unwritten
from grader.bank import Bank, variants
from grader.catalog import load_course
from grader.checks.memory import remembering
from grader.content import Content, locate
from grader.grading import Grader
from grader.model import Capstone, Course, Outcome, Status, Topic
from grader.sandbox.local import load_module
from grader.sandbox.proxy import RemoteTopic
from grader.scoring import status_of
from grader.stubs import make_stub
from grader.suite import CAPSTONE, Candidate, Session

MIN_MISTAKES = 3
MIN_ALTERNATIVES = 2
VACUOUS = ("zeros", "flipped", "constant")

_VACUOUS_SOURCE = """

def _vacuous(kind, value):
    if isinstance(value, tuple):
        return tuple(_vacuous(kind, v) for v in value)
    if isinstance(value, list):
        return [_vacuous(kind, v) for v in value]
    if isinstance(value, dict):
        return {k: _vacuous(kind, v) for k, v in value.items()}
    if value is None or isinstance(value, str):
        return value
    array = np.asarray(value)
    if kind == "flipped":
        out = ~array if array.dtype == bool else -array
    else:
        out = np.full_like(array, {"zeros": 0, "constant": 1}[kind])
    if kind == "constant" and array.dtype.kind in "fc":
        out = out * array.dtype.type(0.37)
    return out if isinstance(value, np.ndarray) else out[()].item()


def _wrap(kind, function):
    def wrapped(*args, **kwargs):
        return _vacuous(kind, function(*args, **kwargs))

    return wrapped


for _kind in ("zeros", "flipped", "constant"):
    for _name in NAMES:
        globals()[f"{_name}__{_kind}"] = _wrap(_kind, globals()[_name])
"""


@dataclass(slots=True)
class Evidence:
    """What was shown about one exercise at one seed or over several."""

    exercise: str
    topic: str
    n_tests: int = 0
    n_mistakes: int = 0
    n_killed: int = 0
    n_named: int = 0
    n_misnamed: int = 0
    n_alternatives: int = 0
    n_accepted: int = 0
    complaints: list[str] = field(default_factory=list)

    def add(self, other: Evidence) -> None:
        """Add another seed's evidence."""
        self.n_tests = max(self.n_tests, other.n_tests)
        self.n_mistakes += other.n_mistakes
        self.n_killed += other.n_killed
        self.n_named += other.n_named
        self.n_misnamed += other.n_misnamed
        self.n_alternatives += other.n_alternatives
        self.n_accepted += other.n_accepted
        self.complaints += other.complaints


@dataclass(slots=True)
class CapstoneEvidence:
    """What was shown about one topic's capstone at one seed or over several."""

    topic: str
    title: str
    n_tests: int = 0
    n_runs: int = 0
    n_passed: int = 0
    n_zeroed: int = 0
    n_noticed: int = 0
    n_others: int = 0
    n_accepted: int = 0
    complaints: list[str] = field(default_factory=list)

    def add(self, other: CapstoneEvidence) -> None:
        """Add another seed's evidence."""
        self.n_tests = max(self.n_tests, other.n_tests)
        self.n_runs += other.n_runs
        self.n_passed += other.n_passed
        self.n_zeroed += other.n_zeroed
        self.n_noticed += other.n_noticed
        self.n_others += other.n_others
        self.n_accepted += other.n_accepted
        self.complaints += other.complaints


@dataclass(slots=True)
class Proof:
    """What was shown, in the course's order."""

    exercises: list[Evidence]
    capstones: list[CapstoneEvidence]

    @property
    def complaints(self) -> list[str]:
        """What is not proved, and what to do."""
        rows: list[Evidence | CapstoneEvidence] = [*self.exercises, *self.capstones]
        return [complaint for row in rows for complaint in row.complaints]


def verify_topic(grader: Grader, topic: Topic, seed: int, *, wide: bool = True) -> Proof:
    """Verify one topic at one seed.

    Parameters
    ----------
    wide : also try the capstone with alternatives and with functions that answer zeros, which takes several
        runs of it.

    Raises
    ------
    SuiteError : the suite cannot be run at all.
    """
    cohort = _Cohort(grader, topic, wide)
    try:
        with remembering(grader.bank.memory):
            session = grader.run(cohort.candidates, [topic.slug], seed, strict=True)
        capstone = cohort.capstone_evidence(session, seed)
        return Proof(
            [cohort.evidence(session, exercise.name, seed) for exercise in topic.exercises],
            [] if capstone is None else [capstone],
        )
    finally:
        cohort.close()


class _Cohort:
    """All that a topic's suite must accept or reject."""

    def __init__(self, grader: Grader, topic: Topic, wide: bool) -> None:
        self.grader = grader
        self.topic = topic
        self.names = [e.name for e in topic.exercises]
        content = grader.content
        self.solution = content.source(topic.slug).read_text(encoding="utf-8")
        self.proxies: dict[str, RemoteTopic] = {}  # by their source text
        self.candidates: list[Candidate] = []
        everything = frozenset(self.names)
        self._add("solution", self.solution, everything, capstone=True)
        self._add("stub", make_stub(self.solution, f"{topic.slug}.py"), everything)
        vacuous = self.solution + _VACUOUS_SOURCE.replace("NAMES", repr(self.names))
        for name in self.names:
            for kind in VACUOUS:
                self._add(f"{name}__{kind}", vacuous, frozenset({name}), {name: f"{name}__{kind}"})
        self.mistakes = self._variants(content, "mistakes")
        self.alternatives = self._variants(content, "alternatives")
        self.others: list[str] = []
        self.zeroed: dict[str, str] = {}
        if topic.capstone is not None and wide:
            self._add_capstones(topic.capstone, vacuous)

    def _add_capstones(self, capstone: Capstone, vacuous: str) -> None:
        """Candidates for the capstone alone."""
        source = self.grader.content.alternatives_file(self.topic.slug).read_text(encoding="utf-8")
        for number in range(MIN_ALTERNATIVES):
            rename = {
                name: self.alternatives[name][number]
                for name in capstone.needs
                if number < len(self.alternatives[name])
            }
            if len(rename) == len(capstone.needs):
                self.others.append(f"capstone: alternatives {number + 1}")
                self._add(self.others[-1], source, frozenset(), rename, capstone=True)
        for name in capstone.needs:
            self.zeroed[name] = f"capstone: {name}__zeros"
            rename = {name: f"{name}__zeros"}
            self._add(self.zeroed[name], vacuous, frozenset(), rename, capstone=True)

    def _variants(self, content: Content, room: str) -> dict[str, list[str]]:
        path = (
            content.mistakes_file(self.topic.slug)
            if room == "mistakes"
            else content.alternatives_file(self.topic.slug)
        )
        source = path.read_text(encoding="utf-8")
        module = load_module(path, f"_gradsmith_verify_{room}_{self.topic.slug}")
        found: dict[str, list[str]] = {name: [] for name in self.names}
        for variant in variants(vars(module)):
            exercise = variant.partition("__")[0]
            found.setdefault(exercise, []).append(variant)
            if exercise in self.names:
                self._add(f"{room}:{variant}", source, frozenset({exercise}), {exercise: variant})
        return found

    def _add(
        self,
        label: str,
        source: str,
        exercises: frozenset[str],
        rename: Mapping[str, str] | None = None,
        *,
        capstone: bool = False,
    ) -> None:
        slug = self.topic.slug
        proxy = self.proxies.get(source)
        if proxy is None:
            file, timeout = f"{slug}.py", self.grader.timeout
            proxy = RemoteTopic(
                self.grader.sandbox, slug, file, source, self.names, timeout=timeout
            )
            self.proxies[source] = proxy
        needs: dict[str, frozenset[str]] = {slug: frozenset()} if capstone else {}
        self.candidates.append(Candidate(label, {slug: proxy}, exercises, needs, rename or {}))

    def close(self) -> None:
        for proxy in self.proxies.values():
            proxy.close()

    def evidence(self, session: Session, exercise: str, seed: int) -> Evidence:
        """What the session shows about one exercise."""
        found = Evidence(exercise, self.topic.slug)
        content = self.grader.content
        suite = content.suite(self.topic.slug)

        def outcomes(label: str) -> list[Outcome]:
            return [t.outcome for t in session.traces[label] if t.outcome.exercise == exercise]

        def complain(text: str) -> None:
            found.complaints.append(f"{exercise}: {text} (seed {seed})")

        right = outcomes("solution")
        found.n_tests = len(right)
        if not right:
            complain(f"no test: add test_{exercise}_… to {suite}")
        for outcome in right:
            if outcome.status is not Status.PASSED:
                complain(f"the solution does not pass {outcome.test}: {_why(outcome)}")
        for outcome in outcomes("stub"):
            if outcome.status is not Status.MISSING:
                complain(f"the stub is {outcome.status}, not missing, in {outcome.test}")
        for kind in VACUOUS:
            answers = outcomes(f"{exercise}__{kind}")
            if answers and status_of(answers) is Status.PASSED:
                complain(f"an answer of {kind} passes: add a check in {suite} that it fails")

        mistakes, alternatives = self.mistakes[exercise], self.alternatives[exercise]
        found.n_mistakes, found.n_alternatives = len(mistakes), len(alternatives)
        if len(mistakes) < MIN_MISTAKES:
            complain(f"{len(mistakes)} mistakes, at least {MIN_MISTAKES} are needed")
        if len(alternatives) < MIN_ALTERNATIVES:
            complain(f"{len(alternatives)} alternatives, at least {MIN_ALTERNATIVES} are needed")
        for name in mistakes:
            traces = [
                t for t in session.traces[f"mistakes:{name}"] if t.outcome.exercise == exercise
            ]
            status = status_of([t.outcome for t in traces])
            if status not in (Status.FAILED, Status.ERROR, Status.TIMEOUT):
                complain(f"mistake {name} is {status}: add a check in {suite} that it fails")
                continue
            found.n_killed += 1
            causes = {
                outcome.failure.cause.name
                for outcome in self.grader.bank.diagnose(self.topic.slug, traces)
                if outcome.failure is not None
                and outcome.failure.cause is not None
                and outcome.failure.cause.kind == "mistake"
            }
            found.n_named += causes == {name}
            if causes - {name}:
                found.n_misnamed += 1
                complain(f"mistake {name} is diagnosed as {', '.join(sorted(causes - {name}))}")
        for name in alternatives:
            wrong = [o for o in outcomes(f"alternatives:{name}") if o.status is not Status.PASSED]
            found.n_accepted += not wrong
            for outcome in wrong[:2]:
                complain(
                    f"alternative {name} is {outcome.status} in {outcome.test}: {_why(outcome)}"
                )
        return found

    def capstone_evidence(self, session: Session, seed: int) -> CapstoneEvidence | None:
        """What the session shows about the topic's capstone."""
        capstone = self.topic.capstone
        if capstone is None:
            return None
        found = CapstoneEvidence(self.topic.slug, capstone.title, n_runs=1)

        def outcomes(label: str) -> list[Outcome]:
            return [t.outcome for t in session.traces[label] if t.outcome.exercise == CAPSTONE]

        def complain(text: str) -> None:
            found.complaints.append(f"{self.topic.slug}: {text} (seed {seed})")

        right = outcomes("solution")
        found.n_tests = len(right)
        found.n_passed = int(status_of(right) is Status.PASSED)
        for outcome in right:
            if outcome.status is not Status.PASSED:
                complain(f"the solution does not pass {outcome.test}: {_why(outcome)}")
        for label in self.others:
            wrong = [o for o in outcomes(label) if o.status is not Status.PASSED]
            found.n_others += 1
            found.n_accepted += not wrong
            for outcome in wrong[:2]:
                complain(f"{label}: {outcome.status} in {outcome.test}: {_why(outcome)}")
        for name, label in self.zeroed.items():
            found.n_zeroed += 1
            if status_of(outcomes(label)) is Status.PASSED:
                complain(
                    f"the capstone passes where `{name}` answers zeros: let it decide something, or "
                    "take it out of `needs`"
                )
            else:
                found.n_noticed += 1
        return found


def _why(outcome: Outcome) -> str:
    return outcome.failure.headline if outcome.failure is not None else "no reason given"


def static_complaints(content: Content, course: Course, bank: Bank) -> list[str]:
    """What can be said without running anything: sentences, and names of no exercise."""
    complaints = []
    names = {exercise.name for exercise in course.exercises}
    for topic in course.topics:
        complaints += [
            f"{path}, line {line}: still to be written: {text}"
            for path, line, text in unwritten(content, topic.slug)
        ]
        for path in (content.mistakes_file(topic.slug), content.alternatives_file(topic.slug)):
            module = load_module(path, f"_gradsmith_static_{path.parent.name}_{topic.slug}")
            complaints += [
                f"{path}: {variant}: name it <exercise>__<what>, with an exercise of the course"
                for variant in variants(vars(module))
                if variant.partition("__")[0] not in names
            ]
        for exercise in topic.exercises:
            for mistake in bank.of(topic.slug, exercise.name):
                problem = _bad_sentence(mistake.sentence)
                if problem:
                    complaints.append(
                        f"{content.mistakes_file(topic.slug)}: {mistake.name}: {problem}; its docstring "
                        "continues 'this is what you get when …'"
                    )
    return complaints


def _bad_sentence(sentence: str) -> str | None:
    if not sentence:
        return "it has no sentence"
    if sentence.endswith("."):
        return "its sentence ends with a full stop"
    first = sentence.split()[0]
    if first[0].isupper() and not first.isupper() and len(first) > 1 and first[1:].islower():
        return "its sentence starts with a capital"
    return None


def verify(
    content: Content,
    topics: Collection[str] | None,
    seeds: Sequence[int],
    jobs: int,
    *,
    on_done: Callable[[str], None] | None = None,
) -> Proof:
    """Verify topics at several seeds, several at once.

    Parameters
    ----------
    topics : slugs, or None for all of the course.
    jobs : processes; 1 runs everything in this one.
    on_done : told each run's topic as it ends.

    Returns
    -------
    Proof
        Over all seeds; a capstone's alternatives and zeros are tried at the first seed alone.
    """
    course = load_course(content, topics)
    complaints = static_complaints(content, course, Bank(content))
    runs = [(topic.slug, seed, seed == seeds[0]) for topic in course.topics for seed in seeds]
    parts: dict[tuple[str, int, bool], Proof] = {}

    def done(run: tuple[str, int, bool], part: Proof) -> None:
        parts[run] = part
        if on_done is not None:
            on_done(run[0])

    if jobs == 1 or len(runs) == 1:
        for run in runs:
            done(run, _verify_one(content.root, *run))
    else:
        context = multiprocessing.get_context("spawn")
        with ProcessPoolExecutor(min(jobs, len(runs)), mp_context=context) as pool:
            futures = {pool.submit(_verify_one, content.root, *run): run for run in runs}
            for future in as_completed(futures):
                done(futures[future], future.result())
    proof = merge(parts[run] for run in runs)
    for complaint in complaints:
        rows = proof.exercises
        owner = next((row for row in rows if f"{row.exercise}__" in complaint), rows[0])
        owner.complaints.append(complaint)
    return proof


def _verify_one(root: Path, slug: str, seed: int, wide: bool) -> Proof:
    """One topic at one seed, in whichever process this is."""
    content = locate(root)
    course = load_course(content, [slug])
    with Grader(content, course) as grader:
        return verify_topic(grader, course.topic(slug), seed, wide=wide)


def merge(parts: Iterable[Proof]) -> Proof:
    """Evidence over several runs, in the order of first sight."""
    exercises: dict[str, Evidence] = {}
    capstones: dict[str, CapstoneEvidence] = {}
    for part in parts:
        for row in part.exercises:
            if exercises.setdefault(row.exercise, row) is not row:
                exercises[row.exercise].add(row)
        for one in part.capstones:
            if capstones.setdefault(one.topic, one) is not one:
                capstones[one.topic].add(one)
    return Proof(list(exercises.values()), list(capstones.values()))


def total(evidence: Sequence[Evidence], name: str = "all") -> Evidence:
    """Several exercises together."""
    whole = Evidence(name, "")
    for row in evidence:
        n_tests = whole.n_tests + row.n_tests
        whole.add(row)
        whole.n_tests = n_tests
    return whole


def markdown(proof: Proof, seeds: Sequence[int]) -> str:
    """The proof as a Markdown document."""
    topics = list(dict.fromkeys(row.topic for row in proof.exercises))
    by_topic = {slug: [row for row in proof.exercises if row.topic == slug] for slug in topics}
    whole = total(proof.exercises)
    lines = [
        "# What the suites were shown to do",
        "",
        f"Generated by `grader verify --seeds {len(seeds)} --seed {seeds[0]}`. Each mistake and each "
        f"alternative was run at {len(seeds)} seeds;",
        "counts are over all of them. *Rejected*: a check of its own exercise fails it. *Named*: the report says "
        "exactly that mistake.",
        "Solutions passed, stubs were missing, and answers of zeros, of a flipped sign and of a constant "
        "were rejected.",
        "",
        "## By topic",
        "",
        "| topic | functions | checks | mistakes rejected | named right | named wrong | alternatives accepted |",
        "|---|--:|--:|--:|--:|--:|--:|",
    ]
    for slug, rows in by_topic.items():
        lines.append(f"| {slug} | {len(rows)} {_cells(total(rows))}")
    lines.append(f"| all | {len(proof.exercises)} {_cells(whole)}")
    if proof.capstones:
        lines += [
            "",
            "## Capstones",
            "",
            "A capstone runs the functions of its topic together. *Passed*: the solution, at each seed. "
            "*Alternatives*: all of its",
            "functions replaced by alternatives at once. *Zeros noticed*: one of its functions at a time "
            "answers zeros, and it fails.",
            "",
            "| topic | capstone | checks | passed | alternatives accepted | zeros noticed |",
            "|---|---|--:|--:|--:|--:|",
        ]
        lines += [
            f"| {one.topic} | {one.title} | {one.n_tests} | {one.n_passed}/{one.n_runs} "
            f"| {one.n_accepted}/{one.n_others} | {one.n_noticed}/{one.n_zeroed} |"
            for one in proof.capstones
        ]
    lines += [
        "",
        "## By function",
        "",
        "| function | checks | mistakes rejected | named right | named wrong | alternatives accepted |",
        "|---|--:|--:|--:|--:|--:|",
    ]
    lines += [f"| `{row.exercise}` {_cells(row)}" for row in proof.exercises]
    return "\n".join(lines) + "\n"


def _cells(row: Evidence) -> str:
    return (
        f"| {row.n_tests} | {row.n_killed}/{row.n_mistakes} | {row.n_named} "
        f"| {row.n_misnamed} | {row.n_accepted}/{row.n_alternatives} |"
    )
