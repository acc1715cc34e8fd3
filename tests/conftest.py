"""The order in which all tests run."""

from __future__ import annotations

import pytest


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Begin with the long tests, so that the last ones of a run are short, and all processors have some."""
    items.sort(key=lambda item: item.get_closest_marker("long") is None)
