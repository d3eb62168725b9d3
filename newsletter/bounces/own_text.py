"""A report's own text, separated from the returned message."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator
from dataclasses import field
from functools import lru_cache

from newsletter.bounces.alternatives import Alternatives
from newsletter.bounces.failure_kind import failure_of
from newsletter.bounces.mime_parts import addresses_in
from newsletter.bounces.results import Failure
from newsletter.bounces.rules import UNDECIDED
from newsletter.frozen import frozen

MAX_TEXT = 20_000
"""How much of a report's texts is searched. The relevant part is at its beginning."""

_COPY = re.compile(
    r"""^[ \t>*_=-]{0,80}(?:
        (?:unsent|returned|original|undelivered)[ ](?:message|mail)(?:[ ](?:headers?|follows|text|below
    |body))*[ :.,]{0,5}[*_=-]{0,80}$
      | (?:full[ ])?(?:original[ ])?(?:message|mail)[ ](?:headers?|text)[ ]follows?
      | (?:below[ ](?:this[ ]line[ ])?is|this[ ]is|following[ ]is|here[ ]is)[ ](?:a[ ]|the[ ])?(?:copy|header
    |original|beginning)
      | (?:the[ ])?(?:headers?|copy|text|body|first[ ]\d+[ ]lines)[ ](?:of|from)[ ](?:the[ ]
    |your[ ])?(?:original[ ])?(?:message|mail)
      | original[ ]message[ ](?:headers|follows|details)? | -{1,80}[ ]{0,3}original[ ]message
      | your[ ]original[ ]message
      | transcript[ ]of[ ]message | -{1,80}[ ]{0,3}(?:unsent|returned|original)[ ]
      )""",
    re.IGNORECASE | re.MULTILINE | re.VERBOSE,
)
_HEADERS = re.compile(
    r"^(?:Received|Return-Path|Message-ID|X-Original-To|Delivered-To|DKIM-Signature):(?=[ \t<]|from\b)", re.I | re.M
)
_INLINE_TO = re.compile(r"^[ \t>]{0,8}To:[ \t]{0,8}([^\n]{1,400})", re.MULTILINE | re.IGNORECASE)
_ANSWER = re.compile(
    r"(?<![\d.])[45]\d\d[: -]+#?[45]\.\d{1,3}\.\d{1,3}(?![\d.])[^\n]*(?:\n(?![ \t]*\n|[A-Z][\w-]{2,30}:)[^\n]*){0,3}"
    r"|(?<![\d.:])(?:5[0-5]\d|45[0-2]|421)[: -](?=[ \t]*\S)[^\n]*(?:\n(?![ \t]*\n|[A-Z][\w-]{2,30}:)[^\n]*){0,3}"
)
_FAILED = Alternatives(
    r"""undeliver | un[ ]?able[ ]to[ ](?:be[ ])?deliver
    | (?:could[ ]not|couldn['’]?t|cannot|can['’]?t|can[ ]not|not|wasn['’]?t)[ ](?:be[ ])?(?:\w+[ ])?(?:deliver
    |sent|send)
      | deliver\w*[ ](?:\w+[ ]){0,6}(?:fail|error|problem|impossible|delay|status|report|subsystem
    |has[ ]been[ ]suspended)
      | fail\w*[ ](?:to[ ]|notice|notification|reasons?|report|addresses|recipients|delivery|for[ ])
      | failure\b | returned[ ](?:mail|message|to[ ]sender) | mail[ ](?:system[ ])?error
    | (?:did|does)[ ]not[ ]reach | (?:not|be)[ ](?:be[ ])?reached
      | error\w*[ ](?:\w+[ ]){0,4}(?:deliver|sending|address|occurred|attempting) | trouble[ ]delivering
    | permanent[ ](?:fatal[ ])?error | permanent[ ]failure
      | transcript[ ]of[ ]session | user[ ]unknown | (?:invalid|unknown)[ ](?:user|recipient|address)
      | mailbox[ ](?:is[ ])?(?:full|unavailable) | not[ ]accepted | bounced | nondeliverable | non[ -]?deliver
      | deferred | postponed | gave[ ]up | giving[ ]up | returned[ ]unsent
    | (?:rejected|refused)[ ](?:your|the|by|to[ ]accept)
      | unzustellbar | nicht[ ](?:zugestellt|ausgeliefert|zustellbar) | zustell\w+[ ](?:fehl|nicht)
    | non[ ]remis | [ée]chec[ ]de | n['’]a[ ]pas[ ]pu
      | no[ ](?:se[ ])?(?:pudo|ha[ ]podido)[ ](?:ser[ ])?entreg
    | non[ ](?:[eè][ ]stato[ ])?(?:recapitat|consegnat) | n[ãa]o[ ](?:p[ôo]de[ ]ser[ ])?entreg
      | не[ ](?:может[ ]быть[ ]|было[ ]|удалось[ ])?достав | недоставл | 退信 | 退回 | 投递失败 | 投遞失敗 | 未送达
      | 未送達
    | 无法投递 | 无法送达 | 無法投遞
      | 送信できません | 配信できません | 配送できません | 届きません | 配信エラー | メールエラー
      | 送信エラー | エラーメール | エラーのため | 送信に失敗 | 配送に失敗
      | 見つかりません | 전송[ ]?실패 | 반송 | 배달되지""",
)
_STILL = Alternatives(
    r"""still[ ](?:being|trying|queued|in[ ]the[ ]queue)
    | will[ ](?:continue|keep|be[ ]retried|retry|try[ ]again) | not[ ]need[ ]to[ ](?:re-?send|retransmit)
      | (?:has|is)[ ](?:been[ ])?delayed | delivery[ ](?:is|has[ ]been)[ ]delayed | only[ ]a[ ]temporary
    | delivery[ ]attempts[ ]will | warning[ ]message[ ]only
      | (?:not[ ](?:yet[ ])?been|hasn['’]t[ ]been)[ ]delivered[ ]yet | 遅延""",
)
_SUCCEEDED = Alternatives(
    r"""(?:has|have|was|were)[ ](?:been[ ])?(?:successfully[ ])?(?:delivered|relayed)[ ](?:to|successfully)
    | successfully[ ](?:delivered|relayed) | delivery[ ]to[ ](?:\w+[ ]){1,6}(?:is[ ]complete|(?:was|has)[ ]succe)
    | erfolgreich[ ](?:zugestellt|ausgeliefert|[üu]bermittelt) | wurde[ ](?:\w+[ ]){0,6}zugestellt
    | (?:a|ont)[ ]été[ ](?:remis|distribué|livré) | (?:ha[ ]sido|se[ ]ha|fue)[ ]entregad | foi[ ]entregue
    | è[ ]stato[ ](?:consegnato|recapitato) | is[ ](?:\w+[ ]){0,3}bezorgd | (?:успешно[ ]доставлен|доставлено[ ]успешно)
    | (?:已|成功)(?:成功)?(?:送达|送達|投递|投遞) | 投递成功 | (?:配信|配送)(?:されました|が完了) | 전달되었습니다"""
)
_FAILS = Alternatives(
    r"""\bnot\b | n['’]t\b | fail | undeliver | unable | error | reject | refus | bounc | unknown | delay
    | \bnicht\b | fehl | échec | impossible | \bno[ ](?:se|ha|fue|foi) | \bnão\b | \bnon\b | \bniet\b | \bне\b | ошиб
    | 失败 | 失敗 | 退 | 未 | エラー | ません | 않 | 실패"""
)
_OTHERS = re.compile(
    r"further assistance|please (?:contact|write|send|visit|forward)|contact (?:your|the|us)|mail from"
    r"|^\s*(?:from|sender|reply-to|return-path|message-id|cc|date"
    r"|subject|sent by|in-reply-to)\b[^:\n]{0,20}:|envelope[ -](?:sender|from)|problem report|https?://\S*@"
    r"|is from\b|^from\b|sent by\b|reported to|ERROR_CODE.*from",
    re.IGNORECASE,
)
_TRANSCRIPT = re.compile(r"^[45]\d\d[ \t]{1,3}<?([^\s<>@]{1,64}@[^\s<>@]{1,255})>?\.\.\.", re.MULTILINE)
_AFTER_BODY = re.compile(
    r"in reply to end of data|after end of data|after (?:pipelined )?data\b|-SMTP command\s{1,5}DATA\b", re.IGNORECASE
)
_HAS_EXPIRED = re.compile(
    r"\b(?:envelope|message|delivery|mail|queue)(?: time| lifetime)? (?:has )?expired\b", re.IGNORECASE
)
_AFTER_RECIPIENT = re.compile(
    r"in reply to rcpt to|after (?:pipelined )?rcpt to|^>>> ?rcpt to|\[rcpt_to\]"
    r"|(?:does|did) not like (?:our rcpt to|recipient)",
    re.MULTILINE,
)
_DATA_SENT = re.compile(r"^>>> ?DATA[ \t\r]*\n((?:(?!>>>)[^\n]+\n?){1,8})", re.MULTILINE)
_ANSWERED = re.compile(r"^<<< ?[2345]\d\d ", re.MULTILINE)
_NOBODYS = re.compile(
    r"(?:postmaster|post_master|mailer-?daemon|mail-?daemon|support|abuse|help-?desk|hostmaster|webmaster"
    r"|no-?reply|do-?not-?reply|root|admin(?:istrator)?)@",
    re.IGNORECASE,
)
_LINE_OF = re.compile(
    r"^[ \t]{0,8}(?:[45]\d\d[ \t]{1,3})?[<(\"']?([^\s<>()\"',:]{1,64}@[^\s<>()\"',:]{1,255}?)[>)\"']?"
    r"(?=[\s:,]|\.{1,3}(?:\s|$)|$)",
    re.MULTILINE,
)
_NEARBY = 600
"""How far after an address its reason is searched."""

