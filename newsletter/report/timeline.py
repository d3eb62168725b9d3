"""Histogram of outcomes over time, with long pauses cut out.

A send lasts three seconds, and its retries come a day later. Bars over the whole span would show the send as one line;
so the span is cut at long pauses, and all bars have the same duration.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from itertools import pairwise

from newsletter.frozen import frozen
from newsletter.ledger.database.timestamps import stamp_of, time_of
from newsletter.ledger.queries import TimelineRow
from newsletter.model.delivery import State

MOST_BARS = 72
FEWEST_BARS = 24
FEWEST_OF_STRETCH = 6
"""The fewest bars of a chart, and of each of several stretches: a second of outcomes drawn over the whole width would
look like a day's. Bars added at the end are empty.
"""

MOST_STRETCHES = 4
PAUSE_MS = 600_000
"""A shorter pause is part of a send: the relay's throttling, a used-up hourly limit."""

PAUSE_SHARE = 0.12
"""Cutting out a pause below this share of the whole span would save no room."""

SHOWN = (State.SENT, State.DEFERRED, State.REJECTED, State.UNCERTAIN)

_SECOND, _MINUTE, _HOUR, _DAY = 1_000, 60_000, 3_600_000, 86_400_000
STEPS_MS = (
    *(100, 200, 500),
    *(count * _SECOND for count in (1, 2, 5, 10, 15, 30)),
    *(count * _MINUTE for count in (1, 2, 5, 10, 15, 30)),
    *(count * _HOUR for count in (1, 2, 3, 6, 12)),
    *(count * _DAY for count in (1, 2, 7, 14, 28, 91, 364, 3_640)),
)
"""Round durations of a bar, in milliseconds."""


@frozen
class Bar:
    """The outcomes from `start` (UTC) on, for a bar's duration: recipients in the order of `SHOWN`."""

    start: datetime
    counts: tuple[int, ...]

    @property
    def total(self) -> int:
        return sum(self.counts)


@frozen
class Timeline:
    """Stretches of bars without gaps; between two stretches there is a long pause."""

    step: timedelta
    stretches: tuple[tuple[Bar, ...], ...]

    @property
    def bars(self) -> tuple[Bar, ...]:
        """Every bar that is not empty."""
        return tuple(bar for stretch in self.stretches for bar in stretch if bar.total)


def has_pauses(rows: Sequence[TimelineRow]) -> bool:
    """Whether pauses will be cut out, so that the rest needs finer rows than these."""
    return len(_stretches(_active(rows))) > 1


def chart_of(rows: Sequence[TimelineRow]) -> Timeline | None:
    """Combine the ledger's equal spans, many per bar, into bars. None without outcomes."""
    active = _active(rows)
    if not active:
        return None
    stretches = _stretches(active)
    # A bar little longer than a row would cover two or three of them in turn, and show false waves.
    finest = 3 * _length_of(rows)
    step = next((s for s in STEPS_MS if s >= finest and _bars_of(stretches, s) <= MOST_BARS), STEPS_MS[-1])
    starts = [stretch[0][0] // step for stretch in stretches]
    room = [after - start for start, after in pairwise(starts)]
    fewest = [FEWEST_BARS] if len(stretches) == 1 else [*(min(FEWEST_OF_STRETCH, n) for n in room), FEWEST_OF_STRETCH]
    return Timeline(
        timedelta(milliseconds=step),
        tuple(_drawn(stretch, step, number) for stretch, number in zip(stretches, fewest, strict=True)),
    )


_Active = list[tuple[int, tuple[int, ...]]]
"""The rows with outcomes: the time, in milliseconds since 1970, and the counts."""


def _active(rows: Sequence[TimelineRow]) -> _Active:
    middle = _length_of(rows) // 2
    return [
        (stamp_of(row.start) + middle, tuple(row.counts.get(state, 0) for state in SHOWN))
        for row in rows
        if any(row.counts.values())
    ]


def _length_of(rows: Sequence[TimelineRow]) -> int:
    return (stamp_of(rows[-1].start) - stamp_of(rows[0].start)) // (len(rows) - 1) if len(rows) > 1 else 0


def _stretches(active: _Active) -> list[_Active]:
    if not active:
        return []
    span = active[-1][0] - active[0][0]
    pauses = [(after[0] - before[0], place) for place, (before, after) in enumerate(pairwise(active), 1)]
    long = sorted(pause for pause in pauses if pause[0] >= max(PAUSE_MS, PAUSE_SHARE * span))
    cuts = sorted(place for _, place in long[1 - MOST_STRETCHES :])
    return [active[start:end] for start, end in pairwise([0, *cuts, len(active)])]


def _bars_of(stretches: Sequence[_Active], step: int) -> int:
    return sum(part[-1][0] // step - part[0][0] // step + 1 for part in stretches)


def _drawn(active: _Active, step: int, fewest: int) -> tuple[Bar, ...]:
    first = active[0][0] // step
    number = max(active[-1][0] // step - first + 1, fewest)
    sums = [[0] * len(SHOWN) for _ in range(number)]
    for at, counts in active:
        bar = sums[at // step - first]
        for index, count in enumerate(counts):
            bar[index] += count
    return tuple(Bar(time_of((first + place) * step), tuple(counts)) for place, counts in enumerate(sums))
