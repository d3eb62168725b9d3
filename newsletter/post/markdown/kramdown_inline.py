"""Inline rules of kramdown that differ from CommonMark's, as rules for markdown-it.

A post should look the same in the email as on the author's blog, and Jekyll renders with kramdown. Source: kramdown
2.4, lib/kramdown/parser/kramdown/emphasis.rb, smart_quotes.rb, typographic_symbol.rb and link.rb.
"""

from __future__ import annotations

import re
import string
from collections.abc import Mapping

from markdown_it import MarkdownIt
from markdown_it.common.utils import normalizeReference
from markdown_it.rules_inline.state_inline import Scanned, StateInline
from markdown_it.token import Token

from newsletter.post.markdown.cjk import CjkParserInline, CjkState, is_cjk
from newsletter.post.markdown.inline_rules import bare_url, math
from newsletter.post.markdown.rule_starts import STARTS, Rule

MAX_ADDRESS = 2_000
"""The longest link address with blanks, in characters."""

MAX_LOOK_BACK = 2_000
"""How far back quotes are counted, in characters."""

MAX_LOOK_AHEAD = 16
"""How many characters after a quote decide which one it is: the rules need four at most."""

_SYMBOLS = (("---", "—"), ("--", "–"), ("...", "…"), ("<< ", "«\u00a0"), ("<<", "«"), (">>", "»"))
# The end of the text rule: every character at which a rule of ours or of markdown-it may begin.
_STOPS = re.compile(r"[\n$&*<\[\\\]^_`~!:]|--|\.\.\.|>>|[\"']")
_PUNCTUATION = re.compile(r"[!-/:-@\[-`{-~](?!\.\.)(?![A-Za-z0-9_])")  # SQ_PUNCT, unless a word starts
_CLOSES_AFTER = re.compile(r"[^ \\\t\r\n\[{(-]")  # SQ_CLOSE
_ADDRESS = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*:|/|\.{1,2}/|#|[\w.-]+/|[^()\n]*\.\w{2,5}(?:[?#]|$)")
_ADDRESS_CHARACTERS = string.ascii_letters + string.digits + "-._~:/?#@!$&'*+,;=%"
_TITLES = {quote: re.compile(rf"(?<![ \t])[ \t]++{quote}(?P<title>.*){quote}[ \t]*$") for quote in "\"'"}


class KramdownState(CjkState):
    def scanDelims(self, start: int, canSplitWord: bool) -> Scanned:  # noqa: N802, N803 (the library's names)
        """Emphasis opens before anything but white space and closes after anything but white space.

        CommonMark requires more, and leaves `**Note:**read` as text. `_` stays literal inside a word.
        """
        mark = self.src[start]
        if mark not in "*_":
            return super().scanDelims(start, canSplitWord)
        end = start + 1
        while end < self.posMax and self.src[end] == mark:
            end += 1
        before = self.src[start - 1] if start else " "
        after = self.src[end] if end < self.posMax else " "
        opens, closes = not after.isspace(), not before.isspace()
        if not canSplitWord:
            opens = opens and not (before.isalnum() and after.isalpha())
            closes = closes and not after.isalnum()
        return Scanned(opens, closes, end - start)


class KramdownParserInline(CjkParserInline):
    """markdown-it's inline parser with kramdown's emphasis, for one `MarkdownIt` instance; others are unaffected."""

    state: type[StateInline] = KramdownState

    def __init__(self) -> None:
        super().__init__(_STARTS)
        self.terminator_re = _STOPS


def use_kramdown_inline(parser: MarkdownIt, *, smart_punctuation: bool) -> None:
    """Add the rules to a parser. `smart_punctuation`: `--`, `...` and straight quotes become – … “ ” ‘ ’."""
    parser.inline = KramdownParserInline()
    rules = parser.inline.ruler
    if smart_punctuation:
        rules.before("newline", "smart_symbols", smart_symbols)
        rules.before("newline", "smart_quotes", smart_quotes)
    else:
        rules.before("newline", "guillemets", guillemets)
    rules.before("escape", "double_backslash", double_backslash)
    rules.before("link", "spaced_reference", spaced_reference)
    rules.after("image", "address_with_blanks", address_with_blanks)


