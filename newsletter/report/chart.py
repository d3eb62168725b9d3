"""The report's chart as inline SVG."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta, tzinfo

from newsletter.frozen import frozen
from newsletter.report.read import WORDS
from newsletter.report.timeline import SHOWN, STEPS_MS, Bar, Timeline
from newsletter.report.wording import at, took
from newsletter.text import counted

_CHARTED_FROM = 10
"""Fewer answers than this are reported in a sentence, without a chart."""


_TICK_SHARE = 0.13
"""The width of a tick's label, as a share of the chart: a time with seconds on a phone, with every second tick."""


_NARROW = 0.2
"""A stretch narrower than this share of the chart has room for the label of its start only."""


_UNITS, _BAR, _HEIGHT = 10, 8, 1_000
"""In the SVG's units: a bar with its gap, the bar alone, the height. The page scales them."""


_LEAST = 14
"""The least height of a part that is not empty: one failure in a thousand must be visible."""


@frozen
class _Drawn:
    """A bar: its tooltip, and its parts as SVG paths."""

    says: str
    parts: tuple[tuple[str, str], ...]


@frozen
class _Tick:
    """A time on the axis.

    `place` is a percentage; `at_start` puts the label at the left edge instead of centring it.
    """

    place: float
    time: str
    day: str
    at_start: bool = False


@frozen
class _Panel:
    """A stretch of time, drawn: `count` bars wide."""

    count: int
    title: str
    says: str
    drawn: tuple[_Drawn, ...]
    ticks: tuple[_Tick, ...]

    @property
    def width(self) -> int:
        return self.count * _UNITS


def chart(timeline: Timeline, zone: tzinfo | None) -> dict[str, object]:
    bars = timeline.bars
    if len(bars) == 1 or sum(bar.total for bar in bars) < _CHARTED_FROM:
        length = bars[-1].start + timeline.step - bars[0].start
        return {"says": f"All answers came within {took(length)}, from {at(bars[0].start, zone)} on.", "panels": ()}
    tallest = max(bar.total for bar in bars)
    top = _round_above(tallest)
    total = sum(map(len, timeline.stretches))
    form = _time_form(timeline.step)
    many_days = len({bar.start.astimezone(zone).date() for bar in bars}) > 1
    says = f"Each bar is {_spelled(timeline.step)}. Everyone counts once, when their last answer came."
    if len(timeline.stretches) > 1:
        says += " Pauses, marked ⋯, are left out."
    return {
        "says": says,
        "kinds": [WORDS[state] for i, state in enumerate(SHOWN) if any(bar.counts[i] for bar in bars)],
        "levels": [
            {"number": number, "height": 100 * number / top} for number in ((top // 2, top) if top % 2 == 0 else (top,))
        ],
        "has_days": many_days,
        "panels": [_panel(stretch, timeline.step, zone, total, top, many_days) for stretch in timeline.stretches],
        "rows": [
            {
                "time": (f"{short_day(bar.start, zone)}, " if many_days else "") + _clock(bar.start, zone, form),
                "counts": bar.counts,
            }
            for bar in bars
        ],
    }


def _panel(
    stretch: Sequence[Bar], step: timedelta, zone: tzinfo | None, total: int, top: int, many_days: bool
) -> _Panel:
    sums = [sum(bar.counts[i] for bar in stretch) for i in range(len(SHOWN))]
    said = ", ".join(f"{number:,} {WORDS[state]}" for state, number in zip(SHOWN, sums, strict=True) if number)
    start, end = stretch[0].start, stretch[-1].start + step
    return _Panel(
        count=len(stretch),
        title=f"From {at(start, zone)} to {at(end, zone)}",
        says=f"{said}; the numbers are in the table below.",
        drawn=tuple(_drawn(place, bar, step, zone, top) for place, bar in enumerate(stretch) if bar.total),
        ticks=tuple(_ticks(start, end, step, zone, len(stretch) / total, many_days)),
    )


def _drawn(place: int, bar: Bar, step: timedelta, zone: tzinfo | None, top: int) -> _Drawn:
    left = place * _UNITS + (_UNITS - _BAR) // 2
    floor = _HEIGHT
    parts = []
    for state, number in zip(SHOWN, bar.counts, strict=True):
        if number:
            height = max(round(_HEIGHT * number / top), _LEAST)
            floor -= height
            parts.append((WORDS[state], f"M{left} {floor}h{_BAR}v{height}h-{_BAR}z"))
    said = ", ".join(f"{number:,} {WORDS[state]}" for state, number in zip(SHOWN, bar.counts, strict=True) if number)
    return _Drawn(f"{_clock(bar.start, zone, _time_form(step))}: {said}", tuple(parts))


def _ticks(
    start: datetime, end: datetime, step: timedelta, zone: tzinfo | None, part: float, many_days: bool
) -> Iterator[_Tick]:
    """The round times in a stretch with this share of the chart's width; else its start."""
    length = end - start
    apart_ms = max(1_000, _TICK_SHARE / part * (length / timedelta(milliseconds=1)))
    apart = timedelta(milliseconds=next((s for s in STEPS_MS if s >= apart_ms), STEPS_MS[-1]))
    form = _time_form(apart)
    places = [*_round_times(start, end, apart, zone)] if part >= _NARROW else []
    if not places:
        yield _Tick(
            0, _clock(start, zone, _time_form(step)), short_day(start, zone) if many_days else "", at_start=True
        )
        return
    day = ""
    for moment in places:
        new = short_day(moment, zone)
        whole_days = apart >= timedelta(days=1)
        yield _Tick(
            place=round(100 * ((moment - start) / length), 2),
            time=new if whole_days else _clock(moment, zone, form),
            day=new if many_days and new != day and not whole_days else "",
        )
        day = new


def _round_times(start: datetime, end: datetime, apart: timedelta, zone: tzinfo | None) -> Iterator[datetime]:
    local = start.astimezone(zone)
    midnight = local.replace(hour=0, minute=0, second=0, microsecond=0)
    moment = midnight + ((local - midnight) // apart) * apart
    while moment < end:
        if 0.02 <= (moment - start) / (end - start) <= 0.96:
            yield moment
        moment += apart


def _time_form(step: timedelta) -> str:
    """The time format for this resolution."""
    if step < timedelta(seconds=1):
        return "%H:%M:%S.%f"
    return "%H:%M:%S" if step < timedelta(minutes=1) else "%H:%M"


def _clock(moment: datetime, zone: tzinfo | None, form: str) -> str:
    text = at(moment, zone, form)
    return text[:-5] if form.endswith("%f") else text


def short_day(moment: datetime, zone: tzinfo | None) -> str:
    local = moment.astimezone(zone)
    return f"{local.day} {local:%b}"


def _spelled(length: timedelta) -> str:
    """A bar's duration in words: durations are round, so one unit is enough."""
    seconds = length.total_seconds()
    if seconds < 1:
        return f"{seconds:g} seconds"
    sizes = ((86_400, "day"), (3_600, "hour"), (60, "minute"), (1, "second"))
    number, name = next((round(seconds / size), name) for size, name in sizes if seconds >= size)
    return f"one {name}" if number == 1 else counted(number, name)


def _round_above(number: int) -> int:
    """The smallest round number (one or two digits, then zeros) that is not below this one."""
    scale = 1
    while True:
        for lead in (1, 2, 3, 4, 5, 6, 8):
            if lead * scale >= number:
                return lead * scale
        scale *= 10
