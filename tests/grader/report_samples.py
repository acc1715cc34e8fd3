"""Reports as the grader makes them, for the tests of the renderers: made by hand, no run needed."""

from __future__ import annotations

import math

from grader.model import (
    Capstone,
    CapstoneScore,
    Cause,
    Difficulty,
    Evidence,
    Exercise,
    Failure,
    Hints,
    Mismatch,
    Outcome,
    Problem,
    Report,
    Score,
    Status,
    Topic,
)

HINTS = Hints("HINT-CONCEPT", "HINT-EQUATION", "HINT-SHAPE", "HINT-LINE")
CHECKS = ("values", "shape", "dtype", "extremes", "float32", "axis", "pure", "deterministic")

DIAGONAL = Cause(
    "mistake",
    "softmax_vjp__diagonal_only",
    "the Jacobian is taken for its diagonal, s(1−s)·g",
)
SIGN = Cause("transform", "sign", "the sign is flipped")
FORGED = "the worker sent a second answer to one call"
EVIDENCE = Evidence(
    seen="there is more than the answer",
    during="attention",
    call=7,
    expected="an answer 9f3a61c2",
    actual="RETURNED 9f3a61c2",
    length=26,
    received=70,
    head="1a0000001220" + "00" * 26,
    at="2026-03-01T12:00:00.000+00:00",
)


def exercise(name: str, topic: str, points: float = 2.0) -> Exercise:
    title = name.replace("_", " ").capitalize()
    return Exercise(
        name, topic, title, f"{name}(z)", points, Difficulty.MEDIUM, 15, ("softmax",), HINTS
    )


def _topic(slug: str, title: str, *names: str) -> Topic:
    return Topic(slug, title, f"On {slug}.", tuple(exercise(name, slug) for name in names))


SOFTMAX = _topic(
    "softmax",
    "Softmax and cross-entropy",
    "softmax",
    "softmax_jacobian",
    "softmax_vjp",
    "log_softmax",
    "cross_entropy",
    "cross_entropy_gradient",
)
ATTENTION = _topic(
    "attention",
    "Scaled dot-product attention",
    "attention_scores",
    "attention",
    "attention_backward",
    "multi_head_attention",
)
CONVOLUTION = _topic(
    "convolution",
    "Convolution and its adjoint",
    "conv2d",
    "conv2d_input_grad",
    "conv2d_weight_grad",
)
TOPICS = (SOFTMAX, ATTENTION, CONVOLUTION)


def outcome(of: Exercise, check: str, status: Status = Status.PASSED, **more: object) -> Outcome:
    return Outcome(
        f"test_{of.name}_{check}",
        check,
        of.name,
        status,
        seconds=0.004,
        **more,  # type: ignore[arg-type]
    )


def passed(of: Exercise) -> Score:
    return Score(of, Status.PASSED, of.points, tuple(outcome(of, check) for check in CHECKS))


def missing(of: Exercise, reason: str = "still a stub") -> Score:
    return Score(of, Status.MISSING, 0.0, (), reason)


def judged(of: Exercise, status: Status, reason: str, **failing: Outcome | Failure | None) -> Score:
    """A score with `status`, in which the named checks have that status and the rest passed."""
    outcomes = []
    for check in CHECKS:
        if check in failing:
            said = failing[check]
            if isinstance(said, Outcome):
                outcomes.append(said)
            else:
                outcomes.append(outcome(of, check, status, failure=said))
        else:
            outcomes.append(outcome(of, check))
    return Score(of, status, 0.0, tuple(outcomes), reason)


def mismatch(name: str = "grad_z", **changes: object) -> Mismatch:
    values: dict[str, object] = {
        "axes": ("row", "class"),
        "shape": (3, 4),
        "index": (1, 2),
        "actual": -0.0312,
        "expected": 0.1275,
        "error": 0.1587,
        "tolerance": 1.3e-10,
        "n_wrong": 10,
        "n_total": 12,
        "pattern": "everything but the diagonal",
    }
    return Mismatch(name, **(values | changes))  # type: ignore[arg-type]


def report(*scores: Score, **changes: object) -> Report:
    values: dict[str, object] = {
        "submission": "alice",
        "course": "The calculus of interviews",
        "version": "0.1.0",
        "seed": 20240607,
        "isolation": "process, no network",
        "timeout": 10.0,
        "topics": TOPICS,
        "scores": scores,
        "seconds": 2.34,
        "environment": {"python": "3.11.9", "numpy": "2.1.0"},
    }
    return Report(**(values | changes))  # type: ignore[arg-type]


def perfect() -> Report:
    """Everything is right."""
    return report(*(passed(each) for topic in TOPICS for each in topic.exercises))


def all_missing() -> Report:
    """A workspace in which nobody wrote a line."""
    return report(
        *(missing(each) for topic in TOPICS for each in topic.exercises),
        submission="fresh",
        seconds=0.21,
    )


