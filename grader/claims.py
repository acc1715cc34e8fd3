"""What an answer claims, and what stands behind it: a check that runs, a source that was looked up, or an opinion.

Every number in an answer must stand in the text of a link: to a check of the same file (``[22.6](#sqrt)``), in which
it then occurs, or to an entry of the list of sources (``[0.01](../sources.md#key)``). A paragraph that begins with
*Opinion:* claims nothing. Free are 0 to 3, which belong to formulas, and what is code.
"""

from __future__ import annotations

import doctest
import io
import re
from collections.abc import Iterator, Sequence
from contextlib import redirect_stdout
from dataclasses import dataclass
from typing import Any

from grader.files import read_text
from grader.questions import ANSWERS, SOURCES_FILE, Question

OPINION = "*Opinion:*"
FREE = 3
"""The greatest whole number that needs nothing behind it."""

_IS_OPINION = re.compile(r"\s*(?:[-*] +)?" + re.escape(OPINION))
_LINK = re.compile(r"\[((?:[^\[\]]|\[[^\[\]]*\])+)\]\(([^()\s]+)\)")
_FORMULA = re.compile(
    r"\$\$(?:\\.|[^$\\`])+\$\$|\$(?!\s)(?:\\.|[^$\\`])+(?<!\s)\$(?!\d)", re.DOTALL
)
_MASK = str.maketrans("[]()", "\ue001\ue002\ue003\ue004")
_UNMASK = str.maketrans("\ue001\ue002\ue003\ue004", "[]()")
_CODE = re.compile(r"```.*?```|`[^`]*`", re.DOTALL)
_POWER = re.compile(r"(?:(\d[\d.,]*)\s*(?:\\times|\\cdot|×|·)\s*)?10\^(?:\{([-−]?\d+)\}|(\d))")
_SUPERS = str.maketrans("⁰¹²³⁴⁵⁶⁷⁸⁹⁻", "0123456789-")
_RAISED = re.compile(r"10([⁻⁰¹²³⁴⁵⁶⁷⁸⁹]+)")
_NUMBER = re.compile(r"(?<![A-Za-z_0-9.])(\d[\d,_]*(?:\.\d+)?(?:e[-+−]?\d+)?)( ?\\?%)?")
_IN_CODE = re.compile(r"(?<![A-Za-z_])(\d[\d_]*(?:\.\d*)?(?:e[-+]?\d+)?)")


@dataclass(frozen=True, slots=True)
class Claim:
    """A number, or a link without one, in an answer.

    Attributes
    ----------
    text : as it is written.
    behind : ``"check"``, ``"source"``, ``"opinion"``, or None where nothing is.
    target : of the link.
    line : of the file, counted from 1.
    problem : what is wrong with it, or "".
    """

    text: str
    behind: str | None
    target: str
    line: int
    problem: str = ""


def claims(question: Question) -> list[Claim]:
    """The claims of a question's answers, in order."""
    keys = set(question.sources)
    checks = {check.name: _numbers_in_code(check.text) for check in question.checks}
    found: list[Claim] = []
    for line, paragraph in _paragraphs(question):
        text = _masked(_CODE.sub(" ", paragraph))
        for link in _LINK.finditer(text):
            found += _linked(link[1].translate(_UNMASK), link[2], line, checks, keys)
        if _IS_OPINION.match(paragraph):
            found.append(Claim(OPINION, "opinion", "", line))
            continue
        problem = "nothing stands behind it: link it to a check or a source"
        found += [
            Claim(number, None, "", line, problem) for number, _ in _numbers(_LINK.sub(" ", text))
        ]
    named = {claim.target for claim in found}
    found += [
        Claim(check.name, None, f"#{check.name}", check.line, "no answer links to this check")
        for check in question.checks
        if f"#{check.name}" not in named
    ]
    found += [
        Claim(key, None, key, 1, "no answer links to this source")
        for key in question.sources
        if f"../{SOURCES_FILE}#{key}" not in named
    ]
    return found


@dataclass(frozen=True, slots=True)
class Broken:
    """An example of a check that does not give what it says.

    Attributes
    ----------
    line : of the file, counted from 1.
    problem : what it gave, or raised, in one line.
    """

    check: str
    line: int
    problem: str


def run_checks(question: Question) -> tuple[int, list[Broken]]:
    """Run the checks of a question, one after another in one namespace: how many examples, and those that failed."""
    parser, runner = doctest.DocTestParser(), _Runner(verbose=False)
    lines = read_text(question.file).splitlines()
    names: dict[str, object] = {"__name__": question.id}
    n = 0
    for check in question.checks:
        first = check.line
        while (
            first < len(lines) and not lines[first].strip()
        ):  # the text begins where it is not blank
            first += 1
        text = check.text.replace("```python", "").replace("```", "")
        try:
            test = parser.get_doctest(text, names, check.name, str(question.file), first)
        except ValueError as error:  # a line of code without the blank behind >>>, say
            runner.broken.append(Broken(check.name, check.line, str(error)))
            continue
        with redirect_stdout(io.StringIO()):
            runner.run(test, clear_globs=False)
        names = test.globs
        n += len(test.examples)
    return n, runner.broken


