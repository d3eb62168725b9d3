"""Fonts and line height by the script of an issue's language, where a theme leaves them open.

`{sans}` and `{serif}` in a stack stand for the fonts of the script. Readers have these: an email loads none. Without
the right ones, Japanese is drawn with Chinese forms of its characters, and Traditional Chinese with simplified ones.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from newsletter.frozen import frozen

_TRADITIONAL_REGIONS = frozenset({"tw", "hk", "mo"})
_SCRIPTS: Mapping[str, str] = {
    **dict.fromkeys(("ja", "jpan"), "ja"),
    **dict.fromkeys(("ko", "kore", "hang"), "ko"),
    **dict.fromkeys(("ar", "fa", "ur", "ps", "ckb", "ug", "sd", "arab"), "arabic"),
    **dict.fromkeys(("he", "iw", "yi", "hebr"), "hebrew"),
    **dict.fromkeys(("ru", "uk", "bg", "be", "sr", "mk", "kk", "ky", "tg", "mn", "cyrl"), "cyrillic"),
    **dict.fromkeys(("hi", "bn", "ta", "te", "th", "km", "lo", "my", "ne", "mr", "si", "ka", "hy", "am"), "other"),
    **dict.fromkeys(("hans",), "zh-Hans"),
    **dict.fromkeys(("hant",), "zh-Hant"),
    **dict.fromkeys(("latn",), "latin"),
}


@frozen
class ScriptFonts:
    """Fonts of a script, and what Word on Windows has of them. `is_low`: letters that need less room between lines."""

    sans: str
    serif: str
    windows: str = ""
    windows_serif: str = ""
    is_low: bool = False


FONTS: Mapping[str, ScriptFonts] = {
    "zh-Hans": ScriptFonts(
        '"PingFang SC","Microsoft YaHei"', '"Songti SC","Noto Serif CJK SC",SimSun', '"Microsoft YaHei"', "SimSun"
    ),
    "zh-Hant": ScriptFonts(
        '"PingFang TC","Microsoft JhengHei"',
        '"Songti TC","Noto Serif CJK TC",PMingLiU',
        '"Microsoft JhengHei"',
        "PMingLiU",
    ),
    "ja": ScriptFonts(
        '"Hiragino Sans",Meiryo', '"Hiragino Mincho ProN","Noto Serif CJK JP","Yu Mincho"', "Meiryo", '"Yu Mincho"'
    ),
    "ko": ScriptFonts(
        '"Apple SD Gothic Neo","Malgun Gothic"', 'AppleMyungjo,"Noto Serif CJK KR",Batang', '"Malgun Gothic"', "Batang"
    ),
    "arabic": ScriptFonts(
        '"Segoe UI","Geeza Pro",Tahoma', '"Noto Naskh Arabic","Geeza Pro","Times New Roman"', "", '"Times New Roman"'
    ),
    "hebrew": ScriptFonts(
        '"Segoe UI","Arial Hebrew",Arial', '"Times New Roman","New Peninim MT"', "", '"Times New Roman"', is_low=True
    ),
    "cyrillic": ScriptFonts('"Segoe UI",Roboto,Arial', '"Times New Roman"', is_low=True),
    "latin": ScriptFonts('"Segoe UI",Roboto,Arial', '"Times New Roman"', is_low=True),
    "other": ScriptFonts('"Segoe UI",Roboto,"Nirmala UI"', '"Times New Roman"'),
}


def script_of(lang: str) -> str:
    """The script of a language tag (BCP 47), as FONTS names it; a script in the tag decides."""
    parts = lang.lower().replace("_", "-").split("-")
    written = next((_SCRIPTS[part] for part in parts[1:] if len(part) == 4 and part in _SCRIPTS), "")
    if written:
        return written
    if parts[0] == "zh":
        return "zh-Hant" if _TRADITIONAL_REGIONS & set(parts[1:]) else "zh-Hans"
    return _SCRIPTS.get(parts[0], "latin")


def fonts_for(fonts: Mapping[str, Any], lang: str) -> dict[str, Any]:
    """A theme's `[fonts]` for a language. Names and heights that its author wrote stay."""
    script = FONTS[script_of(lang)]
    found = dict(fonts)
    for name in ("body", "mono"):
        if name in found:
            found[name] = _filled(found[name], script)
    if script.is_low and "line_latin" in found:
        found["line"] = found["line_latin"]
    return {**found, "windows": script.windows, "windows_serif": script.windows_serif}


def _filled(stack: str, script: ScriptFonts) -> str:
    """Each font once, where it stands first."""
    filled = stack.replace("{sans}", script.sans).replace("{serif}", script.serif)
    if filled == stack:
        return stack
    names = re.findall(r"""(?:"[^"]*"|'[^']*'|[^,"'])+""", filled)
    return ",".join(dict.fromkeys(name.strip() for name in names))
