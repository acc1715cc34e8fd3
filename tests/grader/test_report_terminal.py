"""The terminal report: facts that stand in it, widths that it keeps, and input that it defuses."""

from __future__ import annotations

import io
import re
import subprocess
import sys
from dataclasses import replace
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from rich.cells import cell_len
from rich.console import Console

from grader.model import Failure, Outcome, Problem, Report, Status
from grader.report import terminal

COLOUR = re.compile(r"\x1b\[[0-9;]*m")
CONTROL = re.compile("[\x00-\x09\x0b-\x1f\x7f-\x9f\u2028-\u202e\u2066-\u2069\ud800-\udfff]")

SAMPLES = (
    "perfect",
    "all_missing",
    "diagnosed",
    "every_status",
    "unreadable",
    "hostile",
    "numbers",
    "capstones",
)


def printed(
    *reports: Report,
    width: int = 80,
    encoding: str = "utf-8",
    verbose: bool = False,
    colour: bool = False,
) -> str:
    """What `print_reports` writes for a console of this width and encoding."""
    raw = io.BytesIO()
    file = io.TextIOWrapper(raw, encoding=encoding, newline="")
    console = Console(
        file=file,
        width=width,
        force_terminal=colour,
        color_system="standard" if colour else None,
        legacy_windows=False,
        _environ={},
    )
    terminal.print_reports(console, reports, verbose=verbose)
    file.flush()
    return raw.getvalue().decode(encoding)


def flat(text: str) -> str:
    """The text on one line, with every run of spaces as one."""
    return " ".join(text.split())


@pytest.mark.parametrize("width", [40, 60, 80, 100, 160])
@pytest.mark.parametrize("encoding", ["utf-8", "ascii", "cp1252"])
@pytest.mark.parametrize("verbose", [False, True])
@pytest.mark.parametrize("name", SAMPLES)
def test_lines_fit_the_console(samples, name, verbose, encoding, width):
    """No line is wider than the console or ends in spaces, whatever stands in the report."""
    text = printed(getattr(samples, name)(), width=width, encoding=encoding, verbose=verbose)
    for line in text.splitlines():
        assert cell_len(line) <= min(width, terminal.WIDEST), line
        assert line == line.rstrip()


@pytest.mark.parametrize("width", [60, 80, 100])
def test_summary_fits_the_console(samples, width):
    """The table of several submissions keeps to the width and has a line for each of them."""
    reports = samples.samples()
    text = printed(*reports, width=width)
    assert max(cell_len(line) for line in text.splitlines()) <= width
    table = text[text.index("\nsubmission ") :]
    for report in (samples.perfect(), samples.every_status(), samples.unreadable()):
        assert f"\n{report.submission}" in table
    assert "1 withheld, 1 our error, 1 undecided" in flat(table)
    assert "not readable" in table
    assert f"{len(reports)} submissions" in table


def test_reports_are_parted_by_a_rule(samples):
    """Between two reports stands a line, which one report by itself does not have."""
    for encoding, mark in (("utf-8", "─"), ("ascii", "-")):
        rule = f"\n{mark * 80}\n"
        assert rule not in printed(samples.perfect(), encoding=encoding)
        text = printed(samples.perfect(), samples.diagnosed(), encoding=encoding)
        assert text.count(rule) == 2


def test_one_report_has_no_summary(samples):
    """A single submission is not summed up in a table."""
    assert "\nsubmission " not in printed(samples.perfect())


def test_no_reports_at_all():
    """Nothing to print is said, not shown as an empty table."""
    assert "no submission was found" in printed()


@pytest.mark.parametrize("colour", [False, True])
@pytest.mark.parametrize("verbose", [False, True])
def test_hostile_strings_reach_no_terminal(samples, colour, verbose):
    """Escapes, controls and bidirectional overrides of a submission are shown and never sent."""
    text = printed(samples.hostile(), verbose=verbose, colour=colour)
    plain = COLOUR.sub("", text)
    assert not CONTROL.search(plain)
    assert r"\x1b[31mred\x1b[0m\x1b]0;title\x07" in plain
    for escape in (r"nul\x00", r"lone\ud800", r"bidi\u202e", r"rtl\u2066", r"c1\x9b31m"):
        assert escape in plain


