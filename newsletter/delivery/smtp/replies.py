"""Classify an SMTP reply: stage, code and text -> `Outcome`, about the recipient or the sender.

A 5xx does not mean a dead address. QQ says "too fast" with a bare 550, Google with 550 5.4.5, and a relay that has
blocked us answers 550 to every RCPT. So a recipient is `rejected` only if the answer is about the recipient; every
other refusal is the sender's fault, and the recipient stays `deferred`:

    this connection is used up  sender, and a new connection: "too many messages in this session"
    before RCPT                 no recipient was named yet: sender
    a text of `KNOWN`           as its provider documents it
    4xx                         421, rate words, 4.3.x: sender   the rest: this recipient, later
    5xx, enhanced code          `RECIPIENT_CODES`: rejected      any other: sender
    5xx without one, at RCPT    the text says the recipient is unknown: rejected
    5xx else                    sender: content, size, spam, policy

`KNOWN` is one table with a row for each documented text. It is checked first, since it is more exact than the code.
"""

from __future__ import annotations

import enum
import re
from dataclasses import field

from newsletter.frozen import frozen
from newsletter.model.delivery import Outcome, State

BEFORE_RCPT = frozenset({"greeting", "EHLO", "STARTTLS", "AUTH", "MAIL"})

HARD_BOUNCES = frozenset({"5.1.1", "5.1.2", "5.1.3", "5.1.6", "5.1.10"})
"""RFC 3463, 3.2 and RFC 7505, 4.2: no such mailbox, no such host, bad syntax, moved, a domain that takes no mail."""

RECIPIENT_CODES = HARD_BOUNCES | {"5.1.4", "5.2.1", "5.2.2", "5.2.4", "5.4.4"}
"""And beside those (RFC 3463, 3.2 to 3.5): ambiguous, mailbox disabled, full, mailing list expansion failed,
no route.
"""

VAGUE_CODES = frozenset({"", "5.0.0", "5.1.0"})
"""Codes too vague to decide: the text does. All others outside `RECIPIENT_CODES` are about system, protocol
or policy.
"""

_ENHANCED = re.compile(r"\s*#?([245]\.\d{1,3}\.\d{1,3})(?!\.?\d)")


@frozen
class Reply:
    """A server's reply, its lines joined by spaces."""

    code: int
    text: str


class Meaning(enum.Enum):
    """The meaning of a reply, and whether it is about the sender, the recipient or the connection."""

    RATE = "we send too much or too fast"
    REFUSED = "it refuses us: login, reputation, content, size"
    CONNECTION = "this connection has carried enough; another one may go on at once"
    BUSY = "the recipient has too much mail just now"
    GONE = "the recipient cannot be mailed: unknown, closed, or has blocked us"


@frozen
class Known:
    """A row of the table. `stages` is empty for any stage, `code` 0 for any refusal; `words` is a regular
    expression.
    """

    provider: str
    stages: str
    code: int
    words: str
    meaning: Meaning
    source: str
    _pattern: re.Pattern[str] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "_pattern", re.compile(self.words, re.IGNORECASE))

    def fits(self, stage: str, code: int, text: str) -> bool:
        return (
            (self.code in (0, code))
            and (not self.stages or stage in self.stages.split())
            and self._pattern.search(text) is not None
        )