def diagnosed() -> Report:
    """One wrong function whose three checks fail for one reason, and one that is unexplained."""
    softmax, jacobian, vjp, log_softmax, *others = SOFTMAX.exercises
    because = Failure("grad_z[row 1, class 2] is -0.0312, expected 0.1275", mismatch(), DIAGONAL)
    wrong = judged(
        vjp,
        Status.FAILED,
        "",
        values=because,
        extremes=Failure(
            "grad_z is wrong",
            mismatch(
                index=(0, 3),
                actual=math.nan,
                expected=0.0,
                error=math.nan,
                n_wrong=12,
                pattern="every entry",
            ),
            DIAGONAL,
        ),
        axis=Failure(
            "grad_z is wrong", mismatch(axes=("class", "row"), shape=(4, 3), index=(2, 1)), DIAGONAL
        ),
    )
    unexplained = judged(
        log_softmax,
        Status.FAILED,
        "",
        values=Failure(
            "result is wrong",
            mismatch("result", actual=1.0000001, expected=1.0, error=1e-7, n_wrong=1, pattern=""),
        ),
    )
    return report(
        passed(softmax), passed(jacobian), wrong, unexplained, *(passed(each) for each in others)
    )


def every_status() -> Report:
    """Each status once and more, with warnings and printed text."""
    softmax, jacobian, vjp, log_softmax, cross, cross_gradient = SOFTMAX.exercises
    scores_, attention, backward, heads = ATTENTION.exercises
    warned = tuple(
        outcome(
            softmax,
            check,
            warnings=("RuntimeWarning: overflow encountered in exp",) * (check == "extremes"),
            printed="shape of z: (3, 4)\n" if check == "values" else "",
        )
        for check in CHECKS
    )
    raised = Failure(
        "softmax_jacobian raised ValueError: operands could not be broadcast together with shapes "
        "(3,4) (4,3) in line 41",
        notes=("the call was softmax_jacobian(z) with z of shape (3, 4)",),
    )
    return report(
        Score(softmax, Status.PASSED, 2.0, warned),
        judged(
            jacobian,
            Status.FAILED,
            "",
            values=raised,
            shape=raised,
            dtype=raised,
            axis=raised,
            float32=raised,
        ),
        judged(
            vjp,
            Status.FAILED,
            "",
            values=outcome(
                vjp,
                "values",
                Status.FAILED,
                failure=Failure(
                    "grad_z[row 1, class 2] is -0.0312, expected 0.1275", mismatch(), DIAGONAL
                ),
                printed="".join(f"step {i}: g = [0.1 0.2 0.3]\n" for i in range(12)),
                warnings=("RuntimeWarning: divide by zero encountered in log",) * 3,
            ),
            extremes=Failure("grad_z is wrong", mismatch(actual=math.inf, error=math.inf), SIGN),
            axis=Failure("grad_z is wrong", mismatch(index=(0, 0)), DIAGONAL),
            dtype=Failure("grad_z has dtype float32, expected float64"),
            shape=Failure("grad_z has shape (3,), expected (3, 4)"),
            pure=Failure("the argument `z` was changed by the call", mismatch("z", pattern="")),
        ),
        judged(
            log_softmax,
            Status.TIMEOUT,
            "no answer within 10 s",
            extremes=Failure("no answer within 10 s"),
        ),
        judged(
            cross,
            Status.UNRESOLVED,
            "the finite differences are too noisy to decide",
            values=Failure("the finite differences are too noisy to decide"),
        ),
        missing(cross_gradient),
        judged(
            scores_,
            Status.ERROR,
            "the process ended in this call (exit code 1)",
            values=Failure("the process ended in this call (exit code 1)"),
        ),
        Score(
            attention,
            Status.TAMPERED,
            0.0,
            (
                outcome(attention, "values"),
                outcome(
                    attention, "shape", Status.TAMPERED, failure=Failure(FORGED), evidence=EVIDENCE
                ),
            ),
            FORGED,
        ),
        judged(
            backward,
            Status.GRADER_ERROR,
            "the suite raised KeyError: 'mask'",
            values=Failure("the suite raised KeyError: 'mask'"),
        ),
        missing(heads, "attention.py defines no function `multi_head_attention`"),
        *(missing(each) for each in CONVOLUTION.exercises),
        submission="bob/softmax.ipynb",
        notes=("this machine cannot keep a submission off the network",),
    )


def unreadable() -> Report:
    """A syntax error behind a tab and wide characters takes a whole topic with it."""
    problem = Problem(
        "softmax",
        "softmax.py",
        "invalid syntax",
        line=12,
        column=16,
        text="\tz, 幅 = 'あ', 3 +* 2  # 全角\n",
    )
    reason = "softmax.py could not be loaded: invalid syntax"
    return report(
        *(
            Score(each, Status.ERROR, 0.0, (outcome(each, "values", Status.ERROR),), reason)
            for each in SOFTMAX.exercises
        ),
        *(passed(each) for each in ATTENTION.exercises),
        submission="carol.zip",
        problems=(problem,),
    )


