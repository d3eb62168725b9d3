"""Read markdown-it's inline tokens: text, emphasis, links, pictures, and common slips in them.

Line ends stay marked (`Soft`) until a story's parts are told apart; `settle` then resolves them.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from collections.abc import Sequence as Many
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Literal
from urllib.parse import urljoin, urlsplit

from markdown_it.tree import SyntaxTreeNode

from newsletter.model.findings import Finding
from newsletter.model.issue import (
    Break,
    Code,
    Emphasis,
    Image,
    Inline,
    Inlines,
    Link,
    Note,
    Span,
    Strike,
    Strong,
    Text,
    plain_text,
)
from newsletter.post.markdown.abbreviations import Abbreviations
from newsletter.post.markdown.asked_size import with_asked_size
from newsletter.post.markdown.attributes import ATTRIBUTE_LIST, attributes_of, with_listed_sizes
from newsletter.post.markdown.cjk import is_cjk
from newsletter.post.markdown.html_elements import is_hidden, is_known, set_ruby
from newsletter.post.markdown.soft_breaks import Raw, Sequence, Soft, settle
from newsletter.post.markdown.videos import is_video, linked_videos, watch_page

SCHEMES: Mapping[str, frozenset[str]] = {
    "link": frozenset({"http", "https", "mailto", "tel"}),
    "image": frozenset({"data", "http", "https"}),  # the bytes of a data: address are sent along
}
MAX_OPEN_TAGS = 50
"""Raw HTML tags inside one another within a paragraph; deeper ones lose their mark and keep their text."""

FIELD_MARK = re.compile(r"nlfield\d+x\d+z")
"""What `fields.mark_fields` puts where a subscriber's value will stand."""

_SHORTCODE = re.compile(r":[a-z0-9_+\-]{2,}:")
_TAG = re.compile(r"<(?P<end>/?)(?P<name>[A-Za-z][A-Za-z0-9-]*)")
# Raw HTML pairs and the mark that each one is. An empty mark drops what stands between.
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
_VOID = frozenset({"area", "br", "embed", "hr", "img", "input", "source", "track", "wbr"})

SPACED_BOLD = re.compile(r"\*\*[ \t]+(?=\S)([^*\n]*?\S)[ \t]+\*\*")
_WORDS = re.compile(r"[^\W\d_]{2}")


@dataclass(frozen=True, slots=True)
class _OpenTag:
    """A raw HTML tag that waits for its end, and what stood before it. `value` is a link's address or a title."""

    name: str
    value: str
    outside: Sequence
    is_hidden: bool = False


@lru_cache(maxsize=1_000)
def _emoji(shortcode: str) -> str:
    import emoji  # its tables take 30 ms to load, and few posts need them

    return emoji.emojize(shortcode, language="alias")