_AT_RECIPIENT = "RCPT DATA dot"
_QQ = "https://service.mail.qq.com/detail/122/"
_NETEASE = "http://help.163.com/09/1224/17/5RAJ4LMH00753VB8.html"
_GOOGLE = "https://support.google.com/a/answer/3726730"
_THREADS = (
    "https://techcommunity.microsoft.com/t5/exchange-team-blog/"
    "changes-coming-to-the-smtp-authenticated-submission-client/ba-p/607825"
)
_SUBMISSION = "https://learn.microsoft.com/en-us/exchange/troubleshoot/send-emails/smtp-submission-improvements"
_THROTTLED = "https://learn.microsoft.com/en-us/Exchange/mail-flow-best-practices/continuous-error-throttling-smtp-auth-submissions"
_NDR = (
    "https://learn.microsoft.com/en-us/troubleshoot/exchange/email-delivery/ndr/non-delivery-reports-in-exchange-online"
)
_DBEB = "https://go.microsoft.com/fwlink/p/?LinkId=390676"
_SES = "https://docs.aws.amazon.com/ses/latest/dg/troubleshoot-smtp.html"
_SES_QUOTA = "https://docs.aws.amazon.com/ses/latest/dg/manage-sending-quotas-errors.html"
_SES_VERIFY = "https://repost.aws/knowledge-center/ses-554-400-message-rejected-error"
_YAHOO = "https://senders.yahooinc.com/smtp-error-codes"
_SENDGRID = "https://www.twilio.com/docs/sendgrid/for-developers/sending-email/smtp-errors-and-troubleshooting"
_MAILGUN = "https://github.com/coopdevs/timeoverflow/issues/820"
_EXIM = "https://www.exim.org/exim-html-current/doc/html/spec_html/ch-main_configuration.html"
_SES_SESSION = (
    "https://repost.aws/questions/QUw5qK9rBFSKqXvW5a-nAteg/"
    "amazon-ses-smtp-error-response-421-connection-closed-by-server-maximum-message-count-per-session-reached"
)
_SISIMAI_YAHOO = "https://github.com/sisimai/p5-sisimai/blob/master/lib/Sisimai/Rhost/YahooInc.pm"
_STALWART = "https://github.com/stalwartlabs/stalwart/issues/1384"
_MOMENTUM = "https://github.com/SparkPost/developers.sparkpost.com/blob/master/web-ref/responses-by-message.md"
_GOOGLE_CODES = "https://support.google.com/a/answer/3221692"
_POSTFIX_ERRORS = "https://www.postfix.org/postconf.5.html#smtpd_hard_error_limit"
_POSTFIX_SENDER = "https://www.postfix.org/postconf.5.html#smtpd_reject_unlisted_sender"

