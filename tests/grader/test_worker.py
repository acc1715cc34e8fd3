"""The worker from the grader's side: whatever a submission does, its own call pays and nothing else."""

from __future__ import annotations

import os
import resource
import signal
import sys
import textwrap
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from grader.errors import CheckFailure, Halted, SandboxError, SubmissionRaised
from grader.model import Problem, Status
from grader.sandbox import channel, jail, wire, worker
from grader.sandbox.local import local_topic
from grader.sandbox.proxy import FILE_DEADLINES, RemoteTopic, Sandbox
from grader.sandbox.worker import Printed, System
from grader.sandbox.zygote import clean_environment

SHORT = 0.5
LIMITS = jail.Limits(memory=1024 * jail.MIB)
unheld = pytest.mark.parametrize("submit", ["weak"], indirect=True)
linux = pytest.mark.skipif(sys.platform != "linux", reason="looks into /proc")
Submit = Callable[..., RemoteTopic]


@pytest.fixture(scope="module")
def sandbox() -> Iterator[Sandbox]:
    """One zygote for all tests of this module."""
    with Sandbox(LIMITS) as sandbox:
        yield sandbox


@pytest.fixture(scope="module")
def weak() -> Iterator[Sandbox]:
    """One zygote whose children may fork, write and look into /proc."""
    with Sandbox(LIMITS, levels=[jail.RLIMITS]) as sandbox:
        yield sandbox


@pytest.fixture
def submit(request: pytest.FixtureRequest) -> Iterator[Submit]:
    """Makes a submission of some source text; its exercises are f, g and h.

    It is held as strongly as this machine can, or in a test that is `unheld` by rlimits alone.
    """
    sandbox: Sandbox = request.getfixturevalue(getattr(request, "param", "sandbox"))
    topics = []

    def submit(source: str, **kwargs: Any) -> RemoteTopic:
        kwargs = {"exercises": ["f", "g", "h"], "timeout": 5.0, **kwargs}
        topic = RemoteTopic(sandbox, "topic", "topic.py", textwrap.dedent(source), **kwargs)
        topics.append(topic)
        return topic

    yield submit
    for topic in topics:
        topic.close()


def outcome(function: Callable[..., Any], *args: Any, **kwargs: Any) -> tuple[str, str]:
    """What became of a call: a status or an exception's name, and the text."""
    try:
        return "returned", repr(function(*args, **kwargs))
    except Halted as halted:
        return str(halted.status), halted.reason
    except SubmissionRaised as raised:
        return "raised", str(raised)
    except CheckFailure as failed:
        return "failed", failed.failure.headline


def gone(pid: int, within: float = 5.0) -> bool:
    """Whether a process ends soon; a zombie has ended."""
    until = time.monotonic() + within
    while time.monotonic() < until:
        try:
            stat = Path(f"/proc/{pid}/stat").read_text()
        except (FileNotFoundError, ProcessLookupError):
            return True
        if stat.rpartition(")")[2].split()[0] == "Z":
            return True
        time.sleep(0.005)
    return False


def in_between(topic: RemoteTopic) -> int:
    """The process that serves a topic now."""
    assert topic._worker is not None
    return topic._worker.pid or children_of(topic.sandbox)[-1]


