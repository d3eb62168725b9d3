"""Commands that are printed for the operator to type: complete where they are typed."""

from __future__ import annotations

import os
import shlex
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from newsletter.config.config import Config
from newsletter.config.load import load_config
from newsletter.errors import ConfigError
from newsletter.pipeline.open_store import shown_place


@dataclass(frozen=True, slots=True)
class Hints:
    """Prints commands about an issue so that they find the same configuration, ledger and relay again.

    `config_path` is empty where the command finds newsletter.toml by itself.
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
    """The hints of a command that was given these; `config` is what it read."""
    return Hints(_config_path(config), relay_url or "", shown_place(ledger_url or ""))


def _config_path(config: Config) -> str:
    """Where newsletter.toml is, unless a command that is started here reads that very file unasked."""
    if config.path is None:
        return ""
    try:
        found = load_config(None, os.environ, Path.cwd()).path
    except ConfigError:
        found = None
    if found is not None and found.resolve() == config.path.resolve():
        return ""
    return str(config.path)
