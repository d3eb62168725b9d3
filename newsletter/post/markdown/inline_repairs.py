"""Repairs inside a paragraph: emoji shortcodes, attribute lists, bold with inner spaces, doubled brackets."""

from __future__ import annotations

import re
from functools import lru_cache

from newsletter.model.findings import Finding
from newsletter.model.issue import Break, Link, Strong, Text
from newsletter.post.markdown.attributes import ATTRIBUTE_LIST
from newsletter.post.markdown.cjk import is_cjk
from newsletter.post.markdown.link_targets import shortened
from newsletter.post.markdown.soft_breaks import Raw, Sequence, Soft

# Icons of Material for MkDocs, which have no words.
_ICON = re.compile(r":(?:material|octicons|fontawesome|simple)-[a-z0-9-]+:(?:\{[^{}\n]*\})?[ \t]?")
_SHORTCODE = re.compile(r":[a-z0-9_+\-]{2,}:")
SPACED_BOLD = re.compile(r"\*\*[ \t]+(?=\S)([^*\n]*?\S)[ \t]+\*\*")
_WORDS = re.compile(r"[^\W\d_]{2}")


def repair_text(node: Raw) -> Raw:
    """Remove kramdown's attribute lists, and icons; replace emoji shortcodes by emoji."""
    if not isinstance(node, Text):
        return node
    text = ATTRIBUTE_LIST.sub("", node.text) if "{:" in node.text else node.text
    if ":" not in text:
        return Text(text)
    return Text(_SHORTCODE.sub(lambda found: _emoji(found[0]), _ICON.sub("", text)))


def repair_bold(sequence: Sequence, line: int, findings: list[Finding]) -> Sequence:
    """`** words **`: Markdown takes bold with inner spaces for text."""
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
            words = shortened(found[1])
            what = f"spaces inside ** keep “{words}” from being bold"
            findings.append(Finding("bold-spaces", what, f"write **{words}**", line))
        if rest := node.text[position:]:
            out.append(Text(rest))
    return out


def unwrap_links(sequence: Sequence, line: int, findings: list[Finding]) -> Sequence:
    """`[[text](url)]` and `[[text](url)`: remove a second pair of brackets around a link."""
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
                label = shortened(node.label)
                what = f"the link “{label}” is wrapped in brackets twice"
                findings.append(Finding("link-wrapped", what, f"write [{label}](…)", line))
        if not isinstance(node, Text) or node.text:
            out.append(node)
    return out


@lru_cache(maxsize=1_000)
def _emoji(shortcode: str) -> str:
    import emoji  # its tables take 30 ms to load, and few posts need them

    return emoji.emojize(shortcode, language="alias")