def smart_symbols(state: StateInline, silent: bool) -> bool:
    if state.src[state.pos] not in "-.<>":
        return False
    found = next((pair for pair in _SYMBOLS if state.src.startswith(pair[0], state.pos)), None)
    if found is None or _in_address(state.src, state.pos):
        return False
    written, printed = found
    if not silent:
        if printed == "»" and state.pending.endswith(" "):
            state.pending = state.pending[:-1] + "\u00a0"
        state.pending += printed
    state.pos += len(written)
    return True


def guillemets(state: StateInline, silent: bool) -> bool:
    """`<<words>>` without smart punctuation: literal, and no HTML tag."""
    if not state.src.startswith("<<", state.pos):
        return False
    if not silent:
        state.pending += "<<"
    state.pos += 2
    return True


def smart_quotes(state: StateInline, silent: bool) -> bool:
    """A straight quote as an opening or closing one, by kramdown's ten rules in their order.

    Between two CJK characters, where those rules would always close, quotes open and close alternately; one beside a
    CJK character whose partner the author wrote as “ or ” is its other half.
    """
    position = state.pos
    quote = state.src[position]
    if quote not in "\"'" or _in_address(state.src, position):
        return False
    following = state.src[position + 1 : min(position + 1 + MAX_LOOK_AHEAD, state.posMax)]
    size = 1
    if re.match("[\"'](?=[A-Za-z0-9_])", following) and following[0] != quote and _before(state) in ("", " ", "\n"):
        printed, size = ("“‘" if quote == '"' else "‘“"), 2
    else:
        printed = _closing(quote) if _closes(state, following) else _opening(quote)
    if not silent:
        state.pending += printed
    state.pos += size
    return True


def _closes(state: StateInline, following: str) -> bool:
    before = _before(state)
    quote = state.src[state.pos]
    if before and following and quote == '"' and (is_cjk(before) or is_cjk(following[0])):
        partner = _written_partner(state)
        if partner:
            return partner == "“"
    if before and following and is_cjk(before) and (is_cjk(following[0]) or following[0].isalnum()):
        earlier = state.src[max(0, state.pos - MAX_LOOK_BACK) : state.pos]
        return earlier[max(earlier.rfind("“"), earlier.rfind("”")) + 1 :].count(quote) % 2 == 1
    if not before:
        if re.match(r"[_*]{1,2}\S", following):
            return False
        if _PUNCTUATION.match(following):
            return True
    if not before.strip() and quote == "'" and re.match(r"\d\ds", following):
        return True
    if before:
        return bool(_CLOSES_AFTER.match(before))
    return bool(re.match(r"\s|s\b|$", following))


def _written_partner(state: StateInline) -> str:
    """The “ before a straight quote or the ” after it, with no other double quote between; empty if there is none."""
    earlier = state.src[max(0, state.pos - MAX_LOOK_BACK) : state.pos]
    if earlier.rfind("“") > max(earlier.rfind("”"), earlier.rfind('"')):
        return "“"
    later = state.src[state.pos + 1 : min(state.pos + 1 + MAX_LOOK_BACK, state.posMax)]
    end = later.find("”")
    return "”" if end >= 0 and not ('"' in later[:end] or "“" in later[:end]) else ""


def _before(state: StateInline) -> str:
    """The character before a quote, as kramdown sees it: not that of a mark, which its parser has consumed."""
    if not state.pos:
        return ""
    before = state.src[state.pos - 1]
    return before if before.isspace() or state.pending.endswith(before) else ""


def _opening(quote: str) -> str:
    return "“" if quote == '"' else "‘"


def _closing(quote: str) -> str:
    return "”" if quote == '"' else "’"


def _in_address(text: str, position: int) -> bool:
    """Whether the word around a position is a URL, whose hyphens and quotes must stay."""
    if text.find("://", max(0, position - MAX_ADDRESS), position + MAX_ADDRESS) < 0:
        return False
    before = text[max(0, position - MAX_ADDRESS) : position]
    after = text[position : position + MAX_ADDRESS]
    start = len(before.rstrip(_ADDRESS_CHARACTERS))
    return "://" in before[start:] + after[: len(after) - len(after.lstrip(_ADDRESS_CHARACTERS))]


