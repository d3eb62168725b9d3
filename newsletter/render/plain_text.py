"""The plain-text part, from the same tree as the HTML.

Lines are wrapped by East Asian width, so that Chinese and Latin text end at the same column.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import replace
from itertools import chain
from typing import Any
from unicodedata import category

from newsletter.model.issue import (
    Block,
    Break,
    CodeBlock,
    Definitions,
    Emphasis,
    Figure,
    Footnotes,
    Heading,
    Image,
    Inlines,
    Issue,
    Link,
    ListBlock,
    Paragraph,
    Quote,
    Rule,
    Span,
    Story,
    Strike,
    Strong,
    Summary,
    Table,
    Text,
    Video,
    plain_text,
    walk,
)
from newsletter.model.rendered_email import Masthead
from newsletter.post.markdown.item_sources import is_bare
from newsletter.post.markdown.story import says_nothing
from newsletter.render.block_kinds import callout_parts
from newsletter.render.columns import columns
from newsletter.render.footer_links import ANSWERS, feedback_links
from newsletter.render.headline import headline
from newsletter.render.source_labels import without_arrow
from newsletter.render.standfirst import standfirst
from newsletter.render.wording import dated
from newsletter.render.wrap_text import WIDTH, room_for_text, wrap

_BAR = " | "

_AFTER_ADDRESS = "\x00"  # marks the end of a bare address, until the paragraph is complete


def render_text(issue: Issue, masthead: Masthead, labels: Mapping[str, Any], slot: Callable[[str], str]) -> str:
    """The text part with LF line ends. `slot` returns the placeholder of a value that differs per subscriber."""
    title = headline(issue, masthead.name, labels)
    number = labels["number"].format(number=issue.number) if issue.number else ""
    masthead_line = " · ".join(filter(None, (masthead.name, dated(issue, labels), number)))
    lines: list[str] = [*wrap(masthead_line), ""] if masthead_line else []
    lines += [*wrap(title), "=" * min(WIDTH, columns(title)), ""]
    if issue.ai:
        lines += [*wrap(labels[f"ai_{issue.ai}"]), ""]
    if deck := standfirst(issue):
        lines += [*wrap(deck), ""]
    has_alerts = any(isinstance(block, Quote) and block.alert for block in walk(issue.blocks))
    for block in issue.blocks:
        if shown := [
            *_block(_with_alerts(block, labels) if has_alerts else block, "")
        ]:  # nothing of a picture without words
            lines += [*shown, ""]
    lines += ["-" * WIDTH]
    if answers := feedback_links(issue, masthead.footer):
        lines += wrap(labels["feedback"])
        for name, href in zip(ANSWERS, answers, strict=True):
            lines += [*wrap(f"{labels[f'feedback_{name}']}:"), href]
        lines += [""]
    if masthead.subscribe_url:
        lines += [*wrap(f"{labels['forwarded']} {labels['subscribe_here']}:"), masthead.subscribe_url, ""]
    if masthead.replies:
        lines += [*wrap(labels["reply"]), ""]
    footer = masthead.footer
    if footer.sponsor:
        lines += [*wrap(footer.sponsor), *([footer.sponsor_url] if footer.sponsor_url else []), ""]
    why = labels["why"].format(name=masthead.name) if masthead.name else labels["why_unnamed"]
    lines += wrap(why)
    if masthead.postal_address:
        lines += wrap(masthead.postal_address)
    if issue.url:
        lines += ["", f"{labels['view_in_browser']}:", issue.url]
    if footer.archive:
        lines += ["", f"{labels['archive']}:", footer.archive]
    if footer.preferences and masthead.unsubscribe:
        lines += ["", f"{labels['preferences']}:", slot("preferences_url")]
    if masthead.unsubscribe:
        lines += ["", f"{labels['unsubscribe']}:", slot("unsubscribe_url")]
    if footer.social:
        lines += [""]
        for words, href in footer.social:
            lines += [f"{words}:", href]
    return "\n".join(lines) + "\n"


def _with_alerts(block: Block, labels: Mapping[str, Any]) -> Block:
    """GitHub's alerts as quotes that begin with the name of their kind, and with their own title."""
    match block:
        case Quote(body=body, alert=alert):
            inner = tuple(_with_alerts(each, labels) for each in body)
            if not alert:
                return replace(block, body=inner)
            title = callout_parts(block).title
            name = str(labels[f"alert_{alert}"])
            named = () if title and alert == "note" else (Text(f"{name}: " if title else name),)
            return replace(block, body=(Paragraph((Strong((*named, *title)),)), *inner[bool(title) :]))
        case ListBlock(items=items):
            return replace(
                block, items=tuple(replace(i, body=tuple(_with_alerts(b, labels) for b in i.body)) for i in items)
            )
        case Story(body=body):
            return replace(block, body=tuple(_with_alerts(each, labels) for each in body))
    return block


