"""The tree of an issue: inlines, blocks, stories, front matter. Frozen, without I/O.

post.md --parse--> Issue --render--> Email --compose--> Message --deliver--> Outcome --record--> Ledger
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import field
from datetime import date, datetime
from typing import Any, Literal

from newsletter.frozen import frozen
from newsletter.model.findings import Finding
from newsletter.model.superscript import lowered, raised


@frozen
class Text:
    text: str


@frozen
class Strong:
    children: Inlines


@frozen
class Emphasis:
    children: Inlines


@frozen
class Strike:
    children: Inlines


@frozen
class Span:
    """Words in an HTML element of their own. `note` is an abbreviation's meaning, or ruby's reading."""

    kind: Literal["sup", "sub", "abbr", "ruby", "rt"]
    children: Inlines
    note: str = ""


@frozen
class Code:
    text: str


@frozen
class Break:
    """A hard line break. Soft breaks are already resolved: a space, or nothing between two CJK characters."""


@frozen
class Note:
    """A footnote reference: its number in the text and in the list of `Footnotes`."""

    number: int


@frozen
class Link:
    href: str
    children: Inlines
    title: str = ""

    @property
    def label(self) -> str:
        return plain_text(self.children).strip() or self.href


@frozen
class Image:
    """A picture. `src` is the author's, or `cid:...` once it is embedded in the mail; sizes are in pixels.

    `width` and `height` are the picture's own; `asked_width`, `asked_height` and `asked_share`, in per cent of the
    column, are what the author wrote.
    """

    src: str
    alt: str = ""
    title: str = ""
    href: str = ""
    line: int | None = None
    width: int | None = None
    height: int | None = None
    asked_width: int | None = None
    asked_height: int | None = None
    asked_share: int | None = None


Inline = Text | Strong | Emphasis | Strike | Span | Code | Break | Note | Link | Image
Inlines = tuple[Inline, ...]


def plain_text(inlines: Iterable[Inline]) -> str:
    """The text without markup: a link's label stays, an image becomes its alternative text."""
    if isinstance(inlines, tuple) and len(inlines) == 1 and isinstance(only := inlines[0], Text):
        return only.text  # most are
    parts: list[str] = []
    for node in inlines:
        if isinstance(node, (Text, Code)):  # most are, and a match takes longer
            parts.append(node.text)
            continue
        match node:
            case Link() | Strong() | Emphasis() | Strike():
                parts.append(plain_text(node.children))
            case Break():
                parts.append("\n")
            case Note(number):
                parts.append(f"[{number}]")
            case Image(alt=alt):
                parts.append(alt)
            case Span(kind, children, note):
                parts.append(_span_text(kind, plain_text(children), note))
    return "".join(parts)


def _span_text(kind: str, words: str, note: str) -> str:
    match kind:
        case "sup":
            return raised(words)
        case "sub":
            return lowered(words)
        case "ruby":
            return f"{words}（{note}）"
    return words


# --- blocks ---------------------------------------------------------------------------------------------------------


@frozen
class Heading:
    level: int
    inlines: Inlines
    line: int | None = None


@frozen
class Summary:
    """The author's summary of the issue in a few lines; its heading precedes it in the tree."""

    lines: tuple[str, ...]
    line: int | None = None


@frozen
class Paragraph:
    """`role` selects the style: a lone link as a button, words after the end as a postscript; a box's title."""

    inlines: Inlines
    line: int | None = None
    role: Literal["", "button", "postscript", "title"] = ""


@frozen
class Figure:
    image: Image
    line: int | None = None


@frozen
class Story:
    """One item of a digest. `lead` is its title, empty if the text starts at once; `number` may be None.

    `links` are the sources shown as buttons; links inside a sentence stay in `body`.
    """

    number: int | None
    lead: Inlines
    body: Blocks
    links: tuple[Link, ...] = ()
    images: tuple[Image, ...] = ()
    line: int | None = None


@frozen
class ListItem:
    body: Blocks
    checked: bool | None = None


@frozen
class ListBlock:
    """`start` is the first number of an ordered list, None for bullets."""

    items: tuple[ListItem, ...]
    start: int | None = None
    line: int | None = None


@frozen
class Quote:
    """`alert` is the kind of a box: GitHub's note, tip, important, warning and caution, or sponsor or author."""

    body: Blocks
    line: int | None = None
    alert: str = ""


@frozen
class CodeBlock:
    text: str
    language: str = ""
    line: int | None = None


@frozen
class Table:
    """`align` has one of left, center, right or the empty string for each column. `header` may be empty."""

    header: tuple[Inlines, ...]
    rows: tuple[tuple[Inlines, ...], ...]
    align: tuple[str, ...] = ()
    line: int | None = None


@frozen
class Rule:
    line: int | None = None


