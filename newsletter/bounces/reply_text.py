"""The author's own text in a reply: without quotes, attribution lines and signatures."""

from __future__ import annotations

import re

from newsletter.bounces.mime_parts import Mail, header, readable_texts_of, sender_of

MAX_READ = 4_000
"""How much of a text is read. A request is short, and quotes follow it."""

MAX_LINES = 60
MAX_LINE = 500

# "On 1 Mar 2026, at 10:00, News <a@b> wrote:", on one to three lines.
_INTRODUCES = re.compile(
    r"(?:wrote|writes|schrieb|schreef|skrev|a écrit|ha scritto|escribió|escreveu|napisał\(?a?\)?"
    r"|napsal\(?a?\)?|пишет|писал\(?а?\)?|написал\(?а?\)?|kirjoitti|yazdı"
    r"|写道|寫道|写信|書きました|の?メール|작성|님이 씀)\s*[:：]?\s*$|[:：]\s*$",
    re.IGNORECASE,
)
_BEGINS = re.compile(
    r"(?:on|am|le|el|il|em|op|den|dne|w dniu|dnia|в|вт|ср|пн|чт|пт|сб|вс|at|在|于)\b.{0,80}(?:\d{1,4}|@)"
    r"|\d{1,4}[./年-]\s?\d{1,2}[./月-].{0,80}|.{0,80}<[^<>\s]+@[^<>\s]+>",
    re.IGNORECASE,
)
_RULE = re.compile(r"[_=*-]{5,300}\s{0,5}$|-{2,60}\s{0,3}[^\s-].{0,60}-{2,60}\s{0,5}$")
_FORWARDED = re.compile(
    r"(?:from|von|de|da|van|från|fra|od|от|发件人|發件人|寄件者|差出人"
    r"|보낸 ?사람|gönderen|lähettäjä)\s*[:：]\s*\S.{0,200}$",
    re.IGNORECASE,
)
_SIGNATURE = re.compile(
    r"(?:--|—|–)\s*$|(?:sent|send) (?:from|via|with|using|by) |get outlook for|sent with "
    r"|von mein\S+ \S.{0,30} gesendet|gesendet (?:von|mit|über)|diese nachricht wurde von"
    r"|envoyé (?:de|depuis|à partir|avec)|enviado (?:desde|do|de|via|con)|inviato (?:da|con)"
    r"|verstuurd (?:vanaf|met|van)|verzonden (?:vanaf|met)|skickat från|sendt fra|lähetetty"
    r"|wysłan[eo] z|odesláno z|отправлено (?:с|из)|надіслано|enviada do|发自我?的?|發自我?的?|從我的.{0,20}傳送"
    r"|自我的.{0,20}(?:发送|傳送)|来自我的|iphone ?から|.{0,15}から送信|.{0,20}에서 보냄|.{0,20}tarafından gönderildi"
    r"|.{0,30}(?:dan|den|tan|ten) gönderildi|küldve |elküldve |trimis de pe|στάλθηκε από|απεστάλη από"
    r"|odoslané z|poslano (?:s|iz)|изпратено от|enviat des|أُ?رسلت? من|תשלח מ|נשלח מ|(?:đã )?gửi từ|được gửi từ"
    r"|dikirim dari|dihantar|ส่งจาก|.{0,20} से भेजा|.{0,20}から送付|yahoo mail|download the|scarica|télécharge",
    re.IGNORECASE,
)
_LAST_WORDS = re.compile(r"[.,!] ?(?:[^\W\d_]{2,20},? ){0,3}(?P<name>[^\W\d_]{2,20}(?: [^\W\d_]{2,20}){0,2})[.!]?$")
_GREETING = re.compile(
    r"(?:hi|hello|hey|dear|good (?:morning|day|afternoon|evening)|hallo|guten (?:tag|morgen)|sehr geehrte\w*+"
    r"|bonjour|salut|hola|buenos d[ií]as|ciao|buongiorno|ol[áa]|bom dia|hej|hei|beste"
    r"|здравствуйте|добрый день|привет|dzień dobry|merhaba|您好|你好|嗨|こんにちは|お世話になります"
    r"|안녕하세요)(?:[\s,]++(?:\S++\s?){0,4})?\s*+[,.!，。！、:]?\s*$",
    re.IGNORECASE,
)
_THANKS = re.compile(
    r"(?:many |with |best |kind |warm )?(?:thanks?(?: you| in advance| a lot| so much| very much)*|thx|cheers"
    r"|regards|best|greetings|sincerely|yours|danke(?: schön| sehr)?|vielen dank|(?:mit )?(?:freundlichen"
    r"|viele|beste|liebe) gr[üu](?:ß|ss)en?"
    r"|mfg|vg|lg|merci(?: d['’]avance| beaucoup)?|cordialement|bien à vous|gracias|un saludo|saludos|grazie"
    r"|cordiali saluti|obrigad[oa]|atenciosamente|bedankt|dank u|groet(?:en|jes)?|met vriendelijke groet|tack"
    r"|mvh|hälsningar|takk|tak"
    r"|спасибо|с уважением|dziękuję|pozdrawiam|teşekkürler|谢谢(?:您|你|了)?|謝謝(?:您|你)?|感谢|多谢"
    r"|ありがとうございます"
    r"|よろしくお願い(?:し|いたし|致し)ます|감사합니다)\s*[,.!，。！]*\s*$",
    re.IGNORECASE,
)


def own_words(mail: Mail) -> str:
    """The author's own text on one line."""
    text = next(iter(readable_texts_of(mail)), "")[:MAX_READ].replace("\r", "").replace("\xa0", " ")
    lines = [line.strip()[:MAX_LINE] for line in text.split("\n")[:MAX_LINES]]
    name = _name_of(mail)
    kept = _without_ends(_before_quotes(lines), name)
    return _without_name(" ".join(kept), name)


def _before_quotes(lines: list[str]) -> list[str]:
    kept: list[str] = []
    for number, line in enumerate(lines):
        if line.startswith((">", "|", "＞")):
            if kept:
                break
            continue
        if _SIGNATURE.match(line) or _RULE.match(line) or (number and _FORWARDED.match(line)):
            break
        if _introduces(lines, number):
            if kept:
                break
            continue
        if line:
            kept.append(line)
    return kept


def _introduces(lines: list[str], number: int) -> bool:
    """Whether this line, or the next two with it, introduces a quote."""
    if not _BEGINS.match(lines[number][:200]):
        return False
    following = lines[number : number + 3]
    together = [" ".join(following[:count])[:400] for count in range(1, len(following) + 1)]
    return any(_INTRODUCES.search(each) for each in together)


def _without_ends(lines: list[str], name: str) -> list[str]:
    while lines and _GREETING.fullmatch(lines[0]):
        lines = lines[1:]
    while len(lines) > 1 and (_THANKS.fullmatch(lines[-1]) or _is_name(lines[-1], name)):
        lines = lines[:-1]
    return lines


def _without_name(text: str, name: str) -> str:
    """Without the author's name at the end of a line: "Take me off. Cheers, Ada"."""
    found = _LAST_WORDS.search(text)
    if found and _is_name(found["name"], name):
        return text[: found.start("name")].rstrip(" ,-–")
    return text


def _name_of(mail: Mail) -> str:
    return header(mail, "From").partition("<")[0].strip(' "').lower() or sender_of(mail).partition("@")[0].lower()


def _is_name(line: str, name: str) -> bool:
    """Whether a last line is only the author's name, or a part of it."""
    words = re.findall(r"\w+", line.lower())
    return bool(words) and len(words) <= 4 and set(words) <= set(re.findall(r"\w+", name))
