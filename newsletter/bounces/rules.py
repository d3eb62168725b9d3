"""The table that judges refusals: words and codes -> hard, point or the sender's own, each row with its source.

    1  the mailbox is full, or its owner does not want us     a point     whatever the code: some say 5.1.1
    2  words about the sender: rate, block list, name, policy ours        whatever the code: some say 5.1.1
    3  words for an unknown recipient                         dead        a point under 4xx and under policy codes
    4  codes that speak of the recipient                      dead, or a point
    5  codes and words of the system                          ours, or a point

A row fits where each condition that it has fits. Words are searched in lower case.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import lru_cache

from newsletter.bounces.results import Kind
from newsletter.delivery.smtp.replies import KNOWN, Meaning

MAX_SEARCHED = 1_000
"""Characters of a diagnosis that are searched."""


@dataclass(frozen=True, slots=True)
class Rule:
    """`words` and `unless` are searched for in the diagnosis; `status` and `code` must match the whole of theirs, which
    are "" where the report has none."""

    name: str
    kind: Kind
    source: str
    words: str = ""
    unless: str = ""
    status: str = ""
    code: str = ""
    _words: re.Pattern[str] | None = field(init=False, repr=False, compare=False)
    _unless: re.Pattern[str] | None = field(init=False, repr=False, compare=False)
    _status: re.Pattern[str] | None = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "_words", _compiled(self.words))
        object.__setattr__(self, "_unless", _compiled(self.unless))
        object.__setattr__(self, "_status", re.compile(self.status) if self.status else None)

    def fits(self, status: str, code: str, words: str) -> bool:
        """`words` are in lower case."""
        return (
            (self._status is None or self._status.fullmatch(status) is not None)
            and (not self.code or re.fullmatch(self.code, code) is not None)
            and (self._words is None or self._words.search(words) is not None)
            and (self._unless is None or self._unless.search(words) is None)
        )


def _compiled(pattern: str) -> re.Pattern[str] | None:
    """For a text in lower case, which is searched twice as fast as one whose case does not matter."""
    lowered = re.sub(r"\\.|[A-Z]", lambda found: found[0] if found[0][0] == "\\" else found[0].lower(), pattern)
    return re.compile(lowered, re.VERBOSE) if pattern else None


@lru_cache(maxsize=1_000)
def rule_for(status: str, code: int, words: str) -> Rule:
    """The row that decides: `status` is an enhanced code or "", `code` that of an SMTP reply or 0."""
    text = words[:MAX_SEARCHED].lower()
    number = str(code or "")
    return next(rule for rule in RULES if rule.fits(status, number, text))


# --- sources --------------------------------------------------------------------------------------------------------

_RFC = "RFC 3463, 3"
_RFC_CODES = "https://www.iana.org/assignments/smtp-enhanced-status-codes"
_MICROSOFT = (
    "https://learn.microsoft.com/en-us/troubleshoot/exchange/email-delivery/ndr/non-delivery-reports-in-exchange-online"
)
_OUTLOOK = "https://www.spamresource.com/2023/09/microsoft-olc-user-unknown-message.html"
_YAHOO = "https://senders.yahooinc.com/smtp-error-codes"
_GMX = "https://postmaster.gmx.net/en/error-messages"
_ORANGE = "https://postmaster.orange.fr"
_QQ = "https://service.mail.qq.com/detail/122/"
_NETEASE = "http://help.163.com/09/1224/17/5RAJ4LMH00753VB8.html"
_GOOGLE = "https://support.google.com/a/answer/3726730"
_APPLE = "https://support.apple.com/en-us/102322"
_GODADDY = "https://www.godaddy.com/help/fix-issues-with-email-bounces-3568"
_POSTFIX = "https://www.postfix.org/postconf.5.html"
_SERVERS = "words of Postfix, Exim, Sendmail, qmail, Courier and Exchange"
_COMMON = "words that many servers use"
_CARRIERS = "words of Japan's carriers and providers"
_MAILMAN = "GNU Mailman, Modules/Bouncer.py: what has no code counts a point"

# --- words ----------------------------------------------------------------------------------------------------------
# Spaces are [ ]: the patterns are verbose. Each takes a time that grows with the text and no faster.

_FULL = r"""
    over[ -]?quota | (?:disk|disc|mail|storage|mailbox)[ ]?quota | quota[ ](?:is[ ])?(?:exceeded|violation|full)
  | exceed\w*[ ](?:\w+[ ]){0,3}quota | quota[ ]usage
  | (?:mail[ ]?box|mail[ ]?folder|mail[ ]?dir|inbox|mailbox\ for\ \S+)[ ](?:is[ ]|are[ ])?(?:full|over)
  | \bmbx[ ]?full\b | \bfull[ ]mailbox
  | (?:mail[ ]?box|inbox|account|user)[ ](?:\S+[ ]){0,3}(?:has[ ]exceeded|exceeds|exceeded|would[ ]exceed
    |is[ ]out[ ]of|exceeding)[ ]
    (?:\w+[ ]){0,4}(?:limit|space|storage|quota|size)
  | exceed\w*[ ](?:\w+[ ]){0,2}storage
    | storage[ ](?:limit|allocation|space)[ ](?:was[ ]|is[ ])?(?:exceeded|full|used)
  | out[ ]of[ ]storage | enough[ ](?:disk[ ]|storage[ ])?space | (?:insufficient|no)[ ](?:disk|storage)[ ]space
  | space[ ](?:left|has[ ]been[ ]used) | sufficient[ ]disk[ ]space
  | too[ ]many[ ]messages[ ](?:on|in)[ ](?:the[ ])?(?:server|mailbox|folder|inbox) | too[ ]much[ ]mail[ ]data
  | account[ ]storage[ ]limit | bo[iî]te[ ](?:\w+[ ]){0,2}pleine | buz[oó]n[ ](?:est[aá][ ])?lleno | casella[ ]piena
  | postfach[ ](?:ist[ ])?(?:voll|[uü]berf[uü]llt) | speicherplatz | ящик[ ]переполнен | переполнен
  | (?:收件人|邮箱|郵箱|信箱|空间|空間)(?:空间|空間|容量)?(?:不足|已满|已滿|满|滿)
  | メールボックス.{0,6}(?:一杯|いっぱい|満杯)
  | 容量.{0,4}(?:超え|オーバー) | 메일함.{0,6}(?:가득|초과)"""
_OUR_QUOTA = r"""\b(?:daily|hourly|sending|sender|relay|rate|submission|outbound)\b | per[ ](?:hour|day)"""

_UNWANTED = r"""
    (?:rejected|refused|blocked)[ ]by[ ](?:the[ ])?(?:recipients?|user|addressee)s?\b(?!['’]s)
  | recipient[ ]preferences | user[ ]refuses | refuses?[ ]to[ ](?:accept|receive)[ ](?:this|your)[ ]mail
  | only[ ]accept(?:s|ing)[ ]mail[ ]from[ ]specific | rejected[ ]due[ ]to[ ]user[ ]rules
    | been[ ]blocked[ ]by[ ]the[ ]recipient
  | 收件人拒收 | 被收件人"""

_RATE = r"""
    rate[- ]?limit | sending[ ]rate | frequency[ ]limit | throttl | slow[ ]down | again[ ]slower
  | \b(?:sending|message|mail|email|hourly|daily|submission|connection|recipient)s?[ ](?:rate|limit|quota)\b
  | \b(?:daily|hourly)[ ](?:\w+[ ]){0,4}(?:limit|quota)
  | \btoo[ ](?:many|much|fast|quick(?:ly)?|frequent(?:ly)?|often)\b | \bexcessive[ ](?:volume|connections)
  | \bunusual[ ]rate\b | at[ ]a[ ]rate[ ]that | emails?[ ]per[ ](?:hour|day)
  | maximum[ ](?:sending|connection|number[ ]of[ ](?:connections|messages)) | concurrent[ ](?:smtp[ ])?connections
  | temporarily[ ]deferred | trop[ ]de[ ](?:connexions|messages)
  | \b(?:server|system|service)[ ](?:is[ ])?(?:too[ ])?busy\b
  | 频率 | 頻率 | 过于频繁 | 過於頻繁 | 过快 | 發信量 | 发信量"""
_RATE_UNLESS = r"too[ ]many[ ](?:hops|received|messages[ ](?:on|in))|too[ ]much[ ]mail[ ]data"

_LISTED = r"""
    spamhaus | spamcop | barracudacentral | \b(?:dns|rbl|uribl|surbl)bl?\b | \b[dr]nsbl | \brbl\b | sorbs
    | proofpoint\.com/dnsbl
  | black[ -]?list | block[ -]?list | deny[ -]?list | blocklisted | \bblocked[ ](?:using|by|for|because|at|due|-)
  | \b(?:is|been|was|are)[ ](?:\w+[ ]){0,2}(?:blocked|banned)\b | \bbanned[ ](?:sending|ip|sender)
  | (?:poor|bad|low)[ ](?:\w+[ ]){0,2}reputation | reputation[ ](?:of|score|problem) | due[ ]to[ ](?:ip[ ])?reputation
  | (?:dynamic|zombie\w*)[ /](?:\w+[ /]){0,2}ips? | suspected[ ]bounce
    | (?<!not[ ])\blisted[ ](?:at|in|on|as[ ]abusive)
  | your[ ](?:ip|network|server|host|domain)[ ](?:address[ ])?(?:\S+[ ]){0,3}(?:is|has|was)\b
  | not[ ](?:currently[ ])?accepting[ ]mail[ ]from[ ]your | (?:user|unsolicited|spam)[ ]complaints
  | \(S3\d{3}\) | 黑名单 | 黑名單"""

_PTR = r"""
    \bptr\b | reverse[ ]dns | \brdns\b | reverse[ ](?:lookup|name) | name[ ]lookup[ ]failed
    | find[ ]your[ ](?:reverse[ ])?hostname
  | unverifyable[ ]sending | mismatches[ ]client[ ]ip | \b(?:helo|ehlo)\b"""

_AUTH = r"""
    \bdmarc\b | \bspf\b | \bdkim\b | sender[ ]policy[ ]framework | sender[ ]id\b | \bunauthenticated
    | not[ ]authenticated
  | authenticat(?:e|ion)\b | smtp[ ]auth | fails?[ ]to[ ]pass | starttls | \btls[ ](?:is[ ])?required
    | must[ ]pass[ ]either"""

_SENDER = r"""
    sender[ ](?:\w+[ ]){0,3}(?:rejected|denied|blocked|refused|invalid|verif\w+|unknown|not\b)
  | \bsender[ ](?:verify|verification)|invalid[ ]sender
    | (?:mail[ ]from|from[ ]address|from:)[ ](?:\w+[ ]){0,3}(?:rejected|not|invalid|domain|refused)
  | \bbanned[ ]sender | domain[ ]of[ ]sender
    | sender['’]?s?[ ](?:e-?mail[ ]|mail[ ])?(?:address|domain)[ ](?:\S+[ ]){0,6}(?:not|reject\w*|fail\w*|lookup)
  | identit(?:y|ies)[ ]failed | not[ ]verified | backscatter | \bbatv\b | null[ ]sender | empty[ ]envelope
    | not[ ]subscribed[ ]to
  | emetteur[ ]invalide | 发件人 | 發件人"""

_RELAY = r"""
    relay(?:ing)?[ ](?:access[ ]|is[ ]|mail[ ]|has[ ]been[ ])?(?:denied|not|to|restrict|prohibited|rejected)
    | unable[ ]to[ ]relay | not[ ]an?[ ]open[ ]relay
  | permitted[ ]to[ ](?:\w+[ ])?relay | no[ ]relay | as[ ]a[ ]relay | insecure[ ]mail[ ]relay
    | allowed[ ]to[ ]relay | rcpthosts?\b"""
_RELAY_UNLESS = r"validrcptto"

_GREETING = r"""
    refused[ ]to[ ]talk[ ]to[ ]me | after[ ]initial[ ]connection | receiving[ ]the[ ]initial[ ]server[ ]greeting
  | initial[ ](?:server[ ])?greeting | no[ ]smtp[ ]service | closing[ ]transmission[ ]channel
    | in[ ]reply[ ]to[ ](?:helo|ehlo|mail[ ]from)
  | after[ ](?:pipelined[ ])?(?:mail[ ]from|helo|ehlo|starttls) | not[ ]accepting[ ]connections
    | not[ ]allowed[ ]to[ ]connect
  | connection[ ](?:denied|rejected)"""

_CONTENT = r"""
    \bspam | unsolicited | junk[ ]mail | \bvirus | malware | phish | bulk[ ]mail
    | (?:content|message|mail|body|header)[ ](?:is[ ]|was[ ]|has[ ]been[ ]|content[ ])?(?:rejected|denied
    |filtered|refused)
  | policy[ ](?:reasons?|violation|restriction)
    | (?:local|security|organi[sz]ation\w*|domain|recipient)[ ](?:\w+[ ])?polic | for[ ]policy | by[ ]policy
    | due[ ]to[ ](?:\w+[ ]){0,3}polic
  | illegal[ ]attachment | attachment[ ]type | malformed | rfc[ ]?\d{4} | rfc[ ]compliant
    | message[ ](?:is[ ])?too[ ](?:large|big) | message[ ]size | size[ ](?:exceed|limit)
  | exceeds[ ](?:the[ ])?(?:maximum|fixed|size) | duplicate[ ]header | restricted[ ]content | 垃圾邮件 | 垃圾郵件
    | 邮件内容 | 病毒"""
_CONTENT_UNLESS = r"is[ ]protected[ ]by|mail[ ]?box[ ](?:\w+[ ])?size|mailbox|name[ ]serv"

_LOOP = r"loop(?:s|ing|ed)?\b | hop[ ]count | too[ ]many[ ](?:hops|received) | \bhops\b | aliasing"

_NOUN = r"""(?:e-?mail[ ](?:account|address)|user(?:id|name)?|mail[ ]?box|recipient|account|alias
    |address(?:ee)?|rcpt|person|inbox)"""
_OWN = r"(?:user(?:id|name)?|mail[ ]?box|recipient|alias|local[- ]part|addressee|rcpt|envelope[ ]recipient)"
_AT = r"[<\[(\"']{0,2}[^\s<>\[\]()@]{1,64}@[^\s<>\[\]()@]{1,255}[>\])\"']{0,2}"
_BETWEEN = (
    rf"(?:[\s:,]+(?:{_AT}|is|was|name|names?d|specified|that|you|tried|to|reach|could|here|entered|\(s\)|s)){{0,8}}"
)
_MISSING = r"""(?:unknown|not[ ](?:be[ ])?(?:found|known|recogni[sz]ed|listed|valid)|not[ ]exists?
    |couldn['’]?t[ ]be[ ]found|wasn['’]?t[ ]found
    |isn['’]?t[ ](?:valid|known)|do(?:es)?(?:[ ]not|n[o'’]?t|[ ]no)[ ](?:currently[ ])?exists?
    |no[ ]longer[ ](?:exists?|valid|active|available|on[ ]server|accepts)
    |has[ ]been[ ](?:replaced|deleted|removed)|is[ ]incorrect)"""
_UNKNOWN = rf"""
    \bno[ ]such[ ](?:\w+[ ])?{_NOUN}\b
    | \bno[ ](?:mail[ ]?box|account|user|one|person)[ ](?:here[ ]|is[ ]currently[ ]available[ ])?(?:by|with|at
    |found|at[ ]this)\b
  | \bno[ ]mail[ ]?box[ ]found
    | \bis[ ]not[ ](?:a[ ]|an[ ])?(?:known|valid|active|local)[ ](?:\w+[ ])?{_NOUN}
    | \bnot[ ]a[ ]valid[ ](?:recipient|user|mailbox)
  | \b(?:unknown|invalid|non-?existent|undefined)[ ](?:or[ ]\w+[ ])?(?:virtual[ ]|local[ ]|final[ ]delivery[ ]
    |email[ ]|e-mail[ ])?{_OWN}\b
  | \b(?:unknown|invalid|non-?existent|bad)[ ](?:e-?mail[ ])?address\b | \bnon-?existent[ ]account
    | \bbad[ ](?:destination|recipient|dest\w*[ ]mailbox)
  | \b{_NOUN}{_BETWEEN}[\s:,]+{_MISSING}
  | {_AT}[\s.:,]{{0,4}}(?:is[ ])?(?:user[ ]unknown|not[ ](?:found|listed|known)|unknown|does[ ]not[ ]exist)
  | \baddress[ ]not[ ](?:present|found) | address[ ](?:couldn['’]t|could[ ]not|wasn['’]t)[ ]be[ ]found
    | \bthe[ ]address[ ](?:was[ ]not|wasn['’]t)[ ]found
  | recipient[ ](?:name[ ])?(?:is[ ])?not[ ](?:recogni[sz]ed|ok|found|exist|local|accepted) | recipnotfound
    | recipientnotfound | recipient[ ]notfound | adr\.(?:ex)?recip\w*notfound
  | no[ ](?:\w+[ ]){{0,3}}in[ ]name[ ]directory | not[ ]listed[ ]in[ ](?:\w+[ ]){{0,3}}directory | badrcptto
    | badrecipientto | validrcptto
  | user[ ](?:missing[ ]home|not[ ](?:found|known|exist|active)) | user['’]s[ ]email[ ]name[ ]is[ ]not
    | relay[ ]recipient[ ]table
  | no[ ]valid[ ]recipients?(?:,[ ]bye|[ ]for[ ]this) | check[ ]if[ ]address[ ]is[ ]correct
  | doesn['’]?t[ ]have[ ]an?[ ]\S+[ ]account | this[ ]spectator | wrong[ ]or[ ]no[ ]longer[ ]valid
  | utilisateur[ ]inconnu | destinataire[ ](?:invalide|inconnu) | no[ ]existe[ ](?:dicha|ese|el)
    | usuario[ ](?:desconocido|inexistente|no[ ]existe)
  | utente[ ](?:sconosciuto|inesistente|non[ ]esist) | nessun[ ]utente
    | destinatario[ ](?:sconosciuto|inexistente|desconhecido)
  | (?:empf[äa]nger|benutzer)(?:adresse)?[ ](?:ist[ ])?(?:unbekannt|nicht[ ](?:gefunden|vorhanden|bekannt)
    |existiert[ ]nicht)
  | (?:пользователь|получатель|адрес|ящик)[ ](?:\w+[ ])?не[ ](?:найден|существует)
  | (?:用户|用戶|使用者|收件人|邮箱|郵箱|信箱|帐号|账号|帳號|账户|地址)(?:地址)?\s*(?:不存在|未找到|无效|無效)
  | 不存在(?:的|该|此)?(?:用户|用戶|收件人|邮箱|郵箱) | 未开通.{{0,4}}邮箱 | [无無]此(?:用户|用戶|人) | 查无此人
  | メールアドレス.{{0,6}}(?:見つかりません|存在しません|ありません|みつかりません)
  | (?:宛先|あて先|ユーザ).{{0,12}}(?:見つかりません|存在しません|不明|ありません|みつかりません)
  | ディレクトリ.{{0,12}}(?:ありません|見つかりません) | 사용자.{{0,8}}(?:없|않)"""
_UNKNOWN_UNLESS = r"""\b(?:sender|helo|ehlo|spf|dkim|dmarc|reputation|rate|relay(?:ing)?[ ](?:denied|not)
    |black\w*|unsolicited)\b
  | unknown[ ]address[ ]error | or[ ](?:access[ ]denied|(?:is[ ])?unable[ ]to[ ]receive)
    | may[ ]not[ ]exist[, ]+(?:they|or) | sender[ ]address"""

_NO_DOMAIN = r"""
    (?:host|domain)[ ](?:or[ ]domain[ ]name[ ])?(?:name[ ])?(?:is[ ])?(?:not[ ](?:found|known|reachable)
    |unknown|unreachable|does[ ]not[ ]exist)
  | \b(?:unknown|illegal|invalid|no[ ]such|nonexistent|non-existent)[ ](?:host|domain)
    | unroute?able[ ](?:mail[ ]domain|address) | \bnxdomain
  | (?:name[ ]service[ ]error|name[ ]or[ ]service[ ]not[ ]known)
    | (?:no|not[ ]find[ ]a?n?y?|couldn['’]t[ ]find[ ]a)[ ](?:mx|mail[ ]exchanger)\b
  | no[ ](?:mx|mx[ ]record)[ ]found | no[ ]route[ ]for | name[ ]server:?[ ] | no[ ]such[ ]domain"""
_NULL_MX = r"null[ ]?mx | (?:host|domain)(?:/domain)?[ ]does[ ]not[ ]accept[ ]mail | indicated[ ]no[ ]smtp[ ]service"

_CLOSED = r"""
    (?:account|mail[ ]?box|user|recipient|address|inbox|email)(?:[\s:,]+(?:\S+@\S+|that|you|tried|to|reach|is
    |has|been|was|currently|temporar\w+|the|or|domain)){0,10}[\s:,]+
    (?:disabled|deactivated|inactive|suspended|frozen|locked|terminated|archived?|closed|discontinued
    |unavailable|blocked|not[ ](?:active|available|accepting))
  | \b(?:disabled|deactivated|inactive|suspended|frozen|unavailable[ ]mail|terminated
    |archived)[ ](?:or[ ]\w+[ ])?(?:user|recipient|mail[ ]?box|account|address|alias)
  | user[ ]suspended | disabled[ ]or[ ]discontinued | extended[ ]inactivity | archiv[eé]e
    | suspend[ ]the[ ]service | no[ ]longer[ ]accepts[ ]mail
  | is[ ]not[ ]accepting[ ]any[ ]mail | mail[ ]receiving[ ]disabled | 停用 | 冻结 | 凍結 | 禁用"""

_AFTER_THE_BODY = (
    r"after[ ]end[ ]of[ ]data|end[ ]of[ ]data[ ]command|in[ ]reply[ ]to[ ](?:end[ ]of[ ])?data"
    r"|after[ ](?:pipelined[ ])?data"
)
_UNKNOWN_AFTER = rf"(?s:(?:{_UNKNOWN}).*(?:{_AFTER_THE_BODY})|(?:{_AFTER_THE_BODY}).*(?:{_UNKNOWN}))"
_AU = r"^[: ]+user[ ]unknown|->[ ]\d+[ ]:[ ]user[ ]unknown"
_DOMAIN_GONE = r"""
    (?:host|domain)[ ](?:is[ ])?(?:unknown|does[ ]not[ ]exist)
    | (?:unknown|no[ ]such|nonexistent|non-existent)[ ](?:host|domain)\b | \bnxdomain
  | domain[ ]name[ ]not[ ]found | host[ ]not[ ]found[ ]in[ ]dns"""

_UNAVAILABLE = r"""mailbox[ ]unavail | mailbox[ ]is[ ]unavailable | access[ ]denied
    | address(?:es)?[ ]rejected | recipient[ ](?:address[ ])?(?:rejected|refused|denied)
  | no[ ]valid[ ]recipients | @\S+[ ]rejected | undeliverable[ ]address | unable[ ]to[ ]receive
    | (?:account|user)[ ](?:\w+[ ])?may[ ]not | unrouteable"""

_EXPIRED = r"""
    expired | timed?[ -]?out | retry[ ]time(?:out)? | queue[ ]too[ ]long | (?:been|was)[ ]in[ ]the[ ]queue
    | could[ ]not[ ]be[ ]delivered[ ](?:for|within|in)[ ]
  | giv(?:en|ing)[ ]up[ ]after
    | connection[ ](?:refused|reset|timed)|network[ ](?:is[ ])?unreachable|network[ ]error
    | lost[ ]connection | for[ ]\d+[ ](?:days|hours)"""

# --- the table ------------------------------------------------------------------------------------------------------

_FINAL = r"5\d\d|"  # a reply of 5xx, or none
_NOT_FOR_NOW = r"|5\.(?!7\.)\d+\.\d+|2\.\d+\.\d+"


def _providers(*meanings: Meaning) -> Iterator[Rule]:
    """The rows of the relay's own answers, for reports: what a provider documents of its words."""
    for row in KNOWN:
        if row.meaning in meanings:
            ours = row.meaning in (Meaning.RATE, Meaning.REFUSED)
            # Those rows are written with plain spaces.
            words = row.words.replace(" ", "[ ]")
            code = f"{row.code}|" if row.code else ""
            what = "says it of the sender" if ours else "says it of the recipient"
            yield Rule(f"{row.provider}: {what}", Kind.LANE if ours else Kind.SOFT, row.source, words, code=code)


RULES: tuple[Rule, ...] = (
    # 1: the recipient's, whatever the code
    Rule("the mailbox is full", Kind.SOFT, _COMMON, _FULL, unless=_OUR_QUOTA),
    Rule("Orange, La Poste: the mailbox is full", Kind.SOFT, _ORANGE, r"\b(?:LPN|OFR|OUK)\w*[_-]417\b"),
    Rule("the recipient refuses it", Kind.SOFT, _COMMON, _UNWANTED),
    Rule(
        "Google: the recipient gets too much mail",
        Kind.SOFT,
        _GOOGLE,
        r"receiving[ ]e?mail[ ](?:too[ ]quickly|at[ ]a[ ]rate)",
    ),
    # 2: the sender's, whatever the code
    Rule("the domain takes no mail", Kind.HARD, "RFC 7505", _NULL_MX, status=r"|5\.\d+\.\d+", code=_FINAL),
    Rule(
        "Orange, La Poste: rate, block list, policy",
        Kind.LANE,
        _ORANGE,
        r"\b(?:LPN|OFR|OUK)\w*[_-](?:10\d|109|201|305|40[1235]|415|421|42[34]|505|506|51[0347]|630|999)\b",
    ),
    Rule("GoDaddy: rate, block list, policy", Kind.LANE, _GODADDY, r"\bIB\d{3}\b"),
    Rule("GMX, web.de: the connection is refused", Kind.LANE, _GMX, r"\bnemesis[ ]esmtp"),
    *_providers(Meaning.RATE, Meaning.REFUSED),
    Rule("turned away before a recipient was named", Kind.LANE, _SERVERS, _GREETING),
    Rule("a rate or limit of the sender", Kind.LANE, _COMMON, _RATE, unless=_RATE_UNLESS),
    Rule("the sender is on a block list", Kind.LANE, _COMMON, _LISTED),
    Rule("the sending server's name", Kind.LANE, _COMMON, _PTR),
    Rule("authentication of the sender", Kind.LANE, _COMMON, _AUTH),
    Rule("the sender's address", Kind.LANE, _POSTFIX, _SENDER),
    Rule("a code of the sender's address", Kind.LANE, _RFC, status=r"[45]\.1\.[78]"),
    Rule("relaying", Kind.LANE, _SERVERS, _RELAY, unless=_RELAY_UNLESS),
    # 3: words for an unknown recipient
    Rule("QQ: perhaps no such account", Kind.SOFT, _QQ + "169", r"may[ ]contain[ ]a[ ]non-existent[ ]account"),
    # Docomo and au hide their filters behind it: who is refused so does exist.
    Rule("au: unknown to a filter", Kind.SOFT, _CARRIERS, _AU),
    Rule("unknown, said only after the body: a filter's", Kind.SOFT, _CARRIERS, _UNKNOWN_AFTER, code=r"5\d\d"),
    Rule("Docomo, au: unknown to a filter", Kind.SOFT, _CARRIERS, _UNKNOWN, status=r"5\.2\.0"),
    Rule(
        "unknown recipient, by words", Kind.HARD, _COMMON, _UNKNOWN, _UNKNOWN_UNLESS, status=_NOT_FOR_NOW, code=_FINAL
    ),
    Rule("unknown recipient, for now or under a policy code", Kind.SOFT, _COMMON, _UNKNOWN, _UNKNOWN_UNLESS),
    Rule(
        "Microsoft: no such mailbox",
        Kind.HARD,
        _OUTLOOK,
        r"requested[ ]action[ ]not[ ]taken:[ ]mailbox[ ]unavailable",
        status=r"5\.5\.0",
        code="550",
    ),
    Rule(
        "Microsoft: unknown at the next server",
        Kind.HARD,
        _MICROSOFT,
        r"unknown[ ]recipient[ ]or[ ]mailbox[ ]unavailable",
        status=r"5\.1\.351",
    ),
    Rule("Orange, La Poste: no such recipient", Kind.HARD, _ORANGE, r"\b(?:LPN|OFR|OUK)\w*[_-]41[68]\b"),
    Rule("content or size", Kind.LANE, _COMMON, _CONTENT, unless=_CONTENT_UNLESS),
    # 4: codes of the recipient
    Rule("a code of policy", Kind.SOFT, _RFC_CODES, _CLOSED, status=r"5\.7\.\d+"),
    Rule("a code of policy or of a limit", Kind.LANE, _RFC, status=r"[45]\.(?:7\.\d+|4\.5)"),
    Rule("a code of a dead address", Kind.HARD, _RFC, status=r"5\.1\.(?:1|2|3|6|10)", code=_FINAL),
    Rule(
        "a code of the recipient",
        Kind.SOFT,
        _RFC,
        status=r"[45]\.1\.(?:1|2|3|4|6|10|3\d\d)|[45]\.2\.(?:1|2|4)|5\.4\.(?:4|31\d)",
    ),
    Rule("the mailbox is closed", Kind.SOFT, _COMMON, _CLOSED),
    *_providers(Meaning.BUSY, Meaning.GONE),
    Rule(
        "no such domain, by words",
        Kind.HARD,
        "RFC 3463, 3.2: X.1.2",
        _DOMAIN_GONE,
        status=r"|5\.[0135]\.0|5\.1\.\d+",
        code=_FINAL,
    ),
    Rule("no such domain, or no way to it", Kind.SOFT, _SERVERS, _NO_DOMAIN),
    Rule(
        "a recipient that is refused without a reason",
        Kind.SOFT,
        _COMMON,
        _UNAVAILABLE,
        unless=_OUR_QUOTA,
        status=r"|5\.[0135]\.0|5\.1\.0|5\.4\.1",
    ),
    Rule("Sina, IronPort: the address is rejected", Kind.SOFT, _COMMON, status=r"5\.1\.0"),
    # 5: the system's
    Rule("a mail loop", Kind.LANE, _SERVERS, _LOOP),
    Rule("the mail system, for now", Kind.LANE, _RFC, status=r"4\.3\.\d+"),
    Rule("the connection was given up", Kind.LANE, "RFC 5321, 3.8", code="421"),
    Rule("given up in the end", Kind.SOFT, _SERVERS, status=r"4\.\d+\.\d+"),
    Rule("given up in the end", Kind.SOFT, _SERVERS, code=r"4\d\d"),
    Rule("given up in the end, by words", Kind.SOFT, _SERVERS, _EXPIRED, status=r"|5\.0\.0|5\.4\.(?:0|1|7|3\d\d)"),
    Rule("any other code of the system or of content", Kind.LANE, _RFC, status=r"5\.\d+\.\d+"),
    Rule(
        "a refusal without a word that is known",
        Kind.LANE,
        'QQ says "too fast" with a bare 550: ' + _QQ + "172",
        code=r"5\d\d",
    ),
    Rule("no code and no word that is known", Kind.SOFT, _MAILMAN),
)

UNDECIDED = frozenset(rule.name for rule in RULES[-2:]) | {RULES[-3].name}
"""Rows that fit what no other row knows: more words may say more."""
