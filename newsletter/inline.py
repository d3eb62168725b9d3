"""What stands inside a paragraph: words, marks, links, pictures, and the slips that authors make in them.

Line ends stay marked (`Soft`) until a story's parts are told apart; `settle` then resolves them.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from collections.abc import Sequence as Many
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Literal
from urllib.parse import urljoin, urlsplit

import lxml.etree
import lxml.html
from markdown_it.rules_inline.state_inline import StateInline
from markdown_it.tree import SyntaxTreeNode

from newsletter.cjk import is_cjk, joins_without_space
from newsletter.model import (
    Break,
    Code,
    Emphasis,
    Finding,
    Image,
    Inline,
    Inlines,
    Link,
    Note,
    Strike,
    Strong,
    Text,
    plain_text,
)

SCHEMES: Mapping[str, frozenset[str]] = {
    "link": frozenset({"http", "https", "mailto", "tel"}),
    "image": frozenset({"http", "https"}),
}
MAX_OPEN_TAGS = 50
"""Raw HTML tags inside one another within a paragraph; deeper ones lose their mark and keep their text."""

_VIDEO = re.compile(r"\.(?:mp4|webm|mov|m4v|ogv)(?:[?#]|$)", re.IGNORECASE)

# kramdown's `{: .class}`, `{::comment}` and `{:/}`: https://kramdown.gettalong.org/syntax.html#attribute-list-definitions
_ATTRIBUTE_LIST = re.compile(r"\{:[:/]?[^{}\n]*\}")
_SHORTCODE = re.compile(r":[a-z0-9_+\-]{2,}:")
_TAG = re.compile(r"<(?P<end>/?)(?P<name>[A-Za-z][A-Za-z0-9-]*)")
# Raw HTML pairs and the mark that each one is. An empty mark drops what stands between.
_PAIRED: Mapping[str, str] = {
    **dict.fromkeys(("b", "strong"), "strong"),
    **dict.fromkeys(("i", "em", "cite", "dfn", "var"), "em"),
    **dict.fromkeys(("s", "del", "strike"), "s"),
    **dict.fromkeys(("code", "kbd", "samp", "tt"), "code"),
    **dict.fromkeys(("script", "style", "title", "textarea"), ""),
    "a": "a",
}

_SPACED_BOLD = re.compile(r"\*\*[ \t]+(?=\S)([^*\n]*?\S)[ \t]+\*\*")
_WORDS = re.compile(r"[^\W\d_]{2}")
_BARE_URL = re.compile(r"https?://[A-Za-z0-9\-._~:/?#\[\]@!$&'()*+,;=%]+")


@dataclass(frozen=True, slots=True)
class Soft:
    """A line end inside a paragraph, kept until a story's parts are told apart."""


Raw = Inline | Soft
Sequence = list[Raw]


@dataclass(frozen=True, slots=True)
class _OpenTag:
    """A raw HTML tag that waits for its end, and what stood before it."""

    name: str
    href: str
    outside: Sequence


@lru_cache(maxsize=1_000)
def _emoji(shortcode: str) -> str:
    import emoji  # its tables take 30 ms to load, and few posts need them

    return emoji.emojize(shortcode, language="alias")


def is_video(url: str) -> bool:
    """Whether an address names a video file, which no mail client shows as a picture."""
    return bool(_VIDEO.search(url))


