"""A composed issue as compressed JSON, for workers on other machines: no secret, no key, no column of a recipient."""

from __future__ import annotations

import json
import zlib
from base64 import b64decode, b64encode
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, replace
from datetime import datetime
from typing import Any

from newsletter.message.compose import Composer
from newsletter.message.dkim import Signer, Signers
from newsletter.message.variants import Variants
from newsletter.model.delivery import Sender
from newsletter.model.rendered_email import Attachment, Email, Slot, Template
from newsletter.post.templating.conditions import parse_condition

_OWN_FIELDS = frozenset({"email", "unsubscribe_url", "preferences_url"})
"""Slot values that are made of the address."""


def used_columns(composer: Composer) -> frozenset[str]:
    """The columns of a recipient that composing reads beside the address."""
    variants = composer.variants
    slots = {
        part.field
        for email in variants.emails.values()
        for template in (email.subject, email.text, email.html)
        for part in template.parts
        if isinstance(part, Slot)
    }
    tested = {column for condition in variants.conditions for column in condition.columns}
    return frozenset({"name", *slots, *tested}) - _OWN_FIELDS


def pack(composer: Composer) -> bytes:
    """Everything that `unpack` needs to compose the same messages."""
    variants = composer.variants
    files = list(dict.fromkeys(file for email in variants.emails.values() for file in email.attachments))
    content = {
        "issue": composer.issue,
        "prefix": composer.prefix,
        "sender": asdict(replace(composer.sender, secret="")),
        "conditions": [condition.source for condition in variants.conditions],
        "emails": [
            {
                "answers": list(answered),
                "subject": _parts(email.subject),
                "text": _parts(email.text),
                "html": _parts(email.html),
                "lang": email.lang,
                "archived_at": email.archived_at,
                "attachments": [files.index(file) for file in email.attachments],
            }
            for answered, email in sorted(variants.emails.items())
        ],
        "attachments": [{**asdict(file), "data": b64encode(file.data).decode()} for file in files],
    }
    return zlib.compress(json.dumps(content, separators=(",", ":")).encode())


def unpack(
    data: bytes, *, secret: str, signer: Signer | Signers | None, when: datetime | Callable[[], datetime]
) -> Composer:
    """The composer of a packed issue, with this machine's secret and signing keys."""
    content = json.loads(zlib.decompress(data))
    files = [Attachment(**{**file, "data": b64decode(file["data"])}) for file in content["attachments"]]
    emails = {tuple(each["answers"]): _email(each, files) for each in content["emails"]}
    conditions = tuple(parse_condition(source, 0, content["issue"]) for source in content["conditions"])
    return Composer(
        Variants(conditions, emails),
        Sender(**{**content["sender"], "secret": secret}),
        issue=content["issue"],
        when=when,
        prefix=content["prefix"],
        signer=signer,
    )


def _email(content: Mapping[str, Any], files: Sequence[Attachment]) -> Email:
    return Email(
        subject=_template(content["subject"]),
        preheader="",
        html=_template(content["html"]),
        text=_template(content["text"]),
        mjml="",
        lang=content["lang"],
        attachments=tuple(files[number] for number in content["attachments"]),
        archived_at=content["archived_at"],
    )


def _parts(template: Template) -> list[str | list[str]]:
    return [part if isinstance(part, str) else [part.field, part.context, part.default] for part in template.parts]


def _template(parts: Sequence[Any]) -> Template:
    return Template(tuple(part if isinstance(part, str) else Slot(*part) for part in parts))
