"""Draw the illustrations of the example posts into `examples/images/`.

Pillow only, no fonts, no chance: every run writes the same bytes. Shapes are drawn four times too large and
scaled down, which smooths their edges, then each picture keeps its own few dozen commonest colours.

    python examples/make_images.py
"""

import io
import itertools
import math
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

from PIL import Image, ImageDraw

Point = tuple[float, float]
Colour = tuple[int, int, int]

SCALE = 4
COLOURS = 48
STORY = (1016, 572)
WIDE = (1200, 630)


def rgb(value: str) -> Colour:
    """`#rrggbb` as three numbers."""
    return int(value[1:3], 16), int(value[3:5], 16), int(value[5:7], 16)


def mix(one: Colour, other: Colour, share: float) -> Colour:
    """`one`, moved towards `other` by `share` (0 to 1)."""
    red, green, blue = (round(a + (b - a) * share) for a, b in zip(one, other, strict=True))
    return red, green, blue


def distance(one: Colour, other: Colour) -> int:
    """How far apart two colours are, squared."""
    return sum((a - b) ** 2 for a, b in zip(one, other, strict=True))


PAPER = rgb("#faf7f2")
SAND = rgb("#e7ddcf")
INK = rgb("#1f2328")
RUST = rgb("#c2410c")
AMBER = rgb("#fb923c")
TEAL = rgb("#0f766e")
DUNE = mix(SAND, RUST, 0.18)
PEACH = mix(PAPER, AMBER, 0.45)
MIST = mix(PAPER, TEAL, 0.22)
SAGE = mix(PAPER, TEAL, 0.5)
PINE = mix(TEAL, INK, 0.55)
SLATE = mix(INK, PAPER, 0.14)


class Art:
    """A canvas measured in the pixels of the finished picture."""

    def __init__(self, size: tuple[int, int], ground: Colour, colours: int = COLOURS) -> None:
        self.width, self.height = size
        self.colours = colours
        self.image = Image.new("RGB", (self.width * SCALE, self.height * SCALE), ground)
        self.draw = ImageDraw.Draw(self.image)

    @staticmethod
    def _up(points: Iterable[Point]) -> list[Point]:
        return [(x * SCALE, y * SCALE) for x, y in points]

    def box(self, x: float, y: float, w: float, h: float, fill: Colour | None, radius: float = 0) -> None:
        corners = (x * SCALE, y * SCALE, (x + w) * SCALE - 1, (y + h) * SCALE - 1)
        self.draw.rounded_rectangle(corners, radius * SCALE, fill)

    def frame(self, x: float, y: float, w: float, h: float, colour: Colour, width: float, radius: float) -> None:
        corners = (x * SCALE, y * SCALE, (x + w) * SCALE - 1, (y + h) * SCALE - 1)
        self.draw.rounded_rectangle(corners, radius * SCALE, None, colour, round(width * SCALE))

    def disc(self, x: float, y: float, r: float, fill: Colour) -> None:
        self.draw.ellipse(self._around(x, y, r), fill)

    def arc(self, x: float, y: float, r: float, span: Point, colour: Colour, width: float) -> None:
        self.draw.arc(self._around(x, y, r), *span, fill=colour, width=round(width * SCALE))

    def shape(self, points: Iterable[Point], fill: Colour) -> None:
        self.draw.polygon(self._up(points), fill)

    def line(self, points: Sequence[Point], colour: Colour, width: float, *, caps: bool = True) -> None:
        self.draw.line(self._up(points), colour, round(width * SCALE), "curve")
        if caps and width > 2:
            for x, y in (points[0], points[-1]):
                self.disc(x, y, width / 2, colour)

    def stroke(self, points: Sequence[Point], colour: Colour, width: float) -> None:
        """A smooth curve: one outline around all of its points."""
        sides: tuple[list[Point], list[Point]] = ([], [])
        for at, (x, y) in enumerate(points):
            (x1, y1), (x2, y2) = points[max(at - 1, 0)], points[min(at + 1, len(points) - 1)]
            run = math.hypot(x2 - x1, y2 - y1) or 1
            dx, dy = (y1 - y2) / run * width / 2, (x2 - x1) / run * width / 2
            sides[0].append((x + dx, y + dy))
            sides[1].append((x - dx, y - dy))
        self.shape([*sides[0], *reversed(sides[1])], colour)
        for x, y in (points[0], points[-1]):
            self.disc(x, y, width / 2, colour)

    def dashes(self, points: Sequence[Point], colour: Colour, width: float, on: int, off: int) -> None:
        """A dashed line along points that lie close together: `on` of them drawn, `off` left out."""
        for start in range(0, len(points) - on, on + off):
            self.stroke(points[start : start + on], colour, width)

    def bands(self, top: Colour, bottom: Colour, steps: int, y: float = 0, h: float | None = None) -> None:
        """A gradient in clear steps, as in a screen print."""
        height = self.height - y if h is None else h
        for step in range(steps):
            self.box(
                0,
                y + height * step / steps,
                self.width,
                height / steps + 1,
                mix(top, bottom, step / (steps - 1)),
            )

    @staticmethod
    def _around(x: float, y: float, r: float) -> tuple[float, float, float, float]:
        return (x - r) * SCALE, (y - r) * SCALE, (x + r) * SCALE, (y + r) * SCALE

    def png(self) -> bytes:
        small = self.image.reduce(SCALE)
        raw = small.tobytes()
        pixels: list[Colour] = list(zip(raw[0::3], raw[1::3], raw[2::3], strict=True))
        counts = Counter(pixels)
        palette = sorted(counts, key=lambda colour: (-counts[colour], colour))[: self.colours]

        def nearest(colour: Colour) -> int:
            return min(range(len(palette)), key=lambda at: distance(colour, palette[at]))

        index = {colour: nearest(colour) for colour in counts}
        indexed = Image.frombytes("P", small.size, bytes(index[pixel] for pixel in pixels))
        indexed.putpalette([channel for colour in palette for channel in colour])
        out = io.BytesIO()
        indexed.save(out, "PNG", optimize=True, bits=8)
        return out.getvalue()


