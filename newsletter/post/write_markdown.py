"""Write blocks of an issue's tree as Markdown that parses to the same blocks. Pure.

What the tree does not keep (how a list was indented, which quotes a title had) is written in one way. Whoever needs to
be sure parses the result again and compares.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence

from newsletter.frozen import frozen
from newsletter.model.issue import (
    Block,
    Break,
    Code,
    CodeBlock,
    Definitions,
    Emphasis,
    FieldRef,
    Figure,
    Footnotes,
    Heading,
    Image,
    Inlines,
    Link,
    ListBlock,
    Note,
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
)

_SPECIAL = re.compile(r"([\\`*_\[\]<>|$~^])|(&)(?=#?\w+;)|([\"'])|(--|\.\.\.)|(:)(?=//|\w+:)|(\{)(?=[{%])|(@)(?=\w)")
_AUTOLINK = re.compile(r"https?://[^\s<>%\x00-\x20]+")
_LINE_START = re.compile(r"(\s*)(#{1,6}(?=\s)|[-+=](?=\s|$)|>|\d{1,9}(?=[.)])|:(?=\s)|\{(?=:))")


@frozen
class MarkdownWriter:
    """`mark` and `fields` are those of the issue, `note` maps a footnote's number to the one to write."""

    mark: str = "nlfield0x"
    fields: Sequence[FieldRef] = ()
    note: Callable[[int], int] = int

    # --- inlines ----------------------------------------------------------------------------------------------------

    def inlines(self, nodes: Inlines) -> str:
        return "".join(self._inline(node) for node in nodes)

    def _inline(self, node: object) -> str:
        match node:
            case Text(text):
                return self.text(text)
            case Code(text):
                fence = "`" * (max((len(run) for run in re.findall("`+", text)), default=0) + 1)
                pad = " " if text.startswith("`") or text.endswith("`") else ""
                return f"{fence}{pad}{text}{pad}{fence}"
            case Break():
                return "<br>"
            case Strong(children):
                return self._around("**", children)
            case Emphasis(children):
                return self._around("*", children)
            case Strike(children):
                return self._around("~~", children)
            case Span(kind, children, note):
                return self._span(kind, self.inlines(children), note)
            case Note(number):
                return f"[^{self.note(number)}]"
            case Image() as image:
                return self.image(image)
            case Link(href, (Text(label),), "") if label == href and _AUTOLINK.fullmatch(href):
                return f"<{href}>"
            case Link(href, children, title):
                return f"[{self.inlines(children)}]({_target(href)}{_title(title)})"
        raise TypeError(f"{type(node).__name__} is no inline")

    def _around(self, sign: str, children: Inlines) -> str:
        """Signs stand at the words: blanks go outside of them."""
        inner = self.inlines(children)
        words = inner.strip()
        if not words:
            return inner
        before, after = inner[: len(inner) - len(inner.lstrip())], inner[len(inner.rstrip()) :]
        return f"{before}{sign}{words}{sign}{after}"

    def _span(self, kind: str, words: str, note: str) -> str:
        match kind:
            case "abbr":
                return f'<abbr title="{_attribute(note)}">{words}</abbr>'
            case "ruby":
                return f"<ruby>{words}<rt>{self.text(note)}</rt></ruby>"
        return f"<{kind}>{words}</{kind}>"

    def text(self, text: str) -> str:
        """Words, so that nothing of them is taken for a sign; a subscriber's column as the author wrote it."""
        pieces = re.split(f"{self.mark}(\\d+)z", text)
        return "".join(
            self._field(self.fields[int(piece)]) if index % 2 else _SPECIAL.sub(_escaped, piece).replace("\n", " ")
            for index, piece in enumerate(pieces)
        )

    def _field(self, field: FieldRef) -> str:
        name = f"subscriber.{field.name}" if field.name.isidentifier() else f'subscriber["{field.name}"]'
        default = f' | default("{field.default}")' if field.default else ""
        return f"{{{{ {name}{default} }}}}"

    def image(self, image: Image) -> str:
        sizes = [
            f'{name}="{value}"'
            for name, value in (("width", image.asked_width), ("height", image.asked_height))
            if value
        ]
        sizes += [f'width="{image.asked_share}%"'] if image.asked_share else []
        asked = f"{{: {' '.join(sizes)}}}" if sizes else ""
        written = f"![{self.text(image.alt)}]({_target(image.src)}{_title(image.title)}){asked}"
        return f"[{written}]({_target(image.href)})" if image.href else written

    # --- blocks -----------------------------------------------------------------------------------------------------

    def blocks(self, blocks: Sequence[Block]) -> str:
        return "\n\n".join(filter(None, (self.block(block) for block in blocks)))

    def block(self, block: Block) -> str:
        match block:
            case Heading(level, inlines):
                return f"{'#' * level} {self.inlines(inlines)}"
            case Paragraph(inlines):
                return _line(self.inlines(inlines))
            case Figure(image):
                return self.image(image)
            case Summary(lines):
                return self.block(CodeBlock("\n".join(lines)))
            case Story() as story:
                return self.story(story, story.number or 1)
            case ListBlock() as found:
                return self._list(found)
            case Quote(body=body, alert=alert):
                first = body[0] if body else None
                title = first.inlines if isinstance(first, Paragraph) and first.role == "title" else ()
                mark = f"[!{alert.upper()}] {self.inlines(title)}".rstrip() + "\n" if alert else ""
                return _prefixed(mark + self.blocks(body[1:] if title else body), "> ", "> ")
            case CodeBlock(text, language):
                fence = "`" * max(3, max((len(run) for run in re.findall("`+", text)), default=0) + 1)
                return f"{fence}{language}\n{text.rstrip(chr(10))}\n{fence}"
            case Table() as table:
                return self._table(table)
            case Rule():
                return "---"
            case Video() as video:
                return self._video(video)
            case Definitions(items=items):
                return "\n\n".join(
                    f"{self.inlines(term)}\n{_prefixed(self.blocks(body), ': ', '  ')}" for term, body in items
                )
            case Footnotes(items=notes):
                return "\n\n".join(
                    _prefixed(self.blocks(note), f"[^{self.note(number)}]: ", "    ")
                    for number, note in enumerate(notes, 1)
                )

    def story(self, story: Story, number: int) -> str:
        """An item of a numbered list: its lead, its text, its sources and pictures on lines of their own."""
        sign = f"{number}. "
        paragraphs: list[str] = []
        body = list(story.body)
        first = []
        if story.lead:
            first.append(f"**{self.inlines(story.lead)}**")
        if body and isinstance(opening := body[0], Paragraph):
            first.append(_line(self.inlines(opening.inlines)))
            body.pop(0)
        ends = [
            *([" ".join(self.inlines((link,)) for link in story.links)] if story.links else []),
            *(self.image(image) for image in story.images),
        ]
        if not body:
            paragraphs.append("\n".join([*first, *ends]))
        else:
            paragraphs += ["\n".join(first), *(self.block(block) for block in body), "\n".join(ends)]
        return _prefixed("\n\n".join(filter(None, paragraphs)), sign, " " * len(sign))

    def _list(self, found: ListBlock) -> str:
        written = []
        for index, item in enumerate(found.items):
            sign = "- " if found.start is None else f"{found.start + index}. "
            tick = "" if item.checked is None else "[x] " if item.checked else "[ ] "
            written.append(_prefixed(tick + self.blocks(item.body), sign, " " * len(sign)))
        is_loose = any(len(item.body) > 1 for item in found.items)
        return ("\n\n" if is_loose else "\n").join(written)

    def _table(self, table: Table) -> str:
        width = max([len(table.header), *map(len, table.rows)], default=0)
        signs = {"left": ":--", "center": ":-:", "right": "--:"}
        align = [signs.get(table.align[place] if place < len(table.align) else "", "---") for place in range(width)]
        rows = [table.header or ((),) * width, *table.rows]
        cells = [[self.inlines(row[place]) if place < len(row) else "" for place in range(width)] for row in rows]
        lines = [*cells[:1], align, *cells[1:]]
        return "\n".join(f"| {' | '.join(line)} |" for line in lines)

    def _video(self, video: Video) -> str:
        tag = "audio" if video.is_audio else "video"
        poster = f' poster="{_attribute(video.poster.src)}"' if video.poster else ""
        title = f' title="{_attribute(video.title)}"' if video.title else ""
        return f'<{tag} src="{_attribute(video.href)}"{poster}{title}></{tag}>'


