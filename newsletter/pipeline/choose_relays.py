"""Choose the relays of a send, each with its limits: from the command line or the configuration."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from newsletter.config.config import Config, RelaySettings
from newsletter.config.relay_url import parse_relay, password_variables
from newsletter.delivery.smtp.catcher_probe import is_catcher
from newsletter.errors import ConfigError


def choose_lanes(config: Config, url: str | None, env: Mapping[str, str], remedy: str = "") -> Sequence[RelaySettings]:
    """The lanes of `url`, or of newsletter.toml. ConfigError where there is no relay, or a password is missing.

    `remedy` is one more way out that the command has for a person without a relay.
    """
    lanes = config.lanes
    if url:
        relay = parse_relay(url, env)
        # A name of its own: what another server may take in a day is not used up through this one.
        name, ehlo = f"{relay.host}:{relay.port}", config.settings.relay.ehlo
        lanes = (config.lane(replace(relay, name=name, ehlo=ehlo)),)
    for lane in lanes:
        relay = lane.relay
        if relay.user and not relay.password and relay.auth != "xoauth2":
            variable = password_variables("" if url else relay.name)[0]
            raise ConfigError(
                f"{relay}: the environment variable {variable} is not set; set it to the password of {relay.user}"
            )
    if not lanes:
        place = config.path or "newsletter.toml"
        raise ConfigError(f"{place}: no [relay] url is set; set it, or write --relay smtp://host:port{remedy}")
    return lanes


def mark_catchers(lanes: Sequence[RelaySettings], config: Config, *, waits: bool) -> Sequence[RelaySettings]:
    """The lanes, those that lead to a mail catcher without anything that holds the mail back.

    A relay is asked what it is only where something could: `waits` for an hour, quiet hours, a limit. It costs a
    connection.
    """
    waits = waits or config.quiet_hours is not None
    return [
        lane.as_catcher() if (waits or lane.rates or lane.domains or lane.warm_up) and is_catcher(lane.relay) else lane
        for lane in lanes
    ]
