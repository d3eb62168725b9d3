"""Open the ledger that `--ledger` names, else that of newsletter.toml."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from newsletter.pipeline.open_store import open_ledger

if TYPE_CHECKING:
    from newsletter.config.config import Config


def utc_now() -> datetime:
    return datetime.now(UTC)


def ledger_place(config: Config, ledger_url: str | None) -> Path | str:
    return config.ledger_at(ledger_url)


def open_named_ledger(config: Config, ledger_url: str | None) -> Any:
    return open_ledger(config, utc_now, config.ledger_at(ledger_url))