ESCAPE = "\x1b[31mred\x1b[0m\x1b]0;title\x07"
MARKUP = "[red]markup[/red] [link=file:///etc/passwd]x[/link] [/] :smile:"
CONTROL = "nul\x00 bell\x07 back\x08 cr\rover lone\ud800 bidi\u202e rtl\u2066 c1\x9b31m del\x7f"
WIDE = "幅の広い文字列" * 12
LONG = "x" * 5000


def hostile() -> Report:
    """Every string that a learner has a hand in is made to break the screen or the file."""
    evil = " ".join((ESCAPE, MARKUP, CONTROL, "]]> <b>&amp;</b>", WIDE, LONG))
    of = SOFTMAX.exercises[0]
    failure = Failure(
        evil,
        mismatch(
            ESCAPE + MARKUP,
            axes=(ESCAPE, MARKUP),
            pattern=evil,
            actual=complex(1, math.nan),
            expected=complex(0, -math.inf),
            error=math.inf,
        ),
        Cause("mistake", evil, evil),
        notes=(evil, MARKUP),
    )
    return report(
        judged(
            of,
            Status.FAILED,
            evil,
            values=outcome(
                of,
                "values",
                Status.FAILED,
                failure=failure,
                printed=f"{evil}\n{MARKUP}\n{WIDE}\n",
                warnings=(evil, MARKUP),
            ),
            shape=Failure("line one\nline two\n\ttabbed\r\nline\x0bfour\nfive\nsix\nseven"),
        ),
        Score(SOFTMAX.exercises[1], Status.TAMPERED, 0.0, (), evil),
        Score(SOFTMAX.exercises[2], Status.ERROR, 0.0, (), evil),
        submission=f"../{ESCAPE}{MARKUP}{CONTROL}{WIDE}",
        problems=(Problem("attention", evil, evil, 3, 4000, evil + "\n"),),
        notes=(evil,),
        environment={ESCAPE: MARKUP},
    )


def numbers() -> Report:
    """Entries of every kind of number, each in a check of its own."""
    of = SOFTMAX.exercises[0]
    pairs: dict[str, tuple[object, object]] = {
        "values": (math.nan, 1.0),
        "shape": (math.inf, -math.inf),
        "dtype": (1 + 2j, 1 - 2j),
        "extremes": (True, False),
        "float32": (3, 4),
        "axis": (1.00000000000001, 1.0),
        "pure": (10**6000, -(10**30)),
    }
    failing: dict[str, Outcome | Failure | None] = {
        check: Failure(
            f"{check} is wrong",
            mismatch(
                "result",
                axes=(),
                shape=(),
                index=(),
                actual=actual,
                expected=expected,
                error=1e-14 if check == "axis" else math.nan,
                n_wrong=1,
                n_total=1,
                pattern="",
            ),
        )
        for check, (actual, expected) in pairs.items()
    }
    return report(judged(of, Status.FAILED, "", **failing), submission="dan")


def capstones() -> Report:
    """A capstone that passes, one that fails and one that waits."""

    def capstone(topic: Topic, status: Status, failure: Failure | None = None, reason: str = ""):
        names = tuple(exercise.name for exercise in topic.exercises[:1])
        test = f"{topic.slug}::test_capstone_learns"
        ran = (Outcome(test, "learns", "capstone", status, failure, 0.4),)
        title = f"A long way to say that the functions of {topic.slug} work together"
        return CapstoneScore(
            Capstone(topic.slug, title, "They do.", names),
            status,
            () if status is Status.WAITING else ran,
            reason,
        )

    wrong = Failure(
        "the copy task is learned to 61 % in 200 steps, not to 99 %", None, None, ("a",)
    )
    waits = "it calls `conv2d`, which does not pass"
    scores = [passed(e) for topic in (SOFTMAX, ATTENTION) for e in topic.exercises]
    scores.append(judged(CONVOLUTION.exercises[0], Status.FAILED, "", values=Failure("is wrong")))
    return report(
        *scores,
        submission="finn",
        capstones=(
            capstone(SOFTMAX, Status.PASSED),
            capstone(ATTENTION, Status.FAILED, wrong),
            capstone(CONVOLUTION, Status.WAITING, reason=waits),
        ),
    )


def samples() -> tuple[Report, ...]:
    """One of each."""
    return (
        perfect(),
        all_missing(),
        diagnosed(),
        every_status(),
        unreadable(),
        hostile(),
        numbers(),
        capstones(),
        report(submission="empty", topics=()),
    )
