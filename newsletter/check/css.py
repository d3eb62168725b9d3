"""Split CSS into rules and declarations."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

# Strings and one level of parentheses in one piece: a data: URI has semicolons, and a string may have braces.
_PIECE = re.compile(
    r""""(?:[^"\\\n]|\\.)*"|'(?:[^'\\\n]|\\.)*'|\((?:[^()"']|"[^"]*"|'[^']*')*\)|[{};]|[^{};"'(]+|.""", re.DOTALL
)
_COMMENT = re.compile(r"/\*.*?(?:\*/|\Z)", re.DOTALL)


@dataclass(frozen=True, slots=True)
class Rule:
    """The words before a brace: a selector, or an at-rule. `nested`: a selector inside another one's braces."""

    prelude: str
    nested: bool = False


@dataclass(frozen=True, slots=True)
class Declaration:
    name: str
    value: str


@dataclass(frozen=True, slots=True)
class Comment:
    """One comment of the sheet."""


def parse_sheet(css: str) -> Iterator[Rule | Declaration | Comment]:
    """What stands in a style sheet, or in a style attribute. Broken CSS gives what can be made out."""
    bare, comments = _COMMENT.subn(" ", css)
    yield from (Comment() for _ in range(comments))
    open_rules: list[str] = []
    selectors = 0  # among them
    words: list[str] = []
    for piece in _PIECE.findall(bare):
        if piece not in {"{", "}", ";"}:
            words.append(piece)
            continue
        text = "".join(words).strip()
        words.clear()
        if piece == "{":
            if not (open_rules and _is_keyframes(open_rules[-1])):  # whose steps, `50%` or `from`, are no selectors
                yield Rule(text, nested=selectors > 0 and not text.startswith("@"))
            open_rules.append(text)
            selectors += not text.startswith("@")
        else:
            yield from _statement(text)
            if piece == "}" and open_rules:
                selectors -= not open_rules.pop().startswith("@")
    yield from _statement("".join(words).strip())


def _is_keyframes(rule: str) -> bool:
    return rule.startswith("@") and "keyframes" in rule[:24].lower()


def _statement(text: str) -> Iterator[Rule | Declaration]:
    if text.startswith("@"):
        yield Rule(text)
        return
    name, _, value = text.partition(":")
    name = name.strip()
    if name and value:
        yield Declaration(name if name.startswith("--") else name.lower(), value.strip())