def curve(at: Callable[[float], Point], steps: int = 120) -> list[Point]:
    """Points of a parametric curve for t from 0 to 1."""
    return [at(step / steps) for step in range(steps + 1)]


def bezier(a: Point, b: Point, c: Point, d: Point, steps: int = 60) -> list[Point]:
    def at(t: float) -> Point:
        u = 1 - t
        weights = (u * u * u, 3 * u * u * t, 3 * u * t * t, t * t * t)
        x, y = (sum(w * p[axis] for w, p in zip(weights, (a, b, c, d), strict=True)) for axis in (0, 1))
        return x, y

    return curve(at, steps)


def hero() -> Art:
    """The morning edition: a sun of rings rising over a field of signals."""
    art = Art(WIDE, PAPER)
    horizon = 410
    art.bands(PAPER, mix(PAPER, AMBER, 0.2), 8, 0, horizon)
    sun_x = 760
    rings = (300, 248, 200, 156, 114)
    for index, radius in enumerate(rings):
        share = index / (len(rings) - 1)
        art.disc(sun_x, horizon, radius, mix(mix(PAPER, AMBER, 0.3), RUST, share))
    # The page on the left: columns of lines, one of them marked.
    for column, x in enumerate((96.0, 236.0)):
        for row in range(9):
            length = 116 if (row * 5 + column * 3) % 7 else 74
            marked = (column, row) in {(0, 3), (1, 6)}
            art.box(x, 108 + row * 28, length, 8, RUST if marked else DUNE, 4)
    art.box(96, 60, 256, 18, INK, 3)
    # The field: rows that come nearer, furrows that meet on the horizon.
    art.bands(TEAL, PINE, 6, horizon)
    art.box(0, horizon, WIDE[0], 4, INK)
    for step in range(-16, 17):
        far, near = sun_x + step * 42, sun_x + step * 190
        art.line([(far, horizon + 4), (near, WIDE[1])], mix(TEAL, PAPER, 0.28), 2, caps=False)
    for row, lane in ((1, -3), (2, -5), (2, 1), (3, -2), (3, 2), (4, -4), (4, 0)):
        y = horizon + 14 + row * row * 11
        depth = (y - horizon) / (WIDE[1] - horizon)
        x = sun_x + lane * (42 + 148 * depth)
        size = 5 + 13 * depth
        art.disc(x, y, size * 1.7, INK)
        art.disc(x, y, size, AMBER if row % 2 else PAPER)
    return art