class InlineReader:
    """Reads the content of paragraphs, headings and cells; what it mends or drops goes to `findings`."""

    def __init__(
        self, base_url: str, page_url: str, findings: list[Finding], abbreviations: Abbreviations | None = None
    ) -> None:
        self.abbreviations = abbreviations
        self.base_url = base_url
        self.page_url = page_url
        self.findings = findings

    def read(self, nodes: Many[SyntaxTreeNode], line: int) -> Sequence:
        out: Sequence = []
        open_tags: list[_OpenTag] = []
        first_line = line
        ends: set[str] | None = None
        for node in nodes:
            match node.type:
                case "strong" | "em" | "s" | "link":
                    children = settle(self.read(node.children, line), trim=False)
                    if node.markup == "autolink":  # an address is no text to mend
                        children = tuple(Text(each.content) for each in node.children)
                    match node.type:
                        case "strong":
                            out.append(Strong(linked_videos(children)))
                        case "em":
                            out.append(Emphasis(linked_videos(children)))
                        case "s":
                            out.append(Strike(linked_videos(children)))
                        case _:
                            out.extend(self.link(str(node.attrs.get("href", "")), children, _title(node), line))
                            if "blanks" in node.meta:
                                self._note_blanks(node.meta["blanks"], line)
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
                    image = self.image(source, plain_text(settle(self.read(node.children, line))), _title(node), line)
                    if image:
                        out.append(image)
                    if "blanks" in node.meta:
                        self._note_blanks(node.meta["blanks"], line)
                case "html_inline":
                    ends = _closed_names(nodes) if ends is None else ends
                    out = self._html_tag(node.content, open_tags, out, line, ends)
        while open_tags:  # never closed: its content stays, its mark goes
            out = _joined_text(open_tags.pop().outside, out)
        return self._mend_bold([self._mend_text(node) for node in with_listed_sizes(out)], first_line)

    def link(self, href: str, children: Inlines, title: str, line: int) -> list[Inline]:
        href = self.resolve(href, "link", line)
        if not href:
            return list(children)
        if len(children) == 1 and isinstance(picture := children[0], Image):
            return [replace(picture, href=href)]
        words = tuple(Text(node.label) if isinstance(node, Link) else node for node in linked_videos(children))
        return [Link(href, words or (Text(href),), title)]

    def image(self, src: str, alt: str, title: str, line: int) -> Image | None:
        src = self.resolve(src, "link" if is_video(src) else "image", line)
        return Image(src, " ".join(alt.split()), title, line=line) if src else None

    def player(self, source: str, title: str, line: int) -> list[Inline]:
        """What plays in a browser only, inside a sentence: a video file's card, or a link to the player's page."""
        title = " ".join(title.split())
        href = self.resolve(watch_page(source)[0], "link", line)
        if not href:
            return []
        return [Image(href, title, line=line) if is_video(href) else Link(href, (Text(title or href),))]

    def resolve(self, url: str, kind: Literal["link", "image"], line: int) -> str:
        """The URL to use, or nothing where it must not reach a reader. Relative image paths stay as they are."""
        url = url.strip()
        if not url:
            self.note(f"{kind}-empty", f"the {kind} has no URL and is left out", f"write the {kind}'s address", line)
            return ""
        # A browser ignores control characters inside a scheme, so `java\tscript:` counts as `javascript:`.
        scheme = re.match(r"([A-Za-z][A-Za-z0-9+.\-]*):", re.sub(r"[\x00-\x20]|%0[0-9A-Fa-f]", "", url))
        if scheme and scheme[1].lower() not in SCHEMES[kind]:
            known = ", ".join(sorted(SCHEMES[kind]))
            what = f"the {kind} begins with “{scheme[1].lower()}:”, which no mail client follows, and is left out"
            self.note(f"{kind}-scheme", what, f"use one of {known}", line)
            return ""
        # An address that begins with a subscriber's value is judged when that is filled in.
        if scheme or FIELD_MARK.match(url) or (kind == "image" and not url.startswith("//")):
            return url
        if url.startswith("//"):
            return "https:" + url
        if url.startswith("/") and self.base_url:
            # A path from the root starts at the site's base, as `relative_url` makes it, not at the host.
            below = urlsplit(self.base_url).path
            first = re.split("[?#]", url)[0]
            return _joined(self.base_url, url if f"{first}/".startswith(below) else f"{below}{url[1:]}")
        base = self.page_url or self.base_url
        if base and not (url.startswith("#") and not self.page_url):
            return _joined(base, url)
        self.note(
            "link-relative",
            f"the link “{_short(url)}” is relative and leads nowhere in an email; only its text is kept",
            "write the whole https address, or set [site] url in newsletter.toml",
            line,
        )
        return ""

    def _html_tag(
        self, source: str, open_tags: list[_OpenTag], out: Sequence, line: int, ends: Collection[str]
    ) -> Sequence:
        """One raw HTML tag inside a paragraph: what stands between a pair of them is marked, or dropped with them."""
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
                self.note_hidden(line)
                if name in _VOID:
                    return out
            if name == "br":
                out.append(Break())
            elif name == "img":
                words = attributes.get("alt", ""), attributes.get("title", "")
                image = self.image(attributes.get("src", ""), *words, line)
                out.extend((with_asked_size(image, attributes),) if image else ())
            elif name in ("video", "audio", "iframe", "embed", "source") and attributes.get("src"):
                out.extend(self.player(attributes["src"], attributes.get("title", ""), line))
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
        """`<placeholder>` is words; a name with attributes or an end is some program's component."""
        bare = source[1:-1].strip() == name
        if bare and name.lower() not in ends:
            self.note_placeholder(name, line)
            _append_text(out, source)
        elif not source.startswith("</"):
            self.note_component(name, line)
        return out

    def note_placeholder(self, name: str, line: int) -> None:
        what = f"“<{name[:40]}>” is no tag of HTML; it is shown as words, and a web page may swallow it"
        self.note("html-unknown", what, f"write `<{name[:40]}>` in backticks", line)

    def note_component(self, name: str, line: int) -> None:
        what = f"the tag <{name[:40]}> means nothing in an email; what stands inside it stays"
        self.note("html-component", what, "write what it shows", line)

    def note_hidden(self, line: int) -> None:
        self.note("html-hidden", "what a browser would hide is left out of the email", "take it out", line)

    def _note_blanks(self, address: str, line: int) -> None:
        remedy = f"write {_short(address, 60).replace(' ', '%20')}"
        self.note("link-blanks", f"the address “{_short(address)}” has blanks in it", remedy, line)

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
                return [Code(plain_text(inside))]
            case "a":
                return [*self.link(tag.value, inside, "", line)] if tag.value else [*inside]
        return []  # script and style: their content is no text

    def _mend_text(self, node: Raw) -> Raw:
        """kramdown's attribute lists vanish; emoji shortcodes become emoji."""
        if not isinstance(node, Text):
            return node
        text = ATTRIBUTE_LIST.sub("", node.text) if "{:" in node.text else node.text
        return Text(_SHORTCODE.sub(lambda found: _emoji(found[0]), text))

    def _mend_bold(self, sequence: Sequence, line: int) -> Sequence:
        """`** words **`: spaces inside the marks keep Markdown from seeing the bold that was meant."""
        out: Sequence = []
        for node in sequence:
            if isinstance(node, Soft | Break):
                line += 1
            if not isinstance(node, Text) or "**" not in node.text:
                out.append(node)
                continue
            position = 0
            for found in SPACED_BOLD.finditer(node.text):
                if not (_WORDS.search(found[1]) or any(map(is_cjk, found[1]))):
                    continue
                if before := node.text[position : found.start()]:
                    out.append(Text(before))
                out.append(Strong((Text(found[1]),)))
                position = found.end()
                self.note(
                    "bold-spaces",
                    f"spaces inside ** keep “{_short(found[1])}” from being bold",
                    f"write **{_short(found[1])}**",
                    line,
                )
            if rest := node.text[position:]:
                out.append(Text(rest))
        return out

    def unwrap_links(self, sequence: Sequence, line: int) -> Sequence:
        """`[[text](url)]` and `[[text](url)`: a second pair of brackets around a link is a slip."""
        out: Sequence = []
        pending = list(sequence)
        for index, node in enumerate(pending):
            if isinstance(node, Soft | Break):
                line += 1
            before = out[-1] if out else None
            if isinstance(node, Link) and isinstance(before, Text) and before.text.endswith("["):
                after = pending[index + 1] if index + 1 < len(pending) else None
                closed = isinstance(after, Text) and after.text.startswith("]")
                if closed or not any(isinstance(n, Text) and "]" in n.text for n in pending[index + 1 :]):
                    out[-1:] = [Text(before.text[:-1])] if len(before.text) > 1 else []
                    if closed and isinstance(after, Text):
                        pending[index + 1] = Text(after.text[1:])
                    label = _short(node.label)
                    self.note(
                        "link-wrapped",
                        f"the link “{label}” is wrapped in brackets twice",
                        f"write [{label}](…)",
                        line,
                    )
            if node != Text(""):
                out.append(node)
        return out

    def note(self, code: str, what: str, remedy: str, line: int | None) -> None:
        self.findings.append(Finding(code, what, remedy, line))


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


def _joined(base: str, url: str) -> str:
    try:
        return urljoin(base, url)
    except ValueError:  # half of the brackets that IPv6 wants; the author may see where it leads
        return f"{base}{url.lstrip('/')}"


def _joined_text(before: Sequence, after: Sequence) -> Sequence:
    """Two runs as one; text that a tag parted is whole again, so that `1.<b>5` is seen to be no number one."""
    for node in after:
        if isinstance(node, Text):
            _append_text(before, node.text)
        else:
            before.append(node)
    return before


def _title(node: SyntaxTreeNode) -> str:
    return str(node.attrs.get("title", "") or "")


def _short(text: str, limit: int = 30) -> str:
    return text if len(text) <= limit else text[: limit - 1] + "…"
