"""The hidden suites under pytest, in the trusted process: a plugin and one function that runs them.

`run_suites` runs the suites of some topics against *candidates*, each a submission or a part of one, in one
pytest session, and gives an `Outcome` for every test. The suites are collected once, however many candidates
there are, and candidates are taken one by one, as they come. A test belongs to the exercise with the longest name that
its own name starts with: ``test_softmax_vjp_values`` tests `softmax_vjp`. ``test_capstone_…`` is the topic's
capstone, which is run only where the functions that it calls have passed.
"""

from __future__ import annotations

import re
import sys
import time
import warnings
import zlib
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from functools import partial
from itertools import groupby, zip_longest
from pathlib import Path
from typing import Any, Literal, cast

import numpy as np
import pytest
from greenlet import GreenletExit

from grader.disclosure import level_of
from grader.errors import CheckFailure, CheckUnresolved, GradsmithError, Halted, SubmissionRaised
from grader.model import Cause, Disclosure, Failure, Outcome, Status
from grader.sandbox.flow import Flow, Task
from grader.sandbox.proxy import MAX_TEXT, MAX_WARNINGS, Record, RemoteFunction, TopicProxy

INI = Path(__file__).with_name("suite.ini")
# What a suite does not use costs time at each start; and a learner's own pytest.ini, conftest.py
# and plugins must not reach the grading.
WITHOUT = (
    "cacheprovider", "terminal", "doctest", "junitxml", "pastebin", "stepwise", "unittest", "logging",
    "warnings", "faulthandler", "threadexception", "unraisableexception", "setuponly", "setupplan",
    "debugging", "tmpdir", "monkeypatch", "recwarn", "capture", "legacypath", "subtests",
)  # fmt: skip
WARNS = "the call warns"
CAPSTONE = "capstone"
"""Stands where an exercise's name would in the tests of a topic's capstone."""
# Two ways to write one mistake round differently; the entry that a failure shows is its worst.
SAME_VALUE = 1e-6
_LINE = re.compile(r" \((?:cell \d+, |In \[\d+\], )?line \d+\)")


class SuiteError(GradsmithError):
    """A hidden suite cannot be run: our fault."""

    exit_code = 3


@dataclass(frozen=True, slots=True)
class Candidate:
    """Functions to be tested.

    Attributes
    ----------
    label : unique in a run.
    topics : the proxies, by topic.
    exercises : which exercises to test.
    capstones : the topics whose capstone to run, each with the exercises that must have passed before.
    rename : functions that stand for exercises, where several candidates share a file.
    seed : where it has one of its own.
    """

    label: str
    topics: Mapping[str, TopicProxy]
    exercises: frozenset[str]
    capstones: Mapping[str, frozenset[str]] = field(default_factory=dict)
    rename: Mapping[str, str] = field(default_factory=dict)
    seed: int | None = None


@dataclass(slots=True)
class Trace:
    """A test that ran, with what a diagnosis needs: its calls, and how to run it again."""

    outcome: Outcome
    seed: int
    records: list[Record] = field(default_factory=list)
    rerun: Callable[[TopicProxy], None] | None = None
    error: CheckFailure | None = None

    def explained(self) -> Outcome:
        """The outcome with the cause that the check itself can find."""
        if self.error is None:
            return self.outcome
        return replace(self.outcome, failure=self.error.failure)


@dataclass(slots=True)
class Session:
    """What a run gives: the traces of each candidate, in order, by its label; none where they were handed on."""

    traces: dict[str, list[Trace]]


def exercise_of(test: str, exercises: Sequence[str]) -> str | None:
    """The exercise that a test's name belongs to: the longest that fits, `CAPSTONE`, or None."""
    if test == f"test_{CAPSTONE}" or test.startswith(f"test_{CAPSTONE}_"):
        return CAPSTONE
    fitting = [e for e in exercises if test == f"test_{e}" or test.startswith(f"test_{e}_")]
    return max(fitting, key=len, default=None)


