"""The canary: a first few messages, and whether their outcome lets the rest go."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Canary:
    """Send to so many first, wait, and go on only when at most this share of them was refused."""

    count: int
    wait_s: float
    refusals: float
