"""Outlook on Windows: evaluate conditional comments, and approximate the HTML that Word's engine renders."""

from __future__ import annotations

import html
import re
from collections.abc import Callable
from typing import Any

from newsletter.check.clients.views import TAG
from newsletter.check.css import Declaration, each_token, read_style, style_rules

_WORD_VERSION = 16
"""The version that `[if gte mso 9]` compares with: Outlook 2016 and later."""


_REVEALED = re.compile(r"<!--\[if\s([^\]]*)\]><!--\s*-{0,2}>|<!--<!\[endif\]-->|<!\[if\s([^\]]*)\]>|<!\[endif\]>", re.I)


_HIDDEN = re.compile(r"<!--\[if\s([^\]]*)\]>(.*?)(?P<end><!\[endif\]-->|\Z)", re.DOTALL | re.IGNORECASE)


# Word's own elements, whose text a browser would show.
_OFFICE = re.compile(r"</?noscript>|<xml>.*?(?:</xml>|\Z)", re.DOTALL | re.IGNORECASE)


_STYLE = re.compile(r"(<style\b[^>]{0,999}>)(.*?)(</style\s*>|\Z)", re.DOTALL | re.IGNORECASE)


_STYLE_ATTRIBUTE = re.compile(r"""(\sstyle\s*=\s*)("[^"]*"|'[^']*')""", re.IGNORECASE)


# fmt: off
_IGNORED = frozenset({
    "animation", "aspect-ratio", "background-attachment", "background-blend-mode", "background-clip",
    "background-image", "background-origin", "background-position", "background-repeat", "background-size",
    "border-image", "border-radius", "border-top-left-radius", "border-top-right-radius", "border-bottom-left-radius",
    "border-bottom-right-radius", "bottom", "box-shadow", "box-sizing", "clip", "clip-path", "columns",
    "column-count", "cursor", "filter", "flex", "flex-direction", "flex-wrap", "float", "gap", "grid",
    "grid-template-columns", "inset", "justify-content", "align-items", "left", "letter-spacing", "max-height",
    "max-width", "min-height", "min-width", "mix-blend-mode", "object-fit", "object-position", "opacity", "outline",
    "outline-offset", "overflow", "overflow-wrap", "overflow-x", "overflow-y", "position", "right", "text-overflow",
    "text-shadow", "top", "transform", "transition", "visibility", "word-break", "z-index",
})
# fmt: on
"""Properties that Word does not support at all."""


_CELLS_ONLY = frozenset({"padding", "padding-top", "padding-right", "padding-bottom", "padding-left"})


_SIZES = frozenset({"width", "height"})


_BOXLESS = frozenset({"div", "p", "span", "a", "h1", "h2", "h3", "h4", "h5", "h6", "ul", "ol", "li"})
"""Elements whose padding and width Word ignores; both work on table cells."""


_MODERN_FUNCTIONS = frozenset({"calc", "var", "env", "rgba", "hsl", "hsla", "clamp", "min", "max", "url"})


_DISPLAYS = frozenset({"none", "block", "inline"})


def as_word(html_text: str) -> str:
    """Approximate what Outlook on Windows renders: conditional comments applied, ignored CSS removed."""
    text = _choose_branches(html_text)
    text = _STYLE.sub(_word_block, _OFFICE.sub("", text))
    return TAG.sub(_word_tag, text)


def _choose_branches(text: str) -> str:
    """Resolve conditional comments as Word does: keep the content of true ones, remove the others."""
    pieces: list[str] = []
    position = 0
    hidden_since = 0  # the number of open false branches; their content is removed
    stack: list[bool] = []
    for mark in _REVEALED.finditer(text):
        if not hidden_since:
            pieces.append(text[position : mark.start()])
        condition = mark[1] if mark[1] is not None else mark[2]
        if condition is not None:
            stack.append(holds_in_word(condition))
            hidden_since += not stack[-1]
        elif stack:
            hidden_since -= not stack.pop()
        else:
            # The end of a hidden comment, which is another kind: left for the next step.
            pieces.append(mark[0] if not hidden_since else "")
        position = mark.end()
    if not hidden_since:
        pieces.append(text[position:])

    def follow(found: re.Match[str]) -> str:
        if not found["end"]:
            return found[0]
        return found[2] if holds_in_word(found[1]) else ""

    return _HIDDEN.sub(follow, "".join(pieces))


_TOKEN = re.compile(r"\s*(?:(?P<sign>[()!&|])|(?P<word>[a-z][\w.]*)|(?P<number>\d+(?:\.\d+)?))\s*", re.IGNORECASE)


def holds_in_word(condition: str) -> bool:
    """Whether Word takes the condition of `<!--[if …]>` for true. An invalid one is false, as in Outlook."""
    tokens: list[str] = []
    position = 0
    while position < len(condition):
        found = _TOKEN.match(condition, position)
        if found is None:
            return False
        tokens.append(found[0].strip().lower())
        position = found.end()
    tokens.reverse()
    answer = _either(tokens, 0)
    return answer and not tokens


def _either(tokens: list[str], depth: int) -> bool:
    answer = _both(tokens, depth)
    while tokens and tokens[-1] == "|":
        tokens.pop()
        answer = _both(tokens, depth) or answer
    return answer