@frozen
class Video:
    """A card that links to a video, or to sound (`is_audio`), on a web page. `title` may be empty, `poster` None."""

    href: str
    title: str = ""
    poster: Image | None = None
    line: int | None = None
    is_audio: bool = False


@frozen
class Definitions:
    """Definition list: terms, each with its definitions."""

    items: tuple[tuple[Inlines, Blocks], ...]
    line: int | None = None


@frozen
class Footnotes:
    """The notes of the whole post, in the order of their numbers from 1."""

    items: tuple[Blocks, ...]
    line: int | None = None


Block = (
    Heading
    | Summary
    | Paragraph
    | Figure
    | Story
    | ListBlock
    | Quote
    | CodeBlock
    | Table
    | Rule
    | Video
    | Definitions
    | Footnotes
)
Blocks = tuple[Block, ...]


@frozen
class FieldRef:
    """A subscriber's column named in a post, in lower case, with the default for an empty value."""

    name: str
    default: str = ""
    line: int | None = field(default=None, compare=False)


@frozen
class Site:
    """The blog that a post belongs to. `permalink` is a Jekyll style or template; `values` its other settings.

    `pages` has the paths of its posts and pages, by the names that `{% post_url %}` and `{% link %}` use.
    """

    url: str = ""
    baseurl: str = ""
    permalink: str = ""
    values: Mapping[str, Any] = field(default_factory=dict)
    smart_punctuation: bool = True
    pages: Mapping[str, str] = field(default_factory=dict, compare=False, repr=False)

    @property
    def base(self) -> str:
        """The base of relative links, with a slash at its end; empty if no address is known."""
        return f"{self.url}{self.baseurl}/" if self.url else ""


AI_NOTICES = ("generated", "assisted", "reviewed")
"""The author's disclosure of AI: it wrote the text, it helped, or it wrote and an editor reviewed."""


@frozen
class Issue:
    """A parsed post. `slug` names it in the ledger and on disk: letters and digits of any script, `-` between.

    `name` is the source of the slug, empty if that was the title alone. `published` and `draft` are the front matter's,
    and `moment` its date with the time of day, in the author's zone if one is given.

    `headline` and `number` are the author's own; `ai` is how the text was made with AI, empty if not disclosed.
    `digest` is one of `DIGESTS`, empty for any other issue. `archive`: its author's wish to have it in the archive.

    `url` is its web version, if known. In every text `mark`, a number n and `z` are the placeholder of `fields[n]`.
    """

    slug: str
    title: str
    blocks: Blocks
    lang: str
    date: date | None = None
    author: str = ""
    description: str = ""
    hero: Image | None = None
    tags: tuple[str, ...] = ()
    categories: tuple[str, ...] = ()
    layout: str = ""
    published: bool = True
    draft: bool = False
    moment: datetime | None = None
    name: str = ""
    subject: str = ""
    preheader: str = ""
    template: str = ""
    url: str = ""
    mark: str = "nlfield0x"
    fields: tuple[FieldRef, ...] = ()
    extra: Mapping[str, Any] = field(default_factory=dict)
    findings: tuple[Finding, ...] = ()
    headline: str = ""
    number: str = ""
    digest: str = ""
    ai: str = ""
    archive: bool | None = None

    @property
    def stories(self) -> tuple[Story, ...]:
        return tuple(block for block in walk(self.blocks) if isinstance(block, Story))

    @property
    def images(self) -> tuple[Image, ...]:
        """Every picture, the hero first, then in reading order."""
        return tuple(([self.hero] if self.hero else []) + list(images_of(self.blocks)))


def walk(blocks: Iterable[Block]) -> Iterator[Block]:
    """Every block, outer before inner, in reading order."""
    for block in blocks:
        yield block
        match block:
            case Story(body=body) | Quote(body=body):
                yield from walk(body)
            case ListBlock(items=items):
                for item in items:
                    yield from walk(item.body)
            case Definitions(items=terms):
                for _, body in terms:
                    yield from walk(body)
            case Footnotes(items=notes):
                for note in notes:
                    yield from walk(note)


def images_of(blocks: Iterable[Block]) -> Iterator[Image]:
    for block in walk(blocks):
        match block:
            case Figure(image):
                yield image
            case Story(images=images):
                yield from images
            case Video(poster=Image() as poster):
                yield poster
            case Paragraph(inlines) | Heading(inlines=inlines):
                yield from _inline_images(inlines)
            case Table(header=header, rows=rows):
                for cell in (*header, *(cell for row in rows for cell in row)):
                    yield from _inline_images(cell)


def _inline_images(inlines: Inlines) -> Iterator[Image]:
    return (node for node in walk_inlines(inlines) if isinstance(node, Image))


def walk_inlines(inlines: Iterable[Inline]) -> Iterator[Inline]:
    """Every inline, outer before inner, in reading order."""
    for node in inlines:
        yield node
        if isinstance(node, Strong | Emphasis | Strike | Span | Link):
            yield from walk_inlines(node.children)
