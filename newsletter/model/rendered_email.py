"""A rendered email: HTML and text templates with slots, attachments, the theme."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import field
from typing import Any, Literal

from newsletter.frozen import frozen
from newsletter.model.findings import Finding

SlotContext = Literal["html", "url", "href", "text", "text_url", "header"]
"""The context of a slot, which decides its escaping: HTML text or attribute, part of a URL in HTML, a whole URL in
HTML, plain text, part of a URL in plain text, a header.
"""


@frozen
class Slot:
    """A placeholder that is filled per subscriber: a list column or one of our own values, escaped for its context."""

    field: str
    context: SlotContext
    default: str = ""


@frozen
class Template:
    """Text with slots, in order. Rendered once per issue, filled once per subscriber."""

    parts: tuple[str | Slot, ...]


@frozen
class Attachment:
    """A file embedded in the mail, referenced from the HTML as `cid:` + `content_id`."""

    content_id: str
    media_type: str
    filename: str
    data: bytes = field(repr=False)


@frozen
class SectionSize:
    """The size of one section of an email, in bytes of HTML. The frame has no title."""

    title: str
    size: int


@frozen
class Email:
    """A rendered issue. `html` is complete, its CSS inlined; `mjml` is its source, kept for the author.

    `archived_at` is its page in the archive, empty if it gets none.
    """

    subject: Template
    preheader: str
    html: Template
    text: Template
    mjml: str
    lang: str
    attachments: tuple[Attachment, ...] = ()
    sections: tuple[SectionSize, ...] = ()
    findings: tuple[Finding, ...] = ()
    archived_at: str = ""


@frozen
class Theme:
    """A loaded theme. `partials` maps file names to templates; `values` are those of theme.toml.

    `css` has three sheets: `style` is inlined into the elements, `live` stays in a style block (media queries, dark
    mode), `outlook` is for Word alone. `labels` has the frame's labels by language and name; `origin` is the folder's
    path, for messages.
    """

    name: str
    partials: Mapping[str, str]
    css: Mapping[str, str]
    values: Mapping[str, Any]
    labels: Mapping[str, Mapping[str, Any]]
    origin: str = ""
    files: Mapping[str, str] = field(default_factory=dict)

    def file(self, name: str) -> str:
        """The path of a theme's file, for messages."""
        return self.files.get(name, f"{self.origin}/{name}")


@frozen
class Footer:
    """The links at the end of an issue. Empty if not configured.

    `feedback` is an address with `{issue}` and `{answer}` in it. `preferences`: each subscriber has a preferences page.
    `social` has a name and an address for each.
    """

    feedback: str = ""
    forward: bool = False
    preferences: bool = False
    archive: str = ""
    social: tuple[tuple[str, str], ...] = ()
    sponsor: str = ""
    sponsor_url: str = ""


@frozen
class Masthead:
    """The publication's frame around each issue. Empty strings if not configured.

    `site_url` is the link of name and logo; `subscribe_url` is where the reader of a forwarded issue can join.
    `replies`: answers reach the editor. `headline_as_subject`: the subject is the headline.
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
