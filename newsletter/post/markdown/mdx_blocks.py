"""MDX's block rules: tags on lines of their own with Markdown between them, and no indented code."""

from __future__ import annotations

import re

from markdown_it import MarkdownIt
from markdown_it.rules_block import StateBlock

COMPONENTS = "components"
"""Key of `env`: a component's name -> the line of its first tag, counted from 0."""

_TAGS_ALONE = re.compile(r"(?:</?[A-Za-z][\w.-]*(?:\s[^<>]*)?/?>\s*)+")
_NAME = re.compile(r"</?([A-Za-z][\w.-]*)")
_BOXES = frozenset({"article", "aside", "center", "details", "div", "section"})
"""HTML containers without a meaning of their own in an email."""


def use_mdx_blocks(parser: MarkdownIt) -> None:
    """Add the rules to a parser, beside those of Markdown."""
    parser.disable("code")
    parser.block.ruler.before("html_block", "tag_line", tag_line, {"alt": ["paragraph", "reference", "blockquote"]})


def tag_line(state: StateBlock, startLine: int, endLine: int, silent: bool) -> bool:  # noqa: N803
    """A line of nothing but tags of components or containers: it is dropped, and what follows is Markdown."""
    text = state.src[state.bMarks[startLine] + state.tShift[startLine] : state.eMarks[startLine]].strip()
    if not text.startswith("<") or not _TAGS_ALONE.fullmatch(text) or "hidden" in text or "style" in text:
        return False
    names = _NAME.findall(text)
    if not all(_is_component(name) or name in _BOXES for name in names):
        return False
    if not silent:
        for name in names:
            if _is_component(name):
                state.env.setdefault(COMPONENTS, {}).setdefault(name, startLine)
        state.line = startLine + 1
    return True


def _is_component(name: str) -> bool:
    """A component of JSX, or a custom element such as `<callout-info>`."""
    return name[0].isupper() or "-" in name
