"""Warnings about the sender before a send: signature, alignment, a From at a mailbox provider."""

from __future__ import annotations

from collections.abc import Sequence

from newsletter.config.config import Config
from newsletter.errors import ConfigError
from newsletter.message.dkim import Signer, Signers
from newsletter.model.delivery import Relay
from newsletter.model.mailbox_providers import provider_of
from newsletter.pipeline.plan_send import signer_of

Signature = Signer | Signers | None


def sender_warnings(config: Config, relays: Sequence[Relay], signature: Signature) -> tuple[str, ...]:
    """Sentences with a remedy: a From at a public provider with another relay, Ed25519 without RSA."""
    return (*_foreign_from(config, relays), *_ed25519_alone(config, signature))


def signature_at_hand(config: Config) -> Signature:
    """The signing keys for a dry run, which needs none: a missing or broken key is no fault here."""
    try:
        return signer_of(config)
    except ConfigError:
        return None


def _foreign_from(config: Config, relays: Sequence[Relay]) -> tuple[str, ...]:
    address = config.settings.newsletter.from_.rpartition(" <")[2].removesuffix(">")
    domain = address.rpartition("@")[2]
    provider = provider_of(domain)
    if provider is None:
        return ()
    foreign = [
        relay for relay in relays if not provider.sends_from(relay.host) and not (provider.bridge and relay.is_loopback)
    ]
    if not foreign:
        return ()
    place = config.path or "newsletter.toml"
    via = ", ".join(str(relay) for relay in foreign)
    own = provider.name
    passing = f" unless it hands the mail on to {own}" if all(relay.is_loopback for relay in foreign) else ""
    return (
        f"{place}: [newsletter] from is {address}, and {via} is not {own}'s relay: the mail fails DMARC{passing}, "
        f"since only {own} can sign for {domain}, and receivers refuse it or call it spam; send from an address at "
        f"a domain of your own, or through {own}'s own server",
    )


def _ed25519_alone(config: Config, signature: Signature) -> tuple[str, ...]:
    signers = signature.signers if isinstance(signature, Signers) else (signature,) if signature else ()
    if not signers or any(signer.algorithm == "rsa-sha256" for signer in signers):
        return ()
    place = config.path or "newsletter.toml"
    return (
        f"{place}: [dkim] signs with Ed25519 alone, which Gmail, Outlook and Yahoo do not verify: for them the mail is "
        "not signed; add an RSA key with a selector of its own, a [[dkim]] for each (RFC 8463 3)",
    )
