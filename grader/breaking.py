"""A learner's own tests, judged: do they accept what is right, and reject what is wrong?

The tests run in the worker, which holds their file and nothing else. The function that a test is given asks this
side, and this side asks another worker, which holds the solution, an alternative or a mistake. So the tests see
what an implementation returns and never how it is written, and no argument of theirs is met in this process.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from grader.bank import Bank, variants
from grader.calls import Call
from grader.content import Content
from grader.errors import (
    CheckFailure,
    ContentError,
    Halted,
    SubmissionRaised,
    UnreadableSubmissionError,
)
from grader.first_test import PREFIX
from grader.model import Breaking, Exercise, Objection, Status, Topic
from grader.sandbox.local import load_module
from grader.sandbox.proxy import DEFAULT_TIMEOUT, RemoteTopic, Sandbox

MAX_TESTS = 100
N_SEEDS = 3
"""Seeds at which right implementations must be accepted: a tolerance that holds by luck is found out."""
MAX_MESSAGE = 300
"""Characters of a test's message that are kept."""
_RUN, _CALLED = "_gradsmith_run", "_gradsmith_called"
_MARK = "gradsmith: a function"
_LINE = re.compile(r" \(line \d+\)$")

_HARNESS = '''
import builtins
import warnings
import zlib

import numpy as np

KINDS = {"divide by zero": "divide", "overflow": "over", "invalid value": "invalid"}


def made(bases, message):
    """The exception of the first base that is Python's or NumPy's and takes a message."""
    for name in bases:
        kind = np.linalg.LinAlgError if name == "LinAlgError" else getattr(builtins, name, None)
        if isinstance(kind, type) and issubclass(kind, Exception):
            try:
                return kind(message)
            except TypeError:
                continue
    return RuntimeError(message)


def put_back(target, value):
    """Change an argument as the function under test has changed it."""
    if isinstance(target, np.ndarray):
        if target.shape == value.shape:
            target[...] = value
    elif isinstance(target, list):
        target[:] = value
    elif isinstance(target, dict):
        target.clear()
        target.update(value)


def warn(text):
    """Give a warning, or what NumPy's error state here makes of it."""
    name, _, message = text.partition(": ")
    state = next((np.geterr()[kind] for words, kind in KINDS.items() if words in message), "warn")
    if state == "raise":
        raise FloatingPointError(message)
    kind = getattr(builtins, name, RuntimeWarning)
    if state != "ignore" and isinstance(kind, type) and issubclass(kind, Warning):
        warnings.warn(message, kind, stacklevel=3)


functions = []


def sent(value):
    """An argument as it is sent; a function by its number."""
    if not callable(value):
        return value
    functions.append(value)
    return MARK, len(functions) - 1


def called(number, args):
    """A function that a test has handed in, called from the other side."""
    return functions[number](*args)


def run(test, with_rng, ask, seed):
    """Run one test with the function that asks."""

    def function(*args, **kwargs):
        kind, *rest = ask(tuple(map(sent, args)), {key: sent(kwargs[key]) for key in kwargs})
        if kind == "raised":
            raise made(*rest)
        value, changed, warned = rest
        for place, after in changed:
            put_back(args[place] if isinstance(place, int) else kwargs[place], after)
        for text in warned:
            warn(text)
        return value

    function.__name__ = NAME
    rng = np.random.default_rng([seed, zlib.crc32(test.encode())])
    TESTS[test](function, *([rng] if with_rng else []))
'''


@dataclass(frozen=True, slots=True)
class Implementation:
    """One way to write an exercise: the function `name` of a file, and a sentence about it; none for the solution."""

    file: Path
    name: str
    sentence: str


