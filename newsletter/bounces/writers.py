"""The author of a message: a mail server, an automatic responder, or a person."""

from __future__ import annotations

import re

from newsletter.bounces.mime_parts import Mail, blocks_of, header, parts_of, sender_of

_SERVER = re.compile(
    r"(?:mailer-?daemon|mdaemon|post_?master|mail-?daemon|mail-?delivery|mmsc?-?ndr|bounce-?daemon|sysadmin)(?:@|$)",
    re.IGNORECASE,
)
_NO_MEMBER = re.compile(r"(?i)\b(?:are|is) not (?:a )?member\b|\bLoop Alert\b")
_SERVER_NAME = re.compile(
    r"mailer[ -]?daemon|post\s?master|mail[ -]?daemon|mail deliver\w* (?:sub)?system|mail delivery"
    r"|delivery (?:sub)?system|system administrator"
    r"|mail administrator|mail server|mail system|ndr administrator|interscan|mail gateway|microsoft outlook"
    r"|メール.{0,4}(?:システム|サーバ)|系统退信|邮件系统",
    re.IGNORECASE,
)
_MACHINE = re.compile(
    r"(?:no|not|do-?not|dont)[._-]?reply|daemon|system|notif\w*|bounces?|mailer"
    r"|admin",
    re.IGNORECASE,
)
_RECEIPT = "disposition-notification"


def has_null_path(mail: Mail) -> bool:
    """An empty return path prevents loops: servers' reports (RFC 5321, 4.5.5) and automatic replies (RFC 3834, 3.3)."""
    path = header(mail, "Return-Path").strip("<> ")
    return "Return-Path" in mail and not path


def is_receipt(mail: Mail) -> bool:
    """A read receipt (RFC 8098). Dovecot's "rejected" has the same form: it was deleted unseen."""
    if _RECEIPT not in header(mail, "Content-Type").lower():
        return False
    if str(mail.get_param("report-type", "")).lower() != _RECEIPT:
        return False
    parts = parts_of(mail, "message/disposition-notification")
    said = [header(block, "Disposition").lower() for part in parts for block in blocks_of(part)]
    return not any(each.startswith("automatic") and each.endswith("deleted") for each in said)


def is_by_server(mail: Mail) -> bool:
    """Whether it is from a mail server, by the names that servers use, or by a report's form.

    A null return path alone is no sign: people's automatic replies have one.
    """
    if "X-Failed-Recipients" in mail or _SERVER.match(header(mail, "Return-Path").strip("<> ")):
        return True
    if mail.get_content_type() == "multipart/report":
        return not is_receipt(mail)
    return _SERVER.match(sender_of(mail)) is not None or _named_like_a_server(mail)


def refuses_a_post(mail: Mail) -> bool:
    """Whether a mailing list answers that it takes no mail from us: the address is a list, and its readers got nothing.

    fml, of many lists in Japan, writes in the list owner's name and marks what it writes with X-MLServer
    (https://www.fml.org/software/fml/).
    """
    by_list = header(mail, "X-MLServer").lower().startswith("fml")
    return by_list and _NO_MEMBER.search(header(mail, "Subject")[:500]) is not None


def is_by_machine(mail: Mail) -> bool:
    """Whether it is from a machine's address: `no-reply@` and the like. Weaker than a server's name."""
    return _MACHINE.search(sender_of(mail).partition("@")[0]) is not None


def _named_like_a_server(mail: Mail) -> bool:
    """DragonFly writes `MAILER-DAEMON <>`.

    A display name is the sender's free choice: "Jane Doe, Postmaster" is a person. So beside another address it counts
    only with a null path or a machine's address, or, where no path is known, if it begins with a server's name.
    """
    name = re.sub(r"<[^<>]*>?", "", header(mail, "From")).strip(' "')
    found = _SERVER_NAME.search(name[:200])
    if not found:
        return False
    by_name = "Return-Path" not in mail and found.start() == 0
    return by_name or not sender_of(mail) or has_null_path(mail) or is_by_machine(mail)
