"""Map markdown-it's inline tokens: text, emphasis, links, pictures, raw HTML tags.

Line ends stay marked (`Soft`) until a story's parts are separated; `settle` then resolves them.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from collections.abc import Sequence as Many

from markdown_it.tree import SyntaxTreeNode

from newsletter.frozen import frozen
from newsletter.model.issue import (
    Break,
    Code,
    Emphasis,
    Inlines,
    Note,
    Span,
    Strike,
    Strong,
    Text,
    plain_text,
)
from newsletter.post.markdown.abbreviations import Abbreviations
from newsletter.post.markdown.asked_size import with_asked_size
from newsletter.post.markdown.attributes import attributes_of, with_listed_sizes, without_plain_lists
from newsletter.post.markdown.code_spans import as_code
from newsletter.post.markdown.html_elements import is_hidden, is_known, set_ruby
from newsletter.post.markdown.inline_repairs import repair_bold, repair_text
from newsletter.post.markdown.link_targets import LinkTargets
from newsletter.post.markdown.soft_breaks import Sequence, Soft, settle
from newsletter.post.markdown.videos import linked_videos

MAX_OPEN_TAGS = 50
"""The nesting limit of raw HTML tags within a paragraph; deeper ones lose their mark and keep their text."""

_TAG = re.compile(r"<(?P<end>/?)(?P<name>[A-Za-z][A-Za-z0-9-]*)")
# Raw HTML elements and their marks. An empty mark drops the content.
_PAIRED: Mapping[str, str] = {
    **dict.fromkeys(("b", "strong"), "strong"),
    **dict.fromkeys(("i", "em", "cite", "dfn", "var"), "em"),
    **dict.fromkeys(("s", "del", "strike"), "s"),
    **dict.fromkeys(("code", "kbd", "samp", "tt"), "code"),
    **dict.fromkeys(("script", "style", "title", "textarea", "template", "rp"), ""),
    **{name: name for name in ("a", "sup", "sub", "abbr", "ruby", "rt")},
}
_WITH_ATTRIBUTES = frozenset({"a", "abbr", "img", "video", "audio", "iframe", "embed", "source"})
_MAY_HIDE = re.compile(r"\bhidden\b|\bdisplay\s*:|<template\b", re.IGNORECASE)
_MAY_NEED_REPAIR = re.compile(r"[:{]|\*\*")
"""Emoji's names, attributes, bold with spaces inside."""
_VOID = frozenset({"area", "br", "embed", "hr", "img", "input", "source", "track", "wbr"})


@frozen
class _OpenTag:
    """An open raw HTML tag, and the content before it. `value` is a link's address or a title."""

    name: str
    value: str
    outside: Sequence
    is_hidden: bool = False


