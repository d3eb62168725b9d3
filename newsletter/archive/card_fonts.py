"""Find a font that has every letter of a text: the project's own, else those of this machine, else Pillow's.

Which fonts a machine has differs, so none is relied upon: a text that no font covers gets no card.
"""

from __future__ import annotations

import hashlib
import subprocess
import unicodedata
from collections.abc import Iterator
from functools import lru_cache
from pathlib import Path

from PIL import Image, ImageDraw, ImageFont, features

from newsletter.frozen import frozen

_ASKED_S = 10.0

# Where systems without fontconfig have their fonts, the bold one first.
_PLACES = (
    "/System/Library/Fonts/Supplemental/Arial Bold.ttf",
    "/System/Library/Fonts/PingFang.ttc",
    "/System/Library/Fonts/Hiragino Sans GB.ttc",
    "/System/Library/Fonts/Supplemental/Arial Unicode.ttf",
    "C:/Windows/Fonts/segoeuib.ttf",
    "C:/Windows/Fonts/msyhbd.ttc",
    "C:/Windows/Fonts/YuGothB.ttc",
    "C:/Windows/Fonts/malgunbd.ttf",
)

# The languages that fontconfig is asked for, after the text's own: one for each script.
_ASKED = ("en", "zh-cn", "zh-tw", "ja", "ko", "ru", "ar", "he", "hi", "th")
_IN_FONTCONFIG = {"zh": "zh-cn", "zh-hans": "zh-cn", "zh-hant": "zh-tw", "iw": "he", "no": "nb"}

# Scripts whose letters change with their neighbours: without raqm they would stand apart, or the wrong way round.
_SHAPED = (
    *("ARABIC", "HEBREW", "SYRIAC", "THAANA", "NKO", "DEVANAGARI", "BENGALI", "GURMUKHI", "GUJARATI", "ORIYA", "TAMIL"),
    *("TELUGU", "KANNADA", "MALAYALAM", "SINHALA", "THAI", "LAO", "TIBETAN", "MYANMAR", "KHMER"),
)

_PROBE = 20
_MISSING = "\U0010ffff"


@frozen
class CardFont:
    """A font file and the face in it; an empty path is the one that comes with Pillow."""

    path: str = ""
    index: int = 0

    def at(self, size: int) -> ImageFont.FreeTypeFont:
        return _opened(self, size)

    @property
    def fingerprint(self) -> str:
        """Changes with the font: another one draws other pixels."""
        return f"{self.index}:{_digest(self.path)}"

    def covers(self, text: str) -> bool:
        """Whether it draws every letter as itself, and not as an empty box."""
        return all(_has_glyph(self, char) for char in set(text) if not _is_invisible(char))


class CardFonts:
    """The fonts of a build. `own` is the path of the project's own, empty without."""

    def __init__(self, own: str = "") -> None:
        self._own = own
        self._chosen: dict[tuple[str, frozenset[str]], CardFont | None] = {}

    def font_for(self, text: str, lang: str) -> CardFont | None:
        """The first font that has all of it; None where none has, or where it needs shaping and Pillow does none."""
        if needs_shaping(text) and not can_shape():
            return None
        key = (lang, frozenset(text))
        if key not in self._chosen:
            found = (font for font in self._candidates(lang) if font.covers(text))
            self._chosen[key] = next(found, None)
        return self._chosen[key]

    def _candidates(self, lang: str) -> Iterator[CardFont]:
        if self._own:
            yield CardFont(self._own)
        own = lang.lower()
        for name in dict.fromkeys((_IN_FONTCONFIG.get(own, own), own.partition("-")[0], *_ASKED)):
            if name and (font := _installed(name)) is not None:
                yield font
        for place in _PLACES:
            if Path(place).is_file():
                yield CardFont(place)
        yield CardFont()


def can_shape() -> bool:
    return bool(features.check("raqm") and features.check("fribidi"))


def needs_shaping(text: str) -> bool:
    return any(unicodedata.name(char, "").startswith(_SHAPED) for char in set(text) if ord(char) > 0x500)


def without_emoji(text: str, font: CardFont) -> str:
    """The text without the pictures in it that the font does not have."""
    kept = [char for char in text if not (_is_picture(char) and not font.covers(char))]
    return " ".join("".join(kept).split())


def letters_of(text: str) -> str:
    """What a font must have: the text without pictures, which may be left out."""
    return "".join(char for char in text if not _is_picture(char))


def _is_picture(char: str) -> bool:
    code = ord(char)
    return code >= 0x1F000 or 0x2600 <= code <= 0x27BF or 0x2B00 <= code <= 0x2BFF or code in (0xFE0F, 0x200D, 0x20E3)


def _is_invisible(char: str) -> bool:
    return unicodedata.category(char) in ("Zs", "Zl", "Zp", "Cc", "Cf")


@lru_cache(maxsize=64)
def _opened(font: CardFont, size: int) -> ImageFont.FreeTypeFont:
    if not font.path:
        found = ImageFont.load_default(size)
        assert isinstance(found, ImageFont.FreeTypeFont)  # noqa: S101 - for the type checker
        return found
    return ImageFont.truetype(font.path, size, font.index)


@lru_cache(maxsize=50_000)
def _has_glyph(font: CardFont, char: str) -> bool:
    try:
        return _drawn(font, char) != _drawn(font, _MISSING)
    except OSError:
        return False


@lru_cache(maxsize=1_000)
def _drawn(font: CardFont, char: str) -> bytes:
    image = Image.new("L", (2 * _PROBE, 2 * _PROBE))
    ImageDraw.Draw(image).text((_PROBE // 2, _PROBE // 4), char, 255, _opened(font, _PROBE))
    return image.tobytes()


@lru_cache(maxsize=32)
def _digest(path: str) -> str:
    return hashlib.sha256(Path(path).read_bytes()).hexdigest() if path else f"pillow {features.version('pil')}"


@lru_cache(maxsize=64)
def _installed(lang: str) -> CardFont | None:
    """The bold font without serifs that fontconfig has for a language; None without fontconfig."""
    command = ["fc-match", "-f", "%{file}\t%{index}", f"sans:bold:lang={lang}"]
    try:
        done = subprocess.run(command, capture_output=True, timeout=_ASKED_S, check=True)  # noqa: S603
    except (OSError, subprocess.SubprocessError):
        return None
    path, _, index = done.stdout.decode(errors="replace").partition("\t")
    # The upper half of the index is an instance of a variable font, which Pillow takes the default of.
    font = CardFont(path, int(index) & 0xFFFF) if path and index.isdigit() else None
    try:
        if font is not None:
            font.at(_PROBE)
    except OSError:
        return None
    return font