# The first matching row counts. Fields that a row leaves empty follow the general rules above.
KNOWN: tuple[Known, ...] = (
    # A connection's own limit: of messages, of refused recipients, of time.
    Known("Exim", "", 421, r"too many messages in this connection", Meaning.CONNECTION, _EXIM),
    Known("Amazon SES", "", 421, r"maximum message count per session", Meaning.CONNECTION, _SES_SESSION),
    Known("Yahoo", "", 421, r"max message per connection reached", Meaning.CONNECTION, _SISIMAI_YAHOO),
    Known("Stalwart", "", 452, r"maximum number of messages per session", Meaning.CONNECTION, _STALWART),
    Known("Momentum", "", 452, r"service unavailable, batch limit reached", Meaning.CONNECTION, _MOMENTUM),
    Known("Google", "", 421, r"connection expired, try reconnecting", Meaning.CONNECTION, _GOOGLE_CODES),
    Known("Postfix", "", 421, r"\berror: too many errors", Meaning.CONNECTION, _POSTFIX_ERRORS),
    # Postfix names the party at fault; it may refuse the sender as late as RCPT (smtpd_delay_reject), with "User
    # unknown" too.
    Known("Postfix", "", 0, r"sender address rejected", Meaning.REFUSED, _POSTFIX_SENDER),
    # Tencent: QQ Mail and Exmail
    Known("Tencent", "", 0, r"\bip frequency limited", Meaning.RATE, _QQ + "172"),
    Known("Tencent", "", 0, r"\bdomain frequency limited", Meaning.RATE, _QQ + "173"),
    Known("Tencent", "", 0, r"\bsender frequency limited", Meaning.RATE, _QQ + "174"),
    Known("Tencent", "", 0, r"\bconnection frequency limited", Meaning.RATE, _QQ + "175"),
    # One recipient gets too much mail at once; QQ also says so to senders of poor reputation.
    Known("Tencent", "", 0, r"mailbox unavailable or access denied", Meaning.RATE, _QQ + "166"),
    Known("Tencent", "", 0, r"\bconnection denied", Meaning.REFUSED, _QQ + "170"),
    Known("Tencent", "", 0, r"suspected bounce attacks", Meaning.REFUSED, _QQ + "57"),
    Known("Tencent", "", 0, r"spam is embedded in the email", Meaning.REFUSED, _QQ + "59"),
    Known("Tencent", "", 0, r"suspected spam", Meaning.REFUSED, _QQ + "71"),
    Known("Tencent", "", 0, r"(?:spf|dmarc) check failed", Meaning.REFUSED, _QQ + "72"),
    Known("Tencent", "", 0, r"mail content denied", Meaning.REFUSED, _QQ + "171"),
    Known("Tencent", "", 0, r"message too large", Meaning.REFUSED, _QQ + "168"),
    Known("Tencent", _AT_RECIPIENT, 550, r"mail is rejected by recipients", Meaning.GONE, _QQ + "92"),
    Known("Tencent", "RCPT", 501, r"bad address syntax", Meaning.GONE, _QQ + "167"),
    Known("Tencent", _AT_RECIPIENT, 550, r"mailbox not found", Meaning.GONE, _QQ + "169"),
    # NetEase: 163, 126, yeah.net and their company mail. The rule's name, a colon, and the reason.
    Known("NetEase", "", 0, r"\bHL:(?:ICC|IFC)\b", Meaning.RATE, _NETEASE),
    Known("NetEase", "", 0, r"\bMI:(?:DMC|SFQ|STC)\b", Meaning.RATE, _NETEASE),
    Known("NetEase", "", 0, r"\bRP:(?:DRC|QRC|RCL|TRC)\b", Meaning.RATE, _NETEASE),
    Known("NetEase", "", 0, r"\btoo much recipient", Meaning.RATE, _NETEASE),
    Known("NetEase", "", 0, r"\bHL:(?:REP|MEP|IHU|IPB)\b", Meaning.REFUSED, _NETEASE),
    Known("NetEase", "", 0, r"\bMI:(?:CEL|CCL|NHD|IMF|SPF|DMA|SPB)\b", Meaning.REFUSED, _NETEASE),
    Known("NetEase", "", 0, r"\bRP:(?:CEL|CCL|FRL)\b", Meaning.REFUSED, _NETEASE),
    Known("NetEase", "", 0, r"\b(?:DT:(?:RBL|SPM|SUM)|WM:BL[IU])\b", Meaning.REFUSED, _NETEASE),
    Known("NetEase", "", 0, r"too much fail authentication", Meaning.REFUSED, _NETEASE),
    Known("NetEase", "", 0, r"\b(?:user|ip) in blacklist|\bip is rejected", Meaning.REFUSED, _NETEASE),
    Known("NetEase", "", 552, r"illegal attachment|exceeded mailsize limit", Meaning.REFUSED, _NETEASE),
    Known("NetEase", "RCPT", 550, r"^(?:invalid user|user suspended)\b", Meaning.GONE, _NETEASE),
    # Google: Gmail and Workspace
    Known("Google", "", 0, r"receiving e?mail (?:too quickly|at a rate)", Meaning.BUSY, _GOOGLE),
    Known("Google", "", 0, r"peak smtp relay limit exceeded", Meaning.RATE, _GOOGLE),
    Known(
        "Google", "", 550, r"daily (?:user |smtp relay )?(?:sending )?(?:quota|limit) exceeded", Meaning.RATE, _GOOGLE
    ),
    Known("Google", "", 0, r"unusual rate of (?:unsolicited )?mail", Meaning.RATE, _GOOGLE),
    Known("Google", "", 0, r"has been (?:temporarily )?rate[- ]limited", Meaning.RATE, _GOOGLE),
    Known("Google", "", 421, r"server busy, try again later", Meaning.RATE, _GOOGLE),
    Known("Google", "", 454, r"too many login attempts", Meaning.RATE, _GOOGLE),
    Known("Google", "", 0, r"very low reputation|likely unsolicited mail", Meaning.REFUSED, _GOOGLE),
    # Microsoft: Exchange Online, Outlook.com
    Known("Microsoft", "", 432, r"concurrent connections? limit exceeded", Meaning.RATE, _SUBMISSION),
    Known("Microsoft", "", 0, r"sender thread limit exceeded", Meaning.RATE, _THREADS),
    Known("Microsoft", "", 554, r"SubmissionQuotaExceeded", Meaning.RATE, _SUBMISSION),
    # 5.2.2 "mailbox full" means our own: Exchange keeps a copy of all sent mail.
    Known("Microsoft", "", 554, r"STOREDRV\.Submission\.Exception:QuotaExceeded", Meaning.REFUSED, _SUBMISSION),
    Known("Microsoft", "", 550, r"sender throttled due to continuous", Meaning.RATE, _THROTTLED),
    Known("Microsoft", "", 432, r"recipient thread limit exceeded", Meaning.BUSY, _NDR),
    Known("Microsoft", "", 451, r"4\.7\.[5-8]\d\d\b.*(?:try again later|server busy)", Meaning.RATE, _NDR),
    Known("Microsoft", _AT_RECIPIENT, 550, r"RESOLVER\.ADR\.(?:Ex)?Recip(?:ient)?NotFound", Meaning.GONE, _NDR),
    Known("Microsoft", "RCPT", 550, r"5\.4\.1 .*recipient address rejected: access denied", Meaning.GONE, _DBEB),
    # Amazon SES
    Known("Amazon SES", "", 454, r"throttling failure", Meaning.RATE, _SES_QUOTA),
    Known("Amazon SES", "", 421, r"too many concurrent smtp connections", Meaning.RATE, _SES),
    Known("Amazon SES", "", 554, r"email address is not verified", Meaning.REFUSED, _SES_VERIFY),
    # Yahoo, AOL
    Known("Yahoo", "", 0, r"messages? (?:from \S+ )?temporarily deferred", Meaning.RATE, _YAHOO),
    Known("Yahoo", "", 553, r"will be permanently deferred", Meaning.REFUSED, _YAHOO),
    Known("Yahoo", "", 554, r"not accepted for policy reasons", Meaning.REFUSED, _YAHOO),
    Known("Yahoo", _AT_RECIPIENT, 554, r"this user doesn't have an? \S+ account", Meaning.GONE, _YAHOO),
    Known("Yahoo", _AT_RECIPIENT, 554, r"this mailbox is disabled", Meaning.GONE, _YAHOO),
    # SendGrid, Mailgun
    Known("SendGrid", "", 403, r"not authorized to send from that email address", Meaning.REFUSED, _SENDGRID),
    Known("SendGrid", "", 450, r"too frequent connects", Meaning.RATE, _SENDGRID),
    Known("SendGrid", "", 451, r"maximum credits exceeded", Meaning.RATE, _SENDGRID),
    Known("SendGrid", "", 452, r"too many recipients received th", Meaning.RATE, _SENDGRID),
    Known("Mailgun", "", 421, r"is not allowed to send: recipient limit exceeded", Meaning.RATE, _MAILGUN),
)

