"""Fixtures that several tests of the tool share."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from types import ModuleType

import pytest

# ---- reports


@pytest.fixture(scope="session")
def samples() -> ModuleType:
    """The module `report_samples`: reports made by hand, for the tests of the renderers."""
    file = Path(__file__).with_name("report_samples.py")
    spec = importlib.util.spec_from_file_location("report_samples", file)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module
