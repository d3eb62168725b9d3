"""Recognise automatic replies.

An automatic reply is recognised by its headers (RFC 3834, 5, and earlier conventions), and only then by its subject.
"""

from __future__ import annotations

import re

from newsletter.bounces.mime_parts import Mail, header
from newsletter.bounces.results import AutoReply

_SIGNS = ("X-Autoreply", "X-Autorespond", "X-Auto-Response", "X-AutoReply-From", "X-Mail-Autoreply", "X-Vacation")
_PRECEDENCE = frozenset({"auto_reply", "auto-reply", "junk"})
_MASS = frozenset({"bulk", "list"})

# Subject prefixes of vacation programs, in the languages seen so far.
_AWAY = re.compile(
    r"""^\s*(?:
      auto(?:matic|mated)?[ -]?(?:reply|response|respond\w*) | out[ ]of[ ](?:the[ ])?office | away[ ]from
    | on[ ](?:vacation|holiday) | vacation[ ](?:reply|response|notice) | i[ ]am[ ]out[ ]of
    | automatische[ ]antwort | abwesenheit\w* | abwesend | automatisch[ ]antwoord | afwezig\w*
    | r[ée]ponse[ ]automatique | absence[ ]du | absent\w*
    | respuesta[ ]autom[áa]tica | fuera[ ]de[ ](?:la[ ])?oficina | resposta[ ]autom[áa]tica | fora[ ]do[ ]escrit
    | risposta[ ]automatica | fuori[ ]sede | autosvar | automatiskt?[ ]svar | poissa
    | автоматический[ ]ответ | автоответ | otomatik[ ]yan[ıi]t | automatick[áa][ ]odpov | automatyczna[ ]odpowied
    | fuori[ ]ufficio | assenza[ ]dal | aus[êe]ncia | ausencia | frav[æa]r\w* | automaattinen[ ]vastaus
    | (?:auto)?odpowied[źz][ ]automatyczna | autoodpowied[źz] | nieobecno[śs][ćc]
    | automatikus[ ]v[áa]lasz | t[áa]voll[ée]t
    | r[ăa]spuns[ ]automat | автоматична[ ]відповідь | автовідповідь | отсутств\w* | αυτόματη[ ]απάντηση
    | رد[ ]تلقائي | الرد[ ]التلقائي | (?:תשובה|מענה)[ ]אוטומטי\w* | trả[ ]lời[ ]tự[ ]động | ตอบกลับอัตโนมัติ
    | balasan[ ]otomatis | स्वचालित[ ]उत्तर | 自動応答 | 부재[ ]?중
    | 自动回复 | 自動回覆 | 自动答复 | 自動返信 | 不在 | 休假 | 외출 | 자동[ ]?(?:회신|응답)
    )""",
    re.IGNORECASE | re.VERBOSE,
)


def auto_reply(mail: Mail) -> AutoReply | None:
    """The sign that shows an automatic reply, else None."""
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
    """The sign that shows machine mail, when nothing else was recognised in it."""
    if header(mail, "Precedence").lower() in _MASS:
        return AutoReply("Precedence")
    return AutoReply("multipart/report") if mail.get_content_type() == "multipart/report" else None
