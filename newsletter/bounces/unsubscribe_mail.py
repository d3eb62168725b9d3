"""Recognise a mail that asks to be unsubscribed.

Plain is a subject, or what somebody wrote themselves, that is the wish and nothing else, in the words of a dozen
languages. A machine's mail is believed when its subject alone is the wish: Apple Mail writes so for its button.
"""

from __future__ import annotations

import re

from newsletter.bounces.auto_reply import auto_reply
from newsletter.bounces.mime_parts import Mail, addresses_in, header, sender_of
from newsletter.bounces.reply_text import own_words
from newsletter.bounces.results import Doubtful, Unsubscribe

MAX_WISH = 300
"""Characters of a wish and of nothing else."""

MAX_LETTER = 1_500
"""Characters of a letter in which it is looked for."""

MAX_SHOWN = 200
_ADDRESS = r"<?(?P<who>(?![^\s<>@]{0,64}//)[^\s<>@]{1,64}@[^\s<>@]{1,255}?)>?"

# English: what is asked, of whom, from what.
_ME = (
    r"(?:me|us|myself|my (?:e-?mail|address|e-?mail address|name|account|subscription)|this (?:e-?mail"
    r"|address|e-?mail address))"
)
_LIST = (
    r"(?:this|the|your|all|these|any|further|future)(?: \w{1,20}){0,2}? ?(?:list|lists|newsletter"
    r"|newsletters|mailings?|e-?mails?|updates|messages|mailing list|database|subscription)"
)
_ENGLISH = (
    rf"(?:(?:i (?:want|wish|would like|['’]?d like|need)|can you|could you|would you|you can)(?: to)? )?(?:please )?"
    rf"(?:unsubscribe|un-subscribe|unsubscrib|sign ?off|sign me off|opt[ -]?out|opt me out|de-?list|remove"
    rf"|take|delete|stop|cancel|quit|leave|end)"
    rf"(?: {_ME})?(?: off| out)?(?: (?:from|off|of))?(?: {_LIST})?(?: (?:sending|mailing"
    rf"|e-?mailing))?(?: me)?(?: {_LIST})?"
    rf"|stop (?:sending|mailing|e-?mailing)(?: me| to me)?(?: (?:any ?more|these|your|any"
    rf"|more))?(?: (?:e-?mails?|mails?|messages|newsletters?))?"
    rf"|(?:no|don['’]?t send(?: me)?|do not send(?: me)?)(?: any)? ?more(?: e-?mails?| mails?| messages"
    rf"| newsletters?)?(?: please)?"
    rf"|(?:i )?no longer (?:want|wish)(?: to (?:receive|get))?(?: {_LIST})?|not interested(?: any ?more)?"
)
# These verbs need no object; the others do, or "stop" in any sentence would be a wish. `STOP` alone is one.
_BARE = r"(?:unsubscribe|un-subscribe|unsubscrib|sign ?off|opt[ -]?out|stop|remove|cancel|delete|leave)"
_WITH_OBJECT = re.compile(
    r"\b(?:me|us|my|list|lists|newsletters?|mailings?|e-?mails?|mails?|messages|subscription|updates"
    r"|unsubscri\w*|opt)\b",
    re.IGNORECASE,
)

