"""Parse Markdown into blocks: markdown-it's tokens mapped to the issue's tree.

An item of a digest becomes a `Story`. Its parts are recognised by shape: a bold first line is its lead, links after the
last sentence are its sources, pictures are its images. Words are never changed; everything that was repaired or dropped
is reported in a `Finding` with its line.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import partial
from typing import Any

from markdown_it import MarkdownIt
from markdown_it.rules_core import StateCore
from markdown_it.token import Token
from mdit_py_plugins.deflist import deflist_plugin
from mdit_py_plugins.footnote import footnote_plugin

from newsletter.frozen import frozen
from newsletter.model.findings import Finding
from newsletter.model.issue import (
    Blocks,
)
from newsletter.post.markdown.abbreviations import Abbreviations
from newsletter.post.markdown.admonitions import use_admonitions
from newsletter.post.markdown.attributes import attributes_of
from newsletter.post.markdown.block_starts import ask_by_letter, math_block
from newsletter.post.markdown.blocks import MAX_NESTING, MarkdownError, Reader
from newsletter.post.markdown.containers import use_containers
from newsletter.post.markdown.glued_items import split_glued_items
from newsletter.post.markdown.html_elements import is_hidden
from newsletter.post.markdown.inline_rules import bare_url, math
from newsletter.post.markdown.kramdown_blocks import ABBREVIATIONS, HIDDEN, use_kramdown_blocks
from newsletter.post.markdown.kramdown_inline import use_kramdown_inline
from newsletter.post.markdown.mdx_blocks import COMPONENTS, use_mdx_blocks
from newsletter.post.markdown.set_roles import set_roles
from newsletter.post.markdown.stories import read_stories
from newsletter.post.markdown.syntax_tree import syntax_tree
from newsletter.post.source_links import SourceLinks

MAX_BRACKETS = 2_000
"""The limit in one paragraph: far beyond any real text with links, and parsed in milliseconds."""

MAX_MARKS = 30
"""The nesting limit of bold, italics and struck text."""


_COMMENT = re.compile(r"((?:[> \t]|[-*+][ \t]|\d{1,9}[.)][ \t])*)\{::comment\}[ \t]*$")
_MARKDOWN_BOX = re.compile(r"[ \t]*<([A-Za-z]+)\b[^<>]*\smarkdown(?:=[\"']?(?:1|block|span)\b[^<>]*)?>(.*)$")


@frozen
class Body:
    """The parsed Markdown of a post. `findings` are in reading order; their lines count in the file."""

    blocks: Blocks
    findings: tuple[Finding, ...]


def parse_markdown(
    text: str,
    *,
    first_line: int = 1,
    base_url: str = "",
    page_url: str = "",
    permalink: str = "",
    pages: Mapping[str, str] | None = None,
    smart_punctuation: bool = True,
    stories: bool = True,
    mdx: bool = False,
) -> Body:
    """Parse a Markdown text into blocks. `first_line` is its first line's number in the file.

    Links from the root are resolved against `base_url`, others against `page_url`; those to source files by `permalink`
    and `pages`, as in `Site`. `smart_punctuation` replaces `--`, `...` and straight quotes as a blog does; without
    `stories` a numbered list stays a list; `mdx` allows tags on lines of their own. Raises MarkdownError.
    """
    parser = MarkdownIt("commonmark", {"maxNesting": MAX_NESTING})
    use_kramdown_inline(parser, smart_punctuation=smart_punctuation)
    parser.enable(["table", "strikethrough"])
    parser.use(footnote_plugin).use(deflist_plugin)
    use_kramdown_blocks(parser)
    use_containers(parser)
    use_admonitions(parser)
    if mdx:
        use_mdx_blocks(parser)
    parser.block.ruler.before("fence", "math_block", math_block)
    parser.inline.ruler.before("escape", "math", math)
    parser.inline.ruler.before("newline", "bare_url", bare_url)
    # markdown-it would turn a link with a forbidden scheme into text; we check schemes ourselves and report them.
    parser.validateLink = lambda url: True  # type: ignore[method-assign]
    parser.core.ruler.after("block", "glued_items", split_glued_items)
    parser.core.ruler.before("inline", "bound_brackets", partial(_bound_brackets, first_line))
    parser.core.ruler.push("bound_marks", _bound_marks)
    ask_by_letter(parser)
    env: dict[str, Any] = {}
    text = _without_kramdown(text)
    tokens = parser.parse(text, env)
    abbreviations = Abbreviations(env[ABBREVIATIONS]) if env.get(ABBREVIATIONS) else None
    reader = Reader(text, first_line, SourceLinks(base_url, page_url, permalink, pages or {}), abbreviations)
    reader.note_nesting(tokens)
    reader.note_unused_notes(env)
    reader.note_glued_items(tokens)
    reader.note_containers(env)
    for line in env.get(HIDDEN, ()):
        reader.targets.note_hidden(first_line + line)
    for name, line in env.get(COMPONENTS, {}).items():
        reader.targets.note_component(name, first_line + line)
    tree = syntax_tree(tokens)
    blocks = read_stories(reader, tree.children) if stories else reader.blocks(tree.children)
    return Body(set_roles(tuple(blocks)), tuple(reader.findings))


def _without_kramdown(text: str) -> str:
    """Remove what kramdown's `{::comment}` hides, and unwrap boxes marked `markdown="1"`. Code is unchanged."""
    if "{::comment}" not in text and " markdown" not in text:
        return text
    lines = text.split("\n")
    fence, comment = "", None
    prefix = ""
    boxes: list[tuple[str, int]] = []  # the box's name, and the number of open boxes of that name
    for index, line in enumerate(lines):
        marks = re.match(r"[> \t]*(`{3,}|~{3,})", line)
        if comment is not None:
            if line.lstrip("> \t").rstrip() in ("{:/comment}", "{:/}"):
                quoted = [
                    each[: len(each) - len(each.lstrip("> \t"))].rstrip() for each in lines[comment + 1 : index + 1]
                ]
                if prefix.strip("> \t"):  # an item may not begin with blank lines
                    prefix, quoted[-1] = f"{prefix} <!--", line.partition("{")[0] + "-->"
                lines[comment : index + 1] = [prefix, *quoted]
                comment = None
        elif marks:
            fence = marks[1] if not fence else "" if marks[1].startswith(fence) else fence
        elif fence:
            continue
        elif opening := _COMMENT.match(line):
            comment, prefix = index, opening[1].rstrip()
        elif (box := _MARKDOWN_BOX.match(line)) and not is_hidden(box[1], attributes_of(line[: box.start(2)])):
            boxes.append((box[1], 1))
            lines[index] = box[2]
        if boxes and not fence and comment is None:
            name, count = boxes.pop()
            rest = lines[index]
            count += len(re.findall(rf"<{name}\b", rest)) - rest.count(f"</{name}>")
            if count > 0:
                boxes.append((name, count))
            else:
                lines[index] = "".join(rest.rsplit(f"</{name}>", 1))
    return re.sub(r"\{::comment\}[^\n{}]*\{:/(?:comment)?\}", "", "\n".join(lines))


def _bound_brackets(first_line: int, state: StateCore) -> None:
    """Limit the brackets of a paragraph: the parser searches the end of a link for each `[`, in quadratic time."""
    for token in state.tokens:
        if token.type == "inline" and token.content.count("[") > MAX_BRACKETS:
            line = first_line + (token.map[0] if token.map else 0)
            what = f"a paragraph has more than {MAX_BRACKETS:,} opening brackets"
            raise MarkdownError(line, what, "put such text in a code fence, or split it")


def _bound_marks(state: StateCore) -> None:
    """Limit nested marks (bold in italics in bold …): deeper marks are removed, and their words stay."""
    for token in state.tokens:
        token.children = _with_few_marks(token.children)


def _with_few_marks(tokens: list[Token] | None) -> list[Token] | None:
    if not tokens or (len(tokens) <= MAX_MARKS and not any(token.children for token in tokens)):
        return tokens
    kept: list[Token] = []
    depth = 0
    for token in tokens:
        depth += token.nesting == 1
        if token.nesting == 0 or depth <= MAX_MARKS or token.type.startswith("link"):
            token.children = _with_few_marks(token.children)
            kept.append(token)
        depth -= token.nesting == -1
    return kept
