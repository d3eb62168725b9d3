"""Find what is wider than a phone, as far as that can be measured without a browser.

Our themes break such words and fit such tables and pictures. The findings say what this costs the reader, and where a
mail client cannot do it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import lxml.etree

from newsletter.check.css import Declaration, style_of
from newsletter.model.findings import Finding
from newsletter.model.issue import (
    Block,
    Break,
    Code,
    Definitions,
    Heading,
    Image,
    Inlines,
    Issue,
    Note,
    Paragraph,
    Story,
    Table,
    Text,
    walk,
    walk_inlines,
)
from newsletter.render.table_form import table_form
from newsletter.render.text_width import longest_run, text_width

PHONE = 320
"""The narrowest supported window in pixels."""

PHONE_TEXT = 272
"""The width of text in it, without the margins."""

COLUMN = 552
"""The width of text in a desktop's email."""

_SIZE = 16
_FLAT = 40  # pixels: a lower picture is unreadable on a phone
_MONO = 0.6 * 0.9 * _SIZE


def width_findings(issue: Issue, html: str) -> Iterator[Finding]:
    for block in walk(issue.blocks):
        yield from _words(block)
        if isinstance(block, Table):
            yield from _table(block)
    yield from _pictures(issue)
    yield from _elements(html)


# --- the post -------------------------------------------------------------------------------------------------------


def _words(block: Block) -> Iterator[Finding]:
    """The longest unbreakable run of a block's texts, if it is wider than a phone's line."""
    runs = [run for inlines in _inlines_of(block) for run in _runs(inlines)]
    width, run = max(runs, default=(0.0, ""))
    if width <= PHONE_TEXT:
        return
    shown = run if len(run) <= 40 else f"{run[:39]}…"
    where = "a phone" if width <= COLUMN else "any line of the email"
    what = (
        f"“{shown}” is some {round(width, -1):.0f} pixels wide in one piece, wider than {where}, and is broken anywhere"
    )
    remedy = "give a long address a label, or shorten it: Yahoo and Outlook (Windows Mail) cannot break it"
    yield Finding("wide-word", what, remedy, block.line, severity="hint")


def _inlines_of(block: Block) -> Iterator[Inlines]:
    match block:
        case Heading(inlines=inlines) | Paragraph(inlines=inlines):
            yield inlines
        case Story(lead=lead):
            yield lead
        case Definitions(items=items):
            yield from (term for term, _ in items)


def _runs(inlines: Inlines) -> Iterator[tuple[float, str]]:
    """Runs continue across marks: `**a**b` is one run."""
    text = "".join(_texts(inlines))
    widest = longest_run(text)
    yield text_width(widest, _SIZE), widest
    for code in _codes(inlines):
        run = longest_run(code)
        yield len(run) * _MONO, run


def _texts(inlines: Inlines) -> Iterator[str]:
    """The texts; anything else between two of them, such as code or a picture, separates them."""
    for node in walk_inlines(inlines):
        match node:
            case Text(text):
                yield text
            case Code() | Break() | Note() | Image():
                yield " "


def _codes(inlines: Inlines) -> Iterator[str]:
    return (node.text for node in walk_inlines(inlines) if isinstance(node, Code))


def _table(table: Table) -> Iterator[Finding]:
    form = table_form(table)
    columns = max((len(row) for row in (table.header, *table.rows)), default=0)
    if form.kind == "stacked":
        what = f"a table of {columns} columns is wider than a phone, and is shown row by row"
        yield Finding("wide-table", what, "take columns out, or make two tables of it", table.line, severity="hint")
    elif form.kind == "fixed":
        what = f"the words of a table of {columns} columns are wider than a phone, and some are broken there"
        yield Finding("wide-table", what, "use shorter words, or fewer columns", table.line, severity="hint")


def _pictures(issue: Issue) -> Iterator[Finding]:
    for image in issue.images:
        if image.asked_width and image.asked_width > COLUMN:
            what = f"a picture is asked to be {image.asked_width} pixels wide, and the text has {COLUMN}"
            yield Finding("wide-picture", what, f"write {COLUMN} at most", image.line, severity="hint")
        elif not image.asked_width and _is_flat(image):
            height = round(PHONE_TEXT * (image.height or 0) / (image.width or 1))
            what = (
                f"a picture of {image.width} by {image.height} pixels is {height} high on a phone: its words are lost"
            )
            yield Finding("wide-picture", what, "cut it, or set it in two rows", image.line, severity="hint")


def _is_flat(image: Image) -> bool:
    """Whether a picture becomes unreadably low at a phone's width."""
    if not image.width or not image.height or image.width <= 2 * PHONE_TEXT:
        return False
    return image.height > 2 * _FLAT and image.height * PHONE_TEXT / image.width < _FLAT


# --- the theme ------------------------------------------------------------------------------------------------------


def _elements(html: str) -> Iterator[Finding]:
    """Elements of the email that a phone cannot make narrower; our own themes have none."""
    parser = lxml.etree.HTMLParser(encoding="utf-8", no_network=True)
    try:
        root = lxml.etree.fromstring(html.encode("utf-8", "replace"), parser)
    except lxml.etree.XMLSyntaxError:
        return
    if root is None:
        return
    for element in root.iter("img", "table", "div", "td", "th", "p", "pre", "a", "span"):
        width = _fixed_width(element)
        if width > PHONE:
            what = (
                f"the theme's <{element.tag}> is {width} pixels wide whatever the window, which is wider than a phone"
            )
            yield Finding("wide-element", what, "give it max-width:100%, or a width in per cent")
            return
        if _keeps_lines(element) and text_width(_words_of(element), 14) > PHONE:
            what = f"the theme keeps “{_words_of(element)[:40]}” on one line, which is wider than a phone"
            yield Finding("wide-element", what, "take white-space:nowrap out of its style.css")
            return


def _words_of(element: lxml.etree._Element) -> str:
    return " ".join("".join(map(str, element.itertext())).split())


def _keeps_lines(element: lxml.etree._Element) -> bool:
    white_space = style_of(element.get("style") or "").get("white-space")
    return white_space is not None and white_space.text.lower() in ("nowrap", "pre")


def _fixed_width(element: lxml.etree._Element) -> int:
    """The pixels of an element's fixed width; 0 if it is flexible. Cells and blocks inherit."""
    style = style_of(element.get("style") or "")
    if any(_length(style, name)[1] == "%" for name in ("width", "max-width")):
        return 0
    for name in ("min-width", "width") if element.tag in {"img", "table", "div", "pre"} else ("min-width",):
        length, unit = _length(style, name)
        if unit == "px":
            return int(min(length, 1e9))
    written = element.get("width") or ""
    return int(written) if element.tag in {"img", "table"} and written.isdecimal() and len(written) < 6 else 0


def _length(style: Mapping[str, Declaration], name: str) -> tuple[float, str]:
    """A property's length and unit, including `%`; the unit is empty if it has none."""
    for token in style[name].value if name in style else ():
        if token.type == "percentage":
            return token.value, "%"
        if token.type == "dimension":
            return token.value, token.lower_unit
    return 0.0, ""