def double_backslash(state: StateInline, silent: bool) -> bool:
    """Two backslashes at a line's end are a line break."""
    if not state.src.startswith("\\\\\n", state.pos):
        return False
    if not silent:
        state.push("hardbreak", "br", 0)
    state.pos += 3
    while state.pos < state.posMax and state.src[state.pos] in " \t":
        state.pos += 1
    return True


def spaced_reference(state: StateInline, silent: bool) -> bool:
    """`[text] [ref]`: a space or a line end may separate a link's text from its reference."""
    is_note = state.src.startswith("[^", state.pos)
    if state.src[state.pos] != "[" or is_note or not state.env.get("references"):
        return False
    if not state.pos and re.match(r"\[[ xX]\]\s", state.src):  # the box of a task
        return False
    end = state.md.helpers.parseLinkLabel(state, state.pos, True)
    found = re.compile(r"\](?: ?\n ?| )\[([^\[\]\n]+)\]").match(state.src, end) if end > 0 else None
    reference = state.env["references"].get(normalizeReference(found[1])) if found else None
    if not found or not reference or found.end() > state.posMax:
        return False
    if not silent:
        _push_link(state, state.pos + 1, end, reference["href"], reference.get("title", ""))
    state.pos = found.end()
    return True


def address_with_blanks(state: StateInline, silent: bool) -> bool:
    """`[text](https://example.com/a page.html)`: in kramdown an address extends to its parenthesis, blanks included."""
    is_image = state.src.startswith("![", state.pos)
    if state.src[state.pos] != "[" and not is_image:
        return False
    start = state.pos + 1 + is_image
    end = state.md.helpers.parseLinkLabel(state, start - 1, not is_image)
    if end < 0 or not state.src.startswith("](", end):
        return False
    inside = _to_parenthesis(state.src, end + 2, state.posMax)
    if inside is None:
        return False
    quote = inside.rstrip()[-1:]
    titled = _TITLES[quote].search(inside) if quote in _TITLES else None
    address = (inside[: titled.start()] if titled else inside).strip().strip("<>")
    if " " not in address or not _ADDRESS.match(address):
        return False
    if not silent:
        href = state.md.normalizeLink(re.sub(r"[ \t]", "%20", address))
        title = titled["title"] if titled else ""
        if is_image:
            token = state.push("image", "img", 0)
            token.attrs = {"src": href, "alt": "", **({"title": title} if title else {})}
            token.content = state.src[start:end]
            token.children = []
            state.md.inline.parse(token.content, state.md, state.env, token.children)
        else:
            token = _push_link(state, start, end, href, title)
        token.meta = {"blanks": address}
    state.pos = end + 2 + len(inside) + 1
    return True


def _to_parenthesis(text: str, start: int, limit: int) -> str | None:
    """The text up to the matching parenthesis, on the same line."""
    depth = 1
    for position in range(start, min(limit, start + MAX_ADDRESS)):
        match text[position]:
            case "\n":
                return None
            case "(":
                depth += 1
            case ")":
                depth -= 1
                if not depth:
                    return text[start:position]
    return None


def _push_link(state: StateInline, start: int, end: int, href: str, title: str) -> Token:
    """Push a link around the text between two positions; returns its opening token."""
    opening = state.push("link_open", "a", 1)
    opening.attrs = {"href": href, **({"title": title} if title else {})}
    position, limit = state.pos, state.posMax
    state.pos, state.posMax = start, end
    state.linkLevel += 1
    state.md.inline.tokenize(state)
    state.linkLevel -= 1
    state.pos, state.posMax = position, limit
    state.push("link_close", "a", -1)
    return opening


_STARTS: Mapping[Rule, str] = {
    **STARTS,
    math: "$",
    bare_url: ":",
    smart_symbols: "-.<>",
    guillemets: "<",
    smart_quotes: "\"'",
    double_backslash: "\\",
    spaced_reference: "[",
    address_with_blanks: "[!",
}
"""The first letters of all rules that a post is read with."""