def _escaped(found: re.Match[str]) -> str:
    special, entity, quote, dashes, colon, brace, at = found.groups()
    if dashes:
        return "".join(f"\\{char}" for char in dashes)
    if brace:
        return "&#123;"
    return f"\\{special or entity or quote or colon or at}"


def _line(text: str) -> str:
    """A line whose beginning is no sign of a block."""
    found = _LINE_START.match(text)
    if not found:
        return text
    at = found.end() if found[2].isdigit() else found.start(2)
    return f"{text[:at]}\\{text[at:]}" if text[at : at + 1].isascii() else f"{text[:at]}&#8203;{text[at:]}"


def _prefixed(text: str, first: str, more: str) -> str:
    lines = text.split("\n")
    rest = [f"{more}{line}" if line.strip() else more.rstrip() for line in lines[1:]]
    return "\n".join([f"{first}{lines[0]}", *rest])


def _target(address: str) -> str:
    return f"<{address}>" if re.search(r"[\s()<>]", address) or not address else address


def _title(title: str) -> str:
    escaped = title.replace("\\", "\\\\").replace('"', '\\"')
    return f' "{escaped}"' if title else ""


def _attribute(text: str) -> str:
    return text.replace("&", "&amp;").replace('"', "&quot;").replace("<", "&lt;")