class InlineReader:
    """Reads the content of paragraphs, headings and cells; what it mends or drops goes to `findings`."""

    def __init__(self, base_url: str, page_url: str, findings: list[Finding]) -> None:
        self.base_url = base_url
        self.page_url = page_url
        self.findings = findings

    def read(self, nodes: Many[SyntaxTreeNode], line: int) -> Sequence:
        out: Sequence = []
        open_tags: list[_OpenTag] = []
        for node in nodes:
            match node.type:
                case "text" | "text_special" | "entity":
                    _append_text(out, node.content)
                case "softbreak":
                    out.append(Soft())
                    line += 1
                case "hardbreak":
                    out.append(Break())
                    line += 1
                case "code_inline":
                    out.append(Code(node.content))
                case "math_inline" | "math_inline_double":
                    _append_text(out, f"{node.markup}{node.content}{node.markup}")
                case "strong":
                    out.append(Strong(settle(self.read(node.children, line), trim=False)))
                case "em":
                    out.append(Emphasis(settle(self.read(node.children, line), trim=False)))
                case "s":
                    out.append(Strike(settle(self.read(node.children, line), trim=False)))
                case "footnote_ref":
                    out.append(Note(int(node.meta["id"]) + 1))
                case "link":
                    children = settle(self.read(node.children, line), trim=False)
                    out.extend(self.link(str(node.attrs.get("href", "")), children, _title(node), line))
                case "image":
                    source = str(node.attrs.get("src", ""))
                    image = self.image(source, plain_text(settle(self.read(node.children, line))), _title(node), line)
                    if image:
                        out.append(image)
                case "html_inline":
                    out = self._html_tag(node.content, open_tags, out, line)
        while open_tags:  # never closed: its content stays, its mark goes
            out = open_tags.pop().outside + out
        return self._mend_bold([self._mend_text(node) for node in out], line)

    def link(self, href: str, children: Inlines, title: str, line: int) -> list[Inline]:
        href = self.resolve(href, "link", line)
        if not href:
            return list(children)
        if len(children) == 1 and isinstance(picture := children[0], Image):
            return [replace(picture, href=href)]
        return [Link(href, children or (Text(href),), title)]

    def image(self, src: str, alt: str, title: str, line: int) -> Image | None:
        src = self.resolve(src, "image", line)
        return Image(src, " ".join(alt.split()), title, line=line) if src else None

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
        if scheme or url.startswith("nlfield") or (kind == "image" and not url.startswith("//")):
            return url
        if url.startswith("//"):
            return "https:" + url
        if url.startswith("/") and self.base_url:
            # A path from the root starts at the site's base, as `relative_url` makes it, not at the host.
            below = urlsplit(self.base_url).path
            return urljoin(self.base_url, url) if url.startswith(below) else self.base_url + url[1:]
        base = self.page_url or self.base_url
        if base and not (url.startswith("#") and not self.page_url):
            return urljoin(base, url)
        self.note(
            "link-relative",
            f"the link “{_short(url)}” is relative and leads nowhere in an email; only its text is kept",
            "write the whole https address, or set [site] url in newsletter.toml",
            line,
        )
        return ""

    def _html_tag(self, source: str, open_tags: list[_OpenTag], out: Sequence, line: int) -> Sequence:
        """One raw HTML tag inside a paragraph: what stands between a pair of them is marked, or dropped with them."""
        found = _TAG.match(source)
        if not found:  # a comment, a declaration
            return out
        name = found["name"].lower()
        if not found["end"]:
            attributes = _attributes(source) if name in ("a", "img") else {}
            if name == "br":
                return [*out, Break()]
            if name == "img":
                image = self.image(attributes.get("src", ""), attributes.get("alt", ""), "", line)
                return [*out, image] if image else out
            if name in _PAIRED and len(open_tags) < MAX_OPEN_TAGS:
                open_tags.append(_OpenTag(name, attributes.get("href", ""), out))
                return []
            return out
        if name not in {tag.name for tag in open_tags}:
            return out
        while True:
            tag = open_tags.pop()
            inside = settle(out, trim=False)
            if tag.name == name:
                return tag.outside + self._marked(tag, inside, line)
            out = [*tag.outside, *out]

    def _marked(self, tag: _OpenTag, inside: Inlines, line: int) -> Sequence:
        match _PAIRED[tag.name]:
            case "strong":
                return [Strong(inside)] if inside else []
            case "em":
                return [Emphasis(inside)] if inside else []
            case "s":
                return [Strike(inside)] if inside else []
            case "code":
                return [Code(plain_text(inside))]
            case "a":
                return [*self.link(tag.href, inside, "", line)] if tag.href else [*inside]
        return []  # script and style: their content is no text

    def _mend_text(self, node: Raw) -> Raw:
        """kramdown's attribute lists vanish; emoji shortcodes become emoji."""
        if not isinstance(node, Text):
            return node
        text = _ATTRIBUTE_LIST.sub("", node.text) if "{:" in node.text else node.text
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
            rest = node.text
            while (found := _SPACED_BOLD.search(rest)) and (_WORDS.search(found[1]) or any(map(is_cjk, found[1]))):
                before = rest[: found.start()]
                if before:
                    out.append(Text(before))
                out.append(Strong((Text(found[1]),)))
                rest = rest[found.end() :]
                self.note(
                    "bold-spaces",
                    f"spaces inside ** keep “{_short(found[1])}” from being bold",
                    f"write **{_short(found[1])}**",
                    line,
                )
            if rest:
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


