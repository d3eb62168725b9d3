"""The output files of `render`, and the folder of a dry run."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Mapping, Sequence
from dataclasses import fields
from email import policy
from email.parser import BytesParser
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from newsletter.files import replacing, write_atomically
from newsletter.frozen import frozen
from newsletter.message.compose import fill, slot_values
from newsletter.model.as_json import as_json
from newsletter.model.delivery import Message, Sender
from newsletter.model.issue import Issue
from newsletter.model.rendered_email import Email, Template
from newsletter.model.subscriber import Subscriber
from newsletter.post.templating.placeholders import unmark
from newsletter.render.size_budget import sent_size
from newsletter.render.themes.folders import template_roots
from newsletter.render.themes.project_pages import ProjectPages

if TYPE_CHECKING:
    from newsletter.audience.audience import Audience

IMAGES = "images"
SHOWN_RECIPIENTS = 200
"""How many recipients the dry run's page lists; recipients.csv has all of them."""


@frozen
class Written:
    """A file that was written, and its size in bytes."""

    path: Path
    size: int


def write_rendering(
    issue: Issue, email: Email, sender: Sender, recipient: Subscriber, out: Path
) -> tuple[Written, ...]:
    """Write email.html, email.txt, email.mjml, issue.json and the pictures, as one subscriber would get them."""
    values = slot_values(sender, recipient)
    data = {entry.name: as_json(getattr(issue, entry.name)) for entry in fields(issue) if entry.name != "mark"}
    files = {
        "email.html": fill(browser_copy(email), values).encode(),
        "email.txt": fill(email.text, values).encode(),
        "email.mjml": email.mjml.encode(),
        "issue.json": (unmark(json.dumps(data, ensure_ascii=False, indent=2), issue) + "\n").encode(),
    }
    for attachment in email.attachments:
        files[f"{IMAGES}/{attachment.filename}"] = attachment.data
    return tuple(_write(out / name, content) for name, content in files.items())


def write_dry_run(
    issue: Issue,
    email: Email,
    sender: Sender,
    message: Message,
    recipients: Audience,
    out: Path,
    *,
    project: Path,
    facts: Mapping[str, str],
    findings: Sequence[str],
) -> tuple[Written, ...]:
    """Write the rendering, one complete message, all recipients, and index.html as an overview.

    `email` is the first recipient's variant, and `message` is composed from it.
    Raises ValueError if there are no recipients.
    """
    recipient = recipients.first
    if recipient is None:
        raise ValueError("a dry run shows the message of its first recipient, and there is none")
    written = write_rendering(issue, email, sender, recipient, out)
    columns = list(dict.fromkeys(("email", *recipients.columns)))
    headers = BytesParser(policy=policy.default).parsebytes(message.data, headersonly=True)
    first = islice(recipients, SHOWN_RECIPIENTS)
    values = {
        "issue": issue,
        "subject": str(headers["Subject"]),
        "preheader": email.preheader,
        "facts": facts,
        "findings": findings,
        "headers": [(name, str(value)) for name, value in headers.items()],
        "text": fill(email.text, slot_values(sender, recipient)),
        "columns": columns,
        "recipients": [[reader.fields[column] for column in columns] for reader in first],
        "count": len(recipients),
    }
    page = ProjectPages(template_roots(project)).render("dry_run/index.html.j2", values)
    return (
        *written,
        _write(out / "message.eml", message.data),
        _write_table(out / "recipients.csv", columns, recipients),
        _write(out / "index.html", page.encode()),
    )


def html_sizes(email: Email) -> dict[str, Any]:
    """The sizes of the HTML, decoded and as sent, and of each section, in bytes."""
    data = "".join(part for part in email.html.parts if isinstance(part, str)).encode()
    sections = [{"title": section.title, "bytes": section.size} for section in email.sections]
    return {"decoded": len(data), "encoded": sent_size(data), "sections": sections}


def browser_copy(email: Email) -> Template:
    """The HTML with its pictures as files beside it, since browsers do not resolve `cid:`."""
    parts = list(email.html.parts)
    for attachment in email.attachments:
        cid, file = f"cid:{attachment.content_id}", f"{IMAGES}/{quote(attachment.filename)}"
        parts = [part.replace(cid, file) if isinstance(part, str) else part for part in parts]
    return Template(tuple(parts))


def _write(path: Path, data: bytes) -> Written:
    write_atomically(path, data)
    return Written(path, len(data))


def _write_table(path: Path, columns: Sequence[str], recipients: Audience) -> Written:
    """Write all recipients row by row, in constant memory."""
    with replacing(path) as file:
        text = io.TextIOWrapper(file, "utf-8", newline="")
        rows = csv.writer(text)
        rows.writerow(columns)
        rows.writerows([reader.fields[column] for column in columns] for reader in recipients)
        text.detach()
        return Written(path, file.tell())
