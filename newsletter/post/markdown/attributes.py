"""Attributes of an HTML tag, and the attribute lists of kramdown, Python-Markdown and Hugo."""

from __future__ import annotations

import re
from collections.abc import Mapping

import lxml.etree
import lxml.html

from newsletter.model.issue import Break, Image, Text
from newsletter.post.markdown.asked_size import with_asked_size
from newsletter.post.markdown.soft_breaks import Sequence, Soft

MAX_ATTRIBUTES = 2_000
"""The limit of one inline tag; with more, all its attributes are dropped."""

# kramdown's `{: .class}`, `{::comment}` and `{:/}`: https://kramdown.gettalong.org/syntax.html#attribute-list-definitions
ATTRIBUTE_LIST = re.compile(r"\{:[:/]?[^{}\n]*\}")

_ITEM = r"(?:[.#][\w:–—-]+|[\w-]+=(?:[\"“”][^\"“”{}\n]*[\"“”]|['‘’][^'‘’{}\n]*['‘’]|[\w%.:-]+))"
# Python-Markdown's `{ .class width=300 }` and Goldmark's `{id=name}`: a class, a name or an attribute at least.
PLAIN_LIST = re.compile(rf"\{{[ \t]*{_ITEM}(?:[ \t]+{_ITEM})*[ \t]*\}}")

_STRAIGHT = str.maketrans("“”„‘’", '"""\'\'')
"""By then smart punctuation has replaced the quotes around attribute values."""


def attributes_of(source: str) -> Mapping[str, str]:
    """The attributes of one HTML tag, parsed by lxml, which supports every way to quote them."""
    if len(re.findall(r"[\s=/]", source)) > MAX_ATTRIBUTES:  # lxml compares each with all others
        return {}
    try:
        element = lxml.html.fragment_fromstring(source)
    except (lxml.etree.ParserError, lxml.etree.XMLSyntaxError):
        return {}
    return {str(name): str(value) for name, value in element.attrib.items()} if isinstance(element.tag, str) else {}


def with_listed_sizes(sequence: Sequence) -> Sequence:
    """Apply kramdown's attribute list directly after a picture to its size: `![…](…){: width="120"}`."""
    out: Sequence = []
    for node in sequence:
        if isinstance(node, Text) and out and isinstance(image := out[-1], Image):
            found = ATTRIBUTE_LIST.match(node.text) or PLAIN_LIST.match(node.text)
            if found:
                written = found[0].strip("{:}").translate(_STRAIGHT)
                out[-1] = with_asked_size(image, attributes_of(f"<img {written}>"))
        out.append(node)
    return out


def without_plain_lists(sequence: Sequence) -> Sequence:
    """Remove the lists that stand behind a link, a picture, a mark or code, or alone on a paragraph's last line."""
    out: Sequence = []
    for index, node in enumerate(sequence):
        found = PLAIN_LIST.match(node.text) if isinstance(node, Text) and "{" in node.text else None
        if not found:
            out.append(node)
            continue
        before = out[-1] if out else None
        rest = found.string[found.end() :]
        is_line = isinstance(before, Soft) and index == len(sequence) - 1 and not rest.strip()
        if is_line:
            out.pop()
        elif before is None or isinstance(before, Text | Soft | Break):
            out.append(node)
        elif rest:
            out.append(Text(rest))
    return out
