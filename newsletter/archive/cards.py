"""Social cards: a picture of 1200 by 630 pixels for each issue, with its title, its day and whose it is."""

from __future__ import annotations

import hashlib
import io
import unicodedata
from collections.abc import Callable, Sequence
from functools import cached_property

from PIL import Image, ImageDraw

from newsletter.archive.card_fonts import CardFont, CardFonts, letters_of, without_emoji
from newsletter.frozen import frozen

SIZE = (1200, 630)
_EDGE = 80
_BAR = 16
_TOP = 182
_BOTTOM = 524
_SIZES = (88, 80, 72, 64, 56, 48)
_MOST_LINES = 5
_LINE = 1.24
_SMALL = 30
_LOGO = (420, 72)
_MADE_AS = "1"
"""Of cards that are drawn otherwise another one: known cards are drawn anew."""

_NOT_FIRST = frozenset("。，、．！？：；）」』】》〉〕…—～·,.!?:;)]}%’”ー々ゝぁぃぅぇぉっゃゅょァィゥェォッャュョ")
_NOT_LAST = frozenset("（「『【《〈〔([{“‘$#@")


@frozen
class CardLook:
    """The colours, as `#rrggbb`, the newsletter's name, and where its logo is, empty without."""

    name: str
    ground: str
    ink: str
    muted: str
    accent: str
    monogram: str = ""
    logo: str = ""


@frozen
class CardWords:
    """What stands on a card. `facts` are the day and the like, in the issue's language."""

    title: str
    facts: str
    lang: str
    is_rtl: bool = False


