"""Format suggested commands, complete with the options to find the same configuration, ledger and relay."""

from __future__ import annotations

import os
import shlex
from collections.abc import Sequence
from pathlib import Path

from newsletter.config.config import Config
from newsletter.config.load import load_config
from newsletter.errors import ConfigError
from newsletter.frozen import frozen
from newsletter.pipeline.open_store import shown_place


@frozen
class Hints:
    """Formats commands about an issue that use the same configuration, ledger and relay.

    `config_path` is empty if the command finds newsletter.toml by itself.
    """

    config_path: str = ""
    relay_url: str = ""
    ledger_url: str = ""

    def resume(self, issue: str) -> str:
        return self._command("resume", issue, relay=True)

    def resolve(self, issue: str, *more: str) -> str:
        return self._command("resolve", issue, *more)

    def _command(self, *words: str, relay: bool = False) -> str:
        options = (
            ("--config", self.config_path),
            ("--relay", self.relay_url if relay else ""),
            ("--ledger", self.ledger_url),
        )
        given: Sequence[str] = [word for name, value in options if value for word in (name, value)]
        return shlex.join(["newsletter", *words, *given])


def hints_for(config: Config, relay_url: str | None, ledger_url: str | None) -> Hints:
    """The hints for a command with these options; `config` is what it loaded."""
    return Hints(_config_path(config), relay_url or "", shown_place(ledger_url or ""))


def _config_path(config: Config) -> str:
    """The path of newsletter.toml, unless a command started in the working directory loads that file by default."""
    if config.path is None:
        return ""
    try:
        found = load_config(None, os.environ, Path.cwd()).path
    except ConfigError:
        found = None
    if found is not None and found.resolve() == config.path.resolve():
        return ""
    return str(config.path)