# A rate limit in any server's words. Not "quota" alone, which is as often the recipient's mailbox.
_RATE_WORDS = re.compile(
    r"""rate[- ]?limit | sending[ ]rate | frequency[ ]limit | throttl | slow[ ]down
    | \b(?:sending|message|mail|email|hourly|daily|submission|connection|recipient)s?[ ](?:rate|limit|quota)\b
    | \btoo[ ](?:many|much|fast|quick(?:ly)?|frequent(?:ly)?|often)\b
    | \b(?:server|system|service)[ ](?:is[ ])?(?:too[ ])?busy\b
    | 频率 | 頻率 | 过于频繁 | 過於頻繁 | 过快 | 發信量 | 发信量""",
    re.IGNORECASE | re.VERBOSE,
)
# A connection's limit in any server's words: "too many mails in this session", "50 messages per connection reached".
_LINK = (
    r"(?:(?:e?smtp|tcp|the|this|that|a|one|each|every|single|same|current|your)[ ]){0,4}(?:connection|session|channel)"
)
_LETTERS = r"(?:messages?|e?-?mails?|transactions?|deliver(?:y|ies)|letters?)"
_CONNECTION_WORDS = re.compile(
    rf"""\b{_LETTERS}
        (?:[ ](?:sent|accepted|received|delivered|count|limit|quota|transferred|reached|exceeded|hit)){{0,4}}
        [ ](?:in|on|over|per|for|from|by|during|within|through|via)[ ]{_LINK}\b
    | \b{_LINK}['s]*[ ](?:message|mail|e-?mail|transaction)s?[ ](?:count|limit|quota|maximum)\b
    | \b{_LINK}[ ](?:limit|quota|maximum)[ ]of[ ][0-9]{{1,6}}[ ]{_LETTERS}\b
    | \b(?:per-?(?:session|connection))[ ](?:message|mail|transaction)s?\b
    | \bsession[ ](?:transfer[ ]quota|(?:has[ ]been[ ])?open[ ]for[ ]too[ ]long)
    | \b(?:try|please|and|reached,|exceeded,)[ ]reconnect(?:ing)?\b
    | \b(?:open|use|start)[ ]a[ ]new[ ](?:connection|session)\b
    | (?:每个|单个|本次|此|同一)(?:连接|会话)[^，。]{{0,12}}(?:邮件|数量|上限|过多)""",
    re.IGNORECASE | re.VERBOSE,
)
_GREYLISTED = re.compile(r"gr[ae]y-?list", re.IGNORECASE)