def _block(block: Block, indent: str) -> Iterator[str]:
    match block:
        case Heading(level, inlines):
            title = plain_text(inlines)
            yield from wrap(title, indent)
            yield indent + ("-" if level > 2 else "=") * min(WIDTH - len(indent), columns(title))
            yield from _addresses(inlines, indent)
        case Summary(lines):
            for line in lines:
                yield from wrap(line, indent + "  ", first=indent + "* ")
        case Paragraph(inlines):
            yield from _inlines(inlines, indent)
        case Figure(image):
            yield from _image(image, indent)
        case Story():
            yield from _story(block, indent)
        case ListBlock(items, start):
            for position, item in enumerate(items):
                mark = "* " if start is None else f"{start + position}. "
                if item.checked is not None:
                    mark = "[x] " if item.checked else "[ ] "
                shown = [*_blocks(item.body, indent + " " * len(mark))]
                if shown or mark != "* ":  # a picture without words is nothing here, but numbers count on
                    yield from _hang(mark, shown, indent)
        case Quote(body):
            for line in _blocks(body, indent + "  "):
                yield f"{indent}> {line[len(indent) + 2 :]}".rstrip()
        case CodeBlock(text):
            for line in text.split("\n"):
                yield f"{indent}    {line}".rstrip()
        case Table():
            yield from _table(block, indent)
        case Rule():
            yield indent + "* * *"
        case Video(href, title):
            if title:
                yield from wrap(title, indent)
            yield indent + href
        case Definitions(items=terms):
            for term, body in terms:
                yield from wrap(plain_text(term), indent)
                yield from _addresses(term, indent)
                yield from _blocks(body, indent + "    ")
        case Footnotes(items=notes):
            for number, note in enumerate(notes, 1):
                mark = f"[{number}] "
                yield from _hang(mark, _blocks(note, indent + " " * len(mark)), indent)


def _table(table: Table, indent: str) -> Iterator[str]:
    """Columns one below the other where a line holds them; else a row's cells below its first, each behind its head.

    The addresses of its links are below the table; where each row is lines of its own, below the row.
    """
    cells = [row for row in (table.header, *table.rows) if row]
    rows = [[" ".join(plain_text(cell).split()) for cell in row] for row in cells]
    links = [[link for cell in row for link in _links(cell)] for row in cells]
    size = max(map(len, rows), default=0)
    rows = [[*row, *[""] * (size - len(row))] for row in rows]
    widths = [max(map(columns, column)) for column in zip(*rows, strict=True)]
    if sum(widths) + len(_BAR) * (size - 1) <= room_for_text(indent):
        sides = [*table.align, *[""] * size]
        for row in filter(any, rows):  # one of pictures without words is nothing here
            padded = (_padded(cell, widths[at], sides[at]) for at, cell in enumerate(row))
            yield (indent + _BAR.join(padded)).rstrip()
        yield from _labelled(chain(*links), indent)
        return
    if not table.header:
        for row in filter(any, rows):
            yield from wrap(_BAR.join(row), indent)
        yield from _labelled(chain(*links), indent)
        return
    heads = rows[0]
    bare = [head for at, head in enumerate(heads) if head and not any(row[at] for row in rows[1:])]
    if bare:  # no row has a cell below them
        yield from wrap(_BAR.join(bare), indent)
    yield from _labelled(links[0], indent)
    for number, row in enumerate(rows[1:], 1):
        if number > 1 or bare or links[0]:
            yield ""
        for at, (head, cell) in enumerate(zip(heads, row, strict=True)):
            if cell:
                inner = indent + "  " * bool(at)
                yield from wrap(f"{head}: {cell}" if head else cell, indent + "    ", first=inner)
        yield from _labelled(links[number], indent + "  ")


def _links(inlines: Inlines) -> list[Link]:
    return [node for node in _flat(inlines) if isinstance(node, Link)]


def _padded(cell: str, width: int, side: str) -> str:
    space = " " * (width - columns(cell))
    return space + cell if side == "right" else cell + space


def _blocks(blocks: Iterable[Block], indent: str) -> Iterator[str]:
    is_first = True
    for block in blocks:
        shown = [*_block(block, indent)]
        if shown and not is_first and not isinstance(block, ListBlock):
            yield ""
        yield from shown
        is_first = is_first and not shown


def _story(story: Story, indent: str) -> Iterator[str]:
    mark = "* " if story.number is None else f"{story.number}. "
    inner = indent + " " * len(mark)
    body: list[str] = []
    if story.lead:
        body += _title(story.lead, inner)
    body += _blocks(story.body, inner)
    for image in story.images:
        body += _image(image, inner)
    for link in story.links:
        body += _labelled((link,), inner)
    yield from _hang(mark, body, indent)


