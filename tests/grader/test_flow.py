"""Tests side by side: each gets its own answers, in an order that depends on no clock, and pays for itself alone."""

from __future__ import annotations

import gc
import os
import textwrap
import weakref
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

import numpy as np
import pytest

from grader.errors import Halted, SubmissionRaised
from grader.sandbox import jail
from grader.sandbox.flow import WIDTH, Flow, Task
from grader.sandbox.local import LocalTopic
from grader.sandbox.proxy import RemoteTopic, Sandbox

Submit = Callable[..., RemoteTopic]
N = 3 * WIDTH


@pytest.fixture(scope="module")
def sandbox() -> Iterator[Sandbox]:
    """One zygote for all tests of this module."""
    with Sandbox(jail.Limits(memory=1024 * jail.MIB)) as sandbox:
        yield sandbox


@pytest.fixture
def submit(sandbox: Sandbox) -> Iterator[Submit]:
    """Makes a submission of some source text; its exercises are f and g."""
    topics = []

    def submit(source: str, timeout: float = 5.0) -> RemoteTopic:
        text = textwrap.dedent(source)
        topics.append(RemoteTopic(sandbox, "t", "t.py", text, ["f", "g"], timeout=timeout))
        return topics[-1]

    yield submit
    for topic in topics:
        topic.close()


def run(*lanes: tuple[Any, list[Callable[[], None]]]) -> None:
    """Run functions as the tests of topics."""
    Flow().run((topic, [Task(test) for test in tests]) for topic, tests in lanes)


def became(call: Callable[[], Any]) -> object:
    """The value of a call, or the status or type of what it raised."""
    try:
        return call()
    except Halted as halted:
        return str(halted.status)
    except SubmissionRaised as raised:
        return raised.type_name


def test_each_test_gets_its_own_answers(submit: Submit) -> None:
    """Values, records, warnings and printed text go to the test that made the call."""
    topic = submit("""
        import warnings
        def f(x):
            print("f", x)
            warnings.warn(f"w{x}")
            return x * x
        """)
    seen: dict[int, tuple[Any, ...]] = {}

    def make(i: int) -> Callable[[], None]:
        def test() -> None:
            topic.begin()
            values = [topic.f(i), topic.f(i + 1000)]
            notes = topic.notes
            seen[i] = (values, len(notes.records), "".join(notes.printed), len(notes.warnings))
            assert notes.warnings[0].startswith(f"UserWarning: w{i}")

        return test

    run((topic, [make(i) for i in range(N)]))
    assert seen == {i: ([i * i, (i + 1000) ** 2], 2, f"f {i}\nf {i + 1000}\n", 2) for i in range(N)}


def test_order_depends_on_the_tests_alone(submit: Submit) -> None:
    """A function that counts its calls gives every test the same numbers in each run."""

    def numbers() -> list[tuple[int, int, int]]:
        topic = submit("""
            import time
            n = 0
            def f(seconds):
                global n
                n += 1
                time.sleep(seconds)
                return n
            """)
        rng = np.random.default_rng()  # times differ from run to run
        found = []

        def make(i: int) -> Callable[[], None]:
            def test() -> None:
                found.append((i, topic.f(rng.uniform(0, 2e-3)), topic.f(rng.uniform(0, 2e-3))))

            return test

        run((topic, [make(i) for i in range(N)]))
        return sorted(found)

    assert numbers() == numbers()


def test_last_tests_wait_for_all_before_them(submit: Submit) -> None:
    """A test that is last starts when the others are over, in its own topic."""
    topic = submit("def f(x): return x")
    events: list[str] = []

    def early() -> None:
        topic.f(1)
        topic.f(2)
        events.append("early")

    def late() -> None:
        events.append("start of last")
        topic.f(3)
        events.append("end of last")

    tasks = [Task(early), Task(early), Task(late, last=True), Task(late, last=True)]
    Flow().run([(topic, tasks)])
    assert events == ["early"] * 2 + ["start of last"] * 2 + ["end of last"] * 2


@pytest.mark.parametrize(
    ("body", "status"),
    [
        ("os._exit(3)", "error"),
        ("os.kill(os.getpid(), 9)", "error"),
        ("time.sleep(60)", "timeout"),
        ("sock().send(bytes(64))", "tampered"),
        ("raise KeyError", "KeyError"),
        ("raise NotImplementedError", "missing"),
        ("return [0] * 10**10", "error"),
    ],
)
def test_a_bad_function_costs_its_own_calls(submit: Submit, body: str, status: str) -> None:
    """Between calls of a function that ends its process, hangs or lies, the other function's are answered."""
    topic = submit(
        f"""
        import gc, os, socket, time
        def sock():
            return next(o for o in gc.get_objects() if isinstance(o, socket.socket))
        def f(x):
            {body}
        def g(x): return x + 1
        """,
        timeout=0.5,
    )
    found: dict[int, object] = {}

    def make(i: int) -> Callable[[], None]:
        def test() -> None:
            function = topic.f if i % 3 == 1 else topic.g
            found[i] = became(lambda: function(i))

        return test

    run((topic, [make(i) for i in range(N)]))
    assert found == {i: status if i % 3 == 1 else i + 1 for i in range(N)}


def test_what_an_earlier_call_left_running_costs_nobody(submit: Submit) -> None:
    """A call that is ended by an earlier one's thread is made again."""
    topic = submit("""
        import os, threading, time
        def f(x):
            threading.Thread(target=lambda: (time.sleep(0.05), os._exit(1))).start()
            return x
        def g(x):
            time.sleep(0.03)
            return x
        """)
    found = []

    def first() -> None:
        found.append(topic.f(0))

    def other() -> None:
        found.append(topic.g(1))

    run((topic, [first, *[other] * 6]))
    assert sorted(found) == [0] + [1] * 6


