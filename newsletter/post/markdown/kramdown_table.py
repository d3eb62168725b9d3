"""Tables of kramdown and GFM, as a rule for markdown-it.

A table needs no header; `|---+---|` separates the head from the body, and bodies from each other; `|===|` begins the
foot. A bar inside code is text. No cell is dropped: a row longer than the others makes the table wider.
Source: kramdown 2.4, lib/kramdown/parser/kramdown/table.rb.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from markdown_it.rules_block import StateBlock

MAX_EMPTY_CELLS = 65_536
"""The limit of empty cells that pad short rows, as in markdown-it."""

_PARTS = re.compile(r"[+|: \t]*+-[+|: \t-]*+$")
_FOOT = re.compile(r"[+|: \t]*+=[+|: \t=]*+$")
_DELIMITERS = re.compile(r"[ \t]*+(?:\|[ \t]*+)?:?-++:?[ \t]*+(?:\|[ \t]*+:?-++:?[ \t]*+)*\|?[ \t]*+$")
_COLUMN = re.compile(r"[ \t]?(:?)-+(:?)[ \t]?")
_CODE = re.compile(r"(?<!\\)(?:(?<!`)|(?<=\\`))(`++)(?:.*?[^`])\1(?!`)|<code\b[^<>]*>(?:(?!<code\b).)*?</code>")
_BAR = re.compile(r"(?<!\\)\|")


def split_cells(line: str) -> list[str]:
    """The cells of one row, outer bars included as empty cells; `\\|` is a literal bar."""
    cells = [""]
    position = 0
    for start, end in (*(found.span() for found in _CODE.finditer(line)), (len(line), len(line))):
        first, *others = _BAR.split(line[position:start])
        cells[-1] += first
        cells += others
        cells[-1] += line[start:end]
        position = end
    return [cell.replace("\\|", "|").strip() for cell in cells]


def table(state: StateBlock, startLine: int, endLine: int, silent: bool) -> bool:  # noqa: N803
    if state.src.find("|", state.bMarks[startLine], state.eMarks[startLine]) < 0:
        return False
    lines = _lines(state, startLine, endLine)
    first = next(lines, "")
    if "|" not in first or _BEGINS_ANOTHER.match(first):
        return False
    second = next(lines, "")
    is_gfm = bool(_DELIMITERS.match(second)) and ("|" in second or ":" in second)
    is_gfm = is_gfm and len(_columns(first)) <= len(_columns(second)) and not _PARTS.match(first)
    if silent:  # only GFM's tables may follow a paragraph's line
        return is_gfm and len(_columns(first)) == len(_columns(second))
    rows, last = _gfm_rows(state, startLine, endLine) if is_gfm else _kramdown_rows(state, startLine, endLine)
    if not rows:
        return False
    _push_table(state, rows, startLine, last)
    state.line = last
    return True


_BEGINS_ANOTHER = re.compile(r">|#{1,6}[ \t]|(?:[-*+]|\d{1,9}[.)])[ \t]")
"""A quote, a heading or an item, which kramdown tries before tables: a table may begin inside it."""

_Row = tuple[int, str, list[str]]
"""A line's number, its kind (`row`, `parts`, `foot`), and its cells."""


def _lines(state: StateBlock, start: int, end: int) -> Iterator[str]:
    """The lines that may be one table: not blank, not indented code, not of an outer block."""
    for line in range(start, end):
        if state.isEmpty(line) or state.sCount[line] < state.blkIndent or state.is_code_block(line):
            return
        yield state.src[state.bMarks[line] + state.tShift[line] : state.eMarks[line]].rstrip()


def _columns(line: str) -> list[str]:
    cells = split_cells(line)
    if cells and not cells[0]:
        cells.pop(0)
    if cells and not cells[-1]:
        cells.pop()
    return cells


def _gfm_rows(state: StateBlock, start: int, end: int) -> tuple[list[_Row], int]:
    """Rows up to a blank line or the start of another block (GFM 4.10); one may lack its bars."""
    terminators = state.md.block.ruler.getRules("blockquote")
    rows: list[_Row] = []
    line = start
    for text in _lines(state, start, end):
        if line > start + 1 and any(rule(state, line, end, True) for rule in terminators):
            break
        if text.startswith("{:") and text.endswith("}") and "|" not in text:
            break
        rows.append(_row(line, text))
        line += 1
    return rows, line


def _kramdown_rows(state: StateBlock, start: int, end: int) -> tuple[list[_Row], int]:
    """Rows that each have a bar outside code; none if there is a line without one, or no row at all."""
    rows: list[_Row] = []
    line = start
    for text in _lines(state, start, end):
        if (text.startswith("{:") and text.endswith("}") and "|" not in text) or text == "^":
            break
        if "|" not in text or (len(split_cells(text)) == 1):
            return [], start
        rows.append(_row(line, text))
        line += 1
    body = [kind for _, kind, _ in rows if kind == "row"]
    # A single line without a leading bar is probably text, and reads the same.
    is_words = len(rows) == 1 and rows[0][2][0] != ""
    return ([], start) if not body or is_words else (rows, line)


def _row(line: int, text: str) -> _Row:
    kind = "parts" if _PARTS.match(text) else "foot" if _FOOT.match(text) else "row"
    return line, kind, split_cells(text)


def _push_table(state: StateBlock, rows: list[_Row], start: int, end: int) -> None:
    leading = rows[0][2][0] == "" and len(rows[0][2]) > 1
    head: list[_Row] = []
    body: list[_Row] = []
    align: list[str] | None = None
    foot = False
    for line, kind, cells in rows:
        if kind == "row":
            if leading and not cells[0] and len(cells) > 1:
                cells.pop(0)
            if len(cells) > 1 and not cells[-1]:
                cells.pop()
            body.append((line, kind, cells))
        elif kind == "foot":
            foot = True
        elif body and align is None and not foot:
            head, body = body, []
            align = [
                "center" if left and right else "left" if left else "right" if right else ""
                for left, right in _COLUMN.findall(state.src[state.bMarks[line] : state.eMarks[line]])
            ]
    lengths = [len(cells) for _, _, cells in (*head, *body)]
    width = max(lengths)
    if sum(width - length for length in lengths) > MAX_EMPTY_CELLS:
        width = 0  # rows keep their own length
    state.push("table_open", "table", 1).map = [start, end]
    for name, cell, part in (("thead", "th", head[:1]), ("tbody", "td", [*head[1:], *body])):
        if not part:
            continue
        state.push(f"{name}_open", name, 1).map = [part[0][0], part[-1][0] + 1]
        for line, _, cells in part:
            state.push("tr_open", "tr", 1).map = [line, line + 1]
            filled = [*cells, *[""] * (width - len(cells))]
            for content, side in zip(filled, [*(align or []), *[""] * len(filled)], strict=False):
                opening = state.push(f"{cell}_open", cell, 1)
                opening.map = [line, line + 1]
                if side:
                    opening.attrs = {"style": f"text-align:{side}"}
                inline = state.push("inline", "", 0)
                inline.map, inline.content, inline.children = [line, line + 1], content, []
                state.push(f"{cell}_close", cell, -1)
            state.push("tr_close", "tr", -1)
        state.push(f"{name}_close", name, -1)
    state.push("table_close", "table", -1)