def chip() -> Art:
    """A processor with its traces; the busy cores glow."""
    art = Art(STORY, PINE)
    cx, cy, half = 508, 286, 148
    for index in range(9):
        offset = -120 + index * 30
        bend = abs(index - 4) * 15
        lead, tone = 96 + bend, mix(PINE, SAGE, 0.75 if index % 3 else 0.35)
        spread = offset * 1.55
        for side in (-1, 1):
            edge = cx + side * half
            trace: list[Point] = [(edge, cy + offset), (edge + side * lead, cy + offset)]
            slope = abs(spread - offset)
            trace += [(edge + side * (lead + slope), cy + spread), (edge + side * 268, cy + spread)]
            art.line(trace, tone, 4)
            art.disc(*trace[-1], 9, AMBER if index in {2, 5} else tone)
            art.disc(*trace[-1], 4, PINE)
            reach = 92 - abs(index - 4) * 7
            art.line([(cx + offset, cy + side * half), (cx + offset, cy + side * (half + reach))], tone, 4)
            art.disc(cx + offset, cy + side * (half + reach), 6, tone)
    art.box(cx - half - 12, cy - half - 12, 2 * half + 24, 2 * half + 24, INK, 26)
    art.box(cx - half, cy - half, 2 * half, 2 * half, SAND, 16)
    heat = ("....o", ".oOo.", ".OXOo", "..oOo", "o....")
    tones = {".": PAPER, "o": PEACH, "O": AMBER, "X": RUST}
    for row, cells in enumerate(heat):
        for column, cell in enumerate(cells):
            art.box(cx - 126 + column * 51, cy - 126 + row * 51, 46, 46, tones[cell], 7)
    return art


def cache_chart() -> Art:
    """Two prices, before and after: one falls by 85 %, the other rises by 12 %."""
    art = Art(STORY, PAPER)
    base, unit = 476, 3.2
    for step in range(6):
        y = base - step * 20 * unit
        art.box(112, y - 1, 792, 2, SAND)
    for x, after, tone, ghost in ((214, 15, TEAL, MIST), (574, 112, RUST, PEACH)):
        before, top = 100 * unit, after * unit
        art.box(x, base - before, 104, before, ghost, 6)
        if after < 100:
            art.frame(x + 124, base - before, 104, before, ghost, 4, 6)
            art.box(x + 124, base - top, 104, top, tone, 6)
            art.line([(x + 176, base - before + 34), (x + 176, base - top - 42)], tone, 6)
            art.shape([(x + 158, base - top - 46), (x + 194, base - top - 46), (x + 176, base - top - 18)], tone)
        else:
            art.box(x + 124, base - top, 104, top, tone, 6)
            art.box(x + 124, base - before + 3, 104, before - 3, AMBER)
            art.box(x + 124, base - before - 3, 104, 3, PAPER)
            art.shape([(x + 158, base - top - 18), (x + 194, base - top - 18), (x + 176, base - top - 46)], tone)
    art.box(112, base, 792, 5, INK, 2)
    return art


def power_map() -> Art:
    """Three territories, the lines between them, and where the load runs hot."""
    art = Art(STORY, INK)
    for row in range(13):
        for column in range(23):
            art.disc(30 + column * 44, 24 + row * 44, 2.2, SLATE)
    lands = (
        ([(96, 170), (214, 84), (356, 112), (400, 214), (352, 330), (238, 392), (124, 340)], TEAL),
        (
            [(422, 102), (566, 64), (652, 132), (664, 262), (580, 350), (446, 336), (376, 344), (424, 214)],
            mix(INK, SAGE, 0.62),
        ),
        (
            [(688, 140), (828, 108), (930, 214), (900, 390), (760, 494), (600, 452), (596, 366), (690, 270)],
            PINE,
        ),
    )
    for outline, tone in lands:
        art.shape(outline, tone)
        art.line([*outline, outline[0]], tone, 16)
    towns = [(214, 196), (290, 300), (334, 168), (488, 160), (590, 158), (520, 284), (742, 214), (846, 262)]
    towns += [(700, 398), (812, 388)]
    wires = ((0, 1), (0, 2), (1, 2), (2, 3), (3, 4), (3, 5), (1, 5), (4, 6), (6, 7), (5, 8), (7, 9), (8, 9), (6, 8))
    loads = {1: 42, 4: 54, 9: 62}
    for index, radius in loads.items():
        x, y = towns[index]
        art.disc(x, y, radius, mix(PINE, RUST, 0.45))
        art.disc(x, y, radius * 0.68, RUST)
        art.disc(x, y, radius * 0.36, AMBER)
    for start, end in wires:
        (x1, y1), (x2, y2) = towns[start], towns[end]
        lift = 34
        middle = ((x1 + x2) / 2, (y1 + y2) / 2 - lift)
        art.stroke(bezier((x1, y1), middle, middle, (x2, y2)), SAND, 3)
    for index, (x, y) in enumerate(towns):
        art.disc(x, y, 9, PAPER)
        art.disc(x, y, 4.5, RUST if index in loads else INK)
    return art


