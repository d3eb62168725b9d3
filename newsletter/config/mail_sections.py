"""Sections about mail: sender, relays, delivery, signature."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import tzinfo
from typing import TYPE_CHECKING, Literal

from newsletter.config import validators as entries
from newsletter.config.relay_url import PASSWORD_VARIABLE, RELAY_EXAMPLE, RELAY_NAME, AuthSetting, TlsSetting
from newsletter.config.url_validators import list_help, unsubscribe_url, web_address
from newsletter.frozen import frozen
from newsletter.model.schedule import parse_quiet_hours
from newsletter.toml_file.section import Section, array, choice, key, number, switch, text, whole

if TYPE_CHECKING:
    from newsletter.model.schedule import QuietHours, Rate

SubjectSetting = Literal["title", "headline"]
AiNoticeSetting = Literal["none", "generated", "assisted", "reviewed"]

SECRET_VARIABLE = "NEWSLETTER_SECRET"  # noqa: S105 - the variable's name
DKIM_VARIABLE = "NEWSLETTER_DKIM_KEY"


def dkim_variable(selector: str) -> str:
    """The environment variable that holds the key of one selector among several."""
    return f"{DKIM_VARIABLE}_{re.sub('[^A-Z0-9]', '_', selector.upper())}"


@frozen(kw_only=True)
class NewsletterSection(Section):
    name: str = key(
        "The newsletter's name: in From, List-Id and the layout.",
        text(entries.one_line),
        default="Newsletter",
        example="AI Daily",
    )
    from_: str = key(
        "Who the mail is from: an address, or `Name <address>` to sign with another name than the newsletter's. "
        "Needed to send. Without it, `newsletter@localhost`.",
        text(entries.mailbox),
        name="from",
        example="AI Daily <news@example.com>",
    )
    reply_to: str = key("Where answers go, when not to `from`.", text(entries.address), example="editor@example.com")
    postal_address: str = key(
        "The postal address in the footer, one line or several. Needed to send: the law asks for it (CAN-SPAM in the "
        "US).",
        text(entries.lines),
        example="AI Daily, 1 Main Street, Springfield",
    )
    unsubscribe_mailto: str = key(
        "The address that takes unsubscribe mails: in the header List-Unsubscribe and in the footer. To send, this one "
        "or `unsubscribe_url` is needed; give both where you can.",
        text(entries.address),
        example="unsubscribe@example.com",
    )
    unsubscribe_url: str = key(
        "The https address that takes a click, or a mail program's own button (RFC 8058, which Gmail and Yahoo ask of "
        "bulk senders). `{token}` stands for a code that tells one subscriber from another and cannot be guessed; it "
        f"needs the environment variable `{SECRET_VARIABLE}`. `{{email}}` stands for the address itself. Plain http is "
        "for this machine only.",
        text(unsubscribe_url),
        example="https://news.example.com/leave?t={token}",
    )
    list_id: str = key(
        "The list's lasting name in the header List-Id (RFC 2919), behind `name`. Without it, made from `name` and the "
        "domain of `from`.",
        text(entries.list_id),
        example="ai-daily.example.com",
    )
    list_help: str = key(
        "Where a subscriber finds help: an https or mailto address, in the header List-Help (RFC 2369).",
        text(list_help),
        example="https://news.example.com/help",
    )
    feedback_id: str = key(
        "The header Feedback-ID, by which Gmail counts complaints: up to three names of your choice and, last, one for "
        "the sender of 5 to 15 characters that never changes, with colons between. `{issue}` stands for the issue. "
        "Without it, and with `[dkim]`, made from the issue, `name` and the domain of `from`.",
        text(entries.feedback_id),
        example="{issue}:daily:all:aidaily",
    )
    bounce_address: str = key(
        "Where mail servers report what they could not deliver: `{token}` before the @ stands for a code that tells "
        f"one subscriber from another; it needs the environment variable `{SECRET_VARIABLE}`. Without it, they report "
        "to `from`.",
        text(entries.bounce_address),
        example="bounce+{token}@example.com",
    )
    subscribe_url: str = key(
        "Where a reader to whom a friend forwarded an issue can subscribe: a line in the footer. Without it, the "
        "sign-up page of `[serve] url`.",
        text(web_address),
        example="https://example.com/subscribe",
    )
    ai_notice: AiNoticeSetting = key(
        "What each issue says of AI, in the email and in issue.json: `generated`, `assisted` or `reviewed`. A post's "
        "own `ai:` says it of one issue; `none` says nothing.",
        choice(AiNoticeSetting),
        default="none",
        example="assisted",
    )
    subject: SubjectSetting = key(
        "What the subject is where a post says nothing: its `title`, or the `headline` that stands above its text.",
        choice(SubjectSetting),
        default="title",
        example="headline",
    )
    utm: bool = key(
        "Whether the links of an issue say where a visitor comes from, for the statistics of the sites that they lead "
        "to: `utm_source` (the newsletter), `utm_medium` (email) and `utm_campaign` (the issue), and nothing of the "
        "reader. The text part keeps the plain addresses.",
        switch,
        default=False,
        example=True,
    )
    first_number: int = key(
        "The number of the first issue in the ledger. Those after it count on in the order in which they went out, and "
        "a post without a number of its own shows its place. 0 counts none.",
        whole(0, 1_000_000),
        default=0,
        example=1,
    )
    language: str = key(
        "The language of every issue (BCP 47), in place of what the text looks like.",
        text(entries.language),
        example="zh-CN",
    )


@frozen(kw_only=True)
class RelaySection(Section):
    url: str = key(
        "The SMTP server that takes the mail: `smtp://[user@]host[:port]`, or `smtps://` where TLS starts at once. "
        "Needed to send. `%40` stands for an @ in the user's name. The password comes from the environment variable "
        f"`{PASSWORD_VARIABLE}`, never from here.",
        text(str.strip),
        example=RELAY_EXAMPLE,
    )
    name: str = key(
        "What the report calls the relay: letters, digits, - and _. A relay with a name has a password of its own in "
        f"`{PASSWORD_VARIABLE}_` and its name in capitals (`-` written `_`); where that is not set, the one for all.",
        text(entries.relay_name),
        default=RELAY_NAME,
        example="main",
    )
    tls: TlsSetting = key(
        "When encryption starts: `starttls`, `implicit` (at once), `none`, or `auto`: `implicit` for smtps:// and port "
        "465, `none` for this machine itself, else `starttls`. `none` with a user is refused except for this machine.",
        choice(TlsSetting),
        default="auto",
        example="starttls",
    )
    auth: AuthSetting = key(
        "How to log in: `plain`, `login`, `xoauth2` (Google, Microsoft: an access token in place of a password), or "
        "`auto` for the best that the server offers.",
        choice(AuthSetting),
        default="auto",
        example="login",
    )
    token_command: tuple[str, ...] = key(
        "The command, with its arguments, that prints an OAuth 2 access token: for `xoauth2`, and only for it.",
        array(text(entries.word), "strings"),
        default=(),
        example=["oauth2-token", "news@example.com"],
    )
    ehlo: str = key(
        "The name that this machine greets the relay with (EHLO): a domain name, or an address in brackets. Without "
        "it, the machine's full name where it has one, else its address in brackets (RFC 5321 4.1.4). Some relays take "
        "only a full name that the DNS knows.",
        text(entries.ehlo_name),
        example="news.example.com",
    )
    timeout_s: float = key(
        "How many seconds to wait for an answer of the relay's at most (RFC 5321 4.5.3.2: five minutes). It is two for "
        "DATA and three for a piece of the message, unless this is less.",
        number(3600),
        default=300.0,
        example=60,
    )
    dot_timeout_s: float = key(
        "How many seconds to wait for the relay's word that it has taken a message (RFC 5321 4.5.3.2.6: ten minutes). "
        "Giving up sooner leaves more people of whom nobody knows whether they were mailed.",
        number(3600),
        default=600.0,
        example=900,
    )
    rate: tuple[Rate, ...] | None = key(
        "How fast this relay may be given messages, in place of [delivery] `rate`.",
        text(entries.rates),
        default=None,
        example="14/s, 2000/day",
    )
    connections: int | None = key(
        "How many connections to this relay at once, in place of [delivery] `connections`.",
        whole(1, 100),
        default=None,
        example=2,
    )
    messages_per_connection: int | None = key(
        "How many messages before a connection to this relay is made anew, in place of [delivery] "
        "`messages_per_connection`.",
        whole(0, 1_000_000),
        default=None,
        example=50,
    )
    window: int | None = key(
        "How many messages may be under way over one connection to this relay, in place of [delivery] `window`.",
        whole(0, 8),
        default=None,
        example=1,
    )
    weight: int = key(
        "This relay's share of the mail among several: one of weight 3 is given three times what one of weight 1 is.",
        whole(1, 1000),
        default=1,
        example=3,
    )


@frozen(kw_only=True)
class DeliverySection(Section):
    connections: int = key("How many connections to a relay at once.", whole(1, 100), default=4, example=8)
    messages_per_connection: int = key(
        "How many messages before a connection is made anew; 0 for as many as there are.",
        whole(0, 1_000_000),
        default=100,
        example=50,
    )
    window: int | None = key(
        "How many messages may be under way over one connection, where the relay offers CHUNKING and PIPELINING; with "
        "0 or 1 one goes after the other. Without it the measured round trip decides: 1 below 10 ms, 8 from 40 ms on. "
        "When a connection breaks, or the send is killed, at most so many for each connection are uncertain.",
        whole(0, 8),
        default=None,
        example=4,
    )
    rate: tuple[Rate, ...] = key(
        "How fast each relay may be given messages: `14/s`, `30/min`, `500/h`, `2000/day`, or several of them with "
        "commas between. Without it, as fast as it takes them.",
        text(entries.rates),
        default=(),
        example="14/s, 2000/day",
    )
    domains: Mapping[str, tuple[Rate, ...]] = key(
        "How fast a relay may be given mail for the addresses of a domain.",
        entries.domain_rates,
        default={},
        example={"qq.com": "5/s", "163.com": "200/h"},
        free=True,
    )
    max_attempts: int = key(
        "How often a message is tried at most that the relay would take later.",
        whole(1, 100),
        default=6,
        example=10,
    )
    warm_up: tuple[int, ...] = key(
        "How many messages a relay may be given on its first day of sending, the second, and so on: a new sender that "
        "starts with thousands is taken for spam. After the last day there is no such limit.",
        array(whole(1, 1_000_000_000), "whole numbers"),
        default=(),
        example=[50, 100, 200, 400, 800],
    )
    quiet_hours: str = key(
        "When no mail goes out: from one time of day to another, through midnight too.",
        text(entries.one_line),
        example="22:00-07:00",
    )
    time_zone: tzinfo | None = key(
        "The time zone of `quiet_hours` and `--at`, by its IANA name. Without it, this machine's.",
        text(entries.time_zone),
        default=None,
        example="Asia/Shanghai",
    )
    max_wait_s: float = key(
        "How many seconds at a stretch a send waits at most where nobody watches it (`--yes`, or no terminal): for "
        "quiet hours, a rate, the warm-up or a relay's pause. Past it the run ends with exit code 3 and says when to "
        "go on. On a terminal it waits as long as it takes.",
        number(604_800, zero=True),
        default=300.0,
        example=3600,
    )
    at_window_s: float = key(
        "How many seconds after its time `--at` still goes at once; later, 08:00 is tomorrow's.",
        number(43_200, zero=True),
        default=900.0,
        example=3600,
    )
    canary_wait_s: float = key(
        "How many seconds `send --canary` waits for refusals before it goes on.",
        number(86_400, zero=True),
        default=300.0,
        example=600,
    )
    canary_refusals: float = key(
        "The share of refused messages, from 0 to 1, above which `send --canary` does not go on.",
        number(1, zero=True),
        default=0.05,
        example=0.02,
    )
    max_change: float = key(
        "The share of the audience, from 0 to 1, that may have gone since the last issue before `send` refuses: half a "
        "list is more often a mistake than a loss. 1 for never.",
        number(1, zero=True),
        default=0.2,
        example=0.5,
    )

    newcomers_days: float = key(
        "For how many days after an issue first went out whoever joins the list meanwhile still gets it, when it is "
        "sent again. Later only those get it who were to get it then; `send --newcomers` mails the others too.",
        number(36_500, zero=True),
        default=2.0,
        example=7,
    )

    def quiet_times(self) -> QuietHours | None:
        """`quiet_hours` in `time_zone`. The InvalidValueError was ruled out when the file was read."""

        return parse_quiet_hours(self.quiet_hours, self.time_zone) if self.quiet_hours else None


@frozen(kw_only=True)
class DkimSection(Section):
    domain: str = key(
        "The domain that signs the mail (RFC 6376): that of `from`, or one of the same organization, since DMARC "
        "counts no other. Without this section the mail is not signed here; many relays sign it themselves. For two "
        "keys, RSA and Ed25519, write a `[[dkim]]` for each: Gmail, Outlook and Yahoo do not verify Ed25519.",
        text(entries.domain),
        example="example.com",
    )
    selector: str = key(
        "The name under which the domain keeps the public key, at `<selector>._domainkey.<domain>`: another one for "
        "each key.",
        text(entries.selector),
        example="news2026",
    )
    key_file: str = key(
        "The file with the private key (PEM, RSA or Ed25519), seen from this file. The environment variable "
        f"`{DKIM_VARIABLE}`, where it is set, holds the key itself in place of it; of several keys, "
        f"`{DKIM_VARIABLE}_` and the selector in capitals (`-` and `.` written `_`).",
        text(entries.one_line),
        name="key",
        example="dkim.pem",
    )