class Judge:
    """Runs learners' tests against the right and the wrong implementations of a course's exercises.

    Parameters
    ----------
    content : where the course lies.
    bank : its mistakes.
    sandbox : where both the tests and the implementations run.
    timeout : seconds for one run of one test, and for importing a file.
    """

    def __init__(
        self, content: Content, bank: Bank, sandbox: Sandbox, *, timeout: float = DEFAULT_TIMEOUT
    ) -> None:
        self.content = content
        self.bank = bank
        self.sandbox = sandbox
        self.timeout = timeout

    def judge(
        self, topic: Topic, exercise: Exercise, text: str, file: str, *, seed: int = 0
    ) -> Breaking:
        """Judge the tests of one exercise.

        Parameters
        ----------
        text : of the learner's file.
        file : its name, for display.
        seed : of the Generator that the tests are given.

        Raises
        ------
        UnreadableSubmissionError : the file cannot be imported, or holds no tests.
        ContentError : a file of the course cannot be loaded.
        SandboxError : no worker can be run.
        """
        right, wrong = self._right(topic, exercise), self._wrong(topic, exercise)
        course = _Implementations(self, topic, exercise, right[0])
        tests = _Tests(self, exercise.name, text, file)
        try:
            return self._judge(exercise, tests, course, right, wrong, seed)
        finally:
            tests.close()
            course.close()

    def _judge(
        self,
        exercise: Exercise,
        tests: _Tests,
        course: _Implementations,
        right: Sequence[Implementation],
        wrong: Sequence[Implementation],
        seed: int,
    ) -> Breaking:
        names = tests.names()
        objections: list[Objection] = []
        halted: set[str] = set()  # not run again: each run may cost a whole deadline

        def verdict(test: str, one: Implementation, at: int, *, mistake: bool) -> bool:
            """Whether the test rejects; what stands against it is noted."""
            status, message, line = tests.run(test, course.function(one, tests.handed), at)
            if status is Status.PASSED:
                return False
            if status is not Status.FAILED:
                halted.add(test)
                course.renew()
            if status is not Status.FAILED or not mistake:
                sentence = one.sentence
                objections.append(Objection(test, status, sentence, message, at, mistake, line))
            return status is Status.FAILED

        accepted = set(right)
        for one in right:
            tests.renew()
            for test in names:
                for at in range(seed, seed + N_SEEDS):
                    n = len(objections)
                    if test not in halted:
                        verdict(test, one, at, mistake=False)
                    if test in halted or len(objections) > n:
                        accepted.discard(one)
                        break
        rejected: list[tuple[str, tuple[str, ...]]] = []
        if len(accepted) == len(right):
            for one in wrong:
                tests.renew()
                by = tuple(
                    test
                    for test in names
                    if test not in halted and verdict(test, one, seed, mistake=True)
                )
                rejected.append((one.sentence, by))
        return Breaking(
            exercise, tests.file, names, seed, len(right), len(accepted), len(wrong),
            tuple(rejected), tuple(objections),
        )  # fmt: skip

    def _right(self, topic: Topic, exercise: Exercise) -> list[Implementation]:
        """The solution first, then the alternatives."""
        file = self.content.alternatives_file(topic.slug)
        source = self.content.source(topic.slug)
        found = [Implementation(source, exercise.name, "")]
        if not file.is_file():
            return found
        module = load_module(file, f"_gradsmith_break_{topic.slug}")
        for name, function in variants(vars(module)).items():
            if name.partition("__")[0] == exercise.name:
                sentence = (function.__doc__ or "").strip().partition("\n")[0]
                found.append(Implementation(file, name, sentence or "Another way."))
        return found

    def _wrong(self, topic: Topic, exercise: Exercise) -> list[Implementation]:
        file = self.content.mistakes_file(topic.slug)
        mistakes = self.bank.of(topic.slug, exercise.name)
        return [Implementation(file, one.name, one.sentence) for one in mistakes]