# "User <a@b.example> does not exist": a noun, the address, and that it does not exist. Spaces are [ ]: VERBOSE.
_NOUN = r"(?:user|mail[ ]?box|recipient|account|alias|address|rcpt)"
_OWN = r"(?:user|mail[ ]?box|recipient|alias|local[- ]part)"
_NAMED = (
    r"""(?:[\s:,]+(?:[<\[("']?[^\s<>\[\]]+@[^\s<>\[\]]+[>\])"']?|is|was|name|specified|that|you|tried|to|reach))*"""
)
_MISSING = (
    r"(?:unknown|not[ ](?:be[ ])?(?:found|known)|not[ ]exists?|does(?:[ ]not|n[o'’]?t|[ ]no)[ ]exists?"
    r"|no[ ]longer[ ](?:exists|valid|active|available))"
)
_CLOSED = r"(?:disabled|deactivated|inactive|suspended|full|over[ ]?quota)"
_OF_RECIPIENT = re.compile(
    rf"""\bno[ ]such[ ]{_NOUN}\b
    | \bno[ ]mailbox[ ](?:here[ ])?by[ ]that[ ]name\b
    | \bunrouteable[ ]address\b
    | \b(?:unknown|invalid|non-?existent|unavailable[ ]mail|disabled|deactivated|inactive)[ ](?:or[ ]\w+[ ])?{_OWN}\b
    | \b{_NOUN}{_NAMED}[\s:,]+{_MISSING}\b
    | \b{_OWN}{_NAMED}[\s:,]+{_CLOSED}\b
    | (?:用户|用戶|使用者|收件人|邮箱|郵箱|信箱|帐号|账号|帳號|账户|地址)\s*(?:不存在|未找到)
    | 不存在(?:的|该|此)?(?:用户|用戶|收件人|邮箱|郵箱) | 未开通.{{0,4}}邮箱 | [无無]此(?:用户|用戶|人) | [查]无此人
    | (?:收件人|邮箱|郵箱|信箱)(?:空间|空間|容量)?(?:不足|已满|已滿)""",
    re.IGNORECASE | re.VERBOSE,
)
_OF_US = re.compile(
    r"\b(?:your|sender|from|client|helo|relay|spam)\b|\b(?:auth|relaying|block|denied|policy)|发件人|發件人",
    re.IGNORECASE,
)

