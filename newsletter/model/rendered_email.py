"""A rendered email: HTML and text templates with slots, attachments, the theme that drew it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from newsletter.model.findings import Finding

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
class Footer:
    """What a reader may do at the end of an issue. Empty where nothing is configured.

    `feedback` is an address with `{issue}` and `{answer}` in it. `preferences` says that each subscriber has a page of
    their own. `social` has a name and an address for each.
    """

    feedback: str = ""
    forward: bool = False
    preferences: bool = False
    archive: str = ""
    social: tuple[tuple[str, str], ...] = ()
    sponsor: str = ""
    sponsor_url: str = ""


@dataclass(frozen=True, slots=True)
class Masthead:
    """What a publication puts around each of its issues. Empty strings where nothing is configured.

    `site_url` is where name and logo lead, `subscribe_url` where a reader whom a friend forwarded the issue can join.
    `replies` says that an answer reaches the editor, `headline_as_subject` that the subject is the headline.
    """

    name: str = ""
    postal_address: str = ""
    unsubscribe: bool = False
    labels: Mapping[str, str] = field(default_factory=dict)
    site_url: str = ""
    subscribe_url: str = ""
    replies: bool = False
    headline_as_subject: bool = False
    footer: Footer = Footer()