def waveform() -> Art:
    """One call: most of it calm, a stretch that rings the bell."""
    art = Art(STORY, PAPER)
    cy = 286
    art.box(560, 70, 221, 432, PEACH, 18)
    art.frame(560, 70, 221, 432, AMBER, 4, 18)
    bars, pitch = 37, 24
    for index in range(bars):
        if index in {20, 29}:
            continue
        x = 76 + index * pitch
        t = index / (bars - 1)
        swing = abs(math.sin(index * 0.9) * 0.55 + math.sin(index * 0.37 + 1) * 0.45)
        height = 18 + 150 * swing * (0.35 + 0.65 * math.sin(math.pi * t))
        alarm = 566 <= x <= 770
        if alarm:
            height = min(height * 0.95 + 64, 184)
        tone = RUST if alarm else (TEAL if index % 2 else SAGE)
        art.box(x, cy - height, 13, 2 * height, tone, 6.5)
    art.box(48, cy - 1, 920, 2, PAPER)
    art.disc(781, 70, 26, RUST)
    art.disc(781, 70, 10, PAPER)
    return art


def translation() -> Art:
    """Two texts side by side, sentence tied to sentence."""
    art = Art(STORY, SAND)
    art.box(84, 66, 336, 440, PAPER, 18)
    art.box(596, 66, 336, 440, INK, 18)
    left = ((0, 236), (1, 178), (2, 250), (3, 132), (4, 214), (5, 190), (6, 150))
    right = ((0, 204), (1, 248), (2, 160), (3, 226), (4, 118), (5, 240), (6, 176))
    ties = ((0, 0, TEAL), (1, 2, AMBER), (2, 1, RUST), (3, 4, SAGE), (4, 3, TEAL), (5, 6, AMBER), (6, 5, RUST))
    rows = {line: 112 + line * 54 for line in range(7)}
    tones_left = {a: tone for a, _, tone in ties}
    tones_right = {b: tone for _, b, tone in ties}
    for line, length in left:
        art.box(124, rows[line], length, 24, tones_left[line], 12)
    for line, length in right:
        art.box(892 - length, rows[line], length, 24, tones_right[line], 12)
    for a, b, tone in ties:
        start = (124 + left[a][1], rows[a] + 12)
        end = (892 - right[b][1], rows[b] + 12)
        art.stroke(bezier(start, (start[0] + 150, start[1]), (end[0] - 150, end[1]), end), tone, 5)
    return art


def gazetteer() -> Art:
    """An old book: columns of characters on the left page, a table on the right."""
    art = Art(STORY, TEAL)
    art.shape([(92, 470), (924, 470), (956, 508), (60, 508)], PINE)
    for offset, tone in ((14, DUNE), (7, SAND)):
        art.box(96 - offset, 84 + offset, 824 + 2 * offset, 392, tone, 12)
    art.box(96, 80, 412, 392, PAPER, 10)
    art.box(508, 80, 412, 392, PAPER, 10)
    for step in range(5):
        art.box(508 - 22 + step * 4.4, 80, 5, 392, mix(PAPER, SAND, (step + 1) / 5))
        art.box(508 + 18 - step * 4.4, 80, 5, 392, mix(PAPER, SAND, (step + 1) / 5))
    art.box(506, 80, 4, 392, DUNE)
    art.frame(124, 112, 320, 328, INK, 3, 2)
    for column in range(8):
        x = 432 - column * 40
        if column:
            art.box(x + 12, 114, 1.5, 324, DUNE)
        for row in range(11):
            if column in {2, 6} and row > 6:
                continue
            marked = column == 3 and 3 <= row <= 6
            inked = (row * 7 + column * 5) % 4
            tone = RUST if marked else INK
            x0, y0 = x - 16, 126 + row * 28
            art.box(x0, y0, 17, 4, tone, 1)
            art.box(x0 + 2 + inked * 3, y0, 4, 18, tone, 1)
            art.box(x0 + 2, y0 + 12 - inked, 14, 4, tone, 1)
    widths = (92, 72, 72, 96)
    for row in range(8):
        start = 560.0
        for column, width in enumerate(widths):
            y = 112 + row * 41.5
            head, marked = row == 0, row == 4
            cell = INK if head else (PEACH if marked else (mix(PAPER, SAND, 0.55) if row % 2 else PAPER))
            art.box(start, y, width - 3, 38, cell, 3)
            tone = SAND if head else (RUST if marked else (TEAL if column == 0 else DUNE))
            art.box(start + 12, y + 15, (width - 28) * (1 if (row + column) % 3 else 0.6), 8, tone, 4)
            start += width
    art.stroke(bezier((420, 70), (460, 24), (560, 24), (596, 66)), AMBER, 6)
    art.shape([(584, 54), (612, 58), (598, 84)], AMBER)
    return art