def run_suites(
    suites: Mapping[str, Path],
    exercises: Mapping[str, Sequence[str]],
    candidates: Iterable[Candidate],
    seed: int,
    *,
    wanted: Collection[str] | None = None,
    levels: Mapping[str, Disclosure] | None = None,
    on_outcome: Callable[[Candidate, Outcome], None] | None = None,
    on_traces: Callable[[Candidate, list[Trace]], None] | None = None,
    strict: bool = False,
) -> Session:
    """Run hidden suites against candidates.

    Parameters
    ----------
    suites : the suite's file of each topic.
    exercises : the names of each topic's exercises.
    candidates : what to test; the next is asked for when one is done.
    seed : every test's generator derives from it, or from the candidate's own, and from the test's name.
    wanted : the exercises, `CAPSTONE` among them, that some candidate is tested on. Without it, the candidates are
        looked through before.
    levels : how much a student is told of each topic's tests that do not say so themselves; by default everything.
    on_outcome : called after each test.
    on_traces : called after each candidate with its traces, which are not kept then.
    strict : warnings in the suites themselves are errors.

    Raises
    ------
    SuiteError : a suite cannot be imported, or a test has no exercise.
    """
    for path in suites.values():
        _forget_if_changed(path)
    if wanted is None:
        candidates = list(candidates)
        wanted = {name for candidate in candidates for name in candidate.exercises}
        wanted |= {CAPSTONE for candidate in candidates if candidate.capstones}
    plugin = _Plugin(
        exercises, candidates, seed, frozenset(wanted), levels or {}, on_outcome, on_traces
    )
    command = [
        "-c", str(INI), "--rootdir", str(INI.parent), "--import-mode=importlib", "--assert=plain",
        "--disable-plugin-autoload", "--noconftest",
        *(f"-pno:{name}" for name in WITHOUT),
        *(str(suites[topic]) for topic in suites),
    ]  # fmt: skip
    with _warnings(strict):
        code = pytest.main(command, plugins=[plugin])
    if code == pytest.ExitCode.INTERRUPTED and not plugin.problems:
        raise KeyboardInterrupt
    if plugin.fault is not None:
        raise plugin.fault
    if plugin.problems:
        raise SuiteError(plugin.problems[0])
    if code not in (
        pytest.ExitCode.OK, pytest.ExitCode.TESTS_FAILED, pytest.ExitCode.NO_TESTS_COLLECTED,
    ):  # fmt: skip
        raise SuiteError(
            f"pytest ended with exit status {code}; run it again with pytest to see why"
        )
    return Session(plugin.traces)


_seen: dict[Path, tuple[int, int]] = {}
"""Time and size of the suites that were imported in this process."""


def _forget_if_changed(path: Path) -> None:
    """Let pytest import a suite anew that its author has changed: it would take the module it knows."""
    try:
        stat = path.stat()
    except OSError:
        return  # told when it is collected
    now = (stat.st_mtime_ns, stat.st_size)
    if _seen.setdefault(path, now) != now:
        _seen[path] = now
        for name, module in list(sys.modules.items()):
            if getattr(module, "__file__", None) == str(path):
                del sys.modules[name]


@contextmanager
def _warnings(strict: bool) -> Iterator[None]:
    """Keep warnings of our own from a learner's screen; raise them where content is verified."""
    with warnings.catch_warnings():
        warnings.simplefilter("error" if strict else "ignore")
        yield


class Functions:
    """What a suite sees of a submission: its functions by name, and nothing else that a name could hit."""

    __slots__ = ("__proxy",)

    def __init__(self, proxy: TopicProxy) -> None:
        self.__proxy = proxy

    def __getattr__(self, name: str) -> RemoteFunction:
        return self.__proxy.function(name)


class _Case:
    """One collected test, with what does not depend on the candidate.

    Attributes
    ----------
    test, check, exercise : as in `Outcome`.
    level : how much a student is told of it.
    own : the test's parameters.
    names : its arguments.
    direct : whether it takes parameters, `submission` and `rng` alone, and has no other marks.
    ran : whether pytest has run it before.
    """

    __slots__ = (
        "check", "crc", "direct", "exercise", "function", "item", "last", "level", "names", "own", "ran", "test",
        "topic",
    )  # fmt: skip

    def __init__(
        self, item: pytest.Function, topic: str, exercise: str, default: Disclosure
    ) -> None:
        self.item = item
        self.level = level_of(item.obj, default)
        self.topic = topic
        self.exercise = exercise
        self.last = exercise == CAPSTONE
        self.function = item.obj
        self.own: dict[str, Any] = item.callspec.params if hasattr(item, "callspec") else {}
        shown = _shown(self.own)
        name = _name(item)
        short = name.removeprefix(f"test_{exercise}").strip("_").replace("_", " ") or "check"
        self.test = f"{topic}::{name}" + (f"[{shown}]" if shown else "")
        self.check = f"{short} ({shown})" if shown else short
        self.crc = zlib.crc32(self.test.encode())
        info = item._fixtureinfo
        self.names = info.argnames
        self.direct = {"submission", "rng", "request", *self.own}.issuperset(
            info.names_closure
        ) and not any(
            mark.name != "parametrize" or mark.kwargs.get("indirect")
            for mark in item.iter_markers()
        )
        self.ran = False

    def rng(self, seed: int) -> np.random.Generator:
        """A generator that depends on the seed and the test's name alone."""
        return np.random.default_rng([seed, self.crc])

    def rerun(self, seed: int, arguments: Mapping[str, Any]) -> Callable[[TopicProxy], None]:
        """The same test with the same random values, against other functions."""

        def rerun(functions: TopicProxy) -> None:
            functions.begin()
            fresh = {"submission": Functions(functions), "rng": self.rng(seed)}
            self.function(**{key: fresh.get(key, value) for key, value in arguments.items()})

        return rerun


