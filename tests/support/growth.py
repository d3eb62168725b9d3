"""How much work grows with its input, counted in function calls: the same on a busy machine as on an idle one."""

from __future__ import annotations

import cProfile
import gc
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import Any

FEWEST = 20_000
"""Calls that any small input may take; below it, what is done once hides how the rest grows."""


def calls(work: Callable[[], object]) -> int:
    """How many functions of Python and of its built-in types a piece of work calls."""
    profile = cProfile.Profile()
    collected = gc.isenabled()
    gc.disable()  # what a collection calls depends on what lies about, not on the work
    try:
        profile.runcall(work)
    finally:
        if collected:
            gc.enable()
    return sum(entry.callcount for entry in profile.getstats())


def assert_linear(work: Callable[[Any], object], text: Sequence[object], *refused: type[Exception]) -> None:
    """Calls for each letter of a text are at most 1.4 times those of its first quarter; square growth makes it 4.

    A loop that scans on inside one call, as a regular expression may, is not seen: benchmarks/hostile.py times it.
    """
    quarter = text[: len(text) // 4]

    def run(part: Sequence[object]) -> None:
        with suppress(*refused):
            work(part)

    run(text[: len(text) // 16])  # what is made at the first call and kept, is made here
    few, many = calls(lambda: run(quarter)), calls(lambda: run(text))
    assert many <= 1.4 * 4 * max(few, FEWEST), f"{few:,} calls for a quarter, {many:,} for all"
