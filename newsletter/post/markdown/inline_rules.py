"""markdown-it rules of our own: bare addresses and formulas."""

from __future__ import annotations

import re
from urllib.parse import urlsplit

from markdown_it.rules_inline.state_inline import StateInline

_BARE_URL = re.compile(r"https?://(?=[A-Za-z0-9\[])[A-Za-z0-9\-._~:/?#\[\]@!$&'()*+,;=%]{1,4000}")


_MAX_URL = 4_000  # a longer run of letters is no address, and looking at each of its colons would take long


_AFTER_URL = "?!.,:*_~'\";"


# Prices are no formulas: no digit or space beside the inner sides of the signs, and nothing that Markdown means.
_MATH = re.compile(r"(\${1,2})(?![\s$])([^$]{1,1000}?)(?<![\s\\])\1(?![\d$])")


_NO_MATH = re.compile(r"\]\(|://|\*\*|<|`|\n[ \t]*\n")


def bare_url(state: StateInline, silent: bool) -> bool:
    """A URL in running text is a link. It ends before any character beyond ASCII, so `https://a.cn/b。` ends at b."""
    if state.src[state.pos] != ":" or state.linkLevel > 0:
        return False
    # Only the last letters are looked at: a search through all of the pending text would take quadratic time.
    scheme = re.search(r"(?:^|[^A-Za-z0-9])(https?)$", state.src[max(0, state.pos - 6) : state.pos])
    if not scheme or not state.pending.endswith(scheme[1]):
        return False
    url = bare_url_at(state.src, state.pos - len(scheme[1]))
    if not url:
        return False
    if not silent:
        state.pending = state.pending[: -len(scheme[1])]
        token = state.push("link_open", "a", 1)
        token.attrs = {"href": state.md.normalizeLink(url)}
        token.markup, token.info = "autolink", "auto"
        state.push("text", "", 0).content = url
        state.push("link_close", "a", -1)
    state.pos += len(url) - len(scheme[1])
    return True


def bare_url_at(text: str, position: int) -> str:
    """The URL that begins at this place, without the punctuation behind it; empty where there is none."""
    found = _BARE_URL.match(text, position)
    if not found or len(found[0]) >= _MAX_URL:
        return ""
    url = found[0].rstrip(_AFTER_URL)
    for opening, closing in ("()", "[]"):
        surplus = url.count(closing) - url.count(opening)
        while surplus > 0 and url.endswith(closing):
            url = url[:-1].rstrip(_AFTER_URL)
            surplus -= 1
    return url if urlsplit_or_none(url) else ""


def math(state: StateInline, silent: bool) -> bool:
    """`$…$` and `$$…$$` stay as they are written: no mail client sets formulas, and `_` in them is no emphasis."""
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
    """The host of an absolute URL, None where it has none or cannot be read."""
    try:
        return urlsplit(url).hostname
    except ValueError:
        return None
