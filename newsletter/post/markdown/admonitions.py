"""Admonitions of MkDocs and Python-Markdown: `!!! note "Title"`, `??? tip`, tabs `=== "Title"`, their text set in."""

from __future__ import annotations

import re

from markdown_it import MarkdownIt
from markdown_it.ruler import RuleOptionsType
from markdown_it.rules_block import StateBlock

from newsletter.model.findings import Finding
from newsletter.post.markdown.alerts import ALERTS
from newsletter.post.markdown.containers import add_title, note, open_box

_HEAD = re.compile(r"(!!!|\?\?\?\+?|===\+?)[ \t]*([^\"“”]*)(?:[\"“](.*)[\"”])?[ \t]*$")
_NAMES = re.compile(r"[^\W\d_][\w-]*(?:[ \t]+[\w-]+)*")
MIN_INDENT = 2
INDENT = 4
"""How far the text of an admonition is set in; less, down to `MIN_INDENT`, where its first line is."""


def use_admonitions(parser: MarkdownIt) -> None:
    ends_text: RuleOptionsType = {"alt": ["paragraph", "reference", "blockquote", "list"]}
    parser.block.ruler.before("fence", "admonition", admonition, ends_text)


def admonition(state: StateBlock, startLine: int, endLine: int, silent: bool) -> bool:  # noqa: N803
    """`!!! name "Title"` above lines that are set in: a quote with a kind. A tab is its title and its text."""
    if state.is_code_block(startLine) or state.sCount[startLine] < state.blkIndent:
        return False
    start = state.bMarks[startLine] + state.tShift[startLine]
    if state.src[start : start + 3] not in ("!!!", "???", "==="):
        return False
    head = _HEAD.match(state.src[start : state.eMarks[startLine]])
    if not head:
        return False
    is_tab = head[1].startswith("=")
    names, title = head[2].strip(), (head[3] or "").strip()
    if is_tab != (not names) or (is_tab and not title) or (names and not _NAMES.fullmatch(names)):
        return False
    own = state.sCount[startLine] - state.blkIndent
    indent = _indent(state, startLine, endLine, own)
    if not indent and (is_tab or not title or names.split()[0].lower() not in ALERTS):
        return False  # words
    if silent:
        return True
    old = state.parentType, state.lineMax, state.blkIndent
    end = _end(state, startLine + 1, endLine, state.blkIndent + own + indent) if indent else startLine + 1
    state.parentType, state.lineMax, state.blkIndent = "container", end, state.blkIndent + own + indent
    if is_tab:
        add_title(state, startLine, title, "strong")
        state.md.block.tokenize(state, startLine + 1, end)
    else:
        _box(state, startLine, end, names, title)
    state.parentType, state.lineMax, state.blkIndent = old
    state.line = end
    return True


def _box(state: StateBlock, start: int, end: int, names: str, title: str) -> None:
    name = names.split()[0]
    kind = ALERTS.get(name.lower(), "")
    if not kind:
        what = f"{name} is no kind of box that we know; it is shown as a note"
        note(state, start, Finding("box-unknown", what, "write !!! note, tip, warning or danger"))
    open_box(state, start, end, kind or "note", title if kind else title or name.capitalize())
    state.md.block.tokenize(state, start + 1, end)
    state.push("blockquote_close", "blockquote", -1)


def _indent(state: StateBlock, start: int, limit: int, own: int) -> int:
    """How far the text below is set in from its head; 0 if there is none."""
    for line in range(start + 1, limit):
        if state.isEmpty(line):
            continue
        indent = min(state.sCount[line] - state.blkIndent - own, INDENT)
        return indent if indent >= (MIN_INDENT if line == start + 1 else INDENT) else 0
    return 0


def _end(state: StateBlock, first: int, limit: int, indent: int) -> int:
    end = first
    for line in range(first, limit):
        if state.isEmpty(line):
            continue
        if state.sCount[line] < indent:
            break
        end = line + 1
    return end
