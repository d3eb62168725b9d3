"""Every type that crosses a stage. Frozen, without I/O, and knowing nothing of HTML, MJML or SMTP.

post.md --parse--> Issue --render--> Email --compose--> Message --deliver--> Outcome --record--> Ledger
"""

from __future__ import annotations

import enum
import ipaddress
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from types import MappingProxyType
from typing import Any, Literal
from urllib.parse import quote

from newsletter.errors import located
from newsletter.model.superscript import lowered, raised

# --- what a stage noticed -------------------------------------------------------------------------------------------


Severity = Literal["error", "warning", "hint"]
"""How much a finding matters: readers will be missing something; something will look or read worse; good to know."""


@dataclass(frozen=True, slots=True)
class Finding:
    """Something the author or operator should know that did not stop the work.

    `line` and `column` count from 1 in the file that was read; None where the finding has no place. `path` is that
    file, where it is one of several.
    """

    code: str
    what: str
    remedy: str = ""
    line: int | None = None
    column: int | None = None
    severity: Severity = "warning"
    path: str = ""

    def at(self, path: str) -> str:
        return located(self.path or path, self.line, self.what, self.remedy, self.column)


# --- inline content -------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Text:
    text: str


@dataclass(frozen=True, slots=True)
class Strong:
    children: Inlines


@dataclass(frozen=True, slots=True)
class Emphasis:
    children: Inlines


@dataclass(frozen=True, slots=True)
class Strike:
    children: Inlines


@dataclass(frozen=True, slots=True)
class Span:
    """Words that an HTML element sets apart. `note` is an abbreviation's meaning, or ruby's reading."""

    kind: Literal["sup", "sub", "abbr", "ruby", "rt"]
    children: Inlines
    note: str = ""


@dataclass(frozen=True, slots=True)
class Code:
    text: str


@dataclass(frozen=True, slots=True)
class Break:
    """A hard line break. Soft ones are gone by now: a space, or nothing between two CJK characters."""


@dataclass(frozen=True, slots=True)
class Note:
    """A footnote's reference: its number in the text, and in the list of `Footnotes`."""

    number: int


@dataclass(frozen=True, slots=True)
class Link:
    href: str
    children: Inlines
    title: str = ""

    @property
    def label(self) -> str:
        return plain_text(self.children).strip() or self.href


@dataclass(frozen=True, slots=True)
class Image:
    """A picture. `src` is the author's, or `cid:...` once its bytes travel with the mail; sizes are in pixels.

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
    """The words alone: marks dropped, a link's label kept, an image's alternative text in its place."""
    parts: list[str] = []
    for node in inlines:
        match node:
            case Text(text) | Code(text):
                parts.append(text)
            case Break():
                parts.append("\n")
            case Note(number):
                parts.append(f"[{number}]")
            case Image(alt=alt):
                parts.append(alt)
            case Strong(children) | Emphasis(children) | Strike(children) | Link(children=children):
                parts.append(plain_text(children))
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


@dataclass(frozen=True, slots=True)
class Heading:
    level: int
    inlines: Inlines
    line: int | None = None


@dataclass(frozen=True, slots=True)
class Summary:
    """The issue in a few lines, as the author wrote them; its heading stands before it in the tree."""

    lines: tuple[str, ...]
    line: int | None = None


@dataclass(frozen=True, slots=True)
class Paragraph:
    inlines: Inlines
    line: int | None = None


@dataclass(frozen=True, slots=True)
class Figure:
    image: Image
    line: int | None = None


@dataclass(frozen=True, slots=True)
class Story:
    """One numbered item of a digest. `lead` is its bold title, empty where the text starts at once.

    `links` are the sources shown as buttons; links inside a sentence stay in `body`.
    """

    number: int
    lead: Inlines
    body: Blocks
    links: tuple[Link, ...] = ()
    images: tuple[Image, ...] = ()
    line: int | None = None


@dataclass(frozen=True, slots=True)
class ListItem:
    body: Blocks
    checked: bool | None = None


@dataclass(frozen=True, slots=True)
class ListBlock:
    """`start` is the first number of an ordered list, None for bullets."""

    items: tuple[ListItem, ...]
    start: int | None = None
    line: int | None = None


@dataclass(frozen=True, slots=True)
class Quote:
    """`alert` is GitHub's kind of notice: note, tip, important, warning or caution; empty for a quote."""

    body: Blocks
    line: int | None = None
    alert: str = ""


