"""The output files of `render`."""

from __future__ import annotations

import json
from dataclasses import fields
from pathlib import Path
from typing import Any
from urllib.parse import quote

from newsletter.files import write_atomically
from newsletter.frozen import frozen
from newsletter.message.fill_slots import fill, slot_values
from newsletter.model.as_json import as_json
from newsletter.model.delivery import Sender
from newsletter.model.issue import Issue
from newsletter.model.rendered_email import Email, Template
from newsletter.model.subscriber import Subscriber
from newsletter.post.templating.placeholders import unmark
from newsletter.render.size_budget import sent_size

IMAGES = "images"


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
    return tuple(write_file(out / name, content) for name, content in files.items())


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


def write_file(path: Path, data: bytes) -> Written:
    write_atomically(path, data)
    return Written(path, len(data))
