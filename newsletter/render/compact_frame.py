"""Take out of the frame what no mail client of today reads: mrml writes for those of 2005 as well.

What is taken out changes no pixel anywhere that is still in use; a test compares pictures. Every byte counts
against the 102 KB at which Gmail clips, and is paid by every reader.
"""

from __future__ import annotations

import re
from collections.abc import Set
from functools import lru_cache
from typing import NamedTuple

from newsletter.model.rendered_email import Theme
from newsletter.render.change_tags import change_tags
from newsletter.render.picture_backing import BACKED
from newsletter.render.picture_html import BLOCK, UNKNOWN
from newsletter.render.section_colours import HUES

_DEAD = (
    re.compile(r"<!--\[if lte mso 11\]>.*?<!\[endif\]-->\s*", re.DOTALL),  # Outlook 2003
    # Internet Explorer, which shows no mail.
    re.compile(r'<!--\[if !mso\]><!-->\s*<meta http-equiv="X-UA-Compatible"[^>]*>\s*<!--<!\[endif\]-->\s*'),
)
_BASE = (
    "#outlook a{padding:0;}",  # Outlook 2007's own link in a browser
    "-ms-text-size-adjust:100%;",  # Windows Phone
    "outline:none;text-decoration:none;-ms-interpolation-mode:bicubic;",  # Internet Explorer 7
)
_OF_WORD = re.compile(r"<!--\[if mso\]>[^!]*<!\[endif\]-->")
_WORD_OR_IE = re.compile(r"<!--\[if mso \| IE\]>")
_AGAIN = re.compile(r"<!\[endif\]-->\s*<!--\[if mso\]>")
_COLUMN_CLASS = re.compile(r"mj-column-[\w-]+")
_WHOLE = "mj-column-per-100"
_WHOLE_RULES = re.compile(
    rf"<style[^>]*>\s*@media only screen and \(min-width:480px\){{\.{_WHOLE}{{[^{{}}]*}}}}\s*</style>"
    rf"|<style[^>]*>\s*\.moz-text-html \.{_WHOLE}{{[^{{}}]*}}\s*</style>"
)
_FRAME_CLASSES = re.compile(rf'<div class="(?:mj-outlook-group-fix|{_WHOLE})(?: (?:mj-outlook-group-fix|{_WHOLE}))*"')
_COLUMN = re.compile(
    r'<div style="font-size:0px;text-align:\w+;direction:\w+;vertical-align:top;width:100%;">'
    r'(<table [^<>]*width="100%") style="vertical-align:top;">'
)
"""A column as wide as its section is a block in a cell that says the rest, and has nothing to centre in it."""

_CENTRED = re.compile(
    r'(<td style="[^"<>]*direction:\w+;)font-size:0px;(?:padding:0;)?([^"<>]*?)text-align:center;(?="><(?:!--|div>))'
)

_TWICE = re.compile(r"background:(#[0-9A-Fa-f]{3,6});background-color:\1;")
_STYLE = re.compile(r"(<style[^>]*>)(.*?)(?=</style>)", re.DOTALL)
_STYLE_NOTES = re.compile(r' (?:type="text/css"|data-premailer="ignore")')
_BODY_OPENS = re.compile(
    r'(<div(?: [^<>]*)?><table cellpadding="0" cellspacing="0" role="presentation" [^<>]*>)<tbody>'
)
_BODY_CLOSES = "</tbody></table></div>"
_CONTENT_TYPE = '<meta http-equiv="Content-Type" content="text/html; charset=UTF-8">'
_CARD = re.compile(
    r'(<div(?: class="[^"<>]*")? style=")(background-color:(?:#[0-9A-Fa-f]+|\w+);)(margin:0px auto;[^"<>]*">)'
    r'(<table [^<>]*?style="[^"<>]*?\2)'
)
"""A section has its colour twice, on an element and on the table that fills it."""

_STYLED = re.compile(r'(<(?:div|table|td|img)(?: [^<>]*)? style="[^"<>]*")')

_BETWEEN_TAGS = re.compile(r">\s+<")
_OFFICE = re.compile(r"<!--\[if mso\]>\s*<noscript>.*?<!\[endif\]-->", re.DOTALL)
_CLASS_NAMES = re.compile(r' class="([^"]*)"')
_TAG_NAMES = re.compile(r"<([a-z][a-z0-9]*)")
_ATTRIBUTE = re.compile(r"\[[^\[\]]*\]")
_QUOTED = re.compile(r""""[^"]*"|'[^']*'""")
_SELECTED_CLASS = re.compile(r"\.([\w-]+)")
_SELECTED_TAG = re.compile(r"(?:^|[\s>+~])([a-z][a-z0-9]*)")

_WRITTEN = frozenset({BACKED, BLOCK, UNKNOWN, *(f"k{number}" for number in range(len(HUES)))})
"""Classes that no template names: those of pictures, and the colours of sections."""

_DARK = "@media (prefers-color-scheme:dark){"
_TAGS = frozenset({"a", "b", "code", "h1", "h2", "h3", "h4", "img", "p", "table", "td", "th", "tr"})
"""Elements that an email has or has not; others are a client's own, as in Gmail's `u + .page`."""