_BEFORE = 300
"""How far before it: some give the reason first, then the recipient."""


@frozen
class OwnText:
    """`said` is the report's own text; `copied` the beginning of the returned message that follows it."""

    said: str
    copied: str
    small: str = field(init=False, repr=False, compare=False)
    """`said` in lower case."""

    def __post_init__(self) -> None:
        object.__setattr__(self, "small", self.said.lower())

    @property
    def tells_of_failure(self) -> bool:
        return _FAILED.are_in(self.small)

    @property
    def tells_of_success(self) -> bool:
        """Whether it arrived, or was passed on; no code and no word of failure beside."""
        return _SUCCEEDED.are_in(self.small) and not _FAILS.are_in(self.small) and not _ANSWER.search(self.said)

    @property
    def is_delay(self) -> bool:
        return _STILL.are_in(self.small)

    @property
    def copied_to(self) -> tuple[str, ...]:
        """The recipients of the copied message."""
        found = _INLINE_TO.search(self.copied)
        return addresses_in(found[1]) if found else ()

    def named(self, but: Collection[str] = ()) -> tuple[str, ...]:
        """The addresses in it, in order, without those in `but` (lower case) and servers' own."""
        found: list[str] = []
        for line in self.said.split("\n"):
            if "@" not in line or _OTHERS.search(line[:300]):
                continue
            for address in addresses_in(line):
                if address.lower() not in but and not _NOBODYS.match(address):
                    found.append(address)
        return tuple(dict.fromkeys(found))

    @property
    def refused(self) -> tuple[str, ...]:
        """The addresses after a code in a transcript: `550 <a@example.com>... User unknown`."""
        return tuple(dict.fromkeys(found[1] for found in _TRANSCRIPT.finditer(self.said)))

    def refused_when(self, address: str) -> str:
        """The stage at which the address was refused: after the message, or at RCPT; "" if unknown."""
        near = self._near(address)
        small = near.lower()
        if "data" in small and (_AFTER_BODY.search(near) or _body_refused(near)):
            return "after end of data"
        at_recipient = ("rcpt" in small or "recipient" in small) and _AFTER_RECIPIENT.search(small)
        return "in reply to RCPT TO" if at_recipient else ""

    def says_expired(self, address: str) -> bool:
        return _HAS_EXPIRED.search(self._near(address)) is not None

    def _near(self, address: str) -> str:
        where = self.small.find(address.lower()) if address else 0
        return _until_another(self.said[max(where, 0) :][:_NEARBY], address)


