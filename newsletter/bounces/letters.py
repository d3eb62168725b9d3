"""Mail that is not a report: a wish to leave, a machine's answer, a person's letter.

An automatic answer is told by its headers (RFC 3834, 5, and what was usual before it), and only then by its subject.
"""

from __future__ import annotations

import re

from newsletter.bounces.parts import Mail, addresses_in, header, sender_of, texts_of
from newsletter.bounces.readings import AutoReply, Unsubscribe

_SIGNS = ("X-Autoreply", "X-Autorespond", "X-Auto-Response", "X-AutoReply-From", "X-Mail-Autoreply", "X-Vacation")
_PRECEDENCE = frozenset({"auto_reply", "auto-reply", "junk"})
_MASS = frozenset({"bulk", "list"})

# What vacation programs put before or in place of the subject, in the languages in which we have met them.
_AWAY = re.compile(
    r"""^\s*(?:
      auto(?:matic|mated)?[ -]?(?:reply|response|respond\w*) | out[ ]of[ ](?:the[ ])?office | away[ ]from
    | on[ ](?:vacation|holiday) | vacation[ ](?:reply|response|notice) | i[ ]am[ ]out[ ]of
    | automatische[ ]antwort | abwesenheit\w* | abwesend | automatisch[ ]antwoord | afwezig\w*
    | r[ée]ponse[ ]automatique | absence[ ]du | absent\w*
    | respuesta[ ]autom[áa]tica | fuera[ ]de[ ](?:la[ ])?oficina | resposta[ ]autom[áa]tica | fora[ ]do[ ]escrit
    | risposta[ ]automatica | fuori[ ]sede | autosvar | automatiskt?[ ]svar | poissa
    | автоматический[ ]ответ | автоответ | otomatik[ ]yan[ıi]t | automatick[áa][ ]odpov | automatyczna[ ]odpowied
    | 自动回复 | 自動回覆 | 自动答复 | 自動返信 | 不在 | 休假 | 외출 | 자동[ ]?(?:회신|응답)
    )""",
    re.IGNORECASE | re.VERBOSE,
)

_ADDRESS = r"[^\s<>@]{1,64}@[^\s<>@]{1,255}"
_LEAVE_WORDS = (
    r"(?:please\s+)?(?:unsubscribe|remove\s+me|signoff)(?:\s+me)?|abmelden|abbestellen|austragen"
    r"|d[ée]s(?:abonner|inscription|inscrire)|me\s+d[ée]sabonner|cancelar\s+(?:la\s+)?suscripci[óo]n|darse?\s+de\s+baja|baja"
    r"|cancelar\s+(?:a\s+)?(?:inscri[çc][ãa]o|assinatura)|disiscriv\w*|annulla\s+iscrizione|uitschrijven|avmeld|avprenumerera"
    r"|отписаться|отписка|退订|退訂|取消订阅|取消訂閱|退閱|購読解除|配信停止|구독\s*취소"
)
_LEAVES = re.compile(
    rf"^\s*(?:(?:re|fwd?|aw|sv|回复|答复)\s*[:：]\s*)*(?:{_LEAVE_WORDS})(?:\s*[:：]?\s+<?(?P<who>{_ADDRESS})>?)?\s*[.!。！]?\s*$",
    re.IGNORECASE,
)

_LOOKED_AT = 4_000


def unsubscribe(mail: Mail) -> Unsubscribe | None:
    """A mail whose subject, or whole text, is the wish to leave and nothing else.

    `message.unsubscribe_urls` writes the subject `unsubscribe ADDRESS`, since a mail program may send from another
    address than the subscribed one. A letter that has the word in a sentence is for a person to read.
    """
    sender = sender_of(mail)
    for text in (header(mail, "Subject"), _own_words(mail)):
        found = _LEAVES.match(text) if len(text) <= 500 else None
        if found and (found["who"] or sender):
            named = next(iter(addresses_in(found["who"] or "")), "")
            return Unsubscribe(named, sender) if named or sender else None
    return None


def auto_reply(mail: Mail) -> AutoReply | None:
    """What gives a machine's answer away, else None."""
    submitted = header(mail, "Auto-Submitted").lower()
    if submitted and not submitted.startswith("no"):
        return AutoReply("Auto-Submitted")
    for name in _SIGNS:
        if name in mail:
            return AutoReply(name)
    for name in ("Precedence", "X-Precedence"):
        if header(mail, name).lower() in _PRECEDENCE:
            return AutoReply(name)
    if str(mail.get_param("report-type", "")).lower() == "disposition-notification":
        return AutoReply("disposition-notification")  # a read receipt, RFC 8098
    return AutoReply("Subject") if _AWAY.match(header(mail, "Subject")[:200]) else None


def machine_mail(mail: Mail) -> AutoReply | None:
    """What gives away that no person wrote it, where nothing else was found in it."""
    if header(mail, "Precedence").lower() in _MASS:
        return AutoReply("Precedence")
    return AutoReply("multipart/report") if mail.get_content_type() == "multipart/report" else None


def _own_words(mail: Mail) -> str:
    """The text without what it quotes and without a signature, on one line."""
    text = next(texts_of(mail), "")[:_LOOKED_AT]
    lines: list[str] = []
    for line in text.split("\n"):
        if line.rstrip() == "--":
            break
        if line.strip() and not line.startswith(">"):
            lines.append(line.strip())
    return " ".join(lines)