def iso(x: float, y: float, z: float) -> Point:
    """A point of a room, seen from the corner."""
    return 508 + (x - y) * 0.866, 345 + (x + y) * 0.5 - z


def cube(art: Art, corner: tuple[float, float, float], size: float, tones: Sequence[Colour]) -> None:
    x, y, z = corner
    s = size
    art.shape([iso(x, y, z + s), iso(x + s, y, z + s), iso(x + s, y + s, z + s), iso(x, y + s, z + s)], tones[0])
    art.shape([iso(x, y + s, z), iso(x + s, y + s, z), iso(x + s, y + s, z + s), iso(x, y + s, z + s)], tones[1])
    art.shape([iso(x + s, y, z), iso(x + s, y + s, z), iso(x + s, y + s, z + s), iso(x + s, y, z + s)], tones[2])


def sandbox() -> Art:
    """A room with one way in and a clock around it."""
    art = Art(STORY, SAND)
    cx, cy = 508, 286
    art.disc(cx, cy, 252, mix(SAND, PAPER, 0.6))
    for tick in range(60):
        angle = math.radians(tick * 6 - 90)
        inner = 232 if tick % 5 else 222
        art.line(
            [
                (cx + inner * math.cos(angle), cy + inner * math.sin(angle)),
                (cx + 244 * math.cos(angle), cy + 244 * math.sin(angle)),
            ],
            RUST if tick < 42 else DUNE,
            5 if tick % 5 == 0 else 3,
        )
    art.arc(cx, cy, 262, (-90, 162), RUST, 8)
    low, high, wall, slab = -100, 100, 132, -14
    art.shape([iso(low, low, 0), iso(high, low, 0), iso(high, low, wall), iso(low, low, wall)], TEAL)
    art.shape([iso(low, low, 0), iso(low, high, 0), iso(low, high, wall), iso(low, low, wall)], PINE)
    art.shape([iso(low, low, 0), iso(high, low, 0), iso(high, high, 0), iso(low, high, 0)], PAPER)
    art.shape([iso(low, high, 0), iso(high, high, 0), iso(high, high, slab), iso(low, high, slab)], INK)
    art.shape([iso(high, low, 0), iso(high, high, 0), iso(high, high, slab), iso(high, low, slab)], SLATE)
    for step in range(1, 5):
        at = low + step * 40
        art.line([iso(at, low, 0), iso(at, high, 0)], SAND, 2)
        art.line([iso(low, at, 0), iso(high, at, 0)], SAND, 2)
    art.shape([iso(26, low, 0), iso(74, low, 0), iso(74, low, 92), iso(26, low, 92)], INK)
    art.disc(*iso(66, low, 44), 3.5, AMBER)
    art.shape([iso(low, -42, 48), iso(low, 38, 48), iso(low, 38, 98), iso(low, -42, 98)], SAGE)
    cube(art, (-82, -44, 0), 50, (AMBER, RUST, mix(RUST, INK, 0.35)))
    cube(art, (-66, 34, 0), 34, (MIST, SAGE, TEAL))
    cube(art, (14, 6, 0), 58, (PEACH, AMBER, RUST))
    cube(art, (28, 20, 58), 28, (PAPER, SAND, DUNE))
    return art


