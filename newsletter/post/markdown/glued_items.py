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

from newsletter.post.markdown.story import COUNTED_ON

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
    rest = deque(_with_lists(state.tokens))
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


# --- a list whose first number has no space: to Markdown it is a paragraph --------------------------------------------


def _with_lists(tokens: list[Token]) -> list[Token]:
    """`1.甲` and `2. 乙` on lines of one paragraph as a list, below words or inside a quote or an item.

    A paragraph of the post's own level that begins so is left: its numbers may count on in the next one.
    """
    out: list[Token] = []
    depth = 0
    for token in tokens:
        depth += token.nesting
        paragraph = out[-1] if out else None
        if token.type != "inline" or not token.map or not paragraph or paragraph.type != "paragraph_open":
            out.append(token)
            continue
        lines = token.content.split("\n")
        starts = _counted_lines(lines)
        if len(starts) < 2 or (not starts[0] and depth == 1):
            out.append(token)
        elif starts[0]:
            token.content = "\n".join(lines[: starts[0]])
            closing = Token("paragraph_close", "p", -1, level=paragraph.level, block=True, hidden=paragraph.hidden)
            out += [token, closing, *_list(lines, starts, token.map[0], paragraph), _NOTHING]
        else:
            out.pop()
            out += [*_list(lines, starts, token.map[0], paragraph), _NOTHING]
    return _without_ends(out)


_NOTHING = Token("nothing", "", 0)
"""Stands before the end of a paragraph that is written already."""


def _without_ends(tokens: list[Token]) -> list[Token]:
    return [
        token
        for index, token in enumerate(tokens)
        if token is not _NOTHING and not (index and tokens[index - 1] is _NOTHING)
    ]


def _counted_lines(lines: list[str]) -> list[int]:
    """The lines that begin with 1 without a space, then with 2, 3 and so on; code may run over a line's end."""
    starts: list[int] = []
    in_code = False
    for index, line in enumerate(lines):
        found = (COUNTED_ON if starts else _LINE).match(line.lstrip(" \t")) if not in_code else None
        if found and int(found[1]) == len(starts) + 1:
            starts.append(index)
        in_code ^= line.count("`") % 2 == 1
    return starts


def _list(lines: list[str], starts: list[int], first: int, paragraph: Token) -> list[Token]:
    """The tokens of a list of these lines, each item a tight paragraph."""
    level = paragraph.level
    until = first + len(lines)
    opening = Token("ordered_list_open", "ol", 1, map=[first + starts[0], until], level=level, block=True, markup=".")
    out = [opening]
    for number, (start, end) in enumerate(zip(starts, [*starts[1:], len(lines)], strict=True), 1):
        text = lines[start].lstrip(" \t")
        found = COUNTED_ON.match(text)
        after = found.end() if found else 0
        is_glued = not text[after - 1 : after].isspace()
        place = [first + start, first + end]
        item = Token("list_item_open", "li", 1, map=place, level=level + 1, block=True, markup=".", info=str(number))
        item.meta = {GLUED: str(number)} if is_glued else {}
        content = Token("inline", "", 0, map=place, level=level + 3, block=True, children=[])
        content.content = "\n".join([text[after:], *lines[start + 1 : end]])
        out += [
            item,
            Token("paragraph_open", "p", 1, map=place, level=level + 2, block=True, hidden=True),
            content,
            Token("paragraph_close", "p", -1, level=level + 2, block=True, hidden=True),
            Token("list_item_close", "li", -1, level=level + 1, block=True, markup="."),
        ]
    return [*out, Token("ordered_list_close", "ol", -1, level=level, block=True, markup=".")]
