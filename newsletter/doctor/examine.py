"""Run all checks concurrently, each step with a time limit, and judge the answers."""

from __future__ import annotations

import asyncio
import os
import ssl
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import field, replace
from datetime import UTC, datetime

import httpx

from newsletter.config.config import Config
from newsletter.doctor.ask.backups import find_backups
from newsletter.doctor.ask.dns import DnsClient
from newsletter.doctor.ask.env_file import ask_env_file
from newsletter.doctor.ask.files import find_exposed
from newsletter.doctor.ask.ledger import read_ledger
from newsletter.doctor.ask.relay import ask_relay
from newsletter.doctor.ask.web import ONE_CLICK_BODY, ask_web
from newsletter.doctor.judge.clock import judge_clock, judge_time_zone
from newsletter.doctor.judge.dkim_record import judge_dkim, judge_key
from newsletter.doctor.judge.dmarc import TreeWalk, judge_alignment, judge_dmarc, walk_tree
from newsletter.doctor.judge.env_file import judge_env_file, provider_hooks_set
from newsletter.doctor.judge.lookups import ascii_domain
from newsletter.doctor.judge.mail_hosts import is_literal, judge_bimi, judge_mx, judge_ptr
from newsletter.doctor.judge.one_click import WebAnswer, judge_address, judge_one_click
from newsletter.doctor.judge.records import judge_backup, judge_bounces, judge_ledger, judge_published
from newsletter.doctor.judge.relay import judge_relay
from newsletter.doctor.judge.settings import domain_of, is_mailbox_service, is_placeholder, judge_settings
from newsletter.doctor.judge.spf import judge_spf
from newsletter.doctor.verdict import Verdict, green, in_order, red, yellow
from newsletter.errors import ConfigError, NewsletterError
from newsletter.frozen import frozen
from newsletter.message.dkim import Signer, Signers
from newsletter.model.delivery import Relay, is_loopback
from newsletter.pipeline.plan_send import signer_of
from newsletter.render.themes.load import load_theme
from newsletter.safe_http import Address, is_public, resolve_name, system_trust

DUMMY_TOKEN = "newsletter-doctor"  # noqa: S105 - an invalid token that belongs to no subscriber
DUMMY_ADDRESS = "doctor%40newsletter.invalid"
_PATIENCE = 6
"""A check of several steps may take this many times the limit of one step."""

Part = Awaitable[tuple[Verdict, ...]]


@frozen
class World:
    """Network access and the clock, injected for tests.

    `machine` is this machine's host name for its own mail server; `tls` verifies relays' certificates, `trust` those of
    web servers.
    """

    offline: bool = False
    nameserver: str = ""
    timeout_s: float = 10.0
    clock: Callable[[], datetime] = lambda: datetime.now(UTC)
    machine: str = ""
    machine_zone: str = "UTC"
    allow: Callable[[Address], bool] = is_public
    tls: ssl.SSLContext | None = None
    trust: Callable[[], ssl.SSLContext] = field(default=system_trust)


def examine(config: Config, env: Mapping[str, str], world: World) -> tuple[Verdict, ...]:
    """Every verdict, in the order of `SECTIONS`. Not for use inside a running event loop."""
    verdicts = list(judge_settings(config, env))
    if config.path is None:
        return in_order(verdicts)
    signers, key_verdicts = _read_keys(config)
    zone = config.settings.delivery.time_zone
    verdicts += [
        _theme(config),
        *key_verdicts,
        *judge_env_file(config, env, ask_env_file(env)),
        judge_time_zone(str(zone or ""), world.machine_zone, is_used=bool(config.settings.delivery.quiet_hours)),
    ]
    mailto = config.settings.newsletter.unsubscribe_mailto
    if (said := judge_address(config.unsubscribe_url, mailto)) is not None:
        verdicts.append(said)
    verdicts += asyncio.run(_ask_all(config, env, world, signers))
    return in_order(verdicts)


# --- files only -----------------------------------------------------------------------------------------------------


def _theme(config: Config) -> Verdict:
    name = config.settings.theme.name
    try:
        load_theme(name, config.root)
    except ConfigError as error:
        what, _, remedy = str(error).rpartition("; ")
        return red("theme", what or str(error), remedy)
    return green("theme", f"the theme {name} can be read")