def robot_arm() -> Art:
    """An arm that slows down before it touches the egg."""
    art = Art(STORY, PAPER)
    art.disc(748, 230, 236, mix(PAPER, AMBER, 0.22))
    art.box(0, 486, 1016, 86, SAND)
    art.box(0, 486, 1016, 4, DUNE)
    shoulder, elbow, wrist = (238, 392), (392, 172), (664, 214)
    art.shape([(150, 486), (182, 430), (294, 430), (326, 486)], INK)
    art.box(206, 380, 64, 66, INK, 8)
    for start, end, width in ((shoulder, elbow, 56), (elbow, wrist, 42)):
        art.line([start, end], TEAL, width)
        art.line([start, end], mix(TEAL, PAPER, 0.22), width * 0.28)
    art.line([wrist, (710, 266)], INK, 24)
    for (x, y), radius in ((shoulder, 46), (elbow, 40), (wrist, 30)):
        art.disc(x, y, radius, INK)
        art.disc(x, y, radius * 0.58, AMBER)
        art.disc(x, y, radius * 0.22, INK)
    art.line([(634, 312), (710, 268), (786, 312)], INK, 18)
    for side in (-1, 1):
        art.line([(710 + side * 76, 312), (710 + side * 78, 376), (710 + side * 66, 410)], INK, 14)
        art.disc(710 + side * 66, 412, 10, AMBER)
    egg = curve(
        lambda t: (
            710 + 48 * math.sin(2 * math.pi * t) * (1 + 0.1 * math.cos(2 * math.pi * t)),
            424 + 62 * math.cos(2 * math.pi * t),
        )
    )
    art.shape(egg, RUST)
    art.shape([(710 + (x - 710) * 0.78 - 6, 424 + (y - 424) * 0.8 - 6) for x, y in egg], mix(RUST, AMBER, 0.55))
    art.shape([(692 + (x - 710) * 0.2, 396 + (y - 424) * 0.24) for x, y in egg], PEACH)
    # The approach: the steps grow shorter as the hand comes near.
    path = bezier((960, 52), (900, 50), (800, 96), (716, 190), 100)
    for t in (0, 20, 38, 53, 65, 75, 83, 89, 94, 98):
        art.disc(*path[t], 9 - t * 0.04, RUST)
    return art


def learning_curve() -> Art:
    """Damage falls as training goes on; the old method levels off above."""
    art = Art(STORY, INK)
    left, right, top, base = 118, 918, 84, 478
    for step in range(6):
        y = top + (base - top) * step / 5
        art.box(left, y - 1, right - left, 2, SLATE)

    def y_of(rate: float) -> float:
        return base - (base - top) * rate / 11

    def old(t: float) -> Point:
        return left + (right - left) * t, y_of(6.4 + 3.2 * math.exp(-3 * t) + 0.14 * math.sin(21 * t))

    def new(t: float) -> Point:
        ripple = 0.22 * math.sin(17 * t) * (1 - t)
        return left + (right - left) * t, y_of(1.9 + 7.7 * math.exp(-3.6 * t) + ripple)

    art.line([(left, top - 16), (left, base), (right + 22, base)], PAPER, 5)
    slow, fast = curve(old), curve(new)
    strips = 24
    for strip in range(strips):
        part = slice(strip * 5, strip * 5 + 6)
        tone = mix(INK, TEAL, 0.25 + 0.5 * strip / strips)
        art.shape([*slow[part], *reversed(fast[part])], tone)
    art.stroke(slow, SAND, 5)
    art.stroke(fast, AMBER, 9)
    for t in range(0, 121, 20):
        art.disc(*fast[t], 13, INK)
        art.disc(*fast[t], 8, AMBER)
    art.disc(*fast[-1], 20, RUST)
    art.disc(*fast[-1], 9, PAPER)
    return art


def shield() -> Art:
    """A page with lines that nobody sees, and what stands before it."""
    art = Art(STORY, MIST)
    art.box(108, 70, 620, 440, mix(MIST, TEAL, 0.35), 18)
    art.box(96, 58, 620, 440, PAPER, 18)
    art.box(96, 58, 620, 58, INK, 18)
    art.box(96, 92, 620, 24, INK)
    for index, tone in enumerate((RUST, AMBER, SAGE)):
        art.disc(132 + index * 30, 87, 9, tone)
    art.box(236, 76, 440, 22, SLATE, 11)
    art.box(132, 146, 200, 132, SAND, 10)
    art.shape([(150, 262), (206, 190), (246, 236), (272, 208), (314, 262)], SAGE)
    art.disc(288, 180, 13, AMBER)
    for row, length in enumerate((300, 250, 284, 180)):
        art.box(364, 152 + row * 34, length, 14, DUNE, 7)
    for row, length in enumerate((420, 520, 470, 496, 380)):
        y = 306 + row * 36
        if row in {1, 3}:
            x = 132.0
            while x < 132 + length - 10:
                art.box(x, y, 12, 12, PEACH, 3)
                x += 20
        else:
            art.box(132, y, length, 14, DUNE, 7)
    cx, top = 756, 138

    def half(side: int, grow: float) -> list[Point]:
        wide, tall = 156 * grow, 342 * grow
        y = top + 171 - tall / 2
        edge = bezier(
            (cx + side * wide, y + tall * 0.14),
            (cx + side * wide, y + tall * 0.62),
            (cx + side * wide * 0.62, y + tall * 0.86),
            (cx, y + tall),
        )
        return [(cx, y), *bezier((cx, y), (cx + side * 50, y + 34), (cx + side * 90, y + 44), edge[0], 30), *edge]

    for side, tone in ((-1, INK), (1, INK)):
        art.shape(half(side, 1.12), tone)
    for side, tone in ((-1, TEAL), (1, PINE)):
        art.shape(half(side, 1.0), tone)
    art.line([(692, 306), (738, 356), (826, 246)], PAPER, 26)
    return art