_LOOKED_AT = 1_000
"""How many characters of a reply are searched; a server may send far more."""


def enhanced_code(text: str) -> str:
    """The enhanced status code (RFC 3463, "5.1.1") at the start of a reply's text; empty if it has none."""
    match = _ENHANCED.match(text)
    return match[1] if match else ""


def judge(stage: str, code: int, text: str) -> Outcome:
    """Classify the reply to `stage` of a message.

    Stages: greeting, EHLO, STARTTLS, AUTH, MAIL, RCPT, DATA, dot. A code after the dot that is neither a success nor a
    refusal leaves the message uncertain; at any other stage nothing was delivered.
    """
    kind = code // 100
    if kind == 2 and stage == "dot":
        return Outcome(State.SENT, stage, code, text)
    if kind not in (4, 5):
        return Outcome(State.UNCERTAIN if stage == "dot" else State.DEFERRED, stage, code, text)
    meaning = _meaning(stage, code, text[:_LOOKED_AT])
    if meaning is Meaning.GONE:
        return Outcome(State.REJECTED, stage, code, text)
    used_up = meaning is Meaning.CONNECTION
    sender_fault = used_up or meaning in (Meaning.RATE, Meaning.REFUSED)
    return Outcome(State.DEFERRED, stage, code, text, sender_fault=sender_fault, connection=used_up)


def ends_connection(text: str) -> bool:
    """Whether a server's goodbye says that this connection, and no other, has carried enough messages."""
    return _meaning("MAIL", 421, text[:_LOOKED_AT]) is Meaning.CONNECTION


def _meaning(stage: str, code: int, text: str) -> Meaning:
    known = next((row.meaning for row in KNOWN if row.fits(stage, code, text)), None)
    if known is Meaning.CONNECTION or (known is None and stage != "greeting" and _CONNECTION_WORDS.search(text)):
        return Meaning.CONNECTION
    if stage in BEFORE_RCPT:
        # No recipient was named yet, whatever the text says.
        return known if known in (Meaning.RATE, Meaning.REFUSED) else Meaning.REFUSED
    if known is not None and not (code == 421 and known is Meaning.BUSY):
        return known
    return _meaning_of_4xx(code, text) if code < 500 else _meaning_of_5xx(stage, code, text)


def _meaning_of_4xx(code: int, text: str) -> Meaning:
    if code == 421:  # RFC 5321, 3.8: the server closes the connection, independent of the recipient
        return Meaning.RATE
    enhanced = enhanced_code(text)
    # 4.1.x and 4.2.x are about the recipient; greylisting only asks for a retry.
    if enhanced.startswith(("4.1.", "4.2.")) or _GREYLISTED.search(text):
        return Meaning.BUSY
    if _RATE_WORDS.search(text):
        return Meaning.RATE
    # RFC 3463, 3.4: mail system status. Every other message would get the same answer.
    return Meaning.REFUSED if enhanced.startswith("4.3.") else Meaning.BUSY


def _meaning_of_5xx(stage: str, code: int, text: str) -> Meaning:
    enhanced = enhanced_code(text)
    if enhanced in RECIPIENT_CODES:
        return Meaning.GONE
    if _RATE_WORDS.search(text):
        return Meaning.RATE
    named = enhanced in VAGUE_CODES and stage == "RCPT" and code in (550, 551, 552, 553)
    if named and _OF_RECIPIENT.search(text) and not _OF_US.search(text):
        return Meaning.GONE
    return Meaning.REFUSED