def _title(lead: Inlines, indent: str) -> Iterator[str]:
    """A story's title; the address of its only link below it, without a label."""
    links = [node for node in _flat(lead) if isinstance(node, Link)]
    if len(links) != 1 or is_bare(links[0]):
        yield from _inlines(lead, indent)
    else:
        yield from wrap(_words_alone(lead), indent)
        yield indent + shown_address(links[0].href)


def _words_alone(inlines: Inlines) -> str:
    """The words without link addresses, abbreviations with their meaning."""
    return "".join(node.label if isinstance(node, Link) else plain_text((node,)) for node in _flat(inlines))


def _hang(mark: str, lines: Iterable[str], indent: str) -> Iterator[str]:
    """Lines indented behind a mark (hanging indent); the mark alone without lines."""
    rest = iter(lines)
    yield (indent + mark + next(rest, "")[len(indent) + len(mark) :]).rstrip()
    yield from rest


def _image(image: Image, indent: str) -> Iterator[str]:
    if not says_nothing(image.alt):
        yield from wrap(f"[{image.alt}]", indent)
    if image.title.casefold() not in ("", image.alt.casefold()):
        yield from wrap(image.title, indent)
    if image.href:
        yield indent + image.href


def _inlines(inlines: Inlines, indent: str) -> Iterator[str]:
    """A paragraph. A bare address stays in its sentence; a link's address follows the paragraph, after its label."""
    text = ""
    after: list[Link] = []
    for node in _flat(inlines):
        match node:
            case Link(href) if is_bare(node):
                # Mail clients linkify it: adjacent letters, and any non-ASCII ones, would be taken for a part of it.
                text += " " if text and _hides_an_address(text[-1]) else ""
                text += shown_address(href) + _AFTER_ADDRESS
            case Link():
                text += node.label
                after.append(node)
            case Break():
                yield from wrap(_apart(text), indent)
                text = ""
            case _:
                text += plain_text((node,))
    text = _apart(text)
    is_label = len(after) == 1 and text.strip() == after[0].label.strip()  # a button: its label is above its address
    if text.strip() and not is_label:
        yield from wrap(text, indent)
    if _is_named(inlines) and not is_label:
        yield indent + shown_address(after[0].href)
    else:
        yield from _labelled(after, indent)


def _is_named(inlines: Inlines) -> bool:
    """Whether these begin or end with their only link: its address below needs no label then."""
    nodes = [*_flat(inlines)]
    places = [place for place, node in enumerate(nodes) if isinstance(node, Link)]
    if len(places) != 1 or is_bare(nodes[places[0]]):
        return False
    around = nodes[: places[0]], nodes[places[0] + 1 :]
    return not all(any(map(str.isalnum, plain_text(beside))) for beside in around)


def shown_address(href: str) -> str:
    """An address for display: a mail address without its scheme."""
    scheme, _, rest = href.partition(":")
    return rest if scheme.lower() in ("mailto", "tel") and "?" not in rest else href


def _hides_an_address(before: str) -> bool:
    """Whether a mail client may not see that an address begins behind this character. An opening mark stays beside it:
    a space would let the line end between them.
    """
    return before.isalnum() or not (before.isascii() or category(before) in ("Ps", "Pi"))


def _apart(text: str) -> str:
    """Resolve the ends of bare addresses: a space if a non-ASCII letter would follow, else nothing."""
    return re.sub(f"{_AFTER_ADDRESS}(?=[^\\W_]|[^\\x00-\\x7f])", " ", text).replace(_AFTER_ADDRESS, "")


def _addresses(inlines: Inlines, indent: str) -> Iterator[str]:
    """The link addresses of a heading or a term, to be put after it, since there is no room inside."""
    links = _links(inlines)
    if _is_named(inlines):
        yield indent + shown_address(links[0].href)
    else:
        yield from _labelled(links, indent)


def _labelled(links: Iterable[Link], indent: str) -> Iterator[str]:
    for link in links:
        if not is_bare(link):
            yield from wrap(f"{without_arrow(link.label)}:", indent)
        yield indent + shown_address(link.href)


def _flat(inlines: Inlines) -> Iterator[Any]:
    """Inline nodes with the marks around links removed."""
    for node in inlines:
        match node:
            case Strong(children) | Emphasis(children) | Strike(children):
                yield from _flat(children)
            case Span(children=children) if any(isinstance(each, Link) for each in _flat(children)):
                yield from _flat(children)
            case Span("abbr", children, note) if note:
                yield Text(f"{plain_text(children)} ({note})")
            case Image(alt=alt, href=href) if href:
                yield Link(href, (Text(alt),) if alt else ())
            case _:
                yield node
