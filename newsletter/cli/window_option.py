"""The option `--window`: overrides newsletter.toml's hours in which `publish` begins an issue."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import click

from newsletter.errors import ConfigError, InvalidValueError
from newsletter.model.send_window import time_of_day
from newsletter.text import printable

if TYPE_CHECKING:
    from newsletter.config.config import Config


class Window(click.ParamType):  # type: ignore[type-arg]  # generic in some versions only
    """Parses `08:00-12:00` to `("08:00", "12:00")`; either may be omitted: `08:00-`."""

    name = "window"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> tuple[str, str]:
        if isinstance(value, tuple):
            return value
        opens, dash, closes = str(value).partition("-")
        try:
            hours = time_of_day(opens), time_of_day(closes)
        except InvalidValueError:
            hours = "", ""
        if not dash or not any(hours):
            raise ConfigError(f"--window {printable(str(value))!r} has no two times of day", "write 08:00-12:00")
        return hours


window_option = click.option(
    "--window", type=Window(), metavar="HH:MM-HH:MM", help="Begin no issue outside these hours."
)


def within(config: Config, window: tuple[str, str] | None) -> Config:
    """The configuration with these hours as `[publish]` `send_at` and `latest`."""
    if window is None:
        return config
    publish = replace(config.settings.publish, send_at=window[0], latest=window[1])
    return replace(config, settings=replace(config.settings, publish=publish))