def _phases(cases: Sequence[_Case]) -> list[list[_Case]]:
    """The tests that may run in one process: one phase where all of them have one level.

    Otherwise each level has a phase, first the one that tells most, and behind all come the capstones.
    """
    if len({case.level for case in cases}) <= 1:
        return [list(cases)]
    phases: dict[tuple[bool, int], list[_Case]] = {}
    for case in cases:
        phases.setdefault((case.last, -case.level.rank), []).append(case)
    return [phases[key] for key in sorted(phases)]


class _Plugin:
    """Runs every test against the candidates, and turns reports into outcomes."""

    def __init__(
        self,
        exercises: Mapping[str, Sequence[str]],
        candidates: Iterable[Candidate],
        seed: int,
        wanted: frozenset[str],
        levels: Mapping[str, Disclosure],
        on_outcome: Callable[[Candidate, Outcome], None] | None,
        on_traces: Callable[[Candidate, list[Trace]], None] | None,
    ) -> None:
        self.exercises = exercises
        self.candidates = candidates
        self.default_seed = seed
        self.wanted = wanted
        self.levels = levels
        self.on_outcome = on_outcome
        self.on_traces = on_traces
        self.traces: dict[str, list[Trace]] = {}
        self.problems: list[str] = []
        self.fault: Exception | None = None
        self.cases: list[_Case] = []
        # of the candidate whose turn it is
        self.candidate: Candidate
        self.seed = seed
        self.own: list[Trace] = []

    # collection

    def _exercise(self, topic: str, test: str) -> str | None:
        return exercise_of(test, self.exercises.get(topic, ()))

    @pytest.hookimpl(tryfirst=True)
    def pytest_pycollect_makeitem(
        self, collector: pytest.Module | pytest.Class, name: str
    ) -> list[pytest.Item] | None:
        """Leave out the tests of exercises that nobody is graded on: to collect them takes longest."""
        exercise = self._exercise(topic_of(collector.path), name)
        return [] if exercise is not None and exercise not in self.wanted else None

    def pytest_generate_tests(self, metafunc: pytest.Metafunc) -> None:
        name = metafunc.function.__name__
        exercise = self._exercise(topic_of(metafunc.definition.path), name)
        if exercise is None or "submission" not in metafunc.fixturenames:
            self.problems.append(
                f"{metafunc.definition.path}: {name}: name it test_<exercise>_<property> "
                "and give it the submission fixture"
            )

    def pytest_collection_modifyitems(self, items: list[pytest.Item]) -> None:
        """Topic by topic, a capstone last."""
        for item in items:
            topic = topic_of(item.path)
            exercise = self._exercise(topic, _name(item))
            if exercise is not None and isinstance(item, pytest.Function):
                default = self.levels.get(topic, Disclosure.FULL)
                self.cases.append(_Case(item, topic, exercise, default))
        topics = {topic: i for i, topic in enumerate(self.exercises)}
        self.cases.sort(key=lambda case: (topics[case.topic], case.last))
        items[:] = [case.item for case in self.cases]

    def pytest_collectreport(self, report: pytest.CollectReport) -> None:
        if report.failed:
            last = str(report.longrepr).strip().splitlines()[-1]
            self.problems.append(f"{report.nodeid}: the suite cannot be collected: {last}")

    # fixtures

    @pytest.fixture
    def submission(self, request: pytest.FixtureRequest) -> Functions:
        """The learner's functions of this suite's topic."""
        proxy = self.candidate.topics[topic_of(request.node.path)]
        proxy.begin()
        return Functions(proxy)

    @pytest.fixture
    def rng(self, request: pytest.FixtureRequest) -> np.random.Generator:
        """A generator that depends on the run's seed and the test's name alone."""
        return self._case(request.node).rng(self.seed)

    def _case(self, item: pytest.Item) -> _Case:
        return next(case for case in self.cases if case.item is item)

    # running

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtestloop(self, session: pytest.Session) -> bool | None:
        """Run the tests candidate by candidate, those of one side by side."""
        if session.testsfailed:
            return None
        if self.problems:
            return True
        place = {case.test: number for number, case in enumerate(self.cases)}
        try:
            for candidate in self.candidates:
                self._run_all(candidate)
                self.own.sort(key=lambda trace: place[trace.outcome.test])
                if self.on_traces is not None:
                    self.on_traces(candidate, self.own)
                else:
                    self.traces[candidate.label] = self.own
        except Exception as fault:  # not pytest's to tell of
            self.fault = fault
        return True

    def _run_all(self, candidate: Candidate) -> None:
        """Run the tests of one candidate.

        Tests of which less is disclosed run later, in a process that has seen none of the others: what a function
        has kept of their arguments cannot come out in a test of which more is told.

        A test that takes parameters, `submission` and `rng` alone is called directly, which spares most of
        pytest's time a test. A suite's own fixtures, skips and the like take pytest's way, one after another.
        """
        self.candidate = candidate
        self.seed = self.default_seed if candidate.seed is None else candidate.seed
        self.own = []
        for proxy in candidate.topics.values():
            proxy.begin_candidate(candidate.rename)
        seen: set[str] = set()
        for phase in _phases([case for case in self.cases if self._fits(case)]):
            topics = {case.topic for case in phase}
            for topic in topics & seen:
                candidate.topics[topic].forget()
            seen |= topics
            self._run_phase(candidate, phase)

    def _run_phase(self, candidate: Candidate, cases: Sequence[_Case]) -> None:
        odd = [case for case in cases if not case.direct]
        direct = [case for case in cases if case.direct]
        self._pytests_way([case for case in odd if not case.last])
        Flow().run(
            (candidate.topics[topic], self._tasks(list(of_topic)))
            for topic, of_topic in groupby(direct, lambda case: case.topic)
        )
        self._pytests_way([case for case in odd if case.last])

    def _fits(self, case: _Case) -> bool:
        """Whether a test is one of those that the candidate is tested by."""
        if case.last:
            return case.topic in self.candidate.capstones
        return case.exercise in self.candidate.exercises

    def _pytests_way(self, cases: Sequence[_Case]) -> None:
        for case, following in zip_longest(cases, cases[1:]):
            if not self._waits(case):
                if case.ran:
                    case.item._initrequest()
                case.ran = True
                case.item.config.hook.pytest_runtest_protocol(
                    item=case.item, nextitem=following and following.item
                )

    def _tasks(self, cases: Sequence[_Case]) -> Iterator[Task]:
        for case in cases:
            yield Task(partial(self._run, case), last=case.last)

    def _run(self, case: _Case) -> None:
        """Call a test directly."""
        if self._waits(case):
            return
        proxy = self.candidate.topics[case.topic]
        proxy.begin()
        given = {"submission": Functions(proxy), "rng": case.rng(self.seed), **case.own}
        given = {name: given[name] for name in case.names}
        notes = proxy.notes
        start = time.perf_counter()
        error: BaseException | None = None
        try:
            case.function(**given)
        except (KeyboardInterrupt, pytest.exit.Exception, GreenletExit):
            raise
        except BaseException as raised:  # whatever a test raises is its outcome
            error = raised
        self._note(case, error, time.perf_counter() - start - notes.away, given)

    def _waits(self, case: _Case) -> bool:
        """Whether it is a capstone's, and a function that must have passed has not."""
        if not case.last:
            return False
        found: dict[str, set[Status]] = {}
        for trace in self.own:
            found.setdefault(trace.outcome.exercise, set()).add(trace.outcome.status)
        return any(
            found.get(name) != {Status.PASSED} for name in self.candidate.capstones[case.topic]
        )

    # outcomes

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtest_makereport(
        self, item: pytest.Item, call: pytest.CallInfo[None]
    ) -> pytest.TestReport:
        """A report without a traceback, which takes pytest 30 ms a failure and nobody reads."""
        failed = call.excinfo is not None
        if call.when == "call" or (call.when == "setup" and failed):
            error = call.excinfo.value if call.excinfo is not None else None
            case = self._case(item)
            arguments = {key: case.item.funcargs.get(key) for key in case.names}
            self._note(case, error, call.duration, arguments, call.when)
        return pytest.TestReport(
            item.nodeid, item.location, {}, "failed" if failed else "passed", None,
            cast('Literal["setup", "call", "teardown"]', call.when),
            duration=call.duration,
        )  # fmt: skip

    def _note(
        self,
        case: _Case,
        error: BaseException | None,
        seconds: float,
        arguments: Mapping[str, Any],
        when: str = "call",
    ) -> None:
        """Keep what became of a test."""
        notes = self.candidate.topics[case.topic].notes
        status, failure = classify(error, when)
        outcome = Outcome(
            test=case.test,
            check=case.check,
            exercise=case.exercise,
            status=status,
            failure=failure,
            seconds=seconds,
            warnings=tuple(dict.fromkeys(notes.warnings))[:MAX_WARNINGS],
            printed="".join(notes.printed)[:MAX_TEXT],
            evidence=error.evidence if isinstance(error, Halted) else None,
            disclosure=case.level,
        )
        if error is not None:
            error.__traceback__ = None  # its frames hold all that the test has seen
        trace = Trace(
            outcome,
            self.seed,
            notes.records,
            error=error if isinstance(error, CheckFailure) else None,
        )
        if status in (Status.FAILED, Status.PASSED):
            trace.rerun = case.rerun(self.seed, arguments)
        self.own.append(trace)
        if self.on_outcome is not None:
            self.on_outcome(self.candidate, outcome)


