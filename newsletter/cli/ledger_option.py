"""The option `--ledger`."""

from __future__ import annotations

import click

ledger_option = click.option(
    "--ledger", "ledger_url", metavar="URL", help="postgresql://… or sqlite:///FILE, instead of [ledger]."
)
