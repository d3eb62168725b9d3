"""Containers between lines of colons, as Docusaurus, VitePress, Starlight, Quarto and Zenn write them: `:::tip[Title]`.

One with a known name becomes a quote with a kind, as GitHub's `[!TIP]` does; of another its content stays, without a
box. The rules are tolerant: a container that its author forgot to close ends with the block that it stands in.
"""

from __future__ import annotations

import re

from markdown_it import MarkdownIt
from markdown_it.ruler import RuleOptionsType
from markdown_it.rules_block import StateBlock

from newsletter.frozen import frozen
from newsletter.model.findings import Finding
from newsletter.post.markdown.alerts import ALERTS, kind_of_classes

NOTES = "container notes"
"""Key of `env`: line counted from 0 -> a Finding without a line."""

TITLE = "title"
"""Key of a paragraph's `meta`: it is the title of its box, or of a container without one."""

_CLOSERS = "container ends"
_ENDS = "container ends by their begin"
_LOOKED_THROUGH = "container lines"

MAX_LOOKED_THROUGH = 200_000
"""The limit of lines for all containers of a post together; beyond it their boxes are empty."""

_MARK = re.compile(r"(:{3,})[ \t]*")
_NAME = re.compile(r"[^\W\d_][\w-]*")
_DIRECTIVE = re.compile(r"\{([^\W\d_][\w-]*)\}")
_ATTRIBUTES = re.compile(r"\{([^{}]*)\}")
_NAMED_TITLE = re.compile(r"""\btitle=(?:"([^"]*)"|'([^']*)')""")
_OPTION = re.compile(r":[\w-]+:")
_FENCE = re.compile(r"[ \t]*(`{3,}|~{3,})[ \t]*(.*)$")
_KINDS_AS_TITLES = {"warn": "warning", "alert": "warning", "info": "note"}  # Qiita and Zenn: `:::note warn`


@frozen
class Opening:
    """The first line of a container. `kind` is empty where its name means no box to us; `title` is Markdown."""

    colons: int
    name: str
    kind: str
    title: str
    has_options: bool = False


def read_opening(line: str) -> Opening | None:
    """What a line of colons and a name begins; None if it is none, or ends a container."""
    mark = _MARK.match(line)
    if not mark:
        return None
    rest = line[mark.end() :].rstrip().rstrip(":").rstrip()  # Pandoc: `::: warning :::::`
    colons = len(mark[1])
    if directive := _DIRECTIVE.match(rest):  # MyST
        name = directive[1].lower()
        return Opening(colons, name, ALERTS.get(name, ""), rest[directive.end() :].strip(), has_options=True)
    if attributes := _ATTRIBUTES.match(rest):  # Pandoc and Quarto
        found = _NAMED_TITLE.search(attributes[1])
        name = next(iter(re.findall(r"\.([\w-]+)", attributes[1])), "")
        title = (found[1] or found[2] or "") if found else ""
        return Opening(colons, name or "div", kind_of_classes(attributes[1]), title)
    named = _NAME.match(rest)
    if not named:
        return None
    name, rest = named[0].lower(), rest[named.end() :]
    if rest[:1] not in ("", " ", "\t", "[", "{"):
        return None
    kind = ALERTS.get(name, "")
    label, rest = _bracketed(rest)
    title = label or _ATTRIBUTES.sub("", rest).strip()
    if kind and (other := _KINDS_AS_TITLES.get(title.lower())):
        kind, title = other, ""
    return Opening(colons, name, kind, title)


def _bracketed(rest: str) -> tuple[str, str]:
    """What stands between a pair of brackets at the beginning, and what follows it."""
    depth = 0
    for index, char in enumerate(rest):
        if index == 0 and char != "[":
            break
        depth += (char == "[") - (char == "]")
        if not depth:
            return rest[1:index].strip(), rest[index + 1 :]
    return "", rest


def use_containers(parser: MarkdownIt) -> None:
    ends_text: RuleOptionsType = {"alt": ["paragraph", "reference", "blockquote", "list"]}
    parser.block.ruler.before("fence", "container", container, ends_text)


def container(state: StateBlock, startLine: int, endLine: int, silent: bool) -> bool:  # noqa: N803
    """`:::name` to its line of colons. A line of colons that ends nothing is left out."""
    text = _line(state, startLine, outside=silent)
    if not text.startswith(":::"):
        return False
    if silent and state.sCount[startLine] < state.blkIndent:
        return not text.strip(": \t") or read_opening(text) is not None
    if not text.strip(": \t"):
        if not silent:
            _drop_end(state, startLine, len(text.rstrip()))
        return True
    opening = read_opening(text)
    if opening is None:
        return False
    end, is_closed = _end(state, startLine, endLine, opening.colons)
    if not is_closed and not opening.kind:
        return False  # perhaps words
    if silent:
        return True
    if not is_closed:
        what = f"the box :::{opening.name} is never closed and ends with the text around it"
        note(state, startLine, Finding("box-open", what, "write ::: on a line after its text"))
    if opening.kind:
        _box(state, startLine, end, opening)
        state.line = end + is_closed
        return True
    # Its content is read as if the two lines were not there.
    what = f":::{opening.name} is no box that we know; its words stay, without one"
    note(state, startLine, Finding("box-unknown", what, "write :::note for a box, or leave it"))
    state.env.setdefault(_CLOSERS, set()).add(end)
    if opening.title:
        add_title(state, startLine, opening.title, "strong")
    state.line = startLine + 1
    return True


