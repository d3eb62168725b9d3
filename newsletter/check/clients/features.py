"""Count the caniemail features that an email uses.

Features are slugs of `caniemail_slugs`. A property that is unknown to caniemail gets a slug in the same way, which its
table does not have.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from functools import lru_cache
from typing import Any

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
from newsletter.check.css import Comment, Declaration, Part, Rule, each_token, read_sheet, read_style

_PATTERNS = tuple((slug, re.compile(pattern)) for slug, pattern in SELECTORS.items())


def count_features(html: str) -> tuple[Mapping[str, int], Mapping[str, int]]:
    """How often each feature occurs in the elements and their attributes, and how often in style blocks.

    Conditional comments are comments here: pass the result of `as_word_reads` to see what Word does.
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
            live.update(_sheet_features(element.text or ""))
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
        for slug in _style_features(style):
            body[slug] += count
    return body, live


def _parse(html: str) -> lxml.etree._Element | None:
    parser = lxml.etree.HTMLParser(encoding="utf-8", no_network=True)
    try:
        return lxml.etree.fromstring(html.encode("utf-8", "replace"), parser)
    except lxml.etree.XMLSyntaxError:  # empty HTML
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


@lru_cache(maxsize=512)  # an email repeats its styles, and is scanned twice
def _style_features(css: str) -> tuple[str, ...]:
    return tuple(_css_features(read_style(css)))


@lru_cache(maxsize=16)
def _sheet_features(css: str) -> tuple[str, ...]:
    return tuple(_css_features(read_sheet(css)))


def _css_features(parts: Iterable[Part]) -> Iterator[str]:
    for each in parts:
        match each:
            case Comment():
                yield "css-comments"
            case Rule(at_keyword=""):
                if each.nested:
                    yield "css-nesting"
                yield from _selector_features(each.text)
            case Rule():
                yield from _at_rule_features(each)
            case Declaration():
                yield from _declaration_features(each)


def _at_rule_features(rule: Rule) -> Iterator[str]:
    name = re.sub(r"^-[a-z]+-", "", rule.at_keyword)
    if name not in AT_RULES:
        return
    yield AT_RULES[name]
    if name == "media":
        asked = (_first_word(token.content) for token in each_token(rule.prelude) if token.type == "() block")
        yield from dict.fromkeys(MEDIA[feature] for feature in asked if feature in MEDIA)


def _first_word(tokens: Iterable[Any]) -> str:
    first = next((token for token in tokens if token.type not in ("whitespace", "comment")), None)
    return str(first.lower_value) if first is not None and first.type == "ident" else ""


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


def _declaration_features(declaration: Declaration) -> tuple[str, ...]:
    """The features of one declaration, each once. Vendor-prefixed properties are ignored."""
    name = declaration.name
    if name.startswith("--"):
        found = ["css-variables"]
    elif name.startswith(("-", "mso-")):
        return ()
    else:
        found = [PROPERTIES.get(name, f"css-{name}")]
    if name == "display":
        words = [token.lower_value for token in declaration.value if token.type == "ident"]
        found += [DISPLAYS[word] for word in words[:2] if word in DISPLAYS]
    if declaration.is_important:
        found.append("css-important")
    for token in each_token(declaration.value):
        found += _token_features(token)
    return tuple(dict.fromkeys(found))


def _token_features(token: Any) -> Iterator[str]:
    match token.type:
        case "url":
            yield from _picture(token.value)
        case "function" if token.lower_name == "url":
            yield from _picture("".join(each.value for each in token.arguments if each.type == "string"))
        case "function" if token.lower_name in FUNCTIONS:
            yield FUNCTIONS[token.lower_name]
        case "dimension" if token.lower_unit in UNITS:
            yield UNITS[token.lower_unit]
        case "percentage":
            yield UNITS["%"]
        case "ident" if token.lower_value in WORDS:
            yield WORDS[token.lower_value]