@lru_cache(maxsize=2)
def own_text(texts: tuple[str, ...]) -> OwnText:
    """The report's own part of its texts; cached, since it is requested several times in a row."""
    text = "\n".join(texts)[:MAX_TEXT]
    starts = [found.start() for pattern in (_COPY, _HEADERS) if (found := pattern.search(text))]
    start = min(starts, default=len(text))
    return OwnText(text[:start], text[start:])


def tells_of_failure(text: str) -> bool:
    return _FAILED.are_in(text[:MAX_TEXT].lower())


def explained(address: str, status: str, own: OwnText, *, delayed: bool = False) -> Failure:
    """The failure of an address with the reason from the text: an SMTP reply near it, the text after it, or around it.

    The first that the table recognises decides.
    """
    first = None
    when = own.refused_when(address)
    for reason in _reasons(address, own):
        failure = failure_of(address, status, reason, delayed=delayed, when=when)
        if failure.rule not in UNDECIDED:
            return failure
        first = first or failure
    return first or failure_of(address, status, "", delayed=delayed, when=when)


def _body_refused(transcript: str) -> bool:
    """Whether DATA itself was refused.

    With PIPELINING the replies after it start with those to the recipients of the same write, and the last is "need
    RCPT".
    """
    sent = _DATA_SENT.search(transcript)
    return sent is not None and len(_ANSWERED.findall(sent[1])) == 1


