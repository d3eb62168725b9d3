"""Emphasis beside Chinese, Japanese and Korean text, where Markdown expects spaces between words.

CommonMark's flanking rules leave `**模型（测试版）**已` as literal asterisks, because a punctuation mark is inside the
delimiter and a letter outside. kramdown, which Jekyll uses, makes it bold. The rule here follows the CommonMark
amendment proposed as "CJK-friendly" (https://github.com/tats-u/markdown-cjk-friendly, specification.md): a CJK
character beside the delimiter allows it, and only punctuation that is not CJK prevents it.
"""

from __future__ import annotations

import unicodedata
from bisect import bisect_right
from collections.abc import Mapping, MutableMapping
from itertools import chain
from typing import Any

from markdown_it import MarkdownIt
from markdown_it.common.utils import isMdAsciiPunct, isPunctChar, isWhiteSpace
from markdown_it.parser_inline import ParserInline
from markdown_it.rules_inline.state_inline import Scanned, StateInline
from markdown_it.token import Token

from newsletter.post.markdown.rule_starts import STARTS, Rule, RulesByLetter

# Emoji_Presentation=Yes among the wide characters, Unicode 17.0 emoji-data.txt: wide, but not CJK.
_EMOJI_RANGES = (
    "231a-231b 23e9-23ec 23f0 23f3 25fd-25fe 2614-2615 2648-2653 267f 2693 26a1 26aa-26ab 26bd-26be 26c4-26c5 26ce "
    "26d4 26ea 26f2-26f3 26f5 26fa 26fd 2705 270a-270b 2728 274c 274e 2753-2755 2757 2795-2797 27b0 27bf 2b1b-2b1c "
    "2b50 2b55 1f004 1f0cf 1f18e 1f191-1f19a 1f1e6-1f1ff 1f201 1f21a 1f22f 1f232-1f236 1f238-1f23a 1f250-1f251 "
    "1f300-1f320 1f32d-1f335 1f337-1f37c 1f37e-1f393 1f3a0-1f3ca 1f3cf-1f3d3 1f3e0-1f3f0 1f3f4 1f3f8-1f43e 1f440 "
    "1f442-1f4fc 1f4ff-1f53d 1f54b-1f54e 1f550-1f567 1f57a 1f595-1f596 1f5a4 1f5fb-1f64f 1f680-1f6c5 1f6cc "
    "1f6d0-1f6d2 1f6d5-1f6d8 1f6dc-1f6df 1f6eb-1f6ec 1f6f4-1f6fc 1f7e0-1f7eb 1f7f0 1f90c-1f93a 1f93c-1f945 "
    "1f947-1f9ff 1fa70-1fa7c 1fa80-1fa8a 1fa8e-1fac6 1fac8 1facd-1fadc 1fadf-1faea 1faef-1faf8"
)
# Script=Hangul with a neutral East Asian Width: the conjoining vowels and finals (Unicode 17.0, Scripts.txt).
_NEUTRAL_HANGUL = ((0x1160, 0x11FF), (0xD7B0, 0xD7C6), (0xD7CB, 0xD7FB))


def _bounds(ranges: str) -> list[int]:
    """Sorted boundaries: a code point is inside if an odd number of boundaries is at or below it."""
    pairs = (part.partition("-") for part in ranges.split())
    return list(chain.from_iterable((int(low, 16), int(high or low, 16) + 1) for low, _, high in pairs))


_EMOJI_BOUNDS = _bounds(_EMOJI_RANGES)

_CJK_QUOTES_WITH_SELECTOR = "‘’“”"


def is_cjk(char: str) -> bool:
    """Whether the amendment counts a character as CJK: wide, full-width or half-width and no emoji, or Hangul."""
    return _cjk_or_unknown(char) is True


def _cjk_or_unknown(char: str) -> bool | None:
    """As `is_cjk`, but None for East Asian Width "ambiguous", which a variation selector may decide."""
    code = ord(char)
    if code < 0x1100:
        return False
    match unicodedata.east_asian_width(char):
        case "F" | "H":
            return True
        case "W":
            return bisect_right(_EMOJI_BOUNDS, code) % 2 == 0
        case "A":
            return None
        case "N":
            return any(low <= code <= high for low, high in _NEUTRAL_HANGUL)
    return False