def note(state: StateBlock, line: int, finding: Finding) -> None:
    state.env.setdefault(NOTES, {}).setdefault(line, finding)


def add_title(state: StateBlock, line: int, title: str, how: str) -> None:
    """A paragraph of the title alone; `how` is `title` in a box, `strong` outside of one."""
    opening = state.push("paragraph_open", "p", 1)
    opening.map, opening.meta = [line, line + 1], {TITLE: how}
    inline = state.push("inline", "", 0)
    inline.content, inline.map, inline.children = title, [line, line + 1], []
    state.push("paragraph_close", "p", -1)


def open_box(state: StateBlock, line: int, end: int, kind: str, title: str) -> None:
    opening = state.push("blockquote_open", "blockquote", 1)
    opening.map, opening.meta = [line, end], {"kind": kind}
    if title:
        add_title(state, line, title, "title")


def _box(state: StateBlock, start: int, end: int, opening: Opening) -> None:
    kind, title = opening.kind, opening.title
    first = start + 1
    while opening.has_options and first < end and _OPTION.match(text := _line(state, first)):
        if text.startswith(":class:"):
            kind = kind_of_classes("".join(f".{name} " for name in text.split()[1:])) or kind
        first += 1
    parent, limit = state.parentType, state.lineMax
    open_box(state, start, end, kind, title)
    state.parentType, state.lineMax = "container", end  # no paragraph continues past the end
    state.md.block.tokenize(state, first, end)
    state.push("blockquote_close", "blockquote", -1)
    state.parentType, state.lineMax = parent, limit


def _line(state: StateBlock, line: int, *, outside: bool = False) -> str:
    """A line's text at the current level; empty if it is code, or belongs to an outer block.

    With `outside` such a line is included: otherwise it would continue this level's paragraph.
    """
    if state.is_code_block(line) or (state.sCount[line] < state.blkIndent and not outside):
        return ""
    return state.src[state.bMarks[line] + state.tShift[line] : state.eMarks[line]]


def _drop_end(state: StateBlock, line: int, colons: int) -> None:
    if line not in state.env.get(_CLOSERS, ()):
        what = f"the line {':' * min(colons, 12)} ends no box and is left out"
        note(state, line, Finding("box-open", what, "take it out"))
    state.line = line + 1


def _end(state: StateBlock, start: int, limit: int, colons: int) -> tuple[int, bool]:
    """The line of colons that ends the container which begins at `start`, and True.

    If there is none, the line after the block that it stands in, and False.
    """
    ends: dict[tuple[int, ...], tuple[int, bool]] = state.env.setdefault(_ENDS, {})
    place = (start, limit, state.blkIndent, state.level)
    if place not in ends:
        ends[place] = _search_end(state, start, limit, colons)
    return ends[place]


def _search_end(state: StateBlock, start: int, limit: int, colons: int) -> tuple[int, bool]:
    is_open = [colons]
    fence = ""
    for line in range(start + 1, limit):
        state.env[_LOOKED_THROUGH] = state.env.get(_LOOKED_THROUGH, 0) + 1
        if state.env[_LOOKED_THROUGH] > MAX_LOOKED_THROUGH:
            return start + 1, False
        if state.isEmpty(line):
            continue
        if state.sCount[line] < state.blkIndent:
            return line, False
        text = state.src[state.bMarks[line] + state.tShift[line] : state.eMarks[line]]
        if marks := _FENCE.match(text):
            if not fence:
                fence = marks[1]
            elif marks[1].startswith(fence) and not marks[2].strip():
                fence = ""
        if fence or not text.startswith(":::") or state.is_code_block(line):
            continue
        if text.strip(": \t"):
            if inner := read_opening(text):
                is_open.append(inner.colons)
            continue
        del is_open[_ended(is_open, len(text.rstrip())) :]
        if not is_open:
            return line, True
    return limit, False


def _ended(is_open: list[int], colons: int) -> int:
    """The index of the container that a line of colons ends: the innermost with as many, else with fewer, else any."""
    places = range(len(is_open) - 1, -1, -1)
    equal = (place for place in places if is_open[place] == colons)
    fewer = (place for place in places if is_open[place] < colons)
    return next(equal, next(fewer, len(is_open) - 1))
