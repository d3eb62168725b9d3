"""HTML elements: which are known, which are hidden, and ruby as inline text."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping

from newsletter.model.issue import Inline, Span, Text, plain_text

_NAMES = (
    # https://html.spec.whatwg.org/multipage/indices.html#elements-3, and the obsolete ones of 16.2
    "a abbr acronym address applet area article aside audio b base basefont bdi bdo bgsound big blink blockquote "
    "body br button canvas caption center cite code col colgroup content data datalist dd del details dfn dialog "
    "dir div dl dt element em embed fieldset figcaption figure font footer form frame frameset h1 h2 h3 h4 h5 h6 "
    "head header hgroup hr html i iframe image img input ins isindex kbd keygen label legend li link listing main "
    "map mark marquee math menu menuitem meta meter multicol nav nextid nobr noembed noframes noscript object ol "
    "optgroup option output p param picture plaintext portal pre progress q rb rbc rp rt rtc ruby s samp script "
    "search section select shadow slot small source spacer span strike strong style sub summary sup svg table "
    "tbody td template textarea tfoot th thead time title tr track tt u ul var video wbr xmp "
    # elements of inline SVG, and of MathML
    "animate circle clippath defs desc ellipse filter foreignobject g line lineargradient marker mask path pattern "
    "polygon polyline radialgradient rect stop symbol text textpath tspan use view "
    "annotation mfrac mi mn mo mover mrow mspace msqrt mstyle msub msubsup msup mtable mtd mtext mtr munder "
    "munderover semantics"
)
KNOWN = frozenset(_NAMES.split())
_BARE_TAG = re.compile(r"<([A-Za-z][\w.-]*)\s*>")
_TAG = re.compile(r"<([A-Za-z][\w.-]*)(?=[\s/>])")
_HIDING = re.compile(r"(?:^|;)\s*(?:display\s*:\s*none|visibility\s*:\s*hidden)\b", re.IGNORECASE)


def is_known(name: str) -> bool:
    return name.lower() in KNOWN


def is_hidden(name: str, attributes: Mapping[str, str]) -> bool:
    """Whether a browser does not display an element."""
    return name == "template" or "hidden" in attributes or bool(_HIDING.search(attributes.get("style", "")))


def escape_unknown_tags(source: str) -> tuple[str, list[str], list[str]]:
    """Escape `<placeholder>`s, which are no tags; returns their names too, and those of unknown tags that stay.

    An unknown name with attributes or an end tag is a component of another program: its tags are dropped, its content
    stays.
    """
    words: list[str] = []

    def escaped(tag: re.Match[str]) -> str:
        if is_known(tag[1]) or f"</{tag[1]}" in source:
            return tag[0]
        words.append(tag[1])
        return f"&lt;{tag[1]}&gt;"

    shown = _BARE_TAG.sub(escaped, source)
    components = list(dict.fromkeys(found[1] for found in _TAG.finditer(shown) if not is_known(found[1])))
    return shown, words, components


def set_ruby(inlines: Iterable[Inline]) -> list[Inline]:
    """The content of a `ruby` element: each reading above the words before it."""
    out: list[Inline] = []
    base: list[Inline] = []
    for node in inlines:
        if isinstance(node, Span) and node.kind == "rt":
            reading = plain_text(node.children).strip()
            out.append(Span("ruby", tuple(base), reading) if base and reading else Text(reading))
            base = []
        else:
            base.append(node)
    return [*out, *base]