def _both(tokens: list[str], depth: int) -> bool:
    answer = _one(tokens, depth)
    while tokens and tokens[-1] == "&":
        tokens.pop()
        answer = _one(tokens, depth) and answer
    return answer


_COMPARISONS: dict[str, Callable[[float, float], bool]] = {
    "lt": lambda own, asked: own < asked,
    "lte": lambda own, asked: own <= asked,
    "gt": lambda own, asked: own > asked,
    "gte": lambda own, asked: own >= asked,
}


def _one(tokens: list[str], depth: int) -> bool:
    if not tokens or depth > 20:
        tokens.append("?")  # leftover characters make the condition false
        return False
    word = tokens.pop()
    if word == "!":
        return not _one(tokens, depth + 1)
    if word == "(":
        answer = _either(tokens, depth + 1)
        if not tokens or tokens.pop() != ")":
            return False
        return answer
    compare = _COMPARISONS.get(word)
    if compare is not None:
        word = tokens.pop() if tokens else ""
    version = float(tokens.pop()) if tokens and tokens[-1][0].isdigit() else None
    if word not in ("mso", "vml", "true"):  # IE is another engine, which Outlook has not used since 2007
        return False
    if version is None or word != "mso":
        return compare is None
    return compare(_WORD_VERSION, version) if compare else version == _WORD_VERSION


def _word_block(block: re.Match[str]) -> str:
    """A style block as Word applies it; empty for a medium that it ignores."""
    if re.search(r"\smedia\s*=", block[1], re.IGNORECASE):
        return ""
    return block[1] + _word_sheet(block[2]) + block[3]


def _word_sheet(css: str) -> str:
    """A style block's rules without at-rules, and without what Word ignores."""
    return "\n".join(f"{selector}{{{_word_style(body, '')}}}" for selector, body in style_rules(css))


def _word_tag(tag: re.Match[str]) -> str:
    if tag["name"] is None or tag["end"] or not tag["close"]:
        return tag[0]
    name = tag["name"].lower()

    def change(attribute: re.Match[str]) -> str:
        kept = _word_style(html.unescape(attribute[2][1:-1]), name)
        return f'{attribute[1]}"{html.escape(kept)}"'

    return _STYLE_ATTRIBUTE.sub(change, tag[0])


def _word_style(css: str, element: str) -> str:
    """The declarations that count for an element of this name; an empty name stands for any."""
    return ";".join(
        f"{each.name}:{each.text}{'!important' if each.is_important else ''}"
        for each in read_style(css)
        if isinstance(each, Declaration) and _counts_in_word(each, element)
    )


def _counts_in_word(declaration: Declaration, element: str) -> bool:
    name = declaration.name
    if name in _IGNORED or any(_is_modern(token) for token in each_token(declaration.value)):
        return False
    if name == "display" and declaration.text.lower() not in _DISPLAYS:
        return False
    if element in _BOXLESS and (name in _CELLS_ONLY or name in _SIZES):
        return False
    # Word takes an image's size from its attributes.
    return not (element == "img" and name in _SIZES)


def _is_modern(token: Any) -> bool:
    return token.type == "url" or (token.type == "function" and token.lower_name in _MODERN_FUNCTIONS)


WORD_VERSION = 16
"""Outlook 2016 to 2024, and the classic one of Microsoft 365. Older ones evaluate the usual conditions alike."""


# Every alternative starts with `<!`, which the search can skip to.
_MARK = re.compile(
    r"<!(?:(?:--)?\[if\s(?P<condition>[^\]<>]*)\]>(?:<!-->|\s*<!--\s*-->)?|(?P<end>(?:--\s*<!)?\[endif\](?:--)?>))",
    re.IGNORECASE,
)


_TERM = re.compile(r"(?:(?P<compare>lte|gte|lt|gt)\s+)?(?P<what>mso|ie|vml|true)(?:\s+(?P<version>\d+))?")


def as_word_reads(html: str) -> str:
    """The HTML for Outlook on Windows: conditional content for it is kept, other conditional content removed."""
    kept: list[str] = []
    at, shown = 0, True
    for mark in _MARK.finditer(html):
        if shown:
            kept.append(html[at : mark.start()])
        shown = bool(mark["end"]) or (shown and _holds(mark["condition"].lower()))
        at = mark.end()
    if shown:
        kept.append(html[at:])
    return "".join(kept)


def _holds(condition: str) -> bool:
    """Whether Word takes a condition for true: terms with `!`, `&` and `|`, their parentheses ignored."""
    any_of = condition.replace("(", " ").replace(")", " ").split("|")
    return any(all(map(_term_holds, alternative.split("&"))) for alternative in any_of)


def _term_holds(term: str) -> bool:
    words = term.lstrip("! ")
    negated = term[: len(term) - len(words)].count("!") % 2 == 1
    return _names_word(words.strip()) is not negated


def _names_word(words: str) -> bool:
    found = _TERM.fullmatch(words)
    if not found or found["what"] == "ie":
        return False
    if found["what"] != "mso" or not found["version"]:
        return True
    version = int(found["version"][:9])
    holds = {
        "lt": version > WORD_VERSION,
        "lte": version >= WORD_VERSION,
        "gt": version < WORD_VERSION,
        "gte": version <= WORD_VERSION,
    }
    return holds.get(found["compare"] or "", version == WORD_VERSION)