class _Tests:
    """A learner's file of tests in a worker."""

    def __init__(self, judge: Judge, name: str, text: str, file: str) -> None:
        self.judge = judge
        self.name = name
        self.file = file
        self._n_lines = text.count("\n") + 1
        # One line behind theirs, so that their lines keep their numbers.
        harness = f"exec(compile({_HARNESS!r}, '<grader break>', 'exec'), space)"
        space = f"{{'TESTS': globals(), 'NAME': {name!r}, 'MARK': {_MARK!r}}}"
        both = "(space['run'], space['called'])"
        left = f"{_RUN}, {_CALLED}"
        self._source = f"{text}\n{left} = (lambda space: ({harness}, {both})[1])({space})\n"
        self._with_rng: dict[str, bool] = {}
        self._proxy = self._fresh()

    def _fresh(self) -> RemoteTopic:
        return RemoteTopic(
            self.judge.sandbox, f"{PREFIX}{self.name}", self.file, self._source, [_RUN, _CALLED],
            timeout=self.judge.timeout,
        )  # fmt: skip

    def renew(self) -> None:
        """Forget what the tests may have kept."""
        self._proxy.close()
        self._proxy = self._fresh()

    def names(self) -> tuple[str, ...]:
        """The names of the tests, in the file's order.

        Raises
        ------
        UnreadableSubmissionError : there are none, too many, or one that takes something else.
        """
        try:
            functions = self._proxy.load()
        except Halted as halted:
            raise self._unreadable(halted) from None
        found = {n: taken for n, taken in functions.items() if n.startswith(PREFIX)}
        example = f"{PREFIX}…({self.name}, rng)"
        if not found:
            raise UnreadableSubmissionError(
                f"{self.file}: has no test; write a function named {example}"
            )
        if len(found) > MAX_TESTS:
            raise UnreadableSubmissionError(
                f"{self.file}: has {len(found)} tests; {MAX_TESTS} are the most"
            )
        for name, taken in found.items():
            if len(taken) not in (1, 2):
                raise UnreadableSubmissionError(
                    f"{self.file}: {_plain(name)} takes {len(taken)} arguments; a test takes the function "
                    f"and, if it draws numbers, a Generator: {example}"
                )
        self._with_rng = {_plain(name): len(taken) == 2 for name, taken in found.items()}
        return tuple(self._with_rng)

    def _unreadable(self, halted: Halted) -> UnreadableSubmissionError:
        problem = halted.problem
        line = problem.line if problem is not None else None
        place = f", line {line}" if line is not None and line <= self._n_lines else ""
        message = _plain(problem.message if problem is not None else halted.reason)
        again = f"mend it and run `grader break {self.name}` again"
        return UnreadableSubmissionError(f"{self.file}{place}: {message}; {again}")

    def handed(self, value: Any) -> Any:
        """An argument of a test's call: where it is a function of theirs, one that calls it."""
        match value:
            case (str() as mark, int() as number) if mark == _MARK:
                proxy = self._proxy

                def function(*args: Any) -> Any:
                    return proxy.invoke(_CALLED, (number, args), {}, want_arguments=False).value

                return function
        return value

    def run(
        self, test: str, function: Callable[..., Any], seed: int
    ) -> tuple[Status, str, int | None]:
        """Run a test with a function of this side: what came of it, why, and in which line."""
        arguments = (test, self._with_rng[test], function, seed)
        try:
            self._proxy.invoke(_RUN, arguments, {}, want_arguments=False)
        except SubmissionRaised as raised:
            line = raised.line if raised.line is not None and raised.line <= self._n_lines else None
            return Status.FAILED, _plain(_told(raised)), line
        except CheckFailure as failure:
            return Status.FAILED, _plain(str(failure)), None
        except Halted as halted:
            self.renew()
            status = Status.ERROR if halted.status is Status.MISSING else halted.status
            return status, _plain(halted.reason), None
        return Status.PASSED, "", None

    def close(self) -> None:
        self._proxy.close()