def compact_frame(html: str, theme: Theme) -> str:
    """The email's HTML with fewer bytes. Comments and style blocks of the theme's own stay, but for unused rules."""
    own = _words_of(tuple(theme.partials.values())) | _WRITTEN
    head, body_tag, body = html.partition("<body")
    for dead in _DEAD:
        head = dead.sub("", head)
    for old in _BASE:
        head = head.replace(old, "", 1)
    is_whole = {found[0] for found in _COLUMN_CLASS.finditer(body) if not _is_in_word(body, found.start())} <= {_WHOLE}
    if is_whole:
        # Its element says `width:100%` itself.
        head = _WHOLE_RULES.sub("", head)
        body = _CENTRED.sub(r"\1\2", _COLUMN.sub(r"<div>\1>", _FRAME_CLASSES.sub("<div", body)))
    head = _OFFICE.sub(lambda found: _BETWEEN_TAGS.sub("><", found[0]), head)
    names = names_in(body)
    head = _STYLE.sub(
        lambda found: (
            _STYLE_NOTES.sub("", found[1]) + used_rules(found[2], names, own).replace("color:#ffffff", "color:#fff")
        ),
        head,
    )
    head = head.replace(_CONTENT_TYPE, '<meta charset="utf-8">', 1)
    if "<v:" not in html:
        head = head.replace(' xmlns:v="urn:schemas-microsoft-com:vml"', "", 1)
    head = head.replace(' xmlns="http://www.w3.org/1999/xhtml"', "", 1)
    body = body.replace("word-spacing:normal;", "", 1)  # of the body itself, before any text
    body = _AGAIN.sub("", _WORD_OR_IE.sub("<!--[if mso]>", body))
    body = _OF_WORD.sub(lambda found: found[0].replace(' role="presentation"', ""), body)  # Word knows no roles
    # Only in tags: whatever looks like it in the text is the author's.
    body = change_tags(_STYLED, _compact_style, body)
    body = _CARD.sub(r"\1\3\4", body)
    body = body.replace('<table border="0"', "<table")
    if len(_BODY_OPENS.findall(body)) == body.count(_BODY_CLOSES):
        # A table has a body whether it says so or not.
        body = _BODY_OPENS.sub(r"\1", body).replace(_BODY_CLOSES, "</table></div>")
    if is_whole:
        body = body.replace('<td style="vertical-align:top;width:', '<td style="width:')  # the one cell of its row
    return f"{head}{body_tag}{body}"


def _is_in_word(text: str, position: int) -> bool:
    """Whether a letter is before this place. A pattern that began with `\b` would be tried at every letter."""
    before = text[position - 1 : position] if position else ""
    return before.isalnum() or before == "_"


def _compact_style(tag: str) -> str:
    """A tag whose style says nothing twice, ends in no semicolon, and has white in three digits."""
    return _TWICE.sub(r"background-color:\1;", tag).replace("color:#ffffff", "color:#fff").replace(';"', '"')


@lru_cache(maxsize=16)
def _words_of(templates: tuple[str, ...]) -> frozenset[str]:
    """Every word of the templates: the classes that they may write are among them."""
    return frozenset(word for text in templates for word in re.findall(r"[A-Za-z][\w-]*", text))


class Names(NamedTuple):
    """The classes and the elements of an email's body."""

    classes: Set[str]
    tags: Set[str]


def names_in(body: str) -> Names:
    classes = {name for value in set(_CLASS_NAMES.findall(body)) for name in value.split()}
    return Names(classes, set(_TAG_NAMES.findall(body)))


def used_rules(css: str, names: Names, own: Set[str]) -> str:
    """The rules that may match an element of the body.

    A selector is left out for a class of the theme's `own` templates, or an element, that the body lacks: what a
    client adds, such as Outlook's `[data-ogsc]`, is in neither.
    """
    if "\\" in css or any("{" in text or "}" in text for text in _QUOTED.findall(css)):
        return css  # a brace is text
    missing_tags = _TAGS - names.tags

    def may_match(selector: str) -> bool:
        plain = _ATTRIBUTE.sub("", selector)
        if ":" in plain or "@" in plain:
            return True
        named = set(_SELECTED_CLASS.findall(plain))
        return not (named & own) - names.classes and missing_tags.isdisjoint(_SELECTED_TAG.findall(plain.strip()))

    kept: list[str] = []
    opening = last = ""
    *pieces, end = css.split("}")
    for piece in pieces:
        before, brace, declarations = piece.rpartition("{")
        if not brace:
            last = ""
            # The end of a media query, which is left out where nothing in it is kept.
            kept += [] if opening else [piece + "}"]
            opening = ""
            continue
        outer, inner, selectors = before.rpartition("{")
        opening += outer + inner
        is_plain = '"' not in selectors and "'" not in selectors
        chosen = ",".join(filter(may_match, selectors.split(","))) if is_plain else selectors
        if chosen and chosen == last and not opening:
            kept[-1] = f"{kept[-1][:-1]};{declarations}}}"
        elif chosen:
            kept.append(f"{opening}{chosen}{{{declarations}}}")
            opening, last = "", chosen
    return _with_one_dark("".join(kept) + end)


def _with_one_dark(css: str) -> str:
    """The rules of a second query for dark mode behind those of the first: nothing between has their weight."""
    before, first, rest = css.partition(_DARK)
    rules, end, rest = rest.partition("}}")
    between, second, more = rest.partition(_DARK)
    added, more_end, after = more.partition("}}")
    if not (end and second and more_end) or "@" in between:
        return css
    return f"{before}{first}{rules}}}{added}{end}{between}{after}"
