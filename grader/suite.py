"""The hidden suites under pytest, in the trusted process: a plugin and one function that runs them.

`run_suites` runs the suites of some topics against *candidates*, each a submission or a part of one, in one
pytest session, and gives an `Outcome` for every test. A test belongs to the exercise with the longest name that
its own name starts with: ``test_softmax_vjp_values`` tests `softmax_vjp`. ``test_capstone_…`` is the topic's
capstone, which is run only where the functions that it calls have passed.
"""

from __future__ import annotations

import re
import sys
import time
import warnings
import zlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from functools import partial
from itertools import groupby, zip_longest
from pathlib import Path
from typing import Any, Literal, cast

import numpy as np
import pytest
from greenlet import GreenletExit

from grader.errors import CheckFailure, CheckUnresolved, GradsmithError, Halted, SubmissionRaised
from grader.model import Cause, Failure, Outcome, Status
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
    """

    label: str
    topics: Mapping[str, TopicProxy]
    exercises: frozenset[str]
    capstones: Mapping[str, frozenset[str]] = field(default_factory=dict)
    rename: Mapping[str, str] = field(default_factory=dict)


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
    """What a run gives: the traces of each candidate, in order, by its label."""

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
    candidates: Sequence[Candidate],
    seed: int,
    *,
    on_outcome: Callable[[Candidate, Outcome], None] | None = None,
    strict: bool = False,
) -> Session:
    """Run hidden suites against candidates.

    Parameters
    ----------
    suites : the suite's file of each topic.
    exercises : the names of each topic's exercises.
    candidates : what to test.
    seed : every test's generator derives from it and from the test's name.
    on_outcome : called after each test.
    strict : warnings in the suites themselves are errors.

    Raises
    ------
    SuiteError : a suite cannot be imported, or a test has no exercise.
    """
    for path in suites.values():
        _forget_if_changed(path)
    plugin = _Plugin(exercises, candidates, seed, on_outcome)
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


class _Plugin:
    """Parametrizes every test over the candidates, and turns reports into outcomes."""

    def __init__(
        self,
        exercises: Mapping[str, Sequence[str]],
        candidates: Sequence[Candidate],
        seed: int,
        on_outcome: Callable[[Candidate, Outcome], None] | None,
    ) -> None:
        self.exercises = exercises
        self.candidates = candidates
        self.seed = seed
        self.on_outcome = on_outcome
        self.traces: dict[str, list[Trace]] = {candidate.label: [] for candidate in candidates}
        self.problems: list[str] = []

    # collection

    def _exercise(self, topic: str, test: str) -> str | None:
        return exercise_of(test, self.exercises.get(topic, ()))

    def _fitting(self, topic: str, exercise: str) -> list[Candidate]:
        """The candidates that an exercise's tests are run against."""
        return [
            c
            for c in self.candidates
            if (topic in c.capstones if exercise == CAPSTONE else exercise in c.exercises)
        ]

    @pytest.hookimpl(tryfirst=True)
    def pytest_pycollect_makeitem(
        self, collector: pytest.Module | pytest.Class, name: str
    ) -> list[pytest.Item] | None:
        """Leave out the tests of exercises that nobody is graded on: to collect them takes longest."""
        topic = topic_of(collector.path)
        exercise = self._exercise(topic, name)
        return [] if exercise is not None and not self._fitting(topic, exercise) else None

    def pytest_generate_tests(self, metafunc: pytest.Metafunc) -> None:
        topic = topic_of(metafunc.definition.path)
        name = metafunc.function.__name__
        exercise = self._exercise(topic, name)
        if exercise is None or "submission" not in metafunc.fixturenames:
            self.problems.append(
                f"{metafunc.definition.path}: {name}: name it test_<exercise>_<property> "
                "and give it the submission fixture"
            )
            return
        fitting = self._fitting(topic, exercise)
        metafunc.parametrize(
            "candidate", fitting, ids=[str(i) for i in range(len(fitting))], indirect=True
        )

    def pytest_collection_modifyitems(self, items: list[pytest.Item]) -> None:
        kept = [item for item in items if isinstance(_parameters(item).get("candidate"), Candidate)]
        rank = {candidate.label: i for i, candidate in enumerate(self.candidates)}
        topics = {topic: i for i, topic in enumerate(self.exercises)}

        def place(item: pytest.Item) -> tuple[int, int, bool]:
            """Candidate by candidate, topic by topic, a capstone last."""
            topic = topic_of(item.path)
            last = self._exercise(topic, _name(item)) == CAPSTONE
            return rank[_parameters(item)["candidate"].label], topics[topic], last

        items[:] = sorted(kept, key=place)

    def pytest_collectreport(self, report: pytest.CollectReport) -> None:
        if report.failed:
            last = str(report.longrepr).strip().splitlines()[-1]
            self.problems.append(f"{report.nodeid}: the suite cannot be collected: {last}")

    # fixtures

    @pytest.fixture
    def candidate(self, request: pytest.FixtureRequest) -> Candidate:
        """The functions under test."""
        candidate: Candidate = request.param
        return candidate

    @pytest.fixture
    def submission(self, candidate: Candidate, request: pytest.FixtureRequest) -> Functions:
        """The learner's functions of this suite's topic."""
        proxy = candidate.topics[topic_of(request.node.path)]
        proxy.begin()
        return Functions(proxy)

    @pytest.fixture
    def rng(self, request: pytest.FixtureRequest) -> np.random.Generator:
        """A generator that depends on the run's seed and the test's name alone."""
        return self._rng(request.node)

    def _rng(self, item: pytest.Item) -> np.random.Generator:
        return np.random.default_rng([self.seed, zlib.crc32(_identity(item).encode())])

    # running

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtestloop(self, session: pytest.Session) -> bool | None:
        """Run the tests candidate by candidate, those of one side by side.

        A test that takes parameters, `submission` and `rng` alone is called directly, which spares most of
        pytest's time a test. A suite's own fixtures, skips and the like take pytest's way, one after another.
        """
        if session.testsfailed:
            return None
        for label, found in groupby(session.items, lambda i: _parameters(i)["candidate"].label):
            items = list(found)
            candidate: Candidate = _parameters(items[0])["candidate"]
            for proxy in candidate.topics.values():
                proxy.rename = candidate.rename
            place = {_identity(item): number for number, item in enumerate(items)}
            odd = [item for item in items if not self._is_direct(item)]
            direct = [item for item in items if self._is_direct(item)]
            self._pytests_way([item for item in odd if not self._is_capstone(item)])
            Flow().run(
                (candidate.topics[topic], self._tasks(list(of_topic)))
                for topic, of_topic in groupby(direct, lambda item: topic_of(item.path))
            )
            self._pytests_way([item for item in odd if self._is_capstone(item)])
            self.traces[label].sort(key=lambda trace: place[trace.outcome.test])
        return True

    def _pytests_way(self, items: Sequence[pytest.Item]) -> None:
        for item, following in zip_longest(items, items[1:]):
            if not self._waits(item):
                item.config.hook.pytest_runtest_protocol(item=item, nextitem=following)

    def _tasks(self, items: Sequence[pytest.Item]) -> Iterator[Task]:
        for item in items:
            yield Task(partial(self._run, item), last=self._is_capstone(item))

    def _is_capstone(self, item: pytest.Item) -> bool:
        return self._exercise(topic_of(item.path), _name(item)) == CAPSTONE

    def _run(self, item: pytest.Item) -> None:
        """Call a test directly."""
        if self._waits(item):
            return
        given = self._arguments(item)
        notes = _parameters(item)["candidate"].topics[topic_of(item.path)].notes
        start = time.perf_counter()
        error: BaseException | None = None
        try:
            item.obj(**given)  # type: ignore[attr-defined]
        except (KeyboardInterrupt, pytest.exit.Exception, GreenletExit):
            raise
        except BaseException as raised:  # whatever a test raises is its outcome
            error = raised
        self._note(item, error, time.perf_counter() - start - notes.away, given)

    def _waits(self, item: pytest.Item) -> bool:
        """Whether it is a capstone's, and a function that must have passed has not."""
        if not self._is_capstone(item):
            return False
        candidate: Candidate = _parameters(item)["candidate"]
        found: dict[str, set[Status]] = {}
        for trace in self.traces[candidate.label]:
            found.setdefault(trace.outcome.exercise, set()).add(trace.outcome.status)
        return any(
            found.get(name) != {Status.PASSED} for name in candidate.capstones[topic_of(item.path)]
        )

    @staticmethod
    def _is_direct(item: pytest.Item) -> bool:
        """Whether a test takes parameters, `submission` and `rng` alone, and has no other marks."""
        known = {"submission", "rng", "candidate", "request", *_parameters(item)}
        info = item._fixtureinfo  # type: ignore[attr-defined]
        return known.issuperset(info.names_closure) and not any(
            mark.name != "parametrize" or mark.kwargs.get("indirect")
            for mark in item.iter_markers()
        )

    def _arguments(self, item: pytest.Item) -> dict[str, Any]:
        """The arguments of such a test."""
        parameters = _parameters(item)
        proxy = parameters["candidate"].topics[topic_of(item.path)]
        proxy.begin()
        given = dict(parameters)
        given["submission"] = Functions(proxy)
        given["rng"] = self._rng(item)
        return {name: given[name] for name in item._fixtureinfo.argnames}  # type: ignore[attr-defined]

    # outcomes

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtest_makereport(
        self, item: pytest.Item, call: pytest.CallInfo[None]
    ) -> pytest.TestReport:
        """A report without a traceback, which takes pytest 30 ms a failure and nobody reads."""
        failed = call.excinfo is not None
        if call.when == "call" or (call.when == "setup" and failed):
            error = call.excinfo.value if call.excinfo is not None else None
            arguments = {
                key: item.funcargs.get(key)  # type: ignore[attr-defined]
                for key in item._fixtureinfo.argnames  # type: ignore[attr-defined]
            }
            self._note(item, error, call.duration, arguments, call.when)
        return pytest.TestReport(
            item.nodeid, item.location, {}, "failed" if failed else "passed", None,
            cast('Literal["setup", "call", "teardown"]', call.when),
            duration=call.duration,
        )  # fmt: skip

    def _note(
        self,
        item: pytest.Item,
        error: BaseException | None,
        seconds: float,
        arguments: Mapping[str, Any],
        when: str = "call",
    ) -> None:
        """Keep what became of a test."""
        candidate: Candidate = _parameters(item)["candidate"]
        topic = topic_of(item.path)
        proxy = candidate.topics[topic]
        status, failure = classify(error, when)
        exercise = self._exercise(topic, _name(item)) or ""
        outcome = Outcome(
            test=_identity(item),
            check=_check_name(item, exercise),
            exercise=exercise,
            status=status,
            failure=failure,
            seconds=seconds,
            warnings=tuple(dict.fromkeys(proxy.notes.warnings))[:MAX_WARNINGS],
            printed="".join(proxy.notes.printed)[:MAX_TEXT],
            evidence=error.evidence if isinstance(error, Halted) else None,
        )
        if error is not None:
            error.__traceback__ = None  # its frames hold all that the test has seen
        trace = Trace(
            outcome,
            self.seed,
            proxy.notes.records,
            error=error if isinstance(error, CheckFailure) else None,
        )
        if status in (Status.FAILED, Status.PASSED):
            trace.rerun = self._rerun(item, arguments)
        self.traces[candidate.label].append(trace)
        if self.on_outcome is not None:
            self.on_outcome(candidate, outcome)

    def _rerun(
        self, item: pytest.Item, arguments: Mapping[str, Any]
    ) -> Callable[[TopicProxy], None]:
        """The same test with the same random values, against other functions."""
        function = item.obj  # type: ignore[attr-defined]

        def rerun(functions: TopicProxy) -> None:
            functions.begin()
            fresh = {"submission": Functions(functions), "rng": self._rng(item)}
            function(**{key: fresh.get(key, value) for key, value in arguments.items()})

        return rerun


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


def _parameters(item: pytest.Item) -> dict[str, Any]:
    spec = getattr(item, "callspec", None)
    return spec.params if spec is not None else {}


def _own_parameters(item: pytest.Item) -> str:
    """The test's own parameters, readable: ``shape=(3, 5), axis=0``."""
    shown = []
    for key, value in _parameters(item).items():
        if key == "candidate":
            continue
        text = getattr(value, "__name__", None) or repr(value)
        shown.append(
            f"{key}={text}" if len(text) <= 40 else f"{key}=#{zlib.crc32(text.encode()):x}"
        )
    return ", ".join(shown)


def _name(item: pytest.Item) -> str:
    """The test function's name, without its parameters."""
    return str(getattr(item, "originalname", item.name))


def _identity(item: pytest.Item) -> str:
    own = _own_parameters(item)
    return f"{topic_of(item.path)}::{_name(item)}" + (f"[{own}]" if own else "")


def _check_name(item: pytest.Item, exercise: str) -> str:
    short = _name(item).removeprefix(f"test_{exercise}").strip("_").replace("_", " ") or "check"
    own = _own_parameters(item)
    return f"{short} ({own})" if own else short