def joins_without_space(before: str, after: str) -> bool:
    """Whether a line end between these two characters is dropped: both CJK, and neither Hangul, which uses spaces."""
    return all(is_cjk(char) and not _is_hangul(char) for char in (before, after))


def _is_hangul(char: str) -> bool:
    return "HANGUL" in unicodedata.name(char, "")


class CjkState(StateInline):
    def scanDelims(self, start: int, canSplitWord: bool) -> Scanned:  # noqa: N802, N803 (the library's names)
        """As CommonMark 6.2 with the amendment. `canSplitWord` is false for `_`, which the amendment leaves alone."""
        marker = self.src[start]
        end = start
        while end < self.posMax and self.src[end] == marker:
            end += 1
        following = self.src[end] if end < self.posMax else " "
        preceding = self.src[start - 1] if start > 0 else " "
        selected = ""
        main = preceding
        if "\ufe00" <= preceding <= "\ufe0e":
            # A variation selector belongs to the preceding character.
            selected = self.src[start - 2] if start > 1 else " "
            if unicodedata.category(selected) != "Zs":
                main = selected

        space_before, space_after = isWhiteSpace(ord(main)), isWhiteSpace(ord(following))
        if space_before or space_after:
            return Scanned(not space_after, not space_before, end - start)

        punct_before = isMdAsciiPunct(ord(main)) or isPunctChar(main)
        punct_after = isMdAsciiPunct(ord(following)) or isPunctChar(following)
        opens, closes = punct_before, punct_after
        if canSplitWord:
            beside_cjk = is_cjk(following) or _cjk_before(preceding, selected)
            opens = opens or beside_cjk or not punct_after
            closes = closes or beside_cjk or not punct_before
        return Scanned(opens, closes, end - start)


def _cjk_before(preceding: str, selected: str) -> bool:
    if selected:
        known = _cjk_or_unknown(selected)
        return known if known is not None else preceding == "\ufe01" and selected in _CJK_QUOTES_WITH_SELECTOR
    known = _cjk_or_unknown(preceding)
    return known if known is not None else 0xE0100 <= ord(preceding) <= 0xE01EF


class CjkParserInline(ParserInline):
    """markdown-it's inline parser with the rule above, for one `MarkdownIt` instance; others are unaffected."""

    state: type[StateInline] = CjkState

    def __init__(self, starts: Mapping[Rule, str] = STARTS) -> None:
        super().__init__()
        self._starts = starts
        self._by_letter = RulesByLetter((), starts)

    def rules_by_letter(self) -> RulesByLetter:
        rules = self.ruler.getRules("")
        if self._by_letter.rules is not rules:  # the parser was given more of them
            self._by_letter = RulesByLetter(rules, self._starts)
        return self._by_letter

    def tokenize(self, state: StateInline) -> None:
        """As the library's, which asks every rule at every mark."""
        by_letter = self.rules_by_letter()
        end, deepest = state.posMax, state.md.options["maxNesting"]
        while state.pos < end:
            start = state.pos
            is_known = False
            if state.level < deepest:
                for rule in by_letter[state.src[start]]:
                    if is_known := rule(state, False):
                        break
            if not is_known:
                state.append_pending(state.src[state.pos])
                state.pos += 1
            elif state.pos <= start:
                raise RuntimeError("inline rule didn't increment state.pos")
        if state.pending:
            state.pushPending()

    def skipToken(self, state: StateInline) -> None:  # noqa: N802 (the library's name)
        """As the library's, in the same way."""
        start = state.pos
        if (known := state.cache.get(start)) is not None:
            state.pos = known
            return
        is_known = False
        if state.level < state.md.options["maxNesting"]:
            state.level += 1
            for rule in self.rules_by_letter()[state.src[start]]:
                if is_known := rule(state, True):
                    break
            state.level -= 1
        else:
            state.pos = state.posMax
        if not is_known:
            state.pos += 1
        elif state.pos <= start:
            raise RuntimeError("inline rule didn't increment state.pos")
        state.cache[start] = state.pos

    def parse(self, src: str, md: MarkdownIt, env: MutableMapping[str, Any], tokens: list[Token]) -> list[Token]:
        if src and not self.terminator_re.search(src):  # words alone, as most cells are
            token = Token("text", "", 0, content=src)
            tokens.append(token)
            return tokens
        state = self.state(src, md, env, tokens)
        self.tokenize(state)
        for rule in self.ruler2.getRules(""):
            rule(state)
        return state.tokens
