"""Every attack gets its verdict, its neighbours theirs, and the next submission all its points."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from html.parser import HTMLParser
from typing import Any

from grader.model import Report, Status

MAX_REPORT = 3_000_000
"""Characters of a report, whatever a submission says."""


def test_an_attack_gets_its_verdict(
    attack: Any, held: Any, shown: Callable[[Report], dict[str, str]]
) -> None:
    """No point is earned by wrong code, no secret is told, nobody else pays."""
    ground, level = held.ground, held.level
    source = attack.source(ground.solution, ground.places)
    started = time.monotonic()
    report = held.grade(source, seed=int(attack.header.get("seed", 0)))
    took = time.monotonic() - started
    after = ground.state()
    alive, rung = ground.victim.poll() is None, called(ground.listener)
    ground.restore()

    scores = {score.exercise.name: score for score in report.scores}
    score = scores.pop(attack.attacked)
    assert score.status in attack.verdicts(level), (score.status, score.reason, score.outcomes)
    assert score.earned == (score.exercise.points if score.status is Status.PASSED else 0)
    others = {name: other.status for name, other in scores.items()}
    assert set(others.values()) <= attack.neighbours(), (
        others,
        [s.reason for s in scores.values()],
    )
    assert took < float(attack.header.get("seconds", 6)), took

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

    assert alive or attack.may("kills", level)
    assert not rung or attack.may("calls home", level)
    if attack.header.get("keeps") == "always" or level.boundary:
        assert after == ground.kept
    assert not (ground.scratch / "pwned").exists()

    following = held.grade(ground.solution)
    assert following.earned == following.points, [(s.status, s.reason) for s in following.scores]
    assert not following.withheld


def called(listener: Any) -> bool:
    """Whether somebody has connected, whose connections are closed."""
    rung = False
    while True:
        try:
            listener.accept()[0].close()
        except BlockingIOError:
            return rung
        rung = True


def elements(text: str) -> set[str]:
    """The names of the elements of an HTML page."""
    found = set()
    parser = HTMLParser()
    parser.handle_starttag = lambda tag, attributes: found.add(tag)  # type: ignore[method-assign]
    parser.feed(text)
    return found