class CardMaker:
    """Draws cards: the same words, look and font make the same bytes."""

    def __init__(
        self, look: CardLook, fonts: CardFonts, read: Callable[[str], bytes | None] = lambda path: None
    ) -> None:
        """`read` has the bytes of the logo; None where there are none."""
        self._look = look
        self._fonts = fonts
        self._read = read

    @cached_property
    def _logo(self) -> Image.Image | None:
        return _opened_logo(self._read(self._look.logo) if self._look.logo else None)

    def plan(self, words: CardWords) -> tuple[CardFont, str] | None:
        """The font, and a fingerprint of all that the card is made of; None where no font has its letters."""
        brand = "" if self._logo is not None else f"{self._look.name}{self._look.monogram}"
        text = letters_of(f"{words.title}{words.facts}{brand}…")
        font = self._fonts.font_for(text, words.lang)
        if font is None or not letters_of(words.title).strip():
            return None
        parts = repr((_MADE_AS, self._look, self._logo is not None, words, font.fingerprint))
        return font, hashlib.sha256(parts.encode("utf-8", "backslashreplace")).hexdigest()

    def draw(self, words: CardWords, font: CardFont) -> bytes:
        """A PNG."""
        image = Image.new("RGB", SIZE, self._look.ground)
        page = ImageDraw.Draw(image)
        page.rectangle((0, SIZE[1] - _BAR, SIZE[0], SIZE[1]), fill=self._look.accent)
        self._draw_brand(image, page, font, is_rtl=words.is_rtl)
        size, lines = _fitted(without_emoji(words.title, font), font)
        step = round(size * _LINE)
        top = _TOP + max(0, (_BOTTOM - _TOP - step * len(lines)) // 2)
        for number, line in enumerate(lines):
            _write(page, line, top + number * step, font, size, self._look.ink, is_rtl=words.is_rtl)
        facts = without_emoji(words.facts, font)
        _write(page, facts, SIZE[1] - _BAR - 74, font, _SMALL, self._look.muted, is_rtl=words.is_rtl)
        # Letters on one ground need few colours; a palette is a third of the size.
        data = io.BytesIO()
        image.quantize(64, Image.Quantize.FASTOCTREE, dither=Image.Dither.NONE).save(data, "PNG", compress_level=6)
        return data.getvalue()

    def _draw_brand(self, image: Image.Image, page: ImageDraw.ImageDraw, font: CardFont, *, is_rtl: bool) -> None:
        top = 72
        if self._logo is not None:
            left = SIZE[0] - _EDGE - self._logo.width if is_rtl else _EDGE
            image.paste(self._logo, (left, top), self._logo)
            return
        side = 64
        left = SIZE[0] - _EDGE - side if is_rtl else _EDGE
        if self._look.monogram:
            page.rounded_rectangle((left, top, left + side, top + side), 12, fill=self._look.accent)
            middle = (left + side / 2, top + side / 2)
            page.text(middle, self._look.monogram, self._look.ground, font.at(34), anchor="mm")
        start = side + 22 if self._look.monogram else 0
        name = _shortened(self._look.name, font, 34, SIZE[0] - 2 * _EDGE - start)
        _write(page, name, top + 12, font, 34, self._look.ink, is_rtl=is_rtl, inset=start)


def _write(
    page: ImageDraw.ImageDraw,
    text: str,
    top: float,
    font: CardFont,
    size: int,
    colour: str,
    *,
    is_rtl: bool,
    inset: int = 0,
) -> None:
    at = (SIZE[0] - _EDGE - inset, top) if is_rtl else (_EDGE + inset, top)
    page.text(at, text, colour, font.at(size), anchor="ra" if is_rtl else "la")


def _opened_logo(data: bytes | None) -> Image.Image | None:
    """The logo, as large as the card has room for; None where there is none, or none that can be drawn."""
    if not data:
        return None
    try:
        with Image.open(io.BytesIO(data)) as source:
            logo = source.convert("RGBA")
    except (OSError, ValueError):
        return None
    scale = min(_LOGO[0] / logo.width, _LOGO[1] / logo.height)
    return logo.resize(
        (max(1, round(logo.width * scale)), max(1, round(logo.height * scale))), Image.Resampling.LANCZOS
    )


# --- lines ----------------------------------------------------------------------------------------------------------


@frozen
class _Piece:
    """What stays in one line: its letters, and how wide they are with and without the space behind them."""

    text: str
    width: float
    bare: float


def _fitted(title: str, font: CardFont) -> tuple[int, Sequence[str]]:
    """The largest size at which the title has room, and its lines; the last is cut where there is none."""
    width, height = SIZE[0] - 2 * _EDGE, _BOTTOM - _TOP
    parts = _parts(title)
    for size in _SIZES:
        pieces = _measured(parts, font, size, width)
        lines = _wrapped(pieces, width)
        if len(lines) <= min(_MOST_LINES, int(height / (size * _LINE))):
            return size, _balanced(pieces, width, lines)
    kept = lines[: min(_MOST_LINES, int(height / (size * _LINE)))]
    return size, [*kept[:-1], _cut(kept[-1], font, size, width)]


def _measured(parts: Sequence[str], font: CardFont, size: int, width: float) -> list[_Piece]:
    """The pieces with their widths; one that is wider than a line is broken anywhere."""
    drawn = font.at(size)
    pieces: list[_Piece] = []
    for part in parts:
        rest = part
        while len(rest) > 1 and drawn.getlength(rest.rstrip()) > width:
            kept = max(1, int(len(rest) * width / drawn.getlength(rest)))
            while kept > 1 and drawn.getlength(rest[:kept]) > width:
                kept -= 1
            pieces.append(_Piece(rest[:kept], *(2 * [drawn.getlength(rest[:kept])])))
            rest = rest[kept:]
        pieces.append(_Piece(rest, drawn.getlength(rest), drawn.getlength(rest.rstrip())))
    return pieces


def _wrapped(pieces: Sequence[_Piece], width: float) -> list[str]:
    lines: list[str] = []
    line, taken = "", 0.0
    for piece in pieces:
        if line and taken + piece.bare > width:
            lines.append(line.strip())
            line, taken = "", 0.0
        line += piece.text
        taken += piece.width
    return [*lines, line.strip()] if line.strip() else lines


def _balanced(pieces: Sequence[_Piece], width: float, lines: Sequence[str]) -> Sequence[str]:
    """The same number of lines, as even as they can be: no last word stands alone."""
    low, high = max(width / 2, *(piece.bare for piece in pieces)), width
    best = lines
    while len(lines) > 1 and high - low > 20:
        middle = (low + high) / 2
        tried = _wrapped(pieces, middle)
        if len(tried) <= len(lines):
            best, high = tried, middle
        else:
            low = middle
    return best


def _parts(text: str) -> list[str]:
    """The pieces between which a line may end: words with their spaces, and wide letters by themselves."""
    parts: list[str] = []
    for char in text:
        before = parts[-1][-1] if parts else ""
        starts = (
            not parts
            or (before == " " and char not in " –—")
            or ((_is_wide(before) or _is_wide(char)) and char != " " and char not in _NOT_FIRST)
        )
        if starts and before not in _NOT_LAST:
            parts.append(char)
        else:
            parts[-1:] = [(parts[-1] if parts else "") + char]
    return parts


def _is_wide(char: str) -> bool:
    return bool(char) and unicodedata.east_asian_width(char) in "WF" and not 0xAC00 <= ord(char) <= 0xD7A3


def _shortened(text: str, font: CardFont, size: int, width: float) -> str:
    return text if font.at(size).getlength(text) <= width else _cut(text, font, size, width)


def _cut(text: str, font: CardFont, size: int, width: float) -> str:
    """The text up to a word's end, with an ellipsis, as far as there is room."""
    drawn = font.at(size)
    parts = _parts(text)
    while len(parts) > 1 and drawn.getlength(f"{''.join(parts).rstrip()}…") > width:
        parts.pop()
    kept = "".join(parts).rstrip(" ,;:–—，、：；")
    while kept and drawn.getlength(f"{kept}…") > width:
        kept = kept[:-1]
    return f"{kept}…"
