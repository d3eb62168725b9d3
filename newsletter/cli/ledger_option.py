"""The option `--ledger`."""

from __future__ import annotations

import click

from newsletter.cli.options import Given

ledger_option = click.option(
    "--ledger", "ledger_url", type=Given(), metavar="URL", help="postgresql://… or sqlite:///FILE, instead of [ledger]."
)
