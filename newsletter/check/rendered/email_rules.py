"""Rules on the rendered email: words missing from a part, the unsubscribe link, size."""

from __future__ import annotations

import re
from collections.abc import Iterator
from html import unescape

from newsletter.check.rendered.contrast import contrast_findings
from newsletter.model.findings import Finding
from newsletter.model.issue import Heading, Image, Issue, Paragraph, Story, Summary, Table, plain_text, walk
from newsletter.model.rendered_email import Email, Masthead, Slot, Template
from newsletter.post.markdown.story import normalised
from newsletter.render.size_budget import sent_size

CLIPPED_BYTES = 102_000
"""Gmail's clipping limit ("[Message clipped]"): 102 KB as measured by senders; Google does not document it."""

HEAVY_BYTES = 2_000_000
"""The limit of embedded pictures. Every reader downloads them, and relays often accept 10 MB per message at most."""

_HIDDEN = re.compile(r"<!--.*?-->|<(style|script|title)\b.*?</\1>", re.DOTALL | re.IGNORECASE)
_TAG = re.compile(r"<[^>]*>")


def rendered_findings(issue: Issue, email: Email, masthead: Masthead, *, has_list: bool = True) -> tuple[Finding, ...]:
    """Findings about one rendering. An email that was too long has been simplified already.

    `has_list` is false for a mail that goes to nobody's subscription, so that there is none to end.
    """
    html = sample_text(email.html)
    return (
        *size_findings(email),
        *_frame(email, masthead, has_list),
        *_lost_words(issue, email, html),
        *contrast_findings(html),
    )


def sample_text(template: Template) -> str:
    """A template with a short sample in each slot."""
    return "".join(part if isinstance(part, str) else part.default or "reader" for part in template.parts)


def size_findings(email: Email) -> Iterator[Finding]:
    """Findings about the size of one variant."""
    size = sent_size(sample_text(email.html).encode())
    if size > CLIPPED_BYTES:
        what = f"the email has {size:,} bytes as sent, and Gmail clips near {CLIPPED_BYTES:,}"
        yield Finding("size", what, "split the post, or shorten the theme", severity="error")
    weight = sum(len(file.data) for file in email.attachments)
    if weight > HEAVY_BYTES:
        what = f"the pictures inside weigh {weight / 1_000_000:.1f} MB, for every reader"
        yield Finding("image-weight", what, "use fewer or smaller ones, or lower [images] max_total_kb")


def _frame(email: Email, masthead: Masthead, has_list: bool) -> Iterator[Finding]:
    """Each email needs an unsubscribe link and a postal address by law: 15 U.S.C. 7704 (a)(5), CAN-SPAM."""
    if has_list and not masthead.unsubscribe:
        what = "no way out is configured, so the email has no unsubscribe link"
        yield Finding("unsubscribe-missing", what, "set unsubscribe_url or unsubscribe_mailto in newsletter.toml")
    if not masthead.postal_address:
        what = "no postal address is configured, and the law asks for one in the footer"
        yield Finding("address-missing", what, "set postal_address in newsletter.toml")
    for name, template in (("HTML", email.html), ("text", email.text)):
        if (
            has_list
            and masthead.unsubscribe
            and not any(isinstance(part, Slot) and part.field == "unsubscribe_url" for part in template.parts)
        ):
            what = f"the theme leaves the unsubscribe link out of the {name} part"
            remedy = "put slot('unsubscribe_url') into its footer"
            yield Finding("unsubscribe-missing", what, remedy, severity="error")
        if masthead.postal_address and normalised(masthead.postal_address) not in normalised(
            _words(sample_text(template))
        ):
            what = f"the theme leaves the postal address out of the {name} part"
            yield Finding("address-missing", what, "put masthead.postal_address into its footer", severity="error")


def _lost_words(issue: Issue, email: Email, html: str) -> Iterator[Finding]:
    """Words of the issue that are missing from a part. `size_budget` reports what was truncated."""
    cut = any(finding.code == "budget" for finding in email.findings)
    parts = [("text", normalised(_without_quote_marks(sample_text(email.text))))]
    if not cut:
        parts.append(("HTML", normalised(_words(html))))
    for name, shown in parts:
        lost = [(words, line) for words, line in _pieces(issue) if normalised(words) not in shown]
        if lost:
            words, line = lost[0]
            more = f" and {len(lost) - 1:,} more" if len(lost) > 1 else ""
            what = f"the {name} part of the email lacks “{words[:40]}”{more}"
            yield Finding("parts-differ", what, "mend the theme, which should show every block", line)


def _words(html: str) -> str:
    return unescape(_TAG.sub(" ", _HIDDEN.sub(" ", html)))


def _without_quote_marks(text: str) -> str:
    return re.sub(r"(?m)^[^\S\n]*> ?", "", text)


def _pieces(issue: Issue) -> Iterator[tuple[str, int | None]]:
    """The issue's texts, each unbroken in both parts, with their lines.

    Texts with fields are left out, and so are links, which the text part follows by their addresses.
    """
    for block in walk(issue.blocks):
        texts: list[str] = []
        match block:
            case Heading(inlines=inlines):
                texts = [plain_text(inlines)]
            case Summary(lines):
                texts = [*lines]
            case Story(lead=lead):
                texts = [plain_text(lead)]
            case Paragraph(inlines):
                texts = [plain_text((node,)) for node in inlines if not isinstance(node, Image)]
            case Table(rows=rows):
                texts = [
                    plain_text((node,)) for row in rows for cell in row for node in cell if not isinstance(node, Image)
                ]
        for text in texts:
            for piece in re.split(r"[\n\[\]]", text):
                if issue.mark not in piece and normalised(piece):
                    yield piece, block.line