def _read_keys(config: Config) -> tuple[tuple[Signer, ...], tuple[Verdict, ...]]:
    """The signing keys, and the verdicts about them."""
    try:
        signer = signer_of(config)
    except ConfigError as error:
        what, _, remedy = str(error).rpartition("; ")
        return (), (red("dkim-key", what or str(error), remedy),)
    if signer is None:
        return (), ()
    signers = signer.signers if isinstance(signer, Signers) else (signer,)
    has_rsa = any(key.algorithm.startswith("rsa") for key in signers)
    # An Ed25519 key beside an RSA key is what RFC 8463 asks for; most receivers ignore it alone.
    verdicts = [judge_key(key) for key in signers if key.algorithm.startswith("rsa") or not has_rsa]
    for keys in config.settings.dkim:
        file = keys.key_file
        if os.name == "posix" and file and not config.dkim_pems and (config.root / file).stat().st_mode & 0o077:
            verdicts.append(yellow("dkim-key", f"{file}: others on this machine can read the key", f"chmod 600 {file}"))
    return signers, tuple(verdicts)


# --- queries --------------------------------------------------------------------------------------------------------


async def _ask_all(
    config: Config, env: Mapping[str, str], world: World, signers: Sequence[Signer]
) -> tuple[Verdict, ...]:
    parts: list[Part] = [_limited("ledger", _ledger_and_files(config, env, world), world)]
    if not world.offline:
        dns = DnsClient(world.nameserver, timeout_s=world.timeout_s)
        relays = [relay for relay in config.relays if not is_placeholder(relay.host)]
        parts += [_limited("relay", _relay(relay, world), world) for relay in relays]
        parts += [_limited("relay-ptr", _ptr(config, relay, dns, world), world) for relay in relays]
        parts += _sender(config, dns, signers, world)
        parts.append(_limited("one-click", _web(config, dns, world), world))
    return tuple(verdict for verdicts in await asyncio.gather(*parts) for verdict in verdicts)


async def _limited(code: str, part: Part, world: World) -> tuple[Verdict, ...]:
    """A check that fails or times out gives one verdict, and hides none of the others."""
    try:
        async with asyncio.timeout(_PATIENCE * world.timeout_s):
            return await part
    except TimeoutError:
        what = f"not known: the answers took longer than {_PATIENCE * world.timeout_s:g} s"
        return (yellow(code, what, "try again, or write a longer --timeout", outside=True),)
    except NewsletterError as error:
        what, _, remedy = str(error).rpartition("; ")
        return (red(code, what or str(error), remedy),)
    except OSError as error:
        return (red(code, f"not known: {error.strerror or error}", "mend that, and run it again"),)


async def _ledger_and_files(config: Config, env: Mapping[str, str], world: World) -> tuple[Verdict, ...]:
    """The ledger, and the files that must not be published: the ledger knows the lists."""
    if isinstance(config.ledger_place, str) and world.offline:
        return judge_published(*await asyncio.to_thread(find_exposed, config))
    health = await asyncio.to_thread(read_ledger, config.ledger_place, world.timeout_s)
    health = replace(health, name=health.name.removeprefix(f"{config.root}/"))
    published = judge_published(*await asyncio.to_thread(find_exposed, config, health.lists))
    if health.failure or (health.exists and health.version != health.known_version):
        return (*judge_ledger(health), *published)  # bounces cannot be judged
    webhooks = bool(config.settings.serve.ses_topics) or bool(provider_hooks_set(env))
    is_read = bool(config.settings.bounces.mailbox) or webhooks
    now = world.clock()
    kept = await asyncio.to_thread(find_backups, config)
    bounces = judge_bounces(health, now, is_read=is_read)
    return (*judge_ledger(health), *judge_backup(health, now, kept), bounces, *published)


async def _relay(relay: Relay, world: World) -> tuple[Verdict, ...]:
    # Without a password no login is tried: some servers lock an account after a few failures.
    lacks_password = bool(relay.user) and not relay.password and relay.auth != "xoauth2"
    asked = replace(relay, user="") if lacks_password else relay
    answer = await ask_relay(asked, timeout_s=world.timeout_s, tls_context=world.tls)
    return judge_relay(replace(answer, lacks_password=lacks_password), world.clock())