_OTHERS = (
    # German
    r"(?:ich (?:möchte|will|moechte) (?:mich )?|bitte )?(?:mich |meine (?:e-?mail-?)?adresse )?(?:(?:vom|von"
    r"|aus) (?:dem |der |diesem |ihrem |eurem )?(?:newsletter|verteiler|liste) )?(?:bitte )?"
    r"(?:abmelden|abmeldung|abbestellen|abbestellung|austragen|austragung|kündigen|kuendigen|entfernen"
    r"|löschen|streichen)"
    r"|(?:den |ihren |diesen )?newsletter (?:bitte )?(?:abbestellen|kündigen|abmelden)"
    r"|(?:bitte )?keine (?:weiteren )?(?:e-?mails?|mails|newsletter)(?: mehr)?(?: senden| schicken)?",
    # French
    r"(?:merci de |veuillez |je (?:souhaite|veux|voudrais) |svp )?(?:me |m['’])?(?:d[ée]s(?:abonner"
    r"|abonnement|abonnez(?:-moi)?|inscription|inscrire|inscrivez(?:-moi)?)|retirer|supprimer)(?: de (?:la"
    r"|cette|votre) (?:liste|newsletter|lettre))?(?: svp| s['’]il vous pla[îi]t)?"
    r"|retirez-moi(?: de (?:la|cette|votre) liste)?|me d[ée]sabonner",
    # Spanish, Portuguese, Italian
    r"(?:por favor )?(?:quiero |deseo |solicito )?(?:cancelar (?:la |mi )?suscripci[óo]n|dar(?:me"
    r"|se)?(?: de)? baja|dame de baja|denme de baja|desuscribir(?:me|se)?|desuscripci[óo]n|baja|anular (?:la "
    r"|mi )?suscripci[óo]n|eliminar(?:me)?(?: de la lista)?)(?: por favor)?",
    r"(?:por favor )?(?:quero )?(?:cancelar (?:a |minha |a minha )?(?:inscri[çc][ãa]o|assinatura"
    r"|subscri[çc][ãa]o)|descadastrar|descadastre-me|remover(?: meu e-?mail)?(?: da lista)?"
    r"|sair da lista)(?: por favor)?",
    r"(?:per favore |vorrei |voglio )?(?:disiscriv\w*|disiscrizione|cancellami|cancellatemi|cancellazione"
    r"|annulla(?:re)?(?: la mia| l['’])? ?iscrizione|rimuov\w*(?: dalla lista)?)(?: dalla (?:lista"
    r"|newsletter))?(?: per favore| grazie)?",
    # Dutch, Swedish, Norwegian, Danish, Finnish
    r"(?:ik wil (?:me |mij )?|graag |gelieve )?(?:(?:mij |me )?(?:uitschrijven|afmelden|uitschrijving"
    r"|afmelding)|schrijf mij uit|meld mij af)(?: a\.?u\.?b\.?)?",
    r"(?:jag vill |jeg vil (?:gjerne |gerne )?|vänligen )?(?:avprenumerera|avregistrera(?: mig)?"
    r"|avsluta prenumerationen?|avmeld(?:e|ing)?(?: meg| mig)?|meld meg av|afmeld(?:e|ing)?(?: mig)?"
    r"|frameld\w*|peruuta tilaus)",
    # Russian, Polish, Czech, Turkish
    r"(?:пожалуйста |прошу )?(?:(?:отпишите|отпис)(?:аться|ка|ать|ите|ать меня|ите меня)?"
    r"|отменить подписку|удалите меня"
    r"|удалить меня)(?: (?:меня|от рассылки|из рассылки))*(?: пожалуйста)?",
    r"(?:proszę (?:mnie |o )?)?(?:wypis(?:ać|anie|z|uję)(?: mnie)?|wypisz mnie|rezygnuję"
    r"|anulować subskrypcję)(?: z (?:listy|newslettera))?|(?:prosím )?odhlásit(?: se)?(?: odběr)?|odhlášení",
    r"(?:lütfen )?(?:abonelikten çık(?:mak istiyorum|ar|arın)?|aboneli(?:k|ğ)(?:i|imi)? iptal(?: et| edin)?"
    r"|listeden çıkar(?:ın)?)",
    # Chinese, Japanese, Korean: no blanks between words
    r"(?:请|請|麻烦|麻煩|我)?(?:您|你)?(?:帮|幫|给|給|将|將|把)?(?:我)?(?:想|要|想要|需要|希望)?(?:从.{0,12})?(?:退订|退訂|取消订阅|取消訂閱|退阅|退閱"
    r"|停止订阅|停止訂閱|解除订阅|移除我?|别再发(?:了|邮件)?|不要再发(?:了|邮件)?|不再接收|取消关注)(?:此|这|這|该|本|您的|你们的)?(?:邮件|郵件|订阅|訂閱|列表|电子报"
    r"|電子報|简报|日报|早报)?(?:吧|了|谢谢|謝謝|，谢谢)?",
    r"(?:この|こちらの|当)?(?:メルマガ|メールマガジン|ニュースレター|メール|購読)?(?:の|を)?(?:購読|配信|登録)?(?:の|を)?(?:解除|停止|中止|取り?消し|退会|不要|やめ"
    r"|止め)(?:を)?(?:希望|お願い|依頼|して|て|したい|たい)?(?:します|いたします|致します|しました|ください|下さい|です)?"
    r"|(?:配信|購読|登録|メール)(?:を)?(?:停止|解除|中止|不要)(?:希望|依頼|お願いします|してください)?",
    r"(?:이 |제 )?(?:메일 |뉴스레터 )?(?:구독|수신)\s*(?:을 |를 )?\s*(?:취소|해지|거부|중지|중단)"
    r"(?:합니다|해\s?주세요|해 주십시오|하고 싶습니다|부탁드립니다|신청)?",
)
_POLITE = (
    r"(?:please|pls|plz|kindly|hi|hello|bitte|svp|por favor|per favore|请|お願いします|thanks?(?: you)?"
    r"|thank you|danke|merci|gracias|grazie|谢谢|謝謝)"
)
_WISH = "|".join((_ENGLISH, _BARE, *_OTHERS))
_ASKED = re.compile(
    rf"(?:{_POLITE}[ ,!.]{{1,3}}){{0,2}}(?P<wish>{_WISH})(?:[ :：]{{1,3}}{_ADDRESS})?(?:[ ,!.]{{0,3}}{_POLITE}){{0,2}}",
    re.IGNORECASE,
)
_BARE_SUBJECT = re.compile(r"(?:stop|remove|cancel|delete|leave)", re.IGNORECASE)
_REPLIES = re.compile(
    r"^\s*(?:(?:re|fwd?|aw|wg|sv|antw|vs|res|rv|r|tr|回复|答复|回覆|转发|轉寄|返信|転送)\s*[:：]\s*)+", re.IGNORECASE
)

