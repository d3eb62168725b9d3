"""Plots as inline SVG: columns above and below a line, and an area. The page stretches them to their place."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from newsletter.frozen import frozen

_UNITS, _COLUMN, _HEIGHT = 10, 8, 1_000
"""In the drawing's own units: a column with its gap, the column alone, the height."""

_DENSE = 120
"""From so many columns on there is no gap between them: each is two pixels wide on a screen."""

_LEAST = 12
"""Least height of a part that is not empty: one complaint beside a thousand must be seen."""

_TICKS = 7
"""Names below a plot at most; on a phone every second one is left out."""

FEW = 3
"""Fewer columns than this are no plot."""

Parts = Sequence[tuple[str, int]]
"""What a column is made of: the kind, which is the colour's name, and its number."""


@frozen
class Column:
    """A column: what it is called, below the plot in short, and what is stacked above and below the line."""

    name: str
    short: str
    above: Parts
    below: Parts = ()


@frozen
class Level:
    """A line across the plot, `height` per cent above its foot."""

    number: int
    height: float


@frozen
class Tick:
    """A name below the plot, around `place` per cent of its width."""

    place: float
    name: str


@frozen
class Drawn:
    """A column: what it says when pointed at, and its parts as SVG paths by colour."""

    says: str
    parts: tuple[tuple[str, str], ...]


@frozen
class Plot:
    """A drawing in a box of `width` by 1000. `zero` is the height of the line, in per cent; `line` one more path."""

    width: int
    says: str
    kinds: tuple[str, ...]
    drawn: tuple[Drawn, ...]
    levels: tuple[Level, ...]
    ticks: tuple[Tick, ...]
    zero: float = 0
    line: str = ""


def columns(given: Sequence[Column], says: str) -> Plot | None:
    """Stacked columns; None for a few, which the table says better, and where all of them are empty."""
    top = max((sum(number for _, number in column.above) for column in given), default=0)
    foot = max((sum(number for _, number in column.below) for column in given), default=0)
    if len(given) < FEW or not top + foot:
        return None
    step = _round_above(-(-max(top, foot) // 2)) or 1
    over, under = -(-top // step) * step, -(-foot // step) * step
    whole = over + under
    zero = round(_HEIGHT * over / whole)
    drawn = []
    for place, column in enumerate(given):
        if any(number for _, number in (*column.above, *column.below)):
            parts = (
                *_stack(place, column.above, zero, whole, -1, len(given)),
                *_stack(place, column.below, zero, whole, 1, len(given)),
            )
            drawn.append(Drawn(f"{column.name}: {_said(column)}", parts))
    there = {kind for column in given for kind, number in (*column.above, *column.below) if number}
    kinds = dict.fromkeys(kind for column in given for kind, _ in (*column.above, *column.below) if kind in there)
    levels = [Level(abs(number), 100 * (number + under) / whole) for number in range(-under, over + 1, step) if number]
    return Plot(
        width=len(given) * _UNITS,
        says=says,
        kinds=tuple(kinds),
        drawn=tuple(drawn),
        levels=tuple(levels),
        ticks=tuple(_ticks([column.short for column in given], middle=True)),
        zero=100 * under / whole,
    )


def _said(column: Column) -> str:
    return ", ".join(f"{number:,} {kind}" for kind, number in (*column.above, *column.below) if number)


def _stack(place: int, parts: Parts, zero: int, whole: int, direction: int, count: int) -> Iterator[tuple[str, str]]:
    """The parts of a column from the line outwards; `direction` is -1 upwards, as y grows downwards."""
    width = _COLUMN if count < _DENSE else _UNITS
    left = place * _UNITS + (_UNITS - width) // 2
    at = zero
    for kind, number in parts:
        if number:
            height = max(round(_HEIGHT * number / whole), _LEAST)
            y = at - height if direction < 0 else at
            at += direction * height
            yield kind, f"M{left} {y}h{width}v{height}h-{width}z"


def area(names: Sequence[tuple[str, str]], numbers: Sequence[int], kind: str, says: str) -> Plot | None:
    """An area below a line, from zero; `names` as a column's name and short one. None for a few numbers."""
    if len(numbers) < FEW or not max(numbers):
        return None
    step = _round_above(-(-max(numbers) // 2)) or 1
    top = -(-max(numbers) // step) * step
    width = (len(numbers) - 1) * _UNITS
    points = [f"{place * _UNITS} {_HEIGHT - round(_HEIGHT * number / top)}" for place, number in enumerate(numbers)]
    line = "M" + "L".join(points)
    return Plot(
        width=width,
        says=says,
        kinds=(kind,),
        drawn=(Drawn(says, ((kind, f"{line}V{_HEIGHT}H0z"),)),),
        levels=tuple(Level(number, 100 * number / top) for number in range(step, top + 1, step)),
        ticks=tuple(_ticks([short for _, short in names], middle=False)),
        line=line,
    )


def _ticks(names: Sequence[str], *, middle: bool) -> Iterator[Tick]:
    """Evenly spread names; those around the edges would stand out of the plot and are left out."""
    count = len(names)
    apart = max(-(-count // _TICKS), 1)
    for index in range(0, count, apart):
        place = 100 * ((index + 0.5) / count if middle else index / max(count - 1, 1))
        if count <= 3 or 4 <= place <= 96:
            yield Tick(round(place, 2), names[index])


def _round_above(number: int) -> int:
    """The smallest number of one digit and zeros that reads easily and is not below this one; 0 for 0."""
    scale = 1
    while number > 0:
        for lead in (1, 2, 3, 4, 5, 6, 8):
            if lead * scale >= number:
                return lead * scale
        scale *= 10
    return 0
