"""Proof that the suites are right: solutions pass, stubs are missing, wrong code is rejected.

For each topic one pytest session runs the hidden suite against the solution, its stubs, every mistake,
every alternative, and three vacuous answers for each exercise (zeros, the sign flipped, a constant of the
right shape), all of them in workers, as submissions are.
"""

from __future__ import annotations

import multiprocessing
from collections.abc import Callable, Collection, Iterable, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import dataclass, field
from pathlib import Path

from grader.bank import Bank, variants
from grader.catalog import load_course
from grader.content import Content, locate
from grader.grading import Grader
from grader.model import Course, Outcome, Status, Topic
from grader.sandbox.local import load_module
from grader.sandbox.proxy import RemoteTopic
from grader.scoring import status_of
from grader.stubs import make_stub
from grader.suite import Candidate, Session

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


def verify_topic(grader: Grader, topic: Topic, seed: int) -> list[Evidence]:
    """Verify one topic at one seed.

    Returns
    -------
    list of Evidence
        One for each exercise; their `complaints` say what is not proved and what to do.

    Raises
    ------
    SuiteError : the suite cannot be run at all.
    """
    cohort = _Cohort(grader, topic)
    try:
        session = grader.run(
            cohort.candidates, [topic.slug], seed, strict=True, on_outcome=cohort.release
        )
        return [cohort.evidence(session, exercise.name, seed) for exercise in topic.exercises]
    finally:
        cohort.close()


class _Cohort:
    """All that a topic's suite must accept or reject."""

    def __init__(self, grader: Grader, topic: Topic) -> None:
        self.grader = grader
        self.topic = topic
        self.names = [e.name for e in topic.exercises]
        content = grader.content
        self.solution = content.source(topic.slug).read_text(encoding="utf-8")
        self.proxies: list[RemoteTopic] = []
        self.current: Candidate | None = None
        self.candidates: list[Candidate] = []
        everything = frozenset(self.names)
        self._add("solution", self.solution, everything)
        self._add("stub", make_stub(self.solution, f"{topic.slug}.py"), everything)
        vacuous = self.solution + _VACUOUS_SOURCE.replace("NAMES", repr(self.names))
        for name in self.names:
            for kind in VACUOUS:
                self._add(f"{name}__{kind}", vacuous, frozenset({name}), f"{name}__{kind}")
        self.mistakes = self._variants(content, "mistakes")
        self.alternatives = self._variants(content, "alternatives")

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
                self._add(f"{room}:{variant}", source, frozenset({exercise}), variant)
        return found

    def _add(
        self, label: str, source: str, exercises: frozenset[str], variant: str | None = None
    ) -> None:
        rename = {} if variant is None else {next(iter(exercises)): variant}
        proxy = RemoteTopic(
            self.grader.sandbox, self.topic.slug, f"{self.topic.slug}.py", source, self.names,
            rename=rename, timeout=self.grader.timeout,
        )  # fmt: skip
        self.proxies.append(proxy)
        self.candidates.append(Candidate(label, {self.topic.slug: proxy}, exercises))

    def release(self, candidate: Candidate, outcome: Outcome) -> None:
        """Let go of the candidate before this one: tests come candidate by candidate."""
        del outcome
        if candidate is not self.current:
            if self.current is not None:
                self.current.topics[self.topic.slug].close()
            self.current = candidate

    def close(self) -> None:
        for proxy in self.proxies:
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


def _why(outcome: Outcome) -> str:
    return outcome.failure.headline if outcome.failure is not None else "no reason given"


def static_complaints(content: Content, course: Course, bank: Bank) -> list[str]:
    """What can be said without running anything: sentences, and names of no exercise."""
    complaints = []
    names = {exercise.name for exercise in course.exercises}
    for topic in course.topics:
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
) -> list[Evidence]:
    """Verify topics at several seeds, several at once.

    Parameters
    ----------
    topics : slugs, or None for all of the course.
    jobs : processes; 1 runs everything in this one.
    on_done : told each run's topic as it ends.

    Returns
    -------
    list of Evidence
        One for each exercise, over all seeds.
    """
    course = load_course(content, topics)
    complaints = static_complaints(content, course, Bank(content))
    runs = [(topic.slug, seed) for topic in course.topics for seed in seeds]
    parts: dict[tuple[str, int], list[Evidence]] = {}

    def done(run: tuple[str, int], part: list[Evidence]) -> None:
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
    evidence = merge(parts[run] for run in runs)
    for complaint in complaints:
        owner = next((row for row in evidence if f"{row.exercise}__" in complaint), evidence[0])
        owner.complaints.append(complaint)
    return evidence


def _verify_one(root: Path, slug: str, seed: int) -> list[Evidence]:
    """One topic at one seed, in whichever process this is."""
    content = locate(root)
    course = load_course(content, [slug])
    with Grader(content, course) as grader:
        return verify_topic(grader, course.topic(slug), seed)


def merge(parts: Iterable[Sequence[Evidence]]) -> list[Evidence]:
    """Evidence over several runs, by exercise, in the order of first sight."""
    merged: dict[str, Evidence] = {}
    for part in parts:
        for evidence in part:
            if evidence.exercise in merged:
                merged[evidence.exercise].add(evidence)
            else:
                merged[evidence.exercise] = evidence
    return list(merged.values())


def total(evidence: Sequence[Evidence]) -> Evidence:
    """All exercises together."""
    whole = Evidence("all", "")
    for row in evidence:
        n_tests = whole.n_tests + row.n_tests
        whole.add(row)
        whole.n_tests = n_tests
    return whole


def markdown(evidence: Sequence[Evidence], seeds: Sequence[int]) -> str:
    """The evidence as a Markdown document."""
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
        "| exercise | checks | mistakes rejected | named right | named wrong | alternatives accepted |",
        "|---|--:|--:|--:|--:|--:|",
    ]
    lines += [
        f"| `{row.exercise}` | {row.n_tests} | {row.n_killed}/{row.n_mistakes} | {row.n_named} "
        f"| {row.n_misnamed} | {row.n_accepted}/{row.n_alternatives} |"
        for row in (*evidence, total(evidence))
    ]
    return "\n".join(lines) + "\n"
