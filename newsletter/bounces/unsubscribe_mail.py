"""Recognise unsubscribe requests by mail.

A clear request is a subject, or a person's own text, that is the wish and nothing else, in some thirty languages. A
machine's mail counts if its whole subject is the wish: Apple Mail's button sends such mails.
"""

from __future__ import annotations

import re

from newsletter.bounces.auto_reply import auto_reply
from newsletter.bounces.mime_parts import Mail, addresses_in, header, sender_of
from newsletter.bounces.reply_text import own_words
from newsletter.bounces.results import Doubtful, Unsubscribe
from newsletter.bounces.wish_words import is_wish
from newsletter.bounces.wishes import FROM_WHAT, SPEAKS_OF_LEAVING, WISHES

MAX_WISH = 300
"""The longest text that can be a request and nothing else."""

MAX_LETTER = 1_500
"""How much of a mail's text is searched."""

MAX_SHOWN = 200
_ADDRESS = r"<?(?P<who>(?![^\s<>@]{0,64}//)[^\s<>@]{1,64}@[^\s<>@]{1,255}?)>?"

# English: verb, object, source.
_ME = (
    r"(?:me|us|myself|my (?:e-?mail|address|e-?mail address|name|account|subscription)|this (?:e-?mail|address"
    r"|e-?mail address))"
)
_LIST = (
    r"(?:this|the|your|all|these|any|further|future)(?: \w{1,20}){0,2}? ?(?:list|lists|newsletter|newsletters"
    r"|mailings?|e-?mails?|updates|messages|mailing list|database|subscription)|everything"
)
_ENGLISH = (
    rf"(?:(?:i(?: (?:want|wish|would like|need)|['’]d like)|can you|could you|would you"
    rf"|you can)(?: to)? )?(?:please )?(?:unsubscribe|un-subscribe|unsubscrib|sign ?off|sign me off|opt[ -]?out"
    rf"|opt me out|de-?list|remove|take|delete|stop|cancel|quit|leave|end)(?: {_ME})?(?: off| out)?(?: (?:from"
    rf"|off|of))?(?: {_LIST})?(?: (?:sending|mailing|e-?mailing))?(?: me)?(?: {_LIST})?|(?:stop|discontinue"
    rf"|cease|quit) (?:sending|mailing|e-?mailing)(?: me| to me)?(?: (?:any ?more|this|these|your|the|any"
    rf"|more))?(?: (?:e-?mails?|mails?|messages|newsletters?))?|(?:no|don['’]?t send(?: me)?"
    rf"|do not send(?: me)?)(?: any)? ?more(?: e-?mails?| mails?| messages| newsletters?)?(?: please)?"
    rf"|(?:i )?no longer (?:want|wish)(?: to (?:receive|get))?(?: {_LIST})?|not interested(?: any ?more)?"
)
# These verbs need no object; the others do, or "stop" in any sentence would be a request. `STOP` alone is one.
_BARE = r"(?:unsubscribe|un-subscribe|unsubscrib|sign ?off|opt[ -]?out|stop|remove|cancel|delete|leave)"
_WITH_OBJECT = re.compile(
    r"\b(?:me|us|my|list|lists|newsletters?|mailings?|e-?mails?|mails?|messages|subscription|updates"
    r"|unsubscri\w*|opt)\b",
    re.IGNORECASE,
)