async def _ptr(config: Config, relay: Relay, dns: DnsClient, world: World) -> tuple[Verdict, ...]:
    """For a relay on this machine, or at the newsletter's own domain; a mail service maintains its own."""
    if relay.is_loopback:
        return await dns.run(judge_ptr(world.machine)) if "." in world.machine else ()
    return await dns.run(judge_ptr(relay.host)) if await _is_own(relay, config, dns) else ()


async def _is_own(relay: Relay, config: Config, dns: DnsClient) -> bool:
    """Whether a relay is the newsletter's own, and not a mail service's: by its name, or it has none."""
    domain = domain_of(config.settings.newsletter.from_)
    if relay.is_loopback or is_literal(relay.host):
        return True
    if not domain:
        return False
    above = (await dns.run(walk_tree(domain))).organizational_domain
    return f".{relay.host}".endswith(f".{above}")


def _sender(config: Config, dns: DnsClient, signers: Sequence[Signer], world: World) -> list[Part]:
    keys = config.settings.newsletter
    author = domain_of(keys.from_)
    if not author or is_placeholder(author) or is_mailbox_service(author):
        return []  # the settings' verdict covers such a domain
    envelope = domain_of(keys.bounce_address) if keys.bounce_address else author

    async def spf() -> tuple[Verdict, ...]:
        own = [relay for relay in config.relays if await _is_own(relay, config, dns)]
        service = config.relays[0].host if config.relays and not own else ""
        return await dns.run(judge_spf(envelope, service))

    async def dkim(key: Signer) -> tuple[Verdict, ...]:
        return (await dns.run(judge_dkim(key)),)

    async def dmarc() -> tuple[Verdict, ...]:
        domains = [author, envelope, *(ascii_domain(signer.domain) for signer in signers[:1])]
        walks: list[TreeWalk] = await asyncio.gather(*(dns.run(walk_tree(domain)) for domain in domains))
        aligned = judge_alignment(walks[0], walks[1], walks[2] if signers else None)
        return (judge_dmarc(walks[0]), aligned, await dns.run(judge_bimi(walks[0])))

    async def mx(domain: str, purposes: list[str]) -> tuple[Verdict, ...]:
        return (await dns.run(judge_mx(domain, purposes)),)

    parts = [_limited("spf", spf(), world), _limited("dmarc", dmarc(), world)]
    parts += [_limited("dkim", dkim(signer), world) for signer in signers]
    addresses = {
        "from": keys.from_,
        "reply_to": keys.reply_to,
        "bounce_address": keys.bounce_address,
        "unsubscribe_mailto": keys.unsubscribe_mailto,
    }
    purposes: dict[str, list[str]] = {}
    for name, address in addresses.items():
        if address and not is_placeholder(domain_of(address)):
            purposes.setdefault(domain_of(address), []).append(name)
    return [*parts, *(_limited("mx", mx(domain, names), world) for domain, names in purposes.items())]


async def _web(config: Config, dns: DnsClient, world: World) -> tuple[Verdict, ...]:
    """The one-click address, and a server's clock: from the same response, or the site's."""
    template = config.unsubscribe_url
    url = template.replace("{token}", DUMMY_TOKEN).replace("{email}", DUMMY_ADDRESS)
    other = config.settings.serve.url or config.settings.site.url
    if not (url or other) or is_placeholder(url or other):
        return ()
    trust = await asyncio.to_thread(world.trust)

    async def asked(method: str, address: str, body: bytes = b"") -> WebAnswer:
        local = is_loopback(httpx.URL(address).host)
        return await ask_web(
            method,
            address,
            body=body,
            timeout_s=world.timeout_s,
            resolve=dns.addresses if dns.given and not local else resolve_name,
            # The operator configured a loopback address for a trial.
            allow=(lambda found: found.is_loopback) if local else world.allow,
            trust=trust,
        )

    verdicts: tuple[Verdict, ...] = ()
    if url:
        post = await asked("POST", url, ONE_CLICK_BODY)
        now = world.clock()
        get = await asked("GET", url) if not post.failure else post
        parsed = httpx.URL(url)
        place = f"{parsed.scheme}://{parsed.netloc.decode('ascii')}"
        verdicts = judge_one_click(place, post, get, local=is_loopback(parsed.host))
        if post.date:
            return (*verdicts, *judge_clock(now, parsed.host, post.date))
    if other and not is_placeholder(other):
        answer = await asked("GET", other)
        verdicts += judge_clock(world.clock(), httpx.URL(other).host, answer.date) if answer.date else ()
    return verdicts
