"""Which of caniemail's features an email uses, and how often.

Features are slugs, as `slugs` gives them. A property that caniemail does not know has one too, in the same way; whoever
looks it up finds nothing.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Mapping
from functools import lru_cache

import lxml.etree

from newsletter.check.clients.caniemail_slugs import (
    AT_RULES,
    ATTRIBUTES,
    DISPLAYS,
    ELEMENTS,
    FUNCTIONS,
    KINDS,
    MEDIA,
    PICTURES,
    PROPERTIES,
    PSEUDO_CLASSES,
    PSEUDO_ELEMENTS,
    SELECTORS,
    UNITS,
    WORDS,
)
from newsletter.check.clients.css_tokens import Comment, Declaration, Rule, parse_sheet

_PATTERNS = tuple((slug, re.compile(pattern)) for slug, pattern in SELECTORS.items())


def count_features(html: str) -> tuple[Mapping[str, int], Mapping[str, int]]:
    """How often each feature stands in the elements and their attributes, and how often in style blocks alone.

    Conditional comments are comments here: give what `as_word_reads` makes of the HTML to see them as Word does.
    """
    body: Counter[str] = Counter()
    live: Counter[str] = Counter()
    root = _parse(html)
    if root is None:
        return body, live
    if re.match(r"\s*<!doctype\s+html\s*>", html, re.IGNORECASE):
        body["html-doctype"] += 1
    styles: Counter[str] = Counter()
    for element in root.iter():
        tag = element.tag
        if not isinstance(tag, str):
            body["html-comments"] += tag is lxml.etree.Comment
            continue
        if tag in ELEMENTS:
            body[ELEMENTS[tag]] += 1
        if tag == "style":
            live.update(_css_features(element.text or ""))
        for key, content in element.items():
            name, value = str(key), str(content)
            if name == "style":
                styles[value] += 1
            elif name in ATTRIBUTES:
                body[ATTRIBUTES[name]] += 1
            elif name in {"src", "href", "poster"} or tag == "meta":
                body.update(_value_features(tag, name, value))
            if name == "background":
                body.update(_picture(value))
        if tag in {"button", "input"}:
            kind = element.get("type", "submit" if tag == "button" else "text").lower()
            body.update([KINDS[tag, kind]] if (tag, kind) in KINDS else ())
    for style, count in styles.items():
        for slug in _css_features(style):
            body[slug] += count
    return body, live


def _parse(html: str) -> lxml.etree._Element | None:
    parser = lxml.etree.HTMLParser(encoding="utf-8", no_network=True)
    try:
        return lxml.etree.fromstring(html.encode("utf-8", "replace"), parser)
    except lxml.etree.XMLSyntaxError:  # nothing to read in it
        return None


def _value_features(tag: str, name: str, value: str) -> Iterator[str]:
    if tag == "meta":
        if name == "name" and value.lower() == "color-scheme":
            yield "html-meta-color-scheme"
    elif name == "href":
        if value.startswith("#"):
            yield "html-anchor-links"
        elif value[:7].lower() == "mailto:":
            yield "html-mailto-links"
    elif tag in {"img", "input", "video"}:
        yield from _picture(value)


def _picture(url: str) -> Iterator[str]:
    if url[:5].lower() == "data:":
        yield "image-base64"
        return
    path = re.split("[?#]", url, maxsplit=1)[0]
    slug = PICTURES.get(path.rpartition(".")[2].lower()) if "." in path else None
    if slug:
        yield slug


@lru_cache(maxsize=512)  # an email repeats its styles, and is looked at twice
def _css_features(css: str) -> tuple[str, ...]:
    return tuple(_each_css_feature(css))


def _each_css_feature(css: str) -> Iterator[str]:
    for each in parse_sheet(css):
        match each:
            case Comment():
                yield "css-comments"
            case Rule(prelude=prelude) if prelude.startswith("@"):
                yield from _at_rule_features(prelude)
            case Rule(prelude=prelude, nested=nested):
                if nested:
                    yield "css-nesting"
                yield from _selector_features(prelude)
            case Declaration(name=name, value=value):
                yield from _declaration_features(name, value)


def _at_rule_features(prelude: str) -> Iterator[str]:
    name = re.match(r"@(?:-[a-z]+-)?([a-z-]*)", prelude.lower())
    if not name or name[1] not in AT_RULES:
        return
    yield AT_RULES[name[1]]
    if name[1] == "media":
        features = re.findall(r"\(\s*([a-z-]+)", prelude.lower())
        yield from dict.fromkeys(MEDIA[feature] for feature in features if feature in MEDIA)


def _selector_features(selector: str) -> Iterator[str]:
    bare = re.sub(r"\[[^\]]*\]?", "[]", re.sub(r"\s*([>+~,])\s*", r"\1", selector))
    for slug, pattern in _PATTERNS:
        if pattern.search(bare):
            yield slug
    for colons, name in re.findall(r"(::?)([a-z-]+)", bare.lower()):
        if colons == ":" and name in PSEUDO_CLASSES:
            yield PSEUDO_CLASSES[name]
        elif name in PSEUDO_ELEMENTS:  # the older ones may be written with one colon
            yield PSEUDO_ELEMENTS[name]


# Each looks at a character a bounded number of times: a style may be as long as an author likes.
_QUOTED = re.compile(r""""[^"]*"|'[^']*'""")
_URL = re.compile(r"""url\(\s*["']?([^"'()\s]*)["']?\s*\)""", re.IGNORECASE)
_NUMBER = re.compile(r"(?<![\w#.-])[-+]?(?:\d+(?:\.\d*)?|\.\d+)([a-z]+|%)")
_NAME = re.compile(r"(?<![\w#-])(-?[a-z][a-z0-9-]*)(\()?")


def _declaration_features(name: str, value: str) -> tuple[str, ...]:
    """Of one declaration, each feature once. A property that a browser or Word keeps to itself is nobody else's."""
    if name.startswith("--"):
        found = ["css-variables"]
    elif name.startswith(("-", "mso-")):
        return ()
    else:
        found = [PROPERTIES.get(name, f"css-{name}")]
    for url in _URL.findall(value):
        found += _picture(url)
    bare = _QUOTED.sub('""', _URL.sub("", value)).lower()
    if name == "display":
        found += [DISPLAYS[word] for word in re.findall(r"[\w-]+", bare)[:2] if word in DISPLAYS]
    if "!" in bare and re.search(r"!\s*important", bare):
        found.append("css-important")
    found += [UNITS[unit] for unit in _NUMBER.findall(bare) if unit in UNITS]
    for word, call in _NAME.findall(bare):
        known = FUNCTIONS if call else WORDS
        if word in known:
            found.append(known[word])
    return tuple(dict.fromkeys(found))