@dataclass(frozen=True, slots=True)
class CodeBlock:
    text: str
    language: str = ""
    line: int | None = None


@dataclass(frozen=True, slots=True)
class Table:
    """`align` has one of left, center, right or the empty string for each column. `header` may be empty."""

    header: tuple[Inlines, ...]
    rows: tuple[tuple[Inlines, ...], ...]
    align: tuple[str, ...] = ()
    line: int | None = None


@dataclass(frozen=True, slots=True)
class Rule:
    line: int | None = None


@dataclass(frozen=True, slots=True)
class Video:
    """What plays on a web page only: a card that links to it. `title` may be empty, `poster` None.

    `is_audio` says that there is nothing to see, only to hear.
    """

    href: str
    title: str = ""
    poster: Image | None = None
    line: int | None = None
    is_audio: bool = False


@dataclass(frozen=True, slots=True)
class Definitions:
    """Terms, each with what is said of it."""

    items: tuple[tuple[Inlines, Blocks], ...]
    line: int | None = None


@dataclass(frozen=True, slots=True)
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


@dataclass(frozen=True, slots=True)
class FieldRef:
    """A subscriber's column as a post names it, in lower case, with the words for when it is empty."""

    name: str
    default: str = ""
    line: int | None = field(default=None, compare=False)


@dataclass(frozen=True, slots=True)
class Site:
    """The blog that a post belongs to. `permalink` is a Jekyll style or template; `values` its other settings.

    `pages` has the paths of its posts and pages, by the names that `{% post_url %}` and `{% link %}` give.
    """

    url: str = ""
    baseurl: str = ""
    permalink: str = ""
    values: Mapping[str, Any] = field(default_factory=dict)
    smart_punctuation: bool = True
    pages: Mapping[str, str] = field(default_factory=dict, compare=False, repr=False)

    @property
    def base(self) -> str:
        """The address that relative links start from, with a slash at its end; empty where no address is known."""
        return f"{self.url}{self.baseurl}/" if self.url else ""


@dataclass(frozen=True, slots=True)
class Issue:
    """One post, understood. `slug` names it in the ledger and on disk: letters and digits of any script, `-` between.

    `name` is what the slug was made of, empty where that was the title alone. `published` and `draft` are what the
    front matter says, and `moment` its date with the time of day, in the author's zone where one is written.

    `url` is its web version, where that is known. In every text `mark`, a number n and `z` stand for `fields[n]`.
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
    for node in inlines:
        match node:
            case Image():
                yield node
            case (
                Strong(children)
                | Emphasis(children)
                | Strike(children)
                | Span(children=children)
                | Link(children=children)
            ):
                yield from _inline_images(children)


# --- the rendered email ---------------------------------------------------------------------------------------------

SlotContext = Literal["html", "url", "href", "text", "text_url", "header"]
"""Where a slot stands: HTML text or attribute, a part of a URL in HTML, the whole of one, plain text, a part of a URL
in plain text, a header."""


@dataclass(frozen=True, slots=True)
class Slot:
    """A hole that each subscriber fills: a list column or one of our own values, escaped for where it stands."""

    field: str
    context: SlotContext
    default: str = ""


@dataclass(frozen=True, slots=True)
class Template:
    """Text with holes, in order. Rendered once per issue, filled once per subscriber."""

    parts: tuple[str | Slot, ...]


@dataclass(frozen=True, slots=True)
class Attachment:
    """Bytes that travel with the mail and are shown inside it: referenced from the HTML as `cid:` + `content_id`."""

    content_id: str
    media_type: str
    filename: str
    data: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class SectionSize:
    """What one section of an email weighs, in bytes of HTML. The frame has no title."""

    title: str
    size: int


@dataclass(frozen=True, slots=True)
class Email:
    """An issue, rendered. `html` is complete and inlined; `mjml` is the source it came from, kept for the author."""

    subject: Template
    preheader: str
    html: Template
    text: Template
    mjml: str
    lang: str
    attachments: tuple[Attachment, ...] = ()
    sections: tuple[SectionSize, ...] = ()
    findings: tuple[Finding, ...] = ()


@dataclass(frozen=True, slots=True)
class Theme:
    """A theme's folder, read. `partials` maps file name to template text; `values` are theme.toml's own.

    `css` has three sheets: `style` is inlined into the elements, `live` stays in a style block (media queries, dark
    mode), `outlook` is for Word alone. `labels` has the words of the frame by language, then by name; `origin` is the
    folder's path, for messages.
    """

    name: str
    partials: Mapping[str, str]
    css: Mapping[str, str]
    values: Mapping[str, Any]
    labels: Mapping[str, Mapping[str, Any]]
    origin: str = ""
    files: Mapping[str, str] = field(default_factory=dict)

    def file(self, name: str) -> str:
        """Where a file of the theme is, as a message names it."""
        return self.files.get(name, f"{self.origin}/{name}")


@dataclass(frozen=True, slots=True)
class Masthead:
    """What a publication puts around each of its issues. Empty strings where nothing is configured."""

    name: str = ""
    postal_address: str = ""
    unsubscribe: bool = False
    labels: Mapping[str, str] = field(default_factory=dict)


# --- people, mail, and what became of it ----------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Subscriber:
    """One person on a list. `fields` holds every column of the row by its lower-case name, `email` among them."""

    email: str
    fields: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))
    line: int | None = None

    @property
    def name(self) -> str:
        return self.fields.get("name", "").strip()


@dataclass(frozen=True, slots=True)
class Sender:
    """Who the mail is from, and the addresses its headers carry. Empty strings where nothing is configured.

    `unsubscribe_url` is an https address and `bounce_address` a mailbox, each with `{token}` for what tells one
    subscriber from another; `secret` is the key that tokens and Message-IDs are made with. `list_name` is what people
    read of the list beside its `list_id`.
    """

    name: str
    address: str
    reply_to: str = ""
    unsubscribe_mailto: str = ""
    unsubscribe_url: str = ""
    list_id: str = ""
    list_help: str = ""
    feedback_id: str = ""
    bounce_address: str = ""
    secret: str = field(default="", repr=False)
    list_name: str = ""


def is_loopback(host: str) -> bool:
    """Whether a host is this machine, where nobody listens on the wire (RFC 1122 3.2.1.3, RFC 4291 2.5.3)."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host.lower() == "localhost" or host.lower().endswith(".localhost")  # RFC 6761 6.3