class InlineReader:
    """Parses the content of paragraphs, headings and cells; `targets` makes its links and collects the findings."""

    def __init__(self, targets: LinkTargets, abbreviations: Abbreviations | None = None) -> None:
        self.targets = targets
        self.abbreviations = abbreviations

    def read(self, nodes: Many[SyntaxTreeNode], line: int) -> Sequence:
        if len(nodes) == 1 and nodes[0].type == "text" and self.abbreviations is None:
            text = nodes[0].content
            if not _MAY_NEED_REPAIR.search(text):
                return [Text(text)]
        out: Sequence = []
        open_tags: list[_OpenTag] = []
        first_line = line
        ends: set[str] | None = None
        for node in nodes:
            match node.type:
                case "strong" | "em" | "s" | "link":
                    children = settle(self.read(node.children, line), trim=False)
                    if node.markup == "autolink":  # an address must not be repaired
                        children = tuple(Text(each.content.removeprefix("mailto:")) for each in node.children)
                    match node.type:
                        case "strong":
                            out.append(Strong(linked_videos(children)))
                        case "em":
                            out.append(Emphasis(linked_videos(children)))
                        case "s":
                            out.append(Strike(linked_videos(children)))
                        case _:
                            out.extend(self.targets.link(str(node.attrs.get("href", "")), children, _title(node), line))
                            if "blanks" in node.meta:
                                self.targets.note_blanks(node.meta["blanks"], line)
                    line += _line_ends(node)
                case "text" | "text_special" | "entity":
                    if self.abbreviations is None:
                        _append_text(out, node.content)
                    else:
                        out = _joined_text(out, [*self.abbreviations.mark(node.content)])
                case "softbreak":
                    out.append(Soft())
                    line += 1
                case "hardbreak":
                    out.append(Break())
                    line += 1
                case "code_inline":
                    out.append(Code(node.content))
                case "math_inline":
                    _append_text(out, node.content)
                case "footnote_ref":
                    out.append(Note(int(node.meta["id"]) + 1))
                case "image":
                    source = str(node.attrs.get("src", ""))
                    image = self.targets.image(
                        source, plain_text(settle(self.read(node.children, line))), _title(node), line
                    )
                    if image:
                        out.append(image)
                    if "blanks" in node.meta:
                        self.targets.note_blanks(node.meta["blanks"], line)
                case "html_inline":
                    ends = _closed_names(nodes) if ends is None else ends
                    out = self._html_tag(node.content, open_tags, out, line, ends)
        while open_tags:  # never closed: its content stays, its mark is dropped
            out = _joined_text(open_tags.pop().outside, out)
        texts = [repair_text(node) for node in without_plain_lists(with_listed_sizes(out))]
        return repair_bold(texts, first_line, self.targets.findings)

    def _html_tag(
        self, source: str, open_tags: list[_OpenTag], out: Sequence, line: int, ends: Collection[str]
    ) -> Sequence:
        """One raw HTML tag inside a paragraph: mark the content between a pair of tags, or drop it with them."""
        found = _TAG.match(source)
        if not found:  # a comment, a declaration
            return out
        name = found["name"].lower()
        if not is_known(name):
            return self._unknown_tag(source, found["name"], out, line, ends)
        if not found["end"]:
            may_hide = bool(_MAY_HIDE.search(source))
            attributes = attributes_of(source) if may_hide or name in _WITH_ATTRIBUTES else {}
            hides = may_hide and is_hidden(name, attributes)
            if hides:
                self.targets.note_hidden(line)
                if name in _VOID:
                    return out
            if name == "br":
                out.append(Break())
            elif name == "img":
                words = attributes.get("alt", ""), attributes.get("title", "")
                image = self.targets.image(attributes.get("src", ""), *words, line)
                out.extend((with_asked_size(image, attributes),) if image else ())
            elif name in ("video", "audio", "iframe", "embed", "source") and attributes.get("src"):
                out.extend(self.targets.player(attributes["src"], attributes.get("title", ""), line))
            inside_hidden = any(tag.is_hidden and tag.name == name for tag in open_tags)
            if (name in _PAIRED or ((hides or inside_hidden) and name in ends)) and len(open_tags) < MAX_OPEN_TAGS:
                value = attributes.get("href" if name == "a" else "title", "")
                open_tags.append(_OpenTag(name, value, out, hides))
                return []
            return out
        if name not in {tag.name for tag in open_tags}:
            return out
        while True:
            tag = open_tags.pop()
            inside = settle(out, trim=False)
            if tag.name == name:
                tag.outside.extend(self._marked(tag, inside, line))
                return tag.outside
            out = _joined_text(tag.outside, out)

    def _unknown_tag(self, source: str, name: str, out: Sequence, line: int, ends: Collection[str]) -> Sequence:
        """`<placeholder>` is text; an unknown name with attributes or an end tag is a component of another program."""
        bare = source[1:-1].strip() == name
        if bare and name.lower() not in ends:
            self.targets.note_placeholder(name, line)
            _append_text(out, source)
        elif not source.startswith("</"):
            self.targets.note_component(name, line)
        return out

    def _marked(self, tag: _OpenTag, inside: Inlines, line: int) -> Sequence:
        if tag.is_hidden:
            return []
        match _PAIRED.get(tag.name, "as is"):
            case "sup" | "sub" | "abbr" | "rt" as kind:
                return [Span(kind, inside, tag.value if kind == "abbr" else "")] if inside else []
            case "ruby":
                return [*set_ruby(inside)]
            case "as is":
                return [*inside]
            case "strong":
                return [Strong(inside)] if inside else []
            case "em":
                return [Emphasis(inside)] if inside else []
            case "s":
                return [Strike(inside)] if inside else []
            case "code":
                return [*as_code(inside)]
            case "a":
                return [*self.targets.link(tag.value, inside, "", line)] if tag.value else [*inside]
        return []  # script and style: their content is no text


def _closed_names(nodes: Many[SyntaxTreeNode]) -> set[str]:
    """The names of the elements that have an end tag among these nodes."""
    tags = (node.content for node in nodes if node.type == "html_inline")
    return {tag[2:-1].strip().lower() for tag in tags if tag.startswith("</")}


def _append_text(out: Sequence, text: str) -> None:
    if out and isinstance(last := out[-1], Text):
        out[-1] = Text(last.text + text)
    else:
        out.append(Text(text))


def _line_ends(node: SyntaxTreeNode) -> int:
    return sum(each.type in ("softbreak", "hardbreak") for each in node.walk(include_self=False))


def _joined_text(before: Sequence, after: Sequence) -> Sequence:
    """Merge adjacent text that a tag had split, so that `1.<b>5` is not taken for number one."""
    for node in after:
        if isinstance(node, Text):
            _append_text(before, node.text)
        else:
            before.append(node)
    return before


def _title(node: SyntaxTreeNode) -> str:
    return str(node.attrs.get("title", "") or "")
