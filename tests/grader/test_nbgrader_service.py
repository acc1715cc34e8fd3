"""The process that grades notebooks: notebooks in turn get the answers that each gets by itself."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from typing import Any

import pytest

from grader.content import Content
from grader.errors import GradsmithError
from grader.grading import Grader
from grader.nbgrader_course.service import GradingService

RIGHT = """import numpy as np

def scaled_square_grad(x, c):
    return 2 * c * x

def row_means(x):
    if x.shape[1] == 0:
        raise ValueError("no columns")
    return np.mean(x, axis=1)
"""
WRONG = RIGHT.replace("2 * c", "c")
BROKEN = "def scaled_square_grad(x, c)\n"
CLOCKS = ("seconds", "report")  # a report has times in it


@pytest.fixture
def service(toy: Content) -> Iterator[GradingService]:
    """A service of the toy course."""
    found = GradingService(str(toy.root), 5.0)
    yield found
    found.close()


def request(text: str, topic: str = "toy", **more: Any) -> dict[str, Any]:
    return {"do": "grade", "topic": topic, "text": text, "cells": [("cell 1", 1)], **more}


def without_clocks(answer: Any) -> dict[str, Any]:
    assert isinstance(answer, dict)
    return {key: value for key, value in answer.items() if key not in CLOCKS}


def test_notebooks_in_turn_get_what_each_gets_by_itself(service: GradingService) -> None:
    """Whatever stands between them: other requests, other topics, some functions alone, seeds of their own."""
    asked = [
        request(RIGHT), request(WRONG), {"do": "names"}, request(BROKEN), request(RIGHT, "nowhere"),
        request(WRONG, seed=3), request(WRONG, exercises=["row_means"]), {"do": "nothing"}, request(RIGHT),
    ]  # fmt: skip
    told: list[Any] = []
    service.follow(iter([dict(each) for each in asked]), told.append)
    assert len(told) == len(asked)
    assert ["error" in each for each in told] == [False] * 7 + [True, False]
    for each, answer in zip(asked, told, strict=True):
        if each["do"] == "grade" and "error" not in answer:
            words = {key: value for key, value in each.items() if key != "do"}
            assert without_clocks(answer) == without_clocks(service.grade(**words))
    earned = [sum(cell["earned"] for cell in each["cells"]) for each in (told[0], told[1], told[3])]
    assert earned[0] > earned[1] > earned[2] == 0


def test_next_notebook_is_read_when_the_one_before_is_answered(service: GradingService) -> None:
    """Whoever asks waits for an answer before the next question."""
    told: list[Any] = []

    def questions() -> Iterator[dict[str, Any]]:
        for number in range(3):
            assert len(told) == number
            yield request(RIGHT)

    service.follow(questions(), told.append)
    assert len(told) == 3


def test_fault_costs_its_own_notebook(
    service: GradingService, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A run that breaks off is answered once, and the next notebook is graded."""
    grade_all, faults = Grader.grade_all, [GradsmithError("gone"), ValueError("ours")]

    def broken(self: Grader, *args: Any, **more: Any) -> None:
        if faults:
            next(iter(args[0]))
            raise faults.pop()
        grade_all(self, *args, **more)

    monkeypatch.setattr(Grader, "grade_all", broken)
    told: list[Any] = []
    service.follow(iter([request(RIGHT)] * 3), told.append)
    assert "fault of gradsmith's" in told[0]["error"]
    assert told[1] == {"error": "gone"}
    assert [cell["status"] for cell in told[2]["cells"]] == ["passed", "passed"]


def test_notebook_is_graded_again_when_the_sandbox_was_killed(service: GradingService) -> None:
    """The system kills a process when memory runs out: that is no fault of the notebook that is graded just then."""
    told: list[Any] = []
    before = service.warm().sandbox.zygote_pid
    service.follow(iter([request(RIGHT)]), told.append)
    unkilled = told.pop()

    def questions() -> Iterator[dict[str, Any]]:
        yield request(RIGHT)
        os.kill(service.warm().sandbox.zygote_pid, signal.SIGKILL)
        yield request(RIGHT)

    service.follow(questions(), told.append)
    assert service.warm().sandbox.zygote_pid != before
    assert [without_clocks(each) for each in told] == [without_clocks(unkilled)] * 2


def test_request_that_makes_no_sense_costs_itself_alone(service: GradingService) -> None:
    """No text, cells that are none: refused, and the next is graded."""
    wrong = [request(RIGHT), request(RIGHT), request(RIGHT)]
    del wrong[0]["text"]
    wrong[1]["cells"] = [1]
    told: list[Any] = []
    service.follow(iter(wrong), told.append)
    assert ["error" in each for each in told] == [True, True, False]