@dataclass(frozen=True, slots=True)
class Relay:
    """The SMTP server that takes our mail. `tls` is when encryption starts: implicit (465), starttls, or none.

    `name` tells it from other relays in the ledger and in the report. With `auth` xoauth2, `token_command` prints the
    access token. `weight` is its share of the mail among several relays. `ehlo` is the name that we greet it with,
    empty for this machine's own. With `may_start_tls`, `tls` "none" gives way to STARTTLS where the login needs it.
    """

    host: str
    port: int
    tls: Literal["implicit", "starttls", "none"]
    user: str = ""
    password: str = field(default="", repr=False)
    name: str = "relay"
    auth: Literal["auto", "plain", "login", "xoauth2"] = "auto"
    token_command: tuple[str, ...] = ()
    weight: int = 1
    ehlo: str = ""
    may_start_tls: bool = False

    @property
    def is_loopback(self) -> bool:
        return is_loopback(self.host)

    def __str__(self) -> str:
        scheme = "smtps" if self.tls == "implicit" else "smtp"
        host = f"[{self.host}]" if ":" in self.host else self.host
        user = f"{quote(self.user, safe='')}@" if self.user else ""
        return f"{scheme}://{user}{host}:{self.port}"


@dataclass(frozen=True, slots=True)
class Message:
    """One person's mail, ready for the wire but for dot-stuffing: CRLF line ends, at most 998 octets a line."""

    envelope_from: str
    recipient: str
    message_id: str
    data: bytes = field(repr=False)


class State(enum.StrEnum):
    """Where a recipient stands for one issue; `ledger.MOVES` has the legal moves."""

    PENDING = "pending"
    CLAIMED = "claimed"
    COMMITTING = "committing"
    SENT = "sent"
    DEFERRED = "deferred"
    REJECTED = "rejected"
    UNCERTAIN = "uncertain"
    SUPPRESSED = "suppressed"


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of one message. `code` is the server's reply code, 0 where it gave none; `text` its own words.

    `lane`: the answer speaks of us (rate, reputation, login) and not of the recipient, who is then never `rejected`.
    `connection`: it speaks of this connection alone, which has carried enough; another one may go on at once.
    """

    state: State
    stage: str
    code: int = 0
    text: str = ""
    lane: bool = False
    connection: bool = False