def dust_front() -> Art:
    """Dunes under a pale sun; the fronts of three half-days move across them."""
    art = Art(STORY, PAPER)
    art.bands(mix(PAPER, AMBER, 0.34), PAPER, 9, 0, 380)
    art.disc(786, 150, 78, AMBER)
    art.disc(786, 150, 60, mix(AMBER, PAPER, 0.35))

    def ridge(level: float, swell: float, length: float, shift: float) -> list[Point]:
        return curve(lambda t: (1016 * t, level + swell * math.sin(2 * math.pi * (t * length + shift))), 160)

    def swept(radius: float, degrees: float) -> Point:
        angle = math.radians(degrees)
        return -40 + radius * 1.12 * math.cos(angle), 330 + radius * 0.78 * math.sin(angle)

    dunes = (
        (262, 26, 1.1, 0.10, SAND),
        (318, 34, 0.9, 0.55, DUNE),
        (380, 30, 1.3, 0.20, mix(DUNE, RUST, 0.35)),
        (446, 34, 0.8, 0.80, RUST),
        (512, 24, 1.2, 0.35, mix(RUST, INK, 0.3)),
    )
    for level, swell, length, shift, tone in dunes:
        art.shape([*ridge(level, swell, length, shift), (1016, 572), (0, 572)], tone)
    for index, radius in enumerate((250, 420, 590)):
        front = [swept(radius, -56 + 104 * step / 150) for step in range(151)]
        if index == 0:
            art.stroke(front, INK, 8)
        else:
            art.dashes(front, INK, 7 - index, 6, 3)
        x, y = swept(radius, 0)
        art.disc(x, y, 15, INK)
        art.shape([(x + 22, y - 19), (x + 22, y + 19), (x + 52, y)], INK)
        art.disc(x, y, 6, AMBER)
    return art


