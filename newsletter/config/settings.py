"""The sections of newsletter.toml. Each key is described once, on its field."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import field
from typing import Any, Literal

from newsletter.config import validators as entries
from newsletter.config.archive_section import ArchiveSection
from newsletter.config.cluster_section import ClusterSection
from newsletter.config.dmarc_alignment import is_aligned, organizational_domain
from newsletter.config.footer_section import FooterSection
from newsletter.config.imap_url import IMAP_VARIABLE
from newsletter.config.ledger_url import ledger_url
from newsletter.config.mail_sections import (
    DKIM_VARIABLE,
    SECRET_VARIABLE,
    DeliverySection,
    DkimSection,
    NewsletterSection,
    RelaySection,
)
from newsletter.config.people_sections import BouncesSection, ServeSection, SubscribersSection
from newsletter.config.publish_sections import (
    AlertsSection,
    DigestSection,
    PublishSection,
    SeriesSection,
    WatchSection,
)
from newsletter.config.relay_url import PASSWORD_VARIABLE, RELAY_EXAMPLE, same_name
from newsletter.config.url_validators import base_path, secure_address, web_address
from newsletter.errors import InvalidValueError
from newsletter.frozen import frozen
from newsletter.model.mailbox_providers import provider_of
from newsletter.toml_file.lines import Where
from newsletter.toml_file.section import (
    Fault,
    Key,
    Schema,
    Section,
    choice,
    key,
    number,
    read_sections,
    read_table,
    switch,
    text,
    whole,
)

ImagesSetting = Literal["remote", "embed", "mirror"]


@frozen(kw_only=True)
class SiteSection(Section):
    url: str = key(
        "The public address of the blog, as Jekyll's `url`: the links and images of a post start there.",
        text(web_address),
        example="https://blog.example.com",
    )
    baseurl: str = key("The path below it, as Jekyll's `baseurl`.", text(base_path), example="/daily")
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
    smart_punctuation: bool = key(
        "Whether `--`, `...` and straight quotes of a post become –, … and “ ”, as on a Jekyll blog. A post may say "
        "otherwise with `smart_punctuation` beneath `newsletter:`.",
        switch,
        default=True,
        example=False,
    )


@frozen(kw_only=True)
class ThemeSection(Section):
    name: str = key(
        "The theme: a folder in `templates/` beside this file, or one that newsletter brings along.",
        text(entries.folder_name),
        default="classic",
        example="classic",
    )


@frozen(kw_only=True)
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
        text(secure_address),
        example="https://blog.example.com/assets/newsletter",
    )


@frozen(kw_only=True)
class LedgerSection(Section):
    path: str = key(
        "The file that knows who was mailed, beside this file unless the path is absolute.",
        text(entries.ledger_path),
        default="newsletter.db",
        example="newsletter.db",
    )
    url: str = key(
        "The ledger's address in place of `path`: `postgresql://[user@]host[:port]/name`, or `sqlite:///path`. The "
        "password comes from `~/.pgpass` or the environment variable `PGPASSWORD`, never from here.",
        text(ledger_url),
        example="postgresql://news@db.example.com/newsletter",
    )
    expect: str = key(
        "A file, committed with the posts, that keeps the names of the last issues: a ledger that does not know them "
        "is an old one, or another, and nobody is mailed by it.",
        text(entries.one_line),
        example="newsletter.sent.json",
    )
    backups: str = key(
        "A folder that `publish`, `send`, `resume` and `retry` back the ledger up to once somebody was mailed, and "
        "`publish` at least daily: a file for each day, checked before it takes the place of another. Best on another "
        "disk, and not where the site is published.",
        text(entries.one_line),
        example="backups",
    )
    keep_backups: int = key(
        "How many of these files are kept; older ones are removed.", whole(1, 10_000), default=30, example=90
    )


def _client_share(name: str, value: object) -> tuple[str, float]:
    return entries.client_family(name), number(100, zero=True)(value)


@frozen(kw_only=True)
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


@frozen
class Settings:
    """The whole file."""

    newsletter: NewsletterSection = NewsletterSection()
    relay: RelaySection = RelaySection()
    relays: tuple[RelaySection, ...] = ()
    delivery: DeliverySection = DeliverySection()
    dkim: tuple[DkimSection, ...] = ()
    site: SiteSection = SiteSection()
    theme: ThemeSection = ThemeSection()
    footer: FooterSection = FooterSection()
    images: ImagesSection = ImagesSection()
    labels: Mapping[str, str] = field(default_factory=dict)
    ledger: LedgerSection = LedgerSection()
    check: CheckSection = CheckSection()
    serve: ServeSection = ServeSection()
    bounces: BouncesSection = BouncesSection()
    subscribers: SubscribersSection = SubscribersSection()
    publish: PublishSection = PublishSection()
    digest: DigestSection = DigestSection()
    series: SeriesSection = SeriesSection()
    watch: WatchSection = WatchSection()
    alerts: AlertsSection = AlertsSection()
    archive: ArchiveSection = ArchiveSection()
    cluster: ClusterSection = ClusterSection()


SCHEMA = Schema(
    sections={
        "newsletter": NewsletterSection,
        "relay": RelaySection,
        "relays": RelaySection,
        "delivery": DeliverySection,
        "dkim": DkimSection,
        "site": SiteSection,
        "theme": ThemeSection,
        "footer": FooterSection,
        "images": ImagesSection,
        "labels": LABELS,
        "ledger": LedgerSection,
        "check": CheckSection,
        "serve": ServeSection,
        "bounces": BouncesSection,
        "subscribers": SubscribersSection,
        "publish": PublishSection,
        "digest": DigestSection,
        "series": SeriesSection,
        "watch": WatchSection,
        "alerts": AlertsSection,
        "archive": ArchiveSection,
        "cluster": ClusterSection,
    },
    repeated={"relays": RELAYS},
    default_section="newsletter",
    variables={
        "": PASSWORD_VARIABLE,
        "newsletter": SECRET_VARIABLE,
        "dkim": DKIM_VARIABLE,
        "ledger": "PGPASSWORD",
        "bounces": IMAP_VARIABLE,
    },
)
"""newsletter.toml."""


def read_settings(tree: Mapping[str, Any]) -> tuple[Settings, tuple[Fault, ...]]:
    """Validate the file: its settings with defaults for faulty keys, and every fault."""
    values, faults = read_sections(SCHEMA, tree, {"relays": _read_relays, "dkim": _read_dkim})
    settings = Settings(**values)
    # A faulty key has its default now, which may contradict the intended value.
    return settings, faults or _contradictions(settings, tree)


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


def _read_dkim(value: object) -> tuple[tuple[DkimSection, ...], tuple[Fault, ...]]:
    """One [dkim], or several [[dkim]]."""
    if not isinstance(value, list):
        section, wrong = read_table(DkimSection, value, ("dkim",))
        return (section,), wrong
    read = [read_table(DkimSection, table, ("dkim", index)) for index, table in enumerate(value)]
    return tuple(section for section, _ in read), tuple(fault for _, wrong in read for fault in wrong)


def _contradictions(settings: Settings, tree: Mapping[str, Any]) -> tuple[Fault, ...]:
    """Combinations of keys that are each valid and contradict each other."""
    faults = [*_relay_contradictions(settings.relay, ("relay",))]
    for index, relay in enumerate(settings.relays):
        faults += _relay_contradictions(relay, ("relays", index))
    if settings.relays and "relay" in tree:
        where = ("relay", "url") if settings.relay.url else ("relay",)
        faults.append(Fault(where, "stands beside [[relays]]", "make it one of them, or take them out"))
    if {"path", "url"} <= settings.ledger.given and settings.ledger.url:
        faults.append(Fault(("ledger", "url"), "stands beside path", "take one of the two out"))
    if settings.ledger.backups and settings.ledger.url.startswith("postgresql"):
        what = "stands beside the address of a database, which its own tools back up"
        faults.append(Fault(("ledger", "backups"), what, "take it out, and run pg_dump daily"))
    faults += _dkim_contradictions(settings, tree)
    if settings.serve.count_links and not settings.serve.url:
        remedy = 'write url = "https://news.example.com" below [serve], where `newsletter serve` answers'
        faults.append(Fault(("serve", "count_links"), "is true, but there is no url to count at", remedy))
    readers = round(sum(settings.check.clients.values()), 6)
    if readers > 100:
        what = f"adds up to {readers:g} % of the readers"
        faults.append(Fault(("check", "clients"), what, "write shares that are 100 % together at most"))
    if settings.delivery.quiet_hours:
        try:
            settings.delivery.quiet_times()
        except InvalidValueError as fault:
            faults.append(Fault(("delivery", "quiet_hours"), fault.what, fault.remedy))
    return tuple(faults)


def _dkim_contradictions(settings: Settings, tree: Mapping[str, Any]) -> list[Fault]:
    several = isinstance(tree.get("dkim"), list)
    faults: list[Fault] = []
    seen: set[tuple[str, str]] = set()
    for index, signer in enumerate(settings.dkim):
        where: Where = ("dkim", index) if several else ("dkim",)
        if not (signer.domain or signer.selector or signer.key_file or several):
            continue
        lacking = [name for name, value in (("domain", signer.domain), ("selector", signer.selector)) if not value]
        if lacking:
            faults.append(Fault(where, f"has no {' and no '.join(lacking)}", "set domain, selector and key"))
        elif (signer.domain, signer.selector) in seen:
            # RFC 6376, 3.6.2.2: a DNS name has one record, so it has one key.
            what = f'is "{signer.selector}", as that of a key above'
            faults.append(Fault((*where, "selector"), what, "give each key a selector of its own"))
        seen.add((signer.domain, signer.selector))
    return faults or _unaligned(settings, several=several)


def _unaligned(settings: Settings, *, several: bool) -> list[Fault]:
    """DMARC counts a signature only if its domain and that of From have one organizational domain."""
    domains = [signer.domain for signer in settings.dkim if signer.domain]
    address = settings.newsletter.from_.rpartition(" <")[2].removesuffix(">")
    home = address.rpartition("@")[2]
    if not domains or not home or any(is_aligned(domain, home) for domain in domains):
        return []
    where: Where = ("dkim", 0, "domain") if several else ("dkim", "domain")
    what = f'is "{domains[0]}", and from is at {home}: DMARC counts only a signature of the domain in From'

    own = f'write domain = "{organizational_domain(home) or home}" and publish the key there'
    if provider_of(home) is not None:
        own = f"write from at {domains[0]}: only its provider can sign for {home}"
    return [Fault(where, what, own)]


def _relay_contradictions(relay: RelaySection, where: Where) -> tuple[Fault, ...]:
    if relay.auth == "xoauth2" and not relay.token_command:
        example = 'token_command = ["oauth2-token", "news@example.com"]'
        return (Fault((*where, "auth"), 'is "xoauth2", but there is no token_command', f"write {example}"),)
    if relay.token_command and relay.auth != "xoauth2":
        what = f'is there, but auth is "{relay.auth}"'
        return (Fault((*where, "token_command"), what, 'write auth = "xoauth2", or take it out'),)
    return ()
