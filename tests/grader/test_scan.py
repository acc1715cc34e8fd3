"""A scan is a loop of calls, only quicker: whatever the function does, the two cannot be told apart."""

from __future__ import annotations

import textwrap
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pytest

from grader.checks import as_array
from grader.errors import CheckFailure, Halted, SubmissionRaised
from grader.sandbox import jail
from grader.sandbox.flow import Flow, Task
from grader.sandbox.proxy import RemoteTopic, Sandbox, TopicProxy

Submit = Callable[[str], RemoteTopic]


@pytest.fixture(scope="module")
def sandbox() -> Iterator[Sandbox]:
    """One zygote for all tests of this module."""
    with Sandbox(jail.Limits(memory=1024 * jail.MIB)) as sandbox:
        yield sandbox


@pytest.fixture
def submit(sandbox: Sandbox) -> Iterator[Submit]:
    """Makes a submission of some source text; its exercise is f."""
    topics = []

    def submit(source: str) -> RemoteTopic:
        text = "import numpy as np\n" + textwrap.dedent(source)
        topics.append(RemoteTopic(sandbox, "t", "t.py", text, ["f"], timeout=2.0))
        return topics[-1]

    yield submit
    for topic in topics:
        topic.close()


REST = [(np.array([1.0, 2.0]), 3.0), (np.array([0.5, -1.0]), 0.25)]
ORDER = [k % 2 for k in range(620)]


def became(topic: TopicProxy, scan: Callable[..., list[Any]]) -> tuple[Any, ...]:
    """What came of 620 calls: values or the failure, and what was noted."""
    topic.begin()
    outcome: Any
    try:
        outcome = [
            v.tolist() for v in scan("f", np.ones(2), REST, ORDER, lambda v: as_array(v, (2,)))
        ]
    except CheckFailure as failure:
        outcome = failure.failure.headline
    except SubmissionRaised as raised:
        outcome = (raised.type_name, str(raised), raised.line)
    except Halted as halted:
        outcome = (halted.status, halted.reason)
    notes = topic.notes
    records = [
        (r.function, r.payload, r.outcome[0], np.asarray(r.outcome[1]).tolist())
        for r in notes.records
    ]
    return repr(outcome), repr(records), notes.warnings, notes.printed  # NaN is like NaN


@pytest.mark.parametrize(
    "body",
    [
        "return 0.5 * x + a * c",
        "return (0.5 * x + a * c).tolist()",
        "return [0.5 * x[0], 1.0 + a[0]]",
        "return 0.5 * x if c > 1 else list(0.5 * x)",
        "return (0.5 * x).astype(np.float32) if c < 1 else x",
        "return np.asfortranarray(0.5 * x + a)[::-1]",
        "return x[:1]",
        "return None",
        "return np.array([object(), 1])",
        "return {x[0], 1.0}",
        "x += 1\n    return x",
        "a *= 2\n    return x + a",
        "raise NotImplementedError",
        "raise ValueError('no ' + str(c))",
        "x = 0.5 * x\n    x[0] or 1 / 0\n    return x + a",
        "return np.log(x - 1.5) * 0 + 1 + a * 0",
        "print(x[0])\n    return 0.9 * x",
        "np.seterr(all='ignore')\n    return np.sqrt(-x) * 0 + 1.0",
        "import warnings\n    warnings.filterwarnings('ignore')\n    return np.sqrt(x - 1.0) + a",
    ],
)  # fmt: skip
def test_a_scan_is_a_loop_of_calls(submit: Submit, body: str) -> None:
    """Values, failure, records, warnings and what was printed are those of the loop."""
    source = f"def f(x, a, c):\n    {body}\n"
    quick, slow = submit(source), submit(source)
    assert became(quick, quick.scan) == became(slow, lambda *args: TopicProxy.scan(slow, *args))


def test_a_scan_makes_its_calls_in_the_child(
    submit: Submit, monkeypatch: pytest.MonkeyPatch
) -> None:
    """620 plain calls cost three messages."""
    topic = submit("def f(x, a, c):\n    return 0.5 * x + a * c\n")
    sent = []
    invoke = RemoteTopic._invoke
    monkeypatch.setattr(
        RemoteTopic, "_invoke", lambda self, *args: (sent.append(args), invoke(self, *args))[1]
    )
    assert len(topic.scan("f", np.ones(2), REST, ORDER, lambda v: v)) == 620
    assert len(sent) == 3


def test_a_slow_function_has_its_deadline_for_each_call(submit: Submit) -> None:
    """Calls of 30 ms each are no timeout, however many stand in a row."""
    topic = submit("import time\ndef f(x, a, c):\n    time.sleep(0.03)\n    return x\n")
    assert len(topic.scan("f", np.ones(2), REST, ORDER[:90], lambda v: v)) == 90


@pytest.mark.parametrize(
    ("body", "status"),
    [
        ("if x[0] > 20: __import__('os')._exit(3)\n    return x + 1", "error"),
        ("while x[0] > 20: pass\n    return x + 1", "timeout"),
    ],
)
def test_what_ends_the_child_in_a_scan_ends_it(submit: Submit, body: str, status: str) -> None:
    """A death or a hang in the middle is that of an ordinary call."""
    topic = submit(f"def f(x, a, c):\n    {body}\n")
    with pytest.raises(Halted) as halted:
        topic.scan("f", np.ones(2), REST, ORDER, lambda v: v)
    assert halted.value.status == status
    with pytest.raises(Halted):
        topic.scan("f", np.ones(2), REST, ORDER, lambda v: v)


@pytest.mark.parametrize("forged", ["[carry] * 600", "[1.0]", "(carry,)", "None", "[[carry]]"])
def test_a_forged_answer_to_a_scan_is_found(submit: Submit, forged: str) -> None:
    """More values than calls, or values that no plain call gives, are evidence of an attack."""
    topic = submit(
        "import gc\n"
        "for host in gc.get_objects():\n"
        "    if type(host).__name__ == 'Host':\n"
        f"        type(host).scan = lambda self, function, carry, rest, order: {forged}\n"
        "def f(x, a, c):\n    return x\n"
    )
    with pytest.raises(Halted) as halted:
        topic.scan("f", np.ones(2), REST, ORDER, lambda v: v)
    assert halted.value.status == "tampered"


def test_scans_side_by_side(submit: Submit) -> None:
    """In a flow, others go on meanwhile, and each scan gets its own values."""
    topic = submit("def f(x, a, c):\n    return x + a * c\n")
    got: dict[int, Any] = {}

    def test(start: int) -> Callable[[], None]:
        def run() -> None:
            got[start] = topic.scan("f", np.full(2, float(start)), REST, ORDER, lambda v: v)[-1]

        return run

    Flow().run([(topic, [Task(test(n)) for n in range(5)])])
    for n in range(5):
        expected = n + sum(REST[k][0] * REST[k][1] for k in ORDER)
        np.testing.assert_allclose(got[n], expected)
