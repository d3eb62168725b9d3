"""Resolve uncertain recipients: mail them again, or count them as sent."""

from __future__ import annotations

from collections.abc import Sequence

from newsletter.addresses import fold_address
from newsletter.errors import ConfigError
from newsletter.ledger.ledger import Ledger
from newsletter.model.delivery import State


def resolve_uncertain(ledger: Ledger, issue: str, addresses: Sequence[str], *, resend: bool) -> tuple[str, ...]:
    """Settle uncertain recipients, all of them without `addresses`; returns the settled addresses.

    `resend`: the next send mails them again; else they count as sent.
    """
    with ledger.hold(issue):
        ledger.recover(issue)
        uncertain = {fold_address(row.address): row.address for row in ledger.rows(issue, State.UNCERTAIN)}
        wanted = [fold_address(address) for address in addresses] or list(uncertain)
        unknown = [address for address in addresses if fold_address(address) not in uncertain]
        if unknown:
            raise ConfigError(f"{unknown[0]} is not uncertain for {issue}", f"`newsletter status {issue}` lists who is")
        for key in wanted:
            ledger.resolve(issue, uncertain[key], State.PENDING if resend else State.SENT)
    return tuple(uncertain[key] for key in wanted)
