"""A matrix's part that the default suite runs; `pytest -m whole` runs the rest."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import pytest


def part_of(values: Iterable[Any], *default: Any) -> list[Any]:
    """Values of a parameter: those of `default` as they are, the others marked `whole`. A tuple is for several."""
    return [each if each in default else _whole(*each if isinstance(each, tuple) else (each,)) for each in values]


def _whole(*values: Any) -> Any:
    return pytest.param(*values, marks=pytest.mark.whole)