class _Implementations:
    """The course's implementations of one exercise, right and wrong, in workers."""

    def __init__(
        self, judge: Judge, topic: Topic, exercise: Exercise, solution: Implementation
    ) -> None:
        self.judge = judge
        self.topic = topic
        self.exercise = exercise
        self.solution = solution
        self._proxies: dict[Path, RemoteTopic] = {}

    def function(self, one: Implementation, handed: Callable[[Any], Any]) -> Callable[..., Any]:
        """What answers a test for an implementation: ``("returned", value, changed, warnings)`` or ``("raised", …)``.

        Values have the form of the solution's: what one right implementation returns as a list and another as an
        array is told apart by no test.

        Parameters
        ----------
        handed : gives an argument that was sent for one that can be handed on.
        """

        def answer(args: Any, kwargs: Any) -> tuple[Any, ...]:
            if not isinstance(args, tuple) or not isinstance(kwargs, dict):
                raise TypeError("no arguments of a call")
            args = tuple(map(handed, args))
            kwargs = {key: handed(value) for key, value in kwargs.items()}
            try:
                done = self._call(one, args, kwargs)
            except SubmissionRaised as raised:
                return "raised", list(raised.bases), raised.message
            except CheckFailure as failure:
                return "raised", ["TypeError"], str(failure)
            places = [*range(len(args)), *kwargs]
            after = [*done.args, *done.kwargs.values()]
            changed = [(places[i], after[i]) for i in done.changed]
            warned = [_LINE.sub("", text) for text in done.warnings]
            value = done.value
            if one is not self.solution:
                value = self._in_form(value, args, kwargs)
            return "returned", value, changed, warned

        return answer

    def _in_form(self, value: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        """A value in the form in which the solution gives its own."""
        try:
            return in_form(value, self._call(self.solution, args, kwargs).value)
        except (SubmissionRaised, CheckFailure):
            return value

    def _call(self, one: Implementation, args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> Call:
        name = self.exercise.name
        proxy = self._proxy(one.file)
        proxy.begin_candidate({name: one.name})
        proxy.begin()  # what was recorded of earlier calls is of no use
        return proxy.invoke(name, args, dict(kwargs), want_arguments=True)

    def _proxy(self, file: Path) -> RemoteTopic:
        if file not in self._proxies:
            slug = self.topic.slug
            proxy = RemoteTopic(
                self.judge.sandbox, slug, file.name, file.read_text(encoding="utf-8"),
                [self.exercise.name], timeout=self.judge.timeout,
            )  # fmt: skip
            self._proxies[file] = proxy
            try:
                proxy.load()
            except Halted as halted:
                raise ContentError(file, "file", f"cannot be loaded: {halted.reason}") from None
        return self._proxies[file]

    def renew(self) -> None:
        """Forget which functions did not come back: another test may ask less of them."""
        self.close()
        self._proxies = {}

    def close(self) -> None:
        for proxy in self._proxies.values():
            proxy.close()


def in_form(value: Any, model: Any) -> Any:
    """A list as an array, a number as NumPy's, a list as a tuple, where the model is one; else as it is."""
    if isinstance(model, np.ndarray):
        if isinstance(value, list | tuple):
            try:
                array = np.asarray(value)
            except ValueError:
                return value
            if array.dtype.kind not in "biufc":
                return value
            return array.astype(model.dtype) if array.dtype.kind == model.dtype.kind else array
        return np.asarray(value) if isinstance(value, np.generic) else value
    if isinstance(model, np.generic | float | int | complex):
        if isinstance(value, np.ndarray) and value.ndim == 0:
            value = value[()]
        same = type(value) in (float, complex) and np.asarray(model).dtype.kind in "fc"
        return type(model)(value) if same and isinstance(model, np.generic) else value
    if isinstance(model, list | tuple):
        several = isinstance(value, list | tuple) or (isinstance(value, np.ndarray) and value.ndim)
        if not several or len(value) != len(model):
            return value
        return type(model)(in_form(v, m) for v, m in zip(value, model, strict=True))
    if isinstance(model, dict) and isinstance(value, dict):
        return {key: in_form(v, model[key]) if key in model else v for key, v in value.items()}
    return value


def _told(raised: SubmissionRaised) -> str:
    """An exception of a test in words; NumPy's tables of differences are cut to their first lines."""
    lines = [line.strip() for line in raised.message.splitlines() if line.strip()]
    message = " ".join(lines[:4])
    return f"{raised.type_name}: {message}" if message else raised.type_name


def _plain(text: str) -> str:
    """Text of theirs on one line, with what would act on a terminal escaped, cut."""
    shown = "".join(
        c if c.isprintable() else c.encode("unicode_escape").decode("ascii")
        for c in text[:MAX_MESSAGE]
    )
    return shown + "…" * (len(text) > MAX_MESSAGE)
