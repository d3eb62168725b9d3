"""Core rule: list items without a space after the number (`4.text`), which Markdown adds to the previous item.

CommonMark parses such a line as a lazy continuation of the paragraph above. If it begins with exactly the next number
of an open list, it becomes the next item.
"""

from __future__ import annotations

import re
from collections import deque
from dataclasses import dataclass

from markdown_it.rules_core import StateCore
from markdown_it.token import Token

# Never a digit: `4.5` is a number, and `4.x` a version.
_GLUED = r"(\d{1,3})[.．、](?![xX](?!\w))(?=[^\W\d_]|[*\[\"'“”‘’«»„「『《〈【（])"
_ANYWHERE = re.compile(rf"^[> \t]*{_GLUED}", re.MULTILINE)
_LINE = re.compile(rf"(?<![ \t])[ \t]*+{_GLUED}")
GLUED = "glued_number"
"""The key in an item's `meta` that has its number as text."""


@dataclass(slots=True)
class _Open:
    """An open container; for an ordered list, the number of its last item."""

    token: Token
    number: int = 0


def split_glued_items(state: StateCore) -> None:
    """Split the paragraphs that contain such lines. Runs after block parsing and before inline parsing."""
    if not _ANYWHERE.search(state.src):
        return
    rest = deque(state.tokens)
    out: list[Token] = []
    stack: list[_Open] = []
    while rest:
        token = rest.popleft()
        if token.nesting == 1:
            if token.type == "list_item_open" and stack:
                stack[-1].number += 1
            start = int(token.attrs.get("start", 1)) if token.type == "ordered_list_open" else 0
            stack.append(_Open(token, start - 1))
        elif token.nesting == -1:
            stack.pop()
        elif token.type == "inline" and stack and stack[-1].token.type == "paragraph_open":
            _part(token, stack, out, rest)
            continue
        out.append(token)
    state.tokens = out


def _part(inline: Token, stack: list[_Open], out: list[Token], rest: deque[Token]) -> None:
    """Keep the paragraph's content up to the first such line; put the rest before `rest`, as an item of its own.

    What follows in the item goes with the new one. In a list or quote inside the item, the paragraph must be the last.
    """
    lines = inline.content.split("\n")
    in_code = False  # the code marks so far: an odd number means that code may span the line end
    for index, line in enumerate(lines[1:], 1):
        in_code ^= lines[index - 1].count("`") % 2 == 1
        found = _LINE.match(line)
        if found is None or in_code:
            continue
        for depth in range(len(stack) - 2, 0, -1):
            item, parent = stack[depth].token, stack[depth - 1]
            if not (parent.token.type == "ordered_list_open" and _follows(int(found[1]), parent.number, item)):
                continue
            closings = [rest[at] for at in range(len(stack) - 1 - depth)]
            if any(each.nesting != -1 for each in closings):
                continue
            first = (inline.map or [0, 0])[0] + index
            opening, paragraph = _new_item(item, stack[-1].token, found[1], first)
            content = Token("inline", "", 0, map=paragraph.map, level=paragraph.level + 1, block=True, children=[])
            content.content = "\n".join([line[found.end() :], *lines[index + 1 :]])
            inline.content = "\n".join(lines[:index])
            end_paragraph = Token(
                "paragraph_close", "p", -1, level=paragraph.level, block=True, hidden=paragraph.hidden
            )
            end_item = Token("list_item_close", "li", -1, level=item.level, block=True, markup=item.markup)
            for _ in closings:
                rest.popleft()
            out += [inline, *closings, end_item]
            del stack[depth:]
            rest.extendleft(reversed([opening, paragraph, content, end_paragraph]))
            return
    out.append(inline)


def _follows(number: int, before: int, item: Token) -> bool:
    """Whether it is the next number by Markdown's counting, or after the previous item's number as written."""
    return number == before + 1 or (item.info.isdigit() and number == int(item.info) + 1)


def _new_item(item: Token, paragraph: Token, number: str, first: int) -> tuple[Token, Token]:
    end = max((item.map or [first, first])[1], first + 1)
    meta = {GLUED: number}
    opening = Token("list_item_open", "li", 1, map=[first, end], level=item.level, block=True, markup=item.markup)
    opening.info, opening.meta = number, meta
    until = max((paragraph.map or [first, first])[1], first + 1)
    level = item.level + 1
    hidden = paragraph.hidden
    return opening, Token("paragraph_open", "p", 1, map=[first, until], level=level, block=True, hidden=hidden)
