"""Figures of several ways that take turns, as the Markdown table that docs/benchmarks.md shows.

Every script prints a line that says where and when, and below it a table that may be copied as it is.
"""

from __future__ import annotations

import os
import platform
import re
import resource
import subprocess
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from statistics import median
from typing import TypeVar

Figure = TypeVar("Figure")

ROUNDS = 5


def in_turns(ways: Mapping[str, Callable[[], Figure]], rounds: int = ROUNDS) -> dict[str, list[Figure]]:
    """Each way once in each round, so that whatever slows the machine slows all of them."""
    found: dict[str, list[Figure]] = {name: [] for name in ways}
    for _ in range(rounds):
        for name, work in ways.items():
            found[name].append(work())
    return found


def cpu_seconds(command: Sequence[str], cwd: Path | None = None) -> float:
    """CPU time of a whole process and of its children, start and end included."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run(command, cwd=cwd, check=True, capture_output=True)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def median_and_least(seconds: Iterable[float], places: int = 0) -> str:
    """In milliseconds, as a cell of a table."""
    taken = [1000 * each for each in seconds]
    return f"{median(taken):,.{places}f}, {min(taken):,.{places}f} ms"


def ratios(ours: Sequence[float], theirs: Sequence[float]) -> str:
    """Of the medians and of the least, as a cell of a table."""
    return f"{median(ours) / median(theirs):.2f}, {min(ours) / min(theirs):.2f}"


def machine() -> str:
    """The machine, its software, the day, and how many processes ran or waited to run before this one."""
    day = f"{datetime.now(UTC):%-d %B %Y}"
    return (
        f"{day}; {os.cpu_count()} cores of {_processor()}, Python {platform.python_version()}, "
        f"load before the start {os.getloadavg()[0]:.1f}"
    )


def _processor() -> str:
    try:
        found = re.search(r"(?m)^model name\s*: (.+)$", Path("/proc/cpuinfo").read_text())
    except OSError:
        found = None
    return found[1] if found else platform.machine()


def print_table(columns: Sequence[str], rows: Iterable[Sequence[str]]) -> None:
    """A table in Markdown: the first column to the left, the others to the right."""
    print(_line(columns))
    print(_line(["---", *["---:"] * (len(columns) - 1)]))
    for row in rows:
        print(_line(row), flush=True)


def _line(cells: Sequence[str]) -> str:
    return "|" + "".join(f" {cell} |" if cell else " |" for cell in cells)
