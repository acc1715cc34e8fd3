"""Every attack gets its verdict, its neighbours theirs, and the next submission all its points."""

from __future__ import annotations

import json
from collections.abc import Callable
from html.parser import HTMLParser
from typing import Any

import pytest

from grader.model import Report, Status

MAX_REPORT = 3_000_000
"""Characters of a report, whatever a submission says."""

SECONDS = 30
"""What grading one attack may take: none goes on for ever, and a loaded machine is slow."""


def test_attacks_get_their_verdicts(
    aimed: Any, held: Any, shown: Callable[[Report], dict[str, str]]
) -> None:
    """No point is earned by wrong code, no secret is told, nobody else pays: at each level, class by class."""
    complaints: dict[str, str] = {}

    def judge(shot: Any) -> None:
        try:
            check(shot, held, shown)
        except AssertionError as error:
            complaints[shot.attack.name] = str(error)

    if not aimed:
        return
    held.fire(aimed, judge)
    assert not complaints


@pytest.mark.slow
def test_an_attack_gets_its_verdict(
    attack: Any, held: Any, shown: Callable[[Report], dict[str, str]]
) -> None:
    """Each attack by itself, in a run of its own."""
    held.fire([attack], lambda shot: check(shot, held, shown))


def check(shot: Any, held: Any, shown: Callable[[Report], dict[str, str]]) -> None:
    """What an attack must get, and leave as it was."""
    attack, ground, level = shot.attack, held.ground, held.level
    report, following = shot.reports

    scores = {score.exercise.name: score for score in report.scores}
    score = scores.pop(attack.attacked)
    assert score.status in attack.verdicts(level), (score.status, score.reason, score.outcomes)
    assert score.earned == (score.exercise.points if score.status is Status.PASSED else 0)
    others = {name: other.status for name, other in scores.items()}
    reasons = [other.reason for other in scores.values()]
    assert set(others.values()) <= attack.neighbours(), (others, reasons)
    assert shot.seconds < SECONDS

    tampered = [s for s in report.scores if s.status is Status.TAMPERED]
    assert report.withheld == bool(tampered)
    assert report.withheld or attack.header.get("withheld") != "yes"
    assert all(s.evidence and s.earned == 0 for s in tampered)
    for evidence in report.evidence:
        assert evidence.seen
        assert evidence.received <= 2 * 10**8
        assert bytes.fromhex(evidence.head)[:1] or not evidence.actual

    texts = shown(report)
    if "says" in attack.header:
        assert attack.header["says"] in texts["json"]
    assert max(map(len, texts.values())) < MAX_REPORT
    for place, text in texts.items():
        assert not held.control.search(text), (place, held.control.search(text))
        assert "CANARY" not in text or attack.may("leaks", level), place
    json.loads(texts["json"])
    assert "script" not in elements(texts["cell"])
    withheld = "withheld: a person decides"
    assert all((withheld in text) == report.withheld for text in texts.values())
    heads = [evidence.head for evidence in report.evidence]
    assert all(head in "".join(texts["terminal"].split()) for head in heads)

    assert not shot.killed or attack.may("kills", level)
    assert not shot.called or attack.may("calls home", level)
    if attack.header.get("keeps") == "always" or level.boundary:
        assert shot.left == ground.kept
    assert not (ground.scratch / "pwned").exists()

    assert following.earned == following.points, [(s.status, s.reason) for s in following.scores]
    assert not following.withheld


def elements(text: str) -> set[str]:
    """The names of the elements of an HTML page."""
    found = set()
    parser = HTMLParser()
    parser.handle_starttag = lambda tag, attributes: found.add(tag)  # type: ignore[method-assign]
    parser.feed(text)
    return found
