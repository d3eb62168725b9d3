"""The folder of a dry run: the rendering, one complete message, all recipients, and a page about them."""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping, Sequence
from email import policy
from email.parser import BytesParser
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING

from newsletter.files import replacing
from newsletter.message.fill_slots import fill, slot_values
from newsletter.model.delivery import Message, Sender
from newsletter.model.issue import Issue
from newsletter.model.rendered_email import Email
from newsletter.pipeline.output_files import Written, write_file, write_rendering
from newsletter.render.themes.folders import template_roots
from newsletter.render.themes.project_pages import ProjectPages

if TYPE_CHECKING:
    from newsletter.audience.audience import Audience

SHOWN_RECIPIENTS = 200
"""How many recipients the dry run's page lists; recipients.csv has all of them."""


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
        write_file(out / "message.eml", message.data),
        _write_table(out / "recipients.csv", columns, recipients),
        write_file(out / "index.html", page.encode()),
    )


def _write_table(path: Path, columns: Sequence[str], recipients: Audience) -> Written:
    """Write all recipients row by row, in constant memory."""
    with replacing(path) as file:
        text = io.TextIOWrapper(file, "utf-8", newline="")
        rows = csv.writer(text)
        rows.writerow(columns)
        rows.writerows([reader.fields[column] for column in columns] for reader in recipients)
        text.detach()
        return Written(path, file.tell())