_POLITE = (
    r"(?:please|pls|plz|kindly|hi|hello|hey|dear all|bitte|hallo|guten tag|svp|s['’]il vous pla[îi]t|bonjour"
    r"|por favor|hola|buenos d[ií]as|olá|bom dia|per favore|buongiorno|ciao|alstublieft|aub|graag|proszę"
    r"|dzień dobry|hej|tack|snälla|пожалуйста|здравствуйте|добрый день|будь ласка|lütfen|merhaba|您好|你好|请|請|麻烦"
    r"|麻煩|お願いします|こんにちは|안녕하세요|thanks?(?: you)?|thx|danke(?: schön)?|vielen dank|merci|gracias"
    r"|obrigad[oa]|grazie"
    r"|bedankt|dank u|спасибо|dziękuję|teşekkürler|谢谢|謝謝|감사합니다)"
)
_WISH = "|".join((_ENGLISH, _BARE, *WISHES))
_ASKED = re.compile(
    rf"(?:{_POLITE}[ ,!.，。！、]{{1,3}}){{0,2}}(?P<wish>(?:{_WISH})(?:{FROM_WHAT})?)(?:[ "
    rf":：]{{1,3}}{_ADDRESS})?(?:[ ,!.，。！、]{{0,3}}{_POLITE}){{0,2}}",
    re.IGNORECASE,
)
_BARE_SUBJECT = re.compile(r"(?:stop|remove|cancel|delete|leave)", re.IGNORECASE)
_REPLIES = re.compile(
    r"^\s*(?:(?:re|fwd?|aw|wg|sv|antw|vs|res|rv|r|tr|回复|答复|回覆|转发|轉寄|返信|転送)\s*[:：]\s*)+", re.IGNORECASE
)


def unsubscribe(mail: Mail) -> Unsubscribe | None:
    """A mail whose subject, or whole text, is an unsubscribe request and nothing else.

    `message.unsubscribe_urls` writes the subject `unsubscribe ADDRESS`, since a mail program may send from another
    address than the subscribed one. A mail with the word in a sentence is for the operator to read.
    """
    sender, subject = sender_of(mail), header(mail, "Subject")
    named = wish_in(subject)
    if named is None and auto_reply(mail) is None:
        # An automatic reply repeats a subject after "Re:", and its text may quote anything.
        named = _wish_of_person(_REPLIES.sub("", subject), own_words(mail))
    elif named == "" and _is_bare(subject) and len(own_words(mail)) > MAX_WISH:
        named = None  # "Stop" may be the subject of any mail
    if named is not None and (named or sender):
        return Unsubscribe(named, sender)
    if header(mail, "X-Apple-Unsubscribe").lower() == "true" and sender:
        return Unsubscribe("", sender)
    return None


def _wish_of_person(subject: str, words: str) -> str | None:
    """In the person's own text, or in a subject. A reply's subject may be another person's words."""
    named = wish_in(words)
    if named is None and len(words) <= MAX_WISH and not _is_bare(subject):
        named = wish_in(subject, own=False)
    return named


def _is_bare(subject: str) -> bool:
    """Whether it is a word that need not mean the newsletter: "remove", "stop"."""
    return _BARE_SUBJECT.fullmatch(subject.strip(" .!")) is not None


def doubtful_wish(mail: Mail) -> Doubtful | None:
    """A person's mail that mentions unsubscribing without being a clear request."""
    if "List-Unsubscribe" in mail or not sender_of(mail):
        return None  # another newsletter has it in its footer
    for text in (header(mail, "Subject"), own_words(mail)[:MAX_LETTER]):
        found = SPEAKS_OF_LEAVING.search(text)
        if found and auto_reply(mail) is None:
            start = max(found.start() - MAX_SHOWN // 2, 0)
            return Doubtful(text[start : start + MAX_SHOWN], sender_of(mail))
    return None


def wish_in(text: str, *, own: bool = True) -> str | None:
    """The address that a text asks to unsubscribe, "" for the sender; None if the text is anything but a request.

    The subject of a reply is not the person's `own` text: there only the usual sentences count.
    """
    plain = " ".join(text.split()).strip(" .!?。！,，;:*_\"'“”")
    if not plain or len(plain) > MAX_WISH or text.strip().endswith(("?", "？")):
        return None
    found = _ASKED.fullmatch(plain)
    if not found:
        return "" if own and "@" not in plain and is_wish(plain) else None
    wish = found["wish"].strip()
    # "Delete", "leave", "end": of what? A single word counts if it is the whole mail; a sentence must have an object.
    if (
        not wish.isascii()
        or re.fullmatch(_BARE, wish, re.IGNORECASE)
        or _WITH_OBJECT.search(plain)
        or not _is_english(wish)
    ):
        return next(iter(addresses_in(found["who"] or "")), "")
    return None


def _is_english(wish: str) -> bool:
    return re.fullmatch(_ENGLISH, wish, re.IGNORECASE) is not None and not any(
        re.fullmatch(each, wish, re.IGNORECASE) for each in WISHES
    )