def classify(error: BaseException | None, when: str = "call") -> tuple[Status, Failure | None]:
    """What a test's exception, or its absence, says of the exercise; the cause is not looked for yet."""
    match error:
        case None:
            return Status.PASSED, None
        case CheckFailure():
            return Status.FAILED, error.bare
        case Halted():
            return error.status, Failure(error.reason)
        case SubmissionRaised():
            where = f" ({error.place})" if error.place else ""
            return Status.FAILED, Failure(f"the call raised {error}{where}")
        case CheckUnresolved():
            return Status.UNRESOLVED, Failure(str(error))
        case AssertionError() if when == "call":
            text = str(error).strip() or "a property that the statement promises does not hold"
            return Status.FAILED, Failure(text.splitlines()[0])
        case _:
            return Status.GRADER_ERROR, Failure(f"{type(error).__name__}: {error}"[:500])


def alike(a: Failure, b: Failure) -> bool:
    """Whether two failures of one test, in which the same values came back, are the same."""
    x, y = a.mismatch, b.mismatch
    if WARNS in (a.headline[: len(WARNS)], b.headline[: len(WARNS)]):
        return True  # code that silences its warning and code that does not are one mistake
    if x is None or y is None:
        return x is y and _LINE.sub("", a.headline) == _LINE.sub("", b.headline)
    if (x.name, x.shape, x.index, x.n_wrong) != (y.name, y.shape, y.index, y.n_wrong):
        return False
    p, q = np.complex128(x.actual), np.complex128(y.actual)
    return bool(np.isclose(p, q, rtol=SAME_VALUE, atol=0.0, equal_nan=True))


def with_cause(outcome: Outcome, cause: Cause | None) -> Outcome:
    """The outcome with another diagnosis in its failure."""
    assert outcome.failure is not None
    return replace(outcome, failure=replace(outcome.failure, cause=cause))


def topic_of(path: Path) -> str:
    """The topic that a suite's file belongs to."""
    return path.stem.removeprefix("test_")


def topic_of_test(identity: str) -> str:
    """The topic of a test, from the identity that its outcome carries."""
    return identity.partition("::")[0]


def _shown(own: Mapping[str, Any]) -> str:
    """A test's own parameters, readable: ``shape=(3, 5), axis=0``."""
    shown = []
    for key, value in own.items():
        text = getattr(value, "__name__", None) or repr(value)
        shown.append(
            f"{key}={text}" if len(text) <= 40 else f"{key}=#{zlib.crc32(text.encode()):x}"
        )
    return ", ".join(shown)


def _name(item: pytest.Item) -> str:
    """The test function's name, without its parameters."""
    return str(getattr(item, "originalname", item.name))
