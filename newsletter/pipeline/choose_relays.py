"""Choose the relays of a send with their limits: from the command line or the configuration."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from newsletter.config.config import Config, RelaySettings
from newsletter.config.env_file import ENV_FILE, why_missing
from newsletter.config.relay_url import parse_relay, password_variables
from newsletter.delivery.smtp.catcher_probe import is_catcher
from newsletter.errors import ConfigError, located


def choose_relays(config: Config, url: str | None, env: Mapping[str, str], remedy: str = "") -> Sequence[RelaySettings]:
    """The relays of `url`, or of newsletter.toml. ConfigError if there is no relay, or a password is missing.

    `remedy` names another option of the command for a user without a relay.
    """
    relays = config.relay_settings
    if url:
        relay = parse_relay(url, env)
        # A name of its own, so that its rate limits are separate from those of other servers.
        name, ehlo = f"{relay.host}:{relay.port}", config.settings.relay.ehlo
        relays = (config.settings_for(replace(relay, name=name, ehlo=ehlo)),)
    for each in relays:
        relay = each.relay
        if relay.user and not relay.password and relay.auth != "xoauth2":
            variable = password_variables("" if url else relay.name)[0]
            raise ConfigError(
                f"{relay}: the environment variable {variable} is not set{why_missing(env, variable)}",
                f"set it to the password of {relay.user}, or write it into {ENV_FILE} beside newsletter.toml",
            )
    if not relays:
        place = config.path or "newsletter.toml"
        raise ConfigError(
            located(str(place), None, "no [relay] url is set", f"set it, or write --relay smtp://host:port{remedy}")
        )
    return relays


def mark_catchers(relays: Sequence[RelaySettings], config: Config, *, waits: bool) -> Sequence[RelaySettings]:
    """The relays, with rates and quiet hours disabled for mail catchers.

    A relay is probed only if its mail could be delayed: `waits` for a start time, quiet hours, a rate. This costs a
    connection.
    """
    waits = waits or config.quiet_hours is not None
    return [
        each.as_catcher() if (waits or each.rates or each.domains or each.warm_up) and is_catcher(each.relay) else each
        for each in relays
    ]
