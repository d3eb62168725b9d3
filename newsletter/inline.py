"""What stands inside a paragraph: words, marks, links, pictures, and the slips that authors make in them.

Line ends stay marked (`Soft`) until a story's parts are told apart; `settle` then resolves them.
"""

from __future__ import annotations

import re
from collections.abc import Sequence as Many
from dataclasses import dataclass, replace
from urllib.parse import urljoin, urlsplit

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
    Strike,
    Strong,
    Text,
    plain_text,
)

LINK_SCHEMES = frozenset({"http", "https", "mailto", "tel"})
IMAGE_SCHEMES = frozenset({"http", "https"})

_SPACED_BOLD = re.compile(r"\*\*[ \t]+(?=\S)([^*\n]*?\S)[ \t]+\*\*")
_WORDS = re.compile(r"[^\W\d_]{2}")
_BARE_URL = re.compile(r"https?://[A-Za-z0-9\-._~:/?#\[\]@!$&'()*+,;=%]+")


@dataclass(frozen=True, slots=True)
class Soft:
    """A line end inside a paragraph, kept until a story's parts are told apart."""


Raw = Inline | Soft
Sequence = list[Raw]


class InlineReader:
    """Reads the content of paragraphs, headings and cells; what it mends or drops goes to `findings`."""

    def __init__(self, base_url: str, findings: list[Finding]) -> None:
        self.base_url = base_url
        self.findings = findings

    def read(self, nodes: Many[SyntaxTreeNode], line: int) -> Sequence:
        out: Sequence = []
        for node in nodes:
            match node.type:
                case "text" | "text_special" | "entity":
                    if out and isinstance(last := out[-1], Text):
                        out[-1] = Text(last.text + node.content)
                    else:
                        out.append(Text(node.content))
                case "softbreak":
                    out.append(Soft())
                    line += 1
                case "hardbreak":
                    out.append(Break())
                    line += 1
                case "code_inline":
                    out.append(Code(node.content))
                case "strong":
                    out.append(Strong(settle(self.read(node.children, line), trim=False)))
                case "em":
                    out.append(Emphasis(settle(self.read(node.children, line), trim=False)))
                case "s":
                    out.append(Strike(settle(self.read(node.children, line), trim=False)))
                case "link":
                    out.extend(self._link(node, line))
                case "image":
                    source = str(node.attrs.get("src", ""))
                    image = self.image(source, plain_text(settle(self.read(node.children, line))), _title(node), line)
                    if image:
                        out.append(image)
                case "html_inline":
                    if re.match(r"<br\s*/?>", node.content, re.IGNORECASE):
                        out.append(Break())
        return self._mend_bold(out, line)

    def _link(self, node: SyntaxTreeNode, line: int) -> Sequence:
        children = settle(self.read(node.children, line), trim=False)
        href = self._resolve(str(node.attrs.get("href", "")), "link", LINK_SCHEMES, line)
        if not href:
            return list(children)
        if len(children) == 1 and isinstance(picture := children[0], Image):
            return [replace(picture, href=href)]
        return [Link(href, children or (Text(href),), _title(node))]

    def image(self, src: str, alt: str, title: str, line: int) -> Image | None:
        src = self._resolve(src, "image", IMAGE_SCHEMES, line)
        return Image(src, " ".join(alt.split()), title, line=line) if src else None

    def _resolve(self, url: str, kind: str, schemes: frozenset[str], line: int) -> str:
        """The URL to use, or nothing where it must not reach a reader. Relative image paths stay as they are."""
        url = url.strip()
        if not url:
            self._note(f"{kind}-empty", f"the {kind} has no URL and is left out", f"write the {kind}'s address", line)
            return ""
        # A browser ignores control characters inside a scheme, so `java\tscript:` counts as `javascript:`.
        scheme = re.match(r"([A-Za-z][A-Za-z0-9+.\-]*):", re.sub(r"[\x00-\x20]|%0[0-9A-Fa-f]", "", url))
        if scheme and scheme[1].lower() not in schemes:
            known = ", ".join(sorted(schemes))
            what = f"the {kind} begins with “{scheme[1].lower()}:”, which no mail client follows, and is left out"
            self._note(f"{kind}-scheme", what, f"use one of {known}", line)
            return ""
        if scheme or (kind == "image" and not url.startswith("//")):
            return url
        if url.startswith("//"):
            return "https:" + url
        if self.base_url:
            return urljoin(self.base_url, url)
        self._note(
            "link-relative",
            f"the link “{url}” is relative and leads nowhere in an email; only its text is kept",
            "write the whole https address, or set [site] url in newsletter.toml",
            line,
        )
        return ""

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
                self._note(
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
                    self._note(
                        "link-wrapped",
                        f"the link “{label}” is wrapped in brackets twice",
                        f"write [{label}](…)",
                        line,
                    )
            if node != Text(""):
                out.append(node)
        return out

    def _note(self, code: str, what: str, remedy: str, line: int | None) -> None:
        self.findings.append(Finding(code, what, remedy, line))


def bare_url(state: StateInline, silent: bool) -> bool:
    """A URL in running text is a link. It ends before any character beyond ASCII, so `https://a.cn/b。` ends at b."""
    if state.src[state.pos] != ":" or state.linkLevel > 0:
        return False
    scheme = re.search(r"(?:^|[^A-Za-z0-9])(https?)$", state.pending)
    found = _BARE_URL.match(state.src, state.pos - len(scheme[1])) if scheme else None
    if not found or not scheme:
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