class _Runner(doctest.DocTestRunner):
    """Collects what fails."""

    def __init__(self, verbose: bool) -> None:
        super().__init__(verbose=verbose)
        self.broken: list[Broken] = []

    def _note(self, test: doctest.DocTest, example: doctest.Example, problem: str) -> None:
        line = (test.lineno or 0) + example.lineno + 1
        self.broken.append(Broken(test.name, line, f"{_line(example.source)} {problem}"))

    def report_failure(
        self, out: Any, test: doctest.DocTest, example: doctest.Example, got: str
    ) -> None:
        self._note(test, example, f"gives {_line(got) or 'nothing'}, not {_line(example.want)}")

    def report_unexpected_exception(
        self, out: Any, test: doctest.DocTest, example: doctest.Example, exc_info: Any
    ) -> None:
        kind, error, _ = exc_info
        self._note(test, example, f"raises {kind.__name__}: {_line(str(error))}")


def _line(text: str) -> str:
    return " ".join(text.split())


def links(text: str) -> Iterator[tuple[str, str, int]]:
    """Text, target and line (from 1) of each link in Markdown; none in code, and brackets in formulas are no link."""
    blank = _CODE.sub(lambda m: re.sub(r"[^\n]", " ", m[0]), text)
    masked = _masked(blank)
    for link in _LINK.finditer(masked):
        yield link[1].translate(_UNMASK), link[2], masked.count("\n", 0, link.start()) + 1


def _masked(text: str) -> str:
    """Formulas with signs in place of their brackets, which make no links."""
    return _FORMULA.sub(lambda m: m[0].translate(_MASK), text)


def _linked(
    text: str, target: str, line: int, checks: dict[str, set[float]], keys: set[str]
) -> Iterator[Claim]:
    """The claims in one link."""
    source = f"../{SOURCES_FILE}#"
    if target.startswith(source):
        key = target.removeprefix(source)
        problem = "" if key in keys else f"name the source {key} in the front matter"
        yield Claim(text, "source", target, line, problem)
    elif target.startswith("#"):
        name = target[1:]
        if name not in checks:
            yield Claim(text, None, target, line, f"there is no check {name}")
            return
        numbers = list(_numbers(text, least=0))
        if not numbers:
            yield Claim(text, "check", target, line)
        for number, values in numbers:
            there = any(_is_among(value, checks[name]) for value in values)
            problem = "" if there else f"it does not occur in the check {name}"
            yield Claim(number, "check", target, line, problem)
    else:  # to another page: what it says of numbers is its own
        for number, _ in _numbers(text):
            yield Claim(number, None, target, line, "link a number to a check or a source")


def _paragraphs(question: Question) -> Iterator[tuple[int, str]]:
    """The paragraphs and points of the answers, with their lines; blocks of code are left out."""
    lines = read_text(question.file).splitlines()
    starts = [(line, name) for name, line in question.lines.items()]
    for at, (line, name) in enumerate(starts):
        if name not in ANSWERS:
            continue
        end = starts[at + 1][0] - 1 if at + 1 < len(starts) else len(lines)
        yield from _split(lines[line:end], line + 1)


def _split(lines: Sequence[str], first: int) -> Iterator[tuple[int, str]]:
    begun, text, fenced = first, "", False
    for number, line in enumerate(lines, start=first):
        if line.lstrip().startswith("```"):
            fenced = not fenced
            continue
        if fenced:
            continue
        starts = line.lstrip().startswith(("- ", "* ", "#", "|")) or re.match(r"\s*\d+\. ", line)
        if (not line.strip() or starts) and text.strip():
            yield begun, text
            text = ""
        if line.strip() and not line.startswith("#"):
            begun = begun if text else number
            text += re.sub(r"^\s*\d+\. ", "", line) + "\n"
    if text.strip():
        yield begun, text


def _numbers(text: str, least: float = FREE) -> Iterator[tuple[str, tuple[float, ...]]]:
    """The numbers of a text beyond those that are free, with the values that each can stand for."""
    text = text.replace("−", "-").replace("{,}", "").replace("\\,", "")
    text = _RAISED.sub(lambda m: f"10^{{{m[1].translate(_SUPERS)}}}", text)
    rest = ""
    at = 0
    for match in _POWER.finditer(text):
        factor = float(match[1].replace(",", "")) if match[1] else 1.0
        exponent = int((match[2] or match[3]).replace("−", "-"))
        yield match[0], (factor * 10.0**exponent,)
        rest += text[at : match.start()] + " "
        at = match.end()
    rest += text[at:]
    for match in _NUMBER.finditer(rest):
        digits = match[1].replace(",", "").replace("_", "").rstrip(".")
        value = float(digits)
        if match[2]:
            yield match[0], (value / 100, value)
        elif not (value == int(value) and value <= least and "." not in digits and least):
            yield match[0], (value,)


def _numbers_in_code(text: str) -> set[float]:
    return {float(m[1].replace("_", "")) for m in _IN_CODE.finditer(text)}


def _is_among(value: float, known: set[float]) -> bool:
    return any(abs(value - each) <= 1e-12 * abs(value) for each in known)