def bare_url(state: StateInline, silent: bool) -> bool:
    """A URL in running text is a link. It ends before any character beyond ASCII, so `https://a.cn/b。` ends at b."""
    if state.src[state.pos] != ":" or state.linkLevel > 0:
        return False
    # Only the last letters are looked at: a search through all of the pending text would take quadratic time.
    scheme = re.search(r"(?:^|[^A-Za-z0-9])(https?)$", state.src[max(0, state.pos - 6) : state.pos])
    found = _BARE_URL.match(state.src, state.pos - len(scheme[1])) if scheme else None
    if not found or not scheme or not state.pending.endswith(scheme[1]):
        return False
    url = found[0].rstrip("?!.,:*_~'\";")
    while url.endswith((")", "]")) and url.count(url[-1]) > url.count("(" if url[-1] == ")" else "["):
        url = url[:-1].rstrip("?!.,:*_~'\";")
    if not urlsplit_or_none(url):
        return False
    if not silent:
        state.pending = state.pending[: -len(scheme[1])]
        token = state.push("link_open", "a", 1)
        token.attrs = {"href": state.md.normalizeLink(url)}
        token.markup, token.info = "autolink", "auto"
        state.push("text", "", 0).content = url
        state.push("link_close", "a", -1)
    state.pos += len(url) - len(scheme[1])
    return True


def urlsplit_or_none(url: str) -> str | None:
    """The host of an absolute URL, None where it has none or cannot be read."""
    try:
        return urlsplit(url).hostname
    except ValueError:
        return None


def _attributes(source: str) -> Mapping[str, str]:
    """The attributes of one HTML tag, read by a parser that knows every way to quote them."""
    try:
        element = lxml.html.fragment_fromstring(source)
    except (lxml.etree.ParserError, lxml.etree.XMLSyntaxError):
        return {}
    return {str(name): str(value) for name, value in element.attrib.items()} if isinstance(element.tag, str) else {}


def _append_text(out: Sequence, text: str) -> None:
    if out and isinstance(last := out[-1], Text):
        out[-1] = Text(last.text + text)
    else:
        out.append(Text(text))


def _title(node: SyntaxTreeNode) -> str:
    return str(node.attrs.get("title", "") or "")


def _short(text: str, limit: int = 30) -> str:
    return text if len(text) <= limit else text[: limit - 1] + "…"


def settle(sequence: Many[Raw], *, trim: bool = True) -> Inlines:
    """Line ends resolved (a space, or nothing between two CJK characters) and the outer white space dropped."""
    out: list[Inline] = []
    for index, node in enumerate(sequence):
        if isinstance(node, Soft):
            before = _edge(out[-1] if out else None, -1)
            after = _edge(sequence[index + 1] if index + 1 < len(sequence) else None, 0)
            glue = "" if not before or not after or joins_without_space(before, after) else " "
            node = Text(glue)
        if isinstance(node, Text) and out and isinstance(last := out[-1], Text):
            out[-1] = Text(last.text + node.text)
        elif node != Text(""):
            out.append(node)
    if not trim:
        return tuple(out)
    while out and blank(out[0]):
        out.pop(0)
    while out and blank(out[-1]):
        out.pop()
    if out and isinstance(first := out[0], Text):
        out[0] = Text(first.text.lstrip())
    if out and isinstance(final := out[-1], Text):
        out[-1] = Text(final.text.rstrip())
    return tuple(out)


def _edge(node: Raw | None, position: int) -> str:
    """The first (0) or last (-1) character that a node prints, the empty string at a line's edge."""
    text = plain_text((node,)) if node is not None and not isinstance(node, Soft) else ""
    return text[position] if text else ""


def blank(node: Raw) -> bool:
    return isinstance(node, Soft | Break) or (isinstance(node, Text) and not node.text.strip())
