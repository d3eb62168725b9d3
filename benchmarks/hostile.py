"""How the time of reading a post grows with it, for texts that are made to be slow.

    python benchmarks/hostile.py [LETTERS] [ROUNDS]

For each pattern of tests/support/hostile_posts.py: the processor's time of a post, and of one four times as long.
Much more time for each letter of the longer is a loop inside a loop; the tests count calls, and do not see what goes
on within one. The fastest growth comes first.
"""

from __future__ import annotations

import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1] / "tests" / "support"))

from hostile_posts import PATTERNS, bounded

ROUNDS = 3


def seconds(pattern: str, letters: int, rounds: int) -> float:
    """The best of a few: a busy machine only ever adds."""
    best = float("inf")
    for _ in range(rounds):
        started = time.process_time()
        bounded(pattern, letters)
        best = min(best, time.process_time() - started)
    return best


def main() -> None:
    letters = int(sys.argv[1]) if len(sys.argv) > 1 else 25_000
    rounds = int(sys.argv[2]) if len(sys.argv) > 2 else ROUNDS
    bounded("a", letters)
    found = [(*(seconds(pattern, size, rounds) for size in (letters, 4 * letters)), pattern) for pattern in PATTERNS]
    print(f"{letters:,} letters, {4 * letters:,} letters, each letter's time of the longer in that of the shorter")
    for short, long, pattern in sorted(found, key=lambda one: -one[1] / one[0]):
        print(f"{short * 1000:>9.1f} ms {long * 1000:>9.1f} ms {long / short / 4:>7.2f}  {pattern!r}")


if __name__ == "__main__":
    main()
