"""Ask of a line the block rules that may begin with its first letter: markdown-it asks all of them at every line."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import cache

from markdown_it import MarkdownIt, rules_block
from markdown_it.rules_block import StateBlock
from mdit_py_plugins.dollarmath.index import math_block_dollar
from mdit_py_plugins.footnote.index import footnote_def

from newsletter.post.markdown.admonitions import admonition
from newsletter.post.markdown.containers import container
from newsletter.post.markdown.kramdown_blocks import (
    abbreviation,
    attribute_list,
    end_of_block,
    glued_heading,
    html_element,
    reference_with_blanks,
)

Rule = Callable[[StateBlock, int, int, bool], bool]

# With labels it would lose their words, with blank lines `$$` of two paragraphs would join everything between them.
math_block: Rule = math_block_dollar(allow_labels=False, allow_blank_lines=False)

STARTS: Mapping[Rule, str] = {
    rules_block.blockquote: ">",
    rules_block.fence: "`~",
    rules_block.heading: "#",
    rules_block.hr: "*-_",
    rules_block.list_block: "*-+0123456789",
    rules_block.reference: "[",
    math_block: "$",
    footnote_def: "[",
    abbreviation: "*",
    admonition: "!?=",
    attribute_list: "{",
    container: ":",
    end_of_block: "^",
    glued_heading: "#",
    html_element: "<",
    reference_with_blanks: "[",
}
"""The first letters of rules, behind the line's indentation. A rule that is not here is asked at every line."""

_MARKS = frozenset("".join(STARTS.values()))


def ask_by_letter(parser: MarkdownIt) -> None:
    """Let a parser that has all its rules ask by letter, in the lists of rules that end a paragraph too.

    A list then has one rule, which asks those that may begin with the line's letter.
    """
    of_chain = parser.block.ruler.getRules

    @cache
    def one_rule(chain: str) -> list[Rule]:
        return [_as_one(of_chain(chain))]

    parser.block.ruler.getRules = one_rule  # type: ignore[method-assign]


def _as_one(rules: Sequence[Rule]) -> Rule:
    by_mark: dict[str, tuple[Rule, ...]] = {}  # "" is any other letter

    def ask(state: StateBlock, line: int, end: int, silent: bool) -> bool:
        place = state.bMarks[line] + state.tShift[line]
        mark = state.src[place : place + 1]
        if mark not in _MARKS:
            mark = ""
        if (asked := by_mark.get(mark)) is None:
            asked = by_mark[mark] = tuple(
                rule for rule in rules if rule not in STARTS or (mark and mark in STARTS[rule])
            )
        for rule in asked:  # noqa: SIM110 - `any` would cost a generator for each line
            if rule(state, line, end, silent):
                return True
        return False

    return ask
