"""Judge newsletter.toml and the environment: what a send needs, placeholders, and which secrets are set."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from pathlib import PurePath

from newsletter.config.config import Config
from newsletter.config.env_file import ENV_FILE, source_of, why_missing
from newsletter.config.imap_url import IMAP_VARIABLE
from newsletter.config.mail_sections import DKIM_VARIABLE, SECRET_VARIABLE
from newsletter.config.relay_url import password_variables
from newsletter.doctor.judge.env_file import secrets_set
from newsletter.doctor.judge.lookups import ascii_domain
from newsletter.doctor.verdict import Verdict, green, red, yellow
from newsletter.errors import located
from newsletter.text import shown
from newsletter.toml_file.lines import Where, line_of

# RFC 2606 2 and 3. `.test` is left out: it is not written by mistake, and test setups use it.
_EXAMPLE_DOMAIN = re.compile(
    r"(?:^|[.@/]|%40)(?:example\.(?:com|net|org)|[\w-]+\.(?:example|invalid))(?=$|[:/?>.,@])", re.IGNORECASE
)
_FILL_IN = re.compile(r"SMTP_USER|ACCESS_KEY|print-my-token|YOUR_|CHANGE_?ME|FIXME|TODO|XXX", re.IGNORECASE)
_POSTAL_SAMPLES = ("1 main street", "name, street, town")

# Domains of mailbox providers, and of the relays that may send for them.
_MAILBOX_SERVICES: Mapping[str, tuple[str, ...]] = {
    "gmail.com": ("google.com", "gmail.com"),
    "googlemail.com": ("google.com", "gmail.com"),
    "yahoo.com": ("yahoo.com",),
    "outlook.com": ("outlook.com", "office365.com", "live.com"),
    "hotmail.com": ("outlook.com", "office365.com", "live.com"),
    "live.com": ("outlook.com", "office365.com", "live.com"),
    "icloud.com": ("me.com", "icloud.com"),
    "aol.com": ("aol.com",),
    "gmx.com": ("gmx.com",),
    "gmx.de": ("gmx.net", "gmx.de"),
    "web.de": ("web.de",),
    "qq.com": ("qq.com",),
    "foxmail.com": ("qq.com",),
    "163.com": ("163.com",),
    "126.com": ("126.com",),
    "mail.ru": ("mail.ru",),
    "proton.me": ("proton.me", "protonmail.ch"),
}


def domain_of(address: str) -> str:
    return ascii_domain(address.rpartition("@")[2].rstrip(">"))


def is_placeholder(domain: str) -> bool:
    """Whether a domain is a documentation example, for which DNS queries are pointless."""
    return _EXAMPLE_DOMAIN.search(domain) is not None


def judge_settings(config: Config, env: Mapping[str, str]) -> tuple[Verdict, ...]:
    """All verdicts by the file and the environment alone."""
    name = _file_name(config)
    if config.path is None:
        remedy = "run `newsletter init`, or name one with --config"
        return (red("config", "there is no newsletter.toml here or in a folder above", remedy),)
    return (
        green("config", f"{name}: every key can be read"),
        *_needed(config, name),
        *_placeholders(config, name),
        *_secrets(config, env),
        *_sender_domain(config),
    )


def _file_name(config: Config) -> str:
    return PurePath(config.path).name if config.path else "newsletter.toml"


def _needed(config: Config, name: str) -> tuple[Verdict, ...]:
    missing = config.missing_for_send()
    if not missing:
        return (green("needed", "everything that a send needs is set"),)
    why = {
        "newsletter.from": "who the mail is from",
        "newsletter.postal_address": "the postal address that the law asks for in bulk mail",
        "newsletter.unsubscribe_mailto": "a way to leave: unsubscribe_mailto or unsubscribe_url",
    }
    verdicts = []
    for key in missing:
        section, _, short = key.partition(".")
        if section == "relay":
            what = f"{name}: {key} is not set, so that every send must name one with --relay"
            verdicts.append(yellow("needed", what, f"write {short} = … under [{section}]"))
            continue
        verdicts.append(red("needed", f"{name}: {key} is not set: {why[key]}", f"write {short} = … under [{section}]"))
    return tuple(verdicts)


def _placeholders(config: Config, name: str) -> tuple[Verdict, ...]:
    found = []
    for where, value in _values_with_hosts(config):
        if _EXAMPLE_DOMAIN.search(value) or (where[0] in ("relay", "relays") and _FILL_IN.search(value)):
            place = located(name, line_of(config.text, where), f"{where[-1]} is still {shown(value)}, a placeholder")
            found.append(red("placeholder", place, "write your own"))
    postal = config.settings.newsletter.postal_address
    if any(sample in postal.lower() for sample in _POSTAL_SAMPLES):
        line = line_of(config.text, ("newsletter", "postal_address"))
        what = located(name, line, "postal_address is that of the example")
        found.append(red("placeholder", what, "write where you can be reached by post"))
    return tuple(found) or (green("placeholder", "no placeholder is left"),)


def _values_with_hosts(config: Config) -> Iterable[tuple[Where, str]]:
    keys, settings = config.settings.newsletter, config.settings
    yield ("newsletter", "from"), keys.from_
    yield ("newsletter", "reply_to"), keys.reply_to
    yield ("newsletter", "unsubscribe_mailto"), keys.unsubscribe_mailto
    yield ("newsletter", "unsubscribe_url"), keys.unsubscribe_url
    yield ("newsletter", "list_help"), keys.list_help
    yield ("newsletter", "bounce_address"), keys.bounce_address
    for index, key in enumerate(settings.dkim):
        yield ("dkim", *((index,) if len(settings.dkim) > 1 else ()), "domain"), key.domain
    yield ("serve", "url"), settings.serve.url
    yield ("site", "url"), settings.site.url
    # These contain a host and a user; a password in them was refused when the file was read.
    yield ("relay", "url"), settings.relay.url
    yield ("relay", "token_command"), " ".join(settings.relay.token_command[:1])
    yield ("alerts", "mail"), settings.alerts.mail
    for index, relay in enumerate(settings.relays):
        yield ("relays", index, "url"), relay.url
        yield ("relays", index, "token_command"), " ".join(relay.token_command[:1])


def _secrets(config: Config, env: Mapping[str, str]) -> tuple[Verdict, ...]:
    """Names only. Security: no value of the environment is ever part of a verdict."""
    verdicts = []
    if config.uses_token and not config.secret:
        what = (
            f"{SECRET_VARIABLE} is not set, and links and bounce addresses need it{why_missing(env, SECRET_VARIABLE)}"
        )
        verdicts.append(red("secrets", what, "set it to what `openssl rand -hex 32` prints, and keep it"))
    for relay in config.relays:
        if relay.user and relay.auth != "xoauth2" and not relay.password:
            names = " or ".join(password_variables(relay.name))
            why = why_missing(env, password_variables(relay.name)[0])
            what = f"no password is set for {relay.user} at {relay.host}{why}"
            verdicts.append(red("secrets", what, f"write {names} into {ENV_FILE}, or set it"))
    if config.settings.bounces.mailbox.startswith("imaps://") and not env.get(IMAP_VARIABLE):
        verdicts.append(
            red(
                "secrets",
                f"no password is set for the mailbox of [bounces]{why_missing(env, IMAP_VARIABLE)}",
                f"write {IMAP_VARIABLE} into {ENV_FILE}, or set it",
            )
        )
    if any(key.domain and not key.key_file for key in config.settings.dkim) and not config.dkim_pems:
        verdicts.append(red("secrets", "[dkim] has no key", f'write key = "dkim.pem", or set {DKIM_VARIABLE}'))
    if verdicts:
        return tuple(verdicts)
    known = ", ".join(f"{name} ({source_of(env, name)})" for name in secrets_set(config, env))
    return (green("secrets", f"secrets set: {known}" if known else "no secret is needed, and none is set"),)


def _sender_domain(config: Config) -> tuple[Verdict, ...]:
    """A From at a mailbox provider's domain: its DMARC policy applies, and only its own relay may send for it."""
    if not config.settings.newsletter.from_:
        return ()
    domain = domain_of(config.settings.newsletter.from_)
    hosts = is_mailbox_service(domain)
    if not hosts:
        return ()
    strangers = [
        relay.host
        for relay in config.relays
        if not any(relay.host == host or relay.host.endswith("." + host) for host in hosts)
    ]
    if strangers:
        what = f"from is at {domain}, and {strangers[0]} may not send for it: receivers refuse such mail"
        return (red("sender-domain", what, "write an address at a domain of your own, or use that service's relay"),)
    what = f"from is at {domain}: fit for a small list of friends; SPF, DKIM and DMARC are that service's"
    return (yellow("sender-domain", what, "for a list that grows, get a domain of your own"),)


def is_mailbox_service(domain: str) -> tuple[str, ...]:
    """The hosts that may send for a mailbox provider's domain; empty for any other domain."""
    return _MAILBOX_SERVICES.get(domain, ())