def test_functions_given_as_arguments(submit: Submit) -> None:
    """Calls that ask back, and whose callbacks call the submission again, stand among others."""
    topic = submit("""
        def f(h, x): return h(x) + 1
        def g(x): return 2 * x
        """)
    found: dict[int, object] = {}

    def make(i: int) -> Callable[[], None]:
        def test() -> None:
            if i % 4 == 0:
                found[i] = topic.f(lambda x: x + topic.g(x), i)
            else:
                found[i] = topic.g(i)

        return test

    run((topic, [make(i) for i in range(N)]))
    assert found == {i: 3 * i + 1 if i % 4 == 0 else 2 * i for i in range(N)}


def test_a_callbacks_verdict_is_its_own_tests(submit: Submit) -> None:
    """What a callback raises comes out of the call that it was given to, and of no other."""
    topic = submit("""
        def f(h): return h()
        def g(x): return x
        """)
    found = []

    def failing() -> None:
        def verdict() -> None:
            raise AssertionError("not so")

        with pytest.raises(AssertionError, match="not so"):
            topic.f(verdict)
        found.append("failed")

    def other() -> None:
        found.append(str(topic.g(7)))

    run((topic, [other, failing, other, failing, other]))
    assert sorted(found) == ["7", "7", "7", "failed", "failed"]


def test_large_arguments_and_answers_cross(submit: Submit) -> None:
    """Both sides may have megabytes on their way to the other at once."""
    topic = submit("def f(x): return x + 1")
    found = []

    def test() -> None:
        x = np.random.default_rng(1).normal(size=400_000)
        found.append(bool(np.array_equal(topic.f(x), x + 1)))

    run((topic, [test] * 20))
    assert found == [True] * 20


def test_topics_run_beside_each_other(submit: Submit) -> None:
    """A topic whose calls are slow does not hold up another, nor does one without a process."""
    slow, quick = (
        submit("import time\ndef f(x):\n    time.sleep(0.5)\n    return x\n"),
        submit("def f(x): return x\n"),
    )
    here = LocalTopic("here", {"f": lambda x: x}, ["f"])
    order: list[str] = []

    def test(topic: Any, name: str) -> Callable[[], None]:
        return lambda: order.append(name) if topic.f(1) == 1 else None

    run(
        (slow, [test(slow, "slow")] * 2),
        (quick, [test(quick, "quick")] * N),
        (here, [test(here, "here")] * 2),
    )
    assert order[-2:] == ["slow", "slow"]
    assert len(order) == N + 4


@pytest.mark.parametrize("interrupted", [False, True])
def test_nothing_is_kept_of_a_run(submit: Submit, interrupted: bool) -> None:
    """A grader meets thousands of submissions: tests that are over, or were ended where they waited, are let go."""
    topic = submit("def f(x): return x")

    def test() -> None:
        topic.f(1)

    def stop() -> None:
        raise KeyboardInterrupt

    kept = weakref.ref(test)
    tests = [test] * N
    if interrupted:
        with pytest.raises(KeyboardInterrupt):
            run((topic, [*tests[:3], stop]))
    else:
        run((topic, tests))
    del test, tests
    gc.collect()
    assert kept() is None


def test_an_interrupt_ends_the_run(submit: Submit) -> None:
    """Ctrl-C in one test comes out, and the topic can be used afterwards."""
    topic = submit("def f(x): return x")
    ended = []

    def interrupted() -> None:
        topic.f(1)
        raise KeyboardInterrupt

    def other() -> None:
        try:
            topic.f(2), topic.f(3), topic.f(4)
        finally:
            ended.append(True)

    with pytest.raises(KeyboardInterrupt):
        run((topic, [other, interrupted, other]))
    assert topic.flow is None
    assert topic.f(5) == 5


def test_a_file_that_cannot_be_loaded_is_told_to_each_test(submit: Submit) -> None:
    """Every test hears why, and the import is tried once."""
    topic = submit("import time\ntime.sleep(60)\n", timeout=0.3)
    found = []

    def test() -> None:
        found.append(became(lambda: topic.f(1)))

    run((topic, [test] * 5))
    assert found == ["timeout"] * 5


@pytest.fixture(params=["one processor", "as many as there are"])
def processors(request: pytest.FixtureRequest) -> Iterator[None]:
    """This process and the submission's share a processor, or do not."""
    if request.param == "as many as there are":
        yield
        return
    if not hasattr(os, "sched_setaffinity"):
        pytest.skip("this system does not keep a process on a processor")
    before = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {min(before)})
    yield
    os.sched_setaffinity(0, before)


@pytest.mark.usefixtures("processors")
def test_arrays_larger_than_any_buffer_go_through_in_order() -> None:
    """More is on its way than the socket takes, in both directions, between calls of a few bytes."""
    sizes = 4 * [1, 700_000, 7, 40_000, 2_000, 0]  # some over 4 MiB: buffers are not kept
    answers = {}
    with Sandbox(jail.Limits(memory=1024 * jail.MIB)) as sandbox:
        topic = RemoteTopic(sandbox, "t", "t.py", "def f(x): return 2.0 * x", ["f"])

        def test(k: int) -> None:
            x = np.arange(sizes[k]) + float(k)
            answers[k] = np.array_equal(topic.f(x), 2.0 * x) and topic.f(float(k)) == 2.0 * k

        run((topic, [partial(test, k) for k in range(len(sizes))]))
        topic.close()
    assert answers == dict.fromkeys(range(len(sizes)), True)
