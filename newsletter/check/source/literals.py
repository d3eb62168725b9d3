"""Take out of a post's source what its author wants shown as it stands: escapes, raw blocks and code spans."""

from __future__ import annotations

import re
from bisect import bisect_left
from collections import defaultdict

_LITERAL = re.compile(r"\{%-?\s*raw\s*-?%\}.*?(?:\{%-?\s*endraw\s*-?%\}|\Z)|\\[!-/:-@\[-`{-~]|(?<!`)`+", re.DOTALL)
_BACKTICKS = re.compile("`+")


def without_literals(source: str) -> str:
    """The source with only the line ends of each literal left, so that lines keep their numbers.

    A code span ends at the next run of as many backticks; a run that has none is text. The runs are looked up: to
    search for each anew costs the length of the source times the number of lengths.
    """
    runs: dict[int, list[int]] = defaultdict(list)
    for run in _BACKTICKS.finditer(source):
        runs[len(run[0])].append(run.start())
    kept: list[str] = []
    position = 0
    while found := _LITERAL.search(source, position):
        end = found.end()
        if found[0].startswith("`"):
            same = runs[len(found[0])]
            following = bisect_left(same, end)
            if following == len(same):
                kept.append(source[position:end])
                position = end
                continue
            end = same[following] + len(found[0])
        kept += source[position : found.start()], "\n" * source.count("\n", found.start(), end)
        position = end
    kept.append(source[position:])
    return "".join(kept)
