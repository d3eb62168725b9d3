"""Ask of a letter the inline rules that may begin with it: markdown-it asks all of them at every mark of a text."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from markdown_it import rules_inline
from markdown_it.rules_inline.state_inline import StateInline
from mdit_py_plugins.footnote.index import footnote_inline

Rule = Callable[[StateInline, bool], bool]

STARTS: Mapping[Rule, str] = {
    rules_inline.newline: "\n",
    rules_inline.escape: "\\",
    rules_inline.backtick: "`",
    rules_inline.strikethrough.tokenize: "~",
    rules_inline.emphasis.tokenize: "*_",
    rules_inline.link: "[",
    rules_inline.image: "!",
    rules_inline.autolink: "<",
    rules_inline.html_inline: "<",
    rules_inline.entity: "&",
    footnote_inline: "^",
}
"""The first letters of the libraries' rules. A rule that is in no such table is asked at every letter."""


class RulesByLetter(dict[str, tuple[Rule, ...]]):
    """The rules of a parser by the letter that they may begin with, each letter's in the parser's order."""

    def __init__(self, rules: Sequence[Rule], starts: Mapping[Rule, str]) -> None:
        super().__init__()
        self.rules = rules
        self._starts = starts

    def __missing__(self, letter: str) -> tuple[Rule, ...]:
        found = self[letter] = tuple(rule for rule in self.rules if letter in self._starts.get(rule, letter))
        return found