def _reasons(address: str, own: OwnText) -> Iterator[str]:
    said = own.said
    transcript = _transcript_of(address, said)
    if transcript:  # other lines are about other recipients
        yield from transcript
        return
    where = own.small.find(address.lower()) if address else -1
    near = _until_another(said[max(where, 0) :][:_NEARBY], address)
    answer = (where >= 0 and _ANSWER.search(near)) or _ANSWER.search(said)
    if answer:
        yield " ".join(answer[0].split())
    if where >= 0:
        yield _sentence(near[len(address) :])
        yield " ".join((said[max(where - _BEFORE, 0) : where] + near).split())
    yield " ".join(said[:1_500].split())


def _transcript_of(address: str, said: str) -> tuple[str, ...]:
    """A transcript's part about the address: its line, and the commands since the previous recipient's line.

    Empty without one.
    """
    start = 0
    for found in _TRANSCRIPT.finditer(said):
        end = said.find("\n", found.end())
        if found[1].lower() == address.lower():
            line = f"{found[0][:3]} {said[found.end() : end if end >= 0 else len(said)].strip()}"
            before = said[max(start, found.start() - _NEARBY) : found.start()]
            return line, " ".join(f"{before} {line}".split())
        start = end if end >= 0 else found.end()
    return ()


def _until_another(text: str, address: str) -> str:
    """The text up to the line that begins with another address."""
    own = address.lower()
    if text.count("@") <= text.lower().count(own):
        return text
    for found in _LINE_OF.finditer(text):
        if found.start() and found[1].lower() != own:
            return text[: found.start()]
    return text


def _sentence(text: str) -> str:
    """The text after an address, up to an empty line, a rule, or the next address in angle brackets."""
    lines: list[str] = []
    for line in text.lstrip(" \t\r\n<>:()\"',").split("\n"):
        if not line.strip() or line.startswith(("---", "***", "<")):
            break
        lines.append(line.strip())
    return " ".join(lines)
