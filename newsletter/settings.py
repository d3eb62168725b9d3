"""What newsletter.toml may hold, section by section. Each key is described once, on its field."""

# ruff: noqa: RUF009 - `key` is a dataclass's `field`

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import tzinfo
from typing import TYPE_CHECKING, Any, Literal

from newsletter import entries
from newsletter.imap_place import IMAP_VARIABLE
from newsletter.keys import Fault, Key, Section, array, choice, key, number, read_entries, read_table, text, whole
from newsletter.relay import (
    PASSWORD_VARIABLE,
    RELAY_EXAMPLE,
    RELAY_NAME,
    AuthSetting,
    TlsSetting,
    same_name,
)
from newsletter.values import FaultError, Where

if TYPE_CHECKING:
    from newsletter.pace import QuietHours, Rate

SECRET_VARIABLE = "NEWSLETTER_SECRET"  # noqa: S105 - the variable's name
DKIM_VARIABLE = "NEWSLETTER_DKIM_KEY"

ImagesSetting = Literal["remote", "embed", "mirror"]


@dataclass(frozen=True, slots=True, kw_only=True)
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
        text(entries.unsubscribe_url),
        example="https://news.example.com/leave?t={token}",
    )
    list_id: str = key(
        "The list's lasting name in the header List-Id (RFC 2919). Without it, made from `name` and the domain of "
        "`from`.",
        text(entries.list_id),
        example="ai-daily.example.com",
    )
    list_help: str = key(
        "Where a subscriber finds help: an https or mailto address, in the header List-Help (RFC 2369).",
        text(entries.list_help),
        example="https://news.example.com/help",
    )
    feedback_id: str = key(
        "The header Feedback-ID, by which Gmail counts complaints: up to three names of your choice and, last, one for "
        "the sender of 5 to 15 characters that never changes, with colons between. `{issue}` stands for the issue.",
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
    language: str = key(
        "The language of every issue (BCP 47), in place of what the text looks like.",
        text(entries.language),
        example="zh-CN",
    )


@dataclass(frozen=True, slots=True, kw_only=True)
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
    weight: int = key(
        "This relay's share of the mail among several: one of weight 3 is given three times what one of weight 1 is.",
        whole(1, 1000),
        default=1,
        example=3,
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class DeliverySection(Section):
    connections: int = key("How many connections to a relay at once.", whole(1, 100), default=4, example=8)
    messages_per_connection: int = key(
        "How many messages before a connection is made anew; 0 for as many as there are.",
        whole(0, 1_000_000),
        default=100,
        example=50,
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

    def quiet_times(self) -> QuietHours | None:
        """`quiet_hours` in `time_zone`. FaultError where they are no hours; reading the file has ruled that out."""
        from newsletter.pace import parse_quiet_hours

        return parse_quiet_hours(self.quiet_hours, self.time_zone) if self.quiet_hours else None


@dataclass(frozen=True, slots=True, kw_only=True)
class DkimSection(Section):
    domain: str = key(
        "The domain that signs the mail (RFC 6376): that of `from`, or one above it. Without this section the mail is "
        "not signed here; many relays sign it themselves.",
        text(entries.domain),
        example="example.com",
    )
    selector: str = key(
        "The name under which the domain keeps the public key, at `<selector>._domainkey.<domain>`.",
        text(entries.selector),
        example="news2026",
    )
    key_file: str = key(
        "The file with the private key (PEM, RSA or Ed25519), seen from this file. The environment variable "
        f"`{DKIM_VARIABLE}`, where it is set, holds the key itself in place of it.",
        text(entries.one_line),
        name="key",
        example="dkim.pem",
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class SiteSection(Section):
    url: str = key(
        "The public address of the blog, as Jekyll's `url`: the links and images of a post start there.",
        text(entries.web_address),
        example="https://blog.example.com",
    )
    baseurl: str = key("The path below it, as Jekyll's `baseurl`.", text(entries.base_path), example="/daily")
    source: str = key(
        "The folder of the Jekyll blog, seen from this file. What `url`, `baseurl` and `permalink` do not say here is "
        "read from its `_config.yml`.",
        text(entries.one_line),
        example="../blog",
    )
    permalink: str = key(
        "Where the blog publishes a post, as Jekyll's `permalink`: a style or a template. The address stands behind "
        "“view in browser” and “read the rest”.",
        text(entries.one_line),
        example="/:year/:month/:day/:title/",
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class ThemeSection(Section):
    name: str = key(
        "The theme: a folder in `templates/` beside this file, or one that newsletter brings along.",
        text(entries.folder_name),
        default="classic",
        example="classic",
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class ImagesSection(Section):
    mode: ImagesSetting = key(
        "Where the pictures of an issue are: `remote` leaves each at its address and sends the files beside the post "
        "along; `embed` fetches all of them once and sends them along; `mirror` writes the same files into `folder`, "
        "to be published with the site. See docs/images.md.",
        choice(ImagesSetting),
        default="remote",
        example="embed",
    )
    max_total_kb: int = key(
        "How much the pictures that `embed` sends along may weigh together, in KB of the message; they are compressed "
        "until they fit. Gmail takes messages of 25 MB, many relays 10.",
        whole(1, 20_000),
        default=1500,
        example=1000,
    )
    folder: str = key(
        "The site's folder that `mirror` writes to.", text(entries.one_line), example="../blog/assets/newsletter"
    )
    url: str = key(
        "The https address under which that folder is published.",
        text(entries.secure_address),
        example="https://blog.example.com/assets/newsletter",
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class LedgerSection(Section):
    path: str = key(
        "The file that knows who was mailed, beside this file unless the path is absolute.",
        text(entries.file_path),
        default="newsletter.db",
        example="newsletter.db",
    )
    url: str = key(
        "The ledger's address in place of `path`: `postgresql://[user@]host[:port]/name`, or `sqlite:///path`. The "
        "password comes from `~/.pgpass` or the environment variable `PGPASSWORD`, never from here.",
        text(entries.ledger_url),
        example="postgresql://news@db.example.com/newsletter",
    )


def _client_share(name: str, value: object) -> tuple[str, float]:
    return entries.client_family(name), number(100, zero=True)(value)


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckSection(Section):
    clients: Mapping[str, float] = key(
        "What share of your readers, in percent, reads with each family of mail clients, by caniemail's names; one "
        "that is not named is not looked at. Without it, a quarter each for four: published figures are no measure of "
        "your list, since they count loaded images, and Apple Mail loads them unread while Outlook often leaves them "
        "out.",
        _client_share,
        default={"gmail": 25.0, "outlook": 25.0, "apple-mail": 25.0, "yahoo": 25.0},
        example={"gmail": 45, "outlook": 25, "apple-mail": 20, "yahoo": 5},
        free=True,
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class ServeSection(Section):
    url: str = key(
        "The public address of `newsletter serve`, where links in mails lead: people join, confirm, leave and say what "
        "they want there. Where `unsubscribe_url` is not set, it is made from this. Plain http is for this machine "
        "only.",
        text(entries.serve_url),
        example="https://news.example.com",
    )
    trusted_proxies: tuple[str, ...] = key(
        "The addresses or networks of your own proxies: from them alone X-Forwarded-For and X-Forwarded-Proto are "
        "believed.",
        array(text(entries.network), "addresses"),
        default=(),
        example=["127.0.0.1", "10.0.0.0/8"],
    )
    lists: Mapping[str, str] = key(
        "The lists that the sign-up page offers: a name, as `--to @signups/NAME` takes it, and what people read.",
        entries.offered_list,
        default={},
        example={"daily": "Every morning", "ai": "Long reads about AI"},
        free=True,
    )
    fields: tuple[str, ...] = key(
        "What the sign-up page asks for besides the address; nobody has to fill it in. A post has it as "
        "`subscriber.name`.",
        array(text(entries.column), "column names"),
        default=(),
        example=["name"],
    )
    consent: str = key(
        "What people agree to, below the sign-up form, in place of our words; kept with their consent.",
        text(entries.one_line),
        example="I would like to get AI Daily by email. I can leave at any time.",
    )
    privacy_url: str = key(
        "Where the sign-up page's link to your privacy notice leads.",
        text(entries.web_address),
        example="https://example.com/privacy",
    )
    embed_on: tuple[str, ...] = key(
        "The sites whose pages may show `/join/form` in a frame.",
        array(text(entries.origin), "web addresses"),
        default=(),
        example=["https://blog.example.com"],
    )
    signups_per_address: int = key(
        "How many mails an address may be sent in a day because somebody typed it in.",
        whole(1, 1_000),
        default=3,
        example=5,
    )
    signups_per_network: int = key(
        "How often a network (IPv4 /24, IPv6 /64) may ask to join in an hour.",
        whole(1, 1_000_000),
        default=30,
        example=100,
    )
    ses_topics: tuple[str, ...] = key(
        "The ARNs of your SNS topics from which `/hooks/ses` takes what Amazon SES tells of bounces and complaints.",
        array(text(entries.topic), "ARNs"),
        default=(),
        example=["arn:aws:sns:eu-west-1:123456789012:bounces"],
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class BouncesSection(Section):
    mailbox: str = key(
        "Where bounces, complaints and unsubscribe mails come in: `imaps://user@host/FOLDER` (`%40` stands for an @ in "
        "the user's name), or the path of a Maildir, an mbox, or a folder of `.eml` files, seen from this file. The "
        f"password comes from the environment variable `{IMAP_VARIABLE}`, never from here.",
        text(entries.bounce_mailbox),
        example="imaps://bounce@mail.example.com/INBOX",
    )
    done_folder: str = key(
        "The folder of the IMAP mailbox that `newsletter bounces` moves to what it has recorded. Without it, that is "
        "marked as read. Nothing is ever deleted.",
        text(entries.one_line),
        example="Recorded",
    )
    soft_threshold: int = key(
        "On how many days a soft bounce must come back before an address is not mailed any more.",
        whole(1, 1000),
        default=5,
        example=3,
    )
    stale_days: int = key(
        "After how many days without a soft bounce those before count no more. For an issue a week, write 15.",
        whole(1, 1000),
        default=7,
        example=15,
    )


LABELS = Key(
    "The theme's own words, each replaced by yours whatever the issue's language. Example: `unsubscribe = \"Leave this "
    'list"`',
    entries.label,
    example="text",
    default="",
    free=True,
)
RELAYS = (
    "Several relays, each in a `[[relays]]` of its own, in place of `[relay]`: the same keys, and a `name` for each. "
    "They share the mail by `weight`, and one that fails leaves its part to the others."
)


@dataclass(frozen=True, slots=True)
class Settings:
    """The whole file."""

    newsletter: NewsletterSection = NewsletterSection()
    relay: RelaySection = RelaySection()
    relays: tuple[RelaySection, ...] = ()
    delivery: DeliverySection = DeliverySection()
    dkim: DkimSection = DkimSection()
    site: SiteSection = SiteSection()
    theme: ThemeSection = ThemeSection()
    images: ImagesSection = ImagesSection()
    labels: Mapping[str, str] = field(default_factory=dict)
    ledger: LedgerSection = LedgerSection()
    check: CheckSection = CheckSection()
    serve: ServeSection = ServeSection()
    bounces: BouncesSection = BouncesSection()


SECTIONS: Mapping[str, type[Section] | None] = {
    "newsletter": NewsletterSection,
    "relay": RelaySection,
    "relays": RelaySection,
    "delivery": DeliverySection,
    "dkim": DkimSection,
    "site": SiteSection,
    "theme": ThemeSection,
    "images": ImagesSection,
    "labels": None,
    "ledger": LedgerSection,
    "check": CheckSection,
    "serve": ServeSection,
    "bounces": BouncesSection,
}
"""The sections by name, in the order of the documentation. None: its keys are of the person's choice."""


def read_settings(tree: Mapping[str, Any]) -> tuple[Settings, tuple[Fault, ...]]:
    """What the file says, the defaults where it is at fault, and every fault."""
    values: dict[str, Any] = {}
    faults: list[Fault] = []
    wrong: tuple[Fault, ...]
    for name, value in tree.items():
        section = SECTIONS.get(name)
        if name not in SECTIONS:
            faults.append(Fault((name,), "", unknown=True))
        elif section is None:
            values[name], wrong = read_entries(LABELS.read, value, (name,))
            faults += wrong
        elif name == "relays":
            values[name], wrong = _read_relays(value)
            faults += wrong
        else:
            values[name], wrong = read_table(section, value, (name,))
            faults += wrong
    settings = Settings(**values)
    # A key at fault has its default now, which may contradict what the person meant.
    return settings, tuple(faults) or _contradictions(settings, tree)


def _read_relays(value: object) -> tuple[tuple[RelaySection, ...], tuple[Fault, ...]]:
    if not isinstance(value, list):
        return (), (Fault(("relays",), "is not an array of tables", "write [[relays]] above each relay's keys"),)
    relays: list[RelaySection] = []
    faults: list[Fault] = []
    for index, table in enumerate(value):
        here: Where = ("relays", index)
        relay, wrong = read_table(RelaySection, table, here)
        faults += wrong
        if isinstance(table, dict):
            if "name" not in table:
                faults.append(Fault(here, "has no name", 'write name = "main", another one for each relay'))
            elif any(same_name(relay.name, other.name) for other in relays) and "name" in relay.given:
                what = f'is "{relay.name}", as that of a relay above'
                faults.append(Fault((*here, "name"), what, "give each relay a name of its own"))
            if not relay.url and not any(fault.where == (*here, "url") for fault in wrong):
                faults.append(Fault(here, "has no url", f'write url = "{RELAY_EXAMPLE}"'))
        relays.append(relay)
    return tuple(relays), tuple(faults)


def _contradictions(settings: Settings, tree: Mapping[str, Any]) -> tuple[Fault, ...]:
    """What each key may say, but not beside the others."""
    faults = [*_relay_contradictions(settings.relay, ("relay",))]
    for index, relay in enumerate(settings.relays):
        faults += _relay_contradictions(relay, ("relays", index))
    if settings.relays and "relay" in tree:
        where = ("relay", "url") if settings.relay.url else ("relay",)
        faults.append(Fault(where, "stands beside [[relays]]", "make it one of them, or take them out"))
    if {"path", "url"} <= settings.ledger.given and settings.ledger.url:
        faults.append(Fault(("ledger", "url"), "stands beside path", "take one of the two out"))
    signer = settings.dkim
    if signer.domain or signer.selector or signer.key_file:
        lacking = [name for name, value in (("domain", signer.domain), ("selector", signer.selector)) if not value]
        if lacking:
            faults.append(Fault(("dkim",), f"has no {' and no '.join(lacking)}", "set domain, selector and key"))
    readers = round(sum(settings.check.clients.values()), 6)
    if readers > 100:
        what = f"adds up to {readers:g} % of the readers"
        faults.append(Fault(("check", "clients"), what, "write shares that are 100 % together at most"))
    if settings.delivery.quiet_hours:
        try:
            settings.delivery.quiet_times()
        except FaultError as fault:
            faults.append(Fault(("delivery", "quiet_hours"), fault.what, fault.remedy))
    return tuple(faults)


def _relay_contradictions(relay: RelaySection, where: Where) -> tuple[Fault, ...]:
    if relay.auth == "xoauth2" and not relay.token_command:
        example = 'token_command = ["oauth2-token", "news@example.com"]'
        return (Fault((*where, "auth"), 'is "xoauth2", but there is no token_command', f"write {example}"),)
    if relay.token_command and relay.auth != "xoauth2":
        what = f'is there, but auth is "{relay.auth}"'
        return (Fault((*where, "token_command"), what, 'write auth = "xoauth2", or take it out'),)
    return ()