def test_hostile_colours_do_not_get_through(samples):
    """Every colour code in the output is one of ours: without colour there is none."""
    assert "\x1b" not in printed(samples.hostile(), colour=False)


def test_markup_is_never_interpreted(samples):
    """Console markup, links and emoji codes of a submission stand there as they are."""
    text = printed(samples.hostile(), width=100)
    assert "[red]markup[/red]" in text
    assert "[link=file:///etc/passwd]x[/link] [/] :smile:" in text


def test_long_messages_are_capped(samples):
    """Five thousand characters from a submission do not push the report off the screen."""
    assert len(printed(samples.hostile()).splitlines()) < 160


@settings(max_examples=60, deadline=None)
@given(text=st.text(st.characters(codec=None), max_size=200), width=st.integers(40, 110))
def test_any_text_is_defused(samples, text, width):
    """Any string at all, in every place that a submission can reach, keeps to the rules."""
    softmax, jacobian, *_ = samples.SOFTMAX.exercises
    report = samples.report(
        samples.judged(
            softmax,
            Status.FAILED,
            text,
            values=samples.outcome(
                softmax,
                "values",
                Status.FAILED,
                failure=Failure(text, samples.mismatch(text, pattern=text), notes=(text,)),
                printed=text,
                warnings=(text,),
            ),
        ),
        samples.missing(jacobian, text),
        samples.missing(samples.ATTENTION.exercises[0], f"NotImplementedError: {text}"),
        submission=text,
        problems=(Problem("convolution", text, text, 1, len(text) // 2 + 1, text),),
        notes=(text,),
    )
    shown = printed(report, width=width)
    assert not CONTROL.search(shown)
    assert all(cell_len(line) <= width for line in shown.split("\n"))


def test_header_says_what_was_graded(samples):
    """Submission, course, points, percent and seed stand in the first two lines."""
    head = "\n".join(printed(samples.diagnosed()).splitlines()[:2])
    for fact in (
        "alice",
        "The calculus of interviews",
        "8/12 points",
        "67%",
        "seed 20240607",
    ):
        assert fact in head


def test_isolation_is_for_those_who_grade_others(samples):
    """The level of isolation is named with verbose and among several submissions."""
    report, said = samples.diagnosed(), "isolation: process, no network"
    assert "isolation" not in printed(report)
    assert said in printed(report, verbose=True)
    assert printed(report, report).count(said) == 2


@pytest.mark.parametrize(
    ("earned", "percent"), [(0.0, "0%"), (0.001, "1%"), (1.999, "99%"), (2.0, "100%")]
)
def test_nearly_full_never_reads_as_full(samples, earned, percent):
    """Rounding never turns some into none, or nearly all into all."""
    score = replace(samples.passed(samples.SOFTMAX.exercises[0]), earned=earned)
    head = printed(samples.report(score)).splitlines()[0]
    assert head.endswith(f" {percent}")
    assert ("2/2 points" in head) == (earned == 2.0)


def test_rows_have_status_checks_and_points(samples):
    """A function's row has a glyph, the status in words, its name, checks and points."""
    lines = printed(samples.every_status()).splitlines()
    rows = {line.split()[-4]: line for line in lines if re.search(r"\d/\d checks", line)}
    assert rows["softmax"].split() == ["✓", "passed", "softmax", "8/8", "checks", "2/2"]
    assert rows["softmax_vjp"].split() == ["✗", "failed", "softmax_vjp", "2/8", "checks", "0/2"]
    assert rows["log_softmax"].split()[1] == "timeout"
    assert rows["cross_entropy"].split()[1] == "undecided"
    assert rows["attention_scores"].split()[1] == "error"
    assert rows["attention"].split()[1] == "withheld"


def test_numbers_stand_in_one_column(samples):
    """Checks and points are right-aligned: they end in the same column in every row."""
    lines = printed(samples.every_status()).splitlines()
    rows = [line for line in lines if re.search(r"\d/\d checks", line)]
    assert len({len(line) for line in rows}) == 1
    assert len({line.index(" checks") for line in rows}) == 1


def test_every_status_has_a_look_of_its_own():
    """No two statuses share a glyph or a word: colour is never needed to tell them apart."""
    looks = [terminal.LOOKS[status] for status in Status]
    assert len({look.glyph for look in looks}) == len(Status)
    assert len({look.ascii for look in looks}) == len(Status)
    assert len({look.word for look in looks}) == len(Status)
    assert all(look.ascii.isascii() and cell_len(look.glyph) == 1 for look in looks)


@pytest.mark.parametrize("name", SAMPLES)
def test_consoles_without_unicode(samples, name):
    """A console in ASCII gets ASCII, and the mathematics in it stays legible."""
    text = printed(getattr(samples, name)(), encoding="ascii")
    assert text.isascii()
    if name == "diagnosed":
        assert "s(1-s)*g" in flat(text)
        assert "x failed     softmax_vjp" in text


def test_no_color_is_respected(samples, monkeypatch):
    """With NO_COLOR the report has no colour, and still says what passed and what failed."""
    monkeypatch.setenv("NO_COLOR", "1")
    file = io.StringIO()
    console = Console(file=file, width=80, force_terminal=True, color_system="standard")
    terminal.print_report(console, samples.diagnosed())
    codes = {code for found in COLOUR.findall(file.getvalue()) for code in found[2:-1].split(";")}
    assert codes <= {"0", "1", "2"}  # reset, bold, dim
    assert "✗ failed" in COLOUR.sub("", file.getvalue())


def test_mismatch_names_entry_and_pattern(samples):
    """The worst entry is named by its axes, with both values, the error and which are wrong."""
    text = flat(printed(samples.diagnosed()))
    assert "grad_z[row 1, class 2] is -0.0312, expected 0.1275" in text
    assert "(off by 1.6e-01, tolerance 1.3e-10)" in text
    assert "10 of 12 entries are wrong: everything but the diagonal" in text
    assert "softmax_vjp 0/2 points, 3 of 8 checks failed" in text


def test_headline_that_repeats_the_mismatch_is_left_out(samples):
    """The worst entry is told once, and a headline that says something else stays."""
    of = samples.SOFTMAX.exercises[0]
    same = Failure("z[row 1, class 2] is -0.0312, expected 0.1275", samples.mismatch("z"))
    other = Failure("the argument `z` was changed", samples.mismatch("z"))
    text = flat(
        printed(
            samples.report(samples.judged(of, Status.FAILED, "", values=same, pure=other)),
            width=100,
        )
    )
    assert text.count("z[row 1, class 2] is -0.0312, expected 0.1275") == 2
    assert text.count("the argument `z` was changed") == 1


def test_one_cause_is_said_once(samples):
    """Three checks that fail for one reason share one sentence, before the first of them."""
    lines = printed(samples.diagnosed(), width=100).splitlines()
    sentence = "this is what you get when the Jacobian is taken for its diagonal, s(1−s)·g"
    head = next(i for i, line in enumerate(lines) if "3 of 8 checks failed" in line)
    assert lines[head + 1] == f"      why: {sentence}"
    assert flat(" ".join(lines)).count(sentence) == 1


def test_formulas_are_not_broken_inside_brackets(samples):
    """A line does not end inside a factor in brackets."""
    of = samples.SOFTMAX.exercises[0]
    cause = replace(samples.DIAGONAL, sentence="the Jacobian is taken for its diagonal, s(1 − s)·g")
    wrong = Failure("z is wrong", samples.mismatch("z"), cause)
    report = samples.report(samples.judged(of, Status.FAILED, "", values=wrong))
    for width in range(50, 100):
        assert any("s(1 − s)·g" in line for line in printed(report, width=width).splitlines())


def test_repeated_cause_between_others_refers_back(samples):
    """Where causes differ, each check has its own, and one with an equal cause names the first."""
    text = flat(printed(samples.every_status(), verbose=True))
    assert text.count("taken for its diagonal") == 1
    assert "why: the same as in values" in text
    assert "why: the sign is flipped" in text


def test_unexplained_is_said(samples):
    """A mismatch without a cause says so, and a failure without numbers needs no cause."""
    text = printed(samples.diagnosed())
    assert text.count("why: unexplained") == 1
    shape = Failure("grad_z has shape (3,), expected (3, 4)")
    of = samples.SOFTMAX.exercises[0]
    assert "why:" not in printed(
        samples.report(samples.judged(of, Status.FAILED, "", values=shape))
    )


@pytest.mark.parametrize("verbose", [False, True])
def test_unexplained_is_said_once(samples, verbose):
    """Where no check has a cause, one line below the heading says so."""
    of = samples.SOFTMAX.exercises[0]
    checks = ("values", "shape", "dtype", "axis")
    failing = {
        c: Failure("z is wrong", samples.mismatch("z", error=i)) for i, c in enumerate(checks)
    }
    report = samples.report(samples.judged(of, Status.FAILED, "", **failing))
    lines = printed(report, verbose=verbose).splitlines()
    head = next(i for i, line in enumerate(lines) if "4 of 8 checks failed" in line)
    assert [i for i, line in enumerate(lines) if "unexplained" in line] == [head + 1]


def test_an_explained_check_is_among_those_shown(samples):
    """A cause that only a later check has is not kept back behind checks without one."""
    of = samples.SOFTMAX.exercises[0]
    failing = {
        check: Failure("z is wrong", samples.mismatch("z", error=i), cause)
        for i, (check, cause) in enumerate(
            [("values", None), ("shape", None), ("dtype", None), ("axis", samples.SIGN)]
        )
    }
    text = flat(printed(samples.report(samples.judged(of, Status.FAILED, "", **failing))))
    assert "why: the sign is flipped" in text
    assert "and 1 more failing check (-v shows them)" in text


def test_another_reason_among_the_hidden_checks_is_said(samples):
    """One cause at the top does not hide that further checks fail for another."""
    of = samples.SOFTMAX.exercises[0]
    checks = ("values", "shape", "dtype", "extremes", "axis")
    failing = {
        check: Failure(
            "z is wrong",
            samples.mismatch("z", error=i),
            samples.SIGN if check == "axis" else samples.DIAGONAL,
        )
        for i, check in enumerate(checks)
    }
    text = flat(printed(samples.report(samples.judged(of, Status.FAILED, "", **failing))))
    assert "and 2 more failing checks, 1 for another reason (-v shows them)" in text


def test_reason_of_a_failed_function_comes_first(samples):
    """What a function fails for stands below its heading, and then it is not unexplained."""
    of = samples.ATTENTION.exercises[2]
    reason = "it calls `attention`, which does not pass: mend that first"
    wrong = Failure("z is wrong", samples.mismatch("z"))
    lines = printed(samples.report(samples.judged(of, Status.FAILED, reason, values=wrong)))
    head, first, *rest = lines[lines.index("  ✗ attention_backward") :].splitlines()
    assert "1 of 8 checks failed" in head
    assert first == f"      {reason}"
    assert "unexplained" not in "".join(rest)


def test_three_failing_checks_unless_verbose(samples):
    """Further failing checks are counted; with verbose they are told."""
    report = samples.every_status()
    short, full = printed(report), printed(report, verbose=True)
    assert "and 3 more failing checks" in short
    assert "extremes, axis, pure" not in flat(short)
    assert "grad_z has dtype float32" in short
    assert "the argument `z` was changed" not in short
    assert "the argument `z` was changed" in full
    assert "more failing check" not in full


def test_equal_failures_are_told_once(samples):
    """An exception that every check meets is told at the first; the others are counted."""
    report = samples.every_status()
    text, full = flat(printed(report)), flat(printed(report, verbose=True))
    assert text.count("raised ValueError") == full.count("raised ValueError") == 1
    assert "the same in 4 more checks" in text
    assert "the same in shape, dtype, float32, axis" in full


def test_verbose_is_pointed_to_once(samples):
    """However many checks are only counted, the option that shows them is named once."""
    report = samples.every_status()
    text = flat(printed(report))
    assert text.count("more checks") + text.count("more failing checks") == 2
    assert text.count("(-v shows them)") == 1
    assert "(-v shows them)" not in printed(report, verbose=True)


def test_warning_in_the_headline_is_not_repeated(samples):
    """A check that fails for a warning has told it; other warnings are still listed."""
    of = samples.SOFTMAX.exercises[0]
    loud = "RuntimeWarning: overflow encountered in exp"
    score = samples.judged(
        of,
        Status.FAILED,
        "",
        extremes=samples.outcome(
            of,
            "extremes",
            Status.FAILED,
            failure=Failure(f"the call warns: {loud}"),
            warnings=(loud, "RuntimeWarning: invalid value encountered in divide"),
        ),
    )
    text = flat(printed(samples.report(score)))
    assert text.count(loud) == 1
    assert "warned RuntimeWarning: invalid value" in text


def test_printed_text_is_capped(samples):
    """A few lines of what the learner printed are shown, and how many more there are."""
    text = printed(samples.every_status())
    assert "step 2: g" in text
    assert "step 3: g" not in text
    assert "… 9 more lines" in text
    assert "step 11: g" in printed(samples.every_status(), verbose=True)


def test_warnings_are_counted(samples):
    """An equal warning is shown once with its count, for functions that passed too."""
    text = flat(printed(samples.every_status()))
    assert text.count("divide by zero encountered in log (×3)") == 1
    assert "softmax warned: RuntimeWarning: overflow encountered in exp" in text
    assert "softmax printed: shape of z: (3, 4)" in text


def test_stubs_take_one_line(samples):
    """Stubs of a topic are names on one line, and no block is drawn for them."""
    text = printed(samples.every_status())
    assert "○ still stubs: cross_entropy_gradient" in text
    assert text.count("cross_entropy_gradient") == 1
    assert "○ attention.py defines no function: multi_head_attention" in text


def test_missing_functions_say_what_is_lacking(samples):
    """Functions that lack a body, a definition or another function are told apart."""
    of = samples.SOFTMAX.exercises
    reasons = [
        "softmax.py defines no function `softmax`",
        "softmax.py defines no function `softmax_jacobian`",
        "it calls `softmax`, which is still a stub",
        "still a stub",
        "",
        "NotImplementedError: later",
    ]
    scores = [samples.missing(each, why) for each, why in zip(of, reasons, strict=True)]
    lines = printed(samples.report(*scores)).splitlines()
    assert "  ○ softmax.py defines no function: softmax, softmax_jacobian" in lines
    assert "  ○ softmax_vjp: it calls `softmax`, which is still a stub" in lines
    assert "  ○ still stubs: log_softmax, cross_entropy" in lines
    assert "  ○ NotImplementedError: later: cross_entropy_gradient" in lines


@pytest.mark.parametrize("width", [60, 80])
def test_a_file_that_is_not_there_takes_one_line(samples, width):
    """A topic that was not handed in is one line, whatever else was."""
    scores = [
        samples.missing(each, "softmax.py is not there") for each in samples.SOFTMAX.exercises
    ]
    lines = printed(samples.report(*scores), width=width).splitlines()
    assert sum("softmax.py is not there" in line for line in lines) == 1
    assert len(lines) <= 7


def test_long_reason_of_a_missing_function_is_wrapped(samples):
    """What a learner's NotImplementedError says is wrapped, though the topic has one thing to say."""
    of = samples.SOFTMAX.exercises[0]
    text = printed(samples.report(samples.missing(of, "NotImplementedError: " + "later " * 40)))
    assert max(len(line) for line in text.splitlines()) <= 80
    assert flat(text).count("later") == 40


@pytest.mark.parametrize("status", [Status.ERROR, Status.TIMEOUT])
def test_file_that_never_loads_is_one_block(samples, status):
    """A file that dies or hangs while it is loaded is told once, not for each function."""
    why = "softmax.py took more than 10 s to load"
    scores = [
        samples.judged(e, status, why, values=Failure(why)) for e in samples.SOFTMAX.exercises
    ]
    text = printed(samples.report(*scores, problems=(Problem("softmax", "softmax.py", why),)))
    assert text.count(why) == 1
    assert "could not be checked: softmax, softmax_jacobian" in text


def test_untouched_workspace_is_short(samples):
    """Where everything is missing, a topic is one line."""
    lines = printed(samples.all_missing()).splitlines()
    assert len(lines) == 2 + 1 + len(samples.TOPICS) + 2
    assert sum("still stubs: all" in line for line in lines) == len(samples.TOPICS)


def test_many_topics_without_fault_are_brief(samples):
    """In a long report a topic that passed is one line, so that faults stand out."""
    topics = [replace(samples.ATTENTION, slug=f"topic_{i}") for i in range(6)]
    scores = [
        samples.passed(replace(exercise, topic=topic.slug, name=f"{topic.slug}_{exercise.name}"))
        for topic in topics
        for exercise in topic.exercises
    ]
    report = samples.report(*scores, topics=tuple(topics))
    assert printed(report).count("passed: all 4") == 6
    assert "topic_0_attention_scores" in printed(report, verbose=True)


def test_syntax_error_is_one_block(samples):
    """File, line and column with the message, once; functions are names and never blocks."""
    text = printed(samples.unreadable())
    assert text.count("softmax.py, line 12, column 16: invalid syntax") == 1
    assert text.count("cross_entropy_gradient") == 1
    assert "could not be checked: softmax, softmax_jacobian" in text
    assert "stopped by an error" not in text
    assert text.splitlines()[-1] == (
        "next: mend softmax.py line 12, then `grader check softmax/softmax`"
    )


@pytest.mark.parametrize("encoding", ["utf-8", "ascii"])
@pytest.mark.parametrize(
    ("source", "column"),
    [
        ("x = = 1", 5),
        ("\tz, 幅 = 'あ', 3 +* 2  # 全角", 16),
        ("    \tif x =* 1:\ty", 11),
        ("\ta\t\tb *", 6),
        ("a" * 500 + "*" + "b" * 500, 501),
        ("幅" * 300 + "*", 301),
        ("s = 'é\x1b[0m' *", 13),
        ("é" * 30 + "\t*", 32),
    ],
)
@pytest.mark.parametrize("width", [40, 60, 80])
def test_caret_stands_under_the_column(samples, source, column, width, encoding):
    """The caret is under the character that is wrong, past tabs, wide and escaped characters."""
    problem = Problem("softmax", "softmax.py", "invalid syntax", 1, column, source + "\n")
    lines = printed(samples.report(problems=(problem,)), width=width, encoding=encoding).split("\n")
    caret = next(line for line in lines if line.strip() == "^")
    above = lines[lines.index(caret) - 1]
    cells = cell_len(caret) - 1
    at = next(i for i in range(len(above)) if cell_len(above[:i]) == cells)
    assert above[at] == source[column - 1]


def test_tabs_reach_the_next_stop(samples):
    """A tab inside the line goes to the next stop, as in an editor."""
    problem = Problem("softmax", "softmax.py", "invalid syntax", 1, 6, "ab\tc\t*")
    assert "\n      ab  c   *\n" in printed(samples.report(problems=(problem,)))


@pytest.mark.parametrize("column", [None, 0, 1, 8, 9, 10_000])
def test_caret_survives_any_column(samples, column):
    """A column that is unknown or outside the line is no reason to fail."""
    problem = Problem("softmax", "softmax.py", "unterminated string", 3, column, "x = 'abc")
    text = printed(samples.report(problems=(problem,)))
    assert "x = 'abc" in text
    assert ("^" in text) == (column is not None)


def test_unreadable_file_without_a_place(samples):
    """A file that fails as a whole has neither line nor caret."""
    problem = Problem("softmax", "softmax.ipynb", "the notebook is not JSON")
    text = printed(samples.report(problems=(problem,)))
    assert "softmax.ipynb: the notebook is not JSON" in text
    assert "^" not in text


def test_faults_of_ours_are_not_the_learners(samples):
    """Undecided and grader errors say that they are not the learner's fault, and what to do."""
    text = flat(printed(samples.every_status()))
    assert "cross_entropy undecided, not your fault" in text
    assert "`grader check cross_entropy` tries again" in text
    assert "attention_backward the grader failed, not your fault" in text
    assert "show this report, with its seed 20240607" in text


def test_withheld_score_is_no_verdict(samples):
    """Evidence of tampering is told without a verdict, for a person to decide."""
    text = flat(printed(samples.every_status()))
    assert "attention score withheld; a person will look at it" in text
    assert "the worker sent a second answer to one call" in text
    assert "this is no verdict" in text
    assert "seen: there is more than the answer, in attention, call 7 of its process" in text
    assert "due: an answer 9f3a61c2; came: RETURNED 9f3a61c2, 26 bytes by its header" in text
    assert "bytes: 1a0000001220" in text


def test_a_withheld_grade_is_no_number(samples):
    """Neither the head, nor a topic's line, nor the table of several gives a total that could be taken for a grade."""
    report = samples.every_status()
    assert report.withheld
    text = printed(report)
    assert text.splitlines()[0].endswith("withheld: a person decides")
    assert "12 points withheld" in text
    assert "%" not in text.splitlines()[0]


def test_undecided_check_of_a_failed_function(samples):
    """In a function that failed, a check that could not decide is not counted as failed."""
    of = samples.SOFTMAX.exercises[0]
    score = samples.judged(
        of,
        Status.FAILED,
        "",
        values=Failure("softmax has shape (3,), expected (3, 4)"),
        extremes=samples.outcome(of, "extremes", Status.UNRESOLVED, failure=Failure("too noisy")),
    )
    text = flat(printed(samples.report(score)))
    assert "1 of 8 checks failed" in text
    assert "1 check could not decide, not your fault: extremes" in text


def test_equal_errors_share_a_block(samples):
    """A fault of ours that meets every function is told once for all, with all names."""
    scores = [
        samples.judged(of, Status.GRADER_ERROR, "", values=Failure("the suite broke"))
        for of in samples.SOFTMAX.exercises
    ]
    text = flat(printed(samples.report(*scores)))
    assert text.count("the suite broke") == 1
    assert "softmax, softmax_jacobian, softmax_vjp, log_softmax" in text


def test_advice_is_given_once(samples):
    """What to do about a timeout is said at the first one only."""
    scores = [
        samples.judged(of, Status.TIMEOUT, "", values=Failure(f"{of.name} took too long"))
        for of in samples.SOFTMAX.exercises
    ]
    text = flat(printed(samples.report(*scores)))
    assert text.count("took too long") == len(scores)
    assert text.count("look for a loop that never ends") == 1
    assert "one call may take 10 s" in text


def test_last_line_says_what_is_next(samples):
    """The last line names the first function to work on, by commands that exist."""
    last = {name: printed(getattr(samples, name)()).splitlines()[-1] for name in SAMPLES}
    assert last["diagnosed"] == "next: `grader show softmax_vjp`, then `grader check softmax_vjp`"
    assert last["all_missing"] == (
        "next: `grader show softmax/softmax`, then `grader check softmax/softmax`"
    )
    assert last["perfect"] == "every function checked passes"
    commands = re.findall(r"`grader (\w+)", "\n".join(printed(r) for r in samples.samples()))
    assert set(commands) <= {"check", "show"}


def test_exercise_called_like_its_topic_is_named_with_it(samples):
    """The commands mean the exercise: its topic's name alone would check the whole topic."""
    attention = samples.ATTENTION.exercises[1]
    wrong = samples.judged(attention, Status.FAILED, "", values=None)
    last = printed(samples.report(wrong)).splitlines()[-1]
    assert (
        last == "next: `grader show attention/attention`, then `grader check attention/attention`"
    )
    undecided = samples.judged(attention, Status.UNRESOLVED, "", values=Failure("too noisy"))
    assert "`grader check attention/attention` tries" in flat(printed(samples.report(undecided)))


def test_capstones_end_their_topics(samples):
    """A capstone is the last row of its table; one that failed says why, one that waits takes its row alone."""
    text = printed(samples.capstones(), width=100)
    assert "✓ passed     capstone: A long way" in text
    assert "✗ failed     capstone: A long way" in text
    assert "… waiting    capstone: A long way" in text
    assert "capstone   1 of 1 checks failed" in text
    assert "learned to 61 % in 200 steps" in text
    assert "passes alone, but not all together" not in text  # a function comes first
    report = samples.capstones()
    alone = [score for score in report.scores if score.exercise.topic != "convolution"]
    last = samples.report(*alone, capstones=report.capstones[:2])
    assert "each function of attention passes alone" in flat(printed(last))


def test_last_line_where_nothing_is_in_the_learners_hands(samples):
    """Where all that is left is ours, the learner is not sent back to work."""
    of = samples.SOFTMAX.exercises
    report = samples.report(
        samples.passed(of[0]), samples.judged(of[1], Status.GRADER_ERROR, "the suite broke")
    )
    assert "not in your hands" in printed(report).splitlines()[-1]


def test_digits_tell_the_values_apart(samples):
    """Two numbers that differ late are shown with as many digits as it takes."""
    text = flat(printed(samples.numbers(), verbose=True))
    for line in (
        "result is nan, expected 1",
        "result is inf, expected -inf",
        "result is 1+2j, expected 1-2j",
        "result is True, expected False",
        "result is 3, expected 4",
        "result is 1.00000000000001, expected 1 ",
        "result is 2^19931 or more, expected -2^99 or more",
    ):
        assert line in text


def test_notes_and_environment(samples):
    """Notes of the run are always there; versions and times only where asked for."""
    report = samples.every_status()
    assert "note: this machine cannot keep a submission off the network" in printed(report)
    assert "numpy 2.1.0" not in printed(report)
    assert "numpy 2.1.0" in printed(report, verbose=True)


def test_scores_of_unknown_topics_are_shown(samples):
    """A score whose topic the report does not list is drawn all the same."""
    report = samples.report(samples.passed(samples.SOFTMAX.exercises[0]), topics=())
    assert "✓ passed     softmax" in printed(report)


def test_blank_lines_never_double(samples):
    """Blank lines part blocks, one at a time."""
    for report in samples.samples():
        lines = printed(report).split("\n")[:-1]
        assert not any(not a and not b for a, b in pairwise(lines))


def test_outcome_without_a_reason(samples):
    """A failed test that gives no reason is still told."""
    of = samples.SOFTMAX.exercises[0]
    score = samples.judged(of, Status.FAILED, "", values=None)
    assert isinstance(score.outcomes[0], Outcome)
    assert "gives no reason" in printed(samples.report(score))


@pytest.mark.parametrize("module", ["json", "junit", "progress", "grouping"])
def test_only_the_terminal_needs_rich(module):
    """The other renderers are imported without `rich` and without each other."""
    code = (
        f"import sys, grader.report.{module}\n"
        "loaded = {m for m in sys.modules if m.split('.')[0] in ('rich', 'numpy', 'pytest')}\n"
        "loaded |= {m for m in sys.modules if m.startswith('grader.')}\n"
        f"print(*(loaded - {{'grader.report', 'grader.report.{module}'}}))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    pure = {
        "grader.model",
        "grader.disclosure",
        "grader.scoring",
        "grader.report.grouping",
        "grader.report.tampering",
    }
    if module == "json":  # which reads reports too
        pure.add("grader.errors")
    assert set(done.stdout.split()) <= pure


def test_heavy_parts_of_rich_stay_out():
    """The terminal report itself needs no parser of markup, no syntax colours and no progress."""
    code = (
        "import sys, grader.report.terminal\n"
        "print(*(m for m in sys.modules if m.startswith(('rich.', 'pygments'))))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert not {"rich.progress", "rich.live", "rich.syntax", "pygments"} & set(done.stdout.split())
