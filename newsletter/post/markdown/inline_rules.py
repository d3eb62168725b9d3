"""markdown-it rules: bare URLs and formulas."""

from __future__ import annotations

import re
from urllib.parse import urlsplit

from markdown_it.common.utils import unescapeAll
from markdown_it.rules_inline.state_inline import StateInline

from newsletter.frozen import frozen

_LETTER = r"A-Za-z0-9\-._~:/?#\[\]@!$&'()*+,;=%"
_BARE_URL = re.compile(rf"https?://(?=[A-Za-z0-9\[])(?:[{_LETTER}]|\\[{_LETTER}]){{1,4000}}")
_URL_LETTER = re.compile(f"[{_LETTER}]")
_ESCAPED = re.compile(r"\\[!-/:-@\[-`{-~]|&(?:#\d{1,7}|#[xX][0-9A-Fa-f]{1,6}|[A-Za-z][A-Za-z0-9]{1,31});")


_MAX_URL = 4_000  # a longer run of letters is no URL, and examining each of its colons would take long


_AFTER_URL = "?!.,:*_~'\";"


# Prices are no formulas: no digit or space at the inner sides of the signs, and no Markdown syntax.
_MATH = re.compile(r"(\${1,2})(?![\s$])([^$]{1,1000}?)(?<![\s\\])\1(?![\d$])")


_NO_MATH = re.compile(r"\]\(|://|\*\*|<|`|\n[ \t]*\n")


def bare_url(state: StateInline, silent: bool) -> bool:
    """A URL in running text is a link. It ends before any non-ASCII character, so `https://a.cn/b。` ends at b."""
    if state.src[state.pos] != ":" or state.linkLevel > 0:
        return False
    # Only the last letters are searched: searching all of the pending text would take quadratic time.
    scheme = re.search(r"(?:^|[^A-Za-z0-9])(https?)$", state.src[max(0, state.pos - 6) : state.pos])
    if not scheme or not state.pending.endswith(scheme[1]):
        return False
    found = bare_url_at(state.src, state.pos - len(scheme[1]))
    if not found:
        return False
    if not silent:
        state.pending = state.pending[: -len(scheme[1])]
        token = state.push("link_open", "a", 1)
        token.attrs = {"href": state.md.normalizeLink(found.url)}
        token.markup, token.info = "autolink", "auto"
        state.push("text", "", 0).content = found.url
        state.push("link_close", "a", -1)
    state.pos += found.length - len(scheme[1])
    return True


@frozen
class BareUrl:
    """An address, and the length of what the author wrote for it, with `&amp;` for `&` and `\\_` for `_`."""

    url: str
    length: int


def bare_url_at(text: str, position: int) -> BareUrl | None:
    """The URL that begins at this place, without the punctuation behind it; None where there is none."""
    found = _BARE_URL.match(text, position)
    if not found or found.end() - position >= _MAX_URL:
        return None
    whole, ends = _read_escapes(found[0])
    url = whole.rstrip(_AFTER_URL)
    for opening, closing in ("()", "[]"):
        surplus = url.count(closing) - url.count(opening)
        while surplus > 0 and url.endswith(closing):
            url = url[:-1].rstrip(_AFTER_URL)
            surplus -= 1
    return BareUrl(url, ends[len(url) - 1]) if urlsplit_or_none(url) else None


def _read_escapes(written: str) -> tuple[str, range | list[int]]:
    """The address that is meant, and where each of its letters ends in what is written.

    It ends before `&gt;` and `&nbsp;`, which are no letters of an address.
    """
    if "&" not in written and "\\" not in written:
        return written, range(1, len(written) + 1)
    letters: list[str] = []
    ends: list[int] = []
    position = 0
    while position < len(written):
        escaped = _ESCAPED.match(written, position)
        letter, position = (unescapeAll(escaped[0]), escaped.end()) if escaped else (written[position], position + 1)
        if not _URL_LETTER.fullmatch(letter):
            break
        letters.append(letter)
        ends.append(position)
    return "".join(letters), ends


def math(state: StateInline, silent: bool) -> bool:
    """`$…$` and `$$…$$` stay verbatim: no mail client renders formulas, and `_` in them is no emphasis."""
    if state.src[state.pos] != "$" or (state.pos and state.src[state.pos - 1] in "0123456789$\\"):
        return False
    found = _MATH.match(state.src, state.pos, state.posMax)
    if not found or _NO_MATH.search(found[2]):
        return False
    if not silent:
        state.push("math_inline", "", 0).content = found[0]
    state.pos = found.end()
    return True


def urlsplit_or_none(url: str) -> str | None:
    """The parts of an absolute URL, None if it has no host or is invalid."""
    try:
        return urlsplit(url).hostname
    except ValueError:
        return None
