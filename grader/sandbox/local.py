"""Trusted code behind the same face as a submission, in this process.

Mistakes are run through it for the diagnosis, and authors may try a suite with it. Values pass
through the wire format, so that lists stay lists and what cannot travel fails here too.
"""

from __future__ import annotations

import importlib.util
import io
import sys
from collections.abc import Callable, Mapping, Sequence
from contextlib import redirect_stdout
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np

from grader.calls import Call, call_here
from grader.errors import CheckFailure, Halted, SubmissionRaised
from grader.model import Failure, Status
from grader.sandbox import wire
from grader.sandbox.proxy import TopicProxy
from grader.sandbox.worker import imprint


def load_module(path: Path, name: str) -> ModuleType:
    """Import a trusted file under a name that nothing else uses.

    Raises
    ------
    ImportError : the file is not there.
    """
    spec = importlib.util.spec_from_file_location(name, path)
    if spec is None or spec.loader is None:
        raise ImportError(path)
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    spec.loader.exec_module(module)
    return module


class LocalTopic(TopicProxy):
    """Functions of this process, called as a submission's would be."""

    def __init__(
        self,
        topic: str,
        functions: Mapping[str, Callable[..., Any]],
        exercises: Sequence[str] | None = None,
    ) -> None:
        super().__init__(topic, exercises if exercises is not None else list(functions))
        self.functions = functions

    def _invoke(
        self, name: str, target: str, payload: bytes, callbacks: Sequence[Callable[..., Any]]
    ) -> Call:
        if target not in self.functions:
            raise Halted(Status.MISSING, f"no function `{target}`")
        _, want_arguments, args, kwargs = wire.loads(payload, lambda i: callbacks[i])
        before = [imprint(np, each) for each in (*args, *kwargs.values())]
        with redirect_stdout(io.StringIO()) as printed:
            try:
                done = call_here(self.functions[target], args, kwargs)
            except Exception as error:  # whatever a function raises is its outcome
                bases = tuple(base.__name__ for base in type(error).__mro__)
                raise SubmissionRaised(type(error).__name__, str(error), bases=bases) from None
        try:
            value = wire.loads(wire.dumps(done.value))
        except wire.WireError as error:
            raise CheckFailure(Failure(f"the function returned {error}")) from None
        now = [imprint(np, each) for each in (*done.args, *done.kwargs.values())]
        changed = tuple(i for i, each in enumerate(before) if now[i] != each)
        after = (done.args, done.kwargs) if want_arguments else ((), {})
        text = printed.getvalue()[:4000]
        return Call(value, *after, done.warnings, text, done.parameters, changed)


def local_topic(path: Path, topic: str, exercises: Sequence[str]) -> LocalTopic:
    """The functions of a trusted file, as a submission of `topic`."""
    module = load_module(path, f"_gradsmith_local_{topic}_{abs(hash(path))}")
    functions = {name: getattr(module, name) for name in exercises if hasattr(module, name)}
    return LocalTopic(topic, functions, exercises)