def children_of(sandbox: Sandbox) -> list[int]:
    """The processes that a zygote has forked and that are there still, the newest last."""
    pid = sandbox._zygote.pid
    if sandbox.level is jail.BUBBLEWRAP:  # it stands outside; the zygote is its child
        (pid,) = map(int, Path(f"/proc/{pid}/task/{pid}/children").read_text().split())
    return [int(each) for each in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


# ---- loading


@pytest.mark.parametrize(
    ("source", "status", "text", "line", "column"),
    [
        ("def f(x:\n    return x\n", "error", "SyntaxError: ", 1, 6),
        ("x = 1\n  y = 2\n", "error", "IndentationError: unexpected indent", 2, None),
        ("x = 1\nraise ValueError('no')\n", "error", "ValueError: no", 2, None),
        ("import scipy\n", "error", "'scipy'; a submission can import NumPy and the standard", 1, None),
        ("import pytest\n", "error", "a submission can import NumPy and the standard library", 1, None),
        ("from grader.sandbox import wire\n", "error", "'grader'; a submission can", 1, None),
        ("import tests.hidden\n", "error", "No module named 'tests'", 1, None),
        ("import wire\n", "error", "No module named 'wire'", 1, None),
        ("x = input('n = ')\n", "error", "EOFError: EOF when reading a line; nobody is there", 1, None),
        ("import sys\nsys.exit(0)\n", "error", "remove the call of exit() or sys.exit()", 2, None),
        ("raise KeyboardInterrupt\n", "error", "KeyboardInterrupt", 1, None),
        ("class E(BaseException): pass\nraise E('x')\n", "error", "E: x", 2, None),
        ("import os\nos._exit(0)\n", "error", "it ended itself with exit status 0", None, None),
        ("import os\nos._exit(7)\n", "error", "it ended itself with exit status 7", None, None),
        ("import os\nos.abort()\n", "error", "it was killed by SIGABRT", None, None),
        ("import os\nos.kill(os.getpid(), 9)\n", "error", "it was killed by SIGKILL", None, None),
        ("import os\nos.closerange(3, 100)\nwhile True: pass\n", "error", "closed its connection", None, None),
        ("x = 1\0\n", "error", "null bytes", None, None),
        ("x = '\ud800'\n", "error", "cannot be compiled", None, None),
        ("(" * 5000, "error", "SyntaxError: too many nested parentheses", 1, None),
        ("x = " + "-" * 100_000 + "1", "error", "topic.py cannot be imported", None, None),
        ("x = " + "[" * 90 + "]" * 90 + ".a" * 50_000, "error", "", None, None),
        ("raise SystemError('\\x1b[2J' * 10**6)", "error", "SystemError: \x1b", 1, None),
    ],
)  # fmt: skip
def test_a_file_that_cannot_be_loaded_says_why_and_where(
    submit: Submit, source: str, status: str, text: str, line: int | None, column: int | None
) -> None:
    """A problem has the message, the line and its text; every call then halts with it."""
    topic = submit(source)
    how, reason = outcome(topic.f)
    assert how == status
    assert text in reason
    assert len(reason) < 5000
    assert isinstance(topic.problem, Problem)
    if line is not None:
        assert topic.problem.line == line
        assert topic.problem.text is not None
        assert topic.problem.text.strip() == source.splitlines()[line - 1].strip()[:500]
    if column is not None:
        assert topic.problem.column == column
    assert outcome(topic.g) == (how, reason)


def test_a_load_that_hangs_costs_one_deadline(
    submit: Submit, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The timeout is remembered: no other function starts another child."""
    topic = submit("try:\n    while True: pass\nexcept: pass\n", timeout=SHORT)
    assert outcome(topic.f) == (
        "timeout",
        "importing the file took longer than 0.5 s: move code that runs at import into functions",
    )
    monkeypatch.setattr(topic.sandbox, "spawn", lambda **_: pytest.fail("another child"))
    assert outcome(topic.g)[0] == outcome(topic.f)[0] == "timeout"


def test_a_raised_halt_does_not_grow(submit: Submit) -> None:
    """A remembered halt that is raised again and again keeps no frames of earlier times."""
    topic = submit("import nothing\n")
    depths = []
    for _ in range(3):
        with pytest.raises(Halted) as caught:
            topic.f()
        depths.append(len(caught.traceback))
    assert depths[1] == depths[2]


def test_absent_things_are_missing(submit: Submit) -> None:
    """No file, no function, or no callable of the name: missing, and what is missing."""
    assert outcome(submit("f = 3\n").f) == ("missing", "topic.py defines no function `f`")
    nothing = RemoteTopic(submit("").sandbox, "topic", "topic.py", None, ["f"])
    assert outcome(nothing.f) == ("missing", "topic.py is not there")
    with pytest.raises(AttributeError, match="'q' is no exercise of the topic topic"):
        nothing.q  # noqa: B018
    problem = Problem("topic", "topic.py", "not UTF-8")
    broken = submit("def f(): return 1", problem=problem)
    assert outcome(broken.f) == ("error", "not UTF-8")


def test_a_file_too_large_to_send_is_an_error(
    submit: Submit, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is the file's problem, and no process is started for it."""
    monkeypatch.setattr(wire, "MAX_FRAME", 1000)
    assert outcome(submit("#" * 2000).f) == ("error", "the file is too large to be imported")


@pytest.mark.parametrize(
    "source",
    [
        "f = lambda x: x",
        "class f:\n    def __new__(cls, x): return x",
        "class C:\n    def __call__(self, x): return x\n    def m(self, x): return x\nf = C()\ng = C().m",
        "import functools\nf = functools.partial(lambda a, x: x, 1)",
        "import functools\n@functools.cache\ndef f(x): return x",
        "import dataclasses\n@dataclasses.dataclass\nclass P:\n    x: int\ndef f(x): return P(x).x",
        "import sys\nassert __name__ in sys.modules and sys.modules[__name__].__dict__ is globals()\n"
        "def f(x): return x",
        "from __future__ import annotations\ndef f(x: Undefined) -> Undefined: return x",
        "# -*- coding: latin-1 -*-\ndef f(x): return x",
        "if __name__ == '__main__':\n    raise SystemExit\ndef f(x): return x",
        "def __getattr__(name): raise RuntimeError\ndef f(x): return x",
        "class M(type):\n    def __getattr__(s, n): raise RuntimeError\nclass Q(metaclass=M): pass\n"
        "class R:\n    def __getattr__(s, n): raise RuntimeError\n    def __call__(s): pass\nr = R()\n"
        "def f(x): return x",
        "globals()[5] = print; globals().update({f'k{i}': print for i in range(5000)})\ndef f(x): return x",
    ],
)
def test_callables_of_every_kind_are_called(submit: Submit, source: str) -> None:
    """Lambdas, classes, partials and decorated functions count, in modules that do unusual things."""
    assert submit(source).f(3) == 3


def test_parameters_are_known(submit: Submit) -> None:
    """Names of parameters, keyword-only ones too, seen through a decorator that wraps."""
    topic = submit("""
        import functools
        def wrapped(function):
            @functools.wraps(function)
            def inner(*args, **kwargs):
                return function(*args, **kwargs)
            return inner
        @wrapped
        def f(X, W, *rest, axis=0): return 0
        g = max
        """)
    assert topic.f.call(1, 2).parameters == ("X", "W", "axis")
    assert topic.g.call(1, 2).parameters == ()


def test_functions_can_be_renamed(submit: Submit) -> None:
    """A proxy can stand for functions of other names, as for mistakes; their stubs are stubs."""
    source = "def f__wrong(x): return -x\ndef g__wrong(x): raise NotImplementedError\n"
    topic = submit(source)
    topic.begin_candidate({"f": "f__wrong", "g": "g__wrong"})
    assert topic.f(1) == -1
    assert outcome(topic.g, 1) == ("missing", "still a stub")


def test_each_candidate_has_room_and_time_of_its_own(submit: Submit) -> None:
    """What one function of a file used up is not missed by the next that stands for the same exercise."""
    topic = submit(
        "import numpy as np\ndef f__one(x): return np.ones(2**20)\ndef f__two(x): return x\n"
    )
    topic.begin_candidate({"f": "f__one"})
    for _ in range(4):
        topic.f(1)
    assert [record.outcome[0] for record in topic.notes.records] == ["returned"] * 3 + ["unkept"]
    topic._spent = FILE_DEADLINES * topic.timeout + 1
    assert outcome(topic.f, 1)[0] == "timeout"
    topic.begin_candidate({"f": "f__two"})
    topic.begin()
    assert topic.f(1) == 1
    assert [record.outcome for record in topic.notes.records] == [("returned", 1)]


# ---- values


def test_values_keep_their_type(submit: Submit) -> None:
    """A list stays a list, a scalar a scalar, a float32 a float32: nothing is made an array."""
    topic = submit("def f(*args, **kwargs): return args, kwargs")
    sent = (1, 2.5, [1.0, [2]], {"a": None}, "x", True, np.float32(2), 10**1000)
    args, kwargs = topic.f(*sent, axis=-1)
    assert args == sent
    assert [type(v) for v in args] == [type(v) for v in sent]
    assert kwargs == {"axis": -1}
    array = np.arange(6, dtype=np.int16).reshape(2, 3)
    (back,), _ = topic.f(array)
    np.testing.assert_array_equal(back, array, strict=True)


def test_large_values_come_back(submit: Submit) -> None:
    """Arrays near the cap travel both ways, and small ones after them."""
    topic = submit("def f(x): return x", timeout=30.0)
    for n in (10_000, 7 * 2**20, 3, 200_000):
        array = np.arange(float(n))
        np.testing.assert_array_equal(topic.f(array), array)


@pytest.mark.parametrize(
    ("body", "text"),
    [
        ("{1}", "the function returned a set; return a list or an array, which have an order"),
        ("lambda: 0", "the function returned a function; call it and return its value"),
        ("f", "the function returned a function; call it and return its value"),
        ("(i for i in [])", "the function returned a generator; return list(...) of it"),
        ("np.array([[1], [1, 2]], dtype=object)", "the function returned an array of dtype object"),
        ("np.broadcast_to(1.0, (10**10,))", "the function returned 76,294 MiB of data; 64 MiB are"),
        ("np.zeros(9 * 2**20)", "the function returned 72 MiB of data; 64 MiB are the most"),
        ("[0] * 10**6", "the function returned lists, tuples and dicts of more than 200,000 items"),
        ("f.__class__", "the function returned a class; return a value"),
        ("(1, {'a': [object()]})", "the function returned an object; return arrays"),
    ],
)
def test_unsupported_values_fail_in_words(submit: Submit, body: str, text: str) -> None:
    """The failure is the learner's, says what came and what to return; the child lives on."""
    topic = submit(f"import numpy as np\ndef f(): return {body}\ndef g(): return 1")
    how, said = outcome(topic.f)
    assert how == "failed"
    assert said.startswith(text)
    assert topic.notes.records[-1].outcome == ("unsupported", None)
    pid = in_between(topic)
    assert topic.g() == 1
    assert in_between(topic) == pid


def test_objects_run_no_code_here(submit: Submit) -> None:
    """An object with every special method arrives as a failure, and its code ran over there."""
    topic = submit("""
        import numpy as np
        class Chameleon:
            def __eq__(self, other): return True
            def __array__(self, *args, **kwargs): raise SystemExit
            def __reduce__(self): return (exec, ("raise SystemExit",))
            __class__ = property(lambda self: np.ndarray)
            def __getattr__(self, name): return self
            def __call__(self, *args): return self
        class Sub(np.ndarray):
            def __array_finalize__(self, obj): pass
            def tobytes(self, *args): raise SystemExit
        class Scalar(np.float64):
            dtype = property(lambda self: 1 / 0)
        def f(): return Chameleon()
        def g(): return np.ones(3).view(Sub)
        def h(): return Scalar(1)
        """)
    assert outcome(topic.f)[0] == "failed"
    assert outcome(topic.g)[0] == "failed"
    assert outcome(topic.h) == ("raised", "ZeroDivisionError: division by zero")


def test_arguments_come_back_as_they_are_afterwards(submit: Submit) -> None:
    """`call` tells of arguments changed in place, deep ones too; the caller's own stay as they were."""
    topic = submit("""
        def f(x, params, scale=None):
            x[0] = 9.0
            params["W"].append(4)
            scale += 1
            return 0
        """)
    x, params, scale = np.zeros(3), {"W": [1]}, np.ones(2)
    done = topic.f.call(x, params, scale=scale)
    assert done.args[0].tolist() == [9.0, 0.0, 0.0]
    assert done.args[1] == {"W": [1, 4]}
    assert done.kwargs["scale"].tolist() == [2.0, 2.0]
    assert (x.tolist(), params, scale.tolist()) == ([0.0] * 3, {"W": [1]}, [1.0, 1.0])
    assert topic.notes.records[-1].arguments()[0][1] == {"W": [1]}


def test_a_result_that_is_an_argument_is_its_own(submit: Submit) -> None:
    """Aliasing does not survive: the result and the argument are two arrays here."""
    done = submit("def f(x): return x").f.call(np.zeros(3))
    done.value[0] = 1
    assert done.args[0][0] == 0


def test_an_argument_changed_into_what_cannot_travel(submit: Submit) -> None:
    """The failure speaks of the argument, not of the value."""
    topic = submit("def f(x): x.append({1})\ndef g(x): x.append(lambda: 0)\ndef h(x): x.append(x)")
    assert outcome(topic.f.call, []) == ("failed", "the function put into its arguments a set")
    assert outcome(topic.g.call, []) == ("failed", "the function put into its arguments a function")
    assert outcome(topic.h.call, [])[1].endswith("nested more than 24 deep")
    assert outcome(topic.f, []) == (
        "failed",
        "the call changes its argument `x` in place; work on a copy",
    )


@pytest.mark.parametrize(
    ("body", "changed"),
    [
        ("x += 1", "`x`"), ("x[...] = x[...]", ""), ("x.sort()", "`x`"), ("x.shape = (3, 1)", "`x`"),
        ("items.append(1)", "`items`"), ("items[0][0] = 5.0", "`items`"), ("table['k'][0] = 0.0", "`table`"),
        ("table.pop('k')", "`table`"), ("x *= 2; table.clear()", "`x` and `table`"), ("x = x * 2", ""),
        ("items = sorted(items, key=id)", ""), ("items.append(items)", "`items`"), ("x[0] = -0.0", "`x`"),
    ],
)  # fmt: skip
def test_arguments_changed_in_place_fail_any_call(submit: Submit, body: str, changed: str) -> None:
    """Whatever a test is about: values, shapes, lists and dicts must be after a call what they were."""
    topic = submit(f"def f(x, items, *, table):\n    {body}\n    return 1\n")
    found = outcome(topic.f, np.array([0.0, 2.0, 1.0]), [[1.0], 2], table={"k": np.ones(2)})
    if not changed:
        assert found == ("returned", "1")
    else:
        assert found == (
            "failed",
            f"the call changes its argument {changed} in place; work on a copy",
        )


def test_state_is_kept_between_calls(submit: Submit) -> None:
    """Caches and counters of a module are allowed: a child serves all calls of a test run."""
    topic = submit("n = 0\ndef f():\n    global n\n    n += 1\n    return n")
    assert [topic.f() for _ in range(3)] == [1, 2, 3]


def test_what_the_suite_cannot_send_is_not_the_learners_fault(submit: Submit) -> None:
    """An argument that does not travel, or a callback's answer, is an error of ours."""
    topic = submit("def f(g): return g()")
    with pytest.raises(SandboxError, match="the suite calls `f` with what cannot be sent: a set"):
        topic.f({1})
    with pytest.raises(SandboxError, match="a callback of the suite gives a set"):
        topic.f(lambda: {1})
    assert topic.f(lambda: 3) == 3


# ---- exceptions


@pytest.mark.parametrize(
    ("body", "text"),
    [
        ("raise ValueError('bad')", "ValueError: bad"),
        ("raise SystemExit(3)", "SystemExit: 3"),
        ("exit()", "NameError: name 'exit' is not defined"),
        ("raise KeyboardInterrupt", "KeyboardInterrupt"),
        ("class Ende(BaseException): pass\n    raise Ende('x')", "Ende: x"),
        ("class Größe(Exception): pass\n    raise Größe('ß')", "Größe: ß"),
        ("raise ExceptionGroup('two', [ValueError(), TypeError()])", "ExceptionGroup: two (2 sub-"),
        ("input()", "EOFError: EOF when reading a line"),
        ("import scipy", "ModuleNotFoundError: No module named 'scipy'; a submission can import"),
        ("open('x.csv')", "FileNotFoundError: [Errno 2] No such file or directory: 'x.csv'"),
        (
            "open('x', 'wb').write(bytes(10**6))",
            (
                "OSError: [Errno 27] File too large",
                "OSError: [Errno 30] Read-only file system: 'x'",
                "PermissionError: [Errno 13] Permission denied: 'x'",
            ),
        ),
        ("[open('/dev/null') for _ in range(100)]", "OSError: [Errno 24] Too many open files"),
        ("f()", "RecursionError: maximum recursion depth exceeded"),
        ("eval('1 +')", "SyntaxError: invalid syntax"),
        (
            "import socket; socket.create_connection(('127.0.0.1', 1), 1)",
            ("ConnectionRefused", "PermissionError: [Errno 1]"),
        ),
    ],
)
def test_what_a_function_raises_is_told(
    submit: Submit, body: str, text: str | tuple[str, ...]
) -> None:
    """Type and message arrive, also of what derives from BaseException; the child lives on.

    Files and connections are refused in the words of the level in force.
    """
    topic = submit(f"import sys\ndef f():\n    {body}\ndef g(): return 1")
    with pytest.raises(SubmissionRaised) as caught:
        topic.f()
    assert str(caught.value).startswith(text)
    assert caught.value.function == "f"
    assert caught.value.line is not None
    assert topic.g() == 1


def test_where_it_was_raised_is_the_submissions_own_line(submit: Submit) -> None:
    """Inside a library call, the line and the function of the submission that made it."""
    topic = submit(
        "import numpy as np\n\ndef helper(x):\n    return np.linalg.inv(x)\n\ndef f(x):\n    return helper(x)\n"
    )
    with pytest.raises(SubmissionRaised) as caught:
        topic.f(np.zeros((2, 2)))
    raised = caught.value
    assert (raised.type_name, raised.line, raised.function) == ("LinAlgError", 4, "helper")
    assert raised.bases[:2] == ("LinAlgError", "ValueError")


def test_hostile_exceptions_are_told_as_far_as_they_go(submit: Submit) -> None:
    """Giant messages, raising `__str__`, lying classes: short text, and the child lives on."""
    topic = submit("""
        class Silent(Exception):
            def __str__(self): raise SystemExit
        class Text(str):
            def __getitem__(self, key): return {1}
            def __format__(self, spec): raise SystemExit
        class Loud(Exception):
            def __str__(self): return Text("x" * 10**7)
        class Meta(type):
            __name__ = property(lambda self: 1 / 0)
            __mro__ = property(lambda self: 1 / 0)
            def mro(cls): return type.mro(cls)
        class Masked(Exception, metaclass=Meta):
            __module__ = 5
            __traceback__ = property(lambda self: 1 / 0)
        def f(which):
            raise {"s": Silent(), "l": Loud(), "m": Masked("x"), "n": type("N" * 10**6, (Exception,), {})()}[which]
        """)
    assert outcome(topic.f, "s") == ("raised", "Silent")
    assert outcome(topic.f, "l") == ("raised", "Loud: " + "x" * 500)
    assert outcome(topic.f, "m") == ("raised", "Masked: x")
    assert outcome(topic.f, "n") == ("raised", "N" * 100)


def test_stubs_are_missing_however_they_say_so(submit: Submit) -> None:
    """NotImplementedError itself, with a message, a subclass of it, or through another exercise."""
    topic = submit("""
        class Todo(NotImplementedError): pass
        def f(x): raise NotImplementedError
        def g(x): return f(x)
        def h(x): raise Todo("derive it first") if x else NotImplementedError("your code here")
        """)
    assert outcome(topic.f, 1) == ("missing", "still a stub")
    assert outcome(topic.g, 1) == ("missing", "it calls `f`, which is still a stub")
    assert outcome(topic.h, 1) == ("missing", "NotImplementedError: derive it first")
    assert outcome(topic.h, 0) == ("missing", "NotImplementedError: your code here")
    assert [record.outcome for record in topic.notes.records] == [("halted", Status.MISSING)] * 4


# ---- output and warnings


def test_what_is_printed_is_kept_and_cut(submit: Submit) -> None:
    """The beginning of each call's output, from print, sys.stderr and after an exception too."""
    topic = submit("""
        import sys
        print("at import")
        def f():
            print("one", 2, flush=True)
            sys.stderr.write("three\\n")
            sys.stdout.writelines(["four"])
        def g():
            for _ in range(100_000): print("x" * 999)
        def h():
            print("before")
            raise ValueError
        """)
    assert topic.f.call().printed == "one 2\nthree\nfour"
    assert topic.g.call().printed == (("x" * 999 + "\n") * 5)[:4000]
    topic.begin()
    assert outcome(topic.h)[0] == "raised"
    assert topic.notes.printed == ["before\n"]


def test_standard_output_behaves_like_one() -> None:
    """What libraries ask of sys.stdout is there; what is not text is refused."""
    printed = Printed()
    assert (printed.isatty(), printed.writable(), printed.encoding) == (False, True, "utf-8")
    assert printed.write("ab") == 2
    with pytest.raises(TypeError):
        printed.write(b"ab")  # type: ignore[arg-type]
    with pytest.raises(OSError, match="fileno"):
        printed.fileno()
    assert (printed.take(), printed.take()) == ("ab", None)


def test_writing_to_the_standard_descriptors_goes_nowhere(submit: Submit, capfd: Any) -> None:
    """os.write to 0, 1 and 2 harms nothing, and nothing is read from them."""
    topic = submit("""
        import os, sys
        def f():
            for fd in (0, 1, 2): os.write(fd, b"x" * 100_000)
            print("x", file=sys.__stdout__, flush=True)
            return os.read(0, 10) == b"" and sys.stdin.read() == ""
        """)
    assert topic.f() is True
    assert capfd.readouterr() == ("", "")


def test_warnings_have_a_category_and_the_submissions_line(submit: Submit) -> None:
    """Raised here, by a ufunc or deep in NumPy: the line is the submission's."""
    topic = submit(
        "import warnings\nimport numpy as np\n"
        "def f():\n    np.exp(np.array([1e4]))\n    np.mean([])\n    warnings.warn('mine')\n    return 1\n"
        "def g():\n    for i in range(1000): warnings.warn(f'{i}', UserWarning)\n"
        "def h(): warnings.warn('again')\n"
    )
    assert [text for text in topic.f.call().warnings if "scalar divide" not in text] == [
        "RuntimeWarning: overflow encountered in exp (line 4)",
        "RuntimeWarning: Mean of empty slice. (line 5)" if np.__version__ < "2.3"
        else "RuntimeWarning: Mean of empty slice (line 5)",
        "UserWarning: mine (line 6)",
    ]  # fmt: skip
    assert len(topic.g.call().warnings) == 20
    for _ in range(2):
        assert topic.h.call().warnings == ("UserWarning: again (line 10)",)
    assert topic.notes.warnings.count("UserWarning: again (line 10)") == 2


def test_warnings_at_import_are_kept(submit: Submit) -> None:
    """An invalid escape is warned of when the file is compiled."""
    topic = submit("import warnings\nx = '\\d'\nwarnings.warn('at import')\ndef f(): return 1")
    topic.load()
    escape, own = topic.load_warnings
    assert "invalid escape sequence" in escape
    assert escape.endswith("(line 2)")
    assert own == "UserWarning: at import (line 3)"


def test_changed_settings_do_not_leak(submit: Submit) -> None:
    """Filters, NumPy's error state and the streams are fresh for every call."""
    topic = submit("""
        import sys, warnings
        import numpy as np
        def silence():
            warnings.simplefilter("ignore")
            warnings.filterwarnings("error")
            warnings.showwarning = None
            warnings.filters.append(("ignore", None, Warning, None, 0))
            np.seterr(all="raise")
            np.seterrcall(print)
            sys.stdout = sys.stderr = None
        silence()
        def f():
            silence()
        def g():
            print("heard")
            return np.exp(np.array([1e4]))
        """)
    for _ in range(2):
        done = topic.g.call()
        assert done.value.tolist() == [np.inf]
        assert done.warnings == ("RuntimeWarning: overflow encountered in exp (line 17)",)
        assert done.printed == "heard\n"
        topic.f()


# ---- deaths and deadlines


@pytest.mark.parametrize(
    ("body", "text"),
    [
        ("os._exit(0)", "the process ended during the call: it ended itself with exit status 0"),
        ("os._exit(3)", "exit status 3"),
        ("os.abort()", "killed by SIGABRT"),
        ("ctypes.string_at(0)", "killed by SIGSEGV"),
        ("os.kill(os.getpid(), 9)", "killed by SIGKILL"),
        ("os.closerange(3, 100)", "it closed its connection to the grader"),
        ("os.closerange(0, 100)\n    time.sleep(60)", "it closed its connection to the grader"),
        ("np.zeros(10 * 2**27)", "out of memory: a submission has 1,024 MiB"),
        ("x = []\n    while True: x.append(bytearray(2**20))", "out of memory"),
        ("resource.setrlimit(resource.RLIMIT_CPU, (0, 1))\n    while True: pass", "processor time"),
    ],
)
def test_a_death_is_an_error_and_costs_one_function(submit: Submit, body: str, text: str) -> None:
    """The reason says how it ended; the function is not tried again, the others are served."""
    topic = submit(
        "import ctypes, os, resource, sys, time\nimport numpy as np\n"
        f"def f():\n    {body}\ndef g(): return 1"
    )
    how, reason = outcome(topic.f)
    assert how == "error"
    assert text in reason
    assert topic.g() == 1
    topic.sandbox.level  # noqa: B018
    pid = in_between(topic)
    assert outcome(topic.f) == ("error", reason)
    assert in_between(topic) == pid
    assert topic.notes.records[0].outcome == ("halted", Status.ERROR)


@pytest.mark.parametrize("body", ["os.kill(0, 9)", "while True: os.fork(); os._exit(1)"])
def test_signals_and_forks_end_the_child_or_are_refused(submit: Submit, body: str) -> None:
    """Its own group or a copy of itself: refused in words where it is held, and its own end elsewhere."""
    topic = submit(f"import os\ndef f():\n    {body}\ndef g(): return 1")
    how, reason = outcome(topic.f)
    if topic.sandbox.level.boundary:
        assert (how, reason) == ("raised", "PermissionError: [Errno 1] Operation not permitted")
    else:
        assert how == "error"
    assert topic.g() == 1


def test_recursion_without_limit_ends(submit: Submit) -> None:
    """With Python's own limit lifted, memory or the deadline ends it."""
    topic = submit("import sys\ndef f():\n    sys.setrecursionlimit(10**9)\n    f()\n", timeout=1.0)
    assert outcome(topic.f)[0] in ("error", "timeout")


@pytest.mark.parametrize(
    "body",
    [
        "while True: pass",
        "while True:\n        try:\n            while True: pass\n        except BaseException: pass",
        "import signal, time\n    for s in range(1, 65):\n        try: signal.signal(s, signal.SIG_IGN)\n"
        "        except (OSError, ValueError): pass\n    while True: time.sleep(1)",
        "sum(range(10**12))",
        "import threading\n    threading.Thread(target=f).start()\n    threading.Event().wait()",
    ],
)  # fmt: skip
def test_a_call_without_end_is_a_timeout(submit: Submit, body: str) -> None:
    """Loops in Python or C, swallowed exceptions, ignored signals: SIGKILL ends them all."""
    topic = submit(f"def f():\n    {body}\ndef g(): return 1", timeout=SHORT)
    topic.load()
    pid = in_between(topic)
    assert outcome(topic.f) == ("timeout", "no answer within 0.5 s")
    if sys.platform == "linux":
        assert gone(pid)
    assert topic.g() == 1
    assert outcome(topic.f)[0] == "timeout"


def test_a_child_that_does_not_read_is_late(submit: Submit) -> None:
    """Sending more than a socket holds to a child that is stopped respects the deadline."""
    topic = submit("def f(x=None): return 1", timeout=SHORT)
    assert topic.f() == 1
    os.kill(in_between(topic), signal.SIGSTOP)
    assert outcome(topic.f, np.zeros(10**6))[0] == "timeout"


def test_a_death_between_calls_is_not_charged_to_the_next(submit: Submit) -> None:
    """A thread that ends the process later costs nothing more: the next call gets a fresh child."""
    topic = submit("""
        import os, threading
        def f(): threading.Timer(0.05, os._exit, [0]).start()
        def g(): return 1
        """)
    topic.f()
    pid = in_between(topic)
    if sys.platform == "linux":
        assert gone(pid)
    else:
        time.sleep(1)
    assert topic.g() == 1
    assert in_between(topic) != pid


def test_threads_left_running_do_no_harm(submit: Submit) -> None:
    """A thread that goes on prints into a later call at most, and ends with the child."""
    topic = submit("""
        import threading, time
        def spin():
            while True: time.sleep(0.001)
        def f(): threading.Thread(target=spin).start()
        def g(): return 1
        """)
    topic.f()
    pid = in_between(topic)
    assert [topic.g() for _ in range(20)] == [1] * 20
    topic.close()
    if sys.platform == "linux":
        assert gone(pid)


# ---- lies


FORGE = """
import gc, os, struct, sys, time
def everywhere(data):
    for fd in range(3, 64):
        try: os.write(fd, data)
        except OSError: pass
def frame(kind, number, payload, length=None):
    return struct.pack("<IBI", len(payload) if length is None else length, kind, number) + payload
def host():
    return next(o for o in gc.get_objects() if type(o).__name__ == "Host")
def g(): return 1
"""


@pytest.mark.parametrize(
    "body",
    [
        "everywhere(bytes(100)); time.sleep(9)",
        "everywhere(b'\\xff' * 100); time.sleep(9)",
        "everywhere(b'HTTP/1.1 200 OK\\r\\n\\r\\n'); return 1",
        "everywhere(frame(18, 0, b'N')); return 1",
        "everywhere(frame(16, 0, b'N')); return 1",
        "everywhere(frame(21, 0, b'N')); return 1",
        "everywhere(frame(18, 0, b'', 2**32 - 1)); time.sleep(9)",
        "everywhere(frame(18, host().current, b'', 2**26 + 1)); time.sleep(9)",
        "everywhere(frame(18, host().current, b'N')); time.sleep(9)",
        "everywhere(frame(18, host().current, b'tNN')); time.sleep(9)",
        "everywhere(frame(18, host().current, b't\\4\\0\\0\\0NTNN')); time.sleep(9)",
        "everywhere(frame(18, host().current, b't\\4\\0\\0\\0NNTN')); time.sleep(9)",
        "everywhere(frame(18, host().current, b't\\4\\0\\0\\0NNNT')); time.sleep(9)",
        "everywhere(frame(19, host().current, b'm\\0\\0\\0\\0N')); time.sleep(9)",
        "everywhere(frame(19, host().current, b'l\\0\\0\\0\\0')); time.sleep(9)",
        "everywhere(frame(19, host().current, b'm\\1\\0\\0\\0s\\7\\0\\0\\0messagel\\0\\0\\0\\0')); time.sleep(9)",
        "everywhere(frame(19, host().current, b'm\\1\\0\\0\\0s\\4\\0\\0\\0lineI\\1\\0\\0\\0\\xff')); time.sleep(9)",
        "everywhere(frame(20, host().current, b'l\\0\\0\\0\\0')); time.sleep(9)",
        "everywhere(frame(17, host().current, b'N')); return 1",
        "c = host().current; everywhere(frame(18, c, b't\\4\\0\\0\\0NNNN') * 2); time.sleep(9)",
        "h = host(); h.channel.send = lambda k, s, p: everywhere(b'?' * 9); return 1",
    ],
)  # fmt: skip
def test_forged_frames_are_evidence(submit: Submit, body: str) -> None:
    """Wrong kinds, numbers, lengths and forms are seen at once; the others get a fresh child."""
    topic = submit(f"{FORGE}\ndef f():\n    {body}", timeout=4.0)
    how, reason = outcome(topic.f)
    assert how == "tampered"
    assert reason.startswith("the worker's answer is forged: ")
    assert topic.g() == 1
    assert outcome(topic.f)[0] == "tampered"


def test_an_answer_before_its_question_is_evidence(submit: Submit) -> None:
    """Sequence numbers cannot be guessed: an answer prepared in one call is no answer to the next."""
    topic = submit(f"""{FORGE}
def h():
    import threading
    current = host().current
    data = b"".join(frame(18, (current + i) % 2**32, b"t\\4\\0\\0\\0NNNN") for i in (1, 2))
    threading.Timer(0.05, everywhere, [data]).start()
""")
    topic.h()
    time.sleep(0.3)
    assert outcome(topic.g)[0] == "tampered"


def test_a_forged_value_is_only_a_value(submit: Submit) -> None:
    """With the right number a frame is accepted: it is plain data, as if it had been returned."""
    topic = submit(f"""{FORGE}
def f():
    everywhere(frame(18, host().current, b"t\\5\\0\\0\\0i" + struct.pack("<q", 42) + b"NNNN"))
    os._exit(0)
""")
    topic.load()
    pid = in_between(topic)
    assert topic.f() == 42
    if sys.platform == "linux":
        assert gone(pid)
        assert topic.g() == 1


def test_a_slow_drip_ends_at_the_deadline(submit: Submit) -> None:
    """Each byte resets no clock: the deadline is for the whole answer."""
    topic = submit(
        f"""{FORGE}
def f():
    data = frame(18, host().current, bytes(10**6))
    for i in range(10**6):
        everywhere(data[i : i + 1])
        time.sleep(0.01)
""",
        timeout=SHORT,
    )
    started = time.monotonic()
    assert outcome(topic.f)[0] == "timeout"
    assert time.monotonic() - started < 10


def test_forged_loading_is_evidence(submit: Submit) -> None:
    """An answer written while the file is imported is no answer."""
    for data in (
        "bytes(100)", "frame(17, 1, b'N')", "frame(17, 0, b'', 2**31)",
        "frame(17, sys._getframe(5).f_locals.get('sequence', 0), b'N')",
    ):  # fmt: skip
        topic = submit(f"{FORGE}\neverywhere({data})\ntime.sleep(9)", timeout=4.0)
        assert outcome(topic.g)[0] == "tampered"


def test_patching_everything_changes_only_the_submissions_own_answers(submit: Submit) -> None:
    """NumPy, the codec, builtins and the host itself patched: still data, or a death."""
    topic = submit("""
        import builtins, gc, io, os, sys, types, warnings
        import numpy as np
        main = sys.modules["__main__"]
        assert not hasattr(main, "Host")
        for module in [m for m in gc.get_objects() if type(m) is types.ModuleType]:
            if module.__name__ == "wire":
                module.MAX_FRAME = 2**31
                module._CODE_OF.clear()
        np.array_equal = np.allclose = lambda *args, **kwargs: True
        np.testing = None
        np.seterr = np.ndarray.__eq__ if False else None
        builtins.isinstance = lambda *args: True
        builtins.len = lambda value: 0
        warnings.resetwarnings = lambda: None
        def f(): return np.float64(1)
        def g(): return 1
        """)
    assert outcome(topic.f)[0] in ("returned", "failed", "raised", "error", "tampered")
    assert np.array_equal([1], [2]) is False
    healthy = submit("def f(): return 1")
    assert healthy.f() == 1


def test_replacing_the_hosts_methods_gives_no_more_than_lies(submit: Submit) -> None:
    """A host found by the garbage collector can claim anything for its own calls, as data."""
    topic = submit(f"""{FORGE}
def answer(self, sequence, payload):
    self.channel.send(18, sequence, self.wire.dumps((7, ["w" * 10**4] * 1000, "p" * 10**6, None, [0] * 1000)))
type(host()).answer = answer
def f(): return 1
""")
    done = topic.f.call()
    assert done.value == 7
    assert len(done.warnings) == 20
    assert max(map(len, done.warnings)) <= 4000
    assert len(done.printed) == 4000


# ---- callbacks


def test_callbacks_ask_this_side(submit: Submit) -> None:
    """Functions among the arguments can be called over there, deep ones too, with plain data."""
    topic = submit("""
        def f(g, x, options): return [g(x + i) for i in range(3)] + [options["h"](x, scale=2)]
        """)
    x = np.arange(3.0)
    *values, last = topic.f(lambda v: v.sum(), x, {"h": lambda v, scale: v * scale})
    assert values == [3.0, 6.0, 9.0]
    assert last.tolist() == [0.0, 2.0, 4.0]


def test_callbacks_among_arguments_come_back_as_themselves(submit: Submit) -> None:
    """`call` gives back the very functions that were passed, wherever they were."""

    def g(x: float) -> float:
        return x

    done = submit("def f(g, x, options): return g(x)").f.call(g, 2.0, {"k": [g]})
    assert done.value == 2.0
    assert done.args[0] is g
    assert done.args[2]["k"][0] is g


def test_a_callback_that_raises_raises_over_there(submit: Submit) -> None:
    """The submission gave it what it cannot take: an exception in the submission, with the reason."""
    topic = submit("""
        def f(g):
            try: g("text")
            except RuntimeError as error: return str(error)
        def h(g): return g({1})
        """)
    assert topic.f(lambda x: x + 1).startswith("TypeError: can only concatenate str")
    assert outcome(topic.h, lambda x: x) == (
        "raised", "TypeError: a function that you were given cannot take a set",
    )  # fmt: skip


def test_a_suites_verdict_in_a_callback_is_the_tests(submit: Submit) -> None:
    """An assertion of the suite inside its callback ends the test, whatever the submission catches."""
    topic = submit(
        "def f(g):\n    try: g(1)\n    except BaseException: pass\n    return 1\ndef g(): return 2"
    )

    def strict(x: int) -> None:
        raise AssertionError("called with 1")

    with pytest.raises(AssertionError, match="called with 1"):
        topic.f(strict)
    assert topic.g() == 2


def test_a_kept_callback_says_so(submit: Submit) -> None:
    """Called after its call, by a later one or by a thread, it raises over there; nothing is forged."""
    topic = submit("""
        import threading
        kept = None
        def f(g):
            global kept
            kept = g
            def later():
                global said
                try: g(1)
                except RuntimeError as error: said = str(error)
            threading.Timer(0.05, later).start()
        def g(other): return kept(1)
        def h():
            import time
            time.sleep(0.2)
            return said
        """)
    topic.f(lambda x: x)
    assert "was called after the call; do not keep it" in topic.h()
    assert "was called after the call; do not keep it" in outcome(topic.g, lambda x: 5)[1]


def test_callbacks_from_threads_take_turns(submit: Submit) -> None:
    """Threads of a submission may share a callback."""
    topic = submit("""
        from concurrent.futures import ThreadPoolExecutor
        def f(g):
            with ThreadPoolExecutor(8) as pool:
                return list(pool.map(g, range(200)))
        """)
    assert topic.f(lambda x: x * x) == [i * i for i in range(200)]


def test_callbacks_may_call_the_submission(submit: Submit) -> None:
    """A callback that calls another function of the submission is answered within the call."""
    topic = submit("""
        import warnings
        def f(g):
            warnings.warn("outer")
            return 1 + g(10)
        def g(x):
            warnings.warn("inner")
            return 2 * x
        """)
    done = topic.f.call(topic.g)
    assert done.value == 21
    assert done.warnings == ("UserWarning: outer (line 4)",)


def test_callbacks_without_end(submit: Submit, monkeypatch: pytest.MonkeyPatch) -> None:
    """A loop that asks and asks meets the deadline, and their number is limited too."""
    topic = submit(
        "def f(g):\n    while True: g()\ndef g(n, c): return sum(c() for _ in range(n))",
        timeout=SHORT,
    )
    assert outcome(topic.f, lambda: 1)[0] == "timeout"
    monkeypatch.setattr(channel, "MAX_CALLBACKS", 100)
    assert topic.g(100, lambda: 1) == 100
    assert outcome(topic.g, 101, lambda: 1)[0] == "timeout"


# ---- what a child has and leaves


def test_the_environment_is_clean(submit: Submit, monkeypatch: pytest.MonkeyPatch) -> None:
    """No variable of the grader's reaches a submission, nor a path to anything installed."""
    monkeypatch.setenv("SECRET_TOKEN", "hunter2")
    assert "SECRET_TOKEN" not in clean_environment()
    topic = submit("""
        import os, sys
        def f(): return [sorted(os.environ), sys.path, os.listdir("."), sys.argv, sorted(sys.modules)]
        """)
    environment, path, files, argv, modules = topic.f()
    assert set(environment) <= {
        "PATH", "LC_ALL", "LC_CTYPE", "OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS",
        "LD_LIBRARY_PATH", "DYLD_LIBRARY_PATH", "DYLD_FALLBACK_LIBRARY_PATH", "__CF_USER_TEXT_ENCODING",
    }  # fmt: skip
    assert not [entry for entry in path if "site-packages" in entry or entry in ("", ".")]
    assert files == []
    assert argv == [""]
    assert not [
        m for m in modules if m.split(".")[0] in ("grader", "pytest", "scipy", "_pytest", "wire")
    ]


@linux
@unheld
def test_a_child_has_four_descriptors(submit: Submit) -> None:
    """The standard three, which lead nowhere, and its channel; not the zygote's control channel."""
    topic = submit("""
        import os
        def f():
            fds = [int(fd) for fd in os.listdir("/proc/self/fd")]
            links = {}
            for fd in fds:
                try: links[fd] = os.readlink(f"/proc/self/fd/{fd}")
                except OSError: pass
            return links
        """)
    links = topic.f()
    assert [links[fd] for fd in (0, 1, 2)] == ["/dev/null"] * 3
    assert [link.partition(":")[0] for fd, link in links.items() if fd > 2] == ["socket"]


@unheld
def test_a_child_finds_an_empty_folder(submit: Submit) -> None:
    """Files that one submission writes are not there for the next, and deep ones are removed."""
    topic = submit("""
        import os
        def f():
            found = os.listdir(".")
            open("left.txt", "w").write("x")
            for _ in range(300):
                os.mkdir("deep")
                os.chdir("deep")
            return found
        """)
    assert topic.f() == []
    topic.close()
    again = submit("import os\ndef f(): return os.listdir('.')")
    assert again.f() == []


def test_random_numbers_differ_between_children(submit: Submit) -> None:
    """Forks of one process would draw the same numbers from an unseeded generator."""
    source = """
        import random
        import numpy as np
        def f(): return np.random.randint(2**31), np.random.default_rng().integers(2**40), random.random()
        """
    first, second, third = (submit(source).f() for _ in range(3))
    for a, b, c in zip(first, second, third, strict=True):
        assert len({a, b, c}) == 3


def test_random_numbers_are_there_for_a_file_that_does_not_name_them(submit: Submit) -> None:
    """What most files do without is not loaded in advance; it can still be had."""
    topic = submit("""
        import sys
        import numpy as np
        def f(): return "numpy.ran" "dom" in sys.modules
        def g(): return float(getattr(np, "ran" "dom").default_rng(0).normal())
        """)
    assert isinstance(topic.g(), float)
    assert topic.f() is True


def test_threads_of_a_submission_work(submit: Submit) -> None:
    """Although nothing was done for them after the fork."""
    topic = submit("""
        import threading
        from concurrent.futures import ThreadPoolExecutor
        def f():
            with ThreadPoolExecutor(2) as pool:
                squares = list(pool.map(lambda x: x * x, range(5)))
            main = threading.main_thread()
            return squares, main is threading.current_thread(), main.is_alive(), threading.active_count()
        """)
    assert topic.f() == ([0, 1, 4, 9, 16], True, True, 1)


@linux
@unheld
def test_processes_left_behind_are_ended(submit: Submit) -> None:
    """Forked, daemonised, in sessions of their own: they end with the child."""
    topic = submit("""
        import os, signal, time
        def leave():
            r, w = os.pipe()
            if os.fork() == 0:
                os.setsid()
                for s in (signal.SIGTERM, signal.SIGHUP, signal.SIGINT): signal.signal(s, signal.SIG_IGN)
                if os.fork() == 0:
                    os.setsid()
                    os.write(w, str(os.getpid()).encode())
                    os.close(w)
                    while True: time.sleep(1)
                while True: time.sleep(1)
            return int(os.read(r, 20))
        def f(): return leave()
        def g():
            pid = os.fork()
            if pid == 0:
                while True: time.sleep(1)
            return pid
        """)
    left = [topic.f(), topic.f(), topic.g()]
    own = in_between(topic)
    topic.close()
    assert all(gone(pid) for pid in [*left, own])


@unheld
def test_a_fork_that_returns_is_no_forgery(submit: Submit) -> None:
    """A copy of the child that comes back from the function ends there: one call has one answer."""
    topic = submit("""
        import os
        def f():
            os.fork()
            return 1
        def g(c):
            if os.fork() == 0: c(1)
            return 2
        """)
    assert [topic.f() for _ in range(5)] == [1] * 5
    assert topic.g(lambda x: x) == 2
    assert topic.f() == 1


@linux
def test_nothing_is_left_open(sandbox: Sandbox) -> None:
    """Spawning, calling, killing and dying leave no descriptor and no process."""
    source = (
        "import os\ndef there(fd):\n    try: return bool(os.fstat(fd))\n    except OSError: return False\n"
        "def f(): return max(fd for fd in range(100) if there(fd))\ndef g(): os._exit(1)\n"
    )

    def cycle(end: str) -> None:
        topic = RemoteTopic(sandbox, "topic", "topic.py", source, ["f", "g"])
        topic.prepare()
        if end != "prepared":  # a descriptor that the zygote keeps would push this one up
            assert topic.f() < 10
        if end == "died":
            outcome(topic.g)
        topic.close()

    cycle("called")
    before = len(os.listdir("/proc/self/fd"))
    for end in ["called", "died", "prepared"] * 8:
        cycle(end)
    assert len(os.listdir("/proc/self/fd")) == before
    assert not sandbox.workers
    until = time.monotonic() + 5
    while children_of(sandbox) and time.monotonic() < until:
        time.sleep(0.01)
    assert children_of(sandbox) == []


@linux
def test_closing_the_sandbox_ends_all(submit: Submit) -> None:
    """Children in a loop, ones that never greeted and what they forked go with the zygote."""
    with Sandbox(LIMITS) as own:
        topics = [
            RemoteTopic(own, "topic", "topic.py", source, ["f"])
            for source in ("while True: pass", "def f():\n import os\n return os.getpid()")
        ]
        for topic in topics:
            topic.prepare()
        topics[1].f()
        home = Path(own._zygote._home)
        pids = [own._zygote.pid, *children_of(own)]
        assert len(pids) >= 3
    assert all(gone(pid) for pid in pids)
    assert not home.exists()
    own.close()  # a second time does nothing
    with pytest.raises(SandboxError):
        own._zygote.fork()


@linux
@pytest.mark.parametrize("levels", [None, [jail.RLIMITS]], ids=["held", "weak"])
def test_a_dead_zygote_is_our_fault_and_is_replaced(levels: list[jail.Level] | None) -> None:
    """The call in progress is made again with another zygote; one that ends every zygote is an error of its own."""
    source = (
        "import os, time\ndef f(): time.sleep(60)\ndef g(): return 1\n"
        "def h():\n    os.kill(os.getppid(), 9)\n    time.sleep(60)\n"
    )
    with Sandbox(LIMITS, levels=levels) as own:
        topic = RemoteTopic(own, "topic", "topic.py", source, ["f", "g", "h"], timeout=1.5)
        topic.g()
        zygote = own._zygote.pid
        child = in_between(topic)
        threading.Timer(0.2, os.kill, [zygote, signal.SIGKILL]).start()
        assert outcome(topic.f) == ("timeout", "no answer within 1.5 s")  # of the second zygote
        assert gone(child)
        assert topic.g() == 1
        assert own._zygote.pid != zygote
        if own.level.boundary:
            assert outcome(topic.h) == (
                "raised",
                "PermissionError: [Errno 1] Operation not permitted",
            )
        else:
            how, reason = outcome(topic.h)
            assert (how, reason.endswith("was ended too, twice")) == ("error", True)
        assert topic.g() == 1


def test_ctrl_c_during_a_call_leaves_no_process(submit: Submit) -> None:
    """An interrupt ends the child, whose answer nobody waits for any more."""
    topic = submit("import time\ndef f(): time.sleep(60)\ndef g(): return 1", timeout=30.0)
    topic.load()
    pid = in_between(topic)

    def interrupt(*_: Any) -> None:
        raise KeyboardInterrupt

    before = signal.signal(signal.SIGALRM, interrupt)
    signal.setitimer(signal.ITIMER_REAL, 0.1)
    try:
        with pytest.raises(KeyboardInterrupt):
            topic.f()
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)
    if sys.platform == "linux":
        assert gone(pid)
    assert topic.g() == 1


# ---- trusted code behind the same face


def test_local_functions_look_like_a_submission(tmp_path: Path) -> None:
    """Mistakes run in this process: values, refusals, exceptions, output and arguments look alike."""
    file = tmp_path / "topic.py"
    file.write_text(
        "import warnings\n"
        "def f(x, g=None):\n    print('here')\n    warnings.warn('w')\n    x.append(1)\n    return [x]\n"
        "def g(): return {1}\n"
        "def h(): raise ZeroDivisionError('x')\n"
    )
    topic = local_topic(file, "topic", ["f", "g", "h", "absent"])
    x: list[int] = []
    done = topic.f.call(x, g=len)
    assert (done.value, done.args, done.printed) == ([[1]], ([1],), "here\n")
    assert done.warnings == ("UserWarning: w",)
    assert x == []
    assert outcome(topic.g)[1].startswith("the function returned a set; return a list")
    assert outcome(topic.h) == ("raised", "ZeroDivisionError: x")
    assert outcome(topic.absent) == ("missing", "no function `absent`")


# ---- other systems


def test_what_linux_offers_is_optional(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without prctl, mallopt and /proc nothing is done and nothing fails."""
    monkeypatch.setattr(sys, "platform", "darwin")
    system = System()
    assert system.libc is None
    system.tune_allocator()
    system.adopt_orphans()
    system.hide_memory()
    system.die_with_parent(os.getppid())
    monkeypatch.setattr("builtins.open", lambda *_: (_ for _ in ()).throw(FileNotFoundError()))
    assert System.children() == []


def test_limits_that_a_system_lacks_are_left_out(monkeypatch: pytest.MonkeyPatch) -> None:
    """A limit without a name here, or one that is refused, is not reported as in force."""
    monkeypatch.delattr(resource, "RLIMIT_AS")
    asked = []

    def refuse(number: int, values: tuple[int, int]) -> None:
        asked.append(number)
        raise ValueError("current limit exceeds maximum limit")

    monkeypatch.setattr(resource, "setrlimit", refuse)
    in_force = worker.limit({"AS": 1, "NOFILE": 3})
    assert asked == [resource.RLIMIT_NOFILE]
    assert in_force == {"NOFILE": resource.getrlimit(resource.RLIMIT_NOFILE)[0]}


def test_a_system_without_fork_is_told_so(monkeypatch: pytest.MonkeyPatch) -> None:
    """On Windows the error says where the grader runs."""
    monkeypatch.delattr(os, "fork")
    with pytest.raises(SandboxError, match="WSL"):
        Sandbox()


def test_an_interpreter_that_cannot_run_is_our_fault(monkeypatch: pytest.MonkeyPatch) -> None:
    """A worker that cannot be started leaves nothing open and blames nobody."""
    monkeypatch.setattr(sys, "executable", "/nowhere/python")
    with Sandbox() as own, pytest.raises(SandboxError, match=r"cannot be started: .*nowhere"):
        own.spawn()


def test_a_worker_that_ends_at_once_says_what_it_said(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """The last line of its standard error is in the message."""
    broken = tmp_path / "worker.py"
    broken.write_text("raise ImportError('numpy is broken')")
    monkeypatch.setattr("grader.sandbox.zygote.WORKER", broken)
    with Sandbox() as own, pytest.raises(SandboxError, match=r"exit status 1: .*numpy is broken"):
        own.spawn()


def test_the_two_sides_agree_on_the_control_channel() -> None:
    """The records of zygote and worker are declared on each side, as neither imports the other."""
    from grader.sandbox import zygote

    assert zygote._ORDER.format == worker.ORDER.format
    assert zygote._STATUS.format == worker.STATUS.format
    assert list(channel._EXITS) == [worker.INTERNAL_ERROR, worker.LOST_CHANNEL]
    assert worker.NOT_ENDED == -1


def test_numpys_error_state_is_looked_at_not_assumed() -> None:
    """Where NumPy keeps it in a context, calls run in one; elsewhere it is set before each call."""

    class Threaded:
        state = {"over": "warn"}  # noqa: RUF012

        def geterr(self) -> dict[str, str]:
            return dict(self.state)

        def seterr(self, **kwargs: str) -> None:
            self.state.update(kwargs)

    assert worker.keeps_errors_in_context(np) is (int(np.__version__.partition(".")[0]) >= 2)
    old = Threaded()
    assert worker.keeps_errors_in_context(old) is False
    assert old.state == {"over": "warn"}
