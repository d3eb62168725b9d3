"""Measure how work grows with its input, in function calls: independent of the machine's load."""

from __future__ import annotations

import cProfile
import gc
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from itertools import cycle
from typing import Any

import pytest

from newsletter.errors import NewsletterError

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
    many = calls(lambda: run(text))
    if many <= 1.4 * 4 * FEWEST:
        return
    few = calls(lambda: run(quarter))
    assert many <= 1.4 * 4 * max(few, FEWEST), f"{few:,} calls for a quarter, {many:,} for all"


# --- one mark after the other, over and over --------------------------------------------------------------------------

SHORT, LONG = 400, 1_600
GROWTH = 1.5
"""Times the fourfold."""

FEW = 4_000
"""Calls below which what is done once hides how the rest grows."""

MARKS = (
    *("[", "![", "](", "[a](", "[a]", "[a]: b\n", "[^a]", "[^a]: b\n", "*[A]: b\n", "^[", "\\["),
    *("<", "<!--", "<a ", "</", "<div>", "<p markdown=1>", "<table><tr><td>", "<![CDATA[", "&#", "&#x1;"),
    *("{{", "{{ a }}", "{{<", "{{< a >}}", "{%", "{% if a %}", "{% raw %}", "{: .a}\n", "{:"),
    *("**", "_", "__a", "`", "```\n", "~~", "$$", "((", "(", ")", "**中", '"', "'", "--", "..."),
    *("|", "|a|b|\n|-|-|\n", ":--", "> ", "- ", "1. ", "# ", "a\n: b\n", ": a\n", "---\n", "\n", "\t"),
    *("http://a.b ", "a@b.c ", "=?", "=?utf-8?q?a?=", "a: b\n", "=", "550 5.1.1 ", ";", ",", "中", "😀"),
)
SHAPES: tuple[Callable[[str], str], ...] = (
    lambda mark: mark,
    lambda mark: mark.rstrip("\n") + "\n",
    lambda mark: mark.rstrip("\n") + "x\n\n",
)


SHARES = pytest.mark.parametrize(
    "share", [1 / 6, pytest.param(1.0, marks=pytest.mark.whole), pytest.param(3.0, marks=pytest.mark.soak)]
)
"""A parameter of `dear`: how many shapes of a mark are tried. A sixth of the marks is tried with each way in."""


def growth(work: Callable[[str], object], piece: str) -> float:
    """How many times the fourfold the calls are for four times the text."""

    def cost(length: int) -> int:
        def run() -> None:
            with suppress(NewsletterError, ValueError):
                work(piece * (length // len(piece)))

        return calls(run)

    long = cost(LONG)
    if (found := long / 4 / FEW) <= GROWTH or (found := long / 4 / max(cost(SHORT), FEW)) <= GROWTH:
        return found
    # A pattern was compiled by the way, or a loop has an end of its own, from which on it is in step.
    return cost(4 * LONG) / 4 / max(cost(LONG), FEW)


def dear(
    work: Callable[[str], object], marks: Iterable[str] = MARKS, *, name: str = "", share: float = 1.0
) -> Mapping[str, float]:
    """The pieces of which four times the text costs more than `GROWTH` times the fourfold, and how many times.

    Each mark in one of the three shapes, by turns that differ from one `name` to the other; a `share` of 3 is all three
    shapes, one of a sixth is every sixth mark.
    """
    start = sum(map(ord, name))
    turns = SHAPES[start % 3 :] + SHAPES[: start % 3]
    every = max(1, round(1 / share))
    chosen = [*marks][start % every :: every]
    pieces = dict.fromkeys(
        shape(mark)
        for mark, turn in zip(chosen, cycle(turns), strict=False)
        for shape in (SHAPES if share > 1 else (turn,))
    )
    found = {piece: growth(work, piece) for piece in pieces}
    return {piece: round(times, 1) for piece, times in found.items() if times > GROWTH}
