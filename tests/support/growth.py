"""Measure how work grows with its input, in function calls: independent of the machine's load."""

from __future__ import annotations

import cProfile
import gc
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import Any

FEWEST = 20_000
"""Fewer calls than this are allowed for any small input, since fixed costs hide the growth."""


def calls(work: Callable[[], object]) -> int:
    """The number of calls of Python and built-in functions."""
    profile = cProfile.Profile()
    collected = gc.isenabled()
    gc.disable()  # a collection's calls depend on unrelated garbage
    try:
        profile.runcall(work)
    finally:
        if collected:
            gc.enable()
    return sum(entry.callcount for entry in profile.getstats())


def assert_linear(work: Callable[[Any], object], text: Sequence[object], *refused: type[Exception]) -> None:
    """Assert that calls per character are at most 1.4 times those for the first quarter; quadratic growth makes it 4.

    A loop inside one call, as in a regular expression, is not counted: benchmarks/hostile.py measures it.
    """
    quarter = text[: len(text) // 4]

    def run(part: Sequence[object]) -> None:
        with suppress(*refused):
            work(part)

    run(text[: len(text) // 16])  # warm up caches
    few, many = calls(lambda: run(quarter)), calls(lambda: run(text))
    assert many <= 1.4 * 4 * max(few, FEWEST), f"{few:,} calls for a quarter, {many:,} for all"