def tree_rings() -> Art:
    """The year rings of a trunk, thick and thin, with one good year marked."""
    art = Art(WIDE, TEAL, 20)
    cx, cy, bark = 600, 318, 276

    def place(r: float, degrees: float) -> Point:
        a = math.radians(degrees)
        wobble = 1 + 0.035 * math.sin(2 * a + 0.6) + 0.016 * math.sin(5 * a + 1.3)
        drift = r / 14
        return cx + drift - 18 + r * wobble * 1.1 * math.cos(a), cy + drift / 2 - 9 + r * wobble * math.sin(a)

    def disc(r: float, fill: Colour) -> None:
        art.shape([place(r, degrees * 1.5) for degrees in range(240)], fill)

    art.shape([(x + 16, y + 20) for x, y in (place(bark, degrees) for degrees in range(360))], PINE)
    disc(bark, INK)
    disc(bark - 12, mix(RUST, INK, 0.4))
    radius = bark - 30
    for year, width in enumerate((26, 16, 22, 30, 18, 24, 14, 28, 20, 26)):
        disc(radius, mix(DUNE, RUST, 0.45))
        disc(radius - 5, AMBER if year == 4 else mix(PAPER, DUNE, 0.15 + 0.25 * (year // 3)))
        radius -= width
    heart = place(0, 0)
    art.disc(*heart, 7, RUST)
    rim = bark - 24
    wedge = [heart, place(90, -22), place(170, -17), place(rim, -22), place(rim, -16), place(170, -14), place(90, -19)]
    art.shape(wedge, mix(RUST, INK, 0.4))
    return art


def workbench() -> Art:
    """A pegboard with a few hand tools, each in its place."""
    art = Art(STORY, SAND)
    for row in range(10):
        for column in range(17):
            art.disc(44 + column * 58, 36 + row * 58, 3.4, DUNE)
    # Hammer.
    art.box(146, 148, 26, 318, RUST, 12)
    art.box(146, 366, 26, 100, AMBER, 12)
    art.box(96, 104, 104, 62, INK, 8)
    art.shape([(196, 108), (236, 100), (252, 126), (236, 148), (196, 162)], INK)
    # Hand saw.
    blade = [(316, 162), (392, 162), (358, 474), (330, 474)]
    art.shape(blade, SAGE)
    for tooth in range(17):
        y = 176 + tooth * 17
        x = 392 - 34 * (y - 162) / 312
        art.shape([(x - 2, y), (x + 11, y + 5), (x - 3, y + 15)], SAGE)
    art.box(298, 84, 112, 92, TEAL, 24)
    art.box(326, 108, 56, 42, SAND, 16)
    # Screwdriver.
    art.box(484, 92, 46, 146, AMBER, 18)
    for groove in range(3):
        art.box(492 + groove * 12, 104, 4, 106, RUST, 2)
    art.box(492, 232, 30, 18, INK, 4)
    art.box(501, 246, 12, 186, SLATE, 2)
    art.shape([(498, 424), (516, 424), (519, 462), (495, 462)], SLATE)
    # Set square.
    art.shape([(606, 92), (606, 306), (820, 306)], TEAL)
    art.shape([(646, 188), (646, 266), (724, 266)], SAND)
    for mark in range(1, 13):
        art.box(606 + mark * 15.4, 306 - (16 if mark % 4 == 0 else 10), 2.5, 16 if mark % 4 == 0 else 10, PAPER)
    # Pencil.
    art.box(612, 352, 214, 30, AMBER, 4)
    art.box(612, 362, 214, 10, mix(AMBER, RUST, 0.45))
    art.box(592, 352, 28, 30, RUST, 8)
    art.shape([(826, 352), (826, 382), (876, 367)], PAPER)
    art.shape([(859, 362), (859, 372), (876, 367)], INK)
    # Folding rule.
    rule = [(612, 466), (700, 426), (788, 466), (876, 426)]
    for start, end in itertools.pairwise(rule):
        art.line([start, end], INK, 20)
        for mark in range(1, 8):
            share = mark / 8
            along = start[0] + (end[0] - start[0]) * share
            art.box(along - 1.2, start[1] + (end[1] - start[1]) * share - 8, 2.4, 9, SAND)
    for x, y in rule:
        art.disc(x, y, 7, AMBER)
    # Plumb bob.
    art.line([(916, 60), (916, 214)], INK, 3)
    art.box(902, 208, 28, 22, AMBER, 5)
    art.shape([(890, 230), (942, 230), (934, 284), (916, 330), (898, 284)], RUST)
    for x, y in ((159, 92), (354, 78), (507, 84), (621, 130), (916, 58)):
        art.disc(x, y, 9, INK)
        art.disc(x, y, 4, PAPER)
    return art


def ines_aldous() -> Art:
    """A writer's portrait, as plain as the other shapes."""
    art = Art((160, 160), MIST)
    art.disc(80, 176, 66, PINE)
    art.box(66, 88, 28, 34, DUNE, 10)
    art.disc(80, 66, 40, RUST)
    art.disc(80, 72, 31, PEACH)
    art.shape([(47, 66), (64, 36), (113, 66), (113, 52), (80, 26), (47, 50)], RUST)
    for x in (68, 92):
        art.disc(x, 72, 3.5, INK)
    art.arc(80, 78, 11, (30, 150), RUST, 3)
    art.shape([(54, 122), (80, 140), (106, 122), (96, 112), (80, 124), (64, 112)], PAPER)
    return art


PICTURES: tuple[Callable[[], Art], ...] = (
    hero,
    chip,
    cache_chart,
    power_map,
    waveform,
    translation,
    gazetteer,
    sandbox,
    robot_arm,
    learning_curve,
    shield,
    dust_front,
    tree_rings,
    workbench,
    ines_aldous,
)


def main() -> None:
    folder = Path(__file__).parent / "images"
    folder.mkdir(exist_ok=True)
    total = 0
    for picture in PICTURES:
        data = picture().png()
        name = picture.__name__.replace("_", "-") + ".png"
        (folder / name).write_bytes(data)
        total += len(data)
        print(f"{len(data):7,}  {name}")
    print(f"{total:7,}  in all")


if __name__ == "__main__":
    main()