_SPEAKS_OF_LEAVING = re.compile(
    r"unsubscri\w*|opt(?:ing)?[ -]?out|(?:remove|take) (?:me|my)\b|stop (?:sending|mailing|e-?mailing)"
    r"|no more (?:e-?mails?|mails?|newsletters?)|cancel my"
    r"|abmeld\w*|abbestell\w*|austragen|keine (?:weiteren )?(?:e-?mails|mails|newsletter)|d[ée]sabonn\w*"
    r"|d[ée]sinscri\w*|desuscri\w*|(?:de|la) baja|cancelar (?:la |mi |a )?(?:suscri|inscri|assin)"
    r"|descadastr\w*|disiscri\w*|uitschrijv\w*|afmeld\w*|avprenumerer\w*|avregistrer\w*|avmeld\w*|отпис\w*"
    r"|рассылк\w*|wypis\w*|odhl[áa]s\w*|abonelik\w*|退订|退訂|取消订阅|取消訂閱|退阅|退閱|别再发|不要再发"
    r"|購読(?:解除|停止)|配信(?:停止|解除|不要)|メルマガ|解除して|구독\s*(?:취소|해지)|수신\s*거부",
    re.IGNORECASE,
)


def unsubscribe(mail: Mail) -> Unsubscribe | None:
    """A mail whose subject, or whole text, is the wish to leave and nothing else.

    `message.unsubscribe_urls` writes the subject `unsubscribe ADDRESS`, since a mail program may send from another
    address than the subscribed one. A letter that has the word in a sentence is for a person to read.
    """
    sender, subject = sender_of(mail), header(mail, "Subject")
    named = wish_in(subject)
    if named is None and auto_reply(mail) is None:
        # A machine's answer repeats a subject behind "Re:", and its text may quote anything.
        named = _wish_of_person(_REPLIES.sub("", subject), own_words(mail))
    elif named == "" and _is_bare(subject) and len(own_words(mail)) > MAX_WISH:
        named = None  # "Stop" may head any letter
    if named is not None and (named or sender):
        return Unsubscribe(named, sender)
    if header(mail, "X-Apple-Unsubscribe").lower() == "true" and sender:
        return Unsubscribe("", sender)
    return None


def _wish_of_person(subject: str, words: str) -> str | None:
    """In what they write, or in a subject that many have answered to and that a long letter may stand below."""
    named = wish_in(words)
    if named is None and len(words) <= MAX_WISH and not _is_bare(subject):
        named = wish_in(subject)
    return named


def _is_bare(subject: str) -> bool:
    """Whether it is a word that need not mean the newsletter: "remove", "stop"."""
    return _BARE_SUBJECT.fullmatch(subject.strip(" .!")) is not None


def doubtful_wish(mail: Mail) -> Doubtful | None:
    """A person's mail that speaks of leaving in words that are not plain."""
    if "List-Unsubscribe" in mail or not sender_of(mail):
        return None  # somebody else's newsletter speaks of it below each issue
    for text in (header(mail, "Subject"), own_words(mail)[:MAX_LETTER]):
        found = _SPEAKS_OF_LEAVING.search(text)
        if found and auto_reply(mail) is None:
            start = max(found.start() - MAX_SHOWN // 2, 0)
            return Doubtful(text[start : start + MAX_SHOWN], sender_of(mail))
    return None


def wish_in(text: str) -> str | None:
    """Whom a text that is the wish and nothing else says leaves, "" for who wrote; None where it is no such text."""
    plain = " ".join(text.split()).strip(" .!?。！,，;:*_\"'“”")
    if not plain or len(plain) > MAX_WISH or text.strip().endswith(("?", "？")):
        return None
    found = _ASKED.fullmatch(plain)
    if not found:
        return None
    wish = found["wish"].strip()
    # "Delete", "leave", "end": of what? One word says so where it is the whole mail; a sentence must name it.
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
        re.fullmatch(each, wish, re.IGNORECASE) for each in _OTHERS
    )
